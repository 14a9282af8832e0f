/* SPDX-License-Identifier: Apache-2.0
 *
 * What INSERT, UPDATE and DELETE share: values into columns, rows compared, IGNORE. All
 * writes go into the running statement's layer through table/write; undoing them is the session's
 * business and costs nothing.
 */
#include <stdio.h>
#include <string.h>

#include "stmts/stmts_int.h"
#include "types/store.h"

ql_status
qli_writer_init(ql_run *run, qli_writer *w, ql_table *t, bool ignore)
{
    *w = (qli_writer){.run = run, .table = t, .ignore = ignore};
    w->strict = run->cx->vars->strict && !ignore;
    run->dml_table = t;
    QL_TRY(ql_run_arena(run, "row", &w->row_mem));
    return ql_completer_new(run, t, ignore, w->row_mem, &w->completer);
}

#define ROW_MEM_LIMIT (256 * 1024)

ql_status
qli_writer_next(ql_ctx *cx, qli_writer *w)
{
    w->row_no++;
    if (ql_arena_used(w->row_mem) > ROW_MEM_LIMIT) {
        ql_arena_reset(w->row_mem);
    }
    QL_TRY(ql_table_next_row(cx, w->table));
    return ql_check(cx);
}

bool
qli_null_is_now(const ql_ctx *cx, const ql_column *c)
{
    return c->type.kind == QL_K_TIMESTAMP && !c->type.nullable && c->generated.n == 0 &&
           !ql_vars_u64(cx->vars, QL_SV_EXPLICIT_DEFAULTS_FOR_TIMESTAMP);
}

ql_status
qli_writer_store(ql_ctx *cx, qli_writer *w, uint16_t column, const ql_value *v, ql_value *out)
{
    const ql_column *c = &w->table->columns[column];
    ql_value from = *v;
    if (from.kind == QL_K_NULL && qli_null_is_now(cx, c)) {
        *out = ql_now_value(cx, c->type.kind, c->type.decimals);
        return QL_OK;
    }
    QL_TRY(ql_time_to_moment(cx, ql_stored_as(&c->type), &from));
    return ql_value_store_as(cx, w->row_mem, &from, &c->type,
                             ql_column_label(cx, w->row_mem, w->table, column), w->row_no,
                             ql_store_mode(cx, w->strict), out);
}

ql_status
qli_writer_complete(ql_ctx *cx, qli_writer *w, ql_value *row, const bool *given, bool *keep)
{
    QL_TRY(ql_complete_row(cx, w->completer, row, given, w->row_no, keep));
    return *keep ? qli_writer_check(cx, w, row, keep) : QL_OK;
}

/* Columns that change though nobody gives them a value. */
static void
add_made(const ql_table *t, bool *changing)
{
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        changing[i] = changing[i] || t->columns[i].on_update_now || t->columns[i].generated.n > 0;
    }
}

ql_status
qli_writer_guard(ql_ctx *cx, qli_writer *w, unsigned what, const bool *changing)
{
    bool *all = NULL;
    if (changing != NULL) {
        all = QL_ARENA_ARRAY(cx, cx->arena, bool, w->table->ncolumns);
        if (all == NULL) {
            return QL_ERROR;
        }
        memcpy(all, changing, w->table->ncolumns);
        add_made(w->table, all);
    }
    return ql_fk_guard_new(w->run, w->table, what, all, w->ignore, &w->fk);
}

/* With IGNORE what a foreign key forbids is a warning, and the next row's turn. */
static ql_status
forbidden(ql_ctx *cx, const qli_writer *w, ql_status st, bool *keep)
{
    *keep = true;
    if (QL_LIKELY(st == QL_OK) || !w->ignore) {
        return st;
    }
    st = ql_intr_outcome(cx, st);
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL || !ql_fk_is_forbidden((int)c->number)) {
        return st;
    }
    *keep = false;
    return qli_error_to_warning(cx, st);
}

ql_status
qli_writer_insert(ql_ctx *cx, qli_writer *w, const ql_value *row, ql_lock_mode on_dup,
                  ql_write_result *result, ql_dup *dup, bool *keep)
{
    return forbidden(cx, w, ql_fk_insert(cx, w->fk, w->table, row, on_dup, result, dup), keep);
}

ql_status
qli_writer_ask_parents(ql_ctx *cx, qli_writer *w, const ql_value *row, bool *keep)
{
    return forbidden(cx, w, ql_fk_ask_parents(cx, w->fk, row), keep);
}

ql_status
qli_writer_update(ql_ctx *cx, qli_writer *w, ql_str locator, const ql_value *old,
                  const ql_value *row, ql_write_result *result, ql_dup *dup, bool *keep)
{
    return forbidden(cx, w, ql_fk_update(cx, w->fk, w->table, locator, old, row, result, dup),
                     keep);
}

ql_status
qli_writer_delete(ql_ctx *cx, qli_writer *w, ql_str locator, const ql_value *old, bool *keep)
{
    return forbidden(cx, w, ql_fk_delete(cx, w->fk, w->table, locator, old), keep);
}

const char *
ql_zstr_in(ql_ctx *cx, ql_arena *a, ql_str s)
{
    /* Names in definitions end with a NUL (ql_arena_strndup); others are copied. */
    if (s.p != NULL && s.p[s.n] == '\0') {
        return s.p;
    }
    const char *p = ql_arena_strndup(cx, a, s.p != NULL ? s.p : "", s.n);
    return p != NULL ? p : "";
}

const char *
ql_column_label(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column)
{
    const ql_column *c = &t->columns[column];
    if (c->type.kind != QL_K_JSON) {
        return ql_zstr_in(cx, a, c->name);
    }
    return ql_arena_printf(cx, a, "%.*s.%.*s", (int)t->name.n, t->name.p, (int)c->name.n, c->name.p)
               ?: "";
}

ql_status
qli_rows_identical(ql_ctx *cx, const ql_value *a, const ql_value *b, uint16_t n, bool *same)
{
    *same = true;
    for (uint16_t i = 0; i < n && *same; i++) {
        QL_TRY(ql_value_identical(cx, &a[i], &b[i], same));
    }
    return QL_OK;
}

ql_status
qli_error_to_warning(ql_ctx *cx, ql_status st)
{
    char text[512];
    st = ql_intr_outcome(cx, st);
    if (st != QL_ERROR) {
        return st;
    }
    const ql_condition *c = ql_diag_error(cx->diag);
    if (c == NULL) {
        return QL_OK;
    }
    uint16_t number = c->number;
    snprintf(text, sizeof text, "%s", c->text);
    ql_diag_clear_error(cx->diag);
    ql_warn_text(cx, QL_DIAG_WARNING, (ql_errcode)number, "%s", text);
    return QL_OK;
}

ql_status
qli_autoinc_changed(ql_ctx *cx, ql_table *t, const ql_value *old, const ql_value *changed)
{
    if (t->auto_column < 0) {
        return QL_OK;
    }
    const ql_value *v = &changed[t->auto_column];
    if (v->kind != QL_K_INT || v->i == old[t->auto_column].i || (v->i < 0 && !v->is_unsigned)) {
        return QL_OK;
    }
    ql_autoinc_seen(cx, t, v->u);
    return QL_OK;
}
