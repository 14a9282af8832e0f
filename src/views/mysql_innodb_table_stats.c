/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.innodb_table_stats: the statistics of tables (stats/), to read only. Columns are those of
 * MySQL 8.4; sizes are pages of 4 KiB, that of the clustered index is computed from its rows, those
 * of the others are not known.
 */
#include "stats/stats.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(database_name, 's', 64, BIN)                                                                 \
    C(table_name, 's', 199, BIN)                                                                   \
    C(last_update, 'd', 0, NN)                                                                     \
    C(n_rows, 'u', 0, NN)                                                                          \
    C(clustered_index_size, 'u', 0, NN)                                                            \
    C(sum_of_other_index_sizes, 'u', 0, NUL)
QLI_COLUMNS(innodb_table_stats, COLUMNS);

#define PAGE 4096

ql_status
qli_fill_innodb_table_stats(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        ql_table *t = list[i];
        ql_stats_seen seen;
        ql_value *v;
        QL_TRY(ql_check(cx));
        if (t->is_virtual || t->view || t->nindexes == 0 || t->nontxn) {
            continue;
        }
        QL_TRY(ql_stats_look(cx, t, &seen));
        if (!seen.stats.known) {
            continue;
        }
        double rows = seen.sampled ? seen.stats.rows : 0;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_str(&v[COL_database_name], t->db);
        qli_set_str(&v[COL_table_name], t->name);
        qli_set_time(cx, &v[COL_last_update], seen.at_us / 1000000);
        v[COL_n_rows] = ql_value_uint((uint64_t)(rows + 0.5));
        v[COL_clustered_index_size] =
            ql_value_uint(1 + (uint64_t)(rows * seen.stats.row_bytes / PAGE));
    }
    return QL_OK;
}
