/* SPDX-License-Identifier: Apache-2.0
 *
 * How many entries of an index lie in a range, from the shape of the tree (kv.h, ql_kv_region).
 */
#include "kv/kv.h"
#include "table/table_int.h"

#define PROBES 6

ql_status
ql_index_range(ql_ctx *cx, ql_arena *a, const ql_table *t, const ql_index *ix, const ql_bound *low,
               const ql_bound *high, ql_key_range *out)
{
    ql_buf from = {0}, to = {0};
    qli_range_kind kind = QLI_RANGE_OPEN;
    ql_status st = qli_range_encode(cx, t, ix, low, high, &from, &to, &kind);
    if (st == QL_OK) {
        out->from = (ql_str){ql_arena_strndup(cx, a, from.p, from.n), from.n};
        out->to = (ql_str){out->from.p ? ql_arena_strndup(cx, a, to.p, to.n) : NULL, to.n};
        out->empty = kind == QLI_RANGE_NOTHING;
        out->point = kind == QLI_RANGE_POINT;
        st = out->to.p ? QL_OK : QL_ERROR;
    }
    ql_buf_free(&from);
    ql_buf_free(&to);
    return st;
}

ql_status
ql_index_estimate(ql_ctx *cx, const ql_key_range *r, double *entries)
{
    if (r->empty || r->point) {
        *entries = r->point;
        return QL_OK;
    }
    *entries = -1;
    for (int tries = 0; tries < 3; tries++) {
        ql_kv_snap *snap;
        ql_kv_region region;
        QL_TRY(ql_kv_snap_begin(cx, cx->inst->kv, &snap));
        ql_status st = ql_kv_region_open(cx, snap, r->from, r->to, PROBES, &region);
        if (st == QL_OK) {
            *entries = region.entries;
        }
        ql_kv_region_close(&region);
        ql_kv_snap_end(snap);
        if (st != QL_END) {
            return st;
        }
    }
    return QL_OK;
}
