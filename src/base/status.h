/* SPDX-License-Identifier: Apache-2.0
 *
 * Result of every function that can fail, wait or be killed, and the two macros that pass it on.
 * Header only; used by every directory.
 */
#ifndef QL_BASE_STATUS_H
#define QL_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum ql_status {
    QL_OK,      /* done */
    QL_END,     /* nothing (more) there: end of scan, key absent; not an error, no diagnostics */
    QL_TIMEOUT, /* the deadline of a wait passed; no diagnostics, the caller words the error */
    QL_ERROR,   /* failed; the detector has put the error into cx->diag with ql_fail() */
    QL_KILLED,  /* the statement or connection was told to stop; worded by ql_check()/ql_wait() */
} ql_status;

#define QL_MUST_USE __attribute__((warn_unused_result))
#define QL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define QL_LIKELY(x) __builtin_expect(!!(x), 1)
#define QL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define QL_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Return at once with anything but QL_OK; only while nothing but arena memory is owned. */
#define QL_TRY(expr)                                                                               \
    do {                                                                                           \
        ql_status ql_try_st_ = (expr);                                                             \
        if (QL_UNLIKELY(ql_try_st_ != QL_OK)) {                                                    \
            return ql_try_st_;                                                                     \
        }                                                                                          \
    } while (0)

/* Store the status in st and jump to the function's one clean-up label with anything but QL_OK. */
#define QL_TRY_TO(st, expr, out)                                                                   \
    do {                                                                                           \
        (st) = (expr);                                                                             \
        if (QL_UNLIKELY((st) != QL_OK)) {                                                          \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* A string with its length; not NUL-terminated; who owns the bytes is said where it is used. */
typedef struct ql_str {
    const char *p;
    size_t n;
} ql_str;

#define QL_STR(lit) ((ql_str){(lit), sizeof(lit) - 1})

/* Order of bytes, a prefix before what it begins: that of stored keys. Below, at or above 0. */
static inline int
ql_str_cmp(ql_str a, ql_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n != 0 ? memcmp(a.p, b.p, n) : 0;
    return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

#endif
