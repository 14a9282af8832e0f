/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of the sys schema: its views exist twice, as they are read by people (long statements cut)
 * and as x$name with the raw values.
 */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "views/views_int.h"

#define STATEMENT_CHARS 64u /* sys_config's statement_truncate_len */

ql_status
qli_set_sys_statement(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str s, bool raw)
{
    if (!s.p) {
        return QL_OK;
    }
    size_t chars, half = STATEMENT_CHARS / 2 - 2;
    QL_TRY(ql_utf8_chars_long(cx, s, &chars));
    if (!raw && chars > STATEMENT_CHARS) {
        size_t head = ql_utf8_offset(s, half), tail;
        QL_TRY(ql_utf8_offset_long(cx, s, chars - half, &tail));
        s.p =
            ql_arena_printf(cx, a, "%.*s ... %.*s", (int)head, s.p, (int)(s.n - tail), s.p + tail);
        s.n = s.p ? strlen(s.p) : 0;
    }
    char *copy = s.p ? ql_arena_strndup(cx, a, s.p, s.n) : NULL;
    if (!copy) {
        return QL_ERROR;
    }
    for (size_t i = 0; !raw && i < s.n; i++) {
        copy[i] = copy[i] == '\n' ? ' ' : copy[i];
    }
    qli_set_str(v, (ql_str){copy, s.n});
    return QL_OK;
}

static char *
quote_into(char *p, ql_str name)
{
    *p++ = '`';
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '`') {
            *p++ = '`';
        }
        *p++ = name.p[i];
    }
    *p++ = '`';
    return p;
}

ql_status
qli_set_sys_table(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str db, ql_str table)
{
    char *text = ql_arena_alloc(cx, a, 2 * (db.n + table.n) + 5);
    if (!text) {
        return QL_ERROR;
    }
    char *p = quote_into(text, db);
    *p++ = '.';
    p = quote_into(p, table);
    qli_set_str(v, (ql_str){text, (size_t)(p - text)});
    return QL_OK;
}

ql_status
qli_set_sys_kills(ql_ctx *cx, ql_arena *a, ql_value *query, ql_value *connection, uint64_t conn_id)
{
    char *kill_query = ql_arena_printf(cx, a, "KILL QUERY %" PRIu64, conn_id);
    char *kill_connection = ql_arena_printf(cx, a, "KILL %" PRIu64, conn_id);
    if (!kill_query || !kill_connection) {
        return QL_ERROR;
    }
    qli_set_cstr(query, kill_query);
    qli_set_cstr(connection, kill_connection);
    return QL_OK;
}
