/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling regular expressions, for regexp.c.
 */
#ifndef QL_FN_REGEXP_COMPILE_H
#define QL_FN_REGEXP_COMPILE_H

#include <unicode/uregex.h>

#include "base/ctx.h"

/* Longer patterns are refused. */
#define QLI_REGEXP_UNITS_MAX (256 * 1024)

/* What came of it: re, or ICU's error and where in the pattern. */
typedef struct qli_regexp_compiled {
    URegularExpression *re; /* the caller closes it; NULL on an error */
    UErrorCode ec;
    UParseError at;
} qli_regexp_compiled;

/* Compile n units of *pattern (ql_mem), which may be taken over (*pattern is NULL then). QL_OK when
 * ICU has answered. QL_KILLED. Waits: aside. */
ql_status qli_regexp_compile(ql_ctx *cx, UChar **pattern, int32_t n, uint32_t flags,
                             qli_regexp_compiled *out) QL_MUST_USE;

#endif
