/* SPDX-License-Identifier: Apache-2.0
 *
 * Tapes: what is written comes back, whatever the sizes, from several positions at once, and after
 * pages have been used again; short writes do not show; nothing stays open.
 */
#include <dirent.h>

#include "fixture.h"

#include "exec/exec_int.h"
#include "exec/rowset_int.h"
#include "intr/fileio.h"

static char
byte_at(unsigned tape, uint64_t at)
{
    return (char)ql_hash_u64(tape * UINT64_C(1000003) + at);
}

static unsigned
open_files(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL) {
        n++;
    }
    closedir(d);
    return n;
}

static void
begin_run(world *w, ql_run *run)
{
    fresh(w);
    begin(&w->boot);
    ql_run_init(run, &w->boot.cx, NULL, NULL, NULL);
}

static void
write_some(ql_ctx *cx, ql_tape *t, unsigned number, size_t n)
{
    static char buf[100000];
    uint64_t from = ql_tape_bytes(t);
    assert_true(n <= sizeof buf);
    for (size_t i = 0; i < n; i++) {
        buf[i] = byte_at(number, from + i);
    }
    OK(ql_tape_write(cx, t, buf, n));
}

static void
check_bytes(const char *p, unsigned number, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p[i], byte_at(number, from + i));
    }
}

/* From front to back in pieces of changing sizes, copied and viewed in turn. */
static void
read_all(ql_ctx *cx, ql_tape *t, unsigned number, size_t step)
{
    static char buf[200000];
    ql_reel r = {0};
    uint64_t at = 0, all = ql_tape_bytes(t);
    OK(ql_reel_start(cx, &r, t));
    for (unsigned i = 0; at < all; i++) {
        size_t n = 1 + ql_hash_u64(i) % step;
        n = all - at < n ? (size_t)(all - at) : n;
        const char *p = buf;
        assert_false(ql_reel_at_end(&r));
        if (i % 2 == 0) {
            OK(ql_reel_read(cx, &r, buf, n));
        } else {
            OK(ql_reel_view(cx, &r, n, &p));
        }
        check_bytes(p, number, at, n);
        at += n;
    }
    assert_true(ql_reel_at_end(&r));
    ql_reel_stop(&r);
}

static void
test_what_is_written_comes_back(void **state)
{
    world *w = *state;
    ql_ctx *cx = &w->boot.cx;
    ql_run run;
    unsigned files = open_files();
    const size_t sizes[] = {100000, 1,    QL_TAPE_PAGE - 1, QL_TAPE_PAGE, QL_TAPE_PAGE + 1, 0,
                            50000,  99999};
    ql_tape *t[8];
    begin_run(w, &run);
    for (unsigned round = 0; round < 3; round++) { /* later rounds write over the pages of others */
        ql_file_fault(round == 1 ? 777 : 0, 0);
        for (unsigned i = 0; i < 8; i++) {
            OK(qli_run_tape(&run, &t[i]));
        }
        for (unsigned k = 0; k < 30; k++) { /* all at the same time */
            for (unsigned i = 0; i < 8; i++) {
                write_some(cx, t[i], round * 8 + i, sizes[i] * (k + 1) / 30);
            }
        }
        for (unsigned i = 0; i < 8; i++) {
            OK(ql_tape_end(cx, t[i]));
        }
        ql_file_fault(0, 0);
        for (unsigned i = 0; i < 8; i++) {
            read_all(cx, t[i], round * 8 + i, 3);
            read_all(cx, t[i], round * 8 + i, 40000);
        }
        for (unsigned i = round; i < 8; i++) { /* those that stay are not written over */
            ql_tape_drop(cx, t[i]);
        }
        if (round > 0) {
            read_all(cx, t[0], round * 8, 5000);
        }
    }
    assert_true(open_files() == files + 1);
    ql_run_fini(&run);
    assert_int_equal(open_files(), files);
    commit(&w->boot);
}

static void
test_several_positions(void **state)
{
    world *w = *state;
    ql_ctx *cx = &w->boot.cx;
    ql_run run;
    ql_tape *t;
    ql_reel r[3] = {{0}, {0}, {0}};
    char buf[5000];
    begin_run(w, &run);
    OK(qli_run_tape(&run, &t));
    for (unsigned k = 0; k < 60; k++) {
        write_some(cx, t, 7, 60000);
    }
    OK(ql_tape_end(cx, t));
    for (unsigned i = 0; i < 3; i++) {
        OK(ql_reel_start(cx, &r[i], t));
    }
    uint64_t all = ql_tape_bytes(t);
    for (unsigned k = 0; k < 2000; k++) {
        uint64_t at = ql_hash_u64(k) % (all - sizeof buf);
        size_t n = 1 + k % sizeof buf;
        OK(ql_reel_seek(cx, &r[k % 3], at));
        OK(ql_reel_read(cx, &r[k % 3], buf, n));
        check_bytes(buf, 7, at, n);
    }
    OK(ql_reel_seek(cx, &r[0], all - 1));
    OK(ql_reel_read(cx, &r[0], buf, 1));
    assert_true(ql_reel_at_end(&r[0]));
    ql_run_fini(&run); /* the reels are still open */
    commit(&w->boot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_comes_back),
        cmocka_unit_test(test_several_positions),
    };
    return cmocka_run_group_tests(tests, exec_setup, world_teardown);
}
