/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing: the input is what a client sends, cut into short reads; packets are read until the wire
 * refuses to go on. Whatever is accepted is inside the limits and in sequence.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "intr/background.h"
#include "proto/packet.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(ql_ctx *cx, ql_wire *w)
{
    for (;;) {
        ql_str p;
        ql_status st = ql_wire_read(cx, w, QL_NO_WAIT, QL_W_IDLE, &p);
        if (st == QL_ERROR && !ql_diag_has_error(cx->diag)) {
            abort();
        }
        if (st != QL_OK) {
            return;
        }
        if (p.n > LIMIT) {
            abort();
        }
        for (size_t i = 0; i < p.n; i++) {
            w->write_timeout_ms += (uint8_t)p.p[i]; /* every byte can be read */
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ql_instance inst;
    ql_intr intr;
    ql_ctx cx;
    ql_wire w;
    int fd[2];
    if (size < 1 || size > 60000 || ql_background_init(&cx, &inst, &intr) != QL_OK) {
        return 0;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0) {
        if (write(fd[0], data + 1, size - 1) < 0) {
            abort();
        }
        (void)close(fd[0]);
        ql_wire_init(&w, fd[1]);
        w.max_packet = LIMIT;
        ql_net_fault_short(data[0] % 7);
        read_all(&cx, &w);
        ql_net_fault_short(0);
        ql_wire_close(&w);
    }
    ql_background_fini(&cx);
    return 0;
}
