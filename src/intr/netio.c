/* SPDX-License-Identifier: Apache-2.0
 *
 * Socket I/O of sessions, plain and TLS, on non-blocking descriptors: try, and when the socket is
 * not ready go through ql_wait. The only file that calls recv and send. OpenSSL works on a BIO of
 * ours, so that it too uses MSG_NOSIGNAL and the short reads of tests.
 */
#include "intr/netio.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"

#define PIECE ((size_t)1 << 16)  /* bytes between checkpoints */
#define RECORD ((size_t)1 << 14) /* largest TLS record */

#ifdef QL_DEBUG
static _Thread_local size_t fault_short;

void
ql_net_fault_short(size_t n)
{
    fault_short = n;
}

static size_t
piece_of(size_t n)
{
    size_t most = fault_short != 0 ? fault_short : PIECE;
    return n < most ? n : most;
}
#else
void
ql_net_fault_short(size_t n)
{
    (void)n;
}

static size_t
piece_of(size_t n)
{
    return n < PIECE ? n : PIECE;
}
#endif

/* What one try on the socket came to. */
typedef enum io_result { IO_MOVED, IO_WANT_READ, IO_WANT_WRITE, IO_CLOSED, IO_FAILED } io_result;

void
ql_net_init(ql_net *net, int fd)
{
    int on = 1;
    *net = (ql_net){.fd = fd};
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on Unix sockets */
}

void
ql_net_cut(ql_net *net)
{
    if (net->ssl != NULL && net->unsent == NULL && SSL_is_init_finished(net->ssl)) {
        (void)SSL_shutdown(net->ssl); /* one try to say good-bye; does not wait */
        ERR_clear_error();
    }
    net->broken = true;
    if (net->fd >= 0) {
        ql_net_shutdown_fd(net->fd);
    }
}

void
ql_net_close(ql_net *net)
{
    if (net->ssl != NULL) {
        if (!net->broken && SSL_is_init_finished(net->ssl)) {
            (void)SSL_shutdown(net->ssl); /* one try to say good-bye; does not wait */
        }
        SSL_free(net->ssl);
        ql_mem_free(net->unsent);
        net->ssl = NULL;
        net->unsent = NULL;
        ERR_clear_error();
    }
    if (net->fd >= 0) {
        (void)close(net->fd);
        net->fd = -1;
    }
}

void
ql_net_shutdown_fd(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

static io_result
failure(int err, bool writing)
{
    if (err == EAGAIN || err == EWOULDBLOCK) {
        return writing ? IO_WANT_WRITE : IO_WANT_READ;
    }
    return err == ECONNRESET || err == EPIPE ? IO_CLOSED : IO_FAILED;
}

static ssize_t
recv_piece(int fd, void *p, size_t n)
{
    ssize_t rc;
    do {
        rc = recv(fd, p, piece_of(n), 0);
    } while (rc < 0 && errno == EINTR);
    return rc;
}

static ssize_t
send_piece(int fd, const void *p, size_t n)
{
    ssize_t rc;
    do {
        rc = send(fd, p, piece_of(n), MSG_NOSIGNAL);
    } while (rc < 0 && errno == EINTR);
    return rc;
}

/* ---- OpenSSL's view of the socket ---- */

static int
bio_fd(BIO *bio)
{
    return ((ql_net *)BIO_get_data(bio))->fd;
}

static int
bio_read(BIO *bio, char *p, size_t n, size_t *got)
{
    ssize_t rc = recv_piece(bio_fd(bio), p, n);
    *got = rc > 0 ? (size_t)rc : 0;
    BIO_clear_retry_flags(bio);
    if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        BIO_set_retry_read(bio);
    }
    if (rc == 0) {
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    }
    return rc > 0;
}

static int
bio_write(BIO *bio, const char *p, size_t n, size_t *put)
{
    ssize_t rc = send_piece(bio_fd(bio), p, n);
    *put = rc > 0 ? (size_t)rc : 0;
    BIO_clear_retry_flags(bio);
    if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        BIO_set_retry_write(bio);
    }
    return rc > 0;
}

static long
bio_ctrl(BIO *bio, int cmd, long arg, void *p)
{
    (void)arg;
    (void)p;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_EOF:
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
        return 0;
    }
}

static BIO_METHOD *bio_method; /* a constant table, made once per process and never changed */
static pthread_once_t bio_method_once = PTHREAD_ONCE_INIT;

static void
make_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quell socket");
    if (m != NULL) {
        (void)BIO_meth_set_read_ex(m, bio_read);
        (void)BIO_meth_set_write_ex(m, bio_write);
        (void)BIO_meth_set_ctrl(m, bio_ctrl);
    }
    bio_method = m;
}

static BIO *
new_bio(ql_net *net)
{
    (void)pthread_once(&bio_method_once, make_bio_method);
    BIO *bio = bio_method != NULL ? BIO_new(bio_method) : NULL;
    if (bio != NULL) {
        BIO_set_data(bio, net);
        BIO_set_init(bio, 1);
    }
    return bio;
}

static io_result
ssl_result(ql_net *net, int rc)
{
    switch (SSL_get_error(net->ssl, rc)) {
    case SSL_ERROR_NONE:
        return IO_MOVED;
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_CLOSED;
    case SSL_ERROR_SYSCALL:
        return ERR_peek_error() == 0 ? IO_CLOSED : IO_FAILED;
    default:
        return IO_FAILED;
    }
}

/* ---- one try ---- */

static io_result
try_read(ql_net *net, void *p, size_t n, size_t *got)
{
    if (net->ssl != NULL) {
        ERR_clear_error();
        return ssl_result(net, SSL_read_ex(net->ssl, p, piece_of(n), got));
    }
    ssize_t rc = recv_piece(net->fd, p, n);
    if (rc < 0) {
        return failure(errno, false);
    }
    *got = (size_t)rc;
    return rc == 0 ? IO_CLOSED : IO_MOVED;
}

/* Send the record that OpenSSL holds; it wants to be asked with the same bytes again. */
static io_result
flush_unsent(ql_net *net)
{
    size_t put;
    if (net->unsent == NULL) {
        return IO_MOVED;
    }
    ERR_clear_error();
    io_result r = ssl_result(net, SSL_write_ex(net->ssl, net->unsent, net->nunsent, &put));
    if (r == IO_MOVED) {
        ql_mem_free(net->unsent);
        net->unsent = NULL;
    }
    return r;
}

/* One record. When the socket is full OpenSSL has sealed it already: it counts as gone. */
static io_result
write_record(ql_net *net, const void *p, size_t n, size_t *put)
{
    size_t len = n < RECORD ? n : RECORD;
    ERR_clear_error();
    io_result r = ssl_result(net, SSL_write_ex(net->ssl, p, len, put));
    if (r == IO_WANT_WRITE) {
        net->unsent = ql_mem_alloc(len);
        if (net->unsent == NULL) {
            return IO_FAILED;
        }
        memcpy(net->unsent, p, len);
        net->nunsent = len;
        *put = len;
    }
    return r;
}

static io_result
try_write(ql_net *net, const void *p, size_t n, size_t *put)
{
    *put = 0;
    if (net->ssl != NULL) {
        io_result r = flush_unsent(net);
        return r == IO_MOVED && n != 0 ? write_record(net, p, n, put) : r;
    }
    ssize_t rc = send_piece(net->fd, p, n);
    if (rc < 0) {
        return failure(errno, true);
    }
    *put = (size_t)rc;
    return IO_MOVED;
}

/* After a try that did not move anything: QL_OK = try again. A kill cuts the socket, so that a
 * pending reason explains a closed one. */
static ql_status
after_try(ql_ctx *cx, ql_net *net, io_result r, ql_errcode code, ql_deadline dl, ql_wait_kind kind)
{
    switch (r) {
    case IO_WANT_READ:
        return ql_wait(cx, net->fd, POLLIN, dl, kind);
    case IO_WANT_WRITE:
        return ql_wait(cx, net->fd, POLLOUT, dl, kind);
    case IO_CLOSED:
        net->broken = true;
        QL_TRY(ql_check(cx));
        return QL_END;
    default:
        net->broken = true;
        ERR_clear_error();
        QL_TRY(ql_check(cx));
        return ql_fail(cx, code);
    }
}

ql_status
ql_net_read(ql_ctx *cx, ql_net *net, void *p, size_t n, size_t *got, ql_deadline dl,
            ql_wait_kind kind)
{
    *got = 0;
    for (;;) {
        QL_TRY(ql_check(cx));
        if (net->broken) {
            return QL_END;
        }
        io_result r = try_read(net, p, n, got);
        if (r == IO_MOVED) {
            net->bytes_in += *got;
            return QL_OK;
        }
        *got = 0;
        QL_TRY(after_try(cx, net, r, QL_ER_NET_READ_ERROR, dl, kind));
    }
}

ql_status
ql_net_write(ql_ctx *cx, ql_net *net, const void *p, size_t n, size_t *done, ql_deadline dl,
             ql_wait_kind kind)
{
    *done = 0;
    while (*done < n || net->unsent != NULL) {
        QL_TRY(ql_check(cx));
        size_t put = 0;
        io_result r =
            net->broken ? IO_CLOSED : try_write(net, (const char *)p + *done, n - *done, &put);
        *done += put;
        net->bytes_out += put;
        if (r == IO_MOVED) {
            continue;
        }
        ql_status st = after_try(cx, net, r, QL_ER_NET_ERROR_ON_WRITE, dl, kind);
        if (st == QL_END) {
            return ql_fail(cx, QL_ER_NET_ERROR_ON_WRITE);
        }
        QL_TRY(st);
    }
    return QL_OK;
}

ql_status
ql_net_accept_tls(ql_ctx *cx, ql_net *net, SSL *ssl, ql_deadline dl)
{
    net->ssl = ssl;
    BIO *bio = new_bio(net);
    if (bio == NULL) {
        net->broken = true;
        return ql_fail(cx, QL_ER_OUT_OF_RESOURCES);
    }
    SSL_set_bio(ssl, bio, bio);
    (void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    SSL_set_accept_state(ssl);
    for (;;) {
        QL_TRY(ql_check(cx));
        ERR_clear_error();
        io_result r = ssl_result(net, SSL_do_handshake(ssl));
        if (r == IO_MOVED) {
            return QL_OK;
        }
        QL_TRY(after_try(cx, net, r, QL_ER_HANDSHAKE_ERROR, dl, QL_W_TLS));
    }
}
