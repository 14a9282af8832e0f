/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking over resolved blocks. Expressions are trees whose parts may be shared (an item that ORDER
 * BY names, the operand of BETWEEN), so a walk that changes nodes remembers which it has met.
 */
#include "base/hash.h"
#include "base/thread.h"
#include "rewrite/rewrite_int.h"

/* --- which have been met --- */

static bool
seen_put(const void **v, size_t cap, const void *p)
{
    size_t i = ql_hash_u64((uint64_t)(uintptr_t)p) & (cap - 1);
    while (v[i] != NULL && v[i] != p) {
        i = (i + 1) & (cap - 1);
    }
    bool is_new = v[i] == NULL;
    v[i] = p;
    return is_new;
}

static ql_status
seen_grow(qli_rw_walk *w)
{
    size_t cap = w->cap != 0 ? w->cap * 2 : 64;
    const void **v = QL_ARENA_ARRAY(w->rw->cx, w->rw->a, const void *, cap);
    if (v == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < w->cap; i++) {
        QL_TRY(ql_bulk_each(w->rw->cx, i));
        if (w->seen[i] != NULL) {
            (void)seen_put(v, cap, w->seen[i]);
        }
    }
    w->seen = v;
    w->cap = cap;
    return QL_OK;
}

static ql_status
meet(qli_rw_walk *w, const void *p, bool *is_new)
{
    if (w->nseen * 2 >= w->cap) {
        QL_TRY(seen_grow(w));
    }
    *is_new = seen_put(w->seen, w->cap, p);
    w->nseen += *is_new;
    return QL_OK;
}

/* --- the walk --- */

ql_status
qli_rw_walk_expr(qli_rw_walk *w, ql_expr *e, uint32_t depth)
{
    bool is_new, descend = true;
    if (e == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(w->rw->cx));
    if (e->kind == QL_E_CONST) {
        return QL_OK;
    }
    QL_TRY(meet(w, e, &is_new));
    if (!is_new) {
        return QL_OK;
    }
    if (ql_thread_stack_left() < 65536) {
        return ql_fail(w->rw->cx, QL_ER_STACK_OVERRUN_NEED_MORE, 65536l);
    }
    QL_TRY(w->expr(w, e, depth, &descend));
    if (!descend) {
        return QL_OK;
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(qli_rw_walk_expr(w, e->args[i], depth));
    }
    return e->query != NULL ? qli_rw_walk_block(w, e->query, depth + 1) : QL_OK;
}

static ql_status
walk_keys(qli_rw_walk *w, const ql_sort_key *k, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(qli_rw_walk_expr(w, k[i].expr, depth));
    }
    return QL_OK;
}

static ql_status
walk_tree(qli_rw_walk *w, const ql_join_tree *t, uint32_t depth)
{
    if (t == NULL || t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(walk_tree(w, t->left, depth));
    QL_TRY(walk_tree(w, t->right, depth));
    return qli_rw_walk_expr(w, t->on, depth);
}

static ql_status
walk_groups(qli_rw_walk *w, ql_query *q, uint32_t depth)
{
    for (uint16_t i = 0; i < q->ngroup; i++) {
        QL_TRY(qli_rw_walk_expr(w, q->group_by[i], depth));
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            QL_TRY(qli_rw_walk_expr(w, q->aggs[i].args[k], depth));
        }
        QL_TRY(walk_keys(w, q->aggs[i].order, q->aggs[i].norder, depth));
    }
    return qli_rw_walk_expr(w, q->having, depth);
}

ql_status
qli_rw_walk_parts(qli_rw_walk *w, ql_query *q, uint32_t depth)
{
    QL_TRY(walk_tree(w, q->from, depth));
    for (uint16_t i = 0; i < q->nsources; i++) {
        QL_TRY(q->sources[i].json != NULL ? qli_rw_walk_expr(w, q->sources[i].json->doc, depth)
                                          : QL_OK);
    }
    QL_TRY(qli_rw_walk_expr(w, q->where, depth));
    QL_TRY(walk_groups(w, q, depth));
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(qli_rw_walk_expr(w, q->items[i].expr, depth));
    }
    QL_TRY(walk_keys(w, q->order_by, q->norder, depth));
    QL_TRY(qli_rw_walk_expr(w, q->limit, depth));
    return qli_rw_walk_expr(w, q->offset, depth);
}

ql_status
qli_rw_walk_block(qli_rw_walk *w, ql_query *q, uint32_t depth)
{
    bool is_new;
    QL_TRY(ql_check(w->rw->cx));
    QL_TRY(meet(w, q, &is_new));
    if (!is_new) {
        return QL_OK;
    }
    QL_TRY(w->block != NULL ? w->block(w, q, depth) : QL_OK);
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(qli_rw_walk_block(w, q->left, depth));
        QL_TRY(qli_rw_walk_block(w, q->right, depth));
    }
    for (uint16_t i = 0; i < q->nsources; i++) {
        if (q->sources[i].derived != NULL) {
            QL_TRY(qli_rw_walk_block(w, q->sources[i].derived, depth + 1));
        }
    }
    return qli_rw_walk_parts(w, q, depth);
}

/* --- what is in an expression --- */

static bool
node_is_pure(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_ASSIGN:
    case QL_E_DEFAULT:
    case QL_E_INSERT_VALUE:
        return false;
    case QL_E_USERVAR:
        return e->is_constant;
    case QL_E_FUNC:
        return (ql_func_flags(e->fn) & (QL_FF_NONDET | QL_FF_COSTLY)) == 0;
    default:
        return true;
    }
}

static ql_status
note_impure(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    bool *pure = w->arg;
    (void)depth;
    *pure = *pure && node_is_pure(e);
    *descend = *pure;
    return QL_OK;
}

ql_status
qli_rw_is_pure(qli_rw *rw, const ql_expr *e, bool *yes)
{
    qli_rw_walk w = {.rw = rw, .expr = note_impure, .arg = yes};
    *yes = true;
    return qli_rw_walk_expr(&w, (ql_expr *)e, 0);
}

ql_status
qli_rw_block_is_pure(qli_rw *rw, const ql_query *q, bool *yes)
{
    qli_rw_walk w = {.rw = rw, .expr = note_impure, .arg = yes};
    *yes = true;
    return qli_rw_walk_block(&w, (ql_query *)q, 0);
}

/* A cast that loses nothing and knows every value. */
static bool
is_safe_cast(const ql_expr *e)
{
    ql_kind from = e->args[0]->type.kind, to = e->type.kind;
    if (from == to) {
        return to != QL_K_STRING && to != QL_K_DECIMAL;
    }
    switch (ql_kind_family(from)) {
    case QL_FAM_INT:
        return to == QL_K_DOUBLE ||
               (to == QL_K_DECIMAL && e->type.length >= e->type.decimals + 20u);
    case QL_FAM_DECIMAL:
        return to == QL_K_DOUBLE;
    default:
        return from == QL_K_DATE && to == QL_K_DATETIME;
    }
}

static bool
node_is_quiet(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_CONST:
    case QL_E_SLOT:
    case QL_E_OUTER:
    case QL_E_ROW:
    case QL_E_CASE:
        return true;
    case QL_E_CAST:
        return !e->zero_if_bad && is_safe_cast(e);
    case QL_E_OP:
        return e->op < QL_OP_REGEXP && (e->op != QL_OP_LIKE || e->nargs == 2) &&
               (e->op != QL_OP_NOT_LIKE || e->nargs == 2);
    default:
        return false;
    }
}

static ql_status
note_loud(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    bool *quiet = w->arg;
    (void)depth;
    *quiet = *quiet && node_is_quiet(e);
    *descend = *quiet;
    return QL_OK;
}

ql_status
qli_rw_is_quiet(qli_rw *rw, const ql_expr *e, bool *yes)
{
    qli_rw_walk w = {.rw = rw, .expr = note_loud, .arg = yes};
    *yes = true;
    return qli_rw_walk_expr(&w, (ql_expr *)e, 0);
}

ql_status
qli_rw_size(qli_rw *rw, const ql_expr *e, uint32_t limit, uint32_t *n)
{
    QL_TRY(ql_bulk_node(rw->cx));
    *n = e->query != NULL ? limit : 1;
    for (uint32_t i = 0; i < e->nargs && *n < limit; i++) {
        uint32_t k;
        QL_TRY(qli_rw_size(rw, e->args[i], limit - *n, &k));
        *n += k;
    }
    return QL_OK;
}

typedef struct upward {
    uint32_t up;
    bool found;
} upward;

static ql_status
note_up(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    upward *u = w->arg;
    u->found |= e->kind == QL_E_OUTER && e->depth == depth + u->up;
    *descend = !u->found;
    return QL_OK;
}

ql_status
qli_rw_looks_up(qli_rw *rw, ql_expr *e, uint32_t up, bool *yes)
{
    upward u = {.up = up};
    qli_rw_walk w = {.rw = rw, .expr = note_up, .arg = &u};
    QL_TRY(qli_rw_walk_expr(&w, e, 0));
    *yes = u.found;
    return QL_OK;
}

ql_status
qli_rw_block_looks_up(qli_rw *rw, ql_query *q, uint32_t up, bool *yes)
{
    upward u = {.up = up};
    qli_rw_walk w = {.rw = rw, .expr = note_up, .arg = &u};
    QL_TRY(qli_rw_walk_block(&w, q, 0));
    *yes = u.found;
    return QL_OK;
}

static int
source_of(const ql_query *q, uint32_t slot)
{
    for (uint16_t s = 0; s < q->nsources; s++) {
        for (uint16_t c = 0; c < q->sources[s].ncols; c++) {
            if (q->sources[s].slots[c] == slot) {
                return s;
            }
        }
    }
    return -1;
}

typedef struct users {
    const ql_query *q;
    qli_rw_uses *out;
} users;

static ql_status
note_use(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    users *u = w->arg;
    bool own = (e->kind == QL_E_SLOT && depth == 0) || (e->kind == QL_E_OUTER && e->depth == depth);
    (void)descend;
    if (own) {
        int s = source_of(u->q, e->index);
        u->out->others |= s < 0;
        u->out->sources |= s >= 0 ? UINT64_C(1) << s : 0;
    }
    u->out->others |= e->query != NULL || (e->kind == QL_E_OUTER && e->depth > depth);
    return QL_OK;
}

ql_status
qli_rw_uses_of(qli_rw *rw, const ql_query *q, const ql_expr *e, qli_rw_uses *out)
{
    users u = {q, out};
    qli_rw_walk w = {.rw = rw, .expr = note_use, .arg = &u};
    *out = (qli_rw_uses){0};
    return qli_rw_walk_expr(&w, (ql_expr *)e, 0);
}
