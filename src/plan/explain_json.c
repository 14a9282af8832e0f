/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN FORMAT=JSON: one document (RFC 8259) with MySQL's members (manual, "EXPLAIN Output
 * Format": JSON names), two blanks a level.
 */
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "plan/explain_int.h"

typedef struct json {
    qli_explain x;
    ql_buf *b;
    int depth;
    bool first; /* of the members at this level */
} json;

/* ---- writing ---- */

static ql_status
put_text(json *j, const char *p, size_t n)
{
    ql_ctx *cx = j->x.cx;
    QL_TRY(ql_buf_put_u8(cx, j->b, '"'));
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '"' || c == '\\') {
            QL_TRY(ql_buf_put_u8(cx, j->b, '\\'));
        }
        QL_TRY(c < 0x20 ? ql_buf_printf(cx, j->b, "\\u%04x", c) : ql_buf_put_u8(cx, j->b, c));
    }
    return ql_buf_put_u8(cx, j->b, '"');
}

/* The comma behind the member before, a new line, the key. */
static ql_status
begin(json *j, const char *key)
{
    QL_TRY(ql_buf_put_str(j->x.cx, j->b, j->first ? "\n" : ",\n"));
    j->first = false;
    for (int i = 0; i < j->depth; i++) {
        QL_TRY(ql_buf_put_str(j->x.cx, j->b, "  "));
    }
    if (key) {
        QL_TRY(put_text(j, key, strlen(key)));
        return ql_buf_put_str(j->x.cx, j->b, ": ");
    }
    return QL_OK;
}

static ql_status
open_at(json *j, const char *key, char bracket)
{
    QL_TRY(begin(j, key));
    j->depth++;
    j->first = true;
    return ql_buf_put_u8(j->x.cx, j->b, (uint8_t)bracket);
}

static ql_status
close_at(json *j, char bracket)
{
    j->depth--;
    QL_TRY(ql_buf_put_u8(j->x.cx, j->b, '\n'));
    for (int i = 0; i < j->depth; i++) {
        QL_TRY(ql_buf_put_str(j->x.cx, j->b, "  "));
    }
    j->first = false;
    return ql_buf_put_u8(j->x.cx, j->b, (uint8_t)bracket);
}

static ql_status
member(json *j, const char *key, ql_str s)
{
    QL_TRY(begin(j, key));
    return put_text(j, s.p, s.n);
}

static ql_status
member_c(json *j, const char *key, const char *s)
{
    return member(j, key, (ql_str){s, strlen(s)});
}

static ql_status
member_flag(json *j, const char *key, bool yes)
{
    QL_TRY(begin(j, key));
    return ql_buf_put_str(j->x.cx, j->b, yes ? "true" : "false");
}

static ql_status
member_number(json *j, const char *key, double d)
{
    char text[QL_VALUE_TEXT_MAX];
    QL_TRY(begin(j, key));
    return ql_buf_put(j->x.cx, j->b, text, ql_double_print_fixed(d, 0, text));
}

/* MySQL has these as texts. */
static ql_status
member_fixed(json *j, const char *key, double d)
{
    char text[QL_VALUE_TEXT_MAX];
    return member(j, key, (ql_str){text, ql_double_print_fixed(d, 2, text)});
}

static ql_status
member_buf(json *j, const char *key, ql_status made, ql_buf *text)
{
    ql_status st = made == QL_OK ? member(j, key, (ql_str){text->p, text->n}) : made;
    ql_buf_free(text);
    return st;
}

static ql_status
member_expr(json *j, const char *key, const ql_query *q, const ql_expr *e)
{
    ql_buf text = {0};
    ql_status st = qli_expr_text(&j->x, q, e, &text);
    return member_buf(j, key, st, &text);
}

/* ---- subqueries ---- */

static ql_status put_block(json *j, const ql_block_plan *p, bool top);

typedef struct list {
    json *j;
    const char *key;
    bool open;
} list;

static ql_status
put_subquery(void *arg, const ql_query *q)
{
    list *l = arg;
    json *j = l->j;
    const ql_block_plan *p;
    QL_TRY(qli_explain_plan(&j->x, q, &p));
    QL_TRY(l->open ? QL_OK : open_at(j, l->key, '['));
    l->open = true;
    QL_TRY(open_at(j, NULL, '{'));
    QL_TRY(member_flag(j, "dependent", q->correlated));
    QL_TRY(member_flag(j, "cacheable", !q->correlated));
    QL_TRY(put_block(j, p, false));
    return close_at(j, '}');
}

static ql_status
end_list(list *l)
{
    return l->open ? close_at(l->j, ']') : QL_OK;
}

/* ---- tables ---- */

static ql_status
put_merge(json *j, const ql_query *q, const ql_plan *n)
{
    ql_buf key = {0}, bytes = {0};
    QL_TRY(open_at(j, "possible_keys", '['));
    for (uint16_t i = 0; i < n->nparts; i++) {
        QL_TRY(member(j, NULL, n->parts[i]->index->name));
    }
    QL_TRY(close_at(j, ']'));
    QL_TRY(member_buf(j, "key", qli_merge_text(&j->x, n, &key), &key));
    return member_buf(j, "key_length", qli_merge_key_bytes(&j->x, q, n, &bytes), &bytes);
}

static ql_status
put_index(json *j, const ql_query *q, const ql_plan *n)
{
    const ql_index *ix = qli_access_index(q, n);
    const char *type = qli_access_type(q, n);
    char bytes[16];
    QL_TRY(member_c(j, "access_type", type));
    if (n->kind == QL_P_INDEX_MERGE) {
        return put_merge(j, q, n);
    }
    if (!ix) {
        return QL_OK;
    }
    uint16_t used = n->jump ? (uint16_t)(n->jump + 1) : qli_access_parts(n);
    if (used) {
        QL_TRY(open_at(j, "possible_keys", '['));
        QL_TRY(member(j, NULL, ix->name));
        QL_TRY(close_at(j, ']'));
    }
    QL_TRY(member(j, "key", ix->name));
    QL_TRY(open_at(j, "used_key_parts", '['));
    const ql_table *t = q->sources[n->source].table;
    for (uint16_t i = 0; i < (used ? used : ix->nparts); i++) {
        QL_TRY(member(j, NULL, t->columns[ql_index_part_at(t, ix, i)->column].name));
    }
    QL_TRY(close_at(j, ']'));
    (void)snprintf(bytes, sizeof bytes, "%u", qli_access_key_bytes(q, n));
    QL_TRY(member_c(j, "key_length", bytes));
    if (strcmp(type, "ref") == 0 || strcmp(type, "eq_ref") == 0 || strcmp(type, "const") == 0) {
        QL_TRY(open_at(j, "ref", '['));
        for (uint16_t i = 0; i < n->low.n; i++) {
            ql_buf ref = {0};
            ql_status st = qli_access_ref_part(&j->x, q, n, i, &ref);
            QL_TRY(member_buf(j, NULL, st, &ref));
        }
        QL_TRY(close_at(j, ']'));
    }
    return QL_OK;
}

static ql_status
put_estimates(json *j, const ql_plan *n)
{
    double read = n->est_read > n->est_rows ? n->est_read : n->est_rows;
    read = read < 1 ? 1 : read;
    QL_TRY(member_number(j, "rows_examined_per_scan", read));
    QL_TRY(member_number(j, "rows_produced_per_join", n->est_rows));
    QL_TRY(member_fixed(j, "filtered", n->est_rows / read * 100));
    if (n->skip) {
        QL_TRY(member_flag(j, "using_index_for_group_by", true));
    } else if (n->jump) {
        QL_TRY(member_flag(j, "using_index_for_skip_scan", true));
    } else if (n->index_only) {
        QL_TRY(member_flag(j, "using_index", true));
    }
    if (n->reverse) {
        QL_TRY(member_flag(j, "backward_index_scan", true));
    }
    QL_TRY(open_at(j, "cost_info", '{'));
    QL_TRY(member_fixed(j, "prefix_cost", n->cost));
    return close_at(j, '}');
}

static ql_status
put_columns(json *j, const ql_source *s)
{
    QL_TRY(open_at(j, "used_columns", '['));
    for (uint16_t i = 0; i < s->ncols; i++) {
        QL_TRY(member(j, NULL,
                      s->table ? s->table->columns[s->ordinals[i]].name
                               : s->derived->items[s->ordinals[i]].column.name));
    }
    return close_at(j, ']');
}

static ql_status
put_conditions(json *j, const ql_query *q, const ql_plan *n, const ql_plan *join)
{
    list l = {j, "attached_subqueries", false};
    const ql_expr *filter = qli_row_filter(n);
    if (n->index_filter) {
        QL_TRY(member_expr(j, "index_condition", q, n->index_filter));
    }
    if (filter) {
        QL_TRY(member_expr(j, "attached_condition", q, filter));
    }
    if (join && join->filter) {
        QL_TRY(member_expr(j, filter ? "join_condition" : "attached_condition", q, join->filter));
    }
    QL_TRY(qli_explain_queries(&j->x, n->filter, put_subquery, &l));
    for (uint16_t i = 0; i < n->low.n; i++) {
        QL_TRY(qli_explain_queries(&j->x, n->low.values[i], put_subquery, &l));
    }
    for (uint16_t i = 0; i < n->high.n; i++) {
        QL_TRY(qli_explain_queries(&j->x, n->high.values[i], put_subquery, &l));
    }
    if (join) {
        QL_TRY(qli_explain_queries(&j->x, join->filter, put_subquery, &l));
    }
    return end_list(&l);
}

static bool
is_target(const json *j, uint16_t source)
{
    for (uint16_t i = 0; i < j->x.what->ntargets; i++) {
        if (j->x.what->targets[i] == source) {
            return true;
        }
    }
    return false;
}

static ql_status
put_table(json *j, const ql_query *q, const ql_plan *n, const ql_plan *join, bool top)
{
    const ql_source *s = &q->sources[n->source];
    QL_TRY(open_at(j, "table", '{'));
    if (top && is_target(j, n->source)) {
        QL_TRY(member_flag(j, j->x.what->kind == QL_S_UPDATE ? "update" : "delete", true));
    }
    QL_TRY(member(j, "table_name", ql_source_name(s)));
    QL_TRY(put_index(j, q, n));
    QL_TRY(put_estimates(j, n));
    if (join && join->kind == QL_P_HASH_JOIN) {
        QL_TRY(member_c(j, "using_join_buffer", "hash join"));
    }
    QL_TRY(put_columns(j, s));
    QL_TRY(put_conditions(j, q, n, join));
    if (n->kind == QL_P_DERIVED && qli_explain_is_elsewhere(&j->x, s->derived)) {
        QL_TRY(open_at(j, "materialized_from_subquery", '{'));
        QL_TRY(open_at(j, "sharing_temporary_table_with", '{'));
        QL_TRY(member_number(j, "select_id", (double)qli_explain_id(&j->x, s->derived)));
        QL_TRY(close_at(j, '}'));
        QL_TRY(close_at(j, '}'));
    } else if (n->kind == QL_P_DERIVED) {
        QL_TRY(open_at(j, "materialized_from_subquery", '{'));
        QL_TRY(member_flag(j, "using_temporary_table", true));
        QL_TRY(member_flag(j, "dependent", s->derived->correlated));
        QL_TRY(member_flag(j, "cacheable", !s->derived->correlated));
        QL_TRY(put_block(j, n->sub, false));
        QL_TRY(close_at(j, '}'));
    }
    return close_at(j, '}');
}

/* ---- nodes ---- */

static bool
is_join(const ql_plan *n)
{
    return n->kind == QL_P_NESTED_JOIN || n->kind == QL_P_HASH_JOIN;
}

/* The tables of a join in the order in which they are read, each an object of the list. */
static bool
is_table(const ql_plan *n)
{
    return n->kind == QL_P_SCAN || n->kind == QL_P_DERIVED || n->kind == QL_P_INDEX_MERGE;
}

static ql_status
put_joined(json *j, const ql_query *q, const ql_plan *n, const ql_plan *join, bool top)
{
    if (is_join(n)) {
        QL_TRY(put_joined(j, q, n->left, join, top));
        return put_joined(j, q, n->right, n, top);
    }
    if (n->kind == QL_P_FILTER || n->kind == QL_P_DISTINCT) {
        return put_joined(j, q, n->left, join, top);
    }
    QL_TRY(open_at(j, NULL, '{'));
    QL_TRY(is_table(n) ? put_table(j, q, n, join, top) : QL_OK);
    return close_at(j, '}');
}

static ql_status put_node(json *j, const ql_query *q, const ql_plan *n, bool top);

static ql_status
put_operation(json *j, const ql_query *q, const ql_plan *n, const char *name, bool sorts, bool top)
{
    QL_TRY(open_at(j, name, '{'));
    if (!sorts && !n->ordered) {
        QL_TRY(member_flag(j, "using_temporary_table", true));
    }
    QL_TRY(member_flag(j, "using_filesort", sorts));
    QL_TRY(put_node(j, q, n->left, top));
    return close_at(j, '}');
}

static ql_status
put_ends(json *j, const ql_query *q, const ql_plan *n, bool top)
{
    if (!qli_ends_filtered(n)) {
        return member_c(j, "message", "Select tables optimized away");
    }
    QL_TRY(open_at(j, "nested_loop", '['));
    for (; n; n = n->right) {
        QL_TRY(put_joined(j, q, n->left, NULL, top));
    }
    return close_at(j, ']');
}

static ql_status
put_filter(json *j, const ql_query *q, const ql_plan *n, bool top)
{
    list l = {j, q->grouped ? "having_subqueries" : "attached_subqueries", false};
    QL_TRY(member_expr(j, q->grouped ? "having_condition" : "attached_condition", q, n->filter));
    QL_TRY(qli_explain_queries(&j->x, n->filter, put_subquery, &l));
    QL_TRY(end_list(&l));
    return put_node(j, q, n->left, top);
}

static ql_status
put_union(json *j, const ql_plan *n)
{
    char name[64];
    const ql_block_plan *sides[2] = {n->sub, n->sub2};
    (void)snprintf(name, sizeof name, "<union%lld,%lld>",
                   (long long)qli_explain_id(&j->x, n->sub->query),
                   (long long)qli_explain_id(&j->x, n->sub2->query));
    QL_TRY(open_at(j, "union_result", '{'));
    QL_TRY(member_flag(j, "using_temporary_table", n->set_distinct));
    if (n->set_distinct) {
        QL_TRY(member_c(j, "table_name", name));
        QL_TRY(member_c(j, "access_type", "ALL"));
    }
    QL_TRY(open_at(j, "query_specifications", '['));
    for (int i = 0; i < 2; i++) {
        QL_TRY(open_at(j, NULL, '{'));
        QL_TRY(member_flag(j, "dependent", sides[i]->query->correlated));
        QL_TRY(member_flag(j, "cacheable", !sides[i]->query->correlated));
        QL_TRY(put_block(j, sides[i], false));
        QL_TRY(close_at(j, '}'));
    }
    QL_TRY(close_at(j, ']'));
    return close_at(j, '}');
}

static ql_status
put_node(json *j, const ql_query *q, const ql_plan *n, bool top)
{
    QL_TRY(ql_bulk_node(j->x.cx));
    switch (n->kind) {
    case QL_P_SCAN:
    case QL_P_DERIVED:
    case QL_P_INDEX_MERGE:
        return put_table(j, q, n, NULL, top);
    case QL_P_NESTED_JOIN:
    case QL_P_HASH_JOIN:
        QL_TRY(open_at(j, "nested_loop", '['));
        QL_TRY(put_joined(j, q, n, NULL, top));
        return close_at(j, ']');
    case QL_P_SORT:
        return put_operation(j, q, n, "ordering_operation", true, top);
    case QL_P_GROUP:
        return q->ngroup ? put_operation(j, q, n, "grouping_operation", false, top)
                         : put_node(j, q, n->left, top);
    case QL_P_DISTINCT:
        return put_operation(j, q, n, "duplicates_removal", false, top);
    case QL_P_LIMIT:
        return put_node(j, q, n->left, top);
    case QL_P_FILTER:
        return put_filter(j, q, n, top);
    case QL_P_SET_OP:
        return put_union(j, n);
    case QL_P_ONE_ROW:
        return member_c(j, "message", "No tables used");
    case QL_P_NEVER:
        return member_c(j, "message", "Impossible WHERE");
    case QL_P_ENDS:
        return put_ends(j, q, n, top);
    }
    return QL_OK;
}

static ql_status
put_cost(json *j, const ql_plan *root)
{
    QL_TRY(open_at(j, "cost_info", '{'));
    QL_TRY(member_fixed(j, "query_cost", root->cost));
    return close_at(j, '}');
}

static ql_status
put_contents(json *j, const ql_block_plan *p, bool top)
{
    const ql_query *q = p->query;
    if (p->limit_is_zero) {
        return member_c(j, "message", "Zero limit");
    }
    if (q->set_op == QL_SET_NONE) {
        QL_TRY(put_cost(j, p->root));
    }
    QL_TRY(put_node(j, q, p->root, top));
    list l = {j, "select_list_subqueries", false};
    QL_TRY(qli_explain_items_queries(&j->x, q, put_subquery, &l));
    QL_TRY(end_list(&l));
    l = (list){j, "attached_subqueries", false};
    QL_TRY(qli_explain_other_queries(&j->x, q, put_subquery, &l));
    QL_TRY(end_list(&l));
    l = (list){j, "update_value_subqueries", false};
    QL_TRY(top ? qli_explain_beside_queries(&j->x, put_subquery, &l) : QL_OK);
    return end_list(&l);
}

static ql_status
put_block(json *j, const ql_block_plan *p, bool top)
{
    QL_TRY(ql_check(j->x.cx));
    QL_TRY(open_at(j, "query_block", '{'));
    if (p->query->set_op == QL_SET_NONE) {
        QL_TRY(member_number(j, "select_id", (double)qli_explain_id(&j->x, p->query)));
    }
    QL_TRY(put_contents(j, p, top));
    return close_at(j, '}');
}

/* The table that rows are put into, and where they come from. */
static ql_status
put_insert(json *j, const ql_explained *e)
{
    QL_TRY(open_at(j, "query_block", '{'));
    QL_TRY(member_number(j, "select_id", 1));
    QL_TRY(open_at(j, "table", '{'));
    QL_TRY(member_flag(j, e->replace ? "replace" : "insert", true));
    QL_TRY(member(j, "table_name", e->into->name));
    QL_TRY(member_c(j, "access_type", "ALL"));
    QL_TRY(close_at(j, '}'));
    if (e->plan) {
        QL_TRY(open_at(j, "insert_from", '{'));
        QL_TRY(put_contents(j, e->plan, true));
        QL_TRY(close_at(j, '}'));
    }
    return close_at(j, '}');
}

ql_status
ql_explain_json(ql_ctx *cx, const ql_explained *e, ql_buf *out)
{
    json j = {.b = out, .depth = 1, .first = true};
    QL_TRY(qli_explain_begin(&j.x, cx, e));
    j.x.quoted = true;
    QL_TRY(ql_buf_put_u8(cx, out, '{'));
    QL_TRY(e->into ? put_insert(&j, e) : put_block(&j, e->plan, true));
    return ql_buf_put_str(cx, out, "\n}");
}
