/* SPDX-License-Identifier: Apache-2.0
 *
 * The ctx of a background thread (committer, purger, timer, ...): own interrupt, diagnostics and
 * arena, no row in the process list. It waits through ql_wait and ql_cv_wait with QL_W_BACKGROUND
 * and ends when QL_INTR_SHUTDOWN is raised on its interrupt.
 */
#ifndef QL_INTR_BACKGROUND_H
#define QL_INTR_BACKGROUND_H

#include "intr/intr.h"

/* Before the thread starts, by whoever starts it. On QL_ERROR nothing is left to fini, and the
 * error is not in any diagnostics area (cx has none then): the caller words it. */
ql_status ql_background_init(ql_ctx *cx, ql_instance *inst, ql_intr *intr) QL_MUST_USE;
/* After the thread has been joined. */
void ql_background_fini(ql_ctx *cx);
/* Any thread: tell it to end; its waits return QL_KILLED. */
void ql_background_stop(ql_ctx *cx);

#endif
