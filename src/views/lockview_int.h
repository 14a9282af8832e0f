/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside views/: locks of the lock manager's list, one after the other, made readable (lockview.c).
 */
#ifndef QL_VIEWS_LOCKVIEW_INT_H
#define QL_VIEWS_LOCKVIEW_INT_H

#include "views/lockdata_int.h"
#include "views/lockview.h"

/* All indexes of all tables, by id. */
typedef struct qli_index_names {
    qli_index_name *v;
    size_t n;
} qli_index_names;

/* A listing under way: names of indexes, and where rows are looked up. Owner: one function, on its
 * stack; ended on every exit, after a begin that failed, too. */
typedef struct qli_lock_listing {
    qli_index_names names;
    qli_lock_reader reader;
    int64_t now;
} qli_lock_listing;
ql_status qli_lock_listing_begin(ql_ctx *cx, ql_arena *a, size_t nlocks,
                                 qli_lock_listing *s) QL_MUST_USE;
ql_status qli_lock_listing_view(ql_ctx *cx, qli_lock_listing *s, const ql_lock_info *l,
                                ql_lock_view *v) QL_MUST_USE;
void qli_lock_listing_end(qli_lock_listing *s);

#endif
