/* SPDX-License-Identifier: Apache-2.0
 *
 * Making values, and the text of numbers: printing doubles and integers as MySQL prints them and
 * reading the longest numeric prefix of a text. Pure functions; no locks, no waits.
 */
#include "types/types_int.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"

ql_value
ql_value_null(void)
{
    return (ql_value){.kind = QL_K_NULL};
}

ql_value
ql_value_int(int64_t i)
{
    return (ql_value){.kind = QL_K_INT, .i = i};
}

ql_value
ql_value_uint(uint64_t u)
{
    return (ql_value){.kind = QL_K_INT, .is_unsigned = true, .u = u};
}

ql_value
ql_value_double(double d)
{
    return (ql_value){.kind = QL_K_DOUBLE, .decimals = QL_DECIMALS_DOUBLE, .d = d};
}

ql_value
ql_value_list_of(ql_kind kind, uint64_t number, const ql_members *members, const ql_collation *coll)
{
    return (ql_value){.kind = kind, .is_unsigned = true, .coll = coll, .list = {number, members}};
}

ql_value
ql_value_str(ql_str s, const ql_collation *coll)
{
    return (ql_value){.kind = QL_K_STRING, .coll = coll, .s = s};
}

size_t
ql_int_print(int64_t v, bool is_unsigned, char out[24])
{
    bool negative = !is_unsigned && v < 0;
    uint64_t u = negative ? 0 - (uint64_t)v : (uint64_t)v;
    char tmp[24];
    size_t n = 0;
    do {
        tmp[sizeof tmp - ++n] = (char)('0' + u % 10);
        u /= 10;
    } while (u != 0);
    if (negative) {
        tmp[sizeof tmp - ++n] = '-';
    }
    memcpy(out, tmp + sizeof tmp - n, n);
    return n;
}

/* Significant digits of |d| without trailing zeros; *point = place of the decimal point counted
 * from the first digit (0.d1d2... * 10^point). text is the output of "%.*e". */
static size_t
digits_of_exponential(const char *text, char digits[24], int *point)
{
    size_t n = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && n < 24) {
            digits[n++] = *text;
        }
    }
    *point = (int)strtol(text + 1, NULL, 10) + 1;
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    return n;
}

/* Fewest digits that read back as the same double (Steele & White / Gay's mode 0). 15 digits always
 * suffice for a number that has 15 digits or fewer; subnormals have less precision, so start low.
 */
static size_t
shortest_digits(double a, char digits[24], int *point)
{
    char text[40];
    int from = a < DBL_MIN ? 1 : 15;
    for (int p = from; p <= 17; p++) {
        snprintf(text, sizeof text, "%.*e", p - 1, a);
        if (p == 17 || strtod(text, NULL) == a) {
            break;
        }
    }
    return digits_of_exponential(text, digits, point);
}

static size_t
layout_exponent(bool negative, const char *digits, size_t n, int point,
                char out[QL_DOUBLE_TEXT_MAX])
{
    char *p = out;
    if (negative) {
        *p++ = '-';
    }
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, n - 1);
        p += n - 1;
    }
    p += snprintf(p, 8, "e%d", point - 1);
    return (size_t)(p - out);
}

/* point is within 18 places of the first digit. */
static size_t
layout_plain(bool negative, const char *digits, size_t n, int point, char out[QL_DOUBLE_TEXT_MAX])
{
    char *p = out;
    if (negative) {
        *p++ = '-';
    }
    if (point <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-point);
        p += -point;
        memcpy(p, digits, n);
        p += n;
    } else if ((size_t)point >= n) {
        memcpy(p, digits, n);
        p += n;
        memset(p, '0', (size_t)point - n);
        p += (size_t)point - n;
    } else {
        memcpy(p, digits, (size_t)point);
        p += point;
        *p++ = '.';
        memcpy(p, digits + point, n - (size_t)point);
        p += n - (size_t)point;
    }
    *p = '\0';
    return (size_t)(p - out);
}

/* Lay the digits out as MySQL does: plain form while the point is within 15 places (manual, "Number
 * formats"; thresholds checked against a server), exponent form otherwise. */
static size_t
layout_digits(bool negative, const char *digits, size_t n, int point, char out[QL_DOUBLE_TEXT_MAX])
{
    if (point >= -14 && (point <= 15 || (int)n > point)) {
        return layout_plain(negative, digits, n, point, out);
    }
    return layout_exponent(negative, digits, n, point, out);
}

static size_t
print_not_finite(double d, char out[QL_DOUBLE_TEXT_MAX])
{
    const char *text = isnan(d) ? "nan" : (d < 0 ? "-inf" : "inf");
    size_t n = strlen(text);
    memcpy(out, text, n + 1);
    return n;
}

/* Numbers that people write, with at most 15 digits: if m / 10^k gives back the double, then the
 * digits of m are what reads back as it, and the least k has the fewest. 0 = not one of those. */
static size_t
short_fraction(double a, char digits[24], int *point)
{
    double power = 1;
    for (int k = 1; k <= 15; k++) {
        power *= 10;
        double m = rint(a * power);
        if (m >= 1e15) {
            break;
        }
        if (m / power == a) {
            size_t n = ql_int_print((int64_t)m, false, digits);
            *point = (int)n - k;
            return n;
        }
    }
    return 0;
}

size_t
ql_double_print(double d, char out[QL_DOUBLE_TEXT_MAX])
{
    if (QL_UNLIKELY(!isfinite(d))) {
        return print_not_finite(d, out);
    }
    if (fabs(d) < 1e15 && d == (double)(int64_t)d) {
        if (d == 0 && signbit(d)) {
            memcpy(out, "-0", 3);
            return 2;
        }
        size_t n = ql_int_print((int64_t)d, false, out);
        out[n] = '\0';
        return n;
    }
    char digits[24];
    int point;
    size_t n = short_fraction(fabs(d), digits, &point);
    if (n == 0) {
        n = shortest_digits(fabs(d), digits, &point);
    }
    return layout_digits(d < 0, digits, n, point, out);
}

size_t
ql_float_print(double d, char out[QL_DOUBLE_TEXT_MAX])
{
    if (QL_UNLIKELY(!isfinite(d))) {
        return print_not_finite(d, out);
    }
    char text[40], digits[24];
    int point;
    snprintf(text, sizeof text, "%.*e", FLT_DIG - 1, fabs(d));
    size_t n = digits_of_exponential(text, digits, &point);
    if (n == 1 && digits[0] == '0') {
        memcpy(out, "0", 2);
        return 1;
    }
    return layout_digits(d < 0, digits, n, point, out);
}

/* What a numeric prefix consists of; offsets into the text. */
typedef struct number_shape {
    size_t end;     /* behind the prefix; 0 = no number */
    bool negative;  /* sign */
    uint64_t small; /* digits as integer while there are at most 19 */
    size_t ndigits; /* significant digits */
    size_t nint;    /* digits before the point, leading zeros not counted */
    int64_t
        exponent; /* of the 'e' part plus the shift of the point: value = digits * 10^exponent */
} number_shape;

/* text of significant digits goes to digits[cap]; those beyond are dropped into the exponent. */
static number_shape
number_scan(ql_str s, char *digits, size_t cap)
{
    number_shape r = {0};
    size_t i = 0;
    while (i < s.n && qli_is_blank(s.p[i])) {
        i++;
    }
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+')) {
        r.negative = s.p[i] == '-';
        i++;
    }
    bool seen = false, point = false;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '.' && !point) {
            if (!seen && !(i + 1 < s.n && qli_is_digit(s.p[i + 1]))) {
                break;
            }
            point = true;
            continue;
        }
        if (!qli_is_digit(c)) {
            break;
        }
        seen = true;
        if (r.ndigits == 0 && c == '0') {
            r.exponent -= point;
            continue;
        }
        if (r.ndigits < cap) {
            digits[r.ndigits++] = c;
            r.exponent -= point;
            if (r.ndigits <= 19) {
                r.small = r.small * 10 + (uint64_t)(c - '0');
            }
        } else {
            r.exponent += !point;
        }
    }
    if (!seen) {
        return (number_shape){0};
    }
    r.end = i;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        size_t j = i + 1;
        bool neg = false;
        if (j < s.n && (s.p[j] == '-' || s.p[j] == '+')) {
            neg = s.p[j] == '-';
            j++;
        }
        if (j < s.n && qli_is_digit(s.p[j])) {
            int64_t e = 0;
            for (; j < s.n && qli_is_digit(s.p[j]); j++) {
                if (e < 1000000) {
                    e = e * 10 + (s.p[j] - '0');
                }
            }
            r.exponent += neg ? -e : e;
            r.end = j;
        }
    }
    return r;
}

double
ql_double_parse(ql_str s, size_t *used, bool *overflow)
{
    static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char text[800 + 32]; /* 767 digits decide any rounding of a double */
    number_shape r = number_scan(s, text, 800);
    *used = r.end;
    *overflow = false;
    if (r.end == 0 || r.ndigits == 0) {
        return r.negative ? -0.0 : 0.0;
    }
    double d;
    if (r.ndigits <= 15 && r.exponent >= -22 && r.exponent <= 22) {
        d = (double)r.small;
        d = r.exponent < 0 ? d / exact_power[-r.exponent] : d * exact_power[r.exponent];
    } else {
        snprintf(text + r.ndigits, 32, "e%lld", (long long)r.exponent);
        d = strtod(text, NULL);
        if (isinf(d)) {
            *overflow = true;
            d = DBL_MAX;
        }
    }
    return r.negative ? -d : d;
}

int64_t
ql_int_parse(ql_str s, size_t *used, bool *overflow, bool *is_unsigned)
{
    size_t i = 0;
    bool negative = false, seen = false;
    uint64_t u = 0;
    *overflow = false;
    *is_unsigned = false;
    while (i < s.n && qli_is_blank(s.p[i])) {
        i++;
    }
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+')) {
        negative = s.p[i] == '-';
        i++;
    }
    for (; i < s.n && qli_is_digit(s.p[i]); i++) {
        seen = true;
        if (__builtin_mul_overflow(u, (uint64_t)10, &u) ||
            __builtin_add_overflow(u, (uint64_t)(s.p[i] - '0'), &u)) {
            *overflow = true;
            u = UINT64_MAX;
            while (i < s.n && qli_is_digit(s.p[i])) {
                i++;
            }
            break;
        }
    }
    *used = seen ? i : 0;
    if (!negative) {
        *is_unsigned = u > INT64_MAX;
        return (int64_t)u;
    }
    if (u > (uint64_t)INT64_MAX + 1) {
        *overflow = true;
        return INT64_MIN;
    }
    return (int64_t)(0 - u);
}

bool
ql_double_print_fit(double d, bool is_float, size_t width, char out[QL_DOUBLE_TEXT_MAX], size_t *n)
{
    char text[40], digits[24];
    *n = is_float ? ql_float_print(d, out) : ql_double_print(d, out);
    if (*n <= width || !isfinite(d)) {
        return *n <= width;
    }
    for (int p = is_float ? 6 : 17; p > 0; p--) {
        int point;
        snprintf(text, sizeof text, "%.*e", p - 1, fabs(d));
        size_t ndigits = digits_of_exponential(text, digits, &point);
        if (point >= -14 && point <= 18) {
            *n = layout_plain(d < 0, digits, ndigits, point, out);
            if (*n <= width) {
                return true;
            }
        }
        *n = layout_exponent(d < 0, digits, ndigits, point, out);
        if (*n + (ndigits == 1) <= width) { /* MySQL wants room for the point in any case */
            return true;
        }
    }
    *n = 1;
    out[0] = '0';
    return width > 1 && fabs(d) < 0.5 && fabs(d) >= 0.001; /* smaller ones are seen as exponents */
}

size_t
ql_double_print_fixed(double d, unsigned decimals, char out[QL_VALUE_TEXT_MAX])
{
    char text[QL_VALUE_TEXT_MAX];
    size_t n = 0;
    bool point = false;
    snprintf(text, sizeof text, "%.*f", (int)decimals, d);
    for (const char *p = text; *p != '\0'; p++) {
        if ((*p >= '0' && *p <= '9') || *p == '-') {
            out[n++] = *p;
        } else if (!point) { /* whatever the locale has for it, in one byte or more */
            out[n++] = '.';
            point = true;
        }
    }
    return n;
}

ql_status
ql_value_identical(ql_ctx *cx, const ql_value *a, const ql_value *b, bool *same)
{
    int order;
    *same = a->kind == b->kind;
    if (!*same || a->kind == QL_K_NULL) {
        return QL_OK;
    }
    switch (ql_kind_slot(a->kind)) {
    case QL_SLOT_STRING:
        *same = a->s.n == b->s.n;
        if (*same && a->s.n != 0) {
            QL_TRY(ql_bulk_compare(cx, a->s.p, b->s.p, a->s.n, &order));
            *same = order == 0;
        }
        break;
    case QL_SLOT_DECIMAL:
        *same = ql_decimal_cmp(&a->dec, &b->dec) == 0;
        break;
    default:
        *same = a->i == b->i;
        break;
    }
    return QL_OK;
}
