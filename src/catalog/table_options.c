/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "catalog/catalog_int.h"

static const struct option {
    const char *name;
    uint8_t tag;
    uint64_t least, most, shown;
} options[] = {
#define QL_TABLE_OPTION(name, tag, least, most, shown) {#name, tag, least, most, shown},
#include "catalog/table_options.def"
#undef QL_TABLE_OPTION
};

ql_table_option
ql_table_option_by_name(ql_str name)
{
    unsigned i = 0;
    while (i < QL_TABLE_OPTIONS &&
           !ql_str_eq(name, (ql_str){options[i].name, strlen(options[i].name)})) {
        i++;
    }
    return (ql_table_option)i;
}

bool
ql_table_option_allows(ql_table_option o, uint64_t value)
{
    return value >= options[o].least && value <= options[o].most;
}

void
ql_table_option_set(ql_table_options *to, ql_table_option o, bool given, uint64_t value)
{
    bool kept = given && value >= options[o].shown;
    to->v[o] = kept ? value : 0;
    to->given = (to->given & ~(1u << o)) | (uint32_t)kept << o;
}

uint64_t
ql_table_option_or(const ql_table_options *of, ql_table_option o, uint64_t otherwise)
{
    return of->given >> o & 1 ? of->v[o] : otherwise;
}

ql_status
ql_table_options_print(ql_ctx *cx, ql_buf *b, const ql_table_options *of, bool lower)
{
    for (unsigned i = 0; i < QL_TABLE_OPTIONS; i++) {
        if (!(of->given >> i & 1)) {
            continue;
        }
        if (!lower || b->n > 0) {
            QL_TRY(ql_buf_put_str(cx, b, " "));
        }
        for (const char *p = options[i].name; *p; p++) {
            char c = lower ? ql_ascii_lower(*p) : *p;
            QL_TRY(ql_buf_put(cx, b, &c, 1));
        }
        QL_TRY(ql_buf_printf(cx, b, "=%llu", (unsigned long long)of->v[i]));
    }
    return QL_OK;
}

/* --- in the table's record: value + 1, since nothing is written for 0 --- */

ql_status
qli_put_table_options(ql_ctx *cx, ql_buf *b, const ql_table_options *of)
{
    for (unsigned i = 0; i < QL_TABLE_OPTIONS; i++) {
        if (of->given >> i & 1) {
            QL_TRY(ql_section_put_number(cx, b, options[i].tag, of->v[i] + 1));
        }
    }
    return QL_OK;
}

void
qli_take_table_option(const ql_section *s, ql_table_options *to, bool *bad)
{
    for (unsigned i = 0; i < QL_TABLE_OPTIONS; i++) {
        if (options[i].tag == s->tag) {
            uint64_t v = ql_section_number(s, UINT64_MAX, bad);
            ql_table_option_set(to, (ql_table_option)i, v > 0, v > 0 ? v - 1 : 0);
        }
    }
}
