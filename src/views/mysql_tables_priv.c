/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.tables_priv: privileges on tables, to read only. Columns are those of MySQL 8.4, SET as
 * strings.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Host, 's', 255, NN)                                                                          \
    C(Db, 's', 64, BIN)                                                                            \
    C(User, 's', 32, BIN)                                                                          \
    C(Table_name, 's', 64, BIN)                                                                    \
    C(Grantor, 's', 288, NN)                                                                       \
    C(Timestamp, 'z', 0, NN)                                                                       \
    C(Table_priv, 's', 98, NN)                                                                     \
    C(Column_priv, 's', 31, NN)
QLI_COLUMNS(tables_priv, COLUMNS);

/* Members of the SET, in its order. */
static const struct {
    ql_pmask bit;
    const char *name;
} members[] = {{QL_PM(SELECT), "Select"},
               {QL_PM(INSERT), "Insert"},
               {QL_PM(UPDATE), "Update"},
               {QL_PM(DELETE), "Delete"},
               {QL_PM(CREATE), "Create"},
               {QL_PM(DROP), "Drop"},
               {QL_PM_GRANT, "Grant"},
               {QL_PM(REFERENCES), "References"},
               {QL_PM(INDEX), "Index"},
               {QL_PM(ALTER), "Alter"},
               {QL_PM(CREATE_VIEW), "Create View"},
               {QL_PM(SHOW_VIEW), "Show view"},
               {QL_PM(TRIGGER), "Trigger"}};

static ql_status
set_members(ql_ctx *cx, ql_arena *a, ql_value *v, ql_pmask mask)
{
    char list[160];
    size_t n = 0;
    for (size_t i = 0; i < QL_ARRAY_LEN(members); i++) {
        size_t len = strlen(members[i].name);
        if (!(mask & members[i].bit) || n + len + 1 > sizeof list) {
            continue;
        }
        if (n > 0) {
            list[n++] = ',';
        }
        memcpy(list + n, members[i].name, len);
        n += len;
    }
    char *copy = ql_arena_strndup(cx, a, list, n);
    if (!copy) {
        return QL_ERROR;
    }
    qli_set_str(v, (ql_str){copy, n});
    return QL_OK;
}

static ql_status
add_grant(ql_ctx *cx, ql_view_rows *r, const ql_account *a, const ql_granted *g)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_str(&v[COL_Host], a->host);
    qli_set_str(&v[COL_Db], g->db);
    qli_set_str(&v[COL_User], a->user);
    qli_set_str(&v[COL_Table_name], g->table);
    qli_set_str(&v[COL_Grantor], g->grantor);
    qli_set_timestamp(&v[COL_Timestamp], g->time);
    qli_set_cstr(&v[COL_Column_priv], "");
    return set_members(cx, r->a, &v[COL_Table_priv], g->mask);
}

ql_status
qli_fill_tables_priv(ql_ctx *cx, ql_view_rows *r)
{
    ql_account_grants *a;
    size_t n;
    QL_TRY(ql_acl_list_accounts(cx, r->a, &a, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        for (size_t k = 0; k < a[i].ntables; k++) {
            QL_TRY(add_grant(cx, r, a[i].account, &a[i].tables[k]));
        }
    }
    return QL_OK;
}
