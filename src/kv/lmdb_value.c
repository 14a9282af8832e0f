/* SPDX-License-Identifier: Apache-2.0
 *
 * Values with a checksum: behind the value of each key stand 4 bytes, the CRC-32C of the whole key
 * and the value, so that a value that lost a bit, belongs to another key or is cut off is told from
 * a whole one. Files of format 3; in older ones and in temporary environments values stand alone.
 * No locks, no waits; long values are compared with looks at the kill flag.
 */
#include <stdio.h>

#include "base/bulk.h"
#include "base/log.h"
#include "kv/crc32c.h"
#include "kv/lmdb_int.h"

static uint32_t
checksum(ql_str key, const void *p, size_t n)
{
    return qli_crc32c(qli_crc32c(0, key.p, key.n), p, n);
}

int
qli_value_put(qli_lmdb *l, MDB_txn *txn, MDB_cursor *mc, ql_str key, ql_str value)
{
    MDB_val k = {.mv_size = key.n, .mv_data = (void *)(uintptr_t)key.p};
    MDB_val v = {.mv_size = value.n, .mv_data = (void *)(uintptr_t)value.p};
    unsigned flags = 0;
    if (l->sums) {
        v.mv_size += QLI_SUM_BYTES;
        flags = MDB_RESERVE;
    }
    int rc = QL_LIKELY(key.n <= QLI_PLAIN_MAX) ? mdb_cursor_put(mc, &k, &v, flags)
                                               : qli_chain_put(txn, l->dbi, key, &v, flags);
    if (rc == 0 && l->sums) {
        uint32_t sum = checksum(key, value.p, value.n);
        if (value.n != 0) {
            memcpy(v.mv_data, value.p, value.n);
        }
        memcpy((char *)v.mv_data + value.n, &sum, sizeof sum);
    }
    return rc;
}

bool
qli_value_is_whole(ql_str key, const MDB_val *v)
{
    uint32_t sum;
    if (v->mv_size < QLI_SUM_BYTES) {
        return false;
    }
    size_t n = v->mv_size - QLI_SUM_BYTES;
    memcpy(&sum, (const char *)v->mv_data + n, sizeof sum);
    return sum == checksum(key, v->mv_data, n);
}

/* As qli_value_is_whole of a long value, with looks at the kill flag. */
static ql_status
sum_long(ql_ctx *cx, ql_str key, const char *p, size_t n, uint32_t *sum)
{
    *sum = qli_crc32c(0, key.p, key.n);
    for (size_t step; n != 0; n -= step, p += step) {
        step = n < QL_BULK_PIECE ? n : QL_BULK_PIECE;
        *sum = qli_crc32c(*sum, p, step);
        QL_TRY(ql_bulk_count(cx, step));
    }
    return QL_OK;
}

ql_status
qli_value_check(ql_ctx *cx, qli_lmdb *l, ql_str key, const MDB_val *v)
{
    uint32_t sum, want;
    if (QL_LIKELY(v->mv_size <= QL_BULK_PIECE)) {
        return QL_LIKELY(qli_value_is_whole(key, v)) ? QL_OK : qli_value_fail(cx, l, key);
    }
    size_t n = v->mv_size - QLI_SUM_BYTES;
    QL_TRY(sum_long(cx, key, v->mv_data, n, &sum));
    memcpy(&want, (const char *)v->mv_data + n, sizeof want);
    return sum == want ? QL_OK : qli_value_fail(cx, l, key);
}

/* In the log, too: whoever made the statement is seldom the one who can help. */
static ql_status
fail_damaged(ql_ctx *cx, qli_lmdb *l, const char *what)
{
    if (cx->inst != NULL) {
        ql_log_write(cx->inst->log, QL_LOG_ERROR, "'%s' is damaged: %s", l->path, what);
    }
    return ql_fail_text(cx, QL_ER_TABLE_CORRUPT,
                        "Operation cannot be performed. The data file is corrupt: %s.", what);
}

ql_status
qli_page_fail(ql_ctx *cx, qli_lmdb *l, uint64_t page)
{
    char what[96];
    (void)snprintf(what, sizeof what, "page %llu is not what it should be",
                   (unsigned long long)page);
    return fail_damaged(cx, l, what);
}

ql_status
qli_value_fail(ql_ctx *cx, qli_lmdb *l, ql_str key)
{
    static const char digit[] = "0123456789abcdef";
    char hex[2 * 16 + 1], what[128];
    size_t n = key.n < 16 ? key.n : 16;
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = digit[(unsigned char)key.p[i] >> 4];
        hex[2 * i + 1] = digit[(unsigned char)key.p[i] & 15];
    }
    hex[2 * n] = '\0';
    (void)snprintf(what, sizeof what, "the value of key 0x%s%s does not match its checksum", hex,
                   key.n > n ? "..." : "");
    return fail_damaged(cx, l, what);
}
