/* SPDX-License-Identifier: Apache-2.0
 *
 * What reader and writer of text files share.
 */
#ifndef QL_TYPES_TEXTFILE_INT_H
#define QL_TYPES_TEXTFILE_INT_H

#include "types/textfile.h"

/* lead[c]: c begins a character of two bytes whose second may be an ASCII one. */
void qli_text_leads(const ql_charset *cs, bool lead[256]);
/* First byte of s, -1 when it is empty. */
static inline int
qli_first_byte(ql_str s)
{
    return s.n != 0 ? (uint8_t)s.p[0] : -1;
}

#endif
