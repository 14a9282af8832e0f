/* SPDX-License-Identifier: Apache-2.0
 *
 * Condition variable over the session's eventfd: waiters enqueue themselves, signal pops one and
 * wakes it. A waiter that ends killed or timed out after it was signalled passes the signal on.
 */
#ifndef QL_INTR_CV_H
#define QL_INTR_CV_H

#include "base/mutex.h"
#include "intr/wait.h"

typedef struct ql_cv_waiter ql_cv_waiter;

/* Guarded by the mutex that the caller waits with. */
typedef struct ql_cv {
    ql_cv_waiter *head, *tail;
} ql_cv;

void ql_cv_init(ql_cv *cv);
/* Call with mu locked; returns with mu locked. QL_OK = signalled (look at your condition),
 * QL_TIMEOUT, QL_KILLED. Killed or timed out: the waiter has left the queue. Waits: kind. */
ql_status ql_cv_wait(ql_ctx *cx, ql_cv *cv, ql_mutex *mu, ql_deadline dl,
                     ql_wait_kind kind) QL_MUST_USE;
/* Call with the same mutex locked. Never wait. */
void ql_cv_signal(ql_cv *cv);
void ql_cv_broadcast(ql_cv *cv);

#endif
