/* SPDX-License-Identifier: Apache-2.0
 *
 * Index keys: memcmp order is the order of the values for random pairs of every kind, ascending and
 * descending, alone and in composite keys; round trips; damaged keys.
 */
#include "fixture.h"

#include <math.h>

typedef struct key_type {
    ql_type t;
    bool decodes;
} key_type;

static ql_type
string_type(const char *coll)
{
    return (ql_type){.kind = QL_K_STRING,
                     .field = QL_F_VARCHAR,
                     .length = 100,
                     .coll = ql_collation_by_name(str(coll))};
}

static size_t
make_types(key_type out[12])
{
    size_t n = 0;
    out[n++] = (key_type){ql_type_int(false), true};
    out[n++] = (key_type){ql_type_int(true), true};
    out[n++] = (key_type){ql_type_double(), true};
    out[n++] = (key_type){ql_type_decimal(65, 30), true};
    out[n++] = (key_type){ql_type_date(), true};
    out[n++] = (key_type){ql_type_time(6), true};
    out[n++] = (key_type){ql_type_datetime(6), true};
    out[n++] = (key_type){string_type("binary"), true};
    out[n++] = (key_type){string_type("utf8mb4_0900_bin"), true};
    out[n++] = (key_type){string_type("utf8mb4_bin"), false};
    out[n++] = (key_type){string_type("utf8mb4_0900_ai_ci"), false};
    out[n++] = (key_type){string_type("utf8mb4_general_ci"), false};
    return n;
}

static int64_t
random_int(uint64_t *seed)
{
    switch (next_random(seed) % 4) {
    case 0:
        return (int64_t)(next_random(seed) % 5) - 2;
    case 1:
        return (int64_t)(next_random(seed) % 3 ? INT64_MAX : INT64_MIN);
    default:
        return (int64_t)(next_random(seed) >> next_random(seed) % 60);
    }
}

static ql_decimal
random_decimal(uint64_t *seed)
{
    char text_form[96];
    size_t n = 0, digits = 1 + next_random(seed) % 34, fraction = next_random(seed) % 31;
    if (next_random(seed) % 2) {
        text_form[n++] = '-';
    }
    for (size_t i = 0; i < digits; i++) {
        text_form[n++] = (char)('0' + (next_random(seed) % 3 ? 0 : next_random(seed) % 10));
    }
    text_form[n++] = '.';
    for (size_t i = 0; i < fraction; i++) {
        text_form[n++] = (char)('0' + (next_random(seed) % 3 ? 0 : next_random(seed) % 10));
    }
    ql_decimal d;
    size_t used;
    (void)ql_decimal_parse(&d, (ql_str){text_form, n}, &used);
    return d;
}

static ql_value
random_value(ql_ctx *cx, uint64_t *seed, const ql_type *t)
{
    ql_value v = {.kind = t->kind, .is_unsigned = t->is_unsigned, .coll = t->coll};
    if (next_random(seed) % 20 == 0) {
        return ql_value_null();
    }
    switch (t->kind) {
    case QL_K_DOUBLE:
        v.d = next_random(seed) % 2
                  ? (double)random_int(seed)
                  : ldexp((double)random_int(seed), (int)(next_random(seed) % 200) - 100);
        break;
    case QL_K_DECIMAL:
        v.dec = random_decimal(seed);
        break;
    case QL_K_STRING: {
        static const char bytes[] = "\0\0\1a aAbB\xc3\xa9\xff-";
        size_t n = next_random(seed) % 12;
        char *p = ql_arena_alloc(cx, cx->arena, n + 1);
        for (size_t i = 0; i < n; i++) {
            p[i] = bytes[next_random(seed) % (sizeof bytes - 1)];
        }
        v.s = (ql_str){p, n};
        break;
    }
    default:
        v.i = random_int(seed);
        break;
    }
    return v;
}

static int
sign(int c)
{
    return c < 0 ? -1 : c > 0;
}

/* NULL first. */
static int
value_order(ql_ctx *cx, const ql_type *t, const ql_value *a, const ql_value *b)
{
    int r = 0;
    if (a->kind == QL_K_NULL || b->kind == QL_K_NULL) {
        return (a->kind != QL_K_NULL) - (b->kind != QL_K_NULL);
    }
    assert_int_equal(ql_value_compare(cx, a, b, t->coll, &r), QL_OK);
    return sign(r);
}

static int
bytes_order(const ql_buf *a, const ql_buf *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int m = memcmp(a->p, b->p, n);
    return m ? sign(m) : (a->n > b->n) - (a->n < b->n);
}

static void
test_order_and_round_trip(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    key_type types[12];
    size_t ntypes = make_types(types);
    uint64_t seed = 4711;
    for (size_t k = 0; k < ntypes; k++) {
        const ql_type *t = &types[k].t;
        for (int i = 0; i < 4000; i++) {
            bool desc = i % 2;
            ql_buf a = {0}, b = {0};
            ql_value x = random_value(&cx, &seed, t), y = random_value(&cx, &seed, t), back;
            assert_int_equal(ql_key_encode(&cx, t, 0, desc, &x, &a), QL_OK);
            assert_int_equal(ql_key_encode(&cx, t, 0, desc, &y, &b), QL_OK);
            int want = value_order(&cx, t, &x, &y);
            assert_int_equal(bytes_order(&a, &b), desc ? -want : want);
            assert_int_equal(ql_key_skip(t, desc, (ql_str){a.p, a.n}), a.n);
            for (size_t cut = 0; cut < a.n; cut++) {
                size_t got = ql_key_skip(t, desc, (ql_str){a.p, cut});
                assert_true(got <= cut);
            }
            if (types[k].decodes) {
                size_t used;
                assert_int_equal(
                    ql_key_decode(&cx, cx.arena, t, desc, (ql_str){a.p, a.n}, &back, &used), QL_OK);
                assert_int_equal(used, a.n);
                assert_int_equal(back.kind, x.kind);
                assert_int_equal(value_order(&cx, t, &x, &back), 0);
            }
            ql_buf_free(&a);
            ql_buf_free(&b);
        }
    }
    fixture_end(&cx);
}

static void
test_composite(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    key_type types[12];
    size_t ntypes = make_types(types);
    uint64_t seed = 815;
    for (int i = 0; i < 10000; i++) {
        ql_buf a = {0}, b = {0};
        int want = 0;
        size_t ends[3] = {0};
        size_t parts[3];
        bool desc[3];
        for (int p = 0; p < 3; p++) {
            parts[p] = next_random(&seed) % ntypes;
            desc[p] = next_random(&seed) % 2;
            const ql_type *t = &types[parts[p]].t;
            ql_value x = random_value(&cx, &seed, t), y = random_value(&cx, &seed, t);
            if (next_random(&seed) % 2) {
                y = x;
            }
            assert_int_equal(ql_key_encode(&cx, t, 0, desc[p], &x, &a), QL_OK);
            assert_int_equal(ql_key_encode(&cx, t, 0, desc[p], &y, &b), QL_OK);
            ends[p] = a.n;
            int c = value_order(&cx, t, &x, &y);
            want = want ? want : (desc[p] ? -c : c);
        }
        assert_int_equal(bytes_order(&a, &b), want);
        size_t at = 0;
        for (int p = 0; p < 3; p++) {
            size_t n = ql_key_skip(&types[parts[p]].t, desc[p], (ql_str){a.p + at, a.n - at});
            at += n;
            assert_int_equal(at, ends[p]);
        }
        ql_buf_free(&a);
        ql_buf_free(&b);
    }
    fixture_end(&cx);
}

static void
test_prefix_columns(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_type t = string_type("utf8mb4_0900_ai_ci"), bin = string_type("binary");
    ql_buf a = {0}, b = {0};
    ql_value x = text("\xc3\xa4\xc3\xb6xyz"), y = text("AO");
    assert_int_equal(ql_key_encode(&cx, &t, 2, false, &x, &a), QL_OK);
    assert_int_equal(ql_key_encode(&cx, &t, 2, false, &y, &b), QL_OK);
    assert_int_equal(bytes_order(&a, &b), 0);
    ql_buf_clear(&a);
    assert_int_equal(ql_key_encode(&cx, &bin, 3, false, &x, &a), QL_OK);
    assert_int_equal(a.n, 1 + 3 + 2);
    ql_buf_free(&a);
    ql_buf_free(&b);
    fixture_end(&cx);
}

static void
test_damage(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    key_type types[12];
    size_t ntypes = make_types(types);
    uint64_t seed = 3;
    for (int i = 0; i < 60000; i++) {
        size_t n = next_random(&seed) % 40;
        char *p = malloc(n ? n : 1); /* exact size, for the sanitizer */
        for (size_t k = 0; k < n; k++) {
            p[k] = (char)(next_random(&seed) % 4 ? next_random(&seed) : next_random(&seed) % 2);
        }
        if (n > 0 && next_random(&seed) % 2) {
            p[0] = 1;
        }
        key_type *kt = &types[next_random(&seed) % ntypes];
        size_t used;
        ql_value v;
        ql_diag_reset(cx.diag);
        ql_arena_mark mark = ql_arena_save(cx.arena);
        ql_status st =
            ql_key_decode(&cx, cx.arena, &kt->t, next_random(&seed) % 2, (ql_str){p, n}, &v, &used);
        assert_true(st == QL_OK || ql_diag_error(cx.diag)->number == 1877);
        ql_arena_restore(cx.arena, mark);
        free(p);
    }
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_round_trip),
        cmocka_unit_test(test_composite),
        cmocka_unit_test(test_prefix_columns),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
