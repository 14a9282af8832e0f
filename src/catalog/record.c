/* SPDX-License-Identifier: Apache-2.0
 *
 * Sections (README.md, "Records"): tag and length as LEB128 numbers of up to 32 bits, then the
 * body. Numbers are little-endian without their leading zero bytes. Nothing here trusts a length.
 */
#include "catalog/record.h"

#include <string.h>

/* --- writing --------------------------------------------------------------------------------- */

static ql_status
put_varint(ql_ctx *cx, ql_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(v | 0x80)));
    }
    return ql_buf_put_u8(cx, b, (uint8_t)v);
}

ql_status
ql_record_begin(ql_ctx *cx, ql_buf *b, ql_record_kind kind)
{
    return ql_buf_put_u8(cx, b, (uint8_t)kind);
}

ql_status
ql_record_end(ql_ctx *cx, ql_buf *b)
{
    return ql_buf_put_u8(cx, b, 0);
}

ql_status
ql_section_put(ql_ctx *cx, ql_buf *b, unsigned tag, ql_str body)
{
    QL_TRY(put_varint(cx, b, tag));
    QL_TRY(put_varint(cx, b, body.n));
    return body.n ? ql_buf_put(cx, b, body.p, body.n) : QL_OK;
}

ql_status
ql_section_begin(ql_ctx *cx, ql_buf *b, unsigned tag, size_t *at)
{
    QL_TRY(put_varint(cx, b, tag));
    *at = b->n;
    return ql_buf_put_u8(cx, b, 0); /* enough for the length of most */
}

ql_status
ql_section_end(ql_ctx *cx, ql_buf *b, size_t at)
{
    size_t n = b->n - at - 1, more = 0;
    for (size_t v = n; v >= 0x80; v >>= 7) {
        more++;
    }
    QL_TRY(ql_buf_reserve(cx, b, more));
    char *p = b->p + at;
    memmove(p + 1 + more, p + 1, n);
    b->n = at;
    QL_TRY(put_varint(cx, b, n));
    b->n += n;
    return QL_OK;
}

ql_status
ql_section_put_number(ql_ctx *cx, ql_buf *b, unsigned tag, uint64_t v)
{
    char bytes[8];
    size_t n = 0;
    for (; v != 0; v >>= 8) {
        bytes[n++] = (char)v;
    }
    return n ? ql_section_put(cx, b, tag, (ql_str){bytes, n}) : QL_OK;
}

ql_status
ql_section_put_text(ql_ctx *cx, ql_buf *b, unsigned tag, ql_str s)
{
    return s.n ? ql_section_put(cx, b, tag, s) : QL_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool
take_varint(ql_str *rest, uint32_t *v)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 5 && i < rest->n; i++) {
        uint8_t byte = (uint8_t)rest->p[i];
        sum |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *v = (uint32_t)sum;
            rest->p += i + 1;
            rest->n -= i + 1;
            return sum <= UINT32_MAX;
        }
    }
    return false;
}

bool
ql_section_next(ql_str *rest, ql_section *s)
{
    ql_str r = *rest;
    uint32_t n;
    if (r.n == 0 || !take_varint(&r, &s->tag) || !take_varint(&r, &n) || s->tag == 0 || n > r.n) {
        return false;
    }
    s->body = (ql_str){r.p, n};
    s->whole = (ql_str){rest->p, (size_t)(r.p + n - rest->p)};
    *rest = (ql_str){r.p + n, r.n - n};
    return true;
}

bool
ql_record_open(ql_str record, ql_record_kind kind, ql_str *sections)
{
    if (record.n < 2 || (uint8_t)record.p[0] != kind || record.p[record.n - 1] != 0) {
        return false;
    }
    *sections = (ql_str){record.p + 1, record.n - 2};
    return true;
}

static bool
is_known(const ql_record_shape *shape, uint32_t tag)
{
    return tag < QL_TAGS && (shape->known & QL_TAG(tag)) != 0;
}

bool
ql_sections_check(ql_str sections, const ql_record_shape *shape, uint32_t *foreign)
{
    uint64_t seen = 0, filled = 0;
    ql_section s;
    *foreign = 0;
    while (ql_section_next(&sections, &s)) {
        if (is_known(shape, s.tag)) {
            if (seen & QL_TAG(s.tag) & ~shape->repeated) {
                return false;
            }
            seen |= QL_TAG(s.tag);
            filled |= s.body.n ? QL_TAG(s.tag) : 0;
        } else if (s.tag % 2 != 0 && *foreign == 0) {
            *foreign = s.tag;
        }
    }
    return sections.n == 0 && (shape->required & ~filled) == 0;
}

uint64_t
ql_section_number(const ql_section *s, uint64_t max, bool *bad)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s->body.n && i < 8; i++) {
        v |= (uint64_t)(uint8_t)s->body.p[i] << (8 * i);
    }
    if (s->body.n > 8 || v > max || (s->body.n && s->body.p[s->body.n - 1] == 0)) {
        *bad = true;
        return 0;
    }
    return v;
}

ql_status
ql_section_text(ql_ctx *cx, ql_arena *a, const ql_section *s, ql_str *out)
{
    char *p = ql_arena_strndup(cx, a, s->body.p, s->body.n);
    *out = (ql_str){p, s->body.n};
    return p ? QL_OK : QL_ERROR;
}

ql_status
ql_sections_unknown(ql_ctx *cx, ql_arena *a, ql_str sections, const ql_record_shape *shape,
                    ql_str *out)
{
    size_t n = 0;
    ql_section s;
    *out = (ql_str){"", 0};
    for (ql_str rest = sections; ql_section_next(&rest, &s);) {
        n += is_known(shape, s.tag) ? 0 : s.whole.n;
    }
    if (n == 0) {
        return QL_OK;
    }
    char *p = ql_arena_alloc(cx, a, n);
    if (!p) {
        return QL_ERROR;
    }
    *out = (ql_str){p, n};
    while (ql_section_next(&sections, &s)) {
        if (!is_known(shape, s.tag)) {
            memcpy(p, s.whole.p, s.whole.n);
            p += s.whole.n;
        }
    }
    return QL_OK;
}
