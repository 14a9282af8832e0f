/* SPDX-License-Identifier: Apache-2.0
 *
 * MIN and MAX of a table as a whole: the row that has the value stands at one end of an index,
 * behind the parts that the conditions fix and within the range that they leave. The first row
 * there that passes the other conditions is the one; the aggregates run over one such row each,
 * which gives their types and NULLs as ever.
 */
#include "plan/cost.h"

#define MAX_ENDS 16 /* each costs a search */

static bool
is_extreme(const qli_planner *p, const ql_agg *g)
{
    if ((g->fn != QL_AGG_MIN && g->fn != QL_AGG_MAX) || g->nargs != 1) {
        return false;
    }
    const ql_expr *e = g->args[0];
    if (e->kind != QL_E_SLOT || p->source_of[e->index] != 0) {
        return false;
    }
    const ql_type *t = &p->q->sources[0].table->columns[p->column_of[e->index]].type;
    return t->kind != QL_K_STRING || e->type.coll == t->coll;
}

static bool
is_eligible(const qli_planner *p, const ql_plan *root)
{
    const ql_query *q = p->q;
    if (q->ngroup || !q->naggs || q->naggs > MAX_ENDS || q->nsources != 1 ||
        root->kind != QL_P_SCAN || !q->from->is_leaf || q->sources[0].table->is_virtual ||
        root->is_unique_lookup) {
        return false;
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        if (!is_extreme(p, &q->aggs[i])) {
            return false;
        }
    }
    return true;
}

/* The part of x behind those fixed by equality; of a secondary index that is all fixed: the first
 * of the clustered key. false = there is none. */
static bool
next_part(const ql_table *t, const ql_index *x, uint16_t neq, ql_index_part *out)
{
    if (neq >= ql_index_depth(t, x)) {
        return false;
    }
    *out = *ql_index_part_at(t, x, neq);
    return true;
}

/* Do the bounds on the part let NULLs in (d < 5 OR d IS NULL)? */
static bool
let_nulls_in(const qli_access *a, const ql_plan_bound *b)
{
    const ql_expr *e = b->n > a->neq ? b->values[a->neq] : NULL;
    return e && e->kind == QL_E_CONST && e->value.kind == QL_K_NULL &&
           (b->inclusive || b->n > a->neq + 1);
}

/* NULLs are not among the values: bounds that leave them out. *left false: several ranges. */
static ql_status
leave_nulls_out(qli_planner *p, const ql_type *t, bool descending, qli_access *a, bool *left)
{
    ql_plan_bound *end = descending ? &a->high : &a->low;
    *left = true;
    if (let_nulls_in(a, end)) {
        *left = a->nranges == 0 && end->n == a->neq + 1;
        end->inclusive = false;
        return QL_OK;
    }
    if (!t->nullable || a->nlow > a->neq || a->nhigh > a->neq || a->nranges > 0) {
        return QL_OK;
    }
    ql_expr *e = QL_ARENA_NEW(p->cx, p->a, ql_expr);
    if (!e) {
        return QL_ERROR;
    }
    e->kind = QL_E_CONST;
    e->type = *t;
    e->value = ql_value_null();
    e->is_constant = true;
    ql_plan_bound *b = descending ? &a->high : &a->low;
    ql_expr **values = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, a->neq + 1u);
    if (!values) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < a->neq; i++) {
        values[i] = b->values[i];
    }
    values[a->neq] = e;
    b->values = values;
    b->n = (uint16_t)(a->neq + 1);
    b->inclusive = false;
    return QL_OK;
}

/* Reads x from the end where the value of g is. *out NULL: it is not there, or, when no row passes
 * the filter, looking for one would cost much more than `limit`. */
static ql_status
end_of_index(qli_planner *p, const ql_index *x, const ql_agg *g, double limit, ql_plan **out)
{
    const ql_table *t = p->q->sources[0].table;
    uint16_t column = p->column_of[g->args[0]->index];
    qli_conds c = {0};
    qli_access a;
    ql_index_part part;
    *out = NULL;
    QL_TRY(qli_conds_split(p, p->q->where, &c));
    for (uint32_t i = 0; i < c.n; i++) {
        if (c.v[i].nondet) {
            return QL_OK; /* the plan decides for which rows it is evaluated */
        }
    }
    QL_TRY(qli_access_by_index(p, 0, x, &c, 0, &a));
    if (x->hidden_rowid || !next_part(t, x, a.neq, &part) || part.column != column || part.prefix) {
        return QL_OK;
    }
    if (a.neq < x->nparts) {
        bool left;
        QL_TRY(leave_nulls_out(p, &t->columns[column].type, part.descending, &a, &left));
        if (!left) {
            return QL_OK;
        }
    }
    QL_TRY(qli_access_plan(p, 0, &a, &c, out));
    ql_plan *scan = *out;
    if (scan->filter && a.cost > limit * 1.2) {
        *out = NULL;
        return QL_OK;
    }
    double share = scan->est_rows < scan->est_read ? scan->est_rows / scan->est_read : 1;
    a.rows = 1 / share;
    a.nranges = 0;
    scan->est_cost = scan->cost = qli_access_cost(p, 0, &a);
    scan->reverse = (g->fn == QL_AGG_MAX) != part.descending;
    scan->ordered = true;
    scan->est_rows = 1;
    scan->est_read = 1 / share;
    return QL_OK;
}

static ql_status
best_end(qli_planner *p, const ql_agg *g, double limit, ql_plan **out)
{
    const ql_source *s = &p->q->sources[0];
    *out = NULL;
    for (uint16_t i = 0; i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        ql_plan *scan;
        bool usable;
        QL_TRY(ql_index_is_usable(p->cx, x, &usable));
        if (!usable || ql_index_is_in(s->barred, s->table, x)) {
            continue;
        }
        QL_TRY(end_of_index(p, x, g, limit, &scan));
        if (scan && (!*out || scan->est_cost < (*out)->est_cost)) {
            *out = scan;
        }
    }
    return QL_OK;
}

/* The same value, or the other end of the same column, is there already? */
static bool
is_repeated(const ql_query *q, uint16_t i)
{
    for (uint16_t k = 0; k < i; k++) {
        if (q->aggs[k].fn == q->aggs[i].fn &&
            q->aggs[k].args[0]->index == q->aggs[i].args[0]->index) {
            return true;
        }
    }
    return false;
}

ql_status
qli_ends_plan(qli_planner *p, ql_plan **root)
{
    const ql_query *q = p->q;
    ql_plan *first = NULL, **at = &first;
    double cost = 0;
    bool filtered = false;
    if (!is_eligible(p, *root) || ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        ql_plan *scan;
        if (is_repeated(q, i)) {
            continue;
        }
        QL_TRY(best_end(p, &q->aggs[i], (*root)->cost, &scan));
        ql_plan *n = scan ? qli_plan_node(p, QL_P_ENDS) : NULL;
        if (!n) {
            return scan ? QL_ERROR : p->bad;
        }
        n->left = scan;
        n->live_slots = scan->live_slots;
        n->cost = scan->cost;
        n->nlive = scan->nlive;
        cost += scan->est_cost;
        filtered = filtered || scan->filter;
        *at = n;
        at = &n->right;
    }
    /* How soon a row passes a filter is a guess: a clear win only. */
    if (!filtered || cost * 4 < (*root)->cost) {
        *root = first;
        (*root)->cost = cost;
    }
    return p->bad;
}
