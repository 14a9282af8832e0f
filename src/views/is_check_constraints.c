/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.CHECK_CONSTRAINTS: the conditions of CHECK constraints.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CONSTRAINT_CATALOG, 's', 64, BIN)                                                            \
    C(CONSTRAINT_SCHEMA, 's', 64, SCHEMA)                                                          \
    C(CONSTRAINT_NAME, 's', 64, NN)                                                                \
    C(CHECK_CLAUSE, 't', 0, BIN)
QLI_COLUMNS(check_constraints, COLUMNS);

ql_status
qli_fill_check_constraints(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        for (unsigned k = 0; k < list[i]->nchecks; k++) {
            const ql_check_constraint *c = &list[i]->checks[k];
            ql_value *v;
            QL_TRY(ql_view_row(cx, r, &v));
            qli_set_cstr(&v[COL_CONSTRAINT_CATALOG], "def");
            qli_set_str(&v[COL_CONSTRAINT_SCHEMA], list[i]->db);
            qli_set_str(&v[COL_CONSTRAINT_NAME], c->name);
            QL_TRY(qli_set_expr(cx, r->a, &v[COL_CHECK_CLAUSE], c->text));
        }
    }
    return QL_OK;
}
