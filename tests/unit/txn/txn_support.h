/* SPDX-License-Identifier: Apache-2.0
 *
 * A small instance over memkv (or a given KV) and sessions with their row in the process list, each
 * usable from its own thread. Threads reach a state by the process list or by sync points.
 */
#ifndef TESTS_UNIT_TXN_TXN_SUPPORT_H
#define TESTS_UNIT_TXN_TXN_SUPPORT_H

#include "../lib/test.h"
#include <pthread.h>
#include <time.h>

#include "base/mem.h"
#include "base/thread.h"
#include "intr/proc.h"
#include "intr/space.h"
#include "intr/sync.h"
#include "kv/memkv.h"
#include "txn/mdl.h"
#include "txn/txn.h"
#ifdef TEST_SETS
#include "txn/txn_int.h"
#endif

typedef struct session {
    ql_ctx cx;
    ql_intr intr;
} session;

typedef struct world {
    ql_instance inst;
    session boss; /* the test's own thread */
} world;

static inline void
session_open(world *w, session *s)
{
    memset(s, 0, sizeof *s);
    s->cx.inst = &w->inst;
    s->cx.intr = &s->intr;
    s->cx.diag = ql_diag_new();
    s->cx.arena = ql_arena_new("test", NULL);
    assert_int_equal(ql_intr_init(&s->cx, &s->intr), QL_OK);
    s->cx.proc = ql_proc_add(&s->cx, w->inst.procs, &s->intr, -1, "localhost");
    assert_non_null(s->cx.proc);
    s->cx.mdl = ql_mdl_set_new();
    s->cx.stmt_id = ql_procs_next_stmt_id(w->inst.procs);
    ql_intr_stmt_begin(&s->intr, s->cx.stmt_id);
}

static inline void
session_close(world *w, session *s)
{
    ql_txn_rollback(&s->cx);
    ql_mdl_set_free(&s->cx, s->cx.mdl);
    ql_sync_session_end(&s->cx);
    ql_proc_remove(w->inst.procs, s->cx.proc);
    ql_intr_fini(&s->intr);
    ql_arena_free(s->cx.arena);
    ql_diag_free(s->cx.diag);
}

/* The statement is over: reasons of statements are dropped. */
static inline void
session_next(session *s)
{
    ql_intr_stmt_end(&s->intr);
    ql_diag_reset(s->cx.diag);
    s->cx.stmt_id++;
    ql_intr_stmt_begin(&s->intr, s->cx.stmt_id);
}

/* kv NULL = a new memkv. space_reserve 0 = no ql_space. */
static inline world *
world_open(ql_kv *kv, uint64_t space_reserve)
{
    world *w = calloc(1, sizeof *w);
    w->inst.procs = ql_procs_new();
    w->inst.syncs = ql_syncs_new();
    w->inst.datadir = "/tmp";
    session_open(w, &w->boss);
    if (kv == NULL) {
        assert_int_equal(ql_kv_open_mem(&w->boss.cx, &kv), QL_OK);
    }
    w->inst.kv = kv;
    if (space_reserve != 0) {
        w->inst.space = ql_space_new(&w->boss.cx, "/tmp", space_reserve);
        assert_non_null(w->inst.space);
    }
    assert_int_equal(ql_txnsys_open(&w->boss.cx, NULL, &w->inst.txns), QL_OK);
#ifdef TEST_SETS
    w->inst.txns->set_from = 0;
#endif
    return w;
}

static inline void
world_stop(world *w)
{
    session_close(w, &w->boss);
    ql_txnsys_close(w->inst.txns);
    ql_space_free(w->inst.space);
    ql_syncs_free(w->inst.syncs);
    ql_procs_free(w->inst.procs);
}

static inline void
world_close(world *w)
{
    world_stop(w);
    ql_kv_close(w->inst.kv);
    free(w);
}

static inline int
error_of(const session *s)
{
    const ql_condition *c = ql_diag_error(s->cx.diag);
    return c != NULL ? c->number : 0;
}

/* Bytes that a transaction's layers may take in memory; 0 = no limit. */
static uint64_t test_memory_limit;

static inline void
begin(session *s, ql_isolation iso)
{
    assert_int_equal(ql_txn_begin(&s->cx, iso, false), QL_OK);
    ql_txn_set_memory_limit(&s->cx, test_memory_limit);
}

/* The reclaimer has given back what was forgotten. */
static inline void
expect_nothing_left(world *w)
{
    ql_txnsys_stats st;
    for (int i = 0; i < 20000; i++) {
        ql_txnsys_get_stats(w->inst.txns, &st);
        if (st.overlay_bytes == 0 && st.spilled_layers == 0 && st.spilled_bytes == 0) {
            return;
        }
        struct timespec ts = {.tv_nsec = 1000000};
        (void)nanosleep(&ts, NULL);
    }
    fail_msg("%llu bytes of layers and %llu temporary files are left",
             (unsigned long long)st.overlay_bytes, (unsigned long long)st.spilled_layers);
}

static inline void
stmt(session *s)
{
    assert_int_equal(ql_txn_stmt_begin(&s->cx), QL_OK);
}

static inline void
put(session *s, const char *k, const char *v)
{
    assert_int_equal(ql_txn_put(&s->cx, str(k), str(v)), QL_OK);
}

static inline void
del(session *s, const char *k)
{
    assert_int_equal(ql_txn_del(&s->cx, str(k)), QL_OK);
}

/* want NULL = absent. */
static inline void
expect(session *s, ql_view view, const char *k, const char *want)
{
    ql_str v;
    ql_status st = ql_txn_get(&s->cx, view, str(k), &v);
    assert_int_equal(st, want != NULL ? QL_OK : QL_END);
    if (want != NULL) {
        assert_int_equal(v.n, strlen(want));
        assert_memory_equal(v.p, want, v.n);
    }
}

static inline void
commit_one(session *s, const char *k, const char *v)
{
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, k, v);
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
}

/* What is committed, seen by a new transaction. */
static inline void
expect_committed(world *w, const char *k, const char *want)
{
    session s;
    session_open(w, &s);
    begin(&s, QL_READ_COMMITTED);
    expect(&s, QL_VIEW_OWN, k, want);
    session_close(w, &s);
}

static inline void
pause_ms(long ms)
{
    struct timespec ts = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&ts, NULL);
}

/* Until the session's State (or commit state) is that text; fails after 20 s. */
static inline void
await_state(world *w, const session *s, const char *state)
{
    uint64_t id = ql_proc_id(s->cx.proc);
    for (int i = 0; i < 20000; i++) {
        ql_proc_info row;
        assert_int_equal(ql_procs_find(&w->boss.cx, w->inst.procs, id, w->boss.cx.arena, &row),
                         QL_OK);
        if (strcmp(row.state, state) == 0 ||
            (row.commit_state != NULL && strcmp(row.commit_state, state) == 0)) {
            return;
        }
        pause_ms(1);
    }
    fail_msg("state '%s' was not reached", state);
}

static inline uint64_t
waits_for(world *w, const session *s)
{
    ql_proc_info row;
    assert_int_equal(
        ql_procs_find(&w->boss.cx, w->inst.procs, ql_proc_id(s->cx.proc), w->boss.cx.arena, &row),
        QL_OK);
    return row.waits_for;
}

static inline void
kill_query(world *w, const session *s)
{
    assert_int_equal(
        ql_procs_raise(w->inst.procs, ql_proc_id(s->cx.proc), 0, QL_INTR_QUERY, false, 0),
        QL_RAISE_DONE);
}

static inline void
sync_do(session *s, const char *text)
{
    assert_int_equal(ql_sync_set(&s->cx, str(text)), QL_OK);
}

/* A call run in a session's own thread. */
typedef struct task {
    session *s;
    ql_status (*fn)(session *s, const char *arg);
    const char *arg;
    ql_status st;
    pthread_t th;
} task;

static inline void *
task_run(void *arg)
{
    task *t = arg;
    t->st = t->fn(t->s, t->arg);
    return NULL;
}

static inline void
task_start(task *t, session *s, ql_status (*fn)(session *, const char *), const char *arg)
{
    *t = (task){.s = s, .fn = fn, .arg = arg};
    assert_int_equal(pthread_create(&t->th, NULL, task_run, t), 0);
}

static inline ql_status
task_join(task *t)
{
    pthread_join(t->th, NULL);
    return t->st;
}

static inline ql_status
lock_row(session *s, const char *key, ql_lock_mode mode, int64_t ms)
{
    return ql_txn_lock_row(
        &s->cx, str(key),
        &(ql_lock_how){
            .mode = mode, .policy = QL_LOCK_WAIT, .deadline = ql_deadline_ms(ms), .stays = true});
}

static inline ql_status
lock_x(session *s, const char *key)
{
    return lock_row(s, key, QL_LOCK_X, 20000);
}

static inline ql_status
lock_s(session *s, const char *key)
{
    return lock_row(s, key, QL_LOCK_S, 20000);
}

static inline ql_status
do_commit(session *s, const char *unused)
{
    (void)unused;
    return ql_txn_commit(&s->cx);
}

/* A world for each test, several sessions, each in a transaction. */
static inline int
world_setup(void **state)
{
    *state = world_open(NULL, 0);
    return 0;
}

static inline int
world_teardown(void **state)
{
    world_close(*state);
    return 0;
}

static inline void
sessions_begin(world *w, session *s, int n)
{
    for (int i = 0; i < n; i++) {
        session_open(w, &s[i]);
        begin(&s[i], QL_REPEATABLE_READ);
    }
}

static inline void
sessions_close(world *w, session *s, int n)
{
    for (int i = 0; i < n; i++) {
        session_close(w, &s[i]);
    }
}

#endif
