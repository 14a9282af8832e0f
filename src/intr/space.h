/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for free disk space: one thread looks at the file system once a second while somebody
 * waits.
 */
#ifndef QL_INTR_SPACE_H
#define QL_INTR_SPACE_H

#include "intr/wait.h"

typedef struct ql_space ql_space;

/* Watches the file system that holds path. reserve: bytes that must be free for it to count as
 * having space. */
ql_space *ql_space_new(ql_ctx *cx, const char *path, uint64_t reserve) QL_MUST_USE;
void ql_space_free(ql_space *s);
/* Is the open file on the file system that is watched? */
bool ql_space_holds(const ql_space *s, int fd);
uint64_t ql_space_reserve(const ql_space *s);
/* True when free space (statvfs, as an unprivileged user sees it) is below the reserve plus `need`
 * bytes. */
bool ql_space_is_low(ql_space *s, uint64_t need);
/* Until space is there again, `generation` changed by ql_space_kick, or the session is told to
 * stop: then 1021 is worded and QL_KILLED returned. Logs once when waiting starts and ends. Waits:
 * DISK_SPACE. */
ql_status ql_space_wait(ql_ctx *cx, ql_space *s, uint64_t need) QL_MUST_USE;
/* Space may have been freed: waiters look again. */
void ql_space_kick(ql_space *s);
uint32_t ql_space_waiting(ql_space *s);

#endif
