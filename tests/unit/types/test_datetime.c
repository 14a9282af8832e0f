/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates and times: forms of text and numbers, calendar, weeks, intervals. Expected values from the
 * manual ("Date and Time Functions", "Date and Time Literals") and the reference server.
 */
#include "fixture.h"

static void
test_parse_datetime(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        unsigned decimals;
        ql_dt_result result;
        const char *out;
    } cases[] = {
        {"2024-01-31", 0, QL_DT_OK, "2024-01-31 00:00:00"},
        {"2024-1-2", 0, QL_DT_OK, "2024-01-02 00:00:00"},
        {"24-1-2", 0, QL_DT_OK, "2024-01-02 00:00:00"},
        {"70-1-2", 0, QL_DT_OK, "1970-01-02 00:00:00"},
        {"69-1-2", 0, QL_DT_OK, "2069-01-02 00:00:00"},
        {"1-1-1", 0, QL_DT_OK, "0001-01-01 00:00:00"},
        {"2012^12^31 11+30+45", 0, QL_DT_OK, "2012-12-31 11:30:45"},
        {"2024.1.2", 0, QL_DT_OK, "2024-01-02 00:00:00"},
        {"10:11:12", 0, QL_DT_OK, "2010-11-12 00:00:00"},
        {"20070523091528", 0, QL_DT_OK, "2007-05-23 09:15:28"},
        {"070523091528", 0, QL_DT_OK, "2007-05-23 09:15:28"},
        {"070523", 0, QL_DT_OK, "2007-05-23 00:00:00"},
        {"20070523", 0, QL_DT_OK, "2007-05-23 00:00:00"},
        {"071332", 0, QL_DT_INVALID, NULL},
        {"2012-12-31T11:30:45", 0, QL_DT_OK, "2012-12-31 11:30:45"},
        {"2012-12-31T11:30:45.123456", 6, QL_DT_OK, "2012-12-31 11:30:45.123456"},
        {"2012-12-31 11:30:45.6789", 2, QL_DT_OK, "2012-12-31 11:30:45.68"},
        {"2012-12-31 23:59:59.9", 0, QL_DT_OK, "2013-01-01 00:00:00"},
        {"20240102030405.55", 1, QL_DT_OK, "2024-01-02 03:04:05.6"},
        {"2024-01-02 3", 0, QL_DT_OK, "2024-01-02 03:00:00"},
        {"2024-01-02 03:04:05xx", 0, QL_DT_TRUNCATED, "2024-01-02 03:04:05"},
        {" 2024-01-02 ", 0, QL_DT_OK, "2024-01-02 00:00:00"},
        {"2024-02-29", 0, QL_DT_OK, "2024-02-29 00:00:00"},
        {"2023-02-29", 0, QL_DT_INVALID, NULL},
        {"1900-02-29", 0, QL_DT_INVALID, NULL},
        {"2000-02-29", 0, QL_DT_OK, "2000-02-29 00:00:00"},
        {"2024-00-10", 0, QL_DT_INVALID, NULL},
        {"0000-00-00", 0, QL_DT_INVALID, NULL},
        {"2024-13-01", 0, QL_DT_INVALID, NULL},
        {"2024-01-01 25:00:00", 0, QL_DT_INVALID, NULL},
        {"2024", 0, QL_DT_INVALID, NULL},
        {"2024-01", 0, QL_DT_INVALID, NULL},
        {"abc", 0, QL_DT_INVALID, NULL},
        {"", 0, QL_DT_INVALID, NULL},
        {"9999-12-31 23:59:59.9", 0, QL_DT_INVALID, NULL},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_dt t, back;
        bool has_time;
        char out[32];
        ql_dt_result r = ql_dt_parse(str(cases[i].in), cases[i].decimals, 0, &t, &has_time);
        if (r != cases[i].result) {
            fail_msg("'%s': result %d", cases[i].in, (int)r);
        }
        if (cases[i].out == NULL) {
            continue;
        }
        ql_dt_unpack(ql_dt_pack(&t), &back);
        ql_dt_print(&back, cases[i].decimals, out);
        assert_string_equal(out, cases[i].out);
    }
    ql_dt t;
    bool has_time;
    assert_int_equal(ql_dt_parse(str("0000-00-00"), 0, QL_DATES_ZEROS, &t, &has_time), QL_DT_OK);
    assert_int_equal(ql_dt_pack(&t), 0);
    assert_int_equal(ql_dt_parse(str("2024-00-10"), 0, QL_DATES_ZEROS, &t, &has_time), QL_DT_OK);
}

static void
test_parse_time(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        unsigned decimals;
        ql_dt_result result;
        const char *out;
    } cases[] = {
        {"10:11:12", 0, QL_DT_OK, "10:11:12"},
        {"10:11", 0, QL_DT_OK, "10:11:00"},
        {"1011", 0, QL_DT_OK, "00:10:11"},
        {"12", 0, QL_DT_OK, "00:00:12"},
        {"101112", 0, QL_DT_OK, "10:11:12"},
        {"8:3:2", 0, QL_DT_OK, "08:03:02"},
        {"-1:2:3", 0, QL_DT_OK, "-01:02:03"},
        {"1 2:3", 0, QL_DT_OK, "26:03:00"},
        {"34 22:59:59", 0, QL_DT_OK, "838:59:59"},
        {"1 2", 0, QL_DT_OK, "26:00:00"}, /* manual: 'D HH' */
        {"839:00:00", 0, QL_DT_TRUNCATED, "838:59:59"},
        {"-850:00:00", 0, QL_DT_TRUNCATED, "-838:59:59"},
        {"12:34:56.78", 1, QL_DT_OK, "12:34:56.8"},
        {"23:59:59.6", 0, QL_DT_OK, "24:00:00"},
        {"2024-01-01 10:11:12", 0, QL_DT_OK, "10:11:12"},
        {"20240101101112", 0, QL_DT_OK, "10:11:12"},
        {"10:70:00", 0, QL_DT_INVALID, NULL},
        {"109712", 0, QL_DT_INVALID, NULL},
        {"10:00:00xx", 0, QL_DT_TRUNCATED, "10:00:00"},
        {"abc", 0, QL_DT_INVALID, NULL},
        {"-", 0, QL_DT_INVALID, NULL},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_dt t, back;
        char out[32];
        ql_dt_result r = ql_time_parse(str(cases[i].in), cases[i].decimals, &t);
        if (r != cases[i].result) {
            fail_msg("'%s': result %d", cases[i].in, (int)r);
        }
        if (cases[i].out != NULL) {
            ql_time_unpack(ql_time_pack(&t), &back);
            ql_time_print(&back, cases[i].decimals, out);
            assert_string_equal(out, cases[i].out);
        }
    }
}

static void
test_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t in;
        const char *out; /* NULL = invalid */
    } cases[] = {
        {20240131, "2024-01-31 00:00:00"},
        {20240131120000, "2024-01-31 12:00:00"},
        {240131, "2024-01-31 00:00:00"},
        {991231, "1999-12-31 00:00:00"},
        {700101, "1970-01-01 00:00:00"},
        {691231, "2069-12-31 00:00:00"},
        {240131235959, "2024-01-31 23:59:59"},
        {20240230, NULL},
        {1, NULL},
        {-1, NULL},
        {99991232, NULL},
    };
    ql_dt t;
    char out[32];
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_dt_result r = ql_dt_from_number(cases[i].in, 0, &t);
        assert_int_equal(r, cases[i].out ? QL_DT_OK : QL_DT_INVALID);
        if (cases[i].out) {
            ql_dt_print(&t, 0, out);
            assert_string_equal(out, cases[i].out);
        }
    }
    assert_int_equal(ql_time_from_number(-101112, &t), QL_DT_OK);
    ql_time_print(&t, 0, out);
    assert_string_equal(out, "-10:11:12");
    assert_int_equal(ql_time_to_number(&t), -101112);
    assert_int_equal(ql_time_from_number(9000000, &t), QL_DT_TRUNCATED);
    t = (ql_dt){.year = 2007, .month = 12, .day = 15, .hour = 23, .minute = 50, .second = 26};
    assert_int_equal(ql_dt_to_number(&t, false), 20071215235026);
    assert_int_equal(ql_dt_to_number(&t, true), 20071215);
}

static void
test_day_numbers(void **state)
{
    (void)state;
    assert_int_equal(ql_dt_to_days(1995, 5, 1), 728779); /* manual: TO_DAYS(950501) */
    assert_int_equal(ql_dt_to_days(2007, 10, 7), 733321);
    assert_int_equal(ql_dt_to_days(0, 1, 1), 1);
    assert_int_equal(ql_dt_to_days(0, 3, 1), 60);
    assert_int_equal(ql_dt_to_days(1970, 1, 1), 719528);
    assert_int_equal(ql_dt_to_days(9999, 12, 31), 3652424);
    ql_dt t;
    ql_dt_from_days(730669, &t); /* manual: FROM_DAYS(730669) = 2000-07-03 */
    assert_int_equal(ql_dt_to_number(&t, true), 20000703);
    ql_dt_from_days(365, &t);
    assert_int_equal(ql_dt_to_number(&t, true), 0);
    for (int64_t d = 366; d <= 3652424; d += 13) {
        ql_dt_from_days(d, &t);
        assert_true(ql_dt_is_valid_date(t.year, t.month, t.day));
        assert_int_equal(ql_dt_to_days(t.year, t.month, t.day), d);
    }
    assert_int_equal(ql_dt_weekday(ql_dt_to_days(2008, 2, 3)), 6); /* manual: WEEKDAY = 6 */
    assert_int_equal(ql_dt_weekday(ql_dt_to_days(2007, 11, 6)), 1);
}

static void
test_weeks(void **state)
{
    (void)state;
    /* Days around new year, WEEK(d, 0..7) and YEARWEEK(d, 0..7) as the reference server gives them.
     */
    static const struct {
        uint32_t y, m, d;
        unsigned week[8];
        unsigned yearweek[8];
    } cases[] = {
#include "weeks.inc"
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_dt t = {.year = cases[i].y, .month = cases[i].m, .day = cases[i].d};
        for (unsigned mode = 0; mode < 8; mode++) {
            uint32_t year;
            assert_int_equal(ql_dt_week(&t, mode, &year), cases[i].week[mode]);
            unsigned w = ql_dt_week(&t, mode | 2, &year); /* YEARWEEK counts from 1 */
            assert_int_equal(year * 100 + w, cases[i].yearweek[mode]);
        }
    }
}

static void
test_adding(void **state)
{
    (void)state;
    char out[32];
    ql_dt t = {.year = 2018, .month = 1, .day = 31};
    assert_true(ql_dt_add_months(&t, 1));
    assert_int_equal(ql_dt_to_number(&t, true), 20180228);
    t = (ql_dt){.year = 2024, .month = 3, .day = 31};
    assert_true(ql_dt_add_months(&t, -1));
    assert_int_equal(ql_dt_to_number(&t, true), 20240229);
    t = (ql_dt){.year = 9999, .month = 12, .day = 1};
    assert_false(ql_dt_add_months(&t, 1));
    assert_false(ql_dt_add_months(&t, INT64_MAX));
    t = (ql_dt){.year = 2008, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59};
    assert_true(ql_dt_add_micros(&t, 0, 1000000));
    ql_dt_print(&t, 0, out);
    assert_string_equal(out, "2009-01-01 00:00:00");
    assert_true(ql_dt_add_micros(&t, -1, -1));
    ql_dt_print(&t, 6, out);
    assert_string_equal(out, "2008-12-30 23:59:59.999999");
    assert_false(ql_dt_add_micros(&t, INT64_MAX, 0));
    assert_false(ql_dt_add_micros(&t, 3000000, 0));
    ql_dt_from_unix(1234567890123456, 0, &t);
    ql_dt_print(&t, 6, out);
    assert_string_equal(out, "2009-02-13 23:31:30.123456");
    assert_int_equal(ql_dt_to_unix(&t, 0), 1234567890123456);
    ql_dt_from_unix(-1, 3600, &t);
    ql_dt_print(&t, 6, out);
    assert_string_equal(out, "1970-01-01 00:59:59.999999");
}

static void
test_intervals(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        ql_unit unit;
        int64_t months, days, micros;
    } cases[] = {
        {"1", QL_U_DAY, 0, 1, 0},
        {"-3", QL_U_DAY, 0, -3, 0},
        {"2", QL_U_WEEK, 0, 14, 0},
        {"5", QL_U_MONTH, 5, 0, 0},
        {"1", QL_U_QUARTER, 3, 0, 0},
        {"10", QL_U_YEAR, 120, 0, 0},
        {"1-2", QL_U_YEAR_MONTH, 14, 0, 0},
        {"1:1", QL_U_MINUTE_SECOND, 0, 0, 61000000},
        {"1.999999", QL_U_SECOND_MICROSECOND, 0, 0, 1999999},
        {"5", QL_U_SECOND_MICROSECOND, 0, 0, 500000},
        {"1.5", QL_U_SECOND, 0, 0, 1500000},
        {"1 1:1:1", QL_U_DAY_SECOND, 0, 1, 3661000000},
        {"-1 10", QL_U_DAY_HOUR, 0, -1, -36000000000},
        {"1:10", QL_U_DAY_SECOND, 0, 0, 70000000}, /* manual: missing parts are the leftmost */
        {"30", QL_U_HOUR, 0, 1, 21600000000},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        int64_t months, days, micros;
        assert_true(ql_interval_parse(str(cases[i].in), cases[i].unit, &months, &days, &micros));
        assert_int_equal(months, cases[i].months);
        assert_int_equal(days, cases[i].days);
        assert_int_equal(micros, cases[i].micros);
    }
    int64_t a, b, c;
    assert_false(ql_interval_parse(str("99999999999999999999"), QL_U_DAY, &a, &b, &c));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_datetime), cmocka_unit_test(test_parse_time),
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_day_numbers),
        cmocka_unit_test(test_weeks),          cmocka_unit_test(test_adding),
        cmocka_unit_test(test_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
