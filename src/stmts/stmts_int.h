/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of stmts share: the executors of each kind of statement, result sets of rows that
 * a statement makes itself (qli_table), the write side of a statement (qli_writer).
 */
#ifndef QL_STMTS_INT_H
#define QL_STMTS_INT_H

#include "exec/complete.h"
#include "exec/exec.h"
#include "exec/foreign.h"
#include "stmts/stmts.h"

/* Result sets that statements make themselves (SHOW, EXPLAIN ...): rows of text collected,
 * filtered, sent. */
typedef struct qli_table {
    ql_run *run;
    ql_arena *mem;
    ql_result_column *cols;
    uint16_t ncols;
    ql_value **rows;
    size_t n, cap;
} qli_table;
ql_status qli_table_init(ql_run *run, qli_table *t, uint16_t ncols) QL_MUST_USE;
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

/* Write side of a statement. */
typedef struct qli_writer {
    ql_run *run;
    ql_table *table;
    bool ignore, strict;
    uint64_t row_no;                 /* of the row in work, from 1, for messages */
    ql_arena *row_mem;               /* bytes of the row in work; reset every so often */
    ql_completer *completer;         /* of the table's expressions; NULL = none */
    struct qli_row_checker *checker; /* row_check.c; NULL = none */
    ql_fk_guard *fk;                 /* exec/foreign.h; NULL = nothing to ask */
    uint64_t matched, changed, inserted, deleted;
    uint64_t first_generated; /* first AUTO_INCREMENT value that was made and came to stay */
    uint64_t last_auto;       /* AUTO_INCREMENT column of the last row, however it came about */
} qli_writer;
ql_status qli_writer_init(ql_run *run, qli_writer *w, ql_table *t, bool ignore) QL_MUST_USE;
/* Begin the next row: checkpoint, reset of row_mem when it has grown. */
ql_status qli_writer_next(ql_ctx *cx, qli_writer *w) QL_MUST_USE;
/* Is NULL for that column the statement's time (explicit_defaults_for_timestamp OFF)? */
bool qli_null_is_now(const ql_ctx *cx, const ql_column *c);
ql_status qli_writer_store(ql_ctx *cx, qli_writer *w, uint16_t column, const ql_value *v,
                           ql_value *out) QL_MUST_USE;
/* Before a row is written: its generated columns and missing expression defaults are computed and
 * CHECKs and the CHECK OPTION of a view looked at. *keep false: IGNORE leaves it out. */
ql_status qli_writer_complete(ql_ctx *cx, qli_writer *w, ql_value *row, const bool *given,
                              bool *keep) QL_MUST_USE;
/* Foreign keys are asked from now on, when rows are written by the three below. what: QL_FK_...;
 * changing: [ncolumns] that an UPDATE gives values to, or NULL. Waits: MDL. */
ql_status qli_writer_guard(ql_ctx *cx, qli_writer *w, unsigned what,
                           const bool *changing) QL_MUST_USE;
/* As ql_fk_insert and its kin; *keep false: IGNORE leaves the row as it is, the warning is given.
 * Waits: ROW_LOCK. */
ql_status qli_writer_insert(ql_ctx *cx, qli_writer *w, const ql_value *row, ql_lock_mode on_dup,
                            ql_write_result *result, ql_dup *dup, bool *keep) QL_MUST_USE;
/* As ql_fk_ask_parents. */
ql_status qli_writer_ask_parents(ql_ctx *cx, qli_writer *w, const ql_value *row,
                                 bool *keep) QL_MUST_USE;
ql_status qli_writer_update(ql_ctx *cx, qli_writer *w, ql_str locator, const ql_value *old,
                            const ql_value *row, ql_write_result *result, ql_dup *dup,
                            bool *keep) QL_MUST_USE;
ql_status qli_writer_delete(ql_ctx *cx, qli_writer *w, ql_str locator, const ql_value *old,
                            bool *keep) QL_MUST_USE;
/* --- row_check.c: what may be written through a view --- */
/* The rows that are written have to keep to it from now on (check, block and one stay). one: a row
 * of the block, of which the table is the source; both NULL: the row alone, slot = ordinal. */
ql_status qli_writer_check_with(ql_ctx *cx, qli_writer *w, const ql_row_check *check,
                                ql_block *block, ql_batch *one,
                                const ql_source *source) QL_MUST_USE;
/* A row as it is to be stored. 1369; *keep false: IGNORE leaves it out. */
ql_status qli_writer_check(ql_ctx *cx, qli_writer *w, const ql_value *row, bool *keep) QL_MUST_USE;
ql_status qli_rows_identical(ql_ctx *cx, const ql_value *a, const ql_value *b, uint16_t n,
                             bool *same) QL_MUST_USE;
/* A row has been changed: AUTO_INCREMENT goes on behind what its column was set to. */
ql_status qli_autoinc_changed(ql_ctx *cx, ql_table *t, const ql_value *old,
                              const ql_value *changed) QL_MUST_USE;
/* The error just worded (never a kill) becomes a warning: IGNORE. */
ql_status qli_error_to_warning(ql_ctx *cx, ql_status st) QL_MUST_USE;

/* Why work ended early, for a statement that tells it in a result of its own. */
typedef struct qli_reason {
    uint16_t number;
    char text[512];
} qli_reason;
/* KILL QUERY and time limits: the statement is no longer stopped by them. Not QL_OK: st was
 * something else, or the connection ends; to be passed on. */
ql_status qli_answer_kill(ql_ctx *cx, ql_status st, qli_reason *why) QL_MUST_USE;
/* An error that says something of the table in work, not of the server's memory. */
ql_status qli_answer_error(ql_ctx *cx, ql_status st, qli_reason *why) QL_MUST_USE;

/* Statements. */
ql_status qli_exec_insert(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_load(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_update(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_delete(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_set(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_use(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_show(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_kill(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_explain(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_create_database(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_alter_database(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_drop_database(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_create_table(ql_ctx *cx, ql_run *run) QL_MUST_USE;
/* CREATE TABLE ... SELECT of a name that is free and locked; the caller commits (create_select.c).
 * Waits: ROW_LOCK, TABLE_LOCK, COMMIT, DISK_SPACE. */
ql_status qli_create_select(ql_ctx *cx, ql_run *run, const ql_ast_create_table *ct,
                            ql_table_spec *spec) QL_MUST_USE;
ql_status qli_exec_drop_table(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_drop_temporary(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_truncate(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_shutdown(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_account(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_grant(ql_ctx *cx, ql_run *run) QL_MUST_USE;
/* The session's account; the one that a statement names (NULL, CURRENT_USER(): the session's). */
void qli_own_account(ql_ctx *cx, ql_str *user, ql_str *host);
void qli_account_name(ql_ctx *cx, const ql_ast_user *u, ql_str *user, ql_str *host);
ql_status qli_exec_admin(ql_ctx *cx, ql_run *run) QL_MUST_USE;
/* histogram.c: the rows of ANALYZE TABLE ... HISTOGRAM for its table; when several are named. */
ql_status qli_histograms(ql_ctx *cx, qli_table *t, const ql_ast_admin *a,
                         ql_table *tab) QL_MUST_USE;
ql_status qli_one_table_for_histograms(ql_ctx *cx, qli_table *t) QL_MUST_USE;
/* May the session work on all tables that the statement names? Asked for all of them first. */
ql_status qli_admin_may(ql_ctx *cx, const ql_ast_admin *a, ql_pmask need) QL_MUST_USE;
ql_status qli_exec_checksum(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_flush(ql_ctx *cx, ql_run *run) QL_MUST_USE;

ql_status qli_exec_alter(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_rename_table(ql_ctx *cx, ql_run *run) QL_MUST_USE;
/* 1050 when there is a table of that name (rename.c); the caller has its exclusive lock. */
ql_status qli_check_name_free(ql_ctx *cx, ql_str db, ql_str name) QL_MUST_USE;

/* --- foreign.c --- */
/* Parents that FOREIGN KEY clauses name, db being the table's database. */
ql_status qli_foreign_parents(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db,
                              ql_name_list *names) QL_MUST_USE;
/* May the session refer to them? 1142. */
ql_status qli_foreign_may(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db) QL_MUST_USE;
/* CREATE TABLE: the table's name, its parents and those that refer to it, exclusively. */
ql_status qli_foreign_lock_new(ql_ctx *cx, const ql_ast_create_table *ct, ql_str db,
                               ql_str name) QL_MUST_USE;
/* At the beginning of a statement; again: some of them are locked. Waits: as ql_name_list_lock. */
ql_status qli_foreign_lock_list(ql_ctx *cx, ql_name_list *l, ql_mdl_mode mode,
                                bool again) QL_MUST_USE;
/* RENAME, DROP TABLE: those tables, their parents and children, exclusively; under LOCK TABLES not
 * those that are alone: they have been locked. */
ql_status qli_foreign_lock_names(ql_ctx *cx, const ql_table_name *v, size_t n) QL_MUST_USE;
/* DROP DATABASE: parents and children that its tables have in others. */
ql_status qli_foreign_lock_outside(ql_ctx *cx, ql_str db) QL_MUST_USE;
/* The table is dropped, and all that the statement drops: 3730 when others refer to it still. */
ql_status qli_foreign_check_dropped(ql_ctx *cx, ql_str db, ql_str name) QL_MUST_USE;
/* TRUNCATE: 1701 when other tables refer to it. */
ql_status qli_foreign_check_emptied(ql_ctx *cx, const ql_table *t) QL_MUST_USE;

/* --- view.c --- */
ql_status qli_exec_create_view(ql_ctx *cx, ql_run *run) QL_MUST_USE; /* ALTER VIEW too */
ql_status qli_exec_drop_view(ql_ctx *cx, ql_run *run) QL_MUST_USE;
/* --- show_create_view.c --- */
ql_status qli_show_create_view(ql_ctx *cx, ql_run *run, const ql_table *v) QL_MUST_USE;
/* --- lock_views.c --- */
/* LOCK TABLES of tables and views: views are locked with all that is below them. */
ql_status qli_lock_tables(ql_ctx *cx, const ql_lock_item *items, size_t n, bool flush) QL_MUST_USE;
/* --- alter_copy.c --- */
/* What others may do while a table is changed: write, read, nothing. */
typedef enum qli_alter_lock {
    QLI_ALTER_NONE,
    QLI_ALTER_SHARED,
    QLI_ALTER_EXCLUSIVE
} qli_alter_lock;
/* Makes next's rows and index entries, as far as they are not there, from old's, which is open in
 * mode SU: takes the locks, announces the ids (the run gives them to the purger unless the switch
 * commits), and ends with X held and everything in step. NONE for tables without transactions is
 * SHARED. *rows: those of the table. QL_ERROR: 1062, those of values that do not fit (strict mode,
 * with the row's number), 1205, 1799. Waits: MDL, COMMIT, DISK_SPACE. */
ql_status qli_alter_copy(ql_ctx *cx, ql_run *run, ql_table *old, ql_table *next,
                         const ql_table_change *c, qli_alter_lock lock, uint64_t *rows) QL_MUST_USE;

/* --- rebuild.c --- */
/* A table's rows and indexes written anew, in a transaction of its own; what was open is committed.
 * Others may read it meanwhile. On any error the table is as it was, and a new statement layer is
 * open. Waits: MDL, COMMIT, DISK_SPACE. */
ql_status qli_table_rebuild(ql_ctx *cx, ql_run *run, ql_str db, ql_str name) QL_MUST_USE;
/* The same with what can be read of a table without transactions; *lost rows could not. */
ql_status qli_table_repair(ql_ctx *cx, ql_run *run, ql_str db, ql_str name, uint64_t *rows,
                           uint64_t *lost) QL_MUST_USE;

/* --- locks.c --- */
ql_status qli_exec_lock_tables(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_unlock_tables(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_lock_instance(ql_ctx *cx, ql_run *run) QL_MUST_USE; /* and UNLOCK INSTANCE */
ql_status qli_flush_tables(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_exec_prepare(ql_ctx *cx, ql_run *run) QL_MUST_USE;
/* Implicit commit, then a transaction and statement layer of its own; qli_ddl_end commits them. */
ql_status qli_ddl_begin(ql_ctx *cx, ql_run *run) QL_MUST_USE;
ql_status qli_ddl_end(ql_ctx *cx, ql_run *run) QL_MUST_USE;

/* --- show_view.c: projections of views --- */
bool qli_show_is_view(ql_show_kind kind);
bool qli_show_is_query(ql_show_kind kind); /* FOUND_ROWS() speaks of it */
ql_status qli_show_view(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
/* The table of SHOW COLUMNS and its kin, put back when mem is reset; 1046, 1142, 1146. Waits: MDL.
 */
ql_status qli_open_shown(ql_ctx *cx, ql_arena *mem, const ql_ast_table_name *name,
                         ql_table **out) QL_MUST_USE;

ql_status qli_show_open_tables(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_create(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_server_kinds(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_replication(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_processlist(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_engine_status(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;
ql_status qli_show_grants(ql_ctx *cx, ql_run *run, const ql_ast_show *s) QL_MUST_USE;

#endif
