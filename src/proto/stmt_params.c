/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary parameter values (protocol documentation, "COM_STMT_EXECUTE", "Binary Protocol Value"):
 * NULL bitmap, flag, types, values.
 */
#include "proto/stmt_params.h"

#include <string.h>

#include "base/diag.h"
#include "base/reader.h"
#include "intr/intr.h"

static ql_value
int_value(uint64_t raw, unsigned bytes, bool is_unsigned)
{
    unsigned shift = 64 - 8 * bytes;
    if (is_unsigned) {
        return ql_value_uint(raw);
    }
    return ql_value_int((int64_t)(raw << shift) >> shift);
}

static ql_value
float_value(uint64_t raw)
{
    uint32_t bits = (uint32_t)raw;
    float f;
    memcpy(&f, &bits, sizeof f);
    return ql_value_double((double)f);
}

static ql_value
double_value(uint64_t raw)
{
    double d;
    memcpy(&d, &raw, sizeof d);
    return ql_value_double(d);
}

static ql_value
datetime_value(ql_reader *r, uint8_t field)
{
    ql_dt t = {0};
    ql_value v = ql_value_null();
    uint64_t n = ql_read_le(r, 1);
    if (n != 0 && n != 4 && n != 7 && n != 11) {
        r->bad = true;
        return v;
    }
    if (n >= 4) {
        t.year = (uint32_t)ql_read_le(r, 2);
        t.month = (uint32_t)ql_read_le(r, 1);
        t.day = (uint32_t)ql_read_le(r, 1);
    }
    if (n >= 7) {
        t.hour = (uint32_t)ql_read_le(r, 1);
        t.minute = (uint32_t)ql_read_le(r, 1);
        t.second = (uint32_t)ql_read_le(r, 1);
    }
    if (n == 11) {
        t.micro = (uint32_t)ql_read_le(r, 4);
    }
    bool is_zero = (t.year | t.month | t.day) == 0;
    if (t.hour > 23 || t.minute > 59 || t.second > 59 || t.micro > 999999 ||
        (!is_zero && !ql_dt_is_valid_date(t.year, t.month, t.day))) {
        return v;
    }
    v.kind = field == QL_F_DATE ? QL_K_DATE : QL_K_DATETIME;
    if (v.kind == QL_K_DATE) {
        t.hour = t.minute = t.second = t.micro = 0;
    }
    v.decimals = t.micro != 0 ? 6 : 0;
    v.i = ql_dt_pack(&t);
    return v;
}

static ql_value
time_value(ql_reader *r)
{
    ql_dt t = {0};
    ql_value v = ql_value_null();
    uint64_t days = 0, n = ql_read_le(r, 1);
    if (n != 0 && n != 8 && n != 12) {
        r->bad = true;
        return v;
    }
    if (n >= 8) {
        t.negative = ql_read_le(r, 1) != 0;
        days = ql_read_le(r, 4);
        t.hour = (uint32_t)ql_read_le(r, 1);
        t.minute = (uint32_t)ql_read_le(r, 1);
        t.second = (uint32_t)ql_read_le(r, 1);
    }
    if (n == 12) {
        t.micro = (uint32_t)ql_read_le(r, 4);
    }
    if (days > 34 || t.hour > 23 || t.minute > 59 || t.second > 59 || t.micro > 999999) {
        return v;
    }
    t.hour += (uint32_t)days * 24;
    if (t.hour > 838) {
        return v;
    }
    v.kind = QL_K_TIME;
    v.decimals = t.micro != 0 ? 6 : 0;
    v.i = ql_time_pack(&t);
    return v;
}

/* Text as the server holds it, in a. */
static ql_status
string_value(ql_ctx *cx, ql_arena *a, ql_str raw, bool is_binary, const ql_charset *cs,
             const ql_collation *coll, ql_value *out)
{
    ql_buf text = {0};
    bool lossy = false;
    ql_status st = QL_OK;
    ql_str from = raw;
    is_binary = is_binary || coll == ql_coll_binary;
    if (!is_binary && cs != NULL && !(ql_charset_is_plain(cs) && cs->max_bytes == 4)) {
        st = ql_charset_from_client(cx, cs, raw, &text, &lossy);
        from = (ql_str){text.p, text.n};
    }
    char *p = st == QL_OK ? ql_arena_strndup(cx, a, from.n != 0 ? from.p : "", from.n) : NULL;
    ql_buf_free(&text);
    if (p == NULL) {
        return st == QL_OK ? QL_ERROR : st;
    }
    from.p = p;
    if (!is_binary && coll != NULL && !ql_charset_is_plain(coll->charset)) {
        QL_TRY(ql_charset_limit(cx, a, coll->charset, from, &from));
    }
    *out = ql_value_str(from, is_binary ? ql_coll_binary : coll);
    return QL_OK;
}

static ql_status
decimal_value(ql_ctx *cx, ql_reader *r, ql_value *out)
{
    char room[QL_SHORT_TEXT];
    size_t used;
    ql_str s = ql_read_lenenc_str(r);
    *out = ql_value_null();
    out->kind = QL_K_DECIMAL;
    QL_TRY(ql_text_for_number(cx, &s, room));
    (void)ql_decimal_parse(&out->dec, s, &used);
    return r->bad ? ql_fail(cx, QL_ER_MALFORMED_PACKET) : QL_OK;
}

static bool
is_blob(uint8_t field)
{
    return field >= QL_F_TINY_BLOB && field <= QL_F_BLOB;
}

static ql_status
decode_value(ql_ctx *cx, ql_arena *a, ql_reader *r, const ql_param_slot *slot, const ql_charset *cs,
             const ql_collation *coll, ql_value *out)
{
    switch (slot->field) {
    case QL_F_NULL:
        *out = ql_value_null();
        break;
    case QL_F_TINY:
        *out = int_value(ql_read_le(r, 1), 1, slot->is_unsigned);
        break;
    case QL_F_SHORT:
    case QL_F_YEAR:
        *out = int_value(ql_read_le(r, 2), 2, slot->is_unsigned);
        break;
    case QL_F_LONG:
    case QL_F_INT24:
        *out = int_value(ql_read_le(r, 4), 4, slot->is_unsigned);
        break;
    case QL_F_LONGLONG:
        *out = int_value(ql_read_le(r, 8), 8, slot->is_unsigned);
        break;
    case QL_F_FLOAT:
        *out = float_value(ql_read_le(r, 4));
        break;
    case QL_F_DOUBLE:
        *out = double_value(ql_read_le(r, 8));
        break;
    case QL_F_DATE:
    case QL_F_DATETIME:
    case QL_F_TIMESTAMP:
        *out = datetime_value(r, slot->field);
        break;
    case QL_F_TIME:
        *out = time_value(r);
        break;
    case QL_F_DECIMAL_OLD:
    case QL_F_NEWDECIMAL:
        return decimal_value(cx, r, out);
    case QL_F_VARCHAR:
    case QL_F_VAR_STRING:
    case QL_F_STRING:
    case QL_F_ENUM:
    case QL_F_SET:
    case QL_F_JSON:
    case QL_F_BIT:
    case QL_F_TINY_BLOB:
    case QL_F_MEDIUM_BLOB:
    case QL_F_LONG_BLOB:
    case QL_F_BLOB:
        return string_value(cx, a, ql_read_lenenc_str(r),
                            is_blob(slot->field) || slot->field == QL_F_BIT, cs, coll, out);
    default:
        return ql_fail(cx, QL_ER_MALFORMED_PACKET);
    }
    return QL_OK;
}

static ql_status
read_types(ql_ctx *cx, ql_reader *r, ql_param_slot *slots, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        slots[i].field = (uint8_t)ql_read_le(r, 1);
        slots[i].is_unsigned = (ql_read_le(r, 1) & 0x80) != 0;
    }
    return r->bad ? ql_fail(cx, QL_ER_MALFORMED_PACKET) : QL_OK;
}

ql_status
ql_stmt_params_decode(ql_ctx *cx, ql_arena *a, ql_str payload, ql_param_slot *slots, uint32_t n,
                      bool *types_bound, const ql_charset *cs_client, const ql_collation *coll,
                      ql_value *values)
{
    ql_reader r = ql_reader_of(payload);
    if (n == 0) {
        return QL_OK;
    }
    ql_str nulls = ql_read_bytes(&r, ((uint64_t)n + 7) / 8);
    bool bound = ql_read_le(&r, 1) != 0;
    if (r.bad) {
        return ql_fail(cx, QL_ER_MALFORMED_PACKET);
    }
    if (bound) {
        QL_TRY(read_types(cx, &r, slots, n));
        *types_bound = true;
    } else if (!*types_bound) {
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "mysqld_stmt_execute");
    }
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i].has_long_data) { /* wins over NULL: mysqli binds NULL to what it sends so */
            ql_str raw = {slots[i].long_data.p, slots[i].long_data.n};
            QL_TRY(string_value(cx, a, raw, is_blob(slots[i].field), cs_client, coll, &values[i]));
        } else if (((uint8_t)nulls.p[i / 8] >> (i % 8)) & 1) {
            values[i] = ql_value_null();
        } else {
            QL_TRY(decode_value(cx, a, &r, &slots[i], cs_client, coll, &values[i]));
        }
        if (r.bad) {
            return ql_fail(cx, QL_ER_MALFORMED_PACKET);
        }
        QL_TRY(ql_check(cx));
    }
    return QL_OK;
}
