/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed columns and batches: what operators exchange. A batch has up to 1,024 rows; sel names those
 * that count. Vectors own no row data of their own besides their slots: string bytes live in the
 * arena of the batch's producer, in a KV snapshot page, or in the statement arena, and are valid
 * until the producer is asked for its next batch.
 */
#ifndef QL_TYPES_VECTOR_H
#define QL_TYPES_VECTOR_H

#include "types/value.h"

#define QL_BATCH_ROWS 1024

typedef struct ql_vector {
    ql_type type;
    bool is_const;  /* slot 0 stands for all rows */
    bool has_nulls; /* false: nulls need not be looked at */
    uint8_t *nulls; /* [QL_BATCH_ROWS] 1 = NULL */
    union {         /* [QL_BATCH_ROWS], by type.kind; slots of NULL rows hold anything */
        int64_t *i; /* INT (bits of uint64_t when unsigned), DATE, TIME, DATETIME */
        double *d;
        ql_decimal *dec;
        ql_str *s;
        void *any;
    };
} ql_vector;

typedef struct ql_batch {
    uint16_t n;          /* rows in the vectors */
    uint16_t nsel;       /* rows that count */
    const uint16_t *sel; /* positions of those, ascending; NULL = all n (then nsel == n) */
    uint16_t ncols;
    ql_vector *cols;
} ql_batch;

/* Position of the k-th counting row. */
static inline uint16_t
ql_batch_row(const ql_batch *b, uint16_t k)
{
    return b->sel ? b->sel[k] : k;
}
static inline bool
ql_vector_null_at(const ql_vector *v, uint16_t row)
{
    return v->has_nulls && v->nulls[v->is_const ? 0 : row];
}

/* Slots for QL_BATCH_ROWS rows of type t (1 when is_const) from arena a. */
ql_status ql_vector_init(ql_ctx *cx, struct ql_arena *a, ql_vector *v, const ql_type *t,
                         bool is_const) QL_MUST_USE;
/* The same for so many rows only. */
ql_status ql_vector_init_rows(ql_ctx *cx, struct ql_arena *a, ql_vector *v, const ql_type *t,
                              size_t rows) QL_MUST_USE;
void ql_vector_get(const ql_vector *v, uint16_t row, ql_value *out); /* string bytes are shared */
void ql_vector_set(ql_vector *v, uint16_t row,
                   const ql_value *val); /* val of the vector's kind, or NULL; bytes are shared */
/* One value between vectors of one kind; string bytes are shared. */
void ql_vector_copy_cell(ql_vector *dst, uint16_t at, const ql_vector *src, uint16_t row);
ql_status ql_batch_init(ql_ctx *cx, struct ql_arena *a, ql_batch *b, const ql_type *types,
                        uint16_t ncols) QL_MUST_USE;

#endif
