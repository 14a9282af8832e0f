/* SPDX-License-Identifier: Apache-2.0
 *
 * Views over one table become that table where they are mentioned: a source under the view's name
 * whose columns are those of the view, its WHERE among the conditions. So keys are used through
 * views, FOR UPDATE reaches the table, and the rows can be changed. Views below views are levels of
 * it. What is written in a view is bound with the names and the privileges of its level.
 */
#include "acl/acl.h"
#include "base/arena.h"
#include "resolve/resolve_int.h"
#include "sql/viewtext.h"

#define MAX_LEVELS 61u

/* --- which views ----------------------------------------------------------------------------- */

bool
qli_ast_has_query(const ql_ast_expr *e)
{
    if (e == NULL) {
        return false;
    }
    bool yes = e->select != NULL;
    for (uint32_t i = 0; i < e->args.n && !yes; i++) {
        yes = qli_ast_has_query(e->args.v[i]);
    }
    return yes;
}

/* One table, its rows as they are. */
static ql_status
is_plain(qli_res *r, const ql_table *view, const ql_ast_select *s, bool change, bool *yes)
{
    bool aggregates;
    QL_TRY(qli_ast_has_aggregate(r, s, &aggregates));
    *yes = view->view->algorithm != QL_VIEW_TEMPTABLE && s->set_op == QL_SET_NONE && !s->distinct &&
           s->group_by.n == 0 && s->having == NULL && s->limit == NULL &&
           (change || s->order_by.n == 0) && s->nctes == 0 && s->nlocking == 0 && !aggregates &&
           s->from != NULL && s->from->left == NULL && s->from->derived == NULL &&
           s->nitems == view->ncolumns;
    for (uint32_t i = 0; i < s->nitems && *yes && !change; i++) {
        *yes = !qli_ast_has_query(s->items[i].expr);
    }
    return QL_OK;
}

static int
column_of(const qli_merged *below, const ql_table *base, ql_str name)
{
    int at = ql_table_column(below != NULL ? below->view : base, name);
    return at < 0 || below == NULL ? at : below->ordinals[at];
}

/* Which column of the table each of the view's is; -1: computed. *gone: one is not there. */
static ql_status
map_columns(qli_res *r, qli_merged *m, const ql_table *base, bool *computed, bool *gone)
{
    int *v = QL_ARENA_ARRAY(r->cx, r->a, int, m->query->nitems + 1u);
    m->ordinals = v;
    for (uint32_t i = 0; v != NULL && i < m->query->nitems; i++) {
        const ql_ast_expr *e = m->query->items[i].expr;
        const ql_table *below = m->below != NULL ? m->below->view : base;
        QL_TRY(ql_bulk_node(r->cx));
        v[i] = e->kind == QL_A_COLUMN ? column_of(m->below, base, e->name) : -1;
        *computed |= v[i] < 0;
        *gone |= e->kind == QL_A_COLUMN && ql_table_column(below, e->name) < 0;
    }
    return v != NULL ? QL_OK : QL_ERROR;
}

/* The same value each time it is looked at. */
static bool
is_steady(const ql_ast_expr *e)
{
    const qli_func *f = e->kind == QL_A_FUNC ? qli_func_find(e->name) : NULL;
    bool yes = e->kind != QL_A_FUNC || (f != NULL && (f->flags & QL_FF_NONDET) == 0);
    for (uint32_t i = 0; i < e->args.n && yes; i++) {
        yes = e->args.v[i] == NULL || is_steady(e->args.v[i]);
    }
    return yes;
}

static bool
from_has_query(const ql_ast_from *f)
{
    return f->left != NULL &&
           (qli_ast_has_query(f->on) || from_has_query(f->left) || from_has_query(f->right));
}

/* Values that views compute can stand in the block itself: nothing groups by them, and no subquery
 * refers to them, which could be to columns only. */
ql_status
qli_merge_computed(qli_res *r, const qli_scope *sc, const ql_ast_select *view, bool *yes)
{
    const ql_ast_select *s = sc->ast;
    bool aggregates = false;
    *yes = s != NULL && s->group_by.n == 0 && s->having == NULL && !s->distinct &&
           !qli_ast_has_query(s->where) && (s->from == NULL || !from_has_query(s->from));
    for (uint32_t i = 0; *yes && i < s->nitems; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        *yes = !qli_ast_has_query(s->items[i].expr);
    }
    for (uint32_t i = 0; *yes && i < s->order_by.n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        *yes = !qli_ast_has_query(s->order_by.v[i].expr);
    }
    for (uint32_t i = 0; *yes && i < view->nitems; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        *yes = is_steady(view->items[i].expr) && !qli_ast_has_query(view->items[i].expr);
    }
    if (*yes) {
        QL_TRY(qli_ast_has_aggregate(r, s, &aggregates));
        *yes = !aggregates;
    }
    return QL_OK;
}

/* --- levels ---------------------------------------------------------------------------------- */

/* What is below m is asked for and opened, as whoever counts there. */
static ql_status
open_below(qli_res *r, qli_merged *m, bool write, ql_table **out)
{
    const ql_ast_from *f = m->query->from;
    QL_TRY(qli_may_use_leaf(r, f));
    return qli_table_open(r, &f->table, f->alias, write, out);
}

static ql_status find_levels(qli_res *r, const ql_table *view, qli_merged *above, bool write,
                             bool change, unsigned depth, qli_merged **out, ql_table **base);

static ql_status
find_below(qli_res *r, qli_merged *m, bool write, bool change, unsigned depth, ql_table **base)
{
    ql_table *t;
    QL_TRY(open_below(r, m, write, &t));
    if (t->view == NULL) {
        *base = t;
        return QL_OK;
    }
    return find_levels(r, t, m, write, change, depth + 1, &m->below, base);
}

/* *base NULL: it cannot be merged. */
static ql_status
find_levels(qli_res *r, const ql_table *view, qli_merged *above, bool write, bool change,
            unsigned depth, qli_merged **out, ql_table **base)
{
    ql_ast_stmt *s;
    bool plain;
    qli_merged *m = QL_ARENA_NEW(r->cx, r->a, qli_merged);
    *base = NULL;
    *out = m;
    if (m == NULL) {
        return QL_ERROR;
    }
    if (depth > MAX_LEVELS) {
        return QL_OK;
    }
    QL_TRY(ql_view_parse(r->cx, r->a, view, &s));
    QL_TRY(is_plain(r, view, s->select, change, &plain));
    if (!plain) {
        return QL_OK;
    }
    const ql_ast_from *f = s->select->from;
    *m = (qli_merged){.view = view,
                      .query = s->select,
                      .above = above,
                      .alias = f->alias.n > 0 ? f->alias : f->table.name,
                      .db = f->table.db};
    qli_inside in;
    ql_status st = qli_view_begin(r, view, &m->frame, &in);
    st = st == QL_OK ? find_below(r, m, write, change, depth, base) : st;
    qli_view_end(r, &in);
    bool computed = false, gone = false;
    if (st == QL_OK && *base != NULL) {
        st = map_columns(r, m, *base, &computed, &gone);
        m->computed = computed;
        *base = gone ? NULL : *base; /* binding it as it stands says what is wrong */
    }
    return st;
}

ql_status
qli_merge_find(qli_res *r, const ql_table *view, bool write, bool change, qli_merged **m,
               ql_table **base)
{
    ql_status st = find_levels(r, view, NULL, write, change, 0, m, base);
    if (st == QL_OK && *base == NULL) {
        *m = NULL;
    }
    return qli_view_hide_error(r->cx, view, st);
}

/* --- binding inside -------------------------------------------------------------------------- */

/* The names of a level, as the only ones there are. */
static ql_status
names_inside(qli_res *r, qli_scope *sc, uint16_t source, qli_names *out)
{
    uint16_t n = qli_visible(sc, source);
    out->v = QL_ARENA_ARRAY(r->cx, r->a, qli_name, n + 1u);
    out->n = n;
    for (uint16_t i = 0; out->v != NULL && i < n; i++) {
        out->v[i] = (qli_name){source, i};
    }
    return out->v != NULL ? QL_OK : QL_ERROR;
}

static ql_status
bind_inside(qli_res *r, qli_scope *sc, uint16_t source, qli_merged *m, const ql_ast_expr *e,
            bool cond, ql_expr **out)
{
    ql_source *s = &sc->q->sources[source];
    qli_scope was = *sc;
    ql_str alias = s->alias, db = s->db;
    qli_merged *outer = sc->sources[source].merged;
    bool unreadable = sc->sources[source].unreadable;
    s->alias = m->alias;
    s->db = m->db;
    sc->sources[source].merged = m->below;
    sc->sources[source].unreadable = false;
    sc->lo = source;
    sc->hi = source + 1;
    sc->inside = true;
    sc->items_bound = false;
    sc->aggs_allowed = false;
    sc->clause = cond ? QLI_CL_WHERE : QLI_CL_FIELDS;
    ql_status st = names_inside(r, sc, source, &sc->names);
    st = st != QL_OK ? st : cond ? qli_bind_cond(r, sc, e, out) : qli_bind(r, sc, e, out);
    s = &sc->q->sources[source]; /* the list may have moved */
    s->alias = alias;
    s->db = db;
    sc->sources[source].merged = outer;
    sc->sources[source].unreadable = unreadable;
    qli_scope_restore(sc, &was);
    return st;
}

/* As whoever counts at level m: outermost first. */
static ql_status
bind_as(qli_res *r, qli_scope *sc, uint16_t source, qli_merged *level, qli_merged *m,
        const ql_ast_expr *e, bool cond, ql_expr **out)
{
    qli_inside in;
    if (level == NULL) {
        return bind_inside(r, sc, source, m, e, cond, out);
    }
    ql_status st = qli_view_begin(r, level->view, &level->frame, &in);
    st = st != QL_OK ? st
                     : bind_as(r, sc, source, level == m ? NULL : level->below, m, e, cond, out);
    qli_view_end(r, &in);
    return st;
}

static qli_merged *
outermost(qli_merged *m)
{
    while (m->above != NULL) {
        m = m->above;
    }
    return m;
}

ql_status
qli_merge_bind(qli_res *r, qli_scope *sc, uint16_t source, qli_merged *m, const ql_ast_expr *e,
               bool cond, ql_expr **out)
{
    qli_merged *top = outermost(m);
    return qli_view_hide_error(r->cx, top->view, bind_as(r, sc, source, top, m, e, cond, out));
}

/* At another table of the join, or at what is not known to be this one. */
static bool
looks_elsewhere(const qli_merged *m, const ql_ast_expr *e)
{
    bool yes = e->select != NULL || m->alias.n == 0 ||
               (e->kind == QL_A_COLUMN && !ql_str_eq_nocase(e->table, m->alias));
    for (uint32_t i = 0; i < e->args.n && !yes; i++) {
        yes = e->args.v[i] != NULL && looks_elsewhere(m, e->args.v[i]);
    }
    return yes;
}

ql_status
qli_merge_column(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column, ql_expr **out)
{
    qli_merged *m = sc->sources[source].merged;
    const ql_ast_expr *e = m->query->items[column].expr;
    if (m->of_join && looks_elsewhere(m, e)) {
        return ql_fail(r->cx, QL_ER_VIEW_MULTIUPDATE, ql_cstr(r->cx, m->view->db),
                       ql_cstr(r->cx, m->view->name));
    }
    if (e->kind == QL_A_COLUMN) { /* computed further down */
        int at = ql_table_column(m->below->view, e->name);
        sc->sources[source].merged = m->below;
        ql_status st = qli_merge_column(r, sc, source, (uint16_t)at, out);
        sc->sources[source].merged = m;
        return st;
    }
    return qli_merge_bind(r, sc, source, m, e, false, out);
}

/* --- as a source ----------------------------------------------------------------------------- */

static ql_status
bind_conditions(qli_res *r, qli_scope *sc, uint16_t source, qli_merged *m, ql_expr **out)
{
    for (*out = NULL; m != NULL; m = m->below) {
        ql_expr *e;
        if (m->query->where == NULL) {
            continue;
        }
        QL_TRY(qli_merge_bind(r, sc, source, m, m->query->where, true, &e));
        if (*out == NULL) {
            *out = e;
        } else {
            QL_TRY(qli_and(r, sc, *out, e, out));
        }
    }
    return QL_OK;
}

ql_status
qli_merge_source(qli_res *r, qli_scope *sc, qli_merged *m, uint16_t source, qli_names *names,
                 ql_expr **cond)
{
    const ql_table *view = m->view;
    sc->q->sources[source].view = view;
    sc->sources[source].merged = m;
    sc->sources[source].unreadable =
        !ql_acl_globally(r->cx, QL_PM(SELECT)) &&
        (ql_acl_on_table(r->cx, view->db, view->name) & QL_PM(SELECT)) == 0;
    QL_TRY(names_inside(r, sc, source, names));
    while (m->below != NULL) {
        m = m->below;
    }
    sc->q->sources[source].below = m->alias;
    m = sc->sources[source].merged;
    if (cond == NULL) {
        return QL_OK;
    }
    QL_TRY(bind_conditions(r, sc, source, m, cond));
    sc->sources[source].view_cond = *cond;
    return QL_OK;
}

ql_status
qli_merge_index_hints(qli_res *r, const qli_merged *m, ql_source *src)
{
    while (m->below != NULL) {
        m = m->below;
    }
    return qli_index_hints(r, m->query->from->hints, m->alias, src);
}

/* --- changing -------------------------------------------------------------------------------- */

static ql_status
may_below(qli_res *r, const qli_merged *m, const ql_table *base, ql_pmask need)
{
    const ql_table *t = m->below != NULL ? m->below->view : base;
    ql_view_entry entry;
    ql_status st = ql_view_enter(r->cx, m->view, &entry);
    st = st == QL_OK ? ql_acl_require_on_table(r->cx, need, t->db, t->name) : st;
    st = st == QL_OK && m->below != NULL ? may_below(r, m->below, base, need) : st;
    ql_view_leave(r->cx, &entry);
    return st;
}

ql_status
qli_merge_may_change(qli_res *r, const qli_merged *m, const ql_table *base, ql_pmask need)
{
    QL_TRY(ql_acl_require_on_table(r->cx, need, m->view->db, m->view->name));
    return qli_view_hide_error(r->cx, m->view, may_below(r, m, base, need));
}

/* --- CHECK OPTION ---------------------------------------------------------------------------- */

/* LOCAL: the view's own condition; CASCADED: those below it as well (manual, "The View WITH CHECK
 * OPTION Clause"). */
static bool
is_checked(const qli_merged *m)
{
    bool cascaded = m->view->view->check == QL_CHECK_CASCADED;
    for (const qli_merged *a = m->above; a != NULL; a = a->above) {
        cascaded |= a->view->view->check == QL_CHECK_CASCADED;
    }
    return cascaded || m->view->view->check == QL_CHECK_LOCAL;
}

ql_status
qli_merge_checks(qli_res *r, qli_scope *sc, uint16_t source, bool forced, ql_expr **cond)
{
    for (qli_merged *m = sc->sources[source].merged; m != NULL; m = m->below) {
        ql_expr *e;
        QL_TRY(ql_bulk_node(r->cx));
        if (m->query->where == NULL || !(forced || is_checked(m))) {
            continue;
        }
        QL_TRY(qli_merge_bind(r, sc, source, m, m->query->where, true, &e));
        QL_TRY(qli_and_onto(r, sc, cond, e));
    }
    return QL_OK;
}
