/* SPDX-License-Identifier: Apache-2.0
 *
 * Interruptible socket I/O. Sockets are non-blocking; nobody closes another thread's descriptor: a
 * killer shuts the socket down, the owner closes it. Tests can make reads and writes short or fail.
 */
#ifndef QL_INTR_NETIO_H
#define QL_INTR_NETIO_H

#include "intr/wait.h"

struct ssl_st;

/* Owner: the session. Does not move in memory once TLS is on. */
typedef struct ql_net {
    int fd;             /* [const after open] non-blocking; -1 when closed */
    struct ssl_st *ssl; /* NULL = plain; owned here once ql_net_tls_done */
    char *unsent;       /* TLS: copy of the record that OpenSSL has taken but not yet sent */
    size_t nunsent;
    uint64_t bytes_in, bytes_out;
    bool broken; /* an error or end of file was seen; no more I/O */
} ql_net;

void ql_net_init(ql_net *net, int fd); /* makes fd non-blocking, TCP_NODELAY; takes ownership */
void ql_net_close(ql_net *net);
/* Owner: end the connection for the peer now (TLS: with a good-bye, one try); the descriptor stays
 * open until ql_net_close. Never waits. */
void ql_net_cut(ql_net *net);
/* Read 1..n bytes. QL_OK with *got > 0; QL_END = peer closed; QL_TIMEOUT; QL_ERROR (1158);
 * QL_KILLED. Waits: kind. */
ql_status ql_net_read(ql_ctx *cx, ql_net *net, void *p, size_t n, size_t *got, ql_deadline dl,
                      ql_wait_kind kind) QL_MUST_USE;
/* Write all n bytes; *done counts those gone also when it fails (needed to know whether a packet
 * was cut): sent, or sealed in a TLS record that the next write sends first. QL_TIMEOUT; QL_ERROR
 * (1160); QL_KILLED. The deadline is for the whole call. Waits: kind. */
ql_status ql_net_write(ql_ctx *cx, ql_net *net, const void *p, size_t n, size_t *done,
                       ql_deadline dl, ql_wait_kind kind) QL_MUST_USE;
/* TLS handshake as server on an SSL object made by proto/tls (ownership passes here). Waits: TLS.
 */
ql_status ql_net_accept_tls(ql_ctx *cx, ql_net *net, struct ssl_st *ssl,
                            ql_deadline dl) QL_MUST_USE;
/* Any thread, while the process-list row keeps the descriptor alive: shut down both directions.
 * Never waits. */
void ql_net_shutdown_fd(int fd);

/* Tests (debug builds): every read/write of this thread moves at most n bytes; 0 = no limit. */
void ql_net_fault_short(size_t n);

#endif
