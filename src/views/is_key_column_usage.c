/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.KEY_COLUMN_USAGE: the columns of primary and unique keys.
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
add_key(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_index *ix)
{
    for (unsigned p = 0; p < ix->nparts; p++) {
        ql_value *v;
        if (t->columns[ix->parts[p].column].hidden) {
            continue;
        }
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_CONSTRAINT_CATALOG], "def");
        qli_set_str(&v[COL_CONSTRAINT_SCHEMA], t->db);
        qli_set_str(&v[COL_CONSTRAINT_NAME], ix->name);
        qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
        qli_set_str(&v[COL_TABLE_SCHEMA], t->db);
        qli_set_str(&v[COL_TABLE_NAME], t->name);
        qli_set_str(&v[COL_COLUMN_NAME], t->columns[ix->parts[p].column].name);
        v[COL_ORDINAL_POSITION] = ql_value_uint(p + 1);
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
    }
    return QL_OK;
}
