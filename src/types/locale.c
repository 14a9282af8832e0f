/* SPDX-License-Identifier: Apache-2.0
 *
 * The lists of locales.def. Pure functions; no locks, no waits.
 */
#include "types/locale.h"

#include <string.h>

#include "types/collate.h"

#define QL_LOCALE_NAMES(set, months, short_months, days, short_days)                               \
    static const ql_locale_names names_##set = {months, short_months, days, short_days};
#include "types/locales.def"

static const ql_locale locales[] = {
#define QL_LOCALE(name, set, point, separator, first, others)                                      \
    {#name, &names_##set, point, separator, first, others},
#include "types/locales.def"
};

const ql_locale *const ql_locale_default = &locales[0];

const ql_locale *
ql_locale_find(ql_str name)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(locales); i++) {
        if (ql_str_eq_nocase(name, (ql_str){locales[i].name, strlen(locales[i].name)})) {
            return &locales[i];
        }
    }
    return NULL;
}

const ql_locale *
ql_locale_at(uint64_t number)
{
    return number < QL_ARRAY_LEN(locales) ? &locales[number] : NULL;
}

ql_str
ql_locale_name(const char *list, unsigned nth)
{
    for (; nth > 0; nth--) {
        list = strchr(list, '|') + 1;
    }
    return (ql_str){list, strcspn(list, "|")};
}

unsigned
ql_locale_longest(const char *list)
{
    unsigned most = 0, n = 0;
    for (; *list != '\0'; list++) {
        bool begins = ((unsigned char)*list & 0xc0) != 0x80;
        n = *list == '|' ? 0 : n + begins;
        most = n > most ? n : most;
    }
    return most;
}
