/* SPDX-License-Identifier: Apache-2.0
 *
 * Socket I/O over socketpairs, plain and TLS (certificate made here): contents under short reads
 * and writes, time-outs, closed peers, kills while reading and while the peer does not read, and
 * the next write after a killed one.
 */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "intr/netio.h"

#define BIG ((size_t)3 << 20)

/* The peer: a thread with blocking calls. It reads `expect` bytes and compares them with the
 * pattern, then writes `reply` bytes of it. */
typedef struct peer {
    int fd;
    SSL_CTX *ctx; /* NULL = plain */
    SSL *ssl;
    size_t expect, reply;
    _Atomic bool go; /* starts reading when set */
    bool matched;
    ql_thread thread;
} peer;

typedef struct link {
    ql_instance inst;
    fake f;
    ql_net net;
    peer p;
    SSL_CTX *server;
} link_t;

static unsigned char
pattern_at(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 11);
}

static unsigned char *
pattern(size_t n)
{
    unsigned char *p = malloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        p[i] = pattern_at(i);
    }
    return p;
}

static bool
peer_io(peer *p, unsigned char *data, size_t n, bool writing)
{
    while (n != 0) {
        int piece = n > 65536 ? 65536 : (int)n, rc;
        if (p->ssl != NULL) {
            rc = writing ? SSL_write(p->ssl, data, piece) : SSL_read(p->ssl, data, piece);
        } else {
            rc = (int)(writing ? send(p->fd, data, (size_t)piece, MSG_NOSIGNAL)
                               : recv(p->fd, data, (size_t)piece, 0));
        }
        if (rc <= 0) {
            return false;
        }
        data += rc;
        n -= (size_t)rc;
    }
    return true;
}

static void
run_peer(void *arg)
{
    peer *p = arg;
    if (p->ctx != NULL) {
        p->ssl = SSL_new(p->ctx);
        (void)SSL_set_fd(p->ssl, p->fd);
        if (SSL_connect(p->ssl) != 1) {
            return;
        }
    }
    while (!p->go) {
        (void)sched_yield();
    }
    unsigned char *data = pattern(p->expect), *want = pattern(p->expect);
    memset(data, 0, p->expect);
    p->matched = peer_io(p, data, p->expect, false) && memcmp(data, want, p->expect) == 0;
    free(data);
    free(want);
    data = pattern(p->reply);
    (void)peer_io(p, data, p->reply, true);
    free(data);
}

/* A self-signed certificate that lives for the test. */
static void
give_certificate(SSL_CTX *ctx)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"t", -1, -1,
                                     0);
    (void)X509_set_issuer_name(cert, name);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
link_begin(link_t *l, bool tls, size_t expect, size_t reply)
{
    int sv[2], small = 16384;
    memset(l, 0, sizeof *l);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
    (void)setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    l->inst.procs = ql_procs_new();
    fake_begin_fd(&l->f, &l->inst, sv[0]);
    ql_net_init(&l->net, sv[0]);
    l->p.fd = sv[1];
    l->p.expect = expect;
    l->p.reply = reply;
    if (tls) {
        l->server = SSL_CTX_new(TLS_server_method());
        l->p.ctx = SSL_CTX_new(TLS_client_method());
        give_certificate(l->server);
    }
    assert_int_equal(ql_thread_start(&l->f.cx, &l->p.thread, "peer", 1 << 20, run_peer, &l->p),
                     QL_OK);
    if (tls) {
        SSL *ssl = SSL_new(l->server);
        assert_int_equal(ql_net_accept_tls(&l->f.cx, &l->net, ssl, ql_deadline_ms(20000)), QL_OK);
    }
}

/* Whatever the peer still does ends with the connection. */
static void
link_end(link_t *l)
{
    uint64_t id = ql_proc_id(l->f.cx.proc);
    (void)ql_procs_raise(l->inst.procs, id, 0, QL_INTR_CONN, true, 0);
    l->p.go = true;
    ql_thread_join(&l->p.thread);
    fake_end(&l->f);
    ql_net_close(&l->net);
    SSL_free(l->p.ssl);
    SSL_CTX_free(l->p.ctx);
    SSL_CTX_free(l->server);
    (void)close(l->p.fd);
    ql_procs_free(l->inst.procs);
}

static void
exchange(bool tls, size_t piece, size_t n)
{
    link_t l;
    size_t done, got, have = 0;
    unsigned char *p = pattern(n), *q = malloc(n);
    link_begin(&l, tls, n, n);
    l.p.go = true;
    ql_net_fault_short(piece);
    ql_deadline dl = ql_deadline_ms(60000);
    assert_int_equal(ql_net_write(&l.f.cx, &l.net, p, n, &done, dl, QL_W_NET_WRITE), QL_OK);
    assert_int_equal(done, n);
    while (have < n) {
        assert_int_equal(ql_net_read(&l.f.cx, &l.net, q + have, n - have, &got, dl, QL_W_NET_READ),
                         QL_OK);
        assert_true(got > 0);
        have += got;
    }
    ql_net_fault_short(0);
    assert_memory_equal(p, q, n);
    assert_int_equal(l.net.bytes_in, n);
    assert_int_equal(l.net.bytes_out, n);
    ql_thread_join(&l.p.thread);
    assert_true(l.p.matched);
    link_end(&l);
    free(p);
    free(q);
}

static void
test_exchange(void **state)
{
    (void)state;
    exchange(false, 0, BIG);
    exchange(true, 0, BIG);
#ifdef QL_DEBUG
    exchange(false, 1, 5000);
    exchange(true, 1, 5000);
    exchange(false, 1021, BIG / 8);
    exchange(true, 1021, BIG / 8);
#endif
}

static void
read_timeout_and_close(bool tls)
{
    link_t l;
    char byte;
    size_t got;
    link_begin(&l, tls, 0, 0);
    assert_int_equal(
        ql_net_read(&l.f.cx, &l.net, &byte, 1, &got, ql_deadline_ms(20), QL_W_NET_READ),
        QL_TIMEOUT);
    l.p.go = true;
    ql_thread_join(&l.p.thread);
    (void)shutdown(l.p.fd, SHUT_RDWR);
    assert_int_equal(ql_net_read(&l.f.cx, &l.net, &byte, 1, &got, QL_FOREVER, QL_W_NET_READ),
                     QL_END);
    assert_true(l.net.broken);
    assert_int_equal(ql_net_write(&l.f.cx, &l.net, "x", 1, &got, QL_FOREVER, QL_W_NET_WRITE),
                     QL_ERROR);
    assert_int_equal(fake_error(&l.f), 1160);
    link_end(&l);
}

static void
test_read_timeout_and_close(void **state)
{
    (void)state;
    read_timeout_and_close(false);
    read_timeout_and_close(true);
}

typedef struct killer {
    link_t *l;
    uint32_t reason;
    const char *state; /* kills when the row shows it */
    fake f;
} killer;

static void
run_killer(void *arg)
{
    killer *k = arg;
    uint64_t id = ql_proc_id(k->l->f.cx.proc);
    ql_proc_info i;
    do {
        (void)sched_yield();
        ql_arena_reset(k->f.cx.arena);
    } while (ql_procs_find(&k->f.cx, k->l->inst.procs, id, k->f.cx.arena, &i) != QL_OK ||
             strcmp(i.state, k->state) != 0);
    (void)ql_procs_raise(k->l->inst.procs, id, 0, k->reason, true, 0);
}

/* A kill while the peer does not read. After KILL QUERY the rest of the data still goes out, whole
 * and in order, under a hold. */
static void
kill_writer(bool tls, uint32_t reason)
{
    link_t l;
    killer k;
    size_t done, rest;
    unsigned char *p = pattern(BIG);
    link_begin(&l, tls, BIG, 0);
    k = (killer){.l = &l, .reason = reason, .state = "Sending to client"};
    fake_begin(&k.f, NULL);
    ql_intr_stmt_begin(&l.f.intr, 1);
    fake_start(&k.f, run_killer, &k);
    assert_int_equal(ql_net_write(&l.f.cx, &l.net, p, BIG, &done, QL_FOREVER, QL_W_NET_WRITE),
                     QL_KILLED);
    assert_true(done > 0 && done < BIG);
    ql_thread_join(&k.f.thread);
    fake_end(&k.f);
    if (reason == QL_INTR_QUERY) {
        ql_hold(&l.f.cx, QL_INTR_STMT_MASK);
        assert_int_equal(ql_net_write(&l.f.cx, &l.net, p + done, BIG - done, &rest,
                                      ql_deadline_ms(20), QL_W_NET_WRITE),
                         QL_TIMEOUT);
        done += rest;
        l.p.go = true;
        assert_int_equal(ql_net_write(&l.f.cx, &l.net, p + done, BIG - done, &rest,
                                      ql_deadline_ms(20000), QL_W_NET_WRITE),
                         QL_OK);
        ql_thread_join(&l.p.thread);
        assert_true(l.p.matched);
        ql_unhold(&l.f.cx, QL_INTR_STMT_MASK);
    }
    ql_intr_stmt_end(&l.f.intr);
    link_end(&l);
    free(p);
}

static void
test_kill_writer(void **state)
{
    (void)state;
    kill_writer(false, QL_INTR_QUERY);
    kill_writer(false, QL_INTR_CONN);
    kill_writer(true, QL_INTR_QUERY);
    kill_writer(true, QL_INTR_CONN);
}

static void
kill_reader(bool tls)
{
    link_t l;
    killer k;
    char byte;
    size_t got;
    link_begin(&l, tls, 0, 0);
    k = (killer){.l = &l, .reason = QL_INTR_CONN, .state = "Receiving from client"};
    fake_begin(&k.f, NULL);
    fake_start(&k.f, run_killer, &k);
    assert_int_equal(ql_net_read(&l.f.cx, &l.net, &byte, 1, &got, QL_FOREVER, QL_W_NET_READ),
                     QL_KILLED);
    ql_thread_join(&k.f.thread);
    fake_end(&k.f);
    link_end(&l);
}

static void
test_kill_reader(void **state)
{
    (void)state;
    kill_reader(false);
    kill_reader(true);
}

static void
test_tls_handshake_limits(void **state)
{
    (void)state;
    int sv[2];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    give_certificate(ctx);
    for (int mode = 0; mode < 3; mode++) {
        fake f;
        ql_net net;
        fake_begin(&f, NULL);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
        ql_net_init(&net, sv[0]);
        if (mode == 1) {
            assert_int_equal(send(sv[1], "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
        } else if (mode == 2) {
            (void)close(sv[1]);
        }
        ql_status st = ql_net_accept_tls(&f.cx, &net, SSL_new(ctx), ql_deadline_ms(30));
        assert_int_equal(st, mode == 0 ? QL_TIMEOUT : mode == 1 ? QL_ERROR : QL_END);
        assert_int_equal(fake_error(&f), mode == 1 ? 1043 : 0);
        ql_net_close(&net);
        fake_end(&f);
        if (mode != 2) {
            (void)close(sv[1]);
        }
    }
    SSL_CTX_free(ctx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_read_timeout_and_close),
        cmocka_unit_test(test_kill_writer),
        cmocka_unit_test(test_kill_reader),
        cmocka_unit_test(test_tls_handshake_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
