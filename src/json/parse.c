/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON text to a document, in one walk without recursion. Faults have MySQL's words (RapidJSON's)
 * and places. Looks at the kill flag by bytes (base/bulk.h). No locks, no waits.
 */
#include <string.h>

#include "base/bulk.h"
#include "json/json_int.h"

typedef struct parser {
    ql_json_builder *b;
    ql_str in;
    size_t at;
    ql_json_fault *fault;
    ql_buf text; /* a string with escapes */
} parser;

/* Not an error: the text is no JSON. */
static ql_status
refuse(parser *p, const char *what, size_t at)
{
    *p->fault = (ql_json_fault){what, at};
    return QL_END;
}

static inline int
here(const parser *p)
{
    return p->at < p->in.n ? (unsigned char)p->in.p[p->at] : -1;
}

static ql_status
skip_blanks(parser *p)
{
    size_t from = p->at;
    while (p->at < p->in.n) {
        char c = p->in.p[p->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            break;
        }
        if (++p->at - from >= 4096) {
            QL_TRY(ql_bulk_count(p->b->cx, p->at - from));
            from = p->at;
        }
    }
    return QL_OK;
}

/* ---- strings ---- */

/* From p->at on, what needs no look: to a quote, an escape, a control character. */
static ql_status
plain_run(parser *p, size_t *end, bool *ascii)
{
    size_t i = p->at, from = i;
    unsigned char any = 0;
    while (i < p->in.n) {
        unsigned char c = (unsigned char)p->in.p[i];
        if (c == '"' || c == '\\' || c < 0x20) {
            break;
        }
        any |= c;
        if (++i - from >= 16384) {
            QL_TRY(ql_bulk_count(p->b->cx, i - from));
            from = i;
        }
    }
    *end = i;
    *ascii = any < 0x80;
    return ql_bulk_count(p->b->cx, i - from);
}

static bool
four_digits(const parser *p, size_t at, uint32_t *v)
{
    *v = 0;
    for (size_t i = at; i < at + 4; i++) {
        int c = i < p->in.n ? (unsigned char)p->in.p[i] : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return false;
        }
        *v = *v << 4 | (uint32_t)digit;
    }
    return true;
}

/* Behind \u. */
static ql_status
unicode_escape(parser *p, size_t escape)
{
    uint32_t cp, low;
    char utf8[4];
    if (!four_digits(p, p->at, &cp)) {
        return refuse(p, "Incorrect hex digit after \\u escape in string.", escape);
    }
    p->at += 4;
    if (cp >= 0xd800 && cp <= 0xdfff) {
        bool pair = cp <= 0xdbff && p->at + 1 < p->in.n && p->in.p[p->at] == '\\' &&
                    p->in.p[p->at + 1] == 'u';
        if (!pair) {
            return refuse(p, "The surrogate pair in string is invalid.", escape);
        }
        if (!four_digits(p, p->at + 2, &low)) {
            return refuse(p, "Incorrect hex digit after \\u escape in string.", escape);
        }
        if (low < 0xdc00 || low > 0xdfff) {
            return refuse(p, "The surrogate pair in string is invalid.", escape);
        }
        p->at += 6;
        cp = (((cp - 0xd800) << 10) | (low - 0xdc00)) + 0x10000;
    }
    return ql_buf_put(p->b->cx, &p->text, utf8, (size_t)ql_utf8_encode(cp, utf8));
}

/* At the backslash. */
static ql_status
take_escape(parser *p)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t escape = p->at;
    int c = p->at + 1 < p->in.n ? (unsigned char)p->in.p[p->at + 1] : 0;
    p->at += 2;
    QL_TRY(ql_bulk_count(p->b->cx, 32));
    if (c == 'u') {
        return unicode_escape(p, escape);
    }
    const char *which = c != 0 ? strchr(from, c) : NULL;
    if (which == NULL) {
        return refuse(p, "Invalid escape character in string.", escape);
    }
    return ql_buf_put(p->b->cx, &p->text, &to[which - from], 1);
}

/* At the quote. *s: bytes of the text, or of p->text. */
static ql_status
take_string(parser *p, ql_str *s)
{
    bool whole = true;
    p->at++;
    ql_buf_clear(&p->text);
    for (;;) {
        size_t end, good;
        bool ascii;
        QL_TRY(plain_run(p, &end, &ascii));
        ql_str run = {p->in.p + p->at, end - p->at};
        if (!ascii) {
            QL_TRY(ql_utf8_valid_prefix_long(p->b->cx, run, &good));
            if (good < run.n) {
                return refuse(p, "Invalid encoding in string.", p->at + good);
            }
        }
        p->at = end;
        int c = here(p);
        if (c == '"' && whole) {
            *s = run;
            p->at++;
            return QL_OK;
        }
        QL_TRY(ql_buf_put(p->b->cx, &p->text, run.p, run.n));
        if (c == '"') {
            *s = (ql_str){p->text.p, p->text.n};
            p->at++;
            return QL_OK;
        }
        if (c <= 0) {
            return refuse(p, "Missing a closing quotation mark in string.", end);
        }
        if (c != '\\') {
            return refuse(p, "Invalid encoding in string.", end);
        }
        whole = false;
        QL_TRY(take_escape(p));
    }
}

/* ---- numbers and words ---- */

static ql_status
skip_digits(parser *p)
{
    size_t from = p->at;
    while (p->at < p->in.n && p->in.p[p->at] >= '0' && p->in.p[p->at] <= '9') {
        if (++p->at - from >= 4096) {
            QL_TRY(ql_bulk_count(p->b->cx, p->at - from));
            from = p->at;
        }
    }
    return QL_OK;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* One with a fraction, an exponent, or more than 64 bits. */
static ql_status
put_real(parser *p, size_t start)
{
    char room[QL_SHORT_TEXT];
    ql_str s = {p->in.p + start, p->at - start};
    size_t used;
    bool overflow;
    ql_decimal exact;
    QL_TRY(ql_text_for_number(p->b->cx, &s, room));
    if (p->b->decimals && ql_decimal_parse(&exact, s, &used) && used == s.n) {
        return ql_json_put_decimal(p->b, &exact);
    }
    double d = ql_double_parse(s, &used, &overflow);
    return overflow ? refuse(p, "Number too big to be stored in double.", start)
                    : ql_json_put_double(p->b, d);
}

static ql_status
take_fraction_and_exponent(parser *p, bool *real)
{
    *real = false;
    if (here(p) == '.') {
        *real = true;
        p->at++;
        if (!is_digit(here(p))) {
            return refuse(p, "Miss fraction part in number.", p->at);
        }
        QL_TRY(skip_digits(p));
    }
    if (here(p) == 'e' || here(p) == 'E') {
        *real = true;
        p->at++;
        p->at += here(p) == '+' || here(p) == '-';
        if (!is_digit(here(p))) {
            return refuse(p, "Miss exponent in number.", p->at);
        }
        QL_TRY(skip_digits(p));
    }
    return QL_OK;
}

static ql_status
take_number(parser *p)
{
    size_t start = p->at;
    bool negative = here(p) == '-', real, overflow = false, is_unsigned = false;
    p->at += negative;
    if (!is_digit(here(p))) {
        return refuse(p, "Invalid value.", p->at);
    }
    if (here(p) == '0') {
        p->at++;
    } else {
        QL_TRY(skip_digits(p));
    }
    size_t digits = p->at - start - negative;
    QL_TRY(take_fraction_and_exponent(p, &real));
    if (real || digits > 20) {
        return put_real(p, start);
    }
    uint64_t v = 0;
    for (size_t i = start + negative; i < p->at; i++) {
        overflow |= __builtin_mul_overflow(v, 10u, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(p->in.p[i] - '0'), &v);
    }
    is_unsigned = v > INT64_MAX;
    if (overflow || (negative && v > (uint64_t)INT64_MAX + 1)) {
        return put_real(p, start);
    }
    return negative      ? ql_json_put_int(p->b, (int64_t)(0 - v))
           : is_unsigned ? ql_json_put_uint(p->b, v)
                         : ql_json_put_int(p->b, (int64_t)v);
}

static ql_status
take_word(parser *p, const char *word)
{
    for (; *word != '\0'; word++, p->at++) {
        if (here(p) != (unsigned char)*word) {
            return refuse(p, "Invalid value.", p->at);
        }
    }
    return QL_OK;
}

/* ---- values ---- */

static ql_status
take_scalar(parser *p)
{
    ql_str s;
    switch (here(p)) {
    case '"':
        QL_TRY(take_string(p, &s));
        return ql_json_put_str(p->b, s);
    case 'n':
        QL_TRY(take_word(p, "null"));
        return ql_json_put_null(p->b);
    case 't':
        QL_TRY(take_word(p, "true"));
        return ql_json_put_bool(p->b, true);
    case 'f':
        QL_TRY(take_word(p, "false"));
        return ql_json_put_bool(p->b, false);
    default:
        return take_number(p);
    }
}

/* "name" : */
static ql_status
take_name(parser *p)
{
    ql_str s;
    QL_TRY(skip_blanks(p));
    if (here(p) != '"') {
        return refuse(p, "Missing a name for object member.", p->at);
    }
    QL_TRY(take_string(p, &s));
    QL_TRY(ql_json_put_key(p->b, s));
    QL_TRY(skip_blanks(p));
    if (here(p) != ':') {
        return refuse(p, "Missing a colon after a name of object member.", p->at);
    }
    p->at++;
    return QL_OK;
}

/* What is open is closed, as often as it is; *more: a value follows. */
static ql_status
take_ends(parser *p, bool *more)
{
    *more = false;
    while (p->b->depth > 0) {
        bool is_object = p->b->frames[p->b->depth - 1].is_object;
        QL_TRY(skip_blanks(p));
        int c = here(p);
        if (c == ',') {
            p->at++;
            *more = true;
            return is_object ? take_name(p) : QL_OK;
        }
        if (c != (is_object ? '}' : ']')) {
            return refuse(p,
                          is_object ? "Missing a comma or } after an object member."
                                    : "Missing a comma or ] after an array element.",
                          p->at);
        }
        p->at++;
        QL_TRY(ql_json_end(p->b));
    }
    return QL_OK;
}

/* A scalar, or the beginning of an array or object up to its first value. */
static ql_status
take_value(parser *p, bool *more)
{
    QL_TRY(skip_blanks(p));
    QL_TRY(ql_bulk_count(p->b->cx, 32));
    int c = here(p);
    if (c != '[' && c != '{') {
        QL_TRY(take_scalar(p));
        return take_ends(p, more);
    }
    QL_TRY(ql_json_begin(p->b, c == '{'));
    p->at++;
    QL_TRY(skip_blanks(p));
    if (here(p) == (c == '{' ? '}' : ']')) {
        p->at++;
        QL_TRY(ql_json_end(p->b));
        return take_ends(p, more);
    }
    *more = true;
    return c == '{' ? take_name(p) : QL_OK;
}

static ql_status
take_document(parser *p)
{
    bool more = true;
    QL_TRY(skip_blanks(p));
    if (p->at == p->in.n) {
        return refuse(p, "The document is empty.", p->at);
    }
    while (more) {
        QL_TRY(take_value(p, &more));
    }
    QL_TRY(skip_blanks(p));
    return p->at == p->in.n
               ? QL_OK
               : refuse(p, "The document root must not be followed by other values.", p->at);
}

ql_status
ql_json_parse(ql_json_builder *b, ql_str text, ql_json_fault *fault)
{
    parser p = {.b = b, .in = text, .fault = fault, .text = {.quota = b->out.quota}};
    *fault = (ql_json_fault){0};
    ql_status st = take_document(&p);
    ql_buf_free(&p.text);
    return st == QL_END ? QL_OK : st;
}
