/* SPDX-License-Identifier: Apache-2.0
 *
 * A session without a server: ctx, interrupt, diagnostics, arena and a row in a process list of its
 * instance. For tests of intr/.
 */
#ifndef QL_TESTS_UNIT_INTR_FIXTURE_H
#define QL_TESTS_UNIT_INTR_FIXTURE_H

#include "../lib/test.h"
#include "base/thread.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "intr/wait.h"

typedef struct fake {
    ql_ctx cx;
    ql_intr intr;
    ql_thread thread;
} fake;

static inline void
fake_begin_fd(fake *f, ql_instance *inst, int fd)
{
    memset(f, 0, sizeof *f);
    f->cx.inst = inst;
    f->cx.intr = &f->intr;
    f->cx.diag = ql_diag_new();
    f->cx.arena = ql_arena_new("test", NULL);
    if (f->cx.diag == NULL || f->cx.arena == NULL || ql_intr_init(&f->cx, &f->intr) != QL_OK) {
        abort();
    }
    if (inst != NULL && inst->procs != NULL) {
        f->cx.proc = ql_proc_add(&f->cx, inst->procs, &f->intr, fd, "localhost");
    }
}

static inline void
fake_begin(fake *f, ql_instance *inst)
{
    fake_begin_fd(f, inst, -1);
}

static inline void
fake_end(fake *f)
{
    if (f->cx.proc != NULL) {
        ql_proc_remove(f->cx.inst->procs, f->cx.proc);
    }
    ql_intr_fini(&f->intr);
    ql_arena_free(f->cx.arena);
    ql_diag_free(f->cx.diag);
}

static inline unsigned
fake_error(fake *f)
{
    const ql_condition *c = ql_diag_error(f->cx.diag);
    return c != NULL ? c->number : 0;
}

static inline void
fake_start(fake *f, void (*fn)(void *), void *arg)
{
    assert_int_equal(ql_thread_start(&f->cx, &f->thread, "fake", 0, fn, arg), QL_OK);
}

/* Poll, for at most 10 s, until cond holds. */
#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        int64_t until_end_ = ql_now_mono_ns() + 10000000000;                                       \
        while (!(cond)) {                                                                          \
            assert_true(ql_now_mono_ns() < until_end_);                                            \
            (void)sched_yield();                                                                   \
        }                                                                                          \
    } while (0)

#endif
