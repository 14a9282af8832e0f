/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.innodb_index_stats: how many different values the leading parts of indexes have (stats/),
 * to read only. Columns are those of MySQL 8.4; of its statistics there are n_diff_pfxNN, for the
 * parts of the index and those of the clustered key behind them.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "stats/stats.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(database_name, 's', 64, BIN)                                                                 \
    C(table_name, 's', 199, BIN)                                                                   \
    C(index_name, 's', 64, BIN)                                                                    \
    C(last_update, 'd', 0, NN)                                                                     \
    C(stat_name, 's', 64, BIN)                                                                     \
    C(stat_value, 'u', 0, NN)                                                                      \
    C(sample_size, 'u', 0, NUL)                                                                    \
    C(stat_description, 's', 1024, BIN)
QLI_COLUMNS(innodb_index_stats, COLUMNS);

/* Name of part p: of the index, or of the clustered key behind it. */
static ql_str
part_name(const ql_table *t, const ql_index *x, uint16_t p)
{
    const ql_index *c = &t->indexes[0];
    if (p < x->nparts && !x->hidden_rowid) {
        return t->columns[x->parts[p].column].name;
    }
    return c->hidden_rowid ? QL_STR("DB_ROW_ID") : t->columns[c->parts[p - x->nparts].column].name;
}

static ql_status
add_prefix(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_stats_seen *seen, uint16_t i,
           uint16_t p, ql_buf *names)
{
    const ql_index *x = &t->indexes[i];
    ql_str name = part_name(t, x, p);
    ql_value *v;
    if (p > 0) {
        QL_TRY(ql_buf_put_u8(cx, names, ','));
    }
    QL_TRY(ql_buf_put(cx, names, name.p, name.n));
    char *stat = ql_arena_printf(cx, r->a, "n_diff_pfx%02u", p + 1u);
    char *text = stat ? ql_arena_strndup(cx, r->a, names->p, names->n) : NULL;
    if (text == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_str(&v[COL_database_name], t->db);
    qli_set_str(&v[COL_table_name], t->name);
    if (x->hidden_rowid) {
        qli_set_cstr(&v[COL_index_name], "GEN_CLUST_INDEX");
    } else {
        qli_set_str(&v[COL_index_name], x->name);
    }
    qli_set_time(cx, &v[COL_last_update], seen->at_us / 1000000);
    qli_set_cstr(&v[COL_stat_name], stat);
    double d = seen->sampled ? seen->stats.prefixes[i][p] : 0;
    v[COL_stat_value] = ql_value_uint((uint64_t)(d + 0.5));
    v[COL_sample_size] = ql_value_uint(seen->sampled);
    qli_set_str(&v[COL_stat_description], (ql_str){text, names->n});
    return QL_OK;
}

static ql_status
add_table(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_stats_seen *seen)
{
    ql_buf names = {0};
    ql_status st = QL_OK;
    for (uint16_t i = 0; st == QL_OK && i < t->nindexes; i++) {
        uint16_t parts = ql_stats_parts(t, &t->indexes[i]);
        if (i > 0 && t->indexes[i].unique) {
            parts = t->indexes[i].nparts; /* they tell rows apart already */
        }
        ql_buf_clear(&names);
        for (uint16_t p = 0; st == QL_OK && p < parts; p++) {
            st = add_prefix(cx, r, t, seen, i, p, &names);
        }
    }
    ql_buf_free(&names);
    return st;
}

ql_status
qli_fill_innodb_index_stats(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        ql_table *t = list[i];
        ql_stats_seen seen;
        QL_TRY(ql_check(cx));
        if (t->is_virtual || t->view || t->nindexes == 0 || t->nontxn) {
            continue;
        }
        QL_TRY(ql_stats_look(cx, t, &seen));
        if (seen.stats.known) {
            QL_TRY(add_table(cx, r, t, &seen));
        }
    }
    return QL_OK;
}
