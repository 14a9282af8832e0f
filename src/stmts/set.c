/* SPDX-License-Identifier: Apache-2.0
 *
 * SET: user variables, system variables and their privileges, NAMES, CHARACTER SET, TRANSACTION,
 * PASSWORD; DEBUG_SYNC in debug builds. All values are computed first; then the items take
 * effect one by one.
 */
#include <string.h>

#include "base/bulk.h"
#include "intr/sync.h"
#include "stmts/stmts_int.h"

/* All values are computed before the first variable changes: SET @a = 1, @b = @a gives @b the old
 * @a. */
typedef struct computed {
    ql_value v;
    bool is_default;
} computed;

static ql_status
may_set(ql_ctx *cx, ql_var_scope scope)
{
    bool persist = scope == QL_SCOPE_PERSIST || scope == QL_SCOPE_PERSIST_ONLY;
    if (persist || scope == QL_SCOPE_GLOBAL) {
        QL_TRY(ql_acl_require(cx, QL_PRIV_SUPER, QL_PRIV_SYSTEM_VARIABLES_ADMIN));
    }
    return persist ? ql_not_built(cx, "SET PERSIST") : QL_OK;
}

/* Session values that reach beyond the session (manual, "System Variable Privileges"). */
static ql_status
may_set_here(ql_ctx *cx, ql_sysvar_id id, const computed *c)
{
    ql_sysvar_right right = ql_sysvar_session_right(id);
    bool is_on = c->v.kind == QL_K_STRING ? ql_str_eq_nocase(c->v.s, QL_STR("ON")) ||
                                                ql_str_eq_nocase(c->v.s, QL_STR("TRUE"))
                                          : c->v.kind == QL_K_INT && c->v.u != 0;
    if (right == QL_SYSVAR_FREE || (right == QL_SYSVAR_ADMIN_OFF && is_on) ||
        (right == QL_SYSVAR_APPLIER && ql_acl_has(cx, QL_PRIV_REPLICATION_APPLIER)) ||
        ql_acl_has(cx, QL_PRIV_SESSION_VARIABLES_ADMIN) ||
        ql_acl_has(cx, QL_PRIV_SYSTEM_VARIABLES_ADMIN) || ql_acl_has(cx, QL_PRIV_SUPER)) {
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR,
                   right == QL_SYSVAR_APPLIER
                       ? "SUPER, SYSTEM_VARIABLES_ADMIN, SESSION_VARIABLES_ADMIN or "
                         "REPLICATION_APPLIER"
                       : "SUPER, SYSTEM_VARIABLES_ADMIN or SESSION_VARIABLES_ADMIN");
}

/* A bare word (SET x = ON) is its own text. */
static ql_status
item_value(ql_ctx *cx, ql_run *run, uint32_t i, ql_value *v, bool *is_default)
{
    const ql_ast_set_item *item = &run->stmt->ast->set.v[i];
    *is_default = item->value == NULL || item->value->kind == QL_A_DEFAULT;
    if (*is_default) {
        return QL_OK;
    }
    if (i < run->stmt->exprs.n && run->stmt->exprs.v[i] != NULL) {
        return ql_scalar(run, cx->arena, run->stmt->exprs.v[i], v);
    }
    if (item->value->kind == QL_A_COLUMN && item->value->table.n == 0) {
        *v = ql_value_str(item->value->name, ql_coll_default);
        return QL_OK;
    }
    if (item->value->kind == QL_A_LITERAL) {
        *v = item->value->value;
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_SET_CONSTANTS_ONLY);
}

#ifdef QL_DEBUG
static ql_status
set_debug_sync(ql_ctx *cx, const ql_value *v)
{
    ql_str text;
    QL_TRY(ql_value_to_str(cx, cx->arena, v, &text));
    return ql_sync_set(cx, text);
}
#endif

static ql_status
compute(ql_ctx *cx, ql_run *run, uint32_t i, computed *c)
{
    const ql_ast_set_item *item = &run->stmt->ast->set.v[i];
    int id = -1;
    c->v = ql_value_null();
    if (item->kind == QL_SET_SYSVAR) {
        id = ql_sysvar_find(item->name);
        if (id < 0) {
            return ql_fail(cx, QL_ER_UNKNOWN_SYSTEM_VARIABLE, ql_cstr(cx, item->name));
        }
        QL_TRY(may_set(cx, item->scope));
    }
    if (item->kind != QL_SET_SYSVAR && item->kind != QL_SET_USERVAR) {
        return QL_OK;
    }
    QL_TRY(item_value(cx, run, i, &c->v, &c->is_default));
    QL_TRY(ql_value_keep(cx, cx->arena, &c->v));
    return id < 0 || item->scope == QL_SCOPE_GLOBAL ? QL_OK : may_set_here(cx, (ql_sysvar_id)id, c);
}

static ql_status
set_sysvar(ql_ctx *cx, const ql_ast_set_item *item, computed *c)
{
    ql_sysvar_id id = (ql_sysvar_id)ql_sysvar_find(item->name);
#ifdef QL_DEBUG
    if (id == QL_SV_DEBUG_SYNC) {
        c->v = c->is_default ? qli_text("RESET") : c->v;
        return set_debug_sync(cx, &c->v);
    }
#endif
    const ql_value *v = c->is_default ? NULL : &c->v;
    if (item->scope == QL_SCOPE_DEFAULT &&
        (id == QL_SV_TRANSACTION_ISOLATION || id == QL_SV_TX_ISOLATION ||
         id == QL_SV_TRANSACTION_READ_ONLY || id == QL_SV_TX_READ_ONLY)) {
        return ql_sysvar_set_for_next(cx, id, v);
    }
    return ql_sysvar_set(cx, id, item->scope == QL_SCOPE_GLOBAL, v);
}

/* SET CHARACTER SET leaves the connection with what the database has. */
static ql_status
set_charset(ql_ctx *cx, const ql_ast_set_item *item)
{
    QL_TRY(ql_vars_set_names(cx, item->name, item->collation));
    if (item->kind == QL_SET_NAMES) {
        return QL_OK;
    }
    const char *name = cx->vars->coll_database->name;
    ql_value v = ql_value_str((ql_str){name, strlen(name)}, ql_coll_default);
    return ql_sysvar_set(cx, QL_SV_COLLATION_CONNECTION, false, &v);
}

static ql_status
set_characteristic(ql_ctx *cx, ql_sysvar_id id, ql_var_scope scope, const ql_value *v)
{
    return scope == QL_SCOPE_DEFAULT ? ql_sysvar_set_for_next(cx, id, v)
                                     : ql_sysvar_set(cx, id, scope == QL_SCOPE_GLOBAL, v);
}

static ql_status
set_transaction(ql_ctx *cx, const ql_ast_set_item *item)
{
    static const char *const levels[] = {"READ-UNCOMMITTED", "READ-COMMITTED", "REPEATABLE-READ",
                                         "SERIALIZABLE"};
    QL_TRY(may_set(cx, item->scope));
    if (item->isolation >= 0) {
        ql_value v = qli_text(levels[item->isolation & 3]);
        QL_TRY(set_characteristic(cx, QL_SV_TRANSACTION_ISOLATION, item->scope, &v));
    }
    if (item->read_only >= 0) {
        ql_value v = ql_value_int(item->read_only);
        QL_TRY(set_characteristic(cx, QL_SV_TRANSACTION_READ_ONLY, item->scope, &v));
    }
    return QL_OK;
}

static ql_status
set_item(ql_ctx *cx, const ql_ast_set_item *item, computed *c)
{
    switch (item->kind) {
    case QL_SET_USERVAR:
        return ql_uservar_set(cx, item->name, &c->v);
    case QL_SET_SYSVAR:
        return set_sysvar(cx, item, c);
    case QL_SET_NAMES:
    case QL_SET_CHARSET:
        return set_charset(cx, item);
    case QL_SET_TRANSACTION:
        return set_transaction(cx, item);
    case QL_SET_PASSWORD:
        return ql_not_built(cx, "SET PASSWORD in a list");
    }
    return QL_OK;
}

ql_status
qli_exec_set(ql_ctx *cx, ql_run *run)
{
    uint32_t n = run->stmt->ast->set.n;
    computed *c = QL_ARENA_ARRAY(cx, cx->arena, computed, n + 1);
    if (c == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(compute(cx, run, i, &c[i]));
    }
    QL_TRY(ql_check(cx));
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(set_item(cx, &run->stmt->ast->set.v[i], &c[i]));
    }
    return QL_OK;
}
