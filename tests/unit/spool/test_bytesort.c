/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of byte strings come back in memcmp order of their keys, whatever the budget, each once;
 * an allocation that fails leaves nothing.
 */
#include "fixture.h"

#include "spool/bytesort.h"

#define MOST 6000u

typedef struct pair {
    char key[40], value[60];
    size_t nkey, nvalue;
} pair;

static pair pairs[MOST];

/* Keys end with a byte that is nowhere else in them, so that none is the beginning of another. */
static void
make_pairs(unsigned n, unsigned seed)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t h = ql_hash_u64(seed * UINT64_C(7919) + i);
        pair *p = &pairs[i];
        p->nkey = 1 + h % 30;
        for (size_t k = 0; k + 1 < p->nkey; k++) {
            p->key[k] = (char)(ql_hash_u64(h + k) % 6 + (k % 3 == 0 ? 250 : 1));
        }
        p->key[p->nkey - 1] = 0;
        p->nvalue = h / 64 % 50;
        for (size_t k = 0; k < p->nvalue; k++) {
            p->value[k] = (char)ql_hash_u64(h ^ (k + 1));
        }
        memcpy(p->value + p->nvalue, &i, sizeof i);
        p->nvalue += sizeof i;
    }
}

static unsigned
number_of(ql_str value)
{
    unsigned i;
    memcpy(&i, value.p + value.n - sizeof i, sizeof i);
    return i;
}

static void
sort_and_check(sess *s, unsigned n, size_t budget, unsigned seed)
{
    static bool seen[MOST];
    ql_arena *mem = ql_arena_new("test", NULL);
    ql_tapes *file;
    ql_bytesort *b;
    ql_str key, value, last = {0};
    char last_bytes[64];
    unsigned count = 0, last_i = 0;
    ql_status st;
    make_pairs(n, seed);
    memset(seen, 0, sizeof seen);
    OK(ql_tapes_new(&s->cx, mem, &file));
    OK(ql_bytesort_new(&s->cx, mem, file, budget, &b));
    for (unsigned i = 0; i < n; i++) {
        OK(ql_bytesort_add(&s->cx, b, (ql_str){pairs[i].key, pairs[i].nkey},
                           (ql_str){pairs[i].value, pairs[i].nvalue}));
    }
    assert_int_equal(ql_bytesort_count(b), n);
    OK(ql_bytesort_begin(&s->cx, b));
    while ((st = ql_bytesort_next(&s->cx, b, &key, &value)) == QL_OK) {
        unsigned i = number_of(value);
        assert_true(i < n && !seen[i]);
        seen[i] = true;
        count++;
        assert_int_equal(key.n, pairs[i].nkey);
        assert_memory_equal(key.p, pairs[i].key, key.n);
        assert_int_equal(value.n, pairs[i].nvalue);
        assert_memory_equal(value.p, pairs[i].value, value.n);
        if (last.n > 0) {
            int order = ql_str_cmp(last, key);
            assert_true(order < 0 || (order == 0 && last_i < i));
        }
        memcpy(last_bytes, key.p, key.n);
        last = (ql_str){last_bytes, key.n};
        last_i = i;
    }
    assert_int_equal(st, QL_END);
    assert_int_equal(count, n);
    ql_bytesort_free(&s->cx, b);
    ql_tapes_free(&s->cx, file);
    ql_arena_free(mem);
}

static void
everything_comes_back_in_order(void **state)
{
    sess *s = *state;
    const unsigned sizes[] = {0, 1, 2, 17, 500, MOST};
    const size_t budgets[] = {1, 3000, 100000, 100000000};
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 4; k++) {
            if (budgets[k] > 1 || sizes[i] <= 500) { /* a run for each pair */
                sort_and_check(s, sizes[i], budgets[k], i + 1);
            }
        }
    }
}

/* Each allocation fails in turn: an error or all done, and nothing is left. */
static ql_status
sort_all(sess *s, unsigned n)
{
    ql_arena *mem = ql_arena_new("test", NULL);
    ql_tapes *file = NULL;
    ql_bytesort *b = NULL;
    ql_str key, value;
    ql_status st = ql_tapes_new(&s->cx, mem, &file);
    st = st == QL_OK ? ql_bytesort_new(&s->cx, mem, file, 4000, &b) : st;
    for (unsigned i = 0; st == QL_OK && i < n; i++) {
        st = ql_bytesort_add(&s->cx, b, (ql_str){pairs[i].key, pairs[i].nkey},
                             (ql_str){pairs[i].value, pairs[i].nvalue});
    }
    st = st == QL_OK ? ql_bytesort_begin(&s->cx, b) : st;
    while (st == QL_OK) {
        st = ql_bytesort_next(&s->cx, b, &key, &value);
    }
    ql_bytesort_free(&s->cx, b);
    ql_tapes_free(&s->cx, file);
    ql_arena_free(mem);
    return st;
}

static void
allocations_may_fail(void **state)
{
    sess *s = *state;
    size_t arenas = ql_arena_live_count();
    make_pairs(400, 3);
    for (uint64_t nth = 1;; nth++) {
        s->cx.mem_allocs = 0;
        s->cx.mem_fail_at = nth;
        ql_status st = sort_all(s, 400);
        s->cx.mem_fail_at = 0;
        assert_int_equal(ql_arena_live_count(), arenas);
        if (st == QL_END) {
            assert_true(nth > 20);
            break;
        }
        assert_int_equal(st, QL_ERROR);
        ql_diag_reset(s->cx.diag);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_comes_back_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(allocations_may_fail, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
