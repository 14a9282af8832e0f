/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows looked for by the first columns of an index, one key after the other, as foreign keys need
 * it: in the newest committed state with all that the transaction has written, the running
 * statement too, and locked so that what was found out stays true.
 */
#ifndef QL_TABLE_FINDER_H
#define QL_TABLE_FINDER_H

#include "base/buf.h"
#include "table/table.h"

/* The first n columns of an index. Owner: the arena it was made in; its session's thread only. */
typedef struct ql_finder ql_finder;
ql_status ql_finder_new(ql_ctx *cx, ql_arena *a, ql_table *t, const ql_index *ix, uint16_t n,
                        ql_finder **out) QL_MUST_USE;

/* values: n, of the kinds of the index's columns, in its order. */

/* Is there a row with these values? Then one index entry of such a row is locked in mode S, so that
 * it stays. QL_END: there is none, and whoever was adding one has ended; the lock is given back
 * where the index is unique. Waits: ROW_LOCK. */
ql_status ql_finder_share(ql_ctx *cx, ql_finder *f, const ql_value *values) QL_MUST_USE;
/* From now on a key that was there when it was last asked for is taken to be there still: for who
 * does not himself remove rows meanwhile. */
void ql_finder_remember(ql_finder *f);
/* The same as ql_finder_share without locks, in a view. */
ql_status ql_finder_look(ql_ctx *cx, ql_finder *f, ql_view view,
                         const ql_value *values) QL_MUST_USE;
/* Would both be found together? */
ql_status ql_finder_same(ql_ctx *cx, ql_finder *f, const ql_value *a, const ql_value *b,
                         bool *same) QL_MUST_USE;

/* All rows with some values, block by block. Owner: whoever begins it; ended in any case. */
typedef struct ql_finding {
    ql_finder *finder;
    ql_buf low, high, pos; /* the stretch of the index; where reading goes on */
    ql_arena *mem;         /* of the block */
    ql_str *locators;
    uint16_t n;
    bool whole; /* nothing is left behind the block */
} ql_finding;
/* The stretch of the index that has the values is locked in that mode, its gaps too: no row comes
 * and none goes but by this transaction. mem: emptied for each block. Waits: ROW_LOCK. */
ql_status ql_finding_begin(ql_ctx *cx, ql_finder *f, const ql_value *values, ql_lock_mode mode,
                           ql_arena *mem, ql_finding *out) QL_MUST_USE;
/* The next block: clustered keys of n rows in `locators`, at most `most`. QL_END: none is left. The
 * transaction may change rows between two calls. One checkpoint an entry. */
ql_status ql_finding_next(ql_ctx *cx, ql_finding *g, uint16_t most) QL_MUST_USE;
/* Does a row of the table have the values that are looked for? */
ql_status ql_finding_has(ql_ctx *cx, ql_finding *g, const ql_value *row, bool *yes) QL_MUST_USE;
void ql_finding_end(ql_finding *g);

/* Text of a row's key as "Duplicate entry" writes it, in cx->arena. */
ql_status ql_key_text(ql_ctx *cx, const ql_index *ix, const ql_value *row, ql_str *out) QL_MUST_USE;

#endif
