/* SPDX-License-Identifier: Apache-2.0
 *
 * Sync points in MySQL's DEBUG_SYNC syntax ("now SIGNAL s", "point SIGNAL s WAIT_FOR t TIMEOUT 3
 * EXECUTE 2 HIT_LIMIT 4", "RESET", "point CLEAR"), for tests to reach a state. Compiled into debug
 * builds (QL_DEBUG) only.
 */
#ifndef QL_INTR_SYNC_H
#define QL_INTR_SYNC_H

#include "intr/wait.h"

typedef struct ql_syncs ql_syncs; /* signals, shared by the instance */

/* QUELL_CRASH_AT=point in the environment: the process ends there by SIGKILL, also at points of the
 * start, where no session can set anything. */
ql_syncs *ql_syncs_new(void);
void ql_syncs_free(ql_syncs *s);

typedef enum ql_sync_point {
    QL_SP_NONE,
#define QL_SYNC_POINT(name, where) QL_SP_##name,
#include "intr/sync.def"
#undef QL_SYNC_POINT
    QL_SP_COUNT
} ql_sync_point;

/* SET DEBUG_SYNC = 'text'. Actions belong to the session whose ctx this is; those set with GLOBAL
 * prefix
 * ("global point ...", Quell's own) also hit background threads such as the committer. 1064-like
 * error on bad text. */
/* ... Two more texts, for the sweeps: "kill_at N QUERY|CONNECTION|TIME|GONE|SHUTDOWN" raises that
 * reason at checkpoint N of this session's next statement, "fail_alloc_at N" lets its Nth arena
 * allocation fail. */
ql_status ql_sync_set(ql_ctx *cx, ql_str text) QL_MUST_USE;
/* @@debug_sync: "ON - signals: 's1,s2'" or "OFF". */
const char *ql_sync_current(ql_ctx *cx, struct ql_arena *a);
/* Release the session's own actions (session end). */
void ql_sync_session_end(ql_ctx *cx);

/* Run the actions of a point. Waits: DEBUG_SYNC (killable; a kill ends the wait and returns
 * QL_KILLED). */
ql_status ql_sync_run(ql_ctx *cx, ql_sync_point point) QL_MUST_USE;

#ifdef QL_DEBUG
#define QL_SYNC(cx, name) ql_sync_run((cx), QL_SP_##name)
#else
#define QL_SYNC(cx, name) QL_OK
#endif

#endif
