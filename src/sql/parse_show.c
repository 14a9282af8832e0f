/* SPDX-License-Identifier: Apache-2.0
 *
 * SHOW in all its forms, EXPLAIN and DESCRIBE.
 */
#include "sql/sql_int.h"

/* LIKE 'pattern' or WHERE condition */
static ql_status
opt_filter(qli_parser *p, ql_ast_show *sh)
{
    if (qli_accept(p, K_LIKE)) {
        return qli_string(p, &sh->like);
    }
    return qli_opt_where(p, &sh->where);
}

static bool
accept_from(qli_parser *p)
{
    return qli_accept(p, K_FROM) || qli_accept(p, K_IN);
}

/* [FROM db] [filter] */
static ql_status
of_database(qli_parser *p, ql_ast_show *sh, ql_show_kind kind)
{
    sh->kind = kind;
    if (accept_from(p)) {
        QL_TRY(qli_name(p, &sh->table.db));
    }
    return opt_filter(p, sh);
}

/* FROM t [FROM db] [filter] */
static ql_status
of_table(qli_parser *p, ql_ast_show *sh, ql_show_kind kind)
{
    sh->kind = kind;
    if (!accept_from(p)) {
        return qli_syntax_error(p);
    }
    QL_TRY(qli_table_name(p, &sh->table));
    if (accept_from(p)) {
        QL_TRY(qli_name(p, &sh->table.db));
    }
    return kind == QL_SHOW_INDEX ? qli_opt_where(p, &sh->where) : opt_filter(p, sh);
}

static ql_status
filtered(qli_parser *p, ql_ast_show *sh, ql_show_kind kind)
{
    sh->kind = kind;
    return opt_filter(p, sh);
}

/* A form nobody has built: its text does not matter. */
static ql_status
other(qli_parser *p, ql_ast_show *sh, const char *name, size_t n)
{
    sh->kind = QL_SHOW_OTHER;
    sh->name = (ql_str){name, n};
    while (!qli_at_end(p) && p->t.kind != T_BAD) {
        qli_advance(p);
    }
    return p->t.kind == T_BAD ? qli_syntax_error(p) : QL_OK;
}
#define OTHER(p, sh, literal) other((p), (sh), literal, sizeof(literal) - 1)

static ql_status
conditions(qli_parser *p, ql_ast_show *sh, ql_show_kind kind)
{
    sh->kind = kind;
    return qli_opt_limit(p, &sh->limit, &sh->offset);
}

/* COUNT(*) WARNINGS, COUNT(*) ERRORS */
static ql_status
condition_count(qli_parser *p, ql_ast_show *sh)
{
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_expect(p, T_STAR));
    QL_TRY(qli_expect(p, T_RPAREN));
    sh->kind = qli_is(p, K_ERRORS) ? QL_SHOW_COUNT_ERRORS : QL_SHOW_COUNT_WARNINGS;
    return qli_accept(p, K_ERRORS) ? QL_OK : qli_expect(p, K_WARNINGS);
}

/* CREATE VIEW, TRIGGER ...: there are none, so none has the name. */
static ql_status
create_absent(qli_parser *p, ql_ast_show *sh, ql_show_kind kind)
{
    qli_advance(p);
    sh->kind = kind;
    return qli_table_name(p, &sh->table);
}

static ql_status
show_create(qli_parser *p, ql_ast_show *sh)
{
    switch (p->t.kind) {
    case K_TABLE:
        qli_advance(p);
        sh->kind = QL_SHOW_CREATE_TABLE;
        return qli_table_name(p, &sh->table);
    case K_DATABASE:
    case K_SCHEMA:
        qli_advance(p);
        sh->kind = QL_SHOW_CREATE_DATABASE;
        if (qli_accept(p, K_IF)) {
            QL_TRY(qli_expect(p, K_NOT));
            QL_TRY(qli_expect(p, K_EXISTS));
            sh->if_not_exists = true;
        }
        return qli_name(p, &sh->table.db);
    case K_USER:
        qli_advance(p);
        sh->kind = QL_SHOW_CREATE_USER;
        QL_TRY(qli_new(p, sizeof *sh->user, &sh->user));
        return qli_user(p, sh->user);
    case K_VIEW:
        return create_absent(p, sh, QL_SHOW_CREATE_VIEW);
    case K_TRIGGER:
        return create_absent(p, sh, QL_SHOW_CREATE_TRIGGER);
    case K_PROCEDURE:
        return create_absent(p, sh, QL_SHOW_CREATE_PROCEDURE);
    case K_FUNCTION:
        return create_absent(p, sh, QL_SHOW_CREATE_FUNCTION);
    case K_EVENT:
        return create_absent(p, sh, QL_SHOW_CREATE_EVENT);
    default:
        return qli_syntax_error(p);
    }
}

static ql_status
show_grants(qli_parser *p, ql_ast_show *sh)
{
    sh->kind = QL_SHOW_GRANTS;
    if (!qli_accept(p, K_FOR)) {
        return QL_OK;
    }
    QL_TRY(qli_new(p, sizeof *sh->user, &sh->user));
    QL_TRY(qli_user(p, sh->user));
    return qli_is(p, K_USING) ? qli_unbuilt(p, "SHOW GRANTS ... USING") : QL_OK;
}

static ql_status
show_engine(qli_parser *p, ql_ast_show *sh)
{
    sh->kind = QL_SHOW_ENGINE_STATUS;
    if (!qli_accept(p, K_ALL)) {
        QL_TRY(qli_name_or_string(p, &sh->name));
    }
    if (qli_is(p, K_MUTEX)) {
        return OTHER(p, sh, "ENGINE MUTEX");
    }
    if (qli_is(p, K_LOGS)) {
        return OTHER(p, sh, "ENGINE LOGS");
    }
    return qli_expect(p, K_STATUS);
}

/* SHOW [GLOBAL|SESSION|LOCAL] STATUS|VARIABLES */
static ql_status
scoped(qli_parser *p, ql_ast_show *sh)
{
    sh->scope = qli_is(p, K_GLOBAL) ? QL_SCOPE_GLOBAL : QL_SCOPE_SESSION;
    if (qli_is(p, K_GLOBAL) || qli_is(p, K_SESSION) || qli_is(p, K_LOCAL)) {
        qli_advance(p);
    }
    if (qli_accept(p, K_STATUS)) {
        return filtered(p, sh, QL_SHOW_STATUS);
    }
    QL_TRY(qli_expect(p, K_VARIABLES));
    return filtered(p, sh, QL_SHOW_VARIABLES);
}

/* BINARY LOG STATUS, BINARY LOGS */
static ql_status
binary_log(qli_parser *p, ql_ast_show *sh)
{
    if (qli_accept(p, K_LOGS)) {
        sh->kind = QL_SHOW_BINARY_LOGS;
        return QL_OK;
    }
    QL_TRY(qli_expect(p, K_LOG));
    sh->kind = QL_SHOW_BINARY_LOG_STATUS;
    return qli_expect(p, K_STATUS);
}

/* REPLICA STATUS [FOR CHANNEL 'name'] */
static ql_status
replica_status(qli_parser *p, ql_ast_show *sh)
{
    sh->kind = QL_SHOW_REPLICA_STATUS;
    QL_TRY(qli_expect(p, K_STATUS));
    if (!qli_accept(p, K_FOR)) {
        return QL_OK;
    }
    QL_TRY(qli_expect(p, K_CHANNEL));
    return qli_string(p, &sh->name);
}

/* BINLOG EVENTS [IN 'file'] [FROM pos] [LIMIT [offset,] n] */
static ql_status
binlog_events(qli_parser *p, ql_ast_show *sh)
{
    sh->kind = QL_SHOW_BINLOG_EVENTS;
    QL_TRY(qli_expect(p, K_EVENTS));
    if (qli_accept(p, K_IN)) {
        QL_TRY(qli_string(p, &sh->name));
    }
    if (qli_accept(p, K_FROM)) {
        ql_ast_expr *pos;
        QL_TRY(qli_literal(p, &pos));
    }
    return qli_opt_limit(p, &sh->limit, &sh->offset);
}

/* PROFILE [type, ...] [FOR QUERY n] [LIMIT [offset,] n] */
static ql_status
profile(qli_parser *p, ql_ast_show *sh)
{
    sh->kind = QL_SHOW_PROFILE;
    while (!qli_at_end(p) && !qli_is(p, K_FOR) && !qli_is(p, K_LIMIT) && p->t.kind != T_BAD) {
        qli_advance(p);
    }
    if (qli_accept(p, K_FOR)) {
        ql_ast_expr *id;
        QL_TRY(qli_expect(p, K_QUERY));
        QL_TRY(qli_literal(p, &id));
    }
    return qli_opt_limit(p, &sh->limit, &sh->offset);
}

/* Words of one form, behind SHOW [EXTENDED] [FULL]. */
static ql_status
show_form(qli_parser *p, ql_ast_show *sh)
{
    qli_token_kind what = p->t.kind;
    uint32_t pos = p->t.pos, line = p->t.line;
    switch (what) {
    case K_GLOBAL:
    case K_SESSION:
    case K_LOCAL:
    case K_STATUS:
    case K_VARIABLES:
        return scoped(p, sh);
    case K_RELAYLOG:
        return OTHER(p, sh, "RELAYLOG EVENTS");
    case K_PARSE_TREE:
        return OTHER(p, sh, "PARSE_TREE");
    default:
        break;
    }
    qli_advance(p);
    switch (what) {
    case K_DATABASES:
    case K_SCHEMAS:
        return filtered(p, sh, QL_SHOW_DATABASES);
    case K_TABLES:
        return of_database(p, sh, QL_SHOW_TABLES);
    case K_TABLE:
        QL_TRY(qli_expect(p, K_STATUS));
        return of_database(p, sh, QL_SHOW_TABLE_STATUS);
    case K_OPEN:
        QL_TRY(qli_expect(p, K_TABLES));
        return of_database(p, sh, QL_SHOW_OPEN_TABLES);
    case K_TRIGGERS:
        return of_database(p, sh, QL_SHOW_TRIGGERS);
    case K_EVENTS:
        return of_database(p, sh, QL_SHOW_EVENTS);
    case K_FUNCTION:
    case K_PROCEDURE:
        if (qli_is(p, K_CODE)) {
            return what == K_FUNCTION ? OTHER(p, sh, "FUNCTION CODE")
                                      : OTHER(p, sh, "PROCEDURE CODE");
        }
        QL_TRY(qli_expect(p, K_STATUS));
        return filtered(p, sh, what == K_FUNCTION ? QL_SHOW_FUNCTIONS : QL_SHOW_ROUTINES);
    case K_BINARY:
        return binary_log(p, sh);
    case K_BINLOG:
        return binlog_events(p, sh);
    case K_REPLICA:
        return replica_status(p, sh);
    case K_REPLICAS:
        sh->kind = QL_SHOW_REPLICAS;
        return QL_OK;
    case K_PROFILE:
        return profile(p, sh);
    case K_PROFILES:
        sh->kind = QL_SHOW_PROFILES;
        return QL_OK;
    case K_COLUMNS:
    case K_FIELDS:
        return of_table(p, sh, QL_SHOW_COLUMNS);
    case K_INDEX:
    case K_INDEXES:
    case K_KEYS:
        return of_table(p, sh, QL_SHOW_INDEX);
    case K_CREATE:
        return show_create(p, sh);
    case K_WARNINGS:
        return conditions(p, sh, QL_SHOW_WARNINGS);
    case K_ERRORS:
        return conditions(p, sh, QL_SHOW_ERRORS);
    case K_COUNT:
        return condition_count(p, sh);
    case K_PROCESSLIST:
        sh->kind = QL_SHOW_PROCESSLIST;
        return QL_OK;
    case K_STORAGE:
        QL_TRY(qli_expect(p, K_ENGINES));
        sh->kind = QL_SHOW_ENGINES;
        return QL_OK;
    case K_ENGINES:
        sh->kind = QL_SHOW_ENGINES;
        return QL_OK;
    case K_ENGINE:
        return show_engine(p, sh);
    case K_GRANTS:
        return show_grants(p, sh);
    case K_CHARSET:
        return filtered(p, sh, QL_SHOW_CHARSET);
    case K_CHARACTER:
    case K_CHAR:
        QL_TRY(qli_expect(p, K_SET));
        return filtered(p, sh, QL_SHOW_CHARSET);
    case K_COLLATION:
        return filtered(p, sh, QL_SHOW_COLLATION);
    case K_PLUGINS:
        sh->kind = QL_SHOW_PLUGINS;
        return QL_OK;
    case K_PRIVILEGES:
        sh->kind = QL_SHOW_PRIVILEGES;
        return QL_OK;
    default:
        return what == K_FULL || what == K_EXTENDED ? qli_syntax_error(p)
                                                    : qli_syntax_error_at(p, pos, line);
    }
}

static bool
starts_known_form(const qli_parser *p, qli_token_kind k)
{
    switch (k) {
    case K_TABLES:
    case K_TRIGGERS:
    case K_COLUMNS:
    case K_FIELDS:
        return true;
    case K_PROCESSLIST:
        return p->t.kind == K_FULL;
    case K_INDEX:
    case K_INDEXES:
    case K_KEYS:
        return p->t.kind == K_EXTENDED;
    case K_FULL:
        return p->t.kind == K_EXTENDED;
    default:
        return false;
    }
}

ql_status
qli_show(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_show *sh;
    QL_TRY(qli_new(p, sizeof *sh, &sh));
    s->kind = QL_S_SHOW;
    s->show = sh;
    sh->scope = QL_SCOPE_SESSION;
    qli_advance(p);
    if (qli_is(p, K_EXTENDED) && starts_known_form(p, qli_peek(p, 1)->kind)) {
        sh->extended = qli_accept(p, K_EXTENDED);
    }
    if (qli_is(p, K_FULL) && starts_known_form(p, qli_peek(p, 1)->kind)) {
        sh->full = qli_accept(p, K_FULL);
    }
    bool known = p->t.kind > T_KEYWORDS;
    return known ? show_form(p, sh) : qli_syntax_error(p);
}

/* ---- EXPLAIN, DESCRIBE ---- */

/* DESCRIBE t [column | 'pattern'] = SHOW COLUMNS */
static ql_status
describe_table(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_show *sh;
    QL_TRY(qli_new(p, sizeof *sh, &sh));
    s->kind = QL_S_SHOW;
    s->show = sh;
    sh->kind = QL_SHOW_COLUMNS;
    QL_TRY(qli_table_name(p, &sh->table));
    return qli_at_end(p) ? QL_OK : qli_name_or_string(p, &sh->like);
}

static bool
starts_explainable(const qli_parser *p)
{
    switch (p->t.kind) {
    case K_SELECT:
    case K_WITH:
    case K_TABLE:
    case K_VALUES:
    case T_LPAREN:
    case K_INSERT:
    case K_REPLACE:
    case K_UPDATE:
    case K_DELETE:
        return true;
    default:
        return false;
    }
}

static ql_status
explain_format(qli_parser *p, ql_ast_stmt *s)
{
    if (!qli_is(p, K_FORMAT) || qli_peek(p, 1)->kind != T_EQ) {
        return QL_OK;
    }
    qli_advance(p);
    qli_advance(p);
    QL_TRY(qli_name_or_string(p, &s->explain.format));
    return qli_is(p, K_INTO) ? qli_unbuilt(p, "EXPLAIN ... INTO") : QL_OK;
}

ql_status
qli_explain(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_EXPLAIN;
    qli_advance(p);
    s->analyze = qli_accept(p, K_ANALYZE);
    QL_TRY(explain_format(p, s));
    if (qli_is(p, K_FOR)) {
        qli_advance(p);
        if (qli_is(p, K_SCHEMA) || qli_is(p, K_DATABASE)) {
            return qli_unbuilt(p, "EXPLAIN FOR SCHEMA");
        }
        QL_TRY(qli_expect(p, K_CONNECTION));
        return qli_is(p, T_INT) ? qli_literal(p, &s->explain.for_connection) : qli_syntax_error(p);
    }
    if (starts_explainable(p)) {
        uint32_t from = p->t.pos;
        QL_TRY(qli_new(p, sizeof *s->explain.inner, &s->explain.inner));
        QL_TRY(qli_statement(p, s->explain.inner));
        s->explain.inner->text = (ql_str){p->text.p + from, p->prev_end - from};
        return QL_OK;
    }
    return s->analyze || s->explain.format.n != 0 ? qli_syntax_error(p) : describe_table(p, s);
}
