/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoders of proto/ without a network: hello packets, COM_CHANGE_USER, commands, parameters of
 * COM_STMT_EXECUTE. Expected bytes are written down from the protocol documentation; every proper
 * prefix of a valid packet must be refused or decode to something inside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "intr/background.h"
#include "proto/command.h"
#include "proto/proto_int.h"
#include "proto/stmt_params.h"

static ql_instance inst;
static ql_intr intr;
static ql_ctx cx;

static int
set_up(void **state)
{
    (void)state;
    return ql_background_init(&cx, &inst, &intr) == QL_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    ql_background_fini(&cx);
    return 0;
}

static int
error_of(void)
{
    const ql_condition *c = ql_diag_error(cx.diag);
    int n = c != NULL ? c->number : 0;
    ql_diag_reset(cx.diag);
    return n;
}

#define CAPS                                                                                       \
    (QL_CAP_PROTOCOL_41 | QL_CAP_SECURE_CONNECTION | QL_CAP_PLUGIN_AUTH | QL_CAP_CONNECT_WITH_DB | \
     QL_CAP_CONNECT_ATTRS)

static size_t
make_hello(char out[256], uint32_t caps)
{
    static const char tail[] = "monty\0\3abcworld\0mysql_native_password\0"
                               "\44\4_pid\00212\3foo\2ba\14program_name\7mariadb";
    size_t n = 32;
    memset(out, 0, 256);
    memcpy(out, &caps, 4);
    out[7] = 1; /* max packet 16 MB */
    out[8] = 45;
    memcpy(out + n, tail, sizeof tail - 1);
    return n + sizeof tail - 1;
}

static void
test_hello(void **state)
{
    char p[256];
    qli_client_hello h;
    size_t n = make_hello(p, CAPS);
    (void)state;
    assert_true(qli_hello_decode((ql_str){p, n}, &h));
    assert_int_equal(h.caps, CAPS);
    assert_int_equal(h.max_packet, 1 << 24);
    assert_int_equal(h.charset, 45);
    assert_int_equal(h.user.n, 5);
    assert_memory_equal(h.user.p, "monty", 5);
    assert_int_equal(h.auth.n, 3);
    assert_memory_equal(h.auth.p, "abc", 3);
    assert_int_equal(h.db.n, 5);
    assert_memory_equal(h.plugin.p, "mysql_native_password", 21);
    assert_true(h.has_attrs);
    assert_int_equal(h.pid.n, 2);
    assert_memory_equal(h.pid.p, "12", 2);
    assert_int_equal(h.program.n, 7);
    assert_memory_equal(h.program.p, "mariadb", 7);
}

static void
test_hello_prefixes(void **state)
{
    char p[256];
    qli_client_hello h;
    size_t n = make_hello(p, CAPS);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        char *exact = malloc(i + 1); /* so that a read behind the end is seen */
        memcpy(exact, p, i);
        bool ok = qli_hello_decode((ql_str){exact, i}, &h);
        if (i < 32) {
            assert_false(ok);
        } else if (ok && i > 32) {
            assert_true(h.user.p >= exact && h.user.p + h.user.n <= exact + i);
        }
        free(exact);
    }
}

static void
test_change_user(void **state)
{
    static const char p[] = "root\0\0mydb\0\x21\0caching_sha2_password";
    qli_client_hello h;
    (void)state;
    assert_true(qli_change_user_decode((ql_str){p, sizeof p}, CAPS, &h));
    assert_int_equal(h.user.n, 4);
    assert_int_equal(h.auth.n, 0);
    assert_int_equal(h.db.n, 4);
    assert_int_equal(h.charset, 33);
    assert_int_equal(h.plugin.n, 21);
    assert_false(qli_change_user_decode((ql_str){"abc", 3}, CAPS, &h));
    assert_false(qli_change_user_decode((ql_str){"abc\0\x14x", 6}, CAPS, &h));
}

static void
test_commands(void **state)
{
    ql_command c;
    (void)state;
    assert_int_equal(ql_command_decode(&cx, QL_STR("\3SELECT 1"), &c), QL_OK);
    assert_int_equal(c.com, QL_COM_QUERY);
    assert_int_equal(c.text.n, 8);
    assert_int_equal(ql_command_decode(&cx, QL_STR("\x0c\x39\5\0\0"), &c), QL_OK);
    assert_int_equal(c.id, 0x539);
    assert_int_equal(ql_command_decode(&cx, QL_STR("\x0c\x39\5\0"), &c), QL_ERROR);
    assert_int_equal(error_of(), 1835);
    assert_int_equal(ql_command_decode(&cx, QL_STR("\x18\1\0\0\0\2\0data"), &c), QL_OK);
    assert_int_equal(c.id, 1);
    assert_int_equal(c.param, 2);
    assert_int_equal(c.text.n, 4);
    assert_int_equal(ql_command_decode(&cx, QL_STR("\x17\1\0\0\0\0\1\0\0"), &c), QL_ERROR);
    assert_int_equal(error_of(), 1835);
    assert_int_equal(ql_command_decode(&cx, (ql_str){"", 0}, &c), QL_ERROR);
    assert_int_equal(error_of(), 1835);
    assert_int_equal(ql_command_decode(&cx, QL_STR("\x50"), &c), QL_ERROR);
    assert_int_equal(error_of(), 1047);
}

static ql_status
decode(ql_str payload, ql_param_slot *slots, uint32_t n, bool *bound, ql_value *v)
{
    return ql_stmt_params_decode(&cx, cx.arena, payload, slots, n, bound, NULL, ql_coll_default, v);
}

/* Parameters -1 (TINY), 65535 (unsigned SHORT), NULL, 'abc', 2024-02-29 12:34:56.000007, -26:00:01.
 */
static const char params[] = "\x04\1"
                             "\x01\x00\x02\x80\x03\x00\xfd\x00\x0c\x00\x0b\x00"
                             "\xff\xff\xff"
                             "\3abc"
                             "\x0b\xe8\x07\x02\x1d\x0c\x22\x38\x07\0\0\0"
                             "\x08\x01\x01\0\0\0\x02\x00\x01";

static void
test_params(void **state)
{
    ql_param_slot slots[6] = {{0}};
    ql_value v[6];
    bool bound = false;
    ql_dt t;
    (void)state;
    assert_int_equal(decode((ql_str){params, sizeof params - 1}, slots, 6, &bound, v), QL_OK);
    assert_true(bound);
    assert_int_equal(v[0].i, -1);
    assert_int_equal(v[1].u, 65535);
    assert_true(v[1].is_unsigned);
    assert_true(ql_value_is_null(&v[2]));
    assert_int_equal(v[3].s.n, 3);
    assert_memory_equal(v[3].s.p, "abc", 3);
    assert_int_equal(v[4].kind, QL_K_DATETIME);
    ql_dt_unpack(v[4].i, &t);
    assert_int_equal(t.year, 2024);
    assert_int_equal(t.day, 29);
    assert_int_equal(t.second, 56);
    assert_int_equal(t.micro, 7);
    assert_int_equal(v[5].kind, QL_K_TIME);
    ql_time_unpack(v[5].i, &t);
    assert_true(t.negative);
    assert_int_equal(t.hour, 26);
    assert_int_equal(t.second, 1);
}

static void
test_params_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof params - 1; i++) {
        ql_param_slot slots[6] = {{0}};
        ql_value v[6];
        bool bound = false;
        char *exact = malloc(i + 1);
        memcpy(exact, params, i);
        assert_int_equal(decode((ql_str){exact, i}, slots, 6, &bound, v), QL_ERROR);
        int number = error_of();
        assert_true(number == 1835 || number == 1210);
        free(exact);
    }
}

static void
test_params_types_stay_bound(void **state)
{
    ql_param_slot slots[1] = {{0}};
    ql_value v[1];
    bool bound = false;
    (void)state;
    assert_int_equal(decode(QL_STR("\0\0\5\0\0\0"), slots, 1, &bound, v), QL_ERROR);
    assert_int_equal(error_of(), 1210);
    assert_int_equal(decode(QL_STR("\0\1\3\0\x2a\0\0\0"), slots, 1, &bound, v), QL_OK);
    assert_int_equal(v[0].i, 42);
    assert_int_equal(decode(QL_STR("\0\0\x2b\0\0\0"), slots, 1, &bound, v), QL_OK);
    assert_int_equal(v[0].i, 43);
    slots[0].has_long_data = true;
    assert_int_equal(ql_buf_put(&cx, &slots[0].long_data, "long", 4), QL_OK);
    assert_int_equal(decode(QL_STR("\0\0"), slots, 1, &bound, v), QL_OK);
    assert_int_equal(v[0].s.n, 4);
    assert_int_equal(decode(QL_STR("\1\0"), slots, 1, &bound, v), QL_OK); /* NULL, yet sent */
    assert_int_equal(v[0].s.n, 4);
    ql_buf_free(&slots[0].long_data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_hello_prefixes),
        cmocka_unit_test(test_change_user),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_params_prefixes),
        cmocka_unit_test(test_params_types_stay_bound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
