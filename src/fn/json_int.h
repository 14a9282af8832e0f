/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON functions share: arguments as documents, values and paths; what one call keeps from
 * row to row (constant arguments are read once, buffers stay).
 */
#ifndef QL_FN_JSON_INT_H
#define QL_FN_JSON_INT_H

#include "fn/fn_int.h"
#include "json/path.h"

typedef struct qli_json_arg {
    bool has_path, has_doc; /* kept: the argument is constant */
    ql_json_path path;
    ql_str doc;
} qli_json_arg;

/* Owner: the call; lives as long as the execution. */
typedef struct qli_json_call {
    ql_ctx *cx;
    ql_call *call;
    const ql_value *values; /* of the row at hand */
    uint32_t n;
    ql_json_builder result, read; /* what is made; an argument while it is read */
    ql_buf text;
    qli_json_arg *args; /* [n] */
} qli_json_call;

/* At the beginning of each call. */
ql_status qli_json_begin(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t n,
                         qli_json_call **out) QL_MUST_USE;
/* "json_extract": as messages call the function. */
const char *qli_json_name(const qli_json_call *j);
/* Argument i, not NULL, as a document: JSON, or text that is read. 3141, 3144, 3146. */
ql_status qli_json_doc(qli_json_call *j, uint32_t i, ql_json *v) QL_MUST_USE;
/* The same; a text that is no JSON is *good false. */
ql_status qli_json_try_doc(qli_json_call *j, uint32_t i, ql_json *v, bool *good) QL_MUST_USE;
/* Argument i as a value in a document: texts are strings, NULL is null. */
ql_status qli_json_value(qli_json_call *j, uint32_t i, ql_json *v) QL_MUST_USE;
/* Argument i, not NULL, as a path. 3143; 3149 if it is to stand for one value. */
ql_status qli_json_path(qli_json_call *j, uint32_t i, bool one,
                        const ql_json_path **path) QL_MUST_USE;
/* 'one' or 'all'; 3154. */
ql_status qli_json_one_or_all(qli_json_call *j, uint32_t i, bool *one) QL_MUST_USE;
/* What was made in j->result, as the result. */
ql_status qli_json_put_result(qli_json_call *j, ql_value *out) QL_MUST_USE;
/* The same of a part of an argument; its bytes are shared. */
static inline ql_status
qli_json_put_part(const ql_json *v, ql_value *out)
{
    *out = (ql_value){.kind = QL_K_JSON, .s = v->bytes};
    return QL_OK;
}
/* j->text as the result, a string. */
ql_status qli_json_put_text(qli_json_call *j, ql_value *out) QL_MUST_USE;

#endif
