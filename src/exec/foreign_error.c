/* SPDX-License-Identifier: Apache-2.0
 *
 * A foreign key as messages show it. Session's thread; no waits.
 */
#include "base/bulk.h"
#include "catalog/foreign.h"
#include "exec/foreign_int.h"

#define TEXT_BYTES 192 /* of it that messages show, as in MySQL */

static ql_status
put_key(ql_ctx *cx, ql_buf *b, const ql_table *child, const ql_foreign_key *k)
{
    QL_TRY(ql_buf_put_name(cx, b, child->db));
    QL_TRY(ql_buf_put_str(cx, b, "."));
    QL_TRY(ql_buf_put_name(cx, b, child->name));
    QL_TRY(ql_buf_put_str(cx, b, ", "));
    return ql_foreign_print(cx, b, child, k);
}

ql_status
qli_fk_text(ql_ctx *cx, const ql_table *child, const ql_foreign_key *key, const char **out)
{
    ql_buf b = {0};
    ql_status st = put_key(cx, &b, child, key);
    if (st == QL_OK) {
        size_t n = b.n;
        if (n > TEXT_BYTES) {
            for (n = TEXT_BYTES; n > 0 && ((unsigned char)b.p[n] & 0xC0) == 0x80;) {
                n--; /* not inside a character */
            }
        }
        *out = ql_arena_strndup(cx, cx->arena, b.p, n);
        st = *out != NULL ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&b);
    return st;
}
