/* SPDX-License-Identifier: Apache-2.0
 *
 * TIMESTAMP values, which are moments, and the DATETIME values that the session's time zone
 * (cx->zone) shows for them. Pure functions; no locks, no waits.
 */
#ifndef QL_TYPES_MOMENT_H
#define QL_TYPES_MOMENT_H

#include "types/value.h"
#include "types/zone.h"

/* The DATETIME of a TIMESTAMP value. */
ql_value ql_moment_local(ql_ctx *cx, const ql_value *v);
/* When a packed DATETIME is shown (the zero date: moment 0); not held to TIMESTAMP's range. false:
 * it has no day that a calendar has. */
bool ql_moment_find(ql_ctx *cx, int64_t datetime, ql_moments *out);
/* One end of the moments at which a packed DATETIME is shown, for keys: it is a TIMESTAMP, beyond
 * the zero date for all but that one. Of a day that there is not, the end of those before it. */
enum { QL_EDGE_FIRST = 1, QL_EDGE_LAST };
bool ql_moment_edge(ql_ctx *cx, int64_t datetime, bool last, ql_value *out);
/* As ql_dt_parse; a text with an offset is what the session's clocks show at that moment. */
ql_dt_result ql_datetime_parse(ql_ctx *cx, ql_str s, unsigned decimals, unsigned allow, ql_dt *t,
                               bool *has_time);
/* Rounded to so many digits of a second. */
int64_t ql_moment_round(int64_t us, unsigned decimals);
/* As ql_value_print, TIMESTAMP values as the session sees them. */
size_t ql_value_print_local(ql_ctx *cx, const ql_value *v, char out[QL_VALUE_TEXT_MAX]);

#endif
