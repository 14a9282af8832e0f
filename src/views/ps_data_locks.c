/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.data_locks: row locks, and for each transaction and table the intention lock
 * that InnoDB would show. Columns are those of MySQL 8.4. Runs on the session that looks.
 */
#include <inttypes.h>

#include "base/arena.h"
#include "base/hash.h"
#include "views/lockview_int.h"
#include "views/views_int.h"

#define CHECK_EVERY 1024u

#define COLUMNS(C)                                                                                 \
    C(ENGINE, 's', 32, NN)                                                                         \
    C(ENGINE_LOCK_ID, 's', 128, NN)                                                                \
    C(ENGINE_TRANSACTION_ID, 'u', 0, NUL)                                                          \
    C(THREAD_ID, 'u', 0, NUL)                                                                      \
    C(EVENT_ID, 'u', 0, NUL)                                                                       \
    C(OBJECT_SCHEMA, 's', 64, NUL)                                                                 \
    C(OBJECT_NAME, 's', 64, NUL)                                                                   \
    C(PARTITION_NAME, 's', 64, NUL)                                                                \
    C(SUBPARTITION_NAME, 's', 64, NUL)                                                             \
    C(INDEX_NAME, 's', 64, NUL)                                                                    \
    C(OBJECT_INSTANCE_BEGIN, 'u', 0, NN)                                                           \
    C(LOCK_TYPE, 's', 32, NN)                                                                      \
    C(LOCK_MODE, 's', 32, NN)                                                                      \
    C(LOCK_STATUS, 's', 32, NN)                                                                    \
    C(LOCK_DATA, 's', 8192, NUL)
QLI_COLUMNS(data_locks, COLUMNS);

static ql_status
add_lock(ql_ctx *cx, ql_view_rows *r, const ql_lock_view *l, char *id, ql_value **row)
{
    ql_value *v;
    if (!id) {
        return QL_ERROR;
    }
    QL_TRY(ql_view_row(cx, r, &v));
    qli_set_cstr(&v[COL_ENGINE], "INNODB");
    qli_set_cstr(&v[COL_ENGINE_LOCK_ID], id);
    v[COL_ENGINE_TRANSACTION_ID] = ql_value_uint(l->trx_id);
    if (l->conn_id) {
        v[COL_THREAD_ID] = ql_value_uint(l->conn_id);
    }
    if (l->table) {
        qli_set_str(&v[COL_OBJECT_SCHEMA], l->table->db);
        qli_set_str(&v[COL_OBJECT_NAME], l->table->name);
    }
    *row = v;
    return QL_OK;
}

static ql_status
add_row_lock(ql_ctx *cx, ql_view_rows *r, const ql_lock_view *l)
{
    ql_value *v;
    QL_TRY(add_lock(cx, r, l, ql_row_lock_id(cx, r->a, l->trx_id, l->lock_id), &v));
    if (l->index) {
        qli_set_str(&v[COL_INDEX_NAME], l->index->name);
    }
    v[COL_OBJECT_INSTANCE_BEGIN] = ql_value_uint(l->lock_id);
    qli_set_cstr(&v[COL_LOCK_TYPE], "RECORD");
    qli_set_cstr(&v[COL_LOCK_MODE], l->mode);
    qli_set_cstr(&v[COL_LOCK_STATUS], l->granted ? "GRANTED" : "WAITING");
    qli_set_opt_str(&v[COL_LOCK_DATA], l->data);
    return QL_OK;
}

/* Tables in which a transaction has row locks: each gets a row with the intention lock that InnoDB
 * would show. Open addressing; entries are the first lock seen of a transaction and table. */
typedef struct intentions {
    ql_lock_view **v;
    size_t n, size; /* size: a power of two */
} intentions;

static size_t
slot_of(const intentions *s, const ql_lock_view *l)
{
    uint64_t h = ql_hash_u64(l->trx_id ^ ql_hash_u64(l->table->id));
    size_t i = h & (s->size - 1);
    while (s->v[i] && (s->v[i]->trx_id != l->trx_id || s->v[i]->table != l->table)) {
        i = (i + 1) & (s->size - 1);
    }
    return i;
}

static ql_status
grow(ql_ctx *cx, ql_arena *a, intentions *s)
{
    intentions bigger = {.n = s->n, .size = s->size ? s->size * 2 : 64};
    bigger.v = QL_ARENA_ARRAY(cx, a, ql_lock_view *, bigger.size);
    if (!bigger.v) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < s->size; i++) {
        if (s->v[i]) {
            bigger.v[slot_of(&bigger, s->v[i])] = s->v[i];
        }
    }
    *s = bigger;
    return QL_OK;
}

/* One entry per transaction and table; marked exclusive when any of its locks is. */
static ql_status
note_intention(ql_ctx *cx, ql_arena *a, intentions *s, const ql_lock_view *l)
{
    if (!l->table) {
        return QL_OK;
    }
    if ((s->n + 1) * 2 > s->size) {
        QL_TRY(grow(cx, a, s));
    }
    ql_lock_view **at = &s->v[slot_of(s, l)];
    if (!*at) {
        *at = QL_ARENA_NEW(cx, a, ql_lock_view);
        if (!*at) {
            return QL_ERROR;
        }
        **at = *l;
        s->n++;
    }
    (*at)->exclusive |= l->exclusive;
    return QL_OK;
}

static ql_status
add_table_lock(ql_ctx *cx, ql_view_rows *r, const ql_lock_view *l)
{
    ql_value *v;
    char *id = ql_arena_printf(cx, r->a, "%" PRIu64 ":table:%" PRIu64, l->trx_id, l->table->id);
    QL_TRY(add_lock(cx, r, l, id, &v));
    v[COL_OBJECT_INSTANCE_BEGIN] = ql_value_uint(l->table->id);
    qli_set_cstr(&v[COL_LOCK_TYPE], "TABLE");
    qli_set_cstr(&v[COL_LOCK_MODE], l->exclusive ? "IX" : "IS");
    qli_set_cstr(&v[COL_LOCK_STATUS], "GRANTED");
    return QL_OK;
}

static ql_status
add_row_locks(ql_ctx *cx, ql_view_rows *r, const ql_lock_info *l, size_t n, intentions *tables)
{
    qli_lock_listing s;
    ql_lock_view v;
    ql_status st = qli_lock_listing_begin(cx, r->a, n, &s);
    for (size_t i = 0; st == QL_OK && i < n; i++) {
        QL_TRY_TO(st, i % CHECK_EVERY == 0 ? ql_check(cx) : QL_OK, out);
        QL_TRY_TO(st, qli_lock_listing_view(cx, &s, &l[i], &v), out);
        QL_TRY_TO(st, note_intention(cx, r->a, tables, &v), out);
        st = add_row_lock(cx, r, &v);
    }
out:
    qli_lock_listing_end(&s);
    return st;
}

ql_status
qli_fill_data_locks(ql_ctx *cx, ql_view_rows *r)
{
    intentions tables = {0};
    ql_lock_info *l;
    size_t n;
    QL_TRY(ql_txnsys_list_locks(cx, r->a, &l, &n));
    QL_TRY(add_row_locks(cx, r, l, n, &tables));
    for (size_t i = 0; i < tables.size; i++) {
        if (tables.v[i]) {
            QL_TRY(add_table_lock(cx, r, tables.v[i]));
        }
    }
    return QL_OK;
}
