/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash join whose right side is larger than join_buffer_size: both sides are on tapes, divided by
 * the keys' hash, and joined pair by pair. A pair that is still too large is divided again; where
 * that does not help (many rows of one key) the right part is taken in pieces, each of which the
 * whole left part probes.
 */
#include "base/bulk.h"
#include "base/hash.h"
#include "exec/hash_int.h"

#define LEVELS 6 /* of dividing */

ql_status
qli_hash_end_tapes(ql_ctx *cx, qli_parts *parts)
{
    for (unsigned i = 0; i < QLI_PARTS; i++) {
        if (parts->part[i] != NULL) {
            QL_TRY(ql_tape_end(cx, parts->part[i]->tape));
        }
    }
    parts->active = false;
    return QL_OK;
}

/* Left rows without a right part find no partner: they are wanted by outer and anti-joins only. */
static bool
left_is_wanted(const qli_hash_op *h, const qli_parts *right, uint64_t hash)
{
    return qli_hash_wants_unmatched(h) || right->part[qli_part_of(hash, right->level)] != NULL;
}

/* Pairs of parts to be joined; from: the pair that has been divided, or NULL. */
static ql_status
add_pairs(ql_ctx *cx, qli_hash_op *h, qli_parts *right, qli_parts *left, const qli_hash_pair *from)
{
    for (unsigned i = 0; i < QLI_PARTS; i++) {
        qli_part *r = right->part[i], *l = left->part[i];
        bool kept = from == NULL && h->keeps;
        if (l == NULL) { /* nobody asks for these rows */
            if (r != NULL && !kept) {
                ql_tape_drop(cx, r->tape);
            }
        } else {
            qli_hash_pair *p = QL_ARENA_NEW(cx, h->pairs_mem, qli_hash_pair);
            if (p == NULL) {
                return QL_ERROR;
            }
            *p = (qli_hash_pair){.next = h->pending, .right = r, .left = l, .kept = kept};
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

ql_status
qli_hash_divide_left(ql_ctx *cx, qli_hash_op *h)
{
    qli_hash_side *s = &h->left_side;
    qli_parts left;
    ql_batch *b, cols;
    ql_status st;
    qli_parts_begin(&left, h->op.block->run, 0);
    while ((st = qli_op_next(cx, h->op.left, &b)) == QL_OK) {
        QL_TRY(qli_hash_take_batch(cx, h, s, b, &cols));
        for (uint16_t k = 0; k < b->nsel; k++) {
            uint16_t row = ql_batch_row(b, k);
            if (k % 256 == 0) {
                QL_TRY(ql_check(cx));
            }
            if (qli_hash_wants_unmatched(h) ||
                (!h->null_key[row] && left_is_wanted(h, &h->right_parts, h->hash[row]))) {
                QL_TRY(qli_hash_put_row(cx, h, s, &cols, row, &left, h->pairs_mem));
            }
        }
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(qli_hash_end_tapes(cx, &left));
    h->left_divided = true;
    return add_pairs(cx, h, &h->right_parts, &left, NULL);
}

/* ---- pairs ---- */

static void
close_pair(ql_ctx *cx, qli_hash_op *h)
{
    qli_hash_pair *p = h->pair;
    ql_reel_stop(&h->right_reel);
    ql_reel_stop(&h->left_reel);
    if (p != NULL) {
        if (p->right != NULL && !p->kept) {
            ql_tape_drop(cx, p->right->tape);
        }
        ql_tape_drop(cx, p->left->tape);
    }
    h->pair = NULL;
    h->pieces = h->later = false;
}

/* Right rows into the table until it is full or they are all there. */
static ql_status
load_right(ql_ctx *cx, qli_hash_op *h)
{
    const qli_hash_side *s = &h->right_side;
    ql_status st = QL_OK;
    unsigned n = 0;
    QL_TRY(qli_hash_clear(h));
    while (!qli_hash_is_full(cx, h)) {
        char *row;
        if (++n % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        st = qli_row_get(cx, &h->right_reel, &s->fmt, h->mem, &row);
        if (st != QL_OK) {
            break;
        }
        QL_TRY(qli_hash_add(cx, h, qli_hash_of(s, row), row));
    }
    h->pieces = !ql_reel_at_end(&h->right_reel);
    return st == QL_END ? QL_OK : st;
}

/* The rest of a reel to parts. */
static ql_status
divide_reel(ql_ctx *cx, qli_hash_op *h, const qli_hash_side *s, ql_reel *r, qli_parts *parts,
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
        uint64_t hash = qli_hash_of(s, row);
        if (right == NULL || left_is_wanted(h, right, hash)) {
            QL_TRY(qli_parts_put(cx, parts, h->pairs_mem, hash, &s->fmt, row));
        }
    }
    ql_reel_stop(r);
    return st == QL_END ? qli_hash_end_tapes(cx, parts) : st;
}

/* The pair in work is too large: pairs of its parts instead. */
static ql_status
divide_pair(ql_ctx *cx, qli_hash_op *h)
{
    qli_hash_pair *p = h->pair;
    ql_run *run = h->op.block->run;
    qli_parts right, left;
    qli_parts_begin(&right, run, p->right->level);
    qli_parts_begin(&left, run, p->right->level);
    QL_TRY(qli_hash_put_table(cx, h, &right, h->pairs_mem));
    QL_TRY(divide_reel(cx, h, &h->right_side, &h->right_reel, &right, NULL));
    QL_TRY(ql_reel_start(cx, &h->left_reel, p->left->tape));
    QL_TRY(divide_reel(cx, h, &h->left_side, &h->left_reel, &left, &right));
    QL_TRY(add_pairs(cx, h, &right, &left, p));
    close_pair(cx, h);
    return QL_OK;
}

/* Which left rows have found a partner has to be known until the last piece. */
static ql_status
begin_pieces(ql_ctx *cx, qli_hash_op *h)
{
    if (h->op.plan->join != QL_JOIN_INNER) {
        h->bits = ql_arena_zalloc(cx, h->pairs_mem, h->pair->left->rows / 8 + 1);
        return h->bits != NULL ? QL_OK : QL_ERROR;
    }
    return QL_OK;
}

static ql_status
next_pair(ql_ctx *cx, qli_hash_op *h)
{
    while (h->pending != NULL) {
        qli_hash_pair *p = h->pair = h->pending;
        h->pending = p->next;
        QL_TRY(qli_hash_clear(h));
        if (p->right != NULL) {
            QL_TRY(ql_reel_start(cx, &h->right_reel, p->right->tape));
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
        return ql_reel_start(cx, &h->left_reel, p->left->tape);
    }
    return QL_END;
}

/* Once, when the first left rows come back. */
static ql_status
make_back(ql_ctx *cx, qli_hash_op *h)
{
    const ql_block *b = h->op.block;
    const qli_hash_side *s = &h->left_side;
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
read_left(ql_ctx *cx, qli_hash_op *h)
{
    qli_hash_side *s = &h->left_side;
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
        h->hash[k] = qli_hash_of(s, h->right_rows[k]);
    }
    h->back.n = h->back.nsel = n;
    h->left = &h->back;
    qli_hash_find_null_keys(h, h->left);
    return QL_OK;
}

/* The left side once more, for the next piece of the right one. */
static ql_status
next_piece(ql_ctx *cx, qli_hash_op *h)
{
    QL_TRY(load_right(cx, h));
    h->later = true;
    h->first_row = 0;
    return ql_reel_start(cx, &h->left_reel, h->pair->left->tape);
}

static bool
bit_of(const qli_hash_op *h, uint64_t row)
{
    return h->bits[row / 8] >> (row % 8) & 1;
}

ql_status
qli_hash_next_left(ql_ctx *cx, qli_hash_op *h)
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
    for (uint16_t i = 0; h->later && h->op.plan->join != QL_JOIN_INNER && i < h->left->n; i++) {
        h->matched[i] = bit_of(h, h->first_row + i);
    }
    return QL_OK;
}

void
qli_hash_drop_pairs(ql_ctx *cx, qli_hash_op *h)
{
    close_pair(cx, h);
    while (h->pending != NULL) {
        h->pair = h->pending;
        h->pending = h->pair->next;
        close_pair(cx, h);
    }
    ql_arena_reset(h->pairs_mem);
}
