/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting in memory against the C library's: keys that differ in their first word, in a later one,
 * behind all words that are sorted by, or not at all; equal ones keep their order; items come back
 * as they were; kills.
 */
#include "fixture.h"

#include "spool/sort.h"

enum { MOST = 40000 };

/* Keys of up to so many letters of an alphabet of so many, behind `same` equal ones; then one of so
 * many integers. */
typedef struct shape {
    unsigned n, same, letters, alphabet, integers;
} shape;

static const shape shapes[] = {
    {1, 0, 3, 3, 1},       {16, 0, 3, 3, 2},      {17, 0, 1, 2, 3},
    {1000, 0, 30, 2, 1},   {1000, 300, 3, 2, 1},  {8192, 0, 2, 26, 1000000},
    {8193, 0, 0, 1, 3},    {MOST, 0, 12, 2, 5},   {MOST, 5, 4, 10, 1000000},
    {20000, 127, 3, 2, 9}, {20000, 140, 2, 2, 9}, {3 * 8192, 0, 40, 1, 1},
};

typedef struct sorting {
    ql_arena *a;
    ql_sort_item *items, *room, *model;
} sorting;

/* Not self-delimiting: a key may be another one's beginning, and go on with zeros. */
static void
make_item(ql_ctx *cx, ql_arena *a, const shape *s, uint64_t i, ql_sort_item *item)
{
    char key[512] = {0};
    size_t n = s->same + ql_hash_u64(i * 3 + 1) % (s->letters + 1);
    for (size_t k = s->same; k < n; k++) {
        key[k] = (char)(ql_hash_u64(i * 977 + k) % s->alphabet);
    }
    uint32_t number = __builtin_bswap32((uint32_t)(ql_hash_u64(i) % s->integers));
    size_t digits = s->integers > 1 ? sizeof number : 0;
    memcpy(key + n, &number, digits);
    n += digits;
    memcpy(&item->prefix, key, 8);
    item->prefix = __builtin_bswap64(item->prefix);
    item->nkey = n > 8 ? (uint32_t)(n - 8) : 0;
    item->key = ql_arena_strndup(cx, a, key + 8, item->nkey);
    assert_non_null(item->key);
    item->row = (void *)(uintptr_t)i;
}

static sorting
begin_sorting(ql_ctx *cx, const shape *s)
{
    sorting o = {.a = ql_arena_new("sort", NULL)};
    assert_non_null(o.a);
    o.items = ql_arena_alloc(cx, o.a, s->n * sizeof *o.items);
    o.room = ql_arena_alloc(cx, o.a, s->n * sizeof *o.room);
    o.model = ql_arena_alloc(cx, o.a, s->n * sizeof *o.model);
    assert_true(o.items != NULL && o.room != NULL && o.model != NULL);
    for (unsigned i = 0; i < s->n; i++) {
        make_item(cx, o.a, s, i, &o.items[i]);
    }
    memcpy(o.model, o.items, s->n * sizeof *o.model);
    return o;
}

/* By the bytes of the keys, equal ones by the order in which they came. */
static int
compare(const void *a, const void *b)
{
    const ql_sort_item *x = a, *y = b;
    if (x->prefix != y->prefix) {
        return x->prefix < y->prefix ? -1 : 1;
    }
    size_t n = x->nkey < y->nkey ? x->nkey : y->nkey;
    int order = n > 0 ? memcmp(x->key, y->key, n) : 0;
    order = order != 0 ? order : (x->nkey > y->nkey) - (x->nkey < y->nkey);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static void
test_orders(void **state)
{
    sess *s = *state;
    ql_ctx *cx = &s->cx;
    for (size_t i = 0; i < QL_ARRAY_LEN(shapes); i++) {
        sorting o = begin_sorting(cx, &shapes[i]);
        ql_sort_item *sorted;
        OK(ql_sort_between(cx, o.items, o.room, shapes[i].n, &sorted));
        qsort(o.model, shapes[i].n, sizeof *o.model, compare);
        for (unsigned k = 0; k < shapes[i].n; k++) {
            assert_true(sorted[k].row == o.model[k].row && sorted[k].prefix == o.model[k].prefix &&
                        sorted[k].key == o.model[k].key && sorted[k].nkey == o.model[k].nkey);
        }
        ql_arena_free(o.a);
    }
}

#ifdef QL_DEBUG
static void
test_kills(void **state)
{
    sess *s = *state;
    ql_ctx *cx = &s->cx;
    for (size_t i = 0; i < QL_ARRAY_LEN(shapes); i++) {
        uint64_t looks = 0;
        for (uint64_t at = 1;; at += 1 + at / 4) {
            ql_sort_item *sorted;
            sorting o = begin_sorting(cx, &shapes[i]);
            ql_intr_arm_kill(&s->intr, at, QL_INTR_QUERY);
            ql_intr_stmt_begin(&s->intr, ++cx->stmt_id);
            ql_status st = ql_sort_between(cx, o.items, o.room, shapes[i].n, &sorted);
            ql_intr_stmt_end(&s->intr);
            looks = s->intr.stmt_checkpoints;
            assert_int_equal(st, looks < at ? QL_OK : QL_KILLED);
            ql_intr_arm_kill(&s->intr, 0, 0);
            ql_arena_free(o.a);
            if (st == QL_OK) {
                break;
            }
        }
        /* more than 4 n comparisons even of equal keys: a look each 1,024 */
        assert_true(shapes[i].n < 8192 || looks > shapes[i].n / 1024 * 4);
    }
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
#ifdef QL_DEBUG
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
