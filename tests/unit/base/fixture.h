/* SPDX-License-Identifier: Apache-2.0
 *
 * A bare ctx with a diagnostics area and an arena, for tests of base/. No interrupt: nothing in
 * base/ waits.
 */
#ifndef QL_TESTS_UNIT_BASE_FIXTURE_H
#define QL_TESTS_UNIT_BASE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/diag.h"

static inline void
fixture_begin(ql_ctx *cx)
{
    *cx = (ql_ctx){0};
    cx->diag = ql_diag_new();
    cx->arena = ql_arena_new("test", NULL);
    assert_non_null(cx->diag);
    assert_non_null(cx->arena);
}

static inline void
fixture_end(ql_ctx *cx)
{
    ql_arena_free(cx->arena);
    ql_diag_free(cx->diag);
}

/* Number of the first error, 0 = none. */
static inline unsigned
fixture_error(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return c != NULL ? c->number : 0;
}

#endif
