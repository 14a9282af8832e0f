/* SPDX-License-Identifier: Apache-2.0
 *
 * FLOAT and DOUBLE: kind QL_K_DOUBLE in the table of kinds. Runs in the thread of the statement; no
 * locks, no waits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "types/kinds_int.h"

/* ---- one value ---- */

static size_t
double_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    if (v->decimals == QL_DECIMALS_FLOAT) {
        return ql_float_print(v->d, out);
    }
    if (v->decimals >= QL_DECIMALS_DOUBLE || !isfinite(v->d)) {
        return ql_double_print(v->d, out);
    }
    return ql_double_print_fixed(v->d, v->decimals, out);
}

/* Rounded to whole numbers; out of range: clamped. Half away from zero for exact numbers, to even
 * for doubles (manual, "Rounding Behavior"). */
static bool
whole_of_double(double d, int64_t *out, bool *is_unsigned)
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

static ql_status
double_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    return whole_of_double(v->d, out, is_unsigned) ? QL_OK
                                                   : qli_complain_truncated(cx, "INTEGER", v);
}

static ql_status
double_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    (void)cx;
    *out = v->d;
    return QL_OK;
}

static ql_status
double_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    return ql_decimal_from_double(out, v->d) ? QL_OK : qli_complain_truncated(cx, "DECIMAL", v);
}

static ql_status
double_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    *out = v->d != 0;
    return QL_OK;
}

static ql_status
double_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
               int *result)
{
    (void)cx;
    (void)coll;
    *result = a->d < b->d ? -1 : a->d > b->d;
    return QL_OK;
}

static ql_type
double_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)v;
    (void)coll;
    return ql_type_double();
}

/* ---- into doubles ---- */

static ql_status
double_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    double d;
    (void)a;
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

/* FLOAT(M,D), DOUBLE(M,D): the part behind the point is rounded to D digits; max: M-D digits in
 * front of it and D behind. */
static void
round_digits(const ql_type *t, double *d, double *max)
{
    double unit = pow(10, t->decimals);
    double most = pow(10, (double)t->length - t->decimals) - 1 / unit;
    if (t->length != 0 && most < *max) {
        *max = most;
    }
    if (isfinite(*d)) {
        *d = floor(*d) + rint((*d - floor(*d)) * unit) / unit;
    }
}

static ql_status
double_store(const qli_store *s, const ql_value *v, ql_value *out)
{
    double d, max = s->t->field == QL_F_FLOAT ? FLT_MAX : DBL_MAX;
    bool outside = false;
    if (v->kind == QL_K_STRING) {
        char room[QL_SHORT_TEXT];
        ql_str t = v->s;
        size_t used;
        QL_TRY(ql_text_for_number(s->cx, &t, room));
        d = ql_double_parse(t, &used, &outside);
        if (!outside && (used == 0 || !qli_rest_is_blank(t, used))) {
            QL_TRY(qli_store_truncated(s));
        }
    } else {
        QL_TRY(ql_value_to_double(s->cx, v, &d));
    }
    if (s->t->decimals < QL_DECIMALS_DOUBLE) {
        round_digits(s->t, &d, &max);
        if (s->t->field == QL_F_FLOAT && v->kind == QL_K_DOUBLE && v->decimals == s->t->decimals &&
            (float)fabs(d) == (float)max) {
            max = fabs(d); /* a FLOAT(M,D) as it lies in its column */
        }
    }
    if (s->t->is_unsigned && d < 0) {
        outside = true;
        d = 0;
    } else if (isnan(d)) {
        outside = true;
        d = 0;
    } else if (fabs(d) > max) {
        outside = true;
        d = d < 0 ? -max : max;
    }
    if (outside) {
        QL_TRY(qli_store_range(s));
    }
    *out = ql_value_double(s->t->field == QL_F_FLOAT ? (double)(float)d : d);
    if (s->t->decimals < QL_DECIMALS_DOUBLE) {
        out->decimals = s->t->decimals;
    } else if (s->t->field == QL_F_FLOAT) {
        out->decimals = QL_DECIMALS_FLOAT;
    }
    return QL_OK;
}

static void
double_zero(const ql_type *t, ql_value *out)
{
    (void)t;
    *out = ql_value_double(0);
}

static ql_type
double_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_double();
}

static ql_type
double_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)from;
    (void)coll;
    return ql_type_double();
}

/* Digits behind the point that a number shows; not fixed: QL_DECIMALS_DOUBLE. */
static uint8_t
shown_digits(const ql_type *t)
{
    return !ql_kind_is_number(t->kind) || t->decimals > QL_DECIMALS_DOUBLE ? QL_DECIMALS_DOUBLE
                                                                           : t->decimals;
}

/* Digits in front of the point of a number whose digits behind it are known. */
static uint32_t
whole_digits(const ql_type *t)
{
    unsigned p, s;
    if (t->kind == QL_K_DOUBLE) {
        return t->length > t->decimals ? t->length - t->decimals : 0;
    }
    ql_kinds[t->kind]->decimal_shape(t, &p, &s);
    return p - s;
}

static ql_type
double_common(const ql_type *a, const ql_type *b)
{
    ql_type t = ql_type_double();
    uint8_t da = shown_digits(a), db = shown_digits(b);
    t.decimals = da > db ? da : db;
    if (t.decimals < QL_DECIMALS_DOUBLE) {
        uint32_t wa = whole_digits(a), wb = whole_digits(b);
        t.length = (wa > wb ? wa : wb) + t.decimals;
    }
    if (a->kind == QL_K_DOUBLE && b->kind == QL_K_DOUBLE && a->field == b->field) {
        t.field = a->field;
        t.length = a->length > b->length ? a->length : b->length;
    }
    return t;
}

/* ---- types ---- */

static uint32_t
double_display_length(const ql_type *t)
{
    if (t->decimals < QL_DECIMALS_DOUBLE && t->length) {
        return t->length;
    }
    return t->field == QL_F_FLOAT ? 12 : t->length ? t->length : 22;
}

static uint32_t
double_text_length(const ql_type *t)
{
    (void)t;
    return 24; /* -2.2250738585072014e-308 */
}

static void
double_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    (void)t;
    *precision = QL_DECIMAL_MAX_DIGITS;
    *scale = QL_DECIMAL_MAX_SCALE;
}

static unsigned
double_second_digits(const ql_type *t)
{
    (void)t;
    return 6;
}

static uint32_t
double_storage_bytes(const ql_type *t)
{
    return t->field == QL_F_FLOAT ? 4 : 8;
}

/* ---- the wire ---- */

/* FLOAT has six significant digits; DOUBLE(M,D) and FLOAT(M,D) have D decimals. */
static ql_status
double_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[QL_VALUE_TEXT_MAX];
    const ql_type *t = &w->told->type;
    ql_value d = ql_value_double(v->d[at]);
    if (t->decimals < QL_DECIMALS_DOUBLE) {
        d.decimals = t->decimals;
    } else if (t->field == QL_F_FLOAT) {
        d.decimals = QL_DECIMALS_FLOAT;
    }
    size_t n = double_print(&d, text);
    return ql_buf_put_lenenc_str(cx, w->out, text, qli_fill_up(text, n, t->zerofill));
}

static ql_status
double_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    uint64_t bits;
    if (w->told->type.field == QL_F_FLOAT) {
        float f = (float)v->d[at];
        uint32_t half;
        memcpy(&half, &f, sizeof half);
        return ql_buf_put_le(cx, w->out, half, 4);
    }
    memcpy(&bits, &v->d[at], sizeof bits);
    return ql_buf_put_le(cx, w->out, bits, 8);
}

const ql_kind_ops qli_kind_DOUBLE = {
    .name = "double",
    .print = double_print,
    .text = qli_text_printed,
    .to_int = double_to_int,
    .to_double = double_to_double,
    .to_decimal = double_to_decimal,
    .to_bool = double_to_bool,
    .to_temporal = qli_number_to_temporal,
    .compare = double_compare,
    .hash = qli_hash_double,
    .type_of = double_type_of,
    .cast = double_cast,
    .store = double_store,
    .zero = double_zero,
    .widest = double_widest,
    .type_from = double_type_from,
    .common = double_common,
    .hash_column = qli_hash_column_double,
    .equal = qli_equal_double,
    .key_put = qli_key_put_fixed,
    .key_get = qli_key_get_fixed,
    .key_skip = qli_key_skip_fixed,
    .wire_text = double_wire_text,
    .wire_binary = double_wire_binary,
    .display_length = double_display_length,
    .text_length = double_text_length,
    .decimal_shape = double_decimal_shape,
    .second_digits = double_second_digits,
    .storage_bytes = double_storage_bytes,
};
