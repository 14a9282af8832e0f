/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions side by side: AUTO_INCREMENT values are handed out once, definitions come and go under
 * lookups and lists, global variables change while sessions begin. For the thread sanitizer.
 */
#include <stdio.h>

#include "../lib/world.h"
#include "base/thread.h"

#define THREADS 3
#define ROUNDS 200

typedef struct worker {
    world *w;
    ql_thread thread;
    int number;
    uint64_t seen[ROUNDS];
    bool failed;
} worker;

static ql_table *
shared_table(sess *s)
{
    ql_table *t;
    return ql_catalog_get_table(&s->cx, str("mysql"), str("t"), &t) == QL_OK ? t : NULL;
}

static void
make_shared_table(sess *s)
{
    ql_column c = int_column("id", false);
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
}

/* cmocka's asserts belong to the main thread: workers note failures. */
static bool
run_txn(sess *s, ql_status (*fn)(sess *s, worker *k, int i), worker *k, int i)
{
    s->cx.stmt_id++;
    bool ok = ql_txn_begin(&s->cx, QL_REPEATABLE_READ, false) == QL_OK &&
              ql_txn_stmt_begin(&s->cx) == QL_OK && fn(s, k, i) == QL_OK;
    uint64_t state = 0;
    ql_arena_reset(s->cx.arena);
    if (ok) {
        ql_txn_stmt_end(&s->cx);
        ok = ql_txn_commit_at(&s->cx, &state) == QL_OK;
    }
    if (ok) {
        ql_catalog_committed(&s->cx, state);
    } else {
        ql_txn_rollback(&s->cx);
        ql_catalog_rolled_back(&s->cx);
    }
    ql_mdl_release_transaction(&s->cx);
    return ok;
}

static ql_status
take_value(sess *s, worker *k, int i)
{
    ql_table *t = shared_table(s);
    ql_status st = t ? ql_autoinc_reserve(&s->cx, t, 1, &k->seen[i]) : QL_ERROR;
    if (st == QL_OK) {
        char row[16];
        (void)snprintf(row, sizeof row, "\x01row%d.%d", k->number, i);
        ql_table_rows_changed(&s->cx, t, 1);
        st = ql_txn_put(&s->cx, str(row), str("x"));
    }
    ql_table_put(t);
    return st;
}

static void
inserter(void *arg)
{
    worker *k = arg;
    sess s;
    sess_begin(&s, &k->w->inst);
    for (int i = 0; i < ROUNDS && !k->failed; i++) {
        k->failed = !run_txn(&s, take_value, k, i);
    }
    sess_end(&s);
}

static ql_status
create_or_drop(sess *s, worker *k, int i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "own%d", k->number);
    ql_table *t;
    ql_status st =
        ql_catalog_open_table(&s->cx, s->cx.arena, str("mysql"), str(name), QL_MDL_X, false, &t);
    if (i % 3 != 0) {
        return st == QL_OK && i % 3 == 1   ? ql_catalog_truncate_table(&s->cx, t)
               : st == QL_OK && i % 3 == 2 ? ql_catalog_drop_table(&s->cx, t)
                                           : QL_ERROR;
    }
    ql_column c = int_column("a", true);
    ql_table_spec spec = {.db = str("mysql"), .name = str(name), .columns = &c, .ncolumns = 1};
    return st == QL_END ? ql_catalog_create_table(&s->cx, &spec) : QL_ERROR;
}

static void
definer(void *arg)
{
    worker *k = arg;
    sess s;
    sess_begin(&s, &k->w->inst);
    for (int i = 0; i < ROUNDS && !k->failed; i++) {
        k->failed = !run_txn(&s, create_or_drop, k, i);
    }
    sess_end(&s);
}

static void
looker(void *arg)
{
    worker *k = arg;
    for (int i = 0; i < ROUNDS && !k->failed; i++) {
        sess s;
        ql_str *names;
        size_t n;
        ql_value v = ql_value_int(100 + i);
        sess_begin(&s, &k->w->inst);
        k->failed = ql_catalog_list_tables(&s.cx, s.cx.arena, str("mysql"), &names, &n) != QL_OK ||
                    n < 1 || ql_sysvar_set(&s.cx, QL_SV_WAIT_TIMEOUT, true, &v) != QL_OK ||
                    s.vars.wait_timeout < 100;
        sess_end(&s);
    }
}

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
side_by_side(void **state)
{
    world *w = *state;
    static worker inserters[THREADS], others[THREADS];
    static uint64_t all[THREADS * ROUNDS];
    make_shared_table(&w->boot);
    for (int i = 0; i < THREADS; i++) {
        inserters[i] = (worker){.w = w, .number = i};
        others[i] = (worker){.w = w, .number = i};
        OK(ql_thread_start(&w->boot.cx, &inserters[i].thread, "insert", 0, inserter,
                           &inserters[i]));
        OK(ql_thread_start(&w->boot.cx, &others[i].thread, "other", 0, i ? definer : looker,
                           &others[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        ql_thread_join(&inserters[i].thread);
        ql_thread_join(&others[i].thread);
        assert_false(inserters[i].failed);
        assert_false(others[i].failed);
        memcpy(all + i * ROUNDS, inserters[i].seen, sizeof inserters[i].seen);
    }
    qsort(all, THREADS * ROUNDS, sizeof *all, compare);
    for (int i = 0; i < THREADS * ROUNDS; i++) {
        assert_int_equal(all[i], i + 1);
    }
    ql_table *t = shared_table(&w->boot);
    assert_int_equal(ql_table_rows(t), THREADS * ROUNDS);
    ql_table_put(t);
    restart(w);
    t = shared_table(&w->boot);
    assert_int_equal(ql_autoinc_peek(t), THREADS * ROUNDS + 1);
    ql_table_put(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(side_by_side, world_setup, world_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
