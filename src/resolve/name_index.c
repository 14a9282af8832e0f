/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of column names with a hash over them, for NATURAL and USING joins: each of thousands of
 * columns is looked for in thousands. In the statement's arena; lives for one call.
 */
#include "resolve/resolve_int.h"

static uint32_t
hash_of(ql_str name)
{
    uint32_t h = 2166136261u; /* FNV-1a over lower case */
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
    }
    return h ^ h >> 15;
}

static ql_str
name_at(const qli_name_index *x, uint32_t i)
{
    return qli_column_name(x->sc, x->names->v[i].source, x->names->v[i].column);
}

ql_status
qli_name_index_make(qli_res *r, const qli_scope *sc, const qli_names *names, qli_name_index *x)
{
    uint32_t n = 16;
    while (n < names->n * 2) {
        n *= 2;
    }
    *x = (qli_name_index){.sc = sc, .names = names, .mask = n - 1};
    x->heads = QL_ARENA_ARRAY(r->cx, r->a, uint32_t, n);
    x->next = QL_ARENA_ARRAY(r->cx, r->a, uint32_t, names->n + 1);
    if (x->heads == NULL || x->next == NULL) {
        return QL_ERROR;
    }
    for (uint32_t i = 0; i < names->n; i++) {
        QL_TRY(ql_bulk_count(r->cx, 64));
        uint32_t *head = &x->heads[hash_of(name_at(x, i)) & x->mask];
        x->next[i] = *head;
        *head = i + 1;
    }
    return QL_OK;
}

ql_status
qli_name_index_find(qli_res *r, const qli_name_index *x, ql_str name, int *at, bool *twice)
{
    *at = -1;
    *twice = false;
    for (uint32_t i = x->heads[hash_of(name) & x->mask]; i != 0; i = x->next[i - 1]) {
        QL_TRY(ql_bulk_count(r->cx, 64));
        if (ql_str_eq_nocase(name_at(x, i - 1), name)) {
            *twice = *at >= 0;
            *at = (int)i - 1;
            if (*twice) {
                break;
            }
        }
    }
    return QL_OK;
}
