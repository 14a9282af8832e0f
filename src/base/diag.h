/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics area: the error and the warnings of the current statement. The function that detects
 * an error words it once with ql_fail(); everybody above passes the status on. Owned by the
 * session.
 */
#ifndef QL_BASE_DIAG_H
#define QL_BASE_DIAG_H

#include <stdarg.h>

#include "base/ctx.h"

typedef enum ql_errcode {
    QL_ER_NONE,
#define QL_ERRCODE(symbol, number, sqlstate, text) QL_ER_##symbol = number,
#include "base/errcodes.def"
#undef QL_ERRCODE
} ql_errcode;

typedef enum ql_diag_level { QL_DIAG_NOTE, QL_DIAG_WARNING, QL_DIAG_ERROR } ql_diag_level;

typedef struct ql_condition {
    ql_diag_level level;
    uint16_t number;
    char sqlstate[6];
    char *text; /* owned by the diagnostics area, NUL-terminated, at most 512 bytes as in MySQL */
} ql_condition;

typedef struct ql_diag ql_diag;

ql_diag *ql_diag_new(void) QL_MUST_USE;
void ql_diag_free(ql_diag *d);
/* Forget all (at the start of a statement that is not itself about diagnostics). */
void ql_diag_reset(ql_diag *d);
/* max_error_count for stored conditions (the counts go on beyond it); default 1024. */
void ql_diag_set_limit(ql_diag *d, size_t max);

bool ql_diag_has_error(const ql_diag *d);
/* The first error worded since the reset, or NULL. */
const ql_condition *ql_diag_error(const ql_diag *d);
size_t ql_diag_count(const ql_diag *d);                     /* stored conditions */
const ql_condition *ql_diag_at(const ql_diag *d, size_t i); /* in the order raised */
uint64_t ql_diag_warning_count(const ql_diag *d);           /* @@warning_count: all levels */
uint64_t ql_diag_error_count(const ql_diag *d);
/* Drop the error but keep the warnings raised before it (for IF EXISTS, IGNORE). Never for
 * QL_KILLED, but by who has taken the kill as answered (ql_intr_answer). */
void ql_diag_clear_error(ql_diag *d);

/* Word error `code` with the arguments of its text in errcodes.def. Always returns QL_ERROR. Cannot
 * fail itself: without memory a static text is kept. If an error is already there it stays the
 * first. */
ql_status ql_fail(ql_ctx *cx, ql_errcode code, ...);
/* The same with another text than the listed one (MySQL has messages that vary under one number).
 */
ql_status ql_fail_text(ql_ctx *cx, ql_errcode code, const char *fmt, ...) QL_PRINTF(3, 4);
/* 1037 Out of memory; needed = bytes asked for. Always returns QL_ERROR. */
ql_status ql_fail_oom(ql_ctx *cx, size_t needed);
void ql_warn(ql_ctx *cx, ql_diag_level level, ql_errcode code, ...);
void ql_warn_text(ql_ctx *cx, ql_diag_level level, ql_errcode code, const char *fmt, ...)
    QL_PRINTF(4, 5);

/* A warning that is an error while the statement changes data in strict mode: bad values in its
 * expressions. QL_OK (warned) or QL_ERROR. */
ql_status ql_complain(ql_ctx *cx, ql_errcode code, ...) QL_MUST_USE;
ql_status ql_complain_text(ql_ctx *cx, ql_errcode code, const char *fmt, ...)
    QL_PRINTF(3, 4) QL_MUST_USE;
/* From here on complaints are errors (or warnings again); ql_diag_reset makes them warnings. */
void ql_diag_set_strict(ql_diag *d, bool strict);
/* Until ql_diag_tried warnings and complaints are dropped; it says whether there were none. Not
 * nested. */
void ql_diag_try(ql_diag *d);
bool ql_diag_tried(ql_diag *d);

const char *ql_errcode_sqlstate(ql_errcode code);
const char *ql_errcode_format(ql_errcode code); /* printf format of the text */
const char *ql_errcode_symbol(ql_errcode code); /* "ER_DUP_ENTRY" */

#endif
