/* SPDX-License-Identifier: Apache-2.0
 *
 * INSERT and REPLACE: rows from VALUES or from a query, and what is told of them.
 */
#include <stdio.h>

#include "stmts/inserter_int.h"

/* Expressions of VALUES are compiled row by row; their memory is given back every so often. */
#define VALUES_MEM_LIMIT (1024 * 1024)

static void
free_states(ql_call **calls)
{
    for (ql_call *c = *calls; c != NULL; c = c->next) {
        c->state_free(c->state);
    }
    *calls = NULL;
}

/* Before any value is given a column has its default. */
static void
start_row(ql_ctx *cx, qli_inserter *in)
{
    const ql_table *t = in->ins->table;
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        ql_value v = ql_known_default(cx, &t->columns[i]);
        qli_batch_set(&in->so_far, i, &v);
    }
}

/* The column as the values behind it see it: what was given for AUTO_INCREMENT, not what is made.
 */
static void
show_column(qli_inserter *in, uint16_t i)
{
    uint16_t column = in->ins->columns[i];
    bool made = in->ins->table->columns[column].auto_increment && in->generated != 0;
    ql_value zero = ql_value_int(0);
    qli_batch_set(&in->so_far, column, made ? &zero : &in->row[column]);
}

static ql_status
compute_row(ql_ctx *cx, qli_inserter *in, const ql_env *env, ql_expr *const *row)
{
    const ql_batch *batch = in->ins->reads_row ? &in->so_far : &ql_one_row;
    if (in->ins->reads_row) {
        start_row(cx, in);
    }
    for (uint16_t i = 0; i < in->ins->ncolumns; i++) {
        ql_ex *x;
        ql_vector *v;
        uint16_t column = in->ins->columns[i];
        in->by_default[column] =
            row[i]->kind == QL_E_DEFAULT && ql_column_is_computed(&in->ins->table->columns[column]);
        if (row[i]->kind == QL_E_CONST) {
            in->given[i] = row[i]->value;
        } else if (!in->by_default[column]) {
            QL_TRY(ql_ex_new(cx, env, row[i], &x));
            QL_TRY(ql_ex_eval(cx, x, batch, NULL, 1, &v));
            ql_vector_get(v, 0, &in->given[i]);
        }
        if (in->ins->reads_row) {
            QL_TRY(qli_inserter_store(cx, in, i));
            show_column(in, i);
        }
    }
    return QL_OK;
}

static ql_status
insert_values(ql_ctx *cx, qli_inserter *in)
{
    ql_arena *mem;
    ql_call *calls = NULL;
    ql_status st = QL_OK;
    QL_TRY(ql_run_arena(in->run, "values", &mem));
    ql_env env = ql_env_single(in->run, mem);
    env.calls = &calls;
    for (uint32_t r = 0; st == QL_OK && r < in->ins->nrows; r++) {
        QL_TRY_TO(st, qli_writer_next(cx, &in->w), out);
        QL_TRY_TO(st, compute_row(cx, in, &env, in->ins->rows[r]), out);
        QL_TRY_TO(st, qli_inserter_row(cx, in), out);
        if (ql_arena_used(mem) > VALUES_MEM_LIMIT) {
            free_states(&calls);
            ql_arena_reset(mem);
        }
    }
out:
    free_states(&calls);
    return st;
}

static ql_status
insert_select(ql_ctx *cx, qli_inserter *in)
{
    ql_block *block;
    ql_batch *b;
    ql_status st;
    QL_TRY(ql_block_new(in->run, NULL, in->ins->select, NULL, NULL, &block));
    block->exact = true;
    while ((st = ql_block_next(cx, block, &b)) == QL_OK) {
        for (uint16_t k = 0; k < b->nsel; k++) {
            QL_TRY(qli_writer_next(cx, &in->w));
            for (uint16_t i = 0; i < in->ins->ncolumns; i++) {
                ql_vector_get(&b->cols[i], ql_batch_row(b, k), &in->given[i]);
            }
            for (uint16_t i = in->ins->ncolumns; i < in->ins->select->nitems; i++) {
                ql_vector_get(&b->cols[i], ql_batch_row(b, k),
                              &in->row[in->ins->table->ncolumns + i - in->ins->ncolumns]);
            }
            QL_TRY(qli_inserter_row(cx, in));
        }
    }
    if (st == QL_END && cx->vars != NULL) {
        cx->vars->found_rows = in->w.row_no + in->run->passed_over;
    }
    return st == QL_END ? QL_OK : st;
}

/* Duplicates of the message: rows in the way that were changed or removed, or the new ones that
 * IGNORE left out. */
static uint64_t
duplicates(const qli_inserter *in)
{
    const qli_writer *w = &in->w;
    return w->ignore ? w->row_no - w->inserted - w->changed : w->deleted + w->changed;
}

static void
report(ql_ctx *cx, qli_inserter *in)
{
    qli_writer *w = &in->w;
    ql_outcome *out = in->run->out;
    bool found_rows = in->run->ops != NULL && in->run->ops->client_found_rows != NULL &&
                      in->run->ops->client_found_rows(cx);
    out->affected_rows = w->inserted + w->deleted + 2 * w->changed + (found_rows ? w->matched : 0);
    out->last_insert_id = qli_insert_id(cx, w);
    if (w->first_generated != 0) {
        cx->vars->last_insert_id = w->first_generated;
    }
    if (!in->single) {
        snprintf(out->info, sizeof out->info, "Records: %llu  Duplicates: %llu  Warnings: %llu",
                 (unsigned long long)w->row_no, (unsigned long long)duplicates(in),
                 (unsigned long long)ql_diag_warning_count(cx->diag));
    }
}

ql_status
qli_insert_query(ql_ctx *cx, ql_run *run, const ql_rinsert *ins, ql_build *build)
{
    qli_inserter in;
    QL_TRY(qli_inserter_init(cx, run, ins, &in));
    in.build = build;
    QL_TRY(insert_select(cx, &in));
    QL_TRY(build != NULL ? ql_build_finish(cx, build) : QL_OK);
    QL_TRY(ql_check(cx));
    report(cx, &in);
    return QL_OK;
}

ql_status
qli_exec_insert(ql_ctx *cx, ql_run *run)
{
    qli_inserter in;
    if (run->stmt->insert->table->is_virtual) {
        return ql_fail(cx, QL_ER_NON_INSERTABLE_TABLE, ql_cstr(cx, run->stmt->insert->table->name),
                       "INSERT");
    }
    cx->vars->last_insert_id_given = false;
    QL_TRY(qli_inserter_init(cx, run, run->stmt->insert, &in));
    ql_status st = in.ins->select != NULL ? insert_select(cx, &in) : insert_values(cx, &in);
    if (st == QL_OK) {
        st = ql_check(cx);
    }
    if (st != QL_OK) {
        if (in.w.first_generated != 0 && !ql_table_is_transactional(in.ins->table)) {
            cx->vars->last_insert_id = in.w.first_generated; /* its row stays */
        }
        return st;
    }
    report(cx, &in);
    return QL_OK;
}
