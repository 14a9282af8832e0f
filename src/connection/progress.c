/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress reports of the stock mariadb client: while a long statement works, an error packet with
 * the number 0xFFFF says how far it has come (MariaDB's documentation, "Progress Reporting"). For
 * clients that ask for them at login. A report goes if the socket takes it at once, else it is left
 * out: nothing waits for it.
 */
#include <string.h>

#include "base/thread.h"
#include "connection/connection_int.h"
#include "intr/progress.h"

#define EVERY_NS ((int64_t)5 * 1000000000)

static ql_status
put_report(ql_connection *c, uint32_t share, const char *state)
{
    ql_ctx *cx = &c->s.cx;
    size_t n = strlen(state);
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, &c->wire, &b));
    QL_TRY(ql_buf_put_le(cx, b, 0xFFFFFF, 3)); /* an error, number 0xFFFF */
    QL_TRY(ql_buf_put_le(cx, b, 0x010101, 3)); /* one text; stage 1 of 1 */
    QL_TRY(ql_buf_put_le(cx, b, share, 3));
    QL_TRY(ql_buf_put_u8(cx, b, (uint8_t)n)); /* a length below 251 */
    QL_TRY(ql_buf_put(cx, b, state, n));
    QL_TRY(ql_wire_end(cx, &c->wire));
    return ql_wire_flush(cx, &c->wire, QL_NO_WAIT);
}

static void
tell(void *arg)
{
    ql_connection *c = arg;
    ql_stage stage;
    int64_t now = ql_now_mono_ns();
    if (now < c->report_ns || c->file_open || ql_wire_gathered(&c->wire) > 0) {
        return;
    }
    uint32_t share = ql_proc_work_share(c->s.cx.proc, &stage);
    c->report_ns = now + EVERY_NS;
    if (share == UINT32_MAX || c->wire.reply_began) {
        return;
    }
    ql_diag *diag = c->s.cx.diag; /* what is wrong with it is said in the reply, if at all */
    c->s.cx.diag = ql_diag_new();
    if (c->s.cx.diag != NULL) {
        ql_status ignored = put_report(c, share, ql_stage_text(stage));
        (void)ignored;
        ql_wire_begin_reply(&c->wire); /* the reply is what comes behind it */
    }
    ql_diag_free(c->s.cx.diag);
    c->s.cx.diag = diag;
}

void
qli_progress_begin(ql_connection *c)
{
    c->report_ns = 0;
    ql_proc_tell_work(c->s.cx.proc, c->login.wants_progress ? tell : NULL, c);
}
