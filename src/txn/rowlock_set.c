/* SPDX-License-Identifier: Apache-2.0
 *
 * The sets of transactions with many row locks. What a bulk statement locks are keys, one by one,
 * that nobody else wants: these need none of what the trees of a shard know, are searched for and
 * put in far more often than met, and go all at once. So they stand in a B+-tree of their owner's
 * (wtree.h), which is left out of the table in one step. All under the shard's mutex (rank
 * ROWLOCK).
 */
#include "txn/rowlock_int.h"

#define UNLINKED offsetof(qli_lock, ticket) /* the fields that a point of a set lacks */

_Static_assert(offsetof(qli_lock, klen) - offsetof(qli_lock, owner) == offsetof(qli_wnode, klen),
               "a point is a qli_wnode");
_Static_assert(QLI_POINT_HEAD - offsetof(qli_lock, owner) == sizeof(qli_wnode),
               "its key is where a qli_wnode's is");

static qli_wnode *
node_of(qli_lock *l)
{
    return (qli_wnode *)(void *)&l->owner;
}

static bool
is_void(const qli_lock_set *s)
{
    return atomic_load_explicit(&s->owner->ended, memory_order_acquire);
}

/* The point of key's that is held, or NULL. */
static qli_lock *
held_there(const qli_lock_set *s, ql_str key, qli_wplace *p)
{
    qli_wtree_find(&s->tree, key, p);
    if (!p->found) {
        return NULL;
    }
    qli_lock *l = qli_set_lock(qli_wleaf_entries(p->leaf)[p->i]);
    return l->granted ? l : NULL;
}

bool
qli_sets_have(qli_lock_request *r, qli_lock_place *place)
{
    place->set = NULL;
    for (qli_lock_set *s = r->shard->sets; s != NULL; s = s->next) {
        qli_wplace p;
        bool own = s->owner == r->trx;
        if (own) {
            place->set = s;
        } else if (is_void(s)) {
            continue;
        }
        if (held_there(s, r->low, own ? &place->in_set : &p) != NULL) {
            return true;
        }
    }
    return false;
}

static qli_lock_set *
new_set(qli_lock_request *r)
{
    qli_lock_set *s = qli_chunks_take(&r->trx->mem, sizeof *s);
    if (s != NULL) {
        *s = (qli_lock_set){
            .owner = r->trx, .shard = r->shard, .next = r->shard->sets, .next_own = r->trx->sets};
        r->shard->sets = r->trx->sets = s;
    }
    return s;
}

static qli_lock *
new_point(qli_lock_request *r)
{
    char *p = qli_chunks_take(&r->trx->mem, QLI_POINT_HEAD - UNLINKED + r->low.n);
    if (p == NULL) {
        return NULL;
    }
    memset(p, 0, QLI_POINT_HEAD - UNLINKED);
    qli_lock *l = (qli_lock *)(void *)(p - UNLINKED);
    l->owner = r->trx;
    l->klen = (uint16_t)r->low.n;
    l->cls = QLI_REC_X;
    l->linked = l->in_set = true;
    memcpy(qli_point_bytes(l), r->low.p, r->low.n);
    return l;
}

qli_lock *
qli_set_add(qli_lock_request *r)
{
    qli_lock_set *s = r->place->set;
    if (s == NULL) {
        s = new_set(r);
        if (s == NULL) {
            return NULL;
        }
        qli_wtree_find(&s->tree, r->low, &r->place->in_set);
    }
    qli_wplace *p = &r->place->in_set;
    qli_lock *l = p->found ? qli_set_lock(qli_wleaf_entries(p->leaf)[p->i]) : new_point(r);
    if (l == NULL || (!p->found && !qli_wtree_insert(&s->tree, &r->trx->mem, p, node_of(l)))) {
        return NULL;
    }
    s->count++;
    r->trx->nmade += !p->found;
    l->granted = true;
    l->stmt = r->stmt;
    l->asks = 1;
    l->ticket = ++r->shard->next_ticket + QLI_FIRST_TICKET;
    return l;
}

void
qli_set_give_back(qli_shard *sh, qli_lock *l)
{
    qli_lock_set *s = sh->sets;
    while (s->owner != l->owner) {
        s = s->next;
    }
    s->count--;
    l->granted = false;
}

static bool
is_wanted(const qli_lock_set *s, const qli_overlap *q)
{
    return s->owner != q->except && (q->only == NULL || s->owner == q->only) && !is_void(s);
}

static bool
search_set(const qli_lock_set *s, qli_overlap *q)
{
    qli_wplace p;
    if (q->point) {
        qli_lock *l = held_there(s, q->low, &p);
        return l != NULL && q->hit(q->arg, l);
    }
    qli_wpos at = qli_wtree_seek_ge(&s->tree, q->low);
    for (; at.at != NULL && ql_str_cmp(qli_wnode_key(at.at), q->high) < 0;
         qli_wtree_next(&s->tree, &at)) {
        if (q->budget-- == 0) {
            q->budget = 0;
            return true;
        }
        qli_lock *l = qli_set_lock(at.at);
        if (l->granted && q->hit(q->arg, l)) {
            return true;
        }
    }
    return false;
}

bool
qli_sets_search(qli_shard *sh, qli_overlap *q)
{
    bool enough = false;
    for (qli_lock_set *s = sh->sets; s != NULL && !enough && (q->classes & QLI_REC_X) != 0;
         s = s->next) {
        enough = is_wanted(s, q) && search_set(s, q);
    }
    return enough;
}

bool
qli_points_search(qli_shard *sh, qli_overlap *q)
{
    return qli_sets_search(sh, q) || qli_locktree_search(&sh->points, q);
}

void
qli_sets_drop(qli_trx *trx)
{
    for (qli_lock_set *s = trx->sets; s != NULL; s = s->next_own) {
        ql_mutex_lock(&s->shard->mu);
        qli_lock_set **link = &s->shard->sets;
        while (*link != s) {
            link = &(*link)->next;
        }
        *link = s->next;
        ql_mutex_unlock(&s->shard->mu);
    }
    trx->sets = NULL;
}

size_t
qli_sets_count(const qli_shard *sh)
{
    size_t n = 0;
    for (const qli_lock_set *s = sh->sets; s != NULL; s = s->next) {
        n += s->count;
    }
    return n;
}

qli_lock_set *
qli_sets_next(qli_shard *sh, uint64_t id)
{
    qli_lock_set *next = NULL;
    for (qli_lock_set *s = sh->sets; s != NULL; s = s->next) {
        if (s->owner->id > id && !is_void(s) && (next == NULL || s->owner->id < next->owner->id)) {
            next = s;
        }
    }
    return next;
}
