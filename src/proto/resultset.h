/* SPDX-License-Identifier: Apache-2.0
 *
 * The sink that writes result sets to a client, in the text or the binary protocol, with conversion
 * to character_set_results.
 */
#ifndef QL_PROTO_RESULTSET_H
#define QL_PROTO_RESULTSET_H

#include "proto/reply.h"

/* Owner: the session. Set up anew for each statement by ql_wire_sink_init. */
typedef struct ql_wire_sink {
    ql_sink sink;
    ql_wire *w;
    ql_reply reply;               /* for the EOF behind the column definitions */
    const ql_charset *cs_results; /* NULL = as it is */
    bool binary;                  /* COM_STMT_EXECUTE */
    bool began;                   /* column definitions are out */
    const ql_result_column *cols; /* of the running result set, in the statement arena */
    uint16_t ncols;
    ql_buf text; /* scratch: a value being converted */
} ql_wire_sink;

void ql_wire_sink_init(ql_wire_sink *s, ql_wire *w, const ql_reply *reply,
                       const ql_charset *cs_results, bool binary);
void ql_wire_sink_fini(ql_wire_sink *s); /* gives back the scratch memory */

/* One column definition packet; with_default: the form of COM_FIELD_LIST. Waits: NET_WRITE. */
ql_status ql_put_column_definition(ql_ctx *cx, ql_wire *w, const ql_result_column *c,
                                   const ql_charset *cs_results, bool with_default) QL_MUST_USE;

#endif
