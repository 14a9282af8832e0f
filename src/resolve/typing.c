/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of expressions: making nodes, common types, inserting casts, arithmetic. Comparisons and
 * collations are in compare.c.
 */
#include "resolve/resolve_int.h"
#include "types/kinds.h"

ql_expr *
qli_node(qli_res *r, ql_expr_kind kind)
{
    ql_expr *e = QL_ARENA_NEW(r->cx, r->a, ql_expr);
    if (e) {
        e->kind = kind;
        e->coercibility = 5;
    }
    return e;
}

const ql_collation *
qli_conn_coll(const qli_res *r)
{
    const ql_vars *v = r->cx->vars;
    return v && v->coll_connection ? v->coll_connection : ql_coll_default;
}

ql_type
qli_type_of_value(const qli_res *r, const ql_value *v)
{
    ql_type t = ql_kinds[v->kind]->type_of(v, qli_conn_coll(r));
    t.nullable = v->kind == QL_K_NULL;
    return t;
}

/* Longer ones are not looked at. */
static bool
is_short_ascii(ql_str s)
{
    bool ascii = s.n <= 4096;
    for (size_t i = 0; ascii && i < s.n; i++) {
        ascii = (unsigned char)s.p[i] < 0x80;
    }
    return ascii;
}

ql_expr *
qli_const(qli_res *r, const ql_value *v)
{
    ql_expr *e = qli_node(r, QL_E_CONST);
    if (!e) {
        return NULL;
    }
    e->value = *v;
    if (v->kind == QL_K_STRING && !v->coll) {
        e->value.coll = qli_conn_coll(r);
    }
    e->type = qli_type_of_value(r, &e->value);
    e->is_constant = true;
    e->ascii = v->kind != QL_K_STRING || is_short_ascii(v->s);
    e->coercibility = v->kind == QL_K_NULL ? 6 : v->kind == QL_K_STRING ? 4 : 5;
    return e;
}

ql_expr *
qli_const_int(qli_res *r, int64_t i)
{
    ql_value v = ql_value_int(i);
    return qli_const(r, &v);
}

ql_status
qli_args_constant(qli_res *r, ql_expr *const *args, uint32_t n, bool *yes)
{
    *yes = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!args[i]->is_constant) {
            return QL_OK;
        }
        QL_TRY(ql_bulk_each(r->cx, i));
    }
    *yes = true;
    return QL_OK;
}

void
qli_number_node(qli_res *r, qli_scope *sc, ql_expr *e)
{
    uint32_t *counter = sc && sc->ncalls ? sc->ncalls : &r->ncalls;
    e->call = (*counter)++;
}

ql_status
qli_op_node(qli_res *r, qli_scope *sc, ql_op op, const ql_type *type, ql_expr **args, uint32_t n,
            ql_expr **out)
{
    ql_expr *e = qli_node(r, QL_E_OP);
    ql_expr **copy = e ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n) : NULL;
    if (!copy) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(r->cx, copy, args, sizeof(*args) * n));
    e->op = op;
    e->type = *type;
    e->args = copy;
    e->nargs = n;
    QL_TRY(qli_args_constant(r, args, n, &e->is_constant));
    qli_number_node(r, sc, e);
    *out = e;
    return qli_fold(r, out);
}

/* Kind of the union of two kinds, neither NULL (MySQL's type aggregation for CASE, UNION ...). */
static ql_kind
common_kind(ql_kind a, ql_kind b)
{
    if (ql_kind_is_list(a) || ql_kind_is_list(b)) {
        return QL_K_STRING;
    }
    if (a == b) {
        return a;
    }
    if (a == QL_K_STRING || b == QL_K_STRING || a == QL_K_JSON || b == QL_K_JSON) {
        return QL_K_STRING;
    }
    if (ql_kind_is_temporal(a) && ql_kind_is_temporal(b)) {
        return QL_K_DATETIME;
    }
    if (ql_kind_is_temporal(a) || ql_kind_is_temporal(b)) {
        return QL_K_STRING;
    }
    return a == QL_K_DOUBLE || b == QL_K_DOUBLE ? QL_K_DOUBLE : QL_K_DECIMAL;
}

static ql_type
common_pair(const ql_type *a, const ql_type *b)
{
    if (a->kind == QL_K_NULL || b->kind == QL_K_NULL) {
        return a->kind == QL_K_NULL ? *b : *a;
    }
    ql_kind k = common_kind(a->kind, b->kind);
    return ql_kinds[k]->common(a, b);
}

static ql_status
common_coll(qli_res *r, const ql_type *t, const uint8_t *coercibility, uint32_t n,
            const char *operation, ql_type *out)
{
    ql_expr *v = QL_ARENA_ARRAY(r->cx, r->a, ql_expr, n);
    ql_expr **p = v ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, n) : NULL;
    if (!p) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        /* ENUM, SET and BIT count as the texts that they become. */
        v[i].type = t[i].bits != 0 ? ql_type_varchar(t[i].bits, ql_coll_binary) : t[i];
        v[i].coercibility = t[i].bits != 0 ? 2 : coercibility[i];
        QL_TRY(ql_bulk_node(r->cx));
        p[i] = &v[i];
    }
    uint8_t co;
    return qli_coll_aggregate(r, p, n, operation, &out->coll, &co);
}

ql_status
qli_common_of_types(qli_res *r, const ql_type *t, const uint8_t *coercibility, uint32_t n,
                    const char *operation, ql_type *out)
{
    ql_type acc = t[0];
    bool nullable = t[0].nullable;
    for (uint32_t i = 1; i < n; i++) {
        acc = common_pair(&acc, &t[i]);
        QL_TRY(ql_bulk_node(r->cx));
        nullable = nullable || t[i].nullable;
    }
    if (acc.kind == QL_K_NULL) { /* nothing but NULLs: held as an empty text */
        acc = ql_type_varchar(0, ql_coll_binary);
    } else if (ql_kind_has_text(acc.kind)) {
        if (ql_kind_is_list(acc.kind)) { /* nothing but one of them */
            acc = ql_kinds[QL_K_STRING]->type_from(&acc, acc.coll);
        }
        QL_TRY(common_coll(r, t, coercibility, n, operation, &acc));
    }
    acc.zerofill = 0;
    acc.nullable = nullable;
    *out = acc;
    return QL_OK;
}

ql_status
qli_common_type(qli_res *r, ql_expr *const *e, uint32_t n, const char *operation, ql_type *out)
{
    ql_type *t = QL_ARENA_ARRAY(r->cx, r->a, ql_type, n);
    uint8_t *co = t ? QL_ARENA_ARRAY(r->cx, r->a, uint8_t, n) : NULL;
    if (!co) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        t[i] = e[i]->type;
        co[i] = e[i]->coercibility;
        QL_TRY(ql_bulk_node(r->cx));
    }
    return qli_common_of_types(r, t, co, n, operation, out);
}

static ql_status
cast_node(qli_res *r, ql_expr **e, const ql_type *t)
{
    ql_expr *c = qli_node(r, QL_E_CAST);
    ql_expr **args = c ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 1) : NULL;
    if (!args) {
        return QL_ERROR;
    }
    args[0] = *e;
    c->args = args;
    c->nargs = 1;
    c->type = *t;
    c->is_constant = (*e)->is_constant;
    c->coercibility = t->kind != QL_K_STRING             ? 5
                      : ql_kind_is_list((*e)->type.kind) ? (*e)->coercibility
                                                         : 4;
    c->ascii = (*e)->ascii || !ql_kind_has_text((*e)->type.kind);
    *e = c;
    return qli_fold(r, e);
}

ql_status
qli_plain_int(qli_res *r, ql_expr **e)
{
    ql_type t = ql_type_int((*e)->type.is_unsigned);
    t.nullable = (*e)->type.nullable;
    return cast_node(r, e, &t);
}

ql_status
qli_cast_text(qli_res *r, qli_scope *sc, ql_expr **e, const ql_type *t)
{
    (void)sc;
    return cast_node(r, e, t);
}

ql_status
qli_hex_as_number(qli_res *r, ql_expr **e)
{
    ql_str s = (*e)->value.s;
    uint64_t v = 0;
    for (size_t i = s.n > 8 ? s.n - 8 : 0; i < s.n; i++) {
        v = v << 8 | (unsigned char)s.p[i];
    }
    ql_value number = ql_value_uint(v);
    ql_expr *c = qli_const(r, &number);
    if (!c) {
        return QL_ERROR;
    }
    *e = c;
    return QL_OK;
}

ql_status
qli_cast(qli_res *r, qli_scope *sc, ql_expr **e, const ql_type *t)
{
    if ((*e)->is_hex && ql_kind_is_number(t->kind)) {
        QL_TRY(qli_hex_as_number(r, e));
    }
    if ((*e)->type.kind == QL_K_NULL && (*e)->kind == QL_E_CONST) {
        ql_expr *c = qli_const(r, &(*e)->value);
        if (!c) {
            return QL_ERROR;
        }
        c->type = *t;
        c->type.nullable = true;
        *e = c;
        return QL_OK;
    }
    if ((*e)->type.kind == QL_K_STRING && t->kind == QL_K_STRING && t->coll) {
        return qli_cast_bytes(r, sc, e, t->coll);
    }
    /* Decimals keep the digits that they have: another scale is another value to print. */
    if ((*e)->type.kind == t->kind &&
        (t->kind != QL_K_DECIMAL || (*e)->type.decimals == t->decimals)) {
        return QL_OK;
    }
    ql_type to = *t;
    to.nullable = (*e)->type.nullable || t->kind != QL_K_DECIMAL;
    return cast_node(r, e, &to);
}

ql_status
qli_cast_kind(qli_res *r, qli_scope *sc, ql_expr **e, ql_kind kind)
{
    const ql_type *from = &(*e)->type;
    if (kind == QL_K_NULL || (kind == QL_K_STRING && from->kind == kind)) {
        return QL_OK;
    }
    if (from->kind == QL_K_JSON && kind == QL_K_STRING) {
        ql_type text = qli_json_text_type();
        return qli_cast(r, sc, e, &text);
    }
    QL_TRY(kind == QL_K_JSON ? qli_truth_as_json(r, sc, e) : QL_OK);
    ql_type t = ql_kinds[kind]->type_from(from, qli_conn_coll(r));
    return qli_cast(r, sc, e, &t);
}

ql_status
qli_to_number(qli_res *r, qli_scope *sc, ql_expr **e)
{
    if ((*e)->is_hex) {
        return qli_hex_as_number(r, e);
    }
    const ql_type *t = &(*e)->type;
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_STRING:
    case QL_FAM_LIST:
    case QL_FAM_JSON:
        return qli_cast_kind(r, sc, e, QL_K_DOUBLE);
    case QL_FAM_NULL:
        return qli_cast_kind(r, sc, e, QL_K_INT);
    case QL_FAM_TEMPORAL: {
        bool fraction = ql_kinds[t->kind]->second_digits(t) != 0;
        return qli_cast_kind(r, sc, e, fraction ? QL_K_DECIMAL : QL_K_INT);
    }
    case QL_FAM_INT:
    case QL_FAM_DECIMAL:
    case QL_FAM_DOUBLE:
        break;
    }
    return QL_OK;
}

ql_status
qli_to_bool(qli_res *r, qli_scope *sc, ql_expr **e)
{
    ql_kind k = (*e)->type.kind;
    if (k == QL_K_INT) {
        return QL_OK;
    }
    if (k == QL_K_NULL) {
        ql_type b = ql_type_bool();
        return qli_cast(r, sc, e, &b);
    }
    QL_TRY(k == QL_K_JSON ? QL_OK : qli_to_number(r, sc, e)); /* JSON is compared as such */
    if ((*e)->type.kind == QL_K_INT) {
        return QL_OK;
    }
    ql_expr *zero = qli_const_int(r, 0);
    return zero ? qli_compare_bind(r, sc, QL_OP_NE, *e, zero, e) : QL_ERROR;
}

static ql_type
decimal_result(ql_op op, const ql_type *a, const ql_type *b, unsigned increment)
{
    unsigned pa, sa, pb, sb;
    ql_kinds[a->kind]->decimal_shape(a, &pa, &sa);
    ql_kinds[b->kind]->decimal_shape(b, &pb, &sb);
    unsigned s = sa > sb ? sa : sb;
    switch (op) {
    case QL_OP_MUL:
        return ql_type_decimal(pa + pb, sa + sb);
    case QL_OP_DIV:
        return ql_type_decimal(pa + sb + increment, sa + increment);
    case QL_OP_MOD:
        return ql_type_decimal(pa > pb ? pa : pb, s);
    default:
        return ql_type_decimal((pa - sa > pb - sb ? pa - sa : pb - sb) + s + 1, s);
    }
}

static ql_type
int_result(const qli_res *r, ql_op op, const ql_type *a, const ql_type *b)
{
    bool u = op == QL_OP_MOD ? a->is_unsigned : a->is_unsigned || b->is_unsigned;
    if (op == QL_OP_SUB && r->cx->vars && (r->cx->vars->sql_mode & QL_MODE_NO_UNSIGNED_SUB)) {
        u = false;
    }
    ql_type t = ql_type_int(u);
    unsigned da = ql_type_int_digits(a), db = ql_type_int_digits(b);
    /* A digit more, or the sign that the other side brings. */
    unsigned d = (op == QL_OP_MUL ? da + db : da > db ? da : db) + 1;
    t.length = d > 20 ? 21 : d;
    return t;
}

/* Digits behind the point of a DOUBLE made of both: those of FLOAT(M,D), ROUND(x, D) and exact
 * numbers are known, a quotient has some more. */
static void
double_digits(ql_op op, const ql_type *a, const ql_type *b, unsigned increment, ql_type *t)
{
    unsigned d = 0;
    for (const ql_type *x = a; x != NULL; x = x == a ? b : NULL) {
        unsigned has = ql_kind_is_number(x->kind) ? x->decimals : QL_DECIMALS_DOUBLE;
        d = has > d ? has : d;
    }
    d += op == QL_OP_DIV ? increment : 0;
    if (d < QL_DECIMALS_DOUBLE) {
        t->decimals = (uint8_t)d;
        t->length = QLI_DOUBLE_DIGITS + d;
    }
}

ql_status
qli_arith(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    QL_TRY(qli_to_number(r, sc, &a));
    QL_TRY(qli_to_number(r, sc, &b));
    ql_kind ka = a->type.kind, kb = b->type.kind;
    bool nullable = a->type.nullable || b->type.nullable || op == QL_OP_DIV || op == QL_OP_MOD ||
                    op == QL_OP_INTDIV;
    unsigned inc = r->cx->vars ? (unsigned)r->cx->vars->div_precision_increment : 4;
    ql_type t;
    if (ka == QL_K_DOUBLE || kb == QL_K_DOUBLE) {
        t = op == QL_OP_INTDIV ? ql_type_int(a->type.is_unsigned || b->type.is_unsigned)
                               : ql_type_double();
        if (t.kind == QL_K_DOUBLE) {
            double_digits(op, &a->type, &b->type, inc, &t);
        }
        QL_TRY(qli_cast_kind(r, sc, &a, QL_K_DOUBLE));
        QL_TRY(qli_cast_kind(r, sc, &b, QL_K_DOUBLE));
    } else if (ka == QL_K_DECIMAL || kb == QL_K_DECIMAL || op == QL_OP_DIV) {
        t = op == QL_OP_INTDIV ? ql_type_int(a->type.is_unsigned || b->type.is_unsigned)
                               : decimal_result(op, &a->type, &b->type, inc);
        if (op == QL_OP_MOD ||
            op == QL_OP_DIV) { /* not below zero if what they are made of is not */
            t.is_unsigned = a->type.is_unsigned && (op == QL_OP_MOD || b->type.is_unsigned);
        }
        QL_TRY(qli_cast_kind(r, sc, &a, QL_K_DECIMAL));
        QL_TRY(qli_cast_kind(r, sc, &b, QL_K_DECIMAL));
    } else {
        t = int_result(r, op, &a->type, &b->type);
    }
    t.nullable = nullable;
    ql_expr *args[2] = {a, b};
    return qli_op_node(r, sc, op, &t, args, 2, out);
}
