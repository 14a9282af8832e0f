/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that cannot be interrupted, because a library does it in one go, on a thread of its own. The
 * statement waits for it like for anything else and can be killed meanwhile; what is made is thrown
 * away then. For work of one to some hundred milliseconds, bounded by who asks for it.
 */
#ifndef QL_INTR_ASIDE_H
#define QL_INTR_ASIDE_H

#include "intr/intr.h"

/* QL_OK: work(arg) has run. Otherwise, QL_KILLED or QL_ERROR, arg is not the caller's any more:
 * drop(arg) frees it, as soon as the work is done. Neither uses anything of the session; work takes
 * no lock that the caller holds. Waits: aside. */
ql_status ql_aside(ql_ctx *cx, void (*work)(void *arg), void (*drop)(void *arg),
                   void *arg) QL_MUST_USE;

#endif
