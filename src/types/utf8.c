/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8, in which all texts are held, and letter case. Other character sets are in charset.c. Runs
 * in the thread of the statement; no locks, no waits, looks at the kill flag every 64 KiB.
 */
#include <string.h>
#include <unicode/uchar.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "intr/intr.h"
#include "types/charset_int.h"
#include "types/collate.h"

#define CHECK_BYTES 32768

int
ql_utf8_decode(const char *p, size_t n, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)p;
    if (n == 0) {
        return 0;
    }
    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    if (s[0] < 0xc2) {
        return 0;
    }
    if (s[0] < 0xe0) {
        if (n < 2 || (s[1] & 0xc0) != 0x80) {
            return 0;
        }
        *cp = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
        return 2;
    }
    if (s[0] < 0xf0) {
        if (n < 3 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80) {
            return 0;
        }
        uint32_t c = (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
        if (c < 0x800 || (c >= 0xd800 && c <= 0xdfff)) {
            return 0;
        }
        *cp = c;
        return 3;
    }
    if (s[0] > 0xf4 || n < 4 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
        (s[3] & 0xc0) != 0x80) {
        return 0;
    }
    uint32_t c = (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
                 (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    if (c < 0x10000 || c > 0x10ffff) {
        return 0;
    }
    *cp = c;
    return 4;
}

int
ql_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (cp >> 18 & 7));
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

size_t
qli_ascii_prefix(ql_str s)
{
    size_t i = 0;
    while (i + 8 <= s.n) {
        uint64_t w;
        memcpy(&w, s.p + i, 8);
        if (w & 0x8080808080808080u) {
            break;
        }
        i += 8;
    }
    while (i < s.n && (unsigned char)s.p[i] < 0x80) {
        i++;
    }
    return i;
}

/* Bytes of the character at p (n > 0), 1 for a malformed one. */
static inline size_t
char_bytes(const char *p, size_t n)
{
    uint32_t cp;
    if ((unsigned char)*p < 0x80) {
        return 1;
    }
    int used = ql_utf8_decode(p, n, &cp);
    return used ? (size_t)used : 1;
}

size_t
ql_utf8_chars(ql_str s)
{
    size_t i = qli_ascii_prefix(s), chars = i;
    for (; i < s.n; chars++) {
        i += char_bytes(s.p + i, s.n - i);
    }
    return chars;
}

size_t
ql_utf8_offset(ql_str s, size_t chars)
{
    if (chars >= s.n) {
        return s.n;
    }
    size_t i = qli_ascii_prefix((ql_str){s.p, chars});
    chars -= i;
    for (; i < s.n && chars > 0; chars--) {
        i += char_bytes(s.p + i, s.n - i);
    }
    return i;
}

size_t
ql_utf8_valid_prefix(ql_str s)
{
    size_t i = 0;
    uint32_t cp;
    for (;;) {
        i += qli_ascii_prefix((ql_str){s.p + i, s.n - i});
        if (i >= s.n) {
            return s.n;
        }
        int used = ql_utf8_decode(s.p + i, s.n - i, &cp);
        if (used == 0) {
            return i;
        }
        i += (size_t)used;
    }
}

/* Up to CHECK_BYTES from `at` on, whole characters: a piece does not end inside one unless that is
 * malformed. */
static ql_str
piece_at(ql_str s, size_t at)
{
    size_t n = s.n - at < CHECK_BYTES ? s.n - at : CHECK_BYTES;
    for (int back = 0; back < 3 && at + n < s.n && ((unsigned char)s.p[at + n] & 0xc0) == 0x80;
         back++) {
        n--;
    }
    return (ql_str){s.p + at, n};
}

ql_status
ql_utf8_chars_long(ql_ctx *cx, ql_str s, size_t *chars)
{
    *chars = 0;
    for (size_t at = 0; at < s.n;) {
        ql_str piece = piece_at(s, at);
        *chars += ql_utf8_chars(piece);
        at += piece.n;
        QL_TRY(ql_bulk_count(cx, piece.n));
    }
    return QL_OK;
}

ql_status
ql_utf8_offset_long(ql_ctx *cx, ql_str s, size_t chars, size_t *at)
{
    *at = 0;
    while (chars != 0 && *at < s.n) {
        ql_str piece = piece_at(s, *at);
        size_t here = ql_utf8_chars(piece);
        if (here > chars) {
            *at += ql_utf8_offset(piece, chars);
            return QL_OK;
        }
        *at += piece.n;
        chars -= here;
        QL_TRY(ql_bulk_count(cx, piece.n));
    }
    return QL_OK;
}

ql_status
ql_utf8_valid_prefix_long(ql_ctx *cx, ql_str s, size_t *good)
{
    for (*good = 0; *good < s.n;) {
        ql_str piece = piece_at(s, *good);
        size_t n = ql_utf8_valid_prefix(piece);
        *good += n;
        if (n < piece.n) {
            return QL_OK;
        }
        QL_TRY(ql_bulk_count(cx, n));
    }
    return QL_OK;
}

bool
ql_str_eq(ql_str a, ql_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline unsigned char
ascii_lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

bool
ql_str_eq_nocase(ql_str a, ql_str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

/* Map each character with ICU's simple case mapping, in pieces of 64 KiB. Malformed bytes stay. */
static ql_status
map_case(ql_ctx *cx, ql_str in, struct ql_buf *out, bool upper)
{
    char first = upper ? 'a' : 'A', last = upper ? 'z' : 'Z';
    for (size_t i = 0; i < in.n;) {
        QL_TRY(ql_check(cx));
        size_t end = in.n - i > CHECK_BYTES ? i + CHECK_BYTES : in.n;
        /* A mapped character may be one byte longer than its source (never above 4). */
        QL_TRY(ql_buf_reserve(cx, out, (end - i) * 2 + 8));
        while (i < end) {
            char c = in.p[i];
            if ((unsigned char)c < 0x80) {
                out->p[out->n++] = c >= first && c <= last ? (char)(c ^ 0x20) : c;
                i++;
                continue;
            }
            uint32_t cp;
            int used = ql_utf8_decode(in.p + i, in.n - i, &cp);
            if (used == 0) {
                out->p[out->n++] = c;
                i++;
                continue;
            }
            UChar32 m = upper ? u_toupper((UChar32)cp) : u_tolower((UChar32)cp);
            out->n += (size_t)ql_utf8_encode((uint32_t)m, out->p + out->n);
            i += (size_t)used;
        }
    }
    return QL_OK;
}

ql_status
ql_utf8_upper(ql_ctx *cx, ql_str in, struct ql_buf *out)
{
    return map_case(cx, in, out, true);
}

ql_status
ql_utf8_lower(ql_ctx *cx, ql_str in, struct ql_buf *out)
{
    return map_case(cx, in, out, false);
}
