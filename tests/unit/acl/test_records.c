/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of accounts and grants as they lie in data directories: of today, damaged, of newer
 * servers, and of format 1.
 */
#include "fixture.h"

#define BYTES(s) ((ql_str){(s), sizeof(s) - 1})

/* user \0 host; user \0 host \0 level db \0 */
#define ACCOUNT_KEY BYTES("u\0%")
#define GRANT_KEY BYTES("u\0%\0\1d\0")

static void
put(sess *s, uint32_t index_id, ql_str key, ql_str record)
{
    ql_buf b = {0};
    for (int shift = 24; shift >= 0; shift -= 8) {
        OK(ql_buf_put_u8(&s->cx, &b, (uint8_t)(index_id >> shift)));
    }
    OK(ql_buf_put(&s->cx, &b, key.p, key.n));
    OK(ql_txn_put(&s->cx, (ql_str){b.p, b.n}, record));
    ql_buf_free(&b);
    s->vars.acl_changed = true;
}

static ql_status
account_of(sess *s, ql_str record, ql_account *a)
{
    return qli_account_decode(&s->cx, s->cx.arena, ACCOUNT_KEY, record, a);
}

static ql_status
grant_of(sess *s, ql_str record, qli_grant *g)
{
    ql_str user, host;
    return qli_grant_decode(&s->cx, s->cx.arena, GRANT_KEY, record, &user, &host, g);
}

/* Sections 1 and 3: the privileges SELECT, INSERT, UPDATE and the 65th; GRANT OPTION; a limit. */
static const char account[] = "\x20\1\1\7\3\1\1\5\1\1\x9\x15mysql_native_password\xb\3*00\xd\1\5\0";
static const char account_1[] = "\1\1\7\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                                "\x15\0\0\0mysql_native_password"
                                "\3\0\0\0*00";
static const char account_2[] = "\2\1\7\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                                "\x15\0\0\0mysql_native_password"
                                "\3\0\0\0*00\5\0\0\0";

static void
accounts(void **state)
{
    static const ql_str v[] = {{account, sizeof account - 1},
                               {account_2, sizeof account_2 - 1},
                               {account_1, sizeof account_1 - 1}};
    world *w = *state;
    sess *s = &w->boot;
    for (size_t i = 0; i < QL_ARRAY_LEN(v); i++) {
        ql_account a;
        OK(account_of(s, v[i], &a));
        assert_string_equal(a.user.p, "u");
        assert_string_equal(a.host.p, "%");
        assert_string_equal(a.plugin.p, "mysql_native_password");
        assert_string_equal(a.auth_string.p, "*00");
        assert_true(a.grant_option && !a.locked && a.foreign == 0);
        assert_int_equal(a.privs.bits[0], QL_PM(SELECT) | QL_PM(INSERT) | QL_PM(UPDATE));
        assert_int_equal(a.privs.bits[1], 1);
        assert_int_equal(a.max_user_connections, i < 2 ? 5 : 0);
        for (size_t n = 0; n < v[i].n; n++) {
            char *cut = malloc(n ? n : 1); /* of exactly that size, for the sanitizer */
            memcpy(cut, v[i].p, n);
            FAILS(s, account_of(s, (ql_str){cut, n}, &a), 1877);
            free(cut);
        }
    }
}

/* What is written has the bytes above. */
static void
an_account_as_it_is_stored(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_str record;
    ql_account a;
    OK(account_of(s, BYTES(account), &a));
    begin(s);
    OK(qli_account_write(&s->cx, &a));
    OK(ql_txn_get(&s->cx, QL_VIEW_CURRENT, BYTES("\0\0\0\x14u\0%"), &record));
    assert_int_equal(record.n, sizeof account - 1);
    assert_memory_equal(record.p, account, record.n);
    acl_rollback(s);
}

static void
grants(void **state)
{
    static const char grant[] = "\x21\1\4\x08\0\0\1\4\4\0\xf1\x53\x65\2\3x@y\0";
    static const char grant_1[] = "\1\1\x08\0\0\0\x08\0\0\1\0\0\0\0\xc8\2\0\0\0xy";
    static const char unreadable_1[] = "\1\1\x08\0\0\0\x08\0\0\1\0\0\0\0\x09\2\0\0\0xy";
    world *w = *state;
    sess *s = &w->boot;
    qli_grant g;
    OK(grant_of(s, BYTES(grant), &g));
    assert_int_equal(g.mask, 0x1000008);
    assert_int_equal(g.time, 1700000000);
    assert_string_equal(g.grantor.p, "x@y");
    assert_string_equal(g.db.p, "d");
    for (size_t n = 0; n < sizeof grant - 1; n++) {
        FAILS(s, grant_of(s, (ql_str){grant, n}, &g), 1877);
    }
    OK(grant_of(s, BYTES(grant_1), &g));
    assert_int_equal(g.mask, 0x1000008);
    FAILS(s, grant_of(s, BYTES(unreadable_1), &g), 1877);
    FAILS(s, grant_of(s, BYTES("\1\1\x08\0\0\0\1\0"), &g), 1877);
    FAILS(s, grant_of(s, BYTES("\2\1\x08\0\0\0\1\0\0\0\0\0\0\0"), &g), 1877);
}

/* With a section that must be understood: nobody gets in, the grant grants nothing and is in the
 * way of less specific ones, nothing is changed, DROP USER removes both. */
static void
of_a_newer_server(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_account a;
    ql_grant_object on = {QL_GRANT_DB, QL_STR("d"), {0}};
    ql_grant_set set = {.privs = {{QL_PM(INSERT), 0}}};
    begin(s);
    put(s, 20, ACCOUNT_KEY,
        BYTES("\x20\1\1\7\x9\x15"
              "caching_sha2_password\x3f\0\0"));
    put(s, 21, GRANT_KEY, BYTES("\x21\1\1\1\x3f\0\0"));
    acl_commit(s);
    OK(ql_acl_find(&s->cx, s->cx.arena, str("u"), str("1.1.1.1"), &a));
    assert_true(a.locked && a.foreign == 63);
    qli_snapshot *snap = qli_snapshot_get(w->inst.acl);
    assert_int_equal(snap->n, 1);
    assert_int_equal(snap->v[0].ndbs, 1);
    assert_int_equal(snap->v[0].dbs[0].mask, 0);
    qli_snapshot_put(snap);
    begin(s);
    ql_account_change unlock = {.lock = 0, .max_user_connections = -1};
    FAILS(s, ql_acl_alter_user(&s->cx, str("u"), str("%"), &unlock, false), 1235);
    FAILS(s, ql_acl_grant(&s->cx, str("u"), str("%"), &on, &set), 1235);
    FAILS(s, ql_acl_rename_user(&s->cx, str("u"), str("%"), str("v"), str("%")), 1235);
    acl_rollback(s);
    begin(s);
    OK(ql_acl_drop_user(&s->cx, str("u"), str("%"), false));
    acl_commit(s);
    assert_string_equal(login_host(s, "u", "1.1.1.1"), "none");
    begin(s);
    qli_grant *v;
    size_t n;
    OK(qli_grants_of(&s->cx, str("u"), str("%"), &v, &n));
    assert_int_equal(n, 0);
    acl_rollback(s);
}

/* Format 1 becomes today's, in the transaction of the catalog's upgrade. */
static void
upgrade(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_str record;
    begin(s);
    put(s, 20, ACCOUNT_KEY, BYTES(account_2));
    put(s, 21, GRANT_KEY, BYTES("\1\1\x08\0\0\0\x08\0\0\0\0\0\0\0"));
    acl_commit(s);
    begin(s);
    OK(ql_acl_upgrade(&s->cx));
    acl_commit(s);
    begin(s);
    OK(ql_txn_get(&s->cx, QL_VIEW_CURRENT, BYTES("\0\0\0\x14u\0%"), &record));
    assert_int_equal(record.n, sizeof account - 1);
    assert_memory_equal(record.p, account, record.n);
    OK(ql_txn_get(&s->cx, QL_VIEW_CURRENT, BYTES("\0\0\0\x15u\0%\0\1d\0"), &record));
    assert_int_equal(record.n, 5);
    assert_memory_equal(record.p, "\x21\1\1\x08\0", 5);
    acl_rollback(s);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, acl_setup, acl_teardown)
    const struct CMUnitTest tests[] = {
        TEST(accounts), TEST(an_account_as_it_is_stored), TEST(grants), TEST(of_a_newer_server),
        TEST(upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
