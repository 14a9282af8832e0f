/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of expressions: making nodes, common types, inserting casts, arithmetic. Comparisons and
 * collations are in compare.c.
 */
#include "resolve/resolve_int.h"

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

static unsigned
digits_of(uint64_t v)
{
    unsigned n = 1;
    for (; v >= 10; v /= 10) {
        n++;
    }
    return n;
}

ql_type
qli_type_of_value(const qli_res *r, const ql_value *v)
{
    ql_type t;
    switch (v->kind) {
    case QL_K_INT: {
        uint64_t m = v->is_unsigned || v->i >= 0 ? v->u : 0 - v->u;
        t = ql_type_int(v->is_unsigned);
        t.length = digits_of(m) + (!v->is_unsigned && v->i < 0);
        break;
    }
    case QL_K_DOUBLE:
        t = ql_type_double();
        break;
    case QL_K_DECIMAL: {
        unsigned d = ql_decimal_digits(&v->dec);
        t = ql_type_decimal(d > v->dec.scale ? d : (unsigned)v->dec.scale + (v->dec.scale == 0),
                            v->dec.scale);
        break;
    }
    case QL_K_STRING:
        t = ql_type_varchar(0, v->coll ? v->coll : qli_conn_coll(r));
        t.length = (uint32_t)(t.coll == ql_coll_binary ? v->s.n
                              : v->s.n < 4096          ? ql_utf8_chars(v->s)
                                                       : v->s.n);
        break;
    case QL_K_DATE:
        t = ql_type_date();
        break;
    case QL_K_TIME:
        t = ql_type_time(v->decimals);
        break;
    case QL_K_DATETIME:
        t = ql_type_datetime(v->decimals);
        break;
    default:
        t = ql_type_null();
        return t;
    }
    t.nullable = false;
    return t;
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

unsigned
qli_int_digits(const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY:
        return 3;
    case QL_F_SHORT:
        return 5;
    case QL_F_INT24:
        return t->is_unsigned ? 8 : 7;
    case QL_F_LONG:
        return 10;
    case QL_F_YEAR:
        return 4;
    default:
        if (t->length > 0 && t->length < 19) {
            return t->length;
        }
        return t->is_unsigned ? 20 : 19;
    }
}

/* Precision and scale that hold any value of the type. */
static void
decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    switch (t->kind) {
    case QL_K_DECIMAL:
        *precision = t->length;
        *scale = t->decimals;
        break;
    case QL_K_INT:
        *precision = qli_int_digits(t);
        *scale = 0;
        break;
    case QL_K_DATE:
        *precision = 8;
        *scale = 0;
        break;
    case QL_K_TIME:
        *scale = t->decimals;
        *precision = 7 + *scale;
        break;
    case QL_K_DATETIME:
        *scale = t->decimals;
        *precision = 14 + *scale;
        break;
    case QL_K_NULL:
        *precision = 1;
        *scale = 0;
        break;
    default:
        *precision = QL_DECIMAL_MAX_DIGITS;
        *scale = QL_DECIMAL_MAX_SCALE;
        break;
    }
}

/* Characters of the text of a value. */
static uint32_t
text_length(const ql_type *t)
{
    switch (t->kind) {
    case QL_K_STRING:
        return t->length;
    case QL_K_NULL:
        return 0;
    case QL_K_INT:
        return t->length && t->length <= 21 ? t->length : 20;
    case QL_K_DECIMAL: /* sign, point, and the 0 in front of it that is no digit of the type */
        return t->length + (t->decimals > 0) + (t->decimals >= t->length) + 1;
    case QL_K_DOUBLE: /* -2.2250738585072014e-308 */
        return 24;
    case QL_K_DATE:
        return 10;
    case QL_K_TIME:
        return 10u + (t->decimals ? t->decimals + 1u : 0);
    default:
        return 19u + (t->decimals ? t->decimals + 1u : 0);
    }
}

static bool
kind_is_temporal(ql_kind k)
{
    return k == QL_K_DATE || k == QL_K_TIME || k == QL_K_DATETIME;
}

/* Kind of the union of two kinds, neither NULL (MySQL's type aggregation for CASE, UNION ...). */
static ql_kind
common_kind(ql_kind a, ql_kind b)
{
    if (a == b) {
        return a;
    }
    if (a == QL_K_STRING || b == QL_K_STRING) {
        return QL_K_STRING;
    }
    if (kind_is_temporal(a) && kind_is_temporal(b)) {
        return QL_K_DATETIME;
    }
    if (kind_is_temporal(a) || kind_is_temporal(b)) {
        return QL_K_STRING;
    }
    return a == QL_K_DOUBLE || b == QL_K_DOUBLE ? QL_K_DOUBLE : QL_K_DECIMAL;
}

static ql_field
wider_int(ql_field a, ql_field b)
{
    static const ql_field order[] = {QL_F_TINY, QL_F_SHORT, QL_F_INT24, QL_F_LONG};
    size_t i = 0, k = 0;
    for (; i < QL_ARRAY_LEN(order) && order[i] != a;) {
        i++;
    }
    for (; k < QL_ARRAY_LEN(order) && order[k] != b;) {
        k++;
    }
    size_t m = i > k ? i : k;
    return a == b ? a : m < QL_ARRAY_LEN(order) ? order[m] : QL_F_LONGLONG;
}

static ql_type
common_int(const ql_type *a, const ql_type *b)
{
    if (a->is_unsigned != b->is_unsigned) {
        const ql_type *u = a->is_unsigned ? a : b, *s = a->is_unsigned ? b : a;
        unsigned du = qli_int_digits(u), ds = qli_int_digits(s);
        if (du >= 19) {
            return ql_type_decimal(20, 0);
        }
        ql_type t = ql_type_int(false);
        t.length = (du > ds ? du : ds) + 1;
        return t;
    }
    ql_type t = a->length >= b->length ? *a : *b;
    t.field = wider_int(a->field, b->field);
    return t;
}

static ql_type
common_pair(const ql_type *a, const ql_type *b)
{
    if (a->kind == QL_K_NULL || b->kind == QL_K_NULL) {
        return a->kind == QL_K_NULL ? *b : *a;
    }
    ql_kind k = common_kind(a->kind, b->kind);
    unsigned dec = a->decimals > b->decimals ? a->decimals : b->decimals;
    switch (k) {
    case QL_K_INT:
        return common_int(a, b);
    case QL_K_DECIMAL: {
        unsigned pa, sa, pb, sb;
        decimal_shape(a, &pa, &sa);
        decimal_shape(b, &pb, &sb);
        unsigned s = sa > sb ? sa : sb, i = pa - sa > pb - sb ? pa - sa : pb - sb;
        return ql_type_decimal(i + s, s);
    }
    case QL_K_DOUBLE: {
        ql_type t = ql_type_double();
        if (a->kind == QL_K_DOUBLE && b->kind == QL_K_DOUBLE && a->field == b->field) {
            t.field = a->field;
            t.length = a->length > b->length ? a->length : b->length;
        }
        return t;
    }
    case QL_K_DATE:
        return ql_type_date();
    case QL_K_TIME:
        return ql_type_time(dec);
    case QL_K_DATETIME:
        return ql_type_datetime(a->kind == QL_K_DATE   ? b->decimals
                                : b->kind == QL_K_DATE ? a->decimals
                                                       : dec);
    default: {
        uint32_t la = text_length(a), lb = text_length(b);
        ql_type t = ql_type_varchar(la > lb ? la : lb, a->coll ? a->coll : b->coll);
        if (a->kind == QL_K_STRING && b->kind == QL_K_STRING && a->field == b->field) {
            t.field = a->field == QL_F_ENUM || a->field == QL_F_SET ? QL_F_VAR_STRING : a->field;
        } else if (t.length > 16383) {
            t.field = QL_F_BLOB;
        }
        return t;
    }
    }
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
        v[i].type = t[i];
        v[i].coercibility = coercibility[i];
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
    bool nullable = t[0].nullable, mixed_field = false;
    for (uint32_t i = 1; i < n; i++) {
        mixed_field = mixed_field || t[i].field != t[0].field;
        acc = common_pair(&acc, &t[i]);
        QL_TRY(ql_bulk_node(r->cx));
        nullable = nullable || t[i].nullable;
    }
    if (acc.kind == QL_K_NULL) { /* nothing but NULLs: held as an empty text */
        acc = ql_type_varchar(0, ql_coll_binary);
    } else if (acc.kind == QL_K_STRING) {
        QL_TRY(common_coll(r, t, coercibility, n, operation, &acc));
        if (n > 1 && mixed_field && (acc.field == QL_F_ENUM || acc.field == QL_F_SET)) {
            acc.field = QL_F_VAR_STRING;
        }
    }
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
    c->coercibility = t->kind == QL_K_STRING ? 4 : 5;
    *e = c;
    return qli_fold(r, e);
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
    (void)sc;
    if ((*e)->is_hex &&
        (t->kind == QL_K_INT || t->kind == QL_K_DOUBLE || t->kind == QL_K_DECIMAL)) {
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
    ql_type t;
    switch (kind) {
    case QL_K_INT:
        t = ql_type_int(from->is_unsigned);
        break;
    case QL_K_DOUBLE:
        t = ql_type_double();
        break;
    case QL_K_DECIMAL: {
        unsigned p, s;
        decimal_shape(from, &p, &s);
        t = ql_type_decimal(p, s);
        break;
    }
    case QL_K_STRING:
        t = ql_type_varchar(text_length(from), qli_conn_coll(r));
        break;
    case QL_K_DATE:
        t = ql_type_date();
        break;
    case QL_K_TIME:
        t = ql_type_time(kind_is_temporal(from->kind)
                             ? (from->kind == QL_K_DATE ? 0u : from->decimals)
                         : from->kind == QL_K_INT ? 0u
                                                  : 6u);
        break;
    case QL_K_DATETIME:
        t = ql_type_datetime(kind_is_temporal(from->kind)
                                 ? (from->kind == QL_K_DATE ? 0u : from->decimals)
                             : from->kind == QL_K_INT ? 0u
                                                      : 6u);
        break;
    default:
        return QL_OK;
    }
    return qli_cast(r, sc, e, &t);
}

ql_status
qli_to_number(qli_res *r, qli_scope *sc, ql_expr **e)
{
    if ((*e)->is_hex) {
        return qli_hex_as_number(r, e);
    }
    switch ((*e)->type.kind) {
    case QL_K_STRING:
        return qli_cast_kind(r, sc, e, QL_K_DOUBLE);
    case QL_K_DATE:
    case QL_K_NULL:
        return qli_cast_kind(r, sc, e, QL_K_INT);
    case QL_K_TIME:
    case QL_K_DATETIME:
        return qli_cast_kind(r, sc, e, (*e)->type.decimals ? QL_K_DECIMAL : QL_K_INT);
    default:
        return QL_OK;
    }
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
    QL_TRY(qli_to_number(r, sc, e));
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
    decimal_shape(a, &pa, &sa);
    decimal_shape(b, &pb, &sb);
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
    unsigned da = qli_int_digits(a), db = qli_int_digits(b);
    /* A digit more, or the sign that the other side brings. */
    unsigned d = (op == QL_OP_MUL ? da + db : da > db ? da : db) + 1;
    t.length = d > 20 ? 21 : d;
    return t;
}

ql_status
qli_arith(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    QL_TRY(qli_to_number(r, sc, &a));
    QL_TRY(qli_to_number(r, sc, &b));
    ql_kind ka = a->type.kind, kb = b->type.kind;
    bool nullable = a->type.nullable || b->type.nullable || op == QL_OP_DIV || op == QL_OP_MOD ||
                    op == QL_OP_INTDIV;
    ql_type t;
    if (ka == QL_K_DOUBLE || kb == QL_K_DOUBLE) {
        t = op == QL_OP_INTDIV ? ql_type_int(a->type.is_unsigned || b->type.is_unsigned)
                               : ql_type_double();
        QL_TRY(qli_cast_kind(r, sc, &a, QL_K_DOUBLE));
        QL_TRY(qli_cast_kind(r, sc, &b, QL_K_DOUBLE));
    } else if (ka == QL_K_DECIMAL || kb == QL_K_DECIMAL || op == QL_OP_DIV) {
        unsigned inc = r->cx->vars ? (unsigned)r->cx->vars->div_precision_increment : 4;
        t = op == QL_OP_INTDIV ? ql_type_int(a->type.is_unsigned || b->type.is_unsigned)
                               : decimal_result(op, &a->type, &b->type, inc);
        QL_TRY(qli_cast_kind(r, sc, &a, QL_K_DECIMAL));
        QL_TRY(qli_cast_kind(r, sc, &b, QL_K_DECIMAL));
    } else {
        t = int_result(r, op, &a->type, &b->type);
    }
    t.nullable = nullable;
    ql_expr *args[2] = {a, b};
    return qli_op_node(r, sc, op, &t, args, 2, out);
}
