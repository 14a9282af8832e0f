/* SPDX-License-Identifier: Apache-2.0
 *
 * Entry: one query block to its operators. FROM and WHERE become the join plan (join.c, access.c);
 * grouping, HAVING, DISTINCT, ORDER BY and LIMIT are put on top in the order of their meaning.
 * Reads table statistics, evaluates nothing, never waits.
 */
#include "plan/plan.h"

#include "plan/cost.h"

ql_plan *
qli_plan_node(qli_planner *p, ql_plan_kind kind)
{
    ql_plan *n = QL_ARENA_NEW(p->cx, p->a, ql_plan);
    if (n) {
        n->kind = kind;
        n->est_rows = 1;
        n->low.inclusive = n->high.inclusive = true;
    }
    return n;
}

static void
add_live(ql_plan *n, const uint16_t *slots, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        n->live_slots[n->nlive++] = slots[i];
    }
}

/* Slots valid in the node's output: those of its children and its source. */
ql_status
qli_plan_live(qli_planner *p, ql_plan *n)
{
    n->live_slots = QL_ARENA_ARRAY(p->cx, p->a, uint16_t, p->q->nslots + 1u);
    if (!n->live_slots) {
        return QL_ERROR;
    }
    if (n->kind == QL_P_SCAN || n->kind == QL_P_DERIVED || n->kind == QL_P_INDEX_MERGE) {
        const ql_source *s = &p->q->sources[n->source];
        add_live(n, s->slots, s->ncols);
    } else if (n->kind == QL_P_GROUP) {
        add_live(n, p->q->group_slots, p->q->ngroup);
        for (uint16_t i = 0; i < p->q->naggs; i++) {
            add_live(n, &p->q->aggs[i].slot, 1);
        }
        return QL_OK;
    }
    if (n->left) {
        add_live(n, n->left->live_slots, n->left->nlive);
    }
    if (n->right && n->join != QL_JOIN_SEMI && n->join != QL_JOIN_ANTI) {
        add_live(n, n->right->live_slots, n->right->nlive);
    }
    return QL_OK;
}

ql_status
qli_plan_above(qli_planner *p, ql_plan_kind kind, ql_plan *left, ql_plan **out)
{
    ql_plan *n = qli_plan_node(p, kind);
    if (!n) {
        return QL_ERROR;
    }
    n->left = left;
    n->est_rows = left->est_rows;
    n->cost = left->cost;
    QL_TRY(qli_plan_live(p, n));
    *out = n;
    return QL_OK;
}

/* Mentions of a common table expression that read the same rows have one plan: that of whoever
 * comes first. */
static ql_status
plan_derived(qli_planner *p, const ql_query *q, ql_block_plan **out)
{
    bool shared = ql_query_is_shared(q);
    if (shared && q->cte->plan) {
        *out = q->cte->plan;
        return QL_OK;
    }
    QL_TRY(ql_plan_query(p->cx, q, out));
    if (shared) {
        q->cte->plan = *out;
    }
    return QL_OK;
}

static ql_status
source_rows(qli_planner *p, uint16_t i)
{
    const ql_source *s = &p->q->sources[i];
    if (s->derived) {
        QL_TRY(plan_derived(p, s->derived, &p->derived[i]));
        p->rows[i] = p->derived[i]->root ? p->derived[i]->root->est_rows : 1;
        return QL_OK;
    }
    QL_TRY(ql_stats_of(p->cx, s->table, &p->stats[i]));
    /* An estimate of next to nothing may be an old one: never lose the taste for indexes. */
    p->rows[i] = p->stats[i]->rows < 10 ? 10 : p->stats[i]->rows;
    return QL_OK;
}

static ql_status
prepare(qli_planner *p)
{
    const ql_query *q = p->q;
    p->source_of = QL_ARENA_ARRAY(p->cx, p->a, uint8_t, q->nslots + 1u);
    p->column_of = p->source_of ? QL_ARENA_ARRAY(p->cx, p->a, uint16_t, q->nslots + 1u) : NULL;
    p->rows = p->column_of ? QL_ARENA_ARRAY(p->cx, p->a, double, q->nsources + 1u) : NULL;
    p->stats =
        p->rows ? QL_ARENA_ARRAY(p->cx, p->a, const ql_table_stats *, q->nsources + 1u) : NULL;
    p->derived = p->stats ? QL_ARENA_ARRAY(p->cx, p->a, ql_block_plan *, q->nsources + 1u) : NULL;
    if (!p->derived) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nslots; i++) {
        p->source_of[i] = 0xff;
    }
    for (uint16_t s = 0; s < q->nsources; s++) {
        for (uint16_t c = 0; c < q->sources[s].ncols; c++) {
            p->source_of[q->sources[s].slots[c]] = (uint8_t)s;
            p->column_of[q->sources[s].slots[c]] = q->sources[s].ordinals[c];
        }
        QL_TRY(source_rows(p, s));
    }
    return QL_OK;
}

/* Of LIMIT or OFFSET; 1000 where it is not known yet. */
static double
number_of(const ql_expr *e)
{
    if (!e) {
        return 0;
    }
    return e->kind == QL_E_CONST && e->value.kind == QL_K_INT ? (double)e->value.u : 1000;
}

double
qli_limit_of(const ql_query *q)
{
    return !q->limit || q->calc_found_rows ? -1 : number_of(q->limit) + number_of(q->offset);
}

static ql_status
order_of(qli_planner *p, qli_order_want *o)
{
    const ql_query *q = p->q;
    *o = (qli_order_want){.limit = -1};
    if (q->grouped || q->distinct) {
        QL_TRY(qli_group_order(p, o));
        if (q->grouped || o->ngroups > 0) {
            return QL_OK;
        }
        o->keys = q->order_by; /* of rows that are not different yet: all of them are read */
        o->n = q->norder;
        return QL_OK;
    }
    o->keys = q->order_by;
    o->n = q->norder;
    o->limit = qli_limit_of(q);
    o->offset = o->limit >= 0 ? number_of(q->offset) : 0;
    return QL_OK;
}

static ql_status
plan_from(qli_planner *p, ql_plan **out)
{
    qli_conds where = {0};
    QL_TRY(qli_conds_split(p, p->q->where, &where));
    if (qli_conds_never(&where)) {
        ql_plan *n = qli_plan_node(p, QL_P_NEVER);
        *out = n;
        return n ? qli_plan_live(p, n) : QL_ERROR;
    }
    if (p->q->from) {
        qli_order_want order;
        QL_TRY(order_of(p, &order));
        return qli_join_plan(p, p->q->from, &where, &order, out);
    }
    ql_plan *n = qli_plan_node(p, QL_P_ONE_ROW);
    if (!n) {
        return QL_ERROR;
    }
    QL_TRY(qli_conds_take(p, &where, 0, &n->filter));
    *out = n;
    return qli_plan_live(p, n);
}

static ql_status
plan_group(qli_planner *p, ql_plan **root)
{
    if (p->q->grouped) {
        QL_TRY(qli_group_plan(p, root));
    }
    if (p->q->having) {
        QL_TRY(qli_plan_above(p, QL_P_FILTER, *root, root));
        (*root)->filter = p->q->having;
        if ((*root)->est_rows > 3) { /* a guess: nothing is known of aggregates */
            (*root)->est_rows /= 3;
        }
    }
    return QL_OK;
}

static ql_status
plan_sort(qli_planner *p, ql_plan **root)
{
    const ql_query *q = p->q;
    bool given = p->order_given;
    if (!q->norder || (q->grouped && q->ngroup == 0)) {
        return QL_OK;
    }
    if (q->set_op == QL_SET_NONE && !given && !p->order_is_set) {
        ql_plan *below = (*root)->kind == QL_P_DISTINCT ? (*root)->left : *root;
        QL_TRY(qli_order_by_index(p, below, &given));
    }
    if (given) {
        return QL_OK;
    }
    uint16_t nsorted = 0;
    if (q->set_op == QL_SET_NONE && !p->order_is_set) {
        QL_TRY(qli_order_prefix_by_index(p, *root, &nsorted));
    }
    QL_TRY(qli_plan_above(p, QL_P_SORT, *root, root));
    (*root)->nsorted = nsorted;
    (*root)->keys = q->order_by;
    (*root)->nsort = q->norder;
    (*root)->stop_at_limit = q->limit != NULL;
    double n = (*root)->est_rows;
    (*root)->cost += q->limit ? n * QLI_COST_TOP : qli_sort_cost(n);
    return QL_OK;
}

static ql_status
plan_limit(qli_planner *p, ql_block_plan *b, ql_plan **root)
{
    const ql_query *q = p->q;
    if (!q->limit && !q->offset) {
        return QL_OK;
    }
    QL_TRY(qli_plan_above(p, QL_P_LIMIT, *root, root));
    if (q->limit && q->limit->kind == QL_E_CONST && q->limit->value.kind == QL_K_INT) {
        double n = (double)q->limit->value.u;
        b->limit_is_zero = q->limit->value.u == 0 && !q->calc_found_rows;
        if (n < (*root)->est_rows) {
            (*root)->est_rows = n < 1 ? 1 : n;
        }
    }
    return QL_OK;
}

static ql_status
plan_union(qli_planner *p, ql_plan **out)
{
    ql_plan *n = qli_plan_node(p, QL_P_SET_OP);
    if (!n) {
        return QL_ERROR;
    }
    QL_TRY(ql_plan_query(p->cx, p->q->left, &n->sub));
    QL_TRY(ql_plan_query(p->cx, p->q->right, &n->sub2));
    n->set_distinct = p->q->set_op == QL_SET_UNION;
    n->est_rows =
        (n->sub->root ? n->sub->root->est_rows : 1) + (n->sub2->root ? n->sub2->root->est_rows : 1);
    n->cost = (n->sub->root ? n->sub->root->cost : 0) + (n->sub2->root ? n->sub2->root->cost : 0);
    n->live_slots = QL_ARENA_ARRAY(p->cx, p->a, uint16_t, p->q->nslots + 1u);
    if (!n->live_slots) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < p->q->nitems; i++) {
        n->live_slots[n->nlive++] = i;
    }
    *out = n;
    return QL_OK;
}

double
ql_subquery_cost(const ql_block_plan *p)
{
    return QLI_COST_SUBQUERY + (p->root ? p->root->cost : 0);
}

double
ql_keyed_cost(const ql_block_plan *p)
{
    return p->root ? p->root->cost + p->root->est_rows * QLI_COST_GROUP : 0;
}

ql_status
ql_plan_query(ql_ctx *cx, const ql_query *q, ql_block_plan **out)
{
    ql_plan *root;
    qli_planner p = {.cx = cx, .a = cx->arena, .q = q};
    ql_block_plan *b = QL_ARENA_NEW(cx, cx->arena, ql_block_plan);
    if (!b) {
        return QL_ERROR;
    }
    b->query = q;
    QL_TRY(ql_check(cx));
    QL_TRY(prepare(&p));
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(plan_union(&p, &root));
    } else {
        QL_TRY(plan_from(&p, &root));
        QL_TRY(plan_group(&p, &root));
        if (q->distinct) {
            QL_TRY(qli_distinct_plan(&p, &root));
        }
    }
    QL_TRY(plan_sort(&p, &root));
    QL_TRY(plan_limit(&p, b, &root));
    QL_TRY(qli_filters_split(&p, root));
    QL_TRY(p.bad);
    b->root = root;
    *out = b;
    return QL_OK;
}
