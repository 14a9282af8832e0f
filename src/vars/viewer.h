/* SPDX-License-Identifier: Apache-2.0
 *
 * Who looks at what the server shows of itself.
 */
#ifndef QL_VARS_VIEWER_H
#define QL_VARS_VIEWER_H

#include "base/arena.h"

/* Set by session in its ctx's vars. */
typedef struct ql_viewer {
    uint64_t conn_id;
    ql_str user;      /* login name; n 0 = anonymous */
    bool has_process; /* PROCESS privilege */
} ql_viewer;

#endif
