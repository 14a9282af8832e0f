/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed packets (protocol documentation, "Compression"): 3 bytes length, 1 byte sequence
 * number, 3 bytes length before compression (0 = sent as it is), then the bytes. No network here.
 */
#include "proto/compress.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/diag.h"

#define NOT_WORTH_IT 50u /* shorter pieces travel as they are, as in MySQL */

void
ql_zip_free(ql_zip *z)
{
    ql_buf_free(&z->in);
    ql_buf_free(&z->out);
}

static size_t
le24(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (size_t)b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16;
}

size_t
ql_zip_missing(const ql_zip *z)
{
    if (z->in.n < QL_ZIP_HEADER) {
        return QL_ZIP_HEADER - z->in.n;
    }
    size_t whole = QL_ZIP_HEADER + le24(z->in.p);
    return whole > z->in.n ? whole - z->in.n : 0;
}

static bool
inflate_to(ql_zip_kind kind, const char *p, size_t n, char *out, size_t want)
{
    if (kind == QL_ZIP_ZSTD) {
        return ZSTD_decompress(out, want, p, n) == want;
    }
    uLongf got = (uLongf)want;
    return uncompress((Bytef *)out, &got, (const Bytef *)p, (uLong)n) == Z_OK && got == want;
}

ql_status
ql_zip_unpack(ql_ctx *cx, ql_zip *z, ql_buf *plain)
{
    size_t n = le24(z->in.p), want = le24(z->in.p + 4);
    const char *body = z->in.p + QL_ZIP_HEADER;
    if ((uint8_t)z->in.p[3] != z->seq) {
        return ql_fail(cx, QL_ER_NET_PACKETS_OUT_OF_ORDER);
    }
    z->seq++;
    if (want == 0) {
        QL_TRY(ql_buf_put(cx, plain, body, n));
    } else {
        QL_TRY(ql_buf_reserve(cx, plain, want));
        if (!inflate_to(z->kind, body, n, plain->p + plain->n, want)) {
            return ql_fail(cx, QL_ER_NET_UNCOMPRESS_ERROR);
        }
        plain->n += want;
    }
    size_t used = QL_ZIP_HEADER + n;
    memmove(z->in.p, z->in.p + used, z->in.n - used);
    z->in.n -= used;
    return QL_OK;
}

/* Compressed bytes of p into out (room bytes); 0 = did not get smaller. */
static size_t
deflate_to(const ql_zip *z, const char *p, size_t n, char *out, size_t room)
{
    if (z->kind == QL_ZIP_ZSTD) {
        size_t got = ZSTD_compress(out, room, p, n, z->level);
        return ZSTD_isError(got) ? 0 : got;
    }
    uLongf got = (uLongf)room;
    return compress2((Bytef *)out, &got, (const Bytef *)p, (uLong)n, z->level) == Z_OK ? got : 0;
}

static void
put_header(char *h, size_t length, uint8_t seq, size_t plain)
{
    for (unsigned i = 0; i < 3; i++) {
        h[i] = (char)(length >> (8 * i));
        h[4 + i] = (char)(plain >> (8 * i));
    }
    h[3] = (char)seq;
}

ql_status
ql_zip_pack(ql_ctx *cx, ql_zip *z, const char *p, size_t n)
{
    QL_TRY(ql_buf_reserve(cx, &z->out, QL_ZIP_HEADER + n));
    char *h = z->out.p + z->out.n;
    size_t packed = n < NOT_WORTH_IT ? 0 : deflate_to(z, p, n, h + QL_ZIP_HEADER, n - 1);
    if (packed == 0) {
        memcpy(h + QL_ZIP_HEADER, p, n);
        put_header(h, n, z->seq++, 0);
        z->out.n += QL_ZIP_HEADER + n;
    } else {
        put_header(h, packed, z->seq++, n);
        z->out.n += QL_ZIP_HEADER + packed;
    }
    return QL_OK;
}
