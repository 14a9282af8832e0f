/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of exec share: the execution of one statement (qli_run), of one query block
 * (qli_block), its operators (qli_op) and its compiled expressions (qli_ex). The plan and the
 * resolved query are read-only beside them.
 */
#ifndef QL_EXEC_INT_H
#define QL_EXEC_INT_H

#include "acl/acl.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/thread.h"
#include "exec/exec.h"
#include "exec/fn_int.h"
#include "intr/intr.h"
#include "intr/proc.h"
#include "table/table.h"

/* Columns of a result that is only announced; in cx->arena. */
typedef struct qli_description {
    ql_result_column *cols;
    uint16_t n;
} qli_description;

/* One statement in execution. Owner: ql_exec's stack frame. */
typedef struct qli_run {
    ql_ctx *cx;
    const ql_session_ops *ops; /* may be NULL (tests) */
    ql_rstmt *stmt;
    ql_outcome *out;
    struct qli_arena_link *arenas; /* freed, youngest first, when the statement leaves exec: closes
                                      scans before the session ends the statement's layer */
    qli_call *calls;               /* function states to free before that */
    uint64_t passed_over; /* rows that LIMIT and OFFSET of the outermost block have held back, for
                             FOUND_ROWS() */
    bool strict;          /* a strict-mode change of data: division by zero is an error */
    const ql_table *dml_table;  /* QL_E_DEFAULT */
    const ql_value *insert_row; /* QL_E_INSERT_VALUE */
    qli_description *describe;  /* the columns are wanted, not the rows; else NULL */
} qli_run;

void qli_run_init(qli_run *run, ql_ctx *cx, const ql_session_ops *ops, ql_rstmt *stmt,
                  ql_outcome *out);
void qli_run_fini(qli_run *run);
/* New arena under the statement's quota, freed by qli_run_fini. */
ql_status qli_run_arena(qli_run *run, const char *name, ql_arena **out) QL_MUST_USE;
/* Empty such an arena in the middle of a statement; a large one is freed in the background, for
 * giving back tens of megabytes takes milliseconds in which no kill is seen. */
ql_status qli_run_arena_renew(qli_run *run, const char *name, ql_arena **a) QL_MUST_USE;

/* Where expressions are evaluated. */
typedef struct qli_env {
    qli_run *run;
    struct qli_block *block; /* NULL: no outer references */
    ql_arena *mem;           /* compiled expressions and their vectors */
    ql_arena *scratch;       /* bytes of results: reset by the owner between blocks of rows */
    qli_call **calls;        /* list that function states are chained to */
    bool single;             /* rows come one at a time: vectors have one slot */
    bool no_cache;           /* constants are computed again each time (BENCHMARK) */
} qli_env;

typedef struct qli_ex qli_ex;
typedef ql_status (*qli_ex_fn)(ql_ctx *cx, qli_ex *x, const ql_batch *in, const uint16_t *sel,
                               uint16_t n, ql_vector **out);

/* Compiled expression: a tree beside that of ql_expr, with a result vector for each node. Owner:
 * env->mem. */
struct qli_ex {
    qli_ex_fn eval;
    qli_ex_fn inner; /* of a constant node: what computes it */
    const ql_expr *e;
    qli_env env;
    qli_ex **args;
    uint32_t nargs;
    ql_vector own; /* results, slots made at the first evaluation */
    bool ready;    /* own has slots */
    bool cached;   /* own holds the value of a constant node */
    qli_call *call;
    ql_value *vals;        /* [nargs] argument buffer of boxed evaluation */
    uint16_t *sel;         /* buffer for a part of the selection */
    struct qli_block *sub; /* subquery */
    void *aux;             /* set of an IN list, subquery result ... */
    bool aux_ready;
};

/* Compile e. */
ql_status qli_ex_new(ql_ctx *cx, const qli_env *env, const ql_expr *e, qli_ex **out) QL_MUST_USE;
ql_status qli_ex_list(ql_ctx *cx, const qli_env *env, ql_expr *const *e, uint32_t n,
                      qli_ex ***out) QL_MUST_USE;
/* Evaluate for the n > 0 rows sel[0..n) of in (sel NULL: rows 0..n). The vector is valid at those
 * positions, or is_const; it may be a column of in. Bytes live until env.scratch is reset. */
static inline QL_MUST_USE ql_status
qli_ex_eval(ql_ctx *cx, qli_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
            ql_vector **out)
{
    return x->eval(cx, x, in, sel, n, out);
}
/* The same for results that leave the expression (select list, group keys): DECIMALs are rounded to
 * the scale of their type. */
ql_status qli_ex_output(ql_ctx *cx, qli_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                        ql_vector **out) QL_MUST_USE;
static inline void
qli_decimal_settle(ql_decimal *d, const ql_type *t)
{
    if (QL_UNLIKELY(d->scale != t->decimals) && t->decimals <= QL_DECIMAL_MAX_SCALE) {
        (void)ql_decimal_round(d, t->decimals, QL_ROUND_HALF_UP);
    }
}
/* Rows for which x is true (not zero, not NULL), into out (room for n; may be sel itself). */
ql_status qli_ex_filter(ql_ctx *cx, qli_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                        uint16_t *out, uint16_t *nout) QL_MUST_USE;
/* Value for one row. */
ql_status qli_ex_one(ql_ctx *cx, qli_ex *x, const ql_batch *in, uint16_t row,
                     ql_value *out) QL_MUST_USE;
/* The batch of expressions without columns: one row. */
extern const ql_batch qli_one_row;
static inline qli_env
qli_env_single(qli_run *run, ql_arena *mem)
{
    return (qli_env){.run = run, .mem = mem, .scratch = mem, .calls = &run->calls, .single = true};
}
/* Compile and evaluate e once, without columns. */
ql_status qli_scalar(qli_run *run, ql_arena *mem, const ql_expr *e, ql_value *out) QL_MUST_USE;
/* Result slots of x, ready for writing: not const, no NULLs. */
ql_status qli_ex_ready(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
/* Value of x as constant NULL. */
ql_status qli_ex_null(ql_ctx *cx, qli_ex *x, ql_vector **out) QL_MUST_USE;
/* Put a cast to t before argument i. */
ql_status qli_ex_cast_arg(ql_ctx *cx, qli_ex *x, uint32_t i, const ql_type *t) QL_MUST_USE;
/* NULL flags of a result of a and b (b may be NULL): true = NULL for all rows. */
bool qli_null_union(ql_vector *r, const ql_vector *a, const ql_vector *b, const uint16_t *sel,
                    uint16_t n);
/* Index mask of a vector: 0 when slot 0 stands for all rows. */
static inline unsigned
qli_mask(const ql_vector *v)
{
    return v->is_const ? 0 : 0xffffu;
}
/* Buffer of two selections in x->sel. */
ql_status qli_ex_selections(ql_ctx *cx, qli_ex *x, uint16_t **first, uint16_t **second) QL_MUST_USE;
/* One value between vectors of one kind. */
void qli_cell_copy(ql_vector *dst, uint16_t at, const ql_vector *src, uint16_t row);
/* Box the result of a row: kinds that differ from the node's type are cast to it. */
ql_status qli_ex_store(ql_ctx *cx, qli_ex *x, uint16_t row, ql_value *v) QL_MUST_USE;
/* Text of an expression for messages ("(1 - 2)"), at most n-1 bytes. */
void qli_expr_print(const ql_expr *e, char *out, size_t n);

/* Compile-time choice of the evaluator of operators; eval_arith.c, eval_cmp.c, eval_logic.c,
 * eval_in.c, eval_query.c. */
ql_status qli_arith_compile(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
ql_status qli_cmp_compile(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
ql_status qli_logic_compile(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
ql_status qli_in_compile(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
ql_status qli_query_compile(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
ql_status qli_cast_compile(ql_ctx *cx, qli_ex *x) QL_MUST_USE;
/* Selection of a comparison without materialising its result; QL_END = not one of the fast kinds.
 */
ql_status qli_cmp_filter(ql_ctx *cx, qli_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
                         uint16_t *out, uint16_t *nout) QL_MUST_USE;
/* Three-valued comparison of two values of one kind: 1, 0, -1 = NULL. op: EQ ... GE, NULLSAFE_EQ.
 */
ql_status qli_cmp_values(ql_ctx *cx, ql_op op, const ql_value *a, const ql_value *b,
                         const ql_collation *coll, int *result) QL_MUST_USE;
/* Cast v to kind k as a comparison wants it (strings keep their collation). */
ql_status qli_value_to_kind(ql_ctx *cx, ql_arena *a, const ql_value *v, ql_kind k,
                            ql_value *out) QL_MUST_USE;
bool qli_cmp_holds(ql_op op, int cmp);
/* Values of a row operand (ROW, row subquery, or one scalar) for one row. */
ql_status qli_row_operand(ql_ctx *cx, qli_ex *x, const ql_batch *in, uint16_t row, ql_value **vals,
                          uint32_t *n) QL_MUST_USE;
/* (p...) op (q...): 1, 0, -1 = NULL. Kinds may differ. */
ql_status qli_rows_compare(ql_ctx *cx, ql_arena *a, ql_op op, const ql_value *p, const ql_value *q,
                           uint32_t n, const ql_collation *coll, int *result) QL_MUST_USE;
/* Columns of the single row of a row subquery; all NULL when it has none. */
ql_status qli_query_row(ql_ctx *cx, qli_ex *x, const ql_batch *in, uint16_t row, ql_value **vals,
                        uint32_t *n) QL_MUST_USE;

/* One query block in execution. Owner: its arena, registered in run. */
typedef struct qli_op qli_op;
typedef struct qli_block {
    qli_run *run;
    const ql_query *query;
    const ql_block_plan *plan;
    struct qli_block *outer; /* block of query->outer */
    ql_arena *mem;
    ql_arena *scratch; /* bytes of the select list's results */
    uint16_t nslots;   /* query->nslots and the locators of DML targets */
    ql_type *slot_types;
    uint16_t *locator_slot; /* [nsources] slot of the row's clustered key, 0xffff = not wanted */
    qli_op *root;           /* NULL: no rows at all */
    qli_ex **items;
    ql_batch out;        /* select list of the current batch */
    ql_batch bind;       /* one row: slots of the rows to the left in nested joins */
    const ql_batch *cur; /* row for which an inner, correlated block runs */
    uint16_t cur_row;
    ql_scan_lock *locks; /* [nsources] how their scans lock */
    bool stops_early;    /* while operators are built: under a LIMIT that nothing sorts or groups
                            below */
    bool exact;          /* its reader computes on: DECIMAL quotients keep all their digits */
    bool reader_stops;   /* EXISTS: one row is enough */
    ql_arena *rows_mem;  /* of a subquery: bytes of its rows in work; made when needed */
    uint64_t examined_seen;
} qli_block;

#define QLI_NO_SLOT 0xffff

/* Build the state of a query (plan it when plan is NULL). want_locators: [nsources] or NULL. */
ql_status qli_block_new(qli_run *run, qli_block *outer, const ql_query *q,
                        const ql_block_plan *plan, const bool *want_locators,
                        qli_block **out) QL_MUST_USE;
/* Rows before the select list; QL_END after the last. Never an empty batch. */
ql_status qli_block_rows(ql_ctx *cx, qli_block *b, ql_batch **out) QL_MUST_USE;
/* Rows of the select list: nitems columns. */
ql_status qli_block_next(ql_ctx *cx, qli_block *b, ql_batch **out) QL_MUST_USE;
ql_status qli_block_restart(ql_ctx *cx, qli_block *b) QL_MUST_USE;
qli_env qli_block_env(qli_block *b, ql_arena *scratch);

/* Operators: pull model. next gives a batch with a vector for each slot of the block, of which
 * those in `live` are valid; it stays valid until the next call. */
struct qli_op {
    ql_status (*next)(ql_ctx *cx, qli_op *op, ql_batch **out);
    ql_status (*restart)(ql_ctx *cx, qli_op *op);
    const ql_plan *plan;
    qli_block *block;
    qli_op *left, *right;
    ql_arena *scratch; /* bytes of the current batch */
    ql_batch batch;    /* [block->nslots] */
    uint16_t *live;    /* slots valid in the output */
    bool *is_live;     /* by slot: in live already */
    uint16_t nlive;
    qli_ex *filter;
    uint16_t *sel; /* [QL_BATCH_ROWS] */
};
/* Next batch that is not empty, with a checkpoint for each one looked at. */
ql_status qli_op_next(ql_ctx *cx, qli_op *op, ql_batch **out) QL_MUST_USE;
ql_status qli_op_restart(ql_ctx *cx, qli_op *op) QL_MUST_USE;
ql_status qli_op_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
/* Memory of size bytes, zeroed, whose first member is a qli_op; scratch arena when wanted. */
ql_status qli_op_alloc(ql_ctx *cx, qli_block *b, const ql_plan *p, size_t size, bool scratch,
                       qli_op **out) QL_MUST_USE;
ql_status qli_op_live_add(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t n) QL_MUST_USE;
/* Vectors of the op's own batch for these slots. */
ql_status qli_op_own_slots(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t n) QL_MUST_USE;
ql_status qli_op_filter_compile(ql_ctx *cx, qli_op *op) QL_MUST_USE;
/* Apply op->filter to b in place (op->sel). */
ql_status qli_op_filter_apply(ql_ctx *cx, qli_op *op, ql_batch *b) QL_MUST_USE;

ql_status qli_scan_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_nested_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_hashjoin_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_sort_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_group_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_misc_build(ql_ctx *cx, qli_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
/* Does the subtree look at slots of rows to its left? */
ql_status qli_plan_is_bound(ql_ctx *cx, const ql_plan *p, bool *yes) QL_MUST_USE;
/* LIMIT or OFFSET; NULL e gives otherwise. */
ql_status qli_limit_value(qli_run *run, const ql_expr *e, uint64_t otherwise,
                          uint64_t *out) QL_MUST_USE;

/* Rows kept beside the batches: a fixed part (NULL flags, values) and the bytes of strings. */
typedef struct qli_rowfmt {
    uint16_t n;
    uint16_t *slots; /* column of the batch */
    ql_kind *kinds;
    uint32_t *off;
    uint32_t size; /* of the fixed part */
} qli_rowfmt;
ql_status qli_rowfmt_init(ql_ctx *cx, ql_arena *a, qli_rowfmt *f, const ql_type *types,
                          const uint16_t *slots, uint16_t n) QL_MUST_USE;
ql_status qli_row_save(ql_ctx *cx, ql_arena *a, const qli_rowfmt *f, const ql_batch *b,
                       uint16_t row, char **out) QL_MUST_USE;
/* Rows to positions 0..n of cols (strings share the rows' bytes). NULL pointers: all NULL. */
void qli_rows_load(const qli_rowfmt *f, char *const *rows, uint16_t n, ql_vector *cols);
/* Copies of rows sel of src to dst from position at on; strings are copied to a unless it is NULL.
 */
ql_status qli_vector_copy(ql_ctx *cx, ql_arena *a, ql_vector *dst, uint16_t at,
                          const ql_vector *src, const uint16_t *sel, uint16_t n) QL_MUST_USE;

/* Hash and equality of columns as DISTINCT, GROUP BY and hash joins see them: NULL equals NULL. */
ql_status qli_hash_column(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                          bool first, uint64_t *hash) QL_MUST_USE;
ql_status qli_hash_value(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t seed,
                         uint64_t *hash) QL_MUST_USE;
ql_status qli_row_equals(ql_ctx *cx, const ql_vector *v, uint16_t row, const ql_value *val,
                         bool *equal) QL_MUST_USE;
/* Copy with the bytes of a string in a. */
ql_status qli_value_keep(ql_ctx *cx, ql_arena *a, ql_value *v) QL_MUST_USE;
/* Set of tuples (DISTINCT, UNION, DISTINCT aggregates). */
typedef struct qli_tupleset {
    ql_arena *mem;
    uint16_t width;
    struct qli_tuple **buckets;
    size_t nbuckets, count;
} qli_tupleset;
void qli_tupleset_init(qli_tupleset *s, ql_arena *mem, uint16_t width);
/* Add row `row` of the columns; *fresh = it was not there. */
ql_status qli_tupleset_add(ql_ctx *cx, qli_tupleset *s, ql_vector *const *cols, uint16_t row,
                           uint64_t hash, bool *fresh) QL_MUST_USE;
ql_status qli_tupleset_has(ql_ctx *cx, const qli_tupleset *s, ql_vector *const *cols, uint16_t row,
                           uint64_t hash, bool *found) QL_MUST_USE;

/* Sorting. An item has a key whose memcmp order is the wanted one. Stable, own merge sort with a
 * checkpoint every 1,024 comparisons. */
typedef struct qli_sort_item {
    uint64_t prefix; /* first 8 bytes of the key, big-endian */
    const char *key; /* bytes behind the prefix */
    uint32_t nkey;
    void *row;
} qli_sort_item;
ql_status qli_sort_items(ql_ctx *cx, ql_arena *a, qli_sort_item **v, size_t n) QL_MUST_USE;
ql_status qli_sort_compare(ql_ctx *cx, const qli_sort_item *a, const qli_sort_item *b,
                           int *order) QL_MUST_USE;
/* Key of one row into item: its bytes in a, or, a NULL, in tmp until the next one is made. */
ql_status qli_sort_key_make(ql_ctx *cx, ql_arena *a, struct ql_buf *tmp, const ql_value *vals,
                            const ql_type *types, const bool *descending, uint16_t n,
                            qli_sort_item *item) QL_MUST_USE;
ql_status qli_sort_key_keep(ql_ctx *cx, ql_arena *a, qli_sort_item *item) QL_MUST_USE;

/* Result sets made by exec itself (SHOW, EXPLAIN ...): rows of text collected, filtered, sent. */
typedef struct qli_table {
    qli_run *run;
    ql_arena *mem;
    ql_result_column *cols;
    uint16_t ncols;
    ql_value **rows;
    size_t n, cap;
} qli_table;
ql_status qli_table_init(qli_run *run, qli_table *t, uint16_t ncols) QL_MUST_USE;
/* Column i: string of that many characters, or of a given type. */
void qli_table_string(qli_table *t, uint16_t i, const char *name, uint32_t chars, bool nullable);
void qli_table_column(qli_table *t, uint16_t i, const char *name, ql_type type);
/* All columns are set, the work begins. QL_END when only they are wanted (run->describe): they have
 * been noted, and the statement ends here. show (may be NULL): its WHERE is looked at then. */
ql_status qli_table_begin(ql_ctx *cx, qli_table *t, const ql_ast_show *show) QL_MUST_USE;
/* New row of NULLs; the caller fills it. */
ql_status qli_table_row(ql_ctx *cx, qli_table *t, ql_value **row) QL_MUST_USE;
/* Send what LIKE on column like_col (or WHERE) leaves. */
ql_status qli_table_send(ql_ctx *cx, qli_table *t, const ql_ast_show *show,
                         uint16_t like_col) QL_MUST_USE;
ql_value qli_text(const char *s);
ql_value qli_text_n(ql_str s);

/* Default of a column in stored form; explicit: DEFAULT was written (1364 also when not strict). */
ql_status qli_column_default(ql_ctx *cx, ql_arena *a, const ql_table *t, uint16_t column,
                             bool explicit_, ql_value *out) QL_MUST_USE;
/* NOW() of the statement, with that many fractional digits, for a column of kind k. */
ql_value qli_now(ql_ctx *cx, ql_kind k, unsigned decimals);
/* Write side of a statement. */
typedef struct qli_writer {
    qli_run *run;
    ql_table *table;
    bool ignore, strict;
    uint64_t row_no;   /* of the row in work, from 1, for messages */
    ql_arena *row_mem; /* bytes of the row in work; reset every so often */
    uint64_t matched, changed, inserted, deleted;
    uint64_t first_generated; /* first AUTO_INCREMENT value that was made and came to stay */
    uint64_t last_auto;       /* AUTO_INCREMENT column of the last row, however it came about */
} qli_writer;
ql_status qli_writer_init(qli_run *run, qli_writer *w, ql_table *t, bool ignore) QL_MUST_USE;
/* Begin the next row: checkpoint, reset of row_mem when it has grown. */
ql_status qli_writer_next(ql_ctx *cx, qli_writer *w) QL_MUST_USE;
/* QL_STORE_* of the session's sql_mode (types/store.h). */
unsigned qli_store_mode(ql_ctx *cx, bool strict);
ql_status qli_writer_store(ql_ctx *cx, qli_writer *w, uint16_t column, const ql_value *v,
                           ql_value *out) QL_MUST_USE;
/* What a column holds before a value is given: its default, or the zero of its type. */
ql_value qli_known_default(ql_ctx *cx, const ql_column *c);
/* A TIME that becomes a DATE or DATETIME is one of the current day. */
ql_status qli_time_to_moment(ql_ctx *cx, ql_kind to, ql_value *v) QL_MUST_USE;
bool qli_rows_identical(const ql_value *a, const ql_value *b, uint16_t n);
/* A row has been changed: AUTO_INCREMENT goes on behind what its column was set to. */
ql_status qli_autoinc_changed(ql_ctx *cx, ql_table *t, const ql_value *old,
                              const ql_value *changed) QL_MUST_USE;
/* The error just worded (never a kill) becomes a warning: IGNORE. */
ql_status qli_error_to_warning(ql_ctx *cx, ql_status st) QL_MUST_USE;

/* Statements. */
ql_status qli_exec_select(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_insert(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_update(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_delete(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_do(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_set(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_use(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_show(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_kill(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_explain(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_create_database(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_alter_database(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_drop_database(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_create_table(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_drop_table(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_truncate(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_account(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_grant(ql_ctx *cx, qli_run *run) QL_MUST_USE;
/* The session's account; the one that a statement names (NULL, CURRENT_USER(): the session's). */
void qli_own_account(ql_ctx *cx, ql_str *user, ql_str *host);
void qli_account_name(ql_ctx *cx, const ql_ast_user *u, ql_str *user, ql_str *host);
ql_status qli_exec_admin(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_flush(ql_ctx *cx, qli_run *run) QL_MUST_USE;

ql_status qli_exec_alter_keys(ql_ctx *cx, qli_run *run) QL_MUST_USE; /* ddl.c */

/* --- locks.c --- */
ql_status qli_exec_lock_tables(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_unlock_tables(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_lock_instance(ql_ctx *cx, qli_run *run) QL_MUST_USE; /* and UNLOCK INSTANCE */
ql_status qli_flush_tables(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_exec_prepare(ql_ctx *cx, qli_run *run) QL_MUST_USE;
/* Implicit commit, then a transaction and statement layer of its own; qli_ddl_end commits them. */
ql_status qli_ddl_begin(ql_ctx *cx, qli_run *run) QL_MUST_USE;
ql_status qli_ddl_end(ql_ctx *cx, qli_run *run) QL_MUST_USE;

ql_status qli_show_table_kinds(ql_ctx *cx, qli_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_create(ql_ctx *cx, qli_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_server_kinds(ql_ctx *cx, qli_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_replication(ql_ctx *cx, qli_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_processlist(ql_ctx *cx, qli_run *run, bool full) QL_MUST_USE;
ql_status qli_show_engine_status(ql_ctx *cx, qli_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_grants(ql_ctx *cx, qli_run *run, const ql_ast_show *s) QL_MUST_USE;
/* Collation that CHARSET and COLLATE among options name, else otherwise. */
ql_status qli_options_collation(ql_ctx *cx, const ql_ast_option *v, uint32_t n,
                                const ql_collation *otherwise,
                                const ql_collation **out) QL_MUST_USE;
/* SHOW COLUMNS' texts of a default and a type. */
ql_status qli_default_text(ql_ctx *cx, ql_arena *a, const ql_column *c, ql_value *out) QL_MUST_USE;
ql_status qli_type_text(ql_ctx *cx, ql_arena *a, const ql_type *type, ql_value *out) QL_MUST_USE;
/* 1235 naming what is not built. */
ql_status qli_not_built(ql_ctx *cx, const char *what) QL_MUST_USE;
/* C string of s in the statement arena, "" when memory is out. */
const char *qli_zstr(ql_ctx *cx, ql_str s);
const char *qli_zstr_in(ql_ctx *cx, ql_arena *a, ql_str s);

#endif
