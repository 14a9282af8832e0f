/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of numbers, casts with their warnings, comparisons, types' texts, vectors. Expected values
 * from the reference server and the manual.
 */
#include "fixture.h"

#include <float.h>
#include <math.h>

#include "base/buf.h"

static void
test_double_text(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *out;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {1e14, "100000000000000"},
        {1e15, "1e15"},
        {1e16, "1e16"},
        {1e22, "1e22"},
        {0.1e-3, "0.0001"},
        {1e-5, "0.00001"},
        {1e-15, "0.000000000000001"},
        {0.1e-15, "1e-16"},
        {1.0 / 3, "0.3333333333333333"},
        {123456789012345678.0, "1.2345678901234568e17"},
        {1234567890123456.7, "1234567890123456.8"},
        {1.2345678901234567e17, "1.2345678901234566e17"},
        {1.5e300, "1.5e300"},
        {1.25e-10, "0.000000000125"},
        {1.2345678901234e-5, "0.000012345678901234"},
        {0.1, "0.1"},
        {DBL_MAX, "1.7976931348623157e308"},
        {5e-324, "5e-324"},
        {-123456, "-123456"},
    };
    char out[QL_DOUBLE_TEXT_MAX];
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        size_t n = ql_double_print(cases[i].d, out);
        assert_string_equal(out, cases[i].out);
        assert_int_equal(n, strlen(cases[i].out));
    }
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double d, back;
        memcpy(&d, &bits, 8);
        if (!isfinite(d)) {
            continue;
        }
        size_t used, n = ql_double_print(d, out);
        bool overflow;
        back = ql_double_parse((ql_str){out, n}, &used, &overflow);
        assert_true(back == d);
        assert_int_equal(used, n);
        assert_false(overflow);
    }
    static const struct {
        double d;
        const char *out;
    } floats[] = {{(double)1e38f, "1e38"},        {(double)1.1f, "1.1"}, {16777216, "16777200"},
                  {123456789, "123457000"},       {(double)0.1f, "0.1"}, {0, "0"},
                  {(double)-1.5e-20f, "-1.5e-20"}};
    for (size_t i = 0; i < QL_ARRAY_LEN(floats); i++) {
        ql_float_print(floats[i].d, out);
        assert_string_equal(out, floats[i].out);
    }
}

static void
test_number_prefixes(void **state)
{
    (void)state;
    size_t used;
    bool overflow, is_unsigned;
    assert_true(ql_double_parse(str(" 12.5e1x"), &used, &overflow) == 125);
    assert_int_equal(used, 7);
    assert_true(ql_double_parse(str("0x10"), &used, &overflow) == 0);
    assert_int_equal(used, 1);
    assert_true(ql_double_parse(str("inf"), &used, &overflow) == 0);
    assert_int_equal(used, 0);
    assert_true(ql_double_parse(str("1e400"), &used, &overflow) == DBL_MAX);
    assert_true(overflow);
    assert_true(ql_double_parse(str("-1e400"), &used, &overflow) == -DBL_MAX);
    assert_true(ql_double_parse(str("0.1"), &used, &overflow) == 0.1);
    assert_true(ql_double_parse(str("123456789012345678901234567890e-10"), &used, &overflow) ==
                12345678901234567890.1234567890);
    assert_int_equal(ql_int_parse(str("-9223372036854775808"), &used, &overflow, &is_unsigned),
                     INT64_MIN);
    assert_false(overflow);
    assert_int_equal(ql_int_parse(str("18446744073709551615"), &used, &overflow, &is_unsigned), -1);
    assert_true(is_unsigned);
    assert_false(overflow);
    (void)ql_int_parse(str("18446744073709551616"), &used, &overflow, &is_unsigned);
    assert_true(overflow);
    assert_int_equal(used, 20);
}

static void
test_to_numbers(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    double d;
    int64_t i;
    bool is_unsigned;
    ql_value v = text("12abc");
    assert_int_equal(ql_value_to_double(&cx, &v, &d), QL_OK);
    assert_true(d == 12);
    expect_condition(&cx, 1292, QL_DIAG_WARNING, "Truncated incorrect DOUBLE value: '12abc'");
    assert_int_equal(ql_value_to_int(&cx, &v, &i, &is_unsigned), QL_OK);
    assert_int_equal(i, 12);
    expect_condition(&cx, 1292, QL_DIAG_WARNING, "Truncated incorrect INTEGER value: '12abc'");
    ql_decimal dec;
    assert_int_equal(ql_value_to_decimal(&cx, &v, &dec), QL_OK);
    expect_condition(&cx, 1292, QL_DIAG_WARNING, "Truncated incorrect DECIMAL value: '12abc'");
    v = text("  7  ");
    assert_int_equal(ql_value_to_double(&cx, &v, &d), QL_OK);
    assert_true(d == 7);
    assert_int_equal(ql_diag_count(cx.diag), 0);
    v = ql_value_double(2.5);
    assert_int_equal(ql_value_to_int(&cx, &v, &i, &is_unsigned), QL_OK);
    assert_int_equal(i, 2); /* doubles: nearest even */
    ql_decimal_from_double(&dec, 2.5);
    v = (ql_value){.kind = QL_K_DECIMAL, .dec = dec};
    assert_int_equal(ql_value_to_int(&cx, &v, &i, &is_unsigned), QL_OK);
    assert_int_equal(i, 3); /* exact numbers: away from zero */
    v = ql_value_double(1e19);
    assert_int_equal(ql_value_to_int(&cx, &v, &i, &is_unsigned), QL_OK);
    assert_true(is_unsigned);
    assert_true((uint64_t)i == 10000000000000000000u);
    fixture_end(&cx);
}

static ql_str
cast_text(ql_ctx *cx, const ql_value *v, const ql_type *t)
{
    ql_value out;
    ql_str s = {0};
    assert_int_equal(ql_value_cast(cx, cx->arena, v, t, &out), QL_OK);
    if (out.kind == QL_K_NULL) {
        return QL_STR("NULL");
    }
    assert_int_equal(out.kind, t->kind);
    assert_int_equal(ql_value_to_str(cx, cx->arena, &out, &s), QL_OK);
    return s;
}

static void
test_casts(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_type c3 = ql_type_varchar(3, ql_coll_default), b4 = ql_type_varchar(4, ql_coll_binary);
    c3.field = b4.field = QL_F_STRING;
    ql_type i = ql_type_int(false), u = ql_type_int(true);
    struct {
        ql_value v;
        ql_type t;
        const char *out, *warning;
    } cases[] = {
        {text("abcdef"), c3, "abc", "Truncated incorrect CHAR(3) value: 'abcdef'"},
        {text("\xc3\xa4\xc3\xb6\xc3\xbc"), c3, "\xc3\xa4\xc3\xb6\xc3\xbc", NULL},
        {text("abc"), ql_type_date(), "NULL", "Incorrect datetime value: 'abc'"},
        {text("2024-01-02 10:11:12"), ql_type_date(), "2024-01-02", NULL},
        {text("2024-01-02 10:11:12.345"), ql_type_datetime(2), "2024-01-02 10:11:12.35", NULL},
        {text("900:00:00"), ql_type_time(0), "838:59:59",
         "Truncated incorrect time value: '900:00:00'"},
        {ql_value_int(20240102), ql_type_date(), "2024-01-02", NULL},
        {ql_value_int(101112), ql_type_time(0), "10:11:12", NULL},
        {text("1.005"), ql_type_decimal(5, 2), "1.01", NULL},
        {text("123456"), ql_type_decimal(5, 2), "999.99",
         "Out of range value for column 'CAST()' at row 1"},
        {ql_value_int(-1), u, "18446744073709551615", NULL},
        {text("-1"), u, "18446744073709551615",
         "Cast to unsigned converted negative integer to its positive complement"},
        {text("x"), i, "0", "Truncated incorrect INTEGER value: 'x'"},
        {ql_value_double(1.5), c3, "1.5", NULL},
        {ql_value_uint(UINT64_MAX), ql_type_decimal(20, 0), "18446744073709551615", NULL},
        {ql_value_null(), i, "NULL", NULL},
    };
    for (size_t k = 0; k < QL_ARRAY_LEN(cases); k++) {
        ql_str s = cast_text(&cx, &cases[k].v, &cases[k].t);
        assert_int_equal(s.n, strlen(cases[k].out));
        assert_memory_equal(s.p, cases[k].out, s.n);
        if (cases[k].warning) {
            assert_int_equal(ql_diag_count(cx.diag), 1);
            assert_string_equal(ql_diag_at(cx.diag, 0)->text, cases[k].warning);
        } else {
            assert_int_equal(ql_diag_count(cx.diag), 0);
        }
        ql_diag_reset(cx.diag);
    }
    ql_value v = text("ab"), out;
    assert_int_equal(ql_value_cast(&cx, cx.arena, &v, &b4, &out), QL_OK);
    assert_int_equal(out.s.n, 4);
    assert_memory_equal(out.s.p, "ab\0\0", 4);
    fixture_end(&cx);
}

static void
test_compare(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_type i = ql_type_int(false), d = ql_type_double(), dec = ql_type_decimal(5, 2),
            s = ql_type_varchar(5, NULL), date = ql_type_date(), dt = ql_type_datetime(0),
            n = ql_type_null();
    assert_int_equal(ql_compare_kind(&i, &i), QL_K_INT);
    assert_int_equal(ql_compare_kind(&i, &dec), QL_K_DECIMAL);
    assert_int_equal(ql_compare_kind(&i, &d), QL_K_DOUBLE);
    assert_int_equal(ql_compare_kind(&s, &i), QL_K_DOUBLE);
    assert_int_equal(ql_compare_kind(&s, &dec), QL_K_DOUBLE);
    assert_int_equal(ql_compare_kind(&s, &s), QL_K_STRING);
    assert_int_equal(ql_compare_kind(&date, &s), QL_K_DATETIME);
    assert_int_equal(ql_compare_kind(&dt, &date), QL_K_DATETIME);
    assert_int_equal(ql_compare_kind(&n, &s), QL_K_STRING);
    int r;
    ql_value a = ql_value_int(-1), b = ql_value_uint(UINT64_MAX);
    assert_int_equal(ql_value_compare(&cx, &a, &b, NULL, &r), QL_OK);
    assert_true(r < 0);
    assert_int_equal(ql_value_compare(&cx, &b, &a, NULL, &r), QL_OK);
    assert_true(r > 0);
    b = ql_value_uint(5), a = ql_value_int(5);
    assert_int_equal(ql_value_compare(&cx, &a, &b, NULL, &r), QL_OK);
    assert_int_equal(r, 0);
    fixture_end(&cx);
}

static void
test_type_text(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    struct {
        ql_type t;
        const char *out;
    } cases[] = {
        {{.kind = QL_K_INT, .field = QL_F_LONG, .is_unsigned = true}, "int unsigned"},
        {{.kind = QL_K_INT, .field = QL_F_TINY, .length = 1}, "tinyint(1)"},
        {{.kind = QL_K_INT, .field = QL_F_TINY, .length = 4}, "tinyint"},
        {{.kind = QL_K_STRING, .field = QL_F_VARCHAR, .length = 20, .coll = ql_coll_default},
         "varchar(20)"},
        {{.kind = QL_K_STRING, .field = QL_F_STRING, .length = 16, .coll = ql_coll_binary},
         "binary(16)"},
        {{.kind = QL_K_STRING, .field = QL_F_BLOB, .coll = ql_coll_default}, "text"},
        {{.kind = QL_K_STRING, .field = QL_F_LONG_BLOB, .coll = ql_coll_binary}, "longblob"},
        {{.kind = QL_K_DECIMAL, .field = QL_F_NEWDECIMAL, .length = 10, .decimals = 2},
         "decimal(10,2)"},
        {{.kind = QL_K_DATETIME, .field = QL_F_TIMESTAMP, .decimals = 6}, "timestamp(6)"},
        {{.kind = QL_K_DOUBLE, .field = QL_F_DOUBLE, .decimals = 31}, "double"},
        {{.kind = QL_K_INT, .field = QL_F_BIT, .length = 8}, "bit(8)"},
    };
    for (size_t k = 0; k < QL_ARRAY_LEN(cases); k++) {
        ql_buf out = {0};
        assert_int_equal(ql_type_print(&cx, &cases[k].t, &out), QL_OK);
        assert_int_equal(out.n, strlen(cases[k].out));
        assert_memory_equal(out.p, cases[k].out, out.n);
        ql_buf_free(&out);
    }
    fixture_end(&cx);
}

static void
test_vectors(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_type types[] = {ql_type_int(true), ql_type_varchar(9, NULL), ql_type_decimal(9, 2)};
    ql_batch b;
    assert_int_equal(ql_batch_init(&cx, cx.arena, &b, types, 3), QL_OK);
    ql_value v = ql_value_uint(UINT64_MAX), out, none = ql_value_null();
    ql_vector_set(&b.cols[0], 7, &v);
    ql_vector_get(&b.cols[0], 7, &out);
    assert_true(out.is_unsigned && out.u == UINT64_MAX);
    ql_vector_set(&b.cols[0], 8, &none);
    ql_vector_get(&b.cols[0], 8, &out);
    assert_int_equal(out.kind, QL_K_NULL);
    assert_true(ql_vector_null_at(&b.cols[0], 8));
    ql_vector_set(&b.cols[0], 8, &v);
    assert_false(ql_vector_null_at(&b.cols[0], 8));
    v = text("xyz");
    ql_vector_set(&b.cols[1], 1023, &v);
    ql_vector_get(&b.cols[1], 1023, &out);
    assert_int_equal(out.s.n, 3);
    ql_vector c;
    assert_int_equal(ql_vector_init(&cx, cx.arena, &c, &types[1], true), QL_OK);
    ql_vector_set(&c, 0, &v);
    ql_vector_get(&c, 999, &out);
    assert_memory_equal(out.s.p, "xyz", 3);
    fixture_end(&cx);
}

/* ---- long texts ---- */

#define LONG_TEXT (40u * 1024)

/* Up to most copies of c. */
static void
put_run(ql_buf *b, ql_ctx *cx, char c, uint64_t n)
{
    assert_int_equal(ql_buf_reserve(cx, b, (size_t)n), QL_OK);
    memset(b->p + b->n, c, (size_t)n);
    b->n += (size_t)n;
}

static uint64_t
run_length(uint64_t *seed)
{
    static const uint64_t lengths[] = {0,   0,   1,   2,    5,     13,       60,
                                       400, 899, 901, 1500, 20000, LONG_TEXT};
    return lengths[next_random(seed) % QL_ARRAY_LEN(lengths)];
}

static void
put_digits(ql_buf *b, ql_ctx *cx, uint64_t *seed)
{
    put_run(b, cx, '0', run_length(seed));
    put_run(b, cx, (char)('1' + next_random(seed) % 9), run_length(seed));
    put_run(b, cx, '0', run_length(seed));
    put_run(b, cx, (char)('0' + next_random(seed) % 10), next_random(seed) % 3);
}

/* Something like a number, in parts of any length. */
static void
make_number(ql_buf *b, ql_ctx *cx, uint64_t *seed)
{
    ql_buf_clear(b);
    put_run(b, cx, ' ', run_length(seed));
    put_run(b, cx, next_random(seed) % 2 ? '-' : '+', next_random(seed) % 3 == 0);
    put_digits(b, cx, seed);
    if (next_random(seed) % 2) {
        put_run(b, cx, '.', 1);
        put_digits(b, cx, seed);
    }
    if (next_random(seed) % 3 == 0) {
        assert_int_equal(ql_buf_printf(cx, b, "e%d", (int)(next_random(seed) % 60001) - 30000),
                         QL_OK);
    }
    put_run(b, cx, ' ', run_length(seed));
    put_run(b, cx, "xe.-5"[next_random(seed) % 5], next_random(seed) % 2);
}

/* 0: nothing behind the number, 1: blanks only, 2: something else. */
static int
rest_of(ql_str s, size_t used)
{
    size_t i = used;
    while (i < s.n && s.p[i] == ' ') {
        i++;
    }
    return i < s.n ? 2 : i > used;
}

/* The short text reads as the long one by each reader. */
static void
test_long_numbers_are_read_the_same(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_buf b = {0};
    char room[QL_SHORT_TEXT];
    uint64_t seed = 7;
    fixture_begin(&cx);
    for (int i = 0; i < 3000; i++) {
        make_number(&b, &cx, &seed);
        ql_str s = {b.p, b.n}, t = s;
        assert_int_equal(ql_text_for_number(&cx, &t, room), QL_OK);
        size_t us, ut;
        bool os, ot, ns, nt;
        int64_t is = ql_int_parse(s, &us, &os, &ns), it = ql_int_parse(t, &ut, &ot, &nt);
        assert_int_equal(is, it);
        assert_int_equal(os, ot);
        assert_int_equal(ns, nt);
        assert_int_equal(us == 0, ut == 0);
        double ds = ql_double_parse(s, &us, &os), dt = ql_double_parse(t, &ut, &ot);
        assert_memory_equal(&ds, &dt, sizeof ds);
        assert_int_equal(os, ot);
        assert_int_equal(us == 0, ut == 0);
        if (us != 0) {
            assert_int_equal(rest_of(s, us), rest_of(t, ut));
        }
        ql_decimal xs, xt;
        assert_int_equal(ql_decimal_parse(&xs, s, &us), ql_decimal_parse(&xt, t, &ut));
        assert_int_equal(us == 0, ut == 0);
        assert_int_equal(ql_decimal_cmp(&xs, &xt), 0);
        assert_int_equal(xs.scale, xt.scale);
    }
    ql_buf_free(&b);
    fixture_end(&cx);
}

static void
make_temporal(ql_buf *b, ql_ctx *cx, uint64_t *seed)
{
    static const char *const parts[] = {"2024", "01", "31", "10", "11", "12", "5",  "-", "-",
                                        ":",    ":",  ".",  " ",  "T",  "0",  "99", "/", "x"};
    ql_buf_clear(b);
    put_run(b, cx, ' ', run_length(seed));
    uint64_t n = 1 + next_random(seed) % 12;
    if (next_random(seed) % 3 == 0) { /* all that a text can have in front of an offset */
        assert_int_equal(ql_buf_put_str(cx, b, "2024-01-31 10:11:12"), QL_OK);
        if (next_random(seed) % 2 == 0) {
            assert_int_equal(ql_buf_put_str(cx, b, "."), QL_OK);
            put_run(b, cx, '7', run_length(seed));
        }
        static const char *const offsets[] = {"+05:30", "-08:00", "-00:00", "+14:01", "+5:30"};
        assert_int_equal(ql_buf_put_str(cx, b, offsets[next_random(seed) % QL_ARRAY_LEN(offsets)]),
                         QL_OK);
        n = next_random(seed) % 2;
    }
    for (uint64_t i = 0; i < n; i++) {
        const char *p = parts[next_random(seed) % QL_ARRAY_LEN(parts)];
        assert_int_equal(ql_buf_put_str(cx, b, p), QL_OK);
        if (next_random(seed) % 4 == 0) {
            put_run(b, cx, "0 :.-7"[next_random(seed) % 6], run_length(seed));
        }
    }
    put_run(b, cx, ' ', run_length(seed));
}

static void
test_long_times_are_read_the_same(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_buf b = {0};
    char room[QL_SHORT_TEXT];
    uint64_t seed = 11;
    unsigned offsets = 0;
    fixture_begin(&cx);
    for (int i = 0; i < 5000; i++) {
        make_temporal(&b, &cx, &seed);
        ql_str s = {b.p, b.n}, t = s;
        assert_int_equal(ql_text_for_temporal(&cx, &t, room), QL_OK);
        ql_dt x, y;
        bool hx, hy;
        int32_t ox, oy;
        ql_dt_result rx = ql_dt_parse_offset(s, 6, QL_DATES_ZEROS, &x, &hx, &ox),
                     ry = ql_dt_parse_offset(t, 6, QL_DATES_ZEROS, &y, &hy, &oy);
        assert_int_equal(rx, ry);
        assert_int_equal(ox, oy);
        offsets += rx != QL_DT_INVALID && ox != QL_NO_OFFSET;
        if (rx != QL_DT_INVALID) {
            assert_int_equal(hx, hy);
            assert_int_equal(ql_dt_pack(&x), ql_dt_pack(&y));
        }
        rx = ql_time_parse(s, 3, &x);
        ry = ql_time_parse(t, 3, &y);
        assert_int_equal(rx, ry);
        if (rx != QL_DT_INVALID) {
            assert_int_equal(ql_time_pack(&x), ql_time_pack(&y));
        }
    }
    assert_true(offsets > 100);
    ql_buf_free(&b);
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double_text),
        cmocka_unit_test(test_number_prefixes),
        cmocka_unit_test(test_to_numbers),
        cmocka_unit_test(test_casts),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_type_text),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_long_numbers_are_read_the_same),
        cmocka_unit_test(test_long_times_are_read_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
