/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE, ALTER, DROP USER, GRANT, REVOKE, SHOW GRANTS and privilege checks; error numbers and
 * texts as in the MySQL 8.4 manual's error reference.
 */
#include <pthread.h>

#include "base/mem.h"
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

/* GRANT and REVOKE ON *.*. */
static ql_status
grant(sess *s, const char *user, const char *host, ql_privs p, bool option)
{
    ql_grant_object everywhere = {.level = QL_GRANT_GLOBAL};
    return ql_acl_grant(&s->cx, str(user), str(host), &everywhere, &(ql_grant_set){p, option});
}

static ql_status
revoke(sess *s, const char *user, const char *host, ql_privs p, bool option)
{
    ql_grant_object everywhere = {.level = QL_GRANT_GLOBAL};
    return ql_acl_revoke(&s->cx, str(user), str(host), &everywhere, &(ql_grant_set){p, option});
}

/* ... ON db.*, or db.table. */
static ql_status
grant_on(sess *s, const char *user, const char *db, const char *table, ql_pmask mask)
{
    ql_grant_object on = {table != NULL ? QL_GRANT_TABLE : QL_GRANT_DB, str(db),
                          str(table != NULL ? table : "")};
    ql_grant_set set = {{{mask & QL_PM_STATIC, 0}}, mask & QL_PM_GRANT};
    return ql_acl_grant(&s->cx, str(user), str("%"), &on, &set);
}

static ql_status
revoke_on(sess *s, const char *user, const char *db, const char *table, ql_pmask mask)
{
    ql_grant_object on = {table != NULL ? QL_GRANT_TABLE : QL_GRANT_DB, str(db),
                          str(table != NULL ? table : "")};
    ql_grant_set set = {{{mask & QL_PM_STATIC, 0}}, mask & QL_PM_GRANT};
    return ql_acl_revoke(&s->cx, str(user), str("%"), &on, &set);
}

static ql_status
create(sess *s, const char *user, const char *host, ql_str plugin, const char *auth, bool ifnot)
{
    ql_account a = {
        .user = str(user), .host = str(host), .plugin = plugin, .auth_string = str(auth)};
    return ql_acl_create_user(&s->cx, &a, ifnot);
}

static ql_status
alter(sess *s, const char *user, ql_str plugin, const char *auth, bool if_exists)
{
    ql_account_change change = {.plugin = plugin, .auth_string = str(auth), .lock = -1};
    return ql_acl_alter_user(&s->cx, str(user), str("%"), &change, if_exists);
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
    OK(create(s, "u", "%", QL_STR("Mysql_Native_Password"), "*00", false));
    expect_error(s, create(s, "u", "%", SHA2, "", false), 1396,
                 "Operation CREATE USER failed for 'u'@'%'");
    OK(create(s, "u", "%", SHA2, "", true));
    expect_note(s, 3163, "Authorization ID 'u'@'%' already exists.");
    OK(ql_acl_account(&s->cx, str("u"), str("%"), &a));
    assert_string_equal(a.plugin.p, "mysql_native_password");
    assert_int_equal(ql_acl_account(&s->cx, str("u"), str("localhost"), &a), QL_END);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "none"); /* not committed yet */
    acl_commit(s);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "%");

    begin(s);
    OK(alter(s, "u", SHA2, "$A$", false));
    OK(ql_acl_account(&s->cx, str("u"), str("%"), &a));
    assert_string_equal(a.plugin.p, "caching_sha2_password");
    assert_string_equal(a.auth_string.p, "$A$");
    expect_error(s, alter(s, "v", SHA2, "", false), 1396,
                 "Operation ALTER USER failed for 'v'@'%'");
    OK(alter(s, "v", SHA2, "", true));
    expect_note(s, 3162, "Authorization ID 'v'@'%' does not exist.");
    expect_error(s, alter(s, "u", str("nope"), "", false), 1524, "Plugin 'nope' is not loaded");
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
    OK(create(s, name, "%", SHA2, "", false));
    memset(name, 'x', 33);
    expect_error(s, create(s, name, "%", SHA2, "", false), 1470,
                 "String 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is too long for user name (should be "
                 "no longer than 32)");
    memset(name, 'h', 256);
    FAILS(s, create(s, "u", name, SHA2, "", false), 1470);
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
    OK(grant(s, "u", "%", p, false));
    acl_commit(s);
    expect_grants(s, "u", "%", "GRANT SELECT, PROCESS ON *.* TO `u`@`%`", NULL);

    begin(s);
    p = privs_of("SYSTEM_USER", "CONNECTION_ADMIN");
    OK(grant(s, "u", "%", p, true));
    p = privs_of("SELECT", "INSERT");
    OK(revoke(s, "u", "%", p, false));
    acl_commit(s);
    expect_grants(s, "u", "%", "GRANT PROCESS ON *.* TO `u`@`%` WITH GRANT OPTION",
                  "GRANT CONNECTION_ADMIN,SYSTEM_USER ON *.* TO `u`@`%` WITH GRANT OPTION");

    begin(s);
    p = ql_privs_all();
    OK(revoke(s, "u", "%", p, true));
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
    expect_error(s, grant(s, "u", "%", p, false), 1410,
                 "You are not allowed to create a user with GRANT");
    expect_error(s, revoke(s, "u", "h", p, false), 1141,
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
    OK(grant(s, "u", "localhost", p, true));
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
    OK(grant(&w->boot, "u", "%", p, true));
    acl_commit(&w->boot);
    ql_acl_close(w->inst.acl);
    w->inst.acl = NULL;
    restart(w);
    OK(ql_acl_open(&w->boot.cx, &w->inst.acl));
    assert_string_equal(login_host(&w->boot, "u", "1.1.1.1"), "%");
    assert_string_equal(login_host(&w->boot, "u", "localhost"), "localhost");
    expect_grants(&w->boot, "u", "%", "GRANT SUPER ON *.* TO `u`@`%` WITH GRANT OPTION", NULL);
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
    g->st = grant(&g->s, "u", "%", g->p, false);
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
    OK(grant(&w->boot, "u", "%", p, false));
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
    OK(ql_acl_require_table(&s->cx, QL_PRIV_DELETE, str("d"), str("t")));
    assert_true(ql_acl_has(&s->cx, QL_PRIV_SHUTDOWN));
    s->cx.vars = vars;
}

/* --- databases and tables --------------------------------------------------------------------- */

/* A session of u@% as it is after login. */
static void
log_in(sess *s, ql_account *a)
{
    OK(ql_acl_find(&s->cx, s->life, str("u"), str("1.2.3.4"), a));
    ql_acl_set_session(&s->cx, a);
}

static bool
may(sess *s, ql_privilege p, const char *db, const char *table)
{
    ql_status st = ql_acl_require_table(&s->cx, p, str(db), str(table));
    ql_diag_reset(s->cx.diag);
    return st == QL_OK;
}

/* Grants of databases and tables count for sessions that are there, with the commit and not before;
 * global ones from the next login on. */
static void
grants_count_at_once(void **state)
{
    world *w = *state;
    sess *s = &w->boot, other;
    ql_account a;
    create_user(s, "u", "%");
    sess_begin(&other, &w->inst);
    log_in(&other, &a);
    assert_false(may(&other, QL_PRIV_SELECT, "d", "t"));
    begin(s);
    OK(grant_on(s, "u", "d", NULL, QL_PM(SELECT)));
    OK(grant_on(s, "u", "e", "t", QL_PM(INSERT)));
    OK(grant(s, "u", "%", privs_of("DELETE", NULL), false));
    assert_false(may(&other, QL_PRIV_SELECT, "d", "t"));
    acl_commit(s);
    assert_true(may(&other, QL_PRIV_SELECT, "d", "t"));
    assert_true(may(&other, QL_PRIV_INSERT, "e", "t"));
    assert_false(may(&other, QL_PRIV_INSERT, "e", "t2"));
    assert_false(may(&other, QL_PRIV_INSERT, "E", "t")); /* names have case */
    assert_false(may(&other, QL_PRIV_DELETE, "d", "t"));
    assert_true(ql_acl_sees_db(&other.cx, str("e")));
    assert_false(ql_acl_sees_db(&other.cx, str("f")));
    begin(s);
    OK(revoke_on(s, "u", "d", NULL, QL_PM(SELECT)));
    acl_commit(s);
    assert_false(may(&other, QL_PRIV_SELECT, "d", "t"));
    log_in(&other, &a);
    assert_true(may(&other, QL_PRIV_DELETE, "d", "t"));
    ql_acl_end_session(&other.cx);
    sess_end(&other);
}

/* A REVOKE that was committed while memory was out counts as soon as somebody looks again. */
static void
a_failed_reload_is_made_up_for(void **state)
{
    world *w = *state;
    sess *s = &w->boot, other;
    ql_account a;
    create_user(s, "u", "%");
    begin(s);
    OK(grant_on(s, "u", "d", NULL, QL_PM(SELECT)));
    acl_commit(s);
    sess_begin(&other, &w->inst);
    log_in(&other, &a);
    assert_true(may(&other, QL_PRIV_SELECT, "d", "t"));
    begin(s);
    OK(revoke_on(s, "u", "d", NULL, QL_PM(SELECT)));
    ql_txn_stmt_end(&s->cx);
    OK(ql_txn_commit(&s->cx));
    ql_mem_fail_after(1);
    ql_acl_committed(&s->cx);
    ql_mem_fail_after(0);
    assert_false(ql_diag_has_error(s->cx.diag));
    assert_false(may(&other, QL_PRIV_SELECT, "d", "t"));
    ql_acl_end_session(&other.cx);
    sess_end(&other);
}

static void
patterns_of_databases(void **state)
{
    static const struct {
        const char *pattern, *db;
        bool matches;
    } cases[] = {{"d", "d", true},
                 {"d", "dd", false},
                 {"d%", "dd", true},
                 {"%", "d", true},
                 {"d_", "dd", true},
                 {"d_", "d", false},
                 {"d\\_", "d_", true},
                 {"d\\_", "dx", false},
                 {"d\\_%", "d_abc", true},
                 {"%x%y", "axbxcy", true},
                 {"%x%y", "axbc", false},
                 {"d_", "d\xc3\xa4", true},
                 {"d__", "d\xc3\xa4", false},
                 {"", "d", false},
                 {"a\\%b", "a%b", true}};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        if (qli_db_matches(str(cases[i].pattern), str(cases[i].db)) != cases[i].matches) {
            fail_msg("%s for %s", cases[i].pattern, cases[i].db);
        }
    }
}

/* Who may give on what he has: the pattern of the GRANT must not reach further than his own. */
static void
patterns_of_patterns(void **state)
{
    static const struct {
        const char *own, *given;
        bool covers;
    } cases[] = {{"d", "d", true},       {"d", "d%", false},
                 {"d%", "d%", true},     {"d%", "de%", true},
                 {"de%", "d%", false},   {"d%", "d_", true},
                 {"d_", "d%", false},    {"d_", "d_", true},
                 {"d_", "dx", true},     {"dx", "d_", false},
                 {"d\\_", "d_", false},  {"d_", "d\\_", true},
                 {"d\\_", "d\\_", true}, {"%", "%", true},
                 {"%", "a_b%", true},    {"a\\_%", "a\\_b\\_%", true},
                 {"a\\_%", "a_%", false}};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        if (qli_db_covers(str(cases[i].own), str(cases[i].given)) != cases[i].covers) {
            fail_msg("%s for %s", cases[i].own, cases[i].given);
        }
    }
}

/* Plain names before patterns, those by their first wildcard; one grant counts, not their sum. */
static void
the_most_specific_database_counts(void **state)
{
    world *w = *state;
    sess *s = &w->boot, other;
    ql_account a;
    create_user(s, "u", "%");
    begin(s);
    OK(grant_on(s, "u", "%", NULL, QL_PM(SELECT)));
    OK(grant_on(s, "u", "sh%", NULL, QL_PM(INSERT)));
    OK(grant_on(s, "u", "sho_", NULL, QL_PM(UPDATE)));
    OK(grant_on(s, "u", "shop\\_a", NULL, QL_PM(DELETE)));
    acl_commit(s);
    sess_begin(&other, &w->inst);
    log_in(&other, &a);
    assert_int_equal(ql_acl_on_db(&other.cx, str("x")), QL_PM(SELECT));
    assert_int_equal(ql_acl_on_db(&other.cx, str("shxx")), QL_PM(INSERT));
    assert_int_equal(ql_acl_on_db(&other.cx, str("shop")), QL_PM(UPDATE));
    assert_int_equal(ql_acl_on_db(&other.cx, str("shop_a")), QL_PM(DELETE));
    assert_int_equal(ql_acl_on_db(&other.cx, str("shopxa")), QL_PM(INSERT));
    ql_acl_end_session(&other.cx);
    sess_end(&other);
}

static void
show_all_levels(void **state)
{
    static const char *const want[] = {
        "GRANT USAGE ON *.* TO `u`@`%`", "GRANT USAGE ON `a`.* TO `u`@`%` WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON `d`.* TO `u`@`%`",
        "GRANT SELECT, CREATE VIEW ON `a`.`x``y` TO `u`@`%`",
        "GRANT ALL PRIVILEGES ON `d`.`t` TO `u`@`%` WITH GRANT OPTION"};
    world *w = *state;
    sess *s = &w->boot;
    ql_str *lines;
    size_t n;
    create_user(s, "u", "%");
    begin(s);
    OK(grant_on(s, "u", "d", "t", QL_PM_TABLE | QL_PM_GRANT));
    OK(grant_on(s, "u", "d", NULL, QL_PM_DB));
    OK(grant_on(s, "u", "a", NULL, QL_PM_GRANT));
    OK(grant_on(s, "u", "a", "x`y", QL_PM(SELECT) | QL_PM(CREATE_VIEW)));
    OK(grant_on(s, "u", "e", NULL, 0)); /* USAGE: nothing */
    OK(ql_acl_show_grants(&s->cx, s->cx.arena, str("u"), str("%"), &lines, &n));
    assert_int_equal(n, QL_ARRAY_LEN(want));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(lines[i].p, want[i]);
    }
    acl_commit(s);
    begin(s);
    FAILS(s, revoke_on(s, "u", "b", NULL, QL_PM(SELECT)), 1141);
    expect_error(s, revoke_on(s, "u", "a", "z", QL_PM(SELECT)), 1147,
                 "There is no such grant defined for user 'u' on host '%' on table 'z'");
    OK(revoke_on(s, "u", "d", "t", QL_PM_TABLE | QL_PM_GRANT));
    FAILS(s, revoke_on(s, "u", "d", "t", QL_PM(SELECT)), 1147); /* the record is gone */
    OK(ql_acl_revoke_all(&s->cx, str("u"), str("%")));
    acl_commit(s);
    expect_grants(s, "u", "%", "GRANT USAGE ON *.* TO `u`@`%`", NULL);
}

/* user, host and database are ended by NULs: u's grants are not those of u2 or of u@%x. */
static void
accounts_are_kept_apart(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_str *lines;
    size_t n;
    create_user(s, "u", "%");
    create_user(s, "u", "%x");
    create_user(s, "u2", "%");
    begin(s);
    OK(grant_on(s, "u", "d", NULL, QL_PM(SELECT)));
    OK(grant_on(s, "u2", "d", NULL, QL_PM(SELECT)));
    OK(ql_acl_rename_user(&s->cx, str("u"), str("%"), str("v"), str("h")));
    acl_commit(s);
    begin(s);
    OK(ql_acl_show_grants(&s->cx, s->cx.arena, str("v"), str("h"), &lines, &n));
    assert_int_equal(n, 2);
    assert_string_equal(lines[1].p, "GRANT SELECT ON `d`.* TO `v`@`h`");
    OK(ql_acl_show_grants(&s->cx, s->cx.arena, str("u2"), str("%"), &lines, &n));
    assert_int_equal(n, 2);
    OK(ql_acl_drop_user(&s->cx, str("v"), str("h"), false));
    OK(create(s, "v", "h", SHA2, "", false));
    OK(ql_acl_show_grants(&s->cx, s->cx.arena, str("v"), str("h"), &lines, &n));
    assert_int_equal(n, 1);
    acl_rollback(s);
}

static void
system_user_protects(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_account me = {
        .user = QL_STR("me"), .host = QL_STR("%"), .privs = privs_of("CREATE USER", 0)};
    create_user(s, "plain", "%");
    create_user(s, "boss", "%");
    begin(s);
    OK(grant(s, "boss", "%", privs_of("SYSTEM_USER", NULL), false));
    acl_commit(s);
    begin(s);
    ql_acl_set_session(&s->cx, &me);
    OK(ql_acl_require_power_over(&s->cx, str("plain"), str("%")));
    OK(ql_acl_require_power_over(&s->cx, str("nobody"), str("%")));
    expect_error(s, ql_acl_require_power_over(&s->cx, str("boss"), str("%")), 1227,
                 "Access denied; you need (at least one of) the SYSTEM_USER privilege(s) for this "
                 "operation");
    me.privs = privs_of("SYSTEM_USER", NULL);
    OK(ql_acl_require_power_over(&s->cx, str("boss"), str("%")));
    acl_rollback(s);
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
        TEST(grants_meet_at_the_account),
        TEST(checks),
        TEST(grants_count_at_once),
        TEST(a_failed_reload_is_made_up_for),
        TEST(patterns_of_databases),
        TEST(patterns_of_patterns),
        TEST(the_most_specific_database_counts),
        TEST(show_all_levels),
        TEST(accounts_are_kept_apart),
        TEST(system_user_protects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
