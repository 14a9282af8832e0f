/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage to the redo log and to its bond with the data file, against what a crash may leave: every
 * byte changed, the end torn, lazily written records torn in any order, files missing, empty, cut
 * short, of another data directory or of another moment. What is refused changes no file; salvage
 * takes what is whole.
 */
#include "redo_support.h"

enum { HEAD = 4096, RECORD = 24 + 8 + 4 + 4 }; /* record: head, head of an operation, key, value */

static const char *const names[] = {"quell.mdb", "quell.mdb-redo0", "quell.mdb-redo1",
                                    "quell.mdb-redo2"};

/* A directory as a crash left it, to be damaged and opened as often as wanted. */
typedef struct image {
    char dir[64];
    char *p[4];
    size_t n[4];
} image;

static void
image_take(image *im, const char *from)
{
    test_dir_make(im->dir);
    for (int i = 0; i < 4; i++) {
        im->p[i] = slurp(from, names[i], &im->n[i]);
    }
}

static void
image_drop(image *im)
{
    test_dir_remove(im->dir);
    for (int i = 0; i < 4; i++) {
        free(im->p[i]);
    }
}

/* Files as they were, nothing else. */
static void
image_restore(const image *im)
{
    test_dir_remove(im->dir);
    assert_int_equal(mkdir(im->dir, 0700), 0);
    for (int i = 0; i < 4; i++) {
        if (im->p[i] != NULL) {
            spill(im->dir, names[i], im->p[i], im->n[i]);
        }
    }
}

static bool
exists(const char *dir, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static void
remove_file(const char *dir, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(unlink(path), 0);
}

static ql_status
open_with(fixture *f, const char *dir, bool salvage, ql_kv **kv)
{
    ql_kv_options opt = by_hand;
    opt.salvage = salvage;
    ql_diag_reset(f->t.cx.diag);
    return ql_kv_open(&f->t.cx, dir, &opt, kv);
}

/* Refused with a text that has `part`, twice, and the second time meets the same files. */
static void
expect_refusal(fixture *f, const char *dir, const char *part)
{
    char *before[4], *after[4];
    size_t n[4], m[4];
    ql_kv *kv;
    for (int i = 0; i < 4; i++) {
        before[i] = slurp(dir, names[i], &n[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_with(f, dir, false, &kv), QL_ERROR);
        const char *text = ql_diag_error(f->t.cx.diag)->text;
        if (strstr(text, part) == NULL || strchr(text, '\n') != NULL) {
            fail_msg("'%s' is not in: %s", part, text);
        }
    }
    for (int i = 0; i < 4; i++) {
        after[i] = slurp(dir, names[i], &m[i]);
        assert_true((before[i] != NULL) == (after[i] != NULL));
        if (before[i] != NULL) {
            assert_int_equal(n[i], m[i]);
            assert_memory_equal(before[i], after[i], n[i]);
        }
        free(before[i]);
        free(after[i]);
    }
    ql_diag_reset(f->t.cx.diag);
}

/* Opens; of `all` keys the first `whole` are there; goes on, and over a restart. */
static void
expect_prefix(fixture *f, const char *dir, bool salvage, uint64_t first, int whole, int all)
{
    ql_kv *kv;
    char key[16];
    if (open_with(f, dir, salvage, &kv) != QL_OK) {
        fail_msg("refused: %s", ql_diag_error(f->t.cx.diag)->text);
    }
    assert_int_equal(ql_kv_seq(kv), first + (uint64_t)whole);
    for (int i = 0; i < all; i++) {
        (void)snprintf(key, sizeof key, "key%d", i);
        expect(f, kv, key, i < whole ? key : NULL);
    }
    assert_int_equal(try_put(f, kv, "after", str("v")), QL_OK);
    ql_kv_close(kv);
    assert_int_equal(open_with(f, dir, false, &kv), QL_OK);
    assert_int_equal(ql_kv_seq(kv), first + (uint64_t)whole + 1);
    expect(f, kv, "after", "v");
    ql_kv_close(kv);
}

static void
put_keys(fixture *f, int from, int to, ql_kv_sync sync)
{
    char key[16];
    for (int i = from; i < to; i++) {
        ql_kv_apply *a;
        (void)snprintf(key, sizeof key, "key%d", i);
        assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
        assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str(key), str(key)), QL_OK);
        assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, sync), QL_OK);
    }
}

/* --- one segment --- */

/* Any byte of any acknowledged record: with a later one behind it that is damage, the last one may
 * have been torn. */
static void
every_byte_changed(void **state)
{
    fixture *f = *state;
    enum { N = 4 };
    image im;
    char want[128];
    uint64_t first = ql_kv_seq(f->kv);
    put_keys(f, 0, N, QL_KV_DURABLE);
    image_take(&im, f->dir);
    for (size_t at = HEAD; at < HEAD + N * RECORD; at++) {
        int which = (int)((at - HEAD) / RECORD);
        im.p[1][at] = (char)(im.p[1][at] ^ 0x40);
        image_restore(&im);
        if (which < N - 1) {
            (void)snprintf(want, sizeof want,
                           "redo0' is damaged at offset %d: record %llu is not whole, and %d whole "
                           "records follow, up to number %llu",
                           HEAD + which * RECORD, (unsigned long long)first + 1 + (unsigned)which,
                           N - 1 - which, (unsigned long long)first + N);
            expect_refusal(f, im.dir, want);
        }
        expect_prefix(f, im.dir, which < N - 1, first, which, N);
        assert_true(exists(im.dir, "quell.mdb-redo0.left-1") == (which < N - 1));
        im.p[1][at] = (char)(im.p[1][at] ^ 0x40);
    }
    image_drop(&im);
}

/* The head is there twice. */
static void
head_changed(void **state)
{
    fixture *f = *state;
    image im;
    uint64_t first = ql_kv_seq(f->kv);
    put_keys(f, 0, 2, QL_KV_DURABLE);
    image_take(&im, f->dir);
    for (size_t at = 0; at < 60; at++) {
        for (int both = 0; both < 2; both++) {
            im.p[1][at] = (char)(im.p[1][at] ^ 1);
            im.p[1][2048 + at] = (char)(im.p[1][2048 + at] ^ both);
            image_restore(&im);
            if (both != 0) {
                expect_refusal(f, im.dir, "redo0' is damaged at offset 0");
            }
            expect_prefix(f, im.dir, both != 0, first, both != 0 ? 0 : 2, 2);
            im.p[1][at] = (char)(im.p[1][at] ^ 1);
            im.p[1][2048 + at] = (char)(im.p[1][2048 + at] ^ both);
        }
    }
    image_drop(&im);
}

/* A write that a crash cut off anywhere in the last record. */
static void
torn_end(void **state)
{
    fixture *f = *state;
    image im;
    uint64_t first = ql_kv_seq(f->kv);
    put_keys(f, 0, 3, QL_KV_DURABLE);
    image_take(&im, f->dir);
    for (size_t at = HEAD + 2 * RECORD; at <= HEAD + 3 * RECORD; at++) {
        char keep[RECORD];
        size_t n = HEAD + 3 * RECORD - at;
        memcpy(keep, im.p[1] + at, n);
        memset(im.p[1] + at, 0, n);
        image_restore(&im);
        expect_prefix(f, im.dir, false, first, n == 0 ? 3 : 2, 3);
        memcpy(im.p[1] + at, keep, n);
    }
    image_drop(&im);
}

/* Without syncs the system writes pages in any order: each subset of the records may be there, and
 * none of them is damage. In front of them stand two that were durable. */
static void
lazy_records_in_any_order(void **state)
{
    fixture *f = *state;
    enum { SURE = 2, LAZY = 5 };
    image im, clean;
    uint64_t first = ql_kv_seq(f->kv);
    put_keys(f, 0, SURE, QL_KV_DURABLE);
    put_keys(f, SURE, SURE + LAZY, QL_KV_WRITTEN);
    image_take(&clean, f->dir);
    im = clean;
    for (unsigned torn = 0; torn < 1u << LAZY; torn++) {
        im.p[1] = malloc(clean.n[1]);
        memcpy(im.p[1], clean.p[1], clean.n[1]);
        int whole = SURE + LAZY;
        for (int i = LAZY - 1; i >= 0; i--) {
            if ((torn & 1u << i) != 0) {
                memset(im.p[1] + HEAD + (SURE + i) * RECORD, torn & 1 ? 0 : 0xA5, RECORD);
                whole = SURE + i;
            }
        }
        image_restore(&im);
        expect_prefix(f, im.dir, false, first, whole, SURE + LAZY);
        if (torn != (1u << LAZY) - 1) { /* those in front are damage all the same */
            im.p[1][HEAD + RECORD + 30] ^= 1;
            image_restore(&im);
            expect_refusal(f, im.dir, "is damaged at offset");
        }
        free(im.p[1]);
    }
    image_drop(&clean);
}

/* --- several segments --- */

/* Two segments that hold what the data file lacks. *mid: first key of the second. */
static void
two_segments(fixture *f, image *im, uint64_t *first, int *mid)
{
    size_t n = 0, log_n = 0;
    char *mdb = NULL;
    ql_kv_snap *snap;
    put(f, "a", "1");
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &snap), QL_OK);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    *first = ql_kv_seq(f->kv);
    int i = 0;
    for (; i < 2000; i++) {
        put_keys(f, i, i + 1, QL_KV_DURABLE);
        if (mdb == NULL && stats(f->kv).redo_bytes > 65536) {
            assert_int_equal(stats(f->kv).flushes, 1);
            mdb = slurp(f->dir, "quell.mdb", &n);
        }
        char *log = slurp(f->dir, "quell.mdb-redo1", &log_n);
        bool begun = log != NULL && memcmp(log, "QLREDO", 6) == 0;
        free(log);
        if (begun) {
            break;
        }
        if (i == 600) { /* wakes the flusher, which then makes the second segment */
            ql_kv_snap_end(snap);
            for (int ms = 0; ms < 10000 && stats(f->kv).redo_bytes == 65536; ms++) {
                usleep(1000);
            }
        }
    }
    assert_non_null(mdb);
    *mid = i;
    put_keys(f, i + 1, i + 3, QL_KV_DURABLE);
    image_take(im, f->dir);
    free(im->p[0]);
    im->p[0] = mdb;
    im->n[0] = n;
}

static void
earlier_segment_damaged(void **state)
{
    fixture *f = *state;
    image im;
    uint64_t first;
    int mid;
    char want[128];
    two_segments(f, &im, &first, &mid);
    image_restore(&im);
    expect_prefix(f, im.dir, false, first, mid + 3, mid + 3);
    const int at[] = {0, mid / 2, mid - 1};
    for (int i = 0; i < 3; i++) {
        /* keys grow longer: look for the one meant */
        char key[16];
        (void)snprintf(key, sizeof key, "key%d", at[i]);
        char *p = memmem(im.p[1], im.n[1], key, strlen(key));
        assert_non_null(p);
        *p ^= 1;
        image_restore(&im);
        (void)snprintf(want, sizeof want, "record %llu is not whole, and",
                       (unsigned long long)first + 1 + (unsigned)at[i]);
        expect_refusal(f, im.dir, want);
        expect_prefix(f, im.dir, true, first, at[i], mid + 3);
        *p ^= 1;
    }
    /* the second one missing, empty, cut short, of an earlier use, gone blank */
    image_restore(&im);
    remove_file(im.dir, "quell.mdb-redo1");
    expect_refusal(f, im.dir, "redo1' is missing");
    expect_prefix(f, im.dir, true, first, mid, mid + 3);
    image_restore(&im);
    spill(im.dir, "quell.mdb-redo1", "", 0);
    expect_refusal(f, im.dir, "redo1' is missing (the file is empty)");
    image_restore(&im);
    spill(im.dir, "quell.mdb-redo1", im.p[2], 5000);
    expect_refusal(f, im.dir, "redo1' is cut short: it has 5000 bytes");
    image_drop(&im);
}

/* --- the log and the data file --- */

static void
log_missing_or_foreign(void **state)
{
    fixture *f = *state;
    image im, other;
    char dir[64];
    ql_kv *kv;
    uint64_t first = ql_kv_seq(f->kv);
    put_keys(f, 0, 3, QL_KV_DURABLE);
    image_take(&im, f->dir);
    image_restore(&im);
    remove_file(im.dir, "quell.mdb-redo0");
    expect_refusal(f, im.dir, "redo0' is missing, and the data file was not closed");
    expect_prefix(f, im.dir, true, first, 0, 3);
    /* that of another directory */
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    assert_int_equal(try_put(f, kv, "theirs", str("1")), QL_OK);
    image_take(&other, dir);
    image_restore(&im);
    spill(im.dir, "quell.mdb-redo0", other.p[1], other.n[1]);
    expect_refusal(f, im.dir, "redo0' belongs to another data file");
    expect_prefix(f, im.dir, true, first, 0, 3);
    /* beside a file that was closed, too */
    ql_kv_close(kv);
    spill(dir, "quell.mdb-redo0", im.p[1], im.n[1]);
    expect_refusal(f, dir, "redo0' belongs to another data file");
    image_drop(&im);
    image_drop(&other);
    test_dir_remove(dir);
}

/* Files of different moments. */
static void
other_moments(void **state)
{
    fixture *f = *state;
    image old, closed, now;
    put_keys(f, 0, 2, QL_KV_DURABLE);
    image_take(&old, f->dir);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    put_keys(f, 2, 4, QL_KV_DURABLE);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    put_keys(f, 4, 5, QL_KV_DURABLE);
    image_take(&now, f->dir);
    /* an older data file: records in between are missing */
    image_restore(&now);
    spill(now.dir, "quell.mdb", old.p[0], old.n[0]);
    expect_refusal(f, now.dir, "does not continue the data file");
    /* an older log: the data file knows a later use of it */
    image_restore(&now);
    spill(now.dir, "quell.mdb-redo0", old.p[1], old.n[1]);
    expect_refusal(f, now.dir, "is older than the data file");
    /* a data file that was closed, and a log that goes on behind it */
    ql_kv_close(f->kv);
    image_take(&closed, f->dir);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &by_hand, &f->kv), QL_OK);
    put_keys(f, 5, 7, QL_KV_DURABLE);
    char *log;
    size_t n = 0;
    log = slurp(f->dir, "quell.mdb-redo0", &n);
    image_restore(&closed);
    spill(closed.dir, "quell.mdb-redo0", log, n);
    expect_refusal(f, closed.dir, "behind a data file that was closed at");
    free(log);
    image_drop(&old);
    image_drop(&closed);
    image_drop(&now);
}

/* A log without its data file is not made way for. */
static void
data_file_missing(void **state)
{
    fixture *f = *state;
    ql_kv_options opt = {.must_exist = true};
    image im;
    ql_kv *kv;
    char dir[64];
    put_keys(f, 0, 3, QL_KV_DURABLE);
    image_take(&im, f->dir);
    image_restore(&im);
    remove_file(im.dir, "quell.mdb");
    expect_refusal(f, im.dir, "quell.mdb is missing or empty, but 'quell.mdb-redo0' is there");
    spill(im.dir, "quell.mdb", "", 0);
    expect_refusal(f, im.dir, "quell.mdb is missing or empty, but 'quell.mdb-redo0' is there");
    assert_int_equal(open_with(f, im.dir, true, &kv), QL_ERROR); /* nothing to be salvaged */
    /* a server that serves makes no data file */
    test_dir_make(dir);
    ql_diag_reset(f->t.cx.diag);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &opt, &kv), QL_ERROR);
    assert_non_null(strstr(ql_diag_error(f->t.cx.diag)->text, "quell.mdb is missing or empty"));
    ql_diag_reset(f->t.cx.diag);
    assert_false(exists(dir, "quell.mdb"));
    test_dir_remove(dir);
    image_drop(&im);
}

/* Closed: no log is needed, whatever became of it; the next use begins anew. */
static void
closed_needs_no_log(void **state)
{
    fixture *f = *state;
    put_keys(f, 0, 3, QL_KV_DURABLE);
    uint64_t seq = ql_kv_seq(f->kv);
    ql_kv_close(f->kv);
    for (int i = 0; i < 3; i++) {
        size_t n = 0;
        char *log = slurp(f->dir, "quell.mdb-redo0", &n);
        if (i == 0) {
            remove_file(f->dir, "quell.mdb-redo0");
        } else {
            memset(log + (i == 1 ? 0 : 4100), 0x5A, 3000);
            spill(f->dir, "quell.mdb-redo0", log, n);
        }
        free(log);
        assert_int_equal(open_with(f, f->dir, false, &f->kv), QL_OK);
        assert_int_equal(ql_kv_seq(f->kv), seq);
        put_keys(f, 3, 4, QL_KV_DURABLE);
        seq++;
        assert_int_equal(ql_kv_seq(f->kv), seq);
        char dir[64];
        ql_kv *kv;
        copy_dir(f->dir, dir);
        assert_int_equal(open_with(f, dir, false, &kv), QL_OK);
        assert_int_equal(ql_kv_seq(kv), seq);
        ql_kv_close(kv);
        test_dir_remove(dir);
        if (i < 2) {
            ql_kv_close(f->kv);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_byte_changed),
        TEST(head_changed),
        TEST(torn_end),
        TEST(lazy_records_in_any_order),
        TEST(earlier_segment_damaged),
        TEST(log_missing_or_foreign),
        TEST(other_moments),
        TEST(data_file_missing),
        TEST(closed_needs_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
