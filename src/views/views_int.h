/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside views/: how a view is written down, and what the views share. All of it is a copy made for
 * one statement, in that statement's arena; nothing here is locked.
 */
#ifndef QL_VIEWS_INT_H
#define QL_VIEWS_INT_H

#include "acl/acl.h"
#include "catalog/virtual.h"
#include "intr/proc.h"
#include "vars/sysvars.h"

/* --- one view ---
 * A file has one list C(name, kind, length, flags) of its columns (virtual.h) and gives it to
 * QLI_COLUMNS, which makes the numbers COL_<name> and the description from it. A second view of the
 * same file without rows of its own uses QLI_PLAIN_COLUMNS. views.def names them all. */
enum {
    NN = 0, /* NOT NULL */
    NUL = QL_VIEW_NULLABLE,
    BIN = QL_VIEW_BINARY,
    SCHEMA = QL_VIEW_SCHEMA,
    TABLE = QL_VIEW_TABLE,
};
#define QLI_COLUMN_NUMBER(name, kind, length, flags) COL_##name,
#define QLI_COLUMN(name, kind, length, flags) {#name, kind, length, flags},
#define QLI_PLAIN_COLUMNS(view, LIST)                                                              \
    const ql_view_column qli_columns_##view[] = {LIST(QLI_COLUMN){NULL, 0, 0, 0}}
#define QLI_COLUMNS(view, LIST)                                                                    \
    enum { LIST(QLI_COLUMN_NUMBER) COL_COUNT };                                                    \
    _Static_assert(COL_COUNT <= QL_VIEW_MAX_COLUMNS, "a view of too many columns");                \
    QLI_PLAIN_COLUMNS(view, LIST)

#define QL_VIEW(db, name, columns, fill)                                                           \
    extern const ql_view_column qli_columns_##columns[];                                           \
    ql_status qli_fill_##fill(ql_ctx *cx, ql_view_rows *r) QL_MUST_USE;
#include "views/views.def"
#undef QL_VIEW

/* --- views.c: which rows --- */
/* Tables that the viewer sees and the filter leaves, sorted by database and name; put back when the
 * rows' arena is reset. */
ql_status qli_tables(ql_ctx *cx, const ql_view_rows *r, ql_table ***v, size_t *n) QL_MUST_USE;
/* Does the filter leave this database? */
ql_status qli_leaves_schema(ql_ctx *cx, const ql_view_rows *r, ql_str db, bool *yes) QL_MUST_USE;
/* Without PROCESS one sees the sessions of one's own user name; an anonymous user none. */
bool qli_viewer_sees(ql_ctx *cx, const ql_proc_info *p);
/* 1227 unless the viewer has PROCESS. */
ql_status qli_view_require_process(ql_ctx *cx) QL_MUST_USE;

/* --- cells.c: values of columns --- */
void qli_set_str(ql_value *v, ql_str s);
void qli_set_cstr(ql_value *v, const char *s);
void qli_set_opt_str(ql_value *v, ql_str s);             /* p NULL = NULL */
void qli_set_chars(ql_value *v, ql_str s, size_t chars); /* at most that many characters */
/* An expression of a definition as information_schema has it: \ before each ' and \. */
ql_status qli_set_expr(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str text) QL_MUST_USE;
/* DATETIME, as the session's clocks show it; TIMESTAMP. */
void qli_set_time(ql_ctx *cx, ql_value *v, int64_t unix_seconds);
void qli_set_timestamp(ql_value *v, int64_t unix_seconds);
void qli_set_interval(ql_value *v, int64_t ms); /* TIME of whole seconds */
/* CREATE_TIME: of a virtual table the start of the server. */
void qli_set_created(ql_ctx *cx, ql_value *v, const ql_table *t);

/* --- sessions.c: the process list at one moment, sorted by connection id --- */
typedef struct qli_sessions {
    ql_proc_info *v;
    size_t n;
    int64_t now_us; /* real time of the copy */
} qli_sessions;
ql_status qli_sessions_take(ql_ctx *cx, ql_arena *a, qli_sessions *out) QL_MUST_USE;
/* NULL when it is not (or no longer) there. */
const ql_proc_info *qli_sessions_find(const qli_sessions *s, uint64_t conn_id);
bool qli_trx_waits(const ql_proc_info *p); /* for a row lock */
/* Local time that was age_ms before the copy; NULL for a negative age. */
void qli_set_moment(ql_ctx *cx, ql_value *v, const qli_sessions *s, int64_t age_ms);

/* --- sys_texts.c: the formats of the sys schema --- */
/* As sys.format_statement: long ones are cut in the middle, line ends become spaces; raw: as it is.
 */
ql_status qli_set_sys_statement(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str s,
                                bool raw) QL_MUST_USE;
/* `db`.`table` */
ql_status qli_set_sys_table(ql_ctx *cx, ql_arena *a, ql_value *v, ql_str db,
                            ql_str table) QL_MUST_USE;
/* The statements that end the blocker's statement and its connection. */
ql_status qli_set_sys_kills(ql_ctx *cx, ql_arena *a, ql_value *query, ql_value *connection,
                            uint64_t conn_id) QL_MUST_USE;

/* --- grants.c: privileges --- */
/* Accounts whose privileges information_schema shows the viewer. */
ql_status qli_shown_accounts(ql_ctx *cx, ql_arena *a, ql_account_grants **v, size_t *n) QL_MUST_USE;
const char *qli_grantee(ql_ctx *cx, ql_arena *a, const ql_account *of); /* 'user'@'host'; NULL */
/* The names of a set of privileges, then NULL; of an empty one, USAGE. */
typedef struct qli_privilege_list {
    ql_privs privs;
    int at;
    bool any;
} qli_privilege_list;
const char *qli_privilege_next(qli_privilege_list *l);

#endif
