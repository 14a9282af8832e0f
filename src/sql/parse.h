/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to AST. Never waits, looks at the kill flag every 256 tokens and every 64 KiB.
 */
#ifndef QL_SQL_PARSE_H
#define QL_SQL_PARSE_H

#include "base/arena.h"
#include "sql/ast.h"

typedef struct ql_parse_mode {
    bool ansi_quotes, no_backslash_escapes, pipes_as_concat, high_not_precedence, ignore_space;
    unsigned dates;    /* QL_DATES_*: what DATE'...' may name besides days of the calendar */
    bool allow_params; /* ? is a parameter (prepared); otherwise 1064 */
    const ql_collation *literal_coll; /* collation_connection, for literals without introducer */
    const ql_charset *client; /* set of the bytes that the text was given in, which introducers
                                 speak of and binary literals are; NULL: as they are */
} ql_parse_mode;

/* What the session's sql_mode and character set make of texts. */
ql_parse_mode ql_parse_mode_of(const ql_vars *v, bool allow_params);

/* Parse the first statement of text. *consumed = bytes up to and including its semicolon and
 * following blanks and comments (all, if it is the last). An empty text gives QL_ERROR 1065, one
 * of comments alone a DO without expressions. 1064 "near '...' at line N" as MySQL words it (up to
 * 80 characters). Node strings may share text: text must outlive the arena's use. */
ql_status ql_parse(ql_ctx *cx, ql_arena *a, ql_str text, const ql_parse_mode *mode,
                   ql_ast_stmt **stmt, size_t *consumed) QL_MUST_USE;

/* 1064 near what stands behind `consumed`: for callers that do not take more than one statement.
 * Always QL_ERROR. */
ql_status ql_parse_fail_rest(ql_ctx *cx, ql_str text, size_t consumed);

/* Text for the process list and logs: passwords in CREATE/ALTER USER, SET PASSWORD, IDENTIFIED BY
 * '...' replaced by '<secret>'. Works on text that does not parse, too. */
ql_status ql_mask_passwords(ql_ctx *cx, ql_arena *a, ql_str text, ql_str *out) QL_MUST_USE;

/* Normalised text (literals to ?, white space squeezed) and its SHA-256 in hex, as
 * performance_schema digests. */
ql_status ql_digest(ql_ctx *cx, ql_arena *a, ql_str text, ql_str *normalised,
                    char hex[65]) QL_MUST_USE;

#endif
