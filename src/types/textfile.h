/* SPDX-License-Identifier: Apache-2.0
 *
 * Text files of rows, as SELECT ... INTO OUTFILE writes and LOAD DATA reads them (manual, "LOAD
 * DATA Statement", Field and Line Handling): fields and lines with terminators, quotes and escapes,
 * or fields of fixed width. Knows bytes, not values. The reader takes pieces of any size and gives
 * the same rows however the file is cut.
 */
#ifndef QL_TYPES_TEXTFILE_H
#define QL_TYPES_TEXTFILE_H

#include "base/buf.h"
#include "types/collate.h"

/* In the character set of the file. */
typedef struct ql_text_format {
    ql_str field_term;
    ql_str enclosed, escaped; /* one byte, or empty */
    ql_str line_term, line_start;
    bool optionally;    /* only strings are enclosed */
    bool escaped_given; /* the text of the statement says ESCAPED BY */
} ql_text_format;
/* Tabs, new-lines, backslashes: what holds when a statement does not say otherwise. */
#define QL_TEXT_FORMAT_USUAL                                                                       \
    ((ql_text_format){                                                                             \
        .field_term = QL_STR("\t"), .escaped = QL_STR("\\"), .line_term = QL_STR("\n")})

static inline bool
ql_text_is_fixed(const ql_text_format *f)
{
    return f->field_term.n == 0 && f->enclosed.n == 0;
}

/* Can files of cs be read and written byte by byte? Not those of which every character has two
 * bytes or more. */
bool ql_text_charset_fits(const ql_charset *cs);
/* f, in utf8mb4 as a statement says it, for a file of cs (NULL: as it is). no_backslash: sql_mode
 * has NO_BACKSLASH_ESCAPES. 1083 when quote or escape are longer than one byte. New bytes in a. */
ql_status ql_text_format_settle(ql_ctx *cx, struct ql_arena *a, ql_text_format *f,
                                const ql_charset *cs, bool no_backslash) QL_MUST_USE;

/* ---- reading ---- */

/* The next bytes of the file, valid until the next call; never none. QL_END: there are no more (it
 * is not asked again). */
typedef ql_status (*ql_text_more)(ql_ctx *cx, void *arg, ql_str *bytes);

typedef struct ql_text_field {
    size_t at, n; /* bytes of the row, escapes undone, quotes gone */
    bool is_null;
} ql_text_field;

/* Owner: the statement; ql_text_reader_fini gives its memory back. */
typedef struct ql_text_reader {
    ql_text_more more;
    void *arg;
    ql_text_format f;
    size_t max_row;        /* 1153 for a row of more bytes */
    ql_text_field *fields; /* [nwant] of the row in work */
    uint32_t nwant, nfields;
    ql_buf row; /* its bytes */
    bool cut;   /* its line has more than was asked for */

    /* How it works: first bytes of what is looked for (-1 = nothing is), where it stands. */
    int field_first, line_first, enclosed, escape;
    bool eof, row_over, line_start_due;
    const uint8_t *p, *end; /* part of the piece in work */
    const uint8_t *piece_end;
    uint8_t *back; /* bytes to be read again, the next one last */
    size_t nback;
    bool ended;     /* more has said so */
    bool lead[256]; /* first bytes of characters whose second byte may look like any of them */
    bool plain[256], quoted[256]; /* bytes that may mean something outside and inside quotes */
} ql_text_reader;

/* f's strings stay valid; want: fields of a row at most, > 0; memory from a, the row's from its
 * quota. QL_ERROR 1037. */
ql_status ql_text_reader_init(ql_ctx *cx, struct ql_arena *a, ql_text_reader *r,
                              const ql_text_format *f, const ql_charset *cs, uint32_t want,
                              ql_text_more more, void *arg) QL_MUST_USE;
void ql_text_reader_fini(ql_text_reader *r);
/* Over n lines; where lines have no end of their own, over n rows (of width bytes when fixed). */
ql_status ql_text_skip(ql_ctx *cx, ql_text_reader *r, uint64_t n, size_t width) QL_MUST_USE;
/* The next row: its fields, at most `want`. QL_END: there is none. */
ql_status ql_text_row(ql_ctx *cx, ql_text_reader *r) QL_MUST_USE;
/* The same of a file with fixed fields: at most width bytes in r->row. */
ql_status ql_text_fixed_row(ql_ctx *cx, ql_text_reader *r, size_t width) QL_MUST_USE;
/* Bytes of a field; valid until the next row. */
static inline ql_str
ql_text_bytes(const ql_text_reader *r, uint32_t i)
{
    return (ql_str){r->row.p + r->fields[i].at, r->fields[i].n};
}

/* ---- writing ---- */

typedef struct ql_text_writer {
    ql_text_format f;
    bool fixed;
    bool ambiguous;   /* what is written may be read as something else (manual: warning 1475) */
    bool doubles;     /* the separator would mean something else escaped: it is written twice */
    bool numbers_too; /* a number may contain the separator */
    int separator, escape;        /* -1 = none */
    bool lead[256];               /* as the reader's */
    bool plain[256], quoted[256]; /* to be escaped outside and inside quotes */
} ql_text_writer;

/* strings, numbers: there are such columns. */
void ql_text_writer_init(ql_text_writer *w, const ql_text_format *f, const ql_charset *cs,
                         bool strings, bool numbers);
/* A value, without its terminator. is_text: quotes and escapes; width: of a fixed field. */
ql_status ql_text_put(ql_ctx *cx, const ql_text_writer *w, ql_buf *out, ql_str bytes, bool is_text,
                      size_t width) QL_MUST_USE;
ql_status ql_text_put_null(ql_ctx *cx, const ql_text_writer *w, ql_buf *out,
                           size_t width) QL_MUST_USE;

#endif
