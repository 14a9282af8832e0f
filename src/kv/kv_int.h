/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind the door: the table of calls that each kind of environment fills in, and the
 * heads of the objects it hands out. Inside kv/ only.
 */
#ifndef QL_KV_KV_INT_H
#define QL_KV_KV_INT_H

#include <stdatomic.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "kv/kv.h"

/* One kind of environment. Contracts are those of the ql_kv_ function of the same name. */
typedef struct ql_kv_ops {
    void (*close)(ql_kv *kv);
    void (*stats)(ql_kv *kv, ql_kv_stats *out);

    ql_status (*snap_begin)(ql_ctx *cx, ql_kv *kv, ql_kv_snap **out);
    void (*snap_end)(ql_kv_snap *s);
    ql_status (*get)(ql_ctx *cx, ql_kv_snap *s, ql_str key, ql_str *value);
    /* NULL: one after the other */
    ql_status (*get_many)(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n, ql_str *values);
    /* NULL: not at all */
    ql_status (*warm)(ql_ctx *cx, ql_kv_snap *s, const ql_str *keys, size_t n);

    ql_status (*cursor_open)(ql_ctx *cx, ql_kv_snap *s, ql_kv_cursor **out);
    void (*cursor_close)(ql_kv_cursor *c);
    ql_status (*seek_ge)(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v);
    ql_status (*seek_lt)(ql_ctx *cx, ql_kv_cursor *c, ql_str key, ql_str *k, ql_str *v);
    ql_status (*next)(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v);
    ql_status (*prev)(ql_ctx *cx, ql_kv_cursor *c, ql_str *k, ql_str *v);

    /* NULL: it cannot be told */
    ql_status (*region_open)(ql_ctx *cx, ql_kv_snap *s, ql_str from, ql_str to, unsigned probes,
                             ql_kv_region *out);
    void (*region_close)(ql_kv_region *r);
    ql_status (*region_key)(ql_ctx *cx, const ql_kv_region *r, double at, ql_str *key);

    ql_status (*apply_begin)(ql_ctx *cx, ql_kv *kv, ql_kv_apply **out);
    /* NULL: as apply_begin */
    ql_status (*beside_begin)(ql_ctx *cx, ql_kv *kv, uint64_t after, ql_kv_apply **out);
    ql_status (*apply_put)(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str value);
    ql_status (*apply_del)(ql_ctx *cx, ql_kv_apply *a, ql_str key);
    ql_status (*apply_get)(ql_ctx *cx, ql_kv_apply *a, ql_str key, ql_str *value);
    ql_status (*apply_del_range)(ql_ctx *cx, ql_kv_apply *a, ql_str from, ql_str to, size_t n,
                                 size_t *done);
    ql_status (*apply_commit)(ql_ctx *cx, ql_kv_apply *a, ql_kv_sync sync);
    void (*apply_abort)(ql_kv_apply *a);
    ql_status (*flush)(ql_ctx *cx, ql_kv *kv); /* NULL: nothing is ever pending */
} ql_kv_ops;

/* First member of every environment, snapshot, cursor and apply. */
struct ql_kv {
    const ql_kv_ops *ops; /* [const] */
    _Atomic uint64_t seq; /* newest committed; stored only after new snapshots can see it */
};

struct ql_kv_snap {
    const ql_kv_ops *ops; /* [const] */
    uint64_t seq;         /* [owner] */
};

struct ql_kv_cursor {
    const ql_kv_ops *ops; /* [const] */
    bool trusting;        /* [owner] a page that was whole a moment ago is believed */
    ql_str damaged;       /* [owner] ql_kv_cursor_damaged; set by moves that fail */
};

struct ql_kv_apply {
    const ql_kv_ops *ops; /* [const] */
    bool keep_short;      /* [owner] ql_kv_apply_keep_short */
};

/* Keys above the door: 1 to QLI_KV_KEY_MAX bytes, first byte below 0xFF (0xFF.. is kv's own). */
#define QLI_KV_KEY_MAX 3500u
#define QLI_KV_INTERNAL 0xFFu

/* QL_ERROR unless key may be stored. */
ql_status qli_kv_check_key(ql_ctx *cx, ql_str key) QL_MUST_USE;

#endif
