/* SPDX-License-Identifier: Apache-2.0
 *
 * The redo log behind the data directory: crashes (the directory is copied while it is open, which
 * is what a kill leaves; damage is test_redo_damage.c's), full disk and failing I/O of the log,
 * snapshots and cursors over flushes, memory given back, readers beside the flusher (also run under
 * TSan).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "redo_support.h"

#include "kv/redo.h"

enum { KEYS = 300 };

/* --- crashes --- */

static void
crash_loses_nothing(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    put(f, "a", "1");
    put(f, "b", "2");
    del(f, "a");
    put(f, "c", "3");
    assert_int_equal(stats(f->kv).unflushed, 4);
    uint64_t seq = ql_kv_seq(f->kv);
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    assert_int_equal(ql_kv_seq(kv), seq);
    assert_int_equal(stats(kv).unflushed, 0);
    expect(f, kv, "a", NULL);
    expect(f, kv, "b", "2");
    expect(f, kv, "c", "3");
    ql_kv_close(kv);
    test_dir_remove(dir);
}

/* The log still has the records that LMDB took: they are not applied twice, and not over newer
 * ones.
 */
static void
replay_is_idempotent(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    ql_kv_apply *a;
    size_t done;
    put(f, "k", "old");
    put(f, "gone", "x");
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    /* newer ones straight into LMDB; the log's segment stays as it was */
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str("k"), str("new")), QL_OK);
    assert_int_equal(ql_kv_apply_del_range(&f->t.cx, a, str("g"), str("h"), 9, &done), QL_OK);
    assert_int_equal(done, 1);
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
    uint64_t seq = ql_kv_seq(f->kv);
    copy_dir(f->dir, dir);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
        assert_int_equal(ql_kv_seq(kv), seq);
        expect(f, kv, "k", "new");
        expect(f, kv, "gone", NULL);
        ql_kv_close(kv);
    }
    test_dir_remove(dir);
}

/* A clean close leaves all in the data file: it may be taken away without the log. */
static void
close_leaves_no_log(void **state)
{
    fixture *f = *state;
    char path[128];
    put(f, "a", "1");
    uint64_t seq = ql_kv_seq(f->kv);
    ql_kv_close(f->kv);
    (void)snprintf(path, sizeof path, "%s/quell.mdb-redo0", f->dir);
    unlink(path);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &by_hand, &f->kv), QL_OK);
    assert_int_equal(ql_kv_seq(f->kv), seq);
    expect(f, f->kv, "a", "1");
}

/* --- model over flushes, crashes and both ways of applying --- */

typedef struct model {
    uint32_t value[KEYS]; /* 0 = absent */
} model;

static uint64_t seed = 4711;

static uint32_t
rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* Some keys are long enough to be chained. */
static ql_str
model_key(int i, char b[700])
{
    int n = sprintf(b, "k%06d", i * 3);
    if (i % 11 == 0) {
        memset(b + n, 'x', 600);
        n += 600;
    }
    return (ql_str){b, (size_t)n};
}

static int
near(const model *m, int i, int by)
{
    for (i += by; i >= 0 && i < KEYS; i += by) {
        if (m->value[i] != 0) {
            return i;
        }
    }
    return -1;
}

static void
expect_at(const model *m, int i, ql_status st, ql_str k, ql_str v)
{
    char b[700];
    if (i < 0) {
        assert_int_equal(st, QL_END);
        return;
    }
    assert_int_equal(st, QL_OK);
    ql_str want = model_key(i, b);
    assert_int_equal(k.n, want.n);
    assert_memory_equal(k.p, want.p, k.n);
    assert_int_equal(v.n, 4);
    assert_memory_equal(v.p, &m->value[i], 4);
}

static void
check_model(fixture *f, const model *m, ql_kv_snap *s)
{
    ql_ctx *cx = &f->t.cx;
    ql_kv_cursor *c;
    ql_str k, v;
    char b[700];
    assert_int_equal(ql_kv_cursor_open(cx, s, &c), QL_OK);
    ql_status st = ql_kv_seek_ge(cx, c, str("k"), &k, &v);
    for (int i = near(m, -1, 1);; i = near(m, i, 1)) {
        expect_at(m, i, st, k, v);
        if (i < 0) {
            break;
        }
        st = ql_kv_next(cx, c, &k, &v);
    }
    st = ql_kv_seek_lt(cx, c, str("l"), &k, &v);
    for (int i = near(m, KEYS, -1);; i = near(m, i, -1)) {
        expect_at(m, i, st, k, v);
        if (i < 0) {
            break;
        }
        st = ql_kv_prev(cx, c, &k, &v);
    }
    for (int n = 0; n < 30; n++) {
        int at = (int)rnd(KEYS), i = m->value[at] != 0 ? at : near(m, at, 1);
        ql_str key = model_key(at, b);
        assert_int_equal(ql_kv_get(cx, s, key, &v), m->value[at] != 0 ? QL_OK : QL_END);
        st = ql_kv_seek_ge(cx, c, key, &k, &v);
        expect_at(m, i, st, k, v);
        for (int steps = 0; steps < 8 && i >= 0; steps++) {
            int by = rnd(2) == 0 ? 1 : -1;
            st = by > 0 ? ql_kv_next(cx, c, &k, &v) : ql_kv_prev(cx, c, &k, &v);
            i = near(m, i, by);
            expect_at(m, i, st, k, v);
        }
        st = ql_kv_seek_lt(cx, c, key, &k, &v);
        expect_at(m, near(m, at, -1), st, k, v);
    }
    ql_kv_cursor_close(c);
}

static void
change_model(fixture *f, model *m)
{
    ql_ctx *cx = &f->t.cx;
    ql_kv_apply *a;
    char b[700];
    bool direct = rnd(12) == 0;
    assert_int_equal(ql_kv_apply_begin(cx, f->kv, &a), QL_OK);
    model next = *m;
    uint32_t n = 1 + rnd(8);
    for (uint32_t j = 0; j < n; j++) {
        int i = (int)rnd(KEYS);
        ql_str key = model_key(i, b);
        next.value[i] = rnd(3) == 0 ? 0 : 1 + rnd(1000000);
        assert_int_equal(next.value[i] == 0
                             ? ql_kv_apply_del(cx, a, key)
                             : ql_kv_apply_put(cx, a, key, (ql_str){(char *)&next.value[i], 4}),
                         QL_OK);
        if (direct && j == n / 2) {
            size_t done;
            ql_str from = model_key(10, b);
            char to[700];
            assert_int_equal(ql_kv_apply_del_range(cx, a, from, model_key(14, to), 100, &done),
                             QL_OK);
            memset(next.value + 10, 0, 4 * sizeof next.value[0]);
        }
    }
    if (rnd(10) == 0) {
        ql_kv_apply_abort(a);
    } else {
        assert_int_equal(ql_kv_apply_commit(cx, a, rnd(4) != 0), QL_OK);
        *m = next;
    }
}

/* Snapshots of many ages, generations of a few records each, flushes at any time. */
static void
model_over_flushes(void **state)
{
    fixture *f = *state;
    enum { OLD = 6, STEPS = 1500 };
    model *m = calloc(1, sizeof *m), *old = calloc(OLD, sizeof *old);
    ql_kv_snap *snap[OLD] = {0};
    for (int step = 0; step < STEPS; step++) {
        change_model(f, m);
        if (rnd(25) == 0) {
            assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
        }
        if (rnd(6) == 0) {
            uint32_t i = rnd(OLD);
            if (snap[i] != NULL) {
                check_model(f, &old[i], snap[i]);
                ql_kv_snap_end(snap[i]);
            }
            assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &snap[i]), QL_OK);
            assert_int_equal(ql_kv_snap_seq(snap[i]), ql_kv_seq(f->kv));
            old[i] = *m;
            check_model(f, &old[i], snap[i]);
        }
        if (step % 300 == 299) { /* a crash */
            char dir[64];
            ql_kv *kv;
            ql_kv_snap *s;
            copy_dir(f->dir, dir);
            assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
            assert_int_equal(ql_kv_seq(kv), ql_kv_seq(f->kv));
            assert_int_equal(ql_kv_snap_begin(&f->t.cx, kv, &s), QL_OK);
            check_model(f, m, s);
            ql_kv_snap_end(s);
            ql_kv_close(kv);
            test_dir_remove(dir);
        }
    }
    for (int i = 0; i < OLD; i++) {
        if (snap[i] != NULL) {
            check_model(f, &old[i], snap[i]);
            ql_kv_snap_end(snap[i]);
        }
    }
    assert_true(stats(f->kv).direct_commits > 0 && stats(f->kv).redo_commits > 0);
    free(m);
    free(old);
}

/* --- segments, memory --- */

/* Many times what the log holds: the committer never fails for room. */
static void
log_goes_round(void **state)
{
    fixture *f = *state;
    char key[16], value[1000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "k%04d", i);
        put(f, key, value);
    }
    ql_kv_stats s = stats(f->kv);
    assert_int_equal(s.redo_commits, 1000);
    assert_true(s.flushes >= 10);
    assert_true(s.redo_bytes <= 3 * 65536);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "k%04d", i);
        expect(f, f->kv, key, value);
    }
}

/* Generations live as long as the last snapshot that needs them. */
static void
memory_is_given_back(void **state)
{
    fixture *f = *state;
    ql_kv_snap *s;
    ql_str v;
    put(f, "a", "1");
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &s), QL_OK);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    put(f, "a", "2");
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    assert_true(stats(f->kv).memory_bytes > 0);
    assert_int_equal(ql_kv_get(&f->t.cx, s, str("a"), &v), QL_OK);
    assert_str(v, "1");
    ql_kv_snap_end(s);
    for (int i = 0; i < 1000 && stats(f->kv).memory_bytes != 0; i++) {
        usleep(1000);
    }
    assert_int_equal(stats(f->kv).memory_bytes, 0);
    expect(f, f->kv, "a", "2");
}

static void
idle_is_flushed(void **state)
{
    fixture *f = *state;
    ql_kv_options opt = {.flush_idle_ms = 5};
    ql_kv_close(f->kv);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &opt, &f->kv), QL_OK);
    put(f, "a", "1");
    for (int i = 0; i < 2000 && stats(f->kv).unflushed != 0; i++) {
        usleep(1000);
    }
    assert_int_equal(stats(f->kv).unflushed, 0);
    assert_int_equal(stats(f->kv).redo_commits, 1);
    expect(f, f->kv, "a", "1");
}

/* What a direct apply froze is flushed also when that apply is given up. */
static void
abort_leaves_nothing_behind(void **state)
{
    fixture *f = *state;
    ql_kv_apply *a;
    size_t done;
    put(f, "a", "1");
    usleep(100000); /* the flusher has looked, and sleeps for its hour */
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    assert_int_equal(ql_kv_apply_del_range(&f->t.cx, a, str("a"), str("b"), 10, &done), QL_OK);
    assert_int_equal(done, 1);
    ql_kv_apply_abort(a);
    for (int i = 0; i < 2000 && stats(f->kv).unflushed != 0; i++) {
        usleep(1000);
    }
    assert_int_equal(stats(f->kv).unflushed, 0);
    expect(f, f->kv, "a", "1");
}

static void
entries_are_counted(void **state)
{
    fixture *f = *state;
    uint64_t before = stats(f->kv).entries;
    put(f, "a", "1");
    put(f, "b", "1");
    put(f, "b", "2");
    assert_int_equal(stats(f->kv).entries, before + 2);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    assert_int_equal(stats(f->kv).entries, before + 2);
    del(f, "a");
    del(f, "nothing");
    put(f, "b", "3");
    assert_int_equal(stats(f->kv).entries, before + 1);
}

/* --- failures --- */

/* No memory at any point of a commit: 1037, nothing happened, the next one works. */
static void
failing_allocations(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    for (uint64_t n = 1; n < 40; n++) {
        char key[16];
        (void)snprintf(key, sizeof key, "n%02d", (int)n);
        uint64_t seq = ql_kv_seq(f->kv);
        if (n % 3 == 0) {
            assert_int_equal(ql_kv_flush(cx, f->kv), QL_OK);
        }
        ql_diag_reset(cx->diag);
        ql_mem_fail_after(n % 10 + 1);
        ql_kv_apply *a = NULL;
        ql_status st = ql_kv_apply_begin(cx, f->kv, &a);
        if (st == QL_OK) {
            st = ql_kv_apply_put(cx, a, str(key), str("v"));
            if (st == QL_OK) {
                st = ql_kv_apply_commit(cx, a, QL_KV_DURABLE);
            } else {
                ql_kv_apply_abort(a);
            }
        }
        ql_mem_fail_after(0);
        if (st != QL_OK) {
            assert_int_equal(st, QL_ERROR);
            assert_int_equal(ql_diag_error(cx->diag)->number, 1037);
        }
        ql_diag_reset(cx->diag);
        assert_int_equal(ql_kv_seq(f->kv), seq + (st == QL_OK ? 1 : 0));
        expect(f, f->kv, key, st == QL_OK ? "v" : NULL);
    }
    put(f, "after", "v");
    expect(f, f->kv, "after", "v");
}

/* Reading and the log's records have no memory: an error each time, never a wrong answer. */
static void
failing_allocations_of_readers(void **state)
{
    fixture *f = *state;
    ql_ctx *cx = &f->t.cx;
    put(f, "a", "1");
    for (uint64_t n = 1; n < 8; n++) {
        ql_kv_snap *s = NULL;
        ql_kv_cursor *c;
        ql_str k, v;
        ql_mem_fail_after(n);
        ql_status st = ql_kv_snap_begin(cx, f->kv, &s);
        if (st == QL_OK) {
            st = ql_kv_cursor_open(cx, s, &c);
        }
        if (st == QL_OK) {
            ql_mem_fail_after(0);
            assert_int_equal(ql_kv_seek_ge(cx, c, str("a"), &k, &v), QL_OK);
            assert_str(v, "1");
            ql_kv_cursor_close(c);
        }
        ql_mem_fail_after(0);
        ql_diag_reset(cx->diag);
        ql_kv_snap_end(s);
    }
}

/* The log's write finds no room (a short one, as ENOSPC leaves it): the data file takes the commit.
 */
static void
log_without_space(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    put(f, "a", "1");
    ql_kv_redo_fail_write(f->kv, ENOSPC, 20);
    put(f, "b", "2");
    assert_int_equal(stats(f->kv).direct_commits, 1);
    put(f, "c", "3"); /* through the log again */
    assert_int_equal(stats(f->kv).redo_commits, 2);
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    expect(f, kv, "a", "1");
    expect(f, kv, "b", "2");
    expect(f, kv, "c", "3");
    assert_int_equal(ql_kv_seq(kv), ql_kv_seq(f->kv));
    ql_kv_close(kv);
    test_dir_remove(dir);
}

/* A sync of the log that fails is not asked again: nothing depends on the log from then on. */
static void
failed_sync_gives_the_log_up(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    put(f, "a", "1");
    ql_kv_redo_fail_sync(f->kv, EIO);
    put(f, "b", "2");
    put(f, "c", "3");
    put(f, "d", "4");
    ql_kv_stats s = stats(f->kv);
    assert_int_equal(s.redo_commits, 1);
    assert_int_equal(s.direct_commits, 3);
    assert_int_equal(s.unflushed, 0);
    copy_dir(f->dir, dir);
    for (int i = 0; i < 3; i++) { /* whatever became of the log */
        char path[128];
        (void)snprintf(path, sizeof path, "%s/quell.mdb-redo%d", dir, i);
        unlink(path);
    }
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    expect(f, kv, "a", "1");
    expect(f, kv, "b", "2");
    expect(f, kv, "c", "3");
    expect(f, kv, "d", "4");
    ql_kv_close(kv);
    test_dir_remove(dir);
}

/* Lazily written commits whose sync fails in the flusher: the data file gets them. */
static void
failed_lazy_sync(void **state)
{
    fixture *f = *state;
    ql_kv_redo_fail_sync(f->kv, EIO);
    int n = 0;
    for (; n < 500 && stats(f->kv).direct_commits == 0; n++) {
        ql_kv_apply *a;
        assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
        assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str("lazy"), (ql_str){(char *)&n, 4}), QL_OK);
        assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_WRITTEN), QL_OK);
        usleep(10000);
    }
    assert_in_range(n, 2, 499);
    assert_int_equal(stats(f->kv).unflushed, 0);
    put(f, "next", "2");
    assert_int_equal(stats(f->kv).direct_commits, 2);
}

/* The data file cannot take the generations (its map is full): commits go on while the log has
 * room, then 1021, nothing lost; rows deleted make room again. */
static void
flush_without_space(void **state)
{
    fixture *f = *state;
    ql_kv_options opt = by_hand;
    char dir[64], key[16], *big = malloc(20001);
    ql_kv *kv;
    int n = 0;
    opt.map_size = 1 << 20;
    memset(big, 'b', 20000);
    big[20000] = '\0';
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &opt, &kv), QL_OK);
    ql_status st = QL_OK;
    for (; n < 200 && st == QL_OK; n++) {
        (void)snprintf(key, sizeof key, "k%03d", n);
        st = try_put(f, kv, key, str(big));
    }
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(ql_diag_error(f->t.cx.diag)->number, 1021);
    n--; /* the one that failed */
    /* 1 MiB of map and three segments of 64 KiB */
    assert_in_range(n, 10, 52 + 9);
    expect(f, kv, key, NULL);
    for (int i = 0; i < n; i++) {
        (void)snprintf(key, sizeof key, "k%03d", i);
        expect(f, kv, key, big);
    }
    uint64_t seq = ql_kv_seq(kv);
    /* a restart in this state loses nothing, and more map (space) lets it go on */
    ql_kv_close(kv);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &opt, &kv), QL_OK);
    ql_diag_reset(f->t.cx.diag);
    assert_int_equal(ql_kv_seq(kv), seq);
    expect(f, kv, "k000", big);
    expect(f, kv, key, big);
    assert_int_equal(try_put(f, kv, "more", str("x")), QL_ERROR);
    assert_int_equal(ql_diag_error(f->t.cx.diag)->number, 1021);
    ql_kv_close(kv);
    opt.map_size = 4 << 20;
    ql_diag_reset(f->t.cx.diag);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &opt, &kv), QL_OK);
    assert_int_equal(stats(kv).unflushed, 0);
    assert_int_equal(try_put(f, kv, "more", str("x")), QL_OK);
    for (int i = 0; i < n; i++) {
        (void)snprintf(key, sizeof key, "k%03d", i);
        expect(f, kv, key, big);
    }
    ql_kv_close(kv);
    test_dir_remove(dir);
    free(big);
    ql_diag_reset(f->t.cx.diag);
}

/* --- readers beside the writer and the flusher --- */

typedef struct shared {
    ql_kv *kv;
    _Atomic bool stop;
} shared;

/* All eight keys always say the same, read one by one and by a cursor either way, and never less
 * than before. */
static void *
read_same(void *arg)
{
    shared *sh = arg;
    test_ctx t;
    uint32_t last = 0;
    test_ctx_init(&t);
    while (!atomic_load(&sh->stop)) {
        uint64_t before = ql_kv_seq(sh->kv);
        ql_kv_snap *s;
        ql_kv_cursor *c;
        ql_str k, v;
        uint32_t got, n = 0;
        assert_int_equal(ql_kv_snap_begin(&t.cx, sh->kv, &s), QL_OK);
        assert_true(ql_kv_snap_seq(s) >= before);
        assert_int_equal(ql_kv_get(&t.cx, s, str("p3"), &v), QL_OK);
        memcpy(&got, v.p, 4);
        assert_true(got >= last);
        last = got;
        assert_int_equal(ql_kv_cursor_open(&t.cx, s, &c), QL_OK);
        ql_status st = ql_kv_seek_ge(&t.cx, c, str("p"), &k, &v);
        for (; st == QL_OK; n++) {
            assert_memory_equal(v.p, &got, 4);
            st = ql_kv_next(&t.cx, c, &k, &v);
        }
        assert_int_equal(n, 8);
        st = ql_kv_seek_lt(&t.cx, c, str("q"), &k, &v);
        for (; st == QL_OK; n++) {
            assert_memory_equal(v.p, &got, 4);
            st = ql_kv_prev(&t.cx, c, &k, &v);
        }
        assert_int_equal(n, 16);
        ql_kv_cursor_close(c);
        ql_kv_snap_end(s);
    }
    test_ctx_fini(&t);
    return NULL;
}

static void
put_same(fixture *f, ql_kv *kv, uint32_t i)
{
    ql_kv_apply *a;
    char key[4] = "p0";
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, kv, &a), QL_OK);
    for (int j = 0; j < 8; j++) {
        key[1] = (char)('0' + j);
        assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str(key), (ql_str){(char *)&i, 4}), QL_OK);
    }
    if (i % 50 == 0) { /* straight into LMDB */
        size_t done;
        assert_int_equal(ql_kv_apply_del_range(&f->t.cx, a, str("x"), str("y"), 10, &done), QL_OK);
    }
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, i % 3 != 0), QL_OK);
}

static void
readers_beside_the_flusher(void **state)
{
    fixture *f = *state;
    ql_kv_options opt = {.redo_segment_bytes = 16384, .flush_idle_ms = 1, .flush_age_ms = 1};
    char dir[64];
    shared sh = {0};
    pthread_t th[3];
    test_dir_make(dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &opt, &sh.kv), QL_OK);
    put_same(f, sh.kv, 1);
    for (int i = 0; i < 3; i++) {
        pthread_create(&th[i], NULL, read_same, &sh);
    }
    for (uint32_t i = 2; i < 1500; i++) {
        put_same(f, sh.kv, i);
        if (i % 100 == 0) {
            usleep(3000); /* idle: the flusher's turn */
        }
    }
    atomic_store(&sh.stop, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(th[i], NULL);
    }
    assert_true(stats(sh.kv).flushes > 0);
    ql_kv_close(sh.kv);
    test_dir_remove(dir);
}

/* --- applies that keep short --- */

static ql_kv_apply *
short_apply(fixture *f, const char *key, const char *value)
{
    ql_kv_apply *a;
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &a), QL_OK);
    ql_kv_apply_keep_short(a);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str(key), str(value)), QL_OK);
    return a;
}

/* What would be long is not begun, and nothing of it is there. */
static void
short_ones_are_small(void **state)
{
    fixture *f = *state;
    static char value[40000];
    size_t done;
    memset(value, 'v', sizeof value);
    ql_str large = {value, sizeof value};
    ql_kv_apply *a = short_apply(f, "a", "1");
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
    expect(f, f->kv, "a", "1");
    a = short_apply(f, "b", "1");
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str("c"), large), QL_END);
    ql_kv_apply_abort(a);
    a = short_apply(f, "b", "1");
    assert_int_equal(ql_kv_apply_del_range(&f->t.cx, a, str("x"), str("y"), 9, &done), QL_END);
    ql_kv_apply_abort(a);
    a = short_apply(f, "b", "1");
    ql_status st = QL_OK;
    for (int i = 0; st == QL_OK && i < 10000; i++) {
        char key[16];
        (void)sprintf(key, "many%d", i);
        st = ql_kv_apply_put(&f->t.cx, a, str(key), str("x"));
    }
    assert_int_equal(st, QL_END);
    ql_kv_apply_abort(a);
    expect(f, f->kv, "b", NULL);
    expect(f, f->kv, "many0", NULL);
    assert_int_equal(stats(f->kv).direct_commits, 0);
}

/* A log that cannot take it: QL_END, and the same apply without the wish does it. */
static void
short_ones_and_a_failing_log(void **state)
{
    fixture *f = *state;
    static const int errors[] = {ENOSPC, EIO};
    for (size_t i = 0; i < QL_ARRAY_LEN(errors); i++) {
        const char *key = i == 0 ? "full" : "broken";
        char dir[64];
        ql_kv *kv;
        put(f, "before", "1");
        ql_kv_redo_fail_write(f->kv, errors[i], 20);
        ql_kv_apply *a = short_apply(f, key, "1");
        assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_END);
        expect(f, f->kv, key, NULL);
        uint64_t direct = stats(f->kv).direct_commits;
        if (errors[i] == ENOSPC) {
            ql_kv_redo_fail_write(f->kv, errors[i], 20);
        }
        put(f, key, "1");
        assert_int_equal(stats(f->kv).direct_commits, direct + 1);
        copy_dir(f->dir, dir);
        assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
        expect(f, kv, key, "1");
        expect(f, kv, "before", "1");
        ql_kv_close(kv);
        test_dir_remove(dir);
    }
}

/* All segments are full: a flush is not waited for. */
static void
short_ones_and_a_full_log(void **state)
{
    fixture *f = *state;
    ql_kv_options opt = by_hand;
    ql_kv_apply *beside;
    char value[1001];
    int n = 0;
    memset(value, 'v', 1000);
    value[1000] = '\0';
    opt.redo_segment_bytes = 16384;
    ql_kv_close(f->kv);
    assert_int_equal(ql_kv_open(&f->t.cx, f->dir, &opt, &f->kv), QL_OK);
    put(f, "first", "1");
    uint64_t seq = ql_kv_seq(f->kv);
    assert_int_equal(ql_kv_beside_begin(&f->t.cx, f->kv, seq, &beside), QL_OK);
    ql_status st = QL_OK;
    while (st == QL_OK && n < 1000) { /* nothing can be flushed: the writer is busy */
        ql_kv_apply *a = short_apply(f, "k", value);
        st = ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE);
        n += st == QL_OK ? 1 : 0;
    }
    assert_int_equal(st, QL_END);
    assert_int_equal(ql_kv_seq(f->kv), seq + (uint64_t)n);
    ql_kv_apply_abort(beside);
    put(f, "k", "last");
    expect(f, f->kv, "k", "last");
}

/* --- writes beside the order --- */

typedef struct besider {
    fixture *f;
    test_ctx t;
    uint64_t after;
    pthread_t th;
} besider;

static void *
write_beside(void *arg)
{
    besider *b = arg;
    ql_kv_apply *a;
    assert_int_equal(ql_kv_beside_begin(&b->t.cx, b->f->kv, b->after, &a), QL_OK);
    assert_int_equal(ql_kv_apply_put(&b->t.cx, a, str("c"), str("3")), QL_OK);
    assert_int_equal(ql_kv_apply_commit(&b->t.cx, a, QL_KV_DURABLE), QL_OK);
    return NULL;
}

/* They have no number; what was committed before them comes into the file first, small commits go
 * on meanwhile, and a crash leaves all of it or nothing. */
static void
writes_beside_the_order(void **state)
{
    fixture *f = *state;
    char dir[64];
    ql_kv *kv;
    ql_kv_apply *a;
    ql_kv_snap *old;
    ql_str got;
    size_t done;
    put(f, "said before", "1");
    uint64_t seq = ql_kv_seq(f->kv);
    assert_int_equal(stats(f->kv).unflushed, 1);
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, f->kv, &old), QL_OK);
    assert_int_equal(ql_kv_beside_begin(&f->t.cx, f->kv, seq, &a), QL_OK);
    assert_int_equal(stats(f->kv).unflushed, 0);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str("new 1"), str("x")), QL_OK);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, a, str("new 2"), str("y")), QL_OK);
    put(f, "meanwhile", "2");
    expect(f, f->kv, "meanwhile", "2");
    expect(f, f->kv, "new 1", NULL);
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    expect(f, kv, "new 1", NULL);
    expect(f, kv, "meanwhile", "2");
    ql_kv_close(kv);
    test_dir_remove(dir);
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
    assert_int_equal(ql_kv_seq(f->kv), seq + 1);
    expect(f, f->kv, "new 1", "x");
    expect(f, f->kv, "meanwhile", "2");
    assert_int_equal(ql_kv_get(&f->t.cx, old, str("new 1"), &got), QL_END);
    assert_int_equal(ql_kv_get(&f->t.cx, old, str("said before"), &got), QL_OK);
    ql_kv_snap_end(old);
    assert_int_equal(stats(f->kv).unflushed, 1); /* "meanwhile" is in the log still */
    copy_dir(f->dir, dir);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    expect(f, kv, "new 2", "y");
    expect(f, kv, "meanwhile", "2");
    assert_int_equal(ql_kv_seq(kv), seq + 1);
    ql_kv_close(kv);
    test_dir_remove(dir);
    assert_int_equal(ql_kv_beside_begin(&f->t.cx, f->kv, seq, &a), QL_OK);
    assert_int_equal(ql_kv_apply_del_range(&f->t.cx, a, str("new"), str("nex"), 1, &done), QL_OK);
    assert_int_equal(done, 1);
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, a, QL_KV_DURABLE), QL_OK);
    expect(f, f->kv, "new 1", NULL);
    assert_int_equal(ql_kv_beside_begin(&f->t.cx, f->kv, seq, &a), QL_OK);
    assert_int_equal(ql_kv_apply_del(&f->t.cx, a, str("new 2")), QL_OK);
    ql_kv_apply_abort(a);
    expect(f, f->kv, "new 2", "y");
}

/* A large apply and one beside it take turns. */
static void
large_applies_wait_for_those_beside(void **state)
{
    fixture *f = *state;
    besider b = {.f = f};
    ql_kv_apply *large;
    size_t done;
    test_ctx_init(&b.t);
    put(f, "a", "1");
    b.after = ql_kv_seq(f->kv);
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, f->kv, &large), QL_OK);
    assert_int_equal(ql_kv_apply_put(&f->t.cx, large, str("b"), str("2")), QL_OK);
    assert_int_equal(ql_kv_apply_del_range(&f->t.cx, large, str("x"), str("y"), 9, &done), QL_OK);
    pthread_create(&b.th, NULL, write_beside, &b);
    assert_int_equal(ql_kv_apply_commit(&f->t.cx, large, QL_KV_DURABLE), QL_OK);
    pthread_join(b.th, NULL);
    expect(f, f->kv, "a", "1");
    expect(f, f->kv, "b", "2");
    expect(f, f->kv, "c", "3");
    test_ctx_fini(&b.t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(crash_loses_nothing),
        TEST(replay_is_idempotent),
        TEST(close_leaves_no_log),
        TEST(model_over_flushes),
        TEST(log_goes_round),
        TEST(memory_is_given_back),
        TEST(idle_is_flushed),
        TEST(abort_leaves_nothing_behind),
        TEST(entries_are_counted),
        TEST(failing_allocations),
        TEST(failing_allocations_of_readers),
        TEST(log_without_space),
        TEST(failed_sync_gives_the_log_up),
        TEST(failed_lazy_sync),
        TEST(flush_without_space),
        TEST(readers_beside_the_flusher),
        TEST(short_ones_are_small),
        TEST(short_ones_and_a_failing_log),
        TEST(short_ones_and_a_full_log),
        TEST(writes_beside_the_order),
        TEST(large_applies_wait_for_those_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
