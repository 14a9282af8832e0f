/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of the resolve fixture with row counts set by hand, and plans printed one node a line:
 * "scan t PRIMARY =5" ... children indented by one blank.
 */
#ifndef QL_TESTS_UNIT_PLAN_FIXTURE_H
#define QL_TESTS_UNIT_PLAN_FIXTURE_H

#include "../resolve/fixture.h"
#include "catalog/tablestate.h"
#include "plan/plan.h"
#include "rewrite/rewrite.h"
#include "stats/stats.h"

static inline void
set_rows(world *w, const char *table, int64_t n)
{
    ql_table *t;
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str(table), &t));
    ql_table_rows_init(t, n);
    ql_table_put(t);
}

/* Statistics by hand: each column has so many different values and no NULLs, the leading parts of
 * indexes have the product of their columns' (at most the rows). The arrays live on. */
#define GIVEN_MAX 16
static inline void
set_stats(world *w, const char *table, double rows, const double *distinct)
{
    static struct given {
        ql_column_stats columns[GIVEN_MAX];
        double counts[GIVEN_MAX][2 * GIVEN_MAX];
        const double *prefixes[GIVEN_MAX];
    } given[8];
    static unsigned ngiven;
    struct given *g = &given[ngiven++ % 8];
    ql_table *t;
    OK(ql_catalog_get_table(&w->boot.cx, str("d"), str(table), &t));
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        g->columns[i] = (ql_column_stats){.known = true, .distinct = distinct[i]};
    }
    for (uint16_t i = 0; i < t->nindexes; i++) {
        const ql_index *x = &t->indexes[i], *c = &t->indexes[0];
        double d = 1;
        for (uint16_t p = 0; p < ql_stats_parts(t, x); p++) {
            const ql_index_part *part = p < x->nparts     ? &x->parts[p]
                                        : c->hidden_rowid ? NULL
                                                          : &c->parts[p - x->nparts];
            d *= part ? distinct[part->column] : rows;
            d = d < rows ? d : rows;
            g->counts[i][p] = d;
        }
        g->prefixes[i] = g->counts[i];
    }
    ql_table_stats s = {.known = true,
                        .rows = rows,
                        .row_bytes = 100,
                        .columns = g->columns,
                        .prefixes = g->prefixes};
    OK(ql_stats_give(&w->boot.cx, t, &s));
    ql_table_put(t);
}

static inline void
print_range(const ql_plan_bound *low, const ql_plan_bound *high)
{
    uint16_t eq = 0, most = low->like ? (uint16_t)(low->n - 1) : low->n;
    while (eq < most && eq < high->n && low->values[eq] == high->values[eq]) {
        put(" =");
        print_expr(low->values[eq++]);
    }
    if (low->like && low->like == high->like) {
        put(" begins ");
        print_expr(low->values[eq]);
        return;
    }
    for (uint16_t i = eq; i < low->n; i++) {
        put(i > eq ? "," : low->inclusive ? " >=" : " >");
        print_expr(low->values[i]);
    }
    for (uint16_t i = eq; i < high->n; i++) {
        put(i > eq ? "," : high->inclusive ? " <=" : " <");
        print_expr(high->values[i]);
    }
}

static inline void
print_bounds(const ql_plan *n)
{
    for (uint32_t i = 0; i < n->nranges; i++) {
        put(i ? " |" : "");
        print_range(&n->ranges[i].low, &n->ranges[i].high);
    }
    if (n->nranges == 0) {
        print_range(&n->low, &n->high);
    }
}

static inline void
print_plan(const ql_query *q, const ql_plan *n, int indent)
{
    static const char *const kinds[] = {"one",    "scan",  "derived", "nested",   "hash",
                                        "filter", "group", "sort",    "distinct", "limit",
                                        "union",  "never", "merge",   "ends"};
    put("%*s%s", indent, "", kinds[n->kind]);
    if (n->kind == QL_P_SCAN || n->kind == QL_P_DERIVED || n->kind == QL_P_INDEX_MERGE) {
        put(" %.*s", (int)q->sources[n->source].alias.n, q->sources[n->source].alias.p);
    }
    if (n->index) {
        put(" %.*s%s%s%s", (int)n->index->name.n, n->index->name.p, n->is_unique_lookup ? "!" : "",
            n->index_only ? " only" : "", n->reverse ? " reverse" : "");
    }
    if (n->skip) {
        put(" skip %u%s", n->skip, n->skip_far ? "+" : "");
    }
    print_bounds(n);
    put(n->ordered && (n->kind == QL_P_GROUP || n->kind == QL_P_DISTINCT) ? " ordered" : "");
    put(n->join == QL_JOIN_LEFT ? " outer" : "");
    for (uint16_t i = 0; i < n->nkeys; i++) {
        put(" ");
        print_expr(n->left_keys[i]);
        put("=");
        print_expr(n->right_keys[i]);
    }
    if (n->filter) {
        put(" if ");
        print_expr(n->filter);
    }
    put(n->kind == QL_P_SORT && n->stop_at_limit ? " top\n" : "\n");
    for (uint16_t i = 0; i < n->nparts; i++) {
        print_plan(q, n->parts[i], indent + 1);
    }
    if (n->left) {
        print_plan(q, n->left, indent + 1);
    }
    if (n->right) {
        print_plan(q, n->right, indent + 1);
    }
    if (n->sub) {
        print_plan(n->sub->query, n->sub->root, indent + 1);
    }
    if (n->sub2) {
        print_plan(n->sub2->query, n->sub2->root, indent + 1);
    }
}

static inline const ql_block_plan *
plan_of(world *w, ql_rstmt *s)
{
    bool rows = s->kind == QL_S_UPDATE || s->kind == QL_S_DELETE;
    const ql_query *q = rows ? s->update->read : s->query;
    ql_block_plan *p;
    OK(ql_plan_query(&w->boot.cx, q, &p));
    printed[0] = 0;
    print_plan(q, p->root, 0);
    return p;
}
/* As it is written, without rewrites. */
static inline const ql_block_plan *
plan(world *w, const char *sql)
{
    return plan_of(w, resolve(w, sql));
}

#define PLAN_REWRITTEN(w, sql, expected)                                                           \
    do {                                                                                           \
        ql_rstmt *rewritten = resolve(w, sql);                                                     \
        OK(ql_rewrite_stmt(&(w)->boot.cx, rewritten, NULL));                                       \
        (void)plan_of(w, rewritten);                                                               \
        assert_string_equal(printed, expected);                                                    \
    } while (0)
#define PLAN(w, sql, expected)                                                                     \
    do {                                                                                           \
        (void)plan(w, sql);                                                                        \
        assert_string_equal(printed, expected);                                                    \
    } while (0)

static inline int
plan_setup(void **state)
{
    sql_setup(state);
    set_rows(*state, "t", 100000);
    set_rows(*state, "u", 1000);
    set_rows(*state, "nokey", 50);
    return 0;
}

#endif
