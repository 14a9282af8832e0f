/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN of SELECT, in the traditional format; the rows are the planner's.
 */
#include <string.h>

#include "stmts/stmts_int.h"

ql_status
qli_exec_explain(ql_ctx *cx, ql_run *run)
{
    static const char *const names[] = {"id",   "select_type",   "table",    "partitions",
                                        "type", "possible_keys", "key",      "key_len",
                                        "ref",  "rows",          "filtered", "Extra"};
    const ql_ast_stmt *a = run->stmt->ast;
    ql_block_plan *plan;
    ql_value **rows;
    size_t n;
    qli_table t;
    if (a->analyze) {
        return ql_not_built(cx, "EXPLAIN ANALYZE");
    }
    if (a->explain.for_connection != NULL) {
        return ql_not_built(cx, "EXPLAIN FOR CONNECTION");
    }
    if (a->explain.format.n > 0 && !ql_str_eq_nocase(a->explain.format, QL_STR("TRADITIONAL"))) {
        return ql_not_built(cx, "EXPLAIN FORMAT=");
    }
    if (a->explain.inner == NULL || a->explain.inner->kind != QL_S_SELECT) {
        return ql_not_built(cx, "EXPLAIN of this statement");
    }
    QL_TRY(qli_table_init(run, &t, 12));
    for (uint16_t i = 0; i < 12; i++) {
        qli_table_string(&t, i, names[i], i == 11 ? 255 : 64, true);
    }
    ql_type number = ql_type_int(true), percent = ql_type_double();
    qli_table_column(&t, 0, names[0], number);
    qli_table_column(&t, 9, names[9], number);
    percent.decimals = 2;
    qli_table_column(&t, 10, names[10], percent);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    QL_TRY(ql_plan_query(cx, run->stmt->query, &plan));
    QL_TRY(ql_plan_explain(cx, plan, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        memcpy(row, rows[i], sizeof(ql_value) * 12);
        for (uint16_t k = 0; k < 12; k++) {
            ql_value v;
            if (row[k].kind != QL_K_NULL && row[k].kind != t.cols[k].type.kind) {
                QL_TRY(ql_value_cast(cx, t.mem, &row[k], &t.cols[k].type, &v));
                row[k] = v;
            }
        }
    }
    return qli_table_send(cx, &t, NULL, 0);
}
