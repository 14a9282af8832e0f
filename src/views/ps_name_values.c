/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.global_variables, session_variables, global_status, session_status: four
 * tables of names and values; SHOW VARIABLES and SHOW STATUS are projections of them.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(VARIABLE_NAME, 's', 64, NN)                                                                  \
    C(VARIABLE_VALUE, 's', 1024, NUL)
QLI_COLUMNS(name_values, COLUMNS);

typedef ql_status (*lister)(ql_ctx *, ql_arena *, bool, ql_name_value **, size_t *);

static ql_status
add_all(ql_ctx *cx, ql_view_rows *r, lister list, bool global)
{
    ql_name_value *pairs;
    size_t n;
    QL_TRY(list(cx, r->a, global, &pairs, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_str(&v[COL_VARIABLE_NAME], pairs[i].name);
        qli_set_str(&v[COL_VARIABLE_VALUE], pairs[i].value);
    }
    return QL_OK;
}

ql_status
qli_fill_global_variables(ql_ctx *cx, ql_view_rows *r)
{
    return add_all(cx, r, ql_sysvar_list, true);
}

ql_status
qli_fill_session_variables(ql_ctx *cx, ql_view_rows *r)
{
    return add_all(cx, r, ql_sysvar_list, false);
}

ql_status
qli_fill_global_status(ql_ctx *cx, ql_view_rows *r)
{
    return add_all(cx, r, ql_status_list, true);
}

ql_status
qli_fill_session_status(ql_ctx *cx, ql_view_rows *r)
{
    return add_all(cx, r, ql_status_list, false);
}
