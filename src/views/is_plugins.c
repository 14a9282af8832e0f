/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema.PLUGINS; SHOW PLUGINS is a projection of it. All are built in.
 */
#include "base/diag.h"
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(PLUGIN_NAME, 's', 64, NN)                                                                    \
    C(PLUGIN_VERSION, 's', 20, NN)                                                                 \
    C(PLUGIN_STATUS, 's', 10, NN)                                                                  \
    C(PLUGIN_TYPE, 's', 80, NN)                                                                    \
    C(PLUGIN_TYPE_VERSION, 's', 20, NN)                                                            \
    C(PLUGIN_LIBRARY, 's', 64, NUL)                                                                \
    C(PLUGIN_LIBRARY_VERSION, 's', 20, NUL)                                                        \
    C(PLUGIN_AUTHOR, 's', 64, NUL)                                                                 \
    C(PLUGIN_DESCRIPTION, 's', 65535, NUL)                                                         \
    C(PLUGIN_LICENSE, 's', 80, NUL)                                                                \
    C(LOAD_OPTION, 's', 64, NN)
QLI_COLUMNS(plugins, COLUMNS);

static const struct {
    const char *name, *type, *description;
} plugins[] = {{"caching_sha2_password", "AUTHENTICATION", "Caching sha2 authentication"},
               {"mysql_native_password", "AUTHENTICATION", "Native MySQL authentication"},
               {"auth_socket", "AUTHENTICATION", "Unix Socket based authentication"},
               {"InnoDB", "STORAGE ENGINE", "Transactions, row locks (stored in LMDB)"},
               {"MyISAM", "STORAGE ENGINE", "No transactions, table locks (stored in LMDB)"},
               {"MEMORY", "STORAGE ENGINE", "Rows are gone after a restart"}};

ql_status
qli_fill_plugins(ql_ctx *cx, ql_view_rows *r)
{
    for (size_t i = 0; i < QL_ARRAY_LEN(plugins); i++) {
        ql_value *v;
        QL_TRY(ql_view_row(cx, r, &v));
        qli_set_cstr(&v[COL_PLUGIN_NAME], plugins[i].name);
        qli_set_cstr(&v[COL_PLUGIN_VERSION], "1.0");
        qli_set_cstr(&v[COL_PLUGIN_STATUS], "ACTIVE");
        qli_set_cstr(&v[COL_PLUGIN_TYPE], plugins[i].type);
        qli_set_cstr(&v[COL_PLUGIN_TYPE_VERSION], "1.0");
        qli_set_cstr(&v[COL_PLUGIN_DESCRIPTION], plugins[i].description);
        qli_set_cstr(&v[COL_PLUGIN_LICENSE], "Apache-2.0");
        qli_set_cstr(&v[COL_LOAD_OPTION], "FORCE");
    }
    return QL_OK;
}
