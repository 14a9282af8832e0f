/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in whose way: edges of a few locks, and how long many of them go on without a look at the
 * kill flag.
 */
#include "fixture.h"

#include "views/lockwaits_int.h"

static ql_lock_info
lock(uint64_t id, bool granted, const char *low, const char *high)
{
    return (ql_lock_info){.lock_id = id,
                          .trx_id = id,
                          .conn_id = id,
                          .kind = high != NULL ? QL_LOCK_RANGE : QL_LOCK_REC,
                          .mode = QL_LOCK_X,
                          .granted = granted,
                          .low = str(low),
                          .high = high != NULL ? str(high) : (ql_str){0}};
}

static void
few(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    /* 1 holds b, 2 waits for a..c, 3 for b behind 2, 4 holds x. */
    ql_lock_info l[] = {lock(1, true, "b", NULL), lock(2, false, "a", "c"),
                        lock(3, false, "b", NULL), lock(4, true, "x", NULL)};
    l[1].blocking_lock_id = 1;
    l[2].blocking_lock_id = 2;
    qli_lock_edge *e;
    size_t n;
    OK(qli_lock_edges(&s->cx, s->cx.arena, l, QL_ARRAY_LEN(l), &e, &n));
    assert_int_equal(n, 3);
    assert_true(e[0].waiter == 1 && e[0].blocker == 0);
    assert_true(e[1].waiter == 2 && e[1].blocker == 0);
    assert_true(e[2].waiter == 2 && e[2].blocker == 1);
}

/* --- looks --- */

static size_t looks, fail_at;

static ql_status
count_look(ql_ctx *cx)
{
    (void)cx;
    return ++looks == fail_at ? QL_KILLED : QL_OK;
}

/* 1,000 locks of other keys against 4,000 waits for ranges: four million pairs, none of them an
 * edge. */
static ql_status
find_none(sess *s, size_t *n)
{
    enum { HELD = 1000, WAITS = 4000 };
    ql_lock_info *l = QL_ARENA_ARRAY(&s->cx, s->cx.arena, ql_lock_info, HELD + WAITS);
    assert_non_null(l);
    for (uint64_t i = 0; i < HELD + WAITS; i++) {
        l[i] = i < HELD ? lock(i + 1, true, "x", NULL) : lock(i + 1, false, "a", "c");
    }
    qli_lock_edge *e;
    looks = 0;
    return qli_lock_edges(&s->cx, s->cx.arena, l, HELD + WAITS, &e, n);
}

static void
many(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_status (*before)(ql_ctx *) = s->cx.look;
    size_t n;
    s->cx.look = count_look;
    fail_at = 0;
    OK(find_none(s, &n));
    assert_int_equal(n, 0);
    assert_true(looks >= 4000000 / 10000);
    fail_at = looks / 2;
    ql_status st = find_none(s, &n);
    s->cx.look = before;
    assert_int_equal(st, QL_KILLED);
    assert_int_equal(looks, fail_at);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, views_setup, acl_teardown)
    const struct CMUnitTest tests[] = {T(few), T(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
