/* SPDX-License-Identifier: Apache-2.0
 *
 * Collations: lists, order, agreement of compare with sort key and hash (random texts), agreement
 * of the Unicode collations with ICU's own comparison, character set conversion, case, UTF-8.
 * Expected values from the manual, the reference server and ICU.
 */
#include "fixture.h"

#include <unicode/ucol.h>

static const ql_collation *
coll(const char *name)
{
    const ql_collation *c = ql_collation_by_name(str(name));
    assert_non_null(c);
    return c;
}

static int
compare(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b)
{
    int r = 99;
    assert_int_equal(ql_coll_compare(cx, c, a, b, &r), QL_OK);
    return r < 0 ? -1 : r > 0;
}

static void
test_lists(void **state)
{
    (void)state;
    assert_int_equal(coll("UTF8MB4_0900_AI_CI")->id, 255);
    assert_int_equal(coll("utf8_general_ci")->id, 33);
    assert_int_equal(coll("utf8_bin")->id, 83);
    assert_null(ql_collation_by_name(str("nosuch_ci")));
    assert_string_equal(ql_collation_by_id(46)->name, "utf8mb4_bin");
    assert_null(ql_collation_by_id(9999));
    assert_string_equal(ql_charset_by_name(str("utf8"))->name, "utf8mb3");
    assert_string_equal(ql_charset_default(ql_charset_by_name(str("LATIN1")))->name,
                        "latin1_swedish_ci");
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        assert_ptr_equal(ql_collation_by_id(c->id), c);
        const ql_collation *d = ql_charset_default(c->charset);
        assert_ptr_equal(d->charset, c->charset);
    }
    assert_false(ql_coll_default->pad_space);
    assert_true(coll("utf8mb4_general_ci")->pad_space);
    assert_true(ql_coll_utf8mb4_bin->is_binary && ql_coll_utf8mb4_bin->pad_space);
    assert_false(ql_coll_binary->pad_space);
}

static void
test_known_orders(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const struct {
        const char *coll, *a, *b;
        int order;
    } cases[] = {
        {"utf8mb4_0900_ai_ci", "abc", "ABC", 0},
        {"utf8mb4_0900_ai_ci", "abc", "abd", -1},
        {"utf8mb4_0900_ai_ci", "a", "a ", -1}, /* NO PAD */
        {"utf8mb4_0900_ai_ci", "\xc3\xa9", "E", 0},
        {"utf8mb4_0900_ai_ci", "e\xcc\x81", "\xc3\xa9", 0},
        {"utf8mb4_0900_ai_ci", "\xc3\x9f", "ss", 0},
        {"utf8mb4_0900_ai_ci", "", "", 0},
        {"utf8mb4_0900_ai_ci", "", "a", -1},
        {"utf8mb4_0900_ai_ci", "Z", "a", 1},
        {"utf8mb4_0900_ai_ci", "_", "1", -1},
        {"utf8mb4_0900_ai_ci", "9", "a", -1},
        {"utf8mb4_0900_as_ci", "\xc3\xa9", "e", 1},
        {"utf8mb4_0900_as_ci", "\xc3\xa9", "\xc3\x89", 0},
        {"utf8mb4_0900_as_cs", "a", "A", -1},
        {"utf8mb4_ja_0900_as_cs", "\u3042", "\u30a2", 0},
        {"utf8mb4_ja_0900_as_cs_ks", "\u3042", "\u30a2", -1},
        {"utf8mb4_ja_0900_as_cs_ks", "\u3042x", "\u30a2a", 1},
        {"utf8mb4_la_0900_ai_ci", "ja", "IA", 0},
        {"utf8mb4_roman_ci", "uva", "VUA", 0},
        {"utf8mb4_german2_ci", "\u00e4", "ae", 0},
        {"latin1_german2_ci", "\u00df", "ss", 0},
        {"latin1_german1_ci", "\u00e4", "a", 0},
        {"latin1_german1_ci", "\u00df", "s", 0},
        {"latin1_german1_ci", "\u00df", "t", -1},
        {"latin1_danish_ci", "\u00e5", "z", 1},
        {"latin1_spanish_ci", "\u00f1", "nz", 1},
        {"latin1_spanish_ci", "\u00f1", "o", -1},
        {"latin1_general_cs", "A", "a", -1},
        {"latin1_bin", "\u20ac", "\u00e4", -1}, /* 80 and E4 */
        {"cp1251_bin", "\u0451", "\u0430", -1}, /* B8 and E0 */
        {"utf16_bin", "\u20ac", "\u00e4", 1},
        {"koi8r_bin", "\u044e", "\u0430", -1}, /* C0 and C1 */
        {"utf8mb4_es_trad_0900_ai_ci", "ch", "cz", 1},
        {"utf8mb4_es_trad_0900_ai_ci", "ch", "d", -1},
        {"utf8mb4_cs_0900_ai_ci", "ch", "h", 1},
        {"utf8mb4_lt_0900_ai_ci", "y", "j", -1},
        {"utf8mb4_tr_0900_ai_ci", "\u0131", "i", -1},
        {"utf8mb4_sv_0900_ai_ci", "\u00e5", "z", 1},
        {"utf8mb4_hu_0900_ai_ci", "cs", "cz", 1},
        {"utf8mb4_0900_as_cs", "aB", "Aa", 1},
        {"utf8mb4_0900_as_cs", "a", "a", 0},
        {"utf8mb4_bin", "a", "A", 1},
        {"utf8mb4_bin", "a", "a  ", 0}, /* PAD SPACE */
        {"utf8mb4_0900_bin", "a", "a ", -1},
        {"binary", "a", "a ", -1},
        {"utf8mb4_general_ci", "abc ", "ABC", 0},
        {"utf8mb4_general_ci", "\xc3\xa9", "E", 0},
        {"utf8mb4_general_ci", "\xc3\x9f", "s", 0},
        {"utf8mb4_general_ci", "\xc3\x9f", "ss", -1},
        {"utf8mb4_general_ci", "\xd0\xb9", "\xd0\xb8", 1}, /* short i is not i */
        {"utf8mb4_general_ci", "\xd1\x91", "\xd0\x95", 0}, /* yo is ye */
        {"utf8mb4_general_ci", "\xf0\x9f\x98\x80", "\xf0\x9f\x8d\xba", 0},
        {"utf8mb4_unicode_ci",
         "stra\xc3\x9f"
         "e ",
         "STRASSE", 0},
        {"latin1_swedish_ci", "\xc3\xa9", "E", 0},
        {"latin1_swedish_ci", "\xc3\xa4", "z", 1},
        {"latin1_swedish_ci", "\xc3\xa4", "a", 1},
        {"latin1_swedish_ci", "\xc3\xbc", "y", 0},
        {"utf8mb4_sv_0900_ai_ci", "\xc3\xb6", "z", 1},
        {"utf8mb4_0900_ai_ci", "\xc3\xb6", "z", -1},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        const ql_collation *c = coll(cases[i].coll);
        int r = compare(&cx, c, str(cases[i].a), str(cases[i].b));
        if (r != cases[i].order) {
            fail_msg("%s: '%s' ? '%s' = %d", cases[i].coll, cases[i].a, cases[i].b, r);
        }
        assert_int_equal(compare(&cx, c, str(cases[i].b), str(cases[i].a)), -cases[i].order);
    }
    fixture_end(&cx);
}

/* Texts over a small alphabet that provokes equal prefixes, case pairs, accents, contractions,
 * ignorable and malformed bytes. */
static size_t
random_text(uint64_t *seed, char *out, size_t max_pieces, bool valid)
{
    static const char *const pieces[] = {"a",
                                         "A",
                                         "b",
                                         "B",
                                         "z",
                                         " ",
                                         "-",
                                         "1",
                                         "l",
                                         "L",
                                         "\xc2\xb7",
                                         "\xc3\xa9",
                                         "\xc3\x89",
                                         "e\xcc\x81",
                                         "e",
                                         "\xcc\xa3",
                                         "c",
                                         "h",
                                         "\xc3\x9f",
                                         "ss",
                                         "\xd0\xb8",
                                         "\xd0\xb9",
                                         "\t",
                                         "\x01",
                                         "_",
                                         "S",
                                         "\xce\xa3",
                                         "\xcf\x82",
                                         "\xe4\xb8\xad",
                                         "\xe0\xb9\x80\xe0\xb8\x81",
                                         "\xf0\x9f\x98\x80",
                                         "\xef\xb7\xba",
                                         "\xea\xb0\x80",
                                         "\xff",
                                         "\xc3"};
    size_t n = 0, count = next_random(seed) % (max_pieces + 1);
    for (size_t i = 0; i < count; i++) {
        const char *p = pieces[next_random(seed) % (QL_ARRAY_LEN(pieces) - (valid ? 2 : 0))];
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
    }
    return n;
}

static void
test_agreement(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const char *const names[] = {"utf8mb4_0900_ai_ci",    "utf8mb4_0900_as_ci",
                                        "utf8mb4_0900_as_cs",    "utf8mb4_general_ci",
                                        "utf8mb4_bin",           "binary",
                                        "utf8mb4_unicode_ci",    "latin1_swedish_ci",
                                        "utf8mb4_cs_0900_ai_ci", "utf8mb4_0900_bin"};
    uint64_t seed = 1234567;
    for (size_t k = 0; k < QL_ARRAY_LEN(names); k++) {
        const ql_collation *c = coll(names[k]);
        for (int i = 0; i < 3000; i++) {
            char ta[400], tb[400];
            ql_buf ka = {0}, kb = {0};
            uint64_t ha, hb;
            ql_str a = {ta, random_text(&seed, ta, 8, false)};
            ql_str b = {tb, random_text(&seed, tb, 8, false)};
            if (next_random(&seed) % 3 == 0) { /* long equal prefix */
                size_t n = random_text(&seed, ta, 20, false);
                memcpy(tb, ta, n);
                a.n = n + random_text(&seed, ta + n, 3, false);
                b.n = n + random_text(&seed, tb + n, 3, false);
            }
            int r = compare(&cx, c, a, b);
            assert_int_equal(ql_coll_sortkey(&cx, c, a, &ka), QL_OK);
            assert_int_equal(ql_coll_sortkey(&cx, c, b, &kb), QL_OK);
            assert_int_equal(ql_coll_hash(&cx, c, a, 7, &ha), QL_OK);
            assert_int_equal(ql_coll_hash(&cx, c, b, 7, &hb), QL_OK);
            size_t n = ka.n < kb.n ? ka.n : kb.n;
            int m = n ? memcmp(ka.p, kb.p, n) : 0;
            m = m ? (m < 0 ? -1 : 1) : (ka.n < kb.n ? -1 : ka.n > kb.n);
            if (r != m) {
                fail_msg("%s: compare %d, sort keys %d: '%.*s' '%.*s'", names[k], r, m, (int)a.n,
                         a.p, (int)b.n, b.p);
            }
            if (r == 0) {
                assert_true(ha == hb);
            }
            assert_int_equal(compare(&cx, c, b, a), -r);
            ql_buf_free(&ka);
            ql_buf_free(&kb);
        }
    }
    fixture_end(&cx);
}

static void
test_against_icu(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const struct {
        const char *name, *locale;
        UCollationStrength strength;
    } cases[] = {{"utf8mb4_0900_ai_ci", "", UCOL_PRIMARY},
                 {"utf8mb4_0900_as_ci", "", UCOL_SECONDARY},
                 {"utf8mb4_0900_as_cs", "", UCOL_TERTIARY},
                 {"utf8mb4_cs_0900_ai_ci", "cs", UCOL_PRIMARY},
                 {"utf8mb4_sv_0900_ai_ci", "sv", UCOL_PRIMARY}};
    uint64_t seed = 99;
    for (size_t k = 0; k < QL_ARRAY_LEN(cases); k++) {
        UErrorCode err = U_ZERO_ERROR;
        UCollator *u = ucol_open(cases[k].locale, &err);
        ucol_setStrength(u, cases[k].strength);
        ucol_setAttribute(u, UCOL_NORMALIZATION_MODE, UCOL_ON, &err);
        assert_true(U_SUCCESS(err));
        for (int i = 0; i < 5000; i++) {
            char ta[200], tb[200];
            ql_str a = {ta, random_text(&seed, ta, 5, true)};
            ql_str b = {tb, random_text(&seed, tb, 5, true)};
            int want = ucol_strcollUTF8(u, a.p, (int32_t)a.n, b.p, (int32_t)b.n, &err);
            int got = compare(&cx, coll(cases[k].name), a, b);
            if (got != want) {
                fail_msg("%s: %d, ICU %d: '%.*s' '%.*s'", cases[k].name, got, want, (int)a.n, a.p,
                         (int)b.n, b.p);
            }
        }
        ucol_close(u);
    }
    fixture_end(&cx);
}

/* The sort key of a beginning is the beginning of the sort key: index ranges for LIKE 'abc%'. */
static void
test_key_prefixes(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const char *const names[] = {"utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_bin"};
    for (size_t k = 0; k < QL_ARRAY_LEN(names); k++) {
        ql_buf a = {0}, b = {0};
        assert_int_equal(ql_coll_sortkey(&cx, coll(names[k]), str("Abc-1"), &a), QL_OK);
        assert_int_equal(ql_coll_sortkey(&cx, coll(names[k]), str("Abc-1\xc3\xa9x y"), &b), QL_OK);
        assert_true(a.n > 0 && a.n < b.n);
        assert_memory_equal(a.p, b.p, a.n);
        ql_buf_free(&a);
        ql_buf_free(&b);
    }
    fixture_end(&cx);
}

static void
expect_conversion(ql_ctx *cx, const char *cs, bool from, ql_str in, ql_str want, bool want_lossy)
{
    ql_buf out = {0};
    bool lossy;
    const ql_charset *c = ql_charset_by_name(str(cs));
    ql_status st = from ? ql_charset_from_client(cx, c, in, &out, &lossy)
                        : ql_charset_to_client(cx, c, in, &out, &lossy);
    assert_int_equal(st, QL_OK);
    assert_int_equal(out.n, want.n);
    assert_memory_equal(out.p, want.p, want.n);
    assert_int_equal(lossy, want_lossy);
    ql_buf_free(&out);
}

static void
test_conversion(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    expect_conversion(&cx, "latin1", true, str("\xe4x\x80"), str("\xc3\xa4x\xe2\x82\xac"), false);
    expect_conversion(&cx, "latin1", false, str("\xc3\xa4x\xe2\x82\xac"), str("\xe4x\x80"), false);
    expect_conversion(&cx, "latin1", false, str("a\xd0\xb9z"), str("a?z"), true);
    expect_conversion(&cx, "ascii", false, str("a\xc3\xa4z"), str("a?z"), true);
    expect_conversion(&cx, "utf8mb3", false, str("a\xf0\x9f\x98\x80z"), str("a?z"), true);
    expect_conversion(&cx, "utf8mb4", false, str("a\xf0\x9f\x98\x80z"), str("a\xf0\x9f\x98\x80z"),
                      false);
    expect_conversion(&cx, "binary", true, str("a\xff"), str("a\xff"), false);
    expect_conversion(&cx, "ucs2", false, str("a\xc3\xa4"), (ql_str){"\0a\0\xe4", 4}, false);
    expect_conversion(&cx, "cp1251", true, str("\xc9"), str("\xd0\x99"), false);
    expect_conversion(&cx, "gbk", true, str("\xd6\xd0"), str("\xe4\xb8\xad"), false);
    /* Larger than all pieces of the converter. */
    size_t n = 300000;
    char *latin = malloc(n), *utf8 = malloc(2 * n);
    for (size_t i = 0; i < n; i++) {
        latin[i] = '\xe4';
        memcpy(utf8 + 2 * i, "\xc3\xa4", 2);
    }
    expect_conversion(&cx, "latin1", true, (ql_str){latin, n}, (ql_str){utf8, 2 * n}, false);
    expect_conversion(&cx, "latin1", false, (ql_str){utf8, 2 * n}, (ql_str){latin, n}, false);
    free(latin);
    free(utf8);
    fixture_end(&cx);
}

static void
test_utf8(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    uint32_t cp;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char out[4];
        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }
        int n = ql_utf8_encode(c, out);
        assert_int_equal(ql_utf8_decode(out, (size_t)n, &cp), n);
        assert_int_equal(cp, c);
        if (n > 1) {
            assert_int_equal(ql_utf8_decode(out, (size_t)n - 1, &cp), 0);
        }
    }
    assert_int_equal(ql_utf8_decode("\xc0\x80", 2, &cp), 0);
    assert_int_equal(ql_utf8_decode("\xed\xa0\x80", 3, &cp), 0);
    assert_int_equal(ql_utf8_decode("\xf4\x90\x80\x80", 4, &cp), 0);
    assert_int_equal(ql_utf8_chars(str("abcdefghij\xc3\xa4\xff z")), 14);
    assert_int_equal(ql_utf8_offset(str("abcdefghij\xc3\xa4z"), 11), 12);
    assert_int_equal(ql_utf8_offset(str("abc"), 99), 3);
    assert_int_equal(ql_utf8_valid_prefix(str("abcdefghij\xc3\xa4\xff z")), 12);
    ql_buf up = {0}, low = {0};
    assert_int_equal(ql_utf8_upper(&cx, str("a\xc3\xa4\xc3\x9fz\xff"), &up), QL_OK);
    assert_int_equal(up.n, 7);
    assert_memory_equal(up.p, "A\xc3\x84\xc3\x9fZ\xff", 7);
    assert_int_equal(ql_utf8_lower(&cx, str("A\xc3\x84\xc4\xb0Z"), &low), QL_OK);
    assert_memory_equal(low.p, "a\xc3\xa4", 3);
    ql_buf_free(&up);
    ql_buf_free(&low);
    assert_true(ql_str_eq_nocase(str("SeLect"), str("sELECT")));
    assert_false(ql_str_eq_nocase(str("[a"), str("{a")));
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),        cmocka_unit_test(test_known_orders),
        cmocka_unit_test(test_agreement),    cmocka_unit_test(test_against_icu),
        cmocka_unit_test(test_key_prefixes), cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
