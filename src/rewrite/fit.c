/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons of whole numbers and DECIMALs with numbers of another kind, as comparisons within the
 * column's own: a > 9990.5 is a > 9990, id = 5e0 is id = 5 (manual, "Constant-Folding
 * Optimization"). So indexes and statistics are asked in the values that they hold, and nothing is
 * converted for each row. Only in conditions, where NULL is as good as false.
 */
#include "rewrite/rewrite_int.h"
#include "types/decimal.h"

#define EXACT_INT 9007199254740992.0 /* 2^53: doubles below it hold each whole number */
#define EXACT_DIGITS 15u             /* DECIMALs of so many digits have different doubles */

/* Where a number lies among the values that a column can hold. */
typedef struct place {
    ql_value floor; /* the largest one that is not above it, unless: */
    bool below;     /* it is below all */
    bool above;     /* it is above all; floor is not set */
    bool exact;     /* it is floor itself */
} place;

/* --- finding the place --- */

static bool
place_in_int(const ql_type *t, const ql_decimal *number, place *p)
{
    ql_decimal f = *number;
    int64_t i;
    uint64_t u;
    if (!ql_decimal_round(&f, 0, QL_ROUND_FLOOR)) {
        return false;
    }
    p->exact = ql_decimal_cmp(&f, number) == 0;
    if (t->is_unsigned) {
        p->below = f.negative;
        p->above = !p->below && !ql_decimal_to_u64(&f, &u);
        p->floor = p->below || p->above ? ql_value_null() : ql_value_uint(u);
        return true;
    }
    bool fits = ql_decimal_to_i64(&f, &i);
    p->below = !fits && f.negative;
    p->above = !fits && !f.negative;
    p->floor = fits ? ql_value_int(i) : ql_value_null();
    return true;
}

static bool
place_in_decimal(const ql_type *t, const ql_decimal *number, place *p)
{
    ql_decimal f = *number;
    bool cut;
    if (!ql_decimal_round(&f, t->decimals, QL_ROUND_FLOOR)) {
        return false;
    }
    p->exact = ql_decimal_cmp(&f, number) == 0;
    if (!ql_decimal_fit(&f, t->length, t->decimals, &cut)) {
        return false; /* larger than all, or smaller: rare enough */
    }
    p->floor = ql_value_null();
    p->floor.kind = QL_K_DECIMAL;
    p->floor.dec = f;
    return true;
}

/* The comparison is made in doubles: the nearest DECIMAL, and on which side of it the number is. */
static bool
place_double_in_decimal(const ql_type *t, double number, place *p)
{
    ql_decimal f, unit;
    bool cut;
    if (t->length > EXACT_DIGITS || !ql_decimal_from_double(&f, number) ||
        !ql_decimal_round(&f, t->decimals, QL_ROUND_HALF_UP)) {
        return false;
    }
    double there = ql_decimal_to_double(&f);
    p->exact = there == number;
    if (there > number) {
        ql_decimal_from_i64(&unit, 1);
        unit.scale = t->decimals;
        if (!ql_decimal_sub(&f, &f, &unit)) {
            return false;
        }
    }
    if (!ql_decimal_fit(&f, t->length, t->decimals, &cut)) {
        return false;
    }
    p->floor = ql_value_null();
    p->floor.kind = QL_K_DECIMAL;
    p->floor.dec = f;
    return true;
}

static bool
find_place(const ql_type *t, ql_kind compared, const ql_value *v, place *p)
{
    ql_decimal d;
    *p = (place){0};
    switch (ql_kind_family(v->kind)) {
    case QL_FAM_INT:
        v->is_unsigned ? ql_decimal_from_u64(&d, v->u) : ql_decimal_from_i64(&d, v->i);
        break;
    case QL_FAM_DECIMAL:
        d = v->dec;
        break;
    case QL_FAM_DOUBLE:
        if (t->kind == QL_K_DECIMAL) {
            return compared == QL_K_DOUBLE && place_double_in_decimal(t, v->d, p);
        }
        if (!(v->d > -EXACT_INT && v->d < EXACT_INT)) {
            return false;
        }
        if (!ql_decimal_from_double(&d, v->d)) {
            return false;
        }
        break;
    default:
        return false;
    }
    if (compared == QL_K_DOUBLE && v->kind != QL_K_DOUBLE) {
        return false;
    }
    return t->kind == QL_K_INT ? place_in_int(t, &d, p) : place_in_decimal(t, &d, p);
}

/* --- conditions --- */

static uint32_t
whole_digits(const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY:
        return 3;
    case QL_F_SHORT:
        return 5;
    case QL_F_INT24:
        return 8;
    case QL_F_LONG:
        return 10;
    default:
        return t->kind == QL_K_DECIMAL ? (uint32_t)t->length - t->decimals : 20;
    }
}

/* Does a cast of such a column keep its values apart, and in order (a double: as comparisons with
 * one see them)? */
static bool
is_harmless(const ql_type *column, const ql_type *to)
{
    if (to->kind == QL_K_DOUBLE) {
        return to->field != QL_F_FLOAT;
    }
    return to->kind == QL_K_DECIMAL && to->decimals >= column->decimals &&
           (uint32_t)to->length - to->decimals >= whole_digits(column);
}

/* The column, as it is or behind a cast for the comparison; NULL: it is something else. */
static ql_expr *
column_of(const ql_query *q, ql_expr *e)
{
    ql_expr *column = e->kind == QL_E_CAST && e->nargs == 1 ? e->args[0] : e;
    if (column->kind != QL_E_SLOT) {
        return NULL;
    }
    const ql_type *t = &q->slot_types[column->index];
    bool number = (t->kind == QL_K_INT && t->field != QL_F_BIT && t->field != QL_F_YEAR) ||
                  t->kind == QL_K_DECIMAL;
    return number && column->type.kind == t->kind && (column == e || is_harmless(t, &e->type))
               ? column
               : NULL;
}

/* Is there nothing to do? */
static bool
is_own_value(const ql_type *t, const ql_value *v)
{
    return v->kind == t->kind &&
           (t->kind == QL_K_INT ? v->is_unsigned == t->is_unsigned : v->dec.scale == t->decimals);
}

static ql_expr *
constant(qli_rw *rw, const ql_type *t, const ql_value *v)
{
    ql_expr *c = qli_rw_node(rw, QL_E_CONST);
    if (c != NULL) {
        c->type = *t;
        c->type.nullable = false;
        c->value = *v;
        c->is_constant = true;
    }
    return c;
}

static ql_status
make_truth(qli_rw *rw, bool truth, ql_expr **e)
{
    ql_expr *c = qli_rw_true(rw);
    if (c == NULL) {
        return QL_ERROR;
    }
    c->value = ql_value_int(truth);
    *e = c;
    return QL_OK;
}

/* True but for NULL. */
static ql_status
make_known(qli_rw *rw, ql_expr *column, ql_expr **e)
{
    if (!column->type.nullable) {
        return make_truth(rw, true, e);
    }
    ql_expr *n = qli_rw_node(rw, QL_E_OP);
    ql_expr **args = n != NULL ? QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, 1) : NULL;
    if (args == NULL) {
        return QL_ERROR;
    }
    args[0] = column;
    n->op = QL_OP_IS_NOT_NULL;
    n->type = ql_type_bool();
    n->type.nullable = false;
    n->args = args;
    n->nargs = 1;
    *e = n;
    return QL_OK;
}

/* column op number, where the number is at p. */
static ql_status
compare_at(qli_rw *rw, ql_expr *column, ql_op op, const place *p, ql_expr **e)
{
    bool less = op == QL_OP_LT || op == QL_OP_LE, more = op == QL_OP_GT || op == QL_OP_GE;
    if (!p->below && !p->above && p->exact) {
        /* as it is */
    } else if (op == QL_OP_EQ || (p->below && less) || (p->above && more)) {
        return make_truth(rw, false, e);
    } else if (op == QL_OP_NE || p->below || p->above) {
        return make_known(rw, column, e);
    } else {
        op = less ? QL_OP_LE : QL_OP_GT;
    }
    ql_expr *n = qli_rw_node(rw, QL_E_OP), *c = constant(rw, &column->type, &p->floor);
    ql_expr **args = n != NULL ? QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, 2) : NULL;
    if (args == NULL || c == NULL) {
        return QL_ERROR;
    }
    args[0] = column;
    args[1] = c;
    n->op = op;
    n->type = (*e)->type;
    n->compare_kind = column->type.kind;
    n->implied = (*e)->implied;
    n->args = args;
    n->nargs = 2;
    *e = n;
    return QL_OK;
}

static ql_status
fit_comparison(qli_rw *rw, const ql_query *q, ql_expr **e)
{
    const ql_expr *n = *e;
    for (unsigned side = 0; side < 2; side++) {
        ql_expr *column = column_of(q, n->args[side]);
        const ql_expr *number = n->args[1 - side];
        place p;
        if (column == NULL || number->kind != QL_E_CONST ||
            (column == n->args[side] && is_own_value(&column->type, &number->value)) ||
            !find_place(&column->type, n->compare_kind, &number->value, &p)) {
            continue;
        }
        return compare_at(rw, column, side ? ql_op_mirrored(n->op) : n->op, &p, e);
    }
    return QL_OK;
}

/* x IN (...): numbers that the column cannot hold are left out. */
static ql_status
fit_list(qli_rw *rw, const ql_query *q, ql_expr **e)
{
    const ql_expr *n = *e;
    ql_expr *column = column_of(q, n->args[0]);
    ql_expr **args = QL_ARENA_ARRAY(rw->cx, rw->a, ql_expr *, n->nargs);
    uint32_t kept = 1;
    if (args == NULL) {
        return QL_ERROR;
    }
    if (column == NULL || column == n->args[0]) {
        return QL_OK;
    }
    args[0] = column;
    for (uint32_t i = 1; i < n->nargs; i++) {
        const ql_expr *one = n->args[i];
        place p;
        QL_TRY(ql_bulk_each(rw->cx, i));
        if (one->kind != QL_E_CONST ||
            !find_place(&column->type, n->compare_kind, &one->value, &p)) {
            return QL_OK;
        }
        if (!p.below && !p.above && p.exact) {
            args[kept] = constant(rw, &column->type, &p.floor);
            if (args[kept++] == NULL) {
                return QL_ERROR;
            }
        }
    }
    if (kept == 1) {
        return make_truth(rw, false, e);
    }
    ql_expr *made = qli_rw_node(rw, QL_E_OP);
    if (made == NULL) {
        return QL_ERROR;
    }
    *made = *n;
    made->args = args;
    made->nargs = kept;
    made->compare_kind = column->type.kind;
    *e = made;
    return QL_OK;
}

ql_status
qli_rw_fit(qli_rw *rw, const ql_query *q, ql_expr **e)
{
    ql_expr *n = *e;
    if (n == NULL || n->kind != QL_E_OP) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(rw->cx));
    switch (n->op) {
    case QL_OP_AND:
    case QL_OP_OR:
        QL_TRY(qli_rw_fit(rw, q, &n->args[0]));
        return qli_rw_fit(rw, q, &n->args[1]);
    case QL_OP_EQ:
    case QL_OP_NE:
    case QL_OP_LT:
    case QL_OP_LE:
    case QL_OP_GT:
    case QL_OP_GE:
        return n->nargs == 2 ? fit_comparison(rw, q, e) : QL_OK;
    case QL_OP_IN:
        return n->nargs > 1 ? fit_list(rw, q, e) : QL_OK;
    default:
        return QL_OK;
    }
}
