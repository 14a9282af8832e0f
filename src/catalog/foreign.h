/* SPDX-License-Identifier: Apache-2.0
 *
 * What a foreign key stands on: the keys of its two tables. For who looks at rows and definitions;
 * the rules for making one are foreign.c's. Pure functions, but for the latest error, which the
 * server keeps.
 */
#ifndef QL_CATALOG_FOREIGN_H
#define QL_CATALOG_FOREIGN_H

#include "base/buf.h"
#include "catalog/catalog.h"

/* The child's key that begins with k's columns in their order, each of them whole; the clustered
 * one and unique ones first. NULL: there is none (the definition is damaged). */
const ql_index *ql_foreign_index(const ql_table *child, const ql_foreign_key *k);
/* The same for the parent's columns; a unique key of just them first, then other unique ones. NULL:
 * no such key, or no such columns. */
const ql_index *ql_foreign_parent_index(const ql_table *parent, const ql_foreign_key *k);
/* Is the key unique and no longer than the foreign key? */
bool ql_foreign_is_standard(const ql_index *parent_index, const ql_foreign_key *k);
/* May foreign keys refer to t at all? A base table of InnoDB that can be used. */
bool ql_table_may_be_parent(const ql_table *t);
/* Can values of the two types be compared as keys? charsets false: texts in any collation. */
bool ql_foreign_types_fit(const ql_type *child, const ql_type *parent, bool charsets);
/* Does k refer to the table of that name? */
bool ql_foreign_refers_to(const ql_foreign_key *k, ql_str db, ql_str name);

/* CONSTRAINT ... FOREIGN KEY ... as SHOW CREATE TABLE and messages write it, appended. */
ql_status ql_foreign_print(ql_ctx *cx, ql_buf *b, const ql_table *child,
                           const ql_foreign_key *k) QL_MUST_USE;

/* CHECK: do the definitions of t and of its parents, as far as there are any, go together? Each
 * finding in words, and added to *findings. */
ql_status ql_foreign_check_definition(ql_ctx *cx, const ql_table *t,
                                      ql_status (*report)(ql_ctx *cx, void *arg, const char *text),
                                      void *arg, uint64_t *findings) QL_MUST_USE;

/* The latest error of a foreign key, of all sessions: lines of text, cut to so many bytes, and when
 * it was kept, Unix time. text.n 0: there was none. Never waits. */
#define QL_FOREIGN_ERROR_BYTES 4096
void ql_foreign_keep_error(ql_catalog *c, ql_str text);
ql_status ql_foreign_latest_error(ql_ctx *cx, ql_arena *a, int64_t *at_us,
                                  ql_str *text) QL_MUST_USE;

/* --- locks: whose records change along, or could --- */

/* Names of parents and children of the table of that name, which need not exist, as they are now.
 */
ql_status ql_foreign_family(ql_ctx *cx, ql_str db, ql_str name, ql_name_list *names) QL_MUST_USE;
/* Tables whose records change when old becomes next by c: NULL is one that is not there, or no
 * column that has another name. Errors are those of ql_catalog_switch. */
ql_status ql_foreign_affected(ql_ctx *cx, const ql_table *old, const ql_table *next,
                              const ql_table_change *c, ql_name_list *names) QL_MUST_USE;

#endif
