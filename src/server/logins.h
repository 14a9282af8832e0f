/* SPDX-License-Identifier: Apache-2.0
 *
 * Logins in progress: connections that have been accepted and have not authenticated. They are
 * counted apart from max_connections and by where they come from, so that sockets which never log
 * in cost those who do nothing. When there are too many, the oldest silent one of the origin that
 * has the most makes room.
 */
#ifndef QL_SERVER_LOGINS_H
#define QL_SERVER_LOGINS_H

#include "base/mutex.h"
#include "intr/wait.h"

/* Who is at the other end, as far as it counts here: an IPv4 address, the /64 network of an IPv6
 * address, the OS user behind a Unix socket. */
typedef struct qli_origin_key {
    uint8_t tag; /* '4', '6', 'u' */
    uint8_t bytes[16];
} qli_origin_key;

typedef struct qli_origin qli_origin;

/* One login in progress; embedded in the connection. All fields belong to the table's mutex. */
typedef struct qli_login {
    struct qli_login *prev, *next; /* of the origin, oldest first */
    qli_origin *origin;            /* NULL = over, or ended to make room */
    int fd;                        /* open as long as origin is set */
    int64_t since_ns;
    bool heard; /* the client has answered the greeting */
} qli_login;

/* Owner: the server; one for the ordinary listeners, one for the administrative ones. */
typedef struct qli_logins {
    ql_mutex mu;             /* rank LEAF */
    int64_t silent_grace_ns; /* [const] younger silent ones are not ended */
    int64_t heard_grace_ns;  /* [const] younger ones that have spoken are not ended */
    qli_origin *origins;     /* [mu] */
    uint32_t n;              /* [mu] */
    bool starved;            /* [mu] the listener waits for room */
    uint64_t ended;          /* [mu] to make room, since the start */
} qli_logins;

void qli_logins_init(qli_logins *l, int64_t silent_grace_ms, int64_t heard_grace_ms);
void qli_logins_fini(qli_logins *l); /* empty by then */

/* Is there room for one more below limit, if need be by cutting somebody's socket? Then `victim`
 * says whose (tag 0 = nobody's). false: not yet; *again = when to ask again, and whoever ends a
 * login before that is told so by qli_login_over. Never waits. */
bool qli_logins_make_room(qli_logins *l, uint32_t limit, qli_origin_key *victim,
                          ql_deadline *again);
uint32_t qli_logins_count(qli_logins *l);
/* Begin one. false without memory. fd stays the caller's; the login must be over before it is
 * closed. */
bool qli_logins_add(qli_logins *l, qli_login *login, const qli_origin_key *key, int fd) QL_MUST_USE;
/* The client has said something. */
void qli_login_heard(qli_logins *l, qli_login *login);
/* It has become a session, or nothing; may be called again. true: the listener waits for this. */
bool qli_login_over(qli_logins *l, qli_login *login);

#endif
