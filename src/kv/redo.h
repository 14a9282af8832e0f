/* SPDX-License-Identifier: Apache-2.0
 *
 * The data directory's redo log: switches of the tests that make it fail. Only for environments of
 * ql_kv_open. Any thread.
 */
#ifndef QL_KV_REDO_H
#define QL_KV_REDO_H

#include "kv/kv.h"

/* The next write of the log moves `part` bytes and fails with error (an errno). */
void ql_kv_redo_fail_write(ql_kv *kv, int error, size_t part);
/* The next sync of the log fails with error. */
void ql_kv_redo_fail_sync(ql_kv *kv, int error);
/* From now on the file system refuses to write past the page cache. */
void ql_kv_redo_no_direct(ql_kv *kv);

#endif
