/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside views/: who is in whose way (lockwaits.c).
 */
#ifndef QL_VIEWS_LOCKWAITS_INT_H
#define QL_VIEWS_LOCKWAITS_INT_H

#include "views/views_int.h"

/* Numbers in a list of locks: the first waits for the second. */
typedef struct qli_lock_edge {
    uint32_t waiter, blocker;
} qli_lock_edge;

/* All edges among l[0..n), sorted; in arena a. */
ql_status qli_lock_edges(ql_ctx *cx, ql_arena *a, const ql_lock_info *l, size_t n,
                         qli_lock_edge **out, size_t *nout) QL_MUST_USE;

#endif
