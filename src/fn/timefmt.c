/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates as text: DATE_FORMAT, TIME_FORMAT, STR_TO_DATE, FROM_UNIXTIME, DAYNAME, MONTHNAME. Format
 * letters are those of the MySQL manual, DATE_FORMAT(); names are those of lc_time_names.
 */
#include <stdio.h>
#include <string.h>

#include "fn/fn_int.h"
#include "types/zone.h"
#include "vars/zones.h"

/* English, for STR_TO_DATE, whatever lc_time_names says. */
static const char *const MONTHS[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const DAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

static const ql_locale_names *
names_of(const ql_ctx *cx)
{
    return (cx->vars->locale != NULL ? cx->vars->locale : ql_locale_default)->names;
}

QLI_FN(DAYNAME)
{
    ql_dt t;
    ql_dt_unpack(args[0].i, &t);
    if (t.month == 0 || t.day == 0) {
        return QL_OK;
    }
    int day = ql_dt_weekday(ql_dt_to_days(t.year, t.month, t.day));
    ql_str name = ql_locale_name(names_of(cx)->days, (unsigned)day);
    return qli_put_str(call, out, name.p, name.n);
}

QLI_FN(MONTHNAME)
{
    ql_dt t;
    ql_dt_unpack(args[0].i, &t);
    if (t.month == 0) {
        return QL_OK;
    }
    ql_str name = ql_locale_name(names_of(cx)->months, t.month - 1);
    return qli_put_str(call, out, name.p, name.n);
}

static const char *
ordinal_suffix(unsigned n)
{
    if (n % 100 >= 11 && n % 100 <= 13) {
        return "th";
    }
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

static ql_status
put_name(ql_ctx *cx, ql_buf *b, const char *list, unsigned nth)
{
    ql_str name = ql_locale_name(list, nth);
    return ql_buf_put(cx, b, name.p, name.n);
}

/* One format letter; *null = the date has not what it asks for. */
static ql_status
put_letter(ql_ctx *cx, ql_buf *b, const ql_dt *t, char c, bool *null)
{
    unsigned h12 = (t->hour % 24 + 11) % 12 + 1;
    const char *half = t->hour % 24 < 12 ? "AM" : "PM";
    uint32_t year = t->year;
    bool day = t->month > 0 && t->day > 0;
    int64_t days = day ? ql_dt_to_days(t->year, t->month, t->day) : 0;
    if (strchr("aWw", c) != NULL && !day) {
        *null = true;
        return QL_OK;
    }
    if (strchr("bM", c) != NULL && t->month == 0) {
        *null = true;
        return QL_OK;
    }
    switch (c) {
    case 'a':
        return put_name(cx, b, names_of(cx)->short_days, (unsigned)ql_dt_weekday(days));
    case 'b':
        return put_name(cx, b, names_of(cx)->short_months, t->month - 1);
    case 'c':
        return ql_buf_printf(cx, b, "%u", t->month);
    case 'D':
        return ql_buf_printf(cx, b, "%u%s", t->day, ordinal_suffix(t->day));
    case 'd':
        return ql_buf_printf(cx, b, "%02u", t->day);
    case 'e':
        return ql_buf_printf(cx, b, "%u", t->day);
    case 'f':
        return ql_buf_printf(cx, b, "%06u", t->micro);
    case 'H':
        return ql_buf_printf(cx, b, "%02u", t->hour);
    case 'h':
    case 'I':
        return ql_buf_printf(cx, b, "%02u", h12);
    case 'i':
        return ql_buf_printf(cx, b, "%02u", t->minute);
    case 'j':
        return ql_buf_printf(cx, b, "%03u",
                             day ? (unsigned)(days - ql_dt_to_days(t->year, 1, 1) + 1) : 0u);
    case 'k':
        return ql_buf_printf(cx, b, "%u", t->hour);
    case 'l':
        return ql_buf_printf(cx, b, "%u", h12);
    case 'M':
        return put_name(cx, b, names_of(cx)->months, t->month - 1);
    case 'm':
        return ql_buf_printf(cx, b, "%02u", t->month);
    case 'p':
        return ql_buf_put_str(cx, b, half);
    case 'r':
        return ql_buf_printf(cx, b, "%02u:%02u:%02u %s", h12, t->minute, t->second, half);
    case 'S':
    case 's':
        return ql_buf_printf(cx, b, "%02u", t->second);
    case 'T':
        return ql_buf_printf(cx, b, "%02u:%02u:%02u", t->hour, t->minute, t->second);
    case 'U':
        return ql_buf_printf(cx, b, "%02u", day ? ql_dt_week(t, 0, &year) : 0u);
    case 'u':
        return ql_buf_printf(cx, b, "%02u", day ? ql_dt_week(t, 1, &year) : 0u);
    case 'V':
        return ql_buf_printf(cx, b, "%02u", day ? ql_dt_week(t, 2, &year) : 0u);
    case 'v':
        return ql_buf_printf(cx, b, "%02u", day ? ql_dt_week(t, 3, &year) : 0u);
    case 'W':
        return put_name(cx, b, names_of(cx)->days, (unsigned)ql_dt_weekday(days));
    case 'w':
        return ql_buf_printf(cx, b, "%d", (ql_dt_weekday(days) + 1) % 7);
    case 'X':
        (void)(day ? ql_dt_week(t, 2, &year) : 0u);
        return ql_buf_printf(cx, b, "%04u", year);
    case 'x':
        (void)(day ? ql_dt_week(t, 3, &year) : 0u);
        return ql_buf_printf(cx, b, "%04u", year);
    case 'Y':
        return ql_buf_printf(cx, b, "%04u", t->year);
    case 'y':
        return ql_buf_printf(cx, b, "%02u", t->year % 100);
    default:
        return ql_buf_put(cx, b, &c, 1);
    }
}

static ql_status
format_date(ql_ctx *cx, ql_call *call, const ql_dt *t, ql_str fmt, ql_value *out)
{
    ql_buf b = qli_buf(call);
    ql_status st = QL_OK;
    bool null = fmt.n == 0;
    if (t->negative) { /* once, in front of all */
        QL_TRY_TO(st, ql_buf_put_u8(cx, &b, '-'), done);
    }
    for (size_t i = 0; i < fmt.n && !null; i++) {
        QL_TRY_TO(st, ql_bulk_count(cx, 16), done);
        if (fmt.p[i] == '%' && i + 1 < fmt.n) {
            QL_TRY_TO(st, put_letter(cx, &b, t, fmt.p[++i], &null), done);
        } else {
            QL_TRY_TO(st, ql_buf_put(cx, &b, &fmt.p[i], 1), done);
        }
    }
    if (!null) {
        st = qli_put_copy(cx, call, out, b.p, b.n);
    }
done:
    ql_buf_free(&b);
    return st;
}

QLI_FN(DATE_FORMAT)
{
    ql_dt t;
    ql_dt_unpack(args[0].i, &t);
    return format_date(cx, call, &t, args[1].s, out);
}

QLI_FN(TIME_FORMAT)
{
    ql_dt t;
    ql_time_unpack(args[0].i, &t);
    return format_date(cx, call, &t, args[1].s, out);
}

QLI_FN(FROM_UNIXTIME)
{
    ql_decimal d, million, r;
    int64_t us;
    QL_TRY(ql_value_to_decimal(cx, &args[0], &d));
    ql_decimal_from_i64(&million, 1000000);
    if (!ql_decimal_mul(&r, &d, &million) || !ql_decimal_to_i64(&r, &us) || us < 0 ||
        us > QL_MOMENT_MAX_US) {
        return QL_OK;
    }
    ql_dt t;
    ql_zone_local(cx->zone, us, &t);
    if (nargs > 1) {
        return format_date(cx, call, &t, args[1].s, out);
    }
    *out = (ql_value){
        .kind = QL_K_DATETIME, .decimals = call->expr->type.decimals, .i = ql_dt_pack(&t)};
    return QL_OK;
}

/* The zones of the last row: mostly those of the next one, too. */
typedef struct zone_memo {
    struct {
        char name[QL_ZONE_NAME_MAX + 1];
        size_t n;
        const ql_zone *zone;
    } side[2];
} zone_memo;

/* *out NULL: no such zone. May wait (ql_zone_find). */
static ql_status
zone_of(ql_ctx *cx, ql_call *call, int side, ql_str name, const ql_zone **out)
{
    zone_memo *m = call->state;
    *out = NULL;
    if (name.n > QL_ZONE_NAME_MAX) {
        return QL_OK;
    }
    if (m == NULL) {
        m = call->state = QL_ARENA_NEW(cx, call->mem, zone_memo);
        if (m == NULL) {
            return QL_ERROR;
        }
    }
    if (m->side[side].zone == NULL || m->side[side].n != name.n ||
        memcmp(m->side[side].name, name.p, name.n) != 0) {
        ql_status st = ql_zone_find(cx, name, out);
        if (st != QL_OK) {
            *out = NULL;
            return st == QL_END ? QL_OK : st;
        }
        memcpy(m->side[side].name, name.p, name.n);
        m->side[side].n = name.n;
        m->side[side].zone = *out;
    }
    *out = m->side[side].zone;
    return QL_OK;
}

/* A moment outside of what TIMESTAMPs can hold is not converted (manual, CONVERT_TZ). */
QLI_FN(CONVERT_TZ)
{
    const ql_zone *from, *to;
    bool gap;
    ql_dt t;
    QL_TRY(zone_of(cx, call, 0, args[1].s, &from));
    QL_TRY(zone_of(cx, call, 1, args[2].s, &to));
    if (from == NULL || to == NULL) {
        return QL_OK;
    }
    ql_dt_unpack(args[0].i, &t);
    if (!ql_dt_is_valid_date(t.year, t.month, t.day) || t.month == 0 || t.day == 0) {
        return QL_OK;
    }
    int64_t us = ql_zone_moment(from, &t, &gap);
    if (us >= QL_TIMESTAMP_MIN_US && us <= QL_MOMENT_MAX_US) {
        ql_zone_local(to, us, &t);
    }
    *out = (ql_value){
        .kind = QL_K_DATETIME, .decimals = call->expr->type.decimals, .i = ql_dt_pack(&t)};
    return QL_OK;
}

/* --- STR_TO_DATE --- */

struct parse {
    const char *p, *end;
    ql_dt t;
    bool pm, has_half, has_date, has_time;
    unsigned yday;
};

static bool
number(struct parse *s, unsigned max_digits, uint32_t *v)
{
    unsigned n = 0;
    *v = 0;
    while (s->p < s->end && n < max_digits && *s->p >= '0' && *s->p <= '9') {
        *v = *v * 10 + (uint32_t)(*s->p++ - '0');
        n++;
    }
    return n > 0;
}

static bool
name_of(struct parse *s, const char *const *names, unsigned count, size_t cut, uint32_t *index)
{
    for (unsigned i = 0; i < count; i++) {
        size_t n = cut ? cut : strlen(names[i]);
        if ((size_t)(s->end - s->p) >= n &&
            ql_str_eq_nocase((ql_str){s->p, n}, (ql_str){names[i], n})) {
            s->p += n;
            *index = i + 1;
            return true;
        }
    }
    return false;
}

static bool
literal(struct parse *s, char c)
{
    if (s->p < s->end && *s->p == c) {
        s->p++;
        return true;
    }
    return false;
}

static bool
half_day(struct parse *s)
{
    if (s->end - s->p < 2 || (s->p[1] != 'M' && s->p[1] != 'm') ||
        strchr("AaPp", s->p[0]) == NULL) {
        return false;
    }
    s->pm = s->p[0] == 'P' || s->p[0] == 'p';
    s->has_half = true;
    s->p += 2;
    return true;
}

static bool
clock_part(struct parse *s, bool twelve)
{
    s->has_time = true;
    return number(s, 2, &s->t.hour) && literal(s, ':') && number(s, 2, &s->t.minute) &&
           literal(s, ':') && number(s, 2, &s->t.second) &&
           (!twelve || (literal(s, ' ') && half_day(s)));
}

static bool
fraction(struct parse *s)
{
    const char *from = s->p;
    if (!number(s, 6, &s->t.micro)) {
        return false;
    }
    for (long n = s->p - from; n < 6; n++) {
        s->t.micro *= 10;
    }
    return true;
}

static bool
short_year(struct parse *s)
{
    if (!number(s, 2, &s->t.year)) {
        return false;
    }
    s->t.year += s->t.year < 70 ? 2000 : 1900;
    return true;
}

static bool
parse_letter(struct parse *s, char c)
{
    uint32_t ignored;
    if (strchr("YyMmbcdeDjaWw", c) != NULL) {
        s->has_date = true;
    } else if (strchr("HhIkliSsfpTr", c) != NULL) {
        s->has_time = true;
    }
    switch (c) {
    case 'Y':
        return number(s, 4, &s->t.year);
    case 'y':
        return short_year(s);
    case 'm':
    case 'c':
        return number(s, 2, &s->t.month);
    case 'M':
        return name_of(s, MONTHS, 12, 0, &s->t.month);
    case 'b':
        return name_of(s, MONTHS, 12, 3, &s->t.month);
    case 'd':
    case 'e':
        return number(s, 2, &s->t.day);
    case 'D':
        return number(s, 2, &s->t.day) && s->end - s->p >= 2 && (s->p += 2);
    case 'j':
        return number(s, 3, &s->yday) && s->yday > 0;
    case 'a':
        return name_of(s, DAYS, 7, 3, &ignored);
    case 'W':
        return name_of(s, DAYS, 7, 0, &ignored);
    case 'w':
        return number(s, 1, &ignored);
    case 'H':
    case 'k':
        return number(s, 2, &s->t.hour);
    case 'h':
    case 'I':
    case 'l':
        if (!number(s, 2, &s->t.hour) || s->t.hour == 0 || s->t.hour > 12) {
            return false;
        }
        s->has_half = true;
        return true;
    case 'i':
        return number(s, 2, &s->t.minute);
    case 'S':
    case 's':
        return number(s, 2, &s->t.second);
    case 'f':
        return fraction(s);
    case 'p':
        return half_day(s);
    case 'T':
        return clock_part(s, false);
    case 'r':
        return clock_part(s, true);
    case '%':
        return literal(s, '%');
    default:
        return false;
    }
}

static ql_status
run_format(ql_ctx *cx, struct parse *s, ql_str fmt, bool *ok)
{
    *ok = false;
    for (size_t i = 0; i < fmt.n; i++) {
        QL_TRY(ql_bulk_count(cx, 16));
        while (s->p < s->end && *s->p == ' ') {
            s->p++;
            QL_TRY(ql_bulk_count(cx, 1));
        }
        if (fmt.p[i] == ' ') {
            continue;
        }
        if (s->p == s->end) {
            break; /* text ended first: the rest of the format is as if absent */
        }
        if (fmt.p[i] == '%' && i + 1 < fmt.n) {
            if (!parse_letter(s, fmt.p[++i])) {
                return QL_OK;
            }
        } else if (!literal(s, fmt.p[i])) {
            return QL_OK;
        }
    }
    *ok = true;
    return QL_OK;
}

/* The parts of a date are looked at one by one (manual, STR_TO_DATE): 04/31 is good. */
static unsigned
parts_allowed(const ql_ctx *cx)
{
    uint64_t mode = cx->vars->sql_mode;
    return QL_DATES_ANY_DAY | (mode & QL_MODE_NO_ZERO_DATE ? 0 : QL_DATES_ZERO) |
           (mode & QL_MODE_NO_ZERO_IN_DATE ? 0 : QL_DATES_ZERO_PARTS);
}

QLI_FN(STR_TO_DATE)
{
    struct parse s = {.p = args[0].s.p, .end = args[0].s.p + args[0].s.n};
    bool ok;
    QL_TRY(run_format(cx, &s, args[1].s, &ok));
    if (ok && s.has_half) {
        s.t.hour = s.t.hour % 12 + (s.pm ? 12 : 0);
    }
    if (ok && s.yday && s.t.year) {
        ql_dt day;
        ql_dt_from_days(ql_dt_to_days(s.t.year, 1, 1) + s.yday - 1, &day);
        s.t.month = day.month;
        s.t.day = day.day;
    }
    ok = ok && s.t.minute < 60 && s.t.second < 60 && s.t.month <= 12 && s.t.day <= 31;
    if (ok && s.has_date) {
        ok = ql_dt_is_good(&s.t, parts_allowed(cx));
    }
    if (!ok) {
        return ql_complain_text(
            cx, QL_ER_WRONG_VALUE_FOR_TYPE, "Incorrect %s value: '%.*s' for function %s",
            "datetime", (int)(args[0].s.n > 128 ? 128 : args[0].s.n), args[0].s.p, "str_to_date");
    }
    ql_kind kind = call->expr->type.kind;
    int64_t packed = kind == QL_K_TIME ? ql_time_pack(&s.t) : ql_dt_pack(&s.t);
    if (kind == QL_K_DATE) {
        s.t.hour = s.t.minute = s.t.second = s.t.micro = 0;
        packed = ql_dt_pack(&s.t);
    }
    *out = (ql_value){.kind = kind, .decimals = call->expr->type.decimals, .i = packed};
    return QL_OK;
}
