/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN in the traditional format (manual: "EXPLAIN Output Format"): one row for each table of
 * each query block, in the order in which they are read.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "plan/plan_int.h"

#define COLUMNS 12

typedef struct explainer {
    ql_ctx *cx;
    ql_arena *a;
    ql_value **rows;
    size_t n, cap;
    int64_t next_id;
    bool out_of_memory; /* met by text() */
} explainer;

/* One block on its way. */
typedef struct block {
    explainer *x;
    const ql_block_plan *plan;
    int64_t id;
    const char *type;
    bool sorts, groups, first;
} block;

static ql_status explain_block(explainer *x, const ql_block_plan *p, int64_t id, const char *type,
                               bool top);

static ql_value
text(explainer *x, const char *s)
{
    char *copy = s ? ql_arena_strndup(x->cx, x->a, s, strlen(s)) : NULL;
    x->out_of_memory = x->out_of_memory || (s && !copy);
    return copy ? ql_value_str((ql_str){copy, strlen(copy)}, ql_coll_default) : ql_value_null();
}

static ql_status
new_row(explainer *x, ql_value **out)
{
    if (x->n >= x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 16;
        ql_value **v = QL_ARENA_ARRAY(x->cx, x->a, ql_value *, cap);
        if (!v) {
            return QL_ERROR;
        }
        if (x->n) {
            memcpy(v, x->rows, sizeof(*v) * x->n);
        }
        x->rows = v;
        x->cap = cap;
    }
    ql_value *r = QL_ARENA_ARRAY(x->cx, x->a, ql_value, COLUMNS);
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

static const char *
access_name(const ql_plan *n)
{
    uint16_t fixed = 0;
    if (n->kind == QL_P_DERIVED || !n->index) {
        return "ALL";
    }
    while (fixed < n->low.n && fixed < n->high.n && n->low.values[fixed] == n->high.values[fixed]) {
        fixed++;
    }
    if (n->is_unique_lookup) {
        for (uint16_t i = 0; i < n->low.n; i++) {
            if (!n->low.values[i]->is_constant) {
                return "eq_ref";
            }
        }
        return "const";
    }
    if (fixed && fixed == n->low.n && fixed == n->high.n) {
        return "ref";
    }
    if (n->low.n || n->high.n) {
        return "range";
    }
    return n->index_only || n->index != NULL ? "index" : "ALL";
}

static uint32_t
part_length(const ql_table *t, const ql_index_part *part)
{
    const ql_type *ty = &t->columns[part->column].type;
    uint32_t n = ql_type_storage_bytes(ty);
    if (ty->kind == QL_K_STRING) { /* the part's characters; what varies has two bytes in front */
        n = (part->prefix ? part->prefix : ty->length) *
                (ty->coll == ql_coll_binary ? 1u : ty->coll->charset->max_bytes) +
            (ty->field == QL_F_STRING ? 0 : 2);
    }
    return n + ty->nullable;
}

static ql_status
describe_index(explainer *x, const ql_query *q, const ql_plan *n, ql_value *row)
{
    const ql_table *t = q->sources[n->source].table;
    const char *access = access_name(n);
    bool whole = !n->low.n && !n->high.n;
    if (!t || !n->index || n->index->hidden_rowid ||
        (whole && n->index == &t->indexes[0] && !n->reverse)) {
        row[4] = text(x, "ALL");
        return QL_OK;
    }
    char name[260];
    snprintf(name, sizeof(name), "%.*s", (int)n->index->name.n, n->index->name.p);
    uint32_t len = 0;
    uint16_t used = whole ? n->index->nparts : n->low.n > n->high.n ? n->low.n : n->high.n;
    for (uint16_t i = 0; i < used; i++) {
        len += part_length(t, &n->index->parts[i]);
    }
    char number[24];
    snprintf(number, sizeof(number), "%u", len);
    row[4] = text(x, access);
    row[5] = whole ? ql_value_null() : text(x, name);
    row[6] = text(x, name);
    row[7] = text(x, number);
    return QL_OK;
}

/* "const,db.t.a": what each equality compares with. */
static ql_status
describe_ref(explainer *x, const ql_query *q, const ql_plan *n, ql_value *row)
{
    ql_buf b = {0};
    ql_status st = QL_OK;
    const char *access = access_name(n);
    if (strcmp(access, "ref") != 0 && strcmp(access, "eq_ref") != 0 &&
        strcmp(access, "const") != 0) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < n->low.n; i++) {
        const ql_expr *e = n->low.values[i];
        QL_TRY_TO(st, i ? ql_buf_put_str(x->cx, &b, ",") : QL_OK, out);
        const ql_source *s = NULL;
        for (uint16_t k = 0; e->kind == QL_E_SLOT && k < q->nsources; k++) {
            for (uint16_t c = 0; c < q->sources[k].ncols; c++) {
                s = q->sources[k].slots[c] == e->index ? &q->sources[k] : s;
            }
        }
        if (s) {
            QL_TRY_TO(st,
                      ql_buf_printf(x->cx, &b, "%.*s%s%.*s.%.*s", (int)s->db.n,
                                    s->db.n ? s->db.p : "", s->db.n ? "." : "", (int)s->alias.n,
                                    s->alias.p, (int)e->name.n, e->name.n ? e->name.p : ""),
                      out);
        } else {
            QL_TRY_TO(st, ql_buf_put_str(x->cx, &b, e->is_constant ? "const" : "func"), out);
        }
    }
    QL_TRY_TO(st, ql_buf_put_u8(x->cx, &b, 0), out);
    row[8] = text(x, b.p);
out:
    ql_buf_free(&b);
    return st;
}

static ql_value
extra_of(block *b, const ql_plan *n, const ql_plan *join)
{
    char buf[200] = "";
    size_t len = 0;
    const char *parts[8];
    int k = 0;
    if (n->filter || (join && join->filter)) {
        parts[k++] = "Using where";
    }
    if (n->index_only) {
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
    if (join && join->kind == QL_P_HASH_JOIN) {
        parts[k++] = "Using join buffer (hash join)";
    }
    for (int i = 0; i < k; i++) {
        len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s%s", i ? "; " : "", parts[i]);
    }
    return k ? text(b->x, buf) : ql_value_null();
}

static ql_status
begin_row(block *b, ql_value **row)
{
    QL_TRY(new_row(b->x, row));
    (*row)[0] = b->id ? ql_value_int(b->id) : ql_value_null();
    (*row)[1] = text(b->x, b->type);
    return QL_OK;
}

static ql_status
explain_source(block *b, const ql_plan *n, const ql_plan *join)
{
    const ql_query *q = b->plan->query;
    const ql_source *s = &q->sources[n->source];
    ql_value *row;
    char name[300];
    int64_t sub_id = 0;
    QL_TRY(begin_row(b, &row));
    if (n->kind == QL_P_DERIVED) {
        sub_id = b->x->next_id++;
        snprintf(name, sizeof(name), "<derived%lld>", (long long)sub_id);
    } else {
        snprintf(name, sizeof(name), "%.*s", (int)s->alias.n, s->alias.p);
    }
    row[2] = text(b->x, name);
    QL_TRY(describe_index(b->x, q, n, row));
    if (n->index && row[6].kind != QL_K_NULL) {
        QL_TRY(describe_ref(b->x, q, n, row));
    }
    row[9] = ql_value_uint((uint64_t)(n->est_rows < 1 ? 1 : n->est_rows));
    row[10] = text(b->x, "100.00");
    row[11] = extra_of(b, n, join);
    b->first = false;
    return sub_id ? explain_block(b->x, n->sub, sub_id,
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

static ql_status
explain_node(block *b, const ql_plan *n, const ql_plan *join)
{
    switch (n->kind) {
    case QL_P_SCAN:
    case QL_P_DERIVED:
        return explain_source(b, n, join);
    case QL_P_NESTED_JOIN:
    case QL_P_HASH_JOIN:
        QL_TRY(explain_node(b, n->left, NULL));
        return explain_node(b, n->right, n);
    case QL_P_ONE_ROW:
        return explain_message(b, "No tables used");
    case QL_P_NEVER:
        return explain_message(b, "Impossible WHERE");
    case QL_P_SORT:
        b->sorts = true;
        break;
    case QL_P_GROUP:
        b->groups = b->plan->query->ngroup > 0;
        break;
    case QL_P_DISTINCT:
        b->groups = true;
        break;
    default:
        break;
    }
    return n->left ? explain_node(b, n->left, join) : QL_OK;
}

static ql_status
explain_expr(explainer *x, const ql_expr *e)
{
    if (!e) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(x->cx));
    for (uint32_t i = 0; i < e->nargs; i++) {
        QL_TRY(explain_expr(x, e->args[i]));
    }
    if (!e->query) {
        return QL_OK;
    }
    ql_block_plan *p;
    QL_TRY(ql_plan_query(x->cx, e->query, &p));
    return explain_block(x, p, x->next_id++,
                         e->query->correlated ? "DEPENDENT SUBQUERY" : "SUBQUERY", false);
}

static ql_status
explain_joins(explainer *x, const ql_join_tree *t)
{
    if (!t || t->is_leaf) {
        return QL_OK;
    }
    QL_TRY(explain_joins(x, t->left));
    QL_TRY(explain_joins(x, t->right));
    return explain_expr(x, t->on);
}

/* Subqueries in the expressions of a block. */
static ql_status
explain_subqueries(explainer *x, const ql_query *q)
{
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(explain_expr(x, q->items[i].expr));
    }
    QL_TRY(explain_joins(x, q->from));
    QL_TRY(explain_expr(x, q->where));
    for (uint16_t i = 0; i < q->naggs; i++) {
        for (uint32_t k = 0; k < q->aggs[i].nargs; k++) {
            QL_TRY(explain_expr(x, q->aggs[i].args[k]));
        }
    }
    return explain_expr(x, q->having);
}

static ql_status
expr_has_query(explainer *x, const ql_expr *e, bool *yes)
{
    *yes = e && e->query;
    QL_TRY(ql_bulk_node(x->cx));
    for (uint32_t i = 0; e && i < e->nargs && !*yes; i++) {
        QL_TRY(expr_has_query(x, e->args[i], yes));
    }
    return QL_OK;
}

static ql_status
is_simple(explainer *x, const ql_query *q, bool *yes)
{
    bool query = false;
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
explain_union(explainer *x, const ql_block_plan *p, const ql_plan *set, int64_t id,
              const char *type)
{
    int64_t second;
    ql_value *row;
    char name[64];
    QL_TRY(explain_block(x, set->sub, id, type, false));
    second = x->next_id++;
    QL_TRY(explain_block(x, set->sub2, second, "UNION", false));
    if (!set->set_distinct && p->root == set) {
        return QL_OK;
    }
    snprintf(name, sizeof(name), "<union%lld,%lld>", (long long)id, (long long)second);
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
explain_block(explainer *x, const ql_block_plan *p, int64_t id, const char *type, bool top)
{
    QL_TRY(ql_check(x->cx));
    const ql_plan *n = p->root;
    while (n && (n->kind == QL_P_SORT || n->kind == QL_P_LIMIT)) {
        n = n->left;
    }
    if (n && n->kind == QL_P_SET_OP) {
        return explain_union(x, p, n, id, top ? "PRIMARY" : type);
    }
    block b = {.x = x, .plan = p, .id = id, .first = true};
    bool simple;
    QL_TRY(is_simple(x, p->query, &simple));
    b.type = !top ? type : simple ? "SIMPLE" : "PRIMARY";
    QL_TRY(explain_node(&b, p->root, NULL));
    return explain_subqueries(x, p->query);
}

ql_status
ql_plan_explain(ql_ctx *cx, const ql_block_plan *p, ql_value ***rows, size_t *n)
{
    explainer x = {.cx = cx, .a = cx->arena, .next_id = 2};
    QL_TRY(explain_block(&x, p, 1, "PRIMARY", true));
    *rows = x.rows;
    *n = x.n;
    return x.out_of_memory ? QL_ERROR : QL_OK;
}
