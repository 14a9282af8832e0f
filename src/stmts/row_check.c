/* SPDX-License-Identifier: Apache-2.0
 *
 * WITH CHECK OPTION: a row that is written through a view is one that the view shows.
 */
#include "stmts/stmts_int.h"

/* Of one table of a statement. Owner: the statement's arena. */
struct qli_row_checker {
    const ql_row_check *check;
    const ql_source *source; /* of the table in `one`; NULL: slot = ordinal */
    ql_batch *one, own;      /* the row in work */
    ql_ex *cond;
};

static ql_status
init_row(ql_ctx *cx, struct qli_row_checker *c, const ql_table *t)
{
    c->own = (ql_batch){.n = 1, .nsel = 1, .ncols = t->ncolumns};
    c->own.cols = QL_ARENA_ARRAY(cx, cx->arena, ql_vector, t->ncolumns);
    if (c->own.cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        QL_TRY(ql_vector_init(cx, cx->arena, &c->own.cols[i], &t->types[i], true));
    }
    c->one = &c->own;
    return QL_OK;
}

ql_status
qli_writer_check_with(ql_ctx *cx, qli_writer *w, const ql_row_check *check, ql_block *block,
                      ql_batch *one, const ql_source *source)
{
    if (check->cond == NULL) {
        return QL_OK;
    }
    struct qli_row_checker *c = QL_ARENA_NEW(cx, cx->arena, struct qli_row_checker);
    if (c == NULL) {
        return QL_ERROR;
    }
    c->check = check;
    c->source = source;
    c->one = one;
    QL_TRY(one == NULL ? init_row(cx, c, w->table) : QL_OK);
    ql_env env = ql_block_env(block, w->row_mem);
    env.mem = cx->arena;
    env.single = true;
    QL_TRY(ql_ex_new(cx, &env, check->cond, &c->cond));
    w->checker = c;
    return QL_OK;
}

static void
load_row(const struct qli_row_checker *c, const ql_table *t, const ql_value *row)
{
    uint16_t n = c->source != NULL ? c->source->ncols : t->ncolumns;
    for (uint16_t i = 0; i < n; i++) {
        uint16_t slot = c->source != NULL ? c->source->slots[i] : i;
        c->one->cols[slot].has_nulls = false;
        ql_vector_set(&c->one->cols[slot], 0, &row[c->source != NULL ? c->source->ordinals[i] : i]);
    }
}

ql_status
qli_writer_check(ql_ctx *cx, qli_writer *w, const ql_value *row, bool *keep)
{
    struct qli_row_checker *c = w->checker;
    ql_value v;
    *keep = true;
    if (c == NULL) {
        return QL_OK;
    }
    load_row(c, w->table, row);
    QL_TRY(ql_ex_one(cx, c->cond, c->one, 0, &v));
    if (v.kind != QL_K_NULL) {
        QL_TRY(ql_value_to_bool(cx, &v, keep));
    } else {
        *keep = false;
    }
    if (*keep) {
        return QL_OK;
    }
    ql_status st = ql_fail(cx, QL_ER_VIEW_CHECK_FAILED, ql_cstr(cx, c->check->db),
                           ql_cstr(cx, c->check->name));
    return w->ignore ? qli_error_to_warning(cx, st) : st;
}
