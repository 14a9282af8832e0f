/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW of the server and the session: PROCESSLIST, VARIABLES, STATUS, WARNINGS, ENGINES, character
 * sets, plugins, privileges. The process list is copied shard by shard: listing stops nobody.
 */
#include <stdio.h>
#include <string.h>

#include "stmts/stmts_int.h"

static ql_type
not_null(ql_type t)
{
    t.nullable = false;
    return t;
}

static ql_type
int_type(uint32_t length, bool is_unsigned)
{
    ql_type t = ql_type_int(is_unsigned);
    t.field = QL_F_LONG;
    t.length = length;
    return t;
}

#define SHORT_INFO 100

static ql_str
short_info(ql_str info, bool full)
{
    if (!full && info.n > SHORT_INFO) {
        info.n = SHORT_INFO;
        info.n = ql_utf8_valid_prefix(info);
    }
    return info;
}

static ql_status
process_row(ql_ctx *cx, qli_table *t, const ql_proc_info *p, bool full)
{
    ql_value *v;
    QL_TRY(qli_table_row(cx, t, &v));
    v[0] = ql_value_uint(p->id);
    v[1] = qli_text_n(p->user);
    v[2] = qli_text_n(p->host);
    v[3] = p->db.p != NULL ? qli_text_n(p->db) : ql_value_null();
    v[4] = qli_text(p->command);
    v[5] = ql_value_int(p->time_ms / 1000);
    v[6] = qli_text(p->state != NULL ? p->state : "");
    v[7] = p->info.p != NULL ? qli_text_n(short_info(p->info, full)) : ql_value_null();
    return QL_OK;
}

ql_status
qli_show_processlist(ql_ctx *cx, qli_run *run, bool full)
{
    const ql_viewer *me = &cx->vars->viewer;
    uint32_t info = full ? (uint32_t)cx->vars->max_allowed_packet / 4 : SHORT_INFO;
    qli_table t;
    ql_proc_info *rows;
    size_t n;
    bool all = ql_acl_has(cx, QL_PRIV_PROCESS);
    if (!all && me->user.n == 0) {
        return ql_acl_require(cx, QL_PRIV_PROCESS, QL_PRIV_PROCESS);
    }
    ql_type id = not_null(ql_type_int(true));
    id.length = 21;
    QL_TRY(qli_table_init(run, &t, 8));
    qli_table_column(&t, 0, "Id", id);
    qli_table_string(&t, 1, "User", 32, false);
    qli_table_string(&t, 2, "Host", 261, false);
    qli_table_string(&t, 3, "db", 64, true);
    qli_table_string(&t, 4, "Command", 16, false);
    qli_table_column(&t, 5, "Time", not_null(int_type(7, false)));
    qli_table_string(&t, 6, "State", 30, true);
    qli_table_string(&t, 7, "Info", info, true);
    if (cx->proc != NULL) {
        ql_proc_set_stage(cx->proc, QL_STAGE_INIT); /* what MySQL shows of itself here */
    }
    QL_TRY(qli_table_begin(cx, &t, NULL));
    QL_TRY(ql_procs_list(cx, cx->inst->procs, t.mem, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        if (all || (rows[i].authenticated && ql_str_eq(rows[i].user, me->user))) {
            QL_TRY(process_row(cx, &t, &rows[i], full));
        }
    }
    return qli_table_send(cx, &t, NULL, 0);
}

ql_status
ql_exec_processlist(ql_ctx *cx, bool full)
{
    qli_run run;
    ql_outcome out = {0};
    qli_run_init(&run, cx, NULL, NULL, &out);
    ql_status st = qli_show_processlist(cx, &run, full);
    qli_run_fini(&run);
    return st;
}

static ql_status
show_name_values(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    ql_name_value *v;
    size_t n;
    QL_TRY(qli_table_init(run, &t, 2));
    qli_table_string(&t, 0, "Variable_name", 64, false);
    qli_table_string(&t, 1, "Value", 1024, true);
    QL_TRY(qli_table_begin(cx, &t, s));
    if (s->kind == QL_SHOW_STATUS) {
        QL_TRY(ql_status_list(cx, t.mem, s->scope == QL_SCOPE_GLOBAL, &v, &n));
    } else {
        QL_TRY(ql_sysvar_list(cx, t.mem, s->scope == QL_SCOPE_GLOBAL, &v, &n));
    }
    for (size_t i = 0; i < n; i++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text_n(v[i].name);
        row[1] = qli_text_n(v[i].value);
    }
    return qli_table_send(cx, &t, s, 0);
}

static const char *
level_word(ql_diag_level level)
{
    return level == QL_DIAG_ERROR ? "Error" : level == QL_DIAG_WARNING ? "Warning" : "Note";
}

static ql_status
show_conditions(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    uint64_t skip = 0, left = UINT64_MAX;
    bool errors_only = s->kind == QL_SHOW_ERRORS;
    QL_TRY(qli_table_init(run, &t, 3));
    qli_table_string(&t, 0, "Level", 7, false);
    qli_table_column(&t, 1, "Code", int_type(4, true));
    qli_table_string(&t, 2, "Message", 512, false);
    QL_TRY(qli_table_begin(cx, &t, NULL));
    if (s->offset != NULL && s->offset->value.kind == QL_K_INT) {
        skip = s->offset->value.u;
    }
    if (s->limit != NULL && s->limit->value.kind == QL_K_INT) {
        left = s->limit->value.u;
    }
    for (size_t i = 0; i < ql_diag_count(cx->diag) && left > 0; i++) {
        const ql_condition *c = ql_diag_at(cx->diag, i);
        ql_value *row;
        if (errors_only && c->level != QL_DIAG_ERROR) {
            continue;
        }
        if (skip > 0) {
            skip--;
            continue;
        }
        left--;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(level_word(c->level));
        row[1] = ql_value_uint(c->number);
        row[2] = qli_text(c->text);
    }
    return qli_table_send(cx, &t, NULL, 0);
}

static ql_status
show_count(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    bool errors = s->kind == QL_SHOW_COUNT_ERRORS;
    qli_table t;
    ql_value *row;
    QL_TRY(qli_table_init(run, &t, 1));
    qli_table_column(&t, 0, errors ? "@@session.error_count" : "@@session.warning_count",
                     ql_type_int(true));
    QL_TRY(qli_table_begin(cx, &t, NULL));
    QL_TRY(qli_table_row(cx, &t, &row));
    row[0] =
        ql_value_uint(errors ? ql_diag_error_count(cx->diag) : ql_diag_warning_count(cx->diag));
    return qli_table_send(cx, &t, NULL, 0);
}

static ql_status
show_engines(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    static const char *const rows[][6] = {
        {"InnoDB", "YES", "Transactions, row locks (stored in LMDB)", "YES", "NO", "YES"},
        {"MyISAM", "YES", "No transactions, table locks (stored in LMDB)", "NO", "NO", "NO"},
    };
    static const char *const names[6] = {"Engine",       "Support", "Comment",
                                         "Transactions", "XA",      "Savepoints"};
    qli_table t;
    ql_value engine;
    QL_TRY(ql_sysvar_get(cx, QL_SV_DEFAULT_STORAGE_ENGINE, false, &engine));
    QL_TRY(qli_table_init(run, &t, 6));
    for (uint16_t i = 0; i < 6; i++) {
        qli_table_string(&t, i, names[i], i == 2 ? 80 : 64, i >= 3);
    }
    QL_TRY(qli_table_begin(cx, &t, s));
    for (size_t r = 0; r < QL_ARRAY_LEN(rows); r++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        for (uint16_t i = 0; i < 6; i++) {
            row[i] = qli_text(rows[r][i]);
        }
        if (ql_str_eq(row[0].s, engine.s)) {
            row[1] = qli_text("DEFAULT");
        }
    }
    return qli_table_send(cx, &t, s, 0);
}

static const char *
charset_description(const char *name)
{
    static const char *const words[][2] = {
        {"utf8mb4", "UTF-8 Unicode"},        {"utf8mb3", "UTF-8 Unicode"},
        {"latin1", "cp1252 West European"},  {"ascii", "US ASCII"},
        {"binary", "Binary pseudo charset"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        if (strcmp(words[i][0], name) == 0) {
            return words[i][1];
        }
    }
    return name;
}

static ql_status
show_charsets(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 4));
    qli_table_string(&t, 0, "Charset", 64, false);
    qli_table_string(&t, 1, "Description", 2048, false);
    qli_table_string(&t, 2, "Default collation", 64, false);
    qli_table_column(&t, 3, "Maxlen", int_type(10, true));
    QL_TRY(qli_table_begin(cx, &t, s));
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_value *row;
        if (c->charset->default_coll_id != c->id) {
            continue;
        }
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(c->charset->name);
        row[1] = qli_text(charset_description(c->charset->name));
        row[2] = qli_text(c->name);
        row[3] = ql_value_uint(c->charset->max_bytes);
    }
    return qli_table_send(cx, &t, s, 0);
}

static ql_status
show_collations(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 7));
    qli_table_string(&t, 0, "Collation", 64, false);
    qli_table_string(&t, 1, "Charset", 64, false);
    qli_table_column(&t, 2, "Id", ql_type_int(true));
    qli_table_string(&t, 3, "Default", 3, false);
    qli_table_string(&t, 4, "Compiled", 3, false);
    qli_table_column(&t, 5, "Sortlen", int_type(10, true));
    qli_table_string(&t, 6, "Pad_attribute", 9, false);
    QL_TRY(qli_table_begin(cx, &t, s));
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(c->name);
        row[1] = qli_text(c->charset->name);
        row[2] = ql_value_uint(c->id);
        row[3] = qli_text(c->charset->default_coll_id == c->id ? "Yes" : "");
        row[4] = qli_text("Yes");
        row[5] = ql_value_uint(c->is_binary ? 1 : 0);
        row[6] = qli_text(c->pad_space ? "PAD SPACE" : "NO PAD");
    }
    return qli_table_send(cx, &t, s, 0);
}

static ql_status
show_plugins(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    static const char *const rows[][2] = {
        {"caching_sha2_password", "AUTHENTICATION"},
        {"mysql_native_password", "AUTHENTICATION"},
        {"auth_socket", "AUTHENTICATION"},
        {"InnoDB", "STORAGE ENGINE"},
    };
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 5));
    qli_table_string(&t, 0, "Name", 64, false);
    qli_table_string(&t, 1, "Status", 10, false);
    qli_table_string(&t, 2, "Type", 80, false);
    qli_table_string(&t, 3, "Library", 64, true);
    qli_table_string(&t, 4, "License", 80, false);
    QL_TRY(qli_table_begin(cx, &t, s));
    for (size_t r = 0; r < QL_ARRAY_LEN(rows); r++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(rows[r][0]);
        row[1] = qli_text("ACTIVE");
        row[2] = qli_text(rows[r][1]);
        row[4] = qli_text("Apache-2.0");
    }
    return qli_table_send(cx, &t, s, 0);
}

static ql_status
show_privileges(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    qli_table t;
    QL_TRY(qli_table_init(run, &t, 3));
    qli_table_string(&t, 0, "Privilege", 64, false);
    qli_table_string(&t, 1, "Context", 15, false);
    qli_table_string(&t, 2, "Comment", 512, false);
    QL_TRY(qli_table_begin(cx, &t, s));
    for (int p = 0; p < QL_PRIV_COUNT; p++) {
        ql_value *row;
        QL_TRY(qli_table_row(cx, &t, &row));
        row[0] = qli_text(ql_privilege_name((ql_privilege)p));
        row[1] = qli_text("Server Admin");
        row[2] = qli_text("");
    }
    return qli_table_send(cx, &t, s, 0);
}

ql_status
qli_show_server_kinds(ql_ctx *cx, qli_run *run, const ql_ast_show *s)
{
    switch (s->kind) {
    case QL_SHOW_VARIABLES:
    case QL_SHOW_STATUS:
        return show_name_values(cx, run, s);
    case QL_SHOW_WARNINGS:
    case QL_SHOW_ERRORS:
        return show_conditions(cx, run, s);
    case QL_SHOW_COUNT_WARNINGS:
    case QL_SHOW_COUNT_ERRORS:
        return show_count(cx, run, s);
    case QL_SHOW_ENGINES:
        return show_engines(cx, run, s);
    case QL_SHOW_CHARSET:
        return show_charsets(cx, run, s);
    case QL_SHOW_COLLATION:
        return show_collations(cx, run, s);
    case QL_SHOW_PLUGINS:
        return show_plugins(cx, run, s);
    case QL_SHOW_PRIVILEGES:
        return show_privileges(cx, run, s);
    case QL_SHOW_ENGINE_STATUS:
        return qli_show_engine_status(cx, run, s);
    default:
        return qli_not_built(cx, "this SHOW statement");
    }
}
