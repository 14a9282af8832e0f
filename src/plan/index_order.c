/* SPDX-License-Identifier: Apache-2.0
 *
 * In which order do rows come that are read along an index? Two questions: are they in the order of
 * some sort keys, and do rows that are equal in some columns come one after the other (GROUP BY,
 * DISTINCT)? Pure functions of the plan so far.
 */
#include "plan/plan_int.h"

ql_plan *
qli_leading_scan(ql_plan *n)
{
    while (n && (n->kind == QL_P_NESTED_JOIN || n->kind == QL_P_FILTER)) {
        n = n->left;
    }
    return n && n->kind == QL_P_SCAN && n->index ? n : NULL;
}

uint16_t
qli_fixed_parts(const ql_plan *scan)
{
    return qli_bound_fixed(&scan->low, &scan->high);
}

/* Part k of the index with the clustered key behind it; false = no more. */
static bool
part_at(const ql_table *t, const ql_index *x, uint16_t k, ql_index_part *out)
{
    if (x->hidden_rowid) {
        return false;
    }
    if (k < x->nparts) {
        *out = x->parts[k];
        return true;
    }
    const ql_index *c = &t->indexes[0];
    k = (uint16_t)(k - x->nparts);
    if (x == c || c->hidden_rowid || k >= c->nparts) {
        return false;
    }
    *out = c->parts[k]; /* behind a secondary key it stands as in the clustered index */
    return true;
}

static bool
is_fixed(const ql_table *t, const ql_index *x, uint16_t nfixed, uint16_t column)
{
    for (uint16_t i = 0; i < nfixed; i++) {
        const ql_index_part *part = ql_index_part_at(t, x, i);
        if (part->column == column && part->prefix == 0) {
            return true;
        }
    }
    return false;
}

/* No part holds a beginning only, which several texts may have. */
static bool
has_whole_parts(const ql_index *x)
{
    uint16_t n = 0;
    while (n < x->nparts && x->parts[n].prefix == 0) {
        n++;
    }
    return n == x->nparts;
}

/* Do the first n parts of x, the clustered key's behind them, tell all rows apart? A unique key
 * does that when no part can be NULL, which any number of rows may share. */
static bool
tells_rows_apart(const ql_table *t, const ql_index *x, uint16_t n)
{
    const ql_index *c = &t->indexes[0];
    bool whole = x->unique && n >= x->nparts && !x->hidden_rowid && has_whole_parts(x);
    for (uint16_t i = 0; i < x->nparts && whole; i++) {
        whole = !t->columns[x->parts[i].column].type.nullable;
    }
    return whole ||
           (x != c && !c->hidden_rowid && n >= x->nparts + c->nparts && has_whole_parts(c));
}

/* The sources whose row is found, at most one, by the row of a source in `have`: look-ups in unique
 * keys on the way up from the leading scan. */
static qli_mask
followers(qli_planner *p, const ql_plan *n, qli_mask have)
{
    if (n->kind == QL_P_FILTER) {
        return followers(p, n->left, have);
    }
    if (n->kind != QL_P_NESTED_JOIN) {
        return have;
    }
    have = followers(p, n->left, have);
    const ql_plan *r = n->right;
    if (n->join != QL_JOIN_INNER && n->join != QL_JOIN_LEFT) {
        return have; /* nothing of the right side is seen */
    }
    if (r->kind != QL_P_SCAN || !r->is_unique_lookup) {
        return have;
    }
    qli_mask needs = 0;
    for (uint16_t i = 0; i < r->low.n; i++) {
        needs |= qli_expr_sources(p, r->low.values[i]);
    }
    return (needs & ~have) == 0 ? have | UINT64_C(1) << r->source : have;
}

/* One question on its way along the parts of an index. */
typedef struct walk {
    qli_planner *p;
    const qli_order_want *w;
    uint16_t source, nfixed, at;
    const ql_table *t;
    const ql_index *x;
    bool apart;   /* the parts so far tell all rows of the source apart */
    qli_mask one; /* then: the sources that have one row for each of them */
    bool decided, reverse;
} walk;

static void
note_apart(walk *k)
{
    if (!k->apart && tells_rows_apart(k->t, k->x, k->at)) {
        k->apart = true;
        k->one = UINT64_C(1) << k->source;
        if (k->w->root) {
            k->one = followers(k->p, k->w->root, k->one);
        }
    }
}

/* Is e the same in all rows that are equal in the parts so far? */
static bool
is_settled(const walk *k, const ql_expr *e)
{
    if (e->is_constant || e->kind == QL_E_CONST || e->kind == QL_E_OUTER) {
        return true;
    }
    if (e->kind != QL_E_SLOT || k->p->source_of[e->index] == 0xff) {
        return false;
    }
    uint16_t source = k->p->source_of[e->index];
    if (k->apart && (k->one >> source & 1)) {
        return true;
    }
    uint16_t column = k->p->column_of[e->index];
    const ql_type *ct = &k->t->columns[column].type;
    return source == k->source && (ct->kind != QL_K_STRING || e->type.coll == ct->coll) &&
           is_fixed(k->t, k->x, k->nfixed, column);
}

/* Is e the column of the part, compared as the index does? */
static bool
is_part(const walk *k, const ql_expr *e, const ql_index_part *part)
{
    if (e->kind != QL_E_SLOT || k->p->source_of[e->index] != k->source ||
        k->p->column_of[e->index] != part->column || part->prefix) {
        return false;
    }
    const ql_type *ct = &k->t->columns[part->column].type;
    return ct->kind != QL_K_STRING || e->type.coll == ct->coll;
}

/* Is e one of the columns that groups are made of? */
static bool
is_of_groups(const walk *k, const ql_expr *e)
{
    bool found = k->w->ngroups == 0;
    for (uint16_t i = 0; i < k->w->ngroups && !found; i++) {
        const ql_expr *g = k->w->groups[i];
        found = g->kind == QL_E_SLOT && e->kind == QL_E_SLOT && g->index == e->index;
    }
    return found;
}

static bool
follows_keys(walk *k)
{
    for (uint16_t i = 0; i < k->w->n; i++) {
        const ql_sort_key *key = &k->w->keys[i];
        ql_index_part part = {0};
        if (is_settled(k, key->expr)) {
            continue;
        }
        if (!part_at(k->t, k->x, k->at, &part) || !is_part(k, key->expr, &part) ||
            !is_of_groups(k, key->expr)) {
            return false;
        }
        bool turned = part.descending != key->descending;
        if (k->decided && turned != k->reverse) {
            return false;
        }
        k->reverse = turned;
        k->decided = true;
        k->at++;
        note_apart(k);
    }
    return true;
}

/* Is e a column of a part that has been passed? */
static bool
is_passed(const walk *k, const ql_expr *e)
{
    ql_index_part part = {0};
    for (uint16_t i = k->nfixed; i < k->at && part_at(k->t, k->x, i, &part); i++) {
        if (is_part(k, e, &part)) {
            return true;
        }
    }
    return is_settled(k, e);
}

static bool
keeps_groups(walk *k)
{
    for (;;) {
        bool all = true, stepped = false;
        ql_index_part part = {0};
        bool more = part_at(k->t, k->x, k->at, &part);
        for (uint16_t i = 0; i < k->w->ngroups; i++) {
            const ql_expr *e = k->w->groups[i];
            if (is_passed(k, e)) {
                continue;
            }
            all = false;
            stepped = stepped || (more && is_part(k, e, &part));
        }
        if (all) {
            return true;
        }
        if (!stepped &&
            !(more && part.prefix == 0 && is_fixed(k->t, k->x, k->nfixed, part.column))) {
            return false;
        }
        k->at++;
        note_apart(k);
    }
}

bool
qli_index_orders(qli_planner *p, uint16_t source, const ql_index *x, uint16_t nfixed,
                 const qli_order_want *w, bool *reverse, uint16_t *parts)
{
    walk k = {.p = p, .w = w, .source = source, .x = x, .nfixed = nfixed, .at = nfixed};
    k.t = p->q->sources[source].table;
    *reverse = false;
    if (x->hidden_rowid) {
        return false;
    }
    note_apart(&k);
    if (!follows_keys(&k) || !keeps_groups(&k)) {
        return false;
    }
    *reverse = k.decided && k.reverse;
    if (parts) {
        *parts = k.at;
    }
    return p->bad == QL_OK;
}
