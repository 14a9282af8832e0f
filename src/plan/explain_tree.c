/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN FORMAT=TREE and EXPLAIN ANALYZE (manual, "EXPLAIN ANALYZE"): a line for each thing that
 * is done, what feeds it indented below. An operator with a filter makes two lines; the rows that
 * went into the filter are counted apart.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "plan/explain_int.h"

typedef struct tree {
    qli_explain x;
    ql_buf *b;
} tree;

#define FIGURE QL_VALUE_TEXT_MAX

/* Whole numbers in full, others with three digits that say something. */
static const char *
figure(double d, char out[FIGURE])
{
    unsigned decimals = 0;
    for (double least = 100; d > 0 && d < least && decimals < 12; least /= 10) {
        decimals++;
    }
    size_t n = ql_double_print_fixed(d, d == floor(d) ? 0 : decimals, out);
    out[n] = '\0';
    if (strchr(out, '.') != NULL) {
        while (out[n - 1] == '0' || out[n - 1] == '.') {
            bool point = out[n - 1] == '.';
            out[--n] = '\0';
            if (point) {
                break;
            }
        }
    }
    return out;
}

/* ---- lines ---- */

static ql_status
begin_line(tree *t, int depth)
{
    for (int i = 0; i < depth; i++) {
        QL_TRY(ql_buf_put_str(t->x.cx, t->b, "    "));
    }
    return ql_buf_put_str(t->x.cx, t->b, "-> ");
}

static ql_status
put(tree *t, const char *s)
{
    return ql_buf_put_str(t->x.cx, t->b, s);
}

static ql_status
put_estimate(tree *t, double cost, double rows)
{
    char c[FIGURE], r[FIGURE];
    return ql_buf_printf(t->x.cx, t->b, "  (cost=%s rows=%s)", figure(cost, c), figure(rows, r));
}

static ql_status
put_counts(tree *t, const ql_op_counts *k, bool before_filter)
{
    char first[FIGURE], all[FIGURE], rows[FIGURE];
    if (!k || k->loops == 0) {
        return put(t, " (never executed)");
    }
    double loops = (double)k->loops, total = (double)k->total_ns, begin = (double)k->first_ns;
    double n = (double)k->rows;
    if (before_filter) {
        total -= (double)k->filter_ns;
        begin = begin < total ? begin : total;
        n = (double)k->filtered;
    }
    return ql_buf_printf(t->x.cx, t->b, " (actual time=%s..%s rows=%s loops=%llu)",
                         figure(begin / loops / 1e6, first), figure(total / loops / 1e6, all),
                         figure(n / loops, rows), (unsigned long long)k->loops);
}

/* The end of a line about node n. before_filter: about what its filter reads. */
static ql_status
end_line(tree *t, const ql_plan *n, double rows, bool before_filter)
{
    QL_TRY(put_estimate(t, n->cost, rows));
    QL_TRY(t->x.what->run ? put_counts(t, qli_explain_counts(&t->x, n), before_filter) : QL_OK);
    return put(t, "\n");
}

/* ---- subqueries ---- */

typedef struct subquery_arg {
    tree *t;
    int depth;
    const char *where;
    double rows; /* that it is asked for */
} subquery_arg;

static ql_status tell_block(tree *t, const ql_block_plan *p, int depth);

static ql_status
tell_subquery_plan(const subquery_arg *s, const ql_query *q, const char *how,
                   const ql_block_plan *p)
{
    QL_TRY(begin_line(s->t, s->depth));
    QL_TRY(ql_buf_printf(s->t->x.cx, s->t->b, "Select #%lld (subquery in %s; %s)\n",
                         (long long)qli_explain_id(&s->t->x, q), s->where, how));
    return tell_block(s->t, p, s->depth + 1);
}

/* A subquery that may be run for all values at once: as it was run, or would be. */
static ql_status
tell_keyed(const subquery_arg *s, const ql_query *q, const ql_block_plan *one)
{
    const ql_explained_run *run = s->t->x.what->run;
    const ql_block_plan *all = run ? run->plan_of(run->arg, q->keyed->query) : NULL;
    const ql_op_counts *k = run && one->root ? qli_explain_counts(&s->t->x, one->root) : NULL;
    bool was_one = k && k->loops > 0, was_all = all != NULL;
    if (!run) {
        QL_TRY(qli_explain_plan(&s->t->x, q->keyed->query, &all));
        double cost = s->rows * ql_subquery_cost(one);
        was_all = s->t->x.what->ntargets == 0 && /* changes of rows lock what they read */
                  (q->keyed->preferred || (cost >= QL_KEYED_WORTH && cost >= ql_keyed_cost(all)));
    }
    if (was_one || !was_all) {
        QL_TRY(tell_subquery_plan(s, q, "dependent", one));
    }
    return was_all ? tell_subquery_plan(s, q, "run once for all values", all) : QL_OK;
}

/* One whose value was computed while the statement was planned: nothing was counted. */
static ql_status
tell_known(const subquery_arg *s, const ql_query *q, const ql_block_plan *p)
{
    const ql_explained *was = s->t->x.what;
    ql_explained planned = *was;
    planned.run = NULL;
    s->t->x.what = &planned;
    ql_status st = tell_subquery_plan(s, q, "run before planning", p);
    s->t->x.what = was;
    return st;
}

static ql_status
tell_subquery(void *arg, const ql_query *q)
{
    const subquery_arg *s = arg;
    const ql_block_plan *p;
    QL_TRY(qli_explain_plan(&s->t->x, q, &p));
    if (q->is_run) {
        return tell_known(s, q, p);
    }
    return q->keyed ? tell_keyed(s, q, p)
                    : tell_subquery_plan(s, q, q->correlated ? "dependent" : "run only once", p);
}

static ql_status
tell_condition_queries(tree *t, const ql_expr *e, double rows, int depth)
{
    subquery_arg arg = {t, depth, "condition", rows};
    return qli_explain_queries(&t->x, e, tell_subquery, &arg);
}

/* ---- nodes ---- */

static ql_status tell_node(tree *t, const ql_query *q, const ql_plan *n, int depth);

static ql_status
put_name(tree *t, const ql_query *q, const ql_plan *n)
{
    ql_str alias = ql_source_name(&q->sources[n->source]);
    return ql_buf_put(t->x.cx, t->b, alias.p, alias.n);
}

/* "Index lookup on t using a (a=5)". */
static ql_status
put_scan(tree *t, const ql_query *q, const ql_plan *n)
{
    const ql_index *ix = qli_access_index(q, n);
    uint16_t fixed = qli_access_fixed(n), used = qli_access_parts(n);
    const char *what = "scan";
    if (!ix) {
        QL_TRY(put(t, "Table scan on "));
        return put_name(t, q, n);
    }
    if (n->keys_only) {
        QL_TRY(put(t, "Index "));
        what = "range scan";
    } else if (n->is_unique_lookup) {
        QL_TRY(put(t, n->index_only ? "Single-row covering index " : "Single-row index "));
        what = "lookup";
    } else {
        QL_TRY(put(t, n->index_only ? "Covering index " : "Index "));
        what = n->skip && q->grouped              ? "skip scan for grouping"
               : n->skip                          ? "skip scan for deduplication"
               : n->jump                          ? "skip scan"
               : used == 0                        ? "scan"
               : used == fixed && n->nranges == 0 ? "lookup"
                                                  : "range scan";
    }
    QL_TRY(ql_buf_printf(t->x.cx, t->b, "%s on ", what));
    QL_TRY(put_name(t, q, n));
    QL_TRY(ql_buf_printf(t->x.cx, t->b, " using %.*s", (int)ix->name.n, ix->name.p));
    if (used > 0 || n->jump) {
        QL_TRY(put(t, strcmp(what, "lookup") == 0 ? " " : " over "));
        QL_TRY(qli_access_bounds(&t->x, q, n, t->b));
    }
    QL_TRY(n->reverse ? put(t, " (reverse)") : QL_OK);
    if (n->index_filter) {
        QL_TRY(put(t, ", with index condition: "));
        QL_TRY(qli_expr_text(&t->x, q, n->index_filter, t->b));
    }
    return QL_OK;
}

static ql_status
put_filter(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(begin_line(t, depth));
    QL_TRY(put(t, "Filter: "));
    QL_TRY(qli_expr_text(&t->x, q, qli_row_filter(n), t->b));
    return end_line(t, n, n->est_rows, false);
}

static ql_status
put_materialize(tree *t, const ql_query *d)
{
    if (!ql_query_is_shared(d)) {
        return put(t, "Materialize");
    }
    return ql_buf_printf(t->x.cx, t->b, "Materialize CTE %.*s if needed", (int)d->cte->name.n,
                         d->cte->name.p);
}

static ql_status
tell_scan(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    int at = depth;
    bool filtered = qli_row_filter(n) != NULL;
    if (filtered) {
        QL_TRY(put_filter(t, q, n, at++));
    }
    QL_TRY(begin_line(t, at));
    if (n->kind == QL_P_SCAN) {
        QL_TRY(put_scan(t, q, n));
    } else {
        QL_TRY(put(t, "Table scan on "));
        QL_TRY(put_name(t, q, n));
    }
    QL_TRY(end_line(t, n, n->est_read, filtered));
    const ql_query *d = n->kind == QL_P_DERIVED ? q->sources[n->source].derived : NULL;
    if (d) {
        QL_TRY(begin_line(t, at + 1));
        QL_TRY(put_materialize(t, d));
    }
    if (d && qli_explain_is_elsewhere(&t->x, d)) {
        QL_TRY(put(t, " (query plan printed elsewhere)\n"));
    } else if (d) {
        QL_TRY(n->sub->root ? end_line(t, n->sub->root, n->sub->root->est_rows, false)
                            : put(t, "\n"));
        QL_TRY(tell_block(t, n->sub, at + 2));
    }
    for (uint16_t i = 0; i < n->low.n; i++) {
        QL_TRY(tell_condition_queries(t, n->low.values[i], 1, at + 1));
    }
    for (uint16_t i = 0; i < n->high.n; i++) {
        QL_TRY(tell_condition_queries(t, n->high.values[i], 1, at + 1));
    }
    return tell_condition_queries(t, n->filter, n->est_read, depth + 1);
}

static const char *
join_name(const ql_plan *n)
{
    static const char *const nested[] = {
        [QL_JOIN_INNER] = "Nested loop inner join",
        [QL_JOIN_LEFT] = "Nested loop left join",
        [QL_JOIN_SEMI] = "Nested loop semijoin",
        [QL_JOIN_ANTI] = "Nested loop antijoin",
    };
    static const char *const hash[] = {
        [QL_JOIN_INNER] = "Inner hash join",
        [QL_JOIN_LEFT] = "Left hash join",
        [QL_JOIN_SEMI] = "Hash semijoin",
        [QL_JOIN_ANTI] = "Hash antijoin",
    };
    return n->kind == QL_P_HASH_JOIN ? hash[n->join] : nested[n->join];
}

static ql_status
tell_merge(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    int at = depth;
    if (n->filter) {
        QL_TRY(put_filter(t, q, n, at++));
    }
    QL_TRY(begin_line(t, at));
    QL_TRY(put(t, n->merge_all      ? "Intersect rows sorted by row ID"
                  : n->in_key_order ? "Deduplicate rows sorted by row ID"
                                    : "Sort-deduplicate by row ID"));
    QL_TRY(end_line(t, n, n->est_read, n->filter != NULL));
    for (uint16_t i = 0; i < n->nparts; i++) {
        QL_TRY(tell_scan(t, q, n->parts[i], at + 1));
    }
    return tell_condition_queries(t, n->filter, n->est_read, depth + 1);
}

static ql_status
tell_nested(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    int at = depth;
    bool above = n->filter && n->join == QL_JOIN_INNER; /* the same, and its rows are known */
    if (above) {
        QL_TRY(put_filter(t, q, n, at++));
    }
    QL_TRY(begin_line(t, at));
    QL_TRY(put(t, join_name(n)));
    if (n->filter && !above) {
        QL_TRY(put(t, ", extra conditions: "));
        QL_TRY(qli_expr_text(&t->x, q, n->filter, t->b));
    }
    QL_TRY(end_line(t, n, above ? n->left->est_rows * n->right->est_rows : n->est_rows, above));
    QL_TRY(tell_node(t, q, n->left, at + 1));
    QL_TRY(tell_node(t, q, n->right, at + 1));
    return tell_condition_queries(t, n->filter, n->left->est_rows * n->right->est_rows,
                                  at + (above ? 0 : 1));
}

static ql_status
tell_hash(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(begin_line(t, depth));
    QL_TRY(put(t, join_name(n)));
    QL_TRY(put(t, " "));
    for (uint16_t i = 0; i < n->nkeys; i++) {
        QL_TRY(put(t, i ? ", (" : "("));
        QL_TRY(qli_expr_text(&t->x, q, n->left_keys[i], t->b));
        QL_TRY(put(t, " = "));
        QL_TRY(qli_expr_text(&t->x, q, n->right_keys[i], t->b));
        QL_TRY(put(t, ")"));
    }
    if (n->filter) {
        QL_TRY(put(t, ", extra conditions: "));
        QL_TRY(qli_expr_text(&t->x, q, n->filter, t->b));
    }
    QL_TRY(end_line(t, n, n->est_rows, false));
    QL_TRY(tell_node(t, q, n->left, depth + 1));
    QL_TRY(begin_line(t, depth + 1));
    QL_TRY(put(t, "Hash\n"));
    QL_TRY(tell_node(t, q, n->right, depth + 2));
    return tell_condition_queries(t, n->filter, n->est_rows, depth + 1);
}

static ql_status
tell_group(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    if (n->left->kind == QL_P_ENDS && !qli_ends_filtered(n->left)) {
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, "Rows fetched before execution"));
        return end_line(t, n, n->est_rows, false);
    }
    if (q->ngroup > 0 && !n->ordered) {
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, "Table scan on <temporary>"));
        QL_TRY(end_line(t, n, n->est_rows, false));
        QL_TRY(begin_line(t, ++depth));
        QL_TRY(put(t, "Aggregate using temporary table"));
    } else {
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, q->ngroup == 0 ? "Aggregate: "
                      : q->naggs > 0 ? "Group aggregate: "
                                     : "Group (no aggregates)"));
        for (uint16_t i = 0; i < q->naggs; i++) {
            QL_TRY(put(t, i ? ", " : ""));
            QL_TRY(qli_agg_text(&t->x, q, &q->aggs[i], t->b));
        }
    }
    QL_TRY(end_line(t, n, n->est_rows, false));
    return tell_node(t, q, n->left, depth + 1);
}

/* One row of each scan. */
static ql_status
tell_ends(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(begin_line(t, depth));
    QL_TRY(put(t, "Append"));
    QL_TRY(end_line(t, n, 1, false));
    for (; n; n = n->right) {
        QL_TRY(begin_line(t, depth + 1));
        QL_TRY(put(t, "Limit: 1 row(s)"));
        QL_TRY(end_line(t, n, 1, false));
        QL_TRY(tell_node(t, q, n->left, depth + 2));
    }
    return QL_OK;
}

static ql_status
tell_distinct(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    if (n->ordered) {
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, "Group (no aggregates)"));
        QL_TRY(end_line(t, n, n->est_rows, false));
        return tell_node(t, q, n->left, depth + 1);
    }
    QL_TRY(begin_line(t, depth));
    QL_TRY(put(t, "Table scan on <temporary>"));
    QL_TRY(end_line(t, n, n->est_rows, false));
    QL_TRY(begin_line(t, depth + 1));
    QL_TRY(put(t, "Temporary table with deduplication"));
    QL_TRY(end_line(t, n, n->est_rows, false));
    return tell_node(t, q, n->left, depth + 2);
}

/* LIMIT and OFFSET are constants when the statement runs. */
static ql_status
put_number(tree *t, const ql_query *q, const ql_expr *e)
{
    return e ? qli_expr_text(&t->x, q, e, t->b) : put(t, "0");
}

static ql_status
tell_sort(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(begin_line(t, depth));
    QL_TRY(put(t, "Sort: "));
    QL_TRY(qli_sort_text(&t->x, q, n->keys, n->nsort, t->b));
    if (n->nsorted > 0) {
        QL_TRY(put(t, ", rows in order of "));
        QL_TRY(qli_sort_text(&t->x, q, n->keys, n->nsorted, t->b));
    }
    if (n->stop_at_limit && q->limit && !q->offset) {
        QL_TRY(put(t, ", limit input to "));
        QL_TRY(put_number(t, q, q->limit));
        QL_TRY(put(t, " row(s) per chunk"));
    }
    QL_TRY(end_line(t, n, n->est_rows, false));
    return tell_node(t, q, n->left, depth + 1);
}

static ql_status
tell_limit(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(begin_line(t, depth));
    QL_TRY(put(t, q->offset ? "Limit/Offset: " : "Limit: "));
    QL_TRY(put_number(t, q, q->limit));
    if (q->offset) {
        QL_TRY(put(t, "/"));
        QL_TRY(put_number(t, q, q->offset));
    }
    QL_TRY(put(t, " row(s)"));
    QL_TRY(end_line(t, n, n->est_rows, false));
    return tell_node(t, q, n->left, depth + 1);
}

static ql_status
tell_set(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    if (q->set_op == QL_SET_UNION_ALL) {
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, "Append"));
    } else {
        QL_TRY(begin_line(t, depth++));
        QL_TRY(put(t, "Table scan on <union temporary>"));
        QL_TRY(end_line(t, n, n->est_rows, false));
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, "Union materialize with deduplication"));
    }
    QL_TRY(end_line(t, n, n->est_rows, false));
    QL_TRY(tell_block(t, n->sub, depth + 1));
    return tell_block(t, n->sub2, depth + 1);
}

static ql_status
tell_one_row(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    int at = depth;
    if (n->filter) {
        QL_TRY(put_filter(t, q, n, at++));
    }
    QL_TRY(begin_line(t, at));
    QL_TRY(put(t, "Rows fetched before execution"));
    QL_TRY(end_line(t, n, 1, n->filter != NULL));
    return tell_condition_queries(t, n->filter, 1, depth + 1);
}

static ql_status
tell_filter(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(put_filter(t, q, n, depth));
    QL_TRY(tell_node(t, q, n->left, depth + 1));
    return tell_condition_queries(t, n->filter, n->left->est_rows, depth + 1);
}

static ql_status
tell_node(tree *t, const ql_query *q, const ql_plan *n, int depth)
{
    QL_TRY(ql_bulk_node(t->x.cx));
    switch (n->kind) {
    case QL_P_SCAN:
    case QL_P_DERIVED:
        return tell_scan(t, q, n, depth);
    case QL_P_INDEX_MERGE:
        return tell_merge(t, q, n, depth);
    case QL_P_NESTED_JOIN:
        return tell_nested(t, q, n, depth);
    case QL_P_HASH_JOIN:
        return tell_hash(t, q, n, depth);
    case QL_P_GROUP:
        return tell_group(t, q, n, depth);
    case QL_P_DISTINCT:
        return tell_distinct(t, q, n, depth);
    case QL_P_SORT:
        return tell_sort(t, q, n, depth);
    case QL_P_LIMIT:
        return tell_limit(t, q, n, depth);
    case QL_P_SET_OP:
        return tell_set(t, q, n, depth);
    case QL_P_FILTER:
        return tell_filter(t, q, n, depth);
    case QL_P_ONE_ROW:
        return tell_one_row(t, q, n, depth);
    case QL_P_ENDS:
        return tell_ends(t, q, n, depth);
    case QL_P_NEVER:
        QL_TRY(begin_line(t, depth));
        QL_TRY(put(t, "Zero rows (Impossible WHERE)"));
        return end_line(t, n, 0, false);
    }
    return QL_OK;
}

static ql_status
tell_block(tree *t, const ql_block_plan *p, int depth)
{
    QL_TRY(ql_check(t->x.cx));
    if (p->limit_is_zero) {
        QL_TRY(begin_line(t, depth));
        return put(t, "Zero rows (Zero limit)  (cost=0 rows=0)\n");
    }
    QL_TRY(tell_node(t, p->query, p->root, depth));
    subquery_arg arg = {t, depth, "projection", p->root->est_rows};
    QL_TRY(qli_explain_items_queries(&t->x, p->query, tell_subquery, &arg));
    arg.where = "condition";
    return qli_explain_other_queries(&t->x, p->query, tell_subquery, &arg);
}

/* "Update t (immediate)". */
static ql_status
tell_change(tree *t, const ql_explained *e)
{
    QL_TRY(begin_line(t, 0));
    if (e->into) {
        return ql_buf_printf(t->x.cx, t->b, "%s into %.*s\n", e->replace ? "Replace" : "Insert",
                             (int)e->into->name.n, e->into->name.p);
    }
    QL_TRY(put(t, e->kind == QL_S_UPDATE ? "Update " : "Delete from "));
    for (uint16_t i = 0; i < e->ntargets; i++) {
        ql_str alias = ql_source_name(&e->plan->query->sources[e->targets[i]]);
        QL_TRY(ql_buf_printf(t->x.cx, t->b, "%s%.*s (immediate)", i ? ", " : "", (int)alias.n,
                             alias.p));
    }
    return put(t, "\n");
}

ql_status
ql_explain_tree(ql_ctx *cx, const ql_explained *e, ql_buf *out)
{
    tree t = {.b = out};
    int depth = 0;
    QL_TRY(qli_explain_begin(&t.x, cx, e));
    if (e->into || e->ntargets) {
        QL_TRY(tell_change(&t, e));
        depth = 1;
    }
    if (e->plan) {
        QL_TRY(tell_block(&t, e->plan, depth));
        subquery_arg arg = {&t, depth, "update list", e->plan->root ? e->plan->root->est_rows : 0};
        return qli_explain_beside_queries(&t.x, tell_subquery, &arg);
    }
    QL_TRY(begin_line(&t, depth));
    return put(&t, "Rows fetched before execution  (cost=0 rows=1)\n");
}
