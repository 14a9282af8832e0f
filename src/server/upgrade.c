/* SPDX-License-Identifier: Apache-2.0
 *
 * The upgrade of an older catalog at start, before anybody can connect. It runs on a thread of its
 * own, so that the main thread goes on hearing signals: one that waits for disk space is ended by
 * SIGTERM.
 */
#include <poll.h>
#include <stdatomic.h>

#include "acl/acl.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/log.h"
#include "catalog/locked.h"
#include "server/server_int.h"

#define UPGRADE_STACK ((size_t)1 << 20)

typedef struct upgrade {
    ql_ctx cx; /* of the thread */
    ql_intr intr;
    ql_status status;
    ql_intr *waiter;
    _Atomic bool done;
} upgrade;

static void
run(void *arg)
{
    upgrade *u = arg;
    u->status = ql_catalog_upgrade(&u->cx, ql_acl_upgrade);
    atomic_store_explicit(&u->done, true, memory_order_release);
    ql_intr_wake(u->waiter);
}

static bool
wait_until_done(ql_ctx *cx, upgrade *u, int signals)
{
    bool stop = false;
    while (!atomic_load_explicit(&u->done, memory_order_acquire)) {
        ql_status ignored = ql_wait(cx, signals, POLLIN, QL_FOREVER, QL_W_BACKGROUND);
        (void)ignored;
        if (qli_signals_say_stop(signals)) {
            stop = true;
            ql_background_stop(&u->cx);
        }
    }
    return stop;
}

ql_status
qli_upgrade_run(ql_ctx *cx, ql_server *server, int signals, bool *stop)
{
    upgrade u = {0};
    ql_thread thread = {0};
    *stop = false;
    if (ql_catalog_format(server->inst->catalog) == QL_CATALOG_FORMAT) {
        return QL_OK;
    }
    if (ql_background_init(&u.cx, server->inst, &u.intr) != QL_OK) {
        return ql_fail_oom(cx, 0);
    }
    u.waiter = cx->intr;
    ql_status st = ql_thread_start(cx, &thread, "upgrade", UPGRADE_STACK, run, &u);
    if (st == QL_OK) {
        *stop = wait_until_done(cx, &u, signals);
        ql_thread_join(&thread);
        const ql_condition *c = ql_diag_error(u.cx.diag);
        if (u.status != QL_OK && *stop) {
            ql_log_write(server->inst->log, QL_LOG_SYSTEM,
                         "Told to stop during the upgrade: nothing was changed");
        } else if (u.status != QL_OK) {
            st =
                ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "the upgrade failed, nothing was changed: %s",
                             c != NULL ? c->text : "unknown error");
        }
    }
    ql_background_fini(&u.cx);
    return st;
}

/* ---- local times ---- */

/* Nothing of the server's settings is to be in the way; one statement a line. */
static const char settings[] =
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, "
    "max_statement_time = 0;\n";

static ql_status
write_script(ql_ctx *cx, const ql_name_list *l, ql_buf *b)
{
    QL_TRY(ql_buf_put_str(cx, b, settings));
    for (size_t i = 0; i < l->n; i++) {
        QL_TRY(ql_buf_put_str(cx, b, "ALTER TABLE "));
        QL_TRY(ql_buf_put_name(cx, b, l->v[i].db));
        QL_TRY(ql_buf_put_u8(cx, b, '.'));
        QL_TRY(ql_buf_put_name(cx, b, l->v[i].name));
        QL_TRY(ql_buf_put_str(cx, b, " FORCE;\n"));
    }
    return QL_OK;
}

static ql_status
convert(ql_ctx *cx, ql_server *server, int signals, const ql_name_list *l, bool *stop)
{
    ql_log *log = server->inst->log;
    ql_buf text = {0};
    ql_script_result result = {0};
    ql_status st;
    ql_log_write(
        log, QL_LOG_SYSTEM,
        "TIMESTAMP columns of %zu tables hold local times: they are converted, as times of "
        "the global time_zone",
        l->n);
    QL_TRY_TO(st, write_script(cx, l, &text), out);
    QL_TRY_TO(st, qli_script_run(cx, server, signals, (ql_str){text.p, text.n}, &result, stop),
              out);
    if (*stop) {
        ql_log_write(log, QL_LOG_SYSTEM, "Told to stop: the next start goes on with it");
    } else if (result.line > 0) {
        size_t at = result.line > 1 ? result.line - 2 : 0;
        st = ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                          "the TIMESTAMP columns of %.*s.%.*s could not be converted: %s (error "
                          "%u); with another --default-time-zone, '+00:00' say, it may go",
                          (int)l->v[at].db.n, l->v[at].db.p, (int)l->v[at].name.n, l->v[at].name.p,
                          result.text, result.number);
    } else {
        ql_log_write(log, QL_LOG_SYSTEM, "TIMESTAMP columns of %zu tables were converted", l->n);
    }
out:
    ql_buf_free(&text);
    return st;
}

ql_status
qli_upgrade_times(ql_ctx *cx, ql_server *server, int signals, bool *stop)
{
    ql_name_list l = {0};
    *stop = false;
    QL_TRY(ql_catalog_local_times(cx, &l));
    return l.n > 0 ? convert(cx, server, signals, &l, stop) : QL_OK;
}
