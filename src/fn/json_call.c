/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments and results of the JSON functions. Runs in the thread of the statement; no locks, no
 * waits.
 */
#include "base/text.h"
#include "fn/json_int.h"

static void
end_call(void *state)
{
    qli_json_call *j = state;
    ql_json_builder_free(&j->result);
    ql_json_builder_free(&j->read);
    ql_buf_free(&j->text);
}

static ql_status
begin_state(ql_ctx *cx, ql_call *call, uint32_t n)
{
    qli_json_call *j = QL_ARENA_NEW(cx, call->mem, qli_json_call);
    qli_json_arg *args = j != NULL ? QL_ARENA_ARRAY(cx, call->mem, qli_json_arg, n + 1) : NULL;
    if (args == NULL) {
        return QL_ERROR;
    }
    j->args = args;
    ql_json_builder_init(&j->result, cx, call->mem);
    ql_json_builder_init(&j->read, cx, call->mem);
    j->text.quota = ql_arena_quota(call->mem);
    call->state = j;
    call->state_free = end_call;
    return QL_OK;
}

ql_status
qli_json_begin(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t n, qli_json_call **out)
{
    if (call->state == NULL) {
        QL_TRY(begin_state(cx, call, n));
    }
    qli_json_call *j = call->state;
    j->cx = cx;
    j->call = call;
    j->values = args;
    j->n = n;
    ql_json_builder_clear(&j->result);
    ql_buf_clear(&j->text);
    *out = j;
    return QL_OK;
}

const char *
qli_json_name(const qli_json_call *j)
{
    const char *name = ql_func_name(j->call->expr->fn);
    char *lower = ql_arena_strndup(j->cx, j->cx->arena, name, strlen(name));
    for (char *p = lower; p != NULL && *p != '\0'; p++) {
        *p = ql_ascii_lower(*p);
    }
    return lower != NULL ? lower : name;
}

static bool
is_constant(const qli_json_call *j, uint32_t i)
{
    return i < j->call->expr->nargs && j->call->expr->args[i]->is_constant;
}

static ql_status
read_text(qli_json_call *j, uint32_t i, ql_str *doc, ql_json_fault *fault)
{
    ql_json_builder_clear(&j->read);
    QL_TRY(ql_json_parse(&j->read, j->values[i].s, fault));
    if (fault->what != NULL) {
        return QL_OK;
    }
    bool keep = is_constant(j, i);
    QL_TRY(ql_json_take(&j->read, keep ? j->call->mem : j->call->arena, doc));
    if (keep) {
        j->args[i].doc = *doc;
        j->args[i].has_doc = true;
    }
    return QL_OK;
}

/* fault->what: it is a text that is no JSON. */
static ql_status
doc_of(qli_json_call *j, uint32_t i, ql_json *v, ql_json_fault *fault)
{
    const ql_value *x = &j->values[i];
    ql_str doc = x->s;
    *fault = (ql_json_fault){0};
    if (j->args[i].has_doc) {
        return ql_json_open(j->cx, j->args[i].doc, v);
    }
    if (x->kind == QL_K_STRING) {
        if (x->coll == ql_coll_binary) {
            return ql_fail(j->cx, QL_ER_INVALID_JSON_CHARSET, "binary");
        }
        QL_TRY(read_text(j, i, &doc, fault));
        if (fault->what != NULL) {
            return QL_OK;
        }
    } else if (x->kind != QL_K_JSON) {
        return ql_fail(j->cx, QL_ER_INVALID_TYPE_FOR_JSON, i + 1, qli_json_name(j));
    }
    return ql_json_open(j->cx, doc, v);
}

ql_status
qli_json_doc(qli_json_call *j, uint32_t i, ql_json *v)
{
    ql_json_fault fault;
    QL_TRY(doc_of(j, i, v, &fault));
    return fault.what == NULL ? QL_OK
                              : ql_fail(j->cx, QL_ER_INVALID_JSON_TEXT_IN_PARAM, i + 1,
                                        qli_json_name(j), fault.what, (unsigned)fault.at, "");
}

ql_status
qli_json_try_doc(qli_json_call *j, uint32_t i, ql_json *v, bool *good)
{
    ql_json_fault fault;
    QL_TRY(doc_of(j, i, v, &fault));
    *good = fault.what == NULL;
    return QL_OK;
}

static uint8_t
field_of(const qli_json_call *j, uint32_t i)
{
    return i < j->call->expr->nargs ? (uint8_t)j->call->expr->args[i]->type.field : QL_F_VAR_STRING;
}

ql_status
qli_json_value(qli_json_call *j, uint32_t i, ql_json *v)
{
    ql_str doc = j->values[i].s;
    if (j->values[i].kind != QL_K_JSON) {
        ql_json_builder_clear(&j->read);
        QL_TRY(ql_json_put_value(&j->read, &j->values[i], field_of(j, i)));
        QL_TRY(ql_json_take(&j->read, j->call->arena, &doc));
    }
    return ql_json_open(j->cx, doc, v);
}

ql_status
qli_json_path(qli_json_call *j, uint32_t i, bool one, const ql_json_path **path)
{
    qli_json_arg *a = &j->args[i];
    if (!a->has_path) {
        bool keep = is_constant(j, i);
        ql_str text;
        QL_TRY(ql_value_to_str(j->cx, j->call->arena, &j->values[i], &text));
        QL_TRY(ql_json_path_parse(j->cx, keep ? j->call->mem : j->call->arena, text, &a->path));
        a->has_path = keep;
    }
    *path = &a->path;
    return one && a->path.many ? ql_fail(j->cx, QL_ER_INVALID_JSON_PATH_WILDCARD) : QL_OK;
}

ql_status
qli_json_one_or_all(qli_json_call *j, uint32_t i, bool *one)
{
    ql_str s;
    QL_TRY(ql_value_to_str(j->cx, j->call->arena, &j->values[i], &s));
    *one = ql_str_eq_nocase(s, QL_STR("one"));
    return *one || ql_str_eq_nocase(s, QL_STR("all"))
               ? QL_OK
               : ql_fail(j->cx, QL_ER_JSON_BAD_ONE_OR_ALL_ARG, qli_json_name(j));
}

ql_status
qli_json_put_result(qli_json_call *j, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_JSON};
    return ql_json_take(&j->result, j->call->arena, &out->s);
}

ql_status
qli_json_put_text(qli_json_call *j, ql_value *out)
{
    return qli_put_copy(j->cx, j->call, out, j->text.p, j->text.n);
}
