/* SPDX-License-Identifier: Apache-2.0
 *
 * Outer joins: one whose made-up rows some condition takes away again is an inner join (manual,
 * "Outer Join Simplification"); one whose right side is a table of which nothing is used, and of
 * which each row on the left finds at most one, is nothing at all.
 */
#include "rewrite/rewrite_int.h"

/* A condition that holds for all rows that come out of a tree; innermost first. */
typedef struct filter {
    ql_expr *e;
    const struct filter *next;
} filter;

/* --- NULLs --- */

typedef struct nulls {
    const ql_query *q;
    const bool *slot; /* [nslots] those that are NULL together */
} nulls;

static bool
is_strict(const nulls *n, const ql_expr *e)
{
    if (e->kind == QL_E_SLOT) {
        return n->slot[e->index];
    }
    if (e->kind == QL_E_CAST) {
        return !e->zero_if_bad && is_strict(n, e->args[0]);
    }
    if (e->kind != QL_E_OP) {
        return false;
    }
    switch (e->op) {
    case QL_OP_OR:
    case QL_OP_AND: /* NULL AND 0 is 0 */
        return is_strict(n, e->args[0]) && is_strict(n, e->args[1]);
    case QL_OP_EQ:
    case QL_OP_NE:
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
    case QL_OP_ADD:
    case QL_OP_SUB:
    case QL_OP_MUL:
        return is_strict(n, e->args[0]) || is_strict(n, e->args[1]);
    case QL_OP_IN:
    case QL_OP_NOT_IN:
    case QL_OP_LIKE:
    case QL_OP_NOT_LIKE:
    case QL_OP_NOT:
    case QL_OP_NEG:
        return is_strict(n, e->args[0]);
    default:
        return false;
    }
}

static ql_status
rejects(qli_rw *rw, const nulls *n, const ql_expr *e, bool *yes)
{
    *yes = false;
    QL_TRY(ql_bulk_node(rw->cx));
    if (e->kind == QL_E_OP && (e->op == QL_OP_AND || e->op == QL_OP_OR)) {
        QL_TRY(rejects(rw, n, e->args[0], yes));
        return *yes == (e->op == QL_OP_OR) ? rejects(rw, n, e->args[1], yes) : QL_OK;
    }
    if (e->kind == QL_E_OP && e->op == QL_OP_IS_TRUE) {
        return rejects(rw, n, e->args[0], yes);
    }
    *yes = e->kind == QL_E_OP && e->op == QL_OP_IS_NOT_NULL ? is_strict(n, e->args[0])
                                                            : is_strict(n, e);
    return QL_OK;
}

static void
mark_slots(const ql_query *q, const ql_join_tree *t, bool *slot)
{
    if (!t->is_leaf) {
        mark_slots(q, t->left, slot);
        if (t->kind == QL_JOIN_INNER || t->kind == QL_JOIN_LEFT) {
            mark_slots(q, t->right, slot);
        }
        return;
    }
    const ql_source *s = &q->sources[t->source];
    for (uint16_t c = 0; c < s->ncols; c++) {
        slot[s->slots[c]] = true;
    }
}

static ql_status
takes_away(qli_rw *rw, const ql_query *q, const ql_join_tree *right, const filter *f, bool *yes)
{
    bool *slot = QL_ARENA_ARRAY(rw->cx, rw->a, bool, q->nslots + 1u);
    if (slot == NULL) {
        return QL_ERROR;
    }
    mark_slots(q, right, slot);
    nulls n = {q, slot};
    *yes = false;
    for (; f != NULL && !*yes; f = f->next) {
        QL_TRY(f->e != NULL ? rejects(rw, &n, f->e, yes) : QL_OK);
    }
    return QL_OK;
}

static ql_status
simplify(qli_rw *rw, const ql_query *q, ql_join_tree *t, const filter *f)
{
    if (t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(ql_check(rw->cx));
    if (t->kind == QL_JOIN_LEFT && f != NULL) {
        bool yes;
        QL_TRY(takes_away(rw, q, t->right, f, &yes));
        t->kind = yes ? QL_JOIN_INNER : QL_JOIN_LEFT;
    }
    filter both = {t->on, f}, on = {t->on, NULL};
    bool filters = t->kind == QL_JOIN_INNER || t->kind == QL_JOIN_SEMI;
    QL_TRY(simplify(rw, q, t->left, filters ? &both : f));
    return simplify(rw, q, t->right, t->kind == QL_JOIN_INNER ? &both : &on);
}

ql_status
qli_rw_simplify_joins(qli_rw *rw, ql_query *q)
{
    filter where = {q->where, NULL};
    return q->from != NULL ? simplify(rw, q, q->from, &where) : QL_OK;
}

/* --- tables that are not needed --- */

typedef struct usage {
    const ql_source *s;
    const ql_expr *but; /* not what is in there */
    bool found;
} usage;

static ql_status
note_usage(qli_rw_walk *w, ql_expr *e, uint32_t depth, bool *descend)
{
    usage *u = w->arg;
    bool own = (e->kind == QL_E_SLOT && depth == 0) ||
               (e->kind == QL_E_OUTER && depth > 0 && e->depth == depth);
    for (uint16_t c = 0; own && c < u->s->ncols; c++) {
        u->found |= u->s->slots[c] == e->index;
    }
    *descend = !u->found && e != u->but;
    return QL_OK;
}

/* Does some condition of ON say that the column is equal to what the left side has? */
static ql_status
is_fixed(qli_rw *rw, const ql_query *q, uint16_t source, const ql_expr *on, uint16_t column,
         bool *yes)
{
    *yes = false;
    QL_TRY(ql_bulk_node(rw->cx));
    if (on->kind != QL_E_OP) {
        return QL_OK;
    }
    if (on->op == QL_OP_AND) {
        QL_TRY(is_fixed(rw, q, source, on->args[0], column, yes));
        return *yes ? QL_OK : is_fixed(rw, q, source, on->args[1], column, yes);
    }
    const ql_source *s = &q->sources[source];
    const ql_type *t = &s->table->columns[column].type;
    for (unsigned i = 0; on->op == QL_OP_EQ && i < 2 && !*yes; i++) {
        const ql_expr *a = on->args[i];
        qli_rw_uses uses;
        bool is_column = false;
        for (uint16_t c = 0; a->kind == QL_E_SLOT && c < s->ncols; c++) {
            is_column |= s->slots[c] == a->index && s->ordinals[c] == column;
        }
        if (!is_column || on->compare_kind != t->kind ||
            (t->kind == QL_K_STRING && on->coll != t->coll)) {
            continue;
        }
        QL_TRY(qli_rw_uses_of(rw, q, on->args[1 - i], &uses));
        *yes = (uses.sources >> source & 1) == 0 && !uses.others;
    }
    return QL_OK;
}

static ql_status
gives_one_row(qli_rw *rw, const ql_query *q, uint16_t source, const ql_expr *on, bool *yes)
{
    const ql_table *t = q->sources[source].table;
    *yes = false;
    for (uint16_t i = 0; i < t->nindexes && !*yes; i++) {
        const ql_index *x = &t->indexes[i];
        *yes = x->unique && !x->hidden_rowid && x->nparts > 0;
        for (uint16_t p = 0; p < x->nparts && *yes; p++) {
            *yes = x->parts[p].prefix == 0;
            QL_TRY(*yes ? is_fixed(rw, q, source, on, x->parts[p].column, yes) : QL_OK);
        }
    }
    return QL_OK;
}

static ql_status
is_needless(qli_rw *rw, ql_query *q, const ql_join_tree *t, bool *yes)
{
    *yes = false;
    if (t->kind != QL_JOIN_LEFT || !t->right->is_leaf || t->on == NULL) {
        return QL_OK;
    }
    const ql_source *s = &q->sources[t->right->source];
    if (s->table == NULL || s->table->is_virtual || s->locking.kind != QL_LK_NONE) {
        return QL_OK;
    }
    usage u = {.s = s, .but = t->on};
    qli_rw_walk w = {.rw = rw, .expr = note_usage, .arg = &u};
    QL_TRY(qli_rw_is_pure(rw, t->on, yes));
    QL_TRY(*yes ? qli_rw_walk_block(&w, q, 0) : QL_OK);
    *yes = *yes && !u.found;
    return *yes ? gives_one_row(rw, q, t->right->source, t->on, yes) : QL_OK;
}

static ql_status
drop_needless(qli_rw *rw, ql_query *q, ql_join_tree **t)
{
    bool yes = true;
    while (yes && !(*t)->is_leaf) {
        QL_TRY(is_needless(rw, q, *t, &yes));
        *t = yes ? (*t)->left : *t;
    }
    if ((*t)->is_leaf) {
        return QL_OK;
    }
    QL_TRY(drop_needless(rw, q, &(*t)->left));
    return drop_needless(rw, q, &(*t)->right);
}

ql_status
qli_rw_drop_joins(qli_rw *rw, ql_query *q)
{
    return q->from != NULL ? drop_needless(rw, q, &q->from) : QL_OK;
}
