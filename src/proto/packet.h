/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets over a socket: framing with sequence numbers, packets beyond 16 MB, buffering, and the
 * knowledge of where the wire stands when a write was cut short, so that a killed statement can end
 * its reply without losing protocol sync.
 */
#ifndef QL_PROTO_PACKET_H
#define QL_PROTO_PACKET_H

#include "base/buf.h"
#include "intr/netio.h"
#include "proto/compress.h"

#define QL_PACKET_FRAME_MAX 0xffffffu

/* Owner: the session; one thread. Buffers are allocated when first needed and given back by
 * ql_wire_release. */
typedef struct ql_wire {
    ql_net net;
    ql_zip zip;    /* compressed protocol, when agreed; its out counts as gone for trim */
    uint8_t seq;   /* of the next packet, either direction */
    ql_buf in;     /* received, not yet used up: in.p[in_pos .. in.n) */
    size_t in_pos; /* start of what has not been handed out */
    ql_buf joined; /* payload of a packet that came in several frames */
    bool joining;  /* the last frame of that one is still to come */
    ql_buf held_in, held_joined; /* buffers of an earlier payload that is still needed */
    ql_buf out;                  /* whole packets, and the one being built, not yet gone */
    size_t out_done;             /* bytes of out that the socket has taken */
    size_t out_packet;           /* start of the packet being built */
    size_t out_keep;     /* packets before this offset are never dropped (column definitions) */
    size_t out_reply;    /* start of the present reply: what is before it belongs to earlier ones */
    bool lost;           /* the peer did not take a packet in time: nothing more will be said */
    bool reply_began;    /* bytes of the present reply have left */
    uint64_t max_packet; /* incoming payload limit: max_allowed_packet */
    uint64_t read_timeout_ms;  /* silence inside a packet */
    uint64_t write_timeout_ms; /* socket full */
} ql_wire;

/* Takes ownership of fd. */
void ql_wire_init(ql_wire *w, int fd);
void ql_wire_close(ql_wire *w);
/* From the beginning: what the buffers take is q's. */
void ql_wire_set_quota(ql_wire *w, ql_quota *q);
/* Give back the buffers that hold nothing. */
void ql_wire_release(ql_wire *w);

/* A new exchange begins: sequence numbers from 0. */
void ql_wire_restart(ql_wire *w);
/* Next packet; *payload is valid until the next read. Waits until dl for its first byte as `kind`,
 * then read_timeout_ms as NET_READ (or as `kind`: with dl when that is LOGIN, and when it is
 * CLIENT_FILE). Killed on the way, the next call goes on where it stood. QL_END = the peer
 * closed between packets; QL_TIMEOUT = nothing came until dl. QL_ERROR worded: 1153 too large, 1156
 * out of order, 1158 closed inside a packet, 1159 silence inside a packet; after those the
 * connection cannot go on. QL_KILLED. */
ql_status ql_wire_read(ql_ctx *cx, ql_wire *w, ql_deadline dl, ql_wait_kind kind,
                       ql_str *payload) QL_MUST_USE;
/* The payload read last stays valid until ql_wire_restart, whatever is read meanwhile. */
ql_status ql_wire_hold_input(ql_ctx *cx, ql_wire *w) QL_MUST_USE;
/* Wait, as IDLE, until the next packet has begun: *first is the first byte of its payload, -1 when
 * it is empty. The packet stays for ql_wire_read. slim: without holding a buffer while nothing
 * comes, for connections that have been idle for a while. Statuses as ql_wire_read. */
ql_status ql_wire_wait(ql_ctx *cx, ql_wire *w, ql_deadline dl, bool slim, int *first) QL_MUST_USE;

/* Build a packet: begin, put bytes into the buffer returned, end. begin after begin without end
 * drops what was put (a kill while it was built). end flushes when much has gathered. Waits:
 * NET_WRITE. */
ql_status ql_wire_begin(ql_ctx *cx, ql_wire *w, ql_buf **out) QL_MUST_USE;
ql_status ql_wire_end(ql_ctx *cx, ql_wire *w) QL_MUST_USE;
/* The reply of the next statement begins behind what has been ended so far. */
void ql_wire_begin_reply(ql_wire *w);
/* What has been ended so far must not be dropped from a reply that has begun. */
void ql_wire_keep(ql_wire *w);
/* Is the next packet there as a whole, so that reading it does not wait? */
bool ql_wire_is_whole(const ql_wire *w);
/* Bytes that wait to be sent. */
size_t ql_wire_gathered(const ql_wire *w);
/* Everything ended so far goes to the socket. QL_TIMEOUT after dl. Waits: NET_WRITE. */
ql_status ql_wire_flush(ql_ctx *cx, ql_wire *w, ql_deadline dl) QL_MUST_USE;
ql_deadline ql_wire_write_deadline(const ql_wire *w);
/* The same with the write timeout, as part of a statement: 1161 when it passes, and then the wire
 * is lost. Waits: NET_WRITE. */
ql_status ql_wire_drain(ql_ctx *cx, ql_wire *w) QL_MUST_USE;

/* After a failed or killed write, before the reply is ended by an error packet: drop what need not
 * be sent (whole packets of which no byte has left) and set the sequence number accordingly. True
 * when a packet is cut and has to be finished first. Never waits. */
bool ql_wire_trim(ql_wire *w);
/* For some time at most, throw away what the peer still sends, so that closing does not destroy the
 * error packet on its way. Waits: NET_READ. */
void ql_wire_linger(ql_ctx *cx, ql_wire *w, int64_t ms);

#endif
