/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage to the data file: values that do not match their checksums, a file that is cut short
 * before it is opened or while it is open, and the space that is left free while it grows.
 */
#include <signal.h>
#include <sys/wait.h>

#include "redo_support.h"

#include "kv/crc32c.h"
#include "kv/lmdb_look.h"
#include "kv/lmdb_pages.h"

/* RFC 3720, B.4, and the well-known check value; then both ways at every length and alignment. */
static void
crc32c_is_that_of_the_rfc(void **state)
{
    (void)state;
    unsigned char p[2700];
    assert_int_equal(qli_crc32c(0, "123456789", 9), 0xE3069283u);
    memset(p, 0, 32);
    assert_int_equal(qli_crc32c(0, p, 32), 0x8A9136AAu);
    memset(p, 0xFF, 32);
    assert_int_equal(qli_crc32c(0, p, 32), 0x62A8AB43u);
    for (unsigned i = 0; i < sizeof p; i++) {
        p[i] = (unsigned char)(i * 7 + i / 3);
    }
    for (unsigned from = 0; from < 9; from++) {
        for (unsigned n = 0; n < 2600; n += n < 900 ? 1 : 37) {
            uint32_t whole = qli_crc32c(0, p + from, n);
            assert_int_equal(whole, qli_crc32c_by_table(0, p + from, n));
            assert_int_equal(
                whole, qli_crc32c(qli_crc32c(0, p + from, n / 3), p + from + n / 3, n - n / 3));
        }
    }
}

/* Change one byte of what stands behind `text` in the file, by `by` bytes. */
static void
change(const char *dir, const char *text, size_t by)
{
    size_t n = 0;
    char *p = slurp(dir, "quell.mdb", &n), *at = NULL;
    for (char *q = p; (q = memmem(q, n - (size_t)(q - p), text, strlen(text))) != NULL; q++) {
        at = q;
        at[by] = (char)(at[by] ^ 4); /* older states too */
    }
    assert_non_null(at);
    spill(dir, "quell.mdb", p, n);
    free(p);
}

static ql_status
read_all(fixture *f, ql_kv *kv, bool trusting, int *n)
{
    ql_kv_snap *s;
    ql_kv_cursor *c;
    ql_str k, v;
    *n = 0;
    ql_diag_reset(f->t.cx.diag);
    assert_int_equal(ql_kv_snap_begin(&f->t.cx, kv, &s), QL_OK);
    assert_int_equal(ql_kv_cursor_open(&f->t.cx, s, &c), QL_OK);
    if (trusting) {
        ql_kv_cursor_trust(c);
    }
    ql_status st = ql_kv_seek_ge(&f->t.cx, c, str("a"), &k, &v);
    for (; st == QL_OK; st = ql_kv_next(&f->t.cx, c, &k, &v)) {
        (*n)++;
    }
    ql_kv_cursor_close(c);
    ql_kv_snap_end(s);
    return st;
}

/* So many entries, then the damaged one; who is placed behind it goes on. */
static void
the_cursor_says_which(fixture *f, ql_kv_snap *s, ql_str key, int before)
{
    ql_kv_cursor *c;
    ql_str k, v;
    char behind[702];
    assert_int_equal(ql_kv_cursor_open(&f->t.cx, s, &c), QL_OK);
    ql_status st = ql_kv_seek_ge(&f->t.cx, c, str("a"), &k, &v);
    for (; st == QL_OK; st = ql_kv_next(&f->t.cx, c, &k, &v)) {
        before--;
    }
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(before, 0);
    assert_int_equal(ql_str_cmp(ql_kv_cursor_damaged(c), key), 0);
    ql_diag_reset(f->t.cx.diag);
    memcpy(behind, key.p, key.n);
    behind[key.n] = '\0';
    st = ql_kv_seek_ge(&f->t.cx, c, (ql_str){behind, key.n + 1}, &k, &v);
    bool last = key.n > 1;
    assert_true(last ? st == QL_END : st == QL_OK || ql_kv_cursor_damaged(c).n > 1);
    ql_diag_reset(f->t.cx.diag);
    ql_kv_cursor_close(c);
}

static void
changed_value_is_an_error(void **state)
{
    fixture *f = *state;
    char dir[64], big[20001], key[701];
    int n;
    memset(big, 'b', sizeof big - 1);
    memcpy(big + 10000, "MIDDLE", 6);
    big[sizeof big - 1] = '\0';
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    put(f, "a", "value of a");
    put(f, "b", big);
    put(f, "c", "");
    put(f, key, "value of a long key");
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    static const struct {
        const char *text, *key;
        int before; /* entries in front of it */
    } what[] = {{"value of a", "a", 0}, {"MIDDLE", "b", 1}, {"value of a long key", NULL, 3}};
    for (size_t i = 0; i < QL_ARRAY_LEN(what); i++) {
        ql_kv *kv;
        ql_kv_snap *s;
        ql_str v;
        copy_dir(f->dir, dir);
        change(dir, what[i].text, strlen(what[i].text) - 1);
        assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
        for (int trusting = 0; trusting < 2; trusting++) {
            assert_int_equal(read_all(f, kv, trusting == 1, &n), QL_ERROR);
            /* the first text is the beginning of the third */
            assert_int_equal(n, i == 0 ? 0 : what[i].before);
            assert_int_equal(ql_diag_error(f->t.cx.diag)->number, 1877);
        }
        ql_diag_reset(f->t.cx.diag);
        assert_int_equal(ql_kv_snap_begin(&f->t.cx, kv, &s), QL_OK);
        the_cursor_says_which(f, s, what[i].key != NULL ? str(what[i].key) : str(key),
                              i == 0 ? 0 : what[i].before);
        ql_str k = what[i].key != NULL ? str(what[i].key) : str(key);
        assert_int_equal(ql_kv_get(&f->t.cx, s, k, &v), QL_ERROR);
        assert_non_null(strstr(ql_diag_error(f->t.cx.diag)->text, "does not match its checksum"));
        ql_diag_reset(f->t.cx.diag);
        assert_int_equal(ql_kv_get(&f->t.cx, s, str("c"), &v), QL_OK);
        assert_int_equal(v.n, 0);
        ql_kv_snap_end(s);
        ql_kv_close(kv);
        test_dir_remove(dir);
    }
    assert_int_equal(read_all(f, f->kv, false, &n), QL_END);
    assert_int_equal(n, 4);
}

/* Whatever bit flips in a page of entries that is in use, a trusting cursor over it tells, or gives
 * all that was there. */
static void
changed_page_is_told(void **state)
{
    fixture *f = *state;
    char dir[64], key[16], value[64];
    ql_kv *kv;
    size_t n = 0, errors = 0;
    int all, got;
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof key, "key%03d", i);
        (void)snprintf(value, sizeof value, "this is value number %d", i);
        put(f, key, value);
    }
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    assert_int_equal(read_all(f, f->kv, true, &all), QL_END);
    assert_int_equal(all, 300);
    char *file = slurp(f->dir, "quell.mdb", &n);
    for (size_t page = 2 * 4096; page + 4096 <= n; page += 4096) {
        /* Where the file says what it is, LMDB itself reads at the opening, looking at nothing. */
        bool leaf = (file[page + 10] & 2) != 0 && memmem(file + page, 4096, "quell kv", 8) == NULL;
        for (size_t bit = 0; leaf && bit < 4096 * 8; bit += bit < 400 * 8 ? 61 : 1021) {
            copy_dir(f->dir, dir);
            file[page + bit / 8] ^= (char)(1 << bit % 8);
            spill(dir, "quell.mdb", file, n);
            file[page + bit / 8] ^= (char)(1 << bit % 8);
            if (ql_kv_open(&f->t.cx, dir, &by_hand, &kv) == QL_OK) {
                ql_status st = read_all(f, kv, true, &got);
                assert_true(st == QL_ERROR || (st == QL_END && got == all));
                errors += st == QL_ERROR;
                ql_kv_close(kv);
            }
            ql_diag_reset(f->t.cx.diag);
            test_dir_remove(dir);
        }
    }
    free(file);
    assert_true(errors > 50);
}

static int64_t seconds;

static int64_t
clock_of_the_test(void)
{
    return seconds;
}

/* The first page of that kind in a copy of the file at map that holds the text. */
static char *
page_with(const qli_looks *w, unsigned kind, const char *text)
{
    size_t n = w->page_bytes;
    for (uintptr_t at = w->map.from + 2 * n; at + n <= w->map.to; at += n) {
        char *p = (char *)at;
        if (((unsigned char)p[10] & kind) != 0 && memmem(p, n, text, strlen(text)) != NULL) {
            return p;
        }
    }
    return NULL;
}

/* A page that was whole is believed until the interval is over, a value on pages of its own, too;
 * no longer. */
static void
pages_are_looked_at_anew(void **state)
{
    fixture *f = *state;
    char big[9001];
    size_t n = 0;
    memset(big, 'b', sizeof big - 1);
    memcpy(big, "LONG", 4);
    big[sizeof big - 1] = '\0';
    put(f, "a", "value of a");
    put(f, "b", big);
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    char *file = slurp(f->dir, "quell.mdb", &n), *map = NULL;
    assert_int_equal(posix_memalign((void **)&map, 4096, n), 0);
    memcpy(map, file, n);
    free(file);
    qli_looks w;
    qli_looks_init(&w, (qli_mapping){(uintptr_t)map, (uintptr_t)map + n}, 4096, true);
    w.seconds = clock_of_the_test;
    seconds = 1000;
    char *leaf = page_with(&w, QLI_P_LEAF, "value of a"),
         *own = page_with(&w, QLI_P_OVERFLOW, "LONG");
    assert_non_null(leaf);
    assert_non_null(own);
    char *at = memmem(leaf, 4096, "value of a", 10);
    assert_int_equal(qli_look_at_leaf(&w, (uintptr_t)leaf), QLI_LOOK_WHOLE);
    assert_int_equal(qli_look_at_big(&w, (uintptr_t)own, str("b"), n = sizeof big),
                     QLI_LOOK_BAD_VALUE);
    qli_look_compared(&w, (uintptr_t)own, str("b"), n);
    *at ^= 1;
    seconds += QLI_BELIEVED_S - 1;
    assert_int_equal(qli_look_at_leaf(&w, (uintptr_t)leaf), QLI_LOOK_WHOLE);
    assert_int_equal(qli_look_at_big(&w, (uintptr_t)own, str("b"), n), QLI_LOOK_WHOLE);
    seconds += 1;
    assert_int_equal(qli_look_at_leaf(&w, (uintptr_t)leaf), QLI_LOOK_BAD_VALUE);
    assert_int_equal(qli_look_at_leaf(&w, (uintptr_t)leaf), QLI_LOOK_BAD_VALUE); /* not noted */
    assert_int_equal(qli_look_at_big(&w, (uintptr_t)own, str("b"), n), QLI_LOOK_BAD_VALUE);
    *at ^= 1;
    assert_int_equal(qli_look_at_leaf(&w, (uintptr_t)leaf), QLI_LOOK_WHOLE);
    qli_looks_fini(&w);
    free(map);
}

/* The entry of a long value that names the pages of another one, compared a moment ago: what stands
 * there is not the value of this key. */
static void
another_keys_pages_are_told(void **state)
{
    fixture *f = *state;
    char dir[64], big[9001];
    ql_kv *kv;
    size_t n = 0, changed = 0;
    int got;
    for (char key[] = "b"; key[0] < 'e'; key[0]++) {
        memset(big, key[0], sizeof big - 1);
        big[sizeof big - 1] = '\0';
        put(f, key, big);
    }
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    copy_dir(f->dir, dir);
    char *p = slurp(dir, "quell.mdb", &n), *pages[2];
    for (int i = 0; i < 2; i++) {
        memset(big, "bc"[i], 64);
        pages[i] = memmem(p, n, big, 64);
        assert_non_null(pages[i]);
    }
    uint64_t first = (uint64_t)(pages[0] - p) / 4096, second = (uint64_t)(pages[1] - p) / 4096;
    for (size_t at = 2 * 4096; at + 9 <= n; at++) { /* key and number of the first page */
        if (p[at] == 'c' && memcmp(p + at + 1, &second, 8) == 0) {
            memcpy(p + at + 1, &first, 8);
            changed++;
        }
    }
    assert_true(changed != 0);
    spill(dir, "quell.mdb", p, n);
    free(p);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(read_all(f, kv, true, &got), QL_ERROR);
        assert_int_equal(got, 1);
        assert_int_equal(ql_diag_error(f->t.cx.diag)->number, 1877);
    }
    ql_kv_close(kv);
    test_dir_remove(dir);
}

/* Cut off by any number of pages: refused, and not changed. A file that is whole but ends early,
 * because what LMDB freed in a transaction was never written, is none such: every state of a random
 * load opens. */
static void
cut_short(void **state)
{
    fixture *f = *state;
    char dir[64], key[16], big[9000];
    ql_kv *kv;
    size_t n = 0;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    for (int i = 0; i < 120; i++) {
        (void)snprintf(key, sizeof key, "k%03d", i * 37 % 50);
        if (i % 3 == 2) {
            del(f, key);
        } else {
            put(f, key, big);
        }
        assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
        if (i % 10 == 0) {
            copy_dir(f->dir, dir);
            assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
            ql_kv_close(kv);
            test_dir_remove(dir);
        }
    }
    copy_dir(f->dir, dir);
    char *p = slurp(dir, "quell.mdb", &n);
    for (size_t left = n - 4096; left >= 8 * 4096; left -= 7 * 4096) {
        spill(dir, "quell.mdb", p, left);
        ql_diag_reset(f->t.cx.diag);
        ql_status st = ql_kv_open(&f->t.cx, dir, &by_hand, &kv);
        if (st == QL_OK) {
            fail_msg("opened with %zu of %zu bytes", left, n);
        }
        assert_non_null(strstr(ql_diag_error(f->t.cx.diag)->text, "is cut short: it has"));
    }
    ql_diag_reset(f->t.cx.diag);
    spill(dir, "quell.mdb", p, n);
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &by_hand, &kv), QL_OK);
    ql_kv_close(kv);
    free(p);
    test_dir_remove(dir);
}

/* In the child: the file loses its end while it is open. */
static void
read_what_is_gone(const char *dir, int fd)
{
    test_ctx t;
    char path[128];
    ql_kv *kv;
    ql_kv_snap *s;
    ql_str v;
    test_ctx_init(&t);
    (void)snprintf(path, sizeof path, "%s/quell.mdb", dir);
    ql_kv_catch_faults(fd);
    ql_kv_options opt = by_hand;
    if (ql_kv_open(&t.cx, dir, &opt, &kv) != QL_OK || truncate(path, 8192) != 0 ||
        ql_kv_snap_begin(&t.cx, kv, &s) != QL_OK) {
        _exit(3);
    }
    ql_status st = ql_kv_get(&t.cx, s, str("a"), &v);
    _exit(st == QL_OK ? 4 : 5);
}

static void
bus_error_names_the_file(void **state)
{
    fixture *f = *state;
    char dir[64], text[1024];
    int to[2], status;
#ifdef __SANITIZE_THREAD__
    skip(); /* a forked child may not start threads there */
#endif
    put(f, "a", "1");
    assert_int_equal(ql_kv_flush(&f->t.cx, f->kv), QL_OK);
    copy_dir(f->dir, dir);
    assert_int_equal(pipe(to), 0);
    pid_t child = fork();
    if (child == 0) {
        struct sigaction plain = {.sa_handler = SIG_DFL}; /* not the sanitizers' */
        (void)sigaction(SIGBUS, &plain, NULL);
        read_what_is_gone(dir, to[1]);
    }
    close(to[1]);
    size_t n = 0;
    for (ssize_t m; (m = read(to[0], text + n, sizeof text - 1 - n)) > 0;) {
        n += (size_t)m;
    }
    text[n] = '\0';
    close(to[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    if (strstr(text, "quell.mdb' cannot be read at offset ") == NULL ||
        strchr(text, '\n') != text + n - 1) {
        fail_msg("unexpected last words: %s", text);
    }
    test_dir_remove(dir);
}

/* What would grow into the reserve is told as a full disk is, and has changed nothing; small
 * commits and what fits into free pages go on. */
static void
reserve_is_kept(void **state)
{
    fixture *f = *state;
    ql_kv_options opt = by_hand;
    ql_kv *kv;
    ql_kv_apply *a;
    char dir[64], key[16], *big = calloc(1, 100000);
    test_dir_make(dir);
    opt.reserve = (uint64_t)1 << 60;
    assert_int_equal(ql_kv_open(&f->t.cx, dir, &opt, &kv), QL_OK);
    assert_int_equal(try_put(f, kv, "small", str("1")), QL_OK);
    assert_int_equal(ql_kv_apply_begin(&f->t.cx, kv, &a), QL_OK);
    ql_status st = QL_OK;
    int n = 0;
    for (; st == QL_OK && n < 100; n++) {
        (void)snprintf(key, sizeof key, "k%03d", n);
        st = ql_kv_apply_put(&f->t.cx, a, str(key), (ql_str){big, 100000});
    }
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(ql_diag_error(f->t.cx.diag)->number, 1021);
    assert_in_range(n, 5, 8);
    ql_kv_apply_abort(a);
    ql_diag_reset(f->t.cx.diag);
    expect(f, kv, "k000", NULL);
    expect(f, kv, "small", "1");
    assert_int_equal(try_put(f, kv, "small2", str("1")), QL_OK);
    ql_kv_close(kv);
    test_dir_remove(dir);
    free(big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(crc32c_is_that_of_the_rfc),   TEST(changed_value_is_an_error),
        TEST(changed_page_is_told),        TEST(pages_are_looked_at_anew),
        TEST(another_keys_pages_are_told), TEST(cut_short),
        TEST(bus_error_names_the_file),    TEST(reserve_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
