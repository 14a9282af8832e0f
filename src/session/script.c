/* SPDX-License-Identifier: Apache-2.0
 *
 * A session without a client: the statements of a text (--init-file), one after the other, with all
 * privileges and bound by no read_only. The first that fails ends it. Runs on the thread that
 * server/ gave it.
 */
#include <stdio.h>
#include <string.h>

#include "intr/proc.h"
#include "session/session_int.h"

static void
become_server(ql_session *s)
{
    ql_vars *v = &s->vars;
    s->login = (ql_login){.caps = QL_CAP_PROTOCOL_41,
                          .user = QL_STR("root"),
                          .host = QL_STR("localhost"),
                          .account = {.user = QL_STR("root"),
                                      .host = QL_STR("localhost"),
                                      .privs = ql_privs_all(),
                                      .grant_option = true}};
    ql_acl_set_session(&s->cx, &s->login.account);
    v->viewer = (ql_viewer){.conn_id = v->thread_id, .user = s->login.user, .has_process = true};
    v->current_user = v->login_user = QL_STR("root@localhost");
    v->is_server = true;
    s->logged_in = true;
    ql_proc_set_user(s->cx.proc, s->login.user, s->login.host, QL_PROC_SYSTEM_USER);
}

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

void
qli_script_run(ql_session *s)
{
    ql_str all = s->start->script, rest = skip_blanks(all);
    become_server(s);
    while (rest.n != 0 && s->end == QLI_END_NONE) {
        unsigned line = 1 + count_lines((ql_str){all.p, (size_t)(rest.p - all.p)});
        size_t n = first_statement(s, rest);
        if (n == 0) {
            if (ql_diag_has_error(s->diag_now)) {
                report(s->start->result, line, s->diag_now);
            }
            return;
        }
        qli_target_open(s, QL_COM_QUERY);
        if (!qli_stmt_silent(s, (ql_str){rest.p, n})) {
            report(s->start->result, line, s->diag_last);
            return;
        }
        rest = skip_blanks((ql_str){rest.p + n, rest.n - n});
    }
}
