/* SPDX-License-Identifier: Apache-2.0
 *
 * ORs over several tables, said of one of them: where c.id = o.cust_id holds for every row, c.id =
 * 5 OR o.id = 7 is o.cust_id = 5 OR o.id = 7, which indexes of o can answer. Columns stand in for
 * each other only where they are compared as they are: equal texts may be spelled differently.
 */
#include "base/thread.h"
#include "rewrite/equal.h"

#define MAX_MADE 20u

typedef struct said {
    qli_rw_classes *c;
    uint16_t source; /* whose columns are to stand for the others */
    bool fails;      /* not all of it can be said so */
    bool carried;    /* some column stands for another */
} said;

/* The column of the source that equals the slot, or the slot itself if it is one. */
static bool
own_column(said *s, uint16_t slot, uint16_t *own)
{
    qli_rw_classes *c = s->c;
    const ql_source *src = &c->q->sources[s->source];
    if (c->source[slot] == s->source) {
        *own = slot;
        return true;
    }
    for (uint16_t i = 0; c->used[slot] && i < src->ncols; i++) {
        if (c->used[src->slots[i]] &&
            qli_rw_equal_root(c, src->slots[i]) == qli_rw_equal_root(c, slot)) {
            *own = src->slots[i];
            return true;
        }
    }
    return false;
}

/* Its columns are operands of the comparison, and the other operands know no row. */
static bool
can_carry(const said *s, const ql_expr *e)
{
    bool list = e->op == QL_OP_IN || e->op == QL_OP_NOT_IN;
    if (e->kind != QL_E_OP || (!list && (e->op < QL_OP_EQ || e->op > QL_OP_GE)) || e->nargs < 2) {
        return false;
    }
    for (uint32_t i = 0; i < e->nargs; i++) {
        const ql_expr *a = e->args[i];
        bool column = (i == 0 || !list) && qli_rw_is_compared_as_is(s->c, e, a);
        if (!column && a->kind != QL_E_CONST && a->kind != QL_E_OUTER) {
            return false;
        }
    }
    return true;
}

static ql_status
say(said *s, ql_expr *e)
{
    qli_rw_classes *c = s->c;
    QL_TRY(ql_bulk_node(c->rw->cx));
    if (s->fails || ql_thread_stack_left() < 65536) {
        s->fails = true;
        return QL_OK;
    }
    if (e->kind == QL_E_OP && (e->op == QL_OP_AND || e->op == QL_OP_OR)) {
        QL_TRY(say(s, e->args[0]));
        return say(s, e->args[1]);
    }
    qli_rw_uses uses;
    QL_TRY(qli_rw_uses_of(c->rw, c->q, e, &uses));
    if ((uses.sources & ~(UINT64_C(1) << s->source)) == 0) {
        return QL_OK;
    }
    s->fails = !can_carry(s, e);
    for (uint32_t i = 0; i < e->nargs && !s->fails; i++) {
        ql_expr *a = e->args[i];
        uint16_t own;
        if (a->kind != QL_E_SLOT || c->source[a->index] == s->source) {
            continue;
        }
        s->fails = !own_column(s, (uint16_t)a->index, &own);
        if (!s->fails) {
            a->index = own;
            a->type = c->q->slot_types[own];
            s->carried = true;
        }
    }
    return QL_OK;
}

static ql_status
one_source(qli_rw_classes *c, const ql_expr *e, uint16_t source, ql_expr **more)
{
    said s = {.c = c, .source = source};
    ql_expr *copy;
    QL_TRY(qli_rw_copy(c->rw, e, 0, &copy));
    QL_TRY(say(&s, copy));
    if (s.fails || !s.carried) {
        return QL_OK;
    }
    copy->implied = true;
    c->added++;
    return qli_rw_and(c->rw, copy, more);
}

static ql_status
one_or(qli_rw_classes *c, const ql_expr *e, ql_expr **more)
{
    qli_rw_uses uses;
    bool pure = false, quiet = false;
    uint32_t size;
    QL_TRY(qli_rw_uses_of(c->rw, c->q, e, &uses));
    if (e->implied || (uses.sources & (uses.sources - 1)) == 0) {
        return QL_OK;
    }
    QL_TRY(qli_rw_size(c->rw, e, QLI_RW_MAX_COPIED * 16, &size));
    QL_TRY(qli_rw_is_pure(c->rw, e, &pure));
    QL_TRY(qli_rw_is_quiet(c->rw, e, &quiet));
    if (size >= QLI_RW_MAX_COPIED * 16 || !pure || !quiet) {
        return QL_OK;
    }
    uint32_t before = c->added;
    for (uint16_t i = 0; i < c->q->nsources && c->added < before + MAX_MADE; i++) {
        QL_TRY(one_source(c, e, i, more));
    }
    return QL_OK;
}

static ql_status
in_condition(qli_rw_classes *c, const ql_expr *e, ql_expr **more)
{
    QL_TRY(ql_bulk_node(c->rw->cx));
    while (e != NULL && e->kind == QL_E_OP && e->op == QL_OP_AND) {
        if (ql_thread_stack_left() < 65536) {
            return QL_OK;
        }
        QL_TRY(in_condition(c, e->args[0], more));
        e = e->args[1];
    }
    return e != NULL && e->kind == QL_E_OP && e->op == QL_OP_OR ? one_or(c, e, more) : QL_OK;
}

static ql_status
in_tree(qli_rw_classes *c, const ql_join_tree *t, ql_expr **more)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(t->kind == QL_JOIN_INNER ? in_condition(c, t->on, more) : QL_OK);
    QL_TRY(in_tree(c, t->left, more));
    return t->kind == QL_JOIN_INNER ? in_tree(c, t->right, more) : QL_OK;
}

ql_status
qli_rw_equal_or(qli_rw_classes *c)
{
    ql_expr *more = NULL;
    QL_TRY(in_condition(c, c->q->where, &more));
    QL_TRY(in_tree(c, c->q->from, &more));
    return qli_rw_and(c->rw, more, &c->q->where);
}
