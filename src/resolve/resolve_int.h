/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of resolve/ share: the state of one resolution and of one query block while it is
 * being bound. All of it lives in the statement's arena and is used by the session's thread only.
 */
#ifndef QL_RESOLVE_INT_H
#define QL_RESOLVE_INT_H

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "intr/intr.h"
#include "resolve/resolve.h"

#define QLI_MAX_BLOCKS 4096 /* query blocks of one statement; a CTE counts at each mention */
#define QL_NO_SLOT UINT16_MAX

/* Common table expression in view; `outer_ctes` is what its own text may see. */
typedef struct qli_cte {
    const ql_ast_cte *ast;
    struct qli_cte *next;
    struct qli_scope *scope; /* where it was defined */
    ql_cte *shared;
} qli_cte;

typedef enum qli_clause {
    QLI_CL_FIELDS,
    QLI_CL_WHERE,
    QLI_CL_ON,
    QLI_CL_GROUP,
    QLI_CL_HAVING,
    QLI_CL_ORDER,
    QLI_CL_LIMIT,
    QLI_CL_TABLE_FUNCTION
} qli_clause;
const char *qli_clause_name(qli_clause c); /* "field list" ... as in error 1054 */

typedef enum qli_slot_kind { QLI_SLOT_COLUMN, QLI_SLOT_GROUP, QLI_SLOT_AGG } qli_slot_kind;

/* What a slot of the block under construction holds. */
typedef struct qli_slot {
    qli_slot_kind kind;
    uint16_t source, column; /* COLUMN */
} qli_slot;

typedef struct qli_name {
    uint16_t source, column;
} qli_name;
/* Columns reachable by their plain name, in the order of `*`. */
typedef struct qli_names {
    qli_name *v;
    uint32_t n;
} qli_names;

/* A view that is being expanded, or made; those around it behind it. */
typedef struct qli_view_frame {
    ql_str db, name;
    ql_str user; /* CURRENT_USER() inside: its definer; n 0: the session's */
    struct qli_view_frame *up;
} qli_view_frame;

/* A view that has become the table below it (merge.c); a level, if there are views below it. All in
 * the statement's arena. */
typedef struct qli_merged {
    const ql_table *view;
    const ql_ast_select *query;
    ql_str alias, db;                 /* of what is below, as its text has it */
    bool of_join;                     /* of several tables, the others out of reach (INSERT) */
    const int *ordinals;              /* of each column of the view: the table's, or -1: computed */
    bool computed;                    /* some are */
    struct qli_merged *above, *below; /* below NULL: the table */
    qli_view_frame frame;
} qli_merged;

/* A view of several tables whose tables are sources of the block themselves (joinview.c). */
#define QLI_JOINED 0x8000 /* in qli_name.source: the rest is the id of such a view */
typedef struct qli_joined {
    struct qli_joined *next;
    const ql_table *view;
    const ql_ast_select *query;
    ql_str alias;
    qli_names names; /* what its own text sees: */
    uint16_t lo, hi; /* its sources */
    uint16_t id;
    uint16_t behind; /* the view in whose text it stands; 0: the statement's */
    ql_expr *cond;   /* WHERE and what goes up from its FROM */
    bool unreadable;
    int changed; /* the source whose columns are assigned; -1: none so far */
} qli_joined;

typedef struct qli_source {
    uint16_t behind;     /* the joined view that it belongs to; 0: none */
    uint16_t ncols;      /* of the table or query; a merged view shows others (qli_visible) */
    qli_merged *merged;  /* the source is known as this view; or NULL */
    ql_expr *view_cond;  /* WHERE of that view and of those below it */
    uint16_t *slot_of;   /* by column ordinal; QL_NO_SLOT = not used so far */
    bool outer_joined;   /* on the inner side of an outer join */
    bool unreadable;     /* the session has no SELECT on it: its columns may be assigned only */
    const ql_str *names; /* derived with column list, else NULL */
} qli_source;

/* UNION blocks above a query block: correlation of an arm is theirs, too. */
typedef struct qli_union {
    ql_query *q;
    struct qli_union *up;
} qli_union;

typedef struct qli_scope {
    struct qli_scope *outer;
    ql_query *q;
    qli_union *unions;
    const ql_ast_select *ast;
    const ql_ast_hints *hints; /* about the block; NULL: none */
    bool barrier; /* a derived table of this block is being bound: it does not see the block's
                     sources */
    bool inside; /* what a merged view is made of is being bound: nothing around the block counts */
    bool closed; /* a view is being bound: it sees neither this block nor those around it */
    qli_clause clause;
    bool at_cond; /* what is bound next is a condition of WHERE or ON, or an operand of its AND, OR
                   */
    qli_source *sources;
    uint16_t cap_sources;
    qli_names names; /* what unqualified names may mean now */
    uint16_t lo, hi; /* sources that qualified names may mean now */
    qli_joined *joined;
    uint16_t behind; /* the joined view whose text is being bound; 0: none */
    qli_slot *slots;
    uint32_t cap_slots, cap_aggs;
    struct qli_agg_index *agg_index; /* finds an aggregate call that is there already */
    const ql_result_column *given;   /* instead of sources: slot i = column i */
    uint16_t ngiven;
    bool aggs_allowed, in_agg, aggregated; /* aggregated: GROUP BY or an aggregate somewhere */
    bool items_bound;
    uint32_t *ncalls;
} qli_scope;

/* What may be named, and where in the statement one is: as it was, after a view's text was bound.
 */
static inline void
qli_scope_restore(qli_scope *sc, const qli_scope *was)
{
    sc->names = was->names;
    sc->lo = was->lo;
    sc->hi = was->hi;
    sc->behind = was->behind;
    sc->inside = was->inside;
    sc->items_bound = was->items_bound;
    sc->aggs_allowed = was->aggs_allowed;
    sc->clause = was->clause;
}

/* A block that hints are about, in the order in which blocks were begun. */
typedef struct qli_hinted {
    const ql_ast_hints *hints;
    ql_query *q;
    struct qli_hinted *next;
} qli_hinted;

typedef struct qli_use {
    struct qli_use *next;
    ql_table *table;
} qli_use;

/* What UPDATE or DELETE it is. */
typedef enum qli_dml {
    QLI_DML_NONE,
    QLI_DML_UPDATE,
    QLI_DML_UPDATE_MANY, /* of a join */
    QLI_DML_DELETE,
    QLI_DML_DELETE_MANY
} qli_dml;

/* Columns of the query that ON DUPLICATE KEY UPDATE names (duplicates.c). */
typedef struct qli_dup_columns qli_dup_columns;

/* One resolution. */
/* What a plan would show of a view. */
typedef struct qli_below {
    const ql_table *table;
    struct qli_below *next;
} qli_below;

typedef struct qli_res {
    ql_ctx *cx;
    ql_arena *a;
    const ql_value *params;
    uint32_t nparams;
    bool explaining; /* EXPLAIN: nothing is changed */
    bool preparing;  /* parameter values are not known */
    bool describing; /* names and types are wanted, nothing will be run */
    bool has_assign; /* @x := somewhere: user variables change while it runs */
    qli_cte *ctes;
    uint32_t nblocks;
    const ql_table *dml_target; /* UPDATE, DELETE: not to be read in subqueries (1093) */
    bool in_dml_from;
    qli_dml dml;
    const ql_table *insert_target; /* VALUES(col) may be used */
    const qli_merged *insert_view; /* under whose names; NULL: its own */
    qli_dup_columns *dup;          /* of INSERT ... SELECT; NULL = none */
    bool touches_tables, needs_ticket;
    struct qli_use *uses; /* tables without transactions, newest first */
    uint32_t nuses;
    const ql_ast_select *first; /* first block of the statement: SQL_CALC_FOUND_ROWS stands there */
    uint32_t ncalls;            /* of expressions outside query blocks */
    qli_view_frame *views;      /* innermost; NULL = none */
    qli_hinted *hinted, *hinted_last;
    struct qli_below *below; /* views, and tables opened below them, newest first */
    const qli_view_frame
        *making;   /* CREATE VIEW: the one that is made; it may not be below itself */
    bool freezing; /* the text of a view is being bound, to be kept: its tree is written to
                      (freeze.c) */
} qli_res;

/* --- privileges.c --- */
ql_str qli_db_of(const qli_res *r, const ql_ast_table_name *name); /* n 0 = none */
/* 1142 unless the session may use all tables of the statement as it does. Before any is opened. */
ql_status qli_may_all(qli_res *r, const ql_ast_stmt *stmt) QL_MUST_USE;
/* Is there a view below which the user may not look: SELECT on all of it, SHOW VIEW on views? */
ql_status qli_hides_plan(qli_res *r, bool *yes) QL_MUST_USE;
/* Of one table in FROM; that a FOR UPDATE locks; of INSERT. */
ql_status qli_may_use_leaf(qli_res *r, const ql_ast_from *f) QL_MUST_USE;
ql_status qli_may_lock_leaf(qli_res *r, const ql_ast_from *f) QL_MUST_USE;
ql_status qli_may_insert(qli_res *r, const ql_ast_insert *ins) QL_MUST_USE;

/* --- functions.c --- */
typedef enum qli_rule {
    QLI_R_INT,
    QLI_R_UINT,
    QLI_R_BOOL,
    QLI_R_DOUBLE,
    QLI_R_DATE,
    QLI_R_TIME,
    QLI_R_DATETIME,
    QLI_R_TIME_N,
    QLI_R_DATETIME_N,
    QLI_R_STRING,
    QLI_R_STR0,
    QLI_R_ASCII,
    QLI_R_BINARY,
    QLI_R_ARG0,
    QLI_R_AGGTYPE,
    QLI_R_JSON,
    QLI_R_JSON_TEXT,
    QLI_R_JSON_WORD,
    QLI_R_NUMERIC,
    QLI_R_CEIL,
    QLI_R_ROUND,
    QLI_R_TEMPORAL_ADD,
    QLI_R_SEC_TO_TIME,
    QLI_R_TEMPORAL_DIFF,
    QLI_R_ADDTIME,
    QLI_R_CONVERT_TZ,
    QLI_R_STR_TO_DATE,
    QLI_R_UNIX_TS,
    QLI_R_FROM_UNIX
} qli_rule;

typedef struct qli_func {
    ql_func_id id;
    const char *name;
    uint8_t min, max;
    qli_rule rule;
    unsigned flags;
    const char *args;
} qli_func;
const qli_func *qli_func_find(ql_str name); /* aliases too; NULL = not built in */
const qli_func *qli_func_get(ql_func_id id);
bool qli_func_is_unbuilt(ql_str name); /* MySQL has it, Quell not yet: 1235 */
int qli_agg_find(ql_str name);         /* ql_agg_fn or -1 */

/* Type of a CAST as it was written. */
ql_status qli_cast_target(qli_res *r, const ql_ast_type *t, const ql_expr *arg,
                          ql_type *out) QL_MUST_USE;

/* --- jsontable.c --- */
/* The table that JSON_TABLE is, and what its rows are made of; names to the left of it are sc's. */
ql_status qli_json_table_bind(qli_res *r, qli_scope *sc, const ql_ast_from *f, ql_table **table,
                              ql_json_source **json) QL_MUST_USE;
/* Does it look at sources of its block? */
ql_status qli_json_table_looks_left(qli_res *r, const ql_json_source *json, bool *yes) QL_MUST_USE;

/* --- json.c --- */
ql_status qli_bind_json_value(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                              ql_expr **out) QL_MUST_USE;
/* Is it true or false as such: TRUE, a comparison, EXISTS ...? */
bool qli_is_truth(const ql_expr *e);
/* Then it becomes JSON's true or false; anything else stays. */
ql_status qli_truth_as_json(qli_res *r, qli_scope *sc, ql_expr **e) QL_MUST_USE;
/* A path that is a constant has no collation of the connection's: it is the same path, whoever
 * wrote it. */
ql_status qli_json_path_arg(qli_res *r, ql_expr **e) QL_MUST_USE;
/* LONGTEXT in utf8mb4_bin: texts made of documents. */
ql_type qli_json_text_type(void);

/* --- scope.c --- */
ql_status qli_scope_new(qli_res *r, qli_scope *outer, qli_scope **out) QL_MUST_USE;
/* The block's locking clauses to its sources; of a UNION: to those of its arms. */
ql_status qli_locking_bind(qli_res *r, ql_query *q, const ql_ast_select *s) QL_MUST_USE;
/* Does a FOR UPDATE clause of the block reach the table called alias? */
bool qli_locking_writes(const ql_ast_select *s, ql_str alias);
/* The FROM of a view whose tables become sources of the block; what goes up is left in *pending. */
ql_status qli_from_below(qli_res *r, qli_scope *sc, const ql_ast_from *from, bool inner,
                         ql_join_tree **tree, ql_expr **pending, qli_names *names) QL_MUST_USE;
ql_status qli_from_bind(qli_res *r, qli_scope *sc, const ql_ast_from *from) QL_MUST_USE;
ql_status qli_source_add_table(qli_res *r, qli_scope *sc, ql_table *t, ql_str alias) QL_MUST_USE;
ql_status qli_new_slot(qli_res *r, qli_scope *sc, qli_slot what, const ql_type *type,
                       uint16_t *out) QL_MUST_USE;
ql_str qli_column_name(const qli_scope *sc, uint16_t source, uint16_t column);
ql_str qli_base_name(const qli_scope *sc, uint16_t source, uint16_t ordinal); /* of a slot */
const char *qli_full_name(qli_res *r, const ql_ast_expr *e);
/* Used columns of each source sorted into ql_source; slots of outer-joined sources nullable. */
ql_status qli_scope_finish(qli_res *r, qli_scope *sc) QL_MUST_USE;

/* A query in FROM as source db.alias of the block; names: of its columns, nnames 0: as they are. */
ql_status qli_derived_bind(qli_res *r, qli_scope *sc, const ql_ast_select *s, ql_str db,
                           ql_str alias, const ql_str *names, uint32_t nnames,
                           qli_names *out) QL_MUST_USE;

/* --- index_hint.c --- */
/* USE, FORCE, IGNORE INDEX of a table into its source. 1176, 1221. */
ql_status qli_index_hints(qli_res *r, const ql_ast_index_hint *hints, ql_str alias,
                          ql_source *src) QL_MUST_USE;
/* A view has no indexes: 1176. */
ql_status qli_index_hints_on_view(qli_res *r, const ql_ast_from *f, ql_str alias) QL_MUST_USE;

/* --- hint.c --- */
/* The block is about to be bound: hints are about it. */
ql_status qli_hints_begin(qli_res *r, qli_scope *sc, const ql_ast_hints *hints) QL_MUST_USE;
/* May the view become part of the block? MERGE, NO_MERGE, or else derived_merge. */
bool qli_hints_let_merge(const qli_res *r, const qli_scope *sc, const ql_table *view, ql_str alias);
/* STRAIGHT_JOIN, once all sources of the block are there. */
ql_status qli_straight_bind(qli_res *r, qli_scope *sc) QL_MUST_USE;
/* Everything is bound: the hints of all blocks become what their plans are told. Names that are not
 * there are warnings. */
ql_status qli_hints_bind(qli_res *r, const ql_ast_stmt *stmt) QL_MUST_USE;

/* --- view.c --- */
/* A view in FROM: its query as source of the block, bound in a scope of its own, with the
 * privileges of its definer or user. 1356 for what it needs and is gone or not allowed. */
ql_status qli_view_bind(qli_res *r, qli_scope *sc, const ql_table *t, ql_str alias,
                        qli_names *out) QL_MUST_USE;

/* Within a view: the statement's own state is put aside, and the session is who counts there.
 * qli_view_end follows whatever was returned. 1462, 1449. */
typedef struct qli_inside {
    bool begun;
    qli_res outside;
    ql_view_entry entry;
} qli_inside;
ql_status qli_view_begin(qli_res *r, const ql_table *view, qli_view_frame *frame,
                         qli_inside *in) QL_MUST_USE;
void qli_view_end(qli_res *r, const qli_inside *in);
/* An error that tells what the view is made of becomes 1356; others stay. */
ql_status qli_view_hide_error(ql_ctx *cx, const ql_table *view, ql_status st) QL_MUST_USE;

/* --- joinview.c --- */
qli_joined *qli_joined_of(const qli_scope *sc, uint16_t source); /* NULL: an ordinary source */
/* The tables of a join view become sources of the block, *at their join; its conditions go to
 * *pending. *done false: it cannot be done. */
ql_status qli_join_view(qli_res *r, qli_scope *sc, const ql_table *view, ql_str alias, bool inner,
                        bool change, ql_join_tree *at, ql_expr **pending, qli_names *names,
                        bool *done) QL_MUST_USE;
ql_status qli_joined_column(qli_res *r, qli_scope *sc, qli_joined *v, uint16_t column,
                            ql_expr **out) QL_MUST_USE;
/* fn where the names of the view's text count, with the rights of whoever counts there. */
typedef ql_status qli_inside_fn(qli_res *r, qli_scope *sc, qli_joined *v, void *arg);
ql_status qli_joined_inside(qli_res *r, qli_scope *sc, qli_joined *v, qli_clause clause,
                            qli_inside_fn *fn, void *arg) QL_MUST_USE;
/* INSERT into the one table that the list of columns names. */
typedef struct qli_join_insert {
    qli_scope *sc; /* the view's tables joined, in a block of their own */
    qli_joined *view;
    uint16_t source;    /* the table among them */
    qli_merged *merged; /* knows its columns by the view's names */
} qli_join_insert;
/* 1393 1394 1471, and 1142 unless the session may change the view so; 1356 unless those who count
 * below it may. */
ql_status qli_join_view_insert(qli_res *r, const ql_ast_insert *ins, const ql_table *view,
                               ql_pmask need, qli_join_insert *out) QL_MUST_USE;
/* The table's column behind a column of a joined view; *found false: it is computed. */
ql_status qli_joined_base(qli_res *r, qli_scope *sc, qli_name *n, bool *found) QL_MUST_USE;

/* --- merge.c --- */
static inline uint16_t
qli_visible(const qli_scope *sc, uint16_t source)
{
    const qli_merged *m = sc->sources[source].merged;
    return m != NULL ? m->view->ncolumns : sc->sources[source].ncols;
}
/* Does a name reach the column? */
static inline bool
qli_is_named(const qli_scope *sc, uint16_t source, uint16_t column)
{
    const ql_table *t = source & QLI_JOINED ? NULL : sc->q->sources[source].table;
    return t == NULL || sc->sources[source].merged != NULL || !t->columns[column].hidden;
}
/* The table that the view can become; *m NULL: it cannot. change: for a statement that changes its
 * rows. Opens what is below (waits: MDL). */
ql_status qli_merge_find(qli_res *r, const ql_table *view, bool write, bool change, qli_merged **m,
                         ql_table **base) QL_MUST_USE;
/* The source, of that table, becomes the view: names, and (cond may be NULL) its conditions. */
ql_status qli_merge_source(qli_res *r, qli_scope *sc, qli_merged *m, uint16_t source,
                           qli_names *names, ql_expr **cond) QL_MUST_USE;
/* What its text says of the indexes of the table. */
ql_status qli_merge_index_hints(qli_res *r, const qli_merged *m, ql_source *src) QL_MUST_USE;
/* A column that the view computes. */
ql_status qli_merge_column(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column,
                           ql_expr **out) QL_MUST_USE;
/* What is written in level m. */
ql_status qli_merge_bind(qli_res *r, qli_scope *sc, uint16_t source, qli_merged *m,
                         const ql_ast_expr *e, bool cond, ql_expr **out) QL_MUST_USE;
/* 1142 unless the session may change the view so; 1356 unless those who count below it may. */
ql_status qli_merge_may_change(qli_res *r, const qli_merged *m, const ql_table *base,
                               ql_pmask need) QL_MUST_USE;
/* What rows have to keep to (WITH CHECK OPTION), bound to the source, onto *cond. forced: a view
 * over it has CASCADED. */
ql_status qli_merge_checks(qli_res *r, qli_scope *sc, uint16_t source, bool forced,
                           ql_expr **cond) QL_MUST_USE;
/* May a view that computes columns become its tables in the SELECT? */
ql_status qli_merge_computed(qli_res *r, const qli_scope *sc, const ql_ast_select *view,
                             bool *yes) QL_MUST_USE;
bool qli_ast_has_query(const ql_ast_expr *e);

/* --- viewcheck.c --- */
/* CHECK OPTION of the view that the source belongs to, bound in its block. */
ql_status qli_check_bind(qli_res *r, qli_scope *sc, uint16_t source, ql_row_check *out) QL_MUST_USE;
/* What the statement calls the source, or the view it belongs to. */
ql_str qli_known_as(const qli_scope *sc, uint16_t source);
/* For a row of one table of a join view: that the other tables have rows to go with it. sc: the
 * row's block. */
ql_status qli_check_bind_insert(qli_res *r, qli_scope *sc, qli_join_insert *j,
                                ql_row_check *out) QL_MUST_USE;
/* May rows of the source be changed through the view it belongs to? Not when that reads the table
 * in subqueries, nor when its columns have some that depend on the row. */
ql_status qli_view_lets_change(qli_res *r, qli_scope *sc, uint16_t source, bool *yes) QL_MUST_USE;
/* Do subqueries in e read the table? */
ql_status qli_subqueries_read(qli_res *r, ql_expr *e, const ql_table *t, bool *yes) QL_MUST_USE;
/* viewspec.c: the column of a table that is behind an item, if nothing but that is; NULL. */
const ql_column *qli_column_behind(const ql_query *q, uint16_t item);

/* --- freeze.c: what was found is written into the tree, while r->freezing --- */
/* Of what source the column is. */
void qli_freeze_column(const qli_scope *sc, const ql_ast_expr *e, qli_name found);
void qli_freeze_table(const ql_ast_from *f, ql_str db);
/* USING and NATURAL as ON: equality of two columns more; all are there. */
ql_status qli_freeze_pair(qli_res *r, const qli_scope *sc, const ql_ast_from *f, qli_name a,
                          qli_name b) QL_MUST_USE;
ql_status qli_freeze_joined(qli_res *r, const ql_ast_from *f) QL_MUST_USE;
/* The select list: no stars, every item with a name. */
ql_status qli_freeze_items(qli_res *r, const qli_scope *sc, const ql_ast_select *s) QL_MUST_USE;
/* 1351 for variables and parameters. */
ql_status qli_freeze_refuse(qli_res *r, const ql_ast_expr *e) QL_MUST_USE;

/* --- column.c --- */
ql_status qli_column_bind(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                          ql_expr **out) QL_MUST_USE;
/* Expression for a column of a source of the own block; makes its slot. */
ql_status qli_column_slot(qli_res *r, qli_scope *sc, uint16_t source, uint16_t column,
                          ql_expr **out) QL_MUST_USE;
/* The same by the ordinal of the source's table or query, whatever a view calls it. */
ql_status qli_base_slot(qli_res *r, qli_scope *sc, uint16_t source, uint16_t ordinal,
                        ql_expr **out) QL_MUST_USE;
/* Column of the table that a column is, -1: none, a view computes it. */
int qli_base_ordinal(const qli_scope *sc, qli_name n);
/* Column of the own block's FROM by unqualified or qualified name; QL_END = none. */
ql_status qli_column_find(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                          qli_name *out) QL_MUST_USE;
ql_status qli_item_lookup(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool *found,
                          ql_expr **out) QL_MUST_USE;
/* 1143 unless the session may use the value of that column. */
ql_status qli_may_read(qli_res *r, const qli_scope *sc, qli_name n) QL_MUST_USE;

/* ---- name_index.c: which of many names, for joins by name ---- */
typedef struct qli_name_index {
    const qli_scope *sc;
    const qli_names *names;
    uint32_t *heads, *next, mask; /* numbers from 1; 0 = end */
} qli_name_index;

ql_status qli_name_index_make(qli_res *r, const qli_scope *sc, const qli_names *names,
                              qli_name_index *x) QL_MUST_USE;
/* *at = -1: none of that name (in any case of letters); *twice: more than one. */
ql_status qli_name_index_find(qli_res *r, const qli_name_index *x, ql_str name, int *at,
                              bool *twice) QL_MUST_USE;

/* --- expr.c, expr_op.c, expr_func.c, subquery.c --- */
ql_status qli_bind(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out) QL_MUST_USE;
ql_status qli_bind_list(qli_res *r, qli_scope *sc, const ql_ast_exprs *l,
                        ql_expr ***out) QL_MUST_USE;
ql_status qli_bind_cond(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out) QL_MUST_USE;
ql_status qli_bind_op(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out) QL_MUST_USE;
ql_status qli_bind_func(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out) QL_MUST_USE;
ql_status qli_bind_agg(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_agg_fn fn,
                       ql_expr **out) QL_MUST_USE;
ql_status qli_bind_in_query(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                            ql_expr **out) QL_MUST_USE;
ql_status qli_bind_subquery(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                            ql_expr **out) QL_MUST_USE;
ql_status qli_require_scalar(qli_res *r, const ql_expr *e) QL_MUST_USE; /* 1241 for rows */
ql_status qli_bind_scalars(qli_res *r, qli_scope *sc, const ql_ast_exprs *l,
                           ql_expr ***out) QL_MUST_USE;
/* A function call on bound arguments: casts them, types the node, folds. */
ql_status ql_call(qli_res *r, qli_scope *sc, ql_func_id fn, ql_expr **args, uint32_t n,
                  ql_unit unit, uint32_t index, ql_expr **out) QL_MUST_USE;
/* func_type.c: type and coercibility of the call from its arguments. */
bool qli_unit_has_date(ql_unit u); /* does it change a date? */
ql_status qli_func_type(qli_res *r, const qli_func *f, ql_expr *node, ql_expr **args,
                        uint32_t n) QL_MUST_USE;
ql_status qli_case_node(qli_res *r, qli_scope *sc, ql_expr **args, uint32_t n,
                        ql_expr **out) QL_MUST_USE;
ql_status qli_date_arith(qli_res *r, qli_scope *sc, bool subtract, const ql_ast_expr *date,
                         const ql_ast_expr *interval, ql_expr **out) QL_MUST_USE;

/* --- typing.c: nodes --- */
ql_expr *qli_node(qli_res *r, ql_expr_kind kind);
ql_expr *qli_const(qli_res *r, const ql_value *v);
ql_expr *qli_const_int(qli_res *r, int64_t v);
ql_status qli_op_node(qli_res *r, qli_scope *sc, ql_op op, const ql_type *type, ql_expr **args,
                      uint32_t n, ql_expr **out) QL_MUST_USE;
void qli_number_node(qli_res *r, qli_scope *sc, ql_expr *e); /* gives it its `call` */
ql_status qli_args_constant(qli_res *r, ql_expr *const *args, uint32_t n, bool *yes) QL_MUST_USE;
const ql_collation *qli_conn_coll(const qli_res *r);
/* typing.c: types */
ql_type qli_type_of_value(const qli_res *r, const ql_value *v);
ql_status qli_common_type(qli_res *r, ql_expr *const *e, uint32_t n, const char *operation,
                          ql_type *out) QL_MUST_USE;
ql_status qli_common_of_types(qli_res *r, const ql_type *t, const uint8_t *coercibility, uint32_t n,
                              const char *operation, ql_type *out) QL_MUST_USE;
ql_status qli_cast(qli_res *r, qli_scope *sc, ql_expr **e, const ql_type *t) QL_MUST_USE;
/* As qli_cast, of a text to another one, whatever they have in common. */
ql_status qli_cast_text(qli_res *r, qli_scope *sc, ql_expr **e, const ql_type *t) QL_MUST_USE;
ql_status qli_cast_kind(qli_res *r, qli_scope *sc, ql_expr **e, ql_kind kind) QL_MUST_USE;
/* Characters of a DOUBLE with a known number of digits behind the point, but for these. */
#define QLI_DOUBLE_DIGITS 17u
/* BIT or YEAR as an integer that has nothing but digits. */
ql_status qli_plain_int(qli_res *r, ql_expr **e) QL_MUST_USE;
ql_status qli_to_number(qli_res *r, qli_scope *sc, ql_expr **e) QL_MUST_USE;
ql_status qli_to_bool(qli_res *r, qli_scope *sc, ql_expr **e) QL_MUST_USE;
ql_status qli_arith(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b,
                    ql_expr **out) QL_MUST_USE;

/* --- compare.c --- */
ql_status qli_compare_bind(qli_res *r, qli_scope *sc, ql_op op, ql_expr *a, ql_expr *b,
                           ql_expr **out) QL_MUST_USE;
/* Constant x'4142' as a number: its bytes, big-endian, at most the last eight (manual, "Hexadecimal
 * Literals"). */
ql_status qli_hex_as_number(qli_res *r, ql_expr **e) QL_MUST_USE;
/* A constant that is compared with the integer e: text or DECIMAL that is exactly an integer
 * becomes it, a hexadecimal literal its number, for a column YEAR the year that it stands for. */
ql_status qli_constant_for_int(qli_res *r, const ql_expr *e, ql_expr **c) QL_MUST_USE;
/* --- list.c --- */
/* ENUM and SET as a text; others stay. */
ql_status qli_list_to_text(qli_res *r, qli_scope *sc, ql_expr **e) QL_MUST_USE;
/* a = *b: the text of a value of the column a becomes that value. */
ql_status qli_list_equal(qli_res *r, const ql_expr *a, ql_expr **b) QL_MUST_USE;
/* Are both columns of the same members, so that they are equal where their numbers are? */
ql_status qli_lists_alike(qli_res *r, const ql_expr *a, const ql_expr *b, bool *alike) QL_MUST_USE;
/* Operands of a comparison: an ENUM or SET becomes a text or a number, or the other one a value of
 * it. */
ql_status qli_lists_meet(qli_res *r, qli_scope *sc, ql_expr **a, ql_expr **b) QL_MUST_USE;
/* The same of several that meet in one kind: stays as it is only among numbers. */
ql_status qli_lists_among(qli_res *r, qli_scope *sc, ql_expr **a, uint32_t n) QL_MUST_USE;

/* Constant *c, compared with the temporal t: becomes the date or time it says. QL_ERROR 1525 for a
 * text that says none. Anything else stays. */
ql_status qli_constant_to_temporal(qli_res *r, const ql_expr *t, ql_expr **c) QL_MUST_USE;
/* Texts among which is a DATE or DATETIME are compared as such: a[0] against each of the others.
 * Does nothing to other mixtures. */
ql_status qli_meet_as_dates(qli_res *r, qli_scope *sc, ql_expr **a, uint32_t n) QL_MUST_USE;
/* Was the condition flag of the scope set (sc may be NULL)? Clears it. */
bool qli_take_at_cond(qli_scope *sc);
/* A DATE or DATETIME column declared NOT NULL, perhaps of a row that an outer join makes up. */
bool qli_is_dated_column(const qli_scope *sc, const ql_expr *e);
/* Such a column as a condition IS NULL: finds 0000-00-00 too (manual, "Comparison Functions and
 * Operators": for the sake of ODBC). */
ql_status qli_bind_date_is_null(qli_res *r, qli_scope *sc, ql_expr *column,
                                ql_expr **out) QL_MUST_USE;
/* The query of INSERT ... SELECT with what ON DUPLICATE KEY UPDATE names of it as further items. */
ql_status qli_dup_select(qli_res *r, const ql_ast_insert *ins, const ql_table *t,
                         const ql_ast_select **s) QL_MUST_USE;
/* It is bound: how many of its items are inserted. */
uint16_t qli_dup_bound(qli_res *r, ql_query *q);
/* A column named by ON DUPLICATE KEY UPDATE, if it is one of the query's. QL_END = not. QL_ERROR
 * 1052: it may be the query's as well as the table's. */
ql_status qli_dup_column(qli_res *r, const ql_ast_expr *c, ql_expr **out) QL_MUST_USE;
ql_status qli_bind_between(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                           ql_expr **out) QL_MUST_USE;
bool qli_is_column(const ql_expr *e);     /* or a cast of one */
bool qli_is_repeatable(const ql_expr *e); /* evaluated twice without harm */
/* One side of a comparison brought to its kind. */
ql_status qli_cast_compared(qli_res *r, qli_scope *sc, ql_expr **e, ql_kind kind) QL_MUST_USE;
/* Kind in which a and b are compared; constants among them may be rewritten. */
ql_status qli_compare_prepare(qli_res *r, qli_scope *sc, ql_expr **a, ql_expr **b,
                              ql_kind *kind) QL_MUST_USE;
ql_status qli_and(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr *b, ql_expr **out) QL_MUST_USE;
ql_status qli_or(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr *b, ql_expr **out) QL_MUST_USE;
ql_status qli_not(qli_res *r, qli_scope *sc, ql_expr *a, ql_expr **out) QL_MUST_USE;

/* --- collmeet.c --- */
/* Collation of several strings together; 1267, 1270, 1271 naming `operation`. Non-strings do not
 * count. *coercibility 1: they have none, which is no error where they are not compared. */
ql_status qli_coll_aggregate(qli_res *r, ql_expr *const *e, uint32_t n, const char *operation,
                             const ql_collation **coll, uint8_t *coercibility) QL_MUST_USE;
/* Those among e that are of another character set become of coll's: 1267 for constants that do not
 * fit and for others that might not. */
ql_status qli_coll_apply(qli_res *r, qli_scope *sc, ql_expr **e, uint32_t n, const char *operation,
                         const ql_collation *coll) QL_MUST_USE;
/* Both, of what is compared. */
ql_status qli_coll_compared(qli_res *r, qli_scope *sc, ql_expr **e, uint32_t n,
                            const char *operation, const ql_collation **coll) QL_MUST_USE;
/* A text that is to be bytes becomes those of its character set, bytes that are to be text become
 * that, where these are other ones inside. */
ql_status qli_cast_bytes(qli_res *r, qli_scope *sc, ql_expr **e,
                         const ql_collation *coll) QL_MUST_USE;

/* --- keyexpr.c --- */
/* Expressions in the block's WHERE that are functional key parts of its tables become their
 * columns.
 */
ql_status qli_key_expressions(qli_res *r, qli_scope *sc) QL_MUST_USE;

/* --- fold.c --- */
/* Replace *e by a constant when its operands are and the work is small and cannot fail. */
ql_status qli_fold(qli_res *r, ql_expr **e) QL_MUST_USE;
bool qli_const_truth(const ql_expr *e, bool *value); /* e is a constant that is not NULL */

/* --- walk.c --- */
ql_status qli_expr_equal(qli_res *r, const ql_expr *a, const ql_expr *b, bool *same) QL_MUST_USE;
/* Equal expressions have equal hashes. */
ql_status qli_expr_hash(qli_res *r, const ql_expr *e, uint64_t seed, uint64_t *hash) QL_MUST_USE;
typedef ql_status (*qli_visit)(void *arg, ql_expr **e, uint32_t depth, bool *descend);
/* Pre-order over *e, subqueries too (depth = blocks entered). */
ql_status qli_walk(qli_res *r, ql_expr **e, uint32_t depth, qli_visit fn, void *arg) QL_MUST_USE;
ql_status qli_walk_query(qli_res *r, ql_query *q, uint32_t depth, qli_visit fn,
                         void *arg) QL_MUST_USE;

/* --- query.c, item.c, group.c --- */
/* Bind a query expression. outer may be NULL; unions: UNION blocks it is an arm of. */
ql_status qli_query_bind(qli_res *r, const ql_ast_select *s, qli_scope *outer, qli_union *unions,
                         ql_query **out) QL_MUST_USE;
ql_status qli_items_bind(qli_res *r, qli_scope *sc, const ql_ast_select *s) QL_MUST_USE;
/* By a star: not invisible columns. */
bool qli_is_shown(const qli_scope *sc, uint16_t source, uint16_t column);
ql_status qli_items_settle(qli_res *r, ql_query *q) QL_MUST_USE;
ql_status qli_order_bind(qli_res *r, qli_scope *sc, const ql_ast_orders *o, bool with_aliases,
                         ql_sort_key **keys, uint16_t *n) QL_MUST_USE;
/* A condition more for WHERE. */
ql_status qli_where_add(qli_res *r, qli_scope *sc, const ql_ast_expr *where) QL_MUST_USE;
ql_status qli_and_onto(qli_res *r, qli_scope *sc, ql_expr **into, ql_expr *e) QL_MUST_USE;
ql_status qli_limit_bind(qli_res *r, qli_scope *sc, const ql_ast_expr *e,
                         ql_expr **out) QL_MUST_USE;
ql_status qli_group_bind(qli_res *r, qli_scope *sc, const ql_ast_orders *g) QL_MUST_USE;
/* After everything is bound: what runs after grouping refers to keys and aggregates only. */
ql_status qli_group_finish(qli_res *r, qli_scope *sc) QL_MUST_USE;
void qli_column_describe(qli_res *r, qli_scope *sc, const ql_expr *e, ql_str name,
                         ql_result_column *out);
ql_status qli_ast_has_aggregate(qli_res *r, const ql_ast_select *s, bool *found) QL_MUST_USE;
/* ANY_VALUE(column), for columns that depend on the grouping keys. */
ql_status qli_agg_of_column(qli_res *r, qli_scope *sc, ql_expr *column, ql_expr **out) QL_MUST_USE;

/* --- dml.c --- */
ql_status qli_load_bind(qli_res *r, const ql_ast_load *ld, ql_rload **out) QL_MUST_USE;
ql_status qli_insert_bind(qli_res *r, const ql_ast_insert *ins, ql_rinsert **out) QL_MUST_USE;
ql_status qli_update_bind(qli_res *r, const ql_ast_update *u, ql_rupdate **out) QL_MUST_USE;
ql_status qli_delete_bind(qli_res *r, const ql_ast_delete *d, ql_rupdate **out) QL_MUST_USE;
/* Under the metadata lock that a statement needs which reads its rows (write false), or changes or
 * locks them. */
ql_status qli_table_open(qli_res *r, const ql_ast_table_name *name, ql_str alias, bool write,
                         ql_table **out) QL_MUST_USE;

#endif
