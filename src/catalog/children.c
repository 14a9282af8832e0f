/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries of the definition cache, and the foreign keys of each of them under their parents' names:
 * who refers to a table is one lookup. What the own transaction has staged comes before the cache.
 * Takes the catalog's mutex for the time of a lookup.
 */
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "catalog/catalog_int.h"

/* --- entries --------------------------------------------------------------------------------- */

ql_status
qli_entry_new(ql_ctx *cx, ql_table *t, qli_entry **out)
{
    size_t bytes = sizeof(qli_entry) + t->nforeign * sizeof(qli_child_node);
    qli_entry *e = ql_mem_zalloc(bytes);
    if (!e) {
        return ql_fail_oom(cx, bytes);
    }
    e->table = t;
    for (uint16_t i = 0; i < t->nforeign; i++) {
        const ql_foreign_key *k = &t->foreign[i];
        e->children[i].entry = e;
        e->children[i].key = i;
        e->children[i].hash = qli_hash_of_table(k->parent_db, k->parent_name);
    }
    *out = e;
    return QL_OK;
}

static bool
refers_to(const ql_foreign_key *k, ql_str db, ql_str name)
{
    return ql_str_eq(k->parent_db, db) && ql_str_eq(k->parent_name, name);
}

static const ql_foreign_key *
key_of(const qli_child_node *n)
{
    return &n->entry->table->foreign[n->key];
}

/* [mu] NULL: nobody refers to that name. */
static qli_child_node *
find_ring(const ql_catalog *c, ql_str db, ql_str name, uint64_t hash)
{
    ql_hash_node *node = ql_hash_first(&c->children, hash);
    for (; node; node = ql_hash_next(node)) {
        qli_child_node *n = (qli_child_node *)((char *)node - offsetof(qli_child_node, node));
        if (refers_to(key_of(n), db, name)) {
            return n;
        }
    }
    return NULL;
}

/* [mu] */
static void
put_child(ql_catalog *c, qli_child_node *n)
{
    const ql_foreign_key *k = key_of(n);
    qli_child_node *first = find_ring(c, k->parent_db, k->parent_name, n->hash);
    n->leads = !first;
    if (first) {
        n->prev = first->prev;
        n->next = first;
        n->prev->next = n->next->prev = n;
    } else {
        n->prev = n->next = n;
        ql_hash_insert(&c->children, &n->node, n->hash);
    }
}

/* [mu] */
static void
remove_child(ql_catalog *c, qli_child_node *n)
{
    qli_child_node *next = n->next;
    n->prev->next = next;
    next->prev = n->prev;
    if (n->leads) {
        ql_hash_remove(&c->children, &n->node);
    }
    if (n->leads && next != n) {
        next->leads = true;
        ql_hash_insert(&c->children, &next->node, next->hash);
    }
}

void
qli_cache_put_table(ql_catalog *c, qli_entry *e)
{
    ql_hash_insert(&c->tables, &e->node, qli_hash_of_table(e->table->db, e->table->name));
    for (uint16_t i = 0; i < e->table->nforeign; i++) {
        put_child(c, &e->children[i]);
    }
}

void
qli_cache_remove_table(ql_catalog *c, qli_entry *e)
{
    ql_hash_remove(&c->tables, &e->node);
    for (uint16_t i = 0; i < e->table->nforeign; i++) {
        remove_child(c, &e->children[i]);
    }
}

/* --- who refers to a table ------------------------------------------------------------------- */

/* References are put back when the arena is reset. */
typedef struct child_list {
    ql_child *v;
    size_t n, cap;
} child_list;

static void
put_list(void *arg)
{
    child_list *l = arg;
    for (size_t i = 0; i < l->n; i++) {
        ql_table_put(l->v[i].table);
    }
    l->n = 0;
}

static void
list_add(child_list *l, ql_table *t, const ql_foreign_key *k)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    l->v[l->n++] = (ql_child){t, k};
}

/* How many keys of a definition that is staged (NULL: none) refer to that name? */
static size_t
count_refers(const qli_entry *e, ql_str db, ql_str name, uint64_t hash)
{
    size_t n = 0;
    for (uint16_t i = 0; e && i < e->table->nforeign; i++) {
        n += e->children[i].hash == hash && refers_to(&e->table->foreign[i], db, name);
    }
    return n;
}

/* [mu] As many as there is room for; how many there are. */
static size_t
take_cached(ql_catalog *c, ql_str db, ql_str name, child_list *l)
{
    size_t n = 0;
    qli_child_node *first = find_ring(c, db, name, qli_hash_of_table(db, name)), *child = first;
    for (; child && (n == 0 || child != first); child = child->next) {
        n++;
        if (l->n < l->cap) {
            list_add(l, child->entry->table, key_of(child));
        }
    }
    return n;
}

void
qli_stage_put_entry(ql_ctx *cx, qli_change *ch, qli_entry *e)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    for (uint16_t i = 0; i < e->table->nforeign; i++) {
        uint64_t hash = e->children[i].hash;
        s->parents[hash >> 6 & 3] |= (uint64_t)1 << (hash & 63);
    }
    ch->entry = e;
}

/* The own stage, if anything in it may refer to a name of that hash. */
static ql_catalog_stage *
stage_about(ql_ctx *cx, uint64_t hash)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    bool yes = s && (s->parents[hash >> 6 & 3] >> (hash & 63) & 1) != 0;
    return yes ? s : NULL;
}

/* How many of the changes staged could count. */
static size_t
count_staged(ql_ctx *cx, ql_str db, ql_str name)
{
    uint64_t hash = qli_hash_of_table(db, name);
    ql_catalog_stage *s = stage_about(cx, hash);
    size_t n = 0;
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        n += count_refers(ch->entry, db, name, hash);
    }
    return n;
}

/* Out with what the own transaction has dropped or made anew. */
static ql_status
drop_staged(ql_ctx *cx, child_list *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        ql_child child = l->v[i];
        ql_table *staged;
        QL_TRY(ql_bulk_node(cx));
        if (qli_stage_table(cx, child.table->db, child.table->name, &staged) == 0) {
            l->v[i] = l->v[n];
            l->v[n++] = child;
        }
    }
    while (l->n > n) {
        ql_table_put(l->v[--l->n].table);
    }
    return QL_OK;
}

static ql_status
add_staged(ql_ctx *cx, ql_str db, ql_str name, child_list *l)
{
    uint64_t hash = qli_hash_of_table(db, name);
    ql_catalog_stage *s = stage_about(cx, hash);
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        ql_table *t = ch->kind == QLI_TABLE_PUT ? ch->entry->table : NULL, *staged = NULL;
        QL_TRY(ql_bulk_node(cx));
        if (!t || count_refers(ch->entry, db, name, hash) == 0 ||
            qli_stage_table(cx, t->db, t->name, &staged) <= 0 || staged != t) {
            continue;
        }
        for (uint16_t i = 0; i < t->nforeign; i++) {
            if (refers_to(&t->foreign[i], db, name)) {
                list_add(l, t, &t->foreign[i]);
            }
        }
    }
    return QL_OK;
}

static int
by_table(const void *a, const void *b)
{
    const ql_child *x = a, *y = b;
    int r = ql_str_cmp(x->table->db, y->table->db);
    r = r ? r : ql_str_cmp(x->table->name, y->table->name);
    return r ? r : (x->key > y->key) - (x->key < y->key); /* in the order of the table's */
}

static size_t
look_up(ql_catalog *c, ql_str db, ql_str name, child_list *l)
{
    ql_mutex_lock(&c->mu);
    size_t n = take_cached(c, db, name, l);
    ql_mutex_unlock(&c->mu);
    return n;
}

ql_status
ql_catalog_children(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_child **v, size_t *n)
{
    ql_catalog *c = cx->inst->catalog;
    child_list none = {0};
    size_t staged = count_staged(cx, db, name), cached = look_up(c, db, name, &none);
    *v = NULL;
    *n = 0;
    if (staged + cached == 0) {
        return QL_OK;
    }
    child_list *l = QL_ARENA_NEW(cx, a, child_list);
    if (!l) {
        return QL_ERROR;
    }
    QL_TRY(ql_arena_defer(cx, a, put_list, l));
    do { /* until there is room for all: nothing is allocated under the mutex */
        put_list(l);
        l->cap = cached;
        l->v = QL_ARENA_ARRAY(cx, a, ql_child, cached + staged + 1);
        if (!l->v) {
            return QL_ERROR;
        }
        QL_TRY(ql_check(cx));
        cached = look_up(c, db, name, l);
    } while (cached > l->cap);
    QL_TRY(drop_staged(cx, l));
    QL_TRY(add_staged(cx, db, name, l));
    QL_TRY(ql_bulk_sort(cx, a, l->v, l->n, sizeof *l->v, by_table));
    *v = l->v;
    *n = l->n;
    return QL_OK;
}

/* [mu] */
static bool
is_referenced_in_cache(ql_ctx *cx, ql_catalog *c, const ql_table *t, uint64_t hash)
{
    qli_child_node *first = find_ring(c, t->db, t->name, hash);
    qli_child_node *child = first;
    while (child) {
        const ql_table *by = child->entry->table;
        ql_table *staged;
        bool self = ql_str_eq(by->db, t->db) && ql_str_eq(by->name, t->name);
        if (!self && qli_stage_table(cx, by->db, by->name, &staged) == 0) {
            return true;
        }
        child = child->next != first ? child->next : NULL;
    }
    return false;
}

bool
qli_is_referenced(ql_ctx *cx, const ql_table *t)
{
    ql_catalog *c = cx->inst->catalog;
    if (!c) {
        return false;
    }
    uint64_t hash = qli_hash_of_table(t->db, t->name);
    ql_catalog_stage *s = stage_about(cx, hash);
    ql_mutex_lock(&c->mu);
    bool yes = is_referenced_in_cache(cx, c, t, hash);
    ql_mutex_unlock(&c->mu);
    for (qli_change *ch = s ? s->head : NULL; ch && !yes; ch = ch->next) {
        const ql_table *by = ch->kind == QLI_TABLE_PUT ? ch->entry->table : NULL;
        ql_table *staged = NULL;
        yes = by && count_refers(ch->entry, t->db, t->name, hash) > 0 &&
              !(ql_str_eq(by->db, t->db) && ql_str_eq(by->name, t->name)) &&
              qli_stage_table(cx, by->db, by->name, &staged) > 0 && staged == by;
    }
    return yes;
}
