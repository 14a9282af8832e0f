/* SPDX-License-Identifier: Apache-2.0
 *
 * What rows have to keep to when they are written through views (WITH CHECK OPTION), and views
 * whose rows may not be changed though their form would allow it (manual, "Updatable and Insertable
 * Views").
 */
#include <string.h>

#include "base/arena.h"
#include "resolve/resolve_int.h"

/* The view of the statement's own text that the source belongs to; NULL: not to a joined one. */
static qli_joined *
outermost(const qli_scope *sc, uint16_t source)
{
    uint16_t behind = sc->sources[source].behind;
    qli_joined *v = NULL;
    while (behind != 0) {
        v = qli_joined_of(sc, (uint16_t)(QLI_JOINED | behind));
        behind = v->behind;
    }
    return v;
}

ql_str
qli_known_as(const qli_scope *sc, uint16_t source)
{
    const qli_joined *v = outermost(sc, source);
    return v != NULL ? v->alias : sc->q->sources[source].alias;
}

/* --- conditions ------------------------------------------------------------------------------ */

typedef struct collector {
    bool forced; /* a view above has CASCADED */
    ql_expr *cond;
} collector;

static ql_status
collect_on(qli_res *r, qli_scope *sc, const ql_ast_from *f, collector *c)
{
    ql_expr *e;
    QL_TRY(ql_bulk_node(r->cx));
    if (f->left == NULL) {
        return QL_OK;
    }
    QL_TRY(collect_on(r, sc, f->left, c));
    QL_TRY(collect_on(r, sc, f->right, c));
    if (f->on == NULL) {
        return QL_OK;
    }
    QL_TRY(qli_bind_cond(r, sc, f->on, &e));
    return qli_and_onto(r, sc, &c->cond, e);
}

/* The view's own conditions if it or one above asks for it, then by the same rule those of the
 * views below it. */
static ql_status
collect(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    collector *c = arg;
    ql_view_check check = v->view->view->check;
    ql_expr *e;
    if (c->forced || check != QL_CHECK_NONE) {
        QL_TRY(collect_on(r, sc, v->query->from, c));
        if (v->query->where != NULL) {
            QL_TRY(qli_bind_cond(r, sc, v->query->where, &e));
            QL_TRY(qli_and_onto(r, sc, &c->cond, e));
        }
    }
    collector in = {.forced = c->forced || check == QL_CHECK_CASCADED, .cond = c->cond};
    for (uint16_t s = v->lo; s < v->hi; s++) {
        if (sc->sources[s].behind == v->id && sc->sources[s].merged != NULL) {
            QL_TRY(qli_merge_checks(r, sc, s, in.forced, &in.cond));
        }
    }
    for (qli_joined *b = sc->joined; b != NULL; b = b->next) {
        if (b->behind == v->id) {
            QL_TRY(qli_joined_inside(r, sc, b, QLI_CL_WHERE, collect, &in));
        }
    }
    c->cond = in.cond;
    return QL_OK;
}

ql_status
qli_check_bind(qli_res *r, qli_scope *sc, uint16_t source, ql_row_check *out)
{
    qli_joined *v = outermost(sc, source);
    const qli_merged *m = sc->sources[source].merged;
    collector c = {.cond = NULL};
    *out = (ql_row_check){.cond = NULL};
    if (v == NULL && m == NULL) {
        return QL_OK;
    }
    QL_TRY(v != NULL ? qli_joined_inside(r, sc, v, QLI_CL_WHERE, collect, &c)
                     : qli_merge_checks(r, sc, source, false, &c.cond));
    const ql_table *view = v != NULL ? v->view : m->view;
    *out = (ql_row_check){.cond = c.cond, .db = view->db, .name = view->name};
    return QL_OK;
}

/* --- INSERT into a view of several tables ----------------------------------------------------- */

/* Columns of one source become those of a row in the block around. */
typedef struct outward {
    const qli_scope *sc;
    uint16_t source;
} outward;

static ql_status
make_outer(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    const outward *o = arg;
    ql_expr *x = *e;
    bool here = depth == 0 ? x->kind == QL_E_SLOT : x->kind == QL_E_OUTER && x->depth == depth;
    (void)descend;
    if (here && o->sc->slots[x->index].source == o->source) {
        x->kind = QL_E_OUTER;
        x->depth = depth + 1;
        x->index = o->sc->slots[x->index].column;
    }
    return QL_OK;
}

static ql_status
add_leaf(qli_res *r, ql_query *q, uint16_t source)
{
    ql_join_tree *leaf = QL_ARENA_NEW(r->cx, r->a, ql_join_tree);
    if (leaf == NULL) {
        return QL_ERROR;
    }
    *leaf = (ql_join_tree){.is_leaf = true, .source = source};
    if (q->from == NULL) {
        q->from = leaf;
        return QL_OK;
    }
    ql_join_tree *top = QL_ARENA_NEW(r->cx, r->a, ql_join_tree);
    if (top == NULL) {
        return QL_ERROR;
    }
    *top = (ql_join_tree){.left = q->from, .right = leaf};
    q->from = top;
    return QL_OK;
}

/* SELECT 1 FROM the other tables WHERE all conditions. */
static ql_status
leave_others(qli_res *r, qli_scope *sc, const qli_join_insert *j, ql_expr *cond)
{
    ql_query *q = j->sc->q;
    outward o = {j->sc, j->source};
    ql_value one = ql_value_int(1);
    q->where = cond;
    QL_TRY(qli_walk(r, &q->where, 0, make_outer, &o));
    QL_TRY(qli_scope_finish(r, j->sc));
    q->nsources--;
    memmove(q->sources + j->source, q->sources + j->source + 1,
            (size_t)(q->nsources - j->source) * sizeof *q->sources);
    for (uint16_t i = 0; i < q->nsources; i++) {
        QL_TRY(add_leaf(r, q, i));
    }
    q->items = QL_ARENA_NEW(r->cx, r->a, ql_item);
    if (q->items == NULL) {
        return QL_ERROR;
    }
    q->items[0].expr = qli_const(r, &one);
    if (q->items[0].expr == NULL) {
        return QL_ERROR;
    }
    q->items[0].column.type = q->items[0].expr->type;
    q->nitems = 1;
    q->outer = sc->q;
    q->correlated = true;
    return QL_OK;
}

ql_status
qli_check_bind_insert(qli_res *r, qli_scope *sc, qli_join_insert *j, ql_row_check *out)
{
    QL_TRY(qli_check_bind(r, j->sc, j->source, out));
    if (out->cond == NULL) {
        return QL_OK;
    }
    QL_TRY(leave_others(r, sc, j, out->cond));
    ql_expr *e = qli_node(r, QL_E_EXISTS);
    if (e == NULL) {
        return QL_ERROR;
    }
    e->query = j->sc->q;
    e->type = ql_type_bool();
    e->type.nullable = false;
    qli_number_node(r, sc, e);
    out->cond = e;
    return QL_OK;
}

/* --- views that read what they would change --------------------------------------------------- */

typedef struct reader {
    qli_res *r;
    const ql_table *table;
    bool found, dependent;
} reader;

static ql_status
read_sources(reader *w, const ql_query *q)
{
    QL_TRY(ql_bulk_node(w->r->cx));
    if (q->set_op != QL_SET_NONE) {
        QL_TRY(read_sources(w, q->left));
        return read_sources(w, q->right);
    }
    for (uint16_t i = 0; i < q->nsources; i++) {
        const ql_source *s = &q->sources[i];
        w->found |= s->table != NULL && !s->table->is_virtual && s->table->id == w->table->id;
        QL_TRY(s->derived != NULL ? read_sources(w, s->derived) : QL_OK);
    }
    return QL_OK;
}

static ql_status
look_at_subquery(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    reader *w = arg;
    (void)descend;
    if ((*e)->query == NULL) {
        return QL_OK;
    }
    w->dependent |= depth == 0 && (*e)->query->correlated;
    return read_sources(w, (*e)->query);
}

ql_status
qli_subqueries_read(qli_res *r, ql_expr *e, const ql_table *t, bool *yes)
{
    reader w = {.r = r, .table = t};
    QL_TRY(qli_walk(r, &e, 0, look_at_subquery, &w));
    *yes = w.found;
    return QL_OK;
}

static ql_status
look_at_merged(qli_res *r, qli_scope *sc, uint16_t source, reader *w)
{
    for (qli_merged *m = sc->sources[source].merged; m != NULL; m = m->below) {
        for (uint32_t i = 0; i < m->query->nitems; i++) {
            ql_expr *e;
            QL_TRY(ql_bulk_node(r->cx));
            if (!qli_ast_has_query(m->query->items[i].expr)) {
                continue;
            }
            QL_TRY(qli_merge_bind(r, sc, source, m, m->query->items[i].expr, false, &e));
            QL_TRY(qli_walk(r, &e, 0, look_at_subquery, w));
        }
    }
    return QL_OK;
}

static ql_status
look_at_joined(qli_res *r, qli_scope *sc, qli_joined *v, reader *w)
{
    for (uint16_t i = 0; i < v->view->ncolumns; i++) {
        ql_expr *e;
        QL_TRY(ql_bulk_node(r->cx));
        if (!qli_ast_has_query(v->query->items[i].expr)) {
            continue;
        }
        QL_TRY(qli_joined_column(r, sc, v, i, &e));
        QL_TRY(qli_walk(r, &e, 0, look_at_subquery, w));
    }
    return QL_OK;
}

ql_status
qli_view_lets_change(qli_res *r, qli_scope *sc, uint16_t source, bool *yes)
{
    qli_joined *v = outermost(sc, source);
    reader w = {.r = r, .table = sc->q->sources[source].table};
    *yes = true;
    if (w.table == NULL || (v == NULL && sc->sources[source].merged == NULL)) {
        return QL_OK;
    }
    ql_expr **cond = v != NULL ? &v->cond : &sc->sources[source].view_cond;
    QL_TRY(qli_walk(r, cond, 0, look_at_subquery, &w));
    w.dependent = false; /* may be in WHERE */
    QL_TRY(v != NULL ? look_at_joined(r, sc, v, &w) : look_at_merged(r, sc, source, &w));
    *yes = !w.found && !w.dependent;
    return QL_OK;
}
