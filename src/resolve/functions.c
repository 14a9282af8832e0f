/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of functions: those of functions.def with their aliases, the aggregates, and the names that
 * MySQL knows and Quell has not built (error 1235 instead of 1305). Constant tables only.
 */
#include "resolve/resolve_int.h"

static const qli_func functions[QL_FN_COUNT] = {
#define QL_FUNC(fid, fname, fmin, fmax, frule, fflags, fargs)                                      \
    [QL_FN_##fid] = {.id = QL_FN_##fid,                                                            \
                     .name = fname,                                                                \
                     .min = fmin,                                                                  \
                     .max = fmax,                                                                  \
                     .rule = QLI_R_##frule,                                                        \
                     .flags = fflags,                                                              \
                     .args = fargs},
#include "resolve/functions.def"
#undef QL_FUNC
};

typedef struct func_alias {
    const char *name;
    ql_func_id id;
} func_alias;

static const func_alias aliases[] = {
#define QL_FUNC(...)
#define QL_FUNC_ALIAS(aname, aid) {aname, QL_FN_##aid},
#include "resolve/functions.def"
#undef QL_FUNC
};

static const struct {
    const char *name;
    ql_agg_fn fn;
} aggregates[] = {
    {"COUNT", QL_AGG_COUNT},
    {"SUM", QL_AGG_SUM},
    {"AVG", QL_AGG_AVG},
    {"MIN", QL_AGG_MIN},
    {"MAX", QL_AGG_MAX},
    {"STD", QL_AGG_STD_POP},
    {"STDDEV", QL_AGG_STD_POP},
    {"STDDEV_POP", QL_AGG_STD_POP},
    {"STDDEV_SAMP", QL_AGG_STD_SAMP},
    {"VARIANCE", QL_AGG_VAR_POP},
    {"VAR_POP", QL_AGG_VAR_POP},
    {"VAR_SAMP", QL_AGG_VAR_SAMP},
    {"BIT_AND", QL_AGG_BIT_AND},
    {"BIT_OR", QL_AGG_BIT_OR},
    {"BIT_XOR", QL_AGG_BIT_XOR},
    {"JSON_ARRAYAGG", QL_AGG_JSON_ARRAY},
    {"JSON_OBJECTAGG", QL_AGG_JSON_OBJECT},
};

/* Families end in '*'. */
static const char *const unbuilt[] = {
    "JSON_*", /* those that are not in the list */
    "ST_*",
    "MBR*",
    "GTID_*",
    "PS_*",
    "GET_LOCK",
    "RELEASE_LOCK",
    "IS_FREE_LOCK",
    "IS_USED_LOCK",
    "RELEASE_ALL_LOCKS",
    "LOAD_FILE",
    "AES_ENCRYPT",
    "AES_DECRYPT",
    "CONVERT_TZ",
    "EXTRACTVALUE",
    "UPDATEXML",
    "GET_FORMAT",
    "WEIGHT_STRING",
    "FORMAT_BYTES",
    "FORMAT_PICO_TIME",
    "SOURCE_POS_WAIT",
    "MASTER_POS_WAIT",
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "PERCENT_RANK",
    "CUME_DIST",
    "NTILE",
    "LAG",
    "LEAD",
    "FIRST_VALUE",
    "LAST_VALUE",
    "NTH_VALUE",
    "GROUPING",
    "MATCH",
    "STATEMENT_DIGEST",
    "STATEMENT_DIGEST_TEXT",
    "ROLES_GRAPHML",
    "ICU_VERSION",
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "VALIDATE_PASSWORD_STRENGTH",
    "ASYMMETRIC_*",
    "WAIT_FOR_EXECUTED_GTID_SET",
    "IS_IPV4_COMPAT",
    "IS_IPV4_MAPPED",
    "SHA3",
};

static ql_str
cstr(const char *s)
{
    return (ql_str){s, __builtin_strlen(s)};
}

const qli_func *
qli_func_get(ql_func_id id)
{
    return &functions[id];
}

const qli_func *
qli_func_find(ql_str name)
{
    for (size_t i = 1; i < QL_ARRAY_LEN(functions); i++) {
        if (ql_str_eq_nocase(cstr(functions[i].name), name)) {
            return &functions[i];
        }
    }
    for (size_t i = 0; i < QL_ARRAY_LEN(aliases); i++) {
        if (ql_str_eq_nocase(cstr(aliases[i].name), name)) {
            return &functions[aliases[i].id];
        }
    }
    return NULL;
}

bool
qli_func_is_unbuilt(ql_str name)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(unbuilt); i++) {
        ql_str u = cstr(unbuilt[i]);
        if (u.p[u.n - 1] == '*') {
            u.n--;
            if (name.n >= u.n && ql_str_eq_nocase(u, (ql_str){name.p, u.n})) {
                return true;
            }
        } else if (ql_str_eq_nocase(u, name)) {
            return true;
        }
    }
    return false;
}

int
qli_agg_find(ql_str name)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(aggregates); i++) {
        if (ql_str_eq_nocase(cstr(aggregates[i].name), name)) {
            return (int)aggregates[i].fn;
        }
    }
    return -1;
}

const char *
ql_func_name(ql_func_id id)
{
    return id < QL_FN_COUNT && functions[id].name ? functions[id].name : "";
}

unsigned
ql_func_flags(ql_func_id id)
{
    return id < QL_FN_COUNT ? functions[id].flags : 0;
}
