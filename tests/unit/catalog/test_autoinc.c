/* SPDX-License-Identifier: Apache-2.0
 *
 * AUTO_INCREMENT over transactions and restarts, hidden row ids, row counts.
 */
#include "../lib/world.h"
#include "catalog/catalog_int.h"
#include "kv/memkv.h"

static ql_table *
make_table(sess *s, ql_field field)
{
    ql_column c = int_column("id", false);
    c.type.field = field;
    c.auto_increment = true;
    ql_index_part p = {.column = 0};
    ql_index ix = {.parts = &p, .nparts = 1, .primary = true};
    ql_table_spec spec = {.db = str("mysql"),
                          .name = str("t"),
                          .columns = &c,
                          .ncolumns = 1,
                          .indexes = &ix,
                          .nindexes = 1};
    begin(s);
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("mysql"), str("t"), &t));
    return t;
}

static ql_table *
get(sess *s)
{
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("mysql"), str("t"), &t));
    return t;
}

static uint64_t
reserve(sess *s, ql_table *t, uint64_t n)
{
    uint64_t first = 0;
    OK(ql_autoinc_reserve(&s->cx, t, n, &first));
    return first;
}

/* Something for the transaction to commit. */
static void
write_row(sess *s)
{
    OK(ql_txn_put(&s->cx, str("\x01row"), str("x")));
}

static void
counts_up_and_never_back(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_LONG);
    begin(s);
    assert_int_equal(reserve(s, t, 1), 1);
    assert_int_equal(reserve(s, t, 10), 2);
    rollback(s);
    begin(s);
    assert_int_equal(reserve(s, t, 1), 12);
    ql_autoinc_seen(&s->cx, t, 5);
    assert_int_equal(ql_autoinc_peek(t), 13);
    ql_autoinc_seen(&s->cx, t, 500);
    assert_int_equal(ql_autoinc_peek(t), 501);
    commit(s);
    ql_table_put(t);
}

/* Whatever was handed out in a committed transaction lies below the counter after a crash, and
 * nothing else is skipped. */
static void
a_crash_repeats_nothing(void **state)
{
    world *w = *state;
    ql_table_put(make_table(&w->boot, QL_F_LONGLONG));
    uint64_t last = 0;
    for (int round = 0; round < 20; round++) {
        ql_table *t = get(&w->boot);
        assert_int_equal(ql_autoinc_peek(t), last + 1);
        for (int i = 0; i <= round; i++) {
            begin(&w->boot);
            uint64_t v = reserve(&w->boot, t, (uint64_t)(i * 7 + 1));
            assert_true(v > last);
            write_row(&w->boot);
            if (i % 3 == 2) {
                rollback(&w->boot);
                continue;
            }
            last = v + (uint64_t)(i * 7);
            commit(&w->boot);
        }
        ql_table_put(t);
        restart(w);
    }
}

/* What a statement had before it was undone is skipped, if its transaction or another one commits
 * rows afterwards, of whatever table. */
static void
an_undone_statement_skips(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_LONG);
    begin(s);
    assert_int_equal(reserve(s, t, 4), 1);
    write_row(s);
    ql_txn_stmt_rollback(&s->cx);
    s->cx.stmt_id++;
    OK(ql_txn_stmt_begin(&s->cx));
    write_row(s);
    commit(s);
    ql_table_put(t);
    restart(w);
    t = get(s);
    assert_int_equal(ql_autoinc_peek(t), 5);
    begin(s);
    assert_int_equal(reserve(s, t, 10), 5);
    write_row(s);
    rollback(s); /* and no commit after it */
    ql_table_put(t);
    restart(w);
    t = get(s);
    assert_int_equal(ql_autoinc_peek(t), 5);
    ql_table_put(t);
}

/* A group that fails takes no counter along; the next one does. */
static void
a_failed_commit_keeps_the_counter_ahead(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_LONG);
    begin(s);
    assert_int_equal(reserve(s, t, 7), 1);
    write_row(s);
    ql_memkv_fail_commits(w->inst.kv, 1, QL_ER_GET_ERRNO);
    ql_txn_stmt_end(&s->cx);
    assert_int_equal(ql_txn_commit(&s->cx), QL_ERROR);
    ql_diag_reset(s->cx.diag);
    ql_catalog_rolled_back(&s->cx);
    begin(s);
    write_row(s);
    commit(s);
    ql_table_put(t);
    restart(w);
    t = get(s);
    assert_int_equal(ql_autoinc_peek(t), 8);
    ql_table_put(t);
}

/* The last value of BIGINT UNSIGNED is used: nothing comes after it, after a restart either. */
static void
used_up_stays_used_up(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_LONGLONG);
    uint64_t v;
    begin(s);
    ql_autoinc_seen(&s->cx, t, UINT64_MAX);
    write_row(s);
    commit(s);
    ql_table_put(t);
    restart(w);
    t = get(s);
    begin(s);
    FAILS(s, ql_autoinc_reserve(&s->cx, t, 1, &v), 1467);
    rollback(s);
    ql_table_put(t);
}

/* Two transactions that commit in another order than they reserved. */
static void
commits_out_of_order(void **state)
{
    world *w = *state;
    ql_table *t = make_table(&w->boot, QL_F_LONG);
    sess a, b;
    sess_begin(&a, &w->inst);
    sess_begin(&b, &w->inst);
    begin(&a);
    begin(&b);
    (void)reserve(&a, t, 100);
    uint64_t last = reserve(&b, t, 1000) + 999;
    write_row(&a);
    write_row(&b);
    commit(&b);
    commit(&a);
    ql_table_put(t);
    sess_end(&a);
    sess_end(&b);
    restart(w);
    t = get(&w->boot);
    assert_int_equal(ql_autoinc_peek(t), last + 1);
    ql_table_put(t);
}

static void
a_clean_stop_leaves_no_gap(void **state)
{
    world *w = *state;
    ql_table *t = make_table(&w->boot, QL_F_LONG);
    begin(&w->boot);
    assert_int_equal(reserve(&w->boot, t, 3), 1);
    ql_table_rows_changed(&w->boot.cx, t, 3);
    commit(&w->boot);
    ql_table_put(t);
    OK(ql_catalog_checkpoint(&w->boot.cx));
    restart(w);
    t = get(&w->boot);
    assert_int_equal(ql_autoinc_peek(t), 4);
    assert_int_equal(ql_table_rows(t), 3);
    ql_table_put(t);
}

static void
the_type_ends(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_TINY);
    uint64_t v;
    begin(s);
    ql_autoinc_seen(&s->cx, t, 125);
    assert_int_equal(reserve(s, t, 1), 126);
    FAILS(s, ql_autoinc_reserve(&s->cx, t, 2, &v), 1467);
    assert_int_equal(reserve(s, t, 1), 127);
    FAILS(s, ql_autoinc_reserve(&s->cx, t, 1, &v), 1467);
    commit(s);
    ql_table_put(t);
}

static void
rows_count_when_committed(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_LONG);
    assert_int_equal(ql_table_rows(t), 0);
    begin(s);
    ql_table_rows_changed(&s->cx, t, 5);
    assert_int_equal(ql_table_rows(t), 0);
    s->cx.stmt_id++;
    ql_table_rows_changed(&s->cx, t, 100);
    ql_catalog_stmt_rolled_back(&s->cx);
    commit(s);
    assert_int_equal(ql_table_rows(t), 5);
    begin(s);
    ql_table_rows_changed(&s->cx, t, -2);
    rollback(s);
    assert_int_equal(ql_table_rows(t), 5);
    ql_table_put(t);
}

static void
row_ids_go_on_after_restart(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_column c = int_column("a", true);
    ql_table_spec spec = {.db = str("mysql"), .name = str("t"), .columns = &c, .ncolumns = 1};
    begin(s);
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    ql_table *t = get(s);
    assert_true(t->indexes[0].hidden_rowid);
    uint64_t id;
    begin(s);
    OK(ql_rowid_next(&s->cx, t, &id));
    assert_int_equal(id, 1);
    OK(ql_rowid_next(&s->cx, t, &id));
    ql_buf key = {0};
    OK(qli_key_begin(&s->cx, &key, t->indexes[0].id));
    OK(qli_put_be64(&s->cx, &key, id));
    OK(ql_txn_put(&s->cx, (ql_str){key.p, key.n}, str("row")));
    ql_buf_free(&key);
    commit(s);
    ql_table_put(t);
    restart(w);
    t = get(s);
    OK(ql_rowid_next(&s->cx, t, &id));
    assert_int_equal(id, 3);
    ql_table_put(t);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(counts_up_and_never_back),   T(a_crash_repeats_nothing),
        T(an_undone_statement_skips),  T(a_failed_commit_keeps_the_counter_ahead),
        T(used_up_stays_used_up),      T(commits_out_of_order),
        T(a_clean_stop_leaves_no_gap), T(the_type_ends),
        T(rows_count_when_committed),  T(row_ids_go_on_after_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
