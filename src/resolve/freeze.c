/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE VIEW keeps what the names in its query meant: while the query is bound, each column, table
 * and star is written into the tree as it was found (MySQL's manual, "CREATE VIEW Statement": "The
 * view definition is frozen at creation time"). The tree was parsed for this and belongs to the
 * one who binds it, which is why it may be changed through pointers to const.
 */
#include <string.h>

#include "resolve/resolve_int.h"

/* db.t.c of a table under its own name; a.c of an alias. */
static void
qualify(const qli_scope *sc, ql_ast_expr *e, qli_name found)
{
    const ql_source *s = &sc->q->sources[found.source];
    const ql_table *t = s->view != NULL ? s->view : s->table;
    e->table = s->alias;
    e->schema = t != NULL && ql_str_eq(t->name, s->alias) ? s->db : (ql_str){0};
    e->name = qli_column_name(sc, found.source, found.column);
}

void
qli_freeze_column(const qli_scope *sc, const ql_ast_expr *e, qli_name found)
{
    qualify(sc, (ql_ast_expr *)e, found);
}

void
qli_freeze_table(const ql_ast_from *f, ql_str db)
{
    ((ql_ast_from *)f)->table.db = db;
}

static ql_ast_expr *
column_node(qli_res *r, const qli_scope *sc, qli_name n)
{
    ql_ast_expr *e = QL_ARENA_NEW(r->cx, r->a, ql_ast_expr);
    if (e != NULL) {
        e->kind = QL_A_COLUMN;
        e->height = 1;
        qualify(sc, e, n);
    }
    return e;
}

static ql_ast_expr *
binary_node(qli_res *r, ql_op op, ql_ast_expr *a, ql_ast_expr *b)
{
    ql_ast_expr *e = QL_ARENA_NEW(r->cx, r->a, ql_ast_expr);
    ql_ast_expr **v = e != NULL ? QL_ARENA_ARRAY(r->cx, r->a, ql_ast_expr *, 2) : NULL;
    if (v == NULL || a == NULL || b == NULL) {
        return NULL;
    }
    v[0] = a;
    v[1] = b;
    e->kind = QL_A_OP;
    e->op = op;
    e->args = (ql_ast_exprs){.v = v, .n = 2};
    e->height = (a->height > b->height ? a->height : b->height) + 1;
    return e;
}

ql_status
qli_freeze_pair(qli_res *r, const qli_scope *sc, const ql_ast_from *f, qli_name a, qli_name b)
{
    ql_ast_from *join = (ql_ast_from *)f;
    ql_ast_expr *eq = binary_node(r, QL_OP_EQ, column_node(r, sc, a), column_node(r, sc, b));
    if (eq == NULL) {
        return QL_ERROR;
    }
    join->on = join->on != NULL ? binary_node(r, QL_OP_AND, join->on, eq) : eq;
    return join->on != NULL ? QL_OK : QL_ERROR;
}

ql_status
qli_freeze_joined(qli_res *r, const ql_ast_from *f)
{
    ql_ast_from *join = (ql_ast_from *)f;
    join->natural = false;
    join->nusing = 0;
    if (join->on != NULL || (join->join != QL_J_LEFT && join->join != QL_J_RIGHT)) {
        return QL_OK;
    }
    ql_ast_expr *always = QL_ARENA_NEW(r->cx, r->a, ql_ast_expr); /* no common columns */
    if (always == NULL) {
        return QL_ERROR;
    }
    *always = (ql_ast_expr){
        .kind = QL_A_LITERAL, .is_bool = true, .value = {.kind = QL_K_INT, .i = 1}, .height = 1};
    join->on = always;
    return QL_OK;
}

/* --- the select list ------------------------------------------------------------------------- */

/* How many items a star has become. */
static uint32_t
star_width(const qli_scope *sc, const ql_ast_expr *star)
{
    uint32_t n = 0;
    for (uint32_t i = 0; star->table.n == 0 && i < sc->names.n; i++) {
        n += qli_is_shown(sc, sc->names.v[i].source, sc->names.v[i].column);
    }
    if (star->table.n == 0) {
        return n;
    }
    for (uint16_t s = 0; s < sc->q->nsources; s++) {
        const ql_source *src = &sc->q->sources[s];
        if (ql_str_eq_nocase(src->alias, star->table) &&
            (star->schema.n == 0 || ql_str_eq_nocase(src->db, star->schema))) {
            for (uint16_t c = 0; c < sc->sources[s].ncols; c++) {
                n += qli_is_shown(sc, s, c);
            }
        }
    }
    return n;
}

static ql_status
freeze_star(qli_res *r, const qli_scope *sc, uint32_t at, uint32_t n, ql_ast_item *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const ql_item *it = &sc->q->items[at + i];
        const qli_slot *slot = &sc->slots[it->expr->index];
        QL_TRY(ql_bulk_node(r->cx));
        out[i].expr = column_node(r, sc, (qli_name){slot->source, slot->column});
        out[i].alias = it->column.name;
        if (out[i].expr == NULL) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

/* What was written without alias and cannot be quoted is called otherwise. */
static ql_status
name_item(qli_res *r, const qli_scope *sc, uint32_t at)
{
    ql_str *name = &sc->q->items[at].column.name;
    if (name->n > 0 && memchr(name->p, 0, name->n) == NULL) {
        return QL_OK;
    }
    const char *made = ql_arena_printf(r->cx, r->a, "Name_exp_%u", at + 1);
    if (made == NULL) {
        return QL_ERROR;
    }
    *name = (ql_str){made, strlen(made)};
    return QL_OK;
}

ql_status
qli_freeze_items(qli_res *r, const qli_scope *sc, const ql_ast_select *s)
{
    ql_ast_select *own = (ql_ast_select *)s;
    ql_ast_item *v = QL_ARENA_ARRAY(r->cx, r->a, ql_ast_item, sc->q->nitems + 1u);
    uint32_t at = 0;
    if (v == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < s->nitems; i++) {
        const ql_ast_item *it = &s->items[i];
        QL_TRY(ql_bulk_node(r->cx));
        if (it->expr->kind == QL_A_STAR) {
            uint32_t n = star_width(sc, it->expr);
            QL_TRY(freeze_star(r, sc, at, n, v + at));
            at += n;
        } else {
            v[at] = *it;
            QL_TRY(name_item(r, sc, at));
            v[at].alias = sc->q->items[at].column.name;
            at++;
        }
    }
    own->items = v;
    own->nitems = at;
    return QL_OK;
}

ql_status
qli_freeze_refuse(qli_res *r, const ql_ast_expr *e)
{
    switch (e->kind) {
    case QL_A_PARAM:
    case QL_A_USERVAR:
    case QL_A_ASSIGN:
    case QL_A_SYSVAR:
        return ql_fail(r->cx, QL_ER_VIEW_SELECT_VARIABLE);
    default:
        return QL_OK;
    }
}
