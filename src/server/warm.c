/* SPDX-License-Identifier: Apache-2.0
 *
 * What ICU makes at its first use takes up to 20 ms, in which no statement could be stopped. So a
 * thread makes what is in daily use at the start, beside the opening of the data directory.
 */
#include "fn/fn.h"
#include "server/server_int.h"
#include "types/collate.h"

static void
make_common(void *arg)
{
    ql_server *server = arg;
    ql_collations_warm(&server->warm_cx);
    ql_regexp_warm();
}

void
qli_warm_start(ql_server *server)
{
    ql_icu_use_memory();
    if (ql_background_init(&server->warm_cx, server->inst, &server->warm_intr) != QL_OK) {
        return;
    }
    if (ql_thread_start(&server->warm_cx, &server->warm_thread, "ql-warm", 0, make_common,
                        server) != QL_OK) {
        ql_background_fini(&server->warm_cx);
    }
}

void
qli_warm_wait(ql_server *server)
{
    if (server->warm_thread.started) {
        ql_thread_join(&server->warm_thread);
        ql_background_fini(&server->warm_cx);
    }
}
