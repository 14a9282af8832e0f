/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing byte buffer: doubles its heap block. Length-encoded integers as in the MySQL protocol
 * ("Protocol::LengthEncodedInteger").
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/dispose.h"
#include "base/mem.h"

#define SMALLEST 64u
/* Up to here a quota cannot refuse: the answer to a client must find room. */
#define REFUSED_FROM ((size_t)1 << 20)

void
ql_buf_free(ql_buf *b)
{
    ql_mem_free(b->p);
    ql_quota_give(b->quota, b->cap);
    *b = (ql_buf){.quota = b->quota};
}

void
ql_buf_clear(ql_buf *b)
{
    b->n = 0;
}

static bool
charge(ql_ctx *cx, ql_buf *b, size_t cap)
{
    if (cap >= REFUSED_FROM) {
        return ql_quota_take(cx, b->quota, cap - b->cap);
    }
    ql_quota_add(b->quota, cap - b->cap);
    return true;
}

/* From here on realloc moves pages, not bytes: glibc gives blocks above its threshold (32 MiB at
 * most) a mapping of their own. Sanitizers copy. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MOVES_PAGES SIZE_MAX
#else
#define MOVES_PAGES ((size_t)64 << 20)
#endif

static ql_status
resize(ql_ctx *cx, ql_buf *b, size_t cap)
{
    bool in_pieces = b->n >= QL_BULK_PIECE && b->cap < MOVES_PAGES;
    char *p = in_pieces ? ql_mem_alloc(cap) : ql_mem_realloc(b->p, cap);
    if (p == NULL) {
        return ql_fail_oom(cx, cap);
    }
    if (in_pieces) {
        ql_status st = ql_bulk_copy(cx, p, b->p, b->n);
        ql_mem_free(st == QL_OK ? b->p : p);
        QL_TRY(st);
    }
    b->p = p;
    b->cap = cap;
    return QL_OK;
}

ql_status
ql_buf_reserve(ql_ctx *cx, ql_buf *b, size_t n)
{
    if (QL_LIKELY(b->cap - b->n >= n)) {
        return QL_OK;
    }
    if (n > PTRDIFF_MAX / 2 - b->n) {
        return ql_fail_oom(cx, n);
    }
    size_t need = b->n + n;
    size_t cap = b->cap != 0 ? b->cap : SMALLEST;
    while (cap < need) {
        cap *= 2;
    }
    if (cap >= QL_DISPOSE_FROM) {
        QL_TRY(ql_dispose_help(cx));
    }
    if (!charge(cx, b, cap)) {
        return QL_ERROR;
    }
    size_t before = b->cap;
    ql_status st = resize(cx, b, cap);
    if (st != QL_OK) {
        ql_quota_give(b->quota, cap - before);
    }
    return st;
}

ql_status
ql_buf_put(ql_ctx *cx, ql_buf *b, const void *p, size_t n)
{
    if (n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_buf_reserve(cx, b, n));
    QL_TRY(ql_bulk_copy(cx, b->p + b->n, p, n));
    b->n += n;
    return QL_OK;
}

ql_status
ql_buf_put_str(ql_ctx *cx, ql_buf *b, const char *cstr)
{
    return ql_buf_put(cx, b, cstr, strlen(cstr));
}

ql_status
ql_buf_put_name(ql_ctx *cx, ql_buf *b, ql_str name)
{
    QL_TRY(ql_buf_put(cx, b, "`", 1));
    for (size_t i = 0; i < name.n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (name.p[i] == '`') {
            QL_TRY(ql_buf_put(cx, b, "`", 1));
        }
        QL_TRY(ql_buf_put(cx, b, &name.p[i], 1));
    }
    return ql_buf_put(cx, b, "`", 1);
}

ql_status
ql_buf_printf(ql_ctx *cx, ql_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return ql_fail_oom(cx, 0);
    }
    QL_TRY(ql_bulk_count(cx, QL_BULK_NODE + (size_t)n));
    QL_TRY(ql_buf_reserve(cx, b, (size_t)n + 1));
    va_start(ap, fmt);
    (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return QL_OK;
}

ql_status
ql_buf_put_u8(ql_ctx *cx, ql_buf *b, uint8_t v)
{
    return ql_buf_put(cx, b, &v, 1);
}

ql_status
ql_buf_put_le(ql_ctx *cx, ql_buf *b, uint64_t v, unsigned bytes)
{
    unsigned char raw[8];
    for (unsigned i = 0; i < bytes; i++) {
        raw[i] = (unsigned char)(v >> (8 * i));
    }
    return ql_buf_put(cx, b, raw, bytes);
}

ql_status
ql_buf_put_lenenc(ql_ctx *cx, ql_buf *b, uint64_t v)
{
    if (v < 251) {
        return ql_buf_put_u8(cx, b, (uint8_t)v);
    }
    unsigned bytes = v < 65536 ? 2 : v < 16777216 ? 3 : 8;
    QL_TRY(ql_buf_reserve(cx, b, 1 + bytes));
    QL_TRY(ql_buf_put_u8(cx, b, bytes == 2 ? 0xfc : bytes == 3 ? 0xfd : 0xfe));
    return ql_buf_put_le(cx, b, v, bytes);
}

ql_status
ql_buf_put_lenenc_str(ql_ctx *cx, ql_buf *b, const void *p, size_t n)
{
    QL_TRY(ql_buf_reserve(cx, b, n + 9));
    QL_TRY(ql_buf_put_lenenc(cx, b, n));
    return ql_buf_put(cx, b, p, n);
}
