/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening, closing and killing at the same time, from many threads; and many rounds of opening and
 * closing, after which nothing is left: no memory, descriptor, thread or file.
 */
#include "embed_support.h"

#include <dirent.h>
#include <stdatomic.h>

#include "base/mem.h"

#define WORKERS 6
#define KILLERS 2
#define RACE_MS 2500
#define ROUNDS 10000
#define INSTANCES 60 /* QUELL_ROUNDS: more, by hand */

static ql_instance *inst;
static _Atomic bool stopping;
static _Atomic uint64_t ids[WORKERS];
static _Atomic uint64_t done, killed, ended;
static _Atomic unsigned wrong;

static unsigned
next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

/* One session after the other: transactions that move money, statements that wait. */
static void *
work(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, seed = me + 1;
    static const char *const texts[] = {
        "BEGIN; UPDATE r.t SET v = v - 1 WHERE id = 1; UPDATE r.t SET v = v + 1 WHERE id = 2; "
        "COMMIT",
        "BEGIN; UPDATE r.t SET v = v - 1 WHERE id = 2; UPDATE r.t SET v = v + 1 WHERE id = 1; "
        "COMMIT",
        "SELECT SLEEP(0.005)",
        "SELECT COUNT(*) FROM r.t a, r.t b, r.t c, r.t d, r.t e, r.t f",
        "CREATE TEMPORARY TABLE r.own (a INT)",
        "SELECT GET_LOCK('x', 1)",
    };
    while (!atomic_load(&stopping)) {
        ql_session *s;
        if (ql_session_open(inst, NULL, &s) != QUELL_OK) {
            atomic_store(&wrong, 1);
            break;
        }
        atomic_store(&ids[me], ql_session_id(s));
        unsigned n = next_random(&seed) % 20;
        int rc = QUELL_OK;
        for (unsigned i = 0; i < n && rc != QUELL_ENDED; i++) {
            rc = ql_execute(s, texts[next_random(&seed) % 6], ALL, NULL, NULL);
            atomic_fetch_add(rc == QUELL_KILLED ? &killed : rc == QUELL_ENDED ? &ended : &done, 1);
            while (rc != QUELL_ENDED && ql_in_transaction(s)) { /* a text that was stopped midway */
                rc = ql_execute(s, "ROLLBACK", ALL, NULL, NULL);
            }
            if (next_random(&seed) % 4 == 0) {
                ql_stmt *st;
                if (ql_prepare(s, "SELECT id FROM r.t ORDER BY id", ALL, &st) == QUELL_OK) {
                    (void)ql_step(st);
                    (void)ql_step(st);
                    if (next_random(&seed) % 2 == 0) {
                        ql_finalize(st);
                    }
                }
            }
        }
        atomic_store(&ids[me], 0);
        ql_session_close(s);
    }
    return NULL;
}

static void *
kill_them(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg + 100;
    while (!atomic_load(&stopping)) {
        uint64_t id = atomic_load(&ids[next_random(&seed) % WORKERS]);
        if (id != 0) {
            (void)ql_kill(inst, id, next_random(&seed) % 3 != 0);
        }
        struct timespec t = {0, 200000};
        (void)nanosleep(&t, NULL);
    }
    return NULL;
}

static void
start_threads(pthread_t *w, pthread_t *k)
{
    for (uintptr_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&w[i], NULL, work, (void *)i), 0);
    }
    for (uintptr_t i = 0; i < KILLERS; i++) {
        assert_int_equal(pthread_create(&k[i], NULL, kill_them, (void *)i), 0);
    }
}

static void
join(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
    }
}

static void
test_open_close_kill(void **state)
{
    (void)state;
    pthread_t w[WORKERS], k[KILLERS];
    inst = open_memory();
    ql_session *s = open_session(inst);
    run(s, "CREATE DATABASE r; CREATE TABLE r.t (id INT PRIMARY KEY, v INT); "
           "INSERT INTO r.t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)");
    atomic_store(&stopping, false);
    start_threads(w, k);
    int64_t until = now_ms() + RACE_MS;
    while (now_ms() < until) {
        expect(s, "SELECT SUM(v) FROM r.t", "0");
    }
    atomic_store(&stopping, true);
    join(w, WORKERS);
    join(k, KILLERS);
    expect(s, "SELECT SUM(v) FROM r.t", "0");
    expect(s, "SELECT COUNT(*) FROM information_schema.PROCESSLIST", "1");
    run(s, "DROP TABLE r.t"); /* nobody holds anything */
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&done) > 20);
    assert_true(atomic_load(&killed) > 0);
    assert_true(atomic_load(&ended) > 0);
    ql_session_close(s);
    ql_close(inst);
}

/* Until its session is over. */
static void *
work_on(void *arg)
{
    ql_session *s = arg;
    static const char *const texts[] = {
        "BEGIN; UPDATE r.t SET v = v + 1 WHERE id = 1; UPDATE r.t SET v "
        "= v - 1 WHERE id = 2; COMMIT",
        "SELECT SLEEP(0.002)", "SELECT * FROM r.t", "CREATE TEMPORARY TABLE r.own (a INT)"};
    unsigned seed = (unsigned)ql_session_id(s);
    while (ql_execute(s, texts[next_random(&seed) % 4], ALL, NULL, NULL) != QUELL_ENDED) {
    }
    if (ql_errno(s) != 1053) {
        atomic_store(&wrong, ql_errno(s)); /* asserted by main: cmocka's are for its own thread */
    }
    ql_session_close(s);
    return NULL;
}

/* The instance is closed while threads work in it. */
static void
test_close_meanwhile(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        pthread_t w[WORKERS];
        ql_instance *q = open_memory();
        ql_session *s = open_session(q);
        run(s, "CREATE DATABASE r; CREATE TABLE r.t (id INT PRIMARY KEY, v INT); "
               "INSERT INTO r.t VALUES (1, 0), (2, 0)");
        for (int i = 0; i < WORKERS; i++) {
            assert_int_equal(pthread_create(&w[i], NULL, work_on, open_session(q)), 0);
        }
        pause_ms(round);
        ql_close(q);
        join(w, WORKERS);
        assert_int_equal(atomic_load(&wrong), 0);
        ql_session_close(s);
    }
}

/* ---- rounds ---- */

static int
entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    assert_non_null(d);
    while (readdir(d) != NULL) {
        n++;
    }
    (void)closedir(d);
    return n;
}

static void
test_session_rounds(void **state)
{
    (void)state;
    ql_instance *q = open_memory();
    ql_session *s = open_session(q);
    run(s, "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)");
    int files = 0, threads = 0;
    size_t bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        ql_session *x = open_session(q);
        if (i % 10 == 0) {
            ql_stmt *st;
            run(x, "BEGIN; INSERT INTO d.t VALUES (1)");
            assert_int_equal(ql_prepare(x, "SELECT ?", ALL, &st), QUELL_OK);
            ql_bind_text(st, 1, "abc", ALL);
            assert_int_equal(ql_step(st), QUELL_ROW);
        }
        ql_session_close(x);
        if (i == ROUNDS / 10) { /* what grows once has grown */
            files = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
            bytes = ql_mem_in_use();
        }
    }
    pause_ms(100); /* the reclaimer frees in the background */
    assert_int_equal(entries("/proc/self/fd"), files);
    assert_int_equal(entries("/proc/self/task"), threads);
    if (ql_mem_in_use() > bytes + 65536) {
        fail_msg("%zu bytes in use, %zu before", ql_mem_in_use(), bytes);
    }
    expect(s, "SELECT COUNT(*) FROM d.t", "0");
    ql_session_close(s);
    ql_close(q);
}

static void
test_instance_rounds(void **state)
{
    (void)state;
    int files = 0, threads = 0;
    size_t bytes = 0;
    const char *more = getenv("QUELL_ROUNDS");
    int rounds = more != NULL ? atoi(more) : INSTANCES;
    for (int i = 0; i < rounds; i++) {
        ql_instance *q = open_memory();
        ql_session *s = open_session(q);
        expect(s, "SELECT 1", "1");
        if (i % 2 == 0) {
            ql_session_close(s);
            ql_close(q);
        } else {
            ql_close(q);
            ql_session_close(s);
        }
        if (i == 5) {
            files = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
            bytes = ql_mem_in_use();
        }
    }
    assert_int_equal(entries("/proc/self/fd"), files);
    assert_int_equal(entries("/proc/self/task"), threads);
    assert_int_equal(ql_mem_in_use(), bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_close_kill), cmocka_unit_test(test_close_meanwhile),
        cmocka_unit_test(test_session_rounds), cmocka_unit_test(test_instance_rounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
