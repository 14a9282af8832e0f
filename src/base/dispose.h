/* SPDX-License-Identifier: Apache-2.0
 *
 * Large memory goes back to the system in the background: unmapping takes 0.1 ms and more a MiB,
 * and whoever holds locks should not wait for it. One thread for the process, started by the first
 * server in it; until then the caller frees by itself. When much is waiting already, whoever takes
 * more memory helps first.
 */
#ifndef QL_BASE_DISPOSE_H
#define QL_BASE_DISPOSE_H

#include "base/ctx.h"

/* Lies in the first page of the memory that is to be freed. */
typedef struct ql_dead {
    struct ql_dead *next;
    void (*fn)(struct ql_dead *d);
    size_t bytes;
} ql_dead;

/* Less than this is freed by the caller: the system takes less time for it than for a hand-over. */
#define QL_DISPOSE_FROM ((size_t)1 << 20)

/* Any number of times; the thread stays to the end of the process. Without a thread to be had,
 * everything is freed by the callers. */
void ql_dispose_start(void);
/* fn(d) frees the memory, now or soon, on this thread or another; fn takes no lock
 * and does not wait. `bytes`: of the memory, or how many are behind d. Any thread, under any lock.
 * Never waits. */
void ql_dispose(ql_dead *d, size_t bytes, void (*fn)(ql_dead *d));
/* Before a large piece of memory is taken: frees what waits beyond a quarter of a gigabyte, with
 * looks at the kill flag. QL_KILLED. */
ql_status ql_dispose_help(ql_ctx *cx) QL_MUST_USE;

#endif
