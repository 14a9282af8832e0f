/* SPDX-License-Identifier: Apache-2.0
 *
 * What a block's STRAIGHT_JOIN asks of its plan (ql_plan_hints): which tables are read before
 * which.
 */
#include "resolve/resolve_int.h"

static ql_status
hints_of(qli_res *r, ql_query *q, ql_plan_hints **out)
{
    if (q->hints == NULL) {
        q->hints = QL_ARENA_NEW(r->cx, r->a, ql_plan_hints);
    }
    *out = (ql_plan_hints *)q->hints;
    return *out != NULL ? QL_OK : QL_ERROR;
}

/* --- STRAIGHT_JOIN --------------------------------------------------------------------------- */

static bool
has_straight(const ql_join_tree *t)
{
    return t != NULL && !t->is_leaf &&
           (t->straight || has_straight(t->left) || has_straight(t->right));
}

/* all: every join of the tree is one. */
static uint64_t
keep_order(const ql_join_tree *t, bool all, uint64_t *before)
{
    if (t->is_leaf) {
        return UINT64_C(1) << t->source;
    }
    uint64_t left = keep_order(t->left, all, before), right = keep_order(t->right, all, before);
    for (unsigned i = 0; i < 64 && (all || t->straight); i++) {
        if (right >> i & 1) {
            before[i] |= left;
        }
    }
    return left | right;
}

static ql_status
bind_straight(qli_res *r, qli_scope *sc, bool all)
{
    ql_query *q = sc->q;
    ql_plan_hints *h;
    if (q->nsources < 2 || q->from == NULL || !(all || has_straight(q->from))) {
        return QL_OK;
    }
    QL_TRY(hints_of(r, q, &h));
    h->before = QL_ARENA_ARRAY(r->cx, r->a, uint64_t, q->nsources);
    if (h->before == NULL) {
        return QL_ERROR;
    }
    h->nbefore = q->nsources;
    (void)keep_order(q->from, all, h->before);
    return QL_OK;
}

ql_status
qli_hints_bind(qli_res *r, qli_scope *sc)
{
    bool all = (sc->ast != NULL && sc->ast->straight_join) || ql_plans_plainly(r->cx);
    return bind_straight(r, sc, all);
}
