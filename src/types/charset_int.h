/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of character sets, and what charset.c and utf8.c share with the collations.
 */
#ifndef QL_TYPES_CHARSET_INT_H
#define QL_TYPES_CHARSET_INT_H

#include "types/codes.h"
#include "types/collate.h"

enum {
#define QL_CHARSET(symbol, name, description, most, least, coll, form, icu) QLI_CS_##symbol,
#include "types/charsets.def"
    QLI_CS_COUNT
};
extern const ql_charset qli_charsets[QLI_CS_COUNT];

/* Place of cs in the list. */
static inline size_t
qli_charset_index(const ql_charset *cs)
{
    return (size_t)(cs - qli_charsets);
}
/* Bytes up to the first one above 0x7f. */
size_t qli_ascii_prefix(ql_str s);

#endif
