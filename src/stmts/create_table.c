/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE TABLE: resolve makes the specification (resolve/tablespec.h), the catalog the definition.
 */
#include "resolve/resolve.h"
#include "resolve/tablespec.h"
#include "stmts/stmts_int.h"

/* What has no rows of its own has no structure to copy. */
static ql_status
can_be_copied(ql_ctx *cx, const ql_table *t)
{
    if (!t->is_virtual && t->view == NULL) {
        return QL_OK;
    }
    if (ql_str_eq(t->db, QL_STR("performance_schema"))) {
        return ql_fail(cx, QL_ER_WRONG_PERFSCHEMA_USAGE);
    }
    return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, t->db), ql_cstr(cx, t->name), "BASE TABLE");
}

static ql_status
create_like(ql_ctx *cx, const ql_ast_create_table *ct, ql_table_spec *spec)
{
    ql_str db = ct->like.db.n > 0 ? ct->like.db : cx->vars->db;
    ql_table *t;
    QL_TRY(ql_catalog_open_table(cx, cx->arena, db, ct->like.name, QL_MDL_SH, true, &t));
    QL_TRY(can_be_copied(cx, t));
    QL_TRY(ql_spec_from_table(cx, t, spec));
    QL_TRY(ql_spec_rename_checks(cx, spec)); /* a name is one table's */
    return ql_catalog_create_table(cx, spec);
}

static ql_status
create_new(ql_ctx *cx, const ql_ast_create_table *ct, ql_table_spec *spec)
{
    ql_database db;
    ql_status st = ql_catalog_find_database(cx, spec->db, &db);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, spec->db));
    }
    QL_TRY(st);
    QL_TRY(ql_spec_from_create(cx, ct, db.coll != NULL ? db.coll : ql_coll_default, spec));
    return ql_catalog_create_table(cx, spec);
}

ql_status
qli_exec_create_table(ql_ctx *cx, ql_run *run)
{
    const ql_ast_create_table *ct = run->stmt->ast->create_table;
    ql_table_spec spec = {0};
    ql_table *there;
    if (ct->temporary) {
        return ql_not_built(cx, "CREATE TEMPORARY TABLE");
    }
    spec.db = ct->table.db.n > 0 ? ct->table.db : cx->vars->db;
    spec.name = ct->table.name;
    if (spec.db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_acl_require_table(cx, QL_PRIV_CREATE, spec.db, spec.name));
    if (ct->select != NULL) {
        QL_TRY(ql_acl_require_table(cx, QL_PRIV_INSERT, spec.db, spec.name));
    }
    if (ct->like.name.n > 0) {
        ql_str db = ct->like.db.n > 0 ? ct->like.db : cx->vars->db;
        if (db.n == 0) {
            return ql_fail(cx, QL_ER_NO_DB_ERROR);
        }
        QL_TRY(ql_acl_require_table(cx, QL_PRIV_SELECT, db, ct->like.name));
    }
    QL_TRY(qli_foreign_may(cx, ct, spec.db));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(qli_foreign_lock_new(cx, ct, spec.db, spec.name));
    ql_status st =
        ql_catalog_open_table(cx, cx->arena, spec.db, spec.name, QL_MDL_X, false, &there);
    if (st == QL_OK) {
        if (!ct->if_not_exists) {
            return ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, spec.name));
        }
        ql_warn(cx, QL_DIAG_NOTE, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, spec.name));
        return qli_ddl_end(cx, run);
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(ct->like.name.n > 0  ? create_like(cx, ct, &spec)
           : ct->select != NULL ? qli_create_select(cx, run, ct, &spec)
                                : create_new(cx, ct, &spec));
    return qli_ddl_end(cx, run);
}
