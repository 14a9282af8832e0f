/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that are looked for together: scans of secondary indexes, with and without picking entries,
 * and look-ups for many rows (ql_probe_...), against scans that read row by row. Rows are
 * committed, changed and deleted by the transaction that reads, in any order of their keys.
 */
#include <stdlib.h>

#include "fixture.h"

#define ROWS 2500

static uint64_t seed = 88172645463325252u;

static uint64_t
random_below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

/* a is unique, b has few values, c some. */
static row_values
random_row(int64_t id)
{
    static const char *const texts[] = {"a", "ab", "b", "bb", "c", NULL};
    return row_of(id, id % 11 == 0 ? NO_INT : (id * 7919) % 100003, texts[random_below(6)],
                  random_below(60));
}

static ql_table *
make_rows(sess *s)
{
    make_table(s, true);
    ql_table *t = open_table(s);
    begin(s);
    for (int64_t i = 0; i < ROWS; i++) {
        insert_ok(s, t, random_row((i * 7907) % ROWS * 2));
    }
    commit(s);
    begin(s);
    for (int64_t i = 0; i < 300; i++) { /* its own: seen, and not committed */
        insert_ok(s, t, random_row(2 * i + 1));
    }
    for (int64_t id = 0; id < 2 * ROWS; id += 26) {
        ql_buf key = {0};
        ql_value old[NCOLS], v = ql_value_int(id);
        OK(qli_clustered_key(&s->cx, &key, t, &v));
        OK(ql_table_lock_row(&s->cx, s->cx.arena, t, qli_str(&key), old));
        OK(ql_table_delete(&s->cx, t, qli_str(&key), old));
        ql_buf_free(&key);
    }
    next_statement(s);
    return t;
}

typedef struct found {
    int64_t *v; /* id and c of each */
    size_t n, cap;
} found;

static void
note_row(found *f, const ql_batch *b, uint16_t row)
{
    if (f->n + 2 > f->cap) {
        f->cap = f->cap ? f->cap * 2 : 1024;
        f->v = realloc(f->v, f->cap * sizeof *f->v);
    }
    f->v[f->n++] = b->cols[COL_ID].i[row];
    f->v[f->n++] = b->cols[COL_C].i[row];
}

static void
same_found(const found *a, const found *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->v, b->v, a->n * sizeof *a->v);
}

static ql_scan_spec
plain_spec(ql_table *t, const ql_index *ix)
{
    ql_scan_spec spec = scan_spec(t, ix);
    spec.want_locator = false;
    return spec;
}

static void
read_rows(sess *s, const ql_scan_spec *spec, int64_t every, found *out)
{
    ql_scan *scan;
    ql_batch *b;
    ql_status st;
    out->n = 0;
    OK(ql_scan_open(&s->cx, s->cx.arena, spec, &scan));
    while ((st = ql_scan_next(&s->cx, scan, &b)) == QL_OK) {
        for (uint16_t i = 0; i < b->n; i++) {
            if (b->cols[COL_ID].i[i] % every == 0) {
                note_row(out, b, i);
            }
        }
    }
    assert_int_equal(st, QL_END);
    ql_scan_close(scan);
}

/* Some values of the first part of an index, in keys of which NULL is one. */
static ql_value
random_value(const ql_index *ix)
{
    static const char *const texts[] = {"a", "ab", "abc", "b", "bb", "c", ""};
    switch (ix->parts[0].column) {
    case COL_B:
        return ql_value_str(str(texts[random_below(7)]), ql_coll_binary);
    case COL_C:
        return ql_value_uint(random_below(64));
    default:
        return ql_value_int((int64_t)random_below(100003));
    }
}

/* Entries whose clustered key is a multiple of three. */
static ql_status
pick_thirds(ql_ctx *cx, void *arg, const ql_batch *b, const uint16_t *sel, uint16_t n,
            uint16_t *out, uint16_t *nout)
{
    uint16_t k = 0;
    (void)cx;
    ++*(int *)arg;
    for (uint16_t i = 0; i < n; i++) {
        uint16_t row = sel != NULL ? sel[i] : i;
        if (b->cols[COL_ID].i[row] % 3 == 0) {
            out[k++] = row;
        }
    }
    *nout = k;
    return QL_OK;
}

static void
scans_together_and_row_by_row(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_rows(s);
    found together = {0}, apart = {0};
    int picked = 0;
    for (int i = 0; i < 200; i++) {
        const ql_index *ix = &t->indexes[1 + random_below(t->nindexes - 1u)];
        ql_value low = random_value(ix), high = random_value(ix);
        ql_scan_spec spec = plain_spec(t, ix);
        spec.low.values = &low;
        spec.low.n = random_below(3) > 0;
        spec.high.values = &high;
        spec.high.n = random_below(3) > 0;
        spec.reverse = random_below(2);
        read_rows(s, &spec, 1, &together);
        spec.one_by_one = true;
        read_rows(s, &spec, 1, &apart);
        same_found(&together, &apart);
        read_rows(s, &spec, 3, &apart);
        spec.pick = pick_thirds;
        spec.pick_arg = &picked;
        read_rows(s, &spec, 1, &together);
        same_found(&together, &apart);
    }
    assert_true(picked > 100);
    free(together.v);
    free(apart.v);
    commit(s);
    ql_table_put(t);
}

typedef struct asked {
    ql_value low, high;
    uint16_t nlow, nhigh, tag;
} asked;

/* What the look-ups find, one after the other; tails: an id of -1 behind each. */
static void
look_up_apart(sess *s, const ql_scan_spec *as, const asked *q, size_t n, bool tails, bool first,
              found *out)
{
    found one = {0};
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        ql_scan_spec spec = *as;
        spec.low = (ql_bound){.values = &q[i].low, .n = q[i].nlow, .inclusive = true};
        spec.high = (ql_bound){.values = &q[i].high, .n = q[i].nhigh, .inclusive = true};
        read_rows(s, &spec, 1, &one);
        one.n = first && one.n > 2 ? 2 : one.n;
        for (size_t k = 0; k <= one.n; k += 2) {
            if (k == one.n && !tails) {
                break;
            }
            if (out->n + 2 > out->cap) {
                out->cap = out->cap ? out->cap * 2 : 1024;
                out->v = realloc(out->v, out->cap * sizeof *out->v);
            }
            out->v[out->n++] = k == one.n ? -1 : one.v[k];
            out->v[out->n++] = q[i].tag;
        }
    }
    free(one.v);
}

static void
look_up_together(sess *s, ql_scan *scan, const asked *q, size_t n, bool tails, bool first,
                 found *out)
{
    ql_probed p;
    ql_status st;
    out->n = 0;
    ql_probe_begin(scan);
    for (size_t i = 0; i < n; i++) {
        ql_bound low = {.values = &q[i].low, .n = q[i].nlow, .inclusive = true};
        ql_bound high = {.values = &q[i].high, .n = q[i].nhigh, .inclusive = true};
        OK(ql_probe_add(&s->cx, scan, q[i].tag, &low, &high));
    }
    while ((st = ql_probe_rows(&s->cx, scan, tails, first, &p)) == QL_OK) {
        for (uint16_t i = 0; i < p.batch->n; i++) {
            note_row(out, p.batch, i);
            bool tail = tails && p.is_tail[i];
            assert_int_equal(tail, tails && ql_vector_null_at(&p.batch->cols[COL_ID], i));
            out->v[out->n - 2] = tail ? -1 : out->v[out->n - 2];
            out->v[out->n - 1] = p.tags[i];
        }
    }
    assert_int_equal(st, QL_END);
}

static void
look_ups_of_ranges(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_rows(s);
    found together = {0}, apart = {0};
    asked q[300];
    for (int round = 0; round < 60; round++) {
        const ql_index *ix = &t->indexes[random_below(t->nindexes)];
        bool tails = random_below(2), first = random_below(3) == 0;
        size_t n = random_below(QL_ARRAY_LEN(q)) / (round % 5 == 0 ? 1 : 20);
        for (size_t i = 0; i < n; i++) {
            q[i] = (asked){random_value(ix), random_value(ix), 1, 1, (uint16_t)(3 * i)};
            if (random_below(3) > 0) {
                q[i].high = q[i].low;
            } else if (n > 20) { /* not all of the table for each */
                q[i].low = ql_value_null();
                q[i].high = q[i].low;
            }
        }
        ql_scan_spec spec = plain_spec(t, ix);
        spec.reverse = random_below(2);
        look_up_apart(s, &spec, q, n, tails, first, &apart);
        spec.probes = true;
        ql_scan *scan;
        OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
        for (int again = 0; again < 2; again++) {
            look_up_together(s, scan, q, n, tails, first, &together);
            same_found(&together, &apart);
        }
        ql_scan_close(scan);
    }
    free(together.v);
    free(apart.v);
    commit(s);
    ql_table_put(t);
}

/* By the primary key and by a unique one: each row stands at its tag. */
static void
look_ups_of_points(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_table *t = make_rows(s);
    uint16_t sel[QL_BATCH_ROWS], n;
    for (int round = 0; round < 40; round++) {
        const ql_index *ix = &t->indexes[round % 2];
        ql_scan_spec spec = plain_spec(t, ix);
        ql_scan *scan;
        ql_batch *b;
        ql_value v[200];
        size_t many = random_below(200), next = 0;
        spec.probes = true;
        OK(ql_scan_open(&s->cx, s->cx.arena, &spec, &scan));
        ql_probe_begin(scan);
        for (size_t i = 0; i < many; i++) {
            int64_t id = (int64_t)random_below(2 * ROWS + 100);
            v[i] = ql_value_int(round % 2 == 0 ? id : (id * 7919) % 100003);
            ql_bound at = {.values = &v[i], .n = 1, .inclusive = true};
            OK(ql_probe_add(&s->cx, scan, (uint16_t)(5 * i), &at, &at));
        }
        OK(ql_probe_points(&s->cx, scan, sel, &n, &b));
        for (size_t i = 0; i < many; i++) {
            ql_scan_spec one = plain_spec(t, ix);
            found f = {0};
            one.low = one.high = (ql_bound){.values = &v[i], .n = 1, .inclusive = true};
            read_rows(s, &one, 1, &f);
            if (f.n > 0) {
                assert_true(next < n && sel[next] == 5 * i);
                assert_int_equal(b->cols[COL_ID].i[sel[next]], f.v[0]);
                assert_int_equal(b->cols[COL_C].i[sel[next]], f.v[1]);
                next++;
            }
            free(f.v);
        }
        assert_int_equal(next, n);
        ql_scan_close(scan);
    }
    commit(s);
    ql_table_put(t);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {TEST(scans_together_and_row_by_row),
                                       TEST(look_ups_of_ranges), TEST(look_ups_of_points)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
