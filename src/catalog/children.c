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
        e->children[i].entry = e;
        e->children[i].key = i;
    }
    *out = e;
    return QL_OK;
}

void
qli_cache_put_table(ql_catalog *c, qli_entry *e)
{
    ql_hash_insert(&c->tables, &e->node, qli_hash_of_table(e->table->db, e->table->name));
    for (uint16_t i = 0; i < e->table->nforeign; i++) {
        const ql_foreign_key *k = &e->table->foreign[i];
        ql_hash_insert(&c->children, &e->children[i].node,
                       qli_hash_of_table(k->parent_db, k->parent_name));
    }
}

void
qli_cache_remove_table(ql_catalog *c, qli_entry *e)
{
    ql_hash_remove(&c->tables, &e->node);
    for (uint16_t i = 0; i < e->table->nforeign; i++) {
        ql_hash_remove(&c->children, &e->children[i].node);
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

static bool
refers_to(const ql_foreign_key *k, ql_str db, ql_str name)
{
    return ql_str_eq(k->parent_db, db) && ql_str_eq(k->parent_name, name);
}

static bool
any_refers_to(const ql_table *t, ql_str db, ql_str name)
{
    for (uint16_t i = 0; i < t->nforeign; i++) {
        if (refers_to(&t->foreign[i], db, name)) {
            return true;
        }
    }
    return false;
}

/* [mu] As many as there is room for; how many there are. */
static size_t
take_cached(ql_catalog *c, ql_str db, ql_str name, child_list *l)
{
    size_t n = 0;
    ql_hash_node *node = ql_hash_first(&c->children, qli_hash_of_table(db, name));
    for (; node; node = ql_hash_next(node)) {
        qli_child_node *child = (qli_child_node *)((char *)node - offsetof(qli_child_node, node));
        ql_table *t = child->entry->table;
        if (refers_to(&t->foreign[child->key], db, name)) {
            n++;
            if (l->n < l->cap) {
                list_add(l, t, &t->foreign[child->key]);
            }
        }
    }
    return n;
}

/* How many of the changes staged could count. */
static size_t
count_staged(ql_ctx *cx, ql_str db, ql_str name)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    size_t n = 0;
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        for (uint16_t i = 0; ch->kind == QLI_TABLE_PUT && i < ch->entry->table->nforeign; i++) {
            n += refers_to(&ch->entry->table->foreign[i], db, name);
        }
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
    ql_catalog_stage *s = qli_stage_of(cx, false);
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        ql_table *t = ch->kind == QLI_TABLE_PUT ? ch->entry->table : NULL, *staged = NULL;
        QL_TRY(ql_bulk_node(cx));
        if (!t || !any_refers_to(t, db, name) ||
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
is_referenced_in_cache(ql_ctx *cx, ql_catalog *c, const ql_table *t)
{
    ql_hash_node *node = ql_hash_first(&c->children, qli_hash_of_table(t->db, t->name));
    for (; node; node = ql_hash_next(node)) {
        qli_child_node *child = (qli_child_node *)((char *)node - offsetof(qli_child_node, node));
        const ql_table *by = child->entry->table;
        ql_table *staged;
        bool self = ql_str_eq(by->db, t->db) && ql_str_eq(by->name, t->name);
        if (!self && refers_to(&by->foreign[child->key], t->db, t->name) &&
            qli_stage_table(cx, by->db, by->name, &staged) == 0) {
            return true;
        }
    }
    return false;
}

bool
qli_is_referenced(ql_ctx *cx, const ql_table *t)
{
    ql_catalog *c = cx->inst->catalog;
    ql_catalog_stage *s = c ? qli_stage_of(cx, false) : NULL;
    if (!c) {
        return false;
    }
    ql_mutex_lock(&c->mu);
    bool yes = is_referenced_in_cache(cx, c, t);
    ql_mutex_unlock(&c->mu);
    for (qli_change *ch = s ? s->head : NULL; ch && !yes; ch = ch->next) {
        const ql_table *by = ch->kind == QLI_TABLE_PUT ? ch->entry->table : NULL;
        ql_table *staged = NULL;
        yes = by && any_refers_to(by, t->db, t->name) &&
              !(ql_str_eq(by->db, t->db) && ql_str_eq(by->name, t->name)) &&
              qli_stage_table(cx, by->db, by->name, &staged) > 0 && staged == by;
    }
    return yes;
}
