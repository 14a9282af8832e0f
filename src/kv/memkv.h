/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment in memory (tests): switches that make it fail or stall. Only for environments of
 * ql_kv_open_mem. Any thread.
 */
#ifndef QL_KV_MEMKV_H
#define QL_KV_MEMKV_H

#include "base/diag.h"
#include "kv/kv.h"

/* The next n commits fail with code (QL_ER_DISK_FULL, QL_ER_GET_ERRNO), nothing happened; 0 = none.
 */
void ql_memkv_fail_commits(ql_kv *kv, uint32_t n, ql_errcode code);
/* The next n puts fail with code. */
void ql_memkv_fail_puts(ql_kv *kv, uint32_t n, ql_errcode code);
/* While on, commits stand still (uninterruptibly, as a slow disk). */
void ql_memkv_stall(ql_kv *kv, bool on);
/* Commits that stand still now. */
uint32_t ql_memkv_stalled(ql_kv *kv);

#endif
