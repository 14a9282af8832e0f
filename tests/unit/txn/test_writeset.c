/* SPDX-License-Identifier: Apache-2.0
 *
 * The set of a layer against a plain sorted array: keys of many shapes put in many orders, stands
 * that outlive what is put beside them, sets handed over to each other whole and in steps, and
 * every allocation failing once.
 */
#include "txn_support.h"

#include "txn/writeset.h"

enum { KEY_MOST = 96 };

typedef struct key {
    char bytes[KEY_MOST];
    uint16_t n;
} key;

static uint64_t seed;

static uint32_t
rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % n);
}

static void
add_number(key *k, uint32_t v, uint16_t bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        k->bytes[k->n++] = (char)((uint64_t)v >> (8 * i));
    }
}

/* --- shapes of keys --- */

static void
like_entries_of_four_indexes(key *k, uint32_t i)
{
    uint32_t row = i / 4;
    add_number(k, 100 + i % 4, 4);
    switch (i % 4) {
    case 0:
        add_number(k, row, 4);
        break;
    case 1:
        add_number(k, row * 7919 % 1000003, 4);
        add_number(k, row, 4);
        break;
    case 2:
        k->n = (uint16_t)(k->n + sprintf(k->bytes + k->n, "some text that repeats %u",
                                         row * 104729 % 500009));
        break;
    default:
        add_number(k, row * 15485863 % 2147483647u, 8);
    }
}

/* Keys that are the beginning of others, with bytes of zero at the end. */
static void
like_trouble(key *k, uint32_t i)
{
    for (uint32_t v = i; v != 0; v /= 3) {
        k->bytes[k->n++] = (char)(v % 3 == 2 ? 0xFF : v % 3);
        if (k->n < 40 && i % 5 == 0) {
            memset(k->bytes + k->n, 0, 9);
            k->n = (uint16_t)(k->n + 9);
        }
    }
}

static void
like_numbers(key *k, uint32_t i)
{
    add_number(k, i, 4);
}

/* Long ones that all come before many with a long beginning in common. */
static void
like_two_families(key *k, uint32_t i)
{
    char of = i % 8 == 0 ? 'a' : 'b';
    k->bytes[0] = of;
    memset(k->bytes + 1, of == 'a' ? 'z' : 'b', 40);
    k->n = of == 'a' ? 41 : 25;
    add_number(k, i, 4);
}

typedef void (*shape)(key *k, uint32_t i);
static const shape shapes[] = {like_entries_of_four_indexes, like_trouble, like_numbers,
                               like_two_families};

/* --- orders in which they come --- */

static uint32_t
rising(uint32_t i, uint32_t n)
{
    (void)n;
    return i;
}

static uint32_t
falling(uint32_t i, uint32_t n)
{
    return n - 1 - i;
}

static uint32_t
scattered(uint32_t i, uint32_t n)
{
    return (uint32_t)((uint64_t)i * 2654435761u % n); /* some twice, some never */
}

/* Runs upwards that fill a leaf each, then downwards into the gaps behind them. n: a multiple of
 * 128. */
static uint32_t
falling_into_gaps(uint32_t i, uint32_t n)
{
    uint32_t j = i % (n / 2), block = j / QLI_WLEAF * 2 * QLI_WLEAF;
    return block + (i < n / 2 ? j % QLI_WLEAF : 2 * QLI_WLEAF - 1 - j % QLI_WLEAF);
}

typedef uint32_t (*order)(uint32_t i, uint32_t n);
static const order orders[] = {rising, falling, scattered, falling_into_gaps};

/* --- the model: every key there can be, in order --- */

typedef struct item {
    key k;
    uint32_t value; /* 0 = not there; odd = deleted */
} item;

typedef struct model {
    item *v;
    uint32_t *rank; /* of key i: where it stands in v */
    uint32_t n;
    size_t count;
} model;

static int
compare_items(const void *a, const void *b)
{
    const item *x = a, *y = b;
    return ql_str_cmp((ql_str){x->k.bytes, x->k.n}, (ql_str){y->k.bytes, y->k.n});
}

static model
model_of(shape sh, uint32_t n)
{
    model m = {calloc(n, sizeof *m.v), calloc(n, sizeof *m.rank), n, 0};
    for (uint32_t i = 0; i < n; i++) {
        sh(&m.v[i].k, i);
    }
    qsort(m.v, n, sizeof *m.v, compare_items);
    for (uint32_t i = 0; i < n; i++) {
        item w = {0};
        sh(&w.k, i);
        const item *at = bsearch(&w, m.v, n, sizeof *m.v, compare_items);
        m.rank[i] = (uint32_t)(at - m.v);
    }
    return m;
}

static void
model_free(model *m)
{
    free(m->v);
    free(m->rank);
}

static ql_str
key_at(const model *m, uint32_t i)
{
    return (ql_str){m->v[i].k.bytes, m->v[i].k.n};
}

static void
put_at(session *s, qli_writeset *ws, model *m, uint32_t i, uint32_t value)
{
    char text[16];
    int n = sprintf(text, "%u", value);
    bool deleted = value % 2 != 0;
    assert_int_equal(qli_writeset_put(&s->cx, ws, key_at(m, i),
                                      deleted ? (ql_str){"", 0} : (ql_str){text, (size_t)n},
                                      deleted),
                     QL_OK);
    m->count += m->v[i].value == 0;
    m->v[i].value = value;
}

static void
expect_entry(const model *m, uint32_t i, const qli_wnode *n)
{
    char text[16];
    assert_non_null(n);
    assert_int_equal(ql_str_cmp(qli_wnode_key(n), key_at(m, i)), 0);
    assert_int_equal(n->deleted, m->v[i].value % 2 != 0);
    int len = sprintf(text, "%u", m->v[i].value);
    if (n->deleted) {
        len = 0;
    }
    assert_int_equal(n->vlen, len);
    assert_memory_equal(n->value, text, (size_t)len);
}

static uint32_t
next_there(const model *m, uint32_t i)
{
    while (i < m->n && m->v[i].value == 0) {
        i++;
    }
    return i;
}

static void
expect_all(const qli_writeset *ws, const model *m)
{
    assert_int_equal(ws->count, m->count);
    qli_wtree_check(&ws->tree, ws->count);
    qli_wpos p = qli_wtree_first(&ws->tree);
    uint32_t last = m->n;
    for (uint32_t i = next_there(m, 0); i < m->n; i = next_there(m, i + 1)) {
        expect_entry(m, i, p.at);
        last = i;
        qli_wtree_next(&ws->tree, &p);
    }
    assert_null(p.at);
    p = qli_wtree_seek_lt(&ws->tree,
                          (ql_str){"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 13});
    if (last < m->n) {
        expect_entry(m, last, p.at);
    }
    size_t back = 0;
    for (; p.at != NULL; qli_wtree_prev(&ws->tree, &p)) {
        back++;
    }
    assert_int_equal(back, m->count);
}

static void
expect_places(const qli_writeset *ws, const model *m, uint32_t tries)
{
    for (uint32_t t = 0; t < tries; t++) {
        uint32_t i = rnd(m->n), from = i, there = next_there(m, i);
        const qli_wnode *n = qli_writeset_get(ws, key_at(m, i));
        assert_true((n != NULL) == (m->v[i].value != 0));
        qli_wpos p = qli_wtree_seek_ge(&ws->tree, key_at(m, i));
        assert_true((p.at != NULL) == (there < m->n));
        if (p.at != NULL) {
            expect_entry(m, there, p.at);
        }
        p = qli_wtree_seek_lt(&ws->tree, key_at(m, i));
        while (from > 0 && m->v[from - 1].value == 0) {
            from--;
        }
        assert_true((p.at != NULL) == (from > 0));
        if (p.at != NULL) {
            expect_entry(m, from - 1, p.at);
        }
    }
}

static void
each_shape_in_each_order(void **state)
{
    world *w = *state;
    for (size_t sh = 0; sh < QL_ARRAY_LEN(shapes); sh++) {
        for (size_t o = 0; o < QL_ARRAY_LEN(orders); o++) {
            uint32_t n = sh == 0 && orders[o] == scattered ? 312 * 128 : 40 * 128;
            model m = model_of(shapes[sh], n);
            qli_writeset ws;
            qli_writeset_init(&ws, NULL);
            expect_all(&ws, &m);
            for (uint32_t i = 0; i < n; i++) {
                put_at(&w->boss, &ws, &m, m.rank[orders[o](i, n)], 2 + rnd(1000));
                if ((i & (i - 1)) == 0 || i % 4001 == 0) {
                    expect_all(&ws, &m);
                    expect_places(&ws, &m, 50);
                }
            }
            expect_all(&ws, &m);
            expect_places(&ws, &m, 2000);
            qli_chunks_free(&ws.mem);
            model_free(&m);
        }
    }
}

/* Keys in order fill their leaves; downwards and at random these are half full at least, whatever
 * stands beside. */
static void
leaves_are_not_left_empty(void **state)
{
    world *w = *state;
    for (size_t o = 0; o < QL_ARRAY_LEN(orders); o++) {
        enum { N = 100 * 128 };
        model m = model_of(like_numbers, N);
        qli_writeset ws;
        qli_writeset_init(&ws, NULL);
        for (uint32_t i = 0; i < N; i++) {
            put_at(&w->boss, &ws, &m, orders[o](i, N), 2);
        }
        size_t least = orders[o] == rising ? QLI_WLEAF - 1 : QLI_WLEAF * 4 / 10;
        assert_true(ws.tree.nleaves <= ws.count / least + 1);
        assert_true(ws.tree.ninners <= ws.tree.nleaves / 8 + 1);
        qli_chunks_free(&ws.mem);
        model_free(&m);
    }
}

/* Who stands on an entry goes to the one that comes next by now. */
static void
stands_outlive_inserts(void **state)
{
    world *w = *state;
    for (uint32_t round = 0; round < 8; round++) {
        model m = model_of(shapes[round % QL_ARRAY_LEN(shapes)], 2000);
        qli_writeset ws;
        qli_wpos stands[16] = {0};
        uint32_t at[16] = {0};
        qli_writeset_init(&ws, NULL);
        for (uint32_t n = 0; n < 4000; n++) {
            uint32_t s = rnd(16), i = rnd(m.n);
            put_at(&w->boss, &ws, &m, m.rank[i], 2 + rnd(1000));
            if (stands[s].at == NULL) {
                at[s] = next_there(&m, m.rank[rnd(m.n)]);
                stands[s] =
                    at[s] < m.n ? qli_wtree_seek_ge(&ws.tree, key_at(&m, at[s])) : (qli_wpos){0};
                continue;
            }
            expect_entry(&m, at[s], stands[s].at);
            if (rnd(2) == 0) {
                qli_wtree_next(&ws.tree, &stands[s]);
                at[s] = next_there(&m, at[s] + 1);
                assert_true((stands[s].at != NULL) == (at[s] < m.n));
                continue;
            }
            qli_wtree_prev(&ws.tree, &stands[s]);
            while (at[s] > 0 && m.v[--at[s]].value == 0) {
            }
            if (stands[s].at == NULL) {
                assert_true(m.v[at[s]].value == 0 || at[s] == 0);
            }
        }
        expect_all(&ws, &m);
        qli_chunks_free(&ws.mem);
        model_free(&m);
    }
}

/* Both as they are while one is half merged: the upper one counts. */
static void
expect_pair(const qli_writeset *lower, const qli_writeset *upper, const model *m)
{
    qli_wtree_check(&lower->tree, lower->count);
    qli_wtree_check(&upper->tree, upper->count);
    for (uint32_t t = 0; t < 200; t++) {
        uint32_t i = rnd(m->n);
        const qli_wnode *n = qli_writeset_get(upper, key_at(m, i));
        n = n != NULL ? n : qli_writeset_get(lower, key_at(m, i));
        assert_true((n != NULL) == (m->v[i].value != 0));
        if (n != NULL) {
            expect_entry(m, i, n);
        }
        qli_wpos p = qli_wtree_seek_ge(&upper->tree, key_at(m, i));
        assert_true(p.at == NULL || ql_str_cmp(qli_wnode_key(p.at), key_at(m, i)) >= 0);
        qli_wpos q = qli_wtree_seek_lt(&upper->tree, key_at(m, i));
        assert_true(q.at == NULL || ql_str_cmp(qli_wnode_key(q.at), key_at(m, i)) < 0);
        if (q.at != NULL) {
            qli_wtree_next(&upper->tree, &q);
            assert_ptr_equal(q.at, p.at);
        }
    }
}

static void
hand_over(session *s, shape sh, uint32_t below, uint32_t above)
{
    model m = model_of(sh, 4000);
    model none = model_of(like_numbers, 1);
    qli_writeset lower, upper;
    _Atomic uint64_t counter = 0;
    qli_writeset_init(&lower, &counter);
    qli_writeset_init(&upper, &counter);
    for (uint32_t i = 0; i < below; i++) {
        put_at(s, &lower, &m, m.rank[rnd(m.n)], 2 + rnd(1000));
    }
    for (uint32_t i = 0; i < above; i++) {
        put_at(s, &upper, &m, m.rank[rnd(m.n)], 2 + rnd(1000));
    }
    size_t bytes = lower.bytes + upper.bytes, step = 1 + rnd(300);
    ql_status st;
    while ((st = qli_writeset_merge(&lower, &upper, step)) == QL_END) {
        expect_pair(&lower, &upper, &m);
    }
    assert_int_equal(st, QL_OK);
    expect_all(&lower, &m);
    expect_all(&upper, &none);
    assert_int_equal(lower.bytes, bytes);
    assert_int_equal(counter, lower.mem.total + upper.mem.total);
    for (uint32_t i = 0; i < 500; i++) { /* it can be written to */
        put_at(s, &lower, &m, m.rank[rnd(m.n)], 2 + rnd(1000));
    }
    expect_all(&lower, &m);
    qli_chunks_free(&lower.mem);
    qli_chunks_free(&upper.mem);
    assert_int_equal(counter, 0);
    model_free(&m);
    model_free(&none);
}

static void
sets_are_handed_over(void **state)
{
    world *w = *state;
    static const uint32_t sizes[] = {0, 1, 70, 500, 3000};
    for (uint32_t i = 0; i < QL_ARRAY_LEN(sizes) * QL_ARRAY_LEN(sizes); i++) {
        for (size_t sh = 0; sh < QL_ARRAY_LEN(shapes); sh++) {
            hand_over(&w->boss, shapes[sh], sizes[i / QL_ARRAY_LEN(sizes)],
                      sizes[i % QL_ARRAY_LEN(sizes)]);
        }
    }
}

static void
take_all_but(qli_chunks *c, size_t rest)
{
    assert_non_null(c->newest);
    size_t n = c->newest->size - c->newest->used - ((rest + 7) & ~(size_t)7);
    assert_non_null(qli_chunks_take(c, n & ~(size_t)7));
}

/* What is reserved for handing over is enough, with every allocation behind it failing: for keys at
 * random, and for one key into each of many full leaves. */
static void
handing_over_fails_only_at_its_start(void **state)
{
    world *w = *state;
    for (uint32_t round = 0; round < 8; round++) {
        model m = model_of(shapes[round % QL_ARRAY_LEN(shapes)], 16000);
        qli_writeset lower, upper;
        bool full = round / QL_ARRAY_LEN(shapes) % 2 == 0;
        qli_writeset_init(&lower, NULL);
        qli_writeset_init(&upper, NULL);
        for (uint32_t i = 0; i < 8000; i++) {
            put_at(&w->boss, &lower, &m, full ? 2 * i : m.rank[rnd(m.n)], 2 + rnd(1000));
        }
        for (uint32_t i = 0; i < (full ? m.n / 128 : 2500); i++) {
            put_at(&w->boss, &upper, &m, full ? 128 * i + 1 : m.rank[rnd(m.n)], 2 + rnd(1000));
        }
        take_all_but(&lower.mem, 0);
        size_t below = lower.count, above = upper.count;
        ql_mem_fail_after(1);
        assert_int_equal(qli_writeset_merge(&lower, &upper, SIZE_MAX), QL_ERROR);
        ql_mem_fail_after(0);
        assert_int_equal(lower.count, below);
        assert_int_equal(upper.count, above);
        expect_pair(&lower, &upper, &m);
        size_t room = qli_wtree_room(&lower.tree, above);
        assert_true(qli_chunks_reserve(&lower.mem, room));
        take_all_but(&lower.mem, room);
        ql_mem_fail_after(1);
        ql_status st = qli_writeset_merge(&lower, &upper, SIZE_MAX);
        ql_mem_fail_after(0);
        assert_int_equal(st, QL_OK);
        expect_all(&lower, &m);
        qli_chunks_free(&lower.mem);
        qli_chunks_free(&upper.mem);
        model_free(&m);
    }
}

/* Each allocation fails once: the set is as it was, and the same put succeeds afterwards. */
static void
memory_runs_out(void **state)
{
    world *w = *state;
    model m = model_of(like_entries_of_four_indexes, 8000);
    qli_writeset ws;
    uint32_t failed = 0;
    qli_writeset_init(&ws, NULL);
    for (uint32_t i = 0; i < m.n; i++) {
        uint32_t at = m.rank[i * 7919u % m.n];
        ql_mem_fail_after(1);
        ql_status st = qli_writeset_put(&w->boss.cx, &ws, key_at(&m, at), (ql_str){"", 0}, true);
        ql_mem_fail_after(0);
        if (st == QL_OK) {
            m.count += m.v[at].value == 0;
            m.v[at].value = 1;
            continue;
        }
        failed++;
        ql_diag_reset(w->boss.cx.diag);
        expect_all(&ws, &m);
        put_at(&w->boss, &ws, &m, at, 1);
    }
    assert_true(failed > 5);
    expect_all(&ws, &m);
    qli_chunks_free(&ws.mem);
    model_free(&m);
}

static int
open_world(void **state)
{
    seed = 4711;
    *state = world_open(NULL, 0);
    return 0;
}

static int
close_world(void **state)
{
    world_close(*state);
    return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        T(each_shape_in_each_order),
        T(leaves_are_not_left_empty),
        T(stands_outlive_inserts),
        T(sets_are_handed_over),
        T(handing_over_fails_only_at_its_start),
        T(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
