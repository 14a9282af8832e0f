/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranked mutexes. Ranks are listed in lock_ranks.def, outermost first; debug builds abort when a
 * thread takes a mutex of a rank not above all those it holds, and when it waits holding one.
 */
#ifndef QL_BASE_MUTEX_H
#define QL_BASE_MUTEX_H

#include <pthread.h>

#include "base/status.h"

typedef enum ql_lock_rank {
    QL_RANK_NONE,
#define QL_LOCK_RANK(name, what) QL_RANK_##name,
#include "base/lock_ranks.def"
#undef QL_LOCK_RANK
    QL_RANK_COUNT
} ql_lock_rank;

typedef struct ql_mutex {
    pthread_mutex_t m;
    ql_lock_rank rank;
} ql_mutex;

void ql_mutex_init(ql_mutex *mu, ql_lock_rank rank);
void ql_mutex_fini(ql_mutex *mu);
void ql_mutex_lock(ql_mutex *mu);
void ql_mutex_unlock(ql_mutex *mu);
/* Debug: abort unless the calling thread holds mu / holds no ranked mutex. No-ops in release
 * builds. */
void ql_mutex_assert_held(ql_mutex *mu);
void ql_mutex_assert_none_held(void);

/* Reader-writer variant with the same ranks, for caches that are read far more than written. */
typedef struct ql_rwlock {
    pthread_rwlock_t l;
    ql_lock_rank rank;
} ql_rwlock;
void ql_rwlock_init(ql_rwlock *l, ql_lock_rank rank);
void ql_rwlock_fini(ql_rwlock *l);
void ql_rwlock_read(ql_rwlock *l);
void ql_rwlock_write(ql_rwlock *l);
void ql_rwlock_unlock(ql_rwlock *l);

#endif
