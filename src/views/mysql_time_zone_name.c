/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.time_zone_name: the names by which time_zone and CONVERT_TZ know the zones of the system's
 * time zone database.
 */
#include "base/diag.h"
#include "vars/zones.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Name, 's', 64, NN)                                                                           \
    C(Time_zone_id, 'm', 0, NN)
QLI_COLUMNS(time_zone_name, COLUMNS);

ql_status
qli_fill_time_zone_name(ql_ctx *cx, ql_view_rows *r)
{
    const char *const *names;
    uint32_t n;
    QL_TRY(ql_zone_names(cx, &names, &n));
    for (uint32_t i = 0; i < n; i++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_Name], names[i]);
        v[COL_Time_zone_id] = ql_value_int(i + 1);
    }
    return QL_OK;
}
