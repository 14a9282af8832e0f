/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimizer hints in the tree. The parser reads them where they are written (hint.c) and, when the
 * statement is read, hands each to the query block it is about (hint_settle.c): there they lie
 * sorted by table and index. What names mean is found out in resolve/. In the arena of the tree;
 * texts are shared with the statement's where they can be.
 */
#ifndef QL_SQL_AST_HINT_H
#define QL_SQL_AST_HINT_H

#include "base/arena.h"
#include "types/value.h"

typedef enum ql_hint_type {
#define QL_HINT(id, name, shape, forms) QL_HINT_##id,
#include "sql/hints.def"
#undef QL_HINT
    QL_HINT_COUNT
} ql_hint_type;

/* Strategies of SEMIJOIN and SUBQUERY. */
enum ql_hint_strategy {
    QL_STRATEGY_FIRSTMATCH = 1,
    QL_STRATEGY_LOOSESCAN = 2,
    QL_STRATEGY_MATERIALIZATION = 4,
    QL_STRATEGY_DUPSWEEDOUT = 8,
    QL_STRATEGY_INTOEXISTS = 16
};

typedef struct ql_ast_hint_table {
    ql_str name;
    ql_str block; /* t@block; p NULL: none */
} ql_ast_hint_table;

/* One hint as written. */
typedef struct ql_ast_hint {
    struct ql_ast_hint *next;
    struct ql_ast_hint *next_order; /* in ql_ast_hints.orders */
    ql_hint_type type;
    bool on;      /* false: NO_... */
    ql_str block; /* the @qb in front; p NULL: none */
    ql_ast_hint_table *tables;
    uint32_t ntables;
    ql_str *indexes;
    uint32_t nindexes;
    unsigned strategies;
    uint64_t number; /* MAX_EXECUTION_TIME: milliseconds */
    ql_str name;     /* QB_NAME, RESOURCE_GROUP, SET_VAR */
    ql_value value;  /* SET_VAR: an integer or a string */
} ql_ast_hint;

/* Bits: 1 << ql_hint_type. */
typedef struct ql_ast_index_hints {
    struct ql_ast_index_hints *next;
    ql_str name;
    uint32_t on, off;
} ql_ast_index_hints;

typedef struct ql_ast_table_hints {
    struct ql_ast_table_hints *next;
    ql_str name;
    uint32_t on, off; /* where indexes have the bit too: for these; otherwise for the table */
    ql_ast_index_hints *indexes;
} ql_ast_table_hints;

/* The hints of one query block, or of an INSERT, UPDATE or DELETE. */
typedef struct ql_ast_hints {
    struct ql_ast_hints *next; /* blocks of the statement, inner ones first */
    uint32_t number;           /* select#number */
    ql_str name;               /* QB_NAME; n 0: none */
    ql_ast_hint *written;      /* here; the rest is what is about this block: */
    uint32_t on, off;          /* hints without tables */
    const ql_ast_hint *semijoin, *subquery;
    ql_ast_hint *orders, *last_order; /* JOIN_PREFIX, JOIN_SUFFIX, JOIN_ORDER */
    ql_ast_table_hints *tables;
} ql_ast_hints;

static inline bool
ql_hints_are_none(const ql_ast_hints *h)
{
    return (h->on | h->off) == 0 && h->semijoin == NULL && h->subquery == NULL &&
           h->orders == NULL && h->tables == NULL;
}

/* "NO_BKA"; static. */
const char *ql_hint_name(ql_hint_type type, bool on);
/* A name as messages quote it: `a`, or "a" under ANSI_QUOTES. NUL-terminated; "" when there is no
 * memory, which the statement will find out by itself. */
const char *ql_hint_quote(ql_ctx *cx, ql_arena *a, ql_str name, bool ansi);

#endif
