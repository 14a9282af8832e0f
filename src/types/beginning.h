/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that begin with other ones, under a collation: what LIKE 'abc%' is to an index.
 */
#ifndef QL_TYPES_BEGINNING_H
#define QL_TYPES_BEGINNING_H

#include "base/buf.h"
#include "types/collate.h"

/* The characters of a pattern of LIKE before its first wildcard or escape, at most 3,072 bytes of
 * them: a piece of it. escape: empty: there is none. */
ql_str ql_pattern_head(const ql_collation *c, ql_str pattern, ql_str escape);
/* Those before its first wildcard, without escapes: their number of bytes; out has room for
 * QL_PATTERN_ROOM(pattern.n) bytes. *whole: there is no wildcard, and that is all. */
#define QL_PATTERN_TEXT 3072 /* that are looked at: no key is longer */
#define QL_PATTERN_ROOM(n) ((n) < QL_PATTERN_TEXT ? (n) + 4 : QL_PATTERN_TEXT + 4)
size_t ql_pattern_text(const ql_collation *c, ql_str pattern, ql_str escape, char *out,
                       bool *whole);

/* May characters weigh otherwise together than one by one? */
bool ql_coll_joins(const ql_collation *c);
/* A mark that belongs to the character before it, or begins with one. */
bool ql_char_is_mark(ql_str ch);

/* The sort keys of all texts of which the first characters are equal, one by one, to those of
 * another one (marks to marks only) lie from `low` on to those that begin with `high`; keys beyond
 * those of such texts may lie there, too. whole: all that are equal to it so, to the last
 * character, have its sort key. Begins as zeros. */
typedef struct ql_beginning {
    ql_buf low, high;
    bool whole;
} ql_beginning;
ql_status ql_beginning_find(ql_ctx *cx, const ql_collation *c, ql_str s,
                            ql_beginning *out) QL_MUST_USE;
/* The same of sort keys that end behind so many weights (ql_coll_first_weights); whole: no. */
ql_status ql_beginning_find_cut(ql_ctx *cx, const ql_collation *c, ql_str s, uint32_t weights,
                                ql_beginning *out) QL_MUST_USE;
void ql_beginning_free(ql_beginning *b);

#endif
