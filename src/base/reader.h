/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading fields out of bytes (a packet, a record). A read beyond the end yields zero or an empty
 * string and sets `bad`, so that a decoder looks once, at its end. Never reads outside the bytes.
 */
#ifndef QL_BASE_READER_H
#define QL_BASE_READER_H

#include <string.h>

#include "base/status.h"

typedef struct ql_reader {
    const char *p, *end;
    bool bad;
} ql_reader;

static inline ql_reader
ql_reader_of(ql_str payload)
{
    return (ql_reader){payload.p, payload.p + payload.n, false};
}
static inline size_t
ql_reader_left(const ql_reader *r)
{
    return (size_t)(r->end - r->p);
}
/* n bytes as they are. */
static inline ql_str
ql_read_bytes(ql_reader *r, uint64_t n)
{
    if (n > ql_reader_left(r)) {
        r->bad = true;
        r->p = r->end;
        return (ql_str){"", 0};
    }
    ql_str s = {r->p, (size_t)n};
    r->p += n;
    return s;
}
/* Little-endian number of 1 to 8 bytes. */
static inline uint64_t
ql_read_le(ql_reader *r, unsigned bytes)
{
    ql_str s = ql_read_bytes(r, bytes);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        v |= (uint64_t)(uint8_t)s.p[i] << (8 * i);
    }
    return v;
}
/* Length-encoded number; NULL (0xfb) and 0xff are bad here. */
static inline uint64_t
ql_read_lenenc(ql_reader *r)
{
    uint64_t first = ql_read_le(r, 1);
    switch (first) {
    case 0xfc:
        return ql_read_le(r, 2);
    case 0xfd:
        return ql_read_le(r, 3);
    case 0xfe:
        return ql_read_le(r, 8);
    case 0xfb:
    case 0xff:
        r->bad = true;
        return 0;
    default:
        return first;
    }
}
static inline ql_str
ql_read_lenenc_str(ql_reader *r)
{
    uint64_t n = ql_read_lenenc(r);
    return ql_read_bytes(r, n);
}
/* Up to a NUL, which is eaten; without one bad is set. */
static inline ql_str
ql_read_cstr(ql_reader *r)
{
    size_t left = ql_reader_left(r);
    const char *nul = left != 0 ? memchr(r->p, 0, left) : NULL;
    if (nul == NULL) {
        r->bad = true;
        r->p = r->end;
        return (ql_str){"", 0};
    }
    ql_str s = {r->p, (size_t)(nul - r->p)};
    r->p = nul + 1;
    return s;
}
/* Up to a NUL or the end. */
static inline ql_str
ql_read_cstr_or_rest(ql_reader *r)
{
    size_t left = ql_reader_left(r);
    if (left != 0 && memchr(r->p, 0, left) != NULL) {
        return ql_read_cstr(r);
    }
    return ql_read_bytes(r, left);
}

#endif
