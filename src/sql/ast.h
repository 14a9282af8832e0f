/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parser makes of a statement. Nodes live in the statement's (or prepared statement's)
 * arena and are read-only after parsing. Names are as written (decoded from quotes), never looked
 * up here. `pos` are byte offsets into the text.
 */
#ifndef QL_SQL_AST_H
#define QL_SQL_AST_H

#include "catalog/viewdef.h"
#include "sql/ast_hint.h"
#include "types/datetime.h"
#include "types/textfile.h"
#include "types/value.h"
#include "vars/sysvars.h"

typedef struct ql_ast_expr ql_ast_expr;
typedef struct ql_ast_select ql_ast_select;

/* List of n pointers or structs in the arena. */
typedef struct ql_ast_exprs {
    ql_ast_expr **v;
    uint32_t n;
} ql_ast_exprs;

typedef enum ql_ast_kind {
    QL_A_LITERAL,  /* value; strings: the collation of their introducer (_latin1'x'), else
                      ql_parse_mode.literal_coll (may be NULL); DATE 'x' ... as temporal values */
    QL_A_PARAM,    /* ? ; index = its number from 0 */
    QL_A_COLUMN,   /* [[db.]table.]name */
    QL_A_STAR,     /* * or table.* (db.table.*): select list and COUNT(*) only */
    QL_A_OP,       /* op with args (1, 2 or 3) */
    QL_A_FUNC,     /* name(args), distinct for aggregates; schema set for db.f(). Upper case and one
                      name each for what the grammar knows: NOW, CURDATE, CURTIME, UTC_DATE/TIME/
                      TIMESTAMP, CURRENT_USER, USER, DATABASE, SUBSTRING, LOCATE (POSITION too),
                      DATE_ADD, DATE_SUB (args[1] INTERVAL; ADDDATE(x, n) too), CHAR (USING: in a
                      CONVERT),     TIMESTAMPADD/TIMESTAMPDIFF (unit), INTERVAL; COUNT(*) has a STAR
                      argument */
    QL_A_CASE,     /* args: [operand?] then when,then pairs, [else]; has_operand, has_else */
    QL_A_CAST,     /* args[0] AS cast_type (CAST, CONVERT(x, type), BINARY x) */
    QL_A_CONVERT,  /* CONVERT(args[0] USING name) */
    QL_A_COLLATE,  /* args[0] COLLATE name */
    QL_A_INTERVAL, /* INTERVAL args[0] unit; only as argument of +, -, DATE_ADD ... */
    QL_A_USERVAR,  /* @name */
    QL_A_ASSIGN,   /* @name := args[0] */
    QL_A_SYSVAR,   /* @@[scope.]name; scope */
    QL_A_SUBQUERY, /* (select) as scalar or row */
    QL_A_EXISTS,   /* EXISTS (select) */
    QL_A_ROW,      /* (a, b, ...) with more than one element */
    QL_A_DEFAULT,  /* DEFAULT or DEFAULT(col) (args[0]) */
    QL_A_VALUES,   /* VALUES(col) in ON DUPLICATE KEY UPDATE */
    QL_A_GROUP_CONCAT, /* args; order_by; separator in value; distinct */
    QL_A_EXTRACT,      /* EXTRACT(unit FROM args[0]) */
    QL_A_TRIM, /* TRIM([LEADING|TRAILING|BOTH] [args[1]] FROM args[0]); index 0 both 1 leading 2
                  trailing */
} ql_ast_kind;

typedef enum ql_op {
    QL_OP_OR,
    QL_OP_XOR,
    QL_OP_AND,
    QL_OP_NOT,
    QL_OP_EQ,
    QL_OP_NULLSAFE_EQ,
    QL_OP_NE,
    QL_OP_LT,
    QL_OP_LE,
    QL_OP_GT,
    QL_OP_GE,
    QL_OP_IS_NULL,
    QL_OP_IS_NOT_NULL,
    QL_OP_IS_TRUE,
    QL_OP_IS_NOT_TRUE,
    QL_OP_IS_FALSE,
    QL_OP_IS_NOT_FALSE,
    QL_OP_IS_UNKNOWN,
    QL_OP_IS_NOT_UNKNOWN,
    QL_OP_BETWEEN,
    QL_OP_NOT_BETWEEN, /* 3 args */
    QL_OP_IN,
    QL_OP_NOT_IN, /* args[0] in args[1..]; or args[1] is a SUBQUERY */
    QL_OP_LIKE,
    QL_OP_NOT_LIKE, /* args[2] = ESCAPE */
    QL_OP_REGEXP,
    QL_OP_NOT_REGEXP,
    QL_OP_ADD,
    QL_OP_SUB,
    QL_OP_MUL,
    QL_OP_DIV,
    QL_OP_INTDIV,
    QL_OP_MOD,
    QL_OP_NEG,
    QL_OP_PLUS,
    QL_OP_BITOR,
    QL_OP_BITAND,
    QL_OP_BITXOR,
    QL_OP_SHL,
    QL_OP_SHR,
    QL_OP_BITNOT,
    QL_OP_EQ_ANY,
    QL_OP_NE_ANY,
    QL_OP_LT_ANY,
    QL_OP_LE_ANY,
    QL_OP_GT_ANY,
    QL_OP_GE_ANY, /* args[1] SUBQUERY */
    QL_OP_EQ_ALL,
    QL_OP_NE_ALL,
    QL_OP_LT_ALL,
    QL_OP_LE_ALL,
    QL_OP_GT_ALL,
    QL_OP_GE_ALL,
} ql_op;

/* Of a comparison whose sides change places; any other operator as it is. */
static inline ql_op
ql_op_mirrored(ql_op op)
{
    switch (op) {
    case QL_OP_LT:
        return QL_OP_GT;
    case QL_OP_LE:
        return QL_OP_GE;
    case QL_OP_GT:
        return QL_OP_LT;
    case QL_OP_GE:
        return QL_OP_LE;
    default:
        return op;
    }
}

typedef enum ql_var_scope {
    QL_SCOPE_DEFAULT,
    QL_SCOPE_SESSION,
    QL_SCOPE_GLOBAL,
    QL_SCOPE_PERSIST,
    QL_SCOPE_PERSIST_ONLY,
    QL_SCOPE_USER
} ql_var_scope;

/* A column type as written: of a column definition or a CAST. CHAR, BINARY: QL_F_STRING; VARCHAR,
 * VARBINARY: QL_F_VARCHAR; TEXT and BLOB families: QL_F_TINY_BLOB/BLOB/MEDIUM_BLOB/LONG_BLOB with
 * or without is_binary; in a CAST, CHAR and BINARY: QL_F_VAR_STRING, SIGNED and UNSIGNED:
 * QL_F_LONGLONG. Temporal types: fractional digits in decimals. */
typedef struct ql_ast_type {
    ql_field field;
    bool is_unsigned, zerofill,
        is_binary /* BINARY, VARBINARY, BLOB family, or CHARACTER SET binary */;
    bool has_length, has_decimals;
    bool is_bool, is_serial;
    bool bin_collation; /* CHAR(n) BINARY: the _bin collation of its character set */
    uint32_t length, decimals;
    ql_str charset, collation; /* empty = not given */
    ql_str *members;
    uint32_t nmembers; /* ENUM, SET */
} ql_ast_type;

typedef struct ql_ast_order {
    ql_ast_expr *expr;
    bool descending;
} ql_ast_order;
typedef struct ql_ast_orders {
    ql_ast_order *v;
    uint32_t n;
} ql_ast_orders;

/* JSON_VALUE, JSON_TABLE: what ON EMPTY and ON ERROR say. Of JSON_VALUE's index the lowest bits and
 * those above them. */
enum { QL_JSON_ON_NULL, QL_JSON_ON_ERROR, QL_JSON_ON_DEFAULT };

struct ql_ast_expr {
    ql_ast_kind kind;
    ql_op op;
    uint32_t pos, end; /* text of the expression: the column heading */
    ql_str schema, table, name;
    ql_value value;
    ql_ast_exprs args;
    uint32_t index;
    ql_unit unit;
    ql_var_scope scope;
    bool distinct, has_operand, has_else;
    bool
        is_hex; /* LITERAL x'..', 0x.., b'..': binary string that is an integer in number context */
    bool is_bool; /* LITERAL TRUE, FALSE (an INT 1 or 0) */
    bool is_code; /* LITERAL _charset x'..', whose heading is what was written */
    ql_ast_type *cast_type;
    ql_ast_select *select;
    ql_ast_orders order_by;
    uint32_t height; /* levels of nodes below and with it, subqueries too; the parser bounds it */
};

typedef struct ql_ast_table_name {
    ql_str db, name; /* db empty = current */
    uint32_t pos;
} ql_ast_table_name;

typedef enum ql_ast_join {
    QL_J_NONE /* first, or comma */,
    QL_J_INNER,
    QL_J_LEFT,
    QL_J_RIGHT,
    QL_J_CROSS,
    QL_J_STRAIGHT
} ql_ast_join;

/* An index named by USE, FORCE or IGNORE INDEX, and for which purposes. */
typedef enum ql_ast_index_use { QL_USE_INDEX, QL_FORCE_INDEX, QL_IGNORE_INDEX } ql_ast_index_use;
enum ql_ast_index_purpose {
    QL_FOR_JOIN = 1,
    QL_FOR_ORDER = 2,
    QL_FOR_GROUP = 4,
    QL_FOR_ALL = 7 /* without FOR */
};
typedef struct ql_ast_index_hint {
    struct ql_ast_index_hint *next; /* as the text has them */
    ql_ast_index_use use;
    unsigned purposes;
    ql_str name; /* or an unambiguous beginning of it; p NULL: USE INDEX () */
} ql_ast_index_hint;

/* FROM as a tree: a leaf (table or derived) or a join of two. */

/* A column of JSON_TABLE, or a NESTED PATH with columns of its own. */
typedef enum ql_json_column_kind {
    QL_JT_ORDINALITY,
    QL_JT_PATH,
    QL_JT_EXISTS,
    QL_JT_NESTED
} ql_json_column_kind;
typedef struct ql_ast_json_column ql_ast_json_column;
struct ql_ast_json_column {
    ql_json_column_kind kind;
    ql_str name, path;
    ql_ast_type type;
    unsigned on[2];         /* EMPTY, ERROR: QL_JSON_ON_* */
    ql_ast_expr *values[2]; /* DEFAULT */
    ql_ast_json_column *columns, *next;
};
typedef struct ql_ast_json_table {
    ql_ast_expr *doc;
    ql_str path;
    ql_ast_json_column *columns;
} ql_ast_json_table;

typedef struct ql_ast_from ql_ast_from;
struct ql_ast_from {
    ql_ast_join join; /* QL_J_NONE with left NULL = leaf; comma joins are QL_J_CROSS */
    ql_ast_from *left, *right;
    ql_ast_expr *on;
    ql_str *using_cols;
    uint32_t nusing;
    bool natural;
    ql_ast_table_name table; /* leaf */
    ql_ast_select *derived;  /* leaf: (SELECT ...) */
    ql_ast_json_table *json; /* leaf: JSON_TABLE(...) */
    ql_str alias;
    ql_ast_index_hint *hints; /* of the leaf */
    bool dml;                 /* leaf: of the FROM of an UPDATE or DELETE itself */
    ql_ast_from *next_leaf;   /* leaf: the next table of the statement's list */
};

typedef struct ql_ast_item {
    ql_ast_expr *expr;
    ql_str alias;   /* empty = none */
    ql_str heading; /* text as written, trimmed: the name when there is no alias */
} ql_ast_item;

typedef enum ql_ast_set_op {
    QL_SET_NONE,
    QL_SET_UNION,
    QL_SET_UNION_ALL,
    QL_SET_EXCEPT,
    QL_SET_INTERSECT
} ql_ast_set_op;

typedef struct ql_ast_cte {
    ql_str name;
    ql_str *columns;
    uint32_t ncolumns;
    ql_ast_select *select;
} ql_ast_cte;

typedef struct ql_ast_into_file {
    bool dump; /* DUMPFILE: the bytes of one row */
    ql_str file;
    ql_str charset; /* empty = as the columns are */
    ql_text_format format;
} ql_ast_into_file;

/* One locking clause. */
typedef enum ql_ast_lock_kind { QL_LK_NONE, QL_LK_UPDATE, QL_LK_SHARE } ql_ast_lock_kind;
typedef struct ql_ast_locking {
    ql_ast_lock_kind kind;
    bool nowait, skip_locked;
    ql_ast_table_name *of; /* OF t1, t2 (aliases); none = all tables of the block */
    uint32_t nof;
} ql_ast_locking;

struct ql_ast_select {
    /* A query block, or with set_op a combination of left and right, whose order/limit are its own.
     */
    ql_ast_set_op set_op;
    ql_ast_select *left, *right;
    ql_ast_cte *ctes;
    uint32_t nctes;
    bool recursive;
    bool distinct, straight_join, sql_calc_found_rows, sql_big_result;
    ql_ast_item *items;
    uint32_t nitems;
    ql_ast_from *from; /* NULL = none (or DUAL) */
    ql_ast_expr *where, *having;
    ql_ast_orders group_by, order_by;
    bool with_rollup;
    ql_ast_expr *limit, *offset; /* NULL = none; literal or parameter */
    ql_ast_exprs into_vars;      /* SELECT ... INTO @a, @b (QL_A_USERVAR) */
    ql_ast_into_file
        *into_file;          /* SELECT ... INTO OUTFILE, DUMPFILE; of the outermost query only */
    ql_ast_locking *locking; /* FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE */
    uint32_t nlocking;
    ql_ast_hints hints;
    uint32_t height; /* of its highest expression, subqueries and set operations included */
};

typedef struct ql_ast_assign {
    ql_ast_expr *column; /* QL_A_COLUMN */
    ql_ast_expr *value;  /* QL_A_DEFAULT possible */
} ql_ast_assign;
typedef struct ql_ast_assigns {
    ql_ast_assign *v;
    uint32_t n;
} ql_ast_assigns;

typedef struct ql_ast_insert {
    ql_ast_hints hints; /* until they are the query's */
    bool replace, ignore, low_priority;
    ql_ast_table_name table;
    ql_str *columns;
    uint32_t ncolumns;
    bool has_columns;
    ql_ast_exprs *rows;
    uint32_t nrows; /* VALUES; SET form is one row with columns */
    ql_ast_select *select;
    ql_ast_assigns on_duplicate;
} ql_ast_insert;

typedef struct ql_ast_update {
    ql_ast_hints hints;
    bool ignore;
    ql_ast_from *from; /* one table or a join */
    ql_ast_assigns set;
    ql_ast_expr *where;
    ql_ast_orders order_by;
    ql_ast_expr *limit;
} ql_ast_update;

typedef struct ql_ast_delete {
    ql_ast_hints hints;
    bool ignore, quick;
    ql_ast_table_name *targets;
    uint32_t ntargets; /* multi-table form; 0 = single-table: from is the leaf */
    ql_ast_from *from;
    ql_ast_expr *where;
    ql_ast_orders order_by;
    ql_ast_expr *limit;
} ql_ast_delete;

typedef struct ql_ast_key_part {
    ql_str column;
    ql_ast_expr *expr; /* functional: instead of a column */
    uint32_t prefix;   /* 0 = whole */
    bool descending;
} ql_ast_key_part;

typedef enum ql_ast_key_kind {
    QL_KEY_PRIMARY,
    QL_KEY_UNIQUE,
    QL_KEY_PLAIN,
    QL_KEY_FULLTEXT,
    QL_KEY_SPATIAL,
    QL_KEY_FOREIGN
} ql_ast_key_kind;
typedef enum ql_ast_ref_action {
    QL_REF_NONE, /* not given */
    QL_REF_RESTRICT,
    QL_REF_CASCADE,
    QL_REF_SET_NULL,
    QL_REF_NO_ACTION,
    QL_REF_SET_DEFAULT
} ql_ast_ref_action;
typedef struct ql_ast_key {
    ql_ast_key_kind kind;
    ql_str name;       /* index name; empty = to be made */
    ql_str constraint; /* CONSTRAINT name */
    ql_ast_key_part *parts;
    uint32_t nparts;
    ql_ast_table_name ref;
    ql_str *ref_columns;
    uint32_t nref_columns; /* FOREIGN */
    ql_str comment;
    bool invisible;
    ql_ast_ref_action on_delete, on_update; /* FOREIGN */
} ql_ast_key;

typedef struct ql_ast_check { /* CHECK (expr) of a table or behind a column */
    ql_str name;              /* empty = to be made */
    ql_str column;            /* behind this one, the only one it may name; empty: of the table */
    ql_ast_expr *expr;
    bool not_enforced;
} ql_ast_check;

typedef struct ql_ast_column {
    ql_str name;
    ql_ast_type type;
    enum { QL_NULL_DEFAULT, QL_NULL_YES, QL_NULL_NO } nullability;
    bool auto_increment, primary_key, unique_key, invisible;
    bool default_is_expr;       /* DEFAULT (expr) */
    ql_ast_expr *default_value; /* literal, expr, NULL literal, NOW(); NULL pointer = not given */
    ql_ast_expr *on_update;     /* NOW() */
    ql_ast_expr *generated;
    bool generated_stored; /* STORED; else VIRTUAL */
    ql_ast_check *checks;
    uint32_t nchecks;
    ql_str comment;
} ql_ast_column;

typedef struct ql_ast_option { /* table or database option NAME=value */
    ql_str name; /* "ENGINE", "AUTO_INCREMENT", "CHARSET", "COLLATE", "COMMENT", ... upper case */
    ql_value value;
} ql_ast_option;

typedef struct ql_ast_create_table {
    bool if_not_exists, temporary;
    ql_ast_table_name table, like; /* like.name empty = none */
    ql_ast_column *columns;
    uint32_t ncolumns;
    ql_ast_key *keys;
    uint32_t nkeys;
    ql_ast_check *checks; /* those behind columns too, in the order of the text */
    uint32_t nchecks;
    ql_ast_option *options;
    uint32_t noptions;
    enum { QL_DUP_ERROR, QL_DUP_IGNORE, QL_DUP_REPLACE } duplicates; /* of the rows of select */
    ql_ast_select *select;
} ql_ast_create_table;

typedef struct ql_ast_view { /* CREATE VIEW, ALTER VIEW */
    ql_ast_table_name name;
    bool or_replace, alter;
    ql_view_algorithm algorithm;
    struct ql_ast_user *definer; /* NULL = not given */
    bool invoker;                /* SQL SECURITY INVOKER */
    ql_str *columns;
    uint32_t ncolumns;
    ql_ast_select *select;
    ql_view_check check;
} ql_ast_view;

typedef struct ql_ast_names {
    ql_ast_table_name *v;
    uint32_t n;
} ql_ast_names;

typedef struct ql_ast_set_item {
    enum {
        QL_SET_USERVAR,
        QL_SET_SYSVAR,
        QL_SET_NAMES,
        QL_SET_CHARSET,
        QL_SET_PASSWORD,
        QL_SET_TRANSACTION
    } kind;
    ql_var_scope scope; /* DEFAULT: SET @@x, SET TRANSACTION (next transaction only where that makes
                           a difference, else as SESSION); SET x is SESSION */
    ql_str name; /* variable (component.variable as one); NAMES/CHARSET: the character set (empty =
                    DEFAULT) */
    ql_str collation; /* NAMES x COLLATE y */
    ql_ast_expr
        *value;    /* NULL = DEFAULT; a bare word (SET x = ON) is a QL_A_COLUMN without table */
    int isolation; /* SET TRANSACTION: ql_isolation, -1 = not given */
    int read_only; /* -1 not given */
} ql_ast_set_item;

typedef struct ql_ast_user {
    ql_str name, host;  /* host "%" when not given, lower case; CURRENT_USER(): name.p NULL */
    ql_str plugin;      /* IDENTIFIED WITH plugin; empty = default */
    ql_str password;    /* IDENTIFIED BY 'x' */
    ql_str auth_string; /* IDENTIFIED WITH plugin AS 'x' */
    bool has_password, has_auth_string;
} ql_ast_user;

typedef struct ql_ast_account_stmt { /* CREATE USER, ALTER USER, DROP USER, GRANT, REVOKE, SET
                                        PASSWORD, SHOW GRANTS */
    bool if_exists, if_not_exists;
    ql_ast_user *users;
    uint32_t nusers;
    ql_str *privileges;
    uint32_t nprivileges; /* upper case, one space between words; "ALL PRIVILEGES" as "ALL"; without
                             GRANT OPTION */
    bool global;          /* ON *.* */
    ql_str db, table; /* ON db.* or db.table otherwise; both empty: ON *, the current database */
    bool with_grant_option;       /* WITH GRANT OPTION, or GRANT OPTION among the privileges */
    bool everything;              /* REVOKE ALL PRIVILEGES, GRANT OPTION FROM */
    int lock;                     /* ACCOUNT LOCK 1, UNLOCK 0, -1 not given */
    int64_t max_user_connections; /* -1 not given */
    bool ignore_unknown_user;
} ql_ast_account_stmt;

typedef enum ql_show_kind {
    QL_SHOW_DATABASES,
    QL_SHOW_TABLES,
    QL_SHOW_COLUMNS,
    QL_SHOW_CREATE_TABLE,
    QL_SHOW_CREATE_DATABASE,
    QL_SHOW_INDEX,
    QL_SHOW_VARIABLES,
    QL_SHOW_STATUS,
    QL_SHOW_WARNINGS,
    QL_SHOW_ERRORS,
    QL_SHOW_PROCESSLIST,
    QL_SHOW_TABLE_STATUS,
    QL_SHOW_ENGINES,
    QL_SHOW_GRANTS,
    QL_SHOW_CHARSET,
    QL_SHOW_COLLATION,
    QL_SHOW_PLUGINS,
    QL_SHOW_PRIVILEGES,
    QL_SHOW_COUNT_WARNINGS,
    QL_SHOW_COUNT_ERRORS,
    QL_SHOW_CREATE_USER,
    QL_SHOW_OPEN_TABLES,
    QL_SHOW_TRIGGERS,
    QL_SHOW_ENGINE_STATUS,
    QL_SHOW_OTHER, /* name: 1235 */
    QL_SHOW_EVENTS,
    QL_SHOW_ROUTINES,  /* PROCEDURE STATUS */
    QL_SHOW_FUNCTIONS, /* FUNCTION STATUS */
    QL_SHOW_REPLICA_STATUS,
    QL_SHOW_REPLICAS,
    QL_SHOW_BINARY_LOG_STATUS,
    QL_SHOW_BINARY_LOGS,
    QL_SHOW_BINLOG_EVENTS,
    QL_SHOW_PROFILE,
    QL_SHOW_PROFILES,
    QL_SHOW_CREATE_VIEW, /* and its kin: objects that cannot be there */
    QL_SHOW_CREATE_TRIGGER,
    QL_SHOW_CREATE_PROCEDURE,
    QL_SHOW_CREATE_FUNCTION,
    QL_SHOW_CREATE_EVENT
} ql_show_kind;
typedef struct ql_ast_show {
    ql_show_kind kind;
    bool full, extended;
    bool if_not_exists;      /* CREATE DATABASE */
    ql_var_scope scope;      /* VARIABLES, STATUS */
    ql_ast_table_name table; /* COLUMNS FROM t; db alone for TABLES FROM db */
    ql_str like;             /* p NULL = none */
    ql_ast_expr *where;
    ql_ast_expr *limit, *offset; /* WARNINGS */
    ql_ast_user *user;           /* GRANTS FOR */
    ql_str name;                 /* ENGINE name; what is not built: the words behind SHOW */
} ql_ast_show;

typedef struct ql_ast_kill {
    enum { QL_KILL_CONNECTION, QL_KILL_QUERY, QL_KILL_QUERY_ID } what;
    bool soft;
    ql_ast_expr *id; /* NULL with USER */
    ql_ast_user *user;
    bool any_host; /* USER without a host */
} ql_ast_kill;

typedef struct ql_ast_txn { /* BEGIN, START TRANSACTION, COMMIT, ROLLBACK, SAVEPOINT, RELEASE */
    bool with_snapshot;
    int read_only;      /* -1 not given */
    int chain, release; /* -1 not given, 0 NO, 1 yes */
    ql_str savepoint;
} ql_ast_txn;

typedef struct ql_ast_lock { /* LOCK TABLES t [AS alias] READ [LOCAL] | WRITE */
    ql_ast_table_name table;
    ql_str alias;
    bool write;
} ql_ast_lock;
typedef struct ql_ast_locks {
    ql_ast_lock *v;
    uint32_t n;
} ql_ast_locks;

typedef struct ql_ast_admin { /* ANALYZE/CHECK/OPTIMIZE/REPAIR TABLE, FLUSH */
    ql_ast_names tables;
    ql_str *options;
    uint32_t noptions; /* upper-case words */
    /* ANALYZE TABLE ... UPDATE HISTOGRAM, DROP HISTOGRAM */
    bool makes_histograms, drops_histograms;
    ql_str *columns;
    uint32_t ncolumns;
    uint64_t buckets; /* 0: not given */
    bool auto_update; /* made again when statistics are */
    ql_str data;      /* USING DATA; p NULL: not given */
} ql_ast_admin;

typedef struct ql_ast_load { /* LOAD DATA */
    bool local, replace, ignore;
    ql_str file;
    ql_ast_table_name table;
    ql_text_format format;
    uint64_t ignore_lines;
    ql_ast_expr **columns;
    uint32_t ncolumns; /* QL_A_COLUMN or QL_A_USERVAR; 0 = all columns of the table */
    ql_ast_assigns set;
    ql_str charset; /* empty = that of the database */
} ql_ast_load;

typedef struct ql_ast_alter ql_ast_alter; /* sql/ast_alter.h */

/* Kinds of statements: vars/statements.def. */
typedef enum ql_stmt_kind {
#define QL_STATEMENT(id, ...) QL_S_##id,
#include "vars/statements.def"
#undef QL_STATEMENT
    QL_S_UNBUILT, /* known MySQL syntax that is not built: name says what for 1235 */
} ql_stmt_kind;

/* What a kind does. */
enum ql_stmt_trait {
    QL_DOES_CONTROL = 1u << 0,        /* controls transactions: BEGIN, COMMIT, SAVEPOINT ... */
    QL_DOES_AT_ONCE = 1u << 1,        /* what it has done stays: a kill behind it is too late */
    QL_DOES_COMMITS = 1u << 2,        /* what came before, and then itself (manual, "Statements That
                                         Cause an Implicit Commit") */
    QL_DOES_ROWS = 1u << 3,           /* changes rows */
    QL_DOES_DEFINITIONS = 1u << 4,    /* changes definitions or accounts */
    QL_DOES_REBUILDS = 1u << 5,       /* rewrites a table without changing what it says */
    QL_DOES_RECHECKS = 1u << 6,       /* commits nothing by itself: a kill that came too late to be
                                         noticed still makes it fail */
    QL_DOES_MAKES_TABLE = 1u << 7,    /* its result set is made by itself, of values */
    QL_DOES_NOT_PREPARED = 1u << 8,   /* may not be prepared (1295) */
    QL_DOES_NOT_IN_ROUTINE = 1u << 9, /* nor stand in a stored program (manual, "Restrictions on
                                         Stored Programs") */
};
/* Any of these traits? */
bool ql_stmt_does(ql_stmt_kind kind, unsigned what);
/* "DROP TABLE"; "this statement" of UNBUILT. Static. */
const char *ql_stmt_name(ql_stmt_kind kind);

typedef struct ql_ast_stmt {
    ql_stmt_kind kind;
    bool prepared; /* parsed to be executed again: what is wrong with hints was told then */
    bool has_max_execution_time;
    uint64_t max_execution_time; /* hint MAX_EXECUTION_TIME(ms); 0 = no limit */
    ql_ast_hint *variables;      /* SET_VAR hints: of variables that may be set so, each once */
    ql_str text; /* this statement's text, without the semicolon; shares the input */
    uint32_t nparams;
    ql_ast_from *leaves; /* all tables in FROM, subqueries too, in the order of the text; names of
                            CTEs among them */
    ql_str *cte_names;   /* of all WITH clauses in it */
    uint32_t ncte_names;
    ql_str name; /* UNBUILT: what; PREPARE/EXECUTE/DEALLOCATE: statement name; USE, CREATE/DROP
                    DATABASE: database */
    bool if_exists, if_not_exists, analyze /* EXPLAIN ANALYZE */, temporary, restrict_;
    ql_ast_option *options;
    uint32_t noptions; /* CREATE DATABASE */
    union {
        ql_ast_select *select; /* SELECT; also VALUES/TABLE later */
        ql_ast_insert *insert;
        ql_ast_update *update;
        ql_ast_delete *del;
        ql_ast_load *load;
        ql_ast_exprs exprs; /* DO; EXECUTE USING (QL_A_USERVAR) */
        struct {
            ql_ast_set_item *v;
            uint32_t n;
        } set;
        ql_ast_show *show; /* DESCRIBE t becomes SHOW COLUMNS */
        ql_ast_kill *kill;
        struct {
            struct ql_ast_stmt *inner;
            ql_str format;
            ql_ast_expr *for_connection;
        } explain;
        ql_ast_create_table *create_table;
        ql_ast_alter *alter; /* ALTER TABLE, CREATE INDEX, DROP INDEX */
        ql_ast_view *view;
        ql_ast_names names; /* DROP TABLE, DROP VIEW; TRUNCATE (one); RENAME TABLE (old, new, old,
                               new ...) */
        ql_ast_locks locks; /* LOCK TABLES */
        ql_ast_account_stmt *account;
        ql_ast_txn *txn;
        ql_ast_admin *admin;
        ql_ast_expr *prepare_from; /* literal or user variable */
    };
} ql_ast_stmt;

/* Its counter, forms told apart as MySQL does: show_processlist, insert_select, delete_multi ... */
ql_com_counter ql_ast_stmt_com(const ql_ast_stmt *s);

#endif
