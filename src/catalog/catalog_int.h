/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside catalog/: the cache, staged changes, records in the keyspace, counters of tables.
 */
#ifndef QL_CATALOG_INT_H
#define QL_CATALOG_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "catalog/catalog.h"
#include "catalog/foreign.h"
#include "catalog/store_int.h"
#include "vars/sysvars.h"

/* One database of the cache. Owner: the cache, or the staged change that will put it there. */
typedef struct qli_database {
    ql_hash_node node;        /* [catalog.mu] */
    const ql_collation *coll; /* [catalog.mu] */
    bool is_virtual;          /* [const] */
    uint32_t foreign;         /* [const] section that must be understood and is not; 0 = none */
    ql_str unknown;           /* [const] sections to be kept as they are; behind the name */
    size_t n;                 /* [const] length of name */
    char name[];              /* [const] */
} qli_database;

/* A foreign key of a table of the cache, found by the parent's name. Those of one parent are a
 * ring, of which one is in the hash table: a parent may have thousands. */
typedef struct qli_child_node {
    ql_hash_node node;                  /* [catalog.mu] */
    struct qli_child_node *prev, *next; /* [catalog.mu] */
    uint64_t hash;                      /* [const] of the parent's name */
    struct qli_entry *entry;            /* [const] of the child */
    uint16_t key;                       /* [const] number of the foreign key in it */
    bool leads;                         /* [catalog.mu] it is the one in the hash table */
} qli_child_node;
/* One table of the cache; the definition is replaced, never changed. Owner as above. */
typedef struct qli_entry {
    ql_hash_node node;         /* [catalog.mu] */
    ql_table *table;           /* [const] a reference */
    qli_child_node children[]; /* [const] [table->nforeign] */
} qli_entry;

struct ql_catalog {
    ql_mutex mu;         /* rank CATALOG */
    ql_hash databases;   /* [mu] */
    ql_hash tables;      /* [mu] by database and name */
    ql_hash children;    /* [mu] foreign keys by database and name of the parent */
    uint64_t next_id;    /* [mu] next table or index id */
    uint64_t durable_id; /* [mu] ids below are covered by a committed bound */
    unsigned format;     /* [start] of the records; older than ours until the upgrade */
    struct qli_temporary *temporaries; /* [mu] of all sessions, newest first; temporary.c */
    struct ql_catalog_stage *boot;     /* stage of contexts without session (start), one thread */
    struct qli_counters *counters;     /* [const] of the transaction system; autoinc.c */
    ql_mutex latest_mu;                /* rank LEAF; foreignerror.c */
    int64_t latest_us;                 /* [latest_mu] when, Unix time */
    size_t latest_n;                   /* [latest_mu] 0: there was none */
    char latest_error[QL_FOREIGN_ERROR_BYTES]; /* [latest_mu] */
};

/* Counters of a table, shared by its versions. */
typedef struct ql_tablestate {
    _Atomic uint32_t refs;
    uint64_t table_id;                /* [const] */
    ql_mutex mu;                      /* rank AUTOINC */
    uint64_t next;                    /* [mu] next AUTO_INCREMENT value; 0 = used up */
    uint64_t max;                     /* [const] largest value of the column's type */
    bool goes_on;                     /* [its session, until the switch] next is to follow the
                                         table's counter before */
    _Atomic bool is_ahead;            /* [counters.mu to write] in the list of those */
    struct ql_tablestate *next_ahead; /* [counters.mu] */
    struct ql_tablestate *next_going; /* [committer] */
    _Atomic uint64_t rowid;           /* next hidden row id; 0 = not known yet */
    _Atomic int64_t rows;             /* -1 = not known yet */
    _Atomic uint64_t changes;         /* rows that commits have added, removed or changed */
    ql_table_kept *kept;              /* [mu] or NULL */
    _Atomic bool stats_wanted;        /* somebody is going to refresh what is kept */
    _Atomic(ql_table_watch *) watch;  /* [mu to write, and while it is called] or NULL */
} ql_tablestate;
ql_tablestate *qli_tablestate_new(uint64_t table_id, uint64_t next, uint64_t max);
void qli_tablestate_put(ql_tablestate *s);

/* What a transaction has changed and others do not see yet, oldest first. */
typedef enum qli_change_kind {
    QLI_DB_PUT,
    QLI_DB_DROP,
    QLI_TABLE_PUT,
    QLI_TABLE_DROP,
    QLI_IDS, /* bound: index ids below are durable */
} qli_change_kind;
typedef struct qli_change {
    struct qli_change *next;
    qli_change_kind kind;
    uint64_t stmt_id; /* of the statement that made it */
    qli_database *db; /* DB_PUT: moves into the cache */
    qli_entry *entry; /* TABLE_PUT: moves into the cache */
    uint64_t bound;
    char *db_name, *table_name; /* names that it is about; owned */
    uint64_t hash;              /* of both */
} qli_change;
#define QLI_ROW_DELTAS 8
typedef struct qli_row_delta {
    ql_tablestate *state; /* a reference */
    uint64_t stmt_id;
    int64_t before, stmt;              /* by earlier statements, by stmt_id */
    uint64_t changes, changes_in_stmt; /* the same for rows added, removed or changed */
} qli_row_delta;
/* Owner: ql_vars (session) or the catalog (start). Used by its session's thread only. */
typedef struct ql_catalog_stage {
    qli_change *head, *tail;
    uint64_t parents[4]; /* a bit by the hash of each name that foreign keys in it refer to */
    unsigned ndeltas;
    qli_row_delta deltas[QLI_ROW_DELTAS];
} ql_catalog_stage;
/* Stage of cx; make: create it when there is none (NULL then = out of memory, worded). */
ql_catalog_stage *qli_stage_of(ql_ctx *cx, bool make);
void qli_stage_free(ql_catalog_stage *s);
/* Append a change about those names (table may be empty). NULL = out of memory, worded. */
qli_change *qli_stage_add(ql_ctx *cx, qli_change_kind kind, ql_str db, ql_str table);
/* What the stage says about a database/table: 1 = there (*out), -1 = dropped, 0 = nothing. */
int qli_stage_database(ql_ctx *cx, ql_str name, qli_database **out);
int qli_stage_table(ql_ctx *cx, ql_str db, ql_str name, ql_table **out);

/* Cache. */
qli_database *qli_database_new(ql_ctx *cx, ql_str name, const ql_collation *coll, ql_str unknown);
qli_database *qli_cache_database(ql_catalog *c, ql_str name);      /* [mu] */
qli_entry *qli_cache_entry(ql_catalog *c, ql_str db, ql_str name); /* [mu] */
void qli_cache_put_database(ql_catalog *c, qli_database *d);       /* [mu] */
/* children.c: entries, and who refers to whom. The entry takes the caller's reference when QL_OK.
 */
ql_status qli_entry_new(ql_ctx *cx, ql_table *t, qli_entry **out) QL_MUST_USE;
void qli_cache_put_table(ql_catalog *c, qli_entry *e);    /* [mu] */
void qli_cache_remove_table(ql_catalog *c, qli_entry *e); /* [mu] */
uint64_t qli_hash_of_table(ql_str db, ql_str name);
/* Do other tables' foreign keys refer to t, as the session sees them? */
bool qli_is_referenced(ql_ctx *cx, const ql_table *t);
/* The definition of a change that is staged. */
void qli_stage_put_entry(ql_ctx *cx, qli_change *ch, qli_entry *e);
/* As the session sees it; false = there is none. unknown may be looked at under the database's
 * exclusive metadata lock only: it lives as long as the database. */
bool qli_look_up_database(ql_ctx *cx, ql_str name, qli_database_record *out);
/* With a reference; NULL = none. */
ql_table *qli_find_table(ql_ctx *cx, ql_str db, ql_str name);
ql_status qli_no_such_table(ql_ctx *cx, ql_str db, ql_str name) QL_MUST_USE; /* 1049, 1109, 1146 */
ql_str qli_canonical_db(ql_str name); /* virtual schemas in lower case, others as they are */

/* SET GLOBAL read_only, super_read_only: QL_ERROR 1192 (active transaction, LOCK TABLES), 1205.
 * Wait: MDL_GLOBAL, MDL_COMMIT. */
void qli_read_only_init(ql_sysvars *sv);

/* 1215: a temporary table has no foreign keys. */
ql_status qli_refuse_foreign_keys(ql_ctx *cx, const ql_table_spec *spec,
                                  bool temporary) QL_MUST_USE;
/* Temporary tables (temporary.h). The list takes the caller's reference when QL_OK. */
ql_status qli_temporary_add(ql_ctx *cx, ql_table *t) QL_MUST_USE;
void qli_temporary_remove(ql_ctx *cx, const ql_table *t);
/* n new ids for t, from *first on, which is made of old (NULL: of none) and keeps some of its: 0 of
 * them: all. */
ql_status qli_temporary_ids(ql_ctx *cx, ql_table *t, const ql_table *old, uint64_t n,
                            uint64_t *first) QL_MUST_USE;

/* Definitions. */
ql_table *qli_table_alloc(ql_ctx *cx, const char *what); /* with arena and one reference */
ql_status qli_table_set_names(ql_ctx *cx, ql_table *t, ql_str db, ql_str name) QL_MUST_USE;
ql_status qli_table_finish(ql_ctx *cx, ql_table *t); /* types, layout, auto_column */
/* Then, where rows do not simply have the columns in their order: of each of n stored columns the
 * number of the table's or QL_NO_VALUE; dropped[i]: the type of a dropped one. */
ql_status qli_table_lay_out(ql_ctx *cx, ql_table *t, const uint16_t *values, const ql_type *dropped,
                            uint16_t n) QL_MUST_USE;
/* Columns and indexes of a specification into t (indexes in MySQL's order, without ids). missing:
 * values of columns that rows lack, or NULL. */
ql_status qli_copy_columns(ql_ctx *cx, ql_table *t, const ql_column *columns, uint16_t n,
                           const ql_value *missing) QL_MUST_USE;
/* Sorted by their names. */
ql_status qli_copy_checks(ql_ctx *cx, ql_table *t, const ql_check_constraint *checks,
                          uint16_t n) QL_MUST_USE;
ql_status qli_copy_foreign(ql_ctx *cx, ql_table *t, const ql_foreign_key *foreign,
                           uint16_t n) QL_MUST_USE;
/* The foreign keys of a definition in the making, which old becomes by the change c (both NULL: it
 * is new): keys and columns of both sides, types; the names that the parents have for them. 1553,
 * 1821, 1822, 1824, 1829, 3733, 3734, 3780, 6125. */
ql_status qli_settle_foreign(ql_ctx *cx, ql_table *t, const ql_table *old,
                             const ql_table_change *c) QL_MUST_USE;
/* Do the children of old (NULL: it is new) fit next (NULL: it goes)? 1553, 1822, 1829, 3734, 3776,
 * 3780, 6125. */
ql_status qli_check_children(ql_ctx *cx, const ql_table *old, const ql_table *next,
                             const ql_table_change *c) QL_MUST_USE;
/* next (NULL: nothing) is staged in old's place: children get new versions that follow it, records
 * of parents say whether there are children. */
ql_status qli_spread(ql_ctx *cx, const ql_table *old, const ql_table *next,
                     const ql_table_change *c) QL_MUST_USE;
/* A version of t with other foreign keys (as many), staged. */
ql_status qli_restate(ql_ctx *cx, ql_table *t, const ql_foreign_key *keys) QL_MUST_USE;
ql_status qli_copy_indexes(ql_ctx *cx, ql_table *t, const ql_index *indexes,
                           unsigned n) QL_MUST_USE;
/* What its keys hold: as those of the index whose entries it keeps, or, NULL, of new ones. */
void qli_index_form(const ql_table *t, ql_index *ix, const ql_index *kept);
/* The record of t, and the staged entry, which takes the caller's reference when QL_OK. */
ql_status qli_stage_definition(ql_ctx *cx, ql_table *t, uint64_t autoinc_start) QL_MUST_USE;
/* A copy in a, NUL-terminated. */
ql_status qli_copy_str(ql_ctx *cx, ql_arena *a, ql_str s, ql_str *out) QL_MUST_USE;
/* Own the names of an ENUM or SET in a. */
ql_status qli_copy_members(ql_ctx *cx, ql_arena *a, ql_type *t) QL_MUST_USE;
uint64_t qli_auto_max(const ql_table *t);
/* n new ids; the bound that covers all that were given out, in cx->txn (0: covered already), and
 * what is to be said when that has committed; the same staged with cx's transaction; both. */
ql_status qli_ids_take(ql_ctx *cx, ql_catalog *c, uint64_t n, uint64_t *first) QL_MUST_USE;
ql_status qli_ids_cover(ql_ctx *cx, ql_catalog *c, uint64_t *bound) QL_MUST_USE;
void qli_ids_covered(ql_catalog *c, uint64_t bound);
ql_status qli_ids_stage(ql_ctx *cx, ql_catalog *c) QL_MUST_USE;
ql_status qli_ids_reserve(ql_ctx *cx, ql_catalog *c, uint64_t n, uint64_t *first) QL_MUST_USE;
ql_status qli_autoinc_checkpoint(ql_ctx *cx, ql_table *t) QL_MUST_USE;
/* AUTO_INCREMENT counters ride on commits from now on. */
ql_status qli_counters_open(ql_ctx *cx, ql_catalog *c) QL_MUST_USE;
/* 1044 when db is a virtual database. */
ql_status qli_refuse_virtual(ql_ctx *cx, ql_str db) QL_MUST_USE;
/* 1235 when a newer server wrote what must be understood of db. */
ql_status qli_refuse_unusable_database(ql_ctx *cx, ql_str db) QL_MUST_USE;
bool qli_table_exists(ql_ctx *cx, ql_str db, ql_str name);
/* 1060, 1117, 1166, 1059: names and number of columns. */
ql_status qli_check_column_name(ql_ctx *cx, const ql_column *columns, unsigned i) QL_MUST_USE;
ql_status qli_check_spec(ql_ctx *cx, const ql_table_spec *spec) QL_MUST_USE;

/* 1044 when t is virtual: it is not changed by statements. */
ql_status qli_refuse_virtual_table(ql_ctx *cx, const ql_table *t) QL_MUST_USE;

#endif
