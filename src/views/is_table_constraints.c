/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.TABLE_CONSTRAINTS: primary and unique keys, foreign keys, CHECKs.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CONSTRAINT_CATALOG, 's', 64, BIN)                                                            \
    C(CONSTRAINT_SCHEMA, 's', 64, SCHEMA)                                                          \
    C(CONSTRAINT_NAME, 's', 64, NUL)                                                               \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(CONSTRAINT_TYPE, 's', 11, BIN)                                                               \
    C(ENFORCED, 's', 3, NN)
QLI_COLUMNS(table_constraints, COLUMNS);

static ql_status
add_constraint(ql_ctx *cx, ql_view_rows *r, const ql_table *t, ql_str name, const char *type,
               bool enforced)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_CONSTRAINT_CATALOG], "def");
    qli_set_str(&v[COL_CONSTRAINT_SCHEMA], t->db);
    qli_set_str(&v[COL_CONSTRAINT_NAME], name);
    qli_set_str(&v[COL_TABLE_SCHEMA], t->db);
    qli_set_str(&v[COL_TABLE_NAME], t->name);
    qli_set_cstr(&v[COL_CONSTRAINT_TYPE], type);
    qli_set_cstr(&v[COL_ENFORCED], enforced ? "YES" : "NO");
    return QL_OK;
}

ql_status
qli_fill_table_constraints(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        for (unsigned k = 0; k < list[i]->nindexes; k++) {
            const ql_index *ix = &list[i]->indexes[k];
            if (ix->unique && !ix->hidden_rowid) {
                QL_TRY(add_constraint(cx, r, list[i], ix->name,
                                      ix->primary ? "PRIMARY KEY" : "UNIQUE", true));
            }
        }
        for (unsigned k = 0; k < list[i]->nforeign; k++) {
            QL_TRY(add_constraint(cx, r, list[i], list[i]->foreign[k].name, "FOREIGN KEY", true));
        }
        for (unsigned k = 0; k < list[i]->nchecks; k++) {
            const ql_check_constraint *c = &list[i]->checks[k];
            QL_TRY(add_constraint(cx, r, list[i], c->name, "CHECK", !c->not_enforced));
        }
    }
    return QL_OK;
}
