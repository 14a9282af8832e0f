/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons: the kind in which two operands meet, constants brought to the other side's kind, and
 * the logical operators. The collation in force is collmeet.c's.
 */
#include <math.h>

#include "resolve/resolve_int.h"
#include "types/moment.h"

static const char *
op_text(ql_op op)
{
    switch (op) {
    case QL_OP_EQ:
        return "=";
    case QL_OP_NULLSAFE_EQ:
        return "<=>";
    case QL_OP_NE:
        return "<>";
    case QL_OP_LT:
        return "<";
    case QL_OP_LE:
        return "<=";
    case QL_OP_GT:
        return ">";
    default:
        return ">=";
    }
}

/* Constant '17' against an integer expression: compared as integers, which is the same and can use
 * an index. Leaves *c alone when the text is not exactly an integer. */
static bool
string_as_int(ql_str s, ql_value *out)
{
    bool neg = s.n && s.p[0] == '-';
    size_t i = neg ? 1 : 0;
    if (s.n - i == 0 || s.n - i > 18) {
        return false;
    }
    int64_t v = 0;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (s.p[i] - '0');
    }
    *out = ql_value_int(neg ? -v : v);
    return true;
}

static bool
is_plain_column(const ql_expr *e)
{
    return e->kind == QL_E_SLOT || e->kind == QL_E_OUTER;
}

/* What a constant is as a year: 5 and '5' are 2005, as they would be stored (manual, "2-Digit Years
 * in Dates"). Left alone: what no YEAR can be. */
static ql_status
constant_to_year(qli_res *r, ql_expr **c)
{
    const ql_value *from = &(*c)->value;
    ql_value v = *from;
    int64_t year;
    bool text = from->kind == QL_K_STRING, known = from->kind == QL_K_INT;
    if (text) {
        known = string_as_int(from->s, &v);
    } else if (from->kind == QL_K_DECIMAL) {
        known = ql_decimal_to_i64(&from->dec, &v.i); /* rounded */
    } else if (from->kind == QL_K_DOUBLE && fabs(from->d) < 3000) {
        v.i = (int64_t)from->d; /* cut */
        known = true;
    }
    if ((*c)->is_hex || !known ||
        !ql_year_of(from->is_unsigned && v.i < 0 ? -1 : v.i, text && from->s.n != 4, &year)) {
        return QL_OK;
    }
    v = ql_value_uint((uint64_t)year);
    ql_expr *k = qli_const(r, &v);
    if (!k) {
        return QL_ERROR;
    }
    *c = k;
    return QL_OK;
}

ql_status
qli_constant_for_int(qli_res *r, const ql_expr *e, ql_expr **c)
{
    ql_value v;
    const ql_value *from = &(*c)->value;
    if ((*c)->kind != QL_E_CONST) {
        return QL_OK;
    }
    if ((*c)->is_hex) {
        return from->s.n <= sizeof(uint64_t) ? qli_hex_as_number(r, c) : QL_OK;
    }
    if (e->type.field == QL_F_YEAR && is_plain_column(e)) {
        QL_TRY(constant_to_year(r, c));
        from = &(*c)->value;
    }
    if (from->kind == QL_K_STRING) {
        if (!string_as_int(from->s, &v)) {
            return QL_OK;
        }
    } else if (from->kind == QL_K_DECIMAL) {
        ql_decimal d = from->dec;
        int64_t i;
        if (!ql_decimal_round(&d, 0, QL_ROUND_TRUNCATE) || ql_decimal_cmp(&d, &from->dec) != 0 ||
            !ql_decimal_to_i64(&d, &i)) {
            return QL_OK;
        }
        v = ql_value_int(i);
    } else {
        return QL_OK;
    }
    ql_expr *k = qli_const(r, &v);
    if (!k) {
        return QL_ERROR;
    }
    *c = k;
    return QL_OK;
}

/* Does sql_mode forbid the date (0000-00-00, 2025-00-01) that a constant has been read as? */
static bool
is_forbidden_zero(const qli_res *r, const ql_value *v)
{
    uint64_t mode = r->cx->vars ? r->cx->vars->sql_mode : 0;
    ql_dt t;
    ql_dt_unpack(v->i, &t);
    if (t.month != 0 && t.day != 0) {
        return false;
    }
    return mode & (v->i == 0 ? QL_MODE_NO_ZERO_DATE : QL_MODE_NO_ZERO_IN_DATE);
}

static ql_type
temporal_type(ql_kind k)
{
    return k == QL_K_DATE ? ql_type_date() : k == QL_K_TIME ? ql_type_time(6) : ql_type_datetime(6);
}

/* 1525 for a constant text that is no date at all, as MySQL 8. A text that is no time is zero. */
static ql_status
text_to_temporal(qli_res *r, ql_expr **c, ql_kind as, const ql_type *other)
{
    const ql_value *from = &(*c)->value;
    ql_value v;
    bool ok = true;
    QL_TRY(ql_value_to_temporal(r->cx, from, as, 6, as == QL_K_TIME, &v, &ok));
    if (as == QL_K_TIME && !ok) {
        v = (ql_value){.kind = QL_K_TIME, .decimals = 6};
    } else if (!ok || (as != QL_K_TIME && is_forbidden_zero(r, &v))) {
        return ql_fail(r->cx, QL_ER_WRONG_VALUE,
                       other->kind == QL_K_DATE         ? "DATE"
                       : other->field == QL_F_TIMESTAMP ? "TIMESTAMP"
                                                        : "DATETIME",
                       ql_arena_printf(r->cx, r->a, "%.*s",
                                       (int)(from->s.n > 128 ? 128 : from->s.n), from->s.p)
                           ?: "");
    }
    ql_expr *k = qli_const(r, &v);
    if (!k) {
        return QL_ERROR;
    }
    k->type = temporal_type(as);
    *c = k;
    return QL_OK;
}

/* 20250230 has its place between days that there are: read as the 28th, then set to the 30th. */
static bool
impossible_day(qli_res *r, const ql_value *from, ql_value *v)
{
    if (from->kind != QL_K_INT || from->i < 0) {
        return false;
    }
    int64_t unit = from->i > 99999999 ? 1000000 : 1, day = from->i / unit % 100;
    ql_value near = ql_value_int(from->i - (day - 28) * unit);
    bool ok = false;
    ql_dt t;
    if (day < 29 || day > 31 ||
        ql_value_to_temporal(r->cx, &near, QL_K_DATETIME, 6, false, v, &ok) != QL_OK || !ok) {
        return false;
    }
    ql_dt_unpack(v->i, &t);
    t.day = (uint8_t)day;
    v->i = ql_dt_pack(&t);
    return true;
}

/* A constant number against a temporal column is that date or time, if it is one (*done), so that
 * the column can be looked up. */
static ql_status
number_to_temporal(qli_res *r, ql_expr **c, ql_kind as, bool *done)
{
    ql_value v;
    QL_TRY(ql_value_to_temporal(r->cx, &(*c)->value, as, 6, false, &v, done));
    if (!*done && as == QL_K_DATETIME) {
        *done = impossible_day(r, &(*c)->value, &v);
    }
    if (!*done) {
        return QL_OK;
    }
    ql_expr *k = qli_const(r, &v);
    if (!k) {
        return QL_ERROR;
    }
    *c = k;
    return QL_OK;
}

static bool
is_const(const ql_expr *e)
{
    return e->kind == QL_E_CONST && e->value.kind != QL_K_NULL;
}

static ql_kind
pair_kind(const ql_type *a, const ql_type *b)
{
    if (a->kind == QL_K_NULL || b->kind == QL_K_NULL) {
        ql_kind k = a->kind == QL_K_NULL ? b->kind : a->kind;
        return k == QL_K_NULL ? QL_K_INT : k;
    }
    if (a->kind == b->kind) {
        return a->kind;
    }
    ql_kind k = ql_compare_kind(a, b);
    /* A day against a text or a number may carry a time of day: never cut it off. */
    return k == QL_K_DATE ? QL_K_DATETIME : k;
}

/* c is a constant without time of day, set against a DATE: made a DATE, so that the column can be
 * compared (and looked up) as it is stored. */
static bool
is_midnight(const ql_expr *day, const ql_expr *c)
{
    const int64_t time_bits = (INT64_C(1) << 41) - 1;
    return day->type.kind == QL_K_DATE && c->kind == QL_E_CONST && c->value.kind == QL_K_DATETIME &&
           (c->value.i & time_bits) == 0;
}

static ql_status
make_date(qli_res *r, ql_expr **c)
{
    ql_value v = (*c)->value;
    v.kind = QL_K_DATE;
    v.decimals = 0;
    *c = qli_const(r, &v);
    return *c ? QL_OK : QL_ERROR;
}

/* A moment against a constant date and time: it is shown at one moment alone, so both can be
 * compared (and the column looked up) as moments. Not where clocks are put forward or back: there
 * the column is read as what clocks show. Nothing that is stored lies between the zero date and the
 * first second. */
static ql_status
meet_as_moments(qli_res *r, const ql_expr *t, ql_expr **c)
{
    ql_kind k = (*c)->type.kind;
    ql_moments m;
    if (r->preparing || t->type.kind != QL_K_TIMESTAMP || !is_const(*c) ||
        (k != QL_K_DATETIME && k != QL_K_DATE) || !ql_moment_find(r->cx, (*c)->value.i, &m) ||
        m.n != 1) {
        return QL_OK;
    }
    ql_value v = {.kind = QL_K_TIMESTAMP, .decimals = 6, .i = m.us[0]};
    if ((*c)->value.i != 0 && v.i < 1) {
        v.i = 1;
    }
    *c = qli_const(r, &v);
    return *c ? QL_OK : QL_ERROR;
}

/* c is a constant that is compared with the temporal t. */
ql_status
qli_constant_to_temporal(qli_res *r, const ql_expr *t, ql_expr **c)
{
    ql_kind from = (*c)->type.kind, as = t->type.kind == QL_K_TIME ? QL_K_TIME : QL_K_DATETIME;
    bool done;
    if (r->preparing || !ql_kind_is_temporal(t->type.kind) || !is_const(*c)) {
        return QL_OK;
    }
    if (from == QL_K_STRING && !(*c)->is_hex) {
        return text_to_temporal(r, c, as, &t->type);
    }
    if (from == QL_K_INT || from == QL_K_DECIMAL || from == QL_K_DOUBLE) {
        return is_plain_column(t) ? number_to_temporal(r, c, as, &done) : QL_OK;
    }
    return QL_OK;
}

ql_status
qli_compare_prepare(qli_res *r, qli_scope *sc, ql_expr **a, ql_expr **b, ql_kind *kind)
{
    QL_TRY(qli_lists_meet(r, sc, a, b));
    if (!r->preparing) {
        if ((*a)->type.kind == QL_K_INT && is_const(*b) && !is_const(*a)) {
            QL_TRY(qli_constant_for_int(r, *a, b));
        } else if ((*b)->type.kind == QL_K_INT && is_const(*a) && !is_const(*b)) {
            QL_TRY(qli_constant_for_int(r, *b, a));
        }
    }
    QL_TRY(qli_constant_to_temporal(r, *a, b));
    QL_TRY(qli_constant_to_temporal(r, *b, a));
    QL_TRY(meet_as_moments(r, *a, b));
    QL_TRY(meet_as_moments(r, *b, a));
    *kind = pair_kind(&(*a)->type, &(*b)->type);
    if (*kind == QL_K_DATETIME && is_midnight(*a, *b)) {
        QL_TRY(make_date(r, b));
        *kind = QL_K_DATE;
    } else if (*kind == QL_K_DATETIME && is_midnight(*b, *a)) {
        QL_TRY(make_date(r, a));
        *kind = QL_K_DATE;
    }
    QL_TRY(qli_cast_compared(r, sc, a, *kind));
    return qli_cast_compared(r, sc, b, *kind);
}

ql_status
qli_cast_compared(qli_res *r, qli_scope *sc, ql_expr **e, ql_kind kind)
{
    bool is_text = (*e)->type.kind == QL_K_STRING;
    QL_TRY(qli_cast_kind(r, sc, e, kind));
    if (is_text && ql_kind_is_temporal(kind) && (*e)->kind == QL_E_CAST) {
        (*e)->zero_if_bad = true;
    }
    return QL_OK;
}

static bool
is_null(const ql_expr *e)
{
    return e->kind == QL_E_CONST && e->value.kind == QL_K_NULL;
}

bool
qli_is_column(const ql_expr *e)
{
    return e->kind == QL_E_SLOT || e->kind == QL_E_OUTER ||
           (e->kind == QL_E_CAST && qli_is_column(e->args[0]));
}

bool
qli_is_repeatable(const ql_expr *e)
{
    return e->kind == QL_E_SLOT || e->kind == QL_E_OUTER || e->kind == QL_E_CONST ||
           (e->kind == QL_E_CAST && qli_is_repeatable(e->args[0]));
}

/* FLOAT(M,D) against a number whose digits are known, too, counts as the D digits that it shows. */
static ql_status
shown_digits(qli_res *r, qli_scope *sc, ql_expr **e, const ql_expr *other)
{
    const ql_type *t = &(*e)->type, *o = &other->type;
    if (t->field != QL_F_FLOAT || t->decimals >= QL_DECIMALS_DOUBLE ||
        !ql_kind_is_number(o->kind) || o->decimals >= QL_DECIMALS_DOUBLE) {
        return QL_OK;
    }
    ql_expr **args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 2);
    if (!args) {
        return QL_ERROR;
    }
    args[0] = *e;
    args[1] = qli_const_int(r, t->decimals);
    return args[1] ? ql_call(r, sc, QL_FN_ROUND, args, 2, QL_U_SECOND, 0, e) : QL_ERROR;
}

static ql_status
compare_scalars(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    ql_kind kind;
    const ql_collation *coll = NULL;
    bool alike = false;
    QL_TRY(shown_digits(r, sc, &a, b));
    QL_TRY(shown_digits(r, sc, &b, a));
    if (op == QL_OP_EQ || op == QL_OP_NE || op == QL_OP_NULLSAFE_EQ) {
        QL_TRY(qli_list_equal(r, a, &b));
        QL_TRY(qli_list_equal(r, b, &a));
        QL_TRY(qli_lists_alike(r, a, b, &alike));
    }
    if (alike) {
        kind = a->type.kind;
    } else {
        QL_TRY(qli_compare_prepare(r, sc, &a, &b, &kind));
    }
    ql_expr *args[2] = {a, b};
    if (kind == QL_K_STRING) {
        QL_TRY(qli_coll_compared(r, sc, args, 2, op_text(op), &coll));
        a = args[0];
        b = args[1];
    }
    if (op != QL_OP_NULLSAFE_EQ && !r->preparing &&
        ((is_null(a) && qli_is_column(b)) || (is_null(b) && qli_is_column(a)))) {
        ql_type t = ql_type_bool();
        ql_value v = ql_value_null();
        *out = qli_const(r, &v);
        return *out ? qli_cast(r, sc, out, &t) : QL_ERROR;
    }
    ql_expr *e = qli_node(r, QL_E_OP);
    ql_expr **copy = e ? QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 2) : NULL;
    if (!copy) {
        return QL_ERROR;
    }
    copy[0] = a;
    copy[1] = b;
    e->op = op;
    e->type = ql_type_bool();
    e->type.nullable = op != QL_OP_NULLSAFE_EQ && (a->type.nullable || b->type.nullable);
    e->args = copy;
    e->nargs = 2;
    e->compare_kind = kind;
    e->coll = coll;
    QL_TRY(qli_args_constant(r, args, 2, &e->is_constant));
    qli_number_node(r, sc, e);
    *out = e;
    return qli_fold(r, out);
}

static uint32_t
columns_of(const ql_expr *e)
{
    return e->kind == QL_E_ROW ? e->nargs : e->kind == QL_E_SUBQUERY ? e->query->nitems : 1;
}

/* (a, b) < (c, d): a < c OR (a = c AND b < d) and so on; equality is element by element. */
static ql_status
compare_rows(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    if (op == QL_OP_NE) {
        QL_TRY(compare_rows(r, sc, QL_OP_EQ, a, b, out));
        return qli_not(r, sc, *out, out);
    }
    bool equality = op == QL_OP_EQ || op == QL_OP_NULLSAFE_EQ;
    ql_op strict = op == QL_OP_LE ? QL_OP_LT : op == QL_OP_GE ? QL_OP_GT : op;
    ql_expr *acc = NULL;
    for (uint32_t i = a->nargs; i-- > 0;) {
        ql_expr *cmp, *eq;
        if (equality) {
            QL_TRY(qli_compare_bind(r, sc, op, a->args[i], b->args[i], &cmp));
            QL_TRY(acc ? qli_and(r, sc, cmp, acc, &acc) : (acc = cmp, QL_OK));
            continue;
        }
        QL_TRY(
            qli_compare_bind(r, sc, i + 1 == a->nargs ? op : strict, a->args[i], b->args[i], &cmp));
        if (acc) {
            QL_TRY(qli_compare_bind(r, sc, QL_OP_EQ, a->args[i], b->args[i], &eq));
            QL_TRY(qli_and(r, sc, eq, acc, &acc));
            QL_TRY(qli_or(r, sc, cmp, acc, &acc));
        } else {
            acc = cmp;
        }
    }
    *out = acc;
    return QL_OK;
}

ql_status
qli_compare_bind(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    uint32_t na = columns_of(a), nb = columns_of(b);
    if (na != nb) {
        return ql_fail(r->cx, QL_ER_OPERAND_COLUMNS, (int)na);
    }
    if (na == 1 && a->kind != QL_E_ROW) {
        return compare_scalars(r, sc, op, a, b, out);
    }
    if (a->kind != QL_E_ROW || b->kind != QL_E_ROW) { /* a row subquery: compared as it runs */
        ql_type t = ql_type_bool();
        ql_expr *args[2] = {a, b};
        return qli_op_node(r, sc, op, &t, args, 2, out);
    }
    if (na > 64) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, "row comparisons of more than 64 columns");
    }
    return compare_rows(r, sc, op, a, b, out);
}

static ql_status
logic(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b, ql_expr **out)
{
    QL_TRY(qli_to_bool(r, sc, &a));
    QL_TRY(qli_to_bool(r, sc, &b));
    ql_type t = ql_type_bool();
    t.nullable = a->type.nullable || b->type.nullable;
    ql_expr *args[2] = {a, b};
    return qli_op_node(r, sc, op, &t, args, 2, out);
}

ql_status
qli_and(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr *b, ql_expr **out)
{
    return logic(r, sc, QL_OP_AND, a, b, out);
}

ql_status
qli_or(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr *b, ql_expr **out)
{
    return logic(r, sc, QL_OP_OR, a, b, out);
}

/* NOT (a < b) is a >= b: gives ranges to the planner; NULL stays NULL either way. */
static bool
negated_comparison(ql_op op, ql_op *out)
{
    static const struct {
        ql_op op, negated;
    } pairs[] = {{QL_OP_EQ, QL_OP_NE},
                 {QL_OP_NE, QL_OP_EQ},
                 {QL_OP_LT, QL_OP_GE},
                 {QL_OP_GE, QL_OP_LT},
                 {QL_OP_GT, QL_OP_LE},
                 {QL_OP_LE, QL_OP_GT},
                 {QL_OP_IS_NULL, QL_OP_IS_NOT_NULL},
                 {QL_OP_IS_NOT_NULL, QL_OP_IS_NULL},
                 {QL_OP_IN, QL_OP_NOT_IN},
                 {QL_OP_NOT_IN, QL_OP_IN},
                 {QL_OP_LIKE, QL_OP_NOT_LIKE},
                 {QL_OP_NOT_LIKE, QL_OP_LIKE}};
    for (size_t i = 0; i < QL_ARRAY_LEN(pairs); i++) {
        if (pairs[i].op == op) {
            *out = pairs[i].negated;
            return true;
        }
    }
    return false;
}

ql_status
qli_not(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr **out)
{
    QL_TRY(qli_to_bool(r, sc, &a));
    ql_op op;
    if (a->kind == QL_E_OP && negated_comparison(a->op, &op)) {
        ql_expr *n = qli_node(r, QL_E_OP);
        if (!n) {
            return QL_ERROR;
        }
        *n = *a;
        n->op = op;
        *out = n;
        return QL_OK;
    }
    ql_type t = ql_type_bool();
    t.nullable = a->type.nullable;
    return qli_op_node(r, sc, QL_OP_NOT, &t, &a, 1, out);
}
