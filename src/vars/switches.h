/* SPDX-License-Identifier: Apache-2.0
 *
 * The flags of optimizer_switch, and in debug builds the switch that turns planning off. What plans
 * asks ql_query_switch (resolve/query.h), which knows the hints of the block as well; here is what
 * holds where the block has none.
 */
#ifndef QL_VARS_SWITCHES_H
#define QL_VARS_SWITCHES_H

#include "base/ctx.h"

typedef enum ql_switch {
#define QL_SWITCH(id, name, on) QL_SWITCH_##id,
#include "vars/switches.def"
#undef QL_SWITCH
    QL_SWITCH_COUNT
} ql_switch;

/* Is the flag on in the session (SET, or SET_VAR for the running statement)? A bit of a mask. */
bool ql_switch_is_on(const ql_ctx *cx, ql_switch s);

/* debug_plain_plans: no rewrites, tables joined as written, every table read whole, rows sorted
 * rather than read in order. What results are compared with (docs/testing.md). Never in release
 * builds. */
#ifdef QL_DEBUG
bool ql_plans_plainly(const ql_ctx *cx);
#else
static inline bool
ql_plans_plainly(const ql_ctx *cx)
{
    (void)cx;
    return false;
}
#endif

#endif
