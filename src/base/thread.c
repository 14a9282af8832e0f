/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads with an explicit stack size and a name, all signals blocked but those of faults; clocks;
 * stack left. The cached stack bounds are a property of the thread, not of a session.
 */
#include "base/thread.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"

#define DEFAULT_STACK (256u * 1024u)
#define TURN_NS 200000
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SMALLEST_STACK ((size_t)2 << 20) /* instrumented frames are several times larger */
#define SIGNAL_STACK 0                   /* the sanitizer gives each thread one */
#else
#define SIGNAL_STACK ((size_t)32 << 10)
#define SMALLEST_STACK ((size_t)PTHREAD_STACK_MIN)
#endif

typedef struct start_arg {
    void (*fn)(void *);
    void *arg;
    char name[16];
} start_arg;

/* Where a fault is told when the thread's own stack is what has run out. Never touched otherwise,
 * so it takes no memory. Without one (NULL) such a fault ends the process without a word. */
static void *
signal_stack_new(void)
{
    if (SIGNAL_STACK == 0) {
        return NULL;
    }
    void *p = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    stack_t ss = {.ss_sp = p, .ss_size = SIGNAL_STACK};
    (void)sigaltstack(&ss, NULL);
    return p;
}

static void
signal_stack_free(void *p)
{
    if (p != NULL) {
        stack_t none = {.ss_flags = SS_DISABLE};
        (void)sigaltstack(&none, NULL);
        (void)munmap(p, SIGNAL_STACK);
    }
}

static void *
run_thread(void *p)
{
    start_arg s = *(start_arg *)p;
    ql_mem_free(p);
    (void)pthread_setname_np(pthread_self(), s.name);
    void *signal_stack = signal_stack_new();
    s.fn(s.arg);
    signal_stack_free(signal_stack);
    return NULL;
}

static int
create_blocked(pthread_t *id, size_t stack_size, start_arg *s)
{
    pthread_attr_t attr;
    sigset_t all, before;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, stack_size);
    (void)sigfillset(&all);
    /* A fault whose signal is blocked ends the process before its handler can say why. */
    (void)sigdelset(&all, SIGSEGV);
    (void)sigdelset(&all, SIGBUS);
    (void)sigdelset(&all, SIGFPE);
    (void)sigdelset(&all, SIGILL);
    (void)sigdelset(&all, SIGABRT);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(id, &attr, run_thread, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

ql_status
ql_thread_start(ql_ctx *cx, ql_thread *t, const char *name, size_t stack_size, void (*fn)(void *),
                void *arg)
{
    t->started = false;
    start_arg *s = ql_mem_alloc(sizeof *s);
    if (s == NULL) {
        return ql_fail_oom(cx, sizeof *s);
    }
    s->fn = fn;
    s->arg = arg;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    size_t stack = stack_size != 0 ? stack_size : DEFAULT_STACK;
    if (stack < SMALLEST_STACK) {
        stack = SMALLEST_STACK;
    }
    int rc = create_blocked(&t->id, (stack + 4095) & ~(size_t)4095, s);
    if (rc != 0) {
        ql_mem_free(s);
        return ql_fail(cx, QL_ER_CANT_CREATE_THREAD, rc);
    }
    t->started = true;
    return QL_OK;
}

void
ql_thread_join(ql_thread *t)
{
    if (t->started) {
        (void)pthread_join(t->id, NULL);
        t->started = false;
    }
}

void
ql_thread_detach(ql_thread *t)
{
    if (t->started) {
        (void)pthread_detach(t->id);
        t->started = false;
    }
}

/* struct sched_attr of the kernel (sched_setattr(2)); the library has none, and the kernel's header
 * does not go with the library's. */
typedef struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime; /* of ordinary threads: the length of a turn, ns */
    uint64_t deadline, period;
} scheduling;

void
ql_thread_short_turns(void)
{
    scheduling a = {.size = sizeof a};
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) == 0 && a.policy == SCHED_OTHER) {
        a.size = sizeof a;
        a.runtime = TURN_NS;
        (void)syscall(SYS_sched_setattr, 0, &a, 0); /* older systems look at no such wish */
    }
}

void
ql_thread_stay_behind(void)
{
    struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

void
ql_thread_yield(void)
{
    (void)sched_yield();
}

int64_t
ql_now_mono_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
ql_thread_cpu_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
ql_now_real_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

size_t
ql_thread_stack_left(void)
{
    static _Thread_local uintptr_t lowest;
    if (lowest == 0) {
        pthread_attr_t attr;
        void *base = NULL;
        size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attr) == 0) {
            (void)pthread_attr_getstack(&attr, &base, &size);
            (void)pthread_attr_destroy(&attr);
        }
        lowest = (uintptr_t)base;
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here > lowest ? here - lowest : 0;
}
