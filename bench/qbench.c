/* SPDX-License-Identifier: Apache-2.0
 *
 * The client side of ./dev bench: a small libmariadb program that times one thing against one
 * server and prints one line of key=value figures. bench.py runs it against Quell and the reference
 * server in turn.
 *
 *   qbench SOCKET rtt N SQL                  round trip of SQL: median and worst, microseconds
 *   qbench SOCKET kill N QUERY|CONNECTION SQL    kill-to-error of SQL: victim and killer are
 * threads of this program qbench SOCKET load THREADS SECONDS MAXID SQL  statements a second; each
 * %d of SQL becomes a random 1..MAXID qbench SOCKET gone N SQL                 the victim's socket
 * is closed in mid-statement: time until its row leaves the process list qbench SOCKET idle N open
 * N idle connections, then wait for a line on stdin
 */
#include <errno.h>
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64

static const char *socket_path;

static double
now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void
fail(const char *what, MYSQL *c)
{
    fprintf(stderr, "qbench: %s: %s\n", what, c ? mysql_error(c) : strerror(errno));
    exit(1);
}

static MYSQL *
dial(void)
{
    MYSQL *c = mysql_init(NULL);
    const char *db = getenv("QBENCH_DB");
    if (c == NULL ||
        !mysql_real_connect(c, NULL, "root", "", db, 0, socket_path, CLIENT_MULTI_RESULTS)) {
        fail("connect", c);
    }
    return c;
}

/* Run and throw the result away; 0 or the error number. */
static unsigned
run(MYSQL *c, const char *sql, size_t len)
{
    if (mysql_real_query(c, sql, (unsigned long)len)) {
        return mysql_errno(c);
    }
    MYSQL_RES *r = mysql_use_result(c);
    if (r != NULL) {
        while (mysql_fetch_row(r)) {
        }
        mysql_free_result(r);
    }
    return mysql_errno(c);
}

static int
compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double
quantile(double *v, int n, double q)
{
    qsort(v, (size_t)n, sizeof *v, compare_double);
    int i = (int)(q * (n - 1) + 0.5);
    return v[i];
}

static int
do_rtt(int n, const char *sql)
{
    MYSQL *c = dial();
    double *t = calloc((size_t)n, sizeof *t);
    for (int i = -n / 10; i < n; i++) {
        double a = now_us();
        if (run(c, sql, strlen(sql))) {
            fail(sql, c);
        }
        if (i >= 0) {
            t[i] = now_us() - a;
        }
    }
    double median = quantile(t, n, 0.5); /* sorts t */
    printf("median_us=%.1f p99_us=%.1f max_us=%.1f\n", median, quantile(t, n, 0.99), t[n - 1]);
    mysql_close(c);
    return 0;
}

/* The victim says when it is about to send (armed) and when the answer came. */
struct victim {
    const char *sql;
    pthread_t thread;
    _Atomic unsigned long id;
    _Atomic int armed, stop;
    _Atomic unsigned error;
    double ended;
    _Atomic int done;
    int fd_to_cut;
    MYSQL *c;
};

static void *
victim_main(void *arg)
{
    struct victim *v = arg;
    mysql_thread_init();
    v->c = dial();
    v->fd_to_cut = (int)mysql_get_socket(v->c);
    atomic_store(&v->id, mysql_thread_id(v->c));
    while (!atomic_load(&v->stop)) {
        if (!atomic_load(&v->armed)) {
            usleep(50);
            continue;
        }
        unsigned e = run(v->c, v->sql, strlen(v->sql));
        v->ended = now_us();
        atomic_store(&v->error, e);
        atomic_store(&v->armed, 0);
        atomic_store(&v->done, 1);
        if (e == 2006 || e == 2013) {
            break;
        }
    }
    mysql_close(v->c);
    mysql_thread_end();
    return NULL;
}

/* Is connection id running a statement that began at least a moment ago? */
static int
is_running(MYSQL *c, unsigned long id)
{
    char q[200];
    int n = snprintf(q, sizeof q,
                     "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID=%lu AND COMMAND IN "
                     "('Query','Execute')",
                     id);
    if (mysql_real_query(c, q, (unsigned long)n)) {
        fail(q, c);
    }
    MYSQL_RES *r = mysql_store_result(c);
    int yes = r && mysql_num_rows(r) > 0;
    mysql_free_result(r);
    return yes;
}

static void
start_victim(struct victim *v, const char *sql)
{
    memset(v, 0, sizeof *v);
    v->sql = sql;
    if (pthread_create(&v->thread, NULL, victim_main, v)) {
        fail("thread", NULL);
    }
    while (atomic_load(&v->id) == 0) {
        usleep(100);
    }
}

static int
do_kill(int n, int connection, const char *sql)
{
    MYSQL *killer = dial();
    double *to_error = calloc((size_t)n, sizeof *to_error),
           *round = calloc((size_t)n, sizeof *round);
    struct victim v;
    int hit = 0, ignored = 0;
    start_victim(&v, sql);
    unsigned seed = 12345;
    for (int i = 0; i < n; i++) {
        atomic_store(&v.done, 0);
        atomic_store(&v.armed, 1);
        while (!is_running(killer, atomic_load(&v.id)) && !atomic_load(&v.done)) {
        }
        usleep(2000 + (useconds_t)(rand_r(&seed) % 8000)); /* somewhere inside the statement */
        if (atomic_load(&v.done)) {
            ignored++; /* it was over before the kill: choose a longer statement */
            continue;
        }
        char q[64];
        int len = snprintf(q, sizeof q, "KILL %s %lu", connection ? "CONNECTION" : "QUERY",
                           atomic_load(&v.id));
        double a = now_us();
        if (mysql_real_query(killer, q, (unsigned long)len)) {
            fail(q, killer);
        }
        double b = now_us();
        while (!atomic_load(&v.done)) {
            usleep(20);
        }
        unsigned e = atomic_load(&v.error);
        if (e == 1317 || e == 2013 || e == 2006) {
            to_error[hit] = v.ended - a;
            round[hit++] = b - a;
        } else {
            ignored++;
        }
        if (connection) {
            pthread_join(v.thread, NULL);
            start_victim(&v, sql);
        }
    }
    atomic_store(&v.stop, 1);
    pthread_join(v.thread, NULL);
    if (hit == 0) {
        printf("hit=0 ignored=%d\n", ignored);
        return 0;
    }
    double median = quantile(to_error, hit, 0.5); /* sorts to_error */
    printf("to_error_us=%.0f to_error_max_us=%.0f kill_us=%.0f hit=%d ignored=%d\n", median,
           to_error[hit - 1], quantile(round, hit, 0.5), hit, ignored);
    return 0;
}

static int
do_gone(int n, const char *sql)
{
    MYSQL *watcher = dial();
    double *t = calloc((size_t)n, sizeof *t);
    int seen = 0, missed = 0;
    for (int i = 0; i < n; i++) {
        struct victim v;
        start_victim(&v, sql);
        unsigned long id = atomic_load(&v.id);
        atomic_store(&v.armed, 1);
        while (!is_running(watcher, id)) {
        }
        usleep(5000);
        double a = now_us();
        shutdown(v.fd_to_cut, SHUT_RDWR);
        double limit = a + 2e6;
        while (is_running(watcher, id) && now_us() < limit) {
        }
        if (now_us() < limit) {
            t[seen++] = now_us() - a;
        } else {
            missed++;
            char q[64];
            int len = snprintf(q, sizeof q, "KILL %lu", id);
            (void)!mysql_real_query(watcher, q, (unsigned long)len);
        }
        atomic_store(&v.stop, 1);
        pthread_join(v.thread, NULL);
    }
    if (seen) {
        printf("gone_us=%.0f noticed=%d missed=%d\n", quantile(t, seen, 0.5), seen, missed);
    } else {
        printf("noticed=0 missed=%d\n", missed);
    }
    return 0;
}

struct load {
    pthread_t thread;
    const char *sql;
    double until;
    unsigned max_id, seed;
    uint64_t done, failed;
};

static void *
load_main(void *arg)
{
    struct load *l = arg;
    mysql_thread_init();
    MYSQL *c = dial();
    char *q = malloc(strlen(l->sql) * 2 + 64);
    while (now_us() < l->until) {
        char *o = q;
        for (const char *p = l->sql; *p; p++) {
            if (p[0] == '%' && p[1] == 'd') {
                o += sprintf(o, "%u", 1 + (unsigned)rand_r(&l->seed) % l->max_id);
                p++;
            } else {
                *o++ = *p;
            }
        }
        unsigned e = run(c, q, (size_t)(o - q));
        if (e) {
            if (l->failed++ == 0) {
                fprintf(stderr, "qbench: %s\n", mysql_error(c));
            }
        }
        l->done++;
    }
    free(q);
    mysql_close(c);
    mysql_thread_end();
    return NULL;
}

static int
do_load(int threads, double seconds, int max_id, const char *sql)
{
    struct load l[MAX_THREADS];
    double a = now_us();
    for (int i = 0; i < threads; i++) {
        l[i] = (struct load){.sql = sql,
                             .until = a + seconds * 1e6,
                             .max_id = (unsigned)max_id,
                             .seed = (unsigned)i + 1};
        pthread_create(&l[i].thread, NULL, load_main, &l[i]);
    }
    uint64_t done = 0, failed = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(l[i].thread, NULL);
        done += l[i].done;
        failed += l[i].failed;
    }
    printf("per_s=%.1f failed=%llu\n", (double)done / ((now_us() - a) / 1e6),
           (unsigned long long)failed);
    return 0;
}

static int
do_idle(int n)
{
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    for (int i = 0; i < n; i++) {
        (void)dial();
    }
    printf("open=%d\n", n);
    fflush(stdout);
    char line[16];
    (void)!fgets(line, sizeof line, stdin);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc >= 4 && mysql_library_init(0, NULL, NULL) == 0) {
        socket_path = argv[1];
        const char *mode = argv[2];
        if (!strcmp(mode, "rtt") && argc == 5) {
            return do_rtt(atoi(argv[3]), argv[4]);
        }
        if (!strcmp(mode, "kill") && argc == 6) {
            return do_kill(atoi(argv[3]), !strcmp(argv[4], "CONNECTION"), argv[5]);
        }
        if (!strcmp(mode, "gone") && argc == 5) {
            return do_gone(atoi(argv[3]), argv[4]);
        }
        if (!strcmp(mode, "load") && argc == 7) {
            return do_load(atoi(argv[3]), atof(argv[4]), atoi(argv[5]), argv[6]);
        }
        if (!strcmp(mode, "idle")) {
            return do_idle(atoi(argv[3]));
        }
    }
    fprintf(stderr, "qbench: see the head of bench/qbench.c\n");
    return 2;
}
