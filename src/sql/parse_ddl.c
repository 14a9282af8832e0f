/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE, ALTER, DROP, TRUNCATE, RENAME: which object, and the statements that are short. The
 * bodies of tables and indexes are in parse_table.c, ALTER TABLE in parse_alter.c, accounts in
 * parse_account.c.
 */
#include <string.h>

#include "sql/sql_int.h"

typedef struct object_word {
    qli_token_kind word;
    const char *name; /* of the whole statement, for 1235 */
    bool has_body;    /* may contain semicolons */
} object_word;

/* Behind CREATE, ALTER or DROP: an object that is not built. */
static ql_status
unbuilt_object(qli_parser *p, const object_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p->t.kind == words[i].word) {
            p->unbuilt_takes_all = words[i].has_body;
            return qli_unbuilt(p, words[i].name);
        }
    }
    return qli_syntax_error(p);
}

ql_status
qli_parse_if_exists(qli_parser *p, bool *out)
{
    if (!qli_accept(p, K_IF)) {
        return QL_OK;
    }
    *out = true;
    return qli_expect(p, K_EXISTS);
}

static ql_status
if_not_exists(qli_parser *p, bool *out)
{
    if (!qli_accept(p, K_IF)) {
        return QL_OK;
    }
    *out = true;
    QL_TRY(qli_expect(p, K_NOT));
    return qli_expect(p, K_EXISTS);
}

/* ---- CREATE ---- */

static ql_status
create_database(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_CREATE_DATABASE;
    qli_advance(p);
    QL_TRY(if_not_exists(p, &s->if_not_exists));
    QL_TRY(qli_name(p, &s->name));
    return qli_db_options(p, s);
}

static const object_word create_words[] = {
    {K_TRIGGER, "CREATE TRIGGER", true},
    {K_PROCEDURE, "CREATE PROCEDURE", true},
    {K_FUNCTION, "CREATE FUNCTION", true},
    {K_AGGREGATE, "CREATE FUNCTION", true},
    {K_EVENT, "CREATE EVENT", true},
    {K_ROLE, "CREATE ROLE", false},
    {K_SERVER, "CREATE SERVER", false},
    {K_TABLESPACE, "CREATE TABLESPACE", false},
    {K_UNDO, "CREATE UNDO TABLESPACE", false},
    {K_LOGFILE, "CREATE LOGFILE GROUP", false},
    {K_RESOURCE, "CREATE RESOURCE GROUP", false},
};

ql_status
qli_parse_definer(qli_parser *p, ql_ast_user **out)
{
    QL_TRY(qli_new(p, sizeof **out, out));
    QL_TRY(qli_expect(p, K_DEFINER));
    QL_TRY(qli_expect(p, T_EQ));
    return qli_user(p, *out);
}

/* [DEFINER = account], then a view or an object of the list. */
static ql_status
defined_object(qli_parser *p, ql_ast_stmt *s, bool or_replace, bool alter, const object_word *words,
               size_t n)
{
    ql_ast_user *definer = NULL;
    if (qli_is(p, K_DEFINER)) {
        QL_TRY(qli_parse_definer(p, &definer));
    }
    if (qli_is(p, K_VIEW) || qli_is(p, K_SQL) || (definer == NULL && qli_is(p, K_ALGORITHM))) {
        ql_ast_view *v;
        QL_TRY(qli_new(p, sizeof *v, &v));
        v->or_replace = or_replace;
        v->alter = alter;
        v->definer = definer;
        return qli_parse_view(p, s, v);
    }
    return unbuilt_object(p, words, n);
}

ql_status
qli_create(qli_parser *p, ql_ast_stmt *s)
{
    qli_advance(p);
    if (qli_accept2(p, K_OR, K_REPLACE)) {
        return defined_object(p, s, true, false, create_words, QL_ARRAY_LEN(create_words));
    }
    switch (p->t.kind) {
    case K_DATABASE:
    case K_SCHEMA:
        return create_database(p, s);
    case K_TEMPORARY:
        qli_advance(p);
        return qli_is(p, K_TABLE) ? qli_create_table(p, s, true) : qli_syntax_error(p);
    case K_TABLE:
        return qli_create_table(p, s, false);
    case K_SPATIAL:
        if (qli_peek(p, 1)->kind == K_REFERENCE) {
            return qli_unbuilt(p, "CREATE SPATIAL REFERENCE SYSTEM");
        }
        return qli_create_index(p, s);
    case K_UNIQUE:
    case K_FULLTEXT:
    case K_INDEX:
        return qli_create_index(p, s);
    case K_USER:
        s->kind = QL_S_CREATE_USER;
        qli_advance(p);
        return qli_create_user(p, s);
    default:
        return defined_object(p, s, false, false, create_words, QL_ARRAY_LEN(create_words));
    }
}

/* ---- ALTER ---- */

static ql_status
alter_database(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_ALTER_DATABASE;
    qli_advance(p);
    if (!qli_is(p, K_CHARACTER) && !qli_is(p, K_DEFAULT) && !qli_is(p, K_COLLATE) &&
        qli_is_name(&p->t) && !(qli_is(p, K_CHARSET) && qli_peek(p, 1)->kind == T_EQ)) {
        QL_TRY(qli_name(p, &s->name));
    }
    QL_TRY(qli_db_options(p, s));
    return s->noptions == 0 ? qli_syntax_error(p) : QL_OK;
}

static const object_word alter_words[] = {
    {K_PROCEDURE, "ALTER PROCEDURE", false},
    {K_FUNCTION, "ALTER FUNCTION", false},
    {K_EVENT, "ALTER EVENT", true},
    {K_SERVER, "ALTER SERVER", false},
    {K_TABLESPACE, "ALTER TABLESPACE", false},
    {K_UNDO, "ALTER UNDO TABLESPACE", false},
    {K_LOGFILE, "ALTER LOGFILE GROUP", false},
    {K_RESOURCE, "ALTER RESOURCE GROUP", false},
    {K_INSTANCE, "ALTER INSTANCE", false},
};

ql_status
qli_alter(qli_parser *p, ql_ast_stmt *s)
{
    qli_advance(p);
    switch (p->t.kind) {
    case K_DATABASE:
    case K_SCHEMA:
        return alter_database(p, s);
    case K_USER:
        s->kind = QL_S_ALTER_USER;
        qli_advance(p);
        return qli_create_user(p, s);
    case K_TABLE:
        qli_advance(p);
        return qli_alter_table(p, s);
    default:
        return defined_object(p, s, false, true, alter_words, QL_ARRAY_LEN(alter_words));
    }
}

/* ---- DROP ---- */

ql_status
qli_drop_names(qli_parser *p, ql_ast_stmt *s)
{
    qli_advance(p);
    QL_TRY(qli_parse_if_exists(p, &s->if_exists));
    QL_TRY(qli_table_names(p, &s->names));
    s->restrict_ = qli_accept(p, K_RESTRICT);
    if (!s->restrict_) {
        (void)qli_accept(p, K_CASCADE);
    }
    return QL_OK;
}

static ql_status
drop_table(qli_parser *p, ql_ast_stmt *s, bool temporary)
{
    s->kind = temporary ? QL_S_DROP_TEMPORARY : QL_S_DROP_TABLE;
    s->temporary = temporary;
    return qli_drop_names(p, s);
}

static const object_word drop_words[] = {
    {K_TRIGGER, "DROP TRIGGER", false},
    {K_PROCEDURE, "DROP PROCEDURE", false},
    {K_FUNCTION, "DROP FUNCTION", false},
    {K_EVENT, "DROP EVENT", false},
    {K_ROLE, "DROP ROLE", false},
    {K_SERVER, "DROP SERVER", false},
    {K_TABLESPACE, "DROP TABLESPACE", false},
    {K_UNDO, "DROP UNDO TABLESPACE", false},
    {K_LOGFILE, "DROP LOGFILE GROUP", false},
    {K_RESOURCE, "DROP RESOURCE GROUP", false},
    {K_SPATIAL, "DROP SPATIAL REFERENCE SYSTEM", false},
};

ql_status
qli_drop(qli_parser *p, ql_ast_stmt *s)
{
    qli_advance(p);
    switch (p->t.kind) {
    case K_TEMPORARY:
        qli_advance(p);
        return qli_is(p, K_TABLE) || qli_is(p, K_TABLES) ? drop_table(p, s, true)
                                                         : qli_syntax_error(p);
    case K_TABLE:
    case K_TABLES:
        return drop_table(p, s, false);
    case K_DATABASE:
    case K_SCHEMA:
        s->kind = QL_S_DROP_DATABASE;
        qli_advance(p);
        QL_TRY(qli_parse_if_exists(p, &s->if_exists));
        return qli_name(p, &s->name);
    case K_INDEX:
        return qli_drop_index(p, s);
    case K_VIEW:
        return qli_drop_view(p, s);
    case K_USER:
        return qli_drop_user(p, s);
    case K_PREPARE:
        s->kind = QL_S_DEALLOCATE;
        qli_advance(p);
        return qli_name(p, &s->name);
    default:
        return unbuilt_object(p, drop_words, QL_ARRAY_LEN(drop_words));
    }
}

/* ---- TRUNCATE, RENAME ---- */

ql_status
qli_truncate(qli_parser *p, ql_ast_stmt *s)
{
    s->kind = QL_S_TRUNCATE;
    qli_advance(p);
    (void)qli_accept(p, K_TABLE);
    QL_TRY(qli_grow(p, &s->names.v, &s->names.n, sizeof *s->names.v));
    return qli_table_name(p, &s->names.v[0]);
}

ql_status
qli_rename(qli_parser *p, ql_ast_stmt *s)
{
    qli_advance(p);
    if (qli_is(p, K_USER)) {
        return qli_rename_user(p, s);
    }
    s->kind = QL_S_RENAME_TABLE;
    if (!qli_accept(p, K_TABLES)) {
        QL_TRY(qli_expect(p, K_TABLE));
    }
    do {
        QL_TRY(qli_grow(p, &s->names.v, &s->names.n, sizeof *s->names.v));
        QL_TRY(qli_table_name(p, &s->names.v[s->names.n - 1]));
        QL_TRY(qli_expect(p, K_TO));
        QL_TRY(qli_grow(p, &s->names.v, &s->names.n, sizeof *s->names.v));
        QL_TRY(qli_table_name(p, &s->names.v[s->names.n - 1]));
    } while (qli_accept(p, T_COMMA));
    return QL_OK;
}
