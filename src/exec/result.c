/* SPDX-License-Identifier: Apache-2.0
 *
 * SELECT and DO: the select list to the client's sink, or into user variables.
 */
#include <string.h>

#include "exec/exec_int.h"

static ql_status
send_columns(ql_ctx *cx, const ql_query *q)
{
    ql_result_column *cols = QL_ARENA_ARRAY(cx, cx->arena, ql_result_column, q->nitems + 1);
    if (cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        cols[i] = q->items[i].column;
    }
    return cx->sink->ops->columns(cx, cx->sink, cols, q->nitems);
}

static void
note_found_rows(ql_ctx *cx, const ql_run *run, uint64_t rows)
{
    if (cx->vars != NULL) {
        cx->vars->found_rows = rows + run->passed_over;
    }
}

static ql_status
send_rows(ql_ctx *cx, ql_run *run, const ql_query *q)
{
    uint64_t sent = 0;
    ql_block *block;
    ql_batch *b;
    ql_status st;
    QL_TRY(ql_block_new(run, NULL, q, NULL, NULL, &block));
    run->out->has_result_set = true;
    QL_TRY(send_columns(cx, q));
    while ((st = ql_block_next(cx, block, &b)) == QL_OK) {
        QL_TRY(cx->sink->ops->rows(cx, cx->sink, b));
        sent += b->nsel;
        if (cx->proc != NULL) {
            ql_proc_add_rows(cx->proc, 0, b->nsel);
        }
    }
    if (st != QL_END) {
        return st;
    }
    note_found_rows(cx, run, sent);
    return QL_OK;
}

/* SELECT ... INTO @a, @b: exactly one row, none leaves a warning. */
static ql_status
into_variables(ql_ctx *cx, ql_run *run, const ql_query *q, const ql_ast_exprs *into)
{
    ql_block *block;
    ql_batch *b;
    if (into->n != q->nitems) {
        return ql_fail(cx, QL_ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT);
    }
    QL_TRY(ql_block_new(run, NULL, q, NULL, NULL, &block));
    ql_value *vals = QL_ARENA_ARRAY(cx, cx->arena, ql_value, q->nitems + 1);
    if (vals == NULL) {
        return QL_ERROR;
    }
    ql_status st = ql_block_next(cx, block, &b);
    if (st == QL_END) {
        note_found_rows(cx, run, 0);
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_SP_FETCH_NO_DATA);
        return QL_OK;
    }
    QL_TRY(st);
    for (uint16_t i = 0; i < q->nitems; i++) {
        ql_vector_get(&b->cols[i], ql_batch_row(b, 0), &vals[i]);
        QL_TRY(ql_value_keep(cx, cx->arena, &vals[i]));
    }
    bool more = b->nsel > 1;
    if (!more) {
        st = ql_block_next(cx, block, &b);
        if (st != QL_OK && st != QL_END) {
            return st;
        }
        more = st == QL_OK;
    }
    if (more) {
        return ql_fail(cx, QL_ER_TOO_MANY_ROWS);
    }
    QL_TRY(ql_check(cx));
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(ql_uservar_set(cx, into->v[i]->name, &vals[i]));
    }
    note_found_rows(cx, run, 1);
    run->out->affected_rows = 1;
    return QL_OK;
}

ql_status
ql_exec_select(ql_ctx *cx, ql_run *run)
{
    const ql_query *q = run->stmt->query;
    const ql_ast_exprs *into =
        run->stmt->into != NULL && run->stmt->into->n > 0 ? run->stmt->into : &q->into_vars;
    const ql_ast_stmt *ast = run->stmt->ast;
    if (ast != NULL && ast->kind == QL_S_SELECT && ast->select->into_file != NULL) {
        uint64_t rows;
        QL_TRY(qli_into_file(cx, run, q, ast->select->into_file, &rows));
        note_found_rows(cx, run, rows);
        return QL_OK;
    }
    if (into->n > 0) {
        return into_variables(cx, run, q, into);
    }
    return send_rows(cx, run, q);
}

ql_status
ql_exec_do(ql_ctx *cx, ql_run *run)
{
    for (uint32_t i = 0; i < run->stmt->exprs.n; i++) {
        ql_value v;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_scalar(run, cx->arena, run->stmt->exprs.v[i], &v));
    }
    return QL_OK;
}
