/* SPDX-License-Identifier: Apache-2.0
 *
 * Skip scans (manual, "Skip Scan Range Access Method"): an index whose first parts no condition
 * bounds is read between the bounds of a later one, once for each combination of values that the
 * parts before have. Worth it when these have few.
 */
#include "plan/cost.h"
#include "plan/plan_int.h"

#define PARTS_MAX 2   /* that are passed over */
#define FORCED 0.0001 /* by a hint: cheaper than anything else */

/* Does the base say nothing but equalities of leading parts? */
static bool
is_open(const qli_access *base)
{
    return base->index && !base->unique && !base->index->hidden_rowid && base->nranges == 0 &&
           base->nlow == base->neq && base->nhigh == base->neq;
}

/* Different combinations of the first n parts among the rows of the base; 0: not known. */
static ql_status
count_groups(qli_planner *p, uint16_t source, const qli_access *base, uint16_t n, double *groups)
{
    const ql_table_stats *st = p->stats[source];
    double each;
    *groups = 0;
    if (!st || !st->known || !st->prefixes) {
        return QL_OK;
    }
    QL_TRY(qli_equal_rows(p, source, base->index, n, &each));
    *groups = base->rows / each;
    return QL_OK;
}

static ql_status
try_part(qli_planner *p, uint16_t source, const qli_conds *c, const qli_access *base,
         uint16_t parts, bool forced, qli_access *best, bool *open)
{
    qli_ranges set;
    qli_access a = *base;
    uint64_t counted;
    double groups, share;
    QL_TRY(qli_part_ranges(p, source, base->index, c, parts, &set, &counted));
    *open = set.whole || set.n == 0;
    if (*open) {
        return QL_OK;
    }
    QL_TRY(count_groups(p, source, base, parts, &groups));
    if (groups <= 0) {
        return QL_OK;
    }
    QL_TRY(qli_conds_selectivity(p, c, ~counted, UINT64_C(1) << source, &share));
    a.jump = parts;
    a.jump_low = set.v[0].low;
    a.jump_high = set.v[set.n - 1].high;
    a.rows = base->rows * share;
    a.rows = a.rows < 1 ? 1 : a.rows;
    a.counted |= counted;
    if (best->counted == a.counted && best->rows > a.rows) {
        a.rows = best->rows; /* an index was asked for them */
    }
    QL_TRY(qli_access_covers(p, source, c, &a)); /* what is counted now is not asked of entries */
    /* Two searches a group. */
    qli_access cost = a;
    cost.nranges = groups * 2 < UINT32_MAX ? (uint32_t)(groups * 2) + 1 : UINT32_MAX;
    cost.nlow = 1;
    a.cost = qli_access_cost(p, source, &cost) * (forced ? FORCED : 1);
    if (a.cost < best->cost && !best->unique) {
        *best = a;
    }
    return p->bad;
}

ql_status
qli_access_jump(qli_planner *p, uint16_t source, const qli_conds *c, const qli_access *base,
                qli_access *best)
{
    const ql_source *s = &p->q->sources[source];
    if (!is_open(base) || s->locking.kind != QL_LK_NONE) {
        return QL_OK; /* who locks, locks all that is between */
    }
    int i = (int)(base->index - s->table->indexes);
    if (!ql_source_switch(p->cx, p->q, s, i, QL_SWITCH_SKIP_SCAN) ||
        ql_index_is_in(s->no_range, s->table, base->index)) {
        return QL_OK;
    }
    bool forced = ql_source_switch_forced(s, i, QL_SWITCH_SKIP_SCAN), open = true;
    uint16_t depth = ql_index_depth(s->table, base->index);
    for (uint16_t m = 1; m <= PARTS_MAX && base->neq + m < depth && open; m++) {
        QL_TRY(try_part(p, source, c, base, (uint16_t)(base->neq + m), forced, best, &open));
    }
    return QL_OK;
}
