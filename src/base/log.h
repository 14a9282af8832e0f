/* SPDX-License-Identifier: Apache-2.0
 *
 * Server log in MySQL's line format: time, thread, [System|Warning|Error|Note], text. Never fails,
 * may be called from any thread; an instance owns one log.
 */
#ifndef QL_BASE_LOG_H
#define QL_BASE_LOG_H

#include "base/status.h"

typedef struct ql_log ql_log;
typedef enum ql_log_level { QL_LOG_SYSTEM, QL_LOG_ERROR, QL_LOG_WARNING, QL_LOG_NOTE } ql_log_level;

/* Log to the file at path (appended; NULL = standard error). verbosity as log_error_verbosity: 1
 * errors, 2 and warnings, 3 and notes. NULL when the file cannot be opened. */
ql_log *ql_log_open(const char *path, int verbosity);
void ql_log_close(ql_log *log);
/* Where its lines go; for who may only call write(2). */
int ql_log_fd(const ql_log *log);
void ql_log_set_verbosity(ql_log *log, int verbosity);
/* log may be NULL: then to standard error. */
void ql_log_write(ql_log *log, ql_log_level level, const char *fmt, ...) QL_PRINTF(3, 4);

#endif
