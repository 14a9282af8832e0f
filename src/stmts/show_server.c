/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW of the server and the session: PROCESSLIST, WARNINGS, ERRORS, PRIVILEGES.
 */
#include <stdio.h>
#include <string.h>

#include "stmts/stmts_int.h"

static ql_type
int_type(uint32_t length, bool is_unsigned)
{
    ql_type t = ql_type_int(is_unsigned);
    t.field = QL_F_LONG;
    t.length = length;
    return t;
}

/* Without PROCESS one sees one's own; an anonymous user has none. */
ql_status
qli_show_processlist(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    if (!ql_acl_has(cx, QL_PRIV_PROCESS) && cx->vars->viewer.user.n == 0) {
        return ql_acl_require(cx, QL_PRIV_PROCESS, QL_PRIV_PROCESS);
    }
    if (cx->proc != NULL) {
        ql_proc_set_stage(cx->proc, QL_STAGE_INIT); /* what MySQL shows of itself here */
    }
    return qli_show_view(cx, run, s);
}

ql_status
ql_exec_processlist(ql_ctx *cx, bool full)
{
    ql_run run;
    ql_outcome out = {0};
    ql_ast_show show = {.kind = QL_SHOW_PROCESSLIST, .full = full};
    ql_run_init(&run, cx, NULL, NULL, &out);
    ql_status st = qli_show_processlist(cx, &run, &show);
    ql_run_fini(&run);
    return st;
}

static const char *
level_word(ql_diag_level level)
{
    return level == QL_DIAG_ERROR ? "Error" : level == QL_DIAG_WARNING ? "Warning" : "Note";
}

static ql_status
show_conditions(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    qli_table t;
    uint64_t skip = 0, left = UINT64_MAX;
    bool errors_only = s->kind == QL_SHOW_ERRORS;
    QL_TRY(qli_table_init(run, &t, 3));
    qli_table_string(&t, 0, "Level", 7, false);
    qli_table_column(&t, 1, "Code", int_type(4, true));
    qli_table_string(&t, 2, "Message", 512, false);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    if (s->offset != NULL && s->offset->value.kind == QL_K_INT) {
        skip = s->offset->value.u;
    }
    if (s->limit != NULL && s->limit->value.kind == QL_K_INT) {
        left = s->limit->value.u;
    }
    for (size_t i = 0; i < ql_diag_count(cx->diag) && left > 0; i++) {
        const ql_condition *c = ql_diag_at(cx->diag, i);
        ql_value *row;
        if (errors_only && c->level != QL_DIAG_ERROR) {
            continue;
        }
        if (skip > 0) {
            skip--;
            continue;
        }
        left--;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(level_word(c->level));
        row[1] = ql_value_uint(c->number);
        row[2] = qli_text(c->text);
    }
    return qli_table_send(cx, &t, NULL, 0);
}

static ql_status
show_count(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    bool errors = s->kind == QL_SHOW_COUNT_ERRORS;
    qli_table t;
    ql_value *row;
    QL_TRY(qli_table_init(run, &t, 1));
    qli_table_column(&t, 0, errors ? "@@session.error_count" : "@@session.warning_count",
                     ql_type_int(true));
    QL_TRY(qli_table_begin(cx, &t, NULL));
    QL_TRY(qli_table_row(cx, &t, &row));
    row[0] =
        ql_value_uint(errors ? ql_diag_error_count(cx->diag) : ql_diag_warning_count(cx->diag));
    return qli_table_send(cx, &t, NULL, 0);
}

static ql_status
show_privileges(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 3));
    qli_table_string(&t, 0, "Privilege", 64, false);
    qli_table_string(&t, 1, "Context", 15, false);
    qli_table_string(&t, 2, "Comment", 512, false);
    QL_TRY(qli_table_begin(cx, &t, s));
    for (int p = 0; p < QL_PRIV_COUNT; p++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(ql_privilege_name((ql_privilege)p));
        row[1] = qli_text("Server Admin");
        row[2] = qli_text("");
    }
    return qli_table_send(cx, &t, s, 0);
}

ql_status
qli_show_server_kinds(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    switch (s->kind) {
    case QL_SHOW_WARNINGS:
    case QL_SHOW_ERRORS:
        return show_conditions(cx, run, s);
    case QL_SHOW_COUNT_WARNINGS:
    case QL_SHOW_COUNT_ERRORS:
        return show_count(cx, run, s);
    case QL_SHOW_PRIVILEGES:
        return show_privileges(cx, run, s);
    case QL_SHOW_ENGINE_STATUS:
        return qli_show_engine_status(cx, run, s);
    default:
        return ql_not_built(cx, "this SHOW statement");
    }
}
