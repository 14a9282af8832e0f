/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows by hash on a tape (lookup_int.h). Run by the statement's thread; no locks.
 */
#include "exec/lookup_int.h"

#include <string.h>

#include "base/bulk.h"

/* Where a page's worth of rows begins. */
typedef struct place {
    uint64_t hash;
    uint64_t offset;
} place;

/* In front of each row on the tape. */
typedef struct record {
    uint64_t hash;
    uint64_t n;
} record;

struct qli_lookup {
    ql_run *run;
    const qli_rowfmt *fmt;
    size_t budget;
    ql_arena *mem, *lists, *row_mem;
    ql_sort_item *list, *other;
    size_t n, cap, cap_other, bytes;
    ql_extsort ext;
    ql_tape *tape;
    ql_reel reel;
    place *places;
    size_t nplaces, cap_places;
    uint64_t hash; /* asked for */
};

ql_status
qli_lookup_new(ql_run *run, const qli_rowfmt *fmt, size_t budget, qli_lookup **out)
{
    ql_arena *lists;
    QL_TRY(ql_run_arena(run, "look-up lists", &lists));
    qli_lookup *l = QL_ARENA_NEW(run->cx, lists, qli_lookup);
    if (l == NULL) {
        return QL_ERROR;
    }
    *l = (qli_lookup){.run = run, .fmt = fmt, .budget = budget, .lists = lists};
    l->ext = (ql_extsort){.budget = budget};
    QL_TRY(ql_run_arena(run, "look-up rows", &l->mem));
    QL_TRY(ql_run_arena(run, "look-up runs", &l->ext.mem));
    QL_TRY(ql_run_arena(run, "look-up row", &l->row_mem));
    *out = l;
    return QL_OK;
}

static ql_status
more_room(ql_ctx *cx, ql_arena *a, void *array, size_t n, size_t size, size_t cap, void **out)
{
    *out = ql_arena_alloc(cx, a, cap * size);
    return *out != NULL ? ql_bulk_copy(cx, *out, array, n * size) : QL_ERROR;
}

/* What is in memory becomes a run. */
static ql_status
write_run(ql_ctx *cx, qli_lookup *l)
{
    ql_sort_item *sorted;
    if (l->cap_other < l->cap) {
        void *other;
        QL_TRY(more_room(cx, l->lists, NULL, 0, sizeof *l->other, l->cap, &other));
        l->other = other;
        l->cap_other = l->cap;
    }
    QL_TRY(ql_sort_between(cx, l->list, l->other, l->n, &sorted));
    QL_TRY(qli_sorted_put(cx, l->run, &l->ext, l->fmt, sorted, l->n));
    QL_TRY(ql_run_arena_empty(l->run, "look-up rows", &l->mem, l->budget / 4));
    l->n = l->bytes = 0;
    return QL_OK;
}

ql_status
qli_lookup_add(ql_ctx *cx, qli_lookup *l, const ql_batch *b, uint16_t row, uint64_t hash)
{
    char *saved;
    size_t taken = l->bytes + l->n * (3 * sizeof *l->list + 32);
    if (l->n > 0 && qli_budget_is_out(cx, taken, l->budget)) {
        QL_TRY(write_run(cx, l));
    }
    if (l->n == l->cap) {
        void *list;
        size_t cap = l->cap > 0 ? l->cap * 2 : 64;
        QL_TRY(more_room(cx, l->lists, l->list, l->n, sizeof *l->list, cap, &list));
        l->list = list;
        l->cap = cap;
    }
    QL_TRY(qli_row_save(cx, l->mem, l->fmt, b, row, &saved));
    l->bytes += qli_row_size(l->fmt, saved);
    l->list[l->n++] = (ql_sort_item){.prefix = hash, .row = saved};
    return QL_OK;
}

static ql_status
note_place(ql_ctx *cx, qli_lookup *l, uint64_t hash)
{
    uint64_t at = ql_tape_bytes(l->tape);
    if (l->nplaces > 0 && at - l->places[l->nplaces - 1].offset < QL_TAPE_PAGE) {
        return QL_OK;
    }
    if (l->nplaces == l->cap_places) {
        void *places;
        size_t cap = l->cap_places > 0 ? l->cap_places * 2 : 64;
        QL_TRY(more_room(cx, l->lists, l->places, l->nplaces, sizeof *l->places, cap, &places));
        l->places = places;
        l->cap_places = cap;
    }
    l->places[l->nplaces++] = (place){.hash = hash, .offset = at};
    return QL_OK;
}

ql_status
qli_lookup_end(ql_ctx *cx, qli_lookup *l)
{
    ql_status st;
    QL_TRY(write_run(cx, l));
    QL_TRY(qli_run_tape(l->run, &l->tape));
    QL_TRY(ql_extsort_begin(cx, &l->ext));
    for (;;) {
        const ql_sort_item *item;
        const char *row;
        size_t n;
        st = ql_extsort_head(cx, &l->ext, &item, &n);
        if (st != QL_OK) {
            break;
        }
        record r = {.hash = item->prefix, .n = n};
        QL_TRY(ql_extsort_view(cx, &l->ext, &row));
        QL_TRY(note_place(cx, l, r.hash));
        QL_TRY(ql_tape_write(cx, l->tape, &r, sizeof r));
        QL_TRY(ql_tape_write(cx, l->tape, row, n));
        QL_TRY(ql_extsort_step(cx, &l->ext));
    }
    if (st != QL_END) {
        return st;
    }
    QL_TRY(ql_tape_end(cx, l->tape));
    ql_extsort_reset(cx, &l->ext);
    return ql_reel_start(cx, &l->reel, l->tape);
}

ql_status
qli_lookup_find(ql_ctx *cx, qli_lookup *l, uint64_t hash)
{
    size_t low = 0, high = l->nplaces; /* the first place that begins at or behind the hash */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->places[mid].hash < hash) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    l->hash = hash;
    return ql_reel_seek(cx, &l->reel, l->places[low > 0 ? low - 1 : 0].offset);
}

ql_status
qli_lookup_next(ql_ctx *cx, qli_lookup *l, const char **row)
{
    unsigned n = 0;
    while (!ql_reel_at_end(&l->reel)) {
        record r;
        const char *p;
        if (++n % 256 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(ql_reel_read(cx, &l->reel, &r, sizeof r));
        QL_TRY(ql_reel_view(cx, &l->reel, r.n, &p));
        if (r.hash > l->hash) {
            return QL_END;
        }
        if (r.hash == l->hash) {
            ql_arena_reset(l->row_mem);
            char *copy = ql_arena_alloc(cx, l->row_mem, r.n);
            if (copy == NULL) {
                return QL_ERROR;
            }
            QL_TRY(ql_bulk_copy(cx, copy, p, r.n));
            qli_row_moved(l->fmt, copy);
            *row = copy;
            return QL_OK;
        }
    }
    return QL_END;
}
