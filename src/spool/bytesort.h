/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of byte strings sorted by their keys (memcmp): in memory as long as they fit a budget, then
 * in runs on tapes. No key may be another one with zero bytes behind it (keys of an index never
 * are: types/codec.h). Equal keys come in the order they were added in. Used by one thread; no
 * locks.
 */
#ifndef QL_SPOOL_BYTESORT_H
#define QL_SPOOL_BYTESORT_H

#include "spool/tape.h"

typedef struct ql_bytesort ql_bytesort;

/* Lives in a, whose quota is charged; freed by ql_bytesort_free before a goes. */
ql_status ql_bytesort_new(ql_ctx *cx, ql_arena *a, ql_tapes *file, size_t budget,
                          ql_bytesort **out) QL_MUST_USE;
/* Copied. Waits: DISK_SPACE. */
ql_status ql_bytesort_add(ql_ctx *cx, ql_bytesort *s, ql_str key, ql_str value) QL_MUST_USE;
uint64_t ql_bytesort_count(const ql_bytesort *s);
/* All are there: from here on next gives them in order, valid until it is called again; QL_END
 * after the last. Wait: DISK_SPACE. */
ql_status ql_bytesort_begin(ql_ctx *cx, ql_bytesort *s) QL_MUST_USE;
ql_status ql_bytesort_next(ql_ctx *cx, ql_bytesort *s, ql_str *key, ql_str *value) QL_MUST_USE;
/* Gives memory and pages of the file back. NULL is ignored. */
void ql_bytesort_free(ql_ctx *cx, ql_bytesort *s);

#endif
