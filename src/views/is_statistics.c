/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.STATISTICS: the columns of indexes; SHOW INDEX is a projection of it.
 */
#include "stats/stats.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(TABLE_CATALOG, 's', 64, BIN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(TABLE_NAME, 's', 64, TABLE)                                                                  \
    C(NON_UNIQUE, 'n', 0, NN)                                                                      \
    C(INDEX_SCHEMA, 's', 64, SCHEMA)                                                               \
    C(INDEX_NAME, 's', 64, NUL)                                                                    \
    C(SEQ_IN_INDEX, 'm', 0, NN)                                                                    \
    C(COLUMN_NAME, 's', 64, NUL)                                                                   \
    C(COLLATION, 's', 1, NUL)                                                                      \
    C(CARDINALITY, 'i', 0, NUL)                                                                    \
    C(SUB_PART, 'i', 0, NUL)                                                                       \
    C(PACKED, 's', 0, NUL)                                                                         \
    C(NULLABLE, 's', 3, NN)                                                                        \
    C(INDEX_TYPE, 's', 11, BIN)                                                                    \
    C(COMMENT, 's', 8, NN)                                                                         \
    C(INDEX_COMMENT, 's', 2048, BIN)                                                               \
    C(IS_VISIBLE, 's', 3, NN)                                                                      \
    C(EXPRESSION, 't', 0, NUL | BIN)
QLI_COLUMNS(statistics, COLUMNS);

static ql_status
add_part(ql_ctx *cx, ql_view_rows *r, const ql_table *t, const ql_index *ix, unsigned p,
         int64_t rows)
{
    const ql_column *c = &t->columns[ix->parts[p].column];
    ql_value *v;
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_TABLE_CATALOG], "def");
    qli_set_str(&v[COL_TABLE_SCHEMA], t->db);
    qli_set_str(&v[COL_TABLE_NAME], t->name);
    v[COL_NON_UNIQUE] = ql_value_int(!ix->unique);
    qli_set_str(&v[COL_INDEX_SCHEMA], t->db);
    qli_set_str(&v[COL_INDEX_NAME], ix->name);
    v[COL_SEQ_IN_INDEX] = ql_value_uint(p + 1);
    if (!c->hidden) {
        qli_set_str(&v[COL_COLUMN_NAME], c->name);
    } else {
        QL_TRY(qli_set_expr(cx, r->a, &v[COL_EXPRESSION], c->generated));
    }
    qli_set_cstr(&v[COL_COLLATION], ix->parts[p].descending ? "D" : "A");
    if (rows >= 0) {
        v[COL_CARDINALITY] = ql_value_int(rows);
    }
    if (ix->parts[p].prefix) {
        v[COL_SUB_PART] = ql_value_int(ix->parts[p].prefix);
    }
    qli_set_cstr(&v[COL_NULLABLE], c->type.nullable ? "YES" : "");
    qli_set_cstr(&v[COL_INDEX_TYPE], "BTREE");
    qli_set_cstr(&v[COL_COMMENT], "");
    qli_set_str(&v[COL_INDEX_COMMENT], ix->comment);
    qli_set_cstr(&v[COL_IS_VISIBLE], ix->invisible ? "NO" : "YES");
    return QL_OK;
}

/* Different values of the leading parts; -1: nothing is known. */
static int64_t
cardinality(const ql_stats_seen *seen, unsigned index, unsigned part)
{
    if (!seen->stats.known) {
        return -1;
    }
    double d = seen->stats.prefixes[index][part];
    return seen->sampled == 0 ? 0 : (int64_t)(d + 0.5);
}

static ql_status
add_table(ql_ctx *cx, ql_view_rows *r, ql_table *t)
{
    ql_stats_seen seen = {0};
    if (t->nindexes && !t->is_virtual && ql_view_wants(r, COL_CARDINALITY)) {
        QL_TRY(ql_stats_look(cx, t, &seen));
    }
    for (unsigned i = 0; i < t->nindexes; i++) {
        for (unsigned p = 0; p < t->indexes[i].nparts; p++) {
            QL_TRY(add_part(cx, r, t, &t->indexes[i], p, cardinality(&seen, i, p)));
        }
    }
    return QL_OK;
}

ql_status
qli_fill_statistics(ql_ctx *cx, ql_view_rows *r)
{
    ql_table **list;
    size_t n;
    QL_TRY(qli_tables(cx, r, &list, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(add_table(cx, r, list[i]));
    }
    return QL_OK;
}
