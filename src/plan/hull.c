/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounds out of an OR: each branch, together with the conditions beside the OR, bounds the index by
 * some leading parts; from the lowest of these to the highest lies all that the OR can let pass. So
 * `a > 5 OR (a = 5 AND b >= 7)`, how programs go through a table in pieces, begins at (5, 7). The
 * OR stays in the filter.
 */
#include "plan/plan_int.h"

#define BRANCHES_MAX 16

typedef struct hull {
    qli_planner *p;
    uint16_t source;
    const ql_index *x;
    ql_plan_bound low, high; /* n 0: open */
    bool begun;
    uint32_t branches;
} hull;

static bool
is_null(const ql_expr *e)
{
    return e->value.kind == QL_K_NULL;
}

/* Two constants for part k, in the order of the index. */
static ql_status
compare_part(const hull *h, uint16_t k, const ql_expr *a, const ql_expr *b, int *c)
{
    const ql_index_part *part = &h->x->parts[k];
    const ql_table *t = h->p->q->sources[h->source].table;
    if (is_null(a) || is_null(b)) {
        *c = (int)is_null(b) - (int)is_null(a);
    } else {
        QL_TRY(ql_value_compare(h->p->cx, &a->value, &b->value, t->columns[part->column].type.coll,
                                c));
    }
    *c = part->descending ? -*c : *c;
    return QL_OK;
}

/* Which of two bounds of the same end comes first? A shorter one lies before or behind everything
 * that begins like it. */
static ql_status
compare_bounds(const hull *h, const ql_plan_bound *a, const ql_plan_bound *b, bool upper, int *c)
{
    for (uint16_t k = 0; k < a->n && k < b->n; k++) {
        QL_TRY(compare_part(h, k, a->values[k], b->values[k], c));
        if (*c != 0) {
            return QL_OK;
        }
    }
    bool behind_a = a->inclusive == upper, behind_b = b->inclusive == upper;
    if (a->n == b->n) {
        *c = (int)behind_a - (int)behind_b;
    } else if (a->n < b->n) {
        *c = behind_a ? 1 : -1;
    } else {
        *c = behind_b ? -1 : 1;
    }
    return QL_OK;
}

static bool
is_known(const ql_plan_bound *b)
{
    for (uint16_t i = 0; i < b->n; i++) {
        if (b->values[i]->kind != QL_E_CONST) {
            return false;
        }
    }
    return b->n > 0;
}

static ql_status
widen(const hull *h, ql_plan_bound *end, const ql_plan_bound *to, bool upper)
{
    int c;
    if (end->n == 0) {
        return QL_OK;
    }
    if (!is_known(to)) {
        end->n = 0;
        return QL_OK;
    }
    QL_TRY(compare_bounds(h, to, end, upper, &c));
    if (upper ? c > 0 : c < 0) {
        *end = *to;
    }
    return QL_OK;
}

static ql_status
add_branch(hull *h, ql_expr *e, const qli_conds *beside)
{
    qli_conds c = {0};
    qli_access a;
    if (e->kind == QL_E_OP && e->op == QL_OP_OR) {
        for (uint32_t i = 0; i < e->nargs; i++) {
            QL_TRY(add_branch(h, e->args[i], beside));
        }
        return QL_OK;
    }
    if (++h->branches > BRANCHES_MAX) {
        h->low.n = h->high.n = 0;
        return QL_OK;
    }
    QL_TRY(qli_conds_split(h->p, e, &c));
    for (uint32_t i = 0; i < beside->n; i++) {
        QL_TRY(qli_conds_add(h->p, &c, &beside->v[i]));
    }
    QL_TRY(qli_index_bounds(h->p, h->source, h->x, &c, 0, &a));
    if (h->begun) {
        QL_TRY(widen(h, &h->low, &a.low, false));
        return widen(h, &h->high, &a.high, true);
    }
    h->begun = true;
    h->low = a.low;
    h->high = a.high;
    h->low.n = is_known(&a.low) ? a.low.n : 0;
    h->high.n = is_known(&a.high) ? a.high.n : 0;
    return QL_OK;
}

/* Is this end no tighter than the equalities in front of it (and than having no NULLs)? */
static bool
is_open(const qli_access *a, const ql_plan_bound *b)
{
    return b->n <= a->neq || (b->n == a->neq + 1 && b->values[a->neq]->kind == QL_E_CONST &&
                              is_null(b->values[a->neq]) && !b->inclusive);
}

/* The OR's end where the access has none; the equalities stay what both ends share. */
static ql_status
take_end(const hull *h, const qli_access *a, ql_plan_bound *end, const ql_plan_bound *from,
         bool upper)
{
    if (from->n <= a->neq || !is_open(a, end)) {
        return QL_OK;
    }
    if (end->n > a->neq) { /* what keeps NULLs out is not given away: it may answer a condition */
        int tighter;
        QL_TRY(compare_bounds(h, from, end, upper, &tighter));
        if (upper ? tighter >= 0 : tighter <= 0) {
            return QL_OK;
        }
    }
    for (uint16_t k = 0; k < a->neq; k++) {
        int c = 1;
        if (end->values[k]->kind == QL_E_CONST) {
            QL_TRY(compare_part(h, k, end->values[k], from->values[k], &c));
        }
        if (c != 0) {
            return QL_OK;
        }
    }
    for (uint16_t k = a->neq; k < from->n; k++) {
        end->values[k] = from->values[k];
    }
    end->n = from->n;
    end->inclusive = from->inclusive;
    return QL_OK;
}

static ql_status
take_or(qli_planner *p, uint16_t source, const qli_conds *c, uint32_t at, qli_access *a)
{
    hull h = {.p = p, .source = source, .x = a->index};
    qli_conds beside = {0};
    for (uint32_t i = 0; i < c->n; i++) {
        if (i != at) {
            QL_TRY(qli_conds_add(p, &beside, &c->v[i]));
        }
    }
    QL_TRY(add_branch(&h, c->v[at].e, &beside));
    QL_TRY(take_end(&h, a, &a->low, &h.low, false));
    return take_end(&h, a, &a->high, &h.high, true);
}

ql_status
qli_or_bounds(qli_planner *p, uint16_t source, const qli_conds *c, qli_access *a)
{
    uint16_t low = a->low.n, high = a->high.n;
    for (uint16_t i = 0; i < a->index->nparts; i++) {
        if (a->index->parts[i].prefix > 0) {
            return QL_OK;
        }
    }
    for (uint32_t i = 0; i < c->n && (is_open(a, &a->low) || is_open(a, &a->high)); i++) {
        const qli_cond *one = &c->v[i];
        const ql_expr *list;
        if (one->used || one->nondet || one->has_query || one->e->kind != QL_E_OP ||
            one->e->op != QL_OP_OR || !(one->needs >> source & 1)) {
            continue;
        }
        QL_TRY(qli_or_as_in(p, one->e, &list));
        if (!list) {
            QL_TRY(take_or(p, source, c, i, a));
        }
    }
    if (a->low.n != low || a->high.n != high) {
        a->rows *= !is_open(a, &a->low) && !is_open(a, &a->high) ? 0.1 : 0.33;
    }
    a->nlow = a->low.n;
    a->nhigh = a->high.n;
    return QL_OK;
}
