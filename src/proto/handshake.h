/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection phase: greeting, TLS, authentication; and COM_CHANGE_USER, which authenticates
 * again.
 */
#ifndef QL_PROTO_HANDSHAKE_H
#define QL_PROTO_HANDSHAKE_H

#include "acl/acl.h"
#include "proto/packet.h"
#include "proto/protocol.h"
#include "proto/tls.h"

/* What the server side brings. */
typedef struct ql_handshake_conf {
    const char *version; /* in the greeting */
    uint64_t conn_id;
    ql_tls *tls;      /* NULL = none */
    bool require_tls; /* require_secure_transport; Unix sockets count as secure */
    bool is_unix;
    ql_str peer;              /* for the acl: "localhost" (Unix socket) or an IP address */
    ql_str peer_name;         /* in messages and USER(): "localhost" for the loopback addresses */
    bool zlib, zstd;          /* compression offered */
    ql_deadline deadline;     /* connect_timeout */
    void (*heard)(void *arg); /* the client has answered the greeting; NULL = nobody asks */
    void *heard_arg;
} ql_handshake_conf;

/* Who has logged in. Strings live in the arena given. */
typedef struct ql_login {
    uint32_t caps;       /* agreed */
    uint32_t max_packet; /* what the client says it can take */
    ql_zip_kind zip;     /* compression agreed, from the next packet on */
    uint8_t zip_level;
    uint16_t charset;    /* collation id wished for */
    ql_str user;         /* as given */
    ql_str db;           /* n 0 = none */
    ql_str host;         /* peer */
    bool wants_progress; /* QL_CAP_PROGRESS */
    bool has_attrs;      /* it sent connection attributes */
    ql_str pid, program; /* _pid and program_name of them */
    ql_account account;
    uint8_t nonce[20]; /* of the greeting; COM_CHANGE_USER without CLIENT_PLUGIN_AUTH answers it */
    const char *why;   /* for the log: why authentication failed; NULL = the error says it */
} ql_login;

/* Greeting to successful authentication; the OK packet is the session's. QL_ERROR worded (1043,
 * 1045, 1251, 1698, 3118, 3159, packet errors): the session sends it, unless the socket is broken.
 * Then user, host and why are set as far as they are known. QL_TIMEOUT: connect_timeout. QL_END:
 * the peer went away. QL_KILLED. Waits: LOGIN, TLS. */
ql_status ql_handshake(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf, ql_arena *a,
                       ql_login *out) QL_MUST_USE;

/* Payload of COM_CHANGE_USER behind the command byte. `out` holds the former login and is replaced
 * when it succeeds. */
ql_status ql_handshake_change_user(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf,
                                   ql_arena *a, ql_str payload, ql_login *out) QL_MUST_USE;

#endif
