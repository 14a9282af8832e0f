/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords out of texts, and statement digests.
 */
#include <stdio.h>

#include "sql_test.h"

static void
assert_masked(const char *text, const char *expected)
{
    ql_str out;
    char got[1024];
    ql_arena_reset(the.arena);
    ql_diag_reset(the.cx.diag);
    assert_int_equal(ql_mask_passwords(&the.cx, the.arena, str_of(text), &out), QL_OK);
    (void)snprintf(got, sizeof got, "%.*s", (int)out.n, out.p);
    assert_string_equal(got, expected);
}

static void
account_statements(void **state)
{
    (void)state;
    assert_masked("CREATE USER a IDENTIFIED BY 'x'", "CREATE USER a IDENTIFIED BY '<secret>'");
    assert_masked("create user 'a'@'%' identified by \"x\"\"y\", b identified  by 'z''q' ;",
                  "create user 'a'@'%' identified by '<secret>', b identified  by '<secret>' ;");
    assert_masked("CREATE USER a IDENTIFIED WITH 'mysql_native_password' BY 'x'",
                  "CREATE USER a IDENTIFIED WITH 'mysql_native_password' BY '<secret>'");
    assert_masked("CREATE USER a IDENTIFIED WITH caching_sha2_password AS '$A$005$..'",
                  "CREATE USER a IDENTIFIED WITH caching_sha2_password AS '<secret>'");
    assert_masked("CREATE USER a IDENTIFIED WITH caching_sha2_password AS 0x2441",
                  "CREATE USER a IDENTIFIED WITH caching_sha2_password AS '<secret>'");
    assert_masked("ALTER USER a IDENTIFIED BY 'new' REPLACE 'old' COMMENT 'kept'",
                  "ALTER USER a IDENTIFIED BY '<secret>' REPLACE '<secret>' COMMENT 'kept'");
    assert_masked("SET PASSWORD = 'x'", "SET PASSWORD = '<secret>'");
    assert_masked("SET PASSWORD FOR 'a'@'b' = 'x'", "SET PASSWORD FOR 'a'@'b' = '<secret>'");
    assert_masked("SET PASSWORD FOR a := PASSWORD('x')",
                  "SET PASSWORD FOR a := PASSWORD('<secret>')");
    assert_masked("GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD '*1'",
                  "GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD '<secret>'");
    assert_masked("CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='x', SOURCE_HOST='h'",
                  "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='<secret>', SOURCE_HOST='h'");
    assert_masked("CREATE USER a /*!50000 IDENTIFIED BY 'x' */",
                  "CREATE USER a /*!50000 IDENTIFIED BY '<secret>' */");
    assert_masked("PREPARE s FROM 'create user a identified by ''x'''",
                  "PREPARE s FROM '<secret>'");
    assert_masked("ALTER USER a PASSWORD EXPIRE NEVER COMMENT 'kept'",
                  "ALTER USER a PASSWORD EXPIRE NEVER COMMENT 'kept'");
}

static void
texts_that_do_not_parse(void **state)
{
    (void)state;
    assert_masked("CREATE USER a IDENTIFIED BY 'open", "CREATE USER a IDENTIFIED BY '<secret>'");
    assert_masked("CREATE USR a IDENTIFIED BY 'x' foo bar",
                  "CREATE USR a IDENTIFIED BY '<secret>' foo bar");
    assert_masked("SELECT 1; CREATE USER a IDENTIFIED BY 'x'; SELECT 'y'",
                  "SELECT 1; CREATE USER a IDENTIFIED BY '<secret>'; SELECT 'y'");
    assert_masked("x'1 identified by 'secret'", "'<secret>'");
    assert_masked("IDENTIFIED BY", "IDENTIFIED BY");
    assert_masked("/*!50000 CREATE USER a IDENTIFIED BY 'x'",
                  "/*!50000 CREATE USER a IDENTIFIED BY '<secret>'");
}

static void
what_is_no_password_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "SELECT 1",
        "SELECT * FROM t WHERE password = 'x'",
        "SELECT * FROM t WHERE identified = 'x' AND password IN ('a','b')",
        "UPDATE t SET password = 'x'",
        "CREATE TABLE t (password VARCHAR(10) DEFAULT 'x' COMMENT 'y')",
        "SELECT 'identified by ''x'''",
        "CREATE USER u IDENTIFIED BY RANDOM PASSWORD; SELECT 'x'",
        "SET NAMES 'utf8mb4'",
        "ALTER USER u IDENTIFIED WITH 'auth_socket'",
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(texts); i++) {
        assert_masked(texts[i], texts[i]);
    }
}

static void
assert_digest(const char *text, const char *expected)
{
    ql_str out;
    char got[1024], hex[65];
    ql_arena_reset(the.arena);
    assert_int_equal(ql_digest(&the.cx, the.arena, str_of(text), &out, hex), QL_OK);
    (void)snprintf(got, sizeof got, "%.*s", (int)out.n, out.p);
    assert_string_equal(got, expected);
    assert_int_equal(strlen(hex), 64);
}

/* Forms as in the manual, "Performance Schema Statement Digests and Sampling". */
static void
digests(void **state)
{
    (void)state;
    assert_digest("SELECT * FROM orders WHERE customer_id=10 AND quantity>20",
                  "SELECT * FROM `orders` WHERE `customer_id` = ? AND `quantity` > ?");
    assert_digest("select  *  from orders /* c */ where customer_id = 20 and quantity > 100;",
                  "SELECT * FROM `orders` WHERE `customer_id` = ? AND `quantity` > ?");
    assert_digest("INSERT INTO t VALUES (1)", "INSERT INTO `t` VALUES (?)");
    assert_digest("INSERT INTO t VALUES (1), (2)", "INSERT INTO `t` VALUES (?) /* , ... */");
    assert_digest("INSERT INTO t VALUES (1,'a',NULL)", "INSERT INTO `t` VALUES (...)");
    assert_digest("INSERT INTO t VALUES (1,2),(3,4),(5,6)",
                  "INSERT INTO `t` VALUES (...) /* , ... */");
    assert_digest("SELECT a FROM t WHERE b IN (1,2,3)", "SELECT `a` FROM `t` WHERE `b` IN (...)");
    assert_digest("SELECT a FROM t LIMIT 10, 20", "SELECT `a` FROM `t` LIMIT ?, ...");
    assert_digest("SELECT 1 /*!50000 + 1", "SELECT ? + ?");
    assert_digest("SELECT -1, a - 1, a IS NULL", "SELECT ? , `a` - ? , `a` IS NULL");
}

static void
digest_hash_is_sha256_of_the_text(void **state)
{
    (void)state;
    ql_str out;
    char a[65], b[65];
    ql_arena_reset(the.arena);
    assert_int_equal(ql_digest(&the.cx, the.arena, QL_STR("select 1"), &out, a), QL_OK);
    /* printf 'SELECT ?' | sha256sum */
    assert_string_equal(a, "66cbb3a40d4bbd150b75825ad291a6545399f3098fc1079e4d8b5bb061a6a481");
    assert_int_equal(ql_digest(&the.cx, the.arena, QL_STR("SELECT  'x' -- y"), &out, b), QL_OK);
    assert_string_equal(a, b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_statements),
        cmocka_unit_test(texts_that_do_not_parse),
        cmocka_unit_test(what_is_no_password_stays),
        cmocka_unit_test(digests),
        cmocka_unit_test(digest_hash_is_sha256_of_the_text),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
