/* SPDX-License-Identifier: Apache-2.0
 *
 * Prepared statements of the binary protocol, by number: their parameters' types and long data, and
 * the answer to COM_STMT_PREPARE. The statements themselves are the session's, and go with it.
 */
#include <stdio.h>

#include "connection/connection_int.h"

static qli_handle *
find(ql_connection *c, uint64_t id)
{
    qli_handle *h = c->handles;
    while (h != NULL && h->id != id) {
        h = h->next;
    }
    return h;
}

static ql_status
no_handler(ql_connection *c, uint64_t id, const char *what)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    return ql_fail(&c->s.cx, QL_ER_UNKNOWN_STMT_HANDLER, text, what);
}

/* ---- PREPARE ---- */

/* What COM_STMT_PREPARE answers, gathered while its statement runs. */
typedef struct prepare_work {
    ql_str text;
    qli_handle *h;
    ql_result_column *cols; /* in the statement arena */
    uint16_t ncols;
} prepare_work;

static void
forget(ql_prepared *ps)
{
    qli_handle *h = ps->kept;
    qli_handle **at = &h->owner->handles;
    while (*at != h) {
        at = &(*at)->next;
    }
    *at = h->next;
    for (uint32_t i = 0; i < ps->nparams; i++) {
        ql_buf_free(&h->slots[i].long_data);
    }
}

/* The handle of a statement, in its arena. */
static ql_status
make_handle(ql_connection *c, ql_prepared *ps, qli_handle **out)
{
    ql_ctx *cx = &c->s.cx;
    qli_handle *h = QL_ARENA_NEW(cx, ps->arena, qli_handle);
    ql_param_slot *slots =
        h != NULL ? QL_ARENA_ARRAY(cx, ps->arena, ql_param_slot, ps->nparams + 1) : NULL;
    if (slots == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < ps->nparams; i++) {
        slots[i].long_data.quota = &c->s.kept;
    }
    *h = (qli_handle){
        .next = c->handles, .id = ++c->next_handle, .ps = ps, .owner = c, .slots = slots};
    c->handles = h;
    ps->kept = h;
    ps->forget = forget;
    *out = h;
    return QL_OK;
}

static ql_status
prepare(ql_session *s, void *arg, ql_outcome *out)
{
    prepare_work *w = arg;
    ql_prepared *ps;
    (void)out;
    QL_TRY(ql_session_prepare(s, w->text, &ps, &w->cols, &w->ncols));
    ql_status st = make_handle((ql_connection *)s, ps, &w->h);
    if (st != QL_OK) {
        ql_session_prepared_free(s, ps);
    }
    return st;
}

static ql_status
reply_params(ql_connection *c, uint32_t n)
{
    ql_result_column param = {.name = QL_STR("?"), .type = ql_type_null()};
    ql_reply r = qli_reply_state(c, false);
    if (n == 0) {
        return QL_OK;
    }
    param.type.field = QL_F_VAR_STRING;
    param.type.nullable = true;
    param.flags = QL_CF_BINARY;
    for (uint32_t i = 0; i < n; i++) {
        QL_TRY(ql_put_column_definition(&c->s.cx, &c->wire, &param, NULL, false));
    }
    return ql_reply_eof(&c->s.cx, &c->wire, &r);
}

/* COM_STMT_PREPARE_OK (protocol documentation). */
static ql_status
reply_prepared(ql_connection *c, void *arg)
{
    const prepare_work *w = arg;
    ql_ctx *cx = &c->s.cx;
    ql_reply r = qli_reply_state(c, false);
    ql_buf *b;
    QL_TRY(ql_wire_begin(cx, &c->wire, &b));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put_le(cx, b, w->h->id, 4));
    QL_TRY(ql_buf_put_le(cx, b, w->ncols, 2));
    QL_TRY(ql_buf_put_le(cx, b, w->h->ps->nparams, 2));
    QL_TRY(ql_buf_put_u8(cx, b, 0));
    QL_TRY(ql_buf_put_le(cx, b, r.warnings, 2));
    QL_TRY(ql_wire_end(cx, &c->wire));
    QL_TRY(reply_params(c, w->h->ps->nparams));
    for (uint16_t i = 0; i < w->ncols; i++) {
        QL_TRY(ql_put_column_definition(cx, &c->wire, &w->cols[i], c->s.vars.cs_results, false));
    }
    return w->ncols != 0 ? ql_reply_eof(cx, &c->wire, &r) : QL_OK;
}

void
qli_handle_prepare(ql_connection *c, ql_str text)
{
    prepare_work w = {.text = text};
    qli_do(c, text, prepare, reply_prepared, &w);
}

/* ---- its parameters ---- */

static void
clear_long_data(qli_handle *h)
{
    for (uint32_t i = 0; i < h->ps->nparams; i++) {
        ql_buf_free(&h->slots[i].long_data);
        h->slots[i].has_long_data = false;
    }
    h->long_data_failed = false;
}

ql_status
qli_handle_reset(ql_connection *c, uint64_t id)
{
    qli_handle *h = find(c, id);
    if (h == NULL) {
        return no_handler(c, id, "mysqld_stmt_reset");
    }
    clear_long_data(h);
    return QL_OK;
}

/* Has no reply; what goes wrong is told at EXECUTE. */
void
qli_handle_long_data(ql_connection *c, const ql_command *cmd)
{
    qli_handle *h = find(c, cmd->id);
    if (h == NULL) {
        return;
    }
    ql_param_slot *slot = cmd->param < h->ps->nparams ? &h->slots[cmd->param] : NULL;
    if (slot == NULL || slot->long_data.n + cmd->text.n > c->s.vars.max_allowed_packet ||
        ql_buf_put(&c->s.cx, &slot->long_data, cmd->text.p, cmd->text.n) != QL_OK) {
        h->long_data_failed = true;
        return;
    }
    slot->has_long_data = true;
}

static ql_status
bind(ql_session *s, void *arg, ql_value **values)
{
    qli_handle *h = arg;
    ql_ctx *cx = &s->cx;
    *values = QL_ARENA_ARRAY(cx, cx->arena, ql_value, h->ps->nparams + 1);
    if (*values == NULL) {
        return QL_ERROR;
    }
    if (h->long_data_failed) {
        clear_long_data(h);
        return ql_fail(cx, QL_ER_WRONG_ARGUMENTS, "mysqld_stmt_send_long_data");
    }
    ql_status st =
        ql_stmt_params_decode(cx, cx->arena, h->payload, h->slots, h->ps->nparams, &h->types_bound,
                              s->vars.cs_client, s->vars.coll_connection, *values);
    clear_long_data(h);
    return st;
}

void
qli_handle_execute(ql_connection *c, uint64_t id, ql_str payload)
{
    qli_handle *h = find(c, id);
    if (h == NULL) {
        qli_reply_failure(c, no_handler(c, id, "mysqld_stmt_execute"));
        return;
    }
    h->payload = payload;
    ql_session_execute(&c->s, h->ps, true, bind, h);
}

void
qli_handle_close(ql_connection *c, uint64_t id)
{
    qli_handle *h = find(c, id);
    if (h != NULL) {
        ql_session_prepared_free(&c->s, h->ps);
    }
}
