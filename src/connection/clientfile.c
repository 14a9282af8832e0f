/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that a client sends for LOAD DATA LOCAL (protocol documentation, "LOCAL INFILE
 * Request"): asked for with 0xFB and its name, it comes in packets up to an empty one. The client
 * cannot be stopped on the way; when the statement has failed or was killed, what still comes is
 * thrown away, after its locks are free, so that the error arrives in step.
 */
#include "connection/connection_int.h"
#include "intr/gate.h"

#define FILE_REQUEST 0xfb

ql_status
qli_file_allowed(ql_ctx *cx)
{
    const ql_connection *c = (ql_connection *)cx->session;
    bool on = ql_sysvar_global_u64(cx->inst, QL_SV_LOCAL_INFILE) != 0;
    bool may = on && (c->login.caps & QL_CAP_LOCAL_FILES);
    return may ? QL_OK : ql_fail(cx, QL_ER_CLIENT_LOCAL_FILES_DISABLED);
}

/* The name as the client wrote it. */
static ql_status
put_name(ql_connection *c, ql_buf *out, ql_str name)
{
    bool lossy = false;
    return c->s.vars.cs_client != NULL
               ? ql_charset_to_client(&c->s.cx, c->s.vars.cs_client, name, out, &lossy)
               : ql_buf_put(&c->s.cx, out, name.p, name.n);
}

ql_status
qli_file_request(ql_ctx *cx, ql_str name)
{
    ql_connection *c = (ql_connection *)cx->session;
    ql_buf *b;
    QL_TRY(ql_wire_hold_input(cx, &c->wire)); /* the statement's text is still needed */
    QL_TRY(ql_wire_begin(cx, &c->wire, &b));
    QL_TRY(ql_buf_put_u8(cx, b, FILE_REQUEST));
    QL_TRY(put_name(c, b, name));
    QL_TRY(ql_wire_end(cx, &c->wire));
    QL_TRY(ql_wire_drain(cx, &c->wire));
    c->file_open = true;
    return QL_OK;
}

static ql_status
next_packet(ql_connection *c, ql_deadline dl, ql_str *bytes)
{
    ql_ctx *cx = &c->s.cx;
    ql_status st = ql_wire_read(cx, &c->wire, dl, QL_W_CLIENT_FILE, bytes);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_NET_READ_ERROR);
    }
    if (st == QL_TIMEOUT) {
        c->wire.lost = true; /* the reply would come into the middle of its file */
        return ql_fail(cx, QL_ER_NET_READ_INTERRUPTED);
    }
    QL_TRY(st);
    c->file_open = bytes->n != 0;
    return c->file_open ? QL_OK : QL_END;
}

ql_status
qli_file_read(ql_ctx *cx, ql_str *bytes)
{
    ql_connection *c = (ql_connection *)cx->session;
    ql_deadline dl = ql_deadline_ms((int64_t)c->wire.read_timeout_ms);
    if (ql_wire_is_whole(&c->wire)) {
        return next_packet(c, dl, bytes);
    }
    bool paused = ql_admission_pause(cx);
    ql_status st = next_packet(c, dl, bytes);
    if (paused && (st == QL_OK || st == QL_END)) {
        QL_TRY(ql_admission_resume(cx));
    }
    return st;
}

bool
qli_file_drain(ql_connection *c)
{
    ql_deadline dl = ql_deadline_ms((int64_t)c->wire.read_timeout_ms);
    ql_status st = QL_OK;
    if (ql_intr_conn_reason(&c->s.intr) != 0 || c->wire.net.broken || c->wire.lost) {
        return false;
    }
    while (st == QL_OK && c->file_open) {
        ql_str waste;
        st = next_packet(c, dl, &waste);
        if (st == QL_OK && dl <= ql_deadline_ms(0)) {
            st = QL_TIMEOUT;
        }
    }
    return st == QL_END;
}
