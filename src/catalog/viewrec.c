/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of a view (README.md, "Records"): the sections of every object, columns as tables have
 * them, and the view's own. No locks, no waits.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"

enum {
    VIEW_QUERY = 17,
    VIEW_COLLATION = 19, /* collation_connection */
    VIEW_CHARSET = 35,   /* character_set_client, by its default collation */
    VIEW_DEFINER_USER = 25,
    VIEW_DEFINER_HOST = 27,
    VIEW_INVOKER = 29,
    VIEW_CHECK = 31,     /* ql_view_check */
    VIEW_ALGORITHM = 33, /* ql_view_algorithm */
    VIEW_NAMES_GIVEN = 18,
    VIEW_UPDATABLE = 20, /* ql_view_rows_of */
};
static const ql_record_shape view_shape = {
    .known = QLI_OBJECT_TAGS | QL_TAG(VIEW_QUERY) | QL_TAG(VIEW_COLLATION) |
             QL_TAG(QLI_TABLE_COLUMN) | QL_TAG(VIEW_CHARSET) | QL_TAG(VIEW_DEFINER_USER) |
             QL_TAG(VIEW_DEFINER_HOST) | QL_TAG(VIEW_INVOKER) | QL_TAG(VIEW_CHECK) |
             QL_TAG(VIEW_ALGORITHM) | QL_TAG(VIEW_NAMES_GIVEN) | QL_TAG(VIEW_UPDATABLE),
    .required = QLI_OBJECT_REQUIRED | QL_TAG(VIEW_QUERY) | QL_TAG(VIEW_COLLATION) |
                QL_TAG(QLI_TABLE_COLUMN) | QL_TAG(VIEW_CHARSET),
    .repeated = QL_TAG(QLI_TABLE_COLUMN)};

ql_status
qli_encode_view(ql_ctx *cx, const ql_table *t, ql_buf *b)
{
    const ql_view_def *v = t->view;
    QL_TRY(ql_record_begin(cx, b, QL_REC_VIEW));
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_ID, t->id));
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_CREATED, (uint64_t)t->create_time));
    QL_TRY(ql_section_put_number(cx, b, QLI_OBJECT_VERSION, t->version));
    QL_TRY(ql_section_put_text(cx, b, VIEW_QUERY, v->query));
    QL_TRY(ql_section_put_number(cx, b, VIEW_COLLATION, v->coll_connection->id));
    QL_TRY(ql_section_put_number(cx, b, VIEW_CHARSET, v->cs_client->default_coll_id));
    QL_TRY(ql_section_put_text(cx, b, VIEW_DEFINER_USER, v->definer_user));
    QL_TRY(ql_section_put_text(cx, b, VIEW_DEFINER_HOST, v->definer_host));
    QL_TRY(ql_section_put_number(cx, b, VIEW_INVOKER, v->invoker));
    QL_TRY(ql_section_put_number(cx, b, VIEW_CHECK, v->check));
    QL_TRY(ql_section_put_number(cx, b, VIEW_ALGORITHM, v->algorithm));
    QL_TRY(ql_section_put_number(cx, b, VIEW_NAMES_GIVEN, v->names_given));
    QL_TRY(ql_section_put_number(cx, b, VIEW_UPDATABLE, v->updatable));
    QL_TRY(qli_put_columns(cx, b, t->columns, t->ncolumns));
    QL_TRY(t->unknown.n ? ql_buf_put(cx, b, t->unknown.p, t->unknown.n) : QL_OK);
    return ql_record_end(cx, b);
}

/* What was found so far. */
typedef struct reading {
    ql_ctx *cx;
    ql_table *t;
    ql_view_def *v;
    bool bad;
    uint32_t foreign;
} reading;

static const ql_collation *
take_collation(reading *r, const ql_section *s)
{
    const ql_collation *c = ql_collation_by_id((unsigned)ql_section_number(s, UINT32_MAX, &r->bad));
    if (!c) {
        r->foreign = s->tag;
    }
    return c;
}

/* A number that means something here up to max; beyond, to a newer server. */
static unsigned
take_choice(reading *r, const ql_section *s, unsigned max)
{
    uint64_t n = ql_section_number(s, UINT64_MAX, &r->bad);
    if (n > max) {
        r->foreign = s->tag;
    }
    return n <= max ? (unsigned)n : 0;
}

static ql_status
take_section(reading *r, const ql_section *s)
{
    ql_view_def *v = r->v;
    const ql_collation *c;
    switch (s->tag) {
    case QLI_OBJECT_CREATED:
        r->t->create_time = (int64_t)ql_section_number(s, INT64_MAX, &r->bad);
        break;
    case QLI_OBJECT_VERSION:
        r->t->version = ql_section_number(s, UINT64_MAX, &r->bad);
        break;
    case VIEW_QUERY:
        return ql_section_text(r->cx, r->t->arena, s, &v->query);
    case VIEW_DEFINER_USER:
        return ql_section_text(r->cx, r->t->arena, s, &v->definer_user);
    case VIEW_DEFINER_HOST:
        return ql_section_text(r->cx, r->t->arena, s, &v->definer_host);
    case VIEW_COLLATION:
        v->coll_connection = r->t->coll = take_collation(r, s);
        break;
    case VIEW_CHARSET:
        c = take_collation(r, s);
        v->cs_client = c ? c->charset : NULL;
        break;
    case VIEW_INVOKER:
        v->invoker = take_choice(r, s, 1) != 0;
        break;
    case VIEW_CHECK:
        v->check = (ql_view_check)take_choice(r, s, QL_CHECK_CASCADED);
        break;
    case VIEW_ALGORITHM:
        v->algorithm = (ql_view_algorithm)take_choice(r, s, QL_VIEW_TEMPTABLE);
        break;
    case VIEW_NAMES_GIVEN:
        v->names_given = ql_section_number(s, 1, &r->bad) != 0;
        break;
    case VIEW_UPDATABLE:
        v->updatable = (ql_view_rows_of)ql_section_number(s, QL_VIEW_OF_JOIN, &r->bad);
        break;
    default:
        break;
    }
    return QL_OK;
}

static ql_status
take_view(reading *r, ql_str sections)
{
    uint32_t foreign;
    r->bad = !ql_sections_check(sections, &view_shape, &foreign);
    r->foreign = foreign;
    ql_str rest = sections;
    for (ql_section s; !r->bad && ql_section_next(&rest, &s);) {
        QL_TRY(take_section(r, &s));
    }
    if (r->bad) {
        return QL_OK;
    }
    QL_TRY(ql_sections_unknown(r->cx, r->t->arena, sections, &view_shape, &r->t->unknown));
    return qli_take_columns(r->cx, sections, r->t, &r->bad, &r->foreign);
}

ql_status
qli_decode_view(ql_ctx *cx, ql_str record, const qli_object *o, ql_table *t, bool *whole)
{
    ql_str sections;
    reading r = {.cx = cx, .t = t, .v = QL_ARENA_NEW(cx, t->arena, ql_view_def)};
    if (!r.v) {
        return QL_ERROR;
    }
    *whole = ql_record_open(record, QL_REC_VIEW, &sections);
    if (!*whole) {
        return QL_OK;
    }
    r.v->query = r.v->definer_user = r.v->definer_host = t->unknown = QL_STR("");
    QL_TRY(take_view(&r, sections));
    *whole = !r.bad && o->nowned == 0;
    if (!*whole) {
        return QL_OK;
    }
    if (r.foreign != 0) {
        return qli_table_spoil(cx, t, o,
                               ql_arena_printf(cx, t->arena,
                                               "section %u of the view's definition is not known "
                                               "to this server; a newer one wrote it",
                                               r.foreign));
    }
    t->id = o->id;
    t->view = r.v;
    t->engine = QL_STR("");
    t->comment = QL_STR("VIEW");
    QL_TRY(qli_table_finish(cx, t));
    t->auto_column = -1;
    return QL_OK;
}
