/* SPDX-License-Identifier: Apache-2.0
 *
 * LOCK TABLES, UNLOCK TABLES, FLUSH TABLES and LOCK INSTANCE FOR BACKUP. What the locks mean for
 * other statements is in catalog/locked.c; waits for metadata locks there.
 *
 * FLUSH TABLES closes nothing, for no table is held open between statements; so it does not wait
 * for those who use one, and nobody waits behind it (MySQL: "Waiting for table flush").
 */
#include "stmts/stmts_int.h"

static ql_status
commit_first(ql_ctx *cx, ql_run *run)
{
    return run->ops != NULL && run->ops->commit != NULL ? run->ops->commit(cx) : QL_OK;
}

static ql_status
database_of(ql_ctx *cx, const ql_ast_table_name *name, ql_str *db)
{
    *db = name->db.n > 0 ? name->db : cx->vars->db;
    return db->n > 0 ? QL_OK : ql_fail(cx, QL_ER_NO_DB_ERROR);
}

static ql_status
may_lock(ql_ctx *cx, ql_str db, ql_str name)
{
    if (ql_catalog_is_virtual_database(db)) {
        return QL_OK; /* refused with its own words */
    }
    QL_TRY(ql_acl_require_db(cx, QL_PRIV_LOCK_TABLES, db));
    return ql_acl_require_table(cx, QL_PRIV_SELECT, db, name);
}

/* LOCK TABLES t WRITE is for those who may change something. */
static ql_status
may_write(ql_ctx *cx)
{
    QL_TRY(ql_acl_may_change(cx));
    return cx->vars->tx_read_only ? ql_fail(cx, QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
                                  : QL_OK;
}

ql_status
qli_exec_lock_tables(ql_ctx *cx, ql_run *run)
{
    const ql_ast_locks *l = &run->stmt->ast->locks;
    ql_lock_item *items = QL_ARENA_ARRAY(cx, cx->arena, ql_lock_item, l->n + 1);
    if (items == NULL) {
        return QL_ERROR;
    }
    bool writes = false;
    size_t n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        QL_TRY(ql_check(cx));
        const ql_ast_lock *in = &l->v[i];
        ql_lock_item *it = &items[n];
        it->name = in->table.name;
        it->alias = in->alias.n > 0 ? in->alias : in->table.name;
        it->write = in->write;
        QL_TRY(database_of(cx, &in->table, &it->db));
        if (ql_is_temporary(cx, it->db, it->name)) {
            continue; /* nobody else knows it, and it needs no lock to be used */
        }
        writes |= in->write;
        n++;
        QL_TRY(may_lock(cx, it->db, it->name));
    }
    QL_TRY(commit_first(cx, run));
    ql_locked_tables_release(cx);
    QL_TRY(writes ? may_write(cx) : QL_OK);
    return qli_lock_tables(cx, items, n, false);
}

/* Commits only when LOCK TABLES is in force: what a dump has read since FLUSH TABLES WITH READ LOCK
 * and START TRANSACTION goes on. */
ql_status
qli_exec_unlock_tables(ql_ctx *cx, ql_run *run)
{
    if (cx->locked != NULL) {
        QL_TRY(commit_first(cx, run));
        ql_locked_tables_release(cx);
    }
    ql_read_lock_release(cx);
    return QL_OK;
}

ql_status
qli_exec_lock_instance(ql_ctx *cx, ql_run *run)
{
    QL_TRY(ql_acl_require(cx, QL_PRIV_BACKUP_ADMIN, QL_PRIV_BACKUP_ADMIN));
    if (run->stmt->kind == QL_S_UNLOCK_INSTANCE) {
        ql_backup_lock_release(cx);
        return QL_OK;
    }
    return ql_backup_lock_take(cx);
}

/* --- FLUSH TABLES --- */

static ql_status
flush_and_lock(ql_ctx *cx, const ql_ast_names *names)
{
    ql_lock_item *items = QL_ARENA_ARRAY(cx, cx->arena, ql_lock_item, names->n + 1);
    if (items == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < names->n; i++) {
        QL_TRY(ql_check(cx));
        items[i] = (ql_lock_item){.name = names->v[i].name, .alias = names->v[i].name};
        QL_TRY(database_of(cx, &names->v[i], &items[i].db));
        QL_TRY(may_lock(cx, items[i].db, items[i].name));
    }
    return qli_lock_tables(cx, items, names->n, true);
}

/* Under LOCK TABLES only what is locked for writing may be flushed (1099, 1100). */
static ql_status
flush_names(ql_ctx *cx, const ql_ast_names *names)
{
    for (uint32_t i = 0; i < names->n; i++) {
        ql_str db;
        ql_table *t;
        QL_TRY(ql_check(cx));
        QL_TRY(database_of(cx, &names->v[i], &db));
        QL_TRY(ql_locked_tables_may_flush(cx, db, names->v[i].name));
        QL_TRY(ql_catalog_open_shared(cx, cx->arena, db, names->v[i].name, QL_MDL_SH, true, &t));
    }
    return QL_OK;
}

static bool
has_option(const ql_ast_admin *a, ql_str word)
{
    return a->noptions > 1 && ql_str_eq(a->options[1], word);
}

ql_status
qli_flush_tables(ql_ctx *cx, ql_run *run)
{
    const ql_ast_admin *a = run->stmt->ast->admin;
    QL_TRY(ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_FLUSH_TABLES));
    ql_count(cx, QL_CT_FLUSH_COMMANDS, 1);
    if (has_option(a, QL_STR("FOR EXPORT"))) {
        return ql_not_built(cx, "FLUSH TABLES ... FOR EXPORT");
    }
    if (!has_option(a, QL_STR("WITH READ LOCK"))) {
        if (a->tables.n == 0) {
            return ql_locked_tables_may_flush(cx, (ql_str){0}, (ql_str){0});
        }
        return flush_names(cx, &a->tables);
    }
    QL_TRY(ql_locked_tables_refuse(cx));
    return a->tables.n > 0 ? flush_and_lock(cx, &a->tables) : ql_read_lock_take(cx);
}
