/* SPDX-License-Identifier: Apache-2.0
 *
 * The SELECTs of a statement: their numbers in the order of the text, their plans, and which of
 * them have been printed.
 */
#include <string.h>

#include "base/bulk.h"
#include "plan/explain_int.h"

static qli_numbered *
find(const qli_explain *x, const ql_query *q)
{
    for (size_t i = 0; i < x->n; i++) {
        if (x->blocks[i].q == q) {
            return &x->blocks[i];
        }
    }
    return NULL;
}

/* Of a UNION. */
static const ql_query *
first_select(const ql_query *q)
{
    while (q->set_op != QL_SET_NONE) {
        q = q->left;
    }
    return q;
}

static ql_status
add(qli_explain *x, const ql_query *q)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 16;
        qli_numbered *v = QL_ARENA_ARRAY(x->cx, x->a, qli_numbered, cap);
        if (!v) {
            return QL_ERROR;
        }
        if (x->n) {
            memcpy(v, x->blocks, x->n * sizeof *v);
        }
        x->blocks = v;
        x->cap = cap;
    }
    x->blocks[x->n++] = (qli_numbered){.q = q, .id = ++x->last_id};
    return QL_OK;
}

/* ---- subqueries of expressions ---- */

static ql_status
each_query(qli_explain *x, const ql_expr *e, qli_query_visit visit, void *arg)
{
    if (!e) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(x->cx));
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(each_query(x, e->args[i], visit, arg));
    }
    return e->query ? visit(arg, e->query) : QL_OK;
}

static ql_status
each_in_items(qli_explain *x, const ql_query *q, qli_query_visit visit, void *arg)
{
    for (uint16_t i = 0; q->set_op == QL_SET_NONE && i < q->nitems; i++) {
        QL_TRY(each_query(x, q->items[i].expr, visit, arg));
    }
    return QL_OK;
}

static ql_status
each_in_joins(qli_explain *x, const ql_join_tree *t, qli_query_visit visit, void *arg)
{
    if (!t || t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(each_in_joins(x, t->left, visit, arg));
    QL_TRY(each_in_joins(x, t->right, visit, arg));
    return each_query(x, t->on, visit, arg);
}

static ql_status
each_in_rest(qli_explain *x, const ql_query *q, qli_query_visit visit, void *arg)
{
    for (uint16_t i = 0; i < q->nknown; i++) {
        QL_TRY(each_query(x, q->known[i], visit, arg));
    }
    QL_TRY(each_query(x, q->where, visit, arg));
    for (uint16_t i = 0; i < q->ngroup; i++) {
        QL_TRY(each_query(x, q->group_by[i], visit, arg));
    }
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            QL_TRY(each_query(x, q->aggs[i].args[k], visit, arg));
        }
    }
    QL_TRY(each_query(x, q->having, visit, arg));
    for (uint16_t i = 0; q->set_op == QL_SET_NONE && i < q->norder; i++) {
        QL_TRY(each_query(x, q->order_by[i].expr, visit, arg));
    }
    return QL_OK;
}

/* ---- numbers ---- */

/* Mentions of a common table expression that read the same rows are one, that of the first: it has
 * been numbered. */
static ql_status
number_again(qli_explain *x, const ql_query *q, bool *yes)
{
    for (size_t i = 0; i < x->n; i++) {
        if (ql_query_is_shared(q) && x->blocks[i].cte == q->cte) {
            qli_numbered same = x->blocks[i];
            *yes = true;
            QL_TRY(add(x, first_select(q)));
            x->last_id--;
            x->blocks[x->n - 1].id = same.id;
            x->blocks[x->n - 1].told = true;
            return QL_OK;
        }
    }
    *yes = false;
    return QL_OK;
}

static ql_status
number(void *arg, const ql_query *q)
{
    qli_explain *x = arg;
    QL_TRY(ql_check(x->cx));
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(number(x, q->left));
        return number(x, q->right);
    }
    if (find(x, q)) {
        return QL_OK;
    }
    QL_TRY(add(x, q));
    QL_TRY(each_in_items(x, q, number, x));
    for (uint16_t i = 0; i < q->nsources; i++) {
        const ql_query *d = q->sources[i].derived;
        bool again = false;
        QL_TRY(d ? number_again(x, d, &again) : QL_OK);
        if (d && !again) {
            size_t at = x->n;
            QL_TRY(number(x, d));
            if (at < x->n) {
                x->blocks[at].cte = d->cte;
            }
        }
    }
    QL_TRY(each_in_joins(x, q->from, number, x));
    return each_in_rest(x, q, number, x);
}

ql_status
qli_explain_begin(qli_explain *x, ql_ctx *cx, const ql_explained *what)
{
    *x = (qli_explain){.cx = cx, .a = cx->arena, .what = what};
    QL_TRY(what->plan ? number(x, what->plan->query) : QL_OK);
    for (uint32_t i = 0; i < what->nbeside; i++) {
        QL_TRY(each_query(x, what->beside[i], number, x));
    }
    return QL_OK;
}

int64_t
qli_explain_id(const qli_explain *x, const ql_query *q)
{
    const qli_numbered *b = find(x, first_select(q));
    return b ? b->id : 0;
}

bool
qli_explain_is_elsewhere(const qli_explain *x, const ql_query *q)
{
    const qli_numbered *b = find(x, first_select(q));
    return b && b->told && ql_query_is_shared(q);
}

ql_status
qli_explain_plan(qli_explain *x, const ql_query *q, const ql_block_plan **out)
{
    const ql_explained_run *run = x->what->run;
    qli_numbered *b = find(x, q);
    *out = b ? b->plan : NULL;
    if (!*out && run) {
        *out = run->plan_of(run->arg, q);
    }
    if (!*out) {
        ql_block_plan *made;
        QL_TRY(ql_plan_query(x->cx, q, &made));
        *out = made;
    }
    if (b) {
        b->plan = *out;
    }
    return QL_OK;
}

const ql_op_counts *
qli_explain_counts(const qli_explain *x, const ql_plan *n)
{
    return x->what->run ? x->what->run->counts_of(x->what->run->arg, n) : NULL;
}

/* ---- telling each once ---- */

typedef struct telling {
    qli_explain *x;
    qli_query_visit visit;
    void *arg;
} telling;

static ql_status
tell_once(void *arg, const ql_query *q)
{
    telling *t = arg;
    qli_numbered *b = find(t->x, first_select(q));
    if (!b || b->told) {
        return QL_OK;
    }
    b->told = true;
    return t->visit(t->arg, q);
}

ql_status
qli_explain_queries(qli_explain *x, const ql_expr *e, qli_query_visit visit, void *arg)
{
    telling t = {x, visit, arg};
    return each_query(x, e, tell_once, &t);
}

ql_status
qli_explain_items_queries(qli_explain *x, const ql_query *q, qli_query_visit visit, void *arg)
{
    telling t = {x, visit, arg};
    return each_in_items(x, q, tell_once, &t);
}

ql_status
qli_explain_beside_queries(qli_explain *x, qli_query_visit visit, void *arg)
{
    telling t = {x, visit, arg};
    for (uint32_t i = 0; i < x->what->nbeside; i++) {
        QL_TRY(each_query(x, x->what->beside[i], tell_once, &t));
    }
    return QL_OK;
}

ql_status
qli_explain_other_queries(qli_explain *x, const ql_query *q, qli_query_visit visit, void *arg)
{
    telling t = {x, visit, arg};
    QL_TRY(each_in_joins(x, q->from, tell_once, &t));
    return each_in_rest(x, q, tell_once, &t);
}
