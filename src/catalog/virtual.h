/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual tables: definitions whose rows are made when they are asked for. Described and filled by
 * views/, which is above; here they become tables like others, and here readers ask for rows.
 */
#ifndef QL_CATALOG_VIRTUAL_H
#define QL_CATALOG_VIRTUAL_H

#include "catalog/catalog.h"

enum ql_view_flag {
    QL_VIEW_NULLABLE = 1,
    QL_VIEW_BINARY = 2, /* compared by bytes, as MySQL compares names of databases and tables */
    QL_VIEW_SCHEMA = 4, /* the name of the database that a filter names; compared by bytes */
    QL_VIEW_TABLE = 8,  /* the same of the table */
};

/* One column, declared once: its name, its type, what it is. */
typedef struct ql_view_column {
    const char *name; /* NULL ends the list */
    char kind; /* 's' VARCHAR of `length` characters, 't' a TEXT of `length` bytes (0: LONGTEXT),
                  'u', 'i' BIGINT without and with sign, 'm', 'n' INT without and with sign (their
                  display width, 0: as usual), 'd' DATETIME, 'z' TIMESTAMP, both with `length`
                  fractional digits, 'h' TIME, 'j' JSON */
    uint32_t length;
    unsigned flags;
} ql_view_column;

/* What a reader can do without. Never more than an optimisation: the reader looks at his conditions
 * again, and a view may give rows and values that he did not want. */
typedef struct ql_view_filter {
    ql_str schema, table; /* only rows about these; p NULL = any */
    /* By which they are compared; NULL = by bytes. */
    const ql_collation *schema_coll, *table_coll;
    uint64_t columns;    /* bit i: column i is looked at */
    ql_table *temporary; /* the rows are to be about this table of the session's; or NULL */
} ql_view_filter;
#define QL_VIEW_MAX_COLUMNS 64u

/* Rows, under construction and then whole. Owner: the reader; all of it in arena a. Of each row
 * only the columns that are looked at are kept, in their order (ql_view_place). */
typedef struct ql_view_rows {
    ql_arena *a;
    const ql_table *t;
    ql_view_filter filter;
    ql_value **v; /* n rows of nkept values each; not there when nkept is 0 */
    size_t n, cap;
    unsigned nkept;
    ql_value *row; /* the last one, with all columns, while it is being filled */
} ql_view_rows;

/* One virtual table; static data. */
typedef struct ql_virtual_table {
    const char *db, *name;
    const ql_view_column *columns;
    /* Adds the rows that cx's user may see and r->filter does not exclude. Checkpoints inside. */
    ql_status (*fill)(ql_ctx *cx, ql_view_rows *r);
} ql_virtual_table;

/* Makes tables of them, and their databases; before there are sessions. A stored table of the same
 * name stays in their place. views live as long as the catalog. */
ql_status ql_catalog_add_views(ql_ctx *cx, ql_catalog *c, const ql_virtual_table *views,
                               size_t n) QL_MUST_USE;

/* All rows of the virtual table t that filter (NULL: everything is wanted) leaves, in arena a.
 * Never waits. */
ql_status ql_view_fill(ql_ctx *cx, ql_arena *a, const ql_table *t, const ql_view_filter *filter,
                       ql_view_rows *out) QL_MUST_USE;

/* Where a column that was looked at stands in the rows. */
static inline unsigned
ql_view_place(const ql_view_rows *r, unsigned column)
{
    return (unsigned)__builtin_popcountll(r->filter.columns & ((UINT64_C(1) << column) - 1));
}

/* For views: a new row of NULLs, to be filled before the next; checkpoints inside. */
ql_status ql_view_row(ql_ctx *cx, ql_view_rows *r, ql_value **row) QL_MUST_USE;
static inline bool
ql_view_wants(const ql_view_rows *r, unsigned column)
{
    return r->filter.columns >> column & 1;
}
/* Any of them, first to last. */
static inline bool
ql_view_wants_any(const ql_view_rows *r, unsigned first, unsigned last)
{
    return r->filter.columns << (QL_VIEW_MAX_COLUMNS - 1 - last) >>
               (QL_VIEW_MAX_COLUMNS - 1 - last + first) !=
           0;
}

#endif
