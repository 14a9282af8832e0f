/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions and gates: signals, time-outs, signals passed on by killed waiters, FIFO order of
 * tickets, killed waiters of a gate, changes of the limit.
 */
#include "fixture.h"

#include <sched.h>

#include "intr/cv.h"
#include "intr/gate.h"

/* Tokens handed out under a condition. */
typedef struct pool {
    ql_mutex mu;
    ql_cv cv;
    int tokens;         /* [mu] */
    int waiting;        /* [mu] */
    _Atomic int asleep; /* copy of waiting, to look at without the mutex */
    bool closed;        /* [mu] */
} pool;

typedef struct taker {
    fake f;
    pool *p;
    ql_deadline dl;
    ql_status st;
    bool took;
} taker;

static void
pool_init(pool *p)
{
    memset(p, 0, sizeof *p);
    ql_mutex_init(&p->mu, QL_RANK_TXN);
    ql_cv_init(&p->cv);
}

static void
take_token(void *arg)
{
    taker *t = arg;
    pool *p = t->p;
    ql_intr_stmt_begin(&t->f.intr, 1);
    ql_mutex_lock(&p->mu);
    t->st = QL_OK;
    p->asleep = ++p->waiting;
    while (t->st == QL_OK && p->tokens == 0 && !p->closed) {
        t->st = ql_cv_wait(&t->f.cx, &p->cv, &p->mu, t->dl, QL_W_SLEEP);
    }
    p->asleep = --p->waiting;
    if (t->st == QL_OK && p->tokens > 0) {
        p->tokens--;
        t->took = true;
    }
    ql_mutex_unlock(&p->mu);
    ql_intr_stmt_end(&t->f.intr);
}

static void
taker_begin(taker *t, pool *p, ql_deadline dl)
{
    fake_begin(&t->f, NULL);
    t->p = p;
    t->dl = dl;
    t->took = false;
    fake_start(&t->f, take_token, t);
}

static void
taker_end(taker *t)
{
    ql_thread_join(&t->f.thread);
    fake_end(&t->f);
}

static void
test_timeout_leaves_queue(void **state)
{
    (void)state;
    pool p;
    taker t;
    pool_init(&p);
    taker_begin(&t, &p, ql_deadline_ms(20));
    taker_end(&t);
    assert_int_equal(t.st, QL_TIMEOUT);
    assert_null(p.cv.head);
    assert_null(p.cv.tail);
    ql_mutex_fini(&p.mu);
}

static void
test_broadcast(void **state)
{
    (void)state;
    pool p;
    taker t[5];
    pool_init(&p);
    for (int i = 0; i < 5; i++) {
        taker_begin(&t[i], &p, QL_FOREVER);
    }
    UNTIL(p.asleep == 5);
    ql_mutex_lock(&p.mu);
    p.closed = true;
    ql_cv_broadcast(&p.cv);
    ql_mutex_unlock(&p.mu);
    for (int i = 0; i < 5; i++) {
        taker_end(&t[i]);
        assert_int_equal(t[i].st, QL_OK);
    }
    assert_null(p.cv.head);
    ql_mutex_fini(&p.mu);
}

/* The first waiter is signalled and killed at once; the second must get the token. */
static void
test_killed_waiter_passes_signal_on(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        pool p;
        taker a, b;
        pool_init(&p);
        taker_begin(&a, &p, QL_FOREVER);
        UNTIL(p.asleep == 1);
        taker_begin(&b, &p, QL_FOREVER);
        UNTIL(p.asleep == 2);
        ql_mutex_lock(&p.mu);
        p.tokens++;
        if (round % 2 == 0) {
            assert_true(ql_intr_raise(&a.f.intr, QL_INTR_QUERY, 0));
            ql_cv_signal(&p.cv);
        } else {
            ql_cv_signal(&p.cv);
            assert_true(ql_intr_raise(&a.f.intr, QL_INTR_QUERY, 0));
        }
        ql_mutex_unlock(&p.mu);
        ql_thread_join(&a.f.thread);
        UNTIL(p.asleep == 0 || a.took);
        if (a.took) {
            ql_mutex_lock(&p.mu);
            p.closed = true;
            ql_cv_broadcast(&p.cv);
            ql_mutex_unlock(&p.mu);
        }
        ql_thread_join(&b.f.thread);
        assert_true(a.took != b.took);
        assert_int_equal(a.st, a.took ? QL_OK : QL_KILLED);
        fake_end(&a.f);
        fake_end(&b.f);
        assert_null(p.cv.head);
        ql_mutex_fini(&p.mu);
    }
}

/* ---- gate ---- */

static _Atomic int arrival;

typedef struct guest {
    fake f;
    ql_gate *g;
    ql_deadline dl;
    ql_status st;
    int order;
    _Atomic bool leave;
} guest;

static void
visit(void *arg)
{
    guest *v = arg;
    ql_intr_stmt_begin(&v->f.intr, 1);
    v->st = ql_gate_enter(&v->f.cx, v->g, v->dl, QL_W_ADMISSION);
    if (v->st == QL_OK) {
        v->order = ++arrival;
        UNTIL(v->leave);
        ql_gate_leave(v->g);
    }
    ql_intr_stmt_end(&v->f.intr);
}

static void
guest_begin(guest *v, ql_gate *g, ql_deadline dl, bool leave)
{
    fake_begin(&v->f, NULL);
    v->g = g;
    v->dl = dl;
    v->st = QL_ERROR;
    v->order = 0;
    v->leave = leave;
    fake_start(&v->f, visit, v);
}

static void
guest_end(guest *v)
{
    ql_thread_join(&v->f.thread);
    fake_end(&v->f);
}

static void
test_gate_is_fifo_and_survives_kills(void **state)
{
    (void)state;
    enum { N = 8 };
    fake me;
    guest v[N];
    fake_begin(&me, NULL);
    ql_gate *g = ql_gate_new();
    ql_gate_set_limit(g, 1);
    arrival = 0;
    assert_int_equal(ql_gate_enter(&me.cx, g, QL_NO_WAIT, QL_W_ADMISSION), QL_OK);
    assert_int_equal(ql_gate_enter(&me.cx, g, QL_NO_WAIT, QL_W_ADMISSION), QL_TIMEOUT);
    for (uint32_t i = 0; i < N; i++) {
        guest_begin(&v[i], g, QL_FOREVER, true);
        UNTIL(ql_gate_waiting(g) == i + 1);
    }
    assert_true(ql_intr_raise(&v[0].f.intr, QL_INTR_QUERY, 0));
    assert_true(ql_intr_raise(&v[4].f.intr, QL_INTR_CONN, 0));
    UNTIL(ql_gate_waiting(g) == N - 2);
    assert_int_equal(ql_gate_inside(g), 1);
    ql_gate_leave(g);
    int expect = 0;
    for (int i = 0; i < N; i++) {
        guest_end(&v[i]);
        bool killed = i == 0 || i == 4;
        assert_int_equal(v[i].st, killed ? QL_KILLED : QL_OK);
        assert_int_equal(v[i].order, killed ? 0 : ++expect);
    }
    assert_int_equal(ql_gate_inside(g), 0);
    assert_int_equal(ql_gate_waiting(g), 0);
    ql_gate_free(g);
    fake_end(&me);
}

static void
test_gate_limit_changes(void **state)
{
    (void)state;
    guest v[4];
    ql_gate *g = ql_gate_new();
    ql_gate_set_limit(g, 1);
    for (int i = 0; i < 4; i++) {
        guest_begin(&v[i], g, QL_FOREVER, false);
    }
    UNTIL(ql_gate_inside(g) == 1 && ql_gate_waiting(g) == 3);
    ql_gate_set_limit(g, 3);
    assert_int_equal(ql_gate_inside(g), 3);
    ql_gate_set_limit(g, 0);
    assert_int_equal(ql_gate_inside(g), 4);
    for (int i = 0; i < 4; i++) {
        v[i].leave = true;
        guest_end(&v[i]);
        assert_int_equal(v[i].st, QL_OK);
    }
    assert_int_equal(ql_gate_inside(g), 0);
    ql_gate_free(g);
}

/* Guests in a loop, kills at random: no ticket may be lost or made. */
typedef struct crowd {
    ql_gate *g;
    fake f[4];
    _Atomic uint32_t inside;
    _Atomic bool stop, broken;
    _Atomic uint64_t entered, killed;
    _Atomic int next;
} crowd;

static void
crowd_guest(void *arg)
{
    crowd *c = arg;
    fake *f = &c->f[c->next++];
    uint64_t id = 0;
    while (!c->stop) {
        ql_intr_stmt_begin(&f->intr, ++id);
        ql_status st = ql_gate_enter(&f->cx, c->g, QL_FOREVER, QL_W_ADMISSION);
        if (st == QL_OK) {
            c->broken |= ++c->inside > 2;
            c->entered++;
            (void)sched_yield();
            c->inside--;
            ql_gate_leave(c->g);
        } else {
            c->killed++;
        }
        ql_intr_stmt_end(&f->intr);
        ql_diag_reset(f->cx.diag);
    }
}

static void
test_gate_under_random_kills(void **state)
{
    (void)state;
    static crowd c;
    c.g = ql_gate_new();
    ql_gate_set_limit(c.g, 2);
    for (int i = 0; i < 4; i++) {
        fake_begin(&c.f[i], NULL);
    }
    for (int i = 0; i < 4; i++) {
        fake_start(&c.f[i], crowd_guest, &c);
    }
    int64_t end = ql_now_mono_ns() + 1000000000;
    for (unsigned i = 0; ql_now_mono_ns() < end; i++) {
        (void)ql_intr_raise(&c.f[i * 7 % 4].intr, QL_INTR_QUERY, 0);
        (void)sched_yield();
    }
    c.stop = true;
    for (int i = 0; i < 4; i++) {
        ql_thread_join(&c.f[i].thread);
    }
    for (int i = 0; i < 4; i++) {
        fake_end(&c.f[i]);
    }
    assert_false(c.broken);
    assert_true(c.entered > 0 && c.killed > 0);
    assert_int_equal(ql_gate_inside(c.g), 0);
    ql_gate_free(c.g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout_leaves_queue),
        cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_killed_waiter_passes_signal_on),
        cmocka_unit_test(test_gate_is_fifo_and_survives_kills),
        cmocka_unit_test(test_gate_limit_changes),
        cmocka_unit_test(test_gate_under_random_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
