/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of the literal NULL: kind QL_K_NULL in the table of kinds. No value of it is ever seen
 * as one, but expressions and columns have the type. Pure functions; no locks, no waits.
 */
#include "base/buf.h"
#include "types/kinds_int.h"

static size_t
null_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    (void)v;
    (void)out;
    return 0;
}

static ql_status
null_text(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    (void)cx;
    (void)a;
    (void)v;
    *out = QL_STR("");
    return QL_OK;
}

static ql_status
null_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    (void)cx;
    (void)v;
    *out = 0;
    *is_unsigned = false;
    return QL_OK;
}

static ql_status
null_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    (void)cx;
    (void)v;
    *out = 0;
    return QL_OK;
}

static ql_status
null_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    (void)cx;
    (void)v;
    ql_decimal_from_i64(out, 0);
    return QL_OK;
}

static ql_status
null_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    (void)v;
    *out = false;
    return QL_OK;
}

static ql_status
null_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                 int64_t *out, ql_dt_result *result)
{
    (void)cx;
    (void)v;
    (void)to;
    (void)decimals;
    (void)allow;
    *out = 0;
    *result = QL_DT_INVALID;
    return QL_OK;
}

static ql_status
null_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
             int *result)
{
    (void)cx;
    (void)a;
    (void)b;
    (void)coll;
    *result = 0;
    return QL_OK;
}

static ql_type
null_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)v;
    (void)coll;
    return ql_type_null();
}

static ql_status
null_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    (void)cx;
    (void)a;
    (void)v;
    (void)t;
    *out = ql_value_null();
    return QL_OK;
}

static ql_status
null_store(const qli_store *s, const ql_value *v, ql_value *out)
{
    (void)s;
    (void)v;
    *out = ql_value_null();
    return QL_OK;
}

static void
null_zero(const ql_type *t, ql_value *out)
{
    (void)t;
    *out = ql_value_null();
}

/* What has no kind is compared as a number. */
static ql_type
null_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_double();
}

static ql_type
null_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)coll;
    return *from;
}

static ql_type
null_common(const ql_type *a, const ql_type *b)
{
    return a->kind == QL_K_NULL ? *b : *a;
}

static ql_status
null_equal(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val, bool *equal)
{
    (void)cx;
    (void)v;
    (void)at;
    *equal = val->kind == QL_K_NULL;
    return QL_OK;
}

static uint32_t
null_length(const ql_type *t)
{
    (void)t;
    return 0;
}

static void
null_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    (void)t;
    *precision = 1;
    *scale = 0;
}

static unsigned
null_second_digits(const ql_type *t)
{
    (void)t;
    return 0;
}

static ql_status
null_key_put(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v, struct ql_buf *out)
{
    (void)cx;
    (void)t;
    (void)cut;
    (void)v;
    (void)out;
    return QL_OK;
}

static ql_status
null_key_get(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in, size_t n,
             ql_value *v)
{
    (void)cx;
    (void)a;
    (void)t;
    (void)descending;
    (void)in;
    (void)n;
    (void)v;
    return QL_END;
}

static size_t
null_key_skip(bool descending, ql_str in)
{
    (void)descending;
    (void)in;
    return 0;
}

static ql_status
null_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    (void)v;
    (void)at;
    return ql_buf_put_u8(cx, w->out, QL_WIRE_NULL);
}

/* In the bitmap. */
static ql_status
null_wire_binary(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    (void)cx;
    (void)w;
    (void)v;
    (void)at;
    return QL_OK;
}

const ql_kind_ops qli_kind_NULL = {
    .name = "null",
    .print = null_print,
    .text = null_text,
    .to_int = null_to_int,
    .to_double = null_to_double,
    .to_decimal = null_to_decimal,
    .to_bool = null_to_bool,
    .to_temporal = null_to_temporal,
    .compare = null_compare,
    .hash = qli_hash_i64,
    .type_of = null_type_of,
    .cast = null_cast,
    .store = null_store,
    .zero = null_zero,
    .widest = null_widest,
    .type_from = null_type_from,
    .common = null_common,
    .hash_column = qli_hash_column_null,
    .equal = null_equal,
    .key_put = null_key_put,
    .key_get = null_key_get,
    .key_skip = null_key_skip,
    .wire_text = null_wire_text,
    .wire_binary = null_wire_binary,
    .display_length = null_length,
    .text_length = null_length,
    .decimal_shape = null_decimal_shape,
    .second_digits = null_second_digits,
    .storage_bytes = null_length,
};
