/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.CHARACTER_SETS; SHOW CHARACTER SET is a projection of it. Descriptions are
 * MySQL's.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CHARACTER_SET_NAME, 's', 64, NN)                                                             \
    C(DEFAULT_COLLATE_NAME, 's', 64, NN)                                                           \
    C(DESCRIPTION, 's', 2048, NN)                                                                  \
    C(MAXLEN, 'm', 0, NN)
QLI_COLUMNS(character_sets, COLUMNS);

ql_status
qli_fill_character_sets(ql_ctx *cx, ql_view_rows *r)
{
    for (size_t i = 0; i < ql_charset_count(); i++) {
        const ql_charset *cs = ql_charset_nth(i);
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_CHARACTER_SET_NAME], cs->name);
        qli_set_cstr(&v[COL_DEFAULT_COLLATE_NAME], ql_charset_default(cs)->name);
        qli_set_cstr(&v[COL_DESCRIPTION], cs->description);
        v[COL_MAXLEN] = ql_value_uint(cs->max_bytes);
    }
    return QL_OK;
}
