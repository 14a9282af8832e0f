/* SPDX-License-Identifier: Apache-2.0
 *
 * Many keys looked for at once. One look-up in a tree that is larger than the processor's caches is
 * a chain of reads of memory, each of which waits for the one before it; here a group of keys goes
 * down the tree side by side, and what each of them reads next is asked for before the others take
 * their step, so that a group waits about as long as one. Pages are read in the mapping and
 * believed as little as damaged ones deserve: a key whose way is not a plain one (long keys, values
 * on pages of their own, anything that cannot be) is looked for by LMDB, which words what is wrong.
 * Any thread, with its snapshot; no locks, no waits.
 */
#include "intr/intr.h"
#include "kv/lmdb_pages.h"
#include "kv/redo_int.h"

#define GROUP 16u
#define LINE 64u       /* bytes of memory that come together */
#define HEAD_LINES 4u  /* of a page, with the places of its first entries */
#define VALUE_LINES 4u /* of a value that are asked for */
#define FEW 2u         /* so few are looked for one by one */

/* A key on its way. */
typedef struct walker {
    ql_str key;
    ql_str low, high; /* what the page above says of its page; empty: nothing */
    uint64_t number;
    const char *page;
    unsigned n, lo, hi; /* entries of the page; where the key may be */
    unsigned at, step;  /* the next to compare; how far to go from there */
    bool equal;         /* with entry lo */
    bool odd;           /* for LMDB */
} walker;

typedef struct walk {
    ql_ctx *cx;
    const qli_looks *looks;
    const qli_lroot *root;
    walker w[GROUP];
    unsigned n, group; /* walkers on their way; how many the next group has, at most */
} walk;

static inline uint64_t
load(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

/* The eight bytes of s from `from` on, as a number; zeros behind its end. */
static inline uint64_t
bytes_at(ql_str s, size_t from)
{
    uint64_t v = 0;
    if (from + sizeof v <= s.n) {
        return load(s.p + from);
    }
    if (from >= s.n) {
        return 0;
    }
    if (QL_LIKELY(s.n >= sizeof v)) {
        return load(s.p + s.n - sizeof v) << 8 * (from + sizeof v - s.n);
    }
    for (size_t i = from; i < from + sizeof v; i++) {
        v = v << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
    }
    return v;
}

static inline void
ask_for(const char *p, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++) {
        __builtin_prefetch(p + i * LINE);
    }
}

static inline const char *
address_of(const walk *k, uint64_t number)
{
    return (const char *)k->looks->map.from + number * k->looks->page_bytes;
}

static inline bool
can_be(const walk *k, uint64_t number)
{
    return number >= 2 && number <= k->root->last &&
           number < (k->looks->map.to - k->looks->map.from) / k->looks->page_bytes;
}

/* Where to look first: keys are taken to lie evenly between the two ends. */
static unsigned
guess(const walker *w)
{
    unsigned room = w->hi - w->lo;
    size_t at = 0;
    uint64_t low, high;
    if (w->high.n == 0) {
        return w->lo + room / 2;
    }
    while ((low = bytes_at(w->low, at)) == (high = bytes_at(w->high, at))) {
        at += sizeof low;
        if (at >= w->high.n) {
            return w->lo;
        }
    }
    uint64_t key = bytes_at(w->key, at);
    if (key <= low || high <= low) {
        return w->lo;
    }
    uint64_t each = (high - low) / room + 1;
    uint64_t part = (key - low) / each;
    return part < room ? w->lo + (unsigned)part : w->hi - 1;
}

/* The walker's page, of that level, is there: what is it? */
static void
enter_page(walk *k, walker *w, unsigned level)
{
    qli_page_head h;
    memcpy(&h, w->page, sizeof h);
    bool leaf = level + 1 == k->root->depth;
    w->odd = h.number != w->number ||
             (h.flags & QLI_P_KINDS) != (leaf ? QLI_P_LEAF : QLI_P_BRANCH) ||
             !qli_page_bounds_hold(&h, k->looks->page_bytes);
    w->n = w->odd ? 0 : (h.lower - QLI_PAGE_HEAD) / 2;
    w->lo = leaf || w->odd ? 0 : 1; /* the first of a branch page is in front of everything */
    w->hi = w->n;
    w->at = w->lo < w->hi ? guess(w) : 0;
    w->step = 1;
    w->equal = false;
}

static inline void
ask_for_next(const walk *k, const walker *w)
{
    uint16_t at;
    if (w->lo < w->hi) {
        memcpy(&at, w->page + QLI_PAGE_HEAD + 2 * w->at, sizeof at);
        const char *p = w->page + (at & (k->looks->page_bytes - 1));
        __builtin_prefetch(p);
        __builtin_prefetch(p + 24);
    }
}

static inline bool
node_of(const walk *k, const walker *w, unsigned i, qli_node *out)
{
    return qli_node_at(w->page, k->looks->page_bytes, i, QLI_PAGE_HEAD + 2 * w->n, out);
}

/* Key of entry i; n 0: it cannot be one. */
static inline ql_str
key_of(const walk *k, const walker *w, unsigned i)
{
    uint16_t at, n;
    memcpy(&at, w->page + QLI_PAGE_HEAD + 2 * i, sizeof at);
    if (QL_UNLIKELY(at < QLI_PAGE_HEAD || at + QLI_NODE_HEAD > k->looks->page_bytes)) {
        return (ql_str){"", 0};
    }
    memcpy(&n, w->page + at + QLI_NODE_HEAD - sizeof n, sizeof n);
    return (ql_str){w->page + at + QLI_NODE_HEAD,
                    n <= k->looks->page_bytes - at - QLI_NODE_HEAD ? n : 0};
}

static inline int
compare(ql_str a, ql_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t x = bytes_at(a, i), y = bytes_at(b, i);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

/* From where the key is not, farther each time, as long as less than half is left by it. */
static void
step_in_page(const walk *k, walker *w)
{
    ql_str there = key_of(k, w, w->at);
    if (QL_UNLIKELY(there.n == 0)) {
        w->odd = true;
        w->lo = w->hi = 0;
        return;
    }
    int c = compare(w->key, there);
    if (c == 0) {
        w->equal = true;
        w->lo = w->hi = w->at;
        return;
    }
    if (c > 0) {
        w->lo = w->at + 1;
    } else {
        w->hi = w->at;
    }
    unsigned room = w->hi - w->lo;
    w->at = w->step * 2 >= room ? w->lo + room / 2 : c > 0 ? w->lo + w->step - 1 : w->hi - w->step;
    w->step *= 2;
}

/* All find their places in their pages of that level. */
static ql_status
search_pages(walk *k, unsigned level)
{
    bool going = true;
    for (unsigned i = 0; i < k->n; i++) {
        QL_TRY(ql_check(k->cx)); /* the page may have to come from a cold disk */
        if (!k->w[i].odd) {
            enter_page(k, &k->w[i], level);
            ask_for_next(k, &k->w[i]);
        }
    }
    while (going) {
        going = false;
        for (unsigned i = 0; i < k->n; i++) {
            walker *w = &k->w[i];
            if (w->lo < w->hi) {
                step_in_page(k, w);
                ask_for_next(k, w);
                going |= w->lo < w->hi;
            }
        }
    }
    return QL_OK;
}

/* To the page of the next level. The entry in front of which the key would be is behind it; an
 * equal one leads to it. */
static void
go_down(const walk *k, walker *w)
{
    qli_node node, next;
    unsigned i = w->equal ? w->lo : w->lo - 1;
    if (w->odd || !node_of(k, w, i, &node) || !can_be(k, w->number = qli_node_child(&node))) {
        w->odd = true;
        w->lo = w->hi = 0;
        return;
    }
    w->low = i > 0 ? node.key : w->low;
    w->high = i + 1 < w->n && node_of(k, w, i + 1, &next) ? next.key : w->high;
    w->page = address_of(k, w->number);
    ask_for(w->page, HEAD_LINES);
}

/* The entry that a leaf has of the key, if it is a plain one. */
static bool
take_value(const walk *k, walker *w, qli_node *node)
{
    w->odd = w->odd || !node_of(k, w, w->lo, node) || node->flags != 0 ||
             (size_t)(node->lo | (size_t)node->hi << 16) > node->room;
    return !w->odd;
}

static ql_status
walk_down(walk *k)
{
    for (unsigned i = 0; i < k->n; i++) {
        k->w[i].number = k->root->root;
        k->w[i].odd = k->w[i].odd || !can_be(k, k->root->root);
        k->w[i].page = address_of(k, k->root->root);
        k->w[i].lo = k->w[i].hi = 0;
    }
    for (unsigned level = 0;; level++) {
        QL_TRY(search_pages(k, level));
        if (level + 1 == k->root->depth) {
            return QL_OK;
        }
        for (unsigned i = 0; i < k->n; i++) {
            go_down(k, &k->w[i]);
        }
    }
}

/* Values of the walkers' keys; p NULL: there is none. */
static ql_status
take_values(walk *k, qli_lsnap *s, ql_str *values)
{
    qli_node node;
    for (unsigned i = 0; i < k->n; i++) {
        walker *w = &k->w[i];
        if (w->equal && take_value(k, w, &node)) {
            size_t n = node.lo | (size_t)node.hi << 16;
            values[i] = (ql_str){node.data, n};
            ask_for(node.data, n < VALUE_LINES * LINE ? (unsigned)(n / LINE) + 1 : VALUE_LINES);
        }
    }
    for (unsigned i = 0; i < k->n; i++) {
        walker *w = &k->w[i];
        if (QL_UNLIKELY(w->odd)) {
            ql_status st = qli_lsnap_get(k->cx, &s->s, w->key, &values[i]);
            if (st == QL_ERROR || st == QL_KILLED) {
                return st;
            }
            values[i] = st == QL_OK ? values[i] : (ql_str){NULL, 0};
        } else if (!w->equal) {
            values[i] = (ql_str){NULL, 0};
        } else if (s->l->sums) {
            MDB_val v = {.mv_size = values[i].n, .mv_data = (void *)(uintptr_t)values[i].p};
            QL_TRY(qli_value_check(k->cx, s->l, w->key, &v));
            values[i].n -= QLI_SUM_BYTES;
        }
    }
    return QL_OK;
}

/* Where the tree of this snapshot begins, asked for while its head is there; false: it is gone. */
bool
qli_lsnap_root(qli_lsnap *s)
{
    const qli_looks *w = &s->l->looks;
    if (!s->root.asked) {
        qli_tree tree;
        s->root.asked = true;
        s->root.known = w->map.from != w->map.to &&
                        qli_pages_mapped_tree((const char *)w->map.from, w->page_bytes,
                                              mdb_txn_id(s->txn), &tree, &s->root.last) &&
                        tree.depth > 0 && tree.depth <= QLI_TREE_DEPTH;
        s->root.root = s->root.known ? tree.root : 0;
        s->root.depth = s->root.known ? tree.depth : 0;
    }
    return s->root.known;
}

static ql_status
get_one_by_one(ql_ctx *cx, ql_kv_snap *snap, const ql_str *keys, size_t n, ql_str *values)
{
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        ql_status st = qli_lsnap_get(cx, snap, keys[i], &values[i]);
        if (st != QL_OK) {
            QL_TRY(st == QL_END ? QL_OK : st);
            values[i] = (ql_str){NULL, 0};
        }
    }
    return QL_OK;
}

/* So many of the next keys are worth going down with side by side, after a group that has come to
 * some leaves: neighbours find each other in the leaf that the first of them has come to. */
static unsigned
next_group(const walk *k)
{
    unsigned leaves = 1;
    for (unsigned i = 1; i < k->n; i++) {
        leaves += k->w[i].page != k->w[i - 1].page;
    }
    return 2 * leaves < GROUP ? 2 * leaves : GROUP;
}

/* The next group of keys stands in its leaves. */
static ql_status
walk_group(walk *k, const ql_str *keys, size_t n)
{
    k->n = n < k->group ? (unsigned)n : k->group;
    for (unsigned i = 0; i < k->n; i++) {
        k->w[i].key = keys[i];
        k->w[i].low = k->w[i].high = (ql_str){"", 0};
        k->w[i].odd = keys[i].n == 0 || keys[i].n > QLI_PLAIN_MAX;
    }
    return walk_down(k);
}

/* Does the key lie in the leaf that the last one of the group has come to? Then it is looked for
 * there, alone. */
static bool
stays_in_leaf(walk *k, ql_str key)
{
    const walker *last = k->n > 0 ? &k->w[k->n - 1] : NULL;
    if (last == NULL || last->odd || key.n == 0 || key.n > QLI_PLAIN_MAX || last->high.n == 0 ||
        compare(key, last->low) < 0 || compare(key, last->high) >= 0) {
        return false;
    }
    walker w = *last;
    w.key = key;
    w.lo = 0;
    w.hi = w.n;
    w.at = guess(&w);
    w.step = 1;
    w.equal = false;
    while (w.lo < w.hi) {
        step_in_page(k, &w);
    }
    k->w[0] = w;
    k->n = 1;
    return true;
}

ql_status
qli_lsnap_get_many(ql_ctx *cx, ql_kv_snap *snap, const ql_str *keys, size_t n, ql_str *values)
{
    qli_lsnap *s = (qli_lsnap *)snap;
    if (n <= FEW || !qli_lsnap_root(s)) {
        return get_one_by_one(cx, snap, keys, n, values);
    }
    walk k = {.cx = cx, .looks = &s->l->looks, .root = &s->root, .group = GROUP};
    for (size_t at = 0; at < n; at += k.n) {
        if (stays_in_leaf(&k, keys[at])) {
            QL_TRY(ql_check(cx));
        } else {
            QL_TRY(walk_group(&k, keys + at, n - at));
            k.group = next_group(&k);
        }
        QL_TRY(take_values(&k, s, values + at));
    }
    return QL_OK;
}

/* What LMDB's search, which halves, will look at in the leaf on its way to entry lo. */
static void
ask_for_way(const walk *k, const walker *w)
{
    unsigned low = 0, high = w->odd ? 0 : w->n;
    while (low < high) {
        unsigned mid = (low + high - 1) / 2;
        uint16_t at;
        memcpy(&at, w->page + QLI_PAGE_HEAD + 2 * mid, sizeof at);
        const char *p = w->page + (at & (k->looks->page_bytes - 1));
        __builtin_prefetch(p);
        __builtin_prefetch(p + 24);
        if (mid < w->lo) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
}

ql_status
qli_lsnap_warm(ql_ctx *cx, ql_kv_snap *snap, const ql_str *keys, size_t n)
{
    qli_lsnap *s = (qli_lsnap *)snap;
    if (n <= FEW || !qli_lsnap_root(s)) {
        return QL_OK;
    }
    walk k = {.cx = cx, .looks = &s->l->looks, .root = &s->root, .group = GROUP};
    for (size_t at = 0; at < n; at += k.n) {
        QL_TRY(walk_group(&k, keys + at, n - at));
        for (unsigned i = 0; i < k.n; i++) {
            ask_for_way(&k, &k.w[i]);
        }
    }
    return QL_OK;
}
