/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of intr/ share among themselves.
 */
#ifndef QL_INTR_INTR_INT_H
#define QL_INTR_INTR_INT_H

#include "intr/intr.h"

/* Owner: take the tokens out of the eventfd. */
void qli_intr_drain(ql_intr *in);

#endif
