/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending: whoever overdraws the budget marks the victim and wakes this thread through its event
 * descriptor, which needs no lock; the thread raises QL_INTR_MEMORY by ids, so that it can hit only
 * the statement that was measured. Handing back: glibc keeps freed blocks in the heap they came
 * from, and heaps of threads that have ended keep what they held at their highest. When the process
 * has much more memory than is in use, malloc_trim gives the free pages back.
 */
#include "intr/memguard.h"

#include "base/diag.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/thread.h"
#include "intr/background.h"
#include "intr/proc.h"
#include "intr/wait.h"

#define LOOK_MS 1000
/* So much more than after the last trim, and a trim is worth its time... */
#define TRIM_FROM ((uint64_t)32 << 20)
/* ...while memory in use changes by less than this from look to look, or after so many looks. */
#define CALM ((uint64_t)8 << 20)
#define LOOKS_MOST 10

/* Owner: the instance. */
struct ql_memguard {
    ql_budget *budget;
    ql_intr intr;
    ql_ctx cx;
    ql_thread thread;
    _Atomic bool wanted; /* the thread has been woken and has not looked yet */
    _Atomic uint64_t trims;
    uint64_t spare_left;  /* [thread] what the last trim could not give back */
    uint64_t last_in_use; /* [thread] at the last look */
    unsigned looks;       /* [thread] since there was enough for a trim */
};

/* By any thread, with mutexes held. */
static void
wake(void *arg)
{
    ql_memguard *g = arg;
    if (!atomic_exchange_explicit(&g->wanted, true, memory_order_acq_rel)) {
        ql_intr_wake(&g->intr);
    }
}

static void
end_marked(ql_memguard *g)
{
    ql_budget_victim v;
    ql_instance *inst = g->cx.inst;
    while (ql_budget_next(g->budget, &v)) {
        if (ql_procs_raise(inst->procs, v.owner, v.work, QL_INTR_MEMORY, false, 0) !=
            QL_RAISE_DONE) {
            ql_budget_missed(g->budget, &v);
            continue;
        }
        ql_budget_stats s;
        ql_budget_get_stats(g->budget, &s);
        ql_log_write(inst->log, QL_LOG_WARNING,
                     "Connection %llu: its statement was ended, it held %llu of %llu bytes that "
                     "statements took together (total_memory_limit %llu)",
                     (unsigned long long)v.owner, (unsigned long long)v.used,
                     (unsigned long long)s.used, (unsigned long long)s.limit);
    }
}

/* What the process has in memory beyond what is in use. */
static uint64_t
spare_memory(uint64_t in_use)
{
    uint64_t resident = ql_machine_anonymous();
    return resident > in_use ? resident - in_use : 0;
}

static void
hand_back(ql_memguard *g)
{
    uint64_t in_use = ql_mem_in_use(), before = g->last_in_use, spare = spare_memory(in_use);
    bool calm = (in_use > before ? in_use - before : before - in_use) < CALM;
    g->last_in_use = in_use;
    if (spare < g->spare_left) {
        g->spare_left = spare;
    }
    if (spare - g->spare_left < TRIM_FROM) {
        g->looks = 0;
        return;
    }
    if (calm || ++g->looks >= LOOKS_MOST) {
        ql_mem_trim();
        g->spare_left = spare_memory(ql_mem_in_use());
        g->looks = 0;
        atomic_fetch_add_explicit(&g->trims, 1, memory_order_relaxed);
    }
}

static void
run(void *arg)
{
    ql_memguard *g = arg;
    ql_status st = QL_OK;
    while (st != QL_KILLED) {
        st = ql_wait(&g->cx, -1, 0, ql_deadline_ms(LOOK_MS), QL_W_BACKGROUND);
        if (atomic_exchange_explicit(&g->wanted, false, memory_order_acq_rel)) {
            end_marked(g);
        }
        if (st == QL_TIMEOUT) {
            hand_back(g);
        }
    }
}

ql_status
ql_memguard_start(ql_ctx *cx, ql_memguard **out)
{
    ql_memguard *g = ql_mem_zalloc(sizeof *g);
    if (g == NULL) {
        return ql_fail_oom(cx, sizeof *g);
    }
    g->budget = ql_budget_new(wake, g);
    if (g->budget == NULL || ql_background_init(&g->cx, cx->inst, &g->intr) != QL_OK) {
        ql_budget_free(g->budget);
        ql_mem_free(g);
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    ql_status st = ql_thread_start(cx, &g->thread, "ql-memory", 0, run, g);
    if (st != QL_OK) {
        ql_background_fini(&g->cx);
        ql_budget_free(g->budget);
        ql_mem_free(g);
        return st;
    }
    *out = g;
    return QL_OK;
}

void
ql_memguard_stop(ql_memguard *g)
{
    if (g == NULL) {
        return;
    }
    ql_background_stop(&g->cx);
    ql_thread_join(&g->thread);
    ql_background_fini(&g->cx);
    ql_budget_free(g->budget);
    ql_mem_free(g);
}

ql_budget *
ql_memguard_budget(ql_memguard *g)
{
    return g->budget;
}

uint64_t
ql_memguard_trims(const ql_memguard *g)
{
    return atomic_load_explicit(&g->trims, memory_order_relaxed);
}
