/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as error messages show them: short, printable, NUL-terminated. Pure functions.
 */
#include <stdio.h>
#include <string.h>

#include "types/types_int.h"

const char *
qli_err_text(ql_str s, bool is_binary, char out[QLI_ERR_TEXT])
{
    size_t n = 0, i = 0;
    while (i < s.n && n < 124) {
        uint32_t cp;
        unsigned char c = (unsigned char)s.p[i];
        int used = is_binary ? (c < 0x80) : ql_utf8_decode(s.p + i, s.n - i, &cp);
        if (used == 0 || c < ' ') {
            n += (size_t)snprintf(out + n, 5, "\\x%02X", c);
            i++;
            continue;
        }
        memcpy(out + n, s.p + i, (size_t)used);
        n += (size_t)used;
        i += (size_t)used;
    }
    if (i < s.n) {
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n] = '\0';
    return out;
}

const char *
qli_err_value(const ql_value *v, char out[QLI_ERR_TEXT])
{
    if (v->kind == QL_K_STRING) {
        return qli_err_text(v->s, v->coll == ql_coll_binary, out);
    }
    if (v->kind == QL_K_NULL) {
        return strcpy(out, "NULL");
    }
    if (v->kind == QL_K_ENUM && v->list.members != NULL && v->u >= 1 &&
        v->u <= v->list.members->n) {
        return qli_err_text(v->list.members->names[v->u - 1], v->coll == ql_coll_binary, out);
    }
    char text[QL_VALUE_TEXT_MAX];
    size_t n = ql_value_print(v, text);
    return qli_err_text((ql_str){text, n}, true, out);
}
