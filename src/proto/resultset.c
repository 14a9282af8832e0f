/* SPDX-License-Identifier: Apache-2.0
 *
 * Result sets (protocol documentation, "Text Resultset" and "Binary Protocol Resultset"): column
 * count, column definitions, rows. The end of the set is the session's. Runs on the session's
 * thread inside the statement: a kill that arrives while the client does not read ends it.
 */
#include "proto/resultset.h"

#include <string.h>

#include "base/arena.h"
#include "types/kinds.h"

#define COLLATION_BINARY 63

/* ---- column definitions ---- */

static uint16_t
announced_charset(const ql_result_column *c, const ql_charset *results)
{
    if (!ql_kind_has_text(c->type.kind) || c->type.coll == NULL ||
        c->type.coll->id == COLLATION_BINARY) {
        return c->type.kind == QL_K_NULL
                   ? COLLATION_BINARY
                   : (c->type.kind == QL_K_STRING && c->type.coll == NULL ? ql_coll_default->id
                                                                          : COLLATION_BINARY);
    }
    return results != NULL ? results->default_coll_id : c->type.coll->id;
}

static uint16_t
announced_flags(const ql_result_column *c)
{
    unsigned flags = c->flags & 0x7fffu;
    if (!c->type.nullable) {
        flags |= QL_CF_NOT_NULL;
    }
    if (c->type.is_unsigned && !ql_kind_is_list(c->type.kind)) {
        flags |= QL_CF_UNSIGNED;
    }
    bool number = ql_kind_is_number(c->type.kind);
    if (ql_kind_has_text(c->type.kind) ? c->type.coll != NULL && c->type.coll->is_binary
                                       : !number) {
        flags |= QL_CF_BINARY; /* of numbers the resolver knows */
    }
    if (c->type.field >= QL_F_TINY_BLOB && c->type.field <= QL_F_BLOB) {
        flags |= QL_CF_BLOB;
    }
    return (uint16_t)flags;
}

/* Bytes in the client's character set. A text column may be full of the shortest characters. */
static uint32_t
announced_length(const ql_result_column *c, const ql_charset *results)
{
    const ql_type *t = &c->type;
    uint64_t n = ql_type_display_length(t);
    if (!ql_kind_has_text(t->kind) || results == NULL || t->coll == NULL ||
        t->coll->id == COLLATION_BINARY) {
        return (uint32_t)n;
    }
    bool blob = t->field >= QL_F_TINY_BLOB && t->field <= QL_F_BLOB;
    n = n / (blob ? t->coll->charset->min_bytes : t->coll->charset->max_bytes) * results->max_bytes;
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* TEXT and BLOB columns of all sizes are told as BLOB, VARCHAR as VAR_STRING. */
static uint8_t
announced_field(const ql_type *t)
{
    switch (t->field) {
    case QL_F_VARCHAR:
        return QL_F_VAR_STRING;
    case QL_F_TINY_BLOB:
    case QL_F_MEDIUM_BLOB:
    case QL_F_LONG_BLOB:
        return QL_F_BLOB;
    case QL_F_ENUM:
    case QL_F_SET:
        return QL_F_STRING;
    case QL_F_DECIMAL_OLD:
        return QL_F_NEWDECIMAL;
    default:
        return (uint8_t)t->field;
    }
}

static ql_status
put_name(ql_ctx *cx, ql_buf *b, ql_str s, const ql_charset *results)
{
    bool lossy = false;
    if (results == NULL || s.n == 0) {
        return ql_buf_put_lenenc_str(cx, b, s.p, s.n);
    }
    ql_buf text = {0};
    ql_status st = ql_charset_to_client(cx, results, s, &text, &lossy);
    if (st == QL_OK) {
        st = ql_buf_put_lenenc_str(cx, b, text.p, text.n);
    }
    ql_buf_free(&text);
    return st;
}

ql_status
ql_put_column_definition(ql_ctx *cx, ql_wire *w, const ql_result_column *c,
                         const ql_charset *cs_results, bool with_default)
{
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, w, &b));
    QL_TRY(ql_buf_put_lenenc_str(cx, b, "def", 3));
    QL_TRY(put_name(cx, b, c->schema, cs_results));
    QL_TRY(put_name(cx, b, c->table, cs_results));
    QL_TRY(put_name(cx, b, c->org_table, cs_results));
    QL_TRY(put_name(cx, b, c->name, cs_results));
    QL_TRY(put_name(cx, b, c->org_name, cs_results));
    QL_TRY(ql_buf_put_u8(cx, b, 0x0c));
    QL_TRY(ql_buf_put_le(cx, b, announced_charset(c, cs_results), 2));
    QL_TRY(ql_buf_put_le(cx, b, announced_length(c, cs_results), 4));
    QL_TRY(ql_buf_put_u8(cx, b, announced_field(&c->type)));
    QL_TRY(ql_buf_put_le(cx, b, announced_flags(c), 2));
    QL_TRY(ql_buf_put_u8(cx, b, c->type.decimals));
    QL_TRY(ql_buf_put_le(cx, b, 0, 2));
    if (with_default) {
        QL_TRY(ql_buf_put_u8(cx, b, QL_WIRE_NULL));
    }
    return ql_wire_end(cx, w);
}

static ql_status
sink_columns(ql_ctx *cx, ql_sink *sink, const ql_result_column *cols, uint16_t n)
{
    ql_wire_sink *s = (ql_wire_sink *)sink;
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, s->w, &b));
    QL_TRY(ql_buf_put_lenenc(cx, b, n));
    QL_TRY(ql_wire_end(cx, s->w));
    for (uint16_t i = 0; i < n; i++) {
        QL_TRY(ql_put_column_definition(cx, s->w, &cols[i], s->cs_results, false));
    }
    QL_TRY(ql_reply_eof(cx, s->w, &s->reply));
    ql_wire_keep(s->w);
    s->cols = cols;
    s->ncols = n;
    s->began = true;
    return QL_OK;
}

/* ---- values ---- */

static ql_status
put_text_row(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, const ql_batch *batch, uint16_t row)
{
    ql_wire_cell w = {.out = b, .results = s->cs_results, .text = &s->text};
    for (uint16_t i = 0; i < s->ncols; i++) {
        const ql_vector *v = &batch->cols[i];
        w.told = &s->cols[i];
        if (ql_vector_null_at(v, row)) {
            QL_TRY(ql_buf_put_u8(cx, b, QL_WIRE_NULL));
        } else {
            QL_TRY(ql_kinds[v->type.kind]->wire_text(cx, &w, v, v->is_const ? 0 : row));
        }
    }
    return QL_OK;
}

/* A column told as one kind but delivered as another (it should not happen) would make the client
 * misread the whole row: converted. */
static ql_status
put_converted(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t row)
{
    const ql_type *t = &w->told->type;
    ql_value from, to;
    ql_vector one;
    ql_arena_mark mark = ql_arena_save(cx->arena);
    ql_vector_get(v, row, &from);
    QL_TRY(ql_value_cast(cx, cx->arena, &from, t, &to));
    QL_TRY(ql_vector_init(cx, cx->arena, &one, t, true));
    ql_vector_set(&one, 0, &to);
    ql_status st = ql_kinds[t->kind]->wire_binary(cx, w, &one, 0);
    ql_arena_restore(cx->arena, mark);
    return st;
}

static ql_status
put_binary_row(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, const ql_batch *batch, uint16_t row)
{
    size_t nbitmap = ((size_t)s->ncols + 7 + 2) / 8;
    QL_TRY(ql_buf_put_u8(cx, b, 0x00));
    QL_TRY(ql_buf_reserve(cx, b, nbitmap));
    size_t at = b->n;
    memset(b->p + at, 0, nbitmap);
    b->n += nbitmap;
    ql_wire_cell w = {.out = b, .results = s->cs_results, .text = &s->text};
    for (uint16_t i = 0; i < s->ncols; i++) {
        const ql_vector *v = &batch->cols[i];
        const ql_result_column *c = &s->cols[i];
        w.told = c;
        if (ql_vector_null_at(v, row) || v->type.kind == QL_K_NULL) {
            b->p[at + (i + 2u) / 8] |= (char)(1 << ((i + 2) % 8));
        } else if (v->type.kind != c->type.kind && c->type.kind != QL_K_NULL) {
            QL_TRY(put_converted(cx, &w, v, row));
        } else {
            QL_TRY(ql_kinds[v->type.kind]->wire_binary(cx, &w, v, v->is_const ? 0 : row));
        }
    }
    return QL_OK;
}

/* ---- rows ---- */

static ql_status
sink_rows(ql_ctx *cx, ql_sink *sink, const ql_batch *batch)
{
    ql_wire_sink *s = (ql_wire_sink *)sink;
    QL_TRY(ql_check(cx));
    for (uint16_t k = 0; k < batch->nsel; k++) {
        ql_buf *b;
        uint16_t row = ql_batch_row(batch, k);
        QL_TRY(ql_wire_begin(cx, s->w, &b));
        QL_TRY(s->binary ? put_binary_row(cx, s, b, batch, row)
                         : put_text_row(cx, s, b, batch, row));
        QL_TRY(ql_wire_end(cx, s->w));
    }
    sink->rows_sent += batch->nsel;
    return QL_OK;
}

static const ql_sink_ops wire_ops = {.columns = sink_columns, .rows = sink_rows};

void
ql_wire_sink_init(ql_wire_sink *s, ql_wire *w, const ql_reply *reply, const ql_charset *cs_results,
                  bool binary)
{
    ql_buf text = s->text;
    *s = (ql_wire_sink){.sink = {.ops = &wire_ops},
                        .w = w,
                        .reply = *reply,
                        .cs_results = cs_results,
                        .binary = binary,
                        .text = text};
}

void
ql_wire_sink_fini(ql_wire_sink *s)
{
    ql_buf_free(&s->text);
}
