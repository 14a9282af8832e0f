/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions on one derived table alone go into it (manual, "Derived Condition Pushdown
 * Optimization"): into its WHERE where they look at what rows have before grouping, else into its
 * HAVING; into each arm of a UNION; not past LIMIT. What has gone in everywhere is not asked again.
 */
#include "rewrite/rewrite_int.h"

typedef struct push {
    qli_rw *rw;
    ql_query *q;
    uint16_t source;
} push;

static const ql_source *
source_of(const push *p)
{
    return &p->q->sources[p->source];
}

/* Which item of the derived table the slot is. */
static uint16_t
item_of(const push *p, uint32_t slot)
{
    const ql_source *s = source_of(p);
    for (uint16_t c = 0; c < s->ncols; c++) {
        if (s->slots[c] == slot) {
            return s->ordinals[c];
        }
    }
    return UINT16_MAX;
}

static bool
is_block(const ql_query *d)
{
    return d->set_op == QL_SET_NONE;
}

/* The grouping key behind a slot; NULL: none. */
static ql_expr *
key_of(const ql_query *d, const ql_expr *e)
{
    for (uint16_t i = 0; e->kind == QL_E_SLOT && i < d->ngroup; i++) {
        if (d->group_slots[i] == e->index) {
            return d->group_by[i];
        }
    }
    return NULL;
}

/* Can conditions stand inside d as they stand outside? */
static bool
is_open(const ql_query *d)
{
    return d->limit == NULL && d->offset == NULL &&
           (is_block(d) ? d->from != NULL : is_open(d->left) && is_open(d->right));
}

/* DECIMALs that are computed are rounded where a block's rows come out. */
static bool
is_as_kept(const ql_expr *e)
{
    return e->type.kind != QL_K_DECIMAL || e->kind == QL_E_SLOT || e->kind == QL_E_CONST;
}

static ql_status
item_is_open(push *p, const ql_query *d, uint16_t item, bool *yes)
{
    uint32_t n;
    if (!is_block(d)) {
        QL_TRY(item_is_open(p, d->left, item, yes));
        return *yes ? item_is_open(p, d->right, item, yes) : QL_OK;
    }
    const ql_expr *e = d->items[item].expr;
    QL_TRY(qli_rw_size(p->rw, e, QLI_RW_MAX_COPIED, &n));
    *yes = n < QLI_RW_MAX_COPIED && is_as_kept(e);
    QL_TRY(*yes ? qli_rw_is_pure(p->rw, e, yes) : QL_OK);
    for (uint16_t i = 0; i < d->ngroup && *yes; i++) {
        *yes = is_as_kept(d->group_by[i]);
        QL_TRY(*yes ? qli_rw_is_pure(p->rw, d->group_by[i], yes) : QL_OK);
    }
    return QL_OK;
}

/* Does the condition look at nothing but items that can be asked for inside? */
static ql_status
fits(push *p, const ql_expr *e, bool *yes)
{
    QL_TRY(ql_bulk_node(p->rw->cx));
    *yes = e->query == NULL && e->kind != QL_E_OUTER;
    if (*yes && e->kind == QL_E_SLOT) {
        return item_is_open(p, source_of(p)->derived, item_of(p, e->index), yes);
    }
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(fits(p, e->args[i], yes));
    }
    return QL_OK;
}

/* Do all items that the condition looks at say the same before grouping? */
static ql_status
is_before_grouping(push *p, const ql_query *d, const ql_expr *e, bool *yes)
{
    QL_TRY(ql_bulk_node(p->rw->cx));
    if (e->kind == QL_E_SLOT) {
        *yes = *yes && key_of(d, d->items[item_of(p, e->index)].expr) != NULL;
    }
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(is_before_grouping(p, d, e->args[i], yes));
    }
    return QL_OK;
}

/* The condition in d's own terms. */
static ql_status
translate(push *p, const ql_query *d, ql_expr **e, bool keys)
{
    QL_TRY(ql_bulk_node(p->rw->cx));
    if ((*e)->kind == QL_E_SLOT) {
        const ql_expr *item = d->items[item_of(p, (*e)->index)].expr;
        const ql_expr *key = keys ? key_of(d, item) : NULL;
        return qli_rw_copy(p->rw, key != NULL ? key : item, 0, e);
    }
    for (uint32_t i = 0; i < (*e)->nargs; i++) {
        QL_TRY(translate(p, d, &(*e)->args[i], keys));
    }
    return QL_OK;
}

static ql_status
put(push *p, ql_query *d, const ql_expr *e)
{
    ql_expr *copy;
    bool before = d->grouped && d->ngroup > 0;
    if (!is_block(d)) {
        QL_TRY(put(p, d->left, e));
        return put(p, d->right, e);
    }
    if (before) {
        QL_TRY(is_before_grouping(p, d, e, &before));
    }
    QL_TRY(qli_rw_copy(p->rw, e, 0, &copy));
    QL_TRY(translate(p, d, &copy, before));
    QL_TRY(qli_rw_fold(p->rw, &copy));
    return qli_rw_and(p->rw, copy, d->grouped && !before ? &d->having : &d->where);
}

/* A common table expression that is mentioned several times and gives other rows each time that it
 * is computed has to be computed once, for all. */
static ql_status
is_one_for_all(qli_rw *rw, const ql_query *d, bool *yes)
{
    bool pure = true;
    QL_TRY(ql_query_is_shared(d) ? qli_rw_block_is_pure(rw, d, &pure) : QL_OK);
    *yes = !pure;
    return QL_OK;
}

static bool
can_take(const ql_ctx *cx, const ql_query *q, uint16_t source)
{
    const ql_source *s = &q->sources[source];
    return s->derived != NULL && is_open(s->derived) &&
           ql_source_switch(cx, q, s, -1, QL_SWITCH_DERIVED_CONDITION_PUSHDOWN);
}

/* Conditions joined by AND that are about a derived table of `among`; what has gone in becomes
 * TRUE. */
static ql_status
push_from(qli_rw *rw, ql_query *q, ql_expr **e, uint64_t among)
{
    QL_TRY(ql_bulk_node(rw->cx));
    while ((*e)->kind == QL_E_OP && (*e)->op == QL_OP_AND) {
        QL_TRY(push_from(rw, q, &(*e)->args[0], among));
        e = &(*e)->args[1];
    }
    qli_rw_uses uses;
    bool yes;
    QL_TRY(qli_rw_uses_of(rw, q, *e, &uses));
    if (uses.others || uses.sources == 0 || (uses.sources & (uses.sources - 1)) != 0 ||
        (uses.sources & among) == 0) {
        return QL_OK;
    }
    push p = {rw, q, (uint16_t)__builtin_ctzll(uses.sources)};
    QL_TRY(qli_rw_is_pure(rw, *e, &yes));
    QL_TRY(yes ? fits(&p, *e, &yes) : QL_OK);
    bool one = false;
    QL_TRY(yes ? is_one_for_all(rw, q->sources[p.source].derived, &one) : QL_OK);
    if (!yes || one) {
        return QL_OK;
    }
    ql_query_own(q->sources[p.source].derived);
    QL_TRY(put(&p, q->sources[p.source].derived, *e));
    *e = qli_rw_true(rw);
    return *e != NULL ? QL_OK : QL_ERROR;
}

static uint64_t
takers(const ql_ctx *cx, const ql_query *q, const ql_join_tree *t)
{
    if (t->is_leaf) {
        return can_take(cx, q, t->source) ? UINT64_C(1) << t->source : 0;
    }
    uint64_t left = takers(cx, q, t->left);
    return t->kind == QL_JOIN_INNER ? left | takers(cx, q, t->right) : left;
}

static ql_status
push_tree(qli_rw *rw, ql_query *q, ql_join_tree *t)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    uint64_t among = takers(rw->cx, q, t->right);
    if (t->kind == QL_JOIN_INNER || t->kind == QL_JOIN_SEMI) {
        among |= takers(rw->cx, q, t->left);
    }
    QL_TRY(t->on != NULL && among != 0 ? push_from(rw, q, &t->on, among) : QL_OK);
    QL_TRY(push_tree(rw, q, t->left));
    return push_tree(rw, q, t->right);
}

ql_status
qli_rw_push_down(qli_rw *rw, ql_query *q)
{
    if (q->from == NULL) {
        return QL_OK;
    }
    uint64_t among = takers(rw->cx, q, q->from);
    QL_TRY(q->where != NULL && among != 0 ? push_from(rw, q, &q->where, among) : QL_OK);
    return push_tree(rw, q, q->from);
}
