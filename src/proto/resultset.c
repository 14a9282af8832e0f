/* SPDX-License-Identifier: Apache-2.0
 *
 * Result sets (protocol documentation, "Text Resultset" and "Binary Protocol Resultset"): column
 * count, column definitions, rows. The end of the set is the session's. Runs on the session's
 * thread inside the statement: a kill that arrives while the client does not read ends it.
 */
#include "proto/resultset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/value.h"

#define COLLATION_BINARY 63
#define NULL_TEXT 0xfb

/* ---- column definitions ---- */

static uint16_t
announced_charset(const ql_result_column *c, const ql_charset *results)
{
    if (c->type.kind != QL_K_STRING || c->type.coll == NULL ||
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
    if (c->type.is_unsigned) {
        flags |= QL_CF_UNSIGNED;
    }
    bool number =
        c->type.kind == QL_K_INT || c->type.kind == QL_K_DOUBLE || c->type.kind == QL_K_DECIMAL;
    if (c->type.kind == QL_K_STRING ? c->type.coll != NULL && c->type.coll->is_binary : !number) {
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
    if (t->kind != QL_K_STRING || results == NULL || t->coll == NULL ||
        t->coll->id == COLLATION_BINARY) {
        return (uint32_t)n;
    }
    bool blob = t->field >= QL_F_TINY_BLOB && t->field <= QL_F_BLOB;
    n = (blob ? n : n / t->coll->charset->max_bytes) * results->max_bytes;
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
        QL_TRY(ql_buf_put_u8(cx, b, NULL_TEXT));
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

/* ---- values as text ---- */

static size_t
print_u64(uint64_t v, char *out)
{
    char tmp[24];
    size_t n = 0;
    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    for (size_t i = 0; i < n; i++) {
        out[i] = tmp[n - 1 - i];
    }
    return n;
}

static size_t
print_int(int64_t v, bool is_unsigned, char *out)
{
    if (is_unsigned || v >= 0) {
        return print_u64((uint64_t)v, out);
    }
    out[0] = '-';
    return 1 + print_u64(0 - (uint64_t)v, out + 1);
}

/* "1e+20" to MySQL's "1e20". */
static size_t
squeeze_exponent(char *s, size_t n)
{
    char *e = memchr(s, 'e', n);
    if (e == NULL) {
        return n;
    }
    char *from = e + 1, *to = e + 1, *end = s + n;
    if (*from == '-') {
        from++;
        to++;
    } else if (*from == '+') {
        from++;
    }
    while (from < end - 1 && *from == '0') {
        from++;
    }
    memmove(to, from, (size_t)(end - from));
    return (size_t)(to - s) + (size_t)(end - from);
}

/* FLOAT has six significant digits; DOUBLE(M,D) and FLOAT(M,D) have D decimals. 0 = neither: the
 * general printing of values. */
static size_t
print_special_double(double d, const ql_type *t, char out[512])
{
    int n = 0;
    if (t->decimals < 31) {
        n = snprintf(out, 512, "%.*f", t->decimals, d);
    } else if (t->field == QL_F_FLOAT) {
        n = snprintf(out, 512, "%.6g", (double)(float)d);
        return squeeze_exponent(out, (size_t)n);
    }
    return n > 0 && n < 512 ? (size_t)n : 0;
}

static ql_status
put_double_text(ql_ctx *cx, ql_buf *b, double d, const ql_type *t)
{
    char text[512];
    size_t n = print_special_double(d, t, text);
    if (n != 0) {
        return ql_buf_put_lenenc_str(cx, b, text, n);
    }
    ql_value v = ql_value_double(d);
    ql_str s;
    ql_arena_mark mark = ql_arena_save(cx->arena);
    QL_TRY(ql_value_to_str(cx, cx->arena, &v, &s));
    ql_status st = ql_buf_put_lenenc_str(cx, b, s.p, s.n);
    ql_arena_restore(cx->arena, mark);
    return st;
}

/* BIT(n) travels as (n+7)/8 bytes, big-endian. */
static ql_status
put_bit(ql_ctx *cx, ql_buf *b, uint64_t v, uint32_t bits)
{
    char bytes[8];
    uint32_t n = (bits + 7) / 8;
    if (n == 0 || n > 8) {
        n = 8;
    }
    for (uint32_t i = 0; i < n; i++) {
        bytes[n - 1 - i] = (char)(v >> (8 * i));
    }
    return ql_buf_put_lenenc_str(cx, b, bytes, n);
}

static ql_status
put_int_text(ql_ctx *cx, ql_buf *b, int64_t v, const ql_result_column *c, bool is_unsigned)
{
    char text[256];
    size_t n = print_int(v, is_unsigned, text);
    size_t width = c->type.field == QL_F_YEAR ? 4 : c->flags & QL_CF_ZEROFILL ? c->type.length : 0;
    if (c->type.field == QL_F_BIT) {
        return put_bit(cx, b, (uint64_t)v, c->type.length);
    }
    if (n < width && width < sizeof text) {
        memmove(text + width - n, text, n);
        memset(text, '0', width - n);
        n = width;
    }
    return ql_buf_put_lenenc_str(cx, b, text, n);
}

static ql_status
put_string(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, ql_str v, const ql_collation *coll)
{
    bool lossy = false;
    if (s->cs_results == NULL || (coll != NULL && coll->id == COLLATION_BINARY) ||
        s->cs_results->max_bytes == 4) {
        return ql_buf_put_lenenc_str(cx, b, v.p, v.n);
    }
    ql_buf_clear(&s->text);
    QL_TRY(ql_charset_to_client(cx, s->cs_results, v, &s->text, &lossy));
    return ql_buf_put_lenenc_str(cx, b, s->text.p, s->text.n);
}

static size_t
print_temporal(const ql_vector *v, int64_t packed, uint8_t decimals, char out[32])
{
    ql_dt t;
    if (v->type.kind == QL_K_TIME) {
        ql_time_unpack(packed, &t);
        return ql_time_print(&t, decimals, out);
    }
    ql_dt_unpack(packed, &t);
    return v->type.kind == QL_K_DATE ? ql_date_print(&t, out) : ql_dt_print(&t, decimals, out);
}

static uint8_t
fraction_digits(const ql_vector *v)
{
    return v->type.decimals <= 6 ? v->type.decimals : 6;
}

static ql_status
put_text_value(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, const ql_vector *v, uint16_t row,
               const ql_result_column *c)
{
    char text[QL_DECIMAL_TEXT_MAX];
    uint16_t at = v->is_const ? 0 : row;
    switch (v->type.kind) {
    case QL_K_INT:
        return put_int_text(cx, b, v->i[at], c, v->type.is_unsigned);
    case QL_K_DOUBLE:
        return put_double_text(cx, b, v->d[at], &c->type);
    case QL_K_DECIMAL:
        return ql_buf_put_lenenc_str(cx, b, text, ql_decimal_print(&v->dec[at], text));
    case QL_K_STRING:
        return put_string(cx, s, b, v->s[at], v->type.coll);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
        return ql_buf_put_lenenc_str(cx, b, text,
                                     print_temporal(v, v->i[at], fraction_digits(v), text));
    default:
        return ql_buf_put_u8(cx, b, NULL_TEXT);
    }
}

static ql_status
put_text_row(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, const ql_batch *batch, uint16_t row)
{
    for (uint16_t i = 0; i < s->ncols; i++) {
        const ql_vector *v = &batch->cols[i];
        if (ql_vector_null_at(v, row)) {
            QL_TRY(ql_buf_put_u8(cx, b, NULL_TEXT));
        } else {
            QL_TRY(put_text_value(cx, s, b, v, row, &s->cols[i]));
        }
    }
    return QL_OK;
}

/* ---- values in the binary protocol ---- */

static ql_status
put_datetime_binary(ql_ctx *cx, ql_buf *b, int64_t packed, bool date_only)
{
    ql_dt t;
    ql_dt_unpack(packed, &t);
    bool has_time = !date_only && (t.hour | t.minute | t.second | t.micro) != 0;
    uint8_t n = t.micro != 0 && has_time ? 11 : has_time ? 7 : 4;
    if (!has_time && (t.year | t.month | t.day) == 0) {
        n = 0;
    }
    QL_TRY(ql_buf_put_u8(cx, b, n));
    if (n >= 4) {
        QL_TRY(ql_buf_put_le(cx, b, t.year, 2));
        QL_TRY(ql_buf_put_le(cx, b, t.month, 1));
        QL_TRY(ql_buf_put_le(cx, b, t.day, 1));
    }
    if (n >= 7) {
        QL_TRY(ql_buf_put_le(cx, b, t.hour, 1));
        QL_TRY(ql_buf_put_le(cx, b, t.minute, 1));
        QL_TRY(ql_buf_put_le(cx, b, t.second, 1));
    }
    return n == 11 ? ql_buf_put_le(cx, b, t.micro, 4) : QL_OK;
}

static ql_status
put_time_binary(ql_ctx *cx, ql_buf *b, int64_t packed)
{
    ql_dt t;
    ql_time_unpack(packed, &t);
    uint8_t n = t.micro != 0 ? 12 : (t.hour | t.minute | t.second) != 0 ? 8 : 0;
    QL_TRY(ql_buf_put_u8(cx, b, n));
    if (n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_buf_put_u8(cx, b, t.negative));
    QL_TRY(ql_buf_put_le(cx, b, t.hour / 24, 4));
    QL_TRY(ql_buf_put_le(cx, b, t.hour % 24, 1));
    QL_TRY(ql_buf_put_le(cx, b, t.minute, 1));
    QL_TRY(ql_buf_put_le(cx, b, t.second, 1));
    return n == 12 ? ql_buf_put_le(cx, b, t.micro, 4) : QL_OK;
}

static ql_status
put_int_binary(ql_ctx *cx, ql_buf *b, int64_t v, const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY:
        return ql_buf_put_le(cx, b, (uint64_t)v, 1);
    case QL_F_SHORT:
    case QL_F_YEAR:
        return ql_buf_put_le(cx, b, (uint64_t)v, 2);
    case QL_F_LONG:
    case QL_F_INT24:
        return ql_buf_put_le(cx, b, (uint64_t)v, 4);
    case QL_F_BIT:
        return put_bit(cx, b, (uint64_t)v, t->length);
    default:
        return ql_buf_put_le(cx, b, (uint64_t)v, 8);
    }
}

static ql_status
put_double_binary(ql_ctx *cx, ql_buf *b, double d, const ql_type *t)
{
    uint64_t bits;
    if (t->field == QL_F_FLOAT) {
        float f = (float)d;
        uint32_t half;
        memcpy(&half, &f, sizeof half);
        return ql_buf_put_le(cx, b, half, 4);
    }
    memcpy(&bits, &d, sizeof bits);
    return ql_buf_put_le(cx, b, bits, 8);
}

static ql_status
put_binary_value(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, const ql_vector *v, uint16_t row,
                 const ql_result_column *c)
{
    char text[QL_DECIMAL_TEXT_MAX];
    uint16_t at = v->is_const ? 0 : row;
    switch (v->type.kind) {
    case QL_K_INT:
        return put_int_binary(cx, b, v->i[at], &c->type);
    case QL_K_DOUBLE:
        return put_double_binary(cx, b, v->d[at], &c->type);
    case QL_K_DECIMAL:
        return ql_buf_put_lenenc_str(cx, b, text, ql_decimal_print(&v->dec[at], text));
    case QL_K_STRING:
        return put_string(cx, s, b, v->s[at], v->type.coll);
    case QL_K_TIME:
        return put_time_binary(cx, b, v->i[at]);
    case QL_K_DATE:
    case QL_K_DATETIME:
        return put_datetime_binary(cx, b, v->i[at], v->type.kind == QL_K_DATE);
    default:
        return QL_OK; /* NULL type: in the bitmap */
    }
}

/* A column told as one kind but delivered as another (it should not happen) would make the client
 * misread the whole row: converted. */
static ql_status
put_converted(ql_ctx *cx, ql_wire_sink *s, ql_buf *b, const ql_vector *v, uint16_t row,
              const ql_result_column *c)
{
    ql_value from, to;
    ql_vector one = {.type = c->type, .is_const = true};
    ql_arena_mark mark = ql_arena_save(cx->arena);
    ql_vector_get(v, row, &from);
    QL_TRY(ql_value_cast(cx, cx->arena, &from, &c->type, &to));
    one.any = c->type.kind == QL_K_STRING    ? (void *)&to.s
              : c->type.kind == QL_K_DECIMAL ? (void *)&to.dec
                                             : (void *)&to.i;
    ql_status st = put_binary_value(cx, s, b, &one, 0, c);
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
    for (uint16_t i = 0; i < s->ncols; i++) {
        const ql_vector *v = &batch->cols[i];
        const ql_result_column *c = &s->cols[i];
        if (ql_vector_null_at(v, row) || v->type.kind == QL_K_NULL) {
            b->p[at + (i + 2u) / 8] |= (char)(1 << ((i + 2) % 8));
        } else if (v->type.kind != c->type.kind && c->type.kind != QL_K_NULL) {
            QL_TRY(put_converted(cx, s, b, v, row, c));
        } else {
            QL_TRY(put_binary_value(cx, s, b, v, row, c));
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
