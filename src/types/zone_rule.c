/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of zones as POSIX writes them in TZ, with what RFC 8536, section 3.3, adds to them: names
 * in angle brackets, times of day from -167 to 167 hours. Read once, then reckoned for the years
 * around a moment. Pure functions; no locks, no waits.
 */
#include <string.h>

#include "types/zone_int.h"

#define HOUR 3600
#define DAY_SECONDS 86400
#define UNIX_EPOCH_DAY 719528 /* TO_DAYS('1970-01-01') */

/* ---- text ---- */

typedef struct cursor {
    const char *p, *end;
} cursor;

static bool
at(const cursor *c, char want)
{
    return c->p < c->end && *c->p == want;
}

static bool
take(cursor *c, char want)
{
    bool yes = at(c, want);
    c->p += yes;
    return yes;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Three letters and more, or letters, digits and signs in angle brackets. */
static bool
read_name(cursor *c, char out[QL_ZONE_ABBR_MAX])
{
    bool quoted = take(c, '<');
    const char *from = c->p;
    while (c->p < c->end &&
           (is_letter(*c->p) || (quoted && (is_digit(*c->p) || *c->p == '+' || *c->p == '-')))) {
        c->p++;
    }
    size_t n = (size_t)(c->p - from);
    if (n < 3 || n >= QL_ZONE_ABBR_MAX || (quoted && !take(c, '>'))) {
        return false;
    }
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

static bool
read_number(cursor *c, uint32_t max, uint32_t *out)
{
    const char *from = c->p;
    uint32_t v = 0;
    while (c->p < c->end && is_digit(*c->p) && c->p - from < 4) {
        v = v * 10 + (uint32_t)(*c->p++ - '0');
    }
    *out = v;
    return c->p > from && v <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool
read_time(cursor *c, uint32_t max_hours, int32_t *out)
{
    uint32_t h, m = 0, s = 0;
    bool negative = take(c, '-');
    if (!negative) {
        (void)take(c, '+');
    }
    if (!read_number(c, max_hours, &h) ||
        (take(c, ':') && (!read_number(c, 59, &m) || (take(c, ':') && !read_number(c, 59, &s))))) {
        return false;
    }
    int32_t v = (int32_t)(h * HOUR + m * 60 + s);
    *out = negative ? -v : v;
    return true;
}

/* ,day[/time] */
static bool
read_day(cursor *c, ql_zone_day *d)
{
    uint32_t month, week, day;
    *d = (ql_zone_day){.time = 2 * HOUR};
    if (!take(c, ',')) {
        return false;
    }
    if (take(c, 'M')) {
        if (!read_number(c, 12, &month) || month == 0 || !take(c, '.') ||
            !read_number(c, 5, &week) || week == 0 || !take(c, '.') || !read_number(c, 6, &day)) {
            return false;
        }
        d->form = QL_ZD_WEEKDAY;
        d->month = (uint8_t)month;
        d->week = (uint8_t)week;
        d->weekday = (uint8_t)day;
    } else {
        bool no_leap = take(c, 'J');
        if (!read_number(c, 365, &day) || (no_leap && day == 0)) {
            return false;
        }
        d->form = no_leap ? QL_ZD_NO_LEAP : QL_ZD_ZERO;
        d->day = (uint16_t)day;
    }
    return !take(c, '/') || read_time(c, 167, &d->time);
}

bool
ql_zone_rule_parse(ql_str text, ql_zone_rule *out)
{
    cursor c = {text.p, text.p + text.n};
    int32_t west;
    *out = (ql_zone_rule){0};
    if (!read_name(&c, out->types[0].abbr) || !read_time(&c, 24, &west)) {
        return false;
    }
    out->types[0].seconds = -west;
    if (c.p == c.end) {
        return true;
    }
    if (!read_name(&c, out->types[1].abbr)) {
        return false;
    }
    out->has_dst = true;
    out->types[1].is_dst = true;
    west -= HOUR;
    if (c.p < c.end && !at(&c, ',') && !read_time(&c, 24, &west)) {
        return false;
    }
    out->types[1].seconds = -west;
    /* POSIX leaves it open when a text without days changes; here it is no rule. */
    return read_day(&c, &out->begin) && read_day(&c, &out->end) && c.p == c.end;
}

/* ---- years ---- */

/* Day 0 is 1970-01-01. Years before 1 are reckoned as those 400 years later. */
static int64_t
first_day(int64_t year)
{
    int64_t cycles = 0;
    if (year < 1) {
        cycles = (400 - year) / 400;
        year += cycles * 400;
    }
    return ql_dt_to_days((uint32_t)year, 1, 1) - UNIX_EPOCH_DAY - cycles * 146097;
}

static bool
year_is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static int64_t
year_of(int64_t day)
{
    int64_t year = 1970 + day * 400 / 146097;
    while (first_day(year) > day) {
        year--;
    }
    while (first_day(year + 1) <= day) {
        year++;
    }
    return year;
}

static int64_t
weekday_of_month(int64_t year, const ql_zone_day *d)
{
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year_is_leap(year);
    int64_t first = first_day(year) + before[d->month - 1] + (d->month > 2 && leap);
    int64_t length = days[d->month - 1] + (d->month == 2 && leap);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday, 4 */
    int64_t day = (d->weekday - weekday + 7) % 7 + (d->week - 1) * 7;
    return first + (day < length ? day : day - 7);
}

/* Local seconds of day d in a year. */
static int64_t
when(int64_t year, const ql_zone_day *d)
{
    int64_t day;
    switch (d->form) {
    case QL_ZD_WEEKDAY:
        day = weekday_of_month(year, d);
        break;
    case QL_ZD_NO_LEAP:
        day = first_day(year) + d->day - 1 + (d->day >= 60 && year_is_leap(year));
        break;
    default:
        day = first_day(year) + d->day;
        break;
    }
    return day * DAY_SECONDS + d->time;
}

/* A change in the years around a moment. */
typedef struct change {
    int64_t at;
    uint8_t to;
} change;
#define CHANGES 10 /* of five years: times of day may reach a week into another one */

static int64_t
floor_day(int64_t seconds)
{
    return seconds >= 0 ? seconds / DAY_SECONDS : -((-seconds + DAY_SECONDS - 1) / DAY_SECONDS);
}

/* In order of time; where both are at one moment, daylight saving time goes on. */
static void
changes_around(const ql_zone_rule *r, int64_t seconds, change out[CHANGES])
{
    int64_t year = year_of(floor_day(seconds));
    for (int i = 0; i < CHANGES / 2; i++) {
        change b = {when(year - 2 + i, &r->begin) - r->types[0].seconds, 1};
        change e = {when(year - 2 + i, &r->end) - r->types[1].seconds, 0};
        bool begins_first = b.at < e.at;
        out[2 * i] = begins_first ? b : e;
        out[2 * i + 1] = begins_first ? e : b;
    }
    for (int i = 1; i < CHANGES; i++) {
        change c = out[i];
        int k = i;
        for (; k > 0 && (out[k - 1].at > c.at || (out[k - 1].at == c.at && out[k - 1].to > c.to));
             k--) {
            out[k] = out[k - 1];
        }
        out[k] = c;
    }
}

const ql_zone_type *
qli_zone_rule_at(const ql_zone_rule *r, int64_t seconds)
{
    change c[CHANGES];
    if (!r->has_dst) {
        return &r->types[0];
    }
    changes_around(r, seconds, c);
    uint8_t to = 1 - c[0].to;
    for (int i = 0; i < CHANGES && c[i].at <= seconds; i++) {
        to = c[i].to;
    }
    return &r->types[to];
}

bool
qli_zone_rule_next(const ql_zone_rule *r, int64_t after, int64_t *at)
{
    change c[CHANGES];
    if (!r->has_dst) {
        return false;
    }
    changes_around(r, after, c);
    for (int i = 0; i < CHANGES; i++) {
        if (c[i].at > after) {
            *at = c[i].at;
            return true;
        }
    }
    return false;
}
