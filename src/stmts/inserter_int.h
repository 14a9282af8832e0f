/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows on their way into a table, one at a time; what INSERT shares with other statements that make
 * rows. Owner: the statement that runs.
 */
#ifndef QL_STMTS_INSERTER_INT_H
#define QL_STMTS_INSERTER_INT_H

#include "stmts/stmts_int.h"
#include "table/build.h"

/* One INSERT in work. */
typedef struct qli_inserter {
    qli_writer w;
    ql_run *run;
    const ql_rinsert *ins;
    ql_value *given; /* [ncolumns] values as computed */
    ql_value *row;  /* [table ncolumns] as stored; behind them what the query has beyond ncolumns */
    bool *is_given; /* [table ncolumns] */
    /* [table ncolumns] Of the row in work: false where an expression of the definition gives the
     * value; by_default: because DEFAULT is written there. update_given: the same ON DUPLICATE. */
    bool *has_value, *by_default, *update_given;
    bool single; /* one row of VALUES: NULL for NOT NULL is an error in every mode */
    /* AUTO_INCREMENT values taken from the table and not used yet: next_auto <= v < end_auto. */
    uint64_t next_auto, end_auto;
    uint32_t nreserved; /* how often values were taken */
    uint64_t generated; /* value made for the row in work, 0 = none */
    ql_block *block;    /* of the rows below, for subqueries over them */
    ql_batch existing;  /* ON DUPLICATE: the row that is there, slot = ordinal */
    ql_ex **updates;
    ql_value *old, *new_row;
    bool keeps_same; /* REPLACE: a row that is there as it is stays, and counts once */
    ql_build *build; /* the table is being made: rows go there; or NULL */
    ql_batch so_far; /* reads_row: the row in work as far as it is known, slot = ordinal */
} qli_inserter;

ql_status qli_inserter_init(ql_ctx *cx, ql_run *run, const ql_rinsert *ins,
                            qli_inserter *in) QL_MUST_USE;
/* given[i] into the row, as the column ins->columns[i] stores it; an AUTO_INCREMENT value is made
 * when it asks for one. */
ql_status qli_inserter_store(ql_ctx *cx, qli_inserter *in, uint16_t i) QL_MUST_USE;
/* The row of given[]: stores what has not been (reads_row: all has), gives the other columns their
 * defaults, writes it. Waits: ROW_LOCK. */
ql_status qli_inserter_row(ql_ctx *cx, qli_inserter *in) QL_MUST_USE;
/* Rows of ins->select into ins->table; run->stmt is an INSERT's. build: the table is being made,
 * and they go there, to the end (1062); or NULL. Fills run->out. */
ql_status qli_insert_query(ql_ctx *cx, ql_run *run, const ql_rinsert *ins,
                           ql_build *build) QL_MUST_USE;
/* What mysql_insert_id() says: the first value made, else that of LAST_INSERT_ID(expr), else what
 * the last row has if any row was inserted or changed. */
uint64_t qli_insert_id(ql_ctx *cx, const qli_writer *w);
/* What a batch of one row has in a column. */
void qli_batch_set(ql_batch *b, uint16_t column, const ql_value *v);

#endif
