/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of documents in one order, whatever their types: an integer, a decimal and a double are
 * the same number where their digits are, of doubles the shortest ones that read back. Pure
 * functions.
 */
#include <string.h>

#include "json/json_int.h"

/* Digits with a point at `point` from the left; zeros at both ends taken away. */
static void
set_digits(qli_json_number *n, const char *digits, size_t count, int point)
{
    size_t from = 0;
    while (from < count && digits[from] == '0') {
        from++;
    }
    while (count > from && digits[count - 1] == '0') {
        count--;
    }
    n->n = (unsigned)(count - from);
    n->exponent = n->n > 0 ? point - (int)from : 0;
    n->negative = n->n > 0 && n->negative;
    memcpy(n->digits, digits + from, n->n);
}

/* "-123", "0.0015", "1.5e-7" */
static void
of_text(const char *p, size_t size, qli_json_number *n)
{
    char digits[QL_DECIMAL_TEXT_MAX + 8];
    size_t count = 0, i = 0;
    int point = -1, exponent = 0;
    n->negative = size > 0 && p[0] == '-';
    for (i = n->negative; i < size && p[i] != 'e'; i++) {
        if (p[i] == '.') {
            point = (int)count;
        } else {
            digits[count++] = p[i];
        }
    }
    point = point < 0 ? (int)count : point;
    if (i < size) {
        bool minus = p[++i] == '-';
        for (i += p[i] == '-' || p[i] == '+'; i < size; i++) {
            exponent = exponent * 10 + (p[i] - '0');
        }
        exponent = minus ? -exponent : exponent;
    }
    set_digits(n, digits, count, point + exponent);
}

void
qli_json_number_of(const ql_json *v, qli_json_number *n)
{
    char text[QL_DECIMAL_TEXT_MAX + 8];
    size_t size = 0;
    switch (v->type) {
    case QL_JSON_DOUBLE:
        size = ql_double_print(v->d, text);
        break;
    case QL_JSON_DECIMAL:
        size = ql_decimal_print(&v->dec, text);
        break;
    default:
        size = ql_int_print(v->i, v->type == QL_JSON_UINT, text);
        break;
    }
    of_text(text, size, n);
}

static int
compare_magnitudes(const qli_json_number *a, const qli_json_number *b)
{
    if (a->n == 0 || b->n == 0) {
        return (a->n > 0) - (b->n > 0);
    }
    if (a->exponent != b->exponent) {
        return a->exponent < b->exponent ? -1 : 1;
    }
    unsigned n = a->n < b->n ? a->n : b->n;
    int d = memcmp(a->digits, b->digits, n);
    return d != 0 ? (d > 0) - (d < 0) : (a->n > b->n) - (a->n < b->n);
}

static bool
is_integer(const ql_json *v)
{
    return v->type == QL_JSON_INT || v->type == QL_JSON_UINT;
}

int
qli_json_number_compare(const ql_json *a, const ql_json *b)
{
    if (is_integer(a) && is_integer(b)) {
        bool am = a->type == QL_JSON_INT && a->i < 0, bm = b->type == QL_JSON_INT && b->i < 0;
        return am != bm ? bm - am : (a->u > b->u) - (a->u < b->u);
    }
    if (a->type == QL_JSON_DOUBLE && b->type == QL_JSON_DOUBLE) {
        return (a->d > b->d) - (a->d < b->d);
    }
    qli_json_number x, y;
    qli_json_number_of(a, &x);
    qli_json_number_of(b, &y);
    if (x.negative != y.negative) {
        return x.negative ? -1 : 1;
    }
    int order = compare_magnitudes(&x, &y);
    return x.negative ? -order : order;
}
