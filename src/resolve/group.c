/* SPDX-License-Identifier: Apache-2.0
 *
 * GROUP BY: binding of keys; then everything that runs after grouping is rewritten to speak of keys
 * and aggregates only. Columns that are neither must depend on the keys (ONLY_FULL_GROUP_BY, errors
 * 1055 and 1140): a key of the table is fixed by grouping columns, constants and equalities.
 */
#include "resolve/resolve_int.h"

static ql_status
group_key(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (e->kind == QL_A_LITERAL && e->value.kind == QL_K_INT) {
        uint64_t n = e->value.u;
        if (n < 1 || n > sc->q->nitems) {
            return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR,
                           ql_arena_printf(r->cx, r->a, "%llu", (unsigned long long)n) ?: "",
                           qli_clause_name(QLI_CL_GROUP));
        }
        *out = sc->q->items[n - 1].expr;
        return QL_OK;
    }
    QL_TRY(qli_bind(r, sc, e, out)); /* columns first, then aliases: scope.c */
    return qli_require_scalar(r, *out);
}

static ql_status
find_agg_slot(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    const qli_scope *sc = arg;
    (void)descend;
    if (((*e)->kind == QL_E_SLOT && depth == 0) ||
        ((*e)->kind == QL_E_OUTER && (*e)->depth == depth)) {
        return sc->slots[(*e)->index].kind == QLI_SLOT_AGG ? QL_END : QL_OK;
    }
    return QL_OK;
}

ql_status
qli_group_bind(qli_res *r, qli_scope *sc, const ql_ast_orders *g)
{
    ql_query *q = sc->q;
    sc->clause = QLI_CL_GROUP;
    q->group_by = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, g->n + 1);
    q->group_slots = q->group_by ? QL_ARENA_ARRAY(r->cx, r->a, uint16_t, g->n + 1) : NULL;
    if (!q->group_slots) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < g->n; i++) {
        ql_expr *e;
        QL_TRY(group_key(r, sc, g->v[i].expr, &e));
        ql_status st = qli_walk(r, &e, 0, find_agg_slot, sc);
        if (st == QL_END) {
            return ql_fail(r->cx, QL_ER_WRONG_GROUP_FIELD, qli_full_name(r, g->v[i].expr));
        }
        QL_TRY(st);
        ql_type t = e->type;
        if (t.kind == QL_K_NULL) {
            t = ql_type_varchar(0, qli_conn_coll(r));
            QL_TRY(qli_cast(r, sc, &e, &t));
        }
        uint16_t slot;
        QL_TRY(qli_new_slot(r, sc, (qli_slot){.kind = QLI_SLOT_GROUP}, &t, &slot));
        if (q->ngroup == UINT16_MAX) {
            return ql_fail(r->cx, QL_ER_TOO_MANY_FIELDS);
        }
        q->group_by[q->ngroup] = e;
        q->group_slots[q->ngroup++] = slot;
    }
    sc->clause = QLI_CL_FIELDS;
    return QL_OK;
}

/* --- functional dependence --- */

/* determined[slot]: the column has one value in each group. */
typedef struct dependence {
    qli_res *r;
    qli_scope *sc;
    bool *determined;
    bool changed;
} dependence;

static const ql_expr *
plain_slot(const ql_expr *e)
{
    return e->kind == QL_E_SLOT ? e : NULL;
}

static void
use_condition(dependence *d, const ql_expr *e)
{
    if (!e || e->kind != QL_E_OP) {
        return;
    }
    if (e->op == QL_OP_AND) {
        use_condition(d, e->args[0]);
        use_condition(d, e->args[1]);
        return;
    }
    if (e->op != QL_OP_EQ || e->nargs != 2) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        const ql_expr *a = plain_slot(e->args[i]), *b = e->args[1 - i];
        if (!a || d->determined[a->index]) {
            continue;
        }
        if (b->is_constant || b->kind == QL_E_OUTER || (plain_slot(b) && d->determined[b->index])) {
            d->determined[a->index] = true;
            d->changed = true;
        }
    }
}

static void
use_joins(dependence *d, const ql_join_tree *j)
{
    if (!j || j->is_leaf) {
        return;
    }
    use_joins(d, j->left);
    use_joins(d, j->right);
    use_condition(d, j->on);
}

static bool
index_is_determined(const dependence *d, uint16_t source, const ql_index *x)
{
    const ql_table *t = d->sc->q->sources[source].table;
    if (!x->unique || x->hidden_rowid) {
        return false;
    }
    for (uint16_t p = 0; p < x->nparts; p++) {
        uint16_t col = x->parts[p].column, slot = d->sc->sources[source].slot_of[col];
        if (t->columns[col].type.nullable || x->parts[p].prefix || slot == QL_NO_SLOT ||
            !d->determined[slot]) {
            return false;
        }
    }
    return x->nparts > 0;
}

static void
use_keys(dependence *d)
{
    const ql_query *q = d->sc->q;
    for (uint16_t s = 0; s < q->nsources; s++) {
        bool unique = false;
        for (uint16_t i = 0; q->sources[s].table && i < q->sources[s].table->nindexes; i++) {
            unique = unique || index_is_determined(d, s, &q->sources[s].table->indexes[i]);
        }
        for (uint16_t c = 0; unique && c < d->sc->sources[s].ncols; c++) {
            uint16_t slot = d->sc->sources[s].slot_of[c];
            if (slot != QL_NO_SLOT && !d->determined[slot]) {
                d->determined[slot] = true;
                d->changed = true;
            }
        }
    }
}

static ql_status
find_dependence(dependence *d)
{
    const ql_query *q = d->sc->q;
    d->determined = QL_ARENA_ARRAY(d->r->cx, d->r->a, bool, q->nslots + 1u);
    if (!d->determined) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < q->ngroup; i++) {
        const ql_expr *s = plain_slot(q->group_by[i]);
        if (s) {
            d->determined[s->index] = true;
        }
    }
    do {
        d->changed = false;
        use_condition(d, q->where);
        use_joins(d, q->from);
        use_keys(d);
        QL_TRY(ql_check(d->r->cx));
    } while (d->changed);
    return QL_OK;
}

/* --- rewriting --- */

typedef struct rewrite {
    qli_res *r;
    qli_scope *sc;
    dependence *dep;
    uint16_t nslots; /* at the start: later slots are aggregates made here */
    bool full_group_by;
    uint32_t number;
    const char *clause;
} rewrite;

static ql_status
not_grouped(rewrite *w, const qli_slot *s)
{
    qli_scope *sc = w->sc;
    const ql_source *src = &sc->q->sources[s->source];
    ql_str n = qli_base_name(sc, s->source, s->column);
    const char *full = ql_arena_printf(w->r->cx, w->r->a, "%.*s%s%.*s.%.*s", (int)src->db.n,
                                       src->db.n ? src->db.p : "", src->db.n ? "." : "",
                                       (int)src->alias.n, src->alias.p, (int)n.n, n.p);
    return ql_fail(
        w->r->cx, sc->q->ngroup ? QL_ER_WRONG_FIELD_WITH_GROUP : QL_ER_MIX_OF_GROUP_FUNC_AND_FIELDS,
        w->number, w->clause, full ?: "");
}

/* The node, seen from the block itself, becomes a reference to key, aggregate or dependent column.
 */
static ql_status
rewrite_slot(rewrite *w, ql_expr **e, uint32_t depth)
{
    ql_expr *n = *e, *own, *res;
    const qli_slot s = w->sc->slots[n->index];
    if (s.kind != QLI_SLOT_COLUMN) {
        return QL_OK;
    }
    const ql_query *q = w->sc->q;
    for (uint16_t i = 0; i < q->ngroup; i++) {
        if (q->group_by[i]->kind == QL_E_SLOT && q->group_by[i]->index == n->index) {
            res = qli_node(w->r, n->kind);
            if (!res) {
                return QL_ERROR;
            }
            *res = *n;
            res->index = q->group_slots[i];
            *e = res;
            return QL_OK;
        }
    }
    if (w->full_group_by && !(n->index < w->nslots && w->dep->determined[n->index])) {
        return not_grouped(w, &s);
    }
    QL_TRY(qli_base_slot(w->r, w->sc, s.source, s.column, &own));
    QL_TRY(qli_agg_of_column(w->r, w->sc, own, &res));
    res->coercibility = n->coercibility;
    if (depth) {
        res->kind = QL_E_OUTER;
        res->depth = depth;
    }
    *e = res;
    return QL_OK;
}

static ql_status
rewrite_node(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    rewrite *w = arg;
    const ql_query *q = w->sc->q;
    /* Constants stay: a node over them is computed once, without looking at rows. */
    if (depth == 0 && !(*e)->is_constant) {
        for (uint16_t i = 0; i < q->ngroup; i++) {
            bool same = (*e)->kind != QL_E_SLOT;
            if (same) {
                QL_TRY(qli_expr_equal(w->r, *e, q->group_by[i], &same));
            }
            if (same) {
                ql_expr *n = qli_node(w->r, QL_E_SLOT);
                if (!n) {
                    return QL_ERROR;
                }
                n->index = q->group_slots[i];
                n->type = (*e)->type;
                n->coercibility = (*e)->coercibility;
                *e = n;
                *descend = false;
                return QL_OK;
            }
        }
    }
    if (((*e)->kind == QL_E_SLOT && depth == 0) ||
        ((*e)->kind == QL_E_OUTER && (*e)->depth == depth && depth > 0)) {
        return rewrite_slot(w, e, depth);
    }
    return QL_OK;
}

static ql_status
rewrite_all(rewrite *w)
{
    qli_res *r = w->r;
    ql_query *q = w->sc->q;
    w->clause = "SELECT list";
    for (uint16_t i = 0; i < q->nitems; i++) {
        w->number = i + 1u;
        QL_TRY(qli_walk(r, &q->items[i].expr, 0, rewrite_node, w));
    }
    w->clause = "HAVING clause";
    w->number = 1;
    QL_TRY(qli_walk(r, &q->having, 0, rewrite_node, w));
    w->clause = "ORDER BY clause";
    for (uint16_t i = 0; i < q->norder; i++) {
        w->number = i + 1u;
        QL_TRY(qli_walk(r, &q->order_by[i].expr, 0, rewrite_node, w));
    }
    return QL_OK;
}

ql_status
qli_group_finish(qli_res *r, qli_scope *sc)
{
    ql_query *q = sc->q;
    q->grouped = q->ngroup > 0 || q->naggs > 0;
    if (!q->grouped) {
        return QL_OK;
    }
    dependence d = {.r = r, .sc = sc};
    QL_TRY(find_dependence(&d));
    rewrite w = {.r = r, .sc = sc, .dep = &d, .nslots = q->nslots};
    w.full_group_by = !r->cx->vars || (r->cx->vars->sql_mode & QL_MODE_ONLY_FULL_GROUP_BY);
    return rewrite_all(&w);
}
