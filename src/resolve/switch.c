/* SPDX-License-Identifier: Apache-2.0
 *
 * What the plan of a block may do: the hints of the block and of its tables, behind them
 * optimizer_switch.
 */
#include "resolve/query.h"

bool
ql_query_switch(const ql_ctx *cx, const ql_query *q, ql_switch s)
{
    if (q->hints != NULL) {
        if (q->hints->switch_off >> s & 1) {
            return false;
        }
        if (q->hints->switch_on >> s & 1) {
            return true;
        }
    }
    return ql_switch_is_on(cx, s);
}

/* The hint on the index, or else on the table; NULL: none. */
static const ql_switch_hint *
hint_of(const ql_source *src, int index, ql_switch s)
{
    const ql_switch_hint *whole = NULL;
    for (uint16_t i = 0; i < src->nswitches; i++) {
        const ql_switch_hint *h = &src->switches[i];
        if (h->flag != s) {
            continue;
        }
        if (h->indexes == UINT64_MAX) {
            whole = h;
        } else if (index >= 0 && index < 64 && (h->indexes >> index & 1)) {
            return h;
        }
    }
    return whole;
}

bool
ql_source_switch(const ql_ctx *cx, const ql_query *q, const ql_source *src, int index, ql_switch s)
{
    const ql_switch_hint *h = hint_of(src, index, s);
    return h != NULL ? h->on : ql_query_switch(cx, q, s);
}

bool
ql_source_switch_forced(const ql_source *src, int index, ql_switch s)
{
    const ql_switch_hint *h = hint_of(src, index, s);
    return h != NULL && h->on;
}

bool
ql_source_switch_barred(const ql_source *src, int index, ql_switch s)
{
    const ql_switch_hint *h = hint_of(src, index, s);
    return h != NULL && !h->on;
}
