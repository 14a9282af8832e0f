/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds (build.h). Rows are written as they come while their keys rise; those that come out of
 * order wait, sorted, for the end, as do all entries of secondary indexes. A block is a transaction
 * beside the statement's, committed when it has as much as one commit may have without holding up
 * those of others. From the third block on, what comes in order of its keys is a fill (txn/fill.h)
 * instead. Session's thread; no locks. Waits: COMMIT and DISK_SPACE in the commits and in the fill,
 * DISK_SPACE in the temporary file.
 */
#include "table/build.h"

#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "spool/bytesort.h"
#include "table/table_int.h"
#include "txn/beside.h"
#include "txn/fill.h"
#include "txn/scratch.h"
#include "vars/sysvars.h"

#define BLOCK_BYTES ((size_t)192 * 1024) /* above 256 KiB is no record of the redo log (kv.h) */
#define BLOCK_ENTRIES 2000u              /* above 4,096 goes alone (txn/commit.c) */

/* Who commits something small waits for the sync of what was written before it: not for more than
 * so many blocks. */
#define SYNC_EVERY 8u

/* A small table is there sooner through the log. */
#define LOGGED_BLOCKS 2u

/* An index that is filled. */
typedef struct target {
    const ql_index *ix;
    ql_bytesort *sort; /* keys without the id; of the clustered one: rows that came out of order */
} target;

/* Owner: whoever builds. */
struct ql_build {
    ql_table *t;
    ql_txn *reader;
    ql_txn *block; /* in work, or NULL */
    size_t bytes;
    uint32_t entries, blocks;
    ql_fill *fill;    /* or NULL */
    bool is_in_order; /* no key twice from here on, and none is read before settle */
    bool writes_rows;
    target *targets; /* the clustered index first, if it is one of them */
    uint16_t ntargets;
    const ql_index *order; /* rows wait in their sort until all are there; or NULL */
    ql_bytesort *ordered;
    ql_arena *mem; /* of the sorts and the file */
    ql_tapes *file;
    uint64_t rows;
    ql_buf locator, key, row, last; /* last: clustered key of the row written last */
    ql_buf value;
    ql_value *values;
};

/* --- life --- */

static ql_status
new_sort(ql_ctx *cx, ql_build *b, ql_bytesort **out)
{
    size_t budget =
        cx->vars != NULL ? ql_vars_u64(cx->vars, QL_SV_INNODB_SORT_BUFFER_SIZE) : 1 << 20;
    return ql_bytesort_new(cx, b->mem, b->file, budget > 65536 ? budget : 65536, out);
}

static ql_status
add_target(ql_ctx *cx, ql_build *b, const ql_index *ix)
{
    target *g = &b->targets[b->ntargets++];
    g->ix = ix;
    return new_sort(cx, b, &g->sort);
}

ql_status
ql_build_set_order(ql_ctx *cx, ql_build *b, const ql_index *order)
{
    b->order = order;
    return new_sort(cx, b, &b->ordered);
}

ql_status
ql_build_new(ql_ctx *cx, ql_arena *a, ql_table *t, ql_txn *reader, ql_build **out)
{
    ql_build *b = QL_ARENA_NEW(cx, a, ql_build);
    *out = b;
    if (b == NULL) {
        return QL_ERROR;
    }
    b->t = t;
    b->reader = reader;
    b->mem = ql_arena_new("build", ql_arena_quota(a));
    if (b->mem == NULL) {
        return ql_fail_oom(cx, sizeof *b);
    }
    b->targets = QL_ARENA_ARRAY(cx, a, target, t->nindexes);
    b->values = QL_ARENA_ARRAY(cx, a, ql_value, t->ncolumns);
    if (b->targets == NULL || b->values == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_tapes_new(cx, b->mem, &b->file));
    b->is_in_order = true;
    b->writes_rows = t->indexes[0].born == QL_INDEX_NOT_BORN;
    for (uint16_t i = 0; i < t->nindexes; i++) {
        if (t->indexes[i].born == QL_INDEX_NOT_BORN) {
            QL_TRY(add_target(cx, b, &t->indexes[i]));
        }
    }
    return QL_OK;
}

static void
forget_block(ql_ctx *cx, ql_build *b)
{
    if (b->block != NULL) {
        ql_txn *saved = cx->txn;
        cx->txn = b->block;
        ql_txn_rollback(cx);
        cx->txn = saved;
        b->block = NULL;
    }
}

void
ql_build_free(ql_ctx *cx, ql_build *b)
{
    if (b == NULL) {
        return;
    }
    forget_block(cx, b);
    ql_fill_drop(b->fill);
    b->fill = NULL;
    for (uint16_t i = 0; i < b->ntargets; i++) {
        ql_bytesort_free(cx, b->targets[i].sort);
    }
    b->ntargets = 0;
    ql_bytesort_free(cx, b->ordered);
    b->ordered = NULL;
    ql_tapes_free(cx, b->file);
    b->file = NULL;
    ql_arena_free(b->mem);
    b->mem = NULL;
    ql_buf_free(&b->locator);
    ql_buf_free(&b->value);
    ql_buf_free(&b->key);
    ql_buf_free(&b->row);
    ql_buf_free(&b->last);
}

bool
ql_build_writes_rows(const ql_build *b)
{
    return b->writes_rows;
}

uint64_t
ql_build_rows(const ql_build *b)
{
    return b->rows;
}

void
ql_build_set_reader(ql_build *b, ql_txn *reader)
{
    b->reader = reader;
}

/* --- blocks --- */

/* cx->txn becomes the block's; *saved is what it was. */
static ql_status
enter_block(ql_ctx *cx, ql_build *b, ql_txn **saved)
{
    *saved = cx->txn;
    if (b->block == NULL) {
        QL_TRY(ql_beside_begin(cx, true));
        if (++b->blocks % SYNC_EVERY != 0) {
            ql_beside_set_lazy(cx); /* the switch is durable, and comes behind it */
        }
        b->block = cx->txn;
    }
    cx->txn = b->block;
    return QL_OK;
}

static ql_status
commit_block(ql_ctx *cx, ql_build *b)
{
    ql_txn *saved = cx->txn;
    cx->txn = b->block;
    b->block = NULL;
    ql_status st = ql_txn_commit(cx);
    cx->txn = saved;
    return st;
}

ql_status
ql_build_flush(ql_ctx *cx, ql_build *b)
{
    if (b->entries == 0) {
        forget_block(cx, b); /* something was read in it */
        return QL_OK;
    }
    QL_TRY(QL_SYNC(cx, BUILD_BLOCK));
    if (cx->proc != NULL) {
        ql_proc_add_work(cx->proc, b->entries);
    }
    b->bytes = b->entries = 0;
    return b->block != NULL ? commit_block(cx, b) : ql_fill_send(cx, b->fill);
}

/* All that was written is there for whoever reads from now on. */
static ql_status
settle(ql_ctx *cx, ql_build *b)
{
    QL_TRY(ql_build_flush(cx, b));
    return b->fill != NULL ? ql_fill_settle(cx, b->fill) : QL_OK;
}

static ql_status
count_entry(ql_ctx *cx, ql_build *b, size_t bytes)
{
    b->bytes += bytes;
    b->entries++;
    return b->bytes < BLOCK_BYTES && b->entries < BLOCK_ENTRIES ? QL_OK : ql_build_flush(cx, b);
}

/* Shall the next entry be one of the fill? */
static ql_status
choose_way(ql_ctx *cx, ql_build *b, ql_str key, bool *fills)
{
    *fills =
        b->is_in_order && b->block == NULL && b->blocks >= LOGGED_BLOCKS && !ql_scratch_has(key);
    return *fills && b->fill == NULL ? ql_fill_new(cx, &b->fill) : QL_OK;
}

static ql_status
put(ql_ctx *cx, ql_build *b, ql_str key, ql_str value)
{
    ql_txn *saved;
    bool fills;
    QL_TRY(choose_way(cx, b, key, &fills));
    if (QL_LIKELY(fills)) {
        QL_TRY(ql_fill_put(cx, b->fill, key, value));
        return count_entry(cx, b, key.n + value.n);
    }
    QL_TRY(enter_block(cx, b, &saved));
    ql_status st = ql_txn_put(cx, key, value);
    cx->txn = saved;
    QL_TRY(st);
    return count_entry(cx, b, key.n + value.n);
}

static ql_status
del(ql_ctx *cx, ql_build *b, ql_str key)
{
    ql_txn *saved;
    QL_TRY(enter_block(cx, b, &saved));
    ql_status st = ql_txn_del(cx, key);
    cx->txn = saved;
    QL_TRY(st);
    return count_entry(cx, b, key.n);
}

/* What is there of what was written so far; QL_END: nothing. */
static ql_status
get(ql_ctx *cx, ql_build *b, ql_str key, ql_str *value)
{
    ql_txn *saved;
    QL_TRY(enter_block(cx, b, &saved));
    ql_status st = ql_txn_get(cx, QL_VIEW_CURRENT, key, value);
    cx->txn = saved;
    return st;
}

/* --- duplicates --- */

static ql_status
duplicate(ql_ctx *cx, ql_build *b, const ql_index *ix, const ql_value *row)
{
    ql_dup dup = {.index = ix};
    QL_TRY(qli_describe_key(cx, b->t->types, ix, row, &dup.key_text));
    return ql_table_dup_error(cx, b->t, &dup);
}

/* The row with this clustered key (without id), as it was when it was read. */
static ql_status
find_row(ql_ctx *cx, ql_build *b, ql_str locator, ql_str *bytes)
{
    QL_TRY(qli_key_start(cx, &b->locator, b->t->indexes[0].id));
    QL_TRY(ql_buf_put(cx, &b->locator, locator.p, locator.n));
    if (b->writes_rows) {
        QL_TRY(b->fill != NULL ? settle(cx, b) : QL_OK);
        return get(cx, b, qli_str(&b->locator), bytes);
    }
    ql_txn *saved = cx->txn;
    cx->txn = b->reader != NULL ? b->reader : cx->txn;
    ql_status st = ql_txn_get(cx, QL_VIEW_STATEMENT, qli_str(&b->locator), bytes);
    cx->txn = saved;
    return st;
}

/* Two entries of a unique index are the same; one has this value (of the clustered one: key). */
static ql_status
duplicate_entry(ql_ctx *cx, ql_build *b, const ql_index *ix, ql_str value)
{
    ql_str bytes;
    ql_status st = find_row(cx, b, ql_entry_locator(ix, value), &bytes);
    if (st == QL_END) {
        return ql_fail_text(cx, QL_ER_INDEX_CORRUPT, "Index %s is corrupted", ix->name.p);
    }
    QL_TRY(st);
    QL_TRY(ql_row_decode_as(cx, &b->t->layout, bytes, b->values));
    return duplicate(cx, b, ix, b->values);
}

/* --- rows and entries --- */

/* The row's clustered key into b->locator. */
static ql_status
make_locator(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str given)
{
    const ql_index *ix = &b->t->indexes[0];
    uint64_t id;
    if (given.n > 0) {
        QL_TRY(qli_key_start(cx, &b->locator, ix->id));
        return ql_buf_put(cx, &b->locator, given.p + QLI_ID_BYTES, given.n - QLI_ID_BYTES);
    }
    if (!ix->hidden_rowid) {
        return qli_clustered_key(cx, &b->locator, b->t, row);
    }
    QL_TRY(ql_rowid_next(cx, b->t, &id));
    return qli_hidden_key(cx, &b->locator, ix, id);
}

static ql_str
behind_id(const ql_buf *key)
{
    return (ql_str){key->p + QLI_ID_BYTES, key->n - QLI_ID_BYTES};
}

/* The row, written if its key is above those so far, else kept for the end. */
static ql_status
take_row(ql_ctx *cx, ql_build *b, const ql_value *row)
{
    ql_buf_clear(&b->row);
    QL_TRY(ql_row_encode_as(cx, &b->t->layout, row, &b->row));
    int order = b->last.n == 0 ? 1 : ql_str_cmp(qli_str(&b->locator), qli_str(&b->last));
    if (order == 0) {
        return duplicate(cx, b, &b->t->indexes[0], row);
    }
    if (order < 0) {
        return ql_bytesort_add(cx, b->targets[0].sort, behind_id(&b->locator), qli_str(&b->row));
    }
    ql_buf_clear(&b->last);
    QL_TRY(ql_buf_put(cx, &b->last, b->locator.p, b->locator.n));
    return put(cx, b, qli_str(&b->locator), qli_str(&b->row));
}

/* Into the order, the place it came in last. */
static ql_status
keep_row(ql_ctx *cx, ql_build *b, const ql_value *row)
{
    bool unique;
    QL_TRY(qli_hidden_key(cx, &b->locator, b->order, ql_bytesort_count(b->ordered)));
    QL_TRY(qli_secondary_key(cx, &b->key, b->t, b->order, row, qli_str(&b->locator), &unique));
    ql_buf_clear(&b->row);
    QL_TRY(ql_row_encode_as(cx, &b->t->layout, row, &b->row));
    return ql_bytesort_add(cx, b->ordered, behind_id(&b->key), qli_str(&b->row));
}

ql_status
ql_build_row(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str locator)
{
    QL_TRY(ql_check(cx));
    if (b->order != NULL) {
        return keep_row(cx, b, row);
    }
    QL_TRY(make_locator(cx, b, row, locator));
    if (b->writes_rows) {
        QL_TRY(take_row(cx, b, row));
    }
    for (uint16_t i = b->writes_rows; i < b->ntargets; i++) {
        const ql_index *ix = b->targets[i].ix;
        ql_str value;
        bool unique;
        QL_TRY(qli_secondary_key(cx, &b->key, b->t, ix, row, qli_str(&b->locator), &unique));
        if (b->key.n > QLI_KEY_MAX) {
            return ql_fail(cx, QL_ER_TOO_LONG_KEY, (int)QLI_KEY_MAX);
        }
        QL_TRY(qli_entry_value(cx, &b->value, b->t, ix, row, qli_str(&b->locator), &value));
        QL_TRY(ql_bytesort_add(cx, b->targets[i].sort, behind_id(&b->key), value));
    }
    b->rows++;
    return QL_OK;
}

/* Rows that came out of order, among those that are written. */
static ql_status
write_late_rows(ql_ctx *cx, ql_build *b, const target *g)
{
    ql_str key, value, there;
    ql_status st;
    if (ql_bytesort_count(g->sort) == 0) {
        return QL_OK;
    }
    QL_TRY(settle(cx, b));
    b->is_in_order = false; /* they are read, too */
    QL_TRY(ql_bytesort_begin(cx, g->sort));
    while ((st = ql_bytesort_next(cx, g->sort, &key, &value)) == QL_OK) {
        QL_TRY(ql_check(cx));
        QL_TRY(qli_key_start(cx, &b->key, g->ix->id));
        QL_TRY(ql_buf_put(cx, &b->key, key.p, key.n));
        ql_status found = get(cx, b, qli_str(&b->key), &there);
        if (found == QL_OK) {
            return duplicate_entry(cx, b, g->ix, behind_id(&b->key));
        }
        if (found != QL_END) {
            return found;
        }
        QL_TRY(put(cx, b, qli_str(&b->key), value));
    }
    b->is_in_order = true;
    QL_TRY(st == QL_END ? QL_OK : st);
    return ql_build_flush(cx, b);
}

/* Entries of a unique index without NULL have nothing behind their columns, so equal neighbours are
 * duplicates; others never are equal. */
static ql_status
write_entries(ql_ctx *cx, ql_build *b, const target *g)
{
    ql_str key, value;
    ql_status st;
    ql_buf_clear(&b->last);
    QL_TRY(ql_bytesort_begin(cx, g->sort));
    while ((st = ql_bytesort_next(cx, g->sort, &key, &value)) == QL_OK) {
        QL_TRY(ql_check(cx));
        if (b->last.n > 0 && ql_str_eq(key, behind_id(&b->last))) {
            return duplicate_entry(cx, b, g->ix, value);
        }
        QL_TRY(qli_key_start(cx, &b->last, g->ix->id));
        QL_TRY(ql_buf_put(cx, &b->last, key.p, key.n));
        QL_TRY(put(cx, b, qli_str(&b->last), value));
    }
    return st == QL_END ? QL_OK : st;
}

static ql_status
take_ordered_rows(ql_ctx *cx, ql_build *b)
{
    ql_str key, value;
    ql_status st;
    b->order = NULL;
    QL_TRY(ql_bytesort_begin(cx, b->ordered));
    while ((st = ql_bytesort_next(cx, b->ordered, &key, &value)) == QL_OK) {
        QL_TRY(ql_row_decode_as(cx, &b->t->layout, value, b->values));
        QL_TRY(ql_build_row(cx, b, b->values, (ql_str){0}));
    }
    ql_bytesort_free(cx, b->ordered);
    b->ordered = NULL;
    return st == QL_END ? QL_OK : st;
}

ql_status
ql_build_finish(ql_ctx *cx, ql_build *b)
{
    QL_TRY(b->order != NULL ? take_ordered_rows(cx, b) : QL_OK);
    for (uint16_t i = 0; i < b->ntargets; i++) {
        target *g = &b->targets[i];
        QL_TRY(i == 0 && b->writes_rows ? write_late_rows(cx, b, g) : write_entries(cx, b, g));
        ql_bytesort_free(cx, g->sort);
    }
    b->is_in_order = false;
    return settle(cx, b);
}

/* --- changes --- */

ql_status
ql_build_remove(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str locator)
{
    QL_TRY(ql_check(cx));
    QL_TRY(make_locator(cx, b, row, locator));
    for (uint16_t i = b->writes_rows; i < b->ntargets; i++) {
        bool unique;
        QL_TRY(qli_secondary_key(cx, &b->key, b->t, b->targets[i].ix, row, qli_str(&b->locator),
                                 &unique));
        QL_TRY(del(cx, b, qli_str(&b->key)));
    }
    b->rows--;
    return b->writes_rows ? del(cx, b, qli_str(&b->locator)) : QL_OK;
}

/* The entry of b->key. */
static ql_status
put_entry(ql_ctx *cx, ql_build *b, const ql_index *ix, const ql_value *row)
{
    ql_str value;
    QL_TRY(qli_entry_value(cx, &b->value, b->t, ix, row, qli_str(&b->locator), &value));
    return put(cx, b, qli_str(&b->key), value);
}

static ql_status
add_entry(ql_ctx *cx, ql_build *b, const ql_index *ix, const ql_value *row)
{
    ql_str there;
    bool unique;
    QL_TRY(qli_secondary_key(cx, &b->key, b->t, ix, row, qli_str(&b->locator), &unique));
    if (unique) {
        ql_status st = get(cx, b, qli_str(&b->key), &there);
        if (st == QL_OK) {
            return duplicate(cx, b, ix, row);
        }
        if (st != QL_END) {
            return st;
        }
    }
    return put_entry(cx, b, ix, row);
}

ql_status
ql_build_add(ql_ctx *cx, ql_build *b, const ql_value *row, ql_str locator)
{
    QL_TRY(ql_check(cx));
    QL_TRY(make_locator(cx, b, row, locator));
    if (b->writes_rows) {
        ql_str there;
        ql_status st = get(cx, b, qli_str(&b->locator), &there);
        if (st != QL_END) {
            return st == QL_OK ? duplicate(cx, b, &b->t->indexes[0], row) : st;
        }
        ql_buf_clear(&b->row);
        QL_TRY(ql_row_encode_as(cx, &b->t->layout, row, &b->row));
        QL_TRY(put(cx, b, qli_str(&b->locator), qli_str(&b->row)));
    }
    for (uint16_t i = b->writes_rows; i < b->ntargets; i++) {
        QL_TRY(add_entry(cx, b, b->targets[i].ix, row));
    }
    b->rows++;
    return QL_OK;
}

/* --- one by one --- */

/* Has a row so far this unique key (b->key, or of the clustered index b->locator)? */
static ql_status
meets(ql_ctx *cx, ql_build *b, const target *g, const ql_value *row, bool *yes, ql_dup *dup)
{
    bool clustered = g->ix == &b->t->indexes[0], unique = clustered;
    ql_str there;
    *yes = false;
    if (!clustered) {
        QL_TRY(qli_secondary_key(cx, &b->key, b->t, g->ix, row, qli_str(&b->locator), &unique));
        if (b->key.n > QLI_KEY_MAX) {
            return ql_fail(cx, QL_ER_TOO_LONG_KEY, (int)QLI_KEY_MAX);
        }
    }
    if (!unique) {
        return QL_OK;
    }
    ql_status st = get(cx, b, qli_str(clustered ? &b->locator : &b->key), &there);
    if (st != QL_OK) {
        return st == QL_END ? QL_OK : st;
    }
    *yes = true;
    dup->index = g->ix;
    QL_TRY(qli_key_start(cx, &b->last, b->t->indexes[0].id));
    there = clustered ? behind_id(&b->locator) : ql_entry_locator(g->ix, there);
    QL_TRY(ql_buf_put(cx, &b->last, there.p, there.n));
    dup->locator.p = ql_arena_strndup(cx, cx->arena, b->last.p, b->last.n);
    dup->locator.n = b->last.n;
    return dup->locator.p ? qli_describe_key(cx, b->t->types, g->ix, row, &dup->key_text)
                          : QL_ERROR;
}

ql_status
ql_build_try_row(ql_ctx *cx, ql_build *b, const ql_value *row, ql_write_result *result, ql_dup *dup)
{
    b->is_in_order = false;
    QL_TRY(ql_check(cx));
    QL_TRY(make_locator(cx, b, row, (ql_str){0}));
    for (uint16_t i = 0; i < b->ntargets; i++) {
        bool yes;
        QL_TRY(meets(cx, b, &b->targets[i], row, &yes, dup));
        if (yes) {
            *result = QL_DUPLICATE;
            return QL_OK;
        }
    }
    *result = QL_WROTE;
    b->rows++;
    ql_buf_clear(&b->row);
    QL_TRY(ql_row_encode_as(cx, &b->t->layout, row, &b->row));
    QL_TRY(put(cx, b, qli_str(&b->locator), qli_str(&b->row)));
    for (uint16_t i = 1; i < b->ntargets; i++) {
        bool unique;
        QL_TRY(qli_secondary_key(cx, &b->key, b->t, b->targets[i].ix, row, qli_str(&b->locator),
                                 &unique));
        QL_TRY(put_entry(cx, b, b->targets[i].ix, row));
    }
    return QL_OK;
}

ql_status
ql_build_drop_row(ql_ctx *cx, ql_build *b, ql_str locator)
{
    ql_str bytes;
    QL_TRY(find_row(cx, b, (ql_str){locator.p + QLI_ID_BYTES, locator.n - QLI_ID_BYTES}, &bytes));
    ql_buf_clear(&b->row); /* bytes may end with the block */
    QL_TRY(ql_buf_put(cx, &b->row, bytes.p, bytes.n));
    QL_TRY(ql_row_decode_as(cx, &b->t->layout, qli_str(&b->row), b->values));
    return ql_build_remove(cx, b, b->values, locator);
}
