/* SPDX-License-Identifier: Apache-2.0
 *
 * System variables (sysvars.def: name, scope, type, default, range) and status counters
 * (statusvars.def). Globals live in the instance, session values in ql_vars, which also holds user
 * variables and what else belongs to a session's settings.
 */
#ifndef QL_VARS_SYSVARS_H
#define QL_VARS_SYSVARS_H

#include "base/arena.h"
#include "base/hash.h"
#include "txn/txn.h"
#include "types/locale.h"
#include "types/value.h"
#include "vars/viewer.h"
#include "vars/zones.h"

typedef struct ql_sysvars ql_sysvars;
struct ql_account;

/* Flags of a variable; meanings in sysvars.def. */
enum ql_sysvar_flag {
    QL_SVF_DYNAMIC = 1u << 0,
    QL_SVF_NO_EFFECT = 1u << 1,
    QL_SVF_KNOB = 1u << 2,
    QL_SVF_COMPUTED = 1u << 3,
    QL_SVF_NULLABLE = 1u << 4,
    QL_SVF_BLOCK1K = 1u << 5,
    QL_SVF_SESSION_RO = 1u << 6,
    QL_SVF_ALIAS = 1u << 7,
    QL_SVF_HIDDEN = 1u << 8,
    QL_SVF_MEMORY = 1u << 9,
    QL_SVF_FACT = 1u << 10,
    QL_SVF_ADMIN = 1u << 11,
    QL_SVF_APPLIER = 1u << 12,
    QL_SVF_ADMIN_OFF = 1u << 13,
    QL_SVF_HINT = 1u << 14
};

typedef enum ql_sysvar_id {
#define QL_SYSVAR(id, ...) QL_SV_##id,
#include "vars/sysvars.def"
#undef QL_SYSVAR
    QL_SV_COUNT
} ql_sysvar_id;

/* Session values that code asks for often are plain members, kept in step by the setter. */
typedef struct ql_vars {
    struct qli_globals *base; /* global values as they were at connect; counted reference */
    struct qli_override *own; /* session values that differ; owned */
    unsigned nown, cap_own;
    struct qli_hinted
        *hinted; /* what SET_VAR hints of the running statement have replaced; owned */
    struct ql_catalog_stage *catalog_stage; /* uncommitted catalog changes (catalog/stage.c) */
    void (*catalog_stage_free)(struct ql_catalog_stage *s); /* set with it */
    bool autocommit, sql_safe_updates, foreign_key_checks, unique_checks, sql_auto_is_null;
    uint64_t sql_mode;              /* bits QL_MODE_* */
    bool strict;                    /* STRICT_TRANS_TABLES or STRICT_ALL_TABLES */
    uint64_t max_execution_time_ms; /* SELECT */
    int64_t max_statement_time_us;  /* all statements (MariaDB's) */
    uint64_t max_allowed_packet, net_read_timeout, net_write_timeout, wait_timeout,
        interactive_timeout;
    uint64_t lock_wait_timeout, innodb_lock_wait_timeout, group_concat_max_len,
        div_precision_increment;
    uint64_t sql_select_limit;
    uint64_t switches; /* optimizer_switch: bit n is ql_switch n (vars/switches.h) */
    bool plain_plans;  /* debug_plain_plans */
    ql_isolation isolation;
    bool tx_read_only;
    /* SET TRANSACTION without SESSION or GLOBAL: for the next transaction only; value + 1, 0 = not
     * given. Cleared by session/ when that transaction has ended. */
    int next_isolation, next_read_only;
    const ql_charset *cs_client, *cs_results; /* cs_results NULL = no conversion */
    const ql_collation *coll_connection, *coll_database;
    struct ql_zones *zones;  /* vars/zones.h: the instance's */
    const ql_locale *locale; /* lc_time_names */
    const ql_zone *zone; /* time_zone; stays valid until the instance ends. cx->zone is the same */
    ql_str db;           /* current database; n 0 = none; owned */
    uint64_t last_insert_id, found_rows, insert_id;
    bool last_insert_id_given; /* the running statement has called LAST_INSERT_ID(expr); exec/ */
    int64_t row_count;
    int64_t timestamp_us;       /* NOW() of the running statement */
    int64_t fixed_timestamp_us; /* SET TIMESTAMP; 0 = clock */
    uint64_t rand_seed1, rand_seed2;
    uint64_t *counts;                        /* ql_counter, then Com_xxx: of this session; owned */
    uint64_t status_warnings, status_errors; /* @@warning_count, @@error_count; set by session */
    ql_hash user_vars;                       /* @x: ql_user_var, by lower-cased name */
    struct ql_quota *kept; /* what the session keeps from statement to statement; or NULL */
    ql_viewer viewer;
    const struct ql_account *account; /* acl/: privileges of the session; NULL before login */
    struct ql_acl_connections *acl_connections; /* acl/: where the session is counted */
    struct ql_acl_session *acl_session;         /* acl/: the grants looked at last; owned by acl */
    bool is_server;      /* runs --init-file: read_only and super_read_only do not bind it */
    bool acl_changed;    /* acl/: this transaction changed accounts */
    ql_str current_user; /* 'user@host' of the matched account */
    ql_str login_user;   /* 'user@clienthost' for USER() */
    const char *ssl_version, *ssl_cipher; /* NULL or "" without TLS; static; set at login */
    uint64_t thread_id;
    bool in_transaction;    /* explicit, or autocommit off with work done */
    struct ql_arena *arena; /* session lifetime */
} ql_vars;

enum ql_sql_mode_bit {
    QL_MODE_ANSI_QUOTES = 1u << 0,
    QL_MODE_NO_BACKSLASH_ESCAPES = 1u << 1,
    QL_MODE_PIPES_AS_CONCAT = 1u << 2,
    QL_MODE_IGNORE_SPACE = 1u << 3,
    QL_MODE_STRICT_TRANS = 1u << 4,
    QL_MODE_STRICT_ALL = 1u << 5,
    QL_MODE_NO_ZERO_DATE = 1u << 6,
    QL_MODE_NO_ZERO_IN_DATE = 1u << 7,
    QL_MODE_DIV_BY_ZERO = 1u << 8,
    QL_MODE_ONLY_FULL_GROUP_BY = 1u << 9,
    QL_MODE_NO_ENGINE_SUBST = 1u << 10,
    QL_MODE_NO_AUTO_VALUE_ON_ZERO = 1u << 11,
    QL_MODE_HIGH_NOT = 1u << 12,
    QL_MODE_NO_UNSIGNED_SUB = 1u << 13,
    QL_MODE_PAD_CHAR = 1u << 14,
    QL_MODE_TRADITIONAL = 1u << 15,
    QL_MODE_ANSI = 1u << 16,
    QL_MODE_REAL_AS_FLOAT = 1u << 17,
    QL_MODE_NO_DIR_IN_CREATE = 1u << 18,
    QL_MODE_ALLOW_INVALID_DATES = 1u << 19,
    QL_MODE_TIME_TRUNC = 1u << 20
};

/* QL_STORE_* (types/store.h) of the session's sql_mode. */
unsigned ql_store_mode(const ql_ctx *cx, bool strict);

ql_sysvars *ql_sysvars_new(void) QL_MUST_USE;
void ql_sysvars_free(ql_sysvars *sv);
/* Set from configuration (command line, option file): name with - or _, text value (K, M, G
 * suffixes). QL_END = no such variable. A number out of range is adjusted and a variable without
 * effect ignored, with a warning in cx->diag as MySQL's; a port is refused. Before sessions exist.
 */
ql_status ql_sysvars_configure(ql_ctx *cx, ql_sysvars *sv, ql_str name, ql_str value) QL_MUST_USE;
/* Is it ON or OFF, so that an option may name it without a value? */
bool ql_sysvar_is_switch(ql_sysvar_id id);
/* May a SET_VAR hint set it for one statement? */
bool ql_sysvar_is_hintable(ql_sysvar_id id);
/* Who may SET the session value. */
typedef enum ql_sysvar_right {
    QL_SYSVAR_FREE,     /* everybody */
    QL_SYSVAR_ADMIN,    /* SESSION_VARIABLES_ADMIN, or what implies it */
    QL_SYSVAR_APPLIER,  /* also REPLICATION_APPLIER */
    QL_SYSVAR_ADMIN_OFF /* everybody to ON; otherwise as QL_SYSVAR_ADMIN */
} ql_sysvar_right;
ql_sysvar_right ql_sysvar_session_right(ql_sysvar_id id);
/* Nearest known variable name to an unknown one, or NULL. */
const char *ql_sysvars_nearest(ql_str name);

/* Session values from the globals. */
ql_status ql_vars_init(ql_ctx *cx, ql_vars *v, ql_arena *session_arena) QL_MUST_USE;
void ql_vars_fini(ql_vars *v);
ql_status ql_vars_reset(ql_ctx *cx, ql_vars *v) QL_MUST_USE; /* CHANGE USER, RESET CONNECTION */

/* Type of @@name in expressions. */
ql_type ql_sysvar_type(ql_sysvar_id id);
/* Session value of id without cx (0 when it is no number): for code that has a ql_vars only. */
uint64_t ql_vars_u64(const ql_vars *v, ql_sysvar_id id);
/* Id by name or -1. */
int ql_sysvar_find(ql_str name);
const char *ql_sysvar_name(ql_sysvar_id id);
bool ql_sysvar_is_session(ql_sysvar_id id);
bool ql_sysvar_is_global(ql_sysvar_id id);
/* Read @@name; 1193, 1238 worded. Bytes valid until the statement ends. */
ql_status ql_sysvar_get(ql_ctx *cx, ql_sysvar_id id, bool global, ql_value *out) QL_MUST_USE;
/* SET; value NULL pointer = DEFAULT. Checks type and range as MySQL (1231, 1232, warning 1292 for
 * adjusted); privileges are checked by the caller. Side effects outside the catalog (gates, log
 * verbosity) run through hooks registered below. */
ql_status ql_sysvar_set(ql_ctx *cx, ql_sysvar_id id, bool global,
                        const ql_value *value) QL_MUST_USE;
/* A SET_VAR hint: the session value until ql_vars_unhint. As ql_sysvar_set of a variable that
 * ql_sysvar_is_hintable; what is wrong with the value is a warning, and the hint is left out.
 * QL_ERROR: no memory. */
ql_status ql_sysvar_hint(ql_ctx *cx, ql_sysvar_id id, const ql_value *value) QL_MUST_USE;
/* The statement is over: the values are as they were. Cannot fail. */
void ql_vars_unhint(ql_ctx *cx, ql_vars *v);
/* SET @@transaction_isolation, @@transaction_read_only (SET TRANSACTION): for the next transaction
 * only. 1568 in a transaction. */
ql_status ql_sysvar_set_for_next(ql_ctx *cx, ql_sysvar_id id, const ql_value *value) QL_MUST_USE;
typedef void (*ql_sysvar_hook)(ql_instance *inst, ql_sysvar_id id, const ql_value *value);
void ql_sysvars_on_change(ql_sysvars *sv, ql_sysvar_id id, ql_sysvar_hook hook);
/* SET GLOBAL id is setter's business: it may fail and wait, and publishes the value. For what is
 * above. */
typedef ql_status (*ql_sysvar_setter)(ql_ctx *cx, ql_sysvar_id id, const ql_value *value);
void ql_sysvars_set_through(ql_sysvars *sv, ql_sysvar_id id, ql_sysvar_setter setter);
/* v is the global value of id from now on. QL_ERROR 1037. */
ql_status ql_sysvar_publish(ql_ctx *cx, ql_sysvars *sv, ql_sysvar_id id,
                            const ql_value *v) QL_MUST_USE;
uint64_t ql_sysvar_global_u64(ql_instance *inst, ql_sysvar_id id); /* booleans too */
/* Text as SHOW VARIABLES shows it (ON/OFF). */
ql_status ql_sysvar_print(ql_ctx *cx, ql_sysvar_id id, const ql_value *v, ql_str *out) QL_MUST_USE;
/* The current database has that name (n 0: none) and collation. Does not look whether it is there:
 * ql_catalog_use does. */
ql_status ql_vars_set_db(ql_ctx *cx, ql_str db, const ql_collation *coll) QL_MUST_USE;
ql_status ql_vars_set_names(ql_ctx *cx, ql_str charset,
                            ql_str collation) QL_MUST_USE; /* 1115, 1273, 1253 */

/* User variables. get: NULL value when unset. */
/* Bytes of a string stay valid until the statement ends, also when the variable is set again. */
void ql_uservar_get(ql_ctx *cx, ql_str name, ql_value *out);
ql_status ql_uservar_set(ql_ctx *cx, ql_str name, const ql_value *v) QL_MUST_USE;

/* Status counters (statusvars.def). Global counters are atomics in the instance, a session's are in
 * its ql_vars. */
typedef enum ql_counter {
#define QL_STATUSVAR(id, scope, name, what) QL_CT_##id,
#include "vars/statusvars.def"
#undef QL_STATUSVAR
    QL_CT_COUNT
} ql_counter;
void ql_count(ql_ctx *cx, ql_counter id, uint64_t n); /* for the server and for cx's session */
void ql_counts_reset(ql_vars *v);                     /* FLUSH STATUS: the session's begin anew */
uint64_t ql_counter_get(ql_instance *inst, ql_counter id);
/* Raise to n when below: Max_used_connections. */
void ql_count_max(ql_ctx *cx, ql_counter id, uint64_t n);
/* Com_<name> of statements.def and commands.def. */
typedef enum ql_com_counter {
#define QL_STATEMENT_FORM(...)
#define QL_STATEMENT(id, com, ...) QL_CC_##com,
#include "vars/statements.def"
#undef QL_STATEMENT
#define QL_COMMAND(com) QL_CC_##com,
#include "vars/commands.def"
#undef QL_COMMAND
    QL_CC_COUNT
} ql_com_counter;
/* QL_CC_none counts nothing. */
void ql_count_command(ql_ctx *cx, ql_com_counter com);
/* Status variable name (static) is what read says, called by any thread; at most 8, before sessions
 * exist. For what is above. */
void ql_status_gauge(ql_sysvars *sv, const char *name, uint64_t (*read)(ql_instance *inst));
/* All status variables as name/value text, sorted; values computed at call time (Uptime,
 * Threads_connected, Quell_*) included. */
typedef struct ql_name_value {
    ql_str name, value;
} ql_name_value;
ql_status ql_status_list(ql_ctx *cx, ql_arena *a, bool global, ql_name_value **v,
                         size_t *n) QL_MUST_USE;
ql_status ql_sysvar_list(ql_ctx *cx, ql_arena *a, bool global, ql_name_value **v,
                         size_t *n) QL_MUST_USE;

#endif
