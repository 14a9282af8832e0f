/* SPDX-License-Identifier: Apache-2.0
 *
 * Character sets: every code of every set goes round, what they have and have not, lengths, zeros
 * in front of short units, texts larger than a piece. Expected values from the Unicode consortium's
 * tables and the manual. Mappings are compared with the reference server in tests/clients.
 */
#include "fixture.h"

#include "base/arena.h"

static const ql_charset *
charset(const char *name)
{
    const ql_charset *cs = ql_charset_by_name(str(name));
    assert_non_null(cs);
    return cs;
}

static void
expect_same(ql_str got, ql_str want)
{
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.p, want.p, want.n);
}

static void
test_list(void **state)
{
    (void)state;
    const char *last = "";
    assert_int_equal(ql_charset_count(), 41);
    for (size_t i = 0; i < ql_charset_count(); i++) {
        const ql_charset *cs = ql_charset_nth(i);
        assert_true(strcmp(last, cs->name) < 0);
        last = cs->name;
        assert_ptr_equal(charset(cs->name), cs);
        assert_non_null(ql_charset_default(cs));
        assert_ptr_equal(ql_charset_default(cs)->charset, cs);
    }
    assert_null(ql_charset_by_name(str("latin9")));
    assert_string_equal(charset("UTF8")->name, "utf8mb3");
}

/* Is it a text, and do its bytes come back, perhaps as others that are the same text? */
static bool
goes_round(ql_ctx *cx, const ql_charset *cs, ql_str code)
{
    ql_str text, bytes, again;
    uint64_t length;
    size_t fit;
    assert_int_equal(ql_charset_text(cx, cx->arena, cs, code, &text, &fit), QL_OK);
    if (fit < code.n || ql_utf8_chars(text) != 1) {
        return false;
    }
    assert_int_equal(ql_charset_fits(cx, cs, text, &fit), QL_OK);
    assert_int_equal(fit, text.n);
    assert_int_equal(ql_charset_bytes(cx, cx->arena, cs, text, &bytes), QL_OK);
    assert_int_equal(ql_charset_length(cx, cs, text, &length), QL_OK);
    assert_int_equal(length, bytes.n);
    assert_int_equal(ql_charset_text(cx, cx->arena, cs, bytes, &again, &fit), QL_OK);
    expect_same(again, text);
    return true;
}

static void
test_every_code(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    for (size_t i = 0; i < ql_charset_count(); i++) {
        const ql_charset *cs = ql_charset_nth(i);
        unsigned one = 0, two = 0;
        if (strcmp(cs->name, "binary") == 0 || cs->min_bytes > 1) {
            continue;
        }
        for (unsigned b = 0; b < 256; b++) {
            char byte = (char)b;
            one += goes_round(&cx, cs, (ql_str){&byte, 1});
        }
        for (unsigned k = 0x8000; cs->max_bytes > 1 && k < 0x10000; k++) {
            char bytes[2] = {(char)(k >> 8), (char)k};
            two += goes_round(&cx, cs, (ql_str){bytes, 2}) && (unsigned char)bytes[0] >= 0x80;
            ql_arena_reset(cx.arena);
        }
        assert_true(one >= 128 || strcmp(cs->name, "swe7") == 0);
        assert_true(cs->max_bytes == 1 || two > 1900);
    }
    fixture_end(&cx);
}

static void
test_known(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const struct {
        const char *cs, *text, *bytes; /* bytes NULL: it has not got the character */
    } cases[] = {
        {"latin1", "\u00e4\u20ac\u0152", "\xe4\x80\x8c"},
        {"latin1", "\xc2\x81", "\x81"}, /* the holes of cp1252 are control characters */
        {"latin1", "\u0416", NULL},
        {"latin2", "\u0161", "\xb9"},
        {"latin5", "\u011f\u0131", "\xf0\xfd"},
        {"latin7", "\u0161", "\xf0"},
        {"greek", "\u03b1", "\xe1"},
        {"hebrew", "\u05d0", "\xe0"},
        {"cp1250", "\u0159", "\xf8"},
        {"cp1251", "\u0416\u0451", "\xc6\xb8"},
        {"cp1256", "\u0627", "\xc7"},
        {"cp1257", "\u0101", "\xe2"},
        {"cp850", "\u00e4", "\x84"},
        {"cp852", "\u0159", "\xfd"},
        {"cp866", "\u0416", "\x86"},
        {"koi8r", "\u0416", "\xf6"},
        {"koi8u", "\u0454", "\xa4"},
        {"tis620", "\u0e01", "\xa1"},
        {"macroman", "\u00e4", "\x8a"},
        {"macce", "\u00e4", "\x8a"},
        {"hp8", "\u00e4", "\xcc"},
        {"dec8", "\u00e4\u0152", "\xe4\xd7"},
        {"swe7", "\u00c4\u00e5", "[}"},
        {"swe7", "[", NULL},
        {"armscii8", "\u0531", "\xb2"},
        {"geostd8", "\u10d0", "\xc0"},
        {"keybcs2", "\u010d", "\x87"},
        {"big5", "\u4e2d", "\xa4\xa4"},
        {"gbk", "\u4e2d", "\xd6\xd0"},
        {"gbk", "\u20ac", NULL},
        {"gb2312", "\u4e2d", "\xd6\xd0"},
        {"gb18030", "\u4e2d\U0001f600", "\xd6\xd0\x94\x39\xfc\x36"},
        {"sjis", "\u4e2d\uff71", "\x92\x86\xb1"},
        {"cp932", "\u2460", "\x87\x40"},
        {"sjis", "\u2460", NULL},
        {"ujis", "\u4e2d\uff71", "\xc3\xe6\x8e\xb1"},
        {"eucjpms", "\u2460", "\xad\xa1"},
        {"euckr", "\ud55c", "\xc7\xd1"},
        {"utf8mb3", "\u20ac", "\xe2\x82\xac"},
        {"utf8mb3", "\U0001f600", NULL},
        {"ucs2", "\U0001f600", NULL},
        {"ascii", "\u00e4", NULL},
        {"utf16", "\u20ac\U0001f600", "\x20\xac\xd8\x3d\xde"},
        {"utf16le", "\u20ac\U0001f600", "\xac\x20\x3d\xd8"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        const ql_charset *cs = charset(cases[i].cs);
        ql_str text = str(cases[i].text), bytes, again;
        size_t fit;
        assert_int_equal(ql_charset_fits(&cx, cs, text, &fit), QL_OK);
        if (cases[i].bytes == NULL) {
            assert_true(fit < text.n);
            assert_int_equal(ql_charset_limit(&cx, cx.arena, cs, text, &again), QL_OK);
            expect_same(again, str("?"));
            continue;
        }
        if (fit != text.n) {
            fail_msg("%s has not got %s", cs->name, text.p + fit);
        }
        assert_int_equal(ql_charset_bytes(&cx, cx.arena, cs, text, &bytes), QL_OK);
        if (strncmp(cs->name, "utf16", 5) != 0) {
            expect_same(bytes, str(cases[i].bytes));
        } else {
            assert_int_equal(bytes.n, 6);
        }
        assert_int_equal(ql_charset_text(&cx, cx.arena, cs, bytes, &again, &fit), QL_OK);
        expect_same(again, text);
    }
    fixture_end(&cx);
}

/* What is behind a misfit is not converted; zeros in front make a short unit whole. */
static void
test_misfits(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_str out;
    ql_buf b = {0};
    size_t fit;
    assert_int_equal(
        ql_charset_text(&cx, cx.arena, charset("gbk"), str("a\xd6\xd0\x81 b"), &out, &fit), QL_OK);
    expect_same(out, str("a\u4e2d"));
    assert_int_equal(fit, 3);
    assert_int_equal(
        ql_charset_text(&cx, cx.arena, charset("utf16"), (ql_str){"\x41", 1}, &out, &fit), QL_OK);
    expect_same(out, str("A"));
    assert_int_equal(
        ql_charset_text(&cx, cx.arena, charset("utf32"), (ql_str){"\xe4\0\x11\0\0", 5}, &out, &fit),
        QL_OK);
    assert_int_equal(fit, 4);
    assert_int_equal(
        ql_charset_text(&cx, cx.arena, charset("utf16"), (ql_str){"\xd8\x3d\0A", 4}, &out, &fit),
        QL_OK);
    assert_int_equal(fit, 0);
    assert_int_equal(out.n, 0);
    assert_int_equal(
        ql_charset_decode(&cx, charset("sjis"), str("\xff\x81 \xb1"), QL_MISFIT_KEEP, &b, &fit),
        QL_OK);
    expect_same((ql_str){b.p, b.n}, str("\xff\x81 \uff71"));
    ql_buf_clear(&b);
    assert_int_equal(
        ql_charset_encode(&cx, charset("sjis"), str("\xff\x81 \uff71"), QL_MISFIT_KEEP, &b, &fit),
        QL_OK);
    expect_same((ql_str){b.p, b.n}, str("\xff\x81 \xb1"));
    ql_buf_free(&b);
    assert_int_equal(ql_charset_prefix(&cx, charset("gbk"), str("a\u4e2db"), 2, &fit), QL_OK);
    assert_int_equal(fit, 1);
    assert_int_equal(ql_charset_prefix(&cx, charset("gbk"), str("a\u4e2db"), 3, &fit), QL_OK);
    assert_int_equal(fit, 4);
    fixture_end(&cx);
}

static void
test_long(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    static const char *const sets[] = {"latin1", "gbk",   "ujis", "gb18030",
                                       "utf16",  "utf32", "ucs2"};
    size_t n = 100001;
    char *p = malloc(2 * n + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        memcpy(p + 2 * i, i % 7 == 0 ? "ab" : "\u00a7", 2);
    }
    for (size_t k = 0; k < QL_ARRAY_LEN(sets); k++) {
        const ql_charset *cs = charset(sets[k]);
        ql_str bytes, again, text = {p, 2 * n};
        uint64_t length;
        size_t fit;
        assert_int_equal(ql_charset_bytes(&cx, cx.arena, cs, text, &bytes), QL_OK);
        assert_int_equal(ql_charset_length(&cx, cs, text, &length), QL_OK);
        assert_int_equal(bytes.n, length);
        assert_int_equal(ql_charset_text(&cx, cx.arena, cs, bytes, &again, &fit), QL_OK);
        assert_int_equal(fit, bytes.n);
        expect_same(again, text);
    }
    free(p);
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),  cmocka_unit_test(test_every_code),
        cmocka_unit_test(test_known), cmocka_unit_test(test_misfits),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
