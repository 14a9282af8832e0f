/* SPDX-License-Identifier: Apache-2.0
 *
 * Join order: inner joins are flattened into one list of items (tables, derived tables, outer joins
 * as a whole) and put together greedily by estimated cost; outer joins keep their sides. A join is
 * an index nested loop when the inner side is a table with an index on the joining columns, a hash
 * join when there is an equality, else a nested loop over the materialised inner side.
 */
#include "plan/plan_int.h"

typedef struct item {
    const ql_join_tree *tree; /* leaf or outer join */
    qli_mask sources;
    ql_plan *plan; /* of an outer join, made once; NULL for leaves */
    double rows;
    bool placed;
} item;

typedef struct region {
    item v[64];
    uint32_t n;
    qli_conds *conds;
} region;

static qli_mask
tree_sources(const ql_join_tree *t)
{
    return t->is_leaf ? UINT64_C(1) << t->source : tree_sources(t->left) | tree_sources(t->right);
}

/* Is the value NULL when all columns of `m` are? */
static bool
is_strict(const qli_planner *p, const ql_expr *e, qli_mask m)
{
    if (e->kind == QL_E_SLOT) {
        return p->source_of[e->index] != 0xff && (m >> p->source_of[e->index] & 1);
    }
    if (e->kind == QL_E_CAST) {
        return is_strict(p, e->args[0], m);
    }
    if (e->kind != QL_E_OP) {
        return false;
    }
    switch (e->op) {
    case QL_OP_OR:
    case QL_OP_AND: /* NULL AND 0 is 0 */
        return is_strict(p, e->args[0], m) && is_strict(p, e->args[1], m);
    case QL_OP_EQ:
    case QL_OP_NE:
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
    case QL_OP_ADD:
    case QL_OP_SUB:
    case QL_OP_MUL:
        return is_strict(p, e->args[0], m) || is_strict(p, e->args[1], m);
    case QL_OP_IN:
    case QL_OP_NOT_IN:
    case QL_OP_LIKE:
    case QL_OP_NOT_LIKE:
    case QL_OP_NOT:
    case QL_OP_NEG:
        return is_strict(p, e->args[0], m);
    default:
        return false;
    }
}

/* Is the condition not true (false or NULL) when all columns of `m` are NULL? */
static bool
rejects_nulls(const qli_planner *p, const ql_expr *e, qli_mask m)
{
    if (e->kind == QL_E_OP && e->op == QL_OP_AND) {
        return rejects_nulls(p, e->args[0], m) || rejects_nulls(p, e->args[1], m);
    }
    if (e->kind == QL_E_OP && e->op == QL_OP_OR) {
        return rejects_nulls(p, e->args[0], m) && rejects_nulls(p, e->args[1], m);
    }
    if (e->kind == QL_E_OP && e->op == QL_OP_IS_NOT_NULL) {
        return is_strict(p, e->args[0], m);
    }
    if (e->kind == QL_E_OP && e->op == QL_OP_IS_TRUE) {
        return rejects_nulls(p, e->args[0], m);
    }
    return is_strict(p, e, m);
}

static bool
outer_is_inner(const qli_planner *p, const ql_join_tree *t, const qli_conds *c)
{
    qli_mask m = tree_sources(t->right);
    for (uint32_t i = 0; i < c->n; i++) {
        if (!c->v[i].used && (c->v[i].needs & m) && rejects_nulls(p, c->v[i].e, m)) {
            return true;
        }
    }
    return false;
}

static ql_status
flatten(qli_planner *p, const ql_join_tree *t, region *g)
{
    if (t->is_leaf || (t->kind == QL_JOIN_LEFT && !outer_is_inner(p, t, g->conds))) {
        g->v[g->n] = (item){.tree = t, .sources = tree_sources(t)};
        g->n++;
        return QL_OK;
    }
    /* ON first: it may turn outer joins below it into inner ones. */
    QL_TRY(qli_conds_split(p, t->on, g->conds));
    QL_TRY(flatten(p, t->left, g));
    return flatten(p, t->right, g);
}

static ql_status plan_tree(qli_planner *p, const ql_join_tree *t, qli_conds *conds, ql_plan **out);

/* Conditions that only look at `m` move from c to out. */
static ql_status
move_conds(qli_planner *p, qli_conds *c, qli_mask m, qli_conds *out)
{
    for (uint32_t i = 0; i < c->n; i++) {
        qli_cond *k = &c->v[i];
        if (!k->used && k->needs && (k->needs & ~m) == 0 && !k->nondet) {
            QL_TRY(qli_conds_add(p, out, k));
            k->used = true;
        }
    }
    return QL_OK;
}

/* --- one join --- */

static bool
is_hash_key(const qli_cond *k, qli_mask left, qli_mask right, qli_planner *p, bool *swapped)
{
    const ql_expr *e = k->e;
    if (k->used || k->nondet || e->kind != QL_E_OP || e->op != QL_OP_EQ || e->nargs != 2) {
        return false;
    }
    qli_mask a = qli_expr_sources(p, e->args[0]), b = qli_expr_sources(p, e->args[1]);
    if (!a || !b) {
        return false;
    }
    *swapped = (b & ~left) == 0 && (a & ~right) == 0;
    return *swapped || ((a & ~left) == 0 && (b & ~right) == 0);
}

static bool
has_hash_key(qli_planner *p, const qli_conds *c, qli_mask left, qli_mask right)
{
    bool swapped;
    for (uint32_t i = 0; i < c->n; i++) {
        if (is_hash_key(&c->v[i], left, right, p, &swapped)) {
            return true;
        }
    }
    return false;
}

static ql_status
take_hash_keys(qli_planner *p, qli_conds *c, qli_mask left, qli_mask right, ql_plan *n)
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
        if (!is_hash_key(&c->v[i], left, right, p, &swapped)) {
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

static ql_status
join_node(qli_planner *p, ql_plan *left, ql_plan *right, qli_mask lm, qli_mask rm, bool outer,
          bool bound, qli_conds *c, ql_plan **out)
{
    bool hash = !bound && has_hash_key(p, c, lm, rm);
    ql_plan *n = qli_plan_node(p, hash ? QL_P_HASH_JOIN : QL_P_NESTED_JOIN);
    if (!n) {
        return QL_ERROR;
    }
    n->left = left;
    n->right = right;
    n->join = outer ? QL_JOIN_LEFT : QL_JOIN_INNER;
    n->looks_left = bound;
    double rows = left->est_rows * right->est_rows;
    if (hash) {
        QL_TRY(take_hash_keys(p, c, lm, rm, n));
        double big = left->est_rows > right->est_rows ? left->est_rows : right->est_rows;
        rows = big;
    }
    QL_TRY(qli_conds_take(p, c, lm | rm, &n->filter));
    n->est_rows = outer && rows < left->est_rows ? left->est_rows : rows < 1 ? 1 : rows;
    QL_TRY(qli_plan_live(p, n));
    *out = n;
    return QL_OK;
}

/* Hashing the inner side, which costs memory too, then one probe for each row to the left. */
static double
hash_cost(double have, double whole)
{
    return whole * 3 + have * 0.5;
}

/* Is a look-up for each row to the left (cost `each`) better than hashing the inner side once? */
static bool
lookup_wins(double have, double each, double whole)
{
    return have * each <= hash_cost(have, whole);
}

/* Access of inner side `s` of a join with the rows of `left`; *bound: bounds look at these rows. */
static ql_status
inner_access(qli_planner *p, uint16_t s, const qli_conds *c, const qli_conds *keys, qli_mask left,
             double have, qli_access *a, bool *bound)
{
    qli_access whole;
    QL_TRY(qli_access_choose(p, s, c, left, a));
    *bound = (a->needs & left) != 0;
    if (!left || !has_hash_key(p, keys, left, UINT64_C(1) << s)) {
        return QL_OK;
    }
    QL_TRY(qli_access_choose(p, s, c, 0, &whole));
    if (!*bound || !lookup_wins(have, a->cost, whole.cost)) {
        *a = whole;
        *bound = false;
    }
    return QL_OK;
}

/* --- outer joins --- */

/* ON conditions of a LEFT JOIN: those on the right side alone restrict it before the join; all
 * others decide in the join. */
static ql_status
plan_outer(qli_planner *p, const ql_join_tree *t, qli_conds *conds, ql_plan **out)
{
    qli_mask lm = tree_sources(t->left), rm = tree_sources(t->right);
    qli_conds on = {0}, left_conds = {0}, right_conds = {0};
    ql_plan *left, *right;
    QL_TRY(move_conds(p, conds, lm, &left_conds));
    QL_TRY(plan_tree(p, t->left, &left_conds, &left));
    QL_TRY(qli_conds_split(p, t->on, &on));
    bool bound = false;
    if (t->right->is_leaf && p->q->sources[t->right->source].table) {
        qli_access a;
        uint16_t s = t->right->source;
        QL_TRY(inner_access(p, s, &on, &on, lm, left->est_rows, &a, &bound));
        if (!bound) {
            QL_TRY(move_conds(p, &on, rm, &right_conds));
            QL_TRY(plan_tree(p, t->right, &right_conds, &right));
        } else {
            QL_TRY(qli_access_plan(p, s, &a, &on, &right));
        }
    } else {
        QL_TRY(move_conds(p, &on, rm, &right_conds));
        QL_TRY(plan_tree(p, t->right, &right_conds, &right));
    }
    return join_node(p, left, right, lm, rm, true, bound, &on, out);
}

/* --- regions of inner joins --- */

static ql_status
item_access(qli_planner *p, region *g, uint32_t i, qli_mask left, qli_access *a)
{
    item *it = &g->v[i];
    if (it->tree->is_leaf) {
        return qli_access_choose(p, it->tree->source, g->conds, left, a);
    }
    *a = (qli_access){.rows = it->rows, .cost = it->rows};
    return QL_OK;
}

/* Rows of an item by itself. */
static ql_status
local_rows(qli_planner *p, const region *g, const item *it, const qli_access *a, double *rows)
{
    double share;
    QL_TRY(qli_conds_selectivity(p, g->conds, a->counted, it->sources, &share));
    *rows = a->rows * share;
    *rows = *rows < 1 ? 1 : *rows;
    return QL_OK;
}

typedef struct step {
    uint32_t at;
    double cost, rows;
} step;

/* Cheapest next item after `have` rows with `left` sources. */
static ql_status
next_item(qli_planner *p, region *g, const bool *placed, qli_mask left, double have, step *best)
{
    best->cost = -1;
    for (uint32_t i = 0; i < g->n; i++) {
        if (placed[i]) {
            continue;
        }
        qli_access a;
        QL_TRY(item_access(p, g, i, left, &a));
        double rows, cost, result;
        QL_TRY(local_rows(p, g, &g->v[i], &a, &rows));
        bool hash = left && has_hash_key(p, g->conds, left, g->v[i].sources);
        if ((a.needs & left) &&
            (!hash || lookup_wins(have, a.cost, p->rows[g->v[i].tree->source]))) {
            cost = have * a.cost;
            result = have * rows;
        } else if (hash) {
            cost = hash_cost(have, a.needs & left ? p->rows[g->v[i].tree->source] : a.cost);
            result = have > rows ? have : rows;
        } else {
            cost = left ? a.cost + have * rows : a.cost;
            result = left ? have * rows : rows;
        }
        cost += result * 0.1;
        if (best->cost < 0 || cost < best->cost) {
            *best = (step){i, cost, result};
        }
    }
    return ql_check(p->cx);
}

/* Greedy order beginning with item `first`; total cost in *cost. */
static ql_status
greedy(qli_planner *p, region *g, uint32_t first, uint32_t *order, double *cost)
{
    bool placed[64] = {false};
    qli_access a;
    QL_TRY(item_access(p, g, first, 0, &a));
    double rows;
    QL_TRY(local_rows(p, g, &g->v[first], &a, &rows));
    qli_mask left = g->v[first].sources;
    *cost = a.cost;
    placed[first] = true;
    order[0] = first;
    for (uint32_t k = 1; k < g->n; k++) {
        step s = {0};
        QL_TRY(next_item(p, g, placed, left, rows, &s));
        order[k] = s.at;
        placed[s.at] = true;
        left |= g->v[s.at].sources;
        *cost += s.cost;
        rows = s.rows;
    }
    return QL_OK;
}

/* The best of the greedy orders; with many items only the first few beginnings are tried. */
static ql_status
choose_order(qli_planner *p, region *g, uint32_t *best)
{
    double best_cost = -1;
    uint32_t tries = g->n <= 10 ? g->n : 3;
    if (g->n == 1) {
        best[0] = 0;
        return QL_OK;
    }
    for (uint32_t f = 0; f < tries; f++) {
        uint32_t order[64];
        double cost;
        QL_TRY(greedy(p, g, f, order, &cost));
        if (best_cost < 0 || cost < best_cost * 0.999) {
            best_cost = cost;
            for (uint32_t i = 0; i < g->n; i++) {
                best[i] = order[i];
            }
        }
    }
    return QL_OK;
}

static ql_status
item_plan(qli_planner *p, region *g, uint32_t i, qli_mask left, double have, bool *bound,
          ql_plan **out)
{
    item *it = &g->v[i];
    if (!it->tree->is_leaf) {
        *bound = false;
        *out = it->plan;
        return QL_OK;
    }
    qli_access a;
    QL_TRY(inner_access(p, it->tree->source, g->conds, g->conds, left, have, &a, bound));
    return qli_access_plan(p, it->tree->source, &a, g->conds, out);
}

static ql_status
plan_region(qli_planner *p, region *g, ql_plan **out)
{
    uint32_t order[64];
    for (uint32_t i = 0; i < g->n; i++) {
        if (!g->v[i].tree->is_leaf) {
            QL_TRY(plan_outer(p, g->v[i].tree, g->conds, &g->v[i].plan));
            g->v[i].rows = g->v[i].plan->est_rows;
        }
    }
    QL_TRY(choose_order(p, g, order));
    ql_plan *root = NULL;
    qli_mask left = 0;
    for (uint32_t k = 0; k < g->n; k++) {
        ql_plan *next;
        bool bound;
        QL_TRY(item_plan(p, g, order[k], left, root ? root->est_rows : 1, &bound, &next));
        if (root) {
            QL_TRY(join_node(p, root, next, left, g->v[order[k]].sources, false, bound, g->conds,
                             &root));
        } else {
            root = next;
        }
        left |= g->v[order[k]].sources;
    }
    *out = root;
    return QL_OK;
}

/* What is left over (conditions on outer-joined tables, constants of any kind) filters the whole.
 */
static ql_status
filter_rest(qli_planner *p, qli_conds *c, qli_mask have, ql_plan **root)
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
    f->est_rows = (*root)->est_rows;
    QL_TRY(qli_plan_live(p, f));
    *root = f;
    return QL_OK;
}

static ql_status
plan_tree(qli_planner *p, const ql_join_tree *t, qli_conds *conds, ql_plan **out)
{
    QL_TRY(ql_check(p->cx));
    region *g = QL_ARENA_NEW(p->cx, p->a, region);
    if (!g) {
        return QL_ERROR;
    }
    g->conds = conds;
    QL_TRY(flatten(p, t, g));
    QL_TRY(plan_region(p, g, out));
    return filter_rest(p, conds, tree_sources(t), out);
}

ql_status
qli_join_plan(qli_planner *p, const ql_join_tree *t, qli_conds *where, ql_plan **out)
{
    return plan_tree(p, t, where, out);
}
