/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE, ALTER, DROP USER, GRANT, REVOKE, SHOW GRANTS and privilege checks; error numbers and
 * texts as in the MySQL 8.4 manual's error reference.
 */
#include <pthread.h>

#include "fixture.h"

static ql_privs
privs_of(const char *a, const char *b)
{
    ql_privs p = {{0, 0}};
    const char *names[] = {a, b};
    for (size_t i = 0; i < 2 && names[i] != NULL; i++) {
        int id = ql_privilege_find(str(names[i]));
        assert_true(id >= 0);
        p.bits[id >> 6] |= 1ULL << (id & 63);
    }
    return p;
}

static void
expect_grants(sess *s, const char *user, const char *host, const char *first, const char *second)
{
    ql_str *lines;
    size_t n;
    const char *want[] = {first, second};
    begin(s);
    OK(ql_acl_show_grants(&s->cx, s->cx.arena, str(user), str(host), &lines, &n));
    assert_int_equal(n, second != NULL ? 2 : 1);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(lines[i].p, want[i]);
        assert_int_equal(lines[i].n, strlen(want[i]));
    }
    acl_rollback(s);
}

static void
privilege_names(void **state)
{
    (void)state;
    assert_int_equal(ql_privilege_find(str("select")), QL_PRIV_SELECT);
    assert_int_equal(ql_privilege_find(str("Create Temporary Tables")),
                     QL_PRIV_CREATE_TEMPORARY_TABLES);
    assert_int_equal(ql_privilege_find(str("CONNECTION_ADMIN")), QL_PRIV_CONNECTION_ADMIN);
    assert_int_equal(ql_privilege_find(str("connection admin")), QL_PRIV_CONNECTION_ADMIN);
    assert_int_equal(ql_privilege_find(str("NOPE")), -1);
    assert_int_equal(ql_privilege_find(str("")), -1);
    assert_false(ql_privilege_is_dynamic(QL_PRIV_SUPER));
    assert_true(ql_privilege_is_dynamic(QL_PRIV_SYSTEM_USER));
}

static void
create_alter_drop(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_account a;
    begin(s);
    OK(ql_acl_create_user(&s->cx, str("u"), str("%"), QL_STR("Mysql_Native_Password"), str("*00"),
                          false));
    expect_error(s, ql_acl_create_user(&s->cx, str("u"), str("%"), SHA2, str(""), false), 1396,
                 "Operation CREATE USER failed for 'u'@'%'");
    OK(ql_acl_create_user(&s->cx, str("u"), str("%"), SHA2, str(""), true));
    expect_note(s, 3163, "Authorization ID 'u'@'%' already exists.");
    OK(ql_acl_account(&s->cx, str("u"), str("%"), &a));
    assert_string_equal(a.plugin.p, "mysql_native_password");
    assert_int_equal(ql_acl_account(&s->cx, str("u"), str("localhost"), &a), QL_END);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "none"); /* not committed yet */
    acl_commit(s);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "%");

    begin(s);
    OK(ql_acl_alter_user(&s->cx, str("u"), str("%"), SHA2, str("$A$"), false));
    OK(ql_acl_account(&s->cx, str("u"), str("%"), &a));
    assert_string_equal(a.plugin.p, "caching_sha2_password");
    assert_string_equal(a.auth_string.p, "$A$");
    expect_error(s, ql_acl_alter_user(&s->cx, str("v"), str("%"), SHA2, str(""), false), 1396,
                 "Operation ALTER USER failed for 'v'@'%'");
    OK(ql_acl_alter_user(&s->cx, str("v"), str("%"), SHA2, str(""), true));
    expect_note(s, 3162, "Authorization ID 'v'@'%' does not exist.");
    expect_error(s, ql_acl_alter_user(&s->cx, str("u"), str("%"), str("nope"), str(""), false),
                 1524, "Plugin 'nope' is not loaded");
    acl_commit(s);

    begin(s);
    OK(ql_acl_drop_user(&s->cx, str("u"), str("%"), false));
    expect_error(s, ql_acl_drop_user(&s->cx, str("u"), str("%"), false), 1396,
                 "Operation DROP USER failed for 'u'@'%'");
    OK(ql_acl_drop_user(&s->cx, str("u"), str("%"), true));
    expect_note(s, 3162, "Authorization ID 'u'@'%' does not exist.");
    acl_rollback(s);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "%"); /* rolled back */
    begin(s);
    OK(ql_acl_drop_user(&s->cx, str("u"), str("%"), false));
    acl_commit(s);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "none");
}

static void
names_that_are_too_long(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    char name[300] = {0};
    memset(name, 'x', 32);
    begin(s);
    OK(ql_acl_create_user(&s->cx, str(name), str("%"), SHA2, str(""), false));
    memset(name, 'x', 33);
    expect_error(s, ql_acl_create_user(&s->cx, str(name), str("%"), SHA2, str(""), false), 1470,
                 "String 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is too long for user name (should be "
                 "no longer than 32)");
    memset(name, 'h', 256);
    FAILS(s, ql_acl_create_user(&s->cx, str("u"), str(name), SHA2, str(""), false), 1470);
    acl_rollback(s);
}

static void
grant_and_revoke(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_privs p;
    create_user(s, "u", "%");
    expect_grants(s, "u", "%", "GRANT USAGE ON *.* TO `u`@`%`", NULL);

    begin(s);
    p = privs_of("PROCESS", "SELECT");
    OK(ql_acl_grant(&s->cx, str("u"), str("%"), &p, false));
    acl_commit(s);
    expect_grants(s, "u", "%", "GRANT SELECT, PROCESS ON *.* TO `u`@`%`", NULL);

    begin(s);
    p = privs_of("SYSTEM_USER", "CONNECTION_ADMIN");
    OK(ql_acl_grant(&s->cx, str("u"), str("%"), &p, true));
    p = privs_of("SELECT", "INSERT");
    OK(ql_acl_revoke(&s->cx, str("u"), str("%"), &p, false));
    acl_commit(s);
    expect_grants(s, "u", "%", "GRANT PROCESS ON *.* TO `u`@`%` WITH GRANT OPTION",
                  "GRANT CONNECTION_ADMIN,SYSTEM_USER ON *.* TO `u`@`%` WITH GRANT OPTION");

    begin(s);
    p = ql_privs_all();
    OK(ql_acl_revoke(&s->cx, str("u"), str("%"), &p, true));
    acl_commit(s);
    expect_grants(s, "u", "%", "GRANT USAGE ON *.* TO `u`@`%`", NULL);
}

static void
missing_accounts(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_privs p = privs_of("SELECT", NULL);
    ql_str *lines;
    size_t n;
    begin(s);
    expect_error(s, ql_acl_grant(&s->cx, str("u"), str("%"), &p, false), 1410,
                 "You are not allowed to create a user with GRANT");
    expect_error(s, ql_acl_revoke(&s->cx, str("u"), str("h"), &p, false), 1141,
                 "There is no such grant defined for user 'u' on host 'h'");
    expect_error(s, ql_acl_show_grants(&s->cx, s->cx.arena, str("u"), str("h"), &lines, &n), 1141,
                 "There is no such grant defined for user 'u' on host 'h'");
    acl_rollback(s);
}

static void
names_are_quoted(void **state)
{
    world *w = *state;
    create_user(&w->boot, "a`b", "%");
    expect_grants(&w->boot, "a`b", "%", "GRANT USAGE ON *.* TO `a``b`@`%`", NULL);
}

/* All privileges are printed one by one, static ones in the manual's order. */
static void
all_privileges(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_privs p = ql_privs_all();
    ql_str *lines;
    size_t n;
    create_user(s, "u", "localhost");
    begin(s);
    OK(ql_acl_grant(&s->cx, str("u"), str("localhost"), &p, true));
    OK(ql_acl_show_grants(&s->cx, s->cx.arena, str("u"), str("localhost"), &lines, &n));
    assert_int_equal(n, 2);
    assert_string_equal(
        lines[0].p,
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, SHUTDOWN, PROCESS, FILE, "
        "REFERENCES, INDEX, ALTER, SHOW DATABASES, SUPER, CREATE TEMPORARY TABLES, LOCK TABLES, "
        "EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, "
        "ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE TABLESPACE, CREATE ROLE, DROP ROLE ON "
        "*.* TO `u`@`localhost` WITH GRANT OPTION");
    assert_non_null(strstr(lines[1].p, "GRANT ALLOW_NONEXISTENT_DEFINER,"));
    acl_commit(s);
}

static void
accounts_survive_a_restart(void **state)
{
    world *w = *state;
    ql_privs p = privs_of("SUPER", NULL);
    create_user(&w->boot, "u", "%");
    create_user(&w->boot, "", "localhost");
    begin(&w->boot);
    OK(ql_acl_grant(&w->boot.cx, str("u"), str("%"), &p, true));
    acl_commit(&w->boot);
    ql_acl_close(w->inst.acl);
    w->inst.acl = NULL;
    restart(w);
    OK(ql_acl_open(&w->boot.cx, &w->inst.acl));
    assert_string_equal(login_host(&w->boot, "u", "1.1.1.1"), "%");
    assert_string_equal(login_host(&w->boot, "u", "localhost"), "localhost");
    expect_grants(&w->boot, "u", "%", "GRANT SUPER ON *.* TO `u`@`%` WITH GRANT OPTION", NULL);
}

/* A record that is not whole is refused, with 1877 as for tables. */
static void
damaged_record(void **state)
{
    static const char key[] = "\0\0\0\x14u\0%";
    world *w = *state;
    sess *s = &w->boot;
    ql_account a;
    begin(s);
    OK(ql_txn_put(&s->cx, (ql_str){key, sizeof key - 1}, QL_STR("\1\0abc")));
    FAILS(s, ql_acl_account(&s->cx, str("u"), str("%"), &a), 1877);
    acl_rollback(s);
}

/* --- two sessions ----------------------------------------------------------------------------- */

struct granter {
    sess s;
    ql_privs p;
    ql_status st;
};

static void *
grant_and_commit(void *arg)
{
    struct granter *g = arg;
    g->st = ql_acl_grant(&g->s.cx, str("u"), str("%"), &g->p, false);
    return NULL;
}

/* The second GRANT waits for the first, and adds to what that has written. */
static void
grants_meet_at_the_account(void **state)
{
    world *w = *state;
    struct granter other = {.p = privs_of("INSERT", NULL)};
    ql_privs p = privs_of("SELECT", NULL);
    pthread_t th;
    create_user(&w->boot, "u", "%");
    sess_begin(&other.s, &w->inst);
    begin(&w->boot);
    OK(ql_acl_grant(&w->boot.cx, str("u"), str("%"), &p, false));
    begin(&other.s);
    assert_int_equal(pthread_create(&th, NULL, grant_and_commit, &other), 0);
    ql_txnsys_stats st = {0};
    while (st.row_lock_waits == 0) {
        ql_txnsys_get_stats(w->inst.txns, &st);
    }
    acl_commit(&w->boot);
    pthread_join(th, NULL);
    OK(other.st);
    acl_commit(&other.s);
    sess_end(&other.s);
    expect_grants(&w->boot, "u", "%", "GRANT SELECT, INSERT ON *.* TO `u`@`%`", NULL);
}

/* --- what a session may do -------------------------------------------------------------------- */

static void
checks(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_account a = {
        .user = QL_STR("u"), .host = QL_STR("%"), .privs = privs_of("SELECT", "PROCESS")};
    assert_false(ql_acl_has(&s->cx, QL_PRIV_SELECT)); /* not logged in */
    ql_acl_set_session(&s->cx, &a);
    assert_true(s->vars.viewer.has_process);
    assert_true(ql_acl_has(&s->cx, QL_PRIV_SELECT));
    OK(ql_acl_require(&s->cx, QL_PRIV_SUPER, QL_PRIV_PROCESS));
    expect_error(s, ql_acl_require(&s->cx, QL_PRIV_SUPER, QL_PRIV_CONNECTION_ADMIN), 1227,
                 "Access denied; you need (at least one of) the SUPER or CONNECTION_ADMIN "
                 "privilege(s) for this operation");
    expect_error(s, ql_acl_require(&s->cx, QL_PRIV_SHUTDOWN, QL_PRIV_SHUTDOWN), 1227,
                 "Access denied; you need (at least one of) the SHUTDOWN privilege(s) for this "
                 "operation");
    OK(ql_acl_require_table(&s->cx, QL_PRIV_SELECT, str("d"), str("t")));
    expect_error(s, ql_acl_require_table(&s->cx, QL_PRIV_INSERT, str("d"), str("t")), 1142,
                 "INSERT command denied to user 'u'@'%' for table 't'");
    expect_error(s, ql_acl_require_db(&s->cx, QL_PRIV_CREATE, str("d")), 1044,
                 "Access denied for user 'u'@'%' to database 'd'");
    a.privs = (ql_privs){{0, 0}};
    OK(ql_acl_require_table(&s->cx, QL_PRIV_SELECT, str("Information_Schema"), str("t")));
    expect_error(s, ql_acl_require_table(&s->cx, QL_PRIV_SELECT, str("d"), str("t")), 1142,
                 "SELECT command denied to user 'u'@'%' for table 't'");
    struct ql_vars *vars = s->cx.vars;
    s->cx.vars = NULL; /* the server itself */
    assert_true(ql_acl_has(&s->cx, QL_PRIV_SHUTDOWN));
    s->cx.vars = vars;
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, acl_setup, acl_teardown)
    const struct CMUnitTest tests[] = {
        TEST(privilege_names),
        TEST(create_alter_drop),
        TEST(names_that_are_too_long),
        TEST(grant_and_revoke),
        TEST(missing_accounts),
        TEST(names_are_quoted),
        TEST(all_privileges),
        TEST(accounts_survive_a_restart),
        TEST(damaged_record),
        TEST(grants_meet_at_the_account),
        TEST(checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
