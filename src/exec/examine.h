/* SPDX-License-Identifier: Apache-2.0
 *
 * All that can be asked of a table's rows: CHECK TABLE in a running server, --check-data without
 * one.
 */
#ifndef QL_EXEC_EXAMINE_H
#define QL_EXEC_EXAMINE_H

#include "exec/exec.h"

/* Every row against every index and back, its CHECK constraints, what its generated columns hold
 * against what their expressions give, and its parents; in the statement's view. Each finding is
 * told in words. *damage counts those that the session's settings or foreign_key_checks = 0 cannot
 * have made: generated columns and parents are told only. Errors say nothing of the data, or that
 * an expression could not be evaluated. The session needs its variables (cx->vars). A checkpoint a
 * row. Waits: MDL (parents). */
ql_status ql_examine_table(ql_run *run, ql_arena *mem, ql_table *t, ql_table_report report,
                           void *arg, uint64_t *damage) QL_MUST_USE;

#endif
