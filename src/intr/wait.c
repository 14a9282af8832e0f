/* SPDX-License-Identifier: Apache-2.0
 *
 * ql_wait: the only place in the server where a thread sleeps. Polls the session's eventfd and at
 * most one other descriptor. Runs on the session's (or background) thread and holds no mutex.
 */
#include "intr/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "intr/intr_int.h"
#include "intr/proc.h"

#define NS_PER_S 1000000000

static const struct {
    const char *name, *state;
} waits[] = {
    {"NONE", ""},
#define QL_WAIT(name, state, owner, reach, ends) {#name, state},
#include "intr/waits.def"
#undef QL_WAIT
};

const char *
ql_wait_state_text(ql_wait_kind kind)
{
    return waits[kind].state;
}

const char *
ql_wait_name(ql_wait_kind kind)
{
    return waits[kind].name;
}

ql_deadline
ql_deadline_ms(int64_t ms)
{
    if (ms <= 0) {
        return QL_NO_WAIT;
    }
    int64_t now = ql_now_mono_ns();
    return ms < (QL_FOREVER - now) / 1000000 ? now + ms * 1000000 : QL_FOREVER;
}

#ifdef QL_DEBUG
/* The matrix of the whole process: how often a reason has ended a wait that really slept. */
static _Atomic uint64_t matrix[QL_W_COUNT][32];

static void
record_end(ql_wait_kind kind, uint32_t reasons)
{
    if (reasons != 0) {
        unsigned bit = 31u - (unsigned)__builtin_clz(reasons);
        atomic_fetch_add_explicit(&matrix[kind][bit], 1, memory_order_relaxed);
    }
}

uint64_t
ql_wait_matrix_count(ql_wait_kind kind, uint32_t reason)
{
    if (reason == 0) {
        return 0;
    }
    return atomic_load_explicit(&matrix[kind][31u - (unsigned)__builtin_clz(reason)],
                                memory_order_relaxed);
}
#else
static inline void
record_end(ql_wait_kind kind, uint32_t reasons)
{
    (void)kind;
    (void)reasons;
}

uint64_t
ql_wait_matrix_count(ql_wait_kind kind, uint32_t reason)
{
    (void)kind;
    (void)reason;
    return 0;
}
#endif

size_t
ql_wait_matrix_print(char *p, size_t n)
{
    static const char *const names[32] = {
        [0] = "QUERY", [1] = "TIME", [2] = "MEMORY", [3] = "SNAPSHOT",
        [8] = "CONN",  [9] = "GONE", [10] = "IDLE",  [11] = "SHUTDOWN",
    };
    size_t used = 0;
    p[0] = '\0';
    for (int w = QL_W_NONE + 1; w < QL_W_COUNT; w++) {
        for (unsigned bit = 0; bit < QL_ARRAY_LEN(names) && used < n; bit++) {
            uint64_t count = ql_wait_matrix_count((ql_wait_kind)w, 1u << bit);
            if (count != 0 && names[bit] != NULL) {
                int more = snprintf(p + used, n - used, "%s%s:%s=%llu", used != 0 ? " " : "",
                                    waits[w].name, names[bit], (unsigned long long)count);
                used += more > 0 ? (size_t)more : 0;
            }
        }
    }
    return used < n ? used : n - 1;
}

static inline void
trace_wait(ql_ctx *cx, ql_wait_kind kind)
{
#ifdef QL_DEBUG
    ql_intr_trace(cx, waits[kind].name, 0);
#else
    (void)cx;
    (void)kind;
#endif
}

static inline void
restart_gap(ql_ctx *cx, ql_wait_kind kind)
{
#ifdef QL_DEBUG
    ql_intr_gap_restart(cx, waits[kind].name, 0);
#else
    (void)cx;
    (void)kind;
#endif
}

/* ppoll until dl; the number of ready descriptors, 0 at the deadline. An interrupting signal counts
 * as a spurious wake. */
static int
poll_until(struct pollfd *fds, nfds_t n, ql_deadline dl)
{
    struct timespec left = {0, 0};
    if (dl == QL_FOREVER) {
        return ppoll(fds, n, NULL, NULL);
    }
    if (dl != QL_NO_WAIT) {
        int64_t ns = dl - ql_now_mono_ns();
        if (ns > 0) {
            left.tv_sec = ns / NS_PER_S;
            left.tv_nsec = ns % NS_PER_S;
        }
    }
    return ppoll(fds, n, &left, NULL);
}

ql_status
ql_wait(ql_ctx *cx, int fd, short events, ql_deadline dl, ql_wait_kind kind)
{
    ql_intr *in = cx->intr;
    ql_mutex_assert_none_held();
    trace_wait(cx, kind);
    if (QL_UNLIKELY(atomic_load_explicit(&in->pending, memory_order_acquire) != 0)) {
        return ql_intr_report(cx);
    }
    struct pollfd fds[2] = {{in->event_fd, POLLIN, 0}, {fd, events, 0}};
    if (cx->proc != NULL) {
        ql_proc_set_wait(cx->proc, kind);
    }
    int ready = poll_until(fds, fd >= 0 ? 2 : 1, dl);
    if (cx->proc != NULL) {
        ql_proc_set_wait(cx->proc, QL_W_NONE);
    }
    restart_gap(cx, kind);
    if (fds[0].revents != 0) {
        qli_intr_drain(in);
    }
    uint32_t pending = atomic_load_explicit(&in->pending, memory_order_acquire);
    if (pending != 0) {
        record_end(kind, pending & ~QL_INTR_ASKED);
        return ql_intr_report(cx);
    }
    return ready == 0 ? QL_TIMEOUT : QL_OK;
}
