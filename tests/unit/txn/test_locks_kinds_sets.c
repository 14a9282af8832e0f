/* SPDX-License-Identifier: Apache-2.0
 *
 * test_locks_kinds.c once more (the table, growing, giving back, victims, moments that come
 * together, lists) with every exclusive record lock that can be there in a set of its transaction
 * (rowlock_set.c).
 */
#define TEST_SETS
#include "test_locks_kinds.c"
