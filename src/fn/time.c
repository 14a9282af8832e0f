/* SPDX-License-Identifier: Apache-2.0
 *
 * Date and time functions except intervals (interval.c) and formatting (timefmt.c). Arguments
 * arrive as DATE, TIME or DATETIME where functions.def says so; NOW and its kin are the statement's
 * start time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "fn/time_int.h"

#define TIME_MAX_US (((838ULL * 60 + 59) * 60 + 59) * 1000000ULL)

static bool
is_beyond_time(int64_t us)
{
    return (us < 0 ? 0 - (uint64_t)us : (uint64_t)us) > TIME_MAX_US;
}

ql_dt
qli_time_of_us(int64_t us)
{
    ql_dt t = {0};
    t.negative = us < 0;
    uint64_t m = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    if (m > TIME_MAX_US) {
        m = TIME_MAX_US;
    }
    t.micro = (uint32_t)(m % 1000000);
    m /= 1000000;
    t.second = (uint32_t)(m % 60);
    t.minute = (uint32_t)(m / 60 % 60);
    t.hour = (uint32_t)(m / 3600);
    return t;
}

/* A result that no TIME is: named by hours, minutes and seconds. */
static ql_status
complain_beyond_time(ql_ctx *cx, bool negative, uint64_t h, unsigned m, unsigned s)
{
    char text[48];
    snprintf(text, sizeof text, "%s%02llu:%02u:%02u", negative ? "-" : "", (unsigned long long)h, m,
             s);
    return ql_complain(cx, QL_ER_TRUNCATED_WRONG_VALUE, "time", text);
}

ql_status
qli_time_result(ql_ctx *cx, int64_t us, ql_dt *t)
{
    uint64_t s = (us < 0 ? 0 - (uint64_t)us : (uint64_t)us) / 1000000;
    *t = qli_time_of_us(us);
    return is_beyond_time(us) ? complain_beyond_time(cx, us < 0, s / 3600, (unsigned)(s / 60 % 60),
                                                     (unsigned)(s % 60))
                              : QL_OK;
}

/* Cut to `decimals` digits. */
static void
cut_fraction(ql_dt *t, unsigned decimals)
{
    uint32_t p = 1;
    for (unsigned i = decimals; i < 6; i++) {
        p *= 10;
    }
    t->micro -= t->micro % p;
}

static ql_dt
clock_at(int64_t us, const ql_zone *zone, unsigned decimals)
{
    ql_dt t;
    ql_zone_local(zone, us, &t);
    cut_fraction(&t, decimals);
    return t;
}

static ql_status
now_as(ql_ctx *cx, ql_call *call, ql_kind kind, bool utc, ql_value *out)
{
    unsigned decimals = call->expr->type.decimals;
    ql_dt t = clock_at(cx->vars->timestamp_us, utc ? NULL : cx->zone, decimals);
    if (kind == QL_K_DATE) {
        return qli_put_date(t, out);
    }
    if (kind == QL_K_TIME) {
        t.year = t.month = t.day = 0;
        return qli_put_kind(out, QL_K_TIME, ql_time_pack(&t), decimals);
    }
    return qli_put_datetime(&t, decimals, out);
}

QLI_FN(NOW)
{
    return now_as(cx, call, QL_K_DATETIME, false, out);
}

QLI_FN(CURDATE)
{
    return now_as(cx, call, QL_K_DATE, false, out);
}

QLI_FN(CURTIME)
{
    return now_as(cx, call, QL_K_TIME, false, out);
}

QLI_FN(UTC_TIMESTAMP)
{
    return now_as(cx, call, QL_K_DATETIME, true, out);
}

QLI_FN(UTC_DATE)
{
    return now_as(cx, call, QL_K_DATE, true, out);
}

QLI_FN(UTC_TIME)
{
    return now_as(cx, call, QL_K_TIME, true, out);
}

QLI_FN(SYSDATE)
{
    ql_dt t = clock_at(ql_now_real_us(), cx->zone, call->expr->type.decimals);
    return qli_put_datetime(&t, call->expr->type.decimals, out);
}

QLI_FN(DATE)
{
    return qli_put_date(qli_date_of(&args[0]), out);
}

QLI_FN(TIME)
{
    *out = args[0];
    return QL_OK;
}

QLI_FN(TIMESTAMP)
{
    if (nargs == 1) {
        *out = args[0];
        return QL_OK;
    }
    ql_dt t = qli_date_of(&args[0]), add = qli_time_of(&args[1]);
    if (!ql_dt_add_micros(&t, 0, qli_time_us(&add))) {
        return QL_OK;
    }
    return qli_put_datetime(&t, call->expr->type.decimals, out);
}

#define DATE_PART(id, expr)                                                                        \
    QLI_FN(id)                                                                                     \
    {                                                                                              \
        ql_dt t = qli_date_of(&args[0]);                                                           \
        return qli_put_int(out, (int64_t)(expr));                                                  \
    }
#define TIME_PART(id, expr)                                                                        \
    QLI_FN(id)                                                                                     \
    {                                                                                              \
        ql_dt t = qli_time_of(&args[0]);                                                           \
        return qli_put_int(out, (int64_t)(expr));                                                  \
    }

DATE_PART(YEAR, t.year)
DATE_PART(MONTH, t.month)
DATE_PART(DAYOFMONTH, t.day)
DATE_PART(QUARTER, (t.month + 2) / 3)
TIME_PART(HOUR, t.hour)
TIME_PART(MINUTE, t.minute)
TIME_PART(SECOND, t.second)
TIME_PART(MICROSECOND, t.micro)
TIME_PART(TIME_TO_SEC, qli_time_us(&t) / 1000000)

#define DAY_PART(id, expr)                                                                         \
    QLI_FN(id)                                                                                     \
    {                                                                                              \
        ql_dt t = qli_date_of(&args[0]);                                                           \
        return qli_is_full_date(&t) ? qli_put_int(out, (int64_t)(expr)) : QL_OK;                   \
    }

DAY_PART(WEEKDAY, ql_dt_weekday(qli_days_of(&t)))
DAY_PART(DAYOFWEEK, (ql_dt_weekday(qli_days_of(&t)) + 1) % 7 + 1)
DAY_PART(DAYOFYEAR, qli_days_of(&t) - ql_dt_to_days(t.year, 1, 1) + 1)
DAY_PART(TO_DAYS, qli_days_of(&t))
DAY_PART(TO_SECONDS, qli_days_of(&t) * 86400 + qli_time_us(&t) / 1000000)

static ql_status
week(const ql_value *v, unsigned mode, bool with_year, ql_value *out)
{
    ql_dt t = qli_date_of(v);
    uint32_t year;
    if (!qli_is_full_date(&t)) {
        return QL_OK;
    }
    unsigned w = ql_dt_week(&t, with_year ? mode | 2u : mode, &year);
    return qli_put_int(out, with_year ? (int64_t)year * 100 + w : (int64_t)w);
}

QLI_FN(WEEK)
{
    return week(&args[0], nargs > 1 ? (unsigned)args[1].u & 7u : 0, false, out);
}

QLI_FN(WEEKOFYEAR)
{
    return week(&args[0], 3, false, out);
}

QLI_FN(YEARWEEK)
{
    return week(&args[0], nargs > 1 ? (unsigned)args[1].u & 7u : 0, true, out);
}

QLI_FN(LAST_DAY)
{
    ql_dt t = qli_date_of(&args[0]);
    if (t.month == 0) {
        return QL_OK;
    }
    t.day = ql_dt_days_in_month(t.year, t.month);
    return qli_put_date(t, out);
}

QLI_FN(DATEDIFF)
{
    ql_dt a = qli_date_of(&args[0]), b = qli_date_of(&args[1]);
    return qli_is_full_date(&a) && qli_is_full_date(&b)
               ? qli_put_int(out, qli_days_of(&a) - qli_days_of(&b))
               : QL_OK;
}

QLI_FN(FROM_DAYS)
{
    ql_dt t = {0};
    int64_t days = qli_int(&args[0]);
    if (days < 366 || days > 3652499) { /* before year 1 the manual's result is the zero date */
        return qli_put_date(t, out);
    }
    ql_dt_from_days(days, &t);
    return qli_put_date(t, out);
}

QLI_FN(MAKEDATE)
{
    int64_t year = qli_int(&args[0]), day = qli_int(&args[1]);
    ql_dt t = {0};
    if (day <= 0 || year < 0 || year > 9999) {
        return QL_OK;
    }
    year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    if (day > 3652424 || ql_dt_to_days((uint32_t)year, 1, 1) + day - 1 > 3652424) {
        return QL_OK;
    }
    ql_dt_from_days(ql_dt_to_days((uint32_t)year, 1, 1) + day - 1, &t);
    return qli_put_date(t, out);
}

QLI_FN(MAKETIME)
{
    int64_t hour = qli_int(&args[0]), minute = qli_int(&args[1]);
    double sec;
    QL_TRY(ql_value_to_double(cx, &args[2], &sec));
    if (minute < 0 || minute > 59 || sec < 0 || sec >= 60) {
        return QL_OK;
    }
    ql_dt t = {0};
    t.negative = hour < 0;
    uint64_t h = hour < 0 ? 0 - (uint64_t)hour : (uint64_t)hour;
    if (h > 838) {
        t.hour = 838;
        t.minute = t.second = 59;
        QL_TRY(complain_beyond_time(cx, t.negative, h, (unsigned)minute, (unsigned)sec));
    } else {
        int64_t us = (int64_t)(sec * 1e6 + 0.5);
        t.hour = (uint32_t)h;
        t.minute = (uint32_t)minute;
        t.second = (uint32_t)(us / 1000000);
        t.micro = (uint32_t)(us % 1000000);
    }
    cut_fraction(&t, call->expr->type.decimals);
    return qli_put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
}

ql_status
qli_number_to_us(ql_ctx *cx, const ql_value *v, int64_t *us, bool *ok)
{
    ql_decimal d, million, r;
    QL_TRY(ql_value_to_decimal(cx, v, &d));
    ql_decimal_from_i64(&million, 1000000);
    *ok = ql_decimal_mul(&r, &d, &million) && ql_decimal_to_i64(&r, us);
    return QL_OK;
}

QLI_FN(SEC_TO_TIME)
{
    int64_t us;
    bool ok;
    QL_TRY(qli_number_to_us(cx, &args[0], &us, &ok));
    if (!ok) {
        us = args[0].kind == QL_K_DOUBLE && args[0].d < 0 ? INT64_MIN + 1 : INT64_MAX;
    }
    ql_dt t = qli_time_of_us(us);
    if (is_beyond_time(us)) {
        ql_str text;
        QL_TRY(ql_value_to_str(cx, cx->arena, &args[0], &text));
        QL_TRY(ql_complain_text(cx, QL_ER_TRUNCATED_WRONG_VALUE,
                                "Truncated incorrect time value: '%.*s'",
                                (int)(text.n > 128 ? 128 : text.n), text.p));
    }
    return qli_put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
}

/* Months since year 0 as YYYYMM; absurd numbers wrap round. */
static ql_status
period(int64_t months, ql_value *out)
{
    uint64_t years = (uint64_t)(months / 12);
    return qli_put_int(out, (int64_t)(years * 100 + (uint64_t)(months % 12 + 1)));
}

/* YYMM or YYYYMM to months since year 0; -1 = not a period. */
static int64_t
months_of(int64_t p)
{
    int64_t year = p / 100, month = p % 100;
    if (p <= 0 || month < 1 || month > 12) {
        return -1;
    }
    year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    return year * 12 + month - 1;
}

QLI_FN(PERIOD_ADD)
{
    int64_t m = months_of(qli_int(&args[0]));
    if (m < 0) {
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "period_add");
    }
    return period((int64_t)((uint64_t)m + (uint64_t)qli_int(&args[1])), out);
}

QLI_FN(PERIOD_DIFF)
{
    int64_t a = months_of(qli_int(&args[0])), b = months_of(qli_int(&args[1]));
    if (a < 0 || b < 0) {
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "period_diff");
    }
    return qli_put_int(out, a - b);
}

QLI_FN(UNIX_TIMESTAMP)
{
    int64_t us;
    if (nargs == 0) {
        return qli_put_int(out, cx->vars->timestamp_us / 1000000);
    }
    if (args[0].kind == QL_K_TIMESTAMP) { /* a column: it is the moment, whatever clocks show */
        us = args[0].i;
    } else {
        ql_dt t = qli_date_of(&args[0]);
        bool gap;
        us = qli_is_full_date(&t) ? ql_zone_moment(cx->zone, &t, &gap) : 0;
    }
    if (us < 0 || us > QL_MOMENT_MAX_US) { /* manual: beyond 3001-01-18 it is 0 */
        us = 0;
    }
    if (call->expr->type.kind == QL_K_INT) {
        return qli_put_int(out, us / 1000000);
    }
    ql_decimal d, million, r;
    bool by_zero;
    ql_decimal_from_i64(&d, us);
    ql_decimal_from_i64(&million, 1000000);
    (void)ql_decimal_div(&r, &d, &million, 6, &by_zero);
    (void)ql_decimal_round(&r, call->expr->type.decimals, QL_ROUND_TRUNCATE);
    *out = (ql_value){.kind = QL_K_DECIMAL, .dec = r};
    return QL_OK;
}
