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

/* Account as matched at login; a snapshot owned by the session. */
typedef struct ql_account {
    ql_str user, host; /* of the account row: 'root'@'localhost' */
    ql_str plugin, auth_string;
    ql_privs privs; /* global */
    bool grant_option, locked;
} ql_account;

/* Load accounts; an empty keyspace has none. */
ql_status ql_acl_open(ql_ctx *cx, ql_acl **out) QL_MUST_USE;
void ql_acl_close(ql_acl *acl);
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

/* Statements, inside cx->txn. Error numbers as MySQL: 1396, 1410, 1524 ... */
struct ql_ast_account_stmt;
ql_status ql_acl_create_user(ql_ctx *cx, ql_str user, ql_str host, ql_str plugin,
                             ql_str auth_string, bool if_not_exists) QL_MUST_USE;
ql_status ql_acl_alter_user(ql_ctx *cx, ql_str user, ql_str host, ql_str plugin, ql_str auth_string,
                            bool if_exists) QL_MUST_USE;
ql_status ql_acl_drop_user(ql_ctx *cx, ql_str user, ql_str host, bool if_exists) QL_MUST_USE;
ql_status ql_acl_grant(ql_ctx *cx, ql_str user, ql_str host, const ql_privs *privs,
                       bool grant_option) QL_MUST_USE;
ql_status ql_acl_revoke(ql_ctx *cx, ql_str user, ql_str host, const ql_privs *privs,
                        bool grant_option) QL_MUST_USE;
/* Privilege by its SQL name ("CONNECTION_ADMIN", "SELECT"); -1 = unknown. "CONNECTION ADMIN"
 * (MariaDB) too. */
int ql_privilege_find(ql_str name);
const char *ql_privilege_name(ql_privilege p);
bool ql_privilege_is_dynamic(ql_privilege p);
ql_privs ql_privs_all(void);
/* Lines of SHOW GRANTS. */
ql_status ql_acl_show_grants(ql_ctx *cx, ql_arena *a, ql_str user, ql_str host, ql_str **lines,
                             size_t *n) QL_MUST_USE;

/* The session's privileges: set at login, kept in the session, reached here. */
void ql_acl_set_session(ql_ctx *cx, const ql_account *account);
/* 1227 worded, naming the privileges, unless the session has one of the two (pass the same twice
 * for one). */
ql_status ql_acl_require(ql_ctx *cx, ql_privilege a, ql_privilege b) QL_MUST_USE;
bool ql_acl_has(ql_ctx *cx, ql_privilege p);
/* Privilege on a table or database (global ones only in this cut): 1142, 1044 worded. */
ql_status ql_acl_require_table(ql_ctx *cx, ql_privilege p, ql_str db, ql_str table) QL_MUST_USE;
ql_status ql_acl_require_db(ql_ctx *cx, ql_privilege p, ql_str db) QL_MUST_USE;

/* 1290 under read_only without CONNECTION_ADMIN or SUPER, and under super_read_only. */
ql_status ql_acl_may_change(ql_ctx *cx) QL_MUST_USE;

void ql_acl_committed(ql_ctx *cx); /* changes of cx->txn become visible */
void ql_acl_rolled_back(ql_ctx *cx);
/* FLUSH PRIVILEGES: read all accounts anew. */
ql_status ql_acl_flush(ql_ctx *cx) QL_MUST_USE;
/* The record of that very account as cx->txn sees it (SHOW CREATE USER, ALTER USER); QL_END = none.
 * Strings in cx->arena. */
ql_status ql_acl_account(ql_ctx *cx, ql_str user, ql_str host, ql_account *out) QL_MUST_USE;

#endif
