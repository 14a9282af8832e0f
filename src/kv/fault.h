/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said when reading the data file faults. Inside kv/, but for ql_kv_catch_faults (kv.h).
 */
#ifndef QL_KV_FAULT_H
#define QL_KV_FAULT_H

#include "kv/kv.h"

/* Where a mapped file lies in memory; from = to: unknown. */
typedef struct qli_mapping {
    uintptr_t from, to;
} qli_mapping;

/* Name the mapped file at path in the line that a fault in it writes. Any thread. */
qli_mapping qli_fault_add_file(const char *path);
void qli_fault_remove_file(const char *path);
/* LMDB found a page that cannot be (its abort follows): say so. */
void qli_fault_assertion(const char *path, const char *text);

#endif
