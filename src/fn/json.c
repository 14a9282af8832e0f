/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON functions that make documents and say what they are; those with paths are in json_path.c,
 * those that change documents in json_change.c. Runs in the thread of the statement; no locks, no
 * waits.
 */
#include "fn/json_int.h"

#define BEGIN                                                                                      \
    qli_json_call *j;                                                                              \
    QL_TRY(qli_json_begin(cx, call, args, nargs, &j))

QLI_FN(JSON_ARRAY)
{
    BEGIN;
    QL_TRY(ql_json_begin(&j->result, false));
    for (uint32_t i = 0; i < nargs; i++) {
        ql_json v;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(qli_json_value(j, i, &v));
        QL_TRY(ql_json_put(&j->result, &v));
    }
    QL_TRY(ql_json_end(&j->result));
    return qli_json_put_result(j, out);
}

/* A name: the text of any value. */
static ql_status
put_name(qli_json_call *j, uint32_t i)
{
    const ql_value *v = &j->values[i];
    ql_str s;
    if (v->kind == QL_K_NULL) {
        return ql_fail(j->cx, QL_ER_JSON_DOCUMENT_NULL_KEY);
    }
    if (v->kind == QL_K_JSON) {
        ql_json doc;
        ql_buf_clear(&j->text);
        QL_TRY(ql_json_open(j->cx, v->s, &doc));
        QL_TRY(ql_json_print_plain(j->cx, &doc, &j->text));
        s = (ql_str){j->text.p, j->text.n};
    } else {
        QL_TRY(ql_value_to_str(j->cx, j->call->arena, v, &s));
    }
    if (v->kind == QL_K_STRING && v->coll == ql_coll_binary) {
        return ql_fail(j->cx, QL_ER_INVALID_JSON_CHARSET, "binary");
    }
    return ql_json_put_key(&j->result, s);
}

QLI_FN(JSON_OBJECT)
{
    BEGIN;
    QL_TRY(ql_json_begin(&j->result, true));
    for (uint32_t i = 0; i + 1 < nargs; i += 2) {
        ql_json v;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(put_name(j, i));
        QL_TRY(qli_json_value(j, i + 1, &v));
        QL_TRY(ql_json_put(&j->result, &v));
    }
    QL_TRY(ql_json_end(&j->result));
    return qli_json_put_result(j, out);
}

QLI_FN(JSON_QUOTE)
{
    BEGIN;
    if (args[0].kind != QL_K_STRING) {
        return ql_fail(cx, QL_ER_INCORRECT_TYPE, "1", "json_quote");
    }
    QL_TRY(ql_json_print_quoted(cx, args[0].s, &j->text));
    return qli_json_put_text(j, out);
}

QLI_FN(JSON_UNQUOTE)
{
    ql_json v;
    BEGIN;
    const ql_value *x = &args[0];
    if (x->kind != QL_K_STRING && x->kind != QL_K_JSON) {
        return ql_fail(cx, QL_ER_INCORRECT_TYPE, "1", "json_unquote");
    }
    if (x->kind == QL_K_STRING && (x->s.n < 2 || x->s.p[0] != '"' || x->s.p[x->s.n - 1] != '"')) {
        return qli_put_str(call, out, x->s.p, x->s.n);
    }
    QL_TRY(qli_json_doc(j, 0, &v));
    if (v.type == QL_JSON_STRING) {
        return qli_put_str(call, out, v.s.p, v.s.n);
    }
    QL_TRY(ql_json_print_plain(cx, &v, &j->text));
    return qli_json_put_text(j, out);
}

QLI_FN(JSON_VALID)
{
    ql_json v;
    bool good = false;
    BEGIN;
    if (args[0].kind == QL_K_JSON) {
        return qli_put_int(out, 1);
    }
    if (args[0].kind == QL_K_STRING && args[0].coll != ql_coll_binary) {
        ql_status st = qli_json_try_doc(j, 0, &v, &good);
        const ql_condition *c = st == QL_ERROR ? ql_diag_error(cx->diag) : NULL;
        if (c != NULL && c->number == QL_ER_JSON_DOCUMENT_TOO_DEEP) {
            ql_diag_clear_error(cx->diag);
            st = QL_OK;
            good = false;
        }
        QL_TRY(st);
    }
    return qli_put_int(out, good);
}

QLI_FN(JSON_TYPE)
{
    ql_json v;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &v));
    const char *name = ql_json_type_name(&v);
    return qli_put_str(call, out, name, strlen(name));
}

QLI_FN(JSON_DEPTH)
{
    ql_json v;
    unsigned depth;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &v));
    QL_TRY(ql_json_depth(cx, &v, &depth));
    return qli_put_int(out, depth);
}

/* The document, or what is at the path that is argument 1. */
static ql_status
part(qli_json_call *j, ql_json *v, bool *found)
{
    const ql_json_path *path;
    ql_json doc;
    *found = true;
    QL_TRY(qli_json_doc(j, 0, &doc));
    *v = doc;
    if (j->n < 2) {
        return QL_OK;
    }
    QL_TRY(qli_json_path(j, 1, true, &path));
    return ql_json_seek_one(j->cx, &doc, path, v, found);
}

QLI_FN(JSON_LENGTH)
{
    ql_json v;
    bool found;
    BEGIN;
    QL_TRY(part(j, &v, &found));
    return found ? qli_put_int(out, ql_json_is_container(&v) ? v.n : 1) : QL_OK;
}

QLI_FN(JSON_KEYS)
{
    ql_json v;
    bool found;
    BEGIN;
    QL_TRY(part(j, &v, &found));
    if (!found || v.type != QL_JSON_OBJECT) {
        return QL_OK;
    }
    QL_TRY(ql_json_begin(&j->result, false));
    for (uint32_t i = 0; i < v.n; i++) {
        ql_str key;
        QL_TRY(ql_json_key(cx, &v, i, &key));
        QL_TRY(ql_json_put_str(&j->result, key));
    }
    QL_TRY(ql_json_end(&j->result));
    return qli_json_put_result(j, out);
}

QLI_FN(JSON_PRETTY)
{
    ql_json v;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &v));
    QL_TRY(ql_json_print_pretty(cx, &v, &j->text));
    return qli_json_put_text(j, out);
}

QLI_FN(JSON_STORAGE_SIZE)
{
    ql_json v;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &v));
    return qli_put_int(out, (int64_t)v.bytes.n);
}

/* A change writes a document anew, without gaps. */
QLI_FN(JSON_STORAGE_FREE)
{
    ql_json v;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &v));
    return qli_put_int(out, 0);
}
