/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON functions that change documents: each path and its value in turn, each change seeing the one
 * before. Documents in binary form are not read as text: what is not on a path is copied. Runs in
 * the thread of the statement; no locks, no waits.
 */
#include "fn/json_int.h"

#define BEGIN                                                                                      \
    qli_json_call *j;                                                                              \
    QL_TRY(qli_json_begin(cx, call, args, nargs, &j))

/* The document in doc is changed; it is then in the call's arena. */
static ql_status
change(qli_json_call *j, ql_json *doc, const ql_json_path *path, ql_json_change how,
       const ql_json *value)
{
    ql_str bytes;
    ql_json_builder_clear(&j->result);
    QL_TRY(ql_json_put_changed(&j->result, doc, path, how, value));
    QL_TRY(ql_json_take(&j->result, j->call->arena, &bytes));
    return ql_json_open(j->cx, bytes, doc);
}

/* The last leg has to be a cell: 3165. */
static ql_status
check_cell(qli_json_call *j, const ql_json_path *path)
{
    return path->n > 0 && path->legs[path->n - 1].type == QL_LEG_CELL
               ? QL_OK
               : ql_fail(j->cx, QL_ER_INVALID_JSON_PATH_ARRAY_CELL);
}

/* Pairs of paths and values. */
static ql_status
change_all(ql_ctx *cx, ql_call *call, const ql_value *args, uint32_t nargs, ql_json_change how,
           ql_value *out)
{
    ql_json doc, value;
    BEGIN;
    if (args[0].kind == QL_K_NULL) {
        return QL_OK;
    }
    QL_TRY(qli_json_doc(j, 0, &doc));
    for (uint32_t i = 1; i + 1 < nargs; i += 2) {
        const ql_json_path *path;
        if (args[i].kind == QL_K_NULL) {
            return QL_OK;
        }
        QL_TRY(qli_json_path(j, i, true, &path));
        QL_TRY(how == QL_JSON_INSERT_AT ? check_cell(j, path) : QL_OK);
        QL_TRY(qli_json_value(j, i + 1, &value));
        QL_TRY(change(j, &doc, path, how, &value));
    }
    return qli_json_put_part(&doc, out);
}

QLI_FN(JSON_SET)
{
    return change_all(cx, call, args, nargs, QL_JSON_SET, out);
}

QLI_FN(JSON_INSERT)
{
    return change_all(cx, call, args, nargs, QL_JSON_INSERT, out);
}

QLI_FN(JSON_REPLACE)
{
    return change_all(cx, call, args, nargs, QL_JSON_REPLACE, out);
}

QLI_FN(JSON_ARRAY_APPEND)
{
    return change_all(cx, call, args, nargs, QL_JSON_APPEND, out);
}

QLI_FN(JSON_ARRAY_INSERT)
{
    return change_all(cx, call, args, nargs, QL_JSON_INSERT_AT, out);
}

QLI_FN(JSON_REMOVE)
{
    ql_json doc;
    const ql_json_path *path;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &doc));
    for (uint32_t i = 1; i < nargs; i++) {
        QL_TRY(qli_json_path(j, i, true, &path));
        if (path->n == 0) {
            return ql_fail(cx, QL_ER_JSON_VACUOUS_PATH);
        }
    }
    for (uint32_t i = 1; i < nargs; i++) {
        QL_TRY(qli_json_path(j, i, true, &path));
        QL_TRY(change(j, &doc, path, QL_JSON_REMOVE, NULL));
    }
    return qli_json_put_part(&doc, out);
}

/* ---- merging ---- */

static ql_status
merge(qli_json_call *j, ql_json *doc, const ql_json *other, bool patch)
{
    ql_str bytes;
    ql_json_builder_clear(&j->result);
    QL_TRY(patch ? ql_json_put_patched(&j->result, doc, other)
                 : ql_json_put_merged(&j->result, doc, other));
    QL_TRY(ql_json_take(&j->result, j->call->arena, &bytes));
    return ql_json_open(j->cx, bytes, doc);
}

QLI_FN(JSON_MERGE_PRESERVE)
{
    ql_json doc, other;
    BEGIN;
    QL_TRY(qli_json_doc(j, 0, &doc));
    for (uint32_t i = 1; i < nargs; i++) {
        QL_TRY(qli_json_doc(j, i, &other));
        QL_TRY(merge(j, &doc, &other, false));
    }
    return qli_json_put_part(&doc, out);
}

/* A NULL makes NULL of it, until a document that is no object takes its place. */
QLI_FN(JSON_MERGE_PATCH)
{
    ql_json doc, other;
    BEGIN;
    bool null = args[0].kind == QL_K_NULL;
    QL_TRY(null ? QL_OK : qli_json_doc(j, 0, &doc));
    for (uint32_t i = 1; i < nargs; i++) {
        if (args[i].kind == QL_K_NULL) {
            null = true;
            continue;
        }
        QL_TRY(qli_json_doc(j, i, &other));
        if (other.type != QL_JSON_OBJECT) {
            doc = other;
            null = false;
        } else if (!null) {
            QL_TRY(merge(j, &doc, &other, true));
        }
    }
    return null ? QL_OK : qli_json_put_part(&doc, out);
}
