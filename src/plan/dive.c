/* SPDX-License-Identifier: Apache-2.0
 *
 * Dives: how many entries lie between two constant bounds of an index, told from the shape of its
 * tree (table.h, ql_index_estimate) in some microseconds, for ranges of any size. What the running
 * transaction has written itself is not in that tree: while there is such, the first entries are
 * counted one by one as well. Each range is looked for once in a block.
 */
#include "plan/plan_int.h"

#define OWN_LIMIT 100 /* entries counted one by one */

struct qli_dived {
    ql_str from, to;
    double entries;
    struct qli_dived *next;
};

/* The values of a bound; false = not all are known yet. */
static bool
known_values(const ql_plan_bound *b, ql_value *out)
{
    for (uint16_t i = 0; i < b->n; i++) {
        if (b->values[i] == NULL || b->values[i]->kind != QL_E_CONST) {
            return false;
        }
        out[i] = b->values[i]->value;
    }
    return true;
}

/* With the transaction's own rows, up to a limit. */
static ql_status
count_own(qli_planner *p, ql_table *t, const qli_access *a, const ql_bound *low,
          const ql_bound *high, double *n)
{
    ql_scan_spec spec = {.table = t,
                         .index = a->index,
                         .low = *low,
                         .high = *high,
                         .index_only = a->index != &t->indexes[0],
                         .view = ql_txn_has_snapshot(p->cx) ? QL_VIEW_STATEMENT : QL_VIEW_LATEST};
    ql_scan *s;
    ql_batch *b;
    ql_status st;
    *n = 0;
    QL_TRY(ql_scan_open(p->cx, p->a, &spec, &s));
    while ((st = ql_scan_next(p->cx, s, &b)) == QL_OK && *n < OWN_LIMIT) {
        *n += b->n;
    }
    ql_scan_close(s);
    return st == QL_END ? QL_OK : st;
}

/* Entries between two bounds; < 0: not known. */
static ql_status
dive(qli_planner *p, ql_table *t, const qli_access *a, const ql_bound *low, const ql_bound *high,
     double *entries)
{
    ql_key_range r;
    QL_TRY(ql_index_range(p->cx, p->a, t, a->index, low, high, &r));
    for (const qli_dived *d = p->dives; d; d = d->next) {
        if (ql_str_eq(d->from, r.from) && ql_str_eq(d->to, r.to)) {
            *entries = d->entries;
            return QL_OK;
        }
    }
    QL_TRY(ql_index_estimate(p->cx, &r, entries));
    if (!r.empty && !r.point && (*entries < 0 || ql_txn_has_writes(p->cx->txn))) {
        double own;
        QL_TRY(count_own(p, t, a, low, high, &own));
        *entries = own < OWN_LIMIT || own > *entries ? own : *entries;
    }
    qli_dived *d = QL_ARENA_NEW(p->cx, p->a, qli_dived);
    if (!d) {
        return QL_ERROR;
    }
    *d = (qli_dived){r.from, r.to, *entries, p->dives};
    p->dives = d;
    return ql_check(p->cx);
}

ql_status
qli_dive(qli_planner *p, uint16_t source, qli_access *a)
{
    ql_table *t = p->q->sources[source].table;
    if (p->cx->txn == NULL || t->is_virtual) { /* planning without execution */
        return QL_OK;
    }
    ql_value *low = QL_ARENA_ARRAY(p->cx, p->a, ql_value, a->low.n + 2u);
    ql_value *high = low ? QL_ARENA_ARRAY(p->cx, p->a, ql_value, a->high.n + 1u) : NULL;
    if (!high) {
        return QL_ERROR;
    }
    if (!known_values(&a->low, low) || !known_values(&a->high, high)) {
        return QL_OK;
    }
    ql_bound from = ql_plan_bound_with(&a->low, low), to = ql_plan_bound_with(&a->high, high);
    double n;
    QL_TRY(dive(p, t, a, &from, &to, &n));
    a->rows = n < 0 ? a->rows : n < 1 ? 1 : n;
    return QL_OK;
}
