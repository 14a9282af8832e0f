/* SPDX-License-Identifier: Apache-2.0
 *
 * What charset.c shares with the collations.
 */
#ifndef QL_TYPES_CHARSET_INT_H
#define QL_TYPES_CHARSET_INT_H

#include "types/collate.h"

/* Place of cs in the list of collations.def. */
size_t qli_charset_index(const ql_charset *cs);
/* Bytes up to the first one above 0x7f. */
size_t qli_ascii_prefix(ql_str s);

#endif
