/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of proto/ share among themselves.
 */
#ifndef QL_PROTO_PROTO_INT_H
#define QL_PROTO_PROTO_INT_H

#include "proto/handshake.h"

#define QLI_NONCE_SIZE 20
#define QLI_ATTR_MAX 128

/* The client's answer to the greeting, or COM_CHANGE_USER. */
typedef struct qli_client_hello {
    uint32_t caps, max_packet;
    uint16_t charset;
    uint8_t zstd_level;
    ql_str user, auth, db, plugin; /* in the arena of the login */
    bool has_attrs;                /* connection attributes came */
    ql_str pid, program;           /* _pid and program_name of them, cut to QLI_ATTR_MAX */
} qli_client_hello;

/* Decode without touching the network; false = malformed. Strings share the payload. */
bool qli_hello_decode(ql_str payload, qli_client_hello *out);
bool qli_change_user_decode(ql_str payload, uint32_t caps, qli_client_hello *out);

/* Authenticate hello.user; fills account. hello.auth was made with nonce unless `fresh`. *why: what
 * the client is not told (static), or untouched. */
ql_status qli_authenticate(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf, ql_arena *a,
                           const qli_client_hello *hello, uint8_t nonce[QLI_NONCE_SIZE], bool fresh,
                           ql_account *account, const char **why);

#endif
