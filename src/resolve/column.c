/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns: what a name means in a block and in those around it, by MySQL's rules (1052, 1054), and
 * whether it may be read (1143).
 */
#include "acl/acl.h"
#include "resolve/resolve_int.h"

static const ql_type *
column_type(const qli_scope *sc, uint16_t source, uint16_t column)
{
    const ql_source *s = &sc->q->sources[source];
    return s->table ? &s->table->columns[column].type : &s->derived->items[column].expr->type;
}

/* What a look at one name counts for between two looks at the kill flag, in bytes. */
#define NAME_COST 128

static ql_status
find_in_names(qli_res *r, const qli_scope *sc, const qli_names *n, ql_str name, int *found,
              bool *twice)
{
    *found = -1;
    *twice = false;
    QL_TRY(ql_bulk_count(r->cx, (size_t)n->n * NAME_COST));
    for (uint32_t i = 0; i < n->n; i++) {
        if (ql_str_eq_nocase(qli_column_name(sc, n->v[i].source, n->v[i].column), name)) {
            *twice = *twice || *found >= 0;
            *found = (int)i;
        }
    }
    return QL_OK;
}

/* A column whose value is used. */
ql_status
qli_may_read(qli_res *r, const qli_scope *sc, qli_name n)
{
    const qli_joined *v = qli_joined_of(sc, n.source);
    if (v != NULL) {
        return v->unreadable
                   ? ql_acl_column_denied(r->cx, v->view->name, v->view->columns[n.column].name)
                   : QL_OK;
    }
    const qli_source *s = &sc->sources[n.source];
    const ql_table *t = s->merged != NULL ? s->merged->view : sc->q->sources[n.source].table;
    return s->unreadable
               ? ql_acl_column_denied(r->cx, t->name, qli_column_name(sc, n.source, n.column))
               : QL_OK;
}

static bool
source_matches(const ql_source *s, const ql_ast_expr *e)
{
    return ql_str_eq_nocase(s->alias, e->table) &&
           (!e->schema.n || ql_str_eq_nocase(s->db, e->schema));
}

static ql_status
find_qualified(qli_res *r, qli_scope *sc, const ql_ast_expr *e, qli_name *out)
{
    bool found = false;
    for (uint16_t s = sc->lo; s < sc->hi; s++) {
        if (!source_matches(&sc->q->sources[s], e) || sc->sources[s].behind != sc->behind) {
            continue;
        }
        uint16_t ncols = qli_visible(sc, s);
        QL_TRY(ql_bulk_count(r->cx, (size_t)ncols * NAME_COST));
        for (uint16_t c = 0; c < ncols; c++) {
            if (ql_str_eq_nocase(qli_column_name(sc, s, c), e->name) && qli_is_named(sc, s, c)) {
                if (found) {
                    return ql_fail(r->cx, QL_ER_NON_UNIQ_ERROR, qli_full_name(r, e),
                                   qli_clause_name(sc->clause));
                }
                found = true;
                *out = (qli_name){s, c};
                break;
            }
        }
    }
    for (const qli_joined *v = sc->joined; v != NULL && !found; v = v->next) {
        int at = v->behind == sc->behind && ql_str_eq_nocase(v->alias, e->table) &&
                         (!e->schema.n || ql_str_eq_nocase(v->view->db, e->schema))
                     ? ql_table_column(v->view, e->name)
                     : -1;
        found = at >= 0;
        *out = found ? (qli_name){(uint16_t)(QLI_JOINED | v->id), (uint16_t)at} : *out;
    }
    return found ? QL_OK : QL_END;
}

ql_status
qli_column_find(qli_res *r, qli_scope *sc, const ql_ast_expr *e, qli_name *out)
{
    if (e->table.n) {
        return find_qualified(r, sc, e, out);
    }
    bool twice;
    int i;
    QL_TRY(find_in_names(r, sc, &sc->names, e->name, &i, &twice));
    if (i < 0) {
        return QL_END;
    }
    if (twice) {
        return ql_fail(r->cx, QL_ER_NON_UNIQ_ERROR, qli_full_name(r, e),
                       qli_clause_name(sc->clause));
    }
    *out = sc->names.v[i];
    return QL_OK;
}

int
qli_base_ordinal(const qli_scope *sc, qli_name n)
{
    const qli_merged *m = n.source & QLI_JOINED ? NULL : sc->sources[n.source].merged;
    return m != NULL ? m->ordinals[n.column] : n.column;
}

ql_status
qli_column_slot(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column, ql_expr **out)
{
    qli_joined *v = qli_joined_of(sc, source);
    if (v != NULL) {
        return qli_joined_column(r, sc, v, column, out);
    }
    int at = qli_base_ordinal(sc, (qli_name){source, column});
    if (at < 0) {
        return qli_merge_column(r, sc, source, column, out);
    }
    QL_TRY(qli_base_slot(r, sc, source, (uint16_t)at, out));
    (*out)->name = qli_column_name(sc, source, column);
    return QL_OK;
}

ql_status
qli_base_slot(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column, ql_expr **out)
{
    ql_expr *e = qli_node(r, QL_E_SLOT);
    if (!e) {
        return QL_ERROR;
    }
    ql_type t = *column_type(sc, source, column);
    t.nullable = t.nullable || sc->sources[source].outer_joined;
    uint16_t *slot = &sc->sources[source].slot_of[column];
    if (*slot == QL_NO_SLOT) {
        QL_TRY(qli_new_slot(r, sc, (qli_slot){QLI_SLOT_COLUMN, source, column}, &t, slot));
    }
    e->index = *slot;
    e->type = t;
    e->name = qli_base_name(sc, source, column);
    const ql_source *s = &sc->q->sources[source];
    e->coercibility = !ql_kind_has_text(t.kind) ? 5
                      : s->derived              ? s->derived->items[column].expr->coercibility
                                                : 2;
    if (ql_kind_has_text(t.kind) && e->coercibility > 2) {
        e->coercibility = 2;
    }
    *out = e;
    return QL_OK;
}

static ql_status
given_column(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    QL_TRY(ql_bulk_count(r->cx, (size_t)sc->ngiven * NAME_COST));
    for (uint16_t i = 0; i < sc->ngiven; i++) {
        if (ql_str_eq_nocase(sc->given[i].name, e->name) &&
            (!e->table.n || ql_str_eq_nocase(sc->given[i].table, e->table))) {
            ql_expr *n = qli_node(r, QL_E_SLOT);
            if (!n) {
                return QL_ERROR;
            }
            n->index = i;
            n->type = sc->given[i].type;
            n->name = sc->given[i].name;
            n->coercibility = ql_kind_has_text(n->type.kind) ? 2 : 5;
            *out = n;
            return QL_OK;
        }
    }
    return QL_END;
}

/* A select item by alias or column name. Two different ones: 1052. */
ql_status
qli_item_lookup(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool *found, ql_expr **out)
{
    *found = false;
    QL_TRY(ql_bulk_count(r->cx, (size_t)sc->q->nitems * NAME_COST));
    for (uint16_t i = 0; sc->items_bound && i < sc->q->nitems; i++) {
        const ql_item *it = &sc->q->items[i];
        if (!ql_str_eq_nocase(it->column.name, e->name) ||
            (e->table.n && !ql_str_eq_nocase(it->column.table, e->table))) {
            continue;
        }
        bool same = true;
        if (*found) {
            QL_TRY(qli_expr_equal(r, *out, it->expr, &same));
        }
        if (!same) {
            return ql_fail(r->cx, QL_ER_NON_UNIQ_ERROR, qli_full_name(r, e),
                           qli_clause_name(sc->clause));
        }
        *found = true;
        *out = it->expr;
    }
    return QL_OK;
}

/* HAVING sees grouping columns and select items before anything else (manual: SELECT, HAVING). */
static ql_status
having_column(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    QL_TRY(ql_bulk_count(r->cx, (size_t)sc->q->ngroup * NAME_COST));
    for (uint16_t i = 0; i < sc->q->ngroup; i++) {
        const ql_expr *g = sc->q->group_by[i];
        if (g->kind == QL_E_SLOT && sc->slots[g->index].kind == QLI_SLOT_COLUMN &&
            ql_str_eq_nocase(g->name, e->name) &&
            (!e->table.n || source_matches(&sc->q->sources[sc->slots[g->index].source], e))) {
            *out = sc->q->group_by[i];
            return QL_OK;
        }
    }
    bool found;
    QL_TRY(qli_item_lookup(r, sc, e, &found, out));
    return found ? QL_OK : QL_END;
}

/* In the block itself: sources, and what its clause adds to them. QL_END = unknown here. */
static ql_status
own_column(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (sc->given) {
        return given_column(r, sc, e, out);
    }
    if (sc->clause == QLI_CL_HAVING && !sc->in_agg) {
        return having_column(r, sc, e, out);
    }
    qli_name name;
    ql_status st = qli_column_find(r, sc, e, &name);
    if (st == QL_OK) {
        if (r->freezing) {
            qli_freeze_column(sc, e, name);
        }
        QL_TRY(qli_may_read(r, sc, name));
        return qli_column_slot(r, sc, name.source, name.column, out);
    }
    if (st == QL_END && sc->clause >= QLI_CL_GROUP && !sc->in_agg) {
        bool found;
        QL_TRY(qli_item_lookup(r, sc, e, &found, out));
        return found ? QL_OK : QL_END;
    }
    return st;
}

static void
mark_correlated(qli_scope *from, uint32_t depth)
{
    for (qli_scope *s = from; depth > 0; s = s->outer, depth--) {
        s->q->correlated = true;
        for (qli_union *u = s->unions; u; u = u->up) {
            u->q->correlated = true;
        }
    }
}

static ql_status
outer_column(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    uint32_t depth = 1;
    for (qli_scope *s = sc->outer, *from = sc; s; from = s, s = s->outer, depth++) {
        if (s->closed || from->inside) {
            return QL_END;
        }
        if (s->barrier) {
            continue;
        }
        ql_expr *inner;
        bool in_agg = s->in_agg; /* an aggregate's argument means columns, in HAVING too */
        s->in_agg = s->in_agg || sc->in_agg;
        ql_status st = own_column(r, s, e, &inner);
        s->in_agg = in_agg;
        if (st == QL_END) {
            continue;
        }
        QL_TRY(st);
        if (inner->kind != QL_E_SLOT) {
            return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET,
                           "reference of a subquery to an expression of the enclosing select list");
        }
        ql_expr *n = qli_node(r, QL_E_OUTER);
        if (!n) {
            return QL_ERROR;
        }
        *n = *inner;
        n->kind = QL_E_OUTER;
        n->depth = depth;
        mark_correlated(sc, depth);
        *out = n;
        return QL_OK;
    }
    return QL_END;
}

/* Also for a table that is not in any FROM. */
static ql_status
column_unknown(qli_res *r, qli_scope *sc, const ql_ast_expr *e)
{
    return ql_fail(r->cx, QL_ER_BAD_FIELD_ERROR, qli_full_name(r, e),
                   sc ? qli_clause_name(sc->clause) : "field list");
}

ql_status
qli_column_bind(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (!sc) {
        return column_unknown(r, NULL, e);
    }
    ql_status st = r->dup != NULL ? qli_dup_column(r, e, out) : QL_END;
    st = st == QL_END ? own_column(r, sc, e, out) : st;
    if (st == QL_END) {
        st = outer_column(r, sc, e, out);
    }
    return st == QL_END ? column_unknown(r, sc, e) : st;
}
