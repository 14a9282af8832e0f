/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots of vectors and batches: allocation from an arena, and moving single values in and out. Used
 * by the thread that runs the statement; no locks, no waits.
 */
#include "types/vector.h"

#include "base/arena.h"
#include "types/kinds.h"

ql_status
ql_vector_init(ql_ctx *cx, struct ql_arena *a, ql_vector *v, const ql_type *t, bool is_const)
{
    QL_TRY(ql_vector_init_rows(cx, a, v, t, is_const ? 1 : QL_BATCH_ROWS));
    v->is_const = is_const;
    return QL_OK;
}

ql_status
ql_vector_init_rows(ql_ctx *cx, struct ql_arena *a, ql_vector *v, const ql_type *t, size_t rows)
{
    *v = (ql_vector){.type = *t};
    v->nulls = ql_arena_zalloc(cx, a, rows);
    if (v->nulls == NULL) {
        return QL_ERROR;
    }
    v->any = ql_arena_zalloc(cx, a, rows * ql_slot_size(ql_kind_slot(t->kind)));
    return v->any ? QL_OK : QL_ERROR;
}

static uint8_t
value_decimals(const ql_type *t)
{
    if (t->kind == QL_K_DOUBLE && t->field == QL_F_FLOAT && t->decimals >= QL_DECIMALS_DOUBLE) {
        return QL_DECIMALS_FLOAT;
    }
    return t->decimals;
}

void
ql_vector_get(const ql_vector *v, uint16_t row, ql_value *out)
{
    if (v->is_const) {
        row = 0;
    }
    if (v->type.kind == QL_K_NULL || (v->has_nulls && v->nulls[row])) {
        out->kind = QL_K_NULL;
        out->is_unsigned = false;
        out->decimals = 0;
        out->zerofill = out->bits = 0;
        out->coll = NULL;
        return;
    }
    out->kind = v->type.kind;
    out->is_unsigned = v->type.is_unsigned;
    out->decimals = value_decimals(&v->type);
    out->zerofill = v->type.zerofill;
    out->bits = v->type.bits;
    out->coll = v->type.coll;
    switch (ql_kind_slot(v->type.kind)) {
    case QL_SLOT_DOUBLE:
        out->d = v->d[row];
        break;
    case QL_SLOT_DECIMAL:
        out->dec = v->dec[row];
        break;
    case QL_SLOT_STRING:
        out->s = v->s[row];
        break;
    case QL_SLOT_I64:
        out->list.members = v->type.members;
        out->i = v->i[row];
        break;
    }
}

void
ql_vector_set(ql_vector *v, uint16_t row, const ql_value *val)
{
    if (v->is_const) {
        row = 0;
    }
    if (val->kind == QL_K_NULL) {
        v->has_nulls = true;
        v->nulls[row] = 1;
        return;
    }
    v->nulls[row] = 0;
    switch (ql_kind_slot(v->type.kind)) {
    case QL_SLOT_DOUBLE:
        v->d[row] = val->d;
        break;
    case QL_SLOT_DECIMAL:
        v->dec[row] = val->dec;
        break;
    case QL_SLOT_STRING:
        v->s[row] = val->s;
        break;
    case QL_SLOT_I64:
        v->i[row] = val->i;
        break;
    }
}

ql_status
ql_batch_init(ql_ctx *cx, struct ql_arena *a, ql_batch *b, const ql_type *types, uint16_t ncols)
{
    *b = (ql_batch){.ncols = ncols};
    b->cols = QL_ARENA_ARRAY(cx, a, ql_vector, ncols ? ncols : 1);
    if (b->cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < ncols; i++) {
        QL_TRY(ql_vector_init(cx, a, &b->cols[i], &types[i], false));
    }
    return QL_OK;
}

void
ql_vector_copy_cell(ql_vector *dst, uint16_t at, const ql_vector *src, uint16_t row)
{
    if (src->is_const) {
        row = 0;
    }
    if (src->type.kind == QL_K_NULL || (src->has_nulls && src->nulls[row])) {
        dst->has_nulls = true;
        dst->nulls[at] = 1;
        return;
    }
    dst->nulls[at] = 0;
    switch (ql_kind_slot(dst->type.kind)) {
    case QL_SLOT_DECIMAL:
        dst->dec[at] = src->dec[row];
        break;
    case QL_SLOT_STRING:
        dst->s[at] = src->s[row];
        break;
    case QL_SLOT_I64:
    case QL_SLOT_DOUBLE:
        dst->i[at] = src->i[row];
        break;
    }
}
