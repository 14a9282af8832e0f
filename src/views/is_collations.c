/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.COLLATIONS; SHOW COLLATION is a projection of it. And the same shorter,
 * COLLATION_CHARACTER_SET_APPLICABILITY: its two columns are the first two.
 */
#include <string.h>

#include "views/views_int.h"

#define NAMES(C)                                                                                   \
    C(COLLATION_NAME, 's', 64, NN)                                                                 \
    C(CHARACTER_SET_NAME, 's', 64, NN)
#define COLUMNS(C)                                                                                 \
    NAMES(C)                                                                                       \
    C(ID, 'u', 0, NN)                                                                              \
    C(IS_DEFAULT, 's', 3, NN)                                                                      \
    C(IS_COMPILED, 's', 3, NN)                                                                     \
    C(SORTLEN, 'm', 0, NN)                                                                         \
    C(PAD_ATTRIBUTE, 's', 9, BIN)
QLI_COLUMNS(collations, COLUMNS);
QLI_PLAIN_COLUMNS(collation_charset, NAMES);

static ql_status
add_names(ql_ctx *cx, ql_view_rows *r, const ql_collation *c, ql_value **v)
{
    QL_TRY(ql_view_row(cx, r, v));
    qli_set_cstr(&(*v)[COL_COLLATION_NAME], c->name);
    qli_set_cstr(&(*v)[COL_CHARACTER_SET_NAME], c->charset->name);
    return QL_OK;
}

ql_status
qli_fill_collation_charset(ql_ctx *cx, ql_view_rows *r)
{
    for (size_t i = 0; i < ql_collation_count(); i++) {
        ql_value *v;
        QL_TRY(add_names(cx, r, ql_collation_nth(i), &v));
    }
    return QL_OK;
}

/* MySQL's figures: how many bytes of memory sorting takes a byte of text; 0 for its newest ones. */
static unsigned
sort_length(const ql_collation *c)
{
    bool is_unicode = strncmp(c->name, "utf", 3) == 0 || strncmp(c->name, "ucs", 3) == 0;
    static const struct {
        uint16_t id;
        uint8_t bytes;
    } others[] = {{2, 4}, {18, 4}, {31, 2}, {34, 2}, {248, 2}, {250, 8}, {304, 24}};
    for (size_t i = 0; i < QL_ARRAY_LEN(others); i++) {
        if (others[i].id == c->id) {
            return others[i].bytes;
        }
    }
    if (c->is_binary || !is_unicode || strstr(c->name, "_general_") ||
        strstr(c->name, "_tolower_")) {
        return 1;
    }
    return c->pad_space ? 8 : 0;
}

ql_status
qli_fill_collations(ql_ctx *cx, ql_view_rows *r)
{
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_value *v;
        QL_TRY(add_names(cx, r, c, &v));
        v[COL_ID] = ql_value_uint(c->id);
        qli_set_cstr(&v[COL_IS_DEFAULT], c->charset->default_coll_id == c->id ? "Yes" : "");
        qli_set_cstr(&v[COL_IS_COMPILED], "Yes");
        v[COL_SORTLEN] = ql_value_uint(sort_length(c));
        qli_set_cstr(&v[COL_PAD_ATTRIBUTE], c->pad_space ? "PAD SPACE" : "NO PAD");
    }
    return QL_OK;
}
