/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions: each distinct call is one entry of its block with a slot for the result.
 */
#include "resolve/resolve_int.h"
#include "json/json.h"

static ql_status
expr_has_aggregate(qli_res *r, const ql_ast_expr *e, bool *found)
{
    *found = false;
    if (!e) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(r->cx));
    *found = e->kind == QL_A_GROUP_CONCAT ||
             (e->kind == QL_A_FUNC && !e->schema.n && qli_agg_find(e->name) >= 0);
    for (uint32_t i = 0; i < e->args.n && !*found; i++) {
        QL_TRY(expr_has_aggregate(r, e->args.v[i], found));
    }
    return QL_OK;
}

ql_status
qli_ast_has_aggregate(qli_res *r, const ql_ast_select *s, bool *found)
{
    *found = false;
    for (uint32_t i = 0; i < s->nitems && !*found; i++) {
        QL_TRY(expr_has_aggregate(r, s->items[i].expr, found));
    }
    for (uint32_t i = 0; i < s->order_by.n && !*found; i++) {
        QL_TRY(expr_has_aggregate(r, s->order_by.v[i].expr, found));
    }
    return *found ? QL_OK : expr_has_aggregate(r, s->having, found);
}

static ql_type
sum_type(const ql_expr *a, bool average, unsigned increment)
{
    if (a->type.kind == QL_K_INT || a->type.kind == QL_K_NULL) {
        unsigned d = ql_type_int_digits(&a->type);
        return average ? ql_type_decimal(d + increment, increment) : ql_type_decimal(d + 22, 0);
    }
    if (a->type.kind == QL_K_DECIMAL) {
        unsigned p = a->type.length, s = a->type.decimals;
        return average ? ql_type_decimal(p + increment, s + increment) : ql_type_decimal(p + 22, s);
    }
    ql_type t = ql_type_double();
    if (a->type.kind == QL_K_DOUBLE && a->type.decimals < QL_DECIMALS_DOUBLE) {
        unsigned d = a->type.decimals + (average ? increment : 0);
        if (d < QL_DECIMALS_DOUBLE) {
            t.decimals = (uint8_t)d;
            t.length = average ? a->type.length + increment : QLI_DOUBLE_DIGITS + d;
        }
    }
    return t;
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
        QL_TRY(qli_coll_apply(r, sc, g->args, g->nargs, "group_concat", c));
        g->type = ql_type_varchar(65535, c);
        g->type.field = QL_F_BLOB;
        return QL_OK;
    }
    case QL_AGG_JSON_ARRAY:
    case QL_AGG_JSON_OBJECT:
        QL_TRY(g->nargs > 1 && g->args[0]->type.kind != QL_K_NULL
                   ? qli_cast_kind(r, sc, &g->args[0], QL_K_STRING)
                   : QL_OK);
        g->type = ql_type_json();
        QL_TRY(qli_list_to_text(r, sc, &g->args[g->nargs - 1]));
        return qli_truth_as_json(r, sc, &g->args[g->nargs - 1]);
    default:                                          /* MIN, MAX, ANY_VALUE */
        QL_TRY(qli_list_to_text(r, sc, &g->args[0])); /* by the names, not by the numbers */
        g->type = g->args[0]->type;
        g->type.zerofill = 0;
        if (g->type.bits != 0 && g->fn != QL_AGG_ANY_VALUE) {
            g->type = ql_type_int(true); /* a number, not bytes */
        }
        if (g->type.kind == QL_K_NULL) {
            g->type = ql_type_varchar(0, qli_conn_coll(r));
            QL_TRY(qli_cast(r, sc, &g->args[0], &g->type));
        }
        g->type.nullable = true;
        return QL_OK;
    }
}

/* Calls that never share an entry with another one. */
static bool
is_single(const ql_agg *g)
{
    return g->norder || g->fn == QL_AGG_GROUP_CONCAT;
}

static ql_status
same_aggregate(qli_res *r, const ql_agg *a, const ql_agg *b, bool *same)
{
    *same = a->fn == b->fn && a->distinct == b->distinct && a->nargs == b->nargs && !is_single(a) &&
            !is_single(b);
    for (uint32_t i = 0; i < a->nargs && *same; i++) {
        QL_TRY(qli_expr_equal(r, a->args[i], b->args[i], same));
        *same = *same && a->args[i]->type.coll == b->args[i]->type.coll; /* COLLATE on a column */
    }
    return QL_OK;
}

static ql_status
hash_aggregate(qli_res *r, const ql_agg *g, uint64_t *hash)
{
    *hash = (uint64_t)g->fn << 1 | (uint64_t)g->distinct;
    for (uint32_t i = 0; i < g->nargs; i++) {
        QL_TRY(qli_expr_hash(r, g->args[i], *hash, hash));
    }
    return QL_OK;
}

/* Chains by hash; numbers from 1, 0 = end. As large as the room for aggregates. */
typedef struct qli_agg_index {
    uint64_t *hashes;
    uint16_t *heads, *next;
} qli_agg_index;

static void
index_aggregate(qli_scope *sc, uint16_t i, uint64_t hash)
{
    qli_agg_index *x = sc->agg_index;
    uint16_t *head = &x->heads[hash & (sc->cap_aggs - 1)];
    x->hashes[i] = hash;
    x->next[i] = *head;
    *head = (uint16_t)(i + 1);
}

/* *at = naggs when there is none. */
static ql_status
find_aggregate(qli_res *r, qli_scope *sc, const ql_agg *g, uint64_t hash, uint16_t *at)
{
    const qli_agg_index *x = sc->agg_index;
    *at = sc->q->naggs;
    if (sc->cap_aggs == 0 || is_single(g)) {
        return QL_OK;
    }
    for (uint16_t i = x->heads[hash & (sc->cap_aggs - 1)]; i != 0; i = x->next[i - 1]) {
        bool same = false;
        if (x->hashes[i - 1] == hash) {
            QL_TRY(same_aggregate(r, &sc->q->aggs[i - 1], g, &same));
        }
        if (same) {
            *at = (uint16_t)(i - 1);
            return QL_OK;
        }
        QL_TRY(ql_bulk_node(r->cx));
    }
    return QL_OK;
}

static ql_status
grow_aggregates(qli_res *r, qli_scope *sc)
{
    ql_query *q = sc->q;
    uint32_t n = sc->cap_aggs ? sc->cap_aggs * 2 : 8;
    ql_agg *v = QL_ARENA_ARRAY(r->cx, r->a, ql_agg, n);
    qli_agg_index old, *x = sc->agg_index;
    if (!x) {
        x = sc->agg_index = QL_ARENA_NEW(r->cx, r->a, qli_agg_index);
    }
    if (!v || !x) {
        return QL_ERROR;
    }
    old = *x;
    x->hashes = QL_ARENA_ARRAY(r->cx, r->a, uint64_t, n);
    x->heads = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, n);
    x->next = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, n);
    if (!x->hashes || !x->heads || !x->next) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(r->cx, v, q->aggs, q->naggs * sizeof(*v)));
    q->aggs = v;
    sc->cap_aggs = n;
    for (uint16_t i = 0; i < q->naggs; i++) {
        index_aggregate(sc, i, old.hashes[i]);
        QL_TRY(ql_bulk_each(r->cx, i));
    }
    return QL_OK;
}

static ql_status
aggregate_slot(qli_res *r, qli_scope *sc, ql_agg *g, ql_expr **out)
{
    ql_query *q = sc->q;
    ql_expr *e = qli_node(r, QL_E_SLOT);
    if (!e) {
        return QL_ERROR;
    }
    uint64_t hash;
    uint16_t i;
    QL_TRY(hash_aggregate(r, g, &hash));
    QL_TRY(find_aggregate(r, sc, g, hash, &i));
    if (i == q->naggs) {
        QL_TRY(qli_new_slot(r, sc, (qli_slot){.kind = QLI_SLOT_AGG}, &g->type, &g->slot));
        if (q->naggs == UINT16_MAX) {
            return ql_fail(r->cx, QL_ER_TOO_MANY_FIELDS);
        }
        if (q->naggs >= sc->cap_aggs) {
            QL_TRY(grow_aggregates(r, sc));
        }
        index_aggregate(sc, i, hash);
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
    uint32_t n = fn == QL_AGG_JSON_OBJECT ? 2 : 1;
    if (e->args.n < n || (e->args.n > n && !many)) {
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
