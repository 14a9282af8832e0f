/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of temporary tables: given out and emptied when nobody has them, found as nobody's by the
 * next start, not given twice when they have all been used. Their keys take no row locks, may be
 * written in READ ONLY transactions, and are not what outlives the server.
 */
#include "txn/scratch.h"
#include "txn/txn_int.h"
#include "txn_support.h"

static ql_str
key_of(char buf[5], uint32_t id, char c)
{
    for (int i = 0; i < 4; i++) {
        buf[i] = (char)(id >> (24 - 8 * i));
    }
    buf[4] = c;
    return (ql_str){buf, 5};
}

static void
write_rows(session *s, uint32_t id, unsigned n)
{
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    for (unsigned i = 0; i < n; i++) {
        char key[16];
        (void)key_of(key, id, 0);
        snprintf(key + 4, 12, "%06u", i);
        assert_int_equal(ql_txn_put(&s->cx, (ql_str){key, 10}, QL_STR("row")), QL_OK);
    }
    assert_true(ql_txn_has_writes(s->cx.txn));
    assert_false(ql_txn_writes_lasting(s->cx.txn));
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
}

static uint64_t
entries(world *w)
{
    ql_kv_stats st;
    ql_kv_get_stats(w->inst.kv, &st);
    return st.entries;
}

static void
expect_empty(world *w)
{
    for (int i = 0; i < 20000 && ql_scratch_count(w->inst.txns) > 0; i++) {
        pause_ms(1);
    }
    assert_int_equal(ql_scratch_count(w->inst.txns), 0);
    assert_int_equal(entries(w), 0);
}

static void
test_given_and_emptied(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    ql_scratch *a, *b, *c;
    assert_int_equal(ql_scratch_take(&s->cx, 3, NULL, &a), QL_OK);
    assert_int_equal(ql_scratch_take(&s->cx, 2, a, &b), QL_OK);
    assert_int_equal(ql_scratch_take(&s->cx, 1, NULL, &c), QL_OK);
    assert_true(ql_scratch_first(b) >= ql_scratch_first(a) + 3);
    assert_true(ql_scratch_first(c) >= ql_scratch_first(b) + 2);
    write_rows(s, ql_scratch_first(a) + 2, 2500); /* more than one commit of the purger's */
    write_rows(s, ql_scratch_first(b), 10);
    write_rows(s, ql_scratch_first(c), 10);
    assert_int_equal(entries(w), 2520);
    ql_scratch_put(a); /* b has it still */
    ql_scratch_put(c);
    for (int i = 0; i < 20000 && ql_scratch_count(w->inst.txns) > 2; i++) {
        pause_ms(1);
    }
    assert_int_equal(ql_scratch_count(w->inst.txns), 2);
    assert_int_equal(entries(w), 2510);
    ql_scratch_put(b);
    expect_empty(w);
    world_close(w);
}

/* What a server leaves: the next one's ids begin above it. */
static void
test_left_behind(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    ql_scratch *a, *b;
    assert_int_equal(ql_scratch_take(&s->cx, 4, NULL, &a), QL_OK);
    assert_int_equal(ql_scratch_take(&s->cx, 4, NULL, &b), QL_OK);
    write_rows(s, ql_scratch_first(a), 5);
    write_rows(s, ql_scratch_first(b) + 3, 1500);
    uint32_t last = ql_scratch_first(b) + 3;
    ql_kv *kv = w->inst.kv;
    world_stop(w);
    free(w);
    w = world_open(kv, 0);
    s = &w->boss;
    assert_int_equal(ql_scratch_take(&s->cx, 4, NULL, &a), QL_OK);
    assert_true(ql_scratch_first(a) > last);
    write_rows(s, ql_scratch_first(a), 7);
    for (int i = 0; i < 20000 && ql_scratch_count(w->inst.txns) > 1; i++) {
        pause_ms(1);
    }
    assert_int_equal(entries(w), 7);
    ql_scratch_put(a);
    expect_empty(w);
    world_close(w);
}

/* After all have been given out once, those that somebody has are passed over. */
static void
test_used_up(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    ql_scratch *a, *b, *c, *d;
    assert_int_equal(ql_scratch_take(&s->cx, 5, NULL, &a), QL_OK);
    w->inst.txns->scratch_next = QL_SCRATCH_END - 4;
    assert_int_equal(ql_scratch_take(&s->cx, 3, NULL, &b), QL_OK);
    assert_int_equal(ql_scratch_first(b), QL_SCRATCH_END - 4);
    assert_int_equal(ql_scratch_take(&s->cx, 3, NULL, &c), QL_OK); /* three do not fit behind b */
    assert_int_equal(ql_scratch_first(c), ql_scratch_first(a) + 5);
    w->inst.txns->scratch_next = QL_SCRATCH_END - 6;
    assert_int_equal(ql_scratch_take(&s->cx, 4, NULL, &d), QL_OK); /* b is in the way, then a, c */
    assert_int_equal(ql_scratch_first(d), ql_scratch_first(c) + 3);
    assert_int_equal(ql_scratch_take(&s->cx, QL_SCRATCH_END - QL_SCRATCH_FIRST, NULL, &d),
                     QL_ERROR);
    session_next(s);
    for (ql_scratch **p = (ql_scratch *[]){a, b, c, NULL}; *p != NULL; p++) {
        ql_scratch_put(*p);
    }
    world_stop(w); /* d is somebody's still */
    ql_kv_close(w->inst.kv);
    free(w);
}

static void
test_keys(void **state)
{
    (void)state;
    world *w = world_open(NULL, 0);
    session *s = &w->boss;
    ql_scratch *a;
    char buf[5];
    ql_lock_how how = {.mode = QL_LOCK_X, .policy = QL_LOCK_WAIT, .deadline = QL_FOREVER};
    ql_lock_range *range = NULL;
    char high[5];
    assert_int_equal(ql_scratch_take(&s->cx, 1, NULL, &a), QL_OK);
    uint32_t id = ql_scratch_first(a);
    assert_int_equal(ql_txn_begin(&s->cx, QL_SERIALIZABLE, true), QL_OK);
    stmt(s);
    assert_int_equal(ql_txn_put(&s->cx, key_of(buf, id, 'k'), QL_STR("v")), QL_OK);
    assert_int_equal(ql_txn_lock_row(&s->cx, key_of(buf, id, 'k'), &how), QL_OK);
    assert_int_equal(ql_txn_lock_insert(&s->cx, key_of(buf, id, 'k'), QL_FOREVER), QL_OK);
    assert_int_equal(
        ql_txn_lock_range(&s->cx, key_of(buf, id, 'a'), key_of(high, id, 'z'), true, &how, &range),
        QL_OK);
    ql_txn_unlock_row(&s->cx, key_of(buf, id, 'k'));
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    assert_int_equal(st.row_locks, 0);
    assert_int_equal(st.temporary_tables, 1);
    assert_int_equal(ql_txn_put(&s->cx, QL_STR("\1other"), QL_STR("v")), QL_ERROR);
    assert_int_equal(error_of(s), QL_ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    session_next(s);
    ql_txn_stmt_end(&s->cx);
    assert_false(ql_txn_writes_lasting(s->cx.txn));
    assert_int_equal(ql_txn_commit(&s->cx), QL_OK);
    begin(s, QL_REPEATABLE_READ);
    stmt(s);
    put(s, "other", "v");
    assert_true(ql_txn_writes_lasting(s->cx.txn));
    ql_txn_rollback(&s->cx);
    assert_false(ql_scratch_has(QL_STR("")));
    assert_false(ql_scratch_has(QL_STR("\x7f\xff\xff\xff")));
    assert_true(ql_scratch_has(QL_STR("\x80\0\0\0")));
    assert_true(ql_scratch_has(QL_STR("\xfd\xff\xff\xff")));
    assert_false(ql_scratch_has(QL_STR("\xfe"
                                       "t")));
    ql_scratch_put(a);
    expect_empty(w);
    world_close(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_and_emptied),
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_used_up),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
