/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of rows and keys. Key bytes compare with memcmp as the values do; row bytes hold a format
 * version, the number of columns and each value, so that columns can be added later without
 * touching old rows.
 */
#ifndef QL_TYPES_CODEC_H
#define QL_TYPES_CODEC_H

#include "types/vector.h"

struct ql_buf;

/* What a key holds of a string: 0: all of it; else the number of the characters from its beginning,
 * or of the weights (only where ql_coll_joins): texts that are equal have the same ones, however
 * they are written. Stored (catalog). */
#define QL_CUT_WEIGHTS (1u << 30)
#define QL_CUT_LENGTH(cut) ((cut) & ~QL_CUT_WEIGHTS)
/* Append v (of kind t->kind, or NULL) so that memcmp orders it, NULL first; descending inverts the
 * bytes. Self-delimiting: values can be concatenated. */
ql_status ql_key_encode(ql_ctx *cx, const ql_type *t, uint32_t cut, bool descending,
                        const ql_value *v, struct ql_buf *out) QL_MUST_USE;
/* The first eight bytes of what ql_key_encode gives for a text, as a number that orders like them.
 * *known false: it is another kind, or the text is so short that what is behind it counts, too.
 * tmp is the caller's and comes back with anything in it. */
ql_status ql_key_head(ql_ctx *cx, const ql_type *t, bool descending, const ql_value *v,
                      struct ql_buf *tmp, uint64_t *head, bool *known) QL_MUST_USE;
/* What is to stand at the end of a key that tells texts apart by their first characters, where the
 * weights that it holds do not do it: other characters of the same weights, in another case, of
 * fewer weights. Nothing where these weights say it all. */
ql_status ql_key_encode_apart(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                              struct ql_buf *out) QL_MUST_USE;
/* The keys of all texts that begin with v (a string; types/beginning.h) lie from that with upper
 * false on to those that begin with that with upper true, in the order of the keys. */
ql_status ql_key_encode_beginning(ql_ctx *cx, const ql_type *t, uint32_t cut, bool descending,
                                  bool upper, const ql_value *v, struct ql_buf *out) QL_MUST_USE;
/* An end of a range of such keys: v's own; or, where keys do not hold all that decides, up to those
 * that begin with what this gives with upper true, from that with upper false on. near: not of an
 * equality: the keys of all texts up to v, or from v on, do not lie on one side of that of v. Not
 * for characters where ql_coll_joins: equal texts have other first ones. */
ql_status ql_key_encode_end(ql_ctx *cx, const ql_type *t, uint32_t cut, bool descending, bool near,
                            bool upper, const ql_value *v, struct ql_buf *out) QL_MUST_USE;
/* Read one value back; *used bytes. Only for kinds whose key holds the value: all but strings under
 * a non-binary collation (QL_ERROR 1877 when the bytes are no such key). Bytes of strings go to a.
 */
ql_status ql_key_decode(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending,
                        ql_str in, ql_value *v, size_t *used) QL_MUST_USE;
/* Is the first encoded value NULL? */
bool ql_key_is_null(bool descending, ql_str in);
/* Length of the first encoded value in `in`; 0 = damaged. Works for every kind. */
size_t ql_key_skip(const ql_type *t, bool descending, ql_str in);

/* How the rows of a table lie, where that is not simply its columns in their order: columns added
 * anywhere are behind the others in rows, and dropped ones stay in them. Owner: the definition. */
#define QL_NO_VALUE UINT16_MAX
typedef struct ql_row_layout {
    const ql_type *types;    /* of the stored columns, in their order */
    uint16_t n;              /* of them */
    const uint16_t *values;  /* of each the number of its value in a row of the table, QL_NO_VALUE:
                                it  has been dropped; NULL: its own number */
    const ql_value *missing; /* of each what rows hold that end before it; NULL: SQL NULL */
} ql_row_layout;
/* Rows of such a table: values as the table has them. The same statuses as those below. */
ql_status ql_row_encode_as(ql_ctx *cx, const ql_row_layout *l, const ql_value *values,
                           struct ql_buf *out) QL_MUST_USE;
ql_status ql_row_decode_as(ql_ctx *cx, const ql_row_layout *l, ql_str in,
                           ql_value *values) QL_MUST_USE;

/* Row of ncols values. */
ql_status ql_row_encode(ql_ctx *cx, const ql_type *types, uint16_t ncols, const ql_value *values,
                        struct ql_buf *out) QL_MUST_USE;
/* How the wanted columns are found in the rows of one table: made once, used for every row. */
typedef struct ql_row_reader {
    const ql_type *types;
    const ql_value *defaults;
    const struct qli_row_want *wants;
    uint16_t ncols, nwanted;
    uint16_t nvar;  /* variable-size columns of a row that has all columns */
    uint32_t slots; /* bytes of its fixed-size ones */
} ql_row_reader;
/* ordinals ascending; columns that a row has not (added later) get defaults[ordinal] (NULL: SQL
 * NULL). types and defaults are referred to; lives in a. */
ql_status ql_row_reader_init(ql_ctx *cx, struct ql_arena *a, ql_row_reader *r, const ql_type *types,
                             uint16_t ncols, const ql_value *defaults, const uint16_t *ordinals,
                             uint16_t nwanted) QL_MUST_USE;
/* Of a table with a layout; wanted: numbers of values, in any order. */
ql_status ql_row_reader_init_as(ql_ctx *cx, struct ql_arena *a, ql_row_reader *r,
                                const ql_row_layout *l, const uint16_t *wanted,
                                uint16_t nwanted) QL_MUST_USE;
/* Fill row `row` of the vectors: cols[i] gets the i-th wanted column. String bytes point into `in`.
 * Damaged bytes: QL_ERROR 1877 "…is missing, corrupt or contains bad data". */
ql_status ql_row_decode(ql_ctx *cx, const ql_row_reader *r, ql_str in, ql_vector *cols,
                        uint16_t row) QL_MUST_USE;
/* All columns as values. */
ql_status ql_row_decode_values(ql_ctx *cx, const ql_type *types, uint16_t ncols,
                               const ql_value *defaults, ql_str in, ql_value *values) QL_MUST_USE;

#endif
