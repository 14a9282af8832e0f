/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a session is beyond what the process list shows: its account, where it comes from, the
 * attributes its client sent. And which connections have just ended because their clients went
 * away, for those who close first and kill second. Looked at by killers on their own threads, under
 * the mutexes of shard and row, and only for a comparison.
 */
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "intr/proc_int.h"

/* Immutable, shared by the row and by whoever compares it. */
struct qli_client {
    _Atomic uint32_t refs;
    ql_proc_client c; /* its strings lie in bytes */
    char bytes[];
};

static void
keep(ql_str *s, char **at)
{
    if (s->n != 0) {
        memcpy(*at, s->p, s->n);
    }
    s->p = *at;
    *at += s->n;
}

static struct qli_client *
new_client(const ql_proc_client *c)
{
    size_t n = c->account_user.n + c->account_host.n + c->peer.n + c->pid.n + c->program.n;
    struct qli_client *k = ql_mem_alloc(sizeof *k + n);
    if (k == NULL) {
        return NULL;
    }
    char *at = k->bytes;
    atomic_init(&k->refs, 1);
    k->c = *c;
    keep(&k->c.account_user, &at);
    keep(&k->c.account_host, &at);
    keep(&k->c.peer, &at);
    keep(&k->c.pid, &at);
    keep(&k->c.program, &at);
    return k;
}

void
qli_client_put(struct qli_client *c)
{
    if (c != NULL && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1) {
        ql_mem_free(c);
    }
}

void
ql_proc_set_client(ql_proc *row, const ql_proc_client *client)
{
    struct qli_client *fresh = new_client(client);
    ql_mutex_lock(&row->mu);
    struct qli_client *old = row->client;
    row->client = fresh;
    ql_mutex_unlock(&row->mu);
    qli_client_put(old);
}

static struct qli_client *
client_of(ql_proc *row)
{
    ql_mutex_lock(&row->mu);
    struct qli_client *c = row->client;
    if (c != NULL) {
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    }
    ql_mutex_unlock(&row->mu);
    return c;
}

static struct qli_client *
client_of_id(ql_procs *ps, uint64_t id)
{
    qli_proc_shard *shard = qli_proc_shard_of(ps, id);
    ql_mutex_lock(&shard->mu);
    ql_proc *row = qli_proc_lookup(shard, id);
    struct qli_client *c = row != NULL ? client_of(row) : NULL;
    ql_mutex_unlock(&shard->mu);
    return c;
}

static bool
same(ql_str a, ql_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
ql_procs_is_account(ql_procs *ps, uint64_t id, ql_str user, ql_str host, bool any_host)
{
    struct qli_client *k = client_of_id(ps, id);
    bool is =
        k != NULL && same(k->c.account_user, user) && (any_host || same(k->c.account_host, host));
    qli_client_put(k);
    return is;
}

static bool
is_same(const ql_proc_client *a, const ql_proc_client *b)
{
    if (!same(a->account_user, b->account_user) || !same(a->account_host, b->account_host) ||
        !same(a->peer, b->peer)) {
        return false;
    }
    return !a->has_attrs || !b->has_attrs || (same(a->pid, b->pid) && same(a->program, b->program));
}

bool
ql_procs_same_client(ql_procs *ps, ql_proc *row, uint64_t id)
{
    struct qli_client *a = client_of(row), *b = client_of_id(ps, id);
    bool same = a != NULL && b != NULL && is_same(&a->c, &b->c);
    qli_client_put(a);
    qli_client_put(b);
    return same;
}

/* ---- those who have gone ---- */

void
ql_proc_set_vanished(ql_proc *row)
{
    row->vanished = true;
}

void
qli_gone_remember(qli_proc_shard *shard, ql_proc *row)
{
    if (!row->vanished) {
        return;
    }
    qli_gone *g = &shard->gone[shard->next_gone++ % QLI_GONE_ROOM];
    qli_text_put(g->user);
    *g = (qli_gone){.id = row->id, .at_ns = ql_now_mono_ns()};
    ql_mutex_lock(&row->mu);
    if (row->authenticated && row->user != NULL) {
        g->user = row->user;
        row->user = NULL;
    }
    ql_mutex_unlock(&row->mu);
}

void
qli_gone_forget_all(qli_proc_shard *shard)
{
    for (size_t i = 0; i < QLI_GONE_ROOM; i++) {
        qli_text_put(shard->gone[i].user);
    }
}

bool
ql_procs_has_vanished(ql_procs *ps, uint64_t id, int64_t ns, ql_str user, bool *mine)
{
    qli_proc_shard *shard = qli_proc_shard_of(ps, id);
    int64_t since = ql_now_mono_ns() - ns;
    bool found = false;
    ql_mutex_lock(&shard->mu);
    for (size_t i = 0; i < QLI_GONE_ROOM && !found; i++) {
        const qli_gone *g = &shard->gone[i];
        found = id != 0 && g->id == id && g->at_ns >= since;
        if (found) {
            *mine = g->user != NULL && same((ql_str){g->user->p, g->user->n}, user);
        }
    }
    ql_mutex_unlock(&shard->mu);
    return found;
}
