/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths: what is none, with its place; the values at them; documents changed at them; merging and
 * containing. Expected values are those of the manual's sections "The JSON Data Type", "Functions
 * That Modify JSON Values" and "Functions That Search JSON Values".
 */
#include "fixture.h"

static ql_json_path
path(const char *text)
{
    ql_json_path p;
    assert_int_equal(ql_json_path_parse(&fixture_cx, fixture_cx.arena, str(text), &p), QL_OK);
    return p;
}

static void
bad_paths_are_told(void **state)
{
    static const struct {
        const char *text, *message;
    } t[] = {
        {"a", "1"},         {"", "0"},
        {"$a", "1"},        {"$.", "2"},
        {"$.1", "2"},       {"$[", "2"},
        {"$[a]", "2"},      {"$[1", "3"},
        {"$**", "3"},       {"$*", "2"},
        {"$***.a", "3"},    {"$.\"a", "4"},
        {"$[2 to 1]", "8"}, {"$[last-1 to last-2]", "18"},
        {"$[1to 2]", "3"},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json_path p;
        char text[120];
        assert_int_equal(ql_json_path_parse(&fixture_cx, fixture_cx.arena, str(t[i].text), &p),
                         QL_ERROR);
        snprintf(text, sizeof text,
                 "Invalid JSON path expression. The error is around character position %s.",
                 t[i].message);
        assert_string_equal(ql_diag_error(fixture_cx.diag)->text, text);
        ql_diag_reset(fixture_cx.diag);
    }
}

static ql_status
collect(void *arg, const ql_json *v)
{
    return ql_json_put(arg, v);
}

static void
values_at_paths(void **state)
{
    static const struct {
        const char *doc, *path, *values;
    } t[] = {
        {"[3, {\"a\": [5, 6], \"b\": 10}, [99, 100]]", "$[0]", "[3]"},
        {"[3, {\"a\": [5, 6], \"b\": 10}, [99, 100]]", "$[1].a[1]", "[6]"},
        {"[3, {\"a\": [5, 6], \"b\": 10}, [99, 100]]", "$[2][0]", "[99]"},
        {"[3, {\"a\": [5, 6], \"b\": 10}, [99, 100]]", "$[3][0]", "[]"},
        {"{\"a fish\": \"shark\", \"a bird\": \"sparrow\"}", "$.\"a fish\"", "[\"shark\"]"},
        {"{\"a\": 1, \"b\": 2, \"c\": [3, 4, 5]}", "$.*", "[1, 2, [3, 4, 5]]"},
        {"{\"a\": 1, \"b\": 2, \"c\": [3, 4, 5]}", "$.c[*]", "[3, 4, 5]"},
        {"{\"a\": {\"b\": 1}, \"c\": {\"b\": 2}}", "$**.b", "[1, 2]"},
        {"[1, 2, 3, 4, 5]", "$[1 to 3]", "[2, 3, 4]"},
        {"[1, 2, 3, 4, 5]", "$[last-3 to last-1]", "[2, 3, 4]"},
        {"[1, 2, 3, 4, 5]", "$[last]", "[5]"},
        {"[1, 2, 3, 4, 5]", "$[last-9]", "[]"},
        {"[1, 2, 3, 4, 5]", "$[3 to 99]", "[4, 5]"},
        {"[1]", "$[5]", "[]"},
        {"[1]", "$[5 to 9]", "[]"},
        {"[1]", "$[5 to last]", "[]"},
        {"1", "$[0]", "[1]"},
        {"1", "$[last]", "[1]"},
        {"1", "$[1]", "[]"},
        {"{\"a\": 1}", "$[0][0].a[0]", "[1]"},
        {"[1, [2]]", "$**[0]", "[1, 2]"},
        {"{\"a\": {\"a\": {\"a\": 1}}}", "$**.a**.a", "[{\"a\": 1}, 1]"},
        {"{\"a\\\"\": 1}", "$.\"a\\\"\"", "[1]"},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json d = doc(t[i].doc), all;
        ql_json_path p = path(t[i].path);
        ql_json_builder *b = &fixture_builder;
        ql_json_builder_clear(b);
        assert_int_equal(ql_json_begin(b, false), QL_OK);
        assert_int_equal(ql_json_seek(&fixture_cx, &d, &p, collect, b), QL_OK);
        assert_int_equal(ql_json_end(b), QL_OK);
        assert_int_equal(ql_json_open(&fixture_cx, ql_json_built(b), &all), QL_OK);
        expect_text(&all, t[i].values);
    }
}

static void
changes(void **state)
{
    static const struct {
        ql_json_change how;
        const char *doc, *path, *value, *after;
    } t[] = {
        {QL_JSON_SET, "{\"a\": 1, \"b\": [2, 3]}", "$.a", "10", "{\"a\": 10, \"b\": [2, 3]}"},
        {QL_JSON_SET, "{\"a\": 1}", "$.c", "[true]", "{\"a\": 1, \"c\": [true]}"},
        {QL_JSON_INSERT, "{\"a\": 1}", "$.a", "10", "{\"a\": 1}"},
        {QL_JSON_INSERT, "{\"b\": 1}", "$.a", "10", "{\"a\": 10, \"b\": 1}"},
        {QL_JSON_REPLACE, "{\"a\": 1}", "$.c", "10", "{\"a\": 1}"},
        {QL_JSON_REPLACE, "{\"a\": 1}", "$", "10", "10"},
        {QL_JSON_SET, "[1, 2]", "$[5]", "3", "[1, 2, 3]"},
        {QL_JSON_SET, "[1, 2]", "$[last-5]", "0", "[0, 1, 2]"},
        {QL_JSON_SET, "[1, 2]", "$[last]", "3", "[1, 3]"},
        {QL_JSON_SET, "1", "$[0]", "2", "2"},
        {QL_JSON_SET, "1", "$[1]", "2", "[1, 2]"},
        {QL_JSON_SET, "1", "$[last-1]", "2", "[2, 1]"},
        {QL_JSON_REPLACE, "1", "$[1]", "2", "1"},
        {QL_JSON_SET, "{\"a\": {\"b\": 1}}", "$.x.y", "2", "{\"a\": {\"b\": 1}}"},
        {QL_JSON_SET, "{\"a\": {\"b\": 1}}", "$.a.c", "2", "{\"a\": {\"b\": 1, \"c\": 2}}"},
        {QL_JSON_REMOVE, "[\"a\", [\"b\", \"c\"], \"d\"]", "$[1]", NULL, "[\"a\", \"d\"]"},
        {QL_JSON_REMOVE, "{\"a\": [1, 2]}", "$.a[0]", NULL, "{\"a\": [2]}"},
        {QL_JSON_REMOVE, "{\"a\": 1}", "$.a[0]", NULL, "{\"a\": 1}"},
        {QL_JSON_REMOVE, "{\"a\": 1}", "$.b", NULL, "{\"a\": 1}"},
        {QL_JSON_APPEND, "[\"a\", [\"b\", \"c\"], \"d\"]", "$[1]", "1",
         "[\"a\", [\"b\", \"c\", 1], \"d\"]"},
        {QL_JSON_APPEND, "[\"a\", [\"b\", \"c\"], \"d\"]", "$[0]", "2",
         "[[\"a\", 2], [\"b\", \"c\"], \"d\"]"},
        {QL_JSON_APPEND, "{\"a\": 1}", "$", "\"z\"", "[{\"a\": 1}, \"z\"]"},
        {QL_JSON_INSERT_AT, "[\"a\", {\"b\": [1, 2]}, [3, 4]]", "$[1]", "\"x\"",
         "[\"a\", \"x\", {\"b\": [1, 2]}, [3, 4]]"},
        {QL_JSON_INSERT_AT, "[\"a\", {\"b\": [1, 2]}, [3, 4]]", "$[100]", "\"x\"",
         "[\"a\", {\"b\": [1, 2]}, [3, 4], \"x\"]"},
        {QL_JSON_INSERT_AT, "[\"a\", {\"b\": [1, 2]}, [3, 4]]", "$[1].b[0]", "\"x\"",
         "[\"a\", {\"b\": [\"x\", 1, 2]}, [3, 4]]"},
        {QL_JSON_INSERT_AT, "{\"a\": 1}", "$.a[0]", "2", "{\"a\": 1}"},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json d = doc(t[i].doc), v = doc(t[i].value ? t[i].value : "0"), after;
        ql_json_path p = path(t[i].path);
        ql_json_builder_clear(&fixture_builder);
        assert_int_equal(
            ql_json_put_changed(&fixture_builder, &d, &p, t[i].how, t[i].value ? &v : NULL), QL_OK);
        assert_int_equal(ql_json_verify(&fixture_cx, ql_json_built(&fixture_builder)), QL_OK);
        assert_int_equal(ql_json_open(&fixture_cx, ql_json_built(&fixture_builder), &after), QL_OK);
        expect_text(&after, t[i].after);
    }
}

static void
merging(void **state)
{
    static const struct {
        const char *x, *y, *preserved, *patched;
    } t[] = {
        {"[1, 2]", "[true, false]", "[1, 2, true, false]", "[true, false]"},
        {"{\"name\": \"x\"}", "{\"id\": 47}", "{\"id\": 47, \"name\": \"x\"}",
         "{\"id\": 47, \"name\": \"x\"}"},
        {"1", "true", "[1, true]", "true"},
        {"[1, 2]", "{\"id\": 47}", "[1, 2, {\"id\": 47}]", "{\"id\": 47}"},
        {"{\"a\": 1, \"b\": 2}", "{\"a\": 3, \"c\": 4}", "{\"a\": [1, 3], \"b\": 2, \"c\": 4}",
         "{\"a\": 3, \"b\": 2, \"c\": 4}"},
        {"{\"a\":1, \"b\":2}", "{\"b\":null}", "{\"a\": 1, \"b\": [2, null]}", "{\"a\": 1}"},
        {"{\"a\":{\"x\":1}}", "{\"a\":{\"y\":2}}", "{\"a\": {\"x\": 1, \"y\": 2}}",
         "{\"a\": {\"x\": 1, \"y\": 2}}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\": {\"bb\": {\"ccc\": null}}}",
         "{\"a\": {\"bb\": {}}}"},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json x = doc(t[i].x), y = doc(t[i].y), r;
        ql_json_builder_clear(&fixture_builder);
        assert_int_equal(ql_json_put_merged(&fixture_builder, &x, &y), QL_OK);
        assert_int_equal(ql_json_open(&fixture_cx, ql_json_built(&fixture_builder), &r), QL_OK);
        expect_text(&r, t[i].preserved);
        ql_json_builder_clear(&fixture_builder);
        assert_int_equal(ql_json_put_patched(&fixture_builder, &x, &y), QL_OK);
        assert_int_equal(ql_json_open(&fixture_cx, ql_json_built(&fixture_builder), &r), QL_OK);
        expect_text(&r, t[i].patched);
    }
}

static void
containing(void **state)
{
    static const struct {
        const char *doc, *what;
        bool contains, overlaps;
    } t[] = {
        {"{\"a\": 1, \"b\": 2, \"c\": {\"d\": 4}}", "1", false, false},
        {"{\"a\": 1, \"b\": 2, \"c\": {\"d\": 4}}", "{\"d\": 4}", false, false},
        {"{\"a\": 1, \"b\": 2, \"c\": {\"d\": 4}}", "{\"a\": 1}", true, true},
        {"{\"a\": 1, \"c\": {\"d\": 4, \"e\": 5}}", "{\"c\": {\"d\": 4}}", true, false},
        {"[1, 2, 3]", "[1, 3]", true, true},
        {"[1, 2, 3]", "[1, 4]", false, true},
        {"[1, 2, 3]", "2", true, true},
        {"[1, 2, 3]", "4", false, false},
        {"[1, [2, 3]]", "3", true, false},
        {"[1, [2, 3]]", "[[3]]", true, false},
        {"[]", "[]", true, false},
        {"5", "[4, 5]", false, true},
        {"1", "1.0", true, true},
        {"\"1\"", "1", false, false},
    };
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(t); i++) {
        ql_json d = doc(t[i].doc), w = doc(t[i].what);
        bool yes;
        assert_int_equal(ql_json_contains(&fixture_cx, &d, &w, &yes), QL_OK);
        assert_int_equal(yes, t[i].contains);
        assert_int_equal(ql_json_overlaps(&fixture_cx, &d, &w, &yes), QL_OK);
        assert_int_equal(yes, t[i].overlaps);
        assert_int_equal(ql_json_overlaps(&fixture_cx, &w, &d, &yes), QL_OK);
        assert_int_equal(yes, t[i].overlaps);
    }
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(bad_paths_are_told), T(values_at_paths), T(changes), T(merging), T(containing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
