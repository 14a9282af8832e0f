/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of the binary form, for those who read and write it. README.md says why.
 */
#ifndef QL_JSON_JSON_INT_H
#define QL_JSON_JSON_INT_H

#include "json/json.h"

/* The last byte of a value: its type, and above that the width of numbers (0: 1 byte, 1: 2, 2: 4,
 * 3: 8) or the boolean. */
#define QLI_JSON_TYPE_MASK 0x0fu
#define QLI_JSON_HIGH 4
/* Behind the tables of an array or object: how many, bytes in all (width each), nest, last byte. */
#define QLI_JSON_TAIL(width) (2u * (width) + 2u)
/* A document's bytes, at most. */
#define QLI_JSON_MAX ((size_t)1 << 31)

static inline uint64_t
qli_json_load(const char *p, unsigned width)
{
    uint64_t v = 0;
    __builtin_memcpy(&v, p, width); /* little-endian, as all that is stored */
    return v;
}

ql_status qli_json_damaged(ql_ctx *cx) QL_MUST_USE;

/* ---- numbers of all types, for order and keys (number.c) ---- */

/* 0.d1 d2 ... * 10^exponent; no digits: zero. */
typedef struct qli_json_number {
    bool negative;
    int exponent;
    unsigned n;
    char digits[QL_DECIMAL_TEXT_MAX + 8]; /* '0' ... '9', the first and the last are not 0 */
} qli_json_number;
void qli_json_number_of(const ql_json *v, qli_json_number *n);
int qli_json_number_compare(const ql_json *a, const ql_json *b);

#endif
