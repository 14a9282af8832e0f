/* SPDX-License-Identifier: Apache-2.0
 *
 * Password checks of caching_sha2_password and mysql_native_password: what the server computes, not
 * the wire. Digests come from OpenSSL. Only the full check is slow (5,000 rounds); it looks at the
 * kill flag every 256 rounds.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "acl/acl_int.h"
#include "base/diag.h"
#include "intr/intr.h"

#define ROUNDS 5000u
#define LONGEST_PASSWORD 256u /* as MySQL's caching_sha2_password; 5,000 rounds go over it */
#define SALT_LEN 20u
#define CRYPT_LEN 43u
static const char SHA2_PREFIX[] = "$A$005$"; /* type A, rounds / 1000 in hex */
#define PREFIX_LEN (sizeof SHA2_PREFIX - 1)

static void
hash_two(const EVP_MD *md, const void *a, size_t an, const void *b, size_t bn, uint8_t *out)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    unsigned n = 0;
    if (m == NULL ||
        !EVP_DigestInit_ex(m, md, NULL)) { /* no memory: a digest that matches nothing */
        (void)RAND_bytes(out, (int)EVP_MD_get_size(md));
    } else {
        EVP_DigestUpdate(m, a, an);
        if (bn > 0) {
            EVP_DigestUpdate(m, b, bn);
        }
        EVP_DigestFinal_ex(m, out, &n);
    }
    EVP_MD_CTX_free(m);
}

void
qli_sha256(const void *a, size_t an, const void *b, size_t bn, uint8_t out[32])
{
    hash_two(EVP_sha256(), a, an, b, bn, out);
}

void
qli_sha1(const void *a, size_t an, const void *b, size_t bn, uint8_t out[20])
{
    hash_two(EVP_sha1(), a, an, b, bn, out);
}

/* Three bytes as n characters of crypt's base64, low bits first. */
static char *
put64(char *out, unsigned a, unsigned b, unsigned c, int n)
{
    static const char t[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned w = a << 16 | b << 8 | c;
    while (n-- > 0) {
        *out++ = t[w & 63];
        w >>= 6;
    }
    return out;
}

static void
fill(EVP_MD_CTX *m, const uint8_t block[32], size_t n)
{
    for (; n > 32; n -= 32) {
        EVP_DigestUpdate(m, block, 32);
    }
    EVP_DigestUpdate(m, block, n);
}

static void
encode_crypt(const uint8_t d[32], char out[CRYPT_LEN])
{
    char *p = out;
    unsigned a = 0, b = 10, c = 20;
    for (int i = 0; i < 10; i++) {
        p = put64(p, d[a], d[b], d[c], 4);
        unsigned t = a;
        a = (c + 1) % 30;
        c = (b + 1) % 30;
        b = (t + 1) % 30;
    }
    (void)put64(p, 0, d[31], d[30], 3);
}

/* Steps 4 to 12 of the description: the first digest. */
static void
first_digest(EVP_MD_CTX *m, ql_str pw, ql_str salt, uint8_t d[32])
{
    uint8_t b[32];
    EVP_DigestInit_ex(m, EVP_sha256(), NULL);
    EVP_DigestUpdate(m, pw.p, pw.n);
    EVP_DigestUpdate(m, salt.p, salt.n);
    EVP_DigestUpdate(m, pw.p, pw.n);
    EVP_DigestFinal_ex(m, b, NULL);
    EVP_DigestInit_ex(m, EVP_sha256(), NULL);
    EVP_DigestUpdate(m, pw.p, pw.n);
    EVP_DigestUpdate(m, salt.p, salt.n);
    fill(m, b, pw.n);
    for (size_t n = pw.n; n > 0; n >>= 1) {
        if (n & 1) {
            EVP_DigestUpdate(m, b, 32);
        } else {
            EVP_DigestUpdate(m, pw.p, pw.n);
        }
    }
    EVP_DigestFinal_ex(m, d, NULL);
}

static void
repeated_digest(EVP_MD_CTX *m, ql_str s, size_t times, uint8_t out[32])
{
    EVP_DigestInit_ex(m, EVP_sha256(), NULL);
    for (size_t i = 0; i < times; i++) {
        EVP_DigestUpdate(m, s.p, s.n);
    }
    EVP_DigestFinal_ex(m, out, NULL);
}

ql_status
qli_sha256_crypt(ql_ctx *cx, ql_str pw, ql_str salt, unsigned rounds, char out[CRYPT_LEN])
{
    uint8_t d[32], p[32], s[32];
    ql_status st = QL_OK;
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    if (m == NULL) {
        return ql_fail_oom(cx, 0);
    }
    first_digest(m, pw, salt, d);
    repeated_digest(m, pw, pw.n, p);
    repeated_digest(m, salt, 16u + d[0], s);
    for (unsigned i = 0; i < rounds && st == QL_OK; i++) {
        EVP_DigestInit_ex(m, EVP_sha256(), NULL);
        if (i & 1) {
            fill(m, p, pw.n);
        } else {
            EVP_DigestUpdate(m, d, 32);
        }
        if (i % 3) {
            fill(m, s, salt.n);
        }
        if (i % 7) {
            fill(m, p, pw.n);
        }
        if (i & 1) {
            EVP_DigestUpdate(m, d, 32);
        } else {
            fill(m, p, pw.n);
        }
        EVP_DigestFinal_ex(m, d, NULL);
        if (i % 256 == 255) {
            st = ql_check(cx);
        }
    }
    EVP_MD_CTX_free(m);
    encode_crypt(d, out);
    OPENSSL_cleanse(d, sizeof d);
    OPENSSL_cleanse(p, sizeof p);
    return st;
}

static int
hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

ql_auth_result
ql_acl_check_native(const ql_account *a, const uint8_t nonce[20], ql_str response)
{
    uint8_t stage2[20], mask[20], stage1[20], again[20];
    if (a->auth_string.n == 0) {
        return response.n == 0 ? QL_AUTH_OK : QL_AUTH_FAIL;
    }
    if (response.n != 20 || a->auth_string.n != 41 || a->auth_string.p[0] != '*') {
        return QL_AUTH_FAIL;
    }
    for (int i = 0; i < 20; i++) {
        int h = hex_value(a->auth_string.p[1 + i * 2]), l = hex_value(a->auth_string.p[2 + i * 2]);
        if (h < 0 || l < 0) {
            return QL_AUTH_FAIL;
        }
        stage2[i] = (uint8_t)(h * 16 + l);
    }
    qli_sha1(nonce, 20, stage2, 20, mask);
    for (int i = 0; i < 20; i++) {
        stage1[i] = (uint8_t)response.p[i] ^ mask[i];
    }
    qli_sha1(stage1, 20, NULL, 0, again);
    return CRYPTO_memcmp(again, stage2, 20) == 0 ? QL_AUTH_OK : QL_AUTH_FAIL;
}

ql_auth_result
ql_acl_check_sha2_fast(ql_ctx *cx, const ql_account *a, const uint8_t nonce[20], ql_str response)
{
    uint8_t stage2[32], mask[32], stage1[32], again[32];
    if (a->auth_string.n == 0) {
        return response.n == 0 ? QL_AUTH_OK : QL_AUTH_FAIL;
    }
    if (response.n == 0) {
        return QL_AUTH_FAIL;
    }
    if (response.n != 32 || !qli_fast_get(cx, a, stage2)) {
        return QL_AUTH_NEED_FULL;
    }
    qli_sha256(stage2, 32, nonce, 20, mask);
    for (int i = 0; i < 32; i++) {
        stage1[i] = (uint8_t)response.p[i] ^ mask[i];
    }
    qli_sha256(stage1, 32, NULL, 0, again);
    return CRYPTO_memcmp(again, stage2, 32) == 0 ? QL_AUTH_OK : QL_AUTH_NEED_FULL;
}

ql_status
ql_acl_check_sha2_full(ql_ctx *cx, const ql_account *a, ql_str password, ql_auth_result *out)
{
    char digest[CRYPT_LEN];
    *out = QL_AUTH_FAIL;
    if (a->auth_string.n == 0 || password.n == 0) {
        *out = a->auth_string.n == 0 && password.n == 0 ? QL_AUTH_OK : QL_AUTH_FAIL;
        return QL_OK;
    }
    if (a->auth_string.n != PREFIX_LEN + SALT_LEN + CRYPT_LEN ||
        memcmp(a->auth_string.p, "$A$", 3) != 0 || password.n > LONGEST_PASSWORD) {
        return QL_OK;
    }
    unsigned rounds = 0;
    for (int i = 3; i < 6; i++) {
        int h = hex_value(a->auth_string.p[i]);
        rounds = rounds * 16 + (unsigned)(h < 0 ? 0 : h);
    }
    QL_TRY(qli_sha256_crypt(cx, password, (ql_str){a->auth_string.p + PREFIX_LEN, SALT_LEN},
                            rounds * 1000, digest));
    if (CRYPTO_memcmp(digest, a->auth_string.p + PREFIX_LEN + SALT_LEN, CRYPT_LEN) == 0) {
        uint8_t one[32], two[32];
        qli_sha256(password.p, password.n, NULL, 0, one);
        qli_sha256(one, 32, NULL, 0, two);
        qli_fast_put(cx, a, two);
        OPENSSL_cleanse(one, sizeof one);
        *out = QL_AUTH_OK;
    }
    return QL_OK;
}

static ql_status
make_native(ql_ctx *cx, ql_arena *a, ql_str password, ql_str *out)
{
    static const char hex[] = "0123456789ABCDEF";
    uint8_t one[20], two[20];
    char *p = ql_arena_alloc(cx, a, 42);
    if (p == NULL) {
        return QL_ERROR;
    }
    qli_sha1(password.p, password.n, NULL, 0, one);
    qli_sha1(one, 20, NULL, 0, two);
    p[0] = '*';
    for (int i = 0; i < 20; i++) {
        p[1 + i * 2] = hex[two[i] >> 4];
        p[2 + i * 2] = hex[two[i] & 15];
    }
    p[41] = 0;
    *out = (ql_str){p, 41};
    return QL_OK;
}

static ql_status
make_sha2(ql_ctx *cx, ql_arena *a, ql_str password, ql_str *out)
{
    size_t n = PREFIX_LEN + SALT_LEN + CRYPT_LEN;
    char *p = ql_arena_alloc(cx, a, n + 1), *salt = p ? p + PREFIX_LEN : NULL;
    if (p == NULL) {
        return QL_ERROR;
    }
    memcpy(p, SHA2_PREFIX, PREFIX_LEN);
    if (RAND_bytes((unsigned char *)salt, (int)SALT_LEN) != 1) {
        return ql_fail_oom(cx, SALT_LEN);
    }
    for (unsigned i = 0; i < SALT_LEN; i++) { /* 7 bits, neither NUL nor the separator */
        salt[i] = (char)(salt[i] & 0x7f);
        salt[i] = (char)(salt[i] == 0 || salt[i] == '$' ? salt[i] + 1 : salt[i]);
    }
    QL_TRY(qli_sha256_crypt(cx, password, (ql_str){salt, SALT_LEN}, ROUNDS, salt + SALT_LEN));
    p[n] = 0;
    *out = (ql_str){p, n};
    return QL_OK;
}

ql_status
ql_acl_make_auth_string(ql_ctx *cx, ql_arena *a, ql_str plugin, ql_str password, ql_str *out)
{
    *out = QL_STR("");
    if (ql_str_eq_nocase(plugin, QL_STR("auth_socket"))) {
        *out = password;
        return QL_OK;
    }
    if (password.n == 0) {
        return QL_OK;
    }
    if (password.n > LONGEST_PASSWORD) {
        return ql_fail(cx, QL_ER_NOT_VALID_PASSWORD);
    }
    if (ql_str_eq_nocase(plugin, QL_STR("mysql_native_password"))) {
        return make_native(cx, a, password, out);
    }
    if (ql_str_eq_nocase(plugin, QL_STR("caching_sha2_password"))) {
        return make_sha2(cx, a, password, out);
    }
    return ql_fail_text(cx, QL_ER_PLUGIN_IS_NOT_LOADED, "Plugin '%.*s' is not loaded",
                        (int)plugin.n, plugin.p);
}
