/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones: from moments (microseconds since 1970-01-01 00:00:00 UTC) to what the clocks of a
 * zone show, and back. A zone is made once and never changes; where zones come from and who keeps
 * them is vars/zones.h. Pure functions; no locks, no waits.
 */
#ifndef QL_TYPES_ZONE_H
#define QL_TYPES_ZONE_H

#include "types/datetime.h"

#define QL_ZONE_NAME_MAX 64 /* as mysql.time_zone_name.Name */
#define QL_ZONE_ABBR_MAX 16

/* A way of counting that a zone has had: its offset, east of Greenwich, and what it was called. */
typedef struct ql_zone_type {
    int32_t seconds;
    bool is_dst;
    char abbr[QL_ZONE_ABBR_MAX];
} ql_zone_type;

/* A day of each year, and when on that day (seconds of local time, may be negative). */
typedef struct ql_zone_day {
    enum {
        QL_ZD_WEEKDAY /* Mm.w.d */,
        QL_ZD_NO_LEAP /* Jn: 1 to 365, never February 29 */,
        QL_ZD_ZERO /* n: 0 to 365 */
    } form;
    uint16_t day;                 /* NO_LEAP, ZERO */
    uint8_t month, week, weekday; /* WEEKDAY: week 5 is the last one, weekday 0 is Sunday */
    int32_t time;
} ql_zone_day;

/* How a zone goes on for ever: as POSIX writes it in TZ ("CET-1CEST,M3.5.0,M10.5.0/3"). */
typedef struct ql_zone_rule {
    ql_zone_type types[2]; /* standard, daylight saving */
    bool has_dst;
    ql_zone_day begin, end; /* of daylight saving time */
} ql_zone_rule;

/* Immutable. Made by the functions below in one piece of memory, freed by ql_zone_free. NULL stands
 * for UTC wherever a zone is asked. */
typedef struct ql_zone {
    char name[QL_ZONE_NAME_MAX + 1];
    uint32_t n;        /* transitions */
    uint32_t n_own;    /* of these, those that the file has; the others follow from the rule */
    const int64_t *at; /* [n] Unix seconds, ascending */
    const uint8_t *to; /* [n] the type that begins there */
    const ql_zone_type *types;   /* [ntypes] the first one holds before all transitions */
    uint32_t ntypes, ntypes_own; /* those of the file are the first ones */
    bool has_rule;               /* behind the last transition; else its type goes on */
    ql_zone_rule rule;
} ql_zone;

typedef enum { QL_ZONE_MADE, QL_ZONE_BAD, QL_ZONE_NO_MEMORY } ql_zone_result;
/* An offset. */
ql_zone *ql_zone_of_seconds(const char *name, int32_t seconds) QL_MUST_USE;
/* The bytes of a file of zoneinfo (RFC 8536). BAD: damaged, or it counts leap seconds. */
ql_zone_result ql_zone_of_file(ql_str bytes, ql_str name, ql_zone **out) QL_MUST_USE;
/* A text of TZ; quoted names and hours beyond 24 as in RFC 8536. */
ql_zone_result ql_zone_of_rule(ql_str text, ql_str name, ql_zone **out) QL_MUST_USE;
/* false = no such text. */
bool ql_zone_rule_parse(ql_str text, ql_zone_rule *out);
void ql_zone_free(ql_zone *z);

/* '+3:00', '-13:59' to '+14:00': as time_zone takes them. */
bool ql_zone_offset_parse(ql_str s, int32_t *seconds);
/* "+03:00" */
#define QL_ZONE_OFFSET_TEXT 8
void ql_zone_offset_print(int32_t seconds, char out[QL_ZONE_OFFSET_TEXT]);

/* What holds at a moment; `seconds` are Unix seconds. */
const ql_zone_type *ql_zone_type_at(const ql_zone *z, int64_t seconds);
/* The first moment after this one when something changes; false = nothing will. */
bool ql_zone_next(const ql_zone *z, int64_t after, int64_t *at);
/* What the clocks show. */
void ql_zone_local(const ql_zone *z, int64_t us, ql_dt *t);

/* The moments at which the clocks show t, which has a day: none in a gap (summer time begins), two
 * where clocks are put back; more than two: the first and the last. */
typedef struct ql_moments {
    unsigned n;
    int64_t us[2]; /* ascending. n = 0: us[0] is when the gap begins, and what shows then is beyond
                      t */
} ql_moments;
void ql_zone_moments(const ql_zone *z, const ql_dt *t, ql_moments *out);
/* The one that MySQL takes: the earlier one of two, the beginning of a gap. */
int64_t ql_zone_moment(const ql_zone *z, const ql_dt *t, bool *in_gap);

/* TIMESTAMP's range: '1970-01-01 00:00:01' to '2038-01-19 03:14:07.999999' UTC. The zero date is
 * moment 0. */
#define QL_TIMESTAMP_MIN_US INT64_C(1000000)
#define QL_TIMESTAMP_MAX_US INT64_C(2147483647999999)
/* Where arithmetic with moments ends: '3001-01-18 23:59:59.999999' UTC. */
#define QL_MOMENT_MAX_US INT64_C(32536771199999999)

#endif
