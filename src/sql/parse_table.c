/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE TABLE and CREATE INDEX: columns, keys, constraints, options. Says what was written;
 * whether it makes sense is decided where the table is made.
 */
#include <string.h>

#include "catalog/table_options.h"
#include "sql/sql_int.h"

/* ---- keys ---- */

static ql_status
key_parts(qli_parser *p, ql_ast_key *key)
{
    QL_TRY(qli_expect(p, T_LPAREN));
    do {
        ql_ast_key_part part = {0};
        if (qli_accept(p, T_LPAREN)) {
            QL_TRY(qli_expr(p, &part.expr));
            QL_TRY(qli_expect(p, T_RPAREN));
        } else {
            QL_TRY(qli_name(p, &part.column));
        }
        if (part.expr == NULL && qli_accept(p, T_LPAREN)) {
            uint64_t n;
            QL_TRY(qli_uint(p, &n));
            part.prefix = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
            QL_TRY(qli_expect(p, T_RPAREN));
        }
        if (!qli_accept(p, K_ASC)) {
            part.descending = qli_accept(p, K_DESC);
        }
        QL_TRY(qli_grow(p, &key->parts, &key->nparts, sizeof *key->parts));
        key->parts[key->nparts - 1] = part;
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

/* USING BTREE, TYPE HASH: every index here is an ordered one. */
static ql_status
opt_index_type(qli_parser *p, bool *found)
{
    *found = qli_accept(p, K_USING) || qli_accept(p, K_TYPE);
    if (!*found || qli_accept(p, K_BTREE) || qli_accept(p, K_RTREE)) {
        return QL_OK;
    }
    QL_TRY(qli_expect(p, K_HASH));
    ql_warn(p->cx, QL_DIAG_NOTE, QL_ER_NOT_SUPPORTED_YET, "USING HASH");
    return QL_OK;
}

/* Words behind the parts. */
static ql_status
key_options(qli_parser *p, ql_ast_key *key)
{
    for (;;) {
        bool type;
        ql_str s;
        uint64_t n;
        QL_TRY(opt_index_type(p, &type));
        if (type) {
            continue;
        }
        if (qli_accept(p, K_COMMENT)) {
            QL_TRY(qli_string(p, &key->comment));
        } else if (qli_accept(p, K_KEY_BLOCK_SIZE)) {
            (void)qli_accept(p, T_EQ);
            QL_TRY(qli_uint(p, &n));
        } else if (qli_is(p, K_INVISIBLE) || qli_is(p, K_VISIBLE)) {
            key->invisible = qli_is(p, K_INVISIBLE);
            qli_advance(p);
        } else if (qli_accept(p, K_WITH)) {
            QL_TRY(qli_expect(p, K_PARSER));
            QL_TRY(qli_name(p, &s));
        } else if (qli_accept(p, K_ENGINE_ATTRIBUTE) ||
                   qli_accept(p, K_SECONDARY_ENGINE_ATTRIBUTE)) {
            (void)qli_accept(p, T_EQ);
            QL_TRY(qli_string(p, &s));
        } else {
            return QL_OK;
        }
    }
}

static ql_status
ref_action(qli_parser *p, ql_ast_ref_action *out)
{
    if (qli_accept(p, K_RESTRICT)) {
        *out = QL_REF_RESTRICT;
    } else if (qli_accept(p, K_CASCADE)) {
        *out = QL_REF_CASCADE;
    } else if (qli_accept2(p, K_SET, K_NULL)) {
        *out = QL_REF_SET_NULL;
    } else if (qli_accept2(p, K_SET, K_DEFAULT)) {
        *out = QL_REF_SET_DEFAULT;
    } else {
        QL_TRY(qli_expect(p, K_NO));
        *out = QL_REF_NO_ACTION;
        return qli_expect(p, K_ACTION);
    }
    return QL_OK;
}

/* REFERENCES t (columns) [MATCH x] [ON DELETE ...] [ON UPDATE ...] */
static ql_status
references(qli_parser *p, ql_ast_key *key)
{
    QL_TRY(qli_expect(p, K_REFERENCES));
    QL_TRY(qli_table_name(p, &key->ref));
    if (qli_is(p, T_LPAREN)) {
        QL_TRY(qli_name_list(p, &key->ref_columns, &key->nref_columns));
    }
    if (qli_accept(p, K_MATCH)) {
        if (!qli_accept(p, K_FULL) && !qli_accept(p, K_PARTIAL)) {
            QL_TRY(qli_expect(p, K_SIMPLE));
        }
    }
    while (qli_is(p, K_ON)) {
        bool is_delete = qli_peek(p, 1)->kind == K_DELETE;
        ql_ast_ref_action *action = is_delete ? &key->on_delete : &key->on_update;
        qli_advance(p);
        if (*action != QL_REF_NONE) {
            return qli_syntax_error(p);
        }
        QL_TRY(qli_expect(p, is_delete ? K_DELETE : K_UPDATE));
        QL_TRY(ref_action(p, action));
    }
    return QL_OK;
}

/* The name of an index: "[name] [USING type]" before the parts. */
static ql_status
opt_key_name(qli_parser *p, ql_ast_key *key)
{
    bool type;
    if (qli_is_name(&p->t) && !(qli_is(p, K_TYPE) && qli_peek(p, 1)->kind != T_LPAREN)) {
        QL_TRY(qli_name(p, &key->name));
    }
    return opt_index_type(p, &type);
}

static ql_status
key_body(qli_parser *p, ql_ast_key *key)
{
    QL_TRY(opt_key_name(p, key));
    QL_TRY(key_parts(p, key));
    return key_options(p, key);
}

static bool
accept_key_word(qli_parser *p)
{
    return qli_accept(p, K_KEY) || qli_accept(p, K_INDEX);
}

static ql_status
foreign_key(qli_parser *p, ql_ast_key *key)
{
    key->kind = QL_KEY_FOREIGN;
    QL_TRY(qli_expect(p, K_KEY));
    if (qli_is_name(&p->t)) {
        QL_TRY(qli_name(p, &key->name));
    }
    QL_TRY(key_parts(p, key));
    QL_TRY(references(p, key));
    if (key->nref_columns != key->nparts) {
        ql_str name = key->constraint.n > 0 ? key->constraint : key->name;
        return ql_fail(p->cx, QL_ER_WRONG_FK_DEF,
                       name.n > 0 ? ql_cstr(p->cx, name) : "foreign key without name",
                       "Key reference and table reference don't match");
    }
    return QL_OK;
}

/* (expr) [[NOT] ENFORCED] behind CHECK */
static ql_status
check_body(qli_parser *p, ql_ast_check *k)
{
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_expr(p, &k->expr));
    QL_TRY(qli_expect(p, T_RPAREN));
    /* NOT NULL may follow behind a column. */
    k->not_enforced = qli_accept2(p, K_NOT, K_ENFORCED);
    if (!k->not_enforced) {
        (void)qli_accept(p, K_ENFORCED);
    }
    return QL_OK;
}

static ql_status
add_check(qli_parser *p, ql_ast_check **v, uint32_t *n, const ql_ast_check *k)
{
    QL_TRY(qli_grow(p, v, n, sizeof **v));
    (*v)[*n - 1] = *k;
    return QL_OK;
}

static ql_status
table_check(qli_parser *p, ql_ast_create_table *ct, ql_str name)
{
    ql_ast_check k = {.name = name};
    QL_TRY(check_body(p, &k));
    return add_check(p, &ct->checks, &ct->nchecks, &k);
}

static bool
starts_key(const qli_parser *p)
{
    switch (p->t.kind) {
    case K_CONSTRAINT:
    case K_PRIMARY:
    case K_UNIQUE:
    case K_KEY:
    case K_INDEX:
    case K_FULLTEXT:
    case K_SPATIAL:
    case K_FOREIGN:
    case K_CHECK:
        return true;
    default:
        return false;
    }
}

static ql_status
key_or_constraint(qli_parser *p, ql_ast_create_table *ct)
{
    ql_ast_key key = {0};
    bool constraint = qli_accept(p, K_CONSTRAINT);
    if (constraint && qli_is_name(&p->t)) {
        QL_TRY(qli_name(p, &key.constraint));
    }
    if (qli_accept(p, K_CHECK)) {
        return table_check(p, ct, key.constraint);
    }
    if (qli_accept(p, K_PRIMARY)) {
        key.kind = QL_KEY_PRIMARY;
        QL_TRY(qli_expect(p, K_KEY));
        QL_TRY(key_body(p, &key));
        key.name = (ql_str){NULL, 0};
    } else if (qli_accept(p, K_UNIQUE)) {
        key.kind = QL_KEY_UNIQUE;
        (void)accept_key_word(p);
        QL_TRY(key_body(p, &key));
    } else if (qli_accept(p, K_FOREIGN)) {
        QL_TRY(foreign_key(p, &key));
    } else if (constraint) {
        return qli_syntax_error(p);
    } else if (qli_accept(p, K_FULLTEXT) || qli_is(p, K_SPATIAL)) {
        key.kind = qli_accept(p, K_SPATIAL) ? QL_KEY_SPATIAL : QL_KEY_FULLTEXT;
        (void)accept_key_word(p);
        QL_TRY(key_body(p, &key));
    } else {
        key.kind = QL_KEY_PLAIN;
        (void)accept_key_word(p);
        QL_TRY(key_body(p, &key));
    }
    QL_TRY(qli_grow(p, &ct->keys, &ct->nkeys, sizeof *ct->keys));
    ct->keys[ct->nkeys - 1] = key;
    return QL_OK;
}

/* ---- columns ---- */

static ql_status
signed_literal(qli_parser *p, ql_ast_expr **out)
{
    uint32_t pos = p->t.pos;
    bool minus = qli_accept(p, T_MINUS);
    if (minus || qli_accept(p, T_PLUS)) {
        if (!qli_is(p, T_INT) && !qli_is(p, T_DECIMAL) && !qli_is(p, T_DOUBLE)) {
            return qli_syntax_error(p);
        }
        QL_TRY(qli_literal(p, out));
        if (minus) {
            QL_TRY(qli_op_new(p, QL_OP_NEG, *out, NULL, NULL, out));
        }
        (*out)->pos = pos;
        return QL_OK;
    }
    bool word = qli_is(p, K_DATE) || qli_is(p, K_TIME) || qli_is(p, K_TIMESTAMP);
    if (!qli_is_literal(p) && !qli_is(p, T_CHARSET) &&
        !(word && qli_peek(p, 1)->kind == T_STRING)) {
        return qli_syntax_error(p);
    }
    return qli_simple_expr(p, out);
}

ql_status
qli_default_value(qli_parser *p, ql_ast_expr **out, bool *is_expr)
{
    *is_expr = qli_accept(p, T_LPAREN);
    if (*is_expr) {
        QL_TRY(qli_expr(p, out));
        return qli_expect(p, T_RPAREN);
    }
    switch (p->t.kind) {
    case K_NOW:
    case K_CURRENT_TIMESTAMP:
    case K_LOCALTIME:
    case K_LOCALTIMESTAMP:
        return qli_parse_now(p, out);
    default:
        return signed_literal(p, out);
    }
}

/* [GENERATED ALWAYS] AS (expr) [VIRTUAL|STORED] */
static ql_status
generated(qli_parser *p, ql_ast_column *c)
{
    if (qli_accept(p, K_GENERATED)) {
        QL_TRY(qli_expect(p, K_ALWAYS));
    }
    QL_TRY(qli_expect(p, K_AS));
    QL_TRY(qli_expect(p, T_LPAREN));
    QL_TRY(qli_expr(p, &c->generated));
    QL_TRY(qli_expect(p, T_RPAREN));
    if (!qli_accept(p, K_VIRTUAL)) {
        c->generated_stored = qli_accept(p, K_STORED);
    }
    return QL_OK;
}

/* MySQL reads REFERENCES behind a column and does nothing with it, without a word. */
static ql_status
inline_references(qli_parser *p)
{
    ql_ast_key key = {0};
    return references(p, &key);
}

static ql_status
column_check(qli_parser *p, ql_ast_column *c, bool named)
{
    ql_ast_check k = {.column = c->name};
    if (named && qli_is_name(&p->t)) {
        QL_TRY(qli_name(p, &k.name));
    }
    QL_TRY(qli_expect(p, K_CHECK));
    QL_TRY(check_body(p, &k));
    return add_check(p, &c->checks, &c->nchecks, &k);
}

/* One attribute; *found false: none here. */
static ql_status
column_attribute(qli_parser *p, ql_ast_column *c, bool *found)
{
    ql_str s;
    uint64_t n;
    *found = true;
    switch (p->t.kind) {
    case K_NULL:
        qli_advance(p);
        c->nullability = QL_NULL_YES;
        return QL_OK;
    case K_NOT:
        qli_advance(p);
        c->nullability = QL_NULL_NO;
        return qli_expect(p, K_NULL);
    case K_DEFAULT:
        qli_advance(p);
        return qli_default_value(p, &c->default_value, &c->default_is_expr);
    case K_ON:
        qli_advance(p);
        QL_TRY(qli_expect(p, K_UPDATE));
        return qli_parse_now(p, &c->on_update);
    case K_AUTO_INCREMENT:
        qli_advance(p);
        c->auto_increment = true;
        return QL_OK;
    case K_SERIAL: /* SERIAL DEFAULT VALUE */
        qli_advance(p);
        QL_TRY(qli_expect(p, K_DEFAULT));
        c->auto_increment = c->unique_key = true;
        c->nullability = QL_NULL_NO;
        return qli_expect(p, K_VALUE);
    case K_PRIMARY:
        qli_advance(p);
        c->primary_key = true;
        return qli_expect(p, K_KEY);
    case K_KEY:
        qli_advance(p);
        c->primary_key = true;
        return QL_OK;
    case K_UNIQUE:
        qli_advance(p);
        c->unique_key = true;
        (void)qli_accept(p, K_KEY);
        return QL_OK;
    case K_COMMENT:
        qli_advance(p);
        return qli_string(p, &c->comment);
    case K_COLLATE:
        qli_advance(p);
        return qli_charset_name(p, &c->type.collation);
    case K_GENERATED:
    case K_AS:
        return generated(p, c);
    case K_VISIBLE:
    case K_INVISIBLE:
        c->invisible = qli_is(p, K_INVISIBLE);
        qli_advance(p);
        return QL_OK;
    case K_REFERENCES:
        return inline_references(p);
    case K_CONSTRAINT:
        qli_advance(p);
        return column_check(p, c, true);
    case K_CHECK:
        return column_check(p, c, false);
    case K_COLUMN_FORMAT:
    case K_STORAGE:
        qli_advance(p);
        return qli_accept(p, K_DEFAULT) ? QL_OK : qli_name(p, &s);
    case K_ENGINE_ATTRIBUTE:
    case K_SECONDARY_ENGINE_ATTRIBUTE:
        qli_advance(p);
        (void)qli_accept(p, T_EQ);
        return qli_string(p, &s);
    case K_SRID:
        qli_advance(p);
        return qli_uint(p, &n);
    default:
        *found = false;
        return QL_OK;
    }
}

ql_status
qli_column_definition(qli_parser *p, ql_ast_create_table *ct)
{
    ql_ast_column c = {0};
    QL_TRY(qli_name(p, &c.name));
    QL_TRY(qli_column_type(p, &c.type));
    if (c.type.is_serial) {
        c.auto_increment = c.unique_key = true;
        c.nullability = QL_NULL_NO;
    }
    bool found = true;
    while (found) {
        QL_TRY(column_attribute(p, &c, &found));
    }
    QL_TRY(qli_grow(p, &ct->columns, &ct->ncolumns, sizeof *ct->columns));
    ct->columns[ct->ncolumns - 1] = c;
    for (uint32_t i = 0; i < c.nchecks; i++) {
        QL_TRY(add_check(p, &ct->checks, &ct->nchecks, &c.checks[i]));
    }
    return QL_OK;
}

bool
qli_starts_key(const qli_parser *p)
{
    return starts_key(p);
}

ql_status
qli_table_element(qli_parser *p, ql_ast_create_table *ct)
{
    return starts_key(p) ? key_or_constraint(p, ct) : qli_column_definition(p, ct);
}

/* "(" columns and keys ")"; LIKE t in parentheses too. */
static ql_status
table_body(qli_parser *p, ql_ast_create_table *ct)
{
    QL_TRY(qli_expect(p, T_LPAREN));
    if (qli_accept(p, K_LIKE)) {
        QL_TRY(qli_table_name(p, &ct->like));
        return qli_expect(p, T_RPAREN);
    }
    do {
        QL_TRY(qli_table_element(p, ct));
    } while (qli_accept(p, T_COMMA));
    return qli_expect(p, T_RPAREN);
}

/* ---- options ---- */

static ql_status
option_value(qli_parser *p, ql_value *v)
{
    ql_str s;
    if (qli_is(p, T_INT)) {
        v->kind = QL_K_INT;
        return qli_uint(p, &v->u);
    }
    if (qli_accept(p, K_DEFAULT)) {
        v->kind = QL_K_NULL;
        return QL_OK;
    }
    QL_TRY(qli_charset_name(p, &s));
    *v = (ql_value){.kind = QL_K_STRING, .coll = p->mode->literal_coll, .s = s};
    return QL_OK;
}

/* The value of an option that the definition keeps (table_options.def): a number, or DEFAULT. */
static ql_status
kept_option_value(qli_parser *p, ql_table_option o, ql_value *v)
{
    uint32_t pos = p->t.pos, line = p->t.line;
    if (!qli_is(p, T_INT) && !qli_is(p, K_DEFAULT)) {
        return qli_syntax_error(p);
    }
    QL_TRY(option_value(p, v));
    return v->kind != QL_K_INT || ql_table_option_allows(o, v->u)
               ? QL_OK
               : qli_syntax_error_at(p, pos, line);
}

/* NAME [=] value for the words in the list. *found false: no option here. */
static ql_status
named_option(qli_parser *p, ql_ast_option *o, bool *found)
{
    static const struct {
        qli_token_kind first, second;
        const char *name;
    } options[] = {
        {K_ENGINE, T_EOF, "ENGINE"},
        {K_AUTO_INCREMENT, T_EOF, "AUTO_INCREMENT"},
        {K_AVG_ROW_LENGTH, T_EOF, "AVG_ROW_LENGTH"},
        {K_CHARSET, T_EOF, "CHARSET"},
        {K_CHARACTER, K_SET, "CHARSET"},
        {K_CHAR, K_SET, "CHARSET"},
        {K_COLLATE, T_EOF, "COLLATE"},
        {K_CHECKSUM, T_EOF, "CHECKSUM"},
        {K_TABLE_CHECKSUM, T_EOF, "CHECKSUM"},
        {K_COMMENT, T_EOF, "COMMENT"},
        {K_COMPRESSION, T_EOF, "COMPRESSION"},
        {K_CONNECTION, T_EOF, "CONNECTION"},
        {K_DATA, K_DIRECTORY, "DATA DIRECTORY"},
        {K_INDEX, K_DIRECTORY, "INDEX DIRECTORY"},
        {K_DELAY_KEY_WRITE, T_EOF, "DELAY_KEY_WRITE"},
        {K_ENCRYPTION, T_EOF, "ENCRYPTION"},
        {K_INSERT_METHOD, T_EOF, "INSERT_METHOD"},
        {K_KEY_BLOCK_SIZE, T_EOF, "KEY_BLOCK_SIZE"},
        {K_MAX_ROWS, T_EOF, "MAX_ROWS"},
        {K_MIN_ROWS, T_EOF, "MIN_ROWS"},
        {K_PACK_KEYS, T_EOF, "PACK_KEYS"},
        {K_PASSWORD, T_EOF, "PASSWORD"},
        {K_ROW_FORMAT, T_EOF, "ROW_FORMAT"},
        {K_STATS_AUTO_RECALC, T_EOF, "STATS_AUTO_RECALC"},
        {K_STATS_PERSISTENT, T_EOF, "STATS_PERSISTENT"},
        {K_STATS_SAMPLE_PAGES, T_EOF, "STATS_SAMPLE_PAGES"},
        {K_SECONDARY_ENGINE, T_EOF, "SECONDARY_ENGINE"},
        {K_ENGINE_ATTRIBUTE, T_EOF, "ENGINE_ATTRIBUTE"},
        {K_SECONDARY_ENGINE_ATTRIBUTE, T_EOF, "SECONDARY_ENGINE_ATTRIBUTE"},
        {K_AUTOEXTEND_SIZE, T_EOF, "AUTOEXTEND_SIZE"},
        {K_TABLESPACE, T_EOF, "TABLESPACE"},
        {K_READ, K_ONLY, "READ ONLY"},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(options); i++) {
        if (p->t.kind != options[i].first ||
            (options[i].second != T_EOF && qli_peek(p, 1)->kind != options[i].second)) {
            continue;
        }
        *found = true;
        qli_advance(p);
        if (options[i].second != T_EOF) {
            qli_advance(p);
        }
        o->name = (ql_str){options[i].name, strlen(options[i].name)};
        (void)qli_accept(p, T_EQ);
        ql_table_option kept = ql_table_option_by_name(o->name);
        return kept != QL_TABLE_OPTIONS ? kept_option_value(p, kept, &o->value)
                                        : option_value(p, &o->value);
    }
    *found = false;
    return QL_OK;
}

static ql_status
add_option(qli_parser *p, ql_ast_option **v, uint32_t *n, ql_ast_option o)
{
    QL_TRY(qli_grow(p, v, n, sizeof **v));
    (*v)[*n - 1] = o;
    return QL_OK;
}

ql_status
qli_table_option(qli_parser *p, ql_ast_create_table *ct, bool *found)
{
    ql_ast_option o = {0};
    if (qli_is(p, K_DEFAULT)) {
        qli_advance(p);
        if (!qli_is(p, K_CHARSET) && !qli_is(p, K_CHARACTER) && !qli_is(p, K_CHAR) &&
            !qli_is(p, K_COLLATE)) {
            return qli_syntax_error(p);
        }
    }
    QL_TRY(named_option(p, &o, found));
    if (!*found) {
        return qli_is(p, K_UNION) ? qli_unbuilt(p, "UNION=(...) table option") : QL_OK;
    }
    return add_option(p, &ct->options, &ct->noptions, o);
}

static ql_status
table_options(qli_parser *p, ql_ast_create_table *ct)
{
    bool found = true;
    while (found) {
        QL_TRY(qli_table_option(p, ct, &found));
        if (found) {
            (void)qli_accept(p, T_COMMA);
        }
    }
    return QL_OK;
}

ql_status
qli_db_options(qli_parser *p, ql_ast_stmt *s)
{
    for (;;) {
        ql_ast_option o = {0};
        bool found = false;
        bool was_default = qli_accept(p, K_DEFAULT);
        switch (p->t.kind) {
        case K_CHARSET:
        case K_CHARACTER:
        case K_CHAR:
        case K_COLLATE:
        case K_ENCRYPTION:
        case K_READ:
            QL_TRY(named_option(p, &o, &found));
            break;
        default:
            break;
        }
        if (!found) {
            return was_default ? qli_syntax_error(p) : QL_OK;
        }
        QL_TRY(add_option(p, &s->options, &s->noptions, o));
    }
}

/* ---- statements ---- */

ql_status
qli_create_table(qli_parser *p, ql_ast_stmt *s, bool temporary)
{
    ql_ast_create_table *ct;
    QL_TRY(qli_new(p, sizeof *ct, &ct));
    s->kind = temporary ? QL_S_CREATE_TEMPORARY : QL_S_CREATE_TABLE;
    s->create_table = ct;
    s->temporary = ct->temporary = temporary;
    qli_advance(p); /* TABLE */
    if (qli_accept(p, K_IF)) {
        QL_TRY(qli_expect(p, K_NOT));
        QL_TRY(qli_expect(p, K_EXISTS));
        s->if_not_exists = ct->if_not_exists = true;
    }
    QL_TRY(qli_table_name(p, &ct->table));
    if (qli_accept(p, K_LIKE)) {
        return qli_table_name(p, &ct->like);
    }
    bool query =
        qli_is(p, T_LPAREN) && (qli_peek(p, 1)->kind == K_SELECT ||
                                qli_peek(p, 1)->kind == K_WITH || qli_peek(p, 1)->kind == T_LPAREN);
    if (qli_is(p, T_LPAREN) && !query) {
        QL_TRY(table_body(p, ct));
        if (ct->like.name.n != 0) {
            return QL_OK;
        }
    }
    QL_TRY(table_options(p, ct));
    if (qli_is(p, K_PARTITION)) {
        QL_TRY(qli_partition_by(p));
        return qli_unbuilt(p, "PARTITION BY");
    }
    if (qli_is(p, K_START)) {
        return qli_unbuilt(p, "CREATE TABLE ... START TRANSACTION");
    }
    bool ignore = qli_accept(p, K_IGNORE), replace = !ignore && qli_accept(p, K_REPLACE);
    ct->duplicates = ignore ? QL_DUP_IGNORE : replace ? QL_DUP_REPLACE : QL_DUP_ERROR;
    bool as = qli_accept(p, K_AS);
    if (as || ignore || replace || qli_starts_query(p) || qli_is(p, T_LPAREN)) {
        return qli_query(p, &ct->select);
    }
    return ct->ncolumns == 0 && !qli_at_end(p) ? qli_syntax_error(p) : QL_OK;
}

/* CREATE [UNIQUE|FULLTEXT|SPATIAL] INDEX name [USING type] ON t (parts) options */
ql_status
qli_create_index(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_alter *a;
    ql_ast_action *added;
    bool type, found = true;
    s->kind = QL_S_CREATE_INDEX;
    QL_TRY(qli_alter_new(p, s, &a));
    QL_TRY(qli_alter_action(p, a, QL_ALTER_ADD_KEY, &added));
    QL_TRY(qli_grow(p, &a->defs.keys, &a->defs.nkeys, sizeof *a->defs.keys));
    ql_ast_key *key = &a->defs.keys[0];
    key->kind = qli_accept(p, K_UNIQUE)     ? QL_KEY_UNIQUE
                : qli_accept(p, K_FULLTEXT) ? QL_KEY_FULLTEXT
                : qli_accept(p, K_SPATIAL)  ? QL_KEY_SPATIAL
                                            : QL_KEY_PLAIN;
    QL_TRY(qli_expect(p, K_INDEX));
    QL_TRY(qli_name(p, &key->name));
    QL_TRY(opt_index_type(p, &type));
    QL_TRY(qli_expect(p, K_ON));
    QL_TRY(qli_table_name(p, &a->table));
    QL_TRY(key_parts(p, key));
    QL_TRY(key_options(p, key));
    while (found) {
        QL_TRY(qli_alter_how(p, a, &found));
    }
    return QL_OK;
}
