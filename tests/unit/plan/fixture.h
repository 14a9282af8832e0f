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

static inline void
set_rows(world *w, const char *table, int64_t n)
{
    ql_table *t;
    OK(ql_catalog_get_table(&w->cx, str("d"), str(table), &t));
    ql_table_rows_init(t, n);
    ql_table_put(t);
}

static inline void
print_bounds(world *w, const ql_plan *n)
{
    uint16_t eq = 0;
    while (eq < n->low.n && eq < n->high.n && n->low.values[eq] == n->high.values[eq]) {
        put(w, " =");
        print_expr(w, n->low.values[eq++]);
    }
    if (n->low.n > eq) {
        put(w, n->low.inclusive ? " >=" : " >");
        print_expr(w, n->low.values[eq]);
    }
    if (n->high.n > eq) {
        put(w, n->high.inclusive ? " <=" : " <");
        print_expr(w, n->high.values[eq]);
    }
}

static inline void
print_plan(world *w, const ql_query *q, const ql_plan *n, int indent)
{
    static const char *const kinds[] = {"one",   "scan", "derived",  "nested", "hash",  "filter",
                                        "group", "sort", "distinct", "limit",  "union", "never"};
    put(w, "%*s%s", indent, "", kinds[n->kind]);
    if (n->kind == QL_P_SCAN || n->kind == QL_P_DERIVED) {
        put(w, " %.*s", (int)q->sources[n->source].alias.n, q->sources[n->source].alias.p);
    }
    if (n->index) {
        put(w, " %.*s%s%s%s", (int)n->index->name.n, n->index->name.p,
            n->is_unique_lookup ? "!" : "", n->index_only ? " only" : "",
            n->reverse ? " reverse" : "");
    }
    print_bounds(w, n);
    for (uint32_t i = 0; i < n->npoints; i++) {
        put(w, i ? "," : " at ");
        print_expr(w, n->points[i]);
    }
    put(w, n->outer ? " outer" : "");
    for (uint16_t i = 0; i < n->nkeys; i++) {
        put(w, " ");
        print_expr(w, n->left_keys[i]);
        put(w, "=");
        print_expr(w, n->right_keys[i]);
    }
    if (n->filter) {
        put(w, " if ");
        print_expr(w, n->filter);
    }
    put(w, n->kind == QL_P_SORT && n->stop_at_limit ? " top\n" : "\n");
    if (n->left) {
        print_plan(w, q, n->left, indent + 1);
    }
    if (n->right) {
        print_plan(w, q, n->right, indent + 1);
    }
    if (n->sub) {
        print_plan(w, n->sub->query, n->sub->root, indent + 1);
    }
    if (n->sub2) {
        print_plan(w, n->sub2->query, n->sub2->root, indent + 1);
    }
}

static inline const ql_block_plan *
plan(world *w, const char *sql)
{
    const ql_rstmt *s = resolve(w, sql);
    bool rows = s->kind == QL_S_UPDATE || s->kind == QL_S_DELETE;
    const ql_query *q = rows ? s->update->read : s->query;
    ql_block_plan *p;
    OK(ql_plan_query(&w->cx, q, &p));
    w->text[0] = 0;
    print_plan(w, q, p->root, 0);
    return p;
}
#define PLAN(w, sql, expected)                                                                     \
    do {                                                                                           \
        (void)plan(w, sql);                                                                        \
        assert_string_equal((w)->text, expected);                                                  \
    } while (0)

static inline int
plan_setup(void **state)
{
    world_setup(state);
    set_rows(*state, "t", 100000);
    set_rows(*state, "u", 1000);
    set_rows(*state, "nokey", 50);
    return 0;
}

#endif
