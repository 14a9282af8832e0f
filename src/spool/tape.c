/* SPDX-License-Identifier: Apache-2.0
 *
 * Tapes (tape.h). A tape is a list of extents, of 1, 2, 4 ... 64 pages each, so that a small
 * one takes little and the list of a large one stays short; a dropped tape's extents wait by size
 * for the next that needs them (after PostgreSQL's logtape.c). Run by the statement's thread; no
 * locks.
 */
#include "spool/tape.h"

#include <fcntl.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "intr/fileio.h"
#include "intr/sync.h"
#include "vars/sysvars.h"

#define SIZES 7 /* extents of 1 << 0 ... 1 << 6 pages */

typedef struct extent {
    uint64_t first; /* page of the file */
    uint32_t pages;
} extent;

struct ql_tape {
    ql_tapes *file;
    ql_tape *next;  /* of those not in use */
    char *page;     /* in work, or NULL */
    size_t at;      /* bytes in it */
    uint64_t bytes; /* written, those in page included */
    uint64_t pages; /* in the file */
    extent *extents;
    uint32_t n, cap;
    uint32_t used; /* pages of the last extent */
};

typedef struct free_extents {
    uint64_t *first;
    size_t n, cap; /* cap: room for all that there are of the size, so that freeing cannot fail */
    size_t made;
} free_extents;

/* A page of memory not in use. */
typedef struct idle_page {
    struct idle_page *next;
} idle_page;

/* Owner: whoever it was made for. */
struct ql_tapes {
    ql_arena *mem;
    int fd;         /* -1 = not made yet */
    uint64_t end;   /* pages of the file */
    uint64_t used;  /* pages that hold something */
    uint64_t limit; /* max_tmp_disk; 0 = none */
    free_extents idle[SIZES];
    ql_tape *idle_tapes;
    idle_page *idle_pages;
    ql_reel *reels; /* open ones */
};

ql_status
ql_tapes_new(ql_ctx *cx, ql_arena *mem, ql_tapes **out)
{
    ql_tapes *f = QL_ARENA_NEW(cx, mem, ql_tapes);
    if (f == NULL) {
        return QL_ERROR;
    }
    f->mem = mem;
    f->fd = -1;
    f->limit = cx->vars != NULL ? ql_vars_u64(cx->vars, QL_SV_MAX_TMP_DISK) : 0;
    *out = f;
    return QL_OK;
}

static void
count_used(ql_ctx *cx, ql_tapes *f, int64_t pages)
{
    f->used += (uint64_t)pages;
    ql_count(cx, QL_CT_TMP_DISK_BYTES, (uint64_t)pages * QL_TAPE_PAGE);
}

void
ql_tapes_free(ql_ctx *cx, ql_tapes *f)
{
    if (f == NULL) {
        return;
    }
    for (; f->reels != NULL; f->reels = f->reels->next) {
        ql_buf_free(&f->reels->whole);
    }
    if (f->fd < 0) {
        return;
    }
    count_used(cx, f, -(int64_t)f->used);
    ql_file_close_aside(f->fd, f->end * QL_TAPE_PAGE);
    f->fd = -1;
}

static ql_status
take_page(ql_ctx *cx, ql_tapes *f, char **page)
{
    if (f->idle_pages != NULL) {
        *page = (char *)f->idle_pages;
        f->idle_pages = f->idle_pages->next;
        return QL_OK;
    }
    *page = ql_arena_alloc(cx, f->mem, QL_TAPE_PAGE);
    return *page != NULL ? QL_OK : QL_ERROR;
}

static void
give_page(ql_tapes *f, char **page)
{
    if (*page != NULL) {
        idle_page *p = (idle_page *)(void *)*page;
        p->next = f->idle_pages;
        f->idle_pages = p;
        *page = NULL;
    }
}

/* Twice the room for an array of the file's arena; what was there stays in the arena. */
static ql_status
more_room(ql_ctx *cx, ql_arena *a, void *array, size_t n, size_t size, size_t cap, void **out)
{
    *out = ql_arena_alloc(cx, a, cap * size);
    return *out != NULL ? ql_bulk_copy(cx, *out, array, n * size) : QL_ERROR;
}

/* There will be n more extents of a size. */
static ql_status
expect_extents(ql_ctx *cx, ql_tapes *f, unsigned size, size_t n)
{
    free_extents *e = &f->idle[size];
    if (e->made + n > e->cap) {
        size_t cap = e->cap > 0 ? e->cap * 2 : 32;
        void *room;
        QL_TRY(more_room(cx, f->mem, e->first, e->n, sizeof *e->first, cap, &room));
        e->first = room;
        e->cap = cap;
    }
    e->made += n;
    return QL_OK;
}

static void
free_extent(ql_tapes *f, unsigned size, uint64_t first)
{
    f->idle[size].first[f->idle[size].n++] = first;
}

/* The halves of a larger one that was free. */
static ql_status
split_extent(ql_ctx *cx, ql_tapes *f, unsigned from, unsigned to, uint64_t *first)
{
    for (unsigned size = to; size < from; size++) {
        QL_TRY(expect_extents(cx, f, size, size == to ? 2 : 1));
    }
    *first = f->idle[from].first[--f->idle[from].n];
    f->idle[from].made -= from > to;
    while (from > to) {
        from--;
        free_extent(f, from, *first + (UINT64_C(1) << from));
    }
    return QL_OK;
}

static ql_status
take_extent(ql_ctx *cx, ql_tapes *f, unsigned size, uint64_t *first)
{
    for (unsigned from = size; from < SIZES; from++) {
        if (f->idle[from].n > 0) {
            return split_extent(cx, f, from, size, first);
        }
    }
    if (f->fd < 0) {
        const char *dir = cx->inst->tmpdir != NULL ? cx->inst->tmpdir : "/tmp";
        QL_TRY(ql_file_temp(cx, dir, &f->fd));
        ql_count(cx, QL_CT_CREATED_TMP_FILES, 1);
    }
    QL_TRY(ql_file_room(cx, f->fd, QL_TAPE_PAGE << size));
    QL_TRY(expect_extents(cx, f, size, 1));
    *first = f->end;
    f->end += UINT64_C(1) << size;
    return QL_OK;
}

static ql_status
new_extent(ql_ctx *cx, ql_tape *t)
{
    unsigned size = t->n < SIZES ? t->n : SIZES - 1;
    if (t->n == t->cap) {
        uint32_t cap = t->cap > 0 ? t->cap * 2 : 8;
        void *room;
        QL_TRY(more_room(cx, t->file->mem, t->extents, t->n, sizeof *t->extents, cap, &room));
        t->extents = room;
        t->cap = cap;
    }
    QL_TRY(take_extent(cx, t->file, size, &t->extents[t->n].first));
    t->extents[t->n++].pages = 1u << size;
    t->used = 0;
    return QL_OK;
}

/* The page in work to the file. */
static ql_status
put_page(ql_ctx *cx, ql_tape *t)
{
    ql_tapes *f = t->file;
    if (f->limit != 0 && (f->used + 1) * QL_TAPE_PAGE > f->limit) {
        return ql_fail(cx, QL_ER_TMP_DISK_LIMIT, (unsigned long long)f->limit);
    }
    if (t->n == 0 || t->used == t->extents[t->n - 1].pages) {
        QL_TRY(new_extent(cx, t));
    }
    uint64_t page = t->extents[t->n - 1].first + t->used;
    QL_TRY(QL_SYNC(cx, TAPE_PAGE));
    QL_TRY(ql_file_write(cx, f->fd, t->page, t->at, page * QL_TAPE_PAGE));
    ql_count(cx, QL_CT_TMP_DISK_BYTES_WRITTEN, t->at);
    count_used(cx, f, 1);
    t->used++;
    t->pages++;
    t->at = 0;
    return QL_OK;
}

ql_status
ql_tape_new(ql_ctx *cx, ql_tapes *f, ql_tape **out)
{
    ql_tape *t = f->idle_tapes;
    if (t != NULL) {
        f->idle_tapes = t->next;
        *t = (ql_tape){.extents = t->extents, .cap = t->cap};
    } else {
        t = QL_ARENA_NEW(cx, f->mem, ql_tape);
        if (t == NULL) {
            return QL_ERROR;
        }
    }
    t->file = f;
    *out = t;
    return QL_OK;
}

ql_status
ql_tape_write(ql_ctx *cx, ql_tape *t, const void *p, size_t n)
{
    const char *from = p;
    if (t->page == NULL && n > 0) {
        QL_TRY(take_page(cx, t->file, &t->page));
    }
    while (n > 0) {
        if (t->at == QL_TAPE_PAGE) {
            QL_TRY(put_page(cx, t));
        }
        size_t step = QL_TAPE_PAGE - t->at < n ? QL_TAPE_PAGE - t->at : n;
        QL_TRY(ql_bulk_copy(cx, t->page + t->at, from, step));
        t->at += step;
        t->bytes += step;
        from += step;
        n -= step;
    }
    return QL_OK;
}

ql_status
ql_tape_end(ql_ctx *cx, ql_tape *t)
{
    if (t->at > 0) {
        QL_TRY(put_page(cx, t));
    }
    give_page(t->file, &t->page);
    return QL_OK;
}

uint64_t
ql_tape_bytes(const ql_tape *t)
{
    return t->bytes;
}

void
ql_tape_drop(ql_ctx *cx, ql_tape *t)
{
    if (t == NULL) {
        return;
    }
    ql_tapes *f = t->file;
    give_page(f, &t->page);
    for (uint32_t i = 0; i < t->n; i++) {
        unsigned size = i < SIZES ? i : SIZES - 1;
        free_extent(f, size, t->extents[i].first);
    }
    count_used(cx, f, -(int64_t)t->pages);
    t->next = f->idle_tapes;
    f->idle_tapes = t;
}

ql_status
ql_reel_start(ql_ctx *cx, ql_reel *r, ql_tape *t)
{
    ql_tapes *f = t->file;
    char *page;
    ql_reel_stop(r);
    QL_TRY(take_page(cx, f, &page));
    *r = (ql_reel){.tape = t, .page = page, .next = f->reels};
    r->whole.quota = ql_arena_quota(f->mem);
    if (f->reels != NULL) {
        f->reels->prev = r;
    }
    f->reels = r;
    return QL_OK;
}

void
ql_reel_stop(ql_reel *r)
{
    if (r->tape == NULL) {
        return;
    }
    ql_tapes *f = r->tape->file;
    give_page(f, &r->page);
    ql_buf_free(&r->whole);
    if (r->next != NULL) {
        r->next->prev = r->prev;
    }
    *(r->prev != NULL ? &r->prev->next : &f->reels) = r->next;
    r->tape = NULL;
}

bool
ql_reel_at_end(const ql_reel *r)
{
    return r->at == r->have && r->done == r->tape->bytes;
}

static ql_status
get_page(ql_ctx *cx, ql_reel *r)
{
    ql_tape *t = r->tape;
    uint64_t left = t->bytes - r->done;
    size_t want = left < QL_TAPE_PAGE ? (size_t)left : QL_TAPE_PAGE, got;
    if (r->extent >= t->n || want == 0) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Temporary file read behind its end");
    }
    if (r->page_no == t->extents[r->extent].pages) {
        r->extent++;
        r->page_no = 0;
    }
    uint64_t page = t->extents[r->extent].first + r->page_no;
    ql_status st = ql_file_read(cx, t->file->fd, r->page, want, page * QL_TAPE_PAGE, &got);
    if (st == QL_END) {
        return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Temporary file was cut short");
    }
    QL_TRY(st);
    r->page_no++;
    r->done += want;
    r->have = want;
    r->at = 0;
    return QL_OK;
}

/* Which extent page number `page` of a tape is in, and where there: they have 1, 2, 4 ... pages. */
static void
find_page(uint64_t page, uint32_t *which, uint32_t *at)
{
    const uint64_t small = (UINT64_C(1) << SIZES) - 1, largest = UINT64_C(1) << (SIZES - 1);
    if (page >= small) {
        *which = (uint32_t)(SIZES + (page - small) / largest);
        *at = (uint32_t)((page - small) % largest);
        return;
    }
    unsigned k = 63u - (unsigned)__builtin_clzll(page + 1);
    *which = k;
    *at = (uint32_t)(page + 1 - (UINT64_C(1) << k));
}

ql_status
ql_reel_seek(ql_ctx *cx, ql_reel *r, uint64_t offset)
{
    uint64_t page = offset / QL_TAPE_PAGE;
    if (r->done == 0 || page != (r->done - 1) / QL_TAPE_PAGE) {
        find_page(page, &r->extent, &r->page_no);
        r->done = page * QL_TAPE_PAGE;
        QL_TRY(get_page(cx, r));
    }
    r->at = (size_t)(offset % QL_TAPE_PAGE);
    return QL_OK;
}

ql_status
ql_reel_read(ql_ctx *cx, ql_reel *r, void *p, size_t n)
{
    char *to = p;
    while (n > 0) {
        if (r->at == r->have) {
            QL_TRY(get_page(cx, r));
        }
        size_t step = r->have - r->at < n ? r->have - r->at : n;
        QL_TRY(ql_bulk_copy(cx, to, r->page + r->at, step));
        r->at += step;
        to += step;
        n -= step;
    }
    return QL_OK;
}

ql_status
ql_reel_view(ql_ctx *cx, ql_reel *r, size_t n, const char **p)
{
    if (r->at == r->have && n > 0) {
        QL_TRY(get_page(cx, r));
    }
    if (r->have - r->at >= n) {
        *p = r->page + r->at;
        r->at += n;
        return QL_OK;
    }
    ql_buf_clear(&r->whole);
    QL_TRY(ql_buf_reserve(cx, &r->whole, n));
    QL_TRY(ql_reel_read(cx, r, r->whole.p, n));
    r->whole.n = n;
    *p = r->whole.p;
    return QL_OK;
}
