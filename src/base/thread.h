/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads with an explicit stack size and a name, and the clocks.
 */
#ifndef QL_BASE_THREAD_H
#define QL_BASE_THREAD_H

#include <pthread.h>

#include "base/ctx.h"

typedef struct ql_thread {
    pthread_t id;
    bool started;
} ql_thread;

/* Start fn(arg). stack_size in bytes (0 = 256 KiB); name at most 15 characters. QL_ERROR (1135)
 * when the system gives no thread. All signals but those of faults are blocked in the new thread,
 * which has a second stack for the handlers of these. Join it, or detach it, once. */
ql_status ql_thread_start(ql_ctx *cx, ql_thread *t, const char *name, size_t stack_size,
                          void (*fn)(void *), void *arg) QL_MUST_USE;
void ql_thread_join(ql_thread *t);
void ql_thread_detach(ql_thread *t);
/* Short turns on the processor for the calling thread, where the system offers that (Linux 6.12):
 * whoever wakes up while it works, a killer above all, waits a fraction of a millisecond for the
 * processor, not the three or so that the system gives at a time. */
void ql_thread_short_turns(void);
/* The calling thread works in the background: it has its share of the processor, but does not push
 * anybody off it when it wakes up, who most often is the one that woke it. */
void ql_thread_stay_behind(void);
void ql_thread_yield(void); /* let other threads run first; for background work */

int64_t ql_now_mono_ns(void);   /* CLOCK_MONOTONIC */
int64_t ql_thread_cpu_ns(void); /* processor time of the calling thread */
int64_t ql_now_real_us(void);   /* Unix time in microseconds */

/* Bytes of stack the calling thread has left (approximate); recursion refuses below 32 KiB (1436).
 */
size_t ql_thread_stack_left(void);

#endif
