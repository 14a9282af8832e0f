/* SPDX-License-Identifier: Apache-2.0
 *
 * A result that is kept while its program reads it: the first MiB in memory, what follows on a
 * tape. A row is its cells one behind the other, each a tag and what the tag says; on the tape its
 * length stands before it. The memory is the program's, as a result is that it asked for: it is not
 * in the session's limits.
 */
#include <string.h>

#include "embed/embed_int.h"
#include "types/moment.h"

#define HEAD_BYTES ((size_t)1 << 20)

enum { TAG_NULL, TAG_INT, TAG_UINT, TAG_DOUBLE, TAG_TEXT, TAG_BLOB, TAG_DECIMAL };

static ql_status
put_bytes(ql_ctx *cx, ql_buf *b, int tag, const char *p, size_t n)
{
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)tag));
    QL_TRY(ql_buf_put_le(cx, b, n, 8));
    QL_TRY(ql_buf_put(cx, b, p, n));
    return ql_buf_put_u8(cx, b, 0);
}

static ql_status
put_json(ql_ctx *cx, ql_buf *b, const ql_value *v)
{
    ql_arena_mark mark = ql_arena_save(cx->arena);
    ql_str s;
    ql_status st = ql_value_to_str(cx, cx->arena, v, &s);
    st = st == QL_OK ? put_bytes(cx, b, TAG_TEXT, s.p, s.n) : st;
    ql_arena_restore(cx->arena, mark);
    return st;
}

static ql_status
put_value(ql_ctx *cx, ql_buf *b, const ql_value *v)
{
    char text[QL_VALUE_TEXT_MAX];
    uint64_t bits;
    switch (ql_kind_family(v->kind)) {
    case QL_FAM_NULL:
        return ql_buf_put_u8(cx, b, TAG_NULL);
    case QL_FAM_INT:
        if (v->bits != 0) {
            return put_bytes(cx, b, TAG_BLOB, text, ql_value_print(v, text));
        }
        QL_TRY(ql_buf_put_u8(cx, b, v->is_unsigned ? TAG_UINT : TAG_INT));
        QL_TRY(ql_buf_put_u8(cx, b, v->zerofill));
        return ql_buf_put_le(cx, b, v->u, 8);
    case QL_FAM_DOUBLE:
        memcpy(&bits, &v->d, sizeof bits);
        QL_TRY(ql_buf_put_u8(cx, b, TAG_DOUBLE));
        QL_TRY(ql_buf_put_u8(cx, b, v->decimals));
        QL_TRY(ql_buf_put_u8(cx, b, v->zerofill));
        return ql_buf_put_le(cx, b, bits, 8);
    case QL_FAM_STRING:
        return put_bytes(cx, b, v->coll == ql_coll_binary ? TAG_BLOB : TAG_TEXT, v->s.p, v->s.n);
    case QL_FAM_LIST: {
        ql_str s;
        ql_arena_mark mark = ql_arena_save(cx->arena);
        QL_TRY(ql_value_to_str(cx, cx->arena, v, &s));
        QL_TRY(put_bytes(cx, b, v->coll == ql_coll_binary ? TAG_BLOB : TAG_TEXT, s.p, s.n));
        ql_arena_restore(cx->arena, mark);
        return QL_OK;
    }
    case QL_FAM_DECIMAL:
        return put_bytes(cx, b, TAG_DECIMAL, text, ql_value_print(v, text));
    case QL_FAM_JSON:
        return put_json(cx, b, v);
    default:
        return put_bytes(cx, b, TAG_TEXT, text, ql_value_print_local(cx, v, text));
    }
}

static ql_status
put_row(ql_ctx *cx, ql_buf *b, const ql_batch *batch, uint16_t row)
{
    for (uint16_t i = 0; i < batch->ncols; i++) {
        const ql_vector *v = &batch->cols[i];
        ql_value val = ql_value_null();
        if (!ql_vector_null_at(v, row)) {
            ql_vector_get(v, v->is_const ? 0 : row, &val);
        }
        QL_TRY(put_value(cx, b, &val));
    }
    return QL_OK;
}

static ql_status
open_tape(ql_ctx *cx, qli_rows *r)
{
    if (r->tape != NULL) {
        return QL_OK;
    }
    r->mem = ql_arena_new("result", NULL);
    if (r->mem == NULL) {
        return ql_fail_oom(cx, 0);
    }
    QL_TRY(ql_tapes_new(cx, r->mem, &r->file));
    return ql_tape_new(cx, r->file, &r->tape);
}

static ql_status
to_tape(ql_ctx *cx, qli_rows *r, const ql_batch *batch, uint16_t row)
{
    QL_TRY(open_tape(cx, r));
    ql_buf_clear(&r->row);
    QL_TRY(put_row(cx, &r->row, batch, row));
    uint64_t n = r->row.n;
    QL_TRY(ql_tape_write(cx, r->tape, &n, sizeof n));
    return ql_tape_write(cx, r->tape, r->row.p, r->row.n);
}

static ql_status
sink_columns(ql_ctx *cx, ql_sink *sink, const ql_result_column *cols, uint16_t n)
{
    qli_rows *r = (qli_rows *)sink;
    r->ncols = n;
    return r->columns(cx, r->arg, cols, n);
}

static ql_status
sink_rows(ql_ctx *cx, ql_sink *sink, const ql_batch *batch)
{
    qli_rows *r = (qli_rows *)sink;
    QL_TRY(ql_check(cx));
    for (uint16_t k = 0; k < batch->nsel; k++) {
        uint16_t row = ql_batch_row(batch, k);
        QL_TRY(r->head.n < HEAD_BYTES ? put_row(cx, &r->head, batch, row)
                                      : to_tape(cx, r, batch, row));
        r->count++;
    }
    sink->rows_sent += batch->nsel;
    return QL_OK;
}

void
qli_rows_begin(qli_rows *r)
{
    static const ql_sink_ops ops = {.columns = sink_columns, .rows = sink_rows};
    r->sink = (ql_sink){.ops = &ops};
    if (r->head.cap > 2 * HEAD_BYTES || r->row.cap > HEAD_BYTES) {
        qli_rows_free(r); /* a former result's large values */
    }
    ql_buf_clear(&r->head);
    r->count = r->at = 0;
    r->head_at = 0;
    r->p = NULL;
    r->ncols = 0;
}

ql_status
qli_rows_end(ql_ctx *cx, qli_rows *r)
{
    if (r->tape == NULL) {
        return QL_OK;
    }
    QL_TRY(ql_tape_end(cx, r->tape));
    return ql_reel_start(cx, &r->reel, r->tape);
}

/* Behind the cells of the row that begins at p. */
static const char *
skip_row(const qli_rows *r, const char *p)
{
    for (unsigned i = 0; i < r->ncols; i++) {
        (void)qli_cell_next(&p);
    }
    return p;
}

ql_status
qli_rows_next(ql_ctx *cx, qli_rows *r)
{
    r->p = NULL;
    if (r->at == r->count) {
        return QL_END;
    }
    if (r->head_at < r->head.n) {
        r->p = r->head.p + r->head_at;
        r->head_at = (size_t)(skip_row(r, r->p) - r->head.p);
    } else {
        uint64_t n;
        QL_TRY(ql_reel_read(cx, &r->reel, &n, sizeof n));
        ql_buf_clear(&r->row);
        QL_TRY(ql_buf_reserve(cx, &r->row, n + 1));
        QL_TRY(ql_reel_read(cx, &r->reel, r->row.p, n));
        r->row.n = n;
        r->p = r->row.p;
    }
    r->at++;
    return QL_OK;
}

void
qli_rows_close(ql_ctx *cx, qli_rows *r)
{
    if (r->file != NULL) {
        ql_reel_stop(&r->reel);
        ql_tapes_free(cx, r->file);
    }
    ql_arena_free(r->mem);
    r->reel = (ql_reel){0};
    r->mem = NULL;
    r->file = NULL;
    r->tape = NULL;
    r->count = r->at; /* no more of them */
}

void
qli_rows_free(qli_rows *r)
{
    ql_buf_free(&r->head);
    ql_buf_free(&r->row);
    r->p = NULL;
}

/* ---- cells ---- */

static uint64_t
get_le(const char **p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v |= (uint64_t)(unsigned char)(*p)[i] << (8 * i);
    }
    *p += 8;
    return v;
}

qli_cell
qli_cell_next(const char **p)
{
    qli_cell c = {.type = QUELL_NULL};
    int tag = *(*p)++;
    uint64_t bits;
    switch (tag) {
    case TAG_INT:
    case TAG_UINT:
        c.type = QUELL_INTEGER;
        c.is_unsigned = tag == TAG_UINT;
        c.zerofill = (uint8_t) * (*p)++;
        c.i = (int64_t)get_le(p);
        break;
    case TAG_DOUBLE:
        c.type = QUELL_FLOAT;
        c.decimals = (uint8_t) * (*p)++;
        c.zerofill = (uint8_t) * (*p)++;
        bits = get_le(p);
        memcpy(&c.d, &bits, sizeof c.d);
        break;
    case TAG_TEXT:
    case TAG_BLOB:
    case TAG_DECIMAL:
        c.type = tag == TAG_BLOB ? QUELL_BLOB : QUELL_TEXT;
        c.is_decimal = tag == TAG_DECIMAL;
        c.n = get_le(p);
        c.p = *p;
        *p += c.n + 1;
        break;
    default:
        break;
    }
    return c;
}
