/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers, views, isolation, savepoints, and the merge cursor against a model.
 */
#include "txn_support.h"

static int
open_world(void **state)
{
    *state = world_open(NULL, 0);
    return 0;
}

static int
close_world(void **state)
{
    ql_txn_rollback(&((world *)*state)->boss.cx);
    expect_nothing_left(*state);
    world_close(*state);
    return 0;
}

static void
own_writes_and_rollback(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "a", "1");
    expect(s, QL_VIEW_OWN, "a", "1");
    expect(s, QL_VIEW_CURRENT, "a", "1");
    expect(s, QL_VIEW_STATEMENT, "a", NULL);
    ql_txn_stmt_end(&s->cx);
    stmt(s);
    expect(s, QL_VIEW_STATEMENT, "a", "1");
    put(s, "a", "2");
    put(s, "b", "2");
    ql_txn_stmt_rollback(&s->cx);
    expect(s, QL_VIEW_OWN, "a", "1");
    expect(s, QL_VIEW_OWN, "b", NULL);
    assert_true(ql_txn_has_writes(s->cx.txn));
    ql_txn_rollback(&s->cx);
    assert_null(s->cx.txn);
    expect_committed(w, "a", NULL);
}

static void
only_statement_rolled_back_leaves_no_writes(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "a", "1");
    ql_txn_stmt_rollback(&s->cx);
    assert_false(ql_txn_has_writes(s->cx.txn));
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    expect_committed(w, "a", NULL);
}

static void
commit_makes_visible(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    commit_one(s, "k", "v");
    expect_committed(w, "k", "v");
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    del(s, "k");
    expect(s, QL_VIEW_OWN, "k", NULL);
    ql_txn_stmt_end(&s->cx);
    expect_committed(w, "k", "v");
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    expect_committed(w, "k", NULL);
}

/* What is deleted beyond the bounds is not passed: the move ends there, both ways. */
static void
moves_end_at_what_is_deleted_beyond(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_txn_cursor *c;
    ql_str k, v;
    for (const char *key = "a\0c\0e\0g\0i\0"; *key != 0; key += 2) {
        commit_one(s, key, "v");
    }
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    del(s, "a");
    del(s, "c");
    del(s, "g");
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_OWN, &c), QL_OK);
    ql_txn_cursor_within(c, str("d"), str("g"));
    assert_int_equal(ql_txn_seek_ge(&s->cx, c, str("d"), &k, &v), QL_OK);
    assert_true(ql_str_cmp(k, str("e")) == 0);
    assert_int_equal(ql_txn_next(&s->cx, c, &k, &v), QL_END);
    assert_int_equal(ql_txn_seek_lt(&s->cx, c, str("g"), &k, &v), QL_OK);
    assert_true(ql_str_cmp(k, str("e")) == 0);
    assert_int_equal(ql_txn_prev(&s->cx, c, &k, &v), QL_END);
    ql_txn_cursor_within(c, str("a"), str("h")); /* deleted within is passed */
    assert_int_equal(ql_txn_seek_ge(&s->cx, c, str("a"), &k, &v), QL_OK);
    assert_true(ql_str_cmp(k, str("e")) == 0);
    assert_int_equal(ql_txn_next(&s->cx, c, &k, &v), QL_OK);
    assert_true(ql_str_cmp(k, str("i")) == 0);
    ql_txn_cursor_close(c);
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_OWN, &c), QL_OK); /* without bounds */
    assert_int_equal(ql_txn_seek_ge(&s->cx, c, str("f"), &k, &v), QL_OK);
    assert_true(ql_str_cmp(k, str("i")) == 0);
    ql_txn_cursor_close(c);
    ql_txn_stmt_end(&s->cx);
    ql_txn_rollback(&s->cx);
}

static void
isolation_levels(void **state)
{
    world *w = *state;
    session rr, rc;
    session_open(w, &rr);
    session_open(w, &rc);
    commit_one(&w->boss, "k", "1");
    begin(&rr, QL_REPEATABLE_READ);
    begin(&rc, QL_READ_COMMITTED);
    stmt(&rr);
    stmt(&rc);
    expect(&rr, QL_VIEW_STATEMENT, "k", "1");
    expect(&rc, QL_VIEW_STATEMENT, "k", "1");
    assert_true(ql_txn_has_snapshot(&rr.cx));
    uint64_t seen = ql_txn_newest(&rr.cx);
    assert_int_equal(ql_txn_newest(&rr.cx), seen);
    commit_one(&w->boss, "k", "2");
    assert_true(ql_txn_newest(&rr.cx) > seen);
    expect(&rr, QL_VIEW_STATEMENT, "k", "1");
    expect(&rc, QL_VIEW_STATEMENT, "k", "1");
    expect(&rr, QL_VIEW_CURRENT, "k", "2");
    ql_txn_stmt_end(&rr.cx);
    ql_txn_stmt_end(&rc.cx);
    stmt(&rr);
    stmt(&rc);
    expect(&rr, QL_VIEW_STATEMENT, "k", "1");
    expect(&rc, QL_VIEW_STATEMENT, "k", "2");
    ql_txn_stmt_end(&rr.cx);
    ql_txn_stmt_end(&rc.cx);
    session_close(w, &rr);
    session_close(w, &rc);
}

static void
snapshots_are_dropped(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_kv_stats st;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    expect(s, QL_VIEW_STATEMENT, "k", NULL);
    ql_kv_get_stats(w->inst.kv, &st);
    assert_int_equal(st.snapshots_open, 1);
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    ql_kv_get_stats(w->inst.kv, &st);
    assert_int_equal(st.snapshots_open, 0);
    begin(s, QL_READ_COMMITTED);
    stmt(s);
    expect(s, QL_VIEW_STATEMENT, "k", NULL);
    ql_txn_stmt_end(&s->cx);
    ql_kv_get_stats(w->inst.kv, &st);
    assert_int_equal(st.snapshots_open, 0);
    ql_txn_rollback(&s->cx);
}

/* A cursor that outlives its transaction (an operator closed late while a kill unwinds). */
static void
late_cursor_is_harmless(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_txn_cursor *c;
    ql_str k, v;
    commit_one(s, "k", "1");
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_OWN, &c), QL_OK);
    assert_int_equal(ql_txn_seek_ge(&s->cx, c, str(""), &k, &v), QL_OK);
    ql_txn_rollback(&s->cx);
    ql_kv_stats st;
    ql_kv_get_stats(w->inst.kv, &st);
    assert_int_equal(st.snapshots_open, 0);
    assert_int_equal(ql_txn_next(&s->cx, c, &k, &v), QL_END);
    ql_txn_cursor_close(c);
}

static void
read_only_refuses(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    assert_int_equal(ql_txn_begin(&s->cx, QL_REPEATABLE_READ, true), QL_OK);
    stmt(s);
    assert_int_equal(ql_txn_put(&s->cx, str("a"), str("1")), QL_ERROR);
    assert_int_equal(error_of(s), 1792);
    ql_txn_rollback(&s->cx);
}

static void
savepoints(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "a", "1");
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_savepoint(&s->cx, str("one")), QL_OK);
    stmt(s);
    put(s, "a", "2");
    put(s, "b", "2");
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_savepoint(&s->cx, str("two")), QL_OK);
    stmt(s);
    del(s, "a");
    ql_txn_stmt_end(&s->cx);
    expect(s, QL_VIEW_OWN, "a", NULL);
    assert_int_equal(ql_txn_rollback_to(&s->cx, str("TWO")), QL_OK);
    expect(s, QL_VIEW_OWN, "a", "2");
    assert_int_equal(ql_txn_rollback_to(&s->cx, str("one")), QL_OK);
    expect(s, QL_VIEW_OWN, "a", "1");
    expect(s, QL_VIEW_OWN, "b", NULL);
    assert_int_equal(ql_txn_rollback_to(&s->cx, str("two")), QL_END);
    stmt(s);
    put(s, "c", "3");
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_rollback_to(&s->cx, str("one")), QL_OK);
    expect(s, QL_VIEW_OWN, "c", NULL);
    stmt(s);
    put(s, "d", "4");
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_release(&s->cx, str("one")), QL_OK);
    assert_int_equal(ql_txn_release(&s->cx, str("one")), QL_END);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    expect_committed(w, "a", "1");
    expect_committed(w, "d", "4");
    expect_committed(w, "c", NULL);
}

static void
inner_statements_join_the_outer(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "a", "1");
    stmt(s);
    put(s, "b", "2");
    ql_txn_stmt_end(&s->cx);
    stmt(s);
    put(s, "c", "3");
    ql_txn_stmt_rollback(&s->cx);
    expect(s, QL_VIEW_OWN, "b", "2");
    expect(s, QL_VIEW_OWN, "c", NULL);
    ql_txn_stmt_rollback(&s->cx);
    expect(s, QL_VIEW_OWN, "a", NULL);
    expect(s, QL_VIEW_OWN, "b", NULL);
    ql_txn_rollback(&s->cx);
}

/* --- merge cursor against a model --- */

enum { KEYS = 300 };

typedef struct model {
    int value[KEYS]; /* 0 = absent */
} model;

static uint64_t seed = 99;

static int
rnd(int n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int)((seed >> 33) % (uint64_t)n);
}

static const char *
key_text(int i)
{
    static char text[8][1200];
    static int turn;
    char *t = text[turn++ % 8];
    (void)sprintf(t, "k%04d", i);
    if (i % 17 == 0) {
        memset(t + 5, 'x', 1000); /* a long one */
        t[1005] = '\0';
    }
    return t;
}

static void
write_some(session *s, model *m, int n)
{
    for (int i = 0; i < n; i++) {
        int k = rnd(KEYS);
        if (rnd(3) == 0) {
            m->value[k] = 0;
            del(s, key_text(k));
        } else {
            char v[16];
            m->value[k] = 1 + rnd(1000);
            (void)sprintf(v, "%d", m->value[k]);
            put(s, key_text(k), v);
        }
    }
}

static int
model_step(const model *m, int i, int by)
{
    for (i += by; i >= 0 && i < KEYS; i += by) {
        if (m->value[i] != 0) {
            return i;
        }
    }
    return by > 0 ? KEYS : -1;
}

static void
expect_at(const model *m, int i, ql_status st, ql_str k, ql_str v)
{
    if (i < 0 || i >= KEYS) {
        assert_int_equal(st, QL_END);
        return;
    }
    assert_int_equal(st, QL_OK);
    assert_int_equal(k.n, strlen(key_text(i)));
    assert_memory_equal(k.p, key_text(i), k.n);
    assert_int_equal(strtol(strndupa(v.p, v.n), NULL, 10), m->value[i]);
}

static void
check_view(session *s, ql_view view, const model *m)
{
    ql_txn_cursor *c;
    ql_str k, v;
    assert_int_equal(ql_txn_cursor_open(&s->cx, view, &c), QL_OK);
    ql_status st = ql_txn_seek_ge(&s->cx, c, str("k"), &k, &v);
    for (int i = model_step(m, -1, 1);; i = model_step(m, i, 1)) {
        expect_at(m, i, st, k, v);
        if (i == KEYS) {
            break;
        }
        st = ql_txn_next(&s->cx, c, &k, &v);
    }
    st = ql_txn_seek_lt(&s->cx, c, str("l"), &k, &v);
    for (int i = model_step(m, KEYS, -1);; i = model_step(m, i, -1)) {
        expect_at(m, i, st, k, v);
        if (i < 0) {
            break;
        }
        st = ql_txn_prev(&s->cx, c, &k, &v);
    }
    for (int n = 0; n < 30; n++) {
        int at = rnd(KEYS);
        int i = m->value[at] != 0 ? at : model_step(m, at, 1);
        st = ql_txn_seek_ge(&s->cx, c, str(key_text(at)), &k, &v);
        expect_at(m, i, st, k, v);
        for (int j = 0; j < 6 && i >= 0 && i < KEYS; j++) {
            int by = rnd(2) == 0 ? 1 : -1;
            st = by > 0 ? ql_txn_next(&s->cx, c, &k, &v) : ql_txn_prev(&s->cx, c, &k, &v);
            i = model_step(m, i, by);
            expect_at(m, i, st, k, v);
        }
        expect(s, view, key_text(at),
               m->value[at] != 0 ? strdupa(({
                   static char t[16];
                   (void)sprintf(t, "%d", m->value[at]);
                   t;
               }))
                                 : NULL);
    }
    ql_txn_cursor_close(c);
}

static void
cursor_matches_model(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    model committed = {0};
    for (int round = 0; round < 12; round++) {
        model own = committed;
        begin(s, QL_REPEATABLE_READ);
        int statements = 1 + rnd(4);
        for (int n = 0; n < statements; n++) {
            model before = own;
            if (rnd(4) == 0) {
                assert_int_equal(ql_txn_savepoint(&s->cx, str(n % 2 ? "x" : "y")), QL_OK);
            }
            stmt(s);
            write_some(s, &own, rnd(60));
            check_view(s, QL_VIEW_STATEMENT, &before);
            check_view(s, QL_VIEW_OWN, &own);
            check_view(s, QL_VIEW_CURRENT, &own);
            if (rnd(4) == 0) {
                ql_txn_stmt_rollback(&s->cx);
                own = before;
            } else {
                ql_txn_stmt_end(&s->cx);
            }
            check_view(s, QL_VIEW_OWN, &own);
        }
        if (rnd(5) == 0) {
            ql_txn_rollback(&s->cx);
        } else {
            assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
            committed = own;
        }
    }
}

/* The layer under an OWN cursor appears with the statement's first write, while the cursor stands.
 */
static void
cursor_meets_new_layer(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_txn_cursor *c;
    ql_str k, v;
    commit_one(s, "a", "1");
    commit_one(s, "c", "1");
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_OWN, &c), QL_OK);
    assert_int_equal(ql_txn_seek_ge(&s->cx, c, str("a"), &k, &v), QL_OK);
    put(s, "b", "2");
    del(s, "c");
    assert_int_equal(ql_txn_next(&s->cx, c, &k, &v), QL_OK);
    assert_memory_equal(k.p, "b", 1);
    assert_int_equal(ql_txn_next(&s->cx, c, &k, &v), QL_END);
    ql_txn_cursor_close(c);
    ql_txn_rollback(&s->cx);
}

/* What an inner statement has written goes; the scan of the one around it goes on where it is, and
 * one that saw the inner statement's writes ends. */
static void
cursor_outlives_inner_rollback(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    ql_txn_cursor *scan, *own;
    ql_str k, v;
    commit_one(s, "a", "1");
    commit_one(s, "b", "1");
    commit_one(s, "c", "1");
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_LATEST, &scan), QL_OK);
    assert_int_equal(ql_txn_seek_ge(&s->cx, scan, str("a"), &k, &v), QL_OK);
    stmt(s);
    del(s, "a");
    put(s, "ab", "2");
    ql_txn_stmt_end(&s->cx);
    stmt(s);
    del(s, "b");
    put(s, "d", "2");
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_CURRENT, &own), QL_OK);
    assert_int_equal(ql_txn_seek_ge(&s->cx, own, str("b"), &k, &v), QL_OK);
    assert_memory_equal(k.p, "c", 1);
    ql_txn_stmt_rollback(&s->cx);
    assert_int_equal(ql_txn_next(&s->cx, own, &k, &v), QL_END);
    assert_int_equal(ql_txn_next(&s->cx, scan, &k, &v), QL_OK);
    assert_memory_equal(k.p, "b", 1);
    assert_int_equal(ql_txn_next(&s->cx, scan, &k, &v), QL_OK);
    assert_memory_equal(k.p, "c", 1);
    assert_int_equal(ql_txn_next(&s->cx, scan, &k, &v), QL_END);
    expect(s, QL_VIEW_OWN, "ab", "2");
    expect(s, QL_VIEW_OWN, "b", "1");
    expect(s, QL_VIEW_OWN, "d", NULL);
    ql_txn_cursor_close(own);
    ql_txn_cursor_close(scan);
    ql_txn_rollback(&s->cx);
}

/* Many large statements: layers stack, and nothing is lost. */
static void
large_statements_stack(void **state)
{
    world *w = *state;
    session *s = &w->boss;
    enum { STATEMENTS = 12 };
    const int rows = test_memory_limit != 0 && test_memory_limit < 10000 ? 200 : 5000;
    begin(s, QL_REPEATABLE_READ);
    for (int n = 0; n < STATEMENTS; n++) {
        stmt(s);
        for (int i = 0; i < rows; i++) {
            char key[32];
            (void)sprintf(key, "%06d", i * STATEMENTS + n);
            put(s, key, "v");
        }
        ql_txn_stmt_end(&s->cx);
    }
    ql_txn_cursor *c;
    ql_str k, v;
    assert_int_equal(ql_txn_cursor_open(&s->cx, QL_VIEW_OWN, &c), QL_OK);
    int n = 0;
    for (ql_status st = ql_txn_seek_ge(&s->cx, c, str("0"), &k, &v); st == QL_OK;
         st = ql_txn_next(&s->cx, c, &k, &v)) {
        assert_int_equal(strtol(strndupa(k.p, k.n), NULL, 10), n);
        n++;
    }
    assert_int_equal(n, STATEMENTS * rows);
    ql_txn_cursor_close(c);
    ql_txn_rollback(&s->cx);
    expect_nothing_left(w);
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    assert_int_equal(st.open_transactions, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        T(own_writes_and_rollback),
        T(only_statement_rolled_back_leaves_no_writes),
        T(commit_makes_visible),
        T(moves_end_at_what_is_deleted_beyond),
        T(isolation_levels),
        T(snapshots_are_dropped),
        T(late_cursor_is_harmless),
        T(read_only_refuses),
        T(savepoints),
        T(inner_statements_join_the_outer),
        T(cursor_matches_model),
        T(cursor_meets_new_layer),
        T(cursor_outlives_inner_rollback),
        T(large_statements_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
