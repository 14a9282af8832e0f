/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of system variables (sysvars.def) and their global values. The values at one time are
 * an immutable counted snapshot: SET GLOBAL makes a new one, a session keeps the one it began with
 * and stores only what it has SET itself, so an idle connection costs no copy. Numbers that code
 * asks for often are mirrored in atomics. Lock: SYSVARS, for the exchange of the snapshot.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/machine.h"
#include "vars/vars_int.h"

#define QLI_S_OF(scope) QLI_S_##scope
const qli_sysvar qli_sysvars[QL_SV_COUNT] = {
#define QL_SYSVAR(id, name, scope, type, dflt, min, max, flags, values, what)                      \
    [QL_SV_##id] = {name, QLI_S_OF(scope), QLI_T_##type, dflt, min, max, flags, values, what},
#include "vars/sysvars.def"
#undef QL_SYSVAR
};

/* --- names ----------------------------------------------------------------------------------- */

static char
fold_char(char c)
{
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
name_matches(const char *known, ql_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (known[i] == '\0' || known[i] != fold_char(name.p[i])) {
            return false;
        }
    }
    return known[name.n] == '\0';
}

int
ql_sysvar_find(ql_str name)
{
    for (int i = 0; i < QL_SV_COUNT; i++) {
        if (name_matches(qli_sysvars[i].name, name)) {
            return i;
        }
    }
    return -1;
}

const char *
ql_sysvar_name(ql_sysvar_id id)
{
    return qli_sysvars[id].name;
}

bool
ql_sysvar_is_session(ql_sysvar_id id)
{
    return qli_sysvars[id].scope & QLI_S_SESSION;
}

bool
ql_sysvar_is_global(ql_sysvar_id id)
{
    return qli_sysvars[id].scope & QLI_S_GLOBAL;
}

bool
ql_sysvar_is_switch(ql_sysvar_id id)
{
    return qli_sysvars[id].type == QLI_T_BOOL;
}

bool
ql_sysvar_is_hintable(ql_sysvar_id id)
{
    return (qli_sysvars[id].flags & QL_SVF_HINT) != 0;
}

ql_sysvar_right
ql_sysvar_session_right(ql_sysvar_id id)
{
    unsigned flags = qli_sysvars[id].flags;
    return flags & QL_SVF_ADMIN_OFF ? QL_SYSVAR_ADMIN_OFF
           : flags & QL_SVF_APPLIER ? QL_SYSVAR_APPLIER
           : flags & QL_SVF_ADMIN   ? QL_SYSVAR_ADMIN
                                    : QL_SYSVAR_FREE;
}

ql_sysvar_id
qli_sysvar_real(ql_sysvar_id id)
{
    return id == QL_SV_TX_ISOLATION                     ? QL_SV_TRANSACTION_ISOLATION
           : id == QL_SV_TX_READ_ONLY                   ? QL_SV_TRANSACTION_READ_ONLY
           : id == QL_SV_GLOBAL_CONNECTION_MEMORY_LIMIT ? QL_SV_TOTAL_MEMORY_LIMIT
                                                        : id;
}

ql_type
ql_sysvar_type(ql_sysvar_id id)
{
    ql_type number = ql_type_int(qli_sysvars[id].type == QLI_T_UINT);
    switch (qli_sysvars[id].type) {
    case QLI_T_BOOL:
        number.length = 1;
        return number;
    case QLI_T_UINT:
        number.length = 21;
        return number;
    case QLI_T_DOUBLE: {
        ql_type t = ql_type_double();
        t.decimals = QLI_DOUBLE_DIGITS;
        return t;
    }
    default:
        return ql_type_varchar(1024, ql_coll_default);
    }
}

#define NAME_MAX_LEN 64
/* Levenshtein distance of two short names. */
static unsigned
distance(ql_str a, const char *b)
{
    unsigned row[NAME_MAX_LEN + 1];
    size_t m = strlen(b);
    if (a.n > NAME_MAX_LEN || m > NAME_MAX_LEN) {
        return UINT32_MAX;
    }
    for (unsigned j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned best = diagonal + (fold_char(a.p[i - 1]) != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[m];
}

const char *
ql_sysvars_nearest(ql_str name)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)(name.n / 2) + 1;
    for (int i = 0; i < QL_SV_COUNT; i++) {
        unsigned d = distance(name, qli_sysvars[i].name);
        if (d < best) {
            best = d;
            nearest = qli_sysvars[i].name;
        }
    }
    return nearest;
}

/* --- values from text ------------------------------------------------------------------------ */

static bool
parse_bool(ql_str s, ql_value *out)
{
    static const struct {
        const char *word;
        int value;
    } words[] = {{"1", 1}, {"ON", 1},  {"TRUE", 1},  {"YES", 1}, {"", 1},
                 {"0", 0}, {"OFF", 0}, {"FALSE", 0}, {"NO", 0}};
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        if (ql_str_eq_nocase(s, (ql_str){words[i].word, strlen(words[i].word)})) {
            *out = ql_value_int(words[i].value);
            return true;
        }
    }
    return false;
}

/* Percent of what the machine gives this process; no limit where that cannot be found out. */
static uint64_t
part_of_memory(const qli_sysvar *sv, uint64_t percent)
{
    uint64_t memory = ql_machine_memory_here();
    uint64_t v = memory == 0 || percent > 100 ? sv->max : memory / 100 * percent;
    return v < sv->min ? sv->min : v;
}

static bool
parse_number(const qli_sysvar *sv, ql_str s, uint64_t *out)
{
    char text[32];
    if (s.n == 0 || s.n >= sizeof text || s.p[0] == '-') {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    errno = 0;
    uint64_t v = strtoull(text, &end, 10);
    unsigned shift = 0;
    if (*end == '%' && (sv->flags & QL_SVF_MEMORY) && end != text && end[1] == '\0' && !errno) {
        *out = part_of_memory(sv, v);
        return true;
    }
    switch (*end) {
    case 'K':
    case 'k':
        shift = 10;
        break;
    case 'M':
    case 'm':
        shift = 20;
        break;
    case 'G':
    case 'g':
        shift = 30;
        break;
    case 'T':
    case 't':
        shift = 40;
        break;
    default:
        break;
    }
    end += shift != 0;
    if (errno || end == text || *end || (shift && v > UINT64_MAX >> shift)) {
        return false;
    }
    *out = v << shift;
    return true;
}

static uint64_t
fit_uint(const qli_sysvar *sv, uint64_t v)
{
    v -= sv->flags & QL_SVF_BLOCK1K ? v % 1024 : 0;
    return v < sv->min ? sv->min : v > sv->max ? sv->max : v;
}

static bool
parse_uint(const qli_sysvar *sv, ql_str s, ql_value *out)
{
    uint64_t v;
    if (!parse_number(sv, s, &v)) {
        return false;
    }
    *out = ql_value_uint(fit_uint(sv, v));
    return true;
}

static bool
parse_double(const qli_sysvar *sv, ql_str s, ql_value *out)
{
    size_t used;
    bool overflow;
    if (s.n == 0 || s.n >= 64) {
        return false;
    }
    double d = ql_double_parse(s, &used, &overflow);
    if (used != s.n || overflow) {
        return false;
    }
    d = d < (double)sv->min ? (double)sv->min : d > (double)sv->max ? (double)sv->max : d;
    *out = ql_value_double(d);
    return true;
}

/* The n-th (or the one named s) of "A,B,C"; canonical text shares the list. */
static bool
find_in_list(const char *list, ql_str s, int64_t nth, ql_value *out)
{
    int64_t i = 0;
    for (const char *p = list; *p; i++) {
        size_t n = strcspn(p, ",");
        if (nth >= 0 ? i == nth : ql_str_eq_nocase((ql_str){p, n}, s)) {
            *out = ql_value_str((ql_str){p, n}, ql_coll_default);
            return true;
        }
        p += n + (p[n] == ',');
    }
    return false;
}

bool
qli_sysvar_parse(ql_sysvar_id id, ql_str s, ql_value *out)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    if ((sv->flags & QL_SVF_NULLABLE) && ql_str_eq_nocase(s, QL_STR("NULL"))) {
        *out = ql_value_null();
        return true;
    }
    uint64_t bits;
    ql_str bad;
    switch (sv->type) {
    case QLI_T_BOOL:
        return parse_bool(s, out);
    case QLI_T_UINT:
        return parse_uint(sv, s, out);
    case QLI_T_DOUBLE:
        return parse_double(sv, s, out);
    case QLI_T_ENUM:
        return find_in_list(sv->values, s, -1, out);
    case QLI_T_SQLMODE:
        *out = ql_value_str(s, ql_coll_default);
        return qli_sql_mode_parse(s, &bits, &bad);
    case QLI_T_FLAGS:
        *out = ql_value_str(s, ql_coll_default);
        bits = qli_flags_default(sv->dflt);
        return qli_flags_parse(sv->dflt, s, bits, &bits, &bad);
    case QLI_T_CHARSET:
        *out = ql_value_str(s, ql_coll_default);
        return ql_charset_by_name(s) != NULL;
    case QLI_T_COLLATION:
        *out = ql_value_str(s, ql_coll_default);
        return ql_collation_by_name(s) != NULL;
    case QLI_T_TIMEZONE:
        *out = ql_value_str(s, ql_coll_default);
        return true; /* qli_sysvar_convert knows which there are */
    case QLI_T_STR:
        *out = ql_value_str(s, ql_coll_default);
        return true;
    }
    return false;
}

/* --- global values --------------------------------------------------------------------------- */

qli_globals *
qli_globals_get(ql_sysvars *sv)
{
    ql_mutex_lock(&sv->mu);
    qli_globals *g = sv->now;
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    ql_mutex_unlock(&sv->mu);
    return g;
}

void
qli_globals_put(qli_globals *g)
{
    if (g && atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) == 1) {
        ql_mem_free(g);
    }
}

static size_t
text_size(const ql_value *v)
{
    return v->kind == QL_K_STRING ? v->s.n + 1 : 0;
}

/* Copy of values with one replaced (id < 0: none). NULL = out of memory. */
static qli_globals *
globals_copy(const ql_value *values, int id, const ql_value *v)
{
    size_t size = 0;
    for (int i = 0; i < QL_SV_COUNT; i++) {
        size += text_size(i == id ? v : &values[i]);
    }
    qli_globals *g = ql_mem_alloc(sizeof *g + size);
    if (!g) {
        return NULL;
    }
    atomic_init(&g->refs, 1);
    char *p = g->text;
    for (int i = 0; i < QL_SV_COUNT; i++) {
        const ql_value *from = i == id ? v : &values[i];
        g->v[i] = *from;
        if (from->kind == QL_K_STRING) {
            if (from->s.n) {
                memcpy(p, from->s.p, from->s.n);
            }
            p[from->s.n] = '\0';
            g->v[i].s.p = p;
            p += from->s.n + 1;
        }
    }
    return g;
}

static uint64_t
number_of(const ql_value *v)
{
    return v->kind == QL_K_INT ? v->u : v->kind == QL_K_DOUBLE ? (uint64_t)v->d : 0;
}

ql_status
ql_sysvar_publish(ql_ctx *cx, ql_sysvars *sv, ql_sysvar_id id, const ql_value *v)
{
    ql_mutex_lock(&sv->mu);
    qli_globals *old = sv->now, *g = globals_copy(old->v, (int)id, v);
    if (g) {
        sv->now = g;
        atomic_store_explicit(&sv->u64[id], number_of(v), memory_order_relaxed);
    }
    ql_mutex_unlock(&sv->mu);
    if (!g) {
        return ql_fail_oom(cx, sizeof *g);
    }
    qli_globals_put(old);
    return QL_OK;
}

/* What the machine knows better than the list. */
static void
machine_values(ql_value *values, char *host, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;
    if (gethostname(host, size) == 0) {
        host[size - 1] = '\0';
        values[QL_SV_HOSTNAME] = ql_value_str((ql_str){host, strlen(host)}, ql_coll_default);
    }
    if (localtime_r(&now, &tm) && tm.tm_zone && *tm.tm_zone) {
        values[QL_SV_SYSTEM_TIME_ZONE] =
            ql_value_str((ql_str){tm.tm_zone, strlen(tm.tm_zone)}, ql_coll_default);
    }
}

ql_sysvars *
ql_sysvars_new(void)
{
    char host[256];
    ql_value *values = ql_mem_zalloc(sizeof(ql_value) * QL_SV_COUNT);
    ql_sysvars *sv = ql_mem_zalloc(sizeof *sv);
    _Atomic uint64_t *com = ql_mem_zalloc(sizeof *com * QL_CC_COUNT);
    qli_globals *g = NULL;
    if (values && sv && com) {
        for (int i = 0; i < QL_SV_COUNT; i++) {
            const char *text = qli_sysvars[i].dflt;
            if (!qli_sysvar_parse((ql_sysvar_id)i, (ql_str){text, strlen(text)}, &values[i])) {
                values[i] = ql_value_str((ql_str){text, strlen(text)}, ql_coll_default);
            }
            atomic_init(&sv->u64[i], number_of(&values[i]));
        }
        machine_values(values, host, sizeof host);
        g = globals_copy(values, -1, NULL);
    }
    ql_mem_free(values);
    ql_zones *zones = g ? ql_zones_new() : NULL;
    if (!zones) {
        ql_mem_free(g);
        ql_mem_free(sv);
        ql_mem_free(com);
        return NULL;
    }
    sv->zones = zones;
    ql_mutex_init(&sv->mu, QL_RANK_SYSVARS);
    sv->now = g;
    sv->com = com;
    return sv;
}

void
ql_sysvars_free(ql_sysvars *sv)
{
    if (sv) {
        qli_globals_put(sv->now);
        ql_mutex_fini(&sv->mu);
        ql_mem_free(sv->com);
        ql_zones_free(sv->zones);
        ql_mem_free(sv);
    }
}

/* The option says something else than what is so. */
static void
warn_ignored(ql_ctx *cx, const qli_sysvar *sv, ql_str text)
{
    ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_WARN_OPTION_IGNORED,
                 "option '%s': '%.*s' is ignored: %s", sv->name, (int)text.n, text.p, sv->what);
}

static bool
is_default(ql_sysvar_id id, ql_str text)
{
    ql_value a, b;
    uint64_t asked, normal;
    const char *dflt = qli_sysvars[id].dflt;
    if (qli_sysvars[id].type == QLI_T_UINT) {
        return parse_number(&qli_sysvars[id], text, &asked) &&
               parse_number(&qli_sysvars[id], (ql_str){dflt, strlen(dflt)}, &normal) &&
               asked == normal;
    }
    if (!qli_sysvar_parse(id, text, &a) ||
        !qli_sysvar_parse(id, (ql_str){dflt, strlen(dflt)}, &b) || a.kind != b.kind) {
        return false;
    }
    switch (ql_kind_slot(a.kind)) {
    case QL_SLOT_STRING:
        return ql_str_eq_nocase(a.s, b.s);
    case QL_SLOT_DOUBLE:
        return a.d == b.d;
    default:
        return a.u == b.u;
    }
}

/* A port that was not asked for helps nobody; other numbers are adjusted as MySQL adjusts them. */
static ql_status
check_range(ql_ctx *cx, ql_sysvar_id id, ql_str text, const ql_value *v)
{
    const qli_sysvar *sv = &qli_sysvars[id];
    uint64_t asked;
    if (sv->type == QLI_T_UINT && parse_number(sv, text, &asked) && asked != v->u) {
        if (id == QL_SV_PORT || id == QL_SV_ADMIN_PORT) {
            return ql_fail_text(cx, QL_ER_WRONG_VALUE_FOR_VAR,
                                "option '%s': %llu is no port (%llu to %llu)", sv->name,
                                (unsigned long long)asked, (unsigned long long)sv->min,
                                (unsigned long long)sv->max);
        }
        ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE,
                     "option '%s': unsigned value %llu adjusted to %llu", sv->name,
                     (unsigned long long)asked, (unsigned long long)v->u);
    }
    if (sv->type == QLI_T_DOUBLE) {
        size_t used;
        bool overflow;
        double d = ql_double_parse(text, &used, &overflow);
        if (d < v->d || d > v->d) {
            char given[QL_DOUBLE_TEXT_MAX], taken[QL_DOUBLE_TEXT_MAX];
            (void)ql_double_print(d, given);
            (void)ql_double_print(v->d, taken);
            ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE,
                         "option '%s': value %s adjusted to %s", sv->name, given, taken);
        }
    }
    return QL_OK;
}

ql_status
ql_sysvars_configure(ql_ctx *cx, ql_sysvars *sv, ql_str name, ql_str value)
{
    bool is_zone = name_matches("default_time_zone", name); /* the option's name alone */
    int found = is_zone ? QL_SV_TIME_ZONE : ql_sysvar_find(name);
    if (found < 0 || !ql_sysvar_is_global((ql_sysvar_id)found) ||
        (qli_sysvars[found].flags & QL_SVF_COMPUTED)) {
        return QL_END;
    }
    ql_sysvar_id id = qli_sysvar_real((ql_sysvar_id)found);
    const qli_sysvar *known = &qli_sysvars[id];
    ql_value v;
    if (known->flags & QL_SVF_FACT) {
        if (!is_default(id, value)) {
            warn_ignored(cx, known, value);
        }
        return QL_OK;
    }
    if (!qli_sysvar_parse(id, value, &v)) {
        return ql_fail(cx, QL_ER_WRONG_VALUE_FOR_VAR, known->name, ql_cstr(cx, value));
    }
    QL_TRY(check_range(cx, id, value, &v));
    if (known->type == QLI_T_STR || known->type == QLI_T_SQLMODE || known->type == QLI_T_FLAGS ||
        known->type == QLI_T_TIMEZONE) {
        ql_value asked = v;
        QL_TRY(qli_sysvar_convert(cx, id, true, &asked, &v));
    }
    if ((known->flags & QL_SVF_NO_EFFECT) && !is_default(id, value)) {
        warn_ignored(cx, known, value);
    }
    return ql_sysvar_publish(cx, sv, id, &v);
}

void
ql_sysvars_on_change(ql_sysvars *sv, ql_sysvar_id id, ql_sysvar_hook hook)
{
    sv->hooks[id] = hook;
}

void
ql_sysvars_set_through(ql_sysvars *sv, ql_sysvar_id id, ql_sysvar_setter setter)
{
    sv->setters[id] = setter;
}

uint64_t
ql_sysvar_global_u64(ql_instance *inst, ql_sysvar_id id)
{
    return atomic_load_explicit(&inst->sysvars->u64[qli_sysvar_real(id)], memory_order_relaxed);
}

/* --- text ------------------------------------------------------------------------------------ */

ql_status
ql_sysvar_print(ql_ctx *cx, ql_sysvar_id id, const ql_value *v, ql_str *out)
{
    char *p = NULL, text[QL_VALUE_TEXT_MAX];
    size_t n;
    switch (ql_kind_family(v->kind)) {
    case QL_FAM_NULL:
        *out = QL_STR("");
        return QL_OK;
    case QL_FAM_STRING:
        *out = v->s;
        return QL_OK;
    case QL_FAM_INT:
        if (qli_sysvars[id].type == QLI_T_BOOL) {
            *out = v->i ? QL_STR("ON") : QL_STR("OFF");
            return QL_OK;
        }
        p = ql_arena_printf(cx, cx->arena, "%llu", (unsigned long long)v->u);
        break;
    case QL_FAM_DOUBLE:
        n = ql_double_print_fixed(v->d, 6, text);
        p = ql_arena_strndup(cx, cx->arena, text, n);
        break;
    default:
        return ql_value_to_str(cx, cx->arena, v, out);
    }
    *out = (ql_str){p, p ? strlen(p) : 0};
    return p ? QL_OK : QL_ERROR;
}

static int
compare_names(const void *a, const void *b)
{
    const ql_name_value *x = a, *y = b;
    return strcmp(x->name.p, y->name.p);
}

ql_status
ql_sysvar_list(ql_ctx *cx, ql_arena *a, bool global, ql_name_value **v, size_t *n)
{
    ql_name_value *list = QL_ARENA_ARRAY(cx, a, ql_name_value, QL_SV_COUNT);
    if (!list) {
        return QL_ERROR;
    }
    *n = 0;
    for (int i = 0; i < QL_SV_COUNT; i++) {
        const qli_sysvar *sv = &qli_sysvars[i];
        if ((sv->flags & (QL_SVF_ALIAS | QL_SVF_HIDDEN)) ||
            (global && sv->scope == QLI_S_SESSION)) {
            continue;
        }
        ql_value value;
        ql_str text;
        bool from_global = global || sv->scope == QLI_S_GLOBAL;
        QL_TRY(ql_sysvar_get(cx, (ql_sysvar_id)i, from_global, &value));
        QL_TRY(ql_sysvar_print(cx, (ql_sysvar_id)i, &value, &text));
        char *copy = ql_arena_strndup(cx, a, text.p ? text.p : "", text.n);
        if (!copy) {
            return QL_ERROR;
        }
        list[(*n)++] = (ql_name_value){{sv->name, strlen(sv->name)}, {copy, text.n}};
    }
    qsort(list, *n, sizeof *list, compare_names);
    *v = list;
    return QL_OK;
}
