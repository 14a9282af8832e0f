/* SPDX-License-Identifier: Apache-2.0
 *
 * How a table is read, in the words of the manual ("EXPLAIN Output Format"): type, key, key_len,
 * ref, and the bounds of a scan as text.
 */
#include <string.h>

#include "plan/explain_int.h"

uint16_t
qli_access_fixed(const ql_plan *n)
{
    return qli_bound_fixed(&n->low, &n->high);
}

uint16_t
qli_access_parts(const ql_plan *n)
{
    uint16_t used = n->low.n > n->high.n ? n->low.n : n->high.n;
    for (uint32_t i = 0; i < n->nranges; i++) {
        uint16_t low = n->ranges[i].low.n, high = n->ranges[i].high.n;
        used = low > used ? low : used;
        used = high > used ? high : used;
    }
    return used;
}

const ql_index *
qli_access_index(const ql_query *q, const ql_plan *n)
{
    const ql_table *t = q->sources[n->source].table;
    bool whole = qli_access_parts(n) == 0;
    if (!t || !n->index || n->index->hidden_rowid ||
        (whole && n->index == &t->indexes[0] && !n->reverse && !n->ordered && !n->skip &&
         !n->jump)) {
        return NULL;
    }
    return n->index;
}

const char *
qli_access_type(const ql_query *q, const ql_plan *n)
{
    uint16_t fixed = qli_access_fixed(n);
    if (n->kind == QL_P_INDEX_MERGE) {
        return "index_merge";
    }
    if (n->kind == QL_P_DERIVED || !qli_access_index(q, n)) {
        return "ALL";
    }
    if (n->is_unique_lookup) {
        for (uint16_t i = 0; i < n->low.n; i++) {
            if (!n->low.values[i]->is_constant) {
                return "eq_ref";
            }
        }
        return "const";
    }
    if (n->skip || n->jump) {
        return "range";
    }
    if (fixed && fixed == n->low.n && fixed == n->high.n && n->nranges == 0) {
        return "ref";
    }
    return qli_access_parts(n) > 0 ? "range" : "index";
}

static uint32_t
part_length(const ql_table *t, const ql_index_part *part)
{
    const ql_type *ty = &t->columns[part->column].type;
    uint32_t n = ql_type_storage_bytes(ty);
    if (ty->kind == QL_K_STRING) { /* the part's characters; what varies has two bytes in front */
        n = (part->prefix ? part->prefix : ty->length) *
                (ty->coll == ql_coll_binary ? 1u : ty->coll->charset->max_bytes) +
            (ty->field == QL_F_STRING ? 0 : 2);
    }
    return n + ty->nullable;
}

uint32_t
qli_access_key_bytes(const ql_query *q, const ql_plan *n)
{
    const ql_table *t = q->sources[n->source].table;
    uint16_t used = qli_access_parts(n);
    uint32_t bytes = 0;
    used = n->skip ? n->skip : n->jump ? (uint16_t)(n->jump + 1) : used ? used : n->index->nparts;
    for (uint16_t i = 0; i < used; i++) {
        bytes += part_length(t, ql_index_part_at(t, n->index, i));
    }
    return bytes;
}

ql_status
qli_access_ref_part(qli_explain *x, const ql_query *q, const ql_plan *n, uint16_t i, ql_buf *b)
{
    const ql_expr *e = n->low.values[i];
    const ql_source *s = NULL;
    ql_str name = e->name;
    for (uint16_t k = 0; e->kind == QL_E_SLOT && k < q->nsources; k++) {
        for (uint16_t c = 0; c < q->sources[k].ncols; c++) {
            if (q->sources[k].slots[c] == e->index) {
                s = &q->sources[k];
                name = s->table != NULL ? s->table->columns[s->ordinals[c]].name : name;
            }
        }
    }
    if (!s) {
        return ql_buf_put_str(x->cx, b, e->is_constant ? "const" : "func");
    }
    ql_str db = ql_source_db(s), table = ql_source_name(s);
    return ql_buf_printf(x->cx, b, "%.*s%s%.*s.%.*s", (int)db.n, db.n ? db.p : "", db.n ? "." : "",
                         (int)table.n, table.p, (int)name.n, name.n ? name.p : "");
}

ql_status
qli_access_ref(qli_explain *x, const ql_query *q, const ql_plan *n, ql_buf *b)
{
    for (uint16_t i = 0; i < n->low.n; i++) {
        QL_TRY(i ? ql_buf_put_str(x->cx, b, ",") : QL_OK);
        QL_TRY(qli_access_ref_part(x, q, n, i, b));
    }
    return QL_OK;
}

/* ---- bounds ---- */

static ql_status
put_part(qli_explain *x, const ql_query *q, const ql_plan *n, uint16_t i, ql_buf *b)
{
    const ql_table *t = q->sources[n->source].table;
    const ql_column *c = &t->columns[ql_index_part_at(t, n->index, i)->column];
    return ql_buf_put(x->cx, b, c->name.p, c->name.n);
}

static ql_status
put_equalities(qli_explain *x, const ql_query *q, const ql_plan *n, const char *sign,
               const char *between, ql_buf *b)
{
    for (uint16_t i = 0; i < qli_access_fixed(n); i++) {
        QL_TRY(i ? ql_buf_put_str(x->cx, b, between) : QL_OK);
        QL_TRY(put_part(x, q, n, i, b));
        QL_TRY(ql_buf_put_str(x->cx, b, sign));
        QL_TRY(qli_expr_text(x, q, n->low.values[i], b));
    }
    return QL_OK;
}

/* (5, 7) <= (a, b): bounds of several parts together, in the order of the index. */
static ql_status
put_row(qli_explain *x, const ql_query *q, const ql_plan *n, const ql_plan_bound *of, bool values,
        ql_buf *b)
{
    for (uint16_t i = qli_access_fixed(n); i < of->n; i++) {
        QL_TRY(ql_buf_put_str(x->cx, b, i > qli_access_fixed(n) ? "," : "("));
        QL_TRY(values ? qli_expr_text(x, q, of->values[i], b) : put_part(x, q, n, i, b));
    }
    return ql_buf_put_u8(x->cx, b, ')');
}

static ql_status
put_rows(qli_explain *x, const ql_query *q, const ql_plan *n, uint16_t at, ql_buf *b)
{
    bool both = n->low.n > at && n->high.n > at;
    if (n->low.n > at) {
        QL_TRY(put_row(x, q, n, &n->low, true, b));
        QL_TRY(ql_buf_put_str(x->cx, b, n->low.inclusive ? " <= " : " < "));
        QL_TRY(put_row(x, q, n, &n->low, false, b));
    }
    if (both) {
        QL_TRY(ql_buf_put_str(x->cx, b, " AND "));
    }
    if (n->high.n > at) {
        QL_TRY(put_row(x, q, n, &n->high, false, b));
        QL_TRY(ql_buf_put_str(x->cx, b, n->high.inclusive ? " <= " : " < "));
        QL_TRY(put_row(x, q, n, &n->high, true, b));
    }
    return QL_OK;
}

/* name LIKE 'abc%' */
static ql_status
put_beginning(qli_explain *x, const ql_query *q, const ql_plan *n, uint16_t at, ql_buf *b)
{
    QL_TRY(put_part(x, q, n, at, b));
    QL_TRY(ql_buf_put_str(x->cx, b, " like "));
    return qli_expr_text(x, q, n->low.like->args[1], b);
}

/* 1 < a <= 5; on a descending part low is the greater one. */
static ql_status
put_range(qli_explain *x, const ql_query *q, const ql_plan *n, uint16_t at, ql_buf *b)
{
    const ql_table *t = q->sources[n->source].table;
    const ql_index_part *part = ql_index_part_at(t, n->index, at);
    bool turned = part->descending;
    const ql_plan_bound *low = turned ? &n->high : &n->low, *high = turned ? &n->low : &n->high;
    bool null_end = low->n > at && low->values[at]->kind == QL_E_CONST &&
                    low->values[at]->value.kind == QL_K_NULL;
    const ql_column *c = &t->columns[part->column];
    if (low->n > at + 1 || high->n > at + 1) {
        return put_rows(x, q, n, at, b);
    }
    if (low->like && low->like == high->like) {
        return put_beginning(x, q, n, at, b);
    }
    if (low->n > at && (!null_end || c->type.nullable)) {
        QL_TRY(qli_expr_text(x, q, low->values[at], b));
        QL_TRY(ql_buf_put_str(x->cx, b, low->inclusive && !null_end ? " <= " : " < "));
    }
    QL_TRY(put_part(x, q, n, at, b));
    if (high->n > at) {
        QL_TRY(ql_buf_put_str(x->cx, b, high->inclusive ? " <= " : " < "));
        QL_TRY(qli_expr_text(x, q, high->values[at], b));
    }
    return QL_OK;
}

/* (a=5), (1 < a <= 5), (a = 1 AND b = 2). */
static ql_status
put_one(qli_explain *x, const ql_query *q, const ql_plan *n, bool lookup, ql_buf *b)
{
    uint16_t fixed = qli_access_fixed(n);
    uint16_t used = n->low.n > n->high.n ? n->low.n : n->high.n;
    QL_TRY(ql_buf_put_u8(x->cx, b, '('));
    QL_TRY(lookup ? put_equalities(x, q, n, "=", ", ", b)
                  : put_equalities(x, q, n, " = ", " AND ", b));
    if (used > fixed) {
        QL_TRY(fixed ? ql_buf_put_str(x->cx, b, " AND ") : QL_OK);
        QL_TRY(put_range(x, q, n, fixed, b));
    }
    return ql_buf_put_u8(x->cx, b, ')');
}

#define PARTS_MAX 32 /* of an index and the clustered key behind it */

/* a = 1 AND 5 < c, whatever b is. */
static ql_status
put_jump(qli_explain *x, const ql_query *q, const ql_plan *n, ql_buf *b)
{
    ql_plan one = *n;
    ql_expr *low[PARTS_MAX + 1], *high[PARTS_MAX + 1];
    uint16_t fixed = qli_access_fixed(n);
    one.low = n->jump_low;
    one.high = n->jump_high;
    if (one.low.n > 0) {
        low[n->jump] = one.low.values[0];
        one.low = (ql_plan_bound){low, (uint16_t)(n->jump + 1), one.low.inclusive, one.low.like,
                                  one.low.near};
    }
    if (one.high.n > 0) {
        high[n->jump] = one.high.values[0];
        one.high = (ql_plan_bound){high, (uint16_t)(n->jump + 1), one.high.inclusive, one.high.like,
                                   one.high.near};
    }
    QL_TRY(ql_buf_put_u8(x->cx, b, '('));
    QL_TRY(put_equalities(x, q, n, " = ", " AND ", b));
    QL_TRY(fixed ? ql_buf_put_str(x->cx, b, " AND ") : QL_OK);
    if (n->jump_low.n > 0 && n->jump_high.n > 0 && qli_bound_fixed(&n->jump_low, &n->jump_high)) {
        QL_TRY(put_part(x, q, n, n->jump, b));
        QL_TRY(ql_buf_put_str(x->cx, b, " = "));
        QL_TRY(qli_expr_text(x, q, low[n->jump], b));
    } else {
        QL_TRY(put_range(x, q, &one, n->jump, b));
    }
    return ql_buf_put_u8(x->cx, b, ')');
}

/* Of many ranges the first two are told. */
ql_status
qli_access_bounds(qli_explain *x, const ql_query *q, const ql_plan *n, ql_buf *b)
{
    if (n->jump) {
        return put_jump(x, q, n, b);
    }
    if (n->nranges == 0) {
        return put_one(x, q, n, !n->keys_only && qli_access_parts(n) == qli_access_fixed(n), b);
    }
    for (uint32_t i = 0; i < n->nranges; i++) {
        if (i == 2 && n->nranges > 3) {
            return ql_buf_printf(x->cx, b, " OR (%u more)", n->nranges - 2);
        }
        ql_plan one = *n;
        one.low = n->ranges[i].low;
        one.high = n->ranges[i].high;
        one.nranges = 0;
        QL_TRY(i ? ql_buf_put_str(x->cx, b, " OR ") : QL_OK);
        QL_TRY(put_one(x, q, &one, false, b));
    }
    return QL_OK;
}

/* ---- index merges ---- */

ql_status
qli_merge_keys(qli_explain *x, const ql_plan *n, ql_buf *b)
{
    for (uint16_t i = 0; i < n->nparts; i++) {
        ql_str name = n->parts[i]->index->name;
        QL_TRY(i ? ql_buf_put_u8(x->cx, b, ',') : QL_OK);
        QL_TRY(ql_buf_put(x->cx, b, name.p, name.n));
    }
    return QL_OK;
}

ql_status
qli_merge_text(qli_explain *x, const ql_plan *n, ql_buf *b)
{
    QL_TRY(ql_buf_put_str(x->cx, b,
                          n->merge_all      ? "intersect("
                          : n->in_key_order ? "union("
                                            : "sort_union("));
    QL_TRY(qli_merge_keys(x, n, b));
    return ql_buf_put_u8(x->cx, b, ')');
}

ql_status
qli_merge_key_bytes(qli_explain *x, const ql_query *q, const ql_plan *n, ql_buf *b)
{
    for (uint16_t i = 0; i < n->nparts; i++) {
        QL_TRY(ql_buf_printf(x->cx, b, "%s%u", i ? "," : "", qli_access_key_bytes(q, n->parts[i])));
    }
    return QL_OK;
}

bool
qli_ends_filtered(const ql_plan *n)
{
    for (; n; n = n->right) {
        if (n->left->filter) {
            return true;
        }
    }
    return false;
}
