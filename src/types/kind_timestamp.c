/* SPDX-License-Identifier: Apache-2.0
 *
 * TIMESTAMP: kind QL_K_TIMESTAMP in the table of kinds. A value is a moment, microseconds since
 * 1970-01-01 00:00:00 UTC, and 0 is the zero date; what the clocks of the session's time zone show
 * then is its DATETIME, as which it is printed, computed with and sent. Among themselves moments
 * are compared, hashed, stored and looked up as they are. Storing is in store_text.c. Runs in the
 * thread of the statement; no locks, no waits.
 */
#include "base/buf.h"
#include "types/kinds_int.h"
#include "types/moment.h"

static ql_dt
shown(ql_ctx *cx, int64_t us)
{
    ql_dt t = {0};
    if (us != 0) {
        ql_zone_local(cx->zone, us, &t);
    }
    return t;
}

ql_value
ql_moment_local(ql_ctx *cx, const ql_value *v)
{
    ql_dt t = shown(cx, v->i);
    return (ql_value){.kind = QL_K_DATETIME, .decimals = v->decimals, .i = ql_dt_pack(&t)};
}

bool
ql_moment_find(ql_ctx *cx, int64_t datetime, ql_moments *out)
{
    ql_dt t;
    ql_dt_unpack(datetime, &t);
    if (datetime == 0) {
        *out = (ql_moments){.n = 1};
        return true;
    }
    if (!ql_dt_is_valid_date(t.year, t.month, t.day)) {
        return false;
    }
    ql_zone_moments(cx->zone, &t, out);
    return true;
}

ql_dt_result
ql_datetime_parse(ql_ctx *cx, ql_str s, unsigned decimals, unsigned allow, ql_dt *t, bool *has_time)
{
    int32_t offset;
    ql_dt_result r = ql_dt_parse_offset(s, decimals, allow, t, has_time, &offset);
    if (r != QL_DT_INVALID && offset != QL_NO_OFFSET) {
        ql_zone_local(cx->zone, ql_dt_to_unix(t, offset), t);
    }
    return r;
}

/* The nearest day that there is, from a zero part upwards, from a day too many backwards. */
static int64_t
near_day(int64_t datetime)
{
    ql_dt t;
    ql_dt_unpack(datetime, &t);
    unsigned last = ql_dt_days_in_month(t.year, t.month == 0 ? 1 : t.month);
    if (t.month == 0 || t.day == 0) {
        t = (ql_dt){.year = t.year, .month = t.month == 0 ? 1 : t.month, .day = 1};
    } else if (t.day > last) {
        t = (ql_dt){.year = t.year,
                    .month = t.month,
                    .day = last,
                    .hour = 23,
                    .minute = 59,
                    .second = 59,
                    .micro = 999999};
    }
    return ql_dt_pack(&t);
}

bool
ql_moment_edge(ql_ctx *cx, int64_t datetime, bool last, ql_value *out)
{
    ql_moments m;
    if (!ql_moment_find(cx, datetime, &m) && !ql_moment_find(cx, near_day(datetime), &m)) {
        return false;
    }
    int64_t us = m.us[last && m.n == 2];
    us = datetime != 0 && us < 1 ? 1 : us;
    *out = (ql_value){.kind = QL_K_TIMESTAMP, .decimals = 6, .i = us};
    return true;
}

size_t
ql_value_print_local(ql_ctx *cx, const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    if (v->kind != QL_K_TIMESTAMP) {
        return ql_value_print(v, out);
    }
    ql_value local = ql_moment_local(cx, v);
    return ql_value_print(&local, out);
}

/* In UTC: for who knows of no session. */
static size_t
timestamp_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    ql_dt t = {0};
    if (v->i != 0) {
        ql_zone_local(NULL, v->i, &t);
    }
    return ql_dt_print(&t, v->decimals, out);
}

static ql_status
timestamp_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    ql_value local = ql_moment_local(cx, v);
    return ql_value_to_int(cx, &local, out, is_unsigned);
}

static ql_status
timestamp_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    ql_value local = ql_moment_local(cx, v);
    return ql_value_to_double(cx, &local, out);
}

static ql_status
timestamp_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    ql_value local = ql_moment_local(cx, v);
    return ql_value_to_decimal(cx, &local, out);
}

static ql_status
timestamp_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    *out = v->i != 0;
    return QL_OK;
}

int64_t
ql_moment_round(int64_t us, unsigned decimals)
{
    int64_t unit = decimals < 6 ? (int64_t)qli_power10(6 - decimals) : 1;
    int64_t rest = us % unit;
    return us - rest + (rest * 2 >= unit ? unit : 0);
}

static ql_status
timestamp_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                      int64_t *out, ql_dt_result *result)
{
    if (to == QL_K_TIMESTAMP) {
        *out = ql_moment_round(v->i, decimals);
        *result = QL_DT_OK;
        return QL_OK;
    }
    ql_value local = ql_moment_local(cx, v);
    return qli_kind_DATETIME.to_temporal(cx, &local, to, decimals, allow, out, result);
}

static ql_status
timestamp_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
                  int *result)
{
    (void)cx;
    (void)coll;
    *result = a->i < b->i ? -1 : a->i > b->i;
    return QL_OK;
}

static ql_type
timestamp_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)coll;
    return ql_type_timestamp(v->decimals);
}

/* ---- into TIMESTAMP ---- */

/* NULL for what no TIMESTAMP can be. */
static ql_status
timestamp_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    ql_value local;
    ql_moments m;
    bool ok;
    (void)a;
    if (v->kind == QL_K_TIMESTAMP) {
        *out = *v;
        out->decimals = t->decimals;
        out->i = ql_moment_round(v->i, t->decimals);
        return QL_OK;
    }
    QL_TRY(ql_value_to_temporal(cx, v, QL_K_DATETIME, t->decimals, true, &local, &ok));
    *out = ql_value_null();
    if (ok && ql_moment_find(cx, local.i, &m)) {
        *out = (ql_value){.kind = QL_K_TIMESTAMP, .decimals = t->decimals, .i = m.us[0]};
    }
    return QL_OK;
}

static void
timestamp_zero(const ql_type *t, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_TIMESTAMP, .decimals = t->decimals};
}

static ql_type
timestamp_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_timestamp(6);
}

static ql_type
timestamp_type_from(const ql_type *from, const ql_collation *coll)
{
    return ql_type_timestamp(qli_kind_DATETIME.type_from(from, coll).decimals);
}

static ql_type
timestamp_common(const ql_type *a, const ql_type *b)
{
    return ql_type_timestamp(a->decimals > b->decimals ? a->decimals : b->decimals);
}

/* ---- the wire ---- */

static ql_status
timestamp_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[32];
    ql_dt t = shown(cx, v->i[at]);
    return ql_buf_put_lenenc_str(cx, w->out, text, ql_dt_print(&t, v->type.decimals, text));
}

static ql_status
timestamp_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    ql_dt t = shown(cx, v->i[at]);
    return qli_put_datetime_binary(cx, w->out, &t, false);
}

/* ---- types ---- */

static uint32_t
timestamp_length(const ql_type *t)
{
    return qli_kind_DATETIME.display_length(t);
}

static void
timestamp_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    qli_kind_DATETIME.decimal_shape(t, precision, scale);
}

static unsigned
timestamp_second_digits(const ql_type *t)
{
    return t->decimals;
}

/* Manual, "Date and Time Type Storage Requirements". */
static uint32_t
timestamp_storage_bytes(const ql_type *t)
{
    return 4 + (t->decimals + 1u) / 2;
}

const ql_kind_ops qli_kind_TIMESTAMP = {
    .name = "timestamp",
    .print = timestamp_print,
    .text = qli_text_printed,
    .to_int = timestamp_to_int,
    .to_double = timestamp_to_double,
    .to_decimal = timestamp_to_decimal,
    .to_bool = timestamp_to_bool,
    .to_temporal = timestamp_to_temporal,
    .compare = timestamp_compare,
    .hash = qli_hash_i64,
    .type_of = timestamp_type_of,
    .cast = timestamp_cast,
    .store = qli_store_temporal,
    .zero = timestamp_zero,
    .widest = timestamp_widest,
    .type_from = timestamp_type_from,
    .common = timestamp_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = qli_key_get_fixed,
    .key_skip = qli_key_skip_fixed,
    .wire_text = timestamp_wire_text,
    .wire_binary = timestamp_wire_binary,
    .display_length = timestamp_length,
    .text_length = timestamp_length,
    .decimal_shape = timestamp_decimal_shape,
    .second_digits = timestamp_second_digits,
    .storage_bytes = timestamp_storage_bytes,
};
