/* SPDX-License-Identifier: Apache-2.0
 *
 * OK, EOF and ERR packets. They are put into the wire's buffer; the session flushes.
 */
#ifndef QL_PROTO_REPLY_H
#define QL_PROTO_REPLY_H

#include "base/diag.h"
#include "proto/packet.h"
#include "proto/protocol.h"
#include "types/sink.h"

/* What every reply carries. */
typedef struct ql_reply {
    uint32_t caps;   /* agreed capabilities, QL_CAP_... */
    uint16_t status; /* QL_SST_... */
    uint16_t warnings;
} ql_reply;

/* OK of a statement without result set; o NULL = all zero. */
ql_status ql_reply_ok(ql_ctx *cx, ql_wire *w, const ql_reply *r, const ql_outcome *o) QL_MUST_USE;
/* End of a result set: EOF, or an OK packet with header 0xfe under DEPRECATE_EOF. */
ql_status ql_reply_end_of_rows(ql_ctx *cx, ql_wire *w, const ql_reply *r,
                               const ql_outcome *o) QL_MUST_USE;
/* EOF inside a result set or a list of definitions; nothing under DEPRECATE_EOF. */
ql_status ql_reply_eof(ql_ctx *cx, ql_wire *w, const ql_reply *r) QL_MUST_USE;
/* The same even under DEPRECATE_EOF (COM_SET_OPTION, COM_FIELD_LIST, which old clients expect so).
 */
ql_status ql_reply_plain_eof(ql_ctx *cx, ql_wire *w, const ql_reply *r) QL_MUST_USE;
/* ERR from a condition; NULL = 1105. Without PROTOCOL_41 (before the handshake answer) no SQLSTATE
 * is sent. results: character_set_results; NULL: the text goes as it is. */
ql_status ql_reply_error(ql_ctx *cx, ql_wire *w, uint32_t caps, const ql_charset *results,
                         const ql_condition *c) QL_MUST_USE;

#endif
