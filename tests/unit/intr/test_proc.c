/* SPDX-License-Identifier: Apache-2.0
 *
 * Process list: rows, texts, kills by id, cutting of sockets, listing while rows come and go. And
 * the timers, which raise by id.
 */
#include "fixture.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "intr/timer.h"

static void
test_row_columns(void **state)
{
    (void)state;
    ql_instance inst = {.procs = ql_procs_new()};
    fake f;
    ql_proc_info i;
    fake_begin(&f, &inst);
    uint64_t id = ql_proc_id(f.cx.proc);
    assert_int_equal(id, 1);
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, 99, f.cx.arena, &i), QL_END);
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, id, f.cx.arena, &i), QL_OK);
    assert_string_equal(i.user.p, "unauthenticated user");
    assert_string_equal(i.host.p, "localhost");
    assert_string_equal(i.command, "Connect");
    assert_null(i.db.p);
    assert_null(i.info.p);
    assert_false(i.authenticated);
    assert_int_equal(i.trx_age_ms, -1);
    ql_proc_set_user(f.cx.proc, QL_STR("root"), QL_STR("h:1"), QL_PROC_SYSTEM_USER);
    ql_proc_set_db(f.cx.proc, QL_STR("test"));
    ql_proc_set_command(f.cx.proc, QL_PC_QUERY);
    ql_proc_set_query_id(f.cx.proc, 77);
    assert_int_equal(ql_proc_set_info(&f.cx, f.cx.proc, QL_STR("SELECT 1")), QL_OK);
    ql_proc_set_stage(f.cx.proc, QL_STAGE_EXECUTING);
    ql_proc_add_rows(f.cx.proc, 3, 2);
    ql_proc_add_rows(f.cx.proc, 3, 2);
    ql_quota q = {.used = 4711};
    ql_proc_set_memory(f.cx.proc, &q);
    ql_proc_set_trx(f.cx.proc, ql_now_mono_ns() - 5000000000, "queued");
    ql_proc_set_waits_for(f.cx.proc, 12);
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, id, f.cx.arena, &i), QL_OK);
    assert_string_equal(i.user.p, "root");
    assert_string_equal(i.host.p, "h:1");
    assert_string_equal(i.db.p, "test");
    assert_string_equal(i.info.p, "SELECT 1");
    assert_string_equal(i.command, "Query");
    assert_string_equal(i.state, "executing");
    assert_string_equal(i.commit_state, "queued");
    assert_int_equal(i.query_id, 77);
    assert_int_equal(i.rows_examined, 6);
    assert_int_equal(i.rows_sent, 4);
    assert_int_equal(i.memory_used, 4711);
    assert_int_equal(i.waits_for, 12);
    assert_int_equal(i.account_flags, QL_PROC_SYSTEM_USER);
    assert_in_range(i.trx_age_ms, 5000, 15000);
    ql_proc_set_wait(f.cx.proc, QL_W_ROW_LOCK);
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, id, f.cx.arena, &i), QL_OK);
    assert_string_equal(i.state, "Waiting for row lock");
    ql_proc_set_wait(f.cx.proc, QL_W_NONE);
    ql_proc_set_query_id(f.cx.proc, 0);
    assert_int_equal(ql_procs_raise(inst.procs, id, 0, QL_INTR_CONN, true, 0), QL_RAISE_DONE);
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, id, f.cx.arena, &i), QL_OK);
    assert_string_equal(i.command, "Killed");
    assert_null(i.info.p); /* no statement runs */
    assert_null(i.info.p);
    fake_end(&f);
    assert_int_equal(ql_procs_count(inst.procs), 0);
    ql_procs_free(inst.procs);
}

static void
test_raise_by_id(void **state)
{
    (void)state;
    ql_instance inst = {.procs = ql_procs_new()};
    fake f;
    int sv[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    fake_begin_fd(&f, &inst, sv[0]);
    uint64_t id = ql_proc_id(f.cx.proc);
    assert_int_equal(ql_procs_raise(inst.procs, 99, 0, QL_INTR_CONN, true, 0), QL_RAISE_NO_THREAD);
    assert_int_equal(ql_procs_raise(inst.procs, id, 0, QL_INTR_QUERY, true, 0), QL_RAISE_IDLE);
    ql_intr_stmt_begin(&f.intr, 5);
    assert_int_equal(ql_procs_conn_of_stmt(inst.procs, 5), id);
    assert_int_equal(ql_procs_conn_of_stmt(inst.procs, 6), 0);
    assert_int_equal(ql_procs_raise(inst.procs, id, 6, QL_INTR_QUERY, true, 0), QL_RAISE_IDLE);
    assert_int_equal(ql_procs_raise(inst.procs, id, 5, QL_INTR_QUERY, true, 0), QL_RAISE_DONE);
    assert_int_equal(recv(sv[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(ql_procs_raise(inst.procs, id, 0, QL_INTR_CONN, false, 0), QL_RAISE_DONE);
    assert_int_equal(recv(sv[1], &byte, 1, MSG_DONTWAIT), -1);
    ql_intr_stmt_end(&f.intr);
    assert_int_equal(ql_procs_raise(inst.procs, id, 0, QL_INTR_QUERY, true, 0), QL_RAISE_DONE);
    fake_end(&f);

    fake_begin_fd(&f, &inst, sv[0]);
    assert_true(ql_proc_id(f.cx.proc) > id);
    id = ql_proc_id(f.cx.proc);
    assert_int_equal(ql_procs_raise(inst.procs, id, 0, QL_INTR_CONN, true, 0), QL_RAISE_DONE);
    assert_int_equal(recv(sv[1], &byte, 1, MSG_DONTWAIT), 0);
    fake_end(&f);
    assert_int_equal(ql_procs_raise(inst.procs, id, 0, QL_INTR_CONN, true, 0), QL_RAISE_NO_THREAD);
    (void)close(sv[0]);
    (void)close(sv[1]);
    ql_procs_free(inst.procs);
}

/* Sessions that come and go, and change their texts, under a listing. */
typedef struct churn {
    ql_instance inst;
    fake f;
    _Atomic bool stop;
} churn;

static void
come_and_go(void *arg)
{
    churn *c = arg;
    while (!c->stop) {
        fake s;
        fake_begin(&s, &c->inst);
        ql_proc_set_user(s.cx.proc, QL_STR("somebody"), (ql_str){NULL, 0}, 0);
        for (uint64_t i = 1; i < 20; i++) {
            ql_intr_stmt_begin(&s.intr, i);
            ql_proc_set_query_id(s.cx.proc, i);
            (void)!ql_proc_set_info(&s.cx, s.cx.proc, QL_STR("SELECT something FROM somewhere"));
            ql_intr_stmt_end(&s.intr);
        }
        fake_end(&s);
    }
}

static void
test_listing_while_rows_change(void **state)
{
    (void)state;
    enum { STEADY = 500 };
    static churn c;
    static fake steady[STEADY];
    fake me;
    c.inst.procs = ql_procs_new();
    fake_begin(&me, &c.inst);
    for (int i = 0; i < STEADY; i++) {
        fake_begin(&steady[i], &c.inst);
    }
    fake_begin(&c.f, NULL);
    fake_start(&c.f, come_and_go, &c);
    int64_t end = ql_now_mono_ns() + 1000000000;
    while (ql_now_mono_ns() < end) {
        ql_proc_info *rows;
        size_t n;
        assert_int_equal(ql_procs_list(&me.cx, c.inst.procs, me.cx.arena, &rows, &n), QL_OK);
        assert_in_range(n, STEADY + 1, STEADY + 65); /* come-and-go may show in several shards */
        for (size_t i = 1; i < n; i++) {
            assert_true(rows[i - 1].id < rows[i].id);
        }
        ql_arena_reset(me.cx.arena);
    }
    c.stop = true;
    ql_thread_join(&c.f.thread);
    ql_procs_raise_all(c.inst.procs, QL_INTR_SHUTDOWN, false);
    for (int i = 0; i < STEADY; i++) {
        assert_int_equal(ql_intr_conn_reason(&steady[i].intr), QL_INTR_SHUTDOWN);
        fake_end(&steady[i]);
    }
    fake_end(&c.f);
    fake_end(&me);
    ql_procs_free(c.inst.procs);
}

static void
test_listing_is_killed_and_leaks_nothing(void **state)
{
    (void)state;
#ifdef QL_DEBUG
    ql_instance inst = {.procs = ql_procs_new()};
    fake me, other[70];
    ql_proc_info *rows;
    size_t n;
    fake_begin(&me, &inst);
    for (int i = 0; i < 70; i++) {
        fake_begin(&other[i], &inst);
    }
    for (uint64_t at = 1;; at++) {
        ql_arena_fault_arm(&me.cx, at);
        ql_arena_fault_begin(&me.cx);
        ql_status st = ql_procs_list(&me.cx, inst.procs, me.cx.arena, &rows, &n);
        ql_arena_reset(me.cx.arena);
        ql_diag_reset(me.cx.diag);
        if (st == QL_OK) {
            break;
        }
    }
    ql_arena_fault_begin(&me.cx);
    ql_intr_stmt_begin(&me.intr, 1);
    assert_true(ql_intr_raise(&me.intr, QL_INTR_QUERY, 0));
    assert_int_equal(ql_procs_list(&me.cx, inst.procs, me.cx.arena, &rows, &n), QL_KILLED);
    for (int i = 0; i < 70; i++) {
        fake_end(&other[i]);
    }
    fake_end(&me);
    ql_procs_free(inst.procs);
#else
    skip();
#endif
}

static void
test_timers(void **state)
{
    (void)state;
    ql_instance inst = {.procs = ql_procs_new()};
    fake f;
    fake_begin(&f, &inst);
    uint64_t id = ql_proc_id(f.cx.proc);
    ql_timers *t = ql_timers_new(&f.cx);
    assert_non_null(t);
    inst.timers = t;
    ql_intr_stmt_begin(&f.intr, 5);
    ql_deadline dl = ql_deadline_ms(30);
    uint64_t handles[100];
    for (int i = 0; i < 100; i++) {
        handles[i] = ql_timer_set(&f.cx, t, ql_deadline_ms(60000 - i * 100), id, 5, QL_INTR_QUERY);
        assert_int_not_equal(handles[i], 0);
    }
    assert_int_not_equal(ql_timer_set(&f.cx, t, dl - 10000000, id, 4, QL_INTR_QUERY), 0);
    ql_timer_cancel(t, handles[0]);
    uint64_t hit = ql_timer_set(&f.cx, t, dl, id, 5, QL_INTR_TIME);
    ql_timer_cancel(t, handles[0]); /* the same slot, another timer */
    for (int i = 0; i < 100; i += 2) {
        ql_timer_cancel(t, handles[i]);
        ql_timer_cancel(t, handles[i]);
    }
    ql_status st = QL_OK;
    while (st == QL_OK) {
        st = ql_wait(&f.cx, -1, 0, ql_deadline_ms(10000), QL_W_SLEEP);
    }
    assert_int_equal(st, QL_KILLED);
    assert_int_equal(fake_error(&f), 3024);
    assert_true(ql_now_mono_ns() >= dl);
    ql_timer_cancel(t, hit);
    ql_intr_stmt_end(&f.intr);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    ql_timers_free(t);
    fake_end(&f);
    ql_procs_free(inst.procs);
}

static ql_proc_client
client_of(const char *user, const char *host, const char *peer, const char *pid,
          const char *program)
{
    return (ql_proc_client){.account_user = {user, strlen(user)},
                            .account_host = {host, strlen(host)},
                            .peer = {peer, strlen(peer)},
                            .has_attrs = pid != NULL,
                            .pid = {pid != NULL ? pid : "", pid != NULL ? strlen(pid) : 0},
                            .program = {program, strlen(program)}};
}

static void
test_who_a_session_is(void **state)
{
    (void)state;
    ql_instance inst = {.procs = ql_procs_new()};
    fake a, b;
    fake_begin(&a, &inst);
    fake_begin(&b, &inst);
    uint64_t id = ql_proc_id(b.cx.proc);
    assert_false(ql_procs_same_client(inst.procs, a.cx.proc, id)); /* not known yet */
    assert_false(ql_procs_is_account(inst.procs, id, QL_STR("app"), QL_STR("%"), true));
    ql_proc_client one = client_of("app", "local%", "localhost", "12", "mariadb");
    ql_proc_set_client(a.cx.proc, &one);
    static const struct {
        const char *user, *host, *peer, *pid, *program;
        bool same;
    } others[] = {
        {"app", "local%", "localhost", "12", "mariadb", true},
        {"app", "local%", "localhost", NULL, "", true}, /* sent none */
        {"app", "local%", "localhost", "13", "mariadb", false},
        {"app", "local%", "localhost", "12", "mysql", false},
        {"app", "local%", "localhost", "", "", false}, /* sent others */
        {"app", "%", "localhost", "12", "mariadb", false},
        {"ap", "local%", "localhost", "12", "mariadb", false},
        {"app", "local%", "10.0.0.1", "12", "mariadb", false},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(others); i++) {
        ql_proc_client two = client_of(others[i].user, others[i].host, others[i].peer,
                                       others[i].pid, others[i].program);
        ql_proc_set_client(b.cx.proc, &two);
        assert_int_equal(ql_procs_same_client(inst.procs, a.cx.proc, id), others[i].same);
    }
    ql_proc_set_client(b.cx.proc, &one);
    assert_true(ql_procs_is_account(inst.procs, id, QL_STR("app"), QL_STR("local%"), false));
    assert_false(ql_procs_is_account(inst.procs, id, QL_STR("app"), QL_STR("localhost"), false));
    assert_false(ql_procs_is_account(inst.procs, id, QL_STR("app"), QL_STR("%"), false));
    assert_true(ql_procs_is_account(inst.procs, id, QL_STR("app"), QL_STR("%"), true));
    assert_false(ql_procs_is_account(inst.procs, id + 100, QL_STR("app"), QL_STR("%"), true));
    fake_end(&a);
    fake_end(&b);
    ql_procs_free(inst.procs);
}

static void
test_those_who_vanished(void **state)
{
    (void)state;
    const int64_t long_ago = (int64_t)1 << 60;
    ql_instance inst = {.procs = ql_procs_new()};
    uint64_t polite, vanished, stranger;
    bool mine = false;
    fake f;
    fake_begin(&f, &inst);
    polite = ql_proc_id(f.cx.proc);
    fake_end(&f);
    fake_begin(&f, &inst);
    vanished = ql_proc_id(f.cx.proc);
    ql_proc_set_user(f.cx.proc, QL_STR("app"), QL_STR("h"), 0);
    ql_proc_set_vanished(f.cx.proc);
    assert_false(ql_procs_has_vanished(inst.procs, vanished, long_ago, QL_STR("app"), &mine));
    fake_end(&f);
    fake_begin(&f, &inst); /* did not log in */
    stranger = ql_proc_id(f.cx.proc);
    ql_proc_set_vanished(f.cx.proc);
    fake_end(&f);
    assert_false(ql_procs_has_vanished(inst.procs, polite, long_ago, QL_STR("app"), &mine));
    assert_false(ql_procs_has_vanished(inst.procs, 0, long_ago, QL_STR("app"), &mine));
    assert_true(ql_procs_has_vanished(inst.procs, vanished, long_ago, QL_STR("app"), &mine));
    assert_true(mine);
    assert_true(ql_procs_has_vanished(inst.procs, vanished, long_ago, QL_STR("other"), &mine));
    assert_false(mine);
    mine = true;
    assert_true(ql_procs_has_vanished(inst.procs, stranger, long_ago,
                                      QL_STR("unauthenticated user"), &mine));
    assert_false(mine);
    assert_false(ql_procs_has_vanished(inst.procs, vanished, -1, QL_STR("app"), &mine));
    for (int i = 0; i < 64 * 200; i++) { /* a ring: the old ones make room */
        fake_begin(&f, &inst);
        ql_proc_set_vanished(f.cx.proc);
        fake_end(&f);
    }
    assert_false(ql_procs_has_vanished(inst.procs, vanished, long_ago, QL_STR("app"), &mine));
    ql_procs_free(inst.procs);
}

/* A text longer than a piece is copied with looks at the kill flag; listings only refer to it, and
 * it outlives the statement for them. */
static void
test_long_info(void **state)
{
    (void)state;
    ql_instance inst = {.procs = ql_procs_new()};
    fake f;
    fake_begin(&f, &inst);
    size_t n = (size_t)1 << 20;
    char *text = malloc(n);
    memset(text, 'x', n);
    ql_proc_set_query_id(f.cx.proc, 1);
    assert_int_equal(ql_proc_set_info(&f.cx, f.cx.proc, (ql_str){text, n}), QL_OK);
    ql_proc_info i;
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, ql_proc_id(f.cx.proc), f.cx.arena, &i),
                     QL_OK);
    assert_int_equal(i.info.n, n);
    assert_memory_equal(i.info.p, text, n);
    ql_proc_info again;
    assert_int_equal(ql_procs_find(&f.cx, inst.procs, ql_proc_id(f.cx.proc), f.cx.arena, &again),
                     QL_OK);
    assert_ptr_equal(again.info.p, i.info.p);
    ql_intr_stmt_begin(&f.intr, 1);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 1));
    assert_int_equal(ql_proc_set_info(&f.cx, f.cx.proc, (ql_str){text, n}), QL_KILLED);
    assert_int_equal(ql_proc_copy_statement(f.cx.proc, text, 10),
                     10); /* the former is still there */
    ql_intr_stmt_end(&f.intr);
    ql_proc_forget_info(f.cx.proc);
    assert_int_equal(ql_proc_copy_statement(f.cx.proc, text, 10), 0);
    assert_int_equal(i.info.p[n - 1], 'x');
    free(text);
    fake_end(&f);
    ql_procs_free(inst.procs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_columns),
        cmocka_unit_test(test_raise_by_id),
        cmocka_unit_test(test_listing_while_rows_change),
        cmocka_unit_test(test_listing_is_killed_and_leaks_nothing),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_who_a_session_is),
        cmocka_unit_test(test_those_who_vanished),
        cmocka_unit_test(test_long_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
