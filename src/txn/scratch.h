/* SPDX-License-Identifier: Apache-2.0
 *
 * Index ids whose keys live no longer than the server: those of temporary tables. They come from a
 * range of their own, so whatever is found there at start is nobody's, and no record says whose an
 * id is or was. Nobody but their session knows them: no row locks are taken on their keys, and
 * commits of nothing else wait for no sync.
 */
#ifndef QL_TXN_SCRATCH_H
#define QL_TXN_SCRATCH_H

#include "txn/txn.h"

#define QL_SCRATCH_FIRST UINT32_C(0x80000000)
#define QL_SCRATCH_END UINT32_C(0xFE000000) /* keys of the server's own begin there */

/* Is the key one of those? By its first byte. */
static inline bool
ql_scratch_has(ql_str key)
{
    unsigned char c = key.n > 0 ? (unsigned char)key.p[0] : 0;
    return c >= QL_SCRATCH_FIRST >> 24 && c < QL_SCRATCH_END >> 24;
}

/* Some ids, in one piece; counted references. */
typedef struct ql_scratch ql_scratch;
/* n ids that nobody has. below: others that live at least as long (a reference is taken), or NULL.
 * QL_ERROR: out of memory, or of ids. */
ql_status ql_scratch_take(ql_ctx *cx, uint32_t n, ql_scratch *below, ql_scratch **out) QL_MUST_USE;
uint32_t ql_scratch_first(const ql_scratch *s);
ql_scratch *ql_scratch_get(ql_scratch *s); /* one more reference */
/* With the last reference all keys go, in the background: nothing may be written under the ids any
 * more, by a transaction that is still open neither. NULL is ignored. Any thread; never waits. */
void ql_scratch_put(ql_scratch *s);
/* How many pieces there are, those that are being emptied included. */
size_t ql_scratch_count(ql_txnsys *ts);

#endif
