/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of several tables in UPDATE and in SELECTs that do not group: the tables below stand in the
 * statement's own block, joined as the view joins them, so that their keys are used and their rows
 * can be locked and changed. Nobody but the view's own text
 * sees their names; the statement sees the view's columns, each of which stands for what is written
 * in the view, bound as its definer or user. INSERT into one table of such a view: the tables are
 * joined in a block that is not run.
 */
#include "acl/acl.h"
#include "base/arena.h"
#include "resolve/resolve_int.h"
#include "sql/viewtext.h"

qli_joined *
qli_joined_of(const qli_scope *sc, uint16_t source)
{
    qli_joined *v = source & QLI_JOINED ? sc->joined : NULL;
    while (v != NULL && v->id != (source & ~QLI_JOINED)) {
        v = v->next;
    }
    return v;
}

ql_status
qli_joined_inside(qli_res *r, qli_scope *sc, qli_joined *v, qli_clause clause, qli_inside_fn *fn,
                  void *arg)
{
    qli_view_frame frame;
    qli_inside in;
    qli_scope was = *sc;
    ql_status st = qli_view_begin(r, v->view, &frame, &in);
    if (st == QL_OK) {
        sc->names = v->names;
        sc->lo = v->lo;
        sc->hi = v->hi;
        sc->behind = v->id;
        sc->inside = true;
        sc->items_bound = sc->aggs_allowed = false;
        sc->clause = clause;
        st = fn(r, sc, v, arg);
    }
    qli_scope_restore(sc, &was);
    qli_view_end(r, &in);
    return qli_view_hide_error(r->cx, v->view, st);
}

/* --- as part of FROM ------------------------------------------------------------------------- */

/* Its tables are to be changed, too. */
static void
mark_leaves(ql_ast_from *f)
{
    if (f->left != NULL) {
        mark_leaves(f->left);
        mark_leaves(f->right);
    } else {
        f->dml = true;
    }
}

typedef struct tree {
    bool inner, change;
    ql_join_tree *top;
    ql_expr *pending;
} tree;

/* SELECT STRAIGHT_JOIN of the view. */
static void
make_straight(ql_join_tree *t)
{
    if (!t->is_leaf) {
        t->straight = true;
        make_straight(t->left);
        make_straight(t->right);
    }
}

static ql_status
bind_tables(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    tree *t = arg;
    ql_expr *where;
    r->in_dml_from = t->change;
    QL_TRY(qli_from_below(r, sc, v->query->from, t->inner, &t->top, &t->pending, &v->names));
    r->in_dml_from = false;
    v->hi = sc->q->nsources;
    if (v->query->straight_join) {
        make_straight(t->top);
    }
    if (v->query->where == NULL) {
        return QL_OK;
    }
    sc->names = v->names;
    sc->hi = v->hi;
    QL_TRY(qli_bind_cond(r, sc, v->query->where, &where));
    return qli_and_onto(r, sc, &t->pending, where);
}

/* A view whose column is gone below is invalid, whether the statement asks for it or not. */
static ql_status
check_columns(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    ql_expr *e;
    (void)arg;
    for (uint16_t i = 0; i < v->view->ncolumns; i++) {
        const ql_ast_expr *item = v->query->items[i].expr;
        QL_TRY(ql_bulk_node(r->cx));
        if (item->kind == QL_A_COLUMN) {
            QL_TRY(qli_bind(r, sc, item, &e));
        }
    }
    return QL_OK;
}

static ql_status
make_names(qli_res *r, const qli_joined *v, qli_names *out)
{
    out->n = v->view->ncolumns;
    out->v = QL_ARENA_ARRAY(r->cx, r->a, qli_name, out->n + 1u);
    for (uint16_t i = 0; out->v != NULL && i < out->n; i++) {
        out->v[i] = (qli_name){(uint16_t)(QLI_JOINED | v->id), i};
    }
    return out->v != NULL ? QL_OK : QL_ERROR;
}

ql_status
qli_join_view(qli_res *r, qli_scope *sc, const ql_table *view, ql_str alias, bool inner,
              bool change, ql_join_tree *at, ql_expr **pending, qli_names *names, bool *done)
{
    ql_ast_stmt *s;
    tree t = {.inner = inner, .change = change};
    qli_joined *v = QL_ARENA_NEW(r->cx, r->a, qli_joined);
    *done = false;
    if (v == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_view_parse(r->cx, r->a, view, &s));
    if (s->select->nctes > 0 || s->select->nlocking > 0 || s->select->from == NULL ||
        s->select->nitems != view->ncolumns) {
        return QL_OK;
    }
    if (!change) {
        bool fits;
        QL_TRY(qli_merge_computed(r, sc, s->select, &fits));
        if (!fits || s->select->order_by.n > 0) {
            return QL_OK;
        }
    }
    *v = (qli_joined){.view = view,
                      .query = s->select,
                      .alias = alias,
                      .next = sc->joined,
                      .lo = sc->q->nsources,
                      .behind = sc->behind,
                      .id = (uint16_t)(sc->joined != NULL ? sc->joined->id + 1 : 1),
                      .changed = -1};
    v->unreadable = !ql_acl_globally(r->cx, QL_PM(SELECT)) &&
                    (ql_acl_on_table(r->cx, view->db, view->name) & QL_PM(SELECT)) == 0;
    sc->joined = v;
    if (change) {
        mark_leaves(s->select->from);
    }
    QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_WHERE, bind_tables, &t));
    QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_FIELDS, check_columns, NULL));
    *at = *t.top;
    QL_TRY(qli_and_onto(r, sc, pending, t.pending));
    v->cond = t.pending;
    *done = true;
    return make_names(r, v, names);
}

/* --- its columns ----------------------------------------------------------------------------- */

typedef struct wanted {
    uint16_t column;
    ql_expr *out;
} wanted;

static ql_status
bind_item(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    wanted *w = arg;
    return qli_bind(r, sc, v->query->items[w->column].expr, &w->out);
}

ql_status
qli_joined_column(qli_res *r, qli_scope *sc, qli_joined *v, uint16_t column, ql_expr **out)
{
    wanted w = {.column = column};
    QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_FIELDS, bind_item, &w));
    *out = w.out;
    if (w.out->kind == QL_E_SLOT) {
        w.out->name = v->view->columns[column].name;
    }
    return QL_OK;
}

/* --- what is behind a column ------------------------------------------------------------------ */

typedef struct below {
    qli_name name;
    ql_pmask need; /* privileges to be asked for on the way down */
    bool found;
} below;

static ql_status
may_change(qli_res *r, const qli_scope *sc, uint16_t source, ql_pmask need)
{
    const ql_table *t = sc->q->sources[source].table;
    const qli_merged *m = sc->sources[source].merged;
    return need == 0 || t == NULL ? QL_OK
           : m != NULL            ? qli_merge_may_change(r, m, t, need)
                                  : ql_acl_require_on_table(r->cx, need, t->db, t->name);
}

static ql_status
find_below(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    below *b = arg;
    const ql_ast_expr *e = v->query->items[b->name.column].expr;
    b->found = e->kind == QL_A_COLUMN;
    if (!b->found) {
        return QL_OK;
    }
    ql_status st = qli_column_find(r, sc, e, &b->name);
    if (st == QL_END) {
        return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, qli_full_name(r, e), "field list");
    }
    QL_TRY(st);
    qli_joined *in = qli_joined_of(sc, b->name.source);
    if (in != NULL) {
        QL_TRY(b->need == 0
                   ? QL_OK
                   : ql_acl_require_on_table(r->cx, b->need, in->view->db, in->view->name));
        return qli_joined_inside(r, sc, in, QLI_CL_FIELDS, find_below, b);
    }
    b->found = qli_base_ordinal(sc, b->name) >= 0;
    return may_change(r, sc, b->name.source, b->need);
}

ql_status
qli_joined_base(qli_res *r, qli_scope *sc, qli_name *n, bool *found)
{
    below b = {.name = *n, .found = true};
    qli_joined *v = qli_joined_of(sc, n->source);
    if (v != NULL) {
        QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_FIELDS, find_below, &b));
    }
    *n = b.name;
    *found = b.found;
    return QL_OK;
}

/* --- INSERT ---------------------------------------------------------------------------------- */

/* The one table that all columns of the list are of. */
static ql_status
table_of_list(qli_res *r, const ql_ast_insert *ins, ql_pmask need, qli_join_insert *j)
{
    const ql_table *view = j->view->view;
    j->source = UINT16_MAX;
    for (uint32_t i = 0; i < ins->ncolumns; i++) {
        int at = ql_table_column(view, ins->columns[i]);
        below b = {.name = {.column = (uint16_t)at}, .need = i == 0 ? need : 0};
        QL_TRY(ql_bulk_node(r->cx));
        if (at < 0) {
            return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, ql_cstr(r->cx, ins->columns[i]),
                           "field list");
        }
        QL_TRY(qli_joined_inside(r, j->sc, j->view, QLI_CL_FIELDS, find_below, &b));
        if (!b.found) {
            return ql_fail(r->cx, QL_ER_NONUPDATEABLE_COLUMN, ql_cstr(r->cx, ins->columns[i]));
        }
        if (i > 0 && b.name.source != j->source) {
            return ql_fail(r->cx, QL_ER_VIEW_MULTIUPDATE, ql_cstr(r->cx, view->db),
                           ql_cstr(r->cx, view->name));
        }
        j->source = b.name.source;
    }
    return QL_OK;
}

/* What the view's columns are in that table; -1: computed, or another one's. */
static ql_status
map_columns(qli_res *r, const qli_join_insert *j)
{
    qli_merged *m = j->merged;
    int *v = QL_ARENA_ARRAY(r->cx, r->a, int, m->view->ncolumns + 1u);
    m->ordinals = v;
    for (uint16_t i = 0; v != NULL && i < m->view->ncolumns; i++) {
        below b = {.name = {.column = i}};
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_joined_inside(r, j->sc, j->view, QLI_CL_FIELDS, find_below, &b));
        v[i] = b.found && b.name.source == j->source ? qli_base_ordinal(j->sc, b.name) : -1;
    }
    return v != NULL ? QL_OK : QL_ERROR;
}

static ql_status
join_below(qli_res *r, const ql_table *view, qli_join_insert *j, bool *done)
{
    ql_join_tree *top = QL_ARENA_NEW(r->cx, r->a, ql_join_tree);
    ql_expr *pending = NULL;
    qli_names names;
    if (top == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_scope_new(r, NULL, &j->sc));
    QL_TRY(qli_join_view(r, j->sc, view, view->name, false, true, top, &pending, &names, done));
    j->view = j->sc->joined;
    while (j->view != NULL && j->view->behind != 0) {
        j->view = j->view->next;
    }
    return QL_OK;
}

ql_status
qli_join_view_insert(qli_res *r, const ql_ast_insert *ins, const ql_table *view, ql_pmask need,
                     qli_join_insert *out)
{
    bool done;
    qli_merged *m = QL_ARENA_NEW(r->cx, r->a, qli_merged);
    if (m == NULL) {
        return QL_ERROR;
    }
    if (!ins->has_columns) {
        return ql_fail(r->cx, QL_ER_VIEW_NO_INSERT_FIELD_LIST, ql_cstr(r->cx, view->db),
                       ql_cstr(r->cx, view->name));
    }
    QL_TRY(ql_acl_require_on_table(r->cx, need, view->db, view->name));
    QL_TRY(join_below(r, view, out, &done));
    out->source = UINT16_MAX;
    QL_TRY(done ? table_of_list(r, ins, need, out) : QL_OK);
    if (out->source == UINT16_MAX || out->sc->q->sources[out->source].table == NULL) {
        return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, ql_cstr(r->cx, ins->table.name),
                       "INSERT");
    }
    const ql_source *s = &out->sc->q->sources[out->source];
    const qli_source *x = &out->sc->sources[out->source];
    bool direct = x->merged == NULL && x->behind == out->view->id;
    *m = (qli_merged){.view = view,
                      .query = out->view->query,
                      .computed = true,
                      .of_join = true,
                      .alias = direct ? s->alias : (ql_str){0},
                      .db = s->db};
    out->merged = m;
    return map_columns(r, out);
}
