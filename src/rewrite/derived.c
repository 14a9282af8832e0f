/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived tables, views and common table expressions that only select from tables and join them
 * become part of the block that reads them (manual, "Optimizing Derived Tables, View References,
 * and Common Table Expressions with Merging or Materialization"): their tables take the place of
 * the source, their WHERE joins the conditions there, and their columns are what they compute.
 */
#include "rewrite/rewrite_int.h"

/* Where a source stands in a join tree. */
typedef struct place {
    ql_join_tree *leaf;
    ql_join_tree *owner; /* the join whose ON decides about its rows; NULL: WHERE does */
    bool outer_joined;   /* an outer join may make its rows up */
} place;

static bool
find_place(ql_join_tree *t, uint16_t source, place *p)
{
    if (t->is_leaf) {
        p->leaf = t;
        return t->source == source;
    }
    if (find_place(t->left, source, p)) {
        return true;
    }
    if (!find_place(t->right, source, p)) {
        return false;
    }
    if (p->owner == NULL && t->kind != QL_JOIN_INNER) {
        p->owner = t;
    }
    p->outer_joined |= t->kind == QL_JOIN_LEFT;
    return true;
}

/* NULL when the columns that it looks at are, all of them. */
static bool
is_strict(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_SLOT:
        return true;
    case QL_E_CAST:
        return is_strict(e->args[0]);
    case QL_E_OP:
        switch (e->op) {
        case QL_OP_ADD:
        case QL_OP_SUB:
        case QL_OP_MUL:
        case QL_OP_EQ:
        case QL_OP_LT:
        case QL_OP_LE:
        case QL_OP_GT:
        case QL_OP_GE:
        case QL_OP_NE:
            return is_strict(e->args[0]) || is_strict(e->args[1]);
        case QL_OP_NEG:
            return is_strict(e->args[0]);
        default:
            return false;
        }
    default:
        return false;
    }
}

/* Can the value stand wherever the column does? */
static ql_status
item_moves(qli_rw *rw, const ql_expr *e, bool outer_joined, bool *yes)
{
    uint32_t n;
    *yes = !outer_joined || is_strict(e);
    if (!*yes || e->kind == QL_E_SLOT) {
        return QL_OK;
    }
    QL_TRY(qli_rw_size(rw, e, QLI_RW_MAX_COPIED, &n));
    *yes = n < QLI_RW_MAX_COPIED;
    return *yes ? qli_rw_is_pure(rw, e, yes) : QL_OK;
}

static bool
is_plain(const ql_query *q)
{
    bool plain = q->set_op == QL_SET_NONE && !q->grouped && q->having == NULL && !q->distinct &&
                 q->limit == NULL && q->offset == NULL && q->from != NULL && !q->calc_found_rows;
    for (uint16_t i = 0; i < q->nsources && plain; i++) {
        plain = q->sources[i].locking.kind == QL_LK_NONE;
    }
    return plain;
}

static bool
is_kept_apart(const ql_source *s)
{
    return s->locking.kind != QL_LK_NONE ||
           (s->view != NULL && s->view->view->algorithm == QL_VIEW_TEMPTABLE);
}

static ql_status
can_merge(qli_rw *rw, const ql_query *q, const ql_source *s, const place *p, bool *yes)
{
    const ql_query *d = s->derived;
    *yes = is_plain(d) && !is_kept_apart(s) && qli_rw_has_room(q, d, 1);
    for (uint16_t i = 0; i < d->nsources && *yes; i++) {
        *yes = d->sources[i].json == NULL;
    }
    for (uint16_t i = 0; i < s->ncols && *yes; i++) {
        QL_TRY(item_moves(rw, d->items[s->ordinals[i]].expr, p->outer_joined, yes));
    }
    if (*yes && d->where != NULL) {
        QL_TRY(qli_rw_is_pure(rw, d->where, yes));
    }
    return QL_OK;
}

/* ORDER BY of a derived table counts where it is all that is read and nothing else makes an order.
 */
static bool
keeps_order(const ql_query *q)
{
    return q->from->is_leaf && !q->grouped && !q->distinct && q->having == NULL && q->norder == 0;
}

static ql_status
merge(qli_rw *rw, ql_query *q, uint16_t source, const place *p)
{
    ql_query *d = q->sources[source].derived;
    uint16_t nslots = q->nslots;
    ql_expr **by_slot = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, nslots + 1u);
    ql_source was = q->sources[source];
    if (by_slot == NULL) {
        return QL_ERROR;
    }
    if (keeps_order(q)) {
        q->order_by = d->order_by;
        q->norder = d->norder;
    }
    ql_query_own(d);
    QL_TRY(qli_rw_absorb(rw, q, d, source, p->outer_joined));
    for (uint16_t i = 0; i < was.ncols; i++) {
        by_slot[was.slots[i]] = d->items[was.ordinals[i]].expr;
    }
    QL_TRY(qli_rw_substitute(rw, q, by_slot, nslots, p->outer_joined));
    *p->leaf = *d->from;
    return qli_rw_and(rw, d->where, p->owner != NULL ? &p->owner->on : &q->where);
}

ql_status
qli_rw_merge_derived(qli_rw *rw, ql_query *q)
{
    if (q->from == NULL) {
        return QL_OK;
    }
    uint16_t n = q->nsources; /* what comes in has been through it */
    for (uint16_t i = 0; i < n; i++) {
        place p = {0};
        bool yes;
        QL_TRY(ql_check(rw->cx));
        if (q->sources[i].derived == NULL ||
            !ql_source_switch(rw->cx, q, &q->sources[i], -1, QL_SWITCH_DERIVED_MERGE) ||
            !find_place(q->from, i, &p)) {
            continue;
        }
        QL_TRY(can_merge(rw, q, &q->sources[i], &p, &yes));
        QL_TRY(yes ? merge(rw, q, i, &p) : QL_OK);
    }
    return QL_OK;
}
