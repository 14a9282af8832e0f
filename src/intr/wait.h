/* SPDX-License-Identifier: Apache-2.0
 *
 * The one door through which a session sleeps. Every kind of wait has its line in waits.def; the
 * line gives the State text users see, and tests prove that each can be killed.
 */
#ifndef QL_INTR_WAIT_H
#define QL_INTR_WAIT_H

#include "base/ctx.h"
#include "intr/intr.h"

/* Absolute CLOCK_MONOTONIC time in nanoseconds. */
typedef int64_t ql_deadline;
#define QL_FOREVER INT64_MAX
#define QL_NO_WAIT ((ql_deadline)0)
/* ms from now; 0 or less = at once. */
ql_deadline ql_deadline_ms(int64_t ms);

typedef enum ql_wait_kind {
    QL_W_NONE,
#define QL_WAIT(name, state, owner, reach, ends) QL_W_##name,
#include "intr/waits.def"
#undef QL_WAIT
    QL_W_COUNT
} ql_wait_kind;

const char *ql_wait_state_text(ql_wait_kind kind); /* "" when the State column stays as it is */
const char *ql_wait_name(ql_wait_kind kind);

/* Sleep until fd (or -1) has one of events (POLLIN, POLLOUT), the session is woken, killed, or the
 * deadline passes. QL_OK: look at your condition again (may be spurious). QL_TIMEOUT. QL_KILLED:
 * worded. Holds no mutex (asserted). Sets State and the wait start in the process list meanwhile.
 * fd hang-ups return QL_OK: the read then finds out. */
ql_status ql_wait(ql_ctx *cx, int fd, short events, ql_deadline dl, ql_wait_kind kind) QL_MUST_USE;

/* The matrix of (wait x reason that ended it) pairs seen, debug builds; count 0 = never. reason is
 * one bit of ql_intr_reason; SHOW STATUS LIKE 'Quell_wait_matrix' prints it as "ROW_LOCK:QUERY=3
 * ...". */
uint64_t ql_wait_matrix_count(ql_wait_kind kind, uint32_t reason);
/* The pairs with a count, as there; cut to n bytes with the 0. Room for all: QL_WAIT_MATRIX_TEXT.
 * Returns the length. */
#define QL_WAIT_MATRIX_TEXT ((size_t)8192)
size_t ql_wait_matrix_print(char *p, size_t n);

#endif
