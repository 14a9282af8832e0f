/* SPDX-License-Identifier: Apache-2.0
 *
 * Long copies, comparisons, searches and sorts: the same results as the C library's in one piece,
 * at lengths around those of the pieces; a look every so many bytes over all calls; and stopped by
 * a look that says so, allocations and growing buffers too. Memory that goes in the background.
 */
#include "../lib/test.h"

#include <stdatomic.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "base/dispose.h"
#include "base/mem.h"
#include "base/thread.h"

static unsigned looks, stop_at; /* stop_at: this look says killed; 0 = none */

static ql_status
count_look(ql_ctx *cx)
{
    (void)cx;
    return ++looks == stop_at ? QL_KILLED : QL_OK;
}

static void
begin(ql_ctx *cx)
{
    test_ctx_begin(cx);
    cx->look = count_look;
    looks = stop_at = 0;
}

static const size_t lengths[] = {0,
                                 1,
                                 QL_BULK_PIECE - 1,
                                 QL_BULK_PIECE,
                                 QL_BULK_PIECE + 1,
                                 3 * QL_BULK_PIECE,
                                 3 * QL_BULK_PIECE + 17};

static char *
letters(size_t n)
{
    char *p = malloc(n + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)('a' + i % 23);
    }
    return p;
}

static void
test_copy_compare_zero(void **state)
{
    (void)state;
    ql_ctx cx;
    begin(&cx);
    for (size_t k = 0; k < QL_ARRAY_LEN(lengths); k++) {
        size_t n = lengths[k], same;
        int order;
        char *a = letters(n), *b = malloc(n + 1);
        assert_int_equal(ql_bulk_copy(&cx, b, a, n), QL_OK);
        assert_memory_equal(a, b, n);
        assert_int_equal(ql_bulk_compare(&cx, a, b, n, &order), QL_OK);
        assert_int_equal(order, 0);
        assert_int_equal(ql_bulk_same(&cx, a, b, n, &same), QL_OK);
        assert_int_equal(same, n);
        size_t places[] = {0, n / 2, n - 1};
        for (size_t i = 0; n != 0 && i < 3; i++) {
            char was = b[places[i]];
            b[places[i]] = '~'; /* above all letters */
            assert_int_equal(ql_bulk_compare(&cx, a, b, n, &order), QL_OK);
            assert_true(order < 0);
            assert_int_equal(ql_bulk_same(&cx, a, b, n, &same), QL_OK);
            assert_int_equal(same, places[i]);
            b[places[i]] = was;
        }
        assert_int_equal(ql_bulk_zero(&cx, b, n), QL_OK);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(b[i], 0);
        }
        free(a);
        free(b);
    }
    test_ctx_end(&cx);
}

static size_t
naive_find(ql_str s, size_t from, ql_str what)
{
    const char *hit = from <= s.n ? memmem(s.p + from, s.n - from, what.p, what.n) : NULL;
    return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

static void
test_find(void **state)
{
    (void)state;
    ql_ctx cx;
    size_t n = 3 * QL_BULK_PIECE + 100, at;
    char *p = malloc(n);
    memset(p, 'a', n);
    ql_str s = {p, n};
    begin(&cx);
    static const size_t needles[] = {
        1, 2, 50, QL_BULK_PIECE, QL_BULK_PIECE + 1, 2 * QL_BULK_PIECE + 3};
    static const size_t marks[] = {
        0, 1, QL_BULK_PIECE - 1, QL_BULK_PIECE, 2 * QL_BULK_PIECE + 50, 3 * QL_BULK_PIECE + 99};
    for (size_t m = 0; m < QL_ARRAY_LEN(marks); m++) {
        p[marks[m]] = 'b';
        assert_int_equal(ql_bulk_find_byte(&cx, s, 0, 'b', &at), QL_OK);
        assert_int_equal(at, marks[m]);
        assert_int_equal(ql_bulk_find_byte(&cx, s, marks[m] + 1, 'b', &at), QL_OK);
        assert_int_equal(at, n);
        for (size_t k = 0; k < QL_ARRAY_LEN(needles); k++) {
            char *w = malloc(needles[k]);
            for (int where = 0; where < 2; where++) { /* b first, b last */
                memset(w, 'a', needles[k]);
                w[where == 0 ? 0 : needles[k] - 1] = 'b';
                ql_str what = {w, needles[k]};
                assert_int_equal(ql_bulk_find(&cx, s, 0, what, &at), QL_OK);
                assert_int_equal(at, naive_find(s, 0, what));
                assert_int_equal(ql_bulk_find(&cx, s, marks[m], what, &at), QL_OK);
                assert_int_equal(at, naive_find(s, marks[m], what));
            }
            free(w);
        }
        p[marks[m]] = 'a';
    }
    assert_int_equal(ql_bulk_find(&cx, QL_STR("ab"), 0, QL_STR("abc"), &at), QL_OK);
    assert_int_equal(at, 2);
    assert_int_equal(ql_bulk_find(&cx, QL_STR("abab"), 2, QL_STR("ab"), &at), QL_OK);
    assert_int_equal(at, 2);
    free(p);
    test_ctx_end(&cx);
}

typedef struct pair {
    unsigned key, born;
} pair;

static int
by_key(const void *a, const void *b)
{
    unsigned x = ((const pair *)a)->key, y = ((const pair *)b)->key;
    return (x > y) - (x < y);
}

static void
test_sort(void **state)
{
    (void)state;
    ql_ctx cx;
    begin(&cx);
    for (size_t n = 0; n < 3000; n = n * 2 + 1) {
        pair v[3000];
        uint64_t seed = n + 1;
        for (unsigned i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            v[i] = (pair){(unsigned)(seed >> 40) % 100, i};
        }
        assert_int_equal(ql_bulk_sort(&cx, cx.arena, v, n, sizeof *v, by_key), QL_OK);
        for (size_t i = 1; i < n; i++) {
            assert_true(v[i - 1].key < v[i].key ||
                        (v[i - 1].key == v[i].key && v[i - 1].born < v[i].born));
        }
    }
    test_ctx_end(&cx);
}

/* Stopped at any look, each element is there once: lists of references are sorted, too. */
static void
test_stopped_sort(void **state)
{
    (void)state;
    enum { N = 2000 };
    ql_ctx cx;
    ql_status st = QL_KILLED;
    for (unsigned at = 1; st != QL_OK; at++) {
        static pair v[N];
        static unsigned char seen[N];
        begin(&cx);
        for (unsigned i = 0; i < N; i++) {
            v[i] = (pair){(i * 7919u) % N, i};
        }
        stop_at = at;
        st = ql_bulk_sort(&cx, cx.arena, v, N, sizeof *v, by_key);
        memset(seen, 0, sizeof seen);
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(seen[v[i].born]++, 0);
            assert_int_equal(v[i].key, (v[i].born * 7919u) % N);
        }
        assert_true(st == QL_OK || st == QL_KILLED);
        assert_true(at < 1000);
        test_ctx_end(&cx);
    }
    assert_true(looks > 5);
}

/* Of what length the pieces are does not matter, their sum does. */
static void
test_looks_by_bytes(void **state)
{
    (void)state;
    ql_ctx cx;
    char small[512] = {0}, to[512];
    begin(&cx);
    for (size_t i = 0; i < 10 * QL_BULK_PIECE / sizeof small; i++) {
        assert_int_equal(ql_bulk_copy(&cx, to, small, sizeof small), QL_OK);
    }
    assert_int_equal(looks, 10);
    looks = 0;
    for (size_t i = 0; i < 10 * QL_BULK_PIECE / 64; i++) {
        assert_non_null(ql_arena_alloc(&cx, cx.arena, 48)); /* 48, or with a red zone 64 */
    }
    assert_in_range(looks, 7, 10);
    char *big = letters(8 * QL_BULK_PIECE);
    looks = 0;
    assert_non_null(ql_arena_strndup(&cx, cx.arena, big, 8 * QL_BULK_PIECE));
    assert_in_range(looks, 8, 9);
    looks = 0;
    ql_buf b = {0};
    assert_int_equal(ql_buf_put(&cx, &b, big, 8 * QL_BULK_PIECE), QL_OK);
    assert_int_equal(ql_buf_put(&cx, &b, big, 8 * QL_BULK_PIECE), QL_OK); /* moves what is there */
    assert_in_range(looks, 24, 26);
    ql_buf_free(&b);
    free(big);
    test_ctx_end(&cx);
}

/* Stopped at each look in turn: never QL_OK, nothing changed, nothing lost. */
static void
test_stops(void **state)
{
    (void)state;
    ql_ctx cx;
    size_t n = 4 * QL_BULK_PIECE, in_use = ql_mem_in_use();
    char *big = letters(n);
    for (unsigned at = 1; at <= 4; at++) {
        ql_buf b = {0};
        begin(&cx);
        cx.look = NULL;
        assert_int_equal(ql_buf_put(&cx, &b, big, n), QL_OK);
        assert_int_equal(ql_buf_reserve(&cx, &b, 1), QL_OK);
        size_t cap = b.cap;
        cx.look = count_look;
        cx.unlooked = 0;
        stop_at = at;
        assert_int_equal(ql_buf_reserve(&cx, &b, cap), QL_KILLED);
        assert_int_equal(b.n, n);
        assert_memory_equal(b.p, big, n);
        ql_buf_free(&b);
        looks = 0;
        cx.unlooked = 0;
        assert_null(ql_arena_strndup(&cx, cx.arena, big, n));
        looks = 0;
        cx.unlooked = 0;
        assert_null(ql_arena_zalloc(&cx, cx.arena, n));
        test_ctx_end(&cx);
    }
    free(big);
    assert_int_equal(ql_mem_in_use(), in_use);
}

static _Atomic unsigned freed;

static bool
note_freed(ql_dead *d)
{
    ql_mem_free(d);
    atomic_fetch_add(&freed, 1);
    return true;
}

/* From several threads at once; everything is freed in the end, large pieces and small. */
static void
dispose_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        ql_dead *d = ql_mem_alloc(4096);
        ql_dispose(d, i % 2 ? QL_DISPOSE_FROM : 1, note_freed);
    }
}

static void
test_dispose(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_thread t[4];
    size_t in_use = ql_mem_in_use();
    begin(&cx);
    dispose_many(NULL); /* without the thread: at once */
    assert_int_equal(atomic_load(&freed), 200);
    ql_dispose_start();
    ql_dispose_start();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ql_thread_start(&cx, &t[i], "dispose", 0, dispose_many, NULL), QL_OK);
    }
    for (int i = 0; i < 4; i++) {
        ql_thread_join(&t[i]);
    }
    while (atomic_load(&freed) < 1000) {
        ql_thread_yield();
    }
    ql_arena *a = ql_arena_new("large", NULL);
    for (int i = 0; i < 200; i++) { /* many blocks, and large ones */
        assert_non_null(ql_arena_alloc(&cx, a, i % 10 == 0 ? 3u << 20 : 10000));
    }
    ql_arena_free(a);
    void *p = ql_mem_alloc(8u << 20);
    ql_mem_free(p);
    test_ctx_end(&cx);
    while (ql_mem_in_use() > in_use + 4096) { /* what threads keep */
        ql_thread_yield();
    }
}

/* A piece whose first step goes on until it is told to end: the thread has its hands full. */
typedef struct held {
    ql_dead dead;
    _Atomic bool has_begun, may_end;
} held;

static bool
step_when_told(ql_dead *d)
{
    held *h = (held *)(void *)d;
    atomic_store(&h->has_begun, true);
    while (!atomic_load(&h->may_end)) {
        ql_thread_yield();
    }
    ql_mem_free(h);
    return true;
}

/* A small piece beside what it stands for: nothing around it is touched by whoever helps. */
typedef struct standing {
    ql_dead dead;
    unsigned steps;
} standing;

static _Atomic unsigned steps_made;

static bool
count_steps(ql_dead *d)
{
    standing *s = (standing *)(void *)d;
    atomic_fetch_add(&steps_made, 1);
    return --s->steps == 0;
}

#define AROUND ((size_t)4 << 20)

static void
test_help(void **state)
{
    (void)state;
    ql_ctx cx;
    begin(&cx);
    ql_dispose_start();
    held *h = ql_mem_zalloc(sizeof *h);
    ql_dispose(&h->dead, QL_DISPOSE_FROM, step_when_told);
    while (!atomic_load(&h->has_begun)) {
        ql_thread_yield();
    }
    /* What waits is more than a quarter of a gigabyte; the newest of it lies amid memory in use. */
    standing large = {.steps = 1};
    ql_dispose(&large.dead, (size_t)256 << 20, count_steps);
    char *around = malloc(AROUND);
    memset(around, 'x', AROUND);
    standing *small = (standing *)(void *)(around + 64);
    small->steps = 3;
    ql_dispose(&small->dead, QL_DISPOSE_FROM, count_steps);
    assert_int_equal(ql_dispose_help(&cx), QL_OK);
    assert_true(atomic_load(&steps_made) >= 3);
    for (size_t i = 64 + sizeof *small; i < AROUND; i++) {
        assert_true(around[i] == 'x');
    }
    free(around);
    atomic_store(&h->may_end, true);
    while (atomic_load(&steps_made) < 4) {
        ql_thread_yield();
    }
    test_ctx_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_compare_zero),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_stopped_sort),
        cmocka_unit_test(test_looks_by_bytes),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_dispose),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
