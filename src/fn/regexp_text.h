/* SPDX-License-Identifier: Apache-2.0
 *
 * The text that a regular expression searches, as ICU reads it: through a UText of ours, a chunk at
 * a time, and each chunk is a look at the kill flag. Some of ICU's loops (a star over a plain set
 * of characters) call nothing back, but none can go on without text.
 */
#ifndef QL_FN_REGEXP_TEXT_H
#define QL_FN_REGEXP_TEXT_H

#include <unicode/utext.h>

#include "base/ctx.h"

/* Shorter texts are handed to ICU whole, which it searches a little faster: a third of a
 * millisecond, however slow the loop. */
#define QLI_REGEXP_TEXT_MIN ((int32_t)16384)

/* Owner: the call. Stays where it is as long as the regular expression has it. */
typedef struct qli_regexp_text {
    ql_ctx *cx;
    const UChar *p;
    int32_t n;
    bool stopped; /* a look said so: what ICU has found since is nothing to go by */
} qli_regexp_text;

/* out, as from UTEXT_INITIALIZER, over t. ICU makes its copy of *out; the caller closes it. */
UText *qli_regexp_text_open(qli_regexp_text *t, UText *out, UErrorCode *ec);

#endif
