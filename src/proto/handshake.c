/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection phase (protocol documentation, "Connection Phase"): HandshakeV10, SSLRequest,
 * HandshakeResponse41. Which plugin checks the password is auth.c's business.
 */
#include "proto/handshake.h"

#include <string.h>

#include "base/diag.h"
#include "base/reader.h"
#include "proto/proto_int.h"

#define SSL_REQUEST_SIZE 32
#define SERVER_CHARSET 255 /* utf8mb4_0900_ai_ci */

#define SERVER_CAPS                                                                                \
    (QL_CAP_LONG_PASSWORD | QL_CAP_FOUND_ROWS | QL_CAP_LONG_FLAG | QL_CAP_CONNECT_WITH_DB |        \
     QL_CAP_NO_SCHEMA | QL_CAP_LOCAL_FILES | QL_CAP_IGNORE_SPACE | QL_CAP_PROTOCOL_41 |            \
     QL_CAP_INTERACTIVE | QL_CAP_TRANSACTIONS | QL_CAP_RESERVED | QL_CAP_SECURE_CONNECTION |       \
     QL_CAP_MULTI_STATEMENTS | QL_CAP_MULTI_RESULTS | QL_CAP_PS_MULTI_RESULTS |                    \
     QL_CAP_PLUGIN_AUTH | QL_CAP_CONNECT_ATTRS | QL_CAP_PLUGIN_AUTH_LENENC | QL_CAP_DEPRECATE_EOF)

/* ---- decoding ---- */

/* Of the connection attributes (protocol documentation, "CLIENT_CONNECT_ATTRS"; pairs of strings)
 * the two that name the process. Pairs that are cut short are left out. */
static void
decode_attrs(ql_str attrs, qli_client_hello *h)
{
    ql_reader r = ql_reader_of(attrs);
    h->has_attrs = true;
    while (ql_reader_left(&r) != 0) {
        ql_str name = ql_read_lenenc_str(&r);
        ql_str value = ql_read_lenenc_str(&r);
        if (r.bad) {
            return;
        }
        value.n = value.n < QLI_ATTR_MAX ? value.n : QLI_ATTR_MAX;
        if (ql_str_eq(name, QL_STR("_pid"))) {
            h->pid = value;
        } else if (ql_str_eq(name, QL_STR("program_name"))) {
            h->program = value;
        }
    }
}

static void
decode_auth_and_rest(ql_reader *r, qli_client_hello *h)
{
    if (h->caps & QL_CAP_PLUGIN_AUTH_LENENC) {
        h->auth = ql_read_lenenc_str(r);
    } else if (h->caps & QL_CAP_SECURE_CONNECTION) {
        h->auth = ql_read_bytes(r, ql_read_le(r, 1));
    } else {
        h->auth = ql_read_cstr_or_rest(r);
    }
    if ((h->caps & QL_CAP_CONNECT_WITH_DB) && ql_reader_left(r) != 0) {
        h->db = ql_read_cstr_or_rest(r);
    }
    if ((h->caps & QL_CAP_PLUGIN_AUTH) && ql_reader_left(r) != 0) {
        h->plugin = ql_read_cstr_or_rest(r);
    }
    if ((h->caps & QL_CAP_CONNECT_ATTRS) && ql_reader_left(r) != 0) {
        decode_attrs(ql_read_lenenc_str(r), h);
    }
    if ((h->caps & QL_CAP_ZSTD) && ql_reader_left(r) != 0) {
        h->zstd_level = (uint8_t)ql_read_le(r, 1);
    }
}

bool
qli_hello_decode(ql_str payload, qli_client_hello *out)
{
    ql_reader r = ql_reader_of(payload);
    memset(out, 0, sizeof *out);
    out->caps = (uint32_t)ql_read_le(&r, 4);
    out->max_packet = (uint32_t)ql_read_le(&r, 4);
    out->charset = (uint16_t)ql_read_le(&r, 1);
    (void)ql_read_bytes(&r, 23);
    if (r.bad || payload.n == SSL_REQUEST_SIZE) {
        return !r.bad;
    }
    out->user = ql_read_cstr(&r);
    decode_auth_and_rest(&r, out);
    return !r.bad;
}

bool
qli_change_user_decode(ql_str payload, uint32_t caps, qli_client_hello *out)
{
    ql_reader r = ql_reader_of(payload);
    memset(out, 0, sizeof *out);
    out->caps = caps;
    out->user = ql_read_cstr(&r);
    if (caps & QL_CAP_SECURE_CONNECTION) {
        out->auth = ql_read_bytes(&r, ql_read_le(&r, 1));
    } else {
        out->auth = ql_read_cstr(&r);
    }
    out->db = ql_read_cstr_or_rest(&r);
    if (ql_reader_left(&r) >= 2) {
        out->charset = (uint16_t)ql_read_le(&r, 2);
    }
    if ((caps & QL_CAP_PLUGIN_AUTH) && ql_reader_left(&r) != 0) {
        out->plugin = ql_read_cstr_or_rest(&r);
    }
    if ((caps & QL_CAP_CONNECT_ATTRS) && ql_reader_left(&r) != 0) {
        decode_attrs(ql_read_lenenc_str(&r), out);
    }
    return !r.bad;
}

/* ---- talking ---- */

/* No TLS inside the machine: the Unix socket counts as secure, and some clients would take it up
 * unasked and pay for it. */
static uint32_t
server_caps(const ql_handshake_conf *conf)
{
    uint32_t caps = (uint32_t)SERVER_CAPS;
    caps |= conf->zlib ? QL_CAP_COMPRESS : 0;
    caps |= conf->zstd ? QL_CAP_ZSTD : 0;
    return ql_tls_is_available(conf->tls) && !conf->is_unix ? caps | QL_CAP_SSL : caps;
}

static ql_status
send_greeting(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf,
              const uint8_t nonce[QLI_NONCE_SIZE])
{
    static const char plugin[] = "caching_sha2_password";
    static const char zero[10];
    uint32_t caps = server_caps(conf);
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, w, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 10));
    QL_TRY(ql_buf_put(cx, b, conf->version, strlen(conf->version) + 1));
    QL_TRY(ql_buf_put_le(cx, b, conf->conn_id, 4));
    QL_TRY(ql_buf_put(cx, b, nonce, 8));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put_le(cx, b, caps & 0xffff, 2));
    QL_TRY(ql_buf_put_u8(cx, b, SERVER_CHARSET));
    QL_TRY(ql_buf_put_le(cx, b, QL_SST_AUTOCOMMIT, 2));
    QL_TRY(ql_buf_put_le(cx, b, caps >> 16, 2));
    QL_TRY(ql_buf_put_u8(cx, b, QLI_NONCE_SIZE + 1));
    QL_TRY(ql_buf_put(cx, b, zero, sizeof zero));
    QL_TRY(ql_buf_put(cx, b, nonce + 8, QLI_NONCE_SIZE - 8));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put(cx, b, plugin, sizeof plugin));
    QL_TRY(ql_wire_end(cx, w));
    return ql_wire_flush(cx, w, conf->deadline);
}

/* The answer, after the change to TLS if the client asks for it. */
static ql_status
read_hello(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf, qli_client_hello *hello)
{
    ql_str payload;
    QL_TRY(ql_wire_read(cx, w, conf->deadline, QL_W_LOGIN, &payload));
    if (conf->heard != NULL) {
        conf->heard(conf->heard_arg);
    }
    if (!qli_hello_decode(payload, hello)) {
        return ql_fail(cx, QL_ER_HANDSHAKE_ERROR);
    }
    if (!(hello->caps & QL_CAP_PROTOCOL_41)) {
        return ql_fail(cx, QL_ER_NOT_SUPPORTED_AUTH_MODE);
    }
    if (hello->caps & QL_CAP_SSL) {
        /* Bytes that came behind the request in the clear must not count as sent under TLS. */
        if (payload.n != SSL_REQUEST_SIZE || !(server_caps(conf) & QL_CAP_SSL) ||
            w->in.n != w->in_pos) {
            return ql_fail(cx, QL_ER_HANDSHAKE_ERROR);
        }
        struct ssl_st *ssl = ql_tls_new_ssl(conf->tls);
        if (ssl == NULL) {
            return ql_fail_oom(cx, 0);
        }
        QL_TRY(ql_net_accept_tls(cx, &w->net, ssl, conf->deadline));
        QL_TRY(ql_wire_read(cx, w, conf->deadline, QL_W_LOGIN, &payload));
        if (!qli_hello_decode(payload, hello)) {
            return ql_fail(cx, QL_ER_HANDSHAKE_ERROR);
        }
    }
    if (payload.n <= SSL_REQUEST_SIZE) {
        return ql_fail(cx, QL_ER_HANDSHAKE_ERROR);
    }
    return QL_OK;
}

/* The payload goes with the next read; what is needed later moves to the arena. */
static ql_status
keep_str(ql_ctx *cx, ql_arena *a, ql_str *s)
{
    char *p = ql_arena_strndup(cx, a, s->n != 0 ? s->p : "", s->n);
    if (p == NULL) {
        return QL_ERROR;
    }
    s->p = p;
    return QL_OK;
}

/* Names come in the client's character set. */
static ql_status
keep_name(ql_ctx *cx, ql_arena *a, unsigned collation, ql_str *s)
{
    const ql_collation *coll = ql_collation_by_id(collation);
    size_t fit;
    return coll != NULL && !ql_charset_is_plain(coll->charset) && coll->charset->min_bytes == 1
               ? ql_charset_text(cx, a, coll->charset, *s, s, &fit)
               : keep_str(cx, a, s);
}

static ql_status
keep_hello(ql_ctx *cx, ql_arena *a, qli_client_hello *h)
{
    QL_TRY(keep_name(cx, a, h->charset, &h->user));
    QL_TRY(keep_str(cx, a, &h->auth));
    QL_TRY(keep_name(cx, a, h->charset, &h->db));
    QL_TRY(keep_str(cx, a, &h->pid));
    QL_TRY(keep_str(cx, a, &h->program));
    return keep_str(cx, a, &h->plugin);
}

static void
fill_login(ql_login *out, const qli_client_hello *h, const ql_handshake_conf *conf,
           const ql_account *account)
{
    out->max_packet = h->max_packet;
    out->charset = h->charset;
    out->user = h->user;
    out->db = h->db;
    out->host = conf->peer_name;
    out->has_attrs = h->has_attrs;
    out->pid = h->pid;
    out->program = h->program;
    out->account = *account;
}

#define ZLIB_LEVEL 6
#define ZSTD_LEVEL 3
#define ZSTD_LEVEL_MAX 22

/* zlib first when a client can do both, as MySQL. */
static void
agree_on_compression(const qli_client_hello *h, ql_login *out)
{
    if (out->caps & QL_CAP_COMPRESS) {
        out->zip = QL_ZIP_ZLIB;
        out->zip_level = ZLIB_LEVEL;
    } else if (out->caps & QL_CAP_ZSTD) {
        bool valid = h->zstd_level >= 1 && h->zstd_level <= ZSTD_LEVEL_MAX;
        out->zip = QL_ZIP_ZSTD;
        out->zip_level = valid ? h->zstd_level : ZSTD_LEVEL;
    }
}

ql_status
ql_handshake(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf, ql_arena *a, ql_login *out)
{
    uint8_t nonce[QLI_NONCE_SIZE];
    qli_client_hello hello;
    ql_account account = {0};
    memset(out, 0, sizeof *out);
    QL_TRY(ql_random_nonce(cx, nonce, sizeof nonce));
    QL_TRY(send_greeting(cx, w, conf, nonce));
    QL_TRY(read_hello(cx, w, conf, &hello));
    out->caps = hello.caps & server_caps(conf);
    out->wants_progress = hello.caps & QL_CAP_PROGRESS;
    agree_on_compression(&hello, out);
    QL_TRY(keep_hello(cx, a, &hello));
    out->user = hello.user;
    out->host = conf->peer_name;
    memcpy(out->nonce, nonce, sizeof nonce);
    if (conf->require_tls && !conf->is_unix && w->net.ssl == NULL) {
        return ql_fail(cx, QL_ER_SECURE_TRANSPORT_REQUIRED);
    }
    QL_TRY(qli_authenticate(cx, w, conf, a, &hello, nonce, false, &account, &out->why));
    fill_login(out, &hello, conf, &account);
    return QL_OK;
}

ql_status
ql_handshake_change_user(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf, ql_arena *a,
                         ql_str payload, ql_login *out)
{
    uint8_t nonce[QLI_NONCE_SIZE];
    qli_client_hello hello;
    ql_account account = {0};
    if (!qli_change_user_decode(payload, out->caps, &hello)) {
        return ql_fail(cx, QL_ER_MALFORMED_PACKET);
    }
    hello.max_packet = out->max_packet;
    if (hello.charset == 0) {
        hello.charset = out->charset;
    }
    if (!hello.has_attrs) { /* the program is still the one that logged in */
        hello.has_attrs = out->has_attrs;
        hello.pid = out->pid;
        hello.program = out->program;
    }
    QL_TRY(keep_hello(cx, a, &hello));
    out->user = hello.user;
    out->why = NULL;
    bool fresh = (out->caps & QL_CAP_PLUGIN_AUTH) != 0;
    if (fresh) {
        QL_TRY(ql_random_nonce(cx, nonce, sizeof nonce));
    } else { /* it knows no other than that of the greeting */
        memcpy(nonce, out->nonce, sizeof nonce);
    }
    QL_TRY(qli_authenticate(cx, w, conf, a, &hello, nonce, fresh, &account, &out->why));
    fill_login(out, &hello, conf, &account);
    return QL_OK;
}
