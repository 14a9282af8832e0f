/* SPDX-License-Identifier: Apache-2.0
 *
 * quelld: read the options, then initialise a data directory or serve one until told to stop. The
 * main thread opens everything, waits for a signal or SHUTDOWN, and closes everything.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "instance/datadir.h"
#include "instance/instance.h"
#include "intr/fileio.h"
#include "server/server_int.h"

#include <fcntl.h>

#define PID_TEXT 24
#define FILES_WANTED 262144
static const char help[] =
    "quelld, a SQL server that speaks the MySQL protocol, whose statements stop when killed\n"
    "\n"
    "Usage: quelld [OPTIONS]\n"
    "  --initialize             make the data directory; root logs in through the Unix socket as "
    "the\n"
    "                           operating system user who runs this\n"
    "  --initialize-insecure    the same, root without a password\n"
    "  --defaults-file=FILE     read [mysqld], [server], [quelld] of FILE first\n"
    "  --datadir=DIR            data directory\n"
    "  --port=N                 TCP port (3306)\n"
    "  --bind-address=ADDRESS   addresses to listen on, comma-separated (127.0.0.1)\n"
    "  --socket=PATH            Unix socket\n"
    "  --admin-socket=PATH      Unix socket for administrators (SOCKET-admin; "
    "--skip-admin-socket)\n"
    "  --admin-address=ADDRESS  open the administrative port there\n"
    "  --admin-port=N           its number (33062)\n"
    "  --skip-networking        Unix socket only\n"
    "  --skip-ssl               no TLS\n"
    "  --log-error=FILE         log to FILE instead of standard error (SIGHUP opens it anew)\n"
    "  --init-file=FILE         run the statements of FILE with all privileges before serving\n"
    "  --pid-file=FILE          write the process id there\n"
    "  --check-data             look through the data directory, change nothing, print what is "
    "damaged\n"
    "                           (exit code 2), and end; no server may be using it\n"
    "  --redo-salvage           start although the redo log is damaged: take what is whole, say "
    "what\n"
    "                           is left out\n"
    "  --help, --version\n"
    "Any global system variable is an option too: --max-connections=500, --wait-timeout=60 ...\n"
    "Sizes take K, M, G. --loose-NAME: no error when NAME is unknown. docs/configuration.md lists\n"
    "all.\n";

static int
die(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    (void)fprintf(stderr, "quelld: [ERROR] %s\n", c != NULL ? c->text : "unknown error");
    return 1;
}

/* ---- stopping ---- */

static void
request_shutdown(void *arg)
{
    ql_background_stop(arg);
}

static void
reopen_log(ql_log *log)
{
    if (ql_log_reopen(log)) {
        ql_log_write(log, QL_LOG_SYSTEM, "Received SIGHUP. The log file is opened anew.");
    } else {
        ql_log_write(log, QL_LOG_ERROR, "Received SIGHUP. Cannot open %s: %s", ql_log_path(log),
                     ql_errno_text(errno));
    }
}

static void
wait_for_stop(ql_ctx *cx, ql_server *server, int signals)
{
    unsigned number;
    while (ql_wait(cx, signals, POLLIN, QL_FOREVER, QL_W_BACKGROUND) != QL_KILLED) {
        while ((number = qli_signals_take(signals)) != 0) {
            if (number != SIGHUP) {
                ql_log_write(server->inst->log, QL_LOG_SYSTEM, "Received signal %u. Shutting down.",
                             number);
                return;
            }
            reopen_log(server->inst->log);
        }
    }
    ql_log_write(server->inst->log, QL_LOG_SYSTEM, "Received SHUTDOWN. Shutting down.");
}

/* ---- serving ---- */

/* What is there may be overwritten: the number of a server that died, or nothing. */
static bool
is_pid_file(ql_ctx *cx, int fd)
{
    char text[PID_TEXT];
    size_t n = 0;
    ql_status st = ql_file_read(cx, fd, text, sizeof text, 0, &n);
    for (size_t i = 0; i < n; i++) {
        if (strchr("0123456789\n", text[i]) == NULL) {
            return false;
        }
    }
    return st == QL_END;
}

static ql_status
write_pid(ql_ctx *cx, ql_server *server, bool *wrote)
{
    const ql_config *c = server->config;
    char text[PID_TEXT];
    int fd;
    if (c->pid_file.n == 0) {
        return QL_OK;
    }
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    QL_TRY(ql_file_open(cx, c->pid_file.p, O_RDWR | O_CREAT, 0640, &fd));
    ql_status st =
        is_pid_file(cx, fd) && ftruncate(fd, 0) == 0
            ? ql_file_write(cx, fd, text, (size_t)n, 0)
            : ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                           "pid file '%s' is there and holds something else; not touched",
                           c->pid_file.p);
    ql_file_close(fd);
    *wrote = st == QL_OK;
    return st;
}

/* The main thread's waits after the request to stop: the reason that ended the first is held. */
static void
stop_serving(ql_ctx *cx, ql_server *server, bool wrote_pid)
{
    ql_hold(cx, QL_INTR_SHUTDOWN);
    qli_server_stop(cx, server);
    if (wrote_pid) {
        (void)unlink(server->config->pid_file.p);
    }
}

/* For the tests: which waits were ended by which reasons, the shutdown among them. */
static void
log_wait_matrix(ql_server *server)
{
#ifdef QL_DEBUG
    char text[QL_WAIT_MATRIX_TEXT];
    if (ql_wait_matrix_print(text, sizeof text) != 0) {
        ql_log_write(server->inst->log, QL_LOG_SYSTEM, "Wait matrix: %s", text);
    }
#else
    (void)server;
#endif
}

/* The limit then in force; 0 = none. */
static uint32_t
raise_file_limit(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max < FILES_WANTED ? lim.rlim_max : FILES_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &lim);
    }
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur > UINT32_MAX) {
        return 0;
    }
    return (uint32_t)lim.rlim_cur;
}

static ql_status
open_instance(ql_ctx *cx, ql_server *server, bool must_exist)
{
    const ql_config *c = server->config;
    bool to_stderr = c->log_error.n == 0 || ql_str_eq(c->log_error, QL_STR("stderr"));
    ql_instance_options o = {.log = to_stderr ? NULL : c->log_error.p,
                             .must_exist = must_exist,
                             .redo_salvage = c->redo_salvage,
                             .catch_faults = true};
    server->env.fd_limit = raise_file_limit();
    QL_TRY(ql_instance_open(cx, &o));
    ql_status st = qli_tls_open(cx, server);
    if (st != QL_OK) {
        ql_instance_close(cx->inst);
    }
    return st;
}

static void
close_instance(ql_server *server)
{
    ql_tls_close(server->env.tls);
    server->env.tls = NULL;
    ql_instance_close(server->inst);
}

/* --initialize, --initialize-insecure. */
static ql_status
initialize(ql_ctx *cx, ql_server *server, bool insecure)
{
    QL_TRY(ql_datadir_create(cx, server->inst->datadir));
    QL_TRY(open_instance(cx, server, false));
    ql_status st = ql_instance_make_root(cx, insecure);
    close_instance(server);
    return st;
}

static ql_status
start_serving(ql_ctx *cx, ql_server *server, bool *wrote_pid)
{
    QL_TRY(qli_listener_open(cx, server));
    QL_TRY(write_pid(cx, server, wrote_pid));
    return qli_server_start(cx, server);
}

static int
serve(ql_ctx *cx, ql_server *server)
{
    const ql_config *c = server->config;
    int signals = qli_signals_open();
    qli_warm_start(server);
    ql_status st = open_instance(cx, server, true);
    qli_warm_wait(server);
    if (st != QL_OK) {
        return die(cx);
    }
    bool stop, wrote_pid = false;
    st = qli_upgrade_run(cx, server, signals, &stop);
    if (st == QL_OK && !stop) {
        st = qli_upgrade_times(cx, server, signals, &stop);
    }
    if (st == QL_OK && !stop) {
        st = qli_init_file_run(cx, server, signals, &stop);
    }
    if (st == QL_OK && !stop) {
        st = start_serving(cx, server, &wrote_pid);
    }
    if (st == QL_OK && !stop) {
        ql_log_write(server->inst->log, QL_LOG_SYSTEM,
                     "quelld: ready for connections. Version: '%s'  socket: '%s'  port: %llu",
                     server->env.version, c->socket.p,
                     (unsigned long long)(c->networking ? c->port : 0));
        wait_for_stop(cx, server, signals);
    }
    stop_serving(cx, server, wrote_pid);
    log_wait_matrix(server);
    if (st == QL_OK) {
        ql_log_write(server->inst->log, QL_LOG_SYSTEM, "quelld: Shutdown complete.");
    }
    close_instance(server);
    (void)close(signals);
    return st == QL_OK ? 0 : die(cx);
}

/* ---- main ---- */

static int
run(ql_ctx *cx, ql_server *server, const ql_config *c)
{
    static char dir[PATH_MAX];
    if (c->mode == QL_MODE_HELP) {
        (void)printf("%s", help);
        return 0;
    }
    if (c->mode == QL_MODE_VERSION) {
        (void)printf("quelld  Ver %s for Linux on x86_64 (Quell %s)\n", c->version.p, QL_VERSION);
        return 0;
    }
    if (c->datadir.n == 0) {
        (void)ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "no data directory given (--datadir=DIR)");
        return die(cx);
    }
    bool make = c->mode == QL_MODE_INITIALIZE || c->mode == QL_MODE_INITIALIZE_INSECURE;
    server->inst->datadir = c->datadir.p;
    server->inst->tmpdir = c->tmpdir.p;
    if (make) {
        if (initialize(cx, server, c->mode == QL_MODE_INITIALIZE_INSECURE) != QL_OK) {
            return die(cx);
        }
        return 0;
    }
    if (realpath(c->datadir.p, dir) != NULL) {
        server->inst->datadir = dir;
    }
    if (c->mode == QL_MODE_CHECK_DATA) {
        return qli_check_data(cx, server);
    }
    return ql_datadir_check(cx, server->inst->datadir) == QL_OK ? serve(cx, server) : die(cx);
}

int
main(int argc, char **argv)
{
    static ql_instance inst;
    static ql_server server;
    static ql_intr intr;
    ql_ctx cx;
    ql_config config;
    ql_mem_tune();
    if (ql_background_init(&cx, &inst, &intr) != QL_OK) {
        (void)fprintf(stderr, "quelld: [ERROR] out of memory\n");
        return 1;
    }
    inst.sysvars = ql_sysvars_new();
    int rc = 1;
    if (inst.sysvars == NULL) {
        (void)fprintf(stderr, "quelld: [ERROR] out of memory\n");
    } else if (ql_config_read(&cx, inst.sysvars, argc, argv, &config) != QL_OK) {
        rc = die(&cx);
    } else {
        ql_session_env sessions = {.inst = &inst, .arg = &cx, .request_shutdown = request_shutdown};
        qli_server_init(&server, &sessions, &config);
        rc = run(&cx, &server, &config);
        qli_server_fini(&server);
    }
    ql_sysvars_free(inst.sysvars);
    ql_background_fini(&cx);
    return rc;
}
