/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing a value into a column: NULL, range, length and format checks of MySQL's strict mode, or
 * the adjusted value with the same texts as warnings (manual, "Strict SQL Mode"). Numbers are here,
 * text and temporals in store_text.c. Runs in the thread of the statement; no locks, no waits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "types/store_int.h"

ql_status
qli_store_range(const qli_store *s)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_WARN_DATA_OUT_OF_RANGE, s->column, (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_OUT_OF_RANGE, s->column, (long)s->row);
    return QL_OK;
}

ql_status
qli_store_truncated(const qli_store *s)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
    return QL_OK;
}

void
qli_store_note(const qli_store *s)
{
    ql_warn(s->cx, QL_DIAG_NOTE, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
}

ql_status
qli_store_too_long(const qli_store *s)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_DATA_TOO_LONG, s->column, (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_WARN_DATA_TRUNCATED, s->column, (long)s->row);
    return QL_OK;
}

ql_status
qli_store_incorrect(const qli_store *s, const char *what, const char *text)
{
    if (s->strict) {
        return ql_fail(s->cx, QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, what, text, s->column,
                       (long)s->row);
    }
    ql_warn(s->cx, QL_DIAG_WARNING, QL_ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, what, text, s->column,
            (long)s->row);
    return QL_OK;
}

/* ---- integers ---- */

static void
int_bounds(const ql_type *t, int64_t *min, uint64_t *max)
{
    unsigned bits;
    switch (t->field) {
    case QL_F_TINY:
        bits = 8;
        break;
    case QL_F_SHORT:
        bits = 16;
        break;
    case QL_F_INT24:
        bits = 24;
        break;
    case QL_F_LONG:
        bits = 32;
        break;
    default:
        bits = 64;
        break;
    }
    if (t->is_unsigned) {
        *min = 0;
        *max = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
    } else {
        *min = bits == 64 ? INT64_MIN : -(1ll << (bits - 1));
        *max = (1ull << (bits - 1)) - 1;
    }
}

/* A whole number; is_unsigned: the bits of i are of a uint64_t. */
typedef struct whole {
    int64_t i;
    bool is_unsigned;
    bool outside; /* of 64 bits; i is the nearest bound */
} whole;

static whole
whole_of_decimal(const ql_decimal *d)
{
    whole w = {0};
    if (ql_decimal_to_i64(d, &w.i)) {
        return w;
    }
    if (d->negative) {
        w.outside = true;
        return w;
    }
    uint64_t u;
    w.outside = !ql_decimal_to_u64(d, &u);
    w.i = (int64_t)u;
    w.is_unsigned = true;
    return w;
}

static whole
whole_of_double(double d)
{
    whole w = {0};
    d = rint(d);
    if (d >= -9223372036854775808.0 && d < 9223372036854775808.0) {
        w.i = (int64_t)d;
    } else if (d < 0) {
        w.i = INT64_MIN;
        w.outside = true;
    } else {
        w.outside = !(d < 18446744073709551616.0);
        w.i = w.outside ? -1 : (int64_t)(uint64_t)d;
        w.is_unsigned = true;
    }
    return w;
}

/* Text to an integer, fractions rounded ("1.5", "1e3"). */
static ql_status
whole_of_text(const qli_store *s, const ql_value *v, whole *w)
{
    char room[QL_SHORT_TEXT];
    ql_str t = v->s;
    size_t used;
    bool overflow;
    *w = (whole){0};
    QL_TRY(ql_text_for_number(s->cx, &t, room));
    w->i = ql_int_parse(t, &used, &overflow, &w->is_unsigned);
    if (used == t.n && used != 0) {
        w->outside = overflow;
        return QL_OK;
    }
    ql_decimal d;
    (void)ql_decimal_parse(&d, t, &used);
    *w = whole_of_decimal(&d);
    if (used == 0) {
        char text[QLI_ERR_TEXT];
        return qli_store_incorrect(s, "integer", qli_err_value(v, text));
    }
    return qli_rest_is_blank(t, used) ? QL_OK : qli_store_truncated(s);
}

static ql_status
whole_of_value(const qli_store *s, const ql_value *v, whole *w)
{
    switch (v->kind) {
    case QL_K_STRING:
        return whole_of_text(s, v, w);
    case QL_K_DECIMAL:
        *w = whole_of_decimal(&v->dec);
        return QL_OK;
    case QL_K_DOUBLE:
        *w = whole_of_double(v->d);
        return QL_OK;
    default:
        *w = (whole){0};
        return ql_value_to_int(s->cx, v, &w->i, &w->is_unsigned);
    }
}

static ql_status
store_year(const qli_store *s, const ql_value *v, ql_value *out)
{
    whole w;
    if (v->kind == QL_K_DATE || v->kind == QL_K_DATETIME) {
        ql_dt t;
        ql_dt_unpack(v->i, &t);
        w = (whole){.i = t.year};
    } else {
        QL_TRY(whole_of_value(s, v, &w));
    }
    int64_t y = w.outside || w.is_unsigned ? -1 : w.i;
    if (y == 0 && v->kind == QL_K_STRING && v->s.n < 4) {
        y = 2000;
    } else if (y >= 1 && y <= 69) {
        y += 2000;
    } else if (y >= 70 && y <= 99) {
        y += 1900;
    }
    if (y != 0 && (y < 1901 || y > 2155)) {
        QL_TRY(qli_store_range(s));
        y = 0;
    }
    *out = ql_value_uint((uint64_t)y);
    return QL_OK;
}

/* Bytes of a text are the bits, big-endian. */
static ql_status
store_bit(const qli_store *s, const ql_value *v, ql_value *out)
{
    unsigned bits = s->t->length ? s->t->length : 1;
    uint64_t max = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1, u = 0;
    bool outside = false;
    if (v->kind == QL_K_STRING) {
        for (size_t i = 0; i < v->s.n; i++) {
            outside = outside || (u >> 56) != 0;
            u = u << 8 | (unsigned char)v->s.p[i];
            if (outside) {
                break; /* nothing behind changes that */
            }
            if (i % QL_BULK_PIECE == QL_BULK_PIECE - 1) {
                QL_TRY(ql_bulk_look(s->cx));
            }
        }
    } else {
        whole w;
        QL_TRY(whole_of_value(s, v, &w));
        outside = w.outside;
        u = (uint64_t)w.i;
    }
    if (outside || u > max) {
        QL_TRY(qli_store_too_long(s));
        u = max;
    }
    *out = ql_value_uint(u);
    return QL_OK;
}

static ql_status
store_int(const qli_store *s, const ql_value *v, ql_value *out)
{
    whole w;
    int64_t min;
    uint64_t max;
    if (s->t->field == QL_F_YEAR) {
        return store_year(s, v, out);
    }
    if (s->t->field == QL_F_BIT) {
        return store_bit(s, v, out);
    }
    QL_TRY(whole_of_value(s, v, &w));
    int_bounds(s->t, &min, &max);
    bool negative = !w.is_unsigned && w.i < 0;
    if (negative && w.i < min) {
        w.outside = true;
    } else if (!negative && (uint64_t)w.i > max) {
        w.outside = true;
    }
    if (w.outside) {
        QL_TRY(qli_store_range(s));
        w.i = negative ? min : (int64_t)max;
    }
    *out = s->t->is_unsigned ? ql_value_uint((uint64_t)w.i) : ql_value_int(w.i);
    return QL_OK;
}

/* ---- approximate and exact numbers ---- */

static ql_status
store_double(const qli_store *s, const ql_value *v, ql_value *out)
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
    if (s->t->decimals < QL_DECIMALS_DOUBLE && fabs(d) < 1e15) {
        double p = (double)qli_power10(s->t->decimals > 19 ? 19 : s->t->decimals);
        d = rint(d * p) / p;
        double bound = pow(10, (double)s->t->length - s->t->decimals);
        max = s->t->length != 0 && bound < max ? bound - 1 / p : max;
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

static ql_status
decimal_of_text(const qli_store *s, const ql_value *v, ql_decimal *d, bool *fits)
{
    char room[QL_SHORT_TEXT];
    ql_str t = v->s;
    size_t used;
    QL_TRY(ql_text_for_number(s->cx, &t, room));
    *fits = ql_decimal_parse(d, t, &used);
    if (used == 0) {
        char text[QLI_ERR_TEXT];
        return qli_store_incorrect(s, "decimal", qli_err_value(v, text));
    }
    return qli_rest_is_blank(t, used) ? QL_OK : qli_store_truncated(s);
}

static ql_status
store_decimal(const qli_store *s, const ql_value *v, ql_value *out)
{
    ql_decimal d;
    bool fits = true, cut;
    if (v->kind == QL_K_STRING) {
        QL_TRY(decimal_of_text(s, v, &d, &fits));
    } else if (v->kind == QL_K_DOUBLE) {
        fits = ql_decimal_from_double(&d, v->d);
    } else {
        QL_TRY(ql_value_to_decimal(s->cx, v, &d));
    }
    fits = ql_decimal_fit(&d, s->t->length, s->t->decimals, &cut) && fits;
    if (s->t->is_unsigned && d.negative) {
        fits = false;
        uint8_t scale = d.scale;
        ql_decimal_from_i64(&d, 0);
        d.scale = scale;
    }
    if (!fits) {
        QL_TRY(qli_store_range(s));
    } else if (cut && v->kind != QL_K_DOUBLE) {
        qli_store_note(s);
    }
    *out = (ql_value){.kind = QL_K_DECIMAL, .decimals = s->t->decimals};
    out->dec = d;
    return QL_OK;
}

/* Implicit default of a NOT NULL column. */
static void
zero_value(const ql_type *t, ql_value *out)
{
    *out = (ql_value){.kind = t->kind, .is_unsigned = t->is_unsigned, .decimals = t->decimals};
    if (t->kind == QL_K_STRING) {
        *out = ql_value_str((ql_str){"", 0}, t->coll);
    } else if (t->kind == QL_K_DECIMAL) {
        out->dec = (ql_decimal){.scale = t->decimals};
    }
}

ql_status
ql_value_store(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
               const char *column, uint64_t row, bool strict, ql_value *out)
{
    return ql_value_store_as(
        cx, a, v, t, column, row,
        strict ? QL_STORE_STRICT | QL_STORE_NO_ZERO_DATE | QL_STORE_NO_ZERO_IN_DATE : 0, out);
}

ql_status
ql_value_store_as(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                  const char *column, uint64_t row, unsigned mode, ql_value *out)
{
    bool strict = mode & QL_STORE_STRICT;
    qli_store s = {cx, a, t, column, row, strict, mode};
    if (v->kind == QL_K_NULL) {
        if (t->nullable) {
            *out = ql_value_null();
            return QL_OK;
        }
        if (strict) {
            return ql_fail(cx, QL_ER_BAD_NULL_ERROR, column);
        }
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_BAD_NULL_ERROR, column);
        zero_value(t, out);
        return QL_OK;
    }
    switch (t->kind) {
    case QL_K_INT:
        return store_int(&s, v, out);
    case QL_K_DOUBLE:
        return store_double(&s, v, out);
    case QL_K_DECIMAL:
        return store_decimal(&s, v, out);
    case QL_K_STRING:
        if (t->members != NULL) {
            return t->field == QL_F_SET ? qli_store_set(&s, v, out) : qli_store_enum(&s, v, out);
        }
        return qli_store_string(&s, v, out);
    case QL_K_DATE:
    case QL_K_TIME:
    case QL_K_DATETIME:
        return qli_store_temporal(&s, v, out);
    case QL_K_NULL:
        break;
    }
    *out = ql_value_null();
    return QL_OK;
}
