/* SPDX-License-Identifier: Apache-2.0
 *
 * Server log in MySQL's line format: time, connection id, [System|Warning|Error|Note], text. Never
 * fails, may be called from any thread; an instance owns one log.
 */
#ifndef QL_BASE_LOG_H
#define QL_BASE_LOG_H

#include <stdatomic.h>

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
/* Open the file anew under its name, for those who have moved it away. false: it cannot be opened
 * (errno); the log goes on into the old file. Any thread. */
bool ql_log_reopen(ql_log *log);
const char *ql_log_path(const ql_log *log); /* NULL = standard error */
/* The calling thread writes for connection id from now on; 0 = for none, as all threads begin. */
void ql_log_set_connection(uint64_t id);
/* log may be NULL: then to standard error. */
void ql_log_write(ql_log *log, ql_log_level level, const char *fmt, ...) QL_PRINTF(3, 4);

/* Lines that strangers can cause are bounded: one of these for each kind of line; zero at first. */
typedef struct ql_log_rate {
    _Atomic int64_t second;
    _Atomic uint32_t written, missed; /* in that second; since the last line */
} ql_log_rate;
/* May one more line be written in this second? Then *missed = lines not written since the last. */
bool ql_log_may(ql_log_rate *r, uint32_t per_second, uint32_t *missed);

#endif
