/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows on tapes and in partitions (rowset_int.h). Run by the statement's thread; no locks; waits
 * only in the tapes' file.
 */
#include "exec/rowset_int.h"

#include <string.h>

#include "base/bulk.h"
#include "base/hash.h"

static size_t
number(ql_ctx *cx, ql_sysvar_id id, size_t otherwise)
{
    uint64_t n = cx->vars != NULL ? ql_vars_u64(cx->vars, id) : otherwise;
    return n < PTRDIFF_MAX ? (size_t)n : (size_t)PTRDIFF_MAX;
}

#define NOT_FEW ((size_t)64 * 1024)

/* No more than a quarter of what the connection may take: tables that double need room for both. */
static size_t
budget(ql_ctx *cx, size_t n)
{
    const ql_quota *q = ql_arena_quota(cx->arena);
    size_t most = q != NULL && q->limit != 0 ? q->limit / 4 : n;
    most = most > NOT_FEW ? most : NOT_FEW;
    return n < most ? n : most;
}

size_t
qli_budget_sort(ql_ctx *cx)
{
    return budget(cx, number(cx, QL_SV_SORT_BUFFER_SIZE, 262144));
}

size_t
qli_budget_join(ql_ctx *cx)
{
    return budget(cx, number(cx, QL_SV_JOIN_BUFFER_SIZE, 262144));
}

size_t
qli_budget_result(ql_ctx *cx)
{
    size_t n = number(cx, QL_SV_TMP_TABLE_SIZE, 16777216);
    if (number(cx, QL_SV_INTERNAL_TMP_MEM_STORAGE_ENGINE, 1) == 0) {
        size_t heap = number(cx, QL_SV_MAX_HEAP_TABLE_SIZE, 16777216);
        n = heap < n ? heap : n;
    }
    return budget(cx, n);
}

static size_t
taken_of(const ql_quota *q)
{
    return atomic_load_explicit(&q->used, memory_order_relaxed);
}

/* Bytes that the connection may take still; q has a limit. */
static size_t
left_of(const ql_quota *q)
{
    size_t all = taken_of(q) + (q->beside != NULL ? taken_of(q->beside) : 0);
    return all < q->limit ? q->limit - all : 0;
}

bool
qli_budget_has_room(const ql_ctx *cx, size_t more)
{
    const ql_quota *q = ql_arena_quota(cx->arena);
    return q == NULL || q->limit == 0 || left_of(q) / 2 >= more;
}

bool
qli_budget_is_out(const ql_ctx *cx, size_t taken, size_t budget)
{
    const ql_quota *q = ql_arena_quota(cx->arena);
    if (taken >= budget) {
        return true;
    }
    if (taken < NOT_FEW || q == NULL || q->limit == 0) {
        return false;
    }
    return left_of(q) < q->limit / 4;
}

ql_status
qli_row_put(ql_ctx *cx, ql_tape *t, const qli_rowfmt *f, const char *row)
{
    uint64_t n = qli_row_size(f, row);
    QL_TRY(ql_tape_write(cx, t, &n, sizeof n));
    return ql_tape_write(cx, t, row, n);
}

static ql_status
get_row(ql_ctx *cx, ql_reel *r, const qli_rowfmt *f, ql_arena *a, char **row, uint64_t *size)
{
    if (ql_reel_at_end(r)) {
        return QL_END;
    }
    QL_TRY(ql_reel_read(cx, r, size, sizeof *size));
    *row = ql_arena_alloc(cx, a, *size);
    if (*row == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_reel_read(cx, r, *row, *size));
    qli_row_moved(f, *row);
    return QL_OK;
}

ql_status
qli_row_get(ql_ctx *cx, ql_reel *r, const qli_rowfmt *f, ql_arena *a, char **row)
{
    uint64_t size;
    return get_row(cx, r, f, a, row, &size);
}

ql_status
qli_rows_get(ql_ctx *cx, ql_reel *r, const qli_rowfmt *f, ql_arena *a, char **rows, uint16_t *n)
{
    size_t bytes = 0;
    *n = 0;
    while (*n < QL_BATCH_ROWS && bytes < QLI_ROWS_BYTES && !ql_reel_at_end(r)) {
        uint64_t size;
        QL_TRY(get_row(cx, r, f, a, &rows[*n], &size));
        ++*n;
        bytes += size;
    }
    return *n > 0 ? QL_OK : QL_END;
}

static ql_status
tapes_of(ql_run *run, ql_tapes **out)
{
    ql_arena *mem;
    if (run->tapes == NULL) {
        QL_TRY(ql_run_arena(run, "temporary file", &mem));
        QL_TRY(ql_tapes_new(run->cx, mem, &run->tapes));
    }
    *out = run->tapes;
    return QL_OK;
}

ql_status
qli_run_tape(ql_run *run, ql_tape **out)
{
    ql_tapes *f;
    QL_TRY(tapes_of(run, &f));
    return ql_tape_new(run->cx, f, out);
}

ql_status
qli_sorted_put(ql_ctx *cx, ql_run *run, ql_extsort *x, const qli_rowfmt *f,
               const ql_sort_item *items, size_t n)
{
    if (x->most != 0 && x->most < n) {
        n = x->most;
    }
    QL_TRY(tapes_of(run, &x->file));
    QL_TRY(ql_extsort_run_begin(cx, x));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_extsort_run_put(cx, x, &items[i], items[i].row, qli_row_size(f, items[i].row)));
    }
    return ql_extsort_run_end(cx, x);
}

ql_status
qli_sorted_get(ql_ctx *cx, ql_extsort *x, const qli_rowfmt *f, ql_arena *a, char **rows,
               uint16_t *n)
{
    size_t bytes = 0, nrow;
    const ql_sort_item *item;
    *n = 0;
    while (*n < QL_BATCH_ROWS && bytes < QLI_ROWS_BYTES && (x->most == 0 || x->given < x->most)) {
        ql_status st = ql_extsort_head(cx, x, &item, &nrow);
        if (st == QL_END) {
            break;
        }
        QL_TRY(st);
        char *row = ql_arena_alloc(cx, a, nrow);
        if (row == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_extsort_copy(cx, x, row));
        qli_row_moved(f, row);
        rows[(*n)++] = row;
        bytes += nrow;
        QL_TRY(ql_extsort_step(cx, x));
    }
    return *n > 0 ? QL_OK : QL_END;
}

void
qli_parts_begin(qli_parts *p, ql_run *run, unsigned level)
{
    *p = (qli_parts){.run = run, .level = level, .active = true};
}

ql_status
qli_parts_put(ql_ctx *cx, qli_parts *p, ql_arena *mem, uint64_t hash, const qli_rowfmt *f,
              const char *row)
{
    qli_part **at = &p->part[qli_part_of(hash, p->level)];
    if (*at == NULL) {
        *at = QL_ARENA_NEW(cx, mem, qli_part);
        if (*at == NULL) {
            return QL_ERROR;
        }
        (*at)->level = p->level + 1;
        QL_TRY(qli_run_tape(p->run, &(*at)->tape));
    }
    (*at)->rows++;
    return qli_row_put(cx, (*at)->tape, f, row);
}

ql_status
qli_parts_end(ql_ctx *cx, qli_parts *p, qli_part **list)
{
    for (unsigned i = QLI_PARTS; i-- > 0;) {
        qli_part *part = p->part[i];
        if (part != NULL) {
            QL_TRY(ql_tape_end(cx, part->tape));
            part->next = *list;
            *list = part;
            p->part[i] = NULL;
        }
    }
    p->active = false;
    return QL_OK;
}

void
qli_parts_drop(ql_ctx *cx, qli_parts *p, qli_part **list)
{
    for (unsigned i = 0; p != NULL && i < QLI_PARTS; i++) {
        if (p->part[i] != NULL) {
            ql_tape_drop(cx, p->part[i]->tape);
            p->part[i] = NULL;
        }
    }
    if (p != NULL) {
        p->active = false;
    }
    for (; *list != NULL; *list = (*list)->next) {
        ql_tape_drop(cx, (*list)->tape);
    }
}
