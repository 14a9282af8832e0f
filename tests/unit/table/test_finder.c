/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that foreign keys look for: which state they see, what they lock, blocks of rows behind one,
 * who else is asked before a row is written.
 */
#include "fixture.h"
#include "table/finder.h"

static ql_finder *
finder(sess *s, ql_table *t, const char *index, uint16_t n)
{
    ql_finder *f;
    const ql_index *ix =
        strcmp(index, "PRIMARY") == 0 ? &t->indexes[0] : ql_table_index(t, str(index));
    OK(ql_finder_new(&s->cx, s->cx.arena, t, ix, n, &f));
    return f;
}

/* Would another session get the lock, or insert the row, at once? */
static bool
others_may_delete(world *w, ql_table *t, int64_t id)
{
    sess b;
    ql_buf key = {0};
    row_values r = row_of(id, NO_INT, NULL, 0);
    sess_begin(&b, &w->inst);
    begin(&b);
    OK(qli_clustered_key(&b.cx, &key, t, r.v));
    ql_lock_how how = {.mode = QL_LOCK_X, .policy = QL_LOCK_NOWAIT};
    ql_status st = ql_txn_lock_row(&b.cx, qli_str(&key), &how);
    ql_buf_free(&key);
    rollback(&b);
    sess_end(&b);
    return st == QL_OK;
}

static bool
others_may_insert(world *w, ql_table *t, row_values r)
{
    sess b;
    ql_write_result result;
    ql_dup dup;
    sess_begin(&b, &w->inst);
    b.vars.innodb_lock_wait_timeout = 0;
    begin(&b);
    ql_status st = ql_table_insert(&b.cx, t, r.v, QL_LOCK_S, &result, &dup);
    rollback(&b);
    sess_end(&b);
    return st == QL_OK;
}

static void
fill(sess *s, ql_table *t)
{
    begin(s);
    for (int64_t i = 1; i <= 9; i++) {
        insert_ok(s, t, row_of(i, i * 10, i % 2 ? "odd" : "even", (uint64_t)i));
    }
    commit(s);
}

static void
one_is_shared(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t);
    begin(s);
    ql_finder *f = finder(s, t, "PRIMARY", 1);
    ql_value v = ql_value_int(3);
    OK(ql_finder_share(&s->cx, f, &v));
    assert_false(others_may_delete(w, t, 3));
    assert_true(others_may_delete(w, t, 4));
    v = ql_value_int(20); /* not there: nothing stays locked */
    assert_int_equal(ql_finder_share(&s->cx, f, &v), QL_END);
    assert_true(others_may_insert(w, t, row_of(20, 200, "x", 1)));
    insert_ok(s, t, row_of(20, 200, "x", 1)); /* of the running statement: seen */
    OK(ql_finder_share(&s->cx, f, &v));
    /* By the beginning of an index that is not unique: one entry is locked. */
    ql_finder *k = finder(s, t, "k", 1);
    v = ql_value_str(str("even"), ql_coll_binary);
    OK(ql_finder_share(&s->cx, k, &v));
    assert_true(others_may_insert(w, t, row_of(30, 300, "even", 1)));
    v = ql_value_str(str("none"), ql_coll_binary); /* none: nobody may make one */
    assert_int_equal(ql_finder_share(&s->cx, k, &v), QL_END);
    assert_false(others_may_insert(w, t, row_of(30, 300, "none", 1)));
    rollback(s);
    ql_table_put(t);
}

static void
all_in_blocks(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t);
    begin(s);
    ql_finder *f = finder(s, t, "k", 1);
    ql_arena *mem = ql_arena_new("block", NULL);
    ql_finding g;
    ql_value v = ql_value_str(str("even"), ql_coll_binary), old[NCOLS];
    OK(ql_finding_begin(&s->cx, f, &v, QL_LOCK_X, mem, &g));
    assert_false(others_may_insert(w, t, row_of(40, 400, "even", 1)));
    assert_true(others_may_insert(w, t, row_of(40, 400, "evem", 1)));
    int n = 0, blocks = 0;
    ql_status st;
    while ((st = ql_finding_next(&s->cx, &g, 3)) == QL_OK) {
        blocks++;
        for (uint16_t i = 0; i < g.n; i++) { /* rows go and come between two blocks */
            bool has;
            OK(ql_table_lock_row(&s->cx, s->cx.arena, t, g.locators[i], old));
            OK(ql_finding_has(&s->cx, &g, old, &has));
            assert_true(has);
            OK(ql_table_delete(&s->cx, t, g.locators[i], old));
            n++;
        }
    }
    assert_int_equal(st, QL_END);
    assert_int_equal(n, 4);
    assert_int_equal(blocks, 2);
    ql_finding_end(&g);
    OK(ql_finding_begin(&s->cx, f, &v, QL_LOCK_S, mem, &g));
    assert_int_equal(ql_finding_next(&s->cx, &g, 1), QL_END);
    ql_finding_end(&g);
    ql_arena_free(mem);
    rollback(s);
    ql_table_put(t);
}

/* --- who else has a say --- */

typedef struct asked {
    int order[16], n, refuse;
    bool had_old;
} asked;

static ql_status
note(ql_ctx *cx, void *arg, uint16_t index, const ql_value *old, const ql_value *row)
{
    asked *a = arg;
    (void)row;
    a->order[a->n++] = index;
    a->had_old = old != NULL;
    return index == a->refuse ? ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "no") : QL_OK;
}

static void
asked_index_by_index(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    make_table(s, true);
    ql_table *t = open_table(s);
    fill(s, t);
    begin(s);
    asked a = {.refuse = -1};
    ql_key_watch watch = {note, &a};
    ql_write_result result;
    ql_dup dup;
    row_values r = row_of(50, 500, "new", 1);
    OK(ql_table_insert_watched(&s->cx, t, &watch, r.v, QL_LOCK_S, &result, &dup));
    assert_int_equal(a.n, t->nindexes);
    for (int i = 0; i < a.n; i++) {
        assert_int_equal(a.order[i], i);
    }
    assert_false(a.had_old);
    /* The key is there already: those behind it are not asked. */
    a = (asked){.refuse = -1};
    r = row_of(1, 999, "new", 1);
    OK(ql_table_insert_watched(&s->cx, t, &watch, r.v, QL_LOCK_S, &result, &dup));
    assert_int_equal(result, QL_DUPLICATE);
    assert_int_equal(a.n, 1);
    /* Somebody says no: nothing is written. */
    a = (asked){.refuse = t->nindexes - 1};
    r = row_of(60, 600, "new", 1);
    assert_int_equal(ql_table_insert_watched(&s->cx, t, &watch, r.v, QL_LOCK_S, &result, &dup),
                     QL_ERROR);
    ql_diag_clear_error(s->cx.diag);
    ql_finder *f = finder(s, t, "PRIMARY", 1);
    ql_value v = ql_value_int(60);
    assert_int_equal(ql_finder_look(&s->cx, f, QL_VIEW_CURRENT, &v), QL_END);
    rollback(s);
    ql_table_put(t);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {T(one_is_shared), T(all_in_blocks), T(asked_index_by_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
