/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimizer hints: what of them ends up at which block, broken ones, failing memory. What they are
 * answered with is in tests/sql/suite/hints.
 */
#include "sql_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "sql/ast_hint.h"

static char shown[4096];
static size_t shown_n;

static void QL_PRINTF(1, 2) add(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(shown + shown_n, sizeof shown - shown_n, fmt, ap);
    va_end(ap);
    shown_n += (size_t)n;
    assert_true(shown_n < sizeof shown);
}

static void
add_bits(uint32_t on, uint32_t off)
{
    for (int i = 0; i < QL_HINT_COUNT; i++) {
        if (on >> i & 1) {
            add(" %s", ql_hint_name((ql_hint_type)i, true));
        }
        if (off >> i & 1) {
            add(" %s", ql_hint_name((ql_hint_type)i, false));
        }
    }
}

/* Hints without tables; each table with its hints, in brackets its indexes with theirs; orders. */
static const char *
show(const ql_ast_hints *h)
{
    shown_n = 0;
    shown[0] = '\0';
    add("%u:%.*s:", h->number, (int)h->name.n, h->name.n ? h->name.p : "");
    add_bits(h->on, h->off);
    for (const ql_ast_table_hints *t = h->tables; t != NULL; t = t->next) {
        add(" | %.*s", (int)t->name.n, t->name.p);
        add_bits(t->on, t->off);
        for (const ql_ast_index_hints *x = t->indexes; x != NULL; x = x->next) {
            add(" [%.*s", (int)x->name.n, x->name.p);
            add_bits(x->on, x->off);
            add("]");
        }
    }
    for (const ql_ast_hint *o = h->orders; o != NULL; o = o->next_order) {
        add(" |");
        for (uint32_t i = 0; i < o->ntables; i++) {
            add(" %.*s", (int)o->tables[i].name.n, o->tables[i].name.p);
        }
    }
    return shown;
}

static ql_ast_stmt *
read_ok(const char *text, uint64_t warnings)
{
    ql_ast_stmt *s;
    assert_int_equal(parse_text(text, &s), QL_OK);
    if (ql_diag_warning_count(the.cx.diag) != warnings) {
        fail_msg("%s: %llu warnings", text, (unsigned long long)ql_diag_warning_count(the.cx.diag));
    }
    return s;
}

static void
blocks(void **state)
{
    (void)state;
    ql_ast_stmt *s = read_ok("SELECT /*+ BKA(a, b) NO_ICP(a k, l) INDEX(b k) BNL() */ 1", 0);
    assert_string_equal(show(&s->select->hints),
                        "1:: BNL | a BKA [k NO_ICP] [l NO_ICP] | b BKA INDEX [k INDEX]");
    /* By the name of a block, in either place of it; by its number. */
    s = read_ok("SELECT /*+ QB_NAME(out) MRR(x@inn) NO_MERGE(@inn y) JOIN_ORDER(@inn x, y) "
                "SEMIJOIN(@inn FIRSTMATCH, LOOSESCAN) */ 1 "
                "WHERE 1 IN (SELECT /*+ QB_NAME(inn) HASH_JOIN(z) */ 1)",
                0);
    assert_string_equal(show(&s->select->hints), "1:out:");
    const ql_ast_select *in = s->select->where->args.v[1]->select;
    assert_string_equal(show(&in->hints),
                        "2:inn: SEMIJOIN JOIN_ORDER | z HASH_JOIN | x MRR | y NO_MERGE | x y");
    assert_int_equal(in->hints.semijoin->strategies,
                     QL_STRATEGY_FIRSTMATCH | QL_STRATEGY_LOOSESCAN);
    s = read_ok("SELECT /*+ JOIN_FIXED_ORDER(@`select#2`) NO_BKA(@`SELECT#1` t) */ (SELECT 1)", 0);
    assert_string_equal(show(&s->select->hints), "1:: | t NO_BKA");
    assert_string_equal(show(&s->select->items[0].expr->select->hints), "2:: JOIN_FIXED_ORDER");
    s = read_ok("UPDATE /*+ INDEX(t a) */ t SET a = 1", 0);
    assert_string_equal(show(&s->update->hints), "1:: | t INDEX [a INDEX]");
    s = read_ok("DELETE /*+ NO_INDEX(t) */ FROM t", 0);
    assert_string_equal(show(&s->del->hints), "1:: | t NO_INDEX");
    s = read_ok("INSERT /*+ BKA(a) */ INTO t SELECT /*+ BKA(b) */ 1", 0);
    assert_string_equal(show(&s->insert->select->hints), "1:: | a BKA | b BKA");
    /* The first counts. */
    s = read_ok("SELECT /*+ BKA(a) NO_BKA(a) BKA(a) INDEX(a k) INDEX(a l) JOIN_INDEX(a m) */ 1", 4);
    assert_string_equal(show(&s->select->hints), "1:: | a BKA INDEX [k INDEX] [l] [m]");
    s = read_ok("CREATE VIEW v AS SELECT /*+ BKA(a) BKA(a) */ 1", 0);
}

static void
statements(void **state)
{
    (void)state;
    ql_ast_stmt *s = read_ok("SELECT /*+ SET_VAR(sort_buffer_size = 16M) SET_VAR(SQL_MODE=ansi) "
                             "SET_VAR(max_execution_time = 7) SET_VAR(time_zone = '+01:00') */ 1",
                             0);
    const ql_ast_hint *v = s->variables;
    assert_int_equal(v->value.i, 16 << 20);
    v = v->next;
    assert_memory_equal(v->value.s.p, "ansi", 4);
    v = v->next;
    assert_int_equal(v->value.i, 7);
    v = v->next;
    assert_memory_equal(v->value.s.p, "+01:00", 6);
    assert_null(v->next);
    s = read_ok("SELECT /*+ SET_VAR(sort_buffer_size = 17179869184G) */ 1", 1);
    assert_null(s->variables);
    s = read_ok("SELECT /*+ SET_VAR(sort_buffer_size = 18446744073709551615) */ 1", 0);
    assert_true(s->variables->value.is_unsigned && s->variables->value.u == UINT64_MAX);
    s = read_ok("SELECT /*+ SET_VAR(sort_buffer_size = 18446744073709551616) */ 1", 1);
    s = read_ok("SELECT /*+ MAX_EXECUTION_TIME(5) */ 1 UNION SELECT 2", 0);
    assert_true(s->has_max_execution_time && s->max_execution_time == 5);
    s = read_ok("EXPLAIN ANALYZE SELECT /*+ MAX_EXECUTION_TIME(5) */ 1", 0);
    assert_true(s->has_max_execution_time);
    s = read_ok("SELECT 1 UNION SELECT /*+ MAX_EXECUTION_TIME(5) */ 2", 1);
    assert_false(s->has_max_execution_time);
    s = read_ok("SET /*+ MAX_EXECUTION_TIME(5) */ @a = 1", 0);
}

static const char *const whole =
    "SELECT /*+ QB_NAME(q) BKA(a, `b c`@q) NO_BNL(@q a) NO_ICP(a k, `l`) NO_RANGE_OPTIMIZATION(a) "
    "INDEX_MERGE(a k, l) SEMIJOIN(@r MATERIALIZATION, DUPSWEEDOUT) JOIN_PREFIX(a, b@r) "
    "JOIN_ORDER(@r x) MAX_EXECUTION_TIME(1000) SET_VAR(sql_mode = 'ANSI') "
    "SET_VAR(sort_buffer_size=16M) RESOURCE_GROUP(g) NO_SKIP_SCAN(a) GROUP_INDEX(a k) */ 1 FROM a "
    "WHERE a IN (SELECT /*+ QB_NAME(r) SUBQUERY(INTOEXISTS) JOIN_FIXED_ORDER() */ x FROM x)";

/* Hints cut at every byte, and with every byte replaced: the statement is read, whatever is said.
 */
static void
broken(void **state)
{
    (void)state;
    static const char junk[] = "()@,`'\"=*/ \\;#0x\xff?";
    char text[1200];
    size_t from = strlen("SELECT /*+"), end = (size_t)(strstr(whole, "*/") - whole);
    ql_ast_stmt *s;
    for (size_t i = from; i < end; i++) {
        (void)snprintf(text, sizeof text, "%.*s */ 1 FROM a", (int)i, whole);
        if (parse_text(text, &s) != QL_OK) {
            fail_msg("%s: %d", text, error_number());
        }
        for (size_t k = 0; k < sizeof junk - 1; k++) {
            (void)snprintf(text, sizeof text, "%s", whole);
            text[i] = junk[k];
            if (strstr(text, "*/") == text + end) { /* it did not end the comment */
                if (parse_text(text, &s) != QL_OK) {
                    fail_msg("%s: %d", text, error_number());
                }
            }
        }
    }
}

#ifdef QL_DEBUG
static void
memory_may_fail_anywhere(void **state)
{
    (void)state;
    ql_ast_stmt *s;
    for (uint64_t n = 1;; n++) {
        the.cx.mem_allocs = 0;
        the.cx.mem_fail_at = n;
        ql_status st = parse_text(whole, &s);
        the.cx.mem_fail_at = 0;
        if (st == QL_OK) {
            assert_true(n > 20);
            return;
        }
        assert_int_equal(error_number(), 1037);
        assert_true(n < 1000);
    }
}

#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(statements),
        cmocka_unit_test(broken),
#ifdef QL_DEBUG
        cmocka_unit_test(memory_may_fail_anywhere),
#endif
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
