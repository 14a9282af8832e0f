/* SPDX-License-Identifier: Apache-2.0
 *
 * The commit queue. One thread at a time has the role of the committer: it takes what is queued as
 * a group, applies it in one KV transaction with one durable sync, and tells the owners. A session
 * whose request is the first one leads one group of small sets, so that a commit changes no
 * threads; whatever may take long or has to wait (big sets, a full log or disk) is for the
 * committer's thread. A request is killable until it is TAKEN; a big one stays cancellable while
 * its rows go in. Full disk: the owners wait for space, each in its own session, and queue again.
 * Mutex: commit_mu (rank COMMIT), not held while applying.
 */
#include "txn/txn_int.h"

#include "base/arena.h"
#include "base/log.h"

#define BIG_ENTRIES                                                                                \
    4096u /* from here on a set is applied by itself and can be cancelled meanwhile */
#define ROWS_PER_LOOK 1024u
/* What a session leads fits into the redo log together: the group ends before it would not. */
#define LEAD_ENTRIES 3072u
#define LEAD_BYTES ((size_t)160 << 10)
#define SPACE_TRIES                                                                                \
    3 /* "disk full" with space to be seen: so often in a row, then it is an error */

/* --- the queue --- */

bool
qli_commit_is_big(const qli_commit_req *r)
{
    return r->big || r->entries > BIG_ENTRIES;
}

static bool
can_be_led(const qli_commit_req *r)
{
    return !r->alone && r->run == NULL && r->if_lost == NULL && r->entries <= LEAD_ENTRIES &&
           r->bytes <= LEAD_BYTES;
}

/* [commit_mu] Whoever has the role is done with it; it goes to who is first in the queue. */
static void
pass_role(ql_txnsys *ts)
{
    qli_commit_req *r = ts->queue_head;
    if (ts->handed != NULL || (r != NULL && !can_be_led(r))) {
        ts->role = QLI_CR_COMMITTER;
        ql_cv_signal(&ts->commit_work);
    } else if (r != NULL) {
        ts->role = QLI_CR_SESSION;
        r->leads = true;
        ql_cv_signal(&r->cv);
    } else {
        ts->role = QLI_CR_NOBODY;
    }
}

/* [commit_mu] */
static void
enqueue(ql_txnsys *ts, qli_commit_req *r)
{
    r->state = QLI_CS_QUEUED;
    r->next = NULL;
    r->prev = ts->queue_tail;
    if (ts->queue_tail != NULL) {
        ts->queue_tail->next = r;
    } else {
        ts->queue_head = r;
    }
    ts->queue_tail = r;
    if (ts->role == QLI_CR_NOBODY) {
        pass_role(ts);
    }
}

/* [commit_mu] */
static void
dequeue(ql_txnsys *ts, qli_commit_req *r)
{
    if (r->prev != NULL) {
        r->prev->next = r->next;
    } else {
        ts->queue_head = r->next;
    }
    if (r->next != NULL) {
        r->next->prev = r->prev;
    } else {
        ts->queue_tail = r->prev;
    }
    if (r->leads) {
        r->leads = false;
        pass_role(ts);
    }
}

static void
show_state(const qli_commit_req *r, const char *state)
{
    if (r->proc != NULL) {
        ql_proc_set_trx(r->proc, r->begin_ns, state);
    }
}

/* --- the role of the committer --- */

/* [commit_mu] The first request, and with it those behind that may share its KV transaction; a list
 * by next. */
static qli_commit_req *
take_group(ql_txnsys *ts)
{
    bool led = ts->role == QLI_CR_SESSION;
    qli_commit_req *first = ts->queue_head, *last = NULL;
    size_t n = 0, entries = 0, bytes = 0;
    for (qli_commit_req *r = first; r != NULL && n < ts->group_max; r = r->next) {
        entries += r->entries;
        bytes += r->bytes;
        if (n != 0 && (r->alone ||
                       (led && (!can_be_led(r) || entries > LEAD_ENTRIES || bytes > LEAD_BYTES)))) {
            break;
        }
        bool big = r->big;
        r->leads = false;
        r->state = big ? QLI_CS_APPLYING : QLI_CS_TAKEN;
        show_state(r, big ? "APPLYING" : "TAKEN");
        last = r;
        n++;
        if (r->alone) {
            break;
        }
    }
    if (last != NULL) {
        ts->queue_head = last->next;
        if (last->next != NULL) {
            last->next->prev = NULL;
        } else {
            ts->queue_tail = NULL;
        }
        last->next = NULL;
    }
    return first;
}

/* Once a thousand rows: shall a big one stop? */
static bool
is_cancelled(const qli_commit_req *r, size_t rows)
{
    return rows % ROWS_PER_LOOK == 0 && r->big &&
           atomic_load_explicit(&r->cancel, memory_order_relaxed);
}

static ql_status
put_entry(ql_ctx *cx, ql_kv_apply *a, const qli_entry *e)
{
    return e->deleted ? ql_kv_apply_del(cx, a, e->key) : ql_kv_apply_put(cx, a, e->key, e->value);
}

/* The common case: one layer, in memory. */
static ql_status
put_list(ql_ctx *cx, ql_kv_apply *a, const qli_commit_req *r, const qli_writeset *ws)
{
    size_t rows = 0;
    qli_wpos p = qli_wtree_first(&ws->tree);
    for (; p.at != NULL; qli_wtree_next(&ws->tree, &p)) {
        qli_entry e = {qli_wnode_key(p.at), qli_wnode_value(p.at), p.at->deleted};
        QL_TRY(put_entry(cx, a, &e));
        if (is_cancelled(r, ++rows)) {
            return QL_KILLED;
        }
    }
    return QL_OK;
}

/* Layers and their spilled parts as one sequence in key order, each key once. */
static ql_status
put_merged(ql_ctx *cx, ql_kv_apply *a, const qli_commit_req *r)
{
    qli_merge m;
    qli_entry e;
    size_t rows = 0;
    qli_merge_init(&m);
    ql_status st = qli_merge_over(cx, &m, NULL, r->layers, r->nlayers);
    if (st == QL_OK) {
        st = qli_merge_place(cx, &m, (ql_str){"", 0}, false);
    }
    while (st == QL_OK && qli_merge_choose(&m, &e)) {
        st = put_entry(cx, a, &e);
        if (st == QL_OK) {
            st = is_cancelled(r, ++rows) ? QL_KILLED : qli_merge_advance(cx, &m);
        }
    }
    qli_merge_fini(&m);
    return st;
}

static ql_status
put_request(ql_ctx *cx, ql_kv_apply *a, qli_commit_req *r)
{
    if (r->run != NULL) {
        return r->run(cx, a, r->arg);
    }
    if (r->nlayers == 1 && r->layers[0].spill == NULL) {
        return put_list(cx, a, r, &r->layers[0]);
    }
    return put_merged(cx, a, r);
}

/* The last look at the wish to cancel; afterwards the set is taken. */
static ql_status
pass_point_of_no_return(ql_txnsys *ts, qli_commit_req *r)
{
    ql_status st = QL_OK;
    if (!r->big) {
        return QL_OK;
    }
    ql_mutex_lock(&ts->commit_mu);
    if (atomic_load_explicit(&r->cancel, memory_order_relaxed)) {
        st = QL_KILLED;
    } else {
        r->state = QLI_CS_TAKEN;
        show_state(r, "TAKEN");
    }
    ql_mutex_unlock(&ts->commit_mu);
    return st;
}

/* Has anybody asked for what he commits to be durable when it returns? */
static bool
wants_sync(ql_txnsys *ts, const qli_commit_req *group)
{
    bool wanted = false;
    for (const qli_commit_req *r = group; r != NULL; r = r->next) {
        wanted |= !r->lazy;
    }
    return wanted && atomic_load_explicit(&ts->flush_mode, memory_order_relaxed) == 1;
}

/* Sync points hold the committer up in tests; being told to stop there changes nothing for a set
 * that is taken. */
static ql_status
put_and_commit(ql_ctx *cx, ql_txnsys *ts, ql_kv_apply *a, qli_commit_req *group,
               const ql_commit_rider *rider)
{
    ql_status st = QL_OK;
    for (qli_commit_req *r = group; st == QL_OK && r != NULL; r = r->next) {
        st = put_request(cx, a, r);
    }
    if (st == QL_OK && rider->put != NULL) {
        st = rider->put(cx, a, rider->arg);
    }
    if (st == QL_OK) {
        st = pass_point_of_no_return(ts, group);
    }
    if (st != QL_OK) {
        ql_kv_apply_abort(a);
        return st;
    }
    ql_status ignored = QL_SYNC(cx, COMMIT_AFTER_APPLY);
    (void)ignored;
    return ql_kv_apply_commit(cx, a, wants_sync(ts, group));
}

/* Errors are in cx->diag. QL_END: led by a session, and this is for the committer's thread. */
static ql_status
apply_group(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *group)
{
    ql_kv_apply *a;
    ql_diag_reset(cx->diag);
    QL_TRY(ql_kv_apply_begin(cx, ts->kv, &a));
    ql_mutex_lock(&ts->commit_mu);
    if (ts->role == QLI_CR_SESSION) {
        ql_kv_apply_keep_short(a);
    }
    ql_commit_rider rider = ts->rider; /* the purger commits before it is set, or while it is */
    ql_mutex_unlock(&ts->commit_mu);
    ql_status st = put_and_commit(cx, ts, a, group, &rider);
    if (rider.ended != NULL) {
        rider.ended(st == QL_OK, rider.arg);
    }
    return st;
}

static void
note_failure(ql_ctx *cx, qli_commit_req *r)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    r->code = c != NULL ? (ql_errcode)c->number : QL_ER_UNKNOWN_ERROR;
    size_t n = c != NULL ? strlen(c->text) : 0;
    n = n < sizeof r->text ? n : sizeof r->text - 1;
    memcpy(r->text, c != NULL ? c->text : "", n);
    r->text[n] = '\0';
}

void
qli_commit_left_end(ql_txnsys *ts, qli_commit_req *r)
{
    for (uint32_t i = 0; i < r->nlayers; i++) {
        qli_chunks mem = r->layers[i].mem;
        qli_reclaim_chunks(ts, &mem);
        if (r->layers[i].spill != NULL) {
            qli_reclaim_spill(ts, r->layers[i].spill);
        }
    }
    if (r->left) {
        ql_mem_free(r);
        return;
    }
    if (r->state != QLI_CS_DONE) {
        ql_log_write(ts->inst->log, QL_LOG_WARNING, "%s", r->if_lost);
    } else if (r->has_trash) {
        qli_purge_kick(ts);
    }
    ql_mem_free(r);
}

/* Of a list of requests that nobody waits for. */
static void
end_left(ql_txnsys *ts, qli_commit_req *left)
{
    for (qli_commit_req *next; left != NULL; left = next) {
        next = left->next;
        if (left->state == QLI_CS_NEED_SPACE && !left->left) {
            qli_purge_retry(ts, left);
        } else {
            qli_commit_left_end(ts, left);
        }
    }
}

/* Tell the owners of the list. From here on r belongs to its owner again. last: the role goes on,
 * first of all. */
static void
finish(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *group, ql_status st, bool last)
{
    qli_commit_req *next, *left = NULL;
    uint64_t seq = ql_kv_seq(ts->kv); /* nobody else counts it up */
    ql_mutex_lock(&ts->commit_mu);
    if (last) {
        pass_role(ts);
    }
    for (qli_commit_req *r = group; r != NULL; r = next) {
        next = r->next;
        if (st == QL_OK) {
            r->state = QLI_CS_DONE;
            r->seq = seq;
        } else if (st == QL_KILLED) {
            r->state = QLI_CS_CANCELLED;
        } else {
            note_failure(cx, r);
            r->state = r->code == QL_ER_DISK_FULL ? QLI_CS_NEED_SPACE : QLI_CS_FAILED;
        }
        if (r->if_lost != NULL || r->left) {
            r->next = left;
            left = r;
        } else {
            ql_cv_signal(&r->cv);
        }
    }
    ql_mutex_unlock(&ts->commit_mu);
    end_left(ts, left);
}

static void
log_failure(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    if (c != NULL && c->number != QL_ER_DISK_FULL) {
        ql_log_write(cx->inst->log, QL_LOG_ERROR, "Commit failed: %s", c->text);
    }
}

static void
tell_group(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *group, ql_status st, bool last)
{
    qli_count(&ts->n_groups);
    if (st == QL_ERROR) {
        log_failure(cx);
    }
    finish(cx, ts, group, st, last);
}

static void
commit_each(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *group)
{
    for (qli_commit_req *r = group, *next; r != NULL; r = next) {
        next = r->next;
        r->next = NULL;
        tell_group(cx, ts, r, apply_group(cx, ts, r), false);
    }
}

/* A group that fails is tried again one by one, so that what is wrong with one (too big for the
 * disk, no memory) is not visited on the others. */
static void
commit_group(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *group)
{
    ql_status st = apply_group(cx, ts, group);
    if (st == QL_OK || group->next == NULL) {
        tell_group(cx, ts, group, st, false);
    } else {
        qli_count(&ts->n_groups);
        commit_each(cx, ts, group);
    }
}

/* --- a session leads --- */

/* What takes longer is not for a session that is to lead for a moment: the group as it is, or,
 * after an error, each of it alone. Nobody's outcome is known yet, and none of them can be
 * withdrawn. */
static void
hand_over(ql_txnsys *ts, qli_commit_req *group, bool failed)
{
    ql_mutex_lock(&ts->commit_mu);
    ts->handed = group;
    ts->handed_failed = failed;
    pass_role(ts);
    ql_mutex_unlock(&ts->commit_mu);
}

/* Kills are held. */
static void
lead_taken(ql_ctx *lead, ql_txnsys *ts, qli_commit_req *group)
{
    ql_status ignored = QL_SYNC(lead, COMMIT_AFTER_TAKE);
    (void)ignored;
    ql_status st = apply_group(lead, ts, group);
    if (st == QL_OK || (st == QL_ERROR && group->next == NULL)) {
        ignored = QL_SYNC(lead, COMMIT_BEFORE_TELL);
        tell_group(lead, ts, group, st, true);
    } else {
        hand_over(ts, group, st != QL_END);
    }
}

/* r has the role: one group, the first of which it is. QL_OK: its outcome is known, or it is TAKEN
 * and with the committer. QL_KILLED: withdrawn; the error is not worded. */
static ql_status
lead_group(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *r)
{
    ql_ctx *lead = &ts->lead;
    lead->intr = cx->intr;
    if (cx->proc != NULL) {
        ql_proc_set_wait(cx->proc, r->kind);
    }
    ql_status st = QL_SYNC(lead, COMMIT_BEFORE_TAKE);
    ql_mutex_lock(&ts->commit_mu);
    if (st == QL_OK) {
        ql_hold(cx, QLI_ALL_REASONS);
        qli_commit_req *group = take_group(ts);
        ql_mutex_unlock(&ts->commit_mu);
        if (cx->proc != NULL) {
            ql_proc_set_wait(cx->proc, QL_W_COMMIT_TAKEN);
        }
        lead_taken(lead, ts, group);
        ql_unhold(cx, QLI_ALL_REASONS);
    } else {
        dequeue(ts, r);
        ql_mutex_unlock(&ts->commit_mu);
    }
    if (cx->proc != NULL) {
        ql_proc_set_wait(cx->proc, QL_W_NONE);
    }
#ifdef QL_DEBUG
    ql_intr_gap_restart(cx, __FILE__, __LINE__);
#endif
    return st;
}

/* --- the owner's side --- */

/* [commit_mu] The kill came too late to stop it at once: it is held (and counted) until the outcome
 * is known. Big sets are asked to stop. */
static void
await_outcome_held(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *r)
{
    atomic_store_explicit(&r->cancel, true, memory_order_relaxed);
    while (r->state <= QLI_CS_TAKEN) {
        /* Nothing can raise a reason that is not held. */
        ql_status st = ql_cv_wait(cx, &r->cv, &ts->commit_mu, QL_FOREVER,
                                  r->kind == QL_W_COMMIT ? QL_W_COMMIT_TAKEN : r->kind);
        (void)st;
    }
}

/* [commit_mu] Until the outcome is known, or r leads, or a kill has come. */
static ql_status
await_turn(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *r)
{
    ql_status st = QL_OK;
    while (st == QL_OK && r->state <= QLI_CS_TAKEN && !r->leads) {
        st = ql_cv_wait(cx, &r->cv, &ts->commit_mu, QL_FOREVER, r->kind);
    }
    return st;
}

/* [commit_mu] Killed while it goes in: the committer gives it up when it comes to look, and r with
 * it. */
static void
leave_to_committer(qli_commit_req *r)
{
    atomic_store_explicit(&r->cancel, true, memory_order_relaxed);
    r->left = true;
    r->proc = NULL;
}

/* Wait in the queue, or lead. QL_KILLED: withdrawn, or cancelled while it was applied (*left);
 * QL_OK: r->state says. */
static ql_status
await_outcome(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *r, bool *left)
{
    ql_mutex_lock(&ts->commit_mu);
    enqueue(ts, r);
    ql_status st = await_turn(cx, ts, r);
    if (st == QL_OK && r->leads) {
        ql_mutex_unlock(&ts->commit_mu);
        if (lead_group(cx, ts, r) != QL_OK) {
            return ql_check(cx);
        }
        ql_mutex_lock(&ts->commit_mu);
        st = await_turn(cx, ts, r); /* handed over: held from the next look on, if killed */
    }
    if (st == QL_KILLED && r->state == QLI_CS_QUEUED) {
        dequeue(ts, r);
        ql_mutex_unlock(&ts->commit_mu);
        return QL_KILLED;
    }
    if (st == QL_KILLED && r->state == QLI_CS_APPLYING && r->can_leave) {
        leave_to_committer(r);
        *left = true;
        ql_mutex_unlock(&ts->commit_mu);
        return QL_KILLED;
    }
    if (st == QL_KILLED) {
        ql_mutex_unlock(&ts->commit_mu);
        /* Not swallowed: the reason stays raised, and is worded anew where it is acted on. */
        ql_diag_clear_error(cx->diag);
        ql_hold(cx, QLI_ALL_REASONS);
        ql_mutex_lock(&ts->commit_mu);
        await_outcome_held(cx, ts, r);
        ql_mutex_unlock(&ts->commit_mu);
        ql_unhold(cx, QLI_ALL_REASONS);
        return r->state == QLI_CS_CANCELLED ? ql_check(cx) : QL_OK;
    }
    ql_mutex_unlock(&ts->commit_mu);
    return QL_OK;
}

ql_status
qli_await_space(ql_ctx *cx, size_t bytes, const char *text, int *tries)
{
    ql_kv_stats kv;
    ql_space *space = cx->inst->space;
    ql_kv_get_stats(cx->inst->kv, &kv);
    /* What waits in the redo log goes into the data file first; a kick says that it has. */
    uint64_t before = kv.unflushed > 0 ? kv.memory_bytes : 0;
    uint64_t need = 2 * ((uint64_t)bytes + before) + 65536;
    if (space == NULL || (!ql_space_is_low(space, need) && ++*tries >= SPACE_TRIES)) {
        return ql_fail_text(cx, QL_ER_DISK_FULL, "%s", text);
    }
    return ql_space_wait(cx, space, need);
}

ql_status
qli_commit_submit(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *r, bool *left)
{
    int tries = 0;
    uint32_t held = r->held ? QLI_ALL_REASONS : 0;
    *left = false;
    ql_cv_init(&r->cv);
    r->big = qli_commit_is_big(r);
    r->alone = r->big;
    show_state(r, "QUEUED");
    for (;;) {
        ql_hold(cx, held);
        ql_status st = await_outcome(cx, ts, r, left); /* left: r is the committer's */
        ql_unhold(cx, held);
        QL_TRY(st);
        if (r->state == QLI_CS_DONE) {
            return QL_OK;
        }
        if (r->state != QLI_CS_NEED_SPACE) {
            return ql_fail_text(cx, r->code, "%s", r->text);
        }
        show_state(r, "QUEUED");
        r->alone = true;
        QL_TRY(qli_await_space(cx, r->bytes, r->text, &tries));
    }
}

void
qli_commit_leave(ql_txnsys *ts, qli_commit_req *r)
{
    ql_cv_init(&r->cv);
    r->big = qli_commit_is_big(r);
    r->alone = r->big;
    ql_mutex_lock(&ts->commit_mu);
    enqueue(ts, r);
    ql_mutex_unlock(&ts->commit_mu);
}

/* --- the committer's thread --- */

/* What stands first in the queue; group: has been taken already, or NULL. */
static void
take_and_commit(ql_ctx *cx, ql_txnsys *ts, qli_commit_req *group)
{
    ql_status ignored = QL_OK;
    if (group == NULL) {
        ignored = QL_SYNC(cx, COMMIT_BEFORE_TAKE);
        ql_mutex_lock(&ts->commit_mu);
        group = take_group(ts);
        ql_mutex_unlock(&ts->commit_mu);
    }
    if (group != NULL) {
        ignored = QL_SYNC(cx, COMMIT_AFTER_TAKE);
        commit_group(cx, ts, group);
    }
    (void)ignored;
}

void
qli_committer_run(void *arg)
{
    ql_txnsys *ts = arg;
    ql_ctx *cx = &ts->committer.cx;
    bool stop = false;
    ql_mutex_lock(&ts->commit_mu);
    for (;;) {
        while (ts->role != QLI_CR_COMMITTER && !stop) {
            stop = ql_cv_wait(cx, &ts->commit_work, &ts->commit_mu, QL_FOREVER, QL_W_BACKGROUND) ==
                   QL_KILLED;
        }
        if (ts->role != QLI_CR_COMMITTER) {
            break; /* the sessions have ended before */
        }
        qli_commit_req *group = ts->handed;
        bool failed = group != NULL && ts->handed_failed;
        ts->handed = NULL;
        ql_mutex_unlock(&ts->commit_mu);
        if (failed) {
            commit_each(cx, ts, group);
        } else {
            take_and_commit(cx, ts, group);
        }
        ql_mutex_lock(&ts->commit_mu);
        pass_role(ts);
    }
    ql_mutex_unlock(&ts->commit_mu);
}

ql_status
qli_commit_init(ql_ctx *cx, ql_txnsys *ts)
{
    ts->lead = (ql_ctx){.inst = ts->inst, .diag = ql_diag_new()};
    ts->lead.arena = ql_arena_new("commit", NULL);
    return ts->lead.diag != NULL && ts->lead.arena != NULL ? QL_OK
                                                           : ql_fail_oom(cx, sizeof(ql_ctx));
}

void
qli_commit_fini(ql_txnsys *ts)
{
    ql_arena_free(ts->lead.arena);
    ql_diag_free(ts->lead.diag);
}
