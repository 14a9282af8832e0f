/* SPDX-License-Identifier: Apache-2.0
 *
 * A data directory for the tests of its redo log, whose flusher does nothing by itself; reading,
 * writing and copying its files.
 */
#ifndef TESTS_UNIT_KV_REDO_SUPPORT_H
#define TESTS_UNIT_KV_REDO_SUPPORT_H

#include "kv_support.h"

/* Nothing is flushed unless the test says so. */
static const ql_kv_options by_hand = {
    .redo_segment_bytes = 65536, .flush_idle_ms = 3600000, .flush_age_ms = 3600000};

typedef struct fixture {
    test_ctx t;
    char dir[64];
    ql_kv *kv;
} fixture;

static inline int
set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_ctx_init(&f->t);
    test_dir_make(f->dir);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &by_hand, &f->kv), QL_OK);
    *state = f;
    return 0;
}

static inline int
tear_down(void **state)
{
    fixture *f = *state;
    ql_kv_close(f->kv);
    test_dir_remove(f->dir);
    test_ctx_fini(&f->t);
    free(f);
    return 0;
}

static inline ql_status
try_put(fixture *f, ql_kv *kv, const char *k, ql_str v)
{
    ql_kv_apply *a;
    ql_diag_reset(f->t.cx.diag);
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, kv, &a), QL_OK);
    ql_status st = ql_kv_apply_put(&f->t.cx, a, str(k), v);
    if (st != QL_OK) {
        ql_kv_apply_abort(a);
        return st;
    }
    return ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE);
}

static inline void
put(fixture *f, const char *k, const char *v)
{
    assert_int_equal(try_put(f, f->kv, k, str(v)), QL_OK);
}

static inline void
del(fixture *f, const char *k)
{
    ql_kv_apply *a;
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_del(&f->t.cx, a, str(k)), QL_OK);
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
}

/* v NULL: absent. */
static inline void
expect(fixture *f, ql_kv *kv, const char *k, const char *v)
{
    ql_kv_snap *s;
    ql_str got;
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, kv, &s), QL_OK);
    ql_status st = ql_kv_get(&f->t.cx, s, str(k), &got);
    assert_int_equal(st, v != NULL ? QL_OK : QL_END);
    if (v != NULL) {
        assert_str(got, v);
    }
    ql_kv_snap_end(s);
}

static inline ql_kv_stats
stats(ql_kv *kv)
{
    ql_kv_stats s;
    ql_kv_get_stats(kv, &s);
    return s;
}

/* --- files --- */

/* Copy of a file's bytes; freed by the caller. */
static inline char *
slurp(const char *dir, const char *name, size_t *n)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return NULL;
    }
    fseek(in, 0, SEEK_END);
    *n = (size_t)ftell(in);
    rewind(in);
    char *p = malloc(*n + 1);
    assert_int_equal(fread(p, 1, *n, in), *n);
    fclose(in);
    return p;
}

static inline void
spill(const char *dir, const char *name, const char *p, size_t n)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "wb");
    assert_int_equal(fwrite(p, 1, n, out), n);
    fclose(out);
}

/* What a kill at this moment would leave. */
static inline void
copy_dir(const char *from, char to[64])
{
    static const char *const names[] = {"quell.mdb", "quell.mdb-redo0", "quell.mdb-redo1",
                                        "quell.mdb-redo2"};
    test_dir_make(to);
    for (size_t i = 0; i < QL_ARRAY_LEN(names); i++) {
        size_t n;
        char *p = slurp(from, names[i], &n);
        if (p != NULL) {
            spill(to, names[i], p, n);
            free(p);
        }
    }
}

#endif
