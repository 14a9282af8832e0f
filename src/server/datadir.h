/* SPDX-License-Identifier: Apache-2.0
 *
 * The data directory as a place: is it ours, is it empty, does another server use it.
 */
#ifndef QL_SERVER_DATADIR_H
#define QL_SERVER_DATADIR_H

#include "base/ctx.h"

/* Make the directory if need be, refuse one that is not empty, mark it as ours. */
ql_status ql_datadir_create(ql_ctx *cx, const char *dir) QL_MUST_USE;
/* Check the mark and take the lock; *fd holds it until closed. QL_ERROR worded in one line. */
ql_status ql_datadir_lock(ql_ctx *cx, const char *dir, int *fd) QL_MUST_USE;
void ql_datadir_unlock(int fd);

#endif
