/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL: up to 65 digits as a scaled integer of four 64-bit limbs (GMP mpn functions), scale 0
 * to 30.
 */
#ifndef QL_TYPES_DECIMAL_H
#define QL_TYPES_DECIMAL_H

#include "base/ctx.h"

struct ql_buf;

#define QL_DECIMAL_MAX_DIGITS 65
#define QL_DECIMAL_MAX_SCALE 30

typedef struct ql_decimal {
    uint64_t limb[4]; /* magnitude, little-endian limbs, < 10^65 */
    uint8_t scale;    /* digits behind the point */
    bool negative;    /* never with magnitude 0 */
} ql_decimal;

void ql_decimal_from_i64(ql_decimal *d, int64_t v);
void ql_decimal_from_u64(ql_decimal *d, uint64_t v);
/* Longest numeric prefix, exponent too; *used = bytes read, 0 = no number there (value 0). false =
 * out of range: clamped. */
bool ql_decimal_parse(ql_decimal *d, ql_str s, size_t *used);
bool
ql_decimal_from_double(ql_decimal *d,
                       double v); /* shortest form that reads back; false = out of range, clamped */
double ql_decimal_to_double(const ql_decimal *d);
/* Rounded half away from zero. false = out of range: clamped to the nearest bound. */
bool ql_decimal_to_i64(const ql_decimal *d, int64_t *v);
bool ql_decimal_to_u64(const ql_decimal *d, uint64_t *v);
/* At most 68 bytes and a NUL; exactly `scale` digits behind the point. Returns the length. */
#define QL_DECIMAL_TEXT_MAX 72
size_t ql_decimal_print(const ql_decimal *d, char out[QL_DECIMAL_TEXT_MAX]);

/* All false on overflow beyond 65 digits (result clamped). Scales by MySQL's rules: add max(s1,s2);
 * mul s1+s2 (cut to 30); div s1+div_precision_increment. div, mod: *by_zero. */
bool ql_decimal_add(ql_decimal *r, const ql_decimal *a, const ql_decimal *b);
bool ql_decimal_sub(ql_decimal *r, const ql_decimal *a, const ql_decimal *b);
bool ql_decimal_mul(ql_decimal *r, const ql_decimal *a, const ql_decimal *b);
bool ql_decimal_div(ql_decimal *r, const ql_decimal *a, const ql_decimal *b,
                    unsigned scale_increment, bool *by_zero);
/* The quotient as it is inside an expression: whole groups of nine digits behind the point, as many
 * as s1+div_precision_increment needs, the rest cut off (but rounded at 30). */
bool ql_decimal_quotient(ql_decimal *r, const ql_decimal *a, const ql_decimal *b,
                         unsigned increment, bool *by_zero);
/* The whole part of the exact quotient. */
bool ql_decimal_div_int(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, bool *by_zero);
bool ql_decimal_mod(ql_decimal *r, const ql_decimal *a, const ql_decimal *b, bool *by_zero);
int ql_decimal_cmp(const ql_decimal *a, const ql_decimal *b);
void ql_decimal_neg(ql_decimal *d);
bool ql_decimal_is_zero(const ql_decimal *d);
unsigned
ql_decimal_digits(const ql_decimal *d); /* significant digits of the magnitude, at least 1 */
typedef enum { QL_ROUND_HALF_UP, QL_ROUND_TRUNCATE, QL_ROUND_CEILING, QL_ROUND_FLOOR } ql_rounding;
/* To `scale` digits (may be negative: to tens, hundreds; the scale is then 0). false = overflow. */
bool ql_decimal_round(ql_decimal *d, int scale, ql_rounding how);
/* Fit into DECIMAL(precision, scale): rounded; false = out of range: clamped to 99..9. *truncated:
 * digits were lost. */
bool ql_decimal_fit(ql_decimal *d, unsigned precision, unsigned scale, bool *truncated);

#endif
