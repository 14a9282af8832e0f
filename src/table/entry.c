/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of secondary entries: the clustered key of the row without its id, and, of indexes that
 * hold texts (ql_index), the texts of which the keys hold weights, so that the index gives them
 * back:
 *
 *     locator | length of each text but the last | the texts | length of all behind the locator
 *
 * of the parts of the index in their order, then those of the clustered key that are none of the
 * index's own; parts that are NULL have none. Lengths are numbers of seven bits a byte, low ones
 * first, the last one high ones first with the mark on its second byte, since it is read from the
 * end.
 */
#include <string.h>

#include "base/diag.h"
#include "table/table_int.h"

static uint16_t
parts_of(const ql_table *t, const ql_index *ix)
{
    const ql_index *c = &t->indexes[0];
    return (uint16_t)(ix->nparts + (c->hidden_rowid ? 0 : c->nparts));
}

/* The column of part k when its text is in the value, else -1. */
static int
text_of_part(const ql_table *t, const ql_index *ix, uint16_t k)
{
    const ql_index_part *part = ql_index_part_at(t, ix, k);
    if (part->prefix > 0 || qli_part_is_readable(t, part)) {
        return -1;
    }
    for (uint16_t i = 0; i < ix->nparts && k >= ix->nparts; i++) {
        if (ix->parts[i].column == part->column && ix->parts[i].prefix == 0) {
            return -1;
        }
    }
    return part->column;
}

static ql_status
put_length(ql_ctx *cx, ql_buf *b, size_t n)
{
    while (n >= 0x80) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(n | 0x80)));
        n >>= 7;
    }
    return ql_buf_put_u8(cx, b, (uint8_t)n);
}

static ql_status
put_lengths(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_value *row)
{
    const ql_value *before = NULL;
    for (uint16_t k = 0; k < parts_of(t, ix); k++) {
        int column = text_of_part(t, ix, k);
        if (column >= 0 && !ql_value_is_null(&row[column])) {
            QL_TRY(before != NULL ? put_length(cx, b, before->s.n) : QL_OK);
            before = &row[column];
        }
    }
    return QL_OK;
}

ql_status
qli_entry_value(ql_ctx *cx, ql_buf *b, const ql_table *t, const ql_index *ix, const ql_value *row,
                ql_str locator, ql_str *out)
{
    *out = (ql_str){locator.p + QLI_ID_BYTES, locator.n - QLI_ID_BYTES};
    if (!ix->holds_texts) {
        return QL_OK;
    }
    ql_buf_clear(b);
    QL_TRY(ql_buf_put(cx, b, out->p, out->n));
    QL_TRY(put_lengths(cx, b, t, ix, row));
    for (uint16_t k = 0; k < parts_of(t, ix); k++) {
        int column = text_of_part(t, ix, k);
        if (column >= 0 && !ql_value_is_null(&row[column])) {
            QL_TRY(ql_buf_put(cx, b, row[column].s.p, row[column].s.n));
        }
    }
    size_t n = b->n - out->n;
    if (n >= 0x80) {
        QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(n >> 7)));
    }
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)(n >= 0x80 ? n | 0x80 : n)));
    *out = qli_str(b);
    return QL_OK;
}

/* Bytes behind the locator, without their own length in *n; false: damaged. */
static bool
texts_of(ql_str value, ql_str *texts)
{
    size_t used = 1, n = value.n > 0 ? (unsigned char)value.p[value.n - 1] : 0;
    if (n >= 0x80 && value.n > 1) {
        used = 2;
        n = (n & 0x7f) | (size_t)(unsigned char)value.p[value.n - 2] << 7;
    }
    if (value.n < n + used) {
        return false;
    }
    *texts = (ql_str){value.p + value.n - used - n, n};
    return true;
}

ql_str
ql_entry_locator(const ql_index *ix, ql_str value)
{
    ql_str texts;
    if (ix->holds_texts && texts_of(value, &texts)) {
        value.n = (size_t)(texts.p - value.p);
    }
    return value;
}

static bool
take_length(ql_str *in, size_t *n)
{
    *n = 0;
    for (unsigned shift = 0; in->n > 0 && shift < 28; shift += 7) {
        unsigned char c = (unsigned char)*in->p++;
        in->n--;
        *n |= (size_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            return true;
        }
    }
    return false;
}

static ql_status
damaged(ql_ctx *cx, const ql_index *ix)
{
    char *name = ql_arena_strndup(cx, cx->arena, ix->name.p, ix->name.n);
    return ql_fail(cx, QL_ER_INDEX_CORRUPT, name != NULL ? name : "");
}

uint16_t
qli_entry_text_parts(const ql_table *t, const ql_index *ix, uint16_t *out)
{
    uint16_t n = 0;
    for (uint16_t k = 0; k < parts_of(t, ix); k++) {
        out[n] = k;
        n = (uint16_t)(n + (text_of_part(t, ix, k) >= 0));
    }
    return n;
}

ql_status
qli_entry_texts(ql_ctx *cx, const ql_index *ix, ql_str value, ql_value *parts,
                const uint16_t *which, uint16_t n)
{
    ql_str in, lengths;
    size_t len;
    while (n > 0 && ql_value_is_null(&parts[which[n - 1]])) {
        n--; /* the last one's length is what is left */
    }
    if (!texts_of(value, &in)) {
        return damaged(cx, ix);
    }
    lengths = in;
    for (uint16_t i = 0; i + 1 < n; i++) { /* over the lengths to the first text */
        if (!ql_value_is_null(&parts[which[i]]) && !take_length(&in, &len)) {
            return damaged(cx, ix);
        }
    }
    for (uint16_t i = 0; i < n; i++) {
        ql_value *v = &parts[which[i]];
        if (ql_value_is_null(v)) {
            continue;
        }
        len = in.n;
        if (i + 1 < n && (!take_length(&lengths, &len) || len > in.n)) {
            return damaged(cx, ix);
        }
        v->s = (ql_str){in.p, len};
        in.p += len;
        in.n -= len;
    }
    return QL_OK;
}

bool
qli_part_is_given(const ql_table *t, const ql_index *ix, const ql_index_part *part)
{
    return qli_part_is_readable(t, part) || (ix->holds_texts && part->prefix == 0);
}
