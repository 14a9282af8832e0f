/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing text files of rows. What is escaped: the manual's "LOAD DATA Statement", FIELDS ESCAPED
 * BY: the escape character itself, the quote, the first character of the terminators, and ASCII 0.
 */
#include <string.h>

#include "base/bulk.h"
#include "types/textfile_int.h"

static bool
is_one_of(int c, const char *set)
{
    return c > 0 && strchr(set, c) != NULL;
}

static void
mark(bool table[256], int c)
{
    if (c >= 0) {
        table[c] = true;
    }
}

void
ql_text_writer_init(ql_text_writer *w, const ql_text_format *f, const ql_charset *cs, bool strings,
                    bool numbers)
{
    static const char numeric[] = ".0123456789e+-", escapes[] = "ntrb0ZN";
    *w = (ql_text_writer){.f = *f, .fixed = ql_text_is_fixed(f)};
    int field_first = qli_first_byte(f->field_term);
    if (f->line_term.n == 0) {
        w->f.line_term = f->field_term;
    }
    w->f.optionally = f->enclosed.n == 0 || (f->optionally && f->field_term.n != 0);
    w->separator = f->enclosed.n != 0 ? qli_first_byte(f->enclosed) : field_first;
    w->escape = qli_first_byte(f->escaped);
    w->doubles = is_one_of(w->separator, escapes);
    w->numbers_too = is_one_of(w->separator, numeric);
    w->ambiguous = (w->doubles && f->enclosed.n == 0 && (strings || w->numbers_too)) ||
                   (w->f.optionally && numbers && is_one_of(field_first, numeric));
    qli_text_leads(cs, w->lead);
    int line_first = qli_first_byte(w->f.line_term);
    w->plain[0] = w->quoted[0] = true;
    mark(w->plain, w->escape);
    mark(w->quoted, w->escape);
    mark(w->plain, line_first);
    mark(w->quoted, line_first);
    mark(w->quoted, w->separator);
    if (f->enclosed.n != 0 || !w->ambiguous) {
        mark(w->plain, field_first);
    } else if (field_first >= 0 && field_first != line_first && field_first != w->escape) {
        w->plain[field_first] = false; /* doubled it would only end the field once more */
    }
}

static ql_status
put_escaped(ql_ctx *cx, const ql_text_writer *w, ql_buf *out, const bool table[256], ql_str s)
{
    size_t from = 0, i = 0;
    while (i < s.n) {
        uint8_t c = (uint8_t)s.p[i];
        bool special = table[c] && !(w->lead[c] && i + 1 < s.n);
        if (!special) {
            i += w->lead[c] && i + 1 < s.n ? 2 : 1;
        }
        if (special || i - from >= QL_BULK_PIECE) {
            QL_TRY(ql_buf_put(cx, out, s.p + from, i - from));
            QL_TRY(ql_bulk_count(cx, i - from));
            from = i;
        }
        if (special) {
            bool twice = w->doubles && c == w->separator;
            char two[2] = {(char)(twice ? w->separator : w->escape), c != 0 ? (char)c : '0'};
            QL_TRY(ql_buf_put(cx, out, two, 2));
            from = ++i;
        }
    }
    return ql_buf_put(cx, out, s.p + from, i - from);
}

static ql_status
put_spaces(ql_ctx *cx, ql_buf *out, size_t n)
{
    QL_TRY(ql_buf_reserve(cx, out, n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_buf_put_u8(cx, out, ' '));
    }
    return ql_bulk_count(cx, n);
}

ql_status
ql_text_put(ql_ctx *cx, const ql_text_writer *w, ql_buf *out, ql_str bytes, bool is_text,
            size_t width)
{
    bool quote = w->f.enclosed.n != 0 && (!w->f.optionally || is_text);
    if (w->fixed && bytes.n > width) {
        bytes.n = width;
    }
    if (quote) {
        QL_TRY(ql_buf_put(cx, out, w->f.enclosed.p, 1));
    }
    if (w->escape >= 0 && (is_text || w->numbers_too)) {
        QL_TRY(put_escaped(cx, w, out, quote ? w->quoted : w->plain, bytes));
    } else {
        QL_TRY(ql_buf_put(cx, out, bytes.p, bytes.n));
    }
    if (w->fixed) {
        QL_TRY(put_spaces(cx, out, width - bytes.n));
    }
    return quote ? ql_buf_put(cx, out, w->f.enclosed.p, 1) : QL_OK;
}

ql_status
ql_text_put_null(ql_ctx *cx, const ql_text_writer *w, ql_buf *out, size_t width)
{
    if (w->fixed) {
        return put_spaces(cx, out, width);
    }
    if (w->escape < 0) {
        return ql_buf_put_str(cx, out, "NULL");
    }
    char two[2] = {(char)w->escape, 'N'};
    return ql_buf_put(cx, out, two, 2);
}
