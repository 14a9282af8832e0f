/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY and DISTINCT: by hashing, or in the order of an index, where each group is complete as
 * soon as the next one begins, LIMIT can stop the reading, and ORDER BY may need no sort. MIN and
 * MAX of a whole table are in group_ends.c.
 */
#include "plan/cost.h"
#include "plan/explain_int.h"

/* Rows that are to be grouped, and in which order the groups are wanted. */
typedef struct grouping {
    qli_planner *p;
    ql_plan *root; /* gives the rows */
    qli_order_want want;
    bool sortable; /* want.keys are ORDER BY in terms of these rows */
    double groups; /* how many, a guess */
    double share;  /* of the groups that LIMIT lets be wanted when they come in order */
} grouping;

/* A way to read them. */
typedef struct way {
    qli_access a;
    const ql_index *x; /* NULL: as the plan has it */
    bool streams, sorted, reverse;
    bool runs;      /* equal arguments of DISTINCT aggregates come one after the other */
    uint16_t parts; /* leading ones that tell the groups apart */
    qli_skip skip;  /* parts 0: all rows are read */
    double cost;
} way;

/* Does reading x, with nfixed parts fixed, bring groups one after the other, in the order wanted if
 * it can be? */
static void
ask_index(const grouping *g, const ql_index *x, uint16_t nfixed, uint16_t source, way *w)
{
    qli_order_want without = g->want;
    without.n = 0;
    w->streams = w->sorted =
        g->sortable && qli_index_orders(g->p, source, x, nfixed, &g->want, &w->reverse, &w->parts);
    w->streams =
        w->streams || qli_index_orders(g->p, source, x, nfixed, &without, &w->reverse, &w->parts);
}

/* Making groups of all rows. */
static double
group_cost(const grouping *g, bool streams)
{
    double rows = g->root->est_rows;
    return streams ? rows * QLI_COST_STREAM_ROW + g->groups * QLI_COST_STREAM_GROUP
                   : rows * QLI_COST_GROUP_ROW + g->groups * QLI_COST_GROUP;
}

/* Sorting the groups, if they have to be. */
static double
sort_cost(const ql_query *q, double groups, bool sorted)
{
    return q->norder == 0 || sorted ? 0 : q->limit ? groups * QLI_COST_TOP : qli_sort_cost(groups);
}

static double
cost_of(const grouping *g, const way *w, double reading)
{
    double share = w->streams && w->sorted ? g->share : 1;
    return share * (reading + group_cost(g, w->streams)) + sort_cost(g->p->q, g->groups, w->sorted);
}

static bool
is_barred(const ql_source *s, const ql_index *x)
{
    return ql_index_is_in(s->barred | s->barred_group, s->table, x);
}

/* Skip from group to group, if that is better. */
static ql_status
try_skip(const grouping *g, const qli_conds *c, uint16_t source, way *w)
{
    const ql_query *q = g->p->q;
    qli_skip s;
    QL_TRY(qli_skip_ask(g->p, source, &w->a, c, w->parts, w->reverse,
                        w->sorted && g->share < 1 ? qli_limit_of(q) : -1, &s));
    if (s.parts == 0) {
        return QL_OK;
    }
    double cost = s.cost + sort_cost(q, g->groups, w->sorted);
    if (cost < w->cost) {
        w->cost = cost;
        w->skip = s;
    }
    return QL_OK;
}

/* Other indexes of the only table. */
static ql_status
try_indexes(const grouping *g, const qli_conds *c, uint16_t source, way *best)
{
    const ql_source *s = &g->p->q->sources[source];
    for (uint16_t i = 0; i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        way w = {.x = x};
        bool usable;
        QL_TRY(ql_index_is_usable(g->p->cx, x, &usable));
        if (!usable || is_barred(s, x)) {
            continue;
        }
        QL_TRY(qli_access_by_index(g->p, source, x, c, 0, &w.a));
        ask_index(g, x, w.a.neq, source, &w);
        if (!w.streams) {
            continue;
        }
        w.cost = cost_of(g, &w, w.a.cost);
        QL_TRY(try_skip(g, c, source, &w));
        if (w.cost < best->cost) {
            *best = w;
        }
    }
    return QL_OK;
}

/* The only source is a stored table, and the plan nothing but a scan of it. */
static bool
is_one_table(const qli_planner *p, const ql_plan *root)
{
    return p->q->nsources == 1 && root->kind == QL_P_SCAN && p->q->from->is_leaf &&
           !p->q->sources[root->source].table->is_virtual;
}

/* Joined tables: the first one, read whole, may be read along an index instead. */
static ql_status
try_leading(const grouping *g, ql_plan *scan, way *best)
{
    const ql_source *s = &g->p->q->sources[scan->source];
    double rest = g->root->cost - scan->cost;
    if (qli_access_parts(scan) > 0 || s->table->is_virtual) {
        return QL_OK;
    }
    qli_conds none = {0};
    for (uint16_t i = 0; i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        way w = {.x = x};
        bool usable;
        QL_TRY(ql_index_is_usable(g->p->cx, x, &usable));
        if (!usable || is_barred(s, x)) {
            continue;
        }
        ask_index(g, x, 0, scan->source, &w);
        if (!w.streams) {
            continue;
        }
        QL_TRY(qli_access_by_index(g->p, scan->source, x, &none, 0, &w.a));
        w.cost = cost_of(g, &w, rest + w.a.cost);
        if (w.cost < best->cost) {
            *best = w;
        }
    }
    return QL_OK;
}

/* Keeping the different values of aggregates over DISTINCT ones. */
static ql_status
sets_cost(const grouping *g, double *cost)
{
    const ql_query *q = g->p->q;
    double rows = g->root->est_rows, n;
    *cost = 0;
    for (uint16_t i = 0; i < q->naggs; i++) {
        if (q->aggs[i].distinct) {
            QL_TRY(qli_groups(g->p, q->aggs[i].args, q->aggs[i].nargs, rows, &n));
            *cost += rows * QLI_COST_GROUP_ROW + n * QLI_COST_GROUP;
        }
    }
    return QL_OK;
}

/* Do rows read along x come so that equal arguments of each DISTINCT aggregate follow each other?
 */
static bool
has_runs(const grouping *g, const ql_index *x, uint16_t nfixed, bool *reverse)
{
    const ql_query *q = g->p->q;
    bool some = false;
    *reverse = false;
    for (uint16_t i = 0; i < q->naggs; i++) {
        const ql_agg *a = &q->aggs[i];
        qli_order_want want = {.groups = a->args, .ngroups = (uint16_t)a->nargs, .root = g->root};
        if (!a->distinct) {
            continue;
        }
        if (!qli_index_orders(g->p, g->root->source, x, nfixed, &want, reverse, NULL)) {
            return false;
        }
        some = true;
    }
    return some;
}

/* Aggregates over different values of the only table, without groups. */
static ql_status
try_whole(const grouping *g, qli_conds *c, way *best)
{
    const ql_query *q = g->p->q;
    if (!is_one_table(g->p, g->root) || q->naggs == 0) {
        return QL_OK;
    }
    double sets;
    QL_TRY(qli_conds_split(g->p, q->where, c));
    QL_TRY(sets_cost(g, &sets));
    if (sets == 0) {
        return QL_OK;
    }
    best->cost += sets;
    if (g->root->index && has_runs(g, g->root->index, qli_fixed_parts(g->root), &best->reverse)) {
        best->runs = true;
        best->reverse = g->root->reverse;
        best->cost -= sets - g->root->est_rows * QLI_COST_STREAM_ROW;
    }
    const ql_source *s = &q->sources[g->root->source];
    for (uint16_t i = 0; i < s->table->nindexes; i++) {
        const ql_index *x = &s->table->indexes[i];
        way w = {.x = x, .streams = true};
        bool usable;
        QL_TRY(ql_index_is_usable(g->p->cx, x, &usable));
        if (!usable || is_barred(s, x)) {
            continue;
        }
        QL_TRY(qli_access_by_index(g->p, g->root->source, x, c, 0, &w.a));
        QL_TRY(qli_skip_ask(g->p, g->root->source, &w.a, c, w.a.neq, false, -1, &w.skip));
        w.cost = w.skip.cost;
        if (w.skip.parts > 0 && w.cost < best->cost) {
            *best = w;
        }
        w.skip.parts = 0;
        w.runs = has_runs(g, x, w.a.neq, &w.reverse);
        w.cost = cost_of(g, &w, w.a.cost) + g->root->est_rows * QLI_COST_STREAM_ROW;
        if (w.runs && w.cost < best->cost) {
            *best = w;
        }
    }
    return QL_OK;
}

static ql_status
choose(const grouping *g, qli_conds *c, way *best)
{
    qli_planner *p = g->p;
    ql_plan *scan = qli_leading_scan(g->root);
    double reading = g->root->cost;
    *best = (way){0};
    best->cost = cost_of(g, best, reading);
    if (!scan || ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    if (g->want.ngroups == 0) {
        return try_whole(g, c, best);
    }
    way as_is = {0};
    ask_index(g, scan->index, qli_fixed_parts(scan), scan->source, &as_is);
    as_is.cost = cost_of(g, &as_is, reading);
    if (as_is.streams && as_is.cost <= best->cost) {
        *best = as_is;
    }
    if (is_one_table(p, g->root)) {
        QL_TRY(qli_conds_split(p, p->q->where, c));
        return try_indexes(g, c, scan->source, best);
    }
    return try_leading(g, scan, best);
}

/* Make the plan read as was chosen. */
static ql_status
take(grouping *g, qli_conds *c, const way *w)
{
    qli_planner *p = g->p;
    ql_plan *scan = qli_leading_scan(g->root);
    if (!w->streams) {
        return QL_OK;
    }
    if (w->x && is_one_table(p, g->root)) {
        double rows = g->root->est_rows;
        QL_TRY(qli_access_plan(p, scan->source, &w->a, c, &scan));
        scan->est_rows = rows < scan->est_read ? rows : scan->est_read;
        if (w->skip.parts > 0) {
            qli_skip_take(&w->skip, scan);
            if (w->skip.parts == w->parts && w->skip.groups < g->groups) {
                g->groups = w->skip.groups;
            }
        }
        g->root = scan;
    } else if (w->x) {
        double more = w->a.cost - scan->cost;
        scan->index = w->x;
        scan->jump = 0;
        scan->index_only = w->a.index_only;
        scan->split = w->a.unread;
        scan->est_cost = w->a.cost;
        for (ql_plan *n = g->root; n != scan; n = n->left) {
            n->cost += more;
        }
        scan->cost = w->a.cost;
    }
    scan->reverse = w->reverse;
    scan->ordered = true;
    if (g->want.ngroups > 0) {
        p->order_is_set = true;
        p->order_given = w->sorted;
    }
    return p->bad;
}

/* How many different values all of these have together, of so many rows. */
static ql_status
count_groups(qli_planner *p, ql_expr *const *e, uint16_t n, double rows, double *groups)
{
    *groups = 1;
    return n == 0 ? QL_OK : qli_groups(p, e, n, rows, groups);
}

/* Which share of the groups is read when they come in order. */
static double
share_wanted(const ql_query *q, double groups)
{
    double want = qli_limit_of(q);
    if (want < 0 || q->having || want >= groups) {
        return 1;
    }
    return (want < 1 ? 1 : want) / groups;
}

/* --- GROUP BY --- */

/* ORDER BY in terms of the rows before grouping, where all its keys are keys of groups. */
static ql_status
sort_keys(grouping *g)
{
    const ql_query *q = g->p->q;
    ql_sort_key *keys = QL_ARENA_ARRAY(g->p->cx, g->p->a, ql_sort_key, q->norder + 1u);
    if (!keys) {
        return QL_ERROR;
    }
    g->want.keys = keys;
    g->sortable = true;
    for (uint16_t i = 0; i < q->norder && g->sortable; i++) {
        const ql_expr *e = q->order_by[i].expr;
        g->sortable = e->is_constant;
        for (uint16_t k = 0; k < q->ngroup && e->kind == QL_E_SLOT; k++) {
            if (q->group_slots[k] == e->index) {
                keys[g->want.n++] = (ql_sort_key){q->group_by[k], q->order_by[i].descending};
                g->sortable = true;
                break;
            }
        }
    }
    return QL_OK;
}

/* --- DISTINCT --- */

static bool
is_item(const ql_query *q, uint16_t slot)
{
    for (uint16_t i = 0; i < q->nitems; i++) {
        if (q->items[i].expr->kind == QL_E_SLOT && q->items[i].expr->index == slot) {
            return true;
        }
    }
    return false;
}

/* Are all rows different because of what they are made of: all keys of the groups are selected? */
static bool
are_different(const ql_query *q)
{
    if (!q->grouped) {
        return false;
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        if (!is_item(q, q->group_slots[i])) {
            return false;
        }
    }
    return true;
}

static ql_status
item_groups(grouping *g)
{
    const ql_query *q = g->p->q;
    ql_expr **e = QL_ARENA_ARRAY(g->p->cx, g->p->a, ql_expr *, q->nitems + 1u);
    if (!e) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        e[i] = q->items[i].expr;
    }
    g->want.groups = e;
    g->want.ngroups = q->nitems;
    g->want.keys = q->order_by;
    g->want.n = q->norder;
    g->sortable = true;
    return QL_OK;
}

/* --- for the order of joins --- */

static ql_status
ask_groups(grouping *g)
{
    const ql_query *q = g->p->q;
    if (!q->grouped) {
        return item_groups(g);
    }
    g->want.groups = q->group_by;
    g->want.ngroups = q->ngroup;
    return sort_keys(g);
}

ql_status
qli_group_order(qli_planner *p, qli_order_want *o)
{
    grouping g = {.p = p};
    if (p->q->nsources < 2 || ql_plans_plainly(p->cx) || (p->q->grouped && p->q->ngroup == 0)) {
        return QL_OK;
    }
    QL_TRY(ask_groups(&g));
    *o = g.want;
    o->limit = -1;
    if (!g.sortable) {
        o->n = 0;
    }
    return QL_OK;
}

ql_status
qli_group_outlook(qli_planner *p, const qli_order_want *o, double rows, double *share,
                  double *saved)
{
    const ql_query *q = p->q;
    double groups;
    QL_TRY(count_groups(p, o->groups, o->ngroups, rows, &groups));
    bool sorted = q->norder == 0 || o->n > 0;
    *share = sorted && !(q->grouped && q->distinct) ? share_wanted(q, groups) : 1;
    *saved = rows * (QLI_COST_GROUP_ROW - QLI_COST_STREAM_ROW * *share) +
             groups * (QLI_COST_GROUP - QLI_COST_STREAM_GROUP * *share);
    *saved += sorted ? sort_cost(q, groups, false) : 0;
    return QL_OK;
}

/* --- the nodes --- */

ql_status
qli_group_plan(qli_planner *p, ql_plan **root)
{
    const ql_query *q = p->q;
    grouping g = {.p = p, .root = *root, .want = {.root = *root}, .share = 1};
    way w = {0};
    qli_conds c = {0};
    QL_TRY(count_groups(p, q->group_by, q->ngroup, (*root)->est_rows, &g.groups));
    if (q->ngroup == 0) {
        QL_TRY(qli_ends_plan(p, &g.root));
        if (g.root == *root) {
            QL_TRY(choose(&g, &c, &w));
            QL_TRY(take(&g, &c, &w));
            w.streams = false; /* one group */
            if (w.runs && !w.x) {
                g.root->ordered = true;
            }
        }
    } else {
        g.share = q->distinct ? 1 : share_wanted(q, g.groups);
        QL_TRY(ask_groups(&g));
        QL_TRY(choose(&g, &c, &w));
        QL_TRY(take(&g, &c, &w));
    }
    QL_TRY(qli_plan_above(p, QL_P_GROUP, g.root, root));
    (*root)->ordered = w.streams;
    (*root)->distinct_runs = w.runs;
    (*root)->est_rows = g.groups;
    (*root)->cost += group_cost(&g, w.streams);
    return QL_OK;
}

ql_status
qli_distinct_plan(qli_planner *p, ql_plan **root)
{
    const ql_query *q = p->q;
    grouping g = {.p = p, .root = *root, .want = {.root = *root}, .share = 1};
    way w = {0};
    qli_conds c = {0};
    if (are_different(q) && !ql_plans_plainly(p->cx)) {
        return QL_OK;
    }
    if (!q->grouped) {
        QL_TRY(ask_groups(&g));
        QL_TRY(count_groups(p, g.want.groups, g.want.ngroups, (*root)->est_rows, &g.groups));
        g.share = share_wanted(q, g.groups);
        QL_TRY(choose(&g, &c, &w));
        QL_TRY(take(&g, &c, &w));
    }
    QL_TRY(qli_plan_above(p, QL_P_DISTINCT, g.root, root));
    (*root)->ordered = w.streams;
    if (!q->grouped) {
        (*root)->est_rows = g.groups;
        (*root)->cost += group_cost(&g, w.streams);
    }
    return QL_OK;
}
