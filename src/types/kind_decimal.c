/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL: kind QL_K_DECIMAL in the table of kinds; the arithmetic is in decimal.c. Runs in the
 * thread of the statement; no locks, no waits.
 */
#include "base/buf.h"
#include "base/diag.h"
#include "types/kinds_int.h"

/* ---- one value ---- */

static size_t
decimal_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    return ql_decimal_print(&v->dec, out);
}

static bool
whole_of_decimal(const ql_decimal *d, int64_t *out, bool *is_unsigned)
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

static ql_status
decimal_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    return whole_of_decimal(&v->dec, out, is_unsigned) ? QL_OK
                                                       : qli_complain_truncated(cx, "DECIMAL", v);
}

static ql_status
decimal_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    (void)cx;
    *out = ql_decimal_to_double(&v->dec);
    return QL_OK;
}

static ql_status
decimal_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    (void)cx;
    *out = v->dec;
    return QL_OK;
}

static ql_status
decimal_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    *out = !ql_decimal_is_zero(&v->dec);
    return QL_OK;
}

static ql_status
decimal_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
                int *result)
{
    (void)cx;
    (void)coll;
    *result = ql_decimal_cmp(&a->dec, &b->dec);
    return QL_OK;
}

static ql_type
decimal_type_of(const ql_value *v, const ql_collation *coll)
{
    unsigned d = ql_decimal_digits(&v->dec);
    (void)coll;
    return ql_type_decimal(d > v->dec.scale ? d : (unsigned)v->dec.scale + (v->dec.scale == 0),
                           v->dec.scale);
}

/* ---- into decimals ---- */

static ql_status
decimal_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    bool cut;
    (void)a;
    out->kind = QL_K_DECIMAL;
    out->is_unsigned = t->is_unsigned;
    out->decimals = t->decimals;
    out->zerofill = out->bits = 0;
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
decimal_store(const qli_store *s, const ql_value *v, ql_value *out)
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

static void
decimal_zero(const ql_type *t, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_DECIMAL, .decimals = t->decimals};
    out->dec.scale = t->decimals;
}

/* Length 0: not checked. */
static ql_type
decimal_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return (ql_type){.kind = QL_K_DECIMAL, .field = QL_F_NEWDECIMAL, .nullable = true};
}

static ql_type
decimal_type_from(const ql_type *from, const ql_collation *coll)
{
    unsigned p, s;
    (void)coll;
    ql_kinds[from->kind]->decimal_shape(from, &p, &s);
    return ql_type_decimal(p, s);
}

static ql_type
decimal_common(const ql_type *a, const ql_type *b)
{
    unsigned pa, sa, pb, sb;
    ql_kinds[a->kind]->decimal_shape(a, &pa, &sa);
    ql_kinds[b->kind]->decimal_shape(b, &pb, &sb);
    unsigned s = sa > sb ? sa : sb, i = pa - sa > pb - sb ? pa - sa : pb - sb;
    return ql_type_decimal(i + s, s);
}

/* ---- types ---- */

static uint32_t
decimal_display_length(const ql_type *t)
{
    return t->length + (t->decimals ? 1u : 0u) + (t->is_unsigned ? 0u : 1u);
}

/* Sign, point, and the 0 in front of it that is no digit of the type. */
static uint32_t
decimal_text_length(const ql_type *t)
{
    return t->length + (t->decimals > 0) + (t->decimals >= t->length) + 1u;
}

static void
decimal_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    *precision = t->length;
    *scale = t->decimals;
}

static unsigned
decimal_second_digits(const ql_type *t)
{
    return t->decimals > 6 ? 6 : t->decimals;
}

/* Four bytes for nine digits, the rest by halves (manual, "DECIMAL Data Type Characteristics"). */
static uint32_t
decimal_storage_bytes(const ql_type *t)
{
    static const uint8_t rest[] = {0, 1, 1, 2, 2, 3, 3, 4, 4};
    uint32_t whole = t->length > t->decimals ? t->length - t->decimals : 0, part = t->decimals;
    return whole / 9 * 4 + rest[whole % 9] + part / 9 * 4 + rest[part % 9];
}

/* ---- the wire ---- */

static ql_status
decimal_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    char text[QL_VALUE_TEXT_MAX];
    size_t n = ql_decimal_print(&v->dec[at], text);
    return ql_buf_put_lenenc_str(cx, w->out, text, qli_fill_up(text, n, w->told->type.zerofill));
}

const ql_kind_ops qli_kind_DECIMAL = {
    .name = "decimal",
    .print = decimal_print,
    .text = qli_text_printed,
    .to_int = decimal_to_int,
    .to_double = decimal_to_double,
    .to_decimal = decimal_to_decimal,
    .to_bool = decimal_to_bool,
    .to_temporal = qli_number_to_temporal,
    .compare = decimal_compare,
    .hash = qli_hash_decimal,
    .type_of = decimal_type_of,
    .cast = decimal_cast,
    .store = decimal_store,
    .zero = decimal_zero,
    .widest = decimal_widest,
    .type_from = decimal_type_from,
    .common = decimal_common,
    .hash_column = qli_hash_column_decimal,
    .equal = qli_equal_decimal,
    .key_put = qli_key_put_decimal,
    .key_get = qli_key_get_decimal,
    .key_skip = qli_key_skip_decimal,
    .wire_text = decimal_wire_text,
    .wire_binary = decimal_wire_text,
    .display_length = decimal_display_length,
    .text_length = decimal_text_length,
    .decimal_shape = decimal_decimal_shape,
    .second_digits = decimal_second_digits,
    .storage_bytes = decimal_storage_bytes,
};
