/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of parts that this server does not have, empty: monitoring asks every server for them.
 * Columns are those of MySQL 8.4.
 */
#include "views/views_int.h"

#define PROFILING(C)                                                                               \
    C(QUERY_ID, 'n', 0, NN)                                                                        \
    C(SEQ, 'n', 0, NN)                                                                             \
    C(STATE, 's', 30, NN)                                                                          \
    C(DURATION, 's', 9, NN)
QLI_PLAIN_COLUMNS(profiling, PROFILING);

#define OPTIMIZER_TRACE(C)                                                                         \
    C(QUERY, 's', 65535, NN)                                                                       \
    C(TRACE, 's', 65535, NN)                                                                       \
    C(MISSING_BYTES_BEYOND_MAX_MEM_SIZE, 'n', 0, NN)                                               \
    C(INSUFFICIENT_PRIVILEGES, 'n', 0, NN)
QLI_PLAIN_COLUMNS(optimizer_trace, OPTIMIZER_TRACE);

#define INNODB_CMP(C)                                                                              \
    C(page_size, 'n', 0, NN)                                                                       \
    C(compress_ops, 'n', 0, NN)                                                                    \
    C(compress_ops_ok, 'n', 0, NN)                                                                 \
    C(compress_time, 'n', 0, NN)                                                                   \
    C(uncompress_ops, 'n', 0, NN)                                                                  \
    C(uncompress_time, 'n', 0, NN)
QLI_PLAIN_COLUMNS(innodb_cmp, INNODB_CMP);

#define INNODB_CMPMEM(C)                                                                           \
    C(page_size, 'n', 0, NN)                                                                       \
    C(buffer_pool_instance, 'n', 0, NN)                                                            \
    C(pages_used, 'n', 0, NN)                                                                      \
    C(pages_free, 'n', 0, NN)                                                                      \
    C(relocation_ops, 'i', 0, NN)                                                                  \
    C(relocation_time, 'n', 0, NN)
QLI_PLAIN_COLUMNS(innodb_cmpmem, INNODB_CMPMEM);

#define INNODB_METRICS(C)                                                                          \
    C(NAME, 's', 193, NN)                                                                          \
    C(SUBSYSTEM, 's', 193, NN)                                                                     \
    C(COUNT, 'i', 0, NN)                                                                           \
    C(MAX_COUNT, 'i', 0, NUL)                                                                      \
    C(MIN_COUNT, 'i', 0, NUL)                                                                      \
    C(AVG_COUNT, 'i', 0, NUL)                                                                      \
    C(COUNT_RESET, 'i', 0, NN)                                                                     \
    C(MAX_COUNT_RESET, 'i', 0, NUL)                                                                \
    C(MIN_COUNT_RESET, 'i', 0, NUL)                                                                \
    C(AVG_COUNT_RESET, 'i', 0, NUL)                                                                \
    C(TIME_ENABLED, 'd', 0, NUL)                                                                   \
    C(TIME_DISABLED, 'd', 0, NUL)                                                                  \
    C(TIME_ELAPSED, 'i', 0, NUL)                                                                   \
    C(TIME_RESET, 'd', 0, NUL)                                                                     \
    C(STATUS, 's', 193, NN)                                                                        \
    C(TYPE, 's', 193, NN)                                                                          \
    C(COMMENT, 's', 193, NN)
QLI_PLAIN_COLUMNS(innodb_metrics, INNODB_METRICS);

#define GROUP_MEMBERS(C)                                                                           \
    C(CHANNEL_NAME, 's', 64, NN)                                                                   \
    C(MEMBER_ID, 's', 36, NN)                                                                      \
    C(MEMBER_HOST, 's', 255, NN)                                                                   \
    C(MEMBER_PORT, 'n', 0, NUL)                                                                    \
    C(MEMBER_STATE, 's', 64, NN)                                                                   \
    C(MEMBER_ROLE, 's', 64, NN)                                                                    \
    C(MEMBER_VERSION, 's', 64, NN)                                                                 \
    C(MEMBER_COMMUNICATION_STACK, 's', 64, NN)
QLI_PLAIN_COLUMNS(group_members, GROUP_MEMBERS);
