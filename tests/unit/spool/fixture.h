/* SPDX-License-Identifier: Apache-2.0
 *
 * A session without a server: what the spool needs.
 */
#ifndef QL_TESTS_SPOOL_FIXTURE_H
#define QL_TESTS_SPOOL_FIXTURE_H

#include <stdlib.h>

#include "../lib/test.h"
#include "base/diag.h"
#include "base/hash.h"
#include "intr/intr.h"
#include "vars/sysvars.h"

typedef struct sess {
    ql_instance inst;
    ql_ctx cx;
    ql_intr intr;
} sess;

static inline int
setup(void **state)
{
    sess *s = calloc(1, sizeof *s);
    s->inst.sysvars = ql_sysvars_new();
    s->cx = (ql_ctx){.inst = &s->inst, .intr = &s->intr, .diag = ql_diag_new()};
    s->cx.arena = ql_arena_new("statement", NULL);
    OK(ql_intr_init(&s->cx, &s->intr));
    *state = s;
    return 0;
}

static inline int
teardown(void **state)
{
    sess *s = *state;
    ql_intr_fini(&s->intr);
    ql_arena_free(s->cx.arena);
    ql_diag_free(s->cx.diag);
    ql_sysvars_free(s->inst.sysvars);
    free(s);
    return 0;
}

#endif
