/* SPDX-License-Identifier: Apache-2.0
 *
 * Listing the process list. Under a shard's mutex only references to its rows are taken; under a
 * row's mutex only references to its texts; all copying happens without any lock, so neither the
 * sessions nor a kill wait for a listing. Runs on the session that lists.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bulk.h"
#include "base/thread.h"
#include "intr/proc_int.h"

#define COPIED_MOST 1024u /* bytes; of longer texts a reference is kept */
#define CHECK_EVERY 256
#define SNAPSHOT_TRIES 100

const char *
ql_proc_command_text(ql_proc_command c)
{
    static const char *const names[QL_PC_COUNT] = {
        [QL_PC_SLEEP] = "Sleep",
        [QL_PC_QUIT] = "Quit",
        [QL_PC_INIT_DB] = "Init DB",
        [QL_PC_QUERY] = "Query",
        [QL_PC_FIELD_LIST] = "Field List",
        [QL_PC_CREATE_DB] = "Create DB",
        [QL_PC_DROP_DB] = "Drop DB",
        [QL_PC_REFRESH] = "Refresh",
        [QL_PC_SHUTDOWN] = "Shutdown",
        [QL_PC_STATISTICS] = "Statistics",
        [QL_PC_PROCESSLIST] = "Processlist",
        [QL_PC_CONNECT] = "Connect",
        [QL_PC_KILL] = "Kill",
        [QL_PC_DEBUG] = "Debug",
        [QL_PC_PING] = "Ping",
        [QL_PC_TIME] = "Time",
        [QL_PC_DELAYED_INSERT] = "Delayed insert",
        [QL_PC_CHANGE_USER] = "Change user",
        [QL_PC_BINLOG_DUMP] = "Binlog Dump",
        [QL_PC_TABLE_DUMP] = "Table Dump",
        [QL_PC_CONNECT_OUT] = "Connect Out",
        [QL_PC_REGISTER_REPLICA] = "Register Replica",
        [QL_PC_PREPARE] = "Prepare",
        [QL_PC_EXECUTE] = "Execute",
        [QL_PC_LONG_DATA] = "Long Data",
        [QL_PC_CLOSE_STMT] = "Close stmt",
        [QL_PC_RESET_STMT] = "Reset stmt",
        [QL_PC_SET_OPTION] = "Set option",
        [QL_PC_FETCH] = "Fetch",
        [QL_PC_DAEMON] = "Daemon",
        [QL_PC_BINLOG_DUMP_GTID] = "Binlog Dump GTID",
        [QL_PC_RESET_CONNECTION] = "Reset Connection",
    };
    return (unsigned)c < QL_PC_COUNT ? names[c] : "Error";
}

const char *
ql_stage_text(ql_stage s)
{
    static const char *const names[QL_STAGE_COUNT] = {
        [QL_STAGE_NONE] = "",
        [QL_STAGE_STARTING] = "starting",
        [QL_STAGE_INIT] = "init",
        [QL_STAGE_OPENING] = "Opening tables",
        [QL_STAGE_OPTIMIZING] = "optimizing",
        [QL_STAGE_EXECUTING] = "executing",
        [QL_STAGE_UPDATE] = "update",
        [QL_STAGE_UPDATING] = "updating",
        [QL_STAGE_SORTING] = "Creating sort index",
        [QL_STAGE_TMP_TABLE] = "Copying to tmp table",
        [QL_STAGE_CREATING] = "creating table",
        [QL_STAGE_COPY_TABLE] = "copy to tmp table",
        [QL_STAGE_ALTERING] = "altering table",
        [QL_STAGE_CHECKING] = "Checking table",
        [QL_STAGE_ANALYZING] = "Analyzing",
        [QL_STAGE_REPAIRING] = "Repair by sorting",
        [QL_STAGE_ROLLING_BACK] = "Rolling back",
        [QL_STAGE_QUERY_END] = "query end",
        [QL_STAGE_FREEING] = "freeing items",
        [QL_STAGE_LOGIN] = "login",
    };
    return (unsigned)s < QL_STAGE_COUNT ? names[s] : "";
}

/* What a row shows, taken under its mutex; the texts are references. */
typedef struct row_view {
    qli_text *user, *host, *db, *info;
    uint64_t account_flags, memory_used;
    bool authenticated, killed;
} row_view;

static qli_text *
text_get(qli_text *t)
{
    if (t != NULL) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    }
    return t;
}

/* False: the row has gone. */
static bool
take_view(ql_proc *row, row_view *v)
{
    *v = (row_view){0};
    ql_mutex_lock(&row->mu);
    bool there = row->in != NULL;
    if (there) {
        uint32_t raised = atomic_load_explicit(&row->in->raised, memory_order_relaxed);
        v->killed = (raised & QL_INTR_CONN_MASK) != 0;
        v->user = text_get(row->user);
        v->host = text_get(row->host);
        v->db = text_get(row->db);
        v->info = text_get(row->info);
        v->account_flags = row->account_flags;
        v->authenticated = row->authenticated;
        const ql_quota *q = row->quota;
        v->memory_used = q != NULL ? atomic_load_explicit(&q->used, memory_order_relaxed) : 0;
        if (q != NULL && q->beside != NULL) {
            v->memory_used += atomic_load_explicit(&q->beside->used, memory_order_relaxed);
        }
    }
    ql_mutex_unlock(&row->mu);
    return there;
}

static void
drop_view(row_view *v)
{
    qli_text_put(v->user);
    qli_text_put(v->host);
    qli_text_put(v->db);
    qli_text_put(v->info);
}

static ql_status
copy_text(ql_ctx *cx, ql_arena *a, const qli_text *t, ql_str *out)
{
    *out = (ql_str){NULL, 0};
    if (t == NULL) {
        return QL_OK;
    }
    out->p = ql_arena_strndup(cx, a, t->p, t->n);
    out->n = t->n;
    return out->p != NULL ? QL_OK : QL_ERROR;
}

static void
drop_text(void *t)
{
    qli_text_put(t);
}

/* A statement may be as long as a packet: who lists, or only kills, does not copy that. */
static ql_status
refer_text(ql_ctx *cx, ql_arena *a, qli_text *t, ql_str *out)
{
    if (t == NULL || t->n <= COPIED_MOST) {
        return copy_text(cx, a, t, out);
    }
    if (ql_arena_defer(cx, a, drop_text, text_get(t)) != QL_OK) {
        qli_text_put(t);
        return QL_ERROR;
    }
    *out = (ql_str){t->p, t->n};
    return QL_OK;
}

static ql_status
copy_texts(ql_ctx *cx, ql_arena *a, const row_view *v, ql_proc_info *out)
{
    QL_TRY(copy_text(cx, a, v->user, &out->user));
    QL_TRY(copy_text(cx, a, v->host, &out->host));
    QL_TRY(copy_text(cx, a, v->db, &out->db));
    return refer_text(cx, a, v->info, &out->info);
}

static int64_t
age_ms(int64_t now, int64_t start)
{
    return start == 0 ? -1 : now > start ? (now - start) / 1000000 : 0;
}

static const char *
state_of(const ql_proc *row)
{
    int wait = atomic_load_explicit(&row->wait, memory_order_relaxed);
    if (wait != QL_W_NONE) {
        const char *own = atomic_load_explicit(&row->wait_text, memory_order_relaxed);
        const char *text = own != NULL ? own : ql_wait_state_text((ql_wait_kind)wait);
        if (text[0] != '\0') {
            return text;
        }
    }
    return ql_stage_text((ql_stage)atomic_load_explicit(&row->stage, memory_order_relaxed));
}

static void
copy_trx(const ql_proc_trx *t, ql_proc_info *out)
{
    out->trx_id = QL_PTRX_GET(t, id);
    out->trx_changed = QL_PTRX_GET(t, changed);
    out->trx_locks = QL_PTRX_GET(t, locks);
    out->trx_lock_bytes = QL_PTRX_GET(t, lock_bytes);
    out->trx_wait_lock = QL_PTRX_GET(t, wait_lock);
    out->trx_flags = QL_PTRX_GET(t, flags);
    out->tables_used = QL_PTRX_GET(t, tables_used);
    out->tables_wrote = QL_PTRX_GET(t, tables_wrote);
}

/* Command and query id of one moment: while Command is Query there is an id (the owner sets the id
 * first and takes it away last). Gives up on a session that is too fast. */
static ql_proc_command
command_and_query(const ql_proc *row, uint64_t *query_id)
{
    ql_proc_command c = QL_PC_SLEEP;
    for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
        *query_id = atomic_load_explicit(&row->query_id, memory_order_acquire);
        c = (ql_proc_command)atomic_load_explicit(&row->command, memory_order_acquire);
        bool same = *query_id == atomic_load_explicit(&row->query_id, memory_order_acquire);
        if (same && (c != QL_PC_QUERY || *query_id != 0)) {
            break;
        }
    }
    return c;
}

static void
copy_numbers(const ql_proc *row, const row_view *v, ql_proc_info *out)
{
    int64_t now = ql_now_mono_ns();
    out->id = row->id;
    ql_proc_command command = command_and_query(row, &out->query_id);
    out->command = v->killed ? "Killed" : ql_proc_command_text(command);
    out->time_ms = age_ms(now, atomic_load_explicit(&row->command_ns, memory_order_relaxed));
    out->state = state_of(row);
    out->rows_examined = atomic_load_explicit(&row->examined, memory_order_relaxed);
    out->rows_sent = atomic_load_explicit(&row->sent, memory_order_relaxed);
    out->work_done = atomic_load_explicit(&row->work_done, memory_order_relaxed);
    out->work_estimated = atomic_load_explicit(&row->work_estimated, memory_order_relaxed);
    out->memory_used = v->memory_used;
    out->waits_for = atomic_load_explicit(&row->waits_for, memory_order_relaxed);
    out->account_flags = v->account_flags;
    out->trx_age_ms = age_ms(now, atomic_load_explicit(&row->trx_ns, memory_order_relaxed));
    out->snapshot_age_ms =
        age_ms(now, atomic_load_explicit(&row->snapshot_ns, memory_order_relaxed));
    out->commit_state = atomic_load_explicit(&row->commit_state, memory_order_relaxed);
    out->authenticated = v->authenticated;
    out->wait = (ql_wait_kind)atomic_load_explicit(&row->wait, memory_order_relaxed);
    out->wait_age_ms = age_ms(now, atomic_load_explicit(&row->waits_for_ns, memory_order_relaxed));
    copy_trx(&row->trx, out);
}

/* QL_END: the row has gone. */
static ql_status
copy_row(ql_ctx *cx, ql_arena *a, ql_proc *row, ql_proc_info *out)
{
    row_view v;
    if (!take_view(row, &v)) {
        return QL_END;
    }
    *out = (ql_proc_info){0};
    copy_numbers(row, &v, out);
    if (out->query_id == 0) { /* the text of a statement that has ended */
        qli_text_put(v.info);
        v.info = NULL;
    }
    ql_status st = copy_texts(cx, a, &v, out);
    drop_view(&v);
    return st;
}

static void
row_get(ql_proc *row)
{
    atomic_fetch_add_explicit(&row->refs, 1, memory_order_relaxed);
}

/* [m_shard] At most room references; false when there are more rows. */
static bool
take_rows(qli_proc_shard *shard, ql_proc **rows, size_t room, size_t *n)
{
    *n = 0;
    if (shard->rows.count > room) {
        return false;
    }
    for (size_t b = 0; b < shard->rows.nbuckets; b++) {
        for (ql_hash_node *node = shard->rows.buckets[b]; node != NULL; node = node->next) {
            row_get((ql_proc *)node);
            rows[(*n)++] = (ql_proc *)node;
        }
    }
    return true;
}

/* References to all rows of one shard, in an array of the arena. */
static ql_status
refer_shard(ql_ctx *cx, ql_arena *a, qli_proc_shard *shard, ql_proc ***rows, size_t *n)
{
    for (;;) {
        ql_mutex_lock(&shard->mu);
        size_t room = shard->rows.count + 8;
        ql_mutex_unlock(&shard->mu);
        *rows = QL_ARENA_ARRAY(cx, a, ql_proc *, room);
        if (*rows == NULL) {
            return QL_ERROR;
        }
        ql_mutex_lock(&shard->mu);
        bool all = take_rows(shard, *rows, room, n);
        ql_mutex_unlock(&shard->mu);
        if (all) {
            return QL_OK;
        }
    }
}

typedef struct row_list {
    ql_proc_info *rows;
    size_t n, cap;
} row_list;

static ql_status
make_room(ql_ctx *cx, ql_arena *a, row_list *list, size_t more)
{
    if (list->cap - list->n >= more) {
        return QL_OK;
    }
    size_t cap = list->cap * 2 > list->n + more ? list->cap * 2 : list->n + more;
    ql_proc_info *rows = QL_ARENA_ARRAY(cx, a, ql_proc_info, cap);
    if (rows == NULL) {
        return QL_ERROR;
    }
    if (list->n != 0) {
        memcpy(rows, list->rows, list->n * sizeof *rows);
    }
    list->rows = rows;
    list->cap = cap;
    return QL_OK;
}

static ql_status
list_shard(ql_ctx *cx, ql_arena *a, qli_proc_shard *shard, row_list *list)
{
    ql_proc **rows;
    size_t n = 0;
    QL_TRY(refer_shard(cx, a, shard, &rows, &n));
    ql_status st = make_room(cx, a, list, n);
    for (size_t i = 0; i < n; i++) {
        if (st == QL_OK && i % CHECK_EVERY == 0) {
            st = ql_check(cx);
        }
        if (st == QL_OK) {
            st = copy_row(cx, a, rows[i], &list->rows[list->n]);
            list->n += st == QL_OK;
            st = st == QL_END ? QL_OK : st;
        }
        qli_proc_put(rows[i]);
    }
    return st;
}

static int
compare_ids(const void *x, const void *y)
{
    uint64_t a = ((const ql_proc_info *)x)->id, b = ((const ql_proc_info *)y)->id;
    return (a > b) - (a < b);
}

ql_status
ql_procs_list(ql_ctx *cx, ql_procs *ps, ql_arena *a, ql_proc_info **rows, size_t *n)
{
    row_list list = {0};
    QL_TRY(make_room(cx, a, &list, ql_procs_count(ps) + 16));
    for (size_t i = 0; i < QLI_PROC_SHARDS; i++) {
        QL_TRY(list_shard(cx, a, &ps->shards[i], &list));
    }
    QL_TRY(ql_bulk_sort(cx, a, list.rows, list.n, sizeof *list.rows, compare_ids));
    *rows = list.rows;
    *n = list.n;
    return QL_OK;
}

ql_status
ql_procs_find(ql_ctx *cx, ql_procs *ps, uint64_t id, ql_arena *a, ql_proc_info *row)
{
    qli_proc_shard *shard = qli_proc_shard_of(ps, id);
    ql_mutex_lock(&shard->mu);
    ql_proc *found = qli_proc_lookup(shard, id);
    if (found != NULL) {
        row_get(found);
    }
    ql_mutex_unlock(&shard->mu);
    if (found == NULL) {
        return QL_END;
    }
    ql_status st = copy_row(cx, a, found, row);
    qli_proc_put(found);
    return st;
}
