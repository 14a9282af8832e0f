/* SPDX-License-Identifier: Apache-2.0
 *
 * A program with the library in it, for tests that need a process of its own: one that is killed,
 * or that stock clients look into.
 *
 *   host serve DIR SOCKET [SETTING]   runs what standard input says: lines "SESSION SQL", each
 * session on a thread of its own; answers "SESSION RC ERRNO FIRST-VALUE" host load DIR THREADS rows
 * into d.t, each acknowledged by a line with its id, until it is killed host query DIR SQL prints
 * the first value
 */
#include <pthread.h>
#include <quell/quell.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS 16
#define TEXT 65536

static ql_instance *db;
static pthread_mutex_t out = PTHREAD_MUTEX_INITIALIZER;

_Noreturn static void
die(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void
open_db(const char *dir, const char *setting)
{
    const char *settings[] = {setting, NULL};
    if (ql_open(dir, settings, &db) != QUELL_OK) {
        die("ql_open", db != NULL ? ql_open_errmsg(db) : "out of memory");
    }
}

static ql_session *
session(void)
{
    ql_session *s;
    if (ql_session_open(db, NULL, &s) != QUELL_OK) {
        die("ql_session_open", ql_open_errmsg(db));
    }
    return s;
}

static int
first(void *arg, unsigned n, const char *const *names, const char *const *values,
      const size_t *lengths)
{
    char *to = arg;
    (void)n;
    (void)names;
    (void)lengths;
    if (to[0] == '\0') {
        (void)snprintf(to, 256, "%s", values[0] != NULL ? values[0] : "NULL");
    }
    return 0;
}

/* ---- serve ---- */

typedef struct lane {
    int number;
    ql_session *s;
    pthread_t thread;
    int in; /* its statements, a line each */
} lane;

static void *
serve_lane(void *arg)
{
    lane *l = arg;
    char line[TEXT];
    FILE *f = fdopen(l->in, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char value[256] = "";
        line[strcspn(line, "\n")] = '\0';
        int rc = ql_execute(l->s, line, (size_t)-1, first, value);
        (void)pthread_mutex_lock(&out);
        (void)printf("%d %d %u %s\n", l->number, rc, ql_errno(l->s), value);
        (void)fflush(stdout);
        (void)pthread_mutex_unlock(&out);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    ql_session_close(l->s);
    return NULL;
}

static int
serve(const char *dir, const char *socket, const char *setting)
{
    static lane lanes[SESSIONS];
    int write_to[SESSIONS];
    char line[TEXT];
    open_db(dir, setting);
    if (ql_listen(db, socket, NULL, 0) != QUELL_OK) {
        die("ql_listen", ql_open_errmsg(db));
    }
    for (int i = 0; i < SESSIONS; i++) {
        int p[2];
        if (pipe(p) != 0) {
            die("pipe", "no descriptor");
        }
        lanes[i] = (lane){.number = i, .s = session(), .in = p[0]};
        write_to[i] = p[1];
        if (pthread_create(&lanes[i].thread, NULL, serve_lane, &lanes[i]) != 0) {
            die("pthread_create", "no thread");
        }
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *sql;
        long i = strtol(line, &sql, 10);
        if (i < 0 || i >= SESSIONS || *sql != ' ' ||
            write(write_to[i], sql + 1, strlen(sql + 1)) < 0) {
            die("line", line);
        }
    }
    for (int i = 0; i < SESSIONS; i++) {
        (void)close(write_to[i]);
    }
    ql_close(db); /* stops what still runs */
    for (int i = 0; i < SESSIONS; i++) {
        (void)pthread_join(lanes[i].thread, NULL);
    }
    return 0;
}

/* ---- load ---- */

static void *
load_rows(void *arg)
{
    ql_session *s = session();
    ql_stmt *st;
    int64_t id = (int64_t)(intptr_t)arg;
    if (ql_prepare(s, "INSERT INTO d.t VALUES (?, ?)", (size_t)-1, &st) != QUELL_OK) {
        die("prepare", ql_errmsg(s));
    }
    for (;; id += 1000) {
        char line[32];
        (void)ql_bind_int64(st, 1, id);
        (void)ql_bind_text(st, 2, "acknowledged", (size_t)-1);
        if (ql_step(st) != QUELL_DONE) {
            die("insert", ql_errmsg(s));
        }
        int n = snprintf(line, sizeof line, "%lld\n", (long long)id);
        if (write(STDOUT_FILENO, line, (size_t)n) != n) {
            die("write", "standard output");
        }
    }
    return NULL;
}

static int
load(const char *dir, int threads, long round)
{
    pthread_t t;
    char value[256] = "";
    open_db(dir, NULL);
    ql_session *s = session();
    if (ql_execute(s,
                   "CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (id BIGINT "
                   "PRIMARY KEY, v VARCHAR(20), KEY (v))",
                   (size_t)-1, first, value) != QUELL_OK) {
        die("schema", ql_errmsg(s));
    }
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&t, NULL, load_rows, (void *)(intptr_t)(round * 1000000000 + i)) != 0) {
            die("pthread_create", "no thread");
        }
    }
    for (;;) {
        (void)pause();
    }
}

static int
query(const char *dir, const char *sql)
{
    char value[256] = "";
    open_db(dir, NULL);
    ql_session *s = session();
    if (ql_execute(s, sql, (size_t)-1, first, value) != QUELL_OK) {
        die(sql, ql_errmsg(s));
    }
    (void)printf("%s\n", value);
    ql_session_close(s);
    ql_close(db);
    return 0;
}

int
main(int argc, char **argv)
{
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "serve") == 0) {
        return serve(argv[2], argv[3], argv[4]);
    }
    if (argc == 5 && strcmp(argv[1], "load") == 0) {
        return load(argv[2], atoi(argv[3]), atol(argv[4]));
    }
    if (argc == 4 && strcmp(argv[1], "query") == 0) {
        return query(argv[2], argv[3]);
    }
    die("usage", "host serve DIR SOCKET [SETTING] | load DIR THREADS ROUND | query DIR SQL");
}
