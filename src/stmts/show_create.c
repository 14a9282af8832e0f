/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW CREATE TABLE, SHOW CREATE DATABASE: the statement that would make it again, in the form of
 * MySQL 8.4's output.
 */
#include <string.h>

#include "base/buf.h"
#include "catalog/foreign.h"
#include "stmts/stmts_int.h"
#include "views/views.h"

static ql_status
put_quoted(ql_ctx *cx, ql_buf *b, ql_str s)
{
    QL_TRY(ql_buf_put(cx, b, "'", 1));
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '\'':
            QL_TRY(ql_buf_put_str(cx, b, "''"));
            break;
        case '\\':
            QL_TRY(ql_buf_put_str(cx, b, "\\\\"));
            break;
        case '\0':
            QL_TRY(ql_buf_put_str(cx, b, "\\0"));
            break;
        case '\n':
            QL_TRY(ql_buf_put_str(cx, b, "\\n"));
            break;
        case '\r':
            QL_TRY(ql_buf_put_str(cx, b, "\\r"));
            break;
        default:
            QL_TRY(ql_buf_put(cx, b, &s.p[i], 1));
            break;
        }
    }
    return ql_buf_put(cx, b, "'", 1);
}

/* Bytes that are no text are written as a number, so that the statement can be read again. */
static ql_status
put_value(ql_ctx *cx, ql_buf *b, const ql_column *c)
{
    ql_str s;
    ql_value hex;
    if (c->default_value.kind == QL_K_NULL) {
        return ql_buf_put_str(cx, b, "NULL");
    }
    QL_TRY(ql_value_to_str(cx, cx->arena, &c->default_value, &s));
    if (c->type.bits != 0 || (c->type.coll == ql_coll_binary && ql_utf8_valid_prefix(s) != s.n)) {
        QL_TRY(ql_column_default_text(cx, cx->arena, c, &hex));
        return ql_buf_put(cx, b, hex.s.p, hex.s.n);
    }
    return put_quoted(cx, b, s);
}

static ql_status
put_default(ql_ctx *cx, ql_buf *b, const ql_column *c)
{
    const char *now;
    switch (c->default_kind) {
    case QL_DEF_NONE:
        return QL_OK;
    case QL_DEF_NULL:
        if (c->generated.n > 0 || c->type.field == QL_F_BLOB || c->type.field == QL_F_TINY_BLOB ||
            c->type.field == QL_F_MEDIUM_BLOB || c->type.field == QL_F_LONG_BLOB) {
            return QL_OK;
        }
        return ql_buf_put_str(cx, b, " DEFAULT NULL");
    case QL_DEF_VALUE:
        QL_TRY(ql_buf_put_str(cx, b, " DEFAULT "));
        return put_value(cx, b, c);
    case QL_DEF_EXPR:
        QL_TRY(ql_buf_put_str(cx, b, " DEFAULT ("));
        QL_TRY(ql_buf_put(cx, b, c->default_text.p, c->default_text.n));
        return ql_buf_put_str(cx, b, ")");
    default:
        now = ql_column_now_text(cx, cx->arena, c);
        return now != NULL ? ql_buf_printf(cx, b, " DEFAULT %s", now) : QL_ERROR;
    }
}

static ql_status
put_column(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_column *c)
{
    QL_TRY(ql_buf_put_str(cx, b, "  "));
    QL_TRY(ql_buf_put_name(cx, b, c->name));
    QL_TRY(ql_buf_put_str(cx, b, " "));
    ql_str type;
    QL_TRY(ql_column_type_text(cx, cx->arena, c, &type));
    QL_TRY(ql_buf_put(cx, b, type.p, type.n));
    if (ql_kind_has_text(c->type.kind) && c->type.coll != NULL &&
        (t->coll == NULL || c->type.coll->id != t->coll->id) && c->type.coll != ql_coll_binary &&
        c->type.field != QL_F_JSON) {
        if (t->coll == NULL || c->type.coll->charset != t->coll->charset) {
            QL_TRY(ql_buf_printf(cx, b, " CHARACTER SET %s", c->type.coll->charset->name));
        }
        QL_TRY(ql_buf_printf(cx, b, " COLLATE %s", c->type.coll->name));
    }
    if (c->generated.n > 0) {
        QL_TRY(ql_buf_put_str(cx, b, " GENERATED ALWAYS AS ("));
        QL_TRY(ql_buf_put(cx, b, c->generated.p, c->generated.n));
        QL_TRY(ql_buf_put_str(cx, b, c->stored ? ") STORED" : ") VIRTUAL"));
    }
    if (!c->type.nullable) {
        QL_TRY(ql_buf_put_str(cx, b, " NOT NULL"));
    } else if (c->type.field == QL_F_TIMESTAMP) {
        QL_TRY(ql_buf_put_str(cx, b, " NULL"));
    }
    QL_TRY(put_default(cx, b, c));
    if (c->on_update_now) {
        QL_TRY(ql_buf_put_str(cx, b, " ON UPDATE CURRENT_TIMESTAMP"));
        if (c->type.decimals > 0) {
            QL_TRY(ql_buf_printf(cx, b, "(%u)", c->type.decimals));
        }
    }
    if (c->auto_increment) {
        QL_TRY(ql_buf_put_str(cx, b, " AUTO_INCREMENT"));
    }
    if (c->invisible) {
        QL_TRY(ql_buf_put_str(cx, b, " /*!80023 INVISIBLE */"));
    }
    if (c->comment.n > 0) {
        QL_TRY(ql_buf_put_str(cx, b, " COMMENT "));
        QL_TRY(put_quoted(cx, b, c->comment));
    }
    return QL_OK;
}

/* Its name, or the expression of a functional key part. */
static ql_status
put_part(ql_ctx *cx, ql_buf *b, const ql_column *c)
{
    if (!c->hidden) {
        return ql_buf_put_name(cx, b, c->name);
    }
    QL_TRY(ql_buf_put_str(cx, b, "("));
    QL_TRY(ql_buf_put(cx, b, c->generated.p, c->generated.n));
    return ql_buf_put_str(cx, b, ")");
}

static ql_status
put_index(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix)
{
    if (ix->primary) {
        QL_TRY(ql_buf_put_str(cx, b, ",\n  PRIMARY KEY ("));
    } else {
        QL_TRY(ql_buf_put_str(cx, b, ix->unique ? ",\n  UNIQUE KEY " : ",\n  KEY "));
        QL_TRY(ql_buf_put_name(cx, b, ix->name));
        QL_TRY(ql_buf_put_str(cx, b, " ("));
    }
    for (uint16_t k = 0; k < ix->nparts; k++) {
        const ql_index_part *p = &ix->parts[k];
        QL_TRY(ql_buf_put_str(cx, b, k > 0 ? "," : ""));
        QL_TRY(put_part(cx, b, &t->columns[p->column]));
        if (p->prefix > 0) {
            QL_TRY(ql_buf_printf(cx, b, "(%u)", p->prefix));
        }
        QL_TRY(ql_buf_put_str(cx, b, p->descending ? " DESC" : ""));
    }
    QL_TRY(ql_buf_put_str(cx, b, ")"));
    if (ix->comment.n > 0) {
        QL_TRY(ql_buf_put_str(cx, b, " COMMENT "));
        QL_TRY(put_quoted(cx, b, ix->comment));
    }
    return ix->invisible ? ql_buf_put_str(cx, b, " /*!80000 INVISIBLE */") : QL_OK;
}

static ql_status
put_check(ql_ctx *cx, ql_buf *b, const ql_check_constraint *k)
{
    QL_TRY(ql_buf_put_str(cx, b, ",\n  CONSTRAINT "));
    QL_TRY(ql_buf_put_name(cx, b, k->name));
    QL_TRY(ql_buf_put_str(cx, b, " CHECK ("));
    QL_TRY(ql_buf_put(cx, b, k->text.p, k->text.n));
    return ql_buf_put_str(cx, b, k->not_enforced ? ") /*!80016 NOT ENFORCED */" : ")");
}

static ql_status
put_table(ql_ctx *cx, ql_buf *b, ql_table *t)
{
    unsigned shown = 0;
    QL_TRY(ql_buf_put_str(cx, b, t->temporary ? "CREATE TEMPORARY TABLE " : "CREATE TABLE "));
    QL_TRY(ql_buf_put_name(cx, b, t->name));
    QL_TRY(ql_buf_put_str(cx, b, " (\n"));
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        if (!t->columns[i].hidden) {
            QL_TRY(ql_buf_put_str(cx, b, shown++ > 0 ? ",\n" : ""));
            QL_TRY(put_column(cx, b, t, &t->columns[i]));
        }
    }
    for (uint16_t i = 0; i < t->nindexes; i++) {
        if (!t->indexes[i].hidden_rowid) {
            QL_TRY(put_index(cx, b, t, &t->indexes[i]));
        }
    }
    for (uint16_t i = 0; i < t->nforeign; i++) {
        QL_TRY(ql_buf_put_str(cx, b, ",\n  "));
        QL_TRY(ql_foreign_print(cx, b, t, &t->foreign[i]));
    }
    for (uint16_t i = 0; i < t->nchecks; i++) {
        QL_TRY(put_check(cx, b, &t->checks[i]));
    }
    if (t->engine.n == 0) {
        return ql_buf_put_str(cx, b, "\n)"); /* a view of sys */
    }
    QL_TRY(ql_buf_printf(cx, b, "\n) ENGINE=%.*s", (int)t->engine.n, t->engine.p));
    if (t->auto_column >= 0 && ql_autoinc_peek(t) > 1) {
        QL_TRY(
            ql_buf_printf(cx, b, " AUTO_INCREMENT=%llu", (unsigned long long)ql_autoinc_peek(t)));
    }
    if (t->coll != NULL) {
        QL_TRY(ql_buf_printf(cx, b, " DEFAULT CHARSET=%s", t->coll->charset->name));
        if (t->coll->id != t->coll->charset->default_coll_id ||
            strcmp(t->coll->charset->name, "utf8mb4") == 0) {
            QL_TRY(ql_buf_printf(cx, b, " COLLATE=%s", t->coll->name));
        }
    }
    QL_TRY(ql_table_options_print(cx, b, &t->options, false));
    if (t->comment.n > 0) {
        QL_TRY(ql_buf_put_str(cx, b, " COMMENT="));
        QL_TRY(put_quoted(cx, b, t->comment));
    }
    return QL_OK;
}

static ql_status
send_two(ql_ctx *cx, ql_run *run, const char *a, const char *b, ql_str name, ql_str text)
{
    qli_table t;
    ql_value *row;
    QL_TRY(qli_table_init(run, &t, 2));
    qli_table_string(&t, 0, a, 64, false);
    qli_table_string(&t, 1, b, 1024, false);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    QL_TRY(qli_table_row(cx, &t, &row));
    row[0] = qli_text_n(name);
    row[1] = qli_text_n(text);
    return qli_table_send(cx, &t, NULL, 0);
}

static ql_status
show_create_table(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    ql_str db = s->table.db.n > 0 ? s->table.db : cx->vars->db;
    ql_arena *mem;
    ql_table *t;
    ql_buf b = {0};
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_is_temporary(cx, db, s->table.name)
               ? QL_OK
               : ql_acl_require_any(cx, "SHOW", db, s->table.name));
    QL_TRY(ql_run_arena(run, "show create", &mem));
    QL_TRY(ql_catalog_open_table(cx, mem, db, s->table.name, QL_MDL_SH, true, &t));
    if (t->view != NULL) {
        return qli_show_create_view(cx, run, t);
    }
    ql_status st = put_table(cx, &b, t);
    if (st == QL_OK) {
        st = send_two(cx, run, "Table", "Create Table", t->name, (ql_str){b.p, b.n});
    }
    ql_buf_free(&b);
    return st;
}

static ql_status
show_create_database(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    ql_str name = s->table.db.n > 0 ? s->table.db : s->table.name.n > 0 ? s->table.name : s->name;
    ql_database db;
    ql_buf b = {0};
    QL_TRY(ql_acl_require_entry(cx, name));
    ql_status st = ql_catalog_find_database(cx, name, &db);
    if (st == QL_END) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, name));
    }
    QL_TRY(st);
    const ql_collation *c = db.coll != NULL ? db.coll : ql_coll_default;
    QL_TRY_TO(st, ql_buf_put_str(cx, &b, "CREATE DATABASE "), out);
    if (s->if_not_exists) {
        QL_TRY_TO(st, ql_buf_put_str(cx, &b, "/*!32312 IF NOT EXISTS*/ "), out);
    }
    QL_TRY_TO(st, ql_buf_put_name(cx, &b, db.name), out);
    QL_TRY_TO(st,
              ql_buf_printf(cx, &b,
                            " /*!40100 DEFAULT CHARACTER SET %s COLLATE %s */ "
                            "/*!80016 DEFAULT ENCRYPTION='N' */",
                            c->charset->name, c->name),
              out);
    st = send_two(cx, run, "Database", "Create Database", db.name, (ql_str){b.p, b.n});
out:
    ql_buf_free(&b);
    return st;
}

/* A view; triggers, stored programs and events cannot be made, so what is asked for is not there.
 */
static ql_status
show_create_absent(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    const char *name = ql_cstr(cx, s->table.name);
    ql_str db = s->table.db.n > 0 ? s->table.db : cx->vars->db;
    ql_arena *mem;
    ql_table *t;
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    switch (s->kind) {
    case QL_SHOW_CREATE_VIEW:
        QL_TRY(ql_acl_require_table(cx, QL_PRIV_SELECT, db, s->table.name));
        QL_TRY(ql_run_arena(run, "show create", &mem));
        QL_TRY(ql_catalog_open_shared(cx, mem, db, s->table.name, QL_MDL_SH, true, &t));
        if (t->view != NULL) {
            return qli_show_create_view(cx, run, t);
        }
        return ql_fail(cx, QL_ER_WRONG_OBJECT, ql_cstr(cx, db), name, "VIEW");
    case QL_SHOW_CREATE_TRIGGER:
        return ql_fail(cx, QL_ER_TRG_DOES_NOT_EXIST);
    case QL_SHOW_CREATE_EVENT:
        return ql_fail(cx, QL_ER_EVENT_DOES_NOT_EXIST, name);
    default:
        return ql_fail(cx, QL_ER_SP_DOES_NOT_EXIST,
                       s->kind == QL_SHOW_CREATE_FUNCTION ? "FUNCTION" : "PROCEDURE", name);
    }
}

ql_status
qli_show_create(ql_ctx *cx, ql_run *run, const ql_ast_show *s)
{
    switch (s->kind) {
    case QL_SHOW_CREATE_TABLE:
        return show_create_table(cx, run, s);
    case QL_SHOW_CREATE_DATABASE:
        return show_create_database(cx, run, s);
    default:
        return show_create_absent(cx, run, s);
    }
}
