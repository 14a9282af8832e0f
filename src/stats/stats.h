/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the values in a table without reading it: rows, how many different values
 * columns and leading parts of indexes have, how often the common ones come, and how the others are
 * spread. The planner's only source of such numbers.
 */
#ifndef QL_STATS_STATS_H
#define QL_STATS_STATS_H

#include "base/arena.h"
#include "catalog/catalog.h"
#include "table/table.h"

typedef struct ql_histogram ql_histogram;

typedef struct ql_column_stats {
    bool known;                    /* false: nothing was collected, the other fields are guesses */
    double distinct;               /* different values but NULL, at least 1 */
    double nulls;                  /* share of the rows that have NULL, 0..1 */
    const ql_histogram *histogram; /* NULL: none */
} ql_column_stats;

/* Of one table, as of the last collection, `rows` as of now. */
typedef struct ql_table_stats {
    const ql_table *table;
    bool known;                     /* false: nothing was collected yet */
    double rows;                    /* at least 1 */
    double row_bytes;               /* of a row in the clustered index, on average */
    const ql_column_stats *columns; /* [ncolumns] */
    /* [nindexes][parts]: different values of the leading k + 1 parts, the clustered key's behind a
     * secondary index included; 0 = unknown. */
    const double *const *prefixes;
} ql_table_stats;

/* How many leading parts of x are counted: its own, and those of the clustered key (or the hidden
 * row id) behind them. */
uint16_t ql_stats_parts(const ql_table *t, const ql_index *x);

/* Statistics of t, valid until the statement ends (in cx->arena); asked for again, they are the
 * same. Virtual tables have guesses. A table that has none yet is sampled first, in a snapshot of
 * its own and some milliseconds. Never waits. */
ql_status ql_stats_of(ql_ctx *cx, ql_table *t, const ql_table_stats **out) QL_MUST_USE;

/* Share of the rows, 0..1, whose column has the value v; v NULL: a value that is not known yet, the
 * average. NULL as a value (IS NULL): ql_column_stats.nulls. */
ql_status ql_stats_equal(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *v,
                         double *share) QL_MUST_USE;
/* Share of the rows between two values of the column's kind; an end that is NULL (the pointer) is
 * open. Rows with NULL are not among them. */
ql_status ql_stats_range(ql_ctx *cx, const ql_table_stats *s, uint16_t column, const ql_value *low,
                         bool low_in, const ql_value *high, bool high_in,
                         double *share) QL_MUST_USE;
/* Share of the rows whose text begins with prefix. */
ql_status ql_stats_prefix(ql_ctx *cx, const ql_table_stats *s, uint16_t column,
                          const ql_value *prefix, double *share) QL_MUST_USE;

/* ANALYZE TABLE: collects anew, and saves. Killed, the table has what it had. Waits: COMMIT. */
ql_status ql_stats_analyze(ql_ctx *cx, ql_table *t) QL_MUST_USE;
/* What is known of t without reading more than a small table: for views. In cx->arena. */
typedef struct ql_stats_seen {
    ql_table_stats stats; /* known: false when nothing is */
    int64_t at_us;        /* when it was collected, Unix time */
    uint64_t sampled;     /* rows read for it */
} ql_stats_seen;
ql_status ql_stats_look(ql_ctx *cx, ql_table *t, ql_stats_seen *out) QL_MUST_USE;

/* Histograms by statement. Their columns are those of the table that can have one: no JSON, ENUM,
 * SET, BIT. They are kept on the disk and preferred by the planner; a rebuild of the table forgets
 * them. */
typedef enum ql_histogram_verdict {
    QL_HISTOGRAM_MAY,
    QL_HISTOGRAM_TYPE,   /* not of this type of column */
    QL_HISTOGRAM_UNIQUE, /* the column has a unique index of its own */
} ql_histogram_verdict;
ql_histogram_verdict ql_stats_may_have_histogram(const ql_table *t, uint16_t column);
/* At most `buckets` buckets, out of a sample that takes at most `memory` bytes. again: it is made
 * anew whenever ANALYZE TABLE or the background thread collects statistics of the table. Killed,
 * the column has what it had. Waits: COMMIT. */
ql_status ql_stats_make_histogram(ql_ctx *cx, ql_table *t, uint16_t column, uint32_t buckets,
                                  bool again, uint64_t memory) QL_MUST_USE;
/* The histogram that the JSON text tells, instead of one that is made; *fault: why it is none, as
 * MySQL words it (in a), or NULL. Waits: COMMIT. */
ql_status ql_stats_read_histogram(ql_ctx *cx, ql_arena *a, ql_table *t, uint16_t column,
                                  ql_str json, const char **fault) QL_MUST_USE;
/* *was: there was one. Waits: COMMIT. */
ql_status ql_stats_drop_histogram(ql_ctx *cx, ql_table *t, uint16_t column, bool *was) QL_MUST_USE;
/* As MySQL's JSON, in a; empty: there is none. */
ql_status ql_stats_histogram_json(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column,
                                  ql_str *json) QL_MUST_USE;

/* The thread that refreshes and saves statistics of an instance. */
typedef struct ql_statsd ql_statsd;
ql_status ql_statsd_start(ql_ctx *cx, ql_statsd **out) QL_MUST_USE;
void ql_statsd_stop(ql_statsd *d); /* NULL is ignored; what it has not come to is left */
/* Tables it has been through since the start. */
uint64_t ql_statsd_count(ql_statsd *d);

/* Tests: from now on the table has these numbers; columns and prefixes stay the caller's. */
ql_status ql_stats_give(ql_ctx *cx, ql_table *t, const ql_table_stats *s) QL_MUST_USE;

#endif
