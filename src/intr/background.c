/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and ending the ctx of background threads. No thread is started here.
 */
#include "intr/background.h"

#include "base/arena.h"
#include "base/diag.h"

ql_status
ql_background_init(ql_ctx *cx, ql_instance *inst, ql_intr *intr)
{
    *cx = (ql_ctx){.inst = inst, .intr = intr};
    if (ql_intr_init(cx, intr) != QL_OK) {
        return QL_ERROR;
    }
    cx->diag = ql_diag_new();
    cx->arena = ql_arena_new("background", NULL);
    if (cx->diag == NULL || cx->arena == NULL) {
        ql_background_fini(cx);
        return QL_ERROR;
    }
    return QL_OK;
}

void
ql_background_fini(ql_ctx *cx)
{
    ql_arena_free(cx->arena);
    ql_diag_free(cx->diag);
    ql_intr_fini(cx->intr);
    cx->arena = NULL;
    cx->diag = NULL;
}

void
ql_background_stop(ql_ctx *cx)
{
    (void)ql_intr_raise(cx->intr, QL_INTR_SHUTDOWN, 0);
}
