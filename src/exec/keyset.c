/* SPDX-License-Identifier: Apache-2.0
 *
 * Clustered keys in order (keyset.h).
 */
#include "exec/keyset.h"

#include <string.h>

#include "base/bulk.h"

#define ID_BYTES 4 /* in front of each key: the same in all of them */
#define PREFIX_BYTES 8

ql_status
qli_keyset_init(ql_ctx *cx, ql_run *run, qli_keyset *s)
{
    (void)cx;
    *s = (qli_keyset){0};
    return ql_run_arena(run, "clustered keys", &s->mem);
}

void
qli_keyset_clear(qli_keyset *s)
{
    ql_arena_reset(s->mem);
    s->v = s->tmp = s->sorted = NULL;
    s->n = s->cap = s->at = 0;
}

size_t
qli_keyset_bytes(const qli_keyset *s)
{
    return ql_arena_used(s->mem);
}

static ql_status
make_room(ql_ctx *cx, qli_keyset *s)
{
    if (s->n < s->cap) {
        return QL_OK;
    }
    size_t cap = s->cap > 0 ? s->cap * 2 : 64;
    ql_sort_item *v = ql_arena_alloc(cx, s->mem, cap * sizeof *v);
    ql_sort_item *tmp = ql_arena_alloc(cx, s->mem, cap * sizeof *tmp);
    if (v == NULL || tmp == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(cx, v, s->v, s->n * sizeof *v));
    s->v = v;
    s->tmp = tmp;
    s->cap = cap;
    return QL_OK;
}

/* Kept: its length, then its bytes. */
ql_status
qli_keyset_add(ql_ctx *cx, qli_keyset *s, ql_str key)
{
    uint32_t n = (uint32_t)key.n;
    unsigned char first[PREFIX_BYTES] = {0};
    QL_TRY(make_room(cx, s));
    char *p = ql_arena_alloc(cx, s->mem, sizeof n + key.n);
    if (p == NULL) {
        return QL_ERROR;
    }
    memcpy(p, &n, sizeof n);
    memcpy(p + sizeof n, key.p, key.n); /* a stored key: at most 3,500 bytes */
    size_t behind = key.n - ID_BYTES;
    size_t in_prefix = behind < PREFIX_BYTES ? behind : PREFIX_BYTES;
    memcpy(first, key.p + ID_BYTES, in_prefix);
    uint64_t prefix = 0;
    for (int i = 0; i < PREFIX_BYTES; i++) {
        prefix = prefix << 8 | first[i];
    }
    s->v[s->n++] = (ql_sort_item){.prefix = prefix,
                                  .key = p + sizeof n + ID_BYTES + in_prefix,
                                  .nkey = (uint32_t)(behind - in_prefix),
                                  .row = p};
    return QL_OK;
}

ql_status
qli_keyset_sort(ql_ctx *cx, qli_keyset *s)
{
    s->at = 0;
    s->sorted = s->v;
    return s->n > 1 ? ql_sort_between(cx, s->v, s->tmp, s->n, &s->sorted) : QL_OK;
}

static ql_str
key_of(const ql_sort_item *i)
{
    uint32_t n;
    memcpy(&n, i->row, sizeof n);
    return (ql_str){(char *)i->row + sizeof n, n};
}

ql_status
qli_keyset_next(ql_ctx *cx, qli_keyset *s, size_t times, ql_str *key)
{
    while (s->at < s->n) {
        size_t same = 1;
        *key = key_of(&s->sorted[s->at]);
        QL_TRY(ql_bulk_node(cx));
        while (s->at + same < s->n && s->sorted[s->at + same].prefix == s->sorted[s->at].prefix &&
               ql_str_cmp(key_of(&s->sorted[s->at + same]), *key) == 0) {
            same++;
        }
        s->at += same;
        if (same >= times) {
            return QL_OK;
        }
    }
    return QL_END;
}
