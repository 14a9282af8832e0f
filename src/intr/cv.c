/* SPDX-License-Identifier: Apache-2.0
 *
 * Condition variable: a FIFO of waiter nodes that live on the waiters' stacks. All of it is guarded
 * by the mutex that the caller waits with, so a node can only vanish under that mutex and a
 * signaller never touches a dead one.
 */
#include "intr/cv.h"

struct ql_cv_waiter {
    ql_cv_waiter *next, *prev;
    ql_intr *intr;
    bool signalled; /* out of the queue */
};

void
ql_cv_init(ql_cv *cv)
{
    cv->head = cv->tail = NULL;
}

static void
enqueue(ql_cv *cv, ql_cv_waiter *w)
{
    w->next = NULL;
    w->prev = cv->tail;
    if (cv->tail != NULL) {
        cv->tail->next = w;
    } else {
        cv->head = w;
    }
    cv->tail = w;
}

static void
dequeue(ql_cv *cv, ql_cv_waiter *w)
{
    if (w->prev != NULL) {
        w->prev->next = w->next;
    } else {
        cv->head = w->next;
    }
    if (w->next != NULL) {
        w->next->prev = w->prev;
    } else {
        cv->tail = w->prev;
    }
}

void
ql_cv_signal(ql_cv *cv)
{
    ql_cv_waiter *w = cv->head;
    if (w != NULL) {
        dequeue(cv, w);
        w->signalled = true;
        ql_intr_wake(w->intr);
    }
}

void
ql_cv_broadcast(ql_cv *cv)
{
    while (cv->head != NULL) {
        ql_cv_signal(cv);
    }
}

ql_status
ql_cv_wait(ql_ctx *cx, ql_cv *cv, ql_mutex *mu, ql_deadline dl, ql_wait_kind kind)
{
    ql_cv_waiter w = {.intr = cx->intr};
    ql_status st;
    ql_mutex_assert_held(mu);
    enqueue(cv, &w);
    do {
        ql_mutex_unlock(mu);
        st = ql_wait(cx, -1, 0, dl, kind);
        ql_mutex_lock(mu);
    } while (st == QL_OK && !w.signalled);
    if (!w.signalled) {
        dequeue(cv, &w);
    } else if (st == QL_TIMEOUT) {
        st = QL_OK; /* the signal came in time to be used */
    } else if (st != QL_OK) {
        ql_cv_signal(cv); /* pass it on: somebody else must act on it */
    }
    return st;
}
