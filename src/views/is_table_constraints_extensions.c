/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.TABLE_CONSTRAINTS_EXTENSIONS: a row for each index, as in MySQL, with the
 * attributes for storage engines that nobody has.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CONSTRAINT_CATALOG, 's', 64, BIN)                                                            \
    C(CONSTRAINT_SCHEMA, 's', 64, SCHEMA)                                                          \
    C(CONSTRAINT_NAME, 's', 64, NN)                                                                \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(ENGINE_ATTRIBUTE, 't', 0, NUL | BIN)                                                         \
    C(SECONDARY_ENGINE_ATTRIBUTE, 't', 0, NUL | BIN)
QLI_COLUMNS(table_constraints_extensions, COLUMNS);

ql_status
qli_fill_table_constraints_extensions(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        const ql_table *t = list[i];
        QL_TRY(ql_check(cx));
        for (unsigned k = 0; k < t->nindexes; k++) {
            ql_value *v;
            if (t->indexes[k].hidden_rowid) {
                continue;
            }
            QL_TRY(ql_view_row(cx, r, &v));
            qli_set_cstr(&v[COL_CONSTRAINT_CATALOG], "def");
            qli_set_str(&v[COL_CONSTRAINT_SCHEMA], t->db);
            qli_set_str(&v[COL_CONSTRAINT_NAME], t->indexes[k].name);
            qli_set_str(&v[COL_TABLE_NAME], t->name);
        }
    }
    return QL_OK;
}
