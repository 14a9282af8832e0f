/* SPDX-License-Identifier: Apache-2.0
 *
 * Which account a login gets. The order of hosts is that of the MySQL 8.4 manual, "Access Control,
 * Stage 1: Connection Verification".
 */
#include "fixture.h"

static void
the_most_specific_host_wins(void **state)
{
    static const char *const hosts[] = {
        "", "%", "10.%", "10.1.%", "10.1.2._", "10.1.2.0/255.255.255.0", "10.1.2.0/24", "10.1.2.3"};
    world *w = *state;
    sess *s = &w->boot;
    for (size_t i = 0; i < QL_ARRAY_LEN(hosts); i++) { /* each one beats those before it */
        create_user(s, "u", hosts[i]);
        assert_string_equal(login_host(s, "u", "10.1.2.3"), hosts[i]);
    }
    for (size_t i = QL_ARRAY_LEN(hosts); i-- > 0;) { /* whatever the order of creation */
        assert_string_equal(login_host(s, "u", "10.1.2.3"), hosts[i]);
        begin(s);
        OK(ql_acl_drop_user(&s->cx, str("u"), str(hosts[i]), false));
        acl_commit(s);
    }
    assert_string_equal(login_host(s, "u", "10.1.2.3"), "none");
}

static void
patterns(void **state)
{
    static const struct {
        const char *pattern, *host;
        bool matches;
    } cases[] = {
        {"%", "localhost", true},
        {"%", "2001:db8::1", true},
        {"192.168.%", "192.168.0.1", true},
        {"192.168.%", "192.169.0.1", false},
        {"192.168.%.7", "192.168.3.7", true},
        {"192.168.%.7", "192.168.3.77", false},
        {"%.7", "7.7.7.7", true},
        {"192.168.0._", "192.168.0.9", true},
        {"192.168.0._", "192.168.0.10", false},
        {"192.168.0.__", "192.168.0.10", true},
        {"%.%.%.%", "1.2.3.4", true},
        {"%%", "x", true},
        {"Host.Example", "host.example", true},
        {"192.168.1.1", "192.168.1.10", false},
        {"192.168.1.10", "192.168.1.1", false},
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.0/255.0.0.0", "10.9.9.9", true},
        {"198.51.100.128/255.255.255.192", "198.51.100.190", true},
        {"198.51.100.128/255.255.255.192", "198.51.100.192", false},
        {"1.2.3.4/32", "1.2.3.4", true},
        {"1.2.3.4/32", "1.2.3.5", false},
        {"0.0.0.0/0", "9.8.7.6", true},
        {"1.2.3.4/33", "1.2.3.4", false},
        {"1.2.3.4/", "1.2.3.4", false},
        {"1.2.3.4/x", "1.2.3.4", false},
        {"1.2.3/24", "1.2.3.4", false},
        {"10.0.0.0/8", "::1", false},
        {"10.0.0.0/8", "localhost", false},
        {"localhost", "127.0.0.1", true}, /* as a server that resolves names sees it */
        {"localhost", "::1", true},
        {"LOCALHOST", "127.0.0.1", true},
        {"local%", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "localhost", false}, /* the socket is no TCP address */
        {"localhost", "127.0.0.2", false},
    };
    world *w = *state;
    sess *s = &w->boot;
    for (size_t i = 0; i < QL_ARRAY_LEN(cases); i++) {
        create_user(s, "u", cases[i].pattern);
        const char *got = login_host(s, "u", cases[i].host);
        if (strcmp(got, cases[i].matches ? cases[i].pattern : "none") != 0) {
            fail_msg("%s for %s: got %s", cases[i].pattern, cases[i].host, got);
        }
        begin(s);
        OK(ql_acl_drop_user(&s->cx, str("u"), str(cases[i].pattern), false));
        acl_commit(s);
    }
}

/* The manual's example: jeffrey from thomas.loc.gov is ''@'thomas.loc.gov', not 'jeffrey'@'%'; and
 * of two accounts with the same host, the named one comes first. */
static void
hosts_before_users(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_account a;
    create_user(s, "jeffrey", "%");
    create_user(s, "", "thomas.loc.gov");
    OK(ql_acl_find(&s->cx, s->cx.arena, str("jeffrey"), str("thomas.loc.gov"), &a));
    assert_int_equal(a.user.n, 0);
    create_user(s, "", "%");
    OK(ql_acl_find(&s->cx, s->cx.arena, str("jeffrey"), str("other"), &a));
    assert_string_equal(a.user.p, "jeffrey");
    OK(ql_acl_find(&s->cx, s->cx.arena, str("Jeffrey"), str("other"), &a));
    assert_int_equal(a.user.n, 0); /* user names have case */
}

static void
bootstrap(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_account a;
    begin(s);
    OK(ql_acl_bootstrap(&s->cx, str("alice"), false));
    acl_commit(s);
    s->vars.acl_changed = true; /* the first start has no session variables */
    ql_acl_committed(&s->cx);
    OK(ql_acl_find(&s->cx, s->cx.arena, str("root"), str("localhost"), &a));
    assert_string_equal(a.plugin.p, "auth_socket");
    assert_string_equal(a.auth_string.p, "alice");
    assert_true(a.grant_option);
    for (unsigned i = 0; i < QL_PRIV_COUNT; i++) {
        assert_true(ql_privs_has(&a.privs, (ql_privilege)i));
    }
    assert_string_equal(login_host(s, "root", "10.0.0.1"), "none");
    begin(s);
    OK(ql_acl_bootstrap(&s->cx, str("alice"), true));
    acl_commit(s);
    OK(ql_acl_find(&s->cx, s->cx.arena, str("root"), str("localhost"), &a));
    assert_string_equal(a.plugin.p, "caching_sha2_password");
    assert_int_equal(a.auth_string.n, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, acl_setup, acl_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_most_specific_host_wins),
        TEST(patterns),
        TEST(hosts_before_users),
        TEST(bootstrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
