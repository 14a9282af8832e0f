/* SPDX-License-Identifier: Apache-2.0
 *
 * Who else on this machine may read or write what the server must keep to itself. Looked at once,
 * at start.
 */
#ifndef QL_INSTANCE_PERMISSIONS_H
#define QL_INSTANCE_PERMISSIONS_H

#include "base/arena.h"

/* QL_ERROR naming path and its mode when everybody may write it; what = what it is for. A path that
 * is not there is fine. */
ql_status ql_refuse_writable_by_all(ql_ctx *cx, const char *what, const char *path) QL_MUST_USE;
/* Text of such a file (kind: "option file", "init file") of less than max bytes, into cx->arena.
 * QL_ERROR naming it: it can be written by everybody, not be read, or is too large. */
ql_status ql_read_trusted(ql_ctx *cx, const char *kind, const char *path, size_t max,
                          ql_str *out) QL_MUST_USE;
/* Warn of keys and data files of the directory, and of key (NULL = none), that everybody may read.
 */
void ql_warn_of_readable(ql_ctx *cx, const char *datadir, const char *key);

#endif
