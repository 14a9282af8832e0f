/* SPDX-License-Identifier: Apache-2.0
 *
 * How often values come: the common ones one by one, the others in buckets of equal height. Made
 * once out of a sorted sample, immutable after that. Between two ends of a bucket keys are taken
 * for numbers that are spread evenly: for integers and dates that is exact, for texts and floating
 * point it keeps their order.
 */
#include "spool/sort.h"
#include "stats/stats_int.h"

/* --- making --- */

typedef struct run {
    ql_str key;
    uint32_t n;
} run;

ql_status
qli_sample_sort(ql_ctx *cx, ql_arena *tmp, const qli_sample_column *c, uint32_t n, uint32_t **rows,
                uint32_t *values)
{
    ql_sort_item *v = QL_ARENA_ARRAY(cx, tmp, ql_sort_item, 2 * (size_t)n + 1), *sorted;
    uint32_t k = 0;
    *rows = v ? QL_ARENA_ARRAY(cx, tmp, uint32_t, n + 1) : NULL;
    if (!*rows) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        ql_str key = qli_sample_key(c, i);
        if (key.n == 0) {
            continue;
        }
        unsigned char head[8] = {0};
        memcpy(head, key.p, key.n < 8 ? key.n : 8);
        for (int b = 0; b < 8; b++) {
            v[k].prefix = v[k].prefix << 8 | head[b];
        }
        v[k].key = key.p + (key.n < 8 ? key.n : 8);
        v[k].nkey = key.n < 8 ? 0 : (uint32_t)key.n - 8;
        v[k].row = (void *)(uintptr_t)i;
        k++;
    }
    QL_TRY(ql_sort_between(cx, v, v + n, k, &sorted));
    for (uint32_t i = 0; i < k; i++) {
        (*rows)[i] = (uint32_t)(uintptr_t)sorted[i].row;
    }
    *values = k;
    return QL_OK;
}

/* The most frequent runs, those clearly above the average: out of them a least count is found with
 * at most QLI_STATS_COMMON runs at or above it. */
static uint32_t
least_common(const run *v, uint32_t n, uint32_t values, bool exact)
{
    if (n <= QLI_STATS_COMMON && (exact || values >= 4 * n)) {
        return 1;
    }
    uint32_t least = (uint32_t)(1.25 * values / n) + 1;
    least = least < 4 && !exact ? 4 : least < 2 ? 2 : least;
    for (;;) {
        uint32_t many = 0;
        for (uint32_t i = 0; i < n; i++) {
            many += v[i].n >= least;
        }
        if (many <= QLI_STATS_COMMON) {
            return least;
        }
        least += least / 4 + 1;
    }
}

static ql_status
copy_key(ql_ctx *cx, ql_arena *a, ql_str key, ql_str *out)
{
    *out = (ql_str){ql_arena_strndup(cx, a, key.p, key.n), key.n};
    return out->p ? QL_OK : QL_ERROR;
}

static ql_status
make_common(ql_ctx *cx, ql_arena *a, const run *v, uint32_t n, uint32_t least, double each,
            ql_histogram *h)
{
    h->common = QL_ARENA_ARRAY(cx, a, qli_common, QLI_STATS_COMMON + 1);
    if (!h->common) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].n >= least) {
            qli_common *m = &h->common[h->ncommon++];
            m->share = v[i].n * each;
            QL_TRY(copy_key(cx, a, v[i].key, &m->key));
        }
    }
    return QL_OK;
}

static ql_status
make_buckets(ql_ctx *cx, ql_arena *a, const run *v, uint32_t n, uint32_t least, uint32_t rest,
             double each, ql_histogram *h)
{
    uint32_t height = rest / QLI_STATS_BUCKETS + 1, in = 0;
    h->buckets = QL_ARENA_ARRAY(cx, a, qli_bucket, QLI_STATS_BUCKETS + 1);
    if (!h->buckets) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].n >= least) {
            continue;
        }
        qli_bucket *b = &h->buckets[h->nbuckets];
        if (in == 0) {
            QL_TRY(copy_key(cx, a, v[i].key, &b->low));
        }
        in += v[i].n;
        rest -= v[i].n;
        if (in >= height || rest == 0) {
            b->share = in * each;
            QL_TRY(copy_key(cx, a, v[i].key, &b->high));
            h->rest += b->share;
            h->nbuckets++;
            in = 0;
        }
    }
    return QL_OK;
}

static ql_status
make(ql_ctx *cx, ql_arena *a, ql_arena *tmp, const qli_sample_column *c, uint32_t n, double rows,
     bool exact, double distinct, ql_column_stats *out)
{
    uint32_t *order, values, nruns = 0;
    QL_TRY(qli_sample_sort(cx, tmp, c, n, &order, &values));
    run *v = QL_ARENA_ARRAY(cx, tmp, run, values + 1);
    ql_histogram *h = v ? QL_ARENA_NEW(cx, a, ql_histogram) : NULL;
    if (!h) {
        return QL_ERROR;
    }
    qli_frequencies f = {.n = values};
    for (uint32_t i = 0; i < values; i++) {
        ql_str key = qli_sample_key(c, order[i]);
        if (i == 0 || !ql_str_eq(key, v[nruns - 1].key)) {
            v[nruns++].key = key;
        }
        v[nruns - 1].n++;
    }
    for (uint32_t i = 0; i < nruns; i++) {
        f.once += v[i].n == 1;
        f.pairs += (uint64_t)v[i].n * (v[i].n - 1) / 2;
    }
    f.d = nruns;
    out->known = true;
    out->nulls = n > 0 ? (double)(n - values) / n : 0;
    double all = rows * (1 - out->nulls);
    out->distinct = distinct > 0 ? distinct : qli_distinct_of_sample(&f, exact ? 0 : all);
    out->distinct = out->distinct < 1 ? 1 : out->distinct;
    QL_TRY(ql_check(cx));
    if (nruns == 0) {
        return QL_OK;
    }
    uint32_t least = least_common(v, nruns, values, exact), rest = 0;
    for (uint32_t i = 0; i < nruns; i++) {
        rest += v[i].n < least ? v[i].n : 0;
    }
    QL_TRY(make_common(cx, a, v, nruns, least, 1.0 / n, h));
    QL_TRY(make_buckets(cx, a, v, nruns, least, rest, 1.0 / n, h));
    h->complete = exact && rest == 0;
    out->histogram = h;
    return QL_OK;
}

ql_status
qli_histogram_make(ql_ctx *cx, ql_arena *a, const qli_sample_column *c, uint32_t n, double rows,
                   bool exact, double distinct, ql_column_stats *out)
{
    ql_arena *tmp = ql_arena_new("sorting a sample", NULL);
    if (tmp == NULL) {
        return ql_fail_oom(cx, 1024);
    }
    ql_status st = make(cx, a, tmp, c, n, rows, exact, distinct, out);
    ql_arena_free(tmp);
    return st;
}

/* --- asking --- */

/* Where key lies between low and high, 0..1, as a number behind what they have in common. */
static double
position(ql_str low, ql_str high, ql_str key)
{
    size_t same = 0;
    while (same < low.n && same < high.n && low.p[same] == high.p[same]) {
        same++;
    }
    double v[3];
    const ql_str *of[3] = {&low, &high, &key};
    for (int i = 0; i < 3; i++) {
        v[i] = 0;
        for (size_t b = same; b < same + 7; b++) {
            v[i] = v[i] * 256 + (b < of[i]->n ? (unsigned char)of[i]->p[b] : 0);
        }
    }
    double at = v[1] > v[0] ? (v[2] - v[0]) / (v[1] - v[0]) : 0.5;
    return at < 0 ? 0 : at > 1 ? 1 : at;
}

static double
all_but_nulls(const ql_column_stats *c)
{
    return 1 - c->nulls;
}

/* Share of the rows of a value that is none of the common ones. */
static double
rare_share(const ql_column_stats *c)
{
    const ql_histogram *h = c->histogram;
    double others = c->distinct - h->ncommon;
    double share = h->rest / (others < 1 ? 1 : others);
    for (uint32_t i = 0; i < h->ncommon; i++) {
        share = share > h->common[i].share ? h->common[i].share : share;
    }
    return share;
}

double
qli_histogram_equal(const ql_column_stats *c, ql_str key)
{
    const ql_histogram *h = c->histogram;
    if (h == NULL) {
        return all_but_nulls(c) / c->distinct;
    }
    uint32_t lo = 0, hi = h->ncommon;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int d = ql_str_cmp(h->common[mid].key, key);
        if (d == 0) {
            return h->common[mid].share;
        }
        lo = d < 0 ? mid + 1 : lo;
        hi = d < 0 ? hi : mid;
    }
    if (h->complete || h->nbuckets == 0) {
        return 0;
    }
    double rare = rare_share(c);
    bool outside = ql_str_cmp(key, h->buckets[0].low) < 0 ||
                   ql_str_cmp(key, h->buckets[h->nbuckets - 1].high) > 0;
    return outside ? rare / 4 : rare; /* nobody has seen such a one */
}

/* Share of the rows, among those in buckets, that lie below key (or at it). */
static double
below(const ql_histogram *h, ql_str key)
{
    double sum = 0;
    for (uint32_t i = 0; i < h->nbuckets; i++) {
        const qli_bucket *b = &h->buckets[i];
        if (ql_str_cmp(b->high, key) <= 0) {
            sum += b->share;
        } else if (ql_str_cmp(b->low, key) < 0) {
            return sum + b->share * position(b->low, b->high, key);
        } else {
            return sum;
        }
    }
    return sum;
}

double
qli_histogram_range(const ql_column_stats *c, ql_str low, bool low_in, ql_str high, bool high_in)
{
    const ql_histogram *h = c->histogram;
    if (h == NULL) {
        return all_but_nulls(c) * (low.p && high.p ? 0.1 : 0.33);
    }
    double sum = 0;
    for (uint32_t i = 0; i < h->ncommon; i++) {
        int l = low.p ? ql_str_cmp(h->common[i].key, low) : 1;
        int g = high.p ? ql_str_cmp(h->common[i].key, high) : -1;
        sum += (l > 0 || (l == 0 && low_in)) && (g < 0 || (g == 0 && high_in)) ? h->common[i].share
                                                                               : 0;
    }
    double to = high.p ? below(h, high) : h->rest, from = low.p ? below(h, low) : 0;
    if (h->nbuckets > 0 && (!low.p || !high.p || ql_str_cmp(low, high) <= 0)) {
        double least = rare_share(c) / 2; /* a range has some value that is not known */
        sum += to - from > least ? to - from : least;
    }
    return sum > all_but_nulls(c) ? all_but_nulls(c) : sum;
}
