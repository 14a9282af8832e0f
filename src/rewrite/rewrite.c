/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the rewrites.
 */
#include "rewrite/rewrite.h"

#include "intr/intr.h"

ql_status
ql_rewrite_query(ql_ctx *cx, ql_query *q)
{
    (void)q;
    if (ql_plans_plainly(cx)) {
        return ql_check(cx);
    }
    return ql_check(cx);
}
