/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata locks that become stronger and weaker: an upgrade waits for those who hold the name,
 * lets those who came later pass between its attempts, and leaves the old lock as it was when it
 * times out or is killed; a downgrade lets in whoever may come.
 */
#include "txn/mdl.h"

#include "txn_support.h"

static const char table_state[] = "Waiting for table metadata lock";

static ql_status
take(session *s, ql_mdl_mode mode, ql_deadline dl)
{
    return ql_mdl_acquire(&s->cx, QL_MDL_TABLE, str("t"), mode, QL_MDL_TRANSACTION, dl);
}

static bool
can_take(session *s, ql_mdl_mode mode)
{
    ql_status st = take(s, mode, QL_NO_WAIT);
    if (st == QL_OK) {
        return true;
    }
    assert_int_equal(error_of(s), 1205);
    session_next(s);
    return false;
}

static bool
holds(session *s, ql_mdl_mode mode)
{
    return ql_mdl_holds(&s->cx, QL_MDL_TABLE, str("t"), mode);
}

static ql_status
upgrade(session *s, const char *ms)
{
    return ql_mdl_upgrade(&s->cx, QL_MDL_TABLE, str("t"), QL_MDL_X, QL_MDL_TRANSACTION, 50,
                          ql_deadline_ms(atoi(ms)));
}

static void
open_sessions(world *w, session *s, int n)
{
    for (int i = 0; i < n; i++) {
        session_open(w, &s[i]);
    }
}

static void
upgrade_and_downgrade(void **state)
{
    world *w = *state;
    session s[3];
    open_sessions(w, s, 3);
    assert_int_equal(take(&s[0], QL_MDL_SU, QL_NO_WAIT), QL_OK);
    assert_true(can_take(&s[1], QL_MDL_SW));
    ql_mdl_release_transaction(&s[1].cx);
    assert_int_equal(upgrade(&s[0], "20000"), QL_OK);
    assert_true(holds(&s[0], QL_MDL_X));
    assert_false(can_take(&s[1], QL_MDL_SH));
    ql_mdl_downgrade(&s[0].cx, QL_MDL_TABLE, str("t"), QL_MDL_X, QL_MDL_SU);
    assert_false(holds(&s[0], QL_MDL_X));
    assert_true(holds(&s[0], QL_MDL_SU));
    assert_true(can_take(&s[1], QL_MDL_SW));
    assert_false(can_take(&s[2], QL_MDL_SU)); /* still one that changes the definition */
    ql_mdl_release_transaction(&s[1].cx);
    assert_int_equal(upgrade(&s[0], "20000"), QL_OK);
    ql_mdl_downgrade(&s[0].cx, QL_MDL_TABLE, str("t"), QL_MDL_X, QL_MDL_SNW);
    assert_true(can_take(&s[1], QL_MDL_SR));
    assert_false(can_take(&s[2], QL_MDL_SW));
    ql_mdl_release_transaction(&s[0].cx);
    assert_true(can_take(&s[2], QL_MDL_SW));
    sessions_close(w, s, 3);
}

static ql_status
write_it(session *s, const char *unused)
{
    (void)unused;
    return take(s, QL_MDL_SW, ql_deadline_ms(20000));
}

static void
downgrade_wakes_who_may_come(void **state)
{
    world *w = *state;
    session s[2];
    task writer;
    open_sessions(w, s, 2);
    assert_int_equal(take(&s[0], QL_MDL_SU, QL_NO_WAIT), QL_OK);
    assert_int_equal(upgrade(&s[0], "20000"), QL_OK);
    task_start(&writer, &s[1], write_it, NULL);
    await_state(w, &s[1], table_state);
    ql_mdl_downgrade(&s[0].cx, QL_MDL_TABLE, str("t"), QL_MDL_X, QL_MDL_SU);
    assert_int_equal(task_join(&writer), QL_OK);
    assert_true(holds(&s[0], QL_MDL_SU));
    sessions_close(w, s, 2);
}

static void
late_comers_pass_an_upgrade(void **state)
{
    world *w = *state;
    session s[3];
    task up, reader;
    open_sessions(w, s, 3);
    assert_int_equal(take(&s[1], QL_MDL_SR, QL_NO_WAIT), QL_OK); /* does not end */
    assert_int_equal(take(&s[0], QL_MDL_SU, QL_NO_WAIT), QL_OK);
    task_start(&up, &s[0], upgrade, "20000");
    await_state(w, &s[0], table_state);
    for (int i = 0; i < 3; i++) { /* each within a few attempts, though the upgrade stays ahead */
        task_start(&reader, &s[2], write_it, NULL);
        assert_int_equal(task_join(&reader), QL_OK);
        ql_mdl_release_transaction(&s[2].cx);
    }
    ql_mdl_release_transaction(&s[1].cx);
    assert_int_equal(task_join(&up), QL_OK);
    assert_true(holds(&s[0], QL_MDL_X));
    sessions_close(w, s, 3);
}

static void
upgrade_in_vain_keeps_the_old_lock(void **state)
{
    world *w = *state;
    session s[3];
    task up;
    open_sessions(w, s, 3);
    assert_int_equal(take(&s[1], QL_MDL_SW, QL_NO_WAIT), QL_OK);
    assert_int_equal(take(&s[0], QL_MDL_SU, QL_NO_WAIT), QL_OK);
    assert_int_equal(upgrade(&s[0], "120"), QL_ERROR);
    assert_int_equal(error_of(&s[0]), 1205);
    session_next(&s[0]);
    task_start(&up, &s[0], upgrade, "20000");
    await_state(w, &s[0], table_state);
    kill_query(w, &s[0]);
    assert_int_equal(task_join(&up), QL_KILLED);
    assert_int_equal(error_of(&s[0]), 1317);
    session_next(&s[0]);
    assert_true(holds(&s[0], QL_MDL_SU));
    assert_false(holds(&s[0], QL_MDL_X));
    assert_true(can_take(&s[2], QL_MDL_SW)); /* nobody stands behind a request that is gone */
    assert_false(can_take(&s[2], QL_MDL_SU));
    sessions_close(w, s, 3);
}

static void
two_upgrades_are_a_deadlock_or_none(void **state)
{
    world *w = *state;
    session s[2];
    open_sessions(w, s, 2);
    assert_int_equal(take(&s[0], QL_MDL_SR, QL_NO_WAIT), QL_OK);
    assert_int_equal(take(&s[1], QL_MDL_SR, QL_NO_WAIT), QL_OK);
    task up;
    task_start(&up, &s[0], upgrade, "20000");
    await_state(w, &s[0], table_state);
    /* Each waits for the other's shared lock: one of them is told. */
    ql_status st = upgrade(&s[1], "20000");
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(error_of(&s[1]), 1213);
    ql_mdl_release_transaction(&s[1].cx);
    assert_int_equal(task_join(&up), QL_OK);
    sessions_close(w, s, 2);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(upgrade_and_downgrade),
        T(downgrade_wakes_who_may_come),
        T(late_comers_pass_an_upgrade),
        T(upgrade_in_vain_keeps_the_old_lock),
        T(two_upgrades_are_a_deadlock_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
