/* SPDX-License-Identifier: Apache-2.0
 *
 * A ctx to test json/ with, and small helpers shared by its tests.
 */
#ifndef QL_TESTS_JSON_FIXTURE_H
#define QL_TESTS_JSON_FIXTURE_H

#include "../lib/test.h"
#include "base/arena.h"
#include "base/diag.h"
#include "intr/background.h"
#include "json/path.h"

static ql_instance fixture_inst;
static ql_intr fixture_intr;
static ql_ctx fixture_cx;
static ql_json_builder fixture_builder;

static inline int
begin(void **state)
{
    (void)state;
    memset(&fixture_cx, 0, sizeof fixture_cx);
    assert_int_equal(ql_background_init(&fixture_cx, &fixture_inst, &fixture_intr), QL_OK);
    ql_json_builder_init(&fixture_builder, &fixture_cx, fixture_cx.arena);
    return 0;
}

static inline int
end(void **state)
{
    (void)state;
    ql_json_builder_free(&fixture_builder);
    ql_background_fini(&fixture_cx);
    return 0;
}

/* A text as a document in the arena of the test. */
static inline ql_json
doc(const char *text)
{
    ql_json_fault fault;
    ql_json v;
    ql_str bytes;
    ql_json_builder_clear(&fixture_builder);
    assert_int_equal(ql_json_parse(&fixture_builder, str(text), &fault), QL_OK);
    assert_null(fault.what);
    assert_int_equal(ql_json_take(&fixture_builder, fixture_cx.arena, &bytes), QL_OK);
    assert_int_equal(ql_json_open(&fixture_cx, bytes, &v), QL_OK);
    assert_int_equal(ql_json_verify(&fixture_cx, bytes), QL_OK);
    return v;
}

static inline void
expect_text(const ql_json *v, const char *text)
{
    ql_buf b = {0};
    assert_int_equal(ql_json_print(&fixture_cx, v, &b), QL_OK);
    assert_int_equal(ql_buf_put_u8(&fixture_cx, &b, 0), QL_OK);
    assert_string_equal(b.p, text);
    ql_buf_free(&b);
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
