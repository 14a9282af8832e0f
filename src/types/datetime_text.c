/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates and times from and to text and numbers, and the texts of INTERVAL. The forms are those of
 * the manual ("Date and Time Literals", "The DATE, DATETIME, and TIMESTAMP Types"). Pure functions;
 * no locks, no waits.
 */
#include <stdio.h>
#include <string.h>

#include "types/datetime.h"
#include "types/types_int.h"

static bool
is_punct(char c)
{
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
           (c > 'z' && c < 0x7f);
}

/* Reading position; texts of dates are short. */
typedef struct cursor {
    const char *p, *end;
} cursor;

static void
skip_blanks(cursor *c)
{
    while (c->p < c->end && qli_is_blank(*c->p)) {
        c->p++;
    }
}

/* At most max digits; false = none. */
static bool
read_number(cursor *c, unsigned max, uint32_t *out)
{
    uint32_t v = 0;
    unsigned n = 0;
    while (c->p < c->end && n < max && qli_is_digit(*c->p)) {
        v = v * 10 + (uint32_t)(*c->p++ - '0');
        n++;
    }
    *out = v;
    return n > 0;
}

/* ".123456789" at the cursor, rounded half up to `decimals` digits. *carry = a whole second. */
static void
read_fraction(cursor *c, unsigned decimals, uint32_t *micro, bool *carry)
{
    uint32_t v = 0;
    unsigned n = 0;
    bool up = false;
    *carry = false;
    if (decimals > 6) {
        decimals = 6;
    }
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        for (; c->p < c->end && qli_is_digit(*c->p); c->p++, n++) {
            if (n < decimals) {
                v = v * 10 + (uint32_t)(*c->p - '0');
            } else if (n == decimals) {
                up = *c->p >= '5';
            }
        }
    }
    for (unsigned i = n < decimals ? n : decimals; i < decimals; i++) {
        v *= 10;
    }
    v += up;
    if (v == qli_power10(decimals)) {
        v = 0;
        *carry = true;
    }
    *micro = v * (uint32_t)qli_power10(6 - decimals);
}

static uint32_t
expand_year(uint32_t y)
{
    return y < 70 ? 2000 + y : 1900 + y;
}

static bool
date_is_zero(const ql_dt *t)
{
    return t->year == 0 && t->month == 0 && t->day == 0;
}

bool
ql_dt_is_good(const ql_dt *t, unsigned allow)
{
    if (t->hour > 23 || t->minute > 59 || t->second > 59 || t->month > 12 || t->day > 31) {
        return false;
    }
    if (date_is_zero(t)) {
        bool whole = (t->hour | t->minute | t->second | t->micro) == 0;
        return allow & (whole ? QL_DATES_ZERO : QL_DATES_ZERO_PARTS);
    }
    if (t->month == 0 || t->day == 0) {
        return allow & QL_DATES_ZERO_PARTS;
    }
    return (allow & QL_DATES_ANY_DAY) ? t->year <= 9999
                                      : ql_dt_is_valid_date(t->year, t->month, t->day);
}

/* YYYYMMDD[HHMMSS], YYMMDD[HHMMSS]: ndigits digits without separators. */
static bool
read_compact(cursor *c, size_t ndigits, ql_dt *t, bool *has_time)
{
    unsigned year_digits = ndigits == 4 || ndigits == 8 || ndigits >= 14 ? 4 : 2;
    if (!read_number(c, year_digits, &t->year)) {
        return false;
    }
    if (!read_number(c, 2, &t->month) || !read_number(c, 2, &t->day)) {
        return false;
    }
    if (year_digits == 2 && !date_is_zero(t)) {
        t->year = expand_year(t->year);
    }
    if (c->p < c->end && *c->p == 'T' && c->p + 1 < c->end && qli_is_digit(c->p[1])) {
        c->p++;
    }
    if (read_number(c, 2, &t->hour)) {
        *has_time = true;
        (void)read_number(c, 2, &t->minute);
        (void)read_number(c, 2, &t->second);
    }
    return true;
}

/* Any run of punctuation between two numbers. */
static bool
skip_separator(cursor *c)
{
    const char *from = c->p;
    while (c->p < c->end && is_punct(*c->p)) {
        c->p++;
    }
    return c->p > from && c->p < c->end && qli_is_digit(*c->p);
}

/* Y-M-D[ T]H:M:S with any punctuation; *whole: down to the seconds. */
static bool
read_delimited(cursor *c, ql_dt *t, bool *has_time, bool *whole)
{
    const char *from = c->p;
    if (!read_number(c, 4, &t->year)) {
        return false;
    }
    bool short_year = c->p - from == 2;
    if (!skip_separator(c) || !read_number(c, 2, &t->month) || !skip_separator(c) ||
        !read_number(c, 2, &t->day)) {
        return false;
    }
    if (short_year && !date_is_zero(t)) {
        t->year = expand_year(t->year);
    }
    cursor at = *c;
    if (at.p < at.end && *at.p == 'T') {
        at.p++;
    } else if (at.p < at.end && (qli_is_blank(*at.p) || is_punct(*at.p))) {
        while (at.p < at.end && (qli_is_blank(*at.p) || is_punct(*at.p))) {
            at.p++;
        }
    } else {
        return true;
    }
    if (!read_number(&at, 2, &t->hour)) {
        return true;
    }
    *c = at;
    *has_time = true;
    if (c->p < c->end && *c->p == '.') {
        return true;
    }
    if (skip_separator(&at) && read_number(&at, 2, &t->minute)) {
        *c = at;
        if (at.p < at.end && *at.p != '.' && skip_separator(&at) &&
            read_number(&at, 2, &t->second)) {
            *c = at;
            *whole = true;
        }
    }
    return true;
}

/* "+05:30" behind the seconds or their fraction, to 14 hours either way, but not "-00:00" (manual,
 * "The DATE, DATETIME, and TIMESTAMP Types"). */
static bool
read_offset(cursor *c, int32_t *offset)
{
    const char *p = c->p;
    uint32_t h, m;
    if (c->end - p < 6 || p[3] != ':') {
        return false;
    }
    cursor hours = {p + 1, p + 3}, minutes = {p + 4, p + 6};
    if (!read_number(&hours, 2, &h) || !read_number(&minutes, 2, &m) || hours.p != hours.end ||
        minutes.p != minutes.end || m > 59) {
        return false;
    }
    int32_t seconds = (int32_t)(h * 3600 + m * 60);
    if (seconds > 14 * 3600 || (*p == '-' && seconds == 0)) {
        return false;
    }
    *offset = *p == '-' ? -seconds : seconds;
    c->p += 6;
    skip_blanks(c);
    return c->p == c->end;
}

ql_dt_result
ql_dt_parse(ql_str s, unsigned decimals, unsigned allow, ql_dt *t, bool *has_time)
{
    int32_t ignored;
    return ql_dt_parse_offset(s, decimals, allow, t, has_time, &ignored);
}

ql_dt_result
ql_dt_parse_offset(ql_str s, unsigned decimals, unsigned allow, ql_dt *t, bool *has_time,
                   int32_t *offset)
{
    cursor c = {s.p, s.p + s.n};
    bool carry = false, whole = false;
    *t = (ql_dt){0};
    *has_time = false;
    *offset = QL_NO_OFFSET;
    skip_blanks(&c);
    const char *d = c.p;
    while (d < c.end && qli_is_digit(*d)) {
        d++;
    }
    size_t ndigits = (size_t)(d - c.p);
    if (ndigits == 0) {
        return QL_DT_INVALID;
    }
    bool compact =
        d == c.end || qli_is_blank(*d) || *d == 'T' || (*d == '.' && ndigits >= 6) || ndigits > 4;
    if (compact && ndigits < 5 && d < c.end) {
        compact = false;
    }
    bool ok =
        compact ? read_compact(&c, ndigits, t, has_time) : read_delimited(&c, t, has_time, &whole);
    if (!ok) {
        return QL_DT_INVALID;
    }
    if (*has_time) {
        read_fraction(&c, decimals, &t->micro, &carry);
    }
    if (!ql_dt_is_good(t, allow)) {
        return QL_DT_INVALID;
    }
    if (whole && c.p < c.end && (*c.p == '+' || *c.p == '-') &&
        (!read_offset(&c, offset) || t->month == 0 || t->day == 0)) {
        return QL_DT_INVALID;
    }
    if (carry && (t->month == 0 || t->day == 0 || !ql_dt_add_micros(t, 0, 1000000))) {
        return QL_DT_INVALID;
    }
    skip_blanks(&c);
    return c.p < c.end ? QL_DT_TRUNCATED : QL_DT_OK;
}

static ql_dt_result
clamp_time(ql_dt *t)
{
    t->hour = 838;
    t->minute = 59;
    t->second = 59;
    t->micro = 0;
    return QL_DT_TRUNCATED;
}

/* HHMMSS as a number: at most 8386059 and two-digit minutes and seconds below 60. */
static ql_dt_result
time_from_digits(uint64_t v, ql_dt *t)
{
    if (v > 8385959) {
        return clamp_time(t);
    }
    t->second = (uint32_t)(v % 100);
    t->minute = (uint32_t)(v / 100 % 100);
    t->hour = (uint32_t)(v / 10000);
    return t->second > 59 || t->minute > 59 ? QL_DT_INVALID : QL_DT_OK;
}

static uint64_t
read_long(cursor *c)
{
    uint64_t v = 0;
    while (c->p < c->end && qli_is_digit(*c->p)) {
        if (v < 1000000000000ull) {
            v = v * 10 + (uint64_t)(*c->p - '0');
        }
        c->p++;
    }
    return v;
}

/* "H:M[:S]" behind the number `hours`, plus days; fields checked for range. */
static ql_dt_result
read_clock(cursor *c, uint64_t days, uint64_t hours, ql_dt *t)
{
    if (c->p + 1 < c->end && *c->p == ':' && qli_is_digit(c->p[1])) {
        c->p++;
        (void)read_number(c, 2, &t->minute);
        if (c->p + 1 < c->end && *c->p == ':' && qli_is_digit(c->p[1])) {
            c->p++;
            (void)read_number(c, 2, &t->second);
        }
    }
    if (t->minute > 59 || t->second > 59) {
        return QL_DT_INVALID;
    }
    hours += days > 1000 ? 1000000 : days * 24;
    if (hours > 838) {
        return clamp_time(t);
    }
    t->hour = (uint32_t)hours;
    return QL_DT_OK;
}

static ql_dt_result
time_of_full_date(ql_str s, unsigned decimals, ql_dt *t)
{
    bool has_time;
    ql_dt_result r = ql_dt_parse(s, decimals, QL_DATES_ZEROS, t, &has_time);
    t->year = t->month = t->day = 0;
    return r;
}

/* A text of 12 characters or more that begins as a date is a DATETIME, of which the time counts. */
static bool
looks_like_datetime(cursor c)
{
    const char *d = c.p;
    while (d < c.end && qli_is_digit(*d)) {
        d++;
    }
    if (c.end - c.p < 12) {
        return false;
    }
    return d - c.p >= 12 || (d < c.end && *d == '-' && d - c.p == 4);
}

ql_dt_result
ql_time_parse(ql_str s, unsigned decimals, ql_dt *t)
{
    cursor c = {s.p, s.p + s.n};
    *t = (ql_dt){0};
    skip_blanks(&c);
    if (looks_like_datetime(c)) {
        return time_of_full_date((ql_str){c.p, (size_t)(c.end - c.p)}, decimals, t);
    }
    bool negative = c.p < c.end && *c.p == '-';
    if (negative || (c.p < c.end && *c.p == '+')) {
        c.p++;
    }
    if (c.p >= c.end || !(qli_is_digit(*c.p) || *c.p == '.')) {
        return QL_DT_INVALID;
    }
    ql_dt_result r;
    uint64_t first = read_long(&c);
    cursor at = c;
    skip_blanks(&at);
    if (at.p > c.p && at.p < at.end && qli_is_digit(*at.p)) {
        c = at;
        r = read_clock(&c, first, read_long(&c), t);
    } else if (c.p < c.end && *c.p == ':') {
        r = read_clock(&c, 0, first, t);
    } else {
        r = time_from_digits(first, t);
    }
    if (r == QL_DT_INVALID) {
        return r;
    }
    bool carry, clamped = r == QL_DT_TRUNCATED;
    uint32_t micro;
    read_fraction(&c, decimals, &micro, &carry);
    if (!clamped) {
        t->micro = micro;
        if (carry) {
            uint64_t sec = ((uint64_t)t->hour * 60 + t->minute) * 60 + t->second + 1;
            t->second = (uint32_t)(sec % 60);
            t->minute = (uint32_t)(sec / 60 % 60);
            t->hour = (uint32_t)(sec / 3600);
        }
        if (t->hour > 838 || (t->hour == 838 && t->minute == 59 && t->second == 59 && t->micro)) {
            r = clamp_time(t);
        }
    }
    t->negative = negative && (t->hour | t->minute | t->second | t->micro) != 0;
    skip_blanks(&c);
    return r == QL_DT_OK && c.p < c.end ? QL_DT_TRUNCATED : r;
}

/* Two-digit years of YYMMDD[HHMMSS]: the century put in front, or 0 when v has no such form. */
static int64_t
complete_date_number(int64_t v)
{
    if (v == 0 || v >= 10000101000000) {
        return v;
    }
    if (v < 101) {
        return -1;
    }
    if (v <= 691231) {
        return (v + 20000000) * 1000000;
    }
    if (v < 700101) {
        return -1;
    }
    if (v <= 991231) {
        return (v + 19000000) * 1000000;
    }
    if (v < 10000101) {
        return -1;
    }
    if (v <= 99991231) {
        return v * 1000000;
    }
    if (v < 101000000) {
        return -1;
    }
    if (v <= 691231235959) {
        return v + 20000000000000;
    }
    if (v < 700101000000) {
        return -1;
    }
    return v <= 991231235959 ? v + 19000000000000 : v;
}

ql_dt_result
ql_dt_from_number(int64_t v, unsigned allow, ql_dt *t)
{
    *t = (ql_dt){0};
    if (v < 0) {
        return QL_DT_INVALID;
    }
    v = complete_date_number(v);
    if (v < 0 || v > 99991231235959) {
        return QL_DT_INVALID;
    }
    uint32_t date = (uint32_t)(v / 1000000), time = (uint32_t)(v % 1000000);
    t->year = date / 10000;
    t->month = date / 100 % 100;
    t->day = date % 100;
    t->hour = time / 10000;
    t->minute = time / 100 % 100;
    t->second = time % 100;
    return ql_dt_is_good(t, allow) ? QL_DT_OK : QL_DT_INVALID;
}

ql_dt_result
ql_time_from_number(int64_t v, ql_dt *t)
{
    *t = (ql_dt){0};
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (v >= 10000000000 && /* YYYYMMDDHHMMSS: its time */
        ql_dt_from_number(v, QL_DATES_ZERO, t) == QL_DT_OK) {
        t->year = t->month = t->day = 0;
        return QL_DT_OK;
    }
    *t = (ql_dt){0};
    ql_dt_result r = time_from_digits(u, t);
    t->negative = v < 0;
    return r;
}

int64_t
ql_dt_to_number(const ql_dt *t, bool is_date)
{
    int64_t date = (int64_t)t->year * 10000 + t->month * 100 + t->day;
    if (is_date) {
        return date;
    }
    return date * 1000000 + t->hour * 10000 + t->minute * 100 + t->second;
}

int64_t
ql_time_to_number(const ql_dt *t)
{
    int64_t v = (int64_t)t->hour * 10000 + t->minute * 100 + t->second;
    return t->negative ? -v : v;
}

static char *
put_digits(char *p, uint32_t v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v /= 10) {
        p[i] = (char)('0' + v % 10);
    }
    return p + width;
}

static char *
put_fraction(char *p, uint32_t micro, unsigned decimals)
{
    if (decimals == 0) {
        return p;
    }
    if (decimals > 6) {
        decimals = 6;
    }
    *p++ = '.';
    return put_digits(p, micro / (uint32_t)qli_power10(6 - decimals), decimals);
}

static char *
put_clock(char *p, const ql_dt *t)
{
    *p++ = ':';
    p = put_digits(p, t->minute, 2);
    *p++ = ':';
    return put_digits(p, t->second, 2);
}

static char *
put_date(char *p, const ql_dt *t)
{
    p = put_digits(p, t->year, 4);
    *p++ = '-';
    p = put_digits(p, t->month, 2);
    *p++ = '-';
    return put_digits(p, t->day, 2);
}

size_t
ql_date_print(const ql_dt *t, char out[32])
{
    char *p = put_date(out, t);
    *p = '\0';
    return (size_t)(p - out);
}

size_t
ql_dt_print(const ql_dt *t, unsigned decimals, char out[32])
{
    char *p = put_date(out, t);
    *p++ = ' ';
    p = put_digits(p, t->hour, 2);
    p = put_clock(p, t);
    p = put_fraction(p, t->micro, decimals);
    *p = '\0';
    return (size_t)(p - out);
}

size_t
ql_time_print(const ql_dt *t, unsigned decimals, char out[32])
{
    char *p = out;
    if (t->negative) {
        *p++ = '-';
    }
    p = put_digits(p, t->hour, t->hour > 999 ? 4 : (t->hour > 99 ? 3 : 2));
    p = put_clock(p, t);
    p = put_fraction(p, t->micro, decimals);
    *p = '\0';
    return (size_t)(p - out);
}

/* How many numbers the text of a unit has, and what each is worth. */
typedef struct unit_parts {
    uint8_t n;
    int64_t worth[5]; /* microseconds; months for YEAR_MONTH and the month units; days for DAY */
} unit_parts;

#define US 1ll
#define SEC 1000000ll
#define MIN (60 * SEC)
#define HOUR (60 * MIN)
#define DAYS 0 /* the first part counts in days */

static const unit_parts parts_of[] = {
    [QL_U_MICROSECOND] = {1, {US}},
    [QL_U_SECOND] = {1, {SEC}},
    [QL_U_MINUTE] = {1, {MIN}},
    [QL_U_HOUR] = {1, {HOUR}},
    [QL_U_DAY] = {1, {DAYS}},
    [QL_U_WEEK] = {1, {DAYS}},
    [QL_U_MONTH] = {1, {1}},
    [QL_U_QUARTER] = {1, {3}},
    [QL_U_YEAR] = {1, {12}},
    [QL_U_SECOND_MICROSECOND] = {2, {SEC, US}},
    [QL_U_MINUTE_MICROSECOND] = {3, {MIN, SEC, US}},
    [QL_U_MINUTE_SECOND] = {2, {MIN, SEC}},
    [QL_U_HOUR_MICROSECOND] = {4, {HOUR, MIN, SEC, US}},
    [QL_U_HOUR_SECOND] = {3, {HOUR, MIN, SEC}},
    [QL_U_HOUR_MINUTE] = {2, {HOUR, MIN}},
    [QL_U_DAY_MICROSECOND] = {5, {DAYS, HOUR, MIN, SEC, US}},
    [QL_U_DAY_SECOND] = {4, {DAYS, HOUR, MIN, SEC}},
    [QL_U_DAY_MINUTE] = {3, {DAYS, HOUR, MIN}},
    [QL_U_DAY_HOUR] = {2, {DAYS, HOUR}},
    [QL_U_YEAR_MONTH] = {2, {12, 1}},
};

static bool
unit_is_months(ql_unit u)
{
    return u == QL_U_MONTH || u == QL_U_QUARTER || u == QL_U_YEAR || u == QL_U_YEAR_MONTH;
}

/* Numbers of the text with anything between them; fewer than n fill the units from the right. */
static bool
read_parts(cursor *c, unsigned n, bool has_micro, int64_t v[5])
{
    unsigned found = 0;
    long last_digits = 6;
    memset(v, 0, 5 * sizeof v[0]);
    while (c->p < c->end && found < n) {
        while (c->p < c->end && !qli_is_digit(*c->p)) {
            c->p++;
        }
        if (c->p >= c->end) {
            break;
        }
        const char *from = c->p;
        while (c->p < c->end && qli_is_digit(*c->p)) {
            if (__builtin_mul_overflow(v[found], (int64_t)10, &v[found]) ||
                __builtin_add_overflow(v[found], (int64_t)(*c->p - '0'), &v[found])) {
                return false;
            }
            c->p++;
        }
        found++;
        last_digits = c->p - from;
    }
    for (long i = last_digits; has_micro && found > 0 && i < 6; i++) {
        v[found - 1] *= 10; /* ".5" means 500000 microseconds */
    }
    if (found < n) {
        memmove(v + (n - found), v, found * sizeof v[0]);
        memset(v, 0, (n - found) * sizeof v[0]);
    }
    return true;
}

bool
ql_interval_parse(ql_str s, ql_unit unit, int64_t *months, int64_t *days, int64_t *micros)
{
    const unit_parts *u = &parts_of[unit];
    cursor c = {s.p, s.p + s.n};
    int64_t v[5], total_months = 0, total_days = 0, total = 0;
    *months = *days = *micros = 0;
    skip_blanks(&c);
    bool negative = c.p < c.end && *c.p == '-';
    bool has_micro = u->n > 1 && u->worth[u->n - 1] == US && !unit_is_months(unit);
    if (u->n == 1 && c.p < c.end && (*c.p == '-' || *c.p == '+')) {
        c.p++;
    }
    if (u->n == 1 && c.p < c.end && !qli_is_digit(*c.p) && *c.p != '.') {
        return true; /* text without number is 0 */
    }
    const char *start = c.p;
    if (u->n == 1 && start < c.end && *start == '.') {
        memset(v, 0, sizeof v);
    } else if (!read_parts(&c, u->n, has_micro, v)) {
        return false;
    }
    for (unsigned i = 0; i < u->n; i++) {
        int64_t part;
        if (unit_is_months(unit)) {
            if (__builtin_mul_overflow(v[i], u->worth[i], &part) ||
                __builtin_add_overflow(total_months, part, &total_months)) {
                return false;
            }
        } else if (u->worth[i] == DAYS) {
            total_days = v[i];
        } else if (u->worth[i] >=
                   HOUR) { /* whole days apart, so that microseconds do not overflow */
            if (__builtin_add_overflow(total_days, v[i] / 24, &total_days)) {
                return false;
            }
            total += v[i] % 24 * HOUR;
        } else {
            int64_t per_day = 24 * HOUR / u->worth[i];
            if (__builtin_add_overflow(total_days, v[i] / per_day, &total_days)) {
                return false;
            }
            total += v[i] % per_day * u->worth[i];
        }
    }
    if (unit == QL_U_WEEK && __builtin_mul_overflow(total_days, (int64_t)7, &total_days)) {
        return false;
    }
    if (unit == QL_U_SECOND && c.p < c.end && *c.p == '.') {
        uint32_t micro;
        bool carry;
        read_fraction(&c, 6, &micro, &carry);
        total += micro + (carry ? SEC : 0);
    }
    *months = negative ? -total_months : total_months;
    *days = negative ? -total_days : total_days;
    *micros = negative ? -total : total;
    return true;
}
