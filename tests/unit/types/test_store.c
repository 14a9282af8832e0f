/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing into columns: errors and numbers of strict mode, warnings and adjusted values otherwise.
 * Expected texts from the reference server and the manual ("Server Error Message Reference").
 */
#include "fixture.h"

static const ql_type t_int = {.kind = QL_K_INT, .field = QL_F_LONG, .nullable = true};
static const ql_type t_utiny = {.kind = QL_K_INT, .field = QL_F_TINY, .is_unsigned = true};
static const ql_type t_big = {.kind = QL_K_INT, .field = QL_F_LONGLONG};
static const ql_type t_ubig = {.kind = QL_K_INT, .field = QL_F_LONGLONG, .is_unsigned = true};
static const ql_type t_year = {.kind = QL_K_INT, .field = QL_F_YEAR, .is_unsigned = true};
static const ql_type t_bit4 = {
    .kind = QL_K_INT, .field = QL_F_BIT, .length = 4, .is_unsigned = true};
static const ql_type t_dec = {
    .kind = QL_K_DECIMAL, .field = QL_F_NEWDECIMAL, .length = 5, .decimals = 2};
static const ql_type t_double = {.kind = QL_K_DOUBLE, .field = QL_F_DOUBLE, .decimals = 31};
static const ql_type t_float = {.kind = QL_K_DOUBLE, .field = QL_F_FLOAT, .decimals = 31};
static const ql_type t_date = {.kind = QL_K_DATE, .field = QL_F_DATE};
static const ql_type t_datetime = {.kind = QL_K_DATETIME, .field = QL_F_DATETIME};
static const ql_type t_stamp = {.kind = QL_K_TIMESTAMP, .field = QL_F_TIMESTAMP};
static const ql_type t_time = {.kind = QL_K_TIME, .field = QL_F_TIME};

static ql_type
string_type(ql_field f, uint32_t length, const char *coll)
{
    return (ql_type){
        .kind = QL_K_STRING, .field = f, .length = length, .coll = ql_collation_by_name(str(coll))};
}

/* One store: strict outcome (an error, or a text) and the lax outcome (a text and a warning). */
typedef struct store_case {
    ql_value v;
    const ql_type *t;
    unsigned number;   /* 0 = no error in strict mode */
    const char *error; /* message of the error */
    const char *out;   /* value when it succeeds, or the adjusted one when not strict */
    unsigned note;     /* note raised although it succeeds */
} store_case;

static void
check_value(ql_ctx *cx, const ql_value *v, const char *want)
{
    ql_str s = {0};
    if (want == NULL) {
        assert_int_equal(v->kind, QL_K_NULL);
        return;
    }
    assert_int_equal(ql_value_to_str(cx, cx->arena, v, &s), QL_OK);
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.p, want, s.n);
}

static void
run_case(ql_ctx *cx, const store_case *c)
{
    ql_value out;
    ql_diag_reset(cx->diag);
    ql_status st = ql_value_store(cx, cx->arena, &c->v, c->t, "c", 1, true, &out);
    if (c->number != 0) {
        assert_int_equal(st, QL_ERROR);
        assert_string_equal(ql_diag_error(cx->diag)->text, c->error);
        assert_int_equal(ql_diag_error(cx->diag)->number, c->number);
    } else {
        assert_int_equal(st, QL_OK);
        assert_int_equal(ql_diag_count(cx->diag), c->note ? 1 : 0);
        if (c->note) {
            assert_int_equal(ql_diag_at(cx->diag, 0)->number, c->note);
            assert_int_equal(ql_diag_at(cx->diag, 0)->level, QL_DIAG_NOTE);
        }
        check_value(cx, &out, c->out);
    }
    ql_diag_reset(cx->diag);
    assert_int_equal(ql_value_store(cx, cx->arena, &c->v, c->t, "c", 1, false, &out), QL_OK);
    assert_false(ql_diag_has_error(cx->diag));
    assert_int_equal(ql_diag_count(cx->diag), c->number || c->note ? 1 : 0);
    check_value(cx, &out, c->out);
}

static ql_value
decimal(const char *s)
{
    ql_value v = {.kind = QL_K_DECIMAL};
    size_t used;
    (void)ql_decimal_parse(&v.dec, str(s), &used);
    return v;
}

#define RANGE "Out of range value for column 'c' at row 1"
#define CUT "Data truncated for column 'c' at row 1"
#define LONG "Data too long for column 'c' at row 1"

static void
test_numbers(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    const store_case cases[] = {
        {text("42"), &t_int, 0, NULL, "42", 0},
        {text(" 42 "), &t_int, 0, NULL, "42", 0},
        {text("1.5"), &t_int, 0, NULL, "2", 0},
        {text("1e3"), &t_int, 0, NULL, "1000", 0},
        {text("abc"), &t_int, 1366, "Incorrect integer value: 'abc' for column 'c' at row 1", "0",
         0},
        {text(""), &t_int, 1366, "Incorrect integer value: '' for column 'c' at row 1", "0", 0},
        {text("12abc"), &t_int, 1265, CUT, "12", 0},
        {ql_value_int(3000000000), &t_int, 1264, RANGE, "2147483647", 0},
        {ql_value_int(-3000000000), &t_int, 1264, RANGE, "-2147483648", 0},
        {ql_value_int(2147483647), &t_int, 0, NULL, "2147483647", 0},
        {ql_value_double(1.5), &t_int, 0, NULL, "2", 0},
        {decimal("2.5"), &t_int, 0, NULL, "3", 0},
        {ql_value_int(-1), &t_utiny, 1264, RANGE, "0", 0},
        {text("-1"), &t_utiny, 1264, RANGE, "0", 0},
        {ql_value_int(256), &t_utiny, 1264, RANGE, "255", 0},
        {ql_value_uint(UINT64_MAX), &t_big, 1264, RANGE, "9223372036854775807", 0},
        {ql_value_uint(UINT64_MAX), &t_ubig, 0, NULL, "18446744073709551615", 0},
        {text("18446744073709551616"), &t_ubig, 1264, RANGE, "18446744073709551615", 0},
        {ql_value_double(1e30), &t_big, 1264, RANGE, "9223372036854775807", 0},
        {ql_value_int(2024), &t_year, 0, NULL, "2024", 0},
        {ql_value_int(69), &t_year, 0, NULL, "2069", 0},
        {ql_value_int(70), &t_year, 0, NULL, "1970", 0},
        {ql_value_int(0), &t_year, 0, NULL, "0000", 0},
        {text("0"), &t_year, 0, NULL, "2000", 0},
        {text("00"), &t_year, 0, NULL, "2000", 0},
        {text("0000"), &t_year, 0, NULL, "0000", 0},
        {text("5"), &t_year, 0, NULL, "2005", 0},
        {text("99"), &t_year, 0, NULL, "1999", 0},
        {text("abc"), &t_year, 1366, "Incorrect integer value: 'abc' for column 'c' at row 1",
         "0000", 0},
        {ql_value_int(1900), &t_year, 1264, RANGE, "0000", 0},
        {ql_value_int(1901), &t_year, 0, NULL, "1901", 0},
        {ql_value_int(2155), &t_year, 0, NULL, "2155", 0},
        {ql_value_int(2156), &t_year, 1264, RANGE, "0000", 0},
        {ql_value_int(100), &t_year, 1264, RANGE, "0000", 0},
        {ql_value_int(-1), &t_year, 1264, RANGE, "0000", 0},
        {ql_value_int(3000), &t_year, 1264, RANGE, "0000", 0},
        {ql_value_int(15), &t_bit4, 0, NULL, "\x0f", 0},
        {text("\x05"), &t_bit4, 0, NULL, "\x05", 0},
        {text("A"), &t_bit4, 1406, LONG, "\x0f", 0},
        {ql_value_double(1.9), &t_bit4, 0, NULL, "\x01", 0}, /* cut, as MySQL does it */
        {ql_value_int(-1), &t_bit4, 1406, LONG, "\x0f", 0},
        {ql_value_int(16), &t_bit4, 1406, LONG, "\x0f", 0},
        {text("abc"), &t_dec, 1366, "Incorrect decimal value: 'abc' for column 'c' at row 1",
         "0.00", 0},
        {text("1.2abc"), &t_dec, 1265, CUT, "1.20", 0},
        {decimal("1.239"), &t_dec, 0, NULL, "1.24", 1265},
        {decimal("1000"), &t_dec, 1264, RANGE, "999.99", 0},
        {ql_value_int(-1000), &t_dec, 1264, RANGE, "-999.99", 0},
        {ql_value_double(1.5), &t_dec, 0, NULL, "1.50", 0},
        {text("1abc"), &t_double, 1265, CUT, "1", 0},
        {text("abc"), &t_double, 1265, CUT, "0", 0},
        {text("1e400"), &t_double, 1264, RANGE, "1.7976931348623157e308", 0},
        {text("1.25"), &t_double, 0, NULL, "1.25", 0},
        {ql_value_double(1e39), &t_float, 1264, RANGE, "3.40282e38", 0},
        {ql_value_double(0.1), &t_float, 0, NULL, "0.1", 0},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        run_case(&cx, &cases[i]);
    }
    fixture_end(&cx);
}

static void
test_text(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_type c3 = string_type(QL_F_STRING, 3, "utf8mb4_0900_ai_ci"),
            v3 = string_type(QL_F_VARCHAR, 3, "utf8mb4_0900_ai_ci"),
            u3 = string_type(QL_F_VARCHAR, 9, "utf8mb3_general_ci"),
            b3 = string_type(QL_F_VARCHAR, 3, "binary"),
            tiny = string_type(QL_F_TINY_BLOB, 255, "utf8mb4_0900_ai_ci");
    char big[301];
    memset(big, 'x', 300);
    big[300] = '\0';
    char small[256];
    memset(small, 'x', 255);
    small[255] = '\0';
    const store_case cases[] = {
        {text("abc"), &v3, 0, NULL, "abc", 0},
        {text("\xc3\xa4\xc3\xb6\xc3\xbc"), &v3, 0, NULL, "\xc3\xa4\xc3\xb6\xc3\xbc", 0},
        {text("abcd"), &v3, 1406, LONG, "abc", 0},
        {text("abcd"), &c3, 1406, LONG, "abc", 0},
        {text("abc "), &v3, 0, NULL, "abc", 1265},
        {text("abc "), &c3, 0, NULL, "abc", 0},
        {text("a  "), &c3, 0, NULL, "a", 0},
        {text("a  "), &v3, 0, NULL, "a  ", 0},
        {ql_value_int(123), &v3, 0, NULL, "123", 0},
        {ql_value_int(1234), &v3, 1406, LONG, "123", 0},
        {text("abcd"), &b3, 1406, LONG, "abc", 0},
        {text("a\xff"), &v3, 1366, "Incorrect string value: '\\xFF' for column 'c' at row 1", "a",
         0},
        {text("\xf0\x9f\x98\x80"), &u3, 1366,
         "Incorrect string value: '\\xF0\\x9F\\x98\\x80' for column 'c' at row 1", "?", 0},
        {text(big), &tiny, 1406, LONG, small, 0},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        run_case(&cx, &cases[i]);
    }
    ql_type bin = string_type(QL_F_STRING, 4, "binary");
    ql_value v = text("ab"), out;
    assert_int_equal(ql_value_store(&cx, cx.arena, &v, &bin, "c", 1, true, &out), QL_OK);
    assert_int_equal(out.s.n, 4);
    assert_memory_equal(out.s.p, "ab\0\0", 4);
    fixture_end(&cx);
}

static void
test_temporals(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
#define DATE_ERROR(v) "Incorrect date value: '" v "' for column 'c' at row 1"
    const store_case cases[] = {
        {text("2024-02-29"), &t_date, 0, NULL, "2024-02-29", 0},
        {text("abc"), &t_date, 1292, DATE_ERROR("abc"), "0000-00-00", 0},
        {text("2024-02-30"), &t_date, 1292, DATE_ERROR("2024-02-30"), "0000-00-00", 0},
        {text("2024-02-20xx"), &t_date, 1292, DATE_ERROR("2024-02-20xx"), "2024-02-20", 0},
        {ql_value_int(20240230), &t_date, 1292, DATE_ERROR("20240230"), "0000-00-00", 0},
        {text("2024-02-20 10:00:00"), &t_date, 0, NULL, "2024-02-20", 1265},
        {text("2024-02-20 00:00:00"), &t_date, 0, NULL, "2024-02-20", 0},
        {text("2024-02-30 25:00:00"), &t_datetime, 1292,
         "Incorrect datetime value: '2024-02-30 25:00:00' for column 'c' at row 1",
         "0000-00-00 00:00:00", 0},
        {text("2024-02-20 10:11:12.5"), &t_datetime, 0, NULL, "2024-02-20 10:11:13", 0},
        {text("1960-01-01"), &t_stamp, 1292,
         "Incorrect datetime value: '1960-01-01' for column 'c' at row 1", "0000-00-00 00:00:00",
         0},
        {text("900:00:00"), &t_time, 1292,
         "Incorrect time value: '900:00:00' for column 'c' at row 1", "838:59:59", 0},
        {text("abc"), &t_time, 1292, "Incorrect time value: 'abc' for column 'c' at row 1",
         "00:00:00", 0},
        {ql_value_int(9000000), &t_time, 1292,
         "Incorrect time value: '9000000' for column 'c' at row 1", "838:59:59", 0},
        {text("10:11:12"), &t_time, 0, NULL, "10:11:12", 0},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        run_case(&cx, &cases[i]);
    }
    ql_value v = text("0000-00-00"), out;
    assert_int_equal(ql_value_store(&cx, cx.arena, &v, &t_date, "c", 1, true, &out), QL_ERROR);
    assert_string_equal(ql_diag_error(cx.diag)->text, DATE_ERROR("0000-00-00"));
    ql_diag_reset(cx.diag);
    assert_int_equal(ql_value_store(&cx, cx.arena, &v, &t_date, "c", 1, false, &out), QL_OK);
    assert_int_equal(out.i, 0);
    fixture_end(&cx);
}

static void
test_enum_and_set(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const ql_str names[] = {{"small", 5}, {"medium", 6}, {"it's", 4}};
    static const ql_members members = {3, names};
    const ql_collation *coll = ql_collation_by_name(str("utf8mb4_0900_ai_ci"));
    ql_type e = ql_type_list(QL_K_ENUM, &members, coll);
    ql_type set = ql_type_list(QL_K_SET, &members, coll);
    assert_int_equal(e.length, 6);
    assert_int_equal(set.length, 17);
    const store_case cases[] = {
        {text("small"), &e, 0, NULL, "small", 0},
        {text("MEDIUM"), &e, 0, NULL, "medium", 0},
        {ql_value_int(2), &e, 0, NULL, "medium", 0},
        {text("3"), &e, 0, NULL, "it's", 0},
        {text("large"), &e, 1265, CUT, "", 0},
        {ql_value_int(4), &e, 1265, CUT, "", 0},
        {ql_value_int(0), &e, 1265, CUT, "", 0},
        {ql_value_double(1.0), &e, 0, NULL, "small", 0},
        {text("small  "), &e, 0, NULL, "small", 0},
        {text("000003"), &e, 1265, CUT, "", 0}, /* a number has at most five digits there */
        {ql_value_list_of(QL_K_ENUM, 0, &members, coll), &e, 0, NULL, "", 0},
        {ql_value_list_of(QL_K_SET, 4, &members, coll), &e, 0, NULL, "it's", 0},
        {ql_value_list_of(QL_K_ENUM, 2, &members, coll), &set, 0, NULL, "medium", 0},
        {ql_value_list_of(QL_K_ENUM, 2, &members, coll), &t_int, 0, NULL, "2", 0},
        {text("medium,small,small"), &set, 0, NULL, "small,medium", 0},
        {text(""), &set, 0, NULL, "", 0},
        {ql_value_int(5), &set, 0, NULL, "small,it's", 0},
        {text("small,large"), &set, 1265, CUT, "small", 0},
        {ql_value_int(8), &set, 1265, CUT, "", 0},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        run_case(&cx, &cases[i]);
    }
    ql_buf out = {0};
    assert_int_equal(ql_type_print(&cx, &e, &out), QL_OK);
    assert_int_equal(out.n, strlen("enum('small','medium','it''s')"));
    assert_memory_equal(out.p, "enum('small','medium','it''s')", out.n);
    ql_buf_free(&out);
    fixture_end(&cx);
}

static void
test_null(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_value v = ql_value_null(), out;
    assert_int_equal(ql_value_store(&cx, cx.arena, &v, &t_int, "c", 1, true, &out), QL_OK);
    assert_int_equal(out.kind, QL_K_NULL);
    assert_int_equal(ql_value_store(&cx, cx.arena, &v, &t_dec, "c", 1, true, &out), QL_ERROR);
    assert_string_equal(ql_diag_error(cx.diag)->text, "Column 'c' cannot be null");
    assert_int_equal(ql_diag_error(cx.diag)->number, 1048);
    ql_diag_reset(cx.diag);
    assert_int_equal(ql_value_store(&cx, cx.arena, &v, &t_dec, "c", 1, false, &out), QL_OK);
    check_value(&cx, &out, "0.00");
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_temporals), cmocka_unit_test(test_enum_and_set),
        cmocka_unit_test(test_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
