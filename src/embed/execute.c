/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole texts: rows go to the program's function as text, while the statement runs.
 */
#include <string.h>

#include "base/diag.h"
#include "embed/embed_int.h"
#include "types/moment.h"

size_t
qli_length(const char *p, size_t n)
{
    return n == QUELL_ALL ? strlen(p) : n;
}

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
    ql_str s;
    ql_arena_mark mark = ql_arena_save(cx->arena);
    if (ql_kind_slot(v->kind) == QL_SLOT_STRING || ql_kind_is_list(v->kind)) {
        QL_TRY(ql_value_to_str(cx, cx->arena, v, &s));
    } else {
        s = (ql_str){text, ql_value_print_local(cx, v, text)};
    }
    QL_TRY(ql_buf_put(cx, b, s.p, s.n));
    ql_arena_restore(cx->arena, mark);
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
    ql_session_query(s, (ql_str){sql, qli_length(sql, n)});
    ql_buf_free(&c.text);
    return qli_call_end(e);
}
