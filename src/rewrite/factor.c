/* SPDX-License-Identifier: Apache-2.0
 *
 * OR among the conditions of a block. What all of its branches have in common is taken out of it:
 * (c AND a) OR (c AND b) is c AND (a OR b), also where something is NULL. And of each table that
 * every branch says something about, the weaker condition is stated that follows: from
 * (t.a = 1 AND u.b = 2) OR (t.a = 3 AND u.b = 4) follow t.a = 1 OR t.a = 3 and u.b = 2 OR u.b = 4,
 * which can be ranges. Only what cannot warn or fail is evaluated in other places or more often.
 */
#include "base/thread.h"
#include "rewrite/rewrite_int.h"

#define MAX_BRANCHES 256u
#define MAX_TERMS 1024u

typedef struct term {
    ql_expr *e;
    bool quiet;
    uint64_t touches; /* sources that it looks at */
    uint64_t sources; /* the same; 0 where it looks at anything else */
    bool common;      /* it stands in all branches, and has been taken out */
} term;

typedef struct branches {
    qli_rw *rw;
    const ql_query *q;
    term *v; /* of one branch behind those of another */
    uint32_t nv, n;
    uint32_t from[MAX_BRANCHES + 1]; /* branch i: v[from[i]..from[i+1]) */
    bool many;                       /* too many, or not to be touched */
} branches;

/* --- taking it apart --- */

static ql_status
collect_terms(branches *b, ql_expr *e)
{
    QL_TRY(ql_bulk_node(b->rw->cx));
    if (b->many || b->nv == MAX_TERMS || ql_thread_stack_left() < 65536) {
        b->many = true;
        return QL_OK;
    }
    if (e->kind == QL_E_OP && e->op == QL_OP_AND) {
        QL_TRY(collect_terms(b, e->args[0]));
        return collect_terms(b, e->args[1]);
    }
    qli_rw_uses uses;
    term *t = &b->v[b->nv++];
    *t = (term){.e = e};
    QL_TRY(qli_rw_uses_of(b->rw, b->q, e, &uses));
    t->touches = uses.sources;
    t->sources = uses.others ? 0 : uses.sources;
    return qli_rw_is_quiet(b->rw, e, &t->quiet);
}

static ql_status
collect_branches(branches *b, ql_expr *e)
{
    QL_TRY(ql_bulk_node(b->rw->cx));
    if (b->many || b->n == MAX_BRANCHES || ql_thread_stack_left() < 65536) {
        b->many = true;
        return QL_OK;
    }
    if (e->kind == QL_E_OP && e->op == QL_OP_OR) {
        QL_TRY(collect_branches(b, e->args[0]));
        return collect_branches(b, e->args[1]);
    }
    QL_TRY(collect_terms(b, e));
    b->from[++b->n] = b->nv;
    return QL_OK;
}

/* --- what they have in common --- */

static ql_status
is_same(branches *b, const ql_expr *x, const ql_expr *y, bool *same)
{
    QL_TRY(ql_expr_same(b->rw->cx, x, y, same));
    if (*same || x->kind != QL_E_OP || y->kind != QL_E_OP || x->op != QL_OP_EQ ||
        y->op != QL_OP_EQ || x->compare_kind != y->compare_kind || x->coll != y->coll) {
        return QL_OK;
    }
    QL_TRY(ql_expr_same(b->rw->cx, x->args[0], y->args[1], same));
    return *same ? ql_expr_same(b->rw->cx, x->args[1], y->args[0], same) : QL_OK;
}

/* Where the condition stands in a branch, with nothing before it that it would now come before and
 * that one would notice; NULL: nowhere. */
static ql_status
find_in_branch(branches *b, uint32_t branch, const ql_expr *e, term **found)
{
    *found = NULL;
    for (uint32_t i = b->from[branch]; i < b->from[branch + 1]; i++) {
        bool same = false;
        QL_TRY(b->v[i].common ? QL_OK : is_same(b, e, b->v[i].e, &same));
        if (same) {
            *found = &b->v[i];
            return QL_OK;
        }
        if (!b->v[i].quiet) {
            return QL_OK;
        }
    }
    return QL_OK;
}

static ql_status
mark_common(branches *b, bool *any)
{
    *any = false;
    for (uint32_t i = 0; i < b->from[1]; i++) {
        term *at[MAX_BRANCHES];
        uint32_t k = 0;
        if (!b->v[i].quiet || b->v[i].common || b->v[i].e->kind == QL_E_CONST) {
            continue;
        }
        for (; k < b->n; k++) {
            QL_TRY(find_in_branch(b, k, b->v[i].e, &at[k]));
            if (at[k] == NULL) {
                break;
            }
        }
        for (uint32_t j = 0; k == b->n && j < k; j++) {
            at[j]->common = true;
            *any = true;
        }
    }
    return QL_OK;
}

static ql_status
rest_of(branches *b, uint32_t branch, ql_expr **rest)
{
    *rest = NULL;
    for (uint32_t i = b->from[branch + 1]; i-- > b->from[branch];) {
        QL_TRY(b->v[i].common ? QL_OK : qli_rw_and(b->rw, b->v[i].e, rest));
    }
    return QL_OK;
}

/* The OR without what is common; NULL: one branch was nothing else. */
static ql_status
put_together(branches *b, ql_expr **out)
{
    *out = NULL;
    for (uint32_t k = b->n; k-- > 0;) {
        ql_expr *rest;
        QL_TRY(rest_of(b, k, &rest));
        if (rest == NULL) {
            *out = NULL;
            return QL_OK;
        }
        QL_TRY(qli_rw_or(b->rw, rest, out));
    }
    return QL_OK;
}

static bool
some_is_loud(const branches *b)
{
    for (uint32_t i = 0; i < b->nv; i++) {
        if (!b->v[i].quiet) {
            return true;
        }
    }
    return false;
}

/* --- what follows for one table --- */

static ql_status
of_branch(branches *b, uint32_t branch, uint64_t source, ql_expr **out)
{
    *out = NULL;
    for (uint32_t i = b->from[branch + 1]; i-- > b->from[branch];) {
        const term *t = &b->v[i];
        ql_expr *copy;
        uint32_t n;
        if (t->common || !t->quiet || t->sources != source) {
            continue;
        }
        QL_TRY(qli_rw_size(b->rw, t->e, QLI_RW_MAX_COPIED * 16, &n));
        if (n < QLI_RW_MAX_COPIED * 16) {
            QL_TRY(qli_rw_copy(b->rw, t->e, 0, &copy));
            QL_TRY(qli_rw_and(b->rw, copy, out));
        }
    }
    return QL_OK;
}

static ql_status
follow(branches *b, uint64_t source, ql_expr **into)
{
    ql_expr *all = NULL;
    for (uint32_t k = b->n; k-- > 0;) {
        ql_expr *one;
        QL_TRY(of_branch(b, k, source, &one));
        if (one == NULL) {
            return QL_OK;
        }
        QL_TRY(qli_rw_or(b->rw, one, &all));
    }
    all->implied = true;
    return qli_rw_and(b->rw, all, into);
}

/* --- the conditions of a block --- */

/* Sources that the rest of the OR looks at. */
static uint64_t
sources_left(const branches *b)
{
    uint64_t m = 0;
    for (uint32_t i = 0; i < b->nv; i++) {
        m |= b->v[i].common ? 0 : b->v[i].touches;
    }
    return m;
}

static ql_status
take_apart(qli_rw *rw, const ql_query *q, ql_expr *e, branches **out)
{
    bool pure;
    branches *b = QL_ARENA_NEW(rw->cx, rw->a, branches);
    term *v = b != NULL ? QL_ARENA_ARRAY(rw->cx, rw->a, term, MAX_TERMS) : NULL;
    if (v == NULL) {
        return QL_ERROR;
    }
    *b = (branches){.rw = rw, .q = q, .v = v};
    QL_TRY(collect_branches(b, e));
    QL_TRY(qli_rw_is_pure(rw, e, &pure));
    b->many |= !pure;
    *out = b;
    return QL_OK;
}

static ql_status
one_or(qli_rw *rw, const ql_query *q, ql_expr **e, uint64_t among)
{
    branches *b;
    bool any;
    QL_TRY(take_apart(rw, q, *e, &b));
    if (b->many) {
        return QL_OK;
    }
    QL_TRY(mark_common(b, &any));
    uint64_t left = sources_left(b);
    if (any) {
        ql_expr *rest;
        QL_TRY(put_together(b, &rest));
        if (rest == NULL && some_is_loud(b)) {
            return QL_OK;
        }
        left = rest != NULL ? left : 0;
        for (uint32_t i = b->from[1]; i-- > 0;) {
            QL_TRY(b->v[i].common ? qli_rw_and(rw, b->v[i].e, &rest) : QL_OK);
        }
        *e = rest;
    }
    for (uint64_t m = (left & (left - 1)) != 0 ? left & among : 0; m != 0; m &= m - 1) {
        QL_TRY(follow(b, m & -m, e));
    }
    return QL_OK;
}

static ql_status
in_condition(qli_rw *rw, const ql_query *q, ql_expr **e, uint64_t among)
{
    QL_TRY(ql_bulk_node(rw->cx));
    if (*e == NULL || ql_thread_stack_left() < 65536) {
        return QL_OK;
    }
    while ((*e)->kind == QL_E_OP && (*e)->op == QL_OP_AND) {
        QL_TRY(in_condition(rw, q, &(*e)->args[0], among));
        e = &(*e)->args[1];
    }
    return (*e)->kind == QL_E_OP && (*e)->op == QL_OP_OR ? one_or(rw, q, e, among) : QL_OK;
}

/* Those that no outer join makes rows of NULLs for: the others are only there above it. */
static uint64_t
read_first(const ql_join_tree *t)
{
    if (t->is_leaf) {
        return UINT64_C(1) << t->source;
    }
    return read_first(t->left) | (t->kind == QL_JOIN_INNER ? read_first(t->right) : 0);
}

/* Of a side that keeps its rows nothing is won by saying in ON what follows for it. */
static ql_status
in_tree(qli_rw *rw, const ql_query *q, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    bool filters = t->kind == QL_JOIN_INNER || t->kind == QL_JOIN_SEMI;
    uint64_t right = read_first(t->right);
    QL_TRY(in_condition(rw, q, &t->on, filters ? right | read_first(t->left) : right));
    QL_TRY(in_tree(rw, q, t->left));
    return in_tree(rw, q, t->right);
}

ql_status
qli_rw_factor(qli_rw *rw, ql_query *q)
{
    if (q->from == NULL) {
        return QL_OK;
    }
    QL_TRY(in_condition(rw, q, &q->where, read_first(q->from)));
    return in_tree(rw, q, q->from);
}
