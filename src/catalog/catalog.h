/* SPDX-License-Identifier: Apache-2.0
 *
 * Databases and tables: cached definitions above records in the keyspace. Changes are made inside
 * cx->txn together with whatever else belongs to the statement and become visible to others when it
 * commits.
 */
#ifndef QL_CATALOG_CATALOG_H
#define QL_CATALOG_CATALOG_H

#include "base/arena.h"
#include "catalog/locked.h"
#include "catalog/tabledef.h"
#include "catalog/temporary.h"
#include "txn/mdl.h"
#include "txn/txn.h"
#include "vars/viewer.h"

typedef struct ql_catalog ql_catalog;

/* Format of the records in the keyspace (README.md). */
#define QL_CATALOG_FORMAT 2u

/* Load from inst->kv; an empty keyspace is initialised (mysql schema; format). Reads older formats,
 * refuses newer ones. */
ql_status ql_catalog_open(ql_ctx *cx, ql_catalog **out) QL_MUST_USE;
/* QL_ERROR when the records in inst->kv are of a newer format; may be open for reading only. */
ql_status ql_catalog_check_format(ql_ctx *cx) QL_MUST_USE;
/* Format that the records have. */
unsigned ql_catalog_format(const ql_catalog *c);
/* Records of an older format are written anew in ours, in one transaction; `also` puts into it what
 * else has records of that format (accounts). Says so in the log. At start, before there are
 * sessions (cx->txn is NULL). QL_ERROR: nothing has changed. Waits: COMMIT. */
ql_status ql_catalog_upgrade(ql_ctx *cx, ql_status (*also)(ql_ctx *cx)) QL_MUST_USE;
/* Tables with columns that ql_column_is_local_time. Before there are sessions. */
ql_status ql_catalog_local_times(ql_ctx *cx, struct ql_name_list *out) QL_MUST_USE;
void ql_catalog_close(ql_catalog *c);
/* Clean stop, no session left: writes exact AUTO_INCREMENT values and row counts, so that the next
 * start has no gaps. Own transaction (cx->txn must be NULL). Waits: COMMIT. */
ql_status ql_catalog_checkpoint(ql_ctx *cx) QL_MUST_USE;

typedef struct ql_database {
    ql_str name;
    const ql_collation *coll;
} ql_database;

/* Database names are compared as written on case-sensitive systems (lower_case_table_names=0);
 * information_schema, performance_schema and sys without case. */
bool ql_catalog_has_database(ql_ctx *cx, ql_str name);
/* USE: the session's current database (n 0: none). 1049. */
ql_status ql_catalog_use(ql_ctx *cx, ql_str name) QL_MUST_USE;
/* information_schema, performance_schema, sys (any case): read-only, made on demand. */
bool ql_catalog_is_virtual_database(ql_str name);
/* 1102, 1103, 1059 unless the name may name a database, table. */
ql_status ql_catalog_check_database_name(ql_ctx *cx, ql_str name) QL_MUST_USE;
ql_status ql_catalog_check_table_name(ql_ctx *cx, ql_str name) QL_MUST_USE;
ql_status ql_catalog_find_database(ql_ctx *cx, ql_str name, ql_database *out)
    QL_MUST_USE; /* QL_END = none; strings in cx->arena */
ql_status ql_catalog_list_databases(ql_ctx *cx, ql_arena *a, ql_database **v,
                                    size_t *n) QL_MUST_USE; /* sorted */
ql_status ql_catalog_create_database(ql_ctx *cx, ql_str name,
                                     const ql_collation *coll) QL_MUST_USE; /* 1007 */
ql_status ql_catalog_drop_database(ql_ctx *cx, ql_str name,
                                   size_t *tables) QL_MUST_USE; /* 1008; its tables too */
ql_status ql_catalog_alter_database(ql_ctx *cx, ql_str name,
                                    const ql_collation *coll) QL_MUST_USE; /* 1049 */
/* Exclusive metadata lock of a database's name (CREATE, ALTER, DROP DATABASE), which need not
 * exist; 1192 under LOCK TABLES, 1223 under the session's global read lock. Waits: MDL_GLOBAL,
 * MDL_BACKUP, MDL_SCHEMA. */
ql_status ql_catalog_lock_database(ql_ctx *cx, ql_str name) QL_MUST_USE;
/* Then of all its tables (DROP DATABASE). Waits: MDL. */
ql_status ql_catalog_lock_tables_of(ql_ctx *cx, ql_str db) QL_MUST_USE;

/* Table with a reference that ql_table_put gives back (or ql_catalog_get_table_for, at the end of
 * the statement arena). QL_ERROR 1049, 1146 worded. */
ql_status ql_catalog_get_table(ql_ctx *cx, ql_str db, ql_str name, ql_table **out) QL_MUST_USE;
/* The same under a metadata lock, put back when arena a is reset. Modes: SH to show a definition, S
 * to prepare a statement (to the statement's end); SR to read rows, SW to change or lock them (to
 * the transaction's end; SW takes part in the global read lock); SU, SNW, SNRW, X to change the
 * definition, with what goes before them on the database and the instance. LOCK TABLES is obeyed:
 * 1100, 1099 (alias: the name the statement gives the table; n 0: it stands below a view); own
 * global read lock: 1223. QL_END when absent and !must_exist (the lock of the name is held then,
 * too: CREATE TABLE). 1235 for a table that only a newer server can use, unless it is opened to be
 * dropped: X and !must_exist. The session's temporary tables come first, except below views, and
 * none of this is asked of them. Waits: MDL, MDL_GLOBAL, MDL_BACKUP, MDL_SCHEMA. */
ql_status ql_catalog_open_as(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_str alias,
                             ql_mdl_mode mode, bool must_exist, ql_table **out) QL_MUST_USE;
ql_status ql_catalog_open_table(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_mdl_mode mode,
                                bool must_exist, ql_table **out) QL_MUST_USE;
/* The same without regard to temporary tables. */
ql_status ql_catalog_open_shared(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_mdl_mode mode,
                                 bool must_exist, ql_table **out) QL_MUST_USE;
/* The exclusive lock of a name that a table is to be given (RENAME), whether it is free or not; not
 * for a name that LOCK TABLES lists. Under LOCK TABLES the name is locked for the session, as the
 * table then is. QL_ERROR 1103, 1059, 1223. Waits: MDL, MDL_GLOBAL, MDL_BACKUP, MDL_SCHEMA. */
ql_status ql_catalog_lock_new_name(ql_ctx *cx, ql_str db, ql_str name) QL_MUST_USE;
void ql_table_put(ql_table *t);
/* A view, also one that only a newer server can use (t->view is NULL then). */
bool ql_table_is_view(const ql_table *t);
/* 1235, which says why, for a table or view that only a newer server can use. */
ql_status ql_table_refuse_unusable(ql_ctx *cx, const ql_table *t) QL_MUST_USE;
ql_status ql_catalog_list_tables(ql_ctx *cx, ql_arena *a, ql_str db, ql_str **names,
                                 size_t *n) QL_MUST_USE; /* sorted */
/* Definitions of all tables that the session sees (its own uncommitted changes too), of db or
 * (empty) of all databases, sorted by database and name. Their references are put back when a is
 * reset. No metadata locks; checkpoints inside. */
ql_status ql_catalog_all_tables(ql_ctx *cx, ql_arena *a, ql_str db, ql_table ***v,
                                size_t *n) QL_MUST_USE;
/* The same for one; QL_END when there is none. No error, no lock. Not for temporary tables. */
ql_status ql_catalog_find_table(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name,
                                ql_table **out) QL_MUST_USE;

/* A foreign key of `table` (with a reference that is put back when the arena is reset). */
typedef struct ql_child {
    ql_table *table;
    const ql_foreign_key *key;
} ql_child;
/* Foreign keys, of all tables as the session sees them, that refer to the table db.name, which need
 * not exist; sorted by database, table and name. Who holds a metadata lock of that name that keeps
 * X out (S and stronger) gets the same answer until he lets it go: whoever adds, drops or changes a
 * foreign key holds the parent's name exclusively. One lookup when there are none. No locks, no
 * waits. */
ql_status ql_catalog_children(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_child **v,
                              size_t *n) QL_MUST_USE;

/* What CREATE TABLE asks for, checked and typed by resolve/tablespec.c; the catalog assigns ids and
 * makes the hidden clustered index. */
typedef struct ql_table_spec {
    ql_str db, name, engine, comment;
    const ql_collation *coll;
    ql_table_options options;
    ql_column *columns; /* ordinal, type, default ... filled in */
    uint16_t ncolumns;
    ql_index *indexes; /* without ids; PRIMARY anywhere */
    uint16_t nindexes;
    ql_check_constraint *checks; /* an empty name: to be made (t_chk_1) */
    uint16_t nchecks;
    ql_foreign_key *foreign; /* an empty name: to be made (t_ibfk_1) */
    uint16_t nforeign;
    uint64_t auto_increment; /* start value; 0 = 1 */
    bool temporary;
} ql_table_spec;
/* Checks names, keys, lengths (MySQL's error numbers) and writes the definition. 1050 when it
 * exists. The caller holds the exclusive metadata lock, unless it is a temporary table. */
ql_status ql_catalog_create_table(ql_ctx *cx, const ql_table_spec *spec) QL_MUST_USE;
/* The two halves of it, for who fills the table first (ql_catalog_build_begin): the definition, not
 * yet seen by anybody, whose reference the caller puts back; and, in cx->txn, its record: others
 * see it at the commit. */
ql_status ql_catalog_new_table(ql_ctx *cx, const ql_table_spec *spec, ql_table **out) QL_MUST_USE;
ql_status ql_catalog_add_table(ql_ctx *cx, ql_table *t) QL_MUST_USE;
/* Removes the definition and trashes its keys. */
ql_status ql_catalog_drop_table(ql_ctx *cx, ql_table *t) QL_MUST_USE;
/* New index ids for the same definition, old keys trashed: TRUNCATE. */
ql_status ql_catalog_truncate_table(ql_ctx *cx, ql_table *t) QL_MUST_USE;

/* --- new versions of a table (ALTER TABLE) --- */

/* What a change makes of a table: its whole new definition (db, name may be others: RENAME), and
 * where each column and index comes from. */
typedef struct ql_table_change {
    const ql_table_spec *spec; /* auto_increment 0: the counter goes on */
    const int *from_column;    /* of each column of spec: ordinal in the old table, or -1: new */
    const int *from_index; /* of each index of spec: position in the old table's indexes whose keys
                              it keeps, or -1: to be built; all ignored when rebuild */
    bool rebuild;          /* rows are written anew: all ids are new */
    const ql_value *new_values; /* of each column of spec that is new: what it holds in the rows
                                   that are there, in stored form; NULL: NULL in all */
    const ql_index *order;      /* rows get new row ids in the order of such an index (no id, not
                                   unique); rebuild only; NULL: as they come */
} ql_table_change;
/* The new version, not yet seen by anybody; the caller puts its reference back. Without rebuild the
 * rows stay as they are: columns of the old table keep their ordinals, new ones are behind them
 * (1235 otherwise). Errors are those of CREATE TABLE. */
ql_status ql_catalog_new_version(ql_ctx *cx, ql_table *old, const ql_table_change *c,
                                 ql_table **next) QL_MUST_USE;
/* In cx->txn, under X, of the names of ql_foreign_affected too: next's record in place of old's,
 * ids that only old has go to the trash, foreign keys of other tables follow (c NULL: no column has
 * another name); others see it at the commit. Counters (AUTO_INCREMENT, row ids, row count) go on.
 */
ql_status ql_catalog_switch(ql_ctx *cx, ql_table *old, ql_table *next,
                            const ql_table_change *c) QL_MUST_USE;

/* Ids being filled (table/build.h). */
typedef struct ql_building ql_building;
/* Before anything is written under the ids that next has and old has not (old NULL: under all of
 * next's): a record in a commit of its own that they have no owner yet. ql_catalog_switch and
 * ql_catalog_add_table delete it. Sync points BUILD_BEGUN, BUILD_ENDED. Waits: COMMIT, DISK_SPACE.
 */
ql_status ql_catalog_build_begin(ql_ctx *cx, ql_table *next, const ql_table *old,
                                 ql_building **out) QL_MUST_USE;
/* Whatever has become of it, and after the statement's transaction has been committed or is sure
 * not to be: unless the ids have an owner now, they and the record go to the trash. Does not fail:
 * what cannot be written now (a full disk) is found by the next start. NULL is ignored. Never
 * waits: the committer comes to it in its turn. */
void ql_catalog_build_end(ql_ctx *cx, ql_building *b);
/* At start: ids without an owner, of builds that the server did not live to see the end of, go to
 * the trash; says so in the log. Waits: COMMIT. */
ql_status ql_catalog_sweep_builds(ql_ctx *cx) QL_MUST_USE;

/* --- views --- */

/* What CREATE VIEW asks for, bound and frozen by resolve/. */
typedef struct ql_view_spec {
    ql_str db, name;
    ql_view_def def;
    const ql_column *columns;
    uint16_t ncolumns;
} ql_view_spec;
/* Writes the definition, over that of the view old unless it is NULL. The caller holds the
 * exclusive metadata lock and knows that nothing else has the name. QL_ERROR 1049, 1103, 1117,
 * 1060, 1166. */
ql_status ql_catalog_put_view(ql_ctx *cx, const ql_view_spec *spec,
                              const ql_table *old) QL_MUST_USE;
/* Another name in the same database, which is free; both exclusively locked. QL_ERROR 1103. */
ql_status ql_catalog_rename_view(ql_ctx *cx, const ql_table *v, ql_str name) QL_MUST_USE;
/* Under the exclusive lock. */
ql_status ql_catalog_drop_view(ql_ctx *cx, const ql_table *v) QL_MUST_USE;

/* At start: the rows of ENGINE=MEMORY tables do not outlive the server. A full disk does not keep
 * it from starting: then they stay. cx->txn must be NULL. Waits: COMMIT. */
ql_status ql_catalog_empty_memory_tables(ql_ctx *cx) QL_MUST_USE;

/* Definition changes of cx->txn become visible/forgotten; called by session after every commit and
 * rollback of a transaction, before the metadata locks are released. state: what ql_txn_commit_at
 * said; snapshots of earlier ones do not see new indexes. Cheap when nothing is staged. Never wait.
 * Sync point CATALOG_PUBLISH. */
void ql_catalog_committed(ql_ctx *cx, uint64_t state);
void ql_catalog_rolled_back(ql_ctx *cx);
/* After ql_txn_stmt_rollback: forgets what the statement staged (definitions, row counts). */
void ql_catalog_stmt_rolled_back(ql_ctx *cx);

#include "catalog/tablestate.h" /* AUTO_INCREMENT, row ids, row counts */

/* Table_type: "BASE TABLE", "SYSTEM VIEW", "VIEW" (those of sys). */
const char *ql_table_type_text(const ql_table *t);

#endif
