/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN in the traditional format (manual: "EXPLAIN Output Format"): one row for each table of
 * each query block, in the order in which they are read.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "plan/explain_int.h"

#define COLUMNS 12

typedef struct explainer {
    qli_explain x;
    ql_value **rows;
    size_t n, cap;
    bool out_of_memory; /* met by text() */
} explainer;

/* One block on its way. */
typedef struct block {
    explainer *x;
    const ql_block_plan *plan;
    int64_t id;
    const char *type;
    bool sorts, weeds, groups, first, top;
} block;

static ql_status explain_block(explainer *x, const ql_block_plan *p, const char *type, bool top);

static ql_value
text(explainer *x, const char *s)
{
    char *copy = s ? ql_arena_strndup(x->x.cx, x->x.a, s, strlen(s)) : NULL;
    x->out_of_memory = x->out_of_memory || (s && !copy);
    return copy ? ql_value_str((ql_str){copy, strlen(copy)}, ql_coll_default) : ql_value_null();
}

static ql_status
new_row(explainer *x, ql_value **out)
{
    if (x->n >= x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 16;
        ql_value **v = QL_ARENA_ARRAY(x->x.cx, x->x.a, ql_value *, cap);
        if (!v) {
            return QL_ERROR;
        }
        if (x->n) {
            memcpy(v, x->rows, sizeof(*v) * x->n);
        }
        x->rows = v;
        x->cap = cap;
    }
    ql_value *r = QL_ARENA_ARRAY(x->x.cx, x->x.a, ql_value, COLUMNS);
    if (!r) {
        return QL_ERROR;
    }
    for (int i = 0; i < COLUMNS; i++) {
        r[i] = ql_value_null();
    }
    x->rows[x->n++] = r;
    *out = r;
    return QL_OK;
}

/* What made it as a value. */
static ql_status
text_made(explainer *x, ql_status made, ql_buf *b, ql_value *out)
{
    ql_status st = made == QL_OK ? ql_buf_put_u8(x->x.cx, b, 0) : made;
    *out = st == QL_OK ? text(x, b->p) : ql_value_null();
    ql_buf_free(b);
    return st;
}

static ql_status
describe_merge(explainer *x, const ql_query *q, const ql_plan *n, ql_value *row)
{
    ql_buf keys = {0}, bytes = {0};
    row[4] = text(x, qli_access_type(q, n));
    QL_TRY(text_made(x, qli_merge_keys(&x->x, n, &keys), &keys, &row[5]));
    row[6] = row[5];
    return text_made(x, qli_merge_key_bytes(&x->x, q, n, &bytes), &bytes, &row[7]);
}

static ql_status
describe_index(explainer *x, const ql_query *q, const ql_plan *n, ql_value *row)
{
    const ql_index *ix = qli_access_index(q, n);
    const char *access = qli_access_type(q, n);
    char text_of[260];
    row[4] = text(x, access);
    if (!ix) {
        return QL_OK;
    }
    snprintf(text_of, sizeof(text_of), "%.*s", (int)ix->name.n, ix->name.p);
    row[5] = qli_access_parts(n) || n->jump ? text(x, text_of) : ql_value_null();
    row[6] = text(x, text_of);
    snprintf(text_of, sizeof(text_of), "%u", qli_access_key_bytes(q, n));
    row[7] = text(x, text_of);
    if (strcmp(access, "ref") != 0 && strcmp(access, "eq_ref") != 0 &&
        strcmp(access, "const") != 0) {
        return QL_OK;
    }
    ql_buf b = {0};
    return text_made(x, qli_access_ref(&x->x, q, n, &b), &b, &row[8]);
}

/* The table that a semi-join goes on with after its first match: the last one to its left. */
static ql_str
last_table(const ql_query *q, const ql_plan *n)
{
    while (n->right || (n->left && n->kind != QL_P_SCAN && n->kind != QL_P_DERIVED)) {
        bool filters = n->join == QL_JOIN_SEMI || n->join == QL_JOIN_ANTI;
        n = n->right && !filters ? n->right : n->left;
    }
    return n->kind == QL_P_SCAN || n->kind == QL_P_DERIVED ? ql_source_name(&q->sources[n->source])
                                                           : (ql_str){0};
}

static ql_status
extra_of(block *b, const ql_plan *n, const ql_plan *join, ql_value *out)
{
    ql_buf buf = {0};
    ql_ctx *cx = b->x->x.cx;
    char match[300];
    const char *parts[10];
    int k = 0;
    if (n->kind == QL_P_INDEX_MERGE) {
        ql_buf merge = {0};
        ql_value name;
        ql_status st = ql_buf_put_str(cx, &merge, "Using ");
        st = st == QL_OK ? qli_merge_text(&b->x->x, n, &merge) : st;
        QL_TRY(text_made(b->x, st, &merge, &name));
        parts[k++] = name.kind == QL_K_STRING ? name.s.p : "";
    }
    if (n->index_filter) {
        parts[k++] = "Using index condition";
    }
    if (qli_row_filter(n) || (join && join->filter)) {
        parts[k++] = "Using where";
    }
    if (n->skip) {
        parts[k++] = "Using index for group-by";
    } else if (n->jump && n->index_only) {
        parts[k++] = "Using index for skip scan";
    } else if (n->index_only) {
        parts[k++] = "Using index";
    }
    if (n->reverse) {
        parts[k++] = "Backward index scan";
    }
    if (b->first && b->groups) {
        parts[k++] = "Using temporary";
    }
    if (b->first && b->sorts) {
        parts[k++] = "Using filesort";
    }
    if (b->weeds) { /* a semi-join turned round: its right side's rows are kept, each once */
        parts[k++] = "Start temporary; End temporary";
    }
    b->weeds = false;
    if (join && join->join == QL_JOIN_ANTI) {
        parts[k++] = "Not exists";
    }
    if (join && join->join == QL_JOIN_SEMI) {
        ql_str last = last_table(b->plan->query, join->left);
        snprintf(match, sizeof match, "FirstMatch(%.*s)", (int)last.n, last.p);
        parts[k++] = match;
    }
    if (join && join->kind == QL_P_HASH_JOIN) {
        parts[k++] = "Using join buffer (hash join)";
    }
    ql_status st = QL_OK;
    for (int i = 0; i < k && st == QL_OK; i++) {
        st = ql_buf_put_str(cx, &buf, i ? "; " : "");
        st = st == QL_OK ? ql_buf_put_str(cx, &buf, parts[i]) : st;
    }
    QL_TRY(text_made(b->x, st, &buf, out));
    *out = k ? *out : ql_value_null();
    return QL_OK;
}

static ql_status
begin_row(block *b, ql_value **row)
{
    QL_TRY(new_row(b->x, row));
    (*row)[0] = b->id ? ql_value_int(b->id) : ql_value_null();
    (*row)[1] = text(b->x, b->type);
    return QL_OK;
}

/* "UPDATE", "DELETE" of a table whose rows are changed. */
static const char *
change_of(const block *b, uint16_t source)
{
    const ql_explained *w = b->x->x.what;
    for (uint16_t i = 0; b->top && i < w->ntargets; i++) {
        if (w->targets[i] == source) {
            return w->kind == QL_S_UPDATE ? "UPDATE" : "DELETE";
        }
    }
    return NULL;
}

static void
estimates(block *b, const ql_plan *n, ql_value *row)
{
    char percent[QL_VALUE_TEXT_MAX];
    double read = n->est_read > n->est_rows ? n->est_read : n->est_rows;
    read = read < 1 ? 1 : read;
    percent[ql_double_print_fixed(n->est_rows / read * 100, 2, percent)] = '\0';
    row[9] = ql_value_uint((uint64_t)read);
    row[10] = text(b->x, percent);
}

static ql_status
explain_source(block *b, const ql_plan *n, const ql_plan *join)
{
    const ql_query *q = b->plan->query;
    const ql_source *s = &q->sources[n->source];
    ql_value *row;
    char name[300];
    QL_TRY(begin_row(b, &row));
    if (change_of(b, n->source)) {
        row[1] = text(b->x, change_of(b, n->source));
    }
    if (n->kind == QL_P_DERIVED) {
        snprintf(name, sizeof(name), "<derived%lld>",
                 (long long)qli_explain_id(&b->x->x, s->derived));
    } else {
        ql_str table = ql_source_name(s);
        snprintf(name, sizeof(name), "%.*s", (int)table.n, table.p);
    }
    row[2] = text(b->x, name);
    QL_TRY(n->kind == QL_P_INDEX_MERGE ? describe_merge(b->x, q, n, row)
                                       : describe_index(b->x, q, n, row));
    estimates(b, n, row);
    QL_TRY(extra_of(b, n, join, &row[11]));
    b->first = false;
    return n->kind == QL_P_DERIVED && !qli_explain_is_elsewhere(&b->x->x, s->derived)
               ? explain_block(b->x, n->sub,
                               s->derived->correlated ? "DEPENDENT DERIVED" : "DERIVED", false)
               : QL_OK;
}

static ql_status
explain_message(block *b, const char *message)
{
    ql_value *row;
    QL_TRY(begin_row(b, &row));
    row[11] = text(b->x, message);
    return QL_OK;
}

/* A row for each end that has to be looked for; one for all when each is the first or last entry.
 */
static ql_status
explain_ends(block *b, const ql_plan *n)
{
    if (!qli_ends_filtered(n)) {
        return explain_message(b, "Select tables optimized away");
    }
    for (; n; n = n->right) {
        QL_TRY(explain_source(b, n->left, NULL));
    }
    return QL_OK;
}

static ql_status
explain_node(block *b, const ql_plan *n, const ql_plan *join)
{
    switch (n->kind) {
    case QL_P_SCAN:
    case QL_P_DERIVED:
    case QL_P_INDEX_MERGE:
        return explain_source(b, n, join);
    case QL_P_NESTED_JOIN:
    case QL_P_HASH_JOIN:
        QL_TRY(explain_node(b, n->left, NULL));
        return explain_node(b, n->right, n);
    case QL_P_ONE_ROW:
        return explain_message(b, "No tables used");
    case QL_P_NEVER:
        return explain_message(b, "Impossible WHERE");
    case QL_P_ENDS:
        return explain_ends(b, n);
    case QL_P_SORT:
        b->sorts = true;
        break;
    case QL_P_GROUP:
        b->groups = b->plan->query->ngroup > 0 && !n->ordered;
        break;
    case QL_P_DISTINCT:
        b->groups = !n->ordered && n->nkeys == 0;
        b->weeds = n->nkeys > 0 && n->left->left == NULL;
        break;
    default:
        break;
    }
    return n->left ? explain_node(b, n->left, join) : QL_OK;
}

static ql_status
explain_subquery(void *arg, const ql_query *q)
{
    explainer *x = arg;
    const ql_block_plan *p;
    QL_TRY(qli_explain_plan(&x->x, q, &p));
    return explain_block(x, p, q->correlated ? "DEPENDENT SUBQUERY" : "SUBQUERY", false);
}

/* Subqueries in the expressions of a block. */
static ql_status
explain_subqueries(explainer *x, const ql_query *q)
{
    QL_TRY(qli_explain_items_queries(&x->x, q, explain_subquery, x));
    return qli_explain_other_queries(&x->x, q, explain_subquery, x);
}

static ql_status
expr_has_query(explainer *x, const ql_expr *e, bool *yes)
{
    *yes = e && e->query;
    QL_TRY(ql_bulk_node(x->x.cx));
    for (uint32_t i = 0; e && i < e->nargs && !*yes; i++) {
        QL_TRY(expr_has_query(x, e->args[i], yes));
    }
    return QL_OK;
}

static ql_status
is_simple(explainer *x, const ql_query *q, bool *yes)
{
    bool query = q->nknown > 0;
    for (uint16_t i = 0; i < q->nsources && !query; i++) {
        query = q->sources[i].derived != NULL;
    }
    for (uint16_t i = 0; i < q->nitems && !query; i++) {
        QL_TRY(expr_has_query(x, q->items[i].expr, &query));
    }
    if (!query) {
        QL_TRY(expr_has_query(x, q->where, &query));
    }
    if (!query) {
        QL_TRY(expr_has_query(x, q->having, &query));
    }
    *yes = !query;
    return QL_OK;
}

static ql_status
explain_union(explainer *x, const ql_block_plan *p, const ql_plan *set, const char *type)
{
    ql_value *row;
    char name[64];
    int64_t first = qli_explain_id(&x->x, set->sub->query);
    int64_t second = qli_explain_id(&x->x, set->sub2->query);
    QL_TRY(explain_block(x, set->sub, type, false));
    QL_TRY(explain_block(x, set->sub2, "UNION", false));
    if (!set->set_distinct && p->root == set) {
        return QL_OK;
    }
    snprintf(name, sizeof(name), "<union%lld,%lld>", (long long)first, (long long)second);
    QL_TRY(new_row(x, &row));
    row[0] = ql_value_int(second + 1);
    row[1] = text(x, "UNION RESULT");
    row[2] = text(x, name);
    row[4] = text(x, "ALL");
    row[11] =
        text(x, p->root == set || p->root->kind != QL_P_SORT ? "Using temporary"
                                                             : "Using temporary; Using filesort");
    return QL_OK;
}

static ql_status
explain_block(explainer *x, const ql_block_plan *p, const char *type, bool top)
{
    QL_TRY(ql_check(x->x.cx));
    const ql_plan *n = p->root;
    while (n && (n->kind == QL_P_SORT || n->kind == QL_P_LIMIT)) {
        n = n->left;
    }
    if (n && n->kind == QL_P_SET_OP) {
        return explain_union(x, p, n, top ? "PRIMARY" : type);
    }
    block b = {.x = x, .plan = p, .id = qli_explain_id(&x->x, p->query), .first = true, .top = top};
    bool simple;
    QL_TRY(is_simple(x, p->query, &simple));
    b.type = !top ? type : simple ? "SIMPLE" : "PRIMARY";
    QL_TRY(p->limit_is_zero ? explain_message(&b, "Zero limit") : explain_node(&b, p->root, NULL));
    return explain_subqueries(x, p->query);
}

/* The table that rows are put into. */
static ql_status
explain_insert(explainer *x, const ql_explained *e)
{
    ql_value *row;
    QL_TRY(new_row(x, &row));
    row[0] = ql_value_int(1);
    row[1] = text(x, e->replace ? "REPLACE" : "INSERT");
    row[2] = text(x, ql_arena_strndup(x->x.cx, x->x.a, e->into->name.p, e->into->name.n));
    row[4] = text(x, "ALL");
    return QL_OK;
}

ql_status
ql_explain_rows(ql_ctx *cx, const ql_explained *e, ql_value ***rows, size_t *n)
{
    explainer x = {0};
    QL_TRY(qli_explain_begin(&x.x, cx, e));
    if (e->into) {
        QL_TRY(explain_insert(&x, e));
    }
    if (e->plan) {
        QL_TRY(explain_block(&x, e->plan, "PRIMARY", true));
        QL_TRY(qli_explain_beside_queries(&x.x, explain_subquery, &x));
    }
    *rows = x.rows;
    *n = x.n;
    return x.out_of_memory ? QL_ERROR : QL_OK;
}
