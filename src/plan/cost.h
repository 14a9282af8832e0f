/* SPDX-License-Identifier: Apache-2.0
 *
 * What the executor's steps cost, in microseconds of one processor. The constants are measured
 * with bench/costs.py (docs/planner.md says on what and how); only their proportions matter.
 */
#ifndef QL_PLAN_COST_H
#define QL_PLAN_COST_H

#include "plan/plan_int.h"

/* One row of a sequential reading: a part of its own, and one for each byte of the row. */
#define QLI_COST_ROW 0.06
#define QLI_COST_ROW_BYTE 0.0005
/* A table that is read whole costs at least so many rows: it may have got some since they were
 * counted, and an index that is not needed does little harm. */
#define QLI_SMALL_TABLE 40
/* One entry of an index that is read instead of the rows. */
#define QLI_COST_ENTRY 0.09
/* Finding a place in an index: where little is in the processor's caches costs twice as much. */
#define QLI_COST_SEEK 0.6
#define QLI_COST_SEEK_FAR 0.7
/* Of that, what it takes when many places are looked for together. */
#define QLI_TOGETHER 0.5
/* Bytes of a table that the caches hold. */
#define QLI_CACHED_BYTES 4e6
/* A row that is locked, read or not wanted after all: others may wait for it. */
#define QLI_COST_LOCK 5.0
/* Starting an operator again for a row to its left. */
#define QLI_COST_RESTART 0.3
/* Starting a subquery for a row of the block around it. */
#define QLI_COST_SUBQUERY 1.0
/* Hash join: a row kept, each of its bytes; a row that asks. */
#define QLI_COST_BUILD 0.13
#define QLI_COST_BUILD_BYTE 0.0015
#define QLI_COST_PROBE 0.10
/* What a row costs that goes to a temporary file and comes back: little more than itself, since the
 * table that it is put into then fits the caches. */
#define QLI_COST_SPILL 0.08
/* A pair of rows of a nested loop over kept rows. */
#define QLI_COST_PAIR 0.003
/* A row that an operator hands on. */
#define QLI_COST_OUT 0.03
/* Sorting: a row, for each doubling of their number; the first of many. */
#define QLI_COST_SORT 0.029
#define QLI_COST_TOP 0.03
/* Grouping: a row; a group that is kept. */
#define QLI_COST_GROUP_ROW 0.03
#define QLI_COST_GROUP 0.25
/* The same when the rows of a group come one after the other. */
#define QLI_COST_STREAM_ROW 0.02
#define QLI_COST_STREAM_GROUP 0.08

/* One reading of the access: a->rows rows, before any filter. */
double qli_access_cost(const qli_planner *p, uint16_t source, const qli_access *a);
/* What of that is saved when readings for one row after the other go through the index in its
 * order. */
double qli_near_saving(const qli_planner *p, uint16_t source, const qli_access *a);
/* Keeping rows for a hash join, and asking for `asked` others. */
double qli_build_cost(double rows, double row_bytes, double join_buffer);
double qli_sort_cost(double rows);

#endif
