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

/* What is there keeps the name: 1050, or a note. */
static ql_status
taken(ql_ctx *cx, const ql_ast_create_table *ct)
{
    if (!ct->if_not_exists) {
        return ql_fail(cx, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, ct->table.name));
    }
    ql_warn(cx, QL_DIAG_NOTE, QL_ER_TABLE_EXISTS_ERROR, ql_cstr(cx, ct->table.name));
    return QL_OK;
}

static ql_status
may_create(ql_ctx *cx, const ql_ast_create_table *ct, const ql_table_spec *spec)
{
    if (spec->temporary) {
        QL_TRY(ql_acl_require_db(cx, QL_PRIV_CREATE_TEMPORARY_TABLES, spec->db));
    } else {
        QL_TRY(ql_acl_require_table(cx, QL_PRIV_CREATE, spec->db, spec->name));
        QL_TRY(ct->select != NULL ? ql_acl_require_table(cx, QL_PRIV_INSERT, spec->db, spec->name)
                                  : QL_OK);
    }
    if (ct->like.name.n == 0) {
        return QL_OK;
    }
    ql_str db = ct->like.db.n > 0 ? ct->like.db : cx->vars->db;
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    return ql_is_temporary(cx, db, ct->like.name)
               ? QL_OK
               : ql_acl_require_table(cx, QL_PRIV_SELECT, db, ct->like.name);
}

static ql_status
create(ql_ctx *cx, ql_run *run, const ql_ast_create_table *ct, ql_table_spec *spec)
{
    return ct->like.name.n > 0  ? create_like(cx, ct, spec)
           : ct->select != NULL ? qli_create_select(cx, run, ct, spec)
                                : create_new(cx, ct, spec);
}

/* In the transaction that is open, without locks. */
static ql_status
create_temporary(ql_ctx *cx, ql_run *run, const ql_ast_create_table *ct, ql_table_spec *spec)
{
    return ql_is_temporary(cx, spec->db, spec->name) ? taken(cx, ct) : create(cx, run, ct, spec);
}

ql_status
qli_exec_create_table(ql_ctx *cx, ql_run *run)
{
    const ql_ast_create_table *ct = run->stmt->ast->create_table;
    ql_table_spec spec = {.temporary = ct->temporary};
    ql_table *there;
    spec.db = ct->table.db.n > 0 ? ct->table.db : cx->vars->db;
    spec.name = ct->table.name;
    if (spec.db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(may_create(cx, ct, &spec));
    if (spec.temporary) {
        return create_temporary(cx, run, ct, &spec);
    }
    QL_TRY(qli_foreign_may(cx, ct, spec.db));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(qli_foreign_lock_new(cx, ct, spec.db, spec.name));
    ql_status st =
        ql_catalog_open_shared(cx, cx->arena, spec.db, spec.name, QL_MDL_X, false, &there);
    if (st == QL_OK) {
        QL_TRY(taken(cx, ct));
        return qli_ddl_end(cx, run);
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(create(cx, run, ct, &spec));
    return qli_ddl_end(cx, run);
}
