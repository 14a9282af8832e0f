/* SPDX-License-Identifier: Apache-2.0
 *
 * Character sets. Inside the server every text is UTF-8, whatever the set of its column or
 * expression: that says which characters it may hold and what its bytes are where bytes are seen
 * (LENGTH, HEX, conversion to binary, what the client gets). Constant data, valid for the life of
 * the process.
 */
#ifndef QL_TYPES_CHARSET_H
#define QL_TYPES_CHARSET_H

#include "base/ctx.h"

struct ql_arena;
struct ql_buf;

typedef struct ql_charset {
    const char *name;             /* "utf8mb4" */
    const char *description;      /* as in SHOW CHARACTER SET */
    uint8_t max_bytes, min_bytes; /* per character */
    uint8_t form;                 /* qli_form: private to types/ */
    uint16_t default_coll_id;
} ql_charset;

const ql_charset *ql_charset_by_name(ql_str name); /* "utf8" = utf8mb3; NULL = unknown */
size_t ql_charset_count(void);
const ql_charset *ql_charset_nth(size_t i); /* in the order of their names */

/* Are the bytes of a text of the set those it has inside (utf8mb4, utf8mb3, ascii), or binary? */
bool ql_charset_is_plain(const ql_charset *cs);
/* Can it hold every character that there is (utf8mb4, utf16, utf16le, utf32)? gb18030 is none of
 * them: MySQL does not count it as Unicode. */
bool ql_charset_is_unicode(const ql_charset *cs); /* with utf8mb3 and ucs2 */
/* Do ASCII characters have the bytes of ASCII in it? */
bool ql_charset_extends_ascii(const ql_charset *cs);

/* What becomes of what cannot be converted: characters that the set has not, bytes that are no
 * character of it, malformed UTF-8. */
typedef enum ql_misfit {
    QL_MISFIT_MARK, /* '?' */
    QL_MISFIT_KEEP, /* bytes stay as they are; characters that the set has not become '?' */
    QL_MISFIT_STOP, /* nothing more is converted */
} ql_misfit;

/* Conversions append to out. *fit: bytes of `in` in front of the first misfit; in.n: there is none.
 * The tables of a set are made at its first use, which takes some milliseconds. Waits: aside. */
ql_status ql_charset_decode(ql_ctx *cx, const ql_charset *cs, ql_str in, ql_misfit how,
                            struct ql_buf *out, size_t *fit) QL_MUST_USE;
ql_status ql_charset_encode(ql_ctx *cx, const ql_charset *cs, ql_str in, ql_misfit how,
                            struct ql_buf *out, size_t *fit) QL_MUST_USE;
/* The same in both directions with '?'; *lossy: there was a misfit. */
ql_status ql_charset_from_client(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out,
                                 bool *lossy) QL_MUST_USE;
ql_status ql_charset_to_client(ql_ctx *cx, const ql_charset *cs, ql_str in, struct ql_buf *out,
                               bool *lossy) QL_MUST_USE;

/* Bytes of the text in front of the first character that cs has not, or that is malformed. */
ql_status ql_charset_fits(ql_ctx *cx, const ql_charset *cs, ql_str text, size_t *fit) QL_MUST_USE;
/* Length of the text in bytes of cs; what it has not counts as '?'. */
ql_status ql_charset_length(ql_ctx *cx, const ql_charset *cs, ql_str text,
                            uint64_t *bytes) QL_MUST_USE;
/* Bytes of the text (characters, as it is inside) that are at most so many bytes of cs. */
ql_status ql_charset_prefix(ql_ctx *cx, const ql_charset *cs, ql_str text, uint64_t most,
                            size_t *n) QL_MUST_USE;
/* The text with '?' for characters that cs has not: its own bytes or new ones in a. */
ql_status ql_charset_limit(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str text,
                           ql_str *out) QL_MUST_USE;
/* Its bytes in cs: the same or new ones in a. Malformed ones stay. */
ql_status ql_charset_bytes(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str text,
                           ql_str *out) QL_MUST_USE;
/* Bytes of cs as a text: the same or new ones in a. *fit as above: what is behind is not in it.
 * Sets of two or four bytes a character: zeros in front make a short first character whole. */
ql_status ql_charset_text(ql_ctx *cx, struct ql_arena *a, const ql_charset *cs, ql_str bytes,
                          ql_str *out, size_t *fit) QL_MUST_USE;

#endif
