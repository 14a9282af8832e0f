/* SPDX-License-Identifier: Apache-2.0
 *
 * The section of a foreign key in the record of the table that has it (record.h). Tags and numbers
 * of ql_fk_action are stored: they are only appended to. No locks, no waits.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"

enum {
    FOREIGN_NAME = 1,
    FOREIGN_COLUMN = 3, /* 1 + ordinal; in order */
    FOREIGN_PARENT_DB = 5,
    FOREIGN_PARENT = 7,        /* name of the table */
    FOREIGN_PARENT_COLUMN = 9, /* name; in order */
    FOREIGN_ON_DELETE = 11,
    FOREIGN_ON_UPDATE = 13,
    FOREIGN_PARENT_INDEX = 2,
};
static const ql_record_shape foreign_shape = {
    .known = QL_TAG(FOREIGN_NAME) | QL_TAG(FOREIGN_COLUMN) | QL_TAG(FOREIGN_PARENT_DB) |
             QL_TAG(FOREIGN_PARENT) | QL_TAG(FOREIGN_PARENT_COLUMN) | QL_TAG(FOREIGN_ON_DELETE) |
             QL_TAG(FOREIGN_ON_UPDATE) | QL_TAG(FOREIGN_PARENT_INDEX),
    .required = QL_TAG(FOREIGN_NAME) | QL_TAG(FOREIGN_PARENT) | QL_TAG(FOREIGN_PARENT_DB) |
                QL_TAG(FOREIGN_COLUMN) | QL_TAG(FOREIGN_PARENT_COLUMN),
    .repeated = QL_TAG(FOREIGN_COLUMN) | QL_TAG(FOREIGN_PARENT_COLUMN)};

ql_status
qli_put_foreign(ql_ctx *cx, ql_buf *b, const ql_foreign_key *k)
{
    size_t at;
    QL_TRY(ql_section_begin(cx, b, QLI_TABLE_FOREIGN, &at));
    QL_TRY(ql_section_put_text(cx, b, FOREIGN_NAME, k->name));
    for (unsigned i = 0; i < k->ncolumns; i++) {
        QL_TRY(ql_section_put_number(cx, b, FOREIGN_COLUMN, k->columns[i] + 1u));
    }
    QL_TRY(ql_section_put_text(cx, b, FOREIGN_PARENT_DB, k->parent_db));
    QL_TRY(ql_section_put_text(cx, b, FOREIGN_PARENT, k->parent_name));
    for (unsigned i = 0; i < k->ncolumns; i++) {
        QL_TRY(ql_section_put_text(cx, b, FOREIGN_PARENT_COLUMN, k->parent_columns[i]));
    }
    QL_TRY(ql_section_put_number(cx, b, FOREIGN_ON_DELETE, k->on_delete));
    QL_TRY(ql_section_put_number(cx, b, FOREIGN_ON_UPDATE, k->on_update));
    QL_TRY(ql_section_put_text(cx, b, FOREIGN_PARENT_INDEX, k->parent_index));
    QL_TRY(k->unknown.n > 0 ? ql_buf_put(cx, b, k->unknown.p, k->unknown.n) : QL_OK);
    return ql_section_end(cx, b, at);
}

/* Room for the columns of both sides, which must be as many. */
static ql_status
make_room(ql_ctx *cx, ql_str sections, const ql_table *t, ql_foreign_key *k, bool *bad)
{
    unsigned here = 0, there = 0;
    for (ql_section s; ql_section_next(&sections, &s);) {
        here += s.tag == FOREIGN_COLUMN;
        there += s.tag == FOREIGN_PARENT_COLUMN;
    }
    *bad |= here != there || here > UINT16_MAX;
    k->columns = QL_ARENA_ARRAY(cx, t->arena, uint16_t, here + 1u);
    k->parent_columns = QL_ARENA_ARRAY(cx, t->arena, ql_str, there + 1u);
    return k->columns && k->parent_columns ? QL_OK : QL_ERROR;
}

static ql_fk_action
take_action(const ql_section *s, bool *bad, uint32_t *foreign)
{
    uint64_t v = ql_section_number(s, UINT64_MAX, bad);
    if (v > QL_FK_SET_DEFAULT) {
        *foreign = *foreign != 0 ? *foreign : s->tag;
        return QL_FK_NO_ACTION;
    }
    return (ql_fk_action)v;
}

/* *bad: damage; *foreign: a tag that must be understood and is not. */
ql_status
qli_take_foreign(ql_ctx *cx, ql_str sections, const ql_table *t, ql_foreign_key *k, bool *bad,
                 uint32_t *foreign)
{
    k->name = k->parent_db = k->parent_name = k->parent_index = k->unknown = QL_STR("");
    if (!ql_sections_check(sections, &foreign_shape, foreign)) {
        *bad = true;
        return QL_OK;
    }
    QL_TRY(make_room(cx, sections, t, k, bad));
    ql_str rest = sections;
    unsigned there = 0;
    for (ql_section s; !*bad && ql_section_next(&rest, &s);) {
        switch (s.tag) {
        case FOREIGN_NAME:
            QL_TRY(ql_section_text(cx, t->arena, &s, &k->name));
            break;
        case FOREIGN_COLUMN:
            k->columns[k->ncolumns++] =
                (uint16_t)(ql_section_number(&s, t->ncolumns, bad) - 1); /* 0 is left out */
            *bad |= k->columns[k->ncolumns - 1] >= t->ncolumns;
            break;
        case FOREIGN_PARENT_DB:
            QL_TRY(ql_section_text(cx, t->arena, &s, &k->parent_db));
            break;
        case FOREIGN_PARENT:
            QL_TRY(ql_section_text(cx, t->arena, &s, &k->parent_name));
            break;
        case FOREIGN_PARENT_COLUMN:
            QL_TRY(ql_section_text(cx, t->arena, &s, &k->parent_columns[there++]));
            break;
        case FOREIGN_PARENT_INDEX:
            QL_TRY(ql_section_text(cx, t->arena, &s, &k->parent_index));
            break;
        case FOREIGN_ON_DELETE:
            k->on_delete = take_action(&s, bad, foreign);
            break;
        case FOREIGN_ON_UPDATE:
            k->on_update = take_action(&s, bad, foreign);
            break;
        default:
            break;
        }
    }
    return ql_sections_unknown(cx, t->arena, sections, &foreign_shape, &k->unknown);
}
