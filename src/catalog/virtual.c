/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual tables among the definitions: a ql_virtual_table (virtual.h) becomes a ql_table of the
 * cache that is never stored. Called at start, before there are sessions.
 */
#include "catalog/virtual.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "catalog/catalog_int.h"
#include "json/json.h"

static ql_type
text_type(uint32_t length, const ql_collation *coll)
{
    ql_type t = ql_type_varchar(0x3fffffff, coll);
    t.field = length == 0          ? QL_F_LONG_BLOB
              : length <= 65535    ? QL_F_BLOB
              : length <= 16777215 ? QL_F_MEDIUM_BLOB
                                   : QL_F_LONG_BLOB;
    t.length = length ? length : UINT32_MAX;
    return t;
}

static ql_type
column_type(const ql_view_column *c)
{
    unsigned by_bytes = QL_VIEW_BINARY | QL_VIEW_SCHEMA | QL_VIEW_TABLE;
    const ql_collation *coll = c->flags & by_bytes ? ql_coll_utf8mb4_bin : ql_coll_default;
    ql_type t;
    switch (c->kind) {
    case 'u':
    case 'i':
        t = ql_type_int(c->kind == 'u');
        t.length = c->length ? c->length : t.length;
        break;
    case 'm':
    case 'n':
        t = ql_type_int(c->kind == 'm');
        t.field = QL_F_LONG;
        t.length = c->length ? c->length : c->kind == 'm' ? 10 : 11;
        break;
    case 'd':
    case 'z':
        t = c->kind == 'z' ? ql_type_timestamp(c->length) : ql_type_datetime(c->length);
        break;
    case 'h':
        t = ql_type_time(0);
        break;
    case 'j':
        t = ql_type_json();
        break;
    case 't':
        t = text_type(c->length, coll);
        break;
    default:
        t = ql_type_varchar(c->length, coll);
        break;
    }
    t.nullable = c->flags & QL_VIEW_NULLABLE;
    return t;
}

static ql_status
make_columns(ql_ctx *cx, ql_table *t, const ql_virtual_table *view)
{
    while (view->columns[t->ncolumns].name) {
        t->ncolumns++;
    }
    assert(t->ncolumns <= QL_VIEW_MAX_COLUMNS);
    t->columns = QL_ARENA_ARRAY(cx, t->arena, ql_column, t->ncolumns);
    t->missing = QL_ARENA_ARRAY(cx, t->arena, ql_value, t->ncolumns);
    if (!t->columns || !t->missing) {
        return QL_ERROR;
    }
    for (unsigned i = 0; i < t->ncolumns; i++) {
        const char *name = view->columns[i].name;
        t->columns[i] = (ql_column){.name = {name, strlen(name)},
                                    .type = column_type(&view->columns[i]),
                                    .ordinal = (uint16_t)i,
                                    .default_value = ql_value_null(),
                                    .default_text = QL_STR(""),
                                    .comment = QL_STR("")};
        t->missing[i] = ql_value_null();
    }
    return qli_table_finish(cx, t);
}

/* A clustered index without id, so that code which looks at indexes[0] finds one. */
static ql_status
make_virtual(ql_ctx *cx, const ql_virtual_table *view, ql_table **out)
{
    ql_table *t = qli_table_alloc(cx, "virtual table");
    if (!t) {
        return QL_ERROR;
    }
    t->db = (ql_str){view->db, strlen(view->db)};
    t->name = (ql_str){view->name, strlen(view->name)};
    t->engine = view->db[0] == 'i'   ? QL_STR("MEMORY")
                : view->db[0] == 'p' ? QL_STR("PERFORMANCE_SCHEMA")
                : view->db[0] == 'm' ? QL_STR("InnoDB")
                                     : QL_STR(""); /* sys: views */
    t->coll = ql_coll_default;
    t->comment = t->engine.n ? QL_STR("") : QL_STR("VIEW");
    t->is_virtual = true;
    t->virt = view;
    t->version = 1;
    ql_status st = make_columns(cx, t, view);
    t->indexes = st == QL_OK ? QL_ARENA_NEW(cx, t->arena, ql_index) : NULL;
    if (!t->indexes) {
        ql_table_put(t);
        return QL_ERROR;
    }
    t->indexes[0] = (ql_index){.name = QL_STR("GEN_CLUST_INDEX"),
                               .unique = true,
                               .hidden_rowid = true,
                               .comment = QL_STR("")};
    t->nindexes = 1;
    *out = t;
    return QL_OK;
}

/* The database that a view stands in. */
static ql_status
add_database(ql_ctx *cx, ql_catalog *c, ql_str name)
{
    qli_database *d = qli_cache_database(c, name); /* sys is stored by older versions */
    if (!d) {
        d = qli_database_new(cx, name, ql_coll_default, QL_STR(""));
        if (!d) {
            return QL_ERROR;
        }
        qli_cache_put_database(c, d);
    }
    d->is_virtual = ql_catalog_is_virtual_database(name); /* mysql has ordinary tables, too */
    return QL_OK;
}

ql_status
ql_catalog_add_views(ql_ctx *cx, ql_catalog *c, const ql_virtual_table *views, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ql_str db = {views[i].db, strlen(views[i].db)};
        QL_TRY(add_database(cx, c, db));
        if (qli_cache_entry(c, db, (ql_str){views[i].name, strlen(views[i].name)})) {
            continue; /* somebody has made a table of that name: it stays */
        }
        qli_entry *e = ql_mem_zalloc(sizeof *e);
        if (!e) {
            return ql_fail_oom(cx, sizeof *e);
        }
        ql_status st = make_virtual(cx, &views[i], &e->table);
        if (st != QL_OK) {
            ql_mem_free(e);
            return st;
        }
        qli_cache_put_table(c, e);
    }
    return QL_OK;
}

const char *
ql_table_type_text(const ql_table *t)
{
    if (!t->is_virtual) {
        return t->view != NULL ? "VIEW" : "BASE TABLE";
    }
    char first = t->virt->db[0];
    return first == 'i' ? "SYSTEM VIEW" : first == 's' ? "VIEW" : "BASE TABLE";
}

/* --- rows ------------------------------------------------------------------------------------ */

#define CHECK_ROWS 16u /* a row of a view costs about as much as fifty of a table */

/* What is kept of the row that was being filled. */
static ql_status
keep_row(ql_ctx *cx, ql_view_rows *r)
{
    if (r->n == 0 || r->nkept == 0) {
        return QL_OK;
    }
    ql_value *kept = r->v[r->n - 1] = ql_arena_alloc(cx, r->a, r->nkept * sizeof *kept);
    if (!kept) {
        return QL_ERROR;
    }
    for (uint64_t left = r->filter.columns; left; left &= left - 1) {
        *kept++ = r->row[__builtin_ctzll(left)];
    }
    return QL_OK;
}

static ql_status
make_room(ql_ctx *cx, ql_view_rows *r)
{
    size_t cap = r->cap ? r->cap * 2 : 32;
    ql_value **v = ql_arena_alloc(cx, r->a, cap * sizeof *v);
    if (!v) {
        return QL_ERROR;
    }
    if (r->n) {
        memcpy(v, r->v, sizeof *v * r->n);
    }
    r->v = v;
    r->cap = cap;
    return QL_OK;
}

ql_status
ql_view_fill(ql_ctx *cx, ql_arena *a, const ql_table *t, const ql_view_filter *filter,
             ql_view_rows *out)
{
    *out = (ql_view_rows){.a = a, .t = t, .filter = {.columns = UINT64_MAX}};
    if (filter) {
        out->filter = *filter;
    }
    out->filter.columns &= UINT64_MAX >> (QL_VIEW_MAX_COLUMNS - t->ncolumns);
    out->nkept = (unsigned)__builtin_popcountll(out->filter.columns);
    out->row = QL_ARENA_ARRAY(cx, a, ql_value, t->ncolumns);
    if (!out->row) {
        return QL_ERROR;
    }
    QL_TRY(t->virt->fill(cx, out));
    return keep_row(cx, out);
}

ql_status
ql_view_row(ql_ctx *cx, ql_view_rows *r, ql_value **row)
{
    if (r->n % CHECK_ROWS == 0) {
        QL_TRY(ql_check(cx));
    }
    QL_TRY(keep_row(cx, r));
    if (r->n == r->cap && r->nkept) {
        QL_TRY(make_room(cx, r));
    }
    for (unsigned i = 0; i < r->t->ncolumns; i++) {
        r->row[i] = ql_value_null();
    }
    r->n++;
    *row = r->row;
    return QL_OK;
}
