/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into documents: a value is found from its end, an element by two numbers of a table, a
 * member by halving. Everything is checked against the bytes there are. Pure functions; no locks,
 * no waits.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "json/json_int.h"

ql_status
qli_json_damaged(ql_ctx *cx)
{
    return ql_fail_text(cx, QL_ER_TABLE_CORRUPT, "A JSON value is damaged");
}

/* n bytes stand before the last `behind` ones. */
static inline const char *
before(ql_str in, size_t behind, size_t n)
{
    return in.n >= behind && in.n - behind >= n ? in.p + (in.n - behind - n) : NULL;
}

static inline void
set_bytes(ql_json *v, ql_str in, size_t n)
{
    v->bytes = (ql_str){in.p + (in.n - n), n};
}

static bool
open_integer(ql_str in, unsigned high, ql_json *v)
{
    unsigned width = 1u << high;
    const char *p = high <= 3 ? before(in, 1, width) : NULL;
    if (p == NULL) {
        return false;
    }
    v->u = qli_json_load(p, width);
    if (v->type == QL_JSON_INT && width < 8) {
        unsigned shift = 64 - 8 * width;
        v->i = (int64_t)(v->u << shift) >> shift;
    }
    set_bytes(v, in, 1 + width);
    return true;
}

static bool
open_fixed(ql_str in, unsigned high, ql_json *v)
{
    const char *p = high == 0 ? before(in, 1, 8) : NULL;
    if (p == NULL) {
        return false;
    }
    v->u = qli_json_load(p, 8);
    set_bytes(v, in, 9);
    return true;
}

/* Magnitude, scale and sign, bytes of the magnitude. */
static bool
open_decimal(ql_str in, unsigned high, ql_json *v)
{
    const char *p = high == 0 ? before(in, 1, 2) : NULL;
    if (p == NULL) {
        return false;
    }
    unsigned scale = (unsigned char)p[0], n = (unsigned char)p[1];
    const char *m = n <= sizeof v->dec.limb ? before(in, 3, n) : NULL;
    if (m == NULL || (n > 0 && m[n - 1] == 0)) {
        return false;
    }
    memset(&v->dec, 0, sizeof v->dec);
    memcpy(v->dec.limb, m, n);
    v->dec.scale = (uint8_t)(scale & 0x7f);
    v->dec.negative = scale >> 7;
    set_bytes(v, in, 3 + n);
    return v->dec.scale <= QL_DECIMAL_MAX_SCALE && !(n == 0 && v->dec.negative) &&
           (n <= 26 || ql_decimal_digits(&v->dec) <= QL_DECIMAL_MAX_DIGITS);
}

static bool
open_string(ql_str in, unsigned high, ql_json *v)
{
    unsigned width = 1u << high, more = v->type == QL_JSON_OPAQUE;
    const char *p = high <= 2 ? before(in, 1, width + more) : NULL;
    if (p == NULL) {
        return false;
    }
    v->field = more ? (uint8_t)p[0] : 0;
    size_t n = qli_json_load(p + more, width), behind = 1 + width + more;
    const char *s = before(in, behind, n);
    if (s == NULL) {
        return false;
    }
    v->s = (ql_str){s, n};
    set_bytes(v, in, behind + n);
    return true;
}

static uint32_t
number_at(const ql_json *v, size_t at)
{
    return (uint32_t)qli_json_load(v->bytes.p + at, v->width);
}

/* The tables of an object: ends of names, ends of values; of an array: ends of values. */
static inline size_t
ends_of_values(const ql_json *v)
{
    size_t tail = QLI_JSON_TAIL(v->width);
    return v->bytes.n - tail - (size_t)v->n * v->width;
}

static inline size_t
ends_of_keys(const ql_json *v)
{
    return ends_of_values(v) - (size_t)v->n * v->width;
}

static bool
open_container(ql_str in, unsigned high, ql_json *v)
{
    bool is_object = v->type == QL_JSON_OBJECT;
    unsigned width = 1u << high;
    const char *p = high <= 2 ? before(in, 1, QLI_JSON_TAIL(width) - 1) : NULL;
    if (p == NULL) {
        return false;
    }
    v->width = (uint8_t)width;
    v->nest = (uint8_t)p[2 * width];
    v->n = (uint32_t)qli_json_load(p, width);
    size_t size = qli_json_load(p + width, width);
    size_t tables = (size_t)v->n * width * (is_object ? 2 : 1) + QLI_JSON_TAIL(width);
    if (size > in.n || tables > size || v->nest == 0 || v->nest > QL_JSON_NEST) {
        return false;
    }
    set_bytes(v, in, size);
    v->values = v->keys = 0;
    if (v->n > 0) {
        v->values = number_at(v, ends_of_values(v) + (size_t)(v->n - 1) * width);
        v->keys = is_object ? number_at(v, ends_of_keys(v) + (size_t)(v->n - 1) * width) : 0;
    }
    return (size_t)v->values + v->keys + tables == size;
}

/* The value that ends where `in` does. */
static bool
open_last(ql_str in, ql_json *v)
{
    if (in.n == 0) {
        return false;
    }
    unsigned last = (unsigned char)in.p[in.n - 1], high = last >> QLI_JSON_HIGH;
    v->type = (ql_json_type)(last & QLI_JSON_TYPE_MASK);
    v->nest = 0;
    v->n = 0;
    switch (v->type) {
    case QL_JSON_NULL:
        set_bytes(v, in, 1);
        return high == 0;
    case QL_JSON_BOOL:
        v->b = high == 1;
        set_bytes(v, in, 1);
        return high <= 1;
    case QL_JSON_INT:
    case QL_JSON_UINT:
        return open_integer(in, high, v);
    case QL_JSON_DOUBLE:
        return open_fixed(in, high, v) && v->d - v->d == 0; /* finite */
    case QL_JSON_DATE:
    case QL_JSON_TIME:
    case QL_JSON_DATETIME:
        return open_fixed(in, high, v);
    case QL_JSON_DECIMAL:
        return open_decimal(in, high, v);
    case QL_JSON_STRING:
    case QL_JSON_OPAQUE:
        return open_string(in, high, v);
    case QL_JSON_ARRAY:
    case QL_JSON_OBJECT:
        return open_container(in, high, v);
    }
    return false;
}

ql_status
ql_json_open(ql_ctx *cx, ql_str bytes, ql_json *v)
{
    return open_last(bytes, v) && v->bytes.n == bytes.n ? QL_OK : qli_json_damaged(cx);
}

ql_status
ql_json_at(ql_ctx *cx, const ql_json *c, uint32_t i, ql_json *v)
{
    size_t table = ends_of_values(c);
    uint32_t from = i > 0 ? number_at(c, table + (size_t)(i - 1) * c->width) : 0;
    uint32_t to = number_at(c, table + (size_t)i * c->width);
    if (from >= to || to > c->values) {
        return qli_json_damaged(cx);
    }
    QL_TRY(ql_json_open(cx, (ql_str){c->bytes.p + from, to - from}, v));
    return v->nest < c->nest ? QL_OK : qli_json_damaged(cx);
}

ql_status
ql_json_key(ql_ctx *cx, const ql_json *c, uint32_t i, ql_str *key)
{
    size_t table = ends_of_keys(c);
    uint32_t from = i > 0 ? number_at(c, table + (size_t)(i - 1) * c->width) : 0;
    uint32_t to = number_at(c, table + (size_t)i * c->width);
    if (from > to || to > c->keys) {
        return qli_json_damaged(cx);
    }
    *key = (ql_str){c->bytes.p + c->values + from, to - from};
    return QL_OK;
}

static ql_status
compare_keys(ql_ctx *cx, ql_str a, ql_str b, int *order)
{
    *order = (a.n > b.n) - (a.n < b.n);
    return *order != 0 ? QL_OK : ql_bulk_compare(cx, a.p, b.p, a.n, order);
}

ql_status
ql_json_find(ql_ctx *cx, const ql_json *c, ql_str key, uint32_t *at, bool *found)
{
    uint32_t low = 0, high = c->n;
    *found = false;
    while (low < high && !*found) {
        uint32_t mid = low + (high - low) / 2;
        ql_str name = {0};
        int order = 0;
        QL_TRY(ql_json_key(cx, c, mid, &name));
        QL_TRY(compare_keys(cx, key, name, &order));
        *found = order == 0;
        low = order > 0 ? mid + 1 : order == 0 ? mid : low;
        high = order < 0 ? mid : high;
    }
    *at = low;
    return QL_OK;
}

ql_status
ql_json_depth(ql_ctx *cx, const ql_json *v, unsigned *depth)
{
    *depth = 1;
    if (v->n == 0) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < v->n && *depth <= v->nest; i++) {
        ql_json e;
        unsigned below;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, v, i, &e));
        if (e.nest + 1u < v->nest && *depth > 1) {
            continue; /* cannot be deeper than what was seen */
        }
        QL_TRY(ql_json_depth(cx, &e, &below));
        *depth = below + 1 > *depth ? below + 1 : *depth;
    }
    return QL_OK;
}

static ql_status
verify(ql_ctx *cx, const ql_json *v)
{
    unsigned nest = 0;
    ql_str last = {0};
    if (v->type == QL_JSON_STRING) {
        size_t good;
        QL_TRY(ql_utf8_valid_prefix_long(cx, v->s, &good));
        return good == v->s.n ? QL_OK : qli_json_damaged(cx);
    }
    for (uint32_t i = 0; i < v->n; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, v, i, &e));
        QL_TRY(verify(cx, &e));
        nest = e.nest > nest ? e.nest : nest;
        if (v->type == QL_JSON_OBJECT) {
            ql_str key;
            size_t good;
            int order = 1;
            QL_TRY(ql_json_key(cx, v, i, &key));
            QL_TRY(ql_utf8_valid_prefix_long(cx, key, &good));
            QL_TRY(i > 0 ? compare_keys(cx, key, last, &order) : QL_OK);
            if (good < key.n || order <= 0) {
                return qli_json_damaged(cx);
            }
            last = key;
        }
    }
    return !ql_json_is_container(v) || v->nest == nest + 1 ? QL_OK : qli_json_damaged(cx);
}

ql_status
ql_json_verify(ql_ctx *cx, ql_str bytes)
{
    ql_json v;
    QL_TRY(ql_json_open(cx, bytes, &v));
    return verify(cx, &v);
}

static const char *
opaque_name(uint8_t field)
{
    switch (field) {
    case QL_F_BIT:
        return "BIT";
    case QL_F_VARCHAR:
    case QL_F_TINY_BLOB:
    case QL_F_MEDIUM_BLOB:
    case QL_F_LONG_BLOB:
    case QL_F_BLOB:
    case QL_F_VAR_STRING:
    case QL_F_STRING:
        return "BLOB";
    default:
        return "OPAQUE";
    }
}

const char *
ql_json_type_name(const ql_json *v)
{
    static const char *const names[] = {
        [QL_JSON_NULL] = "NULL",     [QL_JSON_BOOL] = "BOOLEAN",
        [QL_JSON_INT] = "INTEGER",   [QL_JSON_UINT] = "UNSIGNED INTEGER",
        [QL_JSON_DOUBLE] = "DOUBLE", [QL_JSON_DECIMAL] = "DECIMAL",
        [QL_JSON_STRING] = "STRING", [QL_JSON_DATE] = "DATE",
        [QL_JSON_TIME] = "TIME",     [QL_JSON_DATETIME] = "DATETIME",
        [QL_JSON_OPAQUE] = "OPAQUE", [QL_JSON_ARRAY] = "ARRAY",
        [QL_JSON_OBJECT] = "OBJECT",
    };
    return v->type == QL_JSON_OPAQUE ? opaque_name(v->field) : names[v->type];
}
