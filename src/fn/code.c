/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that encode, decode and digest: hex, base64, number bases, MD5, SHA, CRC32, COMPRESS,
 * UUID, INET. Digests come from OpenSSL, compression from zlib; both are fed in pieces between
 * checkpoints.
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/thread.h"
#include "fn/fn_int.h"

static const char HEX_UPPER[] = "0123456789ABCDEF";
static const char HEX_LOWER[] = "0123456789abcdef";

static ql_status
put_hex(ql_ctx *cx, ql_call *call, const unsigned char *p, size_t n, const char *digits,
        ql_value *out)
{
    if (!qli_fits(cx, "hex", n * 2)) {
        return QL_OK;
    }
    char *o = qli_room(cx, call, n * 2);
    if (o == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i++) {
        o[i * 2] = digits[p[i] >> 4];
        o[i * 2 + 1] = digits[p[i] & 15];
        if (i % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return qli_put_str(call, out, o, n * 2);
}

/* v in base 2..36, upper case; returns the length. */
static size_t
print_base(uint64_t v, unsigned base, bool negative, char out[72])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char tmp[72];
    size_t n = 0, o = 0;
    do {
        tmp[n++] = digits[v % base];
        v /= base;
    } while (v > 0);
    if (negative) {
        out[o++] = '-';
    }
    while (n > 0) {
        out[o++] = tmp[--n];
    }
    return o;
}

static ql_status
put_base(ql_ctx *cx, ql_call *call, uint64_t v, unsigned base, ql_value *out)
{
    char buf[72];
    return qli_put_copy(cx, call, out, buf, print_base(v, base, false, buf));
}

QLI_FN(HEX)
{
    if (args[0].kind == QL_K_STRING) {
        return put_hex(cx, call, (const unsigned char *)args[0].s.p, args[0].s.n, HEX_UPPER, out);
    }
    if (args[0].kind == QL_K_DATE || args[0].kind == QL_K_TIME || args[0].kind == QL_K_DATETIME) {
        ql_str s;
        QL_TRY(ql_value_to_str(cx, call->arena, &args[0], &s));
        return put_hex(cx, call, (const unsigned char *)s.p, s.n, HEX_UPPER, out);
    }
    int64_t v;
    bool uns;
    QL_TRY(ql_value_to_int(cx, &args[0], &v, &uns));
    return put_base(cx, call, (uint64_t)v, 16, out);
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

QLI_FN(UNHEX)
{
    ql_str s = args[0].s;
    size_t n = (s.n + 1) / 2, o = 0, i = 0;
    char *p = qli_room(cx, call, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    if (s.n % 2) {
        int d = hex_digit(s.p[0]);
        if (d < 0) {
            return QL_OK;
        }
        p[o++] = (char)d;
        i = 1;
    }
    for (; i < s.n; i += 2) {
        int a = hex_digit(s.p[i]), b = hex_digit(s.p[i + 1]);
        if (a < 0 || b < 0) {
            return QL_OK;
        }
        p[o++] = (char)(a * 16 + b);
        if (o % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return qli_put_str(call, out, p, n);
}

QLI_FN(CONV)
{
    int64_t from = qli_int(&args[1]), to = qli_int(&args[2]);
    if (from < -36 || from > 36 || to < -36 || to > 36) {
        return QL_OK;
    }
    int64_t f = from < 0 ? -from : from, t = to < 0 ? -to : to;
    if (f < 2 || t < 2) {
        return QL_OK;
    }
    char text[80];
    size_t n = args[0].s.n < sizeof text - 1 ? args[0].s.n : sizeof text - 1;
    memcpy(text, args[0].s.p, n);
    text[n] = 0;
    char *p = text;
    while (*p == ' ') {
        p++;
    }
    bool negative = *p == '-';
    p += *p == '-' || *p == '+';
    unsigned __int128 v = 0;
    for (; *p; p++) {
        int d = *p >= '0' && *p <= '9'   ? *p - '0'
                : *p >= 'a' && *p <= 'z' ? *p - 'a' + 10
                : *p >= 'A' && *p <= 'Z' ? *p - 'A' + 10
                                         : 99;
        if (d >= f) {
            break;
        }
        v = v * (unsigned)f + (unsigned)d;
        if (v > UINT64_MAX) {
            v = UINT64_MAX;
        }
    }
    uint64_t u = (uint64_t)v;
    if (negative) {
        u = from < 0 && u > (uint64_t)INT64_MAX ? (uint64_t)INT64_MIN : 0 - u;
    }
    char buf[72];
    bool minus = to < 0 && (int64_t)u < 0;
    size_t len = print_base(minus ? 0 - u : u, (unsigned)t, minus, buf);
    return qli_put_copy(cx, call, out, buf, len);
}

/* 76 characters a line, as the manual says of TO_BASE64. */
QLI_FN(TO_BASE64)
{
    static const char t[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    ql_str s = args[0].s;
    size_t chars = (s.n + 2) / 3 * 4, n = chars + (chars > 0 ? (chars - 1) / 76 : 0), o = 0,
           col = 0;
    if (!qli_fits(cx, "to_base64", n)) {
        return QL_OK;
    }
    char *p = qli_room(cx, call, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t w = (uint32_t)(unsigned char)s.p[i] << 16;
        w |= i + 1 < s.n ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        w |= i + 2 < s.n ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
        if (col == 76) {
            p[o++] = '\n';
            col = 0;
        }
        p[o++] = t[w >> 18];
        p[o++] = t[(w >> 12) & 63];
        p[o++] = i + 1 < s.n ? t[(w >> 6) & 63] : '=';
        p[o++] = i + 2 < s.n ? t[w & 63] : '=';
        col += 4;
        if (i % 49152 == 0) {
            QL_TRY(ql_check(cx));
        }
    }
    return qli_put_str(call, out, p, o);
}

static int
base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

QLI_FN(FROM_BASE64)
{
    ql_str s = args[0].s;
    char *p = qli_room(cx, call, s.n / 4 * 3 + 3);
    if (p == NULL) {
        return QL_ERROR;
    }
    size_t o = 0;
    uint32_t w = 0;
    unsigned have = 0, padding = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (i % QLI_STEP == 0) {
            QL_TRY(ql_check(cx));
        }
        if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
            continue;
        }
        int d = c == '=' ? 0 : base64_digit(c);
        if (d < 0 || (padding > 0 && c != '=')) {
            return QL_OK;
        }
        padding += c == '=';
        w = w << 6 | (uint32_t)d;
        if (++have == 4) {
            if (padding > 2) {
                return QL_OK;
            }
            p[o++] = (char)(w >> 16);
            p[o++] = (char)(w >> 8);
            p[o++] = (char)w;
            o -= padding;
            have = 0;
            w = 0;
        }
    }
    return have == 0 ? qli_put_str(call, out, p, o) : QL_OK;
}

static ql_status
digest(ql_ctx *cx, ql_call *call, const EVP_MD *md, ql_str s, ql_value *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    ql_status st = QL_OK;
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    if (m == NULL || !EVP_DigestInit_ex(m, md, NULL)) {
        EVP_MD_CTX_free(m);
        return ql_fail_oom(cx, sizeof hash);
    }
    for (size_t i = 0; i < s.n && st == QL_OK; i += QLI_STEP) {
        EVP_DigestUpdate(m, s.p + i, s.n - i < QLI_STEP ? s.n - i : QLI_STEP);
        if (s.n > QLI_STEP) {
            st = ql_check(cx);
        }
    }
    EVP_DigestFinal_ex(m, hash, &n);
    EVP_MD_CTX_free(m);
    return st == QL_OK ? put_hex(cx, call, hash, n, HEX_LOWER, out) : st;
}

QLI_FN(MD5)
{
    return digest(cx, call, EVP_md5(), args[0].s, out);
}

QLI_FN(SHA1)
{
    return digest(cx, call, EVP_sha1(), args[0].s, out);
}

QLI_FN(SHA2)
{
    switch (qli_int(&args[1])) {
    case 0:
    case 256:
        return digest(cx, call, EVP_sha256(), args[0].s, out);
    case 224:
        return digest(cx, call, EVP_sha224(), args[0].s, out);
    case 384:
        return digest(cx, call, EVP_sha384(), args[0].s, out);
    case 512:
        return digest(cx, call, EVP_sha512(), args[0].s, out);
    default:
        return QL_OK;
    }
}

QLI_FN(CRC32)
{
    uLong crc = crc32(0, NULL, 0);
    for (size_t i = 0; i < args[0].s.n; i += QLI_STEP) {
        size_t n = args[0].s.n - i < QLI_STEP ? args[0].s.n - i : QLI_STEP;
        crc = crc32(crc, (const Bytef *)args[0].s.p + i, (uInt)n);
        if (n == QLI_STEP) {
            QL_TRY(ql_check(cx));
        }
    }
    *out = ql_value_uint(crc);
    return QL_OK;
}

/* zlib in pieces, so that a kill is seen: deflate or inflate all of `in` into room for `cap` bytes.
 */
static ql_status
run_zlib(ql_ctx *cx, bool compress, ql_str in, char *room, size_t cap, size_t *made, bool *good)
{
    z_stream z = {0};
    ql_status st = QL_OK;
    int rc = compress ? deflateInit(&z, Z_DEFAULT_COMPRESSION) : inflateInit(&z);
    *good = false;
    if (rc != Z_OK) {
        return ql_fail_oom(cx, cap);
    }
    size_t at = 0, done = 0;
    do {
        size_t n = in.n - at < QLI_STEP ? in.n - at : QLI_STEP,
               space = cap - done < QLI_STEP * 4 ? cap - done : QLI_STEP * 4;
        z.next_in = (Bytef *)(uintptr_t)(in.p + at);
        z.avail_in = (uInt)n;
        z.next_out = (Bytef *)room + done;
        z.avail_out = (uInt)space;
        rc = compress ? deflate(&z, at + n == in.n ? Z_FINISH : Z_NO_FLUSH)
                      : inflate(&z, Z_NO_FLUSH);
        at += n - z.avail_in;
        done += space - z.avail_out;
        if (rc != Z_OK && rc != Z_STREAM_END && !(rc == Z_BUF_ERROR && space - z.avail_out > 0)) {
            break;
        }
        st = ql_check(cx);
    } while (st == QL_OK && rc != Z_STREAM_END && (at < in.n || done < cap));
    *good = rc == Z_STREAM_END;
    *made = done;
    if (compress) {
        deflateEnd(&z);
    } else {
        inflateEnd(&z);
    }
    return st;
}

QLI_FN(COMPRESS)
{
    ql_str s = args[0].s;
    if (s.n == 0) {
        return qli_put_str(call, out, "", 0);
    }
    size_t cap = compressBound((uLong)s.n), n;
    bool good;
    char *p = qli_room(cx, call, cap + 5);
    if (p == NULL) {
        return QL_ERROR;
    }
    QL_TRY(run_zlib(cx, true, s, p + 4, cap, &n, &good));
    if (!good) {
        return QL_OK;
    }
    for (unsigned i = 0; i < 4; i++) { /* uncompressed length, little-endian, 30 bits (manual) */
        p[i] = (char)((s.n & 0x3FFFFFFF) >> (8 * i));
    }
    n += 4;
    if (p[n - 1] == ' ') {
        p[n++] = '.';
    }
    return qli_put_str(call, out, p, n);
}

static size_t
stored_length(ql_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    return ((size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24) &
           0x3FFFFFFF;
}

QLI_FN(UNCOMPRESS)
{
    ql_str s = args[0].s;
    if (s.n == 0) {
        return qli_put_str(call, out, "", 0);
    }
    size_t want = s.n > 4 ? stored_length(s) : 0, n;
    bool good;
    if (s.n <= 4 || !qli_fits(cx, "uncompress", want)) {
        return QL_OK;
    }
    char *p = qli_room(cx, call, want);
    if (p == NULL) {
        return QL_ERROR;
    }
    QL_TRY(run_zlib(cx, false, (ql_str){s.p + 4, s.n - 4}, p, want, &n, &good));
    return good && n == want ? qli_put_str(call, out, p, n) : QL_OK;
}

QLI_FN(UNCOMPRESSED_LENGTH)
{
    return qli_put_int(out, args[0].s.n > 4 ? (int64_t)stored_length(args[0].s) : 0);
}

QLI_FN(RANDOM_BYTES)
{
    int64_t n = qli_int(&args[0]);
    if (n < 1 || n > 1024) {
        return ql_fail_text(cx, QL_ER_DATA_OUT_OF_RANGE,
                            "length value is out of range in 'random_bytes'");
    }
    char *p = qli_room(cx, call, (size_t)n);
    if (p == NULL || RAND_bytes((unsigned char *)p, (int)n) != 1) {
        return p == NULL ? QL_ERROR : ql_fail_oom(cx, (size_t)n);
    }
    return qli_put_str(call, out, p, (size_t)n);
}

static size_t
print_uuid(const unsigned char b[16], char out[37])
{
    size_t o = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[o++] = '-';
        }
        out[o++] = HEX_LOWER[b[i] >> 4];
        out[o++] = HEX_LOWER[b[i] & 15];
    }
    return o;
}

/* Version 1 layout (RFC 9562, 5.1): time, random clock sequence, random node with the multicast
 * bit. */
QLI_FN(UUID)
{
    unsigned char b[16];
    char text[37];
    if (RAND_bytes(b, 16) != 1) {
        return ql_fail_oom(cx, 16);
    }
    uint64_t t = (uint64_t)ql_now_real_us() * 10 + 0x01B21DD213814000ULL + (b[0] % 10u);
    uint32_t low = (uint32_t)t;
    uint16_t mid = (uint16_t)(t >> 32), high = (uint16_t)((t >> 48 & 0x0FFF) | 0x1000);
    for (int i = 0; i < 4; i++) {
        b[i] = (unsigned char)(low >> (24 - 8 * i));
    }
    b[4] = (unsigned char)(mid >> 8);
    b[5] = (unsigned char)mid;
    b[6] = (unsigned char)(high >> 8);
    b[7] = (unsigned char)high;
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    b[10] |= 1;
    return qli_put_copy(cx, call, out, text, print_uuid(b, text));
}

QLI_FN(UUID_SHORT)
{
    /* (server id & 255) << 56, start time << 24, counter (manual); the query id counts, 16 a
     * statement. */
    uint64_t count = cx->stmt_id * 16 + (uint64_t)(uintptr_t)call->state;
    call->state = (void *)((uintptr_t)call->state + 1);
    *out = ql_value_uint((1ULL << 56) | ((uint64_t)cx->inst->start_time & 0xFFFFFFFF) << 24 |
                         (count & 0xFFFFFF));
    return QL_OK;
}

static bool
parse_uuid(ql_str s, unsigned char b[16])
{
    if (s.n == 38 && s.p[0] == '{' && s.p[37] == '}') {
        s = (ql_str){s.p + 1, 36};
    }
    bool dashes = s.n == 36;
    if (!dashes && s.n != 32) {
        return false;
    }
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && s.p[at++] != '-') {
            return false;
        }
        int h = hex_digit(s.p[at]), l = hex_digit(s.p[at + 1]);
        if (h < 0 || l < 0) {
            return false;
        }
        b[i] = (unsigned char)(h * 16 + l);
        at += 2;
    }
    return true;
}

QLI_FN(IS_UUID)
{
    unsigned char b[16];
    return qli_put_int(out, parse_uuid(args[0].s, b));
}

QLI_FN(UUID_TO_BIN)
{
    unsigned char b[16], r[16];
    if (!parse_uuid(args[0].s, b)) {
        return ql_fail(cx, QL_ER_WRONG_VALUE_FOR_TYPE, "string", "?", "uuid_to_bin");
    }
    memcpy(r, b, 16);
    if (nargs > 1 && qli_int(&args[1]) != 0) { /* time-high and time-mid first */
        memcpy(r, b + 6, 2);
        memcpy(r + 2, b + 4, 2);
        memcpy(r + 4, b, 4);
    }
    return qli_put_copy(cx, call, out, (const char *)r, 16);
}

QLI_FN(BIN_TO_UUID)
{
    unsigned char b[16];
    char text[37];
    if (args[0].s.n != 16) {
        return ql_fail(cx, QL_ER_WRONG_VALUE_FOR_TYPE, "string", "?", "bin_to_uuid");
    }
    const unsigned char *r = (const unsigned char *)args[0].s.p;
    memcpy(b, r, 16);
    if (nargs > 1 && qli_int(&args[1]) != 0) {
        memcpy(b, r + 4, 4);
        memcpy(b + 4, r + 2, 2);
        memcpy(b + 6, r, 2);
    }
    return qli_put_copy(cx, call, out, text, print_uuid(b, text));
}

/* Address text as a C string; false when it cannot be one. */
static bool
address_text(ql_str s, char out[64])
{
    if (s.n == 0 || s.n >= 64) {
        return false;
    }
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return strlen(out) == s.n;
}

/* Short forms count too: '127.1' is 127.0.0.1 (manual). */
QLI_FN(INET_ATON)
{
    uint64_t parts[4], value = 0;
    unsigned n = 0;
    bool digit = false;
    uint64_t v = 0;
    for (size_t i = 0; i <= args[0].s.n; i++) {
        char c = i < args[0].s.n ? args[0].s.p[i] : '.';
        QL_TRY(ql_bulk_count(cx, 1));
        if (c >= '0' && c <= '9') {
            v = v * 10 + (uint64_t)(c - '0');
            digit = true;
            if (v > 255) {
                return QL_OK;
            }
        } else if (c == '.' && digit && n < 4) {
            parts[n++] = v;
            v = 0;
            digit = false;
        } else {
            return QL_OK;
        }
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        value |= parts[i] << (24 - 8 * i);
    }
    *out = ql_value_uint(n > 0 ? value | parts[n - 1] : 0);
    return QL_OK;
}

QLI_FN(INET_NTOA)
{
    uint64_t v = args[0].u;
    char buf[32];
    if (v > UINT32_MAX) {
        return QL_OK;
    }
    int n = snprintf(buf, sizeof buf, "%u.%u.%u.%u", (unsigned)(v >> 24), (unsigned)(v >> 16 & 255),
                     (unsigned)(v >> 8 & 255), (unsigned)(v & 255));
    return qli_put_copy(cx, call, out, buf, (size_t)n);
}

QLI_FN(INET6_ATON)
{
    char text[64];
    unsigned char b[16];
    if (!address_text(args[0].s, text)) {
        return QL_OK;
    }
    if (inet_pton(AF_INET, text, b) == 1) {
        return qli_put_copy(cx, call, out, (const char *)b, 4);
    }
    return inet_pton(AF_INET6, text, b) == 1 ? qli_put_copy(cx, call, out, (const char *)b, 16)
                                             : QL_OK;
}

QLI_FN(INET6_NTOA)
{
    char text[64];
    int family = args[0].s.n == 4 ? AF_INET : AF_INET6;
    if ((args[0].s.n != 4 && args[0].s.n != 16) ||
        inet_ntop(family, args[0].s.p, text, sizeof text) == NULL) {
        return QL_OK;
    }
    return qli_put_copy(cx, call, out, text, strlen(text));
}

QLI_FN(IS_IPV4)
{
    char text[64];
    unsigned char b[16];
    return qli_put_int(out, address_text(args[0].s, text) && inet_pton(AF_INET, text, b) == 1);
}

QLI_FN(IS_IPV6)
{
    char text[64];
    unsigned char b[16];
    return qli_put_int(out, address_text(args[0].s, text) && inet_pton(AF_INET6, text, b) == 1);
}
