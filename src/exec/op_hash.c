/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash join: the right side is read into a table by its keys, the left side probes it. NULL keys
 * never match.
 *
 * Semi- and anti-joins give the left side's own batches, with those rows selected that have a
 * partner, or none.
 *
 * A right side that outgrows join_buffer_size is divided into 32 parts by the keys' hash, and so is
 * the left side; then each pair of parts is joined by itself, divided again when it is still too
 * large. Where dividing does not help (many rows of one key) the right part is taken in pieces,
 * each of which the whole left part probes. A right side that does not depend on what surrounds it
 * is kept, table or parts, when the join is run again.
 */
#include "exec/hash_int.h"

/* ---- rows and keys ---- */

ql_status
qli_hash_eval_keys(ql_ctx *cx, qli_hash_op *h, const qli_hash_side *s, const ql_batch *b)
{
    const ql_plan *p = h->op.plan;
    for (uint16_t i = 0; i < h->nkeys; i++) {
        ql_vector *v;
        QL_TRY(ql_ex_eval(cx, s->keys[i], b, b->sel, b->nsel, &v));
        h->views[i] = *v;
        if (p->key_colls != NULL && p->key_colls[i] != NULL) {
            h->views[i].type.coll = p->key_colls[i];
        }
        h->cols[i] = &h->views[i];
        QL_TRY(ql_hash_column(cx, &h->views[i], b->sel, b->nsel, i == 0, h->hash));
    }
    return QL_OK;
}

void
qli_hash_find_null_keys(qli_hash_op *h, const ql_batch *b)
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
make_format(ql_ctx *cx, qli_hash_op *h, qli_hash_side *s)
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
set_columns(ql_ctx *cx, qli_hash_op *h, qli_hash_side *s, const ql_batch *b, ql_batch *out)
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

ql_status
qli_hash_take_batch(ql_ctx *cx, qli_hash_op *h, qli_hash_side *s, ql_batch *b, ql_batch *out)
{
    ql_arena_reset(s->scratch);
    QL_TRY(qli_hash_eval_keys(cx, h, s, b));
    qli_hash_find_null_keys(h, b);
    return set_columns(cx, h, s, b, out);
}

/* ---- the table ---- */

static ql_status
grow(ql_ctx *cx, qli_hash_op *h)
{
    size_t n = h->nbuckets ? h->nbuckets * 4 : 256;
    qli_hash_entry **buckets = ql_arena_alloc(cx, h->mem, n * sizeof *buckets);
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
        for (qli_hash_entry *e = h->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (n - 1)];
            buckets[e->hash & (n - 1)] = e;
        }
    }
    h->buckets = buckets;
    h->nbuckets = n;
    return QL_OK;
}

ql_status
qli_hash_add(ql_ctx *cx, qli_hash_op *h, uint64_t hash, char *row)
{
    if (h->count >= h->nbuckets) {
        QL_TRY(grow(cx, h));
    }
    qli_hash_entry *e = ql_arena_alloc(cx, h->mem, sizeof *e);
    if (e == NULL) {
        return QL_ERROR;
    }
    qli_hash_entry **bucket = &h->buckets[hash & (h->nbuckets - 1)];
    *e = (qli_hash_entry){.next = *bucket, .hash = hash, .row = row};
    *bucket = e;
    h->count++;
    return QL_OK;
}

bool
qli_hash_is_full(const ql_ctx *cx, const qli_hash_op *h)
{
    return h->count > 0 && qli_budget_is_out(cx, ql_arena_used(h->mem), h->budget);
}

ql_status
qli_hash_clear(qli_hash_op *h)
{
    QL_TRY(ql_run_arena_empty(h->op.block->run, "hash join", &h->mem, h->budget / 4));
    h->buckets = NULL;
    h->nbuckets = h->count = 0;
    return QL_OK;
}

/* Its rows to the parts. */
ql_status
qli_hash_put_table(ql_ctx *cx, qli_hash_op *h, qli_parts *parts, ql_arena *mem)
{
    for (size_t i = 0; i < h->nbuckets; i++) {
        if (i % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        for (qli_hash_entry *e = h->buckets[i]; e != NULL; e = e->next) {
            QL_TRY(qli_parts_put(cx, parts, mem, e->hash, &h->right_side.fmt, e->row));
        }
    }
    return qli_hash_clear(h);
}

/* ---- reading the sides ---- */

ql_status
qli_hash_put_row(ql_ctx *cx, qli_hash_op *h, const qli_hash_side *s, const ql_batch *cols,
                 uint16_t row, qli_parts *parts, ql_arena *mem)
{
    char *saved;
    ql_arena_mark mark = ql_arena_save(s->scratch);
    QL_TRY(qli_row_save(cx, s->scratch, &s->fmt, cols, row, &saved));
    QL_TRY(qli_parts_put(cx, parts, mem, h->hash[row], &s->fmt, saved));
    ql_arena_restore(s->scratch, mark);
    return QL_OK;
}

static ql_status entry_matches(ql_ctx *cx, const qli_hash_op *h, const qli_hash_entry *e,
                               uint16_t row, bool *yes);

/* Whether there is a partner is decided by the keys alone: one row of each key is enough. */
static ql_status
is_there(ql_ctx *cx, const qli_hash_op *h, uint16_t row, bool *yes)
{
    unsigned steps = 0;
    *yes = false;
    if (!qli_hash_is_filtering(h) || h->op.filter != NULL || h->nbuckets == 0) {
        return QL_OK;
    }
    qli_hash_entry *e = h->buckets[h->hash[row] & (h->nbuckets - 1)];
    for (; e != NULL && !*yes; e = e->next) {
        if (++steps % 1024 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(entry_matches(cx, h, e, row, yes));
    }
    return QL_OK;
}

/* A row of the right side: into the table, or, when that is full, to its part. */
static ql_status
take_right(ql_ctx *cx, qli_hash_op *h, const ql_batch *cols, uint16_t row)
{
    char *saved;
    if (!h->divided && qli_hash_is_full(cx, h)) {
        h->divided = true;
        qli_parts_begin(&h->right_parts, h->op.block->run, 0);
        QL_TRY(qli_hash_put_table(cx, h, &h->right_parts, h->right_mem));
    }
    if (h->divided) {
        return qli_hash_put_row(cx, h, &h->right_side, cols, row, &h->right_parts, h->right_mem);
    }
    bool known;
    QL_TRY(is_there(cx, h, row, &known));
    if (known) {
        return QL_OK;
    }
    QL_TRY(qli_row_save(cx, h->mem, &h->right_side.fmt, cols, row, &saved));
    return qli_hash_add(cx, h, h->hash[row], saved);
}

static ql_status
build(ql_ctx *cx, qli_hash_op *h)
{
    qli_hash_side *s = &h->right_side;
    ql_batch *b, cols;
    ql_status st;
    while ((st = qli_op_next(cx, h->op.right, &b)) == QL_OK) {
        QL_TRY(qli_hash_take_batch(cx, h, s, b, &cols));
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
        QL_TRY(qli_hash_end_tapes(cx, &h->right_parts));
    }
    h->built = true;
    return QL_OK;
}

/* ---- probing ---- */

static ql_status
next_left(ql_ctx *cx, qli_hash_op *h)
{
    memset(h->matched, 0, sizeof h->matched);
    if (h->divided) {
        QL_TRY(qli_hash_next_left(cx, h));
    } else {
        QL_TRY(qli_op_next(cx, h->op.left, &h->left));
        ql_arena_reset(h->op.scratch);
        QL_TRY(qli_hash_eval_keys(cx, h, &h->left_side, h->left));
        qli_hash_find_null_keys(h, h->left);
    }
    h->k = 0;
    h->in_row = false;
    h->unmatched_phase = false;
    h->unmatched_at = 0;
    return QL_OK;
}

/* Rows whose keys are NULL are not in the table. */
static ql_status
entry_matches(ql_ctx *cx, const qli_hash_op *h, const qli_hash_entry *e, uint16_t row, bool *yes)
{
    const qli_hash_side *s = &h->right_side;
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
        qli_cell_value(&s->fmt, (uint16_t)(s->slots.n + i), &s->key_types[i], e->row, &v);
        QL_TRY(ql_row_equals(cx, h->cols[i], row, &v, yes));
    }
    return QL_OK;
}

/* Pairs of the current left batch, up to a full batch of them. */
static ql_status
find_pairs(ql_ctx *cx, qli_hash_op *h, uint16_t *pairs)
{
    unsigned steps = 0;
    *pairs = 0;
    while (h->k < h->left->nsel && *pairs < QL_BATCH_ROWS) {
        uint16_t row = ql_batch_row(h->left, h->k);
        bool first_only = qli_hash_is_filtering(h);
        if (!h->in_row || (first_only && h->matched[row])) {
            h->chain = h->null_key[row] || h->nbuckets == 0 || (first_only && h->matched[row])
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
            if (yes && first_only && h->op.filter == NULL) {
                h->matched[row] = 1;
                h->chain = NULL;
                break;
            }
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
load_pairs(ql_ctx *cx, qli_hash_op *h, uint16_t n)
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
load_unmatched(ql_ctx *cx, qli_hash_op *h)
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

/* The left rows that have found a partner, or those that have none. */
static void
give_filtered(qli_hash_op *h, ql_batch **out)
{
    const qli_op *left = h->op.left;
    bool semi = h->op.plan->join == QL_JOIN_SEMI;
    uint16_t n = 0;
    for (uint16_t k = 0; k < h->left->nsel; k++) {
        uint16_t row = ql_batch_row(h->left, k);
        if (h->matched[row] == semi) {
            h->left_rows[n++] = row;
        }
    }
    for (uint16_t i = 0; i < left->nlive; i++) {
        h->filtered.cols[left->live[i]] = h->left->cols[left->live[i]];
    }
    h->filtered.n = h->left->n;
    h->filtered.sel = h->left_rows;
    h->filtered.nsel = n;
    *out = &h->filtered;
}

/* All partners in this piece have been found: later pieces want to know who had any. */
static void
note_matched(qli_hash_op *h)
{
    for (uint16_t i = 0; i < h->left->n; i++) {
        uint64_t row = h->first_row + i;
        h->bits[row / 8] |= (uint8_t)(h->matched[i] << (row % 8));
    }
}

/* The right side is there, and the left one divided when that is. QL_END: no row can come. */
static ql_status
prepare(ql_ctx *cx, qli_hash_op *h)
{
    if (!h->built) {
        QL_TRY(build(cx, h));
    }
    if (h->divided && !h->left_divided) {
        QL_TRY(qli_hash_divide_left(cx, h));
    }
    return !h->divided && h->count == 0 && !qli_hash_wants_unmatched(h) ? QL_END : QL_OK;
}

static ql_status
hash_next(ql_ctx *cx, qli_op *op, ql_batch **out)
{
    qli_hash_op *h = (qli_hash_op *)op;
    uint16_t pairs;
    QL_TRY(prepare(cx, h));
    *out = &op->batch;
    if (h->left == NULL ||
        (h->k >= h->left->nsel && (op->plan->join == QL_JOIN_INNER || h->unmatched_phase))) {
        QL_TRY(next_left(cx, h));
    }
    if (h->k >= h->left->nsel) {
        h->unmatched_phase = true;
        if (h->pieces) {
            note_matched(h);
            return load_pairs(cx, h, 0);
        }
        if (qli_hash_is_filtering(h)) {
            give_filtered(h, out);
            return QL_OK;
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
    if (qli_hash_is_filtering(h)) {
        op->batch.nsel = 0; /* given when all partners of the left batch have been looked at */
    }
    return QL_OK;
}

/* ---- once more ---- */

static void
drop_parts(ql_ctx *cx, qli_parts *p)
{
    for (unsigned i = 0; i < QLI_PARTS; i++) {
        if (p->part[i] != NULL) {
            ql_tape_drop(cx, p->part[i]->tape);
            p->part[i] = NULL;
        }
    }
}

static ql_status
hash_restart(ql_ctx *cx, qli_op *op)
{
    qli_hash_op *h = (qli_hash_op *)op;
    qli_hash_drop_pairs(cx, h);
    h->left = NULL;
    h->in_row = h->unmatched_phase = h->left_divided = false;
    QL_TRY(qli_op_restart(cx, op->left));
    if (h->built && h->keeps) {
        return QL_OK;
    }
    drop_parts(cx, &h->right_parts);
    ql_arena_reset(h->right_mem);
    QL_TRY(qli_hash_clear(h));
    h->built = h->divided = false;
    return qli_op_restart(cx, op->right);
}

static bool
is_int_like(ql_kind k)
{
    return ql_kind_slot(k) == QL_SLOT_I64 && k != QL_K_NULL;
}

static ql_status
compile_sides(ql_ctx *cx, qli_hash_op *h)
{
    const ql_plan *p = h->op.plan;
    ql_block *b = h->op.block;
    qli_hash_side *l = &h->left_side, *r = &h->right_side;
    h->nkeys = p->nkeys;
    h->cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector *, p->nkeys + 1);
    h->views = QL_ARENA_ARRAY(cx, b->mem, ql_vector, p->nkeys + 1);
    if (h->cols == NULL || h->views == NULL) {
        return QL_ERROR;
    }
    *l = (qli_hash_side){.op = h->op.left, .scratch = h->op.scratch};
    *r = (qli_hash_side){.op = h->op.right};
    QL_TRY(ql_run_arena(b->run, "hash join keys", &r->scratch));
    ql_env left = ql_block_env(b, l->scratch), right = ql_block_env(b, r->scratch);
    QL_TRY(ql_ex_list(cx, &left, p->left_keys, p->nkeys, &l->keys));
    QL_TRY(ql_ex_list(cx, &right, p->right_keys, p->nkeys, &r->keys));
    /* A right side without any row: only its NULLs are wanted. */
    QL_TRY(qli_rowfmt_init(cx, b->mem, &r->slots, b->slot_types, r->op->live, r->op->nlive));
    h->one_int = p->nkeys == 1 && is_int_like(p->left_keys[0]->type.kind) &&
                 p->left_keys[0]->type.kind == p->right_keys[0]->type.kind;
    bool bound;
    QL_TRY(qli_plan_is_bound(cx, p->right, &bound));
    h->keeps = !bound;
    QL_TRY(qli_exprs_keep(cx, p->right_keys, p->nkeys, &h->keeps));
    return qli_plan_keeps(cx, b->query, p->right, &h->keeps);
}

ql_status
qli_hashjoin_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out)
{
    qli_op *op;
    QL_TRY(qli_op_alloc(cx, b, p, sizeof(qli_hash_op), true, &op));
    qli_hash_op *h = (qli_hash_op *)op;
    QL_TRY(qli_op_build(cx, b, p->left, &op->left));
    QL_TRY(qli_op_build(cx, b, p->right, &op->right));
    QL_TRY(qli_op_live_add(cx, op, op->left->live, op->left->nlive));
    QL_TRY(qli_op_live_add(cx, op, op->right->live, op->right->nlive));
    QL_TRY(qli_op_own_slots(cx, op, op->live, op->nlive));
    if (qli_hash_is_filtering(h)) { /* the right side's slots are for the filter only */
        op->nlive = op->left->nlive;
        h->filtered.ncols = b->nslots;
        h->filtered.cols = QL_ARENA_ARRAY(cx, b->mem, ql_vector, b->nslots + 1);
        if (h->filtered.cols == NULL) {
            return QL_ERROR;
        }
    }
    QL_TRY(qli_op_filter_compile(cx, op));
    QL_TRY(ql_run_arena(b->run, "hash join", &h->mem));
    QL_TRY(ql_run_arena(b->run, "hash join parts", &h->right_mem));
    QL_TRY(ql_run_arena(b->run, "hash join pairs", &h->pairs_mem));
    h->budget = qli_budget_join(cx);
    QL_TRY(compile_sides(cx, h));
    op->next = hash_next;
    op->restart = hash_restart;
    *out = op;
    return QL_OK;
}
