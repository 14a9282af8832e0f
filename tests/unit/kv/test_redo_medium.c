/* SPDX-License-Identifier: Apache-2.0
 *
 * Commits of thousands of operations: they go through the log, too, many of them become one
 * transaction of the data file, and segments of the log grow for them, in their place.
 */
#include <errno.h>
#include <sys/stat.h>

#include "redo_support.h"

#include "kv/redo.h"

#define SEGMENT ((size_t)512 << 10)
#define OPS 6000

/* The flusher does nothing but make segments. */
static const ql_kv_options of_half_a_megabyte = {
    .redo_segment_bytes = SEGMENT, .flush_idle_ms = 3600000, .flush_age_ms = 3600000};

static int
set_up_medium(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_ctx_init(&f->t);
    test_dir_make(f->dir);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &of_half_a_megabyte, &f->kv), QL_OK);
    *state = f;
    return 0;
}

static ql_str
numbered(int i, char b[16])
{
    return (ql_str){b, (size_t)sprintf(b, "key%06d", i)};
}

/* n keys from `from` on, every step-th, in one commit. */
static ql_status
put_many(fixture *f, int from, int n, int step, const char *value)
{
    ql_kv_apply *a;
    char b[16];
    ql_diag_reset(f->t.cx.diag);
    if (ql_kv_apply_begin(&f->t.cx, f->kv, &a) != QL_OK) {
        return QL_ERROR;
    }
    for (int i = 0; i < n; i++) {
        ql_status st = ql_kv_apply_put(&f->t.cx, a, numbered(from + i * step, b), str(value));
        if (st != QL_OK) {
            ql_kv_apply_abort(a);
            return st;
        }
    }
    return ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE);
}

static void
expect_many(fixture *f, ql_kv *kv, int from, int n, int step, const char *value)
{
    ql_kv_snap *s;
    char b[16];
    ql_str got;
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, kv, &s), QL_OK);
    for (int i = 0; i < n; i++) {
        assert_int_equal(ql_kv_get(&f->t.cx, s, numbered(from + i * step, b), &got), QL_OK);
        assert_str(got, value);
    }
    ql_kv_snap_end(s);
}

static size_t
size_of_segment(const fixture *f, int i)
{
    char path[256];
    struct stat sb;
    (void)snprintf(path, sizeof path, "%s/quell.mdb-redo%d", f->dir, i);
    return stat(path, &sb) == 0 ? (size_t)sb.st_size : 0;
}

static void
one_record(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    assert_int_equal(put_many(f, 0, OPS, 2, "first"), QL_OK);
    assert_int_equal(put_many(f, 1, OPS, 2, "second"), QL_OK); /* between those */
    assert_int_equal(stats(f->kv).redo_commits, 2);
    assert_int_equal(stats(f->kv).direct_commits, 0);
    expect_many(f, f->kv, 0, OPS, 2, "first");
    expect_many(f, f->kv, 1, OPS, 2, "second");
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &of_half_a_megabyte, &kv), QL_OK);
    assert_int_equal(ql_kv_seq(kv), ql_kv_seq(f->kv));
    expect_many(f, kv, 0, OPS, 2, "first");
    expect_many(f, kv, 1, OPS, 2, "second");
    ql_kv_close(kv);
    test_dir_remove(dir);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    expect_many(f, f->kv, 0, OPS, 2, "first");
    expect_many(f, f->kv, 1, OPS, 2, "second");
}

/* More than half of a segment goes straight into the data file. */
static void
too_much_for_the_log(void **state)
{
    fixture *f = *state;
    assert_int_equal(put_many(f, 0, 3 * OPS, 1, "a value of some length"), QL_OK);
    assert_int_equal(stats(f->kv).redo_commits, 0);
    assert_int_equal(stats(f->kv).direct_commits, 1);
    expect_many(f, f->kv, 0, 3 * OPS, 1, "a value of some length");
}

/* Commits, until the flusher has made all three and made them large. */
static void
until_all_are_large(fixture *f)
{
    char value[32];
    for (int i = 0; i < 3000 && stats(f->kv).redo_bytes < 3 * 4 * SEGMENT; i++) {
        (void)sprintf(value, "round %d", i);
        assert_int_equal(put_many(f, 0, OPS, 1, value), QL_OK);
        if (i % 20 == 19) {
            assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
            usleep(10000);
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(size_of_segment(f, i), 4 * SEGMENT);
    }
}

/* Segments grow, are used as large as they are, are read so after a crash, and are small again
 * behind the next start. */
static void
segments_grow(void **state)
{
    fixture *f = *state;
    char dir[64], value[32];
    ql_kv *kv;
    until_all_are_large(f);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    uint64_t direct = stats(f->kv).direct_commits;
    for (int round = 0; round < 12; round++) { /* more than three small ones would hold */
        (void)sprintf(value, "large %d", round);
        assert_int_equal(put_many(f, 10000 * round, OPS, 1, value), QL_OK);
    }
    assert_int_equal(stats(f->kv).direct_commits, direct);
    assert_int_equal(stats(f->kv).unflushed, 12);
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &of_half_a_megabyte, &kv), QL_OK);
    for (int round = 0; round < 12; round++) {
        (void)sprintf(value, "large %d", round);
        expect_many(f, kv, 10000 * round, OPS, 1, value);
    }
    ql_kv_close(kv);
    test_dir_remove(dir);
    ql_kv_close(f->kv);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &of_half_a_megabyte, &f->kv), QL_OK);
    assert_in_range(stats(f->kv).redo_bytes, SEGMENT, 3 * SEGMENT);
    expect_many(f, f->kv, 0, OPS, 1, "large 0");
}

/* The write of a record that fails in its middle: the set goes straight into the data file. */
static void
failing_log(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    ql_kv_redo_fail_write(f->kv, ENOSPC, 100000);
    assert_int_equal(put_many(f, 0, OPS, 1, "x"), QL_OK);
    assert_int_equal(stats(f->kv).direct_commits, 1);
    put(f, "after", "1");
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &of_half_a_megabyte, &kv), QL_OK);
    expect_many(f, kv, 0, OPS, 1, "x");
    expect(f, kv, "after", "1");
    ql_kv_close(kv);
    test_dir_remove(dir);
}

static void
without_memory(void **state)
{
    fixture *f = *state;
    ql_status st = QL_ERROR;
    uint32_t nth = 1;
    for (; st != QL_OK && nth < 100; nth++) { /* each allocation of it in turn */
        ql_mem_fail_after(nth);
        st = put_many(f, 0, OPS, 1, "y");
        ql_mem_fail_after(0);
        expect(f, f->kv, "key000000", st == QL_OK ? "y" : NULL);
    }
    assert_in_range(nth, 3, 99);
    expect_many(f, f->kv, 0, OPS, 1, "y");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_record, set_up_medium, tear_down),
        cmocka_unit_test_setup_teardown(too_much_for_the_log, set_up_medium, tear_down),
        cmocka_unit_test_setup_teardown(segments_grow, set_up_medium, tear_down),
        cmocka_unit_test_setup_teardown(failing_log, set_up_medium, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up_medium, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
