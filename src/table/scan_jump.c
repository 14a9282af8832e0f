/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans that jump: an index is read between bounds of a part, once for each combination of values
 * that the parts before it have, which are found on the way (skip scan). A search leads to the
 * beginning of each stretch, another one from its end to the next combination.
 */
#include <string.h>

#include "base/diag.h"
#include "intr/intr.h"
#include "table/scan_int.h"

static ql_status
encode_end(ql_ctx *cx, const ql_scan *s, const ql_bound *b, bool upper, ql_buf *out)
{
    const ql_table *t = s->spec.table;
    const ql_index_part *part = ql_index_part_at(t, s->index, s->spec.jump.parts);
    const ql_type *type = &t->types[part->column];
    ql_buf_clear(out);
    if (b->n == 0) {
        return QL_OK;
    }
    if (b->begins) {
        return ql_key_encode_beginning(cx, type, ql_part_cut(part), part->descending, upper,
                                       b->values, out);
    }
    return ql_key_encode_end(cx, type, ql_part_cut(part), part->descending, b->near, upper,
                             b->values, out);
}

ql_status
qli_scan_jump_bind(ql_ctx *cx, ql_scan *s)
{
    ql_buf_clear(&s->group);
    QL_TRY(encode_end(cx, s, &s->spec.jump.low, false, &s->jump_low));
    return encode_end(cx, s, &s->spec.jump.high, true, &s->jump_high);
}

void
qli_scan_jump_close(ql_scan *s)
{
    ql_buf_free(&s->jump_low);
    ql_buf_free(&s->jump_high);
    ql_buf_free(&s->from);
    ql_buf_free(&s->to);
}

static ql_status
group_and(ql_ctx *cx, const ql_scan *s, const ql_buf *end, ql_buf *out)
{
    ql_buf_clear(out);
    QL_TRY(ql_buf_put(cx, out, s->group.p, s->group.n));
    return ql_buf_put(cx, out, end->p, end->n);
}

/* The bounds of the group that the key is in. */
static ql_status
enter(ql_ctx *cx, ql_scan *s, ql_str key)
{
    const ql_scan_jump *j = &s->spec.jump;
    bool whole = ql_index_part_at(s->spec.table, s->index, j->parts)->prefix == 0;
    size_t n;
    QL_TRY(qli_scan_prefix(cx, s, key, j->parts, &n));
    ql_buf_clear(&s->group);
    QL_TRY(ql_buf_put(cx, &s->group, key.p, n));
    QL_TRY(group_and(cx, s, &s->jump_low, &s->from));
    QL_TRY(group_and(cx, s, &s->jump_high, &s->to));
    bool behind = j->low.n > 0 && !j->low.inclusive && whole;
    bool some = !behind || qli_key_successor(&s->from);
    if (j->high.n == 0 || j->high.inclusive || !whole) {
        some = some && qli_key_successor(&s->to);
    }
    return some ? QL_OK : QL_END; /* no index has such an id */
}

static bool
is_in_group(const ql_scan *s, ql_str k)
{
    return s->group.n > 0 && k.n >= s->group.n && memcmp(k.p, s->group.p, s->group.n) == 0;
}

/* To the group beside this one, in the direction of the scan. */
static ql_status
leave(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    ql_buf_clear(&s->group_end);
    QL_TRY(ql_buf_put(cx, &s->group_end, s->group.p, s->group.n));
    if (s->spec.reverse) {
        return ql_txn_seek_lt(cx, s->cursor, qli_str(&s->group_end), k, v);
    }
    return qli_key_successor(&s->group_end)
               ? ql_txn_seek_ge(cx, s->cursor, qli_str(&s->group_end), k, v)
               : QL_END;
}

ql_status
qli_scan_jump(ql_ctx *cx, ql_scan *s, ql_str *k, ql_str *v)
{
    for (;;) {
        if (ql_str_cmp(*k, qli_str(&s->low)) < 0 || ql_str_cmp(*k, qli_str(&s->high)) >= 0) {
            return QL_OK; /* beyond the range: the scan ends there */
        }
        if (!is_in_group(s, *k)) {
            QL_TRY(enter(cx, s, *k));
        }
        bool below = ql_str_cmp(*k, qli_str(&s->from)) < 0;
        bool above = ql_str_cmp(*k, qli_str(&s->to)) >= 0;
        if (!below && !above) {
            return QL_OK;
        }
        QL_TRY(ql_check(cx));
        if (s->spec.reverse ? above : below) {
            QL_TRY(above ? ql_txn_seek_lt(cx, s->cursor, qli_str(&s->to), k, v)
                         : ql_txn_seek_ge(cx, s->cursor, qli_str(&s->from), k, v));
        } else {
            QL_TRY(leave(cx, s, k, v));
        }
    }
}
