/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans: key ranges of an index, read in the view asked for, decoded column by column into batches.
 * One scan belongs to one statement of one session. A batch begins small and grows, so that LIMIT 1
 * does not read 1,024 rows. One checkpoint a batch.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/virtual.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "table/scan_int.h"
#include "vars/sysvars.h"

#define FIRST_BATCH 16
static ql_status
bind_range(ql_ctx *cx, ql_scan *s, const ql_bound *low, const ql_bound *high)
{
    qli_range_kind kind;
    QL_TRY(qli_range_encode(cx, s->spec.table, s->index, low, high, &s->low, &s->high, &kind));
    QL_TRY(s->spec.jump.parts > 0 ? qli_scan_jump_bind(cx, s) : QL_OK);
    s->mode = kind == QLI_RANGE_POINT     ? SCAN_POINT
              : kind == QLI_RANGE_NOTHING ? SCAN_NOTHING
                                          : SCAN_RANGE;
    return QL_OK;
}

static void
restart(ql_scan *s)
{
    s->started = false;
    s->ended = false;
    s->virtual_at = 0;
    s->lost = false;
    ql_buf_clear(&s->group);
    qli_gather_clear(&s->gather);
}

static void
close_deferred(void *arg)
{
    ql_scan_close(arg);
}

/* The part of x that gives back a column of the table, or -1. */
static int16_t
part_of(const ql_table *t, const ql_index *ix, const ql_index *of, uint16_t column)
{
    for (uint16_t p = 0; p < of->nparts; p++) {
        if (of->parts[p].column == column && qli_part_is_given(t, ix, &of->parts[p])) {
            return (int16_t)p;
        }
    }
    return -1;
}

/* Texts: all that may be NULL are walked over, for these have no bytes. */
static void
plan_texts(ql_scan *s)
{
    const ql_table *t = s->spec.table;
    s->ntexts = qli_entry_text_parts(t, s->index, s->texts);
    for (uint16_t i = 0; i < s->ntexts; i++) {
        uint16_t k = s->texts[i];
        const ql_type *type = &t->types[ql_index_part_at(t, s->index, k)->column];
        s->parts[k] = ql_value_str((ql_str){0}, type->coll);
        s->nwalked = type->nullable && k >= s->nwalked ? (uint16_t)(k + 1) : s->nwalked;
    }
}

/* index_only: find each wanted column in the index key, the clustered key or the texts. */
static ql_status
plan_parts(ql_ctx *cx, ql_arena *a, ql_scan *s)
{
    const ql_table *t = s->spec.table;
    const ql_index *ix = s->index, *primary = &t->indexes[0];
    uint16_t n = (uint16_t)(ix->nparts + primary->nparts);
    s->sources = QL_ARENA_ARRAY(cx, a, int16_t, s->spec.ncols + 1);
    s->parts = QL_ARENA_ARRAY(cx, a, ql_value, n + 1);
    s->decoded = QL_ARENA_ARRAY(cx, a, bool, n + 1);
    s->texts = QL_ARENA_ARRAY(cx, a, uint16_t, n + 1);
    if (s->sources == NULL || s->parts == NULL || s->decoded == NULL || s->texts == NULL) {
        return QL_ERROR;
    }
    bool wants_texts = false;
    for (uint16_t i = 0; i < s->spec.ncols; i++) {
        int16_t p = part_of(t, ix, ix, s->spec.ordinals[i]);
        if (p < 0) {
            p = part_of(t, ix, primary, s->spec.ordinals[i]);
            p = p < 0 ? p : (int16_t)(p + ix->nparts);
        }
        s->sources[i] = p;
        if (p >= 0) {
            s->decoded[p] = qli_part_is_readable(t, ql_index_part_at(t, ix, (uint16_t)p));
            wants_texts |= !s->decoded[p];
            s->nwalked = s->decoded[p] && p >= s->nwalked ? (uint16_t)(p + 1) : s->nwalked;
        } else if (!s->spec.unread) {
            s->spec.index_only = false; /* not covered after all: read the rows */
        }
    }
    if (wants_texts) {
        plan_texts(s);
    }
    return QL_OK;
}

static ql_status
fill_virtual(ql_ctx *cx, ql_arena *a, ql_scan *s)
{
    ql_view_rows rows;
    s->mode = SCAN_VIRTUAL;
    QL_TRY(ql_view_fill(cx, a, s->spec.table, NULL, &rows));
    s->virtual_rows = rows.v;
    s->nvirtual = rows.n;
    return QL_OK;
}

/* What is in an index that is younger than the snapshot is not in the snapshot. */
static ql_status
check_age(ql_ctx *cx, const ql_scan *s)
{
    uint64_t born = s->index->born, rows = s->spec.table->indexes[0].born;
    bool consistent = s->spec.view == QL_VIEW_STATEMENT || s->spec.view == QL_VIEW_OWN;
    born = born > rows ? born : rows;
    if (QL_LIKELY(born == 0 || !consistent || born == QL_INDEX_NOT_BORN) ||
        born <= ql_txn_reads(cx)) {
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_TABLE_DEF_CHANGED);
}

ql_status
qli_scan_open(ql_ctx *cx, ql_arena *a, const ql_scan_spec *spec, ql_scan **out)
{
    ql_scan *s = QL_ARENA_NEW(cx, a, ql_scan);
    ql_type *types = QL_ARENA_ARRAY(cx, a, ql_type, spec->ncols + 1);
    if (s == NULL || types == NULL) {
        return QL_ERROR;
    }
    s->cx = cx;
    s->spec = *spec;
    s->size = spec->lock.kind == QL_SCAN_LOCK_RANGE && spec->lock.one_by_one ? 1 : FIRST_BATCH;
    QL_TRY(ql_arena_defer(cx, a, close_deferred, s));
    for (uint16_t i = 0; i < spec->ncols; i++) {
        types[i] = spec->table->types[spec->ordinals[i]];
    }
    QL_TRY(ql_batch_init(cx, a, &s->batch, types, spec->ncols));
    if (spec->table->is_virtual) {
        QL_TRY(fill_virtual(cx, a, s));
        *out = s;
        return QL_OK;
    }
    QL_TRY(ql_row_reader_init_as(cx, a, &s->reader, &spec->table->layout, spec->ordinals,
                                 spec->ncols));
    if (qli_scan_locks(s)) {
        s->spec.view = QL_VIEW_LATEST;
        s->how = (ql_lock_how){.mode = spec->lock.mode, .policy = spec->lock.policy};
    }
    s->index = spec->index ? spec->index : &spec->table->indexes[0];
    QL_TRY(check_age(cx, s));
    s->rows = ql_arena_new("scan", ql_arena_quota(a));
    if (s->rows == NULL) {
        return ql_fail_oom(cx, 0);
    }
    if (qli_scan_locks(s) && !qli_scan_is_clustered(s)) {
        s->entries = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *s->entries); /* not cleared */
        if (s->entries == NULL) {
            return QL_ERROR;
        }
    }
    if (spec->want_locator || spec->lock.kind == QL_SCAN_LOCK_ROWS) {
        s->locators = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *s->locators);
        if (s->locators == NULL) {
            return QL_ERROR;
        }
    }
    if (qli_scan_is_clustered(s)) {
        s->spec.index_only = false;
    }
    if (s->spec.index_only || s->spec.pick != NULL) {
        QL_TRY(plan_parts(cx, a, s));
    }
    s->gathers = qli_scan_gathers(s);
    QL_TRY(s->gathers || spec->probes ? qli_gather_init(cx, a, &s->gather) : QL_OK);
    if (spec->probes) {
        *out = s;
        return qli_probes_init(cx, a, s);
    }
    QL_TRY(bind_range(cx, s, &spec->low, &spec->high));
    *out = s;
    return qli_scan_locks(s) ? qli_scan_lock_restart(cx, s) : QL_OK;
}

ql_status
ql_scan_rebind(ql_ctx *cx, ql_scan *s, const ql_bound *low, const ql_bound *high)
{
    restart(s);
    if (s->mode == SCAN_VIRTUAL) {
        return QL_OK;
    }
    QL_TRY(bind_range(cx, s, low, high));
    return qli_scan_locks(s) ? qli_scan_lock_restart(cx, s) : QL_OK;
}

void
ql_scan_close(ql_scan *s)
{
    if (s == NULL || s->closed) {
        return;
    }
    s->closed = true;
    if (s->cursor != NULL) {
        ql_txn_cursor_close(s->cursor);
        s->cursor = NULL;
    }
    ql_buf_free(&s->low);
    ql_buf_free(&s->high);
    ql_buf_free(&s->lookup);
    ql_buf_free(&s->pos);
    ql_buf_free(&s->last);
    ql_buf_free(&s->ahead);
    ql_buf_free(&s->group);
    ql_buf_free(&s->group_end);
    qli_scan_jump_close(s);
    ql_arena_free(s->rows);
    s->rows = NULL;
    ql_arena_free(s->gather.mem);
    s->gather.mem = NULL;
    qli_probes_close(s);
}

void
ql_scan_pass_over(ql_scan *s, uint64_t n)
{
    s->pass = n;
}

uint64_t
ql_scan_to_pass(const ql_scan *s)
{
    return s->pass;
}

const ql_table *
qli_scan_table(const ql_scan *s)
{
    return s->spec.table;
}

ql_str
ql_scan_locator(const ql_scan *s, uint16_t row)
{
    return s->locators[row];
}

static ql_status
copy_bytes(ql_ctx *cx, ql_arena *a, ql_str *s)
{
    char *p = ql_arena_strndup(cx, a, s->p, s->n);
    if (p == NULL) {
        return QL_ERROR;
    }
    s->p = p;
    return QL_OK;
}

static ql_status
keep_locator(ql_ctx *cx, ql_scan *s, ql_str clustered, uint16_t row)
{
    if (s->locators == NULL) {
        return QL_OK;
    }
    QL_TRY(copy_bytes(cx, s->rows, &clustered));
    s->locators[row] = clustered;
    return QL_OK;
}

/* Does a row read live only to the next read? Under LATEST what the cursor gives lives as long as
 * the cursor. */
static bool
is_shortlived(const ql_scan *s)
{
    return s->spec.view == QL_VIEW_CURRENT ||
           (s->spec.view == QL_VIEW_LATEST && (s->mode == SCAN_POINT || !qli_scan_is_clustered(s)));
}

ql_status
qli_scan_take_row(ql_ctx *cx, ql_scan *s, ql_str bytes, uint16_t row)
{
    if (s->spec.ncols == 0) {
        return QL_OK;
    }
    if (is_shortlived(s)) {
        QL_TRY(copy_bytes(cx, s->rows, &bytes));
    }
    return ql_row_decode(cx, &s->reader, bytes, s->batch.cols, row);
}

/* Parts from `from` up to before `to`, one behind the other in key. */
static ql_status
decode_parts(ql_ctx *cx, ql_scan *s, uint16_t from, uint16_t to, ql_str key)
{
    const ql_table *t = s->spec.table;
    for (uint16_t i = from; i < to; i++) {
        const ql_index_part *part = ql_index_part_at(t, s->index, i);
        const ql_type *type = &t->types[part->column];
        ql_value *v = &s->parts[i];
        size_t used;
        if (s->decoded[i]) {
            QL_TRY(ql_key_decode(cx, s->rows, type, part->descending, key, v, &used));
        } else {
            *v = ql_key_is_null(part->descending, key) ? ql_value_null()
                                                       : ql_value_str((ql_str){0}, type->coll);
            if (i + 1 == to) {
                break; /* what is behind it is not asked for */
            }
            used = ql_key_skip(type, part->descending, key);
            if (used == 0) {
                return ql_fail_text(cx, QL_ER_TABLE_CORRUPT,
                                    "Operation cannot be performed. The table '%.*s.%.*s' is "
                                    "missing, corrupt or contains bad data.",
                                    (int)t->db.n, t->db.p, (int)t->name.n, t->name.p);
            }
        }
        key.p += used;
        key.n -= used;
    }
    return QL_OK;
}

ql_status
qli_scan_take_parts(ql_ctx *cx, ql_scan *s, ql_str key, ql_str value, uint16_t row)
{
    const ql_index *ix = s->index;
    uint16_t own = s->nwalked < ix->nparts ? s->nwalked : ix->nparts;
    if (s->spec.ncols == 0) {
        return QL_OK;
    }
    QL_TRY(decode_parts(cx, s, 0, own, (ql_str){key.p + QLI_ID_BYTES, key.n - QLI_ID_BYTES}));
    if (s->nwalked > own) {
        QL_TRY(decode_parts(cx, s, own, s->nwalked, ql_entry_locator(ix, value)));
    }
    if (s->ntexts > 0) {
        QL_TRY(s->spec.view != QL_VIEW_STATEMENT ? copy_bytes(cx, s->rows, &value) : QL_OK);
        QL_TRY(qli_entry_texts(cx, ix, value, s->parts, s->texts, s->ntexts));
    }
    for (uint16_t i = 0; i < s->spec.ncols; i++) {
        const ql_value none = ql_value_null();
        int16_t p = s->sources[i];
        ql_vector_set(&s->batch.cols[i], row, p >= 0 ? &s->parts[p] : &none);
    }
    return QL_OK;
}

ql_status
qli_scan_make_lookup(ql_ctx *cx, ql_scan *s, ql_str value)
{
    ql_str suffix = ql_entry_locator(s->index, value);
    QL_TRY(qli_key_start(cx, &s->lookup, s->spec.table->indexes[0].id));
    return ql_buf_put(cx, &s->lookup, suffix.p, suffix.n);
}

ql_status
qli_scan_lonely(ql_ctx *cx, const ql_scan *s)
{
    const ql_index *ix = s->index;
    char *name = ql_arena_strndup(cx, cx->arena, ix->name.p, ix->name.n);
    return ql_fail(cx, QL_ER_INDEX_CORRUPT, name != NULL ? name : "");
}

/* Entry `key` had no row. A snapshot shows entry and row of one moment, so that is damage.
 * Another view may have read them at two moments: what counts is one in which nothing was committed
 * between both. QL_END: no damage. */
static ql_status
judge_lonely_entry(ql_ctx *cx, const ql_scan *s, ql_str key)
{
    ql_view view = s->spec.view;
    ql_str is, row;
    ql_str suffix = {s->lookup.p + QLI_ID_BYTES, s->lookup.n - QLI_ID_BYTES};
    if (view == QL_VIEW_CURRENT) {
        return QL_END; /* its keys do not outlive a read */
    }
    if (view == QL_VIEW_LATEST) {
        uint64_t seen = ql_txn_newest(cx);
        QL_TRY(ql_txn_get(cx, view, key, &is));
        if (!ql_str_eq(ql_entry_locator(s->index, is), suffix)) {
            return QL_END;
        }
        ql_status st = ql_txn_get(cx, view, qli_str(&s->lookup), &row);
        if (st != QL_END || ql_txn_newest(cx) != seen) {
            return st == QL_OK ? QL_END : st;
        }
    }
    return qli_scan_lonely(cx, s);
}

ql_status
qli_scan_take_entry(ql_ctx *cx, ql_scan *s, ql_str key, ql_str value, uint16_t row, size_t *bytes)
{
    *bytes += value.n;
    if (qli_scan_is_clustered(s)) {
        QL_TRY(keep_locator(cx, s, key, row));
        return qli_scan_take_row(cx, s, value, row);
    }
    if (s->spec.lock.kind ==
        QL_SCAN_LOCK_ROWS) { /* ql_scan_lock_row looks again whether it is still there */
        s->entries[row] = (ql_scan_entry){key, value};
        QL_TRY(copy_bytes(cx, s->rows, &s->entries[row].key));
        QL_TRY(copy_bytes(cx, s->rows, &s->entries[row].value));
        value = s->entries[row].value;
    }
    if (s->spec.index_only || s->locators != NULL) {
        if (s->locators != NULL) {
            QL_TRY(qli_scan_make_lookup(cx, s, value));
            QL_TRY(keep_locator(cx, s, qli_str(&s->lookup), row));
        }
        if (s->spec.index_only) {
            return qli_scan_take_parts(cx, s, key, value, row);
        }
    } else {
        QL_TRY(qli_scan_make_lookup(cx, s, value));
    }
    if (s->spec.ncols == 0) {
        return QL_OK;
    }
    ql_str bytes_of_row;
    ql_status st = ql_txn_get(cx, s->spec.view, qli_str(&s->lookup), &bytes_of_row);
    if (QL_UNLIKELY(st != QL_OK)) {
        return st == QL_END ? judge_lonely_entry(cx, s, key) : st;
    }
    *bytes += bytes_of_row.n;
    return qli_scan_take_row(cx, s, bytes_of_row, row);
}

/* Is that one of the rows to be passed over? */
static inline bool
passes(ql_scan *s)
{
    if (QL_LIKELY(s->pass == 0)) {
        return false;
    }
    s->pass--;
    s->passed++;
    return true;
}

static ql_status
first_entry(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    if (s->cursor == NULL) {
        s->read_at = ql_txn_newest(cx);
        QL_TRY(ql_txn_cursor_open(cx, s->spec.view, &s->cursor));
    }
    s->started = true;
    ql_txn_cursor_within(s->cursor, qli_str(&s->low), qli_str(&s->high));
    return s->spec.reverse ? ql_txn_seek_lt(cx, s->cursor, qli_str(&s->high), k, v)
                           : ql_txn_seek_ge(cx, s->cursor, qli_str(&s->low), k, v);
}

static bool
is_outside(const ql_scan *s, ql_str k)
{
    int cmp = ql_str_cmp(k, qli_str(s->spec.reverse ? &s->low : &s->high));
    return s->spec.reverse ? cmp < 0 : cmp >= 0;
}

/* A scan that skips: is that an entry of the group it has seen last? */
static bool
is_of_group(const ql_scan *s, ql_str k)
{
    return s->group.n > 0 && k.n >= s->group.n && memcmp(k.p, s->group.p, s->group.n) == 0;
}

/* The next entry that is wanted; QL_END, and the scan has ended: there is none. */
static inline ql_status
next_entry(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    QL_TRY(ql_check(cx)); /* each entry may cost a read of a cold disk */
    ql_status st = !s->started              ? first_entry(cx, s, k, v)
                   : s->spec.skip.parts > 0 ? qli_scan_skip(cx, s, k, v)
                   : s->spec.reverse        ? ql_txn_prev(cx, s->cursor, k, v)
                                            : ql_txn_next(cx, s->cursor, k, v);
    st = st == QL_OK && s->spec.jump.parts > 0 ? qli_scan_jump(cx, s, k, v) : st;
    if (st == QL_END || (st == QL_OK && is_outside(s, *k))) {
        s->ended = true;
        return QL_END;
    }
    QL_TRY(st);
    return s->spec.skip.parts > 0 && !is_of_group(s, *k) ? qli_scan_skip_note(cx, s, *k) : QL_OK;
}

/* Of the entries that were picked the first are not wanted. */
static void
pass_gathered(ql_scan *s)
{
    qli_gather *g = &s->gather;
    uint16_t n = s->pass < g->n ? (uint16_t)s->pass : g->n;
    for (uint16_t i = n; n > 0 && i < g->n; i++) {
        g->keys[i - n] = g->keys[i];
    }
    g->n = (uint16_t)(g->n - n);
    s->pass -= n;
    s->passed += n;
}

/* Entries first, then their rows. */
static ql_status
fill_gathered(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    qli_gather *g = &s->gather;
    while (g->at == g->n && !s->ended) {
        qli_gather_clear(g);
        while (g->n < s->size && !s->ended) {
            ql_str k, v;
            ql_status st = next_entry(cx, s, &k, &v);
            if (st != QL_END) {
                QL_TRY(st);
                if (s->spec.pick == NULL && passes(s)) {
                    continue;
                }
                QL_TRY(s->spec.pick != NULL ? qli_scan_take_parts(cx, s, k, v, g->n) : QL_OK);
                QL_TRY(qli_gather_add(cx, s, v));
            }
        }
        QL_TRY(qli_gather_pick(cx, s));
        pass_gathered(s);
        QL_TRY(qli_gather_read(cx, s));
    }
    return qli_gather_take(cx, s, n);
}

static ql_status
fill_range(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    size_t bytes = 0;
    while (*n < s->size && bytes < QLI_BATCH_BYTES) {
        ql_str k, v;
        ql_status st = next_entry(cx, s, &k, &v);
        if (st == QL_END) {
            return QL_OK;
        }
        QL_TRY(st);
        if (passes(s)) {
            continue;
        }
        st = qli_scan_take_entry(cx, s, k, v, *n, &bytes);
        if (st == QL_END) {
            s->lost = true;
            continue;
        }
        QL_TRY(st);
        (*n)++;
    }
    return QL_OK;
}

static ql_status
fill_point(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    ql_str value;
    size_t bytes = 0;
    s->ended = true;
    s->read_at = ql_txn_newest(cx);
    ql_status st = ql_txn_get(cx, s->spec.view, qli_str(&s->low), &value);
    if (st == QL_OK) {
        st = qli_scan_take_entry(cx, s, qli_str(&s->low), value, 0, &bytes);
        *n = st == QL_OK;
    }
    if (*n > 0 && s->spec.pick != NULL) { /* its row is there already */
        uint16_t row;
        s->batch.n = 1;
        QL_TRY(s->spec.pick(cx, s->spec.pick_arg, &s->batch, NULL, 1, &row, n));
    }
    *n = *n > 0 && passes(s) ? 0 : *n;
    return st == QL_END ? QL_OK : st;
}

static ql_status
fill_from_rows(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    (void)cx;
    for (; *n < s->size && s->virtual_at < s->nvirtual; s->virtual_at++, (*n)++) {
        const ql_value *row = s->virtual_rows[s->virtual_at];
        for (uint16_t i = 0; i < s->spec.ncols; i++) {
            ql_vector_set(&s->batch.cols[i], *n, &row[s->spec.ordinals[i]]);
        }
    }
    s->ended = s->virtual_at == s->nvirtual;
    return QL_OK;
}

void
qli_scan_clear_batch(ql_scan *s)
{
    if (s->rows != NULL && ql_arena_used(s->rows) > 0) {
        ql_arena_reset(s->rows);
    }
    for (uint16_t i = 0; i < s->spec.ncols; i++) {
        s->batch.cols[i].has_nulls = false;
    }
}

static void
count_reads(ql_ctx *cx, const ql_scan *s, uint64_t n)
{
    bool whole = s->spec.low.n == 0 && s->spec.high.n == 0;
    ql_counter c = s->mode == SCAN_POINT || s->spec.skip.parts > 0 ? QL_CT_HANDLER_READ_KEY
                   : whole && qli_scan_is_clustered(s)             ? QL_CT_HANDLER_READ_RND_NEXT
                                                                   : QL_CT_HANDLER_READ_NEXT;
    ql_count(cx, c, n);
    if (cx->proc != NULL) {
        ql_proc_add_rows(cx->proc, n, 0);
    }
}

ql_status
qli_scan_next(ql_ctx *cx, ql_scan *s, ql_batch **out)
{
    uint16_t n = 0;
    QL_TRY(ql_check(cx));
    QL_TRY(QL_SYNC(cx, SCAN_BLOCK));
    if ((s->ended && s->gather.at == s->gather.n) || s->mode == SCAN_NOTHING) {
        return QL_END;
    }
    qli_scan_clear_batch(s);
    switch (s->mode) {
    case SCAN_RANGE:
        QL_TRY(s->spec.lock.kind == QL_SCAN_LOCK_RANGE ? qli_scan_fill_locked_range(cx, s, &n)
               : s->gathers                            ? fill_gathered(cx, s, &n)
                                                       : fill_range(cx, s, &n));
        break;
    case SCAN_POINT:
        QL_TRY(s->spec.lock.kind == QL_SCAN_LOCK_RANGE ? qli_scan_fill_locked_point(cx, s, &n)
                                                       : fill_point(cx, s, &n));
        break;
    default:
        QL_TRY(fill_from_rows(cx, s, &n));
    }
    count_reads(cx, s, n + s->passed);
    s->passed = 0;
    if (n == 0) {
        return QL_END;
    }
    if (s->spec.lock.kind != QL_SCAN_LOCK_RANGE || !s->spec.lock.one_by_one) {
        s->size = s->size < QL_BATCH_ROWS / 4 ? (uint16_t)(s->size * 4) : QL_BATCH_ROWS;
    }
    s->batch.n = s->batch.nsel = n;
    s->batch.sel = NULL;
    *out = &s->batch;
    return QL_OK;
}

/* Known from the counters, else counted once up to a limit. */
ql_status
ql_table_row_estimate(ql_ctx *cx, ql_table *t, uint64_t *rows)
{
    enum { COUNT_LIMIT = 20000 };
    int64_t known = t->is_virtual ? 100 : ql_table_rows(t);
    if (known >= 0) {
        *rows = (uint64_t)known;
        return QL_OK;
    }
    ql_scan_spec spec = {.table = t,
                         .view = ql_txn_has_snapshot(cx) ? QL_VIEW_STATEMENT : QL_VIEW_LATEST};
    ql_scan *s;
    ql_batch *b;
    ql_status st;
    *rows = 0;
    QL_TRY(ql_scan_open(cx, cx->arena, &spec, &s));
    while ((st = ql_scan_next(cx, s, &b)) == QL_OK && *rows < COUNT_LIMIT) {
        *rows += b->n;
    }
    ql_scan_close(s);
    if (st == QL_END) {
        ql_table_rows_init(t, (int64_t)*rows);
        return QL_OK;
    }
    if (st == QL_OK) { /* large: an order of magnitude is enough for the planner */
        *rows = COUNT_LIMIT * 10;
        ql_table_rows_init(t, COUNT_LIMIT * 10);
    }
    return st;
}
