/* SPDX-License-Identifier: Apache-2.0
 *
 * The data directory as a place: there, empty, made before. Whether its contents are ours and free
 * to use is kv's to say.
 */
#ifndef QL_INSTANCE_DATADIR_H
#define QL_INSTANCE_DATADIR_H

#include "base/ctx.h"

/* Make the directory if need be; refuse one that is not empty, or that everybody may write. */
ql_status ql_datadir_create(ql_ctx *cx, const char *dir) QL_MUST_USE;
/* Refuse one that has not been initialised, or that everybody may write. QL_ERROR worded in one
 * line. */
ql_status ql_datadir_check(ql_ctx *cx, const char *dir) QL_MUST_USE;

#endif
