/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening tables under metadata locks, LOCK TABLES, the global read lock and the backup lock.
 * Session's thread only; waits for metadata locks (txn/mdl.c), holds no mutex.
 */
#include "catalog/locked.h"
#include "base/text.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "intr/proc.h"

#define KEY_MAX (QL_MAX_IDENT_CHARS * 8 + 2)

/* A table locked under a name. A statement may use it once. */
typedef struct entry {
    ql_lock_item item;
    uint64_t used_by; /* statement */
} entry;

struct ql_locked_tables {
    ql_arena *arena;
    entry *v;
    size_t n;
};

ql_deadline
ql_lock_wait_deadline(const ql_ctx *cx)
{
    return cx->vars ? ql_deadline_ms((int64_t)cx->vars->lock_wait_timeout * 1000) : QL_FOREVER;
}

/* --- names --- */

static ql_status
lock_schema(ql_ctx *cx, ql_str db, ql_mdl_mode mode, ql_mdl_duration d)
{
    return ql_mdl_acquire(cx, QL_MDL_SCHEMA, db, mode, d, ql_lock_wait_deadline(cx));
}

static ql_str
table_key(char key[KEY_MAX], ql_str db, ql_str name)
{
    if (db.n + name.n + 1 > KEY_MAX) {
        return (ql_str){0}; /* longer than any name there is */
    }
    memcpy(key, db.p, db.n);
    key[db.n] = 0;
    memcpy(key + db.n + 1, name.p, name.n);
    return (ql_str){key, db.n + 1 + name.n};
}

static ql_status
lock_table(ql_ctx *cx, ql_mdl_space space, ql_str db, ql_str name, ql_mdl_mode mode,
           ql_mdl_duration d)
{
    char buf[KEY_MAX];
    ql_str key = table_key(buf, db, name);
    return key.n > 0 ? ql_mdl_acquire(cx, space, key, mode, d, ql_lock_wait_deadline(cx)) : QL_OK;
}

/* --- the global locks --- */

static ql_status
lock_one(ql_ctx *cx, ql_mdl_space space, ql_mdl_mode mode, ql_mdl_duration d)
{
    return ql_mdl_acquire(cx, space, QL_STR(""), mode, d, ql_lock_wait_deadline(cx));
}

static ql_status
change_begin(ql_ctx *cx, bool ddl, ql_mdl_duration d)
{
    if (cx->read_locked) {
        return ql_fail(cx, QL_ER_CANT_UPDATE_WITH_READLOCK);
    }
    QL_TRY(lock_one(cx, QL_MDL_GLOBAL, QL_MDL_IX, d));
    return ddl ? lock_one(cx, QL_MDL_BACKUP, QL_MDL_IX, d) : QL_OK;
}

ql_status
ql_change_begin(ql_ctx *cx, bool ddl)
{
    return change_begin(cx, ddl, ddl ? QL_MDL_TRANSACTION : QL_MDL_STATEMENT);
}

ql_status
ql_commit_begin(ql_ctx *cx)
{
    return lock_one(cx, QL_MDL_COMMIT, QL_MDL_IX, QL_MDL_TRANSACTION);
}

ql_status
ql_read_lock_take(ql_ctx *cx)
{
    ql_status st = lock_one(cx, QL_MDL_GLOBAL, QL_MDL_S, QL_MDL_EXPLICIT);
    if (st == QL_OK) {
        st = lock_one(cx, QL_MDL_COMMIT, QL_MDL_S, QL_MDL_EXPLICIT);
    }
    if (st == QL_OK) {
        cx->read_locked = true;
    } else if (!cx->read_locked) {
        ql_mdl_release_space(cx, QL_MDL_GLOBAL);
    }
    return st;
}

void
ql_read_lock_release(ql_ctx *cx)
{
    if (cx->read_locked) {
        ql_mdl_release_space(cx, QL_MDL_COMMIT);
        ql_mdl_release_space(cx, QL_MDL_GLOBAL);
        cx->read_locked = false;
    }
}

ql_status
ql_backup_lock_take(ql_ctx *cx)
{
    return lock_one(cx, QL_MDL_BACKUP, QL_MDL_S, QL_MDL_EXPLICIT);
}

void
ql_backup_lock_release(ql_ctx *cx)
{
    ql_mdl_release_space(cx, QL_MDL_BACKUP);
}

/* --- what LOCK TABLES allows --- */

static ql_status
not_locked(ql_ctx *cx, ql_str alias)
{
    return ql_fail(cx, QL_ER_TABLE_NOT_LOCKED, ql_cstr(cx, alias));
}

/* What a view is made of: whatever lock there is, and as often as it is met. */
static ql_status
use_below_view(ql_ctx *cx, ql_str db, ql_str name, bool write)
{
    bool read_only = false;
    for (size_t i = 0; i < cx->locked->n; i++) {
        const entry *e = &cx->locked->v[i];
        if (ql_str_eq(e->item.name, name) && ql_str_eq(e->item.db, db)) {
            if (e->item.write || !write) {
                return QL_OK;
            }
            read_only = true;
        }
    }
    return read_only ? ql_fail(cx, QL_ER_TABLE_NOT_LOCKED_FOR_WRITE, ql_cstr(cx, name))
                     : not_locked(cx, name);
}

/* The lock that a mention of the table uses: one for reading if that is enough, and each once a
 * statement. */
static ql_status
use_locked(ql_ctx *cx, ql_str db, ql_str name, ql_str alias, bool write)
{
    if (alias.n == 0) {
        return use_below_view(cx, db, name, write);
    }
    entry *best = NULL;
    bool read_only = false;
    for (size_t i = 0; i < cx->locked->n; i++) {
        entry *e = &cx->locked->v[i];
        if (!ql_str_eq_nocase(e->item.alias, alias) || !ql_str_eq(e->item.name, name) ||
            !ql_str_eq(e->item.db, db) || (cx->stmt_id != 0 && e->used_by == cx->stmt_id)) {
            continue;
        }
        if (write && !e->item.write) {
            read_only = true;
        } else if (best == NULL || (best->item.write && !e->item.write)) {
            best = e;
        }
    }
    if (best != NULL) {
        best->used_by = cx->stmt_id;
        return QL_OK;
    }
    return read_only ? ql_fail(cx, QL_ER_TABLE_NOT_LOCKED_FOR_WRITE, ql_cstr(cx, alias))
                     : not_locked(cx, alias);
}

/* DDL: locked for writing under any name. */
static ql_status
change_locked(ql_ctx *cx, ql_str db, ql_str name)
{
    bool read_only = false;
    for (size_t i = 0; i < cx->locked->n; i++) {
        const entry *e = &cx->locked->v[i];
        if (ql_str_eq(e->item.name, name) && ql_str_eq(e->item.db, db)) {
            if (e->item.write) {
                return QL_OK;
            }
            read_only = true;
        }
    }
    return read_only ? ql_fail(cx, QL_ER_TABLE_NOT_LOCKED_FOR_WRITE, ql_cstr(cx, name))
                     : not_locked(cx, name);
}

ql_status
ql_locked_tables_may_flush(ql_ctx *cx, ql_str db, ql_str name)
{
    if (cx->locked == NULL) {
        return QL_OK;
    }
    if (name.n > 0) {
        return change_locked(cx, db, name);
    }
    for (size_t i = 0; i < cx->locked->n; i++) {
        QL_TRY(change_locked(cx, cx->locked->v[i].item.db, cx->locked->v[i].item.name));
    }
    return QL_OK;
}

ql_status
ql_locked_tables_refuse(ql_ctx *cx)
{
    return cx->locked != NULL ? ql_fail(cx, QL_ER_LOCK_OR_ACTIVE_TRANSACTION) : QL_OK;
}

/* --- opening --- */

static ql_status
lock_to_change_definition(ql_ctx *cx, ql_str db, ql_str name, ql_mdl_mode mode)
{
    if (cx->locked != NULL) {
        QL_TRY(change_locked(cx, db, name));
    }
    QL_TRY(change_begin(cx, true, QL_MDL_TRANSACTION));
    QL_TRY(lock_schema(cx, db, QL_MDL_IX, QL_MDL_TRANSACTION));
    return lock_table(cx, QL_MDL_TABLE, db, name, mode, QL_MDL_TRANSACTION);
}

static ql_status
lock_to_use(ql_ctx *cx, ql_str db, ql_str name, ql_str alias, ql_mdl_mode mode)
{
    bool write = mode == QL_MDL_SW;
    if (cx->locked != NULL) {
        QL_TRY(use_locked(cx, db, name, alias, write));
    }
    if (write) {
        QL_TRY(change_begin(cx, false, QL_MDL_STATEMENT));
    }
    QL_TRY(lock_table(cx, QL_MDL_TABLE, db, name, mode, QL_MDL_TRANSACTION));
    if (cx->proc) {
        ql_proc_trx *figures = ql_proc_trx_of(cx->proc); /* for the views of transactions */
        QL_PTRX_ADD(figures, tables_used, 1);
        QL_PTRX_ADD(figures, tables_wrote, write);
    }
    return QL_OK;
}

static ql_status
lock_for(ql_ctx *cx, ql_str db, ql_str name, ql_str alias, ql_mdl_mode mode)
{
    switch (mode) {
    case QL_MDL_S:
    case QL_MDL_SH:
        return lock_table(cx, QL_MDL_TABLE, db, name, mode, QL_MDL_STATEMENT);
    case QL_MDL_SR:
    case QL_MDL_SW:
        return lock_to_use(cx, db, name, alias, mode);
    default:
        return lock_to_change_definition(cx, db, name, mode);
    }
}

static void
put_table(void *t)
{
    ql_table_put(t);
}

static ql_status
open_shared(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_str alias, ql_mdl_mode mode,
            bool must_exist, ql_table **out)
{
    ql_table *t = NULL;
    if (ql_catalog_is_virtual_database(db) || ql_str_eq(db, QL_STR("mysql"))) {
        t = qli_find_table(cx, db, name);
    }
    if (!ql_catalog_is_virtual_database(db) && (!t || !t->is_virtual)) {
        if (t) {
            ql_table_put(t);
        }
        QL_TRY(lock_for(cx, db, name, alias, mode));
        t = qli_find_table(cx, db, name);
    }
    *out = t;
    if (!t) {
        return must_exist ? qli_no_such_table(cx, db, name) : QL_END;
    }
    bool to_drop = mode == QL_MDL_X && !must_exist; /* or to find that the name is taken */
    ql_status st = to_drop ? QL_OK : ql_table_refuse_unusable(cx, t);
    st = st == QL_OK ? ql_arena_defer(cx, a, put_table, t) : st;
    if (st != QL_OK) {
        ql_table_put(t);
    }
    return st;
}

static ql_status
open_temporary(ql_ctx *cx, ql_arena *a, ql_table *t, ql_table **out)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    *out = t;
    ql_status st = ql_arena_defer(cx, a, put_table, t);
    if (st != QL_OK) {
        ql_table_put(t);
    }
    return st;
}

ql_status
ql_catalog_open_as(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_str alias, ql_mdl_mode mode,
                   bool must_exist, ql_table **out)
{
    ql_table *own = ql_has_temporary(cx) && alias.n > 0 ? ql_temporary_find(cx, db, name) : NULL;
    return own ? open_temporary(cx, a, own, out)
               : open_shared(cx, a, db, name, alias, mode, must_exist, out);
}

ql_status
ql_catalog_open_shared(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_mdl_mode mode,
                       bool must_exist, ql_table **out)
{
    return open_shared(cx, a, db, name, name, mode, must_exist, out);
}

ql_status
ql_catalog_open_table(ql_ctx *cx, ql_arena *a, ql_str db, ql_str name, ql_mdl_mode mode,
                      bool must_exist, ql_table **out)
{
    return ql_catalog_open_as(cx, a, db, name, name, mode, must_exist, out);
}

#define PATIENCE_MS 1000

ql_status
ql_table_lock_upgrade(ql_ctx *cx, const ql_table *t, ql_mdl_mode mode)
{
    char buf[KEY_MAX];
    if (t->temporary) {
        return QL_OK;
    }
    ql_str key = table_key(buf, t->db, t->name);
    return ql_mdl_upgrade(cx, QL_MDL_TABLE, key, mode, QL_MDL_TRANSACTION, PATIENCE_MS,
                          ql_lock_wait_deadline(cx));
}

void
ql_table_lock_downgrade(ql_ctx *cx, const ql_table *t, ql_mdl_mode mode)
{
    char buf[KEY_MAX];
    if (t->temporary) {
        return;
    }
    ql_mdl_downgrade(cx, QL_MDL_TABLE, table_key(buf, t->db, t->name), QL_MDL_X, mode);
}

static int
by_table_name(const ql_table_name *a, const ql_table_name *b)
{
    int r = ql_str_cmp(a->db, b->db);
    return r != 0 ? r : ql_str_cmp(a->name, b->name);
}

/* Where t is in the list (true), or would be. */
static bool
find_name(const ql_name_list *l, const ql_table_name *t, size_t *at)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int r = by_table_name(&l->v[middle], t);
        if (r == 0) {
            *at = middle;
            return true;
        }
        low = r < 0 ? middle + 1 : low;
        high = r < 0 ? high : middle;
    }
    *at = low;
    return false;
}

static ql_status
make_room(ql_ctx *cx, ql_name_list *l)
{
    size_t cap = 2 * l->cap + 8;
    ql_table_name *v = QL_ARENA_ARRAY(cx, cx->arena, ql_table_name, cap);
    if (v == NULL) {
        return QL_ERROR;
    }
    if (l->n > 0) {
        memcpy(v, l->v, l->n * sizeof *v);
    }
    l->v = v;
    l->cap = cap;
    return QL_OK;
}

ql_status
ql_name_list_add(ql_ctx *cx, ql_name_list *l, ql_str db, ql_str name)
{
    ql_table_name t = {db, name};
    size_t at;
    if (find_name(l, &t, &at)) {
        return QL_OK;
    }
    QL_TRY(l->n == l->cap ? make_room(cx, l) : QL_OK);
    QL_TRY(qli_copy_str(cx, cx->arena, db, &t.db));
    QL_TRY(qli_copy_str(cx, cx->arena, name, &t.name));
    QL_TRY(ql_bulk_count(cx, (l->n - at) * sizeof t + 1));
    memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof t);
    l->v[at] = t;
    l->n++;
    return QL_OK;
}

static ql_status
lock_name(ql_ctx *cx, const ql_table_name *t, ql_mdl_mode mode, bool upgrade)
{
    char buf[KEY_MAX];
    if (ql_catalog_is_virtual_database(t->db)) {
        return QL_OK;
    }
    if (upgrade) {
        ql_str key = table_key(buf, t->db, t->name);
        return key.n > 0 ? ql_mdl_upgrade(cx, QL_MDL_TABLE, key, mode, QL_MDL_TRANSACTION,
                                          PATIENCE_MS, ql_lock_wait_deadline(cx))
                         : QL_OK;
    }
    QL_TRY(change_begin(cx, true, QL_MDL_TRANSACTION));
    QL_TRY(lock_schema(cx, t->db, QL_MDL_IX, QL_MDL_TRANSACTION));
    return lock_table(cx, QL_MDL_TABLE, t->db, t->name, mode, QL_MDL_TRANSACTION);
}

ql_status
ql_name_list_lock(ql_ctx *cx, ql_name_list *l, ql_mdl_mode mode, bool upgrade)
{
    for (size_t i = 0; i < l->n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(lock_name(cx, &l->v[i], mode, upgrade));
    }
    return QL_OK;
}

ql_status
ql_catalog_lock_database(ql_ctx *cx, ql_str name)
{
    QL_TRY(ql_locked_tables_refuse(cx));
    QL_TRY(change_begin(cx, true, QL_MDL_TRANSACTION));
    return lock_schema(cx, name, QL_MDL_X, QL_MDL_TRANSACTION);
}

ql_status
ql_catalog_lock_tables_of(ql_ctx *cx, ql_str db)
{
    ql_str *names;
    size_t n;
    QL_TRY(ql_catalog_list_tables(cx, cx->arena, db, &names, &n));
    for (size_t i = 0; i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(lock_table(cx, QL_MDL_TABLE, db, names[i], QL_MDL_X, QL_MDL_TRANSACTION));
    }
    return QL_OK;
}

static ql_status
keep(ql_ctx *cx, ql_arena *a, ql_str in, ql_str *out)
{
    const char *p = ql_arena_strndup(cx, a, in.p, in.n);
    *out = (ql_str){p, in.n};
    return p != NULL ? QL_OK : QL_ERROR;
}

/* Under LOCK TABLES the name needs the locks that the table has under its old one; they are of no
 * use to anybody but the session, so they stay when the statement fails. */
static ql_status
lock_for_locked(ql_ctx *cx, ql_str db, ql_str name)
{
    QL_TRY(lock_schema(cx, db, QL_MDL_IX, QL_MDL_EXPLICIT));
    QL_TRY(lock_table(cx, QL_MDL_TABLE, db, name, QL_MDL_SNRW, QL_MDL_EXPLICIT));
    return lock_table(cx, QL_MDL_TABLE_DATA, db, name, QL_MDL_X, QL_MDL_EXPLICIT);
}

ql_status
ql_catalog_lock_new_name(ql_ctx *cx, ql_str db, ql_str name)
{
    QL_TRY(ql_catalog_check_table_name(cx, name));
    QL_TRY(change_begin(cx, true, QL_MDL_TRANSACTION));
    QL_TRY(cx->locked != NULL ? lock_for_locked(cx, db, name) : QL_OK);
    QL_TRY(lock_schema(cx, db, QL_MDL_IX, QL_MDL_TRANSACTION));
    return lock_table(cx, QL_MDL_TABLE, db, name, QL_MDL_X, QL_MDL_TRANSACTION);
}

/* --- LOCK TABLES --- */

/* By name, those to write first: the stronger lock is taken once. */
static int
by_name(const void *x, const void *y)
{
    const ql_lock_item *a = &((const entry *)x)->item, *b = &((const entry *)y)->item;
    int r = ql_str_cmp(a->db, b->db);
    r = r != 0 ? r : ql_str_cmp(a->name, b->name);
    return r != 0 ? r : (int)b->write - (int)a->write;
}

static ql_status
check_item(ql_ctx *cx, const ql_lock_item *it)
{
    if (ql_catalog_is_virtual_database(it->db)) {
        const ql_viewer *v = cx->vars != NULL ? &cx->vars->viewer : NULL;
        return ql_fail(cx, QL_ER_DBACCESS_DENIED_ERROR, v != NULL ? ql_cstr(cx, v->user) : "", "%",
                       ql_cstr(cx, it->db));
    }
    return ql_check(cx);
}

static int
by_alias(const void *x, const void *y)
{
    const ql_lock_item *a = *(const ql_lock_item *const *)x, *b = *(const ql_lock_item *const *)y;
    int r = ql_name_order(a->alias, b->alias);
    return r != 0 ? r : ql_str_cmp(a->db, b->db);
}

/* 1066: a name for two tables of a database. */
static ql_status
check_names(ql_ctx *cx, const ql_lock_item *items, size_t n)
{
    const ql_lock_item **v = QL_ARENA_ARRAY(cx, cx->arena, const ql_lock_item *, n + 1);
    size_t named = 0;
    if (v == NULL) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < n; i++) {
        QL_TRY(check_item(cx, &items[i]));
        if (items[i].alias.n > 0) { /* what is below a view has no name in statements */
            v[named++] = &items[i];
        }
    }
    QL_TRY(ql_bulk_sort(cx, cx->arena, v, named, sizeof *v, by_alias));
    for (size_t i = 1; i < named; i++) {
        QL_TRY(ql_check(cx));
        if (by_alias(&v[i - 1], &v[i]) == 0) {
            return ql_fail(cx, QL_ER_NONUNIQ_TABLE, ql_cstr(cx, v[i]->alias));
        }
    }
    return QL_OK;
}

static ql_status
new_list(ql_ctx *cx, const ql_lock_item *items, size_t n, struct ql_locked_tables **out)
{
    ql_arena *a = ql_arena_new("lock tables", NULL);
    if (a == NULL) {
        return ql_fail_oom(cx, 0);
    }
    struct ql_locked_tables *l = QL_ARENA_NEW(cx, a, struct ql_locked_tables);
    ql_status st = l != NULL ? QL_OK : QL_ERROR;
    if (st == QL_OK) {
        l->arena = a;
        l->v = QL_ARENA_ARRAY(cx, a, entry, n + 1);
        st = l->v != NULL ? QL_OK : QL_ERROR;
    }
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        ql_lock_item *it = &l->v[l->n++].item;
        it->write = items[i].write;
        QL_TRY_TO(st, ql_check(cx), out);
        QL_TRY_TO(st, keep(cx, a, items[i].db, &it->db), out);
        QL_TRY_TO(st, keep(cx, a, items[i].name, &it->name), out);
        QL_TRY_TO(st, keep(cx, a, items[i].alias, &it->alias), out);
    }
    if (st == QL_OK) {
        st = ql_bulk_sort(cx, a, l->v, l->n, sizeof *l->v, by_name);
    }
out:
    if (st != QL_OK) {
        ql_arena_free(a);
        return st;
    }
    *out = l;
    return QL_OK;
}

ql_status
ql_rows_lock(ql_ctx *cx, ql_str db, ql_str name, bool write)
{
    return lock_table(cx, QL_MDL_TABLE_DATA, db, name, write ? QL_MDL_X : QL_MDL_S,
                      QL_MDL_STATEMENT);
}

/* The rows of a table without transactions are locked as a whole. */
static ql_status
lock_rows(ql_ctx *cx, const ql_lock_item *it)
{
    ql_table *t = qli_find_table(cx, it->db, it->name);
    if (t == NULL) {
        return qli_no_such_table(cx, it->db, it->name);
    }
    bool plain = !ql_table_is_transactional(t);
    ql_status st = ql_table_refuse_unusable(cx, t);
    ql_table_put(t);
    QL_TRY(st);
    return plain ? lock_table(cx, QL_MDL_TABLE_DATA, it->db, it->name,
                              it->write ? QL_MDL_X : QL_MDL_S, QL_MDL_EXPLICIT)
                 : QL_OK;
}

static ql_status
lock_item(ql_ctx *cx, const ql_lock_item *it, ql_mdl_mode read_mode)
{
    QL_TRY(ql_check(cx));
    if (it->write) {
        QL_TRY(change_begin(cx, false, QL_MDL_EXPLICIT));
        QL_TRY(lock_schema(cx, it->db, QL_MDL_IX, QL_MDL_EXPLICIT));
    }
    QL_TRY(lock_table(cx, QL_MDL_TABLE, it->db, it->name, it->write ? QL_MDL_SNRW : read_mode,
                      QL_MDL_EXPLICIT));
    return lock_rows(cx, it);
}

static ql_status
lock_all(ql_ctx *cx, const ql_lock_item *items, size_t n, ql_mdl_mode read_mode)
{
    struct ql_locked_tables *l = NULL;
    QL_TRY(check_names(cx, items, n));
    QL_TRY(new_list(cx, items, n, &l));
    ql_status st = QL_OK;
    for (size_t i = 0; st == QL_OK && i < l->n; i++) {
        st = lock_item(cx, &l->v[i].item, read_mode);
    }
    cx->locked = l;
    if (st != QL_OK) {
        ql_locked_tables_release(cx);
    }
    return st;
}

ql_status
ql_locked_tables_lock(ql_ctx *cx, const ql_lock_item *items, size_t n)
{
    return lock_all(cx, items, n, QL_MDL_SRO);
}

ql_status
ql_locked_tables_flush(ql_ctx *cx, const ql_lock_item *items, size_t n)
{
    return lock_all(cx, items, n, QL_MDL_SNW);
}

void
ql_locked_tables_release(ql_ctx *cx)
{
    struct ql_locked_tables *l = cx->locked;
    if (l == NULL) {
        return;
    }
    cx->locked = NULL;
    ql_mdl_release_space(cx, QL_MDL_TABLE_DATA);
    ql_mdl_release_space(cx, QL_MDL_TABLE);
    ql_mdl_release_space(cx, QL_MDL_SCHEMA);
    if (!cx->read_locked) {
        ql_mdl_release_space(cx, QL_MDL_GLOBAL);
    }
    ql_arena_free(l->arena);
}

void
ql_locked_tables_forget(ql_ctx *cx, ql_str db, ql_str name)
{
    struct ql_locked_tables *l = cx->locked;
    char buf[KEY_MAX];
    size_t kept = 0;
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (!ql_str_eq(l->v[i].item.db, db) || !ql_str_eq(l->v[i].item.name, name)) {
            l->v[kept++] = l->v[i];
        }
    }
    l->n = kept;
    ql_str key = table_key(buf, db, name);
    ql_mdl_release(cx, QL_MDL_TABLE_DATA, key);
    ql_mdl_release(cx, QL_MDL_TABLE, key);
}

/* Is any table locked under that name? */
static bool
is_listed(const struct ql_locked_tables *l, ql_str db, ql_str name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (ql_str_eq(l->v[i].item.db, db) && ql_str_eq(l->v[i].item.name, name)) {
            return true;
        }
    }
    return false;
}

ql_status
ql_locked_tables_rename(ql_ctx *cx, ql_lock_rename *v, size_t n)
{
    for (size_t i = 0; cx->locked != NULL && i < n; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(keep(cx, cx->locked->arena, v[i].new_db, &v[i].new_db));
        QL_TRY(keep(cx, cx->locked->arena, v[i].new_name, &v[i].new_name));
    }
    return QL_OK;
}

static void
rename_entries(struct ql_locked_tables *l, const ql_lock_rename *r)
{
    for (size_t i = 0; i < l->n; i++) {
        ql_lock_item *it = &l->v[i].item;
        if (ql_str_eq(it->db, r->db) && ql_str_eq(it->name, r->name)) {
            it->alias = ql_str_eq(it->alias, it->name) ? r->new_name : it->alias;
            it->db = r->new_db;
            it->name = r->new_name;
        }
    }
}

void
ql_locked_tables_renamed(ql_ctx *cx, const ql_lock_rename *v, size_t n)
{
    struct ql_locked_tables *l = cx->locked;
    char buf[KEY_MAX];
    for (size_t i = 0; l != NULL && i < n; i++) {
        rename_entries(l, &v[i]);
    }
    for (size_t i = 0; l != NULL && i < n; i++) {
        if (!is_listed(l, v[i].db, v[i].name)) {
            ql_str key = table_key(buf, v[i].db, v[i].name);
            ql_mdl_release(cx, QL_MDL_TABLE_DATA, key);
            ql_mdl_release(cx, QL_MDL_TABLE, key);
        }
    }
}
