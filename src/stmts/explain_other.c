/* SPDX-License-Identifier: Apache-2.0
 *
 * EXPLAIN ... FOR CONNECTION.
 */
#include "stmts/explain_int.h"

ql_status
qli_explain_connection(ql_ctx *cx, ql_run *run, qli_explain_format format)
{
    (void)run;
    (void)format;
    return ql_not_built(cx, "EXPLAIN FOR CONNECTION");
}
