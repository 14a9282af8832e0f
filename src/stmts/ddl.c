/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE and DROP DATABASE, DROP and TRUNCATE TABLE, USE. A DDL statement commits what was open,
 * works in a transaction of its own under exclusive metadata locks, and takes effect in one commit:
 * wholly or not at all, for several tables too.
 */
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "resolve/tablespec.h"
#include "stmts/stmts_int.h"

static ql_status
commit_now(ql_ctx *cx, ql_run *run)
{
    if (run->ops != NULL && run->ops->commit != NULL) {
        return run->ops->commit(cx);
    }
    if (cx->txn == NULL) {
        return QL_OK;
    }
    ql_txn_stmt_end(cx);
    uint64_t state;
    ql_status st = ql_txn_commit_at(cx, &state);
    (void)ql_temporary_settle(cx, st == QL_OK);
    if (st == QL_OK) {
        ql_catalog_committed(cx, state);
        ql_acl_committed(cx);
    } else {
        ql_catalog_rolled_back(cx);
        ql_acl_rolled_back(cx);
    }
    return st;
}

ql_status
qli_ddl_begin(ql_ctx *cx, ql_run *run)
{
    QL_TRY(commit_now(cx, run));
    if (cx->txn == NULL) {
        QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
        QL_TRY(ql_txn_stmt_begin(cx));
    }
    return QL_OK;
}

ql_status
qli_ddl_end(ql_ctx *cx, ql_run *run)
{
    QL_TRY(ql_check(cx));
    return commit_now(cx, run);
}

ql_status
qli_exec_create_database(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    const ql_collation *coll;
    QL_TRY(ql_acl_require_db(cx, QL_PRIV_CREATE, a->name));
    QL_TRY(ql_spec_collation(cx, a->options, a->noptions, NULL, &coll));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(ql_catalog_lock_database(cx, a->name));
    if (a->if_not_exists && ql_catalog_has_database(cx, a->name)) {
        ql_warn(cx, QL_DIAG_NOTE, QL_ER_DB_CREATE_EXISTS, ql_cstr(cx, a->name));
    } else {
        QL_TRY(ql_catalog_create_database(cx, a->name, coll));
    }
    QL_TRY(qli_ddl_end(cx, run));
    run->out->affected_rows = 1;
    return QL_OK;
}

ql_status
qli_exec_alter_database(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_str name = a->name.n > 0 ? a->name : cx->vars->db;
    const ql_collation *coll;
    if (name.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_acl_require_db(cx, QL_PRIV_ALTER, name));
    QL_TRY(ql_spec_collation(cx, a->options, a->noptions, NULL, &coll));
    if (coll == NULL) {
        return ql_not_built(cx, "ALTER DATABASE with these options");
    }
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(ql_catalog_lock_database(cx, name));
    QL_TRY(ql_catalog_alter_database(cx, name, coll));
    QL_TRY(qli_ddl_end(cx, run));
    run->out->affected_rows = 1;
    return QL_OK;
}

ql_status
qli_exec_drop_database(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_table **v = NULL;
    size_t tables = 0;
    QL_TRY(ql_acl_require_db(cx, QL_PRIV_DROP, a->name));
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY(ql_catalog_lock_database(cx, a->name));
    if (a->if_exists && !ql_catalog_has_database(cx, a->name)) {
        ql_warn(cx, QL_DIAG_NOTE, QL_ER_DB_DROP_EXISTS, ql_cstr(cx, a->name));
        return qli_ddl_end(cx, run);
    }
    if (ql_catalog_has_database(cx, a->name)) {
        QL_TRY(ql_catalog_lock_tables_of(cx, a->name));
        QL_TRY(qli_foreign_lock_outside(cx, a->name));
        QL_TRY(ql_catalog_all_tables(cx, cx->arena, a->name, &v, &tables));
    }
    QL_TRY(ql_catalog_drop_database(cx, a->name, &tables));
    for (size_t i = 0; i < tables; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(qli_foreign_check_dropped(cx, a->name, v[i]->name));
    }
    QL_TRY(qli_ddl_end(cx, run));
    run->out->affected_rows = tables;
    if (ql_str_eq(cx->vars->db, a->name)) {
        QL_TRY(ql_catalog_use(cx, (ql_str){0}));
        if (cx->proc != NULL) {
            ql_proc_set_db(cx->proc, (ql_str){0});
        }
    }
    return QL_OK;
}

#define LISTED 1024

static ql_status
name_missing(ql_ctx *cx, ql_buf *list, ql_str db, ql_str name)
{
    if (list->n > LISTED) { /* an error's text is shorter */
        return QL_OK;
    }
    return ql_buf_printf(cx, list, "%s%.*s.%.*s", list->n > 0 ? "," : "", (int)db.n, db.p,
                         (int)name.n, name.p);
}

static ql_status
report_missing(ql_ctx *cx, const ql_buf *missing, bool if_exists)
{
    const char *list = ql_cstr(cx, (ql_str){missing->p, missing->n});
    if (!if_exists) {
        return ql_fail(cx, QL_ER_BAD_TABLE_ERROR, list);
    }
    ql_warn(cx, QL_DIAG_NOTE, QL_ER_BAD_TABLE_ERROR, list);
    return QL_OK;
}

/* 1066: a name twice. */
static ql_status
check_unique(ql_ctx *cx, const ql_ast_names *names)
{
    for (uint32_t i = 0; i < names->n; i++) {
        QL_TRY(ql_bulk_count(cx, (size_t)i * 16));
        for (uint32_t k = 0; k < i; k++) {
            const ql_ast_table_name *a = &names->v[i], *b = &names->v[k];
            if (ql_str_eq(a->name, b->name) &&
                ql_str_eq(a->db.n > 0 ? a->db : cx->vars->db, b->db.n > 0 ? b->db : cx->vars->db)) {
                return ql_fail(cx, QL_ER_NONUNIQ_TABLE, ql_cstr(cx, a->name));
            }
        }
    }
    return QL_OK;
}

/* own: which of them are temporary tables. */
static ql_status
drop_all(ql_ctx *cx, ql_run *run, ql_buf *missing, bool *own)
{
    const ql_ast_names *names = &run->stmt->ast->names;
    for (uint32_t i = 0; i < names->n; i++) {
        ql_str db = names->v[i].db.n > 0 ? names->v[i].db : cx->vars->db;
        ql_table *t;
        QL_TRY(ql_check(cx));
        ql_status st =
            ql_catalog_open_table(cx, cx->arena, db, names->v[i].name, QL_MDL_X, false, &t);
        if (st == QL_END || (st == QL_OK && ql_table_is_view(t))) {
            QL_TRY(name_missing(cx, missing, db, names->v[i].name));
            continue;
        }
        QL_TRY(st);
        own[i] = t->temporary;
        QL_TRY(ql_catalog_drop_table(cx, t));
    }
    return QL_OK;
}

/* What is missing is an error before anything is dropped. */
ql_status
qli_exec_drop_temporary(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_buf missing = {0};
    ql_status st = QL_OK;
    QL_TRY(check_unique(cx, &a->names));
    for (uint32_t i = 0; st == QL_OK && i < a->names.n; i++) {
        ql_str db = a->names.v[i].db.n > 0 ? a->names.v[i].db : cx->vars->db;
        st = db.n > 0 ? ql_check(cx) : ql_fail(cx, QL_ER_NO_DB_ERROR);
        if (st == QL_OK && !ql_is_temporary(cx, db, a->names.v[i].name)) {
            st = name_missing(cx, &missing, db, a->names.v[i].name);
        }
    }
    st = st == QL_OK && missing.n > 0 ? report_missing(cx, &missing, a->if_exists) : st;
    for (uint32_t i = 0; st == QL_OK && i < a->names.n; i++) {
        ql_str db = a->names.v[i].db.n > 0 ? a->names.v[i].db : cx->vars->db;
        ql_table *t = ql_temporary_find(cx, db, a->names.v[i].name);
        st = ql_check(cx);
        st = st == QL_OK && t != NULL ? ql_catalog_drop_table(cx, t) : st;
    }
    ql_buf_free(&missing);
    return st;
}

/* With what their foreign keys tie to them. */
static ql_status
lock_all(ql_ctx *cx, const ql_ast_names *names)
{
    ql_table_name *v = QL_ARENA_ARRAY(cx, cx->arena, ql_table_name, names->n + 1);
    if (v == NULL) {
        return QL_ERROR;
    }
    size_t n = 0;
    for (uint32_t i = 0; i < names->n; i++) {
        ql_str db = names->v[i].db.n > 0 ? names->v[i].db : cx->vars->db;
        QL_TRY(ql_check(cx));
        if (!ql_is_temporary(cx, db, names->v[i].name)) {
            v[n++] = (ql_table_name){db, names->v[i].name};
        }
    }
    return qli_foreign_lock_names(cx, v, n);
}

static ql_status
check_children(ql_ctx *cx, const ql_ast_names *names, const bool *own)
{
    for (uint32_t i = 0; i < names->n; i++) {
        ql_str db = names->v[i].db.n > 0 ? names->v[i].db : cx->vars->db;
        QL_TRY(ql_check(cx));
        QL_TRY(own[i] ? QL_OK : qli_foreign_check_dropped(cx, db, names->v[i].name));
    }
    return QL_OK;
}

ql_status
qli_exec_drop_table(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_buf missing = {0};
    ql_status st;
    bool *own = QL_ARENA_ARRAY(cx, cx->arena, bool, a->names.n + 1);
    if (own == NULL) {
        return QL_ERROR;
    }
    QL_TRY(check_unique(cx, &a->names));
    for (uint32_t i = 0; i < a->names.n; i++) {
        QL_TRY(ql_check(cx));
        ql_str db = a->names.v[i].db.n > 0 ? a->names.v[i].db : cx->vars->db;
        if (db.n == 0) {
            return ql_fail(cx, QL_ER_NO_DB_ERROR);
        }
        QL_TRY(ql_is_temporary(cx, db, a->names.v[i].name)
                   ? QL_OK
                   : ql_acl_require_table(cx, QL_PRIV_DROP, db, a->names.v[i].name));
    }
    QL_TRY(qli_ddl_begin(cx, run));
    QL_TRY_TO(st, lock_all(cx, &a->names), out);
    QL_TRY_TO(st, drop_all(cx, run, &missing, own), out);
    QL_TRY_TO(st, missing.n > 0 ? report_missing(cx, &missing, a->if_exists) : QL_OK, out);
    QL_TRY_TO(st, check_children(cx, &a->names, own), out);
    st = qli_ddl_end(cx, run);
    for (uint32_t i = 0; st == QL_OK && cx->locked != NULL && i < a->names.n; i++) {
        ql_str db = a->names.v[i].db.n > 0 ? a->names.v[i].db : cx->vars->db;
        if (!own[i]) {
            ql_locked_tables_forget(cx, db, a->names.v[i].name);
        }
    }
out:
    ql_buf_free(&missing);
    return st;
}

/* The one table that the statement is about, under its exclusive lock, in a transaction of its own.
 */
static ql_status
begin_on_table(ql_ctx *cx, ql_run *run, ql_privilege needed, ql_table **out)
{
    const ql_ast_table_name *name = &run->stmt->ast->names.v[0];
    ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_is_temporary(cx, db, name->name) ? QL_OK
                                               : ql_acl_require_table(cx, needed, db, name->name));
    QL_TRY(qli_ddl_begin(cx, run));
    return ql_catalog_open_table(cx, cx->arena, db, name->name, QL_MDL_X, true, out);
}

ql_status
qli_exec_truncate(ql_ctx *cx, ql_run *run)
{
    ql_table *t;
    QL_TRY(begin_on_table(cx, run, QL_PRIV_DROP, &t));
    if (t->view != NULL) {
        return ql_fail(cx, QL_ER_NO_SUCH_TABLE, ql_cstr(cx, t->db), ql_cstr(cx, t->name));
    }
    QL_TRY(qli_foreign_check_emptied(cx, t));
    QL_TRY(ql_catalog_truncate_table(cx, t));
    return qli_ddl_end(cx, run);
}

ql_status
qli_exec_use(ql_ctx *cx, ql_run *run)
{
    ql_str name = run->stmt->ast->name;
    if (name.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_acl_require_entry(cx, name));
    if (!ql_catalog_has_database(cx, name)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, name));
    }
    QL_TRY(ql_catalog_use(cx, name));
    if (cx->proc != NULL) {
        ql_proc_set_db(cx->proc, name);
    }
    return QL_OK;
}
