/* SPDX-License-Identifier: Apache-2.0
 *
 * A table against a model in a plain array: random inserts, updates and deletes, rolled back or
 * committed, and after them scans of every index with every kind of bound in both directions.
 */
#include "fixture.h"

#define MAX_ROWS 400

typedef struct mrow {
    int64_t id, a; /* a: NO_INT = NULL */
    uint64_t c, serial;
    bool b_null;
    uint8_t nb;
    char b[12];
} mrow;

typedef struct model {
    size_t n;
    uint64_t serial; /* of the last row put in: the order of hidden row ids */
    mrow v[MAX_ROWS];
} model;

typedef struct game {
    sess *s;
    ql_table *t;
    bool hidden;
    uint64_t seed;
    model now, at_begin, at_statement;
} game;

static uint64_t
rnd(game *g, uint64_t n)
{
    g->seed ^= g->seed << 13;
    g->seed ^= g->seed >> 7;
    g->seed ^= g->seed << 17;
    return (g->seed >> 11) % n;
}

static mrow
random_row(game *g)
{
    static const char letters[] = {'a', 'b', '\0', (char)0xFF};
    static const uint64_t cs[] = {0, 1, 2, 255, 256, 1u << 31, UINT64_MAX - 1, UINT64_MAX};
    mrow r = {.id = (int64_t)rnd(g, 300) - 150, .a = (int64_t)rnd(g, 400) - 200};
    if (rnd(g, 3) == 0) {
        r.a = NO_INT;
    }
    r.b_null = rnd(g, 5) == 0;
    if (!r.b_null) {
        r.nb = (uint8_t)rnd(g, 5);
        for (unsigned i = 0; i < r.nb; i++) {
            r.b[i] = letters[rnd(g, 4)];
        }
    }
    r.c = cs[rnd(g, QL_ARRAY_LEN(cs))];
    return r;
}

/* r must outlive the values. */
static void
values_of(const mrow *r, ql_value v[NCOLS])
{
    v[COL_ID] = ql_value_int(r->id);
    v[COL_A] = r->a == NO_INT ? ql_value_null() : ql_value_int(r->a);
    v[COL_B] = r->b_null ? ql_value_null() : ql_value_str((ql_str){r->b, r->nb}, ql_coll_binary);
    v[COL_C] = ql_value_uint(r->c);
}

/* --- order of the model ------------------------------------------------------------------------
 */

static int
compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_b(const mrow *x, const mrow *y, unsigned prefix)
{
    if (x->b_null || y->b_null) {
        return y->b_null - x->b_null;
    }
    unsigned nx = prefix != 0 && x->nb > prefix ? prefix : x->nb,
             ny = prefix != 0 && y->nb > prefix ? prefix : y->nb;
    int d = memcmp(x->b, y->b, nx < ny ? nx : ny);
    return d != 0 ? d : compare_i64(nx, ny);
}

static int
compare_part(const mrow *x, const mrow *y, const ql_index_part *part)
{
    int d;
    switch (part->column) {
    case COL_ID:
        d = compare_i64(x->id, y->id);
        break;
    case COL_A: /* NO_INT is the lowest number, as NULL is the lowest value */
        d = compare_i64(x->a, y->a);
        break;
    case COL_B:
        d = compare_b(x, y, part->prefix);
        break;
    default:
        d = compare_u64(x->c, y->c);
    }
    return part->descending ? -d : d;
}

static int
compare_parts(const mrow *x, const mrow *y, const ql_index *ix, unsigned n)
{
    int d = 0;
    for (unsigned i = 0; i < n && d == 0; i++) {
        d = compare_part(x, y, &ix->parts[i]);
    }
    return d;
}

static const ql_index *sort_index;
static bool sort_hidden;

static int
compare_rows(const void *x, const void *y)
{
    const mrow *a = x, *b = y;
    int d = compare_parts(a, b, sort_index, sort_index->nparts);
    if (d != 0) {
        return d;
    }
    return sort_hidden ? compare_u64(a->serial, b->serial) : compare_i64(a->id, b->id);
}

/* --- writes ------------------------------------------------------------------------------------
 */

/* Index of the row that stands in the way of r (not the one at `self`), and which key it is. */
static long
conflict(const game *g, const mrow *r, long self, const char **key)
{
    for (int pass = 0; pass < 2; pass++) { /* PRIMARY is looked at first */
        for (size_t i = 0; i < g->now.n; i++) {
            bool same = pass == 0 ? !g->hidden && g->now.v[i].id == r->id
                                  : r->a != NO_INT && g->now.v[i].a == r->a;
            if (same && (long)i != self) {
                *key = pass == 0 ? "PRIMARY" : "u";
                return (long)i;
            }
        }
    }
    return -1;
}

/* Locators of hidden rows hold the serial number, others the id. */
static void
check_locator(const game *g, ql_str locator, const mrow *r)
{
    ql_buf b = {0};
    OK(qli_key_start(&g->s->cx, &b, g->t->indexes[0].id));
    if (g->hidden) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            OK(ql_buf_put_u8(&g->s->cx, &b, (uint8_t)(r->serial >> shift)));
        }
    } else {
        ql_value id = ql_value_int(r->id);
        OK(qli_key_parts(&g->s->cx, &b, g->t, &g->t->indexes[0], &id, 1));
    }
    assert_int_equal(b.n, locator.n);
    assert_memory_equal(b.p, locator.p, b.n);
    ql_buf_free(&b);
}

static void
check_result(game *g, ql_write_result result, const ql_dup *dup, long other, const char *key)
{
    if (other < 0) {
        assert_int_equal(result, QL_WROTE);
        return;
    }
    assert_int_equal(result, QL_DUPLICATE);
    assert_string_equal(dup->index->name.p, key);
    check_locator(g, dup->locator, &g->now.v[other]);
}

static ql_str
locator_at(game *g, size_t i)
{
    ql_buf b = {0};
    const mrow *r = &g->now.v[i];
    OK(qli_key_start(&g->s->cx, &b, g->t->indexes[0].id));
    if (g->hidden) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            OK(ql_buf_put_u8(&g->s->cx, &b, (uint8_t)(r->serial >> shift)));
        }
    } else {
        ql_value id = ql_value_int(r->id);
        OK(qli_key_parts(&g->s->cx, &b, g->t, &g->t->indexes[0], &id, 1));
    }
    ql_str out = {ql_arena_strndup(&g->s->cx, g->s->cx.arena, b.p, b.n), b.n};
    ql_buf_free(&b);
    return out;
}

static void
try_insert(game *g)
{
    mrow r = random_row(g);
    ql_value v[NCOLS];
    ql_write_result result;
    ql_dup dup = {0};
    const char *key = NULL;
    long other = conflict(g, &r, -1, &key);
    if (g->now.n == MAX_ROWS) {
        return;
    }
    values_of(&r, v);
    OK(ql_table_insert(&g->s->cx, g->t, v, QL_LOCK_S, &result, &dup));
    r.serial = ++g->now.serial; /* row ids are used up by failed inserts too */
    check_result(g, result, &dup, other, key);
    if (other < 0) {
        g->now.v[g->now.n++] = r;
    }
}

static void
lock_and_check(game *g, size_t i, ql_value old[NCOLS])
{
    ql_value want[NCOLS];
    OK(ql_table_lock_row(&g->s->cx, g->s->cx.arena, g->t, locator_at(g, i), old));
    values_of(&g->now.v[i], want);
    for (unsigned c = 0; c < NCOLS; c++) {
        int cmp = 0;
        assert_int_equal(old[c].kind, want[c].kind);
        if (old[c].kind != QL_K_NULL) {
            OK(ql_value_compare(&g->s->cx, &old[c], &want[c], ql_coll_binary, &cmp));
        }
        assert_int_equal(cmp, 0);
    }
}

static void
try_update(game *g)
{
    size_t i = rnd(g, g->now.n);
    mrow r = random_row(g);
    ql_value v[NCOLS], old[NCOLS];
    ql_write_result result;
    ql_dup dup = {0};
    const char *key = NULL;
    if (rnd(g, 2) == 0) {
        r.id = g->now.v[i].id;
    }
    if (rnd(g, 3) == 0) {
        r.a = g->now.v[i].a;
    }
    r.serial = g->now.v[i].serial;
    long other = conflict(g, &r, (long)i, &key);
    lock_and_check(g, i, old);
    values_of(&r, v);
    OK(ql_table_update(&g->s->cx, g->t, locator_at(g, i), old, v, &result, &dup));
    check_result(g, result, &dup, other, key);
    if (other < 0) {
        g->now.v[i] = r;
    }
}

static void
do_delete(game *g)
{
    size_t i = rnd(g, g->now.n);
    ql_value old[NCOLS];
    lock_and_check(g, i, old);
    OK(ql_table_delete(&g->s->cx, g->t, locator_at(g, i), old));
    g->now.v[i] = g->now.v[--g->now.n];
}

static void
random_write(game *g)
{
    uint64_t what = rnd(g, 10);
    if (what < 5 || g->now.n == 0) {
        try_insert(g);
    } else if (what < 8) {
        try_update(g);
    } else {
        do_delete(g);
    }
}

/* --- scans -------------------------------------------------------------------------------------
 */

/* Bounds of a scan: a row of the model type for each end, of which the first n parts count. */
typedef struct ends {
    mrow low, high;
    ql_value low_all[NCOLS], high_all[NCOLS], low_v[2], high_v[2];
    ql_bound lo, hi;
} ends;

static void
random_ends(game *g, const ql_index *ix, ends *e)
{
    e->low = g->now.n > 0 && rnd(g, 2) ? g->now.v[rnd(g, g->now.n)] : random_row(g);
    e->high = g->now.n > 0 && rnd(g, 2) ? g->now.v[rnd(g, g->now.n)] : random_row(g);
    if (rnd(g, 4) == 0) {
        e->high = e->low;
    }
    uint16_t nparts = ix->hidden_rowid ? 0 : ix->nparts;
    e->lo = (ql_bound){
        .values = e->low_v, .n = (uint16_t)rnd(g, nparts + 1u), .inclusive = rnd(g, 2) == 0};
    e->hi = (ql_bound){
        .values = e->high_v, .n = (uint16_t)rnd(g, nparts + 1u), .inclusive = rnd(g, 2) == 0};
    values_of(&e->low, e->low_all);
    values_of(&e->high, e->high_all);
    for (uint16_t i = 0; i < nparts; i++) {
        e->low_v[i] = e->low_all[ix->parts[i].column];
        e->high_v[i] = e->high_all[ix->parts[i].column];
    }
}

static bool
is_within(const ql_index *ix, const ends *e, const mrow *r)
{
    int lo = compare_parts(r, &e->low, ix, e->lo.n), hi = compare_parts(r, &e->high, ix, e->hi.n);
    /* What a prefix cannot tell apart stays in: the filter above the scan decides. */
    bool lo_in = e->lo.n == 0 || e->lo.inclusive || ix->parts[e->lo.n - 1].prefix != 0,
         hi_in = e->hi.n == 0 || e->hi.inclusive || ix->parts[e->hi.n - 1].prefix != 0;
    return (lo > 0 || (lo == 0 && lo_in)) && (hi < 0 || (hi == 0 && hi_in));
}

static size_t
expected(game *g, const ql_index *ix, const ends *e, mrow *out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->now.n; i++) {
        if (is_within(ix, e, &g->now.v[i])) {
            out[n++] = g->now.v[i];
        }
    }
    sort_index = ix;
    sort_hidden = g->hidden;
    qsort(out, n, sizeof *out, compare_rows);
    return n;
}

static void
check_row(const ql_batch *b, uint16_t at, const mrow *r, const uint16_t *ordinals, unsigned n)
{
    ql_value want[NCOLS], got;
    values_of(r, want);
    for (unsigned i = 0; i < n; i++) {
        const ql_value *w = &want[ordinals[i]];
        ql_vector_get(&b->cols[i], at, &got);
        assert_int_equal(got.kind, w->kind);
        if (w->kind == QL_K_STRING) {
            assert_int_equal(got.s.n, w->s.n);
            assert_memory_equal(got.s.p, w->s.p, w->s.n);
        } else if (w->kind == QL_K_INT) {
            assert_true(got.u == w->u);
        }
    }
}

static void
check_scan(game *g, ql_scan *scan, const ql_scan_spec *spec, const mrow *want, size_t n)
{
    ql_batch *b;
    ql_status st;
    size_t at = 0;
    while ((st = ql_scan_next(&g->s->cx, scan, &b)) == QL_OK) {
        assert_true(b->n > 0 && b->nsel == b->n && b->sel == NULL);
        for (uint16_t i = 0; i < b->n; i++, at++) {
            assert_true(at < n);
            const mrow *r = spec->reverse ? &want[n - 1 - at] : &want[at];
            check_row(b, i, r, spec->ordinals, spec->ncols);
            if (spec->want_locator) {
                check_locator(g, ql_scan_locator(scan, i), r);
            }
        }
    }
    assert_int_equal(st, QL_END);
    assert_int_equal(at, n);
    assert_int_equal(ql_scan_next(&g->s->cx, scan, &b), QL_END);
}

/* Columns that the index can give by itself. */
static bool
choose_columns(game *g, const ql_index *ix, ql_scan_spec *spec)
{
    static const uint16_t sets[][NCOLS] = {{0, 1, 2, 3}, {1, 2}, {3}, {0, 3}, {1}, {0}};
    static const uint16_t sizes[] = {4, 2, 1, 2, 1, 1};
    unsigned k = (unsigned)rnd(g, 7);
    spec->ordinals = k < 6 ? sets[k] : all_columns;
    spec->ncols = k < 6 ? sizes[k] : 0;
    return ix != &g->t->indexes[0] && ql_index_covers(g->t, ix, spec->ordinals, spec->ncols);
}

static unsigned covered_scans;

static void
random_scan(game *g, ql_view view)
{
    static mrow want[MAX_ROWS];
    const ql_index *ix = &g->t->indexes[rnd(g, g->t->nindexes)];
    ends e;
    ql_scan *scan;
    ql_scan_spec spec = scan_spec(g->t, ix);
    random_ends(g, ix, &e);
    spec.index_only = choose_columns(g, ix, &spec);
    covered_scans += spec.index_only;
    spec.want_locator = rnd(g, 2) == 0;
    spec.reverse = rnd(g, 2) == 0;
    spec.view = view;
    spec.low = e.lo;
    spec.high = e.hi;
    OK(ql_scan_open(&g->s->cx, g->s->cx.arena, &spec, &scan));
    check_scan(g, scan, &spec, want, expected(g, ix, &e, want));
    for (int i = 0; i < 3; i++) {
        random_ends(g, ix, &e);
        OK(ql_scan_rebind(&g->s->cx, scan, &e.lo, &e.hi));
        check_scan(g, scan, &spec, want, expected(g, ix, &e, want));
    }
    ql_scan_close(scan);
}

/* Nothing is left behind in any index. */
static void
check_entries(game *g)
{
    for (unsigned i = 0; i < g->t->nindexes; i++) {
        assert_int_equal(count_keys(g->s, &g->t->indexes[i]), g->now.n);
    }
}

static void
one_statement(game *g)
{
    g->at_statement = g->now;
    for (uint64_t i = rnd(g, 6); i-- > 0;) {
        random_write(g);
        if (rnd(g, 8) == 0) {
            model before = g->now;
            random_scan(g, rnd(g, 2) ? QL_VIEW_OWN : QL_VIEW_CURRENT);
            g->now = g->at_statement; /* the statement's own writes are not in its view */
            random_scan(g, QL_VIEW_STATEMENT);
            g->now = before;
        }
    }
    if (rnd(g, 4) == 0) {
        ql_arena_reset(g->s->cx.arena);
        ql_txn_stmt_rollback(&g->s->cx);
        ql_catalog_stmt_rolled_back(&g->s->cx);
        g->at_statement.serial = g->now.serial;
        g->now = g->at_statement;
        OK(ql_txn_stmt_begin(&g->s->cx));
    } else {
        next_statement(g->s);
    }
}

static void
play(world *w, bool hidden, uint64_t seed)
{
    game *g = calloc(1, sizeof *g);
    *g = (game){.s = &w->boot, .hidden = hidden, .seed = seed};
    make_table(g->s, !hidden);
    g->t = open_table(g->s);
    for (int i = 0; i < 120; i++) {
        begin(g->s);
        g->at_begin = g->now;
        for (uint64_t n = 1 + rnd(g, 4); n-- > 0;) {
            one_statement(g);
        }
        if (rnd(g, 5) == 0) {
            g->at_begin.serial = g->now.serial;
            g->now = g->at_begin;
            rollback(g->s);
        } else {
            commit(g->s);
        }
        assert_int_equal(ql_table_rows(g->t), g->now.n);
        begin(g->s);
        for (int k = 0; k < 8; k++) {
            random_scan(g, QL_VIEW_STATEMENT);
            ql_arena_reset(g->s->cx.arena);
        }
        check_entries(g);
        commit(g->s);
    }
    assert_true(g->now.n > 20); /* the game was not about nothing */
    assert_true(covered_scans > 100);
    covered_scans = 0;
    ql_table_put(g->t);
    free(g);
}

static void
with_primary_key(void **state)
{
    play(*state, false, 0x5eed);
}

static void
with_hidden_row_ids(void **state)
{
    play(*state, true, 0xf00d);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(with_primary_key),
        TEST(with_hidden_row_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
