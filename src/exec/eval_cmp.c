/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons: =, <=>, <>, <, <=, >, >=, BETWEEN. Loops over vectors of one kind; filters narrow a
 * selection without writing truth values. Rows (a, b) = (c, d) go through boxed values.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/exec_int.h"
#include "types/kinds.h"

bool
qli_cmp_holds(ql_op op, int cmp)
{
    switch (op) {
    case QL_OP_EQ:
    case QL_OP_NULLSAFE_EQ:
        return cmp == 0;
    case QL_OP_NE:
        return cmp != 0;
    case QL_OP_LT:
        return cmp < 0;
    case QL_OP_LE:
        return cmp <= 0;
    case QL_OP_GT:
        return cmp > 0;
    default:
        return cmp >= 0;
    }
}

ql_status
qli_cmp_values(ql_ctx *cx, ql_op op, const ql_value *a, const ql_value *b, const ql_collation *coll,
               int *result)
{
    bool an = a->kind == QL_K_NULL, bn = b->kind == QL_K_NULL;
    int cmp;
    if (an || bn) {
        *result = op == QL_OP_NULLSAFE_EQ ? an && bn : -1;
        return QL_OK;
    }
    QL_TRY(ql_value_compare(cx, a, b, coll, &cmp));
    *result = qli_cmp_holds(op, cmp);
    return QL_OK;
}

ql_status
qli_value_to_kind(ql_ctx *cx, ql_arena *a, const ql_value *v, ql_kind k, ql_value *out)
{
    if (v->kind == k || v->kind == QL_K_NULL) {
        *out = *v;
        return QL_OK;
    }
    ql_type t = ql_kinds[k]->widest(v->is_unsigned);
    ql_value from = *v;
    QL_TRY(ql_time_to_moment(cx, k, &from));
    QL_TRY(ql_value_cast(cx, a, &from, &t, out));
    if (out->kind == QL_K_NULL && ql_kind_is_temporal(k)) { /* a text that is no date or time */
        *out = (ql_value){.kind = k};
    }
    return QL_OK;
}

/* How the loops see a comparison of two vectors. */
typedef enum how { HOW_I64, HOW_U64, HOW_DOUBLE, HOW_MIXED, HOW_BOXED } how;

static how
how_to_compare(const ql_vector *a, const ql_vector *b)
{
    if (a->type.kind != b->type.kind) {
        unsigned x = ql_kind_calendar(a->type.kind), y = ql_kind_calendar(b->type.kind);
        bool dates = (x & y & QL_HAS_DATE) && ((x ^ y) & QL_HAS_ZONE) == 0;
        return dates ? HOW_I64 : HOW_BOXED;
    }
    if (a->type.kind == QL_K_NULL) {
        return HOW_BOXED;
    }
    switch (ql_kind_slot(a->type.kind)) {
    case QL_SLOT_I64:
        if (a->type.is_unsigned != b->type.is_unsigned) {
            return HOW_MIXED;
        }
        return a->type.is_unsigned ? HOW_U64 : HOW_I64;
    case QL_SLOT_DOUBLE:
        return HOW_DOUBLE;
    case QL_SLOT_DECIMAL:
    case QL_SLOT_STRING:
        break;
    }
    return HOW_BOXED;
}

/* A constant of the other signedness is in both ranges unless its top bit is set. */
static how
settle_mixed(const ql_vector *a, const ql_vector *b)
{
    const ql_vector *c = b->is_const ? b : a->is_const ? a : NULL;
    if (c == NULL || c->i[0] < 0) {
        return HOW_MIXED;
    }
    const ql_vector *other = c == b ? a : b;
    return other->type.is_unsigned ? HOW_U64 : HOW_I64;
}

#define OPS(X, T, M)                                                                               \
    X(eq_##T, M, ==)                                                                               \
    X(ne_##T, M, !=) X(lt_##T, M, <) X(le_##T, M, <=) X(gt_##T, M, >) X(ge_##T, M, >=)

#define DEFINE_CMP(name, T, OP)                                                                    \
    static void cmp_##name(const void *pa, unsigned am, const void *pb, unsigned bm,               \
                           const uint16_t *sel, unsigned n, int64_t *r)                            \
    {                                                                                              \
        const T *a = pa, *b = pb;                                                                  \
        if (sel != NULL) {                                                                         \
            for (unsigned k = 0; k < n; k++) {                                                     \
                unsigned i = sel[k];                                                               \
                r[i] = a[i & am] OP b[i & bm];                                                     \
            }                                                                                      \
        } else {                                                                                   \
            for (unsigned i = 0; i < n; i++) {                                                     \
                r[i] = a[i & am] OP b[i & bm];                                                     \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static uint16_t sel_##name(const void *pa, unsigned am, const void *pb, unsigned bm,           \
                               const uint16_t *sel, unsigned n, uint16_t *out)                     \
    {                                                                                              \
        const T *a = pa, *b = pb;                                                                  \
        unsigned m = 0;                                                                            \
        if (sel != NULL) {                                                                         \
            for (unsigned k = 0; k < n; k++) {                                                     \
                unsigned i = sel[k];                                                               \
                out[m] = (uint16_t)i;                                                              \
                m += a[i & am] OP b[i & bm];                                                       \
            }                                                                                      \
        } else if (bm == 0 && am != 0) {                                                           \
            const T c = b[0];                                                                      \
            for (unsigned i = 0; i < n; i++) {                                                     \
                out[m] = (uint16_t)i;                                                              \
                m += a[i] OP c;                                                                    \
            }                                                                                      \
        } else {                                                                                   \
            for (unsigned i = 0; i < n; i++) {                                                     \
                out[m] = (uint16_t)i;                                                              \
                m += a[i & am] OP b[i & bm];                                                       \
            }                                                                                      \
        }                                                                                          \
        return (uint16_t)m;                                                                        \
    }
OPS(DEFINE_CMP, i64, int64_t)
OPS(DEFINE_CMP, u64, uint64_t)
OPS(DEFINE_CMP, dbl, double)

typedef void (*cmp_loop)(const void *, unsigned, const void *, unsigned, const uint16_t *, unsigned,
                         int64_t *);
typedef uint16_t (*sel_loop)(const void *, unsigned, const void *, unsigned, const uint16_t *,
                             unsigned, uint16_t *);
#define LOOPS(P, T)                                                                                \
    {                                                                                              \
        P##eq_##T, P##ne_##T, P##lt_##T, P##le_##T, P##gt_##T, P##ge_##T                           \
    }
static const cmp_loop cmp_loops[3][6] = {LOOPS(cmp_, i64), LOOPS(cmp_, u64), LOOPS(cmp_, dbl)};
static const sel_loop sel_loops[3][6] = {LOOPS(sel_, i64), LOOPS(sel_, u64), LOOPS(sel_, dbl)};

static unsigned
op_number(ql_op op)
{
    switch (op) {
    case QL_OP_NE:
        return 1;
    case QL_OP_LT:
        return 2;
    case QL_OP_LE:
        return 3;
    case QL_OP_GT:
        return 4;
    case QL_OP_GE:
        return 5;
    default:
        return 0;
    }
}

/* Boxed comparisons may be long (collations, DECIMAL): a checkpoint every so many. */
#define BOXED_A_CHECK 128

static ql_status
compare_cell(ql_ctx *cx, ql_ex *x, const ql_vector *a, const ql_vector *b, uint16_t row, int *cmp)
{
    ql_value va, vb;
    if (a->type.kind == QL_K_STRING && b->type.kind == QL_K_STRING) {
        const ql_collation *coll = x->e->coll != NULL ? x->e->coll : a->type.coll;
        return ql_coll_compare(cx, coll, a->s[row & qli_mask(a)], b->s[row & qli_mask(b)], cmp);
    }
    if (a->type.kind == QL_K_DECIMAL && b->type.kind == QL_K_DECIMAL) {
        *cmp = ql_decimal_cmp(&a->dec[row & qli_mask(a)], &b->dec[row & qli_mask(b)]);
        return QL_OK;
    }
    ql_vector_get(a, row, &va);
    ql_vector_get(b, row, &vb);
    if (va.kind != vb.kind) {
        ql_kind k = x->e->compare_kind != QL_K_NULL ? x->e->compare_kind
                                                    : ql_compare_kind(&a->type, &b->type);
        QL_TRY(qli_value_to_kind(cx, x->env.scratch, &va, k, &va));
        QL_TRY(qli_value_to_kind(cx, x->env.scratch, &vb, k, &vb));
    }
    return ql_value_compare(cx, &va, &vb, x->e->coll, cmp);
}

/* Strings under one collation; = and <> of plain bytes need no order. */
static ql_status
compare_strings(ql_ctx *cx, ql_ex *x, const ql_vector *a, const ql_vector *b, const uint16_t *sel,
                uint16_t n)
{
    const ql_collation *coll = x->e->coll != NULL ? x->e->coll : a->type.coll;
    unsigned am = qli_mask(a), bm = qli_mask(b);
    ql_op op = x->e->op;
    bool bytes =
        coll != NULL && coll->is_binary && !coll->pad_space && (op == QL_OP_EQ || op == QL_OP_NE);
    QL_TRY(ql_check(cx));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        int cmp = 1;
        if (x->own.has_nulls && x->own.nulls[row]) {
            continue;
        }
        ql_str p = a->s[row & am], q = b->s[row & bm];
        QL_TRY(ql_bulk_count(cx, QL_BULK_NODE + (p.n < q.n ? p.n : q.n)));
        if (!bytes) {
            QL_TRY(ql_coll_compare(cx, coll, p, q, &cmp));
        } else if (p.n == q.n) {
            QL_TRY(ql_bulk_compare(cx, p.p, q.p, p.n, &cmp));
        }
        x->own.i[row] = qli_cmp_holds(op, cmp);
    }
    return QL_OK;
}

static ql_status
compare_boxed(ql_ctx *cx, ql_ex *x, const ql_vector *a, const ql_vector *b, const uint16_t *sel,
              uint16_t n)
{
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        int cmp;
        if (k % BOXED_A_CHECK == 0) {
            QL_TRY(ql_check(cx));
        }
        if (x->own.has_nulls && x->own.nulls[row]) {
            continue;
        }
        QL_TRY(compare_cell(cx, x, a, b, row, &cmp));
        x->own.i[row] = qli_cmp_holds(x->e->op, cmp);
    }
    return QL_OK;
}

static ql_status
eval_compare(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    ql_vector *a, *b;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(ql_ex_eval(cx, x->args[1], in, sel, n, &b));
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    if (qli_null_union(&x->own, a, b, sel, n)) {
        return qli_ex_null(cx, x, out);
    }
    if (a->is_const && b->is_const) {
        sel = NULL;
        n = 1;
        x->own.is_const = true;
    }
    how h = how_to_compare(a, b);
    if (h == HOW_MIXED) {
        h = settle_mixed(a, b);
    }
    if (a->type.kind == QL_K_STRING && b->type.kind == QL_K_STRING) {
        return compare_strings(cx, x, a, b, sel, n);
    }
    if (h >= HOW_MIXED) {
        return compare_boxed(cx, x, a, b, sel, n);
    }
    cmp_loops[h][op_number(x->e->op)](a->any, qli_mask(a), b->any, qli_mask(b), sel, n, x->own.i);
    return QL_OK;
}

static uint16_t
drop_nulls(const ql_vector *v, uint16_t *sel, uint16_t n)
{
    uint16_t m = 0;
    if (!v->has_nulls) {
        return n;
    }
    if (v->is_const) {
        return v->nulls[0] ? 0 : n;
    }
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel[k];
        sel[m] = row;
        m = (uint16_t)(m + !v->nulls[row]);
    }
    return m;
}

ql_status
qli_cmp_filter(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
               uint16_t *out, uint16_t *nout)
{
    ql_vector *a, *b;
    if (x->eval != eval_compare) {
        return QL_END;
    }
    /* Kinds are known beforehand, so that the arguments are not evaluated twice. */
    ql_kind ka = x->args[0]->e->type.kind, kb = x->args[1]->e->type.kind;
    if (ka != kb || ql_kind_slot(ka) == QL_SLOT_STRING || ka == QL_K_DECIMAL || ka == QL_K_NULL) {
        return QL_END;
    }
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(ql_ex_eval(cx, x->args[1], in, sel, n, &b));
    how h = how_to_compare(a, b);
    if (h == HOW_MIXED) {
        h = settle_mixed(a, b);
    }
    if (h >= HOW_MIXED) {
        uint16_t m = 0;
        for (uint16_t k = 0; k < n; k++) {
            uint16_t row = sel != NULL ? sel[k] : k;
            int cmp;
            if (ql_vector_null_at(a, row) || ql_vector_null_at(b, row)) {
                continue;
            }
            QL_TRY(compare_cell(cx, x, a, b, row, &cmp));
            if (qli_cmp_holds(x->e->op, cmp)) {
                out[m++] = row;
            }
        }
        *nout = m;
        return QL_OK;
    }
    uint16_t m =
        sel_loops[h][op_number(x->e->op)](a->any, qli_mask(a), b->any, qli_mask(b), sel, n, out);
    m = drop_nulls(a, out, m);
    *nout = drop_nulls(b, out, m);
    return QL_OK;
}

static ql_status
eval_compare_nullsafe(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                      ql_vector **out)
{
    ql_vector *a, *b;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &a));
    QL_TRY(ql_ex_eval(cx, x->args[1], in, sel, n, &b));
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        bool an = a->type.kind == QL_K_NULL || ql_vector_null_at(a, row);
        bool bn = b->type.kind == QL_K_NULL || ql_vector_null_at(b, row);
        int cmp = 1;
        if (!an && !bn) {
            QL_TRY(compare_cell(cx, x, a, b, row, &cmp));
        }
        x->own.i[row] = (an && bn) || (!an && !bn && cmp == 0);
    }
    return QL_OK;
}

/* a BETWEEN b AND c: all of one kind. */
static ql_status
eval_between(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    ql_vector *v[3];
    bool not_ = x->e->op == QL_OP_NOT_BETWEEN;
    for (int i = 0; i < 3; i++) {
        QL_TRY(ql_ex_eval(cx, x->args[i], in, sel, n, &v[i]));
    }
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        int low = -1, high = -1, cmp; /* 1, 0, -1 = NULL */
        ql_value r = ql_value_null();
        if (k % BOXED_A_CHECK == 0) {
            QL_TRY(ql_check(cx));
        }
        if (!ql_vector_null_at(v[0], row) && v[0]->type.kind != QL_K_NULL) {
            if (!ql_vector_null_at(v[1], row) && v[1]->type.kind != QL_K_NULL) {
                QL_TRY(compare_cell(cx, x, v[0], v[1], row, &cmp));
                low = cmp >= 0;
            }
            if (!ql_vector_null_at(v[2], row) && v[2]->type.kind != QL_K_NULL) {
                QL_TRY(compare_cell(cx, x, v[0], v[2], row, &cmp));
                high = cmp <= 0;
            }
        }
        if (low == 0 || high == 0) {
            r = ql_value_int(not_);
        } else if (low == 1 && high == 1) {
            r = ql_value_int(!not_);
        }
        ql_vector_set(&x->own, row, &r);
    }
    return QL_OK;
}

/* Values of a row operand: a ROW, or a row subquery. */
ql_status
qli_row_operand(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, ql_value **vals,
                uint32_t *n)
{
    if (x->e->kind == QL_E_SUBQUERY) {
        return qli_query_row(cx, x, in, row, vals, n);
    }
    if (x->e->kind != QL_E_ROW) {
        if (x->vals == NULL) {
            x->vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, x->nargs + 1);
        }
        if (x->vals == NULL) {
            return QL_ERROR;
        }
        *n = 1;
        *vals = x->vals;
        return ql_ex_one(cx, x, in, row, x->vals);
    }
    if (x->vals == NULL) {
        x->vals = QL_ARENA_ARRAY(cx, x->env.mem, ql_value, x->nargs + 1);
        if (x->vals == NULL) {
            return QL_ERROR;
        }
    }
    for (uint32_t i = 0; i < x->nargs; i++) {
        QL_TRY(ql_ex_one(cx, x->args[i], in, row, &x->vals[i]));
    }
    *vals = x->vals;
    *n = x->nargs;
    return QL_OK;
}

static ql_status
element_compare(ql_ctx *cx, ql_arena *a, const ql_value *p, const ql_value *q,
                const ql_collation *coll, int *cmp)
{
    ql_value x = *p, y = *q;
    if (x.kind != y.kind || ql_kind_is_list(x.kind)) {
        ql_type tx = {.kind = x.kind, .is_unsigned = x.is_unsigned, .coll = x.coll};
        ql_type ty = {.kind = y.kind, .is_unsigned = y.is_unsigned, .coll = y.coll};
        ql_kind k = ql_compare_kind(&tx, &ty);
        QL_TRY(qli_value_to_kind(cx, a, p, k, &x));
        QL_TRY(qli_value_to_kind(cx, a, q, k, &y));
    }
    if (x.kind == QL_K_STRING && coll == NULL) {
        coll = x.coll != NULL ? x.coll : ql_coll_default;
    }
    return ql_value_compare(cx, &x, &y, coll, cmp);
}

ql_status
qli_rows_compare(ql_ctx *cx, ql_arena *a, ql_op op, const ql_value *p, const ql_value *q,
                 uint32_t n, const ql_collation *coll, int *result)
{
    bool unknown = false;
    bool equality = op == QL_OP_EQ || op == QL_OP_NE || op == QL_OP_NULLSAFE_EQ;
    for (uint32_t i = 0; i < n; i++) {
        int cmp;
        bool pn = p[i].kind == QL_K_NULL, qn = q[i].kind == QL_K_NULL;
        if (pn || qn) {
            if (op == QL_OP_NULLSAFE_EQ) {
                if (pn != qn) {
                    *result = 0;
                    return QL_OK;
                }
                continue;
            }
            unknown = true;
            if (equality) {
                continue; /* a later difference still decides */
            }
            break;
        }
        QL_TRY(element_compare(cx, a, &p[i], &q[i], coll, &cmp));
        if (cmp != 0) {
            if (unknown && !equality) {
                break;
            }
            *result = equality ? op == QL_OP_NE : qli_cmp_holds(op, cmp);
            return QL_OK;
        }
    }
    *result = unknown ? -1 : qli_cmp_holds(op, 0);
    return QL_OK;
}

static ql_status
eval_row_compare(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                 ql_vector **out)
{
    QL_TRY(qli_ex_ready(cx, x));
    *out = &x->own;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value *p, *q, r;
        uint32_t np, nq;
        int result;
        QL_TRY(ql_check(cx));
        QL_TRY(qli_row_operand(cx, x->args[0], in, row, &p, &np));
        QL_TRY(qli_row_operand(cx, x->args[1], in, row, &q, &nq));
        if (np != nq) {
            return ql_fail(cx, QL_ER_OPERAND_COLUMNS, (int)np);
        }
        QL_TRY(qli_rows_compare(cx, x->env.scratch, x->e->op, p, q, np, x->e->coll, &result));
        r = result < 0 ? ql_value_null() : ql_value_int(result);
        ql_vector_set(&x->own, row, &r);
    }
    return QL_OK;
}

static bool
is_row(const ql_expr *e)
{
    return e->kind == QL_E_ROW || (e->kind == QL_E_SUBQUERY && e->query->nitems > 1);
}

ql_status
qli_cmp_compile(ql_ctx *cx, ql_ex *x)
{
    (void)cx;
    if (x->e->op == QL_OP_BETWEEN || x->e->op == QL_OP_NOT_BETWEEN) {
        x->eval = eval_between;
    } else if (is_row(x->e->args[0]) || is_row(x->e->args[1])) {
        x->eval = eval_row_compare;
    } else if (x->e->op == QL_OP_NULLSAFE_EQ) {
        x->eval = eval_compare_nullsafe;
    } else {
        x->eval = eval_compare;
    }
    return QL_OK;
}
