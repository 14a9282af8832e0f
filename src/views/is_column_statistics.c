/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.COLUMN_STATISTICS: histograms that statements have made (stats/).
 */
#include "acl/acl.h"
#include "base/diag.h"
#include "stats/stats.h"
#include "views/views_int.h"
#include "json/json.h"

#define COLUMNS(C)                                                                                 \
    C(SCHEMA_NAME, 's', 64, BIN)                                                                   \
    C(TABLE_NAME, 's', 64, BIN)                                                                    \
    C(COLUMN_NAME, 's', 64, NN)                                                                    \
    C(HISTOGRAM, 'j', 0, NN)
QLI_COLUMNS(column_statistics, COLUMNS);

/* The text that was kept of a column of that type, as a document. */
static ql_status
set_document(ql_ctx *cx, ql_arena *a, ql_value *v, const ql_type *type, ql_str text)
{
    ql_json_fault fault;
    ql_json_builder b;
    ql_str doc;
    ql_json_builder_init(&b, cx, a);
    b.decimals = ql_kind_family(type->kind) == QL_FAM_DECIMAL;
    ql_status st = ql_json_parse(&b, text, &fault);
    if (st == QL_OK && fault.what) {
        st = ql_fail(cx, QL_ER_INVALID_JSON_TEXT, fault.what, (unsigned)fault.at, "HISTOGRAM");
    }
    st = st == QL_OK ? ql_json_take(&b, a, &doc) : st;
    ql_json_builder_free(&b);
    if (st == QL_OK) {
        *v = (ql_value){.kind = QL_K_JSON, .s = doc};
    }
    return st;
}

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
            QL_TRY(set_document(cx, r->a, &v[COL_HISTOGRAM], &t->types[c], json));
        }
    }
    return QL_OK;
}
