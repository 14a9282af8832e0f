/* SPDX-License-Identifier: Apache-2.0
 *
 * Between op_hash.c (the table, probing it) and op_hash_parts.c (sides that are larger than
 * memory).
 */
#ifndef QL_EXEC_HASH_INT_H
#define QL_EXEC_HASH_INT_H

#include <string.h>

#include "exec/rowset_int.h"

typedef struct qli_hash_entry {
    struct qli_hash_entry *next;
    uint64_t hash;
    char *row; /* as the side's fmt says */
} qli_hash_entry;

/* How rows of one side are kept: its slots, the keys, their hash. Part of the operator. */
typedef struct qli_hash_side {
    const qli_op *op;
    ql_ex **keys;
    ql_arena *scratch; /* of its keys */
    ql_vector *cols;   /* [fmt.n] of the batch in work */
    qli_rowfmt fmt;    /* column i */
    qli_rowfmt slots;  /* the same row, its first columns to the slots of the block */
    ql_type *key_types;
    bool ready;
} qli_hash_side;

/* Parts of both sides that belong together. In pairs_mem. */
typedef struct qli_hash_pair {
    struct qli_hash_pair *next;
    qli_part *right; /* NULL: no rows */
    qli_part *left;
    bool kept;  /* the right one is not ours */
    bool solid; /* dividing did not help */
} qli_hash_pair;

/* Owner: its block. */
typedef struct qli_hash_op {
    qli_op op;
    qli_hash_side left_side, right_side;
    ql_vector *views; /* [nkeys] keys of the batch in work under the collation of the join */
    ql_vector **cols;
    uint16_t nkeys;
    bool one_int;
    size_t budget;
    ql_arena *mem; /* the table */
    qli_hash_entry **buckets;
    size_t nbuckets, count;
    bool built, keeps; /* keeps: the right side is the same each time */
    ql_batch *left;
    uint16_t k;
    qli_hash_entry *chain;
    bool in_row;
    uint64_t hash[QL_BATCH_ROWS];
    uint8_t null_key[QL_BATCH_ROWS];
    uint8_t matched[QL_BATCH_ROWS];
    uint16_t left_rows[QL_BATCH_ROWS];
    char *right_rows[QL_BATCH_ROWS];
    uint16_t unmatched_at;
    bool unmatched_phase;
    ql_batch filtered; /* SEMI, ANTI: the left batch with the rows that stay */
    /* What is on tapes: */
    bool divided, left_divided;
    ql_arena *right_mem; /* of right_parts */
    ql_arena *pairs_mem; /* of all other parts */
    qli_parts right_parts;
    qli_hash_pair *pending, *pair;
    ql_reel right_reel, left_reel;
    ql_batch back;       /* left rows as they are read */
    ql_vector *key_back; /* [nkeys] their keys */
    bool pieces;         /* the right part is taken in pieces, this is not the last */
    bool later;          /* this is not the first piece */
    uint8_t *bits;       /* rows of the left part that have found a partner */
    uint64_t first_row;
} qli_hash_op;

/* Is there a row for each left row that finds no partner? */
static inline bool
qli_hash_wants_unmatched(const qli_hash_op *h)
{
    return h->op.plan->join == QL_JOIN_LEFT || h->op.plan->join == QL_JOIN_ANTI;
}

/* Are left rows themselves the result? */
static inline bool
qli_hash_is_filtering(const qli_hash_op *h)
{
    return h->op.plan->join == QL_JOIN_SEMI || h->op.plan->join == QL_JOIN_ANTI;
}

static inline uint64_t
qli_hash_of(const qli_hash_side *s, const char *row)
{
    uint64_t hash;
    memcpy(&hash, row + s->fmt.off[s->fmt.n - 1], sizeof hash);
    return hash;
}

/* op_hash.c */

/* Evaluate the keys of the selected rows: h->views, h->cols, h->hash. */
ql_status qli_hash_eval_keys(ql_ctx *cx, qli_hash_op *h, const qli_hash_side *s,
                             const ql_batch *b) QL_MUST_USE;
/* Which of them have a NULL: h->null_key. */
void qli_hash_find_null_keys(qli_hash_op *h, const ql_batch *b);
/* Both, and the columns of b as rows of the side are kept; in the side's scratch. */
ql_status qli_hash_take_batch(ql_ctx *cx, qli_hash_op *h, qli_hash_side *s, ql_batch *b,
                              ql_batch *out) QL_MUST_USE;
/* A row of those columns to its part. Waits: DISK_SPACE. */
ql_status qli_hash_put_row(ql_ctx *cx, qli_hash_op *h, const qli_hash_side *s, const ql_batch *cols,
                           uint16_t row, qli_parts *parts, ql_arena *mem) QL_MUST_USE;
/* A kept row, in h->mem, into the table; is there no room for another; forget all. */
ql_status qli_hash_add(ql_ctx *cx, qli_hash_op *h, uint64_t hash, char *row) QL_MUST_USE;
bool qli_hash_is_full(const ql_ctx *cx, const qli_hash_op *h);
ql_status qli_hash_clear(qli_hash_op *h) QL_MUST_USE;
/* The rows of the table to parts; it is empty then. Waits: DISK_SPACE. */
ql_status qli_hash_put_table(ql_ctx *cx, qli_hash_op *h, qli_parts *parts,
                             ql_arena *mem) QL_MUST_USE;

/* op_hash_parts.c */

/* All is put. */
ql_status qli_hash_end_tapes(ql_ctx *cx, qli_parts *parts) QL_MUST_USE;
/* The right side is divided: the left one, too. Waits: DISK_SPACE. */
ql_status qli_hash_divide_left(ql_ctx *cx, qli_hash_op *h) QL_MUST_USE;
/* Next left rows of the pairs, the table being that of their right ones: h->left. QL_END. */
ql_status qli_hash_next_left(ql_ctx *cx, qli_hash_op *h) QL_MUST_USE;
/* Forget the pairs. */
void qli_hash_drop_pairs(ql_ctx *cx, qli_hash_op *h);

#endif
