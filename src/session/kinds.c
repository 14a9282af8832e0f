/* SPDX-License-Identifier: Apache-2.0
 *
 * What a kind of statement does to transactions and data: the one list that the rest of session/
 * asks. A kind that is not in it reads. No state.
 */
#include "session/session_int.h"

/* Control of transactions themselves. */
#define TXN (QLI_KIND_CONTROL)
/* Definitions and accounts: commits what came before and then itself (manual, "Statements That
 * Cause an Implicit Commit"). */
#define DEFS (QLI_KIND_DEFINITIONS | QLI_KIND_COMMITS)

static const uint8_t kinds[QL_S_UNBUILT + 1] = {
    [QL_S_INSERT] = QLI_KIND_ROWS,
    [QL_S_UPDATE] = QLI_KIND_ROWS,
    [QL_S_DELETE] = QLI_KIND_ROWS,
    [QL_S_LOAD] = QLI_KIND_ROWS,
    [QL_S_CREATE_DATABASE] = DEFS,
    [QL_S_DROP_DATABASE] = DEFS,
    [QL_S_ALTER_DATABASE] = DEFS,
    [QL_S_CREATE_TABLE] = DEFS,
    [QL_S_DROP_TABLE] = DEFS,
    [QL_S_TRUNCATE] = DEFS,
    [QL_S_ALTER_TABLE] = DEFS,
    [QL_S_CREATE_INDEX] = DEFS,
    [QL_S_DROP_INDEX] = DEFS,
    [QL_S_RENAME_TABLE] = DEFS,
    [QL_S_CREATE_USER] = DEFS,
    [QL_S_ALTER_USER] = DEFS,
    [QL_S_DROP_USER] = DEFS,
    [QL_S_RENAME_USER] = DEFS,
    [QL_S_GRANT] = DEFS,
    [QL_S_REVOKE] = DEFS,
    [QL_S_SET_PASSWORD] = DEFS,
    [QL_S_OPTIMIZE] = QLI_KIND_REBUILDS | QLI_KIND_COMMITS,
    [QL_S_REPAIR] = QLI_KIND_REBUILDS | QLI_KIND_COMMITS,
    [QL_S_ANALYZE] = QLI_KIND_COMMITS,
    [QL_S_CHECK] = QLI_KIND_COMMITS,
    [QL_S_LOCK_TABLES] = QLI_KIND_COMMITS | QLI_KIND_AT_ONCE,
    [QL_S_UNLOCK_TABLES] = QLI_KIND_AT_ONCE,
    [QL_S_FLUSH] = QLI_KIND_COMMITS | QLI_KIND_AT_ONCE,
    [QL_S_LOCK_INSTANCE] = QLI_KIND_AT_ONCE,
    [QL_S_UNLOCK_INSTANCE] = QLI_KIND_AT_ONCE,
    [QL_S_SET] = QLI_KIND_AT_ONCE,
    [QL_S_KILL] = QLI_KIND_AT_ONCE,
    [QL_S_PREPARE] = QLI_KIND_AT_ONCE,
    [QL_S_DEALLOCATE] = QLI_KIND_AT_ONCE,
    [QL_S_BEGIN] = TXN,
    [QL_S_COMMIT] = TXN,
    [QL_S_ROLLBACK] = TXN,
    [QL_S_SAVEPOINT] = TXN,
    [QL_S_ROLLBACK_TO] = TXN,
    [QL_S_RELEASE_SAVEPOINT] = TXN,
};

bool
qli_kind_does(ql_stmt_kind kind, unsigned what)
{
    return (size_t)kind < QL_ARRAY_LEN(kinds) && (kinds[kind] & what) != 0;
}
