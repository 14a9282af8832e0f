/* SPDX-License-Identifier: Apache-2.0
 *
 * Logins in progress: whom a new one makes give way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"
#include "server/logins.h"

#define N 6
#define HOUR_MS (3600 * 1000)

static qli_login logins[N];
static int fds[N][2];

static qli_origin_key
key(uint8_t who)
{
    qli_origin_key k = {.tag = '4'};
    k.bytes[3] = who;
    return k;
}

static void
add(qli_logins *l, int i, uint8_t who)
{
    qli_origin_key k = key(who);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
    assert_true(qli_logins_add(l, &logins[i], &k, fds[i][0]));
}

static bool
is_cut(int i)
{
    char c;
    return recv(fds[i][1], &c, 1, MSG_DONTWAIT) == 0;
}

static void
end_all(qli_logins *l, int n)
{
    for (int i = 0; i < n; i++) {
        (void)qli_login_over(l, &logins[i]);
        (void)close(fds[i][0]);
        (void)close(fds[i][1]);
    }
    assert_int_equal(qli_logins_count(l), 0);
    assert_null(l->origins);
    qli_logins_fini(l);
}

static void
oldest_of_the_largest_origin(void **state)
{
    (void)state;
    qli_logins l;
    qli_origin_key victim;
    ql_deadline again = QL_FOREVER;
    qli_logins_init(&l, 0, 0);
    add(&l, 0, 1); /* the oldest of all, but alone */
    add(&l, 1, 2);
    add(&l, 2, 2);
    add(&l, 3, 2);
    add(&l, 4, 3);
    assert_true(qli_logins_make_room(&l, 6, &victim, &again));
    assert_int_equal(victim.tag, 0); /* there was room */
    assert_true(qli_logins_make_room(&l, 5, &victim, &again));
    assert_int_equal(victim.bytes[3], 2);
    assert_true(is_cut(1));
    assert_false(is_cut(0));
    assert_false(is_cut(2));
    assert_int_equal(qli_logins_count(&l), 4);
    assert_true(qli_logins_make_room(&l, 4, &victim, &again));
    assert_true(is_cut(2));
    /* now all have one each: some origin's only one goes */
    assert_true(qli_logins_make_room(&l, 3, &victim, &again));
    assert_int_equal(is_cut(0) + is_cut(3) + is_cut(4), 1);
    assert_int_equal(l.ended, 3);
    end_all(&l, 5);
}

static void
silent_before_those_that_have_spoken(void **state)
{
    (void)state;
    qli_logins l;
    qli_origin_key victim;
    ql_deadline again = QL_FOREVER;
    qli_logins_init(&l, 0, 0);
    add(&l, 0, 1);
    add(&l, 1, 1);
    add(&l, 2, 1);
    add(&l, 3, 2);
    for (int i = 0; i < 3; i++) {
        qli_login_heard(&l, &logins[i]);
        qli_login_heard(&l, &logins[i]);
    }
    assert_true(qli_logins_make_room(&l, 4, &victim, &again));
    assert_int_equal(victim.bytes[3], 2);
    assert_true(is_cut(3));
    /* nobody is silent: the oldest of the largest origin */
    assert_true(qli_logins_make_room(&l, 3, &victim, &again));
    assert_true(is_cut(0));
    assert_false(is_cut(1));
    end_all(&l, 4);
}

static void
young_ones_are_left_alone(void **state)
{
    (void)state;
    qli_logins l;
    qli_origin_key victim;
    ql_deadline again = QL_FOREVER;
    qli_logins_init(&l, HOUR_MS, 2 * HOUR_MS);
    int64_t before = ql_now_mono_ns();
    add(&l, 0, 1);
    add(&l, 1, 1);
    qli_login_heard(&l, &logins[0]);
    assert_false(qli_logins_make_room(&l, 2, &victim, &again));
    assert_int_equal(victim.tag, 0);
    assert_false(is_cut(0));
    assert_false(is_cut(1));
    /* the silent one's hour ends first */
    int64_t hour = (int64_t)HOUR_MS * 1000000;
    assert_true(again >= before + hour && again <= ql_now_mono_ns() + hour);
    /* who waits for room is told, once */
    assert_true(qli_login_over(&l, &logins[1]));
    assert_false(qli_login_over(&l, &logins[1]));
    assert_true(qli_logins_make_room(&l, 2, &victim, &again));
    assert_false(qli_login_over(&l, &logins[0]));
    end_all(&l, 2);
}

/* Nobody is ended in place of a crowd whose oldest is too young. */
static void
who_comes_alone_does_not_pay(void **state)
{
    (void)state;
    qli_logins l;
    qli_origin_key victim;
    ql_deadline again = QL_FOREVER;
    qli_logins_init(&l, HOUR_MS, HOUR_MS);
    add(&l, 0, 1);
    add(&l, 1, 2);
    add(&l, 2, 2);
    logins[0].since_ns -= 2 * (int64_t)HOUR_MS * 1000000;
    assert_false(qli_logins_make_room(&l, 3, &victim, &again));
    assert_false(is_cut(0));
    logins[1].since_ns -= 2 * (int64_t)HOUR_MS * 1000000;
    assert_true(qli_logins_make_room(&l, 3, &victim, &again));
    assert_true(is_cut(1));
    assert_false(is_cut(0));
    end_all(&l, 3);
}

static void
one_that_was_ended_may_go_on_to_end(void **state)
{
    (void)state;
    qli_logins l;
    qli_origin_key victim;
    ql_deadline again = QL_FOREVER;
    qli_logins_init(&l, 0, 0);
    add(&l, 0, 1);
    assert_true(qli_logins_make_room(&l, 1, &victim, &again));
    qli_login_heard(&l, &logins[0]); /* its thread does not know yet */
    assert_false(qli_login_over(&l, &logins[0]));
    add(&l, 1, 1);
    assert_int_equal(qli_logins_count(&l), 1);
    end_all(&l, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_of_the_largest_origin),
        cmocka_unit_test(silent_before_those_that_have_spoken),
        cmocka_unit_test(young_ones_are_left_alone),
        cmocka_unit_test(who_comes_alone_does_not_pay),
        cmocka_unit_test(one_that_was_ended_may_go_on_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
