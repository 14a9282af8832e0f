/* SPDX-License-Identifier: Apache-2.0
 *
 * Many keys looked for at once (ql_kv_get_many) against one after the other (ql_kv_get): keys that
 * lie evenly and ones that do not, long ones, values on pages of their own, what is in LMDB, in
 * memory, deleted and absent; old snapshots; damaged values; kills.
 */
#include <stdlib.h>

#include "redo_support.h"

#define MOST 700

static uint64_t seed = 88172645463325252u;

static uint64_t
random_below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

/* Keys of several shapes; which one says i. */
static ql_str
key_of(char *room, uint64_t i)
{
    size_t n;
    switch (i % 5) {
    case 0: /* numbers, evenly */
        memcpy(room, "\0\0\0\7\x80", 5);
        for (int b = 0; b < 4; b++) {
            room[5 + b] = (char)(i >> (24 - 8 * b));
        }
        return (ql_str){room, 9};
    case 1: /* numbers, most of them small */
        memcpy(room, "\0\0\0\10", 4);
        for (int b = 0; b < 8; b++) {
            room[4 + b] = (char)((i * i * i) >> (56 - 8 * b));
        }
        return (ql_str){room, 12};
    case 2:
        return (ql_str){room, (size_t)snprintf(room, 700, "key %llu and so on and so forth",
                                               (unsigned long long)(i * 7919 % 100003))};
    case 3: /* one the beginning of another */
        n = 1 + i / 5 % 400;
        memset(room, 'p', n);
        return (ql_str){room, n};
    default: /* longer than LMDB takes them */
        n = i % 7 == 0 ? 600 : 20;
        memset(room, 'q', n);
        n += (size_t)snprintf(room + n, 32, "%llu", (unsigned long long)i);
        return (ql_str){room, n};
    }
}

static void
put_keys(fixture *f, uint64_t from, uint64_t to, uint64_t step, unsigned piece)
{
    char room[1000], *value = malloc(20000);
    for (uint64_t i = from; i < to;) {
        ql_kv_apply *a;
        assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
        for (unsigned n = 0; n < piece && i < to; n++, i += step) {
            ql_str v = {value, i % 53 == 0 ? 6000 + random_below(12000) : 1 + random_below(180)};
            memset(value, 'a' + (int)(i % 26), v.n);
            assert_int_equal(ql_kv_apply_put(&f->t.cx, a, key_of(room, i), v), QL_OK);
        }
        assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_WRITTEN), QL_OK);
    }
    free(value);
}

static void
delete_keys(fixture *f, uint64_t from, uint64_t to, uint64_t step)
{
    char room[1000];
    ql_kv_apply *a;
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    for (uint64_t i = from; i < to; i += step) {
        assert_int_equal(ql_kv_apply_del(&f->t.cx, a, key_of(room, i)), QL_OK);
    }
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_WRITTEN), QL_OK);
}

typedef struct asked {
    char rooms[MOST][1000];
    ql_str keys[MOST], values[MOST];
    size_t n;
} asked;

static int
by_key(const void *a, const void *b)
{
    return ql_str_cmp(*(const ql_str *)a, *(const ql_str *)b);
}

static void
choose(asked *q, size_t n, uint64_t below, bool sorted)
{
    q->n = n;
    for (size_t i = 0; i < n; i++) {
        q->keys[i] = key_of(q->rooms[i], random_below(below));
    }
    if (sorted) {
        qsort(q->keys, n, sizeof *q->keys, by_key);
    }
}

static size_t
check_equal(fixture *f, ql_kv_snap *s, asked *q)
{
    size_t found = 0;
    assert_int_equal(ql_kv_get_many(&f->t.cx, s, q->keys, q->n, q->values), QL_OK);
    for (size_t i = 0; i < q->n; i++) {
        ql_str one;
        ql_status st = ql_kv_get(&f->t.cx, s, q->keys[i], &one);
        assert_int_equal(st, q->values[i].p != NULL ? QL_OK : QL_END);
        if (st == QL_OK) {
            found++;
            assert_ptr_equal(one.p, q->values[i].p);
            assert_int_equal(one.n, q->values[i].n);
        }
    }
    return found;
}

static void
check_many(fixture *f, ql_kv_snap *s, uint64_t below)
{
    asked *q = malloc(sizeof *q);
    size_t found = 0, of = 0;
    for (unsigned i = 0; i < 60; i++) {
        choose(q, i < 20 ? i : random_below(MOST), below, i % 2 == 0);
        found += check_equal(f, s, q);
        of += q->n;
    }
    assert_true(found > of / 4 && found < of); /* the test knows both */
    free(q);
}

static void
check_new(fixture *f, uint64_t below)
{
    ql_kv_snap *s;
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
    check_many(f, s, below);
    ql_kv_snap_end(s);
}

static void
in_the_file(void **state)
{
    fixture *f = *state;
    put_keys(f, 0, 30000, 2, 5000); /* large applies go straight there */
    check_new(f, 33000);
    check_new(f, 900); /* many in one leaf */
}

static void
in_a_small_file(void **state)
{
    fixture *f = *state;
    ql_kv_snap *s;
    asked *q = malloc(sizeof *q);
    choose(q, 40, 100, false);
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
    assert_int_equal(check_equal(f, s, q), 0);
    ql_kv_snap_end(s);
    put_keys(f, 1, 40, 2, 20);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    check_new(f, 50);
    free(q);
}

/* Every second key in LMDB; others, new versions and deletions in memory; the snapshot from before
 * sees none of those, nor what LMDB has become since. */
static void
in_both(void **state)
{
    fixture *f = *state;
    ql_kv_snap *old;
    put_keys(f, 0, 6000, 2, 1000);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &old), QL_OK);
    put_keys(f, 1, 1200, 2, 20);
    put_keys(f, 0, 300, 2, 20);
    delete_keys(f, 300, 900, 4);
    ql_kv_stats st = {0};
    ql_kv_get_stats(f->kv, &st);
    assert_true(st.unflushed > 0);
    check_new(f, 7000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
        check_new(f, 7000);
        check_many(f, old, 7000);
        put_keys(f, 6001, 6101, 2, 20);
    }
    ql_kv_snap_end(old);
}

/* The value of one key has lost a bit: that key is named, as ql_kv_get names it. */
static void
a_damaged_value_is_told(void **state)
{
    fixture *f = *state;
    size_t n = 0;
    ql_kv_snap *s;
    asked *q = malloc(sizeof *q);
    put(f, "some key", "a value that is not found anywhere else");
    put_keys(f, 0, 3000, 2, 1000);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    ql_kv_close(f->kv);
    char *p = slurp(f->dir, "quell.mdb", &n);
    for (char *at = p;
         (at = memmem(at, n - (size_t)(at - p), "a value that is not found", 25)) != NULL; at++) {
        at[3] ^= 4;
    }
    spill(f->dir, "quell.mdb", p, n);
    free(p);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &by_hand, &f->kv), QL_OK);
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
    choose(q, 100, 3000, false);
    check_equal(f, s, q);
    q->keys[77] = str("some key");
    assert_int_equal(ql_kv_get_many(&f->t.cx, s, q->keys, q->n, q->values), QL_ERROR);
    assert_int_equal(ql_diag_error(f->t.cx.diag)->number, QL_ER_TABLE_CORRUPT);
    assert_non_null(strstr(ql_diag_error(f->t.cx.diag)->text, "0x736f6d65206b6579"));
    ql_diag_reset(f->t.cx.diag);
    ql_kv_snap_end(s);
    free(q);
}

/* Stopped at every checkpoint there is on the way. */
static void
is_killed(void **state)
{
    fixture *f = *state;
    ql_kv_snap *s;
    ql_status st = QL_KILLED;
    uint64_t at = 0;
    asked *q = malloc(sizeof *q);
    put_keys(f, 0, 3000, 2, 1000);
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
    choose(q, 40, 3000, false);
    while (st == QL_KILLED) {
        ql_intr_arm_kill(&f->t.intr, ++at, QL_INTR_QUERY);
        ql_intr_stmt_begin(&f->t.intr, at);
        st = ql_kv_get_many(&f->t.cx, s, q->keys, q->n, q->values);
        ql_intr_arm_kill(&f->t.intr, 0, 0);
        ql_intr_stmt_end(&f->t.intr);
        ql_diag_reset(f->t.cx.diag);
        assert_true(at < 1000);
    }
    assert_int_equal(st, QL_OK);
    assert_true(at > 40 * 2); /* each key, more than one page */
    ql_kv_snap_end(s);
    free(q);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(in_the_file), TEST(in_a_small_file), TEST(in_both),
                                       TEST(a_damaged_value_is_told), TEST(is_killed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
