/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of character sets (charsets.def), and texts to and from their bytes. Tables come from
 * codes.c. Runs in the thread of the statement; no locks, looks at the kill flag every 16 KiB.
 */
#include "types/charset.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bulk.h"
#include "types/charset_int.h"

#define PIECE ((size_t)16384) /* bytes between two looks */
#define SHORT ((size_t)2048)  /* texts that are converted right into an arena */

const ql_charset qli_charsets[QLI_CS_COUNT] = {
#define QL_CHARSET(symbol, name, description, most, least, coll, form, icu)                        \
    [QLI_CS_##symbol] = {name, description, most, least, QLI_FORM_##form, coll},
#include "types/charsets.def"
};

/* "utf8" is the old name of utf8mb3. */
const ql_charset *
ql_charset_by_name(ql_str name)
{
    if (ql_str_eq_nocase(name, QL_STR("utf8"))) {
        return &qli_charsets[QLI_CS_utf8mb3];
    }
    for (size_t i = 0; i < QLI_CS_COUNT; i++) {
        const char *listed = qli_charsets[i].name;
        if (ql_str_eq_nocase((ql_str){listed, strlen(listed)}, name)) {
            return &qli_charsets[i];
        }
    }
    return NULL;
}

size_t
ql_charset_count(void)
{
    return QLI_CS_COUNT;
}

const ql_charset *
ql_charset_nth(size_t i)
{
    return i < QLI_CS_COUNT ? &qli_charsets[i] : NULL;
}

bool
ql_charset_is_plain(const ql_charset *cs)
{
    return cs->form <= QLI_FORM_ASCII;
}

bool
ql_charset_is_unicode(const ql_charset *cs)
{
    return cs->form == QLI_FORM_UTF8 || (cs->form >= QLI_FORM_UCS2 && cs->form <= QLI_FORM_UTF32);
}

bool
ql_charset_extends_ascii(const ql_charset *cs)
{
    return cs->min_bytes == 1 && cs != &qli_charsets[QLI_CS_swe7];
}

/* ---- one character ---- */

/* One conversion on its way. */
typedef struct conversion {
    const ql_charset *cs;
    const qli_codes *codes; /* form CODES */
    ql_misfit how;
    bool ascii; /* ASCII characters are the same bytes on both sides */
    bool misfit, stopped;
    size_t fit; /* where the first misfit is */
} conversion;

static ql_status
begin(ql_ctx *cx, const ql_charset *cs, ql_misfit how, conversion *c)
{
    *c = (conversion){.cs = cs, .how = how, .ascii = ql_charset_extends_ascii(cs)};
    return cs->form == QLI_FORM_CODES ? qli_codes_of(cx, cs, &c->codes) : QL_OK;
}

static inline bool
is_surrogate(uint32_t u)
{
    return u >= 0xd800 && u < 0xe000;
}

static inline uint32_t
unit_at(const unsigned char *p, bool little)
{
    return little ? (uint32_t)p[1] << 8 | p[0] : (uint32_t)p[0] << 8 | p[1];
}

static int
read_utf16(const unsigned char *p, size_t n, bool little, uint32_t *cp)
{
    uint32_t a = n < 2 ? 0xdc00 : unit_at(p, little), b;
    if (!is_surrogate(a)) {
        *cp = a;
        return 2;
    }
    b = a < 0xdc00 && n >= 4 ? unit_at(p + 2, little) : 0;
    if (b < 0xdc00 || b > 0xdfff) {
        return n < 2 ? -(int)n : -2;
    }
    *cp = 0x10000 + ((a - 0xd800) << 10) + (b - 0xdc00);
    return 4;
}

static int
read_utf32(const unsigned char *p, size_t n, uint32_t *cp)
{
    if (n < 4) {
        return -(int)n;
    }
    *cp = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return *cp > 0x10ffff || is_surrogate(*cp) ? -4 : 4;
}

/* The character at p (n > 0): bytes used, or minus the bytes of what is none. */
static inline int
read_char(const conversion *c, const unsigned char *p, size_t n, uint32_t *cp)
{
    int used;
    switch ((qli_form)c->cs->form) {
    case QLI_FORM_CODES:
        return qli_code_read(c->codes, p, n, cp);
    case QLI_FORM_UTF8:
        used = ql_utf8_decode((const char *)p, n, cp);
        return used == 0 ? -1 : used > c->cs->max_bytes ? -used : used;
    case QLI_FORM_ASCII:
        *cp = p[0];
        return p[0] < 0x80 ? 1 : -1;
    case QLI_FORM_UCS2:
        *cp = n < 2 ? 0xd800 : unit_at(p, false);
        return !is_surrogate(*cp) ? 2 : n < 2 ? -(int)n : -2;
    case QLI_FORM_UTF16:
    case QLI_FORM_UTF16LE:
        return read_utf16(p, n, c->cs->form == QLI_FORM_UTF16LE, cp);
    case QLI_FORM_UTF32:
        return read_utf32(p, n, cp);
    case QLI_FORM_BINARY:
        break;
    }
    *cp = p[0];
    return 1;
}

static size_t
write_utf16(uint32_t cp, bool little, char out[4])
{
    uint32_t units[2] = {cp, 0};
    size_t n = cp < 0x10000 ? 1 : 2;
    if (n == 2) {
        units[0] = 0xd800 + ((cp - 0x10000) >> 10);
        units[1] = 0xdc00 + ((cp - 0x10000) & 0x3ff);
    }
    for (size_t i = 0; i < n; i++) {
        out[2 * i + little] = (char)(units[i] >> 8);
        out[2 * i + !little] = (char)units[i];
    }
    return 2 * n;
}

/* Its bytes; 0: the set has not got it. */
static inline size_t
write_char(const conversion *c, uint32_t cp, char out[4])
{
    uint32_t code;
    switch ((qli_form)c->cs->form) {
    case QLI_FORM_CODES:
        code = qli_code(c->codes, cp);
        return code != QLI_NO_CODE ? qli_code_put(code, out) : 0;
    case QLI_FORM_UTF8:
        return cp < 0x10000 || c->cs->max_bytes == 4 ? (size_t)ql_utf8_encode(cp, out) : 0;
    case QLI_FORM_UCS2:
        return cp < 0x10000 ? write_utf16(cp, false, out) : 0;
    case QLI_FORM_UTF16:
    case QLI_FORM_UTF16LE:
        return write_utf16(cp, c->cs->form == QLI_FORM_UTF16LE, out);
    case QLI_FORM_UTF32:
        out[0] = 0;
        out[1] = (char)(cp >> 16);
        out[2] = (char)(cp >> 8);
        out[3] = (char)cp;
        return 4;
    case QLI_FORM_ASCII:
    case QLI_FORM_BINARY:
        break;
    }
    out[0] = (char)cp;
    return cp < 0x80 ? 1 : 0;
}

/* ---- a piece of a text ---- */

static void
note_misfit(conversion *c, size_t at)
{
    if (!c->misfit) {
        c->misfit = true;
        c->fit = at;
    }
    c->stopped = c->how == QL_MISFIT_STOP;
}

/* Bytes of ASCII from `at` on, before `end`. */
static inline size_t
ascii_run(ql_str in, size_t at, size_t end)
{
    return (unsigned char)in.p[at] < 0x80 ? qli_ascii_prefix((ql_str){in.p + at, end - at}) : 0;
}

/* From bytes of the set to UTF-8; `out` has room for three times as many. */
static size_t
decode_piece(conversion *c, ql_str in, size_t *at, size_t end, char *out)
{
    char *o = out;
    size_t i = *at, run;
    uint32_t cp;
    while (i < end) {
        if (c->ascii && (run = ascii_run(in, i, end)) != 0) {
            memcpy(o, in.p + i, run);
            o += run;
            i += run;
            continue;
        }
        int used = read_char(c, (const unsigned char *)in.p + i, in.n - i, &cp);
        if (used > 0) {
            o += ql_utf8_encode(cp, o);
            i += (size_t)used;
            continue;
        }
        note_misfit(c, i);
        if (c->stopped) {
            break;
        }
        size_t n = c->how == QL_MISFIT_KEEP ? (size_t)-used : 1;
        memcpy(o, c->how == QL_MISFIT_KEEP ? in.p + i : "?", n);
        o += n;
        i += (size_t)-used;
    }
    *at = i;
    return (size_t)(o - out);
}

/* From UTF-8 to bytes of the set; `out` has room for four times as many. */
static size_t
encode_piece(conversion *c, ql_str in, size_t *at, size_t end, char *out)
{
    char *o = out;
    size_t i = *at, run;
    uint32_t cp;
    while (i < end) {
        if (c->ascii && (run = ascii_run(in, i, end)) != 0) {
            memcpy(o, in.p + i, run);
            o += run;
            i += run;
            continue;
        }
        int used = ql_utf8_decode(in.p + i, in.n - i, &cp);
        size_t n = used > 0 ? write_char(c, cp, o) : 0;
        if (n == 0) {
            note_misfit(c, i);
            if (c->stopped) {
                break;
            }
            if (used == 0 && c->how == QL_MISFIT_KEEP) {
                *o = in.p[i];
                n = 1;
            } else {
                n = write_char(c, '?', o);
            }
        }
        o += n;
        i += used > 0 ? (size_t)used : 1;
    }
    *at = i;
    return (size_t)(o - out);
}

typedef size_t (*piece_fn)(conversion *c, ql_str in, size_t *at, size_t end, char *out);

/* Bytes of a result for each of the source. */
static size_t
growth(const ql_charset *cs, piece_fn fn)
{
    return fn == decode_piece ? 3 : cs->max_bytes <= 2 && cs->min_bytes == 1 ? 1 : 4;
}

static ql_status
convert(ql_ctx *cx, conversion *c, piece_fn fn, ql_str in, struct ql_buf *out, size_t *fit)
{
    for (size_t at = 0; at < in.n && !c->stopped;) {
        size_t end = in.n - at > PIECE ? at + PIECE : in.n;
        QL_TRY(ql_bulk_count(cx, end - at));
        QL_TRY(ql_buf_reserve(cx, out, (end - at + 4) * growth(c->cs, fn)));
        out->n += fn(c, in, &at, end, out->p + out->n);
    }
    *fit = c->misfit ? c->fit : in.n;
    return QL_OK;
}

/* Nothing is looked at: any bytes are taken for what they are said to be. */
static bool
is_copy(const ql_charset *cs, ql_misfit how)
{
    return cs->form == QLI_FORM_BINARY ||
           (cs->form == QLI_FORM_UTF8 && cs->max_bytes == 4 && how != QL_MISFIT_STOP);
}

static ql_status
convert_any(ql_ctx *cx, const ql_charset *cs, piece_fn fn, ql_str in, ql_misfit how,
            struct ql_buf *out, size_t *fit)
{
    conversion c;
    *fit = in.n;
    if (is_copy(cs, how)) {
        return ql_buf_put(cx, out, in.p, in.n);
    }
    QL_TRY(begin(cx, cs, how, &c));
    return convert(cx, &c, fn, in, out, fit);
}

ql_status
ql_charset_decode(ql_ctx *cx, const ql_charset *cs, ql_str in, ql_misfit how, struct ql_buf *out,
                  size_t *fit)
{
    return convert_any(cx, cs, decode_piece, in, how, out, fit);
}

ql_status
ql_charset_encode(ql_ctx *cx, const ql_charset *cs, ql_str in, ql_misfit how, struct ql_buf *out,
                  size_t *fit)
{
    return convert_any(cx, cs, encode_piece, in, how, out, fit);
}

ql_status
ql_charset_from_client(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out, bool *lossy)
{
    size_t fit;
    QL_TRY(convert_any(cx, cs, decode_piece, in, QL_MISFIT_MARK, out, &fit));
    *lossy = fit < in.n;
    return QL_OK;
}

ql_status
ql_charset_to_client(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out, bool *lossy)
{
    size_t fit;
    QL_TRY(convert_any(cx, cs, encode_piece, in, QL_MISFIT_MARK, out, &fit));
    *lossy = fit < in.n;
    return QL_OK;
}

/* ---- texts ---- */

ql_status
ql_charset_fits(ql_ctx *cx, const ql_charset *cs, ql_str s, size_t *fit)
{
    conversion c;
    char bytes[4];
    *fit = s.n;
    if (cs->form == QLI_FORM_BINARY) {
        return QL_OK;
    }
    if (ql_charset_is_unicode(cs) && cs->max_bytes == 4) {
        return ql_utf8_valid_prefix_long(cx, s, fit);
    }
    QL_TRY(begin(cx, cs, QL_MISFIT_STOP, &c));
    for (size_t i = 0, end; i < s.n;) {
        end = s.n - i > PIECE ? i + PIECE : s.n;
        QL_TRY(ql_bulk_count(cx, end - i));
        while (i < end) {
            uint32_t cp;
            size_t run = c.ascii ? ascii_run(s, i, end) : 0;
            int used = run != 0 ? (int)run : ql_utf8_decode(s.p + i, s.n - i, &cp);
            if (used == 0 || (run == 0 && write_char(&c, cp, bytes) == 0)) {
                *fit = i;
                return QL_OK;
            }
            i += (size_t)used;
        }
    }
    return QL_OK;
}

/* From *at on, as long as they are at most `most` bytes of the set: *at behind them, *bytes of it.
 */
static ql_status
measure(ql_ctx *cx, const ql_charset *cs, ql_str s, uint64_t most, size_t *at, uint64_t *bytes)
{
    conversion c;
    char room[4];
    QL_TRY(begin(cx, cs, QL_MISFIT_MARK, &c));
    for (size_t i = *at, end; i < s.n;) {
        end = s.n - i > PIECE ? i + PIECE : s.n;
        QL_TRY(ql_bulk_count(cx, end - i));
        while (i < end) {
            uint32_t cp;
            size_t run = c.ascii ? ascii_run(s, i, end) : 0;
            run = run < most - *bytes ? run : (size_t)(most - *bytes);
            int used = run != 0 ? (int)run : ql_utf8_decode(s.p + i, s.n - i, &cp);
            size_t n = run != 0 ? run : used == 0 ? 1 : write_char(&c, cp, room);
            n = n != 0 ? n : write_char(&c, '?', room);
            if (n > most - *bytes) {
                *at = i;
                return QL_OK;
            }
            *bytes += n;
            i += used > 0 ? (size_t)used : 1;
        }
        *at = i;
    }
    return QL_OK;
}

ql_status
ql_charset_length(ql_ctx *cx, const ql_charset *cs, ql_str s, uint64_t *bytes)
{
    size_t chars, at = 0;
    *bytes = s.n;
    if (ql_charset_is_plain(cs)) {
        return QL_OK;
    }
    if (cs->max_bytes == cs->min_bytes) {
        QL_TRY(ql_utf8_chars_long(cx, s, &chars));
        *bytes = (uint64_t)chars * cs->max_bytes;
        return QL_OK;
    }
    *bytes = 0;
    return measure(cx, cs, s, UINT64_MAX, &at, bytes);
}

ql_status
ql_charset_prefix(ql_ctx *cx, const ql_charset *cs, ql_str s, uint64_t most, size_t *n)
{
    uint64_t bytes = 0;
    *n = 0;
    if (s.n <= most / cs->max_bytes) {
        *n = s.n;
        return QL_OK;
    }
    return measure(cx, cs, s, most, n, &bytes);
}

/* The result in a: short ones are made there, others copied. */
static ql_status
into_arena(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, piece_fn fn, ql_str in,
           ql_misfit how, ql_str *out, size_t *fit)
{
    conversion c;
    ql_buf b = {.quota = ql_arena_quota(a)};
    size_t at = 0;
    QL_TRY(begin(cx, cs, how, &c));
    if (in.n <= SHORT) {
        char *p = ql_arena_alloc(cx, a, (in.n + 4) * growth(cs, fn));
        if (p == NULL) {
            return QL_ERROR;
        }
        *out = (ql_str){p, fn(&c, in, &at, in.n, p)};
        *fit = c.misfit ? c.fit : in.n;
        return ql_bulk_count(cx, in.n);
    }
    ql_status st = convert(cx, &c, fn, in, &b, fit);
    if (st == QL_OK) {
        *out = (ql_str){ql_arena_strndup(cx, a, b.p != NULL ? b.p : "", b.n), b.n};
        st = out->p != NULL ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}

ql_status
ql_charset_limit(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str s, ql_str *out)
{
    size_t fit;
    *out = s;
    QL_TRY(ql_charset_fits(cx, cs, s, &fit));
    if (fit == s.n || cs->form == QLI_FORM_BINARY) {
        return QL_OK;
    }
    ql_buf b = {.quota = ql_arena_quota(a)};
    conversion c;
    char bytes[4];
    ql_status st = begin(cx, cs, QL_MISFIT_MARK, &c);
    for (size_t i = 0; st == QL_OK && i < s.n;) {
        uint32_t cp;
        int used = ql_utf8_decode(s.p + i, s.n - i, &cp);
        size_t n = used > 0 ? (size_t)used : 1;
        bool has = used > 0 && write_char(&c, cp, bytes) != 0;
        st = ql_buf_put(cx, &b, has ? s.p + i : "?", has ? n : 1);
        i += n;
    }
    if (st == QL_OK) {
        *out = (ql_str){ql_arena_strndup(cx, a, b.p, b.n), b.n};
        st = out->p != NULL ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}

ql_status
ql_charset_bytes(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str s, ql_str *out)
{
    size_t fit;
    *out = s;
    return ql_charset_is_plain(cs)
               ? QL_OK
               : into_arena(cx, a, cs, encode_piece, s, QL_MISFIT_KEEP, out, &fit);
}

/* Zeros in front. */
static ql_status
align(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str *s)
{
    size_t more = (cs->min_bytes - s->n % cs->min_bytes) % cs->min_bytes;
    if (more != 0) {
        char *p = ql_arena_alloc(cx, a, s->n + more);
        if (p == NULL) {
            return QL_ERROR;
        }
        memset(p, 0, more);
        QL_TRY(ql_bulk_copy(cx, p + more, s->p, s->n));
        *s = (ql_str){p, s->n + more};
    }
    return QL_OK;
}

ql_status
ql_charset_text(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str bytes, ql_str *out,
                size_t *fit)
{
    *out = bytes;
    if (ql_charset_is_plain(cs)) {
        QL_TRY(ql_charset_fits(cx, cs, bytes, fit));
        out->n = *fit;
        return QL_OK;
    }
    QL_TRY(align(cx, a, cs, &bytes));
    return into_arena(cx, a, cs, decode_piece, bytes, QL_MISFIT_STOP, out, fit);
}
