/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside vars/: the table of system variables, global snapshots, session overrides.
 */
#ifndef QL_VARS_INT_H
#define QL_VARS_INT_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "vars/sysvars.h"

typedef enum qli_sv_type {
    QLI_T_BOOL,
    QLI_T_UINT,
    QLI_T_DOUBLE,
    QLI_T_STR,
    QLI_T_ENUM,
    QLI_T_SQLMODE,
    QLI_T_FLAGS, /* name=on,name=off,...: switches.c */
    QLI_T_CHARSET,
    QLI_T_COLLATION,
    QLI_T_TIMEZONE
} qli_sv_type;
/* Digits that @@x of a DOUBLE variable shows: 10.000000. */
#define QLI_DOUBLE_DIGITS 6

typedef enum qli_sv_scope { QLI_S_GLOBAL = 1, QLI_S_SESSION = 2, QLI_S_BOTH = 3 } qli_sv_scope;

typedef struct qli_sysvar {
    const char *name;
    qli_sv_scope scope;
    qli_sv_type type;
    const char *dflt;
    uint64_t min, max;
    unsigned flags;
    const char *values; /* ENUM: "A,B,C" */
    const char *what;
} qli_sysvar;
extern const qli_sysvar qli_sysvars[QL_SV_COUNT];

/* All global values at one time. Immutable; counted, so that sessions keep what they began with. */
typedef struct qli_globals {
    _Atomic uint32_t refs;
    ql_value v[QL_SV_COUNT]; /* strings in text */
    char text[];
} qli_globals;

typedef struct qli_hinted qli_hinted; /* hinted.c */

typedef struct qli_override {
    ql_sysvar_id id;
    ql_value v; /* string owned */
} qli_override;

/* A status variable that somebody above computes. */
typedef struct qli_gauge {
    const char *name;
    uint64_t (*read)(ql_instance *inst);
} qli_gauge;

struct ql_sysvars {
    ql_mutex mu;                           /* rank SYSVARS */
    qli_globals *now;                      /* [mu] a reference */
    _Atomic uint64_t u64[QL_SV_COUNT];     /* numbers of now, for ql_sysvar_global_u64 */
    ql_sysvar_hook hooks[QL_SV_COUNT];     /* [const after start] */
    ql_sysvar_setter setters[QL_SV_COUNT]; /* [const after start] */
    _Atomic uint64_t counters[QL_CT_COUNT];
    _Atomic uint64_t *com; /* Com_xxx, by ql_com */
    qli_gauge gauges[8];   /* [const after start] */
    unsigned ngauges;      /* [const after start] */
    ql_zones *zones;       /* [const] */
};

qli_globals *qli_globals_get(ql_sysvars *sv); /* a reference */
void qli_globals_put(qli_globals *g);
/* A SET value in the variable's own form, checked; strings static, in *value or in cx->arena.
 * global: the value is one of SET GLOBAL, or of an option (flags change what is set there). */
ql_status qli_sysvar_convert(ql_ctx *cx, ql_sysvar_id id, bool global, const ql_value *value,
                             ql_value *out) QL_MUST_USE;
/* Text of configuration or of the default; false = not a value of it. Strings share text. */
bool qli_sysvar_parse(ql_sysvar_id id, ql_str text, ql_value *out);
ql_sysvar_id qli_sysvar_real(ql_sysvar_id id); /* what an alias stands for */
/* sql_mode: list to bits and back to MySQL's canonical text (static buffer of the caller). */
bool qli_sql_mode_parse(ql_str list, uint64_t *bits, ql_str *bad);
size_t qli_sql_mode_print(uint64_t bits, char *out, size_t size);
/* Sets of flags; list: the default text of the variable. Bits are numbered in its order. */
uint64_t qli_flags_default(const char *list);
uint64_t qli_flags_all(const char *list);
/* Changes *bits as text says (flag=on|off|default, default); *bad: from what is none to the end. */
bool qli_flags_parse(const char *list, ql_str text, uint64_t dflt, uint64_t *bits, ql_str *bad);
#define QLI_FLAGS_TEXT_MAX 1024
/* All flags; out holds QLI_FLAGS_TEXT_MAX bytes. */
size_t qli_flags_print(const char *list, uint64_t bits, char *out);
/* Plain member of v that mirrors id. */
void qli_vars_mirror(ql_vars *v, ql_sysvar_id id, const ql_value *val);
const ql_value *qli_vars_value(const ql_vars *v, ql_sysvar_id id);
/* What lies outside ql_vars follows the session value of id. */
void qli_vars_follow(ql_ctx *cx, ql_sysvar_id id);
void qli_uservars_free(ql_vars *v);

#endif
