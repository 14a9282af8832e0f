/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of tables and indexes that are being filled before anybody can see them. What is written
 * under them is committed block by block, so before the first one a record says, in a commit of its
 * own, that they have no owner. The transaction that publishes them deletes it; a build that fails,
 * or is found by the next start, gives them to the purger in one commit with its record. Nothing is
 * ever undone by name. Session's thread (start: the main thread); no locks.
 */
#include <string.h>

#include "base/diag.h"
#include "base/log.h"
#include "catalog/catalog_int.h"
#include "intr/space.h"
#include "intr/sync.h"
#include "txn/beside.h"

/* Owner: the statement that builds, from begin to end. */
struct ql_building {
    ql_table *table; /* a reference; points back here until it is published */
    bool kept;       /* they have an owner: the commit that says so is done */
    qli_object object;
};

static bool
has_index(const ql_table *t, uint32_t id)
{
    for (unsigned i = 0; t && i < t->nindexes; i++) {
        if (t->indexes[i].id == id) {
            return true;
        }
    }
    return false;
}

static ql_building *
new_building(ql_ctx *cx, ql_table *next, const ql_table *old)
{
    size_t bytes = sizeof(ql_building) + next->nindexes * sizeof(uint32_t);
    ql_building *b = ql_mem_zalloc(bytes);
    if (!b) {
        (void)ql_fail_oom(cx, bytes);
        return NULL;
    }
    b->object.owned = (uint32_t *)(b + 1);
    for (unsigned i = 0; i < next->nindexes; i++) {
        if (!has_index(old, next->indexes[i].id)) {
            b->object.owned[b->object.nowned++] = next->indexes[i].id;
        }
    }
    if (!old || next->id != old->id) {
        b->object.id = next->id;
    } else if (b->object.nowned) {
        b->object.id = b->object.owned[0]; /* of no table */
    }
    return b;
}

static ql_status
building_key(ql_ctx *cx, ql_buf *key, const qli_object *o)
{
    QL_TRY(qli_key_begin(cx, key, QLI_IX_BUILDING));
    return qli_put_be64(cx, key, o->id);
}

static ql_status
store_building(ql_ctx *cx, const qli_object *o)
{
    ql_buf key = {0}, val = {0};
    size_t at;
    ql_status st;
    QL_TRY_TO(st, building_key(cx, &key, o), out);
    QL_TRY_TO(st, ql_record_begin(cx, &val, QL_REC_BUILDING), out);
    QL_TRY_TO(st, ql_section_put_number(cx, &val, QLI_OBJECT_ID, o->id), out);
    QL_TRY_TO(st, ql_section_begin(cx, &val, QLI_OBJECT_OWNS, &at), out);
    for (size_t i = 0; i < o->nowned; i++) {
        QL_TRY_TO(st, ql_buf_put_le(cx, &val, o->owned[i], 4), out);
    }
    QL_TRY_TO(st, ql_section_end(cx, &val, at), out);
    QL_TRY_TO(st, ql_record_end(cx, &val), out);
    st = ql_txn_put(cx, qli_buf_str(&key), qli_buf_str(&val));
out:
    ql_buf_free(&key);
    ql_buf_free(&val);
    return st;
}

static ql_status
erase_building(ql_ctx *cx, const qli_object *o)
{
    ql_buf key = {0};
    ql_status st;
    QL_TRY_TO(st, building_key(cx, &key, o), out);
    st = ql_txn_del(cx, qli_buf_str(&key));
out:
    ql_buf_free(&key);
    return st;
}

ql_status
qli_forget_building(ql_ctx *cx, const ql_building *b)
{
    return erase_building(cx, &b->object);
}

void
qli_building_kept(ql_building *b)
{
    b->kept = true;
}

/* In a transaction of its own. */
static ql_status
record(ql_ctx *cx, const qli_object *o)
{
    ql_txn *saved = cx->txn;
    uint64_t bound = 0;
    QL_TRY(ql_beside_begin(cx, true));
    ql_status st = store_building(cx, o);
    st = st == QL_OK ? qli_ids_cover(cx, cx->inst->catalog, &bound) : st;
    st = ql_beside_end(cx, saved, st);
    if (st == QL_OK && bound) {
        qli_ids_covered(cx->inst->catalog, bound);
    }
    return st;
}

ql_status
ql_catalog_build_begin(ql_ctx *cx, ql_table *next, const ql_table *old, ql_building **out)
{
    *out = NULL;
    if (next->temporary) { /* its ids are its own */
        return QL_SYNC(cx, BUILD_BEGUN);
    }
    ql_building *b = new_building(cx, next, old);
    if (!b) {
        return QL_ERROR;
    }
    ql_status st = b->object.id ? record(cx, &b->object) : QL_OK;
    if (st != QL_OK) {
        ql_mem_free(b);
        return st;
    }
    atomic_fetch_add_explicit(&next->refs, 1, memory_order_relaxed);
    b->table = next;
    next->building = b;
    *out = b;
    return QL_SYNC(cx, BUILD_BEGUN);
}

static ql_status
trash_building(ql_ctx *cx, const qli_object *o)
{
    for (size_t i = 0; i < o->nowned; i++) {
        QL_TRY(qli_trash_index(cx, o->owned[i]));
    }
    QL_TRY(qli_trash_counters(cx, o->id));
    return erase_building(cx, o);
}

static const char not_trashed[] =
    "What a build left could not be given to the purger; the next start will";

/* Nobody asks for errors here; the statement has its own. Nobody waits either: the table that was
 * to be changed is free at once. */
static void
discard(ql_ctx *cx, const qli_object *o)
{
    struct ql_diag *diag = cx->diag;
    ql_txn *saved = cx->txn;
    cx->diag = ql_diag_new();
    if (cx->diag && ql_beside_begin(cx, false) == QL_OK) {
        ql_beside_set_lazy(cx); /* lost in a crash: the record is found at start */
        if (trash_building(cx, o) == QL_OK) {
            ql_beside_commit_left(cx, not_trashed);
        } else {
            ql_txn_rollback(cx);
            ql_log_write(cx->inst->log, QL_LOG_WARNING, "%s", not_trashed);
        }
    }
    cx->txn = saved;
    ql_diag_free(cx->diag);
    cx->diag = diag;
}

void
ql_catalog_build_end(ql_ctx *cx, ql_building *b)
{
    if (!b) {
        return;
    }
    if (!b->kept && b->object.id) {
        ql_hold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
        ql_status ignored = QL_SYNC(cx, BUILD_ENDED);
        (void)ignored;
        ql_unhold(cx, QL_INTR_STMT_MASK | QL_INTR_CONN_MASK);
        discard(cx, &b->object);
    }
    if (b->table->building == b) {
        b->table->building = NULL;
    }
    ql_table_put(b->table);
    ql_mem_free(b);
}

/* --- start ----------------------------------------------------------------------------------- */

uint64_t
qli_building_last_id(ql_ctx *cx, ql_str value)
{
    qli_object o;
    bool whole;
    if (qli_decode_object(cx, cx->arena, value, &o, &whole) != QL_OK || !whole) {
        ql_diag_clear_error(cx->diag);
        return 0;
    }
    uint64_t last = o.id;
    for (size_t i = 0; i < o.nowned; i++) {
        last = o.owned[i] > last ? o.owned[i] : last;
    }
    return last;
}

/* Into cx->txn; *n builds, one that is damaged stays. */
static ql_status
sweep(ql_ctx *cx, uint64_t *n)
{
    ql_txn_cursor *cur = NULL;
    ql_buf from = {0};
    ql_str k, v;
    ql_status st;
    QL_TRY_TO(st, qli_key_begin(cx, &from, QLI_IX_BUILDING), out);
    QL_TRY_TO(st, ql_txn_cursor_open(cx, QL_VIEW_STATEMENT, &cur), out);
    st = ql_txn_seek_ge(cx, cur, qli_buf_str(&from), &k, &v);
    while (st == QL_OK && k.n >= from.n && memcmp(k.p, from.p, from.n) == 0) {
        qli_object o;
        bool whole;
        QL_TRY_TO(st, ql_check(cx), out);
        QL_TRY_TO(st, qli_decode_object(cx, cx->arena, v, &o, &whole), out);
        if (whole) {
            QL_TRY_TO(st, trash_building(cx, &o), out);
            ++*n;
        }
        st = ql_txn_next(cx, cur, &k, &v);
    }
    st = st == QL_END ? QL_OK : st;
out:
    ql_txn_cursor_close(cur);
    ql_buf_free(&from);
    return st;
}

#define SWEEP_SPACE ((uint64_t)1 << 20)

ql_status
ql_catalog_sweep_builds(ql_ctx *cx)
{
    uint64_t n = 0;
    if (cx->inst->space && ql_space_is_low(cx->inst->space, SWEEP_SPACE)) {
        return QL_OK; /* a full disk does not keep the server from starting */
    }
    QL_TRY(ql_txn_begin(cx, QL_REPEATABLE_READ, false));
    ql_status st = ql_txn_stmt_begin(cx);
    st = st == QL_OK ? sweep(cx, &n) : st;
    if (st != QL_OK) {
        ql_txn_rollback(cx);
        return st;
    }
    ql_txn_stmt_end(cx);
    QL_TRY(ql_txn_commit(cx));
    if (n) {
        ql_log_write(cx->inst->log, QL_LOG_WARNING,
                     "%llu tables or indexes were being built when the server ended: what is there "
                     "of them is removed in the background",
                     (unsigned long long)n);
    }
    return QL_OK;
}
