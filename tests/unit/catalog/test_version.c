/* SPDX-License-Identifier: Apache-2.0
 *
 * New versions of a table: which ids stay, which counters go on, who sees them when; builds that
 * fail or die with the server leave nothing but trash, and their ids are never given out again.
 */
#include <unistd.h>

#include "../lib/world.h"
#include "catalog/catalog_int.h"
#include "txn/beside.h"

/* d.t: id INT AUTO_INCREMENT PRIMARY KEY, n INT, KEY k (n). */
static ql_column columns[3];
static ql_index indexes[3];
static ql_index_part parts[3];

static ql_table_spec
usual(void)
{
    columns[0] = int_column("id", false);
    columns[0].auto_increment = true;
    columns[1] = int_column("n", true);
    columns[2] = int_column("added", true);
    parts[0] = (ql_index_part){.column = 0};
    parts[1] = (ql_index_part){.column = 1};
    parts[2] = (ql_index_part){.column = 1, .descending = true};
    indexes[0] = (ql_index){.parts = &parts[0], .nparts = 1, .primary = true};
    indexes[1] = (ql_index){.name = str("k"), .parts = &parts[1], .nparts = 1};
    indexes[2] = (ql_index){.name = str("k2"), .parts = &parts[2], .nparts = 1};
    return (ql_table_spec){.db = str("d"),
                           .name = str("t"),
                           .columns = columns,
                           .ncolumns = 2,
                           .indexes = indexes,
                           .nindexes = 2};
}

static ql_table *
make(sess *s)
{
    ql_table_spec spec = usual();
    ql_table *t;
    begin(s);
    if (!ql_catalog_has_database(&s->cx, str("d"))) {
        OK(ql_catalog_create_database(&s->cx, str("d"), NULL));
    }
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    return t;
}

/* A key under an index id, written in a commit of its own. */
static void
write_key(sess *s, uint32_t id, const char *text)
{
    ql_txn *saved = s->cx.txn;
    ql_buf key = {0};
    OK(qli_key_begin(&s->cx, &key, id));
    OK(ql_buf_put_str(&s->cx, &key, text));
    OK(ql_beside_begin(&s->cx, true));
    OK(ql_txn_put(&s->cx, qli_buf_str(&key), str("x")));
    OK(ql_txn_commit(&s->cx));
    s->cx.txn = saved;
    ql_buf_free(&key);
}

static unsigned
keys_below(sess *s, uint32_t id)
{
    ql_kv_snap *snap;
    ql_kv_cursor *cur;
    ql_buf key = {0};
    ql_str k, v;
    unsigned n = 0;
    OK(qli_key_begin(&s->cx, &key, id));
    OK(ql_kv_snap_begin(&s->cx, s->cx.inst->kv, &snap));
    OK(ql_kv_cursor_open(&s->cx, snap, &cur));
    ql_status st = ql_kv_seek_ge(&s->cx, cur, qli_buf_str(&key), &k, &v);
    while (st == QL_OK && k.n >= 4 && memcmp(k.p, key.p, 4) == 0) {
        n++;
        st = ql_kv_next(&s->cx, cur, &k, &v);
    }
    ql_kv_cursor_close(cur);
    ql_kv_snap_end(snap);
    ql_buf_free(&key);
    return n;
}

/* Until the purger has been there. */
static void
wait_for_purge(sess *s, uint32_t id)
{
    for (unsigned i = 0; i < 2000 && keys_below(s, id) != 0; i++) {
        usleep(5000);
    }
    assert_int_equal(keys_below(s, id), 0);
}

static void
an_added_index_leaves_the_others(void **state)
{
    world *w = *state;
    sess *s = &w->boot, other;
    ql_table *old = make(s), *next, *seen;
    ql_table_spec spec = usual();
    const int from_column[] = {0, 1}, from_index[] = {0, 1, -1};
    ql_table_change c = {.spec = &spec, .from_column = from_column, .from_index = from_index};
    ql_building *b;
    uint64_t first;
    spec.nindexes = 3;
    sess_begin(&other, &w->inst);
    OK(ql_autoinc_reserve(&s->cx, old, 7, &first));
    begin(s);
    OK(ql_catalog_new_version(&s->cx, old, &c, &next));
    assert_true(next->id == old->id && next->state == old->state);
    assert_int_equal(next->indexes[0].id, old->indexes[0].id);
    assert_int_equal(next->indexes[1].id, old->indexes[1].id);
    assert_true(next->indexes[2].id > old->indexes[1].id);
    assert_true(next->indexes[2].born == QL_INDEX_NOT_BORN);
    assert_true(next->indexes[0].born == old->indexes[0].born);
    OK(ql_catalog_build_begin(&s->cx, next, old, &b));
    assert_int_equal(keys_below(s, QLI_IX_BUILDING), 1);
    write_key(s, next->indexes[2].id, "entry");
    OK(ql_catalog_switch(&s->cx, old, next, NULL));
    OK(ql_catalog_get_table(&other.cx, str("d"), str("t"), &seen));
    assert_ptr_equal(seen, old);
    ql_table_put(seen);
    commit(s);
    ql_catalog_build_end(&s->cx, b);
    assert_int_equal(keys_below(s, QLI_IX_BUILDING), 0);
    assert_int_equal(keys_below(s, next->indexes[2].id), 1);
    OK(ql_catalog_get_table(&other.cx, str("d"), str("t"), &seen));
    assert_ptr_equal(seen, next);
    assert_true(seen->indexes[2].born != QL_INDEX_NOT_BORN && seen->indexes[2].born > 0);
    assert_int_equal(seen->version, old->version + 1);
    assert_int_equal(ql_autoinc_peek(seen), first + 7);
    ql_table_put(seen);
    ql_table_put(next);
    ql_table_put(old);
    sess_end(&other);
    restart(w);
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &seen));
    assert_int_equal(seen->nindexes, 3);
    assert_int_equal(seen->indexes[2].born, 0);
    ql_table_put(seen);
}

static void
expect_layout(sess *s, uint16_t n, const uint16_t *values)
{
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    assert_int_equal(t->layout.n, n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(t->layout.values[i], values[i]);
        assert_int_equal(t->layout.types[i].kind, QL_K_INT);
        assert_int_equal(t->layout.types[i].field, QL_F_LONG);
    }
    assert_int_equal(t->layout.missing[2].i, 9);
    ql_table_put(t);
}

/* (id, n) becomes (added, id, n), then (added, id): rows stay as they are. */
static void
columns_come_and_go_without_touching_rows(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old = make(s), *next, *last;
    ql_table_spec spec = usual();
    const int from_column[] = {-1, 0, 1}, from_index[] = {0, 1}, then_column[] = {0, 1};
    const ql_value new_values[] = {ql_value_int(9), ql_value_null(), ql_value_null()};
    const uint16_t first[] = {1, 2, 0}, second[] = {1, QL_NO_VALUE, 0};
    ql_table_change c = {.spec = &spec,
                         .from_column = from_column,
                         .from_index = from_index,
                         .new_values = new_values};
    ql_column was[] = {columns[0], columns[1], columns[2]};
    columns[0] = was[2];
    columns[1] = was[0];
    columns[2] = was[1];
    parts[0].column = 1;
    parts[1].column = 2;
    spec.ncolumns = 3;
    begin(s);
    OK(ql_catalog_new_version(&s->cx, old, &c, &next));
    OK(ql_catalog_switch(&s->cx, old, next, NULL));
    commit(s);
    expect_layout(s, 3, first);
    begin(s);
    c = (ql_table_change){.spec = &spec, .from_column = then_column, .from_index = from_index};
    spec.ncolumns = 2;
    spec.nindexes = 1;
    OK(ql_catalog_new_version(&s->cx, next, &c, &last));
    OK(ql_catalog_switch(&s->cx, next, last, NULL));
    commit(s);
    expect_layout(s, 3, second);
    ql_table_put(old);
    ql_table_put(next);
    ql_table_put(last);
    restart(w);
    expect_layout(&w->boot, 3, second);
}

static void
a_rebuilt_table_has_new_ids_and_goes_on_counting(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old = make(s), *next, *seen;
    ql_table_spec spec = usual();
    const int from_column[] = {0, 1, -1}, from_index[] = {0, 1};
    ql_table_change c = {
        .spec = &spec, .from_column = from_column, .from_index = from_index, .rebuild = true};
    ql_building *b;
    uint64_t first;
    spec.ncolumns = 3;
    spec.name = str("renamed");
    OK(ql_autoinc_reserve(&s->cx, old, 41, &first));
    ql_table_rows_init(old, 12);
    write_key(s, old->indexes[0].id, "row");
    begin(s);
    OK(ql_catalog_new_version(&s->cx, old, &c, &next));
    assert_true(next->id > old->indexes[1].id && next->state != old->state);
    assert_true(next->indexes[0].id > next->id && next->indexes[1].id > next->indexes[0].id);
    OK(ql_catalog_build_begin(&s->cx, next, old, &b));
    OK(ql_catalog_switch(&s->cx, old, next, NULL));
    assert_int_equal(ql_autoinc_peek(next), 42);
    assert_int_equal(ql_table_rows(next), 12);
    commit(s);
    ql_catalog_build_end(&s->cx, b);
    assert_false(qli_table_exists(&s->cx, str("d"), str("t")));
    wait_for_purge(s, old->indexes[0].id);
    ql_table_put(next);
    ql_table_put(old);
    restart(w);
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("renamed"), &seen));
    assert_int_equal(ql_autoinc_peek(seen), 42);
    assert_int_equal(seen->ncolumns, 3);
    ql_table_put(seen);
    FAILS(&w->boot, ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &seen), 1146);
}

/* Failed: rolled back, and the ids go to the trash, whatever the kill flag says. */
static void
a_failed_build_is_trash(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old = make(s), *next, *seen;
    ql_table_spec spec = usual();
    const int from_column[] = {0, 1}, from_index[] = {0, 1};
    ql_table_change c = {
        .spec = &spec, .from_column = from_column, .from_index = from_index, .rebuild = true};
    ql_building *b;
    for (int killed = 0; killed < 2; killed++) {
        begin(s);
        ql_intr_stmt_begin(s->cx.intr, s->cx.stmt_id);
        OK(ql_catalog_new_version(&s->cx, old, &c, &next));
        uint32_t id = next->indexes[0].id;
        OK(ql_catalog_build_begin(&s->cx, next, old, &b));
        write_key(s, id, "row");
        OK(ql_catalog_switch(&s->cx, old, next, NULL));
        if (killed) {
            (void)ql_intr_raise(s->cx.intr, QL_INTR_QUERY, s->cx.stmt_id);
            assert_int_equal(ql_check(&s->cx), QL_KILLED);
        }
        rollback(s);
        ql_catalog_build_end(&s->cx, b);
        ql_table_put(next);
        ql_intr_stmt_end(s->cx.intr);
        ql_diag_reset(s->cx.diag);
        wait_for_purge(s, id);
        assert_int_equal(keys_below(s, QLI_IX_BUILDING), 0);
        OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &seen));
        assert_ptr_equal(seen, old);
        ql_table_put(seen);
    }
    ql_table_put(old);
}

/* The server dies in the middle: the old table is there, what was written goes, and no new table
 * gets those ids although the transaction that took them is lost. */
static void
a_crash_leaves_trash_only(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old = make(s), *next;
    ql_table_spec spec = usual();
    const int from_column[] = {0, 1}, from_index[] = {0, 1};
    ql_table_change c = {
        .spec = &spec, .from_column = from_column, .from_index = from_index, .rebuild = true};
    ql_building *b;
    begin(s);
    OK(ql_catalog_new_version(&s->cx, old, &c, &next));
    uint32_t id = next->indexes[0].id, last = next->indexes[1].id;
    OK(ql_catalog_build_begin(&s->cx, next, old, &b));
    write_key(s, id, "row");
    OK(ql_catalog_switch(&s->cx, old, next, NULL));
    ql_txn_rollback(&s->cx); /* what a crash does to it */
    ql_table_put(next);
    ql_table_put(old);
    ql_table_put(next); /* the build's reference */
    ql_mem_free(b);
    ql_catalog_rolled_back(&s->cx);
    restart(w);
    s = &w->boot;
    assert_int_equal(keys_below(s, id), 1);
    OK(ql_catalog_sweep_builds(&s->cx));
    wait_for_purge(s, id);
    assert_int_equal(keys_below(s, QLI_IX_BUILDING), 0);
    ql_table *t;
    OK(ql_catalog_get_table(&s->cx, str("d"), str("t"), &t));
    assert_int_equal(t->nindexes, 2);
    ql_table_put(t);
    begin(s);
    spec.name = str("later");
    OK(ql_catalog_create_table(&s->cx, &spec));
    commit(s);
    OK(ql_catalog_get_table(&s->cx, str("d"), str("later"), &t));
    assert_true(t->id > last);
    ql_table_put(t);
}

static void
names_are_checked(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old = make(s), *next;
    ql_table_spec spec = usual();
    const int from_column[] = {0, 1, -1}, from_index[] = {0, 1};
    ql_table_change c = {.spec = &spec, .from_column = from_column, .from_index = from_index};
    begin(s);
    spec.db = str("nowhere");
    FAILS(s, ql_catalog_new_version(&s->cx, old, &c, &next), 1049);
    spec.db = str("information_schema");
    FAILS(s, ql_catalog_new_version(&s->cx, old, &c, &next), 1049);
    rollback(s);
    ql_table_put(old);
}

/* A column added without a rebuild: rows lack it, and have its value all the same. */
static void
missing_values(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *old = make(s), *next, *seen;
    ql_table_spec spec = usual();
    const int from_column[] = {0, 1, -1}, from_index[] = {0, 1};
    const ql_value values[] = {ql_value_null(), ql_value_null(), ql_value_int(5)};
    ql_table_change c = {
        .spec = &spec, .from_column = from_column, .from_index = from_index, .new_values = values};
    spec.ncolumns = 3;
    begin(s);
    OK(ql_catalog_new_version(&s->cx, old, &c, &next));
    OK(ql_catalog_switch(&s->cx, old, next, NULL));
    commit(s);
    ql_table_put(next);
    ql_table_put(old);
    restart(w);
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str("t"), &seen));
    assert_int_equal(seen->missing[2].i, 5);
    ql_table_put(seen);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_added_index_leaves_the_others),
        TEST(a_rebuilt_table_has_new_ids_and_goes_on_counting),
        TEST(a_failed_build_is_trash),
        TEST(a_crash_leaves_trash_only),
        TEST(names_are_checked),
        TEST(missing_values),
        TEST(columns_come_and_go_without_touching_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
