/* SPDX-License-Identifier: Apache-2.0
 *
 * From an older format of the records to ours, in one transaction at start: a server that is killed
 * on the way leaves the old directory or the new one. What was loaded is written anew; what only
 * the old format had goes. Runs before there are sessions.
 */
#include <string.h>

#include "base/diag.h"
#include "base/log.h"
#include "catalog/catalog_int.h"
#include "catalog/locked.h"
#include "intr/sync.h"
#include "kv/kv.h"

/* Removes the keys of an index that are `bytes` long (0 = all). */
static ql_status
remove_keys(ql_ctx *cx, uint32_t index_id, size_t bytes)
{
    ql_kv_snap *snap = NULL;
    ql_kv_cursor *cur = NULL;
    ql_buf from = {0};
    ql_str k, v;
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, index_id), out);
    QL_TRY_TO(st, ql_kv_snap_begin(cx, cx->inst->kv, &snap), out);
    QL_TRY_TO(st, ql_kv_cursor_open(cx, snap, &cur), out);
    st = ql_kv_seek_ge(cx, cur, qli_buf_str(&from), &k, &v);
    while (st == QL_OK && k.n >= from.n && memcmp(k.p, from.p, from.n) == 0) {
        QL_TRY_TO(st, ql_check(cx), out);
        if (bytes == 0 || k.n == bytes) {
            QL_TRY_TO(st, ql_txn_del(cx, k), out);
        }
        st = ql_kv_next(cx, cur, &k, &v);
    }
    st = st == QL_END ? QL_OK : st;
out:
    ql_kv_cursor_close(cur);
    ql_kv_snap_end(snap);
    ql_buf_free(&from);
    return st;
}

/* Format 1 had bounds of AUTO_INCREMENT: keys with the table's id and a value. */
#define BOUND_KEY_BYTES (4u + 8u + 8u)

static ql_status
write_table(ql_ctx *cx, const ql_table *t)
{
    QL_TRY(ql_check(cx));
    QL_TRY(qli_store_table(cx, t, t->state->next));
    return t->auto_column >= 0 ? qli_store_autoinc(cx, t->id, t->state->next) : QL_OK;
}

static ql_status
write_all(ql_ctx *cx, const ql_catalog *c, uint64_t *databases, uint64_t *tables)
{
    QL_TRY(remove_keys(cx, QLI_IX_DATABASE, 0)); /* sys was among them once, and is virtual now */
    for (size_t i = 0; i < c->databases.nbuckets; i++) {
        for (ql_hash_node *n = c->databases.buckets[i]; n; n = n->next) {
            qli_database *d = (qli_database *)((char *)n - offsetof(qli_database, node));
            if (!d->is_virtual) {
                QL_TRY(qli_store_database(cx, (ql_str){d->name, d->n}, d->coll, d->unknown));
                ++*databases;
            }
        }
    }
    for (size_t i = 0; i < c->tables.nbuckets; i++) {
        for (ql_hash_node *n = c->tables.buckets[i]; n; n = n->next) {
            const ql_table *t = ((qli_entry *)((char *)n - offsetof(qli_entry, node)))->table;
            if (!t->is_virtual) {
                QL_TRY(write_table(cx, t));
                ++*tables;
            }
        }
    }
    QL_TRY(remove_keys(cx, QLI_IX_TABLE_1, 0));
    return remove_keys(cx, QLI_IX_AUTOINC, BOUND_KEY_BYTES);
}

ql_status
ql_catalog_upgrade(ql_ctx *cx, ql_status (*also)(ql_ctx *cx))
{
    ql_catalog *c = cx->inst->catalog;
    const char *dir = cx->inst->datadir ? cx->inst->datadir : "";
    uint64_t databases = 0, tables = 0;
    ql_status st;
    ql_log_write(cx->inst->log, QL_LOG_SYSTEM,
                 "Data directory '%s' has catalog format %u: it is upgraded to format %u", dir,
                 c->format, QL_CATALOG_FORMAT);
    QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
    QL_TRY_TO(st, ql_txn_stmt_begin(cx), rollback);
    QL_TRY_TO(st, write_all(cx, c, &databases, &tables), rollback);
    QL_TRY_TO(st, also(cx), rollback);
    QL_TRY_TO(st, qli_store_format(cx), rollback);
    ql_txn_stmt_end(cx);
    QL_TRY_TO(st, QL_SYNC(cx, UPGRADE_BEFORE_COMMIT), rollback);
    QL_TRY(ql_txn_commit(cx));
    QL_TRY(QL_SYNC(cx, UPGRADE_AFTER_COMMIT));
    c->format = QL_CATALOG_FORMAT;
    ql_log_write(cx->inst->log, QL_LOG_SYSTEM,
                 "Data directory '%s' has catalog format %u now: %llu databases, %llu tables", dir,
                 c->format, (unsigned long long)databases, (unsigned long long)tables);
    return QL_OK;
rollback:
    ql_txn_rollback(cx);
    return st;
}

unsigned
ql_catalog_format(const ql_catalog *c)
{
    return c->format;
}

static bool
has_local_time(const ql_table *t)
{
    bool yes = false;
    for (uint16_t i = 0; i < t->ncolumns && !t->is_virtual && !t->unusable && !t->view; i++) {
        yes = yes || ql_column_is_local_time(&t->columns[i]);
    }
    return yes;
}

ql_status
ql_catalog_local_times(ql_ctx *cx, ql_name_list *out)
{
    const ql_catalog *c = cx->inst->catalog;
    for (size_t i = 0; i < c->tables.nbuckets; i++) {
        QL_TRY(ql_check(cx));
        for (ql_hash_node *n = c->tables.buckets[i]; n; n = n->next) {
            const ql_table *t = ((qli_entry *)((char *)n - offsetof(qli_entry, node)))->table;
            QL_TRY(has_local_time(t) ? ql_name_list_add(cx, out, t->db, t->name) : QL_OK);
        }
    }
    return QL_OK;
}
