/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking LMDB's trees with pread. Each number read from a page is checked before it is used, so
 * that no damage leads out of a buffer or round in circles. Owner file of raw reads of the data
 * file. Checkpoints once in 64 pages; no locks.
 */
#include "kv/lmdb_pages.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "intr/intr.h"

#define MAGIC 0xBEEFC0DEu
#define NONE UINT64_MAX

typedef struct meta_tree {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branch, leaf, overflow, entries, root;
} meta_tree;

typedef struct meta {
    uint32_t magic, version;
    uint64_t address, mapsize;
    meta_tree tree[2];
    uint64_t last, txn;
} meta;

_Static_assert(sizeof(qli_page_head) == QLI_PAGE_HEAD && sizeof(meta) == 136, "LMDB's format");

static int
read_at(int fd, void *p, size_t n, uint64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t m = pread(fd, (char *)p + got, n - got, (off_t)(at + got));
        if (m < 0 && errno != EINTR) {
            return errno;
        }
        if (m == 0) {
            return ENODATA;
        }
        got += m > 0 ? (size_t)m : 0;
    }
    return 0;
}

static bool
read_meta(int fd, uint64_t at, meta *m)
{
    qli_page_head h;
    return read_at(fd, &h, sizeof h, at) == 0 && (h.flags & QLI_P_META) != 0 &&
           read_at(fd, m, sizeof *m, at + QLI_PAGE_HEAD) == 0 && m->magic == MAGIC &&
           m->version == 1 && m->tree[0].pad >= 512 && m->tree[0].pad <= 65536 &&
           (m->tree[0].pad & (m->tree[0].pad - 1)) == 0;
}

bool
qli_pages_mapped_tree(const char *map, uint32_t page_bytes, uint64_t txn, qli_tree *tree,
                      uint64_t *last)
{
    /* Written by the next transaction but one, whole or not: what is read counts when the number is
     * the same before and behind it. */
    const char *at = map + (txn & 1) * page_bytes + QLI_PAGE_HEAD;
    uint64_t after;
    meta m;
    memcpy(&m, at, sizeof m);
    atomic_thread_fence(memory_order_acquire);
    memcpy(&after, at + offsetof(meta, txn), sizeof after);
    if (m.magic != MAGIC || m.version != 1 || m.txn != txn || after != txn) {
        return false;
    }
    const meta_tree *t = &m.tree[QLI_TREE_MAIN];
    *tree = (qli_tree){t->branch, t->leaf, t->overflow, t->entries, t->root, t->depth};
    *last = m.last;
    return true;
}

static ql_status
damaged(ql_ctx *cx, const char *path, const char *why)
{
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "'%s' %s", path, why);
}

ql_status
qli_pages_open(ql_ctx *cx, qli_pages *p, const char *path)
{
    meta a, b;
    struct stat sb;
    *p = (qli_pages){.cx = cx};
    p->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (p->fd < 0 || fstat(p->fd, &sb) != 0) {
        return damaged(cx, path, ql_errno_text(errno));
    }
    bool has_a = read_meta(p->fd, 0, &a);
    bool has_b = read_meta(p->fd, has_a ? a.tree[0].pad : 4096, &b);
    if (!has_a && !has_b) {
        return damaged(cx, path, "is damaged: neither of its two heads is whole");
    }
    const meta *m = has_b && (!has_a || b.txn > a.txn) ? &b : &a;
    p->page_bytes = m->tree[0].pad;
    p->there = (uint64_t)sb.st_size / p->page_bytes;
    p->last = m->last;
    for (int i = 0; i < 2; i++) {
        const meta_tree *t = &m->tree[i];
        p->tree[i] = (qli_tree){t->branch, t->leaf, t->overflow, t->entries, t->root, t->depth};
    }
    return QL_OK;
}

void
qli_pages_close(qli_pages *p)
{
    if (p->fd >= 0) {
        (void)close(p->fd);
    }
    for (int i = 0; i < QLI_TREE_DEPTH; i++) {
        ql_mem_free(p->buf[i]);
    }
    ql_mem_free(p->big);
    ql_mem_free(p->seen);
}

/* --- walking --- */

typedef struct walk {
    qli_pages *p;
    qli_tree count; /* what is met */
    uint32_t depth; /* of the tree, as the head says */
} walk;

static ql_status
wrong(qli_pages *p, uint64_t page, const char *what)
{
    return p->found(p->arg, page, what, (ql_str){p->near, p->near_n});
}

/* False: page n cannot be one of this tree (*st: what the listener says). */
static bool
may_visit(qli_pages *p, uint64_t n, uint64_t count, ql_status *st)
{
    *st = QL_OK;
    if (n < 2 || n > p->last || count > p->last - n + 1) {
        *st = wrong(p, n, "a page number that does not exist");
        return false;
    }
    if (n + count > p->there) {
        *st = wrong(p, n, "a page behind the end of the file");
        return false;
    }
    for (uint64_t i = n; p->seen != NULL && i < n + count; i++) {
        if ((p->seen[i / 8] & (1u << i % 8)) != 0) {
            *st = wrong(p, i, "a page that is used twice");
            return false;
        }
        p->seen[i / 8] |= (unsigned char)(1u << i % 8);
    }
    return true;
}

/* Value on pages of its own, from page n on. */
static ql_status
read_big(walk *w, uint64_t n, size_t size, ql_str *value, bool *whole)
{
    qli_pages *p = w->p;
    uint64_t count = (QLI_PAGE_HEAD + (uint64_t)size + p->page_bytes - 1) / p->page_bytes;
    ql_status st;
    qli_page_head h;
    uint32_t said;
    *whole = false;
    if (!may_visit(p, n, count, &st)) {
        return st;
    }
    if (read_at(p->fd, &h, sizeof h, n * p->page_bytes) != 0) {
        return wrong(p, n, "a page that cannot be read");
    }
    memcpy(&said, &h.lower, sizeof said);
    if (h.number != n || (h.flags & QLI_P_KINDS) != QLI_P_OVERFLOW || said != count) {
        return wrong(p, n, "no page of a long value where one is wanted");
    }
    if (p->big_size < size) {
        char *more = ql_mem_realloc(p->big, size);
        if (more == NULL) {
            return ql_fail_oom(p->cx, size);
        }
        p->big = more;
        p->big_size = size;
    }
    if (read_at(p->fd, p->big, size, n * p->page_bytes + QLI_PAGE_HEAD) != 0) {
        return wrong(p, n, "a page that cannot be read");
    }
    w->count.overflow += count;
    *value = (ql_str){p->big, size};
    *whole = true;
    return QL_OK;
}

bool
qli_page_bounds_hold(const qli_page_head *h, uint32_t page_bytes)
{
    return h->lower > QLI_PAGE_HEAD && h->lower <= h->upper && h->upper <= page_bytes &&
           h->lower % 2 == 0;
}

bool
qli_node_at(const char *page, uint32_t page_bytes, unsigned i, unsigned lower, qli_node *out)
{
    uint16_t at;
    memcpy(&at, page + QLI_PAGE_HEAD + 2 * i, sizeof at);
    if (at < lower || at + QLI_NODE_HEAD > page_bytes) {
        return false;
    }
    memcpy(&out->lo, page + at, QLI_NODE_HEAD);
    size_t left = page_bytes - at - QLI_NODE_HEAD;
    if (out->key_n > left || out->key_n > QLI_NODE_KEY_MAX) {
        return false;
    }
    out->data = page + at + QLI_NODE_HEAD + out->key_n;
    out->key = (ql_str){page + at + QLI_NODE_HEAD, out->key_n};
    out->room = left - out->key_n;
    return true;
}

/* The keys of the free list are numbers in the machine's order. */
static int
compare_keys(bool is_free, ql_str a, ql_str b)
{
    uint64_t x, y;
    if (!is_free || a.n != 8 || b.n != 8) {
        return ql_str_cmp(a, b);
    }
    memcpy(&x, a.p, 8);
    memcpy(&y, b.p, 8);
    return x < y ? -1 : x > y;
}

static ql_status
take_leaf(walk *w, uint64_t number, const qli_node *n)
{
    qli_pages *p = w->p;
    size_t size = n->lo | (size_t)n->hi << 16;
    ql_str value = {n->data, size};
    bool whole = true;
    if ((n->flags & ~QLI_N_BIG) != 0) {
        return wrong(p, number, "an entry of a kind that is not used");
    }
    if ((n->flags & QLI_N_BIG) != 0) {
        uint64_t at;
        if (n->room < sizeof at) {
            return wrong(p, number, "an entry that does not lie in its page");
        }
        memcpy(&at, n->data, sizeof at);
        QL_TRY(read_big(w, at, size, &value, &whole));
    } else if (size > n->room) {
        return wrong(p, number, "an entry that does not lie in its page");
    }
    w->count.entries++;
    return whole && p->entry != NULL ? p->entry(p->arg, n->key, value) : QL_OK;
}

static ql_status visit(walk *w, uint64_t number, uint32_t level, ql_str low, ql_str high,
                       bool free);

/* Keys of the page: ascending, not below low, below high (empty: unbounded). The first of a branch
 * page stands for low. */
static ql_status
visit_nodes(walk *w, uint64_t number, uint32_t level, const char *page, const qli_page_head *h,
            ql_str low, ql_str high, bool is_free)
{
    qli_pages *p = w->p;
    bool leaf = (h->flags & QLI_P_LEAF) != 0;
    unsigned n = (h->lower - QLI_PAGE_HEAD) / 2;
    ql_str before = low;
    for (unsigned i = 0; i < n; i++) {
        qli_node at, next;
        if (!qli_node_at(page, p->page_bytes, i, h->lower, &at)) {
            QL_TRY(wrong(p, number, "an entry that does not lie in its page"));
            continue;
        }
        bool first = i == 0 && !leaf;
        if (!first &&
            ((before.n != 0 && compare_keys(is_free, at.key, before) < (i == 0 ? 0 : 1)) ||
             (high.n != 0 && compare_keys(is_free, at.key, high) >= 0))) {
            QL_TRY(wrong(p, number, "a key out of order"));
        }
        if (leaf) {
            memcpy(p->near, at.key.p, at.key.n);
            p->near_n = at.key.n;
            QL_TRY(take_leaf(w, number, &at));
        } else {
            uint64_t child = qli_node_child(&at);
            bool more = i + 1 < n && qli_node_at(page, p->page_bytes, i + 1, h->lower, &next);
            QL_TRY(
                visit(w, child, level + 1, first ? low : at.key, more ? next.key : high, is_free));
        }
        before = first ? low : at.key;
    }
    return QL_OK;
}

static ql_status
visit(walk *w, uint64_t number, uint32_t level, ql_str low, ql_str high, bool is_free)
{
    qli_pages *p = w->p;
    qli_page_head h;
    ql_status st;
    if (!may_visit(p, number, 1, &st)) {
        return st;
    }
    if (++p->look % 64 == 0) {
        QL_TRY(ql_check(p->cx));
    }
    if (level >= QLI_TREE_DEPTH || level >= w->depth) {
        return wrong(p, number, "the tree is deeper than its head says");
    }
    if (p->buf[level] == NULL) {
        p->buf[level] = ql_mem_alloc(p->page_bytes);
        if (p->buf[level] == NULL) {
            return ql_fail_oom(p->cx, p->page_bytes);
        }
    }
    char *page = p->buf[level];
    if (read_at(p->fd, page, p->page_bytes, number * p->page_bytes) != 0) {
        return wrong(p, number, "a page that cannot be read");
    }
    memcpy(&h, page, sizeof h);
    unsigned want = level + 1 == w->depth ? QLI_P_LEAF : QLI_P_BRANCH;
    if (h.number != number) {
        return wrong(p, number, "a page that says it is another");
    }
    if ((h.flags & QLI_P_KINDS) != want) {
        return wrong(p, number, "a page of another kind than its place wants");
    }
    if (!qli_page_bounds_hold(&h, p->page_bytes)) {
        return wrong(p, number, "a page whose bounds cannot be");
    }
    p->pages++;
    w->count.leaf += want == QLI_P_LEAF;
    w->count.branch += want == QLI_P_BRANCH;
    return visit_nodes(w, number, level, page, &h, low, high, is_free);
}

ql_status
qli_pages_walk(qli_pages *p, int which)
{
    const qli_tree *t = &p->tree[which];
    walk w = {.p = p, .depth = t->depth};
    char text[160];
    p->near_n = 0;
    if (t->root != NONE) {
        QL_TRY(visit(&w, t->root, 0, (ql_str){"", 0}, (ql_str){"", 0}, which == QLI_TREE_FREE));
    }
    if (w.count.entries != t->entries || w.count.leaf != t->leaf || w.count.branch != t->branch ||
        w.count.overflow != t->overflow) {
        (void)snprintf(text, sizeof text,
                       "%llu entries on %llu pages, where its head says %llu on %llu",
                       (unsigned long long)w.count.entries,
                       (unsigned long long)(w.count.leaf + w.count.branch + w.count.overflow),
                       (unsigned long long)t->entries,
                       (unsigned long long)(t->leaf + t->branch + t->overflow));
        p->near_n = 0;
        return wrong(p, t->root, text);
    }
    return QL_OK;
}
