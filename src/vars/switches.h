/* SPDX-License-Identifier: Apache-2.0
 *
 * The flags of optimizer_switch.
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

/* Is the flag on for the running statement (its session's setting, or a hint's)? */
bool ql_switch_is_on(const ql_ctx *cx, ql_switch s);

#endif
