/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic and bit operators over vectors: tight loops for integers and doubles, DECIMAL through
 * types/decimal. Overflow is error 1690 naming the expression; division by zero is NULL with
 * warning 1365 (an error when strict mode stores the value). Casts are here too.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exec/exec_int.h"
#include "types/moment.h"

#define EACH_ROW(k, row)                                                                           \
    for (uint16_t k = 0, row = sel != NULL && n > 0 ? sel[0] : 0; k < n;                           \
         k++, row = k < n ? (sel != NULL ? sel[k] : k) : 0)

static void
null_or(uint8_t *r, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first)
{
    EACH_ROW(k, row)
    {
        r[row] = (uint8_t)((first ? 0 : r[row]) | v->nulls[row]);
    }
}

bool
qli_null_union(ql_vector *r, const ql_vector *a, const ql_vector *b, const uint16_t *sel,
               uint16_t n)
{
    const ql_vector *v[2] = {a, b};
    r->has_nulls = false;
    for (int i = 0; i < 2 && v[i] != NULL; i++) {
        if (v[i]->type.kind == QL_K_NULL || (v[i]->is_const && v[i]->has_nulls && v[i]->nulls[0])) {
            return true;
        }
        if (v[i]->has_nulls && !v[i]->is_const) {
            null_or(r->nulls, v[i], sel, n, !r->has_nulls);
            r->has_nulls = true;
        }
    }
    return false;
}

static const char *
kind_word(const ql_type *t)
{
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_DOUBLE:
        return "DOUBLE";
    case QL_FAM_DECIMAL:
        return "DECIMAL";
    default:
        return t->is_unsigned ? "BIGINT UNSIGNED" : "BIGINT";
    }
}

static ql_status
out_of_range(ql_ctx *cx, const ql_ex *x)
{
    char text[256];
    qli_expr_print(x->e, text, sizeof text);
    return ql_fail(cx, QL_ER_DATA_OUT_OF_RANGE, kind_word(&x->e->type), text);
}

static ql_status
division_by_zero(ql_ctx *cx, ql_ex *x, uint16_t row)
{
    ql_value null = ql_value_null();
    if (cx->vars != NULL && (cx->vars->sql_mode & QL_MODE_DIV_BY_ZERO)) {
        QL_TRY(ql_complain(cx, QL_ER_DIVISION_BY_ZERO));
    }
    if (!x->own.has_nulls) {
        memset(x->own.nulls, 0, x->env.single ? 1 : QL_BATCH_ROWS);
    }
    ql_vector_set(&x->own, row, &null);
    return QL_OK;
}

/* Operands of a binary operator. done: the result is NULL throughout. All constant: one row. */
typedef struct operands {
    ql_vector *a, *b;
    unsigned am, bm;
    const uint16_t *sel;
    uint16_t n;
    bool done;
} operands;

static ql_status
get_operands(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, operands *o,
             ql_vector **out)
{
    o->b = NULL;
    o->sel = sel;
    o->n = n;
    o->done = false;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &o->a));
    if (x->nargs > 1) {
        QL_TRY(ql_ex_eval(cx, x->args[1], in, sel, n, &o->b));
    }
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    bool all_const = o->a->is_const && (o->b == NULL || o->b->is_const);
    if (qli_null_union(&x->own, o->a, o->b, sel, n)) {
        o->done = true;
        return qli_ex_null(cx, x, out);
    }
    if (all_const) {
        o->sel = NULL;
        o->n = 1;
        x->own.is_const = true;
    }
    o->am = qli_mask(o->a);
    o->bm = o->b != NULL ? qli_mask(o->b) : 0;
    return QL_OK;
}

static inline bool
row_null(const ql_ex *x, uint16_t row)
{
    return x->own.has_nulls && x->own.nulls[row];
}

#define INT_LOOP(name, builtin)                                                                    \
    static bool name(const operands *o, int64_t *r)                                                \
    {                                                                                              \
        const int64_t *a = o->a->i, *b = o->b->i;                                                  \
        const unsigned am = o->am, bm = o->bm;                                                     \
        bool over = false;                                                                         \
        if (o->sel == NULL) {                                                                      \
            for (unsigned i = 0; i < o->n; i++) {                                                  \
                over |= builtin(a[i & am], b[i & bm], &r[i]);                                      \
            }                                                                                      \
        } else {                                                                                   \
            for (unsigned k = 0; k < o->n; k++) {                                                  \
                unsigned i = o->sel[k];                                                            \
                over |= builtin(a[i & am], b[i & bm], &r[i]);                                      \
            }                                                                                      \
        }                                                                                          \
        return over;                                                                               \
    }
INT_LOOP(add_i64, __builtin_add_overflow)
INT_LOOP(sub_i64, __builtin_sub_overflow)
INT_LOOP(mul_i64, __builtin_mul_overflow)

typedef __int128 wide;

static wide
widen(const ql_vector *v, unsigned i)
{
    return v->type.is_unsigned ? (wide)(uint64_t)v->i[i] : (wide)v->i[i];
}

/* Any signedness; false = out of the result's range. */
static bool
int_op_wide(ql_op op, const operands *o, uint16_t row, bool is_unsigned, int64_t *r)
{
    wide a = widen(o->a, row & o->am), b = widen(o->b, row & o->bm), w;
    switch (op) {
    case QL_OP_ADD:
        w = a + b;
        break;
    case QL_OP_SUB:
        w = a - b;
        break;
    default:
        if (__builtin_mul_overflow(a, b, &w)) {
            return false;
        }
        break;
    }
    *r = (int64_t)(uint64_t)w;
    return is_unsigned ? w >= 0 && w <= (wide)UINT64_MAX : w >= INT64_MIN && w <= INT64_MAX;
}

static ql_status
eval_int(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    operands o;
    ql_op op = x->e->op;
    bool uns = x->e->type.is_unsigned;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    if (!uns && !o.a->type.is_unsigned && !o.b->type.is_unsigned) {
        bool over = op == QL_OP_ADD   ? add_i64(&o, x->own.i)
                    : op == QL_OP_SUB ? sub_i64(&o, x->own.i)
                                      : mul_i64(&o, x->own.i);
        if (QL_LIKELY(!over)) {
            return QL_OK;
        }
    }
    sel = o.sel;
    n = o.n;
    EACH_ROW(k, row)
    {
        if (!row_null(x, row) && !int_op_wide(op, &o, row, uns, &x->own.i[row])) {
            return out_of_range(cx, x);
        }
    }
    return QL_OK;
}

static ql_status
eval_int_div(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    operands o;
    bool uns = x->e->type.is_unsigned, mod = x->e->op == QL_OP_MOD;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    sel = o.sel;
    n = o.n;
    EACH_ROW(k, row)
    {
        if (row_null(x, row)) {
            continue;
        }
        wide a = widen(o.a, row & o.am), b = widen(o.b, row & o.bm);
        if (b == 0) {
            QL_TRY(division_by_zero(cx, x, row));
            continue;
        }
        wide w = mod ? a % b : a / b;
        if (uns ? w < 0 || w > (wide)UINT64_MAX : w < INT64_MIN || w > INT64_MAX) {
            return out_of_range(cx, x);
        }
        x->own.i[row] = (int64_t)(uint64_t)w;
    }
    return QL_OK;
}

static ql_status
eval_double(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    operands o;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    const double *a = o.a->d, *b = o.b->d;
    double *r = x->own.d;
    bool finite = true;
    ql_op op = x->e->op;
    sel = o.sel;
    n = o.n;
#define DOUBLE_LOOP(expr)                                                                          \
    EACH_ROW(k, row)                                                                               \
    {                                                                                              \
        double p = a[row & o.am], q = b[row & o.bm];                                               \
        r[row] = (expr);                                                                           \
        finite = finite && isfinite(r[row]);                                                       \
    }
    switch (op) {
    case QL_OP_ADD:
        DOUBLE_LOOP(p + q)
        break;
    case QL_OP_SUB:
        DOUBLE_LOOP(p - q)
        break;
    case QL_OP_MUL:
        DOUBLE_LOOP(p * q)
        break;
    default:
        EACH_ROW(k, row)
        {
            double q = b[row & o.bm];
            if (row_null(x, row)) {
                continue;
            }
            if (q == 0) {
                QL_TRY(division_by_zero(cx, x, row));
                continue;
            }
            r[row] = op == QL_OP_MOD ? fmod(a[row & o.am], q) : a[row & o.am] / q;
            finite = finite && isfinite(r[row]);
        }
        break;
    }
#undef DOUBLE_LOOP
    if (QL_LIKELY(finite)) {
        return QL_OK;
    }
    EACH_ROW(k, row)
    {
        if (!row_null(x, row) && !isfinite(r[row])) {
            return out_of_range(cx, x);
        }
    }
    return QL_OK;
}

static bool
decimal_op(ql_op op, ql_decimal *r, const ql_decimal *a, const ql_decimal *b, unsigned increment,
           bool *by_zero)
{
    switch (op) {
    case QL_OP_ADD:
        return ql_decimal_add(r, a, b);
    case QL_OP_SUB:
        return ql_decimal_sub(r, a, b);
    case QL_OP_MUL:
        return ql_decimal_mul(r, a, b);
    case QL_OP_MOD:
        return ql_decimal_mod(r, a, b, by_zero);
    default:
        return ql_decimal_quotient(r, a, b, increment, by_zero);
    }
}

static ql_status
eval_decimal(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    operands o;
    unsigned increment = cx->vars != NULL ? (unsigned)cx->vars->div_precision_increment : 4;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    sel = o.sel;
    n = o.n;
    EACH_ROW(k, row)
    {
        bool by_zero = false;
        if (row_null(x, row)) {
            continue;
        }
        bool fits = decimal_op(x->e->op, &x->own.dec[row], &o.a->dec[row & o.am],
                               &o.b->dec[row & o.bm], increment, &by_zero);
        if (by_zero) {
            QL_TRY(division_by_zero(cx, x, row));
        } else if (!fits) {
            return out_of_range(cx, x);
        }
    }
    return QL_OK;
}

/* DIV on numbers that are not integers: the quotient cut to an integer. */
static ql_status
eval_intdiv_number(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                   ql_vector **out)
{
    operands o;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    sel = o.sel;
    n = o.n;
    EACH_ROW(k, row)
    {
        ql_value va, vb;
        ql_decimal a, b, r;
        bool by_zero = false, fits;
        if (row_null(x, row)) {
            continue;
        }
        ql_vector_get(o.a, row, &va);
        ql_vector_get(o.b, row, &vb);
        QL_TRY(ql_value_to_decimal(cx, &va, &a));
        QL_TRY(ql_value_to_decimal(cx, &vb, &b));
        fits = ql_decimal_div_int(&r, &a, &b, &by_zero);
        if (by_zero) {
            QL_TRY(division_by_zero(cx, x, row));
            continue;
        }
        if (x->e->type.is_unsigned) {
            uint64_t u = 0;
            fits = fits && ql_decimal_to_u64(&r, &u);
            x->own.i[row] = (int64_t)u;
        } else {
            fits = fits && ql_decimal_to_i64(&r, &x->own.i[row]);
        }
        if (!fits) {
            return out_of_range(cx, x);
        }
    }
    return QL_OK;
}

static ql_status
eval_neg(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    operands o;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    sel = o.sel;
    n = o.n;
    EACH_ROW(k, row)
    {
        unsigned i = row & o.am;
        if (row_null(x, row)) {
            continue;
        }
        switch (ql_kind_slot(x->own.type.kind)) {
        case QL_SLOT_DOUBLE:
            x->own.d[row] = -o.a->d[i];
            break;
        case QL_SLOT_DECIMAL:
            x->own.dec[row] = o.a->dec[i];
            ql_decimal_neg(&x->own.dec[row]);
            break;
        default: {
            wide w = -widen(o.a, i);
            if (w < INT64_MIN || w > INT64_MAX) {
                return out_of_range(cx, x);
            }
            x->own.i[row] = (int64_t)w;
            break;
        }
        }
    }
    return QL_OK;
}

static ql_status
eval_pass(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    return ql_ex_eval(cx, x->args[0], in, sel, n, out);
}

static ql_status
eval_bits(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    operands o;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    sel = o.sel;
    n = o.n;
    EACH_ROW(k, row)
    {
        uint64_t a = (uint64_t)o.a->i[row & o.am];
        uint64_t b = o.b != NULL ? (uint64_t)o.b->i[row & o.bm] : 0, r = 0;
        switch (x->e->op) {
        case QL_OP_BITOR:
            r = a | b;
            break;
        case QL_OP_BITAND:
            r = a & b;
            break;
        case QL_OP_BITXOR:
            r = a ^ b;
            break;
        case QL_OP_SHL:
            r = b < 64 ? a << b : 0;
            break;
        case QL_OP_SHR:
            r = b < 64 ? a >> b : 0;
            break;
        default:
            r = ~a;
            break;
        }
        x->own.i[row] = (int64_t)r;
    }
    return QL_OK;
}

static ql_status
want_args(ql_ctx *cx, ql_ex *x, ql_type t)
{
    for (uint32_t i = 0; i < x->nargs; i++) {
        ql_kind k = x->e->args[i]->type.kind;
        if (k != t.kind && k != QL_K_NULL) {
            QL_TRY(qli_ex_cast_arg(cx, x, i, &t));
        }
    }
    return QL_OK;
}

static bool
args_are(const ql_ex *x, ql_kind kind)
{
    for (uint32_t i = 0; i < x->nargs; i++) {
        ql_kind k = x->e->args[i]->type.kind;
        if (k != kind && k != QL_K_NULL) {
            return false;
        }
    }
    return true;
}

static ql_status
compile_number(ql_ctx *cx, ql_ex *x)
{
    switch (ql_kind_family(x->e->type.kind)) {
    case QL_FAM_INT:
        x->eval = x->e->op == QL_OP_MOD ? eval_int_div : eval_int;
        return want_args(cx, x, ql_type_int(false));
    case QL_FAM_DECIMAL:
        x->eval = eval_decimal;
        return want_args(cx, x, ql_type_decimal(65, 30));
    default:
        x->eval = eval_double;
        return want_args(cx, x, ql_type_double());
    }
}

ql_status
qli_arith_compile(ql_ctx *cx, ql_ex *x)
{
    switch (x->e->op) {
    case QL_OP_PLUS:
        x->eval = eval_pass;
        return QL_OK;
    case QL_OP_NEG:
        x->eval = eval_neg;
        return want_args(cx, x, x->e->type);
    case QL_OP_INTDIV:
        x->eval = args_are(x, QL_K_INT) ? eval_int_div : eval_intdiv_number;
        return QL_OK;
    case QL_OP_BITOR:
    case QL_OP_BITAND:
    case QL_OP_BITXOR:
    case QL_OP_SHL:
    case QL_OP_SHR:
    case QL_OP_BITNOT:
        x->eval = eval_bits;
        return want_args(cx, x, ql_type_int(true));
    default:
        return compile_number(cx, x);
    }
}

/* Integers to text, in one allocation. QL_END: some are longer than the type, or filled up. */
static ql_status
cast_ints_to_text(ql_ctx *cx, ql_ex *x, const operands *o)
{
    const ql_type *t = &x->e->type;
    const uint16_t *sel = o->sel;
    uint16_t n = o->n;
    bool uns = o->a->type.is_unsigned;
    if (o->a->type.zerofill != 0) {
        return QL_END;
    }
    char *p = ql_arena_alloc(cx, x->env.scratch, (size_t)n * 24);
    if (p == NULL) {
        return QL_ERROR;
    }
    EACH_ROW(k, row)
    {
        if (row_null(x, row)) {
            continue;
        }
        size_t len = ql_int_print(o->a->i[row & o->am], uns, p);
        if (t->length != 0 && len > t->length) {
            return QL_END;
        }
        x->own.s[row] = (ql_str){p, len};
        p += len;
    }
    return QL_OK;
}

/* What the session's clocks show, these bits of it; rows of one table often lie between the same
 * two changes of them.
 */
static void
cast_moments(ql_ctx *cx, ql_ex *x, const operands *o, int64_t keep)
{
    const uint16_t *sel = o->sel;
    uint16_t n = o->n;
    int64_t from = 1, to = 0;
    int32_t offset = 0;
    EACH_ROW(k, row)
    {
        int64_t us = o->a->i[row & o->am], s = us / 1000000;
        ql_dt t = {0};
        if (row_null(x, row) || us == 0) {
            x->own.i[row] = 0;
            continue;
        }
        if (s < from || s >= to) {
            offset = ql_zone_type_at(cx->zone, s)->seconds;
            from = s;
            to = ql_zone_next(cx->zone, s, &to) ? to : INT64_MAX;
        }
        ql_dt_from_unix(us, offset, &t);
        x->own.i[row] = ql_dt_pack(&t) & keep;
    }
}

/* Casts that cannot go wrong, over slots. QL_END: not one of those. Values of NULL rows may be
 * anything and give anything. */
static ql_status
cast_rows(ql_ctx *cx, ql_ex *x, const operands *o)
{
    const ql_type *t = &x->e->type, *f = &o->a->type;
    ql_kind to = x->own.type.kind;
    const uint16_t *sel = o->sel;
    uint16_t n = o->n;
    if (to == QL_K_DOUBLE && t->field == QL_F_DOUBLE && f->kind == QL_K_INT) {
        EACH_ROW(k, row)
        {
            int64_t v = o->a->i[row & o->am];
            x->own.d[row] = f->is_unsigned ? (double)(uint64_t)v : (double)v;
        }
        return QL_OK;
    }
    if (to == QL_K_DATETIME && f->kind == QL_K_DATE) {
        EACH_ROW(k, row)
        {
            x->own.i[row] = o->a->i[row & o->am];
        }
        return QL_OK;
    }
    if (to == QL_K_DATE && f->kind == QL_K_DATETIME) {
        EACH_ROW(k, row)
        {
            x->own.i[row] = o->a->i[row & o->am] >> 41 << 41; /* packed as in types/datetime.h */
        }
        return QL_OK;
    }
    if (to == QL_K_TIME && f->kind == QL_K_DATETIME && f->decimals <= t->decimals) {
        EACH_ROW(k, row)
        {
            x->own.i[row] = o->a->i[row & o->am] & (((int64_t)1 << 41) - 1);
        }
        return QL_OK;
    }
    if (f->kind == QL_K_TIMESTAMP &&
        (to == QL_K_DATE ||
         ((to == QL_K_DATETIME || to == QL_K_TIME) && f->decimals <= t->decimals))) {
        const int64_t clock = ((int64_t)1 << 41) - 1; /* packed as in types/datetime.h */
        cast_moments(cx, x, o, to == QL_K_DATE ? ~clock : to == QL_K_TIME ? clock : -1);
        return QL_OK;
    }
    if (to == QL_K_STRING && f->kind == QL_K_INT && f->bits == 0 && t->field == QL_F_VAR_STRING) {
        return cast_ints_to_text(cx, x, o);
    }
    return QL_END;
}

static ql_status
eval_cast(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    operands o;
    ql_kind to;
    QL_TRY(get_operands(cx, x, in, sel, n, &o, out));
    if (o.done) {
        return QL_OK;
    }
    to = x->own.type.kind;
    sel = o.sel;
    n = o.n;
    ql_status st = cast_rows(cx, x, &o);
    if (st != QL_END) {
        return st;
    }
    EACH_ROW(k, row)
    {
        ql_value v, r;
        if (k % 64 == 0) {
            QL_TRY(ql_check(cx));
        }
        if (row_null(x, row)) {
            continue;
        }
        ql_vector_get(o.a, row, &v);
        if (v.kind == QL_K_DECIMAL && to == QL_K_STRING) {
            ql_decimal_settle(&v.dec, &o.a->type);
        }
        QL_TRY(ql_time_to_moment(cx, to, &v));
        if (x->e->edge != 0 && v.kind == QL_K_DATETIME) {
            r = ql_value_null();
            (void)ql_moment_edge(cx, v.i, x->e->edge == QL_EDGE_LAST, &r);
        } else {
            QL_TRY(ql_value_cast(cx, x->env.scratch, &v, &x->e->type, &r));
        }
        if (r.kind == QL_K_NULL && x->e->zero_if_bad) {
            r = (ql_value){.kind = to, .decimals = x->e->type.decimals};
        }
        if (r.kind == QL_K_NULL && !x->own.has_nulls) {
            memset(x->own.nulls, 0, x->env.single ? 1 : QL_BATCH_ROWS);
        }
        ql_vector_set(&x->own, row, &r);
    }
    return QL_OK;
}

ql_status
qli_cast_compile(ql_ctx *cx, ql_ex *x)
{
    const ql_type *from = &x->args[0]->e->type, *to = &x->e->type;
    (void)cx;
    x->eval = eval_cast;
    bool same_text = from->bits == to->bits && from->zerofill == to->zerofill;
    if ((from->kind == QL_K_INT && to->kind == QL_K_INT && from->is_unsigned == to->is_unsigned &&
         same_text) ||
        (from->kind == QL_K_DOUBLE && to->kind == QL_K_DOUBLE && to->field == QL_F_DOUBLE)) {
        x->eval = eval_pass;
    }
    return QL_OK;
}

ql_status
qli_ex_cast_arg(ql_ctx *cx, ql_ex *x, uint32_t i, const ql_type *t)
{
    ql_expr *e = QL_ARENA_NEW(cx, x->env.mem, ql_expr);
    ql_ex *y = QL_ARENA_NEW(cx, x->env.mem, ql_ex);
    ql_ex **args = QL_ARENA_ARRAY(cx, x->env.mem, ql_ex *, 1);
    if (e == NULL || y == NULL || args == NULL) {
        return QL_ERROR;
    }
    e->kind = QL_E_CAST;
    e->type = *t;
    e->args = &x->e->args[i];
    e->nargs = 1;
    y->e = e;
    y->env = x->env;
    y->args = args;
    y->nargs = 1;
    args[0] = x->args[i];
    QL_TRY(qli_cast_compile(cx, y));
    x->args[i] = y;
    return QL_OK;
}
