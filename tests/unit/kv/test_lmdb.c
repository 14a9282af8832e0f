/* SPDX-License-Identifier: Apache-2.0
 *
 * What only the data directory has: its lock, its identity, reopening, full map, readers' limit,
 * many threads taking snapshots while one writes.
 */
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>

#include "kv_support.h"

static void
expect_refusal(test_ctx *t, const char *dir, const char *part)
{
    ql_kv *kv;
    assert_int_equal(ql_kv_open(&t->cx, dir, NULL, &kv), QL_ERROR);
    const char *text = ql_diag_error(t->cx.diag)->text;
    if (strstr(text, part) == NULL || strchr(text, '\n') != NULL) {
        fail_msg("unexpected refusal: %s", text);
    }
    ql_diag_reset(t->cx.diag);
}

static void
put_one(test_ctx *t, ql_kv *kv, const char *k, ql_str v)
{
    ql_kv_apply *a;
    assert_int_equal(ql_kv_apply_begin(&t->cx, kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(&t->cx, a, str(k), v), QL_OK);
    assert_int_equal(ql_kv_apply_commit(&t->cx, a, true), QL_OK);
}

static void
second_open_is_refused(void **state)
{
    (void)state;
    test_ctx t;
    char dir[64];
    ql_kv *kv;
    test_ctx_init(&t);
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &kv), QL_OK);
    expect_refusal(&t, dir, "another server");
    ql_kv_close(kv);
    assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &kv), QL_OK);
    ql_kv_close(kv);
    test_dir_remove(dir);
    test_ctx_fini(&t);
}

static void
foreign_dir_is_refused(void **state)
{
    (void)state;
    test_ctx t;
    char dir[64], path[128];
    test_ctx_init(&t);
    test_dir_make(dir);
    (void)snprintf(path, sizeof path, "%s/ibdata1", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    expect_refusal(&t, dir, "ibdata1");
    unlink(path);
    (void)snprintf(path, sizeof path, "%s/quell.mdb", dir);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 4096; i++) {
        fputs("not lmdb", f);
    }
    fclose(f);
    expect_refusal(&t, dir, "not a data file");
    test_dir_remove(dir);
    expect_refusal(&t, "/proc/nowhere", "Cannot use");
    test_ctx_fini(&t);
}

/* The identity of a data file, read (was) and then written (text; NULL = left) past the server. */
static void
raw_identity(const char *dir, char *was, size_t size, const char *text)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    char path[128];
    MDB_val k = {2, (void *)(uintptr_t) "\xffi"}, v;
    (void)snprintf(path, sizeof path, "%s/quell.mdb", dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
    (void)snprintf(was, size, "%.*s", (int)v.mv_size, (const char *)v.mv_data);
    if (text != NULL) {
        v = (MDB_val){strlen(text), (void *)(uintptr_t)text};
        assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* Older versions know the identities up to 2, and refuse what is not one of those. */
static void
older_formats_are_renamed(void **state)
{
    (void)state;
    static const char *const older[] = {"quell kv 2", "quell kv 4"};
    test_ctx t;
    char dir[64], was[32];
    ql_kv *kv;
    test_ctx_init(&t);
    for (size_t i = 0; i < QL_ARRAY_LEN(older); i++) {
        test_dir_make(dir);
        assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &kv), QL_OK);
        ql_kv_close(kv);
        raw_identity(dir, was, sizeof was, older[i]);
        assert_string_equal(was, "quell kv 3");
        assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &kv), QL_OK);
        put_one(&t, kv, "a", str("value"));
        ql_kv_close(kv);
        raw_identity(dir, was, sizeof was, "quell kv 5");
        assert_string_equal(was, "quell kv 4");
        expect_refusal(&t, dir, "written by a newer version");
        raw_identity(dir, was, sizeof was, NULL);
        assert_string_equal(was, "quell kv 5");
        test_dir_remove(dir);
    }
    test_ctx_fini(&t);
}

static void
survives_reopen(void **state)
{
    (void)state;
    test_ctx t;
    char dir[64];
    ql_kv *kv;
    ql_kv_snap *s;
    ql_str v;
    test_ctx_init(&t);
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &kv), QL_OK);
    put_one(&t, kv, "k", str("value"));
    uint64_t seq = ql_kv_seq(kv);
    ql_kv_close(kv);
    assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &kv), QL_OK);
    assert_int_equal(ql_kv_seq(kv), seq);
    assert_int_equal(ql_kv_snap_begin(&t.cx, kv, &s), QL_OK);
    assert_int_equal(ql_kv_get(&t.cx, s, str("k"), &v), QL_OK);
    assert_str(v, "value");
    ql_kv_snap_end(s);
    ql_kv_close(kv);
    test_dir_remove(dir);
    test_ctx_fini(&t);
}

/* A full map looks as a full disk does: 1021, nothing happened, and freeing rows helps. */
static void
full_then_goes_on(void **state)
{
    (void)state;
    test_ctx t;
    char dir[64], key[16];
    ql_kv *kv;
    ql_kv_apply *a;
    ql_kv_options opt = {.map_size = 1 << 20};
    char *big = calloc(1, 100000);
    test_ctx_init(&t);
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&t.cx, dir, &opt, &kv), QL_OK);
    ql_status st = QL_OK;
    int n = 0;
    for (; n < 100 && st == QL_OK; n++) {
        (void)snprintf(key, sizeof key, "k%03d", n);
        assert_int_equal(ql_kv_apply_begin(&t.cx, kv, &a), QL_OK);
        st = ql_kv_apply_put(&t.cx, a, str(key), (ql_str){big, 100000});
        if (st == QL_OK) {
            st = ql_kv_apply_commit(&t.cx, a, true);
        } else {
            ql_kv_apply_abort(a);
        }
    }
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(ql_diag_error(t.cx.diag)->number, 1021);
    ql_diag_reset(t.cx.diag);
    assert_in_range(n, 5, 11);
    assert_int_equal(ql_kv_apply_begin(&t.cx, kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_del(&t.cx, a, str("k000")), QL_OK);
    assert_int_equal(ql_kv_apply_del(&t.cx, a, str("k001")), QL_OK);
    assert_int_equal(ql_kv_apply_commit(&t.cx, a, true), QL_OK);
    st = QL_ERROR;
    for (int tries = 0; tries < 3 && st != QL_OK; tries++) {
        assert_int_equal(ql_kv_apply_begin(&t.cx, kv, &a), QL_OK);
        st = ql_kv_apply_put(&t.cx, a, str("z"), (ql_str){big, 100000});
        if (st == QL_OK) {
            st = ql_kv_apply_commit(&t.cx, a, true);
        } else {
            ql_kv_apply_abort(a);
        }
    }
    assert_int_equal(st, QL_OK);
    ql_kv_close(kv);
    test_dir_remove(dir);
    test_ctx_fini(&t);
    free(big);
}

static void
readers_have_a_limit(void **state)
{
    (void)state;
    test_ctx t;
    char dir[64];
    ql_kv *kv;
    ql_kv_snap *s[4];
    ql_kv_options opt = {.max_readers = 3};
    test_ctx_init(&t);
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&t.cx, dir, &opt, &kv), QL_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ql_kv_snap_begin(&t.cx, kv, &s[i]), QL_OK);
    }
    assert_int_equal(ql_kv_snap_begin(&t.cx, kv, &s[3]), QL_ERROR);
    assert_int_equal(ql_diag_error(t.cx.diag)->number, 1041);
    ql_kv_snap_end(s[0]);
    assert_int_equal(ql_kv_snap_begin(&t.cx, kv, &s[0]), QL_OK);
    for (int i = 0; i < 3; i++) {
        ql_kv_snap_end(s[i]);
    }
    ql_kv_close(kv);
    test_dir_remove(dir);
    test_ctx_fini(&t);
}

typedef struct shared {
    ql_kv *kv;
    _Atomic bool stop;
} shared;

/* The two keys always change together; and a snapshot's number never falls behind what was there.
 */
static void *
read_pairs(void *arg)
{
    shared *sh = arg;
    test_ctx t;
    test_ctx_init(&t);
    while (!atomic_load(&sh->stop)) {
        uint64_t before = ql_kv_seq(sh->kv);
        ql_kv_snap *s;
        ql_str a, b;
        assert_int_equal(ql_kv_snap_begin(&t.cx, sh->kv, &s), QL_OK);
        assert_true(ql_kv_snap_seq(s) >= before);
        ql_status sa = ql_kv_get(&t.cx, s, str("a"), &a), sb = ql_kv_get(&t.cx, s, str("b"), &b);
        assert_int_equal(sa, sb);
        if (sa == QL_OK) {
            assert_memory_equal(a.p, b.p, sizeof(int));
        }
        ql_kv_snap_end(s);
    }
    test_ctx_fini(&t);
    return NULL;
}

static void
readers_see_whole_applies(void **state)
{
    (void)state;
    test_ctx t;
    char dir[64];
    shared sh = {0};
    pthread_t th[3];
    test_ctx_init(&t);
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&t.cx, dir, NULL, &sh.kv), QL_OK);
    for (int i = 0; i < 3; i++) {
        pthread_create(&th[i], NULL, read_pairs, &sh);
    }
    for (int i = 0; i < 300; i++) {
        ql_kv_apply *a;
        ql_str v = {(const char *)&i, sizeof i};
        assert_int_equal(ql_kv_apply_begin(&t.cx, sh.kv, &a), QL_OK);
        assert_int_equal(ql_kv_apply_put(&t.cx, a, str("a"), v), QL_OK);
        assert_int_equal(ql_kv_apply_put(&t.cx, a, str("b"), v), QL_OK);
        assert_int_equal(ql_kv_apply_commit(&t.cx, a, true), QL_OK);
    }
    atomic_store(&sh.stop, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(th[i], NULL);
    }
    ql_kv_close(sh.kv);
    test_dir_remove(dir);
    test_ctx_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_open_is_refused),    cmocka_unit_test(foreign_dir_is_refused),
        cmocka_unit_test(older_formats_are_renamed), cmocka_unit_test(survives_reopen),
        cmocka_unit_test(full_then_goes_on),         cmocka_unit_test(readers_have_a_limit),
        cmocka_unit_test(readers_see_whole_applies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
