/* SPDX-License-Identifier: Apache-2.0
 *
 * ANALYZE TABLE ... UPDATE HISTOGRAM and DROP HISTOGRAM: one table, its columns by name, a row of
 * answer for each. What a histogram is, and where it is kept: stats/.
 */
#include "stats/stats.h"
#include "stmts/stmts_int.h"

#define BUCKETS 100u /* when nothing is said */

static ql_status
answer(ql_ctx *cx, qli_table *t, const char *table, const char *type, const char *text)
{
    ql_value *row;
    QL_TRY(qli_table_row(cx, t, &row));
    row[0] = qli_text(table);
    row[1] = qli_text("histogram");
    row[2] = qli_text(type);
    row[3] = qli_text(text);
    return QL_OK;
}

/* The text for the row; *type: "status", or "Error". */
static ql_status
work_on_column(ql_ctx *cx, qli_table *t, const ql_ast_admin *a, ql_table *tab, ql_str name,
               const char **type, const char **text)
{
    int column = ql_table_column(tab, name);
    const char *format = NULL;
    *type = "Error";
    if (column < 0) {
        format = "The column '%.*s' does not exist.";
    } else if (a->drops_histograms) {
        bool was;
        QL_TRY(ql_stats_drop_histogram(cx, tab, (uint16_t)column, &was));
        *type = was ? "status" : "Error";
        format = was ? "Histogram statistics removed for column '%.*s'."
                     : "No histogram statistics found for column '%.*s'.";
    } else {
        ql_histogram_verdict may = ql_stats_may_have_histogram(tab, (uint16_t)column);
        const char *fault = NULL;
        if (may == QL_HISTOGRAM_MAY && a->data.p) {
            QL_TRY(ql_stats_read_histogram(cx, t->mem, tab, (uint16_t)column, a->data, &fault));
            *type = fault ? "Error" : "status";
        } else if (may == QL_HISTOGRAM_MAY) {
            uint64_t memory = ql_vars_u64(cx->vars, QL_SV_HISTOGRAM_GENERATION_MAX_MEM_SIZE);
            QL_TRY(ql_stats_make_histogram(cx, tab, (uint16_t)column,
                                           a->buckets ? (uint32_t)a->buckets : BUCKETS,
                                           a->auto_update, memory));
            *type = "status";
        }
        if (fault) {
            *text = fault;
            return QL_OK;
        }
        format = may == QL_HISTOGRAM_MAY    ? "Histogram statistics created for column '%.*s'."
                 : may == QL_HISTOGRAM_TYPE ? "The column '%.*s' has an unsupported data type."
                                            : "The column '%.*s' is covered by a single-part "
                                              "unique index.";
    }
    *text = ql_arena_printf(cx, t->mem, format, (int)name.n, name.p);
    return *text ? QL_OK : QL_ERROR;
}

/* MySQL answers in the order of names. */
static void
sort_names(ql_str *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        ql_str x = v[i];
        uint32_t k = i;
        for (; k > 0 && ql_str_cmp(v[k - 1], x) > 0; k--) {
            v[k] = v[k - 1];
        }
        v[k] = x;
    }
}

ql_status
qli_histograms(ql_ctx *cx, qli_table *t, const ql_ast_admin *a, ql_table *tab)
{
    const char *table = ql_arena_printf(cx, t->mem, "%.*s.%.*s", (int)tab->db.n, tab->db.p,
                                        (int)tab->name.n, tab->name.p);
    if (table == NULL) {
        return QL_ERROR;
    }
    if (tab->view != NULL || tab->temporary || tab->is_virtual) {
        return answer(cx, t, table, "Error",
                      tab->temporary ? "Cannot create histogram statistics for a temporary table."
                                     : "Cannot create histogram statistics for a view.");
    }
    if (a->data.p && a->ncolumns > 1) {
        return answer(cx, t, table, "Error",
                      "Only one column can be specified while modifying histogram statistics with "
                      "JSON data.");
    }
    QL_TRY(ql_table_lock(cx, tab, false));
    sort_names(a->columns, a->ncolumns);
    for (uint32_t i = 0; i < a->ncolumns; i++) {
        const char *type, *text;
        QL_TRY(ql_check(cx));
        QL_TRY(work_on_column(cx, t, a, tab, a->columns[i], &type, &text));
        t->run->out->decided |= strcmp(type, "status") == 0;
        ql_hold(cx, QL_INTR_STMT_MASK); /* it is on the disk: a kill comes too late for this one */
        ql_status st = answer(cx, t, table, type, text);
        ql_unhold(cx, QL_INTR_STMT_MASK);
        QL_TRY(st);
    }
    return QL_OK;
}

ql_status
qli_one_table_for_histograms(ql_ctx *cx, qli_table *t)
{
    return answer(cx, t, "", "Error",
                  "Only one table can be specified while modifying histogram statistics.");
}
