/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written behind SET becomes a value of the variable: of its type, within its bounds, one
 * of its names; refused with MySQL's numbers otherwise. Nothing here waits.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "base/thread.h"
#include "intr/proc.h"
#include "intr/sync.h"
#include "vars/switches.h"
#include "vars/vars_int.h"
#include <string.h>

#define SQL_MODE_TEXT_MAX 600

static ql_status
wrong_value(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value)
{
    ql_str text = QL_STR("NULL");
    if (value->kind != QL_K_NULL) {
        QL_TRY(ql_value_to_str(cx, cx->arena, value, &text));
    }
    return ql_fail(cx, QL_ER_WRONG_VALUE_FOR_VAR, sv->name, ql_cstr(cx, text));
}

static ql_status
wrong_type(ql_ctx *cx, const qli_sysvar *sv)
{
    return ql_fail(cx, QL_ER_WRONG_TYPE_FOR_VAR, sv->name);
}

/* Out of range: adjusted with warning 1292, under STRICT_ALL_TABLES error 1231. */
static ql_status
adjusted(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value)
{
    if (cx->vars && (cx->vars->sql_mode & QL_MODE_STRICT_ALL)) {
        return wrong_value(cx, sv, value);
    }
    ql_str text;
    QL_TRY(ql_value_to_str(cx, cx->arena, value, &text));
    ql_warn(cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE, sv->name, ql_cstr(cx, text));
    return QL_OK;
}

static ql_status
convert_bool(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value, ql_value *out)
{
    if (value->kind == QL_K_INT && value->u <= 1) {
        *out = ql_value_int(value->i);
        return QL_OK;
    }
    if (value->kind == QL_K_STRING) {
        bool on = ql_str_eq_nocase(value->s, QL_STR("ON")) ||
                  ql_str_eq_nocase(value->s, QL_STR("TRUE")) ||
                  ql_str_eq_nocase(value->s, QL_STR("1"));
        bool off = ql_str_eq_nocase(value->s, QL_STR("OFF")) ||
                   ql_str_eq_nocase(value->s, QL_STR("FALSE")) ||
                   ql_str_eq_nocase(value->s, QL_STR("0"));
        if (on || off) {
            *out = ql_value_int(on);
            return QL_OK;
        }
    }
    return value->kind == QL_K_DECIMAL || value->kind == QL_K_DOUBLE ? wrong_type(cx, sv)
                                                                     : wrong_value(cx, sv, value);
}

static ql_status
convert_uint(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value, ql_value *out)
{
    if (value->kind == QL_K_NULL) {
        return wrong_value(cx, sv, value);
    }
    if (value->kind != QL_K_INT) {
        return wrong_type(cx, sv);
    }
    uint64_t u = !value->is_unsigned && value->i < 0 ? 0 : value->u;
    uint64_t fit = u < sv->min ? sv->min : u > sv->max ? sv->max : u;
    fit -= sv->flags & QL_SVF_BLOCK1K ? fit % 1024 : 0;
    *out = ql_value_uint(fit);
    bool same = fit == u && (value->is_unsigned || value->i >= 0);
    return same ? QL_OK : adjusted(cx, sv, value);
}

static ql_status
convert_double(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value, ql_value *out)
{
    if (value->kind != QL_K_INT && value->kind != QL_K_DECIMAL && value->kind != QL_K_DOUBLE) {
        return wrong_type(cx, sv);
    }
    double d;
    QL_TRY(ql_value_to_double(cx, value, &d));
    double lo = (double)sv->min, hi = (double)sv->max;
    *out = ql_value_double(d < lo ? lo : d > hi ? hi : d);
    return d < lo || d > hi ? adjusted(cx, sv, value) : QL_OK;
}

static ql_status
convert_mode(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value, ql_value *out)
{
    ql_str text, bad;
    uint64_t bits;
    QL_TRY(ql_value_to_str(cx, cx->arena, value, &text));
    if (!qli_sql_mode_parse(text, &bits, &bad)) {
        return ql_fail(cx, QL_ER_WRONG_VALUE_FOR_VAR, sv->name, ql_cstr(cx, bad));
    }
    char *p = ql_arena_alloc(cx, cx->arena, SQL_MODE_TEXT_MAX);
    if (!p) {
        return QL_ERROR;
    }
    size_t n = qli_sql_mode_print(bits, p, SQL_MODE_TEXT_MAX);
    *out = ql_value_str((ql_str){p, n}, ql_coll_default);
    return QL_OK;
}

/* What flags are set where SET changes them, and what they are by DEFAULT there. */
static ql_status
flags_before(ql_ctx *cx, ql_sysvar_id id, bool global, uint64_t *now, uint64_t *dflt)
{
    const char *list = qli_sysvars[id].dflt;
    ql_value v;
    ql_str bad;
    QL_TRY(ql_sysvar_get(cx, id, global, &v));
    *now = *dflt = qli_flags_default(list);
    (void)qli_flags_parse(list, v.s, *dflt, now, &bad);
    if (!global) {
        uint64_t normal = *dflt;
        QL_TRY(ql_sysvar_get(cx, id, true, &v));
        (void)qli_flags_parse(list, v.s, normal, dflt, &bad);
    }
    return QL_OK;
}

static ql_status
convert_flags(ql_ctx *cx, ql_sysvar_id id, bool global, const ql_value *value, ql_value *out)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    uint64_t bits, dflt;
    if (value->kind == QL_K_STRING) {
        ql_str bad;
        QL_TRY(flags_before(cx, id, global, &bits, &dflt));
        if (!qli_flags_parse(sv->dflt, value->s, dflt, &bits, &bad)) {
            return ql_fail(cx, QL_ER_WRONG_VALUE_FOR_VAR, sv->name, ql_cstr(cx, bad));
        }
    } else if (value->kind == QL_K_INT) {
        if ((!value->is_unsigned && value->i < 0) || value->u > qli_flags_all(sv->dflt)) {
            return wrong_value(cx, sv, value);
        }
        bits = value->u;
    } else {
        return value->kind == QL_K_NULL ? wrong_value(cx, sv, value) : wrong_type(cx, sv);
    }
    if (id == QL_SV_OPTIMIZER_SWITCH && (bits >> QL_SWITCH_HYPERGRAPH_OPTIMIZER & 1)) {
        return ql_fail(cx, QL_ER_HYPERGRAPH_NOT_SUPPORTED_YET, "use in non-debug builds");
    }
    char *p = ql_arena_alloc(cx, cx->arena, QLI_FLAGS_TEXT_MAX);
    if (!p) {
        return QL_ERROR;
    }
    size_t n = qli_flags_print(sv->dflt, bits, p);
    *out = ql_value_str((ql_str){p, n}, ql_coll_default);
    return QL_OK;
}

/* Character sets whose text cannot be parsed as SQL may not be the client's. */
static bool
client_may_use(const ql_charset *cs)
{
    return cs->min_bytes == 1;
}

static ql_status
convert_charset(ql_ctx *cx, ql_sysvar_id id, const ql_value *value, ql_value *out)
{
    const ql_charset *cs = NULL;
    if (value->kind == QL_K_STRING) {
        cs = ql_charset_by_name(value->s);
    } else if (value->kind == QL_K_INT) {
        const ql_collation *c = ql_collation_by_id((unsigned)value->u);
        cs = c ? c->charset : NULL;
    }
    if (!cs) {
        ql_str text = QL_STR("NULL");
        QL_TRY(value->kind == QL_K_NULL ? QL_OK : ql_value_to_str(cx, cx->arena, value, &text));
        return value->kind == QL_K_NULL
                   ? wrong_value(cx, &qli_sysvars[id], value)
                   : ql_fail(cx, QL_ER_UNKNOWN_CHARACTER_SET, ql_cstr(cx, text));
    }
    if (id == QL_SV_CHARACTER_SET_CLIENT && !client_may_use(cs)) {
        return wrong_value(cx, &qli_sysvars[id], value);
    }
    *out = ql_value_str((ql_str){cs->name, strlen(cs->name)}, ql_coll_default);
    return QL_OK;
}

static ql_status
convert_collation(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value, ql_value *out)
{
    const ql_collation *c = value->kind == QL_K_STRING ? ql_collation_by_name(value->s)
                            : value->kind == QL_K_INT  ? ql_collation_by_id((unsigned)value->u)
                                                       : NULL;
    if (!c) {
        if (value->kind == QL_K_NULL) {
            return wrong_value(cx, sv, value);
        }
        ql_str text;
        QL_TRY(ql_value_to_str(cx, cx->arena, value, &text));
        return ql_fail(cx, QL_ER_UNKNOWN_COLLATION, ql_cstr(cx, text));
    }
    *out = ql_value_str((ql_str){c->name, strlen(c->name)}, ql_coll_default);
    return QL_OK;
}

static ql_status
convert_enum(ql_ctx *cx, ql_sysvar_id id, const ql_value *value, ql_value *out)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    if (value->kind == QL_K_STRING && qli_sysvar_parse(id, value->s, out)) {
        return QL_OK;
    }
    if (value->kind == QL_K_INT) {
        const char *p = sv->values;
        for (uint64_t i = 0; i < value->u && *p; i++) {
            size_t n = strcspn(p, ",");
            p += n + (p[n] == ',');
        }
        if (*p) {
            *out = ql_value_str((ql_str){p, strcspn(p, ",")}, ql_coll_default);
            return QL_OK;
        }
    }
    return value->kind == QL_K_DECIMAL || value->kind == QL_K_DOUBLE ? wrong_type(cx, sv)
                                                                     : wrong_value(cx, sv, value);
}

static bool
are_algorithms(ql_str list)
{
    static const char *const names[] = {"zlib", "zstd", "uncompressed"};
    do {
        const char *comma = list.n != 0 ? memchr(list.p, ',', list.n) : NULL;
        ql_str name = {list.p, comma != NULL ? (size_t)(comma - list.p) : list.n};
        bool known = false;
        for (size_t i = 0; i < QL_ARRAY_LEN(names); i++) {
            known |= ql_str_eq_nocase(name, (ql_str){names[i], strlen(names[i])});
        }
        if (!known) {
            return false;
        }
        list.p += name.n + (comma != NULL);
        list.n -= name.n + (comma != NULL);
    } while (list.n != 0);
    return true;
}

/* By name, or by MySQL's number of it. */
static ql_status
convert_locale(ql_ctx *cx, const qli_sysvar *sv, const ql_value *value, ql_value *out)
{
    ql_str text;
    if (value->kind == QL_K_NULL) {
        return wrong_value(cx, sv, value);
    }
    if (value->kind != QL_K_STRING && value->kind != QL_K_INT) {
        return wrong_type(cx, sv);
    }
    QL_TRY(ql_value_to_str(cx, cx->arena, value, &text));
    const ql_locale *l =
        value->kind == QL_K_INT ? ql_locale_at(value->u) : ql_locale_find(value->s);
    if (l == NULL) {
        return ql_fail(cx, QL_ER_UNKNOWN_LOCALE, ql_cstr(cx, text));
    }
    *out = ql_value_str((ql_str){l->name, strlen(l->name)}, ql_coll_default);
    return QL_OK;
}

static ql_status
convert_str(ql_ctx *cx, ql_sysvar_id id, const ql_value *value, ql_value *out)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    if (id == QL_SV_LC_TIME_NAMES) {
        return convert_locale(cx, sv, value, out);
    }
    if (value->kind != QL_K_STRING) {
        return value->kind == QL_K_NULL ? wrong_value(cx, sv, value) : wrong_type(cx, sv);
    }
    *out = ql_value_str(value->s, ql_coll_default);
    if (id == QL_SV_PROTOCOL_COMPRESSION_ALGORITHMS && !are_algorithms(value->s)) {
        return wrong_value(cx, sv, value);
    }
    if (id == QL_SV_DEFAULT_STORAGE_ENGINE || id == QL_SV_DEFAULT_TMP_STORAGE_ENGINE) {
        bool myisam = ql_str_eq_nocase(value->s, QL_STR("MyISAM"));
        bool memory = ql_str_eq_nocase(value->s, QL_STR("MEMORY"));
        *out = ql_value_str(myisam   ? QL_STR("MyISAM")
                            : memory ? QL_STR("MEMORY")
                                     : QL_STR("InnoDB"),
                            ql_coll_default);
        if (!ql_str_eq_nocase(value->s, out->s)) {
            return ql_fail(cx, QL_ER_UNKNOWN_STORAGE_ENGINE, ql_cstr(cx, value->s));
        }
    }
    return QL_OK;
}

static ql_status
convert_zone(ql_ctx *cx, const ql_value *value, ql_value *out)
{
    const ql_zone *z;
    ql_status st = value->kind == QL_K_STRING ? ql_zone_find(cx, value->s, &z) : QL_END;
    if (st != QL_OK && st != QL_END) {
        return st;
    }
    if (st == QL_END) {
        ql_str text = QL_STR("NULL");
        QL_TRY(value->kind == QL_K_NULL ? QL_OK : ql_value_to_str(cx, cx->arena, value, &text));
        return ql_fail(cx, QL_ER_UNKNOWN_TIME_ZONE, ql_cstr(cx, text));
    }
    *out = ql_value_str((ql_str){z->name, strlen(z->name)}, ql_coll_default);
    return QL_OK;
}

ql_status
qli_sysvar_convert(ql_ctx *cx, ql_sysvar_id id, bool global, const ql_value *value, ql_value *out)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    if (value->kind == QL_K_NULL && (sv->flags & QL_SVF_NULLABLE)) {
        *out = ql_value_null();
        return QL_OK;
    }
    switch (sv->type) {
    case QLI_T_BOOL:
        return convert_bool(cx, sv, value, out);
    case QLI_T_UINT:
        return convert_uint(cx, sv, value, out);
    case QLI_T_DOUBLE:
        return convert_double(cx, sv, value, out);
    case QLI_T_SQLMODE:
        return value->kind == QL_K_NULL ? wrong_value(cx, sv, value)
                                        : convert_mode(cx, sv, value, out);
    case QLI_T_FLAGS:
        return convert_flags(cx, id, global, value, out);
    case QLI_T_CHARSET:
        return convert_charset(cx, id, value, out);
    case QLI_T_COLLATION:
        return convert_collation(cx, sv, value, out);
    case QLI_T_ENUM:
        return convert_enum(cx, id, value, out);
    case QLI_T_TIMEZONE:
        return convert_zone(cx, value, out);
    case QLI_T_STR:
        break;
    }
    return convert_str(cx, id, value, out);
}
