/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN of SELECT, INSERT, REPLACE, UPDATE, DELETE in the formats of plan/, and EXPLAIN ANALYZE,
 * which runs the query, drops its rows and shows the plan with what each operator has done. Stopped
 * by KILL QUERY or a time limit, it shows what was done until then, with the reason as a warning.
 */
#include <string.h>

#include "stmts/explain_int.h"

static ql_status
chosen_format(ql_ctx *cx, const ql_ast_stmt *a, qli_explain_format *out)
{
    ql_str name = a->explain.format;
    ql_value v = ql_value_null();
    bool given = name.n > 0;
    *out = QLI_EXPLAIN_ROWS;
    if (!given) {
        QL_TRY(ql_sysvar_get(cx, QL_SV_EXPLAIN_FORMAT, false, &v));
        name = v.kind == QL_K_STRING ? v.s : name;
    }
    if (ql_str_eq_nocase(name, QL_STR("TREE"))) {
        *out = QLI_EXPLAIN_TREE;
    } else if (ql_str_eq_nocase(name, QL_STR("JSON"))) {
        *out = QLI_EXPLAIN_JSON;
    } else if (given && !ql_str_eq_nocase(name, QL_STR("TRADITIONAL"))) {
        return ql_fail(cx, QL_ER_UNKNOWN_EXPLAIN_FORMAT, ql_cstr(cx, name));
    }
    if (!a->analyze) {
        return QL_OK;
    }
    if (*out == QLI_EXPLAIN_JSON) {
        return ql_not_built(cx, "EXPLAIN ANALYZE with JSON format");
    }
    if (*out == QLI_EXPLAIN_ROWS && given) {
        return ql_not_built(cx, "EXPLAIN ANALYZE with TRADITIONAL format");
    }
    *out = QLI_EXPLAIN_TREE;
    return QL_OK;
}

ql_status
qli_explain_columns(ql_ctx *cx, ql_run *run, qli_explain_format format, qli_table *t)
{
    static const char *const names[QLI_EXPLAIN_COLUMNS] = {
        "id",  "select_type", "table", "partitions", "type",     "possible_keys",
        "key", "key_len",     "ref",   "rows",       "filtered", "Extra"};
    if (format != QLI_EXPLAIN_ROWS) {
        QL_TRY(qli_table_init(run, t, 1));
        qli_table_string(t, 0, "EXPLAIN", 16383, false);
        return qli_table_begin(cx, t, NULL);
    }
    QL_TRY(qli_table_init(run, t, QLI_EXPLAIN_COLUMNS));
    for (uint16_t i = 0; i < QLI_EXPLAIN_COLUMNS; i++) {
        qli_table_string(t, i, names[i], i == 11 ? 255 : 64, true);
    }
    ql_type number = ql_type_int(true), percent = ql_type_double();
    qli_table_column(t, 0, names[0], number);
    qli_table_column(t, 9, names[9], number);
    percent.decimals = 2;
    qli_table_column(t, 10, names[10], percent);
    return qli_table_begin(cx, t, NULL);
}

static ql_status
add_rows(ql_ctx *cx, qli_table *t, ql_value **rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, t, &row));
        memcpy(row, rows[i], sizeof(ql_value) * QLI_EXPLAIN_COLUMNS);
        for (uint16_t k = 0; k < QLI_EXPLAIN_COLUMNS; k++) {
            ql_value v;
            if (row[k].kind != QL_K_NULL && row[k].kind != t->cols[k].type.kind) {
                QL_TRY(ql_value_cast(cx, t->mem, &row[k], &t->cols[k].type, &v));
                row[k] = v;
            }
        }
    }
    return QL_OK;
}

ql_status
qli_explain_text_row(ql_ctx *cx, qli_table *t, ql_str text)
{
    ql_value *row;
    QL_TRY(qli_table_row(cx, t, &row));
    row[0] = qli_text_n(text);
    return ql_value_keep(cx, t->mem, &row[0]);
}

ql_status
qli_explain_write(ql_ctx *cx, qli_explain_format format, const ql_explained *e, ql_buf *out)
{
    return format == QLI_EXPLAIN_TREE ? ql_explain_tree(cx, e, out) : ql_explain_json(cx, e, out);
}

static ql_status
show(ql_ctx *cx, qli_table *t, qli_explain_format format, const ql_explained *e)
{
    ql_buf text = {.quota = ql_arena_quota(cx->arena)};
    if (format == QLI_EXPLAIN_ROWS) {
        ql_value **rows;
        size_t n;
        QL_TRY(ql_explain_rows(cx, e, &rows, &n));
        QL_TRY(add_rows(cx, t, rows, n));
        return qli_table_send(cx, t, NULL, 0);
    }
    ql_status st = qli_explain_write(cx, format, e, &text);
    if (st == QL_OK) {
        st = qli_explain_text_row(cx, t, (ql_str){text.p, text.n});
    }
    ql_buf_free(&text);
    QL_TRY(st);
    return qli_table_send(cx, t, NULL, 0);
}

/* What an UPDATE sets. */
static ql_status
note_values(ql_ctx *cx, ql_explained *e, const ql_rupdate *u)
{
    uint32_t n = 0;
    for (uint16_t i = 0; i < u->ntargets; i++) {
        n += u->nset[i];
    }
    ql_expr **v = QL_ARENA_ARRAY(cx, cx->arena, ql_expr *, n + 1u);
    if (v == NULL) {
        return QL_ERROR;
    }
    e->beside = v;
    for (uint16_t i = 0; i < u->ntargets; i++) {
        for (uint16_t k = 0; k < u->nset[i]; k++) {
            v[e->nbeside++] = u->set[i][k].value;
        }
    }
    return QL_OK;
}

ql_status
qli_explained_init(ql_ctx *cx, ql_explained *e, const ql_rstmt *s, ql_stmt_kind kind)
{
    *e = (ql_explained){.kind = kind};
    if (kind == QL_S_INSERT) {
        e->into = s->insert->table;
        e->replace = s->insert->replace;
    } else if (kind != QL_S_SELECT) {
        e->targets = s->update->targets;
        e->ntargets = s->update->ntargets;
    }
    return kind == QL_S_UPDATE ? note_values(cx, e, s->update) : QL_OK;
}

/* ---- ANALYZE ---- */

static ql_status
run_to_end(ql_ctx *cx, ql_run *run, const ql_block_plan *plan)
{
    ql_block *block;
    ql_batch *b;
    ql_status st;
    QL_TRY(ql_block_new(run, NULL, plan->query, plan, NULL, &block));
    while ((st = ql_block_next(cx, block, &b)) == QL_OK) {
        QL_TRY(ql_check(cx));
    }
    return st == QL_END ? QL_OK : st;
}

/* It runs as the statement that it explains: what that locks is locked. */
static ql_status
analyze(ql_ctx *cx, ql_run *run, const ql_block_plan *plan)
{
    ql_rstmt *explain = run->stmt;
    ql_rstmt inner = *explain;
    qli_reason why;
    inner.kind = QL_S_SELECT;
    inner.ast = explain->ast->explain.inner;
    QL_TRY(ql_run_watch(run));
    run->stmt = &inner;
    ql_status st = run_to_end(cx, run, plan);
    run->stmt = explain;
    if (st == QL_OK) {
        return QL_OK;
    }
    QL_TRY(qli_answer_kill(cx, st, &why));
    ql_warn_text(cx, QL_DIAG_WARNING, (ql_errcode)why.number, "%s", why.text);
    return QL_OK;
}

ql_status
qli_exec_explain(ql_ctx *cx, ql_run *run)
{
    const ql_ast_stmt *a = run->stmt->ast;
    const ql_ast_stmt *inner = a->explain.inner;
    ql_explained_run counted = {ql_watch_plan, ql_watch_counts, run};
    qli_explain_format format;
    ql_explained e;
    qli_table t;
    QL_TRY(chosen_format(cx, a, &format));
    if (a->explain.for_connection != NULL) {
        return qli_explain_connection(cx, run, format);
    }
    if (run->stmt->hides_plan) {
        return ql_fail(cx, QL_ER_VIEW_NO_EXPLAIN);
    }
    if (a->analyze && inner->kind != QL_S_SELECT) {
        return ql_not_built(cx, "EXPLAIN ANALYZE of this statement");
    }
    QL_TRY(qli_explain_columns(cx, run, format, &t));
    QL_TRY(qli_explained_init(cx, &e, run->stmt, inner->kind));
    const ql_query *q = ql_rstmt_query(run->stmt, inner->kind);
    if (q != NULL) {
        ql_block_plan *plan;
        QL_TRY(ql_plan_query(cx, q, &plan));
        e.plan = plan;
    }
    if (a->analyze) {
        QL_TRY(analyze(cx, run, e.plan));
        e.run = &counted;
    }
    return show(cx, &t, format, &e);
}
