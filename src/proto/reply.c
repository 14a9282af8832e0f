/* SPDX-License-Identifier: Apache-2.0
 *
 * The generic response packets (protocol documentation, "OK_Packet", "EOF_Packet", "ERR_Packet").
 */
#include "proto/reply.h"

#include <string.h>

static ql_status
put_ok(ql_ctx *cx, ql_wire *w, const ql_reply *r, const ql_outcome *o, uint8_t header)
{
    static const ql_outcome nothing;
    ql_buf *b;
    if (o == NULL) {
        o = &nothing;
    }
    QL_TRY(ql_wire_begin(cx, w, &b));
    QL_TRY(ql_buf_put_u8(cx, b, header));
    QL_TRY(ql_buf_put_lenenc(cx, b, header == 0 ? o->affected_rows : 0));
    QL_TRY(ql_buf_put_lenenc(cx, b, header == 0 ? o->last_insert_id : 0));
    QL_TRY(ql_buf_put_le(cx, b, r->status, 2));
    QL_TRY(ql_buf_put_le(cx, b, r->warnings, 2));
    size_t n = strnlen(o->info, sizeof o->info);
    if (n != 0) {
        /* Documented as rest of the packet, but clients read a length: as sql/protocol_classic.cc.
         */
        QL_TRY(ql_buf_put_lenenc_str(cx, b, o->info, n));
    }
    return ql_wire_end(cx, w);
}

ql_status
ql_reply_ok(ql_ctx *cx, ql_wire *w, const ql_reply *r, const ql_outcome *o)
{
    return put_ok(cx, w, r, o, 0x00);
}

ql_status
ql_reply_plain_eof(ql_ctx *cx, ql_wire *w, const ql_reply *r)
{
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, w, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 0xfe));
    QL_TRY(ql_buf_put_le(cx, b, r->warnings, 2));
    QL_TRY(ql_buf_put_le(cx, b, r->status, 2));
    return ql_wire_end(cx, w);
}

ql_status
ql_reply_eof(ql_ctx *cx, ql_wire *w, const ql_reply *r)
{
    return r->caps & QL_CAP_DEPRECATE_EOF ? QL_OK : ql_reply_plain_eof(cx, w, r);
}

ql_status
ql_reply_end_of_rows(ql_ctx *cx, ql_wire *w, const ql_reply *r, const ql_outcome *o)
{
    if (r->caps & QL_CAP_DEPRECATE_EOF) {
        return put_ok(cx, w, r, o, 0xfe);
    }
    return ql_reply_plain_eof(cx, w, r);
}

ql_status
ql_reply_error(ql_ctx *cx, ql_wire *w, uint32_t caps, const ql_charset *results,
               const ql_condition *c)
{
    static const ql_condition unknown = {QL_DIAG_ERROR, 1105, "HY000", (char *)"Unknown error"};
    ql_buf *b;
    if (c == NULL) {
        c = &unknown;
    }
    QL_TRY(ql_wire_begin(cx, w, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 0xff));
    QL_TRY(ql_buf_put_le(cx, b, c->number, 2));
    if (caps & QL_CAP_PROTOCOL_41) {
        QL_TRY(ql_buf_put_u8(cx, b, '#'));
        QL_TRY(ql_buf_put(cx, b, c->sqlstate, 5));
    }
    ql_str text = {c->text, strlen(c->text)};
    bool lossy;
    QL_TRY(results != NULL ? ql_charset_to_client(cx, results, text, b, &lossy)
                           : ql_buf_put(cx, b, text.p, text.n));
    return ql_wire_end(cx, w);
}
