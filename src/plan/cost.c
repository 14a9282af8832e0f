/* SPDX-License-Identifier: Apache-2.0
 *
 * Costs out of the constants of cost.h. Pure functions.
 */
#include "plan/cost.h"

#include <math.h>

#define DERIVED_ROW_BYTES 60

/* Finding a place in something of that size. */
static double
far_cost(double bytes)
{
    double far = bytes / QLI_CACHED_BYTES;
    return QLI_COST_SEEK_FAR * (far > 1 ? 1 : far);
}

static double
seek_cost(double bytes)
{
    return QLI_COST_SEEK + far_cost(bytes);
}

/* The share of a look-up's cost that is left where many are done together: rows behind entries, and
 * what rows to the left look up. */
static double
together(const qli_planner *p, uint16_t source, const qli_access *a, bool of_join)
{
    const ql_source *s = &p->q->sources[source];
    int i = a->index ? (int)(a->index - s->table->indexes) : 0;
    bool apart = s->locking.kind != QL_LK_NONE || s->table->is_virtual ||
                 !ql_source_switch(p->cx, p->q, s, i, QL_SWITCH_MRR) ||
                 (of_join && (a->needs == 0 || a->nranges > 0 ||
                              ql_source_switch_barred(s, i, QL_SWITCH_BATCHED_KEY_ACCESS)));
    return apart ? 1 : QLI_TOGETHER;
}

/* Entries of each index, their keys sorted, the rows one by one in their order. */
static double
merge_cost(const qli_planner *p, uint16_t source, const qli_access *a)
{
    double seek = seek_cost(p->rows[source] * p->stats[source]->row_bytes), cost = 0, keys = 0;
    for (uint16_t i = 0; i < a->nparts; i++) {
        const qli_access *part = &a->parts[i];
        cost += (part->nranges ? part->nranges : 1) * seek + part->rows * QLI_COST_ENTRY;
        keys += part->rows;
    }
    qli_access rows = {.index = a->parts[0].index};
    return cost + qli_sort_cost(keys) + a->rows * seek * together(p, source, &rows, false);
}

double
qli_access_cost(const qli_planner *p, uint16_t source, const qli_access *a)
{
    const ql_source *s = &p->q->sources[source];
    if (s->derived) {
        const ql_plan *root = p->derived[source]->root;
        return (root ? root->cost : 0) + a->rows * QLI_COST_OUT;
    }
    if (a->nparts > 0) {
        return merge_cost(p, source, a);
    }
    double bytes = p->stats[source]->row_bytes;
    double row = QLI_COST_ROW + QLI_COST_ROW_BYTE * bytes;
    double seek = seek_cost(p->rows[source] * bytes);
    bool clustered = !a->index || a->index == &s->table->indexes[0];
    double begin = (a->nranges ? a->nranges : 1) * seek * together(p, source, a, true);
    double lock = s->locking.kind != QL_LK_NONE ? QLI_COST_LOCK : 0, entry = QLI_COST_ENTRY + lock;
    row += lock;
    if (clustered) {
        bool whole = a->nlow == 0 && a->nhigh == 0;
        return begin + (whole && a->rows < QLI_SMALL_TABLE ? QLI_SMALL_TABLE : a->rows) * row;
    }
    double behind = a->index_only ? 0 : a->behind * seek * together(p, source, a, false);
    return begin + a->rows * (entry + behind);
}

double
qli_near_saving(const qli_planner *p, uint16_t source, const qli_access *a)
{
    return far_cost(p->rows[source] * p->stats[source]->row_bytes) * together(p, source, a, true);
}

double
qli_build_cost(double rows, double row_bytes, double join_buffer)
{
    double cost = rows * (QLI_COST_BUILD + QLI_COST_BUILD_BYTE * row_bytes);
    return rows * (row_bytes + 40) > join_buffer ? cost + rows * QLI_COST_SPILL : cost;
}

double
qli_sort_cost(double rows)
{
    return rows < 2 ? 0 : rows * QLI_COST_SORT * log2(rows);
}
