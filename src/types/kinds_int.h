/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files kind_*.c share: pieces that several kinds use.
 */
#ifndef QL_TYPES_KINDS_INT_H
#define QL_TYPES_KINDS_INT_H

#include "types/kinds.h"
#include "types/store_int.h"
#include "types/types_int.h"

/* Complaint 1292 "Truncated incorrect <what> value". */
/* The text of n bytes, filled up with 0 in front to so many (at most 255). Returns its length. */
size_t qli_fill_up(char *text, size_t n, unsigned width);
ql_status qli_complain_truncated(ql_ctx *cx, const char *what, const ql_value *v) QL_MUST_USE;
/* The text of kinds that print it. */
ql_status qli_text_printed(ql_ctx *cx, struct ql_arena *a, const ql_value *v, ql_str *out);
/* A text of collation coll, in the client's character set. */
ql_status qli_wire_string(ql_ctx *cx, const ql_wire_cell *w, ql_str s,
                          const ql_collation *coll) QL_MUST_USE;
/* store_enum.c: what number v is of s->t; *whole false: it is none of the type, and *u what comes
 * next to it. Looks at the kill flag. */
ql_status qli_list_number(const qli_store *s, const ql_value *v, uint64_t *u,
                          bool *whole) QL_MUST_USE;
/* Any number into a temporal: ql_kind_ops.to_temporal of INT, DECIMAL, DOUBLE. */
ql_status qli_number_to_temporal(ql_ctx *cx, const ql_value *v, ql_kind to, unsigned decimals,
                                 unsigned allow, int64_t *out, ql_dt_result *result) QL_MUST_USE;
/* Round the fraction to `decimals` digits in place; kind says how i is packed. */
void qli_round_fraction(ql_kind kind, unsigned decimals, int64_t *i);

/* A date, or a date and time, in the binary protocol. */
ql_status qli_put_datetime_binary(ql_ctx *cx, struct ql_buf *b, const ql_dt *t,
                                  bool date_only) QL_MUST_USE;

/* hash.c: by slot. */
ql_status qli_hash_i64(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h);
ql_status qli_hash_column_null(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                               bool first, uint64_t *hash);
ql_status qli_hash_column_i64(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                              bool first, uint64_t *hash);
ql_status qli_equal_i64(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val,
                        bool *equal);
ql_status qli_hash_double(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h);
ql_status qli_hash_column_double(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                                 bool first, uint64_t *hash);
ql_status qli_equal_double(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val,
                           bool *equal);
ql_status qli_hash_decimal(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h);
ql_status qli_hash_column_decimal(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                                  bool first, uint64_t *hash);
ql_status qli_equal_decimal(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val,
                            bool *equal);
ql_status qli_hash_string(ql_ctx *cx, const ql_value *v, const ql_collation *coll, uint64_t *h);
ql_status qli_hash_column_string(ql_ctx *cx, const ql_vector *v, const uint16_t *sel, uint16_t n,
                                 bool first, uint64_t *hash);
ql_status qli_equal_string(ql_ctx *cx, const ql_vector *v, uint16_t at, const ql_value *val,
                           bool *equal);

/* keycodec.c: eight bytes in the order of ql_order_bits. */
ql_status qli_key_put_fixed(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                            struct ql_buf *out);
ql_status qli_key_get_fixed(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending,
                            ql_str in, size_t n, ql_value *v);
size_t qli_key_skip_fixed(bool descending, ql_str in);
ql_status qli_key_put_decimal(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                              struct ql_buf *out);
ql_status qli_key_get_decimal(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending,
                              ql_str in, size_t n, ql_value *v);
size_t qli_key_skip_decimal(bool descending, ql_str in);
ql_status qli_key_put_string(ql_ctx *cx, const ql_type *t, uint32_t cut, const ql_value *v,
                             struct ql_buf *out);
ql_status qli_key_get_string(ql_ctx *cx, struct ql_arena *a, const ql_type *t, bool descending,
                             ql_str in, size_t n, ql_value *v);
size_t qli_key_skip_string(bool descending, ql_str in);

#endif
