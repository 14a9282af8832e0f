/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in the order of a collation the texts are that begin with other ones: what LIKE 'abc%' is
 * to an index. LIKE compares character by character (manual, "String Comparison Functions and
 * Operators"), an index compares weights of whole texts; what is said here of weights is true of
 * every text that LIKE takes, and of some that it does not.
 */
#include "types/beginning.h"

#include <string.h>
#include <unicode/uchar.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "types/charset_int.h"
#include "types/joints.h"

#define LETTERS_MAX 64 /* characters of a Unicode collation that are looked at */
#define CHAR_PRIMARIES 128

/* ---- patterns ---- */

static size_t
char_bytes(ql_str s, size_t at, bool bytes)
{
    unsigned char b = (unsigned char)s.p[at];
    size_t n = bytes || b < 0xc0 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    return n <= s.n - at ? n : s.n - at;
}

static bool
is_escape(ql_str s, size_t at, size_t n, ql_str escape)
{
    return escape.n > 0 && escape.n == n && memcmp(s.p + at, escape.p, n) == 0 && at + n < s.n;
}

ql_str
ql_pattern_head(const ql_collation *c, ql_str pattern, ql_str escape)
{
    size_t n = 0, most = pattern.n < QL_PATTERN_TEXT ? pattern.n : QL_PATTERN_TEXT;
    while (n < most) {
        size_t used = char_bytes(pattern, n, c == ql_coll_binary);
        if (pattern.p[n] == '%' || pattern.p[n] == '_' || is_escape(pattern, n, used, escape)) {
            break;
        }
        n += used;
    }
    return (ql_str){pattern.p, n};
}

size_t
ql_pattern_text(const ql_collation *c, ql_str pattern, ql_str escape, char *out, bool *whole)
{
    size_t n = 0, at = 0;
    while (at < pattern.n && n < QL_PATTERN_TEXT) {
        size_t used = char_bytes(pattern, at, c == ql_coll_binary);
        if (is_escape(pattern, at, used, escape)) {
            at += used;
            used = char_bytes(pattern, at, c == ql_coll_binary);
        } else if (pattern.p[at] == '%' || pattern.p[at] == '_') {
            break;
        }
        memcpy(out + n, pattern.p + at, used);
        n += used;
        at += used;
    }
    *whole = at == pattern.n;
    return n;
}

bool
ql_coll_joins(const ql_collation *c)
{
    return ((const qli_coll *)c->impl)->rule == QLI_RULE_UCA;
}

bool
ql_char_is_mark(ql_str ch)
{
    uint32_t cp;
    return ql_utf8_decode(ch.p, ch.n, &cp) > 0 && cp >= 0x300 &&
           u_getIntPropertyValue((UChar32)cp, UCHAR_LEAD_CANONICAL_COMBINING_CLASS) != 0;
}

/* ---- one weight per character, or bytes ---- */

/* Spaces at the end of a text do not count: a text that begins with some may be one that ends with
 * them. */
static size_t
without_padding(const ql_collation *c, const uint16_t *weights, ql_str s)
{
    size_t at = 0, end = 0;
    if (!c->pad_space) {
        return s.n;
    }
    while (at < s.n) {
        uint32_t cp;
        int used = ql_utf8_decode(s.p + at, s.n - at, &cp);
        bool space =
            used > 0 && (cp == ' ' || (weights && cp < 0x10000 && weights[cp] == weights[' ']));
        at += used > 0 ? (size_t)used : 1;
        end = space ? end : at;
    }
    return end;
}

static ql_status
same_edges(ql_ctx *cx, const ql_collation *c, ql_str s, ql_beginning *out)
{
    const qli_coll *impl = c->impl;
    bool folds = impl->rule != QLI_RULE_BYTES;
    const uint16_t *weights = NULL;
    QL_TRY(folds ? qli_weights(cx, c, &weights) : QL_OK);
    ql_str cut = {s.p, c == ql_coll_binary ? s.n : ql_utf8_valid_prefix(s)};
    size_t all = cut.n;
    cut.n = without_padding(c, weights, cut);
    out->whole = all == s.n && (!folds || cut.n == all);
    QL_TRY(ql_coll_sortkey(cx, c, cut, &out->low));
    return ql_buf_put(cx, &out->high, out->low.p, out->low.n);
}

/* ---- Unicode collations ---- */

/* A character of the text. */
typedef struct letter {
    const qli_joint *j;
    char primaries[CHAR_PRIMARIES];
    uint16_t n;
    uint16_t weights;
    bool several; /* elements */
    bool ends;    /* what LIKE takes for it is not what the collation does: no further */
} letter;

static ql_status
weigh(ql_ctx *cx, const qli_uca_table *t, const qli_joints *joints, ql_str s, letter *l)
{
    qli_reader r;
    ql_status st;
    uint32_t p;
    *l = (letter){0};
    qli_reader_init(&r, t, s);
    while ((st = qli_reader_next(cx, &r, QLI_PRIMARY | QLI_CONTINUES, &p)) == QL_OK &&
           l->n + 2 <= CHAR_PRIMARIES) {
        if ((p & QLI_PRIMARY) == 0) {
            continue;
        }
        l->weights = (uint16_t)(l->weights + ((p & QLI_CONTINUES) != QLI_CONTINUES));
        l->several = l->n > 0;
        l->primaries[l->n++] = (char)(p >> 24);
        if ((p >> 16 & 0xff) != 0) {
            l->primaries[l->n++] = (char)(p >> 16);
        }
    }
    qli_reader_fini(&r);
    l->j = qli_joint_of(joints, (ql_str){l->primaries, l->n});
    l->ends = st == QL_OK; /* a word in one character: too long */
    return st == QL_END ? QL_OK : st;
}

static bool
weighs_as(const letter *a, const letter *b)
{
    return a->n == b->n && memcmp(a->primaries, b->primaries, a->n) == 0;
}

static bool
ends_in_mark(uint32_t cp)
{
    return u_getIntPropertyValue((UChar32)cp, UCHAR_TRAIL_CANONICAL_COMBINING_CLASS) != 0;
}

static ql_status
take_char(ql_ctx *cx, const ql_collation *c, const qli_uca_table *t, const qli_joints *joints,
          ql_str s, letter *l)
{
    uint32_t cp;
    QL_TRY(weigh(cx, t, joints, s, l));
    l->ends = l->ends || ql_utf8_decode(s.p, s.n, &cp) != (int)s.n || ql_char_is_mark(s) ||
              (l->several && ends_in_mark(cp)); /* others may come between: the iota of Greek */
    /* LIKE folds the case of ASCII letters by itself; the Turkish i are two letters. */
    char other = (char)(s.p[0] ^ 32);
    if (s.n == 1 && c->case_insensitive && (other | 32) >= 'a' && (other | 32) <= 'z') {
        letter o;
        QL_TRY(weigh(cx, t, joints, (ql_str){&other, 1}, &o));
        l->ends = l->ends || !weighs_as(l, &o);
    }
    return QL_OK;
}

/* May b, behind a, change what they weigh? */
static bool
may_join(const letter *a, const letter *b)
{
    return b->j && b->j->follows && a->j && (a->j->begins || a->j->follows);
}

/* Characters of s, the first ones, that weigh by themselves, whatever is behind them. */
static ql_status
take_letters(ql_ctx *cx, const ql_collation *c, ql_str s, letter v[LETTERS_MAX], letter *space,
             uint32_t *n, bool *whole)
{
    const qli_uca_table *t;
    const qli_joints *joints;
    size_t at = 0;
    QL_TRY(qli_uca_weights(cx, c->impl, &t));
    QL_TRY(qli_uca_joints(cx, c->impl, &joints));
    QL_TRY(weigh(cx, t, joints, QL_STR(" "), space));
    *n = 0;
    while (at < s.n && *n < LETTERS_MAX) {
        letter *l = &v[*n];
        size_t used = char_bytes(s, at, false);
        QL_TRY(take_char(cx, c, t, joints, (ql_str){s.p + at, used}, l));
        if (l->ends || (*n > 0 && may_join(l - 1, l))) {
            break;
        }
        ++*n;
        at += used;
    }
    *whole = *whole && at == s.n;
    *whole = *whole && !(c->pad_space && *n > 0 && weighs_as(&v[*n - 1], space));
    while (c->pad_space && *n > 0 && weighs_as(&v[*n - 1], space)) {
        --*n; /* spaces at the end of a text do not count */
    }
    return QL_OK;
}

static ql_status
uca_edges(ql_ctx *cx, const ql_collation *c, ql_str s, uint32_t most, ql_beginning *out)
{
    letter v[LETTERS_MAX], space;
    uint32_t n;
    size_t end = 0; /* without spaces that do not count where they are the last ones */
    QL_TRY(take_letters(cx, c, s, v, &space, &n, &out->whole));
    for (uint32_t i = 0; i < n; i++) {
        const letter *l = &v[i];
        bool open = i + 1 == n && l->j && l->j->begins; /* anything may be behind it */
        uint32_t weights = open ? sizeof l->j->low.bytes : l->weights;
        if (weights > most) {
            out->low.n = out->high.n = end;
            return QL_OK;
        }
        most -= weights;
        if (open) {
            QL_TRY(ql_buf_put(cx, &out->low, l->j->low.bytes, l->j->low.n));
            return ql_buf_put(cx, &out->high, l->j->high.bytes, l->j->high.n);
        }
        QL_TRY(ql_buf_put(cx, &out->low, l->primaries, l->n));
        QL_TRY(ql_buf_put(cx, &out->high, l->primaries, l->n));
        bool counts = l->n > 0 && !(c->pad_space && weighs_as(l, &space));
        end = counts ? out->low.n : end; /* what has no weight behind spaces changes nothing */
    }
    return QL_OK;
}

ql_status
ql_beginning_find(ql_ctx *cx, const ql_collation *c, ql_str s, ql_beginning *out)
{
    ql_buf_clear(&out->low);
    ql_buf_clear(&out->high);
    out->whole = true;
    return ql_coll_joins(c) ? uca_edges(cx, c, s, UINT32_MAX, out) : same_edges(cx, c, s, out);
}

ql_status
ql_beginning_find_cut(ql_ctx *cx, const ql_collation *c, ql_str s, uint32_t weights,
                      ql_beginning *out)
{
    ql_buf_clear(&out->low);
    ql_buf_clear(&out->high);
    QL_TRY(uca_edges(cx, c, s, weights, out));
    out->whole = false;
    return QL_OK;
}

void
ql_beginning_free(ql_beginning *b)
{
    ql_buf_free(&b->low);
    ql_buf_free(&b->high);
}
