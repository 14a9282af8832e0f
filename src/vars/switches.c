/* SPDX-License-Identifier: Apache-2.0
 *
 * The flags of optimizer_switch as they are when nobody changes them.
 */
#include "vars/switches.h"

static const bool defaults[] = {
#define QL_SWITCH(id, name, on) on,
#include "vars/switches.def"
#undef QL_SWITCH
};

bool
ql_switch_is_on(const ql_ctx *cx, ql_switch s)
{
    (void)cx;
    return defaults[s];
}
