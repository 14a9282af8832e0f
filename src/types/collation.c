/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of collations, and looking them up. Constant data made from
 * collations.def. What a collation does is in collate.c. No locks, no waits.
 */
#include <string.h>

#include "types/charset_int.h"
#include "types/collate_int.h"

enum coll_index {
#define QL_COLLATION(id_, name_, cs, rule_, pad, locale_, strength_) CO_##id_,
#include "types/collations.def"
    CO_COUNT
};

static const qli_coll impls[CO_COUNT] = {
#define QL_COLLATION(id_, name_, cs, rule_, pad, locale_, strength_)                               \
    [CO_##id_] = {QLI_RULE_##rule_, strength_, locale_, CO_##id_},
#include "types/collations.def"
};

static const ql_collation collations[CO_COUNT] = {
#define QL_COLLATION(id_, name_, cs, rule_, pad, locale_, strength_)                               \
    [CO_##id_] = {id_,                                                                             \
                  name_,                                                                           \
                  &qli_charsets[QLI_CS_##cs],                                                      \
                  QLI_RULE_##rule_ == QLI_RULE_BYTES,                                              \
                  (strength_) == 0,                                                                \
                  pad,                                                                             \
                  (strength_) == 1 || (strength_) == 2,                                            \
                  (strength_) == 1,                                                                \
                  &impls[CO_##id_]},
#include "types/collations.def"
};

_Static_assert(CO_COUNT <= QLI_MAX_COLLATIONS, "slots of lazily built tables");

const ql_collation *const ql_coll_binary = &collations[CO_63];
const ql_collation *const ql_coll_default = &collations[CO_255];
const ql_collation *const ql_coll_utf8mb4_bin = &collations[CO_46];

const ql_collation *
ql_collation_by_id(unsigned id)
{
    for (size_t i = 0; i < CO_COUNT; i++) {
        if (collations[i].id == id) {
            return &collations[i];
        }
    }
    return NULL;
}

/* "utf8" and "utf8_..." are the old names of utf8mb3. */
static bool
name_matches(const char *listed, ql_str name)
{
    ql_str full = {listed, strlen(listed)};
    if (ql_str_eq_nocase(full, name)) {
        return true;
    }
    if (strncmp(listed, "utf8mb3", 7) != 0 || name.n < 4 || name.n != full.n - 3) {
        return false;
    }
    return ql_str_eq_nocase((ql_str){"utf8", 4}, (ql_str){name.p, 4}) &&
           ql_str_eq_nocase((ql_str){full.p + 7, full.n - 7}, (ql_str){name.p + 4, name.n - 4});
}

const ql_collation *
ql_collation_by_name(ql_str name)
{
    for (size_t i = 0; i < CO_COUNT; i++) {
        if (name_matches(collations[i].name, name)) {
            return &collations[i];
        }
    }
    return NULL;
}

const ql_collation *
ql_charset_default(const ql_charset *cs)
{
    return ql_collation_by_id(cs->default_coll_id);
}

size_t
ql_collation_count(void)
{
    return CO_COUNT;
}

const ql_collation *
ql_collation_nth(size_t i)
{
    return i < CO_COUNT ? &collations[i] : NULL;
}
