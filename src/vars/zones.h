/* SPDX-License-Identifier: Apache-2.0
 *
 * The time zones of an instance: SYSTEM, offsets, and those of the system's time zone database by
 * name. A zone is read when it is first asked for and stays until the instance ends, so that
 * pointers to it may be kept; a database that changes on disk counts from the next start.
 */
#ifndef QL_VARS_ZONES_H
#define QL_VARS_ZONES_H

#include "base/ctx.h"
#include "types/zone.h"

typedef struct ql_zones ql_zones;

/* Reads the machine's zone (TZ, else /etc/localtime; UTC when there is none that can be read). At
 * start, before there are threads. NULL: no memory. */
ql_zones *ql_zones_new(void) QL_MUST_USE;
void ql_zones_free(ql_zones *z);

/* SYSTEM, '+03:00', 'Europe/Berlin' (in whatever case). QL_END: no such zone, or its file is
 * damaged. Waits: aside, where it has to be read. */
ql_status ql_zone_find(ql_ctx *cx, ql_str name, const ql_zone **out) QL_MUST_USE;
/* The same of one that has been found before; NULL otherwise. Does not wait. */
const ql_zone *ql_zone_found(ql_zones *z, ql_str name);
const ql_zone *ql_zone_system(const ql_zones *z);
/* All names of the database, sorted; they stay. Waits: aside, the first time. */
ql_status ql_zone_names(ql_ctx *cx, const char *const **names, uint32_t *n) QL_MUST_USE;

#endif
