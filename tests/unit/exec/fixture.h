/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of the resolve fixture with all views, and one call from text to result: rows as
 * "1|a\n2|NULL\n", "ok 3 info" without a result set, "1062 text" on error. Each statement is its
 * own transaction.
 */
#ifndef QL_TESTS_UNIT_EXEC_FIXTURE_H
#define QL_TESTS_UNIT_EXEC_FIXTURE_H

#include "../resolve/fixture.h"
#include "base/buf.h"
#include "stmts/stmts.h"
#include "views/views.h"

static inline int
exec_setup(void **state)
{
    (void)sql_setup(state);
    world *w = *state;
    OK(ql_views_open(&w->boot.cx));
    return 0;
}

typedef struct text_sink {
    ql_sink sink;
    ql_buf out;
    uint16_t ncols;
} text_sink;

static ql_status
text_columns(ql_ctx *cx, ql_sink *s, const ql_result_column *cols, uint16_t n)
{
    (void)cx;
    (void)cols;
    ((text_sink *)s)->ncols = n;
    return QL_OK;
}

static ql_status
text_rows(ql_ctx *cx, ql_sink *s, const ql_batch *b)
{
    text_sink *t = (text_sink *)s;
    for (uint16_t k = 0; k < b->nsel; k++) {
        for (uint16_t i = 0; i < b->ncols; i++) {
            ql_value v;
            ql_str text = QL_STR("NULL");
            ql_vector_get(&b->cols[i], ql_batch_row(b, k), &v);
            if (v.kind != QL_K_NULL) {
                QL_TRY(ql_value_to_str(cx, cx->arena, &v, &text));
            }
            QL_TRY(ql_buf_put(cx, &t->out, "|", i > 0));
            QL_TRY(ql_buf_put(cx, &t->out, text.p, text.n));
        }
        QL_TRY(ql_buf_put(cx, &t->out, "\n", 1));
    }
    return QL_OK;
}

/* Run sql; the text is valid until the next call. *status may be NULL. */
static inline const char *
run_status(world *w, const char *sql, ql_status *status)
{
    static const ql_sink_ops sink_ops = {text_columns, text_rows};
    static char text[1 << 16];
    text_sink sink = {.sink = {.ops = &sink_ops}};
    ql_rstmt *stmt;
    ql_outcome out = {0};
    fresh(w);
    begin(&w->boot);
    w->boot.cx.sink = &sink.sink;
    ql_intr_stmt_begin(&w->boot.intr, w->boot.cx.stmt_id);
    ql_status st = resolve_params(w, sql, NULL, 0, &stmt);
    if (st == QL_OK) {
        st = ql_exec(&w->boot.cx, NULL, stmt, &out);
    }
    ql_intr_stmt_end(&w->boot.intr);
    if (st != QL_OK) {
        const ql_condition *c = ql_diag_error(w->boot.cx.diag);
        snprintf(text, sizeof text, "%u %s", c ? c->number : 0, c ? c->text : "no error");
    } else if (out.has_result_set) {
        snprintf(text, sizeof text, "%.*s", (int)sink.out.n, sink.out.n ? sink.out.p : "");
    } else {
        snprintf(text, sizeof text, "ok %llu%s%s", (unsigned long long)out.affected_rows,
                 out.info[0] ? " " : "", out.info);
    }
    ql_buf_free(&sink.out);
    w->boot.cx.sink = NULL;
    if (st == QL_OK && w->boot.cx.txn != NULL) {
        commit(&w->boot);
    } else {
        ql_txn_rollback(&w->boot.cx);
        ql_catalog_rolled_back(&w->boot.cx);
        ql_mdl_release_transaction(&w->boot.cx);
    }
    if (status != NULL) {
        *status = st;
    }
    return text;
}

static inline const char *
run(world *w, const char *sql)
{
    return run_status(w, sql, NULL);
}

#define RUN(w, sql, expected) assert_string_equal(run((w), (sql)), (expected))

#endif
