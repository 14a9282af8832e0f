/* SPDX-License-Identifier: Apache-2.0
 *
 * Index keys: bytes whose memcmp order is the order of the values. Layout in README.md. Runs in any
 * thread; no locks, no waits.
 */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/beginning.h"
#include "types/codec.h"
#include "types/kinds_int.h"

#define TAG_NULL 0
#define TAG_VALUE 1
/* Strings: a zero byte is 00 FF, the end 00 00 (before any continuation). */
#define ESCAPE 0xff
/* Decimals: 0x80 is zero; positive numbers have 0x80 + exponent + bias, negative ones all bits of
 * that inverted. The exponent is the number of digits before the point (-29 .. 65). */
#define DECIMAL_ZERO 0x80
#define DECIMAL_BIAS 40

static inline void
store_be64(char *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

static inline uint64_t
load_be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

#define SIGN_BIT 0x8000000000000000u

static double
double_of_bits(uint64_t u)
{
    double d;
    u = u & SIGN_BIT ? u & ~SIGN_BIT : ~u;
    memcpy(&d, &u, 8);
    return d;
}

/* Digits in pairs plus one (1..100), 0 at the end; negative numbers inverted. At most 2+34 bytes.
 */
static size_t
encode_decimal(const ql_decimal *d, unsigned char out[48])
{
    char digits[QL_DECIMAL_TEXT_MAX];
    if (ql_decimal_is_zero(d)) {
        out[0] = DECIMAL_ZERO;
        return 1;
    }
    size_t n = (d->limb[1] | d->limb[2] | d->limb[3]) == 0
                   ? ql_int_print((int64_t)d->limb[0], true, digits)
                   : qli_decimal_digits_text(d, digits);
    int exponent = (int)n - d->scale;
    while (digits[n - 1] == '0') {
        n--;
    }
    size_t k = 0;
    out[k++] = (unsigned char)(DECIMAL_ZERO + DECIMAL_BIAS + exponent);
    for (size_t i = 0; i < n; i += 2) {
        int pair = (digits[i] - '0') * 10 + (i + 1 < n ? digits[i + 1] - '0' : 0);
        out[k++] = (unsigned char)(pair + 1);
    }
    out[k++] = 0;
    if (d->negative) {
        for (size_t i = 0; i < k; i++) {
            out[i] = (unsigned char)~out[i];
        }
    }
    return k;
}

static ql_status
put_open(ql_ctx *cx, ql_str s, struct ql_buf *out)
{
    QL_TRY(ql_buf_reserve(cx, out, s.n + 2));
    while (s.n > 0) {
        size_t n;
        QL_TRY(ql_bulk_find_byte(cx, s, 0, '\0', &n));
        QL_TRY(ql_buf_put(cx, out, s.p, n));
        if (n == s.n) {
            break;
        }
        QL_TRY(ql_buf_put(cx, out, "\0\xff", 2));
        s.p += n + 1;
        s.n -= n + 1;
    }
    return QL_OK;
}

static ql_status
put_escaped(ql_ctx *cx, ql_str s, struct ql_buf *out)
{
    QL_TRY(put_open(cx, s, out));
    return ql_buf_put(cx, out, "\0\0", 2);
}

static ql_str
first_chars(const ql_collation *coll, ql_str s, uint32_t n)
{
    if (n != 0) { /* up to 3072 */
        size_t bytes = coll == ql_coll_binary ? n : ql_utf8_offset(s, n);
        s.n = bytes < s.n ? bytes : s.n;
    }
    return s;
}

static ql_status
put_weights(ql_ctx *cx, const ql_collation *coll, uint32_t n, ql_str s, struct ql_buf *out)
{
    ql_buf w = {0};
    ql_weights_end end;
    ql_status st = ql_coll_first_weights(cx, coll, s, n, &w, &end);
    st = st == QL_OK ? put_escaped(cx, (ql_str){w.p, end.trimmed}, out) : st;
    ql_buf_free(&w);
    return st;
}

/* chars: the sort key of the first characters; w: the weights in the key. What is behind the same
 * weights, or all of it behind a zero. */
static ql_status
put_apart(ql_ctx *cx, const ql_buf *chars, const ql_buf *w, struct ql_buf *out)
{
    const char *more = chars->n > 0 ? memchr(chars->p, 1, chars->n) : NULL;
    size_t weights = more != NULL ? (size_t)(more - chars->p) : chars->n;
    if (weights != w->n || (w->n > 0 && memcmp(chars->p, w->p, w->n) != 0)) {
        QL_TRY(ql_buf_put(cx, out, "\0\xff", 2));
        weights = 0;
    } else if (weights == chars->n) {
        return QL_OK;
    }
    return put_escaped(cx, (ql_str){chars->p + weights, chars->n - weights}, out);
}

ql_status
ql_key_encode_apart(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                    struct ql_buf *out)
{
    uint32_t n = QL_CUT_LENGTH(cut);
    ql_buf w = {0}, chars = {0};
    ql_weights_end end;
    if ((cut & QL_CUT_WEIGHTS) == 0 || v->kind == QL_K_NULL) {
        return QL_OK;
    }
    ql_status st = ql_coll_first_weights(cx, t->coll, v->s, n, &w, &end);
    w.n = st == QL_OK ? end.trimmed : w.n;
    st = st == QL_OK ? ql_coll_sortkey(cx, t->coll, first_chars(t->coll, v->s, n), &chars) : st;
    st = st == QL_OK ? put_apart(cx, &chars, &w, out) : st;
    ql_buf_free(&w);
    ql_buf_free(&chars);
    return st;
}

ql_status
qli_key_put_string(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                   struct ql_buf *out)
{
    const ql_collation *coll = t->coll ? t->coll : ql_coll_binary;
    if ((cut & QL_CUT_WEIGHTS) != 0) {
        return put_weights(cx, coll, QL_CUT_LENGTH(cut), v->s, out);
    }
    ql_str s = first_chars(coll, v->s, cut);
    if (coll->is_binary && !coll->pad_space) {
        return put_escaped(cx, s, out);
    }
    size_t from = out->n;
    QL_TRY(ql_coll_sortkey(cx, coll, s, out));
    ql_str made = {out->p, out->n};
    size_t zero;
    QL_TRY(ql_bulk_find_byte(cx, made, from, '\0', &zero));
    if (zero == made.n) {
        return ql_buf_put(cx, out, "\0\0", 2);
    }
    struct ql_buf key = {0}; /* a zero character in the text: rare */
    ql_status st = ql_buf_put(cx, &key, out->p + from, out->n - from);
    out->n = from;
    if (st == QL_OK) {
        st = put_escaped(cx, (ql_str){key.p, key.n}, out);
    }
    ql_buf_free(&key);
    return st;
}

ql_status
qli_key_put_fixed(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v, struct ql_buf *out)
{
    (void)cut;
    QL_TRY(ql_buf_reserve(cx, out, 8));
    store_be64(out->p + out->n, ql_order_bits(ql_kind_slot(t->kind), t->is_unsigned, v));
    out->n += 8;
    return QL_OK;
}

ql_status
qli_key_put_decimal(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                    struct ql_buf *out)
{
    unsigned char d[48];
    (void)t;
    (void)cut;
    return ql_buf_put(cx, out, d, encode_decimal(&v->dec, d));
}

static ql_status
invert(ql_ctx *cx, char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)~p[i];
        if (QL_UNLIKELY(i % QL_BULK_PIECE == QL_BULK_PIECE - 1)) {
            QL_TRY(ql_bulk_look(cx));
        }
    }
    return QL_OK;
}

ql_status
ql_key_encode(ql_ctx *cx, const ql_type *t, uint32_t cut, bool descending, const ql_value *v,
              struct ql_buf *out)
{
    size_t from = out->n;
    if (v->kind == QL_K_NULL) {
        QL_TRY(ql_buf_put_u8(cx, out, TAG_NULL));
    } else {
        QL_TRY(ql_buf_put_u8(cx, out, TAG_VALUE));
        QL_TRY(ql_kinds[t->kind]->key_put(cx, t, cut, v, out));
    }
    return descending ? invert(cx, out->p + from, out->n - from) : QL_OK;
}

ql_status
ql_key_head(ql_ctx *cx, const ql_type *t, bool descending, const ql_value *v, struct ql_buf *tmp,
            uint64_t *head, bool *known)
{
    enum { REST = 7 };
    const ql_collation *coll = t->coll ? t->coll : ql_coll_binary;
    *known = false;
    if (t->kind != QL_K_STRING || v->kind != QL_K_STRING) {
        return QL_OK;
    }
    ql_buf_clear(tmp);
    QL_TRY(ql_coll_sortkey_head(cx, coll, v->s, REST, tmp));
    if (tmp->n < REST || memchr(tmp->p, 0, REST) != NULL) {
        return QL_OK;
    }
    uint64_t h = TAG_VALUE;
    for (size_t i = 0; i < REST; i++) {
        h = h << 8 | (unsigned char)tmp->p[i];
    }
    *head = descending ? ~h : h;
    *known = true;
    return QL_OK;
}

/* Both ends of what is looked for, without the end of the key; which one is written. */
static ql_status
encode_edge(ql_ctx *cx, const ql_beginning *b, bool descending, bool upper, struct ql_buf *out)
{
    const ql_buf *edge = upper != descending ? &b->high : &b->low;
    size_t from = out->n;
    QL_TRY(ql_buf_put_u8(cx, out, TAG_VALUE));
    QL_TRY(put_open(cx, (ql_str){edge->p, edge->n}, out));
    return descending ? invert(cx, out->p + from, out->n - from) : QL_OK;
}

ql_status
ql_key_encode_beginning(ql_ctx *cx, const ql_type *t, uint32_t cut, bool descending, bool upper,
                        const ql_value *v, struct ql_buf *out)
{
    const ql_collation *coll = t->coll ? t->coll : ql_coll_binary;
    uint32_t n = QL_CUT_LENGTH(cut);
    ql_beginning b = {0};
    ql_status st = (cut & QL_CUT_WEIGHTS) != 0
                       ? ql_beginning_find_cut(cx, coll, v->s, n, &b)
                       : ql_beginning_find(cx, coll, first_chars(coll, v->s, n), &b);
    st = st == QL_OK ? encode_edge(cx, &b, descending, upper, out) : st;
    ql_beginning_free(&b);
    return st;
}

/* Keys with the weights that v has, whatever stands behind them (a weight begins above 1), and
 * near: as wide as ends of ranges have to be for the spaces that are left off. */
static ql_status
weights_of(ql_ctx *cx, const ql_collation *coll, uint32_t n, bool near, ql_str s, ql_beginning *b)
{
    ql_weights_end end;
    QL_TRY(ql_coll_first_weights(cx, coll, s, n, &b->low, &end));
    QL_TRY(ql_buf_put(cx, &b->high, b->low.p, near ? b->low.n : end.trimmed));
    b->low.n = near ? end.below : end.trimmed;
    return ql_buf_put_u8(cx, &b->high, 1);
}

/* Below the spaces that are left off. */
static ql_status
chars_near(ql_ctx *cx, const ql_collation *coll, uint32_t n, ql_str text, ql_beginning *b)
{
    ql_str s = first_chars(coll, text, n);
    for (size_t i = 0; coll->pad_space && i < s.n; i++) {
        s.n = (unsigned char)s.p[i] < ' ' ? i : s.n;
    }
    return ql_beginning_find(cx, coll, s, b);
}

ql_status
ql_key_encode_end(ql_ctx *cx, const ql_type *t, uint32_t cut, bool descending, bool near,
                  bool upper, const ql_value *v, struct ql_buf *out)
{
    const ql_collation *coll = t->coll ? t->coll : ql_coll_binary;
    uint32_t n = QL_CUT_LENGTH(cut);
    bool weights = (cut & QL_CUT_WEIGHTS) != 0;
    if (v->kind == QL_K_NULL || !(near || weights)) {
        return ql_key_encode(cx, t, cut, descending, v, out);
    }
    ql_beginning b = {0};
    ql_status st =
        weights ? weights_of(cx, coll, n, near, v->s, &b) : chars_near(cx, coll, n, v->s, &b);
    st = st == QL_OK ? encode_edge(cx, &b, descending, upper, out) : st;
    ql_beginning_free(&b);
    return st;
}

static inline unsigned char
byte_at(ql_str in, size_t i, bool descending)
{
    unsigned char c = (unsigned char)in.p[i];
    return descending ? (unsigned char)~c : c;
}

size_t
qli_key_skip_fixed(bool descending, ql_str in)
{
    (void)descending;
    return in.n >= 9 ? 9 : 0;
}

size_t
qli_key_skip_string(bool descending, ql_str in)
{
    const unsigned char zero = descending ? 0xff : 0;
    for (size_t i = 1; i + 1 < in.n; i += 2) {
        const char *p = memchr(in.p + i, zero, in.n - 1 - i);
        if (p == NULL) {
            return 0;
        }
        i = (size_t)(p - in.p);
        unsigned char next = byte_at(in, i + 1, descending);
        if (next == 0) {
            return i + 2;
        }
        if (next != ESCAPE) {
            return 0;
        }
    }
    return 0;
}

size_t
qli_key_skip_decimal(bool descending, ql_str in)
{
    if (in.n < 2) {
        return 0;
    }
    unsigned char first = byte_at(in, 1, descending);
    if (first == DECIMAL_ZERO) {
        return 2;
    }
    unsigned char end = first < DECIMAL_ZERO ? 0xff : 0;
    for (size_t i = 2; i < in.n && i < 48; i++) {
        if (byte_at(in, i, descending) == end) {
            return i + 1;
        }
    }
    return 0;
}

bool
ql_key_is_null(bool descending, ql_str in)
{
    return in.n > 0 && byte_at(in, 0, descending) == TAG_NULL;
}

size_t
ql_key_skip(const ql_type *t, bool descending, ql_str in)
{
    if (in.n == 0) {
        return 0;
    }
    unsigned char tag = byte_at(in, 0, descending);
    if (tag == TAG_NULL) {
        return 1;
    }
    if (tag != TAG_VALUE) {
        return 0;
    }
    return ql_kinds[t->kind]->key_skip(descending, in);
}

static ql_status
damaged(ql_ctx *cx)
{
    return ql_fail_text(cx, QL_ER_TABLE_CORRUPT,
                        "Operation cannot be performed. The index is missing, corrupt or contains "
                        "bad data.");
}

/* p[0..n) is the whole encoding behind the tag. false = no such number. */
static bool
decode_decimal(const ql_type *t, bool descending, ql_str in, size_t n, ql_decimal *d)
{
    char digits[96];
    size_t k = 0;
    unsigned char first = byte_at(in, 1, descending);
    *d = (ql_decimal){.scale = t->decimals};
    if (first == DECIMAL_ZERO) {
        return true;
    }
    bool negative = first < DECIMAL_ZERO;
    unsigned char mask = negative ? 0xff : 0;
    int exponent = (first ^ mask) - DECIMAL_ZERO - DECIMAL_BIAS;
    for (size_t i = 2; i + 1 < n; i++) {
        int pair = (byte_at(in, i, descending) ^ mask) - 1;
        if (pair < 0 || pair > 99 || k + 2 > 70) {
            return false;
        }
        digits[k++] = (char)('0' + pair / 10);
        digits[k++] = (char)('0' + pair % 10);
    }
    /* Lay out as an integer of exponent + scale digits; what does not fit the type is damage. */
    int places = exponent + t->decimals;
    while (k > 0 && digits[k - 1] == '0') {
        k--;
    }
    if (k == 0 || places < (int)k || places > QL_DECIMAL_MAX_DIGITS ||
        t->decimals > QL_DECIMAL_MAX_SCALE) {
        return false;
    }
    memset(digits + k, '0', (size_t)places - k);
    qli_magnitude_from_digits(digits, (size_t)places, d->limb);
    d->negative = negative;
    return true;
}

ql_status
qli_key_get_fixed(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in,
                  size_t n, ql_value *v)
{
    uint64_t u = load_be64(in.p + 1);
    (void)cx;
    (void)a;
    (void)n;
    u = descending ? ~u : u;
    if (ql_kind_slot(t->kind) == QL_SLOT_DOUBLE) {
        v->d = double_of_bits(u);
    } else {
        v->u = t->is_unsigned ? u : u ^ SIGN_BIT;
    }
    return QL_OK;
}

ql_status
qli_key_get_decimal(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in,
                    size_t n, ql_value *v)
{
    (void)cx;
    (void)a;
    return decode_decimal(t, descending, in, n, &v->dec) ? QL_OK : QL_END;
}

ql_status
qli_key_get_string(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in,
                   size_t n, ql_value *v)
{
    if (t->coll && (!t->coll->is_binary || t->coll->pad_space)) {
        return QL_END;
    }
    char *p = ql_arena_alloc(cx, a, n);
    size_t k = 0;
    if (p == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 1; i + 2 < n; i++) {
        unsigned char c = byte_at(in, i, descending);
        p[k++] = (char)c;
        i += c == 0;
    }
    v->s = (ql_str){p, k};
    return QL_OK;
}

ql_status
ql_key_decode(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in,
              ql_value *v, size_t *used)
{
    *used = ql_key_skip(t, descending, in);
    if (*used == 0) {
        return damaged(cx);
    }
    *v = (ql_value){
        .kind = t->kind, .is_unsigned = t->is_unsigned, .decimals = t->decimals, .coll = t->coll};
    if (byte_at(in, 0, descending) == TAG_NULL) {
        v->kind = QL_K_NULL;
        return QL_OK;
    }
    ql_status st = ql_kinds[t->kind]->key_get(cx, a, t, descending, in, *used, v);
    return st == QL_END ? damaged(cx) : st;
}
