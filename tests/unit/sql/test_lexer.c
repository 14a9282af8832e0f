/* SPDX-License-Identifier: Apache-2.0
 *
 * The lexer: tokens, and values of literals, after the manual's chapter "Language Structure".
 */
#include <stdlib.h>

#include "ast_print.h"
#include "sql/sql_int.h"
#include "sql_test.h"

static void
keywords_are_sorted(void **state)
{
    (void)state;
    for (int k = T_KEYWORDS + 2; k < K_END_OF_LIST; k++) {
        assert_true(strcmp(qli_keyword_text((qli_token_kind)(k - 1)),
                           qli_keyword_text((qli_token_kind)k)) < 0);
    }
}

static void
keywords_are_found_in_any_case(void **state)
{
    (void)state;
    for (int k = T_KEYWORDS + 1; k < K_END_OF_LIST; k++) {
        char word[64];
        const char *text = qli_keyword_text((qli_token_kind)k);
        size_t n = strlen(text);
        for (size_t i = 0; i <= n; i++) {
            word[i] =
                (char)(i % 2 == 0 && text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
        }
        assert_int_equal(qli_keyword_find((ql_str){word, n}), k);
    }
    assert_int_equal(qli_keyword_find(QL_STR("selec")), T_IDENT);
    assert_int_equal(qli_keyword_find(QL_STR("selects")), T_IDENT);
    assert_int_equal(qli_keyword_find(QL_STR("")), T_IDENT);
    assert_int_equal(qli_keyword_find(QL_STR("zzz")), T_IDENT);
    assert_int_equal(qli_keyword_find(QL_STR("AAAA")), T_IDENT);
}

/* The tree of a select list. */
static const char *
list_of(const char *list)
{
    static out_text o;
    char text[1024];
    ql_ast_stmt *s;
    (void)snprintf(text, sizeof text, "SELECT %s", list);
    if (parse_text(text, &s) != QL_OK) {
        const ql_condition *c = ql_diag_error(the.cx.diag);
        (void)snprintf(o.s, sizeof o.s, "%d %s", (int)c->number, strstr(c->text, "near "));
        return o.s;
    }
    o.n = 0;
    print_stmt(&o, s);
    o.s[o.n - 1] = '\0';
    return o.s + strlen("(select ");
}

static void
numbers(void **state)
{
    (void)state;
    assert_string_equal(list_of("0, 1, 007"), "0, 1, 7");
    assert_string_equal(list_of("9223372036854775807"), "9223372036854775807");
    assert_string_equal(list_of("9223372036854775808"), "9223372036854775808u");
    assert_string_equal(list_of("18446744073709551615"), "18446744073709551615u");
    assert_string_equal(list_of("18446744073709551616"), "18446744073709551616d");
    assert_string_equal(list_of("1.5, .5, 1., 00.50"), "1.5d, 0.5d, 1d, 0.50d");
    assert_string_equal(list_of("1e2, 1E+2, 1.5e-1, .5e1"), "100e, 100e, 0.15e, 5e");
    assert_string_equal(list_of("1 - -1, 5--2"), "(- 1 (neg 1)), (- 5 (neg 2))");
    assert_string_equal(list_of("1e400"), "1367 (null)");
}

static void
numbers_that_are_names(void **state)
{
    (void)state;
    assert_string_equal(list_of("1a"), "1a");
    assert_string_equal(list_of("1e"), "1e");
    assert_string_equal(list_of("t.1"), "t.1");
    assert_string_equal(list_of("0xg"), "0xg");
    assert_string_equal(list_of("1.5e"), "1064 near '1.5e' at line 1");
}

static void
hex_and_bits(void **state)
{
    (void)state;
    assert_string_equal(list_of("x'4142', X'4a'"), "x'AB':binary, x'J':binary");
    assert_string_equal(list_of("0x41, 0x1"), "x'A':binary, x'\\x01':binary");
    assert_string_equal(list_of("x''"), "x'':binary");
    assert_string_equal(list_of("b'01000001', 0b1, B'100000001'"),
                        "x'A':binary, x'\\x01':binary, x'\\x01\\x01':binary");
    assert_string_equal(list_of("x'1'"), "1064 near 'x'1'' at line 1");
    assert_string_equal(list_of("x'zz'"), "1064 near 'x'zz'' at line 1");
    assert_string_equal(list_of("b'12'"), "1064 near 'b'12'' at line 1");
}

static void
strings(void **state)
{
    (void)state;
    assert_string_equal(list_of("'it''s', \"say \"\"x\"\"\", 'a\"b', \"a'b\""),
                        "'it's', 'say \"x\"', 'a\"b', 'a'b'");
    assert_string_equal(list_of("'a\\'b\\\"c\\\\d'"), "'a'b\"c\\d'");
    assert_string_equal(list_of("'\\n\\t\\r\\b\\Z'"), "'\\x0a\\x09\\x0d\\x08\\x1a'");
    assert_string_equal(list_of("'\\%\\_\\x'"), "'\\%\\_x'");
    assert_string_equal(list_of("'a' 'b'\n\"c\" ''"), "'abc'");
    assert_string_equal(list_of("'a' 'b''c' \"d\\n\""), "'ab'cd\\x0a'");
    assert_string_equal(list_of("'abc"), "1064 near ''abc' at line 1");
    assert_string_equal(list_of("''"), "''");
}

static void
introducers(void **state)
{
    (void)state;
    assert_string_equal(list_of("_utf8mb4'x'"), "'x':utf8mb4_0900_ai_ci");
    assert_string_equal(list_of("_binary 'x'"), "'x':binary");
    assert_string_equal(list_of("_latin1'\xE9'"), "'\xC3\xA9':latin1_swedish_ci");
    assert_string_equal(list_of("_utf8mb4 x'41'"), "'A':utf8mb4_0900_ai_ci");
    assert_string_equal(list_of("N'x'"), "'x':utf8mb3_general_ci");
    assert_string_equal(list_of("_foo"), "_foo");
}

static void
literals_take_the_connection_collation(void **state)
{
    (void)state;
    the.mode.literal_coll = ql_coll_utf8mb4_bin;
    assert_string_equal(list_of("'x'"), "'x':utf8mb4_bin");
    the.mode.literal_coll = NULL;
}

static void
quoted_names(void **state)
{
    (void)state;
    assert_string_equal(list_of("`a b`, `a``b`, `select`"), "a b, a`b, select");
    assert_string_equal(list_of("`a`.`b`, a.`b`, `a`.b"), "a.b, a.b, a.b");
    assert_string_equal(list_of("t.select, select.a"), "t.select, select.a");
    assert_string_equal(list_of("``"), "1064 near '``' at line 1");
}

static void
variables(void **state)
{
    (void)state;
    assert_string_equal(list_of("@a, @`a b`, @'c d', @\"e\", @a.b$_1"),
                        "@a, @a b, @c d, @e, @a.b$_1");
    assert_string_equal(list_of("@@a, @@global.b, @@session.c, @@local.d, @@`e`"),
                        "@@a, @@global.b, @@session.c, @@session.d, @@e");
    assert_string_equal(list_of("@@x.y"), "@@x.y");
    assert_string_equal(list_of("@a:=1, @b := 2"), "(:= @a 1), (:= @b 2)");
}

static void
comments(void **state)
{
    (void)state;
    assert_string_equal(list_of("1 /* x */ + /* y\n */ 2"), "(+ 1 2)");
    assert_string_equal(list_of("1 -- x\n + 2"), "(+ 1 2)");
    assert_string_equal(list_of("1 --\n + 2"), "(+ 1 2)");
    assert_string_equal(list_of("1 # x\n + 2"), "(+ 1 2)");
    assert_string_equal(list_of("1 --1"), "(- 1 (neg 1))");
    assert_string_equal(list_of("1 /**/ + 2 /***/"), "(+ 1 2)");
    assert_string_equal(list_of("/* a"), "1064 near '/* a' at line 1");
}

static void
version_comments(void **state)
{
    (void)state;
    assert_string_equal(list_of("1 /*! + 2 */"), "(+ 1 2)");
    assert_string_equal(list_of("1 /*!50000 + 2 */ + 3"), "(+ (+ 1 2) 3)");
    assert_string_equal(list_of("1 /*!80400 + 2 */"), "(+ 1 2)");
    assert_string_equal(list_of("1 /*!080400 + 2 */"), "(+ 1 2)");
    assert_string_equal(list_of("1 /*!99999 + 2 */"), "1");
    assert_string_equal(list_of("1 /*!99999 a /* b */ c */ + 2"), "(+ 1 2)");
    assert_string_equal(list_of("1 /*!50000 + 2"), "1064 near '' at line 1");
    assert_string_equal(list_of("1 /*M! + 2 */"), "1");
}

static void
words_before_parentheses(void **state)
{
    (void)state;
    assert_string_equal(list_of("count, sum, now, cast"), "count, sum, now, cast");
    assert_string_equal(list_of("count(1), concat (1)"), "(COUNT 1), (concat 1)");
    assert_string_equal(list_of("count (*)"), "1064 near '*)' at line 1");
    the.mode.ignore_space = true;
    assert_string_equal(list_of("count (*)"), "(COUNT *)");
    the.mode.ignore_space = false;
}

static void
sql_modes(void **state)
{
    (void)state;
    the.mode.ansi_quotes = true;
    assert_string_equal(list_of("\"a\".\"b\"\"c\", 'x'"), "a.b\"c, 'x'");
    the.mode.ansi_quotes = false;
    the.mode.no_backslash_escapes = true;
    assert_string_equal(list_of("'a\\', '\\n'"), "'a\\', '\\n'");
    the.mode.no_backslash_escapes = false;
    the.mode.pipes_as_concat = true;
    assert_string_equal(list_of("'a' || 'b' || 2 ^ 3"), "(^ (CONCAT (CONCAT 'a' 'b') 2) 3)");
    the.mode.pipes_as_concat = false;
    assert_string_equal(list_of("1 || 0"), "(or 1 0)");
    assert_string_equal(list_of("NOT 1 = 2"), "(not (= 1 2))");
    the.mode.high_not_precedence = true;
    assert_string_equal(list_of("NOT 1 = 2"), "(= (not 1) 2)");
    the.mode.high_not_precedence = false;
}

static void
parameters(void **state)
{
    (void)state;
    ql_ast_stmt *s;
    assert_string_equal(list_of("?"), "1064 near '?' at line 1");
    the.mode.allow_params = true;
    assert_int_equal(parse_text("SELECT ?, a FROM t WHERE b IN (?, ?) LIMIT ?", &s), QL_OK);
    assert_int_equal(s->nparams, 4);
    assert_string_equal(list_of("?, '?', ?"), "?0, '?', ?1");
    the.mode.allow_params = false;
}

static void
bytes_of_any_kind(void **state)
{
    (void)state;
    ql_ast_stmt *s;
    for (int c = 1; c < 256; c++) {
        char text[] = "SELECT 1 X 2";
        text[9] = (char)c;
        ql_status st = parse_text(text, &s);
        assert_true(st == QL_OK || error_number() == 1064 || error_number() == 1300);
    }
    assert_int_equal(parse_str((ql_str){"SELECT 1\0 2", 11}, &s), QL_ERROR);
    assert_int_equal(error_number(), 1064);
    assert_int_equal(parse_str((ql_str){"SELECT 'a\0b'", 12}, &s), QL_OK);
    assert_int_equal(s->select->items[0].expr->value.s.n, 3);
    assert_string_equal(list_of("\xC3\xA4\xC3\xB6"), "\xC3\xA4\xC3\xB6");
}

/* Every prefix of texts, in memory of exactly that size: the sanitizer sees a byte too far. */
static void
nothing_is_read_behind_the_end(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT @'a', @`b`, 'u'@'' , @@global.x, x'41', b'01', 0x4, 1.5e+3, 1e-2, .5, 'it''s\\' "
        "\"q\", `n`, _utf8mb4'x', N'y' /* c */ /*! + 1 */ /*!50000 + 2 */ -- d\n # e",
        "a<=>b<<c>>d<>e!=f:=g&&h||i->j->>k",
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(texts); i++) {
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            ql_ast_stmt *s;
            ql_str out;
            char hex[65], *exact = malloc(n + 1);
            char *text = exact + 1; /* so that its end is the end of the block */
            memcpy(text, texts[i], n);
            (void)parse_str((ql_str){text, n}, &s);
            ql_diag_reset(the.cx.diag);
            assert_int_equal(ql_mask_passwords(&the.cx, the.arena, (ql_str){text, n}, &out), QL_OK);
            assert_int_equal(ql_digest(&the.cx, the.arena, (ql_str){text, n}, &out, hex), QL_OK);
            free(exact);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_are_sorted),
        cmocka_unit_test(keywords_are_found_in_any_case),
        cmocka_unit_test(numbers),
        cmocka_unit_test(numbers_that_are_names),
        cmocka_unit_test(hex_and_bits),
        cmocka_unit_test(strings),
        cmocka_unit_test(introducers),
        cmocka_unit_test(literals_take_the_connection_collation),
        cmocka_unit_test(quoted_names),
        cmocka_unit_test(variables),
        cmocka_unit_test(comments),
        cmocka_unit_test(version_comments),
        cmocka_unit_test(words_before_parentheses),
        cmocka_unit_test(sql_modes),
        cmocka_unit_test(parameters),
        cmocka_unit_test(bytes_of_any_kind),
        cmocka_unit_test(nothing_is_read_behind_the_end),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
