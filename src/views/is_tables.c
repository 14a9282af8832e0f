/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.TABLES; SHOW TABLES and SHOW TABLE STATUS are projections of it. Lengths of
 * rows come from stats/, sizes of indexes are not known (0); the number of rows is counted when it
 * is asked for and not known.
 */
#include "stats/stats.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(TABLE_TYPE, 's', 11, BIN)                                                                    \
    C(ENGINE, 's', 64, NUL)                                                                        \
    C(VERSION, 'n', 0, NUL)                                                                        \
    C(ROW_FORMAT, 's', 10, NUL | BIN)                                                              \
    C(TABLE_ROWS, 'u', 0, NUL)                                                                     \
    C(AVG_ROW_LENGTH, 'u', 0, NUL)                                                                 \
    C(DATA_LENGTH, 'u', 0, NUL)                                                                    \
    C(MAX_DATA_LENGTH, 'u', 0, NUL)                                                                \
    C(INDEX_LENGTH, 'u', 0, NUL)                                                                   \
    C(DATA_FREE, 'u', 0, NUL)                                                                      \
    C(AUTO_INCREMENT, 'u', 0, NUL)                                                                 \
    C(CREATE_TIME, 'z', 0, NN)                                                                     \
    C(UPDATE_TIME, 'd', 0, NUL)                                                                    \
    C(CHECK_TIME, 'd', 0, NUL)                                                                     \
    C(TABLE_COLLATION, 's', 64, NUL)                                                               \
    C(CHECKSUM, 'i', 0, NUL)                                                                       \
    C(CREATE_OPTIONS, 's', 256, NUL)                                                               \
    C(TABLE_COMMENT, 't', 65535, NUL)
QLI_COLUMNS(tables, COLUMNS);

static ql_status
set_options(ql_ctx *cx, ql_value *v, const ql_table *x)
{
    ql_buf b = {0};
    ql_str text = QL_STR("");
    ql_status st = ql_table_options_print(cx, &b, &x->options, true);
    if (st == QL_OK && b.n > 0) {
        text = (ql_str){ql_arena_strndup(cx, cx->arena, b.p, b.n), b.n};
        st = text.p ? QL_OK : QL_ERROR;
    }
    qli_set_str(v, text);
    ql_buf_free(&b);
    return st;
}

static ql_status
set_storage(ql_ctx *cx, const ql_view_rows *r, ql_value *v, ql_table *x)
{
    qli_set_str(&v[COL_ENGINE], x->engine);
    v[COL_VERSION] = ql_value_int(10);
    qli_set_cstr(&v[COL_ROW_FORMAT], "Dynamic");
    if (ql_view_wants(r, COL_TABLE_ROWS)) {
        uint64_t count;
        QL_TRY(ql_table_count_rows(cx, x, &count));
        v[COL_TABLE_ROWS] = ql_value_uint(count);
    }
    for (unsigned c = COL_AVG_ROW_LENGTH; c <= COL_DATA_FREE; c++) {
        v[c] = ql_value_uint(0);
    }
    if (ql_view_wants_any(r, COL_AVG_ROW_LENGTH, COL_DATA_LENGTH) && !x->is_virtual &&
        x->nindexes > 0) {
        ql_stats_seen seen;
        QL_TRY(ql_stats_look(cx, x, &seen));
        if (seen.stats.known && seen.sampled > 0) {
            v[COL_AVG_ROW_LENGTH] = ql_value_uint((uint64_t)seen.stats.row_bytes);
            v[COL_DATA_LENGTH] = ql_value_uint((uint64_t)(seen.stats.row_bytes * seen.stats.rows));
        }
    }
    if (x->auto_column >= 0) {
        v[COL_AUTO_INCREMENT] = ql_value_uint(ql_autoinc_peek(x));
    }
    qli_set_cstr(&v[COL_TABLE_COLLATION], x->coll->name);
    return set_options(cx, &v[COL_CREATE_OPTIONS], x);
}

ql_status
qli_fill_tables(ql_ctx *cx, ql_view_rows *r)
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
        qli_set_cstr(&v[COL_TABLE_TYPE], ql_table_type_text(x));
        if (!ql_view_wants_any(r, COL_ENGINE, COL_TABLE_COMMENT)) {
            continue;
        }
        qli_set_created(cx, &v[COL_CREATE_TIME], x);
        qli_set_str(&v[COL_TABLE_COMMENT], x->comment);
        if (x->engine.n) { /* MySQL says no more of a view */
            QL_TRY(set_storage(cx, r, v, x));
        }
    }
    return QL_OK;
}
