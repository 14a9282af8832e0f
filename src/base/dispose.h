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

/* Lies in the first page of the memory that is to be freed, or in a small piece of its own beside
 * what it stands for. */
typedef struct ql_dead ql_dead;
struct ql_dead {
    ql_dead *next;
    /* Gives about QL_DISPOSE_STEP bytes back, or what is left of them: false = there is more. With
     * the last step d is gone. Takes no lock, does not wait; any thread, one at a time. */
    bool (*step)(ql_dead *d);
    size_t left; /* bytes that count as waiting */
};

/* Less than this is freed by the caller: the system takes less time for it than for a hand-over. A
 * MiB with a header in front counts. */
#define QL_DISPOSE_FROM (((size_t)1 << 20) - 4096)
/* What takes the system some 50 us. It is not interrupted in that (kernels without preemption), so
 * this is how long whoever wakes up on the same processor waits for it. */
#define QL_DISPOSE_STEP ((size_t)512 << 10)

/* Any number of times; the thread stays to the end of the process. Without a thread to be had,
 * everything is freed by the callers. */
void ql_dispose_start(void);
/* The steps of d are made, now or soon, on this thread or another. `bytes`: of the memory, or how
 * many are behind d. Any thread, under any lock. Never waits. */
void ql_dispose(ql_dead *d, size_t bytes, bool (*step)(ql_dead *d));
/* For the steps of memory that begins with d: the pages of its last bytes go back to the system,
 * true = what is left of it is so little that it can be freed. */
bool ql_dispose_pages(ql_dead *d) QL_MUST_USE;
/* Before a large piece of memory is taken: frees what waits beyond a quarter of a gigabyte, with
 * looks at the kill flag. QL_KILLED. */
ql_status ql_dispose_help(ql_ctx *cx) QL_MUST_USE;

#endif
