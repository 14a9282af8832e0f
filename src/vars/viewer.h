/* SPDX-License-Identifier: Apache-2.0
 *
 * Who looks at what the server shows of itself, and what acl/ (which is above) knows of him.
 */
#ifndef QL_VARS_VIEWER_H
#define QL_VARS_VIEWER_H

#include "base/arena.h"
#include "types/value.h"

/* Privilege tables: of mysql, of information_schema. */
typedef enum ql_grant_table {
    QL_GRANT_TABLE_USER,
    QL_GRANT_TABLE_DB,
    QL_GRANT_TABLE_TABLES_PRIV,
    QL_GRANT_TABLE_IS_USER,
    QL_GRANT_TABLE_IS_SCHEMA,
    QL_GRANT_TABLE_IS_TABLE
} ql_grant_table;

/* What acl/ knows and virtual tables show (acl/ is above: it is asked through this). */
typedef struct ql_viewer_ops {
    bool (*sees_database)(ql_ctx *cx, ql_str db);
    bool (*sees_table)(ql_ctx *cx, ql_str db, ql_str table);
    /* "select,insert,update,references" as far as granted */
    const char *(*column_privileges)(ql_ctx *cx, ql_str db, ql_str table);
    /* Rows as a virtual table's fill makes them. */
    ql_status (*grants)(ql_ctx *cx, ql_arena *a, ql_grant_table which, uint16_t ncols,
                        ql_value ***rows, size_t *n);
} ql_viewer_ops;

/* Who looks: set by session in its ctx's vars. */
typedef struct ql_viewer {
    uint64_t conn_id;
    ql_str user;              /* login name; n 0 = anonymous */
    bool has_process;         /* PROCESS privilege */
    const ql_viewer_ops *ops; /* NULL: the server itself, which sees everything */
} ql_viewer;

#endif
