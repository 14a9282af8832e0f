/* SPDX-License-Identifier: Apache-2.0
 *
 * sql_mode: names to bits and back. Combination modes (ANSI, TRADITIONAL) set their members, as the
 * MySQL manual lists them (Server SQL Modes). Pure functions.
 */
#include <stdlib.h>
#include <string.h>

#include "types/store.h"
#include "vars/vars_int.h"

#define ANSI_BITS                                                                                  \
    (QL_MODE_REAL_AS_FLOAT | QL_MODE_PIPES_AS_CONCAT | QL_MODE_ANSI_QUOTES |                       \
     QL_MODE_IGNORE_SPACE | QL_MODE_ONLY_FULL_GROUP_BY)
#define TRADITIONAL_BITS                                                                           \
    (QL_MODE_STRICT_TRANS | QL_MODE_STRICT_ALL | QL_MODE_NO_ZERO_IN_DATE | QL_MODE_NO_ZERO_DATE |  \
     QL_MODE_DIV_BY_ZERO | QL_MODE_NO_ENGINE_SUBST)

/* In MySQL's order of printing; number: the bit of SET sql_mode = <number>. */
static const struct {
    const char *name;
    uint64_t bits;
    unsigned number;
} modes[] = {
    {"REAL_AS_FLOAT", QL_MODE_REAL_AS_FLOAT, 0},
    {"PIPES_AS_CONCAT", QL_MODE_PIPES_AS_CONCAT, 1},
    {"ANSI_QUOTES", QL_MODE_ANSI_QUOTES, 2},
    {"IGNORE_SPACE", QL_MODE_IGNORE_SPACE, 3},
    {"ONLY_FULL_GROUP_BY", QL_MODE_ONLY_FULL_GROUP_BY, 5},
    {"NO_UNSIGNED_SUBTRACTION", QL_MODE_NO_UNSIGNED_SUB, 6},
    {"NO_DIR_IN_CREATE", QL_MODE_NO_DIR_IN_CREATE, 7},
    {"ANSI", QL_MODE_ANSI | ANSI_BITS, 18},
    {"NO_AUTO_VALUE_ON_ZERO", QL_MODE_NO_AUTO_VALUE_ON_ZERO, 19},
    {"NO_BACKSLASH_ESCAPES", QL_MODE_NO_BACKSLASH_ESCAPES, 20},
    {"STRICT_TRANS_TABLES", QL_MODE_STRICT_TRANS, 21},
    {"STRICT_ALL_TABLES", QL_MODE_STRICT_ALL, 22},
    {"NO_ZERO_IN_DATE", QL_MODE_NO_ZERO_IN_DATE, 23},
    {"NO_ZERO_DATE", QL_MODE_NO_ZERO_DATE, 24},
    {"ALLOW_INVALID_DATES", QL_MODE_ALLOW_INVALID_DATES, 25},
    {"ERROR_FOR_DIVISION_BY_ZERO", QL_MODE_DIV_BY_ZERO, 26},
    {"TRADITIONAL", QL_MODE_TRADITIONAL | TRADITIONAL_BITS, 27},
    {"HIGH_NOT_PRECEDENCE", QL_MODE_HIGH_NOT, 29},
    {"NO_ENGINE_SUBSTITUTION", QL_MODE_NO_ENGINE_SUBST, 30},
    {"PAD_CHAR_TO_FULL_LENGTH", QL_MODE_PAD_CHAR, 31},
    {"TIME_TRUNCATE_FRACTIONAL", QL_MODE_TIME_TRUNC, 32},
};

static bool
parse_number(ql_str s, uint64_t *bits)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || v > UINT32_MAX * 4ull) {
            return false;
        }
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *bits = 0;
    for (size_t i = 0; i < QL_ARRAY_LEN(modes); i++) {
        uint64_t bit = (uint64_t)1 << modes[i].number;
        if (v & bit) {
            *bits |= modes[i].bits;
            v &= ~bit;
        }
    }
    return v == 0;
}

static bool
find_mode(ql_str name, uint64_t *bits)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(modes); i++) {
        if (ql_str_eq_nocase(name, (ql_str){modes[i].name, strlen(modes[i].name)})) {
            *bits |= modes[i].bits;
            return true;
        }
    }
    return false;
}

bool
qli_sql_mode_parse(ql_str list, uint64_t *bits, ql_str *bad)
{
    *bits = 0;
    *bad = list;
    if (list.n && list.p[0] >= '0' && list.p[0] <= '9') {
        return parse_number(list, bits);
    }
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        ql_str word = {list.p, comma ? (size_t)(comma - list.p) : list.n};
        size_t step = word.n + (comma != NULL);
        list.p += step;
        list.n -= step;
        if (word.n && !find_mode(word, bits)) {
            *bad = word;
            return false;
        }
    }
    return true;
}

size_t
qli_sql_mode_print(uint64_t bits, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < QL_ARRAY_LEN(modes); i++) {
        size_t len = strlen(modes[i].name);
        if ((bits & modes[i].bits) == modes[i].bits && n + len + 2 < size) {
            if (n) {
                out[n++] = ',';
            }
            memcpy(out + n, modes[i].name, len);
            n += len;
        }
    }
    out[n] = '\0';
    return n;
}

unsigned
ql_store_mode(const ql_ctx *cx, bool strict)
{
    uint64_t m = cx->vars->sql_mode;
    return (strict ? QL_STORE_STRICT : 0) | (m & QL_MODE_NO_ZERO_DATE ? QL_STORE_NO_ZERO_DATE : 0) |
           (m & QL_MODE_NO_ZERO_IN_DATE ? QL_STORE_NO_ZERO_IN_DATE : 0);
}
