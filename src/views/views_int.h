/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside views/: what the views share. All of it is a copy made for one statement, in that
 * statement's arena; nothing here is locked.
 */
#ifndef QL_VIEWS_INT_H
#define QL_VIEWS_INT_H

#include "catalog/virtual.h"
#include "intr/proc.h"
#include "types/datetime.h"
#include "vars/sysvars.h"
#include "views/lockview.h"

extern const ql_virtual_table qli_infoschema_tables[];
extern const size_t qli_infoschema_count;
/* infoschema_keys.c */
#define QLI_IS_TABLE(columns, fill)                                                                \
    extern const ql_view_column columns[];                                                         \
    ql_status fill(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
QLI_IS_TABLE(qli_is_table_constraints, qli_fill_table_constraints);
QLI_IS_TABLE(qli_is_key_column_usage, qli_fill_key_column_usage);
QLI_IS_TABLE(qli_is_collation_charset, qli_fill_collation_charset);
QLI_IS_TABLE(qli_is_referential, qli_fill_nothing);
extern const ql_view_column qli_is_check_constraints[], qli_is_views[], qli_is_triggers[],
    qli_is_routines[], qli_is_parameters[], qli_is_events[], qli_is_files[], qli_is_partitions[];
/* view_grants.c */
QLI_IS_TABLE(qli_is_user_privileges, qli_fill_user_privileges);
QLI_IS_TABLE(qli_is_schema_privileges, qli_fill_schema_privileges);
QLI_IS_TABLE(qli_is_table_privileges, qli_fill_table_privileges);
extern const ql_view_column qli_is_column_privileges[];
extern const ql_virtual_table qli_mysql_tables[];
extern const size_t qli_mysql_count;
extern const ql_virtual_table qli_perfschema_tables[];
extern const size_t qli_perfschema_count;
/* Rows under construction of a virtual table. */
typedef struct qli_rows {
    ql_arena *a;
    const ql_table *t;
    ql_value **v;
    size_t n, cap;
} qli_rows;
ql_status qli_rows_add(ql_ctx *cx, qli_rows *r, ql_value **row) QL_MUST_USE; /* all NULL */
struct ql_proc_info;
bool qli_viewer_sees(ql_ctx *cx, const struct ql_proc_info *p);
void qli_set_time(ql_ctx *cx, ql_value *v, int64_t unix_seconds);
void qli_set_str(ql_value *v, ql_str s);
void qli_set_cstr(ql_value *v, const char *s);

/* Tables on which the viewer has any privilege, as ql_catalog_all_tables gives them. */
ql_status qli_visible_tables(ql_ctx *cx, ql_arena *a, ql_table ***v, size_t *n) QL_MUST_USE;

/* 1227 unless the viewer has PROCESS. */
ql_status qli_view_require_process(ql_ctx *cx) QL_MUST_USE;

/* The process list at one moment, sorted by connection id. */
typedef struct qli_sessions {
    ql_proc_info *v;
    size_t n;
    int64_t now_us; /* real time of the copy */
} qli_sessions;
ql_status qli_sessions_take(ql_ctx *cx, ql_arena *a, qli_sessions *out) QL_MUST_USE;
/* NULL when it is not (or no longer) there. */
const ql_proc_info *qli_sessions_find(const qli_sessions *s, uint64_t conn_id);

bool qli_trx_waits(const ql_proc_info *p); /* for a row lock */
/* trx_state: RUNNING, LOCK WAIT, ROLLING BACK, COMMITTING. */
const char *qli_trx_state(const ql_proc_info *p);
const char *qli_isolation_text(const ql_proc_info *p);
/* Local time that was age_ms before the copy; NULL for a negative age. */
void qli_set_moment(ql_ctx *cx, ql_value *v, const qli_sessions *s, int64_t age_ms);
void qli_set_interval(ql_value *v, int64_t ms);          /* TIME of whole seconds */
void qli_set_opt_str(ql_value *v, ql_str s);             /* p NULL = NULL */
void qli_set_chars(ql_value *v, ql_str s, size_t chars); /* at most that many characters */

/* ENGINE_LOCK_ID of a row lock; NULL = out of memory, worded. */
char *qli_row_lock_id(ql_ctx *cx, ql_arena *a, uint64_t trx_id, uint64_t lock_id);

QLI_IS_TABLE(qli_is_innodb_trx, qli_fill_innodb_trx);
QLI_IS_TABLE(qli_ps_data_locks, qli_fill_data_locks);
QLI_IS_TABLE(qli_ps_data_lock_waits, qli_fill_data_lock_waits);
QLI_IS_TABLE(qli_ps_metadata_locks, qli_fill_metadata_locks);

/* view_server.c */
QLI_IS_TABLE(qli_is_plugins, qli_fill_plugins);
QLI_IS_TABLE(qli_is_keywords, qli_fill_keywords);
QLI_IS_TABLE(qli_ps_variables, qli_fill_variables);
ql_status qli_fill_status(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n);
extern const ql_view_column qli_is_column_statistics[], qli_is_profiling[],
    qli_is_optimizer_trace[], qli_is_innodb_cmp[], qli_is_innodb_cmpmem[], qli_is_innodb_metrics[],
    qli_ps_group_members[];

/* sysschema.c */
/* As sys.format_statement: long ones are cut in the middle, line ends become spaces; raw: as it is.
 */
ql_status qli_set_sys_statement(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str s,
                                bool raw) QL_MUST_USE;
/* Two columns: the statements that end the blocker's statement and its connection. */
ql_status qli_set_sys_kills(ql_ctx *cx, ql_arena *a, ql_value *v, uint64_t conn_id) QL_MUST_USE;
QLI_IS_TABLE(qli_sys_table_waits, qli_fill_table_lock_waits);
ql_status qli_fill_x_table_lock_waits(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows,
                                      size_t *n);
extern const ql_virtual_table qli_sys_tables[];
extern const size_t qli_sys_count;

#endif
