/* SPDX-License-Identifier: Apache-2.0
 *
 * Sync points: the actions set by SET DEBUG_SYNC and their execution. Session actions hang off the
 * session's ql_intr and are touched by its thread only; signals and global actions are guarded by
 * the instance's mutex (rank SYNC). Parsing is in sync_parse.c. Follows the description at the top
 * of MySQL's sql/debug_sync.cc.
 */
#include "intr/sync.h"
#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "intr/proc.h"
#include "intr/sync_int.h"

#define MOST_SIGNALS 64
#define STATE_TEXT 80

typedef struct sync_signal {
    char name[QLI_SYNC_NAME];
} sync_signal;

/* Owner: the instance. */
struct ql_syncs {
    ql_mutex mu;
    ql_cv changed;                        /* [mu] */
    sync_signal signals[MOST_SIGNALS];    /* [mu] */
    size_t nsignals;                      /* [mu] */
    qli_sync_action *global;              /* [mu] list */
    _Atomic bool has_global;              /* [mu to write] */
    char states[QL_SP_COUNT][STATE_TEXT]; /* [const] State texts */
    ql_sync_point crash;                  /* [const] the process is killed there; NONE = nowhere */
};

/* Owner: the session, through its ql_intr. */
struct ql_sync_actions {
    qli_sync_action *first;
};

static const char *const point_names[QL_SP_COUNT] = {
    "now",
#define QL_SYNC_POINT(name, where) #name,
#include "intr/sync.def"
#undef QL_SYNC_POINT
};

ql_sync_point
qli_sync_point_find(const char *name, size_t n)
{
    for (int i = QL_SP_NONE + 1; i < QL_SP_COUNT; i++) {
        if (strlen(point_names[i]) == n && ql_ascii_compare(point_names[i], name, n) == 0) {
            return (ql_sync_point)i;
        }
    }
    return QL_SP_NONE;
}

ql_syncs *
ql_syncs_new(void)
{
    ql_syncs *s = ql_mem_zalloc(sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    ql_mutex_init(&s->mu, QL_RANK_SYNC);
    ql_cv_init(&s->changed);
    for (int i = 0; i < QL_SP_COUNT; i++) {
        (void)snprintf(s->states[i], STATE_TEXT, "debug sync point: %s", point_names[i]);
        for (char *c = s->states[i]; *c != '\0'; c++) {
            *c = ql_ascii_lower(*c);
        }
    }
    const char *crash = getenv("QUELL_CRASH_AT");
    s->crash = crash != NULL ? qli_sync_point_find(crash, strlen(crash)) : QL_SP_NONE;
    return s;
}

static void
free_actions(qli_sync_action **list, ql_sync_point point)
{
    while (*list != NULL) {
        qli_sync_action *a = *list;
        if (point == QL_SP_NONE || a->point == point) {
            *list = a->next;
            ql_mem_free(a);
        } else {
            list = &a->next;
        }
    }
}

void
ql_syncs_free(ql_syncs *s)
{
    if (s != NULL) {
        free_actions(&s->global, QL_SP_NONE);
        ql_mutex_fini(&s->mu);
        ql_mem_free(s);
    }
}

void
ql_sync_session_end(ql_ctx *cx)
{
    struct ql_sync_actions *own = cx->intr->sync;
    if (own != NULL) {
        free_actions(&own->first, QL_SP_NONE);
        ql_mem_free(own);
        cx->intr->sync = NULL;
    }
}

/* ---- signals ---- */

/* [mu] Index, or nsignals. */
static size_t
find_signal(const ql_syncs *s, const char *name)
{
    size_t i = 0;
    while (i < s->nsignals && strcmp(s->signals[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* [mu] */
static void
add_signal(ql_syncs *s, const char *name, size_t n)
{
    char copy[QLI_SYNC_NAME] = {0};
    memcpy(copy, name, n < sizeof copy ? n : sizeof copy - 1);
    if (find_signal(s, copy) == s->nsignals && s->nsignals < MOST_SIGNALS) {
        memcpy(s->signals[s->nsignals++].name, copy, sizeof copy);
    }
}

/* [mu] names are separated by commas. */
static void
add_signals(ql_syncs *s, const char *names)
{
    while (*names != '\0') {
        size_t n = strcspn(names, ",");
        add_signal(s, names, n);
        names += n + (names[n] == ',');
    }
    ql_cv_broadcast(&s->changed);
}

/* [mu] */
static void
drop_signal(ql_syncs *s, size_t at)
{
    s->signals[at] = s->signals[--s->nsignals];
}

/* ---- execution ---- */

static ql_status
wait_for_signal(ql_ctx *cx, ql_syncs *s, const qli_sync_action *a)
{
    ql_deadline dl = ql_deadline_ms(a->timeout_s * 1000);
    ql_status st = QL_OK;
    if (cx->proc != NULL) {
        ql_proc_set_wait_text(cx->proc, s->states[a->point]);
    }
    ql_mutex_lock(&s->mu);
    size_t at = find_signal(s, a->wait_for);
    while (st == QL_OK && at == s->nsignals) {
        st = ql_cv_wait(cx, &s->changed, &s->mu, dl, QL_W_DEBUG_SYNC);
        at = find_signal(s, a->wait_for);
    }
    if (at < s->nsignals && st != QL_KILLED) {
        st = QL_OK;
        if (!a->keep_signal) {
            drop_signal(s, at);
        }
    }
    ql_mutex_unlock(&s->mu);
    if (cx->proc != NULL) {
        ql_proc_set_wait_text(cx->proc, NULL);
    }
    if (st == QL_TIMEOUT) {
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_DEBUG_SYNC_TIMEOUT);
        st = QL_OK;
    }
    return st;
}

/* Signal, then wait. a is a copy, for others may drop the original meanwhile. */
static ql_status
perform(ql_ctx *cx, const qli_sync_action *a)
{
    ql_syncs *s = cx->inst->syncs;
    if (a->signal[0] != '\0') {
        ql_mutex_lock(&s->mu);
        add_signals(s, a->signal);
        ql_mutex_unlock(&s->mu);
    }
    return a->wait_for[0] != '\0' ? wait_for_signal(cx, s, a) : QL_OK;
}

/* Count one passage of the point. True: *copy has something to do now (execute > 0) or hits its
 * limit (hit_limit == 1). An action that is used up leaves the list. */
static bool
count_passage(qli_sync_action **list, ql_sync_point point, qli_sync_action *copy)
{
    for (; *list != NULL; list = &(*list)->next) {
        qli_sync_action *a = *list;
        if (a->point != point) {
            continue;
        }
        *copy = *a;
        a->execute -= a->execute != 0;
        a->hit_limit -= a->hit_limit != 0;
        if (a->execute == 0 && a->hit_limit == 0) {
            *list = a->next;
            ql_mem_free(a);
        }
        return true;
    }
    return false;
}

static ql_status
run_action(ql_ctx *cx, const qli_sync_action *a)
{
    if (a->execute != 0) {
        QL_TRY(perform(cx, a));
    }
    return a->hit_limit == 1 ? ql_fail(cx, QL_ER_DEBUG_SYNC_HIT_LIMIT) : QL_OK;
}

static ql_status
run_global(ql_ctx *cx, ql_syncs *s, ql_sync_point point)
{
    qli_sync_action copy;
    ql_mutex_lock(&s->mu);
    bool hit = count_passage(&s->global, point, &copy);
    atomic_store_explicit(&s->has_global, s->global != NULL, memory_order_relaxed);
    ql_mutex_unlock(&s->mu);
    return hit ? run_action(cx, &copy) : QL_OK;
}

ql_status
ql_sync_run(ql_ctx *cx, ql_sync_point point)
{
    ql_syncs *s = cx->inst != NULL ? cx->inst->syncs : NULL;
    struct ql_sync_actions *own = cx->intr->sync;
    qli_sync_action copy;
    if (s == NULL) {
        return QL_OK;
    }
    if (s->crash == point && point != QL_SP_NONE) {
        (void)kill(getpid(), SIGKILL);
    }
    if (own != NULL && count_passage(&own->first, point, &copy)) {
        QL_TRY(run_action(cx, &copy));
    }
    if (atomic_load_explicit(&s->has_global, memory_order_relaxed)) {
        return run_global(cx, s, point);
    }
    return QL_OK;
}

/* ---- setting ---- */

static ql_status
keep_action(ql_ctx *cx, qli_sync_action **list, const qli_sync_action *parsed)
{
    free_actions(list, parsed->point);
    if (parsed->clear) {
        return QL_OK;
    }
    qli_sync_action *a = ql_mem_alloc(sizeof *a);
    if (a == NULL) {
        return ql_fail_oom(cx, sizeof *a);
    }
    *a = *parsed;
    a->next = *list;
    *list = a;
    return QL_OK;
}

static ql_status
keep_global(ql_ctx *cx, ql_syncs *s, const qli_sync_action *parsed)
{
    ql_mutex_lock(&s->mu);
    ql_status st = keep_action(cx, &s->global, parsed);
    atomic_store_explicit(&s->has_global, s->global != NULL, memory_order_relaxed);
    ql_mutex_unlock(&s->mu);
    return st;
}

static ql_status
keep_own(ql_ctx *cx, const qli_sync_action *parsed)
{
    if (cx->intr->sync == NULL) {
        cx->intr->sync = ql_mem_zalloc(sizeof *cx->intr->sync);
        if (cx->intr->sync == NULL) {
            return ql_fail_oom(cx, sizeof *cx->intr->sync);
        }
    }
    return keep_action(cx, &cx->intr->sync->first, parsed);
}

/* Forget all signals, the session's actions and the global ones; those who wait look again. */
static void
reset_all(ql_ctx *cx, ql_syncs *s)
{
    ql_sync_session_end(cx);
    ql_mutex_lock(&s->mu);
    s->nsignals = 0;
    free_actions(&s->global, QL_SP_NONE);
    atomic_store_explicit(&s->has_global, false, memory_order_relaxed);
    ql_cv_broadcast(&s->changed);
    ql_mutex_unlock(&s->mu);
}

/* The two sweeps: "kill_at 5 QUERY" and "fail_alloc_at 7" are for the session's next statement.
 * True: it was one. */
static bool
arm_fault(ql_ctx *cx, ql_str text)
{
    static const struct {
        const char *name;
        uint32_t reason;
    } reasons[] = {{"QUERY", QL_INTR_QUERY},
                   {"CONNECTION", QL_INTR_CONN},
                   {"TIME", QL_INTR_TIME},
                   {"GONE", QL_INTR_GONE},
                   {"SHUTDOWN", QL_INTR_SHUTDOWN}};
    char buf[64], word[16] = "";
    unsigned long long n = 0;
    if (text.n >= sizeof buf) {
        return false;
    }
    memcpy(buf, text.p, text.n);
    buf[text.n] = 0;
    if (sscanf(buf, "fail_alloc_at %llu", &n) == 1) {
        ql_arena_fault_arm(cx, n);
        return true;
    }
    if (sscanf(buf, "kill_at %llu %15s", &n, word) != 2) {
        return false;
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(reasons); i++) {
        if (strcmp(word, reasons[i].name) == 0) {
            ql_intr_arm_kill(cx->intr, n, reasons[i].reason);
            return true;
        }
    }
    return false;
}

ql_status
ql_sync_set(ql_ctx *cx, ql_str text)
{
    ql_syncs *s = cx->inst->syncs;
    qli_sync_action a;
    if (s == NULL) {
        return ql_fail(cx, QL_ER_UNKNOWN_SYSTEM_VARIABLE, "debug_sync");
    }
    if (arm_fault(cx, text)) {
        return QL_OK;
    }
    QL_TRY(qli_sync_parse(cx, text, &a));
    if (a.empty) {
        return QL_OK;
    }
    if (a.reset) {
        reset_all(cx, s);
        return QL_OK;
    }
    if (a.point == QL_SP_NONE) {
        return run_action(cx, &a);
    }
    return a.global ? keep_global(cx, s, &a) : keep_own(cx, &a);
}

const char *
ql_sync_current(ql_ctx *cx, struct ql_arena *a)
{
    ql_syncs *s = cx->inst->syncs;
    ql_buf list = {0};
    ql_status st = QL_OK;
    if (s == NULL) {
        return "OFF";
    }
    ql_mutex_lock(&s->mu);
    for (size_t i = 0; i < s->nsignals && st == QL_OK; i++) {
        st = ql_buf_printf(cx, &list, "%s%s", i != 0 ? "," : "", s->signals[i].name);
    }
    ql_mutex_unlock(&s->mu);
    const char *text = NULL;
    if (st == QL_OK) {
        text = ql_arena_printf(cx, a, "ON - signals: '%.*s'", (int)list.n,
                               list.p != NULL ? list.p : "");
    }
    ql_buf_free(&list);
    return text;
}
