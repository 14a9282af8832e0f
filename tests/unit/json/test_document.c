/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents: text to the binary form and back, faults of texts with their places, look-up of
 * members, order and keys, truncated and damaged bytes.
 */
#include "fixture.h"

/* ---- text ---- */

static void
texts_come_back_normalised(void **state)
{
    static const struct {
        const char *in, *out;
    } t[] = {
        {"null", "null"},
        {" true ", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-0", "0"},
        {"127", "127"},
        {"-128", "-128"},
        {"128", "128"},
        {"-32769", "-32769"},
        {"2147483648", "2147483648"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"18446744073709551615", "18446744073709551615"},
        {"18446744073709551616", "1.8446744073709552e19"},
        {"1.0", "1.0"},
        {"1e2", "100.0"},
        {"1.5e-7", "0.00000015"},
        {"\"\"", "\"\""},
        {"\"a\\u0041\\n\\/\\u00e9\\ud83d\\ude00\"", "\"aA\\n/\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\"\\u0001\\u001f\\\"\\\\\"", "\"\\u0001\\u001f\\\"\\\\\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[1,2,[3,{}]]", "[1, 2, [3, {}]]"},
        {"{\"b\":1,\"a\":2,\"aa\":3}", "{\"a\": 2, \"b\": 1, \"aa\": 3}"},
        {"{\"x\":17,\"x\":\"red\",\"x\":[3,5,7]}", "{\"x\": [3, 5, 7]}"},
        {"{\"c\":{\"z\":1,\"y\":[{\"b\":1,\"a\":1}]},\"\":0}",
         "{\"\": 0, \"c\": {\"y\": [{\"a\": 1, \"b\": 1}], \"z\": 1}}"},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json v = doc(t[i].in);
        expect_text(&v, t[i].out);
    }
}

static void
faults_have_words_and_places(void **state)
{
    static const struct {
        const char *in, *what;
        unsigned at;
    } t[] = {
        {"", "The document is empty.", 0},
        {"  ", "The document is empty.", 2},
        {"abc", "Invalid value.", 0},
        {"nul", "Invalid value.", 3},
        {"[1, 2,", "Invalid value.", 6},
        {"[1 2]", "Missing a comma or ] after an array element.", 3},
        {"{\"a\":1", "Missing a comma or } after an object member.", 6},
        {"{1:2}", "Missing a name for object member.", 1},
        {"{\"a\" 1}", "Missing a colon after a name of object member.", 5},
        {"{\"a\":}", "Invalid value.", 5},
        {"1 2", "The document root must not be followed by other values.", 2},
        {"\"abc", "Missing a closing quotation mark in string.", 4},
        {"\"\\x\"", "Invalid escape character in string.", 1},
        {"\"\\u12g4\"", "Incorrect hex digit after \\u escape in string.", 1},
        {"\"\\ud800\"", "The surrogate pair in string is invalid.", 1},
        {"\"\\ud800\\u0041\"", "The surrogate pair in string is invalid.", 1},
        {"\"a\xff\"", "Invalid encoding in string.", 2},
        {"1.", "Miss fraction part in number.", 2},
        {"1e", "Miss exponent in number.", 2},
        {"-", "Invalid value.", 1},
        {"1e999", "Number too big to be stored in double.", 0},
        {"[1,]", "Invalid value.", 3},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json_fault f;
        ql_json_builder_clear(&fixture_builder);
        assert_int_equal(ql_json_parse(&fixture_builder, str(t[i].in), &f), QL_OK);
        assert_non_null(f.what);
        assert_string_equal(f.what, t[i].what);
        assert_int_equal(f.at, t[i].at);
    }
}

static void
arrays_nest_100_deep(void **state)
{
    char text[300];
    ql_json_fault f;
    (void)state;
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    text[200] = 0;
    ql_json v = doc(text);
    assert_int_equal(v.nest, 100);
    memset(text, '[', 101);
    memset(text + 101, ']', 101);
    text[202] = 0;
    ql_json_builder_clear(&fixture_builder);
    assert_int_equal(ql_json_parse(&fixture_builder, str(text), &f), QL_ERROR);
    assert_int_equal(ql_diag_error(fixture_cx.diag)->number, QL_ER_JSON_DOCUMENT_TOO_DEEP);
}

static void
depths_are_as_documented(void **state)
{
    static const struct {
        const char *in;
        unsigned depth;
    } t[] = {{"1", 1},           {"{}", 1},         {"[]", 1},
             {"[1]", 2},         {"[[], {}]", 2},   {"[10, {\"a\": 20}]", 3},
             {"[[[]], [1]]", 3}, {"[[1], [[]]]", 3}};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json v = doc(t[i].in);
        unsigned depth;
        assert_int_equal(ql_json_depth(&fixture_cx, &v, &depth), QL_OK);
        assert_int_equal(depth, t[i].depth);
    }
}

/* ---- look-up ---- */

/* n members, put in any order: each is found, and nothing beside them; tables of each width. */
static void
members_are_found(unsigned n, size_t filler)
{
    ql_json_builder *b = &fixture_builder;
    ql_str bytes;
    ql_json v, e;
    char key[16], *fill = calloc(1, filler + 1);
    memset(fill, 'x', filler);
    ql_json_builder_clear(b);
    assert_int_equal(ql_json_begin(b, true), QL_OK);
    for (unsigned i = 0; i < n; i++) {
        snprintf(key, sizeof key, "k%u", i * 7919 % n);
        assert_int_equal(ql_json_put_key(b, str(key)), QL_OK);
        assert_int_equal(ql_json_put_uint(b, i * 7919 % n), QL_OK);
    }
    assert_int_equal(ql_json_put_key(b, str("filler")), QL_OK);
    assert_int_equal(ql_json_put_str(b, str(fill)), QL_OK);
    assert_int_equal(ql_json_end(b), QL_OK);
    assert_int_equal(ql_json_take(b, fixture_cx.arena, &bytes), QL_OK);
    assert_int_equal(ql_json_verify(&fixture_cx, bytes), QL_OK);
    assert_int_equal(ql_json_open(&fixture_cx, bytes, &v), QL_OK);
    assert_int_equal(v.n, n + 1);
    for (unsigned i = 0; i < n + 10; i++) {
        uint32_t at;
        bool found;
        snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(ql_json_find(&fixture_cx, &v, str(key), &at, &found), QL_OK);
        assert_int_equal(found, i < n);
        if (found) {
            assert_int_equal(ql_json_at(&fixture_cx, &v, at, &e), QL_OK);
            assert_int_equal(e.type, QL_JSON_UINT);
            assert_int_equal(e.u, i);
        }
    }
    free(fill);
}

static void
members_of_any_number(void **state)
{
    (void)state;
    members_are_found(1, 0);
    members_are_found(20, 0);
    members_are_found(20, 300);
    members_are_found(5000, 0);
    members_are_found(7000, 70000);
}

/* ---- order ---- */

/* Documents from the lowest to the highest, as the manual orders types. */
static const char *const ascending[] = {
    "null",
    "-1e300",
    "-18446744073709551616",
    "-9223372036854775808",
    "-2.5",
    "-2",
    "-1e-300",
    "0",
    "1e-300",
    "0.1",
    "1",
    "1.5",
    "2",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "1e20",
    "1e300",
    "\"\"",
    "\"\\u0000\"",
    "\"A\"",
    "\"a\"",
    "\"a\\u0000\"",
    "\"ab\"",
    "\"b\"",
    "{}",
    "{\"a\":1}",
    "{\"a\":2}",
    "{\"b\":1}",
    "{\"a\":1,\"b\":0}",
    "[]",
    "[null]",
    "[1]",
    "[1,0]",
    "[1,2]",
    "[2]",
    "[\"a\"]",
    "[[]]",
    "false",
    "true",
};

static int
sign(int i)
{
    return (i > 0) - (i < 0);
}

static int
key_order(const ql_buf *a, const ql_buf *b)
{
    return sign(ql_str_cmp((ql_str){a->p, a->n}, (ql_str){b->p, b->n}));
}

static void
order_is_that_of_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(ascending); i++) {
        for (size_t k = 0; k < QL_ARRAY_LEN(ascending); k++) {
            ql_json a = doc(ascending[i]), b = doc(ascending[k]);
            ql_buf x = {0}, y = {0};
            int order, expected = (i > k) - (i < k);
            assert_int_equal(ql_json_compare(&fixture_cx, &a, &b, &order), QL_OK);
            assert_int_equal(sign(order), expected);
            assert_int_equal(ql_json_key_put(&fixture_cx, &a, &x), QL_OK);
            assert_int_equal(ql_json_key_put(&fixture_cx, &b, &y), QL_OK);
            assert_int_equal(key_order(&x, &y), expected);
            assert_int_equal(ql_json_key_skip(false, (ql_str){x.p, x.n}), x.n);
            assert_int_equal(ql_json_key_skip(false, (ql_str){x.p, x.n - 1}), 0);
            for (size_t c = 0; c < x.n; c++) {
                x.p[c] = (char)~x.p[c];
            }
            assert_int_equal(ql_json_key_skip(true, (ql_str){x.p, x.n}), x.n);
            ql_buf_free(&x);
            ql_buf_free(&y);
        }
    }
}

static void
numbers_of_all_types_are_equal(void **state)
{
    ql_decimal d;
    size_t used;
    ql_str bytes[4];
    ql_json v[4];
    (void)state;
    assert_true(ql_decimal_parse(&d, str("10.00"), &used));
    for (unsigned i = 0; i < 4; i++) {
        ql_json_builder *b = &fixture_builder;
        ql_json_builder_clear(b);
        assert_int_equal(i == 0   ? ql_json_put_int(b, 10)
                         : i == 1 ? ql_json_put_uint(b, 10)
                         : i == 2 ? ql_json_put_double(b, 10)
                                  : ql_json_put_decimal(b, &d),
                         QL_OK);
        assert_int_equal(ql_json_take(b, fixture_cx.arena, &bytes[i]), QL_OK);
        assert_int_equal(ql_json_open(&fixture_cx, bytes[i], &v[i]), QL_OK);
    }
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 4; k++) {
            int order;
            ql_buf x = {0}, y = {0};
            assert_int_equal(ql_json_compare(&fixture_cx, &v[i], &v[k], &order), QL_OK);
            assert_int_equal(order, 0);
            assert_int_equal(ql_json_key_put(&fixture_cx, &v[i], &x), QL_OK);
            assert_int_equal(ql_json_key_put(&fixture_cx, &v[k], &y), QL_OK);
            assert_int_equal(key_order(&x, &y), 0);
            ql_buf_free(&x);
            ql_buf_free(&y);
        }
    }
    expect_text(&v[3], "10.00");
    expect_text(&v[2], "10.0");
}

/* ---- damage ---- */

/* Whatever the bytes are, looking at all of them ends and reads nothing outside (the sanitizer
 * says). */
static void
look_at_all(ql_str bytes)
{
    ql_json v;
    int order;
    char *copy = malloc(bytes.n ? bytes.n : 1);
    memcpy(copy, bytes.p, bytes.n);
    ql_buf out = {0};
    if (ql_json_open(&fixture_cx, (ql_str){copy, bytes.n}, &v) == QL_OK) {
        unsigned depth;
        (void)!ql_json_verify(&fixture_cx, v.bytes);
        (void)!ql_json_print(&fixture_cx, &v, &out);
        ql_buf_clear(&out);
        (void)!ql_json_key_put(&fixture_cx, &v, &out);
        (void)!ql_json_compare(&fixture_cx, &v, &v, &order);
        (void)!ql_json_depth(&fixture_cx, &v, &depth);
    }
    const ql_condition *c = ql_diag_error(fixture_cx.diag);
    assert_true(c == NULL || c->number == QL_ER_TABLE_CORRUPT);
    ql_diag_reset(fixture_cx.diag);
    ql_buf_free(&out);
    free(copy);
}

static const char sample[] =
    "{\"a\": [1, -2, 300, 70000, 5000000000, 1.5, null, true, \"text\"], \"bb\": {\"c\": "
    "{\"d\": []}, \"e\": \"\"}, \"ccc\": 18446744073709551615}";

static void
damage_at_each_byte_is_told(void **state)
{
    ql_json v = doc(sample);
    uint64_t seed = 42;
    (void)state;
    char *bytes = malloc(v.bytes.n);
    for (size_t i = 0; i < v.bytes.n; i++) {
        for (unsigned k = 0; k < 8; k++) {
            memcpy(bytes, v.bytes.p, v.bytes.n);
            bytes[i] = (char)(bytes[i] ^ (1 << k));
            look_at_all((ql_str){bytes, v.bytes.n});
        }
        look_at_all((ql_str){v.bytes.p, i});
        look_at_all((ql_str){v.bytes.p + i, v.bytes.n - i});
    }
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(bytes, v.bytes.p, v.bytes.n);
        for (unsigned k = 0; k < 1 + i % 5; k++) {
            bytes[next_random(&seed) % v.bytes.n] = (char)next_random(&seed);
        }
        look_at_all((ql_str){bytes, v.bytes.n});
    }
    free(bytes);
    ql_json_fault f;
    ql_json_builder_clear(&fixture_builder);
    assert_int_equal(ql_json_parse(&fixture_builder, str("[1]"), &f), QL_OK);
    assert_int_equal(ql_json_open(&fixture_cx, (ql_str){fixture_builder.out.p, 3}, &v), QL_ERROR);
    assert_int_equal(ql_diag_error(fixture_cx.diag)->number, QL_ER_TABLE_CORRUPT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(texts_come_back_normalised),     T(faults_have_words_and_places),
        T(arrays_nest_100_deep),           T(depths_are_as_documented),
        T(members_of_any_number),          T(order_is_that_of_keys),
        T(numbers_of_all_types_are_equal), T(damage_at_each_byte_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
