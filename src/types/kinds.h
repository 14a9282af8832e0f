/* SPDX-License-Identifier: Apache-2.0
 *
 * What a kind of value can do: one table of functions for each row of kinds.def. Whoever needs to
 * know something that depends on the kind asks here; `case QL_K_` stands in no other file
 * (tools/check_layers.py). Most of the entries have a friendlier name in value.h, type.h, codec.h
 * or below; those that only one place needs are called through ql_kinds.
 */
#ifndef QL_TYPES_KINDS_H
#define QL_TYPES_KINDS_H

#include "types/sink.h"
#include "types/value.h"

struct ql_buf;

/* One store into a column. */
typedef struct qli_store {
    ql_ctx *cx;
    struct ql_arena *a; /* for result bytes */
    const ql_type *t;
    const char *column;
    uint64_t row;
    bool strict;
    unsigned mode; /* QL_STORE_*: types/store.h */
} qli_store;

/* How the bytes of a value lie in a stored row (rowcodec.c, README.md). Rows are read and written
 * by one loop over these forms. */
typedef enum ql_cell {
    QL_CELL_NONE,    /* nothing */
    QL_CELL_INT,     /* the low bytes of an integer, as many as the type has; sign extended unless
                        is_unsigned or YEAR */
    QL_CELL_REAL,    /* float or double */
    QL_CELL_DAY,     /* 4 bytes: a packed date without its time */
    QL_CELL_DECIMAL, /* variable: scale and sign, magnitude */
    QL_CELL_BYTES,   /* variable: the bytes of a string slot */
} ql_cell;

static inline ql_cell
ql_kind_cell(ql_kind k)
{
#define QL_KIND(id, slot, family, calendar, cell) [QL_K_##id] = QL_CELL_##cell,
    static const uint8_t cells[] = {
#include "types/kinds.def"
    };
    return (ql_cell)cells[k];
}

/* Where a value goes on the wire. */
#define QL_WIRE_NULL 0xfb /* NULL in the text protocol */
typedef struct ql_wire_cell {
    struct ql_buf *out;
    const ql_result_column *told; /* the column definition that the client has */
    const ql_charset *results;    /* character_set_results; NULL = none */
    struct ql_buf *text;          /* scratch for conversions */
} ql_wire_cell;

/* v, a, b are never SQL NULL and of the row's kind unless said otherwise; t and the results are of
 * the row's kind. Statuses: QL_KILLED, or QL_ERROR worded. */
typedef struct ql_kind_ops {
    const char *name;

    /* One value. */
    /* Strings, JSON: 0; ENUM, SET: the number. */
    size_t (*print)(const ql_value *v, char out[QL_VALUE_TEXT_MAX]);
    /* The text as the client sees it: v's bytes, somebody else's, or new ones in a. */
    ql_status (*text)(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out);
    ql_status (*to_int)(ql_ctx *cx, const ql_value *v, int64_t *out, bool *is_unsigned);
    ql_status (*to_double)(ql_ctx *cx, const ql_value *v, double *out);
    ql_status (*to_decimal)(ql_ctx *cx, const ql_value *v, ql_decimal *out);
    ql_status (*to_bool)(ql_ctx *cx, const ql_value *v, bool *out);
    /* Packed DATE, TIME or DATETIME (`to`), fraction rounded to decimals. No warnings. allow:
     * QL_DATES_*. */
    ql_status (*to_temporal)(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals,
                             unsigned allow, int64_t *out, ql_dt_result *result);
    ql_status (*compare)(ql_ctx *cx, const ql_value *a, const ql_value *b, const ql_collation *coll,
                         int *result);
    ql_status (*hash)(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h);
    /* The type of a literal; coll: of strings that have none. */
    ql_type (*type_of)(const ql_value *v, const ql_collation *coll);

    /* Into this kind, from a value of any kind but NULL. */
    ql_status (*cast)(ql_ctx *cx, struct ql_arena *a, const ql_value *v, const ql_type *t,
                      ql_value *out);
    ql_status (*store)(const struct qli_store *s, const ql_value *v, ql_value *out);
    void (*zero)(const ql_type *t, ql_value *out); /* implicit default of NOT NULL columns */
    ql_type (*widest)(bool is_unsigned);           /* a type that takes any value of the kind */
    /* The type in which an expression of type `from` is one of this kind. */
    ql_type (*type_from)(const ql_type *from, const ql_collation *coll);
    /* The type of CASE, UNION ... of two types whose common kind this is. */
    ql_type (*common)(const ql_type *a, const ql_type *b);

    /* Columns: once a batch. As ql_column_hash; as ql_cell_equal. */
    ql_status (*hash_column)(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                             bool first, uint64_t *hash);
    ql_status (*equal)(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val,
                       bool *equal);

    /* Index keys (keycodec.c), behind the tag: put appends ascending bytes; get reads n bytes (tag
     * included) back, QL_END = they hold no such value; skip: length with the tag, 0 = damaged. */
    ql_status (*key_put)(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                         struct ql_buf *out);
    ql_status (*key_get)(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending,
                         ql_str in, size_t n, ql_value *v);
    size_t (*key_skip)(bool descending, ql_str in);

    /* The wire: slot `at` of v. */
    ql_status (*wire_text)(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at);
    ql_status (*wire_binary)(ql_ctx *cx, const ql_wire_cell *w, const ql_vector *v, uint16_t at);

    /* Types. */
    uint32_t (*display_length)(const ql_type *t); /* ql_type_display_length */
    uint32_t (*text_length)(const ql_type *t);    /* characters of the text of any value */
    /* Digits of a DECIMAL that holds any value. */
    void (*decimal_shape)(const ql_type *t, unsigned *precision, unsigned *scale);
    unsigned (*second_digits)(const ql_type *t); /* fraction of a second when read as a time */
    uint32_t (*storage_bytes)(const ql_type *t); /* ql_type_storage_bytes */
} ql_kind_ops;

/* The rows, each in a file kind_*.c of types/, JSON's in json/. */
#define QL_KIND(id, slot, family, calendar, cell) extern const ql_kind_ops qli_kind_##id;
#include "types/kinds.def"

extern const ql_kind_ops *const ql_kinds[QL_KINDS];

/* Bytes of the slot of a kind in vectors. */
size_t ql_slot_size(ql_slot s);

/* What a NOT NULL column without a default holds when it is given nothing. Strings: "". */
ql_value ql_value_zero(const ql_type *t);
/* The same to the last bit, as far as a program could tell: no collation, no numeric equality. NULL
 * is the same as NULL. Strings longer than a piece are looked at in pieces. */
ql_status ql_value_same(ql_ctx *cx, const ql_value *a, const ql_value *b, bool *same) QL_MUST_USE;

/* Hashes of the rows that count go to hash[row]; first = false: mixed into what is there. NULL has
 * a hash of its own, equal values (under the column's collation) have equal ones, 1 and 1.0 too. */
ql_status ql_column_hash(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                         bool first, uint64_t *hash) QL_MUST_USE;
/* The same of one value: mixed into seed (0 = first). */
ql_status ql_value_hash(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t seed,
                        uint64_t *hash) QL_MUST_USE;
/* Equal in the sense of GROUP BY: NULL equals NULL. val is NULL or of the vector's kind. */
ql_status ql_cell_equal(ql_ctx *cx, const ql_vector *v, uint16_t row, const ql_value *val,
                        bool *equal) QL_MUST_USE;
/* Bits whose unsigned order is the order of the values, of kinds in I64 and DOUBLE slots. */
static inline uint64_t
ql_order_bits(ql_slot slot, bool is_unsigned, const ql_value *v)
{
    uint64_t u = v->u;
    if (slot == QL_SLOT_DOUBLE) {
        double d = v->d == 0 ? 0 : v->d; /* -0 is 0 */
        __builtin_memcpy(&u, &d, sizeof u);
        return u >> 63 ? ~u : u | 1ull << 63;
    }
    return is_unsigned ? u : u ^ 1ull << 63;
}

#endif
