/* SPDX-License-Identifier: Apache-2.0
 *
 * The skip list of a layer (Pugh 1990, p = 1/4). Used by the transaction's thread; the committer
 * reads it while the owner waits for it.
 */
#include "txn/writeset.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"

void
qli_writeset_init(qli_writeset *ws, _Atomic uint64_t *counter)
{
    memset(ws, 0, sizeof *ws);
    ws->random = 0x9e3779b97f4a7c15u;
    ws->mem.counter = counter;
}

static qli_wnode *
next_of(const qli_writeset *ws, const qli_wnode *n, int level)
{
    return n != NULL ? n->next[level] : ws->head[level];
}

/* The node that is looked at when the one behind n on this level is not below: in a large set each
 * is out of the cache, and the two come at the same time. */
static void
fetch_lower(const qli_writeset *ws, const qli_wnode *n, int level)
{
    if (level > 0) {
        __builtin_prefetch(next_of(ws, n, level - 1));
    }
}

/* before[i] = last node below key on level i (NULL = head). Returns the first node not below. */
static qli_wnode *
find(const qli_writeset *ws, ql_str key, qli_wnode *before[QLI_WLEVELS])
{
    if (ws->tail[0] != NULL && ql_str_cmp(qli_wnode_key(ws->tail[0]), key) < 0) {
        memcpy(before, ws->tail, sizeof ws->tail);
        return NULL;
    }
    qli_wnode *n = NULL, *next = NULL, *rejected = NULL;
    for (int i = QLI_WLEVELS - 1; i >= 0; i--) {
        next = next_of(ws, n, i);
        fetch_lower(ws, n, i);
        while (next != NULL && next != rejected && ql_str_cmp(qli_wnode_key(next), key) < 0) {
            n = next;
            next = n->next[i];
            fetch_lower(ws, n, i);
        }
        rejected = next;
        before[i] = n;
    }
    return next;
}

static void
link_node(qli_writeset *ws, qli_wnode *n, qli_wnode *before[QLI_WLEVELS])
{
    for (int i = 0; i < n->levels; i++) {
        n->next[i] = next_of(ws, before[i], i);
        if (before[i] != NULL) {
            before[i]->next[i] = n;
        } else {
            ws->head[i] = n;
        }
        if (n->next[i] == NULL) {
            ws->tail[i] = n;
        }
    }
    n->prev = before[0];
    if (n->next[0] != NULL) {
        n->next[0]->prev = n;
    }
    ws->count++;
}

/* The key counts, too: layers of one entry each, all with the same first number, would merge into a
 * set whose nodes are all of one height. */
static uint8_t
random_levels(qli_writeset *ws, ql_str key)
{
    uint64_t tail = 0;
    size_t n = key.n < sizeof tail ? key.n : sizeof tail;
    memcpy(&tail, key.p + key.n - n, n);
    tail ^= tail >> 32; /* keys differ at their end, which is the top of the number */
    tail ^= tail >> 16;
    ws->random = (ws->random ^ tail) * 6364136223846793005u + 1442695040888963407u;
    uint64_t bits = (ws->random >> 32) | ((uint64_t)1 << (2 * (QLI_WLEVELS - 1)));
    return (uint8_t)(1 + __builtin_ctzll(bits) / 2);
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
    uint8_t levels = random_levels(ws, key);
    size_t head = sizeof(qli_wnode) + levels * sizeof(qli_wnode *);
    char *p = qli_chunks_take(&ws->mem, head + key.n + 1 + value.n);
    if (p == NULL) {
        return ql_fail_oom(cx, key.n + value.n);
    }
    qli_wnode *n = (qli_wnode *)(void *)p;
    n->levels = levels;
    n->klen = (uint16_t)key.n;
    memcpy(p + head, key.p, key.n);
    n->value = "";
    *out = n;
    if (value.n == 0) {
        return QL_OK;
    }
    n->value = p + head + key.n + 1;
    return ql_bulk_copy(cx, p + head + key.n + 1, value.p, value.n);
}

ql_status
qli_writeset_put(ql_ctx *cx, qli_writeset *ws, ql_str key, ql_str value, bool deleted)
{
    qli_wnode *before[QLI_WLEVELS];
    qli_wnode *n = find(ws, key, before);
    if (n != NULL && ql_str_cmp(qli_wnode_key(n), key) == 0) {
        const char *p;
        QL_TRY(copy_value(cx, ws, value, &p));
        n->value = p;
    } else {
        QL_TRY(new_node(cx, ws, key, value, &n));
        link_node(ws, n, before);
    }
    n->vlen = (uint32_t)value.n;
    n->deleted = deleted;
    ws->bytes += key.n + value.n;
    return QL_OK;
}

qli_wnode *
qli_writeset_seek_ge(const qli_writeset *ws, ql_str key)
{
    qli_wnode *before[QLI_WLEVELS];
    return find(ws, key, before);
}

qli_wnode *
qli_writeset_seek_lt(const qli_writeset *ws, ql_str key)
{
    qli_wnode *before[QLI_WLEVELS];
    (void)find(ws, key, before);
    return before[0];
}

const qli_wnode *
qli_writeset_get(const qli_writeset *ws, ql_str key)
{
    qli_wnode *n = qli_writeset_seek_ge(ws, key);
    return n != NULL && ql_str_cmp(qli_wnode_key(n), key) == 0 ? n : NULL;
}

/* The first node leaves its list. */
static qli_wnode *
pop_first(qli_writeset *ws)
{
    qli_wnode *n = ws->head[0];
    for (int i = 0; i < n->levels; i++) {
        ws->head[i] = n->next[i];
        if (ws->tail[i] == n) {
            ws->tail[i] = NULL;
        }
    }
    if (ws->head[0] != NULL) {
        ws->head[0]->prev = NULL;
    }
    ws->count--;
    return n;
}

/* Link at most max nodes of from into to. from_wins: what to do where both have the key. */
static void
move_nodes(qli_writeset *to, qli_writeset *from, bool from_wins, size_t max)
{
    qli_chunks_join(&to->mem, &from->mem);
    to->bytes += from->bytes;
    from->bytes = 0;
    for (size_t i = 0; i < max && from->head[0] != NULL; i++) {
        qli_wnode *before[QLI_WLEVELS];
        qli_wnode *n = pop_first(from);
        qli_wnode *there = find(to, qli_wnode_key(n), before);
        if (there == NULL || ql_str_cmp(qli_wnode_key(there), qli_wnode_key(n)) != 0) {
            link_node(to, n, before);
        } else if (from_wins) {
            there->value = n->value;
            there->vlen = n->vlen;
            there->deleted = n->deleted;
        }
    }
}

bool
qli_writeset_merge(qli_writeset *lower, qli_writeset *upper, size_t n)
{
    if (upper->count <= lower->count) {
        move_nodes(lower, upper, true, n);
        return upper->count == 0;
    }
    move_nodes(upper, lower, false, n);
    if (lower->count != 0) {
        return false;
    }
    upper->spill = lower->spill;
    *lower = *upper;
    qli_writeset_init(upper, lower->mem.counter);
    return true;
}
