/* SPDX-License-Identifier: Apache-2.0
 *
 * Running plans: what a statement in execution owns (ql_run), expressions compiled and evaluated
 * over batches (ql_ex), and query blocks (ql_block), which give rows. A query's rows go to
 * cx->sink. The transaction and the statement layer are the session's: exec reads in cx->txn. The
 * plan and the resolved query are read-only beside the state here.
 */
#ifndef QL_EXEC_EXEC_H
#define QL_EXEC_EXEC_H

#include "acl/acl.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/thread.h"
#include "fn/fn.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "plan/plan.h"
#include "table/table.h"
#include "types/sink.h"

struct ql_session_ops;

/* Columns of a result that is only announced; in cx->arena. */
typedef struct ql_description {
    ql_result_column *cols;
    uint16_t n;
} ql_description;

/* One statement in execution. Owner: a stack frame of whoever runs it (stmts/exec.c). */
typedef struct ql_run {
    ql_ctx *cx;
    const struct ql_session_ops *ops; /* stmts.h; may be NULL (tests) */
    ql_rstmt *stmt;
    ql_outcome *out;
    struct qli_arena_link *arenas; /* freed, youngest first, when the statement leaves exec: closes
                                      scans before the session ends the statement's layer */
    ql_call *calls;                /* function states to free before that */
    struct ql_tapes *tapes;        /* spool/tape.h: its temporary file; NULL = none yet */
    struct qli_cte_rows *ctes;     /* cte.c: common table expressions that are computed once */
    struct ql_building *building;  /* catalog.h: ids that the statement fills; NULL = none */
    uint64_t passed_over; /* rows that LIMIT and OFFSET of the outermost block have held back, for
                             FOUND_ROWS() */
    const ql_table *dml_table;  /* QL_E_DEFAULT */
    const ql_value *insert_row; /* QL_E_INSERT_VALUE */
    struct qli_watch *watch;    /* exec/watch.c: operators are counted; NULL = not */
    const ql_block_plan *plan;  /* of the outermost block, once it is made */
    ql_description *describe;   /* the columns are wanted, not the rows; else NULL */
    int64_t give_up_ns;         /* ql_now_mono_ns() from when on it is an error that it still runs;
                                   0: it may take as long as it likes */
} ql_run;

void ql_run_init(ql_run *run, ql_ctx *cx, const struct ql_session_ops *ops, ql_rstmt *stmt,
                 ql_outcome *out);
void ql_run_fini(ql_run *run);
/* Count what the operators do, from before the first block is built. ql_watch_...: of a ql_run, as
 * ql_explained_run asks for it. */
ql_status ql_run_watch(ql_run *run) QL_MUST_USE;
const ql_op_counts *ql_watch_counts(void *run, const ql_plan *n);
const ql_block_plan *ql_watch_plan(void *run, const ql_query *q);
/* New arena under the statement's quota, freed by ql_run_fini. */
ql_status ql_run_arena(ql_run *run, const char *name, ql_arena **out) QL_MUST_USE;
/* Empty such an arena in the middle of a statement; a large one is freed in the background, for
 * giving back tens of megabytes takes milliseconds in which no kill is seen. */
ql_status ql_run_arena_renew(ql_run *run, const char *name, ql_arena **a) QL_MUST_USE;
/* The same; at most `keep` bytes stay with it for reuse. */
ql_status ql_run_arena_empty(ql_run *run, const char *name, ql_arena **a, size_t keep) QL_MUST_USE;

/* Copy with the bytes of a string in a. */
ql_status ql_value_keep(ql_ctx *cx, ql_arena *a, ql_value *v) QL_MUST_USE;
/* 1235 naming what is not built. */
ql_status ql_not_built(ql_ctx *cx, const char *what) QL_MUST_USE;
/* C string of s, in a unless it ends with a NUL already; "" when memory is out. */
const char *ql_zstr_in(ql_ctx *cx, ql_arena *a, ql_str s);
/* What messages of a store into the column call it: its name; of JSON with the table's, as MySQL.
 */
const char *ql_column_label(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column);

/* --- expressions --- */

/* Where expressions are evaluated. */
typedef struct ql_env {
    ql_run *run;
    struct ql_block *block; /* NULL: no outer references */
    ql_arena *mem;          /* compiled expressions and their vectors */
    ql_arena *scratch;      /* bytes of results: reset by the owner between blocks of rows */
    ql_call **calls;        /* list that function states are chained to */
    bool single;            /* rows come one at a time: vectors have one slot */
    bool no_cache;          /* constants are computed again each time (BENCHMARK) */
} ql_env;

typedef struct ql_ex ql_ex;
typedef ql_status (*ql_ex_fn)(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel,
                              uint16_t n, ql_vector **out);

/* Compiled expression: a tree beside that of ql_expr, with a result vector for each node. Owner:
 * env->mem. */
struct ql_ex {
    ql_ex_fn eval;
    ql_ex_fn inner; /* of a constant node: what computes it */
    const ql_expr *e;
    ql_env env;
    ql_ex **args;
    uint32_t nargs;
    ql_vector own; /* results, slots made at the first evaluation */
    bool ready;    /* own has slots */
    bool cached;   /* own holds the value of a constant node */
    ql_call *call;
    ql_value *vals;          /* [nargs] argument buffer of boxed evaluation */
    uint16_t *sel;           /* buffer for a part of the selection */
    struct ql_block *sub;    /* subquery */
    struct qli_memo *memo;   /* results of a correlated subquery; NULL = none so far */
    struct qli_keyed *keyed; /* the same of all values at once; NULL = not thought of yet */
    void *aux;               /* set of an IN list, subquery result ... */
    bool aux_ready;
};

/* Compile e. */
ql_status ql_ex_new(ql_ctx *cx, const ql_env *env, const ql_expr *e, ql_ex **out) QL_MUST_USE;
ql_status ql_ex_list(ql_ctx *cx, const ql_env *env, ql_expr *const *e, uint32_t n,
                     ql_ex ***out) QL_MUST_USE;
/* Evaluate for the n > 0 rows sel[0..n) of in (sel NULL: rows 0..n). The vector is valid at those
 * positions, or is_const; it may be a column of in. Bytes live until env.scratch is reset. */
static inline QL_MUST_USE ql_status
ql_ex_eval(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
           ql_vector **out)
{
    return x->eval(cx, x, in, sel, n, out);
}
/* The same for results that leave the expression (select list, group keys): DECIMALs are rounded to
 * the scale of their type. */
ql_status ql_ex_output(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                       ql_vector **out) QL_MUST_USE;
static inline void
ql_decimal_settle(ql_decimal *d, const ql_type *t)
{
    if (QL_UNLIKELY(d->scale != t->decimals) && t->decimals <= QL_DECIMAL_MAX_SCALE) {
        (void)ql_decimal_round(d, t->decimals, QL_ROUND_HALF_UP);
    }
}
/* Rows for which x is true (not zero, not NULL), into out (room for n; may be sel itself). */
ql_status ql_ex_filter(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                       uint16_t *out, uint16_t *nout) QL_MUST_USE;
/* Value for one row. */
ql_status ql_ex_one(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row,
                    ql_value *out) QL_MUST_USE;
/* The batch of expressions without columns: one row. */
extern const ql_batch ql_one_row;
static inline ql_env
ql_env_single(ql_run *run, ql_arena *mem)
{
    return (ql_env){.run = run, .mem = mem, .scratch = mem, .calls = &run->calls, .single = true};
}
/* Compile and evaluate e once, without columns. */
ql_status ql_scalar(ql_run *run, ql_arena *mem, const ql_expr *e, ql_value *out) QL_MUST_USE;

/* --- values --- */

/* Default of a column in stored form; NULL where an expression gives it (complete.h). explicit:
 * DEFAULT was written (1364 also when not strict). */
ql_status ql_column_default(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column,
                            bool explicit_, ql_value *out) QL_MUST_USE;
/* NOW() of the statement, with that many fractional digits, for a column of kind k. */
ql_value ql_now_value(ql_ctx *cx, ql_kind k, unsigned decimals);
/* What a column holds before a value is given: its default, or the zero of its type. */
ql_value ql_known_default(ql_ctx *cx, const ql_column *c);
/* A TIME that becomes a DATE or DATETIME is one of the current day. */
ql_status ql_time_to_moment(ql_ctx *cx, ql_kind to, ql_value *v) QL_MUST_USE;
/* What `to` is for a value that is stored into a column: a YEAR takes the date's. */
static inline ql_kind
ql_stored_as(const ql_type *t)
{
    return t->field == QL_F_YEAR ? QL_K_DATETIME : t->kind;
}
/* Hash and equality of columns as DISTINCT, GROUP BY and hash joins see them: NULL equals NULL. */
ql_status ql_hash_column(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                         bool first, uint64_t *hash) QL_MUST_USE;
ql_status ql_hash_value(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t seed,
                        uint64_t *hash) QL_MUST_USE;
ql_status ql_row_equals(ql_ctx *cx, const ql_vector *v, uint16_t row, const ql_value *val,
                        bool *equal) QL_MUST_USE;
/* Set of tuples (DISTINCT, UNION, DISTINCT aggregates). */
typedef struct ql_tupleset {
    ql_arena *mem;
    uint16_t width;
    struct qli_tuple **buckets;
    size_t nbuckets, count;
} ql_tupleset;
void ql_tupleset_init(ql_tupleset *s, ql_arena *mem, uint16_t width);
/* Add row `row` of the columns; *fresh = it was not there. */
ql_status ql_tupleset_add(ql_ctx *cx, ql_tupleset *s, ql_vector *const *cols, uint16_t row,
                          uint64_t hash, bool *fresh) QL_MUST_USE;
ql_status ql_tupleset_has(ql_ctx *cx, const ql_tupleset *s, ql_vector *const *cols, uint16_t row,
                          uint64_t hash, bool *found) QL_MUST_USE;

/* --- queries --- */

/* One query block in execution. Owner: its arena, registered in run. */
typedef struct qli_op qli_op;
typedef struct ql_block {
    ql_run *run;
    const ql_query *query;
    const ql_block_plan *plan;
    struct ql_block *outer; /* block of query->outer */
    ql_arena *mem;
    ql_arena *scratch; /* bytes of the select list's results */
    uint16_t nslots;   /* query->nslots and the locators of DML targets */
    ql_type *slot_types;
    uint16_t *locator_slot; /* [nsources] slot of the row's clustered key, 0xffff = not wanted */
    qli_op *root;           /* NULL: no rows at all */
    ql_ex **items;
    ql_batch out;        /* select list of the current batch */
    ql_batch bind;       /* one row: slots of the rows to the left in nested joins */
    const ql_batch *cur; /* row for which an inner, correlated block runs */
    uint16_t cur_row;
    ql_scan_lock *locks; /* [nsources] how their scans lock */
    bool stops_early;    /* while operators are built: under a LIMIT that nothing sorts or groups
                            below */
    bool exact;          /* its reader computes on: DECIMAL quotients keep all their digits */
    bool reader_stops;   /* EXISTS: one row is enough */
    bool reader_counts;  /* LIMIT is kept by who reads */
    ql_arena *rows_mem;  /* of a subquery: bytes of its rows in work; made when needed */
    uint64_t examined_seen;
} ql_block;

#define QL_NO_SLOT 0xffff

/* Build the state of a query (plan it when plan is NULL). want_locators: [nsources] or NULL. */
ql_status ql_block_new(ql_run *run, ql_block *outer, const ql_query *q, const ql_block_plan *plan,
                       const bool *want_locators, ql_block **out) QL_MUST_USE;
/* Before the first row: not every row that comes counts for LIMIT, the reader keeps it himself. The
 * block gives all rows from now on, in the order and with the locks that it has under its LIMIT. */
ql_status ql_block_count_rows(ql_ctx *cx, ql_block *b, uint64_t *limit) QL_MUST_USE;
/* Rows before the select list; QL_END after the last. Never an empty batch. */
ql_status ql_block_rows(ql_ctx *cx, ql_block *b, ql_batch **out) QL_MUST_USE;
/* Slots that are valid in them; their number. */
uint16_t ql_block_live(const ql_block *b, const uint16_t **slots);
/* Rows of the select list: nitems columns. */
ql_status ql_block_next(ql_ctx *cx, ql_block *b, ql_batch **out) QL_MUST_USE;
ql_status ql_block_restart(ql_ctx *cx, ql_block *b) QL_MUST_USE;
ql_env ql_block_env(ql_block *b, ql_arena *scratch);
/* The block of a row that a statement makes itself: expressions over it have ql_block_env(block),
 * and subqueries in them see the row. It has no rows of its own. */
ql_status ql_block_of_row(ql_run *run, ql_arena *mem, const ql_query *q,
                          ql_block **out) QL_MUST_USE;

/* SELECT, DO. */
ql_status ql_exec_select(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status ql_exec_do(ql_ctx *cx, ql_run *run) QL_MUST_USE;

#endif
