/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of values in expressions, where bad text is a warning (an error only while data are
 * changed in strict mode): to numbers, text, temporals, and CAST. What each kind does is in its row
 * of the table of kinds. Storing into columns is in store.c, comparing in compare.c. Runs in the
 * thread of the statement; no locks, no waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/kinds_int.h"
#include "types/moment.h"

ql_status
ql_value_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    return ql_kinds[v->kind]->to_int(cx, v, out, is_unsigned);
}

ql_status
ql_value_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    return ql_kinds[v->kind]->to_double(cx, v, out);
}

ql_status
ql_value_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    return ql_kinds[v->kind]->to_decimal(cx, v, out);
}

ql_status
ql_value_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    return ql_kinds[v->kind]->to_bool(cx, v, out);
}

ql_status
ql_value_to_str(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    if (v->kind == QL_K_STRING) {
        *out = v->s;
        return QL_OK;
    }
    return ql_kinds[v->kind]->text(cx, a, v, out);
}

ql_status
qli_text_printed(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    char text[QL_VALUE_TEXT_MAX];
    size_t n = ql_value_print_local(cx, v, text);
    char *p = ql_arena_strndup(cx, a, text, n);
    if (p == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){p, n};
    return QL_OK;
}

/* b'101' */
static ql_status
list_bits(ql_ctx *cx, struct ql_arena *a, uint64_t u, ql_str *out)
{
    char text[68] = "b'";
    size_t n = 2;
    for (int bit = u != 0 ? 63 - __builtin_clzll(u) : 0; bit >= 0; bit--) {
        text[n++] = u >> bit & 1 ? '1' : '0';
    }
    text[n++] = '\'';
    *out = (ql_str){ql_arena_strndup(cx, a, text, n), n};
    return out->p != NULL ? QL_OK : QL_ERROR;
}

ql_status
ql_value_list(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_str *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (t->bits != 0 && v->kind == t->kind) {
        return list_bits(cx, a, v->u, out);
    }
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

/* ---- temporals ---- */

static int64_t
date_part(int64_t packed)
{
    return packed >> 41 << 41;
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

ql_status
qli_temporal_from(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                  int64_t *out, ql_dt_result *result)
{
    QL_TRY(ql_kinds[v->kind]->to_temporal(cx, v, to, decimals, allow, out, result));
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
    unsigned allow = cx->dates | (v->kind == QL_K_STRING ? QL_DATES_ZERO_PARTS : QL_DATES_ZEROS);
    QL_TRY(qli_temporal_from(cx, v, to, decimals > 6 ? 6 : decimals, allow, &packed, &r));
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

ql_status
ql_value_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    if (v->kind == QL_K_NULL) {
        *out = ql_value_null();
        return QL_OK;
    }
    return ql_kinds[t->kind]->cast(cx, a, v, t, out);
}
