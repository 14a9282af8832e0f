/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.INNODB_TEMP_TABLE_INFO: the temporary tables of all sessions (MySQL 8.4
 * manual): without the names that they were given, and with three columns more each, as there.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "views/views_int.h"

#define HIDDEN_COLUMNS 3u    /* DB_ROW_ID, DB_TRX_ID, DB_ROLL_PTR */
#define SPACE_ID 4294502265u /* of the first temporary tablespace of a session */

#define COLUMNS(C)                                                                                 \
    C(TABLE_ID, 'u', 0, NN)                                                                        \
    C(NAME, 's', 64, NUL)                                                                          \
    C(N_COLS, 'u', 0, NN)                                                                          \
    C(SPACE, 'u', 0, NN)
QLI_COLUMNS(innodb_temp_table_info, COLUMNS);

ql_status
qli_fill_innodb_temp_table_info(ql_ctx *cx, ql_view_rows *r)
{
    ql_temporary_info *list;
    size_t n;
    QL_TRY(qli_view_require_process(cx));
    QL_TRY(ql_temporary_list(cx, r->a, &list, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *v;
        char *name = ql_arena_printf(cx, r->a, "#sql%llx_%llx", (unsigned long long)list[i].conn_id,
                                     (unsigned long long)list[i].id);
        QL_TRY(name ? ql_view_row(cx, r, &v) : QL_ERROR);
        v[COL_TABLE_ID] = ql_value_uint(list[i].id);
        qli_set_cstr(&v[COL_NAME], name);
        v[COL_N_COLS] = ql_value_uint(list[i].ncolumns + HIDDEN_COLUMNS);
        v[COL_SPACE] = ql_value_uint(SPACE_ID);
    }
    return QL_OK;
}
