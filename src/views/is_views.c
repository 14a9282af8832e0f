/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.VIEWS and VIEW_TABLE_USAGE. The definition is shown to those who may see it
 * (SHOW VIEW), as MySQL does.
 */
#include "acl/acl.h"
#include "base/arena.h"
#include "sql/viewtext.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(VIEW_DEFINITION, 't', 0, NUL | BIN)                                                          \
    C(CHECK_OPTION, 's', 8, NUL | BIN)                                                             \
    C(IS_UPDATABLE, 's', 3, NUL | BIN)                                                             \
    C(DEFINER, 's', 288, NUL | BIN)                                                                \
    C(SECURITY_TYPE, 's', 7, NUL | BIN)                                                            \
    C(CHARACTER_SET_CLIENT, 's', 64, NN)                                                           \
    C(COLLATION_CONNECTION, 's', 64, NN)
QLI_COLUMNS(views, COLUMNS);

#define USAGE_COLUMNS(C)                                                                           \
    C(VIEW_CATALOG, 's', 64, BIN)                                                                  \
    C(VIEW_SCHEMA, 's', 64, SCHEMA)                                                                \
    C(VIEW_NAME, 's', 64, TABLE)                                                                   \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, BIN)                                                                  \
    C(TABLE_NAME, 's', 64, BIN)
QLI_PLAIN_COLUMNS(view_table_usage, USAGE_COLUMNS);

static const char *const checks[] = {
    [QL_CHECK_NONE] = "NONE", [QL_CHECK_LOCAL] = "LOCAL", [QL_CHECK_CASCADED] = "CASCADED"};

static bool
may_see_text(ql_ctx *cx, const ql_table *t)
{
    return (ql_acl_on_table(cx, t->db, t->name) & QL_PM(SHOW_VIEW)) != 0;
}

static ql_status
add_view(ql_ctx *cx, ql_view_rows *r, const ql_table *t)
{
    const ql_view_def *d = t->view;
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
    qli_set_str(&v[COL_TABLE_SCHEMA], t->db);
    qli_set_str(&v[COL_TABLE_NAME], t->name);
    qli_set_str(&v[COL_VIEW_DEFINITION], may_see_text(cx, t) ? d->query : QL_STR(""));
    qli_set_cstr(&v[COL_CHECK_OPTION], checks[d->check]);
    qli_set_cstr(&v[COL_IS_UPDATABLE], d->updatable != QL_VIEW_READ_ONLY ? "YES" : "NO");
    const char *definer =
        ql_arena_printf(cx, r->a, "%.*s@%.*s", (int)d->definer_user.n, d->definer_user.p,
                        (int)d->definer_host.n, d->definer_host.p);
    if (!definer) {
        return QL_ERROR;
    }
    qli_set_cstr(&v[COL_DEFINER], definer);
    qli_set_cstr(&v[COL_SECURITY_TYPE], d->invoker ? "INVOKER" : "DEFINER");
    qli_set_cstr(&v[COL_CHARACTER_SET_CLIENT], d->cs_client->name);
    qli_set_cstr(&v[COL_COLLATION_CONNECTION], d->coll_connection->name);
    return QL_OK;
}

ql_status
qli_fill_views(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        if (list[i]->view) {
            QL_TRY(add_view(cx, r, list[i]));
        }
    }
    return QL_OK;
}

static ql_status
add_usage(ql_ctx *cx, ql_view_rows *r, const ql_table *t)
{
    ql_ast_table_name *v;
    uint32_t n;
    QL_TRY(ql_view_mentions(cx, r->a, t, &v, &n));
    for (uint32_t i = 0; i < n; i++) {
        ql_value *row;
        if (!ql_acl_sees_table(cx, v[i].db, v[i].name)) {
            continue;
        }
        QL_TRY(ql_view_row(cx, r, &row));
        qli_set_cstr(&row[0], "def");
        qli_set_str(&row[1], t->db);
        qli_set_str(&row[2], t->name);
        qli_set_cstr(&row[3], "def");
        qli_set_str(&row[4], v[i].db);
        qli_set_str(&row[5], v[i].name);
    }
    return QL_OK;
}

ql_status
qli_fill_view_table_usage(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        if (list[i]->view) {
            QL_TRY(add_usage(cx, r, list[i]));
        }
    }
    return QL_OK;
}
