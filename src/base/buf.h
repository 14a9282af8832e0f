/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer on the heap, and little-endian stores as the wire protocol wants them.
 */
#ifndef QL_BASE_BUF_H
#define QL_BASE_BUF_H

#include "base/quota.h"

typedef struct ql_buf {
    char *p;
    size_t n, cap;
    ql_quota *quota; /* of whoever holds it for long and lets it grow large, or NULL */
} ql_buf;

void ql_buf_free(ql_buf *b); /* back to the empty buffer of its quota; {0} is a valid empty one */
void ql_buf_clear(ql_buf *b);
/* Room for n more bytes behind the end; QL_ERROR after wording: out of memory
 * (1037), or the quota does not allow it (4082; small buffers are never refused). Long contents are
 * moved in pieces (base/bulk.h), here and below: QL_KILLED, and the buffer is as it was. */
ql_status ql_buf_reserve(ql_ctx *cx, ql_buf *b, size_t n) QL_MUST_USE;
ql_status ql_buf_put(ql_ctx *cx, ql_buf *b, const void *p, size_t n) QL_MUST_USE;
ql_status ql_buf_put_str(ql_ctx *cx, ql_buf *b, const char *cstr) QL_MUST_USE;
ql_status ql_buf_printf(ql_ctx *cx, ql_buf *b, const char *fmt, ...) QL_MUST_USE QL_PRINTF(3, 4);
/* The name as SQL text: in backticks, those inside it doubled. */
ql_status ql_buf_put_name(ql_ctx *cx, ql_buf *b, ql_str name) QL_MUST_USE;
ql_status ql_buf_put_u8(ql_ctx *cx, ql_buf *b, uint8_t v) QL_MUST_USE;
ql_status ql_buf_put_le(ql_ctx *cx, ql_buf *b, uint64_t v, unsigned bytes) QL_MUST_USE;
ql_status ql_buf_put_lenenc(ql_ctx *cx, ql_buf *b, uint64_t v) QL_MUST_USE;
ql_status ql_buf_put_lenenc_str(ql_ctx *cx, ql_buf *b, const void *p, size_t n) QL_MUST_USE;

#endif
