/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL: text forms, arithmetic up to 65 digits, rounding, division scale, overflow. Expected
 * values by exact arithmetic (another implementation) and the manual's "Precision Math".
 */
#include "fixture.h"

static ql_decimal
dec(const char *s)
{
    ql_decimal d;
    size_t used;
    (void)ql_decimal_parse(&d, str(s), &used);
    return d;
}

static void
expect(const ql_decimal *d, const char *want)
{
    char out[QL_DECIMAL_TEXT_MAX];
    size_t n = ql_decimal_print(d, out);
    assert_string_equal(out, want);
    assert_int_equal(n, strlen(want));
}

#define NINES65 "99999999999999999999999999999999999999999999999999999999999999999"

static void
test_parse_and_print(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        size_t used;
        bool fits;
    } cases[] = {
        {"0", "0", 1, true},
        {"-0.00", "0.00", 5, true},
        {"1.50", "1.50", 4, true},
        {"  -12.5abc", "-12.5", 7, true},
        {".5", "0.5", 2, true},
        {"5.", "5", 2, true},
        {"+7", "7", 2, true},
        {"1e3", "1000", 3, true},
        {"1.5e-3", "0.0015", 6, true},
        {"12e", "12", 2, true},
        {"abc", "0", 0, true},
        {"", "0", 0, true},
        {"-", "0", 0, true},
        {".", "0", 0, true},
        {"000000000000000000000000000000000000000000000000000000000000000000000000001.25", "1.25",
         78, true},
        {NINES65, NINES65, 65, true},
        {"-" NINES65, "-" NINES65, 66, true},
        {NINES65 "9", NINES65, 66, false},
        {"1e65", NINES65, 4, false},
        {"1e64", "10000000000000000000000000000000000000000000000000000000000000000", 4, true},
        {"0.1234567890123456789012345678905", "0.123456789012345678901234567891", 33, true},
        {"1e-40", "0.000000000000000000000000000000", 5, true},
        {"18446744073709551616", "18446744073709551616", 20, true},
        {"10000000000000000000000000000000000000000", "10000000000000000000000000000000000000000",
         41, true},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_decimal d;
        size_t used;
        assert_int_equal(ql_decimal_parse(&d, str(cases[i].in), &used), cases[i].fits);
        expect(&d, cases[i].out);
        assert_int_equal(used, cases[i].used);
    }
}

static void
test_add_and_subtract(void **state)
{
    (void)state;
    ql_decimal r, a, b;
    a = dec("1.1"), b = dec("2.25");
    assert_true(ql_decimal_add(&r, &a, &b));
    expect(&r, "3.35");
    assert_true(ql_decimal_sub(&r, &a, &b));
    expect(&r, "-1.15");
    a = dec("-1.10"), b = dec("1.1");
    assert_true(ql_decimal_add(&r, &a, &b));
    expect(&r, "0.00");
    assert_false(r.negative);
    a = dec("18446744073709551615"), b = dec("1");
    assert_true(ql_decimal_add(&r, &a, &b));
    expect(&r, "18446744073709551616");
    a = dec("12345678901234567890123456789012345.123456789012345678901234567890");
    b = dec("-98765432109876543210.98765432109876543210");
    assert_true(ql_decimal_add(&r, &a, &b));
    expect(&r, "12345678901234469124691346912469134.135802467913580246801234567890");
    assert_true(ql_decimal_sub(&r, &a, &b));
    expect(&r, "12345678901234666655555566665555556.111111110111111111001234567890");
    a = dec(NINES65), b = dec("1");
    assert_false(ql_decimal_add(&r, &a, &b));
    expect(&r, NINES65);
    assert_true(ql_decimal_sub(&r, &a, &b));
    expect(&r, "99999999999999999999999999999999999999999999999999999999999999998");
}

static void
test_multiply(void **state)
{
    (void)state;
    ql_decimal r, a, b;
    a = dec("0.1"), b = dec("0.1");
    assert_true(ql_decimal_mul(&r, &a, &b));
    expect(&r, "0.01");
    a = dec("123456789012345678901234567890.12345"), b = dec("98765432109876543210987654321.5");
    assert_true(ql_decimal_mul(&r, &a, &b));
    expect(&r, "12193263113702179522618503273436213320323883478821140062560.989175");
    a = dec("-1.00000000000000000001"), b = dec("1.00000000000000000001");
    assert_true(ql_decimal_mul(&r, &a, &b)); /* scale 40 is cut to 30 */
    expect(&r, "-1.000000000000000000020000000000");
    a = dec(NINES65), b = dec("2");
    assert_false(ql_decimal_mul(&r, &a, &b));
    expect(&r, NINES65);
}

static void
test_divide(void **state)
{
    (void)state;
    ql_decimal r, a, b;
    bool by_zero;
    a = dec("1"), b = dec("3");
    assert_true(ql_decimal_div(&r, &a, &b, 4, &by_zero));
    assert_false(by_zero);
    expect(&r, "0.3333");
    a = dec("2");
    assert_true(ql_decimal_div(&r, &a, &b, 4, &by_zero));
    expect(&r, "0.6667");
    a = dec("-5.05"), b = dec("0.014"); /* manual: SELECT 5.05 / 0.014 = 360.714286 */
    assert_true(ql_decimal_div(&r, &a, &b, 4, &by_zero));
    expect(&r, "-360.714286");
    a = dec("12345678901234567890123456789.5"), b = dec("7");
    assert_true(ql_decimal_div(&r, &a, &b, 4, &by_zero));
    expect(&r, "1763668414462081127160493827.07143");
    b = dec("0.00");
    assert_true(ql_decimal_div(&r, &a, &b, 4, &by_zero));
    assert_true(by_zero);
    a = dec("1e64"), b = dec("0.0003");
    assert_false(ql_decimal_div(&r, &a, &b, 4, &by_zero));
    expect(&r, NINES65);
}

static void
test_modulo(void **state)
{
    (void)state;
    ql_decimal r, a, b;
    bool by_zero;
    a = dec("34.5"), b = dec("3"); /* manual: MOD(34.5,3) = 1.5 */
    assert_true(ql_decimal_mod(&r, &a, &b, &by_zero));
    expect(&r, "1.5");
    a = dec("-7.25"), b = dec("2.5");
    assert_true(ql_decimal_mod(&r, &a, &b, &by_zero));
    expect(&r, "-2.25");
    b = dec("0");
    assert_true(ql_decimal_mod(&r, &a, &b, &by_zero));
    assert_true(by_zero);
}

static void
test_rounding(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int scale;
        ql_rounding how;
        const char *out;
    } cases[] = {
        {"2.5", 0, QL_ROUND_HALF_UP, "3"},
        {"-2.5", 0, QL_ROUND_HALF_UP, "-3"},
        {"1.298", 1, QL_ROUND_HALF_UP, "1.3"},
        {"23.298", -1, QL_ROUND_HALF_UP, "20"},
        {"150", -2, QL_ROUND_HALF_UP, "200"},
        {"5", -1, QL_ROUND_HALF_UP, "10"},
        {"4", -1, QL_ROUND_HALF_UP, "0"},
        {"9.99", 1, QL_ROUND_HALF_UP, "10.0"},
        {"1.999", 1, QL_ROUND_TRUNCATE, "1.9"},
        {"-1.999", 1, QL_ROUND_TRUNCATE, "-1.9"},
        {"122", -2, QL_ROUND_TRUNCATE, "100"},
        {"1.23", 0, QL_ROUND_CEILING, "2"},
        {"-1.23", 0, QL_ROUND_CEILING, "-1"},
        {"1.23", 0, QL_ROUND_FLOOR, "1"},
        {"-1.23", 0, QL_ROUND_FLOOR, "-2"},
        {"-0.4", 0, QL_ROUND_HALF_UP, "0"},
        {"1.5", 3, QL_ROUND_HALF_UP, "1.500"},
        {"12345678901234567890123456789.50000000000000000000", 0, QL_ROUND_HALF_UP,
         "12345678901234567890123456790"},
        {"12345678901234567890123456789.49999999999999999999", 0, QL_ROUND_HALF_UP,
         "12345678901234567890123456789"},
        {"7", -80, QL_ROUND_HALF_UP, "0"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        ql_decimal d = dec(cases[i].in);
        assert_true(ql_decimal_round(&d, cases[i].scale, cases[i].how));
        expect(&d, cases[i].out);
    }
    ql_decimal d = dec(NINES65);
    assert_false(ql_decimal_round(&d, -1, QL_ROUND_HALF_UP));
}

static void
test_fit(void **state)
{
    (void)state;
    bool cut;
    ql_decimal d = dec("999.994");
    assert_true(ql_decimal_fit(&d, 5, 2, &cut));
    assert_true(cut);
    expect(&d, "999.99");
    d = dec("999.995");
    assert_false(ql_decimal_fit(&d, 5, 2, &cut));
    expect(&d, "999.99");
    d = dec("-1000");
    assert_false(ql_decimal_fit(&d, 5, 2, &cut));
    expect(&d, "-999.99");
    d = dec("1.5");
    assert_true(ql_decimal_fit(&d, 5, 2, &cut));
    assert_false(cut);
    expect(&d, "1.50");
}

static void
test_integers_and_doubles(void **state)
{
    (void)state;
    int64_t i;
    uint64_t u;
    ql_decimal d = dec("-9223372036854775808");
    assert_true(ql_decimal_to_i64(&d, &i));
    assert_true(i == INT64_MIN);
    d = dec("-9223372036854775808.5");
    assert_false(ql_decimal_to_i64(&d, &i));
    assert_true(i == INT64_MIN);
    d = dec("9223372036854775807.4");
    assert_true(ql_decimal_to_i64(&d, &i));
    assert_true(i == INT64_MAX);
    d = dec("9223372036854775807.5");
    assert_false(ql_decimal_to_i64(&d, &i));
    assert_true(ql_decimal_to_u64(&d, &u));
    assert_true(u == 9223372036854775808u);
    d = dec("18446744073709551615.5");
    assert_false(ql_decimal_to_u64(&d, &u));
    assert_true(u == UINT64_MAX);
    d = dec("-0.4");
    assert_true(ql_decimal_to_u64(&d, &u));
    assert_int_equal(u, 0);
    d = dec("-1");
    assert_false(ql_decimal_to_u64(&d, &u));
    d = dec("0.1");
    assert_true(ql_decimal_to_double(&d) == 0.1);
    d = dec("123456789012345678901234567890.5");
    assert_true(ql_decimal_to_double(&d) == 123456789012345678901234567890.5);
    assert_true(ql_decimal_from_double(&d, 0.1));
    expect(&d, "0.1");
    assert_true(ql_decimal_from_double(&d, -1.5e20));
    expect(&d, "-150000000000000000000");
    assert_false(ql_decimal_from_double(&d, 1e300));
    expect(&d, NINES65);
}

static void
test_compare(void **state)
{
    (void)state;
    static const char *const ordered[] = {"-" NINES65,
                                          "-18446744073709551616",
                                          "-2",
                                          "-1.5",
                                          "-0.000000000000000000000000000001",
                                          "0",
                                          "0.000000000000000000000000000001",
                                          "0.1",
                                          "0.11",
                                          "1",
                                          "18446744073709551615",
                                          "18446744073709551615.5",
                                          NINES65};
    for (size_t i = 0; i < QL_ARRAY_LEN(ordered); i++) {
        for (size_t j = 0; j < QL_ARRAY_LEN(ordered); j++) {
            ql_decimal a = dec(ordered[i]), b = dec(ordered[j]);
            int c = ql_decimal_cmp(&a, &b);
            assert_int_equal(c < 0 ? -1 : c > 0, i < j ? -1 : i > j);
        }
    }
    ql_decimal a = dec("1.0"), b = dec("1.000");
    assert_int_equal(ql_decimal_cmp(&a, &b), 0);
}

/* (a+b)-b == a, and (a*b)/b == a where nothing is rounded, for random numbers of all sizes. */
static void
test_identities(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        char t[2][64];
        ql_decimal a, b, r;
        bool by_zero;
        for (int k = 0; k < 2; k++) {
            size_t n = 1 + next_random(&seed) % 30, point = next_random(&seed) % 12;
            char *p = t[k];
            if (next_random(&seed) % 2) {
                *p++ = '-';
            }
            *p++ = (char)('1' + next_random(&seed) % 9);
            for (size_t j = 1; j < n; j++) {
                *p++ = (char)('0' + next_random(&seed) % 10);
            }
            if (point > 0) {
                *p++ = '.';
            }
            for (size_t j = 0; j < point; j++) {
                *p++ = (char)('0' + next_random(&seed) % 10);
            }
            *p = '\0';
        }
        a = dec(t[0]), b = dec(t[1]);
        assert_true(ql_decimal_add(&r, &a, &b));
        assert_true(ql_decimal_sub(&r, &r, &b));
        assert_int_equal(ql_decimal_cmp(&r, &a), 0);
        if (ql_decimal_digits(&a) + ql_decimal_digits(&b) <= 60) {
            assert_true(ql_decimal_mul(&r, &a, &b));
            assert_true(ql_decimal_div(&r, &r, &b, 0, &by_zero));
            assert_int_equal(ql_decimal_cmp(&r, &a), 0);
        }
        char out[QL_DECIMAL_TEXT_MAX];
        (void)ql_decimal_print(&a, out);
        assert_string_equal(out, t[0]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_print),
        cmocka_unit_test(test_add_and_subtract),
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_divide),
        cmocka_unit_test(test_modulo),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_integers_and_doubles),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
