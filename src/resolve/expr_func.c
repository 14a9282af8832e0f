/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding of function calls: look-up, arity, argument casts and result types by the rules of
 * functions.def; aggregates become slots of their block.
 */
#include <string.h>

#include "resolve/resolve_int.h"
#include "types/kinds.h"

/* No message has room for more of a name. */
static int
shown(ql_str s)
{
    return s.n < 2048 ? (int)s.n : 2048;
}

static const char *
name_of(qli_res *r, ql_str s)
{
    return ql_arena_printf(r->cx, r->a, "%.*s", shown(s), s.p) ?: "";
}

static bool
name_is(const ql_ast_expr *e, const char *name)
{
    return ql_str_eq_nocase(e->name, (ql_str){name, __builtin_strlen(name)});
}

static char
arg_letter(const qli_func *f, uint32_t i)
{
    size_t n = __builtin_strlen(f->args);
    return n == 0 ? 'x' : f->args[i < n ? i : n - 1];
}

/* Temporal as it is, anything else as text. */
static ql_status
to_temporal_or_text(qli_res *r, qli_scope *sc, ql_expr **e)
{
    return ql_kind_is_temporal((*e)->type.kind) ? QL_OK : qli_cast_kind(r, sc, e, QL_K_STRING);
}

/* The same, but numbers stay: 1231 is a date, '1231' is none. */
static ql_status
to_temporal_number_or_text(qli_res *r, qli_scope *sc, ql_expr **e)
{
    ql_kind k = (*e)->type.kind;
    bool number = k == QL_K_INT || k == QL_K_DECIMAL || k == QL_K_DOUBLE;
    return number ? QL_OK : to_temporal_or_text(r, sc, e);
}

static ql_status
cast_arg(qli_res *r, qli_scope *sc, ql_expr *node, char letter, ql_expr **arg)
{
    switch (letter) {
    case 's':
        return qli_cast_kind(r, sc, arg, QL_K_STRING);
    case 'i':
        return qli_cast_kind(r, sc, arg, QL_K_INT);
    case 'd':
        return qli_cast_kind(r, sc, arg, QL_K_DOUBLE);
    case 'n':
        return qli_to_number(r, sc, arg);
    case 'D':
        return qli_cast_kind(r, sc, arg, QL_K_DATE);
    case 'T':
        return qli_cast_kind(r, sc, arg, QL_K_TIME);
    case 'M':
        return qli_cast_kind(r, sc, arg, QL_K_DATETIME);
    case 'a':
        return qli_cast(r, sc, arg, &node->type);
    case 'c':
        return qli_cast_kind(r, sc, arg, node->compare_kind);
    default:
        return QL_OK;
    }
}

static unsigned
seconds_digits(const ql_expr *e)
{
    if (e->kind == QL_E_CONST && e->value.kind == QL_K_STRING) {
        const char *dot = memchr(e->value.s.p ? e->value.s.p : "", '.', e->value.s.n);
        size_t n = dot ? (size_t)(e->value.s.p + e->value.s.n - dot - 1) : 0;
        return n > 6 ? 6 : (unsigned)n;
    }
    return ql_kinds[e->type.kind]->second_digits(&e->type);
}

/* NOW(n): n is a literal 0 to 6. */
static ql_status
fraction_argument(qli_res *r, const qli_func *f, ql_expr **args, uint32_t n, unsigned *digits)
{
    *digits = 0;
    if (!n) {
        return QL_OK;
    }
    if (args[0]->kind != QL_E_CONST || args[0]->value.kind != QL_K_INT) {
        return r->preparing ? QL_OK : ql_fail(r->cx, QL_ER_WRONG_ARGUMENTS, f->name);
    }
    if (args[0]->value.u > 6) {
        return ql_fail(r->cx, QL_ER_TOO_BIG_PRECISION, (int)args[0]->value.i, f->name, 6ul);
    }
    *digits = (unsigned)args[0]->value.u;
    return QL_OK;
}

static bool
unit_has_time(ql_unit u)
{
    switch (u) {
    case QL_U_DAY:
    case QL_U_WEEK:
    case QL_U_MONTH:
    case QL_U_QUARTER:
    case QL_U_YEAR:
    case QL_U_YEAR_MONTH:
        return false;
    default:
        return true;
    }
}

static bool
unit_has_date(ql_unit u)
{
    switch (u) {
    case QL_U_MICROSECOND:
    case QL_U_SECOND:
    case QL_U_MINUTE:
    case QL_U_HOUR:
    case QL_U_SECOND_MICROSECOND:
    case QL_U_MINUTE_MICROSECOND:
    case QL_U_MINUTE_SECOND:
    case QL_U_HOUR_MICROSECOND:
    case QL_U_HOUR_SECOND:
    case QL_U_HOUR_MINUTE:
        return false;
    default:
        return true;
    }
}

static bool
unit_is_simple(ql_unit u)
{
    return u <= QL_U_YEAR;
}

static ql_type
temporal_add_type(qli_res *r, const ql_expr *node, const ql_expr *date, const ql_expr *amount)
{
    ql_unit u = node->unit;
    unsigned d = seconds_digits(date);
    if (u == QL_U_MICROSECOND || u == QL_U_SECOND_MICROSECOND || u == QL_U_MINUTE_MICROSECOND ||
        u == QL_U_HOUR_MICROSECOND || u == QL_U_DAY_MICROSECOND) {
        d = 6;
    } else if (u == QL_U_SECOND && amount->type.kind == QL_K_DECIMAL) {
        d = d > amount->type.decimals ? d : amount->type.decimals > 6 ? 6 : amount->type.decimals;
    } else if (u == QL_U_SECOND && amount->type.kind != QL_K_INT &&
               amount->type.kind != QL_K_NULL) {
        d = 6;
    }
    if (!ql_kind_is_temporal(date->type.kind)) {
        return ql_type_varchar(29, qli_conn_coll(r));
    }
    unsigned has = ql_kind_calendar(date->type.kind);
    has |= (unit_has_date(u) ? QL_HAS_DATE : 0u) | (unit_has_time(u) ? QL_HAS_TIME : 0u);
    return !(has & QL_HAS_DATE)   ? ql_type_time(d)
           : !(has & QL_HAS_TIME) ? ql_type_date()
                                  : ql_type_datetime(d);
}

/* Value of a small constant integer argument, or -1. */
static int64_t
const_argument(ql_expr **args, uint32_t n, uint32_t i)
{
    if (i >= n || args[i]->kind != QL_E_CONST || args[i]->value.kind != QL_K_INT) {
        return -1;
    }
    return args[i]->value.i < 0 ? 0 : args[i]->value.i;
}

static ql_type
round_type(const ql_expr *node, ql_expr **args, uint32_t n)
{
    const ql_type *t = &args[0]->type;
    if (t->kind == QL_K_INT) {
        ql_type i = ql_type_int(t->is_unsigned);
        return i;
    }
    if (t->kind != QL_K_DECIMAL) {
        ql_type d = ql_type_double();
        int64_t want = n == 1 ? 0 : const_argument(args, n, 1);
        if (want >= 0 && want <= QL_DECIMAL_MAX_SCALE) {
            d.decimals = (uint8_t)want;
        }
        return d;
    }
    unsigned ints = t->length - t->decimals, scale = t->decimals;
    if (n == 1) {
        scale = 0;
    } else if (args[1]->kind == QL_E_CONST && args[1]->value.kind == QL_K_INT) {
        int64_t want = args[1]->value.is_unsigned ? INT64_MAX : args[1]->value.i;
        scale = want < 0 ? 0 : want < QL_DECIMAL_MAX_SCALE ? (unsigned)want : QL_DECIMAL_MAX_SCALE;
    }
    bool grows = node->fn == QL_FN_ROUND && scale < t->decimals;
    return ql_type_decimal(ints + grows + scale, scale);
}

static ql_status
str_to_date_type(qli_res *r, const ql_expr *format, ql_type *out)
{
    *out = ql_type_datetime(6);
    if (format->kind != QL_E_CONST || format->value.kind != QL_K_STRING) {
        return QL_OK;
    }
    bool date = false, time = false, micro = false;
    ql_str s = format->value.s;
    for (size_t at, i = 0; i + 1 < s.n; i = at + 2) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(ql_bulk_find_byte(r->cx, s, i, '%', &at));
        if (at + 1 >= s.n) {
            break;
        }
        char c = s.p[at + 1];
        micro = micro || c == 'f';
        time = time || __builtin_strchr("HhIikklpSsTrf", c) != NULL;
        date = date || __builtin_strchr("abcDdejMmUuVvWwXxYy", c) != NULL;
    }
    unsigned d = micro ? 6 : 0;
    *out = date && time ? ql_type_datetime(d) : time ? ql_type_time(d) : ql_type_date();
    return QL_OK;
}

static ql_status
string_length(qli_res *r, const ql_expr *node, ql_expr **args, uint32_t n, uint32_t *out)
{
    uint64_t len = 0;
    switch (node->fn) {
    case QL_FN_CONCAT:
    case QL_FN_INSERT:
    case QL_FN_REPLACE:
    case QL_FN_CONCAT_WS:
    case QL_FN_MAKE_SET:
        for (uint32_t i = 0; i < n; i++) {
            len += args[i]->type.kind == QL_K_STRING ? args[i]->type.length : 20;
            QL_TRY(ql_bulk_each(r->cx, i));
        }
        if (node->fn == QL_FN_REPLACE && len < 255) {
            len = 255;
        }
        break;
    case QL_FN_ELT:
        for (uint32_t i = 1; i < n; i++) {
            len = args[i]->type.length > len ? args[i]->type.length : len;
            QL_TRY(ql_bulk_each(r->cx, i));
        }
        break;
    case QL_FN_LEFT:
    case QL_FN_RIGHT:
    case QL_FN_SUBSTRING: {
        int64_t k = const_argument(args, n, node->fn == QL_FN_SUBSTRING ? 2 : 1);
        len = args[0]->type.length;
        len = k >= 0 && (uint64_t)k < len ? (uint64_t)k : len;
        break;
    }
    case QL_FN_REPEAT:
    case QL_FN_LPAD:
    case QL_FN_RPAD: {
        int64_t k = const_argument(args, n, 1);
        len = k < 0 || k > 1 << 24       ? 65535
              : node->fn == QL_FN_REPEAT ? (uint64_t)k * args[0]->type.length
                                         : (uint64_t)k;
        break;
    }
    case QL_FN_QUOTE:
        len = 2ull * args[0]->type.length + 2;
        break;
    case QL_FN_EXPORT_SET:
    case QL_FN_REGEXP_REPLACE:
        len = 65535;
        break;
    default:
        len = n ? args[0]->type.length : 0;
        break;
    }
    *out = len > 4294967295u ? 4294967295u : (uint32_t)len;
    return QL_OK;
}

static uint32_t
ascii_length(ql_func_id fn, ql_expr **args, uint32_t n)
{
    switch (fn) {
    case QL_FN_MD5:
        return 32;
    case QL_FN_SHA1:
        return 40;
    case QL_FN_SHA2:
        return 128;
    case QL_FN_UUID:
    case QL_FN_BIN_TO_UUID:
        return 36;
    case QL_FN_HEX:
        return args[0]->type.kind == QL_K_STRING && args[0]->type.length < 1u << 28
                   ? args[0]->type.length * 8
                   : 16;
    case QL_FN_TO_BASE64:
        return args[0]->type.length < 1u << 28 ? args[0]->type.length * 6 : 1u << 30;
    case QL_FN_DATABASE:
        return 34;
    case QL_FN_USER:
    case QL_FN_CURRENT_USER:
        return 288;
    case QL_FN_VERSION:
        return 60;
    case QL_FN_CHARSET:
    case QL_FN_COLLATION:
        return 64;
    case QL_FN_CONV:
        return 64;
    case QL_FN_INET_NTOA:
        return 31;
    case QL_FN_INET6_NTOA:
        return 39;
    case QL_FN_DAYNAME:
    case QL_FN_MONTHNAME:
        return 9;
    case QL_FN_SPACE:
        return n && args[0]->kind == QL_E_CONST && args[0]->value.kind == QL_K_INT &&
                       args[0]->value.u < 65535
                   ? (uint32_t)args[0]->value.u
                   : 65535;
    default:
        return 100;
    }
}

static ql_type
string_type(uint32_t chars, const ql_collation *c)
{
    ql_type t = ql_type_varchar(chars, c);
    if (chars > 16383) {
        t.field = QL_F_BLOB;
    }
    return t;
}

static ql_type
number_type(const ql_expr *a)
{
    ql_type t = a->type;
    switch (ql_kind_family(t.kind)) {
    case QL_FAM_INT:
        t = ql_type_int(a->type.is_unsigned);
        break;
    case QL_FAM_DECIMAL:
        t = ql_type_decimal(a->type.length, a->type.decimals);
        break;
    default:
        t = ql_type_double();
        break;
    }
    return t;
}

static ql_status
type_by_string_rule(qli_res *r, qli_rule rule, ql_expr *node, ql_expr **args, uint32_t n)
{
    uint8_t co = 4;
    const ql_collation *c = qli_conn_coll(r);
    if (rule == QLI_R_STRING || rule == QLI_R_STR0) {
        QL_TRY(qli_coll_aggregate(r, args, rule == QLI_R_STR0 ? 1 : n, ql_func_name(node->fn), &c,
                                  &co));
        uint32_t len;
        QL_TRY(string_length(r, node, args, n, &len));
        node->type = string_type(len, c);
        if (n && args[0]->type.kind == QL_K_NULL) {
            co = 6;
        }
    } else if (rule == QLI_R_BINARY) {
        node->type = string_type(n && args[0]->type.kind == QL_K_STRING ? args[0]->type.length : n,
                                 ql_coll_binary);
        co = 2;
    } else {
        node->type = string_type(ascii_length(node->fn, args, n), c);
        co = (ql_func_flags(node->fn) & QL_FF_STMT) ? 3 : 4;
    }
    node->coercibility = co;
    return QL_OK;
}

static ql_status
type_by_time_rule(qli_res *r, const qli_func *f, ql_expr *node, ql_expr **args, uint32_t n)
{
    unsigned d = 0;
    switch (f->rule) {
    case QLI_R_DATE:
        node->type = ql_type_date();
        break;
    case QLI_R_TIME:
        node->type = ql_type_time(n == 3 ? seconds_digits(args[2])
                                  : n    ? seconds_digits(args[0])
                                         : 0);
        break;
    case QLI_R_DATETIME:
        d = seconds_digits(args[0]);
        if (n > 1 && seconds_digits(args[1]) > d) {
            d = seconds_digits(args[1]);
        }
        node->type = ql_type_datetime(d);
        break;
    case QLI_R_TIME_N:
        QL_TRY(fraction_argument(r, f, args, n, &d));
        node->type = ql_type_time(d);
        break;
    case QLI_R_DATETIME_N:
        QL_TRY(fraction_argument(r, f, args, n, &d));
        node->type = ql_type_datetime(d);
        break;
    case QLI_R_TEMPORAL_ADD:
        node->type = temporal_add_type(r, node, args[0], args[1]);
        break;
    case QLI_R_SEC_TO_TIME:
        node->type = ql_type_time(seconds_digits(args[0]));
        break;
    case QLI_R_TEMPORAL_DIFF:
        d = seconds_digits(args[0]);
        node->type = ql_type_time(d > seconds_digits(args[1]) ? d : seconds_digits(args[1]));
        break;
    case QLI_R_ADDTIME:
        d = seconds_digits(args[0]) > seconds_digits(args[1]) ? seconds_digits(args[0])
                                                              : seconds_digits(args[1]);
        node->type = args[0]->type.kind == QL_K_TIME ? ql_type_time(d)
                     : args[0]->type.kind == QL_K_DATETIME || args[0]->type.kind == QL_K_DATE
                         ? ql_type_datetime(d)
                         : ql_type_varchar(29, qli_conn_coll(r));
        break;
    case QLI_R_CONVERT_TZ:
        node->type = ql_type_datetime(seconds_digits(args[0]));
        break;
    case QLI_R_STR_TO_DATE:
        return str_to_date_type(r, args[1], &node->type);
    case QLI_R_FROM_UNIX:
        node->type = n == 1 ? ql_type_datetime(seconds_digits(args[0]))
                            : ql_type_varchar(100, qli_conn_coll(r));
        break;
    default: /* UNIX_TS */
        d = n ? seconds_digits(args[0]) : 0;
        node->type = d ? ql_type_decimal(12 + d, d) : ql_type_int(false);
        break;
    }
    if (node->type.kind == QL_K_STRING) {
        node->coercibility = 4;
    }
    return QL_OK;
}

static ql_status
type_by_rule(qli_res *r, const qli_func *f, ql_expr *node, ql_expr **args, uint32_t n)
{
    switch (f->rule) {
    case QLI_R_INT:
        node->type = ql_type_int(false);
        return QL_OK;
    case QLI_R_UINT:
        node->type = ql_type_int(true);
        return QL_OK;
    case QLI_R_BOOL:
        node->type = ql_type_bool();
        return QL_OK;
    case QLI_R_DOUBLE:
        node->type = ql_type_double();
        if (node->fn == QL_FN_PI) {
            node->type.decimals = 6;
            node->type.length = 8;
        }
        return QL_OK;
    case QLI_R_STRING:
    case QLI_R_STR0:
    case QLI_R_ASCII:
    case QLI_R_BINARY:
        return type_by_string_rule(r, f->rule, node, args, n);
    case QLI_R_ARG0:
        node->type = args[0]->type;
        node->coercibility = args[0]->coercibility;
        return QL_OK;
    case QLI_R_AGGTYPE:
        QL_TRY(qli_common_type(r, args, n, f->name, &node->type));
        if (node->type.kind == QL_K_STRING) {
            const ql_collation *c;
            return qli_coll_aggregate(r, args, n, f->name, &c, &node->coercibility);
        }
        return QL_OK;
    case QLI_R_NUMERIC:
        node->type = number_type(args[0]);
        return QL_OK;
    case QLI_R_CEIL:
        node->type = number_type(args[0]);
        if (node->type.kind == QL_K_DECIMAL) {
            unsigned ints = args[0]->type.length - args[0]->type.decimals;
            node->type = ints < 18 ? ql_type_int(false) : ql_type_decimal(ints + 1, 0);
        }
        return QL_OK;
    case QLI_R_ROUND:
        node->type = round_type(node, args, n);
        return QL_OK;
    default:
        return type_by_time_rule(r, f, node, args, n);
    }
}

/* Kind in which FIELD and INTERVAL compare: all text, all integers, else numbers. */
static ql_kind
list_compare_kind(const ql_expr *node, ql_expr **args, uint32_t n)
{
    ql_kind k = args[0]->type.kind;
    for (uint32_t i = 1; i < n; i++) {
        ql_kind o = args[i]->type.kind;
        if (o != k && o != QL_K_NULL) {
            k = k == QL_K_NULL ? o
                : (k == QL_K_INT || k == QL_K_DECIMAL) && (o == QL_K_INT || o == QL_K_DECIMAL)
                    ? QL_K_DECIMAL
                    : QL_K_DOUBLE;
        }
    }
    if (node->fn == QL_FN_INTERVAL && k != QL_K_INT && k != QL_K_DECIMAL) {
        return QL_K_DOUBLE;
    }
    return k == QL_K_NULL || ql_kind_is_temporal(k) ? QL_K_STRING : k;
}

/* Arguments that want more than their letter says. */
static ql_status
prepare_args(qli_res *r, qli_scope *sc, ql_expr *node, ql_expr **args, uint32_t n)
{
    switch (node->fn) {
    case QL_FN_DATE_ADD:
    case QL_FN_DATE_SUB:
        QL_TRY(to_temporal_number_or_text(r, sc, &args[0]));
        return unit_is_simple(node->unit) ? QL_OK : qli_cast_kind(r, sc, &args[1], QL_K_STRING);
    case QL_FN_TIMEDIFF:
        QL_TRY(to_temporal_or_text(r, sc, &args[0]));
        return to_temporal_or_text(r, sc, &args[1]);
    case QL_FN_EXTRACT:
        return to_temporal_number_or_text(r, sc, &args[0]);
    case QL_FN_ADDTIME:
    case QL_FN_SUBTIME:
        QL_TRY(to_temporal_or_text(r, sc, &args[0]));
        return args[0]->type.kind == QL_K_DATE ? qli_cast_kind(r, sc, &args[0], QL_K_DATETIME)
                                               : QL_OK;
    case QL_FN_HEX:
        return ql_kind_is_temporal(args[0]->type.kind) ? qli_cast_kind(r, sc, &args[0], QL_K_STRING)
                                                       : QL_OK;
    case QL_FN_FIELD:
    case QL_FN_INTERVAL:
        node->compare_kind = list_compare_kind(node, args, n);
        return QL_OK;
    default:
        return QL_OK;
    }
}

/* Functions whose result type speaks of the arguments as they were, before the casts. */
static bool
types_before_casts(qli_rule rule)
{
    return rule != QLI_R_STRING && rule != QLI_R_STR0 && rule != QLI_R_NUMERIC &&
           rule != QLI_R_CEIL && rule != QLI_R_ROUND && rule != QLI_R_BINARY;
}

ql_status
ql_call(qli_res *r, qli_scope *sc, ql_func_id fn, ql_expr **args, uint32_t n, ql_unit unit,
        uint32_t index, ql_expr **out)
{
    const qli_func *f = qli_func_get(fn);
    ql_expr *node = qli_node(r, QL_E_FUNC);
    if (!node) {
        return QL_ERROR;
    }
    node->fn = fn;
    node->unit = unit;
    node->index = index;
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(qli_require_scalar(r, args[i]));
    }
    QL_TRY(prepare_args(r, sc, node, args, n));
    if (types_before_casts(f->rule)) {
        QL_TRY(type_by_rule(r, f, node, args, n));
    }
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_bulk_node(r->cx));
        QL_TRY(cast_arg(r, sc, node, arg_letter(f, i), &args[i]));
    }
    if (!types_before_casts(f->rule)) {
        QL_TRY(type_by_rule(r, f, node, args, n));
    }
    uint8_t co;
    QL_TRY(qli_coll_aggregate(r, args, n, f->name, &node->coll, &co));
    node->args = args;
    node->nargs = n;
    node->type.nullable = true;
    QL_TRY(qli_args_constant(r, args, n, &node->is_constant));
    node->is_constant = node->is_constant && !(f->flags & QL_FF_NONDET);
    qli_number_node(r, sc, node);
    *out = node;
    return QL_OK;
}

ql_status
qli_date_arith(qli_res *r, qli_scope *sc, bool subtract, const ql_ast_expr *date,
               const ql_ast_expr *interval, ql_expr **out)
{
    ql_expr **args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 2);
    if (!args) {
        return QL_ERROR;
    }
    ql_unit unit = QL_U_DAY;
    QL_TRY(qli_bind(r, sc, date, &args[0]));
    if (interval->kind == QL_A_INTERVAL) {
        unit = interval->unit;
        interval = interval->args.v[0];
    }
    QL_TRY(qli_bind(r, sc, interval, &args[1]));
    if (args[1]->is_hex) {
        QL_TRY(qli_hex_as_number(r, &args[1]));
    }
    return ql_call(r, sc, subtract ? QL_FN_DATE_SUB : QL_FN_DATE_ADD, args, 2, unit, 0, out);
}

static ql_status
bind_unknown(qli_res *r, const ql_ast_expr *e)
{
    if (!e->schema.n && qli_func_is_unbuilt(e->name)) {
        return ql_fail(r->cx, QL_ER_NOT_SUPPORTED_YET, name_of(r, e->name));
    }
    ql_str db = e->schema.n ? e->schema : r->cx->vars ? r->cx->vars->db : (ql_str){0};
    const char *full =
        db.n ? ql_arena_printf(r->cx, r->a, "%.*s.%.*s", shown(db), db.p, shown(e->name), e->name.p)
             : name_of(r, e->name);
    return ql_fail(r->cx, QL_ER_SP_DOES_NOT_EXIST, "FUNCTION", full ?: "");
}

static ql_status
wrong_count(qli_res *r, const ql_ast_expr *e)
{
    return ql_fail(r->cx, QL_ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, name_of(r, e->name));
}

static ql_status
need_args(qli_res *r, const ql_ast_expr *e, uint32_t min, uint32_t max)
{
    return e->args.n < min || e->args.n > max ? wrong_count(r, e) : QL_OK;
}

static ql_status
bind_if(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a;
    QL_TRY(need_args(r, e, 3, 3));
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    return qli_case_node(r, sc, a, 3, out);
}

static ql_status
bind_nullif(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **a, *eq, **c = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 3);
    ql_value null = ql_value_null();
    if (!c) {
        return QL_ERROR;
    }
    QL_TRY(need_args(r, e, 2, 2));
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    QL_TRY(qli_compare_bind(r, sc, QL_OP_EQ, a[0], a[1], &eq));
    c[0] = eq;
    c[1] = qli_const(r, &null);
    c[2] = a[0];
    return c[1] ? qli_case_node(r, sc, c, 3, out) : QL_ERROR;
}

/* BIN(n) is CONV(n, 10, 2), OCT(n) CONV(n, 10, 8) (manual); a hexadecimal literal is a number here.
 */
static ql_status
bind_base(qli_res *r, qli_scope *sc, const ql_ast_expr *e, int base, ql_expr **out)
{
    ql_expr **a, **args = QL_ARENA_ARRAY(r->cx, r->a, ql_expr *, 3);
    if (args == NULL) {
        return QL_ERROR;
    }
    QL_TRY(need_args(r, e, 1, 1));
    QL_TRY(qli_bind_list(r, sc, &e->args, &a));
    args[0] = a[0];
    if (args[0]->is_hex) {
        QL_TRY(qli_hex_as_number(r, &args[0]));
    }
    args[1] = qli_const_int(r, 10);
    args[2] = qli_const_int(r, base);
    return args[1] == NULL || args[2] == NULL
               ? QL_ERROR
               : ql_call(r, sc, QL_FN_CONV, args, 3, QL_U_DAY, 0, out);
}

/* Functions that are written otherwise. *done false = an ordinary one. */
static ql_status
bind_special(qli_res *r, qli_scope *sc, const ql_ast_expr *e, bool at_cond, bool *done,
             ql_expr **out)
{
    ql_expr **a;
    *done = true;
    if (name_is(e, "IF")) {
        return bind_if(r, sc, e, out);
    }
    if (name_is(e, "NULLIF")) {
        return bind_nullif(r, sc, e, out);
    }
    if (name_is(e, "IFNULL")) {
        QL_TRY(need_args(r, e, 2, 2));
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        return ql_call(r, sc, QL_FN_COALESCE, a, 2, QL_U_DAY, 0, out);
    }
    if (name_is(e, "ISNULL")) {
        QL_TRY(need_args(r, e, 1, 1));
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        if (at_cond && qli_is_dated_column(sc, a[0])) {
            return qli_bind_date_is_null(r, sc, a[0], out);
        }
        ql_type t = ql_type_bool();
        return qli_op_node(r, sc, QL_OP_IS_NULL, &t, a, 1, out);
    }
    if (name_is(e, "BIN") || name_is(e, "OCT")) {
        return bind_base(r, sc, e, name_is(e, "BIN") ? 2 : 8, out);
    }
    if (name_is(e, "MOD")) {
        QL_TRY(need_args(r, e, 2, 2));
        QL_TRY(qli_bind_list(r, sc, &e->args, &a));
        return qli_arith(r, sc, QL_OP_MOD, a[0], a[1], out);
    }
    if (name_is(e, "NAME_CONST")) {
        QL_TRY(need_args(r, e, 2, 2));
        return qli_bind(r, sc, e->args.v[1], out);
    }
    if (name_is(e, "DATE_ADD") || name_is(e, "ADDDATE") || name_is(e, "DATE_SUB") ||
        name_is(e, "SUBDATE")) {
        QL_TRY(need_args(r, e, 2, 2));
        return qli_date_arith(r, sc, name_is(e, "DATE_SUB") || name_is(e, "SUBDATE"), e->args.v[0],
                              e->args.v[1], out);
    }
    *done = false;
    return QL_OK;
}

/* TIMESTAMPADD(unit, n, date) is DATE_ADD with its arguments turned round. */
static ql_func_id
order_args(const qli_func *f, ql_expr **a)
{
    if (f->id != QL_FN_TIMESTAMPADD) {
        return f->id;
    }
    ql_expr *n = a[0];
    a[0] = a[1];
    a[1] = n;
    return QL_FN_DATE_ADD;
}

static bool
parser_put_unit_first(const qli_func *f, const ql_ast_expr *e)
{
    return (f->id == QL_FN_TIMESTAMPADD || f->id == QL_FN_TIMESTAMPDIFF) && e->args.n == 3;
}

ql_status
qli_bind_func(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    bool at_cond = qli_take_at_cond(sc);
    if (e->kind == QL_A_GROUP_CONCAT) {
        return qli_bind_agg(r, sc, e, QL_AGG_GROUP_CONCAT, out);
    }
    if (!e->schema.n) {
        int agg = qli_agg_find(e->name);
        if (agg >= 0) {
            return qli_bind_agg(r, sc, e, (ql_agg_fn)agg, out);
        }
        if (name_is(e, "ANY_VALUE")) {
            QL_TRY(need_args(r, e, 1, 1));
            return sc && sc->aggregated && !sc->in_agg
                       ? qli_bind_agg(r, sc, e, QL_AGG_ANY_VALUE, out)
                       : qli_bind(r, sc, e->args.v[0], out);
        }
        bool done;
        QL_TRY(bind_special(r, sc, e, at_cond, &done, out));
        if (done) {
            return QL_OK;
        }
    }
    const qli_func *f = e->schema.n ? NULL : qli_func_find(e->name);
    if (!f) {
        return bind_unknown(r, e);
    }
    ql_ast_exprs list = e->args;
    if (parser_put_unit_first(f, e)) {
        list.v++;
        list.n--;
    }
    if (list.n < f->min || (f->max != 255 && list.n > f->max)) {
        return wrong_count(r, e);
    }
    if (f->id == QL_FN_FOUND_ROWS) {
        ql_warn_text(r->cx, QL_DIAG_WARNING, QL_ER_WARN_DEPRECATED_SYNTAX,
                     "FOUND_ROWS() is deprecated and will be removed in a future release. Consider "
                     "using COUNT(*) instead.");
    }
    ql_expr **args;
    QL_TRY(qli_bind_list(r, sc, &list, &args));
    ql_func_id id = order_args(f, args);
    return ql_call(r, sc, id, args, list.n, e->unit, e->index, out);
}
