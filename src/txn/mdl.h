/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata locks: shared for statements that use a table, exclusive for those that change its
 * definition. Held to the end of the transaction (shared) or statement (exclusive). First cut: two
 * modes, FIFO; MySQL's full set comes with issue 3.
 */
#ifndef QL_TXN_MDL_H
#define QL_TXN_MDL_H

#include "intr/wait.h"

typedef enum ql_mdl_mode { QL_MDL_SHARED, QL_MDL_EXCLUSIVE } ql_mdl_mode;
struct ql_mdl_set;

/* The locks of one session; owner: the session, reached through cx->mdl of its transaction context.
 */
struct ql_mdl_set *ql_mdl_set_new(void) QL_MUST_USE;
void ql_mdl_set_free(ql_ctx *cx, struct ql_mdl_set *set); /* releases all */
/* Lock name ("db\0table" or "db\0"). Already held in that or a stronger mode: nothing to do.
 * QL_ERROR 1205 after dl, 1213 on deadlock. Waits: MDL. */
ql_status ql_mdl_acquire(ql_ctx *cx, ql_str name, ql_mdl_mode mode, ql_deadline dl) QL_MUST_USE;
/* End of transaction: all. Never waits. */
void ql_mdl_release_all(ql_ctx *cx);

#endif
