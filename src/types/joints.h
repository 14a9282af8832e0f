/* SPDX-License-Identifier: Apache-2.0
 *
 * Which characters of a Unicode collation may weigh otherwise together than one by one. Private to
 * types/. Users: beginning.c.
 */
#ifndef QL_TYPES_JOINTS_H
#define QL_TYPES_JOINTS_H

#include "types/collate_int.h"

/* The beginning of a sort key. */
typedef struct qli_edge {
    uint8_t n;
    char bytes[8];
} qli_edge;

/* What is to be known of characters of certain primary weights (all that have these weights). */
typedef struct qli_joint {
    uint64_t hash; /* of the bytes of their primary weights, as in sort keys */
    bool begins;   /* one of them may weigh otherwise together with what follows, */
    bool follows;  /* or with what is before; marks are not told of */
    /* begins: keys of texts that begin with one of them lie from `low` on to those that begin with
     * `high`. */
    qli_edge low, high;
} qli_joint;
typedef struct qli_joints qli_joints;

/* Those of a UCA collation, made at the first call; constant, for the life of the process. QL_ERROR
 * as qli_uca_weights. Waits: aside. */
ql_status qli_uca_joints(ql_ctx *cx, const qli_coll *c, const qli_joints **out) QL_MUST_USE;
/* NULL: they always weigh by themselves. */
const qli_joint *qli_joint_of(const qli_joints *j, ql_str primaries);

#endif
