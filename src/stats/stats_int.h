/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of stats/ share: collected statistics as they are kept with a table, samples of
 * rows, histograms. Values are kept as index keys (types/codec.h) without the tag in front, so that
 * memcmp orders and compares values of every kind and collation.
 */
#ifndef QL_STATS_INT_H
#define QL_STATS_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "intr/intr.h"
#include "stats/stats.h"

#define QLI_STATS_CHARS 42u          /* of a text that count, as in MySQL's histograms */
#define QLI_STATS_EXACT 20000        /* tables up to so many rows are read whole */
#define QLI_STATS_ROWS_PER_PAGE 400u /* rows of a sample for each "page" of STATS_SAMPLE_PAGES */
/* Collecting takes no more than one part in so many of the time, however much is changed. */
#define QLI_STATS_REST 50
/* A session does it itself, and as often as a tenth has changed, when it takes no longer. */
#define QLI_STATS_QUICK_NS 2000000
#define QLI_STATS_SMALL                                                                            \
    2000 /* up to so many they are read again at once when they have changed                       \
          */
#define QLI_STATS_COMMON 100u
#define QLI_STATS_BUCKETS 100u
#define QLI_BUCKETS_MAX 1024u /* of a histogram that a statement makes */

typedef struct qli_common {
    ql_str key;
    double share; /* of all rows */
} qli_common;

/* Values up to `high`, from behind the one before it. */
typedef struct qli_bucket {
    ql_str low, high;
    double share;
} qli_bucket;

struct ql_histogram {
    uint32_t ncommon, nbuckets;
    qli_common *common;  /* ascending by key */
    qli_bucket *buckets; /* of all other values, ascending */
    double rest;         /* share of the rows that are in buckets */
    bool complete;       /* every value there was is among the common ones */
};

/* What a table keeps. Immutable once it is kept; freed with the last reference. */
typedef struct qli_kept {
    ql_table_kept k;
    ql_arena *arena;
    ql_table_stats s;               /* table: NULL */
    uint64_t version;               /* of the definition */
    uint64_t changes;               /* ql_table_changes when it was collected */
    int64_t at_us;                  /* Unix time */
    int64_t took_ns, rest_until_ns; /* collecting it, by the steady clock; both 0: it was loaded */
    uint64_t sampled;               /* rows read; all of them: exact */
    bool exact, given;
    _Atomic bool saved; /* it is on the disk, or about to be */
} qli_kept;

/* NULL with the error worded. One reference. */
qli_kept *qli_stats_new(ql_ctx *cx, const ql_table *t) QL_MUST_USE;

/* Values of one column of the sampled rows. */
typedef struct qli_sample_column {
    ql_buf bytes;
    uint32_t *end; /* [rows] where each value's key ends; an empty one is NULL */
    uint32_t nulls;
} qli_sample_column;

typedef struct qli_sample {
    const uint16_t *only;      /* this column alone is sampled, and its values as JSON; or NULL */
    qli_sample_column literal; /* with only */
    uint32_t n, cap;
    uint16_t ncolumns;
    qli_sample_column *columns;
    double row_bytes; /* on average, with its key */
} qli_sample;

static inline ql_str
qli_sample_key(const qli_sample_column *c, uint32_t row)
{
    uint32_t from = row > 0 ? c->end[row - 1] : 0;
    return (ql_str){c->bytes.p + from, c->end[row] - from};
}

/* How often the values of a sample come. */
typedef struct qli_frequencies {
    uint64_t n;     /* values */
    uint64_t d;     /* different ones */
    uint64_t once;  /* that come once */
    uint64_t pairs; /* of equal ones */
} qli_frequencies;

/* distinct.c */
/* Different values among `rows`, out of a sample of rows. */
double qli_distinct_of_sample(const qli_frequencies *f, double rows);
/* Out of neighbours in an index: `changes` of `pairs` differed. */
double qli_distinct_of_pairs(uint64_t pairs, uint64_t changes, double rows);
/* Of combinations of columns' values in a sample. */
ql_status qli_sample_frequencies(ql_ctx *cx, const qli_sample *s, const uint16_t *columns,
                                 uint16_t n, qli_frequencies *f) QL_MUST_USE;

/* histogram.c */
/* Rows of the sample that have a value of c, in the order of values; in tmp. */
ql_status qli_sample_sort(ql_ctx *cx, ql_arena *tmp, const qli_sample_column *c, uint32_t n,
                          uint32_t **rows, uint32_t *values) QL_MUST_USE;
/* Distinct count, NULLs and histogram of column c of the sample, in memory of a; rows: of the
 * table. distinct: when it is known from an index, else 0. */
ql_status qli_histogram_make(ql_ctx *cx, ql_arena *a, const qli_sample_column *c, uint32_t n,
                             double rows, bool exact, double distinct,
                             ql_column_stats *out) QL_MUST_USE;
double qli_histogram_equal(const ql_column_stats *c, ql_str key);
/* An end with p NULL is open. */
double qli_histogram_range(const ql_column_stats *c, ql_str low, bool low_in, ql_str high,
                           bool high_in);

/* made.c */
/* Histograms with AUTO UPDATE are made anew, before statistics are collected that use them. Waits:
 * COMMIT. */
ql_status qli_stats_make_again(ql_ctx *cx, ql_table *t) QL_MUST_USE;

/* collect.c */
/* Read the table in a snapshot of its own. Checkpoints; never waits. */
ql_status qli_stats_collect(ql_ctx *cx, ql_table *t, uint64_t sample_rows,
                            qli_kept **out) QL_MUST_USE;
/* Key of a value of a column's kind as statistics have it, behind what out holds. NULL: nothing. */
ql_status qli_stats_key(ql_ctx *cx, const ql_type *t, const ql_value *v, ql_buf *out) QL_MUST_USE;

/* Has more than a tenth of the table changed since? */
bool qli_stats_are_stale(const ql_table *t, const qli_kept *k);
/* Are the table's statistics written to the disk (STATS_PERSISTENT, innodb_stats_persistent; never
 * those of a temporary table)? */
bool qli_stats_persist(const ql_ctx *cx, const ql_table *t);
/* Rows to be sampled (STATS_SAMPLE_PAGES, innodb_stats_persistent_sample_pages or, where they do
 * not persist, innodb_stats_transient_sample_pages). */
uint64_t qli_stats_sample_rows(const ql_ctx *cx, const ql_table *t);

/* store.c */
/* In a transaction of its own. Waits: COMMIT. */
ql_status qli_stats_save(ql_ctx *cx, const ql_table *t, const qli_kept *k) QL_MUST_USE;
/* The table has been dropped meanwhile, by somebody who could not see what was saved: so does that.
 */
ql_status qli_stats_forget_dropped(ql_ctx *cx, const ql_table *t) QL_MUST_USE;
/* *out NULL: there are none for this version of the definition. */
ql_status qli_stats_load(ql_ctx *cx, const ql_table *t, qli_kept **out) QL_MUST_USE;

/* One column of up to so many rows; *rows: of the table. qli_sample_fini in every case. */
ql_status qli_stats_sample_column(ql_ctx *cx, ql_table *t, uint16_t column, uint64_t sample_rows,
                                  qli_sample *s, double *rows) QL_MUST_USE;
void qli_sample_fini(qli_sample *s);

/* store.c */
ql_status qli_stats_put_column(ql_ctx *cx, ql_buf *b, int64_t at_us,
                               const ql_column_stats *c) QL_MUST_USE;
/* *good false: it cannot be read. at_us: it must be of then; 0: of any time. */
ql_status qli_stats_get_column(ql_ctx *cx, ql_arena *a, ql_str in, int64_t at_us,
                               ql_column_stats *c, bool *good) QL_MUST_USE;

/* made.c: the JSON of a histogram behind its buckets. */
typedef struct qli_histogram_said {
    const ql_type *type;
    bool again, single;
    double nulls, rate;
    uint32_t buckets, collation;
    int64_t at_us;
} qli_histogram_said;
ql_status qli_histogram_end(ql_ctx *cx, ql_buf *out, const qli_histogram_said *h) QL_MUST_USE;
const char *qli_histogram_type(const ql_type *t); /* "int", "string" ... */
ql_status qli_json_put_double(ql_ctx *cx, ql_buf *out, double d) QL_MUST_USE;
/* On the disk. Waits: COMMIT. */
ql_status qli_histogram_keep(ql_ctx *cx, const ql_table *t, uint16_t column, const ql_buf *json,
                             int64_t at_us, const ql_column_stats *c) QL_MUST_USE;
/* made.c: histograms that statements have made take the place of those of the sample. */
ql_status qli_stats_overlay(ql_ctx *cx, const ql_table *t, qli_kept *k,
                            ql_column_stats *columns) QL_MUST_USE;
ql_status qli_json_of_value(ql_ctx *cx, const ql_type *t, const ql_value *v,
                            ql_buf *out) QL_MUST_USE;

/* background.c: refresh the table's statistics when they are stale, and save them. Never waits. */
void qli_statsd_ask(ql_ctx *cx, ql_table *t);

#endif
