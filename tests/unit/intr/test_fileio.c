/* SPDX-License-Identifier: Apache-2.0
 *
 * File I/O: contents after short writes, end of file, kills between pieces, a full disk with and
 * without space according to statvfs, the killable wait for space.
 */
#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "intr/fileio.h"
#include "intr/space.h"

#define MIB ((size_t)1 << 20)

static unsigned char *
pattern(size_t n)
{
    unsigned char *p = malloc(n);
    for (size_t i = 0; i < n; i++) {
        p[i] = (unsigned char)(i * 2654435761u >> 13);
    }
    return p;
}

static void
test_write_and_read_back(void **state)
{
    (void)state;
    size_t n = 3 * MIB + 77, got;
    unsigned char *p = pattern(n), *q = malloc(n);
    for (int mode = 0; mode < 2; mode++) {
        fake f;
        int fd;
        fake_begin(&f, NULL);
        assert_int_equal(ql_file_temp(&f.cx, "/tmp", &fd), QL_OK);
        ql_file_fault(mode == 0 ? 0 : 100003, 0);
        assert_int_equal(ql_file_write(&f.cx, fd, p, n, 11), QL_OK);
        ql_file_fault(0, 0);
        assert_int_equal(ql_file_sync(&f.cx, fd), QL_OK);
        memset(q, 0, n);
        assert_int_equal(ql_file_read(&f.cx, fd, q, n, 11, &got), QL_OK);
        assert_int_equal(got, n);
        assert_memory_equal(p, q, n);
        assert_int_equal(ql_file_read(&f.cx, fd, q, 100, n + 11 - 40, &got), QL_END);
        assert_int_equal(got, 40);
        ql_file_close(fd);
        fake_end(&f);
    }
    free(p);
    free(q);
}

static void
test_errors(void **state)
{
    (void)state;
    fake f;
    int fd;
    size_t got;
    char byte = 0;
    fake_begin(&f, NULL);
    assert_int_equal(ql_file_open(&f.cx, "/nonexistent/x", O_RDONLY, 0, &fd), QL_ERROR);
    assert_int_equal(fake_error(&f), 1004);
    assert_string_equal(
        ql_diag_error(f.cx.diag)->text,
        "Can't create file '/nonexistent/x' (errno: 2 - No such file or directory)");
    ql_diag_reset(f.cx.diag);
    assert_int_equal(ql_file_open(&f.cx, "/dev/null", O_RDONLY, 0, &fd), QL_OK);
    assert_int_equal(ql_file_write(&f.cx, fd, &byte, 1, 0), QL_ERROR);
    assert_int_equal(fake_error(&f), 1026);
    ql_file_close(fd);
    ql_diag_reset(f.cx.diag);
    assert_int_equal(ql_file_open(&f.cx, "/tmp", O_RDONLY | O_DIRECTORY, 0, &fd), QL_OK);
    assert_int_equal(ql_file_read(&f.cx, fd, &byte, 1, 0, &got), QL_ERROR);
    assert_int_equal(fake_error(&f), 1024);
    ql_file_close(fd);
    fake_end(&f);
}

static void
test_kill_between_pieces(void **state)
{
    (void)state;
#ifdef QL_DEBUG
    fake f;
    int fd;
    unsigned char *p = pattern(4 * MIB);
    fake_begin(&f, NULL);
    assert_int_equal(ql_file_temp(&f.cx, "/tmp", &fd), QL_OK);
    ql_intr_arm_kill(&f.intr, 3, QL_INTR_QUERY);
    ql_intr_stmt_begin(&f.intr, 1);
    assert_int_equal(ql_file_write(&f.cx, fd, p, 4 * MIB, 0), QL_KILLED);
    assert_int_equal(fake_error(&f), 1317);
    assert_int_equal(lseek(fd, 0, SEEK_END), 2 * MIB);
    ql_intr_stmt_end(&f.intr);
    ql_file_close(fd);
    fake_end(&f);
    free(p);
#else
    skip();
#endif
}

/* One ENOSPC while statvfs sees space is tried again; without a space watcher it is an error. */
static void
test_momentary_enospc(void **state)
{
    (void)state;
#ifdef QL_DEBUG
    ql_instance inst = {0};
    fake f;
    int fd;
    size_t got;
    char back[4];
    fake_begin(&f, &inst);
    assert_int_equal(ql_file_temp(&f.cx, "/tmp", &fd), QL_OK);
    ql_file_fault(0, 1);
    assert_int_equal(ql_file_write(&f.cx, fd, "data", 4, 0), QL_ERROR);
    assert_int_equal(fake_error(&f), 1026);
    ql_diag_reset(f.cx.diag);
    inst.space = ql_space_new(&f.cx, "/tmp", 0);
    assert_non_null(inst.space);
    ql_file_fault(0, 1);
    assert_int_equal(ql_file_write(&f.cx, fd, "data", 4, 0), QL_OK);
    assert_int_equal(ql_file_read(&f.cx, fd, back, 4, 0, &got), QL_OK);
    assert_memory_equal(back, "data", 4);
    ql_space_free(inst.space);
    ql_file_close(fd);
    fake_end(&f);
#else
    skip();
#endif
}

/* A reserve above what is free makes any file system a full one. */
typedef struct full_disk {
    ql_instance inst;
    fake f;
    uint64_t need;
    ql_status st;
} full_disk;

static void
wait_for_space(void *arg)
{
    full_disk *d = arg;
    ql_intr_stmt_begin(&d->f.intr, 1);
    d->st = ql_space_wait(&d->f.cx, d->inst.space, d->need);
    ql_intr_stmt_end(&d->f.intr);
}

static void
test_wait_for_space(void **state)
{
    (void)state;
    full_disk d = {0};
    ql_log *log = ql_log_open("/dev/null", 3);
    d.inst.log = log;
    fake_begin(&d.f, &d.inst);
    d.inst.space = ql_space_new(&d.f.cx, "/tmp", 1);
    d.need = 1;
    assert_false(ql_space_is_low(d.inst.space, 1));
    assert_int_equal(ql_space_wait(&d.f.cx, d.inst.space, 1), QL_OK);

    d.need = UINT64_MAX / 2;
    assert_true(ql_space_is_low(d.inst.space, d.need));
    fake_start(&d.f, wait_for_space, &d);
    UNTIL(ql_space_waiting(d.inst.space) == 1);
    assert_true(ql_intr_raise(&d.f.intr, QL_INTR_QUERY, 0));
    ql_thread_join(&d.f.thread);
    assert_int_equal(d.st, QL_KILLED);
    assert_int_equal(fake_error(&d.f), 1021);
    assert_string_equal(ql_diag_error(d.f.cx.diag)->text,
                        "Disk full (/tmp); waiting for someone to free some space...");
    assert_int_equal(ql_space_waiting(d.inst.space), 0);
    ql_diag_reset(d.f.cx.diag);

    fake_start(&d.f, wait_for_space, &d);
    UNTIL(ql_space_waiting(d.inst.space) == 1);
    ql_space_kick(d.inst.space);
    ql_thread_join(&d.f.thread);
    assert_int_equal(d.st, QL_OK);
    ql_space_free(d.inst.space);
    fake_end(&d.f);
    ql_log_close(log);
}

/* A real full file system (tmpfs of 2 MiB; needs root): the write waits, and goes on by itself when
 * another file is removed. */
typedef struct full_fs {
    ql_instance inst;
    fake f;
    int fd;
    unsigned char *data;
    ql_status st;
} full_fs;

static void
write_too_much(void *arg)
{
    full_fs *d = arg;
    ql_intr_stmt_begin(&d->f.intr, 1);
    d->st = ql_file_write(&d->f.cx, d->fd, d->data, MIB + MIB / 2, 0);
    ql_intr_stmt_end(&d->f.intr);
}

static void
test_full_file_system(void **state)
{
    (void)state;
    char dir[] = "/tmp/ql-full-XXXXXX", path[64];
    full_fs d = {.st = QL_ERROR};
    assert_non_null(mkdtemp(dir));
    if (mount("tmpfs", dir, "tmpfs", 0, "size=2m") != 0) {
        (void)rmdir(dir);
        skip();
    }
    ql_log *log = ql_log_open("/dev/null", 3);
    d.inst.log = log;
    fake_begin(&d.f, &d.inst);
    d.data = pattern(2 * MIB);
    int filler;
    (void)snprintf(path, sizeof path, "%s/filler", dir);
    assert_int_equal(ql_file_open(&d.f.cx, path, O_RDWR | O_CREAT, 0600, &filler), QL_OK);
    assert_int_equal(ql_file_write(&d.f.cx, filler, d.data, MIB, 0), QL_OK);
    ql_file_close(filler);
    assert_int_equal(ql_file_temp(&d.f.cx, dir, &d.fd), QL_OK);
    d.inst.space = ql_space_new(&d.f.cx, dir, 0);
    for (int round = 0; round < 2; round++) {
        fake_start(&d.f, write_too_much, &d);
        UNTIL(ql_space_waiting(d.inst.space) == 1);
        if (round == 0) {
            assert_true(ql_intr_raise(&d.f.intr, QL_INTR_QUERY, 0));
        } else {
            assert_int_equal(unlink(path), 0);
        }
        ql_thread_join(&d.f.thread);
        assert_int_equal(d.st, round == 0 ? QL_KILLED : QL_OK);
        assert_int_equal(fake_error(&d.f), round == 0 ? 1021 : 0);
        ql_diag_reset(d.f.cx.diag);
    }
    size_t got;
    unsigned char *back = malloc(2 * MIB);
    assert_int_equal(ql_file_read(&d.f.cx, d.fd, back, MIB + MIB / 2, 0, &got), QL_OK);
    assert_memory_equal(back, d.data, MIB + MIB / 2);
    ql_space_free(d.inst.space);
    ql_file_close(d.fd);
    fake_end(&d.f);
    ql_log_close(log);
    free(d.data);
    free(back);
    assert_int_equal(umount(dir), 0);
    (void)rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read_back), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_kill_between_pieces), cmocka_unit_test(test_momentary_enospc),
        cmocka_unit_test(test_wait_for_space),      cmocka_unit_test(test_full_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
