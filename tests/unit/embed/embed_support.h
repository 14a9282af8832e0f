/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the library share: instances in memory or in a directory of the test, sessions,
 * single values, a thread that runs a statement, and waiting for it to be in a state.
 */
#ifndef QL_TESTS_UNIT_EMBED_SUPPORT_H
#define QL_TESTS_UNIT_EMBED_SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <quell/quell.h>

#define ALL ((size_t)-1)

static inline void
pause_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

static inline int64_t
now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline ql_instance *
open_memory(void)
{
    ql_instance *q;
    int rc = ql_open(NULL, NULL, &q);
    if (rc != QUELL_OK) {
        fail_msg("ql_open: %d %s", rc, q != NULL ? ql_open_errmsg(q) : "");
    }
    return q;
}

static inline ql_session *
open_session(ql_instance *q)
{
    ql_session *s;
    int rc = ql_session_open(q, NULL, &s);
    if (rc != QUELL_OK) {
        fail_msg("ql_session_open: %d %s", rc, ql_open_errmsg(q));
    }
    return s;
}

static inline void
run(ql_session *s, const char *sql)
{
    int rc = ql_execute(s, sql, ALL, NULL, NULL);
    if (rc != QUELL_OK) {
        fail_msg("%s: %d, %u %s", sql, rc, ql_errno(s), ql_errmsg(s));
    }
}

/* Fails with that number. */
static inline void
run_error(ql_session *s, const char *sql, unsigned number)
{
    int rc = ql_execute(s, sql, ALL, NULL, NULL);
    if (rc != QUELL_ERROR || ql_errno(s) != number) {
        fail_msg("%s: %d, %u %s; expected %u", sql, rc, ql_errno(s), ql_errmsg(s), number);
    }
}

static inline int
keep_first(void *arg, unsigned n, const char *const *names, const char *const *values,
           const size_t *lengths)
{
    char *out = arg;
    (void)n;
    (void)names;
    (void)lengths;
    if (out[0] == '\0') {
        (void)snprintf(out, 256, "%s", values[0] != NULL ? values[0] : "NULL");
    }
    return 0;
}

/* The first value of a result, as text; "" when there is no row. */
static inline const char *
value(ql_session *s, const char *sql, char out[256])
{
    out[0] = '\0';
    int rc = ql_execute(s, sql, ALL, keep_first, out);
    if (rc != QUELL_OK) {
        fail_msg("%s: %d, %u %s", sql, rc, ql_errno(s), ql_errmsg(s));
    }
    return out;
}

static inline void
expect(ql_session *s, const char *sql, const char *text)
{
    char out[256];
    if (strcmp(value(s, sql, out), text) != 0) {
        fail_msg("%s: '%s'; expected '%s'", sql, out, text);
    }
}

/* ---- a statement on a thread of its own ---- */

typedef struct job {
    ql_session *s;
    const char *sql;
    int rc;
    unsigned number;
    pthread_t thread;
} job;

static inline void *
do_job(void *arg)
{
    job *j = arg;
    j->rc = ql_execute(j->s, j->sql, ALL, NULL, NULL);
    j->number = ql_errno(j->s);
    return NULL;
}

static inline void
start(job *j, ql_session *s, const char *sql)
{
    *j = (job){.s = s, .sql = sql};
    assert_int_equal(pthread_create(&j->thread, NULL, do_job, j), 0);
}

static inline void
finish(job *j)
{
    assert_int_equal(pthread_join(j->thread, NULL), 0);
}

/* Until connection id shows that State (NULL: any) while it runs a statement. */
static inline void
until_state(ql_session *watch, uint64_t id, const char *state)
{
    char sql[256], out[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = %llu AND COMMAND = "
                   "'Query' AND INFO IS NOT NULL",
                   (unsigned long long)id);
    int64_t limit = now_ms() + 30000;
    for (;;) {
        out[0] = '\0';
        (void)value(watch, sql, out);
        if (out[0] != '\0' && (state == NULL || strcmp(out, state) == 0)) {
            return;
        }
        if (now_ms() > limit) {
            fail_msg("connection %llu is in '%s', not in '%s'", (unsigned long long)id, out,
                     state != NULL ? state : "a statement");
        }
        pause_ms(1);
    }
}

#endif
