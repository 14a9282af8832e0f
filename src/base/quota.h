/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that a session has taken (quota), and the budget that all sessions of an instance share.
 * A quota has a limit of its own. When the budget is overdrawn the quota that has taken most, among
 * those that work, is marked to end; whoever asks and is the largest himself is refused.
 */
#ifndef QL_BASE_QUOTA_H
#define QL_BASE_QUOTA_H

#include <stdatomic.h>

#include "base/ctx.h"
#include "base/mutex.h"

typedef struct ql_budget ql_budget;

/* Bytes of one session, or of one part of it. Owner: the session; {0} is a valid one without
 * limits. Others read used (process list). */
typedef struct ql_quota {
    size_t limit; /* [owner] of used, and of what `beside` has used; 0 = none */
    _Atomic size_t used;
    struct ql_quota *beside; /* [const] the session's other part, or NULL */
    ql_budget *budget;       /* [const] NULL = none */
    /* Of one that has joined the budget: */
    uint64_t owner;               /* [const] connection id */
    _Atomic uint64_t work;        /* [owner writes] statement that may be ended; 0 = none */
    struct ql_quota *prev, *next; /* [budget mu] */
    uint64_t told;                /* [budget mu] the statement that was marked last */
    int64_t told_ns;              /* [budget mu] when; monotonic */
    bool marked;                  /* [budget mu] not yet taken by ql_budget_next */
} ql_quota;

/* Ask for n bytes. False after ql_fail (4082) when the quota's limit or the budget does not allow
 * it. q NULL: true. Never waits. */
bool ql_quota_take(ql_ctx *cx, ql_quota *q, size_t n) QL_MUST_USE;
/* The same for bytes that cannot be refused (small ones, of a session's end). */
void ql_quota_add(ql_quota *q, size_t n);
void ql_quota_give(ql_quota *q, size_t n);
/* From now on the n bytes are no longer the quota's, but still the budget's: they wait to be freed.
 * ql_budget_freed tells that they are. Returns the budget for that, or NULL. */
ql_budget *ql_quota_leave(ql_quota *q, size_t n);

/* wake: called by any thread, with any mutex held, when ql_budget_next has something to tell; must
 * not wait or lock. NULL when memory is out. */
ql_budget *ql_budget_new(void (*wake)(void *), void *arg) QL_MUST_USE;
void ql_budget_free(ql_budget *b);
/* Bytes that all may take together; 0 = no limit. Any thread. */
void ql_budget_set_limit(ql_budget *b, size_t limit);
/* From join to leave the quota's work may be chosen to end. */
void ql_budget_join(ql_budget *b, ql_quota *q);
void ql_budget_leave(ql_budget *b, ql_quota *q);
void ql_budget_freed(ql_budget *b, size_t n);

/* Next statement marked to end; false = none. Each is told once. */
typedef struct ql_budget_victim {
    uint64_t owner, work;
    size_t used;
} ql_budget_victim;
bool ql_budget_next(ql_budget *b, ql_budget_victim *out);
/* It has ended already, or cannot be ended: it does not count as memory that will come back. */
void ql_budget_missed(ql_budget *b, const ql_budget_victim *v);

typedef struct ql_budget_stats {
    size_t limit, used, freeing, peak;
    uint64_t ended, refused; /* statements marked; requests refused because of the budget */
} ql_budget_stats;
void ql_budget_get_stats(const ql_budget *b, ql_budget_stats *out);

#endif
