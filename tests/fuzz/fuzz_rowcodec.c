/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows. Either the input is a row: any bytes are decoded or refused with 1877, both ways of
 * decoding agree, and what was decoded can be printed and encoded again. Or it makes values: they
 * come back from their encoding.
 */
#include "fuzz.h"
#include "types/codec.h"

#define MAX_COLS 12

#define F(f) .field = QL_F_##f
static const ql_str names[] = {{"a", 1}, {"B", 1}, {"", 0}, {"c", 1}};
static const ql_members members = {4, names};
static const ql_type kinds[] = {
    {.kind = QL_K_INT, F(TINY)},
    {.kind = QL_K_INT, F(SHORT), .is_unsigned = true},
    {.kind = QL_K_INT, F(INT24)},
    {.kind = QL_K_INT, F(LONG)},
    {.kind = QL_K_INT, F(LONGLONG)},
    {.kind = QL_K_INT, F(LONGLONG), .is_unsigned = true},
    {.kind = QL_K_INT, F(YEAR)},
    {.kind = QL_K_DOUBLE, F(DOUBLE), .decimals = 31},
    {.kind = QL_K_DOUBLE, F(FLOAT), .decimals = 31},
    {.kind = QL_K_DECIMAL, F(NEWDECIMAL), .length = 65, .decimals = 30},
    {.kind = QL_K_STRING, F(VARCHAR), .length = 500},
    {.kind = QL_K_STRING, F(BLOB)},
    {.kind = QL_K_DATE, F(DATE)},
    {.kind = QL_K_TIME, F(TIME), .decimals = 6},
    {.kind = QL_K_DATETIME, F(DATETIME), .decimals = 6},
    {.kind = QL_K_INT, F(BIT), .is_unsigned = true, .length = 13, .bits = 13},
    {.kind = QL_K_ENUM, F(ENUM), .is_unsigned = true, .members = &members},
    {.kind = QL_K_SET, F(SET), .is_unsigned = true, .members = &members},
};

static bool
same(const ql_value *a, const ql_value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case QL_K_NULL:
        return true;
    case QL_K_DOUBLE:
        return memcmp(&a->d, &b->d, sizeof a->d) == 0;
    case QL_K_DECIMAL:
        return memcmp(a->dec.limb, b->dec.limb, sizeof a->dec.limb) == 0 &&
               a->dec.scale == b->dec.scale && a->dec.negative == b->dec.negative;
    case QL_K_STRING:
        return a->s.n == b->s.n && (a->s.n == 0 || memcmp(a->s.p, b->s.p, a->s.n) == 0);
    default:
        return a->i == b->i;
    }
}

static bool
is_refused(ql_ctx *cx, ql_status st)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    return st == QL_ERROR && c != NULL && c->number == 1877;
}

/* The vectors of a scan, for the wanted columns only. */
static void
check_vectors(ql_ctx *cx, const ql_type *types, uint16_t ncols, ql_str row, const ql_value *values,
              uint16_t wanted)
{
    uint16_t ordinals[MAX_COLS], n = 0;
    ql_type ts[MAX_COLS];
    ql_batch b;
    for (uint16_t i = 0; i < ncols; i++) {
        if (wanted >> i & 1) {
            ts[n] = types[i];
            ordinals[n++] = i;
        }
    }
    CLAIM(ql_batch_init(cx, cx->arena, &b, ts, n) == QL_OK);
    ql_row_reader r;
    CLAIM(ql_row_reader_init(cx, cx->arena, &r, types, ncols, NULL, ordinals, n) == QL_OK);
    ql_status st = ql_row_decode(cx, &r, row, b.cols, 7);
    if (values == NULL) { /* only what is wanted is looked at: it may be whole */
        CLAIM(st == QL_OK || is_refused(cx, st));
        return;
    }
    CLAIM(st == QL_OK);
    for (uint16_t i = 0; i < n; i++) {
        ql_value v;
        ql_vector_get(&b.cols[i], 7, &v);
        CLAIM(same(&v, &values[ordinals[i]]));
    }
}

static void
check_print(ql_ctx *cx, const ql_value *v)
{
    char out[QL_VALUE_TEXT_MAX];
    ql_str s;
    if (v->kind != QL_K_STRING && v->kind != QL_K_NULL) {
        CLAIM(ql_value_print(v, out) < sizeof out);
    }
    CLAIM(ql_value_to_str(cx, cx->arena, v, &s) == QL_OK);
}

static void
encode_again(ql_ctx *cx, const ql_type *types, uint16_t ncols, const ql_value *values)
{
    ql_buf b = {0};
    ql_value again[MAX_COLS];
    CLAIM(ql_row_encode(cx, types, ncols, values, &b) == QL_OK);
    CLAIM(ql_row_decode_values(cx, types, ncols, NULL, (ql_str){b.p, b.n}, again) == QL_OK);
    for (uint16_t i = 0; i < ncols; i++) {
        CLAIM(same(&again[i], &values[i]));
    }
    check_vectors(cx, types, ncols, (ql_str){b.p, b.n}, values, 0xffff);
    for (size_t cut = 0; cut < b.n; cut++) { /* a shorter row reads no byte behind its end */
        char *p = malloc(cut > 0 ? cut : 1);
        memcpy(p, b.p, cut);
        ql_status st = ql_row_decode_values(cx, types, ncols, NULL, (ql_str){p, cut}, again);
        CLAIM(st == QL_OK || is_refused(cx, st));
        ql_diag_reset(cx->diag);
        free(p);
        cut += cut / 4;
    }
    ql_buf_free(&b);
}

static void
fuzz_bytes(ql_ctx *cx, source *s, const ql_type *types, uint16_t ncols)
{
    ql_value values[MAX_COLS];
    uint16_t wanted = (uint16_t)(take_byte(s) << 8 | take_byte(s));
    char *row = malloc(s->n > 0 ? s->n : 1);
    CLAIM(row != NULL);
    if (s->n > 0) {
        memcpy(row, s->p, s->n);
    }
    ql_str in = {row, s->n};
    ql_status st = ql_row_decode_values(cx, types, ncols, NULL, in, values);
    CLAIM(st == QL_OK || is_refused(cx, st));
    ql_diag_reset(cx->diag);
    check_vectors(cx, types, ncols, in, st == QL_OK ? values : NULL, wanted);
    if (st == QL_OK) {
        for (uint16_t i = 0; i < ncols; i++) {
            check_print(cx, &values[i]);
        }
        encode_again(cx, types, ncols, values);
    }
    free(row);
}

/* A value that a column of the type can hold. */
static ql_value
make_value(ql_ctx *cx, source *s, const ql_type *t)
{
    ql_value raw, v = ql_value_null();
    size_t n;
    uint8_t how = take_byte(s);
    if (how % 8 == 0) {
        return v;
    }
    if (how % 2 == 0 && t->kind == QL_K_INT) {
        uint64_t u = take_u64(s);
        raw = how & 16 ? ql_value_uint(u) : ql_value_int((int64_t)u);
    } else {
        char *p = take_bytes(s, 255, &n), *kept = ql_arena_strndup(cx, cx->arena, p, n);
        free(p);
        CLAIM(kept != NULL);
        raw = ql_value_str((ql_str){kept, n}, ql_coll_default);
    }
    ql_status st = ql_value_store(cx, cx->arena, &raw, t, "c", 1, false, &v);
    ql_diag_reset(cx->diag);
    return st == QL_OK ? v : ql_value_null();
}

static void
fuzz_values(ql_ctx *cx, source *s, const ql_type *types, uint16_t ncols)
{
    ql_value values[MAX_COLS];
    for (uint16_t i = 0; i < ncols; i++) {
        values[i] = make_value(cx, s, &types[i]);
        check_print(cx, &values[i]);
    }
    encode_again(cx, types, ncols, values);
    /* As a row of a table that has got more columns since. */
    ql_buf b = {0};
    ql_value again[MAX_COLS], missing[MAX_COLS];
    uint16_t had = (uint16_t)(1 + take_byte(s) % ncols);
    for (uint16_t i = 0; i < ncols; i++) {
        missing[i] = i % 2 ? values[i] : ql_value_null();
    }
    CLAIM(ql_row_encode(cx, types, had, values, &b) == QL_OK);
    CLAIM(ql_row_decode_values(cx, types, ncols, missing, (ql_str){b.p, b.n}, again) == QL_OK);
    for (uint16_t i = 0; i < ncols; i++) {
        CLAIM(same(&again[i], i < had ? &values[i] : &missing[i]));
    }
    ql_buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ql_ctx *cx = fuzz_ctx();
    source s = {data, size};
    ql_type types[MAX_COLS];
    uint8_t first = take_byte(&s);
    uint16_t ncols = (uint16_t)(1 + (first & 0x7f) % MAX_COLS);
    for (uint16_t i = 0; i < ncols; i++) {
        types[i] = kinds[take_byte(&s) % QL_ARRAY_LEN(kinds)];
        types[i].nullable = true;
        if (types[i].kind == QL_K_STRING) {
            types[i].coll = types[i].field == QL_F_BLOB ? ql_coll_binary : ql_coll_default;
        }
    }
    if (first & 0x80) {
        fuzz_bytes(cx, &s, types, ncols);
    } else {
        fuzz_values(cx, &s, types, ncols);
    }
    return 0;
}
