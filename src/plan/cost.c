/* SPDX-License-Identifier: Apache-2.0
 *
 * Costs out of the constants of cost.h. Pure functions.
 */
#include "plan/cost.h"

#include <math.h>

#define DERIVED_ROW_BYTES 60

/* Finding a place in something of that size. */
static double
seek_cost(double bytes)
{
    double far = bytes / QLI_CACHED_BYTES;
    return QLI_COST_SEEK + QLI_COST_SEEK_FAR * (far > 1 ? 1 : far);
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
    return cost + qli_sort_cost(keys) + a->rows * seek;
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
    double begin = a->nranges ? a->nranges * seek : seek;
    double lock = s->locking.kind != QL_LK_NONE ? QLI_COST_LOCK : 0, entry = QLI_COST_ENTRY + lock;
    row += lock;
    if (clustered) {
        bool whole = a->nlow == 0 && a->nhigh == 0;
        return begin + (whole && a->rows < QLI_SMALL_TABLE ? QLI_SMALL_TABLE : a->rows) * row;
    }
    return begin + a->rows * (a->index_only ? entry : entry + seek);
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
