/* SPDX-License-Identifier: Apache-2.0
 *
 * SELECT ... INTO OUTFILE and INTO DUMPFILE. Rows gather in a buffer that goes to the file when it
 * is full; the file gets its name when all is in it.
 */
#include <stdio.h>

#include "base/bulk.h"
#include "exec/exec_int.h"
#include "intr/fileio.h"
#include "types/kinds.h"
#include "vars/sysvars.h"

#define FILE_MODE 0640
#define WRITE_AT ((size_t)128 * 1024) /* gathered: worth a write */

/* One export. Owner: the frame of qli_into_file. */
typedef struct exporter {
    const ql_ast_into_file *into;
    const ql_query *q;
    const ql_charset *cs; /* of the file; NULL = text as its column has it */
    ql_text_writer w;
    ql_new_file file;
    ql_buf out;        /* on its way to the file */
    ql_buf cell, text; /* a value as text; scratch */
    uint64_t rows;
} exporter;

static bool
is_text(const ql_type *t)
{
    return ql_kind_has_text(t->kind) || ql_kind_is_temporal(t->kind);
}

static ql_status
init(ql_ctx *cx, exporter *x)
{
    ql_text_format f = x->into->format;
    bool strings = false, numbers = false;
    if (x->into->charset.n != 0) {
        x->cs = ql_charset_by_name(x->into->charset);
        if (x->cs == NULL) {
            return ql_fail(cx, QL_ER_UNKNOWN_CHARACTER_SET, ql_cstr(cx, x->into->charset));
        }
        if (!ql_text_charset_fits(x->cs)) {
            return ql_not_built(cx, "INTO OUTFILE in this character set");
        }
    }
    bool no_backslash = cx->vars->sql_mode & QL_MODE_NO_BACKSLASH_ESCAPES;
    QL_TRY(ql_text_format_settle(cx, cx->arena, &f, x->cs, no_backslash));
    for (uint16_t i = 0; i < x->q->nitems; i++) {
        bool text = is_text(&x->q->items[i].column.type);
        strings = strings || text;
        numbers = numbers || !text;
    }
    ql_text_writer_init(&x->w, &f, x->cs, strings, numbers);
    if (x->w.ambiguous && !x->into->dump) {
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_AMBIGUOUS_FIELD_TERM);
    }
    return QL_OK;
}

/* ---- values ---- */

/* Warning 1366 naming the first character that cs has not, and what follows it. */
static ql_status
warn_lossy(ql_ctx *cx, exporter *x, uint16_t i, const ql_charset *cs, ql_str s)
{
    char text[4 * 6 + 4];
    size_t at = 0, n = 0;
    bool lossy = false;
    while (at < s.n && !lossy) {
        uint32_t cp;
        int used = ql_utf8_decode(s.p + at, s.n - at, &cp);
        size_t step = used > 0 ? (size_t)used : 1;
        ql_buf_clear(&x->cell);
        QL_TRY(ql_charset_to_client(cx, cs, (ql_str){s.p + at, step}, &x->cell, &lossy));
        at += lossy ? 0 : step;
    }
    for (size_t k = at; k < s.n && k < at + 6; k++) {
        n += (size_t)snprintf(text + n, 5, "\\x%02X", (uint8_t)s.p[k]);
    }
    (void)snprintf(text + n, 4, "%s", s.n > at + 6 ? "..." : "");
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "string", text,
            ql_cstr(cx, x->q->items[i].column.name), (long)x->rows + 1);
    return QL_OK;
}

/* Text in the character set that the file, or without one the column, has. */
static ql_status
encoded(ql_ctx *cx, exporter *x, uint16_t i, const ql_collation *coll, ql_str *s)
{
    const ql_charset *cs = x->cs != NULL ? x->cs : coll != NULL ? coll->charset : NULL;
    bool lossy = false;
    if (cs == NULL || coll == ql_coll_binary) {
        return QL_OK;
    }
    ql_buf_clear(&x->text);
    QL_TRY(ql_charset_to_client(cx, cs, *s, &x->text, &lossy));
    if (lossy) {
        QL_TRY(warn_lossy(cx, x, i, cs, *s));
    }
    *s = (ql_str){x->text.p, x->text.n};
    return QL_OK;
}

/* As the text protocol has it, without its length in front. */
static ql_status
printed(ql_ctx *cx, exporter *x, const ql_result_column *column, const ql_vector *v, uint16_t at,
        ql_str *s)
{
    ql_wire_cell w = {.out = &x->cell, .told = column, .text = &x->text};
    ql_buf_clear(&x->cell);
    QL_TRY(ql_kinds[v->type.kind]->wire_text(cx, &w, v, at));
    uint8_t first = (uint8_t)x->cell.p[0];
    size_t skip = first < QL_WIRE_NULL ? 1 : first == 0xfc ? 3 : first == 0xfd ? 4 : 9;
    *s = (ql_str){x->cell.p + skip, x->cell.n - skip};
    return QL_OK;
}

/* *null instead of a value. */
static ql_status
value_text(ql_ctx *cx, exporter *x, uint16_t i, const ql_vector *v, uint16_t row, ql_str *s,
           bool *null)
{
    uint16_t at = v->is_const ? 0 : row;
    *null = v->type.kind == QL_K_NULL || ql_vector_null_at(v, row);
    if (*null) {
        return QL_OK;
    }
    if (v->type.kind != QL_K_STRING) {
        return printed(cx, x, &x->q->items[i].column, v, at, s);
    }
    *s = v->s[at];
    return encoded(cx, x, i, v->type.coll, s);
}

/* ---- rows ---- */

static ql_status
put_row(ql_ctx *cx, exporter *x, const ql_batch *b, uint16_t row)
{
    const ql_text_format *f = &x->w.f;
    QL_TRY(ql_buf_put(cx, &x->out, f->line_start.p, f->line_start.n));
    for (uint16_t i = 0; i < x->q->nitems; i++) {
        const ql_type *t = &x->q->items[i].column.type;
        size_t width = x->w.fixed ? ql_type_display_length(t) : 0;
        ql_str s = {0};
        bool null;
        QL_TRY(value_text(cx, x, i, &b->cols[i], row, &s, &null));
        if (i > 0) {
            QL_TRY(ql_buf_put(cx, &x->out, f->field_term.p, f->field_term.n));
        }
        QL_TRY(null ? ql_text_put_null(cx, &x->w, &x->out, width)
                    : ql_text_put(cx, &x->w, &x->out, s, is_text(t), width));
    }
    return ql_buf_put(cx, &x->out, f->line_term.p, f->line_term.n);
}

/* The bytes and nothing else; a NULL is a 0 byte. */
static ql_status
put_dump(ql_ctx *cx, exporter *x, const ql_batch *b, uint16_t row)
{
    if (x->rows > 0) {
        return ql_fail(cx, QL_ER_TOO_MANY_ROWS);
    }
    for (uint16_t i = 0; i < x->q->nitems; i++) {
        ql_str s = {0};
        bool null;
        QL_TRY(value_text(cx, x, i, &b->cols[i], row, &s, &null));
        QL_TRY(null ? ql_buf_put_u8(cx, &x->out, 0) : ql_buf_put(cx, &x->out, s.p, s.n));
    }
    return QL_OK;
}

static ql_status
write_out(ql_ctx *cx, exporter *x)
{
    QL_TRY(ql_file_append(cx, &x->file, x->out.p, x->out.n));
    ql_buf_clear(&x->out);
    return QL_OK;
}

static ql_status
put_rows(ql_ctx *cx, exporter *x, const ql_batch *b)
{
    for (uint16_t k = 0; k < b->nsel; k++) {
        size_t before = x->out.n;
        uint16_t row = ql_batch_row(b, k);
        QL_TRY(x->into->dump ? put_dump(cx, x, b, row) : put_row(cx, x, b, row));
        QL_TRY(ql_bulk_count(cx, x->out.n - before));
        x->rows++;
        if (x->out.n >= WRITE_AT) {
            QL_TRY(write_out(cx, x));
        }
    }
    return QL_OK;
}

static ql_status
write_file(ql_ctx *cx, exporter *x, ql_block *block)
{
    ql_batch *b;
    ql_status st;
    while ((st = ql_block_next(cx, block, &b)) == QL_OK) {
        QL_TRY(put_rows(cx, x, b));
        if (cx->proc != NULL) {
            ql_proc_add_rows(cx->proc, 0, b->nsel);
        }
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(write_out(cx, x));
    QL_TRY(ql_check(cx));
    return ql_file_publish(cx, &x->file);
}

ql_status
qli_into_file(ql_ctx *cx, ql_run *run, const ql_query *q, const ql_ast_into_file *into,
              uint64_t *rows)
{
    exporter x = {.into = into, .q = q, .file = {.fd = -1}};
    const char *path;
    ql_block *block;
    x.out.quota = x.cell.quota = x.text.quota = ql_arena_quota(cx->arena);
    QL_TRY(init(cx, &x));
    QL_TRY(ql_acl_file_path(cx, into->file, true, &path));
    QL_TRY(ql_block_new(run, NULL, q, NULL, NULL, &block));
    QL_TRY(ql_file_begin(cx, path, FILE_MODE, &x.file));
    ql_status st = write_file(cx, &x, block);
    ql_file_abandon(&x.file);
    ql_buf_free(&x.out);
    ql_buf_free(&x.cell);
    ql_buf_free(&x.text);
    QL_TRY(st);
    run->out->decided = true;
    run->out->affected_rows = *rows = x.rows;
    return QL_OK;
}
