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
#define QL_COLLATION_WAS(...)
#include "types/collations.def"
    CO_COUNT, /* behind those that are shown: the earlier forms of some of them */
    CO_LAST = CO_COUNT - 1,
#define QL_COLLATION(...)
#define QL_COLLATION_WAS(id_, name_, cs, rule_, pad, locale_, strength_) CO_WAS_##id_,
#include "types/collations.def"
    CO_ALL
};

static const qli_coll impls[CO_ALL] = {
#define QL_COLLATION(id_, name_, cs, rule_, pad, locale_, strength_)                               \
    [CO_##id_] = {QLI_RULE_##rule_, strength_, locale_, CO_##id_},
#define QL_COLLATION_WAS(id_, name_, cs, rule_, pad, locale_, strength_)                           \
    [CO_WAS_##id_] = {QLI_RULE_##rule_, strength_, locale_, CO_WAS_##id_},
#include "types/collations.def"
};

#define ROW(at, id_, name_, cs, rule_, pad, strength_)                                             \
    [at] = {id_,                                                                                   \
            name_,                                                                                 \
            &qli_charsets[QLI_CS_##cs],                                                            \
            QLI_RULE_##rule_ == QLI_RULE_BYTES,                                                    \
            (strength_) == 0,                                                                      \
            pad,                                                                                   \
            (strength_) == 1 || (strength_) == 2,                                                  \
            (strength_) == 1,                                                                      \
            &impls[at]},
static const ql_collation collations[CO_ALL] = {
#define QL_COLLATION(id_, name_, cs, rule_, pad, locale_, strength_)                               \
    ROW(CO_##id_, id_, name_, cs, rule_, pad, strength_)
#define QL_COLLATION_WAS(id_, name_, cs, rule_, pad, locale_, strength_)                           \
    ROW(CO_WAS_##id_, id_, name_, cs, rule_, pad, strength_)
#include "types/collations.def"
};

_Static_assert(CO_ALL <= QLI_MAX_COLLATIONS, "slots of lazily built tables");

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

/* Numbers of those that were otherwise once, as they are now. */
#define STORED_NEW 0x8000u

static const ql_collation *
earlier_form(unsigned id)
{
    for (size_t i = CO_COUNT; i < CO_ALL; i++) {
        if (collations[i].id == id) {
            return &collations[i];
        }
    }
    return NULL;
}

unsigned
ql_collation_stored(const ql_collation *c)
{
    bool changed = c < &collations[CO_COUNT] && earlier_form(c->id) != NULL;
    return c->id | (changed ? STORED_NEW : 0);
}

const ql_collation *
ql_collation_of_stored(unsigned stored)
{
    const ql_collation *was = earlier_form(stored & ~STORED_NEW);
    if (stored & STORED_NEW) {
        return was != NULL ? ql_collation_by_id(stored & ~STORED_NEW) : NULL;
    }
    return was != NULL ? was : ql_collation_by_id(stored);
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
