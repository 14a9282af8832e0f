/* SPDX-License-Identifier: Apache-2.0
 *
 * information_schema, second part: constraints (what ORMs look at), and the tables of things that
 * do not exist here: they are there and empty, because dump tools and frameworks ask for them.
 * Columns are those of the MySQL 8.4 manual.
 */
#include <string.h>

#include "base/arena.h"
#include "views/views_int.h"

/* --- TABLE_CONSTRAINTS, KEY_COLUMN_USAGE ----------------------------------------------------- */

const ql_view_column qli_is_table_constraints[] = {{"CONSTRAINT_CATALOG", 's', 64, false},
                                                   {"CONSTRAINT_SCHEMA", 's', 64, false},
                                                   {"CONSTRAINT_NAME", 's', 64, true},
                                                   {"TABLE_SCHEMA", 's', 64, false},
                                                   {"TABLE_NAME", 's', 64, false},
                                                   {"CONSTRAINT_TYPE", 's', 11, false},
                                                   {"ENFORCED", 's', 3, false},
                                                   {NULL, 0, 0, false}};

ql_status
qli_fill_table_constraints(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_table **list;
    size_t nt;
    QL_TRY(qli_visible_tables(cx, a, &list, &nt));
    for (size_t i = 0; i < nt; i++) {
        for (unsigned x = 0; x < list[i]->nindexes; x++) {
            const ql_index *ix = &list[i]->indexes[x];
            ql_value *v;
            if (!ix->unique || ix->hidden_rowid) {
                continue;
            }
            QL_TRY(qli_rows_add(cx, &r, &v));
            qli_set_cstr(&v[0], "def");
            qli_set_str(&v[1], list[i]->db);
            qli_set_str(&v[2], ix->name);
            qli_set_str(&v[3], list[i]->db);
            qli_set_str(&v[4], list[i]->name);
            qli_set_cstr(&v[5], ix->primary ? "PRIMARY KEY" : "UNIQUE");
            qli_set_cstr(&v[6], "YES");
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

const ql_view_column qli_is_key_column_usage[] = {{"CONSTRAINT_CATALOG", 's', 64, false},
                                                  {"CONSTRAINT_SCHEMA", 's', 64, false},
                                                  {"CONSTRAINT_NAME", 's', 64, true},
                                                  {"TABLE_CATALOG", 's', 64, false},
                                                  {"TABLE_SCHEMA", 's', 64, false},
                                                  {"TABLE_NAME", 's', 64, false},
                                                  {"COLUMN_NAME", 's', 64, true},
                                                  {"ORDINAL_POSITION", 'u', 0, false},
                                                  {"POSITION_IN_UNIQUE_CONSTRAINT", 'u', 0, true},
                                                  {"REFERENCED_TABLE_SCHEMA", 's', 64, true},
                                                  {"REFERENCED_TABLE_NAME", 's', 64, true},
                                                  {"REFERENCED_COLUMN_NAME", 's', 64, true},
                                                  {NULL, 0, 0, false}};

static ql_status
add_key_columns(ql_ctx *cx, qli_rows *r, const ql_table *x, const ql_index *ix)
{
    for (unsigned p = 0; p < ix->nparts; p++) {
        ql_value *v;
        QL_TRY(qli_rows_add(cx, r, &v));
        qli_set_cstr(&v[0], "def");
        qli_set_str(&v[1], x->db);
        qli_set_str(&v[2], ix->name);
        qli_set_cstr(&v[3], "def");
        qli_set_str(&v[4], x->db);
        qli_set_str(&v[5], x->name);
        qli_set_str(&v[6], x->columns[ix->parts[p].column].name);
        v[7] = ql_value_uint(p + 1);
    }
    return QL_OK;
}

ql_status
qli_fill_key_column_usage(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    ql_table **list;
    size_t nt;
    QL_TRY(qli_visible_tables(cx, a, &list, &nt));
    for (size_t i = 0; i < nt; i++) {
        for (unsigned x = 0; x < list[i]->nindexes; x++) {
            if (list[i]->indexes[x].unique) {
                QL_TRY(add_key_columns(cx, &r, list[i], &list[i]->indexes[x]));
            }
        }
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- collations of character sets ------------------------------------------------------------ */

const ql_view_column qli_is_collation_charset[] = {{"COLLATION_NAME", 's', 64, false},
                                                   {"CHARACTER_SET_NAME", 's', 64, false},
                                                   {NULL, 0, 0, false}};

ql_status
qli_fill_collation_charset(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    qli_rows r = {.a = a, .t = t};
    for (size_t i = 0; i < ql_collation_count(); i++) {
        const ql_collation *c = ql_collation_nth(i);
        ql_value *v;
        QL_TRY(qli_rows_add(cx, &r, &v));
        qli_set_cstr(&v[0], c->name);
        qli_set_cstr(&v[1], c->charset->name);
    }
    *rows = r.v;
    *n = r.n;
    return QL_OK;
}

/* --- what does not exist here ---------------------------------------------------------------- */

ql_status
qli_fill_nothing(ql_ctx *cx, ql_arena *a, const ql_table *t, ql_value ***rows, size_t *n)
{
    (void)cx;
    (void)a;
    (void)t;
    *rows = NULL;
    *n = 0;
    return QL_OK;
}

#define S(name)                                                                                    \
    {                                                                                              \
        name, 's', 64, true                                                                        \
    }
#define U(name)                                                                                    \
    {                                                                                              \
        name, 'u', 0, true                                                                         \
    }
#define T(name)                                                                                    \
    {                                                                                              \
        name, 't', 0, true                                                                         \
    }
#define D(name)                                                                                    \
    {                                                                                              \
        name, 'd', 0, true                                                                         \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }
const ql_view_column qli_is_referential[] = {S("CONSTRAINT_CATALOG"),
                                             S("CONSTRAINT_SCHEMA"),
                                             S("CONSTRAINT_NAME"),
                                             S("UNIQUE_CONSTRAINT_CATALOG"),
                                             S("UNIQUE_CONSTRAINT_SCHEMA"),
                                             S("UNIQUE_CONSTRAINT_NAME"),
                                             S("MATCH_OPTION"),
                                             S("UPDATE_RULE"),
                                             S("DELETE_RULE"),
                                             S("TABLE_NAME"),
                                             S("REFERENCED_TABLE_NAME"),
                                             END};
const ql_view_column qli_is_check_constraints[] = {S("CONSTRAINT_CATALOG"), S("CONSTRAINT_SCHEMA"),
                                                   S("CONSTRAINT_NAME"), T("CHECK_CLAUSE"), END};
const ql_view_column qli_is_views[] = {S("TABLE_CATALOG"),
                                       S("TABLE_SCHEMA"),
                                       S("TABLE_NAME"),
                                       T("VIEW_DEFINITION"),
                                       S("CHECK_OPTION"),
                                       S("IS_UPDATABLE"),
                                       S("DEFINER"),
                                       S("SECURITY_TYPE"),
                                       S("CHARACTER_SET_CLIENT"),
                                       S("COLLATION_CONNECTION"),
                                       END};
const ql_view_column qli_is_triggers[] = {S("TRIGGER_CATALOG"),
                                          S("TRIGGER_SCHEMA"),
                                          S("TRIGGER_NAME"),
                                          S("EVENT_MANIPULATION"),
                                          S("EVENT_OBJECT_CATALOG"),
                                          S("EVENT_OBJECT_SCHEMA"),
                                          S("EVENT_OBJECT_TABLE"),
                                          U("ACTION_ORDER"),
                                          T("ACTION_CONDITION"),
                                          T("ACTION_STATEMENT"),
                                          S("ACTION_ORIENTATION"),
                                          S("ACTION_TIMING"),
                                          S("ACTION_REFERENCE_OLD_TABLE"),
                                          S("ACTION_REFERENCE_NEW_TABLE"),
                                          S("ACTION_REFERENCE_OLD_ROW"),
                                          S("ACTION_REFERENCE_NEW_ROW"),
                                          D("CREATED"),
                                          S("SQL_MODE"),
                                          S("DEFINER"),
                                          S("CHARACTER_SET_CLIENT"),
                                          S("COLLATION_CONNECTION"),
                                          S("DATABASE_COLLATION"),
                                          END};
const ql_view_column qli_is_routines[] = {S("SPECIFIC_NAME"),
                                          S("ROUTINE_CATALOG"),
                                          S("ROUTINE_SCHEMA"),
                                          S("ROUTINE_NAME"),
                                          S("ROUTINE_TYPE"),
                                          T("DATA_TYPE"),
                                          U("CHARACTER_MAXIMUM_LENGTH"),
                                          U("CHARACTER_OCTET_LENGTH"),
                                          U("NUMERIC_PRECISION"),
                                          U("NUMERIC_SCALE"),
                                          U("DATETIME_PRECISION"),
                                          S("CHARACTER_SET_NAME"),
                                          S("COLLATION_NAME"),
                                          T("DTD_IDENTIFIER"),
                                          S("ROUTINE_BODY"),
                                          T("ROUTINE_DEFINITION"),
                                          S("EXTERNAL_NAME"),
                                          S("EXTERNAL_LANGUAGE"),
                                          S("PARAMETER_STYLE"),
                                          S("IS_DETERMINISTIC"),
                                          S("SQL_DATA_ACCESS"),
                                          S("SQL_PATH"),
                                          S("SECURITY_TYPE"),
                                          D("CREATED"),
                                          D("LAST_ALTERED"),
                                          S("SQL_MODE"),
                                          T("ROUTINE_COMMENT"),
                                          S("DEFINER"),
                                          S("CHARACTER_SET_CLIENT"),
                                          S("COLLATION_CONNECTION"),
                                          S("DATABASE_COLLATION"),
                                          END};
const ql_view_column qli_is_parameters[] = {S("SPECIFIC_CATALOG"),
                                            S("SPECIFIC_SCHEMA"),
                                            S("SPECIFIC_NAME"),
                                            U("ORDINAL_POSITION"),
                                            S("PARAMETER_MODE"),
                                            S("PARAMETER_NAME"),
                                            T("DATA_TYPE"),
                                            U("CHARACTER_MAXIMUM_LENGTH"),
                                            U("CHARACTER_OCTET_LENGTH"),
                                            U("NUMERIC_PRECISION"),
                                            U("NUMERIC_SCALE"),
                                            U("DATETIME_PRECISION"),
                                            S("CHARACTER_SET_NAME"),
                                            S("COLLATION_NAME"),
                                            T("DTD_IDENTIFIER"),
                                            S("ROUTINE_TYPE"),
                                            END};
const ql_view_column qli_is_events[] = {S("EVENT_CATALOG"),
                                        S("EVENT_SCHEMA"),
                                        S("EVENT_NAME"),
                                        S("DEFINER"),
                                        S("TIME_ZONE"),
                                        S("EVENT_BODY"),
                                        T("EVENT_DEFINITION"),
                                        S("EVENT_TYPE"),
                                        D("EXECUTE_AT"),
                                        S("INTERVAL_VALUE"),
                                        S("INTERVAL_FIELD"),
                                        S("SQL_MODE"),
                                        D("STARTS"),
                                        D("ENDS"),
                                        S("STATUS"),
                                        S("ON_COMPLETION"),
                                        D("CREATED"),
                                        D("LAST_ALTERED"),
                                        D("LAST_EXECUTED"),
                                        T("EVENT_COMMENT"),
                                        U("ORIGINATOR"),
                                        S("CHARACTER_SET_CLIENT"),
                                        S("COLLATION_CONNECTION"),
                                        S("DATABASE_COLLATION"),
                                        END};
const ql_view_column qli_is_files[] = {U("FILE_ID"),
                                       T("FILE_NAME"),
                                       S("FILE_TYPE"),
                                       S("TABLESPACE_NAME"),
                                       S("TABLE_CATALOG"),
                                       S("TABLE_SCHEMA"),
                                       S("TABLE_NAME"),
                                       S("LOGFILE_GROUP_NAME"),
                                       U("LOGFILE_GROUP_NUMBER"),
                                       S("ENGINE"),
                                       S("FULLTEXT_KEYS"),
                                       U("DELETED_ROWS"),
                                       U("UPDATE_COUNT"),
                                       U("FREE_EXTENTS"),
                                       U("TOTAL_EXTENTS"),
                                       U("EXTENT_SIZE"),
                                       U("INITIAL_SIZE"),
                                       U("MAXIMUM_SIZE"),
                                       U("AUTOEXTEND_SIZE"),
                                       D("CREATION_TIME"),
                                       D("LAST_UPDATE_TIME"),
                                       D("LAST_ACCESS_TIME"),
                                       U("RECOVER_TIME"),
                                       U("TRANSACTION_COUNTER"),
                                       U("VERSION"),
                                       S("ROW_FORMAT"),
                                       U("TABLE_ROWS"),
                                       U("AVG_ROW_LENGTH"),
                                       U("DATA_LENGTH"),
                                       U("MAX_DATA_LENGTH"),
                                       U("INDEX_LENGTH"),
                                       U("DATA_FREE"),
                                       D("CREATE_TIME"),
                                       D("UPDATE_TIME"),
                                       D("CHECK_TIME"),
                                       U("CHECKSUM"),
                                       S("STATUS"),
                                       S("EXTRA"),
                                       END};
const ql_view_column qli_is_partitions[] = {S("TABLE_CATALOG"),
                                            S("TABLE_SCHEMA"),
                                            S("TABLE_NAME"),
                                            S("PARTITION_NAME"),
                                            S("SUBPARTITION_NAME"),
                                            U("PARTITION_ORDINAL_POSITION"),
                                            U("SUBPARTITION_ORDINAL_POSITION"),
                                            S("PARTITION_METHOD"),
                                            S("SUBPARTITION_METHOD"),
                                            T("PARTITION_EXPRESSION"),
                                            T("SUBPARTITION_EXPRESSION"),
                                            T("PARTITION_DESCRIPTION"),
                                            U("TABLE_ROWS"),
                                            U("AVG_ROW_LENGTH"),
                                            U("DATA_LENGTH"),
                                            U("MAX_DATA_LENGTH"),
                                            U("INDEX_LENGTH"),
                                            U("DATA_FREE"),
                                            D("CREATE_TIME"),
                                            D("UPDATE_TIME"),
                                            D("CHECK_TIME"),
                                            U("CHECKSUM"),
                                            T("PARTITION_COMMENT"),
                                            S("NODEGROUP"),
                                            S("TABLESPACE_NAME"),
                                            END};
