/* SPDX-License-Identifier: Apache-2.0
 *
 * A context to parse in, for the tests of sql/. One per test program; the arena is emptied by each
 * parse.
 */
#ifndef QL_TEST_SQL_TEST_H
#define QL_TEST_SQL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "sql/parse.h"

typedef struct bench {
    ql_instance inst;
    ql_ctx cx;
    ql_intr intr;
    ql_arena *arena;
    ql_parse_mode mode;
    size_t consumed;
} bench;

static bench the;

static int
bench_open(void **state)
{
    (void)state;
    memset(&the, 0, sizeof the);
    the.cx.inst = &the.inst;
    the.cx.intr = &the.intr;
    the.cx.diag = ql_diag_new();
    the.arena = the.cx.arena = ql_arena_new("test", NULL);
    assert_non_null(the.cx.diag);
    assert_non_null(the.arena);
    assert_int_equal(ql_intr_init(&the.cx, &the.intr), QL_OK);
    return 0;
}

static int
bench_close(void **state)
{
    (void)state;
    ql_arena_free(the.arena);
    ql_intr_fini(&the.intr);
    ql_diag_free(the.cx.diag);
    return 0;
}

static inline ql_str
str_of(const char *s)
{
    return (ql_str){s, strlen(s)};
}

static inline ql_status
parse_str(ql_str text, ql_ast_stmt **s)
{
    ql_arena_reset(the.arena);
    ql_diag_reset(the.cx.diag);
    *s = NULL;
    return ql_parse(&the.cx, the.arena, text, &the.mode, s, &the.consumed);
}

static inline ql_status
parse_text(const char *text, ql_ast_stmt **s)
{
    return parse_str(str_of(text), s);
}

static inline int
error_number(void)
{
    const ql_condition *c = ql_diag_error(the.cx.diag);
    return c != NULL ? c->number : 0;
}

#endif
