/* SPDX-License-Identifier: Apache-2.0
 *
 * What ALTER TABLE, CREATE INDEX and DROP INDEX make of a table: its new specification, where each
 * column and index of it comes from, and how much work that is. Everything made is in cx->arena and
 * shares the definition's and the tree's bytes. Nothing here waits.
 */
#ifndef QL_RESOLVE_ALTERSPEC_H
#define QL_RESOLVE_ALTERSPEC_H

#include "catalog/catalog.h"
#include "sql/ast_alter.h"

/* Cheapest first. */
typedef enum ql_alter_way {
    QL_WAY_INSTANT, /* the definition alone */
    QL_WAY_BUILD,   /* indexes are built; the rows stay */
    QL_WAY_REBUILD, /* rows are written anew; INPLACE in MySQL's words */
    QL_WAY_COPY     /* the same; only COPY in MySQL's words */
} ql_alter_way;

typedef struct ql_alter_plan {
    ql_table_spec spec;
    ql_table_change change; /* of spec; its new values are the executor's to set */
    ql_alter_way way;
    const char *why;            /* no cheaper algorithm: the reason that 1846 gives, or NULL */
    const ql_column *zero_date; /* a new column whose value in rows that are there would be
                                   0000-00-00, which the mode forbids; or NULL */
    bool foreign_adds, foreign_drops; /* foreign keys come, go */
    uint16_t foreign_kept;            /* those of spec that are not new stand before the others */
    bool adds_auto;                   /* a new AUTO_INCREMENT column */
    bool adds_columns;                /* new ones that rows lack: way is not REBUILD or COPY */
    bool renames;                     /* db or name of spec are others */
    bool acts;                        /* anything is written but RENAME, ENABLE and DISABLE KEYS */
    bool sets_auto;                   /* AUTO_INCREMENT=, in spec.auto_increment */
} ql_alter_plan;

/* The plan; db: the database of names without one. QL_ERROR: 1054, 1060, 1061, 1068, 1072, 1090,
 * 1091, 1176, 1280 ... and those of column definitions; what concerns the new definition as a whole
 * is checked by the catalog. */
ql_status ql_alter_plan_make(ql_ctx *cx, const ql_table *t, const ql_ast_alter *a,
                             ql_alter_plan *plan) QL_MUST_USE;
/* ALGORITHM= and LOCK= that were written, against the plan: 1845, 1846, 1221; ALGORITHM=COPY turns
 * the plan into one that copies. */
ql_status ql_alter_plan_check(ql_ctx *cx, const ql_table *t, const ql_ast_alter *a,
                              ql_alter_plan *plan) QL_MUST_USE;

/* When the new definition is known to fit: a copy that may change values of foreign keys' columns
 * while nobody looks at the other table's rows. 1832, 1833. */
ql_status ql_alter_plan_check_values(ql_ctx *cx, const ql_table *t,
                                     const ql_alter_plan *plan) QL_MUST_USE;

#endif
