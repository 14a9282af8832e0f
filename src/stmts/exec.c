/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door of exec: a resolved statement goes to the executor of its kind, and whatever it
 * owned is freed in one place before the session ends its layer. A statement that was killed never
 * reports success: kinds that have not committed by themselves are checked once more at the end.
 */
#include "stmts/stmts_int.h"

typedef ql_status (*executor)(ql_ctx *cx, qli_run *run);

static ql_status
exec_session_kind(ql_ctx *cx, qli_run *run)
{
    (void)run;
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                        "Transaction statements are executed by the session");
}

static ql_status
exec_shutdown(ql_ctx *cx, qli_run *run)
{
    QL_TRY(ql_acl_require(cx, QL_PRIV_SHUTDOWN, QL_PRIV_SHUTDOWN));
    if (run->ops == NULL || run->ops->request_shutdown == NULL) {
        return qli_not_built(cx, "SHUTDOWN");
    }
    run->ops->request_shutdown(cx);
    return QL_OK;
}

static ql_status
exec_unbuilt(ql_ctx *cx, qli_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    return qli_not_built(cx, a != NULL && a->name.n > 0 ? qli_zstr(cx, a->name) : "this statement");
}

/* What runs a kind, the State shown meanwhile, and whether a kill that came too late to be noticed
 * still makes the statement fail (it has not committed anything by itself). */
typedef struct kind_info {
    executor run;
    ql_stage stage;
    bool recheck;
    const char *unbuilt;
} kind_info;

static const kind_info kinds[] = {
    [QL_S_SELECT] = {qli_exec_select, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_INSERT] = {qli_exec_insert, QL_STAGE_UPDATE, true, NULL},
    [QL_S_UPDATE] = {qli_exec_update, QL_STAGE_UPDATING, true, NULL},
    [QL_S_DELETE] = {qli_exec_delete, QL_STAGE_UPDATING, true, NULL},
    [QL_S_LOAD] = {NULL, QL_STAGE_NONE, false, "LOAD DATA"},
    [QL_S_DO] = {qli_exec_do, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_SET] = {qli_exec_set, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_USE] = {qli_exec_use, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_SHOW] = {qli_exec_show, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_DESCRIBE] = {qli_exec_show, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_KILL] = {qli_exec_kill, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_EXPLAIN] = {qli_exec_explain, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_CREATE_DATABASE] = {qli_exec_create_database, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_DROP_DATABASE] = {qli_exec_drop_database, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_ALTER_DATABASE] = {qli_exec_alter_database, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_CREATE_TABLE] = {qli_exec_create_table, QL_STAGE_CREATING, false, NULL},
    [QL_S_DROP_TABLE] = {qli_exec_drop_table, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_TRUNCATE] = {qli_exec_truncate, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_ALTER_TABLE] = {qli_exec_alter_keys, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_CREATE_INDEX] = {NULL, QL_STAGE_NONE, false, "CREATE INDEX"},
    [QL_S_DROP_INDEX] = {NULL, QL_STAGE_NONE, false, "DROP INDEX"},
    [QL_S_RENAME_TABLE] = {NULL, QL_STAGE_NONE, false, "RENAME TABLE"},
    [QL_S_CREATE_USER] = {qli_exec_account, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_ALTER_USER] = {qli_exec_account, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_DROP_USER] = {qli_exec_account, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_RENAME_USER] = {qli_exec_account, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_GRANT] = {qli_exec_grant, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_REVOKE] = {qli_exec_grant, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_SET_PASSWORD] = {qli_exec_account, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_BEGIN] = {exec_session_kind, QL_STAGE_NONE, false, NULL},
    [QL_S_COMMIT] = {exec_session_kind, QL_STAGE_NONE, false, NULL},
    [QL_S_ROLLBACK] = {exec_session_kind, QL_STAGE_NONE, false, NULL},
    [QL_S_SAVEPOINT] = {NULL, QL_STAGE_NONE, false, "SAVEPOINT"},
    [QL_S_ROLLBACK_TO] = {NULL, QL_STAGE_NONE, false, "ROLLBACK TO SAVEPOINT"},
    [QL_S_RELEASE_SAVEPOINT] = {NULL, QL_STAGE_NONE, false, "RELEASE SAVEPOINT"},
    [QL_S_LOCK_TABLES] = {qli_exec_lock_tables, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_UNLOCK_TABLES] = {qli_exec_unlock_tables, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_LOCK_INSTANCE] = {qli_exec_lock_instance, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_UNLOCK_INSTANCE] = {qli_exec_lock_instance, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_FLUSH] = {qli_exec_flush, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_SHUTDOWN] = {exec_shutdown, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_ANALYZE] = {qli_exec_admin, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_CHECK] = {qli_exec_admin, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_OPTIMIZE] = {qli_exec_admin, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_REPAIR] = {qli_exec_admin, QL_STAGE_EXECUTING, true, NULL},
    [QL_S_PREPARE] = {qli_exec_prepare, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_EXECUTE] = {qli_exec_prepare, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_DEALLOCATE] = {qli_exec_prepare, QL_STAGE_EXECUTING, false, NULL},
    [QL_S_UNBUILT] = {exec_unbuilt, QL_STAGE_NONE, false, NULL},
};

static ql_status
run_kind(ql_ctx *cx, qli_run *run, const kind_info *k)
{
    QL_TRY(ql_check(cx));
    if (k->run == NULL) {
        return qli_not_built(cx, k->unbuilt != NULL ? k->unbuilt : "this statement");
    }
    if (cx->proc != NULL && k->stage != QL_STAGE_NONE) {
        ql_proc_set_stage(cx->proc, k->stage);
    }
    QL_TRY(k->run(cx, run));
    return k->recheck ? ql_check(cx) : QL_OK;
}

ql_status
ql_exec(ql_ctx *cx, const ql_session_ops *ops, ql_rstmt *stmt, ql_outcome *out)
{
    static const kind_info unknown;
    qli_run run;
    *out = (ql_outcome){0};
    qli_run_init(&run, cx, ops, stmt, out);
    const kind_info *k = (size_t)stmt->kind < QL_ARRAY_LEN(kinds) ? &kinds[stmt->kind] : &unknown;
    ql_status st = run_kind(cx, &run, k);
    qli_run_fini(&run);
    return st;
}

static ql_status
describe_query(ql_ctx *cx, const ql_query *q, qli_description *d)
{
    if (q->into_vars.n != 0) {
        return QL_OK;
    }
    d->cols = QL_ARENA_ARRAY(cx, cx->arena, ql_result_column, q->nitems);
    if (d->cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        d->cols[i] = q->items[i].column;
    }
    d->n = q->nitems;
    return QL_OK;
}

/* Statements that make their result with a qli_table stop behind its columns. */
static bool
makes_table(ql_stmt_kind kind)
{
    switch (kind) {
    case QL_S_SHOW:
    case QL_S_DESCRIBE:
    case QL_S_EXPLAIN:
    case QL_S_ANALYZE:
    case QL_S_CHECK:
    case QL_S_OPTIMIZE:
    case QL_S_REPAIR:
        return true;
    default:
        return false;
    }
}

ql_status
ql_exec_describe(ql_ctx *cx, ql_rstmt *stmt, ql_result_column **cols, uint16_t *n)
{
    qli_description d = {NULL, 0};
    ql_outcome out = {0};
    ql_status st = QL_OK;
    if (stmt->kind == QL_S_SELECT) {
        st = describe_query(cx, stmt->query, &d);
    } else if (makes_table(stmt->kind)) {
        qli_run run;
        qli_run_init(&run, cx, NULL, stmt, &out);
        run.describe = &d;
        st = kinds[stmt->kind].run(cx, &run);
        qli_run_fini(&run);
    }
    *cols = d.cols;
    *n = d.n;
    return st == QL_END ? QL_OK : st;
}

/* PREPARE, EXECUTE, DEALLOCATE are the session's; values are computed here. */
static ql_status
prepare_text(ql_ctx *cx, const ql_ast_expr *from, ql_str *text)
{
    ql_value v = from->value;
    if (from->kind == QL_A_USERVAR) {
        ql_uservar_get(cx, from->name, &v);
    }
    if (v.kind == QL_K_NULL) {
        *text = QL_STR("NULL");
        return QL_OK;
    }
    return ql_value_to_str(cx, cx->arena, &v, text);
}

static ql_status
execute_using(ql_ctx *cx, qli_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_value *params = QL_ARENA_ARRAY(cx, cx->arena, ql_value, a->exprs.n + 1);
    if (params == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < a->exprs.n; i++) {
        ql_uservar_get(cx, a->exprs.v[i]->name, &params[i]);
        QL_TRY(qli_value_keep(cx, cx->arena, &params[i]));
    }
    return run->ops->execute(cx, a->name, params, a->exprs.n, run->out);
}

ql_status
qli_exec_prepare(ql_ctx *cx, qli_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_str text;
    if (run->ops == NULL) {
        return qli_not_built(cx, "prepared statements here");
    }
    switch (a->kind) {
    case QL_S_PREPARE:
        QL_TRY(prepare_text(cx, a->prepare_from, &text));
        return run->ops->prepare(cx, a->name, text);
    case QL_S_EXECUTE:
        return execute_using(cx, run);
    default:
        return run->ops->deallocate(cx, a->name);
    }
}
