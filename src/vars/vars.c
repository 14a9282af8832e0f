/* SPDX-License-Identifier: Apache-2.0
 *
 * Session values: what a session began with (a snapshot of the globals), what it has SET itself,
 * the plain members of ql_vars kept in step, SET with MySQL's checks, and SET NAMES. Runs on the
 * session's thread; the globals' mutex is taken only inside sysvars.c.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/thread.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "vars/vars_int.h"

/* --- values ---------------------------------------------------------------------------------- */

const ql_value *
qli_vars_value(const ql_vars *v, ql_sysvar_id id)
{
    id = qli_sysvar_real(id);
    for (unsigned i = 0; i < v->nown; i++) {
        if (v->own[i].id == id) {
            return &v->own[i].v;
        }
    }
    return &v->base->v[id];
}

uint64_t
ql_vars_u64(const ql_vars *v, ql_sysvar_id id)
{
    const ql_value *val = qli_vars_value(v, id);
    return val->kind == QL_K_INT ? val->u : val->kind == QL_K_DOUBLE ? (uint64_t)val->d : 0;
}

static void
free_own(ql_vars *v)
{
    for (unsigned i = 0; i < v->nown; i++) {
        if (v->own[i].v.kind == QL_K_STRING) {
            ql_mem_free((char *)v->own[i].v.s.p);
        }
    }
    ql_mem_free(v->own);
    v->own = NULL;
    v->nown = v->cap_own = 0;
}

static qli_override *
own_slot(ql_ctx *cx, ql_vars *v, ql_sysvar_id id)
{
    for (unsigned i = 0; i < v->nown; i++) {
        if (v->own[i].id == id) {
            return &v->own[i];
        }
    }
    if (v->nown == v->cap_own) {
        unsigned cap = v->cap_own ? v->cap_own * 2 : 4;
        qli_override *p = ql_mem_realloc(v->own, sizeof *p * cap);
        if (!p) {
            (void)ql_fail_oom(cx, sizeof *p * cap);
            return NULL;
        }
        v->own = p;
        v->cap_own = cap;
    }
    v->own[v->nown] = (qli_override){.id = id, .v = ql_value_null()};
    return &v->own[v->nown++];
}

static ql_status
set_own(ql_ctx *cx, ql_vars *v, ql_sysvar_id id, const ql_value *val)
{
    ql_value copy = *val;
    if (val->kind == QL_K_STRING) {
        copy.s.p = ql_mem_strndup(val->s.p ? val->s.p : "", val->s.n);
        if (!copy.s.p) {
            return ql_fail_oom(cx, val->s.n);
        }
    }
    qli_override *o = own_slot(cx, v, id);
    if (!o) {
        if (val->kind == QL_K_STRING) {
            ql_mem_free((char *)copy.s.p);
        }
        return QL_ERROR;
    }
    if (o->v.kind == QL_K_STRING) {
        ql_mem_free((char *)o->v.s.p);
    }
    o->v = copy;
    qli_vars_mirror(v, id, &o->v);
    return QL_OK;
}

/* --- plain members --------------------------------------------------------------------------- */

static void
mirror_mode(ql_vars *v, const ql_value *val)
{
    ql_str bad;
    (void)qli_sql_mode_parse(val->s, &v->sql_mode, &bad);
    v->strict = v->sql_mode & (QL_MODE_STRICT_TRANS | QL_MODE_STRICT_ALL);
}

static void
mirror_switches(ql_vars *v, const ql_value *val)
{
    ql_str bad;
    const char *list = qli_sysvars[QL_SV_OPTIMIZER_SWITCH].dflt;
    v->switches = qli_flags_default(list);
    (void)qli_flags_parse(list, val->s, v->switches, &v->switches, &bad);
}

static ql_isolation
isolation_of(ql_str s)
{
    return ql_str_eq_nocase(s, QL_STR("READ-UNCOMMITTED")) ? QL_READ_UNCOMMITTED
           : ql_str_eq_nocase(s, QL_STR("READ-COMMITTED")) ? QL_READ_COMMITTED
           : ql_str_eq_nocase(s, QL_STR("SERIALIZABLE"))   ? QL_SERIALIZABLE
                                                           : QL_REPEATABLE_READ;
}

void
qli_vars_mirror(ql_vars *v, ql_sysvar_id id, const ql_value *val)
{
    switch (id) {
#define NUMBER(ID, member)                                                                         \
    case QL_SV_##ID:                                                                               \
        v->member = val->u;                                                                        \
        break;
        NUMBER(AUTOCOMMIT, autocommit)
        NUMBER(SQL_SAFE_UPDATES, sql_safe_updates)
        NUMBER(FOREIGN_KEY_CHECKS, foreign_key_checks)
        NUMBER(UNIQUE_CHECKS, unique_checks)
        NUMBER(SQL_AUTO_IS_NULL, sql_auto_is_null)
        NUMBER(TRANSACTION_READ_ONLY, tx_read_only)
        NUMBER(MAX_EXECUTION_TIME, max_execution_time_ms)
        NUMBER(MAX_ALLOWED_PACKET, max_allowed_packet)
        NUMBER(NET_READ_TIMEOUT, net_read_timeout)
        NUMBER(NET_WRITE_TIMEOUT, net_write_timeout)
        NUMBER(WAIT_TIMEOUT, wait_timeout)
        NUMBER(INTERACTIVE_TIMEOUT, interactive_timeout)
        NUMBER(LOCK_WAIT_TIMEOUT, lock_wait_timeout)
        NUMBER(INNODB_LOCK_WAIT_TIMEOUT, innodb_lock_wait_timeout)
        NUMBER(GROUP_CONCAT_MAX_LEN, group_concat_max_len)
        NUMBER(DIV_PRECISION_INCREMENT, div_precision_increment)
        NUMBER(SQL_SELECT_LIMIT, sql_select_limit)
#undef NUMBER
    case QL_SV_MAX_STATEMENT_TIME:
        v->max_statement_time_us = (int64_t)(val->d * 1e6);
        break;
    case QL_SV_SQL_MODE:
        mirror_mode(v, val);
        break;
    case QL_SV_OPTIMIZER_SWITCH:
        mirror_switches(v, val);
        break;
#ifdef QL_DEBUG
    case QL_SV_DEBUG_PLAIN_PLANS:
        v->plain_plans = val->u;
        break;
#endif
    case QL_SV_TRANSACTION_ISOLATION:
        v->isolation = isolation_of(val->s);
        break;
    case QL_SV_CHARACTER_SET_CLIENT:
        v->cs_client = ql_charset_by_name(val->s);
        break;
    case QL_SV_CHARACTER_SET_RESULTS:
        v->cs_results = val->kind == QL_K_NULL ? NULL : ql_charset_by_name(val->s);
        break;
    case QL_SV_COLLATION_CONNECTION:
        v->coll_connection = ql_collation_by_name(val->s);
        break;
    case QL_SV_COLLATION_DATABASE:
        v->coll_database = ql_collation_by_name(val->s);
        break;
    case QL_SV_LC_TIME_NAMES:
        v->locale = ql_locale_find(val->s);
        break;
    case QL_SV_TIME_ZONE:
        v->zone = ql_zone_found(v->zones, val->s);
        break;
    default:
        break;
    }
}

static void
mirror_all(ql_vars *v)
{
    for (int i = 0; i < QL_SV_COUNT; i++) {
        if (qli_sysvars[i].scope & QLI_S_SESSION) {
            qli_vars_mirror(v, (ql_sysvar_id)i, &v->base->v[i]);
        }
    }
}

/* --- life ------------------------------------------------------------------------------------ */

ql_status
ql_vars_init(ql_ctx *cx, ql_vars *v, ql_arena *session_arena)
{
    memset(v, 0, sizeof *v);
    v->arena = session_arena;
    v->counts = ql_mem_zalloc((QL_CT_COUNT + QL_CC_COUNT) * sizeof *v->counts);
    if (!v->counts) {
        return ql_fail_oom(cx, (QL_CT_COUNT + QL_CC_COUNT) * sizeof *v->counts);
    }
    ql_status st = ql_hash_init(cx, &v->user_vars, 8);
    if (st != QL_OK) {
        ql_mem_free(v->counts);
        v->counts = NULL;
        return st;
    }
    v->base = qli_globals_get(cx->inst->sysvars);
    v->zones = cx->inst->sysvars->zones;
    v->row_count = -1;
    mirror_all(v);
    cx->zone = v->zone;
    if (cx->diag) {
        ql_diag_set_limit(cx->diag, (size_t)ql_vars_u64(v, QL_SV_MAX_ERROR_COUNT));
    }
    return QL_OK;
}

void
ql_vars_fini(ql_vars *v)
{
    ql_vars_unhint(NULL, v);
    qli_uservars_free(v);
    ql_hash_fini(&v->user_vars);
    free_own(v);
    qli_globals_put(v->base);
    v->base = NULL;
    ql_mem_free((char *)v->db.p);
    v->db = (ql_str){NULL, 0};
    if (v->catalog_stage != NULL) {
        v->catalog_stage_free(v->catalog_stage);
        v->catalog_stage = NULL;
    }
    ql_mem_free(v->counts);
    v->counts = NULL;
}

ql_status
ql_vars_reset(ql_ctx *cx, ql_vars *v)
{
    ql_vars_unhint(cx, v);
    qli_uservars_free(v);
    free_own(v);
    qli_globals *g = qli_globals_get(cx->inst->sysvars);
    qli_globals_put(v->base);
    v->base = g;
    mirror_all(v);
    cx->zone = v->zone;
    v->last_insert_id = v->insert_id = v->found_rows = 0;
    v->row_count = -1;
    v->fixed_timestamp_us = 0;
    v->status_warnings = v->status_errors = 0;
    ql_counts_reset(v);
    v->in_transaction = false;
    v->next_isolation = v->next_read_only = 0;
    if (cx->diag) {
        ql_diag_set_limit(cx->diag, (size_t)ql_vars_u64(v, QL_SV_MAX_ERROR_COUNT));
    }
    return QL_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static ql_status
get_computed(ql_ctx *cx, ql_sysvar_id id, ql_value *out)
{
    const ql_vars *v = cx->vars;
    switch (id) {
    case QL_SV_TIMESTAMP:
        *out =
            ql_value_double((double)(v->timestamp_us ? v->timestamp_us : ql_now_real_us()) / 1e6);
        break;
    case QL_SV_LAST_INSERT_ID:
    case QL_SV_IDENTITY:
        *out = ql_value_uint(v->last_insert_id);
        break;
    case QL_SV_INSERT_ID:
        *out = ql_value_uint(v->insert_id);
        break;
    case QL_SV_PSEUDO_THREAD_ID:
        *out = ql_value_uint(v->thread_id);
        break;
    case QL_SV_WARNING_COUNT:
        *out = ql_value_uint(v->status_warnings);
        break;
    case QL_SV_ERROR_COUNT:
        *out = ql_value_uint(v->status_errors);
        break;
#ifdef QL_DEBUG
    case QL_SV_DEBUG_SYNC: {
        const char *text = ql_sync_current(cx, cx->arena);
        *out = ql_value_str((ql_str){text, text ? strlen(text) : 0}, ql_coll_default);
        break;
    }
#endif
    default: /* rand_seed1, rand_seed2: write only in effect, as in MySQL */
        *out = ql_value_uint(0);
        break;
    }
    return QL_OK;
}

static ql_status
copy_out(ql_ctx *cx, const ql_value *v, ql_value *out)
{
    *out = *v;
    if (v->kind == QL_K_STRING) {
        out->s.p = ql_arena_strndup(cx, cx->arena, v->s.p ? v->s.p : "", v->s.n);
        return out->s.p ? QL_OK : QL_ERROR;
    }
    return QL_OK;
}

ql_status
ql_sysvar_get(ql_ctx *cx, ql_sysvar_id id, bool global, ql_value *out)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    if (global && sv->scope == QLI_S_SESSION) {
        return ql_fail(cx, QL_ER_INCORRECT_GLOBAL_LOCAL_VAR, sv->name, "SESSION");
    }
    ql_status st;
    if (sv->flags & QL_SVF_COMPUTED) {
        st = get_computed(cx, id, out);
        goto digits;
    }
    id = qli_sysvar_real(id);
    if (!global && cx->vars && (sv->scope & QLI_S_SESSION)) {
        st = copy_out(cx, qli_vars_value(cx->vars, id), out);
    } else {
        qli_globals *g = qli_globals_get(cx->inst->sysvars);
        st = copy_out(cx, &g->v[id], out);
        qli_globals_put(g);
    }
digits:
    if (st == QL_OK && out->kind == QL_K_DOUBLE) {
        out->decimals = QLI_DOUBLE_DIGITS;
    }
    return st;
}

/* --- SET ------------------------------------------------------------------------------------- */

static ql_status
set_computed(ql_ctx *cx, ql_sysvar_id id, const ql_value *v)
{
    ql_vars *vars = cx->vars;
    switch (id) {
    case QL_SV_TIMESTAMP:
        vars->fixed_timestamp_us = (int64_t)(v->d * 1e6);
        vars->timestamp_us = v->d != 0 ? vars->fixed_timestamp_us : ql_now_real_us();
        break;
    case QL_SV_LAST_INSERT_ID:
    case QL_SV_IDENTITY:
        vars->last_insert_id = v->u;
        break;
    case QL_SV_INSERT_ID:
        vars->insert_id = v->u;
        break;
    case QL_SV_RAND_SEED1:
        vars->rand_seed1 = v->u;
        break;
    case QL_SV_RAND_SEED2:
        vars->rand_seed2 = v->u;
        break;
#ifdef QL_DEBUG
    case QL_SV_DEBUG_SYNC:
        return ql_sync_set(cx, v->s);
#endif
    default: /* pseudo_thread_id: CONNECTION_ID() does not follow it here */
        break;
    }
    return QL_OK;
}

/* The variable that follows when id is SET to v: a character set its collation and back. */
static bool
partner_of(ql_sysvar_id id, const ql_value *v, ql_sysvar_id *other, ql_value *out)
{
    static const ql_sysvar_id pairs[][2] = {
        {QL_SV_CHARACTER_SET_CONNECTION, QL_SV_COLLATION_CONNECTION},
        {QL_SV_CHARACTER_SET_DATABASE, QL_SV_COLLATION_DATABASE},
        {QL_SV_CHARACTER_SET_SERVER, QL_SV_COLLATION_SERVER},
    };
    for (size_t i = 0; i < QL_ARRAY_LEN(pairs); i++) {
        if (id == pairs[i][0]) {
            const char *name = ql_charset_default(ql_charset_by_name(v->s))->name;
            *other = pairs[i][1];
            *out = ql_value_str((ql_str){name, strlen(name)}, ql_coll_default);
            return true;
        }
        if (id == pairs[i][1]) {
            const char *name = ql_collation_by_name(v->s)->charset->name;
            *other = pairs[i][0];
            *out = ql_value_str((ql_str){name, strlen(name)}, ql_coll_default);
            return true;
        }
    }
    return false;
}

void
qli_vars_follow(ql_ctx *cx, ql_sysvar_id id)
{
    if (id == QL_SV_MAX_ERROR_COUNT && cx->diag) {
        ql_diag_set_limit(cx->diag, (size_t)ql_vars_u64(cx->vars, id));
    }
    cx->zone = cx->vars->zone;
}

static ql_status
store_one(ql_ctx *cx, ql_sysvar_id id, bool global, const ql_value *v)
{
    if (!global) {
        QL_TRY(set_own(cx, cx->vars, id, v));
        qli_vars_follow(cx, id);
        return QL_OK;
    }
    ql_sysvars *sv = cx->inst->sysvars;
    QL_TRY(ql_sysvar_publish(cx, sv, id, v));
    if (sv->hooks[id]) {
        sv->hooks[id](cx->inst, id, v);
    }
    return QL_OK;
}

static ql_status
check_settable(ql_ctx *cx, ql_sysvar_id id, bool global)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    if (!(sv->flags & QL_SVF_DYNAMIC)) {
        return ql_fail(cx, QL_ER_INCORRECT_GLOBAL_LOCAL_VAR, sv->name, "read only");
    }
    if (global && sv->scope == QLI_S_SESSION) {
        return ql_fail(cx, QL_ER_LOCAL_VARIABLE, sv->name);
    }
    if (!global && sv->scope == QLI_S_GLOBAL) {
        return ql_fail(cx, QL_ER_GLOBAL_VARIABLE, sv->name);
    }
    if (!global && (sv->flags & QL_SVF_SESSION_RO)) {
        return ql_fail_text(cx, QL_ER_INCORRECT_GLOBAL_LOCAL_VAR,
                            "SESSION variable '%s' is read-only. Use SET GLOBAL to assign the "
                            "value",
                            sv->name);
    }
    return QL_OK;
}

static ql_status
value_to_set(ql_ctx *cx, ql_sysvar_id id, bool global, const ql_value *value, ql_value *out)
{
    if (value) {
        return qli_sysvar_convert(cx, id, global, value, out);
    }
    const char *text = qli_sysvars[id].dflt;
    if (!global && (qli_sysvars[id].scope & QLI_S_GLOBAL)) {
        return ql_sysvar_get(cx, id, true, out);
    }
    (void)qli_sysvar_parse(id, (ql_str){text, strlen(text)}, out);
    return QL_OK;
}

static ql_status
warn_no_effect(ql_ctx *cx, ql_sysvar_id id, const ql_value *v)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    ql_value dflt;
    ql_str a, b;
    if (!(sv->flags & QL_SVF_NO_EFFECT) ||
        !qli_sysvar_parse(id, (ql_str){sv->dflt, strlen(sv->dflt)}, &dflt)) {
        return QL_OK;
    }
    QL_TRY(ql_sysvar_print(cx, id, v, &a));
    QL_TRY(ql_sysvar_print(cx, id, &dflt, &b));
    if (!ql_str_eq(a, b)) {
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_OPTION_IGNORED,
                     "<%s> option ignored: accepted, but it has no effect in this server",
                     sv->name);
    }
    return QL_OK;
}

ql_status
ql_sysvar_set(ql_ctx *cx, ql_sysvar_id id, bool global, const ql_value *value)
{
    ql_value v, follow;
    ql_sysvar_id other;
    id = qli_sysvar_real(id);
    QL_TRY(check_settable(cx, id, global));
    QL_TRY(value_to_set(cx, id, global, value, &v));
    if (qli_sysvars[id].flags & QL_SVF_COMPUTED) {
        return set_computed(cx, id, &v);
    }
    ql_sysvar_setter setter = cx->inst->sysvars->setters[id];
    if (setter != NULL) {
        return setter(cx, id, &v);
    }
    QL_TRY(warn_no_effect(cx, id, &v));
    QL_TRY(store_one(cx, id, global, &v));
    return partner_of(id, &v, &other, &follow) ? store_one(cx, other, global, &follow) : QL_OK;
}

ql_status
ql_sysvar_set_for_next(ql_ctx *cx, ql_sysvar_id id, const ql_value *value)
{
    ql_vars *vars = cx->vars;
    ql_value v;
    id = qli_sysvar_real(id);
    if (vars->in_transaction) {
        return ql_fail(cx, QL_ER_CANT_CHANGE_TX_CHARACTERISTICS);
    }
    QL_TRY(value_to_set(cx, id, false, value, &v));
    if (id == QL_SV_TRANSACTION_ISOLATION) {
        vars->next_isolation = 1 + (int)isolation_of(v.s);
    } else {
        vars->next_read_only = 1 + (int)v.u;
    }
    return QL_OK;
}

/* --- SET NAMES, USE -------------------------------------------------------------------------- */

ql_status
ql_vars_set_names(ql_ctx *cx, ql_str charset, ql_str collation)
{
    ql_value name = ql_value_str(charset.n ? charset : QL_STR("utf8mb4"), ql_coll_default);
    QL_TRY(qli_sysvar_convert(cx, QL_SV_CHARACTER_SET_CLIENT, false, &name, &name));
    const ql_charset *cs = ql_charset_by_name(name.s);
    const ql_collation *coll = ql_charset_default(cs);
    if (collation.n) {
        ql_value want = ql_value_str(collation, ql_coll_default);
        QL_TRY(qli_sysvar_convert(cx, QL_SV_COLLATION_CONNECTION, false, &want, &want));
        coll = ql_collation_by_name(want.s);
        if (coll->charset != cs) {
            return ql_fail(cx, QL_ER_COLLATION_CHARSET_MISMATCH, coll->name, cs->name);
        }
    }
    ql_value cv = ql_value_str((ql_str){coll->name, strlen(coll->name)}, ql_coll_default);
    QL_TRY(set_own(cx, cx->vars, QL_SV_CHARACTER_SET_CLIENT, &name));
    QL_TRY(set_own(cx, cx->vars, QL_SV_CHARACTER_SET_RESULTS, &name));
    QL_TRY(set_own(cx, cx->vars, QL_SV_CHARACTER_SET_CONNECTION, &name));
    return set_own(cx, cx->vars, QL_SV_COLLATION_CONNECTION, &cv);
}

ql_status
ql_vars_set_db(ql_ctx *cx, ql_str db, const ql_collation *coll)
{
    ql_vars *v = cx->vars;
    char *copy = NULL;
    if (db.n == 0) {
        coll = v->base->v[QL_SV_COLLATION_SERVER].kind == QL_K_STRING
                   ? ql_collation_by_name(v->base->v[QL_SV_COLLATION_SERVER].s)
                   : ql_coll_default;
    } else {
        copy = ql_mem_strndup(db.p, db.n);
        if (!copy) {
            return ql_fail_oom(cx, db.n);
        }
    }
    ql_mem_free((char *)v->db.p);
    v->db = (ql_str){copy, copy ? db.n : 0};
    if (cx->proc) {
        ql_proc_set_db(cx->proc, v->db);
    }
    ql_value cv = ql_value_str((ql_str){coll->name, strlen(coll->name)}, ql_coll_default);
    ql_value cs =
        ql_value_str((ql_str){coll->charset->name, strlen(coll->charset->name)}, ql_coll_default);
    QL_TRY(set_own(cx, v, QL_SV_CHARACTER_SET_DATABASE, &cs));
    return set_own(cx, v, QL_SV_COLLATION_DATABASE, &cv);
}
