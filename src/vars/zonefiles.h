/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory of the time zone database, read by threads that may sit in the file system for as
 * long as that takes: those of ql_aside, and the main thread before there are others.
 */
#ifndef QL_VARS_ZONEFILES_H
#define QL_VARS_ZONEFILES_H

#include "base/status.h"
#include "types/zone.h"

/* Names of the zones in dir, sorted without regard to case, in one piece of memory. */
typedef struct qli_zone_names {
    uint32_t n;
    char **names; /* ql_mem_free(names) gives back all */
} qli_zone_names;

/* false: no memory. A directory that is not there has no zones. */
bool qli_zone_names_read(const char *dir, qli_zone_names *out) QL_MUST_USE;
/* The file dir/name, or `name` itself when dir is NULL. BAD: none, or damaged. */
ql_zone_result qli_zone_file_read(const char *dir, const char *file, const char *name,
                                  ql_zone **out) QL_MUST_USE;
/* The machine's: of the text of TZ (NULL: not given), else /etc/localtime. NULL: UTC. */
ql_zone *qli_zone_system_read(const char *dir, const char *tz);

#endif
