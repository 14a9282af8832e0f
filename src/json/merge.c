/* SPDX-License-Identifier: Apache-2.0
 *
 * Two documents made one: members are in order in both, so that one walk over both does it.
 * Recursion is bounded by the nest of documents. Looks at the kill flag. No locks, no waits.
 */
#include "base/bulk.h"
#include "json/path.h"

/* Members of two objects in order. */
typedef struct pairs {
    ql_ctx *cx;
    const ql_json *x, *y;
    uint32_t i, k;
    ql_str key;
    bool in_x, in_y;
    ql_json a, b;
} pairs;

/* QL_END: no more. */
static ql_status
next_pair(pairs *p)
{
    ql_str l = {0}, r = {0};
    bool left = p->i < p->x->n, right = p->k < p->y->n;
    int order = left ? -1 : 1;
    QL_TRY(ql_bulk_node(p->cx));
    if (!left && !right) {
        return QL_END;
    }
    QL_TRY(left ? ql_json_key(p->cx, p->x, p->i, &l) : QL_OK);
    QL_TRY(right ? ql_json_key(p->cx, p->y, p->k, &r) : QL_OK);
    if (left && right) {
        order = (l.n > r.n) - (l.n < r.n);
        QL_TRY(order == 0 ? ql_bulk_compare(p->cx, l.p, r.p, l.n, &order) : QL_OK);
    }
    p->in_x = order <= 0;
    p->in_y = order >= 0;
    p->key = p->in_x ? l : r;
    QL_TRY(p->in_x ? ql_json_at(p->cx, p->x, p->i++, &p->a) : QL_OK);
    return p->in_y ? ql_json_at(p->cx, p->y, p->k++, &p->b) : QL_OK;
}

static ql_status
put_elements(ql_json_builder *b, const ql_json *v)
{
    if (v->type != QL_JSON_ARRAY) {
        return ql_json_put(b, v);
    }
    for (uint32_t i = 0; i < v->n; i++) {
        ql_json e;
        QL_TRY(ql_bulk_node(b->cx));
        QL_TRY(ql_json_at(b->cx, v, i, &e));
        QL_TRY(ql_json_put(b, &e));
    }
    return QL_OK;
}

ql_status
ql_json_put_merged(ql_json_builder *b, const ql_json *x, const ql_json *y)
{
    if (x->type != QL_JSON_OBJECT || y->type != QL_JSON_OBJECT) {
        QL_TRY(ql_json_begin(b, false));
        QL_TRY(put_elements(b, x));
        QL_TRY(put_elements(b, y));
        return ql_json_end(b);
    }
    pairs p = {.cx = b->cx, .x = x, .y = y};
    ql_status st;
    QL_TRY(ql_json_begin(b, true));
    while ((st = next_pair(&p)) == QL_OK) {
        QL_TRY(ql_json_put_key(b, p.key));
        QL_TRY(p.in_x && p.in_y ? ql_json_put_merged(b, &p.a, &p.b)
                                : ql_json_put(b, p.in_x ? &p.a : &p.b));
    }
    return st == QL_END ? ql_json_end(b) : st;
}

ql_status
ql_json_put_patched(ql_json_builder *b, const ql_json *doc, const ql_json *patch)
{
    static const ql_json nothing = {.type = QL_JSON_OBJECT};
    if (patch->type != QL_JSON_OBJECT) {
        return ql_json_put(b, patch);
    }
    pairs p = {.cx = b->cx, .x = doc->type == QL_JSON_OBJECT ? doc : &nothing, .y = patch};
    ql_status st;
    QL_TRY(ql_json_begin(b, true));
    while ((st = next_pair(&p)) == QL_OK) {
        if (p.in_y && p.b.type == QL_JSON_NULL) {
            continue;
        }
        QL_TRY(ql_json_put_key(b, p.key));
        QL_TRY(p.in_y ? ql_json_put_patched(b, p.in_x ? &p.a : &nothing, &p.b)
                      : ql_json_put(b, &p.a));
    }
    return st == QL_END ? ql_json_end(b) : st;
}
