/* SPDX-License-Identifier: Apache-2.0
 *
 * Intervals: added to dates and times, between two of them, and the parts of one (EXTRACT). The
 * units are those of the MySQL manual, "Temporal Intervals".
 */
#include <string.h>

#include "fn/time_int.h"

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
        return qli_number_to_us(cx, v, us, ok);
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
        return qli_put_date(*t, out);
    }
    if (type->kind == QL_K_STRING) {
        char buf[32];
        size_t n = is_date ? ql_date_print(t, buf) : ql_dt_print(t, t->micro ? 6 : 0, buf);
        return qli_put_copy(cx, call, out, buf, n);
    }
    return qli_put_datetime(t, type->decimals, out);
}

static ql_status
add_to_time(ql_ctx *cx, ql_call *call, const ql_value *v, int64_t days, int64_t us, ql_value *out)
{
    ql_dt t = qli_time_of(v);
    int64_t sum;
    if (__builtin_mul_overflow(days, DAY_US, &sum) || __builtin_add_overflow(sum, us, &sum) ||
        __builtin_add_overflow(sum, qli_time_us(&t), &sum)) {
        return QL_OK;
    }
    (void)cx;
    t = qli_time_of_us(sum);
    return qli_put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
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

/* false: it has no opposite. */
static bool
negate(int64_t *months, int64_t *days, int64_t *us)
{
    return !__builtin_sub_overflow((int64_t)0, *months, months) &&
           !__builtin_sub_overflow((int64_t)0, *days, days) &&
           !__builtin_sub_overflow((int64_t)0, *us, us);
}

static ql_status
add_interval(ql_ctx *cx, ql_call *call, const ql_value *base, const ql_value *amount, ql_unit unit,
             bool subtract, ql_value *out)
{
    int64_t months, days, us;
    bool ok;
    if (base->kind == QL_K_TIME && call->expr->type.kind == QL_K_TIME) {
        QL_TRY(interval_of(cx, call, amount, unit, &months, &days, &us, &ok));
        ok = ok && (!subtract || negate(&months, &days, &us));
        return !ok || months ? QL_OK : add_to_time(cx, call, base, days, us, out);
    }
    ql_value moment;
    QL_TRY(ql_value_to_temporal(cx, base, QL_K_DATETIME, 6, true, &moment, &ok));
    if (!ok) {
        return QL_OK;
    }
    bool is_date;
    QL_TRY(had_no_time(cx, base, &is_date));
    is_date = is_date && is_day_unit(unit);
    ql_dt t = qli_date_of(&moment);
    QL_TRY(interval_of(cx, call, amount, unit, &months, &days, &us, &ok));
    ok = ok && (!subtract || negate(&months, &days, &us));
    if (!qli_is_full_date(&t)) {
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
    ql_dt a = qli_date_of(&args[0]), b = qli_date_of(&args[1]);
    if (!qli_is_full_date(&a) || !qli_is_full_date(&b)) {
        return QL_OK;
    }
    int64_t us = (qli_days_of(&b) - qli_days_of(&a)) * DAY_US + qli_time_us(&b) - qli_time_us(&a);
    int64_t months = ((int64_t)b.year * 12 + b.month) - ((int64_t)a.year * 12 + a.month);
    int64_t inside = ((int64_t)b.day - a.day) * DAY_US + qli_time_us(&b) -
                     qli_time_us(&a); /* rest of the last month */
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
        ql_dt t = kind == QL_K_TIME ? qli_time_of(&v[i]) : qli_date_of(&v[i]);
        us[i] = kind == QL_K_TIME ? qli_time_us(&t) : qli_days_of(&t) * DAY_US + qli_time_us(&t);
    }
    if (v[0].kind != v[1].kind) {
        return QL_OK;
    }
    ql_dt t;
    QL_TRY(qli_time_result(cx, us[0] - us[1], &t));
    return qli_put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
}

static ql_status
add_time(ql_ctx *cx, ql_call *call, const ql_value *args, bool subtract, ql_value *out)
{
    ql_dt add = qli_time_of(&args[1]);
    int64_t us = subtract ? -qli_time_us(&add) : qli_time_us(&add);
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
        t = qli_time_of(&v);
        QL_TRY(qli_time_result(cx, qli_time_us(&t) + us, &t));
        if (call->expr->type.kind == QL_K_STRING) {
            return qli_put_copy(cx, call, out, buf, ql_time_print(&t, t.micro ? 6 : 0, buf));
        }
        return qli_put_kind(out, QL_K_TIME, ql_time_pack(&t), call->expr->type.decimals);
    }
    t = qli_date_of(&v);
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
    ql_dt t = kind == QL_K_TIME ? qli_time_of(&v) : qli_date_of(&v);
    return qli_put_int(out, extract_from(&t, unit));
}
