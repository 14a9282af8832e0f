/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of one overlay layer or of one transaction's locks: a list of growing chunks from which
 * pieces are cut and never given back singly, so that forgetting all of it is handing over one
 * pointer. One thread at a time; the counter is shared.
 */
#ifndef QL_TXN_CHUNK_H
#define QL_TXN_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/mem.h"

typedef struct qli_chunk {
    struct qli_chunk *next; /* older one */
    size_t size, used;
    size_t mapped; /* bytes from the system; 0 = from malloc */
    char bytes[] __attribute__((aligned(8)));
} qli_chunk;

typedef struct qli_chunks {
    qli_chunk *newest, *oldest;
    size_t total;              /* bytes of all chunks */
    _Atomic uint64_t *counter; /* bytes of all layers of the instance, or NULL */
} qli_chunks;

/* n bytes aligned to 8, or NULL when memory is out. */
void *qli_chunks_take(qli_chunks *c, size_t n) QL_MUST_USE;
/* n bytes can be taken now, in pieces that are multiples of 8. False: memory is out. */
bool qli_chunks_reserve(qli_chunks *c, size_t n) QL_MUST_USE;
/* All of from now belongs to into; O(1). */
void qli_chunks_join(qli_chunks *into, qli_chunks *from);
/* Free one after the other. */
void qli_chunks_free(qli_chunks *c);

#endif
