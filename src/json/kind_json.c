/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON: kind QL_K_JSON in the table of kinds. A value lies in a string slot, its bytes are the
 * binary form. Runs in the thread of the statement; no locks, no waits.
 */
#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/kinds.h"
#include "json/json_int.h"

/* ---- one value ---- */

static size_t
json_print(const ql_value *v, char out[QL_VALUE_TEXT_MAX])
{
    (void)v;
    (void)out;
    return 0;
}

static ql_status
json_text(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out)
{
    ql_buf text = {.quota = ql_arena_quota(a)};
    ql_json doc;
    QL_TRY(ql_json_open(cx, v->s, &doc));
    ql_status st = ql_json_print(cx, &doc, &text);
    char *p = st == QL_OK ? ql_arena_alloc(cx, a, text.n + 1) : NULL;
    if (p != NULL) {
        *out = (ql_str){p, text.n};
        st = ql_bulk_copy(cx, p, text.p, text.n);
    } else if (st == QL_OK) {
        st = QL_ERROR;
    }
    ql_buf_free(&text);
    return st;
}

/* 3156; what cannot be one is zero. */
static ql_status
complain(ql_ctx *cx, const char *what)
{
    return ql_complain(cx, QL_ER_INVALID_JSON_VALUE_FOR_CAST, what, "", 1L);
}

/* A scalar that is a number, true, false or a text, as a value; false: anything else. */
static bool
number_or_text(const ql_json *doc, ql_value *out)
{
    return doc->type <= QL_JSON_STRING && ql_json_to_value(doc, out);
}

static bool
rest_is_blank(ql_str s, size_t from)
{
    while (from < s.n && (s.p[from] == ' ' || (s.p[from] >= '\t' && s.p[from] <= '\r'))) {
        from++;
    }
    return from >= s.n;
}

static ql_status
json_to_int(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned)
{
    ql_json doc;
    ql_value x;
    *out = 0;
    *is_unsigned = false;
    QL_TRY(ql_json_open(cx, v->s, &doc));
    if (!number_or_text(&doc, &x)) {
        return complain(cx, "INTEGER");
    }
    if (x.kind != QL_K_STRING) {
        return ql_value_to_int(cx, &x, out, is_unsigned);
    }
    char room[QL_SHORT_TEXT];
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(cx, &x.s, room));
    *out = ql_int_parse(x.s, &used, &overflow, is_unsigned);
    return used == 0 || overflow || !rest_is_blank(x.s, used) ? complain(cx, "INTEGER") : QL_OK;
}

static ql_status
json_to_double(ql_ctx *cx, const ql_value *v, double *out)
{
    ql_json doc;
    ql_value x;
    *out = 0;
    QL_TRY(ql_json_open(cx, v->s, &doc));
    if (!number_or_text(&doc, &x)) {
        return complain(cx, "DOUBLE");
    }
    if (x.kind != QL_K_STRING) {
        return ql_value_to_double(cx, &x, out);
    }
    char room[QL_SHORT_TEXT];
    size_t used;
    bool overflow;
    QL_TRY(ql_text_for_number(cx, &x.s, room));
    *out = ql_double_parse(x.s, &used, &overflow);
    return used == 0 || overflow || !rest_is_blank(x.s, used) ? complain(cx, "DOUBLE") : QL_OK;
}

static ql_status
json_to_decimal(ql_ctx *cx, const ql_value *v, ql_decimal *out)
{
    ql_json doc;
    ql_value x;
    ql_decimal_from_i64(out, 0);
    QL_TRY(ql_json_open(cx, v->s, &doc));
    if (!number_or_text(&doc, &x)) {
        return complain(cx, "DECIMAL");
    }
    if (x.kind != QL_K_STRING) {
        return ql_value_to_decimal(cx, &x, out);
    }
    char room[QL_SHORT_TEXT];
    size_t used;
    QL_TRY(ql_text_for_number(cx, &x.s, room));
    bool fits = ql_decimal_parse(out, x.s, &used);
    return used == 0 || !fits || !rest_is_blank(x.s, used) ? complain(cx, "DECIMAL") : QL_OK;
}

static ql_status
json_to_bool(ql_ctx *cx, const ql_value *v, bool *out)
{
    double d = 0;
    QL_TRY(json_to_double(cx, v, &d));
    *out = d != 0;
    return QL_OK;
}

static ql_status
json_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals, unsigned allow,
                 int64_t *out, ql_dt_result *result)
{
    ql_json doc;
    ql_value x;
    QL_TRY(ql_json_open(cx, v->s, &doc));
    bool good =
        ql_json_to_value(&doc, &x) && (ql_kind_is_temporal(x.kind) || doc.type == QL_JSON_STRING);
    if (!good) {
        *out = 0;
        *result = QL_DT_INVALID;
        return QL_OK;
    }
    return ql_kinds[x.kind]->to_temporal(cx, &x, to, decimals, allow, out, result);
}

static ql_status
compare_bytes(ql_ctx *cx, ql_str a, ql_str b, int *result)
{
    ql_json x, y;
    if (a.n == b.n) {
        QL_TRY(ql_bulk_compare(cx, a.p, b.p, a.n, result));
        if (*result == 0) {
            return QL_OK;
        }
    }
    QL_TRY(ql_json_open(cx, a, &x));
    QL_TRY(ql_json_open(cx, b, &y));
    return ql_json_compare(cx, &x, &y, result);
}

static ql_status
json_compare(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
             int *result)
{
    (void)coll;
    return compare_bytes(cx, a->s, b->s, result);
}

static ql_type
json_type_of(const ql_value *v, const ql_collation *coll)
{
    (void)v;
    (void)coll;
    return ql_type_json();
}

/* ---- into JSON ---- */

static ql_value
json_value(ql_str bytes)
{
    return (ql_value){.kind = QL_K_JSON, .s = bytes};
}

/* A text that is read. */
static ql_status
build_from_text(ql_json_builder *b, const ql_value *v)
{
    ql_json_fault fault;
    if (v->coll == ql_coll_binary) {
        return ql_fail(b->cx, QL_ER_INVALID_JSON_CHARSET, "binary");
    }
    QL_TRY(ql_json_parse(b, v->s, &fault));
    return fault.what == NULL ? QL_OK
                              : ql_fail(b->cx, QL_ER_INVALID_JSON_TEXT_IN_PARAM, 1u, "cast_as_json",
                                        fault.what, (unsigned)fault.at, "");
}

static ql_status
build_cast(ql_json_builder *b, const ql_value *v, const ql_type *t)
{
    if (t->length == QL_JSON_OF_TEXT && v->kind == QL_K_STRING) {
        return build_from_text(b, v);
    }
    return t->length == QL_JSON_OF_BOOL && v->kind == QL_K_INT
               ? ql_json_put_bool(b, v->i != 0)
               : ql_json_put_value(b, v, QL_F_VAR_STRING);
}

static ql_status
json_cast(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t, ql_value *out)
{
    if (v->kind == QL_K_JSON) {
        *out = *v;
        return QL_OK;
    }
    ql_json_builder *b = ql_arena_alloc(cx, a, sizeof *b);
    if (b == NULL) {
        return QL_ERROR;
    }
    ql_str bytes = {0};
    ql_json_builder_init(b, cx, a);
    ql_status st = build_cast(b, v, t);
    st = st == QL_OK ? ql_json_take(b, a, &bytes) : st;
    ql_json_builder_free(b);
    *out = json_value(bytes);
    return st;
}

/* Only texts and JSON can be stored: whatever sql_mode says. */
static ql_status
build_stored(ql_json_builder *b, const qli_store *s, const ql_value *v)
{
    ql_json_fault fault = {"not a JSON text, may need CAST", 0};
    if (v->kind == QL_K_STRING) {
        if (v->coll == ql_coll_binary) {
            return ql_fail(b->cx, QL_ER_INVALID_JSON_CHARSET, "binary");
        }
        QL_TRY(ql_json_parse(b, v->s, &fault));
    }
    return fault.what == NULL
               ? QL_OK
               : ql_fail(b->cx, QL_ER_INVALID_JSON_TEXT, fault.what, (unsigned)fault.at, s->column);
}

static ql_status
json_store(const qli_store *s, const ql_value *v, ql_value *out)
{
    if (v->kind == QL_K_JSON) {
        *out = *v;
        return QL_OK;
    }
    ql_json_builder *b = ql_arena_alloc(s->cx, s->a, sizeof *b);
    if (b == NULL) {
        return QL_ERROR;
    }
    ql_str bytes = {0};
    ql_json_builder_init(b, s->cx, s->a);
    ql_status st = build_stored(b, s, v);
    st = st == QL_OK ? ql_json_take(b, s->a, &bytes) : st;
    ql_json_builder_free(b);
    *out = json_value(bytes);
    return st;
}

static void
json_zero(const ql_type *t, ql_value *out)
{
    (void)t;
    *out = json_value((ql_str){"\0", 1}); /* null */
}

static ql_type
json_widest(bool is_unsigned)
{
    (void)is_unsigned;
    return ql_type_json();
}

static ql_type
json_type_from(const ql_type *from, const ql_collation *coll)
{
    (void)from;
    (void)coll;
    return ql_type_json();
}

static ql_type
json_common(const ql_type *a, const ql_type *b)
{
    (void)a;
    (void)b;
    return ql_type_json();
}

/* ---- columns and keys ---- */

static ql_status
put_key(ql_ctx *cx, ql_str bytes, ql_buf *out)
{
    ql_json doc;
    QL_TRY(ql_json_open(cx, bytes, &doc));
    return ql_json_key_put(cx, &doc, out);
}

/* Of the bytes of its key: equal values have equal ones. */
static ql_status
json_hash(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h)
{
    ql_buf key = {.quota = ql_arena_quota(cx->arena)};
    (void)coll;
    ql_status st = put_key(cx, v->s, &key);
    st = st == QL_OK ? ql_bulk_hash(cx, (ql_str){key.p, key.n}, 0, h) : st;
    ql_buf_free(&key);
    return st;
}

static ql_status
json_hash_column(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n, bool first,
                 uint64_t *hash)
{
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel != NULL ? sel[k] : k;
        ql_value x;
        ql_vector_get(v, row, &x);
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_value_hash(cx, &x, NULL, first ? 0 : hash[row], &hash[row]));
    }
    return QL_OK;
}

static ql_status
json_equal(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val, bool *equal)
{
    int order;
    QL_TRY(compare_bytes(cx, v->s[at], val->s, &order));
    *equal = order == 0;
    return QL_OK;
}

static ql_status
json_key_put(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v, struct ql_buf *out)
{
    (void)t;
    (void)cut;
    return put_key(cx, v->s, out);
}

static ql_status
json_key_get(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending, ql_str in, size_t n,
             ql_value *v)
{
    (void)cx;
    (void)a;
    (void)t;
    (void)descending;
    (void)in;
    (void)n;
    (void)v;
    return QL_END; /* 1 and 1.0 have one key */
}

static size_t
json_key_skip(bool descending, ql_str in)
{
    size_t n = in.n > 0 ? ql_json_key_skip(descending, (ql_str){in.p + 1, in.n - 1}) : 0;
    return n > 0 ? n + 1 : 0;
}

/* ---- the wire ---- */

static ql_status
put_converted(ql_ctx *cx, const ql_wire_cell *w)
{
    ql_buf text = {.quota = w->text->quota};
    bool lossy = false;
    ql_status st =
        ql_charset_to_client(cx, w->results, (ql_str){w->text->p, w->text->n}, &text, &lossy);
    st = st == QL_OK ? ql_buf_put_lenenc_str(cx, w->out, text.p, text.n) : st;
    ql_buf_free(&text);
    return st;
}

static ql_status
json_wire(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at)
{
    ql_json doc;
    ql_buf_clear(w->text);
    QL_TRY(ql_json_open(cx, v->s[at], &doc));
    QL_TRY(ql_json_print(cx, &doc, w->text));
    return w->results == NULL || w->results->max_bytes == 4
               ? ql_buf_put_lenenc_str(cx, w->out, w->text->p, w->text->n)
               : put_converted(cx, w);
}

/* ---- types ---- */

static uint32_t
json_length(const ql_type *t)
{
    (void)t;
    return UINT32_MAX;
}

static void
json_decimal_shape(const ql_type *t, unsigned *precision, unsigned *scale)
{
    (void)t;
    *precision = QL_DECIMAL_MAX_DIGITS;
    *scale = QL_DECIMAL_MAX_SCALE;
}

static unsigned
json_second_digits(const ql_type *t)
{
    (void)t;
    return 6;
}

/* Their place in a row, as of BLOBs. */
static uint32_t
json_storage_bytes(const ql_type *t)
{
    (void)t;
    return 12;
}

const ql_kind_ops qli_kind_JSON = {
    .name = "json",
    .print = json_print,
    .text = json_text,
    .to_int = json_to_int,
    .to_double = json_to_double,
    .to_decimal = json_to_decimal,
    .to_bool = json_to_bool,
    .to_temporal = json_to_temporal,
    .compare = json_compare,
    .hash = json_hash,
    .type_of = json_type_of,
    .cast = json_cast,
    .store = json_store,
    .zero = json_zero,
    .widest = json_widest,
    .type_from = json_type_from,
    .common = json_common,
    .hash_column = json_hash_column,
    .equal = json_equal,
    .key_put = json_key_put,
    .key_get = json_key_get,
    .key_skip = json_key_skip,
    .wire_text = json_wire,
    .wire_binary = json_wire,
    .display_length = json_length,
    .text_length = json_length,
    .decimal_shape = json_decimal_shape,
    .second_digits = json_second_digits,
    .storage_bytes = json_storage_bytes,
};
