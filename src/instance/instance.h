/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of an instance: opening and closing all that `ql_instance` names, and making its
 * directory. There may be several in a process. Whoever opens one owns the ql_instance.
 */
#ifndef QL_INSTANCE_INSTANCE_H
#define QL_INSTANCE_INSTANCE_H

#include "base/ctx.h"

typedef struct ql_instance_options {
    const char *log;   /* path of the log; NULL = standard error */
    bool must_exist;   /* refuse a directory without data */
    bool redo_salvage; /* a damaged redo log: take what is whole */
    bool catch_faults; /* handlers of SIGBUS and SIGSEGV that name a data file which cannot be read;
                          for whole processes */
} ql_instance_options;

/* Everything below the sessions, in order, of cx->inst, whose sysvars, datadir and tmpdir are set.
 * Warnings that stand in cx->diag go into the log. On QL_ERROR what was opened is closed again. An
 * older catalog is left as it is: see ql_catalog_format, ql_catalog_upgrade. Waits: DISK_SPACE. */
ql_status ql_instance_open(ql_ctx *cx, const ql_instance_options *o) QL_MUST_USE;
/* No session is left. What is not there is skipped; inst may be opened again. Waits for the last
 * commits, and 0.3 s at most for exact counters. */
void ql_instance_close(ql_instance *inst);

/* Make the first account, in an instance that is open and has none: root@localhost, who logs in
 * through the Unix socket as the operating system's user who runs this; insecure: by anybody,
 * without a password. */
ql_status ql_instance_make_root(ql_ctx *cx, bool insecure) QL_MUST_USE;

#endif
