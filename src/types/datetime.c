/* SPDX-License-Identifier: Apache-2.0
 *
 * Calendar: packing of dates and times, day numbers, weeks, adding intervals, Unix time. Text and
 * number forms are in datetime_text.c. Pure functions; no locks, no waits.
 */
#include "types/datetime.h"

#define DAY_US 86400000000ll
#define UNIX_EPOCH_DAY 719528 /* TO_DAYS('1970-01-01') */
#define LAST_DAY 3652424      /* TO_DAYS('9999-12-31') */

int64_t
ql_dt_pack(const ql_dt *t)
{
    uint64_t ymd = ((uint64_t)t->year * 13 + t->month) << 5 | t->day;
    uint64_t hms = (uint64_t)t->hour << 12 | t->minute << 6 | t->second;
    return (int64_t)((ymd << 17 | hms) << 24 | t->micro);
}

void
ql_dt_unpack(int64_t packed, ql_dt *t)
{
    uint64_t u = packed < 0 ? 0 : (uint64_t)packed;
    uint64_t hms = u >> 24 & 0x1ffff, ymd = u >> 41, ym = ymd >> 5;
    t->negative = false;
    t->micro = (uint32_t)(u & 0xffffff);
    t->second = (uint32_t)(hms & 63);
    t->minute = (uint32_t)(hms >> 6 & 63);
    t->hour = (uint32_t)(hms >> 12);
    t->day = (uint32_t)(ymd & 31);
    t->month = (uint32_t)(ym % 13);
    t->year = (uint32_t)(ym / 13);
}

int64_t
ql_time_pack(const ql_dt *t)
{
    uint64_t hms = (uint64_t)t->hour << 12 | t->minute << 6 | t->second;
    int64_t v = (int64_t)(hms << 24 | t->micro);
    return t->negative ? -v : v;
}

void
ql_time_unpack(int64_t packed, ql_dt *t)
{
    uint64_t u = packed < 0 ? 0 - (uint64_t)packed : (uint64_t)packed;
    *t = (ql_dt){0};
    t->negative = packed < 0;
    t->micro = (uint32_t)(u & 0xffffff);
    t->second = (uint32_t)(u >> 24 & 63);
    t->minute = (uint32_t)(u >> 30 & 63);
    t->hour = (uint32_t)(u >> 36);
}

/* Year 0 is no leap year, as MySQL counts. */
static bool
year_is_leap(uint32_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || (y % 400 == 0 && y != 0));
}

unsigned
ql_dt_days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12) {
        return 31;
    }
    return days[month - 1] + (month == 2 && year_is_leap(year) ? 1u : 0u);
}

bool
ql_dt_is_valid_date(uint32_t year, uint32_t month, uint32_t day)
{
    return year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= ql_dt_days_in_month(year, month);
}

static const uint16_t days_before[13] = {0,   31,  59,  90,  120, 151, 181,
                                         212, 243, 273, 304, 334, 365};

int64_t
ql_dt_to_days(uint32_t year, uint32_t month, uint32_t day)
{
    if (year == 0 && month == 0) {
        return 0;
    }
    int64_t y = year;
    uint32_t m = month < 1 ? 1 : (month > 12 ? 12 : month);
    /* Leap days before this year; the year 0 has none. */
    int64_t leaps = y > 0 ? (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 : 0;
    return 365 * y + leaps + days_before[m - 1] + (m > 2 && year_is_leap(year) ? 1 : 0) + day;
}

void
ql_dt_from_days(int64_t days, ql_dt *t)
{
    *t = (ql_dt){0};
    if (days <= 365 || days > LAST_DAY) {
        return;
    }
    uint32_t y = (uint32_t)(days * 400 / 146097);
    while (ql_dt_to_days(y + 1, 1, 1) <= days) {
        y++;
    }
    while (ql_dt_to_days(y, 1, 1) > days) {
        y--;
    }
    uint32_t rest = (uint32_t)(days - ql_dt_to_days(y, 1, 1)), m = 1;
    while (rest >= ql_dt_days_in_month(y, m)) {
        rest -= ql_dt_days_in_month(y, m);
        m++;
    }
    t->year = y;
    t->month = m;
    t->day = rest + 1;
}

int
ql_dt_weekday(int64_t days)
{
    return (int)((days + 5) % 7);
}

/* First day of week 1 of a year. by_weekday: the week that begins with the year's first `first day
 * of the week`; else the first week with four days or more in the year (manual, WEEK()). */
static int64_t
week_one(uint32_t year, bool monday_first, bool by_weekday)
{
    int64_t jan1 = ql_dt_to_days(year, 1, 1);
    int in_week = ql_dt_weekday(jan1);
    if (!monday_first) {
        in_week = (in_week + 1) % 7;
    }
    if (by_weekday) {
        return jan1 + (7 - in_week) % 7;
    }
    return in_week <= 3 ? jan1 - in_week : jan1 + 7 - in_week;
}

unsigned
ql_dt_week(const ql_dt *t, unsigned mode, uint32_t *year)
{
    bool monday_first = (mode & 1) != 0, from_one = (mode & 2) != 0;
    bool by_weekday = (mode & 1) == (mode >> 2 & 1);
    int64_t day = ql_dt_to_days(t->year, t->month, t->day);
    int64_t start = week_one(t->year, monday_first, by_weekday);
    *year = t->year;
    if (day < start) {
        if (!from_one) {
            return 0;
        }
        *year = t->year - 1;
        start = week_one(*year, monday_first, by_weekday);
    } else if (from_one && day >= week_one(t->year + 1, monday_first, by_weekday)) {
        *year = t->year + 1;
        return 1;
    }
    return (unsigned)((day - start) / 7 + 1);
}

static void
set_time_of_day(ql_dt *t, int64_t us)
{
    t->micro = (uint32_t)(us % 1000000);
    us /= 1000000;
    t->second = (uint32_t)(us % 60);
    t->minute = (uint32_t)(us / 60 % 60);
    t->hour = (uint32_t)(us / 3600);
}

static int64_t
time_of_day(const ql_dt *t)
{
    return ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000000 + t->micro;
}

void
ql_dt_from_unix(int64_t us, int32_t zone_seconds, ql_dt *t)
{
    us += (int64_t)zone_seconds * 1000000;
    int64_t day = us / DAY_US, rest = us % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        day--;
    }
    ql_dt_from_days(day + UNIX_EPOCH_DAY, t);
    set_time_of_day(t, rest);
}

int64_t
ql_dt_to_unix(const ql_dt *t, int32_t zone_seconds)
{
    int64_t day = ql_dt_to_days(t->year, t->month, t->day) - UNIX_EPOCH_DAY;
    return day * DAY_US + time_of_day(t) - (int64_t)zone_seconds * 1000000;
}

bool
ql_dt_add_months(ql_dt *t, int64_t months)
{
    int64_t total;
    if (t->month == 0 ||
        __builtin_add_overflow((int64_t)t->year * 12 + t->month - 1, months, &total) || total < 0 ||
        total >= 120000) {
        return false;
    }
    t->year = (uint32_t)(total / 12);
    t->month = (uint32_t)(total % 12) + 1;
    unsigned last = ql_dt_days_in_month(t->year, t->month);
    if (t->day > last) {
        t->day = last;
    }
    return true;
}

bool
ql_dt_add_micros(ql_dt *t, int64_t days, int64_t micros)
{
    if (days > 2 * LAST_DAY || days < -2 * LAST_DAY) {
        return false;
    }
    int64_t day = ql_dt_to_days(t->year, t->month, t->day) + days + micros / DAY_US;
    int64_t rest = time_of_day(t) + micros % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        day--;
    } else if (rest >= DAY_US) {
        rest -= DAY_US;
        day++;
    }
    if (day <= 365 || day > LAST_DAY) {
        return false;
    }
    ql_dt_from_days(day, t);
    set_time_of_day(t, rest);
    return true;
}
