/* SPDX-License-Identifier: Apache-2.0
 *
 * Locales by MySQL's names: names of days and months (lc_time_names), how FORMAT writes numbers.
 * Constant data.
 */
#ifndef QL_TYPES_LOCALE_H
#define QL_TYPES_LOCALE_H

#include "base/ctx.h"

typedef struct ql_locale_names {
    const char *months, *short_months, *days, *short_days; /* with | between them; Monday first */
} ql_locale_names;

typedef struct ql_locale {
    const char *name;
    const ql_locale_names *names;
    char point, separator;
    uint8_t first, others; /* digits of the group before the point, of those before it; 0: none */
} ql_locale;

extern const ql_locale *const ql_locale_default; /* en_US */
/* In whatever case; NULL: not known. */
const ql_locale *ql_locale_find(ql_str name);
/* MySQL's number of it; NULL: there is none. */
const ql_locale *ql_locale_at(uint64_t number);
/* The nth name of a list, from 0. */
ql_str ql_locale_name(const char *list, unsigned nth);
/* Characters of the longest name of a list. */
unsigned ql_locale_longest(const char *list);

#endif
