/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that lets a database administrator look in: its instance is a directory, and beside its
 * own sessions it listens at a socket for stock clients. Its worker waits for a lock that the
 * program itself has forgotten to release; somebody finds the two in the process list and ends one.
 *
 *   ./looked_into /tmp/app /tmp/app.sock
 *   mariadb -u root -S /tmp/app.sock -e 'SHOW PROCESSLIST; KILL 1'
 */
#include <quell/quell.h>
#include <stdio.h>
#include <stdlib.h>

static void
fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static ql_session *
session(ql_instance *db)
{
    ql_session *s;
    if (ql_session_open(db, NULL, &s) != QUELL_OK) {
        fail("ql_session_open", ql_open_errmsg(db));
    }
    return s;
}

static void
run(ql_session *s, const char *sql)
{
    if (ql_execute(s, sql, QUELL_ALL, NULL, NULL) != QUELL_OK) {
        fail(sql, ql_errmsg(s));
    }
}

int
main(int argc, char **argv)
{
    const char *settings[] = {"innodb_lock_wait_timeout=3600", NULL};
    ql_instance *db;
    if (argc != 3) {
        fail("usage", "looked_into DIRECTORY SOCKET");
    }
    if (ql_open(argv[1], settings, &db) != QUELL_OK) {
        fail("ql_open", db != NULL ? ql_open_errmsg(db) : "out of memory");
    }
    if (ql_listen(db, argv[2], NULL, 0) != QUELL_OK) {
        fail("ql_listen", ql_open_errmsg(db));
    }
    ql_session *forgetful = session(db), *worker = session(db);
    run(forgetful, "CREATE DATABASE IF NOT EXISTS app; USE app;"
                   "CREATE TABLE IF NOT EXISTS seat (id INT PRIMARY KEY, who VARCHAR(20));"
                   "REPLACE INTO seat VALUES (1, 'free')");
    run(forgetful, "BEGIN; UPDATE seat SET who = 'nobody' WHERE id = 1"); /* and no COMMIT */
    (void)printf("connection %llu waits for connection %llu; end one of them:\n"
                 "  mariadb -u root -S %s -e 'SHOW PROCESSLIST; KILL %llu'\n",
                 (unsigned long long)ql_session_id(worker),
                 (unsigned long long)ql_session_id(forgetful), argv[2],
                 (unsigned long long)ql_session_id(forgetful));
    (void)fflush(stdout);
    int rc = ql_execute(worker, "UPDATE app.seat SET who = 'worker' WHERE id = 1", QUELL_ALL, NULL,
                        NULL);
    (void)printf("worker: %s\n", rc == QUELL_OK ? "has the seat" : ql_errmsg(worker));
    ql_session_close(worker);
    ql_session_close(forgetful);
    ql_close(db);
    return 0;
}
