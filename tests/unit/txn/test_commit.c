/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit queue: groups, kills before and after a set is taken, big sets cancelled while they go
 * in, failing and full disks; and purge, across a restart.
 */
#include "txn_support.h"

/* A file system that is always full: only a kick of ql_space lets waiters try again. */
static int
open_full_world(void **state)
{
    *state = world_open(NULL, (uint64_t)1 << 60);
    return 0;
}

static void
fill(session *s, const char *prefix, int n)
{
    char key[64];
    stmt(s);
    for (int i = 0; i < n; i++) {
        (void)sprintf(key, "%s%06d", prefix, i);
        put(s, key, "v");
    }
    ql_txn_stmt_end(&s->cx);
}

static void
open_writers(world *w, session *s, int n)
{
    static const char *const keys[] = {"w0", "w1", "w2", "w3"};
    for (int i = 0; i < n; i++) {
        session_open(w, &s[i]);
        begin(&s[i], QL_REPEATABLE_READ);
        stmt(&s[i]);
        put(&s[i], keys[i], "v");
        ql_txn_stmt_end(&s[i].cx);
    }
}

static void
queued_sets_form_a_group(void **state)
{
    world *w = *state;
    enum { N = 4 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    sync_do(&w->boss, "global commit_before_take SIGNAL held WAIT_FOR go");
    for (int i = 0; i < N; i++) {
        task_start(&t[i], &s[i], do_commit, NULL);
        await_state(w, &s[i], "Waiting for commit");
    }
    sync_do(&w->boss, "now WAIT_FOR held");
    sync_do(&w->boss, "now SIGNAL go");
    for (int i = 0; i < N; i++) {
        assert_int_equal(task_join(&t[i]), QL_OK);
    }
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    assert_int_equal(st.commits, N);
    assert_int_equal(st.commit_groups, 1);
    expect_committed(w, "w0", "v");
    expect_committed(w, "w3", "v");
    sessions_close(w, s, N);
}

static void
kill_before_taken_rolls_back(void **state)
{
    world *w = *state;
    session s[2];
    task t[2];
    open_writers(w, s, 2);
    assert_int_equal(lock_x(&s[0], "row"), QL_OK);
    sync_do(&w->boss, "global commit_before_take SIGNAL held WAIT_FOR go");
    for (int i = 0; i < 2; i++) {
        task_start(&t[i], &s[i], do_commit, NULL);
        await_state(w, &s[i], "QUEUED");
        await_state(w, &s[i], "Waiting for commit");
    }
    sync_do(&w->boss, "now WAIT_FOR held");
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t[0]), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1317);
    assert_null(s[0].cx.txn);
    begin(&w->boss, QL_REPEATABLE_READ);
    assert_int_equal(lock_x(&w->boss, "row"), QL_OK);
    ql_txn_rollback(&w->boss.cx);
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t[1]), QL_OK);
    expect_committed(w, "w0", NULL);
    expect_committed(w, "w1", "v");
    sessions_close(w, s, 2);
}

static void
kill_after_taken_commits(void **state)
{
    world *w = *state;
    session s[1];
    task t;
    open_writers(w, s, 1);
    sync_do(&w->boss, "global commit_after_take SIGNAL held WAIT_FOR go");
    task_start(&t, &s[0], do_commit, NULL);
    sync_do(&w->boss, "now WAIT_FOR held");
    await_state(w, &s[0], "TAKEN");
    kill_query(w, &s[0]);
    await_state(w, &s[0], "Committing");
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t), QL_OK);
    assert_int_equal(error_of(&s[0]), 0);
    expect_committed(w, "w0", "v");
    session_next(&s[0]);
    sessions_close(w, s, 1);
}

static void
kill_before_queue(void **state)
{
    world *w = *state;
    session s[1];
    open_writers(w, s, 1);
    kill_query(w, &s[0]);
    assert_int_equal(ql_txn_commit(&s[0].cx), QL_KILLED);
    expect_committed(w, "w0", NULL);
    sessions_close(w, s, 1);
}

/* --- a session leads --- */

static void
start_writers(world *w, session *s, task *t, int from, int n)
{
    for (int i = from; i < n; i++) {
        task_start(&t[i], &s[i], do_commit, NULL);
        await_state(w, &s[i], "QUEUED");
        await_state(w, &s[i], "Waiting for commit");
    }
}

static uint64_t
groups(world *w)
{
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    return st.commit_groups;
}

/* Killed before it takes: nothing of it is committed, and who is next leads the others. */
static void
killed_leader_passes_the_role_on(void **state)
{
    world *w = *state;
    enum { N = 4 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    sync_do(&w->boss, "global commit_before_take SIGNAL held WAIT_FOR never");
    start_writers(w, s, t, 0, N);
    sync_do(&w->boss, "now WAIT_FOR held");
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t[0]), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1317);
    for (int i = 1; i < N; i++) {
        assert_int_equal(task_join(&t[i]), QL_OK);
    }
    assert_int_equal(groups(w), 1);
    expect_committed(w, "w0", NULL);
    expect_committed(w, "w1", "v");
    expect_committed(w, "w3", "v");
    sessions_close(w, s, N);
}

/* While a leader is at it: who comes meanwhile is killed at once, and goes on when it is done. */
static void
followers_wait_behind_a_leader(void **state)
{
    world *w = *state;
    enum { N = 4 };
    static const char *const points[] = {"global commit_after_take SIGNAL held WAIT_FOR go",
                                         "global commit_after_apply SIGNAL held WAIT_FOR go",
                                         "global commit_before_tell SIGNAL held WAIT_FOR go"};
    for (size_t p = 0; p < QL_ARRAY_LEN(points); p++) {
        session s[N];
        task t[N];
        open_writers(w, s, N);
        uint64_t before = groups(w);
        sync_do(&w->boss, points[p]);
        task_start(&t[0], &s[0], do_commit, NULL);
        sync_do(&w->boss, "now WAIT_FOR held");
        await_state(w, &s[0], "TAKEN");
        await_state(w, &s[0], "Committing");
        start_writers(w, s, t, 1, N);
        kill_query(w, &s[1]);
        assert_int_equal(task_join(&t[1]), QL_KILLED);
        assert_int_equal(error_of(&s[1]), 1317);
        kill_query(w, &s[0]);
        await_state(w, &s[0], "Committing");
        await_state(w, &s[2], "QUEUED");
        sync_do(&w->boss, "now SIGNAL go");
        assert_int_equal(task_join(&t[0]), QL_OK);
        assert_int_equal(error_of(&s[0]), 0);
        assert_int_equal(task_join(&t[2]), QL_OK);
        assert_int_equal(task_join(&t[3]), QL_OK);
        assert_int_equal(groups(w), before + 2);
        expect_committed(w, "w0", "v");
        expect_committed(w, "w2", "v");
        session_next(&s[0]);
        sessions_close(w, s, N);
        sync_do(&w->boss, "RESET");
    }
}

/* Of a group that is taken nobody is killed, neither who leads nor who follows. */
static void
taken_followers_hold_their_kills(void **state)
{
    world *w = *state;
    enum { N = 2 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    sync_do(&w->boss, "global commit_before_take SIGNAL held WAIT_FOR go");
    sync_do(&w->boss, "global commit_after_take SIGNAL taken WAIT_FOR end");
    start_writers(w, s, t, 0, N);
    sync_do(&w->boss, "now WAIT_FOR held");
    sync_do(&w->boss, "now SIGNAL go");
    sync_do(&w->boss, "now WAIT_FOR taken");
    await_state(w, &s[1], "TAKEN");
    kill_query(w, &s[1]);
    kill_query(w, &s[0]);
    await_state(w, &s[1], "Committing");
    await_state(w, &s[0], "Committing");
    sync_do(&w->boss, "now SIGNAL end");
    for (int i = 0; i < N; i++) {
        assert_int_equal(task_join(&t[i]), QL_OK);
        session_next(&s[i]);
    }
    expect_committed(w, "w0", "v");
    expect_committed(w, "w1", "v");
    sessions_close(w, s, N);
}

/* One group: its leader returns while the next one is held up. */
static void
leader_leads_once(void **state)
{
    world *w = *state;
    enum { N = 3 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    sync_do(&w->boss, "global commit_before_tell SIGNAL held WAIT_FOR go");
    task_start(&t[0], &s[0], do_commit, NULL);
    sync_do(&w->boss, "now WAIT_FOR held");
    start_writers(w, s, t, 1, N);
    sync_do(&w->boss, "global commit_after_take SIGNAL next WAIT_FOR end");
    sync_do(&w->boss, "now SIGNAL go");
    sync_do(&w->boss, "now WAIT_FOR next");
    assert_int_equal(task_join(&t[0]), QL_OK);
    await_state(w, &s[1], "Committing");
    await_state(w, &s[2], "TAKEN");
    sync_do(&w->boss, "now SIGNAL end");
    assert_int_equal(task_join(&t[1]), QL_OK);
    assert_int_equal(task_join(&t[2]), QL_OK);
    sessions_close(w, s, N);
}

/* A big set goes to the committer's thread, whoever leads before and behind it. */
static void
big_set_between_leaders(void **state)
{
    world *w = *state;
    enum { N = 2 };
    session s[N], big[2];
    task t[N], tb[2];
    open_writers(w, s, N);
    for (int i = 0; i < 2; i++) {
        session_open(w, &big[i]);
        begin(&big[i], QL_REPEATABLE_READ);
        fill(&big[i], i == 0 ? "one" : "two", 6000);
    }
    sync_do(&w->boss, "global commit_before_tell SIGNAL held WAIT_FOR go");
    task_start(&t[0], &s[0], do_commit, NULL);
    sync_do(&w->boss, "now WAIT_FOR held");
    for (int i = 0; i < 2; i++) {
        task_start(&tb[i], &big[i], do_commit, NULL);
        await_state(w, &big[i], "Waiting for commit");
    }
    start_writers(w, s, t, 1, N);
    kill_query(w, &big[1]);
    assert_int_equal(task_join(&tb[1]), QL_KILLED);
    sync_do(&w->boss, "global commit_after_take SIGNAL applying WAIT_FOR end");
    sync_do(&w->boss, "now SIGNAL go");
    sync_do(&w->boss, "now WAIT_FOR applying");
    assert_int_equal(task_join(&t[0]), QL_OK);
    await_state(w, &big[0], "APPLYING");
    await_state(w, &s[1], "QUEUED");
    sync_do(&w->boss, "now SIGNAL end");
    assert_int_equal(task_join(&tb[0]), QL_OK);
    assert_int_equal(task_join(&t[1]), QL_OK);
    expect_committed(w, "one005999", "v");
    expect_committed(w, "two000000", NULL);
    expect_committed(w, "w1", "v");
    sessions_close(w, s, N);
    sessions_close(w, big, 2);
}

/* A group on a full disk: each waits, and is killed, by itself; the others go on. */
static void
group_on_a_full_disk(void **state)
{
    world *w = *state;
    enum { N = 3 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    sync_do(&w->boss, "global commit_before_take SIGNAL held WAIT_FOR go");
    start_writers(w, s, t, 0, N);
    sync_do(&w->boss, "now WAIT_FOR held");
    ql_memkv_fail_commits(w->inst.kv, 1000000, QL_ER_DISK_FULL);
    sync_do(&w->boss, "now SIGNAL go");
    for (int i = 0; i < N; i++) {
        await_state(w, &s[i], "Waiting for disk space");
    }
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t[0]), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1021);
    ql_memkv_fail_commits(w->inst.kv, 0, QL_ER_DISK_FULL);
    ql_space_kick(w->inst.space);
    assert_int_equal(task_join(&t[1]), QL_OK);
    assert_int_equal(task_join(&t[2]), QL_OK);
    expect_committed(w, "w0", NULL);
    expect_committed(w, "w2", "v");
    sessions_close(w, s, N);
}

/* A big set is not taken until all its rows are in; a kill before that undoes it, and is answered
 * although the committer stands still. */
static void
big_set_is_cancelled(void **state)
{
    world *w = *state;
    session s;
    task t;
    session_open(w, &s);
    begin(&s, QL_REPEATABLE_READ);
    fill(&s, "big", 6000);
    sync_do(&w->boss, "global commit_after_take SIGNAL held WAIT_FOR go");
    task_start(&t, &s, do_commit, NULL);
    sync_do(&w->boss, "now WAIT_FOR held");
    await_state(w, &s, "APPLYING");
    kill_query(w, &s);
    assert_int_equal(task_join(&t), QL_KILLED);
    assert_int_equal(error_of(&s), 1317);
    assert_null(s.cx.txn);
    expect_committed(w, "big000000", NULL);
    session_next(&s);
    begin(&s, QL_REPEATABLE_READ);
    fill(&s, "big", 5000);
    task_start(&t, &s, do_commit, NULL);
    await_state(w, &s, "QUEUED"); /* behind the one that is given up */
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t), QL_OK);
    expect_committed(w, "big004999", "v");
    expect_committed(w, "big005000", NULL);
    session_close(w, &s);
}

static void
slow_disk_holds_the_kill(void **state)
{
    world *w = *state;
    session s[1];
    task t;
    open_writers(w, s, 1);
    ql_memkv_stall(w->inst.kv, true);
    task_start(&t, &s[0], do_commit, NULL);
    while (ql_memkv_stalled(w->inst.kv) == 0) {
        pause_ms(1);
    }
    kill_query(w, &s[0]);
    await_state(w, &s[0], "Committing");
    ql_memkv_stall(w->inst.kv, false);
    assert_int_equal(task_join(&t), QL_OK);
    expect_committed(w, "w0", "v");
    sessions_close(w, s, 1);
}

/* A real error hits only the set that has it: the rest of its group commits. */
static void
error_hits_one_of_a_group(void **state)
{
    world *w = *state;
    enum { N = 3 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    sync_do(&w->boss, "global commit_before_take SIGNAL held WAIT_FOR go");
    for (int i = 0; i < N; i++) {
        task_start(&t[i], &s[i], do_commit, NULL);
        await_state(w, &s[i], "Waiting for commit");
    }
    sync_do(&w->boss, "now WAIT_FOR held");
    ql_memkv_fail_puts(w->inst.kv, 2, QL_ER_GET_ERRNO); /* the group, then the first alone */
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t[0]), QL_ERROR);
    assert_int_equal(error_of(&s[0]), 1030);
    assert_int_equal(task_join(&t[1]), QL_OK);
    assert_int_equal(task_join(&t[2]), QL_OK);
    expect_committed(w, "w0", NULL);
    expect_committed(w, "w1", "v");
    sessions_close(w, s, N);
}

static void
full_disk_waits_and_goes_on(void **state)
{
    world *w = *state;
    enum { N = 2 };
    session s[N];
    task t[N];
    open_writers(w, s, N);
    ql_memkv_fail_commits(w->inst.kv, 1000000, QL_ER_DISK_FULL);
    for (int i = 0; i < N; i++) {
        task_start(&t[i], &s[i], do_commit, NULL);
        await_state(w, &s[i], "Waiting for disk space");
    }
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&t[0]), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1021);
    await_state(w, &s[1], "Waiting for disk space");
    ql_memkv_fail_commits(w->inst.kv, 0, QL_ER_DISK_FULL);
    ql_space_kick(w->inst.space);
    assert_int_equal(task_join(&t[1]), QL_OK);
    expect_committed(w, "w0", NULL);
    expect_committed(w, "w1", "v");
    sessions_close(w, s, N);
}

static void
reads_do_not_queue(void **state)
{
    world *w = *state;
    session s;
    session_open(w, &s);
    ql_memkv_stall(w->inst.kv, true);
    begin(&s, QL_REPEATABLE_READ);
    stmt(&s);
    expect(&s, QL_VIEW_STATEMENT, "a", NULL);
    ql_txn_stmt_end(&s.cx);
    assert_int_equal(ql_txn_commit(&s.cx), QL_OK);
    ql_memkv_stall(w->inst.kv, false);
    session_close(w, &s);
}

static uint64_t
entries(world *w)
{
    ql_kv_stats st;
    ql_kv_get_stats(w->inst.kv, &st);
    return st.entries;
}

static void
purge_deletes_and_survives_restart(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    fill(s, "dropped", 3500);
    fill(s, "kept", 10);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    ql_txnsys_pause_purge(w->inst.txns, true);
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(ql_txn_trash_range(&s->cx, str("dropped"), str("droppee")), QL_OK);
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    pause_ms(20);
    assert_int_equal(entries(w), 3511);
    ql_kv *kv = w->inst.kv;
    world_stop(w);
    free(w);
    w = world_open(kv, 0);
    for (int i = 0; i < 5000 && entries(w) != 10; i++) {
        pause_ms(1);
    }
    assert_int_equal(entries(w), 10);
    expect_committed(w, "kept000009", "v");
    ql_txnsys_stats st;
    do { /* counted just after the commit that the entries showed */
        ql_txnsys_get_stats(w->inst.txns, &st);
    } while (st.trash_keys_purged < 3500);
    assert_int_equal(st.trash_keys_purged, 3500);
    s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    assert_int_equal(ql_txn_trash_range(&s->cx, str("kept"), str("kepu")), QL_OK);
    ql_txn_rollback(&s->cx);
    pause_ms(20);
    assert_int_equal(entries(w), 10);
    world_close(w);
}

/* Many small ranges, one that takes several looks, ranges of nothing; a commit of the purger's that
 * fails is done again. */
static void
purge_takes_many_ranges(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    enum { RANGES = 150, BIG = 2500 };
    char from[16], to[16], key[32];
    ql_txnsys_pause_purge(w->inst.txns, true);
    begin(s, QL_REPEATABLE_READ);
    fill(s, "big", BIG);
    fill(s, "kept", 10);
    for (int i = 0; i < RANGES; i++) {
        for (int k = 0; k < i % 3; k++) {
            (void)sprintf(key, "r%03d-%d", i, k);
            put(s, key, "v");
        }
    }
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    begin(s, QL_REPEATABLE_READ);
    for (int i = 0; i < RANGES; i++) {
        (void)sprintf(from, "r%03d", i);
        (void)sprintf(to, "r%03d.", i);
        if (i == RANGES / 2) {
            assert_int_equal(ql_txn_trash_range(&s->cx, str("big"), str("bih")), QL_OK);
        }
        assert_int_equal(ql_txn_trash_range(&s->cx, str(from), str(to)), QL_OK);
    }
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    assert_int_equal(entries(w), BIG + 10 + RANGES + RANGES + 1);
    ql_memkv_fail_commits(w->inst.kv, 1, QL_ER_DISK_FULL);
    ql_txnsys_pause_purge(w->inst.txns, false);
    for (int i = 0; i < 10000 && entries(w) != 10; i++) {
        pause_ms(1);
    }
    assert_int_equal(entries(w), 10);
    expect_committed(w, "kept000009", "v");
    ql_txnsys_stats st;
    do { /* counted just after the commit that the entries showed */
        ql_txnsys_get_stats(w->inst.txns, &st);
    } while (st.trash_keys_purged < BIG + RANGES);
    assert_int_equal(st.trash_keys_purged, BIG + RANGES);
}

/* Threads commit, random kills strike: what was acknowledged is there, what was not is not. */
enum { WRITERS = 4, COMMITS = 120 };

typedef struct writer {
    world *w;
    session s;
    pthread_t th;
    int number;
    ql_status st[COMMITS];
    _Atomic bool done;
} writer;

static void *
write_many(void *arg)
{
    writer *r = arg;
    for (int i = 0; i < COMMITS; i++) {
        char key[32];
        (void)sprintf(key, "%d-%d", r->number, i);
        begin(&r->s, QL_REPEATABLE_READ);
        stmt(&r->s);
        put(&r->s, key, "v");
        ql_txn_stmt_end(&r->s.cx);
        r->st[i] = ql_txn_commit(&r->s.cx);
        session_next(&r->s);
    }
    atomic_store(&r->done, true);
    return NULL;
}

static void
acknowledged_means_committed(void **state)
{
    world *w = *state;
    writer *r = calloc(WRITERS, sizeof *r);
    for (int i = 0; i < WRITERS; i++) {
        r[i].w = w;
        r[i].number = i;
        session_open(w, &r[i].s);
        pthread_create(&r[i].th, NULL, write_many, &r[i]);
    }
    bool all = false;
    for (int n = 0; !all; n++) {
        all = true;
        for (int i = 0; i < WRITERS; i++) {
            all = all && atomic_load(&r[i].done);
        }
        (void)ql_procs_raise(w->inst.procs, ql_proc_id(r[n % WRITERS].s.cx.proc), 0, QL_INTR_QUERY,
                             false, 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(r[i].th, NULL);
        for (int n = 0; n < COMMITS; n++) {
            char key[32];
            (void)sprintf(key, "%d-%d", i, n);
            expect_committed(w, key, r[i].st[n] == QL_OK ? "v" : NULL);
        }
        session_close(w, &r[i].s);
    }
    free(r);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(queued_sets_form_a_group),
        T(kill_before_taken_rolls_back),
        T(kill_after_taken_commits),
        T(kill_before_queue),
        T(killed_leader_passes_the_role_on),
        T(followers_wait_behind_a_leader),
        T(taken_followers_hold_their_kills),
        T(leader_leads_once),
        T(big_set_between_leaders),
        cmocka_unit_test_setup_teardown(group_on_a_full_disk, open_full_world, world_teardown),
        T(big_set_is_cancelled),
        T(slow_disk_holds_the_kill),
        T(error_hits_one_of_a_group),
        cmocka_unit_test_setup_teardown(full_disk_waits_and_goes_on, open_full_world,
                                        world_teardown),
        T(reads_do_not_queue),
        cmocka_unit_test(purge_deletes_and_survives_restart),
        T(purge_takes_many_ranges),
        T(acknowledged_means_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
