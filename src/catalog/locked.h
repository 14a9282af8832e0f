/* SPDX-License-Identifier: Apache-2.0
 *
 * Which locks a statement takes on what it names, and LOCK TABLES: what a session has locked by
 * name bounds what its statements may use (errors 1099 and 1100). Owner: the session, in
 * cx->locked; used by its thread only.
 */
#ifndef QL_CATALOG_LOCKED_H
#define QL_CATALOG_LOCKED_H

#include "txn/mdl.h"

struct ql_table;

/* One table of LOCK TABLES. */
typedef struct ql_lock_item {
    ql_str db, name, alias; /* alias: the name when none was given; n 0: below a view */
    bool write;
} ql_lock_item;

/* LOCK TABLES, after the transaction has been committed and what was locked before released. Tables
 * are locked in the order of their names, so two such statements do not block each other for good.
 * Not QL_OK: nothing is locked. QL_ERROR 1146, 1066, 1044 (virtual table), 1223, 1205, 1213. Waits:
 * MDL, MDL_GLOBAL, MDL_SCHEMA, TABLE_LOCK. */
ql_status ql_locked_tables_lock(ql_ctx *cx, const ql_lock_item *items, size_t n) QL_MUST_USE;
/* FLUSH TABLES t ... WITH READ LOCK: the same, but waits for those who write only. */
ql_status ql_locked_tables_flush(ql_ctx *cx, const ql_lock_item *items, size_t n) QL_MUST_USE;
/* UNLOCK TABLES, BEGIN, end of the session. Never waits. */
void ql_locked_tables_release(ql_ctx *cx);
/* A table has been dropped. */
void ql_locked_tables_forget(ql_ctx *cx, ql_str db, ql_str name);
/* A table that has been given another name. */
typedef struct ql_lock_rename {
    ql_str db, name, new_db, new_name;
} ql_lock_rename;
/* Before tables are renamed: under LOCK TABLES the new names become copies that live as long. */
ql_status ql_locked_tables_rename(ql_ctx *cx, ql_lock_rename *v, size_t n) QL_MUST_USE;
/* They have been renamed, one after the other (those new names that were not locked by
 * ql_catalog_lock_new_name): the locks go along. */
void ql_locked_tables_renamed(ql_ctx *cx, const ql_lock_rename *v, size_t n);
/* FLUSH TABLES [t]: under LOCK TABLES only what is locked for writing (1099, 1100); name.n 0 = all.
 */
ql_status ql_locked_tables_may_flush(ql_ctx *cx, ql_str db, ql_str name) QL_MUST_USE;
/* 1192 under LOCK TABLES: what may not be done there. */
ql_status ql_locked_tables_refuse(ql_ctx *cx) QL_MUST_USE;

/* FLUSH TABLES WITH READ LOCK: others' writes wait, then their commits. Waits: MDL_GLOBAL,
 * MDL_COMMIT. Own writes fail with 1223. */
ql_status ql_read_lock_take(ql_ctx *cx) QL_MUST_USE;
void ql_read_lock_release(ql_ctx *cx);
/* LOCK INSTANCE FOR BACKUP: others' DDL waits. Waits: MDL_BACKUP. */
ql_status ql_backup_lock_take(ql_ctx *cx) QL_MUST_USE;
void ql_backup_lock_release(ql_ctx *cx);

/* A statement that writes begins (d STATEMENT), or one that changes definitions or accounts (ddl, d
 * TRANSACTION). QL_ERROR 1223 under the session's own global read lock. Waits: MDL_GLOBAL,
 * MDL_BACKUP. */
ql_status ql_change_begin(ql_ctx *cx, bool ddl) QL_MUST_USE;
/* A transaction that has written commits; until the end of the transaction. Waits: MDL_COMMIT. */
ql_status ql_commit_begin(ql_ctx *cx) QL_MUST_USE;

/* Whoever changes the definition of t, which it has opened in mode SU or better: the lock in mode
 * SNW or X. Waits in attempts of a second, between which those who came later are let pass; 1205
 * after lock_wait_timeout. Waits: MDL. */
ql_status ql_table_lock_upgrade(ql_ctx *cx, const struct ql_table *t, ql_mdl_mode mode) QL_MUST_USE;
/* X back to the mode SU or SNW that it was got from. */
void ql_table_lock_downgrade(ql_ctx *cx, const struct ql_table *t, ql_mdl_mode mode);

/* Names of tables, each once, in their order. Owner: cx->arena. */
typedef struct ql_table_name {
    ql_str db, name;
} ql_table_name;
typedef struct ql_name_list {
    ql_table_name *v;
    size_t n, cap;
} ql_name_list;
ql_status ql_name_list_add(ql_ctx *cx, ql_name_list *l, ql_str db, ql_str name) QL_MUST_USE;
/* Metadata locks of all of them to change definitions, whether there are such tables or not, in an
 * order that does not depend on who asks; LOCK TABLES is not asked. upgrade: SU is held of all.
 * QL_ERROR 1223, 1205, 1213. Waits: MDL, MDL_GLOBAL, MDL_BACKUP, MDL_SCHEMA. */
ql_status ql_name_list_lock(ql_ctx *cx, ql_name_list *l, ql_mdl_mode mode,
                            bool upgrade) QL_MUST_USE;

/* All rows of a table without transactions, for the running statement. LOCK TABLES' lock will do.
 * Waits: TABLE_LOCK. */
ql_status ql_rows_lock(ql_ctx *cx, ql_str db, ql_str name, bool write) QL_MUST_USE;

/* When a wait for a metadata lock that begins now ends (lock_wait_timeout). */
ql_deadline ql_lock_wait_deadline(const ql_ctx *cx);

#endif
