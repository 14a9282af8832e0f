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
#include <wmmintrin.h>

/* The instruction takes three cycles but one may begin in each: long pieces are cut in three of
 * LANE bytes each that go side by side. A lane's sum is moved over the n bytes behind it by
 * multiplying it with x^(8n - 33) modulo the polynomial; the 33 left over come from the product of
 * reflected numbers and from the instruction that reduces it. */
typedef struct lanes {
    size_t lane;             /* bytes */
    uint64_t by_one, by_two; /* moves over one lane, over two */
} lanes;

static const lanes SHORT_LANES = {.lane = 64, .by_one = 0x9E4ADDF8u, .by_two = 0x0D3B6092u};
static const lanes LONG_LANES = {.lane = 256, .by_one = 0xB9E02B86u, .by_two = 0xDD7E3B0Cu};

__attribute__((target("sse4.2,pclmul"), always_inline)) static inline uint64_t
moved(uint64_t sum, uint64_t by)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)sum),
                                           _mm_cvtsi64_si128((long long)by), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("sse4.2,pclmul"), always_inline)) static inline uint64_t
three_lanes(uint64_t a, const unsigned char *at, const lanes *l)
{
    uint64_t b = 0, c = 0, wa, wb, wc;
    for (size_t i = 0; i < l->lane; i += 8) {
        memcpy(&wa, at + i, 8);
        memcpy(&wb, at + l->lane + i, 8);
        memcpy(&wc, at + 2 * l->lane + i, 8);
        a = _mm_crc32_u64(a, wa);
        b = _mm_crc32_u64(b, wb);
        c = _mm_crc32_u64(c, wc);
    }
    return c ^ _mm_crc32_u64(0, moved(a, l->by_two) ^ moved(b, l->by_one));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t
by_instruction(uint32_t crc, const unsigned char *at, size_t n)
{
    uint64_t c = ~crc, word;
    for (; n >= 3 * LONG_LANES.lane; n -= 3 * LONG_LANES.lane, at += 3 * LONG_LANES.lane) {
        c = three_lanes(c, at, &LONG_LANES);
    }
    for (; n >= 3 * SHORT_LANES.lane; n -= 3 * SHORT_LANES.lane, at += 3 * SHORT_LANES.lane) {
        c = three_lanes(c, at, &SHORT_LANES);
    }
    for (; n >= 8; n -= 8, at += 8) {
        memcpy(&word, at, 8);
        c = _mm_crc32_u64(c, word);
    }
    uint32_t low = (uint32_t)c;
    if ((n & 4) != 0) {
        uint32_t four;
        memcpy(&four, at, 4);
        low = _mm_crc32_u32(low, four);
        at += 4;
    }
    if ((n & 2) != 0) {
        uint16_t two;
        memcpy(&two, at, 2);
        low = _mm_crc32_u16(low, two);
        at += 2;
    }
    if ((n & 1) != 0) {
        low = _mm_crc32_u8(low, *at);
    }
    return ~low;
}

uint32_t
qli_crc32c(uint32_t crc, const void *p, size_t n)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")
               ? by_instruction(crc, p, n)
               : qli_crc32c_by_table(crc, p, n);
}
#else
uint32_t
qli_crc32c(uint32_t crc, const void *p, size_t n)
{
    return qli_crc32c_by_table(crc, p, n);
}
#endif
