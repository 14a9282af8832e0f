/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of a query block, its joins, its slots. Opens tables through the catalog (waits:
 * MDL). What a column name means is in column.c.
 */
#include <string.h>

#include "acl/acl.h"
#include "resolve/resolve_int.h"

const char *
qli_clause_name(qli_clause c)
{
    static const char *const names[] = {
        "field list",    "where clause", "on clause",    "group statement",
        "having clause", "order clause", "limit clause", "a table function argument"};
    return names[c];
}

const char *
qli_full_name(qli_res *r, const ql_ast_expr *e)
{
    const char *s;
    if (e->schema.n) {
        s = ql_arena_printf(r->cx, r->a, "%.*s.%.*s.%.*s", (int)e->schema.n, e->schema.p,
                            (int)e->table.n, e->table.p, (int)e->name.n, e->name.p);
    } else if (e->table.n) {
        s = ql_arena_printf(r->cx, r->a, "%.*s.%.*s", (int)e->table.n, e->table.p, (int)e->name.n,
                            e->name.p);
    } else {
        s = ql_arena_printf(r->cx, r->a, "%.*s", (int)e->name.n, e->name.p);
    }
    return s ? s : "";
}

static ql_status
grow(qli_res *r, void *array, uint32_t n, uint32_t *cap, size_t size)
{
    void **p = array;
    if (n < *cap) {
        return QL_OK;
    }
    uint32_t c = *cap ? *cap * 2 : 8;
    void *v = ql_arena_zalloc(r->cx, r->a, size * c);
    if (!v) {
        return QL_ERROR;
    }
    if (n) {
        QL_TRY(ql_bulk_copy(r->cx, v, *p, size * n));
    }
    *p = v;
    *cap = c;
    return QL_OK;
}

ql_status
qli_scope_new(qli_res *r, qli_scope *outer, qli_scope **out)
{
    qli_scope *sc = QL_ARENA_NEW(r->cx, r->a, qli_scope);
    ql_query *q = sc ? QL_ARENA_NEW(r->cx, r->a, ql_query) : NULL;
    if (!q) {
        return QL_ERROR;
    }
    if (++r->nblocks > QLI_MAX_BLOCKS) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "statements of more than 4096 query blocks");
    }
    QL_TRY(ql_check(r->cx));
    sc->q = q;
    sc->outer = outer;
    sc->ncalls = &q->ncalls;
    q->outer = outer ? outer->q : NULL;
    *out = sc;
    return QL_OK;
}

ql_status
qli_new_slot(qli_res *r, qli_scope *sc, qli_slot what, const ql_type *type, uint16_t *out)
{
    ql_query *q = sc->q;
    if (q->nslots >= QL_NO_SLOT - 1) {
        return ql_fail(r->cx, QL_ER_TOO_MANY_FIELDS);
    }
    uint32_t cap = sc->cap_slots;
    QL_TRY(grow(r, &sc->slots, q->nslots, &cap, sizeof(qli_slot)));
    cap = sc->cap_slots;
    QL_TRY(grow(r, &q->slot_types, q->nslots, &cap, sizeof(ql_type)));
    sc->cap_slots = cap;
    sc->slots[q->nslots] = what;
    q->slot_types[q->nslots] = *type;
    *out = q->nslots++;
    return QL_OK;
}

/* --- sources --- */

ql_str
qli_column_name(const qli_scope *sc, uint16_t source, uint16_t column)
{
    const qli_joined *v = qli_joined_of(sc, source);
    const qli_merged *m = v != NULL ? NULL : sc->sources[source].merged;
    return v != NULL   ? v->view->columns[column].name
           : m != NULL ? m->view->columns[column].name
                       : qli_base_name(sc, source, column);
}

ql_str
qli_base_name(const qli_scope *sc, uint16_t source, uint16_t column)
{
    const ql_source *s = &sc->q->sources[source];
    if (sc->sources[source].names) {
        return sc->sources[source].names[column];
    }
    return s->table ? s->table->columns[column].name : s->derived->items[column].column.name;
}

static ql_status
add_names(qli_res *r, qli_scope *sc, uint16_t source, uint16_t ncols, qli_names *out)
{
    out->v = QL_ARENA_ARRAY(r->cx, r->a, qli_name, ncols + 1u);
    if (!out->v) {
        return QL_ERROR;
    }
    const ql_table *t = sc->q->sources[source].table;
    out->n = 0;
    for (uint16_t i = 0; i < ncols; i++) {
        if (!t || !t->columns[i].hidden) {
            out->v[out->n++] = (qli_name){source, i};
        }
    }
    return QL_OK;
}

static ql_status
add_source(qli_res *r, qli_scope *sc, ql_table *t, ql_query *derived, ql_str db, ql_str alias,
           uint16_t *out)
{
    ql_query *q = sc->q;
    for (uint16_t i = 0; i < q->nsources; i++) {
        const ql_source *s = &q->sources[i];
        if (ql_str_eq_nocase(s->alias, alias) && ql_str_eq(s->db, db) &&
            sc->sources[i].behind == sc->behind) {
            return ql_fail(r->cx, QL_ER_NONUNIQ_TABLE,
                           ql_arena_printf(r->cx, r->a, "%.*s", (int)alias.n, alias.p) ?: "");
        }
    }
    if (q->nsources >= 61) {
        return ql_fail(r->cx, QL_ER_TOO_MANY_TABLES, 61);
    }
    uint32_t cap = sc->cap_sources;
    QL_TRY(grow(r, &q->sources, q->nsources, &cap, sizeof(ql_source)));
    cap = sc->cap_sources;
    QL_TRY(grow(r, &sc->sources, q->nsources, &cap, sizeof(qli_source)));
    sc->cap_sources = (uint16_t)cap;
    uint16_t ncols = t ? t->ncolumns : derived->nitems;
    uint16_t *slot_of = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, ncols + 1u);
    if (!slot_of) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < ncols; i++) {
        slot_of[i] = QL_NO_SLOT;
    }
    bool readable = !t || t->temporary || ql_acl_globally(r->cx, QL_PM(SELECT)) ||
                    (ql_acl_on_table(r->cx, t->db, t->name) & QL_PM(SELECT));
    q->sources[q->nsources] = (ql_source){.table = t, .derived = derived, .alias = alias, .db = db};
    sc->sources[q->nsources] = (qli_source){
        .ncols = ncols, .slot_of = slot_of, .unreadable = !readable, .behind = sc->behind};
    *out = q->nsources++;
    sc->hi = q->nsources;
    return QL_OK;
}

ql_status
qli_source_add_table(qli_res *r, qli_scope *sc, ql_table *t, ql_str alias)
{
    uint16_t n;
    QL_TRY(add_source(r, sc, t, NULL, t->db, alias, &n));
    return add_names(r, sc, n, t->ncolumns, &sc->names);
}

static ql_status
note_below(qli_res *r, const ql_table *t)
{
    if (t->is_virtual || (r->views == NULL && t->view == NULL)) {
        return QL_OK;
    }
    qli_below *b = QL_ARENA_NEW(r->cx, r->a, qli_below);
    if (b == NULL) {
        return QL_ERROR;
    }
    *b = (qli_below){t, r->below};
    r->below = b;
    return QL_OK;
}

ql_status
qli_table_open(qli_res *r, const ql_ast_table_name *name, ql_str alias, bool write, ql_table **out)
{
    ql_str db = name->db;
    ql_mdl_mode mode = r->preparing || r->describing ? QL_MDL_S
                       : write && !r->explaining     ? QL_MDL_SW
                                                     : QL_MDL_SR;
    if (!db.n) {
        if (!r->cx->vars || !r->cx->vars->db.n) {
            return ql_fail(r->cx, QL_ER_NO_DB_ERROR);
        }
        db = r->cx->vars->db;
    }
    /* Below a view any lock of LOCK TABLES will do. */
    ql_str by = r->views != NULL ? (ql_str){0} : alias;
    QL_TRY(ql_catalog_open_as(r->cx, r->a, db, name->name, by, mode, true, out));
    QL_TRY(note_below(r, *out));
    if ((*out)->is_virtual) {
        return QL_OK; /* to see and to kill must not queue */
    }
    if ((*out)->view != NULL) {
        return QL_OK; /* what is below counts */
    }
    if ((*out)->temporary && r->making != NULL) {
        return ql_fail(r->cx, QL_ER_VIEW_SELECT_TMPTABLE, ql_cstr(r->cx, (*out)->name));
    }
    r->touches_tables = true;
    if (ql_table_is_transactional(*out)) {
        r->needs_ticket = true;
        return QL_OK;
    }
    qli_use *u = QL_ARENA_NEW(r->cx, r->a, qli_use);
    if (!u) {
        return QL_ERROR;
    }
    *u = (qli_use){.next = r->uses, .table = *out};
    r->uses = u;
    r->nuses++;
    return QL_OK;
}

/* NULL = none of that name. */
static ql_status
find_cte(const qli_res *r, const ql_ast_table_name *name, const qli_cte **found)
{
    *found = NULL;
    for (const qli_cte *c = name->db.n ? NULL : r->ctes; c; c = c->next) {
        QL_TRY(ql_bulk_node(r->cx));
        if (ql_str_eq_nocase(c->ast->name, name->name)) {
            *found = c;
            break;
        }
    }
    return QL_OK;
}

static ql_status
check_derived_names(qli_res *r, const ql_query *q, const ql_str *names)
{
    for (uint16_t i = 0; i < q->nitems; i++) {
        QL_TRY(ql_check(r->cx));
        ql_str a = names ? names[i] : q->items[i].column.name;
        for (uint16_t k = 0; k < i; k++) {
            if (ql_str_eq_nocase(a, names ? names[k] : q->items[k].column.name)) {
                return ql_fail(r->cx, QL_ER_DUP_FIELDNAME,
                               ql_arena_printf(r->cx, r->a, "%.*s", (int)a.n, a.p) ?: "");
            }
        }
    }
    return QL_OK;
}

ql_status
qli_derived_bind(qli_res *r, qli_scope *sc, const ql_ast_select *s, ql_str db, ql_str alias,
                 const ql_str *names, uint32_t nnames, qli_names *out)
{
    ql_query *q;
    bool was = sc->barrier;
    sc->barrier = true;
    ql_status st = qli_query_bind(r, s, sc, NULL, &q);
    sc->barrier = was;
    QL_TRY(st);
    QL_TRY(qli_items_settle(r, q));
    if (nnames && nnames != q->nitems) {
        return ql_fail(r->cx, QL_ER_VIEW_WRONG_LIST);
    }
    QL_TRY(check_derived_names(r, q, nnames ? names : NULL));
    uint16_t n;
    QL_TRY(add_source(r, sc, NULL, q, db, alias, &n));
    if (nnames) {
        sc->sources[n].names = names;
    }
    return add_names(r, sc, n, q->nitems, out);
}

static ql_status
bind_cte(qli_res *r, qli_scope *sc, const qli_cte *c, ql_str alias, qli_names *out)
{
    const qli_cte *saved = r->ctes;
    const ql_table *target = r->dml_target;
    r->ctes = c->next; /* its own text sees only what came before */
    r->dml_target = NULL;
    ql_status st = qli_derived_bind(r, sc, c->ast->select, (ql_str){0}, alias, c->ast->columns,
                                    c->ast->ncolumns, out);
    r->ctes = (qli_cte *)saved;
    r->dml_target = target;
    if (st == QL_OK) {
        sc->q->sources[sc->q->nsources - 1].derived->cte = c->shared;
        c->shared->readers++;
    }
    return st;
}

/* Where conditions of merged views go that were met below. */
typedef struct from_side {
    bool inner; /* of an outer join: no partner, no row of it */
    ql_expr *pending;
} from_side;

/* So many tables may stand in a block before that of a view that joins. */
#define MOST_BEFORE_JOIN 30

/* Merged, if that says the same: a value computed by the view would not be NULL where an outer join
 * finds no row, and is not one that subqueries can refer to. */
static ql_status
bind_view(qli_res *r, qli_scope *sc, const ql_ast_from *f, const ql_table *view, ql_str alias,
          bool write, from_side *side, ql_join_tree *j, qli_names *out)
{
    qli_merged *m = NULL;
    ql_table *base;
    uint16_t n;
    bool may = f->dml || qli_hints_let_merge(r, sc, view, alias);
    if (!r->freezing && may) {
        QL_TRY(qli_merge_find(r, view, write, f->dml, &m, &base));
    }
    bool fits = m != NULL && (!m->computed || (f->dml && !side->inner));
    bool plain = !f->dml && !side->inner && r->dml_target == NULL;
    fits |= m != NULL && plain;
    for (const qli_merged *l = m; l != NULL && l->computed && plain && fits; l = l->below) {
        QL_TRY(qli_merge_computed(r, sc, l->query, &fits));
    }
    fits = fits && (r->dml_target == NULL || r->in_dml_from || r->dml_target->id != base->id);
    bool change = f->dml && r->in_dml_from && sc->outer == NULL &&
                  (r->dml == QLI_DML_UPDATE || r->dml == QLI_DML_UPDATE_MANY || sc->behind != 0);
    bool reads = may && plain && !r->freezing && sc->ast != NULL && sc->ast->nlocking == 0 &&
                 sc->q->nsources < MOST_BEFORE_JOIN;
    if (!fits && view->view->updatable == QL_VIEW_OF_JOIN && (change || reads)) {
        bool done;
        QL_TRY(
            qli_join_view(r, sc, view, alias, side->inner, change, j, &side->pending, out, &done));
        if (done) {
            return QL_OK;
        }
    }
    if (!fits) {
        return qli_view_bind(r, sc, view, alias, out);
    }
    QL_TRY(add_source(r, sc, base, NULL, view->db, alias, &n));
    QL_TRY(qli_merge_index_hints(r, m, &sc->q->sources[n]));
    return qli_merge_source(r, sc, m, n, out, &side->pending);
}

static ql_status
bind_json_table(qli_res *r, qli_scope *sc, const ql_ast_from *f, qli_names *out)
{
    ql_table *t;
    ql_json_source *json;
    uint16_t n;
    qli_clause clause = sc->clause;
    sc->clause = QLI_CL_TABLE_FUNCTION;
    QL_TRY(qli_json_table_bind(r, sc, f, &t, &json));
    sc->clause = clause;
    QL_TRY(add_source(r, sc, t, NULL, (ql_str){0}, f->alias, &n));
    sc->q->sources[n].json = json;
    sc->sources[n].unreadable = false;
    return add_names(r, sc, n, t->ncolumns, out);
}

/* What stands to the left of JSON_TABLE can be named in it. */
static ql_status bind_from(qli_res *r, qli_scope *sc, const ql_ast_from *f, ql_join_tree **out,
                           from_side *side, qli_names *names);
static ql_status
bind_right(qli_res *r, qli_scope *sc, const ql_ast_from *f, const qli_names *left,
           ql_join_tree **out, from_side *side, qli_names *names)
{
    qli_names saved = sc->names;
    uint16_t lo = sc->lo;
    if (f->right->json == NULL) {
        return bind_from(r, sc, f->right, out, side, names);
    }
    sc->names = *left;
    sc->lo = 0;
    QL_TRY(bind_from(r, sc, f->right, out, side, names));
    sc->names = saved;
    sc->lo = lo;
    bool looks_left = false;
    const ql_json_source *json = sc->q->sources[(*out)->source].json;
    if (f->join == QL_J_RIGHT) {
        QL_TRY(qli_json_table_looks_left(r, json, &looks_left));
    }
    return looks_left
               ? ql_fail(r->cx, QL_ER_TF_FORBIDDEN_JOIN_TYPE, ql_cstr(r->cx, f->right->alias))
               : QL_OK;
}

static ql_status
bind_leaf(qli_res *r, qli_scope *sc, const ql_ast_from *f, ql_join_tree *j, from_side *side,
          qli_names *out)
{
    j->is_leaf = true;
    j->source = sc->q->nsources;
    if (f->json) {
        return bind_json_table(r, sc, f, out);
    }
    if (f->derived) {
        if (!f->alias.n) {
            return ql_fail(r->cx, QL_ER_DERIVED_MUST_HAVE_ALIAS);
        }
        const ql_table *target = r->dml_target;
        r->dml_target = NULL; /* read whole before anything is changed */
        ql_status st = qli_derived_bind(r, sc, f->derived, (ql_str){0}, f->alias, NULL, 0, out);
        r->dml_target = target;
        return st;
    }
    ql_str alias = f->alias.n ? f->alias : f->table.name;
    const qli_cte *cte;
    QL_TRY(find_cte(r, &f->table, &cte));
    if (cte) {
        return bind_cte(r, sc, cte, alias, out);
    }
    ql_table *t;
    uint16_t n;
    bool locks = sc->ast != NULL && qli_locking_writes(sc->ast, alias);
    bool write = (r->in_dml_from && sc->outer == NULL) || locks;
    QL_TRY(qli_may_use_leaf(r, f));
    if (locks) {
        QL_TRY(qli_may_lock_leaf(r, f));
    }
    QL_TRY(qli_table_open(r, &f->table, alias, write, &t));
    if (r->dml_target && !r->in_dml_from && r->dml_target->id == t->id && !t->is_virtual) {
        return ql_fail(r->cx, QL_ER_UPDATE_TABLE_USED,
                       ql_arena_printf(r->cx, r->a, "%.*s", (int)alias.n, alias.p) ?: "");
    }
    if (r->freezing) {
        qli_freeze_table(f, t->db);
    }
    if (t->view != NULL) {
        QL_TRY(qli_index_hints_on_view(r, f, alias));
        return bind_view(r, sc, f, t, alias, write, side, j, out);
    }
    QL_TRY(add_source(r, sc, t, NULL, t->db, alias, &n));
    QL_TRY(qli_index_hints(r, f->hints, alias, &sc->q->sources[n]));
    return add_names(r, sc, n, t->ncolumns, out);
}

/* --- joins --- */

static ql_status
join_on_pair(qli_res *r, qli_scope *sc, qli_name a, qli_name b, ql_expr **on)
{
    ql_expr *x, *y, *eq;
    QL_TRY(qli_may_read(r, sc, a));
    QL_TRY(qli_may_read(r, sc, b));
    QL_TRY(qli_column_slot(r, sc, a.source, a.column, &x));
    QL_TRY(qli_column_slot(r, sc, b.source, b.column, &y));
    QL_TRY(qli_compare_bind(r, sc, QL_OP_EQ, x, y, &eq));
    if (!*on) {
        *on = eq;
        return QL_OK;
    }
    return qli_and(r, sc, *on, eq, on);
}

static ql_status
using_column(qli_res *r, const qli_name_index *side, ql_str name, uint32_t *at)
{
    bool twice;
    int i;
    QL_TRY(qli_name_index_find(r, side, name, &i, &twice));
    const char *text = ql_arena_printf(r->cx, r->a, "%.*s", (int)name.n, name.p);
    if (!text) {
        return QL_ERROR;
    }
    if (i < 0) {
        return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, text, "from clause");
    }
    if (twice) {
        return ql_fail(r->cx, QL_ER_NON_UNIQ_ERROR, text, "from clause");
    }
    *at = (uint32_t)i;
    return QL_OK;
}

/* USING and NATURAL: equality of the common columns, which are then named once and come first. */
static ql_status
join_common(qli_res *r, qli_scope *sc, const ql_ast_from *f, const qli_names *l,
            const qli_names *rt, ql_expr **on, qli_names *out)
{
    bool *lused = QL_ARENA_ARRAY(r->cx, r->a, bool, l->n + 1);
    bool *rused = lused ? QL_ARENA_ARRAY(r->cx, r->a, bool, rt->n + 1) : NULL;
    out->v = rused ? QL_ARENA_ARRAY(r->cx, r->a, qli_name, l->n + rt->n + 1) : NULL;
    if (!out->v) {
        return QL_ERROR;
    }
    out->n = 0;
    qli_name_index lx, rx;
    QL_TRY(qli_name_index_make(r, sc, l, &lx));
    QL_TRY(qli_name_index_make(r, sc, rt, &rx));
    bool right = f->join == QL_J_RIGHT;
    const qli_names *first = right ? rt : l;
    uint32_t ncommon = f->natural ? first->n : f->nusing;
    for (uint32_t i = 0; i < ncommon; i++) {
        uint32_t li, ri;
        ql_str name = f->natural ? qli_column_name(sc, first->v[i].source, first->v[i].column)
                                 : f->using_cols[i];
        if (f->natural) {
            bool twice;
            int there;
            QL_TRY(qli_name_index_find(r, right ? &lx : &rx, name, &there, &twice));
            if (there < 0) {
                continue;
            }
        }
        QL_TRY(using_column(r, &lx, name, &li));
        QL_TRY(using_column(r, &rx, name, &ri));
        QL_TRY(join_on_pair(r, sc, l->v[li], rt->v[ri], on));
        if (r->freezing) {
            QL_TRY(qli_freeze_pair(r, sc, f, l->v[li], rt->v[ri]));
        }
        lused[li] = rused[ri] = true;
        out->v[out->n++] = right ? rt->v[ri] : l->v[li];
    }
    if (r->freezing) {
        QL_TRY(qli_freeze_joined(r, f));
    }
    const qli_names *second = right ? l : rt;
    const bool *fu = right ? rused : lused, *su = right ? lused : rused;
    for (uint32_t i = 0; i < first->n; i++) {
        if (!fu[i]) {
            out->v[out->n++] = first->v[i];
        }
    }
    for (uint32_t i = 0; i < second->n; i++) {
        if (!su[i]) {
            out->v[out->n++] = second->v[i];
        }
    }
    return QL_OK;
}

static ql_status
concat_names(qli_res *r, const qli_names *a, const qli_names *b, qli_names *out)
{
    out->v = QL_ARENA_ARRAY(r->cx, r->a, qli_name, a->n + b->n + 1);
    if (!out->v) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < a->n; i++) {
        out->v[i] = a->v[i];
    }
    for (uint32_t i = 0; i < b->n; i++) {
        out->v[a->n + i] = b->v[i];
    }
    out->n = a->n + b->n;
    return QL_OK;
}

static void
mark_outer_joined(qli_scope *sc, uint16_t lo, uint16_t hi)
{
    for (uint16_t i = lo; i < hi; i++) {
        sc->sources[i].outer_joined = true;
    }
}

static ql_status
bind_from(qli_res *r, qli_scope *sc, const ql_ast_from *f, ql_join_tree **out, from_side *side,
          qli_names *names)
{
    ql_join_tree *j = QL_ARENA_NEW(r->cx, r->a, ql_join_tree);
    if (!j) {
        return QL_ERROR;
    }
    *out = j;
    if (!f->left) {
        return bind_leaf(r, sc, f, j, side, names);
    }
    qli_names l = {0}, rt = {0};
    from_side ls = {.inner = side->inner || f->join == QL_J_RIGHT};
    from_side rs = {.inner = side->inner || f->join == QL_J_LEFT};
    uint16_t lo = sc->q->nsources;
    QL_TRY(bind_from(r, sc, f->left, &j->left, &ls, &l));
    uint16_t mid = sc->q->nsources;
    QL_TRY(bind_right(r, sc, f, &l, &j->right, &rs, &rt));
    uint16_t hi = sc->q->nsources;
    bool common = f->natural || f->nusing > 0;
    if (common) {
        QL_TRY(join_common(r, sc, f, &l, &rt, &j->on, names));
    } else {
        QL_TRY(concat_names(r, &l, &rt, names));
    }
    if (f->on && !common) {
        qli_names saved = sc->names;
        uint16_t slo = sc->lo, shi = sc->hi;
        qli_clause clause = sc->clause;
        sc->names = *names;
        sc->lo = lo;
        sc->hi = hi;
        sc->clause = QLI_CL_ON;
        QL_TRY(qli_bind_cond(r, sc, f->on, &j->on));
        sc->names = saved;
        sc->lo = slo;
        sc->hi = shi;
        sc->clause = clause;
    }
    bool outer = f->join == QL_J_LEFT || f->join == QL_J_RIGHT;
    j->kind = outer ? QL_JOIN_LEFT : QL_JOIN_INNER;
    j->straight = f->join == QL_J_STRAIGHT;
    QL_TRY(qli_and_onto(r, sc, f->join == QL_J_RIGHT ? &j->on : &side->pending, ls.pending));
    QL_TRY(qli_and_onto(r, sc, f->join == QL_J_LEFT ? &j->on : &side->pending, rs.pending));
    if (f->join == QL_J_RIGHT) {
        ql_join_tree *t = j->left;
        j->left = j->right;
        j->right = t;
        mark_outer_joined(sc, lo, mid);
    } else if (outer) {
        mark_outer_joined(sc, mid, hi);
    }
    return QL_OK;
}

ql_status
qli_from_below(qli_res *r, qli_scope *sc, const ql_ast_from *from, bool inner, ql_join_tree **tree,
               ql_expr **pending, qli_names *names)
{
    from_side side = {.inner = inner};
    QL_TRY(bind_from(r, sc, from, tree, &side, names));
    *pending = side.pending;
    return QL_OK;
}

ql_status
qli_from_bind(qli_res *r, qli_scope *sc, const ql_ast_from *from)
{
    if (!from) {
        return QL_OK;
    }
    qli_names names = {0};
    from_side side = {.inner = false};
    QL_TRY(bind_from(r, sc, from, &sc->q->from, &side, &names));
    sc->q->where = side.pending;
    sc->names = names;
    sc->lo = 0;
    sc->hi = sc->q->nsources;
    return QL_OK;
}

/* --- end of the block --- */

ql_status
qli_scope_finish(qli_res *r, qli_scope *sc)
{
    ql_query *q = sc->q;
    QL_TRY(qli_straight_bind(r, sc));
    for (uint16_t s = 0; s < q->nsources; s++) {
        ql_source *src = &q->sources[s];
        const qli_source *x = &sc->sources[s];
        src->ordinals = QL_ARENA_ARRAY(r->cx, r->a, uint16_t, x->ncols + 1u);
        src->slots = src->ordinals ? QL_ARENA_ARRAY(r->cx, r->a, uint16_t, x->ncols + 1u) : NULL;
        if (!src->slots) {
            return QL_ERROR;
        }
        src->ncols = 0;
        for (uint16_t c = 0; c < x->ncols; c++) {
            uint16_t slot = x->slot_of[c];
            if (slot == QL_NO_SLOT) {
                continue;
            }
            src->ordinals[src->ncols] = c;
            src->slots[src->ncols++] = slot;
            if (x->outer_joined) {
                q->slot_types[slot].nullable = true;
            }
        }
    }
    return QL_OK;
}
