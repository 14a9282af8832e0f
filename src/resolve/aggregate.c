/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions: each distinct call is one entry of its block with a slot for the result.
 */
#include "resolve/resolve_int.h"

static bool
expr_has_aggregate(const ql_ast_expr *e)
{
    if (!e) {
        return false;
    }
    if (e->kind == QL_A_GROUP_CONCAT ||
        (e->kind == QL_A_FUNC && !e->schema.n && qli_agg_find(e->name) >= 0)) {
        return true;
    }
    for (uint32_t i = 0; i < e->args.n; i++) {
        if (expr_has_aggregate(e->args.v[i])) {
            return true;
        }
    }
    return false;
}

bool
qli_ast_has_aggregate(const ql_ast_select *s)
{
    for (uint32_t i = 0; i < s->nitems; i++) {
        if (expr_has_aggregate(s->items[i].expr)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < s->order_by.n; i++) {
        if (expr_has_aggregate(s->order_by.v[i].expr)) {
            return true;
        }
    }
    return expr_has_aggregate(s->having);
}

static ql_type
sum_type(const ql_expr *a, bool average, unsigned increment)
{
    if (a->type.kind == QL_K_INT || a->type.kind == QL_K_NULL) {
        unsigned d = qli_int_digits(&a->type);
        return average ? ql_type_decimal(d + increment, increment) : ql_type_decimal(d + 22, 0);
    }
    if (a->type.kind == QL_K_DECIMAL) {
        unsigned p = a->type.length, s = a->type.decimals;
        return average ? ql_type_decimal(p + increment, s + increment) : ql_type_decimal(p + 22, s);
    }
    return ql_type_double();
}

/* Argument kinds and the result type. */
static ql_status
type_aggregate(qli_res *r, qli_scope *sc, ql_agg *g)
{
    unsigned inc = r->cx->vars ? (unsigned)r->cx->vars->div_precision_increment : 4;
    switch (g->fn) {
    case QL_AGG_COUNT_STAR:
    case QL_AGG_COUNT:
        g->type = ql_type_int(false);
        g->type.nullable = false;
        return QL_OK;
    case QL_AGG_SUM:
    case QL_AGG_AVG:
        QL_TRY(qli_to_number(r, sc, &g->args[0]));
        g->type = sum_type(g->args[0], g->fn == QL_AGG_AVG, inc);
        return QL_OK;
    case QL_AGG_STD_POP:
    case QL_AGG_STD_SAMP:
    case QL_AGG_VAR_POP:
    case QL_AGG_VAR_SAMP:
        g->type = ql_type_double();
        return qli_cast_kind(r, sc, &g->args[0], QL_K_DOUBLE);
    case QL_AGG_BIT_AND:
    case QL_AGG_BIT_OR:
    case QL_AGG_BIT_XOR:
        g->type = ql_type_int(true);
        g->type.nullable = false;
        return qli_cast_kind(r, sc, &g->args[0], QL_K_INT);
    case QL_AGG_GROUP_CONCAT: {
        const ql_collation *c;
        uint8_t co;
        for (uint32_t i = 0; i < g->nargs; i++) {
            QL_TRY(qli_cast_kind(r, sc, &g->args[i], QL_K_STRING));
        }
        QL_TRY(qli_coll_aggregate(r, g->args, g->nargs, "group_concat", &c, &co));
        g->type = ql_type_varchar(65535, c);
        g->type.field = QL_F_BLOB;
        return QL_OK;
    }
    default: /* MIN, MAX, ANY_VALUE */
        g->type = g->args[0]->type;
        if (g->type.kind == QL_K_NULL) {
            g->type = ql_type_varchar(0, qli_conn_coll(r));
            QL_TRY(qli_cast(r, sc, &g->args[0], &g->type));
        }
        if (g->type.field == QL_F_ENUM || g->type.field == QL_F_SET) {
            g->type.field = QL_F_STRING;
        }
        g->type.nullable = true;
        return QL_OK;
    }
}

static bool
same_aggregate(const ql_agg *a, const ql_agg *b)
{
    if (a->fn != b->fn || a->distinct != b->distinct || a->nargs != b->nargs || a->norder ||
        b->norder || a->fn == QL_AGG_GROUP_CONCAT) {
        return false;
    }
    for (uint32_t i = 0; i < a->nargs; i++) {
        if (!qli_expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

static ql_status
aggregate_slot(qli_res *r, qli_scope *sc, ql_agg *g, ql_expr **out)
{
    ql_query *q = sc->q;
    ql_expr *e = qli_node(r, QL_E_SLOT);
    if (!e) {
        return QL_ERROR;
    }
    uint16_t i = 0;
    for (; i < q->naggs && !same_aggregate(&q->aggs[i], g); i++) {
    }
    if (i == q->naggs) {
        QL_TRY(qli_new_slot(r, sc, (qli_slot){.kind = QLI_SLOT_AGG}, &g->type, &g->slot));
        if (q->naggs >= sc->cap_aggs) {
            uint32_t n = sc->cap_aggs ? sc->cap_aggs * 2 : 8;
            ql_agg *v = QL_ARENA_ARRAY(r->cx, r->a, ql_agg, n);
            if (!v) {
                return QL_ERROR;
            }
            for (uint16_t k = 0; k < q->naggs; k++) {
                v[k] = q->aggs[k];
            }
            q->aggs = v;
            sc->cap_aggs = n;
        }
        q->aggs[q->naggs++] = *g;
    }
    e->index = q->aggs[i].slot;
    e->type = q->aggs[i].type;
    e->coercibility = e->type.kind == QL_K_STRING ? 2 : 5;
    *out = e;
    return QL_OK;
}

ql_status
qli_agg_of_column(qli_res *r, qli_scope *sc, ql_expr *column, ql_expr **out)
{
    ql_agg g = {.fn = QL_AGG_ANY_VALUE, .nargs = 1};
    g.args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 1);
    if (!g.args) {
        return QL_ERROR;
    }
    g.args[0] = column;
    g.type = column->type;
    g.type.nullable = true;
    QL_TRY(aggregate_slot(r, sc, &g, out));
    (*out)->name = column->name;
    return QL_OK;
}

static ql_status
check_arity(qli_res *r, const ql_ast_expr *e, ql_agg_fn fn)
{
    bool many = fn == QL_AGG_GROUP_CONCAT || (fn == QL_AGG_COUNT && e->distinct);
    if (e->args.n < 1 || (e->args.n > 1 && !many)) {
        return ql_fail(r->cx, QL_ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)e->name.n, e->name.p) ?: "");
    }
    return QL_OK;
}

/* The innermost block that the arguments look at: 0 = the own one (also when they look at none). */
typedef struct reach {
    bool own;
    uint32_t nearest; /* of the enclosing ones, 0 = none */
} reach;

static ql_status
find_reach(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    reach *x = arg;
    (void)descend;
    if ((*e)->kind == QL_E_SLOT && depth == 0) {
        x->own = true;
    } else if ((*e)->kind == QL_E_OUTER && (*e)->depth >= depth) {
        uint32_t up = (*e)->depth - depth;
        x->own = x->own || up == 0;
        x->nearest = up > 0 && (x->nearest == 0 || up < x->nearest) ? up : x->nearest;
    }
    return QL_OK;
}

/* SUM(t.a) where t belongs to an enclosing block is that block's aggregate (SQL standard; manual,
 * "Subqueries"). */
static ql_status
owner_of(qli_res *r, const ql_agg *g, uint32_t *depth)
{
    reach x = {0};
    for (uint32_t i = 0; i < g->nargs; i++) {
        ql_expr *e = g->args[i];
        QL_TRY(qli_walk(r, &e, 0, find_reach, &x));
    }
    *depth = x.own ? 0 : x.nearest;
    return QL_OK;
}

static qli_scope *
enclosing(qli_scope *sc, uint32_t depth)
{
    while (depth-- > 0 && sc) {
        sc = sc->outer;
    }
    return sc;
}

static ql_status
outer_aggregate(qli_res *r, qli_scope *sc, uint32_t depth, const ql_ast_expr *e, ql_agg_fn fn,
                ql_expr **out)
{
    qli_scope *owner = enclosing(sc, depth);
    QL_TRY(qli_bind_agg(r, owner, e, fn, out));
    ql_expr *n = qli_node(r, QL_E_OUTER);
    if (!n) {
        return QL_ERROR;
    }
    owner->aggregated = true;
    *n = **out;
    n->depth = (*out)->kind == QL_E_OUTER ? (*out)->depth + depth : depth;
    n->kind = QL_E_OUTER;
    *out = n;
    return QL_OK;
}

ql_status
qli_bind_agg(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_agg_fn fn, ql_expr **out)
{
    if (!sc || sc->in_agg || (!sc->aggs_allowed && !sc->outer)) {
        return ql_fail(r->cx, QL_ER_INVALID_GROUP_FUNC_USE);
    }
    ql_agg g = {.fn = fn, .distinct = e->distinct};
    if (fn == QL_AGG_COUNT && e->args.n == 1 && e->args.v[0]->kind == QL_A_STAR) {
        g.fn = QL_AGG_COUNT_STAR;
    } else {
        QL_TRY(check_arity(r, e, fn));
        sc->in_agg = true;
        ql_status st = qli_bind_list(r, sc, &e->args, &g.args);
        if (st == QL_OK && e->order_by.n) {
            uint16_t n;
            st = qli_order_bind(r, sc, &e->order_by, false, &g.order, &n);
            g.norder = n;
        }
        sc->in_agg = false;
        QL_TRY(st);
        g.nargs = e->args.n;
        uint32_t depth;
        QL_TRY(owner_of(r, &g, &depth));
        /* Where its block has no aggregates (WHERE, ON) it is the own block's after all. */
        if (depth > 0 && (enclosing(sc, depth)->aggs_allowed || !sc->aggs_allowed)) {
            return outer_aggregate(r, sc, depth, e, fn, out);
        }
        for (uint32_t i = 0; i < g.nargs; i++) {
            QL_TRY(qli_require_scalar(r, g.args[i]));
        }
    }
    if (!sc->aggs_allowed) {
        return ql_fail(r->cx, QL_ER_INVALID_GROUP_FUNC_USE);
    }
    g.separator =
        e->kind == QL_A_GROUP_CONCAT && e->value.kind == QL_K_STRING ? e->value.s : QL_STR(",");
    QL_TRY(type_aggregate(r, sc, &g));
    return aggregate_slot(r, sc, &g, out);
}
