/* SPDX-License-Identifier: Apache-2.0
 *
 * Row estimates out of statistics that are set by hand: t has 100,000 rows, u 1,000. What is
 * expected is arithmetic: rows / different values, and how conditions go together.
 */
#include <math.h>

#include "fixture.h"

/* t: id, a, b, c, d, e, f, g, h, i ... ; u: id, t_id, x, name */
static const double of_t[] = {100000, 1000, 50, 200, 365, 365, 100, 100000, 20, 10, 2, 2, 2, 2};
static const double of_u[] = {1000, 500, 10, 100};

static int
stats_setup(void **state)
{
    plan_setup(state);
    set_stats(*state, "t", 100000, of_t);
    set_stats(*state, "u", 1000, of_u);
    return 0;
}

static double
rows_of(world *w, const char *sql)
{
    const ql_plan *n = plan(w, sql)->root;
    return n->est_rows;
}

#define ROWS(sql, expected)                                                                        \
    do {                                                                                           \
        double got = rows_of(w, sql);                                                              \
        if (fabs(got - (expected)) > 0.01 * (expected) + 0.01) {                                   \
            print_message("%s: %g rows, not %g\n", sql, got, (double)(expected));                  \
            assert_true(false);                                                                    \
        }                                                                                          \
    } while (0)

static void
comparisons(void **state)
{
    world *w = *state;
    ROWS("SELECT * FROM t WHERE b = 'x'", 2000);
    ROWS("SELECT * FROM t WHERE i = 5", 10000);
    ROWS("SELECT * FROM t WHERE i <> 5", 90000);
    ROWS("SELECT * FROM t WHERE i IN (1, 2, 3)", 30000);
    ROWS("SELECT * FROM t WHERE i NOT IN (1, 2, 3)", 70000);
    ROWS("SELECT * FROM t WHERE i = 1 OR i = 2", 20000);
    ROWS("SELECT * FROM t WHERE i IS NULL", 1); /* none has been seen */
    ROWS("SELECT * FROM t WHERE i IS NOT NULL", 100000);
    ROWS("SELECT * FROM t WHERE NOT (i = 5)", 90000);
    ROWS("SELECT * FROM t WHERE i = NULL", 1);
}

static void
together(void **state)
{
    world *w = *state;
    /* 1/50 whole, 1/10 by its square root */
    ROWS("SELECT * FROM t WHERE b = 'x' AND i = 5", 100000 / 50.0 * sqrt(0.1));
    ROWS("SELECT * FROM t WHERE b = 'x' OR i = 5", 100000 * (0.02 + 0.1 - 0.002));
}

static void
indexes(void **state)
{
    world *w = *state;
    ROWS("SELECT * FROM t WHERE a = 7", 100);
    ROWS("SELECT * FROM t WHERE id = 7", 1);
    ROWS("SELECT * FROM u WHERE x = 3", 100);
    ROWS("SELECT * FROM u WHERE x = 3 AND name = 'n'", 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, stats_setup, world_teardown)
    const struct CMUnitTest tests[] = {TEST(comparisons), TEST(together), TEST(indexes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
