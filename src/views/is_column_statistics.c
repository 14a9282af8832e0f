/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.COLUMN_STATISTICS: histograms that statements have made (stats/).
 */
#include "acl/acl.h"
#include "stats/stats.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(SCHEMA_NAME, 's', 64, BIN)                                                                   \
    C(TABLE_NAME, 's', 64, BIN)                                                                    \
    C(COLUMN_NAME, 's', 64, NN)                                                                    \
    C(HISTOGRAM, 't', 0, NN)
QLI_COLUMNS(column_statistics, COLUMNS);

ql_status
qli_fill_column_statistics(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        ql_table *t = list[i];
        QL_TRY(ql_check(cx));
        if (!t->temporary && !(ql_acl_on_table(cx, t->db, t->name) & QL_PM(SELECT))) {
            continue; /* they hold values of rows */
        }
        for (uint16_t c = 0; !t->is_virtual && !t->view && c < t->ncolumns; c++) {
            ql_str json;
            ql_value *v;
            QL_TRY(ql_stats_histogram_json(cx, r->a, t, c, &json));
            if (json.n == 0) {
                continue;
            }
            QL_TRY(ql_view_row(cx, r, &v));
            qli_set_str(&v[COL_SCHEMA_NAME], t->db);
            qli_set_str(&v[COL_TABLE_NAME], t->name);
            qli_set_str(&v[COL_COLUMN_NAME], t->columns[c].name);
            qli_set_str(&v[COL_HISTOGRAM], json);
        }
    }
    return QL_OK;
}
