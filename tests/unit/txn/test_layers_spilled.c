/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests of test_layers.c again, with so little memory that every layer is spilled: after each
 * write, after a few, and now and then.
 */
int layers_main(void);
#define main layers_main
#include "test_layers.c"
#undef main

int
main(void)
{
    static const uint64_t limits[] = {1, 3000, 20000, 200000};
    int failed = 0;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        test_memory_limit = limits[i];
        failed += layers_main();
    }
    return failed;
}
