/* SPDX-License-Identifier: Apache-2.0
 *
 * The B+-tree of a layer. A node's skip follows from the separators around it (its fences): any key
 * that is led there begins as both do, so it is right for what comes later, too. It is looked at
 * anew where a node is split whose heads have come out equal. Nodes are split in the middle, or,
 * where keys come in order, behind the last one. Used by the transaction's thread; the committer
 * reads it while the owner waits.
 */
#include "txn/wtree.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 6u   /* entries of a first leaf */
#define CROWDED 8u /* one head in so many equal to its neighbour: too many */
#define AHEAD 6u   /* entries that are fetched before a walk comes to them */
#define LINE 64u   /* bytes that are fetched at once */

static size_t
leaf_bytes(size_t cap)
{
    return sizeof(qli_wleaf) + cap * (sizeof(uint64_t) + sizeof(qli_wnode *));
}

static qli_wnode *const *
entries_of(const qli_wleaf *l)
{
    return (qli_wnode *const *)(const void *)&l->heads[l->cap];
}

/* --- heads --- */

/* Shorter keys end in zeros: what differs there still orders the keys. */
static uint64_t
head_of(ql_str key, size_t skip)
{
    uint64_t h = 0;
    size_t n = key.n > skip ? key.n - skip : 0;
    memcpy(&h, key.p + (n != 0 ? skip : 0), n < sizeof h ? n : sizeof h);
    return __builtin_bswap64(h);
}

/* Of keys with the same skip bytes and the same head. */
static int
compare_behind(ql_str a, ql_str b, size_t skip)
{
    skip += sizeof(uint64_t);
    if (a.n < skip || b.n < skip) {
        return ql_str_cmp(a, b);
    }
    return ql_str_cmp((ql_str){a.p + skip, a.n - skip}, (ql_str){b.p + skip, b.n - skip});
}

/* How many heads are below h. Without branches: which way it goes nobody can predict. */
static uint32_t
count_below(const uint64_t *heads, uint32_t n, uint64_t h)
{
    const uint64_t *base = heads;
    while (n > 1) {
        uint32_t half = n / 2;
        base += base[half - 1] < h ? half : 0;
        n -= half;
    }
    return (uint32_t)(base - heads) + (n == 1 && *base < h);
}

/* How many of n keys are below key; found: the next one is equal. */
static uint32_t
search(const uint64_t *heads, const qli_wnode *const *keys, uint32_t n, ql_str key, size_t skip,
       bool *found)
{
    uint64_t h = head_of(key, skip);
    uint32_t low = count_below(heads, n, h), high = low;
    *found = false;
    if (low < n && heads[low] == h) {
        high = h == UINT64_MAX ? n : count_below(heads, n, h + 1);
    }
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int d = compare_behind(qli_wnode_key(keys[mid]), key, skip);
        if (d == 0) {
            *found = true;
            return mid;
        }
        low = d < 0 ? mid + 1 : low;
        high = d < 0 ? high : mid;
    }
    return low;
}

static size_t
in_common(const qli_wnode *a, const qli_wnode *b)
{
    if (a == NULL || b == NULL) {
        return 0;
    }
    ql_str x = qli_wnode_key(a), y = qli_wnode_key(b);
    size_t n = x.n < y.n ? x.n : y.n, i = 0;
    while (i < n && x.p[i] == y.p[i]) {
        i++;
    }
    return i;
}

static bool
is_crowded(const uint64_t *heads, uint32_t n)
{
    uint32_t equal = 0;
    for (uint32_t i = 1; i < n; i++) {
        equal += heads[i] == heads[i - 1];
    }
    return equal * CROWDED > n;
}

/* New heads where the old ones do not tell keys apart and these would. */
static void
rehash(uint64_t *heads, const qli_wnode *const *keys, uint32_t n, uint16_t *skip, size_t better)
{
    if (better <= *skip || !is_crowded(heads, n)) {
        return;
    }
    *skip = (uint16_t)better;
    for (uint32_t i = 0; i < n; i++) {
        heads[i] = head_of(qli_wnode_key(keys[i]), better);
    }
}

/* --- finding --- */

/* All lines of an array that a search is going to jump about in come at the same time. By force
 * inline: GCC 12 takes a function that does nothing but this for one without effect, and drops its
 * calls. */
static inline __attribute__((always_inline)) void
fetch(const void *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE) {
        __builtin_prefetch((const char *)p + i);
    }
}

static uint32_t
child_for(const qli_winner *in, ql_str key)
{
    bool found;
    uint32_t below = search(in->heads + 1, in->low + 1, in->n - 1u, key, in->skip, &found);
    return below + found;
}

static bool
is_outside(const qli_wtree *t, ql_str key, qli_wplace *p)
{
    qli_wleaf *last = t->last;
    if (ql_str_cmp(qli_wnode_key(entries_of(last)[last->n - 1]), key) < 0) {
        p->leaf = last;
        p->i = last->n;
        return true;
    }
    /* Its first leaf's fence may be gone. */
    if (t->cut && ql_str_cmp(key, qli_wnode_key(entries_of(t->first)[0])) < 0) {
        p->leaf = t->first;
        p->i = 0;
        return true;
    }
    return false;
}

void
qli_wtree_find(const qli_wtree *t, ql_str key, qli_wplace *p)
{
    p->leaf = NULL;
    p->i = 0;
    p->found = p->traced = false;
    if (t->root == NULL || is_outside(t, key, p)) {
        return;
    }
    void *node = t->root;
    for (int d = 0; d < t->height; d++) {
        qli_winner *in = node;
        uint32_t i = child_for(in, key);
        p->path[d] = in;
        p->child[d] = (uint8_t)i;
        node = in->child[i];
        fetch(node, d + 1 < t->height ? offsetof(qli_winner, low)
                                      : offsetof(qli_wleaf, heads) + QLI_WLEAF * sizeof(uint64_t));
    }
    p->traced = true;
    p->leaf = node;
    p->i = search(p->leaf->heads, (const qli_wnode *const *)entries_of(p->leaf), p->leaf->n, key,
                  p->leaf->skip, &p->found);
}

/* The path to where is_outside has found a place. */
static void
trace(const qli_wtree *t, qli_wplace *p)
{
    bool front = p->leaf == t->first && p->i == 0;
    void *node = t->root;
    for (int d = 0; !p->traced && d < t->height; d++) {
        p->path[d] = node;
        p->child[d] = (uint8_t)(front ? 0 : p->path[d]->n - 1);
        node = p->path[d]->child[p->child[d]];
    }
    p->traced = true;
}

/* What the keys below path[depth] lie between; NULL: nothing. */
static void
fences(const qli_wplace *p, int depth, const qli_wnode **low, const qli_wnode **high)
{
    *low = *high = NULL;
    for (int d = depth - 1; d >= 0 && (*low == NULL || *high == NULL); d--) {
        const qli_winner *in = p->path[d];
        uint32_t i = p->child[d];
        if (*low == NULL && i > 0) {
            *low = in->low[i];
        }
        if (*high == NULL && i + 1 < in->n) {
            *high = in->low[i + 1];
        }
    }
}

/* --- inserting --- */

static qli_wleaf *
new_leaf(qli_chunks *mem, uint32_t cap)
{
    qli_wleaf *l = qli_chunks_take(mem, leaf_bytes(cap));
    if (l != NULL) {
        *l = (qli_wleaf){.cap = (uint16_t)cap, .rising = true};
    }
    return l;
}

static void
put_entry(qli_wleaf *l, uint32_t i, qli_wnode *n)
{
    qli_wnode **at = qli_wleaf_entries(l);
    memmove(&l->heads[i + 1], &l->heads[i], (l->n - i) * sizeof *l->heads);
    memmove(&at[i + 1], &at[i], (l->n - i) * sizeof(qli_wnode *));
    l->heads[i] = head_of(qli_wnode_key(n), l->skip);
    at[i] = n;
    l->rising = i == l->n;
    l->n++;
}

/* Entries from i on, to an empty leaf. */
static void
hand_over(qli_wleaf *from, uint32_t i, qli_wleaf *to)
{
    to->n = (uint16_t)(from->n - i);
    to->skip = from->skip;
    memcpy(to->heads, &from->heads[i], to->n * sizeof *to->heads);
    memcpy(qli_wleaf_entries(to), &qli_wleaf_entries(from)[i], to->n * sizeof(qli_wnode *));
    from->n = (uint16_t)i;
}

/* The root is a small leaf: a larger one in its place. Who stands on the small one finds it empty.
 */
static bool
grow_first(qli_wtree *t, qli_chunks *mem)
{
    qli_wleaf *l = t->root;
    uint32_t cap = l == NULL ? LEAST : l->cap == LEAST ? QLI_WLEAF / 4 : QLI_WLEAF;
    qli_wleaf *more = new_leaf(mem, cap);
    if (more == NULL) {
        return false;
    }
    if (l != NULL) {
        hand_over(l, 0, more);
        more->rising = l->rising;
    }
    t->root = t->first = t->last = more;
    t->nleaves = 1;
    return true;
}

/* Nodes that a split takes: all there before anything changes. */
typedef struct fresh {
    qli_wleaf *leaf;
    qli_winner *inner[QLI_WDEPTH];
    int used;
} fresh;

static bool
take_fresh(const qli_wtree *t, qli_chunks *mem, const qli_wplace *p, fresh *f)
{
    int full = 0;
    while (full < t->height && p->path[t->height - 1 - full]->n == QLI_WINNER) {
        full++;
    }
    int n = full + (full == t->height); /* a new root, too */
    f->used = 0;
    f->leaf = new_leaf(mem, QLI_WLEAF);
    bool enough = f->leaf != NULL && t->height + (full == t->height) <= QLI_WDEPTH;
    for (int i = 0; i < n && enough; i++) {
        f->inner[i] = qli_chunks_take(mem, sizeof(qli_winner));
        enough = f->inner[i] != NULL;
    }
    return enough;
}

static qli_winner *
use_inner(qli_wtree *t, fresh *f)
{
    qli_winner *in = f->inner[f->used++];
    memset(in, 0, offsetof(qli_winner, heads));
    in->rising = true;
    t->ninners++;
    return in;
}

static void
put_child(qli_winner *in, uint32_t i, const qli_wnode *low, void *child)
{
    size_t n = in->n - i;
    memmove(&in->heads[i + 1], &in->heads[i], n * sizeof *in->heads);
    memmove(&in->low[i + 1], &in->low[i], n * sizeof *in->low);
    memmove(&in->child[i + 1], &in->child[i], n * sizeof *in->child);
    in->heads[i] = i > 0 ? head_of(qli_wnode_key(low), in->skip) : 0;
    in->low[i] = low;
    in->child[i] = child;
    in->rising = i == in->n;
    in->n++;
}

static void
rehash_inner(qli_winner *in, size_t better)
{
    if (in->n > 1) {
        rehash(in->heads + 1, in->low + 1, in->n - 1u, &in->skip, better);
    }
}

/* The full node path[d] becomes two; child, whose keys begin at low, comes to place i of it. *low
 * then is where the second one begins. */
static qli_winner *
split_inner(qli_wtree *t, const qli_wplace *p, int d, uint32_t i, const qli_wnode **low,
            void *child, fresh *f)
{
    qli_winner *in = p->path[d], *right = use_inner(t, f);
    const qli_wnode *from, *to, *middle = *low;
    fences(p, d, &from, &to);
    if (i == in->n && in->rising) {
        in->rising = false;
        right->skip = (uint16_t)in_common(middle, to);
        put_child(right, 0, NULL, child);
    } else {
        uint32_t half = QLI_WINNER / 2, n = in->n - half;
        right->n = (uint16_t)n;
        right->skip = in->skip;
        memcpy(right->heads, &in->heads[half], n * sizeof *in->heads);
        memcpy(right->low, &in->low[half], n * sizeof *in->low);
        memcpy(right->child, &in->child[half], n * sizeof *in->child);
        in->n = (uint16_t)half;
        in->rising = right->rising = false;
        middle = right->low[0];
        put_child(i <= half ? in : right, i <= half ? i : i - half, *low, child);
        rehash_inner(right, in_common(middle, to));
    }
    rehash_inner(in, in_common(from, middle));
    *low = middle;
    return right;
}

/* Behind the node that path[d] leads to stands another one now, whose keys begin at low. */
static void
link_right(qli_wtree *t, const qli_wplace *p, const qli_wnode *low, void *right, fresh *f)
{
    for (int d = t->height - 1; d >= 0; d--) {
        qli_winner *in = p->path[d];
        uint32_t i = p->child[d] + 1u;
        if (in->n < QLI_WINNER) {
            put_child(in, i, low, right);
            return;
        }
        right = split_inner(t, p, d, i, &low, right, f);
    }
    qli_winner *root = use_inner(t, f);
    put_child(root, 0, NULL, t->root);
    put_child(root, 1, low, right);
    t->root = root;
    t->height++;
}

static void
chain_behind(qli_wtree *t, qli_wleaf *l, qli_wleaf *right)
{
    right->prev = l;
    right->next = l->next;
    if (l->next != NULL) {
        l->next->prev = right;
    } else {
        t->last = right;
    }
    l->next = right;
    t->nleaves++;
}

static void
rehash_leaf(qli_wleaf *l, size_t better)
{
    rehash(l->heads, (const qli_wnode *const *)entries_of(l), l->n, &l->skip, better);
}

/* p->leaf is full. */
static bool
split_leaf(qli_wtree *t, qli_chunks *mem, qli_wplace *p, qli_wnode *n)
{
    fresh f;
    qli_wleaf *l = p->leaf;
    const qli_wnode *from, *to, *middle = n;
    trace(t, p);
    if (!take_fresh(t, mem, p, &f)) {
        return false;
    }
    fences(p, t->height, &from, &to);
    qli_wleaf *right = f.leaf;
    if (p->i == l->n && l->rising) {
        l->rising = false;
        right->skip = (uint16_t)in_common(middle, to);
        put_entry(right, 0, n);
    } else {
        uint32_t half = l->n / 2u;
        hand_over(l, half, right);
        l->rising = right->rising = false;
        middle = entries_of(right)[0];
        put_entry(p->i <= half ? l : right, p->i <= half ? p->i : p->i - half, n);
        rehash_leaf(right, in_common(middle, to));
    }
    rehash_leaf(l, in_common(from, middle));
    chain_behind(t, l, right);
    link_right(t, p, middle, right, &f);
    return true;
}

bool
qli_wtree_insert(qli_wtree *t, qli_chunks *mem, qli_wplace *p, qli_wnode *n)
{
    if (p->leaf == NULL || (p->leaf->n == p->leaf->cap && p->leaf->cap < QLI_WLEAF)) {
        if (!grow_first(t, mem)) {
            return false;
        }
        p->leaf = t->first;
    }
    if (QL_UNLIKELY(p->leaf->n == p->leaf->cap)) {
        return split_leaf(t, mem, p, n);
    }
    put_entry(p->leaf, p->i, n);
    return true;
}

/* Each node can be split at once, twice where keys came in order, and once more for each half of
 * what it then takes. */
static size_t
splits(size_t nodes, size_t n, size_t half)
{
    size_t most = 2 * nodes + 2 * n / half + 2;
    return n < most ? n : most;
}

size_t
qli_wtree_room(const qli_wtree *t, size_t n)
{
    size_t there = t->first != NULL ? t->first->n : 0, bytes = 2 * leaf_bytes(QLI_WLEAF);
    if (t->nleaves <= 1 && there + n <= QLI_WLEAF) { /* transactions of a few rows */
        return t->first != NULL && there + n <= t->first->cap ? 0 : bytes;
    }
    size_t leaves = splits(t->nleaves, n, QLI_WLEAF / 2);
    bytes += leaves * leaf_bytes(QLI_WLEAF);
    size_t inners = leaves;
    for (int d = 0; d <= t->height + 1; d++) {
        inners = splits(t->ninners, inners, QLI_WINNER / 2);
        bytes += (inners + 1) * sizeof(qli_winner);
    }
    return bytes;
}

/* --- cutting --- */

/* The first leaf is empty: out of the tree, with what is above it and has no other child. */
static void
drop_first(qli_wtree *t)
{
    qli_winner *path[QLI_WDEPTH];
    void *node = t->root;
    for (int d = 0; d < t->height; d++) {
        path[d] = node;
        node = path[d]->child[0];
    }
    int d = t->height - 1;
    while (d >= 0 && path[d]->n == 1) {
        d--;
        t->ninners--;
    }
    t->nleaves--;
    t->first = t->first->next;
    if (d < 0) {
        t->root = t->first = t->last = NULL;
        t->height = 0;
        t->cut = false;
        return;
    }
    qli_winner *in = path[d];
    in->n--;
    memmove(in->heads, in->heads + 1, in->n * sizeof *in->heads);
    memmove(in->low, in->low + 1, in->n * sizeof *in->low);
    memmove(in->child, in->child + 1, in->n * sizeof *in->child);
    t->first->prev = NULL;
}

void
qli_wtree_cut(qli_wtree *t, uint32_t n)
{
    qli_wleaf *l = t->first;
    qli_wnode **at = qli_wleaf_entries(l);
    l->n = (uint16_t)(l->n - n);
    t->cut = true;
    memmove(l->heads, &l->heads[n], l->n * sizeof *l->heads);
    memmove(at, &at[n], l->n * sizeof(qli_wnode *));
    if (l->n == 0) {
        drop_first(t);
    }
}

/* --- walking --- */

static qli_wpos
stand(qli_wleaf *l, uint32_t i)
{
    return l != NULL ? (qli_wpos){entries_of(l)[i], l, i} : (qli_wpos){NULL, NULL, 0};
}

qli_wpos
qli_wtree_first(const qli_wtree *t)
{
    return stand(t->first, 0);
}

static qli_wpos
stand_at(const qli_wplace *p)
{
    return p->leaf != NULL && p->i == p->leaf->n ? stand(p->leaf->next, 0) : stand(p->leaf, p->i);
}

static qli_wpos
stand_before(const qli_wplace *p)
{
    qli_wleaf *l = p->leaf;
    if (l == NULL || p->i > 0) {
        return stand(l, p->i - 1);
    }
    return l->prev != NULL ? stand(l->prev, l->prev->n - 1u) : stand(NULL, 0);
}

qli_wpos
qli_wtree_seek_ge(const qli_wtree *t, ql_str key)
{
    qli_wplace p;
    qli_wtree_find(t, key, &p);
    return stand_at(&p);
}

qli_wpos
qli_wtree_seek_lt(const qli_wtree *t, ql_str key)
{
    qli_wplace p;
    qli_wtree_find(t, key, &p);
    return stand_before(&p);
}

/* Where the entry is by now: others have come before it, or its leaf has been split. */
static qli_wplace
place_of(const qli_wtree *t, const qli_wpos *p)
{
    qli_wplace now = {.leaf = p->leaf, .i = p->i};
    if (QL_UNLIKELY(p->i >= p->leaf->n || entries_of(p->leaf)[p->i] != p->at)) {
        qli_wtree_find(t, qli_wnode_key(p->at), &now);
    }
    return now;
}

/* What a walk comes to soon: in a large set every entry is out of the cache. */
static inline __attribute__((always_inline)) void
fetch_ahead(const qli_wleaf *l, uint32_t i)
{
    const qli_wleaf *next = l->next;
    if (i == 0 && next != NULL) {
        fetch(next, sizeof *next);
        fetch(&next->heads[QLI_WLEAF], QLI_WLEAF * sizeof(qli_wnode *));
    }
    i += AHEAD;
    if (i >= l->n) {
        i -= l->n;
        l = next;
    }
    if (l != NULL && i < l->n) {
        fetch(entries_of(l)[i], 2 * (size_t)LINE);
    }
}

void
qli_wtree_next(const qli_wtree *t, qli_wpos *p)
{
    qli_wplace now = place_of(t, p);
    fetch_ahead(now.leaf, now.i);
    now.i++;
    *p = stand_at(&now);
}

void
qli_wtree_prev(const qli_wtree *t, qli_wpos *p)
{
    qli_wplace now = place_of(t, p);
    *p = stand_before(&now);
}

/* --- tests --- */

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static void
check_key(const qli_wnode *n, uint64_t head, size_t skip, const qli_wnode *low,
          const qli_wnode *high)
{
    ql_str key = qli_wnode_key(n);
    check(low == NULL || ql_str_cmp(qli_wnode_key(low), key) <= 0);
    check(high == NULL || ql_str_cmp(key, qli_wnode_key(high)) < 0);
    check(head == head_of(key, skip));
}

static size_t
check_leaf(qli_wleaf *l, const qli_wnode *low, const qli_wnode *high)
{
    check(l->n > 0 && l->n <= l->cap);
    for (uint32_t i = 0; i < l->n; i++) {
        check_key(entries_of(l)[i], l->heads[i], l->skip, low, high);
        check(i == 0 ||
              ql_str_cmp(qli_wnode_key(entries_of(l)[i - 1]), qli_wnode_key(entries_of(l)[i])) < 0);
    }
    return l->n;
}

static size_t
check_node(const qli_wtree *t, void *node, int depth, const qli_wnode *low, const qli_wnode *high,
           size_t *leaves)
{
    if (depth == t->height) {
        ++*leaves;
        return check_leaf(node, low, high);
    }
    const qli_winner *in = node;
    size_t count = 0;
    check(in->n > 0 && in->n <= QLI_WINNER);
    for (uint32_t i = 0; i < in->n; i++) {
        if (i > 0) {
            check_key(in->low[i], in->heads[i], in->skip, low, high);
        }
        count += check_node(t, in->child[i], depth + 1, i > 0 ? in->low[i] : low,
                            i + 1u < in->n ? in->low[i + 1] : high, leaves);
    }
    return count;
}

void
qli_wtree_check(const qli_wtree *t, size_t count)
{
    size_t leaves = 0, chained = 0;
    check((t->root == NULL) == (count == 0) || t->height == 0);
    check(t->root == NULL || check_node(t, t->root, 0, NULL, NULL, &leaves) == count);
    const qli_wleaf *before = NULL;
    for (const qli_wleaf *l = t->first; l != NULL; l = l->next) {
        check(l->prev == before);
        before = l;
        chained++;
    }
    check(t->last == before && chained == leaves && leaves == t->nleaves);
}
