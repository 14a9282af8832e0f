/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a statement's result goes: the interface through which exec talks to the client
 * (implemented by proto for the text and binary protocol, by embed, and by exec itself for INSERT
 * ... SELECT and scalar subqueries).
 */
#ifndef QL_TYPES_SINK_H
#define QL_TYPES_SINK_H

#include "types/vector.h"

/* One result column as the client is told (column definition packet). Strings live as long as the
 * statement. */
typedef struct ql_result_column {
    ql_str schema, table, org_table, name, org_name; /* empty when there is none */
    ql_type type;
    uint16_t flags; /* QL_CF_... */
} ql_result_column;

enum ql_column_flag { /* protocol column definition flags */
                      QL_CF_NOT_NULL = 1,
                      QL_CF_PRI_KEY = 2,
                      QL_CF_UNIQUE_KEY = 4,
                      QL_CF_MULTIPLE_KEY = 8,
                      QL_CF_BLOB = 16,
                      QL_CF_UNSIGNED = 32,
                      QL_CF_ZEROFILL = 64,
                      QL_CF_BINARY = 128,
                      QL_CF_ENUM = 256,
                      QL_CF_AUTO_INCREMENT = 512,
                      QL_CF_TIMESTAMP = 1024,
                      QL_CF_SET = 2048,
                      QL_CF_NO_DEFAULT = 4096,
                      QL_CF_ON_UPDATE_NOW = 8192,
                      QL_CF_PART_KEY = 16384,
                      QL_CF_NUM = 32768
};

typedef struct ql_sink ql_sink;
typedef struct ql_sink_ops {
    /* A result set begins. Once per result set, before rows. May wait (NET_WRITE) as rows may. */
    ql_status (*columns)(ql_ctx *cx, ql_sink *s, const ql_result_column *cols, uint16_t n);
    /* Rows of b that count. The data is consumed (or copied) when it returns. */
    ql_status (*rows)(ql_ctx *cx, ql_sink *s, const ql_batch *b);
} ql_sink_ops;
/* The end of a result set, OK and errors are not the sink's: session writes them after the
 * statement has ended, from ql_outcome. */
struct ql_sink {
    const ql_sink_ops *ops;
    uint64_t rows_sent;
};

/* What a statement without result set, or at its end, has to tell. Filled by exec, written by
 * session through proto. */
typedef struct ql_outcome {
    bool has_result_set;
    bool decided; /* what it did cannot be undone and is complete: a kill comes too late */
    uint64_t affected_rows, last_insert_id;
    char info[160]; /* "Records: 3  Duplicates: 0  Warnings: 0", or empty */
} ql_outcome;

#endif
