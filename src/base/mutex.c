/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranked mutexes over pthread. In debug builds each thread keeps the list of what it holds; taking
 * a rank that is not above all held ones aborts with both names. Release builds are bare pthread.
 */
#include "base/mutex.h"

#include <stdio.h>
#include <stdlib.h>

static void
must(int rc, const char *what)
{
    if (QL_UNLIKELY(rc != 0)) {
        (void)fprintf(stderr, "quell: %s failed with errno %d\n", what, rc);
        abort();
    }
}

#ifdef QL_DEBUG

#define MOST_HELD 16

typedef struct held_lock {
    const void *lock;
    ql_lock_rank rank;
} held_lock;

static _Thread_local held_lock held[MOST_HELD];
static _Thread_local unsigned nheld;

static const char *const rank_names[] = {
    "NONE",
#define QL_LOCK_RANK(name, what) #name,
#include "base/lock_ranks.def"
#undef QL_LOCK_RANK
};

static void
note_taking(ql_lock_rank rank)
{
    if (nheld != 0 && held[nheld - 1].rank >= rank) {
        (void)fprintf(stderr, "quell: lock order: taking %s while holding %s\n", rank_names[rank],
                      rank_names[held[nheld - 1].rank]);
        abort();
    }
    if (nheld == MOST_HELD) {
        (void)fprintf(stderr, "quell: a thread holds more than %d locks\n", MOST_HELD);
        abort();
    }
}

static void
note_taken(const void *lock, ql_lock_rank rank)
{
    held[nheld++] = (held_lock){lock, rank};
}

static void
note_dropped(const void *lock)
{
    for (unsigned i = nheld; i-- > 0;) {
        if (held[i].lock == lock) {
            for (; i + 1 < nheld; i++) {
                held[i] = held[i + 1];
            }
            nheld--;
            return;
        }
    }
    (void)fprintf(stderr, "quell: unlocking a lock that this thread does not hold\n");
    abort();
}

void
ql_mutex_assert_held(ql_mutex *mu)
{
    for (unsigned i = 0; i < nheld; i++) {
        if (held[i].lock == mu) {
            return;
        }
    }
    (void)fprintf(stderr, "quell: mutex %s should be held here\n", rank_names[mu->rank]);
    abort();
}

void
ql_mutex_assert_none_held(void)
{
    if (nheld != 0) {
        (void)fprintf(stderr, "quell: waiting while holding %s\n", rank_names[held[0].rank]);
        abort();
    }
}

#else

static inline void
note_taking(ql_lock_rank rank)
{
    (void)rank;
}

static inline void
note_taken(const void *lock, ql_lock_rank rank)
{
    (void)lock;
    (void)rank;
}

static inline void
note_dropped(const void *lock)
{
    (void)lock;
}

void
ql_mutex_assert_held(ql_mutex *mu)
{
    (void)mu;
}

void
ql_mutex_assert_none_held(void)
{
}

#endif

void
ql_mutex_init(ql_mutex *mu, ql_lock_rank rank)
{
    must(pthread_mutex_init(&mu->m, NULL), "pthread_mutex_init");
    mu->rank = rank;
}

void
ql_mutex_fini(ql_mutex *mu)
{
    must(pthread_mutex_destroy(&mu->m), "pthread_mutex_destroy");
}

void
ql_mutex_lock(ql_mutex *mu)
{
    note_taking(mu->rank);
    must(pthread_mutex_lock(&mu->m), "pthread_mutex_lock");
    note_taken(mu, mu->rank);
}

void
ql_mutex_unlock(ql_mutex *mu)
{
    note_dropped(mu);
    must(pthread_mutex_unlock(&mu->m), "pthread_mutex_unlock");
}

void
ql_rwlock_init(ql_rwlock *l, ql_lock_rank rank)
{
    must(pthread_rwlock_init(&l->l, NULL), "pthread_rwlock_init");
    l->rank = rank;
}

void
ql_rwlock_fini(ql_rwlock *l)
{
    must(pthread_rwlock_destroy(&l->l), "pthread_rwlock_destroy");
}

void
ql_rwlock_read(ql_rwlock *l)
{
    note_taking(l->rank);
    must(pthread_rwlock_rdlock(&l->l), "pthread_rwlock_rdlock");
    note_taken(l, l->rank);
}

void
ql_rwlock_write(ql_rwlock *l)
{
    note_taking(l->rank);
    must(pthread_rwlock_wrlock(&l->l), "pthread_rwlock_wrlock");
    note_taken(l, l->rank);
}

void
ql_rwlock_unlock(ql_rwlock *l)
{
    note_dropped(l);
    must(pthread_rwlock_unlock(&l->l), "pthread_rwlock_unlock");
}
