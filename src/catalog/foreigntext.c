/* SPDX-License-Identifier: Apache-2.0
 *
 * A foreign key as SQL writes it (foreign.h). Pure functions.
 */
#include "base/bulk.h"
#include "catalog/foreign.h"

static ql_status
put_action(ql_ctx *cx, ql_buf *b, const char *when, ql_fk_action a)
{
    static const char *const words[] = {[QL_FK_RESTRICT] = "RESTRICT",
                                        [QL_FK_CASCADE] = "CASCADE",
                                        [QL_FK_SET_NULL] = "SET NULL",
                                        [QL_FK_SET_DEFAULT] = "SET DEFAULT"};
    return a != QL_FK_NO_ACTION ? ql_buf_printf(cx, b, " ON %s %s", when, words[a]) : QL_OK;
}

/* Columns of the child, or (child NULL) of the parent. */
static ql_status
put_columns(ql_ctx *cx, ql_buf *b, const ql_table *child, const ql_foreign_key *k)
{
    QL_TRY(ql_buf_put_str(cx, b, " ("));
    for (uint16_t i = 0; i < k->ncolumns; i++) {
        ql_str name = child ? child->columns[k->columns[i]].name : k->parent_columns[i];
        QL_TRY(ql_bulk_each(cx, i));
        QL_TRY(ql_buf_put_str(cx, b, i > 0 ? ", " : ""));
        QL_TRY(ql_buf_put_name(cx, b, name));
    }
    return ql_buf_put_str(cx, b, ")");
}

ql_status
ql_foreign_print(ql_ctx *cx, ql_buf *b, const ql_table *child, const ql_foreign_key *k)
{
    QL_TRY(ql_buf_put_str(cx, b, "CONSTRAINT "));
    QL_TRY(ql_buf_put_name(cx, b, k->name));
    QL_TRY(ql_buf_put_str(cx, b, " FOREIGN KEY"));
    QL_TRY(put_columns(cx, b, child, k));
    QL_TRY(ql_buf_put_str(cx, b, " REFERENCES "));
    if (!ql_str_eq(k->parent_db, child->db)) {
        QL_TRY(ql_buf_put_name(cx, b, k->parent_db));
        QL_TRY(ql_buf_put_str(cx, b, "."));
    }
    QL_TRY(ql_buf_put_name(cx, b, k->parent_name));
    QL_TRY(put_columns(cx, b, NULL, k));
    QL_TRY(put_action(cx, b, "DELETE", k->on_delete));
    return put_action(cx, b, "UPDATE", k->on_update);
}
