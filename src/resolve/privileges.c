/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may: privileges on the tables of a statement. They are asked for all of its tables before the
 * first is opened, so that one who may not never waits for a metadata lock and nobody waits behind
 * him; and once more for each before it is opened, since only then it is known whether a name is
 * that of a common table expression. Columns come later: UPDATE and DELETE need SELECT only for
 * what they read (1143).
 */
#include "acl/acl.h"
#include "resolve/resolve_int.h"

/* Global privileges that make all looks at single tables unnecessary. */
#define EVERYTHING (QL_PM(SELECT) | QL_PM(INSERT) | QL_PM(UPDATE) | QL_PM(DELETE))

ql_str
qli_db_of(const qli_res *r, const ql_ast_table_name *name)
{
    return name->db.n ? name->db : r->cx->vars ? r->cx->vars->db : (ql_str){0};
}

static bool
is_cte_name(const ql_ast_stmt *stmt, const ql_ast_table_name *name)
{
    for (uint32_t i = 0; i < stmt->ncte_names; i++) {
        if (ql_str_eq_nocase(stmt->cte_names[i], name->name)) {
            return true;
        }
    }
    return false;
}

/* Of a temporary table its session may do anything; below a view the name is another's. */
static bool
is_own(const qli_res *r, ql_str db, ql_str name)
{
    return ql_has_temporary(r->cx) && r->views == NULL && ql_temporary_find(r->cx, db, name);
}

ql_status
qli_may_use_leaf(qli_res *r, const ql_ast_from *f)
{
    ql_str db = qli_db_of(r, &f->table), name = f->table.name;
    ql_pmask need = QL_PM(SELECT);
    if (!db.n || ql_acl_globally(r->cx, EVERYTHING) || is_own(r, db, name)) {
        return QL_OK; /* no database: opening it says so */
    }
    if (f->dml && r->dml == QLI_DML_UPDATE_MANY) {
        bool some = ql_acl_on_table(r->cx, db, name) & (QL_PM(SELECT) | QL_PM(UPDATE));
        return some ? QL_OK : ql_acl_table_denied(r->cx, "SELECT", name);
    }
    if (f->dml && r->dml == QLI_DML_UPDATE) {
        need = QL_PM(UPDATE);
    } else if (f->dml && r->dml == QLI_DML_DELETE) {
        need = QL_PM(DELETE);
    }
    return ql_acl_require_on_table(r->cx, need, db, name);
}

ql_status
qli_may_lock_leaf(qli_res *r, const ql_ast_from *f)
{
    ql_str db = qli_db_of(r, &f->table);
    return db.n && !is_own(r, db, f->table.name) ? ql_acl_require_locking(r->cx, db, f->table.name)
                                                 : QL_OK;
}

ql_status
qli_may_insert(qli_res *r, const ql_ast_insert *ins)
{
    ql_str db = qli_db_of(r, &ins->table);
    ql_pmask need = QL_PM(INSERT) | (ins->replace ? QL_PM(DELETE) : 0) |
                    (ins->on_duplicate.n ? QL_PM(UPDATE) : 0);
    return db.n && !is_own(r, db, ins->table.name)
               ? ql_acl_require_on_table(r->cx, need, db, ins->table.name)
               : QL_OK;
}

static ql_status
may_load(qli_res *r, const ql_ast_load *ld)
{
    ql_str db = qli_db_of(r, &ld->table);
    ql_pmask need = QL_PM(INSERT) | (ld->replace ? QL_PM(DELETE) : 0);
    if (!ld->local) {
        QL_TRY(ql_acl_require_load_file(r->cx));
    }
    return db.n && !is_own(r, db, ld->table.name)
               ? ql_acl_require_on_table(r->cx, need, db, ld->table.name)
               : QL_OK;
}

/* DELETE t1, t2 FROM ...: targets are names of the FROM, by alias. */
static ql_status
may_delete_from(qli_res *r, const ql_ast_stmt *leaves_of, const ql_ast_table_name *target)
{
    for (const ql_ast_from *f = leaves_of->leaves; f; f = f->next_leaf) {
        ql_str alias = f->alias.n ? f->alias : f->table.name;
        ql_str db = qli_db_of(r, &f->table);
        if (f->dml && db.n && ql_str_eq_nocase(alias, target->name) &&
            (!target->db.n || ql_str_eq_nocase(db, target->db))) {
            return is_own(r, db, f->table.name)
                       ? QL_OK
                       : ql_acl_require_on_table(r->cx, QL_PM(DELETE), db, f->table.name);
        }
    }
    return QL_OK; /* 1109 comes later */
}

ql_status
qli_hides_plan(qli_res *r, bool *yes)
{
    *yes = false;
    for (const qli_below *b = r->below; b != NULL && !*yes; b = b->next) {
        ql_pmask need = QL_PM(SELECT) | (b->table->view != NULL ? QL_PM(SHOW_VIEW) : 0);
        QL_TRY(ql_check(r->cx));
        *yes = (need & ~ql_acl_on_table(r->cx, b->table->db, b->table->name)) != 0;
    }
    return QL_OK;
}

static ql_status
may_change(qli_res *r, const ql_ast_stmt *stmt, const ql_ast_stmt *leaves_of)
{
    switch (stmt->kind) {
    case QL_S_SELECT:
        return stmt->select->into_file ? ql_acl_require(r->cx, QL_PRIV_FILE, QL_PRIV_FILE) : QL_OK;
    case QL_S_INSERT:
        return qli_may_insert(r, stmt->insert);
    case QL_S_LOAD:
        return may_load(r, stmt->load);
    case QL_S_UPDATE:
        r->dml = stmt->update->from->left ? QLI_DML_UPDATE_MANY : QLI_DML_UPDATE;
        return QL_OK;
    case QL_S_DELETE:
        r->dml = stmt->del->ntargets ? QLI_DML_DELETE_MANY : QLI_DML_DELETE;
        for (uint32_t i = 0; i < stmt->del->ntargets; i++) {
            QL_TRY(may_delete_from(r, leaves_of, &stmt->del->targets[i]));
        }
        return QL_OK;
    default:
        return QL_OK;
    }
}

ql_status
qli_may_all(qli_res *r, const ql_ast_stmt *stmt)
{
    bool explains = stmt->kind == QL_S_EXPLAIN && stmt->explain.inner;
    QL_TRY(may_change(r, explains ? stmt->explain.inner : stmt, stmt));
    if (ql_acl_globally(r->cx, EVERYTHING)) {
        return QL_OK;
    }
    uint32_t n = 0;
    for (const ql_ast_from *f = stmt->leaves; f; f = f->next_leaf) {
        if (++n % 256 == 0) {
            QL_TRY(ql_check(r->cx));
        }
        if (f->table.db.n || !is_cte_name(stmt, &f->table)) {
            QL_TRY(qli_may_use_leaf(r, f));
        }
    }
    return QL_OK;
}
