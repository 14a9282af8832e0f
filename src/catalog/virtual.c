/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual tables among the definitions: a ql_virtual_table (virtual.h) becomes a ql_table of the
 * cache that is never stored. Called at start, before there are sessions.
 */
#include "catalog/virtual.h"

#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "catalog/catalog_int.h"

static ql_type
column_type(const ql_view_column *c)
{
    ql_type t;
    switch (c->kind) {
    case 'u':
        t = ql_type_int(true);
        break;
    case 'i':
        t = ql_type_int(false);
        break;
    case 'n':
        t = ql_type_int(false);
        t.field = QL_F_LONG;
        t.length = 11;
        break;
    case 'd':
        t = ql_type_datetime(0);
        break;
    case 'h':
        t = ql_type_time(0);
        break;
    case 't':
        t = ql_type_varchar(0x3fffffff, ql_coll_default);
        t.field = QL_F_LONG_BLOB;
        t.length = UINT32_MAX;
        break;
    default:
        t = ql_type_varchar(c->length, ql_coll_default);
        break;
    }
    t.nullable = c->nullable;
    return t;
}

static ql_status
make_columns(ql_ctx *cx, ql_table *t, const ql_virtual_table *view)
{
    while (view->columns[t->ncolumns].name) {
        t->ncolumns++;
    }
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
ql_catalog_add_views(ql_ctx *cx, ql_catalog *c, const ql_virtual_table *const *views, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ql_str db = {views[i]->db, strlen(views[i]->db)};
        QL_TRY(add_database(cx, c, db));
        if (qli_cache_entry(c, db, (ql_str){views[i]->name, strlen(views[i]->name)})) {
            continue; /* somebody has made a table of that name: it stays */
        }
        qli_entry *e = ql_mem_zalloc(sizeof *e);
        if (!e) {
            return ql_fail_oom(cx, sizeof *e);
        }
        ql_status st = make_virtual(cx, views[i], &e->table);
        if (st != QL_OK) {
            ql_mem_free(e);
            return st;
        }
        qli_cache_put_table(c, e, NULL);
    }
    return QL_OK;
}

const char *
ql_table_type_text(const ql_table *t)
{
    if (!t->is_virtual) {
        return "BASE TABLE";
    }
    char first = t->virt->db[0];
    return first == 'i' ? "SYSTEM VIEW" : first == 's' ? "VIEW" : "BASE TABLE";
}
