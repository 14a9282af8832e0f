/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash join: the right side is read into a table by its keys, the left side probes it. NULL keys
 * never match.
 *
 * A right side that outgrows join_buffer_size is divided into 32 parts by the keys' hash, and so is
 * the left side; then each pair of parts is joined by itself, divided again when it is still too
 * large. Where dividing does not help (many rows of one key) the right part is taken in pieces,
 * each of which the whole left part probes. A right side that does not depend on what surrounds it
 * is kept, table or parts, when the join is run again.
 */
#include <string.h>

#include "base/bulk.h"
#include "base/hash.h"
#include "exec/rowset.h"

#define LEVELS 6 /* of dividing */

typedef struct entry {
    struct entry *next;
    uint64_t hash;
    char *row; /* as side.fmt says */
} entry;

/* How rows of one side are kept: its slots, the keys, their hash. */
typedef struct side {
    const qli_op *op;
    qli_ex **keys;
    ql_arena *scratch; /* of its keys */
    ql_vector *cols;   /* [fmt.n] of the batch in work */
    qli_rowfmt fmt;    /* column i */
    qli_rowfmt slots;  /* the same row, its first columns to the slots of the block */
    ql_type *key_types;
    bool ready;
} side;

/* Parts of both sides that belong together. */
typedef struct pair {
    struct pair *next;
    qli_part *right; /* NULL: no rows */
    qli_part *left;
    bool kept;  /* the right one is not ours */
    bool solid; /* dividing did not help */
} pair;

typedef struct hash_op {
    qli_op op;
    side left_side, right_side;
    ql_vector *views; /* [nkeys] keys of the batch in work under the collation of the join */
    ql_vector **cols;
    uint16_t nkeys;
    bool one_int;
    size_t budget;
    ql_arena *mem; /* the table */
    entry **buckets;
    size_t nbuckets, count;
    bool built, keeps; /* keeps: the right side is the same each time */
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
    /* What is on tapes: */
    bool divided, left_divided;
    ql_arena *right_mem; /* of right_parts */
    ql_arena *pairs_mem; /* of all other parts */
    qli_parts right_parts;
    pair *pending, *pair;
    qli_reel right_reel, left_reel;
    ql_batch back;       /* left rows as they are read */
    ql_vector *key_back; /* [nkeys] their keys */
    bool pieces;         /* the right part is taken in pieces, this is not the last */
    bool later;          /* this is not the first piece */
    uint8_t *bits;       /* rows of the left part that have found a partner */
    uint64_t first_row;
} hash_op;

/* ---- rows and keys ---- */

static ql_status
eval_keys(ql_ctx *cx, hash_op *h, const side *s, const ql_batch *b)
{
    const ql_plan *p = h->op.plan;
    for (uint16_t i = 0; i < h->nkeys; i++) {
        ql_vector *v;
        QL_TRY(qli_ex_eval(cx, s->keys[i], b, b->sel, b->nsel, &v));
        h->views[i] = *v;
        if (p->key_colls != NULL && p->key_colls[i] != NULL) {
            h->views[i].type.coll = p->key_colls[i];
        }
        h->cols[i] = &h->views[i];
        QL_TRY(qli_hash_column(cx, &h->views[i], b->sel, b->nsel, i == 0, h->hash));
    }
    return QL_OK;
}

static void
find_null_keys(hash_op *h, const ql_batch *b)
{
    for (uint16_t k = 0; k < b->nsel; k++) {
        uint16_t row = ql_batch_row(b, k);
        h->null_key[row] = 0;
        for (uint16_t i = 0; i < h->nkeys; i++) {
            h->null_key[row] |=
                h->views[i].type.kind == QL_K_NULL || ql_vector_null_at(&h->views[i], row);
        }
    }
}

/* The kept form of a side's rows, once its keys have been evaluated. */
static ql_status
make_format(ql_ctx *cx, hash_op *h, side *s)
{
    ql_arena *mem = h->op.block->mem;
    uint16_t n = s->op->nlive, all = (uint16_t)(n + h->nkeys + 1);
    ql_type *types = QL_ARENA_ARRAY(cx, mem, ql_type, all);
    uint16_t *at = QL_ARENA_ARRAY(cx, mem, uint16_t, all);
    s->cols = QL_ARENA_ARRAY(cx, mem, ql_vector, all);
    s->key_types = QL_ARENA_ARRAY(cx, mem, ql_type, h->nkeys);
    if (types == NULL || at == NULL || s->cols == NULL || s->key_types == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < all; i++) {
        at[i] = i;
        types[i] = i < n         ? h->op.block->slot_types[s->op->live[i]]
                   : i + 1 < all ? h->views[i - n].type
                                 : ql_type_int(true);
    }
    memcpy(s->key_types, types + n, h->nkeys * sizeof *types);
    QL_TRY(qli_rowfmt_init(cx, mem, &s->fmt, types, at, all));
    s->slots = s->fmt;
    s->slots.slots = s->op->live;
    s->slots.n = n;
    s->cols[all - 1] = (ql_vector){.type = types[all - 1]};
    s->cols[all - 1].i = (int64_t *)h->hash;
    s->ready = true;
    return QL_OK;
}

/* The columns of batch b, whose keys have been evaluated, as rows of the side are kept. */
static ql_status
set_columns(ql_ctx *cx, hash_op *h, side *s, const ql_batch *b, ql_batch *out)
{
    uint16_t n = s->op->nlive;
    if (!s->ready) {
        QL_TRY(make_format(cx, h, s));
    }
    for (uint16_t i = 0; i < n; i++) {
        s->cols[i] = b->cols[s->op->live[i]];
    }
    for (uint16_t i = 0; i < h->nkeys; i++) {
        s->cols[n + i] = h->views[i];
    }
    *out = *b;
    out->cols = s->cols;
    return QL_OK;
}

static uint64_t
hash_of(const side *s, const char *row)
{
    uint64_t hash;
    memcpy(&hash, row + s->fmt.off[s->fmt.n - 1], sizeof hash);
    return hash;
}

/* ---- the table ---- */

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
add_entry(ql_ctx *cx, hash_op *h, uint64_t hash, char *row)
{
    if (h->count >= h->nbuckets) {
        QL_TRY(grow(cx, h));
    }
    entry *e = ql_arena_alloc(cx, h->mem, sizeof *e);
    if (e == NULL) {
        return QL_ERROR;
    }
    entry **bucket = &h->buckets[hash & (h->nbuckets - 1)];
    *e = (entry){.next = *bucket, .hash = hash, .row = row};
    *bucket = e;
    h->count++;
    return QL_OK;
}

static bool
table_is_full(const ql_ctx *cx, const hash_op *h)
{
    return h->count > 0 && qli_budget_is_out(cx, ql_arena_used(h->mem), h->budget);
}

static ql_status
clear_table(hash_op *h)
{
    QL_TRY(qli_run_arena_empty(h->op.block->run, "hash join", &h->mem, h->budget / 4));
    h->buckets = NULL;
    h->nbuckets = h->count = 0;
    return QL_OK;
}

/* Its rows to the parts. */
static ql_status
put_table(ql_ctx *cx, hash_op *h, qli_parts *parts, ql_arena *mem)
{
    for (size_t i = 0; i < h->nbuckets; i++) {
        if (i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (entry *e = h->buckets[i]; e != NULL; e = e->next) {
            QL_TRY(qli_parts_put(cx, parts, mem, e->hash, &h->right_side.fmt, e->row));
        }
    }
    return clear_table(h);
}

/* ---- reading the sides ---- */

static ql_status
put_row(ql_ctx *cx, hash_op *h, const side *s, const ql_batch *cols, uint16_t row, qli_parts *parts,
        ql_arena *mem)
{
    char *saved;
    ql_arena_mark mark = ql_arena_save(s->scratch);
    QL_TRY(qli_row_save(cx, s->scratch, &s->fmt, cols, row, &saved));
    QL_TRY(qli_parts_put(cx, parts, mem, h->hash[row], &s->fmt, saved));
    ql_arena_restore(s->scratch, mark);
    return QL_OK;
}

static ql_status
end_tapes(ql_ctx *cx, qli_parts *parts)
{
    for (unsigned i = 0; i < QLI_PARTS; i++) {
        if (parts->part[i] != NULL) {
            QL_TRY(qli_tape_end(cx, parts->part[i]->tape));
        }
    }
    parts->active = false;
    return QL_OK;
}

/* A row of the right side: into the table, or, when that is full, to its part. */
static ql_status
take_right(ql_ctx *cx, hash_op *h, const ql_batch *cols, uint16_t row)
{
    char *saved;
    if (!h->divided && table_is_full(cx, h)) {
        h->divided = true;
        qli_parts_begin(&h->right_parts, h->op.block->run, 0);
        QL_TRY(put_table(cx, h, &h->right_parts, h->right_mem));
    }
    if (h->divided) {
        return put_row(cx, h, &h->right_side, cols, row, &h->right_parts, h->right_mem);
    }
    QL_TRY(qli_row_save(cx, h->mem, &h->right_side.fmt, cols, row, &saved));
    return add_entry(cx, h, h->hash[row], saved);
}

static ql_status
build(ql_ctx *cx, hash_op *h)
{
    side *s = &h->right_side;
    ql_batch *b, cols;
    ql_status st;
    while ((st = qli_op_next(cx, h->op.right, &b)) == QL_OK) {
        ql_arena_reset(s->scratch);
        QL_TRY(eval_keys(cx, h, s, b));
        find_null_keys(h, b);
        QL_TRY(set_columns(cx, h, s, b, &cols));
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            if (k % 256 == 0) {
                QL_TRY(ql_check(cx));
            }
            if (!h->null_key[row]) {
                QL_TRY(take_right(cx, h, &cols, row));
            }
        }
    }
    if (st != QL_END) {
        return st;
    }
    if (h->divided) {
        QL_TRY(end_tapes(cx, &h->right_parts));
    }
    h->built = true;
    return QL_OK;
}

/* Left rows without a right part find no partner: they are wanted by an outer join only. */
static bool
left_is_wanted(const hash_op *h, const qli_parts *right, uint64_t hash)
{
    return h->op.plan->outer || right->part[qli_part_of(hash, right->level)] != NULL;
}

/* Pairs of parts to be joined; from: the pair that has been divided, or NULL. */
static ql_status
add_pairs(ql_ctx *cx, hash_op *h, qli_parts *right, qli_parts *left, const pair *from)
{
    for (unsigned i = 0; i < QLI_PARTS; i++) {
        qli_part *r = right->part[i], *l = left->part[i];
        bool kept = from == NULL && h->keeps;
        if (l == NULL) { /* nobody asks for these rows */
            if (r != NULL && !kept) {
                qli_tape_drop(cx, r->tape);
            }
        } else {
            pair *p = QL_ARENA_NEW(cx, h->pairs_mem, pair);
            if (p == NULL) {
                return QL_ERROR;
            }
            *p = (pair){.next = h->pending, .right = r, .left = l, .kept = kept};
            p->solid = r != NULL && from != NULL && r->rows > from->right->rows / 10 * 9;
            h->pending = p;
        }
        left->part[i] = NULL;
        if (!kept) {
            right->part[i] = NULL;
        }
    }
    return QL_OK;
}

static ql_status
divide_left(ql_ctx *cx, hash_op *h)
{
    side *s = &h->left_side;
    qli_parts left;
    ql_batch *b, cols;
    ql_status st;
    qli_parts_begin(&left, h->op.block->run, 0);
    while ((st = qli_op_next(cx, h->op.left, &b)) == QL_OK) {
        ql_arena_reset(s->scratch);
        QL_TRY(eval_keys(cx, h, s, b));
        find_null_keys(h, b);
        QL_TRY(set_columns(cx, h, s, b, &cols));
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            if (k % 256 == 0) {
                QL_TRY(ql_check(cx));
            }
            if (h->op.plan->outer ||
                (!h->null_key[row] && left_is_wanted(h, &h->right_parts, h->hash[row]))) {
                QL_TRY(put_row(cx, h, s, &cols, row, &left, h->pairs_mem));
            }
        }
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(end_tapes(cx, &left));
    h->left_divided = true;
    return add_pairs(cx, h, &h->right_parts, &left, NULL);
}

/* ---- pairs ---- */

static void
close_pair(ql_ctx *cx, hash_op *h)
{
    pair *p = h->pair;
    qli_reel_stop(&h->right_reel);
    qli_reel_stop(&h->left_reel);
    if (p != NULL) {
        if (p->right != NULL && !p->kept) {
            qli_tape_drop(cx, p->right->tape);
        }
        qli_tape_drop(cx, p->left->tape);
    }
    h->pair = NULL;
    h->pieces = h->later = false;
}

/* Right rows into the table until it is full or they are all there. */
static ql_status
load_right(ql_ctx *cx, hash_op *h)
{
    const side *s = &h->right_side;
    ql_status st = QL_OK;
    unsigned n = 0;
    QL_TRY(clear_table(h));
    while (!table_is_full(cx, h)) {
        char *row;
        if (++n % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        st = qli_row_get(cx, &h->right_reel, &s->fmt, h->mem, &row);
        if (st != QL_OK) {
            break;
        }
        QL_TRY(add_entry(cx, h, hash_of(s, row), row));
    }
    h->pieces = !qli_reel_at_end(&h->right_reel);
    return st == QL_END ? QL_OK : st;
}

/* The rest of a reel to parts. */
static ql_status
divide_reel(ql_ctx *cx, hash_op *h, const side *s, qli_reel *r, qli_parts *parts,
            const qli_parts *right)
{
    ql_status st;
    char *row;
    for (unsigned n = 0;; n++) {
        if (n % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        ql_arena_reset(s->scratch);
        st = qli_row_get(cx, r, &s->fmt, s->scratch, &row);
        if (st != QL_OK) {
            break;
        }
        uint64_t hash = hash_of(s, row);
        if (right == NULL || left_is_wanted(h, right, hash)) {
            QL_TRY(qli_parts_put(cx, parts, h->pairs_mem, hash, &s->fmt, row));
        }
    }
    qli_reel_stop(r);
    return st == QL_END ? end_tapes(cx, parts) : st;
}

/* The pair in work is too large: pairs of its parts instead. */
static ql_status
divide_pair(ql_ctx *cx, hash_op *h)
{
    pair *p = h->pair;
    qli_run *run = h->op.block->run;
    qli_parts right, left;
    qli_parts_begin(&right, run, p->right->level);
    qli_parts_begin(&left, run, p->right->level);
    QL_TRY(put_table(cx, h, &right, h->pairs_mem));
    QL_TRY(divide_reel(cx, h, &h->right_side, &h->right_reel, &right, NULL));
    QL_TRY(qli_reel_start(cx, &h->left_reel, p->left->tape));
    QL_TRY(divide_reel(cx, h, &h->left_side, &h->left_reel, &left, &right));
    QL_TRY(add_pairs(cx, h, &right, &left, p));
    close_pair(cx, h);
    return QL_OK;
}

/* Which left rows have found a partner has to be known until the last piece. */
static ql_status
begin_pieces(ql_ctx *cx, hash_op *h)
{
    if (h->op.plan->outer) {
        h->bits = ql_arena_zalloc(cx, h->pairs_mem, h->pair->left->rows / 8 + 1);
        return h->bits != NULL ? QL_OK : QL_ERROR;
    }
    return QL_OK;
}

static ql_status
next_pair(ql_ctx *cx, hash_op *h)
{
    while (h->pending != NULL) {
        pair *p = h->pair = h->pending;
        h->pending = p->next;
        QL_TRY(clear_table(h));
        if (p->right != NULL) {
            QL_TRY(qli_reel_start(cx, &h->right_reel, p->right->tape));
            QL_TRY(load_right(cx, h));
        }
        if (h->pieces && !p->solid && p->right->level < LEVELS) {
            QL_TRY(divide_pair(cx, h));
            continue;
        }
        if (h->pieces) {
            QL_TRY(begin_pieces(cx, h));
        }
        h->first_row = 0;
        return qli_reel_start(cx, &h->left_reel, p->left->tape);
    }
    return QL_END;
}

/* Once, when the first left rows come back. */
static ql_status
make_back(ql_ctx *cx, hash_op *h)
{
    const qli_block *b = h->op.block;
    const side *s = &h->left_side;
    h->back.ncols = b->nslots;
    h->back.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
    h->key_back = QL_ARENA_ARRAY(cx, b->mem, ql_vector, h->nkeys);
    if (h->back.cols == NULL || h->key_back == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < s->slots.n; i++) {
        uint16_t slot = s->slots.slots[i];
        QL_TRY(ql_vector_init(cx, b->mem, &h->back.cols[slot], &b->slot_types[slot], false));
    }
    for (uint16_t i = 0; i < h->nkeys; i++) {
        QL_TRY(ql_vector_init(cx, b->mem, &h->key_back[i], &s->key_types[i], false));
    }
    return QL_OK;
}

static ql_status
read_left(ql_ctx *cx, hash_op *h)
{
    side *s = &h->left_side;
    uint16_t n;
    if (h->back.cols == NULL) {
        QL_TRY(make_back(cx, h));
    }
    ql_arena_reset(s->scratch);
    h->first_row += h->left != NULL ? h->left->n : 0;
    QL_TRY(qli_rows_get(cx, &h->left_reel, &s->fmt, s->scratch, h->right_rows, &n));
    qli_rows_load(&s->slots, h->right_rows, n, h->back.cols);
    for (uint16_t i = 0; i < h->nkeys; i++) {
        qli_column_load(&s->fmt, (uint16_t)(s->slots.n + i), h->right_rows, n, &h->key_back[i]);
        h->views[i] = h->key_back[i];
        h->cols[i] = &h->views[i];
    }
    for (uint16_t k = 0; k < n; k++) {
        h->hash[k] = hash_of(s, h->right_rows[k]);
    }
    h->back.n = h->back.nsel = n;
    h->left = &h->back;
    find_null_keys(h, h->left);
    return QL_OK;
}

/* The left side once more, for the next piece of the right one. */
static ql_status
next_piece(ql_ctx *cx, hash_op *h)
{
    QL_TRY(load_right(cx, h));
    h->later = true;
    h->first_row = 0;
    return qli_reel_start(cx, &h->left_reel, h->pair->left->tape);
}

static bool
bit_of(const hash_op *h, uint64_t row)
{
    return h->bits[row / 8] >> (row % 8) & 1;
}

/* ---- probing ---- */

static ql_status
next_left_from_parts(ql_ctx *cx, hash_op *h)
{
    ql_status st = h->pair != NULL ? read_left(cx, h) : QL_END;
    while (st == QL_END) {
        h->left = NULL;
        if (h->pair != NULL && h->pieces) {
            QL_TRY(next_piece(cx, h));
        } else {
            close_pair(cx, h);
            QL_TRY(next_pair(cx, h));
        }
        st = read_left(cx, h);
    }
    QL_TRY(st);
    for (uint16_t i = 0; h->later && h->op.plan->outer && i < h->left->n; i++) {
        h->matched[i] = bit_of(h, h->first_row + i);
    }
    return QL_OK;
}

static ql_status
next_left(ql_ctx *cx, hash_op *h)
{
    memset(h->matched, 0, sizeof h->matched);
    if (h->divided) {
        QL_TRY(next_left_from_parts(cx, h));
    } else {
        QL_TRY(qli_op_next(cx, h->op.left, &h->left));
        ql_arena_reset(h->op.scratch);
        QL_TRY(eval_keys(cx, h, &h->left_side, h->left));
        find_null_keys(h, h->left);
    }
    h->k = 0;
    h->in_row = false;
    h->unmatched_phase = false;
    h->unmatched_at = 0;
    return QL_OK;
}

static void
cell_value(const side *s, uint16_t key, const char *row, ql_value *out)
{
    uint16_t i = (uint16_t)(s->slots.n + key);
    const ql_type *t = &s->key_types[key];
    const char *cell = row + s->fmt.off[i];
    out->kind = t->kind;
    out->is_unsigned = t->is_unsigned;
    out->coll = t->coll;
    switch (t->kind) {
    case QL_K_STRING:
        memcpy(&out->s, cell, sizeof out->s);
        break;
    case QL_K_DECIMAL:
        memcpy(&out->dec, cell, sizeof out->dec);
        break;
    default:
        memcpy(&out->i, cell, sizeof out->i);
        break;
    }
}

/* Rows whose keys are NULL are not in the table. */
static ql_status
entry_matches(ql_ctx *cx, const hash_op *h, const entry *e, uint16_t row, bool *yes)
{
    const side *s = &h->right_side;
    *yes = e->hash == h->hash[row];
    if (*yes && h->one_int) {
        const ql_vector *v = h->cols[0];
        int64_t i;
        memcpy(&i, e->row + s->fmt.off[s->slots.n], sizeof i);
        *yes = i == v->i[v->is_const ? 0 : row] &&
               (i >= 0 || v->type.kind != QL_K_INT ||
                v->type.is_unsigned == s->key_types[0].is_unsigned);
        return QL_OK;
    }
    for (uint16_t i = 0; i < h->nkeys && *yes; i++) {
        ql_value v;
        cell_value(s, i, e->row, &v);
        QL_TRY(qli_row_equals(cx, h->cols[i], row, &v, yes));
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
    qli_rows_load(&h->right_side.slots, h->right_rows, n, h->op.batch.cols);
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

/* All partners in this piece have been found: later pieces want to know who had any. */
static void
note_matched(hash_op *h)
{
    for (uint16_t i = 0; i < h->left->n; i++) {
        uint64_t row = h->first_row + i;
        h->bits[row / 8] |= (uint8_t)(h->matched[i] << (row % 8));
    }
}

/* The right side is there, and the left one divided when that is. QL_END: no row can come. */
static ql_status
prepare(ql_ctx *cx, hash_op *h)
{
    if (!h->built) {
        QL_TRY(build(cx, h));
    }
    if (h->divided && !h->left_divided) {
        QL_TRY(divide_left(cx, h));
    }
    return !h->divided && h->count == 0 && !h->op.plan->outer ? QL_END : QL_OK;
}

static ql_status
hash_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    hash_op *h = (hash_op *)op;
    uint16_t pairs;
    QL_TRY(prepare(cx, h));
    *out = &op->batch;
    if (h->left == NULL || (h->k >= h->left->nsel && (!op->plan->outer || h->unmatched_phase))) {
        QL_TRY(next_left(cx, h));
    }
    if (h->k >= h->left->nsel) {
        h->unmatched_phase = true;
        if (h->pieces) {
            note_matched(h);
            return load_pairs(cx, h, 0);
        }
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

/* ---- once more ---- */

static void
drop_parts(ql_ctx *cx, qli_parts *p)
{
    for (unsigned i = 0; i < QLI_PARTS; i++) {
        if (p->part[i] != NULL) {
            qli_tape_drop(cx, p->part[i]->tape);
            p->part[i] = NULL;
        }
    }
}

static ql_status
hash_restart(ql_ctx *cx, qli_op *op)
{
    hash_op *h = (hash_op *)op;
    close_pair(cx, h);
    while (h->pending != NULL) {
        h->pair = h->pending;
        h->pending = h->pair->next;
        close_pair(cx, h);
    }
    ql_arena_reset(h->pairs_mem);
    h->left = NULL;
    h->in_row = h->unmatched_phase = h->left_divided = false;
    QL_TRY(qli_op_restart(cx, op->left));
    if (h->built && h->keeps) {
        return QL_OK;
    }
    drop_parts(cx, &h->right_parts);
    ql_arena_reset(h->right_mem);
    QL_TRY(clear_table(h));
    h->built = h->divided = false;
    return qli_op_restart(cx, op->right);
}

/* ---- does the right side come out the same each time? ---- */

static ql_status
expr_keeps(ql_ctx *cx, const ql_expr *e, bool *yes)
{
    if (e == NULL || !*yes) {
        return QL_OK;
    }
    QL_TRY(ql_bulk_node(cx));
    switch (e->kind) {
    case QL_E_OUTER:
    case QL_E_ASSIGN:
    case QL_E_USERVAR:
        *yes = false;
        break;
    case QL_E_FUNC:
        *yes = (ql_func_flags(e->fn) & QL_FF_NONDET) == 0;
        break;
    case QL_E_SUBQUERY:
    case QL_E_EXISTS:
    case QL_E_IN_QUERY:
        *yes = !e->query->correlated;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < e->nargs && *yes; i++) {
        QL_TRY(expr_keeps(cx, e->args[i], yes));
    }
    return QL_OK;
}

static ql_status
exprs_keep(ql_ctx *cx, ql_expr *const *e, uint32_t n, bool *yes)
{
    for (uint32_t i = 0; i < n && *yes; i++) {
        QL_TRY(expr_keeps(cx, e[i], yes));
    }
    return QL_OK;
}

static ql_status
plan_keeps(ql_ctx *cx, const ql_query *q, const ql_plan *p, bool *yes)
{
    if (p == NULL || !*yes) {
        return QL_OK;
    }
    switch (p->kind) {
    case QL_P_SCAN:
        QL_TRY(exprs_keep(cx, p->low.values, p->low.n, yes));
        QL_TRY(exprs_keep(cx, p->high.values, p->high.n, yes));
        break;
    case QL_P_DERIVED:
        *yes = !q->sources[p->source].derived->correlated;
        break;
    case QL_P_NESTED_JOIN:
    case QL_P_FILTER:
    case QL_P_ONE_ROW:
    case QL_P_NEVER:
        break;
    case QL_P_HASH_JOIN:
        QL_TRY(exprs_keep(cx, p->left_keys, p->nkeys, yes));
        QL_TRY(exprs_keep(cx, p->right_keys, p->nkeys, yes));
        break;
    default:
        *yes = false;
        break;
    }
    QL_TRY(expr_keeps(cx, p->filter, yes));
    QL_TRY(plan_keeps(cx, q, p->left, yes));
    return plan_keeps(cx, q, p->right, yes);
}

static bool
is_int_like(ql_kind k)
{
    return k == QL_K_INT || k == QL_K_DATE || k == QL_K_TIME || k == QL_K_DATETIME;
}

static ql_status
compile_sides(ql_ctx *cx, hash_op *h)
{
    const ql_plan *p = h->op.plan;
    qli_block *b = h->op.block;
    side *l = &h->left_side, *r = &h->right_side;
    h->nkeys = p->nkeys;
    h->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, p->nkeys + 1);
    h->views = QL_ARENA_ARRAY(cx, b->mem, ql_vector, p->nkeys + 1);
    if (h->cols == NULL || h->views == NULL) {
        return QL_ERROR;
    }
    *l = (side){.op = h->op.left, .scratch = h->op.scratch};
    *r = (side){.op = h->op.right};
    QL_TRY(qli_run_arena(b->run, "hash join keys", &r->scratch));
    qli_env left = qli_block_env(b, l->scratch), right = qli_block_env(b, r->scratch);
    QL_TRY(qli_ex_list(cx, &left, p->left_keys, p->nkeys, &l->keys));
    QL_TRY(qli_ex_list(cx, &right, p->right_keys, p->nkeys, &r->keys));
    /* A right side without any row: only its NULLs are wanted. */
    QL_TRY(qli_rowfmt_init(cx, b->mem, &r->slots, b->slot_types, r->op->live, r->op->nlive));
    h->one_int = p->nkeys == 1 && is_int_like(p->left_keys[0]->type.kind) &&
                 p->left_keys[0]->type.kind == p->right_keys[0]->type.kind;
    bool bound;
    QL_TRY(qli_plan_is_bound(cx, p->right, &bound));
    h->keeps = !bound;
    QL_TRY(exprs_keep(cx, p->right_keys, p->nkeys, &h->keeps));
    return plan_keeps(cx, b->query, p->right, &h->keeps);
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
    QL_TRY(qli_op_filter_compile(cx, op));
    QL_TRY(qli_run_arena(b->run, "hash join", &h->mem));
    QL_TRY(qli_run_arena(b->run, "hash join parts", &h->right_mem));
    QL_TRY(qli_run_arena(b->run, "hash join pairs", &h->pairs_mem));
    h->budget = qli_budget_join(cx);
    QL_TRY(compile_sides(cx, h));
    op->next = hash_next;
    op->restart = hash_restart;
    *out = op;
    return QL_OK;
}
