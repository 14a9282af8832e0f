/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/packet.c over a socket pair: framing, limits, sequence numbers, and where the wire stands
 * after a write was cut. Frame sizes and numbers are those of the protocol documentation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/thread.h"
#include "intr/background.h"
#include "proto/packet.h"

typedef struct side {
    ql_ctx cx;
    ql_intr intr;
    ql_wire w;
} side;

static ql_instance inst;

static void
open_side(side *s, int fd)
{
    assert_int_equal(ql_background_init(&s->cx, &inst, &s->intr), QL_OK);
    ql_wire_init(&s->w, fd);
    s->w.max_packet = 64u << 20;
}

static void
close_side(side *s)
{
    ql_wire_close(&s->w);
    ql_background_fini(&s->cx);
}

static void
open_pair(side *a, side *b)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    open_side(a, fd[0]);
    open_side(b, fd[1]);
}

static int
error_of(side *s)
{
    const ql_condition *c = ql_diag_error(s->cx.diag);
    int n = c != NULL ? c->number : 0;
    ql_diag_reset(s->cx.diag);
    return n;
}

static ql_status
put_packet(side *s, size_t n, char fill)
{
    ql_buf *b;
    ql_status st = ql_wire_begin(&s->cx, &s->w, &b);
    if (st == QL_OK) {
        st = ql_buf_reserve(&s->cx, b, n);
    }
    if (st == QL_OK) {
        memset(b->p + b->n, fill, n);
        b->n += n;
        st = ql_wire_end(&s->cx, &s->w);
    }
    return st;
}

static ql_status
flush(side *s)
{
    return ql_wire_flush(&s->cx, &s->w, ql_deadline_ms(10000));
}

static ql_status
get_packet(side *s, ql_str *p)
{
    return ql_wire_read(&s->cx, &s->w, ql_deadline_ms(10000), QL_W_IDLE, p);
}

static void
write_raw(side *s, const void *p, size_t n)
{
    assert_int_equal(write(s->w.net.fd, p, n), (ssize_t)n);
}

/* ---- sizes ---- */

typedef struct sender {
    side *s;
    size_t n;
} sender;

static void
send_one(void *arg)
{
    sender *x = arg;
    if (put_packet(x->s, x->n, 'p') != QL_OK || flush(x->s) != QL_OK) {
        abort();
    }
}

static void
check_size(size_t n)
{
    side a, b;
    ql_str p;
    ql_thread t = {0};
    open_pair(&a, &b);
    sender x = {&a, n};
    assert_int_equal(ql_thread_start(&b.cx, &t, "sender", 0, send_one, &x), QL_OK);
    assert_int_equal(get_packet(&b, &p), QL_OK);
    ql_thread_join(&t);
    assert_int_equal(p.n, n);
    for (size_t i = 0; i<n; i += n> 5000 ? 997 : 1) {
        assert_int_equal(p.p[i], 'p');
    }
    assert_int_equal(b.w.seq, n / QL_PACKET_FRAME_MAX + 1);
    assert_int_equal(a.w.seq, b.w.seq);
    close_side(&a);
    close_side(&b);
}

static void
test_sizes(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   250,
                                   65535,
                                   1u << 20,
                                   QL_PACKET_FRAME_MAX - 1,
                                   QL_PACKET_FRAME_MAX,
                                   QL_PACKET_FRAME_MAX + 1,
                                   2 * QL_PACKET_FRAME_MAX,
                                   2 * QL_PACKET_FRAME_MAX + 77};
    (void)state;
    for (size_t i = 0; i < QL_ARRAY_LEN(sizes); i++) {
        check_size(sizes[i]);
    }
}

static void
test_many_in_one_read(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(put_packet(&a, (size_t)i, 'm'), QL_OK);
    }
    assert_int_equal(flush(&a), QL_OK);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(get_packet(&b, &p), QL_OK);
        assert_int_equal(p.n, i);
    }
    assert_int_equal(b.w.seq, 300 % 256);
    close_side(&a);
    close_side(&b);
}

/* ---- refusals ---- */

static void
test_out_of_order(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    write_raw(&a, "\1\0\0\5x", 5);
    assert_int_equal(get_packet(&b, &p), QL_ERROR);
    assert_int_equal(error_of(&b), 1156);
    close_side(&a);
    close_side(&b);
}

static void
test_too_large_is_refused_before_memory(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    b.w.max_packet = 1000;
    write_raw(&a, "\xe9\3\0\0", 4);
    assert_int_equal(get_packet(&b, &p), QL_ERROR);
    assert_int_equal(error_of(&b), 1153);
    assert_true(b.w.in.cap < 100000);
    close_side(&a);
    close_side(&b);
}

static void
test_end_and_silence(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    b.w.read_timeout_ms = 50;
    assert_int_equal(ql_wire_read(&b.cx, &b.w, ql_deadline_ms(20), QL_W_IDLE, &p), QL_TIMEOUT);
    write_raw(&a, "\5\0\0\0xy", 6);
    assert_int_equal(get_packet(&b, &p), QL_ERROR);
    assert_int_equal(error_of(&b), 1159);
    close_side(&a);
    assert_int_equal(get_packet(&b, &p), QL_ERROR);
    close_side(&b);
    open_pair(&a, &b);
    close_side(&a);
    assert_int_equal(get_packet(&b, &p), QL_END);
    close_side(&b);
}

/* ---- cut writes ---- */

static void
shrink(side *a, side *b)
{
    int n = 4096;
    (void)setsockopt(a->w.net.fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof n);
    (void)setsockopt(b->w.net.fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof n);
}

/* A killed statement: packets of which no byte has left are dropped, the one in flight is finished,
 * and the packet after it has the next number. */
static void
test_trim_keeps_sync(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    shrink(&a, &b);
    a.w.write_timeout_ms = 20;
    ql_status st = QL_OK;
    for (int i = 0; i < 2000 && st == QL_OK; i++) {
        st = put_packet(&a, 3000, 'r');
    }
    assert_int_equal(st, QL_ERROR);
    assert_int_equal(error_of(&a), 1161);
    bool cut = ql_wire_trim(&a.w);
    assert_true(a.w.out.n - a.w.out_done < 3004);
    assert_int_equal(put_packet(&a, 10, 'E'), QL_OK);
    int rows = 0;
    (void)cut; /* the socket may have stopped at a boundary */
    /* The reader takes what is there; the rest of the packet in flight and the last one follow. */
    for (;;) {
        st = ql_wire_flush(&a.cx, &a.w, QL_NO_WAIT);
        assert_true(st == QL_OK || st == QL_TIMEOUT);
        assert_int_equal(get_packet(&b, &p), QL_OK);
        if (p.p[0] == 'E') {
            break;
        }
        assert_int_equal(p.n, 3000);
        rows++;
    }
    assert_int_equal(p.n, 10);
    assert_true(rows > 0 && rows < 2000);
    close_side(&a);
    close_side(&b);
}

static void
test_trim_of_what_never_left(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    assert_int_equal(put_packet(&a, 5, 'a'), QL_OK); /* reply of an earlier statement */
    ql_wire_begin_reply(&a.w);
    assert_int_equal(put_packet(&a, 6, 'b'), QL_OK);
    ql_wire_keep(&a.w);
    assert_int_equal(put_packet(&a, 7, 'c'), QL_OK);
    (void)ql_wire_trim(&a.w);
    assert_int_equal(a.w.seq, 1); /* nothing of this reply has left: all of it goes */
    assert_int_equal(put_packet(&a, 8, 'E'), QL_OK);
    assert_int_equal(flush(&a), QL_OK);
    assert_int_equal(get_packet(&b, &p), QL_OK);
    assert_int_equal(p.n, 5);
    assert_int_equal(get_packet(&b, &p), QL_OK);
    assert_int_equal(p.n, 8);
    close_side(&a);
    close_side(&b);
}

static void
test_unfinished_packet_is_forgotten(void **state)
{
    side a, b;
    ql_buf *buf;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    assert_int_equal(ql_wire_begin(&a.cx, &a.w, &buf), QL_OK);
    assert_int_equal(ql_buf_put(&a.cx, buf, "half", 4), QL_OK);
    (void)ql_wire_trim(&a.w);
    assert_int_equal(put_packet(&a, 3, 'w'), QL_OK);
    assert_int_equal(flush(&a), QL_OK);
    assert_int_equal(get_packet(&b, &p), QL_OK);
    assert_int_equal(p.n, 3);
    close_side(&a);
    close_side(&b);
}

static void
test_idle_holds_no_buffers(void **state)
{
    side a, b;
    ql_str p;
    (void)state;
    open_pair(&a, &b);
    assert_int_equal(put_packet(&a, 100, 'i'), QL_OK);
    assert_int_equal(flush(&a), QL_OK);
    assert_int_equal(get_packet(&b, &p), QL_OK);
    ql_wire_release(&b.w);
    assert_int_equal(b.w.in.cap + b.w.out.cap + b.w.joined.cap, 0);
    ql_wire_restart(&a.w);
    ql_wire_restart(&b.w);
    assert_int_equal(put_packet(&a, 2000, 'j'), QL_OK);
    assert_int_equal(flush(&a), QL_OK);
    int first = 0;
    assert_int_equal(ql_wire_wait(&b.cx, &b.w, ql_deadline_ms(1000), true, &first), QL_OK);
    assert_int_equal(first, 'j');
    assert_int_equal(ql_wire_wait(&b.cx, &b.w, ql_deadline_ms(1000), true, &first), QL_OK);
    assert_int_equal(get_packet(&b, &p), QL_OK);
    assert_int_equal(p.n, 2000);
    close_side(&a);
    close_side(&b);
}

/* The first byte of a packet is seen as soon as it is there, the packet is whole when it is. */
static void
test_wait_for_the_first_byte(void **state)
{
    side a, b;
    ql_str p;
    int first = 0;
    (void)state;
    open_pair(&a, &b);
    assert_int_equal(ql_wire_wait(&b.cx, &b.w, ql_deadline_ms(1), false, &first), QL_TIMEOUT);
    assert_int_equal(write(a.w.net.fd, "\5\0\0\0\3ab", 7), 7);
    assert_int_equal(ql_wire_wait(&b.cx, &b.w, ql_deadline_ms(1000), false, &first), QL_OK);
    assert_int_equal(first, 3);
    assert_false(ql_wire_is_whole(&b.w));
    assert_int_equal(write(a.w.net.fd, "cd\0\0\0\0", 6), 6); /* and an empty packet behind it */
    assert_int_equal(get_packet(&b, &p), QL_OK);
    assert_int_equal(p.n, 5);
    assert_memory_equal(p.p, "\3abcd", 5);
    ql_wire_restart(&b.w);
    assert_int_equal(ql_wire_wait(&b.cx, &b.w, ql_deadline_ms(1000), false, &first), QL_OK);
    assert_int_equal(first, -1);
    assert_true(ql_wire_is_whole(&b.w));
    assert_int_equal(get_packet(&b, &p), QL_OK);
    assert_int_equal(p.n, 0);
    close_side(&a);
    close_side(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_for_the_first_byte),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_many_in_one_read),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_too_large_is_refused_before_memory),
        cmocka_unit_test(test_end_and_silence),
        cmocka_unit_test(test_trim_keeps_sync),
        cmocka_unit_test(test_trim_of_what_never_left),
        cmocka_unit_test(test_unfinished_packet_is_forgotten),
        cmocka_unit_test(test_idle_holds_no_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
