/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging ordered parts into one sequence: the snapshot below (or none) and the lists and spilled
 * parts of layers, later ones hiding earlier ones. What cursors (merge.c) and the committer read
 * through. One thread at a time; no locks, no waits.
 */
#ifndef QL_TXN_SOURCE_H
#define QL_TXN_SOURCE_H

#include "txn/spill.h"

typedef enum qli_source_kind { QLI_SRC_BASE, QLI_SRC_SPILL, QLI_SRC_LIST } qli_source_kind;

/* A stand in one part: on the entry that comes next in the direction of the merge. */
typedef struct qli_source {
    qli_source_kind kind;
    bool on;      /* there is such an entry */
    bool tied;    /* its key is the current one */
    bool deleted; /* SPILL: what the entry is */
    const qli_writeset *ws;
    qli_wpos at;      /* LIST */
    qli_shot *shot;   /* SPILL: referenced */
    ql_kv_cursor *kc; /* BASE, SPILL */
    ql_str k, v;
} qli_source;

#define QLI_INLINE_SOURCES 4u

typedef struct qli_merge {
    qli_source *v; /* priority: later ones hide earlier ones */
    uint32_t n, cap;
    bool back;
    qli_source inline_v[QLI_INLINE_SOURCES];
} qli_merge;

/* The current entry. Bytes as the part it comes from gives them. */
typedef struct qli_entry {
    ql_str key, value;
    bool deleted;
} qli_entry;

void qli_merge_init(qli_merge *m);
/* Merge over base (a cursor that stays the caller's; NULL = none) and these layers. */
ql_status qli_merge_over(ql_ctx *cx, qli_merge *m, ql_kv_cursor *base, const qli_writeset *layers,
                         uint32_t nlayers) QL_MUST_USE;
void qli_merge_fini(qli_merge *m); /* gives back what it holds, to be used again or forgotten */
/* Place all parts: at the first entry not below key, or (back) the last one below it. */
ql_status qli_merge_place(ql_ctx *cx, qli_merge *m, ql_str key, bool back) QL_MUST_USE;
/* The nearest entry becomes current. False when all parts are at their end. */
bool qli_merge_choose(qli_merge *m, qli_entry *e);
/* Leave the current entry. */
ql_status qli_merge_advance(ql_ctx *cx, qli_merge *m) QL_MUST_USE;

#endif
