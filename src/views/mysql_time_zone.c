/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.time_zone: the zones of the system's time zone database, numbered in the order of their
 * names. None counts leap seconds (types/zone_file.c).
 */
#include "base/diag.h"
#include "vars/zones.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Time_zone_id, 'm', 0, NN)                                                                    \
    C(Use_leap_seconds, 's', 1, NN)
QLI_COLUMNS(time_zone, COLUMNS);

ql_status
qli_fill_time_zone(ql_ctx *cx, ql_view_rows *r)
{
    const char *const *names;
    uint32_t n;
    QL_TRY(ql_zone_names(cx, &names, &n));
    for (uint32_t i = 0; i < n; i++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        v[COL_Time_zone_id] = ql_value_int(i + 1);
        qli_set_cstr(&v[COL_Use_leap_seconds], "N");
    }
    return QL_OK;
}
