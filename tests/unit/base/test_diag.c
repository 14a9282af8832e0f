/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics area: numbers, SQLSTATEs and texts (MySQL 8.4 error reference), the first error
 * stays, limits, cutting at characters, and wording without memory.
 */
#include "../lib/test.h"

#include "base/mem.h"

static void
test_words_from_the_table(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    assert_false(ql_diag_has_error(cx.diag));
    assert_int_equal(ql_fail(&cx, QL_ER_DUP_ENTRY, "1", "t.PRIMARY"), QL_ERROR);
    const ql_condition *c = ql_diag_error(cx.diag);
    assert_int_equal(c->number, 1062);
    assert_string_equal(c->sqlstate, "23000");
    assert_string_equal(c->text, "Duplicate entry '1' for key 't.PRIMARY'");
    assert_string_equal(ql_errcode_symbol(QL_ER_QUERY_INTERRUPTED), "ER_QUERY_INTERRUPTED");
    assert_string_equal(ql_errcode_sqlstate(QL_ER_QUERY_INTERRUPTED), "70100");
    test_ctx_end(&cx);
}

static void
test_first_error_stays(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    ql_warn(&cx, QL_DIAG_NOTE, QL_ER_BAD_TABLE_ERROR, "a.b");
    (void)ql_fail(&cx, QL_ER_QUERY_INTERRUPTED);
    (void)ql_fail(&cx, QL_ER_NO_DB_ERROR);
    assert_int_equal(test_error(&cx), 1317);
    assert_int_equal(ql_diag_count(cx.diag), 3);
    assert_int_equal(ql_diag_warning_count(cx.diag), 3);
    assert_int_equal(ql_diag_error_count(cx.diag), 2);
    assert_int_equal(ql_diag_at(cx.diag, 0)->level, QL_DIAG_NOTE);
    ql_diag_clear_error(cx.diag);
    assert_false(ql_diag_has_error(cx.diag));
    assert_int_equal(ql_diag_count(cx.diag), 1);
    assert_int_equal(ql_diag_warning_count(cx.diag), 1);
    assert_int_equal(ql_diag_at(cx.diag, 0)->number, 1051);
    ql_diag_reset(cx.diag);
    assert_int_equal(ql_diag_count(cx.diag), 0);
    assert_null(ql_diag_error(cx.diag));
    test_ctx_end(&cx);
}

static void
test_limit_counts_on(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    ql_diag_set_limit(cx.diag, 2);
    for (int i = 0; i < 5; i++) {
        ql_warn(&cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_OUT_OF_RANGE, "a", (long)i + 1);
    }
    (void)ql_fail(&cx, QL_ER_NO_DB_ERROR);
    assert_int_equal(ql_diag_count(cx.diag), 2);
    assert_int_equal(ql_diag_warning_count(cx.diag), 6);
    assert_int_equal(test_error(&cx), 1046);
    test_ctx_end(&cx);
}

/* Long texts of characters with 1 to 4 bytes stay within 512 bytes and end at a character. */
static void
test_cuts_at_a_character(void **state)
{
    (void)state;
    static const char *const chars[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    ql_ctx cx;
    test_ctx_begin(&cx);
    for (size_t lead = 0; lead < 8; lead++) {
        for (size_t c = 0; c < 4; c++) {
            char text[2048] = {0};
            size_t width = strlen(chars[c]);
            memset(text, 'x', lead);
            for (size_t at = lead; at + width < 1500; at += width) {
                memcpy(text + at, chars[c], width);
            }
            ql_diag_reset(cx.diag);
            (void)ql_fail_text(&cx, QL_ER_UNKNOWN_ERROR, "%s", text);
            const char *got = ql_diag_error(cx.diag)->text;
            size_t n = strlen(got);
            assert_true(n <= 512 && n > 504);
            assert_int_equal((n - lead) % width, 0);
            assert_memory_equal(got, text, n);
        }
    }
    test_ctx_end(&cx);
}

static void
test_words_without_memory(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    for (uint64_t n = 1; n < 4; n++) {
        ql_diag_reset(cx.diag);
        ql_mem_fail_after(n);
        (void)ql_fail(&cx, QL_ER_NO_SUCH_TABLE, "db", "t");
        ql_mem_fail_after(0);
        assert_string_equal(ql_diag_error(cx.diag)->text, "Table 'db.t' doesn't exist");
        assert_int_equal(ql_diag_error_count(cx.diag), 1);
    }
    test_ctx_end(&cx);
}

static void
test_every_code_is_found(void **state)
{
    (void)state;
    static const struct {
        ql_errcode code;
        int number;
        const char *sqlstate;
    } rows[] = {
#define QL_ERRCODE(symbol, number, sqlstate, text) {QL_ER_##symbol, number, sqlstate},
#include "base/errcodes.def"
#undef QL_ERRCODE
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].code, rows[i].number);
        assert_int_not_equal(rows[i].number, 0);
        assert_int_equal(strlen(rows[i].sqlstate), 5);
        assert_string_equal(ql_errcode_sqlstate(rows[i].code), rows[i].sqlstate);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_from_the_table), cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_limit_counts_on),      cmocka_unit_test(test_cuts_at_a_character),
        cmocka_unit_test(test_words_without_memory), cmocka_unit_test(test_every_code_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
