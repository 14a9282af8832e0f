/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a layer that is on disk: an unlinked temporary KV (ql_kv_open_temp) that holds the
 * layer's older entries, a byte in front of each value telling put from delete. Written by the
 * transaction's thread; the committer reads it while the owner waits for it; closed (which removes
 * the file) by the reclaimer.
 */
#ifndef QL_TXN_SPILL_H
#define QL_TXN_SPILL_H

#include "kv/kv.h"
#include "txn/writeset.h"

/* A snapshot used by a transaction and its cursors. */
typedef struct qli_shot {
    ql_kv_snap *s;
    uint32_t refs;
} qli_shot;

/* Owner: its layer. */
typedef struct qli_spill {
    ql_kv *kv;
    qli_shot *shot;              /* all it holds; cursors may keep older ones */
    size_t entries, bytes;       /* written; keys written twice count twice */
    _Atomic uint64_t *counter;   /* bytes of all spilled layers of the instance */
    _Atomic uint64_t *files;     /* number of them */
    struct qli_spill *next_dead; /* [reclaimer] */
} qli_spill;

struct ql_txn;

/* Move the list of a layer of t to its spilled part. Killable; when it fails the layer is as it was
 * (1026: the disk of tmpdir is full). *freed: the list's memory, for the caller to free. */
ql_status qli_spill_layer(ql_ctx *cx, struct ql_txn *t, qli_writeset *ws,
                          qli_chunks *freed) QL_MUST_USE;
/* QL_END = it has no such key. Bytes valid until the next qli_spill_layer. */
ql_status qli_spill_get(ql_ctx *cx, const qli_spill *sp, ql_str key, ql_str *value,
                        bool *deleted) QL_MUST_USE;
/* A stored value as put or delete. */
ql_str qli_spill_value(ql_str stored, bool *deleted);
void qli_spill_free(qli_spill *sp); /* no cursor may use it any more */
void qli_spill_shot_put(qli_shot *shot);

#endif
