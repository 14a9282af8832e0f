/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of byte strings in order (bytesort.h), on top of sort.h and extsort.h. The key's first
 * eight bytes are the prefix of its item; its length goes in front of the value, for the prefix is
 * filled up with zeros.
 */
#include "spool/bytesort.h"

#include <string.h>

#include "base/bulk.h"
#include "base/diag.h"
#include "spool/extsort.h"

#define PREFIX 8u
#define LENGTHS (2 * sizeof(uint32_t)) /* of the key, of the value */

/* Owner: whoever made it. */
struct ql_bytesort {
    size_t budget;
    ql_arena *bytes; /* of the pairs in memory; emptied with each run */
    ql_arena *lists; /* list, other; lists of runs */
    ql_sort_item *list, *other, *sorted;
    size_t n, cap, at;
    size_t taken; /* by the pairs in memory */
    uint64_t count;
    bool spilled, started;
    ql_extsort ext;
    ql_buf key; /* the current one */
};

ql_status
ql_bytesort_new(ql_ctx *cx, ql_arena *a, ql_tapes *file, size_t budget, ql_bytesort **out)
{
    ql_bytesort *s = QL_ARENA_NEW(cx, a, ql_bytesort);
    if (s == NULL) {
        return QL_ERROR;
    }
    s->budget = budget;
    s->bytes = ql_arena_new("sorted bytes", ql_arena_quota(a));
    s->lists = ql_arena_new("sort lists", ql_arena_quota(a));
    s->key.quota = ql_arena_quota(a);
    s->ext = (ql_extsort){.file = file, .mem = s->lists, .budget = budget};
    *out = s;
    return s->bytes != NULL && s->lists != NULL ? QL_OK : ql_fail_oom(cx, sizeof *s);
}

void
ql_bytesort_free(ql_ctx *cx, ql_bytesort *s)
{
    if (s == NULL) {
        return;
    }
    if (s->lists != NULL) {
        ql_extsort_reset(cx, &s->ext);
    }
    ql_buf_free(&s->key);
    ql_arena_free(s->bytes);
    ql_arena_free(s->lists);
    s->bytes = s->lists = NULL;
    s->list = s->other = s->sorted = NULL;
    s->n = s->cap = 0;
}

uint64_t
ql_bytesort_count(const ql_bytesort *s)
{
    return s->count;
}

static ql_status
make_room(ql_ctx *cx, ql_bytesort *s)
{
    if (s->n < s->cap) {
        return QL_OK;
    }
    size_t cap = s->cap > 0 ? s->cap * 2 : 256;
    ql_sort_item *list = ql_arena_alloc(cx, s->lists, cap * sizeof *list);
    ql_sort_item *other = ql_arena_alloc(cx, s->lists, cap * sizeof *other);
    if (list == NULL || other == NULL) {
        return QL_ERROR;
    }
    QL_TRY(ql_bulk_copy(cx, list, s->list, s->n * sizeof *list));
    s->list = list;
    s->other = other;
    s->cap = cap;
    return QL_OK;
}

static size_t
row_bytes(const char *row)
{
    uint32_t len[2];
    memcpy(len, row, LENGTHS);
    return LENGTHS + len[1];
}

/* What is in memory becomes a run. */
static ql_status
write_run(ql_ctx *cx, ql_bytesort *s)
{
    ql_sort_item *sorted;
    QL_TRY(ql_sort_between(cx, s->list, s->other, s->n, &sorted));
    QL_TRY(ql_extsort_run_begin(cx, &s->ext));
    for (size_t i = 0; i < s->n; i++) {
        QL_TRY(
            ql_extsort_run_put(cx, &s->ext, &sorted[i], sorted[i].row, row_bytes(sorted[i].row)));
    }
    QL_TRY(ql_extsort_run_end(cx, &s->ext));
    ql_arena_reset(s->bytes);
    s->n = s->taken = 0;
    s->spilled = true;
    return QL_OK;
}

ql_status
ql_bytesort_add(ql_ctx *cx, ql_bytesort *s, ql_str key, ql_str value)
{
    size_t behind = key.n > PREFIX ? key.n - PREFIX : 0;
    size_t bytes = LENGTHS + value.n + behind;
    if (s->n > 0 && s->taken + bytes + 2 * sizeof(ql_sort_item) > s->budget) {
        QL_TRY(write_run(cx, s));
    }
    QL_TRY(make_room(cx, s));
    char *row = ql_arena_alloc(cx, s->bytes, bytes);
    if (row == NULL) {
        return QL_ERROR;
    }
    uint32_t len[2] = {(uint32_t)key.n, (uint32_t)value.n};
    memcpy(row, len, LENGTHS);
    QL_TRY(ql_bulk_copy(cx, row + LENGTHS, value.p, value.n));
    QL_TRY(ql_bulk_copy(cx, row + LENGTHS + value.n, key.p + (key.n - behind), behind));
    ql_sort_item item = {.key = row + LENGTHS + value.n, .nkey = (uint32_t)behind, .row = row};
    for (size_t i = 0; i < PREFIX; i++) {
        item.prefix = item.prefix << 8 | (i < key.n ? (unsigned char)key.p[i] : 0);
    }
    s->list[s->n++] = item;
    s->taken += bytes + 2 * sizeof item;
    s->count++;
    return QL_OK;
}

ql_status
ql_bytesort_begin(ql_ctx *cx, ql_bytesort *s)
{
    s->started = false;
    s->at = 0;
    if (!s->spilled) {
        s->sorted = s->list;
        return s->n > 0 ? ql_sort_between(cx, s->list, s->other, s->n, &s->sorted) : QL_OK;
    }
    if (s->n > 0) {
        QL_TRY(write_run(cx, s));
    }
    return ql_extsort_begin(cx, &s->ext);
}

static ql_status
put_key(ql_ctx *cx, ql_bytesort *s, const ql_sort_item *item, size_t nkey)
{
    char prefix[PREFIX];
    for (unsigned i = 0; i < PREFIX; i++) {
        prefix[i] = (char)(item->prefix >> (56 - 8 * i));
    }
    ql_buf_clear(&s->key);
    QL_TRY(ql_buf_put(cx, &s->key, prefix, nkey < PREFIX ? nkey : PREFIX));
    return item->nkey > 0 ? ql_buf_put(cx, &s->key, item->key, item->nkey) : QL_OK;
}

static ql_status
next_in_memory(ql_ctx *cx, ql_bytesort *s, const char **row)
{
    uint32_t nkey;
    if (s->at == s->n) {
        return QL_END;
    }
    const ql_sort_item *item = &s->sorted[s->at++];
    *row = item->row;
    memcpy(&nkey, *row, sizeof nkey);
    return put_key(cx, s, item, nkey);
}

static ql_status
next_on_disk(ql_ctx *cx, ql_bytesort *s, const char **row)
{
    const ql_sort_item *item;
    size_t nrow;
    uint32_t nkey;
    if (s->started) {
        QL_TRY(ql_extsort_step(cx, &s->ext));
    }
    s->started = true;
    QL_TRY(ql_extsort_head(cx, &s->ext, &item, &nrow));
    QL_TRY(put_key(cx, s, item, PREFIX)); /* the row's bytes may take the key's place */
    QL_TRY(ql_extsort_view(cx, &s->ext, row));
    memcpy(&nkey, *row, sizeof nkey);
    s->key.n = nkey < s->key.n ? nkey : s->key.n;
    return QL_OK;
}

ql_status
ql_bytesort_next(ql_ctx *cx, ql_bytesort *s, ql_str *key, ql_str *value)
{
    const char *row = NULL;
    uint32_t len[2];
    QL_TRY(s->spilled ? next_on_disk(cx, s, &row) : next_in_memory(cx, s, &row));
    memcpy(len, row, LENGTHS);
    *key = (ql_str){s->key.p, s->key.n};
    *value = (ql_str){row + LENGTHS, len[1]};
    return QL_OK;
}
