/* SPDX-License-Identifier: Apache-2.0
 *
 * ON DUPLICATE KEY UPDATE of INSERT ... SELECT: its values may name columns of the query's tables
 * (manual, "INSERT ... ON DUPLICATE KEY UPDATE Statement"), but not of one that groups, is DISTINCT
 * or a set operation. Such columns become items behind those that are inserted; each is reached as
 * a column of the row that was to be inserted, behind those of the table.
 */
#include "resolve/resolve_int.h"

struct qli_dup_columns {
    const ql_ast_expr **v; /* nodes that name columns of the query */
    uint32_t n, cap;
    ql_query *q; /* NULL until it is bound */
    uint16_t ninserted;
};

static bool
names_target(const ql_table *t, const ql_ast_expr *c)
{
    return c->table.n != 0 ? ql_str_eq_nocase(c->table, t->name) : ql_table_column(t, c->name) >= 0;
}

static ql_status
keep(qli_res *r, qli_dup_columns *d, const ql_ast_expr *c)
{
    if (d->n == d->cap) {
        uint32_t cap = d->cap != 0 ? d->cap * 2 : 8;
        const ql_ast_expr **v = QL_ARENA_ARRAY(r->cx, r->a, const ql_ast_expr *, cap);
        if (v == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(r->cx, v, d->v, d->n * sizeof *v));
        d->v = v;
        d->cap = cap;
    }
    d->v[d->n++] = c;
    return QL_OK;
}

/* Subqueries see the table only. */
static ql_status
collect(qli_res *r, qli_dup_columns *d, const ql_table *t, const ql_ast_expr *e)
{
    QL_TRY(ql_bulk_node(r->cx));
    if (e == NULL || e->kind == QL_A_VALUES || e->kind == QL_A_DEFAULT) {
        return QL_OK;
    }
    if (e->kind == QL_A_COLUMN) {
        return names_target(t, e) ? QL_OK : keep(r, d, e);
    }
    for (uint32_t i = 0; i < e->args.n; i++) {
        QL_TRY(collect(r, d, t, e->args.v[i]));
    }
    return QL_OK;
}

ql_status
qli_dup_select(qli_res *r, const ql_ast_insert *ins, const ql_table *t, const ql_ast_select **s)
{
    *s = ins->select;
    if (ins->on_duplicate.n == 0 || (*s)->set_op != QL_SET_NONE || (*s)->distinct ||
        (*s)->group_by.n != 0) {
        return QL_OK;
    }
    qli_dup_columns *d = QL_ARENA_NEW(r->cx, r->a, qli_dup_columns);
    ql_ast_select *copy = d != NULL ? QL_ARENA_NEW(r->cx, r->a, ql_ast_select) : NULL;
    if (copy == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < ins->on_duplicate.n; i++) {
        QL_TRY(collect(r, d, t, ins->on_duplicate.v[i].value));
    }
    *copy = **s;
    copy->items = QL_ARENA_ARRAY(r->cx, r->a, ql_ast_item, (*s)->nitems + d->n);
    if (copy->items == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(r->cx, copy->items, (*s)->items, (*s)->nitems * sizeof *copy->items));
    for (uint32_t i = 0; i < d->n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        copy->items[copy->nitems++] = (ql_ast_item){.expr = (ql_ast_expr *)(uintptr_t)d->v[i]};
    }
    *s = copy;
    r->dup = d;
    return QL_OK;
}

uint16_t
qli_dup_bound(qli_res *r, ql_query *q)
{
    if (r->dup == NULL || q->nitems < r->dup->n) {
        return q->nitems;
    }
    r->dup->q = q;
    r->dup->ninserted = (uint16_t)(q->nitems - r->dup->n);
    return r->dup->ninserted;
}

static bool
has_column(const ql_source *s, ql_str name)
{
    if (s->table != NULL) {
        return ql_table_column(s->table, name) >= 0;
    }
    for (uint16_t i = 0; i < s->derived->nitems; i++) {
        if (ql_str_eq_nocase(s->derived->items[i].column.name, name)) {
            return true;
        }
    }
    return false;
}

ql_status
qli_dup_column(qli_res *r, const ql_ast_expr *c, ql_expr **out)
{
    const qli_dup_columns *d = r->dup;
    if (d == NULL || d->q == NULL || r->insert_target == NULL) {
        return QL_END;
    }
    for (uint32_t i = 0; i < d->n; i++) {
        if (d->v[i] != c) {
            continue;
        }
        ql_expr *n = qli_node(r, QL_E_INSERT_VALUE);
        if (n == NULL) {
            return QL_ERROR;
        }
        const ql_expr *item = d->q->items[d->ninserted + i].expr;
        n->index = r->insert_target->ncolumns + i;
        n->type = item->type;
        n->type.nullable = true;
        n->coercibility = item->coercibility;
        *out = n;
        return QL_OK;
    }
    for (uint16_t i = 0; c->table.n == 0 && i < d->q->nsources; i++) {
        if (has_column(&d->q->sources[i], c->name)) {
            return ql_fail(r->cx, QL_ER_NON_UNIQ_ERROR, qli_full_name(r, c), "field list");
        }
    }
    return QL_END;
}
