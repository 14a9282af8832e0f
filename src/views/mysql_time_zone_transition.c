/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.time_zone_transition: when the zones change, as their files list it; what follows from the
 * rule behind that goes on for ever and is left out. Reads the files of all zones.
 */
#include <string.h>

#include "base/diag.h"
#include "vars/zones.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Time_zone_id, 'm', 0, NN)                                                                    \
    C(Transition_time, 'i', 0, NN)                                                                 \
    C(Transition_type_id, 'm', 0, NN)
QLI_COLUMNS(time_zone_transition, COLUMNS);

ql_status
qli_fill_time_zone_transition(ql_ctx *cx, ql_view_rows *r)
{
    const char *const *names;
    uint32_t n;
    QL_TRY(ql_zone_names(cx, &names, &n));
    for (uint32_t i = 0; i < n; i++) {
        const ql_zone *z;
        ql_status st = ql_zone_find(cx, (ql_str){names[i], strlen(names[i])}, &z);
        QL_TRY(st == QL_END ? QL_OK : st);
        for (uint32_t k = 0; st == QL_OK && k < z->n_own; k++) {
            ql_value *v;
            QL_TRY(ql_view_row(cx, r, &v));
            v[COL_Time_zone_id] = ql_value_int(i + 1);
            v[COL_Transition_time] = ql_value_int(z->at[k]);
            v[COL_Transition_type_id] = ql_value_int(z->to[k]);
        }
    }
    return QL_OK;
}
