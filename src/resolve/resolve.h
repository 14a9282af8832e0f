/* SPDX-License-Identifier: Apache-2.0
 *
 * AST to resolved statement: scopes, binding, typing, privilege checks on the objects named. Opens
 * tables (shared metadata locks: may wait).
 */
#ifndef QL_RESOLVE_RESOLVE_H
#define QL_RESOLVE_RESOLVE_H

#include "acl/acl.h"
#include "resolve/query.h"

/* Resolve SELECT, INSERT, REPLACE, UPDATE, DELETE, DO, SET, KILL, EXPLAIN; other kinds pass with
 * only kind and ast set (their executors work from the AST). params: values of `?`. Result in
 * cx->arena. Errors: 1054, 1052, 1146, 1049, 1046, 1064, 1109, 1111, 1140, 1055, 1241, 1305, 1582
 * ... Waits: MDL. */
ql_status ql_resolve(ql_ctx *cx, const ql_ast_stmt *stmt, const ql_value *params, uint32_t nparams,
                     ql_rstmt **out) QL_MUST_USE;

/* The same for a statement that is only prepared: tables are opened to look at, values of
 * parameters are not known. */
ql_status ql_resolve_prepare(ql_ctx *cx, const ql_ast_stmt *stmt, ql_rstmt **out) QL_MUST_USE;

/* The view that stmt, a CREATE VIEW, makes: its query bound, then frozen (all names qualified, no
 * stars) and written as text, its columns typed. stmt is the caller's own tree, read anew for this:
 * it is changed. Fills columns and of def query, names_given, updatable, algorithm, check; db and
 * name of spec are set. All of it in cx->arena. *merge_given_up: ALGORITHM = MERGE cannot be.
 * Errors: those of the query, 1060, 1166, 1351, 1353, 1368, 1462. Waits: MDL. */
ql_status ql_resolve_view(ql_ctx *cx, ql_ast_stmt *stmt, ql_view_spec *spec,
                          bool *merge_given_up) QL_MUST_USE;
/* Can the view be used? Binds it as a statement that reads it would. 1356, 1449, 1462 ... Waits:
 * MDL.
 */
ql_status ql_resolve_view_use(ql_ctx *cx, const ql_table *view) QL_MUST_USE;
/* Whoever's privileges count below a view: its definer's, if that is the view's way. 1449. Behind
 * it ql_view_leave, whatever was returned. */
typedef struct ql_view_entry {
    bool entered;
    ql_acl_self was;
} ql_view_entry;
ql_status ql_view_enter(ql_ctx *cx, const ql_table *view, ql_view_entry *e) QL_MUST_USE;
void ql_view_leave(ql_ctx *cx, const ql_view_entry *e);
/* The query of a CREATE TABLE ... SELECT, while it runs: in its transaction, whose metadata locks
 * are then held to its end. stmt: as the statement was resolved. Waits: MDL. */
ql_status ql_resolve_table_query(ql_ctx *cx, const ql_rstmt *stmt, ql_rstmt **out) QL_MUST_USE;

/* What a client is told of a column of a table. */
void ql_result_column_of(const ql_table *t, uint16_t column, ql_result_column *out);

/* May the index be used to find rows? An invisible one may only where optimizer_switch says so. */
ql_status ql_index_is_usable(ql_ctx *cx, const ql_index *ix, bool *yes) QL_MUST_USE;

/* An expression without tables (DEFAULT values in DDL, SHOW ... WHERE over given columns). columns
 * may be NULL; slot i = columns[i]. */
ql_status ql_resolve_expr(ql_ctx *cx, const ql_ast_expr *e, const ql_result_column *columns,
                          uint16_t ncolumns, ql_expr **out, uint32_t *ncalls) QL_MUST_USE;

/* For rewrites of what has been resolved: one side of a comparison brought to its kind; an
 * expression of constants that are cheap and pure computed; structural equality. In cx->arena. */
ql_status ql_expr_cast_compared(ql_ctx *cx, ql_expr **e, ql_kind kind) QL_MUST_USE;
ql_status ql_expr_fold(ql_ctx *cx, ql_expr **e) QL_MUST_USE;
ql_status ql_expr_same(ql_ctx *cx, const ql_expr *a, const ql_expr *b, bool *same) QL_MUST_USE;

/* Name, arity and flags of functions. */
typedef enum ql_func_flag {
    QL_FF_NONDET = 1, /* RAND, NOW is constant per statement, SLEEP ...: never folded, evaluated for
                         each row */
    QL_FF_NULLS = 2,  /* is called with NULL arguments; others yield NULL at once */
    QL_FF_STMT =
        4, /* constant during a statement, not folded at resolve time (NOW, CONNECTION_ID) */
    QL_FF_LAZY = 8,      /* evaluates its arguments itself, only those it needs (COALESCE, ELT,
                            BENCHMARK) */
    QL_FF_SEARCHES = 32, /* compares its string arguments, which must meet in a collation */
    QL_FF_COSTLY = 16,   /* work grows with the data; never evaluated while resolving */
} ql_func_flag;
const char *ql_func_name(ql_func_id id);
unsigned ql_func_flags(ql_func_id id);

#endif
