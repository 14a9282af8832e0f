/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans that skip: of the entries that are equal in the leading parts of an index, one or two are
 * read, and the next ones are searched for behind all the others. For each group of such entries,
 * in the direction of the scan: the nearest one; when that has NULL in the next part and values are
 * wanted, the nearest one that has none; the farthest one, if it is wanted, and the same for it.
 */
#include <string.h>

#include "base/diag.h"
#include "table/scan_int.h"

/* What the scan stands on. */
enum {
    AT_NEAR,       /* the first entry of its group that it has met */
    AT_NEAR_VALUE, /* the first one with a value, or there was no need to look for it */
    AT_FAR,
    AT_FAR_VALUE,
};

ql_status
qli_scan_prefix(ql_ctx *cx, const ql_scan *s, ql_str key, uint16_t n, size_t *bytes)
{
    const ql_table *t = s->spec.table;
    *bytes = QLI_ID_BYTES;
    for (uint16_t i = 0; i < n; i++) {
        const ql_index_part *part = ql_index_part_at(t, s->index, i);
        size_t used = ql_key_skip(&t->types[part->column], part->descending,
                                  (ql_str){key.p + *bytes, key.n - *bytes});
        if (used == 0) {
            return ql_fail_text(cx, QL_ER_TABLE_CORRUPT,
                                "Operation cannot be performed. The table '%.*s.%.*s' is "
                                "missing, corrupt or contains bad data.",
                                (int)t->db.n, t->db.p, (int)t->name.n, t->name.p);
        }
        *bytes += used;
    }
    return QL_OK;
}

/* The tag of a NULL in that part, as it stands in keys. */
static char
null_tag(ql_ctx *cx, const ql_index_part *part, ql_buf *tmp, const ql_type *t, ql_status *st)
{
    ql_value null = ql_value_null();
    ql_buf_clear(tmp);
    *st = ql_key_encode(cx, t, ql_part_cut(part), part->descending, &null, tmp);
    return *st == QL_OK ? tmp->p[0] : 0;
}

ql_status
qli_scan_skip_note(ql_ctx *cx, ql_scan *s, ql_str key)
{
    size_t n;
    QL_TRY(qli_scan_prefix(cx, s, key, s->spec.skip.parts, &n));
    ql_buf_clear(&s->group);
    QL_TRY(ql_buf_put(cx, &s->group, key.p, n));
    s->stands = AT_NEAR;
    s->on_null = false;
    if (s->spec.skip.null_near || s->spec.skip.null_far) {
        const ql_index_part *part = &s->index->parts[s->spec.skip.parts];
        ql_status st;
        char tag = null_tag(cx, part, &s->group_end, &s->spec.table->types[part->column], &st);
        QL_TRY(st);
        s->on_null = n < key.n && key.p[n] == tag;
    }
    return QL_OK;
}

static bool
is_in_group(const ql_scan *s, ql_str k)
{
    return k.n >= s->group.n && memcmp(k.p, s->group.p, s->group.n) == 0;
}

/* The first entry above (up) all that begin with the bytes in s->group_end, or the last one below.
 */
static ql_status
seek_beyond(ql_ctx *cx, ql_scan *s, bool up, ql_str *k, ql_str *v)
{
    if (!up) {
        return ql_txn_seek_lt(cx, s->cursor, qli_str(&s->group_end), k, v);
    }
    return qli_key_successor(&s->group_end)
               ? ql_txn_seek_ge(cx, s->cursor, qli_str(&s->group_end), k, v)
               : QL_END;
}

static ql_status
group_bytes(ql_ctx *cx, ql_scan *s)
{
    ql_buf_clear(&s->group_end);
    return ql_buf_put(cx, &s->group_end, s->group.p, s->group.n);
}

/* From an end of the group, up or down, over its NULLs in the next part. QL_END: nothing else is
 * there. */
static ql_status
pass_nulls(ql_ctx *cx, ql_scan *s, bool up, ql_str *k, ql_str *v)
{
    const ql_index_part *part = &s->index->parts[s->spec.skip.parts];
    ql_buf tag = {0};
    ql_status st;
    char c = null_tag(cx, part, &tag, &s->spec.table->types[part->column], &st);
    ql_buf_free(&tag);
    QL_TRY(st);
    QL_TRY(group_bytes(cx, s));
    QL_TRY(ql_buf_put_u8(cx, &s->group_end, (uint8_t)c));
    QL_TRY(seek_beyond(cx, s, up, k, v));
    return is_in_group(s, *k) ? QL_OK : QL_END;
}

/* The entry at the far end of the group. */
static ql_status
far_end(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    QL_TRY(group_bytes(cx, s));
    if (s->spec.reverse) {
        return ql_txn_seek_ge(cx, s->cursor, qli_str(&s->group_end), k, v);
    }
    if (!qli_key_successor(&s->group_end)) {
        return QL_END;
    }
    return ql_txn_seek_lt(cx, s->cursor, qli_str(&s->group_end), k, v);
}

static ql_status
see_null(ql_ctx *cx, ql_scan *s, ql_str key)
{
    int stands = s->stands;
    QL_TRY(qli_scan_skip_note(cx, s, key));
    s->stands = stands;
    return QL_OK;
}

/* The next entry wanted of the group that the scan stands in. QL_END: there is no more. */
static ql_status
next_of_group(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    const ql_scan_skip *skip = &s->spec.skip;
    bool up = !s->spec.reverse;
    if (s->stands == AT_NEAR) {
        s->stands = AT_NEAR_VALUE;
        if (skip->null_near && s->on_null) {
            ql_status st = pass_nulls(cx, s, up, k, v);
            if (st != QL_END) {
                return st;
            }
        }
    }
    if (s->stands == AT_NEAR_VALUE) {
        s->stands = AT_FAR;
        if (skip->far) {
            QL_TRY(far_end(cx, s, k, v));
            return is_in_group(s, *k) ? see_null(cx, s, *k) : QL_END;
        }
    }
    if (s->stands == AT_FAR) {
        s->stands = AT_FAR_VALUE;
        if (skip->far && skip->null_far && s->on_null) {
            return pass_nulls(cx, s, !up, k, v);
        }
    }
    return QL_END;
}

ql_status
qli_scan_skip(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    ql_status st = QL_END;
    if (!s->lost) {
        st = next_of_group(cx, s, k, v);
        if (st != QL_END) {
            return st;
        }
        QL_TRY(group_bytes(cx, s));
        st = seek_beyond(cx, s, !s->spec.reverse, k, v);
    } else { /* the entry had no row: the one beside it may be of the same group */
        s->lost = false;
        st = s->spec.reverse ? ql_txn_prev(cx, s->cursor, k, v) : ql_txn_next(cx, s->cursor, k, v);
    }
    return st;
}
