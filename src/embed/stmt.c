/* SPDX-License-Identifier: Apache-2.0
 *
 * Prepared statements: preparing, parameters, steps. A step runs the statement to its end and keeps
 * its rows (rows.c).
 */
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "embed/embed_int.h"

static void
forget(ql_prepared *ps)
{
    ql_stmt *st = ps->kept;
    st->ps = NULL;
}

static ql_status
take_columns(ql_ctx *cx, void *arg, const ql_result_column *cols, uint16_t n)
{
    ql_stmt *st = arg;
    ql_arena_reset(st->names);
    st->ncols = 0;
    st->cols = QL_ARENA_ARRAY(cx, st->names, qli_column, (size_t)n + 1);
    if (st->cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        ql_str name = cols[i].name;
        st->cols[i].field = cols[i].type.field;
        st->cols[i].name = ql_arena_strndup(cx, st->names, name.n != 0 ? name.p : "", name.n);
        if (st->cols[i].name == NULL) {
            return QL_ERROR;
        }
    }
    st->ncols = n;
    return QL_OK;
}

typedef struct preparing {
    ql_stmt *st;
    ql_str text;
} preparing;

static ql_status
prepare(ql_session *s, void *arg, ql_outcome *out)
{
    preparing *p = arg;
    ql_stmt *st = p->st;
    ql_result_column *cols = NULL;
    uint16_t n = 0;
    (void)out;
    QL_TRY(ql_session_prepare(s, p->text, &st->ps, &cols, &n));
    st->ps->kept = st;
    st->ps->forget = forget;
    st->nparams = st->ps->nparams;
    st->params = ql_mem_zalloc((st->nparams + 1) * sizeof *st->params);
    if (st->params == NULL) {
        return ql_fail_oom(&s->cx, 0);
    }
    for (unsigned i = 0; i < st->nparams; i++) {
        st->params[i].v = ql_value_null();
    }
    return take_columns(&s->cx, st, cols, n);
}

static void
free_memory(ql_stmt *st)
{
    for (unsigned i = 0; i < st->nparams && st->params != NULL; i++) {
        ql_mem_free(st->params[i].bytes);
    }
    ql_mem_free(st->params);
    qli_rows_free(&st->rows);
    ql_arena_free(st->names);
    ql_arena_free(st->texts);
    ql_mem_free(st);
}

void
qli_stmts_free(qli_embedded *e)
{
    while (e->stmts != NULL) {
        ql_stmt *st = e->stmts;
        e->stmts = st->next;
        free_memory(st);
    }
}

void
qli_stmts_release(qli_embedded *e)
{
    for (ql_stmt *st = e->stmts; st != NULL; st = st->next) {
        qli_rows_close(&e->s.cx, &st->rows);
    }
}

static void
unlink_stmt(ql_stmt *st)
{
    if (st->prev != NULL) {
        st->prev->next = st->next;
    } else {
        st->e->stmts = st->next;
    }
    if (st->next != NULL) {
        st->next->prev = st->prev;
    }
}

void
qli_stmts_sweep(qli_embedded *e)
{
    if (!atomic_load(&e->unswept)) {
        return;
    }
    atomic_store(&e->unswept, false);
    for (ql_stmt *st = e->stmts, *next; st != NULL; st = next) {
        next = st->next;
        if (atomic_load(&st->finalized)) {
            unlink_stmt(st);
            qli_rows_close(&e->s.cx, &st->rows);
            if (st->ps != NULL) {
                ql_session_prepared_free(&e->s, st->ps);
            }
            free_memory(st);
        }
    }
}

static void
link_stmt(ql_stmt *st)
{
    st->next = st->e->stmts;
    if (st->next != NULL) {
        st->next->prev = st;
    }
    st->e->stmts = st;
}

int
ql_prepare(ql_session *s, const char *sql, size_t n, ql_stmt **out)
{
    qli_embedded *e = (qli_embedded *)s;
    int result;
    *out = NULL;
    if (!qli_call_begin(e, &result)) {
        return result;
    }
    ql_stmt *st = ql_mem_zalloc(sizeof *st);
    if (st != NULL) {
        st->e = e;
        st->names = ql_arena_new("columns", NULL);
        st->texts = ql_arena_new("texts", NULL);
    }
    if (st == NULL || st->names == NULL || st->texts == NULL) {
        if (st != NULL) {
            free_memory(st);
        }
        qli_set_error(&e->error, NULL);
        e->result = QUELL_NOMEM;
        return qli_call_end(e);
    }
    preparing p = {.st = st, .text = {sql, qli_length(sql, n)}};
    s->nowhere = (ql_sink){0};
    e->sink = &s->nowhere;
    qli_call_statement(e, QL_PC_PREPARE);
    ql_count_command(&s->cx, QL_CC_stmt_prepare);
    ql_session_do(s, p.text, prepare, &p);
    if (e->result != QUELL_OK) {
        if (st->ps != NULL) {
            ql_session_prepared_free(s, st->ps);
        }
        free_memory(st);
    } else {
        link_stmt(st);
        *out = st;
    }
    return qli_call_end(e);
}

void
ql_finalize(ql_stmt *st)
{
    int result;
    if (st == NULL) {
        return;
    }
    qli_embedded *e = st->e;
    if (atomic_load(&e->state) == QLI_BUSY) { /* its function of rows, or against the rules */
        atomic_store(&st->finalized, true);
        atomic_store(&e->unswept, true);
        return;
    }
    qli_error last = e->error;
    if (!qli_call_begin(e, &result)) {
        ql_mutex_lock(&e->mu); /* the reaper may be going through the list */
        unlink_stmt(st);
        ql_mutex_unlock(&e->mu);
    } else {
        unlink_stmt(st);
        qli_rows_close(&e->s.cx, &st->rows);
        if (st->ps != NULL) {
            ql_session_prepared_free(&e->s, st->ps);
        }
        (void)qli_call_end(e);
    }
    free_memory(st);
    e->error = last;
}

ql_session *
ql_stmt_session(const ql_stmt *st)
{
    return &st->e->s;
}

/* ---- parameters ---- */

unsigned
ql_bind_count(const ql_stmt *st)
{
    return st->nparams;
}

/* The session is idle, or over: nobody reads the parameters. */
static int
set_parameter(ql_stmt *st, unsigned i, ql_value v, const void *p, size_t n)
{
    char *copy = NULL;
    if (i == 0 || i > st->nparams || st->reading) {
        return QUELL_MISUSE;
    }
    if (p != NULL) {
        copy = ql_mem_alloc(n + 1);
        if (copy == NULL) {
            return QUELL_NOMEM;
        }
        memcpy(copy, p, n);
        copy[n] = '\0';
        v.s = (ql_str){copy, n};
    }
    qli_parameter *to = &st->params[i - 1];
    ql_mem_free(to->bytes);
    *to = (qli_parameter){.v = v, .bytes = copy};
    return QUELL_OK;
}

static int
bind(ql_stmt *st, unsigned i, ql_value v, const void *p, size_t n)
{
    bool mine = qli_look_begin(st->e);
    if (!mine && atomic_load(&st->e->state) == QLI_BUSY) {
        return QUELL_MISUSE;
    }
    int result = set_parameter(st, i, v, p, n);
    if (mine) {
        qli_look_end(st->e);
    }
    return result;
}

int
ql_bind_null(ql_stmt *st, unsigned i)
{
    return bind(st, i, ql_value_null(), NULL, 0);
}

int
ql_bind_int64(ql_stmt *st, unsigned i, int64_t v)
{
    return bind(st, i, ql_value_int(v), NULL, 0);
}

int
ql_bind_uint64(ql_stmt *st, unsigned i, uint64_t v)
{
    return bind(st, i, ql_value_uint(v), NULL, 0);
}

int
ql_bind_double(ql_stmt *st, unsigned i, double v)
{
    return bind(st, i, ql_value_double(v), NULL, 0);
}

int
ql_bind_text(ql_stmt *st, unsigned i, const char *p, size_t n)
{
    if (p == NULL) {
        return ql_bind_null(st, i);
    }
    return bind(st, i, ql_value_str(QL_STR(""), NULL), p, qli_length(p, n));
}

int
ql_bind_blob(ql_stmt *st, unsigned i, const void *p, size_t n)
{
    if (p == NULL) {
        return ql_bind_null(st, i);
    }
    return bind(st, i, ql_value_str(QL_STR(""), ql_coll_binary), p, n);
}

/* ---- steps ---- */

static ql_status
give_values(ql_session *s, void *arg, ql_value **values)
{
    ql_stmt *st = arg;
    ql_ctx *cx = &s->cx;
    *values = QL_ARENA_ARRAY(cx, cx->arena, ql_value, (size_t)st->nparams + 1);
    if (*values == NULL) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < st->nparams; i++) {
        ql_value *v = &(*values)[i];
        *v = st->params[i].v;
        if (v->kind == QL_K_STRING && v->coll == NULL) {
            v->coll = s->vars.coll_connection;
        }
    }
    return QL_OK;
}

/* Run it to its end; its rows are kept. */
static void
run(qli_embedded *e, ql_stmt *st)
{
    ql_ctx *cx = &e->s.cx;
    qli_rows_close(cx, &st->rows);
    st->rows.columns = take_columns;
    st->rows.arg = st;
    qli_rows_begin(&st->rows);
    e->sink = &st->rows.sink;
    qli_call_statement(e, QL_PC_EXECUTE);
    ql_count(cx, QL_CT_QUESTIONS, 1);
    ql_count_command(cx, QL_CC_stmt_execute);
    ql_session_execute(&e->s, st->ps, true, give_values, st);
    if (e->result == QUELL_OK && qli_rows_end(cx, &st->rows) != QL_OK) {
        qli_set_error(&e->error, ql_diag_error(cx->diag));
        e->result = QUELL_ERROR;
    }
    st->reading = e->result == QUELL_OK;
}

static void
fetch(qli_embedded *e, ql_stmt *st)
{
    ql_ctx *cx = &e->s.cx;
    ql_status got = qli_rows_next(cx, &st->rows);
    if (got == QL_OK) {
        e->result = QUELL_ROW;
        return;
    }
    st->reading = false;
    qli_rows_close(cx, &st->rows);
    if (got == QL_END) {
        e->result = QUELL_DONE;
    } else {
        qli_set_error(&e->error, ql_diag_error(cx->diag));
        e->result = got == QL_KILLED ? QUELL_KILLED : QUELL_ERROR;
    }
}

int
ql_step(ql_stmt *st)
{
    qli_embedded *e = st->e;
    int result;
    bool open = qli_call_begin(e, &result);
    if (!open && result == QUELL_MISUSE) {
        return result;
    }
    st->rows.p = NULL;
    ql_arena_reset(st->texts);
    if (!open) {
        st->reading = false;
        return result;
    }
    if (!st->reading) {
        run(e, st);
    }
    if (st->reading) {
        fetch(e, st);
    }
    return qli_call_end(e);
}

void
ql_reset(ql_stmt *st)
{
    int result;
    qli_embedded *e = st->e;
    if (atomic_load(&e->state) == QLI_BUSY) {
        return;
    }
    qli_error last = e->error;
    st->rows.p = NULL;
    st->reading = false;
    ql_arena_reset(st->texts);
    if (qli_call_begin(e, &result)) {
        qli_rows_close(&e->s.cx, &st->rows);
        (void)qli_call_end(e);
    }
    e->error = last;
}
