/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of function calls, by the rules of functions.def. Lengths and decimals are those that MySQL
 * tells its clients.
 */
#include <string.h>

#include "resolve/resolve_int.h"
#include "types/kinds.h"
#include "json/json.h"

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

bool
qli_unit_has_date(ql_unit u)
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
    has |= (qli_unit_has_date(u) ? QL_HAS_DATE : 0u) | (unit_has_time(u) ? QL_HAS_TIME : 0u);
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

static const ql_locale *
locale_of(const qli_res *r)
{
    return r->cx->vars && r->cx->vars->locale ? r->cx->vars->locale : ql_locale_default;
}

static uint32_t
bytes_a_char(const ql_expr *e)
{
    return e->type.coll != NULL ? e->type.coll->charset->max_bytes : 1;
}

static uint32_t
ascii_length(const qli_res *r, ql_func_id fn, ql_expr **args, uint32_t n)
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
                   ? args[0]->type.length * 2 * bytes_a_char(args[0])
                   : 16;
    case QL_FN_TO_BASE64:
        return args[0]->type.length < 1u << 28
                   ? (args[0]->type.length * bytes_a_char(args[0]) + 1) / 2 * 3
                   : 1u << 30;
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
        return ql_locale_longest(locale_of(r)->names->days);
    case QL_FN_MONTHNAME:
        return ql_locale_longest(locale_of(r)->names->months);
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
        if (a->type.kind == QL_K_DOUBLE && a->type.decimals < QL_DECIMALS_DOUBLE) {
            t.decimals = a->type.decimals;
            t.length = QLI_DOUBLE_DIGITS + t.decimals;
        }
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
        node->type = string_type(ascii_length(r, node->fn, args, n), c);
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
                     : ql_kind_calendar(args[0]->type.kind) & QL_HAS_DATE
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
        node->type = d ? ql_type_decimal(11 + d, d) : ql_type_int(false);
        break;
    }
    if (node->type.kind == QL_K_STRING) {
        node->coercibility = 4;
    }
    return QL_OK;
}

ql_status
qli_func_type(qli_res *r, const qli_func *f, ql_expr *node, ql_expr **args, uint32_t n)
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
    case QLI_R_JSON:
        node->type = ql_type_json();
        return QL_OK;
    case QLI_R_JSON_TEXT:
        node->type = qli_json_text_type();
        node->coercibility = 4;
        return QL_OK;
    case QLI_R_JSON_WORD:
        node->type = ql_type_varchar(51, ql_coll_utf8mb4_bin);
        node->coercibility = 4;
        return QL_OK;
    case QLI_R_ARG0:
        node->type = args[0]->type;
        node->type.zerofill = 0;
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
