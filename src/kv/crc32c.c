/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32C. The table is made at the first use of the slow way; making it twice at once writes the
 * same numbers. No locks.
 */
#include "kv/crc32c.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u /* reflected */

static _Atomic uint32_t table[256];
static _Atomic bool table_made;

static void
make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) {
            c = (c >> 1) ^ ((c & 1) != 0 ? POLYNOMIAL : 0);
        }
        atomic_store_explicit(&table[i], c, memory_order_relaxed);
    }
    atomic_store_explicit(&table_made, true, memory_order_release);
}

uint32_t
qli_crc32c_by_table(uint32_t crc, const void *p, size_t n)
{
    const unsigned char *at = p;
    if (!atomic_load_explicit(&table_made, memory_order_acquire)) {
        make_table();
    }
    crc = ~crc;
    for (; n > 0; n--, at++) {
        crc = (crc >> 8) ^ atomic_load_explicit(&table[(crc ^ *at) & 0xFF], memory_order_relaxed);
    }
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const void *p, size_t n)
{
    const unsigned char *at = p;
    uint64_t c = ~crc, word;
    for (; n >= 8; n -= 8, at += 8) {
        memcpy(&word, at, 8);
        c = _mm_crc32_u64(c, word);
    }
    uint32_t low = (uint32_t)c;
    if (n >= 4) {
        uint32_t half;
        memcpy(&half, at, 4);
        low = _mm_crc32_u32(low, half);
        at += 4;
        n -= 4;
    }
    for (; n > 0; n--, at++) {
        low = _mm_crc32_u8(low, *at);
    }
    return ~low;
}

uint32_t
qli_crc32c(uint32_t crc, const void *p, size_t n)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, p, n)
                                            : qli_crc32c_by_table(crc, p, n);
}
#else
uint32_t
qli_crc32c(uint32_t crc, const void *p, size_t n)
{
    return qli_crc32c_by_table(crc, p, n);
}
#endif
