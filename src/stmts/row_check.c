/* SPDX-License-Identifier: Apache-2.0
 *
 * WITH CHECK OPTION: a row that is written through a view is one that the view shows.
 */
#include "stmts/stmts_int.h"

/* Of one table of a statement. Owner: the statement's arena. */
struct qli_row_checker {
    const ql_row_checks *checks;
    ql_batch one; /* the row in work, slot = ordinal */
    ql_ex **conds;
};

ql_status
qli_writer_check_with(ql_ctx *cx, qli_writer *w, const ql_row_checks *checks)
{
    const ql_table *t = w->table;
    if (checks->n == 0) {
        return QL_OK;
    }
    struct qli_row_checker *c = QL_ARENA_NEW(cx, cx->arena, struct qli_row_checker);
    if (c == NULL) {
        return QL_ERROR;
    }
    c->checks = checks;
    c->conds = QL_ARENA_ARRAY(cx, cx->arena, ql_ex *, checks->n);
    c->one = (ql_batch){.n = 1, .nsel = 1, .ncols = t->ncolumns};
    c->one.cols = QL_ARENA_ARRAY(cx, cx->arena, ql_vector, t->ncolumns);
    if (c->conds == NULL || c->one.cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        QL_TRY(ql_vector_init(cx, cx->arena, &c->one.cols[i], &t->types[i], true));
    }
    ql_env env = ql_env_single(w->run, cx->arena);
    env.scratch = w->row_mem;
    for (uint16_t i = 0; i < checks->n; i++) {
        QL_TRY(ql_ex_new(cx, &env, checks->v[i].cond, &c->conds[i]));
    }
    w->checker = c;
    return QL_OK;
}

ql_status
qli_writer_check(ql_ctx *cx, qli_writer *w, const ql_value *row, bool *keep)
{
    struct qli_row_checker *c = w->checker;
    *keep = true;
    if (c == NULL) {
        return QL_OK;
    }
    for (uint16_t i = 0; i < w->table->ncolumns; i++) {
        c->one.cols[i].has_nulls = false;
        ql_vector_set(&c->one.cols[i], 0, &row[i]);
    }
    for (uint16_t i = 0; i < c->checks->n && *keep; i++) {
        ql_value v;
        bool shown = false;
        QL_TRY(ql_ex_one(cx, c->conds[i], &c->one, 0, &v));
        QL_TRY(v.kind == QL_K_NULL ? QL_OK : ql_value_to_bool(cx, &v, &shown));
        if (shown) {
            continue;
        }
        const ql_row_check *k = &c->checks->v[i];
        ql_status st =
            ql_fail(cx, QL_ER_VIEW_CHECK_FAILED, ql_cstr(cx, k->db), ql_cstr(cx, k->name));
        *keep = false;
        QL_TRY(w->ignore ? qli_error_to_warning(cx, st) : st);
    }
    return QL_OK;
}
