/* SPDX-License-Identifier: Apache-2.0
 *
 * Making documents: values are appended one after the other; when an array or object is closed, the
 * tables that find its values go behind them, so nothing moves but the values of an object whose
 * names did not come in their order. Runs in the thread of the statement; no locks, no waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "json/json_int.h"

/* A member of an open object: where its value ends, counted from the object's beginning, and where
 * its name is in b->keys. */
typedef struct member {
    uint32_t end, key, key_n;
} member;

/* The same while members are put in order. */
typedef struct sorted {
    ql_str key;
    uint32_t nth, start, end;
} sorted;

void
ql_json_builder_init(ql_json_builder *b, ql_ctx *cx, struct ql_arena *a)
{
    ql_quota *q = ql_arena_quota(a);
    b->cx = cx;
    b->a = a;
    b->out = b->ends = b->members = b->keys = b->scratch = (ql_buf){.quota = q};
    b->decimals = false;
    b->depth = 0;
}

void
ql_json_builder_clear(ql_json_builder *b)
{
    ql_buf_clear(&b->out);
    ql_buf_clear(&b->ends);
    ql_buf_clear(&b->members);
    ql_buf_clear(&b->keys);
    b->depth = 0;
}

void
ql_json_builder_free(ql_json_builder *b)
{
    ql_buf_free(&b->out);
    ql_buf_free(&b->ends);
    ql_buf_free(&b->members);
    ql_buf_free(&b->keys);
    ql_buf_free(&b->scratch);
}

/* A value has been put in: its parent learns where it ends. */
static ql_status
note(ql_json_builder *b, unsigned nest)
{
    if (b->out.n > QLI_JSON_MAX) {
        return ql_fail(b->cx, QL_ER_JSON_VALUE_TOO_BIG);
    }
    if (b->depth == 0) {
        return QL_OK;
    }
    ql_json_frame *f = &b->frames[b->depth - 1];
    uint32_t end = (uint32_t)(b->out.n - f->start);
    f->nest = nest > f->nest ? (uint8_t)nest : f->nest;
    if (!f->is_object) {
        return ql_buf_put(b->cx, &b->ends, &end, sizeof end);
    }
    memcpy(b->members.p + b->members.n - sizeof(member), &end, sizeof end);
    return QL_OK;
}

static unsigned char
last_byte(ql_json_type type, unsigned high)
{
    return (unsigned char)(type | high << QLI_JSON_HIGH);
}

static ql_status
put_last(ql_json_builder *b, ql_json_type type, unsigned high)
{
    unsigned char c = last_byte(type, high);
    QL_TRY(ql_buf_put(b->cx, &b->out, &c, 1));
    return note(b, 0);
}

ql_status
ql_json_put_null(ql_json_builder *b)
{
    return put_last(b, QL_JSON_NULL, 0);
}

ql_status
ql_json_put_bool(ql_json_builder *b, bool v)
{
    return put_last(b, QL_JSON_BOOL, v);
}

static ql_status
put_integer(ql_json_builder *b, ql_json_type type, uint64_t v, unsigned high)
{
    char raw[9];
    unsigned width = 1u << high;
    memcpy(raw, &v, 8);
    raw[width] = (char)last_byte(type, high);
    QL_TRY(ql_buf_put(b->cx, &b->out, raw, width + 1));
    return note(b, 0);
}

ql_status
ql_json_put_int(ql_json_builder *b, int64_t v)
{
    unsigned high = v == (int8_t)v ? 0 : v == (int16_t)v ? 1 : v == (int32_t)v ? 2 : 3;
    return put_integer(b, QL_JSON_INT, (uint64_t)v, high);
}

ql_status
ql_json_put_uint(ql_json_builder *b, uint64_t v)
{
    unsigned high = v <= UINT8_MAX ? 0 : v <= UINT16_MAX ? 1 : v <= UINT32_MAX ? 2 : 3;
    return put_integer(b, QL_JSON_UINT, v, high);
}

static ql_status
put_fixed(ql_json_builder *b, ql_json_type type, const void *v)
{
    char raw[9];
    memcpy(raw, v, 8);
    raw[8] = (char)last_byte(type, 0);
    QL_TRY(ql_buf_put(b->cx, &b->out, raw, 9));
    return note(b, 0);
}

ql_status
ql_json_put_double(ql_json_builder *b, double v)
{
    return put_fixed(b, QL_JSON_DOUBLE, &v);
}

ql_status
ql_json_put_temporal(ql_json_builder *b, ql_json_type type, int64_t packed)
{
    return put_fixed(b, type, &packed);
}

ql_status
ql_json_put_decimal(ql_json_builder *b, const ql_decimal *v)
{
    unsigned char raw[sizeof v->limb + 3];
    unsigned n = sizeof v->limb;
    memcpy(raw, v->limb, n);
    while (n > 0 && raw[n - 1] == 0) {
        n--;
    }
    raw[n] = (unsigned char)(v->scale | (v->negative ? 0x80 : 0));
    raw[n + 1] = (unsigned char)n;
    raw[n + 2] = last_byte(QL_JSON_DECIMAL, 0);
    QL_TRY(ql_buf_put(b->cx, &b->out, raw, n + 3));
    return note(b, 0);
}

static unsigned
width_for(size_t n)
{
    return n <= UINT8_MAX ? 0 : n <= UINT16_MAX ? 1 : 2;
}

static ql_status
put_text(ql_json_builder *b, ql_json_type type, const uint8_t *field, ql_str s)
{
    unsigned high = width_for(s.n), width = 1u << high;
    if (s.n > QLI_JSON_MAX) {
        return ql_fail(b->cx, QL_ER_JSON_VALUE_TOO_BIG);
    }
    QL_TRY(ql_buf_reserve(b->cx, &b->out, s.n + 6));
    QL_TRY(ql_buf_put(b->cx, &b->out, s.p, s.n));
    if (field != NULL) {
        QL_TRY(ql_buf_put_u8(b->cx, &b->out, *field));
    }
    QL_TRY(ql_buf_put_le(b->cx, &b->out, s.n, width));
    return put_last(b, type, high);
}

ql_status
ql_json_put_str(ql_json_builder *b, ql_str s)
{
    return put_text(b, QL_JSON_STRING, NULL, s);
}

ql_status
ql_json_put_opaque(ql_json_builder *b, uint8_t field, ql_str s)
{
    return put_text(b, QL_JSON_OPAQUE, &field, s);
}

ql_status
ql_json_put(ql_json_builder *b, const ql_json *v)
{
    if (b->depth + v->nest > QL_JSON_NEST) {
        return ql_fail(b->cx, QL_ER_JSON_DOCUMENT_TOO_DEEP);
    }
    QL_TRY(ql_buf_put(b->cx, &b->out, v->bytes.p, v->bytes.n));
    return note(b, v->nest);
}

ql_status
ql_json_begin(ql_json_builder *b, bool is_object)
{
    if (b->depth == QL_JSON_NEST) {
        return ql_fail(b->cx, QL_ER_JSON_DOCUMENT_TOO_DEEP);
    }
    b->frames[b->depth++] = (ql_json_frame){.start = b->out.n,
                                            .first = is_object ? b->members.n : b->ends.n,
                                            .keys = b->keys.n,
                                            .is_object = is_object};
    return QL_OK;
}

ql_status
ql_json_put_key(ql_json_builder *b, ql_str key)
{
    member m = {.key = (uint32_t)b->keys.n, .key_n = (uint32_t)key.n};
    if (key.n > UINT16_MAX || b->keys.n > QLI_JSON_MAX) {
        return ql_fail(b->cx, QL_ER_JSON_KEY_TOO_BIG);
    }
    QL_TRY(ql_buf_put(b->cx, &b->keys, key.p, key.n));
    return ql_buf_put(b->cx, &b->members, &m, sizeof m);
}

/* ---- closing ---- */

/* Width of numbers with which n entries in `tables` tables behind `bytes` of content take the
 * least. */
static unsigned
table_width(size_t bytes, size_t n, unsigned tables)
{
    for (unsigned high = 0; high < 2; high++) {
        size_t width = (size_t)1 << high;
        if (bytes + n * tables * width + QLI_JSON_TAIL(width) <= (width == 1 ? 0xffu : 0xffffu)) {
            return high;
        }
    }
    return 2;
}

static inline void
store(char *p, uint32_t v, unsigned width)
{
    memcpy(p, &v, width);
}

static ql_status
put_tail(ql_json_builder *b, const ql_json_frame *f, size_t n, unsigned high)
{
    unsigned width = 1u << high, nest = f->nest + 1u;
    size_t size = b->out.n - f->start + QLI_JSON_TAIL(width);
    QL_TRY(ql_buf_reserve(b->cx, &b->out, QLI_JSON_TAIL(width)));
    QL_TRY(ql_buf_put_le(b->cx, &b->out, n, width));
    QL_TRY(ql_buf_put_le(b->cx, &b->out, size, width));
    QL_TRY(ql_buf_put_u8(b->cx, &b->out, (uint8_t)nest));
    QL_TRY(ql_buf_put_u8(b->cx, &b->out,
                         last_byte(f->is_object ? QL_JSON_OBJECT : QL_JSON_ARRAY, high)));
    b->depth--;
    return note(b, nest);
}

/* The table of an array of n elements, which is not empty: `ends` as kept while it was open. */
static ql_status
put_ends(ql_json_builder *b, const char *ends, size_t n, unsigned width)
{
    QL_TRY(ql_buf_reserve(b->cx, &b->out, n * width));
    char *p = b->out.p + b->out.n;
    for (size_t i = 0; i < n; i++) {
        memcpy(p + i * width, ends + i * sizeof(uint32_t), width);
        QL_TRY(ql_bulk_count(b->cx, sizeof(uint32_t) + width));
    }
    b->out.n += n * width;
    return QL_OK;
}

static ql_status
end_array(ql_json_builder *b, const ql_json_frame *f)
{
    size_t n = (b->ends.n - f->first) / sizeof(uint32_t);
    unsigned high = table_width(b->out.n - f->start, n, 1);
    if (n > 0) {
        QL_TRY(put_ends(b, b->ends.p + f->first, n, 1u << high));
    }
    b->ends.n = f->first;
    return put_tail(b, f, n, high);
}

static int
key_order(ql_str a, ql_str b)
{
    return a.n != b.n ? (a.n > b.n) - (a.n < b.n) : a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

static int
by_key(const void *x, const void *y)
{
    return key_order(((const sorted *)x)->key, ((const sorted *)y)->key);
}

static ql_str
key_of(const ql_json_builder *b, const ql_json_frame *f, size_t i, member *m)
{
    memcpy(m, b->members.p + f->first + i * sizeof *m, sizeof *m);
    return m->key_n > 0 ? (ql_str){b->keys.p + m->key, m->key_n} : QL_STR("");
}

static ql_status
is_in_order(ql_json_builder *b, const ql_json_frame *f, size_t n, bool *yes)
{
    ql_str last = {0};
    *yes = true;
    for (size_t i = 0; i < n && *yes; i++) {
        member m;
        ql_str key = key_of(b, f, i, &m);
        *yes = i == 0 || key_order(last, key) < 0;
        last = key;
        QL_TRY(ql_bulk_count(b->cx, sizeof m + (key.n < 64 ? key.n : 64)));
    }
    return QL_OK;
}

/* Of the values that were kept: one that was not may have been the deepest. */
static ql_status
find_nest(ql_json_builder *b, ql_json_frame *f, const sorted *v, size_t kept)
{
    f->nest = 0;
    for (size_t i = 0; i < kept; i++) {
        ql_json value;
        QL_TRY(ql_bulk_node(b->cx));
        QL_TRY(ql_json_open(
            b->cx, (ql_str){b->out.p + f->start + v[i].start, v[i].end - v[i].start}, &value));
        f->nest = value.nest > f->nest ? value.nest : f->nest;
    }
    return QL_OK;
}

/* The members in order, of equal names the last one: values and names are written anew. */
static ql_status
reorder(ql_json_builder *b, ql_json_frame *f, sorted *v, size_t *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        member m;
        v[i].key = key_of(b, f, i, &m);
        v[i].nth = (uint32_t)i;
        v[i].start = i > 0 ? v[i - 1].end : 0;
        v[i].end = m.end;
        QL_TRY(ql_bulk_node(b->cx));
    }
    QL_TRY(ql_bulk_sort(b->cx, b->a, v, *n, sizeof *v, by_key));
    for (size_t i = 0; i < *n; i++) { /* equal ones stand as they came */
        QL_TRY(ql_bulk_node(b->cx));
        if (i + 1 < *n && key_order(v[i].key, v[i + 1].key) == 0) {
            continue;
        }
        v[kept++] = v[i];
    }
    if (kept < *n) {
        QL_TRY(find_nest(b, f, v, kept));
    }
    ql_buf_clear(&b->scratch);
    for (size_t i = 0; i < kept; i++) {
        QL_TRY(ql_buf_put(b->cx, &b->scratch, b->out.p + f->start + v[i].start,
                          v[i].end - v[i].start));
        v[i].end = (uint32_t)b->scratch.n;
    }
    b->out.n = f->start;
    QL_TRY(ql_buf_put(b->cx, &b->out, b->scratch.p, b->scratch.n));
    ql_buf_clear(&b->scratch);
    for (size_t i = 0; i < kept; i++) {
        member m = {.end = v[i].end,
                    .key = (uint32_t)(f->keys + b->scratch.n),
                    .key_n = (uint32_t)v[i].key.n};
        QL_TRY(ql_buf_put(b->cx, &b->scratch, v[i].key.p, v[i].key.n));
        memcpy(b->members.p + f->first + i * sizeof m, &m, sizeof m);
    }
    b->keys.n = f->keys;
    QL_TRY(ql_buf_put(b->cx, &b->keys, b->scratch.p, b->scratch.n));
    *n = kept;
    return QL_OK;
}

static ql_status
put_in_order(ql_json_builder *b, ql_json_frame *f, size_t *n)
{
    bool yes;
    QL_TRY(is_in_order(b, f, *n, &yes));
    if (yes) {
        return QL_OK;
    }
    ql_arena_mark mark = ql_arena_save(b->a);
    sorted *v = ql_arena_alloc(b->cx, b->a, *n * sizeof *v);
    ql_status st = v != NULL ? reorder(b, f, v, n) : QL_ERROR;
    ql_arena_restore(b->a, mark);
    return st;
}

/* Names and table of an object of n members, which is not empty. */
static ql_status
put_names(ql_json_builder *b, const ql_json_frame *f, size_t n, size_t names, unsigned width)
{
    QL_TRY(ql_buf_reserve(b->cx, &b->out, names + 2 * n * width));
    if (names > 0) {
        QL_TRY(ql_buf_put(b->cx, &b->out, b->keys.p + f->keys, names));
    }
    char *keys = b->out.p + b->out.n, *values = keys + n * width;
    uint32_t end = 0;
    for (size_t i = 0; i < n; i++) {
        member m;
        (void)key_of(b, f, i, &m);
        end += m.key_n;
        store(keys + i * width, end, width);
        store(values + i * width, m.end, width);
        QL_TRY(ql_bulk_count(b->cx, sizeof m));
    }
    b->out.n += 2 * n * width;
    return QL_OK;
}

static ql_status
end_object(ql_json_builder *b, ql_json_frame *f)
{
    size_t n = (b->members.n - f->first) / sizeof(member);
    QL_TRY(put_in_order(b, f, &n));
    size_t names = b->keys.n - f->keys;
    unsigned high = table_width(b->out.n - f->start + names, n, 2);
    if (n > 0) {
        QL_TRY(put_names(b, f, n, names, 1u << high));
    }
    b->members.n = f->first;
    b->keys.n = f->keys;
    return put_tail(b, f, n, high);
}

ql_status
ql_json_end(ql_json_builder *b)
{
    ql_json_frame *f = &b->frames[b->depth - 1];
    return f->is_object ? end_object(b, f) : end_array(b, f);
}

ql_status
ql_json_take(ql_json_builder *b, struct ql_arena *a, ql_str *out)
{
    char *p = ql_arena_alloc(b->cx, a, b->out.n);
    if (p == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){p, b->out.n};
    return ql_bulk_copy(b->cx, p, b->out.p, b->out.n);
}
