/* SPDX-License-Identifier: Apache-2.0
 *
 * Join order: the cheapest left-deep tree by dynamic programming over sets of items, or, for more
 * than a few, the best of the greedy ones. A step looks rows up through an index, hashes either
 * side, or goes through kept rows. Items that no condition connects wait until nothing else is
 * left, unless they are next to nothing.
 *
 * Method: P. Selinger et al., "Access Path Selection in a Relational Database Management System",
 * 1979.
 */
#include "plan/join_int.h"
#include "vars/sysvars.h"
#include <math.h>

#define DP_MAX 10 /* items: 1,024 sets */
/* us of trying one item behind one set of others, of which most are never met. */
#define SEARCH_STEP 0.01
#define SMALL_CROSS 64 /* rows: joined with anything */

/* --- conditions ------------------------------------------------------------------------------ */

static bool
is_column_equality(const qli_planner *p, const qli_cond *k)
{
    const ql_expr *e = k->e;
    return e->kind == QL_E_OP && e->op == QL_OP_EQ && e->nargs == 2 &&
           e->args[0]->kind == QL_E_SLOT && e->args[1]->kind == QL_E_SLOT &&
           p->source_of[e->args[0]->index] != 0xff && p->source_of[e->args[1]->index] != 0xff;
}

static uint16_t
root_of(uint16_t *parent, uint16_t slot)
{
    while (parent[slot] != slot) {
        slot = parent[slot] = parent[parent[slot]];
    }
    return slot;
}

/* The item's column in an equality of two columns; QLI_NO_CLASS: it is none. */
static uint16_t
own_column(const qli_planner *p, const qli_item *it, const qli_cond *k)
{
    for (int side = 0; side < 2 && is_column_equality(p, k); side++) {
        uint32_t slot = k->e->args[side]->index;
        if (it->sources >> p->source_of[slot] & 1) {
            return (uint16_t)slot;
        }
    }
    return QLI_NO_CLASS;
}

/* Conditions that make the same column equal to columns of one class are one group. */
static ql_status
add_use(qli_planner *p, const qli_region *g, qli_item *it, const qli_conds *on, uint32_t at,
        uint16_t *columns)
{
    const qli_cond *k = &on->v[at];
    uint16_t column = it->kind == QL_JOIN_INNER && g->info[at].class != QLI_NO_CLASS
                          ? own_column(p, it, k)
                          : QLI_NO_CLASS;
    qli_use *u = &it->uses[it->nuses];
    u->others = k->needs & ~it->sources;
    if (!u->others) {
        return QL_OK;
    }
    u->group = UINT64_C(1) << (it->nuses < 63 ? it->nuses : 63);
    for (uint32_t i = 0; i < it->nuses && column != QLI_NO_CLASS; i++) {
        if (columns[i] == column) {
            u->group = it->uses[i].group;
            break;
        }
    }
    columns[it->nuses++] = column;
    return ql_check(p->cx);
}

static ql_status
prepare_item(qli_planner *p, qli_region *g, qli_item *it)
{
    const qli_conds *on = it->kind == QL_JOIN_INNER ? g->conds : &it->on;
    it->related |= it->lateral;
    uint16_t *columns = QL_ARENA_ARRAY(p->cx, p->a, uint16_t, on->n + 1u);
    it->uses = columns ? QL_ARENA_ARRAY(p->cx, p->a, qli_use, on->n + 1u) : NULL;
    if (!it->uses) {
        return QL_ERROR;
    }
    for (uint32_t k = 0; k < on->n; k++) {
        if (on->v[k].needs & it->sources) {
            it->related |= on->v[k].needs & ~it->sources;
            QL_TRY(add_use(p, g, it, on, k, columns));
        }
    }
    if (ql_plans_plainly(p->cx)) {
        it->wished = ((it->sources & -it->sources) - 1) & g->sources & ~it->sources;
    } else if (p->q->hints && p->q->hints->before) {
        for (uint16_t s = 0; s < p->q->hints->nbefore; s++) {
            it->wished |= it->sources >> s & 1 ? p->q->hints->before[s] : 0;
        }
        it->wished &= g->sources & ~it->sources;
    }
    return QL_OK;
}

ql_status
qli_region_prepare(qli_planner *p, qli_region *g)
{
    qli_conds *c = g->conds;
    g->info = QL_ARENA_ARRAY(p->cx, p->a, qli_cond_info, c->n + 1u);
    uint16_t *parent = g->info ? QL_ARENA_ARRAY(p->cx, p->a, uint16_t, p->q->nslots + 1u) : NULL;
    if (!parent) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < p->q->nslots; i++) {
        parent[i] = i;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        if (is_column_equality(p, &c->v[i])) {
            parent[root_of(parent, (uint16_t)c->v[i].e->args[0]->index)] =
                root_of(parent, (uint16_t)c->v[i].e->args[1]->index);
        }
    }
    for (uint32_t i = 0; i < c->n; i++) {
        qli_cond *k = &c->v[i];
        bool equal = is_column_equality(p, k);
        g->info[i].class = equal ? root_of(parent, (uint16_t)k->e->args[0]->index) : QLI_NO_CLASS;
        QL_TRY(qli_selectivity(p, k->e, &g->info[i].share));
    }
    for (uint32_t i = 0; i < g->n; i++) {
        QL_TRY(prepare_item(p, g, &g->v[i]));
    }
    return QL_OK;
}

/* The share that the columns of one class have been found to let pass. */
typedef struct class_share {
    uint16_t class;
    double share;
} class_share;

/* What share of all combinations passes the conditions that are new when `sources` come to `have`:
 * of columns known to be equal the condition that lets most pass speaks for all. */
static double
join_share(const qli_region *g, qli_mask have, qli_mask sources)
{
    const qli_conds *c = g->conds;
    class_share known[QLI_ITEMS_MAX];
    uint32_t nknown = 0;
    double share = 1;
    for (uint32_t i = 0; i < c->n; i++) {
        const qli_cond *k = &c->v[i];
        const qli_cond_info *info = &g->info[i];
        uint32_t at = 0;
        if (k->used || !(k->needs & sources) || !(k->needs & have & ~g->outside) ||
            (k->needs & ~(have | sources | g->outside)) != 0) {
            continue;
        }
        while (at < nknown && known[at].class != info->class) {
            at++;
        }
        if (info->class == QLI_NO_CLASS || at == QLI_ITEMS_MAX) {
            share *= info->share;
        } else if (at == nknown) {
            known[nknown++] = (class_share){info->class, info->share};
        } else if (info->share > known[at].share) {
            known[at].share = info->share;
        }
    }
    for (uint32_t i = 0; i < nknown; i++) {
        share *= known[i].share;
    }
    return share;
}

/* --- paths ----------------------------------------------------------------------------------- */

static ql_status
copy_conds(qli_planner *p, const qli_conds *c, qli_conds *out)
{
    for (uint32_t i = 0; i < c->n; i++) {
        QL_TRY(qli_conds_add(p, out, &c->v[i]));
    }
    return QL_OK;
}

static ql_status
leaf_path(qli_planner *p, qli_region *g, const qli_item *it, qli_path *w)
{
    const qli_conds *c = it->kind == QL_JOIN_INNER ? g->conds : &it->on;
    double share;
    QL_TRY(qli_access_choose(p, it->tree->source, c, w->left | g->outside, &w->a));
    QL_TRY(qli_conds_selectivity(p, c, w->a.counted, it->sources, &share));
    w->needs = (w->a.needs | it->lateral) & w->left;
    w->rows = w->a.rows * share;
    w->cost = w->a.cost;
    return QL_OK;
}

static ql_status
tree_path(qli_planner *p, qli_region *g, const qli_item *it, qli_path *w)
{
    qli_order_want none = {.limit = -1};
    qli_conds inside = {0};
    for (uint32_t i = 0; i < it->on.n; i++) { /* what stays for the join is not seen below it */
        qli_cond k = it->on.v[i];
        if ((k.needs & it->sources) && (k.needs & ~(it->sources | w->left)) == 0 && !k.nondet) {
            QL_TRY(qli_conds_add(p, &inside, &k));
        } else {
            QL_TRY(qli_conds_add(p, &w->rest, &k));
        }
    }
    QL_TRY(qli_tree_plan(p, it->tree, &inside, w->left | g->outside, &none, &w->plan));
    for (uint32_t i = 0; i < inside.n; i++) {
        w->needs |= inside.v[i].used ? inside.v[i].needs & w->left : 0;
    }
    QL_TRY(copy_conds(p, &inside, &w->rest));
    w->needs |= it->lateral & w->left;
    w->rows = w->plan->est_rows;
    w->cost = w->plan->cost;
    return QL_OK;
}

ql_status
qli_item_path_of(qli_planner *p, qli_region *g, uint32_t i, qli_mask left, qli_path **out)
{
    const qli_item *it = &g->v[i];
    qli_path *w = QL_ARENA_NEW(p->cx, p->a, qli_path);
    if (!w) {
        return QL_ERROR;
    }
    w->left = left & it->related;
    QL_TRY(it->tree->is_leaf ? leaf_path(p, g, it, w) : tree_path(p, g, it, w));
    w->bound = w->needs != 0;
    w->rows = w->rows < 1e-6 ? 1e-6 : w->rows;
    *out = w;
    return QL_OK;
}

ql_status
qli_item_path(qli_planner *p, qli_region *g, uint32_t i, qli_mask left, const qli_path **out)
{
    qli_item *it = &g->v[i];
    uint64_t key = 0;
    if (it->distinct) {
        *out = it->distinct;
        return QL_OK;
    }
    for (uint32_t k = 0; k < it->nuses; k++) {
        key |= (it->uses[k].others & ~left) == 0 ? it->uses[k].group : 0;
    }
    for (const qli_path *w = it->paths; w; w = w->next) {
        if (w->key == key) {
            *out = w;
            return QL_OK;
        }
    }
    qli_path *w;
    QL_TRY(qli_item_path_of(p, g, i, left, &w));
    w->key = key;
    w->next = it->paths;
    it->paths = w;
    *out = w;
    return QL_OK;
}

const ql_expr *
qli_path_near(const qli_item *it, const qli_path *w)
{
    bool looks = w->bound && it->tree->is_leaf && w->a.index && w->a.nparts == 0 &&
                 w->a.nranges == 0 && w->a.low.n > 0;
    return looks && w->a.low.values[0]->kind == QL_E_SLOT ? w->a.low.values[0] : NULL;
}

/* --- one step -------------------------------------------------------------------------------- */

typedef struct search {
    qli_planner *p;
    qli_region *g;
    const qli_want *w;
    double join_buffer;
    bool has_const; /* some item is one row by itself: such ones begin */
} search;

static double
weighed(const search *s, const qli_step *k)
{
    return k->startup + s->w->fraction * k->run;
}

static double
item_bytes(const search *s, const qli_item *it)
{
    double bytes = 0;
    for (uint16_t i = 0; i < s->p->q->nsources; i++) {
        bytes += it->sources >> i & 1 ? 12.0 * s->p->q->sources[i].ncols : 0;
    }
    return bytes;
}

/* Rows of `from` and the item together; `each`: of the item for one row to the left. */
static ql_status
joined_rows(search *s, const qli_step *from, qli_mask have, const qli_item *it,
            const qli_path *looked, const qli_path *alone, double *rows, double *each)
{
    double share = join_share(s->g, have, it->sources), on = 1;
    if (it->kind == QL_JOIN_INNER) {
        bool by_index = looked && it->tree->is_leaf && (looked->a.unique || looked->a.neq > 1);
        *each = by_index ? looked->rows : alone->rows * share;
        if (by_index && looked->a.unique && *each > 1) {
            *each = 1;
        }
        *rows = from->rows * *each;
        return QL_OK;
    }
    for (uint32_t i = 0; i < it->on.n; i++) {
        const qli_cond *k = &it->on.v[i];
        double one;
        if (k->needs & ~it->sources) {
            QL_TRY(qli_selectivity(s->p, k->e, &one));
            on *= one;
        }
    }
    *each = looked && it->tree->is_leaf ? looked->rows : alone->rows * on;
    double match = *each < 1 ? *each : 1; /* share of the rows that have a partner */
    switch (it->kind) {
    case QL_JOIN_LEFT:
        *rows = from->rows * (*each < 1 ? 1 : *each) * share;
        break;
    case QL_JOIN_SEMI:
        *rows = from->rows * match;
        break;
    default:
        *rows = from->rows * (match > 0.95 ? 0.05 : 1 - match);
        break;
    }
    return QL_OK;
}

/* Costs that differ by rounding alone are the same: the one that was met first stays. */
static bool
is_less(double cost, double than)
{
    return cost < than * (1 - 1e-9);
}

static void
take_if_better(const search *s, qli_step *best, const qli_step *k)
{
    if (best->path == NULL || is_less(weighed(s, k), weighed(s, best))) {
        *best = *k;
    }
}

/* What it saves that the rows to the left come in the order in which they look. */
static double
saved(const search *s, const qli_item *it, const qli_path *looked)
{
    const ql_expr *by = s->w->near ? qli_path_near(it, looked) : NULL;
    return by && by->index == s->w->near->index
               ? qli_near_saving(s->p, it->tree->source, &looked->a)
               : 0;
}

/* Of one look-up. A semi- or anti-join reads no further than the first partner. */
static double
lookup_cost(const search *s, const qli_item *it, const qli_path *looked)
{
    bool first = it->kind == QL_JOIN_SEMI || it->kind == QL_JOIN_ANTI;
    if (!first || !it->tree->is_leaf || looked->a.nparts > 0 || looked->rows <= 1) {
        return looked->cost;
    }
    qli_access some = looked->a;
    some.rows /= looked->rows;
    return qli_access_cost(s->p, it->tree->source, &some);
}

/* The cheapest way to join item i to what `from` has. */
static ql_status
extend(search *s, const qli_step *from, qli_mask have, uint32_t i, qli_step *best)
{
    qli_item *it = &s->g->v[i];
    const qli_conds *keys = it->kind == QL_JOIN_INNER ? s->g->conds : &it->on;
    const qli_path *looked, *alone;
    double rows, each;
    QL_TRY(qli_item_path(s->p, s->g, i, have, &looked));
    QL_TRY(qli_item_path(s->p, s->g, i, 0, &alone));
    looked = looked->bound ? looked : NULL;
    QL_TRY(joined_rows(s, from, have, it, looked, alone, &rows, &each));
    double out = rows * QLI_COST_OUT;
    bool ordered = s->w->first >= 0;
    bool no_hash = s->p->q->hints && (s->p->q->hints->no_hash & it->sources);
    bool hash =
        it->lateral == 0 && qli_has_hash_key(keys, have, it->sources) && (!no_hash || !looked);
    bool only_hash = hash && s->p->q->hints && (s->p->q->hints->hash & it->sources);
    if (hash && looked && !only_hash) { /* else what is barred is the only way but all pairs */
        hash = !(it->barred & QL_WAY_HASH);
        looked = it->barred & QL_WAY_LOOKUP && hash && !ordered ? NULL : looked;
    }
    qli_step k = {.item = (uint16_t)i, .rows = rows};
    *best = (qli_step){0};
    if (looked && !only_hash) {
        k.method = QLI_LOOKUP;
        k.path = looked;
        k.startup = from->startup;
        k.run =
            from->run +
            from->rows * (lookup_cost(s, it, looked) - saved(s, it, looked) + QLI_COST_RESTART) +
            out;
        take_if_better(s, best, &k);
    }
    if (hash && !ordered) {
        double bytes = item_bytes(s, it);
        double build = qli_build_cost(alone->rows, bytes, s->join_buffer);
        bool spilt = alone->rows * (bytes + 40) > s->join_buffer;
        k.method = QLI_HASH;
        k.path = alone;
        k.startup = from->startup + alone->cost + build;
        k.run = from->run + from->rows * (QLI_COST_PROBE + (spilt ? QLI_COST_SPILL : 0)) + out;
        take_if_better(s, best, &k);
        if (it->kind == QL_JOIN_INNER) {
            build = qli_build_cost(from->rows, bytes, s->join_buffer);
            spilt = from->rows * (bytes + 40) > s->join_buffer;
            k.method = QLI_HASH_SWAPPED;
            k.startup = from->startup + from->run + build;
            k.run =
                alone->cost + alone->rows * (QLI_COST_PROBE + (spilt ? QLI_COST_SPILL : 0)) + out;
            take_if_better(s, best, &k);
        }
    }
    if (best->path == NULL || (!hash && !looked) || (ordered && !looked)) {
        double pairs = from->rows * alone->rows;
        k.method = QLI_NESTED;
        k.path = alone;
        k.startup = from->startup;
        k.run =
            from->run + alone->cost + from->rows * QLI_COST_RESTART + pairs * QLI_COST_PAIR + out;
        take_if_better(s, best, &k);
    }
    return QL_OK;
}

static ql_status
begin_with(search *s, uint32_t i, qli_step *out)
{
    const qli_path *w = s->w->path;
    if (!w) {
        QL_TRY(qli_item_path(s->p, s->g, i, 0, &w));
    }
    *out = (qli_step){
        .item = (uint16_t)i, .method = QLI_FIRST, .path = w, .run = w->cost, .rows = w->rows};
    return QL_OK;
}

/* One row by a unique key, whatever is to its left. */
static bool
is_const(const qli_item *it)
{
    for (const qli_path *w = it->paths; w; w = w->next) {
        if (w->left == 0) {
            return it->tree->is_leaf && !it->distinct && w->a.unique;
        }
    }
    return false;
}

static ql_status
find_consts(search *s)
{
    for (uint32_t i = 0; i < s->g->n; i++) {
        const qli_item *it = &s->g->v[i];
        const qli_path *alone;
        if (it->kind == QL_JOIN_INNER) {
            QL_TRY(qli_item_path(s->p, s->g, i, 0, &alone));
            s->has_const |= (it->needs | it->wished) == 0 && is_const(it);
        }
    }
    return QL_OK;
}

static bool
may_begin(const search *s, uint32_t i)
{
    const qli_item *it = &s->g->v[i];
    return it->kind == QL_JOIN_INNER && ((it->needs | it->wished) & ~s->g->outside) == 0 &&
           (s->w->first < 0 ? !s->has_const || is_const(it) : s->w->first == (int)i);
}

/* Something has to come before it. */
static bool
must_wait(const search *s, const qli_item *it, qli_mask have)
{
    return ((it->needs | it->wished) & ~(have | s->g->outside)) != 0;
}

/* Are they tied by a condition, or is one of them small? */
static bool
connects(const qli_region *g, uint32_t i, qli_mask have, double rows)
{
    const qli_item *it = &g->v[i];
    if (it->kind != QL_JOIN_INNER || (it->related & have)) {
        return true;
    }
    for (const qli_path *w = it->paths; w; w = w->next) {
        if (w->left == 0) {
            return w->rows * rows <= SMALL_CROSS;
        }
    }
    return false;
}

/* --- greedy orders --------------------------------------------------------------------------- */

static ql_status
next_item(search *s, const bool *placed, const qli_step *from, qli_mask have, bool loose,
          qli_step *best)
{
    *best = (qli_step){0};
    for (uint32_t i = 0; i < s->g->n; i++) {
        qli_step k;
        if (placed[i] || must_wait(s, &s->g->v[i], have) ||
            (!loose && !connects(s->g, i, have, from->rows))) {
            continue;
        }
        QL_TRY(extend(s, from, have, i, &k));
        /* Many rows now are work later. */
        if (best->path == NULL || is_less(weighed(s, &k) + k.rows, weighed(s, best) + best->rows)) {
            *best = k;
        }
    }
    return ql_check(s->p->cx);
}

static ql_status
greedy(search *s, uint32_t first, qli_step *steps, bool *found)
{
    bool placed[QLI_ITEMS_MAX] = {false};
    qli_mask have = s->g->v[first].sources;
    QL_TRY(begin_with(s, first, &steps[0]));
    placed[first] = true;
    for (uint32_t k = 1; k < s->g->n; k++) {
        QL_TRY(next_item(s, placed, &steps[k - 1], have, false, &steps[k]));
        if (steps[k].path == NULL) {
            QL_TRY(next_item(s, placed, &steps[k - 1], have, true, &steps[k]));
        }
        if (steps[k].path == NULL) {
            return QL_OK; /* hints that contradict one another */
        }
        placed[steps[k].item] = true;
        have |= s->g->v[steps[k].item].sources;
    }
    *found = true;
    return QL_OK;
}

/* The best of the greedy orders; with many items only some beginnings are tried. */
static ql_status
search_greedy(search *s, qli_step *steps, bool *found)
{
    uint32_t tried = 0, tries = s->g->n <= 20 ? s->g->n : 3;
    qli_step *one = QL_ARENA_ARRAY(s->p->cx, s->p->a, qli_step, s->g->n);
    double best = 0;
    if (!one) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < s->g->n && tried < tries; i++) {
        bool complete = false;
        if (!may_begin(s, i)) {
            continue;
        }
        tried++;
        QL_TRY(greedy(s, i, one, &complete));
        double cost = complete ? weighed(s, &one[s->g->n - 1]) : 0;
        if (complete && (!*found || cost < best * 0.999)) {
            best = cost;
            *found = true;
            for (uint32_t k = 0; k < s->g->n; k++) {
                steps[k] = one[k];
            }
        }
    }
    return QL_OK;
}

/* What the greedy order costs that begins with the cheapest item; steps: room for it. */
static ql_status
greedy_bound(search *s, qli_step *steps, double *bound)
{
    uint32_t first = s->g->n;
    double least = 0;
    bool found = false;
    *bound = INFINITY;
    for (uint32_t i = 0; i < s->g->n; i++) {
        qli_step k;
        if (may_begin(s, i)) {
            QL_TRY(begin_with(s, i, &k));
            if (first == s->g->n || k.rows + weighed(s, &k) < least) {
                least = k.rows + weighed(s, &k);
                first = i;
            }
        }
    }
    if (first < s->g->n && s->g->n > 2) {
        QL_TRY(greedy(s, first, steps, &found));
    }
    if (found) { /* rounding must not cut off the order itself */
        *bound = weighed(s, &steps[s->g->n - 1]) * 1.000001;
    }
    return QL_OK;
}

/* --- all orders ------------------------------------------------------------------------------ */

/* Extend the best join of `set` by each item that may come next; loose: also by those that nothing
 * connects. What costs more than `bound` leads to nothing. */
static ql_status
extend_set(search *s, qli_step *best, uint32_t set, qli_mask have, bool loose, double bound,
           bool *some)
{
    for (uint32_t i = 0; i < s->g->n; i++) {
        const qli_item *it = &s->g->v[i];
        qli_step k;
        if ((set >> i & 1) || must_wait(s, it, have) ||
            (!loose && !connects(s->g, i, have, best[set].rows))) {
            continue;
        }
        *some = true;
        QL_TRY(extend(s, &best[set], have, i, &k));
        if (weighed(s, &k) <= bound) {
            take_if_better(s, &best[set | 1u << i], &k);
        }
    }
    return QL_OK;
}

static qli_mask
sources_of(const qli_region *g, uint32_t set)
{
    qli_mask m = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        m |= set >> i & 1 ? g->v[i].sources : 0;
    }
    return m;
}

/* Branch and bound: the greedy order that begins with the cheapest item is nearly always good, and
 * nothing that costs more has to be looked at. Nor is anything searched for when following it takes
 * no longer than searching would. */
static ql_status
search_all(search *s, qli_step *steps, bool *found)
{
    uint32_t n = s->g->n, all = (1u << n) - 1;
    qli_step *best = QL_ARENA_ARRAY(s->p->cx, s->p->a, qli_step, all + 1u);
    double bound;
    if (!best) {
        return QL_ERROR;
    }
    QL_TRY(greedy_bound(s, steps, &bound));
    if (bound < (double)n * all * SEARCH_STEP) {
        *found = true;
        return QL_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (may_begin(s, i)) {
            QL_TRY(begin_with(s, i, &best[1u << i]));
        }
    }
    for (uint32_t set = 1; set < all; set++) {
        if (best[set].path) {
            bool some = false;
            qli_mask have = sources_of(s->g, set);
            QL_TRY(ql_check(s->p->cx));
            QL_TRY(extend_set(s, best, set, have, false, bound, &some));
            QL_TRY(some ? QL_OK : extend_set(s, best, set, have, true, bound, &some));
        }
    }
    *found = best[all].path != NULL;
    for (uint32_t set = all, k = n; *found && k > 0; k--) {
        steps[k - 1] = best[set];
        set &= ~(1u << best[set].item);
    }
    return QL_OK;
}

static ql_status
number_of(ql_ctx *cx, ql_sysvar_id id, double otherwise, double *out)
{
    ql_value v;
    *out = otherwise;
    if (cx->vars == NULL) { /* unit tests */
        return QL_OK;
    }
    QL_TRY(ql_sysvar_get(cx, id, false, &v));
    *out = v.kind == QL_K_INT ? (double)v.u : otherwise;
    return QL_OK;
}

ql_status
qli_join_search(qli_planner *p, qli_region *g, const qli_want *w, qli_step *steps, double *cost)
{
    search s = {.p = p, .g = g, .w = w};
    double depth;
    bool found = false;
    QL_TRY(number_of(p->cx, QL_SV_JOIN_BUFFER_SIZE, 262144, &s.join_buffer));
    QL_TRY(number_of(p->cx, QL_SV_OPTIMIZER_SEARCH_DEPTH, 62, &depth));
    QL_TRY(find_consts(&s));
    if (g->n <= DP_MAX && (depth < 1 || g->n <= depth)) {
        QL_TRY(search_all(&s, steps, &found));
    } else {
        QL_TRY(search_greedy(&s, steps, &found));
    }
    if (!found && w->first < 0) { /* no order obeys them */
        for (uint32_t i = 0; i < g->n; i++) {
            g->v[i].wished = 0;
        }
        QL_TRY(find_consts(&s));
        QL_TRY(g->n <= DP_MAX ? search_all(&s, steps, &found) : search_greedy(&s, steps, &found));
    }
    *cost = found ? weighed(&s, &steps[g->n - 1]) : -1;
    return QL_OK;
}
