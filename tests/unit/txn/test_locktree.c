/* SPDX-License-Identifier: Apache-2.0
 *
 * The trees of row locks against a plain list: order, balance, summaries and searches after each of
 * many random changes.
 */
#include "txn_support.h"

#include "txn/txn_int.h"

enum { LOCKS = 300, OWNERS = 4, ROUNDS = 6000, KEYS = 60 };

typedef struct model {
    qli_locktree tree;
    qli_lock *locks[LOCKS]; /* NULL = unused */
    qli_trx owners[OWNERS];
    uint64_t ticket;
    unsigned seed;
} model;

static unsigned
dice(model *m, unsigned n)
{
    m->seed = m->seed * 1664525u + 1013904223u;
    return (m->seed >> 8) % n;
}

/* Keys of different lengths: "a", "ab", ... */
static ql_str
key_of(char *p, unsigned n)
{
    int len = sprintf(p, "%c%s", 'a' + (int)(n / 3), n % 3 == 0 ? "" : n % 3 == 1 ? "m" : "mm");
    return (ql_str){p, (size_t)len};
}

static void
set_end(char **to, uint32_t *n, ql_str s)
{
    free(*to);
    *to = malloc(s.n);
    memcpy(*to, s.p, s.n);
    *n = (uint32_t)s.n;
}

static qli_lock *
new_lock(model *m)
{
    char a[8], b[8];
    unsigned from = dice(m, KEYS), to = from + 1 + dice(m, 12);
    ql_str low = key_of(a, from), high = key_of(b, to);
    qli_lock *l = calloc(1, sizeof *l + sizeof(qli_span) + 16);
    static const uint8_t of_points[] = {QLI_REC_S, QLI_REC_X};
    static const uint8_t of_spans[] = {QLI_RANGE_S, QLI_RANGE_X, QLI_GAP};
    l->cls = m->tree.spans ? of_spans[dice(m, 3)] : of_points[dice(m, 2)];
    l->owner = &m->owners[dice(m, 3) == 0 ? dice(m, OWNERS) : from * OWNERS / KEYS];
    l->ticket = ++m->ticket;
    l->klen = (uint16_t)low.n;
    if (m->tree.spans) {
        uint32_t n;
        set_end(&qli_span_of(l)->low, &n, low);
        set_end(&qli_span_of(l)->high, &qli_span_of(l)->high_n, high);
    } else {
        memcpy(qli_point_bytes(l), low.p, low.n);
    }
    return l;
}

static void
free_lock(const model *m, qli_lock *l)
{
    if (m->tree.spans) {
        free(qli_span_of(l)->low);
        free(qli_span_of(l)->high);
    }
    free(l);
}

static bool
count_hit(void *arg, qli_lock *l)
{
    qli_lock ***next = arg;
    *(*next)++ = l;
    return false;
}

static bool
is_expected(const model *m, const qli_overlap *q, qli_lock *l)
{
    if (l == NULL || (l->cls & q->classes) == 0 || l->owner == q->except ||
        (q->only != NULL && l->owner != q->only) || atomic_load(&l->owner->ended)) {
        return false;
    }
    int from_low = ql_str_cmp(qli_lock_low(l), q->low);
    bool reaches = m->tree.spans ? ql_str_cmp(qli_span_high(l), q->low) > 0 : from_low >= 0;
    return reaches && (q->point ? from_low <= 0 : ql_str_cmp(qli_lock_low(l), q->high) < 0);
}

static void
compare_searches(model *m)
{
    char a[8], b[8];
    unsigned from = dice(m, KEYS);
    qli_lock *found[LOCKS], **next = found;
    qli_overlap q = {.low = key_of(a, from),
                     .high = key_of(b, from + 1 + dice(m, 30)),
                     .point = dice(m, 2) == 0,
                     .classes = (uint8_t)(1 + dice(m, 31)),
                     .except = dice(m, 2) == 0 ? &m->owners[dice(m, OWNERS)] : NULL,
                     .only = dice(m, 4) == 0 ? &m->owners[dice(m, OWNERS)] : NULL,
                     .budget = SIZE_MAX,
                     .hit = count_hit,
                     .arg = &next};
    assert_false(qli_locktree_search(&m->tree, &q));
    size_t want = 0;
    for (int i = 0; i < LOCKS; i++) {
        if (is_expected(m, &q, m->locks[i])) {
            bool there = false;
            for (qli_lock **f = found; f < next; f++) {
                there = there || *f == m->locks[i];
            }
            assert_true(there);
            want++;
        }
    }
    assert_int_equal(next - found, want);
}

/* Points by a probe before them where they are the first ones of their key. */
static void
insert(model *m, qli_lock *l)
{
    qli_lock_place place;
    bool there = false;
    for (int i = 0; i < LOCKS; i++) {
        there = there || (m->locks[i] != NULL && m->locks[i] != l &&
                          ql_str_cmp(qli_lock_low(m->locks[i]), qli_lock_low(l)) == 0);
    }
    if (m->tree.spans) {
        qli_locktree_insert(&m->tree, l);
        return;
    }
    assert_int_equal(qli_locktree_probe(&m->tree, qli_lock_low(l), &place), there);
    if (there) {
        qli_locktree_insert(&m->tree, l);
    } else {
        qli_locktree_insert_at(&m->tree, l, &place);
    }
}

static void
change(model *m)
{
    unsigned i = dice(m, LOCKS);
    qli_lock *l = m->locks[i];
    if (l == NULL) {
        m->locks[i] = new_lock(m);
        insert(m, m->locks[i]);
    } else if (m->tree.spans && dice(m, 3) == 0) {
        char b[8];
        ql_str high = key_of(b, KEYS + dice(m, 12));
        if (ql_str_cmp(high, qli_span_high(l)) > 0) {
            set_end(&qli_span_of(l)->high, &qli_span_of(l)->high_n, high);
            qli_locktree_stretch(&m->tree, l);
        }
    } else if (!m->tree.spans && l->cls == QLI_REC_S && dice(m, 3) == 0) {
        l->cls = QLI_REC_X;
        qli_locktree_raise(&m->tree, l);
    } else {
        qli_locktree_remove(&m->tree, l);
        free_lock(m, l);
        m->locks[i] = NULL;
    }
}

static bool
in_order(void *arg, qli_lock *l)
{
    qli_lock **last = arg;
    if (*last != NULL) {
        int d = ql_str_cmp(qli_lock_low(*last), qli_lock_low(l));
        assert_true(d < 0 || (d == 0 && (*last)->ticket < l->ticket));
    }
    *last = l;
    return false;
}

static void
run_model(bool spans)
{
    model m = {.tree.spans = spans, .seed = spans ? 7 : 3};
    for (int i = 0; i < ROUNDS; i++) {
        change(&m);
        if (i % 1000 == 500) {
            atomic_store(&m.owners[0].ended, !atomic_load(&m.owners[0].ended));
        }
        qli_locktree_check(&m.tree);
        compare_searches(&m);
    }
    qli_lock *last = NULL;
    assert_false(qli_locktree_walk(&m.tree, (ql_str){"", 0}, 0, in_order, &last));
    for (int i = 0; i < LOCKS; i++) {
        if (m.locks[i] != NULL) {
            qli_locktree_remove(&m.tree, m.locks[i]);
            free_lock(&m, m.locks[i]);
            qli_locktree_check(&m.tree);
        }
    }
    assert_null(m.tree.root);
}

static void
points_match_model(void **state)
{
    (void)state;
    run_model(false);
}

static void
spans_match_model(void **state)
{
    (void)state;
    run_model(true);
}

/* Only where nobody else is. */
static void
trees_of_one_owner_are_forgotten(void **state)
{
    (void)state;
    for (int spans = 0; spans < 2; spans++) {
        model m = {.tree.spans = spans != 0, .seed = 11};
        assert_false(qli_locktree_forget(&m.tree, &m.owners[1]));
        for (int i = 0; i < LOCKS; i++) {
            m.locks[i] = new_lock(&m);
            m.locks[i]->owner = &m.owners[i == LOCKS / 2 ? 2 : 1];
            insert(&m, m.locks[i]);
        }
        assert_false(qli_locktree_forget(&m.tree, &m.owners[1]));
        assert_false(qli_locktree_forget(&m.tree, &m.owners[2]));
        qli_locktree_remove(&m.tree, m.locks[LOCKS / 2]);
        qli_locktree_check(&m.tree);
        assert_false(qli_locktree_forget(&m.tree, &m.owners[2]));
        assert_true(qli_locktree_forget(&m.tree, &m.owners[1]));
        assert_null(m.tree.root);
        assert_int_equal(m.tree.count, 0);
        for (int i = 0; i < LOCKS; i++) {
            free_lock(&m, m.locks[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_match_model),
        cmocka_unit_test(spans_match_model),
        cmocka_unit_test(trees_of_one_owner_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
