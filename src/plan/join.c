/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins: what FROM and WHERE ask for becomes regions of items that can be joined in any order
 * (join_int.h); join_search.c finds the cheapest order, with or without that of ORDER BY; here the
 * operators are made of it, with each condition where all that it looks at has come together.
 */
#include "plan/join_int.h"

qli_mask
qli_tree_sources(const ql_join_tree *t)
{
    return t->is_leaf ? UINT64_C(1) << t->source
                      : qli_tree_sources(t->left) | qli_tree_sources(t->right);
}

/* --- regions --- */

/* Sources that documents of JSON_TABLEs in it are made of. */
static qli_mask
looked_at(qli_planner *p, const ql_join_tree *t)
{
    if (!t->is_leaf) {
        return looked_at(p, t->left) | looked_at(p, t->right);
    }
    const ql_json_source *json = p->q->sources[t->source].json;
    return json != NULL ? qli_expr_sources(p, json->doc) : 0;
}

static ql_status
add_item(qli_planner *p, qli_region *g, const ql_join_tree *t, ql_join_kind kind, ql_expr *on)
{
    qli_item *it = &g->v[g->n++];
    *it = (qli_item){.tree = t, .kind = kind, .sources = qli_tree_sources(t)};
    g->sources |= it->sources;
    it->lateral = it->needs = looked_at(p, t) & ~it->sources;
    QL_TRY(qli_conds_split(p, on, &it->on));
    for (uint32_t i = 0; i < it->on.n; i++) {
        it->needs |= it->on.v[i].needs & ~it->sources;
    }
    return QL_OK;
}

static ql_status
flatten(qli_planner *p, const ql_join_tree *t, qli_region *g)
{
    if (t->is_leaf) {
        return add_item(p, g, t, QL_JOIN_INNER, NULL);
    }
    if (t->kind != QL_JOIN_INNER) {
        QL_TRY(flatten(p, t->left, g));
        QL_TRY(add_item(p, g, t->right, t->kind, t->on));
        g->v[g->n - 1].barred = t->barred;
        return QL_OK;
    }
    QL_TRY(qli_conds_split(p, t->on, g->conds));
    QL_TRY(flatten(p, t->left, g));
    return flatten(p, t->right, g);
}

/* --- hash keys --- */

bool
qli_is_hash_key(const qli_cond *k, qli_mask left, qli_mask right, bool *swapped)
{
    qli_mask a = k->side[0], b = k->side[1];
    if (k->used || k->nondet || !a || !b) {
        return false;
    }
    *swapped = (b & ~left) == 0 && (a & ~right) == 0;
    return *swapped || ((a & ~left) == 0 && (b & ~right) == 0);
}

bool
qli_has_hash_key(const qli_conds *c, qli_mask left, qli_mask right)
{
    bool swapped;
    for (uint32_t i = 0; i < c->n; i++) {
        if (qli_is_hash_key(&c->v[i], left, right, &swapped)) {
            return true;
        }
    }
    return false;
}

/* The keys of a hash join. known: of these equalities one will do that says what others say; NULL:
 * the conditions are those of ON, not of the region. */
static ql_status
take_hash_keys(qli_planner *p, qli_conds *c, qli_region *known, qli_mask left, qli_mask right,
               ql_plan *n)
{
    n->left_keys = QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, c->n + 1);
    n->right_keys = n->left_keys ? QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, c->n + 1) : NULL;
    n->key_kinds = n->right_keys ? QL_ARENA_ARRAY(p->cx, p->a, ql_kind, c->n + 1) : NULL;
    n->key_colls =
        n->key_kinds ? QL_ARENA_ARRAY(p->cx, p->a, const ql_collation *, c->n + 1) : NULL;
    if (!n->key_colls) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        bool swapped;
        if (!qli_is_hash_key(&c->v[i], left, right, &swapped) ||
            (known && !qli_known_need(p, known, &c->v[i]))) {
            continue;
        }
        const ql_expr *e = c->v[i].e;
        n->left_keys[n->nkeys] = e->args[swapped ? 1 : 0];
        n->right_keys[n->nkeys] = e->args[swapped ? 0 : 1];
        n->key_kinds[n->nkeys] = e->compare_kind;
        n->key_colls[n->nkeys] = e->coll;
        n->nkeys++;
        c->v[i].used = true;
    }
    return QL_OK;
}

/* --- operators --- */

static ql_status
filter_above(qli_planner *p, qli_conds *c, qli_mask have, double rows, ql_plan **root)
{
    ql_expr *rest;
    QL_TRY(qli_conds_take(p, c, have, &rest));
    if (!rest) {
        return QL_OK;
    }
    ql_plan *f = qli_plan_node(p, QL_P_FILTER);
    if (!f) {
        return QL_ERROR;
    }
    f->left = *root;
    f->filter = rest;
    f->est_rows = rows;
    f->cost = (*root)->cost;
    QL_TRY(qli_plan_live(p, f));
    *root = f;
    return QL_OK;
}

/* What is left of ON whatever it looks at: it decides in the join. */
static ql_status
take_all(qli_planner *p, qli_conds *on, ql_expr **out)
{
    return qli_conds_take(p, on, ~UINT64_C(0), out);
}

static ql_status
join_node(qli_planner *p, qli_region *g, const qli_step *step, ql_plan *left, ql_plan *right,
          qli_conds *on, qli_mask have, ql_plan **out)
{
    const qli_item *it = &g->v[step->item];
    bool swapped = step->method == QLI_HASH_SWAPPED;
    bool hash = swapped || step->method == QLI_HASH;
    ql_plan *n = qli_plan_node(p, hash ? QL_P_HASH_JOIN : QL_P_NESTED_JOIN);
    if (!n) {
        return QL_ERROR;
    }
    n->left = swapped ? right : left;
    n->right = swapped ? left : right;
    n->join = it->kind;
    n->looks_left = step->method == QLI_LOOKUP;
    n->est_rows = step->rows;
    n->cost = step->startup + step->run;
    if (hash) {
        QL_TRY(take_hash_keys(p, on, it->kind == QL_JOIN_INNER ? g : NULL,
                              swapped ? it->sources : have, swapped ? have : it->sources, n));
    }
    if (it->kind == QL_JOIN_INNER) {
        qli_known_drop(p, g, have | it->sources);
        QL_TRY(qli_conds_take(p, on, have | it->sources, &n->filter));
    } else {
        QL_TRY(take_all(p, on, &n->filter));
    }
    QL_TRY(qli_plan_live(p, n));
    *out = n;
    return QL_OK;
}

static ql_status
add_step(qli_planner *p, qli_region *g, const qli_step *step, qli_mask have, ql_plan **root)
{
    qli_item *it = &g->v[step->item];
    const qli_path *w = step->path;
    if (step->method == QLI_LOOKUP) { /* by what is really there */
        qli_path *own;
        QL_TRY(qli_item_path_of(p, g, step->item, have, &own));
        w = own;
    }
    qli_conds rest = w->rest, *on = it->kind == QL_JOIN_INNER ? g->conds : &it->on;
    ql_plan *next = w->plan;
    if (it->distinct) {
        next = it->distinct->plan;
    } else if (it->tree->is_leaf) {
        QL_TRY(qli_access_plan(p, it->tree->source, &w->a, on, &next));
    } else {
        on = &rest;
    }
    if (!*root) {
        *root = next;
        return QL_OK;
    }
    QL_TRY(join_node(p, g, step, *root, next, on, have, root));
    return it->kind == QL_JOIN_INNER
               ? QL_OK
               : filter_above(p, g->conds, have | it->sources, step->rows, root);
}

static ql_status
build(qli_planner *p, qli_region *g, const qli_step *steps, ql_plan **out)
{
    qli_mask have = 0;
    *out = NULL;
    QL_TRY(qli_known_init(p, g));
    for (uint32_t k = 0; k < g->n; k++) {
        QL_TRY(add_step(p, g, &steps[k], have, out));
        have |= g->v[steps[k].item].sources;
    }
    return QL_OK;
}

/* --- with ORDER BY --- */

/* Reading one of the items in the order that is wanted, and nothing on the way that loses it, may
 * be cheaper than sorting: above all when few rows are. */
static ql_status
try_ordered(qli_planner *p, qli_region *g, const qli_order_want *o, double fraction,
            qli_step *steps, double *cost)
{
    qli_step *other = QL_ARENA_ARRAY(p->cx, p->a, qli_step, g->n);
    if (!other) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < g->n; i++) {
        const qli_item *it = &g->v[i];
        qli_path *w;
        bool found;
        double share, c;
        if (it->kind != QL_JOIN_INNER || !it->tree->is_leaf || it->needs || it->distinct) {
            continue;
        }
        w = QL_ARENA_NEW(p->cx, p->a, qli_path);
        if (!w) {
            return QL_ERROR;
        }
        QL_TRY(qli_ordered_access(p, it->tree->source, g->conds, o, &w->a, &found));
        if (!found) {
            continue;
        }
        QL_TRY(qli_conds_selectivity(p, g->conds, w->a.counted, it->sources, &share));
        w->rows = w->a.rows * share;
        w->cost = w->a.cost;
        qli_want want = {.first = (int)i, .path = w, .fraction = fraction};
        QL_TRY(qli_join_search(p, g, &want, other, &c));
        if (c >= 0 && c < *cost) {
            *cost = c;
            for (uint32_t k = 0; k < g->n; k++) {
                steps[k] = other[k];
            }
        }
    }
    return QL_OK;
}

/* The order of the first keys alone, under a LIMIT: what comes behind it and the group that fills
 * it is not read. */
static ql_status
try_prefixes(qli_planner *p, qli_region *g, const qli_order_want *o, double rows, qli_step *steps,
             double *cost)
{
    uint16_t most = o->limit >= 0 && o->limit < rows ? qli_prefix_keys(p) : 0;
    for (uint16_t n = most < o->n ? most : 0; n > 0; n--) {
        qli_order_want first = *o;
        double wanted;
        QL_TRY(qli_prefix_rows(p, o->keys, n, rows, o->limit, &wanted));
        if (wanted * 2 > rows) {
            return QL_OK; /* of fewer keys the groups are larger */
        }
        double sort = wanted * QLI_COST_TOP * 2, least = *cost - sort, was = least;
        first.n = n;
        first.limit = wanted;
        QL_TRY(try_ordered(p, g, &first, wanted / rows, steps, &least));
        *cost = least < was ? least + sort : *cost;
    }
    return QL_OK;
}

/* --- look-ups in order --- */

#define NEAR_ROWS 1000 /* fewer look-ups are not worth looking for another order */
#define NEAR_TRIES 4
#define NEAR_GAIN 0.9 /* how near places are to each other is not known that well */

/* May item i be read first, in an order of its own? */
static bool
may_lead(const qli_planner *p, const qli_item *it)
{
    const ql_source *s = it->tree->is_leaf ? &p->q->sources[it->tree->source] : NULL;
    return s && s->table && it->kind == QL_JOIN_INNER && !it->needs && !it->wished &&
           !it->distinct && !s->force_index && s->barred == 0 && s->locking.kind == QL_LK_NONE;
}

/* Read by `path` in the order of a column by which others look rows up. */
static ql_status
lead_by(qli_planner *p, qli_region *g, uint32_t i, const ql_expr *column, qli_step *steps,
        double *cost)
{
    ql_sort_key key = {.expr = (ql_expr *)column};
    qli_order_want o = {.keys = &key, .n = 1, .limit = -1};
    const qli_item *it = &g->v[i];
    qli_path *w = QL_ARENA_NEW(p->cx, p->a, qli_path);
    qli_step *other = w ? QL_ARENA_ARRAY(p->cx, p->a, qli_step, g->n) : NULL;
    double share, c;
    bool found;
    if (!other) {
        return QL_ERROR;
    }
    QL_TRY(qli_ordered_access(p, it->tree->source, g->conds, &o, &w->a, &found));
    if (!found) {
        return QL_OK;
    }
    QL_TRY(qli_conds_selectivity(p, g->conds, w->a.counted, it->sources, &share));
    w->rows = w->a.rows * share;
    w->cost = w->a.cost;
    qli_want want = {.first = (int)i, .path = w, .fraction = 1, .near = column};
    QL_TRY(qli_join_search(p, g, &want, other, &c));
    if (c >= 0 && c < *cost * NEAR_GAIN) {
        *cost = c;
        for (uint32_t k = 0; k < g->n; k++) {
            steps[k] = other[k];
        }
    }
    return QL_OK;
}

/* Look-ups one after the other through an index cost half of those at random places: an item whose
 * rows look others up may be read in the order of the column by which they do. */
static ql_status
try_near(qli_planner *p, qli_region *g, qli_step *steps, double *cost)
{
    uint32_t tries = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        const ql_expr *tried = NULL;
        const qli_path *alone;
        if (!may_lead(p, &g->v[i])) {
            continue;
        }
        QL_TRY(qli_item_path(p, g, i, 0, &alone));
        for (uint32_t k = 0; k < g->n && alone->rows >= NEAR_ROWS; k++) {
            for (const qli_path *w = g->v[k].paths; w && tries < NEAR_TRIES; w = w->next) {
                const ql_expr *by = qli_path_near(&g->v[k], w);
                if (k != i && by && p->source_of[by->index] == g->v[i].tree->source &&
                    !(tried && tried->index == by->index)) {
                    tried = by;
                    tries++;
                    QL_TRY(lead_by(p, g, i, by, steps, cost));
                }
            }
        }
    }
    return QL_OK;
}

/* The best steps of the region, and what they cost until all that is wanted is there. */
static ql_status
best_steps(qli_planner *p, qli_region *g, const qli_order_want *o, qli_step *steps, double *cost)
{
    qli_want want = {.first = -1, .fraction = 1};
    QL_TRY(qli_join_search(p, g, &want, steps, cost));
    double rows = steps[g->n - 1].rows;
    if (o->ngroups > 0 && g->n > 1) {
        double share, saved;
        QL_TRY(qli_group_outlook(p, o, rows, &share, &saved));
        *cost += saved;
        return try_ordered(p, g, o, share, steps, cost);
    }
    if (o->n > 0 && o->ngroups == 0) {
        *cost += o->limit >= 0 && o->limit < rows ? rows * QLI_COST_TOP : qli_sort_cost(rows);
        qli_order_want wanted = *o;
        if (!ql_query_switch(p->cx, p->q, QL_SWITCH_PREFER_ORDERING_INDEX)) {
            wanted.limit = -1; /* as if all rows were to be fetched */
        }
        bool few = wanted.limit >= 0 && wanted.limit < rows;
        QL_TRY(try_ordered(p, g, &wanted, few ? wanted.limit / rows : 1, steps, cost));
        return try_prefixes(p, g, &wanted, rows, steps, cost);
    }
    if (o->limit >= 0 && o->limit < rows && g->n > 1) {
        want.fraction = o->limit / rows;
        return qli_join_search(p, g, &want, steps, cost);
    }
    bool tries = g->n > 1 && g->n <= 10 && !ql_plans_plainly(p->cx);
    return tries ? try_near(p, g, steps, cost) : QL_OK;
}

/* The region as it is, or with one semi-join after the other turned round, as long as that is
 * cheaper. */
static ql_status
choose_order(qli_planner *p, qli_region **g, const qli_order_want *o, qli_step *steps)
{
    double cost, other_cost;
    qli_step *other = QL_ARENA_ARRAY(p->cx, p->a, qli_step, (*g)->n);
    if (!other) {
        return QL_ERROR;
    }
    QL_TRY(best_steps(p, *g, o, steps, &cost));
    for (uint32_t i = 0; i < (*g)->n && !ql_plans_plainly(p->cx); i++) {
        bool possible;
        unsigned barred = (*g)->v[i].barred;
        if ((*g)->v[i].kind != QL_JOIN_SEMI || (barred & QL_WAY_DISTINCT)) {
            continue;
        }
        qli_region *turned = QL_ARENA_NEW(p->cx, p->a, qli_region);
        if (!turned) {
            return QL_ERROR;
        }
        QL_TRY(qli_region_with_distinct(p, *g, i, turned, &possible));
        if (!possible) {
            continue;
        }
        QL_TRY(best_steps(p, turned, o, other, &other_cost));
        bool only = barred == (QL_WAY_LOOKUP | QL_WAY_HASH);
        if (other_cost >= 0 && (only || other_cost < cost)) {
            cost = other_cost;
            *g = turned;
            for (uint32_t k = 0; k < turned->n; k++) {
                steps[k] = other[k];
            }
        }
    }
    return QL_OK;
}

ql_status
qli_tree_plan(qli_planner *p, const ql_join_tree *t, qli_conds *conds, qli_mask outside,
              const qli_order_want *order, ql_plan **out)
{
    QL_TRY(ql_check(p->cx));
    qli_region *g = QL_ARENA_NEW(p->cx, p->a, qli_region);
    if (!g) {
        return QL_ERROR;
    }
    g->conds = conds;
    g->outside = outside;
    QL_TRY(flatten(p, t, g));
    QL_TRY(qli_region_prepare(p, g));
    qli_step *steps = QL_ARENA_ARRAY(p->cx, p->a, qli_step, g->n);
    if (!steps) {
        return QL_ERROR;
    }
    QL_TRY(choose_order(p, &g, order, steps));
    QL_TRY(build(p, g, steps, out));
    for (uint32_t i = 0; i < conds->n; i++) {
        conds->v[i].used = g->conds->v[i].used;
    }
    /* What is left over (constants of any kind) filters the whole. */
    return filter_above(p, conds, g->sources, (*out)->est_rows, out);
}

ql_status
qli_join_plan(qli_planner *p, const ql_join_tree *t, qli_conds *where, const qli_order_want *order,
              ql_plan **out)
{
    return qli_tree_plan(p, t, where, 0, order, out);
}
