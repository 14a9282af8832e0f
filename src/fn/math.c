/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on numbers. Arguments of kind "n" are INT, DECIMAL or DOUBLE; the resolver chose the
 * result kind. Domain errors give NULL, overflow gives 1690, as in the MySQL manual, "Mathematical
 * Functions".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fn/fn_int.h"

static ql_status
out_of_range(ql_ctx *cx, ql_call *call, const char *what)
{
    char lower[32];
    const char *name = ql_func_name(call->expr->fn);
    size_t n = strlen(name) < sizeof lower - 1 ? strlen(name) : sizeof lower - 1;
    for (size_t i = 0; i < n; i++) {
        lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
    }
    lower[n] = 0;
    return ql_fail_text(cx, QL_ER_DATA_OUT_OF_RANGE, "%s value is out of range in '%s()'", what,
                        lower);
}

/* A finite result, or 1690; NaN is NULL. */
static ql_status
put_finite(ql_ctx *cx, ql_call *call, double v, ql_value *out)
{
    if (isnan(v)) {
        return QL_OK;
    }
    return isinf(v) ? out_of_range(cx, call, "DOUBLE") : qli_put_double(out, v);
}

static ql_status
put_decimal(const ql_decimal *d, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_DECIMAL, .dec = *d};
    return QL_OK;
}

QLI_FN(ABS)
{
    *out = args[0];
    switch (ql_kind_family(args[0].kind)) {
    case QL_FAM_INT:
        if (!args[0].is_unsigned && args[0].i < 0) {
            if (args[0].i == INT64_MIN) {
                return out_of_range(cx, call, "BIGINT");
            }
            out->i = -args[0].i;
        }
        return QL_OK;
    case QL_FAM_DECIMAL:
        out->dec.negative = false;
        return QL_OK;
    default:
        out->d = fabs(args[0].d);
        return QL_OK;
    }
}

/* CEIL, FLOOR: DECIMAL to the type the resolver chose (BIGINT when it fits for sure, else DECIMAL
 * with scale 0). */
static ql_status
to_whole(ql_ctx *cx, ql_call *call, const ql_value *v, bool up, ql_value *out)
{
    if (v->kind == QL_K_DECIMAL) {
        ql_decimal d = v->dec;
        int64_t i;
        (void)ql_decimal_round(&d, 0, up ? QL_ROUND_CEILING : QL_ROUND_FLOOR);
        if (call->expr->type.kind != QL_K_INT) {
            return put_decimal(&d, out);
        }
        if (!ql_decimal_to_i64(&d, &i)) {
            return out_of_range(cx, call, "BIGINT");
        }
        return qli_put_int(out, i);
    }
    if (v->kind == QL_K_DOUBLE) {
        return qli_put_double(out, up ? ceil(v->d) : floor(v->d));
    }
    *out = *v;
    return QL_OK;
}

QLI_FN(CEIL)
{
    return to_whole(cx, call, &args[0], true, out);
}

QLI_FN(FLOOR)
{
    return to_whole(cx, call, &args[0], false, out);
}

static double
round_double(double v, int64_t digits, bool truncate)
{
    if (!isfinite(v) || digits > 308) {
        return v;
    }
    if (digits < -308) {
        return 0.0;
    }
    double scale = pow(10.0, (double)llabs(digits));
    double x = digits < 0 ? v / scale : v * scale;
    if (!isfinite(x)) {
        return v;
    }
    x = truncate ? trunc(x) : rint(x);
    return digits < 0 ? x * scale : x / scale;
}

static uint64_t
round_magnitude(uint64_t v, int64_t tens, bool truncate, bool *overflow)
{
    uint64_t p = 1;
    *overflow = false;
    if (tens > 19) {
        return 0;
    }
    for (int64_t i = 0; i < tens; i++) {
        p *= 10;
    }
    uint64_t rest = v % p, down = v - rest;
    if (truncate || rest < p - rest) {
        return down;
    }
    *overflow = down > UINT64_MAX - p;
    return down + p;
}

static ql_status
round_int(ql_ctx *cx, ql_call *call, const ql_value *v, int64_t digits, bool truncate,
          ql_value *out)
{
    *out = *v;
    if (digits >= 0) {
        return QL_OK;
    }
    bool negative = !v->is_unsigned && v->i < 0, overflow;
    uint64_t m = round_magnitude(negative ? 0 - v->u : v->u, -digits, truncate, &overflow);
    if (overflow || (!v->is_unsigned && m > (uint64_t)INT64_MAX + negative)) {
        return out_of_range(cx, call, v->is_unsigned ? "BIGINT UNSIGNED" : "BIGINT");
    }
    out->u = negative ? 0 - m : m;
    return QL_OK;
}

#define DIGITS_MOST 400 /* more than any number has, before or behind its point */

static int64_t
wanted_digits(const ql_value *v)
{
    if (v->is_unsigned && v->u > DIGITS_MOST) {
        return DIGITS_MOST;
    }
    return v->i > DIGITS_MOST ? DIGITS_MOST : v->i < -DIGITS_MOST ? -DIGITS_MOST : v->i;
}

static ql_status
round_value(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs, bool truncate,
            ql_value *out)
{
    int64_t digits = nargs > 1 ? wanted_digits(&args[1]) : 0;
    switch (ql_kind_family(args[0].kind)) {
    case QL_FAM_INT:
        return round_int(cx, call, &args[0], digits, truncate, out);
    case QL_FAM_DECIMAL: {
        ql_decimal d = args[0].dec;
        const ql_type *t = &call->expr->type;
        int most = t->kind == QL_K_DECIMAL ? t->decimals : QL_DECIMAL_MAX_SCALE;
        int scale = digits > most ? most : (int)digits;
        if (!ql_decimal_round(&d, scale, truncate ? QL_ROUND_TRUNCATE : QL_ROUND_HALF_UP)) {
            return out_of_range(cx, call, "DECIMAL");
        }
        return put_decimal(&d, out);
    }
    default:
        return qli_put_double(out, round_double(args[0].d, digits, truncate));
    }
}

QLI_FN(ROUND)
{
    return round_value(cx, call, args, nargs, false, out);
}

QLI_FN(TRUNCATE)
{
    return round_value(cx, call, args, nargs, true, out);
}

QLI_FN(SIGN)
{
    double d;
    QL_TRY(ql_value_to_double(cx, &args[0], &d));
    return qli_put_int(out, d > 0 ? 1 : d < 0 ? -1 : 0);
}

QLI_FN(POW)
{
    return put_finite(cx, call, pow(args[0].d, args[1].d), out);
}

QLI_FN(SQRT)
{
    return args[0].d < 0 ? QL_OK : qli_put_double(out, sqrt(args[0].d));
}

QLI_FN(EXP)
{
    return put_finite(cx, call, exp(args[0].d), out);
}

/* Logarithms of what is not positive: NULL and warning 3020. */
static ql_status
put_log(ql_ctx *cx, ql_call *call, double v, double base_log, ql_value *out)
{
    if (v <= 0 || base_log == 0 || isnan(base_log)) {
        return ql_complain(cx, QL_ER_INVALID_ARGUMENT_FOR_LOGARITHM);
    }
    return put_finite(cx, call, log(v) / base_log, out);
}

QLI_FN(LN)
{
    return put_log(cx, call, args[0].d, 1.0, out);
}

QLI_FN(LOG)
{
    if (nargs == 1) {
        return put_log(cx, call, args[0].d, 1.0, out);
    }
    return put_log(cx, call, args[1].d, args[0].d > 0 && args[0].d != 1 ? log(args[0].d) : 0.0,
                   out);
}

QLI_FN(LOG2)
{
    return args[0].d > 0 ? qli_put_double(out, log2(args[0].d))
                         : put_log(cx, call, args[0].d, 1.0, out);
}

QLI_FN(LOG10)
{
    return args[0].d > 0 ? qli_put_double(out, log10(args[0].d))
                         : put_log(cx, call, args[0].d, 1.0, out);
}

QLI_FN(SIN)
{
    return put_finite(cx, call, sin(args[0].d), out);
}

QLI_FN(COS)
{
    return put_finite(cx, call, cos(args[0].d), out);
}

QLI_FN(TAN)
{
    return put_finite(cx, call, tan(args[0].d), out);
}

QLI_FN(COT)
{
    return put_finite(cx, call, 1.0 / tan(args[0].d), out);
}

QLI_FN(ASIN)
{
    return put_finite(cx, call, asin(args[0].d), out);
}

QLI_FN(ACOS)
{
    return put_finite(cx, call, acos(args[0].d), out);
}

QLI_FN(ATAN)
{
    return put_finite(cx, call, nargs > 1 ? atan2(args[0].d, args[1].d) : atan(args[0].d), out);
}

QLI_FN(PI)
{
    return qli_put_double(out, M_PI);
}

QLI_FN(RADIANS)
{
    return qli_put_double(out, args[0].d * M_PI / 180.0);
}

QLI_FN(DEGREES)
{
    return put_finite(cx, call, args[0].d * 180.0 / M_PI, out);
}

QLI_FN(BIT_COUNT)
{
    return qli_put_int(out, __builtin_popcountll(args[0].u));
}

/* The generator of MySQL's RAND (two linear congruential seeds modulo 2^30 - 1), so that RAND(n)
 * gives the known numbers. */
#define RAND_MODULUS 0x3FFFFFFFULL

static double
next_rand(uint64_t *seed1, uint64_t *seed2)
{
    *seed1 = (*seed1 * 3 + *seed2) % RAND_MODULUS;
    *seed2 = (*seed1 + *seed2 + 33) % RAND_MODULUS;
    return (double)*seed1 / (double)RAND_MODULUS;
}

struct rand_state {
    uint64_t seed1, seed2;
};

static void
seed_rand(struct rand_state *r, const ql_value *v)
{
    uint32_t seed = ql_value_is_null(v) ? 0 : (uint32_t)v->u;
    r->seed1 = (seed * 0x10001ULL + 55555555ULL) & 0xFFFFFFFF;
    r->seed2 = (seed * 0x10000001ULL) & 0xFFFFFFFF;
    r->seed1 %= RAND_MODULUS;
    r->seed2 %= RAND_MODULUS;
}

QLI_FN(RAND)
{
    if (nargs == 0) {
        return qli_put_double(out, next_rand(&cx->vars->rand_seed1, &cx->vars->rand_seed2));
    }
    struct rand_state *r = call->state;
    if (r == NULL) {
        r = ql_arena_zalloc(cx, call->mem, sizeof *r);
        if (r == NULL) {
            return QL_ERROR;
        }
        call->state = r;
        seed_rand(r, &args[0]);
    } else if (!call->expr->args[0]->is_constant) {
        seed_rand(r, &args[0]);
    }
    return qli_put_double(out, next_rand(&r->seed1, &r->seed2));
}

/* FORMAT(x, d): thousands separated by commas; the locale argument other than en_US is warned
 * about. */
/* A warning for what is none. */
static const ql_locale *
format_locale(ql_ctx *cx, const ql_value *name)
{
    bool given = name->kind != QL_K_NULL;
    const ql_locale *l = given ? ql_locale_find(name->s) : NULL;
    if (l != NULL) {
        return l;
    }
    ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_LOCALE, "Unknown locale: '%.*s'",
                 given ? (int)(name->s.n < 128 ? name->s.n : 128) : 4, given ? name->s.p : "NULL");
    return ql_locale_default;
}

/* Does a group end where so many digits are left before the point? */
static bool
group_ends(const ql_locale *l, size_t left)
{
    return l->first != 0 && left >= l->first && (left - l->first) % l->others == 0;
}

QLI_FN(FORMAT)
{
    int64_t digits = qli_int(&args[1]);
    ql_decimal d;
    char text[QL_DECIMAL_TEXT_MAX], buf[128];
    digits = digits < 0 ? 0 : digits > QL_DECIMAL_MAX_SCALE ? QL_DECIMAL_MAX_SCALE : digits;
    const ql_locale *l = ql_locale_default;
    if (args[0].kind == QL_K_NULL || args[1].kind == QL_K_NULL) {
        return QL_OK;
    }
    if (nargs > 2) {
        l = format_locale(cx, &args[2]);
    }
    QL_TRY(ql_value_to_decimal(cx, &args[0], &d));
    bool cut;
    if (d.scale > digits) {
        (void)ql_decimal_round(&d, (int)digits, QL_ROUND_HALF_UP);
    }
    (void)ql_decimal_fit(&d, QL_DECIMAL_MAX_DIGITS, (unsigned)digits, &cut);
    size_t n = ql_decimal_print(&d, text), o = 0;
    const char *dot = memchr(text, '.', n);
    size_t whole = dot ? (size_t)(dot - text) : n;
    for (size_t i = 0; i < n; i++) {
        buf[o++] = text[i] == '.' ? l->point : text[i];
        if (i + 1 < whole && text[i] != '-' && group_ends(l, whole - i - 1)) {
            buf[o++] = l->separator;
        }
    }
    return qli_put_copy(cx, call, out, buf, o);
}
