/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and certificates of the server: made at first start under MySQL's file names (ca.pem,
 * server-cert.pem, server-key.pem, private_key.pem, public_key.pem), TLS contexts, and the RSA pair
 * of caching_sha2_password. One per instance; read-only after open, so any thread may use it.
 */
#ifndef QL_PROTO_TLS_H
#define QL_PROTO_TLS_H

#include "base/ctx.h"

struct ssl_st;
typedef struct ql_tls ql_tls;

/* Write those files that dir lacks; existing ones are never touched. Key files get mode 0600. */
ql_status ql_tls_make_files(ql_ctx *cx, const char *dir) QL_MUST_USE;
/* Where keys come from. */
typedef struct ql_tls_files {
    const char *dir;        /* the files that were made, for what is not named here */
    const char *cert, *key; /* --ssl-cert, --ssl-key; both or none (NULL) */
    ql_str versions;        /* --tls-version: of TLSv1.2 and TLSv1.3 */
} ql_tls_files;

/* Load them. QL_ERROR worded when one is named, or there, and cannot be used; and for versions that
 * are none. */
ql_status ql_tls_open(ql_ctx *cx, const ql_tls_files *files, ql_tls **out) QL_MUST_USE;
void ql_tls_close(ql_tls *t); /* NULL ignored */

bool ql_tls_is_available(const ql_tls *t); /* NULL: false */
/* For ql_net_accept_tls, which takes it over; NULL when memory is out. */
struct ssl_st *ql_tls_new_ssl(ql_tls *t) QL_MUST_USE;
/* Name of the protocol version and cipher in use, for status variables; "" without TLS. */
const char *ql_tls_version(const struct ssl_st *ssl);
const char *ql_tls_cipher(const struct ssl_st *ssl);

/* The RSA public key as PEM; n 0 = none. */
ql_str ql_tls_public_key(const ql_tls *t);
/* Bytes of a ciphertext made with it; 0 = no key. */
size_t ql_tls_key_bytes(const ql_tls *t);
/* RSA-OAEP; *n = room in out at first, bytes used afterwards. False when it does not decrypt. */
bool ql_tls_decrypt(const ql_tls *t, ql_str cipher, uint8_t *out, size_t *n) QL_MUST_USE;

/* n random bytes, none of them 0 or '$' (nonces travel in NUL-terminated fields). */
ql_status ql_random_nonce(ql_ctx *cx, uint8_t *out, size_t n) QL_MUST_USE;

/* The thread is about to end: what OpenSSL keeps for it is given back now, not at some time after
 * the process may have ended. */
void ql_tls_thread_end(void);

#endif
