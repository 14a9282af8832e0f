/* SPDX-License-Identifier: Apache-2.0
 *
 * The latest error of a foreign key, kept for SHOW ENGINE INNODB STATUS until the next one or the
 * server's end. Any session's thread; a leaf mutex for the time of a copy.
 */
#include <string.h>

#include "base/thread.h"
#include "catalog/catalog_int.h"
#include "catalog/foreign.h"

void
ql_foreign_keep_error(ql_catalog *c, ql_str text)
{
    int64_t now = ql_now_real_us();
    size_t n = text.n < sizeof c->latest_error ? text.n : sizeof c->latest_error;
    ql_mutex_lock(&c->latest_mu);
    memcpy(c->latest_error, text.p, n);
    c->latest_n = n;
    c->latest_us = now;
    ql_mutex_unlock(&c->latest_mu);
}

ql_status
ql_foreign_latest_error(ql_ctx *cx, ql_arena *a, int64_t *at_us, ql_str *text)
{
    ql_catalog *c = cx->inst->catalog;
    char *p = ql_arena_alloc(cx, a, sizeof c->latest_error);
    if (!p) {
        return QL_ERROR;
    }
    ql_mutex_lock(&c->latest_mu);
    *at_us = c->latest_us;
    *text = (ql_str){p, c->latest_n};
    memcpy(p, c->latest_error, c->latest_n);
    ql_mutex_unlock(&c->latest_mu);
    return QL_OK;
}
