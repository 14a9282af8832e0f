/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW OPEN TABLES; COM_FIELD_LIST. Opens tables under shared metadata locks (may wait: MDL).
 */
#include <string.h>

#include "stmts/stmts_int.h"

/* There is no cache of open tables that had something to tell. */
ql_status
qli_show_open_tables(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    qli_table t;
    if (s->table.db.n > 0 && !ql_acl_sees_db(cx, s->table.db)) {
        return ql_acl_db_denied(cx, s->table.db);
    }
    QL_TRY(qli_table_init(run, &t, 4));
    qli_table_string(&t, 0, "Database", 64, false);
    qli_table_string(&t, 1, "Table", 64, false);
    qli_table_column(&t, 2, "In_use", ql_type_int(false));
    qli_table_column(&t, 3, "Name_locked", ql_type_int(false));
    return qli_table_send(cx, &t, s, 1);
}

ql_status
ql_exec_field_list(ql_ctx *cx, ql_str table, ql_str wild, ql_result_column **cols, uint16_t *n)
{
    ql_ast_table_name name = {.name = table};
    ql_table *t;
    ql_expr text = {.kind = QL_E_SLOT}, constant = {.kind = QL_E_CONST, .is_constant = true};
    ql_expr *args[2] = {&text, &constant};
    ql_expr e = {.op = QL_OP_LIKE, .args = args, .nargs = 2, .coll = ql_coll_default};
    ql_call call = {.expr = &e, .arena = cx->arena, .mem = cx->arena};
    *n = 0;
    QL_TRY(qli_open_shown(cx, cx->arena, &name, &t));
    *cols = QL_ARENA_ARRAY(cx, cx->arena, ql_result_column, t->ncolumns + 1);
    if (*cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        const ql_column *c = &t->columns[i];
        if (wild.n > 0) {
            ql_value v[2] = {qli_text_n(c->name), qli_text_n(wild)}, yes = ql_value_null();
            QL_TRY(ql_fn_like(cx, &call, v, 2, &yes));
            if (yes.i == 0) {
                continue;
            }
        }
        ql_result_column_of(t, i, &(*cols)[(*n)++]);
    }
    return QL_OK;
}
