/* SPDX-License-Identifier: Apache-2.0
 *
 * A program whose worker is stopped from a second thread. The worker asks for more than anybody has
 * time for; after half a second the program has enough of it. The session goes on.
 *
 *   cc killed_worker.c $(pkg-config --cflags --libs quell) -pthread && ./a.out
 */
#include <pthread.h>
#include <quell/quell.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char schema[] =
    "CREATE DATABASE app; USE app; CREATE TABLE n (i INT PRIMARY KEY);"
    "INSERT INTO n VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)";
static const char endless[] = /* ten thousand million rows, and none like the one it looks for */
    "SELECT COUNT(*) FROM n a, n b, n c, n d, n e, n f, n g, n h, n i, n j "
    "WHERE a.i + b.i + c.i + d.i + e.i + f.i + g.i + h.i + i.i + j.i > 1000";

static void
fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void *
worker(void *arg)
{
    ql_session *s = arg;
    int rc = ql_execute(s, endless, QUELL_ALL, NULL, NULL);
    (void)printf("worker: result %d, error %u: %s\n", rc, ql_errno(s), ql_errmsg(s));
    return NULL;
}

static double
seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
print_row(void *arg, unsigned n, const char *const *names, const char *const *values,
          const size_t *lengths)
{
    (void)arg;
    (void)lengths;
    for (unsigned i = 0; i < n; i++) {
        (void)printf("%s = %s\n", names[i], values[i] != NULL ? values[i] : "NULL");
    }
    return 0;
}

int
main(void)
{
    ql_instance *db;
    ql_session *s;
    pthread_t thread;
    struct timespec half = {0, 500000000};
    if (ql_open(":memory:", NULL, &db) != QUELL_OK) {
        fail("ql_open", db != NULL ? ql_open_errmsg(db) : "out of memory");
    }
    if (ql_session_open(db, NULL, &s) != QUELL_OK) {
        fail("ql_session_open", ql_open_errmsg(db));
    }
    if (ql_execute(s, schema, QUELL_ALL, NULL, NULL) != QUELL_OK) {
        fail("schema", ql_errmsg(s));
    }
    if (pthread_create(&thread, NULL, worker, s) != 0) {
        fail("pthread_create", "no thread");
    }
    (void)nanosleep(&half, NULL);
    double begin = seconds();
    ql_interrupt(s);
    (void)pthread_join(thread, NULL);
    (void)printf("stopped after %.1f ms\n", (seconds() - begin) * 1000);
    if (ql_execute(s, "SELECT COUNT(*) AS numbers FROM n", QUELL_ALL, print_row, NULL) !=
        QUELL_OK) {
        fail("count", ql_errmsg(s));
    }
    ql_session_close(s);
    ql_close(db);
    return 0;
}
