/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition cache: all databases and tables, in two hash tables under one leaf mutex (rank
 * CATALOG) that is held for a few instructions. What the own transaction has staged (stage.c) comes
 * before the cache. Definitions are handed out with a reference and never change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "catalog/catalog_int.h"

/* --- the cache ------------------------------------------------------------------------------- */

ql_str
qli_canonical_db(ql_str name)
{
    if (ql_str_eq_nocase(name, QL_STR("information_schema"))) {
        return QL_STR("information_schema");
    }
    if (ql_str_eq_nocase(name, QL_STR("performance_schema"))) {
        return QL_STR("performance_schema");
    }
    if (ql_str_eq_nocase(name, QL_STR("sys"))) {
        return QL_STR("sys");
    }
    return name;
}

bool
ql_catalog_is_virtual_database(ql_str name)
{
    ql_str c = qli_canonical_db(name);
    return ql_str_eq(c, QL_STR("information_schema")) ||
           ql_str_eq(c, QL_STR("performance_schema")) || ql_str_eq(c, QL_STR("sys"));
}

uint64_t
qli_hash_of_table(ql_str db, ql_str name)
{
    return ql_hash_bytes(name.p, name.n, ql_hash_bytes(db.p, db.n, 0));
}

qli_database *
qli_database_new(ql_ctx *cx, ql_str name, const ql_collation *coll, ql_str unknown)
{
    size_t bytes = sizeof(qli_database) + name.n + 1 + unknown.n;
    qli_database *d = ql_mem_zalloc(bytes);
    if (!d) {
        (void)ql_fail_oom(cx, bytes);
        return NULL;
    }
    memcpy(d->name, name.p, name.n);
    if (unknown.n) {
        memcpy(d->name + name.n + 1, unknown.p, unknown.n);
    }
    d->unknown = (ql_str){d->name + name.n + 1, unknown.n};
    d->n = name.n;
    d->coll = coll;
    return d;
}

qli_database *
qli_cache_database(ql_catalog *c, ql_str name)
{
    ql_hash_node *n = ql_hash_first(&c->databases, ql_hash_bytes(name.p, name.n, 0));
    for (; n; n = ql_hash_next(n)) {
        qli_database *d = (qli_database *)((char *)n - offsetof(qli_database, node));
        if (d->n == name.n && memcmp(d->name, name.p, name.n) == 0) {
            return d;
        }
    }
    return NULL;
}

void
qli_cache_put_database(ql_catalog *c, qli_database *d)
{
    ql_hash_insert(&c->databases, &d->node, ql_hash_bytes(d->name, d->n, 0));
}

qli_entry *
qli_cache_entry(ql_catalog *c, ql_str db, ql_str name)
{
    ql_hash_node *n = ql_hash_first(&c->tables, qli_hash_of_table(db, name));
    for (; n; n = ql_hash_next(n)) {
        qli_entry *e = (qli_entry *)((char *)n - offsetof(qli_entry, node));
        if (ql_str_eq(e->table->name, name) && ql_str_eq(e->table->db, db)) {
            return e;
        }
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static void
free_databases(ql_catalog *c)
{
    for (size_t i = 0; i < c->databases.nbuckets; i++) {
        for (ql_hash_node *n = c->databases.buckets[i], *next; n; n = next) {
            next = n->next;
            ql_mem_free((char *)n - offsetof(qli_database, node));
        }
    }
    ql_hash_fini(&c->databases);
}

static void
free_tables(ql_catalog *c)
{
    for (size_t i = 0; i < c->tables.nbuckets; i++) {
        for (ql_hash_node *n = c->tables.buckets[i], *next; n; n = next) {
            next = n->next;
            qli_entry *e = (qli_entry *)((char *)n - offsetof(qli_entry, node));
            ql_table_put(e->table);
            ql_mem_free(e);
        }
    }
    ql_hash_fini(&c->tables);
    ql_hash_fini(&c->children);
}

void
ql_catalog_close(ql_catalog *c)
{
    if (c) {
        free_tables(c);
        free_databases(c);
        qli_stage_free(c->boot);
        ql_mutex_fini(&c->latest_mu);
        ql_mutex_fini(&c->mu);
        ql_mem_free(c);
    }
}

/* Every definition is in the cache. */
static uint64_t
open_tables(ql_instance *inst)
{
    ql_mutex_lock(&inst->catalog->mu);
    uint64_t n = inst->catalog->tables.count;
    ql_mutex_unlock(&inst->catalog->mu);
    return n;
}

ql_status
ql_catalog_open(ql_ctx *cx, ql_catalog **out)
{
    ql_catalog *c = ql_mem_zalloc(sizeof *c);
    if (!c) {
        return ql_fail_oom(cx, sizeof *c);
    }
    ql_mutex_init(&c->mu, QL_RANK_CATALOG);
    ql_mutex_init(&c->latest_mu, QL_RANK_LEAF);
    c->next_id = QL_FIRST_INDEX_ID;
    ql_status st;
    QL_TRY_TO(st, ql_hash_init(cx, &c->databases, 16), fail);
    QL_TRY_TO(st, ql_hash_init(cx, &c->tables, 64), fail);
    QL_TRY_TO(st, ql_hash_init(cx, &c->children, 16), fail);
    QL_TRY_TO(st, qli_load(cx, c), fail);
    QL_TRY_TO(st, qli_counters_open(cx, c), fail); /* last: the transaction system keeps them */
    if (cx->inst->sysvars) {
        qli_read_only_init(cx->inst->sysvars);
        ql_status_gauge(cx->inst->sysvars, "Open_tables", open_tables);
        ql_status_gauge(cx->inst->sysvars, "Opened_tables", open_tables);
    }
    *out = c;
    return QL_OK;
fail:
    ql_catalog_close(c);
    return st;
}

ql_status
ql_catalog_checkpoint(ql_ctx *cx)
{
    ql_catalog *c = cx->inst->catalog;
    ql_status st;
    QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
    QL_TRY_TO(st, ql_txn_stmt_begin(cx), rollback);
    for (size_t i = 0; i < c->tables.nbuckets; i++) {
        for (ql_hash_node *n = c->tables.buckets[i]; n; n = n->next) {
            qli_entry *e = (qli_entry *)((char *)n - offsetof(qli_entry, node));
            if (e->table->state != NULL && !e->table->unusable) {
                QL_TRY_TO(st, qli_autoinc_checkpoint(cx, e->table), rollback);
            }
        }
    }
    ql_txn_stmt_end(cx);
    return ql_txn_commit(cx);
rollback:
    ql_txn_rollback(cx);
    return st;
}

/* --- databases ------------------------------------------------------------------------------- */

bool
qli_look_up_database(ql_ctx *cx, ql_str name, qli_database_record *out)
{
    ql_catalog *c = cx->inst->catalog;
    qli_database *d = NULL;
    int staged = qli_stage_database(cx, name, &d);
    if (staged < 0) {
        return false;
    }
    ql_mutex_lock(&c->mu);
    d = staged > 0 ? d : qli_cache_database(c, name);
    if (d) {
        *out = (qli_database_record){d->coll, d->foreign, d->unknown};
    }
    ql_mutex_unlock(&c->mu);
    return d != NULL;
}

/* Collation of a database, or NULL = there is none. */
static const ql_collation *
database_coll(ql_ctx *cx, ql_str name)
{
    qli_database_record d;
    return qli_look_up_database(cx, name, &d) ? d.coll : NULL;
}

ql_status
qli_refuse_unusable_database(ql_ctx *cx, ql_str name)
{
    qli_database_record d;
    if (!qli_look_up_database(cx, name, &d) || d.foreign == 0) {
        return QL_OK;
    }
    return ql_fail_text(cx, QL_ER_NOT_SUPPORTED_YET,
                        "Database '%s' cannot be used: section %u of its definition is not known "
                        "to this server; a newer one wrote it. DROP DATABASE removes it",
                        ql_cstr(cx, name), d.foreign);
}

bool
ql_catalog_has_database(ql_ctx *cx, ql_str name)
{
    return database_coll(cx, qli_canonical_db(name)) != NULL;
}

ql_status
ql_catalog_find_database(ql_ctx *cx, ql_str name, ql_database *out)
{
    name = qli_canonical_db(name);
    const ql_collation *coll = database_coll(cx, name);
    if (!coll) {
        return QL_END;
    }
    char *copy = ql_arena_strndup(cx, cx->arena, name.p, name.n);
    *out = (ql_database){{copy, name.n}, coll};
    return copy ? QL_OK : QL_ERROR;
}

ql_status
ql_catalog_use(ql_ctx *cx, ql_str name)
{
    ql_database d = {0};
    if (name.n != 0) {
        ql_status st = ql_catalog_find_database(cx, name, &d);
        if (st == QL_END) {
            return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, name));
        }
        QL_TRY(st);
    }
    return ql_vars_set_db(cx, d.name, d.coll);
}

static int
compare_databases(const void *a, const void *b)
{
    return ql_str_cmp(((const ql_database *)a)->name, ((const ql_database *)b)->name);
}

ql_status
ql_catalog_list_databases(ql_ctx *cx, ql_arena *a, ql_database **v, size_t *n)
{
    ql_catalog *c = cx->inst->catalog;
    ql_catalog_stage *s = qli_stage_of(cx, false);
    size_t extra = 0;
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        extra += ch->kind == QLI_DB_PUT;
    }
    ql_status st = QL_OK;
    *n = 0;
    ql_mutex_lock(&c->mu);
    ql_database *list = QL_ARENA_ARRAY(cx, a, ql_database, c->databases.count + extra);
    for (size_t i = 0; list && st == QL_OK && i < c->databases.nbuckets; i++) {
        for (ql_hash_node *node = c->databases.buckets[i]; node; node = node->next) {
            qli_database *d = (qli_database *)((char *)node - offsetof(qli_database, node));
            qli_database *staged = NULL;
            if (qli_stage_database(cx, (ql_str){d->name, d->n}, &staged) != 0) {
                continue;
            }
            char *copy = ql_arena_strndup(cx, a, d->name, d->n);
            st = copy ? st : QL_ERROR;
            list[(*n)++] = (ql_database){{copy, d->n}, d->coll};
        }
    }
    ql_mutex_unlock(&c->mu);
    if (!list || st != QL_OK) {
        return QL_ERROR;
    }
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        qli_database *staged = NULL;
        if (ch->kind == QLI_DB_PUT &&
            qli_stage_database(cx, (ql_str){ch->db->name, ch->db->n}, &staged) > 0 &&
            staged == ch->db) {
            char *copy = ql_arena_strndup(cx, a, ch->db->name, ch->db->n);
            if (!copy) {
                return QL_ERROR;
            }
            list[(*n)++] = (ql_database){{copy, ch->db->n}, ch->db->coll};
        }
    }
    *v = list;
    return ql_bulk_sort(cx, a, list, *n, sizeof *list, compare_databases);
}

ql_status
qli_refuse_virtual(ql_ctx *cx, ql_str db)
{
    if (!ql_catalog_is_virtual_database(db)) {
        return QL_OK;
    }
    ql_str user = cx->vars ? cx->vars->viewer.user : QL_STR("");
    return ql_fail(cx, QL_ER_DBACCESS_DENIED_ERROR, ql_cstr(cx, user), "%", ql_cstr(cx, db));
}

ql_status
qli_refuse_virtual_table(ql_ctx *cx, const ql_table *t)
{
    if (!t->is_virtual) {
        return QL_OK;
    }
    ql_str user = cx->vars ? cx->vars->viewer.user : QL_STR("");
    return ql_fail(cx, QL_ER_DBACCESS_DENIED_ERROR, ql_cstr(cx, user), "%", ql_cstr(cx, t->db));
}

/* --- tables ---------------------------------------------------------------------------------- */

static char *
fold(ql_str s, char *buf, size_t size, bool upper)
{
    size_t n = s.n < size ? s.n : size;
    for (size_t i = 0; i < n; i++) {
        char ch = s.p[i];
        if (upper && ch >= 'a' && ch <= 'z') {
            ch = (char)(ch - 32);
        } else if (!upper && ch >= 'A' && ch <= 'Z') {
            ch = (char)(ch + 32);
        }
        buf[i] = ch;
    }
    return buf;
}

/* Table with a reference, or NULL. */
ql_table *
qli_find_table(ql_ctx *cx, ql_str db, ql_str name)
{
    ql_catalog *c = cx->inst->catalog;
    char folded[QL_MAX_IDENT_CHARS * 4];
    ql_str canonical = qli_canonical_db(db);
    if (ql_catalog_is_virtual_database(db) && name.n <= sizeof folded) {
        name.p = fold(name, folded, sizeof folded, canonical.p[0] == 'i');
    }
    ql_table *t = NULL;
    int staged = qli_stage_table(cx, canonical, name, &t);
    if (staged < 0) {
        return NULL;
    }
    if (staged > 0) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        return t;
    }
    ql_mutex_lock(&c->mu);
    qli_entry *e = qli_cache_entry(c, canonical, name);
    t = e ? e->table : NULL;
    if (t) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    }
    ql_mutex_unlock(&c->mu);
    return t;
}

bool
qli_table_exists(ql_ctx *cx, ql_str db, ql_str name)
{
    ql_table *t = qli_find_table(cx, db, name);
    ql_table_put(t);
    return t != NULL;
}

ql_status
qli_no_such_table(ql_ctx *cx, ql_str db, ql_str name)
{
    if (!database_coll(cx, qli_canonical_db(db))) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, db));
    }
    if (ql_str_eq(qli_canonical_db(db), QL_STR("information_schema"))) {
        return ql_fail(cx, QL_ER_UNKNOWN_TABLE, ql_cstr(cx, name), "information_schema");
    }
    return ql_fail(cx, QL_ER_NO_SUCH_TABLE, ql_cstr(cx, db), ql_cstr(cx, name));
}

ql_status
ql_catalog_get_table(ql_ctx *cx, ql_str db, ql_str name, ql_table **out)
{
    ql_table *t = qli_find_table(cx, db, name);
    ql_status st = t ? ql_table_refuse_unusable(cx, t) : qli_no_such_table(cx, db, name);
    if (st != QL_OK) {
        ql_table_put(t);
        t = NULL;
    }
    *out = t;
    return st;
}

static void
put_table(void *t)
{
    ql_table_put(t);
}

ql_status
ql_catalog_find_table(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_table **out)
{
    *out = qli_find_table(cx, db, name);
    if (!*out) {
        return QL_END;
    }
    ql_status st = ql_arena_defer(cx, a, put_table, *out);
    if (st != QL_OK) {
        ql_table_put(*out);
    }
    return st;
}

static int
compare_tables(const void *a, const void *b)
{
    const ql_table *x = *(ql_table *const *)a, *y = *(ql_table *const *)b;
    int r = ql_str_cmp(x->db, y->db);
    return r ? r : ql_str_cmp(x->name, y->name);
}

/* What a look at one staged change counts for between two looks at the kill flag, in bytes. */
#define CHANGE_COST 32

/* References of ql_catalog_all_tables. */
typedef struct table_list {
    ql_table **v;
    size_t n;
} table_list;

static void
put_list(void *arg)
{
    table_list *l = arg;
    for (size_t i = 0; i < l->n; i++) {
        ql_table_put(l->v[i]);
    }
    l->n = 0;
}

static void
list_add(table_list *l, ql_table *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    l->v[l->n++] = t;
}

/* How many buckets are looked at in one go. */
#define SLICE 512u

/* The next slice of the cache; false: there is not room for all, begin again with room for *want.
 * A table that grows meanwhile only moves nodes to buckets at its end: none is missed, one may be
 * met twice. */
static bool
take_slice(ql_catalog *c, ql_str db, size_t *at, size_t cap, table_list *l, size_t *want)
{
    size_t end = *at + SLICE < c->tables.nbuckets ? *at + SLICE : c->tables.nbuckets;
    *want = c->tables.count;
    for (; *at < end; ++*at) {
        for (ql_hash_node *node = c->tables.buckets[*at]; node; node = node->next) {
            ql_table *t = ((qli_entry *)((char *)node - offsetof(qli_entry, node)))->table;
            if (db.n && !ql_str_eq(t->db, db)) {
                continue;
            }
            if (l->n == cap) {
                return false;
            }
            list_add(l, t);
        }
    }
    *want = *at < c->tables.nbuckets;
    return true;
}

/* All tables of the cache (of db, when it is not empty), with references. Everybody who opens a
 * table waits for the mutex: it is held for a slice, and nothing is allocated meanwhile. */
static ql_status
take_cached(ql_ctx *cx, ql_arena *a, ql_str db, size_t extra, table_list *l)
{
    ql_catalog *c = cx->inst->catalog;
    size_t at = 0, cap = 0, want = 1;
    while (want) {
        QL_TRY(ql_check(cx));
        ql_mutex_lock(&c->mu);
        bool fits = take_slice(c, db, &at, cap, l, &want);
        ql_mutex_unlock(&c->mu);
        if (!fits) {
            put_list(l);
            at = 0;
            cap = want + want / 8 + 16;
            l->v = ql_arena_alloc(cx, a, (cap + extra) * sizeof(ql_table *));
            if (!l->v) {
                return QL_ERROR;
            }
        }
    }
    if (!l->v) {
        l->v = ql_arena_alloc(cx, a, (extra + 1) * sizeof(ql_table *));
    }
    return l->v ? QL_OK : QL_ERROR;
}

/* Out with what was met twice in a sorted list, perhaps as two versions. */
static void
drop_twins(table_list *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (n > 0 && compare_tables(&l->v[n - 1], &l->v[i]) == 0) {
            ql_table_put(l->v[i]);
        } else {
            l->v[n++] = l->v[i];
        }
    }
    l->n = n;
}

/* Out with what the own transaction has dropped or made anew. */
static ql_status
drop_staged(ql_ctx *cx, size_t nchanges, table_list *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        ql_table *t = l->v[i], *staged;
        if (qli_stage_table(cx, t->db, t->name, &staged) == 0) {
            l->v[i] = l->v[n];
            l->v[n++] = t;
        }
        QL_TRY(ql_bulk_count(cx, CHANGE_COST * nchanges));
    }
    while (l->n > n) {
        ql_table_put(l->v[--l->n]);
    }
    return QL_OK;
}

ql_status
ql_catalog_all_tables(ql_ctx *cx, ql_arena *a, ql_str db, ql_table ***v, size_t *n)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    size_t nchanges = 0;
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        nchanges++;
    }
    db = qli_canonical_db(db);
    table_list *l = QL_ARENA_NEW(cx, a, table_list);
    if (!l) {
        return QL_ERROR;
    }
    QL_TRY(ql_arena_defer(cx, a, put_list, l));
    QL_TRY(take_cached(cx, a, db, nchanges, l));
    if (nchanges) {
        QL_TRY(drop_staged(cx, nchanges, l));
    }
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        ql_table *staged = NULL;
        if (ch->kind == QLI_TABLE_PUT && (!db.n || ql_str_eq(ch->entry->table->db, db)) &&
            qli_stage_table(cx, ch->entry->table->db, ch->entry->table->name, &staged) > 0 &&
            staged == ch->entry->table) {
            list_add(l, staged);
        }
        QL_TRY(ql_bulk_count(cx, CHANGE_COST * nchanges));
    }
    QL_TRY(ql_bulk_sort(cx, a, l->v, l->n, sizeof *l->v, compare_tables));
    drop_twins(l);
    *v = l->v;
    *n = l->n;
    return QL_OK;
}

ql_status
ql_catalog_list_tables(ql_ctx *cx, ql_arena *a, ql_str db, ql_str **names, size_t *n)
{
    if (!ql_catalog_has_database(cx, db)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, db));
    }
    ql_table **v;
    QL_TRY(ql_catalog_all_tables(cx, a, db, &v, n));
    ql_str *list = QL_ARENA_ARRAY(cx, a, ql_str, *n + 1);
    if (!list) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < *n; i++) {
        list[i] = v[i]->name; /* lives as long as the reference: until a is reset */
    }
    *names = list;
    return QL_OK;
}
