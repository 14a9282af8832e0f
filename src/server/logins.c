/* SPDX-License-Identifier: Apache-2.0
 *
 * Logins in progress, grouped by origin in a list (there are never more origins than logins, and
 * never more logins than the limit). The listener adds, session threads take away; cutting a socket
 * (shutdown, not close) happens under the mutex, where it is known to be open still.
 */
#include "server/logins.h"

#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "intr/netio.h"

#define NS_PER_MS 1000000

struct qli_origin {
    qli_origin *next;
    qli_origin_key key;
    uint32_t n, silent;
    qli_login *first, *last;
};

void
qli_logins_init(qli_logins *l, int64_t silent_grace_ms, int64_t heard_grace_ms)
{
    memset(l, 0, sizeof *l);
    ql_mutex_init(&l->mu, QL_RANK_LEAF);
    l->silent_grace_ns = silent_grace_ms * NS_PER_MS;
    l->heard_grace_ns = heard_grace_ms * NS_PER_MS;
}

void
qli_logins_fini(qli_logins *l)
{
    ql_mutex_fini(&l->mu);
}

/* ---- the lists, under mu ---- */

static qli_origin *
find_origin(qli_logins *l, const qli_origin_key *key)
{
    qli_origin *o = l->origins;
    while (o != NULL && memcmp(&o->key, key, sizeof *key) != 0) {
        o = o->next;
    }
    return o;
}

static void
forget_origin(qli_logins *l, qli_origin *o)
{
    qli_origin **at = &l->origins;
    while (*at != o) {
        at = &(*at)->next;
    }
    *at = o->next;
    ql_mem_free(o);
}

static void
append(qli_logins *l, qli_origin *o, qli_login *login)
{
    login->origin = o;
    login->prev = o->last;
    login->next = NULL;
    *(o->last != NULL ? &o->last->next : &o->first) = login;
    o->last = login;
    o->n++;
    o->silent++;
    l->n++;
}

static void
unlink_login(qli_logins *l, qli_login *login)
{
    qli_origin *o = login->origin;
    *(login->prev != NULL ? &login->prev->next : &o->first) = login->next;
    *(login->next != NULL ? &login->next->prev : &o->last) = login->prev;
    login->origin = NULL;
    o->n--;
    o->silent -= !login->heard;
    l->n--;
    if (o->n == 0) {
        forget_origin(l, o);
    }
}

/* ---- whom to end ---- */

static qli_login *
oldest(const qli_origin *o, bool heard)
{
    qli_login *login = o->first;
    while (login != NULL && login->heard != heard) {
        login = login->next;
    }
    return login;
}

static uint32_t
count_of(const qli_origin *o, bool heard)
{
    return heard ? o->n - o->silent : o->silent;
}

/* The oldest silent login (heard: the oldest that has spoken) of the origin that has the most of
 * them, and of no other: who comes alone is not to pay for a crowd that is too young yet. NULL when
 * it is younger than its grace, then *again becomes the end of that, or when there is none. */
static qli_login *
choose(const qli_logins *l, bool heard, int64_t now, ql_deadline *again)
{
    int64_t grace = heard ? l->heard_grace_ns : l->silent_grace_ns;
    const qli_origin *most = l->origins;
    for (const qli_origin *o = l->origins; o != NULL; o = o->next) {
        most = count_of(o, heard) > count_of(most, heard) ? o : most;
    }
    qli_login *login = most != NULL ? oldest(most, heard) : NULL;
    if (login != NULL && login->since_ns + grace > now) {
        *again = login->since_ns + grace < *again ? login->since_ns + grace : *again;
        return NULL;
    }
    return login;
}

bool
qli_logins_make_room(qli_logins *l, uint32_t limit, qli_origin_key *victim, ql_deadline *again)
{
    bool room = true;
    victim->tag = 0;
    ql_mutex_lock(&l->mu);
    if (l->n >= limit) {
        int64_t now = ql_now_mono_ns();
        ql_deadline first = QL_FOREVER;
        qli_login *login = choose(l, false, now, &first);
        login = login != NULL ? login : choose(l, true, now, &first);
        room = login != NULL;
        if (room) {
            *victim = login->origin->key;
            ql_net_shutdown_fd(login->fd);
            unlink_login(l, login);
            l->ended++;
        } else {
            *again = first < *again ? first : *again;
        }
    }
    l->starved = !room;
    ql_mutex_unlock(&l->mu);
    return room;
}

uint32_t
qli_logins_count(qli_logins *l)
{
    ql_mutex_lock(&l->mu);
    uint32_t n = l->n;
    ql_mutex_unlock(&l->mu);
    return n;
}

/* ---- life of one ---- */

bool
qli_logins_add(qli_logins *l, qli_login *login, const qli_origin_key *key, int fd)
{
    qli_origin *spare = ql_mem_zalloc(sizeof *spare);
    ql_mutex_lock(&l->mu);
    qli_origin *o = find_origin(l, key);
    if (o == NULL && spare != NULL) {
        o = spare;
        spare = NULL;
        o->key = *key;
        o->next = l->origins;
        l->origins = o;
    }
    if (o != NULL) {
        login->fd = fd;
        login->heard = false;
        login->since_ns = ql_now_mono_ns();
        append(l, o, login);
    }
    ql_mutex_unlock(&l->mu);
    ql_mem_free(spare);
    return o != NULL;
}

void
qli_login_heard(qli_logins *l, qli_login *login)
{
    ql_mutex_lock(&l->mu);
    if (login->origin != NULL && !login->heard) {
        login->heard = true;
        login->origin->silent--;
    }
    ql_mutex_unlock(&l->mu);
}

bool
qli_login_over(qli_logins *l, qli_login *login)
{
    bool told = false;
    ql_mutex_lock(&l->mu);
    if (login->origin != NULL) {
        unlink_login(l, login);
        told = l->starved;
        l->starved = false;
    }
    ql_mutex_unlock(&l->mu);
    return told;
}
