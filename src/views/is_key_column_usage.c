/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.KEY_COLUMN_USAGE: the columns of primary and unique keys and of foreign
 * keys.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CONSTRAINT_CATALOG, 's', 64, BIN)                                                            \
    C(CONSTRAINT_SCHEMA, 's', 64, SCHEMA)                                                          \
    C(CONSTRAINT_NAME, 's', 64, NUL)                                                               \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(COLUMN_NAME, 's', 64, NUL)                                                                   \
    C(ORDINAL_POSITION, 'm', 0, NN)                                                                \
    C(POSITION_IN_UNIQUE_CONSTRAINT, 'm', 0, NUL)                                                  \
    C(REFERENCED_TABLE_SCHEMA, 's', 64, NUL | BIN)                                                 \
    C(REFERENCED_TABLE_NAME, 's', 64, NUL | BIN)                                                   \
    C(REFERENCED_COLUMN_NAME, 's', 64, NUL)
QLI_COLUMNS(key_column_usage, COLUMNS);

static ql_status
add_column(ql_ctx *cx, ql_view_rows *r, const ql_table *t, ql_str constraint, uint16_t column,
           unsigned position, ql_value **out)
{
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_CONSTRAINT_CATALOG], "def");
    qli_set_str(&v[COL_CONSTRAINT_SCHEMA], t->db);
    qli_set_str(&v[COL_CONSTRAINT_NAME], constraint);
    qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
    qli_set_str(&v[COL_TABLE_SCHEMA], t->db);
    qli_set_str(&v[COL_TABLE_NAME], t->name);
    qli_set_str(&v[COL_COLUMN_NAME], t->columns[column].name);
    v[COL_ORDINAL_POSITION] = ql_value_uint(position);
    *out = v;
    return QL_OK;
}

static ql_status
add_key(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_index *ix)
{
    for (unsigned p = 0; p < ix->nparts; p++) {
        ql_value *v;
        if (!t->columns[ix->parts[p].column].hidden) {
            QL_TRY(add_column(cx, r, t, ix->name, ix->parts[p].column, p + 1, &v));
        }
    }
    return QL_OK;
}

static ql_status
add_foreign(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_foreign_key *k)
{
    for (unsigned p = 0; p < k->ncolumns; p++) {
        ql_value *v;
        QL_TRY(add_column(cx, r, t, k->name, k->columns[p], p + 1, &v));
        v[COL_POSITION_IN_UNIQUE_CONSTRAINT] = ql_value_uint(p + 1);
        qli_set_str(&v[COL_REFERENCED_TABLE_SCHEMA], k->parent_db);
        qli_set_str(&v[COL_REFERENCED_TABLE_NAME], k->parent_name);
        qli_set_str(&v[COL_REFERENCED_COLUMN_NAME], k->parent_columns[p]);
    }
    return QL_OK;
}

ql_status
qli_fill_key_column_usage(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        for (unsigned k = 0; k < list[i]->nindexes; k++) {
            if (list[i]->indexes[k].unique) {
                QL_TRY(add_key(cx, r, list[i], &list[i]->indexes[k]));
            }
        }
        for (unsigned k = 0; k < list[i]->nforeign; k++) {
            QL_TRY(add_foreign(cx, r, list[i], &list[i]->foreign[k]));
        }
    }
    return QL_OK;
}
