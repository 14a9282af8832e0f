/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of a table that its definition keeps: table_options.def is the list. Plain values, no
 * locks, no waits.
 */
#ifndef QL_CATALOG_TABLE_OPTIONS_H
#define QL_CATALOG_TABLE_OPTIONS_H

#include "base/buf.h"

typedef enum ql_table_option {
#define QL_TABLE_OPTION(name, tag, least, most, shown) QL_TO_##name,
#include "catalog/table_options.def"
#undef QL_TABLE_OPTION
    QL_TABLE_OPTIONS
} ql_table_option;

typedef struct ql_table_options {
    uint32_t given; /* bit n: option n; of the others v is 0 */
    uint64_t v[QL_TABLE_OPTIONS];
} ql_table_options;

/* Of this name (upper case); QL_TABLE_OPTIONS: it is none of them. */
ql_table_option ql_table_option_by_name(ql_str name);
/* May it have that value? */
bool ql_table_option_allows(ql_table_option o, uint64_t value);
/* given false: DEFAULT. */
void ql_table_option_set(ql_table_options *to, ql_table_option o, bool given, uint64_t value);
/* What the table says, or `otherwise` where it says nothing. */
uint64_t ql_table_option_or(const ql_table_options *of, ql_table_option o, uint64_t otherwise);
/* " NAME=value" of each, in small letters and without the first blank for `lower`. */
ql_status ql_table_options_print(ql_ctx *cx, ql_buf *b, const ql_table_options *of,
                                 bool lower) QL_MUST_USE;

#endif
