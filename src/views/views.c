/* SPDX-License-Identifier: Apache-2.0
 *
 * All views of the server, and what they share: which tables the viewer sees.
 */
#include "views/views.h"

#include "base/arena.h"
#include "base/diag.h"
#include "views/views_int.h"

ql_status
qli_visible_tables(ql_ctx *cx, ql_arena *a, ql_table ***v, size_t *n)
{
    const ql_viewer_ops *ops = cx->vars ? cx->vars->viewer.ops : NULL;
    size_t kept = 0;
    QL_TRY(ql_catalog_all_tables(cx, a, QL_STR(""), v, n));
    if (!ops) {
        return QL_OK;
    }
    ql_table **list = QL_ARENA_ARRAY(cx, a, ql_table *, *n + 1); /* the other has the references */
    if (!list) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < *n; i++) {
        if (i % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (ops->sees_table(cx, (*v)[i]->db, (*v)[i]->name)) {
            list[kept++] = (*v)[i];
        }
    }
    *v = list;
    *n = kept;
    return QL_OK;
}

static ql_status
add_list(ql_ctx *cx, const ql_virtual_table *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const ql_virtual_table *one = &list[i];
        QL_TRY(ql_catalog_add_views(cx, cx->inst->catalog, &one, 1));
    }
    return QL_OK;
}

ql_status
ql_views_open(ql_ctx *cx)
{
    QL_TRY(add_list(cx, qli_infoschema_tables, qli_infoschema_count));
    QL_TRY(add_list(cx, qli_perfschema_tables, qli_perfschema_count));
    QL_TRY(add_list(cx, qli_mysql_tables, qli_mysql_count));
    return add_list(cx, qli_sys_tables, qli_sys_count);
}
