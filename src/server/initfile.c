/* SPDX-License-Identifier: Apache-2.0
 *
 * --init-file: statements run at start, with all privileges, before anybody can connect: the way
 * back in when nobody can log in any more. They run on a thread of their own, so that the main
 * thread goes on hearing signals: a statement that takes too long is ended by SIGTERM.
 */
#include <poll.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "instance/permissions.h"
#include "intr/proc.h"
#include "server/server_int.h"

#define FILE_MAX ((size_t)4 << 20)
#define SCRIPT_STACK ((size_t)1 << 20)

typedef struct script {
    ql_session_env *env;
    ql_str text;
    ql_script_result result;
    ql_intr *waiter;
    _Atomic bool done;
} script;

static void
run(void *arg)
{
    script *s = arg;
    ql_script_run(s->env, s->text, &s->result);
    atomic_store_explicit(&s->done, true, memory_order_release);
    ql_intr_wake(s->waiter);
}

static bool
wait_until_done(ql_ctx *cx, ql_server *server, script *s, int signals)
{
    bool stop = false;
    while (!atomic_load_explicit(&s->done, memory_order_acquire)) {
        ql_status st = ql_wait(cx, signals, POLLIN, QL_FOREVER, QL_W_BACKGROUND);
        if (st == QL_KILLED) { /* SHUTDOWN, in the file itself */
            ql_hold(cx, QL_INTR_SHUTDOWN);
            ql_diag_reset(cx->diag);
            stop = true;
        }
        if (qli_signals_say_stop(signals)) {
            stop = true;
            ql_procs_raise_all(server->inst->procs, QL_INTR_SHUTDOWN, false);
        }
    }
    return stop;
}

ql_status
qli_script_run(ql_ctx *cx, ql_server *server, int signals, ql_str text, ql_script_result *result,
               bool *stop)
{
    script s = {.env = server->env.sessions, .waiter = cx->intr, .text = text};
    ql_thread thread = {0};
    QL_TRY(ql_thread_start(cx, &thread, "init-file", SCRIPT_STACK, run, &s));
    *stop = wait_until_done(cx, server, &s, signals);
    ql_thread_join(&thread);
    *result = s.result;
    return QL_OK;
}

ql_status
qli_init_file_run(ql_ctx *cx, ql_server *server, int signals, bool *stop)
{
    ql_str text;
    ql_script_result result;
    const char *path = server->config->init_file.p;
    *stop = false;
    if (server->config->init_file.n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_read_trusted(cx, "init file", path, FILE_MAX, &text));
    QL_TRY(qli_script_run(cx, server, signals, text, &result, stop));
    if (*stop || result.line == 0) {
        return QL_OK;
    }
    ql_log_write(server->inst->log, QL_LOG_ERROR, "%s:%u: %s (error %u)", path, result.line,
                 result.text, result.number);
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "the init file failed at %s:%u: %s", path,
                        result.line, result.text);
}
