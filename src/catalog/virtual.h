/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual tables: definitions whose rows are made when they are asked for. Described and filled by
 * views/, which is above; here they become tables like others.
 */
#ifndef QL_CATALOG_VIRTUAL_H
#define QL_CATALOG_VIRTUAL_H

#include "catalog/catalog.h"

typedef struct ql_view_column {
    const char *name; /* NULL ends the list */
    char kind; /* 's' string of `length` characters, 'u' unsigned, 'i' signed BIGINT, 'n' INT,
                  't' text, 'd' DATETIME, 'h' TIME */
    uint32_t length;
    bool nullable;
} ql_view_column;

/* One virtual table; static data. */
typedef struct ql_virtual_table {
    const char *db, *name;
    const ql_view_column *columns;
    /* Fill all rows as values in arena a: *rows is an array of *n pointers to ncolumns values each.
     * Privileges of cx->session's user apply through `viewer`. */
    ql_status (*fill)(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n);
} ql_virtual_table;

/* Makes tables of them, and their databases; before there are sessions. A stored table of the same
 * name stays in their place. views live as long as the catalog. */
ql_status ql_catalog_add_views(ql_ctx *cx, ql_catalog *c, const ql_virtual_table *const *views,
                               size_t n) QL_MUST_USE;

#endif
