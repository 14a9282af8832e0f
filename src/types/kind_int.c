/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers of all widths, and what is held as one: YEAR, BIT, truth values. Kind of QL_K_INT in the
 * table of kinds. Runs in the thread of the statement; no locks, no waits.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/kinds_int.h"

/* ---- one value ---- */

/* BIT(n): (n+7)/8 bytes, big-endian. */
static uint32_t
bit_bytes(uint64_t v, uint32_t bits, char out[8])
{
    uint32_t n = (bits + 7) / 8;
    if (n == 0 || n > 8) {
        n = 8;
    }
    for (uint32_t i = 0; i < n; i++) {
        out[n - 1 - i] = (char)(v >> (8 * i));
    }
    return n;
}

static size_t
int_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    if (QL_UNLIKELY(v->bits != 0)) {
        return bit_bytes(v->u, v->bits, out);
    }
    return ql_int_print(v->i, v->is_unsigned, out);
}

static ql_status
int_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    (void)cx;
    *out = v->i;
    *is_unsigned = v->is_unsigned;
    return QL_OK;
}

static ql_status
int_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    (void)cx;
    *out = v->is_unsigned ? (double)v->u : (double)v->i;
    return QL_OK;
}

static ql_status
int_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    (void)cx;
    if (v->is_unsigned) {
        ql_decimal_from_u64(out, v->u);
    } else {
        ql_decimal_from_i64(out, v->i);
    }
    return QL_OK;
}

static ql_status
int_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    *out = v->i != 0;
    return QL_OK;
}

static ql_status
int_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll, int *result)
{
    (void)cx;
    (void)coll;
    if (a->is_unsigned != b->is_unsigned) {
        if (!a->is_unsigned && a->i < 0) {
            *result = -1;
            return QL_OK;
        }
        if (!b->is_unsigned && b->i < 0) {
            *result = 1;
            return QL_OK;
        }
    } else if (!a->is_unsigned) {
        *result = a->i < b->i ? -1 : a->i > b->i;
        return QL_OK;
    }
    *result = a->u < b->u ? -1 : a->u > b->u;
    return QL_OK;
}

static unsigned
digits_of(uint64_t v)
{
    unsigned n = 1;
    for (; v >= 10; v /= 10) {
        n++;
    }
    return n;
}

static ql_type
int_type_of(const ql_value *v, const ql_collation *coll)
{
    uint64_t m = v->is_unsigned || v->i >= 0 ? v->u : 0 - v->u;
    ql_type t = ql_type_int(v->is_unsigned);
    (void)coll;
    t.length = digits_of(m) + (!v->is_unsigned && v->i < 0);
    return t;
}

/* ---- into integers ---- */

/* Of what has a date. */
static ql_status
year_of_date(ql_ctx *cx, const ql_value *v, int64_t *year)
{
    int64_t packed = 0;
    ql_dt_result r;
    ql_dt t;
    QL_TRY(qli_temporal_from(cx, v, QL_K_DATE, 6, QL_DATES_ZEROS | cx->dates, &packed, &r));
    ql_dt_unpack(packed, &t);
    *year = t.year;
    return QL_OK;
}

/* CAST(... AS YEAR): what is no year is NULL, with a warning. */
static ql_status
year_cast(ql_ctx *cx, const ql_value *v, ql_value *out)
{
    int64_t n, y;
    bool is_unsigned = false;
    if (ql_kind_calendar(v->kind) & QL_HAS_DATE) {
        QL_TRY(year_of_date(cx, v, &n));
    } else {
        QL_TRY(ql_value_to_int(cx, v, &n, &is_unsigned));
    }
    if ((is_unsigned && n < 0) || !ql_year_of(n, v->kind == QL_K_STRING && v->s.n != 4, &y)) {
        *out = ql_value_null();
        return qli_complain_truncated(cx, "YEAR", v);
    }
    *out = ql_value_uint((uint64_t)y);
    return QL_OK;
}

static ql_status
int_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    int64_t i;
    (void)a;
    bool is_unsigned;
    if (t->field == QL_F_YEAR) {
        return year_cast(cx, v, out);
    }
    QL_TRY(ql_value_to_int(cx, v, &i, &is_unsigned));
    if (t->is_unsigned && !is_unsigned && i < 0) {
        if (v->kind == QL_K_DECIMAL || v->kind == QL_K_DOUBLE) {
            if (v->kind == QL_K_DECIMAL) {
                i = 0;
                QL_TRY(qli_complain_truncated(cx, "DECIMAL", v));
            }
        } else if (v->kind == QL_K_STRING) {
            ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_ERROR,
                         "Cast to unsigned converted negative integer to its positive complement");
        }
    } else if (!t->is_unsigned && is_unsigned && i < 0) {
        if (v->kind == QL_K_DECIMAL) {
            i = INT64_MAX;
            QL_TRY(qli_complain_truncated(cx, "DECIMAL", v));
        } else if (v->kind == QL_K_DOUBLE) {
            i = INT64_MAX;
            QL_TRY(qli_complain_truncated(cx, "INTEGER", v));
        } else if (v->kind == QL_K_STRING) {
            ql_warn_text(cx, QL_DIAG_WARNING, QL_ER_UNKNOWN_ERROR,
                         "Cast to signed converted positive out-of-range integer to its negative "
                         "complement");
        }
    }
    *out = t->is_unsigned ? ql_value_uint((uint64_t)i) : ql_value_int(i);
    return QL_OK;
}

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
    bool outside;                                   /* of 64 bits; i is the nearest bound */
    enum { WHOLE_TEXT, MORE_TEXT, NO_NUMBER } text; /* what it was read from, if from a text */
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
    w->text = used == 0 ? NO_NUMBER : qli_rest_is_blank(t, used) ? WHOLE_TEXT : MORE_TEXT;
    return QL_OK;
}

/* After its range: a number that does not fit is told as that, whatever stands behind it. */
static ql_status
check_text(const qli_store *s, const ql_value *v, const whole *w)
{
    char text[QLI_ERR_TEXT];
    switch (w->text) {
    case NO_NUMBER:
        return qli_store_incorrect(s, "integer", qli_err_value(v, text));
    case MORE_TEXT:
        return qli_store_truncated(s);
    case WHOLE_TEXT:
        break;
    }
    return QL_OK;
}

static ql_status
whole_of_value(const qli_store *s, const ql_value *v, whole *w)
{
    switch (ql_kind_family(v->kind)) {
    case QL_FAM_STRING:
        return whole_of_text(s, v, w);
    case QL_FAM_DECIMAL:
        *w = whole_of_decimal(&v->dec);
        return QL_OK;
    case QL_FAM_DOUBLE:
        *w = whole_of_double(v->d);
        return QL_OK;
    case QL_FAM_NULL:
    case QL_FAM_INT:
    case QL_FAM_TEMPORAL:
    case QL_FAM_LIST:
    case QL_FAM_JSON:
        break;
    }
    *w = (whole){0};
    return ql_value_to_int(s->cx, v, &w->i, &w->is_unsigned);
}

bool
ql_year_of(int64_t number, bool zero_too, int64_t *year)
{
    *year = number;
    if (number >= 0 && number <= 99) {
        *year += number >= 70 ? 1900 : number > 0 || zero_too ? 2000 : 0;
        return true;
    }
    return number >= 1901 && number <= 2155;
}

/* A date's year, or a number; *zero_too: a text other than '0000', which is 2000 when it is 0. */
static ql_status
number_of_year(const qli_store *s, const ql_value *v, whole *w, int64_t *number, bool *zero_too)
{
    size_t used = 1;
    *w = (whole){0};
    *zero_too = false;
    if (ql_kind_calendar(v->kind) & QL_HAS_DATE) {
        return year_of_date(s->cx, v, number);
    }
    if (v->kind == QL_K_DOUBLE) { /* cut, as MySQL does it */
        *number = v->d >= 0 && v->d <= 2155 ? (int64_t)v->d : -1;
        return QL_OK;
    }
    QL_TRY(whole_of_value(s, v, w));
    if (v->kind == QL_K_STRING) {
        char room[QL_SHORT_TEXT];
        ql_str t = v->s;
        bool overflow;
        QL_TRY(ql_text_for_number(s->cx, &t, room));
        (void)ql_double_parse(t, &used, &overflow);
        *zero_too = used != 0 && v->s.n != 4;
    }
    *number = w->outside || (w->is_unsigned && w->i < 0) ? -1 : w->i;
    return QL_OK;
}

static ql_status
store_year(const qli_store *s, const ql_value *v, ql_value *out)
{
    whole w;
    int64_t n, y;
    bool zero_too;
    QL_TRY(number_of_year(s, v, &w, &n, &zero_too));
    if (ql_year_of(n, zero_too, &y)) {
        QL_TRY(check_text(s, v, &w));
    } else {
        QL_TRY(qli_store_range(s));
        y = 0;
    }
    *out = ql_value_uint((uint64_t)y);
    out->zerofill = 4;
    return QL_OK;
}

/* The bytes that a text has in its character set are the bits, big-endian. */
static ql_status
store_bit(const qli_store *s, const ql_value *v, ql_value *out)
{
    unsigned bits = s->t->length ? s->t->length : 1;
    uint64_t max = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1, u = 0;
    bool outside = false;
    if (v->kind == QL_K_STRING || ql_kind_is_temporal(v->kind)) {
        ql_str text;
        QL_TRY(ql_value_to_str(s->cx, s->a, v, &text));
        if (v->kind == QL_K_STRING && v->coll != NULL) {
            QL_TRY(ql_charset_bytes(s->cx, s->a, v->coll->charset, text, &text));
        }
        for (size_t i = 0; i < text.n; i++) {
            outside = outside || (u >> 56) != 0;
            u = u << 8 | (unsigned char)text.p[i];
            if (outside) {
                break; /* nothing behind changes that */
            }
            if (i % QL_BULK_PIECE == QL_BULK_PIECE - 1) {
                QL_TRY(ql_bulk_look(s->cx));
            }
        }
    } else {
        whole w;
        ql_value cut = *v;
        if (ql_kind_family(v->kind) == QL_FAM_DOUBLE) {
            cut.d = trunc(v->d); /* MySQL rounds decimals only */
        }
        QL_TRY(whole_of_value(s, &cut, &w));
        outside = w.outside;
        u = (uint64_t)w.i;
    }
    if (v->kind == QL_K_DECIMAL && v->dec.negative) { /* out of range for it, huge otherwise */
        QL_TRY(qli_store_range(s));
        u = 0;
    } else if (outside || u > max) {
        QL_TRY(s->strict ? qli_store_too_long(s) : qli_store_range(s));
        u = max;
    }
    *out = ql_value_uint(u);
    out->bits = (uint8_t)bits;
    return QL_OK;
}

static ql_status
int_store(const qli_store *s, const ql_value *v, ql_value *out)
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
    } else {
        QL_TRY(check_text(s, v, &w));
    }
    *out = s->t->is_unsigned ? ql_value_uint((uint64_t)w.i) : ql_value_int(w.i);
    return QL_OK;
}

static void
int_zero(const ql_type *t, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_INT,
                      .is_unsigned = t->is_unsigned,
                      .decimals = t->decimals,
                      .zerofill = t->zerofill,
                      .bits = t->bits};
}

static ql_type
int_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)coll;
    return ql_type_int(from->is_unsigned);
}

static ql_field
wider_int(ql_field a, ql_field b)
{
    static const ql_field order[] = {QL_F_TINY, QL_F_SHORT, QL_F_INT24, QL_F_LONG};
    size_t i = 0, k = 0;
    for (; i < QL_ARRAY_LEN(order) && order[i] != a;) {
        i++;
    }
    for (; k < QL_ARRAY_LEN(order) && order[k] != b;) {
        k++;
    }
    size_t m = i > k ? i : k;
    return a == b ? a : m < QL_ARRAY_LEN(order) ? order[m] : QL_F_LONGLONG;
}

static ql_type
int_common(const ql_type *a, const ql_type *b)
{
    if (a->is_unsigned != b->is_unsigned) {
        const ql_type *u = a->is_unsigned ? a : b, *s = a->is_unsigned ? b : a;
        unsigned du = ql_type_int_digits(u), ds = ql_type_int_digits(s);
        if (du >= 19) {
            return ql_type_decimal(20, 0);
        }
        ql_type t = ql_type_int(false);
        t.length = (du > ds ? du : ds) + 1;
        return t;
    }
    if (a->field != b->field && (a->field == QL_F_BIT || b->field == QL_F_BIT)) {
        return ql_type_int(a->is_unsigned);
    }
    ql_type t = a->length >= b->length ? *a : *b;
    t.zerofill = 0;
    t.field = wider_int(a->field, b->field);
    return t;
}

/* ---- types ---- */

unsigned
ql_type_int_digits(const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY:
        return 3;
    case QL_F_SHORT:
        return 5;
    case QL_F_INT24:
        return t->is_unsigned ? 8 : 7;
    case QL_F_LONG:
        return 10;
    case QL_F_YEAR:
        return 4;
    case QL_F_BIT:
        return digits_of(t->bits >= 64 ? UINT64_MAX : (1ull << t->bits) - 1);
    default:
        if (t->length > 0 && t->length < 19) {
            return t->length;
        }
        return t->is_unsigned ? 20 : 19;
    }
}

static uint32_t
int_display_length(const ql_type *t)
{
    if (t->zerofill != 0 || t->length != 0) {
        return t->zerofill != 0 ? t->zerofill : t->length;
    }
    switch (t->field) {
    case QL_F_TINY:
        return t->is_unsigned ? 3 : 4;
    case QL_F_SHORT:
        return t->is_unsigned ? 5 : 6;
    case QL_F_INT24:
        return t->is_unsigned ? 8 : 9;
    case QL_F_LONG:
        return t->is_unsigned ? 10 : 11;
    case QL_F_YEAR:
        return 4;
    default:
        return 20;
    }
}

static uint32_t
int_text_length(const ql_type *t)
{
    uint32_t n = t->length && t->length <= 21 ? t->length : 20;
    return t->zerofill > n ? t->zerofill : n;
}

static void
int_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    *precision = ql_type_int_digits(t);
    *scale = 0;
}

static unsigned
int_second_digits(const ql_type *t)
{
    (void)t;
    return 0;
}

static uint32_t
int_storage_bytes(const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY:
    case QL_F_YEAR:
        return 1;
    case QL_F_SHORT:
        return 2;
    case QL_F_INT24:
        return 3;
    case QL_F_LONG:
        return 4;
    case QL_F_BIT:
        return (t->length + 7) / 8;
    default:
        return 8;
    }
}

/* ---- the wire ---- */

static ql_status
put_bit(ql_ctx *cx, ql_buf *b, uint64_t v, uint32_t bits)
{
    char bytes[8];
    return ql_buf_put_lenenc_str(cx, b, bytes, bit_bytes(v, bits, bytes));
}

static ql_status
int_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[QL_VALUE_TEXT_MAX];
    const ql_type *t = &w->told->type;
    if (t->field == QL_F_BIT) {
        return put_bit(cx, w->out, (uint64_t)v->i[at], t->length);
    }
    size_t n = ql_int_print(v->i[at], v->type.is_unsigned, text);
    n = qli_fill_up(text, n, t->zerofill);
    return ql_buf_put_lenenc_str(cx, w->out, text, n);
}

static ql_status
int_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    uint64_t u = (uint64_t)v->i[at];
    switch (w->told->type.field) {
    case QL_F_TINY:
        return ql_buf_put_le(cx, w->out, u, 1);
    case QL_F_SHORT:
    case QL_F_YEAR:
        return ql_buf_put_le(cx, w->out, u, 2);
    case QL_F_LONG:
    case QL_F_INT24:
        return ql_buf_put_le(cx, w->out, u, 4);
    case QL_F_BIT:
        return put_bit(cx, w->out, u, w->told->type.length);
    default:
        return ql_buf_put_le(cx, w->out, u, 8);
    }
}

const ql_kind_ops qli_kind_INT = {
    .name = "int",
    .print = int_print,
    .text = qli_text_printed,
    .to_int = int_to_int,
    .to_double = int_to_double,
    .to_decimal = int_to_decimal,
    .to_bool = int_to_bool,
    .to_temporal = qli_number_to_temporal,
    .compare = int_compare,
    .hash = qli_hash_i64,
    .type_of = int_type_of,
    .cast = int_cast,
    .store = int_store,
    .zero = int_zero,
    .widest = ql_type_int,
    .type_from = int_type_from,
    .common = int_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = qli_key_get_fixed,
    .key_skip = qli_key_skip_fixed,
    .wire_text = int_wire_text,
    .wire_binary = int_wire_binary,
    .display_length = int_display_length,
    .text_length = int_text_length,
    .decimal_shape = int_decimal_shape,
    .second_digits = int_second_digits,
    .storage_bytes = int_storage_bytes,
};
