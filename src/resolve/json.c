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

ql_type
qli_json_text_type(void)
{
    ql_type t = ql_type_varchar(UINT32_MAX / 4, ql_coll_utf8mb4_bin);
    t.field = QL_F_LONG_BLOB;
    return t;
}
