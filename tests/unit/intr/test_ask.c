/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to a running statement: who answers when, what is left of the statement, kills on both
 * sides.
 */
#include "fixture.h"

#include <sched.h>

#include "intr/ask.h"

typedef struct told {
    unsigned times;
    bool looks, fails;
    ql_ask_state state;
} told;

static ql_status
tell(ql_ctx *cx, void *arg, unsigned what, ql_buf *out, ql_ask_state *state)
{
    told *t = arg;
    t->times++;
    if (t->looks) {
        QL_TRY(ql_check(cx));
    }
    if (t->fails) {
        return ql_fail(cx, QL_ER_OUTOFMEMORY, 1);
    }
    assert_non_null(ql_arena_alloc(cx, cx->arena, 100));
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_NO_DB_ERROR);
    *state = t->state;
    return ql_buf_printf(cx, out, "answer to %u", what);
}

static void
expect(ql_ask *a, ql_ask_state state, const char *text)
{
    assert_int_equal(a->state, state);
    assert_string_equal(a->text != NULL ? "some" : "", text[0] != '\0' ? "some" : "");
    if (a->text != NULL) {
        assert_int_equal(a->n, strlen(text));
        assert_memory_equal(a->text, text, a->n);
    }
    ql_ask_put(a);
}

static void
at_the_next_look(void **state)
{
    (void)state;
    fake f;
    fake_begin(&f, NULL);
    told t = {.state = QL_ASK_TOLD};
    ql_teller teller = {tell, &t};
    ql_ask *a = ql_ask_new(&f.cx, 5);
    assert_false(ql_intr_ask(&f.intr, a)); /* nothing runs */
    ql_intr_stmt_begin(&f.intr, 7);
    assert_true(ql_intr_ask(&f.intr, a));
    assert_int_equal(a->state, QL_ASK_OPEN);
    assert_int_equal(ql_check(&f.cx), QL_OK); /* nobody answers yet */
    expect(a, QL_ASK_NOT_YET, "");
    f.intr.teller = &teller;
    size_t used = ql_arena_used(f.cx.arena);
    ql_ask *b = ql_ask_new(&f.cx, 6), *c = ql_ask_new(&f.cx, 8);
    assert_true(ql_intr_ask(&f.intr, b));
    assert_true(ql_intr_ask(&f.intr, c));
    assert_int_equal(ql_check(&f.cx), QL_OK);
    expect(b, QL_ASK_TOLD, "answer to 6");
    expect(c, QL_ASK_TOLD, "answer to 8");
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_int_equal(t.times, 2);
    assert_int_equal(ql_arena_used(f.cx.arena), used);
    assert_int_equal(ql_diag_count(f.cx.diag), 0);
    /* In a wait, which goes on. */
    a = ql_ask_new(&f.cx, 9);
    assert_true(ql_intr_ask(&f.intr, a));
    assert_int_equal(ql_wait(&f.cx, -1, 0, QL_FOREVER, QL_W_SLEEP), QL_OK);
    expect(a, QL_ASK_TOLD, "answer to 9");
    ql_deadline dl = ql_deadline_ms(1);
    ql_status st;
    while ((st = ql_wait(&f.cx, -1, 0, dl, QL_W_SLEEP)) == QL_OK) { /* the token of the question */
    }
    assert_int_equal(st, QL_TIMEOUT);
    ql_intr_stmt_end(&f.intr);
    fake_end(&f);
}

static void
without_an_answer(void **state)
{
    (void)state;
    fake f;
    fake_begin(&f, NULL);
    told t = {.state = QL_ASK_TOLD, .looks = true};
    ql_teller teller = {tell, &t};
    f.intr.teller = &teller;
    ql_intr_stmt_begin(&f.intr, 7);
    ql_ask *a = ql_ask_new(&f.cx, 1);
    assert_true(ql_intr_ask(&f.intr, a));
    ql_intr_stmt_next(&f.intr, 8); /* the next one of the text is not asked */
    expect(a, QL_ASK_ENDED, "");
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_int_equal(t.times, 0);
    /* Killed while it answers: 1317 is the statement's, the question has no answer. */
    a = ql_ask_new(&f.cx, 2);
    assert_true(ql_intr_ask(&f.intr, a));
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 0));
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    assert_int_equal(fake_error(&f), 1317);
    assert_int_equal(t.times, 1);
    expect(a, QL_ASK_ENDED, "");
    ql_intr_stmt_end(&f.intr);
    ql_diag_reset(f.cx.diag);
    /* It cannot: nothing of that reaches the statement. */
    ql_intr_stmt_begin(&f.intr, 9);
    t = (told){.fails = true};
    a = ql_ask_new(&f.cx, 3);
    assert_true(ql_intr_ask(&f.intr, a));
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_false(ql_diag_has_error(f.cx.diag));
    expect(a, QL_ASK_ENDED, "");
    ql_intr_stmt_end(&f.intr);
    fake_end(&f);
}

/* A kill is taken as answered once; what ends the connection is not. */
static void
kills_that_are_answered(void **state)
{
    (void)state;
    fake f;
    fake_begin(&f, NULL);
    ql_intr_stmt_begin(&f.intr, 7);
    assert_false(ql_intr_answer(&f.cx));
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY | QL_INTR_TIME, 0));
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    assert_true(ql_intr_answer(&f.cx));
    ql_diag_clear_error(f.cx.diag);
    assert_int_equal(ql_check(&f.cx), QL_OK);
    assert_false(ql_intr_answer(&f.cx));
    assert_true(ql_intr_raise(&f.intr, QL_INTR_QUERY, 7)); /* another one hits again */
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_CONN, 0));
    assert_false(ql_intr_answer(&f.cx));
    assert_int_equal(ql_check(&f.cx), QL_KILLED);
    ql_intr_stmt_end(&f.intr);
    fake_end(&f);
    fake_begin(&f, NULL);
    ql_intr_stmt_begin(&f.intr, 7);
    assert_true(ql_intr_raise(&f.intr, QL_INTR_MEMORY, 0));
    assert_false(ql_intr_answer(&f.cx));
    ql_intr_stmt_end(&f.intr);
    fake_end(&f);
}

#define ROUNDS 2000

typedef struct worker {
    fake f;
    _Atomic bool stop;
} worker;

static void *
work(void *arg)
{
    worker *w = arg;
    told t = {.state = QL_ASK_TOLD};
    ql_teller teller = {tell, &t};
    for (uint64_t id = 1; !atomic_load(&w->stop); id++) {
        ql_intr_stmt_begin(&w->f.intr, id);
        w->f.intr.teller = &teller;
        for (int i = 0; i < 20; i++) {
            if (ql_check(&w->f.cx) != QL_OK) {
                break;
            }
        }
        w->f.intr.teller = NULL;
        ql_intr_stmt_end(&w->f.intr);
        ql_diag_reset(w->f.cx.diag);
    }
    return NULL;
}

/* Every question is settled, whatever moment it comes at. */
static void
races(void **state)
{
    (void)state;
    static worker w;
    fake asker;
    pthread_t thread;
    unsigned seen[5] = {0};
    fake_begin(&w.f, NULL);
    fake_begin(&asker, NULL);
    assert_int_equal(pthread_create(&thread, NULL, work, &w), 0);
    ql_intr_stmt_begin(&asker.intr, 1);
    for (unsigned i = 0; i < ROUNDS;) {
        ql_ask *a = ql_ask_new(&asker.cx, i);
        if (ql_intr_ask(&w.f.intr, a)) {
            assert_int_equal(ql_ask_wait(&asker.cx, a), QL_OK);
            seen[a->state]++;
            i++;
        } else {
            (void)sched_yield();
        }
        ql_ask_put(a);
        if (i % 7 == 0) {
            (void)ql_intr_raise(&w.f.intr, QL_INTR_QUERY, 0);
        }
    }
    atomic_store(&w.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen[QL_ASK_OPEN], 0);
    assert_true(seen[QL_ASK_TOLD] > 0);
    ql_intr_stmt_end(&asker.intr);
    fake_end(&asker);
    fake_end(&w.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_next_look),
        cmocka_unit_test(without_an_answer),
        cmocka_unit_test(kills_that_are_answered),
        cmocka_unit_test(races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
