/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of kv.h, run over LMDB and over memkv: a model test against a sorted array, snapshot
 * isolation, sequence numbers, long keys, cursors both ways, ranges, failures on demand.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "kv_support.h"

enum { KEYS = 600, ROUNDS = 60, OPS = 40 };

typedef struct fixture {
    test_ctx t;
    ql_kv *kv;
    char dir[64];
    bool lmdb;
} fixture;

static int
open_lmdb(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_ctx_init(&f->t);
    test_dir_make(f->dir);
    f->lmdb = true;
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, NULL, &f->kv), QL_OK);
    *state = f;
    return 0;
}

static int
open_mem(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_ctx_init(&f->t);
    assert_int_equal(ql_kv_open_mem(&f->t.cx, &f->kv), QL_OK);
    *state = f;
    return 0;
}

static int
open_temp(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_ctx_init(&f->t);
    test_dir_make(f->dir);
    f->lmdb = true;
    assert_int_equal(ql_kv_open_temp(&f->t.cx, f->dir, &f->kv), QL_OK);
    *state = f;
    return 0;
}

static int
close_any(void **state)
{
    fixture *f = *state;
    ql_kv_close(f->kv);
    if (f->lmdb) {
        test_dir_remove(f->dir);
    }
    test_ctx_fini(&f->t);
    free(f);
    return 0;
}

/* --- a model: sorted array of keys, value by pointer or NULL --- */

typedef struct model_row {
    char key[3600];
    size_t n;
    bool there;
    uint32_t value;
} model_row;

typedef struct model {
    model_row row[KEYS];
} model;

static uint64_t seed = 12345;

static uint32_t
rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static int
compare_rows(const void *a, const void *b)
{
    const model_row *x = a, *y = b;
    int d = memcmp(x->key, y->key, x->n < y->n ? x->n : y->n);
    return d != 0 ? d : (x->n > y->n) - (x->n < y->n);
}

/* Lengths round the edges of the chunks; few different bytes, so that prefixes are shared. */
static void
make_model(model *m)
{
    static const size_t edges[] = {1,    2,    509,  510,  511,  512,  1009, 1010,
                                   1011, 1510, 1511, 2010, 3010, 3499, 3500};
    for (int i = 0; i < KEYS; i++) {
        model_row *r = &m->row[i];
        memset(r, 0, sizeof *r);
        r->n = rnd(3) == 0 ? 1 + rnd(40) : edges[rnd((uint32_t)QL_ARRAY_LEN(edges))];
        memset(r->key, 'a', r->n);
        for (int j = 0; j < 3; j++) {
            size_t at =
                rnd(2) == 0 ? rnd((uint32_t)r->n) : edges[rnd((uint32_t)QL_ARRAY_LEN(edges))] - 1;
            if (at < r->n) {
                r->key[at] = (char)(rnd(2) == 0 ? 0 : 0xf0 + rnd(4));
            }
        }
        r->key[r->n - 1] = (char)rnd(256);
        if ((unsigned char)r->key[0] == 0xff) {
            r->key[0] = 0;
        }
    }
    qsort(m->row, KEYS, sizeof m->row[0], compare_rows);
    for (int i = 1; i < KEYS; i++) {
        if (compare_rows(&m->row[i - 1], &m->row[i]) == 0) {
            m->row[i - 1].n = 0; /* a double: never used */
        }
    }
}

static ql_str
row_key(const model_row *r)
{
    return (ql_str){r->key, r->n};
}

static int
step_model(const model *m, int i, int by)
{
    for (i += by; i >= 0 && i < KEYS; i += by) {
        if (m->row[i].there) {
            return i;
        }
    }
    return -1;
}

static void
assert_row(const model *m, int i, ql_status st, ql_str k, ql_str v)
{
    if (i < 0) {
        assert_int_equal(st, QL_END);
        return;
    }
    uint32_t value;
    assert_int_equal(st, QL_OK);
    assert_int_equal(k.n, m->row[i].n);
    assert_memory_equal(k.p, m->row[i].key, k.n);
    assert_int_equal(v.n, sizeof value);
    memcpy(&value, v.p, sizeof value);
    assert_int_equal(value, m->row[i].value);
}

static void
check_snapshot(ql_ctx *cx, const model *m, ql_kv_snap *s)
{
    ql_kv_cursor *c;
    ql_str k, v;
    assert_int_equal(ql_kv_cursor_open(cx, s, &c), QL_OK);
    ql_status st = ql_kv_seek_ge(cx, c, (ql_str){"", 0}, &k, &v);
    int i = step_model(m, -1, 1);
    for (; i >= 0; i = step_model(m, i, 1)) {
        assert_row(m, i, st, k, v);
        st = ql_kv_next(cx, c, &k, &v);
    }
    assert_int_equal(st, QL_END);
    st = ql_kv_seek_lt(cx, c, (ql_str){"\xff", 1}, &k, &v);
    for (i = step_model(m, KEYS, -1); i >= 0; i = step_model(m, i, -1)) {
        assert_row(m, i, st, k, v);
        st = ql_kv_prev(cx, c, &k, &v);
    }
    assert_int_equal(st, QL_END);
    for (int n = 0; n < 200; n++) {
        int at = (int)rnd(KEYS);
        if (m->row[at].n == 0) {
            continue;
        }
        ql_str key = row_key(&m->row[at]);
        st = ql_kv_get(cx, s, key, &v);
        assert_int_equal(st, m->row[at].there ? QL_OK : QL_END);
        i = m->row[at].there ? at : step_model(m, at, 1);
        st = ql_kv_seek_ge(cx, c, key, &k, &v);
        assert_row(m, i, st, k, v);
        for (int steps = 0; steps < 4 && i >= 0; steps++) {
            int by = rnd(2) == 0 ? 1 : -1;
            st = by > 0 ? ql_kv_next(cx, c, &k, &v) : ql_kv_prev(cx, c, &k, &v);
            i = step_model(m, i, by);
            assert_row(m, i, st, k, v);
        }
        st = ql_kv_seek_lt(cx, c, key, &k, &v);
        assert_row(m, step_model(m, at, -1), st, k, v);
    }
    ql_kv_cursor_close(c);
}

static void
change_some(ql_ctx *cx, ql_kv_apply *a, model *m)
{
    for (int n = 0; n < OPS; n++) {
        model_row *r = &m->row[rnd(KEYS)];
        if (r->n == 0) {
            continue;
        }
        if (rnd(3) == 0) {
            assert_int_equal(ql_kv_apply_del(cx, a, row_key(r)), QL_OK);
            r->there = false;
        } else {
            r->value = rnd(1000000);
            r->there = true;
            ql_str v = {(const char *)&r->value, sizeof r->value};
            assert_int_equal(ql_kv_apply_put(cx, a, row_key(r), v), QL_OK);
        }
        ql_str got;
        assert_int_equal(ql_kv_apply_get(cx, a, row_key(r), &got), r->there ? QL_OK : QL_END);
    }
}

static void
delete_range(ql_ctx *cx, ql_kv_apply *a, model *m)
{
    int from = (int)rnd(KEYS), to = from + (int)rnd(30);
    to = to < KEYS ? to : KEYS - 1;
    if (m->row[from].n == 0 || m->row[to].n == 0) {
        return;
    }
    size_t done, want = 0;
    for (int i = from; i < to && want < 7; i++) {
        want += m->row[i].there ? 1 : 0;
        m->row[i].there = false;
    }
    assert_int_equal(
        ql_kv_apply_del_range(cx, a, row_key(&m->row[from]), row_key(&m->row[to]), 7, &done),
        QL_OK);
    assert_int_equal(done, want);
}

static void
model_matches(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    model *m = calloc(1, sizeof *m), *old = calloc(1, sizeof *m);
    make_model(m);
    *old = *m;
    ql_kv_snap *old_snap;
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &old_snap), QL_OK);
    for (int round = 0; round < ROUNDS; round++) {
        ql_kv_apply *a;
        assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
        if (rnd(5) == 0) {
            model *scratch = malloc(sizeof *m);
            *scratch = *m;
            change_some(cx, a, scratch);
            free(scratch);
            ql_kv_apply_abort(a);
        } else {
            change_some(cx, a, m);
            if (rnd(4) == 0) {
                delete_range(cx, a, m);
            }
            assert_int_equal(ql_kv_apply_commit(cx, a, true), QL_OK);
        }
        ql_kv_snap *s;
        assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s), QL_OK);
        assert_int_equal(ql_kv_snap_seq(s), ql_kv_seq(f->kv));
        check_snapshot(cx, m, s);
        check_snapshot(cx, old, old_snap);
        if (rnd(4) == 0) {
            ql_kv_snap_end(old_snap);
            old_snap = s;
            *old = *m;
        } else {
            ql_kv_snap_end(s);
        }
    }
    ql_kv_snap_end(old_snap);
    free(m);
    free(old);
}

static void
seq_is_exact(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    uint64_t before = ql_kv_seq(f->kv);
    ql_kv_apply *a;
    ql_kv_snap *s, *s2;
    ql_str v;
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(cx, a, str("a"), str("1")), QL_OK);
    assert_int_equal(ql_kv_seq(f->kv), before);
    assert_int_equal(ql_kv_apply_commit(cx, a, true), QL_OK);
    assert_int_equal(ql_kv_seq(f->kv), before + 1);
    assert_int_equal(ql_kv_snap_seq(s), before);
    assert_int_equal(ql_kv_get(cx, s, str("a"), &v), QL_END);
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s2), QL_OK);
    assert_int_equal(ql_kv_snap_seq(s2), before + 1);
    assert_int_equal(ql_kv_get(cx, s2, str("a"), &v), QL_OK);
    assert_str(v, "1");
    ql_kv_snap_end(s);
    ql_kv_snap_end(s2);
    /* An apply that wrote nothing leaves snapshots up to date. */
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_commit(cx, a, true), QL_OK);
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_snap_seq(s), ql_kv_seq(f->kv));
    ql_kv_snap_end(s);
}

static void
abort_leaves_nothing(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    ql_kv_apply *a;
    ql_kv_snap *s;
    ql_str v;
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(cx, a, str("gone"), str("1")), QL_OK);
    ql_kv_apply_abort(a);
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_get(cx, s, str("gone"), &v), QL_END);
    ql_kv_snap_end(s);
}

static void
bad_keys_are_refused(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    ql_kv_apply *a;
    char big[3501];
    memset(big, 'x', sizeof big);
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(cx, a, (ql_str){"", 0}, str("1")), QL_ERROR);
    assert_int_equal(ql_kv_apply_put(cx, a, (ql_str){big, sizeof big}, str("1")), QL_ERROR);
    assert_int_equal(ql_kv_apply_put(cx, a, str("\xff"), str("1")), QL_ERROR);
    assert_int_equal(ql_kv_apply_put(cx, a, (ql_str){big, 3500}, str("1")), QL_OK);
    ql_kv_apply_abort(a);
    ql_diag_reset(cx->diag);
}

static void
stats_count(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    ql_kv_apply *a;
    ql_kv_snap *s;
    ql_kv_stats before, after;
    ql_kv_get_stats(f->kv, &before);
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(cx, a, str("k"), str("v")), QL_OK);
    assert_int_equal(ql_kv_apply_commit(cx, a, true), QL_OK);
    ql_kv_get_stats(f->kv, &after);
    assert_int_equal(after.entries, before.entries + 1);
    assert_int_equal(after.seq, before.seq + 1);
    assert_int_equal(after.snapshots_open, 1);
    ql_kv_snap_end(s);
    ql_kv_get_stats(f->kv, &after);
    assert_int_equal(after.snapshots_open, 0);
}

static void
mem_fails_on_demand(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    ql_kv_apply *a;
    ql_kv_snap *s;
    ql_str v;
    ql_memkv_fail_commits(f->kv, 1, QL_ER_DISK_FULL);
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(cx, a, str("k"), str("v")), QL_OK);
    assert_int_equal(ql_kv_apply_commit(cx, a, true), QL_ERROR);
    assert_int_equal(ql_diag_error(cx->diag)->number, 1021);
    ql_diag_reset(cx->diag);
    assert_int_equal(ql_kv_snap_begin(cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_get(cx, s, str("k"), &v), QL_END);
    ql_kv_snap_end(s);
    ql_memkv_fail_puts(f->kv, 1, QL_ER_GET_ERRNO);
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(cx, a, str("k"), str("v")), QL_ERROR);
    ql_kv_apply_abort(a);
    ql_diag_reset(cx->diag);
}

/* --- another server starts, and cleans the same temporary directory up --- */

typedef struct cleaner {
    const char *dir;
    atomic_bool stop;
} cleaner;

static void *
clean_for_ever(void *arg)
{
    cleaner *c = arg;
    while (!atomic_load(&c->stop)) {
        (void)ql_kv_remove_temp(c->dir);
    }
    return NULL;
}

static void
temp_opens_beside_a_cleaning_server(void **state)
{
    fixture *f = *state;
    cleaner c = {.dir = f->dir};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, clean_for_ever, &c), 0);
    ql_status st = QL_OK;
    for (int i = 0; i < 1000 && st == QL_OK; i++) {
        ql_kv *kv;
        st = ql_kv_open_temp(&f->t.cx, f->dir, &kv);
        if (st == QL_OK) {
            ql_kv_close(kv);
        }
    }
    atomic_store(&c.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(st, QL_OK);
}

#define CONTRACT(open)                                                                             \
    cmocka_unit_test_setup_teardown(model_matches, open, close_any),                               \
        cmocka_unit_test_setup_teardown(seq_is_exact, open, close_any),                            \
        cmocka_unit_test_setup_teardown(abort_leaves_nothing, open, close_any),                    \
        cmocka_unit_test_setup_teardown(bad_keys_are_refused, open, close_any),                    \
        cmocka_unit_test_setup_teardown(stats_count, open, close_any)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT(open_lmdb),
        CONTRACT(open_mem),
        CONTRACT(open_temp),
        cmocka_unit_test_setup_teardown(temp_opens_beside_a_cleaning_server, open_temp, close_any),
        cmocka_unit_test_setup_teardown(mem_fails_on_demand, open_mem, close_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
