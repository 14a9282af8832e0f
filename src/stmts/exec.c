/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door: a resolved statement goes to the executor of its kind, and whatever it
 * owned is freed in one place before the session ends its layer. A statement that was killed never
 * reports success: kinds that have not committed by themselves are checked once more at the end.
 */
#include "intr/ask.h"
#include "rewrite/rewrite.h"
#include "stmts/explain_int.h"

typedef ql_status (*executor)(ql_ctx *cx, ql_run *run);

ql_status
qli_exec_shutdown(ql_ctx *cx, ql_run *run)
{
    QL_TRY(ql_acl_require(cx, QL_PRIV_SHUTDOWN, QL_PRIV_SHUTDOWN));
    if (run->ops == NULL || run->ops->request_shutdown == NULL) {
        return ql_not_built(cx, "SHUTDOWN");
    }
    run->ops->request_shutdown(cx);
    return QL_OK;
}

static ql_status
exec_unbuilt(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    return ql_not_built(cx, a != NULL && a->name.n > 0 ? ql_cstr(cx, a->name) : "this statement");
}

typedef struct kind_info {
    executor run;
    ql_stage stage;
} kind_info;

static const kind_info kinds[] = {
#define QL_STATEMENT(id, com, stage, does, bind, run, name) [QL_S_##id] = {run, QL_STAGE_##stage},
#include "vars/statements.def"
#undef QL_STATEMENT
    [QL_S_UNBUILT] = {exec_unbuilt, QL_STAGE_NONE},
};

static ql_status
run_kind(ql_ctx *cx, ql_run *run, ql_stmt_kind kind)
{
    const kind_info *k = &kinds[(size_t)kind < QL_ARRAY_LEN(kinds) ? kind : QL_S_UNBUILT];
    QL_TRY(ql_check(cx));
    if (k->run == NULL) {
        return ql_not_built(cx, ql_stmt_name(kind));
    }
    if (cx->proc != NULL && k->stage != QL_STAGE_NONE) {
        ql_proc_set_stage(cx->proc, k->stage);
    }
    QL_TRY(k->run(cx, run));
    return ql_stmt_does(kind, QL_DOES_RECHECKS) && !run->out->decided ? ql_check(cx) : QL_OK;
}

static ql_status
value_of(void *arg, const ql_expr *e, ql_value *out)
{
    ql_run *run = arg;
    return ql_scalar(run, run->cx->arena, e, out);
}

static ql_status
cost_of(void *arg, const ql_query *q, double *us)
{
    ql_run *run = arg;
    ql_block_plan *made;
    QL_TRY(ql_plan_query(run->cx, q, &made));
    run->plan = made;
    *us = ql_subquery_cost(made);
    return QL_OK;
}

#define GIVE_UP_NS 500000000 /* a subquery that was thought to take some milliseconds */
static ql_status
run_of(void *arg, const ql_expr *e, ql_value *out)
{
    ql_run *run = arg;
    run->give_up_ns = ql_now_mono_ns() + GIVE_UP_NS;
    ql_status st = value_of(arg, e, out);
    run->give_up_ns = 0;
    return st;
}

/* May subqueries be run while the statement is planned? Not where they lock what they read: EXPLAIN
 * locks nothing, and plans as the statement does. */
static bool
reads_without_locks(const ql_ctx *cx, const ql_rstmt *s)
{
    ql_stmt_kind kind =
        s->kind == QL_S_EXPLAIN && s->ast->explain.inner ? s->ast->explain.inner->kind : s->kind;
    return kind == QL_S_SELECT && cx->txn != NULL && cx->vars != NULL &&
           (ql_txn_isolation(cx->txn) != QL_SERIALIZABLE ||
            (cx->vars->autocommit && !cx->vars->in_transaction));
}

ql_status
ql_exec_rewrite(ql_ctx *cx, const ql_session_ops *ops, ql_rstmt *stmt)
{
    ql_outcome none = {0};
    ql_run run;
    ql_evaluator by = {.value = value_of, .arg = &run};
    if (reads_without_locks(cx, stmt)) {
        by.cost = cost_of;
        by.run = run_of;
    }
    ql_run_init(&run, cx, ops, stmt, &none);
    ql_status st = ql_settle_constants(cx, stmt, &by);
    if (st == QL_OK) {
        st = ql_rewrite_stmt(cx, stmt, &by);
    }
    ql_run_fini(&run);
    return st;
}

ql_status
ql_exec(ql_ctx *cx, const ql_session_ops *ops, ql_rstmt *stmt, ql_outcome *out)
{
    ql_run run;
    *out = (ql_outcome){0};
    ql_run_init(&run, cx, ops, stmt, out);
    ql_teller teller = {qli_explain_tell, &run};
    const ql_teller *outer = cx->intr->teller; /* EXECUTE's */
    cx->intr->teller = &teller;
    ql_status st = run_kind(cx, &run, stmt->kind);
    cx->intr->teller = outer;
    ql_run_fini(&run);
    return st;
}

static ql_status
describe_query(ql_ctx *cx, const ql_query *q, bool into_file, ql_description *d)
{
    if (q->into_vars.n != 0 || into_file) {
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

ql_status
ql_exec_describe(ql_ctx *cx, ql_rstmt *stmt, ql_result_column **cols, uint16_t *n)
{
    ql_description d = {NULL, 0};
    ql_outcome out = {0};
    ql_status st = QL_OK;
    if (stmt->kind == QL_S_SELECT) {
        st = describe_query(cx, stmt->query, stmt->ast->select->into_file != NULL, &d);
    } else if (ql_stmt_does(stmt->kind, QL_DOES_MAKES_TABLE)) { /* stops behind its columns */
        ql_run run;
        ql_run_init(&run, cx, NULL, stmt, &out);
        run.describe = &d;
        st = kinds[stmt->kind].run(cx, &run);
        ql_run_fini(&run);
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
execute_using(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_value *params = QL_ARENA_ARRAY(cx, cx->arena, ql_value, a->exprs.n + 1);
    if (params == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < a->exprs.n; i++) {
        ql_uservar_get(cx, a->exprs.v[i]->name, &params[i]);
        QL_TRY(ql_value_keep(cx, cx->arena, &params[i]));
    }
    return run->ops->execute(cx, a->name, params, a->exprs.n, run->out);
}

ql_status
qli_exec_prepare(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    ql_str text;
    if (run->ops == NULL) {
        return ql_not_built(cx, "prepared statements here");
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
