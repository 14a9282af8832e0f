/* SPDX-License-Identifier: Apache-2.0
 *
 * ORDER BY through the order of an index: the first scan of the join path reads an index whose
 * parts, after those fixed by equality, are the sort keys, all in one direction.
 */
#include "plan/cost.h"
#include "plan/plan_int.h"

/* Rows that OFFSET passes over are only counted in the index, where nothing else has to be known
 * of them. */
static double
cost_with_offset(const qli_planner *p, uint16_t source, const qli_conds *c, const qli_order_want *o,
                 const qli_access *a)
{
    uint64_t all = c->n < 64 ? (UINT64_C(1) << c->n) - 1 : 0;
    if (o->offset <= 0 || o->limit <= 0 || p->q->nsources > 1 || c->n >= 64 ||
        (a->exact & all) != all) {
        return a->cost;
    }
    qli_access less = *a;
    less.behind = a->behind * (1 - o->offset / o->limit);
    return qli_access_cost(p, source, &less);
}

ql_status
qli_ordered_access(qli_planner *p, uint16_t source, const qli_conds *c, const qli_order_want *o,
                   qli_access *out, bool *found)
{
    const ql_source *s = &p->q->sources[source];
    double least = 0;
    *found = false;
    if (ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    for (uint16_t i = 0; s->table && !s->table->is_virtual && i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        bool reverse = false, usable;
        qli_access a;
        QL_TRY(ql_index_is_usable(p->cx, x, &usable));
        if (!usable ||
            ql_index_is_in(o->ngroups > 0 ? s->barred_group : s->barred_order, s->table, x)) {
            continue;
        }
        QL_TRY(qli_access_by_index(p, source, x, c, 0, &a));
        double share = 1;
        if (!qli_index_orders(p, source, x, a.neq, o, &reverse, NULL)) {
            continue;
        }
        a.cost = cost_with_offset(p, source, c, o, &a);
        QL_TRY(qli_conds_selectivity(p, c, a.counted, UINT64_C(1) << source, &share));
        double wanted =
            o->limit >= 0 && o->limit < a.rows * share ? o->limit / (a.rows * share) : 1;
        if (!*found || a.cost * wanted < least) {
            *found = true;
            least = a.cost * wanted;
            *out = a;
        }
    }
    return p->bad;
}

ql_status
qli_order_by_index(qli_planner *p, ql_plan *root, bool *given)
{
    ql_plan *scan = qli_leading_scan(root);
    qli_order_want w = {.root = root, .keys = p->q->order_by, .n = p->q->norder};
    bool reverse = false;
    *given = false;
    if (!scan || p->q->grouped || ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    if (scan->is_unique_lookup && p->q->nsources == 1) {
        *given = true;
        return QL_OK;
    }
    const ql_source *s = &p->q->sources[scan->source];
    if (!ql_index_is_in(s->barred_order, s->table, scan->index) &&
        qli_index_orders(p, scan->source, scan->index, qli_fixed_parts(scan), &w, &reverse, NULL)) {
        scan->reverse = reverse;
        scan->ordered = true;
        *given = true;
        return QL_OK;
    }
    return QL_OK;
}

/* --- the first keys only --- */

uint16_t
qli_prefix_keys(const qli_planner *p)
{
    const ql_query *q = p->q;
    bool yes = q->norder > 1 && qli_limit_of(q) > 0 && !q->grouped && !q->distinct &&
               !ql_plans_plainly(p->cx);
    for (uint16_t i = 0; i < q->nsources && yes; i++) {
        yes = q->sources[i].locking.kind == QL_LK_NONE;
    }
    return yes ? (uint16_t)(q->norder - 1) : 0;
}

ql_status
qli_prefix_rows(qli_planner *p, const ql_sort_key *keys, uint16_t n, double rows, double limit,
                double *wanted)
{
    ql_expr **v = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, n);
    double groups;
    if (!v) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        v[i] = keys[i].expr;
    }
    QL_TRY(qli_groups(p, v, n, rows, &groups));
    *wanted = limit + 2 * rows / (groups > 1 ? groups : 1);
    return QL_OK;
}

ql_status
qli_order_prefix_by_index(qli_planner *p, ql_plan *root, uint16_t *nsorted)
{
    ql_plan *scan = qli_leading_scan(root);
    *nsorted = 0;
    for (uint16_t n = scan ? qli_prefix_keys(p) : 0; n > 0; n--) {
        qli_order_want w = {.root = root, .keys = p->q->order_by, .n = n};
        const ql_source *s = &p->q->sources[scan->source];
        bool reverse = false;
        if (!ql_index_is_in(s->barred_order, s->table, scan->index) &&
            qli_index_orders(p, scan->source, scan->index, qli_fixed_parts(scan), &w, &reverse,
                             NULL)) {
            scan->reverse = reverse;
            scan->ordered = true;
            *nsorted = n;
            return p->bad;
        }
    }
    return p->bad;
}
