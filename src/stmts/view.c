/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE VIEW, ALTER VIEW, DROP VIEW: privileges, the definer, what has the name already; resolve
 * makes the definition (ql_resolve_view), the catalog keeps it. In one commit, like all DDL. Waits:
 * metadata locks, exclusive on the view, shared on what is below.
 */
#include "base/buf.h"
#include "sql/parse.h"
#include "stmts/stmts_int.h"

/* --- CREATE, ALTER --------------------------------------------------------------------------- */

static ql_status
require_privileges(ql_ctx *cx, const ql_ast_view *v, ql_str db)
{
    ql_pmask needed = QL_PM(CREATE_VIEW) | (v->or_replace || v->alter ? QL_PM(DROP) : 0);
    return ql_acl_require_on_table(cx, needed, db, v->name.name);
}

/* Somebody else's privileges are given away by those who may do everything only. */
static ql_status
choose_definer(ql_ctx *cx, const ql_ast_view *v, const ql_table *old, ql_view_def *d)
{
    ql_str me, my_host;
    qli_own_account(cx, &me, &my_host);
    qli_account_name(cx, v->definer, &d->definer_user, &d->definer_host);
    if (v->alter && v->definer == NULL && old != NULL) {
        d->definer_user = old->view->definer_user;
        d->definer_host = old->view->definer_host;
    }
    if (ql_str_eq(me, d->definer_user) && ql_str_eq(my_host, d->definer_host)) {
        return QL_OK;
    }
    if (!ql_acl_has(cx, QL_PRIV_SUPER)) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_SET_ANY_DEFINER, QL_PRIV_SET_ANY_DEFINER));
    }
    QL_TRY(ql_acl_require_power_over(cx, d->definer_user, d->definer_host));
    if (ql_acl_exists(cx, d->definer_user, d->definer_host)) {
        return QL_OK;
    }
    if (!ql_acl_has(cx, QL_PRIV_SUPER)) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_ALLOW_NONEXISTENT_DEFINER,
                              QL_PRIV_ALLOW_NONEXISTENT_DEFINER));
    }
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_NO_SUCH_USER, ql_cstr(cx, d->definer_user),
            ql_cstr(cx, d->definer_host));
    return QL_OK;
}

/* Under the exclusive lock of the name: what it stands for now; NULL = nothing. */
static ql_status
take_name(ql_ctx *cx, const ql_ast_view *v, ql_str db, const ql_table **old)
{
    ql_table *t = NULL;
    *old = NULL;
    ql_status st = ql_catalog_open_shared(cx, cx->arena, db, v->name.name, QL_MDL_X, v->alter, &t);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    if (!v->or_replace && !v->alter) {
        return ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, v->name.name));
    }
    if (t->view == NULL) {
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, db), ql_cstr(cx, v->name.name), "VIEW");
    }
    *old = t;
    return QL_OK;
}

static ql_status
make_definition(ql_ctx *cx, ql_run *run, const ql_table *old, ql_view_spec *spec)
{
    ql_ast_stmt *own;
    size_t used;
    bool given_up;
    ql_parse_mode mode = ql_parse_mode_of(cx->vars, run->stmt->ast->nparams > 0);
    QL_TRY(ql_parse(cx, cx->arena, run->stmt->ast->text, &mode, &own, &used));
    QL_TRY(choose_definer(cx, own->view, old, &spec->def));
    spec->def.invoker = own->view->invoker;
    spec->def.cs_client = cx->vars->cs_client;
    spec->def.coll_connection = cx->vars->coll_connection;
    QL_TRY(ql_resolve_view(cx, own, spec, &given_up));
    if (given_up) {
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_VIEW_MERGE);
    }
    return QL_OK;
}

ql_status
qli_exec_create_view(ql_ctx *cx, ql_run *run)
{
    const ql_ast_view *v = run->stmt->ast->view;
    ql_view_spec spec = {.db = v->name.db.n > 0 ? v->name.db : cx->vars->db, .name = v->name.name};
    const ql_table *old;
    if (spec.db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(require_privileges(cx, v, spec.db));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(take_name(cx, v, spec.db, &old));
    QL_TRY(make_definition(cx, run, old, &spec));
    QL_TRY(ql_catalog_put_view(cx, &spec, old));
    return qli_ddl_end(cx, run);
}

/* --- DROP ------------------------------------------------------------------------------------ */

static ql_status
drop_one(ql_ctx *cx, const ql_ast_table_name *name, ql_str db, ql_buf *missing)
{
    ql_table *t;
    QL_TRY(ql_check(cx));
    ql_status st = ql_catalog_open_shared(cx, cx->arena, db, name->name, QL_MDL_X, false, &t);
    if (st == QL_END) {
        return missing->n > 1024 /* an error's text is shorter */
                   ? QL_OK
                   : ql_buf_printf(cx, missing, "%s%.*s.%.*s", missing->n > 0 ? "," : "", (int)db.n,
                                   db.p, (int)name->name.n, name->name.p);
    }
    QL_TRY(st);
    if (!ql_table_is_view(t)) {
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, db), ql_cstr(cx, name->name), "VIEW");
    }
    return ql_catalog_drop_view(cx, t);
}

static ql_status
drop_all(ql_ctx *cx, ql_run *run, ql_buf *missing)
{
    const ql_ast_stmt *a = run->stmt->ast;
    for (uint32_t i = 0; i < a->names.n; i++) {
        const ql_ast_table_name *name = &a->names.v[i];
        QL_TRY(drop_one(cx, name, name->db.n > 0 ? name->db : cx->vars->db, missing));
    }
    if (missing->n == 0) {
        return QL_OK;
    }
    const char *list = ql_cstr(cx, (ql_str){missing->p, missing->n});
    if (!a->if_exists) {
        return ql_fail(cx, QL_ER_BAD_TABLE_ERROR, list);
    }
    ql_warn(cx, QL_DIAG_NOTE, QL_ER_BAD_TABLE_ERROR, list);
    return QL_OK;
}

ql_status
qli_exec_drop_view(ql_ctx *cx, ql_run *run)
{
    const ql_ast_names *names = &run->stmt->ast->names;
    for (uint32_t i = 0; i < names->n; i++) {
        QL_TRY(ql_check(cx));
        ql_str db = names->v[i].db.n > 0 ? names->v[i].db : cx->vars->db;
        if (db.n == 0) {
            return ql_fail(cx, QL_ER_NO_DB_ERROR);
        }
        QL_TRY(ql_acl_require_table(cx, QL_PRIV_DROP, db, names->v[i].name));
    }
    QL_TRY(qli_ddl_begin(cx, run));
    ql_buf missing = {0};
    ql_status st = drop_all(cx, run, &missing);
    ql_buf_free(&missing);
    QL_TRY(st);
    QL_TRY(qli_ddl_end(cx, run));
    for (uint32_t i = 0; cx->locked != NULL && i < names->n; i++) {
        ql_str db = names->v[i].db.n > 0 ? names->v[i].db : cx->vars->db;
        ql_locked_tables_forget(cx, db, names->v[i].name);
    }
    return QL_OK;
}
