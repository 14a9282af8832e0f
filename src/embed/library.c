/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing an instance for a program: settings, directory, recovery, first account; and
 * what it asks of the whole instance.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "acl/acl.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "embed/embed_int.h"
#include "instance/instance.h"
#include "instance/permissions.h"
#include "intr/proc.h"
#include "txn/txn.h"

#define OWN_SETTINGS 4 /* before those of the program */

const char *
ql_version(void)
{
    return QL_VERSION;
}

void
qli_set_message(qli_library *lib, const char *text)
{
    ql_mutex_lock(&lib->mu);
    (void)snprintf(lib->message, sizeof lib->message, "%s", text);
    ql_mutex_unlock(&lib->mu);
}

const char *
ql_open_errmsg(ql_instance *inst)
{
    return ((qli_library *)inst)->message;
}

/* Why lib->cx has failed. */
static int
fail(qli_library *lib)
{
    const ql_condition *c = ql_diag_error(lib->cx.diag);
    qli_set_message(lib, c != NULL ? c->text : "out of memory");
    ql_diag_reset(lib->cx.diag);
    return QUELL_ERROR;
}

static void
request_shutdown(void *arg)
{
    qli_library *lib = arg;
    ql_mutex_lock(&lib->mu);
    lib->closing = true;
    ql_mutex_unlock(&lib->mu);
    ql_procs_raise_all(lib->inst.procs, QL_INTR_SHUTDOWN, false);
    qli_reaper_stop_serving(lib);
}

/* ---- open ---- */

static ql_status
make_dir(ql_ctx *cx, qli_library *lib, const char *path, char real[PATH_MAX])
{
    if (path == NULL || strcmp(path, ":memory:") == 0) {
        path = lib->memory = qli_memory_make();
    } else if (mkdir(path, 0750) != 0 && errno != EEXIST) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "data directory '%s': %s", path,
                            ql_errno_text(errno));
    }
    if (path == NULL || realpath(path, real) == NULL) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "data directory '%s': %s",
                            path != NULL ? path : ":memory:", ql_errno_text(errno));
    }
    return ql_refuse_writable_by_all(cx, "data directory", real);
}

/* Options of a program that serves: the library has calls of its own for them, or no use. */
static const char *const not_here[] = {"datadir",
                                       "defaults_file",
                                       "initialize",
                                       "initialize_insecure",
                                       "check_data",
                                       "help",
                                       "version",
                                       "init_file",
                                       "pid_file",
                                       "socket",
                                       "port",
                                       "bind_address",
                                       "skip_networking",
                                       "admin_socket",
                                       "admin_address",
                                       "admin_port",
                                       "ssl",
                                       "skip_ssl",
                                       "skip_admin_socket"};

static bool
is_not_here(const char *setting)
{
    if (strncmp(setting, "loose", 5) == 0 && (setting[5] == '_' || setting[5] == '-')) {
        setting += 6;
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(not_here); i++) {
        const char *a = not_here[i], *b = setting;
        while (*a != '\0' && (*a == *b || (*a == '_' && *b == '-'))) {
            a++;
            b++;
        }
        if (*a == '\0' && (*b == '\0' || *b == '=')) {
            return true;
        }
    }
    return false;
}

static char *
option(ql_ctx *cx, const char *text)
{
    return ql_arena_printf(cx, cx->arena, "--%s", text);
}

/* As a server's command line: the library's own defaults, the directory, what the program says. */
static ql_status
read_settings(ql_ctx *cx, qli_library *lib, const char *dir, const char *const *settings)
{
    int n = 0, argc = 0;
    while (settings != NULL && settings[n] != NULL) {
        n++;
    }
    char **argv = QL_ARENA_ARRAY(cx, cx->arena, char *, (size_t)n + OWN_SETTINGS + 2);
    if (argv == NULL) {
        return QL_ERROR;
    }
    argv[argc++] = (char *)"libquell";
    argv[argc++] = ql_arena_printf(cx, cx->arena, "--datadir=%s", dir);
    argv[argc++] = option(cx, "log_error=/dev/null");
    if (lib->memory != NULL) {
        argv[argc++] = option(cx, "innodb_flush_log_at_trx_commit=0");
        argv[argc++] = option(cx, "disk_reserve=0");
    }
    for (int i = 0; i < n; i++) {
        if (is_not_here(settings[i])) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "'%s' is no setting of the library",
                                settings[i]);
        }
        argv[argc++] = option(cx, settings[i]);
    }
    for (int i = 0; i < argc; i++) {
        if (argv[i] == NULL) {
            return QL_ERROR;
        }
    }
    QL_TRY(ql_config_read(cx, lib->inst.sysvars, argc, argv, &lib->config));
    lib->inst.datadir = lib->config.datadir.p;
    lib->inst.tmpdir = lib->config.tmpdir.p;
    return QL_OK;
}

/* A directory that was just made has no account; nor has one whose making was cut short. */
static ql_status
make_first_account(ql_ctx *cx)
{
    ql_account_grants *v;
    size_t n;
    QL_TRY(ql_acl_list_accounts(cx, cx->arena, &v, &n));
    if (n != 0) {
        return QL_OK;
    }
    ql_status st = ql_instance_make_root(cx, false);
    if (st == QL_ERROR && ql_diag_error(cx->diag)->number == QL_ER_UNKNOWN_ERROR) {
        ql_diag_reset(cx->diag); /* a user without a name: nobody can be let in that way */
        return QL_OK;
    }
    return st;
}

static ql_status
open_instance(ql_ctx *cx, qli_library *lib)
{
    const ql_config *c = &lib->config;
    ql_instance_options o = {.log = c->log_error.p, .redo_salvage = c->redo_salvage};
    QL_TRY(ql_instance_open(cx, &o));
    lib->open = true;
    if (ql_catalog_format(lib->inst.catalog) != QL_CATALOG_FORMAT) {
        QL_TRY(ql_catalog_upgrade(cx, ql_acl_upgrade));
    }
    QL_TRY(make_first_account(cx));
    return qli_reaper_start(cx, lib);
}

static ql_status
open_all(ql_ctx *cx, qli_library *lib, const char *path, const char *const *settings)
{
    char dir[PATH_MAX];
    lib->inst.sysvars = ql_sysvars_new();
    if (lib->inst.sysvars == NULL) {
        return ql_fail_oom(cx, 0);
    }
    QL_TRY(make_dir(cx, lib, path, dir));
    QL_TRY(read_settings(cx, lib, dir, settings));
    return open_instance(cx, lib);
}

int
ql_open(const char *path, const char *const *settings, ql_instance **out)
{
    qli_library *lib = ql_mem_zalloc(sizeof *lib);
    *out = NULL;
    if (lib == NULL || ql_background_init(&lib->cx, &lib->inst, &lib->intr) != QL_OK) {
        ql_mem_free(lib);
        return QUELL_NOMEM;
    }
    ql_mutex_init(&lib->mu, QL_RANK_EMBED);
    ql_cv_init(&lib->quiet);
    lib->handles = 1;
    lib->reaper_epoll = -1;
    lib->env =
        (ql_session_env){.inst = &lib->inst, .arg = lib, .request_shutdown = request_shutdown};
    *out = &lib->inst;
    if (open_all(&lib->cx, lib, path, settings) != QL_OK) {
        int result = fail(lib);
        ql_mutex_lock(&lib->mu);
        lib->closing = true;
        ql_mutex_unlock(&lib->mu);
        return result;
    }
    return QUELL_OK;
}

/* ---- close ---- */

void
qli_library_put(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    bool last = --lib->handles == 0;
    ql_mutex_unlock(&lib->mu);
    if (last) {
        ql_sysvars_free(lib->inst.sysvars);
        ql_background_fini(&lib->cx);
        ql_mutex_fini(&lib->mu);
        ql_mem_free(lib);
    }
}

/* One that no call has and that still holds something; its mu is locked. */
static qli_embedded *
next_idle(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    qli_embedded *e = lib->all;
    while (e != NULL && atomic_load(&e->state) != QLI_IDLE) {
        e = e->next;
    }
    if (e != NULL) {
        ql_mutex_lock(&e->mu);
    }
    ql_mutex_unlock(&lib->mu);
    return e;
}

static void
end_idle_sessions(qli_library *lib)
{
    for (qli_embedded *e = next_idle(lib); e != NULL; e = next_idle(lib)) {
        qli_end_idle(e);
    }
}

static void
wait_until_quiet(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    while (lib->live != 0) {
        ql_status ignored =
            ql_cv_wait(&lib->cx, &lib->quiet, &lib->mu, QL_FOREVER, QL_W_BACKGROUND);
        (void)ignored;
    }
    ql_mutex_unlock(&lib->mu);
}

static void
end_sessions(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    lib->closing = true;
    ql_server *server = lib->server;
    lib->server = NULL;
    ql_mutex_unlock(&lib->mu);
    ql_procs_raise_all(lib->inst.procs, QL_INTR_SHUTDOWN, false);
    end_idle_sessions(lib);
    ql_server_stop(&lib->cx, server);
    wait_until_quiet(lib);
}

void
ql_close(ql_instance *inst)
{
    qli_library *lib = (qli_library *)inst;
    if (lib == NULL) {
        return;
    }
    if (lib->open) {
        end_sessions(lib);
        qli_reaper_stop(lib);
        ql_instance_close(&lib->inst);
        lib->open = false;
    }
    qli_memory_remove(lib->memory);
    lib->memory = NULL;
    qli_library_put(lib);
}

/* ---- of the whole instance ---- */

static int
fail_listen(qli_library *lib)
{
    ql_mutex_lock(&lib->mu);
    lib->listened = false; /* it may be tried again */
    ql_mutex_unlock(&lib->mu);
    return fail(lib);
}

int
ql_listen(ql_instance *inst, const char *socket, const char *address, unsigned port)
{
    qli_library *lib = (qli_library *)inst;
    ql_ctx *cx = &lib->cx;
    ql_config *c = &lib->config;
    ql_server *server = NULL;
    ql_mutex_lock(&lib->mu);
    socket = socket != NULL && socket[0] != '\0' ? socket : NULL;
    bool somewhere = (socket != NULL || port != 0) && port <= UINT16_MAX;
    bool may = somewhere && lib->open && !lib->closing && !lib->listened;
    lib->listened |= may;
    ql_mutex_unlock(&lib->mu);
    if (!may) {
        qli_set_message(lib, somewhere ? "it is listened already, or the instance is not open"
                                       : "neither a socket nor a port to listen at");
        return QUELL_MISUSE;
    }
    const char *where = socket != NULL ? socket : "";
    const char *host = address != NULL && address[0] != '\0' ? address : "127.0.0.1";
    char *path = ql_arena_strndup(cx, cx->arena, where, strlen(where));
    char *bind = ql_arena_strndup(cx, cx->arena, host, strlen(host));
    if (path == NULL || bind == NULL) {
        return fail_listen(lib);
    }
    c->socket = (ql_str){path, strlen(path)};
    c->bind_address = (ql_str){bind, strlen(bind)};
    c->admin_socket = c->admin_address = (ql_str){"", 0};
    c->port = port;
    c->networking = port != 0;
    if (ql_server_start(cx, &lib->env, c, &server) != QL_OK) {
        return fail_listen(lib);
    }
    ql_mutex_lock(&lib->mu);
    lib->server = server;
    ql_mutex_unlock(&lib->mu);
    qli_set_message(lib, "");
    return QUELL_OK;
}

int
ql_kill(ql_instance *inst, uint64_t id, int query_only)
{
    if (inst->procs == NULL) {
        return QUELL_ERROR; /* it never opened */
    }
    uint32_t reason = query_only ? QL_INTR_QUERY : QL_INTR_CONN;
    return ql_procs_raise(inst->procs, id, 0, reason, true, 0) == QL_RAISE_NO_THREAD ? QUELL_ERROR
                                                                                     : QUELL_OK;
}
