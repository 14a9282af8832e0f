/* SPDX-License-Identifier: Apache-2.0
 *
 * Views in FROM: the kept text is parsed and bound in a scope of its own, with the privileges of
 * the view's definer or (SQL SECURITY INVOKER) of its user. What goes wrong inside is told as 1356,
 * so that an error says nothing of tables that the user may not see. Opens what is below (waits:
 * MDL).
 */
#include "base/arena.h"
#include "resolve/resolve_int.h"
#include "sql/viewtext.h"

/* --- whose privileges ------------------------------------------------------------------------ */

ql_status
ql_view_enter(ql_ctx *cx, const ql_table *view, ql_view_entry *e)
{
    const ql_view_def *v = view->view;
    *e = (ql_view_entry){.entered = false};
    if (v->invoker || cx->vars == NULL || cx->inst->acl == NULL) {
        return QL_OK;
    }
    ql_status st = ql_acl_become(cx, v->definer_user, v->definer_host, &e->was);
    e->entered = st == QL_OK;
    return st != QL_END ? st
                        : ql_fail(cx, QL_ER_NO_SUCH_USER, ql_cstr(cx, v->definer_user),
                                  ql_cstr(cx, v->definer_host));
}

void
ql_view_leave(ql_ctx *cx, const ql_view_entry *e)
{
    if (e->entered) {
        ql_acl_return(cx, &e->was);
    }
}

/* --- errors ---------------------------------------------------------------------------------- */

/* Those that would tell what the view is made of (MySQL hides the same). */
static bool
tells_too_much(unsigned number)
{
    static const unsigned hidden[] = {QL_ER_DBACCESS_DENIED_ERROR,
                                      QL_ER_BAD_DB_ERROR,
                                      QL_ER_BAD_FIELD_ERROR,
                                      QL_ER_UNKNOWN_TABLE,
                                      QL_ER_TABLEACCESS_DENIED_ERROR,
                                      QL_ER_COLUMNACCESS_DENIED_ERROR,
                                      QL_ER_NO_SUCH_TABLE,
                                      QL_ER_SP_DOES_NOT_EXIST,
                                      QL_ER_VIEW_WRONG_LIST,
                                      QL_ER_VIEW_INVALID};
    for (size_t i = 0; i < QL_ARRAY_LEN(hidden); i++) {
        if (hidden[i] == number) {
            return true;
        }
    }
    return false;
}

ql_status
qli_view_hide_error(ql_ctx *cx, const ql_table *view, ql_status st)
{
    const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
    if (c == NULL || !tells_too_much(c->number)) {
        return st;
    }
    ql_diag_clear_error(cx->diag);
    return ql_fail(cx, QL_ER_VIEW_INVALID, ql_cstr(cx, view->db), ql_cstr(cx, view->name));
}

/* --- binding --------------------------------------------------------------------------------- */

static bool
is_frame_of(const qli_view_frame *f, const ql_table *view)
{
    return ql_str_eq(f->db, view->db) && ql_str_eq(f->name, view->name);
}

static ql_status
refuse_loops(qli_res *r, const ql_table *view)
{
    bool loop = r->making != NULL && is_frame_of(r->making, view);
    for (const qli_view_frame *f = r->views; f != NULL && !loop; f = f->up) {
        QL_TRY(ql_check(r->cx));
        loop = is_frame_of(f, view);
    }
    return loop ? ql_fail(r->cx, QL_ER_VIEW_RECURSIVE, ql_cstr(r->cx, view->db),
                          ql_cstr(r->cx, view->name))
                : QL_OK;
}

static ql_status
names_of(qli_res *r, const ql_table *view, ql_str **out)
{
    ql_str *v = QL_ARENA_ARRAY(r->cx, r->a, ql_str, view->ncolumns + 1u);
    *out = v;
    for (uint16_t i = 0; v != NULL && i < view->ncolumns; i++) {
        v[i] = view->columns[i].name;
    }
    return v != NULL ? QL_OK : QL_ERROR;
}

static ql_status
bind_query(qli_res *r, qli_scope *sc, const ql_table *view, ql_str alias, qli_names *out)
{
    ql_ast_stmt *s;
    ql_str *names;
    QL_TRY(names_of(r, view, &names));
    QL_TRY(ql_view_parse(r->cx, r->a, view, &s));
    bool closed = sc->closed;
    sc->closed = true;
    ql_status st = qli_derived_bind(r, sc, s->select, view->db, alias, names, view->ncolumns, out);
    sc->closed = closed;
    return st;
}

static ql_status
name_user(qli_res *r, const ql_table *view, qli_view_frame *f)
{
    const ql_view_def *v = view->view;
    if (v->invoker) {
        f->user = f->up != NULL ? f->up->user : (ql_str){0};
        return QL_OK;
    }
    f->user.p = ql_arena_printf(r->cx, r->a, "%.*s@%.*s", (int)v->definer_user.n, v->definer_user.p,
                                (int)v->definer_host.n, v->definer_host.p);
    f->user.n = v->definer_user.n + 1 + v->definer_host.n;
    return f->user.p != NULL ? QL_OK : QL_ERROR;
}

/* The statement's own state is put aside: nothing of it counts inside. */
ql_status
qli_view_begin(qli_res *r, const ql_table *view, qli_view_frame *frame, qli_inside *in)
{
    in->begun = false;
    QL_TRY(refuse_loops(r, view));
    in->begun = true;
    in->outside = *r;
    in->entry.entered = false;
    *frame = (qli_view_frame){.db = view->db, .name = view->name, .up = r->views};
    r->views = frame;
    r->ctes = NULL;
    r->dml = QLI_DML_NONE;
    r->dml_target = r->insert_target = NULL;
    r->insert_view = NULL;
    r->in_dml_from = r->freezing = false;
    r->dup = NULL;
    QL_TRY(ql_view_enter(r->cx, view, &in->entry));
    return name_user(r, view, frame);
}

void
qli_view_end(qli_res *r, const qli_inside *in)
{
    if (!in->begun) {
        return;
    }
    const qli_res *was = &in->outside;
    ql_view_leave(r->cx, &in->entry);
    r->views = was->views;
    r->ctes = was->ctes;
    r->dml = was->dml;
    r->dml_target = was->dml_target;
    r->insert_target = was->insert_target;
    r->insert_view = was->insert_view;
    r->in_dml_from = was->in_dml_from;
    r->freezing = was->freezing;
    r->dup = was->dup;
}

ql_status
qli_view_bind(qli_res *r, qli_scope *sc, const ql_table *view, ql_str alias, qli_names *out)
{
    qli_view_frame frame;
    qli_inside in;
    ql_status st = qli_view_begin(r, view, &frame, &in);
    st = st == QL_OK ? bind_query(r, sc, view, alias, out) : st;
    qli_view_end(r, &in);
    if (st == QL_OK && sc->q->nsources > 0) {
        sc->q->sources[sc->q->nsources - 1].view = view;
    }
    return qli_view_hide_error(r->cx, view, st);
}

ql_status
ql_resolve_view_use(ql_ctx *cx, const ql_table *view)
{
    qli_res r = {.cx = cx, .a = cx->arena, .describing = true};
    qli_scope *sc;
    qli_names names;
    QL_TRY(qli_scope_new(&r, NULL, &sc));
    return qli_view_bind(&r, sc, view, view->name, &names);
}
