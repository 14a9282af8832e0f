/* SPDX-License-Identifier: Apache-2.0
 *
 * Date and time functions except formatting (timefmt.c). Arguments arrive as DATE, TIME or
 * DATETIME where functions.def says so; NOW and its kin are the statement's start time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "fn/fn_int.h"

#define DAY_US (86400LL * 1000000LL)

static ql_status
put_kind(ql_value *out, ql_kind kind, int64_t packed, unsigned decimals)
{
    *out = (ql_value){.kind = kind, .decimals = (uint8_t)decimals, .i = packed};
    return QL_OK;
}

static ql_status
put_datetime(const ql_dt *t, unsigned decimals, ql_value *out)
{
    return put_kind(out, QL_K_DATETIME, ql_dt_pack(t), decimals);
}

static ql_status
put_date(ql_dt t, ql_value *out)
{
    t.hour = t.minute = t.second = t.micro = 0;
    return put_kind(out, QL_K_DATE, ql_dt_pack(&t), 0);
}

/* Microseconds of a day or of a TIME (signed). */
static int64_t
time_us(const ql_dt *t)
{
    int64_t us = ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000000LL + t->micro;
    return t->negative ? -us : us;
}

#define TIME_MAX_US (((838ULL * 60 + 59) * 60 + 59) * 1000000ULL)

static bool
is_beyond_time(int64_t us)
{
    return (us < 0 ? 0 - (uint64_t)us : (uint64_t)us) > TIME_MAX_US;
}

/* The nearest TIME. */
static ql_dt
time_of_us(int64_t us)
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

static ql_status
time_result(ql_ctx *cx, int64_t us, ql_dt *t)
{
    uint64_t s = (us < 0 ? 0 - (uint64_t)us : (uint64_t)us) / 1000000;
    *t = time_of_us(us);
    return is_beyond_time(us) ? complain_beyond_time(cx, us < 0, s / 3600, (unsigned)(s / 60 % 60),
                                                     (unsigned)(s % 60))
                              : QL_OK;
}

static ql_dt
date_of(const ql_value *v)
{
    ql_dt t;
    ql_dt_unpack(v->i, &t);
    return t;
}

static ql_dt
time_of(const ql_value *v)
{
    ql_dt t;
    ql_time_unpack(v->i, &t);
    return t;
}

static int64_t
days_of(const ql_dt *t)
{
    return ql_dt_to_days(t->year, t->month, t->day);
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
clock_at(int64_t us, int32_t zone, unsigned decimals)
{
    ql_dt t;
    ql_dt_from_unix(us, zone, &t);
    cut_fraction(&t, decimals);
    return t;
}

static ql_status
now_as(ql_ctx *cx, ql_call *call, ql_kind kind, bool utc, ql_value *out)
{
    unsigned decimals = call->expr->type.decimals;
    ql_dt t = clock_at(cx->vars->timestamp_us, utc ? 0 : cx->vars->zone_seconds, decimals);
    if (kind == QL_K_DATE) {
        return put_date(t, out);
    }
    if (kind == QL_K_TIME) {
        t.year = t.month = t.day = 0;
        return put_kind(out, QL_K_TIME, ql_time_pack(&t), decimals);
    }
    return put_datetime(&t, decimals, out);
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
    ql_dt t = clock_at(ql_now_real_us(), cx->vars->zone_seconds, call->expr->type.decimals);
    return put_datetime(&t, call->expr->type.decimals, out);
}

QLI_FN(DATE)
{
    return put_date(date_of(&args[0]), out);
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
    ql_dt t = date_of(&args[0]), add = time_of(&args[1]);
    if (!ql_dt_add_micros(&t, 0, time_us(&add))) {
        return QL_OK;
    }
    return put_datetime(&t, call->expr->type.decimals, out);
}

#define DATE_PART(id, expr)                                                                        \
    QLI_FN(id)                                                                                     \
    {                                                                                              \
        ql_dt t = date_of(&args[0]);                                                               \
        return qli_put_int(out, (int64_t)(expr));                                                  \
    }
#define TIME_PART(id, expr)                                                                        \
    QLI_FN(id)                                                                                     \
    {                                                                                              \
        ql_dt t = time_of(&args[0]);                                                               \
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
TIME_PART(TIME_TO_SEC, time_us(&t) / 1000000)

/* Functions of the calendar day are NULL for dates with a zero part. */
static bool
is_full_date(const ql_dt *t)
{
    return t->month > 0 && t->day > 0;
}

#define DAY_PART(id, expr)                                                                         \
    QLI_FN(id)                                                                                     \
    {                                                                                              \
        ql_dt t = date_of(&args[0]);                                                               \
        return is_full_date(&t) ? qli_put_int(out, (int64_t)(expr)) : QL_OK;                       \
    }

DAY_PART(WEEKDAY, ql_dt_weekday(days_of(&t)))
DAY_PART(DAYOFWEEK, (ql_dt_weekday(days_of(&t)) + 1) % 7 + 1)
DAY_PART(DAYOFYEAR, days_of(&t) - ql_dt_to_days(t.year, 1, 1) + 1)
DAY_PART(TO_DAYS, days_of(&t))
DAY_PART(TO_SECONDS, days_of(&t) * 86400 + time_us(&t) / 1000000)

static ql_status
week(const ql_value *v, unsigned mode, bool with_year, ql_value *out)
{
    ql_dt t = date_of(v);
    uint32_t year;
    if (!is_full_date(&t)) {
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
    ql_dt t = date_of(&args[0]);
    if (t.month == 0) {
        return QL_OK;
    }
    t.day = ql_dt_days_in_month(t.year, t.month);
    return put_date(t, out);
}

QLI_FN(DATEDIFF)
{
    ql_dt a = date_of(&args[0]), b = date_of(&args[1]);
    return is_full_date(&a) && is_full_date(&b) ? qli_put_int(out, days_of(&a) - days_of(&b))
                                                : QL_OK;
}

QLI_FN(FROM_DAYS)
{
    ql_dt t = {0};
    int64_t days = qli_int(&args[0]);
    if (days < 366 || days > 3652499) { /* before year 1 the manual's result is the zero date */
        return put_date(t, out);
    }
    ql_dt_from_days(days, &t);
    return put_date(t, out);
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
    return put_date(t, out);
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
    return put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
}

/* Seconds as a decimal number to microseconds. */
static ql_status
number_to_us(ql_ctx *cx, const ql_value *v, int64_t *us, bool *ok)
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
    QL_TRY(number_to_us(cx, &args[0], &us, &ok));
    if (!ok) {
        us = args[0].kind == QL_K_DOUBLE && args[0].d < 0 ? INT64_MIN + 1 : INT64_MAX;
    }
    ql_dt t = time_of_us(us);
    if (is_beyond_time(us)) {
        ql_str text;
        QL_TRY(ql_value_to_str(cx, cx->arena, &args[0], &text));
        QL_TRY(ql_complain_text(cx, QL_ER_TRUNCATED_WRONG_VALUE,
                                "Truncated incorrect time value: '%.*s'",
                                (int)(text.n > 128 ? 128 : text.n), text.p));
    }
    return put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
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

/* --- intervals --- */

static bool
is_day_unit(ql_unit u)
{
    return u == QL_U_DAY || u == QL_U_WEEK || u == QL_U_MONTH || u == QL_U_QUARTER ||
           u == QL_U_YEAR || u == QL_U_YEAR_MONTH;
}

/* INTERVAL v unit: months, days, microseconds. */
static ql_status
interval_of(ql_ctx *cx, ql_call *call, const ql_value *v, ql_unit unit, int64_t *months,
            int64_t *days, int64_t *us, bool *ok)
{
    static const int64_t unit_us[] = {[QL_U_MICROSECOND] = 1,
                                      [QL_U_SECOND] = 1000000,
                                      [QL_U_MINUTE] = 60000000LL,
                                      [QL_U_HOUR] = 3600000000LL};
    *months = *days = *us = 0;
    *ok = true;
    if (unit >= QL_U_SECOND_MICROSECOND) {
        char room[QL_SHORT_TEXT];
        ql_str s;
        QL_TRY(ql_value_to_str(cx, call->arena, v, &s));
        QL_TRY(ql_text_for_temporal(cx, &s, room));
        *ok = ql_interval_parse(s, unit, months, days, us);
        return QL_OK;
    }
    if (unit == QL_U_SECOND && v->kind != QL_K_INT) {
        return number_to_us(cx, v, us, ok);
    }
    int64_t n;
    bool uns;
    if (v->kind == QL_K_STRING) {
        ql_decimal d;
        QL_TRY(ql_value_to_decimal(cx, v, &d));
        *ok = ql_decimal_to_i64(&d, &n);
        uns = false;
    } else {
        QL_TRY(ql_value_to_int(cx, v, &n, &uns));
        *ok = !uns || n >= 0;
    }
    if (!*ok) {
        return QL_OK;
    }
    switch (unit) {
    case QL_U_YEAR:
        *ok = !__builtin_mul_overflow(n, 12, months);
        break;
    case QL_U_QUARTER:
        *ok = !__builtin_mul_overflow(n, 3, months);
        break;
    case QL_U_MONTH:
        *months = n;
        break;
    case QL_U_WEEK:
        *ok = !__builtin_mul_overflow(n, 7, days);
        break;
    case QL_U_DAY:
        *days = n;
        break;
    default:
        if (__builtin_mul_overflow(n, unit_us[unit], us)) {
            *days = n / (DAY_US / unit_us[unit]);
            *us = n % (DAY_US / unit_us[unit]) * unit_us[unit];
        }
    }
    return QL_OK;
}

/* Put a DATETIME result in the shape the resolver chose (DATE, DATETIME, or text for string
 * arguments). */
static ql_status
put_moment(ql_ctx *cx, ql_call *call, const ql_dt *t, bool is_date, ql_value *out)
{
    const ql_type *type = &call->expr->type;
    if (type->kind == QL_K_DATE) {
        return put_date(*t, out);
    }
    if (type->kind == QL_K_STRING) {
        char buf[32];
        size_t n = is_date ? ql_date_print(t, buf) : ql_dt_print(t, t->micro ? 6 : 0, buf);
        return qli_put_copy(cx, call, out, buf, n);
    }
    return put_datetime(t, type->decimals, out);
}

static ql_status
add_to_time(ql_ctx *cx, ql_call *call, const ql_value *v, int64_t days, int64_t us, ql_value *out)
{
    ql_dt t = time_of(v);
    int64_t sum;
    if (__builtin_mul_overflow(days, DAY_US, &sum) || __builtin_add_overflow(sum, us, &sum) ||
        __builtin_add_overflow(sum, time_us(&t), &sum)) {
        return QL_OK;
    }
    (void)cx;
    t = time_of_us(sum);
    return put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
}

/* Was it a date without a time of day that `v` was read from? */
static ql_status
had_no_time(ql_ctx *cx, const ql_value *v, bool *yes)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    ql_dt probe;
    double number;
    bool has_time = true;
    if (ql_kind_is_temporal(v->kind)) {
        *yes = v->kind == QL_K_DATE;
        return QL_OK;
    }
    if (v->kind != QL_K_STRING) { /* at most YYYYMMDD */
        QL_TRY(ql_value_to_double(cx, v, &number));
        *yes = number < 1e8;
        return QL_OK;
    }
    QL_TRY(ql_text_for_temporal(cx, &s, room));
    (void)ql_dt_parse(s, 6, QL_DATES_ZEROS, &probe, &has_time);
    *yes = !has_time;
    return QL_OK;
}

/* Dates with zero parts have no days to count from; what had a kind is NULL silently. */
static ql_status
complain_no_date(ql_ctx *cx, const ql_value *v)
{
    ql_str s;
    if (ql_kind_is_temporal(v->kind)) {
        return QL_OK;
    }
    QL_TRY(ql_value_to_str(cx, cx->arena, v, &s));
    return ql_complain_text(cx, QL_ER_TRUNCATED_WRONG_VALUE, "Incorrect datetime value: '%.*s'",
                            (int)(s.n > 128 ? 128 : s.n), s.p);
}

static ql_status
add_interval(ql_ctx *cx, ql_call *call, const ql_value *base, const ql_value *amount, ql_unit unit,
             bool subtract, ql_value *out)
{
    int64_t months, days, us;
    bool ok;
    if (base->kind == QL_K_TIME && call->expr->type.kind == QL_K_TIME) {
        QL_TRY(interval_of(cx, call, amount, unit, &months, &days, &us, &ok));
        return !ok || months
                   ? QL_OK
                   : add_to_time(cx, call, base, subtract ? -days : days, subtract ? -us : us, out);
    }
    ql_value moment;
    QL_TRY(ql_value_to_temporal(cx, base, QL_K_DATETIME, 6, true, &moment, &ok));
    if (!ok) {
        return QL_OK;
    }
    bool is_date;
    QL_TRY(had_no_time(cx, base, &is_date));
    is_date = is_date && is_day_unit(unit);
    ql_dt t = date_of(&moment);
    QL_TRY(interval_of(cx, call, amount, unit, &months, &days, &us, &ok));
    if (subtract) {
        ok = ok && months != INT64_MIN && days != INT64_MIN && us != INT64_MIN;
        months = -(ok ? months : 0);
        days = -(ok ? days : 0);
        us = -(ok ? us : 0);
    }
    if (!is_full_date(&t)) {
        return complain_no_date(cx, base);
    }
    if (!ok || !ql_dt_add_months(&t, months) || !ql_dt_add_micros(&t, days, us)) {
        return ql_complain_text(cx, QL_ER_DATETIME_FUNCTION_OVERFLOW,
                                "Datetime function: %s field overflow", "datetime");
    }
    return put_moment(cx, call, &t, is_date, out);
}

QLI_FN(DATE_ADD)
{
    return add_interval(cx, call, &args[0], &args[1], call->expr->unit, false, out);
}

QLI_FN(DATE_SUB)
{
    return add_interval(cx, call, &args[0], &args[1], call->expr->unit, true, out);
}

/* TIMESTAMPADD(unit, interval, datetime): the unit is the node's. */
QLI_FN(TIMESTAMPADD)
{
    return add_interval(cx, call, &args[1], &args[0], call->expr->unit, false, out);
}

QLI_FN(TIMESTAMPDIFF)
{
    ql_dt a = date_of(&args[0]), b = date_of(&args[1]);
    if (!is_full_date(&a) || !is_full_date(&b)) {
        return QL_OK;
    }
    int64_t us = (days_of(&b) - days_of(&a)) * DAY_US + time_us(&b) - time_us(&a);
    int64_t months = ((int64_t)b.year * 12 + b.month) - ((int64_t)a.year * 12 + a.month);
    int64_t inside =
        ((int64_t)b.day - a.day) * DAY_US + time_us(&b) - time_us(&a); /* rest of the last month */
    if (months > 0 && inside < 0) {
        months--;
    } else if (months < 0 && inside > 0) {
        months++;
    }
    switch (call->expr->unit) {
    case QL_U_MICROSECOND:
        return qli_put_int(out, us);
    case QL_U_SECOND:
        return qli_put_int(out, us / 1000000);
    case QL_U_MINUTE:
        return qli_put_int(out, us / 60000000LL);
    case QL_U_HOUR:
        return qli_put_int(out, us / 3600000000LL);
    case QL_U_DAY:
        return qli_put_int(out, us / DAY_US);
    case QL_U_WEEK:
        return qli_put_int(out, us / (7 * DAY_US));
    case QL_U_MONTH:
        return qli_put_int(out, months);
    case QL_U_QUARTER:
        return qli_put_int(out, months / 3);
    default:
        return qli_put_int(out, months / 12);
    }
}

/* Both as TIME, or both with a date; mixed is NULL. */
QLI_FN(TIMEDIFF)
{
    ql_value v[2];
    int64_t us[2];
    for (int i = 0; i < 2; i++) {
        bool ok, has_time = true;
        ql_kind kind = args[i].kind;
        if (kind == QL_K_STRING) {
            char room[QL_SHORT_TEXT];
            ql_str s = args[i].s;
            ql_dt t;
            QL_TRY(ql_text_for_temporal(cx, &s, room));
            kind = s.n > 8 && memchr(s.p, '-', s.n) && s.p[0] != '-' &&
                           ql_dt_parse(s, 6, QL_DATES_ZEROS, &t, &has_time) != QL_DT_INVALID
                       ? QL_K_DATETIME
                       : QL_K_TIME;
        }
        kind = kind == QL_K_DATE ? QL_K_DATETIME : kind != QL_K_DATETIME ? QL_K_TIME : kind;
        QL_TRY(ql_value_to_temporal(cx, &args[i], kind, 6, true, &v[i], &ok));
        if (!ok) {
            return QL_OK;
        }
        ql_dt t = kind == QL_K_TIME ? time_of(&v[i]) : date_of(&v[i]);
        us[i] = kind == QL_K_TIME ? time_us(&t) : days_of(&t) * DAY_US + time_us(&t);
    }
    if (v[0].kind != v[1].kind) {
        return QL_OK;
    }
    ql_dt t;
    QL_TRY(time_result(cx, us[0] - us[1], &t));
    return put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
}

static ql_status
add_time(ql_ctx *cx, ql_call *call, const ql_value *args, bool subtract, ql_value *out)
{
    ql_dt add = time_of(&args[1]);
    int64_t us = subtract ? -time_us(&add) : time_us(&add);
    ql_kind kind = args[0].kind;
    if (kind == QL_K_STRING) {
        char room[QL_SHORT_TEXT];
        ql_str s = args[0].s;
        ql_dt t;
        bool has_time = false;
        QL_TRY(ql_text_for_temporal(cx, &s, room));
        kind =
            s.n > 8 && ql_dt_parse(s, 6, QL_DATES_ZEROS, &t, &has_time) != QL_DT_INVALID && has_time
                ? QL_K_DATETIME
                : QL_K_TIME;
    }
    kind = kind == QL_K_DATE ? QL_K_DATETIME : kind != QL_K_DATETIME ? QL_K_TIME : kind;
    ql_value v;
    bool ok;
    QL_TRY(ql_value_to_temporal(cx, &args[0], kind, 6, true, &v, &ok));
    if (!ok) {
        return QL_OK;
    }
    ql_dt t;
    char buf[32];
    if (kind == QL_K_TIME) {
        t = time_of(&v);
        QL_TRY(time_result(cx, time_us(&t) + us, &t));
        if (call->expr->type.kind == QL_K_STRING) {
            return qli_put_copy(cx, call, out, buf, ql_time_print(&t, t.micro ? 6 : 0, buf));
        }
        return put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
    }
    t = date_of(&v);
    if (!ql_dt_add_micros(&t, 0, us)) {
        return QL_OK;
    }
    return put_moment(cx, call, &t, false, out);
}

QLI_FN(ADDTIME)
{
    return add_time(cx, call, args, false, out);
}

QLI_FN(SUBTIME)
{
    return add_time(cx, call, args, true, out);
}

static int64_t
extract_from(const ql_dt *t, ql_unit unit)
{
    int64_t sign = t->negative ? -1 : 1, h = t->hour, mi = t->minute, s = t->second, us = t->micro,
            d = t->day;
    uint32_t year;
    switch (unit) {
    case QL_U_YEAR:
        return t->year;
    case QL_U_QUARTER:
        return (t->month + 2) / 3;
    case QL_U_MONTH:
        return t->month;
    case QL_U_WEEK:
        return ql_dt_week(t, 0, &year);
    case QL_U_DAY:
        return d;
    case QL_U_HOUR:
        return sign * h;
    case QL_U_MINUTE:
        return sign * mi;
    case QL_U_SECOND:
        return sign * s;
    case QL_U_MICROSECOND:
        return sign * us;
    case QL_U_YEAR_MONTH:
        return (int64_t)t->year * 100 + t->month;
    case QL_U_DAY_HOUR:
        return sign * (d * 100 + h);
    case QL_U_DAY_MINUTE:
        return sign * (d * 10000 + h * 100 + mi);
    case QL_U_DAY_SECOND:
        return sign * (d * 1000000 + h * 10000 + mi * 100 + s);
    case QL_U_DAY_MICROSECOND:
        return sign * ((d * 1000000 + h * 10000 + mi * 100 + s) * 1000000 + us);
    case QL_U_HOUR_MINUTE:
        return sign * (h * 100 + mi);
    case QL_U_HOUR_SECOND:
        return sign * (h * 10000 + mi * 100 + s);
    case QL_U_HOUR_MICROSECOND:
        return sign * ((h * 10000 + mi * 100 + s) * 1000000 + us);
    case QL_U_MINUTE_SECOND:
        return sign * (mi * 100 + s);
    case QL_U_MINUTE_MICROSECOND:
        return sign * ((mi * 100 + s) * 1000000 + us);
    case QL_U_SECOND_MICROSECOND:
        return sign * (s * 1000000 + us);
    }
    return 0;
}

QLI_FN(EXTRACT)
{
    ql_unit unit = call->expr->unit;
    ql_kind kind = args[0].kind;
    bool wants_date = is_day_unit(unit), ok;
    if (kind != QL_K_TIME && kind != QL_K_DATETIME && kind != QL_K_DATE) {
        kind = wants_date || args[0].kind == QL_K_STRING ? QL_K_DATETIME : QL_K_TIME;
        if (!wants_date && args[0].kind == QL_K_STRING) {
            char room[QL_SHORT_TEXT];
            ql_str s = args[0].s;
            ql_dt t;
            bool has_time;
            QL_TRY(ql_text_for_temporal(cx, &s, room));
            kind = ql_dt_parse(s, 6, QL_DATES_ZEROS, &t, &has_time) == QL_DT_OK && s.n > 8
                       ? QL_K_DATETIME
                       : QL_K_TIME;
        }
    }
    ql_value v;
    QL_TRY(ql_value_to_temporal(cx, &args[0], kind, 6, true, &v, &ok));
    if (!ok) {
        return QL_OK;
    }
    ql_dt t = kind == QL_K_TIME ? time_of(&v) : date_of(&v);
    return qli_put_int(out, extract_from(&t, unit));
}

QLI_FN(UNIX_TIMESTAMP)
{
    int64_t us;
    if (nargs == 0) {
        return qli_put_int(out, cx->vars->timestamp_us / 1000000);
    }
    ql_dt t = date_of(&args[0]);
    us = is_full_date(&t) ? ql_dt_to_unix(&t, cx->vars->zone_seconds) : 0;
    if (us < 0 || us > 32536771199LL * 1000000 + 999999) { /* manual: beyond 3001-01-18 it is 0 */
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
