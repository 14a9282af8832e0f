/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts and prepared statements: running them, their parameters, the values of their rows.
 */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "embed/embed_int.h"

#define TWO_TO_63 9223372036854775808.0

static size_t
length_of(const char *p, size_t n)
{
    return n == QUELL_ALL ? strlen(p) : n;
}

/* ---- ql_execute ---- */

/* Rows as text for the program's function. */
typedef struct caller {
    ql_sink sink;
    qli_embedded *e;
    ql_row_function row;
    void *arg;
    uint16_t n;
    const char **names, **values; /* [n] in the statement arena */
    size_t *lengths;              /* [n]; while a row is gathered: where its values begin in text */
    ql_buf text;
} caller;

static ql_status
call_columns(ql_ctx *cx, ql_sink *sink, const ql_result_column *cols, uint16_t n)
{
    caller *c = (caller *)sink;
    c->n = n;
    sink->rows_sent = 0;
    c->names = QL_ARENA_ARRAY(cx, cx->arena, const char *, n);
    c->values = QL_ARENA_ARRAY(cx, cx->arena, const char *, n);
    c->lengths = QL_ARENA_ARRAY(cx, cx->arena, size_t, n);
    if (c->names == NULL || c->values == NULL || c->lengths == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        c->names[i] = ql_arena_strndup(cx, cx->arena, cols[i].name.n != 0 ? cols[i].name.p : "",
                                       cols[i].name.n);
        if (c->names[i] == NULL) {
            return QL_ERROR;
        }
    }
    return QL_OK;
}

static ql_status
put_text(ql_ctx *cx, ql_buf *b, const ql_value *v, size_t *n)
{
    char text[QL_VALUE_TEXT_MAX];
    ql_str s = v->kind == QL_K_STRING ? v->s : (ql_str){text, ql_value_print(v, text)};
    QL_TRY(ql_buf_put(cx, b, s.p, s.n));
    *n = s.n;
    return ql_buf_put_u8(cx, b, 0);
}

static ql_status
call_row(ql_ctx *cx, caller *c, const ql_batch *batch, uint16_t row)
{
    static const char null;
    ql_buf_clear(&c->text);
    for (uint16_t i = 0; i < c->n; i++) {
        const ql_vector *v = &batch->cols[i];
        ql_value val;
        c->values[i] = &null;
        c->lengths[i] = 0;
        if (!ql_vector_null_at(v, row) && v->type.kind != QL_K_NULL) {
            ql_vector_get(v, v->is_const ? 0 : row, &val);
            QL_TRY(put_text(cx, &c->text, &val, &c->lengths[i]));
            c->values[i] = NULL;
        }
    }
    const char *at = c->text.p;
    for (uint16_t i = 0; i < c->n; i++) { /* the buffer moves no more */
        if (c->values[i] == &null) {
            c->values[i] = NULL;
        } else {
            c->values[i] = at;
            at += c->lengths[i] + 1;
        }
    }
    int enough = c->row(c->arg, c->n, c->names, c->values, c->lengths);
    ql_intr_gap_restart(cx, __FILE__, __LINE__); /* how long that took is the program's business */
    if (enough) {
        (void)ql_intr_raise(cx->intr, QL_INTR_QUERY, 0);
    }
    return ql_check(cx);
}

static ql_status
call_rows(ql_ctx *cx, ql_sink *sink, const ql_batch *batch)
{
    caller *c = (caller *)sink;
    QL_TRY(ql_check(cx));
    for (uint16_t k = 0; c->row != NULL && k < batch->nsel; k++) {
        sink->rows_sent++;
        QL_TRY(call_row(cx, c, batch, ql_batch_row(batch, k)));
    }
    sink->rows_sent += c->row == NULL ? batch->nsel : 0;
    return QL_OK;
}

int
ql_execute(ql_session *s, const char *sql, size_t n, ql_row_function row, void *arg)
{
    static const ql_sink_ops ops = {.columns = call_columns, .rows = call_rows};
    qli_embedded *e = (qli_embedded *)s;
    caller c = {.sink = {.ops = &ops}, .e = e, .row = row, .arg = arg};
    int result;
    if (!qli_call_begin(e, &result)) {
        return result;
    }
    e->sink = &c.sink;
    qli_call_statement(e, QL_PC_QUERY);
    ql_count(&s->cx, QL_CT_QUESTIONS, 1);
    ql_session_query(s, (ql_str){sql, length_of(sql, n)});
    ql_buf_free(&c.text);
    return qli_call_end(e);
}

/* ---- prepared statements ---- */

/* A bound value keeps its bytes in memory of its own. */
typedef struct parameter {
    ql_value v;  /* of a text: without its collation */
    char *bytes; /* of a string; NULL = none */
} parameter;

typedef struct column {
    char *name;
    ql_field field;
} column;

struct ql_stmt {
    qli_embedded *e;
    ql_stmt *next, *prev; /* e->stmts */
    ql_prepared *ps;      /* NULL = it is gone */
    parameter *params;    /* [nparams] */
    unsigned nparams;
    ql_arena *names; /* of cols */
    column *cols;    /* [ncols] */
    unsigned ncols;
    qli_rows rows;
    bool reading;           /* it has been run, and its rows are being read */
    _Atomic bool finalized; /* while a call was at work in its session */
    ql_arena *texts;        /* of numbers in the current row, asked for as text */
};

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
    st->cols = QL_ARENA_ARRAY(cx, st->names, column, (size_t)n + 1);
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
    preparing p = {.st = st, .text = {sql, length_of(sql, n)}};
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
    parameter *to = &st->params[i - 1];
    ql_mem_free(to->bytes);
    *to = (parameter){.v = v, .bytes = copy};
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
    return bind(st, i, ql_value_str(QL_STR(""), NULL), p, length_of(p, n));
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

/* ---- columns ---- */

unsigned
ql_column_count(const ql_stmt *st)
{
    return st->ncols;
}

const char *
ql_column_name(const ql_stmt *st, unsigned i)
{
    return i < st->ncols ? st->cols[i].name : NULL;
}

int
ql_column_field(const ql_stmt *st, unsigned i)
{
    return i < st->ncols ? (int)st->cols[i].field : -1;
}

static qli_cell
cell(const ql_stmt *st, unsigned i)
{
    qli_cell c = {.type = QUELL_NULL};
    const char *p = st->rows.p;
    if (p == NULL || i >= st->rows.ncols) {
        return c;
    }
    for (unsigned k = 0; k <= i; k++) {
        c = qli_cell_next(&p);
    }
    return c;
}

int
ql_column_type(ql_stmt *st, unsigned i)
{
    return cell(st, i).type;
}

int
ql_column_is_unsigned(ql_stmt *st, unsigned i)
{
    return cell(st, i).is_unsigned;
}

/* The number of a cell as SQL's CAST makes an integer of it. */
static int64_t
integer_of(const ql_stmt *st, const qli_cell *c, bool *is_unsigned)
{
    ql_ctx cx = {.inst = &st->e->lib->inst};
    ql_value v = ql_value_double(c->d);
    int64_t i = 0;
    size_t used;
    bool overflow;
    *is_unsigned = c->is_unsigned;
    if (c->type == QUELL_NULL || c->type == QUELL_INTEGER) {
        return c->i;
    }
    if (c->type == QUELL_FLOAT && c->d > 0) { /* beyond int64_t it is one without a sign */
        *is_unsigned = c->d >= TWO_TO_63;
        return (int64_t)(c->d >= 2 * TWO_TO_63 ? UINT64_MAX : (uint64_t)rint(c->d));
    }
    if (c->is_decimal) {
        v = ql_value_null();
        v.kind = QL_K_DECIMAL;
        (void)ql_decimal_parse(&v.dec, (ql_str){c->p, c->n}, &used);
    } else if (c->type != QUELL_FLOAT) {
        return ql_int_parse((ql_str){c->p, c->n}, &used, &overflow, is_unsigned);
    }
    return ql_value_to_int(&cx, &v, &i, is_unsigned) == QL_OK ? i : 0;
}

int64_t
ql_column_int64(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    bool is_unsigned;
    int64_t v = integer_of(st, &c, &is_unsigned);
    return c.type != QUELL_INTEGER && is_unsigned && v < 0 ? INT64_MAX : v;
}

uint64_t
ql_column_uint64(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    bool is_unsigned;
    return (uint64_t)integer_of(st, &c, &is_unsigned);
}

double
ql_column_double(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    size_t used;
    bool overflow;
    switch (c.type) {
    case QUELL_INTEGER:
        return c.is_unsigned ? (double)(uint64_t)c.i : (double)c.i;
    case QUELL_FLOAT:
        return c.d;
    case QUELL_TEXT:
    case QUELL_BLOB:
        return ql_double_parse((ql_str){c.p, c.n}, &used, &overflow);
    default:
        return 0;
    }
}

/* A number as text; NULL without memory. */
static const char *
print(ql_stmt *st, const qli_cell *c, size_t *n)
{
    ql_ctx cx = {.inst = &st->e->lib->inst, .diag = NULL};
    ql_value v = c->type == QUELL_FLOAT ? ql_value_double(c->d)
                 : c->is_unsigned       ? ql_value_uint((uint64_t)c->i)
                                        : ql_value_int(c->i);
    char text[QL_VALUE_TEXT_MAX];
    if (c->type == QUELL_FLOAT) {
        v.decimals = c->decimals;
    }
    v.zerofill = c->zerofill;
    *n = ql_value_print(&v, text);
    return ql_arena_strndup(&cx, st->texts, text, *n);
}

const char *
ql_column_text(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    size_t n;
    return c.type == QUELL_INTEGER || c.type == QUELL_FLOAT ? print(st, &c, &n) : c.p;
}

const void *
ql_column_blob(ql_stmt *st, unsigned i)
{
    return ql_column_text(st, i);
}

size_t
ql_column_bytes(ql_stmt *st, unsigned i)
{
    qli_cell c = cell(st, i);
    size_t n = c.n;
    if (c.type == QUELL_INTEGER || c.type == QUELL_FLOAT) {
        (void)print(st, &c, &n);
    }
    return n;
}
