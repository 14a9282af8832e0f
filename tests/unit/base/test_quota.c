/* SPDX-License-Identifier: Apache-2.0
 *
 * The budget: who is marked to end, who is refused, who is left alone, and when nobody is.
 */
#include "../lib/test.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/quota.h"
#include "base/thread.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MB ((size_t)1 << 20)

static _Atomic int woken;

static void
note_wake(void *arg)
{
    (void)arg;
    woken++;
}

typedef struct sessions {
    ql_budget *b;
    ql_quota q[4];
    ql_ctx cx;
} sessions;

static void
begin(sessions *s, size_t limit)
{
    memset(s, 0, sizeof *s);
    test_ctx_begin(&s->cx);
    woken = 0;
    s->b = ql_budget_new(note_wake, NULL);
    assert_non_null(s->b);
    ql_budget_set_limit(s->b, limit);
    for (size_t i = 0; i < QL_ARRAY_LEN(s->q); i++) {
        s->q[i].budget = s->b;
        s->q[i].owner = i + 1;
        s->q[i].work = 100 + i;
        ql_budget_join(s->b, &s->q[i]);
    }
}

static void
end(sessions *s)
{
    ql_budget_stats st;
    for (size_t i = 0; i < QL_ARRAY_LEN(s->q); i++) {
        ql_quota_give(&s->q[i], s->q[i].used);
        ql_budget_leave(s->b, &s->q[i]);
    }
    ql_budget_get_stats(s->b, &st);
    assert_int_equal(st.used, 0);
    assert_int_equal(st.freeing, 0);
    ql_budget_free(s->b);
    test_ctx_end(&s->cx);
}

static void
take(sessions *s, int i, size_t n)
{
    assert_true(ql_quota_take(&s->cx, &s->q[i], n));
}

static uint64_t
next_victim(sessions *s)
{
    ql_budget_victim v;
    return ql_budget_next(s->b, &v) ? v.owner : 0;
}

static void
test_the_largest_is_marked(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    take(&s, 0, 20 * MB);
    take(&s, 1, 50 * MB);
    take(&s, 2, 29 * MB);
    assert_int_equal(next_victim(&s), 0);
    assert_int_equal(woken, 0);
    take(&s, 3, 2 * MB); /* the small one that asks goes on */
    assert_int_equal(woken, 1);
    assert_int_equal(next_victim(&s), 2);
    assert_int_equal(next_victim(&s), 0); /* told once */
    end(&s);
}

static void
test_one_overdraft_ends_one(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    take(&s, 0, 40 * MB);
    take(&s, 1, 50 * MB);
    for (int i = 0; i < 40; i++) { /* 40 MB beyond, 50 will come back */
        take(&s, 2, MB + i % 2);
    }
    assert_int_equal(next_victim(&s), 2);
    assert_int_equal(next_victim(&s), 0);
    /* Its memory goes to the reclaimer: still taken, still coming back. */
    assert_ptr_equal(ql_quota_leave(&s.q[1], 50 * MB), s.b);
    s.q[1].work = 0;
    take(&s, 2, 5 * MB);
    assert_int_equal(next_victim(&s), 0);
    ql_budget_freed(s.b, 50 * MB);
    /* Now there is room again; the next overdraft is one of its own. */
    take(&s, 3, 10 * MB);
    assert_int_equal(next_victim(&s), 0);
    take(&s, 3, 20 * MB);
    assert_int_equal(next_victim(&s), 3);
    end(&s);
}

static void
test_one_is_not_enough(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    take(&s, 0, 30 * MB);
    take(&s, 1, 35 * MB);
    take(&s, 2, 34 * MB);
    ql_quota_add(&s.q[3], 40 * MB); /* cannot be refused */
    /* 39 MB too much. The one that made it is the largest: it is marked as well as any other. */
    assert_int_equal(next_victim(&s), 4);
    s.q[3].work = 0; /* it ends, but what it has stays */
    ql_quota_add(&s.q[3], 2 * MB);
    /* 41 MB: two have to go. */
    uint64_t a = next_victim(&s), b = next_victim(&s);
    assert_int_equal(a + b, 2 + 3);
    assert_int_equal(next_victim(&s), 0);
    end(&s);
}

static void
test_the_largest_asks_himself(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    take(&s, 0, 30 * MB);
    take(&s, 1, 60 * MB);
    assert_false(ql_quota_take(&s.cx, &s.q[1], 20 * MB));
    assert_int_equal(test_error(&s.cx), 4082);
    assert_int_equal(s.q[1].used, 60 * MB);
    assert_int_equal(next_victim(&s), 0);
    /* A piece in one: what was asked for counts. */
    ql_diag_reset(s.cx.diag);
    assert_false(ql_quota_take(&s.cx, &s.q[2], 90 * MB));
    assert_int_equal(test_error(&s.cx), 4082);
    assert_int_equal(next_victim(&s), 0);
    take(&s, 2, 5 * MB);
    ql_budget_stats st;
    ql_budget_get_stats(s.b, &st);
    assert_int_equal(st.refused, 2);
    assert_int_equal(st.ended, 0);
    assert_int_equal(st.used, 95 * MB);
    end(&s);
}

static void
test_who_cannot_be_ended(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    s.q[0].work = 0; /* runs nothing */
    take(&s, 0, 99 * MB);
    take(&s, 1, MB / 2);
    take(&s, 2, MB / 2);
    take(&s, 3, MB / 4); /* beyond, and nobody has enough to be ended: small ones go on */
    assert_int_equal(next_victim(&s), 0);
    assert_false(ql_quota_take(&s.cx, &s.q[3], 3 * MB)); /* but do not become large */
    assert_int_equal(next_victim(&s), 0);
    assert_false(ql_quota_take(&s.cx, &s.q[0], 3 * MB));
    end(&s);
}

static void
test_a_victim_that_was_missed(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    take(&s, 0, 30 * MB);
    take(&s, 1, 60 * MB);
    take(&s, 2, 20 * MB);
    ql_budget_victim v;
    assert_true(ql_budget_next(s.b, &v));
    assert_int_equal(v.owner, 2);
    assert_int_equal(v.work, 101);
    assert_int_equal(v.used, 60 * MB);
    ql_budget_missed(s.b, &v);
    take(&s, 2, 1000); /* the next one who asks looks again: the largest of the others */
    assert_int_equal(next_victim(&s), 1);
    /* Its next statement is another one. */
    s.q[1].work = 200;
    s.q[0].work = 0;
    take(&s, 2, 2 * MB); /* looks are a sixty-fourth of the limit apart */
    assert_int_equal(next_victim(&s), 2);
    end(&s);
}

static void
test_a_told_one_gets_no_more(void **state)
{
    (void)state;
    sessions s;
    begin(&s, 100 * MB);
    take(&s, 0, 70 * MB);
    take(&s, 1, 31 * MB);
    assert_int_equal(next_victim(&s), 1);
    assert_false(ql_quota_take(&s.cx, &s.q[0], 8 * MB));
    assert_int_equal(next_victim(&s), 0);
    end(&s);
}

static void
test_two_parts_of_a_session(void **state)
{
    (void)state;
    ql_ctx cx;
    test_ctx_begin(&cx);
    ql_quota a = {.limit = 10 * MB}, b = {.limit = 10 * MB, .beside = &a};
    a.beside = &b;
    assert_true(ql_quota_take(&cx, &a, 6 * MB));
    assert_false(ql_quota_take(&cx, &b, 5 * MB));
    assert_int_equal(test_error(&cx), 4082);
    assert_true(ql_quota_take(&cx, &b, 4 * MB));
    ql_quota_give(&a, 6 * MB);
    ql_quota_give(&b, 4 * MB);
    assert_int_equal(a.used + b.used, 0);
    test_ctx_end(&cx);
}

static void
test_arenas_and_buffers(void **state)
{
    (void)state;
    sessions s;
    ql_budget_stats st;
    begin(&s, 0);
    ql_arena *a = ql_arena_new("one", &s.q[0]);
    assert_non_null(ql_arena_alloc(&s.cx, a, 5 * MB));
    ql_budget_get_stats(s.b, &st);
    assert_int_equal(st.used, ql_arena_used(a));
    ql_arena_detach(a);
    assert_int_equal(s.q[0].used, 0);
    ql_budget_get_stats(s.b, &st);
    assert_int_equal(st.used, ql_arena_used(a));
    assert_int_equal(st.freeing, ql_arena_used(a));
    ql_arena_free(a);
    ql_budget_get_stats(s.b, &st);
    assert_int_equal(st.used + st.freeing, 0);

    ql_buf b = {.quota = &s.q[1]};
    s.q[1].limit = 4 * MB;
    assert_int_equal(ql_buf_reserve(&s.cx, &b, 3 * MB), QL_OK);
    assert_int_equal(s.q[1].used, b.cap);
    assert_int_equal(ql_buf_reserve(&s.cx, &b, 5 * MB), QL_ERROR);
    assert_int_equal(test_error(&s.cx), 4082);
    assert_int_equal(s.q[1].used, b.cap);
    ql_buf small = {.quota = &s.q[1]};
    assert_int_equal(ql_buf_put(&s.cx, &small, "room for an answer", 18), QL_OK);
    ql_buf_free(&small);
    ql_buf_free(&b);
    assert_int_equal(s.q[1].used, 0);
    assert_ptr_equal(b.quota, &s.q[1]);
    end(&s);
}

/* ---- many at once ---- */

typedef struct worker {
    sessions *s;
    int i;
    pthread_t thread;
} worker;

static _Atomic bool stop;

static void *
take_and_give(void *arg)
{
    worker *w = arg;
    ql_quota *q = &w->s->q[w->i];
    ql_ctx cx;
    test_ctx_begin(&cx);
    for (uint64_t round = 1; round <= 2000; round++) {
        size_t have = 0;
        atomic_store(&q->work, (round << 8) | (unsigned)w->i);
        while (have < (size_t)(1 + w->i) * 8 * MB && ql_quota_take(&cx, q, MB / 2)) {
            have += MB / 2;
        }
        atomic_store(&q->work, 0);
        if (round % 3 == 0) {
            ql_budget *b = ql_quota_leave(q, have);
            ql_budget_freed(b, have);
        } else {
            ql_quota_give(q, have);
        }
        ql_diag_reset(cx.diag);
    }
    test_ctx_end(&cx);
    return NULL;
}

static void *
drain_victims(void *arg)
{
    sessions *s = arg;
    ql_budget_victim v;
    while (!atomic_load(&stop)) {
        if (ql_budget_next(s->b, &v)) {
            assert_in_range(v.owner, 1, 4);
            ql_budget_missed(s->b, &v);
        }
    }
    return NULL;
}

static void
test_many_at_once(void **state)
{
    (void)state;
    sessions s;
    worker w[4];
    pthread_t guard;
    begin(&s, 40 * MB);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&guard, NULL, drain_victims, &s), 0);
    for (int i = 0; i < 4; i++) {
        w[i] = (worker){.s = &s, .i = i};
        assert_int_equal(pthread_create(&w[i].thread, NULL, take_and_give, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
    }
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(guard, NULL), 0);
    end(&s);
}

/* ---- the machine ---- */

static char tree[64];

static void
put_file(const char *path, const char *text)
{
    char full[512];
    (void)snprintf(full, sizeof full, "%s%s", tree, path);
    for (char *p = full + strlen(tree) + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            (void)mkdir(full, 0700);
            *p = '/';
        }
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static void
new_tree(void)
{
    (void)snprintf(tree, sizeof tree, "/tmp/quell-machine-XXXXXX");
    assert_non_null(mkdtemp(tree));
    put_file("/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:          100 kB\n");
}

static void
drop_tree(void)
{
    char cmd[96];
    (void)snprintf(cmd, sizeof cmd, "rm -rf '%s'", tree);
    assert_int_equal(system(cmd), 0);
}

static void
test_memory_of_the_machine(void **state)
{
    (void)state;
    new_tree();
    assert_int_equal(ql_machine_memory(tree), 8192 * MB);
    /* v2: the group has none, one above it has. */
    put_file("/proc/self/cgroup", "0::/system.slice/quell.service\n");
    put_file("/sys/fs/cgroup/system.slice/quell.service/memory.max", "max\n");
    assert_int_equal(ql_machine_memory(tree), 8192 * MB);
    put_file("/sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
    assert_int_equal(ql_machine_memory(tree), 1024 * MB);
    put_file("/sys/fs/cgroup/system.slice/quell.service/memory.max", "536870912\n");
    assert_int_equal(ql_machine_memory(tree), 512 * MB);
    /* A container: the path is the host's, the mount begins at the group. */
    put_file("/proc/self/cgroup", "0::/docker/0123abcd\n");
    put_file("/sys/fs/cgroup/memory.max", "268435456\n");
    assert_int_equal(ql_machine_memory(tree), 256 * MB);
    drop_tree();
    /* v1, beside other hierarchies; what stands for no limit there is more than there is. */
    new_tree();
    put_file("/proc/self/cgroup", "9:name=systemd:/x\n4:cpu,memory:/docker/9\n1:cpuset:/y\n");
    put_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(ql_machine_memory(tree), 8192 * MB);
    put_file("/sys/fs/cgroup/memory/docker/9/memory.limit_in_bytes", "134217728\n");
    assert_int_equal(ql_machine_memory(tree), 128 * MB);
    drop_tree();
    assert_int_equal(ql_machine_memory("/nowhere"), 0);
    assert_true(ql_machine_memory_here() > 0);
    size_t before = ql_machine_anonymous();
    char *p = ql_mem_alloc(64 * MB);
    memset(p, 1, 64 * MB);
    assert_true(ql_machine_anonymous() > before + 60 * MB);
    ql_mem_free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_largest_is_marked),
        cmocka_unit_test(test_one_overdraft_ends_one),
        cmocka_unit_test(test_one_is_not_enough),
        cmocka_unit_test(test_the_largest_asks_himself),
        cmocka_unit_test(test_who_cannot_be_ended),
        cmocka_unit_test(test_a_victim_that_was_missed),
        cmocka_unit_test(test_a_told_one_gets_no_more),
        cmocka_unit_test(test_two_parts_of_a_session),
        cmocka_unit_test(test_arenas_and_buffers),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_memory_of_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
