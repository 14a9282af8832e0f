/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables that a statement reaches through foreign keys, as a graph: foreign_graph.c makes it,
 * foreign.c walks along it row by row. Owner: the statement's arena.
 */
#ifndef QL_EXEC_FOREIGN_INT_H
#define QL_EXEC_FOREIGN_INT_H

#include "base/hash.h"
#include "exec/foreign.h"
#include "table/finder.h"

#define QLI_FK_DEPTH 15 /* most rows on the way down, the statement's own among them */

typedef struct qli_fk_node qli_fk_node;

/* A foreign key of a node's table: its parent is asked. */
typedef struct qli_fk_parent {
    const ql_foreign_key *key;
    const ql_index *parent_index; /* of the parent; NULL: there is no parent, or not its key */
    ql_finder *finder;            /* in it */
    bool self;                    /* the parent is the table itself */
    uint16_t index;               /* position of the table's own index that begins with the key */
    ql_value *values, *others;    /* [ncolumns] room */
    struct qli_fk_parent *next;
} qli_fk_parent;

/* A foreign key that refers to a node's table: its rows hold back or are changed along. */
typedef struct qli_fk_child {
    const ql_table *table; /* of the child, as it was found */
    const ql_foreign_key *key;
    qli_fk_node *node; /* of the child; NULL: what the statement does does not matter to it */
    ql_finder *finder; /* in the child's index that begins with the key */
    const uint16_t *referred;     /* [ncolumns] ordinals in the parent */
    const ql_index *parent_index; /* that it stands on */
    uint16_t index;               /* its position */
    ql_value *values;             /* [ncolumns] room */
    struct qli_fk_child *next;
} qli_fk_child;

/* A table whose rows change or are looked at. */
struct qli_fk_node {
    ql_hash_node by_name; /* while the graph is made */
    ql_table *table;
    unsigned what; /* QL_FK_..., of the statement and of changes that come along */
    unsigned done; /* of these, what has been followed */
    bool write;    /* opened to be changed */
    bool reached;  /* changes come along to it */
    bool has_parents, has_children;
    qli_fk_parent *parents;  /* in the order of their names */
    qli_fk_child *children;  /* in the order of the keys they stand on, databases, names */
    ql_completer *completer; /* of its generated columns; or NULL */
    int64_t removed;         /* rows, by what came along with the row in work */
    qli_fk_node *next;
};

/* One level of a change. */
typedef struct qli_fk_level {
    const qli_fk_node *node;
    ql_str locator; /* of the row that changes */
    bool deletes;
    ql_arena *block; /* clustered keys of the children in work */
    ql_arena *mem;   /* values of the row; not of the statement's own */
} qli_fk_level;

struct ql_fk_guard {
    ql_run *run;
    qli_fk_node *root; /* of the table that the statement changes; others behind it */
    bool ignore;
    bool brings_changes; /* other rows may be changed along */
    const ql_value *row; /* the one in work; for messages */
    ql_arena *computed;  /* generated columns */
    ql_arena *words;     /* of the latest failure; or NULL */
    qli_fk_level levels[QLI_FK_DEPTH];
};

/* The tables that t leads to when that is done to its rows. changing: [ncolumns] of t, what an
 * UPDATE gives values, or NULL: all. open: under metadata locks (Waits: MDL), else as they are now.
 * The first node is t's. */
ql_status qli_fk_graph(ql_ctx *cx, ql_table *t, unsigned what, const bool *changing, bool open,
                       qli_fk_node **out) QL_MUST_USE;

/* One foreign key of t, its parent opened, without locks where the thread has none. Waits: MDL. */
ql_status qli_fk_parent_of(ql_ctx *cx, ql_table *t, const ql_foreign_key *k,
                           qli_fk_parent **out) QL_MUST_USE;

/* A foreign key that is not kept. */
typedef struct qli_fk_failure {
    bool missing; /* there is no parent; else a child holds the row back */
    const ql_table *child;
    const ql_foreign_key *key;
    const ql_index *parent_index; /* NULL: the parent, or its key, is not there */
    const ql_value *values;       /* [key->ncolumns] what was looked for */
} qli_fk_failure;
/* Fails: 1452, 1451 with the constraint, or 1216, 1217 without for whom has no privilege on one of
 * the tables: those that the message would name, and all parents or children of the statement's
 * table. Kept as the latest error. g NULL: rows that were there already. */
ql_status qli_fk_fail(ql_ctx *cx, ql_fk_guard *g, const qli_fk_failure *f) QL_MUST_USE;
/* Fails: a change that comes along would make a duplicate; the statement's own row is shown. 1761,
 * or 1762 without names for whom has no privilege on the child. */
ql_status qli_fk_fail_duplicate(ql_ctx *cx, const ql_fk_guard *g, const ql_table *child,
                                const ql_dup *dup) QL_MUST_USE;

#endif
