/* SPDX-License-Identifier: Apache-2.0
 *
 * The set of one layer: entries and their values, put into the tree, handed over to another layer.
 * Used by the transaction's thread; the committer reads it while the owner waits for it.
 */
#include "txn/writeset.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"

void
qli_writeset_init(qli_writeset *ws, _Atomic uint64_t *counter)
{
    memset(ws, 0, sizeof *ws);
    ws->mem.counter = counter;
}

static ql_status
copy_value(ql_ctx *cx, qli_writeset *ws, ql_str value, const char **out)
{
    *out = "";
    if (value.n == 0) {
        return QL_OK;
    }
    char *p = qli_chunks_take(&ws->mem, value.n + 1);
    if (p == NULL) {
        return ql_fail_oom(cx, value.n);
    }
    *out = p + 1;
    return ql_bulk_copy(cx, p + 1, value.p, value.n);
}

static ql_status
new_node(ql_ctx *cx, qli_writeset *ws, ql_str key, ql_str value, qli_wnode **out)
{
    char *p = qli_chunks_take(&ws->mem, sizeof(qli_wnode) + key.n + 1 + value.n);
    if (p == NULL) {
        return ql_fail_oom(cx, key.n + value.n);
    }
    qli_wnode *n = (qli_wnode *)(void *)p;
    p += sizeof *n;
    memcpy(p, key.p, key.n);
    n->klen = (uint16_t)key.n;
    n->value = "";
    *out = n;
    if (value.n == 0) {
        return QL_OK;
    }
    n->value = p + key.n + 1;
    return ql_bulk_copy(cx, p + key.n + 1, value.p, value.n);
}

static ql_status
add_node(ql_ctx *cx, qli_writeset *ws, qli_wplace *p, qli_wnode *n)
{
    if (!qli_wtree_insert(&ws->tree, &ws->mem, p, n)) {
        return ql_fail_oom(cx, sizeof *n + n->klen);
    }
    ws->count++;
    return QL_OK;
}

ql_status
qli_writeset_put(ql_ctx *cx, qli_writeset *ws, ql_str key, ql_str value, bool deleted)
{
    qli_wplace p;
    qli_wnode *n = NULL;
    qli_wtree_find(&ws->tree, key, &p);
    if (p.found) {
        const char *copy;
        QL_TRY(copy_value(cx, ws, value, &copy));
        n = qli_wleaf_entries(p.leaf)[p.i];
        n->value = copy;
        n->vlen = (uint32_t)value.n;
        n->deleted = deleted;
    } else {
        QL_TRY(new_node(cx, ws, key, value, &n));
        n->vlen = (uint32_t)value.n;
        n->deleted = deleted;
        QL_TRY(add_node(cx, ws, &p, n));
    }
    ws->bytes += key.n + value.n;
    return QL_OK;
}

const qli_wnode *
qli_writeset_get(const qli_writeset *ws, ql_str key)
{
    qli_wplace p;
    qli_wtree_find(&ws->tree, key, &p);
    return p.found ? qli_wleaf_entries(p.leaf)[p.i] : NULL;
}

/* from_wins: what to do where both have the key. False: memory is out. */
static bool
move_entry(qli_writeset *to, qli_wnode *n, bool from_wins)
{
    qli_wplace p;
    qli_wtree_find(&to->tree, qli_wnode_key(n), &p);
    if (!p.found) {
        to->count++;
        return qli_wtree_insert(&to->tree, &to->mem, &p, n);
    }
    if (from_wins) {
        qli_wnode *there = qli_wleaf_entries(p.leaf)[p.i];
        there->value = n->value;
        there->vlen = n->vlen;
        there->deleted = n->deleted;
    }
    return true;
}

/* At most max entries of from go to to. QL_ERROR: no memory, nothing happened. */
static ql_status
move_entries(qli_writeset *to, qli_writeset *from, bool from_wins, size_t max)
{
    size_t n = max < from->count ? max : from->count;
    if (n != 0 && !qli_chunks_reserve(&to->mem, qli_wtree_room(&to->tree, n))) {
        return QL_ERROR;
    }
    qli_chunks_join(&to->mem, &from->mem);
    to->bytes += from->bytes;
    from->bytes = 0;
    while (n > 0) {
        qli_wleaf *l = from->tree.first;
        uint32_t here = n < l->n ? (uint32_t)n : l->n;
        for (uint32_t i = 0; i < here; i++) {
            bool enough = move_entry(to, qli_wleaf_entries(l)[i], from_wins);
            (void)enough; /* it has been seen to */
        }
        qli_wtree_cut(&from->tree, here);
        from->count -= here;
        n -= here;
    }
    return from->count == 0 ? QL_OK : QL_END;
}

ql_status
qli_writeset_merge(qli_writeset *lower, qli_writeset *upper, size_t n)
{
    if (upper->count <= lower->count) {
        return move_entries(lower, upper, true, n);
    }
    QL_TRY(move_entries(upper, lower, false, n));
    upper->spill = lower->spill;
    *lower = *upper;
    qli_writeset_init(upper, lower->mem.counter);
    return QL_OK;
}
