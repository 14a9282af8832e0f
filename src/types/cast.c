/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of values in expressions, where bad text is a warning (an error only while data are
 * changed in strict mode): to numbers, text, temporals, and CAST. Storing into columns is in
 * store.c, comparing in compare.c. Runs in the thread of the statement; no locks, no waits.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/types_int.h"

static ql_status
complain_truncated(ql_ctx *cx, const char *what, const ql_value *v)
{
    char text[QLI_ERR_TEXT];
    return ql_complain(cx, QL_ER_TRUNCATED_WRONG_VALUE, what, qli_err_value(v, text));
}

static int64_t
temporal_to_number(const ql_value *v)
{
    ql_dt t;
    if (v->kind == QL_K_TIME) {
        ql_time_unpack(v->i, &t);
        return ql_time_to_number(&t);
    }
    ql_dt_unpack(v->i, &t);
    return ql_dt_to_number(&t, v->kind == QL_K_DATE);
}

static uint32_t
temporal_micro(const ql_value *v)
{
    ql_dt t;
    if (v->kind == QL_K_TIME) {
        ql_time_unpack(v->i, &t);
    } else {
        ql_dt_unpack(v->i, &t);
    }
    return t.micro;
}

/* Rounded to whole numbers; out of range: clamped. Half away from zero for exact numbers, to even
 * for doubles (manual, "Rounding Behavior"). */
static bool
double_to_int(double d, int64_t *out, bool *is_unsigned)
{
    d = rint(d);
    *is_unsigned = false;
    if (isnan(d)) {
        *out = 0;
        return false;
    }
    if (d < -9223372036854775808.0) {
        *out = INT64_MIN;
        return false;
    }
    if (d < 9223372036854775808.0) {
        *out = (int64_t)d;
        return true;
    }
    *is_unsigned = true;
    if (d < 18446744073709551616.0) {
        *out = (int64_t)(uint64_t)d;
        return true;
    }
    *out = -1;
    return false;
}

static bool
decimal_to_int(const ql_decimal *d, int64_t *out, bool *is_unsigned)
{
    *is_unsigned = false;
    if (ql_decimal_to_i64(d, out)) {
        return true;
    }
    if (d->negative) {
        return false;
    }
    uint64_t u;
    bool fits = ql_decimal_to_u64(d, &u);
    *is_unsigned = true;
    *out = (int64_t)u;
    return fits;
}

/* Seconds rounded when there are microseconds. */
static int64_t
temporal_to_int(const ql_value *v)
{
    ql_value whole = *v;
    uint32_t micro = temporal_micro(v);
    if (micro >= 500000 && v->kind != QL_K_DATE) {
        ql_dt t;
        if (v->kind == QL_K_DATETIME) {
            ql_dt_unpack(v->i, &t);
            if (t.month != 0 && t.day != 0 && ql_dt_add_micros(&t, 0, 500000)) {
                whole.i = ql_dt_pack(&t);
            }
        } else {
            ql_time_unpack(v->i, &t);
            uint32_t s = (t.hour * 60 + t.minute) * 60 + t.second + 1;
            t.hour = s / 3600;
            t.minute = s / 60 % 60;
            t.second = s % 60;
            whole.i = ql_time_pack(&t);
        }
    }
    return temporal_to_number(&whole);
}

static ql_status
text_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(cx, &s, room));
    *out = ql_int_parse(s, &used, &overflow, is_unsigned);
    if (used == 0 || overflow || !qli_rest_is_blank(s, used)) {
        QL_TRY(complain_truncated(cx, "INTEGER", v));
    }
    return QL_OK;
}

static ql_status
text_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(cx, &s, room));
    *out = ql_double_parse(s, &used, &overflow);
    if (used == 0 || overflow || !qli_rest_is_blank(s, used)) {
        QL_TRY(complain_truncated(cx, "DOUBLE", v));
    }
    return QL_OK;
}

static ql_status
text_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    size_t used;
    QL_TRY(ql_text_for_number(cx, &s, room));
    bool fits = ql_decimal_parse(out, s, &used);
    if (!fits || used == 0 || !qli_rest_is_blank(s, used)) {
        QL_TRY(complain_truncated(cx, "DECIMAL", v));
    }
    return QL_OK;
}

ql_status
ql_value_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    *is_unsigned = false;
    switch (v->kind) {
    case QL_K_NULL:
        *out = 0;
        break;
    case QL_K_INT:
        *out = v->i;
        *is_unsigned = v->is_unsigned;
        break;
    case QL_K_DOUBLE:
        if (!double_to_int(v->d, out, is_unsigned)) {
            QL_TRY(complain_truncated(cx, "INTEGER", v));
        }
        break;
    case QL_K_DECIMAL:
        if (!decimal_to_int(&v->dec, out, is_unsigned)) {
            QL_TRY(complain_truncated(cx, "DECIMAL", v));
        }
        break;
    case QL_K_STRING:
        return text_to_int(cx, v, out, is_unsigned);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
        *out = temporal_to_int(v);
        break;
    }
    return QL_OK;
}

ql_status
ql_value_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    switch (v->kind) {
    case QL_K_NULL:
        *out = 0;
        break;
    case QL_K_INT:
        *out = v->is_unsigned ? (double)v->u : (double)v->i;
        break;
    case QL_K_DOUBLE:
        *out = v->d;
        break;
    case QL_K_DECIMAL:
        *out = ql_decimal_to_double(&v->dec);
        break;
    case QL_K_STRING:
        return text_to_double(cx, v, out);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME: {
        double n = (double)temporal_to_number(v), f = (double)temporal_micro(v) / 1e6;
        *out = v->i < 0 ? n - f : n + f;
        break;
    }
    }
    return QL_OK;
}

static void
temporal_to_decimal(const ql_value *v, ql_decimal *out)
{
    uint32_t micro = temporal_micro(v);
    if (micro == 0) {
        ql_decimal_from_i64(out, temporal_to_number(v));
        return;
    }
    ql_decimal whole, part; /* together up to 20 digits: more than an int64_t holds */
    ql_decimal_from_i64(&whole, temporal_to_number(v));
    ql_decimal_from_i64(&part, v->i < 0 ? -(int64_t)micro : (int64_t)micro);
    part.scale = 6;
    (void)ql_decimal_add(out, &whole, &part);
    unsigned decimals = v->decimals > 6 ? 6 : v->decimals;
    if (decimals > 0) {
        (void)ql_decimal_round(out, (int)decimals, QL_ROUND_TRUNCATE);
    }
}

ql_status
ql_value_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    switch (v->kind) {
    case QL_K_NULL:
        ql_decimal_from_i64(out, 0);
        break;
    case QL_K_INT:
        if (v->is_unsigned) {
            ql_decimal_from_u64(out, v->u);
        } else {
            ql_decimal_from_i64(out, v->i);
        }
        break;
    case QL_K_DOUBLE:
        if (!ql_decimal_from_double(out, v->d)) {
            QL_TRY(complain_truncated(cx, "DECIMAL", v));
        }
        break;
    case QL_K_DECIMAL:
        *out = v->dec;
        break;
    case QL_K_STRING:
        return text_to_decimal(cx, v, out);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
        temporal_to_decimal(v, out);
        break;
    }
    return QL_OK;
}

ql_status
ql_value_to_str(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    if (v->kind == QL_K_STRING) {
        *out = v->s;
        return QL_OK;
    }
    if (v->kind == QL_K_NULL) {
        *out = (ql_str){"", 0};
        return QL_OK;
    }
    char text[QL_VALUE_TEXT_MAX];
    size_t n = ql_value_print(v, text);
    char *p = ql_arena_strndup(cx, a, text, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){p, n};
    return QL_OK;
}

ql_status
ql_value_list(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_str *out)
{
    static const char digits[] = "0123456789ABCDEF";
    QL_TRY(ql_value_to_str(cx, a, v, out));
    if (t->kind != QL_K_STRING || t->coll != ql_coll_binary || out->n == 0) {
        return QL_OK;
    }
    size_t n = 2 * out->n + 2;
    char *p = ql_arena_alloc(cx, a, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    memcpy(p, "0x", 2);
    for (size_t i = 0; i < out->n; i++) {
        QL_TRY(ql_bulk_count(cx, 2));
        p[2 + 2 * i] = digits[(unsigned char)out->p[i] >> 4];
        p[3 + 2 * i] = digits[(unsigned char)out->p[i] & 15];
    }
    *out = (ql_str){p, n};
    return QL_OK;
}

ql_status
ql_value_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    double d = 0;
    switch (v->kind) {
    case QL_K_INT:
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
        *out = v->i != 0;
        return QL_OK;
    case QL_K_DECIMAL:
        *out = !ql_decimal_is_zero(&v->dec);
        return QL_OK;
    case QL_K_NULL:
        *out = false;
        return QL_OK;
    case QL_K_DOUBLE:
    case QL_K_STRING:
        break;
    }
    QL_TRY(ql_value_to_double(cx, v, &d));
    *out = d != 0;
    return QL_OK;
}

/* ---- temporals ---- */

/* Round the fraction to `decimals` digits in place; kind says how i is packed. */
static void
round_fraction(ql_kind kind, unsigned decimals, int64_t *i)
{
    ql_dt t;
    if (decimals >= 6) {
        return;
    }
    uint32_t unit = (uint32_t)qli_power10(6 - decimals);
    if (kind == QL_K_TIME) {
        ql_time_unpack(*i, &t);
    } else {
        ql_dt_unpack(*i, &t);
    }
    uint32_t rest = t.micro % unit;
    if (rest == 0) {
        return;
    }
    t.micro -= rest;
    if (rest * 2 >= unit) {
        if (kind == QL_K_TIME) {
            uint64_t us =
                (((uint64_t)t.hour * 60 + t.minute) * 60 + t.second) * 1000000 + t.micro + unit;
            if (us <= 3020399ull * 1000000) { /* 838:59:59 */
                t.micro = (uint32_t)(us % 1000000);
                t.second = (uint32_t)(us / 1000000 % 60);
                t.minute = (uint32_t)(us / 60000000 % 60);
                t.hour = (uint32_t)(us / 3600000000u);
            }
        } else if (t.month != 0 && t.day != 0) {
            (void)ql_dt_add_micros(&t, 0, unit);
        }
    }
    *i = kind == QL_K_TIME ? ql_time_pack(&t) : ql_dt_pack(&t);
}

static int64_t
date_part(int64_t packed)
{
    return packed >> 41 << 41;
}

/* Clock part of a packed DATETIME as a packed TIME: the layouts agree. */
static int64_t
clock_part(int64_t packed)
{
    return packed & (((int64_t)1 << 41) - 1);
}

static ql_status
complain_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, ql_dt_result r)
{
    char text[QLI_ERR_TEXT];
    (void)qli_err_value(v, text);
    if (to == QL_K_TIME || r == QL_DT_TRUNCATED) {
        return ql_complain(cx, QL_ER_TRUNCATED_WRONG_VALUE,
                           to == QL_K_TIME ? "time" : (to == QL_K_DATE ? "date" : "datetime"),
                           text);
    }
    return ql_complain_text(cx, QL_ER_TRUNCATED_WRONG_VALUE, "Incorrect %s value: '%s'", "datetime",
                            text);
}

/* Whole number and microseconds of a numeric value. */
static ql_status
split_number(ql_ctx *cx, const ql_value *v, int64_t *whole, uint32_t *micro)
{
    ql_decimal d, frac;
    *micro = 0;
    if (v->kind == QL_K_INT) {
        *whole = v->is_unsigned && v->u > INT64_MAX ? INT64_MAX : v->i;
        return QL_OK;
    }
    QL_TRY(ql_value_to_decimal(cx, v, &d));
    (void)ql_decimal_round(&d, 6, QL_ROUND_HALF_UP);
    frac = d;
    (void)ql_decimal_round(&d, 0, QL_ROUND_TRUNCATE);
    (void)ql_decimal_to_i64(&d, whole);
    (void)ql_decimal_sub(&frac, &frac, &d);
    (void)ql_decimal_round(&frac, 6, QL_ROUND_TRUNCATE);
    *micro = (uint32_t)frac.limb[0];
    return QL_OK;
}

ql_status
qli_temporal_from(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                  int64_t *out, ql_dt_result *result)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->kind == QL_K_STRING ? v->s : (ql_str){0};
    ql_dt t;
    bool has_time;
    int64_t whole;
    uint32_t micro;
    *result = QL_DT_OK;
    switch (v->kind) {
    case QL_K_STRING:
        QL_TRY(ql_text_for_temporal(cx, &s, room));
        *result = to == QL_K_TIME
                      ? ql_time_parse(s, decimals, &t)
                      : ql_dt_parse(s, to == QL_K_DATE ? 6 : decimals, allow, &t, &has_time);
        *out = to == QL_K_TIME ? ql_time_pack(&t) : ql_dt_pack(&t);
        break;
    case QL_K_INT:
    case QL_K_DOUBLE:
    case QL_K_DECIMAL:
        QL_TRY(split_number(cx, v, &whole, &micro));
        *result =
            to == QL_K_TIME ? ql_time_from_number(whole, &t) : ql_dt_from_number(whole, allow, &t);
        t.micro = *result == QL_DT_OK ? micro : 0;
        *out = to == QL_K_TIME ? ql_time_pack(&t) : ql_dt_pack(&t);
        round_fraction(to, decimals, out);
        break;
    case QL_K_DATE:
    case QL_K_DATETIME:
        *out = to == QL_K_TIME ? clock_part(v->i) : v->i;
        round_fraction(to, to == QL_K_DATE ? 6 : decimals, out);
        break;
    case QL_K_TIME:
        if (to == QL_K_TIME) {
            *out = v->i;
            round_fraction(to, decimals, out);
        } else { /* needs the current date: the caller's (exec) business */
            *result = QL_DT_INVALID;
        }
        break;
    case QL_K_NULL:
        *result = QL_DT_INVALID;
        break;
    }
    if (to == QL_K_DATE && *result != QL_DT_INVALID) {
        *out = date_part(*out);
    }
    return QL_OK;
}

ql_status
ql_value_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, bool warn,
                     ql_value *out, bool *ok)
{
    int64_t packed = 0;
    ql_dt_result r;
    QL_TRY(qli_temporal_from(cx, v, to, decimals > 6 ? 6 : decimals, QL_DATES_ZEROS | cx->dates,
                             &packed, &r));
    *ok = r != QL_DT_INVALID;
    if (r != QL_DT_OK && warn && v->kind != QL_K_NULL) {
        QL_TRY(complain_temporal(cx, v, to, r));
    }
    if (!*ok) {
        *out = ql_value_null();
        return QL_OK;
    }
    *out = (ql_value){.kind = to,
                      .decimals = to == QL_K_DATE ? 0 : (uint8_t)(decimals > 6 ? 6 : decimals),
                      .i = packed};
    return QL_OK;
}

/* ---- CAST ---- */

static ql_status
cast_int(ql_ctx *cx, const ql_value *v, const ql_type *t, ql_value *out)
{
    int64_t i;
    bool is_unsigned;
    QL_TRY(ql_value_to_int(cx, v, &i, &is_unsigned));
    if (t->is_unsigned && !is_unsigned && i < 0) {
        if (v->kind == QL_K_DECIMAL || v->kind == QL_K_DOUBLE) {
            if (v->kind == QL_K_DECIMAL) {
                i = 0;
                QL_TRY(complain_truncated(cx, "DECIMAL", v));
            }
        } else if (v->kind == QL_K_STRING) {
            ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_ERROR,
                         "Cast to unsigned converted negative integer to its positive complement");
        }
    } else if (!t->is_unsigned && is_unsigned && i < 0) {
        if (v->kind == QL_K_DECIMAL) {
            i = INT64_MAX;
            QL_TRY(complain_truncated(cx, "DECIMAL", v));
        } else if (v->kind == QL_K_DOUBLE) {
            i = INT64_MAX;
            QL_TRY(complain_truncated(cx, "INTEGER", v));
        } else if (v->kind == QL_K_STRING) {
            ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_ERROR,
                         "Cast to signed converted positive out-of-range integer to its negative "
                         "complement");
        }
    }
    *out = t->is_unsigned ? ql_value_uint((uint64_t)i) : ql_value_int(i);
    return QL_OK;
}

static ql_status
cast_double(ql_ctx *cx, const ql_value *v, const ql_type *t, ql_value *out)
{
    double d;
    QL_TRY(ql_value_to_double(cx, v, &d));
    if (t->field == QL_F_FLOAT) {
        d = (double)(float)d;
    }
    *out = ql_value_double(d);
    if (t->decimals < QL_DECIMALS_DOUBLE) {
        out->decimals = t->decimals;
    } else if (t->field == QL_F_FLOAT) {
        out->decimals = QL_DECIMALS_FLOAT;
    }
    return QL_OK;
}

static ql_status
cast_decimal(ql_ctx *cx, const ql_value *v, const ql_type *t, ql_value *out)
{
    bool cut;
    out->kind = QL_K_DECIMAL;
    out->is_unsigned = t->is_unsigned;
    out->decimals = t->decimals;
    out->coll = NULL;
    ql_decimal d;
    QL_TRY(ql_value_to_decimal(cx, v, &d));
    if (t->length != 0 && !ql_decimal_fit(&d, t->length, t->decimals, &cut)) {
        QL_TRY(ql_complain_text(cx, QL_ER_WARN_DATA_OUT_OF_RANGE,
                                "Out of range value for column '%s' at row %ld", "CAST()", 1L));
    }
    out->dec = d;
    return QL_OK;
}

static ql_status
cast_string(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    ql_str s;
    bool binary = t->coll == ql_coll_binary;
    QL_TRY(ql_value_to_str(cx, a, v, &s));
    bool limited = t->field == QL_F_STRING || t->field == QL_F_VARCHAR ||
                   (t->field == QL_F_VAR_STRING && t->length != 0);
    if (!binary && v->kind == QL_K_STRING && v->coll == ql_coll_binary) {
        size_t good;
        QL_TRY(ql_utf8_valid_prefix_long(cx, s, &good));
        if (good < s.n) {
            char text[QLI_ERR_TEXT];
            ql_warn(cx, QL_DIAG_WARNING, QL_ER_INVALID_CHARACTER_STRING, "utf8mb4",
                    qli_err_text((ql_str){s.p + good, s.n - good}, true, text));
            *out = ql_value_null();
            return QL_OK;
        }
    }
    size_t keep = s.n;
    if (limited && t->length < s.n) {
        keep = t->length;
        if (!binary) {
            QL_TRY(ql_utf8_offset_long(cx, s, t->length, &keep));
        }
    }
    if (keep < s.n) {
        char what[32];
        snprintf(what, sizeof what, "%s(%u)", binary ? "BINARY" : "CHAR", t->length);
        QL_TRY(complain_truncated(cx, what, v));
        s.n = keep;
    } else if (binary && t->field == QL_F_STRING && s.n < t->length) {
        char *p = ql_arena_zalloc(cx, a, t->length);
        if (p == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, p, s.p, s.n));
        s = (ql_str){p, t->length};
    }
    *out = ql_value_str(s, t->coll);
    return QL_OK;
}

ql_status
ql_value_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    bool ok;
    if (v->kind == QL_K_NULL || t->kind == QL_K_NULL) {
        *out = ql_value_null();
        return QL_OK;
    }
    switch (t->kind) {
    case QL_K_INT:
        return cast_int(cx, v, t, out);
    case QL_K_DOUBLE:
        return cast_double(cx, v, t, out);
    case QL_K_DECIMAL:
        return cast_decimal(cx, v, t, out);
    case QL_K_STRING:
        return cast_string(cx, a, v, t, out);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
    case QL_K_NULL:
        break;
    }
    return ql_value_to_temporal(cx, v, t->kind, t->decimals, true, out, &ok);
}
