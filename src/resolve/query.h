/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolved statement: names bound, every expression typed. Lives in the statement's arena,
 * read-only for plan and exec.
 *
 * Slots: a query block numbers all values that flow through its operators: used columns of each
 * source, group keys, aggregate results. A batch inside the block has one vector per slot (only
 * those already produced are valid), so an expression refers to the same slot before and after
 * every operator.
 */
#ifndef QL_RESOLVE_QUERY_H
#define QL_RESOLVE_QUERY_H

#include "catalog/catalog.h"
#include "sql/ast.h"
#include "table/table.h"
#include "types/sink.h"
#include "vars/switches.h"
#include "vars/sysvars.h"
#include "json/path.h"

typedef struct ql_expr ql_expr;
typedef struct ql_query ql_query;

typedef enum ql_expr_kind {
    QL_E_CONST, /* value, already of type.kind */
    QL_E_SLOT,  /* slot of the own block */
    QL_E_OUTER, /* slot of an enclosing block, `depth` levels up (correlated subquery) */
    QL_E_PARAM, /* prepared-statement parameter number `index`; its value and type are known at
                   execution: resolved anew for each EXECUTE */
    QL_E_OP, /* op, args: already of the kind in which op computes (the resolver inserted casts) */
    QL_E_FUNC, /* fn, args */
    QL_E_CASE, /* args: when, then, ..., [else]; operand form was rewritten to comparisons */
    QL_E_CAST, /* args[0] to type */
    QL_E_USERVAR,
    QL_E_ASSIGN,       /* name; ASSIGN: args[0] */
    QL_E_SYSVAR,       /* index = ql_sysvar_id, global */
    QL_E_SUBQUERY,     /* query: scalar; NULL for no row, 1242 for more than one */
    QL_E_EXISTS,       /* query */
    QL_E_IN_QUERY,     /* args[0] in query (op QL_OP_IN / NOT_IN, or the ANY/ALL comparisons) */
    QL_E_ROW,          /* args; only as operand of comparisons and IN */
    QL_E_DEFAULT,      /* default of column `index` of the target table (DML) */
    QL_E_INSERT_VALUE, /* VALUES(col): column `index` of the row that was to be inserted; behind the
                        * table's columns: what the query of INSERT ... SELECT has beyond them */
} ql_expr_kind;

/* Built-in functions: resolve/functions.def lists symbol, name, arity, result type rule, flags.
 * exec holds the implementations. */
typedef enum ql_func_id {
    QL_FN_NONE,
#define QL_FUNC(id, ...) QL_FN_##id,
#include "resolve/functions.def"
#undef QL_FUNC
    QL_FN_COUNT
} ql_func_id;

struct ql_expr {
    ql_expr_kind kind;
    ql_type type;
    ql_op op;
    ql_func_id fn;
    ql_kind compare_kind;     /* comparisons: kind in which both sides are compared */
    const ql_collation *coll; /* comparisons and string functions: collation in force */
    ql_expr **args;
    uint32_t nargs;
    uint32_t index, depth; /* slot, parameter, sysvar, column ... */
    uint32_t call;    /* number of this node for per-execution state (compiled patterns, caches):
                         0..query->ncalls-1 */
    bool is_constant; /* same value throughout one execution of the statement (may be evaluated
                         once); folded into QL_E_CONST when cheap and pure */
    bool global;
    bool implied;     /* a condition that others imply (rewrite/): it may find rows, but need
                         not be evaluated, and estimates do not count it again */
    bool is_truth;    /* CONST: true or false, not merely a number */
    bool is_hex;      /* CONST from x'..', 0x.. or b'..': an integer in number context */
    bool zero_if_bad; /* CAST of a text that is compared with a date or time: one that is none
                         counts as zero, with a warning, never as NULL */
    uint8_t edge; /* CAST of a DATETIME to TIMESTAMP for a key: the first (1) or the last (2) of the
                     moments at which clocks show it; 0: the one that is stored */
    bool ascii;   /* a text that holds nothing but ASCII, whatever its character set */
    uint8_t coercibility; /* of the collation, as COERCIBILITY(): 0 explicit ... 6 ignorable */
    ql_unit unit;
    ql_str name;
    ql_value value;
    ql_query *query;
};

/* A hint that turns a flag of optimizer_switch on or off for some indexes of a table: bit i is
 * index i; all bits: for the table. */
typedef struct ql_switch_hint {
    ql_switch flag;
    bool on;
    uint64_t indexes;
} ql_switch_hint;

/* How a clause wants the rows of a base table locked. */
typedef struct ql_row_locking {
    ql_ast_lock_kind kind; /* NONE: no clause; UPDATE also for the targets of UPDATE and DELETE */
    bool nowait, skip_locked;
} ql_row_locking;

/* JSON_TABLE: what its rows are made of. */
typedef struct ql_json_column ql_json_column;
struct ql_json_column {
    ql_json_column_kind kind;
    uint16_t ordinal; /* column of the source's table; NESTED: none */
    ql_json_path path;
    unsigned on[2];   /* EMPTY, ERROR: QL_JSON_ON_* */
    ql_str values[2]; /* DEFAULT: documents */
    ql_json_column *columns, *next;
};
typedef struct ql_json_source {
    ql_expr *doc; /* may look at sources to the left of it */
    ql_json_path path;
    ql_json_column *columns;
} ql_json_source;

typedef struct ql_source {
    ql_table *table; /* base or virtual table; NULL for derived; of JSON_TABLE one of its own */
    ql_json_source *json; /* JSON_TABLE; or NULL */
    ql_query *derived;    /* its items are the columns */
    const ql_table *view; /* derived: the query is this view's; or NULL */
    ql_str alias, db;
    ql_str below;   /* what the table is called in the view that has become it; n 0: no such view */
    uint16_t ncols; /* used columns, ascending by ordinal */
    uint16_t *ordinals;
    uint16_t *slots; /* slot of each */
    ql_row_locking locking;
    /* Index hints: bit i: index i is not to be used to find rows, for ORDER BY, for GROUP BY. */
    uint64_t barred, barred_order, barred_group;
    bool force_index;  /* the whole table is read only where no index serves */
    uint64_t no_range; /* bit i: ranges of index i are not to be read, equalities are */
    /* INDEX_MERGE, MRR, NO_ICP, SKIP_SCAN, MERGE ...: ask ql_source_switch. */
    const ql_switch_hint *switches;
    uint16_t nswitches;
} ql_source;

/* Is index x of table t among those of the mask? */
static inline bool
ql_index_is_in(uint64_t mask, const ql_table *t, const ql_index *x)
{
    size_t i = (size_t)(x - t->indexes);
    return i < 64 && (mask >> i & 1) != 0;
}

/* What a plan calls the source: the table, where a view has become it. */
static inline ql_str
ql_source_name(const ql_source *s)
{
    return s->below.n > 0 ? s->below : s->alias;
}
static inline ql_str
ql_source_db(const ql_source *s)
{
    return s->below.n > 0 ? s->table->db : s->db;
}

typedef enum ql_join_kind {
    QL_JOIN_INNER,
    QL_JOIN_LEFT,
    QL_JOIN_SEMI, /* rows of the left side for which the right one has a row that makes ON true;
                     nothing of the right side is seen above the join */
    QL_JOIN_ANTI, /* rows of the left side for which it has none */
} ql_join_kind;

/* Ways to run a semi- or anti-join that flags of optimizer_switch or hints rule out (bits). */
#define QL_WAY_LOOKUP 1u   /* firstmatch: rows are looked up until one is found */
#define QL_WAY_HASH 2u     /* materialization: the right side is kept, and asked */
#define QL_WAY_DISTINCT 4u /* loosescan and duplicateweedout: its different rows come first */
#define QL_WAYS_ALL 7u

/* Join tree as written (RIGHT turned into LEFT, USING/NATURAL expanded); SEMI and ANTI come from
 * subqueries (rewrite/). */
typedef struct ql_join_tree {
    bool is_leaf;
    uint16_t source; /* leaf */
    struct ql_join_tree *left, *right;
    ql_join_kind kind;
    bool straight;  /* STRAIGHT_JOIN: the left side is read before the right one; what is to be done
                       about it stands in the block's hints->before */
    uint8_t barred; /* SEMI, ANTI: QL_WAY_... */
    ql_expr *on;    /* may be NULL */
} ql_join_tree;

/* What hints ask of the plan of a block. Who adds sources to a block or renumbers them does the
 * same to these masks (sources beyond nbefore have no wishes). */
typedef struct ql_plan_hints {
    uint64_t *before; /* [nbefore] bit n: source n stands to the left in the join order; NULL = no
                         wishes (STRAIGHT_JOIN, JOIN_ORDER, JOIN_PREFIX ...) */
    uint16_t nbefore;
    uint64_t hash, no_hash; /* bit n: source n is joined by hashing, or is not */
    /* bit n: flag n of optimizer_switch is on, or off, in this block (SEMIJOIN, SUBQUERY, MERGE
     * ...): ask ql_query_switch */
    uint64_t switch_on, switch_off;
} ql_plan_hints;

typedef enum ql_agg_fn {
    QL_AGG_COUNT_STAR,
    QL_AGG_COUNT,
    QL_AGG_SUM,
    QL_AGG_AVG,
    QL_AGG_MIN,
    QL_AGG_MAX,
    QL_AGG_GROUP_CONCAT,
    QL_AGG_STD_POP,
    QL_AGG_STD_SAMP,
    QL_AGG_VAR_POP,
    QL_AGG_VAR_SAMP,
    QL_AGG_BIT_AND,
    QL_AGG_BIT_OR,
    QL_AGG_BIT_XOR,
    QL_AGG_JSON_ARRAY,
    QL_AGG_JSON_OBJECT,
    QL_AGG_ANY_VALUE
} ql_agg_fn;

typedef struct ql_sort_key {
    ql_expr *expr;
    bool descending;
} ql_sort_key;

typedef struct ql_agg {
    ql_agg_fn fn;
    bool distinct;
    ql_expr **args;
    uint32_t nargs;
    ql_type type;
    uint16_t slot; /* where its result goes */
    ql_sort_key *order;
    uint32_t norder;
    ql_str separator; /* GROUP_CONCAT */
} ql_agg;

typedef struct ql_item {
    ql_expr *expr;
    ql_result_column column; /* what the client is told */
} ql_item;

/* What the mentions of one common table expression have in common. Each has a block of its own,
 * which says the same until it is changed for its place. */
typedef struct ql_cte {
    ql_str name;
    struct ql_block_plan *plan; /* of all that read the same rows; NULL: not made yet */
    uint32_t readers;           /* mentions that say the same; 1 or 0: nobody else does */
} ql_cte;

/* A correlated subquery that looks at the enclosing rows by equalities alone, once for all their
 * values (rewrite/keyed.c): item i < n of `query` is what keys[i], an expression of the enclosing
 * block, is compared with, under colls[i] where they are texts; the others are the subquery's. */
typedef struct ql_keyed {
    ql_query *query;
    ql_expr **keys;
    const ql_collation **colls;
    uint16_t n;
    bool preferred; /* whatever it costs */
} ql_keyed;

struct ql_query {
    ql_query *outer; /* enclosing block or NULL */
    ql_cte *cte;     /* it is the text of one; NULL: no, or it has been changed */
    uint16_t nslots;
    ql_type *slot_types;
    uint16_t nsources;
    ql_source *sources;
    ql_join_tree *from; /* NULL: one row without columns */
    ql_expr *where;     /* before grouping */
    bool grouped;       /* GROUP BY or aggregates */
    ql_expr **group_by;
    uint16_t *group_slots;
    uint16_t ngroup; /* keys and the slots that hold them afterwards */
    ql_agg *aggs;
    uint16_t naggs;
    ql_expr *having; /* after grouping, like items and order_by */
    ql_item *items;
    uint16_t nitems; /* visible ones */
    bool distinct;
    ql_sort_key *order_by;
    uint16_t norder;
    ql_expr *limit, *offset; /* NULL or constant at execution */
    ql_ast_set_op set_op;    /* UNION: left, right; items describe the result; its order_by/limit
                                apply; slots = item numbers */
    ql_query *left, *right;
    bool calc_found_rows; /* SQL_CALC_FOUND_ROWS; in the outermost block only */
    bool correlated; /* has QL_E_OUTER references somewhere below: run again for each outer row;
                        else once */
    ql_ast_exprs into_vars;
    uint32_t ncalls;
    const ql_plan_hints *hints; /* NULL: none */
    const ql_keyed *keyed; /* another way to run it, as the subquery of an expression; NULL: none */
    ql_expr **known;       /* subqueries of its conditions whose values were computed before it is
                              planned and stand there as constants (rewrite/known.c) */
    uint16_t nknown;
    bool told;   /* by rewrite/: it has been told what outer blocks know */
    bool is_run; /* one of those in `known` */
};

/* The escape character of a LIKE, as far as it is known without evaluating anything: empty: there
 * is none (NO_BACKSLASH_ESCAPES). NULL (p): it is not known. */
ql_str ql_like_escape(const ql_ctx *cx, const ql_expr *e);

/* May the plan of the block do what flag s of optimizer_switch stands for? Its hints, or else what
 * is set. Rewrites and access paths ask this, not ql_switch_is_on. q: for a subquery that may
 * become part of another block (SEMIJOIN, SUBQUERY) the subquery's. */
bool ql_query_switch(const ql_ctx *cx, const ql_query *q, ql_switch s);
/* The same for index `index` (its number) of a source, or, where index < 0, for the source: MERGE,
 * MRR, INDEX_MERGE, SKIP_SCAN, NO_ICP, DERIVED_CONDITION_PUSHDOWN. */
bool ql_source_switch(const ql_ctx *cx, const ql_query *q, const ql_source *src, int index,
                      ql_switch s);
/* Does a hint say that it is to be done (not merely that it may be done)? */
bool ql_source_switch_forced(const ql_source *src, int index, ql_switch s);
/* Does a hint say that it is not to be done? */
bool ql_source_switch_barred(const ql_source *src, int index, ql_switch s);

typedef struct ql_column_assign {
    uint16_t column; /* ordinal of the target table */
    ql_expr *value;  /* not yet converted to the column: exec stores through ql_value_store */
} ql_column_assign;

/* WITH CHECK OPTION: what has to hold for a row as it is written, with the view to be named. */
typedef struct ql_row_check {
    ql_expr *cond; /* NULL: nothing */
    ql_str db, name;
} ql_row_check;

typedef struct ql_rinsert {
    ql_table *table;
    bool replace, ignore;
    uint16_t ncolumns;
    uint16_t *columns; /* ordinals that values are given for; the others get defaults */
    ql_expr ***rows;
    uint32_t nrows;   /* [nrows][ncolumns]; may hold QL_E_DEFAULT */
    bool reads_row;   /* values look at other columns of their row: slot = ordinal */
    ql_query *select; /* or from a query */
    ql_column_assign *on_duplicate;
    ql_row_check check; /* slot = ordinal */
    ql_query *row;      /* block of the row that check and on_duplicate look at: never run, but what
                           subqueries in them refer to */
    uint16_t
        non_duplicate; /* slots of `query_dup`: all columns of the existing row, slot = ordinal */
    uint32_t ncalls;
} ql_rinsert;

/* LOAD DATA. */
typedef struct ql_load_field {
    int column; /* position in insert.columns that the field is for; -1: a user variable */
    ql_str variable;
} ql_load_field;
typedef struct ql_rload {
    ql_rinsert insert; /* the table, and every column that the file or SET gives; no rows */
    ql_load_field *fields;
    uint32_t nfields;
    ql_column_assign *set; /* column: position in insert.columns */
    uint16_t nset;
    bool reads_row; /* SET looks at columns: slot = ordinal */
} ql_rload;

/* UPDATE and DELETE: `read` finds the rows (all columns of each target are used, slot given by its
 * source); exec locks each row, reads its newest version, checks `read->where` again when that
 * changed, then writes. */
typedef struct ql_rupdate {
    ql_query *read;
    bool ignore;
    uint16_t ntargets;
    uint16_t *targets; /* source numbers */
    ql_column_assign **set;
    uint16_t *nset;       /* per target (UPDATE) */
    ql_row_check *checks; /* per target (UPDATE); slots of `read` */
} ql_rupdate;

typedef struct ql_rstmt {
    ql_stmt_kind kind;
    const ql_ast_stmt *ast;
    union {
        ql_query *query; /* SELECT, EXPLAIN of one */
        ql_rinsert *insert;
        ql_rupdate *update; /* UPDATE and DELETE */
        ql_rload *load;
        struct {
            ql_expr **v;
            uint32_t n;
        } exprs; /* DO; SET (same order as ast->set, NULL where the item has none); KILL (one) */
    };
    uint32_t ncalls;
    ql_ast_exprs *into;
    bool touches_tables; /* works on stored tables */
    bool needs_ticket;   /* of the admission gate: some of them have transactions */
    ql_table_use *uses;  /* tables without transactions, to be locked before it runs */
    uint32_t nuses;
    bool is_write;   /* changes rows */
    bool hides_plan; /* the user may read a view, but not see what it is made of */
    const ql_value *params;
    uint32_t nparams; /* values of `?`: of what is bound while it runs (CREATE TABLE ... SELECT) */
} ql_rstmt;

/* The query that a statement of that kind reads (kind: of what it explains, for EXPLAIN); NULL:
 * none. */
static inline const ql_query *
ql_rstmt_query(const ql_rstmt *s, ql_stmt_kind kind)
{
    switch (kind) {
    case QL_S_SELECT:
        return s->query;
    case QL_S_INSERT:
        return s->insert->select;
    case QL_S_UPDATE:
    case QL_S_DELETE:
        return s->update->read;
    default:
        return NULL;
    }
}

/* Do other mentions of a common table expression read the same rows as this block? Then they are
 * made once. */
static inline bool
ql_query_is_shared(const ql_query *q)
{
    return q->cte != NULL && q->cte->readers > 1 && !q->correlated;
}
/* It is changed for its place, or goes away. */
static inline void
ql_query_own(ql_query *q)
{
    if (q->cte != NULL) {
        q->cte->readers--;
        q->cte = NULL;
    }
}

#endif
