/* SPDX-License-Identifier: Apache-2.0
 *
 * Kinds of row locks: what conflicts with what, ranges that grow, giving back, whom a deadlock
 * hits, and the moments at which a grant, a timeout, a kill and a deadlock come together. Keys: 4
 * bytes of index id, then letters.
 */
#include "txn_support.h"

static void
again(session *s)
{
    ql_txn_rollback(&s->cx);
    session_next(s);
    begin(s, QL_REPEATABLE_READ);
}

static const char row_state[] = "Waiting for row lock";

/* --- a little language: "rX k" record, "iX k" insert, "RS a-f" range, "GX a-f" gap --- */

static ql_str
index_key(char *p, const char *letters, size_t n)
{
    memcpy(p, "\0\0\0\7", 4);
    memcpy(p + 4, letters, n);
    return (ql_str){p, n + 4};
}

static ql_status
lock_in(session *s, const char *what, ql_lock_policy policy, int64_t ms, ql_lock_range **range)
{
    char a[32], b[32];
    ql_lock_how how = {.mode = what[1] == 'X' ? QL_LOCK_X : QL_LOCK_S,
                       .policy = policy,
                       .deadline = ql_deadline_ms(ms),
                       .stays = true};
    const char *from = what + 3, *dash = strchr(from, '-');
    ql_lock_range *mine = NULL;
    range = range != NULL ? range : &mine;
    if (what[0] == 'r') {
        return ql_txn_lock_row(&s->cx, index_key(a, from, strlen(from)), &how);
    }
    if (what[0] == 'i') {
        return ql_txn_lock_insert(&s->cx, index_key(a, from, strlen(from)), how.deadline);
    }
    return ql_txn_lock_range(&s->cx, index_key(a, from, (size_t)(dash - from)),
                             index_key(b, dash + 1, strlen(dash + 1)), what[0] == 'R', &how, range);
}

static ql_status
get(session *s, const char *what)
{
    return lock_in(s, what, QL_LOCK_WAIT, 20000, NULL);
}

static bool
is_free(session *s, const char *what)
{
    ql_status st = lock_in(s, what, QL_LOCK_WAIT, 0, NULL);
    if (st != QL_OK) {
        assert_int_equal(error_of(s), 1205);
        session_next(s);
    }
    return st == QL_OK;
}

/* The table of src/txn/README.md: held by one, asked for by another, on the same key b or a stretch
 * over it. */
static void
compatibility(void **state)
{
    world *w = *state;
    static const char *const ask[] = {"rS b",   "rX b",   "iX b",  "RS a-c",
                                      "RX a-c", "GS a-c", "GX a-c"};
    static const char *const held[] = {"rS b",   "rX b",   "iX b",  "RS a-c",
                                       "RX a-c", "GS a-c", "GX a-c"};
    static const char free_for[][8] = {
        /* rS rX iX RS RX GS GX: asked for */
        "1001010", /* rS held */
        "0000000", /* rX */
        "0000000", /* iX */
        "1001011", /* RS */
        "0000011", /* RX */
        "1101111", /* GS */
        "1101111", /* GX */
    };
    session s[2];
    sessions_begin(w, s, 2);
    for (int h = 0; h < 7; h++) {
        for (int a = 0; a < 7; a++) {
            assert_int_equal(get(&s[0], held[h]), QL_OK);
            if (is_free(&s[1], ask[a]) != (free_for[h][a] == '1')) {
                fail_msg("%s held, %s asked for", held[h], ask[a]);
            }
            again(&s[1]);
            assert_int_equal(get(&s[0], ask[a]), QL_OK); /* one's own are never in the way */
            again(&s[0]);
        }
    }
    sessions_close(w, s, 2);
}

/* Stretches are half-open; indexes do not meet. */
static void
edges_of_stretches(void **state)
{
    world *w = *state;
    session s[2];
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "RX b-d"), QL_OK);
    assert_true(is_free(&s[1], "rX a"));
    assert_true(is_free(&s[1], "rX azzz"));
    assert_false(is_free(&s[1], "rX b"));
    assert_false(is_free(&s[1], "iX czz"));
    assert_true(is_free(&s[1], "rX d"));
    assert_true(is_free(&s[1], "RX a-b"));
    assert_false(is_free(&s[1], "RX a-ba"));
    assert_true(is_free(&s[1], "RX d-e"));
    assert_int_equal(
        ql_txn_lock_row(&s[1].cx, (ql_str){"\0\0\0\10c", 5},
                        &(ql_lock_how){.mode = QL_LOCK_X, .policy = QL_LOCK_NOWAIT, .deadline = 0}),
        QL_OK);
    ql_lock_range *none = NULL;
    assert_int_equal(lock_in(&s[1], "RX b-b", QL_LOCK_WAIT, 0, &none), QL_OK);
    assert_null(none);
    sessions_close(w, s, 2);
}

/* No byte of a key is lost, the first one of the index id neither. */
static void
keys_differ_in_any_byte(void **state)
{
    world *w = *state;
    session s[2];
    ql_lock_how how = {.mode = QL_LOCK_X, .policy = QL_LOCK_NOWAIT, .deadline = 0};
    sessions_begin(w, s, 2);
    for (size_t n = 1; n <= 20; n++) {
        char key[20];
        memset(key, 'k', sizeof key);
        assert_int_equal(ql_txn_lock_row(&s[0].cx, (ql_str){key, n}, &how), QL_OK);
        assert_int_equal(ql_txn_lock_row(&s[1].cx, (ql_str){key, n}, &how), QL_ERROR);
        session_next(&s[1]);
        for (size_t i = 0; i < n; i++) {
            key[i] = 'l';
            assert_int_equal(ql_txn_lock_row(&s[1].cx, (ql_str){key, n}, &how), QL_OK);
            key[i] = 'k';
        }
    }
    sessions_close(w, s, 2);
}

static void
policies(void **state)
{
    world *w = *state;
    session s[2];
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "rX k"), QL_OK);
    assert_int_equal(lock_in(&s[1], "rX k", QL_LOCK_NOWAIT, 20000, NULL), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 3572);
    assert_false(ql_txn_must_rollback(s[1].cx.txn));
    session_next(&s[1]);
    assert_int_equal(lock_in(&s[1], "rS k", QL_LOCK_SKIP, 20000, NULL), QL_TIMEOUT);
    assert_int_equal(error_of(&s[1]), 0);
    assert_int_equal(lock_in(&s[1], "RX j-l", QL_LOCK_NOWAIT, 20000, NULL), QL_ERROR);
    session_next(&s[1]);
    assert_int_equal(lock_in(&s[1], "rS m", QL_LOCK_SKIP, 0, NULL), QL_OK);
    sessions_close(w, s, 2);
}

/* --- growing --- */

static uint64_t
locks_in_table(world *w)
{
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    return st.row_locks;
}

static void
ranges_grow_both_ways(void **state)
{
    world *w = *state;
    session s[2];
    ql_lock_range *r = NULL;
    sessions_begin(w, s, 2);
    assert_int_equal(lock_in(&s[0], "RX m-n", QL_LOCK_WAIT, 0, &r), QL_OK);
    ql_lock_range *first = r;
    char what[16];
    for (char c = 'n'; c < 'z'; c++) {
        (void)sprintf(what, "RX %c-%c", c, c + 1);
        assert_int_equal(lock_in(&s[0], what, QL_LOCK_WAIT, 0, &r), QL_OK);
        assert_ptr_equal(r, first);
    }
    for (char c = 'l'; c > 'b'; c--) {
        (void)sprintf(what, "RX %c-%c", c, c + 1);
        assert_int_equal(lock_in(&s[0], what, QL_LOCK_WAIT, 0, &r), QL_OK);
        assert_ptr_equal(r, first);
    }
    assert_int_equal(lock_in(&s[0], "RX b-zz", QL_LOCK_WAIT, 0, &r), QL_OK); /* both ends */
    assert_int_equal(locks_in_table(w), 1);
    assert_true(is_free(&s[1], "rX azz"));
    assert_false(is_free(&s[1], "rX b"));
    assert_false(is_free(&s[1], "rX zyy"));
    assert_true(is_free(&s[1], "rX zz"));
    /* Another mode, or no touch: a lock of its own. */
    assert_int_equal(lock_in(&s[0], "RX zzz-zzzz", QL_LOCK_WAIT, 0, &r), QL_OK);
    assert_ptr_not_equal(r, first);
    assert_true(is_free(&s[1], "rX zzm"));
    sessions_close(w, s, 2);
}

static void
covered_ones_add_nothing(void **state)
{
    world *w = *state;
    session s[2];
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "RX b-m"), QL_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(&s[0], "RX b-m"), QL_OK);
        assert_int_equal(get(&s[0], "RS c-d"), QL_OK);
        assert_int_equal(get(&s[0], "GX c-d"), QL_OK);
        assert_int_equal(get(&s[0], "rX d"), QL_OK);
    }
    assert_int_equal(locks_in_table(w), 1);
    assert_int_equal(get(&s[0], "iX d"), QL_OK); /* gap locks of others must meet it */
    assert_int_equal(locks_in_table(w), 2);
    assert_false(is_free(&s[1], "GS c-e"));
    sessions_close(w, s, 2);
}

static ql_lock_range *growing;

static ql_status
grow_task(session *s, const char *what)
{
    return lock_in(s, what, QL_LOCK_WAIT, 20000, &growing);
}

/* A growing range waits for what is in its new part, and not for those who wait for its old one. */
static void
growing_waits_for_the_new_part(void **state)
{
    world *w = *state;
    session s[3];
    task t0, t2;
    sessions_begin(w, s, 3);
    growing = NULL;
    assert_int_equal(grow_task(&s[0], "RS b-d"), QL_OK);
    assert_int_equal(get(&s[1], "rX f"), QL_OK);
    task_start(&t2, &s[2], get, "iX c");
    await_state(w, &s[2], row_state);
    assert_int_equal(grow_task(&s[0], "RS b-e"), QL_OK);
    task_start(&t0, &s[0], grow_task, "RS a-g");
    await_state(w, &s[0], row_state);
    assert_int_equal(waits_for(w, &s[0]), ql_proc_id(s[1].cx.proc));
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t0), QL_OK);
    assert_false(ql_txn_must_rollback(s[0].cx.txn));
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&t2), QL_OK);
    sessions_close(w, s, 3);
}

/* --- queues --- */

/* An insert is not starved by ever new range locks, and who waits behind it goes on with it. */
static void
ranges_queue_behind_an_insert(void **state)
{
    world *w = *state;
    session s[3];
    task ins, rng;
    sessions_begin(w, s, 3);
    assert_int_equal(get(&s[0], "RS a-f"), QL_OK);
    task_start(&ins, &s[1], get, "iX c");
    await_state(w, &s[1], row_state);
    task_start(&rng, &s[2], get, "RS b-d");
    await_state(w, &s[2], row_state);
    assert_int_equal(waits_for(w, &s[2]), ql_proc_id(s[1].cx.proc));
    assert_int_equal(get(&s[0], "RS a-h"), QL_OK); /* holds there already: passes */
    assert_int_equal(get(&s[0], "iX c"), QL_OK);
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&ins), QL_KILLED);
    await_state(w, &s[2], row_state);
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&rng), QL_OK);
    sessions_close(w, s, 3);
}

/* Ever new sharers do not starve who waits exclusively, for a row or for a stretch. */
static void
sharers_queue_behind_an_exclusive_one(void **state)
{
    world *w = *state;
    static const char *const shared[] = {"rS c", "RS a-f"}, *const exclusive[] = {"rX c", "RX b-d"};
    for (int i = 0; i < 4; i++) {
        session s[4];
        task x, later[2];
        sessions_begin(w, s, 4);
        assert_int_equal(get(&s[0], shared[i / 2]), QL_OK);
        task_start(&x, &s[1], get, exclusive[i % 2]);
        await_state(w, &s[1], row_state);
        for (int j = 0; j < 2; j++) {
            task_start(&later[j], &s[2 + j], get, shared[j]);
            await_state(w, &s[2 + j], row_state);
        }
        ql_txn_rollback(&s[0].cx);
        assert_int_equal(task_join(&x), QL_OK);
        await_state(w, &s[2], row_state);
        await_state(w, &s[3], row_state);
        ql_txn_rollback(&s[1].cx);
        assert_int_equal(task_join(&later[0]), QL_OK); /* both at once */
        assert_int_equal(task_join(&later[1]), QL_OK);
        sessions_close(w, s, 4);
    }
}

/* Several at the front: whoever is the last to go lets the waiter in. */
static void
waits_for_all_sharers(void **state)
{
    world *w = *state;
    session s[4];
    task t;
    sessions_begin(w, s, 4);
    assert_int_equal(get(&s[0], "rS c"), QL_OK);
    assert_int_equal(get(&s[1], "RS a-f"), QL_OK);
    assert_int_equal(get(&s[2], "rS e"), QL_OK);
    task_start(&t, &s[3], get, "RX a-f");
    for (int i = 2; i >= 0; i--) {
        await_state(w, &s[3], row_state);
        assert_int_not_equal(waits_for(w, &s[3]), 0);
        ql_txn_rollback(&s[i].cx);
    }
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 4);
}

/* --- giving back --- */

static void
give_back(session *s, const char *letters)
{
    char a[32];
    ql_txn_unlock_row(&s->cx, index_key(a, letters, strlen(letters)));
}

static void
unlock_row(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    stmt(&s[0]);
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    ql_txn_stmt_end(&s[0].cx);
    stmt(&s[0]);
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    give_back(&s[0], "a"); /* an earlier statement's */
    assert_false(is_free(&s[1], "rS a"));
    assert_int_equal(get(&s[0], "rX b"), QL_OK);
    assert_int_equal(get(&s[0], "rX b"), QL_OK);
    give_back(&s[0], "b"); /* asked for twice */
    assert_false(is_free(&s[1], "rS b"));
    task_start(&t, &s[1], get, "rX b");
    await_state(w, &s[1], row_state);
    give_back(&s[0], "b");
    assert_int_equal(task_join(&t), QL_OK); /* woken by it */
    give_back(&s[0], "b");
    give_back(&s[0], "never");
    assert_false(is_free(&s[0], "rS b"));
    for (int i = 0; i < 2000; i++) { /* their memory is used again */
        assert_int_equal(get(&s[0], "rX c"), QL_OK);
        give_back(&s[0], "c");
    }
    assert_true(is_free(&s[1], "rX c"));
    ql_txn_stmt_end(&s[0].cx);
    assert_int_equal(locks_in_table(w), 3);
    sessions_close(w, s, 2);
}

/* --- memory --- */

/* Whichever allocation fails: error 1037, nothing is held, and it works the next time. */
static void
out_of_memory(void **state)
{
    world *w = *state;
    static const char *const what[] = {"rX b", "iX b", "RX a-d", "GS a-d"};
    session s[2];
    sessions_begin(w, s, 2);
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        for (uint64_t n = 1;; n++) {
            assert_true(n < 20);
            ql_mem_fail_after(n);
            ql_status st = get(&s[0], what[i]);
            ql_mem_fail_after(0);
            if (st == QL_OK) {
                break;
            }
            assert_int_equal(error_of(&s[0]), 1037);
            session_next(&s[0]);
            assert_true(is_free(&s[1], "RX a-z"));
            again(&s[1]);
        }
        again(&s[0]);
    }
    sessions_close(w, s, 2);
}

/* --- deadlocks --- */

static void
lighter_one_gives_up(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    assert_int_equal(get(&s[1], "rX b"), QL_OK);
    assert_int_equal(get(&s[1], "rX c"), QL_OK); /* the heavier one */
    task_start(&t, &s[0], get, "rX b");
    await_state(w, &s[0], row_state);
    task t1;
    task_start(&t1, &s[1], get, "rX a");
    assert_int_equal(task_join(&t), QL_ERROR);
    assert_int_equal(error_of(&s[0]), 1213);
    assert_true(ql_txn_must_rollback(s[0].cx.txn));
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&t1), QL_OK);
    ql_str text;
    assert_int_equal(ql_txnsys_latest_deadlock(&s[1].cx, s[1].cx.arena, &text), QL_OK);
    assert_non_null(memmem(text.p, text.n, "WE ROLL BACK TRANSACTION (1)", 28));
    assert_non_null(memmem(text.p, text.n, "record lock, exclusive, index 7, key 0x62", 41));
    sessions_close(w, s, 2);
}

/* Changes weigh, too. */
static void
changes_weigh(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    stmt(&s[0]);
    put(&s[0], "x1", "v");
    put(&s[0], "x2", "v");
    assert_int_equal(get(&s[1], "rX b"), QL_OK);
    task_start(&t, &s[0], get, "rX b");
    await_state(w, &s[0], row_state);
    assert_int_equal(get(&s[1], "rX a"), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1213);
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 2);
}

/* The classic one of MySQL's manual: both saw nothing there, both insert. */
static void
gap_locks_deadlock(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "GX a-f"), QL_OK);
    assert_int_equal(get(&s[1], "GX a-f"), QL_OK);
    task_start(&t, &s[0], get, "iX b");
    await_state(w, &s[0], row_state);
    assert_int_equal(get(&s[1], "iX c"), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1213);
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 2);
}

/* X waits for two sharers; the one it does not sleep for closes the cycle. It is found at once,
 * though the other one stays idle. */
static void
cycle_through_another_sharer(void **state)
{
    world *w = *state;
    for (int first = 0; first < 2; first++) {
        session s[3];
        task t;
        sessions_begin(w, s, 3);
        assert_int_equal(get(&s[first], "rS a"), QL_OK);
        assert_int_equal(get(&s[1 - first], "rS a"), QL_OK);
        assert_int_equal(get(&s[2], "rX b"), QL_OK);
        assert_int_equal(get(&s[2], "rX c"), QL_OK);
        task_start(&t, &s[2], get, "rX a");
        await_state(w, &s[2], row_state);
        assert_int_equal(get(&s[0], "rX b"), QL_ERROR);
        assert_int_equal(error_of(&s[0]), 1213);
        ql_txn_rollback(&s[0].cx);
        ql_txn_rollback(&s[1].cx);
        assert_int_equal(task_join(&t), QL_OK);
        sessions_close(w, s, 3);
    }
}

/* A record lock goes past a gap lock that waits for another row, and is in its way from then on. */
static void
cycle_through_an_overtaken_gap(void **state)
{
    world *w = *state;
    session s[3];
    task t;
    sessions_begin(w, s, 3);
    assert_int_equal(get(&s[0], "rX j"), QL_OK);
    assert_int_equal(get(&s[1], "rX z"), QL_OK);
    task_start(&t, &s[1], get, "GX a-m");
    await_state(w, &s[1], row_state);
    assert_int_equal(get(&s[2], "rX k"), QL_OK);
    assert_int_equal(get(&s[2], "rX z"), QL_ERROR);
    assert_int_equal(error_of(&s[2]), 1213);
    ql_txn_rollback(&s[2].cx);
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&t), QL_OK);
    sessions_close(w, s, 3);
}

/* Behind a queue for the same row the cycle is found through those in front. */
static void
cycle_through_the_queue(void **state)
{
    world *w = *state;
    enum { N = 6 };
    session s[N];
    task t[N];
    sessions_begin(w, s, N);
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    assert_int_equal(get(&s[0], "rX a2"), QL_OK);
    assert_int_equal(get(&s[N - 1], "rX z"), QL_OK);
    for (int i = 1; i < N; i++) {
        task_start(&t[i], &s[i], get, "rX a");
        await_state(w, &s[i], row_state);
    }
    task_start(&t[0], &s[0], get, "rX z");
    assert_int_equal(task_join(&t[N - 1]), QL_ERROR); /* the lighter one */
    assert_int_equal(error_of(&s[N - 1]), 1213);
    ql_txn_rollback(&s[N - 1].cx);
    assert_int_equal(task_join(&t[0]), QL_OK);
    for (int i = 0; i < N - 2; i++) {
        ql_txn_rollback(&s[i].cx);
        assert_int_equal(task_join(&t[i + 1]), QL_OK);
    }
    sessions_close(w, s, N);
}

/* --- moments that come together --- */

/* A waiter held at the sync point while its lock becomes free, and then something else happens. */
static void
hold_waiter(world *w, session *s, task *t)
{
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    sync_do(&s[1], "row_lock_before_wait SIGNAL there WAIT_FOR go");
    task_start(t, &s[1], get, "rX a");
    sync_do(&w->boss, "now WAIT_FOR there");
}

static void
granted_and_killed(void **state)
{
    world *w = *state;
    session s[3];
    task t, t2;
    sessions_begin(w, s, 3);
    hold_waiter(w, s, &t);
    task_start(&t2, &s[2], get, "rX a");
    await_state(w, &s[2], row_state);
    ql_txn_rollback(&s[0].cx); /* free for s[1] now */
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&t), QL_KILLED);
    assert_int_equal(error_of(&s[1]), 1317);
    assert_int_equal(task_join(&t2), QL_OK); /* passed on, though s[1]'s transaction lives */
    assert_int_equal(locks_in_table(w), 1);
    session_next(&s[1]);
    assert_false(is_free(&s[1], "rX a"));
    sessions_close(w, s, 3);
}

static ql_status
get_soon(session *s, const char *what)
{
    return lock_in(s, what, QL_LOCK_WAIT, 1, NULL);
}

static void
granted_and_timed_out(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "rX a"), QL_OK);
    sync_do(&s[1], "row_lock_before_wait SIGNAL there WAIT_FOR go");
    task_start(&t, &s[1], get_soon, "rX a");
    sync_do(&w->boss, "now WAIT_FOR there");
    pause_ms(5); /* past its deadline */
    ql_txn_rollback(&s[0].cx);
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t), QL_OK); /* it is free: no reason to fail */
    sessions_close(w, s, 2);
}

/* Made a victim before it sleeps, and killed: the kill is reported, the other one goes on when the
 * killed statement's transaction ends. */
static void
victim_and_killed(void **state)
{
    world *w = *state;
    session s[2];
    task t, t0;
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "rX c"), QL_OK);
    assert_int_equal(get(&s[1], "rX b"), QL_OK);
    hold_waiter(w, s, &t); /* s[1] waits for a, lighter */
    task_start(&t0, &s[0], get, "rX b");
    await_state(w, &s[0], row_state); /* it has made s[1] the victim */
    kill_query(w, &s[1]);
    assert_int_equal(task_join(&t), QL_KILLED);
    assert_int_equal(error_of(&s[1]), 1317);
    assert_false(ql_txn_must_rollback(s[1].cx.txn));
    session_next(&s[1]);
    assert_true(is_free(&s[1], "rX q")); /* no longer a victim */
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t0), QL_OK);
    sessions_close(w, s, 2);
}

static void
victim_before_the_sleep(void **state)
{
    world *w = *state;
    session s[2];
    task t, t0;
    sessions_begin(w, s, 2);
    assert_int_equal(get(&s[0], "rX c"), QL_OK);
    assert_int_equal(get(&s[1], "rX b"), QL_OK);
    hold_waiter(w, s, &t);
    task_start(&t0, &s[0], get, "rX b");
    await_state(w, &s[0], row_state);
    sync_do(&w->boss, "now SIGNAL go");
    assert_int_equal(task_join(&t), QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1213);
    ql_txn_rollback(&s[1].cx);
    assert_int_equal(task_join(&t0), QL_OK);
    sessions_close(w, s, 2);
}

/* --- listing --- */

static const ql_lock_info *
find_row(const ql_lock_info *rows, size_t n, uint64_t conn, ql_lock_kind kind)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].conn_id == conn && rows[i].kind == kind) {
            return &rows[i];
        }
    }
    return NULL;
}

static void
locks_are_listed(void **state)
{
    world *w = *state;
    session s[2];
    task t;
    ql_lock_info *rows;
    size_t n;
    sessions_begin(w, s, 2);
    uint64_t me = ql_proc_id(s[0].cx.proc), other = ql_proc_id(s[1].cx.proc);
    assert_int_equal(get(&s[0], "RS a-f"), QL_OK);
    assert_int_equal(get(&s[0], "rX h"), QL_OK);
    assert_int_equal(get(&s[0], "GX p-q"), QL_OK);
    task_start(&t, &s[1], get, "iX c");
    await_state(w, &s[1], row_state);
    assert_int_equal(ql_txnsys_list_locks(&s[0].cx, s[0].cx.arena, &rows, &n), QL_OK);
    assert_int_equal(n, 4);
    const ql_lock_info *range = find_row(rows, n, me, QL_LOCK_RANGE);
    const ql_lock_info *rec = find_row(rows, n, me, QL_LOCK_REC);
    const ql_lock_info *gap = find_row(rows, n, me, QL_LOCK_GAP);
    const ql_lock_info *ins = find_row(rows, n, other, QL_LOCK_INSERT);
    assert_true(range->granted && range->mode == QL_LOCK_S &&
                range->trx_id == ql_txn_id(s[0].cx.txn));
    assert_memory_equal(range->low.p, "\0\0\0\7a", 5);
    assert_memory_equal(range->high.p, "\0\0\0\7f", 5);
    assert_true(rec->granted && rec->mode == QL_LOCK_X && rec->high.n == 0);
    assert_true(gap->granted && gap->mode == QL_LOCK_X);
    assert_false(ins->granted);
    assert_int_equal(ins->blocking_lock_id, range->lock_id);
    assert_int_equal(ins->blocking_conn_id, me);
    assert_int_equal(ins->blocking_trx_id, range->trx_id);
    assert_true(ins->since_ns > 0);
    ql_txn_rollback(&s[0].cx);
    assert_int_equal(task_join(&t), QL_OK);
    for (int i = 0; i < 2500; i++) { /* several batches */
        char what[16];
        (void)sprintf(what, "rX %d", i);
        assert_int_equal(get(&s[1], what), QL_OK);
    }
    assert_int_equal(ql_txnsys_list_locks(&s[0].cx, s[0].cx.arena, &rows, &n), QL_OK);
    assert_int_equal(n, 2501);
    sessions_close(w, s, 2);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(compatibility),
        T(edges_of_stretches),
        T(keys_differ_in_any_byte),
        T(policies),
        T(ranges_grow_both_ways),
        T(covered_ones_add_nothing),
        T(growing_waits_for_the_new_part),
        T(ranges_queue_behind_an_insert),
        T(sharers_queue_behind_an_exclusive_one),
        T(waits_for_all_sharers),
        T(unlock_row),
        T(out_of_memory),
        T(lighter_one_gives_up),
        T(changes_weigh),
        T(gap_locks_deadlock),
        T(cycle_through_another_sharer),
        T(cycle_through_an_overtaken_gap),
        T(cycle_through_the_queue),
        T(granted_and_killed),
        T(granted_and_timed_out),
        T(victim_and_killed),
        T(victim_before_the_sleep),
        T(locks_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
