/* SPDX-License-Identifier: Apache-2.0
 *
 * Where JSON meets other types: what is true or false as such, values that go into documents, texts
 * that are made of them.
 */
#include "json/json.h"
#include "resolve/resolve_int.h"

static bool
op_is_truth(ql_op op)
{
    return op < QL_OP_ADD || op >= QL_OP_EQ_ANY;
}

bool
qli_is_truth(const ql_expr *e)
{
    switch (e->kind) {
    case QL_E_CONST:
        return e->is_truth;
    case QL_E_OP:
        return op_is_truth(e->op);
    case QL_E_FUNC:
        return qli_func_get(e->fn)->rule == QLI_R_BOOL;
    case QL_E_EXISTS:
    case QL_E_IN_QUERY:
        return true;
    default:
        return false;
    }
}

ql_status
qli_truth_as_json(qli_res *r, qli_scope *sc, ql_expr **e)
{
    if (!qli_is_truth(*e) || (*e)->type.kind != QL_K_INT) {
        return QL_OK;
    }
    ql_type t = ql_type_json();
    t.length = QL_JSON_OF_BOOL;
    return qli_cast(r, sc, e, &t);
}

ql_status
qli_json_path_arg(qli_res *r, ql_expr **e)
{
    if ((*e)->kind != QL_E_CONST || (*e)->value.kind != QL_K_STRING ||
        (*e)->value.coll == ql_coll_binary) {
        return QL_OK;
    }
    ql_value v = (*e)->value;
    v.coll = ql_coll_utf8mb4_bin;
    *e = qli_const(r, &v);
    return *e != NULL ? QL_OK : QL_ERROR;
}

/* Without RETURNING: VARCHAR(512) in utf8mb4_bin; texts without a character set are in that, too.
 */
static ql_status
returned_type(qli_res *r, const ql_ast_expr *e, const ql_expr *doc, ql_type *out)
{
    if (e->cast_type == NULL) {
        *out = ql_type_varchar(512, ql_coll_utf8mb4_bin);
        out->field = QL_F_STRING;
        return QL_OK;
    }
    QL_TRY(qli_cast_target(r, e->cast_type, doc, out));
    if (out->kind == QL_K_STRING && out->coll != ql_coll_binary && e->cast_type->charset.n == 0) {
        out->coll = ql_coll_utf8mb4_bin;
    }
    return QL_OK;
}

ql_status
qli_bind_json_value(qli_res *r, qli_scope *sc, const ql_ast_expr *e, ql_expr **out)
{
    ql_expr **args;
    ql_type t;
    QL_TRY(qli_bind_list(r, sc, &e->args, &args));
    QL_TRY(returned_type(r, e, args[0], &t));
    for (uint32_t i = 2; i < e->args.n; i++) {
        QL_TRY(qli_cast(r, sc, &args[i], &t));
    }
    QL_TRY(ql_call(r, sc, QL_FN_JSON_VALUE, args, e->args.n, QL_U_DAY, e->index, out));
    (*out)->type = t;
    (*out)->type.nullable = true;
    (*out)->coercibility = t.kind == QL_K_STRING ? 4 : 5;
    return QL_OK;
}

ql_type
qli_json_text_type(void)
{
    ql_type t = ql_type_varchar(UINT32_MAX / 4, ql_coll_utf8mb4_bin);
    t.field = QL_F_LONG_BLOB;
    return t;
}
