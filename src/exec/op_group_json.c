/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON_ARRAYAGG and JSON_OBJECTAGG: the values of a group are kept as documents, one behind the
 * other, and become one at the end. Memory is that of the groups. Runs in the thread of the
 * statement.
 */
#include <string.h>

#include "base/bulk.h"
#include "exec/group_int.h"
#include "json/json.h"

/* Bytes so far: of each value its length (and before it that of its name, and the name). */
struct qli_json_parts {
    char *p;
    size_t n, cap;
};

static ql_status
append(ql_ctx *cx, const qli_agg *a, struct qli_json_parts *j, ql_str s)
{
    uint64_t n = s.n;
    if (j->n + s.n + sizeof n > j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 64;
        cap = cap < j->n + s.n + sizeof n ? j->n + s.n + sizeof n : cap;
        char *p = ql_arena_alloc(cx, a->mem->groups, cap);
        if (p == NULL) {
            return QL_ERROR;
        }
        QL_TRY(ql_bulk_copy(cx, p, j->p, j->n));
        j->p = p;
        j->cap = cap;
    }
    memcpy(j->p + j->n, &n, sizeof n);
    QL_TRY(ql_bulk_copy(cx, j->p + j->n + sizeof n, s.p, s.n));
    j->n += s.n + sizeof n;
    return QL_OK;
}

static ql_str
take(const struct qli_json_parts *j, size_t *at)
{
    uint64_t n;
    memcpy(&n, j->p + *at, sizeof n);
    ql_str s = {j->p + *at + sizeof n, n};
    *at += sizeof n + n;
    return s;
}

static ql_status
append_name(ql_ctx *cx, const qli_agg *a, struct qli_json_parts *j, uint16_t row)
{
    ql_value v;
    ql_str s;
    ql_vector_get(a->cols[0], row, &v);
    if (v.kind == QL_K_NULL) {
        return ql_fail(cx, QL_ER_JSON_DOCUMENT_NULL_KEY);
    }
    QL_TRY(ql_value_to_str(cx, a->scratch, &v, &s));
    return append(cx, a, j, s);
}

static ql_status
append_value(ql_ctx *cx, const qli_agg *a, struct qli_json_parts *j, const ql_vector *col,
             uint16_t row)
{
    ql_value v;
    ql_vector_get(col, row, &v);
    if (v.kind == QL_K_JSON) {
        return append(cx, a, j, v.s);
    }
    ql_json_builder *b = ql_arena_alloc(cx, a->scratch, sizeof *b);
    if (b == NULL) {
        return QL_ERROR;
    }
    ql_json_builder_init(b, cx, a->scratch);
    ql_status st = ql_json_put_value(b, &v, (uint8_t)col->type.field);
    st = st == QL_OK ? append(cx, a, j, ql_json_built(b)) : st;
    ql_json_builder_free(b);
    return st;
}

ql_status
qli_json_agg_one(ql_ctx *cx, const qli_agg *a, qli_agg_state *s, uint16_t row)
{
    if (s->json == NULL) {
        s->json = QL_ARENA_NEW(cx, a->mem->groups, struct qli_json_parts);
        if (s->json == NULL) {
            return QL_ERROR;
        }
    }
    s->count++;
    if (a->def->fn == QL_AGG_JSON_OBJECT) {
        QL_TRY(append_name(cx, a, s->json, row));
    }
    return append_value(cx, a, s->json, a->cols[a->def->nargs - 1], row);
}

static ql_status
build(ql_json_builder *b, const struct qli_json_parts *j, bool is_object)
{
    QL_TRY(ql_json_begin(b, is_object));
    for (size_t at = 0; at < j->n;) {
        ql_json v;
        QL_TRY(ql_bulk_node(b->cx));
        if (is_object) {
            QL_TRY(ql_json_put_key(b, take(j, &at)));
        }
        QL_TRY(ql_json_open(b->cx, take(j, &at), &v));
        QL_TRY(ql_json_put(b, &v));
    }
    return ql_json_end(b);
}

ql_status
qli_json_agg_finish(ql_ctx *cx, const qli_agg *a, const qli_agg_state *s, ql_value *out)
{
    *out = ql_value_null();
    if (s->count == 0) {
        return QL_OK;
    }
    ql_json_builder *b = ql_arena_alloc(cx, a->mem->groups, sizeof *b);
    if (b == NULL) {
        return QL_ERROR;
    }
    ql_str bytes = {0};
    ql_json_builder_init(b, cx, a->mem->groups);
    ql_status st = build(b, s->json, a->def->fn == QL_AGG_JSON_OBJECT);
    st = st == QL_OK ? ql_json_take(b, a->mem->groups, &bytes) : st;
    ql_json_builder_free(b);
    *out = (ql_value){.kind = QL_K_JSON, .s = bytes};
    return st;
}
