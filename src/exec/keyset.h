/* SPDX-License-Identifier: Apache-2.0
 *
 * Clustered keys of one table, collected in any order and read in theirs. Memory only: whoever
 * collects looks at qli_keyset_bytes. Owner: an operator; its arena is the run's.
 */
#ifndef QL_EXEC_KEYSET_H
#define QL_EXEC_KEYSET_H

#include "exec/exec_int.h"

typedef struct qli_keyset {
    ql_arena *mem;
    ql_sort_item *v, *tmp, *sorted;
    size_t n, cap, at;
} qli_keyset;

ql_status qli_keyset_init(ql_ctx *cx, ql_run *run, qli_keyset *s) QL_MUST_USE;
void qli_keyset_clear(qli_keyset *s);
/* Copied. */
ql_status qli_keyset_add(ql_ctx *cx, qli_keyset *s, ql_str key) QL_MUST_USE;
size_t qli_keyset_bytes(const qli_keyset *s);
/* All are there. Checkpoints while sorting. */
ql_status qli_keyset_sort(ql_ctx *cx, qli_keyset *s) QL_MUST_USE;
/* The next key that was added `times` times or more, once; valid until clear. QL_END. */
ql_status qli_keyset_next(ql_ctx *cx, qli_keyset *s, size_t times, ql_str *key) QL_MUST_USE;

#endif
