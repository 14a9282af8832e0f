/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored rows: header, null bitmap, fixed-size slots, end offsets and bytes of the variable-size
 * columns; layout in README.md. Any column is found without decoding the others. Damaged input
 * never reads out of bounds. Runs in any thread; no locks, no waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "types/codec.h"
#include "types/kinds.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are little-endian");

#define ROW_VERSION 1
#define HEADER 3 /* format byte, number of columns */

static inline ql_cell
cell_of(const ql_type *t)
{
    return ql_kind_cell(t->kind);
}

static inline bool
cell_is_variable(ql_cell c)
{
    return c == QL_CELL_DECIMAL || c == QL_CELL_BYTES;
}

/* Bytes of the fixed slot of a column; 0 = variable size. Each column has its slot, NULL or not. */
static inline unsigned
slot_bytes(const ql_type *t, ql_cell c)
{
    switch (c) {
    case QL_CELL_INT:
        switch (t->field) {
        case QL_F_TINY:
            return 1;
        case QL_F_SHORT:
        case QL_F_YEAR:
        case QL_F_ENUM:
            return 2;
        case QL_F_INT24:
            return 3;
        case QL_F_LONG:
            return 4;
        default:
            return 8;
        }
    case QL_CELL_REAL:
        return t->field == QL_F_FLOAT ? 4 : 8;
    case QL_CELL_DAY:
        return 4;
    case QL_CELL_NONE:
    case QL_CELL_DECIMAL:
    case QL_CELL_BYTES:
        break;
    }
    return 0;
}

/* ---- encoding ---- */

static unsigned
decimal_bytes(const ql_decimal *d)
{
    unsigned n = 32;
    const unsigned char *p = (const unsigned char *)d->limb;
    while (n > 0 && p[n - 1] == 0) {
        n--;
    }
    return n;
}

static size_t
variable_bytes(ql_cell c, const ql_value *v)
{
    if (v->kind == QL_K_NULL) {
        return 0;
    }
    return c == QL_CELL_BYTES ? v->s.n : 1 + decimal_bytes(&v->dec);
}

/* Where the parts of a row to be written lie. */
typedef struct plan {
    size_t slots, ends, data, total; /* offsets */
    unsigned width_log2;             /* of an end offset: 1, 2 or 4 bytes */
} plan;

/* What is stored of column i. */
static inline const ql_value *
stored_value(const ql_row_layout *l, uint16_t i, const ql_value *values)
{
    static const ql_value null = {.kind = QL_K_NULL};
    uint16_t at = l->values != NULL ? l->values[i] : i;
    return at != QL_NO_VALUE ? &values[at] : &null;
}

static bool
plan_row(const ql_row_layout *l, const ql_value *values, plan *p)
{
    size_t fixed = 0, nvar = 0, bytes = 0;
    for (uint16_t i = 0; i < l->n; i++) {
        ql_cell c = cell_of(&l->types[i]);
        fixed += slot_bytes(&l->types[i], c);
        if (cell_is_variable(c)) {
            nvar++;
            bytes += variable_bytes(c, stored_value(l, i, values));
        }
    }
    p->width_log2 = bytes < 256 ? 0 : (bytes < 65536 ? 1 : 2);
    p->slots = HEADER + (l->n + 7u) / 8;
    p->ends = p->slots + fixed;
    p->data = p->ends + (nvar << p->width_log2);
    p->total = p->data + bytes;
    return bytes <= UINT32_MAX;
}

/* false = the value does not fit the slot: it was never stored through ql_value_store. */
static bool
put_slot(const ql_type *t, ql_cell c, const ql_value *v, char *at, unsigned n)
{
    if (c == QL_CELL_REAL) {
        if (n == 4) {
            float f = (float)v->d;
            memcpy(at, &f, 4);
        } else {
            memcpy(at, &v->d, 8);
        }
        return true;
    }
    uint64_t u = c == QL_CELL_DAY ? (uint64_t)(v->i >> 41) : v->u;
    memcpy(at, &u, n);
    if (n == 8) {
        return true;
    }
    if (t->is_unsigned || c == QL_CELL_DAY || t->field == QL_F_YEAR) {
        return u >> (8 * n) == 0;
    }
    unsigned shift = 64 - 8 * n;
    return (int64_t)(u << shift) >> shift == (int64_t)u;
}

static ql_status
put_variable(ql_ctx *cx, ql_cell c, const ql_value *v, char **data)
{
    char *at = *data;
    if (c == QL_CELL_BYTES) {
        *data += v->s.n;
        return ql_bulk_copy(cx, at, v->s.p, v->s.n);
    }
    unsigned n = decimal_bytes(&v->dec);
    at[0] = (char)(v->dec.scale | (v->dec.negative ? 0x80 : 0));
    memcpy(at + 1, v->dec.limb, n);
    *data += 1 + n;
    return QL_OK;
}

static ql_status
refuse_value(ql_ctx *cx, uint16_t column)
{
    return ql_fail_text(cx, QL_ER_WARN_DATA_OUT_OF_RANGE, "Out of range value for column %u",
                        column + 1u);
}

ql_status
ql_row_encode_as(ql_ctx *cx, const ql_row_layout *l, const ql_value *values, struct ql_buf *out)
{
    const ql_type *types = l->types;
    plan p;
    if (!plan_row(l, values, &p)) {
        return ql_fail_text(cx, QL_ER_TOO_BIG_ROWSIZE, "Row size too large");
    }
    QL_TRY(ql_buf_reserve(cx, out, p.total + 8));
    char *row = out->p + out->n;
    memset(row, 0, p.data);
    row[0] = (char)(ROW_VERSION | p.width_log2 << 4);
    memcpy(row + 1, &l->n, 2);
    char *slot = row + p.slots, *end = row + p.ends, *data = row + p.data;
    for (uint16_t i = 0; i < l->n; i++) {
        const ql_value *v = stored_value(l, i, values);
        bool null = v->kind == QL_K_NULL;
        ql_cell c = cell_of(&types[i]);
        unsigned n = slot_bytes(&types[i], c);
        if (null) {
            row[HEADER + i / 8] = (char)(row[HEADER + i / 8] | 1 << i % 8);
        } else if (v->kind != types[i].kind || (n > 0 && !put_slot(&types[i], c, v, slot, n))) {
            return refuse_value(cx, i);
        }
        slot += n;
        if (cell_is_variable(c)) {
            if (!null) {
                QL_TRY(put_variable(cx, c, v, &data));
            }
            uint32_t at = (uint32_t)(data - row - (ptrdiff_t)p.data);
            memcpy(end, &at, 1u << p.width_log2);
            end += 1u << p.width_log2;
        }
    }
    out->n += p.total;
    return QL_OK;
}

ql_status
ql_row_encode(ql_ctx *cx, const ql_type *types, uint16_t ncols, const ql_value *values,
              struct ql_buf *out)
{
    const ql_row_layout l = {.types = types, .n = ncols};
    return ql_row_encode_as(cx, &l, values, out);
}

/* ---- decoding ---- */

static ql_status
damaged(ql_ctx *cx)
{
    return ql_fail_text(cx, QL_ER_TABLE_CORRUPT,
                        "Operation cannot be performed. The table is missing, corrupt or contains "
                        "bad data.");
}

/* A checked row: the fixed part and the end offsets lie within it. */
typedef struct view {
    const char *row, *slots, *ends, *data;
    size_t data_bytes;
    uint16_t ncols; /* that the row has */
    unsigned width;
} view;

/* The columns that stand in front of one, or all of a row. */
typedef struct before {
    uint32_t slots; /* bytes of the fixed-size ones */
    uint16_t nvar;  /* number of the others */
} before;

static inline void
before_add(before *b, const ql_type *t)
{
    ql_cell c = cell_of(t);
    b->slots += slot_bytes(t, c);
    b->nvar = (uint16_t)(b->nvar + cell_is_variable(c));
}

/* whole: of a row that has all ncols columns; NULL = to be counted. */
static inline bool
view_open(view *v, const ql_type *types, uint16_t ncols, const before *whole, ql_str in)
{
    if (in.n < HEADER || ((unsigned char)in.p[0] & 0x0f) != ROW_VERSION) {
        return false;
    }
    unsigned width_log2 = (unsigned char)in.p[0] >> 4;
    memcpy(&v->ncols, in.p + 1, 2);
    if (width_log2 > 2 || v->ncols > ncols) {
        return false;
    }
    before all = {0};
    if (whole != NULL && QL_LIKELY(v->ncols == ncols)) {
        all = *whole;
    } else {
        for (uint16_t i = 0; i < v->ncols; i++) {
            before_add(&all, &types[i]);
        }
    }
    size_t slots = HEADER + (v->ncols + 7u) / 8;
    size_t data = slots + all.slots + ((size_t)all.nvar << width_log2);
    if (data > in.n) {
        return false;
    }
    v->row = in.p;
    v->slots = in.p + slots;
    v->ends = v->slots + all.slots;
    v->data = in.p + data;
    v->data_bytes = in.n - data;
    v->width = 1u << width_log2;
    return true;
}

static inline bool
view_is_null(const view *v, uint16_t col)
{
    return (unsigned char)v->row[HEADER + col / 8] >> col % 8 & 1;
}

static inline uint32_t
view_end(const view *v, size_t nth)
{
    const char *p = v->ends + nth * v->width;
    uint16_t half;
    uint32_t full;
    switch (v->width) {
    case 1:
        return (unsigned char)*p;
    case 2:
        memcpy(&half, p, 2);
        return half;
    default:
        memcpy(&full, p, 4);
        return full;
    }
}

/* Bytes of the nth variable column; false = damaged. */
static inline bool
view_variable(const view *v, size_t nth, ql_str *s)
{
    uint32_t from = nth > 0 ? view_end(v, nth - 1) : 0, to = view_end(v, nth);
    if (from > to || to > v->data_bytes) {
        return false;
    }
    *s = (ql_str){v->data + from, to - from};
    return true;
}

static bool
read_decimal(ql_str s, ql_decimal *d)
{
    if (s.n < 1 || s.n > 33) {
        return false;
    }
    memset(d, 0, sizeof *d);
    memcpy(d->limb, s.p + 1, s.n - 1);
    d->scale = (uint8_t)s.p[0] & 0x7f;
    d->negative = ((unsigned char)s.p[0] & 0x80) != 0;
    if (d->scale > QL_DECIMAL_MAX_SCALE) {
        return false;
    }
    if (s.n == 1) {
        return !d->negative;
    }
    if (s.p[s.n - 1] == 0) { /* never written: it may stand for a negative zero */
        return false;
    }
    if (s.n <= 27) { /* 26 bytes hold less than 10^65 */
        return true;
    }
    return ql_decimal_digits(d) <= QL_DECIMAL_MAX_DIGITS;
}

/* From the 22 bits of year, month, day. */
static inline int64_t
day_of(uint64_t u)
{
    return (int64_t)((u & 0x3fffff) << 41);
}

static inline int64_t
read_integer(const ql_type *t, ql_cell c, const char *p, unsigned n)
{
    uint64_t u = 0;
    if (n == 8) {
        memcpy(&u, p, 8);
        return (int64_t)u;
    }
    memcpy(&u, p, n);
    if (c == QL_CELL_DAY) {
        return day_of(u);
    }
    if (t->is_unsigned || t->field == QL_F_YEAR) {
        return (int64_t)u;
    }
    unsigned shift = 64 - 8 * n;
    return (int64_t)(u << shift) >> shift;
}

static inline double
read_double(const char *p, unsigned n)
{
    double d;
    float f;
    if (n == 4) {
        memcpy(&f, p, 4);
        return (double)f;
    }
    memcpy(&d, p, 8);
    return d;
}

/* A wanted column. */
struct qli_row_want {
    uint16_t column;
    uint8_t cell; /* ql_cell */
    uint8_t bytes;
    bool is_unsigned;
    before before;
};

static void
want_init(struct qli_row_want *w, const ql_type *t, uint16_t column, before b)
{
    ql_cell c = cell_of(t);
    *w = (struct qli_row_want){.column = column,
                               .cell = (uint8_t)c,
                               .bytes = (uint8_t)slot_bytes(t, c),
                               .is_unsigned = t->is_unsigned || t->field == QL_F_YEAR,
                               .before = b};
}

ql_status
ql_row_reader_init(ql_ctx *cx, struct ql_arena *a, ql_row_reader *r, const ql_type *types,
                   uint16_t ncols, const ql_value *defaults, const uint16_t *ordinals,
                   uint16_t nwanted)
{
    struct qli_row_want *wants = QL_ARENA_ARRAY(cx, a, struct qli_row_want, nwanted + 1u);
    if (wants == NULL) {
        return QL_ERROR;
    }
    before b = {0};
    for (uint16_t c = 0, n = 0; c < ncols; c++) {
        QL_TRY(ql_bulk_each(cx, c));
        if (n < nwanted && ordinals[n] == c) {
            want_init(&wants[n++], &types[c], c, b);
        }
        before_add(&b, &types[c]);
    }
    *r = (ql_row_reader){.types = types,
                         .defaults = defaults,
                         .wants = wants,
                         .ncols = ncols,
                         .nwanted = nwanted,
                         .nvar = b.nvar,
                         .slots = b.slots};
    return QL_OK;
}

/* Where a value of the table is stored. */
static ql_status
find_stored(ql_ctx *cx, const ql_row_layout *l, uint16_t value, uint16_t *at)
{
    *at = value;
    for (uint16_t i = 0; l->values != NULL && i < l->n; i++) {
        QL_TRY(ql_bulk_each(cx, i));
        if (l->values[i] == value) {
            *at = i;
            break;
        }
    }
    return QL_OK;
}

ql_status
ql_row_reader_init_as(ql_ctx *cx, struct ql_arena *a, ql_row_reader *r, const ql_row_layout *l,
                      const uint16_t *wanted, uint16_t nwanted)
{
    if (l->values == NULL) {
        return ql_row_reader_init(cx, a, r, l->types, l->n, l->missing, wanted, nwanted);
    }
    struct qli_row_want *wants = QL_ARENA_ARRAY(cx, a, struct qli_row_want, nwanted + 1u);
    before *of = QL_ARENA_ARRAY(cx, a, before, l->n + 1u);
    if (wants == NULL || of == NULL) {
        return QL_ERROR;
    }
    for (uint16_t c = 0; c < l->n; c++) {
        QL_TRY(ql_bulk_each(cx, c));
        of[c + 1] = of[c];
        before_add(&of[c + 1], &l->types[c]);
    }
    for (uint16_t i = 0; i < nwanted; i++) {
        uint16_t at;
        QL_TRY(find_stored(cx, l, wanted[i], &at));
        want_init(&wants[i], &l->types[at], at, of[at]);
    }
    *r = (ql_row_reader){.types = l->types,
                         .defaults = l->missing,
                         .wants = wants,
                         .ncols = l->n,
                         .nwanted = nwanted,
                         .nvar = of[l->n].nvar,
                         .slots = of[l->n].slots};
    return QL_OK;
}

static inline int64_t
want_integer(const view *v, const struct qli_row_want *w, ql_str in)
{
    const char *p = v->slots + w->before.slots;
    unsigned shift = 64 - 8u * w->bytes;
    uint64_t u = 0;
    if (QL_LIKELY(p + 8 <= in.p + in.n)) {
        memcpy(&u, p, 8);
    } else {
        memcpy(&u, p, w->bytes);
    }
    u <<= shift;
    return w->is_unsigned ? (int64_t)(u >> shift) : (int64_t)u >> shift;
}

static inline bool
want_decode(const view *v, const struct qli_row_want *w, ql_str in, ql_vector *out, uint16_t row)
{
    ql_str s;
    switch ((ql_cell)w->cell) {
    case QL_CELL_BYTES:
        return view_variable(v, w->before.nvar, &out->s[row]);
    case QL_CELL_DECIMAL:
        return view_variable(v, w->before.nvar, &s) && read_decimal(s, &out->dec[row]);
    case QL_CELL_REAL:
        out->d[row] = read_double(v->slots + w->before.slots, w->bytes);
        return true;
    case QL_CELL_INT:
        out->i[row] = want_integer(v, w, in);
        return true;
    case QL_CELL_DAY:
        out->i[row] = day_of((uint64_t)want_integer(v, w, in));
        return true;
    case QL_CELL_NONE:
        break;
    }
    return true;
}

static inline void
set_null(ql_vector *v, uint16_t row)
{
    v->has_nulls = true;
    v->nulls[row] = 1;
}

ql_status
ql_row_decode(ql_ctx *cx, const ql_row_reader *r, ql_str in, ql_vector *cols, uint16_t row)
{
    const before whole = {r->slots, r->nvar};
    view v;
    if (QL_UNLIKELY(!view_open(&v, r->types, r->ncols, &whole, in))) {
        return damaged(cx);
    }
    for (uint16_t i = 0; i < r->nwanted; i++) {
        const struct qli_row_want *w = &r->wants[i];
        if (QL_UNLIKELY(w->column >= v.ncols)) {
            ql_value none = ql_value_null();
            ql_vector_set(&cols[i], row, r->defaults ? &r->defaults[w->column] : &none);
            continue;
        }
        if (view_is_null(&v, w->column)) {
            set_null(&cols[i], row);
            continue;
        }
        cols[i].nulls[row] = 0;
        if (QL_UNLIKELY(!want_decode(&v, w, in, &cols[i], row))) {
            return damaged(cx);
        }
    }
    return QL_OK;
}

static bool
decode_value(const view *v, const before *b, const ql_type *t, ql_value *out)
{
    ql_str s;
    *out = (ql_value){.kind = t->kind,
                      .is_unsigned = t->is_unsigned,
                      .decimals = t->decimals,
                      .coll = t->coll,
                      .list = {0, t->members}};
    ql_cell c = cell_of(t);
    switch (c) {
    case QL_CELL_BYTES:
        return view_variable(v, b->nvar, &out->s);
    case QL_CELL_DECIMAL:
        return view_variable(v, b->nvar, &s) && read_decimal(s, &out->dec);
    case QL_CELL_REAL:
        out->d = read_double(v->slots + b->slots, slot_bytes(t, c));
        if (t->field == QL_F_FLOAT && t->decimals >= QL_DECIMALS_DOUBLE) {
            out->decimals = QL_DECIMALS_FLOAT;
        }
        return true;
    case QL_CELL_NONE:
        return true;
    case QL_CELL_INT:
    case QL_CELL_DAY:
        break;
    }
    out->i = read_integer(t, c, v->slots + b->slots, slot_bytes(t, c));
    return true;
}

ql_status
ql_row_decode_as(ql_ctx *cx, const ql_row_layout *l, ql_str in, ql_value *values)
{
    view v;
    if (!view_open(&v, l->types, l->n, NULL, in)) {
        return damaged(cx);
    }
    before b = {0};
    for (uint16_t col = 0; col < l->n; col++) {
        ql_value none;
        uint16_t at = l->values != NULL ? l->values[col] : col;
        ql_value *to = at != QL_NO_VALUE ? &values[at] : &none;
        if (col >= v.ncols) {
            *to = l->missing != NULL ? l->missing[col] : ql_value_null();
            continue;
        }
        if (view_is_null(&v, col)) {
            *to = ql_value_null();
        } else if (!decode_value(&v, &b, &l->types[col], to)) {
            return damaged(cx);
        }
        before_add(&b, &l->types[col]);
    }
    return QL_OK;
}

ql_status
ql_row_decode_values(ql_ctx *cx, const ql_type *types, uint16_t ncols, const ql_value *defaults,
                     ql_str in, ql_value *values)
{
    const ql_row_layout l = {.types = types, .n = ncols, .missing = defaults};
    return ql_row_decode_as(cx, &l, in, values);
}
