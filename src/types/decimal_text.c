/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL from and to text and double. Arithmetic is in decimal.c. Pure functions; no locks, no
 * waits.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "types/types_int.h"

#define MAX_KEPT 128 /* digits looked at; more cannot change the rounded result of 65 */

/* A scanned number: 0.d1d2..dn * 10^point. */
typedef struct scanned {
    char digits[MAX_KEPT];
    size_t n;
    int64_t point;
    bool negative;
    size_t used;      /* 0 = no number */
    int64_t fraction; /* digits written behind the point, less the exponent */
} scanned;

static size_t
scan_exponent(ql_str s, size_t i, int64_t *exponent)
{
    size_t j = i + 1;
    bool negative = false;
    if (j < s.n && (s.p[j] == '-' || s.p[j] == '+')) {
        negative = s.p[j] == '-';
        j++;
    }
    if (j >= s.n || !qli_is_digit(s.p[j])) {
        return i;
    }
    int64_t e = 0;
    for (; j < s.n && qli_is_digit(s.p[j]); j++) {
        if (e < 1000000) {
            e = e * 10 + (s.p[j] - '0');
        }
    }
    *exponent = negative ? -e : e;
    return j;
}

static void
scan_number(ql_str s, scanned *r)
{
    size_t i = 0;
    bool seen = false, behind = false;
    r->n = 0;
    r->point = r->fraction = 0;
    r->negative = false;
    r->used = 0;
    while (i < s.n && qli_is_blank(s.p[i])) {
        i++;
    }
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+')) {
        r->negative = s.p[i] == '-';
        i++;
    }
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '.' && !behind) {
            behind = true;
            continue;
        }
        if (!qli_is_digit(c)) {
            break;
        }
        seen = true;
        r->fraction += behind;
        if (r->n == 0 && c == '0') {
            r->point -= behind;
            continue;
        }
        if (r->n < MAX_KEPT) {
            r->digits[r->n++] = c;
        }
        r->point += !behind;
    }
    if (!seen) {
        return;
    }
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        int64_t e = 0;
        i = scan_exponent(s, i, &e);
        r->point += e;
        r->fraction -= e;
    }
    r->used = i;
}

/* Cut digits behind position keep (counted from the first), rounding half up; a carry out of the
 * front moves the point. keep < 0: nothing is left. */
static void
cut_digits(scanned *r, int64_t keep)
{
    if (keep >= (int64_t)r->n) {
        return;
    }
    if (keep < 0) {
        r->n = 0;
        return;
    }
    bool up = r->digits[keep] >= '5';
    r->n = (size_t)keep;
    if (!up) {
        return;
    }
    size_t i = r->n;
    while (i > 0 && r->digits[i - 1] == '9') {
        r->digits[--i] = '0';
    }
    if (i > 0) {
        r->digits[i - 1]++;
        return;
    }
    memmove(r->digits + 1, r->digits, r->n);
    r->digits[0] = '1';
    r->n++;
    r->point++;
}

static bool
set_from_scanned(ql_decimal *d, scanned *r)
{
    int64_t scale = r->fraction < 0 ? 0 : r->fraction;
    if (scale > QL_DECIMAL_MAX_SCALE) {
        scale = QL_DECIMAL_MAX_SCALE;
    }
    uint64_t limb[4] = {0};
    if (r->n == 0) {
        return qli_decimal_set(d, limb, (unsigned)scale, false);
    }
    if (r->point > QL_DECIMAL_MAX_DIGITS) {
        memset(r->digits, '9', QL_DECIMAL_MAX_DIGITS);
        qli_magnitude_from_digits(r->digits, QL_DECIMAL_MAX_DIGITS, limb);
        (void)qli_decimal_set(d, limb, 0, r->negative);
        return false;
    }
    if (r->point + scale > QL_DECIMAL_MAX_DIGITS) {
        scale = QL_DECIMAL_MAX_DIGITS - r->point;
    }
    cut_digits(r, r->point + scale);
    /* The digits cover `point + scale` places; missing ones are zeros. */
    char full[MAX_KEPT] = {0};
    int64_t places = r->point + scale;
    if (places <= 0 || r->n == 0) {
        return qli_decimal_set(d, limb, (unsigned)scale, false);
    }
    memcpy(full, r->digits, r->n);
    memset(full + r->n, '0', (size_t)places - r->n);
    if (places > QL_DECIMAL_MAX_DIGITS + 1) {
        places = QL_DECIMAL_MAX_DIGITS + 1;
    }
    qli_magnitude_from_digits(full, (size_t)places, limb);
    return qli_decimal_set(d, limb, (unsigned)scale, r->negative);
}

bool
ql_decimal_parse(ql_decimal *d, ql_str s, size_t *used)
{
    scanned r;
    scan_number(s, &r);
    *used = r.used;
    return set_from_scanned(d, &r);
}

bool
ql_decimal_from_double(ql_decimal *d, double v)
{
    char text[QL_DOUBLE_TEXT_MAX];
    size_t used;
    if (!isfinite(v)) {
        v = v < 0 ? -DBL_MAX : DBL_MAX;
    }
    size_t n = ql_double_print(v, text);
    return ql_decimal_parse(d, (ql_str){text, n}, &used);
}

double
ql_decimal_to_double(const ql_decimal *d)
{
    static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if ((d->limb[1] | d->limb[2] | d->limb[3]) == 0 && d->limb[0] < (1ull << 53) &&
        d->scale <= 22) {
        double v = (double)d->limb[0] / exact_power[d->scale];
        return d->negative ? -v : v;
    }
    char text[QL_DECIMAL_TEXT_MAX];
    size_t used, n = ql_decimal_print(d, text);
    bool overflow;
    return ql_double_parse((ql_str){text, n}, &used, &overflow);
}

size_t
ql_decimal_print(const ql_decimal *d, char out[QL_DECIMAL_TEXT_MAX])
{
    char digits[QL_DECIMAL_TEXT_MAX];
    size_t n, scale = d->scale;
    char *p = out;
    if ((d->limb[1] | d->limb[2] | d->limb[3]) == 0) {
        n = ql_int_print((int64_t)d->limb[0], true, digits);
    } else {
        n = qli_decimal_digits_text(d, digits);
    }
    if (d->negative) {
        *p++ = '-';
    }
    if (n > scale) {
        memcpy(p, digits, n - scale);
        p += n - scale;
        if (scale > 0) {
            *p++ = '.';
            memcpy(p, digits + n - scale, scale);
            p += scale;
        }
    } else {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', scale - n);
        p += scale - n;
        memcpy(p, digits, n);
        p += n;
    }
    *p = '\0';
    return (size_t)(p - out);
}
