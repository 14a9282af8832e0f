/* SPDX-License-Identifier: Apache-2.0
 *
 * ENUM and SET in expressions: numbers where numbers are wanted or compared with, texts everywhere
 * else (manual, "The ENUM Type"). A column that is compared with a number, or for equality with the
 * text of one of its values, is compared by its number, so that an index finds it.
 */
#include "resolve/resolve_int.h"
#include "types/kinds.h"

static bool
is_list(const ql_expr *e)
{
    return ql_kind_is_list(e->type.kind);
}

static bool
is_column(const ql_expr *e)
{
    return is_list(e) && (e->kind == QL_E_SLOT || e->kind == QL_E_OUTER);
}

ql_status
qli_list_to_text(qli_res *r, qli_scope *sc, ql_expr **e)
{
    return is_list(*e) ? qli_cast_kind(r, sc, e, QL_K_STRING) : QL_OK;
}

/* The constant is value `number` of the column. */
static ql_status
become_member(qli_res *r, const ql_expr *column, uint64_t number, ql_expr **c)
{
    const ql_type *t = &column->type;
    ql_value v = ql_value_list_of(t->kind, number, t->members, t->coll);
    ql_expr *k = qli_node(r, QL_E_CONST);
    if (!k) {
        return QL_ERROR;
    }
    k->value = v;
    k->type = *t;
    k->type.nullable = false;
    k->is_constant = true;
    *c = k;
    return QL_OK;
}

/* Does the column's collation decide a comparison with the text? */
static bool
is_plain_text(const ql_expr *column, const ql_expr *c)
{
    return c->kind == QL_E_CONST && c->value.kind == QL_K_STRING && !c->is_hex &&
           c->value.coll != ql_coll_binary &&
           (c->coercibility > column->coercibility || c->type.coll == column->type.coll);
}

ql_status
qli_list_equal(qli_res *r, const ql_expr *a, ql_expr **b)
{
    uint64_t number;
    bool is;
    if (r->preparing || !is_column(a) || !is_plain_text(a, *b)) {
        return QL_OK;
    }
    QL_TRY(ql_list_named(r->cx, &a->type, (*b)->value.s, &number, &is));
    return is ? become_member(r, a, number, b) : QL_OK;
}

ql_status
qli_lists_alike(qli_res *r, const ql_expr *a, const ql_expr *b, bool *alike)
{
    const ql_members *m = a->type.members, *n = b->type.members;
    *alike = is_column(a) && is_column(b) && a->type.kind == b->type.kind &&
             a->type.coll == b->type.coll && m != NULL && n != NULL && m->n == n->n;
    for (uint16_t i = 0; *alike && i < m->n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        *alike = m->names[i].n > 0 && ql_str_eq(m->names[i], n->names[i]);
    }
    return QL_OK;
}

/* A whole number that an ENUM or SET could be. */
static bool
whole_number(const ql_expr *c, uint64_t *number)
{
    const ql_value *v = &c->value;
    if (c->kind != QL_E_CONST || c->is_hex) {
        return false;
    }
    if (v->kind == QL_K_INT) {
        *number = v->u;
        return v->is_unsigned || v->i >= 0;
    }
    if (v->kind == QL_K_DECIMAL) {
        ql_decimal d = v->dec;
        return ql_decimal_round(&d, 0, QL_ROUND_TRUNCATE) && ql_decimal_cmp(&d, &v->dec) == 0 &&
               ql_decimal_to_u64(&d, number);
    }
    return false;
}

/* A list meets anything that is none. */
static ql_status
meet(qli_res *r, qli_scope *sc, ql_expr **list, ql_expr **other)
{
    uint64_t number;
    if ((*other)->type.kind == QL_K_NULL) {
        return QL_OK;
    }
    if (!ql_kind_is_number((*other)->type.kind)) {
        return qli_list_to_text(r, sc, list);
    }
    if (!r->preparing && is_column(*list) && whole_number(*other, &number)) {
        return become_member(r, *list, number, other);
    }
    return qli_cast_kind(r, sc, list, QL_K_INT);
}

ql_status
qli_lists_meet(qli_res *r, qli_scope *sc, ql_expr **a, ql_expr **b)
{
    if (is_list(*a) && is_list(*b)) {
        bool settled = ((*a)->kind == QL_E_CONST) != ((*b)->kind == QL_E_CONST) &&
                       (*a)->type.kind == (*b)->type.kind &&
                       (*a)->type.members == (*b)->type.members;
        if (settled) {
            return QL_OK; /* by become_member */
        }
        QL_TRY(qli_list_to_text(r, sc, a));
        return qli_list_to_text(r, sc, b);
    }
    return is_list(*a) ? meet(r, sc, a, b) : is_list(*b) ? meet(r, sc, b, a) : QL_OK;
}

ql_status
qli_lists_among(qli_res *r, qli_scope *sc, ql_expr **a, uint32_t n)
{
    uint32_t texts = 0, numbers = 0;
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        numbers += ql_kind_is_number(a[i]->type.kind);
        texts += !ql_kind_is_number(a[i]->type.kind) && !is_list(a[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        if (is_list(a[i]) && numbers > 0 && texts > 0) {
            QL_TRY(qli_cast_kind(r, sc, &a[i], QL_K_DOUBLE));
        } else if (numbers == 0) {
            QL_TRY(qli_list_to_text(r, sc, &a[i]));
        }
    }
    return QL_OK;
}
