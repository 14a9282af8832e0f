/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the process list and raising reasons by id. A raise happens under the shard's mutex, so
 * it cannot reach a session that has removed its row; nothing long is done under that mutex, so a
 * kill never waits behind a listing (proc_list.c).
 */
#include "intr/proc.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/thread.h"
#include "intr/ask.h"
#include "intr/intr_int.h"
#include "intr/netio.h"
#include "intr/proc_int.h"
#include "intr/progress.h"

#define COPY_PIECE ((size_t)64 << 10) /* between two looks */

qli_proc_shard *
qli_proc_shard_of(ql_procs *ps, uint64_t id)
{
    return &ps->shards[id % QLI_PROC_SHARDS];
}

ql_proc *
qli_proc_lookup(qli_proc_shard *shard, uint64_t id)
{
    ql_hash_node *node = ql_hash_first(&shard->rows, ql_hash_u64(id));
    while (node != NULL && ((ql_proc *)node)->id != id) {
        node = ql_hash_next(node);
    }
    return (ql_proc *)node; /* node is the first member */
}

void
ql_procs_free(ql_procs *ps)
{
    if (ps == NULL) {
        return;
    }
    for (size_t i = 0; i < QLI_PROC_SHARDS; i++) {
        qli_gone_forget_all(&ps->shards[i]);
        ql_hash_fini(&ps->shards[i].rows);
        ql_mutex_fini(&ps->shards[i].mu);
    }
    ql_mem_free(ps);
}

ql_procs *
ql_procs_new(void)
{
    ql_procs *ps = ql_mem_zalloc(sizeof *ps);
    if (ps == NULL) {
        return NULL;
    }
    ql_status st = QL_OK;
    for (size_t i = 0; i < QLI_PROC_SHARDS; i++) {
        ql_mutex_init(&ps->shards[i].mu, QL_RANK_PROCS);
        if (st == QL_OK) {
            st = ql_hash_init(NULL, &ps->shards[i].rows, 0);
        }
    }
    if (st != QL_OK) {
        ql_procs_free(ps);
        return NULL;
    }
    return ps;
}

/* ---- texts ---- */

void
qli_text_put(qli_text *t)
{
    if (t != NULL && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        ql_mem_free(t);
    }
}

/* NULL for a NULL string, and without memory: then the column is shown as NULL. */
static qli_text *
new_text(ql_str s)
{
    qli_text *t = s.p != NULL ? ql_mem_alloc(sizeof *t + s.n + 1) : NULL;
    if (t != NULL) {
        atomic_init(&t->refs, 1);
        t->n = s.n;
        memcpy(t->p, s.p, s.n);
        t->p[s.n] = '\0';
    }
    return t;
}

static void
put_text(ql_proc *row, qli_text **slot, qli_text *fresh)
{
    ql_mutex_lock(&row->mu);
    qli_text *old = *slot;
    *slot = fresh;
    ql_mutex_unlock(&row->mu);
    qli_text_put(old);
}

static void
replace_text(ql_proc *row, qli_text **slot, ql_str s)
{
    put_text(row, slot, new_text(s));
}

/* As new_text, with looks at the kill flag: a statement may be as long as max_allowed_packet. */
static ql_status
new_long_text(ql_ctx *cx, ql_str s, qli_text **out)
{
    if (s.p == NULL || s.n <= COPY_PIECE) {
        *out = new_text(s);
        return QL_OK;
    }
    qli_text *t = *out = ql_mem_alloc(sizeof *t + s.n + 1);
    if (t == NULL) {
        return QL_OK;
    }
    atomic_init(&t->refs, 1);
    t->n = s.n;
    for (size_t at = 0, n; at < s.n; at += n) {
        n = s.n - at < COPY_PIECE ? s.n - at : COPY_PIECE;
        memcpy(t->p + at, s.p + at, n);
        ql_status st = ql_check(cx);
        if (st != QL_OK) {
            ql_mem_free(t);
            return st;
        }
    }
    t->p[s.n] = '\0';
    return QL_OK;
}

/* ---- life of a row ---- */

void
qli_proc_put(ql_proc *row)
{
    if (atomic_fetch_sub_explicit(&row->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    qli_text_put(row->user);
    qli_text_put(row->host);
    qli_text_put(row->db);
    qli_text_put(row->info);
    qli_client_put(row->client);
    ql_mutex_fini(&row->mu);
    ql_mem_free(row);
}

void
ql_proc_set_owner_cuts(ql_proc *row)
{
    atomic_store_explicit(&row->owner_cuts, true, memory_order_relaxed);
}

ql_proc *
ql_proc_add(ql_ctx *cx, ql_procs *ps, ql_intr *in, int net_fd, const char *host)
{
    ql_proc *row = ql_mem_zalloc(sizeof *row);
    if (row == NULL) {
        (void)ql_fail_oom(cx, sizeof *row);
        return NULL;
    }
    ql_mutex_init(&row->mu, QL_RANK_PROC);
    row->id = atomic_fetch_add_explicit(&ps->next_id, 1, memory_order_relaxed) + 1;
    row->in = in;
    in->accepts = &ps->accepts;
    row->net_fd = net_fd;
    atomic_init(&row->refs, 1);
    row->user = new_text(QL_STR("unauthenticated user"));
    row->host = new_text((ql_str){host, host != NULL ? strlen(host) : 0});
    ql_proc_set_command(row, QL_PC_CONNECT);
    qli_proc_shard *shard = qli_proc_shard_of(ps, row->id);
    ql_mutex_lock(&shard->mu);
    ql_hash_insert(&shard->rows, &row->node, ql_hash_u64(row->id));
    ql_mutex_unlock(&shard->mu);
    atomic_fetch_add_explicit(&ps->count, 1, memory_order_relaxed);
    return row;
}

void
ql_proc_remove(ql_procs *ps, ql_proc *row)
{
    qli_proc_shard *shard = qli_proc_shard_of(ps, row->id);
    ql_mutex_lock(&shard->mu);
    ql_hash_remove(&shard->rows, &row->node);
    ql_mutex_lock(&row->mu);
    row->in = NULL;
    row->quota = NULL;
    ql_mutex_unlock(&row->mu);
    qli_gone_remember(shard, row);
    ql_mutex_unlock(&shard->mu);
    atomic_fetch_sub_explicit(&ps->count, 1, memory_order_relaxed);
    qli_proc_put(row);
}

uint64_t
ql_proc_id(const ql_proc *row)
{
    return row->id;
}

size_t
ql_procs_count(ql_procs *ps)
{
    return atomic_load_explicit(&ps->count, memory_order_relaxed);
}

uint64_t
ql_procs_next_stmt_id(ql_procs *ps)
{
    return atomic_fetch_add_explicit(&ps->next_stmt_id, 1, memory_order_relaxed) + 1;
}

/* ---- the owner's updates ---- */

void
ql_proc_set_user(ql_proc *row, ql_str user, ql_str host, uint64_t account_flags)
{
    replace_text(row, &row->user, user);
    if (host.p != NULL) {
        replace_text(row, &row->host, host);
    }
    ql_mutex_lock(&row->mu);
    row->account_flags = account_flags;
    row->authenticated = true;
    ql_mutex_unlock(&row->mu);
}

void
ql_proc_set_db(ql_proc *row, ql_str db)
{
    replace_text(row, &row->db, db);
}

void
ql_proc_set_command(ql_proc *row, ql_proc_command command)
{
    atomic_store_explicit(&row->command, (int)command, memory_order_release);
    atomic_store_explicit(&row->command_ns, ql_now_mono_ns(), memory_order_relaxed);
}

void
ql_proc_set_query_id(ql_proc *row, uint64_t stmt_id)
{
    uint64_t old = atomic_load_explicit(&row->query_id, memory_order_relaxed);
    if (stmt_id != 0 && stmt_id != old) {
        atomic_store_explicit(&row->examined, 0, memory_order_relaxed);
        atomic_store_explicit(&row->sent, 0, memory_order_relaxed);
        ql_proc_set_work(row, 0);
    }
    atomic_store_explicit(&row->query_id, stmt_id, memory_order_release);
}

ql_status
ql_proc_set_info(ql_ctx *cx, ql_proc *row, ql_str text)
{
    qli_text *fresh;
    QL_TRY(new_long_text(cx, text, &fresh));
    put_text(row, &row->info, fresh);
    return QL_OK;
}

void
ql_proc_forget_info(ql_proc *row)
{
    put_text(row, &row->info, NULL);
}

uint64_t
ql_proc_query_id(const ql_proc *row)
{
    return atomic_load_explicit(&row->query_id, memory_order_relaxed);
}

size_t
ql_proc_copy_statement(ql_proc *row, char *p, size_t n)
{
    ql_mutex_lock(&row->mu);
    size_t len = row->info != NULL ? row->info->n : 0;
    len = len < n ? len : n;
    if (len != 0) {
        memcpy(p, row->info->p, len);
    }
    ql_mutex_unlock(&row->mu);
    return len;
}

void
ql_proc_set_stage(ql_proc *row, ql_stage stage)
{
    atomic_store_explicit(&row->stage, (int)stage, memory_order_relaxed);
}

void
ql_proc_set_wait(ql_proc *row, ql_wait_kind kind)
{
    atomic_store_explicit(&row->wait, (int)kind, memory_order_relaxed);
}

void
ql_proc_set_wait_text(ql_proc *row, const char *text)
{
    atomic_store_explicit(&row->wait_text, text, memory_order_relaxed);
}

void
ql_proc_set_waits_for(ql_proc *row, uint64_t conn_id)
{
    if ((conn_id != 0) != (atomic_load_explicit(&row->waits_for, memory_order_relaxed) != 0)) {
        int64_t since = conn_id != 0 ? ql_now_mono_ns() : 0;
        atomic_store_explicit(&row->waits_for_ns, since, memory_order_relaxed);
    }
    atomic_store_explicit(&row->waits_for, conn_id, memory_order_relaxed);
}

ql_proc_trx *
ql_proc_trx_of(ql_proc *row)
{
    return &row->trx;
}

void
ql_proc_set_trx(ql_proc *row, int64_t start_mono_ns, const char *commit_state)
{
    atomic_store_explicit(&row->trx_ns, start_mono_ns, memory_order_relaxed);
    atomic_store_explicit(&row->commit_state, commit_state, memory_order_relaxed);
}

void
ql_proc_set_snapshot(ql_proc *row, int64_t start_mono_ns)
{
    atomic_store_explicit(&row->snapshot_ns, start_mono_ns, memory_order_relaxed);
}

static void
add_to(_Atomic uint64_t *sum, uint64_t more)
{
    uint64_t v = atomic_load_explicit(sum, memory_order_relaxed);
    atomic_store_explicit(sum, v + more, memory_order_relaxed); /* one writer */
}

void
ql_proc_add_rows(ql_proc *row, uint64_t examined, uint64_t sent)
{
    add_to(&row->examined, examined);
    add_to(&row->sent, sent);
}

void
ql_proc_set_work(ql_proc *row, uint64_t estimated)
{
    atomic_store_explicit(&row->work_done, 0, memory_order_relaxed);
    atomic_store_explicit(&row->work_estimated, estimated, memory_order_relaxed);
}

void
ql_proc_add_work(ql_proc *row, uint64_t n)
{
    add_to(&row->work_done, n);
    if (row->told != NULL) {
        row->told(row->told_arg);
    }
}

void
ql_proc_tell_work(ql_proc *row, void (*told)(void *arg), void *arg)
{
    row->told = told;
    row->told_arg = arg;
}

uint32_t
ql_proc_work_share(const ql_proc *row, ql_stage *stage)
{
    uint64_t all = atomic_load_explicit(&row->work_estimated, memory_order_relaxed);
    uint64_t done = atomic_load_explicit(&row->work_done, memory_order_relaxed);
    *stage = (ql_stage)atomic_load_explicit(&row->stage, memory_order_relaxed);
    return all == 0      ? UINT32_MAX
           : done >= all ? 100000
                         : (uint32_t)((double)done / (double)all * 100000);
}

void
ql_proc_set_memory(ql_proc *row, const struct ql_quota *quota)
{
    ql_mutex_lock(&row->mu);
    row->quota = quota;
    ql_mutex_unlock(&row->mu);
}

/* ---- raising ---- */

/* [m_shard] */
static ql_raise_result
raise_row(ql_proc *row, uint64_t stmt_id, uint32_t reasons, bool cut, uint64_t late_as)
{
    const uint32_t polite = QL_INTR_SHUTDOWN | QL_INTR_IDLE; /* the owner still says good-bye */
    cut = cut && !atomic_load_explicit(&row->owner_cuts, memory_order_relaxed) &&
          (reasons & QL_INTR_CONN_MASK & ~polite) != 0;
    qli_hit hit = qli_intr_raise_cut(row->in, reasons, stmt_id, late_as, cut ? row->net_fd : -1);
    uint32_t raised = atomic_load_explicit(&row->in->raised, memory_order_relaxed);
    if (hit == QLI_HIT || (raised & QL_INTR_CONN_MASK) != 0) {
        return QL_RAISE_DONE;
    }
    return hit == QLI_SPARED ? QL_RAISE_SPARED : QL_RAISE_IDLE;
}

uint64_t
ql_procs_accept(ql_procs *ps)
{
    return atomic_fetch_add_explicit(&ps->accepts, 1, memory_order_acq_rel) + 1;
}

ql_raise_result
ql_procs_raise(ql_procs *ps, uint64_t id, uint64_t stmt_id, uint32_t reasons, bool cut,
               uint64_t late_as)
{
    ql_raise_result result = QL_RAISE_NO_THREAD;
    qli_proc_shard *shard = qli_proc_shard_of(ps, id);
    ql_mutex_lock(&shard->mu);
    ql_proc *row = qli_proc_lookup(shard, id);
    if (row != NULL) {
        result = raise_row(row, stmt_id, reasons, cut, late_as);
    }
    ql_mutex_unlock(&shard->mu);
    return result;
}

ql_raise_result
ql_procs_raise_running(ql_procs *ps, uint64_t id, uint32_t reasons)
{
    ql_raise_result result = QL_RAISE_NO_THREAD;
    qli_proc_shard *shard = qli_proc_shard_of(ps, id);
    ql_mutex_lock(&shard->mu);
    ql_proc *row = qli_proc_lookup(shard, id);
    if (row != NULL) {
        uint64_t running = atomic_load_explicit(&row->in->stmt_id, memory_order_relaxed);
        result = running != 0 ? raise_row(row, running, reasons, true, 0) : QL_RAISE_IDLE;
    }
    ql_mutex_unlock(&shard->mu);
    return result;
}

ql_raise_result
ql_procs_ask(ql_procs *ps, uint64_t id, ql_ask *a)
{
    ql_raise_result result = QL_RAISE_NO_THREAD;
    qli_proc_shard *shard = qli_proc_shard_of(ps, id);
    ql_mutex_lock(&shard->mu);
    ql_proc *row = qli_proc_lookup(shard, id);
    if (row != NULL) {
        result = ql_intr_ask(row->in, a) ? QL_RAISE_DONE : QL_RAISE_IDLE;
    }
    ql_mutex_unlock(&shard->mu);
    return result;
}

typedef void row_visitor(void *arg, ql_proc *row);

/* visit each row under its shard's mutex. */
static void
each_row(ql_procs *ps, row_visitor *visit, void *arg)
{
    for (size_t i = 0; i < QLI_PROC_SHARDS; i++) {
        qli_proc_shard *shard = &ps->shards[i];
        ql_mutex_lock(&shard->mu);
        for (size_t b = 0; b < shard->rows.nbuckets; b++) {
            for (ql_hash_node *n = shard->rows.buckets[b]; n != NULL; n = n->next) {
                visit(arg, (ql_proc *)n);
            }
        }
        ql_mutex_unlock(&shard->mu);
    }
}

typedef struct raise_arg {
    uint32_t reasons;
    bool cut;
} raise_arg;

static void
visit_raise(void *arg, ql_proc *row)
{
    const raise_arg *r = arg;
    (void)raise_row(row, 0, r->reasons, false, 0);
    if (r->cut && row->net_fd >= 0) {
        ql_net_shutdown_fd(row->net_fd);
    }
}

void
ql_procs_raise_all(ql_procs *ps, uint32_t reasons, bool cut)
{
    raise_arg arg = {reasons, cut};
    each_row(ps, visit_raise, &arg);
}

typedef struct fd_arg {
    void (*fn)(void *arg, uint64_t id, int fd);
    void *arg;
} fd_arg;

static void
visit_fd(void *arg, ql_proc *row)
{
    const fd_arg *f = arg;
    if (row->net_fd >= 0) {
        f->fn(f->arg, row->id, row->net_fd);
    }
}

void
ql_procs_each_fd(ql_procs *ps, void (*fn)(void *arg, uint64_t id, int fd), void *arg)
{
    fd_arg f = {fn, arg};
    each_row(ps, visit_fd, &f);
}

typedef struct stmt_arg {
    uint64_t stmt_id, conn_id;
} stmt_arg;

static void
visit_stmt(void *arg, ql_proc *row)
{
    stmt_arg *s = arg;
    if (atomic_load_explicit(&row->in->stmt_id, memory_order_relaxed) == s->stmt_id) {
        s->conn_id = row->id;
    }
}

uint64_t
ql_procs_conn_of_stmt(ql_procs *ps, uint64_t stmt_id)
{
    stmt_arg s = {stmt_id, 0};
    if (stmt_id != 0) {
        each_row(ps, visit_stmt, &s);
    }
    return s.conn_id;
}
