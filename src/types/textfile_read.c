/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading text files of rows. What stands where: the manual's "LOAD DATA Statement". Bytes come
 * through next_byte; those of a terminator that turned out to be none go back and are read again,
 * so the end of a piece may be anywhere. Runs of ordinary bytes are copied as they lie.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "types/textfile_int.h"

static size_t
longest_terminator(const ql_text_format *f)
{
    size_t n = f->field_term.n > f->line_term.n ? f->field_term.n : f->line_term.n;
    return n > f->line_start.n ? n : f->line_start.n;
}

static void
mark(bool table[256], int c)
{
    if (c >= 0) {
        table[c] = true;
    }
}

ql_status
ql_text_reader_init(ql_ctx *cx, struct ql_arena *a, ql_text_reader *r, const ql_text_format *f,
                    const ql_charset *cs, uint32_t want, ql_text_more more, void *arg)
{
    *r = (ql_text_reader){.more = more, .arg = arg, .f = *f, .max_row = SIZE_MAX};
    r->row.quota = ql_arena_quota(a);
    if (f->field_term.n == f->line_term.n && ql_str_eq(f->field_term, f->line_term)) {
        r->f.line_term = (ql_str){0}; /* fields are told apart, lines by their number */
    }
    r->field_first = qli_first_byte(r->f.field_term);
    r->line_first = qli_first_byte(r->f.line_term);
    r->enclosed = qli_first_byte(f->enclosed);
    r->escape = qli_first_byte(f->escaped);
    r->line_start_due = f->line_start.n != 0;
    r->fields = QL_ARENA_ARRAY(cx, a, ql_text_field, want);
    r->nwant = want;
    r->back = ql_arena_alloc(cx, a, longest_terminator(f) + 4);
    if (r->fields == NULL || r->back == NULL) {
        return QL_ERROR;
    }
    qli_text_leads(cs, r->lead);
    memcpy(r->plain, r->lead, sizeof r->plain);
    memcpy(r->quoted, r->lead, sizeof r->quoted);
    mark(r->plain, r->escape);
    mark(r->plain, r->field_first);
    mark(r->plain, r->line_first);
    mark(r->quoted, r->escape);
    mark(r->quoted, r->enclosed);
    return QL_OK;
}

void
ql_text_reader_fini(ql_text_reader *r)
{
    ql_buf_free(&r->row);
}

/* ---- bytes ---- */

/* The next part of the piece, or of the next piece; r->ended behind the last. */
static ql_status
next_part(ql_ctx *cx, ql_text_reader *r)
{
    QL_TRY(ql_check(cx));
    if (r->p == r->piece_end && !r->ended) {
        ql_str piece;
        ql_status st = r->more(cx, r->arg, &piece);
        r->ended = st == QL_END;
        if (st != QL_OK) {
            return r->ended ? QL_OK : st;
        }
        r->p = (const uint8_t *)piece.p;
        r->piece_end = r->p + piece.n;
    }
    size_t left = (size_t)(r->piece_end - r->p);
    r->end = r->p + (left < QL_BULK_PIECE ? left : QL_BULK_PIECE);
    return QL_OK;
}

/* -1 behind the last. */
static inline ql_status
next_byte(ql_ctx *cx, ql_text_reader *r, int *c)
{
    if (QL_UNLIKELY(r->nback != 0)) {
        *c = r->back[--r->nback];
        return QL_OK;
    }
    if (QL_UNLIKELY(r->p == r->end)) {
        if (!r->ended) {
            QL_TRY(next_part(cx, r));
        }
        if (r->ended) {
            *c = -1;
            return QL_OK;
        }
    }
    *c = *r->p++;
    return QL_OK;
}

static void
put_back(ql_text_reader *r, int c)
{
    if (c >= 0) {
        r->back[r->nback++] = (uint8_t)c;
    }
}

/* The first byte of term was read: do the others follow? They stay unread when not. */
static ql_status
is_terminator(ql_ctx *cx, ql_text_reader *r, ql_str term, bool *yes)
{
    for (size_t i = 1; i < term.n; i++) {
        int c;
        QL_TRY(next_byte(cx, r, &c));
        if (c != (uint8_t)term.p[i]) {
            put_back(r, c);
            while (--i > 0) {
                put_back(r, (uint8_t)term.p[i]);
            }
            *yes = false;
            return QL_OK;
        }
    }
    *yes = true;
    return QL_OK;
}

/* ---- the row ---- */

static ql_status
keep(ql_ctx *cx, ql_text_reader *r, const void *p, size_t n)
{
    if (r->row.n + n > r->max_row) {
        return ql_fail(cx, QL_ER_NET_PACKET_TOO_LARGE);
    }
    return ql_buf_put(cx, &r->row, p, n);
}

static ql_status
keep_byte(ql_ctx *cx, ql_text_reader *r, int c)
{
    char byte = (char)c;
    return keep(cx, r, &byte, 1);
}

/* Ordinary bytes that lie next to each other. */
static ql_status
keep_run(ql_ctx *cx, ql_text_reader *r, const bool stop[256])
{
    if (r->nback != 0) {
        return QL_OK;
    }
    const uint8_t *p = r->p;
    while (p < r->end && !stop[*p]) {
        p++;
    }
    const uint8_t *from = r->p;
    r->p = p;
    return p > from ? keep(cx, r, from, (size_t)(p - from)) : QL_OK;
}

/* A character of two bytes, the first of which was read. */
static ql_status
keep_pair(ql_ctx *cx, ql_text_reader *r, int c)
{
    int second;
    QL_TRY(keep_byte(cx, r, c));
    QL_TRY(next_byte(cx, r, &second));
    return second >= 0 ? keep_byte(cx, r, second) : QL_OK;
}

static int
unescaped(int c, bool *found_null)
{
    static const char from[] = "ntrb0Z", to[] = "\n\t\r\b\0\032";
    const char *at = c != 0 ? strchr(from, c) : NULL;
    *found_null = *found_null || c == 'N';
    return at != NULL ? (uint8_t)to[at - from] : c;
}

static ql_status
find_line_start(ql_ctx *cx, ql_text_reader *r)
{
    int first = qli_first_byte(r->f.line_start);
    bool found = false;
    r->line_start_due = false;
    while (!found) {
        int c;
        QL_TRY(next_byte(cx, r, &c));
        if (c < 0) {
            r->eof = r->row_over = true;
            return QL_OK;
        }
        if (c == first) {
            QL_TRY(is_terminator(cx, r, r->f.line_start, &found));
        }
    }
    return QL_OK;
}

/* What the byte c of a field in work turns out to be. */
typedef enum meaning { ORDINARY, FIELD_END, LINE_END, FILE_END } meaning;

/* c is the quote that the field began with. Twice it is a byte of the field, before a terminator
 * the end, else an ordinary byte. */
static ql_status
look_behind_quote(ql_ctx *cx, ql_text_reader *r, meaning *m)
{
    int c;
    bool yes = false;
    *m = ORDINARY;
    QL_TRY(next_byte(cx, r, &c));
    if (c == r->enclosed) {
        return keep_byte(cx, r, c);
    }
    if (c < 0) {
        r->eof = true;
        *m = LINE_END;
        return QL_OK;
    }
    if (c == r->line_first) {
        QL_TRY(is_terminator(cx, r, r->f.line_term, &yes));
        *m = yes ? LINE_END : ORDINARY;
    }
    if (!yes && c == r->field_first) {
        QL_TRY(is_terminator(cx, r, r->f.field_term, &yes));
        *m = yes ? FIELD_END : ORDINARY;
    }
    if (!yes) {
        put_back(r, c);
        return keep_byte(cx, r, r->enclosed);
    }
    return QL_OK;
}

/* The byte behind the escape character; *quote: they are the same character, and it stands alone.
 */
static ql_status
take_escaped(ql_ctx *cx, ql_text_reader *r, bool *found_null, meaning *m, bool *quote)
{
    int c;
    QL_TRY(next_byte(cx, r, &c));
    if (c < 0) {
        *m = FILE_END;
        return keep_byte(cx, r, r->escape);
    }
    *quote = r->escape == r->enclosed && c != r->escape;
    if (*quote) {
        put_back(r, c);
        return QL_OK;
    }
    return keep_byte(cx, r, unescaped(c, found_null));
}

static ql_status
take_byte(ql_ctx *cx, ql_text_reader *r, bool quoted, bool *found_null, meaning *m)
{
    int c;
    bool yes = false, lone = false;
    *m = ORDINARY;
    QL_TRY(next_byte(cx, r, &c));
    if (c < 0) {
        *m = FILE_END;
        return QL_OK;
    }
    if (c == r->escape) {
        QL_TRY(take_escaped(cx, r, found_null, m, &lone));
        if (!lone) {
            return QL_OK;
        }
    }
    if (quoted) {
        if (c == r->enclosed) {
            return look_behind_quote(cx, r, m);
        }
    } else {
        if (c == r->line_first) {
            QL_TRY(is_terminator(cx, r, r->f.line_term, &yes));
            *m = yes ? LINE_END : ORDINARY;
        }
        if (!yes && c == r->field_first) {
            QL_TRY(is_terminator(cx, r, r->f.field_term, &yes));
            *m = yes ? FIELD_END : ORDINARY;
        }
    }
    if (yes) {
        return QL_OK;
    }
    return r->lead[c] ? keep_pair(cx, r, c) : keep_byte(cx, r, c);
}

static void
end_field(ql_text_reader *r, ql_text_field *f, bool quoted, bool found_null, meaning m)
{
    bool closed = quoted && m != FILE_END;
    f->at += closed ? 1 : 0; /* without its end a quote is a byte like others */
    f->n = r->row.n - f->at;
    bool word =
        !closed && r->enclosed >= 0 && f->n == 4 && memcmp(r->row.p + f->at, "NULL", 4) == 0;
    f->is_null = word || (found_null && f->n == 1);
    r->row_over = m == LINE_END || m == FILE_END;
    r->eof = r->eof || m == FILE_END;
}

/* *got false: the row has no more. */
static ql_status
read_field(ql_ctx *cx, ql_text_reader *r, ql_text_field *f, bool *got)
{
    int c;
    bool found_null = false;
    meaning m = ORDINARY;
    *got = false;
    if (r->line_start_due && !r->row_over) {
        QL_TRY(find_line_start(cx, r));
    }
    if (r->row_over) {
        return QL_OK;
    }
    QL_TRY(next_byte(cx, r, &c));
    if (c < 0) {
        r->row_over = r->eof = true;
        return QL_OK;
    }
    bool quoted = c == r->enclosed;
    *f = (ql_text_field){.at = r->row.n};
    if (quoted) {
        QL_TRY(keep_byte(cx, r, c));
    } else {
        put_back(r, c);
    }
    while (m == ORDINARY) {
        QL_TRY(keep_run(cx, r, quoted ? r->quoted : r->plain));
        QL_TRY(take_byte(cx, r, quoted, &found_null, &m));
    }
    end_field(r, f, quoted, found_null, m);
    *got = true;
    return QL_OK;
}

/* To the beginning of the next line. */
static ql_status
end_line(ql_ctx *cx, ql_text_reader *r)
{
    bool yes = false;
    r->cut = false;
    r->line_start_due = r->f.line_start.n != 0;
    if (r->row_over || r->eof || r->f.line_term.n == 0) {
        r->row_over = false;
        return QL_OK;
    }
    while (!yes) {
        int c, second;
        QL_TRY(next_byte(cx, r, &c));
        if (c < 0) {
            r->eof = true;
            r->cut = false; /* nobody says how long a last line without an end is */
            return QL_OK;
        }
        if (c == r->line_first) {
            QL_TRY(is_terminator(cx, r, r->f.line_term, &yes));
        } else if (c == r->escape || r->lead[c]) {
            QL_TRY(next_byte(cx, r, &second));
        }
        r->cut = r->cut || !yes;
    }
    return QL_OK;
}

ql_status
ql_text_row(ql_ctx *cx, ql_text_reader *r)
{
    uint32_t n = 0;
    bool got = true;
    r->row.n = 0;
    r->nfields = 0;
    if (r->eof) {
        return QL_END;
    }
    while (got && n < r->nwant) {
        QL_TRY(read_field(cx, r, &r->fields[n], &got));
        n += got ? 1 : 0;
    }
    if (n == 0) {
        return QL_END;
    }
    r->nfields = n;
    return end_line(cx, r);
}

ql_status
ql_text_fixed_row(ql_ctx *cx, ql_text_reader *r, size_t width)
{
    bool null = false, yes = false;
    r->row.n = 0;
    if (r->eof) {
        return QL_END;
    }
    if (r->line_start_due) {
        QL_TRY(find_line_start(cx, r));
    }
    while (!r->row_over && r->row.n < width) {
        int c;
        QL_TRY(next_byte(cx, r, &c));
        if (c < 0) {
            r->row_over = r->eof = true;
        } else if (c == r->escape) {
            int second;
            QL_TRY(next_byte(cx, r, &second));
            QL_TRY(keep_byte(cx, r, second >= 0 ? unescaped(second, &null) : c));
            r->row_over = r->eof = second < 0;
        } else {
            if (c == r->line_first) {
                QL_TRY(is_terminator(cx, r, r->f.line_term, &yes));
                r->row_over = yes;
            }
            if (!yes) {
                QL_TRY(keep_byte(cx, r, c));
            }
        }
    }
    return r->eof && r->row.n == 0 ? QL_END : end_line(cx, r);
}

ql_status
ql_text_skip(ql_ctx *cx, ql_text_reader *r, uint64_t n, size_t width)
{
    for (uint64_t i = 0; i < n && !r->eof; i++) {
        ql_status st = r->f.line_term.n != 0 ? end_line(cx, r)
                       : width != 0          ? ql_text_fixed_row(cx, r, width)
                                             : ql_text_row(cx, r);
        if (st != QL_OK) {
            return st == QL_END ? QL_OK : st;
        }
        QL_TRY(ql_check(cx));
    }
    return QL_OK;
}
