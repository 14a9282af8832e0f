/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of a table's definition: defaults in parentheses, generated columns, CHECK
 * constraints, functional key parts. From what was written to the text that the catalog keeps
 * (sql/print.h), checked with MySQL's error numbers; and, once a statement, from that text to bound
 * expressions over a row (exec/complete.h evaluates them). All of it in cx->arena. Nothing waits.
 */
#ifndef QL_RESOLVE_TABLEEXPR_H
#define QL_RESOLVE_TABLEEXPR_H

#include "resolve/query.h"

typedef enum ql_expr_role {
    QL_ROLE_DEFAULT,
    QL_ROLE_GENERATED,
    QL_ROLE_CHECK,
    QL_ROLE_KEY_PART
} ql_expr_role;

/* Whose expression it is. */
typedef struct ql_expr_owner {
    ql_expr_role role;
    ql_str name;   /* of the column, the constraint, the key */
    ql_str column; /* CHECK behind a column: the only one it may name; else empty */
} ql_expr_owner;

/* The text of e, without looking at spec's columns yet: subqueries, variables, parameters, rows and
 * functions that may not stand there are refused (3102, 3763 ... 3817), and names qualified with
 * another table's. Of spec: db and name. */
ql_status ql_spec_expr_text(ql_ctx *cx, const ql_table_spec *spec, const ql_expr_owner *owner,
                            const ql_ast_expr *e, ql_str *text) QL_MUST_USE;
/* All expressions of a specification against its columns: 1054, 3107, 3109, 3767, 3768, 3818,
 * 3820, and what binding finds. Types of hidden columns must be there already. */
ql_status ql_spec_exprs_check(ql_ctx *cx, const ql_table_spec *spec) QL_MUST_USE;
/* Type that a column must have for the values of that text over spec's columns. */
ql_status ql_spec_expr_type(ql_ctx *cx, const ql_table_spec *spec, const ql_expr_owner *owner,
                            ql_str text, ql_type *out) QL_MUST_USE;
/* Does the text name the column (without regard to case)? For who removes or renames one. */
ql_status ql_expr_text_uses(ql_ctx *cx, ql_str text, ql_str column, bool *yes) QL_MUST_USE;
/* Type of a column that is to hold the values of an expression of type t: CREATE TABLE ... SELECT.
 */
ql_type ql_type_for_column(const ql_type *t);

/* A definition's expressions, bound: slot i is column i of the row. */
typedef struct ql_table_exprs {
    ql_expr **defaults;  /* [ncolumns]; NULL where there is none */
    ql_expr **generated; /* [ncolumns] */
    ql_expr **checks;    /* [nchecks] of those enforced, beside check_names */
    const ql_check_constraint **check_of;
    uint16_t nchecks;
    bool *used; /* [ncolumns] that some expression looks at */
    bool has_defaults, has_generated;
} ql_table_exprs;
ql_status ql_table_exprs_bind(ql_ctx *cx, const ql_table *t, ql_table_exprs **out) QL_MUST_USE;

#endif
