/* SPDX-License-Identifier: Apache-2.0
 *
 * test_locks.c once more (order, kills, timeouts, deadlocks, lost wake-ups)
 * with every exclusive record lock that can be there in a set of its transaction (rowlock_set.c).
 */
#define TEST_SETS
#include "test_locks.c"
