/* SPDX-License-Identifier: Apache-2.0
 *
 * AVL trees of locks (Adelson-Velsky and Landis; Knuth, The Art of Computer Programming 3, 6.2.3)
 * that also keep summaries of subtrees, as interval trees do (Cormen et al., Introduction to
 * Algorithms, 14.3). Nothing here allocates or fails.
 */
#include "txn/locktree.h"

#include <stdlib.h>

#include "txn/txn_int.h"

#define DEPTH QLI_LOCK_DEPTH
#define LINE 64       /* bytes that are fetched at once */
#define WORDS_MAX 32u /* bytes of keys that are compared in words */

/* As ql_str_cmp; keys of an index differ within some words. */
static inline int
compare(ql_str a, ql_str b)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    size_t words = n < WORDS_MAX ? n : WORDS_MAX;
    for (uint64_t x, y; i + sizeof x <= words; i += sizeof x) {
        memcpy(&x, a.p + i, sizeof x);
        memcpy(&y, b.p + i, sizeof y);
        if (x != y) {
            return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
        }
    }
    int d = n > i ? memcmp(a.p + i, b.p + i, n - i) : 0;
    return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

static int
compare_place(qli_lock *a, ql_str key, uint64_t ticket)
{
    int d = compare(qli_lock_low(a), key);
    return d != 0 ? d : (a->ticket > ticket) - (a->ticket < ticket);
}

static int
height(const qli_lock *n)
{
    return n != NULL ? n->height : 0;
}

static qli_lock *
farther(qli_lock *a, qli_lock *b)
{
    return ql_str_cmp(qli_span_high(b), qli_span_high(a)) > 0 ? b : a;
}

/* What n knows of its subtree, from its children. */
static void
summarize(const qli_locktree *t, qli_lock *n)
{
    const qli_lock *l = n->left, *r = n->right;
    int hl = height(l), hr = height(r);
    n->height = (uint8_t)((hl > hr ? hl : hr) + 1);
    n->below = (uint8_t)(n->cls | (l != NULL ? l->below : 0) | (r != NULL ? r->below : 0));
    n->uniform = (l == NULL || (l->uniform && l->owner == n->owner)) &&
                 (r == NULL || (r->uniform && r->owner == n->owner));
    if (t->spans) {
        qli_lock *top = n->left != NULL ? farther(n, qli_span_of(n->left)->top) : n;
        qli_span_of(n)->top = n->right != NULL ? farther(top, qli_span_of(n->right)->top) : top;
    }
}

static void
rotate_right(const qli_locktree *t, qli_lock **link)
{
    qli_lock *n = *link, *up = n->left;
    n->left = up->right;
    up->right = n;
    *link = up;
    summarize(t, n);
    summarize(t, up);
}

static void
rotate_left(const qli_locktree *t, qli_lock **link)
{
    qli_lock *n = *link, *up = n->right;
    n->right = up->left;
    up->left = n;
    *link = up;
    summarize(t, n);
    summarize(t, up);
}

static void
balance(const qli_locktree *t, qli_lock **link)
{
    qli_lock *n = *link;
    int d = height(n->left) - height(n->right);
    if (d > 1) {
        if (height(n->left->left) < height(n->left->right)) {
            rotate_left(t, &n->left);
        }
        rotate_right(t, link);
    } else if (d < -1) {
        if (height(n->right->right) < height(n->right->left)) {
            rotate_right(t, &n->right);
        }
        rotate_left(t, link);
    } else {
        summarize(t, n);
    }
}

/* In a large tree nodes are out of the cache: both that can be next come while n's key is compared.
 * By force inline, as in wtree.c. */
static inline __attribute__((always_inline)) void
fetch(const qli_lock *n)
{
    if (n != NULL) {
        __builtin_prefetch(n);
        __builtin_prefetch((const char *)n + LINE);
    }
}

static inline __attribute__((always_inline)) void
fetch_lower(const qli_lock *n)
{
    fetch(n->left);
    fetch(n->right);
}

/* Links from the root down to the place of (key, ticket): *path[d-1] is l or NULL. */
static int
find_path(qli_locktree *t, ql_str key, uint64_t ticket, qli_lock **path[DEPTH])
{
    int d = 0;
    qli_lock **link = &t->root;
    for (;;) {
        path[d++] = link;
        if (*link == NULL) {
            return d;
        }
        fetch_lower(*link);
        int c = compare_place(*link, key, ticket);
        if (c == 0) {
            return d;
        }
        link = c > 0 ? &(*link)->left : &(*link)->right;
    }
}

/* Does n's subtree know of l, which has come into it? Then all above it does. */
static bool
knows_of(const qli_lock *n, const qli_lock *l)
{
    return (n->below & l->cls) == l->cls && (!n->uniform || n->owner == l->owner);
}

static void
insert_at(qli_locktree *t, qli_lock *l, qli_lock **path[DEPTH], int d)
{
    l->left = l->right = NULL;
    l->linked = true;
    *path[d - 1] = l;
    summarize(t, l);
    bool grows = true; /* the subtree below has become higher */
    for (int i = d - 2; i >= 0; i--) {
        qli_lock *n = *path[i];
        if (grows) {
            uint8_t before = n->height;
            balance(t, path[i]);
            grows = (*path[i])->height != before;
            continue;
        }
        if (!t->spans && knows_of(n, l)) {
            break;
        }
        n->below |= l->cls;
        n->uniform = n->uniform && n->owner == l->owner;
        if (t->spans) {
            qli_span_of(n)->top = farther(qli_span_of(n)->top, l);
        }
    }
    t->count++;
}

void
qli_locktree_insert(qli_locktree *t, qli_lock *l)
{
    qli_lock **path[DEPTH];
    int d = find_path(t, qli_lock_low(l), l->ticket, path);
    insert_at(t, l, path, d);
}

bool
qli_locktree_probe(qli_locktree *t, ql_str key, qli_lock_place *place)
{
    qli_lock **link = &t->root;
    place->depth = 0;
    for (;;) {
        place->path[place->depth++] = link;
        qli_lock *n = *link;
        if (n == NULL) {
            return false;
        }
        fetch_lower(n);
        int c = compare(qli_lock_low(n), key);
        if (c == 0) {
            return true;
        }
        link = c > 0 ? &n->left : &n->right;
    }
}

void
qli_locktree_insert_at(qli_locktree *t, qli_lock *l, qli_lock_place *place)
{
    insert_at(t, l, place->path, place->depth);
}

bool
qli_locktree_forget(qli_locktree *t, const qli_trx *trx)
{
    if (t->root == NULL || !t->root->uniform || t->root->owner != trx) {
        return false;
    }
    t->root = NULL;
    t->count = 0;
    return true;
}

void
qli_locktree_remove(qli_locktree *t, qli_lock *l)
{
    qli_lock **path[DEPTH];
    int d = find_path(t, qli_lock_low(l), l->ticket, path);
    int at = d - 1; /* where l hung */
    if (l->left == NULL || l->right == NULL) {
        *path[at] = l->left != NULL ? l->left : l->right;
        d--;
    } else {
        /* Its successor takes its place. */
        qli_lock **link = &l->right;
        while (*link != NULL) {
            path[d++] = link;
            link = &(*link)->left;
        }
        qli_lock *s = *path[d - 1];
        *path[d - 1] = s->right;
        d--;
        s->left = l->left;
        s->right = l->right;
        *path[at] = s;
        if (at + 1 < d) {
            path[at + 1] = &s->right;
        }
    }
    for (int i = d - 1; i >= 0; i--) {
        qli_lock *n = *path[i];
        uint8_t h = n->height, below = n->below;
        bool uniform = n->uniform;
        balance(t, path[i]);
        qli_lock *m = *path[i];
        if (!t->spans && i < at && m == n && m->height == h && m->below == below &&
            m->uniform == uniform) {
            break;
        }
    }
    l->linked = false;
    t->count--;
}

void
qli_locktree_raise(qli_locktree *t, qli_lock *l)
{
    qli_lock **path[DEPTH];
    int d = find_path(t, qli_lock_low(l), l->ticket, path);
    for (int i = d - 1; i >= 0; i--) {
        summarize(t, *path[i]);
    }
}

void
qli_locktree_stretch(qli_locktree *t, qli_lock *l)
{
    qli_lock **path[DEPTH];
    int d = find_path(t, qli_lock_low(l), l->ticket, path);
    for (int i = d - 1; i >= 0; i--) {
        qli_span *s = qli_span_of(*path[i]);
        s->top = farther(s->top, l);
    }
}

typedef struct walk {
    ql_str key;
    uint64_t ticket;
    bool (*hit)(void *arg, qli_lock *l);
    void *arg;
} walk;

static bool
walk_node(const walk *w, qli_lock *n)
{
    for (; n != NULL; n = n->right) {
        if (compare_place(n, w->key, w->ticket) > 0 &&
            (walk_node(w, n->left) || w->hit(w->arg, n))) {
            return true;
        }
    }
    return false;
}

bool
qli_locktree_walk(const qli_locktree *t, ql_str key, uint64_t ticket,
                  bool (*hit)(void *arg, qli_lock *l), void *arg)
{
    return walk_node(&(walk){key, ticket, hit, arg}, t->root);
}

static bool
walk_node_back(const walk *w, qli_lock *n)
{
    for (; n != NULL; n = n->left) {
        if (compare_place(n, w->key, w->ticket) < 0 &&
            (walk_node_back(w, n->right) || w->hit(w->arg, n))) {
            return true;
        }
    }
    return false;
}

bool
qli_locktree_walk_back(const qli_locktree *t, ql_str key, uint64_t ticket,
                       bool (*hit)(void *arg, qli_lock *l), void *arg)
{
    return walk_node_back(&(walk){key, ticket, hit, arg}, t->root);
}

/* --- searching --- */

static bool
is_void(const qli_lock *l)
{
    return atomic_load_explicit(&l->owner->ended, memory_order_acquire);
}

/* Nothing in n's subtree can be looked for. */
static bool
can_skip(const qli_locktree *t, const qli_overlap *q, qli_lock *n)
{
    if ((n->below & q->classes) == 0) {
        return true;
    }
    if (n->uniform &&
        (n->owner == q->except || (q->only != NULL && n->owner != q->only) || is_void(n))) {
        return true;
    }
    return t->spans && ql_str_cmp(qli_span_high(qli_span_of(n)->top), q->low) <= 0;
}

static bool
is_wanted(const qli_overlap *q, const qli_lock *n)
{
    return (n->cls & q->classes) != 0 && n->owner != q->except &&
           (q->only == NULL || n->owner == q->only) && !is_void(n);
}

static bool
search(const qli_locktree *t, qli_overlap *q, qli_lock *n)
{
    while (n != NULL && !can_skip(t, q, n)) {
        if (q->budget-- == 0) {
            q->budget = 0;
            return true;
        }
        int from_low = ql_str_cmp(qli_lock_low(n), q->low);
        bool before_end = q->point ? from_low <= 0 : ql_str_cmp(qli_lock_low(n), q->high) < 0;
        if (before_end) {
            if (search(t, q, n->right)) {
                return true;
            }
            bool overlaps = t->spans ? ql_str_cmp(qli_span_high(n), q->low) > 0 : from_low >= 0;
            if (overlaps && is_wanted(q, n) && q->hit(q->arg, n)) {
                return true;
            }
        }
        if (!t->spans && from_low < 0) {
            return false;
        }
        n = n->left;
    }
    return false;
}

bool
qli_locktree_search(const qli_locktree *t, qli_overlap *q)
{
    return search(t, q, t->root);
}

/* --- tests --- */

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static size_t
check_node(const qli_locktree *t, qli_lock *n)
{
    if (n == NULL) {
        return 0;
    }
    size_t count = check_node(t, n->left) + check_node(t, n->right) + 1;
    qli_lock was = *n;
    qli_lock *top = t->spans ? qli_span_of(n)->top : NULL;
    int d = height(n->left) - height(n->right);
    check(n->linked && d >= -1 && d <= 1);
    check(n->left == NULL || compare_place(n->left, qli_lock_low(n), n->ticket) < 0);
    check(n->right == NULL || compare_place(n->right, qli_lock_low(n), n->ticket) > 0);
    summarize(t, n);
    check(n->height == was.height && n->below == was.below && n->uniform == was.uniform);
    check(!t->spans || ql_str_cmp(qli_span_high(top), qli_span_high(qli_span_of(n)->top)) == 0);
    return count;
}

void
qli_locktree_check(const qli_locktree *t)
{
    check(check_node(t, t->root) == t->count);
}
