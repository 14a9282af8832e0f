/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that begin with other ones, character by character under the collation as LIKE compares
 * them: their keys lie between the edges that are told, under every collation, for texts of
 * everything that does not weigh by itself. And the edges are narrow where nothing is in the way.
 */
#include "fixture.h"

#include "types/beginning.h"

/* Letters of either case, accents composed and not; contractions of Czech, Croatian, Hungarian,
 * Spanish, Danish; the Catalan point; Cyrillic, Greek, Thai, Lao, Tibetan, Indic, Hangul, Kana and
 * their marks; what is ignored; spaces; more letters in one character; what has no weight of its
 * own; beyond the first plane; bytes that memcmp and patterns mind. */
static const char *const letters[] = {
    "a",      "A",      "b",      "c",      "C",      "h",      "H",      "l",      "L",
    "j",      "d",      "D",      "z",      "Z",      "s",      "S",      "y",      "n",
    "N",      "o",      "i",      "I",      "e",      "w",      "v",      "u",      "t",
    "g",      "ž",      "Ž",      "á",      "å",      "Å",      "ạ",      "ä",      "ö",
    "ø",      "ñ",      "š",      "ş",      "ğ",      "ı",      "İ",      "ł",      "đ",
    "þ",      "ß",      "æ",      "Œ",      "ĳ",      "ﬆ",      "ﷺ",      "Ａ",     "ａ",
    "①",      "½",      "·",      "\u0387", "\u0300", "\u0301", "\u0306", "\u0308", "\u030A",
    "\u0303", "\u030C", "\u0323", "\u0327", "\u0328", "\u0345", "\u0344", "α",      "ι",
    "ᾳ",      "и",      "й",      "И",      "Й",      "і",      "ї",      "е",      "ё",
    "เ",      "ก",      "ข",      "า",      "\u0E38", "\u0E48", "ແ",      "ກ",      "\u0FB2",
    "\u0F71", "\u0F80", "\u0F73", "\u0F75", "ெ",      "ா",      "ொ",      "क",      "\u094D",
    "\u093C", "가",     "각",     "\u1100", "\u1161", "\u11A8", "か",     "が",     "\u3099",
    "ー",     "ゝ",     "カ",     "ｶ",      "漢",     "字",     "中",     " ",      " ",
    "\u00A0", "\u3000", "\t",     "\x01",   "\u00AD", "\u200D", "\uFEFF", "😀",      "𑄮",
    "𑄧",       "-",      "_",      "%",      "'",      "0",      "9",      "\xff"};
#define LETTERS (sizeof letters / sizeof letters[0])

static bool
chars_equal(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b)
{
    int r;
    char x[8], y[8];
    if (a.n == b.n && memcmp(a.p, b.p, a.n) == 0) {
        return true;
    }
    if (c->is_binary) {
        return false;
    }
    if (a.n == 1 && b.n == 1 && (unsigned char)a.p[0] < 128 && (unsigned char)b.p[0] < 128) {
        return c->case_insensitive && (a.p[0] | 32) == (b.p[0] | 32) && (a.p[0] | 32) >= 'a' &&
               (a.p[0] | 32) <= 'z';
    }
    if (ql_char_is_mark(a) || ql_char_is_mark(b)) {
        return false;
    }
    memcpy(x, a.p, a.n);
    memcpy(y, b.p, b.n);
    x[a.n] = y[b.n] = '|'; /* a space at the end counts */
    assert_int_equal(ql_coll_compare(cx, c, (ql_str){x, a.n + 1}, (ql_str){y, b.n + 1}, &r), QL_OK);
    return r == 0;
}

typedef struct some_text {
    uint32_t n;
    uint16_t at[12];
    char bytes[80];
    size_t len;
} some_text;

static void
spell(some_text *t)
{
    t->len = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        size_t n = strlen(letters[t->at[i]]);
        memcpy(t->bytes + t->len, letters[t->at[i]], n);
        t->len += n;
    }
}

static ql_str
of(const some_text *t)
{
    return (ql_str){t->bytes, t->len};
}

static uint16_t
any_equal(const bool *equal, uint64_t *seed, uint16_t to)
{
    for (int tries = 0; tries < 20; tries++) {
        uint16_t k = (uint16_t)(next_random(seed) % LETTERS);
        if (equal[to * LETTERS + k]) {
            return k;
        }
    }
    return to;
}

static void
expect_within(ql_ctx *cx, const ql_type *t, uint32_t prefix, bool down, const some_text *text_of,
              const some_text *head)
{
    ql_buf key = {0}, low = {0}, high = {0};
    ql_value v = ql_value_str(of(text_of), t->coll), p = ql_value_str(of(head), t->coll);
    assert_int_equal(ql_key_encode(cx, t, prefix, down, &v, &key), QL_OK);
    assert_int_equal(ql_key_encode_beginning(cx, t, prefix, down, false, &p, &low), QL_OK);
    assert_int_equal(ql_key_encode_beginning(cx, t, prefix, down, true, &p, &high), QL_OK);
    size_t n = key.n < low.n ? key.n : low.n;
    int c = memcmp(key.p, low.p, n);
    bool above = c > 0 || (c == 0 && key.n >= low.n);
    n = key.n < high.n ? key.n : high.n;
    c = memcmp(key.p, high.p, n);
    bool below = c < 0 || (c == 0 && key.n >= high.n);
    if (!above || !below) {
        fail_msg("%s: \"%.*s\" is outside of \"%.*s%%\" (%s)", t->coll->name, (int)text_of->len,
                 text_of->bytes, (int)head->len, head->bytes, above ? "above" : "below");
    }
    ql_buf_free(&key);
    ql_buf_free(&low);
    ql_buf_free(&high);
}

/* Is the key before, within or behind what lies from low on to those that begin with high? */
static int
place(const ql_buf *key, const ql_buf *low, const ql_buf *high)
{
    size_t n = key->n < low->n ? key->n : low->n;
    int c = memcmp(key->p, low->p, n);
    if (c < 0 || (c == 0 && key->n < low->n)) {
        return -1;
    }
    n = key->n < high->n ? key->n : high->n;
    c = memcmp(key->p, high->p, n);
    return c > 0 || (c == 0 && key->n < high->n);
}

/* The keys of cut texts are where comparisons with another text look for them. */
static void
expect_found(ql_ctx *cx, const ql_type *t, uint32_t cut, bool down, const some_text *x,
             const some_text *y)
{
    ql_buf key = {0}, low = {0}, high = {0};
    ql_value v = ql_value_str(of(x), t->coll), p = ql_value_str(of(y), t->coll);
    int order;
    assert_int_equal(ql_coll_compare(cx, t->coll, v.s, p.s, &order), QL_OK);
    order = down ? -order : order;
    assert_int_equal(ql_key_encode(cx, t, cut, down, &v, &key), QL_OK);
    for (int near = 0; near < 2; near++) {
        ql_buf_clear(&low);
        ql_buf_clear(&high);
        assert_int_equal(ql_key_encode_end(cx, t, cut, down, near, false, &p, &low), QL_OK);
        assert_int_equal(ql_key_encode_end(cx, t, cut, down, near, true, &p, &high), QL_OK);
        int at = place(&key, &low, &high);
        if (near ? (order <= 0 && at > 0) || (order >= 0 && at < 0) : order == 0 && at != 0) {
            fail_msg("%s: \"%.*s\" is not found beside \"%.*s\"", t->coll->name, (int)x->len,
                     x->bytes, (int)y->len, y->bytes);
        }
    }
    ql_buf_free(&key);
    ql_buf_free(&low);
    ql_buf_free(&high);
}

static void
expect_whole(ql_ctx *cx, const ql_type *t, const some_text *text_of, const some_text *head)
{
    ql_buf a = {0}, b = {0};
    ql_beginning w = {0};
    assert_int_equal(ql_beginning_find(cx, t->coll, of(head), &w), QL_OK);
    if (w.whole) {
        assert_int_equal(ql_coll_sortkey(cx, t->coll, of(text_of), &a), QL_OK);
        assert_int_equal(ql_coll_sortkey(cx, t->coll, of(head), &b), QL_OK);
        if (a.n != b.n || (a.n > 0 && memcmp(a.p, b.p, a.n) != 0)) {
            fail_msg("%s: \"%.*s\" is like \"%.*s\", not equal", t->coll->name, (int)text_of->len,
                     text_of->bytes, (int)head->len, head->bytes);
        }
    }
    ql_beginning_free(&w);
    ql_buf_free(&a);
    ql_buf_free(&b);
}

/* The first eight bytes of a key, where they can be told by its beginning. */
static bool
expect_key_head(ql_ctx *cx, const ql_type *t, bool down, const some_text *text_of)
{
    ql_buf key = {0}, tmp = {0};
    char thrice[240];
    uint64_t head, want = 0;
    bool known;
    for (int i = 0; i < 3; i++) {
        memcpy(thrice + (size_t)i * text_of->len, text_of->bytes, text_of->len);
    }
    ql_value v = ql_value_str((ql_str){thrice, 3 * text_of->len}, t->coll);
    assert_int_equal(ql_key_encode(cx, t, 0, down, &v, &key), QL_OK);
    assert_int_equal(ql_key_head(cx, t, down, &v, &tmp, &head, &known), QL_OK);
    for (size_t i = 0; i < 8 && i < key.n; i++) {
        want = want << 8 | (unsigned char)key.p[i];
    }
    if (known && (key.n < 8 || head != want)) {
        fail_msg("%s: the key of \"%.*s\" begins with something else", t->coll->name, (int)v.s.n,
                 v.s.p);
    }
    ql_buf_free(&key);
    ql_buf_free(&tmp);
    return known;
}

static void
test_random(void **state)
{
    ql_ctx cx;
    static bool equal[LETTERS * LETTERS];
    uint64_t seed = 77, heads = 0;
    (void)state;
    fixture_begin(&cx);
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_type t = {.kind = QL_K_STRING, .field = QL_F_VARCHAR, .length = 100, .coll = c};
        bool simple = strstr(c->name, "0900") == NULL && strstr(c->name, "unicode") == NULL;
        for (size_t a = 0; a < LETTERS; a++) {
            for (size_t b = 0; b < LETTERS; b++) {
                equal[a * LETTERS + b] = chars_equal(&cx, c, str(letters[a]), str(letters[b]));
            }
        }
        for (int round = 0; round < (simple ? 100 : 400); round++) {
            some_text x = {.n = (uint32_t)(next_random(&seed) % 9)}, y = {0};
            /* a few different ones, so that those that belong together meet */
            uint64_t from = next_random(&seed) % LETTERS;
            for (uint32_t k = 0; k < x.n; k++) {
                x.at[k] =
                    (uint16_t)(next_random(&seed) % 2 ? next_random(&seed) % LETTERS
                                                      : (from + next_random(&seed) % 12) % LETTERS);
            }
            y.n = (uint32_t)(next_random(&seed) % (x.n + 1));
            for (uint32_t k = 0; k < y.n; k++) {
                y.at[k] = any_equal(equal, &seed, x.at[k]);
            }
            spell(&x);
            spell(&y);
            expect_within(&cx, &t, 0, false, &x, &y);
            expect_within(&cx, &t, 1 + (uint32_t)(round % 3), round % 2, &x, &y);
            expect_within(&cx, &t, 0, true, &x, &y);
            heads += expect_key_head(&cx, &t, round % 2, &x);
            uint32_t n = 1 + (uint32_t)(round % 3);
            expect_found(&cx, &t, n | (ql_coll_joins(c) ? QL_CUT_WEIGHTS : 0), round % 2, &x, &y);
            if (ql_coll_joins(c)) {
                expect_within(&cx, &t, n | QL_CUT_WEIGHTS, round % 2, &x, &y);
            }
            if (x.n == y.n) {
                expect_whole(&cx, &t, &x, &y);
            }
        }
    }
    assert_true(heads > 1000);
    fixture_end(&cx);
}

/* Every character of the first plane behind every one that may be the last of a pattern. */
static void
test_what_follows(void **state)
{
    ql_ctx cx;
    static const char *const names[] = {"utf8mb4_0900_ai_ci", "utf8mb4_cs_0900_ai_ci",
                                        "utf8mb4_da_0900_ai_ci", "utf8mb4_ja_0900_as_cs"};
    (void)state;
    fixture_begin(&cx);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ql_type t = {.kind = QL_K_STRING, .coll = ql_collation_by_name(str(names[i]))};
        for (uint32_t k = 0; k < LETTERS - 1; k++) {
            some_text x = {.n = 1, .at = {(uint16_t)k}}, head;
            spell(&x);
            head = x;
            for (uint32_t cp = 0x80; cp < 0x3100;
                 cp += cp < 0x370 || (cp > 0xE00 && cp < 0xE50) || k % 8 == 0 ? 1 : 24) {
                x.len = head.len + (size_t)ql_utf8_encode(cp, x.bytes + head.len);
                expect_within(&cx, &t, 0, false, &x, &head);
            }
        }
    }
    fixture_end(&cx);
}

static void
expect_edges(ql_ctx *cx, const char *coll, const char *head, const char *as, bool whole)
{
    const ql_collation *c = ql_collation_by_name(str(coll));
    ql_beginning b = {0};
    ql_buf want = {0};
    assert_int_equal(ql_beginning_find(cx, c, str(head), &b), QL_OK);
    assert_int_equal(ql_coll_sortkey(cx, c, str(as), &want), QL_OK);
    bool same = ql_str_eq((ql_str){b.low.p, b.low.n}, (ql_str){b.high.p, b.high.n});
    if (b.low.n > want.n || !same ||
        !ql_str_eq((ql_str){b.low.p, b.low.n}, (ql_str){want.p, b.low.n}) ||
        (b.low.n < want.n && want.p[b.low.n] != 1)) {
        fail_msg("%s: edges of \"%s\" are not those of \"%s\"", coll, head, as);
    }
    assert_int_equal(b.whole, whole);
    ql_beginning_free(&b);
    ql_buf_free(&want);
}

static void
expect_hull(ql_ctx *cx, const char *coll, const char *head, const char *low, const char *high)
{
    const ql_collation *c = ql_collation_by_name(str(coll));
    ql_beginning b = {0};
    ql_buf from = {0}, to = {0};
    assert_int_equal(ql_beginning_find(cx, c, str(head), &b), QL_OK);
    assert_int_equal(ql_coll_sortkey(cx, c, str(low), &from), QL_OK);
    assert_int_equal(ql_coll_sortkey(cx, c, str(high), &to), QL_OK);
    if (b.low.n != from.n || b.high.n != to.n || memcmp(b.low.p, from.p, from.n) != 0 ||
        memcmp(b.high.p, to.p, to.n) != 0) {
        fail_msg("%s: edges of \"%s\" are not those of \"%s\" and \"%s\"", coll, head, low, high);
    }
    ql_beginning_free(&b);
    ql_buf_free(&from);
    ql_buf_free(&to);
}

static void
test_narrow(void **state)
{
    ql_ctx cx;
    (void)state;
    fixture_begin(&cx);
    static const char *const plain[] = {
        "utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_0900_as_ci", "utf8mb4_unicode_ci",
        "utf8mb4_general_ci", "latin1_swedish_ci",  "utf8mb4_bin",        "binary",
        "utf8mb4_0900_bin"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        expect_edges(&cx, plain[i], "eta", "eta", true);
        expect_edges(&cx, plain[i], "Ella 7-x", "Ella 7-x", true);
        expect_edges(&cx, plain[i], "Иван", "Иван", true);
        expect_edges(&cx, plain[i], "", "", true);
    }
    expect_edges(&cx, "utf8mb4_cs_0900_ai_ci", "Praha", "Praha", true);
    expect_edges(&cx, "utf8mb4_cs_0900_ai_ci", "Prah", "Prah", true);
    expect_edges(&cx, "utf8mb4_0900_ai_ci", "a b  ", "a b  ", true);
    expect_edges(&cx, "utf8mb4_general_ci", "a b  ", "a b", false);
    expect_edges(&cx, "utf8mb4_bin", "a b  ", "a b", true);
    expect_edges(&cx, "utf8mb4_unicode_ci", "a b \u00a0", "a b", false);
    expect_edges(&cx, "utf8mb4_tr_0900_ai_ci", "kib", "k", false); /* LIKE takes an I for it */
    /* marks and letters that may follow: from the one to the other */
    expect_hull(&cx, "utf8mb4_0900_ai_ci", "Ви", "Ви", "Вй");
    expect_hull(&cx, "utf8mb4_hr_0900_ai_ci", "Baljk", "Bal", "Balj");
    expect_hull(&cx, "utf8mb4_cs_0900_ai_ci", "c", "c", "ch");
    expect_hull(&cx, "utf8mb4_da_0900_ai_ci", "Baab", "Ba", "Bå");
    fixture_end(&cx);
}

static void
expect_head(const char *pattern, const char *escape, const char *head, const char *text_of,
            bool whole)
{
    char out[64];
    bool is;
    ql_str h = ql_pattern_head(ql_coll_default, str(pattern), str(escape));
    assert_int_equal(h.n, strlen(head));
    assert_memory_equal(h.p, head, h.n);
    size_t n = ql_pattern_text(ql_coll_default, str(pattern), str(escape), out, &is);
    assert_int_equal(n, strlen(text_of));
    assert_memory_equal(out, text_of, n);
    assert_int_equal(is, whole);
}

static void
test_patterns(void **state)
{
    (void)state;
    expect_head("abc%", "\\", "abc", "abc", false);
    expect_head("abc", "\\", "abc", "abc", true);
    expect_head("%", "\\", "", "", false);
    expect_head("a_c", "\\", "a", "a", false);
    expect_head("a\\_c%", "\\", "a", "a_c", false);
    expect_head("a\\_c%", "", "a\\", "a\\", false);
    expect_head("a|%|", "|", "a", "a%|", true); /* an escape at the end is a character */
    expect_head("ä%", "\\", "ä", "ä", false);
    expect_head("aö%b", "ö", "a", "a%b", true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_what_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
