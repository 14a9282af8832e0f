/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of exec share beside exec.h: how expressions are compiled, the operators (qli_op),
 * rows kept beside batches, sorting.
 */
#ifndef QL_EXEC_INT_H
#define QL_EXEC_INT_H

#include "catalog/virtual.h"
#include "exec/exec.h"
#include "spool/sort.h"

/* Result slots of x, ready for writing: not const, no NULLs. */
ql_status qli_ex_ready(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
/* A column that stands there with a COLLATE: the same values, to be compared under that. */
void qli_ex_collate(ql_ex *x, ql_vector **out);
/* Value of x as constant NULL. */
ql_status qli_ex_null(ql_ctx *cx, ql_ex *x, ql_vector **out) QL_MUST_USE;
/* Put a cast to t before argument i. */
ql_status qli_ex_cast_arg(ql_ctx *cx, ql_ex *x, uint32_t i, const ql_type *t) QL_MUST_USE;
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
ql_status qli_ex_selections(ql_ctx *cx, ql_ex *x, uint16_t **first, uint16_t **second) QL_MUST_USE;
/* Box the result of a row: kinds that differ from the node's type are cast to it. */
ql_status qli_ex_store(ql_ctx *cx, ql_ex *x, uint16_t row, ql_value *v) QL_MUST_USE;
/* Text of an expression for messages ("(1 - 2)"), at most n-1 bytes. */
void qli_expr_print(const ql_expr *e, char *out, size_t n);

/* Compile-time choice of the evaluator of operators; eval_call.c, eval_arith.c, eval_cmp.c,
 * eval_logic.c, eval_in.c, eval_query.c. */
ql_status qli_call_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
ql_status qli_arith_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
ql_status qli_cmp_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
ql_status qli_logic_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
ql_status qli_in_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
ql_status qli_query_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
ql_status qli_cast_compile(ql_ctx *cx, ql_ex *x) QL_MUST_USE;
/* Selection of a comparison without materialising its result; QL_END = not one of the fast kinds.
 */
ql_status qli_cmp_filter(ql_ctx *cx, ql_ex *x, const ql_batch *in, const uint16_t *sel, uint16_t n,
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
ql_status qli_row_operand(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, ql_value **vals,
                          uint32_t *n) QL_MUST_USE;
/* (p...) op (q...): 1, 0, -1 = NULL. Kinds may differ. */
ql_status qli_rows_compare(ql_ctx *cx, ql_arena *a, ql_op op, const ql_value *p, const ql_value *q,
                           uint32_t n, const ql_collation *coll, int *result) QL_MUST_USE;
/* Columns of the single row of a row subquery; all NULL when it has none. */
ql_status qli_query_row(ql_ctx *cx, ql_ex *x, const ql_batch *in, uint16_t row, ql_value **vals,
                        uint32_t *n) QL_MUST_USE;

/* Operators: pull model. next gives a batch with a vector for each slot of the block, of which
 * those in `live` are valid; it stays valid until the next call. */
struct qli_op {
    ql_status (*next)(ql_ctx *cx, qli_op *op, ql_batch **out);
    ql_status (*restart)(ql_ctx *cx, qli_op *op);
    const ql_plan *plan;
    ql_block *block;
    qli_op *left, *right;
    ql_arena *scratch; /* bytes of the current batch */
    ql_batch batch;    /* [block->nslots] */
    uint16_t *live;    /* slots valid in the output */
    bool *is_live;     /* by slot: in live already */
    uint16_t nlive;
    ql_ex *filter;
    uint16_t *sel;               /* [QL_BATCH_ROWS] */
    struct qli_watched *watched; /* EXPLAIN ANALYZE counts what it does; else NULL, as are: */
    ql_status (*next_unwatched)(ql_ctx *cx, qli_op *op, ql_batch **out);
    ql_status (*restart_unwatched)(ql_ctx *cx, qli_op *op);
    bool begun, gave; /* it has been asked for rows since the restart; it has given some */
};
/* Next batch that is not empty, with a checkpoint for each one looked at. */
ql_status qli_op_next(ql_ctx *cx, qli_op *op, ql_batch **out) QL_MUST_USE;
ql_status qli_op_restart(ql_ctx *cx, qli_op *op) QL_MUST_USE;
ql_status qli_op_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
/* Memory of size bytes, zeroed, whose first member is a qli_op; scratch arena when wanted. */
ql_status qli_op_alloc(ql_ctx *cx, ql_block *b, const ql_plan *p, size_t size, bool scratch,
                       qli_op **out) QL_MUST_USE;
ql_status qli_op_live_add(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t n) QL_MUST_USE;
/* Vectors of the op's own batch for these slots. */
ql_status qli_op_own_slots(ql_ctx *cx, qli_op *op, const uint16_t *slots, uint16_t n) QL_MUST_USE;
ql_status qli_op_filter_compile(ql_ctx *cx, qli_op *op) QL_MUST_USE;
/* The same of that condition, instead of the plan's; NULL: none. */
ql_status qli_op_filter_compile_as(ql_ctx *cx, qli_op *op, const ql_expr *filter) QL_MUST_USE;
/* Apply op->filter to b in place (op->sel). */
ql_status qli_op_filter_apply(ql_ctx *cx, qli_op *op, ql_batch *b) QL_MUST_USE;

/* The op's own batch holds n rows: they are filtered, and *out is the batch. */
ql_status qli_op_hand_out(ql_ctx *cx, qli_op *op, size_t n, ql_batch **out) QL_MUST_USE;

/* --- picker.c: conditions on index entries before their rows are read --- */
/* Lives with its operator, whose batch it shows the entries in. */
typedef struct qli_picker {
    qli_op *op;
    const ql_source *source;
    ql_ex *filter; /* NULL: none */
} qli_picker;
/* The filters of a scan's operator, taken apart as the plan says where it may be: op->filter, and
 * p. */
ql_status qli_picker_compile(ql_ctx *cx, qli_picker *p, qli_op *op, const ql_source *source,
                             bool may_pick) QL_MUST_USE;
/* What the scan is asked for. */
void qli_picker_tell(qli_picker *p, ql_scan_spec *spec);

/* --- watch.c --- */
typedef struct qli_watch qli_watch;
typedef struct qli_watched qli_watched;
void qli_watch_free(qli_watch *w);
/* From now on op is counted; after its next and restart have been set. */
ql_status qli_watch_op(ql_ctx *cx, qli_op *op) QL_MUST_USE;
ql_op_counts *qli_watched_counts(qli_watched *w);
/* q runs with that plan. */
ql_status qli_watch_note_plan(ql_run *run, const ql_query *q,
                              const ql_block_plan *plan) QL_MUST_USE;

/* --- view_filter.c --- */
/* What the block's conditions name of a virtual source (filter: those on it alone), and its values
 * when the rows are made, in mem. */
typedef struct qli_view_filter qli_view_filter;
ql_status qli_view_filter_new(ql_ctx *cx, ql_block *b, const ql_source *source,
                              const ql_expr *filter, ql_arena *mem,
                              qli_view_filter **out) QL_MUST_USE;
ql_status qli_view_filter_values(ql_ctx *cx, qli_view_filter *w, ql_view_filter *out) QL_MUST_USE;

ql_status qli_json_table_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_scan_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
/* Clustered key of a row of the batch given last by a scan with plan->keys_only. */
ql_str qli_scan_key(const qli_op *op, uint16_t row);
/* Before it is first asked for rows: the first n are not wanted, and nothing is done for them but
 * finding that they are there. false, and nothing is changed: it is no scan that can do so. */
bool qli_scan_pass_over(qli_op *op, uint64_t n);
/* How many of them are still to come. */
uint64_t qli_scan_to_pass(const qli_op *op);
ql_status qli_merge_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_nested_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
/* Are the look-ups of that join, whose left side is there, done a batch at a time? */
ql_status qli_lookup_serves(ql_ctx *cx, const ql_block *b, const ql_plan *p, const qli_op *left,
                            bool *yes) QL_MUST_USE;
ql_status qli_lookup_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op *left,
                           qli_op **out) QL_MUST_USE;
ql_status qli_hashjoin_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_sort_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_group_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_group_stream_build(ql_ctx *cx, ql_block *b, const ql_plan *p,
                                 qli_op **out) QL_MUST_USE;
ql_status qli_ends_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_distinct_stream_build(ql_ctx *cx, ql_block *b, const ql_plan *p,
                                    qli_op **out) QL_MUST_USE;
ql_status qli_distinct_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_setop_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
ql_status qli_misc_build(ql_ctx *cx, ql_block *b, const ql_plan *p, qli_op **out) QL_MUST_USE;
/* Does the subtree look at slots of rows to its left? */
ql_status qli_plan_is_bound(ql_ctx *cx, const ql_plan *p, bool *yes) QL_MUST_USE;
/* Is it the same each time its block is run: no rows of enclosing blocks, no variables, no chance?
 * *yes true on entry; set to false when not. */
ql_status qli_exprs_keep(ql_ctx *cx, ql_expr *const *e, uint32_t n, bool *yes) QL_MUST_USE;
ql_status qli_plan_keeps(ql_ctx *cx, const ql_query *q, const ql_plan *p, bool *yes) QL_MUST_USE;
/* The last value of b (b->like), a pattern that is known only now, becomes what texts that the LIKE
 * matches begin with. */
void qli_bound_head(const ql_ctx *cx, const ql_plan_bound *b, ql_value *v);
/* LIMIT or OFFSET; NULL e gives otherwise. */
ql_status qli_limit_value(ql_run *run, const ql_expr *e, uint64_t otherwise,
                          uint64_t *out) QL_MUST_USE;

/* Rows kept beside the batches: a fixed part (NULL flags, values) and the bytes of strings. */
typedef struct qli_rowfmt {
    uint16_t n;
    uint16_t *slots; /* column of the batch */
    ql_kind *kinds;
    uint32_t *off;
    uint32_t size;     /* of the fixed part */
    uint16_t nstrings; /* columns with bytes behind it */
} qli_rowfmt;
ql_status qli_rowfmt_init(ql_ctx *cx, ql_arena *a, qli_rowfmt *f, const ql_type *types,
                          const uint16_t *slots, uint16_t n) QL_MUST_USE;
ql_status qli_row_save(ql_ctx *cx, ql_arena *a, const qli_rowfmt *f, const ql_batch *b,
                       uint16_t row, char **out) QL_MUST_USE;
/* Bytes of a row; its strings lie behind one another in the order of their columns. */
size_t qli_row_size(const qli_rowfmt *f, const char *row);
/* The row's bytes have come to stand elsewhere: its strings point into them again. */
void qli_row_moved(const qli_rowfmt *f, char *row);
/* Rows to positions 0..n of cols (strings share the rows' bytes). NULL pointers: all NULL. */
void qli_column_load(const qli_rowfmt *f, uint16_t i, char *const *rows, uint16_t n, ql_vector *v);
void qli_rows_load(const qli_rowfmt *f, char *const *rows, uint16_t n, ql_vector *cols);
/* Column i, of type t, of a row; string bytes are shared. */
void qli_cell_value(const qli_rowfmt *f, uint16_t i, const ql_type *t, const char *row,
                    ql_value *out);
/* Copies of rows sel of src to dst from position at on; strings are copied to a unless it is NULL.
 */
ql_status qli_vector_copy(ql_ctx *cx, ql_arena *a, ql_vector *dst, uint16_t at,
                          const ql_vector *src, const uint16_t *sel, uint16_t n) QL_MUST_USE;

/* Keys of sorts (spool/sort.h). */
/* Key of one row into item: its bytes in a, or, a NULL, in tmp until the next one is made. */
ql_status qli_sort_key_make(ql_ctx *cx, ql_arena *a, struct ql_buf *tmp, const ql_value *vals,
                            const ql_type *types, const bool *descending, uint16_t n,
                            ql_sort_item *item) QL_MUST_USE;
ql_status qli_sort_key_keep(ql_ctx *cx, ql_arena *a, ql_sort_item *item) QL_MUST_USE;

/* --- outfile.c --- */
/* SELECT ... INTO OUTFILE, DUMPFILE: the file is there when it is complete, or not at all; *rows
 * went into it. 1290, 1086, 1172 (more than one row into a DUMPFILE). Waits: DISK_SPACE. */
ql_status qli_into_file(ql_ctx *cx, ql_run *run, const ql_query *q, const ql_ast_into_file *into,
                        uint64_t *rows) QL_MUST_USE;

#endif
