/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.time_zone_transition_type: the ways of counting that the zones' files know. Reads the files
 * of all zones.
 */
#include <string.h>

#include "base/diag.h"
#include "vars/zones.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Time_zone_id, 'm', 0, NN)                                                                    \
    C(Transition_type_id, 'm', 0, NN)                                                              \
    C(Offset, 'n', 0, NN)                                                                          \
    C(Is_DST, 'n', 0, NN)                                                                          \
    C(Abbreviation, 's', 8, NN)
QLI_COLUMNS(time_zone_transition_type, COLUMNS);

static ql_status
put_types(ql_ctx *cx, ql_view_rows *r, uint32_t id, const ql_zone *z)
{
    for (uint32_t k = 0; k < z->ntypes_own; k++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        v[COL_Time_zone_id] = ql_value_int(id);
        v[COL_Transition_type_id] = ql_value_int(k);
        v[COL_Offset] = ql_value_int(z->types[k].seconds);
        v[COL_Is_DST] = ql_value_int(z->types[k].is_dst);
        qli_set_chars(&v[COL_Abbreviation], (ql_str){z->types[k].abbr, strlen(z->types[k].abbr)},
                      8);
    }
    return QL_OK;
}

ql_status
qli_fill_time_zone_transition_type(ql_ctx *cx, ql_view_rows *r)
{
    const char *const *names;
    uint32_t n;
    QL_TRY(ql_zone_names(cx, &names, &n));
    for (uint32_t i = 0; i < n; i++) {
        const ql_zone *z;
        ql_status st = ql_zone_find(cx, (ql_str){names[i], strlen(names[i])}, &z);
        QL_TRY(st == QL_END ? QL_OK : st);
        QL_TRY(st == QL_OK ? put_types(cx, r, i + 1, z) : QL_OK);
    }
    return QL_OK;
}
