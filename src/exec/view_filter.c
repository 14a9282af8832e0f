/* SPDX-License-Identifier: Apache-2.0
 *
 * What the conditions of a block say about the rows of a virtual table: the database and the table
 * that they must be about (catalog/virtual.h, ql_view_filter). The conditions are evaluated on the
 * rows all the same. Texts are compared by the collation of the condition; one by bytes may be a
 * look-up.
 */
#include "base/bulk.h"
#include "exec/exec_int.h"

struct qli_view_filter {
    ql_block *block;
    const ql_source *source;
    ql_arena *mem;
    ql_ex *schema, *table; /* NULL = nothing named */
    const ql_collation *schema_coll, *table_coll;
    uint64_t columns;
};

/* What kind of name the column is that e stands for; 0 = none. */
static unsigned
name_flags(const qli_view_filter *w, const ql_expr *e)
{
    const ql_source *s = w->source;
    for (uint16_t i = 0; e->kind == QL_E_SLOT && i < s->ncols; i++) {
        if (s->slots[i] == e->index) {
            return s->table->virt->columns[s->ordinals[i]].flags & (QL_VIEW_SCHEMA | QL_VIEW_TABLE);
        }
    }
    return 0;
}

static bool
is_named(const qli_view_filter *w, unsigned flags)
{
    return (flags & QL_VIEW_SCHEMA) ? w->schema != NULL : w->table != NULL;
}

/* Evaluated once more than the statement says, so only what has no effects and costs nothing. */
static ql_status
is_plain_constant(ql_ctx *cx, const ql_expr *e, bool *yes)
{
    *yes = e->is_constant && e->query == NULL &&
           (e->kind != QL_E_FUNC || !(ql_func_flags(e->fn) & (QL_FF_NONDET | QL_FF_COSTLY)));
    QL_TRY(ql_bulk_node(cx));
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(is_plain_constant(cx, e->args[i], yes));
    }
    return QL_OK;
}

/* A column of names = value. One of each kind is enough. */
static ql_status
note_value(ql_ctx *cx, qli_view_filter *w, unsigned flags, const ql_expr *value,
           const ql_collation *coll)
{
    ql_env env = ql_block_env(w->block, w->mem);
    env.single = true;
    bool plain;
    if (flags == 0 || is_named(w, flags) || value->type.kind != QL_K_STRING) {
        return QL_OK;
    }
    QL_TRY(is_plain_constant(cx, value, &plain));
    if (!plain) {
        return QL_OK;
    }
    if (flags & QL_VIEW_SCHEMA) {
        w->schema_coll = coll;
        return ql_ex_new(cx, &env, value, &w->schema);
    }
    w->table_coll = coll;
    return ql_ex_new(cx, &env, value, &w->table);
}

/* Calls look for each text = text among the conditions of e that are joined by AND. */
typedef struct looker looker;
struct looker {
    qli_view_filter *w;
    ql_status (*look)(ql_ctx *cx, const looker *l, const ql_expr *left, const ql_expr *right,
                      const ql_collation *coll);
    unsigned flags; /* of the column that is equal to `slot` */
    uint32_t slot;
    const ql_collation *coll;
    const ql_join_tree *optional; /* one of the two columns comes from there; NULL = any will do */
};

static ql_status
each_equality(ql_ctx *cx, const looker *l, const ql_expr *e)
{
    QL_TRY(ql_bulk_node(cx));
    if (e == NULL || e->kind != QL_E_OP) {
        return QL_OK;
    }
    if (e->op == QL_OP_AND) {
        QL_TRY(each_equality(cx, l, e->args[0]));
        return each_equality(cx, l, e->args[1]);
    }
    if (e->op == QL_OP_EQ && e->compare_kind == QL_K_STRING && e->coll != NULL) {
        QL_TRY(l->look(cx, l, e->args[0], e->args[1], e->coll));
        return l->look(cx, l, e->args[1], e->args[0], e->coll);
    }
    return QL_OK;
}

static ql_status
look_for_value(ql_ctx *cx, const looker *l, const ql_expr *left, const ql_expr *right,
               const ql_collation *coll)
{
    return note_value(cx, l->w, name_flags(l->w, left), right, coll);
}

/* --- through a join ---
 * view.name = other.column in WHERE or ON, and other.column = value in WHERE. A row of the result
 * has other.column = value; when it came about by that ON, the row of the view in it has the name,
 * and others only make rows that WHERE takes away. An outer join whose ON did not hold gives rows,
 * too: with NULLs from its optional side, where WHERE does not let other.column be, and where a row
 * of the view does not matter. So one of the two has to be there. */

static bool
is_from(const ql_query *q, const ql_join_tree *t, uint32_t slot)
{
    if (!t->is_leaf) {
        return is_from(q, t->left, slot) || is_from(q, t->right, slot);
    }
    const ql_source *s = &q->sources[t->source];
    for (uint16_t i = 0; i < s->ncols; i++) {
        if (s->slots[i] == slot) {
            return true;
        }
    }
    return false;
}

static ql_status
look_for_slot_value(ql_ctx *cx, const looker *l, const ql_expr *left, const ql_expr *right,
                    const ql_collation *coll)
{
    if (left->kind != QL_E_SLOT || left->index != l->slot || coll != l->coll) {
        return QL_OK;
    }
    return note_value(cx, l->w, l->flags, right, coll);
}

static ql_status
look_for_slot(ql_ctx *cx, const looker *l, const ql_expr *left, const ql_expr *right,
              const ql_collation *coll)
{
    const ql_query *q = l->w->block->query;
    unsigned flags = name_flags(l->w, left);
    if (flags == 0 || is_named(l->w, flags) || right->kind != QL_E_SLOT) {
        return QL_OK;
    }
    if (l->optional != NULL && !is_from(q, l->optional, left->index) &&
        !is_from(q, l->optional, right->index)) {
        return QL_OK;
    }
    looker next = {
        .w = l->w, .look = look_for_slot_value, .flags = flags, .slot = right->index, .coll = coll};
    return each_equality(cx, &next, q->where);
}

static ql_status
each_on(ql_ctx *cx, qli_view_filter *w, const ql_join_tree *t)
{
    if (t == NULL || t->is_leaf) {
        return QL_OK;
    }
    bool optional = t->kind == QL_JOIN_LEFT || t->kind == QL_JOIN_ANTI;
    looker l = {.w = w, .look = look_for_slot, .optional = optional ? t->right : NULL};
    QL_TRY(each_equality(cx, &l, t->on));
    QL_TRY(each_on(cx, w, t->left));
    return each_on(cx, w, t->right);
}

ql_status
qli_view_filter_new(ql_ctx *cx, ql_block *b, const ql_source *source, const ql_expr *filter,
                    ql_arena *mem, qli_view_filter **out)
{
    qli_view_filter *w = QL_ARENA_NEW(cx, b->mem, qli_view_filter);
    if (w == NULL) {
        return QL_ERROR;
    }
    *w = (qli_view_filter){.block = b, .source = source, .mem = mem};
    for (uint16_t i = 0; i < source->ncols; i++) {
        w->columns |= UINT64_C(1) << source->ordinals[i];
    }
    *out = w;
    looker own = {.w = w, .look = look_for_value}, other = {.w = w, .look = look_for_slot};
    QL_TRY(each_equality(cx, &own, filter));
    if (b->query->nsources < 2 || (w->schema != NULL && w->table != NULL)) {
        return QL_OK;
    }
    QL_TRY(each_equality(cx, &other, b->query->where));
    return each_on(cx, w, b->query->from);
}

/* Left open when it is NULL. Blanks at the end do not count for a collation that pads. */
static ql_status
take_name(ql_ctx *cx, qli_view_filter *w, ql_ex *ex, ql_str *name, const ql_collation **coll)
{
    ql_value v;
    if (ex == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_ex_one(cx, ex, &w->block->bind, 0, &v));
    QL_TRY(ql_value_keep(cx, w->mem, &v));
    if (v.kind != QL_K_STRING) {
        return QL_OK;
    }
    *name = v.s.p != NULL ? v.s : QL_STR("");
    if (!(*coll)->is_binary) {
        return QL_OK;
    }
    while ((*coll)->pad_space && name->n > 0 && name->p[name->n - 1] == ' ') {
        name->n--;
    }
    *coll = NULL;
    return QL_OK;
}

ql_status
qli_view_filter_values(ql_ctx *cx, qli_view_filter *w, ql_view_filter *out)
{
    *out = (ql_view_filter){
        .schema_coll = w->schema_coll, .table_coll = w->table_coll, .columns = w->columns};
    QL_TRY(take_name(cx, w, w->schema, &out->schema, &out->schema_coll));
    return take_name(cx, w, w->table, &out->table, &out->table_coll);
}
