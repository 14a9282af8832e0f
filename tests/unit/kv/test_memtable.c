/* SPDX-License-Identifier: Apache-2.0
 *
 * A generation in memory against a sorted array: order, versions, the long history of one key,
 * readers beside the writer (also run under TSan), no memory.
 */
#include <pthread.h>

#include "kv_support.h"

#include "kv/memtable.h"

static void
put(qli_memtable *m, uint64_t seq, ql_str key, ql_str value, bool deleted)
{
    assert_true(qli_mt_reserve(m, QLI_MT_COST(key.n, value.n), 1));
    qli_mt_put(m, seq, key, value, deleted);
}

static int
compare_ints(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static ql_str
be_key(uint32_t v, unsigned char b[4])
{
    for (int i = 0; i < 4; i++) {
        b[i] = (unsigned char)(v >> (24 - 8 * i));
    }
    return (ql_str){(const char *)b, 4};
}

static void
keeps_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    qli_memtable m;
    uint32_t *v = calloc(N, sizeof *v), x = 7;
    unsigned char b[4];
    assert_true(qli_mt_init(&m, false));
    assert_null(qli_mt_seek_ge(&m, str("")));
    assert_null(qli_mt_seek_lt(&m, str("z")));
    for (int i = 0; i < N; i++) {
        x = x * 1664525u + 1013904223u;
        v[i] = x & ~1u;
        put(&m, (uint64_t)i + 1, be_key(v[i], b), (ql_str){(const char *)&v[i], 4}, false);
    }
    qsort(v, N, sizeof *v, compare_ints);
    const qli_mnode *n = qli_mt_seek_ge(&m, str(""));
    for (int i = 0; i < N; i++, n = qli_mnode_next(n)) {
        assert_non_null(n);
        assert_memory_equal(qli_mnode_key(n).p, be_key(v[i], b).p, 4);
        /* one above every key is free: both neighbours of it */
        const qli_mnode *above = qli_mt_seek_ge(&m, be_key(v[i] + 1, b));
        assert_ptr_equal(above, qli_mnode_next(n));
        assert_ptr_equal(qli_mt_seek_lt(&m, be_key(v[i] + 1, b)), n);
        assert_ptr_equal(qli_mt_seek_ge(&m, be_key(v[i], b)), n);
        ql_str key = be_key(v[i], b);
        assert_ptr_equal(qli_mt_find(&m, key, qli_mt_hash(key)), n);
        key = be_key(v[i] + 1, b);
        assert_null(qli_mt_find(&m, key, qli_mt_hash(key)));
    }
    assert_null(n);
    free(v);
    qli_mt_fini(&m);
}

/* Runs of rising keys, into each other and across what is there, many to a reservation. */
static void
takes_runs(void **state)
{
    (void)state;
    enum { RUNS = 300, LONG = 100 };
    qli_memtable m;
    uint32_t *v = calloc(RUNS * LONG, sizeof *v), x = 5, n = 0;
    unsigned char b[4];
    assert_true(qli_mt_init(&m, true));
    for (uint32_t run = 0; run < RUNS; run++) {
        x = x * 1664525u + 1013904223u;
        uint32_t at = x >> 4, step = 1 + (x & 0xFFFFF);
        assert_true(qli_mt_reserve(&m, LONG * QLI_MT_COST(4, 4), LONG));
        for (int i = 0; i < LONG; i++, at += step) {
            ql_str key = be_key(at, b);
            if (qli_mt_find(&m, key, qli_mt_hash(key)) == NULL) {
                v[n++] = at;
            }
            qli_mt_put(&m, run + 1, key, (ql_str){(const char *)&at, 4}, false);
        }
    }
    qsort(v, n, sizeof *v, compare_ints);
    const qli_mnode *at = qli_mt_seek_ge(&m, str(""));
    for (uint32_t i = 0; i < n; i++, at = qli_mnode_next(at)) {
        ql_str key = be_key(v[i], b);
        assert_non_null(at);
        assert_memory_equal(qli_mnode_key(at).p, key.p, 4);
        assert_ptr_equal(qli_mt_seek_ge(&m, key), at); /* over all levels */
        assert_ptr_equal(qli_mt_find(&m, key, qli_mt_hash(key)), at);
    }
    assert_null(at);
    free(v);
    qli_mt_fini(&m);
}

/* Every state of a key with a long history is found, in steps that do not grow with it. */
static void
finds_every_version(void **state)
{
    (void)state;
    enum { N = 3000 };
    qli_memtable m;
    assert_true(qli_mt_init(&m, false));
    for (uint64_t i = 1; i <= N; i++) {
        put(&m, 2 * i, str("hot"), (ql_str){(const char *)&i, sizeof i}, i % 7 == 0);
    }
    const qli_mnode *n = qli_mt_find(&m, str("hot"), qli_mt_hash(str("hot")));
    assert_null(qli_mnode_at(n, 1));
    for (uint64_t i = 1; i <= N; i++) {
        const qli_mver *at = qli_mnode_at(n, 2 * i), *after = qli_mnode_at(n, 2 * i + 1);
        assert_ptr_equal(at, after);
        assert_int_equal(at->seq, 2 * i);
        assert_int_equal(at->deleted, i % 7 == 0);
        assert_memory_equal(at->bytes, &i, sizeof i);
        uint32_t steps = 0;
        for (const qli_mver *v = qli_mnode_at(n, UINT64_MAX); v->seq > 2 * i; steps++) {
            v = v->jump != NULL && v->jump->seq > 2 * i ? v->jump : v->older;
        }
        assert_in_range(steps, 0, 40);
    }
    qli_mt_fini(&m);
}

static void
without_memory(void **state)
{
    (void)state;
    qli_memtable m;
    ql_mem_fail_after(1);
    assert_false(qli_mt_init(&m, false));
    assert_true(qli_mt_init(&m, false));
    ql_mem_fail_after(1);
    assert_false(qli_mt_reserve(&m, 100, 1));
    ql_mem_fail_after(0);
    put(&m, 1, str("k"), str("v"), false);
    assert_non_null(qli_mt_seek_ge(&m, str("k")));
    qli_mt_fini(&m);
}

typedef struct shared {
    qli_memtable m;
    _Atomic uint64_t seq;
    _Atomic bool stop;
} shared;

/* Of each state all keys that were put up to it are there, in order, with a value not newer. */
static void *
read_all(void *arg)
{
    shared *sh = arg;
    while (!atomic_load(&sh->stop)) {
        uint64_t seq = atomic_load_explicit(&sh->seq, memory_order_acquire), n = 0;
        const qli_mnode *last = NULL;
        for (const qli_mnode *at = qli_mt_seek_ge(&sh->m, str("")); at != NULL;
             at = qli_mnode_next(at)) {
            assert_true(last == NULL || ql_str_cmp(qli_mnode_key(last), qli_mnode_key(at)) < 0);
            last = at;
            const qli_mver *v = qli_mnode_at(at, seq);
            if (v != NULL) {
                uint64_t value;
                memcpy(&value, v->bytes, sizeof value);
                assert_int_equal(value, v->seq);
                n++;
            }
        }
        assert_int_equal(n, seq < 500 ? seq : 500);
    }
    return NULL;
}

static void
readers_beside_the_writer(void **state)
{
    (void)state;
    shared *sh = calloc(1, sizeof *sh);
    pthread_t th[2];
    unsigned char b[4];
    assert_true(qli_mt_init(&sh->m, false));
    for (int i = 0; i < 2; i++) {
        pthread_create(&th[i], NULL, read_all, sh);
    }
    for (uint64_t i = 1; i <= 3000; i++) {
        uint32_t k = (uint32_t)(i % 500) * 2654435761u;
        put(&sh->m, i, be_key(k, b), (ql_str){(const char *)&i, sizeof i}, false);
        atomic_store_explicit(&sh->seq, i, memory_order_release);
    }
    atomic_store(&sh->stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(th[i], NULL);
    }
    qli_mt_fini(&sh->m);
    free(sh);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(takes_runs),
        cmocka_unit_test(finds_every_version),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(readers_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
