/* SPDX-License-Identifier: Apache-2.0
 *
 * ALTER TABLE and DROP INDEX: a list of actions and how they are to be done. Columns, keys,
 * constraints and options are read by parse_table.c. What is written is collected in the order of
 * the text; whether the actions go together is decided where the table is known.
 */
#include "sql/sql_int.h"

ql_status
qli_alter_new(qli_parser *p, ql_ast_stmt *s, ql_ast_alter **out)
{
    QL_TRY(qli_new(p, sizeof **out, out));
    (*out)->keys = -1;
    s->alter = *out;
    return QL_OK;
}

ql_status
qli_alter_action(qli_parser *p, ql_ast_alter *a, ql_alter_kind kind, ql_ast_action **out)
{
    QL_TRY(qli_grow(p, &a->v, &a->n, sizeof *a->v));
    *out = &a->v[a->n - 1];
    (*out)->kind = kind;
    return QL_OK;
}

/* An action about a name, which is the current token. */
static ql_status
named_action(qli_parser *p, ql_ast_alter *a, ql_alter_kind kind, ql_ast_action **out)
{
    QL_TRY(qli_alter_action(p, a, kind, out));
    return qli_name(p, &(*out)->name);
}

/* ---- how ---- */

static ql_status
algorithm(qli_parser *p, ql_alter_algorithm *out)
{
    ql_str name;
    if (qli_accept(p, K_DEFAULT)) {
        *out = QL_ALGORITHM_DEFAULT;
        return QL_OK;
    }
    QL_TRY(qli_name(p, &name));
    if (ql_str_eq_nocase(name, QL_STR("INSTANT"))) {
        *out = QL_ALGORITHM_INSTANT;
    } else if (ql_str_eq_nocase(name, QL_STR("INPLACE"))) {
        *out = QL_ALGORITHM_INPLACE;
    } else if (ql_str_eq_nocase(name, QL_STR("COPY"))) {
        *out = QL_ALGORITHM_COPY;
    } else {
        return ql_fail(p->cx, QL_ER_UNKNOWN_ALTER_ALGORITHM, ql_cstr(p->cx, name));
    }
    return QL_OK;
}

static ql_status
lock(qli_parser *p, ql_alter_lock *out)
{
    ql_str name;
    if (qli_accept(p, K_DEFAULT)) {
        *out = QL_LOCK_DEFAULT;
        return QL_OK;
    }
    QL_TRY(qli_name(p, &name));
    if (ql_str_eq_nocase(name, QL_STR("NONE"))) {
        *out = QL_LOCK_NONE;
    } else if (ql_str_eq_nocase(name, QL_STR("SHARED"))) {
        *out = QL_LOCK_SHARED;
    } else if (ql_str_eq_nocase(name, QL_STR("EXCLUSIVE"))) {
        *out = QL_LOCK_EXCLUSIVE;
    } else {
        return ql_fail(p->cx, QL_ER_UNKNOWN_ALTER_LOCK, ql_cstr(p->cx, name));
    }
    return QL_OK;
}

ql_status
qli_alter_how(qli_parser *p, ql_ast_alter *a, bool *found)
{
    *found = true;
    if (qli_accept(p, K_ALGORITHM)) {
        (void)qli_accept(p, T_EQ);
        return algorithm(p, &a->algorithm);
    }
    if (qli_accept(p, K_LOCK)) {
        (void)qli_accept(p, T_EQ);
        return lock(p, &a->lock);
    }
    *found = false;
    return QL_OK;
}

/* ---- ADD, CHANGE, MODIFY ---- */

static ql_status
place(qli_parser *p, ql_ast_action *v)
{
    if (qli_accept(p, K_FIRST)) {
        v->first = true;
        return QL_OK;
    }
    return qli_accept(p, K_AFTER) ? qli_name(p, &v->after) : QL_OK;
}

/* CHECKs behind a column, or by themselves: those of defs from number n on. */
static ql_status
add_checks(qli_parser *p, ql_ast_alter *a, uint32_t n)
{
    ql_ast_action *v;
    for (; n < a->defs.nchecks; n++) {
        QL_TRY(qli_alter_action(p, a, QL_ALTER_ADD_CHECK, &v));
        v->at = n;
    }
    return QL_OK;
}

/* Actions for what has come to the lists of defs. */
static ql_status
add_element(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_create_table *d = &a->defs;
    ql_ast_action *v;
    uint32_t columns = d->ncolumns, keys = d->nkeys, checks = d->nchecks;
    QL_TRY(qli_table_element(p, d));
    if (d->ncolumns > columns) {
        QL_TRY(qli_alter_action(p, a, QL_ALTER_ADD_COLUMN, &v));
        v->at = columns;
    }
    if (d->nkeys > keys) {
        QL_TRY(qli_alter_action(p, a, QL_ALTER_ADD_KEY, &v));
        v->at = keys;
    }
    return add_checks(p, a, checks);
}

/* A column, and where it is to be, for the action that is the list's last. */
static ql_status
define(qli_parser *p, ql_ast_alter *a)
{
    uint32_t checks = a->defs.nchecks, last = a->n - 1;
    a->v[last].at = a->defs.ncolumns;
    QL_TRY(qli_column_definition(p, &a->defs));
    QL_TRY(place(p, &a->v[last]));
    return add_checks(p, a, checks);
}

static ql_status
add_column(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_action *v;
    if (qli_accept(p, T_LPAREN)) {
        do {
            QL_TRY(add_element(p, a));
        } while (qli_accept(p, T_COMMA));
        return qli_expect(p, T_RPAREN);
    }
    QL_TRY(qli_alter_action(p, a, QL_ALTER_ADD_COLUMN, &v));
    return define(p, a);
}

static ql_status
add(qli_parser *p, ql_ast_alter *a)
{
    if (qli_is(p, K_PARTITION)) {
        return qli_unbuilt(p, "ALTER TABLE ... ADD PARTITION");
    }
    if (!qli_accept(p, K_COLUMN) && qli_starts_key(p)) {
        return add_element(p, a);
    }
    return add_column(p, a);
}

static ql_status
change(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_action *v;
    (void)qli_accept(p, K_COLUMN);
    QL_TRY(named_action(p, a, QL_ALTER_CHANGE_COLUMN, &v));
    return define(p, a);
}

static ql_status
modify(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_action *v;
    uint32_t at = a->n;
    (void)qli_accept(p, K_COLUMN);
    QL_TRY(qli_alter_action(p, a, QL_ALTER_CHANGE_COLUMN, &v));
    QL_TRY(define(p, a));
    a->v[at].name = a->defs.columns[a->v[at].at].name;
    return QL_OK;
}

/* ---- DROP ---- */

static ql_status
drop(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_action *v;
    switch (p->t.kind) {
    case K_PARTITION:
        return qli_unbuilt(p, "ALTER TABLE ... DROP PARTITION");
    case K_PRIMARY:
        qli_advance(p);
        QL_TRY(qli_expect(p, K_KEY));
        QL_TRY(qli_alter_action(p, a, QL_ALTER_DROP_KEY, &v));
        v->name = QL_STR("PRIMARY");
        a->drops_primary = true;
        return QL_OK;
    case K_FOREIGN:
        qli_advance(p);
        QL_TRY(qli_expect(p, K_KEY));
        return named_action(p, a, QL_ALTER_DROP_FOREIGN, &v);
    case K_KEY:
    case K_INDEX:
        qli_advance(p);
        return named_action(p, a, QL_ALTER_DROP_KEY, &v);
    case K_CHECK:
        qli_advance(p);
        return named_action(p, a, QL_ALTER_DROP_CHECK, &v);
    case K_CONSTRAINT:
        qli_advance(p);
        return named_action(p, a, QL_ALTER_DROP_CONSTRAINT, &v);
    default:
        break;
    }
    (void)qli_accept(p, K_COLUMN);
    QL_TRY(named_action(p, a, QL_ALTER_DROP_COLUMN, &v));
    if (!qli_accept(p, K_RESTRICT)) {
        (void)qli_accept(p, K_CASCADE);
    }
    return QL_OK;
}

/* ---- ALTER ---- */

static ql_status
visibility(qli_parser *p, bool *visible)
{
    *visible = qli_is(p, K_VISIBLE);
    return qli_accept(p, K_VISIBLE) ? QL_OK : qli_expect(p, K_INVISIBLE);
}

static ql_status
set_default(qli_parser *p, ql_ast_action *v)
{
    v->kind = QL_ALTER_SET_DEFAULT;
    if (qli_is(p, K_NOW) || qli_is(p, K_CURRENT_TIMESTAMP) || qli_is(p, K_LOCALTIME) ||
        qli_is(p, K_LOCALTIMESTAMP)) { /* of columns, but not here */
        return qli_syntax_error(p);
    }
    return qli_default_value(p, &v->value, &v->is_expr);
}

static ql_status
alter_column(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_action *v;
    (void)qli_accept(p, K_COLUMN);
    QL_TRY(named_action(p, a, QL_ALTER_DROP_DEFAULT, &v));
    if (qli_accept(p, K_DROP)) {
        return qli_expect(p, K_DEFAULT);
    }
    QL_TRY(qli_expect(p, K_SET));
    if (qli_accept(p, K_DEFAULT)) {
        return set_default(p, v);
    }
    v->kind = QL_ALTER_COLUMN_VISIBLE;
    return visibility(p, &v->on);
}

static ql_status
alter_constraint(qli_parser *p, ql_ast_alter *a, ql_alter_kind kind)
{
    ql_ast_action *v;
    QL_TRY(named_action(p, a, kind, &v));
    v->on = !qli_accept(p, K_NOT);
    return qli_expect(p, K_ENFORCED);
}

static ql_status
alter(qli_parser *p, ql_ast_alter *a)
{
    ql_ast_action *v;
    switch (p->t.kind) {
    case K_INDEX:
        qli_advance(p);
        QL_TRY(named_action(p, a, QL_ALTER_KEY_VISIBLE, &v));
        return visibility(p, &v->on);
    case K_CHECK:
        qli_advance(p);
        return alter_constraint(p, a, QL_ALTER_CHECK_ENFORCED);
    case K_CONSTRAINT:
        qli_advance(p);
        return alter_constraint(p, a, QL_ALTER_CONSTRAINT_ENFORCED);
    default:
        return alter_column(p, a);
    }
}

/* ---- RENAME ---- */

static ql_status
rename_inside(qli_parser *p, ql_ast_alter *a, ql_alter_kind kind)
{
    ql_ast_action *v;
    qli_advance(p);
    QL_TRY(named_action(p, a, kind, &v));
    QL_TRY(qli_expect(p, K_TO));
    return qli_name(p, &v->to);
}

static ql_status
rename(qli_parser *p, ql_ast_alter *a)
{
    if (qli_is(p, K_COLUMN)) {
        return rename_inside(p, a, QL_ALTER_RENAME_COLUMN);
    }
    if (qli_is(p, K_KEY) || qli_is(p, K_INDEX)) {
        return rename_inside(p, a, QL_ALTER_RENAME_KEY);
    }
    if (!qli_accept(p, K_TO) && !qli_accept(p, K_AS)) {
        (void)qli_accept(p, T_EQ);
    }
    return qli_table_name(p, &a->to);
}

/* ---- the others ---- */

/* TO CHARACTER SET x [COLLATE y] */
static ql_status
convert(qli_parser *p, ql_ast_alter *a)
{
    QL_TRY(qli_expect(p, K_TO));
    if (!qli_accept2(p, K_CHARACTER, K_SET) && !qli_accept2(p, K_CHAR, K_SET)) {
        QL_TRY(qli_expect(p, K_CHARSET));
    }
    a->convert = true;
    if (!qli_accept(p, K_DEFAULT)) {
        QL_TRY(qli_charset_name(p, &a->charset));
    }
    if (qli_accept(p, K_COLLATE)) {
        (void)qli_accept(p, T_EQ);
        return qli_charset_name(p, &a->collation);
    }
    return QL_OK;
}

/* BY columns */
static ql_status
order(qli_parser *p, ql_ast_alter *a)
{
    QL_TRY(qli_expect(p, K_BY));
    do {
        QL_TRY(qli_grow(p, &a->order_by.v, &a->order_by.n, sizeof *a->order_by.v));
        ql_ast_order *o = &a->order_by.v[a->order_by.n - 1];
        QL_TRY(qli_column_ref(p, &o->expr));
        if (!qli_accept(p, K_ASC)) {
            o->descending = qli_accept(p, K_DESC);
        }
    } while (qli_is(p, T_COMMA) && qli_is_name(qli_peek(p, 1)) && qli_accept(p, T_COMMA));
    return QL_OK;
}

static ql_status
keys(qli_parser *p, ql_ast_alter *a, bool enable)
{
    a->keys = enable;
    return qli_expect(p, K_KEYS);
}

/* WITH VALIDATION, WITHOUT VALIDATION: of generated columns; values are always checked. */
static ql_status
validation(qli_parser *p)
{
    return qli_expect(p, K_VALIDATION);
}

/* Options, with blanks between. */
static ql_status
options(qli_parser *p, ql_ast_alter *a)
{
    bool found;
    QL_TRY(qli_table_option(p, &a->defs, &found));
    if (!found) {
        return qli_syntax_error(p);
    }
    while (found) {
        QL_TRY(qli_table_option(p, &a->defs, &found));
    }
    return QL_OK;
}

static ql_status
action(qli_parser *p, ql_ast_alter *a)
{
    bool found;
    switch (p->t.kind) {
    case K_ADD:
        qli_advance(p);
        return add(p, a);
    case K_CHANGE:
        qli_advance(p);
        return change(p, a);
    case K_MODIFY:
        qli_advance(p);
        return modify(p, a);
    case K_DROP:
        qli_advance(p);
        return drop(p, a);
    case K_ALTER:
        qli_advance(p);
        return alter(p, a);
    case K_RENAME:
        qli_advance(p);
        return rename(p, a);
    case K_CONVERT:
        qli_advance(p);
        return convert(p, a);
    case K_ORDER:
        qli_advance(p);
        return order(p, a);
    case K_FORCE:
        qli_advance(p);
        a->force = true;
        return QL_OK;
    case K_DISABLE:
    case K_ENABLE:
        found = qli_is(p, K_ENABLE);
        qli_advance(p);
        return keys(p, a, found);
    case K_WITH:
    case K_WITHOUT:
        qli_advance(p);
        return validation(p);
    default:
        QL_TRY(qli_alter_how(p, a, &found));
        return found ? QL_OK : options(p, a);
    }
}

/* Statements about partitions and tablespaces, which stand alone or at the end. */
static const struct {
    qli_token_kind word;
    const char *name;
} not_built[] = {
    {K_PARTITION, "ALTER TABLE ... PARTITION BY"},
    {K_REMOVE, "ALTER TABLE ... REMOVE PARTITIONING"},
    {K_DISCARD, "ALTER TABLE ... DISCARD TABLESPACE"},
    {K_IMPORT, "ALTER TABLE ... IMPORT TABLESPACE"},
    {K_REBUILD, "ALTER TABLE ... REBUILD PARTITION"},
    {K_OPTIMIZE, "ALTER TABLE ... OPTIMIZE PARTITION"},
    {K_ANALYZE, "ALTER TABLE ... ANALYZE PARTITION"},
    {K_CHECK, "ALTER TABLE ... CHECK PARTITION"},
    {K_REPAIR, "ALTER TABLE ... REPAIR PARTITION"},
    {K_COALESCE, "ALTER TABLE ... COALESCE PARTITION"},
    {K_TRUNCATE, "ALTER TABLE ... TRUNCATE PARTITION"},
    {K_REORGANIZE, "ALTER TABLE ... REORGANIZE PARTITION"},
    {K_EXCHANGE, "ALTER TABLE ... EXCHANGE PARTITION"},
    {K_SECONDARY_LOAD, "ALTER TABLE ... SECONDARY_LOAD"},
    {K_SECONDARY_UNLOAD, "ALTER TABLE ... SECONDARY_UNLOAD"},
};

static ql_status
refuse_unbuilt(qli_parser *p)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(not_built); i++) {
        if (qli_is(p, not_built[i].word)) {
            return qli_unbuilt(p, not_built[i].name);
        }
    }
    return QL_OK;
}

ql_status
qli_alter_table(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_alter *a;
    s->kind = QL_S_ALTER_TABLE;
    QL_TRY(qli_alter_new(p, s, &a));
    QL_TRY(qli_table_name(p, &a->table));
    QL_TRY(refuse_unbuilt(p));
    if (qli_at_end(p)) {
        return QL_OK; /* nothing to do: allowed */
    }
    do {
        QL_TRY(action(p, a));
    } while (qli_accept(p, T_COMMA));
    return qli_is(p, K_PARTITION) || qli_is(p, K_REMOVE) ? refuse_unbuilt(p) : QL_OK;
}

ql_status
qli_drop_index(qli_parser *p, ql_ast_stmt *s)
{
    ql_ast_alter *a;
    ql_ast_action *v;
    bool found = true;
    s->kind = QL_S_DROP_INDEX;
    qli_advance(p);
    QL_TRY(qli_alter_new(p, s, &a));
    QL_TRY(qli_alter_action(p, a, QL_ALTER_DROP_KEY, &v));
    if (qli_accept(p, K_PRIMARY)) {
        v->name = QL_STR("PRIMARY");
    } else {
        QL_TRY(qli_name(p, &v->name));
    }
    QL_TRY(qli_expect(p, K_ON));
    QL_TRY(qli_table_name(p, &a->table));
    while (found) {
        QL_TRY(qli_alter_how(p, a, &found));
    }
    return QL_OK;
}
