/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside table/: making keys.
 */
#ifndef QL_TABLE_INT_H
#define QL_TABLE_INT_H

#include "base/buf.h"
#include "table/table.h"

#define QLI_ID_BYTES 4    /* index id in front of every key */
#define QLI_KEY_MAX 3500u /* txn.h: the longest key that can be stored */

static inline ql_str
qli_str(const ql_buf *b)
{
    return (ql_str){b->p, b->n};
}

/* innodb_lock_wait_timeout from now on. */
ql_deadline qli_lock_deadline(const ql_ctx *cx);

/* The index id, big-endian, alone in b. */
ql_status qli_key_start(ql_ctx *cx, ql_buf *b, uint32_t index_id) QL_MUST_USE;
/* Append the first n parts of ix from values[] (one for each part, in part order). */
ql_status qli_key_parts(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix,
                        const ql_value *values, uint16_t n) QL_MUST_USE;
/* Clustered key of a row of all columns (not for hidden row ids). */
ql_status qli_clustered_key(ql_ctx *cx, ql_buf *b, const ql_table *t,
                            const ql_value *row) QL_MUST_USE;
/* Of hidden row id `id`; ix: the clustered index. */
ql_status qli_hidden_key(ql_ctx *cx, ql_buf *b, const ql_index *ix, uint64_t id) QL_MUST_USE;
/* Text of the key columns for "Duplicate entry", in cx->arena. types: of the table's columns; NULL:
 * without zeros that ZEROFILL puts in front. */
ql_status qli_describe_key(ql_ctx *cx, const ql_type *types, const ql_index *ix,
                           const ql_value *row, ql_str *out) QL_MUST_USE;
/* Key of the row in secondary index ix; locator = its clustered key. *is_unique: uniqueness is to
 * be checked (unique index, no NULL). */
ql_status qli_secondary_key(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix,
                            const ql_value *row, ql_str locator, bool *is_unique) QL_MUST_USE;
/* Encode both ends of a range: [low, high). Leading values that both share are equalities; the last
 * value of each end may be a range. POINT: one whole key of a unique index, in low and in high. */
typedef enum qli_range_kind { QLI_RANGE_OPEN, QLI_RANGE_POINT, QLI_RANGE_NOTHING } qli_range_kind;
ql_status qli_range_encode(ql_ctx *cx, const ql_table *t, const ql_index *ix, const ql_bound *low,
                           const ql_bound *high, ql_buf *from, ql_buf *to,
                           qli_range_kind *kind) QL_MUST_USE;
/* In place: the smallest key above all that begin with b. False: there is none (all 0xFF). */
bool qli_key_successor(ql_buf *b);
/* What stands behind the doors of the same names in nontxn.c, with the right transaction in
 * cx->txn.
 */
ql_status qli_scan_open(ql_ctx *cx, ql_arena *a, const ql_scan_spec *spec,
                        ql_scan **out) QL_MUST_USE;
ql_status qli_scan_next(ql_ctx *cx, ql_scan *s, ql_batch **out) QL_MUST_USE;
ql_status qli_scan_lock_row(ql_ctx *cx, ql_scan *s, uint16_t row, bool *changed) QL_MUST_USE;
void qli_scan_unlock_row(ql_ctx *cx, ql_scan *s, uint16_t row);
ql_status qli_table_check(ql_ctx *cx, ql_arena *a, ql_table *t, ql_table_report report,
                          ql_table_row_check row_check, void *arg, uint64_t *findings) QL_MUST_USE;
ql_status qli_fetch_rows(ql_ctx *cx, ql_fetch *f, const ql_str *keys, uint16_t n, uint16_t *taken,
                         ql_batch **out) QL_MUST_USE;
const ql_table *qli_scan_table(const ql_scan *s);
const ql_table *qli_fetch_table(const ql_fetch *f);
ql_status qli_row_insert(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, const ql_value *row,
                         ql_lock_mode on_dup, ql_write_result *result, ql_dup *dup) QL_MUST_USE;
ql_status qli_row_lock(ql_ctx *cx, ql_arena *a, ql_table *t, ql_str locator,
                       ql_value *values) QL_MUST_USE;
ql_status qli_row_update(ql_ctx *cx, ql_table *t, const ql_key_watch *watch, ql_str locator,
                         const ql_value *old, const ql_value *row, ql_write_result *result,
                         ql_dup *dup) QL_MUST_USE;
ql_status qli_row_delete(ql_ctx *cx, ql_table *t, ql_str locator, const ql_value *old) QL_MUST_USE;
/* Which index parts hold a column's whole value in a form that can be read back? */
bool qli_part_is_readable(const ql_table *t, const ql_index_part *part);

/* --- entry.c: values of secondary entries --- */
/* The value of the row's entry; *out lies in b or in locator, its clustered key. */
ql_status qli_entry_value(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix,
                          const ql_value *row, ql_str locator, ql_str *out) QL_MUST_USE;
/* Of an index that holds texts: the parts whose texts it holds (of ix, then of the clustered key,
 * out has room for all of both); how many. */
uint16_t qli_entry_text_parts(const ql_table *t, const ql_index *ix, uint16_t *out);
/* Those n of parts[] that are not NULL (all are strings or NULL) get their bytes: pieces of value.
 * 1712. */
ql_status qli_entry_texts(ql_ctx *cx, const ql_index *ix, ql_str value, ql_value *parts,
                          const uint16_t *which, uint16_t n) QL_MUST_USE;
/* Does an entry give back the whole value of the part, of ix or of the clustered key? */
bool qli_part_is_given(const ql_table *t, const ql_index *ix, const ql_index_part *part);

#endif
