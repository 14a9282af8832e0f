/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing an instance: everything that ql_instance names, in an order in which each
 * part finds what it stands on, and back. Runs on the main thread; other threads start here.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/instance.h"

#include "acl/acl.h"
#include "base/diag.h"
#include "base/dispose.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "instance/permissions.h"
#include "intr/background.h"
#include "intr/gate.h"
#include "intr/memguard.h"
#include "intr/proc.h"
#include "intr/space.h"
#include "intr/sync.h"
#include "intr/timer.h"
#include "kv/kv.h"
#include "stats/stats.h"
#include "txn/txn.h"
#include "vars/sysvars.h"
#include "views/views.h"

#define SPARE_READERS 256
#define LEAST_READERS 16384
#define CHECKPOINT_MS 300

/* ---- variables that act outside the catalog ---- */

static void
on_thread_concurrency(ql_instance *inst, ql_sysvar_id id, const ql_value *value)
{
    (void)id;
    ql_gate_set_limit(inst->admission, (uint32_t)value->u);
}

static void
on_flush_mode(ql_instance *inst, ql_sysvar_id id, const ql_value *value)
{
    (void)id;
    ql_txnsys_set_flush(inst->txns, (int)value->i);
}

static void
on_snapshot_limit(ql_instance *inst, ql_sysvar_id id, const ql_value *value)
{
    (void)id;
    ql_txnsys_set_snapshot_limit(inst->txns, value->u);
}

static void
on_total_memory(ql_instance *inst, ql_sysvar_id id, const ql_value *value)
{
    (void)id;
    ql_budget_set_limit(ql_memguard_budget(inst->memory),
                        value->u < SIZE_MAX ? (size_t)value->u : 0);
}

static void
on_verbosity(ql_instance *inst, ql_sysvar_id id, const ql_value *value)
{
    (void)id;
    ql_log_set_verbosity(inst->log, (int)value->i);
}

static void
connect_variables(ql_instance *inst)
{
    ql_sysvars *sv = inst->sysvars;
    ql_gate_set_limit(inst->admission,
                      (uint32_t)ql_sysvar_global_u64(inst, QL_SV_INNODB_THREAD_CONCURRENCY));
    ql_txnsys_set_flush(inst->txns,
                        (int)ql_sysvar_global_u64(inst, QL_SV_INNODB_FLUSH_LOG_AT_TRX_COMMIT));
    ql_txnsys_set_rollback_on_timeout(
        inst->txns, ql_sysvar_global_u64(inst, QL_SV_INNODB_ROLLBACK_ON_TIMEOUT) != 0);
    ql_sysvars_on_change(sv, QL_SV_INNODB_THREAD_CONCURRENCY, on_thread_concurrency);
    ql_sysvars_on_change(sv, QL_SV_INNODB_FLUSH_LOG_AT_TRX_COMMIT, on_flush_mode);
    ql_txnsys_set_snapshot_limit(inst->txns,
                                 ql_sysvar_global_u64(inst, QL_SV_SNAPSHOT_PINNED_LIMIT));
    ql_sysvars_on_change(sv, QL_SV_SNAPSHOT_PINNED_LIMIT, on_snapshot_limit);
    ql_sysvars_on_change(sv, QL_SV_LOG_ERROR_VERBOSITY, on_verbosity);
    ql_value total = ql_value_uint(ql_sysvar_global_u64(inst, QL_SV_TOTAL_MEMORY_LIMIT));
    on_total_memory(inst, QL_SV_TOTAL_MEMORY_LIMIT, &total);
    ql_sysvars_on_change(sv, QL_SV_TOTAL_MEMORY_LIMIT, on_total_memory);
}

/* ---- open ---- */

static ql_status
open_log(ql_ctx *cx, const ql_instance_options *o)
{
    ql_instance *inst = cx->inst;
    int verbosity = (int)ql_sysvar_global_u64(inst, QL_SV_LOG_ERROR_VERBOSITY);
    inst->log = ql_log_open(o->log, verbosity);
    if (inst->log == NULL) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "cannot open the log %s", o->log);
    }
    return QL_OK;
}

/* What reading the options had to say, now that there is a log. */
static void
log_warnings(ql_ctx *cx)
{
    for (size_t i = 0; i < ql_diag_count(cx->diag); i++) {
        const ql_condition *c = ql_diag_at(cx->diag, i);
        if (c->level != QL_DIAG_ERROR) {
            ql_log_write(cx->inst->log, QL_LOG_WARNING, "%s", c->text);
        }
    }
    ql_diag_reset(cx->diag);
}

static ql_status
open_threads(ql_ctx *cx)
{
    ql_instance *inst = cx->inst;
    inst->procs = ql_procs_new();
    inst->admission = ql_gate_new();
    if (inst->procs == NULL || inst->admission == NULL) {
        return ql_fail_oom(cx, 0);
    }
#ifdef QL_DEBUG
    inst->syncs = ql_syncs_new();
#endif
    QL_TRY(ql_memguard_start(cx, &inst->memory));
    inst->timers = ql_timers_new(cx);
    inst->space = ql_space_new(cx, inst->datadir, ql_sysvar_global_u64(inst, QL_SV_DISK_RESERVE));
    return inst->timers != NULL && inst->space != NULL ? QL_OK : QL_ERROR;
}

static void
remove_leftovers(ql_instance *inst)
{
    unsigned n = ql_kv_remove_temp(inst->tmpdir != NULL ? inst->tmpdir : "/tmp");
    if (n != 0) {
        ql_log_write(inst->log, QL_LOG_WARNING, "%u temporary files of a killed server removed", n);
    }
}

/* Before anything is written: opening alone changes files. What is wrong with them is left to that
 * to say. */
static ql_status
refuse_newer_catalog(ql_ctx *cx, ql_instance *inst)
{
    ql_kv_options opt = {.read_only = true, .must_exist = true};
    if (ql_kv_open(cx, inst->datadir, &opt, &inst->kv) != QL_OK) {
        ql_diag_clear_error(cx->diag);
        return QL_OK;
    }
    ql_status st = ql_catalog_check_format(cx);
    ql_kv_close(inst->kv);
    inst->kv = NULL;
    return st;
}

static ql_status
open_storage(ql_ctx *cx, const ql_instance_options *o)
{
    ql_instance *inst = cx->inst;
    uint64_t readers = 2 * ql_sysvar_global_u64(inst, QL_SV_MAX_CONNECTIONS) + SPARE_READERS;
    ql_kv_options kv = {.max_readers =
                            (uint32_t)(readers > LEAST_READERS ? readers : LEAST_READERS),
                        .must_exist = o->must_exist,
                        .reserve = ql_sysvar_global_u64(inst, QL_SV_DISK_RESERVE),
                        .salvage = o->redo_salvage};
    ql_txnsys_options txns = {.group_max = ql_sysvar_global_u64(inst, QL_SV_COMMIT_GROUP_MAX),
                              .space_reserve = ql_sysvar_global_u64(inst, QL_SV_DISK_RESERVE)};
    if (o->catch_faults) {
        ql_kv_catch_faults(ql_log_fd(inst->log));
    }
    if (kv.must_exist) {
        QL_TRY(refuse_newer_catalog(cx, inst));
    }
    QL_TRY(ql_kv_open(cx, inst->datadir, &kv, &inst->kv));
    remove_leftovers(inst);
    QL_TRY(ql_txnsys_open(cx, &txns, &inst->txns));
    QL_TRY(ql_catalog_open(cx, &inst->catalog));
    QL_TRY(ql_catalog_sweep_builds(cx));
    QL_TRY(ql_catalog_empty_memory_tables(cx));
    QL_TRY(ql_views_open(cx));
    return ql_acl_open(cx, &inst->acl);
}

/* Found out now, not by the first transaction that outgrows its memory. */
static ql_status
check_tmpdir(ql_ctx *cx)
{
    const char *dir = cx->inst->tmpdir;
    struct stat st;
    if (dir == NULL || dir[0] == '\0') {
        return QL_OK;
    }
    if (stat(dir, &st) != 0) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "tmpdir '%s': %s", dir, ql_errno_text(errno));
    }
    if (!S_ISDIR(st.st_mode) || access(dir, W_OK | X_OK) != 0) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "tmpdir '%s' is no directory to write in",
                            dir);
    }
    return QL_OK;
}

static ql_status
open_all(ql_ctx *cx, const ql_instance_options *o)
{
    ql_dispose_start();
    QL_TRY(open_log(cx, o));
    log_warnings(cx);
    QL_TRY(check_tmpdir(cx));
    QL_TRY(open_threads(cx));
    QL_TRY(open_storage(cx, o));
    connect_variables(cx->inst);
    return ql_statsd_start(cx, &cx->inst->stats);
}

ql_status
ql_instance_open(ql_ctx *cx, const ql_instance_options *o)
{
    if (cx->inst->tmpdir != NULL && cx->inst->tmpdir[0] == '\0') {
        cx->inst->tmpdir = NULL; /* tmpdir= is no directory */
    }
    cx->inst->start_time = ql_now_real_us() / 1000000;
    ql_status st = open_all(cx, o);
    if (st != QL_OK) {
        ql_instance_close(cx->inst);
    }
    return st;
}

/* Under a time limit, with a row of its own that the timer can name. */
static ql_status
run_checkpoint(ql_ctx *cx)
{
    ql_instance *inst = cx->inst;
    uint64_t stmt_id = ql_procs_next_stmt_id(inst->procs);
    cx->proc = ql_proc_add(cx, inst->procs, cx->intr, -1, "");
    if (cx->proc == NULL) {
        return QL_ERROR;
    }
    ql_intr_stmt_begin(cx->intr, stmt_id);
    uint64_t timer = ql_timer_set(cx, inst->timers, ql_deadline_ms(CHECKPOINT_MS),
                                  ql_proc_id(cx->proc), stmt_id, QL_INTR_TIME);
    ql_status st = timer != 0 ? ql_catalog_checkpoint(cx) : QL_ERROR;
    ql_timer_cancel(inst->timers, timer);
    ql_intr_stmt_end(cx->intr);
    ql_proc_remove(inst->procs, cx->proc);
    return st;
}

/* Exact counters for the next start; without it they skip a little, as after a crash. A disk that
 * is full or a committer that is stuck must not keep the server from stopping. */
static void
checkpoint(ql_instance *inst)
{
    ql_ctx cx;
    ql_intr intr;
    if (ql_background_init(&cx, inst, &intr) != QL_OK) {
        return;
    }
    if (run_checkpoint(&cx) != QL_OK) {
        ql_log_write(inst->log, QL_LOG_WARNING, "Counters were not written at shutdown");
    }
    ql_background_fini(&cx);
}

void
ql_instance_close(ql_instance *inst)
{
    ql_statsd_stop(inst->stats);
    inst->stats = NULL;
    if (inst->acl != NULL) {
        checkpoint(inst);
    }
    if (inst->acl != NULL) {
        ql_acl_close(inst->acl);
        inst->acl = NULL;
    }
    if (inst->catalog != NULL) {
        ql_catalog_close(inst->catalog);
        inst->catalog = NULL;
    }
    if (inst->txns != NULL) {
        ql_txnsys_close(inst->txns);
        inst->txns = NULL;
    }
    if (inst->kv != NULL) {
        ql_kv_close(inst->kv);
        inst->kv = NULL;
    }
    if (inst->space != NULL) {
        ql_space_free(inst->space);
        inst->space = NULL;
    }
    if (inst->timers != NULL) {
        ql_timers_free(inst->timers);
        inst->timers = NULL;
    }
    if (inst->syncs != NULL) {
        ql_syncs_free(inst->syncs);
        inst->syncs = NULL;
    }
    if (inst->admission != NULL) {
        ql_gate_free(inst->admission);
        inst->admission = NULL;
    }
    ql_memguard_stop(inst->memory);
    inst->memory = NULL;
    if (inst->procs != NULL) {
        ql_procs_free(inst->procs);
        inst->procs = NULL;
    }
    ql_log_close(inst->log);
    inst->log = NULL;
}
