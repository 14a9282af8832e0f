/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash join: the right side is read into a table by its keys, the left side probes it. NULL keys
 * never match. Growing the table has its checkpoints. Memory is the statement's.
 */
#include <string.h>

#include "exec/exec_int.h"

typedef struct entry {
    struct entry *next;
    uint64_t hash;
    char *row;
    ql_value *keys; /* behind the entry */
} entry;

typedef struct hash_op {
    qli_op op;
    qli_ex **left_keys, **right_keys;
    ql_vector **cols;
    ql_vector *views; /* key columns under the collation of the join */
    uint16_t nkeys;
    qli_rowfmt fmt;
    ql_arena *mem, *build_scratch;
    entry **buckets;
    size_t nbuckets, count;
    bool built;
    ql_batch *left;
    uint16_t k;
    entry *chain;
    bool in_row;
    uint64_t hash[QL_BATCH_ROWS];
    uint8_t null_key[QL_BATCH_ROWS];
    uint8_t matched[QL_BATCH_ROWS];
    uint16_t left_rows[QL_BATCH_ROWS];
    char *right_rows[QL_BATCH_ROWS];
    uint16_t unmatched_at;
    bool unmatched_phase;
} hash_op;

static ql_status
eval_keys(ql_ctx *cx, hash_op *h, qli_ex **keys, const ql_batch *b)
{
    const ql_plan *p = h->op.plan;
    for (uint16_t i = 0; i < h->nkeys; i++) {
        ql_vector *v;
        QL_TRY(qli_ex_eval(cx, keys[i], b, b->sel, b->nsel, &v));
        h->views[i] = *v;
        if (p->key_colls != NULL && p->key_colls[i] != NULL) {
            h->views[i].type.coll = p->key_colls[i];
        }
        h->cols[i] = &h->views[i];
        QL_TRY(qli_hash_column(cx, &h->views[i], b->sel, b->nsel, i == 0, h->hash));
    }
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        h->null_key[row] = 0;
        for (uint16_t i = 0; i < h->nkeys; i++) {
            h->null_key[row] |=
                h->views[i].type.kind == QL_K_NULL || ql_vector_null_at(&h->views[i], row);
        }
    }
    return QL_OK;
}

static ql_status
grow(ql_ctx *cx, hash_op *h)
{
    size_t n = h->nbuckets ? h->nbuckets * 4 : 256;
    entry **buckets = ql_arena_alloc(cx, h->mem, n * sizeof *buckets);
    if (buckets == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i += 8192) {
        QL_TRY(ql_check(cx));
        memset(&buckets[i], 0, (n - i < 8192 ? n - i : 8192) * sizeof *buckets);
    }
    for (size_t i = 0; i < h->nbuckets; i++) {
        if (i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (entry *e = h->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (n - 1)];
            buckets[e->hash & (n - 1)] = e;
        }
    }
    h->buckets = buckets;
    h->nbuckets = n;
    return QL_OK;
}

static ql_status
add_row(ql_ctx *cx, hash_op *h, const ql_batch *b, uint16_t row)
{
    if (h->count >= h->nbuckets) {
        QL_TRY(grow(cx, h));
    }
    entry *e = ql_arena_alloc(cx, h->mem, sizeof *e + h->nkeys * sizeof(ql_value));
    if (e == NULL) {
        return QL_ERROR;
    }
    e->keys = (ql_value *)(e + 1);
    for (uint16_t i = 0; i < h->nkeys; i++) {
        ql_vector_get(h->cols[i], row, &e->keys[i]);
        QL_TRY(qli_value_keep(cx, h->mem, &e->keys[i]));
    }
    QL_TRY(qli_row_save(cx, h->mem, &h->fmt, b, row, &e->row));
    e->hash = h->hash[row];
    entry **bucket = &h->buckets[e->hash & (h->nbuckets - 1)];
    e->next = *bucket;
    *bucket = e;
    h->count++;
    return QL_OK;
}

static ql_status
build(ql_ctx *cx, hash_op *h)
{
    ql_batch *b;
    ql_status st;
    while ((st = qli_op_next(cx, h->op.right, &b)) == QL_OK) {
        ql_arena_reset(h->build_scratch);
        QL_TRY(eval_keys(cx, h, h->right_keys, b));
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            if (k % 256 == 0) {
                QL_TRY(ql_check(cx));
            }
            if (!h->null_key[row]) {
                QL_TRY(add_row(cx, h, b, row));
            }
        }
    }
    h->built = true;
    return st == QL_END ? QL_OK : st;
}

static ql_status
next_left(ql_ctx *cx, hash_op *h)
{
    QL_TRY(qli_op_next(cx, h->op.left, &h->left));
    ql_arena_reset(h->op.scratch);
    QL_TRY(eval_keys(cx, h, h->left_keys, h->left));
    memset(h->matched, 0, sizeof h->matched);
    h->k = 0;
    h->in_row = false;
    h->unmatched_phase = false;
    h->unmatched_at = 0;
    return QL_OK;
}

static ql_status
entry_matches(ql_ctx *cx, const hash_op *h, const entry *e, uint16_t row, bool *yes)
{
    *yes = e->hash == h->hash[row];
    for (uint16_t i = 0; i < h->nkeys && *yes; i++) {
        QL_TRY(qli_row_equals(cx, h->cols[i], row, &e->keys[i], yes));
    }
    return QL_OK;
}

/* Pairs of the current left batch, up to a full batch of them. */
static ql_status
find_pairs(ql_ctx *cx, hash_op *h, uint16_t *pairs)
{
    unsigned steps = 0;
    *pairs = 0;
    while (h->k < h->left->nsel && *pairs < QL_BATCH_ROWS) {
        uint16_t row = ql_batch_row(h->left, h->k);
        if (!h->in_row) {
            h->chain = h->null_key[row] || h->nbuckets == 0
                           ? NULL
                           : h->buckets[h->hash[row] & (h->nbuckets - 1)];
            h->in_row = true;
        }
        while (h->chain != NULL && *pairs < QL_BATCH_ROWS) {
            bool yes;
            if (++steps % 1024 == 0) {
                QL_TRY(ql_check(cx));
            }
            QL_TRY(entry_matches(cx, h, h->chain, row, &yes));
            if (yes) {
                h->left_rows[*pairs] = row;
                h->right_rows[(*pairs)++] = h->chain->row;
            }
            h->chain = h->chain->next;
        }
        if (h->chain == NULL) {
            h->in_row = false;
            h->k++;
        }
    }
    return QL_OK;
}

static ql_status
load_pairs(ql_ctx *cx, hash_op *h, uint16_t n)
{
    const qli_op *left = h->op.left;
    for (uint16_t i = 0; i < left->nlive; i++) {
        uint16_t slot = left->live[i];
        QL_TRY(qli_vector_copy(cx, NULL, &h->op.batch.cols[slot], 0, &h->left->cols[slot],
                               h->left_rows, n));
    }
    qli_rows_load(&h->fmt, h->right_rows, n, h->op.batch.cols);
    h->op.batch.n = h->op.batch.nsel = n;
    h->op.batch.sel = NULL;
    return QL_OK;
}

/* Left rows that found no partner, with NULLs. */
static ql_status
load_unmatched(ql_ctx *cx, hash_op *h)
{
    uint16_t n = 0;
    while (h->unmatched_at < h->left->nsel) {
        uint16_t row = ql_batch_row(h->left, h->unmatched_at++);
        if (!h->matched[row]) {
            h->left_rows[n] = row;
            h->right_rows[n++] = NULL;
        }
    }
    return load_pairs(cx, h, n);
}

static ql_status
hash_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    hash_op *h = (hash_op *)op;
    uint16_t pairs;
    if (!h->built) {
        QL_TRY(build(cx, h));
        if (h->count == 0 && !op->plan->outer) {
            return QL_END;
        }
    }
    if (h->built && h->count == 0 && !op->plan->outer) {
        return QL_END;
    }
    *out = &op->batch;
    if (h->left == NULL || (h->k >= h->left->nsel && (!op->plan->outer || h->unmatched_phase))) {
        QL_TRY(next_left(cx, h));
    }
    if (h->k >= h->left->nsel) {
        h->unmatched_phase = true;
        return load_unmatched(cx, h);
    }
    QL_TRY(find_pairs(cx, h, &pairs));
    QL_TRY(load_pairs(cx, h, pairs));
    if (pairs == 0) {
        return QL_OK;
    }
    QL_TRY(qli_op_filter_apply(cx, op, &op->batch));
    for (uint16_t i = 0; i < op->batch.nsel; i++) {
        h->matched[h->left_rows[ql_batch_row(&op->batch, i)]] = 1;
    }
    return QL_OK;
}

static ql_status
hash_restart(ql_ctx *cx, qli_op *op)
{
    hash_op *h = (hash_op *)op;
    ql_arena_reset(h->mem);
    h->buckets = NULL;
    h->nbuckets = h->count = 0;
    h->built = h->in_row = h->unmatched_phase = false;
    h->left = NULL;
    QL_TRY(qli_op_restart(cx, op->left));
    return qli_op_restart(cx, op->right);
}

ql_status
qli_hashjoin_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(hash_op), true, &op));
    hash_op *h = (hash_op *)op;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_build(cx, b, p->right, &op->right));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    QL_TRY(qli_op_live_add(cx, op, op->right->live, op->right->nlive));
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    QL_TRY(qli_rowfmt_init(cx, b->mem, &h->fmt, b->slot_types, op->right->live, op->right->nlive));
    QL_TRY(qli_op_filter_compile(cx, op));
    QL_TRY(qli_run_arena(b->run, "hash join", &h->mem));
    QL_TRY(qli_run_arena(b->run, "hash join keys", &h->build_scratch));
    h->nkeys = p->nkeys;
    h->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, p->nkeys + 1);
    h->views = QL_ARENA_ARRAY(cx, b->mem, ql_vector, p->nkeys + 1);
    if (h->cols == NULL || h->views == NULL) {
        return QL_ERROR;
    }
    qli_env left = qli_block_env(b, op->scratch), right = qli_block_env(b, h->build_scratch);
    QL_TRY(qli_ex_list(cx, &left, p->left_keys, p->nkeys, &h->left_keys));
    QL_TRY(qli_ex_list(cx, &right, p->right_keys, p->nkeys, &h->right_keys));
    op->next = hash_next;
    op->restart = hash_restart;
    *out = op;
    return QL_OK;
}
