/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of objects that do not exist here yet (views, routines, triggers, events,
 * privileges on columns): they are there and empty, because dump tools and
 * frameworks ask for them. Columns are those of MySQL 8.4, ENUM, SET and BINARY(0) as strings.
 */
#include "views/views_int.h"

#define TRIGGERS(C)                                                                                \
    C(TRIGGER_CATALOG, 's', 64, BIN)                                                               \
    C(TRIGGER_SCHEMA, 's', 64, BIN)                                                                \
    C(TRIGGER_NAME, 's', 64, NN)                                                                   \
    C(EVENT_MANIPULATION, 's', 6, BIN)                                                             \
    C(EVENT_OBJECT_CATALOG, 's', 64, BIN)                                                          \
    C(EVENT_OBJECT_SCHEMA, 's', 64, BIN)                                                           \
    C(EVENT_OBJECT_TABLE, 's', 64, BIN)                                                            \
    C(ACTION_ORDER, 'm', 0, NN)                                                                    \
    C(ACTION_CONDITION, 's', 0, NUL)                                                               \
    C(ACTION_STATEMENT, 't', 0, BIN)                                                               \
    C(ACTION_ORIENTATION, 's', 3, NN)                                                              \
    C(ACTION_TIMING, 's', 6, BIN)                                                                  \
    C(ACTION_REFERENCE_OLD_TABLE, 's', 0, NUL)                                                     \
    C(ACTION_REFERENCE_NEW_TABLE, 's', 0, NUL)                                                     \
    C(ACTION_REFERENCE_OLD_ROW, 's', 3, NN)                                                        \
    C(ACTION_REFERENCE_NEW_ROW, 's', 3, NN)                                                        \
    C(CREATED, 'z', 2, NN)                                                                         \
    C(SQL_MODE, 's', 520, BIN)                                                                     \
    C(DEFINER, 's', 288, BIN)                                                                      \
    C(CHARACTER_SET_CLIENT, 's', 64, NN)                                                           \
    C(COLLATION_CONNECTION, 's', 64, NN)                                                           \
    C(DATABASE_COLLATION, 's', 64, NN)
QLI_PLAIN_COLUMNS(triggers, TRIGGERS);

#define ROUTINES(C)                                                                                \
    C(SPECIFIC_NAME, 's', 64, NN)                                                                  \
    C(ROUTINE_CATALOG, 's', 64, BIN)                                                               \
    C(ROUTINE_SCHEMA, 's', 64, BIN)                                                                \
    C(ROUTINE_NAME, 's', 64, NN)                                                                   \
    C(ROUTINE_TYPE, 's', 9, BIN)                                                                   \
    C(DATA_TYPE, 't', 0, NUL | BIN)                                                                \
    C(CHARACTER_MAXIMUM_LENGTH, 'i', 0, NUL)                                                       \
    C(CHARACTER_OCTET_LENGTH, 'i', 0, NUL)                                                         \
    C(NUMERIC_PRECISION, 'm', 0, NUL)                                                              \
    C(NUMERIC_SCALE, 'm', 0, NUL)                                                                  \
    C(DATETIME_PRECISION, 'm', 0, NUL)                                                             \
    C(CHARACTER_SET_NAME, 's', 64, NUL)                                                            \
    C(COLLATION_NAME, 's', 64, NUL)                                                                \
    C(DTD_IDENTIFIER, 't', 0, NUL | BIN)                                                           \
    C(ROUTINE_BODY, 's', 8, NN)                                                                    \
    C(ROUTINE_DEFINITION, 't', 0, NUL | BIN)                                                       \
    C(EXTERNAL_NAME, 's', 0, NUL)                                                                  \
    C(EXTERNAL_LANGUAGE, 's', 64, BIN)                                                             \
    C(PARAMETER_STYLE, 's', 3, NN)                                                                 \
    C(IS_DETERMINISTIC, 's', 3, NN)                                                                \
    C(SQL_DATA_ACCESS, 's', 17, BIN)                                                               \
    C(SQL_PATH, 's', 0, NUL)                                                                       \
    C(SECURITY_TYPE, 's', 7, BIN)                                                                  \
    C(CREATED, 'z', 0, NN)                                                                         \
    C(LAST_ALTERED, 'z', 0, NN)                                                                    \
    C(SQL_MODE, 's', 520, BIN)                                                                     \
    C(ROUTINE_COMMENT, 't', 65535, BIN)                                                            \
    C(DEFINER, 's', 288, BIN)                                                                      \
    C(CHARACTER_SET_CLIENT, 's', 64, NN)                                                           \
    C(COLLATION_CONNECTION, 's', 64, NN)                                                           \
    C(DATABASE_COLLATION, 's', 64, NN)
QLI_PLAIN_COLUMNS(routines, ROUTINES);

#define PARAMETERS(C)                                                                              \
    C(SPECIFIC_CATALOG, 's', 64, BIN)                                                              \
    C(SPECIFIC_SCHEMA, 's', 64, BIN)                                                               \
    C(SPECIFIC_NAME, 's', 64, NN)                                                                  \
    C(ORDINAL_POSITION, 'u', 0, NN)                                                                \
    C(PARAMETER_MODE, 's', 5, NUL | BIN)                                                           \
    C(PARAMETER_NAME, 's', 64, NUL)                                                                \
    C(DATA_TYPE, 't', 0, NUL | BIN)                                                                \
    C(CHARACTER_MAXIMUM_LENGTH, 'i', 0, NUL)                                                       \
    C(CHARACTER_OCTET_LENGTH, 'i', 0, NUL)                                                         \
    C(NUMERIC_PRECISION, 'm', 0, NUL)                                                              \
    C(NUMERIC_SCALE, 'i', 0, NUL)                                                                  \
    C(DATETIME_PRECISION, 'm', 0, NUL)                                                             \
    C(CHARACTER_SET_NAME, 's', 64, NUL)                                                            \
    C(COLLATION_NAME, 's', 64, NUL)                                                                \
    C(DTD_IDENTIFIER, 't', 16777215, BIN)                                                          \
    C(ROUTINE_TYPE, 's', 9, BIN)
QLI_PLAIN_COLUMNS(parameters, PARAMETERS);

#define EVENTS(C)                                                                                  \
    C(EVENT_CATALOG, 's', 64, BIN)                                                                 \
    C(EVENT_SCHEMA, 's', 64, BIN)                                                                  \
    C(EVENT_NAME, 's', 64, NN)                                                                     \
    C(DEFINER, 's', 288, BIN)                                                                      \
    C(TIME_ZONE, 's', 64, BIN)                                                                     \
    C(EVENT_BODY, 's', 3, NN)                                                                      \
    C(EVENT_DEFINITION, 't', 0, BIN)                                                               \
    C(EVENT_TYPE, 's', 9, NN)                                                                      \
    C(EXECUTE_AT, 'd', 0, NUL)                                                                     \
    C(INTERVAL_VALUE, 's', 256, NUL)                                                               \
    C(INTERVAL_FIELD, 's', 18, NUL | BIN)                                                          \
    C(SQL_MODE, 's', 520, BIN)                                                                     \
    C(STARTS, 'd', 0, NUL)                                                                         \
    C(ENDS, 'd', 0, NUL)                                                                           \
    C(STATUS, 's', 18, NN)                                                                         \
    C(ON_COMPLETION, 's', 12, NN)                                                                  \
    C(CREATED, 'z', 0, NN)                                                                         \
    C(LAST_ALTERED, 'z', 0, NN)                                                                    \
    C(LAST_EXECUTED, 'd', 0, NUL)                                                                  \
    C(EVENT_COMMENT, 's', 2048, BIN)                                                               \
    C(ORIGINATOR, 'm', 0, NN)                                                                      \
    C(CHARACTER_SET_CLIENT, 's', 64, NN)                                                           \
    C(COLLATION_CONNECTION, 's', 64, NN)                                                           \
    C(DATABASE_COLLATION, 's', 64, NN)
QLI_PLAIN_COLUMNS(events, EVENTS);

#define FILES(C)                                                                                   \
    C(FILE_ID, 'i', 0, NUL)                                                                        \
    C(FILE_NAME, 't', 65535, NUL | BIN)                                                            \
    C(FILE_TYPE, 's', 256, NUL)                                                                    \
    C(TABLESPACE_NAME, 's', 268, BIN)                                                              \
    C(TABLE_CATALOG, 's', 0, NN)                                                                   \
    C(TABLE_SCHEMA, 's', 0, NUL)                                                                   \
    C(TABLE_NAME, 's', 0, NUL)                                                                     \
    C(LOGFILE_GROUP_NAME, 's', 256, NUL)                                                           \
    C(LOGFILE_GROUP_NUMBER, 'i', 0, NUL)                                                           \
    C(ENGINE, 's', 64, NN)                                                                         \
    C(FULLTEXT_KEYS, 's', 0, NUL)                                                                  \
    C(DELETED_ROWS, 's', 0, NUL)                                                                   \
    C(UPDATE_COUNT, 's', 0, NUL)                                                                   \
    C(FREE_EXTENTS, 'i', 0, NUL)                                                                   \
    C(TOTAL_EXTENTS, 'i', 0, NUL)                                                                  \
    C(EXTENT_SIZE, 'i', 0, NUL)                                                                    \
    C(INITIAL_SIZE, 'i', 0, NUL)                                                                   \
    C(MAXIMUM_SIZE, 'i', 0, NUL)                                                                   \
    C(AUTOEXTEND_SIZE, 'i', 0, NUL)                                                                \
    C(CREATION_TIME, 's', 0, NUL)                                                                  \
    C(LAST_UPDATE_TIME, 's', 0, NUL)                                                               \
    C(LAST_ACCESS_TIME, 's', 0, NUL)                                                               \
    C(RECOVER_TIME, 's', 0, NUL)                                                                   \
    C(TRANSACTION_COUNTER, 's', 0, NUL)                                                            \
    C(VERSION, 'i', 0, NUL)                                                                        \
    C(ROW_FORMAT, 's', 256, NUL)                                                                   \
    C(TABLE_ROWS, 's', 0, NUL)                                                                     \
    C(AVG_ROW_LENGTH, 's', 0, NUL)                                                                 \
    C(DATA_LENGTH, 's', 0, NUL)                                                                    \
    C(MAX_DATA_LENGTH, 's', 0, NUL)                                                                \
    C(INDEX_LENGTH, 's', 0, NUL)                                                                   \
    C(DATA_FREE, 'i', 0, NUL)                                                                      \
    C(CREATE_TIME, 's', 0, NUL)                                                                    \
    C(UPDATE_TIME, 's', 0, NUL)                                                                    \
    C(CHECK_TIME, 's', 0, NUL)                                                                     \
    C(CHECKSUM, 's', 0, NUL)                                                                       \
    C(STATUS, 's', 256, NUL)                                                                       \
    C(EXTRA, 's', 256, NUL)
QLI_PLAIN_COLUMNS(files, FILES);

#define COLUMN_PRIVILEGES(C)                                                                       \
    C(GRANTEE, 's', 292, NN)                                                                       \
    C(TABLE_CATALOG, 's', 512, NN)                                                                 \
    C(TABLE_SCHEMA, 's', 64, NN)                                                                   \
    C(TABLE_NAME, 's', 64, NN)                                                                     \
    C(COLUMN_NAME, 's', 64, NN)                                                                    \
    C(PRIVILEGE_TYPE, 's', 64, NN)                                                                 \
    C(IS_GRANTABLE, 's', 3, NN)
QLI_PLAIN_COLUMNS(column_privileges, COLUMN_PRIVILEGES);
