/* SPDX-License-Identifier: Apache-2.0
 *
 * User-level locks (GET_LOCK and its kin): names that mean nothing to the server. A session may
 * hold many, each several times; they outlive transactions and end with the session.
 */
#ifndef QL_TXN_USERLOCK_H
#define QL_TXN_USERLOCK_H

#include "intr/wait.h"

/* QL_OK: held, once more than before. QL_TIMEOUT (nothing worded): dl came first. QL_ERROR 3058:
 * waiting would close a cycle; the transaction is not touched. Killed while waiting: not held, the
 * others are. Waits: USER_LOCK, ADMISSION. */
ql_status ql_user_lock_get(ql_ctx *cx, ql_str name, ql_deadline dl) QL_MUST_USE;

typedef enum ql_user_lock_state {
    QL_USER_LOCK_FREE,
    QL_USER_LOCK_MINE,
    QL_USER_LOCK_OTHERS,
} ql_user_lock_state;
/* conn_id (may be NULL): of the holder, 0 = free. */
ql_user_lock_state ql_user_lock_owner(ql_ctx *cx, ql_str name, uint64_t *conn_id);
/* MINE: it was, and is held once less now. Never waits. */
ql_user_lock_state ql_user_lock_release(ql_ctx *cx, ql_str name);
/* How many were held, those held several times counted so. Never waits. */
uint64_t ql_user_lock_release_all(ql_ctx *cx);
/* The running statement was killed: what it got is given back, as its client cannot know of it. */
void ql_user_lock_stmt_killed(ql_ctx *cx);

#endif
