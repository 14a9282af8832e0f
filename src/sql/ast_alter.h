/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parser makes of ALTER TABLE, CREATE INDEX and DROP INDEX: the same tree, for the same
 * work. Lifetime and names as in ast.h.
 */
#ifndef QL_SQL_AST_ALTER_H
#define QL_SQL_AST_ALTER_H

#include "sql/ast.h"

typedef enum ql_alter_kind {
    QL_ALTER_ADD_COLUMN,      /* defs.columns[at]; first, after */
    QL_ALTER_DROP_COLUMN,     /* name */
    QL_ALTER_CHANGE_COLUMN,   /* name becomes defs.columns[at] (MODIFY: the same name); first, after
                               */
    QL_ALTER_RENAME_COLUMN,   /* name, to */
    QL_ALTER_SET_DEFAULT,     /* name, value */
    QL_ALTER_DROP_DEFAULT,    /* name */
    QL_ALTER_COLUMN_VISIBLE,  /* name, on */
    QL_ALTER_ADD_KEY,         /* defs.keys[at] */
    QL_ALTER_DROP_KEY,        /* name ("PRIMARY" of DROP PRIMARY KEY) */
    QL_ALTER_RENAME_KEY,      /* name, to */
    QL_ALTER_KEY_VISIBLE,     /* name, on */
    QL_ALTER_ADD_CHECK,       /* defs.checks[at] */
    QL_ALTER_DROP_CHECK,      /* name */
    QL_ALTER_DROP_FOREIGN,    /* name */
    QL_ALTER_DROP_CONSTRAINT, /* name, of any kind */
    QL_ALTER_CHECK_ENFORCED,  /* name, on; ALTER CHECK */
    QL_ALTER_CONSTRAINT_ENFORCED, /* name, on; ALTER CONSTRAINT */
} ql_alter_kind;

typedef struct ql_ast_action {
    ql_alter_kind kind;
    ql_str name, to;
    uint32_t at;
    bool first;   /* FIRST */
    ql_str after; /* AFTER; empty = not given */
    bool on;
    ql_ast_expr *value;
    bool is_expr; /* SET DEFAULT (value) */
} ql_ast_action;

/* Cheapest first. */
typedef enum ql_alter_algorithm {
    QL_ALGORITHM_DEFAULT,
    QL_ALGORITHM_INSTANT,
    QL_ALGORITHM_INPLACE,
    QL_ALGORITHM_COPY
} ql_alter_algorithm;
typedef enum ql_alter_lock {
    QL_LOCK_DEFAULT,
    QL_LOCK_NONE,
    QL_LOCK_SHARED,
    QL_LOCK_EXCLUSIVE
} ql_alter_lock;

struct ql_ast_alter {
    ql_ast_table_name table;
    ql_ast_action *v; /* in the order of the text */
    uint32_t n;
    ql_ast_create_table defs; /* columns, keys, checks and options that are written in it */
    ql_ast_table_name to;     /* RENAME; name empty = none */
    bool convert;             /* CONVERT TO CHARACTER SET */
    ql_str charset;           /* of it; empty = DEFAULT */
    ql_str collation;
    ql_ast_orders order_by; /* QL_A_COLUMN */
    bool force;
    bool drops_primary; /* DROP PRIMARY KEY in so many words */
    int keys;           /* ENABLE KEYS 1, DISABLE KEYS 0, -1 not given */
    ql_alter_algorithm algorithm;
    ql_alter_lock lock;
};

#endif
