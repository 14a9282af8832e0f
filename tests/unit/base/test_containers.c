/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffer and hash table. Wire forms are those of the MySQL protocol documentation (fixed and
 * length-encoded integers).
 */
#include "../lib/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"

static void
expect_bytes(const ql_buf *b, const void *bytes, size_t n)
{
    assert_int_equal(b->n, n);
    assert_memory_equal(b->p, bytes, n);
}

static void
test_buf_integers(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_buf b = {0};
    test_ctx_begin(&cx);
    assert_int_equal(ql_buf_put_le(&cx, &b, 0x0102030405060708u, 8), QL_OK);
    expect_bytes(&b, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    static const struct {
        uint64_t v;
        const char *bytes;
        size_t n;
    } rows[] = {
        {0, "\x00", 1},
        {250, "\xfa", 1},
        {251, "\xfc\xfb\x00", 3},
        {65535, "\xfc\xff\xff", 3},
        {65536, "\xfd\x00\x00\x01", 4},
        {16777215, "\xfd\xff\xff\xff", 4},
        {16777216, "\xfe\x00\x00\x00\x01\x00\x00\x00\x00", 9},
        {UINT64_MAX, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ql_buf_clear(&b);
        assert_int_equal(ql_buf_put_lenenc(&cx, &b, rows[i].v), QL_OK);
        expect_bytes(&b, rows[i].bytes, rows[i].n);
    }
    ql_buf_clear(&b);
    assert_int_equal(ql_buf_put_lenenc_str(&cx, &b, "abc", 3), QL_OK);
    expect_bytes(&b,
                 "\x03"
                 "abc",
                 4);
    ql_buf_free(&b);
    assert_null(b.p);
    test_ctx_end(&cx);
}

static void
test_buf_grows_and_fails_whole(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_buf b = {0};
    test_ctx_begin(&cx);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(ql_buf_printf(&cx, &b, "%d,", i), QL_OK);
    }
    assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(b.p + b.n - 8, "998,999,", 8);
    size_t before = b.n;
    ql_mem_fail_after(1);
    assert_int_equal(ql_buf_reserve(&cx, &b, 1 << 20), QL_ERROR);
    ql_mem_fail_after(0);
    assert_int_equal(test_error(&cx), 1037);
    assert_int_equal(b.n, before);
    assert_int_equal(ql_buf_reserve(&cx, &b, SIZE_MAX - 5), QL_ERROR);
    ql_buf_free(&b);
    test_ctx_end(&cx);
}

typedef struct item {
    ql_hash_node node;
    uint64_t key;
} item;

static item *
find_item(ql_hash *h, uint64_t key, uint64_t hash)
{
    ql_hash_node *n = ql_hash_first(h, hash);
    while (n != NULL && ((item *)n)->key != key) {
        n = ql_hash_next(n);
    }
    return (item *)n;
}

/* mask shortens the hash, so that many keys collide. */
static void
exercise_hash(uint64_t mask, bool may_grow)
{
    enum { N = 2000 };
    static item items[N];
    ql_ctx cx;
    ql_hash h;
    test_ctx_begin(&cx);
    assert_int_equal(ql_hash_init(&cx, &h, 10), QL_OK);
    for (uint64_t i = 0; i < N; i++) {
        items[i].key = i * 3;
        if (!may_grow) {
            ql_mem_fail_after(1);
        }
        ql_hash_insert(&h, &items[i].node, ql_hash_u64(i * 3) & mask);
    }
    ql_mem_fail_after(0);
    for (uint64_t i = 0; i < N; i += 2) {
        ql_hash_remove(&h, &items[i].node);
    }
    assert_int_equal(h.count, N / 2);
    for (uint64_t i = 0; i < N; i++) {
        item *it = find_item(&h, i * 3, ql_hash_u64(i * 3) & mask);
        assert_ptr_equal(it, i % 2 == 1 ? &items[i] : NULL);
    }
    assert_true(may_grow == (h.nbuckets > 16));
    ql_hash_fini(&h);
    test_ctx_end(&cx);
}

static void
test_hash(void **state)
{
    (void)state;
    exercise_hash(UINT64_MAX, true);
    exercise_hash(0x1f, true);
    exercise_hash(UINT64_MAX, false);
}

static void
test_hash_functions_spread(void **state)
{
    (void)state;
    unsigned buckets[64] = {0};
    for (uint64_t i = 0; i < 64000; i++) {
        char key[24];
        int n = snprintf(key, sizeof key, "key%llu", (unsigned long long)i);
        buckets[ql_hash_bytes(key, (size_t)n, 7) & 63]++;
    }
    for (int i = 0; i < 64; i++) {
        assert_in_range(buckets[i], 800, 1200);
    }
    assert_int_not_equal(ql_hash_bytes("ab", 2, 0), ql_hash_bytes("ab\0", 3, 0));
    assert_int_not_equal(ql_hash_bytes("ab", 2, 0), ql_hash_bytes("ab", 2, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_integers),
        cmocka_unit_test(test_buf_grows_and_fails_whole),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_functions_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
