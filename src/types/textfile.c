/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of a text file of rows, and what its character set means for it.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "types/textfile_int.h"

static bool
is_named(const ql_charset *cs, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(cs->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void
qli_text_leads(const ql_charset *cs, bool lead[256])
{
    static const char *const all_high[] = {"gbk", "gb18030", "big5"};
    static const char *const japanese[] = {"sjis", "cp932"};
    bool high = cs != NULL && is_named(cs, all_high, QL_ARRAY_LEN(all_high));
    bool jp = cs != NULL && is_named(cs, japanese, QL_ARRAY_LEN(japanese));
    for (int c = 0; c < 256; c++) {
        lead[c] = (high && c >= 0x81 && c <= 0xfe) ||
                  (jp && ((c >= 0x81 && c <= 0x9f) || (c >= 0xe0 && c <= 0xfc)));
    }
}

bool
ql_text_charset_fits(const ql_charset *cs)
{
    static const char *const wide[] = {"ucs2", "utf16", "utf16le", "utf32"};
    return !is_named(cs, wide, QL_ARRAY_LEN(wide));
}

static bool
is_ascii(ql_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] > 0x7f) {
            return false;
        }
    }
    return true;
}

/* Text that is no UTF-8 was given as bytes and stays. */
static ql_status
encode(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str *s)
{
    ql_buf b = {0};
    bool lossy = false;
    if (is_ascii(*s) || ql_utf8_valid_prefix(*s) != s->n) {
        return QL_OK;
    }
    ql_status st = ql_charset_to_client(cx, cs, *s, &b, &lossy);
    if (st == QL_OK) {
        s->p = ql_arena_strndup(cx, a, b.p, b.n);
        s->n = b.n;
        st = s->p != NULL ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}

ql_status
ql_text_format_settle(ql_ctx *cx, struct ql_arena *a, ql_text_format *f, const ql_charset *cs,
                      bool no_backslash)
{
    ql_str *all[] = {&f->field_term, &f->enclosed, &f->escaped, &f->line_term, &f->line_start};
    if (f->enclosed.n > 1 || f->escaped.n > 1) {
        return ql_fail(cx, QL_ER_WRONG_FIELD_TERMINATORS);
    }
    if (no_backslash && !f->escaped_given) {
        f->escaped.n = 0;
    }
    bool ascii = true;
    for (size_t i = 0; i < QL_ARRAY_LEN(all); i++) {
        ascii = ascii && is_ascii(*all[i]);
        if (cs != NULL) {
            QL_TRY(encode(cx, a, cs, all[i]));
        }
    }
    if (!ascii) {
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_WARN_NON_ASCII_SEPARATOR_NOT_IMPLEMENTED);
    }
    return QL_OK;
}
