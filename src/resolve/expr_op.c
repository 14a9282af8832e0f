/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding of operators.
 */
#include "resolve/resolve_int.h"

ql_status
qli_require_scalar(qli_res *r, const ql_expr *e)
{
    bool row = e->kind == QL_E_ROW || (e->kind == QL_E_SUBQUERY && e->query->nitems != 1);
    return row ? ql_fail(r->cx, QL_ER_OPERAND_COLUMNS, 1) : QL_OK;
}

ql_status
qli_bind_scalars(qli_res *r, qli_scope *sc, const ql_ast_exprs *l, ql_expr ***out)
{
    QL_TRY(qli_bind_list(r, sc, l, out));
    for (uint32_t i = 0; i < l->n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_require_scalar(r, (*out)[i]));
    }
    return QL_OK;
}

static ql_status
bind_logic(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool at_cond, ql_expr **out)
{
    ql_expr **a = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, e->args.n);
    if (a == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < e->args.n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        if (at_cond) {
            sc->at_cond = e->op == QL_OP_AND || e->op == QL_OP_OR;
        }
        QL_TRY(qli_bind(r, sc, e->args.v[i], &a[i]));
        QL_TRY(qli_require_scalar(r, a[i]));
    }
    if (e->op == QL_OP_NOT) {
        return qli_not(r, sc, a[0], out);
    }
    if (e->op == QL_OP_AND) {
        return qli_and(r, sc, a[0], a[1], out);
    }
    if (e->op == QL_OP_OR) {
        return qli_or(r, sc, a[0], a[1], out);
    }
    QL_TRY(qli_to_bool(r, sc, &a[0]));
    QL_TRY(qli_to_bool(r, sc, &a[1]));
    ql_type t = ql_type_bool();
    return qli_op_node(r, sc, QL_OP_XOR, &t, a, 2, out);
}

bool
qli_take_at_cond(qli_scope *sc)
{
    bool at_cond = sc != NULL && sc->at_cond;
    if (at_cond) {
        sc->at_cond = false;
    }
    return at_cond;
}

/* Columns, constants and operators on them: need not be evaluated when only NULL or not matters. */
static ql_status
is_pure(qli_res *r, const ql_expr *e, bool *yes)
{
    *yes = e->kind == QL_E_OP || e->kind == QL_E_CAST || qli_is_repeatable(e);
    QL_TRY(ql_bulk_node(r->cx));
    if (e->kind == QL_E_OP || e->kind == QL_E_CAST) {
        for (uint32_t i = 0; i < e->nargs && *yes; i++) {
            QL_TRY(is_pure(r, e->args[i], yes));
        }
    }
    return QL_OK;
}

bool
qli_is_dated_column(const qli_scope *sc, const ql_expr *e)
{
    if (e->kind != QL_E_SLOT || sc->given != NULL || sc->slots[e->index].kind != QLI_SLOT_COLUMN ||
        (e->type.field != QL_F_DATE && e->type.field != QL_F_DATETIME)) {
        return false;
    }
    const ql_source *s = &sc->q->sources[sc->slots[e->index].source];
    return s->table != NULL && !s->table->columns[sc->slots[e->index].column].type.nullable;
}

ql_status
qli_bind_date_is_null(qli_res *r, qli_scope *sc, ql_expr *column, ql_expr **out)
{
    ql_expr *null = NULL;
    ql_value v = {.kind = column->type.kind, .decimals = column->type.decimals};
    ql_expr *zero = qli_const(r, &v);
    if (zero == NULL) {
        return QL_ERROR;
    }
    QL_TRY(qli_compare_bind(r, sc, QL_OP_EQ, column, zero, out));
    if (!column->type.nullable) {
        return QL_OK;
    }
    ql_type t = ql_type_bool();
    t.nullable = false;
    QL_TRY(qli_op_node(r, sc, QL_OP_IS_NULL, &t, &column, 1, &null));
    return qli_or(r, sc, *out, null, out);
}

static ql_status
bind_is(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool at_cond, ql_expr **out)
{
    ql_expr **a;
    QL_TRY(qli_bind_scalars(r, sc, &e->args, &a));
    if (at_cond && e->op == QL_OP_IS_NULL && qli_is_dated_column(sc, a[0])) {
        return qli_bind_date_is_null(r, sc, a[0], out);
    }
    ql_op op = e->op == QL_OP_IS_UNKNOWN       ? QL_OP_IS_NULL
               : e->op == QL_OP_IS_NOT_UNKNOWN ? QL_OP_IS_NOT_NULL
                                               : e->op;
    if (op != QL_OP_IS_NULL && op != QL_OP_IS_NOT_NULL) {
        QL_TRY(qli_to_bool(r, sc, &a[0]));
    }
    bool pure = !a[0]->type.nullable && (op == QL_OP_IS_NULL || op == QL_OP_IS_NOT_NULL);
    if (pure) {
        QL_TRY(is_pure(r, a[0], &pure));
    }
    if (pure) {
        *out = qli_const_int(r, op == QL_OP_IS_NOT_NULL);
        if (*out == NULL) {
            return QL_ERROR;
        }
        (*out)->is_truth = true;
        return QL_OK;
    }
    ql_type t = ql_type_bool();
    t.nullable = false;
    return qli_op_node(r, sc, op, &t, a, 1, out);
}

/* One IN node of the elements that compare with a in the same kind. */
static ql_status
in_node(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr **v, uint32_t n, ql_kind kind,
        ql_expr **out)
{
    ql_expr **args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n + 1);
    if (!args) {
        return QL_ERROR;
    }
    args[0] = a;
    QL_TRY(qli_cast_compared(r, sc, &args[0], kind));
    for (uint32_t i = 0; i < n; i++) {
        args[i + 1] = v[i];
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_cast_compared(r, sc, &args[i + 1], kind));
    }
    const ql_collation *coll = NULL;
    if (kind == QL_K_STRING) {
        QL_TRY(qli_coll_compared(r, sc, args, n + 1, " IN ", &coll));
    }
    ql_type t = ql_type_bool();
    QL_TRY(qli_op_node(r, sc, op, &t, args, n + 1, out));
    (*out)->compare_kind = kind;
    (*out)->coll = coll;
    return QL_OK;
}

static ql_status
join_parts(qli_res *r, qli_scope *sc, bool negated, ql_expr *part, ql_expr **acc)
{
    if (!*acc) {
        *acc = part;
        return QL_OK;
    }
    return negated ? qli_and(r, sc, *acc, part, acc) : qli_or(r, sc, *acc, part, acc);
}

/* a = v[0] OR a = v[1] ..., as a balanced tree so that long lists do not nest deeply. */
static ql_status
any_equal(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr **v, uint32_t n, ql_expr **out)
{
    if (n == 1) {
        QL_TRY(ql_check(r->cx));
        return qli_compare_bind(r, sc, QL_OP_EQ, a, v[0], out);
    }
    ql_expr *left, *right;
    QL_TRY(any_equal(r, sc, a, v, n / 2, &left));
    QL_TRY(any_equal(r, sc, a, v + n / 2, n - n / 2, &right));
    return qli_or(r, sc, left, right, out);
}

static ql_status
bind_in_rows(qli_res *r, qli_scope *sc, bool negated, ql_expr **a, uint32_t n, ql_expr **out)
{
    QL_TRY(any_equal(r, sc, a[0], a + 1, n - 1, out));
    return negated ? qli_not(r, sc, *out, out) : QL_OK;
}

static ql_status
bind_in(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    if (e->args.n == 2 && e->args.v[1]->kind == QL_A_SUBQUERY) {
        return qli_bind_in_query(r, sc, e, out);
    }
    ql_expr **a;
    bool negated = e->op == QL_OP_NOT_IN;
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    if (a[0]->kind == QL_E_ROW) {
        return bind_in_rows(r, sc, negated, a, e->args.n, out);
    }
    uint32_t n = e->args.n - 1;
    QL_TRY(qli_meet_as_dates(r, sc, a, n + 1));
    ql_kind *kinds = QL_ARENA_ARRAY(r->cx, r->a, ql_kind, n);
    ql_expr **part = kinds ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n) : NULL;
    if (!part) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        ql_expr *left = a[0];
        if (a[i + 1]->kind == QL_E_ROW) {
            return ql_fail(r->cx, QL_ER_OPERAND_COLUMNS, 1);
        }
        QL_TRY(qli_list_equal(r, left, &a[i + 1]));
        QL_TRY(qli_compare_prepare(r, sc, &left, &a[i + 1], &kinds[i]));
        QL_TRY(ql_bulk_node(r->cx));
    }
    ql_expr *acc = NULL;
    for (int k = 0; k < QL_KINDS; k++) {
        uint32_t m = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (kinds[i] == (ql_kind)k) {
                part[m++] = a[i + 1];
            }
            QL_TRY(ql_bulk_count(r->cx, 8));
        }
        if (m) {
            ql_expr *node;
            QL_TRY(m == 1 ? qli_compare_bind(r, sc, negated ? QL_OP_NE : QL_OP_EQ, a[0], part[0],
                                             &node)
                          : in_node(r, sc, e->op, a[0], part, m, (ql_kind)k, &node));
            QL_TRY(join_parts(r, sc, negated, node, &acc));
        }
    }
    *out = acc;
    return QL_OK;
}

ql_str
ql_like_escape(const ql_ctx *cx, const ql_expr *e)
{
    if (e->nargs > 2) {
        const ql_expr *a = e->args[2];
        bool known = a->kind == QL_E_CONST && a->value.kind == QL_K_STRING;
        return known ? a->value.s : (ql_str){0};
    }
    return cx->vars && (cx->vars->sql_mode & QL_MODE_NO_BACKSLASH_ESCAPES) ? QL_STR("")
                                                                           : QL_STR("\\");
}

static ql_status
bind_match(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    const ql_collation *coll;
    bool like = e->op == QL_OP_LIKE || e->op == QL_OP_NOT_LIKE;
    QL_TRY(qli_bind_scalars(r, sc, &e->args, &a));
    for (uint32_t i = 0; i < e->args.n; i++) {
        QL_TRY(qli_cast_kind(r, sc, &a[i], QL_K_STRING));
    }
    if (e->args.n == 3 && !a[2]->is_constant) {
        return ql_fail(r->cx, QL_ER_WRONG_ARGUMENTS, "ESCAPE");
    }
    QL_TRY(qli_coll_compared(r, sc, a, 2, like ? "like" : "regexp", &coll));
    ql_type t = ql_type_bool();
    QL_TRY(qli_op_node(r, sc, e->op, &t, a, e->args.n, out));
    (*out)->coll = coll;
    return QL_OK;
}

static ql_status
bind_negate(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    QL_TRY(qli_bind_scalars(r, sc, &e->args, &a));
    QL_TRY(qli_to_number(r, sc, &a[0]));
    ql_type t = a[0]->type;
    /* -9223372036854775808 is an integer; what is larger still is a decimal */
    if (t.kind == QL_K_INT && a[0]->kind == QL_E_CONST && a[0]->value.kind == QL_K_INT &&
        a[0]->value.is_unsigned && a[0]->value.u > (uint64_t)INT64_MAX + 1) {
        QL_TRY(qli_cast_kind(r, sc, &a[0], QL_K_DECIMAL));
        t = a[0]->type;
    }
    if (t.kind == QL_K_INT) {
        bool nullable = t.nullable;
        unsigned len = ql_type_int_digits(&t) + 1;
        t = ql_type_int(false);
        t.length = len;
        t.nullable = nullable;
    }
    if (t.kind == QL_K_DOUBLE) {
        t.field = QL_F_DOUBLE;
        t.length += t.decimals < QL_DECIMALS_DOUBLE;
    }
    return qli_op_node(r, sc, QL_OP_NEG, &t, a, 1, out);
}

static ql_status
bind_arith(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    const ql_ast_exprs *l = &e->args;
    if (e->op == QL_OP_ADD || e->op == QL_OP_SUB) {
        if (l->v[1]->kind == QL_A_INTERVAL) {
            return qli_date_arith(r, sc, e->op == QL_OP_SUB, l->v[0], l->v[1], out);
        }
        if (l->v[0]->kind == QL_A_INTERVAL && e->op == QL_OP_ADD) {
            return qli_date_arith(r, sc, false, l->v[1], l->v[0], out);
        }
    }
    QL_TRY(qli_bind_scalars(r, sc, l, &a));
    return qli_arith(r, sc, e->op, a[0], a[1], out);
}

static ql_status
bind_bits(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    QL_TRY(qli_bind_scalars(r, sc, &e->args, &a));
    ql_type t = ql_type_int(true);
    t.nullable = false;
    for (uint32_t i = 0; i < e->args.n; i++) {
        t.nullable = t.nullable || a[i]->type.nullable;
        QL_TRY(qli_cast_kind(r, sc, &a[i], QL_K_INT));
    }
    return qli_op_node(r, sc, e->op, &t, a, e->args.n, out);
}

ql_status
qli_bind_op(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    bool at_cond = qli_take_at_cond(sc);
    switch (e->op) {
    case QL_OP_OR:
    case QL_OP_XOR:
    case QL_OP_AND:
    case QL_OP_NOT:
        return bind_logic(r, sc, e, at_cond, out);
    case QL_OP_EQ:
    case QL_OP_NULLSAFE_EQ:
    case QL_OP_NE:
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        return qli_compare_bind(r, sc, e->op, a[0], a[1], out);
    case QL_OP_IS_NULL:
    case QL_OP_IS_NOT_NULL:
    case QL_OP_IS_TRUE:
    case QL_OP_IS_NOT_TRUE:
    case QL_OP_IS_FALSE:
    case QL_OP_IS_NOT_FALSE:
    case QL_OP_IS_UNKNOWN:
    case QL_OP_IS_NOT_UNKNOWN:
        return bind_is(r, sc, e, at_cond, out);
    case QL_OP_BETWEEN:
    case QL_OP_NOT_BETWEEN:
        return qli_bind_between(r, sc, e, out);
    case QL_OP_IN:
    case QL_OP_NOT_IN:
        return bind_in(r, sc, e, out);
    case QL_OP_LIKE:
    case QL_OP_NOT_LIKE:
    case QL_OP_REGEXP:
    case QL_OP_NOT_REGEXP:
        return bind_match(r, sc, e, out);
    case QL_OP_ADD:
    case QL_OP_SUB:
    case QL_OP_MUL:
    case QL_OP_DIV:
    case QL_OP_INTDIV:
    case QL_OP_MOD:
        return bind_arith(r, sc, e, out);
    case QL_OP_NEG:
        return bind_negate(r, sc, e, out);
    case QL_OP_PLUS:
        QL_TRY(qli_bind_scalars(r, sc, &e->args, &a));
        *out = a[0];
        return QL_OK;
    case QL_OP_BITOR:
    case QL_OP_BITAND:
    case QL_OP_BITXOR:
    case QL_OP_SHL:
    case QL_OP_SHR:
    case QL_OP_BITNOT:
        return bind_bits(r, sc, e, out);
    default:
        return qli_bind_in_query(r, sc, e, out);
    }
}
