/* SPDX-License-Identifier: Apache-2.0
 *
 * One layer of an overlay: an ordered set of puts and deletes, private to its transaction. A tree
 * (wtree.h) cut from chunks: entries never move and values are never overwritten in place, so bytes
 * handed out stay valid until the layer is forgotten or spilled, and forgetting is handing the
 * chunks over.
 *
 * A layer that has outgrown its memory has a spilled part besides (spill.h): older entries, in a
 * temporary file. Where both have a key, the list's entry counts.
 */
#ifndef QL_TXN_WRITESET_H
#define QL_TXN_WRITESET_H

#include "base/ctx.h"
#include "txn/wtree.h"

typedef struct qli_writeset {
    qli_wtree tree;
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

void qli_writeset_init(qli_writeset *ws, _Atomic uint64_t *counter);
/* Out of memory, or killed while a long value is copied: nothing changed. */
ql_status qli_writeset_put(ql_ctx *cx, qli_writeset *ws, ql_str key, ql_str value,
                           bool deleted) QL_MUST_USE;
const qli_wnode *qli_writeset_get(const qli_writeset *ws, ql_str key);
/* Move upper's list into lower, upper's entries winning: entries are handed over, not copied. At
 * most n entries of the smaller list are moved. QL_OK: upper is empty; QL_END: some are left;
 * between two calls both are whole, but share their memory: they must be forgotten together.
 * QL_ERROR: memory is out (not worded), nothing has been moved by this call. upper has no spilled
 * part. */
ql_status qli_writeset_merge(qli_writeset *lower, qli_writeset *upper, size_t n) QL_MUST_USE;

#endif
