/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes of rows that change (notes.h). Written by the threads of those who write, in the table's
 * watch (catalog/tablestate.h), whose mutex guards all of it; read by the builder, who takes the
 * whole list in one step. A note is the number of its writer, a length and the key. Nothing waits;
 * a writer never fails here: what cannot be noted is the builder's error.
 */
#include "table/notes.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "base/mem.h"
#include "table/table_int.h"
#include "txn/beside.h"

#define CHUNK ((size_t)64 * 1024)
#define RECENT 16u /* writers that a new note is compared with */

typedef struct chunk {
    struct chunk *next;
    size_t n;
    char bytes[];
} chunk;

typedef struct writer {
    ql_txn_mark *mark; /* a reference; NULL: never known to have ended */
    bool settled;
} writer;

typedef struct list {
    chunk *first, *last;
    writer *writers;
    uint32_t nwriters, cap;
    uint64_t bytes;
    bool lost; /* too much, or no memory */
} list;

/* Owner: the builder. */
struct ql_notes {
    ql_table_watch watch;
    ql_table *table; /* a reference */
    uint64_t limit;
    list l; /* [watch] */
};

static void
free_list(list *l)
{
    for (chunk *c = l->first, *next; c != NULL; c = next) {
        next = c->next;
        ql_mem_free(c);
    }
    for (uint32_t i = 0; i < l->nwriters; i++) {
        ql_txn_mark_put(l->writers[i].mark);
    }
    ql_mem_free(l->writers);
    *l = (list){0};
}

/* Takes the reference. */
static bool
add_writer(list *l, ql_txn_mark *mark, bool settled)
{
    if (l->nwriters == l->cap) {
        uint32_t cap = l->cap != 0 ? l->cap * 2 : 16;
        writer *more = ql_mem_alloc(cap * sizeof *more);
        if (more == NULL) {
            ql_txn_mark_put(mark);
            return false;
        }
        if (l->nwriters != 0) {
            memcpy(more, l->writers, l->nwriters * sizeof *more);
        }
        ql_mem_free(l->writers);
        l->writers = more;
        l->cap = cap;
    }
    l->writers[l->nwriters++] = (writer){mark, settled};
    l->bytes += sizeof(writer);
    return true;
}

static bool
add_note(list *l, uint32_t who, ql_str key)
{
    uint32_t head[2] = {who, (uint32_t)key.n};
    size_t n = sizeof head + key.n;
    if (l->last == NULL || l->last->n + n > CHUNK) {
        chunk *c = ql_mem_alloc(sizeof *c + CHUNK);
        if (c == NULL) {
            return false;
        }
        c->next = NULL;
        c->n = 0;
        *(l->last != NULL ? &l->last->next : &l->first) = c;
        l->last = c;
    }
    memcpy(l->last->bytes + l->last->n, head, sizeof head);
    memcpy(l->last->bytes + l->last->n + sizeof head, key.p, key.n);
    l->last->n += n;
    l->bytes += n;
    return true;
}

/* [watch] */
static bool
find_writer(const ql_ctx *cx, const list *l, uint32_t *who)
{
    uint32_t least = l->nwriters > RECENT ? l->nwriters - RECENT : 0;
    for (uint32_t i = l->nwriters; i-- > least;) {
        if (ql_txn_mark_is_own(cx, l->writers[i].mark)) {
            *who = i;
            return true;
        }
    }
    return false;
}

/* [watch] By a writer, with the row's lock held. */
static void
note(ql_table_watch *w, ql_ctx *cx, ql_str locator)
{
    ql_notes *n = (ql_notes *)(void *)((char *)w - offsetof(ql_notes, watch));
    list *l = &n->l;
    uint32_t who = 0;
    if (l->lost) {
        return;
    }
    if (!find_writer(cx, l, &who)) {
        who = l->nwriters;
        l->lost = !add_writer(l, ql_txn_mark_get(cx), false);
    }
    l->lost = l->lost || !add_note(l, who, locator) || l->bytes > n->limit;
}

ql_status
ql_notes_open(ql_ctx *cx, ql_table *t, uint64_t limit, ql_notes **out)
{
    ql_notes *n = ql_mem_zalloc(sizeof *n);
    if (n == NULL) {
        return ql_fail_oom(cx, sizeof *n);
    }
    n->watch.note = note;
    n->limit = limit;
    n->table = t;
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    ql_table_set_watch(t, &n->watch);
    *out = n;
    return QL_OK;
}

void
ql_notes_close(ql_notes *n)
{
    if (n == NULL) {
        return;
    }
    ql_table_set_watch(n->table, NULL);
    free_list(&n->l);
    ql_table_put(n->table);
    ql_mem_free(n);
}

void
ql_notes_settle(ql_notes *n)
{
    ql_table_watch_lock(n->table);
    for (uint32_t i = 0; i < n->l.nwriters; i++) {
        writer *w = &n->l.writers[i];
        w->settled = w->mark != NULL && ql_txn_mark_is_ended(w->mark);
    }
    ql_table_watch_unlock(n->table);
}

/* What writers that had not ended wrote is noted again. */
static void
put_back(ql_notes *n, const list *l, uint32_t who, ql_str key, uint32_t *as)
{
    ql_table_watch_lock(n->table);
    list *to = &n->l;
    if (!to->lost && as[who] == 0) {
        to->lost = !add_writer(to, l->writers[who].mark, false);
        l->writers[who].mark = NULL; /* the reference has moved */
        as[who] = to->nwriters;
    }
    to->lost = to->lost || !add_note(to, as[who] - 1, key);
    ql_table_watch_unlock(n->table);
}

static int
by_key(const void *x, const void *y)
{
    return ql_str_cmp(*(const ql_str *)x, *(const ql_str *)y);
}

static ql_status
copy_keys(ql_ctx *cx, ql_notes *n, list *l, ql_arena *a, ql_str *keys, size_t *count)
{
    uint32_t *as = QL_ARENA_ARRAY(cx, a, uint32_t, l->nwriters + 1u);
    if (as == NULL) {
        return QL_ERROR;
    }
    *count = 0;
    for (const chunk *c = l->first; c != NULL; c = c->next) {
        for (size_t at = 0; at < c->n;) {
            uint32_t head[2];
            memcpy(head, c->bytes + at, sizeof head);
            ql_str key = {c->bytes + at + sizeof head, head[1]};
            char *copy = ql_arena_strndup(cx, a, key.p, key.n);
            if (copy == NULL) {
                return QL_ERROR;
            }
            keys[(*count)++] = (ql_str){copy, key.n};
            if (!l->writers[head[0]].settled) {
                put_back(n, l, head[0], key, as);
            }
            at += sizeof head + key.n;
            QL_TRY(ql_bulk_node(cx));
        }
    }
    return QL_OK;
}

static size_t
count_notes(const list *l)
{
    size_t notes = 0;
    for (const chunk *c = l->first; c != NULL; c = c->next) {
        for (size_t at = 0; at < c->n; notes++) {
            uint32_t head[2];
            memcpy(head, c->bytes + at, sizeof head);
            at += sizeof head + head[1];
        }
    }
    return notes;
}

ql_status
ql_notes_take(ql_ctx *cx, ql_notes *n, ql_arena *a, ql_str index, ql_str **keys, size_t *count)
{
    ql_table_watch_lock(n->table);
    list l = n->l;
    n->l = (list){.lost = l.lost};
    ql_table_watch_unlock(n->table);
    ql_status st;
    *keys = QL_ARENA_ARRAY(cx, a, ql_str, count_notes(&l) + 1);
    if (l.lost) {
        st = ql_fail(cx, QL_ER_INNODB_ONLINE_LOG_TOO_BIG, ql_cstr(cx, index));
        goto out;
    }
    st = *keys != NULL ? copy_keys(cx, n, &l, a, *keys, count) : QL_ERROR;
    if (st == QL_OK) {
        st = ql_bulk_sort(cx, a, *keys, *count, sizeof **keys, by_key);
    }
    size_t kept = 0;
    for (size_t i = 0; st == QL_OK && i < *count; i++) {
        st = ql_bulk_each(cx, i);
        if (i == 0 || !ql_str_eq((*keys)[i], (*keys)[kept - 1])) {
            (*keys)[kept++] = (*keys)[i];
        }
    }
    *count = kept;
out:
    free_list(&l);
    return st;
}
