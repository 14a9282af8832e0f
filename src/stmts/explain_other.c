/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN ... FOR CONNECTION (manual, "Obtaining Execution Plan Information for a Named
 * Connection"): the other session writes its own plan when it looks at its kill flag or waits
 * (intr/ask.h). Rows of the traditional format travel as lengths and texts.
 */
#include <string.h>

#include "stmts/explain_int.h"

#define NO_VALUE UINT32_MAX

/* ---- the side that is asked ---- */

static bool
has_plan(ql_stmt_kind kind)
{
    return kind == QL_S_SELECT || kind == QL_S_INSERT || kind == QL_S_UPDATE || kind == QL_S_DELETE;
}

static ql_status
pack_rows(ql_ctx *cx, const ql_explained *e, ql_buf *out)
{
    ql_value **rows;
    size_t n;
    QL_TRY(ql_explain_rows(cx, e, &rows, &n));
    for (size_t i = 0; i < n * QLI_EXPLAIN_COLUMNS; i++) {
        const ql_value *v = &rows[i / QLI_EXPLAIN_COLUMNS][i % QLI_EXPLAIN_COLUMNS];
        ql_str s = {NULL, NO_VALUE};
        if (v->kind != QL_K_NULL) {
            QL_TRY(ql_value_to_str(cx, cx->arena, v, &s));
        }
        QL_TRY(ql_buf_put_le(cx, out, s.n, 4));
        QL_TRY(s.n != NO_VALUE ? ql_buf_put(cx, out, s.p, s.n) : QL_OK);
    }
    return QL_OK;
}

ql_status
qli_explain_tell(ql_ctx *cx, void *arg, unsigned what, ql_buf *out, ql_ask_state *state)
{
    ql_run *run = arg;
    ql_stmt_kind kind = run->stmt->kind;
    ql_explained_run counted = {ql_watch_plan, ql_watch_counts, run};
    ql_explained e;
    bool may_see = (what & QLI_EXPLAIN_SEES_ALL) != 0 || !run->stmt->hides_plan;
    what &= ~QLI_EXPLAIN_SEES_ALL;
    if (!has_plan(kind) || !may_see) {
        *state = QL_ASK_NEVER;
        return QL_OK;
    }
    if (ql_rstmt_query(run->stmt, kind) != NULL && run->plan == NULL) {
        *state = QL_ASK_NOT_YET;
        return QL_OK;
    }
    QL_TRY(qli_explained_init(cx, &e, run->stmt, kind));
    e.plan = run->plan;
    if (run->watch != NULL && what == QLI_EXPLAIN_TREE) { /* of an EXPLAIN ANALYZE: so far */
        e.run = &counted;
    }
    *state = QL_ASK_TOLD;
    return what == QLI_EXPLAIN_ROWS ? pack_rows(cx, &e, out)
                                    : qli_explain_write(cx, (qli_explain_format)what, &e, out);
}

/* ---- the side that asks ---- */

static ql_status
unpack_value(ql_ctx *cx, qli_table *t, uint16_t column, const char **p, ql_value *v)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < 4; i++) {
        n |= (uint32_t)(unsigned char)*(*p)++ << (8 * i);
    }
    if (n == NO_VALUE) {
        return QL_OK;
    }
    ql_value text = qli_text_n((ql_str){*p, n});
    *p += n;
    if (t->cols[column].type.kind != QL_K_STRING) {
        return ql_value_cast(cx, t->mem, &text, &t->cols[column].type, v);
    }
    *v = text;
    return ql_value_keep(cx, t->mem, v);
}

static ql_status
unpack_rows(ql_ctx *cx, qli_table *t, const char *p, size_t n)
{
    const char *end = p + n;
    while (p < end) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, t, &row));
        for (uint16_t i = 0; i < QLI_EXPLAIN_COLUMNS; i++) {
            QL_TRY(unpack_value(cx, t, i, &p, &row[i]));
        }
    }
    return QL_OK;
}

static ql_status
not_ready(ql_ctx *cx, qli_table *t, qli_explain_format format)
{
    static const char words[] = "Plan isn't ready yet";
    ql_value *row;
    if (format == QLI_EXPLAIN_TREE) {
        return qli_explain_text_row(cx, t, QL_STR("-> Plan isn't ready yet\n"));
    }
    if (format == QLI_EXPLAIN_JSON) {
        return qli_explain_text_row(
            cx, t,
            QL_STR("{\n  \"query_block\": {\n    \"message\": \"Plan isn't ready yet\"\n  }\n}"));
    }
    QL_TRY(qli_table_row(cx, t, &row));
    row[0] = ql_value_int(1);
    row[11] = qli_text(words);
    return QL_OK;
}

static ql_status
show_answer(ql_ctx *cx, ql_run *run, qli_explain_format format, const ql_ask *a)
{
    qli_table t;
    if (a->state == QL_ASK_NEVER) {
        return ql_fail(cx, QL_ER_EXPLAIN_NOT_SUPPORTED);
    }
    if (a->state == QL_ASK_ENDED) {
        return QL_OK; /* as for a session that is idle */
    }
    QL_TRY(qli_explain_columns(cx, run, format, &t));
    if (a->state == QL_ASK_NOT_YET) {
        QL_TRY(not_ready(cx, &t, format));
    } else if (format == QLI_EXPLAIN_ROWS) {
        QL_TRY(unpack_rows(cx, &t, a->text, a->n));
    } else {
        QL_TRY(qli_explain_text_row(cx, &t, (ql_str){a->text, a->n}));
    }
    return qli_table_send(cx, &t, NULL, 0);
}

static ql_status
ask(ql_ctx *cx, ql_run *run, qli_explain_format format, uint64_t id)
{
    bool all = ql_acl_globally(cx, QL_PM(SELECT) | QL_PM(SHOW_VIEW));
    ql_ask *a = ql_ask_new(cx, (unsigned)format | (all ? QLI_EXPLAIN_SEES_ALL : 0));
    if (a == NULL) {
        return QL_ERROR;
    }
    ql_status st = QL_OK;
    ql_raise_result sent = ql_procs_ask(cx->inst->procs, id, a);
    if (sent == QL_RAISE_NO_THREAD) {
        st = ql_fail(cx, QL_ER_NO_SUCH_THREAD, (unsigned long)id);
    } else if (sent == QL_RAISE_DONE) {
        st = ql_ask_wait(cx, a);
        st = st == QL_OK ? show_answer(cx, run, format, a) : st;
    }
    ql_ask_put(a);
    return st;
}

/* Who does not see the statement in the process list does not see its plan. */
static ql_status
may_ask(ql_ctx *cx, uint64_t id)
{
    const ql_viewer *me = &cx->vars->viewer;
    ql_proc_info row;
    ql_status st = ql_procs_find(cx, cx->inst->procs, id, cx->arena, &row);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_NO_SUCH_THREAD, (unsigned long)id);
    }
    QL_TRY(st);
    bool mine = row.authenticated && me->user.n > 0 && ql_str_eq(row.user, me->user);
    return mine ? QL_OK : ql_acl_require(cx, QL_PRIV_PROCESS, QL_PRIV_PROCESS);
}

ql_status
qli_explain_connection(ql_ctx *cx, ql_run *run, qli_explain_format format)
{
    const ql_value *id = &run->stmt->ast->explain.for_connection->value;
    if (run->stmt->ast->analyze) {
        return ql_not_built(cx, "EXPLAIN ANALYZE FOR CONNECTION");
    }
    QL_TRY(may_ask(cx, id->u));
    if (cx->proc != NULL && id->u == ql_proc_id(cx->proc)) { /* it runs this, which has no plan */
        return ql_fail(cx, QL_ER_EXPLAIN_NOT_SUPPORTED);
    }
    return ask(cx, run, format, id->u);
}
