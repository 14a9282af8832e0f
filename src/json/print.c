/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents as text: as MySQL prints them (", " and ": "), pretty, and scalars without quotes.
 * Recursion is bounded by the nest of documents. Looks at the kill flag. No locks, no waits.
 */
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "json/json_int.h"

/* ---- strings ---- */

/* What stands behind the backslash; 0: no backslash; 'u': four digits. */
static char
escape_of(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return c < 0x20 ? 'u' : 0;
    }
}

static ql_status
put_escape(ql_ctx *cx, unsigned char c, ql_buf *out)
{
    char text[8] = {'\\', escape_of(c)};
    QL_TRY(ql_bulk_count(cx, 32));
    if (text[1] != 'u') {
        return ql_buf_put(cx, out, text, 2);
    }
    snprintf(text, sizeof text, "\\u%04x", c);
    return ql_buf_put(cx, out, text, 6);
}

ql_status
ql_json_print_quoted(ql_ctx *cx, ql_str s, ql_buf *out)
{
    QL_TRY(ql_buf_reserve(cx, out, s.n + 2));
    QL_TRY(ql_buf_put_u8(cx, out, '"'));
    for (size_t i = 0, from = 0; from < s.n; from = i) {
        while (i < s.n && i - from < 16384 && escape_of((unsigned char)s.p[i]) == 0) {
            i++;
        }
        QL_TRY(ql_buf_put(cx, out, s.p + from, i - from));
        if (i < s.n && escape_of((unsigned char)s.p[i]) != 0) {
            QL_TRY(put_escape(cx, (unsigned char)s.p[i++], out));
        }
    }
    return ql_buf_put_u8(cx, out, '"');
}

/* ---- scalars ---- */

static ql_status
put_base64(ql_ctx *cx, ql_str s, ql_buf *out)
{
    static const char t[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t w = (uint32_t)(unsigned char)s.p[i] << 16;
        w |= i + 1 < s.n ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        w |= i + 2 < s.n ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
        char four[4] = {t[w >> 18], t[(w >> 12) & 63], i + 1 < s.n ? t[(w >> 6) & 63] : '=',
                        i + 2 < s.n ? t[w & 63] : '='};
        QL_TRY(ql_buf_put(cx, out, four, 4));
    }
    return QL_OK;
}

/* Quoted or not. */
static ql_status
put_opaque(ql_ctx *cx, const ql_json *v, bool quoted, ql_buf *out)
{
    QL_TRY(ql_buf_printf(cx, out, "%sbase64:type%u:", quoted ? "\"" : "", v->field));
    QL_TRY(put_base64(cx, v->s, out));
    return quoted ? ql_buf_put_u8(cx, out, '"') : QL_OK;
}

static size_t
temporal_text(const ql_json *v, char out[32])
{
    ql_dt t;
    if (v->type == QL_JSON_TIME) {
        ql_time_unpack(v->i, &t);
        return ql_time_print(&t, 6, out);
    }
    ql_dt_unpack(v->i, &t);
    return v->type == QL_JSON_DATE ? ql_date_print(&t, out) : ql_dt_print(&t, 6, out);
}

static ql_status
put_temporal(ql_ctx *cx, const ql_json *v, bool quoted, ql_buf *out)
{
    char text[40];
    size_t n = temporal_text(v, text + 1);
    text[0] = text[n + 1] = '"';
    return quoted ? ql_buf_put(cx, out, text, n + 2) : ql_buf_put(cx, out, text + 1, n);
}

/* A double that is whole is told from an integer. */
static ql_status
put_double(ql_ctx *cx, double d, ql_buf *out)
{
    char text[QL_DOUBLE_TEXT_MAX + 2];
    size_t n = ql_double_print(d, text);
    if (memchr(text, '.', n) == NULL && memchr(text, 'e', n) == NULL) {
        memcpy(text + n, ".0", 2);
        n += 2;
    }
    return ql_buf_put(cx, out, text, n);
}

static ql_status
put_scalar(ql_ctx *cx, const ql_json *v, bool quoted, ql_buf *out)
{
    char text[QL_DECIMAL_TEXT_MAX];
    switch (v->type) {
    case QL_JSON_NULL:
        return ql_buf_put(cx, out, "null", 4);
    case QL_JSON_BOOL:
        return ql_buf_put_str(cx, out, v->b ? "true" : "false");
    case QL_JSON_INT:
    case QL_JSON_UINT:
        return ql_buf_put(cx, out, text, ql_int_print(v->i, v->type == QL_JSON_UINT, text));
    case QL_JSON_DOUBLE:
        return put_double(cx, v->d, out);
    case QL_JSON_DECIMAL:
        return ql_buf_put(cx, out, text, ql_decimal_print(&v->dec, text));
    case QL_JSON_STRING:
        return quoted ? ql_json_print_quoted(cx, v->s, out) : ql_buf_put(cx, out, v->s.p, v->s.n);
    case QL_JSON_DATE:
    case QL_JSON_TIME:
    case QL_JSON_DATETIME:
        return put_temporal(cx, v, quoted, out);
    case QL_JSON_OPAQUE:
        return put_opaque(cx, v, quoted, out);
    case QL_JSON_ARRAY:
    case QL_JSON_OBJECT:
        break;
    }
    return QL_OK;
}

/* ---- arrays and objects ---- */

/* indent < 0: on one line. */
static ql_status print(ql_ctx *cx, const ql_json *v, int indent, ql_buf *out);

static ql_status
new_line(ql_ctx *cx, int indent, ql_buf *out)
{
    char blanks[1 + 2 * (QL_JSON_NEST + 1)];
    size_t n = 1 + 2 * (size_t)indent;
    memset(blanks, ' ', n);
    blanks[0] = '\n';
    return ql_buf_put(cx, out, blanks, n);
}

static ql_status
print_elements(ql_ctx *cx, const ql_json *v, int indent, ql_buf *out)
{
    int below = indent < 0 ? indent : indent + 1;
    for (uint32_t i = 0; i < v->n; i++) {
        ql_json e;
        ql_str key;
        QL_TRY(ql_bulk_count(cx, 32));
        if (indent >= 0) {
            QL_TRY(i > 0 ? ql_buf_put_u8(cx, out, ',') : QL_OK);
            QL_TRY(new_line(cx, below, out));
        } else if (i > 0) {
            QL_TRY(ql_buf_put(cx, out, ", ", 2));
        }
        if (v->type == QL_JSON_OBJECT) {
            QL_TRY(ql_json_key(cx, v, i, &key));
            QL_TRY(ql_json_print_quoted(cx, key, out));
            QL_TRY(ql_buf_put(cx, out, ": ", 2));
        }
        QL_TRY(ql_json_at(cx, v, i, &e));
        QL_TRY(print(cx, &e, below, out));
    }
    return indent >= 0 && v->n > 0 ? new_line(cx, indent, out) : QL_OK;
}

static ql_status
print(ql_ctx *cx, const ql_json *v, int indent, ql_buf *out)
{
    if (!ql_json_is_container(v)) {
        return put_scalar(cx, v, true, out);
    }
    bool is_object = v->type == QL_JSON_OBJECT;
    QL_TRY(ql_buf_put_u8(cx, out, is_object ? '{' : '['));
    QL_TRY(print_elements(cx, v, indent, out));
    return ql_buf_put_u8(cx, out, is_object ? '}' : ']');
}

ql_status
ql_json_print(ql_ctx *cx, const ql_json *v, ql_buf *out)
{
    return print(cx, v, -1, out);
}

ql_status
ql_json_print_pretty(ql_ctx *cx, const ql_json *v, ql_buf *out)
{
    return print(cx, v, 0, out);
}

ql_status
ql_json_print_plain(ql_ctx *cx, const ql_json *v, ql_buf *out)
{
    return ql_json_is_container(v) ? print(cx, v, -1, out) : put_scalar(cx, v, false, out);
}
