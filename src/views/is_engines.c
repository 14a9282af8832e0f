/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.ENGINES; SHOW ENGINES is a projection of it.
 */
#include <string.h>

#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(ENGINE, 's', 64, NN)                                                                         \
    C(SUPPORT, 's', 8, NN)                                                                         \
    C(COMMENT, 's', 80, NN)                                                                        \
    C(TRANSACTIONS, 's', 3, NUL)                                                                   \
    C(XA, 's', 3, NUL)                                                                             \
    C(SAVEPOINTS, 's', 3, NUL)
QLI_COLUMNS(engines, COLUMNS);

static const struct {
    const char *name, *comment, *transactions, *xa, *savepoints;
} engines[] = {
    {"InnoDB", "Transactions, row locks (stored in LMDB)", "YES", "NO", "YES"},
    {"MyISAM", "No transactions, table locks (stored in LMDB)", "NO", "NO", "NO"},
    {"MEMORY", "No transactions, table locks; rows are gone after a restart", "NO", "NO", "NO"}};

ql_status
qli_fill_engines(ql_ctx *cx, ql_view_rows *r)
{
    ql_value chosen;
    QL_TRY(ql_sysvar_get(cx, QL_SV_DEFAULT_STORAGE_ENGINE, false, &chosen));
    for (size_t i = 0; i < QL_ARRAY_LEN(engines); i++) {
        ql_str name = {engines[i].name, strlen(engines[i].name)};
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_str(&v[COL_ENGINE], name);
        qli_set_cstr(&v[COL_SUPPORT], ql_str_eq(chosen.s, name) ? "DEFAULT" : "YES");
        qli_set_cstr(&v[COL_COMMENT], engines[i].comment);
        qli_set_cstr(&v[COL_TRANSACTIONS], engines[i].transactions);
        qli_set_cstr(&v[COL_XA], engines[i].xa);
        qli_set_cstr(&v[COL_SAVEPOINTS], engines[i].savepoints);
    }
    return QL_OK;
}
