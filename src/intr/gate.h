/* SPDX-License-Identifier: Apache-2.0
 *
 * FIFO gate with a limited number of tickets (innodb_thread_concurrency).
 */
#ifndef QL_INTR_GATE_H
#define QL_INTR_GATE_H

#include "intr/cv.h"

typedef struct ql_gate ql_gate;

ql_gate *ql_gate_new(void) QL_MUST_USE; /* limit 0 = open */
void ql_gate_free(ql_gate *g);
/* Takes effect at once; more tickets are handed to those who wait, fewer are taken as they come
 * back. */
void ql_gate_set_limit(ql_gate *g, uint32_t limit);
/* QL_OK: one ticket is held until ql_gate_leave. QL_TIMEOUT, QL_KILLED: none is held. Waits: kind.
 */
ql_status ql_gate_enter(ql_ctx *cx, ql_gate *g, ql_deadline dl, ql_wait_kind kind) QL_MUST_USE;
void ql_gate_leave(ql_gate *g);
/* The session's own ticket of inst->admission (cx->admitted). Waits: ADMISSION. */
ql_status ql_admission_enter(ql_ctx *cx) QL_MUST_USE;
void ql_admission_leave(ql_ctx *cx); /* none held: nothing to do */
/* Around the wait for a lock: whoever waits for a lock is not inside, for the one who could free it
 * may be waiting to get in. pause gives the ticket back and says whether there was one; resume,
 * when there was, takes one again (not needed when the statement ends with an error). */
bool ql_admission_pause(ql_ctx *cx);
ql_status ql_admission_resume(ql_ctx *cx) QL_MUST_USE;
uint32_t ql_gate_inside(ql_gate *g);
uint32_t ql_gate_waiting(ql_gate *g);

#endif
