/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of all views, and what those about databases and tables share: which of them the viewer
 * sees and a filter leaves. Runs on the session's thread; takes no locks of its own.
 */
#include "views/views.h"

#include "acl/acl.h"
#include "base/arena.h"
#include "base/bulk.h"
#include "base/diag.h"
#include "views/views_int.h"

static const ql_virtual_table views[] = {
#define QL_VIEW(db, name, columns, fill) {db, name, qli_columns_##columns, qli_fill_##fill},
#include "views/views.def"
#undef QL_VIEW
};

ql_status
ql_views_open(ql_ctx *cx)
{
    return ql_catalog_add_views(cx, cx->inst->catalog, views, QL_ARRAY_LEN(views));
}

ql_status
qli_fill_nothing(ql_ctx *cx, ql_view_rows *r)
{
    (void)cx;
    (void)r;
    return QL_OK;
}

ql_status
qli_fill_nothing_but_process(ql_ctx *cx, ql_view_rows *r)
{
    (void)r;
    return qli_view_require_process(cx);
}

/* --- who sees what --------------------------------------------------------------------------- */

bool
qli_viewer_sees(ql_ctx *cx, const ql_proc_info *p)
{
    const ql_vars *v = cx->vars;
    if (!v || v->viewer.has_process) {
        return true;
    }
    return v->viewer.user.n && p->authenticated && ql_str_eq(p->user, v->viewer.user);
}

ql_status
qli_view_require_process(ql_ctx *cx)
{
    if (!cx->vars || cx->vars->viewer.has_process) {
        return QL_OK;
    }
    return ql_fail(cx, QL_ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS");
}

/* --- filters --------------------------------------------------------------------------------- */

static ql_status
leaves(ql_ctx *cx, ql_str wanted, const ql_collation *coll, ql_str name, bool *yes)
{
    *yes = true;
    if (!wanted.p) {
        return QL_OK;
    }
    if (!coll) {
        *yes = ql_str_eq(wanted, name);
        return QL_OK;
    }
    int cmp;
    QL_TRY(ql_coll_compare(cx, coll, wanted, name, &cmp));
    *yes = cmp == 0;
    return QL_OK;
}

ql_status
qli_leaves_schema(ql_ctx *cx, const ql_view_rows *r, ql_str db, bool *yes)
{
    return leaves(cx, r->filter.schema, r->filter.schema_coll, db, yes);
}

/* Candidates: one table, those of one database, or all. */
static ql_status
take_candidates(ql_ctx *cx, const ql_view_rows *r, ql_table ***v, size_t *n)
{
    const ql_view_filter *f = &r->filter;
    if (f->temporary) {
        *v = QL_ARENA_NEW(cx, r->a, ql_table *);
        if (!*v) {
            return QL_ERROR;
        }
        **v = f->temporary;
        *n = 1;
        return QL_OK;
    }
    bool schema = f->schema.p && !f->schema_coll, table = f->table.p && !f->table_coll;
    if (!schema || !table) {
        return ql_catalog_all_tables(cx, r->a, schema ? f->schema : QL_STR(""), v, n);
    }
    *v = QL_ARENA_NEW(cx, r->a, ql_table *);
    if (!*v) {
        return QL_ERROR;
    }
    ql_status st = ql_catalog_find_table(cx, r->a, f->schema, f->table, *v);
    *n = st == QL_OK;
    return st == QL_END ? QL_OK : st;
}

/* Is the table one that rows are to be about? A name that is looked up is found as USE and FROM
 * find it: those of virtual databases without case. */
static ql_status
passes(ql_ctx *cx, const ql_view_rows *r, const ql_table *t, bool *yes)
{
    const ql_view_filter *f = &r->filter;
    *yes = true;
    if (f->schema_coll) {
        QL_TRY(leaves(cx, f->schema, f->schema_coll, t->db, yes));
    }
    if (*yes && (f->table_coll || !f->schema.p || f->schema_coll)) {
        QL_TRY(leaves(cx, f->table, f->table_coll, t->name, yes));
    }
    *yes = *yes && (f->temporary || ql_acl_sees_table(cx, t->db, t->name));
    return QL_OK;
}

ql_status
qli_tables(ql_ctx *cx, const ql_view_rows *r, ql_table ***v, size_t *n)
{
    size_t kept = 0;
    QL_TRY(take_candidates(cx, r, v, n));
    ql_table **list =
        QL_ARENA_ARRAY(cx, r->a, ql_table *, *n + 1); /* the other has the references */
    if (!list) {
        return QL_ERROR;
    }
    for (size_t i = 0; i < *n; i++) {
        bool yes;
        if (i % 64 == 0) {
            QL_TRY(ql_check(cx));
        }
        QL_TRY(passes(cx, r, (*v)[i], &yes));
        if (yes) {
            list[kept++] = (*v)[i];
        }
    }
    *v = list;
    *n = kept;
    return QL_OK;
}
