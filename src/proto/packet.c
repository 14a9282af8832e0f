/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing (protocol documentation, "MySQL Packets"): 3 bytes length, 1 byte sequence number; a
 * frame of 0xffffff bytes is continued by the next one. Outgoing packets gather in `out`, which
 * always starts at a packet boundary; out_done says how far the socket has taken it.
 */
#include "proto/packet.h"

#include <string.h>
#include <sys/socket.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/mem.h"

#define HEADER 4u
#define FLUSH_AT ((size_t)32 << 10) /* enough gathered to be worth a write */
#define FIRST_BITE 512u             /* read while idle without a buffer */
#define READ_AHEAD ((size_t)16 << 10)

void
ql_wire_init(ql_wire *w, int fd)
{
    memset(w, 0, sizeof *w);
    ql_net_init(&w->net, fd);
    w->max_packet = 1u << 20; /* until the session knows max_allowed_packet */
    w->read_timeout_ms = 30000;
    w->write_timeout_ms = 60000;
}

void
ql_wire_set_quota(ql_wire *w, ql_quota *q)
{
    ql_buf *const all[] = {&w->in,  &w->joined, &w->held_in, &w->held_joined,
                           &w->out, &w->zip.in, &w->zip.out};
    for (size_t i = 0; i < QL_ARRAY_LEN(all); i++) {
        all[i]->quota = q;
    }
}

void
ql_wire_close(ql_wire *w)
{
    ql_net_close(&w->net);
    ql_buf_free(&w->in);
    ql_buf_free(&w->joined);
    ql_buf_free(&w->held_in);
    ql_buf_free(&w->held_joined);
    ql_buf_free(&w->out);
    ql_zip_free(&w->zip);
}

void
ql_wire_release(ql_wire *w)
{
    if (w->in_pos == w->in.n) {
        ql_buf_free(&w->in);
        w->in_pos = 0;
    }
    ql_buf_free(&w->joined);
    if (w->out.n == 0) {
        ql_buf_free(&w->out);
    }
    if (w->zip.in.n == 0) {
        ql_buf_free(&w->zip.in);
    }
    if (w->zip.out.n == 0) {
        ql_buf_free(&w->zip.out);
    }
}

void
ql_wire_restart(ql_wire *w)
{
    w->seq = w->zip.seq = 0;
    ql_buf_free(&w->held_in);
    ql_buf_free(&w->held_joined);
    ql_wire_begin_reply(w);
}

/* ---- reading ---- */

static uint32_t
frame_length(const char *header)
{
    const uint8_t *h = (const uint8_t *)header;
    return (uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16;
}

static void
compact(ql_wire *w)
{
    if (w->in_pos != 0) {
        memmove(w->in.p, w->in.p + w->in_pos, w->in.n - w->in_pos);
        w->in.n -= w->in_pos;
        w->in_pos = 0;
    }
}

/* More bytes to the end of b. Not one too many during login: what follows a request for TLS, and
 * may have come in the same segment, belongs to TLS. */
static ql_status
receive(ql_ctx *cx, ql_wire *w, ql_buf *b, size_t want, ql_deadline dl, ql_wait_kind kind)
{
    size_t got;
    QL_TRY(ql_buf_reserve(cx, b, want > READ_AHEAD ? want : READ_AHEAD));
    size_t room = kind == QL_W_LOGIN ? want : b->cap - b->n;
    QL_TRY(ql_net_read(cx, &w->net, b->p + b->n, room, &got, dl, kind));
    b->n += got;
    return QL_OK;
}

/* More plain bytes to the end of `in`; one step: without compression one read, else one read or one
 * packet unpacked. */
static ql_status
receive_plain(ql_ctx *cx, ql_wire *w, size_t want, ql_deadline dl, ql_wait_kind kind)
{
    if (w->zip.kind == QL_ZIP_NONE) {
        return receive(cx, w, &w->in, want, dl, kind);
    }
    size_t missing = ql_zip_missing(&w->zip);
    if (missing != 0) {
        return receive(cx, w, &w->zip.in, missing, dl, kind);
    }
    return ql_zip_unpack(cx, &w->zip, &w->in);
}

/* At least need bytes from in_pos on. QL_TIMEOUT and QL_END only when not a single byte was there.
 */
static ql_status
fill(ql_ctx *cx, ql_wire *w, size_t need, ql_deadline dl, ql_wait_kind kind)
{
    bool login = kind == QL_W_LOGIN;
    while (w->in.n - w->in_pos < need) {
        size_t have = w->in.n - w->in_pos;
        size_t begun = have + w->zip.in.n;
        compact(w);
        if (begun != 0 && !login) {
            dl = ql_deadline_ms((int64_t)w->read_timeout_ms);
            kind = kind == QL_W_CLIENT_FILE ? kind : QL_W_NET_READ;
        }
        ql_status st = receive_plain(cx, w, need - have, dl, kind);
        if (st == QL_END && begun != 0) {
            return ql_fail(cx, QL_ER_NET_READ_ERROR);
        }
        if (st == QL_TIMEOUT && begun != 0 && !login) {
            return ql_fail(cx, QL_ER_NET_READ_INTERRUPTED);
        }
        QL_TRY(st);
    }
    return QL_OK;
}

/* One frame, left in `in` behind its header. */
static ql_status
read_frame(ql_ctx *cx, ql_wire *w, ql_deadline dl, ql_wait_kind kind, ql_str *body)
{
    if (w->in_pos == w->in.n) {
        w->in_pos = w->in.n = 0;
    }
    QL_TRY(fill(cx, w, HEADER, dl, kind));
    const char *h = w->in.p + w->in_pos;
    uint32_t len = frame_length(h);
    if ((uint8_t)h[3] != w->seq && w->zip.kind == QL_ZIP_NONE) { /* zip has numbers of its own */
        return ql_fail(cx, QL_ER_NET_PACKETS_OUT_OF_ORDER);
    }
    if (w->joined.n + len > w->max_packet) {
        return ql_fail(cx, QL_ER_NET_PACKET_TOO_LARGE);
    }
    QL_TRY(fill(cx, w, HEADER + len, dl, kind));
    w->seq = (uint8_t)(w->in.p[w->in_pos + 3] + 1);
    *body = (ql_str){w->in.p + w->in_pos + HEADER, len};
    w->in_pos += HEADER + len;
    return QL_OK;
}

ql_status
ql_wire_read(ql_ctx *cx, ql_wire *w, ql_deadline dl, ql_wait_kind kind, ql_str *payload)
{
    ql_str body = {NULL, QL_PACKET_FRAME_MAX};
    if (!w->joining) {
        ql_buf_clear(&w->joined);
        QL_TRY(read_frame(cx, w, dl, kind, &body));
        if (body.n < QL_PACKET_FRAME_MAX) {
            *payload = body;
            return QL_OK;
        }
        w->joining = true;
        QL_TRY(ql_buf_put(cx, &w->joined, body.p, body.n));
    }
    ql_wait_kind inside = kind == QL_W_CLIENT_FILE ? kind : QL_W_NET_READ;
    while (body.n == QL_PACKET_FRAME_MAX) {
        ql_status st =
            read_frame(cx, w, ql_deadline_ms((int64_t)w->read_timeout_ms), inside, &body);
        if (st == QL_END || st == QL_TIMEOUT) {
            return ql_fail(cx, st == QL_END ? QL_ER_NET_READ_ERROR : QL_ER_NET_READ_INTERRUPTED);
        }
        QL_TRY(st);
        w->joining = body.n == QL_PACKET_FRAME_MAX;
        QL_TRY(ql_buf_put(cx, &w->joined, body.p, body.n));
    }
    *payload = (ql_str){w->joined.p, w->joined.n};
    return QL_OK;
}

ql_status
ql_wire_hold_input(ql_ctx *cx, ql_wire *w)
{
    ql_buf rest = {.quota = w->in.quota};
    if (w->held_in.p != NULL) {
        return QL_OK; /* what is read since has nothing that is needed */
    }
    QL_TRY(ql_buf_put(cx, &rest, w->in.p + w->in_pos, w->in.n - w->in_pos));
    w->held_in = w->in;
    w->held_joined = w->joined;
    w->in = rest;
    w->in_pos = 0;
    w->joined = (ql_buf){.quota = rest.quota};
    return QL_OK;
}

/* Wait for the first bytes without a heap buffer: most connections of a big server sit here. */
static ql_status
wait_small(ql_ctx *cx, ql_wire *w, ql_deadline dl)
{
    char bite[FIRST_BITE];
    size_t got;
    QL_TRY(ql_net_read(cx, &w->net, bite, sizeof bite, &got, dl, QL_W_IDLE));
    w->in_pos = w->in.n = 0;
    return ql_buf_put(cx, w->zip.kind == QL_ZIP_NONE ? &w->in : &w->zip.in, bite, got);
}

ql_status
ql_wire_wait(ql_ctx *cx, ql_wire *w, ql_deadline dl, bool slim, int *first)
{
    if (slim && w->in_pos == w->in.n) {
        ql_wire_release(w);
        QL_TRY(wait_small(cx, w, dl));
    }
    QL_TRY(fill(cx, w, HEADER, dl, QL_W_IDLE));
    bool empty = frame_length(w->in.p + w->in_pos) == 0;
    if (!empty) {
        QL_TRY(fill(cx, w, HEADER + 1, dl, QL_W_IDLE));
    }
    *first = empty ? -1 : (uint8_t)w->in.p[w->in_pos + HEADER];
    return QL_OK;
}

bool
ql_wire_is_whole(const ql_wire *w)
{
    size_t have = w->in.n - w->in_pos;
    uint32_t len = have >= HEADER ? frame_length(w->in.p + w->in_pos) : 0;
    return have >= HEADER && len < QL_PACKET_FRAME_MAX && have - HEADER >= len;
}

size_t
ql_wire_gathered(const ql_wire *w)
{
    return w->out.n - w->out_done;
}

void
ql_wire_linger(ql_ctx *cx, ql_wire *w, int64_t ms)
{
    char waste[FIRST_BITE];
    size_t got;
    ql_deadline dl = ql_deadline_ms(ms);
    if (w->net.ssl != NULL || w->net.fd < 0 || w->net.broken) {
        return;
    }
    (void)shutdown(w->net.fd, SHUT_WR);
    while (ql_net_read(cx, &w->net, waste, sizeof waste, &got, dl, QL_W_NET_READ) == QL_OK) {
    }
}

/* ---- writing ---- */

ql_deadline
ql_wire_write_deadline(const ql_wire *w)
{
    return ql_deadline_ms((int64_t)w->write_timeout_ms);
}

ql_status
ql_wire_begin(ql_ctx *cx, ql_wire *w, ql_buf **out)
{
    w->out.n = w->out_packet;
    QL_TRY(ql_buf_reserve(cx, &w->out, HEADER));
    w->out.n += HEADER;
    *out = &w->out;
    return QL_OK;
}

static void
put_header(ql_wire *w, size_t at, size_t len)
{
    char *h = w->out.p + at;
    h[0] = (char)(len & 0xff);
    h[1] = (char)(len >> 8 & 0xff);
    h[2] = (char)(len >> 16 & 0xff);
    h[3] = (char)w->seq++;
}

/* n bytes move up by `by`, the last ones first. */
static ql_status
shift_up(ql_ctx *cx, char *p, size_t n, size_t by)
{
    while (n != 0) {
        size_t step = n < QL_BULK_PIECE ? n : QL_BULK_PIECE;
        n -= step;
        memmove(p + n + by, p + n, step);
        QL_TRY(ql_check(cx));
    }
    return QL_OK;
}

/* Make room for the headers inside a packet beyond 16 MB, last piece first. */
static ql_status
split_frames(ql_ctx *cx, ql_wire *w, size_t at, size_t len)
{
    size_t extra = len / QL_PACKET_FRAME_MAX;
    QL_TRY(ql_buf_reserve(cx, &w->out, extra * HEADER));
    char *payload = w->out.p + at + HEADER;
    for (size_t i = extra; i > 0; i--) {
        size_t from = i * QL_PACKET_FRAME_MAX;
        size_t n = i == extra ? len - from : QL_PACKET_FRAME_MAX;
        QL_TRY(shift_up(cx, payload + from, n, i * HEADER));
    }
    w->out.n += extra * HEADER;
    for (size_t i = 0; i <= extra; i++) {
        size_t n = i < extra ? QL_PACKET_FRAME_MAX : len - extra * QL_PACKET_FRAME_MAX;
        put_header(w, at + i * (QL_PACKET_FRAME_MAX + HEADER), n);
    }
    return QL_OK;
}

ql_status
ql_wire_end(ql_ctx *cx, ql_wire *w)
{
    size_t at = w->out_packet;
    size_t len = w->out.n - at - HEADER;
    if (len < QL_PACKET_FRAME_MAX) {
        put_header(w, at, len);
    } else {
        QL_TRY(split_frames(cx, w, at, len));
    }
    w->out_packet = w->out.n;
    if (w->out.n - w->out_done < FLUSH_AT) {
        return QL_OK;
    }
    return ql_wire_drain(cx, w);
}

void
ql_wire_begin_reply(ql_wire *w)
{
    w->out_reply = w->out_keep = w->out_packet;
    w->reply_began = false;
}

void
ql_wire_keep(ql_wire *w)
{
    w->out_keep = w->out_packet;
}

/* Sealed pieces to the socket. */
static ql_status
write_sealed(ql_ctx *cx, ql_wire *w, ql_deadline dl)
{
    ql_zip *z = &w->zip;
    size_t done = 0;
    ql_status st = ql_net_write(cx, &w->net, z->out.p + z->out_done, z->out.n - z->out_done, &done,
                                dl, QL_W_NET_WRITE);
    z->out_done += done;
    QL_TRY(st);
    z->out.n = z->out_done = 0;
    return QL_OK;
}

static ql_status
flush_compressed(ql_ctx *cx, ql_wire *w, ql_deadline dl)
{
    for (;;) {
        QL_TRY(write_sealed(cx, w, dl));
        size_t n = w->out.n - w->out_done;
        if (n == 0) {
            return QL_OK;
        }
        n = n < QL_ZIP_PIECE ? n : QL_ZIP_PIECE;
        QL_TRY(ql_check(cx));
        QL_TRY(ql_zip_pack(cx, &w->zip, w->out.p + w->out_done, n));
        w->out_done += n;
    }
}

static ql_status
flush_plain(ql_ctx *cx, ql_wire *w, ql_deadline dl)
{
    size_t done = 0;
    ql_status st = ql_net_write(cx, &w->net, w->out.p + w->out_done, w->out.n - w->out_done, &done,
                                dl, QL_W_NET_WRITE);
    w->out_done += done;
    return st;
}

static bool
is_pending(const ql_wire *w)
{
    return w->out.n != w->out_done || w->net.unsent != NULL || w->zip.out.n != w->zip.out_done;
}

ql_status
ql_wire_flush(ql_ctx *cx, ql_wire *w, ql_deadline dl)
{
    w->out.n = w->out_packet;
    if (!is_pending(w)) {
        return QL_OK;
    }
    ql_status st =
        w->zip.kind == QL_ZIP_NONE ? flush_plain(cx, w, dl) : flush_compressed(cx, w, dl);
    w->reply_began |= w->out_done > w->out_reply;
    QL_TRY(st);
    w->out.n = w->out_done = w->out_packet = w->out_keep = w->out_reply = 0;
    return QL_OK;
}

ql_status
ql_wire_drain(ql_ctx *cx, ql_wire *w)
{
    ql_status st = ql_wire_flush(cx, w, ql_wire_write_deadline(w));
    w->lost |= st == QL_TIMEOUT || st == QL_ERROR;
    return st == QL_TIMEOUT ? ql_fail(cx, QL_ER_NET_WRITE_INTERRUPTED) : st;
}

/* End of the packet that starts at `at`: after the first frame below the maximum. */
static size_t
packet_end(const ql_wire *w, size_t at)
{
    uint32_t len;
    do {
        len = frame_length(w->out.p + at);
        at += HEADER + len;
    } while (len == QL_PACKET_FRAME_MAX);
    return at;
}

bool
ql_wire_trim(ql_wire *w)
{
    size_t floor = w->out_done > w->out_reply ? w->out_done : w->out_reply;
    size_t end = 0;
    if (w->reply_began && w->out_keep > floor) {
        floor = w->out_keep;
    }
    w->out.n = w->out_packet;
    while (end < floor) {
        end = packet_end(w, end);
    }
    if (end < w->out.n) {
        w->seq = (uint8_t)w->out.p[end + 3];
        w->out.n = w->out_packet = end;
    }
    return is_pending(w);
}
