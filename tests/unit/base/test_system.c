/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads, clocks, the log file, and the aborts of ranked mutexes (each in a child process).
 */
#include "../lib/test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mutex.h"
#include "base/thread.h"

static void
in_thread(void *arg)
{
    size_t *left = arg;
    sigset_t set;
    char name[16] = "";
    *left = ql_thread_stack_left();
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (sigismember(&set, SIGTERM) != 1) {
        *left = 0;
    }
    (void)pthread_getname_np(pthread_self(), name, sizeof name);
    if (strcmp(name, "ql-unit") != 0) {
        *left = 0;
    }
}

static void
test_thread(void **state)
{
    (void)state;
    ql_ctx cx;
    ql_thread t;
    size_t left = 0;
    test_ctx_begin(&cx);
    assert_int_equal(ql_thread_start(&cx, &t, "ql-unit", 4 << 20, in_thread, &left), QL_OK);
    ql_thread_join(&t);
    assert_in_range(left, 3 << 20, 4 << 20);
    assert_true(ql_thread_stack_left() > 100000);
    int64_t a = ql_now_mono_ns();
    assert_true(ql_now_mono_ns() >= a);
    assert_true(ql_now_real_us() > 1600000000000000);
    test_ctx_end(&cx);
}

#define TOLD 42

static void
tell_and_end(int sig)
{
    _exit(sig == SIGSEGV ? TOLD : 1);
}

/* Deeper with each call; the array keeps the compiler from making a loop of it. */
static int
fill_stack(volatile int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    return depth == INT_MAX ? room[0] : fill_stack(depth + 1) + room[0];
}

static void
overrun(void *arg)
{
    *(int *)arg = fill_stack(0);
}

static void
write_to_no_page(void *arg)
{
    volatile int *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)arg;
    page[1] = 1;
}

/* Does a handler hear of the fault that fn makes in a thread? */
static bool
is_told(void (*fn)(void *))
{
    int status = 0, ignored = 0;
    pid_t child = fork();
    if (child == 0) {
        struct sigaction sa = {.sa_handler = tell_and_end, .sa_flags = SA_ONSTACK};
        ql_ctx cx;
        ql_thread t;
        (void)sigaction(SIGSEGV, &sa, NULL);
        test_ctx_begin(&cx);
        if (ql_thread_start(&cx, &t, "ql-unit", 0, fn, &ignored) == QL_OK) {
            ql_thread_join(&t);
        }
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == TOLD;
}

static void
test_faults_are_told(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* a forked child may not start threads there */
#endif
    assert_true(is_told(write_to_no_page));
    assert_true(is_told(overrun));
}

static void
test_log_lines(void **state)
{
    (void)state;
    char path[] = "/tmp/ql-log-XXXXXX", text[8192];
    int fd = mkstemp(path);
    ql_log *log = ql_log_open(path, 2);
    assert_non_null(log);
    ql_log_write(log, QL_LOG_SYSTEM, "ready %d", 7);
    ql_log_write(log, QL_LOG_NOTE, "not wanted");
    ql_log_write(log, QL_LOG_WARNING, "two\nlines");
    ql_log_set_verbosity(log, 1);
    ql_log_write(log, QL_LOG_WARNING, "not wanted");
    char big[6000];
    memset(big, 'z', sizeof big);
    ql_log_write(log, QL_LOG_ERROR, "%.*s", (int)sizeof big, big);
    ql_log_close(log);
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "Z "));
    assert_non_null(strstr(text, "[System] ready 7\n"));
    assert_non_null(strstr(text, "[Warning] two lines\n"));
    assert_null(strstr(text, "not wanted"));
    assert_int_equal(text[n - 1], '\n');
    int lines = 0;
    for (char *p = text; (p = strchr(p, '\n')) != NULL; p++) {
        lines++;
    }
    assert_int_equal(lines, 3);
    (void)close(fd);
    (void)unlink(path);
    assert_null(ql_log_open("/nonexistent/dir/file", 1));
}

#ifdef QL_DEBUG
/* True when fn aborts in a child. */
static bool
aborts(void (*fn)(void))
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        int null = open("/dev/null", O_WRONLY);
        (void)dup2(null, 2);
        fn();
        _exit(0);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
lock_pair(ql_lock_rank first, ql_lock_rank second)
{
    ql_mutex a, b;
    ql_mutex_init(&a, first);
    ql_mutex_init(&b, second);
    ql_mutex_lock(&a);
    ql_mutex_lock(&b);
    ql_mutex_unlock(&a);
    ql_mutex_unlock(&b);
}

static void
good_order(void)
{
    lock_pair(QL_RANK_TXN, QL_RANK_PROC);
    ql_mutex_assert_none_held();
}

static void
bad_order(void)
{
    lock_pair(QL_RANK_PROC, QL_RANK_TXN);
}

static void
same_rank(void)
{
    lock_pair(QL_RANK_LEAF, QL_RANK_LEAF);
}

static void
wait_holding(void)
{
    ql_rwlock l;
    ql_rwlock_init(&l, QL_RANK_CATALOG);
    ql_rwlock_read(&l);
    ql_mutex_assert_none_held();
}

static void
not_held(void)
{
    ql_mutex a;
    ql_mutex_init(&a, QL_RANK_LEAF);
    ql_mutex_assert_held(&a);
}

static void
test_ranks(void **state)
{
    (void)state;
    assert_false(aborts(good_order));
    assert_true(aborts(bad_order));
    assert_true(aborts(same_rank));
    assert_true(aborts(wait_holding));
    assert_true(aborts(not_held));
}
#else
static void
test_ranks(void **state)
{
    (void)state;
    skip();
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_faults_are_told),
        cmocka_unit_test(test_log_lines),
        cmocka_unit_test(test_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
