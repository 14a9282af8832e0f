/* SPDX-License-Identifier: Apache-2.0
 *
 * Time limits: one thread with a heap of deadlines raises reasons on sessions, by connection and
 * statement id.
 */
#ifndef QL_INTR_TIMER_H
#define QL_INTR_TIMER_H

#include "intr/wait.h"

typedef struct ql_timers ql_timers;

ql_timers *ql_timers_new(ql_ctx *cx) QL_MUST_USE;
void ql_timers_free(ql_timers *t);
/* At dl raise reasons on statement stmt_id of connection conn_id. The handle is for cancel; 0 = out
 * of memory (worded). Firing late or after the statement ended is harmless: the ids no longer
 * match. */
uint64_t ql_timer_set(ql_ctx *cx, ql_timers *t, ql_deadline dl, uint64_t conn_id, uint64_t stmt_id,
                      uint32_t reasons);
void ql_timer_cancel(ql_timers *t, uint64_t handle);

#endif
