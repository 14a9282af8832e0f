/* SPDX-License-Identifier: Apache-2.0
 *
 * Characters and short texts as this server reads them: ASCII, whatever the locale of the process.
 * What the C library has for that follows setlocale, which is the affair of the program that runs
 * an instance; tools/check_raw_calls.py keeps it out of src/. Numbers with a point are read and
 * printed in types/value.h.
 */
#ifndef QL_BASE_TEXT_H
#define QL_BASE_TEXT_H

#include "base/status.h"

static inline bool
ql_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool
ql_is_alnum(char c)
{
    return ql_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/* Blank, tab, line ends, form feed. */
static inline bool
ql_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline char
ql_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
/* Order of the first n bytes of both, ASCII letters without case. Below, at or above 0. */
static inline int
ql_ascii_compare(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int x = (unsigned char)ql_ascii_lower(a[i]), y = (unsigned char)ql_ascii_lower(b[i]);
        if (x != y) {
            return x - y;
        }
    }
    return 0;
}

/* The same of whole names, a longer one behind its beginning. For sorting. */
static inline int
ql_name_order(ql_str a, ql_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n != 0 ? ql_ascii_compare(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* What the system says of an errno, in English; constant memory. */
static inline const char *
ql_errno_text(int err)
{
    const char *s = strerrordesc_np(err);
    return s != NULL ? s : "unknown error";
}

#endif
