/* SPDX-License-Identifier: Apache-2.0
 *
 * AUTO_INCREMENT over transactions and restarts, hidden row ids, row counts.
 */
#include "catalog/catalog_int.h"
#include "fixture.h"

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
    OK(ql_autoinc_seen(&s->cx, t, 5));
    assert_int_equal(ql_autoinc_peek(t), 13);
    OK(ql_autoinc_seen(&s->cx, t, 500));
    assert_int_equal(ql_autoinc_peek(t), 501);
    commit(s);
    ql_table_put(t);
}

/* Whatever was handed out in a committed transaction lies below the counter after a crash. */
static void
a_crash_repeats_nothing(void **state)
{
    world *w = *state;
    ql_table_put(make_table(&w->boot, QL_F_LONGLONG));
    uint64_t last = 0;
    for (int round = 0; round < 20; round++) {
        ql_table *t = get(&w->boot);
        for (int i = 0; i <= round; i++) {
            begin(&w->boot);
            uint64_t v = reserve(&w->boot, t, (uint64_t)(i * 7 + 1));
            assert_true(v > last);
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

/* The statement that wrote the bound is undone, its transaction commits: the bound must not count
 * as stored. */
static void
an_undone_statement_takes_its_bound_along(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_table(s, QL_F_LONG);
    begin(s);
    uint64_t v = reserve(s, t, 1);
    ql_txn_stmt_rollback(&s->cx);
    s->cx.stmt_id++;
    OK(ql_txn_stmt_begin(&s->cx));
    uint64_t u = reserve(s, t, 1);
    assert_true(u > v);
    commit(s);
    ql_table_put(t);
    restart(w);
    t = get(s);
    assert_true(ql_autoinc_peek(t) > u);
    begin(s);
    v = reserve(s, t, 1);
    ql_txn_stmt_rollback(&s->cx);
    OK(ql_txn_stmt_begin(&s->cx));
    OK(ql_txn_put(&s->cx, str("\x01other"), str("x")));
    commit(s);
    begin(s);
    u = reserve(s, t, 1);
    commit(s);
    ql_table_put(t);
    restart(w);
    t = get(s);
    assert_true(ql_autoinc_peek(t) > u);
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
    commit(&b);
    commit(&a);
    ql_table_put(t);
    sess_end(&a);
    sess_end(&b);
    restart(w);
    t = get(&w->boot);
    assert_true(ql_autoinc_peek(t) > last);
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
    OK(ql_autoinc_seen(&s->cx, t, 125));
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
        T(counts_up_and_never_back),
        T(a_crash_repeats_nothing),
        T(an_undone_statement_takes_its_bound_along),
        T(commits_out_of_order),
        T(a_clean_stop_leaves_no_gap),
        T(the_type_ends),
        T(rows_count_when_committed),
        T(row_ids_go_on_after_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
