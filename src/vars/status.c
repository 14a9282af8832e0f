/* SPDX-License-Identifier: Apache-2.0
 *
 * Status: counters as relaxed atomics of the instance, Com_xxx by name, and SHOW STATUS, which adds
 * what other layers know at the time of asking. No locks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/machine.h"
#include "base/thread.h"
#include "intr/memguard.h"
#include "intr/proc.h"
#include "kv/kv.h"
#include "vars/vars_int.h"

static const char *const counter_names[QL_CT_COUNT] = {
#define QL_STATUSVAR(id, scope, name, what) [QL_CT_##id] = name,
#include "vars/statusvars.def"
#undef QL_STATUSVAR
};

enum { SCOPE_GLOBAL, SCOPE_BOTH };
static const uint8_t counter_scopes[QL_CT_COUNT] = {
#define QL_STATUSVAR(id, scope, name, what) [QL_CT_##id] = SCOPE_##scope,
#include "vars/statusvars.def"
#undef QL_STATUSVAR
};

static const char *const com_names[QL_CC_COUNT] = {
#define QL_STATEMENT_FORM(...)
#define QL_STATEMENT(id, com, ...) "Com_" #com,
#include "vars/statements.def"
#undef QL_STATEMENT
#define QL_COMMAND(com) "Com_" #com,
#include "vars/commands.def"
#undef QL_COMMAND
};

void
ql_count(ql_ctx *cx, ql_counter id, uint64_t n)
{
    if (cx->inst->sysvars) {
        atomic_fetch_add_explicit(&cx->inst->sysvars->counters[id], n, memory_order_relaxed);
    }
    if (cx->vars && cx->vars->counts) {
        cx->vars->counts[id] += n;
    }
}

void
ql_count_max(ql_ctx *cx, ql_counter id, uint64_t n)
{
    _Atomic uint64_t *c = &cx->inst->sysvars->counters[id];
    uint64_t now = atomic_load_explicit(c, memory_order_relaxed);
    while (now < n && !atomic_compare_exchange_weak(c, &now, n)) {
    }
}

uint64_t
ql_counter_get(ql_instance *inst, ql_counter id)
{
    return atomic_load_explicit(&inst->sysvars->counters[id], memory_order_relaxed);
}

void
ql_count_command(ql_ctx *cx, ql_com_counter com)
{
    if (com == QL_CC_none) {
        return;
    }
    if (cx->inst->sysvars) {
        atomic_fetch_add_explicit(&cx->inst->sysvars->com[com], 1, memory_order_relaxed);
    }
    if (cx->vars && cx->vars->counts) {
        cx->vars->counts[QL_CT_COUNT + com]++;
    }
}

void
ql_counts_reset(ql_vars *v)
{
    if (v->counts) {
        memset(v->counts, 0, (QL_CT_COUNT + QL_CC_COUNT) * sizeof *v->counts);
    }
}

/* --- SHOW STATUS ----------------------------------------------------------------------------- */

typedef struct list {
    ql_arena *a;
    ql_name_value *v;
    size_t n, cap;
} list;

static ql_status
add_text(ql_ctx *cx, list *l, const char *name, const char *value)
{
    if (!value) {
        return QL_ERROR;
    }
    if (l->n == l->cap) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Too many status variables");
    }
    l->v[l->n++] = (ql_name_value){{name, strlen(name)}, {value, strlen(value)}};
    return QL_OK;
}

static ql_status
add_number(ql_ctx *cx, list *l, const char *name, uint64_t v)
{
    return add_text(cx, l, name, ql_arena_printf(cx, l->a, "%llu", (unsigned long long)v));
}

static ql_status
add_com(ql_ctx *cx, list *l, const uint64_t *own)
{
    for (int i = 0; i < QL_CC_COUNT; i++) {
        if (i != QL_CC_none) {
            QL_TRY(
                add_number(cx, l, com_names[i],
                           own ? own[QL_CT_COUNT + i] : atomic_load(&cx->inst->sysvars->com[i])));
        }
    }
    return QL_OK;
}

static ql_status
add_threads(ql_ctx *cx, list *l)
{
    ql_proc_info *rows;
    size_t n, running = 0;
    if (!cx->inst->procs) {
        return QL_OK;
    }
    QL_TRY(ql_procs_list(cx, cx->inst->procs, l->a, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        running += rows[i].info.p != NULL;
    }
    QL_TRY(add_number(cx, l, "Threads_connected", n));
    QL_TRY(add_number(cx, l, "Threads_running", running));
    return add_number(cx, l, "Threads_cached", 0);
}

static ql_status
add_tls(ql_ctx *cx, list *l)
{
    const ql_vars *v = cx->vars;
    QL_TRY(add_text(cx, l, "Ssl_version", v && v->ssl_version ? v->ssl_version : ""));
    return add_text(cx, l, "Ssl_cipher", v && v->ssl_cipher ? v->ssl_cipher : "");
}

/* As InnoDB: times in milliseconds, of the waits that are over. */
static ql_status
add_row_lock_waits(ql_ctx *cx, list *l, const ql_txnsys_stats *s)
{
    uint64_t over = s->row_lock_waits - s->row_lock_waiting, ms = s->row_lock_wait_ns / 1000000;
    QL_TRY(add_number(cx, l, "Innodb_row_lock_current_waits", s->row_lock_waiting));
    QL_TRY(add_number(cx, l, "Innodb_row_lock_time", ms));
    QL_TRY(add_number(cx, l, "Innodb_row_lock_time_avg",
                      over != 0 && over <= s->row_lock_waits ? ms / over : 0));
    QL_TRY(add_number(cx, l, "Innodb_row_lock_time_max", s->row_lock_wait_max_ns / 1000000));
    return add_number(cx, l, "Innodb_row_lock_waits", s->row_lock_waits);
}

static ql_status
add_txns(ql_ctx *cx, list *l)
{
    if (!cx->inst->txns) {
        return QL_OK;
    }
    ql_txnsys_stats s;
    ql_txnsys_get_stats(cx->inst->txns, &s);
    QL_TRY(add_row_lock_waits(cx, l, &s));
    QL_TRY(add_number(cx, l, "Innodb_deadlocks", s.deadlocks));
    QL_TRY(add_number(cx, l, "Quell_commits", s.commits));
    QL_TRY(add_number(cx, l, "Quell_commit_groups", s.commit_groups));
    QL_TRY(add_number(cx, l, "Quell_rollbacks", s.rollbacks));
    QL_TRY(add_number(cx, l, "Quell_row_locks", s.row_locks));
    QL_TRY(add_number(cx, l, "Quell_open_transactions", s.open_transactions));
    QL_TRY(add_number(cx, l, "Quell_trash_keys_purged", s.trash_keys_purged));
    QL_TRY(add_number(cx, l, "Quell_spilled_layers", s.spilled_layers));
    QL_TRY(add_number(cx, l, "Quell_spilled_bytes", s.spilled_bytes));
    QL_TRY(add_number(cx, l, "Quell_spills", s.spills));
    QL_TRY(add_number(cx, l, "Quell_snapshots_ended", s.snapshots_ended));
    QL_TRY(add_number(cx, l, "Quell_temporary_tables", s.temporary_tables));
    return add_number(cx, l, "Quell_overlay_bytes", s.overlay_bytes);
}

static ql_status
add_kv(ql_ctx *cx, list *l)
{
    if (!cx->inst->kv) {
        return QL_OK;
    }
    ql_kv_stats s;
    ql_kv_get_stats(cx->inst->kv, &s);
    QL_TRY(add_number(cx, l, "Quell_kv_seq", s.seq));
    QL_TRY(add_number(cx, l, "Quell_kv_entries", s.entries));
    QL_TRY(add_number(cx, l, "Quell_kv_file_bytes", s.file_bytes));
    QL_TRY(add_number(cx, l, "Quell_kv_used_bytes", s.used_bytes));
    QL_TRY(add_number(cx, l, "Quell_kv_free_bytes", s.free_bytes));
    QL_TRY(add_number(cx, l, "Quell_kv_memory_bytes", s.memory_bytes));
    QL_TRY(add_number(cx, l, "Quell_kv_unflushed", s.unflushed));
    QL_TRY(add_number(cx, l, "Quell_kv_flushes", s.flushes));
    QL_TRY(add_number(cx, l, "Quell_redo_bytes", s.redo_bytes));
    QL_TRY(add_number(cx, l, "Quell_redo_commits", s.redo_commits));
    QL_TRY(add_number(cx, l, "Quell_direct_commits", s.direct_commits));
    QL_TRY(add_number(cx, l, "Quell_snapshots_open", s.snapshots_open));
    QL_TRY(add_number(cx, l, "Quell_snapshot_pinned_bytes", s.pinned_bytes));
    return add_number(cx, l, "Quell_oldest_snapshot_lag",
                      s.snapshots_open ? s.seq - s.oldest_snapshot_seq : 0);
}

static ql_status
add_memory(ql_ctx *cx, list *l)
{
    ql_memguard *g = cx->inst->memory;
    ql_budget_stats s = {0};
    if (g != NULL) {
        ql_budget_get_stats(ql_memguard_budget(g), &s);
    }
    QL_TRY(add_number(cx, l, "Global_connection_memory", s.used));
    QL_TRY(add_number(cx, l, "Quell_memory_anonymous", ql_machine_anonymous()));
    QL_TRY(add_number(cx, l, "Quell_memory_in_use", ql_mem_in_use()));
    QL_TRY(add_number(cx, l, "Quell_memory_peak", s.peak));
    QL_TRY(add_number(cx, l, "Quell_memory_reclaiming", s.freeing));
    QL_TRY(add_number(cx, l, "Quell_memory_requests_refused", s.refused));
    QL_TRY(add_number(cx, l, "Quell_memory_statements_ended", s.ended));
    return add_number(cx, l, "Quell_memory_trims", g != NULL ? ql_memguard_trims(g) : 0);
}

#ifdef QL_DEBUG
static ql_status
add_wait_matrix(ql_ctx *cx, list *l)
{
    char text[QL_WAIT_MATRIX_TEXT];
    size_t n = ql_wait_matrix_print(text, sizeof text);
    return add_text(cx, l, "Quell_wait_matrix", ql_arena_strndup(cx, l->a, text, n));
}

static ql_status
add_place(ql_ctx *cx, list *l, const char *name, const char *file, int line)
{
    char place[QL_GAP_PLACE];
    size_t n = ql_intr_gap_place(file, line, place);
    return add_text(cx, l, name, ql_arena_strndup(cx, l->a, place, n));
}

/* NAME_us, NAME_from, NAME_to. */
static ql_status
add_gap(ql_ctx *cx, list *l, const char *name, const ql_gap *g)
{
    char *us = ql_arena_printf(cx, l->a, "%s_us", name);
    char *from = ql_arena_printf(cx, l->a, "%s_from", name);
    char *to = ql_arena_printf(cx, l->a, "%s_to", name);
    if (us == NULL || from == NULL || to == NULL) {
        return QL_ERROR;
    }
    QL_TRY(add_number(cx, l, us, (uint64_t)(g->ns / 1000)));
    QL_TRY(add_place(cx, l, from, g->from, g->from_line));
    return add_place(cx, l, to, g->to, g->to_line);
}

static ql_status
add_debug(ql_ctx *cx, list *l)
{
    ql_gap worst[QL_GAP_CLOCKS];
    ql_intr_gap_worst(worst);
    QL_TRY(add_gap(cx, l, "Quell_checkpoint_gap", &worst[QL_GAP_CPU]));
    QL_TRY(add_gap(cx, l, "Quell_checkpoint_gap_wall", &worst[QL_GAP_WALL]));
    QL_TRY(add_gap(cx, l, "Quell_last_gap", &cx->intr->last_gap[QL_GAP_CPU]));
    QL_TRY(add_gap(cx, l, "Quell_last_gap_wall", &cx->intr->last_gap[QL_GAP_WALL]));
    QL_TRY(add_number(cx, l, "Quell_checkpoints", atomic_load(&cx->intr->checkpoints)));
    QL_TRY(add_number(cx, l, "Quell_last_checkpoints", cx->intr->stmt_checkpoints));
    QL_TRY(add_number(cx, l, "Quell_last_allocs", cx->mem_allocs_last));
    QL_TRY(add_number(cx, l, "Quell_arenas_live", ql_arena_live_count()));
    return add_wait_matrix(cx, l);
}
#else
static ql_status
add_debug(ql_ctx *cx, list *l)
{
    (void)cx;
    (void)l;
    return QL_OK;
}
#endif

void
ql_status_gauge(ql_sysvars *sv, const char *name, uint64_t (*read)(ql_instance *inst))
{
    unsigned i = 0;
    while (i < sv->ngauges && strcmp(sv->gauges[i].name, name) != 0) {
        i++;
    }
    if (i < QL_ARRAY_LEN(sv->gauges)) {
        sv->gauges[i] = (qli_gauge){name, read};
        sv->ngauges += i == sv->ngauges;
    }
}

static int
compare_status(const void *a, const void *b)
{
    return strcmp(((const ql_name_value *)a)->name.p, ((const ql_name_value *)b)->name.p);
}

ql_status
ql_status_list(ql_ctx *cx, ql_arena *a, bool global, ql_name_value **v, size_t *n)
{
    const uint64_t *own = !global && cx->vars ? cx->vars->counts : NULL;
    list l = {.a = a, .cap = QL_CT_COUNT + QL_CC_COUNT + 96};
    l.v = QL_ARENA_ARRAY(cx, a, ql_name_value, l.cap);
    if (!l.v) {
        return QL_ERROR;
    }
    for (int i = 0; i < QL_CT_COUNT; i++) {
        QL_TRY(add_number(cx, &l, counter_names[i],
                          own && counter_scopes[i] == SCOPE_BOTH
                              ? own[i]
                              : ql_counter_get(cx->inst, (ql_counter)i)));
    }
    int64_t up = ql_now_real_us() / 1000000 - cx->inst->start_time;
    QL_TRY(add_number(cx, &l, "Uptime", up > 0 ? (uint64_t)up : 0));
    QL_TRY(add_number(cx, &l, "Uptime_since_flush_status", up > 0 ? (uint64_t)up : 0));
    const ql_sysvars *sv = cx->inst->sysvars;
    for (unsigned i = 0; sv && i < sv->ngauges; i++) {
        QL_TRY(add_number(cx, &l, sv->gauges[i].name, sv->gauges[i].read(cx->inst)));
    }
    QL_TRY(add_number(cx, &l, "Open_files", 1));
    QL_TRY(add_memory(cx, &l));
    QL_TRY(add_com(cx, &l, own));
    QL_TRY(add_threads(cx, &l));
    QL_TRY(add_tls(cx, &l));
    QL_TRY(add_txns(cx, &l));
    QL_TRY(add_kv(cx, &l));
    QL_TRY(add_debug(cx, &l));
    qsort(l.v, l.n, sizeof *l.v, compare_status);
    *v = l.v;
    *n = l.n;
    return QL_OK;
}
