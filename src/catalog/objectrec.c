/* SPDX-License-Identifier: Apache-2.0
 *
 * What the records of all objects in a schema have in common, enough to drop one of any kind; and
 * the record of a database. No locks, no waits.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"

enum { DATABASE_COLLATION = 1 };

/* --- databases ------------------------------------------------------------------------------- */

ql_status
qli_encode_database(ql_ctx *cx, const ql_collation *coll, ql_str unknown, ql_buf *b)
{
    QL_TRY(ql_record_begin(cx, b, QL_REC_DATABASE));
    QL_TRY(ql_section_put_number(cx, b, DATABASE_COLLATION, coll->id));
    QL_TRY(unknown.n ? ql_buf_put(cx, b, unknown.p, unknown.n) : QL_OK);
    return ql_record_end(cx, b);
}

ql_status
qli_decode_database(ql_ctx *cx, ql_arena *a, ql_str name, ql_str record, qli_database_record *out)
{
    static const ql_record_shape shape = {.known = QL_TAG(DATABASE_COLLATION),
                                          .required = QL_TAG(DATABASE_COLLATION)};
    ql_str sections = {0};
    bool bad = !ql_record_open(record, QL_REC_DATABASE, &sections);
    *out = (qli_database_record){.coll = NULL};
    bad |= !ql_sections_check(sections, &shape, &out->foreign);
    ql_str rest = sections;
    for (ql_section s; !bad && ql_section_next(&rest, &s);) {
        if (s.tag == DATABASE_COLLATION) {
            out->coll = ql_collation_by_id((unsigned)ql_section_number(&s, UINT32_MAX, &bad));
            out->foreign = out->coll ? out->foreign : s.tag;
        }
    }
    if (bad) {
        return qli_database_damaged(cx, name);
    }
    out->coll = out->coll ? out->coll : ql_coll_default;
    return ql_sections_unknown(cx, a, sections, &shape, &out->unknown);
}

ql_status
qli_database_damaged(ql_ctx *cx, ql_str name)
{
    return ql_fail_text(cx, QL_ER_TABLE_CORRUPT, "Record of database '%.*s' is damaged",
                        (int)name.n, name.p);
}

/* --- objects --------------------------------------------------------------------------------- */

static ql_status
take_owned(ql_ctx *cx, ql_arena *a, const ql_section *s, qli_object *o, bool *bad)
{
    o->nowned = s->body.n / 4;
    o->owned = QL_ARENA_ARRAY(cx, a, uint32_t, o->nowned + 1);
    if (!o->owned) {
        return QL_ERROR;
    }
    *bad |= s->body.n % 4 != 0;
    for (size_t i = 0; i < o->nowned; i++) {
        memcpy(&o->owned[i], s->body.p + 4 * i, 4);
        *bad |= o->owned[i] < QL_FIRST_INDEX_ID;
    }
    return QL_OK;
}

ql_status
qli_decode_object(ql_ctx *cx, ql_arena *a, ql_str record, qli_object *o, bool *whole)
{
    static const ql_record_shape shape = {.known = QLI_OBJECT_TAGS,
                                          .required = QLI_OBJECT_REQUIRED};
    uint32_t foreign;
    bool bad = false;
    ql_str sections;
    *o = (qli_object){.kind = record.n ? (uint8_t)record.p[0] : 0};
    *whole = ql_record_open(record, (ql_record_kind)o->kind, &sections) &&
             ql_sections_check(sections, &shape, &foreign);
    if (!*whole) {
        return QL_OK;
    }
    for (ql_section s; ql_section_next(&sections, &s);) {
        if (s.tag == QLI_OBJECT_ID) {
            o->id = ql_section_number(&s, UINT64_MAX, &bad);
        } else if (s.tag == QLI_OBJECT_OWNS) {
            QL_TRY(take_owned(cx, a, &s, o, &bad));
        }
    }
    *whole = !bad && o->id >= QL_FIRST_INDEX_ID;
    return QL_OK;
}

/* --- objects that cannot be used ------------------------------------------------------------- */

ql_status
qli_table_spoil(ql_ctx *cx, ql_table *t, const qli_object *o, const char *why)
{
    qli_unusable *u = QL_ARENA_NEW(cx, t->arena, qli_unusable);
    if (!u || !why) {
        return QL_ERROR;
    }
    *u = (qli_unusable){.object = *o, .why = why};
    t->unusable = u;
    t->id = o->id;
    t->engine = t->engine.n ? t->engine : QL_STR("InnoDB");
    t->coll = t->coll ? t->coll : ql_coll_default;
    t->comment = (ql_str){why, strlen(why)};
    t->ncolumns = t->nindexes = t->nforeign = 0;
    t->view = NULL;
    t->auto_column = -1;
    return QL_OK;
}

bool
ql_table_is_view(const ql_table *t)
{
    return t->view || (t->unusable && t->unusable->object.kind == QL_REC_VIEW);
}

ql_status
ql_table_refuse_unusable(ql_ctx *cx, const ql_table *t)
{
    bool view = ql_table_is_view(t);
    return !t->unusable ? QL_OK
                        : ql_fail_text(cx, QL_ER_NOT_SUPPORTED_YET,
                                       "%s '%s.%s' cannot be used: %s. DROP %s removes it",
                                       view ? "View" : "Table", t->db.p, t->name.p,
                                       t->unusable->why, view ? "VIEW" : "TABLE");
}
