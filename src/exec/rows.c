/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and tuples kept beside the batches: by sorts, hash joins, DISTINCT, UNION. A row is one
 * block of memory: NULL flags, values, the bytes of its strings. Hashing and
 * equality of values are types/hash.c's.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/exec_int.h"
#include "types/kinds.h"

ql_status
qli_rowfmt_init(ql_ctx *cx, ql_arena *a, qli_rowfmt *f, const ql_type *types, const uint16_t *slots,
                uint16_t n)
{
    f->n = n;
    f->slots = QL_ARENA_ARRAY(cx, a, uint16_t, n + 1);
    f->kinds = QL_ARENA_ARRAY(cx, a, ql_kind, n + 1);
    f->off = QL_ARENA_ARRAY(cx, a, uint32_t, n + 1);
    if (f->slots == NULL || f->kinds == NULL || f->off == NULL) {
        return QL_ERROR;
    }
    f->size = (n + 7u) & ~7u;
    f->nstrings = 0;
    for (uint16_t i = 0; i < n; i++) {
        f->slots[i] = slots[i];
        f->kinds[i] = types[slots[i]].kind;
        f->off[i] = f->size;
        f->size += (uint32_t)ql_slot_size(ql_kind_slot(f->kinds[i]));
        f->nstrings = (uint16_t)(f->nstrings + (ql_kind_slot(f->kinds[i]) == QL_SLOT_STRING));
    }
    return QL_OK;
}

static bool
is_null(const ql_vector *v, uint16_t at)
{
    return v->type.kind == QL_K_NULL || (v->has_nulls && v->nulls[at]);
}

ql_status
qli_row_save(ql_ctx *cx, ql_arena *a, const qli_rowfmt *f, const ql_batch *b, uint16_t row,
             char **out)
{
    size_t bytes = 0;
    for (uint16_t i = 0; i < f->n; i++) {
        const ql_vector *v = &b->cols[f->slots[i]];
        uint16_t at = v->is_const ? 0 : row;
        if (ql_kind_slot(f->kinds[i]) == QL_SLOT_STRING && !is_null(v, at)) {
            bytes += v->s[at].n;
        }
    }
    char *p = ql_arena_alloc(cx, a, f->size + bytes + 1);
    if (p == NULL) {
        return QL_ERROR;
    }
    char *text = p + f->size;
    for (uint16_t i = 0; i < f->n; i++) {
        const ql_vector *v = &b->cols[f->slots[i]];
        uint16_t at = v->is_const ? 0 : row;
        char *cell = p + f->off[i];
        p[i] = (char)is_null(v, at);
        if (p[i]) {
            continue;
        }
        if (ql_kind_slot(f->kinds[i]) == QL_SLOT_STRING) {
            ql_str s = v->s[at];
            QL_TRY(ql_bulk_copy(cx, text, s.p, s.n));
            s.p = text;
            text += s.n;
            memcpy(cell, &s, sizeof s);
        } else if (ql_kind_slot(f->kinds[i]) == QL_SLOT_DECIMAL) {
            memcpy(cell, &v->dec[at], sizeof(ql_decimal));
        } else {
            memcpy(cell, &v->i[at], 8);
        }
    }
    *out = p;
    return QL_OK;
}

size_t
qli_row_size(const qli_rowfmt *f, const char *row)
{
    size_t size = f->size;
    for (uint16_t i = 0; f->nstrings > 0 && i < f->n; i++) {
        if (ql_kind_slot(f->kinds[i]) == QL_SLOT_STRING && !row[i]) {
            ql_str s;
            memcpy(&s, row + f->off[i], sizeof s);
            size += s.n;
        }
    }
    return size;
}

void
qli_row_moved(const qli_rowfmt *f, char *row)
{
    char *text = row + f->size;
    for (uint16_t i = 0; f->nstrings > 0 && i < f->n; i++) {
        if (ql_kind_slot(f->kinds[i]) == QL_SLOT_STRING && !row[i]) {
            ql_str s;
            memcpy(&s, row + f->off[i], sizeof s);
            s.p = text;
            text += s.n;
            memcpy(row + f->off[i], &s, sizeof s);
        }
    }
}

void
qli_column_load(const qli_rowfmt *f, uint16_t i, char *const *rows, uint16_t n, ql_vector *v)
{
    uint32_t off = f->off[i];
    bool nulls = false;
    for (uint16_t k = 0; k < n; k++) {
        const char *p = rows[k];
        uint8_t null = p == NULL || p[i];
        v->nulls[k] = null;
        nulls = nulls || null;
        if (null) {
            continue;
        }
        if (ql_kind_slot(f->kinds[i]) == QL_SLOT_STRING) {
            memcpy(&v->s[k], p + off, sizeof(ql_str));
        } else if (ql_kind_slot(f->kinds[i]) == QL_SLOT_DECIMAL) {
            memcpy(&v->dec[k], p + off, sizeof(ql_decimal));
        } else {
            memcpy(&v->i[k], p + off, 8);
        }
    }
    v->has_nulls = nulls;
    v->is_const = false;
}

void
qli_rows_load(const qli_rowfmt *f, char *const *rows, uint16_t n, ql_vector *cols)
{
    for (uint16_t i = 0; i < f->n; i++) {
        qli_column_load(f, i, rows, n, &cols[f->slots[i]]);
    }
}

ql_status
qli_vector_copy(ql_ctx *cx, ql_arena *a, ql_vector *dst, uint16_t at, const ql_vector *src,
                const uint16_t *sel, uint16_t n)
{
    if (at == 0) {
        dst->has_nulls = false;
        dst->is_const = false;
    }
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k, to = (uint16_t)(at + k);
        ql_vector_copy_cell(dst, to, src, row);
        if (a != NULL && ql_kind_slot(dst->type.kind) == QL_SLOT_STRING && !dst->nulls[to] &&
            dst->s[to].n > 0) {
            dst->s[to].p = ql_arena_strndup(cx, a, dst->s[to].p, dst->s[to].n);
            if (dst->s[to].p == NULL) {
                return QL_ERROR;
            }
        }
    }
    return QL_OK;
}

void
qli_cell_value(const qli_rowfmt *f, uint16_t i, const ql_type *t, const char *row, ql_value *out)
{
    const char *cell = row + f->off[i];
    if (row[i]) {
        *out = ql_value_null();
        return;
    }
    out->kind = t->kind;
    out->is_unsigned = t->is_unsigned;
    out->decimals = t->decimals;
    out->zerofill = t->zerofill;
    out->bits = t->bits;
    out->coll = t->coll;
    switch (ql_kind_slot(t->kind)) {
    case QL_SLOT_STRING:
        memcpy(&out->s, cell, sizeof out->s);
        break;
    case QL_SLOT_DECIMAL:
        memcpy(&out->dec, cell, sizeof out->dec);
        break;
    case QL_SLOT_I64:
    case QL_SLOT_DOUBLE:
        out->list.members = t->members;
        memcpy(&out->i, cell, sizeof out->i);
        break;
    }
}

ql_status
ql_hash_column(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
               uint64_t *hash)
{
    return ql_column_hash(cx, v, sel, n, first, hash);
}

ql_status
ql_hash_value(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t seed,
              uint64_t *hash)
{
    return ql_value_hash(cx, v, coll, seed, hash);
}

ql_status
ql_row_equals(ql_ctx *cx, const ql_vector *v, uint16_t row, const ql_value *val, bool *equal)
{
    return ql_cell_equal(cx, v, row, val, equal);
}

/* One tuple of a set, values behind it. */
struct qli_tuple {
    struct qli_tuple *next;
    uint64_t hash;
    ql_value vals[];
};

void
ql_tupleset_init(ql_tupleset *s, ql_arena *mem, uint16_t width)
{
    *s = (ql_tupleset){.mem = mem, .width = width};
}

static ql_status
tupleset_grow(ql_ctx *cx, ql_tupleset *s)
{
    size_t n = s->nbuckets ? s->nbuckets * 4 : 64;
    struct qli_tuple **buckets = ql_arena_alloc(cx, s->mem, n * sizeof *buckets);
    if (buckets == NULL) {
        return QL_ERROR;
    }
    for (size_t at = 0; at < n; at += 8192) {
        QL_TRY(ql_check(cx));
        memset(&buckets[at], 0, (n - at < 8192 ? n - at : 8192) * sizeof *buckets);
    }
    for (size_t i = 0; i < s->nbuckets; i++) {
        if (i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (struct qli_tuple *t = s->buckets[i], *next; t != NULL; t = next) {
            next = t->next;
            t->next = buckets[t->hash & (n - 1)];
            buckets[t->hash & (n - 1)] = t;
        }
    }
    s->buckets = buckets;
    s->nbuckets = n;
    return QL_OK;
}

ql_status
ql_tupleset_has(ql_ctx *cx, const ql_tupleset *s, ql_vector *const *cols, uint16_t row,
                uint64_t hash, bool *found)
{
    *found = false;
    if (s->nbuckets == 0) {
        return QL_OK;
    }
    for (struct qli_tuple *t = s->buckets[hash & (s->nbuckets - 1)]; t != NULL; t = t->next) {
        bool equal = t->hash == hash;
        for (uint16_t i = 0; i < s->width && equal; i++) {
            QL_TRY(ql_row_equals(cx, cols[i], row, &t->vals[i], &equal));
        }
        if (equal) {
            *found = true;
            return QL_OK;
        }
    }
    return QL_OK;
}

ql_status
ql_tupleset_add(ql_ctx *cx, ql_tupleset *s, ql_vector *const *cols, uint16_t row, uint64_t hash,
                bool *fresh)
{
    bool found;
    QL_TRY(ql_tupleset_has(cx, s, cols, row, hash, &found));
    *fresh = !found;
    if (found) {
        return QL_OK;
    }
    if (s->count >= s->nbuckets) {
        QL_TRY(tupleset_grow(cx, s));
    }
    struct qli_tuple *t = ql_arena_alloc(cx, s->mem, sizeof *t + s->width * sizeof(ql_value));
    if (t == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < s->width; i++) {
        ql_vector_get(cols[i], row, &t->vals[i]);
        QL_TRY(ql_value_keep(cx, s->mem, &t->vals[i]));
    }
    t->hash = hash;
    t->next = s->buckets[hash & (s->nbuckets - 1)];
    s->buckets[hash & (s->nbuckets - 1)] = t;
    s->count++;
    return QL_OK;
}
