/* SPDX-License-Identifier: Apache-2.0
 *
 * Time limits. One thread sleeps until the earliest deadline of a binary heap and raises reasons by
 * ids, without holding the timer mutex (rank TIMER). A handle is slot number and generation, so
 * cancelling what has fired already finds nothing.
 */
#include "intr/timer.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "intr/background.h"
#include "intr/cv.h"
#include "intr/proc.h"

typedef struct timer_slot {
    ql_deadline dl;
    uint64_t conn_id, stmt_id;
    uint32_t reasons;
    uint32_t generation; /* odd while in use */
    uint32_t at;         /* position in the heap, or next free slot + 1 */
} timer_slot;

/* Owner: the instance. */
struct ql_timers {
    ql_mutex mu;
    ql_cv earlier;     /* [mu] the thread waits here for an earlier deadline */
    timer_slot *slots; /* [mu] */
    uint32_t *heap;    /* [mu] slot numbers */
    uint32_t nheap, nslots, cap;
    uint32_t free_head; /* [mu] free slot + 1, 0 = none */
    ql_intr intr;
    ql_ctx bg; /* the thread's ctx */
    ql_thread thread;
};

static void
put(ql_timers *t, uint32_t pos, uint32_t slot)
{
    t->heap[pos] = slot;
    t->slots[slot].at = pos;
}

static ql_deadline
key(const ql_timers *t, uint32_t pos)
{
    return t->slots[t->heap[pos]].dl;
}

static void
sift_up(ql_timers *t, uint32_t pos)
{
    uint32_t slot = t->heap[pos];
    while (pos > 0 && key(t, (pos - 1) / 2) > t->slots[slot].dl) {
        put(t, pos, t->heap[(pos - 1) / 2]);
        pos = (pos - 1) / 2;
    }
    put(t, pos, slot);
}

static void
sift_down(ql_timers *t, uint32_t pos)
{
    uint32_t slot = t->heap[pos];
    for (;;) {
        uint32_t child = 2 * pos + 1;
        if (child >= t->nheap) {
            break;
        }
        if (child + 1 < t->nheap && key(t, child + 1) < key(t, child)) {
            child++;
        }
        if (key(t, child) >= t->slots[slot].dl) {
            break;
        }
        put(t, pos, t->heap[child]);
        pos = child;
    }
    put(t, pos, slot);
}

/* [mu] */
static void
remove_slot(ql_timers *t, uint32_t slot)
{
    uint32_t pos = t->slots[slot].at;
    uint32_t last = t->heap[--t->nheap];
    if (last != slot) {
        put(t, pos, last);
        sift_down(t, pos);
        sift_up(t, t->slots[last].at);
    }
    t->slots[slot].generation++;
    t->slots[slot].at = t->free_head;
    t->free_head = slot + 1;
}

/* [mu] */
static bool
make_room(ql_timers *t)
{
    if (t->free_head != 0 || t->nslots < t->cap) {
        return true;
    }
    uint32_t cap = t->cap != 0 ? t->cap * 2 : 16;
    timer_slot *slots = ql_mem_realloc(t->slots, cap * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    t->slots = slots;
    uint32_t *heap = ql_mem_realloc(t->heap, cap * sizeof *heap);
    if (heap == NULL) {
        return false;
    }
    t->heap = heap;
    t->cap = cap;
    return true;
}

/* [mu] */
static uint32_t
take_slot(ql_timers *t)
{
    uint32_t slot = t->nslots;
    if (t->free_head != 0) {
        slot = t->free_head - 1;
        t->free_head = t->slots[slot].at;
    } else {
        t->slots[t->nslots++].generation = 0;
    }
    t->slots[slot].generation++;
    return slot;
}

uint64_t
ql_timer_set(ql_ctx *cx, ql_timers *t, ql_deadline dl, uint64_t conn_id, uint64_t stmt_id,
             uint32_t reasons)
{
    uint64_t handle = 0;
    ql_mutex_lock(&t->mu);
    if (make_room(t)) {
        uint32_t slot = take_slot(t);
        timer_slot *s = &t->slots[slot];
        s->dl = dl;
        s->conn_id = conn_id;
        s->stmt_id = stmt_id;
        s->reasons = reasons;
        handle = ((uint64_t)s->generation << 32) | slot;
        t->heap[t->nheap] = slot;
        sift_up(t, t->nheap++);
        if (t->heap[0] == slot) {
            ql_cv_signal(&t->earlier);
        }
    }
    ql_mutex_unlock(&t->mu);
    if (handle == 0) {
        (void)ql_fail_oom(cx, sizeof(timer_slot));
    }
    return handle;
}

void
ql_timer_cancel(ql_timers *t, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    if (handle == 0) {
        return;
    }
    ql_mutex_lock(&t->mu);
    if (slot < t->nslots && t->slots[slot].generation == generation) {
        remove_slot(t, slot);
    }
    ql_mutex_unlock(&t->mu);
}

/* [mu at entry and exit] Fire what is due; the next deadline. */
static ql_deadline
fire_due(ql_timers *t)
{
    while (t->nheap != 0) {
        timer_slot s = t->slots[t->heap[0]];
        if (s.dl > ql_now_mono_ns()) {
            return s.dl;
        }
        remove_slot(t, t->heap[0]);
        ql_mutex_unlock(&t->mu);
        (void)ql_procs_raise(t->bg.inst->procs, s.conn_id, s.stmt_id, s.reasons, true, 0);
        ql_mutex_lock(&t->mu);
    }
    return QL_FOREVER;
}

static void
run_timers(void *arg)
{
    ql_timers *t = arg;
    ql_status st = QL_OK;
    ql_mutex_lock(&t->mu);
    while (st == QL_OK || st == QL_TIMEOUT) {
        ql_deadline next = fire_due(t);
        st = ql_cv_wait(&t->bg, &t->earlier, &t->mu, next, QL_W_BACKGROUND);
    }
    ql_mutex_unlock(&t->mu);
}

static void
free_memory(ql_timers *t)
{
    ql_mutex_fini(&t->mu);
    ql_mem_free(t->slots);
    ql_mem_free(t->heap);
    ql_mem_free(t);
}

ql_timers *
ql_timers_new(ql_ctx *cx)
{
    ql_timers *t = ql_mem_zalloc(sizeof *t);
    if (t == NULL) {
        (void)ql_fail_oom(cx, sizeof *t);
        return NULL;
    }
    ql_mutex_init(&t->mu, QL_RANK_TIMER);
    ql_cv_init(&t->earlier);
    if (ql_background_init(&t->bg, cx->inst, &t->intr) != QL_OK) {
        (void)ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
        free_memory(t);
        return NULL;
    }
    if (ql_thread_start(cx, &t->thread, "ql-timer", 0, run_timers, t) != QL_OK) {
        ql_background_fini(&t->bg);
        free_memory(t);
        return NULL;
    }
    return t;
}

void
ql_timers_free(ql_timers *t)
{
    if (t == NULL) {
        return;
    }
    ql_background_stop(&t->bg);
    ql_thread_join(&t->thread);
    ql_background_fini(&t->bg);
    free_memory(t);
}
