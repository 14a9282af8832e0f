/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW of databases, tables, columns, indexes, table status; COM_FIELD_LIST. Column names and types
 * as in MySQL 8.4. Opens tables under shared metadata locks (may wait: MDL).
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "stmts/stmts_int.h"

static ql_type
nullable_uint(void)
{
    ql_type t = ql_type_int(true);
    t.nullable = true;
    return t;
}

/* Heading "Database (pattern)". */
static const char *
with_pattern(ql_ctx *cx, const char *name, const ql_ast_show *s)
{
    if (s->like.p == NULL) {
        return name;
    }
    char *p = ql_arena_printf(cx, cx->arena, "%s (%.*s)", name, (int)s->like.n, s->like.p);
    return p != NULL ? p : name;
}

static ql_status
show_databases(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    ql_database *v;
    size_t n;
    QL_TRY(qli_table_init(run, &t, 1));
    qli_table_string(&t, 0, with_pattern(cx, "Database", s), 64, false);
    QL_TRY(qli_table_begin(cx, &t, s));
    QL_TRY(ql_catalog_list_databases(cx, t.mem, &v, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *row;
        if (!ql_acl_sees_db(cx, v[i].name)) {
            continue;
        }
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text_n(v[i].name);
    }
    return qli_table_send(cx, &t, s, 0);
}

/* Database of FROM, or the current one; the session must see it, and it must exist. */
static ql_status
target_db(ql_ctx *cx, const ql_ast_show *s, ql_str *db)
{
    *db = s->table.db.n > 0 ? s->table.db : cx->vars->db;
    if (db->n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    if (!ql_acl_sees_db(cx, *db)) {
        return ql_acl_db_denied(cx, *db);
    }
    if (!ql_catalog_has_database(cx, *db)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, qli_zstr(cx, *db));
    }
    return QL_OK;
}

/* Of the tables of a database, which are of one kind all. */
static const char *
type_of_tables(ql_str db)
{
    return ql_str_eq_nocase(db, QL_STR("information_schema")) ? "SYSTEM VIEW"
           : ql_str_eq_nocase(db, QL_STR("sys"))              ? "VIEW"
                                                              : "BASE TABLE";
}

static ql_status
show_tables(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    ql_str db, *names;
    size_t n;
    QL_TRY(target_db(cx, s, &db));
    QL_TRY(qli_table_init(run, &t, s->full ? 2 : 1));
    char *heading = ql_arena_printf(cx, cx->arena, "Tables_in_%.*s", (int)db.n, db.p);
    if (heading == NULL) {
        return QL_ERROR;
    }
    qli_table_string(&t, 0, with_pattern(cx, heading, s), 64, false);
    if (s->full) {
        qli_table_string(&t, 1, "Table_type", 11, false);
    }
    QL_TRY(qli_table_begin(cx, &t, s));
    QL_TRY(ql_catalog_list_tables(cx, t.mem, db, &names, &n));
    for (size_t i = 0; i < n; i++) {
        ql_value *row;
        if (!ql_acl_sees_table(cx, db, names[i])) {
            continue;
        }
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text_n(names[i]);
        if (s->full) {
            row[1] = qli_text(type_of_tables(db));
        }
    }
    return qli_table_send(cx, &t, s, 0);
}

static ql_status
open_named(ql_ctx *cx, ql_arena *mem, const ql_ast_table_name *name, ql_table **out)
{
    ql_str db = name->db.n > 0 ? name->db : cx->vars->db;
    if (db.n == 0) {
        return ql_fail(cx, QL_ER_NO_DB_ERROR);
    }
    QL_TRY(ql_acl_require_any(cx, "SELECT", db, name->name));
    return ql_catalog_open_table(cx, mem, db, name->name, QL_MDL_SH, true, out);
}

/* PRI, UNI or MUL, as SHOW COLUMNS has it. */
static const char *
key_word(const ql_table *t, uint16_t column)
{
    const char *word = "";
    for (uint16_t i = 0; i < t->nindexes; i++) {
        const ql_index *ix = &t->indexes[i];
        if (ix->hidden_rowid) {
            continue;
        }
        for (uint16_t k = 0; k < ix->nparts; k++) {
            if (ix->parts[k].column != column) {
                continue;
            }
            if (ix->primary) {
                return "PRI";
            }
            if (k == 0) {
                if (ix->unique && ix->nparts == 1) {
                    word = "UNI";
                } else if (word[0] == '\0') {
                    word = "MUL";
                }
            }
        }
    }
    return word;
}

/* Without PRIMARY KEY, a UNIQUE key over NOT NULL columns is shown as one. */
static bool
unique_is_primary(const ql_table *t, uint16_t column)
{
    if (t->nindexes == 0 || !t->indexes[0].hidden_rowid) {
        return false;
    }
    for (uint16_t i = 1; i < t->nindexes; i++) {
        const ql_index *ix = &t->indexes[i];
        bool has = false, not_null = ix->unique;
        for (uint16_t k = 0; k < ix->nparts; k++) {
            has = has || ix->parts[k].column == column;
            not_null = not_null && !t->columns[ix->parts[k].column].type.nullable;
        }
        if (not_null) {
            return has;
        }
    }
    return false;
}

ql_status
qli_default_text(ql_ctx *cx, ql_arena *a, const ql_column *c, bool listed, ql_value *out)
{
    ql_str s;
    switch (c->default_kind) {
    case QL_DEF_VALUE:
        QL_TRY(listed ? ql_value_list(cx, a, &c->default_value, &c->type, &s)
                      : ql_value_to_str(cx, a, &c->default_value, &s));
        *out = qli_text_n(s);
        return QL_OK;
    case QL_DEF_NOW: {
        char *p = c->type.decimals > 0
                      ? ql_arena_printf(cx, a, "CURRENT_TIMESTAMP(%u)", c->type.decimals)
                      : ql_arena_printf(cx, a, "CURRENT_TIMESTAMP");
        *out = qli_text(p);
        return p != NULL ? QL_OK : QL_ERROR;
    }
    case QL_DEF_EXPR:
        *out = qli_text_n(c->default_text);
        return QL_OK;
    default:
        *out = ql_value_null();
        return QL_OK;
    }
}

static const char *
extra_word(ql_ctx *cx, ql_arena *a, const ql_column *c)
{
    if (c->auto_increment) {
        return "auto_increment";
    }
    const char *made =
        c->default_kind == QL_DEF_NOW || c->default_kind == QL_DEF_EXPR ? "DEFAULT_GENERATED" : "";
    if (!c->on_update_now) {
        return made;
    }
    char *p =
        ql_arena_printf(cx, a, "%s%son update CURRENT_TIMESTAMP", made, made[0] != '\0' ? " " : "");
    return p != NULL ? p : "";
}

ql_status
qli_type_text(ql_ctx *cx, ql_arena *a, const ql_type *type, ql_value *out)
{
    ql_buf b = {0};
    ql_status st = ql_type_print(cx, type, &b);
    char *p = st == QL_OK ? ql_arena_strndup(cx, a, b.p, b.n) : NULL;
    *out = p != NULL ? qli_text_n((ql_str){p, b.n}) : ql_value_null();
    ql_buf_free(&b);
    return st != QL_OK ? st : p != NULL ? QL_OK : QL_ERROR;
}

static ql_status
column_row(ql_ctx *cx, qli_table *t, const ql_table *tab, uint16_t i, bool full)
{
    const ql_column *c = &tab->columns[i];
    ql_value *v, type, def;
    QL_TRY(qli_type_text(cx, t->mem, &c->type, &type));
    QL_TRY(qli_default_text(cx, t->mem, c, true, &def));
    QL_TRY(qli_table_row(cx, t, &v));
    const char *key = unique_is_primary(tab, i) ? "PRI" : key_word(tab, i);
    uint16_t k = 0;
    v[k++] = qli_text_n(c->name);
    v[k++] = type;
    if (full) {
        bool text =
            c->type.kind == QL_K_STRING && c->type.coll != NULL && c->type.coll != ql_coll_binary;
        v[k++] = text ? qli_text(c->type.coll->name) : ql_value_null();
    }
    v[k++] = qli_text(c->type.nullable ? "YES" : "NO");
    v[k++] = qli_text(key);
    v[k++] = def;
    v[k++] = qli_text(extra_word(cx, t->mem, c));
    if (full) {
        v[k++] = qli_text(ql_acl_column_privileges(cx, tab->db, tab->name));
        v[k++] = qli_text_n(c->comment);
    }
    return QL_OK;
}

static ql_status
show_columns(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    static const char *const plain[] = {"Field", "Type", "Null", "Key", "Default", "Extra"};
    static const char *const fuller[] = {"Field",   "Type",  "Collation",  "Null",   "Key",
                                         "Default", "Extra", "Privileges", "Comment"};
    const char *const *names = s->full ? fuller : plain;
    uint16_t ncols = s->full ? 9 : 6;
    ql_table *tab;
    qli_table t;
    QL_TRY(qli_table_init(run, &t, ncols));
    QL_TRY(open_named(cx, t.mem, &s->table, &tab));
    for (uint16_t i = 0; i < ncols; i++) {
        bool null = strcmp(names[i], "Default") == 0 || strcmp(names[i], "Collation") == 0;
        qli_table_string(&t, i, names[i], i == 1 || null ? 1024 : 256, null);
    }
    QL_TRY(qli_table_begin(cx, &t, s));
    for (uint16_t i = 0; i < tab->ncolumns; i++) {
        QL_TRY(column_row(cx, &t, tab, i, s->full));
    }
    return qli_table_send(cx, &t, s, 0);
}

static ql_status
index_part_row(ql_ctx *cx, qli_table *t, const ql_table *tab, const ql_index *ix, uint16_t k)
{
    const ql_index_part *p = &ix->parts[k];
    const ql_column *c = &tab->columns[p->column];
    int64_t rows = ql_table_rows(tab);
    ql_value *v;
    QL_TRY(qli_table_row(cx, t, &v));
    v[0] = qli_text_n(tab->name);
    v[1] = ql_value_int(!ix->unique);
    v[2] = qli_text_n(ix->name);
    v[3] = ql_value_uint(k + 1u);
    v[4] = qli_text_n(c->name);
    v[5] = qli_text(p->descending ? "D" : "A");
    v[6] = ql_value_int(rows < 0 ? 0 : rows);
    v[7] = p->prefix > 0 ? ql_value_int(p->prefix) : ql_value_null();
    v[9] = qli_text(c->type.nullable ? "YES" : "");
    v[10] = qli_text("BTREE");
    v[11] = qli_text("");
    v[12] = qli_text_n(ix->comment);
    v[13] = qli_text("YES");
    return QL_OK;
}

static ql_status
show_index(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    static const char *const names[] = {
        "Table",      "Non_unique",  "Key_name",      "Seq_in_index", "Column_name",
        "Collation",  "Cardinality", "Sub_part",      "Packed",       "Null",
        "Index_type", "Comment",     "Index_comment", "Visible",      "Expression"};
    ql_table *tab;
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 15));
    QL_TRY(open_named(cx, t.mem, &s->table, &tab));
    for (uint16_t i = 0; i < 15; i++) {
        qli_table_string(&t, i, names[i], i >= 11 ? 2048 : 64, i == 5 || i == 8 || i == 14);
    }
    qli_table_column(&t, 1, names[1], ql_type_int(false));
    qli_table_column(&t, 3, names[3], ql_type_int(true));
    ql_type number = ql_type_int(false);
    number.nullable = true;
    qli_table_column(&t, 6, names[6], number);
    qli_table_column(&t, 7, names[7], number);
    QL_TRY(qli_table_begin(cx, &t, s));
    for (uint16_t i = 0; i < tab->nindexes; i++) {
        for (uint16_t k = 0; k < tab->indexes[i].nparts && !tab->indexes[i].hidden_rowid; k++) {
            QL_TRY(index_part_row(cx, &t, tab, &tab->indexes[i], k));
        }
    }
    return qli_table_send(cx, &t, s, 2);
}

static ql_status
status_row(ql_ctx *cx, qli_table *t, ql_table *tab)
{
    uint64_t rows = 0;
    ql_value *v;
    ql_dt dt;
    if (!tab->is_virtual) {
        QL_TRY(ql_table_row_estimate(cx, tab, &rows));
    }
    QL_TRY(qli_table_row(cx, t, &v));
    v[0] = qli_text_n(tab->name);
    v[17] = qli_text_n(tab->comment);
    if (tab->engine.n == 0) {
        return QL_OK; /* a view of sys */
    }
    v[1] = qli_text_n(tab->engine);
    v[2] = ql_value_uint(10);
    v[3] = qli_text("Dynamic");
    v[4] = ql_value_uint(rows);
    for (int i = 5; i <= 9; i++) {
        v[i] = ql_value_uint(0);
    }
    if (tab->auto_column >= 0) {
        v[10] = ql_value_uint(ql_autoinc_peek(tab));
    }
    ql_dt_from_unix(tab->create_time * 1000000, cx->vars->zone_seconds, &dt);
    v[11] = (ql_value){.kind = QL_K_DATETIME, .i = ql_dt_pack(&dt)};
    v[14] = qli_text(tab->coll != NULL ? tab->coll->name : NULL);
    v[16] = qli_text("");
    return QL_OK;
}

static ql_status
show_table_status(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    static const char *const names[] = {
        "Name",           "Engine",         "Version",         "Row_format",   "Rows",
        "Avg_row_length", "Data_length",    "Max_data_length", "Index_length", "Data_free",
        "Auto_increment", "Create_time",    "Update_time",     "Check_time",   "Collation",
        "Checksum",       "Create_options", "Comment"};
    qli_table t;
    ql_str db, *tables;
    size_t n;
    QL_TRY(target_db(cx, s, &db));
    QL_TRY(qli_table_init(run, &t, 18));
    for (uint16_t i = 0; i < 18; i++) {
        ql_type dt = ql_type_datetime(0);
        dt.nullable = true;
        qli_table_string(&t, i, names[i], i == 17 ? 2048 : 64, true);
        if (i == 2 || (i >= 4 && i <= 10) || i == 15) {
            qli_table_column(&t, i, names[i], nullable_uint());
        } else if (i >= 11 && i <= 13) {
            qli_table_column(&t, i, names[i], dt);
        }
    }
    QL_TRY(qli_table_begin(cx, &t, s));
    QL_TRY(ql_catalog_list_tables(cx, t.mem, db, &tables, &n));
    for (size_t i = 0; i < n; i++) {
        ql_table *tab;
        if (!ql_acl_sees_table(cx, db, tables[i])) {
            continue;
        }
        ql_status st = ql_catalog_open_table(cx, t.mem, db, tables[i], QL_MDL_SH, false, &tab);
        if (st == QL_END) {
            continue;
        }
        QL_TRY(st);
        QL_TRY(status_row(cx, &t, tab));
    }
    return qli_table_send(cx, &t, s, 0);
}

/* Lists of what cannot exist yet: columns as MySQL has them, no rows. */
static const char *const open_tables[] = {"Database", "Table", "In_use", "Name_locked", NULL};
static const char *const triggers[] = {"Trigger",
                                       "Event",
                                       "Table",
                                       "Statement",
                                       "Timing",
                                       "Created",
                                       "sql_mode",
                                       "Definer",
                                       "character_set_client",
                                       "collation_connection",
                                       "Database Collation",
                                       NULL};
static const char *const events[] = {"Db",
                                     "Name",
                                     "Definer",
                                     "Time zone",
                                     "Type",
                                     "Execute at",
                                     "Interval value",
                                     "Interval field",
                                     "Starts",
                                     "Ends",
                                     "Status",
                                     "Originator",
                                     "character_set_client",
                                     "collation_connection",
                                     "Database Collation",
                                     NULL};
static const char *const routines[] = {"Db",
                                       "Name",
                                       "Type",
                                       "Definer",
                                       "Modified",
                                       "Created",
                                       "Security_type",
                                       "Comment",
                                       "character_set_client",
                                       "collation_connection",
                                       "Database Collation",
                                       NULL};

static ql_status
show_empty(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    const char *const *names = s->kind == QL_SHOW_OPEN_TABLES ? open_tables
                               : s->kind == QL_SHOW_TRIGGERS  ? triggers
                               : s->kind == QL_SHOW_EVENTS    ? events
                                                              : routines;
    uint16_t n = 0;
    if (s->table.db.n > 0 && !ql_acl_sees_db(cx, s->table.db)) {
        return ql_acl_db_denied(cx, s->table.db);
    }
    while (names[n] != NULL) {
        n++;
    }
    qli_table t;
    QL_TRY(qli_table_init(run, &t, n));
    for (uint16_t i = 0; i < n; i++) {
        qli_table_string(&t, i, names[i], 64, false);
    }
    return qli_table_send(cx, &t, s, 0);
}

ql_status
qli_show_table_kinds(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    switch (s->kind) {
    case QL_SHOW_DATABASES:
        return show_databases(cx, run, s);
    case QL_SHOW_TABLES:
        return show_tables(cx, run, s);
    case QL_SHOW_COLUMNS:
        return show_columns(cx, run, s);
    case QL_SHOW_INDEX:
        return show_index(cx, run, s);
    case QL_SHOW_TABLE_STATUS:
        return show_table_status(cx, run, s);
    default:
        return show_empty(cx, run, s);
    }
}

ql_status
ql_exec_field_list(ql_ctx *cx, ql_str table, ql_str wild, ql_result_column **cols, uint16_t *n)
{
    ql_ast_table_name name = {.name = table};
    ql_table *t;
    qli_run run;
    ql_expr text = {.kind = QL_E_SLOT}, constant = {.kind = QL_E_CONST, .is_constant = true};
    ql_expr *args[2] = {&text, &constant};
    ql_expr e = {.op = QL_OP_LIKE, .args = args, .nargs = 2, .coll = ql_coll_default};
    qli_call call = {.expr = &e, .arena = cx->arena, .mem = cx->arena};
    *n = 0;
    qli_run_init(&run, cx, NULL, NULL, NULL);
    QL_TRY(open_named(cx, cx->arena, &name, &t));
    *cols = QL_ARENA_ARRAY(cx, cx->arena, ql_result_column, t->ncolumns + 1);
    if (*cols == NULL) {
        return QL_ERROR;
    }
    for (uint16_t i = 0; i < t->ncolumns; i++) {
        const ql_column *c = &t->columns[i];
        if (wild.n > 0) {
            ql_value v[2] = {qli_text_n(c->name), qli_text_n(wild)}, yes = ql_value_null();
            QL_TRY(qli_op_like(cx, &call, v, 2, &yes));
            if (yes.i == 0) {
                continue;
            }
        }
        ql_result_column_of(t, i, &(*cols)[(*n)++]);
    }
    return QL_OK;
}
