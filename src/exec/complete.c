/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows made complete and valid (complete.h). Expressions see the row through a batch of one row
 * whose columns are the table's; of these only the ones that some expression looks at are set.
 */
#include "exec/complete.h"

#include "base/bulk.h"
#include "resolve/tableexpr.h"
#include "types/store.h"

struct ql_completer {
    const ql_table *table;
    const ql_table_exprs *exprs;
    ql_ex **defaults, **generated, **checks;
    ql_batch row; /* slot = ordinal */
    ql_arena *row_mem;
    bool ignore;
    const char *violated; /* in row_mem */
};

static ql_status
init_batch(ql_ctx *cx, ql_completer *c)
{
    const ql_table *t = c->table;
    c->row = (ql_batch){.n = 1, .nsel = 1, .ncols = t->ncolumns};
    c->row.cols = QL_ARENA_ARRAY(cx, cx->arena, ql_vector, t->ncolumns + 1u);
    if (!c->row.cols) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        QL_TRY(ql_vector_init(cx, cx->arena, &c->row.cols[i], &t->types[i], true));
    }
    return QL_OK;
}

static ql_status
compile(ql_ctx *cx, const ql_env *env, ql_expr *const *from, uint16_t n, ql_ex ***out)
{
    *out = QL_ARENA_ARRAY(cx, cx->arena, ql_ex *, n + 1u);
    if (!*out) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(cx));
        if (from[i]) {
            QL_TRY(ql_ex_new(cx, env, from[i], &(*out)[i]));
        }
    }
    return QL_OK;
}

ql_status
ql_completer_new(ql_run *run, const ql_table *t, bool ignore, ql_arena *row_mem, ql_completer **out)
{
    ql_ctx *cx = run->cx;
    ql_table_exprs *x;
    *out = NULL;
    if (!t->has_exprs) {
        return QL_OK;
    }
    QL_TRY(ql_table_exprs_bind(cx, t, &x));
    ql_completer *c = QL_ARENA_NEW(cx, cx->arena, ql_completer);
    if (!c) {
        return QL_ERROR;
    }
    *c = (ql_completer){.table = t, .exprs = x, .row_mem = row_mem, .ignore = ignore};
    ql_env env = ql_env_single(run, cx->arena);
    env.scratch = row_mem;
    QL_TRY(init_batch(cx, c));
    QL_TRY(compile(cx, &env, x->defaults, t->ncolumns, &c->defaults));
    QL_TRY(compile(cx, &env, x->generated, t->ncolumns, &c->generated));
    QL_TRY(compile(cx, &env, x->checks, x->nchecks, &c->checks));
    *out = c;
    return QL_OK;
}

static void
show(ql_completer *c, uint16_t i, const ql_value *v)
{
    if (c->exprs->used[i]) {
        c->row.cols[i].has_nulls = false;
        ql_vector_set(&c->row.cols[i], 0, v);
    }
}

static void
show_all(ql_completer *c, const ql_value *row)
{
    for (uint16_t i = 0; i < c->table->ncolumns; i++) {
        show(c, i, &row[i]);
    }
}

static ql_status
compute(ql_ctx *cx, ql_completer *c, uint16_t i, ql_ex *x, ql_value *row, uint64_t row_no)
{
    const ql_column *col = &c->table->columns[i];
    bool strict = cx->vars->strict && !c->ignore;
    ql_value v;
    QL_TRY(ql_ex_one(cx, x, &c->row, 0, &v));
    QL_TRY(ql_time_to_moment(cx, ql_stored_as(&col->type), &v));
    QL_TRY(ql_value_store_as(cx, c->row_mem, &v, &col->type,
                             ql_column_label(cx, c->row_mem, c->table, i), row_no,
                             ql_store_mode(cx, strict), &row[i]));
    show(c, i, &row[i]);
    return QL_OK;
}

/* In order, for a default may look at what is computed before it. */
static ql_status
fill_defaults(ql_ctx *cx, ql_completer *c, ql_value *row, const bool *given, uint64_t row_no)
{
    for (uint16_t i = 0; i < c->table->ncolumns; i++) {
        QL_TRY(ql_bulk_node(cx));
        if (c->generated[i]) {
            QL_TRY(compute(cx, c, i, c->generated[i], row, row_no));
        } else if (c->defaults[i] && !given[i]) {
            QL_TRY(compute(cx, c, i, c->defaults[i], row, row_no));
        }
    }
    return QL_OK;
}

static ql_status
fill_generated(ql_ctx *cx, ql_completer *c, ql_value *row, uint64_t row_no)
{
    for (uint16_t i = 0; i < c->table->ncolumns; i++) {
        QL_TRY(ql_bulk_node(cx));
        if (c->generated[i]) {
            QL_TRY(compute(cx, c, i, c->generated[i], row, row_no));
        }
    }
    return QL_OK;
}

/* Is a value missing that an expression gives? */
static bool
wants_defaults(const ql_completer *c, const bool *given)
{
    for (uint16_t i = 0; given && c->exprs->has_defaults && i < c->table->ncolumns; i++) {
        if (c->defaults[i] && !given[i]) {
            return true;
        }
    }
    return false;
}

ql_status
ql_complete_defaults(ql_ctx *cx, ql_completer *c, ql_value *row, const bool *given, uint64_t row_no)
{
    if (!c || !wants_defaults(c, given)) {
        return QL_OK;
    }
    show_all(c, row);
    return fill_defaults(cx, c, row, given, row_no);
}

static ql_status
look_at_checks(ql_ctx *cx, ql_completer *c, bool *keep)
{
    for (uint16_t i = 0; i < c->exprs->nchecks; i++) {
        ql_value v;
        bool holds = true;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_ex_one(cx, c->checks[i], &c->row, 0, &v));
        if (v.kind != QL_K_NULL) {
            QL_TRY(ql_value_to_bool(cx, &v, &holds));
        }
        if (holds) {
            continue;
        }
        const char *name = ql_zstr_in(cx, c->row_mem, c->exprs->check_of[i]->name);
        if (!c->ignore) {
            return ql_fail(cx, QL_ER_CHECK_CONSTRAINT_VIOLATED, name);
        }
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_CHECK_CONSTRAINT_VIOLATED, name);
        c->violated = name;
        *keep = false;
        return QL_OK;
    }
    return QL_OK;
}

const char *
ql_completer_violated(const ql_completer *c)
{
    return c->violated;
}

ql_status
ql_complete_row(ql_ctx *cx, ql_completer *c, ql_value *row, const bool *given, uint64_t row_no,
                bool *keep)
{
    *keep = true;
    if (!c) {
        return QL_OK;
    }
    show_all(c, row);
    if (wants_defaults(c, given)) {
        QL_TRY(fill_defaults(cx, c, row, given, row_no));
    }
    if (c->exprs->has_generated) {
        QL_TRY(fill_generated(cx, c, row, row_no));
    }
    return look_at_checks(cx, c, keep);
}
