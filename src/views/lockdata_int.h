/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside views/: names of index ids, and keys as text (lockdata.c, lockview.c).
 */
#ifndef QL_VIEWS_LOCKDATA_INT_H
#define QL_VIEWS_LOCKDATA_INT_H

#include "views/views_int.h"

/* Whose index an id is. */
typedef struct qli_index_name {
    uint32_t id;
    char prefix[4]; /* id as keys begin with it */
    ql_table *table;
    const ql_index *index;
} qli_index_name;

/* Owner: one listing, on its stack. */
typedef struct qli_lock_reader {
    ql_arena *a;       /* of the texts */
    ql_arena *scratch; /* emptied after each key */
    ql_kv_snap *snap;  /* newest state, taken when a row has to be looked up; ended by the owner */
} qli_lock_reader;

/* Text of the keys in [low, high), or of the key low when high is empty: the values of one key, or
 * "[5, 10)". */
ql_status qli_lock_data(ql_ctx *cx, qli_lock_reader *r, const qli_index_name *ix, ql_str low,
                        ql_str high, ql_str *out) QL_MUST_USE;

#endif
