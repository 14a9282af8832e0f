/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.PARTITIONS: one row for each table, which are all without partitions.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(PARTITION_NAME, 's', 64, NUL)                                                                \
    C(SUBPARTITION_NAME, 's', 64, NUL)                                                             \
    C(PARTITION_ORDINAL_POSITION, 'm', 0, NUL)                                                     \
    C(SUBPARTITION_ORDINAL_POSITION, 'm', 0, NUL)                                                  \
    C(PARTITION_METHOD, 's', 13, NUL)                                                              \
    C(SUBPARTITION_METHOD, 's', 13, NUL)                                                           \
    C(PARTITION_EXPRESSION, 's', 2048, NUL | BIN)                                                  \
    C(SUBPARTITION_EXPRESSION, 's', 2048, NUL | BIN)                                               \
    C(PARTITION_DESCRIPTION, 't', 65535, NUL | BIN)                                                \
    C(TABLE_ROWS, 'u', 0, NUL)                                                                     \
    C(AVG_ROW_LENGTH, 'u', 0, NUL)                                                                 \
    C(DATA_LENGTH, 'u', 0, NUL)                                                                    \
    C(MAX_DATA_LENGTH, 'u', 0, NUL)                                                                \
    C(INDEX_LENGTH, 'u', 0, NUL)                                                                   \
    C(DATA_FREE, 'u', 0, NUL)                                                                      \
    C(CREATE_TIME, 'z', 0, NN)                                                                     \
    C(UPDATE_TIME, 'd', 0, NUL)                                                                    \
    C(CHECK_TIME, 'd', 0, NUL)                                                                     \
    C(CHECKSUM, 'i', 0, NUL)                                                                       \
    C(PARTITION_COMMENT, 't', 65535, BIN)                                                          \
    C(NODEGROUP, 's', 256, NUL)                                                                    \
    C(TABLESPACE_NAME, 's', 268, NUL | BIN)
QLI_COLUMNS(partitions, COLUMNS);

ql_status
qli_fill_partitions(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *v;
        ql_table *x = list[i];
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
        qli_set_str(&v[COL_TABLE_SCHEMA], x->db);
        qli_set_str(&v[COL_TABLE_NAME], x->name);
        qli_set_created(cx, &v[COL_CREATE_TIME], x);
        qli_set_cstr(&v[COL_PARTITION_COMMENT], "");
        qli_set_cstr(&v[COL_NODEGROUP], "");
        if (!x->engine.n) {
            continue; /* a view */
        }
        if (ql_view_wants(r, COL_TABLE_ROWS)) {
            uint64_t count;
            QL_TRY(ql_table_count_rows(cx, x, &count));
            v[COL_TABLE_ROWS] = ql_value_uint(count);
        }
        for (unsigned c = COL_AVG_ROW_LENGTH; c <= COL_DATA_FREE; c++) {
            v[c] = ql_value_uint(0);
        }
    }
    return QL_OK;
}
