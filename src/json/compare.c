/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of JSON values (manual, "Comparison and Ordering of JSON Values"), and bytes that have
 * it. Recursion is bounded by the nest of documents. Looks at the kill flag. No locks, no waits.
 */
#include <string.h>

#include "base/bulk.h"
#include "json/json_int.h"

/* Of types, the lowest first; stored in sort files only. 0 ends an array. */
enum {
    RANK_END,
    RANK_NULL,
    RANK_NUMBER,
    RANK_STRING,
    RANK_OBJECT,
    RANK_ARRAY,
    RANK_BOOL,
    RANK_DATE,
    RANK_TIME,
    RANK_DATETIME,
    RANK_OPAQUE,
    RANK_BIT,
    RANK_BLOB,
    RANKS
};

static unsigned
rank_of(const ql_json *v)
{
    static const uint8_t ranks[] = {
        [QL_JSON_NULL] = RANK_NULL,     [QL_JSON_BOOL] = RANK_BOOL,
        [QL_JSON_INT] = RANK_NUMBER,    [QL_JSON_UINT] = RANK_NUMBER,
        [QL_JSON_DOUBLE] = RANK_NUMBER, [QL_JSON_DECIMAL] = RANK_NUMBER,
        [QL_JSON_STRING] = RANK_STRING, [QL_JSON_DATE] = RANK_DATE,
        [QL_JSON_TIME] = RANK_TIME,     [QL_JSON_DATETIME] = RANK_DATETIME,
        [QL_JSON_ARRAY] = RANK_ARRAY,   [QL_JSON_OBJECT] = RANK_OBJECT,
    };
    if (v->type == QL_JSON_OPAQUE) {
        const char *name = ql_json_type_name(v);
        return name[0] == 'O' ? RANK_OPAQUE : name[1] == 'I' ? RANK_BIT : RANK_BLOB;
    }
    return ranks[v->type];
}

/* ---- comparison ---- */

static ql_status
compare_texts(ql_ctx *cx, ql_str a, ql_str b, int *order)
{
    QL_TRY(ql_bulk_compare(cx, a.p, b.p, a.n < b.n ? a.n : b.n, order));
    *order = *order != 0 ? *order : (a.n > b.n) - (a.n < b.n);
    return QL_OK;
}

static ql_status
compare_arrays(ql_ctx *cx, const ql_json *a, const ql_json *b, int *order)
{
    *order = 0;
    for (uint32_t i = 0; i < a->n && i < b->n && *order == 0; i++) {
        ql_json x, y;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, a, i, &x));
        QL_TRY(ql_json_at(cx, b, i, &y));
        QL_TRY(ql_json_compare(cx, &x, &y, order));
    }
    *order = *order != 0 ? *order : (a->n > b->n) - (a->n < b->n);
    return QL_OK;
}

static ql_status
compare_objects(ql_ctx *cx, const ql_json *a, const ql_json *b, int *order)
{
    *order = (a->n > b->n) - (a->n < b->n);
    for (uint32_t i = 0; i < a->n && *order == 0; i++) {
        ql_str k, l;
        ql_json x, y;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_key(cx, a, i, &k));
        QL_TRY(ql_json_key(cx, b, i, &l));
        QL_TRY(compare_texts(cx, k, l, order));
        if (*order == 0) {
            QL_TRY(ql_json_at(cx, a, i, &x));
            QL_TRY(ql_json_at(cx, b, i, &y));
            QL_TRY(ql_json_compare(cx, &x, &y, order));
        }
    }
    return QL_OK;
}

static ql_status
compare_opaque(ql_ctx *cx, const ql_json *a, const ql_json *b, int *order)
{
    QL_TRY(compare_texts(cx, a->s, b->s, order));
    *order = *order != 0 ? *order : (a->field > b->field) - (a->field < b->field);
    return QL_OK;
}

ql_status
ql_json_compare(ql_ctx *cx, const ql_json *a, const ql_json *b, int *order)
{
    unsigned ra = rank_of(a), rb = rank_of(b);
    *order = (ra > rb) - (ra < rb);
    if (*order != 0) {
        return QL_OK;
    }
    switch (ra) {
    case RANK_NUMBER:
        *order = qli_json_number_compare(a, b);
        return QL_OK;
    case RANK_STRING:
        return compare_texts(cx, a->s, b->s, order);
    case RANK_OBJECT:
        return compare_objects(cx, a, b, order);
    case RANK_ARRAY:
        return compare_arrays(cx, a, b, order);
    case RANK_BOOL:
        *order = a->b - b->b;
        return QL_OK;
    case RANK_DATE:
    case RANK_TIME:
    case RANK_DATETIME:
        *order = (a->i > b->i) - (a->i < b->i);
        return QL_OK;
    case RANK_OPAQUE:
    case RANK_BIT:
    case RANK_BLOB:
        return compare_opaque(cx, a, b, order);
    default:
        return QL_OK;
    }
}

/* ---- keys ---- */

#define SIGN_MINUS 0x01u
#define SIGN_ZERO 0x02u
#define SIGN_PLUS 0x03u
#define EXPONENT_BIAS 2000

/* Sign; exponent in two bytes, pairs of digits as 1 .. 100, 0: inverted of negative ones. */
static ql_status
put_number(ql_ctx *cx, const ql_json *v, ql_buf *out)
{
    qli_json_number n;
    unsigned char key[QL_DECIMAL_TEXT_MAX];
    size_t k = 0;
    qli_json_number_of(v, &n);
    key[k++] = n.n == 0 ? SIGN_ZERO : n.negative ? SIGN_MINUS : SIGN_PLUS;
    if (n.n > 0) {
        unsigned e = (unsigned)(n.exponent + EXPONENT_BIAS);
        key[k++] = (unsigned char)(e >> 8);
        key[k++] = (unsigned char)e;
        for (unsigned i = 0; i < n.n; i += 2) {
            int pair = (n.digits[i] - '0') * 10 + (i + 1 < n.n ? n.digits[i + 1] - '0' : 0);
            key[k++] = (unsigned char)(pair + 1);
        }
        key[k++] = 0;
        for (size_t i = 1; n.negative && i < k; i++) {
            key[i] = (unsigned char)~key[i];
        }
    }
    return ql_buf_put(cx, out, key, k);
}

/* A zero byte is 00 FF, the end 00 00. */
static ql_status
put_text(ql_ctx *cx, ql_str s, ql_buf *out)
{
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
    return ql_buf_put(cx, out, "\0\0", 2);
}

static ql_status
put_big(ql_ctx *cx, uint64_t v, unsigned bytes, ql_buf *out)
{
    unsigned char raw[8];
    for (unsigned i = 0; i < bytes; i++) {
        raw[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
    }
    return ql_buf_put(cx, out, raw, bytes);
}

static ql_status
put_elements(ql_ctx *cx, const ql_json *v, ql_buf *out)
{
    for (uint32_t i = 0; i < v->n; i++) {
        ql_json e;
        ql_str key;
        QL_TRY(ql_bulk_node(cx));
        if (v->type == QL_JSON_OBJECT) {
            QL_TRY(ql_json_key(cx, v, i, &key));
            QL_TRY(put_text(cx, key, out));
        }
        QL_TRY(ql_json_at(cx, v, i, &e));
        QL_TRY(ql_json_key_put(cx, &e, out));
    }
    return QL_OK;
}

ql_status
ql_json_key_put(ql_ctx *cx, const ql_json *v, ql_buf *out)
{
    unsigned rank = rank_of(v);
    QL_TRY(ql_buf_put_u8(cx, out, (uint8_t)rank));
    switch (rank) {
    case RANK_NUMBER:
        return put_number(cx, v, out);
    case RANK_STRING:
        return put_text(cx, v->s, out);
    case RANK_OBJECT:
        QL_TRY(put_big(cx, v->n, 4, out));
        return put_elements(cx, v, out);
    case RANK_ARRAY:
        QL_TRY(put_elements(cx, v, out));
        return ql_buf_put_u8(cx, out, RANK_END);
    case RANK_BOOL:
        return ql_buf_put_u8(cx, out, v->b);
    case RANK_DATE:
    case RANK_TIME:
    case RANK_DATETIME:
        return put_big(cx, v->u ^ 1ull << 63, 8, out);
    case RANK_OPAQUE:
    case RANK_BIT:
    case RANK_BLOB:
        QL_TRY(put_text(cx, v->s, out));
        return ql_buf_put_u8(cx, out, v->field);
    default:
        return QL_OK;
    }
}

/* ---- lengths of keys ---- */

typedef struct walk {
    const unsigned char *p;
    size_t n, at;
    unsigned char flip;
    bool bad;
} walk;

static unsigned
next(walk *w)
{
    if (w->at >= w->n) {
        w->bad = true;
        return 0;
    }
    return w->p[w->at++] ^ w->flip;
}

static void
skip(walk *w, size_t n)
{
    w->bad |= w->n - w->at < n;
    w->at = w->bad ? w->n : w->at + n;
}

static void
skip_text(walk *w)
{
    while (!w->bad) {
        if (next(w) == 0 && next(w) == 0) {
            return;
        }
    }
}

static void
skip_number(walk *w)
{
    unsigned sign = next(w), end = sign == SIGN_MINUS ? 0xff : 0;
    if (sign == SIGN_ZERO) {
        return;
    }
    skip(w, 2);
    while (!w->bad && next(w) != end) {
    }
}

static void skip_value(walk *w, unsigned nest);

static void
skip_object(walk *w, unsigned nest)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        n = n << 8 | next(w);
    }
    for (; n > 0 && !w->bad; n--) {
        skip_text(w);
        skip_value(w, nest);
    }
}

/* Behind the rank. */
static void
skip_behind(walk *w, unsigned rank, unsigned nest)
{
    switch (rank) {
    case RANK_NULL:
        return;
    case RANK_NUMBER:
        skip_number(w);
        return;
    case RANK_STRING:
        skip_text(w);
        return;
    case RANK_OBJECT:
        skip_object(w, nest + 1);
        return;
    case RANK_ARRAY:
        for (unsigned r = next(w); r != RANK_END && !w->bad; r = next(w)) {
            skip_behind(w, r, nest + 1);
        }
        return;
    case RANK_BOOL:
        skip(w, 1);
        return;
    case RANK_DATE:
    case RANK_TIME:
    case RANK_DATETIME:
        skip(w, 8);
        return;
    case RANK_OPAQUE:
    case RANK_BIT:
    case RANK_BLOB:
        skip_text(w);
        skip(w, 1);
        return;
    default:
        w->bad = true;
    }
}

static void
skip_value(walk *w, unsigned nest)
{
    w->bad |= nest > QL_JSON_NEST;
    unsigned rank = w->bad ? RANK_END : next(w);
    skip_behind(w, rank, nest);
}

size_t
ql_json_key_skip(bool descending, ql_str in)
{
    walk w = {.p = (const unsigned char *)in.p, .n = in.n, .flip = descending ? 0xff : 0};
    skip_value(&w, 0);
    return w.bad ? 0 : w.at;
}
