/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of intr/ share among themselves.
 */
#ifndef QL_INTR_INTR_INT_H
#define QL_INTR_INTR_INT_H

#include "intr/intr.h"

/* Owner: take the tokens out of the eventfd. */
void qli_intr_drain(ql_intr *in);

/* ql_intr_raise_before that also shuts the socket cut_fd (-1 none) down when a connection reason
 * hits.
 */
bool qli_intr_raise_cut(ql_intr *in, uint32_t reasons, uint64_t stmt_id, int64_t not_after,
                        int cut_fd);

#endif
