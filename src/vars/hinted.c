/* SPDX-License-Identifier: Apache-2.0
 *
 * SET_VAR hints: session values for one statement. What they replace is put aside, whole, so that
 * giving it back needs no memory and cannot fail, whatever became of the statement. Runs on the
 * session's thread.
 */
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "vars/vars_int.h"

struct qli_hinted {
    qli_hinted *next;
    ql_sysvar_id id;
    bool had_own; /* the session had a value of its own: */
    ql_value v;   /* string owned */
    /* variables that live outside the table */
    int64_t timestamp_us, fixed_timestamp_us;
    uint64_t insert_id;
};

static qli_override *
find_own(ql_vars *v, ql_sysvar_id id)
{
    for (unsigned i = 0; i < v->nown; i++) {
        if (v->own[i].id == id) {
            return &v->own[i];
        }
    }
    return NULL;
}

static void
free_text(ql_value *v)
{
    if (v->kind == QL_K_STRING) {
        ql_mem_free((char *)v->s.p);
    }
    *v = ql_value_null();
}

static void
forget_own(ql_vars *v, qli_override *o)
{
    free_text(&o->v);
    *o = v->own[--v->nown];
}

static void
give_back(ql_vars *v, qli_hinted *h)
{
    qli_override *o = find_own(v, h->id);
    v->timestamp_us = h->id == QL_SV_TIMESTAMP ? h->timestamp_us : v->timestamp_us;
    v->fixed_timestamp_us =
        h->id == QL_SV_TIMESTAMP ? h->fixed_timestamp_us : v->fixed_timestamp_us;
    v->insert_id = h->id == QL_SV_INSERT_ID ? h->insert_id : v->insert_id;
    if (o != NULL && h->had_own) {
        free_text(&o->v);
        o->v = h->v;
        qli_vars_mirror(v, h->id, &o->v);
    } else if (o != NULL) {
        forget_own(v, o);
        qli_vars_mirror(v, h->id, qli_vars_value(v, h->id));
    } else {
        free_text(&h->v);
    }
}

/* The value of now is put aside; the session goes on with a copy of it. */
static ql_status
put_aside(ql_ctx *cx, ql_sysvar_id id, qli_hinted **out)
{
    ql_vars *v = cx->vars;
    qli_override *o = find_own(v, id);
    qli_hinted *h = ql_mem_zalloc(sizeof *h);
    char *copy = NULL;
    if (h != NULL && o != NULL && o->v.kind == QL_K_STRING) {
        copy = ql_mem_strndup(o->v.s.p, o->v.s.n);
    }
    if (h == NULL || (o != NULL && o->v.kind == QL_K_STRING && copy == NULL)) {
        ql_mem_free(h);
        return ql_fail_oom(cx, sizeof *h);
    }
    *h = (qli_hinted){.id = id,
                      .had_own = o != NULL,
                      .v = o != NULL ? o->v : ql_value_null(),
                      .timestamp_us = v->timestamp_us,
                      .fixed_timestamp_us = v->fixed_timestamp_us,
                      .insert_id = v->insert_id};
    if (copy != NULL) {
        o->v.s.p = copy;
    }
    *out = h;
    return QL_OK;
}

/* The error becomes a warning; memory that is not there stays an error. */
static ql_status
warn_instead(ql_ctx *cx)
{
    const ql_condition *c = ql_diag_error(cx->diag);
    ql_errcode code = c != NULL ? (ql_errcode)c->number : QL_ER_NONE;
    if (c == NULL || code == QL_ER_OUTOFMEMORY || code == QL_ER_OUT_OF_RESOURCES ||
        code == QL_ER_CONN_LIMIT) {
        return QL_ERROR;
    }
    char *text = ql_arena_strndup(cx, cx->arena, c->text, strlen(c->text));
    if (text == NULL) {
        return QL_ERROR;
    }
    ql_diag_clear_error(cx->diag);
    ql_warn_text(cx, QL_DIAG_WARNING, code, "%s", text);
    return QL_OK;
}

ql_status
ql_sysvar_hint(ql_ctx *cx, ql_sysvar_id id, const ql_value *value)
{
    ql_vars *v = cx->vars;
    qli_hinted *h = NULL;
    id = qli_sysvar_real(id);
    QL_TRY(put_aside(cx, id, &h));
    ql_status st = ql_sysvar_set(cx, id, false, value);
    if (st == QL_ERROR) {
        give_back(v, h);
        ql_mem_free(h);
        return warn_instead(cx);
    }
    h->next = v->hinted;
    v->hinted = h;
    return st;
}

void
ql_vars_unhint(ql_ctx *cx, ql_vars *v)
{
    while (v->hinted != NULL) {
        qli_hinted *h = v->hinted;
        v->hinted = h->next;
        give_back(v, h);
        if (cx != NULL) {
            qli_vars_follow(cx, h->id);
        }
        ql_mem_free(h);
    }
}
