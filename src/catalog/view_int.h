/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside catalog/: what the views of transactions and locks share (view_*.c, sysschema.c). All of
 * it is a copy made for one statement, in that statement's arena; nothing here is locked.
 */
#ifndef QL_CATALOG_VIEW_INT_H
#define QL_CATALOG_VIEW_INT_H

#include "catalog/catalog_int.h"
#include "catalog/lockview.h"
#include "intr/proc.h"

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
extern const qli_vcolumn qli_is_column_statistics[], qli_is_profiling[], qli_is_optimizer_trace[],
    qli_is_innodb_cmp[], qli_is_innodb_cmpmem[], qli_is_innodb_metrics[], qli_ps_group_members[];

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
