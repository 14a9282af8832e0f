/* SPDX-License-Identifier: Apache-2.0
 *
 * How many different values there are, told from some.
 *
 * From rows at random: the estimators of Haas and Stokes ("Estimating the number of classes in a
 * finite population", 1998). Duj1 = n d / (n - f1 + f1 n / N) is right where all values are equally
 * common and low where they are not; Duj2 adds to it by how unequal they are (the squared
 * coefficient of variation, from how often two rows of the sample agree), which may be far too
 * much: not beyond the bound of Charikar et al. ("Towards estimation error guarantees for distinct
 * values", 2000), GEE = sqrt(N / n) f1 + d - f1. From an index: the share of neighbours that differ
 * is (D - 1) / (N - 1) itself, without any assumption of how values are spread.
 */
#include <math.h>

#include "base/hash.h"
#include "stats/stats_int.h"

static double
within(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

double
qli_distinct_of_sample(const qli_frequencies *f, double rows)
{
    double n = (double)f->n, d = (double)f->d, once = (double)f->once;
    if (f->n == 0) {
        return 1;
    }
    if (rows <= n || f->once == 0) {
        return d;
    }
    double q = n / rows, duj1 = n * d / (n - once + once * q);
    double gee = sqrt(rows / n) * once + d - once;
    double unequal = duj1 * 2 * (double)f->pairs / (n * n) + duj1 / rows - 1;
    double more = unequal > 0 ? -once * (1 - q) * log1p(-q) / q * unequal : 0;
    double duj2 = (d + more) / (1 - (1 - q) * once / n);
    return within(within(duj2, duj1, duj1 > gee ? duj1 : gee), d, rows);
}

double
qli_distinct_of_pairs(uint64_t pairs, uint64_t changes, double rows)
{
    return pairs > 0 ? within(1 + (rows - 1) * (double)changes / (double)pairs, 1, rows) : 1;
}

/* Counts of hashes, open addressing. */
typedef struct counted {
    uint64_t hash;
    uint32_t n;
} counted;

static uint64_t
hash_row(const qli_sample *s, const uint16_t *columns, uint16_t n, uint32_t row)
{
    uint64_t h = 0;
    for (uint16_t i = 0; i < n; i++) {
        ql_str key = qli_sample_key(&s->columns[columns[i]], row);
        h = ql_hash_bytes(key.p, key.n, h + key.n);
    }
    return h;
}

ql_status
qli_sample_frequencies(ql_ctx *cx, const qli_sample *s, const uint16_t *columns, uint16_t n,
                       qli_frequencies *f)
{
    size_t size = 64;
    while (size < 2 * (size_t)s->n) {
        size *= 2;
    }
    counted *v = ql_mem_zalloc(size * sizeof *v);
    ql_status st = v != NULL ? QL_OK : ql_fail_oom(cx, size * sizeof *v);
    *f = (qli_frequencies){.n = s->n};
    for (uint32_t row = 0; st == QL_OK && row < s->n; row++) {
        uint64_t h = hash_row(s, columns, n, row);
        size_t at = h & (size - 1);
        while (v[at].n != 0 && v[at].hash != h) {
            at = (at + 1) & (size - 1);
        }
        v[at].hash = h;
        f->pairs += v[at].n;
        v[at].n++;
        f->d += v[at].n == 1;
        f->once += v[at].n == 1;
        f->once -= v[at].n == 2;
        st = row % 1024 == 1023 ? ql_check(cx) : QL_OK;
    }
    ql_mem_free(v);
    return st;
}
