/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test starts with: cmocka with what it needs, strings, statuses and errors.
 */
#ifndef QL_TESTS_UNIT_LIB_TEST_H
#define QL_TESTS_UNIT_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/diag.h"

#define OK(expr) assert_int_equal((expr), QL_OK)

static inline ql_str
str(const char *s)
{
    return (ql_str){s, strlen(s)};
}

/* Number of the first error, 0 = none. */
static inline unsigned
test_error(const ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return c != NULL ? c->number : 0;
}

/* A ctx with a diagnostics area and an arena, and nothing else: for what neither waits nor asks. */
static inline void
test_ctx_begin(ql_ctx *cx)
{
    *cx = (ql_ctx){0};
    cx->diag = ql_diag_new();
    cx->arena = ql_arena_new("test", NULL);
    assert_non_null(cx->diag);
    assert_non_null(cx->arena);
}

static inline void
test_ctx_end(ql_ctx *cx)
{
    ql_arena_free(cx->arena);
    ql_diag_free(cx->diag);
}

#endif
