/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.CHARACTER_SETS; SHOW CHARACTER SET is a projection of it. Descriptions are
 * MySQL's.
 */
#include <string.h>

#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(CHARACTER_SET_NAME, 's', 64, NN)                                                             \
    C(DEFAULT_COLLATE_NAME, 's', 64, NN)                                                           \
    C(DESCRIPTION, 's', 2048, NN)                                                                  \
    C(MAXLEN, 'm', 0, NN)
QLI_COLUMNS(character_sets, COLUMNS);

static const char *
description(const char *charset)
{
    static const char *const words[][2] = {
        {"ascii", "US ASCII"},
        {"big5", "Big5 Traditional Chinese"},
        {"binary", "Binary pseudo charset"},
        {"cp1250", "Windows Central European"},
        {"cp1251", "Windows Cyrillic"},
        {"cp1256", "Windows Arabic"},
        {"cp1257", "Windows Baltic"},
        {"cp850", "DOS West European"},
        {"cp852", "DOS Central European"},
        {"cp866", "DOS Russian"},
        {"cp932", "SJIS for Windows Japanese"},
        {"euckr", "EUC-KR Korean"},
        {"gb18030", "China National Standard GB18030"},
        {"gb2312", "GB2312 Simplified Chinese"},
        {"gbk", "GBK Simplified Chinese"},
        {"greek", "ISO 8859-7 Greek"},
        {"hebrew", "ISO 8859-8 Hebrew"},
        {"koi8r", "KOI8-R Relcom Russian"},
        {"koi8u", "KOI8-U Ukrainian"},
        {"latin1", "cp1252 West European"},
        {"latin2", "ISO 8859-2 Central European"},
        {"latin5", "ISO 8859-9 Turkish"},
        {"latin7", "ISO 8859-13 Baltic"},
        {"sjis", "Shift-JIS Japanese"},
        {"tis620", "TIS620 Thai"},
        {"ucs2", "UCS-2 Unicode"},
        {"ujis", "EUC-JP Japanese"},
        {"utf16", "UTF-16 Unicode"},
        {"utf16le", "UTF-16LE Unicode"},
        {"utf32", "UTF-32 Unicode"},
        {"utf8mb3", "UTF-8 Unicode"},
        {"utf8mb4", "UTF-8 Unicode"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        if (strcmp(words[i][0], charset) == 0) {
            return words[i][1];
        }
    }
    return charset;
}

ql_status
qli_fill_character_sets(ql_ctx *cx, ql_view_rows *r)
{
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_value *v;
        if (c->charset->default_coll_id != c->id) {
            continue;
        }
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_CHARACTER_SET_NAME], c->charset->name);
        qli_set_cstr(&v[COL_DEFAULT_COLLATE_NAME], c->name);
        qli_set_cstr(&v[COL_DESCRIPTION], description(c->charset->name));
        v[COL_MAXLEN] = ql_value_uint(c->charset->max_bytes);
    }
    return QL_OK;
}
