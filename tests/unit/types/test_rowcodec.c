/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored rows: round trips of random rows with any subset of columns wanted, columns added later,
 * truncated and damaged bytes.
 */
#include "fixture.h"

#define NCOLS 14
#define F(f) .field = QL_F_##f

static const ql_type types[NCOLS] = {
    {.kind = QL_K_INT, F(LONGLONG)},
    {.kind = QL_K_STRING, F(VARCHAR), .length = 500},
    {.kind = QL_K_INT, F(TINY)},
    {.kind = QL_K_DECIMAL, F(NEWDECIMAL), .length = 65, .decimals = 30},
    {.kind = QL_K_DOUBLE, F(DOUBLE), .decimals = 31},
    {.kind = QL_K_DATE, F(DATE)},
    {.kind = QL_K_INT, F(INT24)},
    {.kind = QL_K_STRING, F(BLOB)},
    {.kind = QL_K_DATETIME, F(DATETIME), .decimals = 6},
    {.kind = QL_K_TIME, F(TIME), .decimals = 6},
    {.kind = QL_K_INT, F(SHORT), .is_unsigned = true},
    {.kind = QL_K_DOUBLE, F(FLOAT), .decimals = 31},
    {.kind = QL_K_INT, F(LONG)},
    {.kind = QL_K_STRING, F(VARCHAR), .length = 10},
};

static ql_value
random_value(ql_ctx *cx, uint64_t *seed, const ql_type *t)
{
    ql_value v = {.kind = t->kind, .is_unsigned = t->is_unsigned, .decimals = t->decimals};
    uint64_t r = next_random(seed);
    if (r % 6 == 0) {
        return ql_value_null();
    }
    switch (t->field) {
    case QL_F_TINY:
        v.i = (int8_t)r;
        break;
    case QL_F_INT24:
        v.i = (int64_t)(r % 16777216) - 8388608;
        break;
    case QL_F_SHORT:
        v.u = (uint16_t)r;
        break;
    case QL_F_LONG:
        v.i = (int32_t)r;
        break;
    case QL_F_DOUBLE:
        v.d = (double)(int64_t)r / 7;
        break;
    case QL_F_FLOAT:
        v.d = (double)(float)((double)(int64_t)r / 7);
        v.decimals = QL_DECIMALS_FLOAT;
        break;
    case QL_F_NEWDECIMAL: {
        char digits[80];
        size_t n = 1 + r % 60, used;
        for (size_t i = 0; i < n; i++) {
            digits[i] = (char)('0' + next_random(seed) % 10);
        }
        digits[n / 2] = n > 2 ? '.' : digits[n / 2];
        (void)ql_decimal_parse(&v.dec, (ql_str){digits, n}, &used);
        if (r >> 40 & 1) {
            ql_decimal_neg(&v.dec);
        }
        break;
    }
    case QL_F_DATE: {
        ql_dt d;
        ql_dt_from_days((int64_t)(r % 3652424) + 1, &d);
        v.i = ql_dt_pack(&d);
        break;
    }
    case QL_F_VARCHAR:
    case QL_F_BLOB: {
        size_t n = r % 12;
        n = r >> 32 & 7 ? n : (r >> 35 & 3 ? n * 40 : n * 9000);
        char *p = ql_arena_alloc(cx, cx->arena, n + 1);
        memset(p, (int)(r >> 40), n);
        v.s = (ql_str){p, n};
        break;
    }
    default:
        v.i = (int64_t)r;
        break;
    }
    return v;
}

static void
expect_same(const ql_value *a, const ql_value *b)
{
    assert_int_equal(a->kind, b->kind);
    switch (a->kind) {
    case QL_K_NULL:
        break;
    case QL_K_STRING:
        assert_int_equal(a->s.n, b->s.n);
        assert_memory_equal(a->s.p, b->s.p, a->s.n);
        break;
    case QL_K_DECIMAL:
        assert_int_equal(a->dec.scale, b->dec.scale);
        assert_int_equal(ql_decimal_cmp(&a->dec, &b->dec), 0);
        break;
    case QL_K_DOUBLE:
        assert_true(a->d == b->d);
        assert_int_equal(a->decimals, b->decimals);
        break;
    default:
        assert_int_equal(a->i, b->i);
        break;
    }
}

static void
test_round_trips(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_batch batch;
    assert_int_equal(ql_batch_init(&cx, cx.arena, &batch, types, NCOLS), QL_OK);
    uint64_t seed = 2024;
    for (int i = 0; i < 5000; i++) {
        ql_arena_mark mark = ql_arena_save(cx.arena);
        ql_value values[NCOLS], back[NCOLS], got;
        ql_buf row = {0};
        for (int c = 0; c < NCOLS; c++) {
            values[c] = random_value(&cx, &seed, &types[c]);
        }
        assert_int_equal(ql_row_encode(&cx, types, NCOLS, values, &row), QL_OK);
        ql_str in = {row.p, row.n};
        assert_int_equal(ql_row_decode_values(&cx, types, NCOLS, NULL, in, back), QL_OK);
        for (int c = 0; c < NCOLS; c++) {
            expect_same(&values[c], &back[c]);
        }
        uint16_t wanted[NCOLS], n = 0, at = (uint16_t)(i % QL_BATCH_ROWS);
        ql_vector cols[NCOLS];
        for (uint16_t c = 0; c < NCOLS; c++) {
            if (next_random(&seed) % 2) {
                cols[n] = batch.cols[c];
                wanted[n++] = c;
            }
        }
        ql_row_reader r;
        assert_int_equal(ql_row_reader_init(&cx, cx.arena, &r, types, NCOLS, NULL, wanted, n),
                         QL_OK);
        assert_int_equal(ql_row_decode(&cx, &r, in, cols, at), QL_OK);
        for (uint16_t c = 0; c < n; c++) {
            ql_vector_get(&cols[c], at, &got);
            expect_same(&values[wanted[c]], &got);
        }
        ql_buf_free(&row);
        ql_arena_restore(cx.arena, mark);
    }
    fixture_end(&cx);
}

static void
test_added_columns(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_value values[3] = {ql_value_int(7), text("abc"), ql_value_null()}, back[NCOLS],
             defaults[NCOLS];
    ql_buf row = {0};
    for (int c = 0; c < NCOLS; c++) {
        defaults[c] = ql_value_null();
    }
    defaults[12] = ql_value_int(42);
    assert_int_equal(ql_row_encode(&cx, types, 3, values, &row), QL_OK);
    ql_str in = {row.p, row.n};
    assert_int_equal(ql_row_decode_values(&cx, types, NCOLS, defaults, in, back), QL_OK);
    assert_int_equal(back[0].i, 7);
    assert_memory_equal(back[1].s.p, "abc", 3);
    assert_int_equal(back[2].kind, QL_K_NULL);
    assert_int_equal(back[11].kind, QL_K_NULL);
    assert_int_equal(back[12].i, 42);
    ql_vector v;
    uint16_t wanted = 12;
    assert_int_equal(ql_vector_init(&cx, cx.arena, &v, &types[12], false), QL_OK);
    ql_row_reader r;
    assert_int_equal(ql_row_reader_init(&cx, cx.arena, &r, types, NCOLS, defaults, &wanted, 1),
                     QL_OK);
    assert_int_equal(ql_row_decode(&cx, &r, in, &v, 5), QL_OK);
    assert_int_equal(v.i[5], 42);
    /* A row cannot have more columns than the table. */
    assert_int_equal(ql_row_decode_values(&cx, types, 2, NULL, in, back), QL_ERROR);
    assert_int_equal(ql_diag_error(cx.diag)->number, 1877);
    ql_buf_free(&row);
    fixture_end(&cx);
}

/* There is one form of each decimal: no sign at zero, no zero bytes at the end of the magnitude. */
static void
test_one_form_of_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        bool is_fine;
    } cells[] = {
        {"\x02", 1, true},
        {"\x02\x7b", 2, true},
        {"\x82\x7b", 2, true},
        {"\x82", 1, false},
        {"\x82\0", 2, false},
        {"\x02\x7b\0", 3, false},
        {"\x8d\0\0\0\0\0\0\0", 8, false},
        {"\x02\0\x7b", 3, true},
        {"\x02\0", 2, false},
    };
    ql_ctx cx;
    fixture_begin(&cx);
    ql_type t = ql_type_decimal(65, 2);
    for (size_t i = 0; i < QL_ARRAY_LEN(cells); i++) {
        char row[32] = {1, 1, 0, 0, (char)cells[i].n};
        ql_value v;
        memcpy(row + 5, cells[i].bytes, cells[i].n);
        ql_status st = ql_row_decode_values(&cx, &t, 1, NULL, (ql_str){row, 5 + cells[i].n}, &v);
        assert_int_equal(st, cells[i].is_fine ? QL_OK : QL_ERROR);
        if (!cells[i].is_fine) {
            assert_int_equal(ql_diag_error(cx.diag)->number, 1877);
            ql_diag_reset(cx.diag);
        }
    }
    fixture_end(&cx);
}

/* Rows that have a dropped column, and the others in an order of their own. */
static void
test_layouts(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    const uint16_t where[] = {2, QL_NO_VALUE, 0, 1};
    const ql_type stored[] = {types[2], types[1], types[0], types[1]};
    const ql_value missing[] = {ql_value_null(), ql_value_null(), ql_value_null(), text("none")};
    const ql_row_layout now = {.types = stored, .n = 4, .values = where, .missing = missing};
    const ql_row_layout before = {.types = stored, .n = 3, .values = NULL};
    ql_value values[] = {ql_value_int(7), text("seven"), ql_value_null()}, back[3], got;
    ql_value old[] = {ql_value_null(), text("dropped"), ql_value_int(5)};
    const uint16_t wanted[] = {1, 0};
    ql_buf row = {0}, older = {0};
    assert_int_equal(ql_row_encode_as(&cx, &now, values, &row), QL_OK);
    assert_int_equal(ql_row_decode_as(&cx, &now, (ql_str){row.p, row.n}, back), QL_OK);
    for (int i = 0; i < 3; i++) {
        expect_same(&values[i], &back[i]);
    }
    /* a row that was written before: the dropped value is not looked at, the new column missing */
    assert_int_equal(ql_row_encode_as(&cx, &before, old, &older), QL_OK);
    assert_int_equal(ql_row_decode_as(&cx, &now, (ql_str){older.p, older.n}, back), QL_OK);
    assert_int_equal(back[0].i, 5);
    assert_memory_equal(back[1].s.p, "none", 4);
    assert_int_equal(back[2].kind, QL_K_NULL);
    ql_vector cols[2];
    ql_row_reader r;
    assert_int_equal(ql_vector_init(&cx, cx.arena, &cols[0], &types[1], false), QL_OK);
    assert_int_equal(ql_vector_init(&cx, cx.arena, &cols[1], &types[0], false), QL_OK);
    assert_int_equal(ql_row_reader_init_as(&cx, cx.arena, &r, &now, wanted, 2), QL_OK);
    assert_int_equal(ql_row_decode(&cx, &r, (ql_str){row.p, row.n}, cols, 0), QL_OK);
    assert_int_equal(ql_row_decode(&cx, &r, (ql_str){older.p, older.n}, cols, 1), QL_OK);
    ql_vector_get(&cols[0], 0, &got);
    assert_memory_equal(got.s.p, "seven", 5);
    ql_vector_get(&cols[0], 1, &got);
    assert_memory_equal(got.s.p, "none", 4);
    assert_int_equal(cols[1].i[0], 7);
    assert_int_equal(cols[1].i[1], 5);
    ql_buf_free(&row);
    ql_buf_free(&older);
    fixture_end(&cx);
}

static void
test_refused_values(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    ql_buf row = {0};
    ql_value v = ql_value_int(200);
    assert_int_equal(ql_row_encode(&cx, &types[2], 1, &v, &row), QL_ERROR); /* TINYINT */
    v = text("x");
    assert_int_equal(ql_row_encode(&cx, &types[0], 1, &v, &row), QL_ERROR);
    assert_int_equal(row.n, 0);
    ql_buf_free(&row);
    fixture_end(&cx);
}

/* Every truncation is refused or decodes within bounds (the sanitizer looks), and random changes of
 * single bytes never read outside. */
static void
test_damage(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    uint64_t seed = 77;
    for (int i = 0; i < 300; i++) {
        ql_arena_mark mark = ql_arena_save(cx.arena);
        ql_value values[NCOLS], back[NCOLS];
        ql_buf row = {0};
        for (int c = 0; c < NCOLS; c++) {
            values[c] = random_value(&cx, &seed, &types[c]);
        }
        assert_int_equal(ql_row_encode(&cx, types, NCOLS, values, &row), QL_OK);
        for (int k = 0; k < 200; k++) {
            size_t n = row.n;
            bool cut = k % 2 == 0;
            if (cut) {
                n = next_random(&seed) % row.n;
            }
            char *copy = malloc(n ? n : 1);
            memcpy(copy, row.p, n);
            if (!cut) {
                size_t at = next_random(&seed) % (n < 120 ? n : 120);
                copy[at] = (char)next_random(&seed);
            }
            ql_diag_reset(cx.diag);
            ql_status st = ql_row_decode_values(&cx, types, NCOLS, NULL, (ql_str){copy, n}, back);
            if (st == QL_OK) {
                for (int c = 0; c < NCOLS; c++) {
                    uint64_t sum = 0;
                    char out[QL_VALUE_TEXT_MAX];
                    if (back[c].kind == QL_K_STRING) {
                        for (size_t b = 0; b < back[c].s.n; b++) {
                            sum += (unsigned char)back[c].s.p[b];
                        }
                    }
                    assert_true(ql_value_print(&back[c], out) + sum + 1 > 0);
                }
            } else {
                assert_int_equal(ql_diag_error(cx.diag)->number, 1877);
            }
            free(copy);
        }
        ql_buf_free(&row);
        ql_arena_restore(cx.arena, mark);
    }
    fixture_end(&cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),          cmocka_unit_test(test_added_columns),
        cmocka_unit_test(test_one_form_of_decimals), cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_refused_values),       cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
