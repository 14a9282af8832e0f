/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire side of the authentication plugins: caching_sha2_password, mysql_native_password,
 * auth_socket. Unknown users take the same steps against a decoy account, so that an answer does
 * not tell whether a name exists. Passwords in the clear are wiped after use.
 */
#include <openssl/crypto.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/diag.h"
#include "proto/proto_int.h"
#include "types/collate.h"

#define SHA2_RESPONSE 32
#define SHA2_FAST_OK 0x03
#define SHA2_FULL 0x04
#define SHA2_WANT_KEY 0x02
#define PASSWORD_MAX 1024

static const ql_str sha2_plugin = {"caching_sha2_password", 21};
static const ql_str native_plugin = {"mysql_native_password", 21};
static const ql_str socket_plugin = {"auth_socket", 11};

/* One authentication, on the stack of qli_authenticate. */
typedef struct exchange {
    ql_wire *w;
    const ql_handshake_conf *conf;
    ql_arena *a;
    const ql_account *account;
    uint8_t *nonce;
    ql_str response;
    bool is_decoy;
    bool used_password; /* for the message */
    const char *why;    /* for the log */
} exchange;

static ql_status
deny(ql_ctx *cx, const exchange *x, ql_str user)
{
    const char *u = ql_arena_strndup(cx, x->a, user.p, user.n);
    const char *h = ql_arena_strndup(cx, x->a, x->conf->peer_name.p, x->conf->peer_name.n);
    if (u == NULL || h == NULL) {
        return QL_ERROR;
    }
    if (ql_str_eq(x->account->plugin, socket_plugin)) {
        return ql_fail(cx, QL_ER_ACCESS_DENIED_NO_PASSWORD_ERROR, u, h);
    }
    return ql_fail(cx, QL_ER_ACCESS_DENIED_ERROR, u, h, x->used_password ? "YES" : "NO");
}

static ql_status
read_answer(ql_ctx *cx, exchange *x, ql_str *payload)
{
    return ql_wire_read(cx, x->w, x->conf->deadline, QL_W_LOGIN, payload);
}

/* AuthSwitchRequest with a fresh nonce; the answer becomes the response. */
static ql_status
switch_plugin(ql_ctx *cx, exchange *x, ql_str plugin)
{
    ql_buf *b;
    ql_str payload;
    QL_TRY(ql_random_nonce(cx, x->nonce, QLI_NONCE_SIZE));
    QL_TRY(ql_wire_begin(cx, x->w, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 0xfe));
    QL_TRY(ql_buf_put(cx, b, plugin.p, plugin.n));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put(cx, b, x->nonce, QLI_NONCE_SIZE));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_wire_end(cx, x->w));
    QL_TRY(ql_wire_flush(cx, x->w, x->conf->deadline));
    QL_TRY(read_answer(cx, x, &payload));
    char *p = ql_arena_strndup(cx, x->a, payload.n != 0 ? payload.p : "", payload.n);
    if (p == NULL) {
        return QL_ERROR;
    }
    x->response = (ql_str){p, payload.n};
    return QL_OK;
}

static ql_status
send_more(ql_ctx *cx, exchange *x, const void *p, size_t n, bool flush)
{
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, x->w, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 0x01));
    QL_TRY(ql_buf_put(cx, b, p, n));
    QL_TRY(ql_wire_end(cx, x->w));
    return flush ? ql_wire_flush(cx, x->w, x->conf->deadline) : QL_OK;
}

/* ---- mysql_native_password ---- */

static ql_status
check_native(ql_ctx *cx, exchange *x, ql_auth_result *result)
{
    (void)cx;
    x->used_password = x->response.n != 0;
    *result = x->is_decoy ? QL_AUTH_FAIL : ql_acl_check_native(x->account, x->nonce, x->response);
    return QL_OK;
}

/* ---- caching_sha2_password ---- */

static bool
is_empty_password(ql_str response)
{
    return response.n == 0 || (response.n == 1 && response.p[0] == 0);
}

/* The client encrypts password XOR nonce with our public key. */
static bool
decrypt_password(exchange *x, ql_str cipher, char *out, size_t *n)
{
    if (cipher.n != ql_tls_key_bytes(x->conf->tls) ||
        !ql_tls_decrypt(x->conf->tls, cipher, (uint8_t *)out, n)) {
        return false;
    }
    for (size_t i = 0; i < *n; i++) {
        out[i] = (char)(out[i] ^ (char)x->nonce[i % QLI_NONCE_SIZE]);
    }
    return true;
}

/* The password in the clear: over TLS or the Unix socket as it is, else through RSA. *ok false: the
 * client did not manage. */
static ql_status
receive_password(ql_ctx *cx, exchange *x, char out[PASSWORD_MAX], size_t *n, bool *ok)
{
    ql_str payload;
    QL_TRY(read_answer(cx, x, &payload));
    if (x->conf->is_unix || x->w->net.ssl != NULL) {
        *ok = payload.n <= PASSWORD_MAX;
        *n = *ok ? payload.n : 0;
        memcpy(out, payload.p, *n);
        OPENSSL_cleanse((char *)payload.p, payload.n);
    } else {
        if (payload.n == 1 && payload.p[0] == SHA2_WANT_KEY) {
            ql_str pem = ql_tls_public_key(x->conf->tls);
            QL_TRY(send_more(cx, x, pem.p, pem.n, true));
            QL_TRY(read_answer(cx, x, &payload));
        }
        *n = PASSWORD_MAX;
        *ok = decrypt_password(x, payload, out, n);
    }
    if (*ok && *n != 0 && out[*n - 1] == 0) {
        (*n)--;
    }
    return QL_OK;
}

static ql_status
check_sha2_full(ql_ctx *cx, exchange *x, ql_auth_result *result)
{
    static const uint8_t full = SHA2_FULL;
    char password[PASSWORD_MAX];
    size_t n = 0;
    bool ok = false;
    QL_TRY(send_more(cx, x, &full, 1, true));
    ql_status st = receive_password(cx, x, password, &n, &ok);
    *result = QL_AUTH_FAIL;
    if (st == QL_OK && ok) {
        st = ql_acl_check_sha2_full(cx, x->account, (ql_str){password, n}, result);
    }
    OPENSSL_cleanse(password, sizeof password);
    if (x->is_decoy) {
        *result = QL_AUTH_FAIL;
    }
    return st;
}

static ql_status
check_sha2(ql_ctx *cx, exchange *x, ql_auth_result *result)
{
    static const uint8_t fast_ok = SHA2_FAST_OK;
    *result = QL_AUTH_FAIL;
    if (is_empty_password(x->response)) {
        x->used_password = false;
        *result = x->account->auth_string.n == 0 && !x->is_decoy ? QL_AUTH_OK : QL_AUTH_FAIL;
        return QL_OK;
    }
    x->used_password = true;
    if (x->response.n != SHA2_RESPONSE || x->account->auth_string.n == 0) {
        return QL_OK;
    }
    *result = x->is_decoy ? QL_AUTH_NEED_FULL
                          : ql_acl_check_sha2_fast(cx, x->account, x->nonce, x->response);
    if (*result == QL_AUTH_OK) {
        return send_more(cx, x, &fast_ok, 1, false);
    }
    /* A wrong password also goes the full way: the cache may be older than the password. */
    return check_sha2_full(cx, x, result);
}

/* ---- auth_socket ---- */

/* The operating system says who is at the other end; auth_string names whom it must be, an empty
 * one the user of the same name. */
static ql_status
check_socket(ql_ctx *cx, exchange *x, ql_auth_result *result)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    struct passwd pw, *found = NULL;
    char buf[4096];
    (void)cx;
    *result = QL_AUTH_FAIL;
    x->why = x->conf->is_unix ? "another operating system user is at the other end."
                              : "this account logs in through the Unix socket only.";
    if (!x->conf->is_unix || getsockopt(x->w->net.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        getpwuid_r(peer.uid, &pw, buf, sizeof buf, &found) != 0 || found == NULL) {
        return QL_OK;
    }
    ql_str want = x->account->auth_string.n != 0 ? x->account->auth_string : x->account->user;
    if (ql_str_eq(want, (ql_str){pw.pw_name, strlen(pw.pw_name)})) {
        *result = QL_AUTH_OK;
    }
    return QL_OK;
}

/* ---- which one ---- */

/* An account that nobody has, with a hash that nothing matches. */
static void
make_decoy(ql_account *account, ql_str user)
{
    *account = (ql_account){.user = user,
                            .host = {"%", 1},
                            .plugin = sha2_plugin,
                            .auth_string = QL_STR("$A$005$aaaaaaaaaaaaaaaaaaaa"
                                                  "0123456789012345678901234567890123456789012")};
}

static ql_status
run_plugin(ql_ctx *cx, exchange *x, const qli_client_hello *hello, bool fresh,
           ql_auth_result *result)
{
    ql_str plugin = x->account->plugin;
    if (ql_str_eq(plugin, socket_plugin)) {
        return check_socket(cx, x, result);
    }
    if (!ql_str_eq(plugin, sha2_plugin) && !ql_str_eq(plugin, native_plugin)) {
        *result = QL_AUTH_FAIL;
        return ql_fail(cx, QL_ER_PLUGIN_IS_NOT_LOADED,
                       ql_arena_strndup(cx, x->a, plugin.p, plugin.n));
    }
    bool same = ql_str_eq(plugin, hello->plugin) ||
                (hello->plugin.n == 0 && ql_str_eq(plugin, native_plugin));
    if (fresh || !same) {
        if (!(hello->caps & QL_CAP_PLUGIN_AUTH)) {
            return ql_fail(cx, QL_ER_NOT_SUPPORTED_AUTH_MODE);
        }
        QL_TRY(switch_plugin(cx, x, plugin));
    }
    return ql_str_eq(plugin, sha2_plugin) ? check_sha2(cx, x, result) : check_native(cx, x, result);
}

ql_status
qli_authenticate(ql_ctx *cx, ql_wire *w, const ql_handshake_conf *conf, ql_arena *a,
                 const qli_client_hello *hello, uint8_t nonce[QLI_NONCE_SIZE], bool fresh,
                 ql_account *account, const char **why)
{
    ql_auth_result result = QL_AUTH_FAIL;
    exchange x = {.w = w,
                  .conf = conf,
                  .a = a,
                  .account = account,
                  .nonce = nonce,
                  .response = hello->auth,
                  .used_password = !is_empty_password(hello->auth)};
    ql_status found = ql_acl_find(cx, a, hello->user, conf->peer, account);
    if (found == QL_END) {
        make_decoy(account, hello->user);
        x.is_decoy = true;
    } else {
        QL_TRY(found);
    }
    QL_TRY(run_plugin(cx, &x, hello, fresh, &result));
    if (result != QL_AUTH_OK) {
        *why = x.is_decoy        ? "there is no such account."
               : x.why != NULL   ? x.why
               : x.used_password ? "the password is wrong."
                                 : "no password was sent.";
        return deny(cx, &x, hello->user);
    }
    if (account->locked) {
        return ql_fail_text(cx, QL_ER_ACCOUNT_HAS_BEEN_LOCKED,
                            "Access denied for user '%.*s'@'%.*s'. Account is locked.",
                            (int)hello->user.n, hello->user.p, (int)conf->peer_name.n,
                            conf->peer_name.p);
    }
    return QL_OK;
}
