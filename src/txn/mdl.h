/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata locks: what a statement uses must not be changed under it. Modes, compatibility and
 * priorities are MySQL's (manual, "Metadata Locking"; the matrices stand in mdl_table.c). The same
 * table of named locks serves the global read lock, the backup lock, commits, table-level locks
 * (ENGINE=MyISAM) and user-level locks.
 */
#ifndef QL_TXN_MDL_H
#define QL_TXN_MDL_H

#include "base/arena.h"
#include "intr/wait.h"

typedef enum ql_mdl_space {
    QL_MDL_GLOBAL,     /* one lock: IX by statements that write, S by FLUSH TABLES WITH READ LOCK */
    QL_MDL_BACKUP,     /* one lock: IX by DDL, S by LOCK INSTANCE FOR BACKUP */
    QL_MDL_COMMIT,     /* one lock: IX by commits that write, S by FLUSH TABLES WITH READ LOCK */
    QL_MDL_SCHEMA,     /* "db": IX by DDL inside, X by CREATE, ALTER, DROP DATABASE */
    QL_MDL_TABLE,      /* "db\0table" */
    QL_MDL_USER_LOCK,  /* GET_LOCK: X, counted (txn/userlock.h) */
    QL_MDL_TABLE_DATA, /* "db\0table": S or X on the rows of a table without transactions; FIFO */
    QL_MDL_CHECK,      /* "db\0name": X by DDL that gives a CHECK constraint that name */
    QL_MDL_FOREIGN,    /* "db\0name": X by DDL that gives a foreign key that name */
    QL_MDL_SPACES
} ql_mdl_space;

/* Of GLOBAL, BACKUP, COMMIT, SCHEMA, CHECK and FOREIGN only IX, S and X; of TABLE all but IX. */
typedef enum ql_mdl_mode {
    QL_MDL_IX,
    QL_MDL_S,    /* the definition is looked at, may come to more */
    QL_MDL_SH,   /* the definition is looked at at once: passes those who wait for X */
    QL_MDL_SR,   /* rows are read */
    QL_MDL_SW,   /* rows are changed or locked */
    QL_MDL_SU,   /* ALTER TABLE at first: others read and write */
    QL_MDL_SRO,  /* LOCK TABLES READ: others read */
    QL_MDL_SNW,  /* ALTER TABLE that copies: others read */
    QL_MDL_SNRW, /* LOCK TABLES WRITE: others look at the definition */
    QL_MDL_X,
    QL_MDL_MODES
} ql_mdl_mode;

typedef enum ql_mdl_duration {
    QL_MDL_STATEMENT,
    QL_MDL_TRANSACTION,
    QL_MDL_EXPLICIT, /* until ql_mdl_release and its kin */
    QL_MDL_DURATIONS
} ql_mdl_duration;

/* The locks of one session; owner: the session, in cx->mdl. */
struct ql_mdl_set;
struct ql_mdl_set *ql_mdl_set_new(void) QL_MUST_USE;
void ql_mdl_set_free(ql_ctx *cx, struct ql_mdl_set *set); /* releases all */

/* Lock a name. Held already in that or a stronger mode: only the duration is made longer. Other
 * locks of the same session are never in the way, and who holds a lock on the object does not queue
 * behind those who wait for it. QL_ERROR 1205 after dl, 1213 on deadlock (USER_LOCK: 3058). While
 * it waits, the session's admission ticket is somebody else's. Waits: MDL, MDL_GLOBAL, MDL_BACKUP,
 * MDL_SCHEMA, MDL_COMMIT, TABLE_LOCK by the space, ADMISSION. */
ql_status ql_mdl_acquire(ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode mode,
                         ql_mdl_duration d, ql_deadline dl) QL_MUST_USE;
/* The same for one who has a weaker lock on the name and could go on for long: it asks again and
 * again, for at most `patience` ms each time, and in between those who came after it are let pass,
 * so that they do not stand behind somebody who waits for a transaction that does not end. */
ql_status ql_mdl_upgrade(ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode mode,
                         ql_mdl_duration d, int patience, ql_deadline dl) QL_MUST_USE;
/* A lock got in mode `from` is one in mode `to` from now on, or none where the session holds `to`
 * or better beside it; who waits for what has become possible goes on. Never waits. */
void ql_mdl_downgrade(ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode from,
                      ql_mdl_mode to);
/* From now on, until it is called with false: what the session asks for the transaction it gets for
 * the statement (a statement that is only prepared). */
void ql_mdl_set_brief(ql_ctx *cx, bool brief);
/* Does the session hold the name in that or a stronger mode? */
bool ql_mdl_holds(const ql_ctx *cx, ql_mdl_space space, ql_str name, ql_mdl_mode mode);

/* None of these waits or fails. */
void ql_mdl_release_statement(ql_ctx *cx);
void ql_mdl_release_transaction(ql_ctx *cx); /* and the statement's */
/* All of that name and duration EXPLICIT. */
void ql_mdl_release(ql_ctx *cx, ql_mdl_space space, ql_str name);
/* All of that space and duration EXPLICIT. */
void ql_mdl_release_space(ql_ctx *cx, ql_mdl_space space);

/* For listings. Strings in the arena. */
typedef struct ql_mdl_info {
    ql_mdl_space space;
    ql_str db, name; /* USER_LOCK: name only */
    ql_mdl_mode mode;
    ql_mdl_duration duration;
    bool granted;
    uint64_t conn_id, blocking_conn_id; /* waiting ones: the first in the way */
    const void *lock_id;                /* the same for requests for the same thing */
} ql_mdl_info;
/* Granted and waiting requests of all sessions. */
ql_status ql_mdl_list(ql_ctx *cx, ql_arena *a, ql_mdl_info **out, size_t *n) QL_MUST_USE;
/* Is a lock granted in one mode in the way of a request for the other by somebody else? */
bool ql_mdl_conflicts(ql_mdl_space space, ql_mdl_mode granted, ql_mdl_mode wanted);
/* As performance_schema.metadata_locks writes them: "TABLE", "SHARED_READ", "TRANSACTION". */
const char *ql_mdl_space_name(ql_mdl_space space);
const char *ql_mdl_mode_name(ql_mdl_mode mode);
const char *ql_mdl_duration_name(ql_mdl_duration d);

#endif
