/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of zones share.
 */
#ifndef QL_TYPES_ZONE_INT_H
#define QL_TYPES_ZONE_INT_H

#include "types/zone.h"

/* zone_rule.c: what holds at a moment, and when it next changes (false = never), as if the rule had
 * always been in force. */
const ql_zone_type *qli_zone_rule_at(const ql_zone_rule *r, int64_t seconds);
bool qli_zone_rule_next(const ql_zone_rule *r, int64_t after, int64_t *at);

#endif
