/* SPDX-License-Identifier: Apache-2.0
 *
 * The guard of the instance's memory: a background thread that ends the statements which the budget
 * (base/quota.h) has marked, and that hands memory which malloc keeps back to the system.
 */
#ifndef QL_INTR_MEMGUARD_H
#define QL_INTR_MEMGUARD_H

#include "base/quota.h"
#include "intr/intr.h"

typedef struct ql_memguard ql_memguard;

/* QL_ERROR worded; inst->procs must be there. */
ql_status ql_memguard_start(ql_ctx *cx, ql_memguard **out) QL_MUST_USE;
/* No session and no reclaimer may be left that uses the budget. NULL is ignored. */
void ql_memguard_stop(ql_memguard *g);
/* Lives as long as the guard. */
ql_budget *ql_memguard_budget(ql_memguard *g);
/* How often memory was handed back. */
uint64_t ql_memguard_trims(const ql_memguard *g);

#endif
