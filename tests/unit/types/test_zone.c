/* SPDX-License-Identifier: Apache-2.0
 *
 * Zones: rules as POSIX writes them, files as zic makes them (against the C library's own reading
 * of the same files), gaps, overlaps, before the first and after the last transition, damaged
 * files. Expected values: tz database, RFC 8536, arithmetic.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "types/zone.h"

#define DIR "/usr/share/zoneinfo/"

static size_t
read_file(const char *name, char *to, size_t room)
{
    char path[256];
    snprintf(path, sizeof path, DIR "%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, room, f);
    fclose(f);
    return n;
}

static ql_zone *
zone_of(const char *name)
{
    static char bytes[1 << 16];
    ql_zone *z;
    size_t n = read_file(name, bytes, sizeof bytes);
    assert_int_equal(ql_zone_of_file((ql_str){bytes, n}, str(name), &z), QL_ZONE_MADE);
    return z;
}

static ql_zone *
rule_of(const char *text)
{
    ql_zone *z;
    assert_int_equal(ql_zone_of_rule(str(text), str(text), &z), QL_ZONE_MADE);
    return z;
}

static ql_dt
dt(const char *text)
{
    ql_dt t;
    bool has_time;
    assert_int_equal(ql_dt_parse(str(text), 6, 0, &t, &has_time), QL_DT_OK);
    return t;
}

/* What the clocks show at a UTC time. */
static void
shows(const ql_zone *z, const char *at_utc, const char *local)
{
    ql_dt t = dt(at_utc);
    char text[32];
    ql_zone_local(z, ql_dt_to_unix(&t, 0), &t);
    ql_dt_print(&t, 0, text);
    assert_string_equal(text, local);
}

/* The UTC times at which they show something; "" = fewer. */
static void
shown_at(const ql_zone *z, const char *local, unsigned n, const char *first, const char *second)
{
    ql_dt t = dt(local);
    ql_moments m;
    char text[32];
    ql_zone_moments(z, &t, &m);
    assert_int_equal(m.n, n);
    ql_dt_from_unix(m.us[0], 0, &t);
    ql_dt_print(&t, 0, text);
    assert_string_equal(text, first);
    if (n == 2) {
        ql_dt_from_unix(m.us[1], 0, &t);
        ql_dt_print(&t, 0, text);
        assert_string_equal(text, second);
    }
}

static void
test_rule(void **state)
{
    (void)state;
    ql_zone *z = rule_of("CET-1CEST,M3.5.0,M10.5.0/3");
    shows(z, "2018-03-25 00:59:59", "2018-03-25 01:59:59");
    shows(z, "2018-03-25 01:00:00", "2018-03-25 03:00:00");
    shows(z, "2018-10-28 00:59:59", "2018-10-28 02:59:59");
    shows(z, "2018-10-28 01:00:00", "2018-10-28 02:00:00");
    shows(z, "2999-07-01 12:00:00", "2999-07-01 14:00:00");
    shown_at(z, "2018-03-25 01:59:59", 1, "2018-03-25 00:59:59", "");
    shown_at(z, "2018-03-25 02:00:00", 0, "2018-03-25 01:00:00", "");
    shown_at(z, "2018-03-25 02:59:59", 0, "2018-03-25 01:00:00", "");
    shown_at(z, "2018-03-25 03:00:00", 1, "2018-03-25 01:00:00", "");
    shown_at(z, "2018-10-28 01:59:59", 1, "2018-10-27 23:59:59", "");
    shown_at(z, "2018-10-28 02:00:00", 2, "2018-10-28 00:00:00", "2018-10-28 01:00:00");
    shown_at(z, "2018-10-28 02:59:59", 2, "2018-10-28 00:59:59", "2018-10-28 01:59:59");
    shown_at(z, "2018-10-28 03:00:00", 1, "2018-10-28 02:00:00", "");
    ql_zone_free(z);
    z = rule_of("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1"); /* the day before, at 22 o'clock */
    shows(z, "2024-03-31 00:59:59", "2024-03-30 21:59:59");
    shows(z, "2024-03-31 01:00:00", "2024-03-30 23:00:00");
    ql_zone_free(z);
    z = rule_of("EST5EDT,0/0,J365/25"); /* summer time all the year: RFC 8536, 3.3.1 */
    shows(z, "2024-01-01 12:00:00", "2024-01-01 08:00:00");
    shows(z, "2024-12-31 23:59:59", "2024-12-31 19:59:59");
    ql_zone_free(z);
    z = rule_of("IST-2IDT,M3.4.4/26,M10.5.0"); /* Friday before the last Sunday of March */
    shows(z, "2024-03-28 23:59:59", "2024-03-29 01:59:59");
    shows(z, "2024-03-29 00:00:00", "2024-03-29 03:00:00");
    ql_zone_free(z);
    z = rule_of("AAA-1BBB,J60,60"); /* March 1 in every year; March 1 of leap years, else March 2 */
    shows(z, "2023-02-28 23:00:00", "2023-03-01 00:00:00");
    shows(z, "2023-03-01 01:00:00", "2023-03-01 03:00:00");
    shows(z, "2024-03-01 00:30:00", "2024-03-01 01:30:00");
    ql_zone_free(z);
    z = rule_of("XYZ3:30:15");
    shows(z, "2024-01-01 03:30:15", "2024-01-01 00:00:00");
    ql_zone_free(z);
    static const char *const bad[] = {"",
                                      "C",
                                      "CET",
                                      "CE-1",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,J0,J1",
                                      "CET-1CEST,J366,J1",
                                      "CET-25",
                                      "<CET-1",
                                      "CET-1CEST,M3.5.0/168,M10.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0 ",
                                      "CET-1CEST,M3.5.0,M10.5.0/3:60",
                                      "Europe/Berlin"};
    for (size_t i = 0; i < QL_ARRAY_LEN(bad); i++) {
        ql_zone_rule r;
        if (ql_zone_rule_parse(str(bad[i]), &r)) {
            fail_msg("read: %s", bad[i]);
        }
    }
}

static void
test_files(void **state)
{
    (void)state;
    ql_zone *z = zone_of("Europe/Berlin");
    shows(z, "1970-01-01 00:00:00", "1970-01-01 01:00:00");
    shows(z, "1980-04-06 00:59:59",
          "1980-04-06 01:59:59"); /* the first summer time after the war */
    shows(z, "1980-04-06 01:00:00", "1980-04-06 03:00:00");
    shows(z, "1850-01-01 00:00:00", "1850-01-01 00:53:28"); /* local mean time */
    shows(z, "2500-07-01 00:00:00", "2500-07-01 02:00:00");
    ql_zone_free(z);
    z = zone_of("Pacific/Apia"); /* no December 30, 2011 */
    shows(z, "2011-12-30 09:59:59", "2011-12-29 23:59:59");
    shows(z, "2011-12-30 10:00:00", "2011-12-31 00:00:00");
    shown_at(z, "2011-12-30 12:00:00", 0, "2011-12-30 10:00:00", "");
    ql_zone_free(z);
    z = zone_of("Australia/Lord_Howe"); /* half an hour */
    shown_at(z, "2024-04-07 01:45:00", 2, "2024-04-06 14:45:00", "2024-04-06 15:15:00");
    shown_at(z, "2024-10-06 02:15:00", 0, "2024-10-05 15:30:00", "");
    ql_zone_free(z);
    z = zone_of("America/Sao_Paulo"); /* midnight does not exist */
    shown_at(z, "2018-11-04 00:00:00", 0, "2018-11-04 03:00:00", "");
    ql_zone_free(z);
    z = zone_of("Asia/Kathmandu");
    shows(z, "2024-01-01 00:00:00", "2024-01-01 05:45:00");
    ql_zone_free(z);
    z = zone_of("UTC");
    shows(z, "2024-01-01 00:00:00", "2024-01-01 00:00:00");
    shown_at(z, "2024-01-01 00:00:00", 1, "2024-01-01 00:00:00", "");
    ql_zone_free(z);
    shows(NULL, "2024-01-01 00:00:00", "2024-01-01 00:00:00");
}

static uint64_t seed = 88172645463325252u;

static uint64_t
next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* The C library reads the same files: random moments, and those around transitions; each of them is
 * among the moments at which what is shown is shown. */
static void
compare_with_libc(const ql_zone *z, int64_t s)
{
    time_t at = (time_t)s;
    struct tm tm;
    const ql_zone_type *t = ql_zone_type_at(z, s);
    assert_non_null(localtime_r(&at, &tm));
    if (tm.tm_gmtoff != t->seconds || (tm.tm_isdst > 0) != t->is_dst ||
        strcmp(tm.tm_zone, t->abbr) != 0) {
        fail_msg("%s at %lld: %d %s, not %ld %s", z->name, (long long)s, t->seconds, t->abbr,
                 tm.tm_gmtoff, tm.tm_zone);
    }
    ql_dt shown;
    ql_moments m;
    ql_zone_local(z, s * 1000000 + 5, &shown);
    ql_zone_moments(z, &shown, &m);
    bool found = false;
    for (unsigned i = 0; i < m.n; i++) {
        found = found || m.us[i] == s * 1000000 + 5;
        ql_dt again;
        ql_zone_local(z, m.us[i], &again);
        assert_int_equal(ql_dt_pack(&again), ql_dt_pack(&shown));
    }
    assert_true(found);
}

static void
test_against_libc(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin",     "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
        "Asia/Kolkata",      "Asia/Tehran",      "Africa/Casablanca", "Antarctica/Troll",
        "Pacific/Apia",      "Europe/Dublin",    "America/Nuuk",      "Asia/Gaza",
        "Pacific/Chatham",   "America/St_Johns", "Africa/Monrovia",   "Europe/London",
        "Asia/Kathmandu",    "America/Caracas",  "Asia/Pyongyang",    "Etc/GMT+12",
        "Pacific/Kiritimati"};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(names); i++) {
        ql_zone *z = zone_of(names[i]);
        char tz[80];
        snprintf(tz, sizeof tz, ":%s", names[i]);
        setenv("TZ", tz, 1);
        tzset();
        for (int k = 0; k < 3000; k++) {
            compare_with_libc(z, (int64_t)(next() % 34000000000u) - 1500000000);
        }
        int64_t at = -2000000000;
        for (int k = 0; k < 600 && ql_zone_next(z, at, &at); k++) {
            compare_with_libc(z, at - 1);
            compare_with_libc(z, at);
            compare_with_libc(z, at + 3600);
        }
        ql_zone_free(z);
    }
    unsetenv("TZ");
    tzset();
}

/* A gap says when it begins, and that is between the last moment that shows less and the first that
 * shows more. */
static void
test_gaps(void **state)
{
    (void)state;
    ql_zone *z = zone_of("America/New_York");
    for (int k = 0; k < 20000; k++) {
        int64_t us = (int64_t)(next() % 2000000000u) * 1000000;
        ql_dt t, at, before;
        ql_moments m;
        ql_dt_from_unix(us, 0, &t);
        ql_zone_moments(z, &t, &m);
        if (m.n == 0) {
            ql_zone_local(z, m.us[0], &at);
            ql_zone_local(z, m.us[0] - 1, &before);
            assert_true(ql_dt_pack(&before) < ql_dt_pack(&t) && ql_dt_pack(&t) < ql_dt_pack(&at));
        }
    }
    ql_zone_free(z);
}

/* Cut at any byte, or with any byte changed: no zone, or one that can be asked. */
static void
test_damaged(void **state)
{
    char bytes[1 << 14];
    (void)state;
    size_t n = read_file("Europe/Berlin", bytes, sizeof bytes);
    assert_true(n < sizeof bytes);
    for (size_t cut = 0; cut < n; cut++) {
        char *copy = malloc(cut + 1); /* so that a byte too many is found */
        ql_zone *z;
        memcpy(copy, bytes, cut);
        assert_int_equal(ql_zone_of_file((ql_str){copy, cut}, str("cut"), &z), QL_ZONE_BAD);
        free(copy);
    }
    unsigned good = 0;
    for (int k = 0; k < 20000; k++) {
        size_t at = next() % n;
        char was = bytes[at];
        bytes[at] = (char)next();
        ql_zone *z;
        if (ql_zone_of_file((ql_str){bytes, n}, str("odd"), &z) == QL_ZONE_MADE) {
            ql_dt t;
            ql_moments m;
            ql_zone_local(z, (int64_t)(next() % 32000000000u) * 1000000, &t);
            ql_zone_moments(z, &t, &m);
            assert_true(m.n >= 1 && m.n <= 2);
            good++;
            ql_zone_free(z);
        }
        bytes[at] = was;
    }
    assert_true(good > 0 && good < 20000);
}

static void
test_offsets(void **state)
{
    static const struct {
        const char *text;
        int32_t seconds;
        const char *shown;
    } good[] = {{"+3:00", 10800, "+03:00"},   {"+03:00", 10800, "+03:00"},
                {"-13:59", -50340, "-13:59"}, {"+14:00", 50400, "+14:00"},
                {"+0:0", 0, "+00:00"},        {"-00:00", 0, "+00:00"},
                {"+05:30", 19800, "+05:30"},  {"-9:30", -34200, "-09:30"}};
    static const char *const bad[] = {"",       "3:00",  "+3",      "+14:01",
                                      "-14:00", "+3:60", "+03:00 ", " +03:00",
                                      "+:00",   "+03:",  "+03.00",  "+99999999999:00"};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(good); i++) {
        int32_t s;
        char text[QL_ZONE_OFFSET_TEXT];
        assert_true(ql_zone_offset_parse(str(good[i].text), &s));
        assert_int_equal(s, good[i].seconds);
        ql_zone_offset_print(s, text);
        assert_string_equal(text, good[i].shown);
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(bad); i++) {
        int32_t s;
        assert_false(ql_zone_offset_parse(str(bad[i]), &s));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),         cmocka_unit_test(test_files),
        cmocka_unit_test(test_against_libc), cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
