/* SPDX-License-Identifier: Apache-2.0
 *
 * Password records and checks. Expected digests: SHA-256 crypt from "Unix crypt using SHA-256" and
 * from libcrypt and OpenSSL's passwd, native ones from the reference server's PASSWORD(), responses
 * from the formulas of the protocol documentation computed elsewhere.
 */
#include "fixture.h"

static void
check_crypt(ql_ctx *cx, const char *password, const char *salt, unsigned rounds, const char *want)
{
    char got[44] = {0};
    OK(qli_sha256_crypt(cx, str(password), str(salt), rounds, got));
    assert_string_equal(got, want);
}

static void
sha256_crypt_as_published(void **state)
{
    world *w = *state;
    ql_ctx *cx = &w->boot.cx;
    check_crypt(cx, "Hello world!", "saltstring", 5000,
                "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
    check_crypt(cx, "Hello world!", "saltstringsaltst", 10000,
                "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA");
    check_crypt(cx, "This is just a test", "toolongsaltstrin", 5000,
                "Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5");
    check_crypt(cx, "we have a short salt string but not a short password", "short", 5000,
                "k38kpRP0CfxHLIcmymaSTFLK.iFfF4tKryDuEGKp6SC");
    check_crypt(cx,
                "a very much longer text to encrypt.  This one even stretches over more"
                "than one line.",
                "asaltof16chars..", 5000, "6unl8rMyh/oNwPz2Xc/j6QXbC6R01qEyORF7Qeizu6C");
}

/* Passwords as long as a digest, and of several digests. */
static void
sha256_crypt_of_long_passwords(void **state)
{
    world *w = *state;
    char x[101] = {0};
    memset(x, 'x', 100);
    check_crypt(&w->boot.cx, "exactly thirty-two bytes long pw", "0123456789abcdef", 5000,
                "Dh0ZzFUoMOXg0C.6uBUf4RgFWcDmdJykHh6GkxiVCM2");
    check_crypt(&w->boot.cx, x, "0123456789abcdef", 5000,
                "aKdz8fxxSEF2.sRL0xIqHdch3EAvPX6eVmzomlrlwFC");
}

static void
native_records(void **state)
{
    static const char *const pairs[][2] = {
        {"mypass", "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"},
        {"password", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"},
        {"p\xc3\xa4$$", "*5BCB739B24AD1B1A1DF4E365D8821F01D2CD8E9E"},
        {"", ""},
    };
    world *w = *state;
    for (size_t i = 0; i < QL_ARRAY_LEN(pairs); i++) {
        ql_str got;
        OK(ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, NATIVE, str(pairs[i][0]), &got));
        assert_int_equal(got.n, strlen(pairs[i][1]));
        assert_memory_equal(got.p, pairs[i][1], got.n);
    }
}

static const uint8_t nonce[20] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                  11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

static void
native_login(void **state)
{
    /* SHA1(pw) xor SHA1(nonce, SHA1(SHA1(pw))) of 'mypass' */
    static const uint8_t right[20] = {0xed, 0x2e, 0xba, 0x38, 0x55, 0x02, 0x27, 0xc1, 0x0a, 0x0f,
                                      0x63, 0xba, 0x68, 0xb3, 0x89, 0x1b, 0xe9, 0x27, 0xd1, 0x22};
    (void)state;
    ql_account a = {.plugin = NATIVE,
                    .auth_string = QL_STR("*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4")};
    char r[20];
    memcpy(r, right, 20);
    assert_int_equal(ql_acl_check_native(&a, nonce, (ql_str){r, 20}), QL_AUTH_OK);
    assert_int_equal(ql_acl_check_native(&a, nonce, (ql_str){r, 19}), QL_AUTH_FAIL);
    assert_int_equal(ql_acl_check_native(&a, nonce, QL_STR("")), QL_AUTH_FAIL);
    for (int i = 0; i < 20; i++) {
        r[i] ^= 1;
        assert_int_equal(ql_acl_check_native(&a, nonce, (ql_str){r, 20}), QL_AUTH_FAIL);
        r[i] ^= 1;
    }
    a.auth_string = QL_STR("");
    assert_int_equal(ql_acl_check_native(&a, nonce, QL_STR("")), QL_AUTH_OK);
    assert_int_equal(ql_acl_check_native(&a, nonce, (ql_str){r, 20}), QL_AUTH_FAIL);
    a.auth_string = QL_STR("*6C8989366EAF75BB670AD8EA7A7FC1176A95CEFx");
    assert_int_equal(ql_acl_check_native(&a, nonce, (ql_str){r, 20}), QL_AUTH_FAIL);
}

/* SHA256(pw) xor SHA256(SHA256(SHA256(pw)), nonce) of 'secret' */
static const uint8_t fast_response[32] = {
    0x74, 0x6e, 0xbe, 0x20, 0x5d, 0x56, 0xa0, 0x70, 0x7a, 0xcb, 0x3e, 0x79, 0x6e, 0x83, 0x4e, 0x0d,
    0xd7, 0xb1, 0xd6, 0x17, 0x43, 0xb2, 0x6b, 0xd5, 0x20, 0x2c, 0x7a, 0x62, 0x32, 0x30, 0xc7, 0xc9};

static ql_str
set_password(sess *s, const char *user, const char *password)
{
    ql_str auth;
    begin(s);
    OK(ql_acl_make_auth_string(&s->cx, s->life, SHA2, str(password), &auth));
    ql_account a = {.user = str(user), .host = str("%"), .plugin = SHA2, .auth_string = auth};
    OK(ql_acl_create_user(&s->cx, &a, true));
    OK(ql_acl_alter_user(&s->cx, a.user, a.host, &(ql_account_change){SHA2, auth, -1, -1}, false));
    acl_commit(s);
    ql_diag_reset(s->cx.diag);
    return auth;
}

static ql_account
find(sess *s, const char *user)
{
    ql_account a;
    OK(ql_acl_find(&s->cx, s->life, str(user), str("10.0.0.1"), &a));
    return a;
}

static ql_auth_result
full(sess *s, const ql_account *a, const char *password)
{
    ql_auth_result r;
    OK(ql_acl_check_sha2_full(&s->cx, a, str(password), &r));
    return r;
}

static ql_auth_result
fast(sess *s, const ql_account *a)
{
    return ql_acl_check_sha2_fast(&s->cx, a, nonce, (ql_str){(const char *)fast_response, 32});
}

static void
sha2_records(void **state)
{
    world *w = *state;
    ql_str a, b;
    OK(ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, SHA2, str("secret"), &a));
    OK(ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, SHA2, str("secret"), &b));
    assert_int_equal(a.n, 70);
    assert_memory_equal(a.p, "$A$005$", 7);
    assert_memory_not_equal(a.p, b.p, 70); /* another salt */
    for (size_t i = 7; i < 27; i++) {
        assert_true(a.p[i] > 0 && a.p[i] != '$');
    }
    char longest[258];
    memset(longest, 'p', 257);
    longest[256] = longest[257] = '\0';
    OK(ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, SHA2, str(longest), &a));
    longest[256] = 'p';
    expect_error(&w->boot,
                 ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, SHA2, str(longest), &a),
                 1819, "Your password does not satisfy the current policy requirements");
    expect_error(&w->boot,
                 ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, NATIVE, str(longest), &a),
                 1819, "Your password does not satisfy the current policy requirements");
    OK(ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, SHA2, str(""), &a));
    assert_int_equal(a.n, 0);
    expect_error(
        &w->boot,
        ql_acl_make_auth_string(&w->boot.cx, w->boot.cx.arena, QL_STR("nope"), str("x"), &a), 1524,
        "Plugin 'nope' is not loaded");
}

static void
full_login_makes_the_next_one_fast(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    (void)set_password(s, "u", "secret");
    ql_account a = find(s, "u");
    assert_int_equal(fast(s, &a), QL_AUTH_NEED_FULL);
    assert_int_equal(full(s, &a, "Secret"), QL_AUTH_FAIL);
    assert_int_equal(full(s, &a, ""), QL_AUTH_FAIL);
    assert_int_equal(fast(s, &a), QL_AUTH_NEED_FULL);
    assert_int_equal(full(s, &a, "secret"), QL_AUTH_OK);
    assert_int_equal(fast(s, &a), QL_AUTH_OK);
    assert_int_equal(ql_acl_check_sha2_fast(&s->cx, &a, nonce, QL_STR("")), QL_AUTH_FAIL);
    uint8_t other[20];
    memcpy(other, nonce, 20);
    other[7] ^= 1;
    assert_int_equal(
        ql_acl_check_sha2_fast(&s->cx, &a, other, (ql_str){(const char *)fast_response, 32}),
        QL_AUTH_NEED_FULL);
}

static void
the_fast_path_follows_the_password(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    (void)set_password(s, "u", "secret");
    (void)set_password(s, "v", "secret");
    ql_account a = find(s, "u"), v = find(s, "v");
    assert_int_equal(full(s, &a, "secret"), QL_AUTH_OK);
    assert_int_equal(fast(s, &v), QL_AUTH_NEED_FULL); /* each account for itself */
    create_user(s, "w", "%");                         /* the cache is read anew */
    OK(ql_acl_flush(&s->cx));
    assert_int_equal(fast(s, &a), QL_AUTH_OK);
    (void)set_password(s, "u", "changed");
    a = find(s, "u");
    assert_int_equal(fast(s, &a), QL_AUTH_NEED_FULL);
    assert_int_equal(full(s, &a, "secret"), QL_AUTH_FAIL);
    assert_int_equal(full(s, &a, "changed"), QL_AUTH_OK);
}

static void
accounts_without_password(void **state)
{
    world *w = *state;
    ql_account a = {.plugin = SHA2, .auth_string = QL_STR("")};
    assert_int_equal(full(&w->boot, &a, ""), QL_AUTH_OK);
    assert_int_equal(full(&w->boot, &a, "x"), QL_AUTH_FAIL);
    assert_int_equal(ql_acl_check_sha2_fast(&w->boot.cx, &a, nonce, QL_STR("")), QL_AUTH_OK);
    a.auth_string = QL_STR("damaged");
    assert_int_equal(full(&w->boot, &a, "x"), QL_AUTH_FAIL);
}

static void
a_full_login_is_killed(void **state)
{
    world *w = *state;
    sess *s = &w->boot;
    ql_str auth = set_password(s, "u", "secret");
    ql_account a = {.user = str("u"), .host = str("%"), .plugin = SHA2, .auth_string = auth};
    ql_auth_result r = QL_AUTH_OK;
    ql_intr_stmt_begin(&s->intr, 77);
    assert_true(ql_intr_raise(&s->intr, QL_INTR_QUERY, 77));
    assert_int_equal(ql_acl_check_sha2_full(&s->cx, &a, str("secret"), &r), QL_KILLED);
    assert_int_equal(r, QL_AUTH_FAIL);
    ql_intr_stmt_end(&s->intr);
    assert_int_equal(sess_error(s), 1317);
    a = find(s, "u");
    assert_int_equal(fast(s, &a), QL_AUTH_NEED_FULL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, acl_setup, acl_teardown)
    const struct CMUnitTest tests[] = {
        TEST(sha256_crypt_as_published),
        TEST(sha256_crypt_of_long_passwords),
        TEST(native_records),
        TEST(native_login),
        TEST(sha2_records),
        TEST(full_login_makes_the_next_one_fast),
        TEST(the_fast_path_follows_the_password),
        TEST(accounts_without_password),
        TEST(a_full_login_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
