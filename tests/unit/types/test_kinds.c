/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of kinds: every row is whole, and what a row says in one way agrees with what it says
 * in another. Each kind makes random values by casting texts; then comparing, hashing, key bytes,
 * sort bits, row bytes, printing and storing must be of one mind about them.
 */
#include "fixture.h"

#include "types/kinds.h"
#include "types/store.h"
#include "json/json.h"

/* A type of each kind, and texts that it reads. */
typedef struct sample {
    ql_type type;
    const char *texts[14];
} sample;

static sample samples[QL_KINDS];

static void
make_samples(void)
{
    samples[QL_K_INT] = (sample){
        {.kind = QL_K_INT, .field = QL_F_LONGLONG},
        {"0", "1", "-1", "255", "-128", "9223372036854775807", "-9223372036854775808", "1000000"}};
    samples[QL_K_DOUBLE] = (sample){{.kind = QL_K_DOUBLE, .field = QL_F_DOUBLE, .decimals = 31},
                                    {"0", "1", "-1.5", "1e300", "-1e-300", "0.1", "123456.789"}};
    samples[QL_K_DECIMAL] =
        (sample){ql_type_decimal(30, 6), {"0", "1", "-1", "0.5", "-0.000001", "123456789.123456"}};
    samples[QL_K_STRING] = (sample){ql_type_varchar(100, ql_coll_default),
                                    {"", "a", "A", "ab", "b", "B", "z", "\xc3\xa4", "a b", "~"}};
    samples[QL_K_DATE] =
        (sample){ql_type_date(), {"2024-02-29", "1999-12-31", "9999-12-31", "2000-01-01"}};
    samples[QL_K_TIME] = (sample){
        ql_type_time(6), {"00:00:00", "-838:59:59", "838:59:59", "12:30:45.5", "-00:00:01"}};
    samples[QL_K_DATETIME] =
        (sample){ql_type_datetime(6),
                 {"2024-02-29 12:00:00", "1999-12-31 23:59:59.999999", "9999-01-01 0:0"}};
    static const ql_str names[] = {{"red", 3}, {"green", 5}, {"blue", 4}, {"\xc3\xa4", 2}};
    static const ql_members members = {4, names};
    samples[QL_K_ENUM] = (sample){ql_type_list(QL_K_ENUM, &members, ql_coll_default),
                                  {"red", "green", "blue", "\xc3\xa4"}};
    samples[QL_K_SET] =
        (sample){ql_type_list(QL_K_SET, &members, ql_coll_default),
                 {"", "red", "green", "red,green", "blue", "red,blue,\xc3\xa4", "\xc3\xa4"}};
    samples[QL_K_TIMESTAMP] = (sample){
        ql_type_timestamp(6),
        {"2024-02-29 12:00:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07.999999", "1999-01-01"}};
    samples[QL_K_JSON] = (sample){ql_type_json(),
                                  {"null", "true", "-1.5", "0", "[]", "{}", "[1, 2]", "\"a\"",
                                   "{\"a\": 1}", "{\"a\": 2}", "[[\"\"]]", "\"\\u0000\""}};
    samples[QL_K_JSON].type.length = QL_JSON_OF_TEXT;
    for (int k = 0; k < QL_KINDS; k++) {
        samples[k].type.nullable = true;
    }
}

static uint16_t
values_of(ql_ctx *cx, ql_kind k, ql_value *out)
{
    uint16_t n = 0;
    for (; samples[k].texts[n] != NULL; n++) {
        ql_value t = text(samples[k].texts[n]);
        assert_int_equal(ql_value_cast(cx, cx->arena, &t, &samples[k].type, &out[n]), QL_OK);
        assert_int_equal(out[n].kind, k);
    }
    assert_true(k == QL_K_NULL || n > 2);
    return n;
}

/* Nobody may have to ask whether an entry is there. */
static void
test_rows_are_whole(void **state)
{
    (void)state;
    for (int k = 0; k < QL_KINDS; k++) {
        const ql_kind_ops *o = ql_kinds[k];
        assert_non_null(o);
        const char *from = (const char *)&o->print, *end = (const char *)(o + 1);
        for (; from < end; from += sizeof(void *)) {
            void *p;
            memcpy(&p, from, sizeof p);
            assert_non_null(p);
        }
        assert_true(ql_kind_cell((ql_kind)k) != QL_CELL_NONE || k == QL_K_NULL);
        assert_true(k == QL_K_NULL || samples[k].texts[0] != NULL);
    }
}

static int
sign(int x)
{
    return x < 0 ? -1 : x > 0;
}

static uint64_t
hash_in_column(ql_ctx *cx, ql_vector *v, const ql_value *val, uint16_t row)
{
    uint64_t h[QL_BATCH_ROWS] = {0};
    ql_vector_set(v, row, val);
    assert_int_equal(ql_column_hash(cx, v, &row, 1, true, h), QL_OK);
    return h[row];
}

static void
test_order_hash_and_equality_agree(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    make_samples();
    for (ql_kind k = 0; k < (ql_kind)QL_KINDS; k++) {
        ql_value v[14];
        ql_vector col;
        uint16_t n = values_of(&cx, k, v);
        const ql_type *t = &samples[k].type;
        assert_int_equal(ql_vector_init(&cx, cx.arena, &col, t, false), QL_OK);
        for (uint16_t i = 0; i < n; i++) {
            for (uint16_t j = 0; j < n; j++) {
                ql_buf ki = {0}, kj = {0};
                int cmp;
                bool equal;
                uint64_t hi, hj;
                assert_int_equal(ql_value_compare(&cx, &v[i], &v[j], t->coll, &cmp), QL_OK);
                for (int desc = 0; desc < 2; desc++) {
                    ql_buf_clear(&ki);
                    ql_buf_clear(&kj);
                    assert_int_equal(ql_key_encode(&cx, t, 0, desc, &v[i], &ki), QL_OK);
                    assert_int_equal(ql_key_encode(&cx, t, 0, desc, &v[j], &kj), QL_OK);
                    int bytes = ql_str_cmp((ql_str){ki.p, ki.n}, (ql_str){kj.p, kj.n});
                    assert_int_equal(sign(bytes), desc ? -sign(cmp) : sign(cmp));
                    assert_int_equal(ql_key_skip(t, desc, (ql_str){ki.p, ki.n}), ki.n);
                }
                ql_buf_free(&ki);
                ql_buf_free(&kj);
                ql_slot slot = ql_kind_slot(k);
                if (slot == QL_SLOT_I64 || slot == QL_SLOT_DOUBLE) {
                    uint64_t a = ql_order_bits(slot, t->is_unsigned, &v[i]);
                    uint64_t b = ql_order_bits(slot, t->is_unsigned, &v[j]);
                    assert_int_equal(a < b ? -1 : a > b, sign(cmp));
                }
                hi = hash_in_column(&cx, &col, &v[i], 3);
                hj = hash_in_column(&cx, &col, &v[j], 1000);
                assert_int_equal(hi == hj, cmp == 0);
                assert_int_equal(ql_value_hash(&cx, &v[i], t->coll, 0, &hj), QL_OK);
                assert_true(hi == hj);
                assert_int_equal(ql_cell_equal(&cx, &col, 3, &v[j], &equal), QL_OK);
                assert_int_equal(equal, cmp == 0);
            }
            ql_value null = ql_value_null();
            bool equal;
            assert_int_equal(ql_cell_equal(&cx, &col, 3, &null, &equal), QL_OK);
            assert_false(equal);
            ql_vector_set(&col, 7, &null);
            assert_int_equal(ql_cell_equal(&cx, &col, 7, &null, &equal), QL_OK);
            assert_true(equal);
            assert_true(hash_in_column(&cx, &col, &null, 7) != hash_in_column(&cx, &col, &v[i], 8));
        }
    }
    fixture_end(&cx);
}

static void
test_bytes_and_texts_come_back(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    make_samples();
    for (ql_kind k = 0; k < (ql_kind)QL_KINDS; k++) {
        ql_value v[14], back, from_text;
        uint16_t n = values_of(&cx, k, v);
        const ql_type *t = &samples[k].type;
        for (uint16_t i = 0; i < n; i++) {
            ql_buf b = {0};
            bool same;
            int cmp;
            assert_int_equal(ql_row_encode(&cx, t, 1, &v[i], &b), QL_OK);
            assert_int_equal(ql_row_decode_values(&cx, t, 1, NULL, (ql_str){b.p, b.n}, &back),
                             QL_OK);
            assert_int_equal(ql_value_same(&cx, &v[i], &back, &same), QL_OK);
            assert_true(same);
            ql_buf_free(&b);
            ql_str s;
            assert_int_equal(ql_value_to_str(&cx, cx.arena, &v[i], &s), QL_OK);
            ql_value as_text = ql_value_str(s, ql_coll_default);
            assert_int_equal(ql_value_cast(&cx, cx.arena, &as_text, t, &from_text), QL_OK);
            assert_int_equal(ql_value_compare(&cx, &v[i], &from_text, t->coll, &cmp), QL_OK);
            assert_int_equal(cmp, 0);
            assert_true(s.n <= ql_kinds[k]->text_length(t) || k == QL_K_STRING);
            assert_true(s.n <= ql_type_display_length(t));
            assert_int_equal(ql_value_store(&cx, cx.arena, &v[i], t, "c", 1, true, &back), QL_OK);
            assert_int_equal(ql_value_compare(&cx, &v[i], &back, t->coll, &cmp), QL_OK);
            assert_int_equal(cmp, 0);
        }
        if (k != QL_K_NULL) {
            ql_value zero = ql_value_zero(t);
            assert_int_equal(zero.kind, k);
            assert_int_equal(ql_value_store_as(&cx, cx.arena, &zero, t, "c", 1, 0, &back), QL_OK);
            int cmp;
            assert_int_equal(ql_value_compare(&cx, &zero, &back, t->coll, &cmp), QL_OK);
            assert_int_equal(cmp, 0);
        }
    }
    fixture_end(&cx);
}

/* Each row of the table is filled. */
static void
test_no_entry_is_missing(void **state)
{
    (void)state;
    for (int k = 0; k < QL_KINDS; k++) {
        void *entries[sizeof(ql_kind_ops) / sizeof(void *)];
        assert_non_null(ql_kinds[k]);
        memcpy(entries, ql_kinds[k], sizeof entries);
        for (size_t i = 0; i < QL_ARRAY_LEN(entries); i++) {
            if (entries[i] == NULL) {
                fail_msg("kind %s has no entry %zu", ql_kinds[k]->name, i);
            }
        }
    }
}

/* Any kind can be cast to any other, and the result is of it or NULL. */
static void
test_every_pair_casts(void **state)
{
    (void)state;
    ql_ctx cx;
    fixture_begin(&cx);
    make_samples();
    for (ql_kind from = 0; from < (ql_kind)QL_KINDS; from++) {
        ql_value v[14], out;
        uint16_t n = values_of(&cx, from, v);
        for (ql_kind to = 1; to < (ql_kind)QL_KINDS; to++) {
            ql_type t = ql_kinds[to]->type_from(&samples[from].type, ql_coll_default);
            ql_type c = ql_kinds[to]->common(&samples[to].type, &samples[to].type);
            assert_int_equal(t.kind, to);
            assert_int_equal(c.kind, to);
            for (uint16_t i = 0; i < n; i++) {
                ql_type wide = ql_kinds[to]->widest(false);
                assert_int_equal(ql_value_cast(&cx, cx.arena, &v[i], &t, &out), QL_OK);
                assert_true(out.kind == to || out.kind == QL_K_NULL);
                assert_int_equal(ql_value_cast(&cx, cx.arena, &v[i], &wide, &out), QL_OK);
                assert_true(out.kind == to || out.kind == QL_K_NULL);
                ql_diag_reset(cx.diag);
            }
        }
    }
    fixture_end(&cx);
}

/* Manual, "Data Type Storage Requirements". */
static void
test_storage_of_the_manual(void **state)
{
    (void)state;
    static const ql_members many[] = {{.n = 8}, {.n = 24}, {.n = 33}, {.n = 255}, {.n = 256}};
    static const struct {
        ql_type t;
        uint32_t bytes;
    } cases[] = {
        {{.kind = QL_K_INT, .field = QL_F_TINY}, 1},
        {{.kind = QL_K_INT, .field = QL_F_SHORT}, 2},
        {{.kind = QL_K_INT, .field = QL_F_INT24}, 3},
        {{.kind = QL_K_INT, .field = QL_F_LONG}, 4},
        {{.kind = QL_K_INT, .field = QL_F_LONGLONG}, 8},
        {{.kind = QL_K_INT, .field = QL_F_YEAR}, 1},
        {{.kind = QL_K_INT, .field = QL_F_BIT, .length = 17}, 3},
        {{.kind = QL_K_ENUM, .members = &many[3]}, 1},
        {{.kind = QL_K_ENUM, .members = &many[4]}, 2},
        {{.kind = QL_K_SET, .members = &many[0]}, 1},
        {{.kind = QL_K_SET, .members = &many[1]}, 3},
        {{.kind = QL_K_SET, .members = &many[2]}, 8},
        {{.kind = QL_K_DOUBLE, .field = QL_F_FLOAT}, 4},
        {{.kind = QL_K_DOUBLE, .field = QL_F_DOUBLE}, 8},
        {{.kind = QL_K_DECIMAL, .length = 18, .decimals = 9}, 8},
        {{.kind = QL_K_DECIMAL, .length = 20, .decimals = 6}, 10},
        {{.kind = QL_K_DECIMAL, .length = 10, .decimals = 2}, 5},
        {{.kind = QL_K_DATE, .field = QL_F_DATE}, 3},
        {{.kind = QL_K_TIME, .field = QL_F_TIME}, 3},
        {{.kind = QL_K_TIME, .field = QL_F_TIME, .decimals = 4}, 5},
        {{.kind = QL_K_DATETIME, .field = QL_F_DATETIME}, 5},
        {{.kind = QL_K_DATETIME, .field = QL_F_DATETIME, .decimals = 6}, 8},
        {{.kind = QL_K_TIMESTAMP, .field = QL_F_TIMESTAMP, .decimals = 1}, 5},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        assert_int_equal(ql_type_storage_bytes(&cases[i].t), cases[i].bytes);
    }
}

int
main(void)
{
    make_samples();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_entry_is_missing),
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_order_hash_and_equality_agree),
        cmocka_unit_test(test_bytes_and_texts_come_back),
        cmocka_unit_test(test_every_pair_casts),
        cmocka_unit_test(test_storage_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
