/* SPDX-License-Identifier: Apache-2.0
 *
 * A session without a client: the statements of a text (--init-file), one after the other, with all
 * privileges and bound by no read_only. The first that fails ends it. Runs on the thread that
 * server/ gave it.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "intr/progress.h"
#include "session/session_int.h"

/* ---- nobody's front ---- */

static ql_status
discard_columns(ql_ctx *cx, ql_sink *sink, const ql_result_column *cols, uint16_t n)
{
    (void)cx;
    (void)sink;
    (void)cols;
    (void)n;
    return QL_OK;
}

static ql_status
discard_rows(ql_ctx *cx, ql_sink *sink, const ql_batch *b)
{
    (void)sink;
    (void)b;
    return ql_check(cx);
}

static void
begin_silent(ql_session *s, bool binary)
{
    static const ql_sink_ops discard = {.columns = discard_columns, .rows = discard_rows};
    (void)binary;
    s->nowhere = (ql_sink){.ops = &discard};
    s->cx.sink = &s->nowhere;
    ql_proc_tell_work(s->cx.proc, NULL, NULL);
}

static const ql_session_ops silent_ops = {QL_SESSION_OPS};
const ql_front qli_silent_front = {.begin = begin_silent, .ops = &silent_ops};

/* ---- the script ---- */

static unsigned
count_lines(ql_str text)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

static ql_str
skip_blanks(ql_str text)
{
    while (text.n != 0 && strchr(" \t\r\n;", text.p[0]) != NULL) {
        text.p++;
        text.n--;
    }
    return text;
}

static void
report(ql_script_result *r, unsigned line, const ql_diag *d)
{
    const ql_condition *c = ql_diag_error(d);
    r->line = line;
    r->number = c != NULL ? c->number : QL_ER_UNKNOWN_ERROR;
    (void)snprintf(r->text, sizeof r->text, "%s", c != NULL ? c->text : "out of memory");
}

/* Bytes of the first statement of text; 0 when there is none but comments, or it is wrong (then the
 * diagnostics say so). */
static size_t
first_statement(ql_session *s, ql_str text)
{
    ql_parse_mode mode = qli_parse_mode(s, false);
    ql_ast_stmt *ast;
    size_t consumed = 0;
    ql_arena_reset(s->cx.arena);
    ql_diag_reset(s->diag_now);
    s->cx.diag = s->diag_now;
    ql_status st = ql_parse(&s->cx, s->cx.arena, text, &mode, &ast, &consumed);
    if (st == QL_OK) {
        return consumed;
    }
    const ql_condition *c = ql_diag_error(s->diag_now);
    if (c != NULL && c->number == QL_ER_EMPTY_QUERY) {
        ql_diag_reset(s->diag_now);
    }
    return 0;
}

static void
run_statements(ql_session *s, ql_str all, ql_script_result *result)
{
    ql_str rest = skip_blanks(all);
    while (rest.n != 0 && s->end == QL_END_NONE && ql_intr_conn_reason(&s->intr) == 0) {
        unsigned line = 1 + count_lines((ql_str){all.p, (size_t)(rest.p - all.p)});
        size_t n = first_statement(s, rest);
        if (n == 0) {
            if (ql_diag_has_error(s->diag_now)) {
                report(result, line, s->diag_now);
            }
            return;
        }
        ql_session_target_open(s, true, QL_PC_QUERY);
        if (!ql_session_query_silent(s, (ql_str){rest.p, n})) {
            report(result, line, s->diag_last);
            return;
        }
        rest = skip_blanks((ql_str){rest.p + n, rest.n - n});
    }
}

void
ql_script_run(ql_session_env *env, ql_str text, ql_script_result *result)
{
    ql_session *s = ql_mem_zalloc(sizeof *s);
    ql_status st =
        s != NULL ? ql_session_init(s, env, &qli_silent_front, -1, "localhost") : QL_ERROR;
    if (st == QL_OK) {
        st = ql_session_set_owner(s, true);
    }
    if (st == QL_OK) {
        run_statements(s, text, result);
    } else {
        *result = (ql_script_result){
            .line = 1, .number = QL_ER_OUT_OF_RESOURCES, .text = "out of memory"};
    }
    if (s != NULL) {
        ql_session_release(s);
        ql_session_fini(s);
        ql_mem_free(s);
    }
}
