/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of intr/ share among themselves.
 */
#ifndef QL_INTR_INTR_INT_H
#define QL_INTR_INTR_INT_H

#include "intr/intr.h"

/* Owner: take the tokens out of the eventfd. */
void qli_intr_drain(ql_intr *in);

/* [in->mu] `pending` anew. */
void qli_intr_update(ql_intr *in);
/* ask.c. Owner: answer all questions; nothing when that is being done. */
void qli_asks_answer(ql_ctx *cx);
/* [in->mu] The statement has ended: they get no answer. */
void qli_asks_end(ql_intr *in);

typedef enum qli_hit {
    QLI_HIT,
    QLI_MISSED, /* nothing there to hit */
    QLI_SPARED, /* a statement reason that was meant for an earlier statement */
} qli_hit;

/* ql_intr_raise that also shuts the socket cut_fd (-1 none) down when a connection reason hits, and
 * with late_as != 0 spares the running statement from statement reasons when an earlier one ran at
 * the time that connection number late_as was accepted. */
qli_hit qli_intr_raise_cut(ql_intr *in, uint32_t reasons, uint64_t stmt_id, uint64_t late_as,
                           int cut_fd);

#endif
