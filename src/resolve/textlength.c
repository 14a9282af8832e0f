/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the texts of a query's items can get, for the columns that are made of them. Pure
 * functions of the resolved query.
 */
#include "base/ctx.h"
#include "resolve/tablespec_int.h"

/* --- what a slot is --- */

/* The column of a table behind a slot of the block's rows before they are grouped, or NULL. */
const ql_column *
qli_column_of_slot(const ql_query *q, uint32_t slot)
{
    for (uint16_t s = 0; s < q->nsources; s++) {
        const ql_source *src = &q->sources[s];
        for (uint16_t k = 0; src->table && k < src->ncols; k++) {
            if (src->slots[k] == slot) {
                return &src->table->columns[src->ordinals[k]];
            }
        }
    }
    return NULL;
}

const ql_agg *
qli_aggregate_of_slot(const ql_query *q, uint32_t slot)
{
    for (uint16_t i = 0; q->grouped && i < q->naggs; i++) {
        if (q->aggs[i].slot == slot) {
            return &q->aggs[i];
        }
    }
    return NULL;
}

/* What a slot of grouped rows was before: a key; else e itself. */
const ql_expr *
qli_before_grouping(const ql_query *q, const ql_expr *e)
{
    for (uint16_t i = 0; q->grouped && i < q->ngroup; i++) {
        if (q->group_slots[i] == e->index) {
            return q->group_by[i];
        }
    }
    return e;
}

/* --- how long its text is --- */

#define UNKNOWN QLI_UNKNOWN_CHARS

uint64_t
qli_text_chars_of_type(const ql_type *t)
{
    bool blob = t->field >= QL_F_TINY_BLOB && t->field <= QL_F_BLOB;
    uint32_t per = t->coll && t->coll->charset->max_bytes ? t->coll->charset->max_bytes : 1;
    return blob ? t->length / per : t->length; /* of those it is bytes */
}

static uint64_t
chars_of_slot(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    const ql_agg *g = qli_aggregate_of_slot(q, e->index);
    if (g && g->fn == QL_AGG_GROUP_CONCAT) {
        return cx->vars ? ql_vars_u64(cx->vars, QL_SV_GROUP_CONCAT_MAX_LEN) : UNKNOWN;
    }
    if (g) {
        bool is = g->fn == QL_AGG_MIN || g->fn == QL_AGG_MAX || g->fn == QL_AGG_ANY_VALUE;
        return is ? qli_text_chars(cx, q, g->args[0]) : UNKNOWN;
    }
    const ql_expr *was = qli_before_grouping(q, e);
    if (was != e && was->kind != QL_E_SLOT) {
        return qli_text_chars(cx, q, was);
    }
    const ql_column *c = qli_column_of_slot(q, was->index);
    return c ? qli_text_chars_of_type(&c->type) : UNKNOWN;
}

/* Of item i of a UNION: of whichever side has more. */
static uint64_t
chars_of_union(ql_ctx *cx, const ql_query *q, uint32_t i)
{
    uint64_t most = 0;
    for (; q->set_op != QL_SET_NONE; q = q->left) {
        uint64_t n = qli_text_chars(cx, q->right, q->right->items[i].expr);
        most = n > most ? n : most;
    }
    uint64_t first = qli_text_chars(cx, q, q->items[i].expr);
    return first > most ? first : most;
}

static uint64_t
most_chars(ql_ctx *cx, const ql_query *q, const ql_expr *e, bool sum)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->nargs && n != UNKNOWN; i++) {
        uint64_t c = e->args[i]->type.kind == QL_K_STRING ? qli_text_chars(cx, q, e->args[i]) : 0;
        n = c == UNKNOWN || n > UINT32_MAX ? UNKNOWN : sum ? n + c : c > n ? c : n;
    }
    return n;
}

static uint64_t
chars_of_function(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    uint64_t first = e->nargs > 0 ? qli_text_chars(cx, q, e->args[0]) : UNKNOWN;
    const ql_expr *second = e->nargs > 1 ? e->args[1] : NULL;
    bool counted = second && second->kind == QL_E_CONST && second->value.kind == QL_K_INT;
    uint64_t count = !counted || second->value.i < 0 ? 0 : second->value.u;
    switch (e->fn) {
    case QL_FN_CONCAT:
        return most_chars(cx, q, e, true);
    case QL_FN_COALESCE:
    case QL_FN_GREATEST:
    case QL_FN_LEAST:
    case QL_FN_ELT:
        return most_chars(cx, q, e, false);
    case QL_FN_UPPER:
    case QL_FN_LOWER:
    case QL_FN_TRIM:
    case QL_FN_REVERSE:
        return first;
    case QL_FN_LEFT:
    case QL_FN_RIGHT:
    case QL_FN_SUBSTRING:
        return e->type.length < first ? e->type.length : first;
    case QL_FN_REPEAT:
        return !counted || first > UINT32_MAX || count > UINT32_MAX ? UNKNOWN : count * first;
    case QL_FN_LPAD:
    case QL_FN_RPAD:
        return counted ? count : UNKNOWN;
    default:
        return UNKNOWN;
    }
}

uint64_t
qli_text_chars(ql_ctx *cx, const ql_query *q, const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_CONST:
        return qli_text_chars_of_type(&e->type);
    case QL_E_SLOT:
        return q->set_op != QL_SET_NONE ? chars_of_union(cx, q, e->index) : chars_of_slot(cx, q, e);
    case QL_E_CASE:
        return most_chars(cx, q, e, false);
    case QL_E_CAST:
        return e->type.kind != QL_K_STRING || e->args[0]->type.kind != QL_K_STRING
                   ? qli_text_chars_of_type(&e->type)
                   : qli_text_chars(cx, q, e->args[0]);
    case QL_E_FUNC:
        return chars_of_function(cx, q, e);
    default:
        return UNKNOWN;
    }
}
