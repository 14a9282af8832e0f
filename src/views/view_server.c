/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of the server itself: plugins, and system and status variables as tables; with them those
 * that monitoring asks of every server and that are empty here. Columns are those of MySQL 8.4.
 * Runs on the session's thread, no locks of its own.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "views/views_int.h"

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

/* --- plugins --- */

const ql_view_column qli_is_plugins[] = {
    {"PLUGIN_NAME", 's', 64, false},           {"PLUGIN_VERSION", 's', 20, false},
    {"PLUGIN_STATUS", 's', 10, false},         {"PLUGIN_TYPE", 's', 80, false},
    {"PLUGIN_TYPE_VERSION", 's', 20, false},   {"PLUGIN_LIBRARY", 's', 64, true},
    {"PLUGIN_LIBRARY_VERSION", 's', 20, true}, {"PLUGIN_AUTHOR", 's', 64, true},
    {"PLUGIN_DESCRIPTION", 't', 0, true},      {"PLUGIN_LICENSE", 's', 80, true},
    {"LOAD_OPTION", 's', 64, false},           END};

ql_status
qli_fill_plugins(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    static const char *const plugins[][3] = {
        {"caching_sha2_password", "AUTHENTICATION", "Caching sha2 authentication"},
        {"mysql_native_password", "AUTHENTICATION", "Native MySQL authentication"},
        {"auth_socket", "AUTHENTICATION", "Unix Socket based authentication"},
        {"InnoDB", "STORAGE ENGINE", "Transactions, row locks (stored in LMDB)"},
        {"MyISAM", "STORAGE ENGINE", "No transactions, table locks (stored in LMDB)"}};
    qli_rows r = {.a = a, .t = t};
    for (size_t i = 0; i < QL_ARRAY_LEN(plugins); i++) {
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], plugins[i][0]);
        qli_set_cstr(&v[1], "1.0");
        qli_set_cstr(&v[2], "ACTIVE");
        qli_set_cstr(&v[3], plugins[i][1]);
        qli_set_cstr(&v[4], "1.0");
        qli_set_cstr(&v[8], plugins[i][2]);
        qli_set_cstr(&v[9], "Apache-2.0");
        qli_set_cstr(&v[10], "FORCE");
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- keywords --- */

const ql_view_column qli_is_keywords[] = {
    {"WORD", 's', 128, true}, {"RESERVED", 'n', 0, true}, END};

ql_status
qli_fill_keywords(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    enum { RESERVED, UNRESERVED, BEFORE_PAREN };
    static const struct {
        const char *word;
        int class;
    } words[] = {
#define QL_KEYWORD(word, class) {#word, class},
#include "catalog/keywords.def"
#undef QL_KEYWORD
    };
    qli_rows r = {.a = a, .t = t};
    for (size_t i = 0; i < QL_ARRAY_LEN(words); i++) {
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], words[i].word);
        v[1] = ql_value_int(words[i].class == RESERVED);
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- variables --- */

const ql_view_column qli_ps_variables[] = {
    {"VARIABLE_NAME", 's', 64, false}, {"VARIABLE_VALUE", 's', 1024, true}, END};

static ql_status
put_all(ql_ctx *cx, qli_rows *r, const ql_name_value *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ql_value *v;
        QL_TRY(qli_rows_add(cx, r, &v));
        qli_set_str(&v[0], list[i].name);
        qli_set_str(&v[1], list[i].value);
    }
    return QL_OK;
}

ql_status
qli_fill_variables(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_name_value *list;
    size_t count;
    QL_TRY(ql_sysvar_list(cx, a, t->name.p[0] == 'g', &list, &count)); /* global_, session_ */
    QL_TRY(put_all(cx, &r, list, count));
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

ql_status
qli_fill_status(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_name_value *list;
    size_t count;
    QL_TRY(ql_status_list(cx, a, t->name.p[0] == 'g', &list, &count));
    QL_TRY(put_all(cx, &r, list, count));
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- without rows --- */

const ql_view_column qli_is_column_statistics[] = {{"SCHEMA_NAME", 's', 64, false},
                                                   {"TABLE_NAME", 's', 64, false},
                                                   {"COLUMN_NAME", 's', 64, false},
                                                   {"HISTOGRAM", 't', 0, false},
                                                   END};
const ql_view_column qli_is_profiling[] = {{"QUERY_ID", 'n', 0, false},
                                           {"SEQ", 'n', 0, false},
                                           {"STATE", 's', 30, false},
                                           {"DURATION", 's', 9, false},
                                           END};
const ql_view_column qli_is_optimizer_trace[] = {
    {"QUERY", 't', 0, false},
    {"TRACE", 't', 0, false},
    {"MISSING_BYTES_BEYOND_MAX_MEM_SIZE", 'n', 0, false},
    {"INSUFFICIENT_PRIVILEGES", 'n', 0, false},
    END};
const ql_view_column qli_is_innodb_cmp[] = {{"page_size", 'n', 0, false},
                                            {"compress_ops", 'n', 0, false},
                                            {"compress_ops_ok", 'n', 0, false},
                                            {"compress_time", 'n', 0, false},
                                            {"uncompress_ops", 'n', 0, false},
                                            {"uncompress_time", 'n', 0, false},
                                            END};
const ql_view_column qli_is_innodb_cmpmem[] = {{"page_size", 'n', 0, false},
                                               {"buffer_pool_instance", 'n', 0, false},
                                               {"pages_used", 'n', 0, false},
                                               {"pages_free", 'n', 0, false},
                                               {"relocation_ops", 'i', 0, false},
                                               {"relocation_time", 'n', 0, false},
                                               END};
const ql_view_column qli_is_innodb_metrics[] = {
    {"NAME", 's', 193, false},         {"SUBSYSTEM", 's', 193, false},
    {"COUNT", 'i', 0, false},          {"MAX_COUNT", 'i', 0, true},
    {"MIN_COUNT", 'i', 0, true},       {"AVG_COUNT", 'i', 0, true},
    {"COUNT_RESET", 'i', 0, false},    {"MAX_COUNT_RESET", 'i', 0, true},
    {"MIN_COUNT_RESET", 'i', 0, true}, {"AVG_COUNT_RESET", 'i', 0, true},
    {"TIME_ENABLED", 'd', 0, true},    {"TIME_DISABLED", 'd', 0, true},
    {"TIME_ELAPSED", 'i', 0, true},    {"TIME_RESET", 'd', 0, true},
    {"STATUS", 's', 193, false},       {"TYPE", 's', 193, false},
    {"COMMENT", 's', 193, false},      END};
const ql_view_column qli_ps_group_members[] = {{"CHANNEL_NAME", 's', 64, false},
                                               {"MEMBER_ID", 's', 36, false},
                                               {"MEMBER_HOST", 's', 255, false},
                                               {"MEMBER_PORT", 'n', 0, true},
                                               {"MEMBER_STATE", 's', 64, false},
                                               {"MEMBER_ROLE", 's', 64, false},
                                               {"MEMBER_VERSION", 's', 64, false},
                                               {"MEMBER_COMMUNICATION_STACK", 's', 64, false},
                                               END};
