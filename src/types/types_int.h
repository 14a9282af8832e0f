/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of types/ share among themselves: pieces of DECIMAL, bytes of errors, the weights
 * of collations. Nothing here is for other directories.
 */
#ifndef QL_TYPES_INT_H
#define QL_TYPES_INT_H

#include "types/value.h"

static inline bool
qli_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* White space in front of and behind numbers, dates and times. */
static inline bool
qli_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool
qli_rest_is_blank(ql_str s, size_t from)
{
    while (from < s.n && qli_is_blank(s.p[from])) {
        from++;
    }
    return from >= s.n;
}

/* 10^n, n < 20. */
uint64_t qli_power10(unsigned n);
/* r = limb / 10^scale, rounded into 30 and 65 digits. false = overflow, clamped. */
bool qli_decimal_set(ql_decimal *r, const uint64_t limb[4], unsigned scale, bool negative);
/* Digits of the magnitude, no leading zeros, at least one; out has room for QL_DECIMAL_TEXT_MAX (80
 * where the magnitude may be more than a decimal can have). */
size_t qli_decimal_digits_text(const ql_decimal *d, char *out);
/* Magnitude of at most 76 digits. */
void qli_magnitude_from_digits(const char *digits, size_t n, uint64_t limb[4]);

/* Text of s fit for an error message: at most 128 bytes, bad or unprintable bytes as \xNN, NUL. */
#define QLI_ERR_TEXT 132
const char *qli_err_text(ql_str s, bool is_binary, char out[QLI_ERR_TEXT]);
/* The same of any value. */
const char *qli_err_value(const ql_value *v, char out[QLI_ERR_TEXT]);

/* Packed DATE, TIME or DATETIME from any value, fraction rounded to decimals. No warnings.
 * allow: QL_DATES_*. */
ql_status qli_temporal_from(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals,
                            unsigned allow, int64_t *out, ql_dt_result *result) QL_MUST_USE;

#endif
