/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts and bytes: kind QL_K_STRING in the table of kinds. Runs in the thread of the statement; no
 * locks, no waits.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/charset_int.h"
#include "types/kinds_int.h"
#include "types/moment.h"

/* ---- one value ---- */

static size_t
string_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    (void)v;
    (void)out;
    return 0;
}

static ql_status
string_text(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    (void)cx;
    (void)a;
    *out = v->s;
    return QL_OK;
}

static ql_status
string_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(cx, &s, room));
    *out = ql_int_parse(s, &used, &overflow, is_unsigned);
    if (used == 0 || overflow || !qli_rest_is_blank(s, used)) {
        QL_TRY(qli_complain_truncated(cx, "INTEGER", v));
    }
    return QL_OK;
}

static ql_status
string_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(cx, &s, room));
    *out = ql_double_parse(s, &used, &overflow);
    if (used == 0 || overflow || !qli_rest_is_blank(s, used)) {
        QL_TRY(qli_complain_truncated(cx, "DOUBLE", v));
    }
    return QL_OK;
}

static ql_status
string_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    size_t used;
    QL_TRY(ql_text_for_number(cx, &s, room));
    bool fits = ql_decimal_parse(out, s, &used);
    if (!fits || used == 0 || !qli_rest_is_blank(s, used)) {
        QL_TRY(qli_complain_truncated(cx, "DECIMAL", v));
    }
    return QL_OK;
}

static ql_status
string_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    double d = 0;
    QL_TRY(string_to_double(cx, v, &d));
    *out = d != 0;
    return QL_OK;
}

static ql_status
string_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                   int64_t *out, ql_dt_result *result)
{
    char room[QL_SHORT_TEXT];
    ql_str s = v->s;
    ql_dt t;
    bool has_time;
    QL_TRY(ql_text_for_temporal(cx, &s, room));
    *result = to == QL_K_TIME
                  ? ql_time_parse(s, decimals, &t)
                  : ql_datetime_parse(cx, s, to == QL_K_DATE ? 6 : decimals, allow, &t, &has_time);
    *out = to == QL_K_TIME ? ql_time_pack(&t) : ql_dt_pack(&t);
    return QL_OK;
}

static ql_status
string_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
               int *result)
{
    return ql_coll_compare(cx, coll ? coll : ql_coll_default, a->s, b->s, result);
}

static ql_type
string_type_of(const ql_value *v, const ql_collation *coll)
{
    ql_type t = ql_type_varchar(0, v->coll ? v->coll : coll);
    t.length = (uint32_t)(t.coll == ql_coll_binary ? v->s.n
                          : v->s.n < 4096          ? ql_utf8_chars(v->s)
                                                   : v->s.n);
    return t;
}

/* ---- into strings ---- */

/* A text or bytes in that of coll as they are in the character set of t. *good false: bytes that
 * are no text of it. */
static ql_status
to_charset(ql_ctx *cx, struct ql_arena *a, const ql_collation *coll, const ql_type *t, ql_str *s,
           bool *good)
{
    const ql_charset *from = coll->charset, *to = t->coll->charset;
    *good = true;
    if (from == to) {
        return QL_OK;
    }
    if (t->coll == ql_coll_binary) {
        return ql_charset_bytes(cx, a, from, *s, s);
    }
    if (coll != ql_coll_binary) {
        return ql_charset_is_unicode(to) && to->max_bytes == 4 ? QL_OK
                                                               : ql_charset_limit(cx, a, to, *s, s);
    }
    size_t fit, all = (s->n + to->min_bytes - 1) / to->min_bytes * to->min_bytes;
    ql_str bytes = *s;
    QL_TRY(ql_charset_text(cx, a, to, bytes, s, &fit));
    if (fit < all) {
        char text[QLI_ERR_TEXT];
        size_t at = fit - (all - bytes.n < fit ? all - bytes.n : fit);
        ql_warn(cx, QL_DIAG_WARNING, QL_ER_INVALID_CHARACTER_STRING, to->name,
                qli_err_text((ql_str){bytes.p + at, bytes.n - at}, true, text));
        *good = false;
    }
    return QL_OK;
}

static ql_status
string_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    ql_str s;
    bool binary = t->coll == ql_coll_binary, good = true;
    QL_TRY(ql_value_to_str(cx, a, v, &s));
    bool limited = t->field == QL_F_STRING || t->field == QL_F_VARCHAR;
    const ql_collation *from = v->kind == QL_K_INT && v->bits != 0 ? ql_coll_binary
                               : ql_kind_has_text(v->kind)         ? v->coll
                                                                   : NULL;
    if (from != NULL && t->coll != NULL) {
        QL_TRY(to_charset(cx, a, from, t, &s, &good));
    }
    if (!good) {
        *out = ql_value_null();
        return QL_OK;
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
        ql_value whole = ql_value_str(s, t->coll);
        QL_TRY(qli_complain_truncated(cx, what, &whole));
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

static void
string_zero(const ql_type *t, ql_value *out)
{
    *out = ql_value_str(QL_STR(""), t->coll);
}

static ql_type
string_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_varchar(0, ql_coll_default);
}

static ql_type
string_type_from(const ql_type *from, const ql_collation *coll)
{
    if (ql_kind_is_list(from->kind)) {
        coll = from->coll;
    }
    return from->bits != 0 ? ql_type_varchar((from->bits + 7u) / 8, ql_coll_binary)
                           : ql_type_varchar(ql_kinds[from->kind]->text_length(from), coll);
}

static ql_type
string_common(const ql_type *a, const ql_type *b)
{
    uint32_t la = ql_kinds[a->kind]->text_length(a), lb = ql_kinds[b->kind]->text_length(b);
    ql_type t = ql_type_varchar(la > lb ? la : lb, a->coll ? a->coll : b->coll);
    if (a->kind == QL_K_STRING && b->kind == QL_K_STRING && a->field == b->field) {
        t.field = a->field;
    } else if (t.length > 16383) {
        t.field = QL_F_BLOB;
    }
    return t;
}

/* ---- types ---- */

static uint32_t
string_display_length(const ql_type *t)
{
    switch (t->field) {
    case QL_F_TINY_BLOB:
        return 255;
    case QL_F_BLOB:
        return t->length > 65535 ? t->length : 65535;
    case QL_F_MEDIUM_BLOB:
        return 16777215;
    case QL_F_LONG_BLOB:
    case QL_F_JSON:
        return UINT32_MAX;
    default: {
        uint64_t per = t->coll ? t->coll->charset->max_bytes : 1;
        uint64_t n = per * t->length;
        return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    }
    }
}

static uint32_t
string_text_length(const ql_type *t)
{
    return t->length;
}

static void
string_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    (void)t;
    *precision = QL_DECIMAL_MAX_DIGITS;
    *scale = QL_DECIMAL_MAX_SCALE;
}

static unsigned
string_second_digits(const ql_type *t)
{
    (void)t;
    return 6;
}

/* With the length in front; CHAR as wide as it can get. */
static uint32_t
string_storage_bytes(const ql_type *t)
{
    uint32_t per_char = t->coll && t->coll->charset ? t->coll->charset->max_bytes : 1;
    uint32_t n = t->length * per_char;
    return n + (n > 255 ? 2 : 1);
}

/* ---- the wire ---- */

ql_status
qli_wire_string(ql_ctx *cx, const ql_wire_cell *w, ql_str s, const ql_collation *coll)
{
    bool lossy = false;
    const ql_charset *own = coll != NULL ? coll->charset : NULL, *cs = w->results;
    if (cs == NULL || cs == ql_coll_binary->charset) {
        cs = own; /* nobody wants it converted */
    }
    if (coll == ql_coll_binary || cs == NULL || (cs == own && ql_charset_is_plain(cs)) ||
        (ql_charset_is_plain(cs) && cs->max_bytes == 4) ||
        (s.n < QL_BULK_PIECE && ql_charset_extends_ascii(cs) && qli_ascii_prefix(s) == s.n)) {
        return ql_buf_put_lenenc_str(cx, w->out, s.p, s.n);
    }
    ql_buf_clear(w->text);
    QL_TRY(ql_charset_to_client(cx, cs, s, w->text, &lossy));
    return ql_buf_put_lenenc_str(cx, w->out, w->text->p, w->text->n);
}

static ql_status
string_wire_text(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    return qli_wire_string(cx, w, v->s[at], v->type.coll);
}

const ql_kind_ops qli_kind_STRING = {
    .name = "string",
    .print = string_print,
    .text = string_text,
    .to_int = string_to_int,
    .to_double = string_to_double,
    .to_decimal = string_to_decimal,
    .to_bool = string_to_bool,
    .to_temporal = string_to_temporal,
    .compare = string_compare,
    .hash = qli_hash_string,
    .type_of = string_type_of,
    .cast = string_cast,
    .store = qli_store_string,
    .zero = string_zero,
    .widest = string_widest,
    .type_from = string_type_from,
    .common = string_common,
    .hash_column = qli_hash_column_string,
    .equal = qli_equal_string,
    .key_put = qli_key_put_string,
    .key_get = qli_key_get_string,
    .key_skip = qli_key_skip_string,
    .wire_text = string_wire_text,
    .wire_binary = string_wire_text,
    .display_length = string_display_length,
    .text_length = string_text_length,
    .decimal_shape = string_decimal_shape,
    .second_digits = string_second_digits,
    .storage_bytes = string_storage_bytes,
};
