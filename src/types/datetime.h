/* SPDX-License-Identifier: Apache-2.0
 *
 * DATE, TIME, DATETIME: packed into int64_t whose order is the order of time, and calendar
 * arithmetic (proleptic Gregorian, years 0 to 9999).
 */
#ifndef QL_TYPES_DATETIME_H
#define QL_TYPES_DATETIME_H

#include "base/ctx.h"

/* Broken down. For TIME hour goes to 838 and negative is used. */
typedef struct ql_dt {
    uint32_t year, month, day, hour, minute, second, micro;
    bool negative;
} ql_dt;

/* DATE and DATETIME: ((((year*13+month)<<5 | day) <<17 | hour<<12|minute<<6|second) << 24) | micro.
 * A DATE is a DATETIME at 00:00:00. TIME: sign * ((hour<<12|minute<<6|second) << 24 | micro). */
int64_t ql_dt_pack(const ql_dt *t);
void ql_dt_unpack(int64_t packed, ql_dt *t);
int64_t ql_time_pack(const ql_dt *t);
void ql_time_unpack(int64_t packed, ql_dt *t);

typedef enum {
    QL_DT_OK,
    QL_DT_TRUNCATED /* something behind it was ignored */,
    QL_DT_INVALID
} ql_dt_result;
/* Dates that are good although no calendar has them (sql_mode). */
enum {
    QL_DATES_ZERO = 1,       /* 0000-00-00 */
    QL_DATES_ZERO_PARTS = 2, /* month or day 0 */
    QL_DATES_ZEROS = 3,
    QL_DATES_ANY_DAY = 4 /* 2025-02-31: days to 31 in every month */
};
/* MySQL's forms: 'YYYY-MM-DD', 'YY-M-D', any punctuation, 'YYYYMMDD', 'YYYYMMDDHHMMSS', 'T'
 * separator, fraction (rounded to `decimals` digits). allow: QL_DATES_*. */
ql_dt_result ql_dt_parse(ql_str s, unsigned decimals, unsigned allow, ql_dt *t, bool *has_time);
/* The same of a text that may end with the offset of its zone ('2020-01-01 10:00:00+05:30'), which
 * ql_dt_parse passes over: in seconds east of UTC, or QL_NO_OFFSET. */
#define QL_NO_OFFSET INT32_MAX
ql_dt_result ql_dt_parse_offset(ql_str s, unsigned decimals, unsigned allow, ql_dt *t,
                                bool *has_time, int32_t *offset);
ql_dt_result ql_time_parse(ql_str s, unsigned decimals,
                           ql_dt *t); /* '[-][D ]HH:MM:SS[.f]', HHMMSS, ... */
ql_dt_result ql_dt_from_number(int64_t v, unsigned allow, ql_dt *t); /* 20240131, 20240131120000 */
/* Is the date good, and the time of day? 0000-00-00 with a time of day has zero parts. */
bool ql_dt_is_good(const ql_dt *t, unsigned allow);
ql_dt_result ql_time_from_number(int64_t v, ql_dt *t);
int64_t ql_dt_to_number(const ql_dt *t, bool is_date);
int64_t ql_time_to_number(const ql_dt *t);
size_t ql_date_print(const ql_dt *t, char out[32]);
size_t ql_dt_print(const ql_dt *t, unsigned decimals, char out[32]);
size_t ql_time_print(const ql_dt *t, unsigned decimals, char out[32]);

bool ql_dt_is_valid_date(uint32_t year, uint32_t month, uint32_t day);
unsigned ql_dt_days_in_month(uint32_t year, uint32_t month);
int64_t ql_dt_to_days(uint32_t year, uint32_t month, uint32_t day); /* TO_DAYS */
void ql_dt_from_days(int64_t days, ql_dt *t);
int ql_dt_weekday(int64_t days);                                    /* 0 = Monday */
unsigned ql_dt_week(const ql_dt *t, unsigned mode, uint32_t *year); /* WEEK modes 0-7 */
/* Unix microseconds <-> local time in a zone offset of seconds (named zones other than SYSTEM and
 * UTC: later). */
void ql_dt_from_unix(int64_t us, int32_t zone_seconds, ql_dt *t);
int64_t ql_dt_to_unix(const ql_dt *t, int32_t zone_seconds);
/* Add n units; false = out of range (result NULL in SQL). Units as in INTERVAL. */
typedef enum ql_unit {
    QL_U_MICROSECOND,
    QL_U_SECOND,
    QL_U_MINUTE,
    QL_U_HOUR,
    QL_U_DAY,
    QL_U_WEEK,
    QL_U_MONTH,
    QL_U_QUARTER,
    QL_U_YEAR,
    QL_U_SECOND_MICROSECOND,
    QL_U_MINUTE_MICROSECOND,
    QL_U_MINUTE_SECOND,
    QL_U_HOUR_MICROSECOND,
    QL_U_HOUR_SECOND,
    QL_U_HOUR_MINUTE,
    QL_U_DAY_MICROSECOND,
    QL_U_DAY_SECOND,
    QL_U_DAY_MINUTE,
    QL_U_DAY_HOUR,
    QL_U_YEAR_MONTH
} ql_unit;
bool ql_dt_add_months(ql_dt *t, int64_t months);
bool ql_dt_add_micros(ql_dt *t, int64_t days, int64_t micros);
/* 'value' of INTERVAL 'value' unit -> months, or days and microseconds. false = not a valid
 * interval. */
bool ql_interval_parse(ql_str s, ql_unit unit, int64_t *months, int64_t *days, int64_t *micros);

#endif
