/* SPDX-License-Identifier: Apache-2.0
 *
 * ENUM and SET: kinds QL_K_ENUM and QL_K_SET in the table of kinds. What is held, compared, sorted
 * and kept in keys is a number: of an ENUM that of the member, from 1 (0: the empty text of what
 * was no member), of a SET a bit for each member. The names are the type's. Storing is in
 * store_enum.c. Runs in the thread of the statement; no locks, no waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "types/kinds_int.h"

/* ---- texts ---- */

static ql_str
enum_name(const ql_members *m, uint64_t number)
{
    return m != NULL && number >= 1 && number <= m->n ? m->names[number - 1] : QL_STR("");
}

static bool
set_has(const ql_members *m, uint64_t bits, unsigned i)
{
    return m != NULL && i < m->n && (bits >> i & 1) != 0;
}

/* "a,b" of the bits; out has room for it, or is NULL. Returns its length. */
static size_t
set_text(const ql_members *m, uint64_t bits, char *out)
{
    size_t n = 0;
    bool more = false;
    for (unsigned i = 0; i < 64; i++) {
        if (!set_has(m, bits, i)) {
            continue;
        }
        if (more) {
            n += 1;
            if (out != NULL) {
                out[n - 1] = ',';
            }
        }
        if (out != NULL) {
            memcpy(out + n, m->names[i].p, m->names[i].n);
        }
        n += m->names[i].n;
        more = true;
    }
    return n;
}

static ql_status
enum_text(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    (void)cx;
    (void)a;
    *out = enum_name(v->list.members, v->u);
    return QL_OK;
}

static ql_status
set_text_of(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    size_t n = set_text(v->list.members, v->u, NULL);
    char *p = ql_arena_alloc(cx, a, n + 1);
    if (p == NULL) {
        return QL_ERROR;
    }
    *out = (ql_str){p, set_text(v->list.members, v->u, p)};
    return QL_OK;
}

/* ---- one value ---- */

static size_t
list_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    return ql_int_print(v->i, true, out);
}

static ql_status
list_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    (void)cx;
    *out = v->i;
    *is_unsigned = true;
    return QL_OK;
}

static ql_status
list_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    (void)cx;
    *out = (double)v->u;
    return QL_OK;
}

static ql_status
list_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    (void)cx;
    ql_decimal_from_u64(out, v->u);
    return QL_OK;
}

static ql_status
list_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    (void)cx;
    *out = v->u != 0;
    return QL_OK;
}

/* As its text is read. */
static ql_status
list_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                 int64_t *out, ql_dt_result *result)
{
    ql_value text = ql_value_str(QL_STR(""), v->coll);
    QL_TRY(ql_value_to_str(cx, cx->arena, v, &text.s));
    return qli_kind_STRING.to_temporal(cx, &text, to, decimals, allow, out, result);
}

static ql_status
list_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
             int *result)
{
    (void)cx;
    (void)coll;
    *result = a->u < b->u ? -1 : a->u > b->u;
    return QL_OK;
}

static ql_type
enum_type_of(const ql_value *v, const ql_collation *coll)
{
    return ql_type_list(QL_K_ENUM, v->list.members, v->coll ? v->coll : coll);
}

static ql_type
set_type_of(const ql_value *v, const ql_collation *coll)
{
    return ql_type_list(QL_K_SET, v->list.members, v->coll ? v->coll : coll);
}

/* ---- into lists ---- */

static ql_value
list_value(const ql_type *t, uint64_t u)
{
    return ql_value_list_of(t->kind, u, t->members, t->coll);
}

/* What is no member, or not only members, is nothing, or what it has of them. */
static ql_status
list_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    const qli_store s = {.cx = cx, .a = a, .t = t, .column = "", .row = 1};
    uint64_t u = 0;
    bool whole;
    QL_TRY(qli_list_number(&s, v, &u, &whole));
    *out = list_value(t, u);
    return QL_OK;
}

static void
enum_zero(const ql_type *t, ql_value *out)
{
    *out = list_value(t, t->members != NULL && t->members->n > 0);
}

static void
set_zero(const ql_type *t, ql_value *out)
{
    *out = list_value(t, 0);
}

static ql_type
enum_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_list(QL_K_ENUM, NULL, ql_coll_default);
}

static ql_type
set_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_list(QL_K_SET, NULL, ql_coll_default);
}

static ql_type
enum_type_from(const ql_type *from, const ql_collation *coll)
{
    return from->kind == QL_K_ENUM ? *from : ql_type_list(QL_K_ENUM, NULL, coll);
}

static ql_type
set_type_from(const ql_type *from, const ql_collation *coll)
{
    return from->kind == QL_K_SET ? *from : ql_type_list(QL_K_SET, NULL, coll);
}

/* Nobody asks: two lists meet as texts (resolve/list.c). */
static ql_type
list_common(const ql_type *a, const ql_type *b)
{
    (void)b;
    return *a;
}

/* ---- keys ---- */

static ql_status
list_key_get(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in, size_t n,
             ql_value *v)
{
    v->list.members = t->members;
    return qli_key_get_fixed(cx, a, t, descending, in, n, v);
}

/* ---- types ---- */

static uint32_t
list_display_length(const ql_type *t)
{
    uint64_t n = (uint64_t)t->length * (t->coll ? t->coll->charset->max_bytes : 1);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static uint32_t
list_text_length(const ql_type *t)
{
    return t->length;
}

static void
list_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    *precision = t->kind == QL_K_ENUM ? 5 : 20;
    *scale = 0;
}

static unsigned
list_second_digits(const ql_type *t)
{
    (void)t;
    return 6;
}

static uint32_t
enum_storage_bytes(const ql_type *t)
{
    return t->members != NULL && t->members->n > 255 ? 2 : 1;
}

static uint32_t
set_storage_bytes(const ql_type *t)
{
    uint32_t n = t->members != NULL ? (t->members->n + 7u) / 8 : 8;
    return n > 4 ? 8 : n;
}

/* ---- the wire ---- */

static ql_status
enum_wire(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    return qli_wire_string(cx, w, enum_name(v->type.members, (uint64_t)v->i[at]), v->type.coll);
}

static ql_status
set_wire(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    const ql_members *m = v->type.members;
    uint64_t bits = (uint64_t)v->i[at];
    char small[512];
    size_t n = set_text(m, bits, NULL);
    if (n <= sizeof small) {
        return qli_wire_string(cx, w, (ql_str){small, set_text(m, bits, small)}, v->type.coll);
    }
    ql_buf b = {0};
    ql_status st = ql_buf_reserve(cx, &b, n);
    if (st == QL_OK) {
        st = qli_wire_string(cx, w, (ql_str){b.p, set_text(m, bits, b.p)}, v->type.coll);
    }
    ql_buf_free(&b);
    return st;
}

const ql_kind_ops qli_kind_ENUM = {
    .name = "enum",
    .print = list_print,
    .text = enum_text,
    .to_int = list_to_int,
    .to_double = list_to_double,
    .to_decimal = list_to_decimal,
    .to_bool = list_to_bool,
    .to_temporal = list_to_temporal,
    .compare = list_compare,
    .hash = qli_hash_i64,
    .type_of = enum_type_of,
    .cast = list_cast,
    .store = qli_store_enum,
    .zero = enum_zero,
    .widest = enum_widest,
    .type_from = enum_type_from,
    .common = list_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = list_key_get,
    .key_skip = qli_key_skip_fixed,
    .wire_text = enum_wire,
    .wire_binary = enum_wire,
    .display_length = list_display_length,
    .text_length = list_text_length,
    .decimal_shape = list_decimal_shape,
    .second_digits = list_second_digits,
    .storage_bytes = enum_storage_bytes,
};

const ql_kind_ops qli_kind_SET = {
    .name = "set",
    .print = list_print,
    .text = set_text_of,
    .to_int = list_to_int,
    .to_double = list_to_double,
    .to_decimal = list_to_decimal,
    .to_bool = list_to_bool,
    .to_temporal = list_to_temporal,
    .compare = list_compare,
    .hash = qli_hash_i64,
    .type_of = set_type_of,
    .cast = list_cast,
    .store = qli_store_set,
    .zero = set_zero,
    .widest = set_widest,
    .type_from = set_type_from,
    .common = list_common,
    .hash_column = qli_hash_column_i64,
    .equal = qli_equal_i64,
    .key_put = qli_key_put_fixed,
    .key_get = list_key_get,
    .key_skip = qli_key_skip_fixed,
    .wire_text = set_wire,
    .wire_binary = set_wire,
    .display_length = list_display_length,
    .text_length = list_text_length,
    .decimal_shape = list_decimal_shape,
    .second_digits = list_second_digits,
    .storage_bytes = set_storage_bytes,
};
