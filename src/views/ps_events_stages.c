/* SPDX-License-Identifier: Apache-2.0
 *
 * performance_schema.events_stages_current: what the running statement of each session is at, and
 * how far those that tell it have come (builds of tables and indexes). Columns of MySQL 8.4; times
 * are not kept. Without PROCESS one's own only.
 */
#include "views/views_int.h"

#include <string.h>

#define COLUMNS(C)                                                                                 \
    C(THREAD_ID, 'u', 0, NN)                                                                       \
    C(EVENT_ID, 'u', 0, NN)                                                                        \
    C(END_EVENT_ID, 'u', 0, NUL)                                                                   \
    C(EVENT_NAME, 's', 128, NN)                                                                    \
    C(SOURCE, 's', 64, NUL)                                                                        \
    C(TIMER_START, 'u', 0, NUL)                                                                    \
    C(TIMER_END, 'u', 0, NUL)                                                                      \
    C(TIMER_WAIT, 'u', 0, NUL)                                                                     \
    C(WORK_COMPLETED, 'u', 0, NUL)                                                                 \
    C(WORK_ESTIMATED, 'u', 0, NUL)                                                                 \
    C(NESTING_EVENT_ID, 'u', 0, NUL)                                                               \
    C(NESTING_EVENT_TYPE, 's', 11, NUL)
QLI_COLUMNS(events_stages, COLUMNS);

ql_status
qli_fill_events_stages(ql_ctx *cx, ql_view_rows *r)
{
    ql_proc_info *p;
    size_t n;
    QL_TRY(ql_procs_list(cx, cx->inst->procs, r->a, &p, &n));
    for (size_t i = 0; i < n; i++, p++) {
        ql_value *v;
        if (!qli_viewer_sees(cx, p) || p->query_id == 0 || !p->state || !*p->state) {
            continue;
        }
        char *name = ql_arena_printf(cx, r->a, "stage/sql/%s", p->state);
        if (!name) {
            return QL_ERROR;
        }
        QL_TRY(ql_view_row(cx, r, &v));
        v[COL_THREAD_ID] = ql_value_uint(p->id);
        v[COL_EVENT_ID] = v[COL_NESTING_EVENT_ID] = ql_value_uint(p->query_id);
        qli_set_cstr(&v[COL_EVENT_NAME], name);
        qli_set_cstr(&v[COL_NESTING_EVENT_TYPE], "STATEMENT");
        if (p->work_estimated) {
            uint64_t most = p->work_estimated;
            v[COL_WORK_COMPLETED] = ql_value_uint(p->work_done < most ? p->work_done : most);
            v[COL_WORK_ESTIMATED] = ql_value_uint(most);
        }
    }
    return QL_OK;
}
