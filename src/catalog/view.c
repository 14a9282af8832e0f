/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions of views: made, replaced, removed. They stand in the name space of tables and in the
 * same cache, have no keys but their record, and are published at commit like tables (stage.c). The
 * caller holds the exclusive metadata lock. No waits.
 */
#include "base/diag.h"
#include "base/thread.h"
#include "catalog/catalog_int.h"

#define MAX_COLUMNS 4096u

static ql_status
check_view(ql_ctx *cx, const ql_view_spec *spec)
{
    QL_TRY(ql_catalog_check_table_name(cx, spec->name));
    if (!ql_catalog_has_database(cx, spec->db)) {
        return ql_fail(cx, QL_ER_BAD_DB_ERROR, ql_cstr(cx, spec->db));
    }
    QL_TRY(qli_refuse_virtual(cx, spec->db));
    QL_TRY(qli_refuse_unusable_database(cx, spec->db));
    if (spec->ncolumns > MAX_COLUMNS) {
        return ql_fail(cx, QL_ER_TOO_MANY_FIELDS);
    }
    for (unsigned i = 0; i < spec->ncolumns; i++) {
        QL_TRY(ql_check(cx));
        QL_TRY(qli_check_column_name(cx, spec->columns, i));
    }
    return QL_OK;
}

static ql_status
copy_def(ql_ctx *cx, ql_table *t, const ql_view_def *def)
{
    ql_view_def *d = QL_ARENA_NEW(cx, t->arena, ql_view_def);
    if (!d) {
        return QL_ERROR;
    }
    *d = *def;
    t->view = d;
    QL_TRY(qli_copy_str(cx, t->arena, def->query, &d->query));
    QL_TRY(qli_copy_str(cx, t->arena, def->definer_user, &d->definer_user));
    return qli_copy_str(cx, t->arena, def->definer_host, &d->definer_host);
}

static ql_status
build_view(ql_ctx *cx, ql_table *t, const ql_view_spec *spec, const ql_table *old)
{
    QL_TRY(qli_table_set_names(cx, t, spec->db, spec->name));
    t->engine = QL_STR("");
    t->comment = QL_STR("VIEW");
    t->coll = spec->def.coll_connection;
    t->version = old ? old->version + 1 : 1;
    t->create_time = ql_now_real_us() / 1000000;
    QL_TRY(qli_copy_str(cx, t->arena, old ? old->unknown : QL_STR(""), &t->unknown));
    QL_TRY(qli_copy_columns(cx, t, spec->columns, spec->ncolumns, NULL));
    QL_TRY(copy_def(cx, t, &spec->def));
    QL_TRY(qli_table_finish(cx, t));
    t->auto_column = -1;
    if (old) {
        t->id = old->id;
        return QL_OK;
    }
    return qli_ids_reserve(cx, cx->inst->catalog, 1, &t->id);
}

ql_status
ql_catalog_put_view(ql_ctx *cx, const ql_view_spec *spec, const ql_table *old)
{
    QL_TRY(check_view(cx, spec));
    ql_table *t = qli_table_alloc(cx, "view");
    if (!t) {
        return QL_ERROR;
    }
    ql_status st = build_view(cx, t, spec, old);
    st = st == QL_OK ? qli_stage_definition(cx, t, 0) : st;
    if (st != QL_OK) {
        ql_table_put(t);
    }
    return st;
}

ql_status
ql_catalog_rename_view(ql_ctx *cx, const ql_table *v, ql_str name)
{
    const ql_view_spec spec = {
        .db = v->db, .name = name, .def = *v->view, .columns = v->columns, .ncolumns = v->ncolumns};
    QL_TRY(ql_catalog_put_view(cx, &spec, v));
    QL_TRY(qli_erase_table(cx, v->db, v->name));
    return qli_stage_add(cx, QLI_TABLE_DROP, v->db, v->name) ? QL_OK : QL_ERROR;
}

ql_status
ql_catalog_drop_view(ql_ctx *cx, const ql_table *v)
{
    QL_TRY(v->unusable ? qli_trash_table(cx, v) : QL_OK); /* what a newer one may own */
    QL_TRY(qli_erase_table(cx, v->db, v->name));
    return qli_stage_add(cx, QLI_TABLE_DROP, v->db, v->name) ? QL_OK : QL_ERROR;
}
