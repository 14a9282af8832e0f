/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of several tables in UPDATE: the tables below stand in the statement's own block, joined as
 * the view joins them, so that their rows can be locked and changed. Nobody but the view's own text
 * sees their names; the statement sees the view's columns, each of which stands for what is written
 * in the view, bound as its definer or user. INSERT into one table of such a view.
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
    bool inner;
    ql_join_tree *top;
    ql_expr *pending;
} tree;

static ql_status
bind_tables(qli_res *r, qli_scope *sc, qli_joined *v, void *arg)
{
    tree *t = arg;
    ql_expr *where;
    r->in_dml_from = true;
    QL_TRY(qli_from_below(r, sc, v->query->from, t->inner, &t->top, &t->pending, &v->names));
    r->in_dml_from = false;
    v->hi = sc->q->nsources;
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
              ql_join_tree *at, ql_expr **pending, qli_names *names, bool *done)
{
    ql_ast_stmt *s;
    tree t = {.inner = inner};
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
    mark_leaves(s->select->from);
    QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_WHERE, bind_tables, &t));
    QL_TRY(qli_joined_inside(r, sc, v, QLI_CL_FIELDS, check_columns, NULL));
    *at = *t.top;
    QL_TRY(qli_and_onto(r, sc, pending, t.pending));
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

/* --- INSERT ---------------------------------------------------------------------------------- */

static const ql_ast_from *
leaf_named(const ql_ast_from *f, const ql_ast_expr *column)
{
    if (f->left != NULL) {
        const ql_ast_from *found = leaf_named(f->left, column);
        return found != NULL ? found : leaf_named(f->right, column);
    }
    ql_str alias = f->alias.n > 0 ? f->alias : f->table.name;
    return column->kind == QL_A_COLUMN && f->derived == NULL &&
                   ql_str_eq_nocase(alias, column->table)
               ? f
               : NULL;
}

/* The one table that all columns of the list are of. */
static ql_status
table_of_list(qli_res *r, const ql_ast_insert *ins, const ql_table *view, const ql_ast_select *s,
              const ql_ast_from **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < ins->ncolumns; i++) {
        int at = ql_table_column(view, ins->columns[i]);
        QL_TRY(ql_bulk_node(r->cx));
        if (at < 0) {
            return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, ql_cstr(r->cx, ins->columns[i]),
                           "field list");
        }
        const ql_ast_from *f = leaf_named(s->from, s->items[at].expr);
        if (f == NULL) {
            return ql_fail(r->cx, QL_ER_NONUPDATEABLE_COLUMN, ql_cstr(r->cx, ins->columns[i]));
        }
        if (*out != NULL && *out != f) {
            return ql_fail(r->cx, QL_ER_VIEW_MULTIUPDATE, ql_cstr(r->cx, view->db),
                           ql_cstr(r->cx, view->name));
        }
        *out = f;
    }
    return QL_OK;
}

/* What the view's columns are in that table, in v (NULL: only looked at); those of others stay as
 * they are. 1356 where one is gone. */
static ql_status
map_columns(qli_res *r, const ql_ast_from *leaf, const ql_table *base, const qli_merged *m, int *v)
{
    for (uint16_t i = 0; i < m->view->ncolumns; i++) {
        const ql_ast_expr *e = m->query->items[i].expr;
        QL_TRY(ql_bulk_node(r->cx));
        if (leaf_named(m->query->from, e) != leaf) {
            continue;
        }
        int at = ql_table_column(base, e->name);
        if (at < 0) {
            return ql_fail(r->cx, QL_ER_VIEW_INVALID, ql_cstr(r->cx, m->view->db),
                           ql_cstr(r->cx, m->view->name));
        }
        if (v != NULL) {
            v[i] = at;
        }
    }
    return QL_OK;
}

/* The other tables of the join have what the view wants of them. */
static ql_status
check_others(qli_res *r, const ql_ast_from *f, const ql_ast_from *leaf, const qli_merged *m)
{
    ql_table *t;
    if (f->left != NULL) {
        QL_TRY(check_others(r, f->left, leaf, m));
        return check_others(r, f->right, leaf, m);
    }
    if (f == leaf || f->derived != NULL) {
        return QL_OK;
    }
    QL_TRY(qli_table_open(r, &f->table, f->alias, false, &t));
    return map_columns(r, f, t, m, NULL);
}

static ql_status
map_list(qli_res *r, const ql_ast_from *leaf, const ql_table *base, qli_merged *m)
{
    int *v = QL_ARENA_ARRAY(r->cx, r->a, int, m->view->ncolumns + 1u);
    m->ordinals = v;
    for (uint16_t i = 0; v != NULL && i < m->view->ncolumns; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        v[i] = -1;
    }
    return v != NULL ? map_columns(r, leaf, base, m, v) : QL_ERROR;
}

ql_status
qli_join_view_insert(qli_res *r, const ql_ast_insert *ins, const ql_table *view, qli_merged **out,
                     ql_table **base)
{
    ql_ast_stmt *s;
    const ql_ast_from *leaf;
    qli_inside in;
    qli_merged *m = QL_ARENA_NEW(r->cx, r->a, qli_merged);
    if (m == NULL) {
        return QL_ERROR;
    }
    if (!ins->has_columns) {
        return ql_fail(r->cx, QL_ER_VIEW_NO_INSERT_FIELD_LIST, ql_cstr(r->cx, view->db),
                       ql_cstr(r->cx, view->name));
    }
    if (view->view->check != QL_CHECK_NONE) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "INSERT into a join view WITH CHECK OPTION");
    }
    QL_TRY(ql_view_parse(r->cx, r->a, view, &s));
    QL_TRY(table_of_list(r, ins, view, s->select, &leaf));
    if (leaf == NULL || s->select->nctes > 0) {
        return ql_fail(r->cx, QL_ER_NON_INSERTABLE_TABLE, ql_cstr(r->cx, ins->table.name),
                       "INSERT");
    }
    *m = (qli_merged){.view = view, .query = s->select, .computed = true};
    ql_status st = qli_view_begin(r, view, &m->frame, &in);
    st = st == QL_OK ? qli_table_open(r, &leaf->table, leaf->alias, true, base) : st;
    st = st == QL_OK ? check_others(r, s->select->from, leaf, m) : st;
    qli_view_end(r, &in);
    QL_TRY(qli_view_hide_error(r->cx, view, st));
    if ((*base)->view != NULL) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "INSERT through views below a join view");
    }
    *out = m;
    return map_list(r, leaf, *base, m);
}
