/* SPDX-License-Identifier: Apache-2.0
 *
 * What a definition has that is a view's. The columns stand in the ql_table like those of a table;
 * they are what the query gave when the view was made.
 */
#ifndef QL_CATALOG_VIEWDEF_H
#define QL_CATALOG_VIEWDEF_H

#include "types/collate.h"

/* Stored by their numbers. */
typedef enum ql_view_algorithm {
    QL_VIEW_UNDEFINED,
    QL_VIEW_MERGE,
    QL_VIEW_TEMPTABLE
} ql_view_algorithm;
typedef enum ql_view_check { QL_CHECK_NONE, QL_CHECK_LOCAL, QL_CHECK_CASCADED } ql_view_check;

/* What stands behind a row of the view: no row of a table; one of one table, which can be changed
 * through it; rows of several tables, one of which at a time can be. */
typedef enum ql_view_rows_of {
    QL_VIEW_READ_ONLY,
    QL_VIEW_OF_TABLE,
    QL_VIEW_OF_JOIN
} ql_view_rows_of;

/* Owner: the ql_table. */
typedef struct ql_view_def {
    ql_str query; /* the SELECT, every name in it qualified, to be read without any sql_mode */
    ql_str definer_user, definer_host;
    bool invoker;     /* SQL SECURITY INVOKER: what is below is used with the user's privileges */
    bool names_given; /* its columns were named: CREATE VIEW v (a, b) AS */
    ql_view_rows_of updatable;
    ql_view_algorithm algorithm;
    ql_view_check check;
    const ql_charset *cs_client; /* of the session that made it */
    const ql_collation *coll_connection;
} ql_view_def;

#endif
