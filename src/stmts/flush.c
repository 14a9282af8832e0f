/* SPDX-License-Identifier: Apache-2.0
 *
 * FLUSH: of privileges, counters, the log; FLUSH TABLES is in locks.c.
 */
#include <errno.h>

#include "base/log.h"
#include "base/text.h"
#include "stmts/stmts_int.h"

/* The error log is the only log there is. */
static ql_status
reopen_log(ql_ctx *cx)
{
    ql_log *log = cx->inst->log;
    if (ql_log_reopen(log)) {
        return QL_OK;
    }
    return ql_fail_text(cx, QL_ER_UNKNOWN_ERROR, "Cannot open the log file '%s': %s",
                        ql_log_path(log), ql_errno_text(errno));
}

static ql_status
flush_option(ql_ctx *cx, ql_str word)
{
    if (ql_str_eq_nocase(word, QL_STR("PRIVILEGES"))) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_FLUSH_PRIVILEGES));
        return ql_acl_flush(cx);
    }
    if (ql_str_eq_nocase(word, QL_STR("STATUS"))) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_FLUSH_STATUS));
        ql_counts_reset(cx->vars);
        return QL_OK;
    }
    if (ql_str_eq_nocase(word, QL_STR("LOGS")) || ql_str_eq_nocase(word, QL_STR("ERROR LOGS"))) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_RELOAD));
        return reopen_log(cx);
    }
    if (ql_str_eq_nocase(word, QL_STR("HOSTS")) ||
        ql_str_eq_nocase(word, QL_STR("USER_RESOURCES"))) {
        return ql_acl_require(cx, QL_PRIV_RELOAD, QL_PRIV_RELOAD);
    }
    char *what = ql_arena_printf(cx, cx->arena, "FLUSH %.*s", (int)word.n, word.p);
    return ql_not_built(cx, what != NULL ? what : "FLUSH");
}

ql_status
qli_exec_flush(ql_ctx *cx, ql_run *run)
{
    const ql_ast_admin *a = run->stmt->ast->admin;
    if (a->noptions > 0 && ql_str_eq(a->options[0], QL_STR("TABLES"))) {
        return qli_flush_tables(cx, run);
    }
    for (uint32_t i = 0; i < a->noptions; i++) {
        QL_TRY(flush_option(cx, a->options[i]));
    }
    return QL_OK;
}
