/* SPDX-License-Identifier: Apache-2.0
 *
 * How scalar functions are implemented: one row at a time, boxed values in and out; the common ones
 * in a form for a batch too. The evaluator (exec/eval_call.c) has done NULL arguments, constants
 * and selections before it calls. The table of implementations is table.c, made from
 * resolve/functions.def.
 */
#ifndef QL_FN_FN_H
#define QL_FN_FN_H

#include "base/arena.h"
#include "base/bulk.h"
#include "resolve/query.h"
#include "resolve/resolve.h"

/* One place in an expression that calls a function. Owner: the compiled expression; lives as long
 * as one execution of the statement. */
typedef struct ql_call {
    const ql_expr *expr; /* [const] the node: type, coll, unit, name, args (kinds, is_constant) */
    ql_arena *arena;     /* result bytes: valid until the next block of rows; often reset */
    ql_arena *mem;       /* lives as long as the execution: for `state` */
    void *state;         /* NULL at first; the function's own: compiled pattern, generator, cache */
    void (*state_free)(void *state); /* NULL, or set together with state: called once at the end of
                                        the execution, also after errors; must not wait */
    struct ql_call *next;            /* [eval] list of calls with state */
} ql_call;

/* Compute one row. args: nargs values of the kinds that the resolver gave (each call converts with
 * ql_value_to_*); bytes of strings are valid during the call (and while the batch lives, so the
 * result may share them). Without QL_FF_NULLS no argument is NULL. *out is NULL on entry; its kind
 * must be that of call->expr->type.kind or NULL (the evaluator casts what differs, at a price).
 * Loops look at ql_check(cx) every 64 KiB or 1,024 iterations, ql_coll_* do so by themselves.
 * QL_ERROR worded, QL_KILLED. */
typedef ql_status (*ql_fn)(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs,
                           ql_value *out);

/* The rows of a batch for which a call is to be computed. */
typedef struct ql_rows {
    ql_vector *const *args; /* [nargs] of the kinds that the resolver gave; a constant has one slot
                               (ql_arg_mask) */
    uint32_t nargs;
    const uint16_t *sel; /* positions of the n > 0 rows, ascending; NULL = 0 .. n - 1 */
    uint16_t n;
    ql_vector *out; /* of the kind of call->expr->type: a slot to fill for each row. On entry no
                       row is NULL; one that is, after all: ql_rows_null */
} ql_rows;
/* The same as ql_fn for a whole batch; optional (QL_FUNC_VECTOR in functions.def), only for
 * functions without QL_FF_NULLS, QL_FF_NONDET and state. No row has a NULL argument. Bytes that are
 * made go to call->arena, others may be those of an argument. No warnings: what would warn, and
 * whatever is rare, goes row by row through ql_rows_scalar. Checkpoints by bytes (base/bulk.h),
 * long strings by the scalar form; the evaluator looks once a batch. QL_END before anything is
 * written: not for these arguments, the evaluator uses the scalar form. Debug builds compute both
 * and end the statement when they differ. */
typedef ql_status (*ql_fn_vec)(ql_ctx *cx, ql_call *call, const ql_rows *r);
extern const ql_fn_vec ql_fn_vectors[QL_FN_COUNT]; /* NULL = has none */

static inline uint16_t
ql_rows_at(const ql_rows *r, uint16_t k)
{
    return r->sel != NULL ? r->sel[k] : k;
}
static inline unsigned
ql_arg_mask(const ql_vector *v)
{
    return v->is_const ? 0 : 0xffffu;
}
void ql_rows_null(const ql_rows *r, uint16_t row);
/* What a row by a scalar form counts for (base/bulk.h): a look every 32 rows. */
#define QL_ROW_ALONE (QL_BULK_PIECE / 32)
/* One row by the scalar form fn. */
ql_status ql_rows_scalar(ql_ctx *cx, ql_call *call, ql_fn fn, const ql_rows *r,
                         uint16_t row) QL_MUST_USE;

/* table.c: implementation of each id, NULL = not built (1235 naming it). AND, CASE and the lazy
 * ones (IF, IFNULL, COALESCE, NULLIF) are the evaluator's own and have no entry. */
extern const ql_fn ql_fn_table[QL_FN_COUNT];

/* like.c, regexp.c: the operators LIKE (text, pattern[, escape]) and REGEXP (text, pattern):
 * out INT 0/1; NOT is the evaluator's. expr->coll is the collation in force; when the pattern
 * argument is_constant it is compiled once into call->state. */
ql_status ql_fn_like(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs,
                     ql_value *out);
/* LIKE with a constant pattern; QL_END otherwise. */
ql_status ql_fn_like_rows(ql_ctx *cx, ql_call *call, const ql_rows *r);
ql_status ql_fn_regexp(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs,
                       ql_value *out);

/* What ICU makes at the first regular expression, 2 ms, made before a statement needs it. Any
 * thread, any number of times. */
void ql_regexp_warm(void);

/* BENCHMARK(n, expr): evaluator's, for it evaluates its argument many times. */

#endif
