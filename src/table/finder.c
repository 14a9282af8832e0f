/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys looked for by foreign keys (finder.h). A whole key of a unique index without NULL is a
 * point: the lock is asked for first, there or not, and the entry read afterwards, when nobody else
 * can change it. Everything else is a stretch of the index, all keys that begin with the values.
 * Session's thread; no locks but row locks.
 */
#include "table/finder.h"

#include <string.h>

#include "base/bulk.h"
#include "intr/intr.h"
#include "table/table_int.h"

struct ql_finder {
    ql_table *table;
    const ql_index *index;
    uint16_t n;
    ql_buf key, end, other;
    bool remembers;
    ql_buf known;         /* the key that was there; empty: none */
    ql_lock_range *range; /* the stretches locked so far, as far as they touch */
    ql_lock_mode range_mode;
};

static void
free_buffers(void *arg)
{
    ql_finder *f = arg;
    ql_buf_free(&f->key);
    ql_buf_free(&f->end);
    ql_buf_free(&f->other);
    ql_buf_free(&f->known);
}

ql_status
ql_finder_new(ql_ctx *cx, ql_arena *a, ql_table *t, const ql_index *ix, uint16_t n, ql_finder **out)
{
    ql_finder *f = QL_ARENA_NEW(cx, a, ql_finder);
    if (f == NULL) {
        return QL_ERROR;
    }
    *f = (ql_finder){.table = t, .index = ix, .n = n};
    *out = f;
    return ql_arena_defer(cx, a, free_buffers, f);
}

static ql_status
encode(ql_ctx *cx, const ql_finder *f, ql_buf *b, const ql_value *values)
{
    QL_TRY(qli_key_start(cx, b, f->index->id));
    return qli_key_parts(cx, b, f->table, f->index, values, f->n);
}

static ql_status
set_key(ql_ctx *cx, ql_buf *b, ql_str key)
{
    ql_buf_clear(b);
    return ql_buf_put(cx, b, key.p, key.n);
}

/* All keys that begin with low: [low, high). Every key begins with the index's id, so there is an
 * end. */
static ql_status
set_end(ql_ctx *cx, ql_buf *high, const ql_buf *low)
{
    QL_TRY(set_key(cx, high, qli_str(low)));
    (void)qli_key_successor(high);
    return QL_OK;
}

static bool
is_point(const ql_finder *f)
{
    return f->index->unique && !f->index->hidden_rowid && f->n == f->index->nparts;
}

static ql_lock_how
how_to_lock(const ql_ctx *cx, ql_lock_mode mode)
{
    return (ql_lock_how){.mode = mode, .deadline = qli_lock_deadline(cx)};
}

/* The first entry of the stretch; its key in f->other. */
static ql_status
first_entry(ql_ctx *cx, ql_finder *f, ql_view view)
{
    ql_txn_cursor *c;
    ql_str k, v;
    QL_TRY(ql_txn_cursor_open(cx, view, &c));
    ql_txn_cursor_within(c, qli_str(&f->key), qli_str(&f->end));
    ql_status st = ql_txn_seek_ge(cx, c, qli_str(&f->key), &k, &v);
    if (st == QL_OK) {
        st = ql_str_cmp(k, qli_str(&f->end)) < 0 ? set_key(cx, &f->other, k) : QL_END;
    }
    ql_txn_cursor_close(c);
    return st;
}

/* --- is there one? --- */

static ql_status
share_point(ql_ctx *cx, ql_finder *f)
{
    ql_str value;
    ql_lock_how how = how_to_lock(cx, QL_LOCK_S);
    QL_TRY(ql_txn_lock_row(cx, qli_str(&f->key), &how));
    ql_status st = ql_txn_get(cx, QL_VIEW_CURRENT, qli_str(&f->key), &value);
    if (st == QL_END) {
        ql_txn_unlock_row(cx, qli_str(&f->key));
    }
    return st;
}

static ql_status
lock_stretch(ql_ctx *cx, ql_finder *f, ql_str low, ql_str high, ql_lock_mode mode)
{
    ql_lock_how how = how_to_lock(cx, mode);
    if (f->range_mode != mode) {
        f->range = NULL;
        f->range_mode = mode;
    }
    return ql_txn_lock_range(cx, low, high, true, &how, &f->range);
}

/* One entry is enough. Where there is none, whoever is about to make one or to take one back is
 * waited for with a lock on the whole stretch. */
static ql_status
share_any(ql_ctx *cx, ql_finder *f)
{
    QL_TRY(set_end(cx, &f->end, &f->key));
    for (;;) {
        QL_TRY(ql_check(cx));
        ql_str value;
        ql_status st = first_entry(cx, f, QL_VIEW_CURRENT);
        if (st == QL_OK) {
            ql_lock_how how = how_to_lock(cx, QL_LOCK_S);
            QL_TRY(ql_txn_lock_row(cx, qli_str(&f->other), &how));
            st = ql_txn_get(cx, QL_VIEW_CURRENT, qli_str(&f->other), &value);
            if (st != QL_END) {
                return st;
            }
            ql_txn_unlock_row(cx, qli_str(&f->other));
            continue;
        }
        if (st != QL_END) {
            return st;
        }
        QL_TRY(lock_stretch(cx, f, qli_str(&f->key), qli_str(&f->end), QL_LOCK_S));
        return first_entry(cx, f, QL_VIEW_CURRENT);
    }
}

ql_status
ql_finder_share(ql_ctx *cx, ql_finder *f, const ql_value *values)
{
    QL_TRY(encode(cx, f, &f->key, values));
    if (f->key.n > QLI_KEY_MAX) {
        return QL_END; /* no stored key is that long */
    }
    if (f->known.n > 0 && ql_str_eq(qli_str(&f->key), qli_str(&f->known))) {
        return QL_OK;
    }
    QL_TRY(is_point(f) ? share_point(cx, f) : share_any(cx, f));
    return f->remembers ? set_key(cx, &f->known, qli_str(&f->key)) : QL_OK;
}

void
ql_finder_remember(ql_finder *f)
{
    f->remembers = true;
}

ql_status
ql_finder_look(ql_ctx *cx, ql_finder *f, ql_view view, const ql_value *values)
{
    ql_str value;
    QL_TRY(encode(cx, f, &f->key, values));
    if (f->key.n > QLI_KEY_MAX) {
        return QL_END;
    }
    if (f->known.n > 0 && ql_str_eq(qli_str(&f->key), qli_str(&f->known))) {
        return QL_OK;
    }
    if (is_point(f)) {
        QL_TRY(ql_txn_get(cx, view, qli_str(&f->key), &value));
    } else {
        QL_TRY(set_end(cx, &f->end, &f->key));
        QL_TRY(first_entry(cx, f, view));
    }
    return f->remembers ? set_key(cx, &f->known, qli_str(&f->key)) : QL_OK;
}

ql_status
ql_finder_same(ql_ctx *cx, ql_finder *f, const ql_value *a, const ql_value *b, bool *same)
{
    QL_TRY(encode(cx, f, &f->key, a));
    QL_TRY(encode(cx, f, &f->other, b));
    *same = ql_str_eq(qli_str(&f->key), qli_str(&f->other));
    return QL_OK;
}

/* --- all of them --- */

ql_status
ql_finding_begin(ql_ctx *cx, ql_finder *f, const ql_value *values, ql_lock_mode mode, ql_arena *mem,
                 ql_finding *out)
{
    *out = (ql_finding){.finder = f, .mem = mem};
    QL_TRY(encode(cx, f, &out->low, values));
    if (out->low.n > QLI_KEY_MAX) {
        out->whole = true;
        return QL_OK;
    }
    QL_TRY(set_end(cx, &out->high, &out->low));
    QL_TRY(set_key(cx, &out->pos, qli_str(&out->low)));
    return lock_stretch(cx, f, qli_str(&out->low), qli_str(&out->high), mode);
}

/* Clustered key of the row behind an entry. */
static ql_status
keep_locator(ql_ctx *cx, ql_finding *g, ql_str key, ql_str value)
{
    const ql_table *t = g->finder->table;
    bool clustered = g->finder->index == &t->indexes[0];
    value = clustered ? value : ql_entry_locator(g->finder->index, value);
    size_t n = clustered ? key.n : QLI_ID_BYTES + value.n;
    char *p = ql_arena_alloc(cx, g->mem, n + 1);
    if (p == NULL) {
        return QL_ERROR;
    }
    if (clustered) {
        memcpy(p, key.p, n); /* a key: short */
    } else {
        uint32_t id = t->indexes[0].id;
        const char head[QLI_ID_BYTES] = {(char)(id >> 24), (char)(id >> 16), (char)(id >> 8),
                                         (char)id};
        memcpy(p, head, QLI_ID_BYTES);
        memcpy(p + QLI_ID_BYTES, value.p, value.n);
    }
    g->locators[g->n++] = (ql_str){p, n};
    return QL_OK;
}

static ql_status
read_block(ql_ctx *cx, ql_finding *g, ql_txn_cursor *c, uint16_t most)
{
    ql_str k, v;
    ql_txn_cursor_within(c, qli_str(&g->low), qli_str(&g->high));
    ql_status st = ql_txn_seek_ge(cx, c, qli_str(&g->pos), &k, &v);
    for (; st == QL_OK; st = ql_txn_next(cx, c, &k, &v)) {
        if (ql_str_cmp(k, qli_str(&g->high)) >= 0) {
            break;
        }
        QL_TRY(keep_locator(cx, g, k, v));
        if (g->n == most) {
            QL_TRY(set_key(cx, &g->pos, k));
            return ql_buf_put_u8(cx, &g->pos, 0); /* behind it */
        }
        QL_TRY(ql_check(cx));
    }
    g->whole = true;
    return st == QL_END ? QL_OK : st;
}

ql_status
ql_finding_next(ql_ctx *cx, ql_finding *g, uint16_t most)
{
    ql_txn_cursor *c;
    g->n = 0;
    QL_TRY(ql_check(cx));
    if (g->whole) {
        return QL_END;
    }
    ql_arena_reset(g->mem);
    g->locators = QL_ARENA_ARRAY(cx, g->mem, ql_str, most);
    if (g->locators == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_txn_cursor_open(cx, QL_VIEW_CURRENT, &c));
    ql_status st = read_block(cx, g, c, most);
    ql_txn_cursor_close(c);
    QL_TRY(st);
    return g->n > 0 ? QL_OK : QL_END;
}

ql_status
ql_finding_has(ql_ctx *cx, ql_finding *g, const ql_value *row, bool *yes)
{
    ql_finder *f = g->finder;
    QL_TRY(qli_key_start(cx, &f->other, f->index->id));
    for (uint16_t i = 0; i < f->n; i++) {
        const ql_index_part *part = &f->index->parts[i];
        QL_TRY(ql_key_encode(cx, &f->table->types[part->column], ql_part_cut(part),
                             part->descending, &row[part->column], &f->other));
    }
    *yes = ql_str_eq(qli_str(&f->other), qli_str(&g->low));
    return QL_OK;
}

void
ql_finding_end(ql_finding *g)
{
    ql_buf_free(&g->low);
    ql_buf_free(&g->high);
    ql_buf_free(&g->pos);
}

ql_status
ql_key_text(ql_ctx *cx, const ql_index *ix, const ql_value *row, ql_str *out)
{
    return qli_describe_key(cx, NULL, ix, row, out);
}
