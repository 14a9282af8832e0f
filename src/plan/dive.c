/* SPDX-License-Identifier: Apache-2.0
 *
 * A look into an index: how many entries lie between two constant bounds, counted up to a limit. It
 * costs a few hundred steps of a cursor and is made only where it can change the choice: a
 * secondary index whose rows would have to be looked up one by one. Reads in the statement's view,
 * on the session's thread; a checkpoint for each block.
 */
#include "plan/plan_int.h"

#define DIVE_LIMIT 300 /* three small blocks of a scan; beyond that the guess stands */

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

ql_status
qli_dive(qli_planner *p, uint16_t source, qli_access *a)
{
    ql_table *t = p->q->sources[source].table;
    if (p->cx->txn == NULL) { /* nothing to look into: planning without execution */
        return QL_OK;
    }
    ql_value *low = QL_ARENA_ARRAY(p->cx, p->a, ql_value, a->low.n + 1u);
    ql_value *high = low ? QL_ARENA_ARRAY(p->cx, p->a, ql_value, a->high.n + 1u) : NULL;
    if (!high) {
        return QL_ERROR;
    }
    if (!known_values(&a->low, low) || !known_values(&a->high, high)) {
        return QL_OK;
    }
    ql_scan_spec spec = {.table = t,
                         .index = a->index,
                         .low = {low, a->low.n, a->low.inclusive},
                         .high = {high, a->high.n, a->high.inclusive},
                         .index_only = true,
                         .view = ql_txn_has_snapshot(p->cx) ? QL_VIEW_STATEMENT : QL_VIEW_LATEST};
    ql_scan *s;
    ql_batch *b;
    ql_status st;
    double n = 0;
    QL_TRY(ql_scan_open(p->cx, p->a, &spec, &s));
    while ((st = ql_scan_next(p->cx, s, &b)) == QL_OK && n < DIVE_LIMIT) {
        n += b->n;
    }
    ql_scan_close(s);
    if (st == QL_END) {
        a->rows = n < 1 ? 1 : n;
        return QL_OK;
    }
    a->rows = a->rows < n ? n : a->rows;
    return st;
}
