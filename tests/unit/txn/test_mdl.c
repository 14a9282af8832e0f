/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata locks: MySQL's matrices (manual, "Metadata Locking", and the comments of MySQL's mdl.cc)
 * pair by pair, the cheap path of the global locks, durations, user locks, late grants, listings,
 * and races under random kills.
 */
#include "txn/mdl.h"

#include "txn/userlock.h"
#include "txn_support.h"

static void
open_sessions(world *w, session *s, int n)
{
    for (int i = 0; i < n; i++) {
        session_open(w, &s[i]);
    }
}

static const char table_state[] = "Waiting for table metadata lock";

static ql_status
take(session *s, ql_mdl_space space, const char *name, ql_mdl_mode mode, ql_deadline dl)
{
    return ql_mdl_acquire(&s->cx, space, str(name), mode, QL_MDL_TRANSACTION, dl);
}

/* Now or not at all. */
static bool
can_take(session *s, ql_mdl_space space, const char *name, ql_mdl_mode mode)
{
    ql_status st = take(s, space, name, mode, QL_NO_WAIT);
    if (st == QL_OK) {
        return true;
    }
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(error_of(s), 1205);
    session_next(s);
    return false;
}

/* --- matrices --- */

static const ql_mdl_mode object_modes[] = {QL_MDL_S,   QL_MDL_SH,   QL_MDL_SR,
                                           QL_MDL_SW,  QL_MDL_SU,   QL_MDL_SRO,
                                           QL_MDL_SNW, QL_MDL_SNRW, QL_MDL_X};
#define NMODES 9

/* Row: asked for; column: held by somebody else. */
static const char held[NMODES][NMODES + 1] = {
    /* S SH SR SW SU SRO SNW SNRW X */
    "++++++++-", /* S */
    "++++++++-", /* SH */
    "+++++++--", /* SR */
    "+++++----", /* SW */
    "++++-+---", /* SU */
    "+++-+++--", /* SRO */
    "+++--+---", /* SNW */
    "++-------", /* SNRW */
    "---------", /* X */
};

/* Row: asked for; column: waited for by somebody else. */
static const char pending[NMODES][NMODES + 1] = {
    "++++++++-", /* S */
    "+++++++++", /* SH */
    "+++++++--", /* SR */
    "++++++---", /* SW */
    "++++++++-", /* SU */
    "+++-+++--", /* SRO */
    "++++++++-", /* SNW */
    "++++++++-", /* SNRW */
    "+++++++++", /* X */
};

static void
what_is_held(void **state)
{
    world *w = *state;
    session s[2];
    open_sessions(w, s, 2);
    for (int want = 0; want < NMODES; want++) {
        for (int have = 0; have < NMODES; have++) {
            assert_int_equal(take(&s[0], QL_MDL_TABLE, "t", object_modes[have], QL_NO_WAIT), QL_OK);
            bool got = can_take(&s[1], QL_MDL_TABLE, "t", object_modes[want]);
            assert_int_equal(got, held[want][have] == '+');
            assert_int_equal(ql_mdl_conflicts(QL_MDL_TABLE, object_modes[have], object_modes[want]),
                             !got);
            assert_true(can_take(&s[1], QL_MDL_TABLE, "other", QL_MDL_X));
            ql_mdl_release_transaction(&s[0].cx);
            ql_mdl_release_transaction(&s[1].cx);
        }
    }
    sessions_close(w, s, 2);
}

typedef struct asker {
    session *s;
    ql_mdl_mode mode;
    ql_status st;
    pthread_t th;
} asker;

static void *
ask(void *arg)
{
    asker *a = arg;
    a->st = take(a->s, QL_MDL_TABLE, "t", a->mode, ql_deadline_ms(20000));
    return NULL;
}

static void
ask_start(world *w, asker *a, session *s, ql_mdl_mode mode)
{
    *a = (asker){.s = s, .mode = mode};
    pthread_create(&a->th, NULL, ask, a);
    await_state(w, s, table_state);
}

/* A held mode that blocks `waits` and not `asks`; NMODES = none. */
static int
holder_between(int waits, int asks)
{
    int h = 0;
    while (h < NMODES && !(held[waits][h] == '-' && held[asks][h] == '+')) {
        h++;
    }
    return h;
}

static void
what_is_waited_for(void **state)
{
    world *w = *state;
    session s[3];
    asker a;
    int seen = 0;
    open_sessions(w, s, 3);
    for (int asks = 0; asks < NMODES; asks++) {
        for (int waits = 0; waits < NMODES; waits++) {
            int h = holder_between(waits, asks);
            if (h == NMODES) {
                continue;
            }
            assert_int_equal(take(&s[0], QL_MDL_TABLE, "t", object_modes[h], QL_NO_WAIT), QL_OK);
            ask_start(w, &a, &s[1], object_modes[waits]);
            bool got = can_take(&s[2], QL_MDL_TABLE, "t", object_modes[asks]);
            assert_int_equal(got, pending[asks][waits] == '+');
            ql_mdl_release_transaction(&s[2].cx);
            ql_mdl_release_transaction(&s[0].cx);
            pthread_join(a.th, NULL);
            assert_int_equal(a.st, QL_OK);
            ql_mdl_release_transaction(&s[1].cx);
            seen++;
        }
    }
    assert_true(seen > 20);
    sessions_close(w, s, 3);
}

static void
scoped(void **state)
{
    world *w = *state;
    session s[2];
    static const ql_mdl_mode modes[] = {QL_MDL_IX, QL_MDL_S, QL_MDL_X};
    static const char go[3][4] = {"+--", "-+-", "---"};
    open_sessions(w, s, 2);
    for (int space = QL_MDL_GLOBAL; space <= QL_MDL_SCHEMA; space++) {
        for (int i = 0; i < 9; i++) {
            ql_mdl_space sp = (ql_mdl_space)space;
            const char *name = space == QL_MDL_SCHEMA ? "d" : "";
            assert_int_equal(take(&s[0], sp, name, modes[i % 3], QL_NO_WAIT), QL_OK);
            assert_int_equal(can_take(&s[1], sp, name, modes[i / 3]), go[i / 3][i % 3] == '+');
            ql_mdl_release_transaction(&s[0].cx);
            ql_mdl_release_transaction(&s[1].cx);
        }
    }
    sessions_close(w, s, 2);
}

/* --- the cheap path --- */

static ql_status
global_s(session *s, const char *unused)
{
    (void)unused;
    return take(s, QL_MDL_GLOBAL, "", QL_MDL_S, ql_deadline_ms(20000));
}

static ql_status
global_ix(session *s, const char *unused)
{
    (void)unused;
    return take(s, QL_MDL_GLOBAL, "", QL_MDL_IX, ql_deadline_ms(20000));
}

static const char global_state[] = "Waiting for global read lock";

static void
global_lock_waits_for_all_writers(void **state)
{
    world *w = *state;
    session s[5];
    task flush, late, later;
    open_sessions(w, s, 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(global_ix(&s[i], NULL), QL_OK);
        assert_int_equal(global_ix(&s[i], NULL), QL_OK);
    }
    task_start(&flush, &s[3], global_s, NULL);
    await_state(w, &s[3], global_state);
    assert_int_equal(global_ix(&s[0], NULL), QL_OK); /* who has it keeps it */
    task_start(&late, &s[4], global_ix, NULL);
    await_state(w, &s[4], global_state);
    assert_int_equal(waits_for(w, &s[4]), ql_proc_id(s[3].cx.proc));
    for (int i = 0; i < 3; i++) {
        await_state(w, &s[3], global_state);
        ql_mdl_release_transaction(&s[i].cx);
    }
    assert_int_equal(task_join(&flush), QL_OK);
    await_state(w, &s[4], global_state);
    task_start(&later, &s[0], global_ix, NULL);
    await_state(w, &s[0], global_state);
    ql_mdl_release_transaction(&s[3].cx);
    assert_int_equal(task_join(&late), QL_OK);
    assert_int_equal(task_join(&later), QL_OK);
    sessions_close(w, s, 5);
}

static void
killed_global_lock_lets_writers_go(void **state)
{
    world *w = *state;
    session s[3];
    task flush, late;
    open_sessions(w, s, 3);
    assert_int_equal(global_ix(&s[0], NULL), QL_OK);
    task_start(&flush, &s[1], global_s, NULL);
    await_state(w, &s[1], global_state);
    task_start(&late, &s[2], global_ix, NULL);
    await_state(w, &s[2], global_state);
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&flush), QL_KILLED);
    assert_int_equal(task_join(&late), QL_OK);
    sessions_close(w, s, 3);
}

/* --- durations --- */

static void
durations(void **state)
{
    world *w = *state;
    session s[2];
    open_sessions(w, s, 2);
    static const char *const names[] = {"st", "tr", "ex"};
    for (unsigned d = 0; d < 3; d++) {
        assert_int_equal(ql_mdl_acquire(&s[0].cx, QL_MDL_TABLE, str(names[d]), QL_MDL_SW,
                                        (ql_mdl_duration)d, QL_NO_WAIT),
                         QL_OK);
    }
    /* asked for again: the longer one counts */
    assert_int_equal(ql_mdl_acquire(&s[0].cx, QL_MDL_TABLE, str("grown"), QL_MDL_X,
                                    QL_MDL_STATEMENT, QL_NO_WAIT),
                     QL_OK);
    assert_int_equal(ql_mdl_acquire(&s[0].cx, QL_MDL_TABLE, str("grown"), QL_MDL_SR,
                                    QL_MDL_EXPLICIT, QL_NO_WAIT),
                     QL_OK);
    ql_mdl_release_statement(&s[0].cx);
    assert_true(can_take(&s[1], QL_MDL_TABLE, "st", QL_MDL_X));
    assert_false(can_take(&s[1], QL_MDL_TABLE, "tr", QL_MDL_X));
    ql_mdl_release_transaction(&s[0].cx);
    assert_true(can_take(&s[1], QL_MDL_TABLE, "tr", QL_MDL_X));
    assert_false(can_take(&s[1], QL_MDL_TABLE, "ex", QL_MDL_X));
    assert_true(ql_mdl_holds(&s[0].cx, QL_MDL_TABLE, str("grown"), QL_MDL_X));
    ql_mdl_release(&s[0].cx, QL_MDL_TABLE, str("ex"));
    assert_true(can_take(&s[1], QL_MDL_TABLE, "ex", QL_MDL_X));
    assert_false(can_take(&s[1], QL_MDL_TABLE, "grown", QL_MDL_SR));
    ql_mdl_release_space(&s[0].cx, QL_MDL_TABLE);
    assert_true(can_take(&s[1], QL_MDL_TABLE, "grown", QL_MDL_X));
    assert_false(ql_mdl_holds(&s[0].cx, QL_MDL_TABLE, str("grown"), QL_MDL_X));
    sessions_close(w, s, 2);
}

static void
many_names(void **state)
{
    world *w = *state;
    session s[2];
    char name[32];
    open_sessions(w, s, 2);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            snprintf(name, sizeof name, "t%d", i);
            assert_int_equal(take(&s[0], QL_MDL_TABLE, name, QL_MDL_SR, QL_NO_WAIT), QL_OK);
            assert_int_equal(take(&s[0], QL_MDL_TABLE, name, QL_MDL_SW, QL_NO_WAIT), QL_OK);
        }
        ql_mdl_info *v;
        size_t n;
        assert_int_equal(ql_mdl_list(&s[1].cx, s[1].cx.arena, &v, &n), QL_OK);
        assert_int_equal(n, 6000);
        assert_false(can_take(&s[1], QL_MDL_TABLE, "t2999", QL_MDL_X));
        ql_mdl_release_transaction(&s[0].cx);
        assert_true(can_take(&s[1], QL_MDL_TABLE, "t2999", QL_MDL_X));
        ql_mdl_release_transaction(&s[1].cx);
    }
    sessions_close(w, s, 2);
}

/* --- late grants --- */

static ql_status
table_x(session *s, const char *name)
{
    return take(s, QL_MDL_TABLE, name, QL_MDL_X, ql_deadline_ms(20000));
}

static ql_status
table_x_briefly(session *s, const char *name)
{
    return take(s, QL_MDL_TABLE, name, QL_MDL_X, ql_deadline_ms(50));
}

static void
granted_and_killed(void **state)
{
    world *w = *state;
    session s[3];
    task late, next;
    open_sessions(w, s, 3);
    assert_int_equal(table_x(&s[0], "t"), QL_OK);
    sync_do(&s[1], "mdl_before_wait SIGNAL there WAIT_FOR go");
    task_start(&late, &s[1], table_x, "t");
    sync_do(&w->boss, "now WAIT_FOR there");
    task_start(&next, &s[2], table_x, "t");
    await_state(w, &s[2], table_state);
    ql_mdl_release_transaction(&s[0].cx); /* granted to s[1], which does not know yet */
    await_state(w, &s[2], table_state);
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&late), QL_KILLED);
    assert_int_equal(task_join(&next), QL_OK);
    assert_false(ql_mdl_holds(&s[1].cx, QL_MDL_TABLE, str("t"), QL_MDL_SR));
    sessions_close(w, s, 3);
}

static void
granted_and_timed_out(void **state)
{
    world *w = *state;
    session s[2];
    task late;
    open_sessions(w, s, 2);
    assert_int_equal(table_x(&s[0], "t"), QL_OK);
    sync_do(&s[1], "mdl_before_wait SIGNAL there WAIT_FOR go");
    task_start(&late, &s[1], table_x_briefly, "t");
    sync_do(&w->boss, "now WAIT_FOR there");
    ql_mdl_release_transaction(&s[0].cx);
    pause_ms(60);
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&late), QL_OK); /* it came in time */
    assert_true(ql_mdl_holds(&s[1].cx, QL_MDL_TABLE, str("t"), QL_MDL_X));
    sessions_close(w, s, 2);
}

/* --- fairness, user locks --- */

static ql_status
rows_s(session *s, const char *name)
{
    return take(s, QL_MDL_TABLE_DATA, name, QL_MDL_S, ql_deadline_ms(20000));
}

static ql_status
rows_x(session *s, const char *name)
{
    return take(s, QL_MDL_TABLE_DATA, name, QL_MDL_X, ql_deadline_ms(20000));
}

static const char rows_state[] = "Waiting for table level lock";

/* Neither readers nor writers starve: first come, first served. */
static void
rows_in_order(void **state)
{
    world *w = *state;
    session s[4];
    task t[3];
    open_sessions(w, s, 4);
    assert_int_equal(rows_x(&s[0], "t"), QL_OK);
    task_start(&t[0], &s[1], rows_s, "t");
    await_state(w, &s[1], rows_state);
    task_start(&t[1], &s[2], rows_x, "t");
    await_state(w, &s[2], rows_state);
    task_start(&t[2], &s[3], rows_s, "t");
    await_state(w, &s[3], rows_state);
    ql_mdl_release_transaction(&s[0].cx);
    assert_int_equal(task_join(&t[0]), QL_OK);
    await_state(w, &s[2], rows_state);
    await_state(w, &s[3], rows_state);
    ql_mdl_release_transaction(&s[1].cx);
    assert_int_equal(task_join(&t[1]), QL_OK);
    ql_mdl_release_transaction(&s[2].cx);
    assert_int_equal(task_join(&t[2]), QL_OK);
    sessions_close(w, s, 4);
}

static ql_status
user_lock(session *s, const char *name)
{
    return ql_user_lock_get(&s->cx, str(name), ql_deadline_ms(20000));
}

static void
user_locks(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    uint64_t id;
    open_sessions(w, s, 2);
    assert_int_equal(user_lock(&s[0], "a"), QL_OK);
    assert_int_equal(user_lock(&s[0], "a"), QL_OK);
    assert_int_equal(user_lock(&s[0], "b"), QL_OK);
    assert_int_equal(user_lock(&s[1], "c"), QL_OK);
    assert_int_equal(ql_user_lock_get(&s[1].cx, str("a"), QL_NO_WAIT), QL_TIMEOUT);
    assert_int_equal(ql_user_lock_owner(&s[1].cx, str("a"), &id), QL_USER_LOCK_OTHERS);
    assert_int_equal(id, ql_proc_id(s[0].cx.proc));
    assert_int_equal(ql_user_lock_owner(&s[1].cx, str("x"), &id), QL_USER_LOCK_FREE);
    assert_int_equal(ql_user_lock_release(&s[1].cx, str("a")), QL_USER_LOCK_OTHERS);
    /* a deadlock: s[0] waits for c */
    task_start(&t, &s[0], user_lock, "c");
    await_state(w, &s[0], "User lock");
    assert_int_equal(user_lock(&s[1], "a"), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 3058);
    session_next(&s[1]);
    /* killed: not held, the others are */
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t), QL_KILLED);
    session_next(&s[0]);
    assert_int_equal(ql_user_lock_owner(&s[0].cx, str("b"), NULL), QL_USER_LOCK_MINE);
    ql_mdl_release_transaction(&s[0].cx);
    assert_int_equal(ql_user_lock_release(&s[0].cx, str("a")), QL_USER_LOCK_MINE);
    assert_int_equal(ql_user_lock_owner(&s[0].cx, str("a"), NULL), QL_USER_LOCK_MINE);
    assert_int_equal(ql_user_lock_release_all(&s[0].cx), 2);
    assert_int_equal(ql_user_lock_release_all(&s[0].cx), 0);
    sessions_close(w, s, 2);
}

/* --- listing --- */

static const ql_mdl_info *
find_info(const ql_mdl_info *v, size_t n, const session *s, ql_mdl_space space, bool granted)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].conn_id == ql_proc_id(s->cx.proc) && v[i].space == space &&
            v[i].granted == granted) {
            return &v[i];
        }
    }
    return NULL;
}

static void
listing(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    ql_mdl_info *v;
    size_t n;
    open_sessions(w, s, 2);
    static const ql_str key = {"d\0t", 3};
    assert_int_equal(
        ql_mdl_acquire(&s[0].cx, QL_MDL_TABLE, key, QL_MDL_SW, QL_MDL_TRANSACTION, QL_NO_WAIT),
        QL_OK);
    assert_int_equal(global_ix(&s[0], NULL), QL_OK);
    assert_int_equal(user_lock(&s[0], "u"), QL_OK);
    task_start(&t, &s[1], global_s, NULL);
    await_state(w, &s[1], global_state);
    assert_int_equal(ql_mdl_list(&w->boss.cx, w->boss.cx.arena, &v, &n), QL_OK);
    assert_int_equal(n, 4);
    const ql_mdl_info *i = find_info(v, n, &s[0], QL_MDL_TABLE, true);
    assert_non_null(i);
    assert_int_equal(i->mode, QL_MDL_SW);
    assert_int_equal(i->duration, QL_MDL_TRANSACTION);
    assert_true(i->db.n == 1 && i->db.p[0] == 'd' && i->name.n == 1 && i->name.p[0] == 't');
    i = find_info(v, n, &s[0], QL_MDL_USER_LOCK, true);
    assert_non_null(i);
    assert_true(i->name.n == 1 && i->name.p[0] == 'u' && i->duration == QL_MDL_EXPLICIT);
    const ql_mdl_info *ix = find_info(v, n, &s[0], QL_MDL_GLOBAL, true);
    i = find_info(v, n, &s[1], QL_MDL_GLOBAL, false);
    assert_true(ix != NULL && i != NULL && ix->lock_id == i->lock_id);
    assert_int_equal(i->blocking_conn_id, ql_proc_id(s[0].cx.proc));
    ql_mdl_release_transaction(&s[0].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 2);
}

/* --- races --- */

#define RACERS 4
#define ROUNDS 400

typedef struct racer {
    session s;
    unsigned seed;
    int *plain; /* [2] guarded by nothing but the locks */
    int added;
    _Atomic bool done;
    pthread_t th;
} racer;

/* X on a name, or IX on the global lock with a name of its own; sometimes the global lock itself.
 */
static void
race_once(racer *r)
{
    unsigned which = (unsigned)rand_r(&r->seed) % 8;
    ql_deadline dl = ql_deadline_ms(1 + rand_r(&r->seed) % 5);
    const char *name = which & 1 ? "a" : "b";
    if (which == 7) {
        if (take(&r->s, QL_MDL_GLOBAL, "", QL_MDL_S, dl) == QL_OK) {
            int sum = r->plain[0] + r->plain[1]; /* nobody writes now */
            pause_ms(rand_r(&r->seed) % 2);
            assert_int_equal(sum, r->plain[0] + r->plain[1]);
        }
    } else if (take(&r->s, QL_MDL_GLOBAL, "", QL_MDL_IX, dl) == QL_OK &&
               take(&r->s, QL_MDL_TABLE, name, QL_MDL_X, dl) == QL_OK) {
        r->plain[which & 1]++;
        r->added++;
    }
    ql_mdl_release_transaction(&r->s.cx);
    session_next(&r->s);
}

static void *
race(void *arg)
{
    racer *r = arg;
    for (int i = 0; i < ROUNDS; i++) {
        race_once(r);
    }
    atomic_store(&r->done, true);
    return NULL;
}

static void
races_lose_nothing(void **state)
{
    world *w = *state;
    static racer r[RACERS];
    int plain[2] = {0, 0}, added = 0;
    memset(r, 0, sizeof r);
    for (int i = 0; i < RACERS; i++) {
        r[i].plain = plain;
        r[i].seed = (unsigned)i + 1;
        session_open(w, &r[i].s);
        pthread_create(&r[i].th, NULL, race, &r[i]);
    }
    for (int n = 0;; n++) {
        bool all = true;
        for (int i = 0; i < RACERS; i++) {
            all = all && atomic_load(&r[i].done);
        }
        if (all) {
            break;
        }
        ql_mdl_info *v;
        size_t rows;
        assert_int_equal(ql_mdl_list(&w->boss.cx, w->boss.cx.arena, &v, &rows), QL_OK);
        ql_arena_reset(w->boss.cx.arena);
        (void)ql_procs_raise(w->inst.procs, ql_proc_id(r[n % RACERS].s.cx.proc), 0, QL_INTR_QUERY,
                             false, 0);
        pause_ms(1);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(r[i].th, NULL);
        added += r[i].added;
        session_close(w, &r[i].s);
    }
    assert_int_equal(plain[0] + plain[1], added);
    assert_true(added > 0);
    /* nothing is left locked, and the cheap path is open again */
    assert_int_equal(take(&w->boss, QL_MDL_GLOBAL, "", QL_MDL_X, QL_NO_WAIT), QL_OK);
    assert_int_equal(take(&w->boss, QL_MDL_TABLE, "a", QL_MDL_X, QL_NO_WAIT), QL_OK);
    ql_mdl_release_transaction(&w->boss.cx);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_held),
        T(what_is_waited_for),
        T(scoped),
        T(global_lock_waits_for_all_writers),
        T(killed_global_lock_lets_writers_go),
        T(durations),
        T(many_names),
        T(granted_and_killed),
        T(granted_and_timed_out),
        T(rows_in_order),
        T(user_locks),
        T(listing),
        T(races_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
