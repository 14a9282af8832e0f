/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms of functions for a batch against their scalar forms: random strings (ASCII, wide, broken,
 * long), random selections, every collation that has rules of its own. LIKE over random patterns.
 */
#include "../types/fixture.h"

#include "fn/fn.h"

#define ROWS 200

static const char *const collation_names[] = {
    "binary",
    "utf8mb4_bin",
    "utf8mb4_0900_bin",
    "utf8mb4_0900_ai_ci",
    "utf8mb4_0900_as_cs",
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "latin1_swedish_ci",
    "ascii_general_ci",
};

/* Letters, their other cases, what patterns are made of, wide characters that some collations take
 * for letters, combining marks, bytes that are no character. */
static const char *const alphabet[] = {
    "a",        "A",
    "b",        "B",
    "s",        "S",
    "k",        "1",
    " ",        "%",
    "_",        "\\",
    "\xc3\xa4", "\xc3\x84",
    "\xc3\x9f", "\xe2\x84\xaa",
    "\xcc\x88", "\xf0\x9f\x98\x80",
    "\xc3",     "\xa4",
    "\xff",
};

static ql_str
random_text(ql_ctx *cx, uint64_t *seed, size_t most, bool only_ascii)
{
    char *p = ql_arena_alloc(cx, cx->arena, most * 4 + 1);
    size_t n = 0, chars = next_random(seed) % (most + 1);
    for (size_t i = 0; i < chars; i++) {
        const char *c = alphabet[next_random(seed) % (only_ascii ? 12 : QL_ARRAY_LEN(alphabet))];
        size_t len = strlen(c);
        memcpy(p + n, c, len);
        n += len;
    }
    return (ql_str){p, n};
}

static ql_vector
column(ql_ctx *cx, const ql_type *t, bool is_const)
{
    ql_vector v;
    assert_int_equal(ql_vector_init(cx, cx->arena, &v, t, is_const), QL_OK);
    return v;
}

/* Some rows, ascending. */
static uint16_t
random_rows(uint64_t *seed, uint16_t *sel)
{
    uint16_t n = 0;
    for (uint16_t i = 0; i < ROWS; i++) {
        if (next_random(seed) % 3 != 0) {
            sel[n++] = i;
        }
    }
    if (n == 0) {
        sel[n++] = 7;
    }
    return n;
}

/* Both forms of every row; vec may say QL_END only when it has to. */
static void
compare_forms(ql_ctx *cx, ql_call *call, ql_fn fn, ql_fn_vec vec, ql_vector **args, uint32_t nargs,
              bool may_decline, uint64_t *seed)
{
    uint16_t sel[ROWS], n = random_rows(seed, sel);
    bool all = next_random(seed) % 4 == 0;
    ql_vector out = column(cx, &call->expr->type, false);
    ql_rows r = {
        .args = args, .nargs = nargs, .sel = all ? NULL : sel, .n = all ? ROWS : n, .out = &out};
    ql_status st = vec(cx, call, &r);
    if (st == QL_END) {
        assert_true(may_decline);
        return;
    }
    assert_int_equal(st, QL_OK);
    for (uint16_t k = 0; k < r.n; k++) {
        uint16_t row = ql_rows_at(&r, k);
        ql_value vals[4], want = ql_value_null(), got;
        bool same;
        for (uint32_t i = 0; i < nargs; i++) {
            ql_vector_get(args[i], row, &vals[i]);
        }
        assert_int_equal(fn(cx, call, vals, nargs, &want), QL_OK);
        ql_vector_get(&out, row, &got);
        assert_int_equal(got.kind, want.kind);
        if (want.kind == QL_K_STRING) {
            same = want.s.n == got.s.n && memcmp(want.s.p, got.s.p, got.s.n) == 0;
        } else {
            same = want.kind == QL_K_NULL || want.i == got.i;
        }
        if (!same) {
            print_error("differs: '%.*s' with '%.*s', collation %s\n", (int)vals[0].s.n,
                        vals[0].s.p,
                        nargs > 1 && vals[1].kind == QL_K_STRING ? (int)vals[1].s.n : 0,
                        nargs > 1 && vals[1].kind == QL_K_STRING ? vals[1].s.p : "",
                        call->expr->coll != NULL ? call->expr->coll->name : "");
        }
        assert_true(same);
    }
}

/* Patterns of which most are one word between % signs, as people write them. */
static ql_str
random_pattern(ql_ctx *cx, uint64_t *seed)
{
    uint64_t r = next_random(seed);
    if (r % 4 == 0) {
        return random_text(cx, seed, 5, r % 8 == 0);
    }
    char *p = ql_arena_alloc(cx, cx->arena, 32);
    size_t n = 0;
    if (r & 0x10) {
        p[n++] = '%';
    }
    for (uint64_t i = 0, chars = 1 + (r >> 8) % 3; i < chars; i++) {
        p[n++] = "aAbBsSk1 "[next_random(seed) % 9];
    }
    if (r & 0x20) {
        p[n++] = '%';
    }
    return (ql_str){p, n};
}

static void
test_like(void **state)
{
    (void)state;
    ql_ctx cx;
    uint64_t seed = 20240229;
    unsigned yes = 0;
    fixture_begin(&cx);
    for (int round = 0; round < 3000; round++) {
        const ql_collation *c = ql_collation_by_name(
            str(collation_names[(size_t)round % QL_ARRAY_LEN(collation_names)]));
        assert_non_null(c);
        ql_type t = ql_type_varchar(100, c);
        ql_vector texts = column(&cx, &t, false), pattern = column(&cx, &t, true);
        ql_vector *args[] = {&texts, &pattern};
        for (uint16_t i = 0; i < ROWS; i++) {
            texts.s[i] = random_text(&cx, &seed, 8, round % 2 == 0);
        }
        pattern.s[0] = random_pattern(&cx, &seed);
        ql_expr constant = {.is_constant = true}, *list[] = {&constant, &constant};
        ql_expr e = {.type = ql_type_bool(), .coll = c, .args = list, .nargs = 2};
        ql_call call = {.expr = &e, .arena = cx.arena, .mem = cx.arena};
        compare_forms(&cx, &call, ql_fn_like, ql_fn_like_rows, args, 2, false, &seed);
        ql_value vals[2], out;
        ql_vector_get(&texts, 3, &vals[0]);
        ql_vector_get(&pattern, 3, &vals[1]);
        assert_int_equal(ql_fn_like(&cx, &call, vals, 2, &out), QL_OK);
        yes += out.i != 0;
        ql_arena_reset(cx.arena);
    }
    assert_in_range(yes, 150, 2850); /* the patterns are neither all hits nor all misses */
    fixture_end(&cx);
}

static void
test_strings(void **state)
{
    (void)state;
    static const struct {
        ql_func_id fn;
        uint32_t nargs;
        const char *kinds;
        bool may_decline;
    } cases[] = {
        {QL_FN_LENGTH, 1, "s", false},     {QL_FN_CHAR_LENGTH, 1, "s", false},
        {QL_FN_UPPER, 1, "s", true},       {QL_FN_LOWER, 1, "s", true},
        {QL_FN_LEFT, 2, "si", false},      {QL_FN_RIGHT, 2, "si", false},
        {QL_FN_SUBSTRING, 2, "si", false}, {QL_FN_SUBSTRING, 3, "sii", false},
        {QL_FN_CONCAT, 3, "sss", true},    {QL_FN_CONCAT, 1, "s", true},
    };
    ql_ctx cx;
    uint64_t seed = 4711;
    fixture_begin(&cx);
    for (int round = 0; round < 900; round++) {
        size_t at = (size_t)round % QL_ARRAY_LEN(cases);
        const ql_collation *c = ql_collation_by_name(
            str(collation_names[(size_t)round / 3 % QL_ARRAY_LEN(collation_names)]));
        ql_vector cols[3], *args[3];
        size_t most = round % 50 == 9 ? 3000 : 12;
        for (uint32_t i = 0; i < cases[at].nargs; i++) {
            bool text = cases[at].kinds[i] == 's', is_const = i > 0 && next_random(&seed) % 2;
            ql_type t = text ? ql_type_varchar(100, c) : ql_type_int(next_random(&seed) % 8 == 0);
            cols[i] = column(&cx, &t, is_const);
            args[i] = &cols[i];
            for (uint16_t row = 0; row < (is_const ? 1 : ROWS); row++) {
                if (text) {
                    cols[i].s[row] = random_text(&cx, &seed, row % 40 == 0 ? most : 12, round % 2);
                } else {
                    int64_t v = (int64_t)(next_random(&seed) % 24) - 8;
                    cols[i].i[row] = next_random(&seed) % 40 == 0 ? INT64_MIN + v + 8 : v;
                }
            }
        }
        bool number = cases[at].fn == QL_FN_LENGTH || cases[at].fn == QL_FN_CHAR_LENGTH;
        ql_expr e = {.fn = cases[at].fn,
                     .type = number ? ql_type_int(false) : ql_type_varchar(1000, c)};
        ql_call call = {.expr = &e, .arena = cx.arena, .mem = cx.arena};
        assert_non_null(ql_fn_vectors[e.fn]);
        compare_forms(&cx, &call, ql_fn_table[e.fn], ql_fn_vectors[e.fn], args, cases[at].nargs,
                      cases[at].may_decline && (c == ql_coll_binary || most > 100), &seed);
        ql_arena_reset(cx.arena);
    }
    fixture_end(&cx);
}

static void
test_parts_of_times(void **state)
{
    (void)state;
    static const ql_func_id dates[] = {QL_FN_YEAR, QL_FN_MONTH, QL_FN_DAYOFMONTH};
    static const ql_func_id times[] = {QL_FN_HOUR, QL_FN_MINUTE, QL_FN_SECOND};
    ql_ctx cx;
    uint64_t seed = 99;
    fixture_begin(&cx);
    for (int round = 0; round < 120; round++) {
        bool date = round % 2 == 0;
        ql_type t = date ? ql_type_date() : ql_type_time(6);
        ql_vector col = column(&cx, &t, round % 16 == 3), *args[] = {&col};
        for (uint16_t row = 0; row < (col.is_const ? 1 : ROWS); row++) {
            uint64_t r = next_random(&seed);
            ql_dt d = {.negative = !date && r % 2,
                       .micro = date ? 0 : (uint32_t)(r >> 20) % 1000000};
            d.year = date ? (uint32_t)(r % 10000) : 0;
            d.month = date ? (uint32_t)(r >> 16) % 13 : 0;
            d.day = date ? (uint32_t)(r >> 24) % 32 : 0;
            d.hour = date ? 0 : (uint32_t)(r >> 32) % 839;
            d.minute = date ? 0 : (uint32_t)(r >> 44) % 60;
            d.second = date ? 0 : (uint32_t)(r >> 52) % 60;
            col.i[row] = date ? ql_dt_pack(&d) : ql_time_pack(&d);
        }
        ql_expr e = {.fn = date ? dates[(size_t)round / 2 % 3] : times[(size_t)round / 2 % 3],
                     .type = ql_type_int(false)};
        ql_call call = {.expr = &e, .arena = cx.arena, .mem = cx.arena};
        compare_forms(&cx, &call, ql_fn_table[e.fn], ql_fn_vectors[e.fn], args, 1, false, &seed);
        ql_arena_reset(cx.arena);
    }
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_parts_of_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
