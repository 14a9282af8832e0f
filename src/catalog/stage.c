/* SPDX-License-Identifier: Apache-2.0
 *
 * What a transaction has changed in the catalog and others must not see yet: a list of changes in
 * the session (reached through cx->vars), published in one step by ql_catalog_committed or
 * forgotten. Runs on the session's thread; publishing takes the catalog's mutex for the time of a
 * few hash operations. Nothing here waits or fails at publication: all memory is there before.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "intr/sync.h"

ql_catalog_stage *
qli_stage_of(ql_ctx *cx, bool make)
{
    ql_catalog_stage **at = cx->vars ? &cx->vars->catalog_stage : NULL;
    if (!at && cx->inst->catalog) {
        at = &cx->inst->catalog->boot;
    }
    if (!at) {
        return NULL;
    }
    if (!*at && make) {
        *at = ql_mem_zalloc(sizeof **at);
        if (!*at) {
            (void)ql_fail_oom(cx, sizeof **at);
        } else if (cx->vars) {
            cx->vars->catalog_stage_free = qli_stage_free;
        }
    }
    return *at;
}

static void
change_free(qli_change *ch)
{
    if (ch->entry) {
        ql_table_put(ch->entry->table);
        ql_mem_free(ch->entry);
    }
    ql_mem_free(ch->db);
    ql_mem_free(ch->db_name);
    ql_mem_free(ch->table_name);
    ql_mem_free(ch);
}

static void
forget_deltas(ql_catalog_stage *s)
{
    for (unsigned i = 0; i < s->ndeltas; i++) {
        qli_tablestate_put(s->deltas[i].state);
    }
    s->ndeltas = 0;
}

static void
forget_all(ql_catalog_stage *s)
{
    while (s->head) {
        qli_change *ch = s->head;
        s->head = ch->next;
        change_free(ch);
    }
    s->tail = NULL;
    memset(s->parents, 0, sizeof s->parents);
    forget_deltas(s);
}

void
qli_stage_free(ql_catalog_stage *s)
{
    if (s) {
        forget_all(s);
        ql_mem_free(s);
    }
}

qli_change *
qli_stage_add(ql_ctx *cx, qli_change_kind kind, ql_str db, ql_str table)
{
    ql_catalog_stage *s = qli_stage_of(cx, true);
    if (!s) {
        return NULL;
    }
    qli_change *ch = ql_mem_zalloc(sizeof *ch);
    if (!ch) {
        (void)ql_fail_oom(cx, sizeof *ch);
        return NULL;
    }
    ch->kind = kind;
    ch->stmt_id = cx->stmt_id;
    ch->db_name = ql_mem_strndup(db.p ? db.p : "", db.n);
    ch->table_name = ql_mem_strndup(table.p ? table.p : "", table.n);
    if (!ch->db_name || !ch->table_name) {
        (void)ql_fail_oom(cx, db.n + table.n);
        change_free(ch);
        return NULL;
    }
    ch->hash = qli_hash_of_table((ql_str){ch->db_name, db.n}, (ql_str){ch->table_name, table.n});
    if (s->tail) {
        s->tail->next = ch;
    } else {
        s->head = ch;
    }
    s->tail = ch;
    return ch;
}

static bool
name_is(const char *cstr, ql_str s)
{
    return strlen(cstr) == s.n && memcmp(cstr, s.p, s.n) == 0;
}

int
qli_stage_database(ql_ctx *cx, ql_str name, qli_database **out)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    int found = 0;
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        if (ch->kind == QLI_DB_PUT && name_is(ch->db_name, name)) {
            *out = ch->db;
            found = 1;
        } else if (ch->kind == QLI_DB_DROP && name_is(ch->db_name, name)) {
            found = -1;
        }
    }
    return found;
}

int
qli_stage_table(ql_ctx *cx, ql_str db, ql_str name, ql_table **out)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    uint64_t hash = s && s->head ? qli_hash_of_table(db, name) : 0;
    int found = 0;
    for (qli_change *ch = s ? s->head : NULL; ch; ch = ch->next) {
        if (ch->kind == QLI_DB_DROP && name_is(ch->db_name, db)) {
            found = -1;
        } else if (ch->hash != hash) {
            continue; /* thousands, when a table with that many children changes */
        } else if (ch->kind == QLI_TABLE_DROP && name_is(ch->db_name, db) &&
                   name_is(ch->table_name, name)) {
            found = -1;
        } else if (ch->kind == QLI_TABLE_PUT && name_is(ch->db_name, db) &&
                   name_is(ch->table_name, name)) {
            *out = ch->entry->table;
            found = 1;
        }
    }
    return found;
}

/* --- publication ----------------------------------------------------------------------------- */

/* Entries taken out of the cache; freed after the mutex is given back. */
typedef struct removed {
    qli_entry *entries; /* linked through node.next */
} removed;

static void
remove_entry(ql_catalog *c, qli_entry *e, removed *gone)
{
    qli_cache_remove_table(c, e);
    e->node.next = gone->entries ? &gone->entries->node : NULL;
    gone->entries = e;
}

static void
remove_tables_of(ql_catalog *c, ql_str db, removed *gone)
{
    for (size_t i = 0; i < c->tables.nbuckets; i++) {
        ql_hash_node *n = c->tables.buckets[i];
        while (n) {
            ql_hash_node *next = n->next;
            qli_entry *e = (qli_entry *)((char *)n - offsetof(qli_entry, node));
            if (ql_str_eq(e->table->db, db)) {
                remove_entry(c, e, gone);
            }
            n = next;
        }
    }
}

/* Who has an older snapshot does not see what is in the new indexes. */
static void
note_birth(ql_table *t, uint64_t state)
{
    for (unsigned i = 0; i < t->nindexes; i++) {
        if (t->indexes[i].born == QL_INDEX_NOT_BORN) {
            t->indexes[i].born = state;
        }
    }
    if (t->building) {
        qli_building_kept(t->building);
        t->building = NULL;
    }
}

static void
publish(ql_catalog *c, qli_change *ch, uint64_t state, removed *gone)
{
    ql_str db = {ch->db_name, strlen(ch->db_name)};
    ql_str name = {ch->table_name, strlen(ch->table_name)};
    qli_database *d;
    qli_entry *e;
    switch (ch->kind) {
    case QLI_DB_PUT:
        d = qli_cache_database(c, db);
        if (d) {
            d->coll = ch->db->coll;
        } else {
            qli_cache_put_database(c, ch->db);
            ch->db = NULL;
        }
        break;
    case QLI_DB_DROP:
        d = qli_cache_database(c, db);
        if (d) {
            ql_hash_remove(&c->databases, &d->node);
            ch->db = d;
        }
        remove_tables_of(c, db, gone);
        break;
    case QLI_TABLE_PUT:
        e = qli_cache_entry(c, db, name);
        if (e) {
            remove_entry(c, e, gone);
        }
        note_birth(ch->entry->table, state);
        qli_cache_put_table(c, ch->entry);
        ch->entry = NULL;
        break;
    case QLI_TABLE_DROP:
        e = qli_cache_entry(c, db, name);
        if (e) {
            remove_entry(c, e, gone);
        }
        break;
    case QLI_IDS:
        c->durable_id = ch->bound > c->durable_id ? ch->bound : c->durable_id;
        break;
    }
}

static void
publish_rows(qli_row_delta *d)
{
    atomic_fetch_add_explicit(&d->state->changes, d->changes + d->changes_in_stmt,
                              memory_order_relaxed);
    int64_t rows = atomic_load_explicit(&d->state->rows, memory_order_relaxed);
    if (rows < 0) {
        return;
    }
    int64_t sum = rows + d->before + d->stmt;
    while (!atomic_compare_exchange_weak(&d->state->rows, &rows, sum < 0 ? 0 : sum)) {
        if (rows < 0) {
            return;
        }
        sum = rows + d->before + d->stmt;
    }
}

static void
publish_definitions(ql_ctx *cx, ql_catalog_stage *s, uint64_t state)
{
    ql_catalog *c = cx->inst->catalog;
    removed gone = {NULL};
    ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK); /* it is committed */
    ql_status ignored = QL_SYNC(cx, CATALOG_PUBLISH);
    (void)ignored;
    ql_unhold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
    ql_mutex_lock(&c->mu);
    for (qli_change *ch = s->head; ch; ch = ch->next) {
        publish(c, ch, state, &gone);
    }
    ql_mutex_unlock(&c->mu);
    while (gone.entries) {
        qli_entry *e = gone.entries;
        ql_hash_node *next = e->node.next;
        gone.entries = next ? (qli_entry *)((char *)next - offsetof(qli_entry, node)) : NULL;
        ql_table_put(e->table);
        ql_mem_free(e);
    }
}

void
ql_catalog_committed(ql_ctx *cx, uint64_t state)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    if (!s || (!s->head && !s->ndeltas)) {
        return;
    }
    for (unsigned i = 0; i < s->ndeltas; i++) {
        publish_rows(&s->deltas[i]);
    }
    if (s->head) {
        publish_definitions(cx, s, state);
    }
    forget_all(s);
}

void
ql_catalog_rolled_back(ql_ctx *cx)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    if (s) {
        forget_all(s);
    }
}

void
ql_catalog_stmt_rolled_back(ql_ctx *cx)
{
    ql_catalog_stage *s = qli_stage_of(cx, false);
    if (!s) {
        return;
    }
    qli_change **at = &s->head;
    s->tail = NULL;
    while (*at) {
        qli_change *ch = *at;
        if (ch->stmt_id == cx->stmt_id) {
            *at = ch->next;
            change_free(ch);
        } else {
            s->tail = ch;
            at = &ch->next;
        }
    }
    for (unsigned i = 0; i < s->ndeltas; i++) {
        if (s->deltas[i].stmt_id == cx->stmt_id) {
            s->deltas[i].stmt = 0;
            s->deltas[i].changes_in_stmt = 0;
        }
    }
}

static void
apply_rows_at_once(ql_tablestate *state, int64_t delta, uint64_t changes)
{
    qli_row_delta d = {.state = state, .stmt = delta, .changes = changes};
    publish_rows(&d);
}

/* delta more rows, `changes` of them touched. */
static void
count_rows(ql_ctx *cx, ql_table *t, int64_t delta, uint64_t changes)
{
    if (!t->state) {
        return;
    }
    ql_catalog_stage *s = cx->vars && !t->nontxn ? qli_stage_of(cx, true) : NULL;
    if (!s) {
        apply_rows_at_once(t->state, delta, changes);
        return;
    }
    qli_row_delta *d = NULL;
    for (unsigned i = 0; i < s->ndeltas && !d; i++) {
        d = s->deltas[i].state == t->state ? &s->deltas[i] : NULL;
    }
    if (!d) {
        if (s->ndeltas == QLI_ROW_DELTAS) {
            apply_rows_at_once(t->state, delta, changes);
            return;
        }
        d = &s->deltas[s->ndeltas++];
        *d = (qli_row_delta){.state = t->state, .stmt_id = cx->stmt_id};
        atomic_fetch_add_explicit(&t->state->refs, 1, memory_order_relaxed);
    }
    if (d->stmt_id != cx->stmt_id) {
        d->before += d->stmt;
        d->changes += d->changes_in_stmt;
        d->stmt = 0;
        d->changes_in_stmt = 0;
        d->stmt_id = cx->stmt_id;
    }
    d->stmt += delta;
    d->changes_in_stmt += changes;
}

void
ql_table_rows_changed(ql_ctx *cx, ql_table *t, int64_t delta)
{
    if (delta) {
        count_rows(cx, t, delta, (uint64_t)(delta < 0 ? -delta : delta));
    }
}

void
ql_table_row_changed(ql_ctx *cx, ql_table *t)
{
    count_rows(cx, t, 0, 1);
}

int64_t
ql_table_own_rows(ql_ctx *cx, const ql_table *t)
{
    ql_catalog_stage *s = cx->vars && t->state ? qli_stage_of(cx, false) : NULL;
    for (unsigned i = 0; s && i < s->ndeltas; i++) {
        if (s->deltas[i].state == t->state) {
            return s->deltas[i].before + s->deltas[i].stmt;
        }
    }
    return 0;
}
