/* SPDX-License-Identifier: Apache-2.0
 *
 * Entry: one statement from AST to resolved form. Runs in the session's thread; opens tables, so it
 * may wait for metadata locks. Everything made lives in cx->arena.
 */
#include "resolve/resolve.h"

#include <string.h>

#include "resolve/resolve_int.h"

static qli_res
begin(ql_ctx *cx, const ql_value *params, uint32_t nparams, bool preparing)
{
    qli_res r = {.cx = cx, .a = cx->arena, .params = params, .nparams = nparams};
    r.preparing = preparing;
    return r;
}

static ql_status
look_for_assignments(qli_res *r, ql_str text)
{
    size_t at;
    QL_TRY(ql_bulk_find(r->cx, text, 0, QL_STR(":="), &at));
    r->has_assign = at < text.n;
    return QL_OK;
}

static ql_status
resolve_exprs(qli_res *r, const ql_ast_exprs *l, ql_rstmt *o)
{
    QL_TRY(qli_bind_list(r, NULL, l, &o->exprs.v));
    o->exprs.n = l->n;
    for (uint32_t i = 0; i < l->n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_require_scalar(r, o->exprs.v[i]));
    }
    return QL_OK;
}

/* SET x = ON: a bare word as value of a system variable is its text. */
static ql_status
resolve_set_value(qli_res *r, const ql_ast_set_item *it, ql_expr **out)
{
    const ql_ast_expr *e = it->value;
    if (it->kind != QL_SET_USERVAR && e->kind == QL_A_COLUMN && !e->table.n) {
        ql_value v = ql_value_str(e->name, qli_conn_coll(r));
        *out = qli_const(r, &v);
        return *out ? QL_OK : QL_ERROR;
    }
    QL_TRY(qli_bind(r, NULL, e, out));
    return qli_require_scalar(r, *out);
}

static ql_status
bind_set(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    o->exprs.n = stmt->set.n;
    o->exprs.v = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, stmt->set.n + 1);
    if (!o->exprs.v) {
        return QL_ERROR;
    }
    r->has_assign = true; /* SET @a = 1, @b = @a sees the new value */
    for (uint32_t i = 0; i < stmt->set.n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        if (stmt->set.v[i].value) {
            QL_TRY(resolve_set_value(r, &stmt->set.v[i], &o->exprs.v[i]));
        }
    }
    return QL_OK;
}

static ql_status
bind_kill(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    if (!stmt->kill->id) {
        return QL_OK;
    }
    ql_ast_expr *one = stmt->kill->id;
    return resolve_exprs(r, &(ql_ast_exprs){.v = &one, .n = 1}, o);
}

/* sql_select_limit bounds the outermost SELECT that has no LIMIT of its own. */
static ql_status
select_limit(qli_res *r, ql_query *q)
{
    const ql_vars *v = r->cx->vars;
    if (!v || q->limit || v->sql_select_limit == UINT64_MAX) {
        return QL_OK;
    }
    ql_value n = ql_value_uint(v->sql_select_limit);
    q->limit = qli_const(r, &n);
    return q->limit ? QL_OK : QL_ERROR;
}

static const ql_ast_select *
first_block(const ql_ast_select *s)
{
    while (s && s->set_op != QL_SET_NONE) {
        s = s->left;
    }
    return s;
}

static ql_status
bind_select(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    r->first = first_block(stmt->select);
    QL_TRY(qli_query_bind(r, stmt->select, NULL, NULL, &o->query));
    o->query->calc_found_rows = r->first->sql_calc_found_rows;
    QL_TRY(select_limit(r, o->query));
    o->query->into_vars = stmt->select->into_vars;
    o->into = o->query->into_vars.n ? &o->query->into_vars : NULL;
    if (o->into && o->into->n != o->query->nitems) {
        return ql_fail_text(r->cx, QL_ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT,
                            "The used SELECT statements have a different number of columns");
    }
    return QL_OK;
}

static ql_status
bind_insert(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    o->is_write = true;
    r->first = first_block(stmt->insert->select);
    QL_TRY(qli_insert_bind(r, stmt->insert, &o->insert));
    if (o->insert->select) {
        o->insert->select->calc_found_rows = r->first->sql_calc_found_rows;
    }
    return QL_OK;
}

static ql_status
bind_load(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    o->is_write = true;
    r->has_assign = true; /* each row sets its variables */
    return qli_load_bind(r, stmt->load, &o->load);
}

static ql_status
bind_update(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    o->is_write = true;
    return qli_update_bind(r, stmt->update, &o->update);
}

static ql_status
bind_delete(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    o->is_write = true;
    return qli_delete_bind(r, stmt->del, &o->update);
}

static ql_status
bind_exprs(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    return resolve_exprs(r, &stmt->exprs, o);
}

static ql_status bind_explain(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o);

static ql_status
bind_nothing(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    (void)r;
    (void)stmt;
    (void)o;
    return QL_OK;
}

typedef ql_status (*binder)(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o);

static const binder binders[] = {
#define QL_STATEMENT(id, com, stage, does, bind, run, name) [QL_S_##id] = bind_##bind,
#include "vars/statements.def"
#undef QL_STATEMENT
    [QL_S_UNBUILT] = bind_nothing,
};

static ql_status
bind_explain(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt *o)
{
    const ql_ast_stmt *inner = stmt->explain.inner;
    if (inner && !stmt->explain.for_connection) {
        r->explaining = !stmt->analyze || inner->kind != QL_S_SELECT;
        QL_TRY(binders[inner->kind](r, inner, o));
        o->is_write = false;
    }
    return QL_OK;
}

static bool
is_changed(const ql_rstmt *o, const ql_table *t)
{
    switch (o->kind) {
    case QL_S_EXPLAIN: /* ANALYZE, which is of a SELECT */
    case QL_S_SELECT:
        for (uint16_t i = 0; i < o->query->nsources; i++) {
            const ql_source *s = &o->query->sources[i];
            if (s->table == t && s->locking.kind == QL_LK_UPDATE) {
                return true;
            }
        }
        return false;
    case QL_S_INSERT:
        return o->insert->table == t;
    case QL_S_LOAD:
        return o->load->insert.table == t;
    case QL_S_UPDATE:
    case QL_S_DELETE:
        for (uint16_t i = 0; i < o->update->ntargets; i++) {
            if (o->update->read->sources[o->update->targets[i]].table == t) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

/* The tables without transactions; an EXPLAIN that does not run its statement reads none. */
static ql_status
list_uses(qli_res *r, ql_rstmt *o)
{
    if (!r->nuses || r->explaining) {
        return QL_OK;
    }
    o->uses = QL_ARENA_ARRAY(r->cx, r->a, ql_table_use, r->nuses);
    if (!o->uses) {
        return QL_ERROR;
    }
    for (const qli_use *u = r->uses; u; u = u->next) {
        o->uses[o->nuses++] = (ql_table_use){.table = u->table, .write = is_changed(o, u->table)};
    }
    return QL_OK;
}

static ql_status
resolve_statement(qli_res *r, const ql_ast_stmt *stmt, ql_rstmt **out)
{
    ql_rstmt *o = QL_ARENA_NEW(r->cx, r->a, ql_rstmt);
    if (!o) {
        return QL_ERROR;
    }
    QL_TRY(look_for_assignments(r, stmt->text));
    o->kind = stmt->kind;
    o->ast = stmt;
    o->params = r->params;
    o->nparams = r->nparams;
    QL_TRY(qli_may_all(r, stmt));
    QL_TRY(binders[stmt->kind](r, stmt, o));
    QL_TRY(qli_hints_bind(r, stmt));
    o->ncalls = r->ncalls;
    o->touches_tables = r->touches_tables;
    o->needs_ticket = r->needs_ticket;
    QL_TRY(list_uses(r, o));
    QL_TRY(qli_hides_plan(r, &o->hides_plan));
    *out = o;
    return QL_OK;
}

ql_status
ql_resolve(ql_ctx *cx, const ql_ast_stmt *stmt, const ql_value *params, uint32_t nparams,
           ql_rstmt **out)
{
    qli_res r = begin(cx, params, nparams, stmt->nparams > 0 && !params);
    return resolve_statement(&r, stmt, out);
}

ql_status
ql_resolve_prepare(ql_ctx *cx, const ql_ast_stmt *stmt, ql_rstmt **out)
{
    qli_res r = begin(cx, NULL, stmt->nparams, stmt->nparams > 0);
    r.describing = true;
    return resolve_statement(&r, stmt, out);
}

ql_status
ql_resolve_table_query(ql_ctx *cx, const ql_rstmt *stmt, ql_rstmt **out)
{
    qli_res r = begin(cx, stmt->params, stmt->nparams, false);
    const ql_ast_select *select = stmt->ast->create_table->select;
    ql_rstmt *o = QL_ARENA_NEW(r.cx, r.a, ql_rstmt);
    if (!o) {
        return QL_ERROR;
    }
    QL_TRY(look_for_assignments(&r, stmt->ast->text));
    o->kind = QL_S_SELECT;
    o->ast = stmt->ast;
    r.first = first_block(select);
    QL_TRY(qli_query_bind(&r, select, NULL, NULL, &o->query));
    QL_TRY(qli_hints_bind(&r, stmt->ast));
    o->ncalls = r.ncalls;
    QL_TRY(list_uses(&r, o));
    *out = o;
    return QL_OK;
}

ql_status
ql_resolve_expr(ql_ctx *cx, const ql_ast_expr *e, const ql_result_column *columns,
                uint16_t ncolumns, ql_expr **out, uint32_t *ncalls)
{
    qli_res r = begin(cx, NULL, 0, false);
    qli_scope *sc;
    QL_TRY(qli_scope_new(&r, NULL, &sc));
    sc->clause = QLI_CL_WHERE;
    sc->given = columns;
    sc->ngiven = columns ? ncolumns : 0;
    if (columns) {
        QL_TRY(qli_bind_cond(&r, sc, e, out));
    } else {
        sc->clause = QLI_CL_FIELDS;
        QL_TRY(qli_bind(&r, sc, e, out));
        QL_TRY(qli_require_scalar(&r, *out));
    }
    *ncalls = sc->q->ncalls;
    return QL_OK;
}
