/* SPDX-License-Identifier: Apache-2.0
 *
 * Query blocks: FROM, WHERE, select list, GROUP BY, HAVING, ORDER BY, LIMIT in the order in which
 * names become visible; UNION; WITH. Grouping itself is in group.c, the select list in item.c.
 */
#include "base/text.h"
#include "base/thread.h"
#include "resolve/resolve_int.h"

ql_status
qli_limit_bind(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    *out = NULL;
    if (!e) {
        return QL_OK;
    }
    qli_clause saved = sc->clause;
    sc->clause = QLI_CL_LIMIT;
    QL_TRY(qli_bind(r, sc, e, out));
    sc->clause = saved;
    if (!(*out)->is_constant) {
        return ql_fail(r->cx, QL_ER_WRONG_ARGUMENTS, "LIMIT");
    }
    if ((*out)->kind == QL_E_CONST && !r->preparing) {
        const ql_value *v = &(*out)->value;
        if (v->kind != QL_K_INT || (!v->is_unsigned && v->i < 0)) {
            QL_TRY(qli_cast_kind(r, sc, out, QL_K_INT));
            v = &(*out)->value;
            if (v->kind != QL_K_INT || (!v->is_unsigned && v->i < 0)) {
                return ql_fail(r->cx, QL_ER_WRONG_ARGUMENTS, "LIMIT");
            }
        }
    }
    return QL_OK;
}

/* ORDER BY n names the n-th select item. */
static bool
is_position(const ql_ast_expr *e, uint64_t *n)
{
    if (e->kind != QL_A_LITERAL || e->value.kind != QL_K_INT) {
        return false;
    }
    *n = e->value.u;
    return true;
}

static ql_status
order_key(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool with_aliases, ql_expr **out)
{
    uint64_t n;
    if (with_aliases && is_position(e, &n)) {
        if (n < 1 || n > sc->q->nitems) {
            return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR,
                           ql_arena_printf(r->cx, r->a, "%llu", (unsigned long long)n) ?: "",
                           qli_clause_name(sc->clause));
        }
        *out = sc->q->items[n - 1].expr;
        return QL_OK;
    }
    if (with_aliases && e->kind == QL_A_COLUMN && !e->table.n) {
        bool found;
        QL_TRY(qli_item_lookup(r, sc, e, &found, out));
        if (found) {
            return QL_OK;
        }
    }
    QL_TRY(qli_bind(r, sc, e, out));
    return qli_require_scalar(r, *out);
}

ql_status
qli_order_bind(qli_res *r, qli_scope *sc, const ql_ast_orders *o, bool with_aliases,
               ql_sort_key **keys, uint16_t *n)
{
    qli_clause saved = sc->clause;
    sc->clause = QLI_CL_ORDER;
    *keys = QL_ARENA_ARRAY(r->cx, r->a, ql_sort_key, o->n + 1);
    if (!*keys) {
        return QL_ERROR;
    }
    *n = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        ql_expr *e;
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(order_key(r, sc, o->v[i].expr, with_aliases, &e));
        if (e->kind != QL_E_CONST && e->kind != QL_E_PARAM) {
            if (*n == UINT16_MAX) {
                return ql_fail(r->cx, QL_ER_TOO_MANY_FIELDS);
            }
            (*keys)[(*n)++] = (ql_sort_key){.expr = e, .descending = o->v[i].descending};
        }
    }
    sc->clause = saved;
    return QL_OK;
}

/* DISTINCT keeps the select list only: what ORDER BY uses beyond it has no single value. */
typedef struct distinct_check {
    qli_res *r;
    qli_scope *sc;
    uint32_t number;
} distinct_check;

static ql_status
check_in_items(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    distinct_check *d = arg;
    if (depth) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < d->sc->q->nitems; i++) {
        bool same;
        QL_TRY(qli_expr_equal(d->r, *e, d->sc->q->items[i].expr, &same));
        if (same) {
            *descend = false;
            return QL_OK;
        }
    }
    if ((*e)->kind != QL_E_SLOT || d->sc->slots[(*e)->index].kind != QLI_SLOT_COLUMN) {
        return QL_OK;
    }
    const qli_slot *s = &d->sc->slots[(*e)->index];
    const ql_source *src = &d->sc->q->sources[s->source];
    ql_str name = qli_base_name(d->sc, s->source, s->column);
    return ql_fail(d->r->cx, QL_ER_FIELD_IN_ORDER_NOT_SELECT, d->number, "ORDER BY clause",
                   ql_arena_printf(d->r->cx, d->r->a, "%.*s%s%.*s.%.*s", (int)src->db.n,
                                   src->db.p ?: "", src->db.n ? "." : "", (int)src->alias.n,
                                   src->alias.p, (int)name.n, name.p)
                       ?: "",
                   "DISTINCT");
}

static ql_status
check_distinct_order(qli_res *r, qli_scope *sc)
{
    ql_query *q = sc->q;
    if (!q->distinct || !r->cx->vars || !(r->cx->vars->sql_mode & QL_MODE_ONLY_FULL_GROUP_BY)) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < q->norder; i++) {
        distinct_check d = {r, sc, i + 1u};
        ql_expr *e = q->order_by[i].expr;
        QL_TRY(qli_walk(r, &e, 0, check_in_items, &d));
    }
    return QL_OK;
}

ql_status
qli_and_onto(qli_res *r, qli_scope *sc, ql_expr **into, ql_expr *e)
{
    if (e == NULL || *into == NULL) {
        *into = *into != NULL ? *into : e;
        return QL_OK;
    }
    return qli_and(r, sc, *into, e, into);
}

ql_status
qli_where_add(qli_res *r, qli_scope *sc, const ql_ast_expr *where)
{
    ql_expr *e = NULL;
    sc->clause = QLI_CL_WHERE;
    if (where) {
        QL_TRY(qli_bind_cond(r, sc, where, &e));
        QL_TRY(qli_and_onto(r, sc, &sc->q->where, e));
    }
    QL_TRY(sc->q->where ? qli_key_expressions(r, sc) : QL_OK);
    sc->clause = QLI_CL_FIELDS;
    return QL_OK;
}

static ql_status
bind_having(qli_res *r, qli_scope *sc, const ql_ast_expr *having)
{
    if (!having) {
        return QL_OK;
    }
    sc->clause = QLI_CL_HAVING;
    QL_TRY(qli_bind_cond(r, sc, having, &sc->q->having));
    sc->clause = QLI_CL_FIELDS;
    return QL_OK;
}

static ql_status
check_found_rows(qli_res *r, const ql_ast_select *s)
{
    if (!s->sql_calc_found_rows) {
        return QL_OK;
    }
    if (s != r->first) {
        return ql_fail(r->cx, QL_ER_CANT_USE_OPTION_HERE, "SQL_CALC_FOUND_ROWS");
    }
    ql_warn_text(r->cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX,
                 "SQL_CALC_FOUND_ROWS is deprecated and will be removed in a future release. "
                 "Consider using two separate queries instead.");
    return QL_OK;
}

/* SELECT ... INTO @a: names are kept, exec assigns. */
static ql_status
bind_block(qli_res *r, qli_scope *sc, const ql_ast_select *s)
{
    ql_query *q = sc->q;
    if (s->with_rollup) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "WITH ROLLUP");
    }
    QL_TRY(check_found_rows(r, s));
    sc->ast = s;
    QL_TRY(qli_hints_begin(r, sc, &s->hints));
    QL_TRY(qli_ast_has_aggregate(r, s, &sc->aggregated));
    sc->aggregated = sc->aggregated || s->group_by.n;
    q->distinct = s->distinct;
    QL_TRY(qli_from_bind(r, sc, s->from));
    QL_TRY(qli_locking_bind(r, q, s));
    QL_TRY(qli_where_add(r, sc, s->where));
    sc->aggs_allowed = true;
    QL_TRY(qli_items_bind(r, sc, s));
    sc->aggs_allowed = false;
    QL_TRY(qli_group_bind(r, sc, &s->group_by));
    sc->aggs_allowed = true;
    QL_TRY(bind_having(r, sc, s->having));
    QL_TRY(qli_order_bind(r, sc, &s->order_by, true, &q->order_by, &q->norder));
    sc->aggs_allowed = false;
    QL_TRY(check_distinct_order(r, sc));
    QL_TRY(qli_group_finish(r, sc));
    QL_TRY(qli_limit_bind(r, sc, s->limit, &q->limit));
    QL_TRY(qli_limit_bind(r, sc, s->offset, &q->offset));
    return qli_scope_finish(r, sc);
}

/* --- UNION --- */

static ql_status
union_items(qli_res *r, qli_scope *sc, ql_query *q)
{
    const ql_query *l = q->left, *rt = q->right;
    q->items = QL_ARENA_ARRAY(r->cx, r->a, ql_item, l->nitems + 1u);
    if (!q->items) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < l->nitems; i++) {
        ql_type t[2] = {l->items[i].expr->type, rt->items[i].expr->type}, common;
        uint8_t co[2] = {l->items[i].expr->coercibility, rt->items[i].expr->coercibility};
        uint16_t slot;
        QL_TRY(qli_common_of_types(r, t, co, 2, "UNION", &common));
        QL_TRY(qli_new_slot(r, sc, (qli_slot){QLI_SLOT_COLUMN, 0, i}, &common, &slot));
        ql_expr *e = qli_node(r, QL_E_SLOT);
        if (!e) {
            return QL_ERROR;
        }
        e->index = slot;
        e->type = common;
        e->name = l->items[i].column.name;
        e->coercibility = common.kind == QL_K_STRING ? 2 : common.kind == QL_K_NULL ? 6 : 5;
        q->items[i].expr = e;
        ql_result_column *c = &q->items[i].column;
        qli_column_describe(r, sc, e, l->items[i].column.name, c);
        if (c->type.kind == QL_K_INT) { /* as the arms were told, with their signs */
            uint32_t a = l->items[i].column.type.length, b = rt->items[i].column.type.length;
            c->type.length = a > b ? a : b;
        }
    }
    q->nitems = l->nitems;
    return QL_OK;
}

/* Arms yield the common type: casts at the top of their items, down to the blocks. */
static ql_status
cast_items(qli_res *r, ql_query *arm, const ql_query *q)
{
    if (arm->set_op != QL_SET_NONE) {
        QL_TRY(cast_items(r, arm->left, q));
        QL_TRY(cast_items(r, arm->right, q));
        for (uint16_t i = 0; i < arm->norder; i++) {
            ql_expr *e = arm->order_by[i].expr;
            if (e->kind != QL_E_SLOT) {
                return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET,
                               "expressions in ORDER BY of a nested UNION");
            }
            e->type = q->items[e->index].expr->type;
        }
        for (uint16_t i = 0; i < arm->nitems; i++) {
            ql_type t = q->items[i].expr->type;
            arm->items[i].expr->type = arm->slot_types[i] = arm->items[i].column.type = t;
        }
        return QL_OK;
    }
    for (uint16_t i = 0; i < arm->nitems; i++) {
        const ql_type *t = &q->items[i].expr->type;
        QL_TRY(qli_cast(r, NULL, &arm->items[i].expr, t));
    }
    return QL_OK;
}

static ql_status
bind_union(qli_res *r, qli_scope *sc, const ql_ast_select *s, qli_union *up)
{
    ql_query *q = sc->q;
    qli_union *u = QL_ARENA_NEW(r->cx, r->a, qli_union);
    if (!u) {
        return QL_ERROR;
    }
    u->q = q;
    u->up = up;
    if (s->set_op == QL_SET_EXCEPT || s->set_op == QL_SET_INTERSECT) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET,
                       s->set_op == QL_SET_EXCEPT ? "EXCEPT" : "INTERSECT");
    }
    q->set_op = s->set_op;
    QL_TRY(qli_query_bind(r, s->left, sc->outer, u, &q->left));
    QL_TRY(qli_query_bind(r, s->right, sc->outer, u, &q->right));
    if (q->left->nitems != q->right->nitems) {
        return ql_fail(r->cx, QL_ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT);
    }
    QL_TRY(qli_locking_bind(r, q, s));
    QL_TRY(union_items(r, sc, q));
    QL_TRY(cast_items(r, q->left, q));
    QL_TRY(cast_items(r, q->right, q));
    ql_result_column *given = QL_ARENA_ARRAY(r->cx, r->a, ql_result_column, q->nitems + 1u);
    if (!given) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->nitems; i++) {
        given[i] = q->items[i].column;
    }
    sc->given = given;
    sc->ngiven = q->nitems;
    sc->items_bound = true;
    QL_TRY(qli_order_bind(r, sc, &s->order_by, true, &q->order_by, &q->norder));
    QL_TRY(qli_limit_bind(r, sc, s->limit, &q->limit));
    return qli_limit_bind(r, sc, s->offset, &q->offset);
}

/* --- WITH --- */

static int
compare_ctes(const void *a, const void *b)
{
    return ql_name_order((*(const ql_ast_cte *const *)a)->name,
                         (*(const ql_ast_cte *const *)b)->name);
}

/* The first one in the text whose name another one before it has; NULL = none. */
static ql_status
find_repeated_cte(qli_res *r, const ql_ast_select *s, const ql_ast_cte **found)
{
    const ql_ast_cte **v = QL_ARENA_ARRAY(r->cx, r->a, const ql_ast_cte *, s->nctes + 1u);
    *found = NULL;
    if (!v) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < s->nctes; i++) {
        v[i] = &s->ctes[i];
        QL_TRY(ql_bulk_node(r->cx));
    }
    QL_TRY(ql_bulk_sort(r->cx, r->a, v, s->nctes, sizeof *v, compare_ctes));
    for (uint32_t i = 1; i < s->nctes; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        if (compare_ctes(&v[i - 1], &v[i]) == 0 && (*found == NULL || v[i] < *found)) {
            *found = v[i];
        }
    }
    return QL_OK;
}

static ql_status
push_ctes(qli_res *r, qli_scope *sc, const ql_ast_select *s)
{
    const ql_ast_cte *repeated;
    if (s->nctes == 0) {
        return QL_OK;
    }
    if (s->recursive) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "WITH RECURSIVE");
    }
    QL_TRY(find_repeated_cte(r, s, &repeated));
    if (repeated != NULL) {
        return ql_fail(r->cx, QL_ER_NONUNIQ_TABLE,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)repeated->name.n, repeated->name.p)
                           ?: "");
    }
    for (uint32_t i = 0; i < s->nctes; i++) {
        qli_cte *c = QL_ARENA_NEW(r->cx, r->a, qli_cte);
        if (!c) {
            return QL_ERROR;
        }
        c->ast = &s->ctes[i];
        c->shared = QL_ARENA_NEW(r->cx, r->a, ql_cte);
        if (!c->shared) {
            return QL_ERROR;
        }
        c->shared->name = c->ast->name;
        c->scope = sc;
        c->next = r->ctes;
        r->ctes = c;
    }
    return QL_OK;
}

ql_status
qli_query_bind(qli_res *r, const ql_ast_select *s, qli_scope *outer, qli_union *unions,
               ql_query **out)
{
    qli_scope *sc;
    if (ql_thread_stack_left() < 65536) {
        return ql_fail(r->cx, QL_ER_STACK_OVERRUN_NEED_MORE, 65536l);
    }
    QL_TRY(qli_scope_new(r, outer, &sc));
    sc->unions = unions;
    qli_cte *ctes = r->ctes;
    QL_TRY(push_ctes(r, sc, s));
    ql_status st = s->set_op != QL_SET_NONE ? bind_union(r, sc, s, unions) : bind_block(r, sc, s);
    r->ctes = ctes;
    *out = sc->q;
    return st;
}
