/* SPDX-License-Identifier: Apache-2.0
 *
 * Table specifications (catalog.h) from what was written, or from a stored definition: whole, or a
 * column, a key, an option at a time. Names, types, defaults and collations are checked with
 * MySQL's error numbers; the catalog checks what concerns the definition as a whole. What is made
 * is in cx->arena and shares the AST's and the definition's bytes. Nothing here waits.
 */
#ifndef QL_RESOLVE_TABLESPEC_H
#define QL_RESOLVE_TABLESPEC_H

#include "resolve/query.h"

/* All of a CREATE TABLE; otherwise is the collation where none is written. db and name are the
 * caller's to set. */
ql_status ql_spec_from_create(ql_ctx *cx, const ql_ast_create_table *ct,
                              const ql_collation *otherwise, ql_table_spec *spec) QL_MUST_USE;
/* All of a CREATE TABLE ... SELECT whose query is bound; columns: room for the ordinal of each
 * item's column. */
ql_status ql_spec_from_query(ql_ctx *cx, const ql_ast_create_table *ct,
                             const ql_collation *otherwise, const ql_query *q, ql_table_spec *spec,
                             uint16_t *columns) QL_MUST_USE;
/* The structure of t, whose columns are shared: CREATE TABLE ... LIKE. The caller keeps t. */
ql_status ql_spec_from_table(ql_ctx *cx, const ql_table *t, ql_table_spec *spec) QL_MUST_USE;
/* All CHECKs under names made of the table's, as a copy's are. */
ql_status ql_spec_rename_checks(ql_ctx *cx, ql_table_spec *spec) QL_MUST_USE;

/* Column `at` of those that a statement defines into c, whose ordinal is the caller's to set.
 * in_primary: a PRIMARY KEY names it. */
ql_status ql_spec_column(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_create_table *in,
                         uint32_t at, bool in_primary, ql_column *c) QL_MUST_USE;
/* DEFAULT and ON UPDATE of what was written, for a column whose type is known. */
ql_status ql_spec_default(ql_ctx *cx, const ql_table_spec *spec, const ql_ast_column *ac,
                          ql_column *c) QL_MUST_USE;
/* One CHECK more, for which spec->checks has room; *number counts the names that are made. Then, at
 * the end, ql_spec_exprs_check (tableexpr.h). */
ql_status ql_spec_check(ql_ctx *cx, ql_table_spec *spec, const ql_ast_check *k,
                        uint32_t *number) QL_MUST_USE;
/* One foreign key more, for which spec->foreign has room; *number counts the names that are made.
 * Only InnoDB's tables get it. 1059, 1060, 1072, 1103, 1215, 3104. */
ql_status ql_spec_foreign(ql_ctx *cx, ql_table_spec *spec, const ql_ast_key *k,
                          uint32_t *number) QL_MUST_USE;
/* When all keys are there: out with those made for foreign keys that others take the place of. from
 * (may be NULL): what goes with each index, shifted along. */
ql_status ql_spec_drop_superfluous(ql_ctx *cx, ql_table_spec *spec, int *from) QL_MUST_USE;
/* At the end: foreign keys together with columns and CHECKs. 1215, 1830, 3733, 3823. */
ql_status ql_spec_foreign_check(ql_ctx *cx, const ql_table_spec *spec) QL_MUST_USE;
/* One key more (of a FOREIGN KEY: the one that it needs); spec->indexes has room for it,
 * spec->columns for a hidden column for each of its functional parts; the columns are there. 1072,
 * 3756, 3757, 3762. */
ql_status ql_spec_key(ql_ctx *cx, ql_table_spec *spec, const ql_ast_key *k) QL_MUST_USE;
/* ENGINE, AUTO_INCREMENT, COMMENT; others have no effect, CHARSET and COLLATE are
 * ql_spec_collation's. */
ql_status ql_spec_option(ql_ctx *cx, ql_table_spec *spec, const ql_ast_option *o) QL_MUST_USE;
/* Collation that CHARSET and COLLATE among options (of a table or database) name, else otherwise.
 * 1115, 1273, 1253. */
ql_status ql_spec_collation(ql_ctx *cx, const ql_ast_option *v, uint32_t n,
                            const ql_collation *otherwise, const ql_collation **out) QL_MUST_USE;

#endif
