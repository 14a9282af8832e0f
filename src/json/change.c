/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents changed at a path: the arrays and objects on the path are written anew, what is in them
 * beside the path is copied as it is, without looking into it. Recursion is bounded by the nest of
 * documents. Looks at the kill flag. No locks, no waits.
 */
#include "base/bulk.h"
#include "json/path.h"

typedef struct changer {
    ql_json_builder *b;
    const ql_json_path *path;
    ql_json_change change;
    const ql_json *value;
} changer;

static ql_status put_at(changer *w, const ql_json *v, uint32_t i);

static ql_status
put_element(changer *w, const ql_json *v, uint32_t k)
{
    ql_json e;
    QL_TRY(ql_bulk_node(w->b->cx));
    QL_TRY(ql_json_at(w->b->cx, v, k, &e));
    return ql_json_put(w->b, &e);
}

static ql_status
put_member(changer *w, const ql_json *v, uint32_t k)
{
    ql_str key;
    QL_TRY(ql_json_key(w->b->cx, v, k, &key));
    QL_TRY(ql_json_put_key(w->b, key));
    return put_element(w, v, k);
}

static ql_status
put_elements(changer *w, const ql_json *v, uint32_t from, uint32_t to)
{
    for (uint32_t k = from; k < to; k++) {
        QL_TRY(v->type == QL_JSON_OBJECT ? put_member(w, v, k) : put_element(w, v, k));
    }
    return QL_OK;
}

/* [v, value], or the other way round. */
static ql_status
put_pair(changer *w, const ql_json *v, bool value_first)
{
    QL_TRY(ql_json_begin(w->b, false));
    QL_TRY(ql_json_put(w->b, value_first ? w->value : v));
    QL_TRY(ql_json_put(w->b, value_first ? v : w->value));
    return ql_json_end(w->b);
}

/* An array with the value before element k. */
static ql_status
put_with(changer *w, const ql_json *v, uint32_t k)
{
    QL_TRY(ql_json_begin(w->b, false));
    QL_TRY(put_elements(w, v, 0, k));
    QL_TRY(ql_json_put(w->b, w->value));
    QL_TRY(put_elements(w, v, k, v->n));
    return ql_json_end(w->b);
}

/* What the path leads to. */
static ql_status
put_target(changer *w, const ql_json *v)
{
    switch (w->change) {
    case QL_JSON_SET:
    case QL_JSON_REPLACE:
        return ql_json_put(w->b, w->value);
    case QL_JSON_APPEND:
        return v->type == QL_JSON_ARRAY ? put_with(w, v, v->n) : put_pair(w, v, false);
    case QL_JSON_INSERT:
    case QL_JSON_REMOVE:
    case QL_JSON_INSERT_AT:
        break;
    }
    return ql_json_put(w->b, v);
}

/* Element or member k is on the path. */
static ql_status
put_through(changer *w, const ql_json *v, uint32_t k, uint32_t i)
{
    ql_json e;
    bool is_object = v->type == QL_JSON_OBJECT;
    QL_TRY(ql_json_begin(w->b, is_object));
    QL_TRY(put_elements(w, v, 0, k));
    if (w->change != QL_JSON_REMOVE || i + 1 < w->path->n) {
        if (is_object) {
            ql_str key;
            QL_TRY(ql_json_key(w->b->cx, v, k, &key));
            QL_TRY(ql_json_put_key(w->b, key));
        }
        QL_TRY(ql_json_at(w->b->cx, v, k, &e));
        QL_TRY(put_at(w, &e, i + 1));
    }
    QL_TRY(put_elements(w, v, k + 1, v->n));
    return ql_json_end(w->b);
}

static bool
adds(const changer *w, uint32_t i)
{
    return i + 1 == w->path->n && (w->change == QL_JSON_SET || w->change == QL_JSON_INSERT);
}

static ql_status
put_at_member(changer *w, const ql_json *v, uint32_t i)
{
    const ql_json_leg *leg = &w->path->legs[i];
    uint32_t k;
    bool found;
    if (v->type != QL_JSON_OBJECT) {
        return ql_json_put(w->b, v);
    }
    QL_TRY(ql_json_find(w->b->cx, v, leg->name, &k, &found));
    if (found) {
        return put_through(w, v, k, i);
    }
    if (!adds(w, i)) {
        return ql_json_put(w->b, v);
    }
    QL_TRY(ql_json_begin(w->b, true));
    QL_TRY(put_elements(w, v, 0, k));
    QL_TRY(ql_json_put_key(w->b, leg->name));
    QL_TRY(ql_json_put(w->b, w->value));
    QL_TRY(put_elements(w, v, k, v->n));
    return ql_json_end(w->b);
}

/* The cell of what is no array is the value itself: over such legs. */
static ql_status
stay(const changer *w, const ql_json *v, uint32_t *i)
{
    bool at_last = w->change == QL_JSON_REMOVE || w->change == QL_JSON_INSERT_AT;
    uint32_t n = w->path->n - (at_last ? 1 : 0);
    while (v->type != QL_JSON_ARRAY && *i < n && w->path->legs[*i].type == QL_LEG_CELL &&
           w->path->legs[*i].from.index == 0) {
        ++*i;
        QL_TRY(ql_bulk_count(w->b->cx, sizeof(ql_json_leg)));
    }
    return QL_OK;
}

/* A cell of what is no array, beside that value. */
static ql_status
put_at_cell_of_one(changer *w, const ql_json *v, uint32_t i)
{
    const ql_json_cell *c = &w->path->legs[i].from;
    bool last = i + 1 == w->path->n;
    if (last && (w->change == QL_JSON_REMOVE || w->change == QL_JSON_INSERT_AT)) {
        return ql_json_put(w->b, v);
    }
    return adds(w, i) ? put_pair(w, v, c->from_last) : ql_json_put(w->b, v);
}

static ql_status
put_at_cell(changer *w, const ql_json *v, uint32_t i)
{
    const ql_json_cell *c = &w->path->legs[i].from;
    if (v->type != QL_JSON_ARRAY) {
        return put_at_cell_of_one(w, v, i);
    }
    bool in = c->index < v->n;
    uint32_t k = c->from_last ? in ? v->n - 1 - c->index : 0 : in ? c->index : v->n;
    if (w->change == QL_JSON_INSERT_AT && i + 1 == w->path->n) {
        return put_with(w, v, k);
    }
    if (in) {
        return put_through(w, v, k, i);
    }
    return adds(w, i) ? put_with(w, v, k) : ql_json_put(w->b, v);
}

static ql_status
put_at(changer *w, const ql_json *v, uint32_t i)
{
    QL_TRY(stay(w, v, &i));
    return i == w->path->n                          ? put_target(w, v)
           : w->path->legs[i].type == QL_LEG_MEMBER ? put_at_member(w, v, i)
                                                    : put_at_cell(w, v, i);
}

ql_status
ql_json_put_changed(ql_json_builder *b, const ql_json *doc, const ql_json_path *path,
                    ql_json_change change, const ql_json *value)
{
    changer w = {.b = b, .path = path, .change = change, .value = value};
    return put_at(&w, doc, 0);
}
