/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL's side of the protocol. Files are made in memory and written through intr/fileio, the key
 * before what depends on it; a file that exists is left alone, whoever made it. Runs at start, and
 * on session threads for what is read-only.
 */
#include "proto/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "intr/fileio.h"

#define RSA_BITS 2048
#define TEN_YEARS (10L * 365 * 24 * 3600)

struct ql_tls {
    SSL_CTX *ctx;     /* [const] NULL = no TLS */
    EVP_PKEY *key;    /* [const] RSA pair of caching_sha2_password; NULL = none */
    char *public_pem; /* [const] */
    size_t npublic;
};

/* ---- making the files ---- */

static void
path_of(char out[PATH_MAX], const char *dir, const char *name)
{
    (void)snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

static bool
file_exists(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    path_of(path, dir, name);
    return stat(path, &st) == 0;
}

static ql_status
fail_openssl(ql_ctx *cx, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "%s: %s", what, text);
}

/* What bio holds goes to dir/name. */
static ql_status
write_bio(ql_ctx *cx, BIO *bio, const char *dir, const char *name, int mode)
{
    char path[PATH_MAX];
    char *p;
    int fd;
    long n = BIO_get_mem_data(bio, &p);
    path_of(path, dir, name);
    QL_TRY(ql_file_open(cx, path, O_WRONLY | O_CREAT | O_TRUNC, mode, &fd));
    ql_status st = ql_file_write(cx, fd, p, (size_t)n, 0);
    ql_file_close(fd);
    return st;
}

static ql_status
write_private(ql_ctx *cx, EVP_PKEY *key, const char *dir, const char *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ql_status st;
    if (bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        st = fail_openssl(cx, name);
    } else {
        st = write_bio(cx, bio, dir, name, 0600);
    }
    BIO_free(bio);
    return st;
}

static ql_status
write_public(ql_ctx *cx, EVP_PKEY *key, const char *dir, const char *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ql_status st;
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1) {
        st = fail_openssl(cx, name);
    } else {
        st = write_bio(cx, bio, dir, name, 0644);
    }
    BIO_free(bio);
    return st;
}

static ql_status
write_cert(ql_ctx *cx, X509 *cert, const char *dir, const char *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ql_status st;
    if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1) {
        st = fail_openssl(cx, name);
    } else {
        st = write_bio(cx, bio, dir, name, 0644);
    }
    BIO_free(bio);
    return st;
}

/* Certificate for key, named cn, signed by issuer's key; issuer NULL = by itself, as authority. */
static X509 *
make_cert(EVP_PKEY *key, const char *cn, long serial, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *c = X509_new();
    X509_EXTENSION *ext = NULL;
    if (c == NULL) {
        return NULL;
    }
    X509_NAME *name = X509_get_subject_name(c);
    bool ok =
        X509_set_version(c, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(c), serial) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(c), -3600) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(c), TEN_YEARS) != NULL && X509_set_pubkey(c, key) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(c, issuer != NULL ? X509_get_subject_name(issuer) : name) == 1;
    if (ok) {
        ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                  issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
        ok = ext != NULL && X509_add_ext(c, ext, -1) == 1 &&
             X509_sign(c, issuer != NULL ? issuer_key : key, EVP_sha256()) > 0;
        X509_EXTENSION_free(ext);
    }
    if (!ok) {
        X509_free(c);
        return NULL;
    }
    return c;
}

static ql_status
make_certificates(ql_ctx *cx, const char *dir)
{
    EVP_PKEY *ca_key = EVP_RSA_gen(RSA_BITS), *key = EVP_RSA_gen(RSA_BITS);
    X509 *ca = NULL, *cert = NULL;
    ql_status st;
    if (ca_key != NULL && key != NULL) {
        ca = make_cert(ca_key, "Quell_Server_" QL_VERSION "_Auto_Generated_CA_Certificate", 1, NULL,
                       NULL);
        cert = ca != NULL
                   ? make_cert(key, "Quell_Server_" QL_VERSION "_Auto_Generated_Server_Certificate",
                               2, ca, ca_key)
                   : NULL;
    }
    if (cert == NULL) {
        st = fail_openssl(cx, "Cannot make certificates");
        goto out;
    }
    QL_TRY_TO(st, write_private(cx, ca_key, dir, "ca-key.pem"), out);
    QL_TRY_TO(st, write_cert(cx, ca, dir, "ca.pem"), out);
    QL_TRY_TO(st, write_private(cx, key, dir, "server-key.pem"), out);
    st = write_cert(cx, cert, dir, "server-cert.pem");
out:
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return st;
}

static ql_status
make_pair(ql_ctx *cx, const char *dir)
{
    EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    if (key == NULL) {
        return fail_openssl(cx, "Cannot make an RSA key pair");
    }
    ql_status st = write_private(cx, key, dir, "private_key.pem");
    if (st == QL_OK) {
        st = write_public(cx, key, dir, "public_key.pem");
    }
    EVP_PKEY_free(key);
    return st;
}

ql_status
ql_tls_make_files(ql_ctx *cx, const char *dir)
{
    if (!file_exists(dir, "ca.pem") && !file_exists(dir, "server-cert.pem") &&
        !file_exists(dir, "server-key.pem")) {
        QL_TRY(make_certificates(cx, dir));
    }
    if (!file_exists(dir, "private_key.pem") && !file_exists(dir, "public_key.pem")) {
        QL_TRY(make_pair(cx, dir));
    }
    return QL_OK;
}

/* ---- loading ---- */

/* A list of TLSv1.2 and TLSv1.3. */
static ql_status
set_versions(ql_ctx *cx, SSL_CTX *ctx, ql_str list)
{
    static const ql_str names[] = {{"TLSv1.2", 7}, {"TLSv1.3", 7}};
    static const int numbers[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    bool offered[QL_ARRAY_LEN(names)] = {false};
    for (ql_str rest = list; rest.n != 0;) {
        const char *comma = memchr(rest.p, ',', rest.n);
        ql_str name = {rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n};
        bool known = false;
        for (size_t i = 0; i < QL_ARRAY_LEN(names); i++) {
            bool same = ql_str_cmp(name, names[i]) == 0;
            known |= same;
            offered[i] |= same;
        }
        if (!known) {
            return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "tls_version: '%.*s' is not offered",
                                (int)name.n, name.p);
        }
        rest.p += name.n + (comma != NULL);
        rest.n -= name.n + (comma != NULL);
    }
    if (!offered[0] && !offered[1]) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR,
                            "tls_version names none; --skip-ssl is no TLS");
    }
    (void)SSL_CTX_set_min_proto_version(ctx, numbers[offered[0] ? 0 : 1]);
    (void)SSL_CTX_set_max_proto_version(ctx, numbers[offered[1] ? 1 : 0]);
    return QL_OK;
}

static ql_status
load_context(ql_ctx *cx, ql_tls *t, const ql_tls_files *f)
{
    char cert[PATH_MAX], key[PATH_MAX];
    if (f->cert != NULL) {
        (void)snprintf(cert, sizeof cert, "%s", f->cert);
        (void)snprintf(key, sizeof key, "%s", f->key);
    } else {
        path_of(cert, f->dir, "server-cert.pem");
        path_of(key, f->dir, "server-key.pem");
    }
    t->ctx = SSL_CTX_new(TLS_server_method());
    if (t->ctx == NULL) {
        return fail_openssl(cx, "TLS");
    }
    QL_TRY(set_versions(cx, t->ctx, f->versions));
    (void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(t->ctx, cert) != 1) {
        return fail_openssl(cx, cert);
    }
    if (SSL_CTX_use_PrivateKey_file(t->ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(t->ctx) != 1) {
        return fail_openssl(cx, key);
    }
    return QL_OK;
}

static ql_status
load_pair(ql_ctx *cx, ql_tls *t, const char *dir)
{
    char path[PATH_MAX];
    char *p;
    path_of(path, dir, "private_key.pem");
    BIO *bio = BIO_new_file(path, "r");
    t->key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    BIO *pem = t->key != NULL ? BIO_new(BIO_s_mem()) : NULL;
    if (pem == NULL || PEM_write_bio_PUBKEY(pem, t->key) != 1) {
        BIO_free(pem);
        return fail_openssl(cx, path);
    }
    long n = BIO_get_mem_data(pem, &p);
    t->public_pem = ql_mem_strndup(p, (size_t)n);
    t->npublic = (size_t)n;
    BIO_free(pem);
    return t->public_pem != NULL ? QL_OK : ql_fail_oom(cx, (size_t)n);
}

ql_status
ql_tls_open(ql_ctx *cx, const ql_tls_files *f, ql_tls **out)
{
    if ((f->cert != NULL) != (f->key != NULL)) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "ssl_cert and ssl_key go together");
    }
    ql_tls *t = ql_mem_zalloc(sizeof *t);
    if (t == NULL) {
        return ql_fail_oom(cx, sizeof *t);
    }
    ql_status st = QL_OK;
    if (f->cert != NULL || file_exists(f->dir, "server-cert.pem")) {
        QL_TRY_TO(st, load_context(cx, t, f), out);
    }
    if (file_exists(f->dir, "private_key.pem")) {
        QL_TRY_TO(st, load_pair(cx, t, f->dir), out);
    }
    *out = t;
    return QL_OK;
out:
    ql_tls_close(t);
    return st;
}

void
ql_tls_close(ql_tls *t)
{
    if (t == NULL) {
        return;
    }
    SSL_CTX_free(t->ctx);
    EVP_PKEY_free(t->key);
    ql_mem_free(t->public_pem);
    ql_mem_free(t);
}

bool
ql_tls_is_available(const ql_tls *t)
{
    return t != NULL && t->ctx != NULL;
}

SSL *
ql_tls_new_ssl(ql_tls *t)
{
    return SSL_new(t->ctx);
}

const char *
ql_tls_version(const SSL *ssl)
{
    return ssl != NULL ? SSL_get_version(ssl) : "";
}

const char *
ql_tls_cipher(const SSL *ssl)
{
    return ssl != NULL ? SSL_get_cipher_name(ssl) : "";
}

ql_str
ql_tls_public_key(const ql_tls *t)
{
    return t != NULL && t->key != NULL ? (ql_str){t->public_pem, t->npublic} : (ql_str){"", 0};
}

size_t
ql_tls_key_bytes(const ql_tls *t)
{
    return t != NULL && t->key != NULL ? (size_t)EVP_PKEY_get_size(t->key) : 0;
}

bool
ql_tls_decrypt(const ql_tls *t, ql_str cipher, uint8_t *out, size_t *n)
{
    if (t == NULL || t->key == NULL) {
        return false;
    }
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(t->key, NULL);
    bool ok = c != NULL && EVP_PKEY_decrypt_init(c) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_decrypt(c, out, n, (const uint8_t *)cipher.p, cipher.n) == 1;
    EVP_PKEY_CTX_free(c);
    ERR_clear_error();
    return ok;
}

ql_status
ql_random_nonce(ql_ctx *cx, uint8_t *out, size_t n)
{
    if (RAND_bytes(out, (int)n) != 1) {
        return fail_openssl(cx, "Random numbers");
    }
    for (size_t i = 0; i < n; i++) {
        out[i] &= 0x7f;
        if (out[i] == 0 || out[i] == '$') {
            out[i]++;
        }
    }
    return QL_OK;
}

void
ql_tls_thread_end(void)
{
    OPENSSL_thread_stop();
}
