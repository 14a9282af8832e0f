/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts and privileges. Accounts are records in the keyspace with a cache; authentication
 * plugins' server sides (hashes, not wire).
 */
#ifndef QL_ACL_ACL_H
#define QL_ACL_ACL_H

#include "base/arena.h"
#include "catalog/catalog.h"

typedef struct ql_acl ql_acl;

/* Static and dynamic privileges (privileges.def), one bit each. */
typedef enum ql_privilege {
#define QL_PRIVILEGE(id, name, dynamic) QL_PRIV_##id,
#include "acl/privileges.def"
#undef QL_PRIVILEGE
    QL_PRIV_COUNT
} ql_privilege;

typedef struct ql_privs {
    uint64_t bits[2];
} ql_privs;
static inline bool
ql_privs_has(const ql_privs *p, ql_privilege id)
{
    return (p->bits[id >> 6] >> (id & 63)) & 1;
}

/* Static privileges as a set of bits (positions as in ql_privs), with GRANT OPTION as one of them:
 * what checks of databases and tables are made of. */
typedef uint64_t ql_pmask;
#define QL_PM(id) ((ql_pmask)1 << QL_PRIV_##id)
#define QL_PM_GRANT ((ql_pmask)1 << 63)
#define QL_PM_STATIC (QL_PM(ALLOW_NONEXISTENT_DEFINER) - 1) /* that is the first dynamic one */
/* What can be granted on a table, on a database (without GRANT OPTION): what ALL means there. */
#define QL_PM_TABLE                                                                                \
    (QL_PM(SELECT) | QL_PM(INSERT) | QL_PM(UPDATE) | QL_PM(DELETE) | QL_PM(CREATE) | QL_PM(DROP) | \
     QL_PM(REFERENCES) | QL_PM(INDEX) | QL_PM(ALTER) | QL_PM(CREATE_VIEW) | QL_PM(SHOW_VIEW) |     \
     QL_PM(TRIGGER))
#define QL_PM_DB                                                                                   \
    (QL_PM_TABLE | QL_PM(CREATE_TEMPORARY_TABLES) | QL_PM(LOCK_TABLES) | QL_PM(EXECUTE) |          \
     QL_PM(CREATE_ROUTINE) | QL_PM(ALTER_ROUTINE) | QL_PM(EVENT))

/* Account as matched at login; a snapshot owned by the session. */
typedef struct ql_account {
    ql_str user, host; /* of the account row: 'root'@'localhost' */
    ql_str plugin, auth_string;
    ql_privs privs; /* global */
    bool grant_option, locked;
    uint32_t max_user_connections; /* 0 = max_user_connections of the server */
    uint32_t foreign; /* a newer server wrote what must be understood, in that section: nobody gets
                         in, nothing can be changed but by DROP USER; 0 = none */
    ql_str unknown;   /* sections of the record to be kept as they are */
} ql_account;

/* What a GRANT or REVOKE is about. Columns and routines will be further levels. */
typedef enum ql_grant_level {
    QL_GRANT_GLOBAL,
    QL_GRANT_DB, /* db is a pattern: % and _, escaped with a backslash */
    QL_GRANT_TABLE
} ql_grant_level;
typedef struct ql_grant_object {
    ql_grant_level level;
    ql_str db, table;
} ql_grant_object;
/* Privileges given or taken; dynamic ones are global. */
typedef struct ql_grant_set {
    ql_privs privs;
    bool option; /* GRANT OPTION too */
} ql_grant_set;

/* Load accounts; an empty keyspace has none. */
ql_status ql_acl_open(ql_ctx *cx, ql_acl **out) QL_MUST_USE;
void ql_acl_close(ql_acl *acl);
/* Writes all records of accounts and grants in today's format, inside cx->txn: for
 * ql_catalog_upgrade. */
ql_status ql_acl_upgrade(ql_ctx *cx) QL_MUST_USE;
/* First accounts: root@localhost with all privileges; plugin auth_socket for os_user, or with no
 * password when insecure. Inside cx->txn. */
ql_status ql_acl_bootstrap(ql_ctx *cx, ql_str os_user, bool insecure) QL_MUST_USE;

/* Best match for user from host ("localhost" for the Unix socket and 127.0.0.1/::1 as MySQL with
 * skip-name-resolve off; else the address), most specific host first. QL_END = none (then
 * authenticate against a decoy and fail with 1045). Strings in a. */
ql_status ql_acl_find(ql_ctx *cx, ql_arena *a, ql_str user, ql_str host,
                      ql_account *out) QL_MUST_USE;

/* Password checks. caching_sha2_password: auth_string "$A$005$<20 salt><43 digest>" as MySQL's; the
 * fast path's cache of SHA256(SHA256(password)) is in ql_acl. */
typedef enum ql_auth_result { QL_AUTH_OK, QL_AUTH_FAIL, QL_AUTH_NEED_FULL } ql_auth_result;
ql_auth_result ql_acl_check_native(const ql_account *a, const uint8_t nonce[20], ql_str response);
ql_auth_result ql_acl_check_sha2_fast(ql_ctx *cx, const ql_account *a, const uint8_t nonce[20],
                                      ql_str response);
/* CPU-bound (5,000 rounds): looks at the kill flag. Fills the cache on success. */
ql_status ql_acl_check_sha2_full(ql_ctx *cx, const ql_account *a, ql_str password,
                                 ql_auth_result *out) QL_MUST_USE;
/* auth_string for a new password. */
ql_status ql_acl_make_auth_string(ql_ctx *cx, ql_arena *a, ql_str plugin, ql_str password,
                                  ql_str *out) QL_MUST_USE;

/* Statements, inside cx->txn, after their privileges have been checked. Error numbers as MySQL:
 * 1396, 1410, 1524 ... Waits: ROW_LOCK. */
ql_status ql_acl_create_user(ql_ctx *cx, const ql_account *account, bool if_not_exists) QL_MUST_USE;
/* What ALTER USER and SET PASSWORD change of an account. */
typedef struct ql_account_change {
    ql_str plugin;                /* p NULL = as it is */
    ql_str auth_string;           /* p NULL = as it is */
    int lock;                     /* ACCOUNT LOCK 1, UNLOCK 0, -1 as it is */
    int64_t max_user_connections; /* -1 = as it is */
} ql_account_change;
ql_status ql_acl_alter_user(ql_ctx *cx, ql_str user, ql_str host, const ql_account_change *change,
                            bool if_exists) QL_MUST_USE;
/* Its grants go with it. */
ql_status ql_acl_drop_user(ql_ctx *cx, ql_str user, ql_str host, bool if_exists) QL_MUST_USE;
ql_status ql_acl_rename_user(ql_ctx *cx, ql_str user, ql_str host, ql_str new_user,
                             ql_str new_host) QL_MUST_USE;
/* 1410, 1141 when there is no such account; REVOKE of a database 1141, of a table 1147 when nothing
 * is granted there. */
ql_status ql_acl_grant(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on,
                       const ql_grant_set *set) QL_MUST_USE;
ql_status ql_acl_revoke(ql_ctx *cx, ql_str user, ql_str host, const ql_grant_object *on,
                        const ql_grant_set *set) QL_MUST_USE;
/* REVOKE ALL PRIVILEGES, GRANT OPTION FROM: on every level. QL_END = no such account. */
ql_status ql_acl_revoke_all(ql_ctx *cx, ql_str user, ql_str host) QL_MUST_USE;
/* Privilege by its SQL name ("CONNECTION_ADMIN", "SELECT"); -1 = unknown. "CONNECTION ADMIN"
 * (MariaDB) too. */
int ql_privilege_find(ql_str name);
const char *ql_privilege_name(ql_privilege p);
bool ql_privilege_is_dynamic(ql_privilege p);
ql_privs ql_privs_all(void);
/* Static privileges of a mask as SQL names, GRANT OPTION as "GRANT", with ", " between. */
ql_status ql_pmask_print(ql_ctx *cx, ql_arena *a, ql_pmask mask, ql_str *out) QL_MUST_USE;
/* What an account has been granted on one database (as a pattern), on one table. */
typedef struct ql_granted {
    ql_str db, table; /* of a database: table.n 0 */
    ql_pmask mask;    /* with QL_PM_GRANT */
    ql_str grantor;   /* user@host that made the record */
    int64_t time;     /* Unix seconds of the last change */
} ql_granted;
typedef struct ql_account_grants {
    const ql_account *account;
    ql_granted *dbs, *tables;
    size_t ndbs, ntables;
} ql_account_grants;
/* All accounts and grants of the newest committed state, most specific hosts first, for those who
 * show them (who may see what is theirs to ask); they live until a is reset. */
ql_status ql_acl_list_accounts(ql_ctx *cx, ql_arena *a, ql_account_grants **v,
                               size_t *n) QL_MUST_USE;
/* Lines of SHOW GRANTS. */
ql_status ql_acl_show_grants(ql_ctx *cx, ql_arena *a, ql_str user, ql_str host, ql_str **lines,
                             size_t *n) QL_MUST_USE;

/* --- what the session may do ---
 * Global privileges are those of the account at login. Those of databases and tables are looked up
 * in the newest committed state, so that GRANT and REVOKE count from the next statement on. Nothing
 * here waits, opens a table or asks whether one exists. */

/* The session's account (NULL = nobody): set at login, kept by the session, reached here. */
void ql_acl_set_session(ql_ctx *cx, const ql_account *account);
/* Before cx->vars goes. */
void ql_acl_end_session(ql_ctx *cx);
/* Count the session among those of the account. QL_ERROR 1203, 1226: there are as many as
 * max_user_connections, or the account's own limit, allows; then it counts for none. */
ql_status ql_acl_connect(ql_ctx *cx, const ql_account *account) QL_MUST_USE;
void ql_acl_disconnect(ql_ctx *cx); /* it counts no longer; before cx->vars goes */

/* Somebody else's privileges for a while: the definer's, for what a view is made of. */
typedef struct ql_acl_self { /* who the session was */
    const struct ql_account *account;
    struct ql_acl_session *session;
    ql_str login_user;
    void *kept;
} ql_acl_self;
/* From here to ql_acl_return the session is that very account for all questions about privileges.
 * QL_END: there is none; nothing has changed. Calls nest. Never waits. */
ql_status ql_acl_become(ql_ctx *cx, ql_str user, ql_str host, ql_acl_self *was) QL_MUST_USE;
void ql_acl_return(ql_ctx *cx, const ql_acl_self *was);
/* Is there an account of that name, in the newest committed state? */
bool ql_acl_exists(ql_ctx *cx, ql_str user, ql_str host);

/* 1227 worded, naming the privileges, unless the session has one of the two (pass the same twice
 * for one). */
ql_status ql_acl_require(ql_ctx *cx, ql_privilege a, ql_privilege b) QL_MUST_USE;
bool ql_acl_has(ql_ctx *cx, ql_privilege p);
/* All of the mask, globally. */
bool ql_acl_globally(ql_ctx *cx, ql_pmask all);
/* What the session has on a database, a table of it: with what it has above. */
ql_pmask ql_acl_on_db(ql_ctx *cx, ql_str db);
ql_pmask ql_acl_on_table(ql_ctx *cx, ql_str db, ql_str table);
/* The same for the pattern of a GRANT: what the session has on every database it stands for. */
ql_pmask ql_acl_on_pattern(ql_ctx *cx, ql_str pattern);

/* Privilege on a table or database: 1142, 1044 worded. */
ql_status ql_acl_require_table(ql_ctx *cx, ql_privilege p, ql_str db, ql_str table) QL_MUST_USE;
ql_status ql_acl_require_db(ql_ctx *cx, ql_privilege p, ql_str db) QL_MUST_USE;
/* All of a mask; the error names what is missing. */
ql_status ql_acl_require_on_table(ql_ctx *cx, ql_pmask all, ql_str db, ql_str table) QL_MUST_USE;
/* At least one privilege on the table (SHOW); what: the command of 1142. */
ql_status ql_acl_require_any(ql_ctx *cx, const char *what, ql_str db, ql_str table) QL_MUST_USE;
/* FOR UPDATE: one of UPDATE, DELETE, LOCK TABLES. */
ql_status ql_acl_require_locking(ql_ctx *cx, ql_str db, ql_str table) QL_MUST_USE;
/* 1143: SELECT on a column. */
ql_status ql_acl_column_denied(ql_ctx *cx, ql_str table, ql_str column) QL_MUST_USE;
/* 1142 with these words. */
ql_status ql_acl_table_denied(ql_ctx *cx, const char *what, ql_str table) QL_MUST_USE;
/* 1044. */
ql_status ql_acl_db_denied(ql_ctx *cx, ql_str db) QL_MUST_USE;
/* USE, SHOW CREATE DATABASE, login: any privilege in the database or on a table of it; 1044. */
ql_status ql_acl_require_entry(ql_ctx *cx, ql_str db) QL_MUST_USE;
/* What lists show. */
bool ql_acl_sees_db(ql_ctx *cx, ql_str db);
bool ql_acl_sees_table(ql_ctx *cx, ql_str db, ql_str table);
/* "select,insert,update,references", as far as the session has them on that table. */
const char *ql_acl_column_privileges(ql_ctx *cx, ql_str db, ql_str table);
/* Does that account, as cx->txn sees it, have SYSTEM_USER, so that only those who have it may
 * change it? 1227 if so and the session has not. No such account: QL_OK. */
ql_status ql_acl_require_power_over(ql_ctx *cx, ql_str user, ql_str host) QL_MUST_USE;

/* 1290 under read_only without CONNECTION_ADMIN or SUPER, and under super_read_only. */
ql_status ql_acl_may_change(ql_ctx *cx) QL_MUST_USE;

/* files.c. The file that a statement names, as far as secure_file_priv allows: absolute, without
 * links, in the statement's arena; relative names are the data directory's. is_new: it is going to
 * be made, so it need not be there. QL_ERROR 1290; 13: it is not there; 1: nor is its directory. */
ql_status ql_acl_file_path(ql_ctx *cx, ql_str name, bool is_new, const char **out) QL_MUST_USE;
/* LOAD DATA without LOCAL: FILE, 1045 (SELECT ... INTO OUTFILE says 1227: ql_acl_require). */
ql_status ql_acl_require_load_file(ql_ctx *cx) QL_MUST_USE;

void ql_acl_committed(ql_ctx *cx); /* changes of cx->txn become visible */
void ql_acl_rolled_back(ql_ctx *cx);
/* FLUSH PRIVILEGES: read all accounts anew. */
ql_status ql_acl_flush(ql_ctx *cx) QL_MUST_USE;
/* The record of that very account as cx->txn sees it (SHOW CREATE USER, ALTER USER); QL_END = none.
 * Strings in cx->arena. */
ql_status ql_acl_account(ql_ctx *cx, ql_str user, ql_str host, ql_account *out) QL_MUST_USE;

#endif
