/* SPDX-License-Identifier: Apache-2.0
 *
 * What print.c (expressions) and print_select.c (queries) share.
 */
#ifndef QL_PRINT_INT_H
#define QL_PRINT_INT_H

#include "sql/print.h"

/* One printing. Owner: the caller of print.h. */
typedef struct qli_printer {
    ql_ctx *cx;
    ql_buf *b;
    const ql_print_mode *mode;
} qli_printer;

ql_status qli_print_expr(qli_printer *p, const ql_ast_expr *e) QL_MUST_USE;
ql_status qli_print_orders(qli_printer *p, const ql_ast_orders *o) QL_MUST_USE;
/* Without parentheses. */
ql_status qli_print_select(qli_printer *p, const ql_ast_select *s) QL_MUST_USE;
/* `db`.`name`, or `name` alone. */
ql_status qli_print_qualified(qli_printer *p, ql_str db, ql_str name) QL_MUST_USE;

static inline QL_MUST_USE ql_status
qli_put(qli_printer *p, const char *text)
{
    return ql_buf_put_str(p->cx, p->b, text);
}

#endif
