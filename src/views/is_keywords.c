/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.KEYWORDS: the words of the list that the lexer is made from.
 */
#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(WORD, 's', 128, NUL)                                                                         \
    C(RESERVED, 'n', 0, NUL)
QLI_COLUMNS(keywords, COLUMNS);

ql_status
qli_fill_keywords(ql_ctx *cx, ql_view_rows *r)
{
    enum { RESERVED, UNRESERVED, BEFORE_PAREN };
    static const struct {
        const char *word;
        int class;
    } words[] = {
#define QL_KEYWORD(word, class) {#word, class},
#include "catalog/keywords.def"
#undef QL_KEYWORD
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_WORD], words[i].word);
        v[COL_RESERVED] = ql_value_int(words[i].class == RESERVED);
    }
    return QL_OK;
}
