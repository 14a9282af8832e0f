/* SPDX-License-Identifier: Apache-2.0
 *
 * The compressed protocol: a layer of packets below the ordinary ones, which holds pieces of their
 * byte stream.
 */
#ifndef QL_PROTO_COMPRESS_H
#define QL_PROTO_COMPRESS_H

#include "base/buf.h"

typedef enum ql_zip_kind { QL_ZIP_NONE, QL_ZIP_ZLIB, QL_ZIP_ZSTD } ql_zip_kind;

/* Owner: a ql_wire. */
typedef struct ql_zip {
    ql_zip_kind kind;
    int level;
    uint8_t seq;     /* of the next compressed packet, either direction */
    ql_buf in;       /* received, not yet a whole compressed packet */
    ql_buf out;      /* sealed, not yet gone */
    size_t out_done; /* bytes of out that the socket has taken */
} ql_zip;

#define QL_ZIP_HEADER 7u
/* Bytes sealed into one compressed packet: small, for what is sealed must be sent. */
#define QL_ZIP_PIECE ((size_t)1 << 16)

void ql_zip_free(ql_zip *z);
/* Bytes that z->in still lacks for a whole compressed packet; 0 = it is there. */
size_t ql_zip_missing(const ql_zip *z);
/* Unpack the packet in z->in, appended to plain. QL_ERROR: 1156, 1157. */
ql_status ql_zip_unpack(ql_ctx *cx, ql_zip *z, ql_buf *plain) QL_MUST_USE;
/* Seal n bytes (at most QL_ZIP_PIECE) into z->out, behind what is there. */
ql_status ql_zip_pack(ql_ctx *cx, ql_zip *z, const char *p, size_t n) QL_MUST_USE;

#endif
