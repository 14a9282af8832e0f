/* SPDX-License-Identifier: Apache-2.0
 *
 * DATE, TIME, DATETIME: kinds QL_K_DATE, QL_K_TIME, QL_K_DATETIME in the
 * table of kinds; the calendar is in datetime.c, storing in store_text.c. Runs in the thread of the
 * statement; no locks, no waits.
 */
#include "base/buf.h"
#include "base/diag.h"
#include "types/kinds_int.h"

/* ---- one value ---- */

static size_t
date_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    ql_dt t;
    ql_dt_unpack(v->i, &t);
    return ql_date_print(&t, out);
}

static size_t
time_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    ql_dt t;
    ql_time_unpack(v->i, &t);
    return ql_time_print(&t, v->decimals, out);
}

static size_t
datetime_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    ql_dt t;
    ql_dt_unpack(v->i, &t);
    return ql_dt_print(&t, v->decimals, out);
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

/* Seconds rounded when there are microseconds. */
static int64_t
temporal_whole(const ql_value *v)
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
temporal_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    (void)cx;
    *out = temporal_whole(v);
    *is_unsigned = false;
    return QL_OK;
}

static ql_status
temporal_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    double n = (double)temporal_to_number(v), f = (double)temporal_micro(v) / 1e6;
    (void)cx;
    *out = v->i < 0 ? n - f : n + f;
    return QL_OK;
}

static ql_status
temporal_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    uint32_t micro = temporal_micro(v);
    (void)cx;
    if (micro == 0) {
        ql_decimal_from_i64(out, temporal_to_number(v));
        return QL_OK;
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
    return QL_OK;
}

static ql_status
temporal_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    *out = v->i != 0;
    return QL_OK;
}

void
qli_round_fraction(ql_kind kind, unsigned decimals, int64_t *i)
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

/* Clock part of a packed DATETIME as a packed TIME: the layouts agree. */
static int64_t
clock_part(int64_t packed)
{
    return packed & (((int64_t)1 << 41) - 1);
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
qli_number_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                       int64_t *out, ql_dt_result *result)
{
    ql_dt t;
    int64_t whole;
    uint32_t micro;
    QL_TRY(split_number(cx, v, &whole, &micro));
    *result =
        to == QL_K_TIME ? ql_time_from_number(whole, &t) : ql_dt_from_number(whole, allow, &t);
    t.micro = *result == QL_DT_OK ? micro : 0;
    *out = to == QL_K_TIME ? ql_time_pack(&t) : ql_dt_pack(&t);
    qli_round_fraction(to, decimals, out);
    return QL_OK;
}

/* From what has a date. */
static ql_status
moment_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                   int64_t *out, ql_dt_result *result)
{
    (void)cx;
    (void)allow;
    *result = QL_DT_OK;
    *out = to == QL_K_TIME ? clock_part(v->i) : v->i;
    qli_round_fraction(to, to == QL_K_DATE ? 6 : decimals, out);
    return QL_OK;
}

static ql_status
time_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                 int64_t *out, ql_dt_result *result)
{
    (void)cx;
    (void)allow;
    if (to != QL_K_TIME) { /* needs the current date: the caller's (exec) business */
        *result = QL_DT_INVALID;
        return QL_OK;
    }
    *result = QL_DT_OK;
    *out = v->i;
    qli_round_fraction(to, decimals, out);
    return QL_OK;
}

static ql_status
temporal_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
                 int *result)
{
    (void)cx;
    (void)coll;
    *result = a->i < b->i ? -1 : a->i > b->i;
    return QL_OK;
}

static ql_type
date_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)v;
    (void)coll;
    return ql_type_date();
}

static ql_type
time_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)coll;
    return ql_type_time(v->decimals);
}

static ql_type
datetime_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)coll;
    return ql_type_datetime(v->decimals);
}

/* ---- into temporals ---- */

static ql_status
temporal_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    bool ok;
    (void)a;
    return ql_value_to_temporal(cx, v, t->kind, t->decimals, true, out, &ok);
}

static void
temporal_zero(const ql_type *t, ql_value *out)
{
    *out = (ql_value){.kind = t->kind, .decimals = t->decimals};
}

static ql_type
date_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_date();
}

static ql_type
time_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_time(6);
}

static ql_type
datetime_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_datetime(6);
}

/* Digits of the fraction that a value of type t may bring. */
static unsigned
digits_brought(const ql_type *t)
{
    switch (ql_kind_family(t->kind)) {
    case QL_FAM_TEMPORAL:
        return ql_kind_calendar(t->kind) & QL_HAS_TIME ? t->decimals : 0;
    case QL_FAM_INT:
        return 0;
    default:
        return 6;
    }
}

static ql_type
date_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)from;
    (void)coll;
    return ql_type_date();
}

static ql_type
time_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)coll;
    return ql_type_time(digits_brought(from));
}

static ql_type
datetime_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)coll;
    return ql_type_datetime(digits_brought(from));
}

static ql_type
date_common(const ql_type *a, const ql_type *b)
{
    (void)a;
    (void)b;
    return ql_type_date();
}

static ql_type
time_common(const ql_type *a, const ql_type *b)
{
    return ql_type_time(a->decimals > b->decimals ? a->decimals : b->decimals);
}

static ql_type
datetime_common(const ql_type *a, const ql_type *b)
{
    unsigned da = ql_kind_calendar(a->kind) & QL_HAS_TIME ? a->decimals : 0;
    unsigned db = ql_kind_calendar(b->kind) & QL_HAS_TIME ? b->decimals : 0;
    return ql_type_datetime(da > db ? da : db);
}

/* ---- types ---- */

static uint32_t
fraction_length(const ql_type *t)
{
    return t->decimals && t->decimals < 31 ? t->decimals + 1u : 0;
}

static uint32_t
date_length(const ql_type *t)
{
    (void)t;
    return 10;
}

static uint32_t
time_length(const ql_type *t)
{
    return 10 + fraction_length(t);
}

static uint32_t
datetime_length(const ql_type *t)
{
    return 19 + fraction_length(t);
}

static void
date_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    (void)t;
    *precision = 8;
    *scale = 0;
}

static void
time_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    *scale = t->decimals;
    *precision = 7 + *scale;
}

static void
datetime_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    *scale = t->decimals;
    *precision = 14 + *scale;
}

static unsigned
date_second_digits(const ql_type *t)
{
    (void)t;
    return 0;
}

static unsigned
clock_second_digits(const ql_type *t)
{
    return t->decimals > 6 ? 6 : t->decimals;
}

/* Manual, "Date and Time Type Storage Requirements". */
static uint32_t
date_storage_bytes(const ql_type *t)
{
    (void)t;
    return 3;
}

static uint32_t
time_storage_bytes(const ql_type *t)
{
    return 3 + (t->decimals + 1u) / 2;
}

static uint32_t
datetime_storage_bytes(const ql_type *t)
{
    return (t->field == QL_F_TIMESTAMP ? 4u : 5u) + (t->decimals + 1u) / 2;
}

/* ---- the wire ---- */

static ql_status
date_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[32];
    ql_dt t;
    ql_dt_unpack(v->i[at], &t);
    return ql_buf_put_lenenc_str(cx, w->out, text, ql_date_print(&t, text));
}

static ql_status
time_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[32];
    ql_dt t;
    ql_time_unpack(v->i[at], &t);
    return ql_buf_put_lenenc_str(cx, w->out, text,
                                 ql_time_print(&t, clock_second_digits(&v->type), text));
}

static ql_status
datetime_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[32];
    ql_dt t;
    ql_dt_unpack(v->i[at], &t);
    return ql_buf_put_lenenc_str(cx, w->out, text,
                                 ql_dt_print(&t, clock_second_digits(&v->type), text));
}

ql_status
qli_put_datetime_binary(ql_ctx *cx, ql_buf *b, const ql_dt *t, bool date_only)
{
    bool has_time = !date_only && (t->hour | t->minute | t->second | t->micro) != 0;
    uint8_t n = t->micro != 0 && has_time ? 11 : has_time ? 7 : 4;
    if (!has_time && (t->year | t->month | t->day) == 0) {
        n = 0;
    }
    QL_TRY(ql_buf_put_u8(cx, b, n));
    if (n >= 4) {
        QL_TRY(ql_buf_put_le(cx, b, t->year, 2));
        QL_TRY(ql_buf_put_le(cx, b, t->month, 1));
        QL_TRY(ql_buf_put_le(cx, b, t->day, 1));
    }
    if (n >= 7) {
        QL_TRY(ql_buf_put_le(cx, b, t->hour, 1));
        QL_TRY(ql_buf_put_le(cx, b, t->minute, 1));
        QL_TRY(ql_buf_put_le(cx, b, t->second, 1));
    }
    return n == 11 ? ql_buf_put_le(cx, b, t->micro, 4) : QL_OK;
}

static ql_status
date_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    ql_dt t;
    ql_dt_unpack(v->i[at], &t);
    return qli_put_datetime_binary(cx, w->out, &t, true);
}

static ql_status
datetime_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    ql_dt t;
    ql_dt_unpack(v->i[at], &t);
    return qli_put_datetime_binary(cx, w->out, &t, false);
}

static ql_status
time_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    ql_buf *b = w->out;
    ql_dt t;
    ql_time_unpack(v->i[at], &t);
    uint8_t n = t.micro != 0 ? 12 : (t.hour | t.minute | t.second) != 0 ? 8 : 0;
    QL_TRY(ql_buf_put_u8(cx, b, n));
    if (n == 0) {
        return QL_OK;
    }
    QL_TRY(ql_buf_put_u8(cx, b, t.negative));
    QL_TRY(ql_buf_put_le(cx, b, t.hour / 24, 4));
    QL_TRY(ql_buf_put_le(cx, b, t.hour % 24, 1));
    QL_TRY(ql_buf_put_le(cx, b, t.minute, 1));
    QL_TRY(ql_buf_put_le(cx, b, t.second, 1));
    return n == 12 ? ql_buf_put_le(cx, b, t.micro, 4) : QL_OK;
}

const ql_kind_ops qli_kind_DATE = {
    .name = "date",
    .print = date_print,
    .text = qli_text_printed,
    .to_int = temporal_to_int,
    .to_double = temporal_to_double,
    .to_decimal = temporal_to_decimal,
    .to_bool = temporal_to_bool,
    .to_temporal = moment_to_temporal,
    .compare = temporal_compare,
    .hash = qli_hash_i64,
    .type_of = date_type_of,
    .cast = temporal_cast,
    .store = qli_store_temporal,
    .zero = temporal_zero,
    .widest = date_widest,
    .type_from = date_type_from,
    .common = date_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = qli_key_get_fixed,
    .key_skip = qli_key_skip_fixed,
    .wire_text = date_wire_text,
    .wire_binary = date_wire_binary,
    .display_length = date_length,
    .text_length = date_length,
    .decimal_shape = date_decimal_shape,
    .second_digits = date_second_digits,
    .storage_bytes = date_storage_bytes,
};

const ql_kind_ops qli_kind_TIME = {
    .name = "time",
    .print = time_print,
    .text = qli_text_printed,
    .to_int = temporal_to_int,
    .to_double = temporal_to_double,
    .to_decimal = temporal_to_decimal,
    .to_bool = temporal_to_bool,
    .to_temporal = time_to_temporal,
    .compare = temporal_compare,
    .hash = qli_hash_i64,
    .type_of = time_type_of,
    .cast = temporal_cast,
    .store = qli_store_temporal,
    .zero = temporal_zero,
    .widest = time_widest,
    .type_from = time_type_from,
    .common = time_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = qli_key_get_fixed,
    .key_skip = qli_key_skip_fixed,
    .wire_text = time_wire_text,
    .wire_binary = time_wire_binary,
    .display_length = time_length,
    .text_length = time_length,
    .decimal_shape = time_decimal_shape,
    .second_digits = clock_second_digits,
    .storage_bytes = time_storage_bytes,
};

const ql_kind_ops qli_kind_DATETIME = {
    .name = "datetime",
    .print = datetime_print,
    .text = qli_text_printed,
    .to_int = temporal_to_int,
    .to_double = temporal_to_double,
    .to_decimal = temporal_to_decimal,
    .to_bool = temporal_to_bool,
    .to_temporal = moment_to_temporal,
    .compare = temporal_compare,
    .hash = qli_hash_i64,
    .type_of = datetime_type_of,
    .cast = temporal_cast,
    .store = qli_store_temporal,
    .zero = temporal_zero,
    .widest = datetime_widest,
    .type_from = datetime_type_from,
    .common = datetime_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = qli_key_get_fixed,
    .key_skip = qli_key_skip_fixed,
    .wire_text = datetime_wire_text,
    .wire_binary = datetime_wire_binary,
    .display_length = datetime_length,
    .text_length = datetime_length,
    .decimal_shape = datetime_decimal_shape,
    .second_digits = clock_second_digits,
    .storage_bytes = datetime_storage_bytes,
};
