/* SPDX-License-Identifier: Apache-2.0
 *
 * KILL QUERY raced at the boundaries of statements, through libmariadb. Prints one line of figures;
 * exits 1 with a line that says what went wrong. boundary SOCKET rounds N     one thread: statement
 * in flight, KILL, its answer; then one that must not be hit boundary SOCKET storm N V K  V victims
 * run statements, pings and prepared statements until K killers have sent N KILLs
 */
#include <mysql.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 200
#define INTERRUPTED 1317

static const char *socket_path;
static atomic_long kills_left, kills_sent, statements, interrupted, pings;
static atomic_bool stop;

static void
fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("FAILED: ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    fflush(stdout);
    _exit(1);
}

static MYSQL *
dial(void)
{
    MYSQL *m = mysql_init(NULL);
    if (mysql_real_connect(m, NULL, "root", "", NULL, 0, socket_path, CLIENT_MULTI_STATEMENTS) ==
        NULL) {
        fail("connect: %s", mysql_error(m));
    }
    return m;
}

/* The answer of a statement that was sent: 0 success with that number in its row, or 1317. */
static int
fetch_number(MYSQL *m, long expected, const char *what)
{
    if (mysql_read_query_result(m) != 0) {
        if (mysql_errno(m) != INTERRUPTED) {
            fail("%s: error %u %s", what, mysql_errno(m), mysql_error(m));
        }
        return INTERRUPTED;
    }
    MYSQL_RES *r = mysql_store_result(m);
    if (r == NULL) {
        if (mysql_errno(m) != INTERRUPTED) {
            fail("%s: %u %s in the rows", what, mysql_errno(m), mysql_error(m));
        }
        return INTERRUPTED;
    }
    MYSQL_ROW row = mysql_fetch_row(r);
    if (row == NULL || row[0] == NULL || strtol(row[0], NULL, 10) != expected ||
        mysql_fetch_row(r) != NULL) {
        fail("%s: row %s, not %ld: out of step", what,
             row != NULL && row[0] != NULL ? row[0] : "none", expected);
    }
    mysql_free_result(r);
    return 0;
}

static void
send_text(MYSQL *m, const char *text)
{
    if (mysql_send_query(m, text, strlen(text)) != 0) {
        fail("send: %u %s", mysql_errno(m), mysql_error(m));
    }
}

static void
kill_query(MYSQL *killer, unsigned long id)
{
    char text[64];
    snprintf(text, sizeof text, "KILL QUERY %lu", id);
    if (mysql_query(killer, text) != 0) {
        fail("%s: %u %s", text, mysql_errno(killer), mysql_error(killer));
    }
}

/* A KILL that was answered before a statement was sent must not touch it. */
static void
rounds(long n)
{
    MYSQL *victim = dial(), *killer = dial();
    unsigned long id = mysql_thread_id(victim);
    long hit = 0;
    for (long i = 0; i < n; i++) {
        char text[64];
        snprintf(text, sizeof text, "SELECT %ld", i);
        send_text(victim, text);
        for (volatile long spin = i % 7 * 300; spin > 0; spin--) {
        }
        kill_query(killer, id);
        hit += fetch_number(victim, i, "statement in flight") != 0;
        if (i % 3 == 0) {
            kill_query(killer, id); /* idle */
        }
        if (i % 5 == 0 && mysql_ping(victim) != 0) {
            fail("ping: %u %s", mysql_errno(victim), mysql_error(victim));
        }
        snprintf(text, sizeof text, "SELECT %ld", -i);
        send_text(victim, text);
        if (fetch_number(victim, -i, "the statement after") != 0) {
            fail("round %ld: a kill that was over has hit the next statement", i);
        }
    }
    printf("rounds %ld, interrupted %ld, next statements hit 0\n", n, hit);
    mysql_close(victim);
    mysql_close(killer);
}

static void
execute_prepared(MYSQL *m, MYSQL_STMT *stmt, long i)
{
    MYSQL_BIND in = {0}, out = {0};
    long long value = i, got = 0;
    in.buffer_type = out.buffer_type = MYSQL_TYPE_LONGLONG;
    in.buffer = &value;
    out.buffer = &got;
    mysql_stmt_bind_param(stmt, &in);
    if (mysql_stmt_execute(stmt) != 0 || mysql_stmt_bind_result(stmt, &out) != 0 ||
        mysql_stmt_store_result(stmt) != 0) {
        if (mysql_stmt_errno(stmt) != INTERRUPTED) {
            fail("execute: %u %s", mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
        }
        interrupted++;
        return;
    }
    if (mysql_stmt_fetch(stmt) != 0 || got != i) {
        fail("execute: %lld, not %ld: out of step", got, i);
    }
    mysql_stmt_free_result(stmt);
    (void)m;
}

static void *
victim_main(void *arg)
{
    MYSQL *m = *(MYSQL **)arg;
    static const char text[] = "SELECT ?";
    MYSQL_STMT *stmt = mysql_stmt_init(m);
    while (mysql_stmt_prepare(stmt, text, sizeof text - 1) != 0) {
        if (mysql_stmt_errno(stmt) != INTERRUPTED) {
            fail("prepare: %u %s", mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
        }
        mysql_stmt_close(stmt);
        stmt = mysql_stmt_init(m);
    }
    for (long i = 1; !stop; i++) {
        char sql[64];
        statements++;
        if (i % 11 == 0) {
            execute_prepared(m, stmt, i);
        } else {
            snprintf(sql, sizeof sql, i % 7 == 0 ? "SELECT %ld, SLEEP(0.0001)" : "SELECT %ld", i);
            send_text(m, sql);
            interrupted += fetch_number(m, i, "statement") != 0;
        }
        if (i % 4 == 0) {
            pings++;
            if (mysql_ping(m) != 0) { /* between statements: nothing a KILL QUERY may hit */
                fail("a KILL QUERY has hit an idle gap: ping %u %s", mysql_errno(m),
                     mysql_error(m));
            }
        }
    }
    mysql_stmt_close(stmt);
    return NULL;
}

typedef struct killer {
    unsigned long *ids;
    int n;
} killer;

static void *
killer_main(void *arg)
{
    const killer *k = arg;
    MYSQL *m = dial();
    char text[BATCH * 32];
    while (atomic_fetch_sub(&kills_left, BATCH) > 0) {
        size_t n = 0;
        for (int i = 0; i < BATCH; i++) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%sKILL QUERY %lu", i != 0 ? ";" : "",
                                  k->ids[i % k->n]);
        }
        if (mysql_real_query(m, text, n) != 0) {
            fail("KILL: %u %s", mysql_errno(m), mysql_error(m));
        }
        int more;
        while ((more = mysql_next_result(m)) == 0) {
        }
        if (more > 0) {
            fail("KILL: %u %s", mysql_errno(m), mysql_error(m));
        }
        kills_sent += BATCH;
    }
    mysql_close(m);
    return NULL;
}

static void
storm(long n, int nvictims, int nkillers)
{
    MYSQL *victims[64];
    unsigned long ids[64];
    pthread_t threads[128];
    killer k = {ids, nvictims};
    kills_left = n;
    for (int i = 0; i < nvictims; i++) {
        victims[i] = dial();
        ids[i] = mysql_thread_id(victims[i]);
    }
    for (int i = 0; i < nvictims; i++) {
        pthread_create(&threads[i], NULL, victim_main, &victims[i]);
    }
    for (int i = 0; i < nkillers; i++) {
        pthread_create(&threads[nvictims + i], NULL, killer_main, &k);
    }
    for (int i = 0; i < nkillers; i++) {
        pthread_join(threads[nvictims + i], NULL);
    }
    stop = true;
    for (int i = 0; i < nvictims; i++) {
        pthread_join(threads[i], NULL);
        send_text(victims[i], "SELECT 4711"); /* all kills are answered: this one is safe */
        if (fetch_number(victims[i], 4711, "after the storm") != 0) {
            fail("a kill came after the storm");
        }
        mysql_close(victims[i]);
    }
    printf("kills %ld, statements %ld, interrupted %ld, pings %ld, idle hits 0\n", (long)kills_sent,
           (long)statements, (long)interrupted, (long)pings);
    if (interrupted == 0) {
        fail("no kill ever hit");
    }
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    socket_path = argv[1];
    mysql_library_init(0, NULL, NULL);
    if (strcmp(argv[2], "rounds") == 0) {
        rounds(atol(argv[3]));
    } else {
        storm(atol(argv[3]), argc > 4 ? atoi(argv[4]) : 4, argc > 5 ? atoi(argv[5]) : 2);
    }
    return 0;
}
