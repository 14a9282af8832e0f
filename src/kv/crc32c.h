/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32C (Castagnoli, as in RFC 3720): by the processor's instruction where there is one, else by
 * table.
 */
#ifndef QL_KV_CRC32C_H
#define QL_KV_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of n bytes more behind those that gave crc (0 = none yet). */
uint32_t qli_crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the instruction (tests compare both). */
uint32_t qli_crc32c_by_table(uint32_t crc, const void *p, size_t n);

#endif
