/* SPDX-License-Identifier: Apache-2.0
 *
 * FIFO gate. A ticket that comes back is handed to the first in the queue, so nobody overtakes.
 * Queue nodes live on the waiters' stacks and are guarded by g->mu (rank GATE, a leaf).
 */
#include "intr/gate.h"

#include "base/mem.h"

typedef struct gate_waiter {
    struct gate_waiter *next, *prev;
    ql_intr *intr;
    bool granted; /* out of the queue and holding a ticket */
} gate_waiter;

/* Owner: the instance; any thread. */
struct ql_gate {
    ql_mutex mu;
    uint32_t limit, inside, waiting; /* [mu] limit 0 = open */
    gate_waiter *head, *tail;        /* [mu] */
};

ql_gate *
ql_gate_new(void)
{
    ql_gate *g = ql_mem_zalloc(sizeof *g);
    if (g != NULL) {
        ql_mutex_init(&g->mu, QL_RANK_GATE);
    }
    return g;
}

void
ql_gate_free(ql_gate *g)
{
    if (g != NULL) {
        ql_mutex_fini(&g->mu);
        ql_mem_free(g);
    }
}

static bool
has_ticket(const ql_gate *g)
{
    return g->limit == 0 || g->inside < g->limit;
}

static void
enqueue(ql_gate *g, gate_waiter *w)
{
    w->prev = g->tail;
    if (g->tail != NULL) {
        g->tail->next = w;
    } else {
        g->head = w;
    }
    g->tail = w;
    g->waiting++;
}

static void
leave_queue(ql_gate *g, gate_waiter *w)
{
    if (w->prev != NULL) {
        w->prev->next = w->next;
    } else {
        g->head = w->next;
    }
    if (w->next != NULL) {
        w->next->prev = w->prev;
    } else {
        g->tail = w->prev;
    }
    g->waiting--;
}

/* [mu] Hand free tickets to those who wait, in order. */
static void
grant_waiters(ql_gate *g)
{
    while (g->head != NULL && has_ticket(g)) {
        gate_waiter *w = g->head;
        leave_queue(g, w);
        g->inside++;
        w->granted = true;
        ql_intr_wake(w->intr);
    }
}

void
ql_gate_set_limit(ql_gate *g, uint32_t limit)
{
    ql_mutex_lock(&g->mu);
    g->limit = limit;
    grant_waiters(g);
    ql_mutex_unlock(&g->mu);
}

/* [mu at entry and exit] */
static ql_status
wait_for_ticket(ql_ctx *cx, ql_gate *g, ql_deadline dl, ql_wait_kind kind)
{
    gate_waiter w = {.intr = cx->intr};
    ql_status st;
    enqueue(g, &w);
    do {
        ql_mutex_unlock(&g->mu);
        st = ql_wait(cx, -1, 0, dl, kind);
        ql_mutex_lock(&g->mu);
    } while (st == QL_OK && !w.granted);
    if (!w.granted) {
        leave_queue(g, &w);
    } else if (st == QL_TIMEOUT) {
        st = QL_OK;
    } else if (st != QL_OK) {
        g->inside--;
        grant_waiters(g);
    }
    return st;
}

ql_status
ql_gate_enter(ql_ctx *cx, ql_gate *g, ql_deadline dl, ql_wait_kind kind)
{
    ql_status st = QL_OK;
    ql_mutex_lock(&g->mu);
    if (g->head == NULL && has_ticket(g)) {
        g->inside++;
    } else {
        st = wait_for_ticket(cx, g, dl, kind);
    }
    ql_mutex_unlock(&g->mu);
    return st;
}

void
ql_gate_leave(ql_gate *g)
{
    ql_mutex_lock(&g->mu);
    g->inside--;
    grant_waiters(g);
    ql_mutex_unlock(&g->mu);
}

ql_status
ql_admission_enter(ql_ctx *cx)
{
    if (cx->admitted || cx->inst->admission == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_gate_enter(cx, cx->inst->admission, QL_FOREVER, QL_W_ADMISSION));
    cx->admitted = true;
    return QL_OK;
}

void
ql_admission_leave(ql_ctx *cx)
{
    if (cx->admitted) {
        cx->admitted = false;
        ql_gate_leave(cx->inst->admission);
    }
}

bool
ql_admission_pause(ql_ctx *cx)
{
    bool had = cx->admitted;
    ql_admission_leave(cx);
    return had;
}

ql_status
ql_admission_resume(ql_ctx *cx)
{
    return ql_admission_enter(cx);
}

uint32_t
ql_gate_inside(ql_gate *g)
{
    ql_mutex_lock(&g->mu);
    uint32_t n = g->inside;
    ql_mutex_unlock(&g->mu);
    return n;
}

uint32_t
ql_gate_waiting(ql_gate *g)
{
    ql_mutex_lock(&g->mu);
    uint32_t n = g->waiting;
    ql_mutex_unlock(&g->mu);
    return n;
}
