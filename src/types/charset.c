/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8, letter case, and conversion between the server's utf8mb4 and the character sets of clients
 * (by ICU converters where a table is needed). Collations are in collate.c. Runs in the thread of
 * the statement; no locks, no waits, looks at the kill flag every 64 KiB.
 */
#include <string.h>
#include <strings.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "types/charset_int.h"
#include "types/collate.h"

#define CHECK_BYTES 32768

static const char *const converters[] = {
#define QL_CHARSET(symbol, cs_name, max, coll, icu) icu,
#include "types/collations.def"
};

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

static ql_status
open_converter(ql_ctx *cx, const ql_charset *cs, UConverter **cnv)
{
    UErrorCode err = U_ZERO_ERROR;
    *cnv = ucnv_open(converters[qli_charset_index(cs)], &err);
    if (U_FAILURE(err)) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Character set '%s' cannot be loaded: %s",
                            cs->name, u_errorName(err));
    }
    return QL_OK;
}

/* Plain copy in pieces, so that a kill is seen. */
static ql_status
copy_bytes(ql_ctx *cx, ql_str in, struct ql_buf *out)
{
    for (size_t i = 0; i < in.n; i += CHECK_BYTES) {
        QL_TRY(ql_check(cx));
        size_t n = in.n - i < CHECK_BYTES ? in.n - i : CHECK_BYTES;
        QL_TRY(ql_buf_put(cx, out, in.p + i, n));
    }
    return QL_OK;
}

/* ascii: bytes above 0x7f are '?' in both directions. utf8mb3: characters above the BMP. */
static ql_status
copy_filtered(ql_ctx *cx, ql_str in, uint32_t limit, struct ql_buf *out, bool *lossy)
{
    size_t i = 0, next_check = 0;
    while (i < in.n) {
        if (i >= next_check) {
            QL_TRY(ql_check(cx));
            next_check = i + CHECK_BYTES;
        }
        size_t n = qli_ascii_prefix((ql_str){in.p + i, in.n - i < 4096 ? in.n - i : 4096});
        if (n > 0) {
            QL_TRY(ql_buf_put(cx, out, in.p + i, n));
            i += n;
            continue;
        }
        uint32_t cp;
        int used = ql_utf8_decode(in.p + i, in.n - i, &cp);
        if (used == 0 || cp >= limit) {
            QL_TRY(ql_buf_put_u8(cx, out, '?'));
            *lossy = true;
            i += used ? (size_t)used : 1;
        } else {
            QL_TRY(ql_buf_put(cx, out, in.p + i, (size_t)used));
            i += (size_t)used;
        }
    }
    return QL_OK;
}

static bool
charset_is(const ql_charset *cs, const char *name)
{
    return strcmp(cs->name, name) == 0;
}

/* Charsets whose conversion is a copy. */
static bool
charset_is_copied(const ql_charset *cs)
{
    return charset_is(cs, "binary") || charset_is(cs, "utf8mb4");
}

/* One side by the converter, through UTF-16 pieces. from = client to utf8mb4. */
static ql_status
convert_pieces(ql_ctx *cx, UConverter *from, UConverter *to, ql_str in, struct ql_buf *out)
{
    UChar pivot[2048], *pivot_source = pivot, *pivot_target = pivot;
    const char *src = in.p, *src_end = in.p + in.n;
    UBool first = 1;
    for (;;) {
        QL_TRY(ql_check(cx));
        QL_TRY(ql_buf_reserve(cx, out, CHECK_BYTES));
        const char *piece_end = src_end - src > CHECK_BYTES / 4 ? src + CHECK_BYTES / 4 : src_end;
        char *target = out->p + out->n;
        UErrorCode err = U_ZERO_ERROR;
        ucnv_convertEx(to, from, &target, out->p + out->n + CHECK_BYTES, &src, piece_end, pivot,
                       &pivot_source, &pivot_target, pivot + QL_ARRAY_LEN(pivot), first,
                       piece_end == src_end, &err);
        first = 0;
        out->n = (size_t)(target - out->p);
        if (err != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(err)) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Character set conversion failed: %s",
                                u_errorName(err));
        }
        if (err != U_BUFFER_OVERFLOW_ERROR && src == src_end) {
            return QL_OK;
        }
    }
}

/* Substitution that notes the loss and puts '?'. */
static void
substitute_from_unicode(const void *context, UConverterFromUnicodeArgs *args, const UChar *units,
                        int32_t length, UChar32 cp, UConverterCallbackReason reason,
                        UErrorCode *err)
{
    (void)units;
    (void)length;
    (void)cp;
    if (reason > UCNV_IRREGULAR) {
        return;
    }
    static const UChar mark[1] = {'?'};
    const UChar *p = mark;
    *(bool *)(uintptr_t)context = true;
    *err = U_ZERO_ERROR;
    ucnv_cbFromUWriteUChars(args, &p, mark + 1, 0, err);
}

static void
substitute_to_unicode(const void *context, UConverterToUnicodeArgs *args, const char *units,
                      int32_t length, UConverterCallbackReason reason, UErrorCode *err)
{
    (void)units;
    (void)length;
    if (reason > UCNV_IRREGULAR) {
        return;
    }
    static const UChar mark[1] = {'?'};
    *(bool *)(uintptr_t)context = true;
    *err = U_ZERO_ERROR;
    ucnv_cbToUWriteUChars(args, mark, 1, 0, err);
}

static ql_status
convert(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out, bool *lossy,
        bool from_client)
{
    UConverter *client = NULL;
    UErrorCode err = U_ZERO_ERROR;
    QL_TRY(open_converter(cx, cs, &client));
    UConverter *utf8 = ucnv_open("utf-8", &err);
    ql_status st;
    if (U_FAILURE(err)) {
        st = ql_fail_oom(cx, 0);
        goto out;
    }
    ucnv_setFromUCallBack(client, substitute_from_unicode, lossy, NULL, NULL, &err);
    ucnv_setToUCallBack(client, substitute_to_unicode, lossy, NULL, NULL, &err);
    ucnv_setToUCallBack(utf8, substitute_to_unicode, lossy, NULL, NULL, &err);
    st = from_client ? convert_pieces(cx, client, utf8, in, out)
                     : convert_pieces(cx, utf8, client, in, out);
out:
    ucnv_close(client);
    if (utf8 != NULL) {
        ucnv_close(utf8);
    }
    return st;
}

/* Character sets in which ASCII text is the same bytes. */
static bool
charset_extends_ascii(const ql_charset *cs)
{
    return !charset_is(cs, "ucs2") && !charset_is(cs, "utf16") && !charset_is(cs, "utf16le") &&
           !charset_is(cs, "utf32");
}

static ql_status
is_ascii(ql_ctx *cx, ql_str s, bool *yes)
{
    *yes = true;
    for (size_t i = 0, n; i < s.n && *yes; i += n) {
        n = s.n - i < CHECK_BYTES ? s.n - i : CHECK_BYTES;
        QL_TRY(ql_bulk_count(cx, n));
        *yes = qli_ascii_prefix((ql_str){s.p + i, n}) == n;
    }
    return QL_OK;
}

static ql_status
convert_any(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out, bool *lossy,
            bool from_client)
{
    *lossy = false;
    if (in.n == 0) {
        return QL_OK;
    }
    if (charset_is_copied(cs)) {
        return copy_bytes(cx, in, out);
    }
    if (charset_is(cs, "utf8mb3")) {
        return copy_filtered(cx, in, 0x10000, out, lossy);
    }
    if (charset_is(cs, "ascii")) {
        return copy_filtered(cx, in, 0x80, out, lossy);
    }
    bool ascii = false;
    if (charset_extends_ascii(cs)) {
        QL_TRY(is_ascii(cx, in, &ascii));
    }
    return ascii ? copy_bytes(cx, in, out) : convert(cx, cs, in, out, lossy, from_client);
}

ql_status
ql_charset_from_client(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out, bool *lossy)
{
    return convert_any(cx, cs, in, out, lossy, true);
}

ql_status
ql_charset_to_client(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out, bool *lossy)
{
    return convert_any(cx, cs, in, out, lossy, false);
}
