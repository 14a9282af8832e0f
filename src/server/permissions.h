/* SPDX-License-Identifier: Apache-2.0
 *
 * Who else on this machine may read or write what the server must keep to itself. Looked at once,
 * at start.
 */
#ifndef QL_SERVER_PERMISSIONS_H
#define QL_SERVER_PERMISSIONS_H

#include "base/ctx.h"

/* QL_ERROR naming path and its mode when everybody may write it; what = what it is for. A path that
 * is not there is fine. */
ql_status ql_refuse_writable_by_all(ql_ctx *cx, const char *what, const char *path) QL_MUST_USE;
/* Warn of keys and data files of the directory, and of key (NULL = none), that everybody may read.
 */
void ql_warn_of_readable(ql_ctx *cx, const char *datadir, const char *key);

#endif
