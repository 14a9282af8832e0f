/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing, sort keys and hashes under a collation. The three always agree: two texts compare as
 * the bytes of their sort keys do. Weights come from weights.c. Runs in the thread of the
 * statement; no locks, no waits, looks at the kill flag every 64 KiB or oftener.
 *
 * Padding: under PAD SPACE collations trailing spaces are left off and the shorter text then sorts
 * first (MySQL pads with spaces instead, which differs only against control characters).
 */
#include "types/collate.h"

#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "base/hash.h"
#include "intr/intr.h"
#include "types/charset_int.h"
#include "types/collate_int.h"

#define CHECK_BYTES ((size_t)32768)

static ql_status
cut_padding(ql_ctx *cx, const ql_collation *c, ql_str *s)
{
    if (c->pad_space) {
        while (s->n > 0 && s->p[s->n - 1] == ' ') {
            if (QL_UNLIKELY(--s->n % CHECK_BYTES == 0)) {
                QL_TRY(ql_check(cx));
            }
        }
    }
    return QL_OK;
}

/* ---- bytes ---- */

static ql_status
compare_bytes(ql_ctx *cx, ql_str a, ql_str b, int *result)
{
    QL_TRY(ql_bulk_compare(cx, a.p, b.p, a.n < b.n ? a.n : b.n, result));
    if (*result == 0) {
        *result = a.n < b.n ? -1 : a.n > b.n;
    }
    return QL_OK;
}

/* ---- one weight per character ---- */

/* Weight of the character at s.p + *at, which it steps over. Malformed bytes weigh as 0xFF00 and
 * the byte, behind all characters. */
static inline uint16_t
simple_next(const uint16_t *weights, ql_str s, size_t *at)
{
    unsigned char c = (unsigned char)s.p[*at];
    if (c < 0x80) {
        (*at)++;
        return weights[c];
    }
    uint32_t cp;
    int used = ql_utf8_decode(s.p + *at, s.n - *at, &cp);
    if (used == 0) {
        (*at)++;
        return (uint16_t)(0xff00 | c);
    }
    *at += (size_t)used;
    return cp < 0x10000 ? weights[cp] : 0xfffd;
}

static ql_status
compare_simple(ql_ctx *cx, const uint16_t *weights, ql_str a, ql_str b, int *result)
{
    size_t i = 0, j = 0, next_check = CHECK_BYTES;
    while (i < a.n && j < b.n) {
        uint16_t x = simple_next(weights, a, &i), y = simple_next(weights, b, &j);
        if (x != y) {
            *result = x < y ? -1 : 1;
            return QL_OK;
        }
        if (QL_UNLIKELY(i >= next_check)) {
            QL_TRY(ql_check(cx));
            next_check = i + CHECK_BYTES;
        }
    }
    *result = i < a.n ? 1 : (j < b.n ? -1 : 0);
    return QL_OK;
}

/* Weights as UTF-8, which keeps their order and spends one byte on ASCII. */
static ql_status
sortkey_simple(ql_ctx *cx, const uint16_t *weights, ql_str s, struct ql_buf *out)
{
    for (size_t i = 0; i < s.n;) {
        size_t end = s.n - i > CHECK_BYTES ? i + CHECK_BYTES : s.n;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_buf_reserve(cx, out, (end - i) * 3 + 4));
        while (i < end) {
            uint16_t w = simple_next(weights, s, &i);
            out->n += (size_t)ql_utf8_encode(w, out->p + out->n);
        }
    }
    return QL_OK;
}

static inline uint64_t
hash_step(uint64_t h, uint64_t w)
{
    h = (h ^ w) * 0x9fb21c651e98df25u;
    return h ^ h >> 29;
}

static ql_status
hash_simple(ql_ctx *cx, const uint16_t *weights, ql_str s, uint64_t seed, uint64_t *hash)
{
    uint64_t h = seed;
    size_t next_check = CHECK_BYTES;
    for (size_t i = 0; i < s.n;) {
        h = hash_step(h, simple_next(weights, s, &i));
        if (QL_UNLIKELY(i >= next_check)) {
            QL_TRY(ql_check(cx));
            next_check = i + CHECK_BYTES;
        }
    }
    *hash = ql_hash_u64(h);
    return QL_OK;
}

/* ---- Unicode collations ---- */

static const uint32_t level_masks[3] = {QLI_PRIMARY, QLI_SECONDARY, QLI_TERTIARY};

/* Compare one level of two texts with readers. */
static ql_status
compare_level(ql_ctx *cx, const qli_uca_table *t, uint32_t mask, ql_str a, ql_str b, int *result)
{
    qli_reader x, y;
    ql_status st, sx, sy;
    qli_reader_init(&x, t, a);
    qli_reader_init(&y, t, b);
    *result = 0;
    for (;;) {
        uint32_t wx = 0, wy = 0;
        sx = qli_reader_next(cx, &x, mask, &wx);
        sy = sx == QL_OK || sx == QL_END ? qli_reader_next(cx, &y, mask, &wy) : QL_OK;
        st = sx > QL_END ? sx : (sy > QL_END ? sy : QL_OK);
        if (st != QL_OK || wx != wy || sx == QL_END) {
            *result = wx < wy ? -1 : wx > wy;
            break;
        }
    }
    qli_reader_fini(&x);
    qli_reader_fini(&y);
    return st;
}

/* What the quick comparison of ASCII found out. */
typedef struct quick {
    bool decided;
    int result;  /* when decided */
    size_t from; /* when not: both texts can be read anew from here, equal in primaries before it */
    int lower_diff; /* sign of the first difference of tertiaries before that */
} quick;

/* The byte at i is an ASCII character of one element which the next one does not join. */
static inline uint32_t
ascii_element(const qli_uca_table *t, ql_str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    if (c >= 0x80 || t->ascii[c] == 0) {
        return 0;
    }
    if (i + 1 < s.n) {
        unsigned char d = (unsigned char)s.p[i + 1];
        if (d >= 0x80 || t->joins[d]) {
            return 0;
        }
    }
    return t->ascii[c];
}

/* Nearest place at or before i where both texts have a simple ASCII character, or the start. */
static ql_status
restart_point(ql_ctx *cx, const qli_uca_table *t, ql_str a, ql_str b, size_t i, size_t *at)
{
    while (i > 0) {
        i--;
        unsigned char x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];
        if (x < 0x80 && y < 0x80 && t->n[x] != QLI_COMPLEX && t->n[y] != QLI_COMPLEX) {
            break;
        }
        if (QL_UNLIKELY(i % CHECK_BYTES == 0)) {
            QL_TRY(ql_check(cx));
        }
    }
    *at = i;
    return QL_OK;
}

static ql_status
compare_quick(ql_ctx *cx, const qli_uca_table *t, int strength, ql_str a, ql_str b, quick *q)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0, same;
    *q = (quick){0};
    for (size_t steps = 1;; steps++) {
        QL_TRY(ql_bulk_same(cx, a.p + i, b.p + i, n - i, &same));
        i += same;
        if (i == n) {
            break;
        }
        if (QL_UNLIKELY(steps % 4096 == 0)) { /* many characters in another case */
            QL_TRY(ql_check(cx));
        }
        uint32_t x = ascii_element(t, a, i), y = ascii_element(t, b, i);
        if (x == 0 || y == 0 || (x & QLI_PRIMARY) == 0 || (y & QLI_PRIMARY) == 0 ||
            ((x ^ y) & QLI_SECONDARY) != 0) {
            return restart_point(cx, t, a, b, i, &q->from);
        }
        if ((x & QLI_PRIMARY) != (y & QLI_PRIMARY)) {
            q->decided = true;
            q->result = x < y ? -1 : 1;
            return QL_OK;
        }
        if (q->lower_diff == 0) {
            uint32_t tx = x & QLI_TERTIARY, ty = y & QLI_TERTIARY;
            q->lower_diff = tx < ty ? -1 : tx > ty;
        }
        i++;
    }
    if (a.n == b.n) {
        q->decided = true;
        q->result = strength >= 3 ? q->lower_diff : 0;
        return QL_OK;
    }
    uint32_t more = ascii_element(t, a.n > b.n ? a : b, n);
    if ((more & QLI_PRIMARY) != 0) {
        q->decided = true;
        q->result = a.n > b.n ? 1 : -1;
        return QL_OK;
    }
    return restart_point(cx, t, a, b, n, &q->from);
}

/* Levels that are read from elements. */
static int
levels_of(const qli_coll *impl)
{
    return impl->strength < 3 ? impl->strength : 3;
}

/* The next kana at or after *at: 2 hiragana, 3 katakana; 0: there is none. */
static ql_status
next_kana(ql_ctx *cx, ql_str s, size_t *at, uint8_t *kind)
{
    for (*kind = 0; *kind == 0 && *at < s.n;) {
        uint32_t cp = 0;
        int used = (unsigned char)s.p[*at] < 0x80 ? 1 : ql_utf8_decode(s.p + *at, s.n - *at, &cp);
        bool hiragana = (cp >= 0x3041 && cp <= 0x3096) || (cp >= 0x309d && cp <= 0x309f);
        bool katakana = (cp >= 0x30a1 && cp <= 0x30fa) || (cp >= 0x30fd && cp <= 0x30ff) ||
                        (cp >= 0x31f0 && cp <= 0x31ff) || (cp >= 0xff66 && cp <= 0xff9d);
        *kind = used > 0 && hiragana ? 2 : used > 0 && katakana ? 3 : 0;
        *at += used > 0 ? (size_t)used : 1;
        QL_TRY(ql_bulk_count(cx, 4));
    }
    return QL_OK;
}

static ql_status
compare_kana(ql_ctx *cx, ql_str a, ql_str b, int *result)
{
    size_t i = 0, j = 0;
    uint8_t x, y;
    do {
        QL_TRY(next_kana(cx, a, &i, &x));
        QL_TRY(next_kana(cx, b, &j, &y));
    } while (x == y && x != 0);
    *result = x < y ? -1 : x > y;
    return QL_OK;
}

static ql_status
compare_uca(ql_ctx *cx, const qli_coll *impl, ql_str a, ql_str b, int *result)
{
    const qli_uca_table *t;
    quick q;
    QL_TRY(qli_uca_weights(cx, impl, &t));
    QL_TRY(compare_quick(cx, t, impl->strength, a, b, &q));
    if (q.decided) {
        *result = q.result;
        return QL_OK;
    }
    ql_str x = {a.p + q.from, a.n - q.from}, y = {b.p + q.from, b.n - q.from};
    *result = 0;
    for (int level = 0; level < levels_of(impl) && *result == 0; level++) {
        if (level == 2 && q.lower_diff != 0) {
            *result = q.lower_diff;
            break;
        }
        QL_TRY(compare_level(cx, t, level_masks[level], x, y, result));
    }
    return *result == 0 && impl->strength > 3 ? compare_kana(cx, x, y, result) : QL_OK;
}

/* Bytes of one level, all or (most) at least so many. Weights have no zero byte but where a primary
 * is one byte long; that one is left out (ICU's primaries are such that none is the beginning of
 * another). */
static ql_status
sortkey_level(ql_ctx *cx, const qli_uca_table *t, int level, ql_str s, size_t most,
              struct ql_buf *out)
{
    qli_reader r;
    ql_status st = QL_OK;
    size_t until = most < SIZE_MAX - out->n ? out->n + most : SIZE_MAX;
    qli_reader_init(&r, t, s);
    r.most = most < r.most ? most : r.most;
    while (out->n < until && (st = qli_reader_refill(cx, &r)) == QL_OK) {
        st = ql_buf_reserve(cx, out, r.n * 2);
        if (st != QL_OK) {
            break;
        }
        char *p = out->p + out->n;
        for (size_t i = 0; i < r.n; i++) {
            uint32_t w = r.ce[i] & level_masks[level];
            if (w == 0) {
                continue;
            }
            if (level == 0) {
                *p++ = (char)(w >> 24);
                *p = (char)(w >> 16);
                p += *p != 0;
            } else {
                *p++ = (char)(level == 1 ? w >> 8 : w);
            }
        }
        out->n = (size_t)(p - out->p);
    }
    qli_reader_fini(&r);
    return st == QL_END ? QL_OK : st;
}

static ql_status
sortkey_uca(ql_ctx *cx, const qli_coll *impl, ql_str s, struct ql_buf *out)
{
    const qli_uca_table *t;
    QL_TRY(qli_uca_weights(cx, impl, &t));
    QL_TRY(ql_buf_reserve(cx, out, s.n * 2 + 16));
    for (int level = 0; level < levels_of(impl); level++) {
        if (level > 0) {
            QL_TRY(ql_buf_put_u8(cx, out, 1));
        }
        QL_TRY(sortkey_level(cx, t, level, s, SIZE_MAX, out));
    }
    if (impl->strength > 3) {
        size_t at = 0;
        uint8_t kind = 1; /* the end of the level before */
        do {
            QL_TRY(ql_buf_put_u8(cx, out, kind));
            QL_TRY(next_kana(cx, s, &at, &kind));
        } while (kind != 0);
    }
    return QL_OK;
}

ql_status
ql_coll_sortkey_head(ql_ctx *cx, const ql_collation *c, ql_str s, size_t most, struct ql_buf *out)
{
    const qli_coll *impl = c->impl;
    const qli_uca_table *t;
    QL_TRY(cut_padding(cx, c, &s));
    if (impl->rule == QLI_RULE_UCA) {
        QL_TRY(qli_uca_weights(cx, impl, &t));
        return sortkey_level(cx, t, 0, s, most < 16 ? 16 : most, out);
    }
    s.n = impl->rule != QLI_RULE_BYTES ? ql_utf8_offset(s, most) : s.n < most ? s.n : most;
    return ql_coll_sortkey(cx, c, s, out);
}

static ql_status
first_weights(ql_ctx *cx, qli_reader *r, uint32_t n, uint32_t space, struct ql_buf *out,
              ql_weights_end *end)
{
    ql_status st;
    uint32_t w;
    *end = (ql_weights_end){out->n, SIZE_MAX};
    while ((st = qli_reader_next(cx, r, QLI_PRIMARY | QLI_CONTINUES, &w)) == QL_OK) {
        char bytes[2] = {(char)(w >> 24), (char)(w >> 16)};
        if ((w & QLI_PRIMARY) == 0) {
            continue;
        }
        bool begins = (w & QLI_CONTINUES) != QLI_CONTINUES;
        if (begins && n-- == 0) {
            st = QL_END;
            break;
        }
        if (begins && (w & QLI_PRIMARY) < space && end->below == SIZE_MAX) {
            end->below = end->trimmed;
        }
        QL_TRY(ql_buf_put(cx, out, bytes, bytes[1] != 0 ? 2 : 1));
        end->trimmed = begins && (w & QLI_PRIMARY) == space ? end->trimmed : out->n;
    }
    end->below = end->below < end->trimmed ? end->below : end->trimmed;
    return st == QL_END ? QL_OK : st;
}

ql_status
ql_coll_first_weights(ql_ctx *cx, const ql_collation *c, ql_str s, uint32_t n, struct ql_buf *out,
                      ql_weights_end *end)
{
    const qli_uca_table *t;
    qli_reader r;
    QL_TRY(cut_padding(cx, c, &s));
    QL_TRY(qli_uca_weights(cx, c->impl, &t));
    qli_reader_init(&r, t, s);
    uint32_t space = c->pad_space ? t->ascii[' '] & QLI_PRIMARY : 0;
    ql_status st = first_weights(cx, &r, n, space, out, end);
    qli_reader_fini(&r);
    return st;
}

static ql_status
hash_uca(ql_ctx *cx, const qli_coll *impl, ql_str s, uint64_t seed, uint64_t *hash)
{
    const qli_uca_table *t;
    uint64_t h = seed;
    QL_TRY(qli_uca_weights(cx, impl, &t));
    if (impl->strength > 3) {
        size_t at = 0;
        uint8_t kind;
        do {
            QL_TRY(next_kana(cx, s, &at, &kind));
            h = hash_step(h, kind);
        } while (kind != 0);
    }
    for (int level = 0; level < levels_of(impl); level++) {
        qli_reader r;
        ql_status st;
        uint32_t w;
        qli_reader_init(&r, t, s);
        while ((st = qli_reader_next(cx, &r, level_masks[level], &w)) == QL_OK) {
            h = hash_step(h, w);
        }
        qli_reader_fini(&r);
        if (st != QL_END) {
            return st;
        }
    }
    *hash = ql_hash_u64(h);
    return QL_OK;
}

/* ---- by rule ---- */

ql_status
ql_coll_compare(ql_ctx *cx, const ql_collation *c, ql_str a, ql_str b, int *result)
{
    const qli_coll *impl = c->impl;
    const uint16_t *weights;
    QL_TRY(cut_padding(cx, c, &a));
    QL_TRY(cut_padding(cx, c, &b));
    switch (impl->rule) {
    case QLI_RULE_UCA:
        return compare_uca(cx, impl, a, b, result);
    case QLI_RULE_SIMPLE:
    case QLI_RULE_LATIN1:
    case QLI_RULE_ORDER:
    case QLI_RULE_CODES:
    case QLI_RULE_CODES_CI:
        QL_TRY(qli_weights(cx, c, &weights));
        return compare_simple(cx, weights, a, b, result);
    case QLI_RULE_BYTES:
        break;
    }
    return compare_bytes(cx, a, b, result);
}

ql_status
ql_coll_sortkey(ql_ctx *cx, const ql_collation *c, ql_str s, struct ql_buf *out)
{
    const qli_coll *impl = c->impl;
    const uint16_t *weights;
    QL_TRY(cut_padding(cx, c, &s));
    QL_TRY(ql_bulk_count(cx, s.n < CHECK_BYTES ? s.n : CHECK_BYTES));
    switch (impl->rule) {
    case QLI_RULE_UCA:
        return sortkey_uca(cx, impl, s, out);
    case QLI_RULE_SIMPLE:
    case QLI_RULE_LATIN1:
    case QLI_RULE_ORDER:
    case QLI_RULE_CODES:
    case QLI_RULE_CODES_CI:
        QL_TRY(qli_weights(cx, c, &weights));
        return sortkey_simple(cx, weights, s, out);
    case QLI_RULE_BYTES:
        break;
    }
    return ql_buf_put(cx, out, s.p, s.n);
}

ql_status
ql_coll_hash(ql_ctx *cx, const ql_collation *c, ql_str s, uint64_t seed, uint64_t *hash)
{
    const qli_coll *impl = c->impl;
    const uint16_t *weights;
    QL_TRY(cut_padding(cx, c, &s));
    QL_TRY(ql_bulk_count(cx, s.n < CHECK_BYTES ? s.n : CHECK_BYTES));
    switch (impl->rule) {
    case QLI_RULE_UCA:
        return hash_uca(cx, impl, s, seed, hash);
    case QLI_RULE_SIMPLE:
    case QLI_RULE_LATIN1:
    case QLI_RULE_ORDER:
    case QLI_RULE_CODES:
    case QLI_RULE_CODES_CI:
        QL_TRY(qli_weights(cx, c, &weights));
        return hash_simple(cx, weights, s, seed, hash);
    case QLI_RULE_BYTES:
        break;
    }
    return ql_bulk_hash(cx, s, seed, hash);
}
