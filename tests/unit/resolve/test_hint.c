/* SPDX-License-Identifier: Apache-2.0
 *
 * What hints tell the planner: the order of joins, indexes, flags of optimizer_switch for a block
 * and for a table. Sources are numbered as FROM has them.
 */
#include "fixture.h"

/* "1<0 2<01": before which others each source stands; only those with wishes. */
static const char *
order_of(const ql_query *q)
{
    size_t n = 0;
    printed[0] = '\0';
    for (uint16_t i = 0; q->hints != NULL && q->hints->before != NULL && i < q->hints->nbefore;
         i++) {
        if (q->hints->before[i] == 0) {
            continue;
        }
        n += (size_t)snprintf(printed + n, sizeof printed - n, "%s%u<", n ? " " : "", i);
        for (unsigned k = 0; k < 64; k++) {
            if (q->hints->before[i] >> k & 1) {
                n += (size_t)snprintf(printed + n, sizeof printed - n, "%u", k);
            }
        }
    }
    return printed;
}
#define ORDER(w, sql, text)                                                                        \
    do {                                                                                           \
        const ql_query *q_ = resolve(w, sql)->query;                                               \
        assert_string_equal(order_of(q_), text);                                                   \
    } while (0)

static void
join_order(void **state)
{
    world *w = *state;
    ORDER(w, "SELECT 1 FROM t, u, nokey", "");
    ORDER(w, "SELECT STRAIGHT_JOIN 1 FROM t, u, nokey", "1<0 2<01");
    ORDER(w, "SELECT 1 FROM t STRAIGHT_JOIN u, nokey", "1<0");
    ORDER(w, "SELECT 1 FROM t JOIN u STRAIGHT_JOIN nokey", "2<01");
    ORDER(w, "SELECT 1 FROM t STRAIGHT_JOIN (u JOIN nokey)", "1<0 2<0");
    ORDER(w, "SELECT STRAIGHT_JOIN 1 FROM t RIGHT JOIN u ON t.id = u.id", "0<1");
    ORDER(w, "SELECT /*+ JOIN_FIXED_ORDER() */ 1 FROM t, u, nokey", "1<0 2<01");
    ORDER(w, "SELECT /*+ JOIN_ORDER(nokey, t) */ 1 FROM t, u, nokey", "0<2");
    ORDER(w, "SELECT /*+ JOIN_ORDER(nokey, t) JOIN_ORDER(t, u) */ 1 FROM t, u, nokey", "0<2 1<0");
    ORDER(w, "SELECT /*+ JOIN_PREFIX(nokey, u) */ 1 FROM t, u, nokey", "0<12 1<2");
    ORDER(w, "SELECT /*+ JOIN_SUFFIX(u, t) */ 1 FROM t, u, nokey", "0<12 1<2");
    ORDER(w, "SELECT /*+ JOIN_PREFIX(u) JOIN_SUFFIX(nokey) */ 1 FROM t, u, nokey", "0<1 2<01");
    ORDER(w, "SELECT /*+ JOIN_PREFIX(x) */ 1 FROM t, u AS x, nokey", "0<1 2<1");
    /* Contradictions: the first wish counts. */
    ORDER(w, "SELECT /*+ JOIN_ORDER(t, u) JOIN_ORDER(u, t) */ 1 FROM t, u, nokey", "1<0");
    ORDER(w, "SELECT STRAIGHT_JOIN /*+ JOIN_ORDER(u, t) */ 1 FROM t, u", "1<0");
    ORDER(w, "SELECT /*+ JOIN_ORDER(u, t) */ STRAIGHT_JOIN 1 FROM t, u", "1<0");
    ORDER(w, "SELECT /*+ JOIN_ORDER(t, u, nokey) JOIN_PREFIX(nokey) */ 1 FROM t, u, nokey",
          "1<0 2<01");
    /* Names that are not there are left out. */
    ORDER(w, "SELECT /*+ JOIN_ORDER(u, nothing, t) */ 1 FROM t, u", "0<1");
    ORDER(w, "SELECT /*+ JOIN_ORDER(u) */ 1 FROM t, u", "");
    const ql_rupdate *up = resolve(w, "UPDATE t STRAIGHT_JOIN u SET t.a = 1")->update;
    assert_string_equal(order_of(up->read), "1<0");
    up = resolve(w, "DELETE /*+ JOIN_PREFIX(u) */ t FROM t JOIN u ON t.id = u.id")->update;
    assert_string_equal(order_of(up->read), "0<1");
    /* Of the block that is named. */
    const ql_query *q =
        resolve(w, "SELECT /*+ JOIN_ORDER(@x u, t) */ 1 FROM (SELECT /*+ QB_NAME(x) */ 1 FROM t, "
                   "u) AS d, nokey")
            ->query;
    assert_string_equal(order_of(q), "");
    assert_string_equal(order_of(q->sources[0].derived), "0<1");
    if (w->boot.cx.vars->plain_plans) {
        fail();
    }
#ifdef QL_DEBUG
    w->boot.vars.plain_plans = true;
    ORDER(w, "SELECT 1 FROM t, u LEFT JOIN nokey ON 1", "1<0 2<01");
    w->boot.vars.plain_plans = false;
#endif
}

static const ql_source *
source_of(world *w, const char *sql)
{
    return &resolve(w, sql)->query->sources[0];
}

/* t: PRIMARY g a h d (unique ones first) */
static void
indexes(void **state)
{
    world *w = *state;
    const ql_source *s = source_of(w, "SELECT 1 FROM t");
    assert_true(s->barred == 0 && s->barred_order == 0 && s->barred_group == 0 && !s->force_index);
    s = source_of(w, "SELECT 1 FROM t USE INDEX (a, g)");
    assert_int_equal(s->barred, ~UINT64_C(6));
    assert_true(s->barred_order == s->barred && s->barred_group == s->barred && !s->force_index);
    s = source_of(w,
                  "SELECT 1 FROM t USE INDEX FOR JOIN (a) IGNORE INDEX FOR ORDER BY (g) USE INDEX "
                  "FOR GROUP BY ()");
    assert_int_equal(s->barred, ~UINT64_C(4));
    assert_int_equal(s->barred_order, 2);
    assert_int_equal(s->barred_group, UINT64_MAX);
    s = source_of(w, "SELECT 1 FROM t FORCE INDEX FOR ORDER BY (a)");
    assert_true(s->barred == 0 && s->force_index && s->barred_order == ~UINT64_C(4));
    s = source_of(w, "SELECT 1 FROM t USE INDEX (a) IGNORE INDEX (a, PRIMARY)");
    assert_int_equal(s->barred, UINT64_MAX);
    /* The optimizer's hints, in place of those. */
    s = source_of(w, "SELECT /*+ INDEX(t a) */ 1 FROM t IGNORE INDEX (a)");
    assert_true(s->force_index && s->barred == ~UINT64_C(4) && s->barred_group == ~UINT64_C(4));
    s = source_of(w, "SELECT /*+ NO_INDEX(t a, g) */ 1 FROM t FORCE INDEX (a)");
    assert_true(!s->force_index && s->barred == 6 && s->barred_order == 6);
    s = source_of(w, "SELECT /*+ NO_INDEX(t) */ 1 FROM t");
    assert_int_equal(s->barred, UINT64_MAX);
    s = source_of(w, "SELECT /*+ JOIN_INDEX(t a) NO_ORDER_INDEX(t g) GROUP_INDEX(t h) */ 1 FROM t");
    assert_true(s->force_index && s->barred == ~UINT64_C(4) && s->barred_order == 2);
    assert_int_equal(s->barred_group, ~UINT64_C(8));
    s = source_of(w, "SELECT /*+ INDEX(t nothing) */ 1 FROM t");
    assert_true(s->barred == 0 && !s->force_index);
    assert_int_equal(ql_diag_warning_count(w->boot.cx.diag), 0); /* told when it was prepared */
    s = source_of(w, "SELECT /*+ NO_RANGE_OPTIMIZATION(x PRIMARY, a) */ 1 FROM t AS x");
    assert_int_equal(s->no_range, 5);
    s = source_of(w, "SELECT /*+ NO_RANGE_OPTIMIZATION(t) */ 1 FROM t");
    assert_int_equal(s->no_range, UINT64_MAX);
}

static void
flags(void **state)
{
    world *w = *state;
    const ql_ctx *cx = &w->boot.cx;
    const ql_query *q = resolve(w, "SELECT 1 FROM t, u")->query;
    assert_null(q->hints);
    assert_true(ql_query_switch(cx, q, QL_SWITCH_SEMIJOIN));
    assert_true(ql_source_switch(cx, q, &q->sources[0], 1, QL_SWITCH_MRR));
    q = resolve(w, "SELECT /*+ NO_MRR(t a) MRR(u) INDEX_MERGE(t a, g) NO_SKIP_SCAN(u) NO_MERGE() "
                   "HASH_JOIN(u) NO_BNL(t) */ 1 FROM t, u")
            ->query;
    const ql_source *t = &q->sources[0], *u = &q->sources[1];
    assert_false(ql_source_switch(cx, q, t, 2, QL_SWITCH_MRR));
    assert_true(ql_source_switch(cx, q, t, 1, QL_SWITCH_MRR));
    assert_true(ql_source_switch_forced(u, 1, QL_SWITCH_MRR));
    assert_false(ql_source_switch_forced(t, 1, QL_SWITCH_MRR));
    assert_true(ql_source_switch_forced(t, 2, QL_SWITCH_INDEX_MERGE));
    assert_false(ql_source_switch_forced(t, 3, QL_SWITCH_INDEX_MERGE));
    assert_false(ql_source_switch(cx, q, u, -1, QL_SWITCH_SKIP_SCAN));
    assert_false(ql_source_switch(cx, q, u, 0, QL_SWITCH_SKIP_SCAN));
    assert_false(ql_query_switch(cx, q, QL_SWITCH_DERIVED_MERGE));
    assert_false(ql_source_switch(cx, q, u, -1, QL_SWITCH_DERIVED_MERGE));
    assert_true(q->hints->hash == 2 && q->hints->no_hash == 1);
    q = resolve(w, "SELECT /*+ NO_HASH_JOIN() BNL(u) */ 1 FROM t, u")->query;
    assert_true((q->hints->hash & 3) == 2 && (q->hints->no_hash & 3) == 1);
    /* The block's hint, not the setting; the setting where there is none. */
    w->boot.vars.switches &= ~(UINT64_C(1) << QL_SWITCH_DERIVED_MERGE);
    assert_false(
        ql_query_switch(cx, resolve(w, "SELECT 1 FROM t")->query, QL_SWITCH_DERIVED_MERGE));
    q = resolve(w, "SELECT /*+ MERGE(d) */ 1 FROM (SELECT 1) AS d, (SELECT 2) AS e")->query;
    assert_true(ql_source_switch(cx, q, &q->sources[0], -1, QL_SWITCH_DERIVED_MERGE));
    assert_false(ql_source_switch(cx, q, &q->sources[1], -1, QL_SWITCH_DERIVED_MERGE));
    w->boot.vars.switches |= UINT64_C(1) << QL_SWITCH_DERIVED_MERGE;
}

static const ql_query *
subquery(world *w, const char *hints)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "SELECT /*+ %s */ 1 FROM t WHERE id IN (SELECT /*+ QB_NAME(q) */ id FROM u)",
                   hints);
    return resolve(w, sql)->query->where->query;
}

static void
semijoins(void **state)
{
    world *w = *state;
    const ql_ctx *cx = &w->boot.cx;
    const ql_query *q = subquery(w, "NO_SEMIJOIN(@q)");
    assert_false(ql_query_switch(cx, q, QL_SWITCH_SEMIJOIN));
    assert_true(ql_query_switch(cx, q, QL_SWITCH_FIRSTMATCH));
    q = subquery(w, "NO_SEMIJOIN(@q FIRSTMATCH)");
    assert_true(ql_query_switch(cx, q, QL_SWITCH_SEMIJOIN));
    assert_false(ql_query_switch(cx, q, QL_SWITCH_FIRSTMATCH));
    assert_true(ql_query_switch(cx, q, QL_SWITCH_LOOSESCAN));
    w->boot.vars.switches &= ~(UINT64_C(1) << QL_SWITCH_SEMIJOIN);
    q = subquery(w, "SEMIJOIN(@q MATERIALIZATION, DUPSWEEDOUT)");
    assert_true(ql_query_switch(cx, q, QL_SWITCH_SEMIJOIN));
    assert_true(ql_query_switch(cx, q, QL_SWITCH_MATERIALIZATION));
    assert_true(ql_query_switch(cx, q, QL_SWITCH_DUPLICATEWEEDOUT));
    assert_false(ql_query_switch(cx, q, QL_SWITCH_FIRSTMATCH));
    assert_false(ql_query_switch(cx, q, QL_SWITCH_LOOSESCAN));
    w->boot.vars.switches |= UINT64_C(1) << QL_SWITCH_SEMIJOIN;
    q = subquery(w, "SUBQUERY(@q INTOEXISTS)");
    assert_false(ql_query_switch(cx, q, QL_SWITCH_SEMIJOIN));
    assert_false(ql_query_switch(cx, q, QL_SWITCH_MATERIALIZATION));
    q = subquery(w, "SUBQUERY(@q MATERIALIZATION)");
    assert_false(ql_query_switch(cx, q, QL_SWITCH_SEMIJOIN));
    assert_true(ql_query_switch(cx, q, QL_SWITCH_MATERIALIZATION));
    assert_false(ql_query_switch(cx, q, QL_SWITCH_SUBQUERY_MATERIALIZATION_COST_BASED));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, sql_setup, world_teardown)
    const struct CMUnitTest tests[] = {T(join_order), T(indexes), T(flags), T(semijoins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
