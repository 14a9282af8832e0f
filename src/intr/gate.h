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
uint32_t ql_gate_inside(ql_gate *g);
uint32_t ql_gate_waiting(ql_gate *g);

#endif
