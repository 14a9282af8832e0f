/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of indexes. Clustered: id, then the key columns (or 8 bytes of hidden row id); value = the
 * row. Secondary: id, columns, and unless uniqueness already tells rows apart, the clustered key
 * without its id; value = the clustered key without its id, and texts (entry.c). Keys that tell
 * rows apart end in what the weights of a prefix part leave open (types/codec.h).
 */
#include <string.h>

#include "table/table_int.h"

ql_status
qli_key_start(ql_ctx *cx, ql_buf *b, uint32_t index_id)
{
    const char id[QLI_ID_BYTES] = {(char)(index_id >> 24), (char)(index_id >> 16),
                                   (char)(index_id >> 8), (char)index_id};
    ql_buf_clear(b);
    return ql_buf_put(cx, b, id, sizeof id);
}

ql_status
qli_key_parts(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_value *values,
              uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        const ql_index_part *part = ql_index_part_at(t, ix, i);
        QL_TRY(ql_key_encode(cx, &t->types[part->column], ql_part_cut(part), part->descending,
                             &values[i], b));
    }
    return QL_OK;
}

static ql_status
row_parts(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_value *row,
          bool *has_null)
{
    for (uint16_t i = 0; i < ix->nparts; i++) {
        const ql_index_part *part = &ix->parts[i];
        *has_null |= ql_value_is_null(&row[part->column]);
        QL_TRY(ql_key_encode(cx, &t->types[part->column], ql_part_cut(part), part->descending,
                             &row[part->column], b));
    }
    return QL_OK;
}

/* Behind all parts: what tells texts apart of which the parts hold the same weights. */
static ql_status
apart_parts(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_value *row)
{
    for (uint16_t i = 0; i < ix->nparts; i++) {
        const ql_index_part *part = &ix->parts[i];
        size_t from = b->n;
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)i)); /* whose it is: most have nothing there */
        QL_TRY(ql_key_encode_apart(cx, &t->types[part->column], ql_part_cut(part),
                                   &row[part->column], b));
        b->n = b->n == from + 1 ? from : b->n;
    }
    return QL_OK;
}

ql_status
qli_clustered_key(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_value *row)
{
    bool has_null = false;
    QL_TRY(qli_key_start(cx, b, t->indexes[0].id));
    QL_TRY(row_parts(cx, b, t, &t->indexes[0], row, &has_null));
    return apart_parts(cx, b, t, &t->indexes[0], row);
}

ql_status
qli_hidden_key(ql_ctx *cx, ql_buf *b, const ql_index *ix, uint64_t id)
{
    QL_TRY(qli_key_start(cx, b, ix->id));
    for (int shift = 56; shift >= 0; shift -= 8) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(id >> shift)));
    }
    return QL_OK;
}

ql_status
qli_secondary_key(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_value *row,
                  ql_str locator, bool *is_unique)
{
    bool has_null = false;
    QL_TRY(qli_key_start(cx, b, ix->id));
    QL_TRY(row_parts(cx, b, t, ix, row, &has_null));
    *is_unique = ix->unique && !has_null;
    if (*is_unique) {
        return apart_parts(cx, b, t, ix, row);
    }
    return ql_buf_put(cx, b, locator.p + QLI_ID_BYTES, locator.n - QLI_ID_BYTES);
}

static ql_status
bound_parts(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_bound *from,
            bool upper)
{
    if (from->n == 0) {
        return QL_OK;
    }
    uint16_t last = (uint16_t)(from->n - 1);
    const ql_index_part *part = ql_index_part_at(t, ix, last);
    const ql_type *type = &t->types[part->column];
    const ql_value *v = &from->values[last];
    QL_TRY(qli_key_parts(cx, b, t, ix, from->values, last));
    return from->begins
               ? ql_key_encode_beginning(cx, type, ql_part_cut(part), part->descending, upper, v, b)
               : ql_key_encode_end(cx, type, ql_part_cut(part), part->descending, from->near, upper,
                                   v, b);
}

bool
qli_key_successor(ql_buf *b)
{
    while (b->n > 0) {
        unsigned char last = (unsigned char)b->p[b->n - 1];
        if (last != 0xFF) {
            b->p[b->n - 1] = (char)(last + 1);
            return true;
        }
        b->n--;
    }
    return false;
}

/* No stored key is as long as this bound: those above its cut-off head are those above it, and so
 * for those below. False: the bound is short enough. */
static bool
cut_bound(ql_buf *b, qli_range_kind *kind)
{
    if (QL_LIKELY(b->n <= QLI_KEY_MAX)) {
        return false;
    }
    b->n = QLI_KEY_MAX;
    if (!qli_key_successor(b)) {
        *kind = QLI_RANGE_NOTHING;
    }
    return true;
}

/* A prefix part does not tell its values apart: an exclusive end must stay inclusive, the filter
 * above decides. */
static bool
bound_is_exact(const ql_table *t, const ql_index *ix, const ql_bound *b)
{
    return b->n == 0 || ql_index_part_at(t, ix, (uint16_t)(b->n - 1))->prefix == 0;
}

static bool
has_null(const ql_bound *b)
{
    for (uint16_t i = 0; i < b->n; i++) {
        if (ql_value_is_null(&b->values[i])) {
            return true;
        }
    }
    return false;
}

/* Both ends inclusive, the same, and all columns of a unique index without NULL. */
static bool
is_point(const ql_index *ix, const ql_bound *low, const ql_bound *high, const ql_buf *from,
         const ql_buf *to)
{
    return ix->unique && !ix->hidden_rowid && !low->begins && !low->near && low->n == ix->nparts &&
           high->n == low->n && low->inclusive && high->inclusive && from->n == to->n &&
           memcmp(from->p, to->p, from->n) == 0 && !has_null(low);
}

ql_status
qli_range_encode(ql_ctx *cx, const ql_table *t, const ql_index *ix, const ql_bound *low,
                 const ql_bound *high, ql_buf *from, ql_buf *to, qli_range_kind *kind)
{
    QL_TRY(qli_key_start(cx, from, ix->id));
    QL_TRY(bound_parts(cx, from, t, ix, low, false));
    QL_TRY(qli_key_start(cx, to, ix->id));
    QL_TRY(bound_parts(cx, to, t, ix, high, true));
    *kind = QLI_RANGE_OPEN;
    if (is_point(ix, low, high, from, to)) {
        *kind = from->n > QLI_KEY_MAX ? QLI_RANGE_NOTHING : QLI_RANGE_POINT;
        return QL_OK;
    }
    if (!cut_bound(from, kind) && low->n > 0 && !low->inclusive && bound_is_exact(t, ix, low) &&
        !qli_key_successor(from)) {
        *kind = QLI_RANGE_NOTHING;
    }
    if (!cut_bound(to, kind) && (high->n == 0 || high->inclusive || !bound_is_exact(t, ix, high)) &&
        !qli_key_successor(to)) {
        *kind = QLI_RANGE_NOTHING;
    }
    return QL_OK;
}

bool
qli_part_is_readable(const ql_table *t, const ql_index_part *part)
{
    const ql_type *type = &t->types[part->column];
    return part->prefix == 0 &&
           (type->kind != QL_K_STRING || (type->coll != NULL && type->coll == ql_coll_binary));
}

bool
ql_index_covers(const ql_table *t, const ql_index *ix, const uint16_t *ordinals, uint16_t n)
{
    const ql_index *primary = &t->indexes[0];
    for (uint16_t i = 0; i < n; i++) {
        bool found = false;
        for (uint16_t p = 0; p < ix->nparts && !found; p++) {
            found = ix->parts[p].column == ordinals[i] && qli_part_is_given(t, ix, &ix->parts[p]);
        }
        for (uint16_t p = 0; !primary->hidden_rowid && p < primary->nparts && !found; p++) {
            found = primary->parts[p].column == ordinals[i] &&
                    qli_part_is_given(t, ix, &primary->parts[p]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}
