/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is told how far a statement has come, besides those who look at the process list.
 */
#ifndef QL_INTR_PROGRESS_H
#define QL_INTR_PROGRESS_H

#include "intr/proc.h"

/* told(arg) whenever work is added to the row (ql_proc_add_work), on the row's own thread; NULL:
 * nobody. It must not wait. */
void ql_proc_tell_work(ql_proc *row, void (*told)(void *arg), void *arg);
/* Done of what is estimated, in 1/100,000; UINT32_MAX: nothing is estimated. *stage: its State. */
uint32_t ql_proc_work_share(const ql_proc *row, ql_stage *stage);

#endif
