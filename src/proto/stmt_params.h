/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of COM_STMT_EXECUTE.
 */
#ifndef QL_PROTO_STMT_PARAMS_H
#define QL_PROTO_STMT_PARAMS_H

#include "base/arena.h"
#include "base/buf.h"
#include "types/value.h"

/* Kept by the prepared statement between executions: types once bound stay bound, long data stays
 * until reset. */
typedef struct ql_param_slot {
    uint8_t field; /* ql_field */
    bool is_unsigned;
    bool has_long_data;
    ql_buf long_data;
} ql_param_slot;

/* Decode the payload behind the iteration count into values[n]; string bytes are copied to a and
 * converted from cs_client to utf8mb4. slots[n] is updated with new types. QL_ERROR 1835, 1210. */
ql_status ql_stmt_params_decode(ql_ctx *cx, ql_arena *a, ql_str payload, ql_param_slot *slots,
                                uint32_t n, bool *types_bound, const ql_charset *cs_client,
                                const ql_collation *coll, ql_value *values) QL_MUST_USE;

#endif
