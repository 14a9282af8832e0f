/* SPDX-License-Identifier: Apache-2.0
 *
 * What a condition says about one column of a table. It is of use to an index when it compares the
 * plain column, in the column's own kind and collation, with a value that is known before the scan
 * starts.
 */
#include "plan/plan_int.h"
#include "types/beginning.h"
#include "types/moment.h"

static bool
is_slot_of(const qli_planner *p, const ql_expr *e, uint16_t source, uint16_t column)
{
    return e->kind == QL_E_SLOT && p->source_of[e->index] == source &&
           p->column_of[e->index] == column;
}

/* NULL: the error waits in p->bad. */
static void *
noted(qli_planner *p, void *v)
{
    if (!v) {
        p->bad = QL_ERROR;
    }
    return v;
}

static ql_expr *
const_like(qli_planner *p, const ql_expr *from, const ql_value *v)
{
    ql_expr *e = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    if (e) {
        *e = *from;
        e->kind = QL_E_CONST;
        e->value = *v;
        e->is_constant = true;
    }
    return e;
}

ql_expr *
qli_null_const(qli_planner *p, const ql_type *t)
{
    ql_expr *e = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    if (e) {
        e->kind = QL_E_CONST;
        e->type = *t;
        e->type.nullable = true;
        e->value = ql_value_null();
        e->is_constant = true;
    }
    return e;
}

/* Integer constants take the column's signedness; false = the value does not fit it. */
static bool
fit_int(qli_planner *p, const ql_type *t, ql_expr **v)
{
    ql_expr *e = *v;
    if (e->kind != QL_E_CONST) {
        return e->type.is_unsigned == t->is_unsigned;
    }
    if (e->value.is_unsigned == t->is_unsigned) {
        return true;
    }
    if (e->value.i < 0) {
        return false;
    }
    ql_value val = e->value;
    val.is_unsigned = t->is_unsigned;
    *v = const_like(p, e, &val);
    return *v != NULL;
}

static bool
fit_decimal(const ql_type *t, const ql_expr *e)
{
    if (e->kind != QL_E_CONST) {
        return e->type.decimals <= t->decimals &&
               e->type.length - e->type.decimals <= (uint32_t)t->length - t->decimals;
    }
    ql_decimal d = e->value.dec;
    bool cut;
    return ql_decimal_fit(&d, t->length, t->decimals, &cut) &&
           ql_decimal_cmp(&d, &e->value.dec) == 0;
}

/* Can the value be put into a key of the column as it is? */
bool
qli_value_fits(qli_planner *p, const ql_type *t, const ql_expr *cmp, ql_expr **v)
{
    if (cmp->compare_kind != t->kind || (*v)->type.kind != t->kind) {
        return false;
    }
    if ((*v)->kind == QL_E_CONST && (*v)->value.kind == QL_K_NULL) {
        return false;
    }
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_INT:
        return fit_int(p, t, v);
    case QL_FAM_DECIMAL:
        return fit_decimal(t, *v);
    case QL_FAM_STRING:
        return cmp->coll == t->coll;
    case QL_FAM_DOUBLE:
        return t->field == QL_F_DOUBLE;
    default:
        return true;
    }
}

static ql_expr *
day_const(qli_planner *p, const ql_expr *v)
{
    ql_value day = v->value;
    day.kind = QL_K_DATE;
    day.i &= ~((INT64_C(1) << 41) - 1); /* the bits of the time of day: types/datetime.h */
    ql_expr *c = const_like(p, v, &day);
    if (c) {
        c->type = ql_type_date();
    }
    return c;
}

static ql_expr *
day_cast(qli_planner *p, ql_expr *v)
{
    ql_expr *c = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    ql_expr **args = c ? noted(p, QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, 1)) : NULL;
    if (!args) {
        return NULL;
    }
    args[0] = v;
    *c = (ql_expr){.kind = QL_E_CAST, .type = ql_type_date(), .args = args, .nargs = 1};
    c->is_constant = v->is_constant;
    return c;
}

/* DATE column against a moment: by the day, not exact. */
static bool
day_of_moment(qli_planner *p, const ql_expr *cmp, ql_expr *v, qli_term *out)
{
    if (cmp->compare_kind != QL_K_DATETIME || v->type.kind != QL_K_DATETIME ||
        (v->kind == QL_E_CONST && v->value.kind == QL_K_NULL) || cmp->op == QL_OP_NE) {
        return false;
    }
    out->value = v->kind == QL_E_CONST ? day_const(p, v) : day_cast(p, v);
    if (!out->value) {
        return false;
    }
    out->op = out->op == QL_OP_LT ? QL_OP_LE : out->op == QL_OP_GT ? QL_OP_GE : out->op;
    out->exact = false;
    return true;
}

/* One end of the moments at which clocks show v. */
static ql_expr *
moment_edge(qli_planner *p, ql_expr *v, uint8_t edge)
{
    ql_expr *c = noted(p, QL_ARENA_NEW(p->cx, p->a, ql_expr));
    ql_expr **args = c ? noted(p, QL_ARENA_ARRAY(p->cx, p->a, ql_expr *, 1)) : NULL;
    ql_value at;
    if (!args) {
        return NULL;
    }
    if (v->kind == QL_E_CONST) {
        return ql_moment_edge(p->cx, v->value.i, edge == QL_EDGE_LAST, &at) ? const_like(p, v, &at)
                                                                            : NULL;
    }
    args[0] = v;
    *c = (ql_expr){.kind = QL_E_CAST, .args = args, .nargs = 1, .edge = edge};
    c->is_constant = v->is_constant;
    return c;
}

/* TIMESTAMP column, read as what clocks show, against a date and time: between the moments that may
 * be meant, not exact. */
static bool
moments_of_datetime(qli_planner *p, const ql_expr *cmp, ql_expr *v, qli_term *out)
{
    bool upper = out->op == QL_OP_LT || out->op == QL_OP_LE;
    if (cmp->compare_kind != QL_K_DATETIME || v->type.kind != QL_K_DATETIME ||
        (v->kind == QL_E_CONST && v->value.kind == QL_K_NULL) || cmp->op == QL_OP_NE ||
        cmp->op == QL_OP_NULLSAFE_EQ) {
        return false;
    }
    out->value = moment_edge(p, v, upper ? QL_EDGE_LAST : QL_EDGE_FIRST);
    out->value2 = out->op == QL_OP_EQ ? moment_edge(p, v, QL_EDGE_LAST) : NULL;
    if (!out->value || (out->op == QL_OP_EQ && !out->value2)) {
        return false;
    }
    out->value->type = ql_type_timestamp(6);
    if (out->value2) {
        out->value2->type = ql_type_timestamp(6);
    }
    out->op = out->op == QL_OP_GT ? QL_OP_GE : out->op; /* the gap's end shows what is beyond it */
    out->exact = false;
    return true;
}

static bool
has_null(const ql_expr *e)
{
    for (uint32_t i = 1; i < e->nargs; i++) {
        if (e->args[i]->kind == QL_E_CONST && e->args[i]->value.kind == QL_K_NULL) {
            return true;
        }
    }
    return false;
}

/* NOT IN with a NULL among the values lets nothing pass, which is left to the filter. */
static bool
in_points(qli_planner *p, const ql_type *t, const ql_expr *e, qli_term *out)
{
    const qli_points *k;
    if (e->op == QL_OP_NOT_IN && has_null(e)) {
        return false;
    }
    ql_status st = qli_in_points(p, t, e, &k);
    if (st != QL_OK) {
        p->bad = st;
        return false;
    }
    *out = (qli_term){.op = e->op, .points = k, .exact = t->kind != QL_K_STRING};
    return k->n > 0;
}

/* The texts that begin as a constant pattern does, or all that are equal to it. */
static bool
const_pattern(qli_planner *p, const ql_type *t, const ql_expr *e, ql_str escape, qli_term *out)
{
    const ql_expr *pattern = e->args[1];
    ql_beginning b = {0};
    ql_value v = pattern->value;
    bool whole;
    if (v.kind != QL_K_STRING) {
        return false;
    }
    char *text = noted(p, ql_arena_alloc(p->cx, p->a, QL_PATTERN_ROOM(v.s.n)));
    if (!text) {
        return false;
    }
    v.s = (ql_str){text, ql_pattern_text(t->coll, v.s, escape, text, &whole)};
    p->bad = ql_beginning_find(p->cx, t->coll, v.s, &b);
    bool some = b.low.n > 0;
    whole = whole && b.whole;
    ql_beginning_free(&b);
    if (p->bad != QL_OK || (!whole && !some)) {
        return false;
    }
    out->value = const_like(p, pattern, &v);
    out->value2 = whole ? NULL : const_like(p, pattern, &v);
    out->op = whole ? QL_OP_EQ : QL_OP_LIKE;
    return out->value && (whole || out->value2);
}

/* 'abc%': the texts that begin so. What is behind that is left to the filter. */
static bool
like_pattern(qli_planner *p, const ql_type *t, ql_expr *e, uint16_t source, qli_mask left,
             qli_term *out)
{
    ql_str escape = ql_like_escape(p->cx, e);
    ql_expr *pattern = e->args[1];
    if (e->coll != t->coll || !escape.p) {
        return false;
    }
    out->like = e;
    if (pattern->kind == QL_E_CONST) {
        return const_pattern(p, t, e, escape, out);
    }
    qli_mask needs = qli_expr_sources(p, pattern);
    if ((needs & ~left) != 0 || (needs >> source & 1)) {
        return false;
    }
    out->value = out->value2 = pattern;
    out->op = QL_OP_LIKE;
    return true;
}

/* A whole number that a row to the left gives, signed while the column is not, or the other way
 * round: one that the column cannot hold has the bits of one that it could, so the condition is
 * asked again. */
static bool
differs_in_sign(const ql_type *t, const ql_expr *cmp, const ql_expr *v)
{
    return cmp->op == QL_OP_EQ && cmp->compare_kind == QL_K_INT && t->kind == QL_K_INT &&
           v->type.kind == QL_K_INT && v->kind != QL_E_CONST &&
           v->type.is_unsigned != t->is_unsigned;
}

bool
qli_term_of(qli_planner *p, const qli_cond *c, uint16_t source, uint16_t column, qli_mask left,
            qli_term *out)
{
    const ql_type *t = &p->q->sources[source].table->columns[column].type;
    ql_expr *e = c->e;
    *out = (qli_term){0};
    if (c->nondet || e->kind != QL_E_OP || e->nargs < 1) {
        return false;
    }
    if (e->op == QL_OP_IS_NULL && is_slot_of(p, e->args[0], source, column)) {
        *out = (qli_term){.value = qli_null_const(p, t), .op = QL_OP_IS_NULL, .exact = true};
        return out->value != NULL;
    }
    if (e->op == QL_OP_IS_NOT_NULL && is_slot_of(p, e->args[0], source, column)) {
        *out = (qli_term){.op = QL_OP_IS_NOT_NULL, .exact = true};
        return true;
    }
    if ((e->op == QL_OP_IN || e->op == QL_OP_NOT_IN) && is_slot_of(p, e->args[0], source, column)) {
        return in_points(p, t, e, out);
    }
    if (e->op == QL_OP_LIKE && t->kind == QL_K_STRING &&
        is_slot_of(p, e->args[0], source, column)) {
        return like_pattern(p, t, e, source, left, out);
    }
    if (e->nargs != 2 || e->op < QL_OP_EQ || e->op > QL_OP_GE) {
        return false;
    }
    for (int side = 0; side < 2; side++) {
        ql_expr *col = e->args[side], *v = e->args[1 - side];
        qli_mask needs = qli_expr_sources(p, v);
        if ((needs & ~left) != 0 || (needs >> source & 1)) {
            continue;
        }
        *out = (qli_term){.value = v, .op = side ? ql_op_mirrored(e->op) : e->op};
        if (col->kind == QL_E_CAST && t->kind == QL_K_DATE &&
            is_slot_of(p, col->args[0], source, column)) {
            return day_of_moment(p, e, v, out);
        }
        if (col->kind == QL_E_CAST && t->kind == QL_K_TIMESTAMP &&
            is_slot_of(p, col->args[0], source, column)) {
            return moments_of_datetime(p, e, v, out);
        }
        bool fits = qli_value_fits(p, t, e, &out->value);
        if (!is_slot_of(p, col, source, column) || !(fits || differs_in_sign(t, e, out->value))) {
            continue;
        }
        if (e->op == QL_OP_NULLSAFE_EQ) {
            out->op = QL_OP_EQ;
            out->exact = out->value->kind == QL_E_CONST;
            return out->exact; /* a NULL found at run time would be taken for "matches nothing" */
        }
        out->exact = fits;
        return true;
    }
    return false;
}
