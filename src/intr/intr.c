/* SPDX-License-Identifier: Apache-2.0
 *
 * Raising, holding and reporting reasons. Raisers run on any thread under in->mu (a few
 * instructions, never a wait); the owner looks at `pending` without it. A raise stores pending
 * before it writes the eventfd, and ql_wait looks at pending after reading the eventfd and before
 * polling it, so no raise is lost.
 */
#include "intr/intr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/thread.h"
#include "intr/intr_int.h"
#include "intr/sync.h"

ql_status
ql_intr_init(ql_ctx *cx, ql_intr *in)
{
    memset(in, 0, sizeof *in);
    in->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (in->event_fd < 0) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    in->park_fd = -1;
    ql_mutex_init(&in->mu, QL_RANK_PROC);
    return QL_OK;
}

void
ql_intr_fini(ql_intr *in)
{
    qli_asks_end(in);
    ql_mutex_fini(&in->mu);
    if (in->event_fd >= 0) {
        (void)close(in->event_fd);
    }
    in->event_fd = -1;
}

void
ql_intr_park(ql_intr *in, int fd)
{
    ql_mutex_lock(&in->mu);
    if (atomic_load_explicit(&in->raised, memory_order_relaxed) == 0 && in->event_fd >= 0) {
        (void)close(in->event_fd);
        in->event_fd = -1;
        in->park_fd = fd;
    }
    ql_mutex_unlock(&in->mu);
}

ql_status
ql_intr_unpark(ql_ctx *cx)
{
    ql_intr *in = cx->intr;
    if (in->event_fd >= 0) {
        return QL_OK;
    }
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    ql_mutex_lock(&in->mu);
    in->event_fd = fd;
    in->park_fd = -1;
    ql_mutex_unlock(&in->mu);
    return QL_OK;
}

void
qli_intr_update(ql_intr *in)
{
    uint32_t raised = atomic_load_explicit(&in->raised, memory_order_relaxed);
    uint32_t asked = in->asks != NULL ? QL_INTR_ASKED : 0;
    atomic_store_explicit(&in->pending, (raised & ~in->held) | asked, memory_order_release);
}

#ifdef QL_DEBUG
static void begin_stretch(ql_intr *in, const char *file, int line);
static void end_stretch(ql_intr *in, const char *file, int line);

static void
begin_gaps(ql_intr *in)
{
    memset(in->stmt_gap, 0, sizeof in->stmt_gap);
    begin_stretch(in, "statement begin", 0);
}

static void
end_gaps(ql_intr *in)
{
    if (atomic_load_explicit(&in->stmt_id, memory_order_relaxed) != 0) {
        end_stretch(in, "statement end", 0);
        memcpy(in->last_gap, in->stmt_gap, sizeof in->last_gap);
    }
}
#else
static void
begin_gaps(ql_intr *in)
{
    (void)in;
}

static void
end_gaps(ql_intr *in)
{
    (void)in;
}
#endif

/* ---- the statement as a target ---- */

static uint64_t
accepted_so_far(const ql_intr *in)
{
    return in->accepts != NULL ? atomic_load_explicit(in->accepts, memory_order_acquire) : 0;
}

/* [mu] */
static void
open_target(ql_intr *in, uint64_t stmt_id)
{
    in->accepts_at_open = accepted_so_far(in);
    atomic_store_explicit(&in->stmt_id, stmt_id, memory_order_relaxed);
}

/* [mu] The open statement has ended. It is remembered when somebody connected meanwhile, for that
 * may be the killer it is too late for. Two statements with no connection between them are one
 * span. */
static void
remember_former(ql_intr *in)
{
    uint64_t from = in->accepts_at_open, to = accepted_so_far(in);
    if (from == to) {
        return;
    }
    if (in->nformer != 0 && in->former[in->nformer - 1].to == from) {
        in->former[in->nformer - 1].to = to;
        return;
    }
    if (in->nformer == QL_INTR_FORMER) {
        memmove(in->former, in->former + 1, sizeof in->former - sizeof in->former[0]);
        in->nformer--;
    }
    in->former[in->nformer++] = (ql_intr_span){from, to};
}

/* [mu] */
static bool
former_ran_at(const ql_intr *in, uint64_t number)
{
    for (uint32_t i = 0; i < in->nformer; i++) {
        if (in->former[i].from < number && number <= in->former[i].to) {
            return true;
        }
    }
    return false;
}

/* [mu] */
static void
close_target(ql_intr *in)
{
    if (atomic_load_explicit(&in->stmt_id, memory_order_relaxed) != 0) {
        remember_former(in);
    }
    atomic_store_explicit(&in->stmt_id, 0, memory_order_relaxed);
    uint32_t raised = atomic_load_explicit(&in->raised, memory_order_relaxed);
    atomic_store_explicit(&in->raised, raised & ~QL_INTR_STMT_MASK, memory_order_relaxed);
    qli_asks_end(in);
    qli_intr_update(in);
}

void
ql_intr_stmt_open(ql_intr *in, uint64_t stmt_id)
{
    ql_mutex_lock(&in->mu);
    open_target(in, stmt_id);
    ql_mutex_unlock(&in->mu);
    begin_gaps(in);
}

void
ql_intr_stmt_begin(ql_intr *in, uint64_t stmt_id)
{
    if (atomic_load_explicit(&in->stmt_id, memory_order_relaxed) != stmt_id) {
        ql_intr_stmt_open(in, stmt_id);
    }
    in->working = true;
    atomic_store_explicit(&in->checkpoints, 0, memory_order_relaxed);
    in->kill_at = in->armed_at;
    in->kill_at_reason = in->armed_reason;
    in->armed_at = 0;
}

/* [owner] The work that began has ended. */
static void
end_work(ql_intr *in)
{
    if (in->working) {
        in->working = false;
        in->stmt_checkpoints = atomic_load_explicit(&in->checkpoints, memory_order_relaxed);
        in->kill_at = 0;
    }
}

void
ql_intr_stmt_next(ql_intr *in, uint64_t stmt_id)
{
    end_gaps(in);
    ql_mutex_lock(&in->mu);
    close_target(in);
    open_target(in, stmt_id);
    ql_mutex_unlock(&in->mu);
    begin_gaps(in);
    end_work(in);
}

void
ql_intr_stmt_end(ql_intr *in)
{
    end_gaps(in);
    ql_mutex_lock(&in->mu);
    close_target(in);
    ql_mutex_unlock(&in->mu);
    end_work(in);
}

void
ql_intr_arm_kill(ql_intr *in, uint64_t at, uint32_t reason)
{
    in->armed_at = at;
    in->armed_reason = reason;
}

/* [mu] The part of reasons that has something to hit. */
static uint32_t
reasons_that_hit(ql_intr *in, uint32_t reasons, uint64_t stmt_id)
{
    uint64_t running = atomic_load_explicit(&in->stmt_id, memory_order_relaxed);
    if (atomic_load_explicit(&in->raised, memory_order_relaxed) & QL_INTR_CONN_MASK) {
        return 0;
    }
    if (stmt_id != 0 && stmt_id != running) {
        return 0;
    }
    return running != 0 ? reasons : reasons & QL_INTR_CONN_MASK;
}

qli_hit
qli_intr_raise_cut(ql_intr *in, uint32_t reasons, uint64_t stmt_id, uint64_t late_as, int cut_fd)
{
    bool wake = false, spared = false;
    ql_mutex_lock(&in->mu);
    uint32_t hit = reasons_that_hit(in, reasons, stmt_id);
    if (late_as != 0 && (hit & QL_INTR_STMT_MASK) != 0 && former_ran_at(in, late_as)) {
        spared = true;
        hit &= ~QL_INTR_STMT_MASK;
    }
    if (hit != 0) {
        atomic_fetch_or_explicit(&in->raised, hit, memory_order_relaxed);
        qli_intr_update(in);
        wake = (hit & ~in->held) != 0;
        if (!wake) {
            atomic_fetch_add_explicit(&in->deferred, 1, memory_order_relaxed);
        }
    }
    if (cut_fd >= 0 && (hit & QL_INTR_CONN_MASK) != 0) {
        (void)shutdown(cut_fd, SHUT_RDWR); /* the client knows before the owner is up */
    }
    if (wake && in->park_fd >= 0) {
        (void)shutdown(in->park_fd, SHUT_RD);
    } else if (wake) {
        ql_intr_wake(in);
    }
    ql_mutex_unlock(&in->mu);
    return hit != 0 ? QLI_HIT : spared ? QLI_SPARED : QLI_MISSED;
}

bool
ql_intr_raise(ql_intr *in, uint32_t reasons, uint64_t stmt_id)
{
    return qli_intr_raise_cut(in, reasons, stmt_id, 0, -1) == QLI_HIT;
}

void
ql_intr_wake(ql_intr *in)
{
    uint64_t one = 1;
    /* Only a full counter can refuse it, and then it is readable anyway. */
    while (write(in->event_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void
qli_intr_drain(ql_intr *in)
{
    uint64_t tokens;
    while (read(in->event_fd, &tokens, sizeof tokens) < 0 && errno == EINTR) {
    }
}

/* Bits of reasons whose nesting depth passes between 0 and 1. */
static uint32_t
change_depth(ql_intr *in, uint32_t reasons, bool deeper)
{
    uint32_t changed = 0;
    for (unsigned bit = 0; bit < QL_ARRAY_LEN(in->hold_depth); bit++) {
        if ((reasons & (1u << bit)) == 0) {
            continue;
        }
        if (deeper ? in->hold_depth[bit]++ == 0 : --in->hold_depth[bit] == 0) {
            changed |= 1u << bit;
        }
    }
    return changed;
}

void
ql_hold(ql_ctx *cx, uint32_t reasons)
{
    ql_intr *in = cx->intr;
    uint32_t changed = change_depth(in, reasons, true);
    ql_mutex_lock(&in->mu);
    in->held |= changed;
    qli_intr_update(in);
    ql_mutex_unlock(&in->mu);
}

void
ql_unhold(ql_ctx *cx, uint32_t reasons)
{
    ql_intr *in = cx->intr;
    uint32_t changed = change_depth(in, reasons, false);
    ql_mutex_lock(&in->mu);
    in->held &= ~changed;
    qli_intr_update(in);
    ql_mutex_unlock(&in->mu);
}

static uint32_t
strongest(uint32_t reasons)
{
    return reasons != 0 ? 1u << (31 - __builtin_clz(reasons)) : 0;
}

uint32_t
ql_intr_conn_reason(const ql_intr *in)
{
    return strongest(atomic_load_explicit(&in->pending, memory_order_acquire) & QL_INTR_CONN_MASK);
}

bool
ql_intr_answer(ql_ctx *cx)
{
    static const uint32_t answered = QL_INTR_QUERY | QL_INTR_TIME;
    ql_intr *in = cx->intr;
    ql_mutex_lock(&in->mu);
    uint32_t pending = atomic_load_explicit(&in->pending, memory_order_relaxed);
    bool yes = (pending & answered) != 0 && (pending & ~(answered | QL_INTR_ASKED)) == 0;
    if (yes) {
        atomic_fetch_and_explicit(&in->raised, ~answered, memory_order_relaxed);
        qli_intr_update(in);
    }
    ql_mutex_unlock(&in->mu);
    return yes;
}

static ql_errcode
reason_error(uint32_t reason)
{
    switch (reason) {
    case QL_INTR_TIME:
        return QL_ER_QUERY_TIMEOUT;
    case QL_INTR_MEMORY:
        return QL_ER_CONN_LIMIT;
    case QL_INTR_SNAPSHOT:
        return QL_ER_SNAPSHOT_LIMIT;
    case QL_INTR_IDLE:
        return QL_ER_CLIENT_INTERACTION_TIMEOUT;
    case QL_INTR_SHUTDOWN:
        return QL_ER_SERVER_SHUTDOWN;
    default:
        return QL_ER_QUERY_INTERRUPTED;
    }
}

static bool
is_last_worded(const ql_diag *d, ql_errcode code)
{
    size_t n = d != NULL ? ql_diag_count(d) : 0;
    const ql_condition *last = n != 0 ? ql_diag_at(d, n - 1) : NULL;
    return last != NULL && last->level == QL_DIAG_ERROR && last->number == (uint16_t)code;
}

ql_status
ql_intr_report(ql_ctx *cx)
{
    uint32_t pending = atomic_load_explicit(&cx->intr->pending, memory_order_acquire);
    if ((pending & QL_INTR_ASKED) != 0) {
        qli_asks_answer(cx);
        pending = atomic_load_explicit(&cx->intr->pending, memory_order_acquire);
    }
    uint32_t reason = strongest(pending & ~QL_INTR_ASKED);
    if (reason == 0) {
        return QL_OK;
    }
    ql_errcode code = reason_error(reason);
    if (is_last_worded(cx->diag, code)) {
        return QL_KILLED;
    }
    if (code == QL_ER_CONN_LIMIT) {
        (void)ql_fail_text(cx, code,
                           "Query execution was interrupted, all connections together exceeded "
                           "total_memory_limit and this one had taken the most");
    } else {
        (void)ql_fail(cx, code);
    }
    return QL_KILLED;
}

ql_status
ql_intr_look(ql_ctx *cx)
{
    return ql_check_at(cx, "a copy or an allocation", 0);
}

ql_status
ql_intr_outcome(ql_ctx *cx, ql_status st)
{
    uint32_t pending = atomic_load_explicit(&cx->intr->pending, memory_order_acquire);
    uint32_t reason = strongest(pending & ~QL_INTR_ASKED);
    const ql_condition *c = st == QL_ERROR && reason != 0 ? ql_diag_error(cx->diag) : NULL;
    return c != NULL && c->number == (uint16_t)reason_error(reason) ? QL_KILLED : st;
}

/* ---- the gap monitor ---- */

/* One record for the process, debug builds only. */
static struct {
    pthread_mutex_t mu;
    _Atomic int64_t worst_ns[QL_GAP_CLOCKS]; /* of worst, to look without the mutex */
    ql_gap worst[QL_GAP_CLOCKS];             /* [mu] */
} gap = {.mu = PTHREAD_MUTEX_INITIALIZER};

size_t
ql_intr_gap_place(const char *file, int line, char out[QL_GAP_PLACE])
{
    const char *cut = file != NULL ? strstr(file, "src/") : NULL;
    const char *name = cut != NULL ? cut + 4 : file != NULL ? file : "";
    int n = line != 0 ? snprintf(out, QL_GAP_PLACE, "%s:%d", name, line)
                      : snprintf(out, QL_GAP_PLACE, "%s", name);
    return n > 0 && (size_t)n < QL_GAP_PLACE ? (size_t)n : strlen(out);
}

static void
record_gap(int clock, const ql_gap *g)
{
    (void)pthread_mutex_lock(&gap.mu);
    if (g->ns > gap.worst[clock].ns) {
        gap.worst[clock] = *g;
        atomic_store_explicit(&gap.worst_ns[clock], g->ns, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&gap.mu);
}

/* [owner] A stretch ends here, and the next begins. */
static void
end_stretch(ql_intr *in, const char *file, int line)
{
    int64_t now[QL_GAP_CLOCKS] = {ql_thread_cpu_ns(), ql_now_mono_ns()};
    for (int clock = 0; clock < QL_GAP_CLOCKS; clock++) {
        ql_gap g = {now[clock] - in->last_check_ns[clock], in->last_check_file, file,
                    in->last_check_line, line};
        if (g.ns > in->stmt_gap[clock].ns) {
            in->stmt_gap[clock] = g;
        }
        if (g.ns > atomic_load_explicit(&gap.worst_ns[clock], memory_order_relaxed)) {
            record_gap(clock, &g);
        }
        in->last_check_ns[clock] = now[clock];
    }
    in->last_check_file = file;
    in->last_check_line = line;
}

static void
begin_stretch(ql_intr *in, const char *file, int line)
{
    in->last_check_ns[QL_GAP_CPU] = ql_thread_cpu_ns();
    in->last_check_ns[QL_GAP_WALL] = ql_now_mono_ns();
    in->last_check_file = file;
    in->last_check_line = line;
}

void
ql_intr_trace(ql_ctx *cx, const char *file, int line)
{
    ql_intr *in = cx->intr;
    if (atomic_load_explicit(&in->stmt_id, memory_order_relaxed) != 0) {
        end_stretch(in, file, line); /* from its first byte on a statement is a target */
    }
    if (!in->working) {
        return;
    }
    uint64_t n = atomic_load_explicit(&in->checkpoints, memory_order_relaxed) + 1;
    atomic_store_explicit(&in->checkpoints, n, memory_order_relaxed);
    if (QL_UNLIKELY(n == in->kill_at)) {
        (void)ql_intr_raise(in, in->kill_at_reason, 0);
    }
}

void
ql_intr_gap_restart(ql_ctx *cx, const char *file, int line)
{
    begin_stretch(cx->intr, file, line);
}

void
ql_intr_gap_worst(ql_gap out[QL_GAP_CLOCKS])
{
    (void)pthread_mutex_lock(&gap.mu);
    memcpy(out, gap.worst, sizeof gap.worst);
    (void)pthread_mutex_unlock(&gap.mu);
}

void
ql_intr_gap_reset(void)
{
    (void)pthread_mutex_lock(&gap.mu);
    for (int clock = 0; clock < QL_GAP_CLOCKS; clock++) {
        atomic_store_explicit(&gap.worst_ns[clock], 0, memory_order_relaxed);
        gap.worst[clock] = (ql_gap){0};
    }
    (void)pthread_mutex_unlock(&gap.mu);
}
