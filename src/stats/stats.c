/* SPDX-License-Identifier: Apache-2.0
 *
 * Asked for by the planner: what is kept of a table, once a statement.
 */
#include "stats/stats.h"

#include "base/arena.h"

ql_status
ql_stats_of(ql_ctx *cx, ql_table *t, const ql_table_stats **out)
{
    uint64_t rows = 100;
    ql_table_stats *s = QL_ARENA_NEW(cx, cx->arena, ql_table_stats);
    ql_column_stats *columns =
        s ? QL_ARENA_ARRAY(cx, cx->arena, ql_column_stats, t->ncolumns + 1u) : NULL;
    if (columns == NULL) {
        return QL_ERROR;
    }
    if (!t->is_virtual) {
        QL_TRY(ql_table_row_estimate(cx, t, &rows));
    }
    s->table = t;
    s->rows = rows < 1 ? 1 : (double)rows;
    s->row_bytes = 100;
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        columns[i].distinct = s->rows < 20 ? 1 : s->rows * 0.05;
    }
    s->columns = columns;
    *out = s;
    return QL_OK;
}

ql_status
ql_stats_equal(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *v,
               double *share)
{
    (void)cx;
    (void)v;
    *share = (1 - s->columns[column].nulls) / s->columns[column].distinct;
    return QL_OK;
}

ql_status
ql_stats_range(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *low,
               bool low_in, const ql_value *high, bool high_in, double *share)
{
    (void)cx;
    (void)low_in;
    (void)high_in;
    *share = (low && high ? 0.1 : 0.33) * (1 - s->columns[column].nulls);
    return QL_OK;
}
