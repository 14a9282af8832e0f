/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW CREATE VIEW, and SHOW CREATE TABLE of a view: the statement that would make it, in the form
 * of MySQL's output. The name of the current database is left out where all is in it, so that a
 * dump can be restored under another name.
 */
#include "base/buf.h"
#include "sql/print.h"
#include "sql/viewtext.h"
#include "stmts/stmts_int.h"

static const char *const algorithms[] = {[QL_VIEW_UNDEFINED] = "UNDEFINED",
                                         [QL_VIEW_MERGE] = "MERGE",
                                         [QL_VIEW_TEMPTABLE] = "TEMPTABLE"};

static bool
is_all_in(const ql_ast_stmt *s, ql_str db)
{
    for (const ql_ast_from *f = s->leaves; f != NULL; f = f->next_leaf) {
        if (f->table.db.n > 0 && !ql_str_eq(f->table.db, db)) {
            return false;
        }
    }
    return true;
}

static ql_status
put_query(ql_ctx *cx, ql_arena *mem, ql_buf *b, const ql_table *v)
{
    ql_ast_stmt *s;
    ql_print_mode mode = {.literal_coll = v->view->coll_connection};
    QL_TRY(ql_view_parse(cx, mem, v, &s));
    if (ql_str_eq(v->db, cx->vars->db) && is_all_in(s, v->db)) {
        mode.omit_db = v->db;
    }
    return ql_print_select(cx, b, s->select, &mode);
}

static ql_status
put_view(ql_ctx *cx, ql_arena *mem, ql_buf *b, const ql_table *v)
{
    const ql_view_def *d = v->view;
    QL_TRY(ql_buf_printf(cx, b, "CREATE ALGORITHM=%s DEFINER=", algorithms[d->algorithm]));
    QL_TRY(ql_buf_put_name(cx, b, d->definer_user));
    QL_TRY(ql_buf_put_str(cx, b, "@"));
    QL_TRY(ql_buf_put_name(cx, b, d->definer_host));
    QL_TRY(ql_buf_printf(cx, b, " SQL SECURITY %s VIEW ", d->invoker ? "INVOKER" : "DEFINER"));
    if (!ql_str_eq(v->db, cx->vars->db)) {
        QL_TRY(ql_buf_put_name(cx, b, v->db));
        QL_TRY(ql_buf_put_str(cx, b, "."));
    }
    QL_TRY(ql_buf_put_name(cx, b, v->name));
    for (uint16_t i = 0; d->names_given && i < v->ncolumns; i++) {
        QL_TRY(ql_buf_put_str(cx, b, i > 0 ? "," : " ("));
        QL_TRY(ql_buf_put_name(cx, b, v->columns[i].name));
    }
    QL_TRY(ql_buf_put_str(cx, b, d->names_given ? ") AS " : " AS "));
    QL_TRY(put_query(cx, mem, b, v));
    if (d->check == QL_CHECK_NONE) {
        return QL_OK;
    }
    return ql_buf_printf(cx, b, " WITH %s CHECK OPTION",
                         d->check == QL_CHECK_LOCAL ? "LOCAL" : "CASCADED");
}

static ql_status
send_text(ql_ctx *cx, ql_run *run, const ql_table *v, ql_str text)
{
    qli_table t;
    ql_value *row;
    QL_TRY(qli_table_init(run, &t, 4));
    qli_table_string(&t, 0, "View", 64, false);
    qli_table_string(&t, 1, "Create View", 1024, false);
    qli_table_string(&t, 2, "character_set_client", 64, false);
    qli_table_string(&t, 3, "collation_connection", 64, false);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    QL_TRY(qli_table_row(cx, &t, &row));
    row[0] = qli_text_n(v->name);
    row[1] = qli_text_n(text);
    row[2] = qli_text(v->view->cs_client->name);
    row[3] = qli_text(v->view->coll_connection->name);
    return qli_table_send(cx, &t, NULL, 0);
}

ql_status
qli_show_create_view(ql_ctx *cx, ql_run *run, const ql_table *v)
{
    ql_arena *mem;
    ql_buf b = {0};
    QL_TRY(ql_acl_require_on_table(cx, QL_PM(SELECT) | QL_PM(SHOW_VIEW), v->db, v->name));
    QL_TRY(ql_run_arena(run, "show create view", &mem));
    ql_status st = put_view(cx, mem, &b, v);
    st = st == QL_OK ? send_text(cx, run, v, (ql_str){b.p, b.n}) : st;
    ql_buf_free(&b);
    return st;
}
