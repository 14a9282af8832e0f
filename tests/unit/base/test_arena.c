/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas: alignment, contents, marks, quota, clean-ups in reverse order, and a sweep that fails
 * each allocation in turn.
 */
#include "../lib/test.h"

#include "base/mem.h"

static void
test_alignment_and_contents(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    unsigned char *p[400];
    for (size_t i = 0; i < 400; i++) {
        p[i] = ql_arena_alloc(&cx, cx.arena, i * 7);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        memset(p[i], (int)(i & 0xff), i * 7);
    }
    for (size_t i = 0; i < 400; i++) {
        for (size_t k = 0; k < i * 7; k++) {
            assert_int_equal(p[i][k], i & 0xff);
        }
    }
    char *z = ql_arena_zalloc(&cx, cx.arena, 100000);
    for (size_t k = 0; k < 100000; k++) {
        assert_int_equal(z[k], 0);
    }
    assert_string_equal(ql_arena_printf(&cx, cx.arena, "%d-%s", 42, "x"), "42-x");
    char *s = ql_arena_strndup(&cx, cx.arena, "hello", 3);
    assert_string_equal(s, "hel");
    test_ctx_end(&cx);
}

static void
test_mark_gives_back(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    char *kept = ql_arena_strndup(&cx, cx.arena, "kept", 4);
    char *big = ql_arena_zalloc(&cx, cx.arena, 200000);
    memset(big, 'b', 200000);
    size_t before = ql_arena_used(cx.arena);
    for (int round = 0; round < 3; round++) {
        ql_arena_mark m = ql_arena_save(cx.arena);
        for (int i = 0; i < 1000; i++) {
            assert_non_null(ql_arena_alloc(&cx, cx.arena, 500));
        }
        assert_non_null(ql_arena_alloc(&cx, cx.arena, 1 << 20));
        assert_true(ql_arena_used(cx.arena) > before + 1500000);
        ql_arena_restore(cx.arena, m);
        assert_int_equal(ql_arena_used(cx.arena), before);
    }
    assert_string_equal(kept, "kept");
    assert_int_equal(big[199999], 'b');
    test_ctx_end(&cx);
}

static void
test_mark_of_an_empty_arena(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    ql_arena_mark m = ql_arena_save(cx.arena);
    for (int i = 0; i < 100; i++) {
        assert_non_null(ql_arena_alloc(&cx, cx.arena, 5000));
    }
    ql_arena_restore(cx.arena, m);
    assert_true(ql_arena_used(cx.arena) < 70000);
    assert_non_null(ql_arena_alloc(&cx, cx.arena, 10));
    test_ctx_end(&cx);
}

/* From some megabytes on blocks are of 1 MiB, also when a mark is gone back to again and again. */
static void
test_large_arenas(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_quota q = {0};
    test_ctx_begin(&cx);
    ql_arena *a = ql_arena_new("large", &q);
    static unsigned char *p[8000];
    for (size_t i = 0; i < 8000; i++) {
        p[i] = ql_arena_alloc(&cx, a, 4000);
        assert_non_null(p[i]);
        memset(p[i], (int)(i & 0xff), 4000);
    }
    assert_in_range(ql_arena_used(a), 8000 * 4000, 8000 * 4000 + (3 << 20));
    size_t most = 0;
    for (int round = 0; round < 50; round++) {
        ql_arena_mark m = ql_arena_save(a);
        for (int i = 0; i < 400; i++) {
            unsigned char *s = ql_arena_alloc(&cx, a, 5000);
            assert_non_null(s);
            memset(s, 0xff, 5000);
        }
        most = ql_arena_used(a) > most ? ql_arena_used(a) : most;
        ql_arena_restore(a, m);
    }
    assert_true(most < 8000 * 4000 + (6 << 20));
    for (size_t i = 0; i < 8000; i++) {
        assert_int_equal(p[i][0], i & 0xff);
        assert_int_equal(p[i][3999], i & 0xff);
    }
    assert_int_equal(q.used, ql_arena_used(a));
    ql_arena_reset(a);
    assert_true(ql_arena_used(a) < 70000);
    assert_int_equal(q.used, ql_arena_used(a));
    ql_arena_free(a);
    assert_int_equal(q.used, 0);
    test_ctx_end(&cx);
}

static int order[3], norder;

static void
note_order(void *arg)
{
    order[norder++] = *(int *)arg;
}

static void
test_cleanups_run_last_first(void **state)
{
    (void)state;
    ql_ctx cx;
    int ids[3] = {1, 2, 3};
    test_ctx_begin(&cx);
    norder = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ql_arena_defer(&cx, cx.arena, note_order, &ids[i]), QL_OK);
    }
    ql_arena_reset(cx.arena);
    assert_int_equal(norder, 3);
    assert_int_equal(order[0], 3);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 1);
    ql_arena_reset(cx.arena);
    assert_int_equal(norder, 3);
    test_ctx_end(&cx);
}

static void
test_quota(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    ql_quota q = {.limit = 100000};
    ql_arena *a = ql_arena_new("one", &q), *b = ql_arena_new("two", &q);
    assert_non_null(ql_arena_alloc(&cx, a, 60000));
    assert_null(ql_arena_alloc(&cx, b, 60000));
    assert_int_equal(test_error(&cx), 4082);
    assert_int_equal(q.used, ql_arena_used(a));
    ql_arena_free(a);
    assert_int_equal(q.used, 0);
    assert_non_null(ql_arena_alloc(&cx, b, 60000));
    ql_arena_free(b);
    assert_int_equal(q.used, 0);
    test_ctx_end(&cx);
}

/* A little work with all calls; fails where told to, or ends with OK. */
static ql_status
work(ql_ctx *cx, ql_arena *a)
{
    for (int i = 0; i < 50; i++) {
        if (ql_arena_alloc(cx, a, (size_t)i * 300) == NULL ||
            ql_arena_printf(cx, a, "%d", i) == NULL) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

static void
test_sweep_of_failing_blocks(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    size_t in_use = ql_mem_in_use(), arenas = ql_arena_live_count();
    uint64_t n = 0;
    for (bool failed = true; failed;) {
        failed = false;
        ql_mem_fail_after(++n);
        ql_arena *a = ql_arena_new("swept", NULL);
        if (a == NULL) {
            failed = true;
        } else if (work(&cx, a) != QL_OK) {
            failed = true;
            assert_int_equal(test_error(&cx), 1037);
        }
        ql_mem_fail_after(0);
        ql_arena_free(a);
        ql_diag_reset(cx.diag);
        assert_int_equal(ql_arena_live_count(), arenas);
        assert_int_equal(ql_mem_in_use(), in_use);
    }
    assert_true(n > 3);
    test_ctx_end(&cx);
}

static void
test_sweep_of_failing_allocations(void **state)
{
    (void)state;
#ifdef QL_DEBUG
    ql_ctx cx;
    test_ctx_begin(&cx);
    uint64_t n = 0;
    ql_status st = QL_ERROR;
    while (st != QL_OK) {
        ql_arena_fault_arm(&cx, ++n);
        ql_arena_fault_begin(&cx);
        st = work(&cx, cx.arena);
        assert_int_equal(test_error(&cx), st == QL_OK ? 0 : 1037);
        ql_arena_reset(cx.arena);
        ql_diag_reset(cx.diag);
    }
    assert_int_equal(n, 101);
    test_ctx_end(&cx);
#else
    skip();
#endif
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_contents),
        cmocka_unit_test(test_mark_gives_back),
        cmocka_unit_test(test_mark_of_an_empty_arena),
        cmocka_unit_test(test_cleanups_run_last_first),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_large_arenas),
        cmocka_unit_test(test_sweep_of_failing_blocks),
        cmocka_unit_test(test_sweep_of_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
