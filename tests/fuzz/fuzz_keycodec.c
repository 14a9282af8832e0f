/* SPDX-License-Identifier: Apache-2.0
 *
 * Index keys. Any bytes are decoded or refused with 1877. Of two values of a type, the bytes have
 * the order of the values, each key ends by itself, and it decodes to the value again where a key
 * holds the value.
 */
#include <math.h>

#include "fuzz.h"
#include "types/codec.h"

static const char *const collations[] = {"binary",
                                         "utf8mb4_0900_ai_ci",
                                         "utf8mb4_bin",
                                         "utf8mb4_0900_bin",
                                         "utf8mb4_0900_as_cs",
                                         "utf8mb4_general_ci",
                                         "utf8mb4_unicode_ci",
                                         "latin1_swedish_ci"};

#define F(f) .field = QL_F_##f
static const ql_str names[] = {{"a", 1}, {"B", 1}, {"", 0}, {"c", 1}};
static const ql_members members = {4, names};
static const ql_type kinds[] = {
    {.kind = QL_K_INT, F(LONGLONG)},
    {.kind = QL_K_INT, F(LONGLONG), .is_unsigned = true},
    {.kind = QL_K_DOUBLE, F(DOUBLE), .decimals = 31},
    {.kind = QL_K_DECIMAL, F(NEWDECIMAL), .length = 65, .decimals = 30},
    {.kind = QL_K_DECIMAL, F(NEWDECIMAL), .length = 20, .decimals = 2},
    {.kind = QL_K_DATE, F(DATE)},
    {.kind = QL_K_TIME, F(TIME), .decimals = 6},
    {.kind = QL_K_DATETIME, F(DATETIME), .decimals = 6},
    {.kind = QL_K_ENUM, F(ENUM), .is_unsigned = true, .members = &members},
    {.kind = QL_K_SET, F(SET), .is_unsigned = true, .members = &members},
};

static ql_type
take_type(source *s)
{
    size_t i = take_byte(s) % (QL_ARRAY_LEN(kinds) + QL_ARRAY_LEN(collations));
    if (i < QL_ARRAY_LEN(kinds)) {
        return kinds[i];
    }
    const char *name = collations[i - QL_ARRAY_LEN(kinds)];
    const ql_collation *c = ql_collation_by_name((ql_str){name, strlen(name)});
    CLAIM(c != NULL);
    return (ql_type){.kind = QL_K_STRING, F(VARCHAR), .length = 255, .coll = c};
}

static bool
is_readable(const ql_type *t)
{
    return t->kind != QL_K_STRING || (t->coll->is_binary && !t->coll->pad_space);
}

static ql_decimal
take_decimal(source *s, const ql_type *t)
{
    ql_decimal d;
    size_t n, used;
    bool cut;
    char *p = take_bytes(s, 80, &n);
    (void)ql_decimal_parse(&d, (ql_str){p, n}, &used);
    (void)ql_decimal_fit(&d, t->length, t->decimals, &cut);
    free(p);
    return d;
}

/* Strings are valid UTF-8, as everywhere in the server, unless the collation is binary. */
static ql_str
take_string(ql_ctx *cx, source *s, const ql_type *t)
{
    size_t n;
    char *p = take_bytes(s, 120, &n), *kept;
    ql_str v = {p, n};
    if (t->coll != ql_coll_binary) {
        v.n = ql_utf8_valid_prefix(v);
    }
    kept = ql_arena_strndup(cx, cx->arena, p, v.n);
    CLAIM(kept != NULL);
    free(p);
    return (ql_str){kept, v.n};
}

static ql_value
take_value(ql_ctx *cx, source *s, const ql_type *t)
{
    ql_value v = {.kind = t->kind, .is_unsigned = t->is_unsigned, .coll = t->coll};
    uint64_t u;
    if (take_byte(s) % 16 == 0) {
        return ql_value_null();
    }
    switch (t->kind) {
    case QL_K_DECIMAL:
        v.dec = take_decimal(s, t);
        break;
    case QL_K_STRING:
        v.s = take_string(cx, s, t);
        break;
    case QL_K_DOUBLE:
        u = take_u64(s);
        memcpy(&v.d, &u, sizeof v.d);
        v.d = isfinite(v.d) ? v.d : 0; /* SQL knows no other */
        break;
    default:
        v.u = take_u64(s);
    }
    return v;
}

static int
sign(int x)
{
    return (x > 0) - (x < 0);
}

static int
bytes_order(const ql_buf *a, const ql_buf *b)
{
    int d = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return d != 0 ? sign(d) : (a->n > b->n) - (a->n < b->n);
}

static int
value_order(ql_ctx *cx, const ql_type *t, const ql_value *x, const ql_value *y)
{
    int d;
    if (ql_value_is_null(x) || ql_value_is_null(y)) {
        return ql_value_is_null(y) - ql_value_is_null(x);
    }
    CLAIM(ql_value_compare(cx, x, y, t->coll, &d) == QL_OK);
    return sign(d);
}

static void
check_back(ql_ctx *cx, const ql_type *t, bool desc, const ql_value *v, const ql_buf *key)
{
    ql_value back;
    size_t used;
    ql_status st = ql_key_decode(cx, cx->arena, t, desc, (ql_str){key->p, key->n}, &back, &used);
    if (!is_readable(t)) {
        CLAIM(st == QL_ERROR || ql_value_is_null(v));
        ql_diag_reset(cx->diag);
        return;
    }
    CLAIM(st == QL_OK && used == key->n && back.kind == v->kind);
    CLAIM(value_order(cx, t, v, &back) == 0);
    if (t->kind == QL_K_DECIMAL && !ql_value_is_null(v)) {
        CLAIM(back.dec.scale == t->decimals);
    }
}

/* To the first characters (bytes of a binary string), as a prefix part does. */
static void
cut(const ql_type *t, ql_value *v, uint32_t prefix)
{
    if (prefix == 0 || v->kind != QL_K_STRING) {
        return;
    }
    size_t n = t->coll == ql_coll_binary ? prefix : ql_utf8_offset(v->s, prefix);
    v->s.n = n < v->s.n ? n : v->s.n;
}

static void
fuzz_values(ql_ctx *cx, source *s)
{
    ql_type t = take_type(s);
    uint8_t flags = take_byte(s);
    bool desc = flags & 1;
    uint32_t prefix = flags & 2 && t.kind == QL_K_STRING ? 1u + (flags >> 2) % 8 : 0;
    ql_value x = take_value(cx, s, &t), y = take_value(cx, s, &t);
    ql_buf a = {0}, b = {0};
    CLAIM(ql_key_encode(cx, &t, prefix, desc, &x, &a) == QL_OK);
    CLAIM(ql_key_encode(cx, &t, prefix, desc, &y, &b) == QL_OK);
    cut(&t, &x, prefix);
    cut(&t, &y, prefix);
    int want = value_order(cx, &t, &x, &y), got = bytes_order(&a, &b);
    CLAIM(got == (desc ? -want : want));
    check_back(cx, &t, desc, &x, &a);
    CLAIM(ql_key_skip(&t, desc, (ql_str){a.p, a.n}) == a.n);
    /* Followed by anything it still ends where it ends, and its order stays. */
    size_t n = a.n;
    CLAIM(ql_buf_put(cx, &a, b.p, b.n) == QL_OK);
    CLAIM(ql_key_skip(&t, desc, (ql_str){a.p, a.n}) == n);
    if (got != 0) {
        CLAIM(bytes_order(&a, &b) == got);
    }
    ql_buf_free(&a);
    ql_buf_free(&b);
}

static void
fuzz_bytes(ql_ctx *cx, source *s)
{
    ql_type t = take_type(s);
    bool desc = take_byte(s) & 1;
    char *p = malloc(s->n > 0 ? s->n : 1);
    CLAIM(p != NULL);
    if (s->n > 0) {
        memcpy(p, s->p, s->n);
    }
    ql_str in = {p, s->n};
    ql_value v;
    size_t used, skipped = ql_key_skip(&t, desc, in);
    CLAIM(skipped <= in.n);
    ql_status st = ql_key_decode(cx, cx->arena, &t, desc, in, &v, &used);
    if (st == QL_OK) {
        CLAIM(used > 0 && used == skipped);
        /* The key of that value decodes to it; the bytes need not be the same, nor finite. */
        if (!(v.kind == QL_K_DOUBLE && isnan(v.d))) {
            ql_buf b = {0};
            CLAIM(ql_key_encode(cx, &t, 0, desc, &v, &b) == QL_OK);
            check_back(cx, &t, desc, &v, &b);
            ql_buf_free(&b);
        }
    } else {
        const ql_condition *c = ql_diag_error(cx->diag);
        CLAIM(st == QL_ERROR && c != NULL && c->number == 1877);
    }
    free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ql_ctx *cx = fuzz_ctx();
    source s = {data, size};
    if (take_byte(&s) & 1) {
        fuzz_bytes(cx, &s);
    } else {
        fuzz_values(cx, &s);
    }
    return 0;
}
