/* SPDX-License-Identifier: Apache-2.0
 *
 * The process list at one moment, for views that look sessions up in it. Copying it stops nobody.
 */
#include <stdlib.h>

#include "base/thread.h"
#include "views/lockview.h"
#include "views/views_int.h"

ql_status
qli_sessions_take(ql_ctx *cx, ql_arena *a, qli_sessions *out)
{
    out->now_us = ql_now_real_us();
    return ql_procs_list(cx, cx->inst->procs, a, &out->v, &out->n);
}

static int
compare_conn_id(const void *key, const void *row)
{
    uint64_t a = *(const uint64_t *)key, b = ((const ql_proc_info *)row)->id;
    return (a > b) - (a < b);
}

const ql_proc_info *
qli_sessions_find(const qli_sessions *s, uint64_t conn_id)
{
    return s->n ? bsearch(&conn_id, s->v, s->n, sizeof *s->v, compare_conn_id) : NULL;
}

bool
ql_trx_is_shown(const ql_proc_info *p)
{
    return p->trx_id != 0 && ((p->trx_flags & QL_PTRX_STARTED) != 0 || p->trx_changed != 0 ||
                              p->trx_locks != 0 || p->trx_wait_lock != 0);
}

bool
qli_trx_waits(const ql_proc_info *p)
{
    return p->wait == QL_W_ROW_LOCK;
}

void
qli_set_moment(ql_ctx *cx, ql_value *v, const qli_sessions *s, int64_t age_ms)
{
    if (age_ms < 0) {
        *v = ql_value_null();
    } else {
        qli_set_time(cx, v, (s->now_us - age_ms * 1000) / 1000000);
    }
}
