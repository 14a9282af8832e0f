/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: compiled from ql_expr into a tree of evaluators, each of which fills a vector for
 * the selected rows of a batch. Here: the compiler, leaves, conditional
 * expressions. Branches not taken are not evaluated (SLEEP in an ELSE does not sleep). Calls are in
 * eval_call.c, operators in eval_arith.c, eval_cmp.c, eval_logic.c, eval_in.c; subqueries in
 * eval_query.c.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/exec_int.h"

const ql_batch ql_one_row = {.n = 1, .nsel = 1};

static ql_status
eval_own(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    (void)cx;
    (void)in;
    (void)sel;
    (void)n;
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_slot(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    (void)cx;
    (void)sel;
    (void)n;
    *out = &in->cols[x->e->index];
    return QL_OK;
}

ql_status
qli_ex_ready(ql_ctx *cx, ql_ex *x)
{
    if (!x->ready) {
        QL_TRY(ql_vector_init(cx, x->env.mem, &x->own, &x->e->type, x->env.single));
        x->ready = true;
    }
    x->own.is_const = false;
    x->own.has_nulls = false;
    return QL_OK;
}

ql_status
qli_ex_null(ql_ctx *cx, ql_ex *x, ql_vector **out)
{
    QL_TRY(qli_ex_ready(cx, x));
    x->own.is_const = true;
    x->own.has_nulls = true;
    x->own.nulls[0] = 1;
    *out = &x->own;
    return QL_OK;
}

ql_status
qli_ex_store(ql_ctx *cx, ql_ex *x, uint16_t row, ql_value *v)
{
    if (v->kind != QL_K_NULL && v->kind != x->own.type.kind) {
        ql_value cast;
        QL_TRY(ql_value_cast(cx, x->env.scratch, v, &x->e->type, &cast));
        ql_vector_set(&x->own, row, &cast);
        return QL_OK;
    }
    ql_vector_set(&x->own, row, v);
    return QL_OK;
}

ql_status
qli_ex_selections(ql_ctx *cx, ql_ex *x, uint16_t **first, uint16_t **second)
{
    size_t cap = x->env.single ? 1 : QL_BATCH_ROWS;
    if (x->sel == NULL) {
        x->sel = ql_arena_alloc(cx, x->env.mem, 2 * cap * sizeof *x->sel);
        if (x->sel == NULL) {
            return QL_ERROR;
        }
    }
    *first = x->sel;
    *second = x->sel + cap;
    return QL_OK;
}

/* Copy into x's results; kinds may differ when a branch has another kind than the whole. */
static ql_status
store_cell(ql_ctx *cx, ql_ex *x, uint16_t at, const ql_vector *src)
{
    if (src->type.kind == x->own.type.kind || src->type.kind == QL_K_NULL) {
        ql_vector_copy_cell(&x->own, at, src, at);
        if (x->own.type.kind == QL_K_DECIMAL && !x->own.nulls[at] &&
            x->own.dec[at].scale < x->own.type.decimals) {
            ql_decimal_settle(&x->own.dec[at], &x->own.type);
        }
        return QL_OK;
    }
    ql_value v;
    ql_vector_get(src, at, &v);
    return qli_ex_store(cx, x, at, &v);
}

/* Branches of one kind are copied slot by slot; DECIMALs have their scale to settle. */
static bool
copies_slots(const ql_ex *x, const ql_vector *v)
{
    return v->type.kind == x->own.type.kind && v->type.kind != QL_K_NULL &&
           ql_kind_slot(v->type.kind) != QL_SLOT_DECIMAL;
}

#define COPY_SLOTS(member)                                                                         \
    for (uint16_t k = 0; k < n; k++) {                                                             \
        dst->member[sel[k]] = src->member[src->is_const ? 0 : sel[k]];                             \
    }

static void
copy_slots(ql_vector *dst, const ql_vector *src, const uint16_t *sel, uint16_t n)
{
    if (ql_kind_slot(src->type.kind) == QL_SLOT_STRING) {
        COPY_SLOTS(s)
    } else {
        COPY_SLOTS(i)
    }
    for (uint16_t k = 0; k < n; k++) {
        uint8_t null = src->has_nulls ? src->nulls[src->is_const ? 0 : sel[k]] : 0;
        dst->nulls[sel[k]] = null;
        dst->has_nulls |= null != 0;
    }
}

static uint16_t
selection_fill(uint16_t *to, const uint16_t *sel, uint16_t n)
{
    for (uint16_t k = 0; k < n; k++) {
        to[k] = sel != NULL ? sel[k] : k;
    }
    return n;
}

/* A constant node is computed at its first use and kept. */
static ql_status
eval_constant(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
              ql_vector **out)
{
    ql_vector *r;
    ql_value v;
    (void)in;
    (void)sel;
    (void)n;
    if (!x->cached) {
        QL_TRY(x->inner(cx, x, &ql_one_row, NULL, 1, &r));
        ql_vector_get(r, 0, &v);
        QL_TRY(ql_value_keep(cx, x->env.mem, &v));
        QL_TRY(qli_ex_ready(cx, x));
        QL_TRY(qli_ex_store(cx, x, 0, &v));
        x->own.is_const = true;
        x->cached = true;
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_outer(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
           ql_vector **out)
{
    ql_block *b = x->env.block;
    ql_value v;
    (void)in;
    (void)sel;
    (void)n;
    for (uint32_t d = 0; d < x->e->depth && b != NULL; d++) {
        b = b->outer;
    }
    if (b == NULL || b->cur == NULL) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Outer reference without a row");
    }
    ql_vector_get(&b->cur->cols[x->e->index], b->cur_row, &v);
    QL_TRY(qli_ex_ready(cx, x));
    QL_TRY(qli_ex_store(cx, x, 0, &v));
    x->own.is_const = true;
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_coalesce(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
              ql_vector **out)
{
    uint16_t *rest, *unused;
    QL_TRY(qli_ex_selections(cx, x, &rest, &unused));
    QL_TRY(qli_ex_ready(cx, x));
    uint16_t nrest = selection_fill(rest, sel, n);
    for (uint32_t i = 0; i < x->nargs && nrest > 0; i++) {
        ql_vector *v;
        uint16_t left = 0;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_ex_eval(cx, x->args[i], in, rest, nrest, &v));
        if (!v->has_nulls && copies_slots(x, v)) {
            copy_slots(&x->own, v, rest, nrest);
            nrest = 0;
            break;
        }
        for (uint16_t k = 0; k < nrest; k++) {
            if (ql_vector_null_at(v, rest[k])) {
                rest[left++] = rest[k];
            } else {
                QL_TRY(store_cell(cx, x, rest[k], v));
            }
        }
        nrest = left;
    }
    ql_value null = ql_value_null();
    for (uint16_t k = 0; k < nrest; k++) {
        ql_vector_set(&x->own, rest[k], &null);
    }
    *out = &x->own;
    return QL_OK;
}

/* Rows of sel for which the condition holds go to yes, the others stay in sel. */
static void
split_true(const ql_vector *cond, uint16_t *sel, uint16_t *n, uint16_t *yes, uint16_t *nyes)
{
    uint16_t left = 0, y = 0;
    for (uint16_t k = 0; k < *n; k++) {
        uint16_t row = sel[k];
        if (!ql_vector_null_at(cond, row) && cond->i[cond->is_const ? 0 : row] != 0) {
            yes[y++] = row;
        } else {
            sel[left++] = row;
        }
    }
    *n = left;
    *nyes = y;
}

static ql_status
eval_branch(ql_ctx *cx, ql_ex *x, ql_ex *branch, const ql_batch *in, const uint16_t *sel,
            uint16_t n)
{
    ql_vector *v;
    if (n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_ex_eval(cx, branch, in, sel, n, &v));
    if (copies_slots(x, v)) {
        copy_slots(&x->own, v, sel, n);
        return QL_OK;
    }
    for (uint16_t k = 0; k < n; k++) {
        QL_TRY(store_cell(cx, x, sel[k], v));
    }
    return QL_OK;
}

static ql_status
eval_case(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
          ql_vector **out)
{
    uint16_t *rest, *yes, nyes;
    uint32_t i;
    QL_TRY(qli_ex_selections(cx, x, &rest, &yes));
    QL_TRY(qli_ex_ready(cx, x));
    uint16_t nrest = selection_fill(rest, sel, n);
    for (i = 0; i + 1 < x->nargs && nrest > 0; i += 2) {
        ql_vector *cond;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_ex_eval(cx, x->args[i], in, rest, nrest, &cond));
        split_true(cond, rest, &nrest, yes, &nyes);
        QL_TRY(eval_branch(cx, x, x->args[i + 1], in, yes, nyes));
    }
    if (x->nargs % 2 == 1) {
        QL_TRY(eval_branch(cx, x, x->args[x->nargs - 1], in, rest, nrest));
    } else {
        ql_value null = ql_value_null();
        for (uint16_t k = 0; k < nrest; k++) {
            ql_vector_set(&x->own, rest[k], &null);
        }
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_elt(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, ql_vector **out)
{
    uint16_t *rest, *yes;
    ql_vector *number;
    ql_value null = ql_value_null();
    QL_TRY(qli_ex_selections(cx, x, &rest, &yes));
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &number));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        ql_vector_set(&x->own, sel != NULL ? sel[k] : k, &null);
    }
    for (uint32_t i = 1; i < x->nargs; i++) {
        uint16_t nyes = 0;
        QL_TRY(ql_bulk_count(cx, QL_BULK_NODE + (size_t)n));
        for (uint16_t k = 0; k < n; k++) {
            uint16_t row = sel != NULL ? sel[k] : k;
            if (!ql_vector_null_at(number, row) && number->i[number->is_const ? 0 : row] == i) {
                yes[nyes++] = row;
            }
        }
        QL_TRY(eval_branch(cx, x, x->args[i], in, yes, nyes));
    }
    *out = &x->own;
    return QL_OK;
}

/* BENCHMARK(n, expr): the argument has a scratch arena of its own and no cached constants. */
static ql_status
eval_benchmark(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
               ql_vector **out)
{
    ql_vector *count, *r;
    ql_arena *scratch = x->args[1]->env.scratch;
    QL_TRY(ql_ex_eval(cx, x->args[0], in, sel, n, &count));
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value v;
        ql_vector_get(count, row, &v);
        if (v.kind == QL_K_NULL || (!v.is_unsigned && v.i < 0)) {
            v = ql_value_null();
            ql_vector_set(&x->own, row, &v);
            continue;
        }
        for (uint64_t i = 0; i < v.u; i++) {
            QL_TRY(ql_check(cx));
            QL_TRY(ql_ex_eval(cx, x->args[1], in, &row, 1, &r));
            if (ql_arena_used(scratch) > 256 * 1024) {
                ql_arena_reset(scratch);
            }
        }
        v = ql_value_int(0);
        ql_vector_set(&x->own, row, &v);
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_uservar(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    ql_value v;
    (void)in;
    (void)sel;
    (void)n;
    ql_uservar_get(cx, x->e->name, &v);
    QL_TRY(ql_value_keep(cx, x->env.scratch, &v));
    QL_TRY(qli_ex_ready(cx, x));
    QL_TRY(qli_ex_store(cx, x, 0, &v));
    x->own.is_const = true;
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_assign(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    QL_TRY(qli_ex_ready(cx, x));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value v;
        QL_TRY(ql_ex_one(cx, x->args[0], in, row, &v));
        QL_TRY(ql_uservar_set(cx, x->e->name, &v));
        QL_TRY(qli_ex_store(cx, x, row, &v));
    }
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_sysvar(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    ql_value v;
    (void)in;
    (void)sel;
    (void)n;
    QL_TRY(ql_sysvar_get(cx, (ql_sysvar_id)x->e->index, x->e->global, &v));
    QL_TRY(qli_ex_ready(cx, x));
    QL_TRY(qli_ex_store(cx, x, 0, &v));
    x->own.is_const = true;
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_default(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    ql_value v;
    (void)in;
    (void)sel;
    (void)n;
    QL_TRY(ql_column_default(cx, x->env.scratch, x->env.run->dml_table, (uint16_t)x->e->index, true,
                             &v));
    QL_TRY(qli_ex_ready(cx, x));
    QL_TRY(qli_ex_store(cx, x, 0, &v));
    x->own.is_const = true;
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_insert_value(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                  ql_vector **out)
{
    ql_value v = ql_value_null();
    (void)in;
    (void)sel;
    (void)n;
    if (x->env.run->insert_row != NULL) {
        v = x->env.run->insert_row[x->e->index];
    }
    QL_TRY(qli_ex_ready(cx, x));
    QL_TRY(qli_ex_store(cx, x, 0, &v));
    x->own.is_const = true;
    *out = &x->own;
    return QL_OK;
}

static ql_status
eval_row_alone(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
               ql_vector **out)
{
    (void)x;
    (void)in;
    (void)sel;
    (void)n;
    (void)out;
    return ql_fail(cx, QL_ER_OPERAND_COLUMNS, 1);
}

static ql_status
compile_const(ql_ctx *cx, ql_ex *x)
{
    QL_TRY(ql_vector_init(cx, x->env.mem, &x->own, &x->e->type, true));
    x->ready = true;
    ql_value v = x->e->value;
    QL_TRY(qli_ex_store(cx, x, 0, &v));
    x->eval = eval_own;
    return QL_OK;
}

static ql_status
compile_benchmark(ql_ctx *cx, ql_ex *x)
{
    ql_env env = x->env;
    QL_TRY(ql_run_arena(env.run, "benchmark", &env.scratch));
    env.no_cache = true;
    x->eval = eval_benchmark;
    return ql_ex_new(cx, &env, x->e->args[1], &x->args[1]);
}

static ql_status
compile_func(ql_ctx *cx, ql_ex *x)
{
    switch (x->e->fn) {
    case QL_FN_COALESCE:
        x->eval = eval_coalesce;
        return QL_OK;
    case QL_FN_ELT:
        x->eval = eval_elt;
        return QL_OK;
    case QL_FN_BENCHMARK:
        return compile_benchmark(cx, x);
    default:
        break;
    }
    if (ql_fn_table[x->e->fn] == NULL) {
        return ql_not_built(cx, ql_func_name(x->e->fn));
    }
    return qli_call_compile(cx, x);
}

static ql_status
compile_op(ql_ctx *cx, ql_ex *x)
{
    ql_op op = x->e->op;
    switch (op) {
    case QL_OP_LIKE:
    case QL_OP_NOT_LIKE:
    case QL_OP_REGEXP:
    case QL_OP_NOT_REGEXP:
        return qli_call_compile(cx, x);
    case QL_OP_IN:
    case QL_OP_NOT_IN:
        return qli_in_compile(cx, x);
    default:
        break;
    }
    if (op >= QL_OP_ADD && op <= QL_OP_BITNOT) {
        return qli_arith_compile(cx, x);
    }
    if ((op >= QL_OP_EQ && op <= QL_OP_GE) || op == QL_OP_BETWEEN || op == QL_OP_NOT_BETWEEN) {
        return qli_cmp_compile(cx, x);
    }
    return qli_logic_compile(cx, x);
}

static ql_status
compile_kind(ql_ctx *cx, ql_ex *x)
{
    switch (x->e->kind) {
    case QL_E_CONST:
    case QL_E_PARAM:
        return compile_const(cx, x);
    case QL_E_SLOT:
        x->eval = eval_slot;
        return QL_OK;
    case QL_E_OUTER:
        x->eval = eval_outer;
        return QL_OK;
    case QL_E_OP:
        return compile_op(cx, x);
    case QL_E_FUNC:
        return compile_func(cx, x);
    case QL_E_CASE:
        x->eval = eval_case;
        return QL_OK;
    case QL_E_CAST:
        return qli_cast_compile(cx, x);
    case QL_E_USERVAR:
        x->eval = eval_uservar;
        return QL_OK;
    case QL_E_ASSIGN:
        x->eval = eval_assign;
        return QL_OK;
    case QL_E_SYSVAR:
        x->eval = eval_sysvar;
        return QL_OK;
    case QL_E_SUBQUERY:
    case QL_E_EXISTS:
    case QL_E_IN_QUERY:
        return qli_query_compile(cx, x);
    case QL_E_ROW:
        x->eval = eval_row_alone;
        return QL_OK;
    case QL_E_DEFAULT:
        x->eval = eval_default;
        return QL_OK;
    case QL_E_INSERT_VALUE:
        x->eval = eval_insert_value;
        return QL_OK;
    }
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Unknown expression");
}

/* Recursion in expressions is bounded by the stack. */
#define STACK_NEEDED (48 * 1024)

ql_status
ql_ex_new(ql_ctx *cx, const ql_env *env, const ql_expr *e, ql_ex **out)
{
    if (ql_thread_stack_left() < STACK_NEEDED) {
        return ql_fail(cx, QL_ER_STACK_OVERRUN_NEED_MORE, (long)STACK_NEEDED);
    }
    ql_ex *x = QL_ARENA_NEW(cx, env->mem, ql_ex);
    if (x == NULL) {
        return QL_ERROR;
    }
    x->e = e;
    x->env = *env;
    x->nargs = e->nargs;
    if (e->nargs > 0) {
        QL_TRY(ql_ex_list(cx, env, e->args, e->nargs, &x->args));
    }
    QL_TRY(compile_kind(cx, x));
    if (e->is_constant && x->eval != eval_own && x->eval != eval_row_alone && !env->no_cache &&
        !(e->kind == QL_E_SUBQUERY && e->query->nitems > 1)) {
        x->inner = x->eval;
        x->eval = eval_constant;
    }
    *out = x;
    return QL_OK;
}

ql_status
ql_ex_list(ql_ctx *cx, const ql_env *env, ql_expr *const *e, uint32_t n, ql_ex ***out)
{
    ql_ex **v = QL_ARENA_ARRAY(cx, env->mem, ql_ex *, n + 1);
    if (v == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_ex_new(cx, env, e[i], &v[i]));
    }
    *out = v;
    return QL_OK;
}

static bool
is_settled(const ql_vector *v, const uint16_t *sel, uint16_t n, const ql_type *t)
{
    for (uint16_t k = 0; k < (v->is_const ? 1 : n); k++) {
        uint16_t row = v->is_const ? 0 : sel != NULL ? sel[k] : k;
        if (v->dec[row].scale != t->decimals && !(v->has_nulls && v->nulls[row])) {
            return false;
        }
    }
    return true;
}

void
qli_ex_collate(ql_ex *x, ql_vector **out)
{
    const ql_type *t = &x->e->type;
    if (x->e->kind == QL_E_SLOT && t->kind == QL_K_STRING && (*out)->type.kind == QL_K_STRING &&
        (*out)->type.coll != t->coll) {
        x->own = **out;
        x->own.type = *t;
        *out = &x->own;
    }
}

ql_status
ql_ex_output(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             ql_vector **out)
{
    QL_TRY(ql_ex_eval(cx, x, in, sel, n, out));
    qli_ex_collate(x, out);
    if ((*out)->type.kind != QL_K_DECIMAL || is_settled(*out, sel, n, &x->e->type)) {
        return QL_OK;
    }
    if (*out != &x->own) { /* an aggregate's slot, which others read with all its digits */
        ql_vector *from = *out;
        QL_TRY(qli_ex_ready(cx, x));
        for (uint16_t k = 0; k < (from->is_const ? 1 : n); k++) {
            uint16_t row = from->is_const ? 0 : sel != NULL ? sel[k] : k;
            ql_vector_copy_cell(&x->own, row, from, row);
        }
        x->own.is_const = from->is_const;
        *out = &x->own;
    }
    for (uint16_t k = 0; k < ((*out)->is_const ? 1 : n); k++) {
        uint16_t row = (*out)->is_const ? 0 : sel != NULL ? sel[k] : k;
        if (!(*out)->has_nulls || !(*out)->nulls[row]) {
            ql_decimal_settle(&(*out)->dec[row], &x->e->type);
        }
    }
    return QL_OK;
}

ql_status
ql_ex_one(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, ql_value *out)
{
    ql_vector *v;
    QL_TRY(ql_ex_eval(cx, x, in, &row, 1, &v));
    ql_vector_get(v, row, out);
    return QL_OK;
}

ql_status
ql_scalar(ql_run *run, ql_arena *mem, const ql_expr *e, ql_value *out)
{
    ql_env env = ql_env_single(run, mem);
    ql_ex *x;
    if (e->kind == QL_E_CONST) {
        *out = e->value;
        return QL_OK;
    }
    ql_vector *v;
    QL_TRY(ql_ex_new(run->cx, &env, e, &x));
    QL_TRY(ql_ex_eval(run->cx, x, &ql_one_row, NULL, 1, &v));
    ql_vector_get(v, 0, out);
    return QL_OK;
}

/* Conjunctions narrow the selection step by step. */
static ql_status
filter_and(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n, uint16_t *out,
           uint16_t *nout)
{
    QL_TRY(ql_ex_filter(cx, x->args[0], in, sel, n, out, nout));
    for (uint32_t i = 1; i<x->nargs && * nout> 0; i++) {
        QL_TRY(ql_ex_filter(cx, x->args[i], in, out, *nout, out, nout));
    }
    return QL_OK;
}

ql_status
ql_ex_filter(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
             uint16_t *out, uint16_t *nout)
{
    ql_vector *v;
    uint16_t m = 0;
    if (n == 0) {
        *nout = 0;
        return QL_OK;
    }
    if (x->inner == NULL && x->e->kind == QL_E_OP) {
        if (x->e->op == QL_OP_AND) {
            return filter_and(cx, x, in, sel, n, out, nout);
        }
        ql_status st = qli_cmp_filter(cx, x, in, sel, n, out, nout);
        if (st != QL_END) {
            return st;
        }
    }
    QL_TRY(ql_ex_eval(cx, x, in, sel, n, &v));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        uint16_t at = v->is_const ? 0 : row;
        bool null = v->type.kind == QL_K_NULL || (v->has_nulls && v->nulls[at]);
        bool yes = false;
        if (!null) {
            if (ql_kind_slot(v->type.kind) == QL_SLOT_I64) {
                yes = v->i[at] != 0;
            } else {
                ql_value boxed;
                ql_vector_get(v, row, &boxed);
                QL_TRY(ql_value_to_bool(cx, &boxed, &yes));
            }
        }
        out[m] = row;
        m = (uint16_t)(m + yes);
    }
    *nout = m;
    return QL_OK;
}
