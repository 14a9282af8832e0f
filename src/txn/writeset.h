/* SPDX-License-Identifier: Apache-2.0
 *
 * One layer of an overlay: an ordered set of puts and deletes, private to its transaction. A skip
 * list cut from chunks: nodes never move and values are never overwritten in place, so bytes handed
 * out stay valid until the layer is forgotten or spilled, and forgetting is handing the chunks
 * over.
 *
 * A layer that has outgrown its memory has a spilled part besides (spill.h): older entries, in a
 * temporary file. Where both have a key, the list's entry counts.
 */
#ifndef QL_TXN_WRITESET_H
#define QL_TXN_WRITESET_H

#include "base/ctx.h"
#include "txn/chunk.h"

#define QLI_WLEVELS 16

/* Owner: the write set's chunks. */
typedef struct qli_wnode {
    struct qli_wnode *prev;
    const char *value; /* a byte of ours stands before it (spill.c's tag); empty: static */
    uint32_t vlen;
    uint16_t klen;
    uint8_t levels;
    bool deleted;
    struct qli_wnode *next[]; /* levels of them; the key's bytes follow */
} qli_wnode;

typedef struct qli_writeset {
    qli_wnode *head[QLI_WLEVELS];
    qli_wnode *tail[QLI_WLEVELS]; /* last node of each level: ascending inserts need no search */
    uint64_t random;
    size_t count; /* keys */
    size_t bytes; /* of keys and values written */
    qli_chunks mem;
    struct qli_spill *spill; /* or NULL; its entries are older than those of the list */
} qli_writeset;

static inline bool
qli_writeset_is_empty(const qli_writeset *ws)
{
    return ws->count == 0 && ws->spill == NULL;
}

static inline ql_str
qli_wnode_key(const qli_wnode *n)
{
    return (ql_str){(const char *)&n->next[n->levels], n->klen};
}

static inline ql_str
qli_wnode_value(const qli_wnode *n)
{
    return (ql_str){n->value, n->vlen};
}

void qli_writeset_init(qli_writeset *ws, _Atomic uint64_t *counter);
/* Out of memory, or killed while a long value is copied: nothing changed. */
ql_status qli_writeset_put(ql_ctx *cx, qli_writeset *ws, ql_str key, ql_str value,
                           bool deleted) QL_MUST_USE;
const qli_wnode *qli_writeset_get(const qli_writeset *ws, ql_str key);
/* First node not below key / last node below key, or NULL. */
qli_wnode *qli_writeset_seek_ge(const qli_writeset *ws, ql_str key);
qli_wnode *qli_writeset_seek_lt(const qli_writeset *ws, ql_str key);
static inline qli_wnode *
qli_writeset_first(const qli_writeset *ws)
{
    return ws->head[0];
}
/* Move upper's list into lower, upper's entries winning: nodes are linked over, not copied; cannot
 * fail. At most n nodes of the smaller list are moved; true when upper is empty. Between two calls
 * both are whole, but share their memory: they must be forgotten together. upper has no spilled
 * part. */
bool qli_writeset_merge(qli_writeset *lower, qli_writeset *upper, size_t n);

#endif
