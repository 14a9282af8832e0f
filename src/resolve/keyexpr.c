/* SPDX-License-Identifier: Apache-2.0
 *
 * Functional key parts in conditions: where WHERE has the expression of one, the hidden column that
 * holds its value takes its place, so that the index can be used (manual, "Functional Key Parts").
 * Only kinds whose values are stored as they are computed, and not in rows that an outer join makes
 * up: there the column is NULL, and the expression may not be.
 */
#include "resolve/resolve_int.h"
#include "sql/print.h"
#include "types/kinds.h"

typedef struct replacer {
    qli_res *r;
    qli_scope *sc;
    uint16_t source, column;
    const ql_expr *expr; /* of the key part, over the block's slots */
} replacer;

/* BETWEEN about the expression as two comparisons of the column, which are a range of the index. */
static ql_status
split_between(const replacer *p, ql_expr **e)
{
    ql_expr *x = *e, *column, *lo, *hi;
    bool same;
    if (x->kind != QL_E_OP || x->op != QL_OP_BETWEEN) {
        return QL_OK;
    }
    QL_TRY(qli_expr_equal(p->r, x->args[0], p->expr, &same));
    if (!same || !x->args[1]->is_constant || !x->args[2]->is_constant) {
        return QL_OK;
    }
    QL_TRY(qli_base_slot(p->r, p->sc, p->source, p->column, &column));
    QL_TRY(qli_compare_bind(p->r, p->sc, QL_OP_GE, column, x->args[1], &lo));
    QL_TRY(qli_compare_bind(p->r, p->sc, QL_OP_LE, column, x->args[2], &hi));
    bool means_same = lo->compare_kind == x->compare_kind && hi->compare_kind == x->compare_kind &&
                      lo->coll == x->coll && hi->coll == x->coll;
    return means_same ? qli_and(p->r, p->sc, lo, hi, e) : QL_OK;
}

static ql_status
replace(void *arg, ql_expr **e, uint32_t depth, bool *descend)
{
    replacer *p = arg;
    bool same;
    if (depth > 0) {
        *descend = false; /* slots there are another block's */
        return QL_OK;
    }
    QL_TRY(split_between(p, e));
    QL_TRY(qli_expr_equal(p->r, *e, p->expr, &same));
    if (same) {
        QL_TRY(qli_base_slot(p->r, p->sc, p->source, p->column, e));
        *descend = false;
    }
    return QL_OK;
}

/* Names in the text are columns of one table, whatever others the block has. */
static ql_status
qualify(qli_res *r, ql_ast_expr *e, const ql_source *s)
{
    QL_TRY(ql_bulk_node(r->cx));
    if (e->kind == QL_A_COLUMN) {
        e->schema = s->db;
        e->table = s->alias;
    }
    for (uint32_t i = 0; i < e->args.n; i++) {
        QL_TRY(qualify(r, e->args.v[i], s));
    }
    return QL_OK;
}

static bool
is_exact(const ql_type *t)
{
    return ql_kind_family(t->kind) == QL_FAM_INT || ql_kind_family(t->kind) == QL_FAM_STRING ||
           ql_kind_is_temporal(t->kind);
}

/* Over the columns of the table, whatever views the source is known by, and whoever may read them.
 */
static ql_status
bind_below(qli_res *r, qli_scope *sc, uint16_t source, const ql_ast_expr *e, ql_expr **out)
{
    qli_scope was = *sc;
    qli_source seen = sc->sources[source];
    sc->sources[source].merged = NULL;
    sc->sources[source].unreadable = false;
    sc->behind = seen.behind;
    sc->lo = source;
    sc->hi = source + 1;
    sc->clause = QLI_CL_WHERE;
    ql_status st = qli_bind(r, sc, e, out);
    sc->sources[source].merged = seen.merged;
    sc->sources[source].unreadable = seen.unreadable;
    qli_scope_restore(sc, &was);
    return st;
}

static ql_status
look_for_key(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column)
{
    const ql_source *s = &sc->q->sources[source];
    const ql_column *c = &s->table->columns[column];
    replacer p = {.r = r, .sc = sc, .source = source, .column = column};
    ql_ast_expr *ast;
    ql_expr *e;
    QL_TRY(ql_parse_expr(r->cx, r->a, c->generated, &ast));
    QL_TRY(qualify(r, ast, s));
    QL_TRY(bind_below(r, sc, source, ast, &e));
    if (e->is_constant) {
        return QL_OK; /* found in every constant of the same value, whose parents are computed once
                       */
    }
    if (e->type.kind != c->type.kind || e->type.coll != c->type.coll || !is_exact(&c->type)) {
        return QL_OK;
    }
    p.expr = e;
    return qli_walk(r, &sc->q->where, 0, replace, &p);
}

/* ---- texts that the column holds cut off ---- */

/* Without the CAST that makes a key part of a LONGTEXT, and its collation. */
static const ql_ast_expr *
without_cast(const ql_ast_expr *e)
{
    const ql_ast_expr *x = e;
    while (x->kind == QL_A_COLLATE) {
        x = x->args.v[0];
    }
    return x->kind == QL_A_CAST && x->cast_type->field == QL_F_VAR_STRING ? x->args.v[0] : e;
}

/* expr = 'text', where the column holds the same of every text that is equal to this one. */
static ql_status
imply_equality(const replacer *p, const ql_expr *x, ql_expr **found)
{
    const ql_column *c = &p->sc->q->sources[p->source].table->columns[p->column];
    bool same = false;
    if (x->kind != QL_E_OP || x->op != QL_OP_EQ || x->compare_kind != QL_K_STRING ||
        x->coll != c->type.coll) {
        return QL_OK;
    }
    for (unsigned i = 0; i < 2 && !same; i++) {
        ql_expr *text = x->args[1 - i], *column;
        if (text->kind != QL_E_CONST || text->value.kind != QL_K_STRING ||
            text->value.s.n > c->type.length) {
            continue;
        }
        QL_TRY(qli_expr_equal(p->r, x->args[i], p->expr, &same));
        if (same) {
            QL_TRY(qli_base_slot(p->r, p->sc, p->source, p->column, &column));
            QL_TRY(qli_compare_bind(p->r, p->sc, QL_OP_EQ, column, text, found));
        }
    }
    return QL_OK;
}

/* Among what has to hold. */
static ql_status
look_for_equality(const replacer *p, const ql_expr *x, ql_expr **found)
{
    QL_TRY(ql_bulk_node(p->r->cx));
    if (x->kind != QL_E_OP || x->op != QL_OP_AND) {
        return imply_equality(p, x, found);
    }
    for (uint32_t i = 0; i < x->nargs && *found == NULL; i++) {
        QL_TRY(look_for_equality(p, x->args[i], found));
    }
    return QL_OK;
}

/* `doc->>'$.name' = 'x'` finds rows by a key over CAST(doc->>'$.name' AS CHAR(30)) COLLATE
 * utf8mb4_bin, and by one over a column that is generated so. The condition stays; what the key
 * holds is implied by it. */
static ql_status
look_for_text(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column)
{
    const ql_source *s = &sc->q->sources[source];
    const ql_column *c = &s->table->columns[column];
    replacer p = {.r = r, .sc = sc, .source = source, .column = column};
    ql_ast_expr *ast;
    ql_expr *e, *found = NULL;
    if (c->type.kind != QL_K_STRING || !c->type.coll->is_binary) {
        return QL_OK;
    }
    QL_TRY(ql_parse_expr(r->cx, r->a, c->generated, &ast));
    QL_TRY(qualify(r, ast, s));
    QL_TRY(bind_below(r, sc, source, without_cast(ast), &e));
    if (e->is_constant || e->type.kind != QL_K_STRING) {
        return QL_OK;
    }
    p.expr = e;
    QL_TRY(look_for_equality(&p, sc->q->where, &found));
    if (found == NULL || found->kind != QL_E_OP) {
        return QL_OK;
    }
    found->implied = true;
    return qli_and(r, sc, sc->q->where, found, &sc->q->where);
}

/* Is it the first part of an index? */
static bool
leads_an_index(const ql_table *t, uint16_t column)
{
    for (uint16_t i = 0; i < t->nindexes; i++) {
        if (t->indexes[i].nparts > 0 && t->indexes[i].parts[0].column == column) {
            return true;
        }
    }
    return false;
}

ql_status
qli_key_expressions(qli_res *r, qli_scope *sc)
{
    if (!sc->q->where || r->preparing) {
        return QL_OK;
    }
    for (uint16_t s = 0; s < sc->q->nsources; s++) {
        const ql_table *t = !sc->sources[s].outer_joined ? sc->q->sources[s].table : NULL;
        for (uint16_t i = 0; t && t->has_exprs && i < t->ncolumns; i++) {
            QL_TRY(ql_bulk_node(r->cx));
            if (t->columns[i].generated.n == 0 || !leads_an_index(t, i)) {
                continue;
            }
            if (t->columns[i].hidden) {
                QL_TRY(look_for_key(r, sc, s, i));
            }
            QL_TRY(look_for_text(r, sc, s, i));
        }
    }
    return QL_OK;
}
