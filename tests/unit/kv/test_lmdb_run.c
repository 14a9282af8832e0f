/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that are put in order, in front of others: they fill their pages, and whatever is done in
 * the middle of such a run sees a whole tree. Against a model with runs of all kinds.
 */
#include "redo_support.h"

enum { KEYS = 4000 };

typedef struct model {
    uint32_t value[KEYS]; /* 0 = absent */
} model;

static uint32_t seed = 17;

static uint32_t
rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Some keys are longer than LMDB's. */
static ql_str
key_of(int i, char b[800])
{
    int n = sprintf(b, "key%06d", i);
    if (i % 97 == 0) {
        memset(b + n, 'l', 700);
        n += 700;
    }
    return (ql_str){b, (size_t)n};
}

/* Values differ in length, so that pages do. */
static ql_str
value_of(uint32_t v, char b[400])
{
    int n = sprintf(b, "%u", v);
    size_t more = v % 7 == 0 ? 300 : v % 50;
    memset(b + n, 'v', more);
    return (ql_str){b, (size_t)n + more};
}

static void
put_one(fixture *f, ql_kv_apply *a, model *m, int i)
{
    char k[800], v[400];
    m->value[i] = 1 + rnd(100000);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, key_of(i, k), value_of(m->value[i], v)), QL_OK);
}

/* In the middle of a run. */
static void
do_something_else(fixture *f, ql_kv_apply *a, model *m)
{
    int i = (int)rnd(KEYS - 20);
    char k[800], to[800], v[400];
    ql_str got;
    size_t done;
    switch (rnd(4)) {
    case 0:
        assert_int_equal(ql_kv_apply_del(&f->t.cx, a, key_of(i, k)), QL_OK);
        m->value[i] = 0;
        break;
    case 1:
        assert_int_equal(ql_kv_apply_get(&f->t.cx, a, key_of(i, k), &got),
                         m->value[i] != 0 ? QL_OK : QL_END);
        assert_true(m->value[i] == 0 || ql_str_cmp(got, value_of(m->value[i], v)) == 0);
        break;
    case 2:
        assert_int_equal(
            ql_kv_apply_del_range(&f->t.cx, a, key_of(i, k), key_of(i + 20, to), 1000, &done),
            QL_OK);
        memset(&m->value[i], 0, 20 * sizeof m->value[0]);
        break;
    default:
        put_one(f, a, m, i);
    }
}

static void
check_model(fixture *f, const model *m)
{
    ql_kv_snap *s;
    ql_kv_cursor *c;
    ql_str k, v;
    char kb[800], vb[400];
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_cursor_open(&f->t.cx, s, &c), QL_OK);
    ql_status st = ql_kv_seek_ge(&f->t.cx, c, str("key"), &k, &v);
    for (int i = 0; i < KEYS; i++) {
        if (m->value[i] != 0) {
            assert_int_equal(st, QL_OK);
            assert_int_equal(ql_str_cmp(k, key_of(i, kb)), 0);
            assert_int_equal(ql_str_cmp(v, value_of(m->value[i], vb)), 0);
            st = ql_kv_next(&f->t.cx, c, &k, &v);
        }
    }
    assert_true(st == QL_END || k.p[0] == 'z');
    ql_kv_cursor_close(c);
    ql_kv_snap_end(s);
}

/* Direct, as a large transaction is: a range is deleted first. */
static ql_kv_apply *
begin_direct(fixture *f)
{
    ql_kv_apply *a;
    size_t done;
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_del_range(&f->t.cx, a, str("a"), str("b"), 1, &done), QL_OK);
    return a;
}

static void
runs_of_all_kinds(void **state)
{
    fixture *f = *state;
    model *m = calloc(1, sizeof *m), *next = calloc(1, sizeof *next);
    put(f, "zzz", "behind all");
    for (int step = 0; step < 150; step++) {
        ql_kv_apply *a = begin_direct(f);
        *next = *m;
        for (uint32_t runs = 1 + rnd(4); runs > 0; runs--) {
            int from = (int)rnd(KEYS), by = 1 + (int)rnd(3), n = 1 + (int)rnd(800);
            uint32_t else_in = rnd(3) == 0 ? 40 + rnd(200) : 0;
            for (int i = from; i < KEYS && n > 0; i += by, n--) {
                put_one(f, a, next, i);
                if (else_in != 0 && rnd(else_in) == 0) {
                    do_something_else(f, a, next);
                }
            }
        }
        if (rnd(5) == 0) {
            ql_kv_apply_abort(a);
        } else {
            assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
            *m = *next;
        }
        check_model(f, m);
        if (step % 40 == 39) { /* all goes: the next runs begin on an empty stretch */
            size_t done;
            a = begin_direct(f);
            assert_int_equal(
                ql_kv_apply_del_range(&f->t.cx, a, str("key"), str("kez"), 100000, &done), QL_OK);
            assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
            memset(m, 0, sizeof *m);
        }
    }
    free(m);
    free(next);
}

/* 20,000 entries of 109 bytes in front of others are 2.2 MB; half-empty pages would be 4.4. */
static void
pages_are_full(void **state)
{
    fixture *f = *state;
    ql_kv_apply *a = begin_direct(f);
    char value[81], key[16];
    memset(value, 'v', 80);
    value[80] = '\0';
    for (int i = 0; i < 100; i++) {
        (void)sprintf(key, "z%03d", i);
        assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str(key), str(value)), QL_OK);
    }
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
    uint64_t before = stats(f->kv).file_bytes;
    a = begin_direct(f);
    for (int i = 0; i < 20000; i++) {
        (void)sprintf(key, "key%08d", i);
        assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str(key), str(value)), QL_OK);
    }
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
    assert_in_range(stats(f->kv).file_bytes - before, 2000000, 2500000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_of_all_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_are_full, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
