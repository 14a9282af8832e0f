/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that called setlocale, as a program with an instance inside may: the same statements
 * give the same answers. German writes numbers with a comma; Turkish has another small letter for
 * I. The locales are made in a temporary directory with localedef; without its sources (Debian:
 * locales) the test is skipped.
 */
#include "fixture.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const statements[] = {
    "SELECT 1.5, 1.5e0, 1.25e300, 1e-300, 123456789.125e0, 0.1e0 + 0.2e0, -2.5e-7",
    "SELECT CAST('1.5' AS DOUBLE), CAST('2.5e3' AS DECIMAL(10,2)), '1.5abc' + 0, '1,5' + 0",
    "SELECT CAST(12345678901234567890.123456789 AS DOUBLE), CAST(1e40 AS DECIMAL(65,5)) + 0e0",
    "SELECT CAST(1.1 AS FLOAT), CAST(1234567 AS FLOAT), ROUND(2.345e0, 2), TRUNCATE(-1.999e0, 1)",
    "SELECT FORMAT(1234567.891, 2), FORMAT(1234567.891e0, 3, 'de_DE'), FORMAT(0.5, 0)",
    "SELECT CONCAT(1.5e0), CONCAT(0.1), LENGTH(1.0e0 / 3), HEX(255.4e0), CONV('1F', 16, 10)",
    "SELECT SQRT(2), PI(), EXP(1), LOG(10), POW(2, 0.5), SIN(1), RADIANS(90), DEGREES(1)",
    "SELECT SEC_TO_TIME(61.5), MAKETIME(1, 2, 3.25), TIME_TO_SEC('00:01:01.5'), '10:11:12.5' + 0",
    "SELECT DATE_FORMAT('2024-02-29 13:04:05.678', '%W %M %e %Y %r %f'), DAYNAME('2024-02-29')",
    "SELECT STR_TO_DATE('Thursday 29 February 2024', '%W %d %M %Y'), MONTHNAME('2024-02-29')",
    "SELECT FROM_UNIXTIME(1.5), UNIX_TIMESTAMP('2024-02-29 00:00:00.25')",
    "SELECT UPPER('iI'), LOWER('iI'), 'I' = 'i', 'INSTR' LIKE 'i%', STRCMP('I', 'i'), "
    "SOUNDEX('Iq')",
    "SELECT INSTR('TITLE', 'i'), FIELD('i', 'I'), FIND_IN_SET('i', 'x,I'), _UTF8MB4'x', _LATIN1'x'",
    "SELECT QUOTE(1.5e0), INTERVAL(1.5e0, 1, 2), GREATEST(1.5e0, 1), FIND_IN_SET(1.5e0, '1.5')",
    "SELECT INET_NTOA(INET_ATON('10.0.5.9')), INET6_NTOA(INET6_ATON('::ffff:1.2.3.4'))",
    "SELECT @@long_query_time, @@secure_file_priv IS NULL, @@VERSION_COMMENT <> ''",
    "select id, d from m where d > 1.25 order by id",
    "SELECT sum(d), avg(d), min(d), std(d), group_concat(d order by id) FROM m",
    "SELECT 1e999",
    "SELECT CAST(1e20 AS SIGNED), '1e400' + 0",
    "WITH ITEMS AS (SELECT 1 AS I) SELECT i FROM items",
};

static char *
answer(world *w, size_t i)
{
    ql_status st;
    const char *text = run_status(w, statements[i], &st);
    char *copy = NULL;
    assert_true(asprintf(&copy, "%d|%s", (int)st, text) >= 0);
    return copy;
}

static char dir[64];

/* A locale of that name below dir; false: it cannot be made here. */
static bool
make_locale(const char *source, const char *charmap, const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "localedef -i %s -f %s %s/%s >/dev/null 2>&1", source,
             charmap, dir, name);
    (void)!system(command);
    snprintf(command, sizeof command, "%s/%s/LC_NUMERIC", dir, name);
    return access(command, R_OK) == 0;
}

static void
same_answers_in(const char *locale)
{
    world *w;
    void *state;
    char *expected[QL_ARRAY_LEN(statements)];
    static const char *const before[] = {"CREATE TABLE m (id INT PRIMARY KEY, d DOUBLE)",
                                         "INSERT INTO m VALUES (1, 0.5), (2, 1.5), (3, -2.25e10)"};
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(exec_setup(&state), 0);
    w = state;
    for (size_t i = 0; i < QL_ARRAY_LEN(before); i++) {
        (void)run(w, before[i]);
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(statements); i++) {
        expected[i] = answer(w, i);
    }
    assert_non_null(setlocale(LC_ALL, locale));
    for (size_t i = 0; i < QL_ARRAY_LEN(statements); i++) {
        char *got = answer(w, i);
        assert_string_equal(got, expected[i]);
        free(got);
        free(expected[i]);
    }
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(world_teardown(&state), 0);
}

static void
test_comma(void **state)
{
    (void)state;
    if (!make_locale("de_DE", "UTF-8", "de_DE.UTF-8")) {
        skip();
    }
    /* The test can fail: this is what the C library makes of it. */
    char text[16];
    assert_non_null(setlocale(LC_ALL, "de_DE.UTF-8"));
    snprintf(text, sizeof text, "%.1f", 1.5);
    assert_string_equal(text, "1,5");
    same_answers_in("de_DE.UTF-8");
}

static void
test_dotless_i(void **state)
{
    (void)state;
    if (!make_locale("tr_TR", "ISO-8859-9", "tr_TR.ISO-8859-9")) {
        skip();
    }
    assert_non_null(setlocale(LC_ALL, "tr_TR.ISO-8859-9"));
    same_answers_in("tr_TR.ISO-8859-9");
}

int
main(void)
{
    char command[96];
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%.40s/quell-locale-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL || setenv("LOCPATH", dir, 1) != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comma),
        cmocka_unit_test(test_dotless_i),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    (void)!system(command);
    return bad;
}
