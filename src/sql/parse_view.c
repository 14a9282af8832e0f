/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE VIEW, ALTER VIEW, DROP VIEW (manual, "CREATE VIEW Statement").
 */
#include "sql/sql_int.h"

static ql_status
algorithm(qli_parser *p, ql_ast_view *v)
{
    if (!qli_accept(p, K_ALGORITHM)) {
        return QL_OK;
    }
    QL_TRY(qli_expect(p, T_EQ));
    if (qli_accept(p, K_MERGE)) {
        v->algorithm = QL_VIEW_MERGE;
    } else if (qli_accept(p, K_TEMPTABLE)) {
        v->algorithm = QL_VIEW_TEMPTABLE;
    } else {
        return qli_expect(p, K_UNDEFINED);
    }
    return QL_OK;
}

static ql_status
security(qli_parser *p, ql_ast_view *v)
{
    if (!qli_accept(p, K_SQL)) {
        return QL_OK;
    }
    QL_TRY(qli_expect(p, K_SECURITY));
    v->invoker = qli_accept(p, K_INVOKER);
    return v->invoker ? QL_OK : qli_expect(p, K_DEFINER);
}

static ql_status
check_option(qli_parser *p, ql_ast_view *v)
{
    if (!qli_accept(p, K_WITH)) {
        return QL_OK;
    }
    v->check = QL_CHECK_CASCADED;
    if (qli_accept(p, K_LOCAL)) {
        v->check = QL_CHECK_LOCAL;
    } else {
        (void)qli_accept(p, K_CASCADED);
    }
    QL_TRY(qli_expect(p, K_CHECK));
    return qli_expect(p, K_OPTION);
}

ql_status
qli_parse_view(qli_parser *p, ql_ast_stmt *s, ql_ast_view *v)
{
    s->kind = QL_S_CREATE_VIEW;
    s->view = v;
    QL_TRY(algorithm(p, v));
    if (v->definer == NULL && qli_is(p, K_DEFINER)) {
        QL_TRY(qli_parse_definer(p, &v->definer));
    }
    QL_TRY(security(p, v));
    QL_TRY(qli_expect(p, K_VIEW));
    QL_TRY(qli_table_name(p, &v->name));
    if (qli_is(p, T_LPAREN)) {
        QL_TRY(qli_name_list(p, &v->columns, &v->ncolumns));
    }
    QL_TRY(qli_expect(p, K_AS));
    QL_TRY(qli_query(p, &v->select));
    return check_option(p, v);
}

ql_status
qli_drop_view(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_DROP_VIEW;
    return qli_drop_names(p, s);
}
