/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents in documents: JSON_CONTAINS, JSON_OVERLAPS, MEMBER OF. Recursion is bounded by the nest
 * of documents. Looks at the kill flag. No locks, no waits.
 */
#include "base/bulk.h"
#include "json/path.h"

ql_status
ql_json_has_element(ql_ctx *cx, const ql_json *array, const ql_json *what, bool *yes)
{
    int order;
    *yes = false;
    if (array->type != QL_JSON_ARRAY) {
        QL_TRY(ql_json_compare(cx, array, what, &order));
        *yes = order == 0;
        return QL_OK;
    }
    for (uint32_t i = 0; i < array->n && !*yes; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, array, i, &e));
        QL_TRY(ql_json_compare(cx, &e, what, &order));
        *yes = order == 0;
    }
    return QL_OK;
}

/* Some element of the array contains it. */
static ql_status
one_contains(ql_ctx *cx, const ql_json *array, const ql_json *what, bool *yes)
{
    *yes = false;
    for (uint32_t i = 0; i < array->n && !*yes; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, array, i, &e));
        if (what->type == QL_JSON_ARRAY && e.type != QL_JSON_ARRAY) {
            continue;
        }
        QL_TRY(ql_json_contains(cx, &e, what, yes));
    }
    return QL_OK;
}

static ql_status
array_contains(ql_ctx *cx, const ql_json *doc, const ql_json *what, bool *yes)
{
    if (what->type != QL_JSON_ARRAY) {
        return one_contains(cx, doc, what, yes);
    }
    *yes = true;
    for (uint32_t i = 0; i < what->n && *yes; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, what, i, &e));
        QL_TRY(one_contains(cx, doc, &e, yes));
    }
    return QL_OK;
}

static ql_status
object_contains(ql_ctx *cx, const ql_json *doc, const ql_json *what, bool *yes)
{
    *yes = what->type == QL_JSON_OBJECT && what->n <= doc->n;
    for (uint32_t i = 0; *yes && i < what->n; i++) {
        ql_str key;
        uint32_t at;
        ql_json a, b;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_key(cx, what, i, &key));
        QL_TRY(ql_json_find(cx, doc, key, &at, yes));
        if (*yes) {
            QL_TRY(ql_json_at(cx, doc, at, &a));
            QL_TRY(ql_json_at(cx, what, i, &b));
            QL_TRY(ql_json_contains(cx, &a, &b, yes));
        }
    }
    return QL_OK;
}

ql_status
ql_json_contains(ql_ctx *cx, const ql_json *doc, const ql_json *what, bool *yes)
{
    int order;
    if (doc->type == QL_JSON_ARRAY) {
        return array_contains(cx, doc, what, yes);
    }
    if (doc->type == QL_JSON_OBJECT) {
        return object_contains(cx, doc, what, yes);
    }
    *yes = false;
    if (!ql_json_is_container(what)) {
        QL_TRY(ql_json_compare(cx, doc, what, &order));
        *yes = order == 0;
    }
    return QL_OK;
}

static ql_status
arrays_overlap(ql_ctx *cx, const ql_json *x, const ql_json *y, bool *yes)
{
    *yes = false;
    for (uint32_t i = 0; i < y->n && !*yes; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_at(cx, y, i, &e));
        QL_TRY(ql_json_has_element(cx, x, &e, yes));
    }
    return QL_OK;
}

static ql_status
objects_overlap(ql_ctx *cx, const ql_json *x, const ql_json *y, bool *yes)
{
    *yes = false;
    for (uint32_t i = 0; i < y->n && !*yes; i++) {
        ql_str key;
        uint32_t at;
        bool found;
        ql_json a, b;
        int order;
        QL_TRY(ql_bulk_node(cx));
        QL_TRY(ql_json_key(cx, y, i, &key));
        QL_TRY(ql_json_find(cx, x, key, &at, &found));
        if (found) {
            QL_TRY(ql_json_at(cx, x, at, &a));
            QL_TRY(ql_json_at(cx, y, i, &b));
            QL_TRY(ql_json_compare(cx, &a, &b, &order));
            *yes = order == 0;
        }
    }
    return QL_OK;
}

ql_status
ql_json_overlaps(ql_ctx *cx, const ql_json *x, const ql_json *y, bool *yes)
{
    if (y->type == QL_JSON_ARRAY) {
        return arrays_overlap(cx, x, y, yes);
    }
    if (x->type == QL_JSON_OBJECT && y->type == QL_JSON_OBJECT) {
        return objects_overlap(cx, x, y, yes);
    }
    return ql_json_has_element(cx, x, y, yes);
}
