/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of format 1, fields in a fixed order: read at the start that upgrades them, and by
 * --check-data. Takes no locks.
 */
#include <string.h>

#include "base/diag.h"
#include "catalog/catalog_int.h"

#define RECORD_VERSION 1u

/* Reading side: after the first short read everything is zero and bad is set. */
typedef struct reader {
    const uint8_t *p;
    size_t n;
    bool bad;
} reader;

static uint64_t
take(reader *r, unsigned bytes)
{
    if (r->n < bytes) {
        r->bad = true;
        r->n = 0;
        return 0;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)r->p[i] << (8 * i);
    }
    r->p += bytes;
    r->n -= bytes;
    return v;
}

static ql_str
take_str(reader *r)
{
    size_t n = (size_t)take(r, 4);
    if (r->n < n) {
        r->bad = true;
        r->n = 0;
        return (ql_str){"", 0};
    }
    ql_str s = {(const char *)r->p, n};
    r->p += n;
    r->n -= n;
    return s;
}

/* --- tables ---------------------------------------------------------------------------------- */

static bool
has_members(const ql_type *t)
{
    return t->field == QL_F_ENUM || t->field == QL_F_SET;
}

static void
take_type(reader *r, ql_type *t)
{
    t->kind = (ql_kind)take(r, 1);
    t->field = (ql_field)take(r, 2);
    unsigned flags = (unsigned)take(r, 1);
    t->is_unsigned = flags & 1;
    t->nullable = flags >> 1 & 1;
    t->decimals = (uint8_t)take(r, 1);
    t->length = (uint32_t)take(r, 4);
    unsigned coll = (unsigned)take(r, 2);
    t->coll = coll ? ql_collation_of_stored(coll) : NULL;
    if ((coll && !t->coll) || t->kind > QL_K_DATETIME || (t->kind == QL_K_STRING && !t->coll)) {
        r->bad = true;
    }
}

static ql_status
take_members(ql_ctx *cx, ql_arena *a, reader *r, ql_type *t)
{
    unsigned n = has_members(t) ? (unsigned)take(r, 2) : 0;
    if (n == 0 || (size_t)n * 4 > r->n) {
        r->bad |= n != 0;
        return QL_OK;
    }
    ql_members *m = QL_ARENA_NEW(cx, a, ql_members);
    ql_str *names = QL_ARENA_ARRAY(cx, a, ql_str, n);
    if (!m || !names) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        QL_TRY(qli_copy_str(cx, a, take_str(r), &names[i]));
    }
    *m = (ql_members){.n = (uint16_t)n, .names = names};
    t->members = m;
    return QL_OK;
}

static ql_status
take_value(ql_ctx *cx, ql_arena *a, reader *r, const ql_type *t, ql_value *v)
{
    ql_str bytes;
    QL_TRY(qli_copy_str(cx, a, take_str(r), &bytes));
    ql_value missing = ql_value_null();
    return ql_row_decode_values(cx, t, 1, &missing, bytes, v);
}

static ql_status
take_column(ql_ctx *cx, ql_arena *a, reader *r, ql_column *c, ql_value *missing)
{
    QL_TRY(qli_copy_str(cx, a, take_str(r), &c->name));
    take_type(r, &c->type);
    QL_TRY(take_members(cx, a, r, &c->type));
    unsigned flags = (unsigned)take(r, 1);
    c->auto_increment = flags & 1;
    c->on_update_now = flags >> 1 & 1;
    ql_column_set_zerofill(c, flags >> 2 & 1, 0);
    c->default_kind = (ql_default_kind)take(r, 1);
    c->default_value = ql_value_null();
    if (r->bad || c->default_kind > QL_DEF_EXPR) {
        r->bad = true;
        return QL_OK;
    }
    if (c->default_kind == QL_DEF_VALUE) {
        QL_TRY(take_value(cx, a, r, &c->type, &c->default_value));
    }
    QL_TRY(qli_copy_str(cx, a, take_str(r), &c->default_text));
    QL_TRY(qli_copy_str(cx, a, take_str(r), &c->comment));
    return r->bad ? QL_OK : take_value(cx, a, r, &c->type, missing);
}

static ql_status
take_index(ql_ctx *cx, ql_arena *a, reader *r, unsigned ncolumns, ql_index *ix)
{
    ix->id = (uint32_t)take(r, 4);
    QL_TRY(qli_copy_str(cx, a, take_str(r), &ix->name));
    unsigned flags = (unsigned)take(r, 1);
    ix->primary = flags & 1;
    ix->unique = flags >> 1 & 1;
    ix->hidden_rowid = flags >> 2 & 1;
    QL_TRY(qli_copy_str(cx, a, take_str(r), &ix->comment));
    ix->nparts = (uint16_t)take(r, 2);
    if (r->bad || (size_t)ix->nparts * 7 > r->n || ix->id < QL_FIRST_INDEX_ID ||
        (ix->nparts == 0 && !ix->hidden_rowid)) {
        r->bad = true;
        return QL_OK;
    }
    ix->parts = QL_ARENA_ARRAY(cx, a, ql_index_part, ix->nparts ? ix->nparts : 1);
    if (!ix->parts) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < ix->nparts; i++) {
        ix->parts[i].column = (uint16_t)take(r, 2);
        ix->parts[i].prefix = (uint32_t)take(r, 4);
        ix->parts[i].descending = take(r, 1) != 0;
        r->bad |= ix->parts[i].column >= ncolumns;
    }
    return QL_OK;
}

static ql_status
take_table(ql_ctx *cx, reader *r, ql_table *t, uint64_t *autoinc_start)
{
    t->id = take(r, 8);
    t->version = take(r, 8);
    t->create_time = (int64_t)take(r, 8);
    *autoinc_start = take(r, 8);
    QL_TRY(qli_copy_str(cx, t->arena, take_str(r), &t->engine));
    t->coll = ql_collation_by_id((unsigned)take(r, 2));
    QL_TRY(qli_copy_str(cx, t->arena, take_str(r), &t->comment));
    t->ncolumns = (uint16_t)take(r, 2);
    if (r->bad || !t->coll || t->ncolumns == 0 || t->ncolumns > r->n) {
        r->bad = true;
        return QL_OK;
    }
    t->columns = QL_ARENA_ARRAY(cx, t->arena, ql_column, t->ncolumns);
    t->missing = QL_ARENA_ARRAY(cx, t->arena, ql_value, t->ncolumns);
    if (!t->columns || !t->missing) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < t->ncolumns && !r->bad; i++) {
        t->columns[i].ordinal = (uint16_t)i;
        QL_TRY(take_column(cx, t->arena, r, &t->columns[i], &t->missing[i]));
    }
    t->nindexes = (uint16_t)take(r, 2);
    if (r->bad || t->nindexes == 0 || t->nindexes > r->n) {
        r->bad = true;
        return QL_OK;
    }
    t->indexes = QL_ARENA_ARRAY(cx, t->arena, ql_index, t->nindexes);
    if (!t->indexes) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < t->nindexes && !r->bad; i++) {
        QL_TRY(take_index(cx, t->arena, r, t->ncolumns, &t->indexes[i]));
    }
    return QL_OK;
}

ql_status
qli_decode_table_1(ql_ctx *cx, ql_str db, ql_str name, ql_str record, ql_table **out,
                   uint64_t *autoinc_start)
{
    reader r = {(const uint8_t *)record.p, record.n, false};
    unsigned version = (unsigned)take(&r, 1);
    ql_table *t = qli_table_alloc(cx, "table");
    if (!t) {
        return QL_ERROR;
    }
    ql_status st;
    QL_TRY_TO(st, qli_table_set_names(cx, t, db, name), fail);
    QL_TRY_TO(st, take_table(cx, &r, t, autoinc_start), fail);
    if (r.bad || r.n != 0 || version != RECORD_VERSION) {
        st = ql_fail(cx, QL_ER_TABLE_CORRUPT, t->db.p, t->name.p);
        goto fail;
    }
    QL_TRY_TO(st, qli_table_finish(cx, t), fail);
    *out = t;
    return QL_OK;
fail:
    ql_table_put(t);
    return st;
}

ql_status
qli_decode_database_1(ql_ctx *cx, ql_str name, ql_str record, const ql_collation **coll)
{
    reader r = {(const uint8_t *)record.p, record.n, false};
    unsigned version = (unsigned)take(&r, 1);
    *coll = ql_collation_by_id((unsigned)take(&r, 2));
    if (r.bad || version != RECORD_VERSION || !*coll) {
        return qli_database_damaged(cx, name);
    }
    return QL_OK;
}
