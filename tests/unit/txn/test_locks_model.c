/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that lock records, ranges, gaps and inserts at random, with kills, timeouts, deadlocks
 * and giving back, against a plain list of what is held: two transactions never hold what excludes
 * each other, nobody waits for ever, and nothing is left at the end. A record lock may follow
 * another's gap lock on the same key but not the other way round; the list does not know the order,
 * so of these two only inserts are compared.
 */
#include "txn_support.h"

#include "txn/txn_int.h"

enum { THREADS = 6, TURNS = 1500, STEPS = 6, KEYS = 10, HELD_MAX = THREADS * STEPS * 2 };

typedef enum kind { REC, INSERT, RANGE, GAP } kind;

typedef struct held {
    int who; /* -1 = free */
    kind kind;
    bool exclusive;
    int low, high; /* keys [low, high) */
} held;

typedef struct board {
    pthread_mutex_t mu;
    held held[HELD_MAX];
    _Atomic int granted, refused, deadlocks, kills, done;
} board;

typedef struct player {
    world *w;
    board *b;
    session s;
    pthread_t th;
    int who;
    unsigned seed;
    ql_lock_range *range;
    int range_low, range_high;
    bool range_x;
} player;

static unsigned
dice(player *p, unsigned n)
{
    p->seed = p->seed * 1664525u + 1013904223u;
    return (p->seed >> 8) % n;
}

static bool
excludes(const held *a, const held *b)
{
    if (a->low >= b->high || b->low >= a->high) {
        return false;
    }
    if (a->kind == GAP || b->kind == GAP) {
        return a->kind == INSERT || b->kind == INSERT;
    }
    return a->exclusive || b->exclusive;
}

/* Put down what was granted; it must not exclude anything on the board. */
static void
put_down(board *b, held h)
{
    bool stored = false;
    pthread_mutex_lock(&b->mu);
    for (int i = 0; i < HELD_MAX; i++) {
        held *other = &b->held[i];
        if (other->who >= 0 && other->who != h.who && excludes(other, &h)) {
            print_error("%d holds kind %d [%d,%d), %d got kind %d [%d,%d)\n", other->who,
                        other->kind, other->low, other->high, h.who, h.kind, h.low, h.high);
            abort();
        }
        if (other->who < 0 && !stored) {
            *other = h;
            stored = true;
        }
    }
    pthread_mutex_unlock(&b->mu);
    if (!stored) {
        abort();
    }
}

/* Take away what who holds; key < 0: all, else one record lock on it, if that is all it holds. */
static bool
take_away(board *b, int who, int key)
{
    int found = -1, count = 0;
    pthread_mutex_lock(&b->mu);
    for (int i = 0; i < HELD_MAX; i++) {
        held *h = &b->held[i];
        if (h->who == who && key < 0) {
            h->who = -1;
        } else if (h->who == who && h->low <= key && key < h->high) {
            found = i;
            count++;
        }
    }
    bool one = count == 1 && b->held[found].kind == REC;
    if (one) {
        b->held[found].who = -1;
    }
    pthread_mutex_unlock(&b->mu);
    return one;
}

static ql_str
key_text(char *p, int n)
{
    memcpy(p, "\0\0\0\5", 4);
    p[4] = (char)('a' + n);
    return (ql_str){p, 5};
}

static ql_status
ask(player *p, held *h, const ql_lock_how *how)
{
    char a[8], b[8];
    ql_ctx *cx = &p->s.cx;
    ql_str low = key_text(a, h->low), high = key_text(b, h->high);
    switch (h->kind) {
    case REC:
        return ql_txn_lock_row(cx, low, how);
    case INSERT:
        return ql_txn_lock_insert(cx, low, how->deadline);
    default:
        break;
    }
    ql_lock_range *fresh = NULL;
    return ql_txn_lock_range(cx, low, high, h->kind == RANGE, how, &fresh);
}

/* A scan's range: starts somewhere and grows by one key at either end. */
static ql_status
grow(player *p, held *h, const ql_lock_how *how)
{
    char a[8], b[8];
    if (p->range == NULL) {
        p->range_low = 1 + (int)dice(p, KEYS - 2);
        p->range_high = p->range_low + 1;
        p->range_x = how->mode == QL_LOCK_X;
    } else if (dice(p, 2) == 0 && p->range_low > 0) {
        p->range_low--;
    } else if (p->range_high < KEYS) {
        p->range_high++;
    }
    *h = (held){p->who, RANGE, p->range_x, p->range_low, p->range_high};
    ql_lock_how mine = *how;
    mine.mode = p->range_x ? QL_LOCK_X : QL_LOCK_S;
    return ql_txn_lock_range(&p->s.cx, key_text(a, h->low), key_text(b, h->high), true, &mine,
                             &p->range);
}

/* False when the transaction must end. */
static bool
step(player *p)
{
    unsigned what = dice(p, 12);
    int low = (int)dice(p, KEYS);
    held h = {p->who,
              what < 4   ? REC
              : what < 6 ? INSERT
              : what < 9 ? RANGE
                         : GAP,
              dice(p, 2) == 0, low, low + 1};
    if (h.kind >= RANGE) {
        h.high = low + 1 + (int)dice(p, 3);
    }
    h.exclusive = h.exclusive || h.kind == INSERT;
    unsigned policy = dice(p, 10);
    bool patient = policy > 2;
    ql_lock_how how = {.mode = h.exclusive ? QL_LOCK_X : QL_LOCK_S,
                       .policy = policy == 0   ? QL_LOCK_NOWAIT
                                 : policy == 1 ? QL_LOCK_SKIP
                                               : QL_LOCK_WAIT,
                       .deadline =
                           patient ? ql_deadline_ms(60000) : ql_deadline_ms((int64_t)dice(p, 3)),
                       .stays = dice(p, 3) != 0};
    ql_status st = what == 11 ? grow(p, &h, &how) : ask(p, &h, &how);
    if (st == QL_OK) {
        put_down(p->b, h);
        atomic_fetch_add(&p->b->granted, 1);
        if (h.kind == REC && dice(p, 3) == 0 && take_away(p->b, p->who, h.low)) {
            char a[8];
            ql_txn_unlock_row(&p->s.cx, key_text(a, h.low));
        }
        return true;
    }
    if (st == QL_KILLED) {
        atomic_fetch_add(&p->b->kills, 1);
        session_next(&p->s);
        return dice(p, 2) == 0;
    }
    int error = error_of(&p->s);
    if (error == 1213) {
        atomic_fetch_add(&p->b->deadlocks, 1);
        return false;
    }
    if (patient && how.policy == QL_LOCK_WAIT) {
        print_error("error %d of a patient one\n", error);
        abort();
    }
    atomic_fetch_add(&p->b->refused, 1);
    session_next(&p->s);
    return dice(p, 4) != 0;
}

static void *
play(void *arg)
{
    player *p = arg;
    for (int i = 0; i < TURNS; i++) {
        begin(&p->s, QL_REPEATABLE_READ);
        p->range = NULL;
        stmt(&p->s);
        for (int n = (int)dice(p, STEPS); n >= 0 && step(p); n--) {
        }
        ql_txn_stmt_end(&p->s.cx);
        take_away(p->b, p->who, -1);
        ql_txn_rollback(&p->s.cx);
        session_next(&p->s);
    }
    atomic_fetch_add(&p->b->done, 1);
    return NULL;
}

/* Without kills nothing but the wait-for graph ends a deadlock. set_from: locks that a transaction
 * has before others stand in sets of its own. */
static void
run_players(bool kill, size_t set_from)
{
    world *w = world_open(NULL, 0);
    w->inst.txns->set_from = set_from;
    board *b = calloc(1, sizeof *b);
    player *p = calloc(THREADS, sizeof *p);
    pthread_mutex_init(&b->mu, NULL);
    for (int i = 0; i < HELD_MAX; i++) {
        b->held[i].who = -1;
    }
    for (int i = 0; i < THREADS; i++) {
        p[i].w = w;
        p[i].b = b;
        p[i].who = i;
        p[i].seed = 77u + (unsigned)i;
        session_open(w, &p[i].s);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&p[i].th, NULL, play, &p[i]), 0);
    }
    for (unsigned n = 0; atomic_load(&b->done) < THREADS; n++) {
        if (kill) {
            (void)ql_procs_raise(w->inst.procs, ql_proc_id(p[n % THREADS].s.cx.proc), 0,
                                 QL_INTR_QUERY, false, 0);
        }
        if (n % 5 == 0) { /* listings see no half-made lock */
            ql_lock_info *rows;
            size_t rn;
            ql_str text;
            assert_int_equal(ql_txnsys_list_locks(&w->boss.cx, w->boss.cx.arena, &rows, &rn),
                             QL_OK);
            assert_int_equal(ql_txnsys_latest_deadlock(&w->boss.cx, w->boss.cx.arena, &text),
                             QL_OK);
            ql_arena_reset(w->boss.cx.arena);
        }
        pause_ms(1);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(p[i].th, NULL);
        session_close(w, &p[i].s);
    }
    ql_txnsys_stats st;
    ql_txnsys_get_stats(w->inst.txns, &st);
    assert_int_equal(st.row_locks, 0);
    assert_true(atomic_load(&b->granted) > THREADS * TURNS / 2);
    print_message("granted %d, refused %d, deadlocks %d, killed %d, waits %llu\n",
                  atomic_load(&b->granted), atomic_load(&b->refused), atomic_load(&b->deadlocks),
                  atomic_load(&b->kills), (unsigned long long)st.row_lock_waits);
    free(b);
    free(p);
    world_close(w);
}

static void
granted_never_conflict(void **state)
{
    (void)state;
    run_players(true, SIZE_MAX);
}

static void
nor_do_those_of_sets(void **state)
{
    (void)state;
    run_players(true, 0);
    run_players(true, 2);
}

static void
no_deadlock_is_missed(void **state)
{
    (void)state;
    run_players(false, SIZE_MAX);
}

static void
nor_one_through_sets(void **state)
{
    (void)state;
    run_players(false, 0);
    run_players(false, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(granted_never_conflict),
        cmocka_unit_test(nor_do_those_of_sets),
        cmocka_unit_test(no_deadlock_is_missed),
        cmocka_unit_test(nor_one_through_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
