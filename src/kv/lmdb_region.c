/* SPDX-License-Identifier: Apache-2.0
 *
 * How many keys lie between two others: LMDB's tree is descended along both ends, and where the
 * paths have parted what lies between is counted in subtrees of the size that some probes tell
 * (the way of InnoDB's btr_estimate_n_rows_in_range). What is in memory and not yet in LMDB is
 * added, from a spread of its keys. Branch pages are read in the mapping and believed as little as
 * damaged ones deserve: nothing read here leads out of it, and what cannot be ends the estimate.
 * Any thread, with its snapshot; no locks, no waits.
 */
#include "kv/lmdb_pages.h"
#include "kv/redo_int.h"

#define LEVELS QLI_TREE_DEPTH
#define SPREAD 256u  /* nodes of a generation that are kept */
#define LOOKED_UP 16 /* of them are looked for in LMDB */

/* Where the path to one end goes through a page. */
typedef struct step {
    const char *page;
    unsigned n, i; /* entries; the one on the path. On the leaf of an end: entries in front of it */
} step;

struct qli_region {
    const qli_looks *w;
    uint64_t last; /* page in use */
    unsigned depth, top;
    step left[LEVELS], right[LEVELS];
    double fan[LEVELS];      /* entries of a page of that level, on average */
    double whole[LEVELS];    /* keys below such a page */
    double to_right[LEVELS]; /* keys behind the left end, in its page of that level and below */
    double to_left[LEVELS];
    double in_file, added; /* keys in LMDB; in memory, those only that are not in LMDB */
    size_t nspread;
    const qli_mnode *spread[SPREAD * QLI_GENS];
};

/* Page `number` of level `level`; NULL: it cannot be. */
static const char *
page_at(const struct qli_region *r, uint64_t number, unsigned level, unsigned *n)
{
    const qli_looks *w = r->w;
    qli_page_head h;
    if (number < 2 || number > r->last || number >= (w->map.to - w->map.from) / w->page_bytes) {
        return NULL;
    }
    const char *page = (const char *)w->map.from + number * w->page_bytes;
    memcpy(&h, page, sizeof h);
    unsigned kind = level + 1 == r->depth ? QLI_P_LEAF : QLI_P_BRANCH;
    if (h.number != number || (h.flags & QLI_P_KINDS) != kind ||
        !qli_page_bounds_hold(&h, w->page_bytes)) {
        return NULL;
    }
    *n = (h.lower - QLI_PAGE_HEAD) / 2;
    return page;
}

static bool
node_of(const struct qli_region *r, const char *page, unsigned n, unsigned i, qli_node *out)
{
    return qli_node_at(page, r->w->page_bytes, i, QLI_PAGE_HEAD + 2 * n, out);
}

static const char *
child_of(const struct qli_region *r, const char *page, unsigned n, unsigned i, unsigned level,
         unsigned *m)
{
    qli_node node;
    return node_of(r, page, n, i, &node) ? page_at(r, qli_node_child(&node), level + 1, m) : NULL;
}

/* Entries of the page that lie in front of key; the first of a branch page always does. */
static bool
in_front(const struct qli_region *r, const char *page, unsigned n, bool leaf, bool and_equal,
         ql_str key, unsigned *out)
{
    unsigned lo = leaf ? 0 : 1, hi = n;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        qli_node node;
        if (!node_of(r, page, n, mid, &node)) {
            return false;
        }
        int c = ql_str_cmp(node.key, key);
        if (c < 0 || (and_equal && c == 0)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    *out = lo;
    return true;
}

/* From the root to the leaf where key is, or would be. */
static bool
descend(const struct qli_region *r, uint64_t root, ql_str key, bool is_left, step *path)
{
    unsigned n, i;
    const char *page = page_at(r, root, 0, &n);
    for (unsigned l = 0; page != NULL; l++) {
        bool leaf = l + 1 == r->depth;
        if (!in_front(r, page, n, leaf, !leaf && is_left, key, &i)) {
            return false;
        }
        path[l] = (step){page, n, leaf ? i : i - 1};
        if (leaf) {
            return true;
        }
        page = child_of(r, page, n, i - 1, l, &n);
    }
    return false;
}

/* Sizes out of the averages. */
static void
weigh(struct qli_region *r)
{
    unsigned leaf = r->depth - 1;
    for (unsigned l = leaf + 1; l-- > 0;) {
        const step *a = &r->left[l], *b = &r->right[l];
        if (l == leaf) {
            r->whole[l] = r->fan[l];
            r->to_right[l] = a->n - a->i;
            r->to_left[l] = b->i;
        } else {
            r->whole[l] = r->fan[l] * r->whole[l + 1];
            r->to_right[l] = r->to_right[l + 1] + (a->n - 1 - a->i) * r->whole[l + 1];
            r->to_left[l] = r->to_left[l + 1] + b->i * r->whole[l + 1];
        }
    }
    unsigned a = r->left[r->top].i, b = r->right[r->top].i;
    if (r->top == leaf) {
        r->in_file = b > a ? b - a : 0;
    } else {
        r->in_file =
            r->to_right[r->top + 1] + (b - a - 1) * r->whole[r->top + 1] + r->to_left[r->top + 1];
    }
}

typedef enum where { BETWEEN, RIGHT_OF_LEFT, LEFT_OF_RIGHT, INSIDE } where;

/* To the entry with t keys of the region in front of it, whole pages of each level counted in
 * entries[]; its leaf. */
static const char *
walk_to(const struct qli_region *r, double t, unsigned *n, unsigned *i, unsigned *entries)
{
    where w = BETWEEN;
    const char *page = r->left[r->top].page;
    *n = r->left[r->top].n;
    for (unsigned l = r->top; page != NULL; l++) {
        unsigned a = r->left[l].i, b = r->right[l].i;
        if (w == INSIDE && entries != NULL) {
            entries[l] = *n;
        }
        double x = w == INSIDE ? t / r->whole[l] * *n : 0; /* in entries of this page */
        if (l + 1 == r->depth) {
            x = w == INSIDE ? x : w == LEFT_OF_RIGHT ? t : a + t;
            double end = w == BETWEEN || w == LEFT_OF_RIGHT ? b : *n;
            *i = x < end ? (unsigned)x : end > 0 ? (unsigned)end - 1 : 0;
            return page;
        }
        double each = r->whole[l + 1];
        unsigned child;
        if (w == INSIDE) {
            child = x < *n ? (unsigned)x : *n - 1;
            t = (x - child) * each;
        } else if (w == LEFT_OF_RIGHT) {
            child = t / each < b ? (unsigned)(t / each) : b;
            t -= child * each;
            w = child < b ? INSIDE : w;
        } else if (t < r->to_right[l + 1]) {
            child = a;
            w = RIGHT_OF_LEFT;
        } else {
            t -= r->to_right[l + 1];
            unsigned last = w == BETWEEN ? b : *n;
            child = t / each < last - a - 1 ? a + 1 + (unsigned)(t / each) : last;
            if (child == last && w == RIGHT_OF_LEFT) {
                child = *n - 1; /* by a rounding */
                w = child > a ? INSIDE : w;
                t = 0;
            } else {
                t -= (child - a - 1) * each;
                w = child == last ? LEFT_OF_RIGHT : INSIDE;
            }
        }
        page = child_of(r, page, *n, child, l, n);
    }
    return NULL;
}

/* How full pages are: those inside of the region, or, where there are none, those of its ends. */
static void
average(struct qli_region *r, unsigned probes)
{
    double sum[LEVELS] = {0}, count[LEVELS] = {0};
    for (unsigned l = 0; l < r->depth; l++) {
        r->fan[l] = (r->left[l].n + r->right[l].n) / 2.0;
    }
    weigh(r);
    if (r->top + 1 >= r->depth) {
        return;
    }
    for (unsigned k = 0; k < probes; k++) {
        unsigned n, i, entries[LEVELS] = {0};
        double at = (k + 0.5) / probes;
        if (walk_to(r, at * r->in_file, &n, &i, entries) == NULL) {
            continue;
        }
        for (unsigned l = r->top + 1; l < r->depth; l++) {
            sum[l] += entries[l];
            count[l] += entries[l] != 0;
        }
    }
    for (unsigned l = r->top + 1; l < r->depth; l++) {
        r->fan[l] = count[l] != 0 ? sum[l] / count[l] : r->fan[l];
    }
    weigh(r);
}

/* What generations have beside LMDB's tree. */
static ql_status
add_generations(ql_ctx *cx, struct qli_region *r, ql_kv_snap *snap, ql_str from, ql_str to)
{
    const qli_lsnap *s = (const qli_lsnap *)snap;
    for (uint32_t g = 0; g < s->ngens; g++) {
        const qli_mnode **v = &r->spread[r->nspread];
        size_t got, looked = 0;
        double n = qli_mt_spread(&s->gen[g]->mt, from, to, v, SPREAD, &got);
        double comes = 0;
        for (size_t i = 0; i < got; i += 1 + got / LOOKED_UP) {
            const qli_mver *ver = qli_mnode_at(v[i], snap->seq);
            ql_str value;
            ql_status st =
                ver != NULL ? qli_lsnap_get(cx, snap, qli_mnode_key(v[i]), &value) : QL_END;
            if (st != QL_OK && st != QL_END) {
                return st;
            }
            looked++;
            if (ver != NULL) {
                comes += st == QL_END ? !ver->deleted : -(double)ver->deleted;
            }
        }
        if (looked > 0) {
            r->added += n * comes / (double)looked;
            r->nspread += comes > 0 ? got : 0;
        }
    }
    return QL_OK;
}

ql_status
qli_lregion_open(ql_ctx *cx, ql_kv_snap *snap, ql_str from, ql_str to, unsigned probes,
                 ql_kv_region *out)
{
    const qli_lsnap *s = (const qli_lsnap *)snap;
    const qli_lmdb *l = s->l;
    qli_tree tree;
    uint64_t last;
    if (l->looks.map.from == l->looks.map.to ||
        !qli_pages_mapped_tree((const char *)l->looks.map.from, l->looks.page_bytes,
                               mdb_txn_id(s->txn), &tree, &last)) {
        return QL_END;
    }
    if (ql_str_cmp(from, to) >= 0 || tree.depth > LEVELS) {
        out->exact = tree.depth <= LEVELS;
        return out->exact ? QL_OK : QL_END;
    }
    struct qli_region *r = ql_mem_zalloc(sizeof *r);
    if (r == NULL) {
        return ql_fail_oom(cx, sizeof *r);
    }
    out->in = r;
    r->w = &l->looks;
    r->last = last;
    r->depth = tree.depth;
    if (tree.depth > 0) {
        if (!descend(r, tree.root, from, true, r->left) ||
            !descend(r, tree.root, to, false, r->right)) {
            ql_kv_region_close(out);
            return QL_END;
        }
        while (r->top + 1 < r->depth && r->left[r->top].i == r->right[r->top].i) {
            r->top++;
        }
        if (r->left[r->top].i > r->right[r->top].i && r->top + 1 < r->depth) {
            ql_kv_region_close(out);
            return QL_END;
        }
        average(r, probes);
    }
    unsigned parted = r->left[r->top].i, meet = r->right[r->top].i;
    out->exact =
        r->depth == 0 || r->top + 1 == r->depth || (r->top + 2 == r->depth && parted + 1 == meet);
    ql_status st = add_generations(cx, r, snap, from, to);
    if (st != QL_OK) {
        ql_kv_region_close(out);
        return st;
    }
    out->exact = out->exact && r->added == 0 && r->nspread == 0;
    out->entries = r->in_file + r->added;
    out->entries = out->entries < 0 ? 0 : out->entries;
    return QL_OK;
}

void
qli_lregion_close(ql_kv_region *out)
{
    ql_mem_free(out->in);
}

ql_status
qli_lregion_key(ql_ctx *cx, const ql_kv_region *out, double at, ql_str *key)
{
    const struct qli_region *r = out->in;
    double added = r->nspread > 0 && r->added > 0 ? r->added : 0;
    double t = at * (r->in_file + added);
    (void)cx;
    if (t >= r->in_file && added > 0) {
        size_t i = (size_t)((t - r->in_file) / added * (double)r->nspread);
        *key = qli_mnode_key(r->spread[i < r->nspread ? i : r->nspread - 1]);
        return QL_OK;
    }
    unsigned n, i;
    qli_node node;
    const char *page = r->depth > 0 && r->in_file > 0 ? walk_to(r, t, &n, &i, NULL) : NULL;
    if (page == NULL || !node_of(r, page, n, i, &node)) {
        return QL_END;
    }
    *key = node.key;
    return QL_OK;
}
