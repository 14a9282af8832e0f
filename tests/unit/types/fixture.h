/* SPDX-License-Identifier: Apache-2.0
 *
 * A ctx to test types/ with, and small helpers shared by its tests.
 */
#ifndef QL_TESTS_TYPES_FIXTURE_H
#define QL_TESTS_TYPES_FIXTURE_H

#include "../lib/test.h"
#include "base/buf.h"
#include "intr/background.h"
#include "types/codec.h"
#include "types/vector.h"

static ql_instance fixture_inst;
static ql_intr fixture_intr;

static inline void
fixture_begin(ql_ctx *cx)
{
    memset(cx, 0, sizeof *cx);
    assert_int_equal(ql_background_init(cx, &fixture_inst, &fixture_intr), QL_OK);
}

static inline void
fixture_end(ql_ctx *cx)
{
    ql_background_fini(cx);
}

static inline ql_value
text(const char *s)
{
    return ql_value_str(str(s), ql_coll_default);
}

/* The one condition raised since the last reset, with its number and text. */
static inline void
expect_condition(ql_ctx *cx, unsigned number, ql_diag_level level, const char *message)
{
    assert_int_equal(ql_diag_count(cx->diag), 1);
    const ql_condition *c = ql_diag_at(cx->diag, 0);
    assert_string_equal(c->text, message);
    assert_int_equal(c->number, number);
    assert_int_equal(c->level, level);
    ql_diag_reset(cx->diag);
}

static inline uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
