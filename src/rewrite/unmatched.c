/* SPDX-License-Identifier: Apache-2.0
 *
 * LEFT JOIN ... WHERE a column of the right side IS NULL that cannot be NULL in a row that was
 * found: what is left are the rows of the left side that have found nothing, each once. That is an
 * anti-join, which may stop at the first row found; columns of the right side are NULL above it.
 */
#include "rewrite/rewrite_int.h"

typedef struct search {
    qli_rw *rw;
    ql_query *q;
} search;

/* Sources with a row of their own in each row that the tree gives. */
static uint64_t
always_there(const ql_join_tree *t)
{
    if (t->is_leaf) {
        return UINT64_C(1) << t->source;
    }
    return always_there(t->left) | (t->kind == QL_JOIN_INNER ? always_there(t->right) : 0);
}

/* Is the column NOT NULL, of a table among those? */
static bool
is_never_null(const ql_query *q, uint64_t sources, uint32_t slot)
{
    for (uint16_t s = 0; s < q->nsources; s++) {
        const ql_source *src = &q->sources[s];
        for (uint16_t c = 0; (sources >> s & 1) && src->table != NULL && c < src->ncols; c++) {
            if (src->slots[c] == slot) {
                return !src->table->columns[src->ordinals[c]].type.nullable;
            }
        }
    }
    return false;
}

/* Does ON ask for a value in the slot, compared as it is? */
static ql_status
is_asked_for(search *s, const ql_expr *on, uint32_t slot, bool *yes)
{
    QL_TRY(ql_bulk_node(s->rw->cx));
    *yes = false;
    if (on->kind != QL_E_OP) {
        return QL_OK;
    }
    if (on->op == QL_OP_AND) {
        QL_TRY(is_asked_for(s, on->args[0], slot, yes));
        return *yes ? QL_OK : is_asked_for(s, on->args[1], slot, yes);
    }
    if (on->op == QL_OP_EQ || (on->op >= QL_OP_NE && on->op <= QL_OP_GE)) {
        for (unsigned i = 0; i < 2; i++) {
            *yes |= on->args[i]->kind == QL_E_SLOT && on->args[i]->index == slot;
        }
    }
    return QL_OK;
}

/* A condition of WHERE that only rows without a match pass; *at NULL: there is none. */
static ql_status
find_condition(search *s, const ql_join_tree *t, ql_expr **e, ql_expr ***at)
{
    QL_TRY(ql_bulk_node(s->rw->cx));
    for (; (*e)->kind == QL_E_OP && (*e)->op == QL_OP_AND; e = &(*e)->args[1]) {
        QL_TRY(find_condition(s, t, &(*e)->args[0], at));
        if (*at != NULL) {
            return QL_OK;
        }
    }
    if ((*e)->kind != QL_E_OP || (*e)->op != QL_OP_IS_NULL || (*e)->args[0]->kind != QL_E_SLOT) {
        return QL_OK;
    }
    uint32_t slot = (*e)->args[0]->index;
    qli_rw_uses uses;
    bool yes = is_never_null(s->q, always_there(t->right), slot);
    QL_TRY(qli_rw_uses_of(s->rw, s->q, (*e)->args[0], &uses));
    if (!yes && !uses.others && (uses.sources & always_there(t->right)) != 0) {
        QL_TRY(is_asked_for(s, t->on, slot, &yes));
    }
    *at = yes ? e : NULL;
    return QL_OK;
}

static uint64_t
sources_of(const ql_join_tree *t)
{
    return t->is_leaf ? UINT64_C(1) << t->source : sources_of(t->left) | sources_of(t->right);
}

/* Are rows of the tree changed? */
static bool
has_target(const ql_query *q, uint64_t sources)
{
    for (uint16_t i = 0; i < q->nsources; i++) {
        if ((sources >> i & 1) && q->sources[i].locking.kind != QL_LK_NONE) {
            return true;
        }
    }
    return false;
}

/* Does ON join, and nothing that somebody could count? */
static ql_status
is_join(search *s, const ql_join_tree *t, bool *yes)
{
    qli_rw_uses uses;
    *yes = t->on != NULL && !has_target(s->q, sources_of(t->right));
    if (!*yes) {
        return QL_OK;
    }
    QL_TRY(qli_rw_uses_of(s->rw, s->q, t->on, &uses));
    *yes = (uses.sources & sources_of(t->left)) != 0 && (uses.sources & sources_of(t->right)) != 0;
    return *yes ? qli_rw_is_pure(s->rw, t->on, yes) : QL_OK;
}

/* --- above the join --- */

static ql_status
null_of(search *s, uint32_t slot, ql_expr **out)
{
    ql_expr *e = qli_rw_node(s->rw, QL_E_CONST);
    *out = e;
    if (e == NULL) {
        return QL_ERROR;
    }
    e->type = s->q->slot_types[slot];
    e->type.nullable = true;
    e->value = ql_value_null();
    e->is_constant = true;
    return QL_OK;
}

/* Columns of the right side are NULL, but in the join itself. */
static ql_status
make_null(search *s, ql_join_tree *t)
{
    uint64_t gone = sources_of(t->right);
    ql_expr **by_slot = QL_ARENA_ARRAY(s->rw->cx, s->rw->a, ql_expr *, s->q->nslots + 1u);
    if (by_slot == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < s->q->nsources; i++) {
        const ql_source *src = &s->q->sources[i];
        for (uint16_t c = 0; (gone >> i & 1) && c < src->ncols; c++) {
            QL_TRY(null_of(s, src->slots[c], &by_slot[src->slots[c]]));
        }
    }
    ql_join_tree *right = t->right, nothing = {.is_leaf = true};
    ql_expr *on = t->on;
    t->right = &nothing;
    t->on = NULL;
    ql_status st = qli_rw_substitute(s->rw, s->q, by_slot, s->q->nslots, true);
    t->right = right;
    t->on = on;
    return st;
}

static ql_status
in_tree(search *s, ql_join_tree *t)
{
    ql_expr **at = NULL;
    bool yes;
    if (t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(ql_check(s->rw->cx));
    if (t->kind == QL_JOIN_LEFT) {
        QL_TRY(is_join(s, t, &yes));
        QL_TRY(yes ? find_condition(s, t, &s->q->where, &at) : QL_OK);
        if (at != NULL) {
            *at = qli_rw_true(s->rw);
            QL_TRY(*at != NULL ? make_null(s, t) : QL_ERROR);
            t->kind = QL_JOIN_ANTI;
        }
    }
    QL_TRY(in_tree(s, t->left));
    return t->kind == QL_JOIN_INNER ? in_tree(s, t->right) : QL_OK;
}

ql_status
qli_rw_unmatched(qli_rw *rw, ql_query *q)
{
    search s = {rw, q};
    bool locks = false;
    for (uint16_t i = 0; i < q->nsources && q != rw->fixed; i++) {
        locks |= q->sources[i].locking.kind != QL_LK_NONE; /* what falls out is not to be locked */
    }
    return q->from != NULL && q->where != NULL && !locks ? in_tree(&s, q->from) : QL_OK;
}
