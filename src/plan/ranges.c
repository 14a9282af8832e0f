/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of index entries: disjoint ranges in the order of the index, united, intersected, and made
 * longer by the values of the next part. Values that are known only when the scan starts take part
 * as long as both sides name the same one.
 */
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "plan/plan_int.h"
#include "types/codec.h"

/* What one range counts for against range_optimizer_max_mem_size, as the manual says ("Limiting
 * Memory Use for Range Optimization"). */
#define RANGE_BYTES 230

ql_status
qli_ranges_room(qli_ranger *r, uint32_t n, ql_plan_range **out)
{
    uint64_t bytes = (uint64_t)n * RANGE_BYTES;
    *out = NULL;
    QL_TRY(ql_bulk_count(r->p->cx, (size_t)bytes));
    if (bytes > r->memory) {
        r->too_large = true;
        return QL_OK;
    }
    r->memory -= bytes;
    *out = QL_ARENA_ARRAY(r->p->cx, r->p->a, ql_plan_range, n + 1u);
    return *out ? QL_OK : QL_ERROR;
}

static bool
is_null(const ql_expr *e)
{
    return e->value.kind == QL_K_NULL;
}

/* The key of a bound's value, or where the texts that begin with it end. */
static ql_status
encode(qli_ranger *r, uint16_t part, qli_cut a, uint16_t at, ql_buf *out)
{
    const ql_index_part *x = qli_part(r, part);
    const ql_type *t = &r->p->q->sources[r->source].table->types[x->column];
    const ql_value *v = &a.b->values[at]->value;
    if (a.b->like && at + 1 == a.b->n) {
        return ql_key_encode_beginning(r->p->cx, t, ql_part_cut(x), x->descending, a.upper, v, out);
    }
    return ql_key_encode_end(r->p->cx, t, ql_part_cut(x), x->descending,
                             a.b->near && at + 1 == a.b->n, a.upper, v, out);
}

/* The order of two ends by their keys: one of them is that of texts that begin with a value, the
 * last one of its bound, or the part is a prefix. What lies among such texts is beyond a lower end
 * and before an upper one. */
static ql_status
compare_keys(qli_ranger *r, uint16_t part, uint16_t at, qli_cut a, qli_cut b, int *c)
{
    ql_buf x = {0}, y = {0};
    if (a.b->values[at]->kind != QL_E_CONST || b.b->values[at]->kind != QL_E_CONST) {
        r->unknown = true;
        return QL_OK;
    }
    ql_status st = encode(r, part, a, at, &x);
    st = st == QL_OK ? encode(r, part, b, at, &y) : st;
    if (st == QL_OK) {
        *c = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
        if (*c == 0 && x.n != y.n) {
            *c = x.n < y.n ? (a.behind ? 1 : -1) : b.behind ? -1 : 1;
        }
    }
    ql_buf_free(&x);
    ql_buf_free(&y);
    return st;
}

/* Two values of part k, in the order of the index. */
static ql_status
compare_part(qli_ranger *r, uint16_t k, const ql_expr *a, const ql_expr *b, int *c)
{
    const ql_index_part *part = qli_part(r, k);
    const ql_table *t = r->p->q->sources[r->source].table;
    *c = 0;
    if (a == b) {
        return QL_OK;
    }
    if (a->kind != QL_E_CONST || b->kind != QL_E_CONST) {
        r->unknown = true;
        return QL_OK;
    }
    if (is_null(a) || is_null(b)) {
        *c = (int)is_null(b) - (int)is_null(a);
    } else {
        QL_TRY(ql_value_compare(r->p->cx, &a->value, &b->value, t->columns[part->column].type.coll,
                                c));
    }
    *c = part->descending ? -*c : *c;
    return QL_OK;
}

qli_cut
qli_cut_low(const ql_plan_bound *b)
{
    return (qli_cut){.b = b, .upper = false, .behind = !b->inclusive};
}

qli_cut
qli_cut_high(const ql_plan_bound *b)
{
    return (qli_cut){.b = b, .upper = true, .behind = b->inclusive};
}

ql_status
qli_cut_compare(qli_ranger *r, uint16_t at, qli_cut a, qli_cut b, int *c)
{
    uint16_t na = a.b->n, nb = b.b->n;
    QL_TRY(ql_bulk_node(r->p->cx));
    if (na == 0 || nb == 0) {
        int x = na ? 0 : a.upper ? 1 : -1, y = nb ? 0 : b.upper ? 1 : -1;
        *c = x - y;
        return QL_OK;
    }
    for (uint16_t k = 0; k < na && k < nb; k++) {
        bool keys = (a.b->like && k + 1 == na) || (b.b->like && k + 1 == nb) ||
                    (!r->on_values && qli_part(r, (uint16_t)(at + k))->prefix > 0);
        QL_TRY(keys ? compare_keys(r, (uint16_t)(at + k), k, a, b, c)
                    : compare_part(r, (uint16_t)(at + k), a.b->values[k], b.b->values[k], c));
        if (*c != 0) {
            return QL_OK;
        }
    }
    if (na == nb) {
        *c = (int)a.behind - (int)b.behind;
    } else if (na < nb) { /* before or behind everything that begins like it */
        *c = a.behind ? 1 : -1;
    } else {
        *c = b.behind ? -1 : 1;
    }
    return QL_OK;
}

static ql_status
compare_lows(qli_ranger *r, uint16_t at, const ql_plan_range *a, const ql_plan_range *b, int *c)
{
    return qli_cut_compare(r, at, qli_cut_low(&a->low), qli_cut_low(&b->low), c);
}

static ql_status
sort(qli_ranger *r, uint16_t at, ql_plan_range *v, ql_plan_range *tmp, uint32_t n)
{
    if (n < 2) {
        return QL_OK;
    }
    uint32_t half = n / 2, a = 0, b = half, k = 0;
    QL_TRY(sort(r, at, v, tmp, half));
    QL_TRY(sort(r, at, v + half, tmp, n - half));
    while (a < half && b < n) {
        int c;
        QL_TRY(compare_lows(r, at, &v[a], &v[b], &c));
        tmp[k++] = c <= 0 ? v[a++] : v[b++];
    }
    while (a < half) {
        tmp[k++] = v[a++];
    }
    for (uint32_t i = 0; i < k; i++) {
        v[i] = tmp[i];
    }
    return ql_check(r->p->cx);
}

static void
set_whole(qli_ranges *out)
{
    *out = (qli_ranges){.whole = true};
}

/* Ranges that touch become one. */
ql_status
qli_ranges_unite(qli_ranger *r, uint16_t at, ql_plan_range *v, uint32_t n, qli_ranges *out)
{
    uint32_t k = 0;
    ql_plan_range *tmp = QL_ARENA_ARRAY(r->p->cx, r->p->a, ql_plan_range, n + 1u);
    if (!tmp) {
        return QL_ERROR;
    }
    QL_TRY(sort(r, at, v, tmp, n));
    for (uint32_t i = 0; i < n; i++) {
        int gap = 1, longer = 0;
        if (k > 0) {
            QL_TRY(
                qli_cut_compare(r, at, qli_cut_low(&v[i].low), qli_cut_high(&v[k - 1].high), &gap));
            QL_TRY(qli_cut_compare(r, at, qli_cut_high(&v[i].high), qli_cut_high(&v[k - 1].high),
                                   &longer));
        }
        if (gap > 0) {
            v[k++] = v[i];
        } else if (longer > 0) {
            v[k - 1].high = v[i].high;
        }
    }
    *out = (qli_ranges){.v = v, .n = k};
    if (r->unknown || (k == 1 && v[0].low.n == 0 && v[0].high.n == 0)) {
        set_whole(out);
    }
    return QL_OK;
}

ql_status
qli_ranges_intersect(qli_ranger *r, uint16_t at, const qli_ranges *a, const qli_ranges *b,
                     qli_ranges *out)
{
    uint32_t i = 0, j = 0, n = 0;
    ql_plan_range *v;
    if (a->whole || b->whole) {
        *out = a->whole ? *b : *a;
        return QL_OK;
    }
    QL_TRY(qli_ranges_room(r, a->n + b->n, &v));
    if (!v) {
        set_whole(out);
        return QL_OK;
    }
    while (i < a->n && j < b->n) {
        const ql_plan_range *x = &a->v[i], *y = &b->v[j];
        int low, high, some;
        QL_TRY(compare_lows(r, at, x, y, &low));
        QL_TRY(qli_cut_compare(r, at, qli_cut_high(&x->high), qli_cut_high(&y->high), &high));
        ql_plan_range both = {.low = low > 0 ? x->low : y->low,
                              .high = high < 0 ? x->high : y->high};
        QL_TRY(qli_cut_compare(r, at, qli_cut_low(&both.low), qli_cut_high(&both.high), &some));
        if (some < 0) {
            v[n++] = both;
        }
        i += high <= 0;
        j += high >= 0;
    }
    *out = (qli_ranges){.v = v, .n = n};
    return QL_OK;
}

uint16_t
qli_bound_fixed(const ql_plan_bound *low, const ql_plan_bound *high)
{
    uint16_t n = 0, most = low->n < high->n ? low->n : high->n;
    while (n < most && low->values[n] == high->values[n] &&
           !((low->like || low->near) && n + 1 == low->n) && !(high->like && n + 1 == high->n)) {
        n++;
    }
    return n;
}

bool
qli_range_is_point(const ql_plan_range *g, uint16_t n)
{
    if (g->low.n != n || g->high.n != n || !g->low.inclusive || !g->high.inclusive || g->low.like ||
        g->high.like || g->low.near) {
        return false;
    }
    for (uint16_t i = 0; i < n; i++) {
        if (g->low.values[i] != g->high.values[i]) {
            return false;
        }
    }
    return true;
}

/* The n values of a point, then those of an end of the next part's range. */
static ql_status
longer_bound(qli_ranger *r, const ql_plan_bound *point, uint16_t n, const ql_plan_bound *next,
             ql_plan_bound *out)
{
    *out = *point;
    if (next->n == 0) {
        return QL_OK;
    }
    out->values = QL_ARENA_ARRAY(r->p->cx, r->p->a, ql_expr *, n + 1u);
    if (!out->values) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < n; i++) {
        out->values[i] = point->values[i];
    }
    out->values[n] = next->values[0];
    out->n = (uint16_t)(n + 1);
    out->inclusive = next->inclusive;
    out->like = next->like;
    out->near = next->near;
    return QL_OK;
}

ql_status
qli_ranges_product(qli_ranger *r, const qli_ranges *a, uint16_t n, const qli_ranges *next,
                   qli_ranges *out, bool *all)
{
    uint64_t count = 0;
    ql_plan_range *v;
    *all = true;
    for (uint32_t i = 0; i < a->n; i++) {
        bool point = qli_range_is_point(&a->v[i], n);
        count += point ? next->n : 1;
        *all = *all && point;
    }
    if (count > UINT32_MAX / RANGE_BYTES) {
        r->too_large = true;
        set_whole(out);
        return QL_OK;
    }
    QL_TRY(qli_ranges_room(r, (uint32_t)count, &v));
    if (!v) {
        set_whole(out);
        return QL_OK;
    }
    uint32_t made = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        const ql_plan_range *g = &a->v[i];
        if (!qli_range_is_point(g, n)) {
            v[made++] = *g;
            continue;
        }
        for (uint32_t k = 0; k < next->n; k++) {
            ql_plan_range *to = &v[made++];
            QL_TRY(ql_bulk_node(r->p->cx));
            QL_TRY(longer_bound(r, &g->low, n, &next->v[k].low, &to->low));
            if (qli_range_is_point(&next->v[k], 1)) {
                to->high = to->low;
            } else {
                QL_TRY(longer_bound(r, &g->high, n, &next->v[k].high, &to->high));
            }
        }
    }
    *out = (qli_ranges){.v = v, .n = made};
    return QL_OK;
}
