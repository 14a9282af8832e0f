/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills (fill.h). The filler, a thread of its own, takes what a fill has sent, up to 2 MiB at a
 * time, and commits it through kv's door for writes beside the order of applies; several fills take
 * turns. A full disk: the owner waits for space in its own session and lists its fill again. Mutex:
 * fill_mu (rank RECLAIM), for the lists; not held while writing.
 */
#include "txn/fill.h"

#include "base/bulk.h"
#include "txn/txn_int.h"

#define PART_BYTES ((size_t)224 * 1024)
#define COMMIT_BYTES ((size_t)2 << 20)   /* that the filler commits at once */
#define UNDERWAY_BYTES ((size_t)6 << 20) /* above that the owner waits */
#define ENTRIES_PER_LOOK 256u
#define ENTRY_HEAD (2 * sizeof(uint32_t)) /* lengths of key and value */

/* Entries one behind the other. */
typedef struct part {
    struct part *next;
    size_t n, cap;
    char bytes[];
} part;

/* Owner: the statement; once dropped, the filler. */
struct ql_fill {
    ql_txnsys *ts;
    uint64_t after;       /* [const] number of the state that says that its ids have no owner */
    part *open;           /* [owner] being gathered */
    int tries;            /* [owner] at a full disk */
    part *first, *last;   /* [fill_mu] sent */
    size_t underway;      /* [fill_mu] bytes sent and not committed */
    bool listed, in_work; /* [fill_mu] for the filler; in its hands */
    _Atomic bool dropped; /* [fill_mu to write] */
    struct ql_fill *next; /* [fill_mu] */
    ql_errcode code;      /* [fill_mu] why it came back; QL_ER_NONE: it did not */
    char text[512];       /* [fill_mu] */
    ql_cv cv;             /* [fill_mu] the owner */
};

/* --- the owner's side --- */

ql_status
ql_fill_new(ql_ctx *cx, ql_fill **out)
{
    ql_txnsys *ts = qli_ts(cx);
    ql_fill *f = ql_mem_zalloc(sizeof *f);
    *out = f;
    if (f == NULL) {
        return ql_fail_oom(cx, sizeof *f);
    }
    f->ts = ts;
    f->after = ql_kv_seq(ts->kv);
    f->code = QL_ER_NONE;
    ql_cv_init(&f->cv);
    return QL_OK;
}

static ql_status
add_room(ql_ctx *cx, ql_fill *f, size_t n)
{
    size_t used = f->open != NULL ? f->open->n : 0;
    size_t cap = used + n > PART_BYTES ? 2 * (used + n) : PART_BYTES;
    part *p = ql_mem_realloc(f->open, sizeof *p + cap);
    if (p == NULL) {
        return ql_fail_oom(cx, cap);
    }
    p->n = used;
    p->cap = cap;
    f->open = p;
    return QL_OK;
}

ql_status
ql_fill_put(ql_ctx *cx, ql_fill *f, ql_str key, ql_str value)
{
    uint32_t len[2] = {(uint32_t)key.n, (uint32_t)value.n};
    size_t n = ENTRY_HEAD + key.n + value.n;
    if (f->open == NULL || f->open->cap - f->open->n < n) {
        QL_TRY(add_room(cx, f, n));
    }
    char *to = f->open->bytes + f->open->n;
    memcpy(to, len, ENTRY_HEAD);
    memcpy(to + ENTRY_HEAD, key.p, key.n);
    QL_TRY(ql_bulk_copy(cx, to + ENTRY_HEAD + key.n, value.p, value.n));
    f->open->n += n;
    return QL_OK;
}

/* [fill_mu] */
static void
list(ql_fill *f)
{
    ql_txnsys *ts = f->ts;
    if (f->listed || f->in_work || (f->first == NULL && !atomic_load(&f->dropped))) {
        return;
    }
    f->listed = true;
    f->next = NULL;
    if (ts->fills_last != NULL) {
        ts->fills_last->next = f;
    } else {
        ts->fills_first = f;
    }
    ts->fills_last = f;
    ql_cv_signal(&ts->fill_work);
}

/* Until no more than so many bytes are underway. */
static ql_status
await_filler(ql_ctx *cx, ql_fill *f, size_t most)
{
    ql_txnsys *ts = f->ts;
    for (;;) {
        char text[sizeof f->text];
        ql_status st = QL_OK;
        ql_mutex_lock(&ts->fill_mu);
        while (st == QL_OK && f->code == QL_ER_NONE && f->underway > most) {
            st = ql_cv_wait(cx, &f->cv, &ts->fill_mu, QL_FOREVER, QL_W_COMMIT);
        }
        ql_errcode code = f->code;
        size_t bytes = f->underway;
        memcpy(text, f->text, sizeof text);
        ql_mutex_unlock(&ts->fill_mu);
        QL_TRY(st);
        if (code == QL_ER_NONE) {
            f->tries = 0;
            return QL_OK;
        }
        if (code != QL_ER_DISK_FULL) {
            return ql_fail_text(cx, code, "%s", text);
        }
        QL_TRY(qli_await_space(cx, bytes, text, &f->tries));
        ql_mutex_lock(&ts->fill_mu);
        f->code = QL_ER_NONE;
        list(f);
        ql_mutex_unlock(&ts->fill_mu);
    }
}

static void
send_open(ql_fill *f)
{
    part *p = f->open;
    if (p == NULL) {
        return;
    }
    f->open = NULL;
    p->next = NULL;
    ql_mutex_lock(&f->ts->fill_mu);
    if (f->last != NULL) {
        f->last->next = p;
    } else {
        f->first = p;
    }
    f->last = p;
    f->underway += p->n;
    if (f->code == QL_ER_NONE) {
        list(f);
    }
    ql_mutex_unlock(&f->ts->fill_mu);
}

ql_status
ql_fill_send(ql_ctx *cx, ql_fill *f)
{
    send_open(f);
    return await_filler(cx, f, UNDERWAY_BYTES);
}

ql_status
ql_fill_settle(ql_ctx *cx, ql_fill *f)
{
    send_open(f);
    return await_filler(cx, f, 0);
}

void
ql_fill_drop(ql_fill *f)
{
    if (f == NULL) {
        return;
    }
    ql_txnsys *ts = f->ts;
    ql_mutex_lock(&ts->fill_mu);
    atomic_store(&f->dropped, true);
    list(f); /* for its memory */
    ql_mutex_unlock(&ts->fill_mu);
}

/* --- the filler --- */

static void
free_parts(part *p)
{
    for (part *next; p != NULL; p = next) {
        next = p->next;
        ql_mem_free(p);
    }
}

static void
free_fill(ql_fill *f)
{
    free_parts(f->first);
    ql_mem_free(f->open);
    ql_mem_free(f);
}

/* [fill_mu] */
static ql_fill *
take_fill(ql_txnsys *ts)
{
    ql_fill *f = ts->fills_first;
    if (f != NULL) {
        ts->fills_first = f->next;
        if (f->next == NULL) {
            ts->fills_last = NULL;
        }
        f->listed = false;
    }
    return f;
}

/* [fill_mu] What goes into one commit. */
static part *
take_parts(ql_fill *f, part **last)
{
    part *p = f->first;
    size_t bytes = p->n;
    while (p->next != NULL && bytes + p->next->n <= COMMIT_BYTES) {
        p = p->next;
        bytes += p->n;
    }
    part *first = f->first;
    f->first = p->next;
    f->last = f->first != NULL ? f->last : NULL;
    p->next = NULL;
    *last = p;
    return first;
}

/* QL_KILLED: the fill was given up. */
static ql_status
write_part(ql_ctx *cx, ql_kv_apply *a, const ql_fill *f, const part *p)
{
    uint32_t len[2], rows = 0;
    for (size_t at = 0; at < p->n; at += ENTRY_HEAD + len[0] + len[1]) {
        const char *e = p->bytes + at;
        memcpy(len, e, ENTRY_HEAD);
        ql_str key = {e + ENTRY_HEAD, len[0]}, value = {e + ENTRY_HEAD + len[0], len[1]};
        if (rows++ % ENTRIES_PER_LOOK == 0) {
            QL_TRY(ql_check(cx));
            if (atomic_load(&f->dropped)) {
                return QL_KILLED;
            }
        }
        QL_TRY(ql_kv_apply_put(cx, a, key, value));
    }
    return QL_OK;
}

/* Given up means given up before anything is written: who gave it up has the ids purged next, and
 * nothing may come behind that. */
static ql_status
write_parts(ql_ctx *cx, const ql_fill *f, const part *parts)
{
    ql_kv_apply *a;
    ql_diag_reset(cx->diag);
    ql_status st = QL_SYNC(cx, FILL_BEFORE_WRITE);
    QL_TRY(st);
    QL_TRY(ql_kv_beside_begin(cx, f->ts->kv, f->after, &a));
    for (const part *p = parts; st == QL_OK && p != NULL; p = p->next) {
        st = write_part(cx, a, f, p);
    }
    if (st != QL_OK) {
        ql_kv_apply_abort(a);
        return st;
    }
    return ql_kv_apply_commit(cx, a, QL_KV_DURABLE);
}

/* [fill_mu] They were not written: first again. */
static void
put_back(ql_ctx *cx, ql_fill *f, part *first, part *last)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    f->code = c != NULL ? (ql_errcode)c->number : QL_ER_UNKNOWN_ERROR;
    size_t n = c != NULL ? strlen(c->text) : 0;
    n = n < sizeof f->text ? n : sizeof f->text - 1;
    memcpy(f->text, c != NULL ? c->text : "", n);
    f->text[n] = '\0';
    last->next = f->first;
    f->first = first;
    f->last = last->next == NULL ? last : f->last;
}

/* [fill_mu], given up meanwhile */
static void
work_on(ql_ctx *cx, ql_txnsys *ts, ql_fill *f)
{
    part *last = NULL, *parts = f->first != NULL ? take_parts(f, &last) : NULL;
    size_t bytes = 0;
    for (const part *p = parts; p != NULL; p = p->next) {
        bytes += p->n;
    }
    f->in_work = true;
    ql_mutex_unlock(&ts->fill_mu);
    bool unwanted = parts == NULL || atomic_load(&f->dropped);
    ql_status st = unwanted ? QL_OK : write_parts(cx, f, parts);
    ql_mutex_lock(&ts->fill_mu);
    f->in_work = false;
    bool dropped = atomic_load(&f->dropped);
    if (st == QL_OK || dropped) {
        f->underway -= bytes;
    } else {
        put_back(cx, f, parts, last);
        parts = NULL;
    }
    if (!dropped && st == QL_OK) {
        list(f);
    }
    ql_cv_signal(&f->cv);
    ql_mutex_unlock(&ts->fill_mu);
    free_parts(parts);
    if (dropped) {
        free_fill(f);
    }
    ql_mutex_lock(&ts->fill_mu);
}

void
qli_filler_run(void *arg)
{
    ql_txnsys *ts = arg;
    ql_ctx *cx = &ts->filler.cx;
    ql_status st = QL_OK;
    ql_mutex_lock(&ts->fill_mu);
    while (st != QL_KILLED) {
        ql_fill *f = take_fill(ts);
        if (f != NULL) {
            work_on(cx, ts, f);
        } else {
            st = ql_cv_wait(cx, &ts->fill_work, &ts->fill_mu, QL_FOREVER, QL_W_BACKGROUND);
        }
    }
    ql_mutex_unlock(&ts->fill_mu);
}

void
qli_fills_free(ql_txnsys *ts)
{
    for (ql_fill *f = take_fill(ts); f != NULL; f = take_fill(ts)) {
        free_fill(f);
    }
}
