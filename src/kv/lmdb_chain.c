/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys longer than LMDB can hold, as chains of order-preserving pieces (layout: lmdb_int.h). A node
 * gathers the entries that share everything before their piece, so the chains form a trie whose
 * order is that of the whole keys. Run by readers (cursors) and by the writer; no locks.
 */
#include "kv/lmdb_int.h"

/* Bytes of a stored key: the head that names the node, and the piece. */
typedef struct entry {
    char b[QLI_LINK_LEN];
    size_t n;
} entry;

static MDB_val
val_of(const void *p, size_t n)
{
    return (MDB_val){.mv_size = n, .mv_data = (void *)(uintptr_t)p};
}

static MDB_val
entry_val(const entry *e)
{
    return val_of(e->b, e->n);
}

static void
entry_head(entry *e, uint64_t node)
{
    e->b[0] = (char)QLI_KV_INTERNAL;
    e->b[1] = 'c';
    qli_store_be64(e->b + 2, node);
    e->n = QLI_ENTRY_HEAD;
}

/* The entry of level (0 = stub) for what is left of a key; *left moves behind the piece it holds.
 * True when more levels follow. */
static bool
entry_make(entry *e, int level, uint64_t node, ql_str *left)
{
    size_t room = level == 0 ? QLI_PLAIN_MAX : QLI_CHUNK;
    if (level == 0) {
        e->n = 0;
    } else {
        entry_head(e, node);
    }
    bool more = left->n > room;
    size_t n = more ? room : left->n;
    memcpy(e->b + e->n, left->p, n);
    e->n += n;
    left->p += n;
    left->n -= n;
    if (more) {
        e->b[e->n++] = 1;
    }
    return more;
}

static bool
entry_is_of(const MDB_val *k, uint64_t node)
{
    entry e;
    entry_head(&e, node);
    return k->mv_size >= QLI_ENTRY_HEAD && memcmp(k->mv_data, e.b, QLI_ENTRY_HEAD) == 0;
}

static int
link_node(const MDB_val *v, uint64_t *node)
{
    if (v->mv_size != 8) {
        return MDB_CORRUPTED;
    }
    *node = qli_load_be64(v->mv_data);
    return 0;
}

int
qli_chain_get(MDB_txn *txn, MDB_dbi dbi, ql_str key, MDB_val *v)
{
    uint64_t node = 0;
    for (int level = 0; level <= QLI_CHAIN_LEVELS; level++) {
        entry e;
        bool more = entry_make(&e, level, node, &key);
        MDB_val k = entry_val(&e);
        int rc = mdb_get(txn, dbi, &k, v);
        if (rc != 0 || !more) {
            return rc;
        }
        rc = link_node(v, &node);
        if (rc != 0) {
            return rc;
        }
    }
    return MDB_BAD_VALSIZE;
}

/* An id above all in use and not below floor: ids are ordered, so the last chain entry tells. */
static int
new_node(MDB_txn *txn, MDB_dbi dbi, uint64_t floor, uint64_t *node)
{
    MDB_cursor *c;
    int rc = mdb_cursor_open(txn, dbi, &c);
    if (rc != 0) {
        return rc;
    }
    char end[2] = {(char)QLI_KV_INTERNAL, 'd'};
    MDB_val k = val_of(end, 2), v;
    rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    if (rc == 0 || rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(c, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
    }
    *node = floor;
    if (rc == 0) {
        const unsigned char *p = k.mv_data;
        if (k.mv_size >= QLI_ENTRY_HEAD && p[0] == QLI_KV_INTERNAL && p[1] == 'c') {
            uint64_t last = qli_load_be64(p + 2);
            *node = last >= floor ? last + 1 : floor;
        }
    }
    mdb_cursor_close(c);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Find or make the node that link e leads to. *floor: ids below are taken by links of this put that
 * have no entries yet. */
static int
follow_or_link(MDB_txn *txn, MDB_dbi dbi, const entry *e, uint64_t *floor, uint64_t *node)
{
    MDB_val k = entry_val(e), v;
    int rc = mdb_get(txn, dbi, &k, &v);
    if (rc == 0) {
        return link_node(&v, node);
    }
    if (rc == MDB_NOTFOUND) {
        rc = new_node(txn, dbi, *floor, node);
    }
    if (rc != 0) {
        return rc;
    }
    *floor = *node + 1;
    char id[8];
    qli_store_be64(id, *node);
    v = val_of(id, sizeof id);
    return mdb_put(txn, dbi, &k, &v, 0);
}

int
qli_chain_put(MDB_txn *txn, MDB_dbi dbi, ql_str key, MDB_val *v, unsigned flags)
{
    uint64_t node = 0, floor = 1;
    for (int level = 0; level <= QLI_CHAIN_LEVELS; level++) {
        entry e;
        if (!entry_make(&e, level, node, &key)) {
            MDB_val k = entry_val(&e);
            return mdb_put(txn, dbi, &k, v, flags);
        }
        int rc = follow_or_link(txn, dbi, &e, &floor, &node);
        if (rc != 0) {
            return rc;
        }
    }
    return MDB_BAD_VALSIZE;
}

static int
node_is_empty(MDB_txn *txn, MDB_dbi dbi, uint64_t node, bool *empty)
{
    MDB_cursor *c;
    int rc = mdb_cursor_open(txn, dbi, &c);
    if (rc != 0) {
        return rc;
    }
    entry e;
    entry_head(&e, node);
    MDB_val k = entry_val(&e), v;
    rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    *empty = rc == MDB_NOTFOUND || (rc == 0 && !entry_is_of(&k, node));
    mdb_cursor_close(c);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
qli_chain_del(MDB_txn *txn, MDB_dbi dbi, ql_str key)
{
    entry way[QLI_CHAIN_LEVELS + 1];
    uint64_t node[QLI_CHAIN_LEVELS + 2] = {0};
    int level = 0;
    while (entry_make(&way[level], level, node[level], &key)) {
        MDB_val k = entry_val(&way[level]), v;
        int rc = mdb_get(txn, dbi, &k, &v);
        if (rc == 0) {
            rc = link_node(&v, &node[level + 1]);
        }
        if (rc != 0) {
            return rc;
        }
        level++;
    }
    for (;;) {
        MDB_val k = entry_val(&way[level]);
        int rc = mdb_del(txn, dbi, &k, NULL);
        bool empty = false;
        if (rc == 0 && level > 0) {
            rc = node_is_empty(txn, dbi, node[level], &empty);
        }
        if (rc != 0 || !empty) {
            return rc;
        }
        level--;
    }
}

/* Length of the assembled key in front of level's piece. */
static size_t
offset_of(int level)
{
    return level == 0 ? 0 : QLI_PLAIN_MAX + QLI_CHUNK * (size_t)(level - 1);
}

/* cc stands on (k, v) of node[level]: follow links down their first (last) side to a whole key. */
static int
land(qli_lcursor *c, int level, bool last, MDB_val *k, MDB_val *v)
{
    for (;;) {
        size_t n = k->mv_size - QLI_ENTRY_HEAD;
        bool link = k->mv_size == QLI_LINK_LEN;
        n -= link ? 1 : 0;
        memcpy(c->key + offset_of(level), (char *)k->mv_data + QLI_ENTRY_HEAD, n);
        if (!link) {
            c->depth = level;
            c->keylen = offset_of(level) + n;
            *k = val_of(c->key, c->keylen);
            return 0;
        }
        if (level == QLI_CHAIN_LEVELS) {
            return MDB_CORRUPTED;
        }
        int rc = link_node(v, &c->node[++level]);
        if (rc != 0) {
            return rc;
        }
        entry e;
        entry_head(&e, c->node[level] + (last ? 1 : 0));
        *k = entry_val(&e);
        rc = mdb_cursor_get(c->cc, k, v, MDB_SET_RANGE);
        if (last && (rc == 0 || rc == MDB_NOTFOUND)) {
            rc = mdb_cursor_get(c->cc, k, v, rc == 0 ? MDB_PREV : MDB_LAST);
        }
        if (rc != 0 || !entry_is_of(k, c->node[level])) {
            return rc == 0 || rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
        }
    }
}

static int
prepare(qli_lcursor *c)
{
    if (c->key == NULL) {
        c->key = ql_mem_alloc(QLI_KV_KEY_MAX + QLI_CHUNK);
        if (c->key == NULL) {
            return ENOMEM;
        }
    }
    return c->cc != NULL ? 0 : mdb_cursor_open(c->txn, c->dbi, &c->cc);
}

int
qli_chain_enter(qli_lcursor *c, const MDB_val *stub, const MDB_val *link, bool last, MDB_val *k,
                MDB_val *v)
{
    int rc = prepare(c);
    if (rc == 0) {
        memcpy(c->key, stub->mv_data, QLI_PLAIN_MAX);
        rc = link_node(link, &c->node[1]);
    }
    if (rc != 0) {
        return rc;
    }
    entry e;
    entry_head(&e, c->node[1] + (last ? 1 : 0));
    *k = entry_val(&e);
    rc = mdb_cursor_get(c->cc, k, v, MDB_SET_RANGE);
    if (last && (rc == 0 || rc == MDB_NOTFOUND)) {
        rc = mdb_cursor_get(c->cc, k, v, rc == 0 ? MDB_PREV : MDB_LAST);
    }
    if (rc != 0 || !entry_is_of(k, c->node[1])) {
        return rc == 0 || rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    }
    return land(c, 1, last, k, v);
}

/* cc to the link of level that leads to node[level + 1]. */
static int
back_to_link(qli_lcursor *c, int level, MDB_val *k, MDB_val *v)
{
    entry e;
    entry_head(&e, c->node[level]);
    memcpy(e.b + e.n, c->key + offset_of(level), QLI_CHUNK);
    e.n += QLI_CHUNK;
    e.b[e.n++] = 1;
    *k = entry_val(&e);
    return mdb_cursor_get(c->cc, k, v, MDB_SET_KEY);
}

int
qli_chain_step(qli_lcursor *c, bool back, MDB_val *k, MDB_val *v)
{
    int level = c->depth;
    for (;;) {
        int rc = mdb_cursor_get(c->cc, k, v, back ? MDB_PREV : MDB_NEXT);
        if (rc == 0 && entry_is_of(k, c->node[level])) {
            return land(c, level, back, k, v);
        }
        if (rc != 0 && rc != MDB_NOTFOUND) {
            return rc;
        }
        level--;
        if (level == 0) {
            c->depth = 0;
            return MDB_NOTFOUND;
        }
        rc = back_to_link(c, level, k, v);
        if (rc != 0) {
            return rc;
        }
    }
}

int
qli_chain_seek(qli_lcursor *c, const MDB_val *stub, const MDB_val *link, ql_str key, MDB_val *k,
               MDB_val *v)
{
    int rc = prepare(c);
    if (rc == 0) {
        memcpy(c->key, stub->mv_data, QLI_PLAIN_MAX);
        rc = link_node(link, &c->node[1]);
    }
    ql_str left = {key.p + QLI_PLAIN_MAX, key.n - QLI_PLAIN_MAX};
    for (int level = 1; rc == 0 && level <= QLI_CHAIN_LEVELS; level++) {
        entry e;
        bool more = entry_make(&e, level, c->node[level], &left);
        *k = entry_val(&e);
        rc = mdb_cursor_get(c->cc, k, v, MDB_SET_RANGE);
        bool ours = rc == 0 && entry_is_of(k, c->node[level]);
        if (ours && more && k->mv_size == e.n && memcmp(k->mv_data, e.b, e.n) == 0) {
            memcpy(c->key + offset_of(level), e.b + QLI_ENTRY_HEAD, QLI_CHUNK);
            rc = link_node(v, &c->node[level + 1]);
            continue;
        }
        if (ours) {
            return land(c, level, false, k, v);
        }
        if (rc != 0 && rc != MDB_NOTFOUND) {
            return rc;
        }
        /* Nothing at or above it in this node: the step after the link that led here. */
        if (level == 1) {
            c->depth = 0;
            return MDB_NOTFOUND;
        }
        rc = back_to_link(c, level - 1, k, v);
        if (rc == 0) {
            c->depth = level - 1;
            return qli_chain_step(c, false, k, v);
        }
    }
    return rc != 0 ? rc : MDB_BAD_VALSIZE;
}
