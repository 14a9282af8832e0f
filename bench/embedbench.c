/* SPDX-License-Identifier: Apache-2.0
 *
 * Point selects and durable inserts, one thread, by three ways: libquell in this process, a server
 * at a Unix socket (libmariadb, prepared statements), SQLite in this process. Prints for each
 * figure operations a second, wall and processor time of this process.
 *
 *   embedbench quell DIR | sqlite FILE | client SOCKET USER     ROWS SELECTS INSERTS
 */
#include <mysql.h>
#include <quell/quell.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long rows, selects, inserts;
static const char create[] =
    "CREATE TABLE t (id INT PRIMARY KEY, k INT NOT NULL, v VARCHAR(120) NOT NULL)";
static const char text[] =
    "a text of some eighty bytes, as rows of applications tend to have them, or longer";

static void
fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double
now(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* op(i), n times. */
static void
measure(const char *name, long n, void (*op)(void *, long), void *arg)
{
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 0; i < n; i++) {
        op(arg, i);
    }
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    (void)printf("%s %.0f %.3f %.3f\n", name, (double)n / wall, wall, cpu);
}

static long
key(long i)
{
    return (long)((unsigned long)i * 2654435761ul % (unsigned long)rows);
}

/* ---- libquell ---- */

typedef struct quell_db {
    ql_instance *db;
    ql_session *s;
    ql_stmt *select, *insert;
} quell_db;

static void
quell_insert(void *arg, long i)
{
    quell_db *q = arg;
    (void)ql_bind_int64(q->insert, 1, i);
    (void)ql_bind_int64(q->insert, 2, i % 1000);
    (void)ql_bind_text(q->insert, 3, text, sizeof text - 1);
    if (ql_step(q->insert) != QUELL_DONE) {
        fail("insert", ql_errmsg(q->s));
    }
}

static void
quell_insert_more(void *arg, long i)
{
    quell_insert(arg, rows + i);
}

static void
quell_select(void *arg, long i)
{
    quell_db *q = arg;
    (void)ql_bind_int64(q->select, 1, key(i));
    if (ql_step(q->select) != QUELL_ROW || ql_column_bytes(q->select, 1) != sizeof text - 1) {
        fail("select", ql_errmsg(q->s));
    }
    ql_reset(q->select);
}

static void
quell_run(quell_db *q, const char *sql)
{
    if (ql_execute(q->s, sql, (size_t)-1, NULL, NULL) != QUELL_OK) {
        fail(sql, ql_errmsg(q->s));
    }
}

static void
bench_quell(const char *dir)
{
    quell_db q;
    if (ql_open(dir, NULL, &q.db) != QUELL_OK || ql_session_open(q.db, NULL, &q.s) != QUELL_OK) {
        fail("open", ql_open_errmsg(q.db));
    }
    quell_run(&q, "CREATE DATABASE b; USE b");
    quell_run(&q, create);
    if (ql_prepare(q.s, "INSERT INTO t VALUES (?, ?, ?)", (size_t)-1, &q.insert) != QUELL_OK ||
        ql_prepare(q.s, "SELECT k, v FROM t WHERE id = ?", (size_t)-1, &q.select) != QUELL_OK) {
        fail("prepare", ql_errmsg(q.s));
    }
    quell_run(&q, "BEGIN");
    for (long i = 0; i < rows; i++) {
        quell_insert(&q, i);
    }
    quell_run(&q, "COMMIT");
    measure("select", selects, quell_select, &q);
    measure("insert", inserts, quell_insert_more, &q);
    ql_session_close(q.s);
    ql_close(q.db);
}

/* ---- SQLite ---- */

typedef struct sqlite_db {
    sqlite3 *db;
    sqlite3_stmt *select, *insert;
} sqlite_db;

static void
sqlite_insert(void *arg, long i)
{
    sqlite_db *q = arg;
    (void)sqlite3_bind_int64(q->insert, 1, i);
    (void)sqlite3_bind_int64(q->insert, 2, i % 1000);
    (void)sqlite3_bind_text(q->insert, 3, text, sizeof text - 1, SQLITE_TRANSIENT);
    if (sqlite3_step(q->insert) != SQLITE_DONE) {
        fail("insert", sqlite3_errmsg(q->db));
    }
    (void)sqlite3_reset(q->insert);
}

static void
sqlite_insert_more(void *arg, long i)
{
    sqlite_insert(arg, rows + i);
}

static void
sqlite_select(void *arg, long i)
{
    sqlite_db *q = arg;
    (void)sqlite3_bind_int64(q->select, 1, key(i));
    if (sqlite3_step(q->select) != SQLITE_ROW ||
        sqlite3_column_bytes(q->select, 1) != sizeof text - 1) {
        fail("select", sqlite3_errmsg(q->db));
    }
    (void)sqlite3_reset(q->select);
}

static void
sqlite_run(sqlite_db *q, const char *sql)
{
    if (sqlite3_exec(q->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail(sql, sqlite3_errmsg(q->db));
    }
}

static void
bench_sqlite(const char *file)
{
    sqlite_db q;
    if (sqlite3_open(file, &q.db) != SQLITE_OK) {
        fail("open", file);
    }
    sqlite_run(&q, "PRAGMA journal_mode=WAL");
    sqlite_run(&q, "PRAGMA synchronous=FULL"); /* each commit is on the disk, as Quell's */
    sqlite_run(&q, create);
    (void)sqlite3_prepare_v2(q.db, "INSERT INTO t VALUES (?, ?, ?)", -1, &q.insert, NULL);
    (void)sqlite3_prepare_v2(q.db, "SELECT k, v FROM t WHERE id = ?", -1, &q.select, NULL);
    sqlite_run(&q, "BEGIN");
    for (long i = 0; i < rows; i++) {
        sqlite_insert(&q, i);
    }
    sqlite_run(&q, "COMMIT");
    measure("select", selects, sqlite_select, &q);
    measure("insert", inserts, sqlite_insert_more, &q);
    (void)sqlite3_finalize(q.select);
    (void)sqlite3_finalize(q.insert);
    (void)sqlite3_close(q.db);
}

/* ---- a server ---- */

typedef struct client_db {
    MYSQL *db;
    MYSQL_STMT *select, *insert;
    long id;
    int k;
    char v[128];
    unsigned long length;
} client_db;

static void
client_insert(void *arg, long i)
{
    client_db *q = arg;
    int k = (int)(i % 1000);
    unsigned long n = sizeof text - 1;
    MYSQL_BIND b[3] = {{.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &i},
                       {.buffer_type = MYSQL_TYPE_LONG, .buffer = &k},
                       {.buffer_type = MYSQL_TYPE_STRING, .buffer = (void *)text, .length = &n}};
    if (mysql_stmt_bind_param(q->insert, b) != 0 || mysql_stmt_execute(q->insert) != 0) {
        fail("insert", mysql_stmt_error(q->insert));
    }
}

static void
client_insert_more(void *arg, long i)
{
    client_insert(arg, rows + i);
}

static void
client_select(void *arg, long i)
{
    client_db *q = arg;
    long id = key(i);
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &id};
    MYSQL_BIND out[2] = {{.buffer_type = MYSQL_TYPE_LONG, .buffer = &q->k},
                         {.buffer_type = MYSQL_TYPE_STRING,
                          .buffer = q->v,
                          .buffer_length = sizeof q->v,
                          .length = &q->length}};
    if (mysql_stmt_bind_param(q->select, &in) != 0 || mysql_stmt_execute(q->select) != 0 ||
        mysql_stmt_bind_result(q->select, out) != 0 || mysql_stmt_fetch(q->select) != 0 ||
        q->length != sizeof text - 1) {
        fail("select", mysql_stmt_error(q->select));
    }
    (void)mysql_stmt_free_result(q->select);
}

static void
client_run(client_db *q, const char *sql)
{
    if (mysql_query(q->db, sql) != 0) {
        fail(sql, mysql_error(q->db));
    }
}

static MYSQL_STMT *
client_prepare(client_db *q, const char *sql)
{
    MYSQL_STMT *st = mysql_stmt_init(q->db);
    if (st == NULL || mysql_stmt_prepare(st, sql, strlen(sql)) != 0) {
        fail(sql, mysql_error(q->db));
    }
    return st;
}

static void
bench_client(const char *socket, const char *user)
{
    client_db q = {.db = mysql_init(NULL)};
    if (mysql_real_connect(q.db, NULL, user, NULL, NULL, 0, socket, 0) == NULL) {
        fail("connect", mysql_error(q.db));
    }
    client_run(&q, "CREATE DATABASE b");
    client_run(&q, "USE b");
    client_run(&q, create);
    q.insert = client_prepare(&q, "INSERT INTO t VALUES (?, ?, ?)");
    q.select = client_prepare(&q, "SELECT k, v FROM t WHERE id = ?");
    client_run(&q, "BEGIN");
    for (long i = 0; i < rows; i++) {
        client_insert(&q, i);
    }
    client_run(&q, "COMMIT");
    measure("select", selects, client_select, &q);
    measure("insert", inserts, client_insert_more, &q);
    (void)mysql_stmt_close(q.select);
    (void)mysql_stmt_close(q.insert);
    mysql_close(q.db);
}

int
main(int argc, char **argv)
{
    if (argc < 6) {
        fail("usage", "embedbench quell DIR|sqlite FILE|client SOCKET USER  ROWS SELECTS INSERTS");
    }
    rows = atol(argv[argc - 3]);
    selects = atol(argv[argc - 2]);
    inserts = atol(argv[argc - 1]);
    if (strcmp(argv[1], "quell") == 0) {
        bench_quell(argv[2]);
    } else if (strcmp(argv[1], "sqlite") == 0) {
        bench_sqlite(argv[2]);
    } else {
        bench_client(argv[2], argv[3]);
    }
    return 0;
}
