/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows behind the entries of a secondary index, looked for a batch at a time: entries first, then
 * their rows together in the order of the clustered index (txn.h, ql_txn_get_many), then the batch
 * in the order of the entries. Of consistent scans: what locks reads row by row.
 */
#include <string.h>

#include "base/diag.h"
#include "intr/intr.h"
#include "table/scan_int.h"

bool
qli_scan_gathers(const ql_scan *s)
{
    return s->spec.lock.kind == QL_SCAN_CONSISTENT && s->spec.view == QL_VIEW_STATEMENT &&
           !qli_scan_is_clustered(s) && !s->spec.index_only && !s->spec.want_locator &&
           s->spec.ncols > 0 && (s->spec.pick != NULL || !s->spec.one_by_one);
}

ql_status
qli_gather_init(ql_ctx *cx, ql_arena *a, qli_gather *g)
{
    g->keys = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *g->keys);
    g->rows = ql_arena_alloc(cx, a, QL_BATCH_ROWS * sizeof *g->rows);
    g->mem = ql_arena_new("keys of rows", ql_arena_quota(a));
    if (g->mem == NULL) {
        return ql_fail_oom(cx, 0);
    }
    return g->keys != NULL && g->rows != NULL ? QL_OK : QL_ERROR;
}

void
qli_gather_clear(qli_gather *g)
{
    g->n = g->at = 0;
    if (g->mem != NULL && ql_arena_used(g->mem) > 0) {
        ql_arena_reset(g->mem);
    }
}

ql_status
qli_gather_add(ql_ctx *cx, ql_scan *s, ql_str value)
{
    ql_str suffix = ql_entry_locator(s->index, value);
    qli_gather *g = &s->gather;
    uint32_t id = s->spec.table->indexes[0].id;
    char *p = ql_arena_alloc(cx, g->mem, QLI_ID_BYTES + suffix.n);
    if (p == NULL) {
        return QL_ERROR;
    }
    const char head[QLI_ID_BYTES] = {(char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    memcpy(p, head, sizeof head);
    memcpy(p + QLI_ID_BYTES, suffix.p, suffix.n);
    g->keys[g->n++] = (ql_str){p, QLI_ID_BYTES + suffix.n};
    return QL_OK;
}

/* Entries of look-ups have tags, and tails among them that are always wanted. */
static void
keep_picked(ql_scan *s, const uint16_t *picked, uint16_t npicked)
{
    qli_gather *g = &s->gather;
    qli_probes *p = &s->probes;
    bool tagged = s->spec.probes;
    uint16_t n = 0, at = 0;
    for (uint16_t i = 0; i < g->n; i++) {
        bool is_picked = at < npicked && picked[at] == i;
        at = (uint16_t)(at + is_picked);
        if (is_picked || (tagged && p->is_tail[i])) {
            g->keys[n] = g->keys[i];
            if (tagged) {
                p->tags[n] = p->tags[i];
                p->is_tail[n] = p->is_tail[i];
            }
            n++;
        }
    }
    g->n = n;
}

ql_status
qli_gather_pick(ql_ctx *cx, ql_scan *s)
{
    qli_gather *g = &s->gather;
    uint16_t sel[QL_BATCH_ROWS], picked[QL_BATCH_ROWS], n = 0;
    for (uint16_t i = 0; i < g->n; i++) {
        sel[n] = i;
        n = (uint16_t)(n + !(s->spec.probes && s->probes.is_tail[i]));
    }
    if (s->spec.pick == NULL || n == 0) {
        return QL_OK;
    }
    s->batch.n = g->n;
    QL_TRY(s->spec.pick(cx, s->spec.pick_arg, &s->batch, sel, n, picked, &n));
    keep_picked(s, picked, n);
    return QL_OK;
}

ql_status
qli_gather_read(ql_ctx *cx, ql_scan *s)
{
    qli_gather *g = &s->gather;
    return ql_txn_get_many(cx, g->keys, g->n, g->rows);
}

ql_status
qli_gather_take(ql_ctx *cx, ql_scan *s, uint16_t *n)
{
    qli_gather *g = &s->gather;
    size_t bytes = 0;
    for (; g->at < g->n && bytes < QLI_BATCH_BYTES; g->at++) {
        ql_str row = g->rows[g->at];
        if (QL_UNLIKELY(row.p == NULL)) { /* one snapshot shows the entry and not the row */
            return qli_scan_lonely(cx, s);
        }
        bytes += row.n;
        QL_TRY(ql_row_decode(cx, &s->reader, row, s->batch.cols, *n));
        (*n)++;
    }
    return QL_OK;
}
